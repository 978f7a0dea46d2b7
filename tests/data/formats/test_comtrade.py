"""UN Comtrade: reports of both sides, sums and parts left out, two generations of columns."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.data.formats.comtrade import read_comtrade
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

PUBLISHED = (
    "typeCode,freqCode,refPeriodId,refYear,refMonth,period,reporterCode,reporterISO,reporterDesc,"
    "flowCode,flowDesc,partnerCode,partnerISO,partnerDesc,partner2Code,partner2ISO,partner2Desc,"
    "classificationCode,classificationSearchCode,isOriginalClassification,cmdCode,cmdDesc,"
    "aggrLevel,isLeaf,customsCode,customsDesc,mosCode,motCode,motDesc,qtyUnitCode,qtyUnitAbbr,qty,"
    "isQtyEstimated,altQtyUnitCode,altQtyUnitAbbr,altQty,isAltQtyEstimated,netWgt,"
    "isNetWgtEstimated,grossWgt,isGrossWgtEstimated,cifvalue,fobvalue,primaryValue,"
    "legacyEstimationFlag,isReported,isAggregate"
)
PUBLISHED_BEFORE = (
    "Classification,Year,Period,Period Desc.,Aggregate Level,Is Leaf Code,Trade Flow Code,"
    "Trade Flow,Reporter Code,Reporter,Reporter ISO,Partner Code,Partner,Partner ISO,"
    "2nd Partner Code,2nd Partner,2nd Partner ISO,Customs Proc. Code,Customs,"
    "Mode of Transport Code,Mode of Transport,Commodity Code,Commodity,Qty Unit Code,Qty Unit,Qty,"
    "Alt Qty Unit Code,Alt Qty Unit,Alt Qty,Netweight (kg),Gross weight (kg),Trade Value (US$),"
    "CIF Trade Value (US$),FOB Trade Value (US$),Flag"
)
NEW = PUBLISHED.split(",")
OLD = PUBLISHED_BEFORE.split(",")


def new(**values):
    """One row of the site's export, invented: China imports tin ore from Myanmar."""
    row = dict.fromkeys(NEW, "") | {
        "typeCode": "C",
        "freqCode": "A",
        "refPeriodId": "20230101",
        "refYear": "2023",
        "refMonth": "52",
        "period": "2023",
        "reporterCode": "156",
        "reporterISO": "CHN",
        "reporterDesc": "China",
        "flowCode": "M",
        "flowDesc": "Import",
        "partnerCode": "104",
        "partnerISO": "MMR",
        "partnerDesc": "Myanmar",
        "partner2Code": "0",
        "partner2ISO": "W00",
        "partner2Desc": "World",
        "classificationCode": "H6",
        "classificationSearchCode": "HS",
        "isOriginalClassification": "true",
        "cmdCode": "260900",
        "cmdDesc": "Tin ores and concentrates",
        "aggrLevel": "6",
        "isLeaf": "true",
        "customsCode": "C00",
        "customsDesc": "TOTAL CPC",
        "mosCode": "0",
        "motCode": "0",
        "motDesc": "TOTAL MOT",
        "qtyUnitCode": "8",
        "qtyUnitAbbr": "kg",
        "qty": "1000",
        "isQtyEstimated": "false",
        "altQtyUnitCode": "-1",
        "altQtyUnitAbbr": "N/A",
        "isAltQtyEstimated": "false",
        "netWgt": "1234500",
        "isNetWgtEstimated": "false",
        "isGrossWgtEstimated": "false",
        "cifvalue": "9876543.21",
        "primaryValue": "9876543.21",
        "legacyEstimationFlag": "0",
        "isReported": "true",
        "isAggregate": "false",
    }
    return row | values


def old(**values):
    """One row of the older export, invented."""
    row = dict.fromkeys(OLD, "") | {
        "Classification": "H5",
        "Year": "2019",
        "Period": "2019",
        "Period Desc.": "2019",
        "Aggregate Level": "6",
        "Is Leaf Code": "1",
        "Trade Flow Code": "2",
        "Trade Flow": "Export",
        "Reporter Code": "360",
        "Reporter": "Indonesia",
        "Reporter ISO": "IDN",
        "Partner Code": "702",
        "Partner": "Singapore",
        "Partner ISO": "SGP",
        "Commodity Code": "800110",
        "Commodity": "Tin; unwrought, not alloyed",
        "Qty Unit Code": "8",
        "Qty Unit": "Weight in kilograms",
        "Qty": "5000",
        "Netweight (kg)": "5000",
        "Trade Value (US$)": "95000",
        "Flag": "0",
    }
    names = {"code": "Commodity Code", "flow": "Trade Flow Code", "partner": "Partner Code"}
    return row | {names.get(name, name): value for name, value in values.items()}


@pytest.fixture
def export(tmp_path):
    def write(*rows, columns=None, encoding="utf-8", trailing=True):
        columns = columns or (OLD if "Period Desc." in rows[0] else NEW)
        path = tmp_path / "TradeData.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            file.write(",".join(columns) + "\r\n")
            for row in rows:
                # As the site does: what is given is quoted, and each row ends in a comma.
                cells = [f'"{row[name]}"' if row[name] else "" for name in columns]
                file.write(",".join(cells) + ("," if trailing else "") + "\r\n")
        return path

    return write


def faults(path, **options):
    with pytest.raises(InvalidInputError) as caught:
        read_comtrade(path, **options)
    return {fault.field: fault.rule for fault in caught.value.faults}


def test_the_schemas_are_the_published_columns():
    assert schema("comtrade", of="formats").names == NEW
    assert schema("comtrade_legacy", of="formats").names == OLD


def test_imports_and_exports_become_the_table_of_trade(export):
    path = export(
        new(),
        new(
            flowCode="X", flowDesc="Export", partnerCode="842", partnerDesc="USA", cmdCode="800110",
            cifvalue="", fobvalue="500", primaryValue="500", netWgt="250", isNetWgtEstimated="true",
        ),
    )  # fmt: skip
    trade = read_comtrade(path)
    assert trade.dtypes.to_dict() == {c.name: c.dtype for c in schema("trade").columns}
    bare = trade.copy()
    bare.attrs = {}
    assert schema("trade").check(trade, what="trade").equals(bare)
    out, into = trade.to_dict("records")
    assert (into["exporter"], into["importer"], into["reported_by"]) == ("MMR", "CHN", "importer")
    assert (into["value_usd"], into["quantity_t"]) == (9_876_543.21, 1_234.5)
    assert (out["exporter"], out["importer"], out["reported_by"]) == ("CHN", "USA", "exporter")
    assert (out["value_usd"], out["quantity_t"]) == (500.0, 0.25)
    assert trade["quantity_estimated"].tolist() == [True, False]
    assert trade["hs_edition"].unique().tolist() == ["HS 2022"]
    assert trade["source_id"].unique().tolist() == ["un-comtrade"]
    assert trade["month"].isna().all()
    assert set(trade.attrs["left_out"].values()) == {0}


def test_the_older_export_is_read_too(export):
    path = export(old(), old(code="260900", flow="1"), old(partner="0"), old(flow="3"))
    trade = read_comtrade(path)
    assert trade[["exporter", "importer", "hs_code", "reported_by"]].to_numpy().tolist() == [
        ["IDN", "SGP", "800110", "exporter"],
        ["SGP", "IDN", "260900", "importer"],
    ]
    assert trade["quantity_t"].tolist() == [5.0, 5.0]
    assert trade["hs_edition"].unique().tolist() == ["HS 2017"]
    assert trade["quantity_estimated"].isna().all()
    left_out = trade.attrs["left_out"]
    assert (left_out["partner_totals"], left_out["parts_of_flows"]) == (1, 1)


def test_goods_as_reported_have_no_edition(export):
    assert read_comtrade(export(old(Classification="HS")))["hs_edition"].isna().all()


@pytest.mark.parametrize(("letter", "edition"), [("H0", 1992), ("H2", 2002), ("H4", 2012)])
def test_letters_name_editions(export, letter, edition):
    trade = read_comtrade(export(new(classificationCode=letter)))
    assert trade["hs_edition"].tolist() == [f"HS {edition}"]


def test_sums_and_parts_are_left_out(export):
    path = export(
        new(),
        new(partnerCode="0", partnerISO="W00", partnerDesc="World"),
        new(partnerCode="97", partnerDesc="European Union"),
        new(flowCode="RM"),
        new(flowCode="RX"),
        new(cmdCode="TOTAL", aggrLevel="0"),
        new(cmdCode="26", aggrLevel="2"),
        new(motCode="2100"),
        new(customsCode="C01"),
        new(partner2Code="702"),
    )
    trade = read_comtrade(path)
    assert len(trade) == 1
    assert trade.attrs["left_out"] == {
        "parts_of_flows": 2,
        "reporter_totals": 0,
        "partner_totals": 2,
        "wider_codes": 2,
        "breakdowns": 3,
    }


def test_rows_by_transport_without_their_sum_are_refused(export):
    found = faults(export(new(motCode="2100"), new(motCode="1000"), new(cmdCode="800110")))
    assert set(found) == {"line 2, column cmdCode", "line 3, column cmdCode"}
    assert "without it" in found["line 2, column cmdCode"]


def test_the_world_alone_is_refused(export):
    found = faults(export(new(partnerCode="0")))
    assert found == {
        "file": "must hold flows between two areas, of goods by codes of 4 or 6 digits"
    }


def test_codes_are_chosen(export):
    path = export(new(), new(cmdCode="2609"), new(cmdCode="800110"), new(cmdCode="TOTAL"))
    assert read_comtrade(path, hs_codes=["2609"])["hs_code"].tolist() == ["2609", "260900"]
    assert read_comtrade(path, hs_codes=["800110"])["hs_code"].tolist() == ["800110"]
    assert len(read_comtrade(path, hs_codes=["2611"])) == 0
    with pytest.raises(ValueError, match="4 or 6 digits"):
        read_comtrade(path, hs_codes=["80"])


def test_a_lost_leading_zero_comes_back(export):
    assert read_comtrade(export(new(cmdCode="10121")))["hs_code"].tolist() == ["010121"]


def test_months_are_read(export):
    month = new(freqCode="M", refMonth="3", period="202303", refPeriodId="20230301")
    trade = read_comtrade(export(month))
    assert trade[["year", "month"]].to_numpy().tolist() == [[2023, 3]]
    found = faults(export(month, new()))
    assert found == {"column period": "must not mix months with years: they would be counted twice"}


def test_numbers_of_areas_are_not_those_of_iso(export):
    pairs = [("842", "USA"), ("251", "FRA"), ("699", "IND"), ("490", "TWN"), ("178", "COG")]
    trade = read_comtrade(export(*(new(partnerCode=number) for number, _ in pairs)))
    assert set(trade["exporter"]) == {code for _, code in pairs}


def test_remainders_are_added_up(export):
    path = export(
        new(partnerCode="899", partnerISO="_X ", netWgt="1000", primaryValue="10"),
        new(partnerCode="837", netWgt="3000", primaryValue="20", isNetWgtEstimated="true"),
        new(partnerCode="577", netWgt="", primaryValue="30", cmdCode="800110"),
        new(partnerCode="568", netWgt="7", primaryValue="30", cmdCode="800110"),
    )
    ore, metal = read_comtrade(path).to_dict("records")
    assert (ore["exporter"], ore["value_usd"], ore["quantity_t"]) == ("ZZZ", 30.0, 4.0)
    assert ore["quantity_estimated"] is True
    assert metal["value_usd"] == 60.0
    assert np.isnan(metal["quantity_t"])


def test_no_weight_is_missing_and_nought_beside_a_value_too(export):
    path = export(
        new(netWgt=""), new(netWgt="0", partnerCode="180"), new(netWgt="0.0", partnerCode="8")
    )
    assert read_comtrade(path)["quantity_t"].isna().all()


def test_shuffled_rows_and_columns_give_the_same_table(export):
    rows = [new(), new(partnerCode="180"), new(flowCode="X"), new(cmdCode="800110")]
    wanted = read_comtrade(export(*rows))
    assert read_comtrade(export(*rows[::-1], columns=NEW[::-1])).equals(wanted)


def test_columns_that_are_not_needed_may_be_missing(export):
    needed = [
        "refYear", "period", "typeCode", "reporterCode", "flowCode", "partnerCode",
        "classificationCode", "cmdCode", "netWgt", "primaryValue",
    ]  # fmt: skip
    trade = read_comtrade(export(new(), columns=needed))
    assert trade["quantity_t"].tolist() == [1_234.5]
    assert trade["quantity_estimated"].isna().all()
    for name in needed:
        rest = [column for column in needed if column != name]
        assert f"column {name}" in faults(export(new(), columns=rest))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_names_with_accents_do_not_matter(export, encoding):
    row = new(partnerCode="384", partnerDesc="Côte d'Ivoire")
    assert read_comtrade(export(row, encoding=encoding))["exporter"].tolist() == ["CIV"]


def test_what_pandas_saved_is_read(export, tmp_path):
    row = new(isNetWgtEstimated="False", partner2Code="0.0", motCode="0.0", isReported="True")
    path = tmp_path / "api.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", *NEW])
        writer.writerow(["0", *(row[name] for name in NEW)])
    assert read_comtrade(path)["quantity_estimated"].tolist() == [False]


@pytest.mark.parametrize(
    ("values", "field", "rule"),
    [
        ({"netWgt": "-1"}, "line 3, column netWgt", ">= 0"),
        ({"netWgt": "1.234,5"}, "line 3, column netWgt", "number"),
        ({"netWgt": "NA"}, "line 3, column netWgt", "leave the cell empty"),
        ({"primaryValue": ""}, "line 3, column primaryValue", "must be given"),
        ({"partnerCode": "MMR"}, "line 3, column partnerCode", "whole number"),
        ({"partnerCode": "998"}, "line 3, column partnerCode", "area code of UN Comtrade"),
        ({"reporterCode": "99999"}, "line 3, column reporterCode", "area code of UN Comtrade"),
        ({"typeCode": "S"}, "line 3, column typeCode", "trade in goods"),
        ({"classificationCode": "S4"}, "line 3, column classificationCode", "Harmonized System"),
        ({"flowCode": "Q"}, "line 3, column flowCode", "M or X"),
        ({"period": "2023Q1"}, "line 3, column period", "year and month"),
        ({"period": "2022"}, "line 3, column period", "year of its row"),
        ({"cmdCode": "2609.00"}, "line 3, column cmdCode", "4 or 6 digits"),
        ({"cmdCode": "26090010"}, "line 3, column cmdCode", "4 or 6 digits"),
        ({"isNetWgtEstimated": "maybe"}, "line 3, column isNetWgtEstimated", "true or false"),
    ],
)
def test_a_wrong_cell_is_named(export, values, field, rule):
    assert rule in faults(export(new(partnerCode="4"), new(**values)))[field]


def test_a_repeated_flow_is_refused(export):
    found = faults(export(new(), new(partnerCode="180"), new(netWgt="5")))
    assert list(found) == ["line 4"]
    assert found["line 4"].endswith("of line 2")


def test_other_files_are_refused(export, tmp_path):
    page = tmp_path / "TradeData.csv"
    page.write_text("<html>sign in</html>", encoding="utf-8")
    assert "web page" in faults(page)["file"]
    page.write_text("country,tonnes\nCHN,5\n", encoding="utf-8")
    assert "part of UN Comtrade" in faults(page)["column cmdCode"]


flows = st.tuples(
    st.sampled_from(["156", "842"]),
    st.sampled_from(["M", "X"]),
    st.sampled_from(["104", "180", "251"]),
    st.sampled_from(["260900", "800110", "2611"]),
)


@given(st.dictionaries(flows, st.none() | st.integers(1, 10**9), min_size=1, max_size=12))
def test_no_flow_is_lost_and_none_made_up(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("comtrade") / "TradeData.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NEW)
        writer.writeheader()
        for (reporter, flow, partner, code), kilograms in table.items():
            weight = "" if kilograms is None else str(kilograms)
            writer.writerow(
                new(
                    reporterCode=reporter, flowCode=flow, partnerCode=partner, cmdCode=code,
                    netWgt=weight,
                )
            )  # fmt: skip
    trade = read_comtrade(path)
    assert len(trade) == len(table)
    assert (trade["reported_by"] == "importer").sum() == sum(flow == "M" for _, flow, *_ in table)
    known = [kilograms for kilograms in table.values() if kilograms is not None]
    assert trade["quantity_t"].sum() == pytest.approx(sum(known) / 1000)
