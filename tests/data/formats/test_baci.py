"""BACI: thousands become dollars, NA is no country, numbers are those of UN Comtrade."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.data.formats import _areas
from supplyrisk.data.formats.baci import read_baci
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

HEADER = "t,i,j,k,v,q"
ROWS = [
    "2023,104,156,260900,1520.5,987.25",
    "2023,180,156,260900,310,NA",
    "2023,180,156,282200,42.001,9.5",
    "2023,360,702,800110,77.125,3.002",
    "2023,516,842,261210,5000,1.25",
    "2023,842,251,010121,11.5,0.4",
]
COUNTRIES = """country_code,country_name,country_iso2,country_iso3
104,Myanmar,MM,MMR
490,"Other Asia, nes",,S19
516,Namibia,NA,NAM
697,"Europe EFTA, nes",,R20
995,Atlantis,AT,ATA
"""


@pytest.fixture
def baci(tmp_path):
    def write(rows=ROWS, *, name="BACI_HS22_Y2023_V202501.csv", header=HEADER, encoding="utf-8"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
        return path

    return write


def faults(path, **options):
    with pytest.raises(InvalidInputError) as caught:
        read_baci(path, **options)
    assert str(path) in str(caught.value)
    return {fault.field: fault.rule for fault in caught.value.faults}


def test_a_file_becomes_the_table_of_trade(baci):
    trade = read_baci(baci())
    assert trade.dtypes.to_dict() == {c.name: c.dtype for c in schema("trade").columns}
    assert schema("trade").check(trade, what="trade").equals(trade)
    row = trade.set_index(["exporter", "hs_code"]).loc[("MMR", "260900")]
    assert row["importer"] == "CHN"
    assert row["value_usd"] == 1_520_500.0
    assert row["quantity_t"] == 987.25
    assert (row["year"], row["hs_edition"], row["release"]) == (2023, "HS 2022", "202501")
    assert (row["reported_by"], row["source_id"]) == ("both", "cepii-baci")
    assert trade["month"].isna().all()
    assert trade["quantity_estimated"].isna().all()


def test_na_is_a_missing_quantity_and_516_is_namibia(baci):
    trade = read_baci(baci()).set_index(["exporter", "hs_code"])
    assert np.isnan(trade.loc[("COD", "260900"), "quantity_t"])
    assert trade.loc[("NAM", "261210"), "importer"] == "USA"
    assert trade.loc[("USA", "010121"), "importer"] == "FRA"


@pytest.mark.parametrize("spelling", ["10121", "010121", "  10121", " 010121 "])
def test_a_lost_leading_zero_comes_back(baci, spelling):
    path = baci([f"2023,842,251,{spelling},11.5,0.4"])
    assert read_baci(path)["hs_code"].tolist() == ["010121"]
    assert len(read_baci(path, hs_codes=["010121"])) == 1
    assert len(read_baci(path, hs_codes=["0101"])) == 1
    assert len(read_baci(path, hs_codes=["101210"])) == 0


def test_codes_are_chosen_while_reading(baci):
    path = baci()
    assert set(read_baci(path, hs_codes=["2609", "800110"])["hs_code"]) == {"260900", "800110"}
    assert set(read_baci(path, hs_codes=pd.Series(["282200"]))["hs_code"]) == {"282200"}
    none = read_baci(path, hs_codes=["2611"])
    assert len(none) == 0
    assert none.dtypes.to_dict() == {c.name: c.dtype for c in schema("trade").columns}


def test_codes_must_be_codes(baci):
    with pytest.raises(TypeError, match="collection of codes"):
        read_baci(baci(), hs_codes="2609")
    with pytest.raises(ValueError, match="4 or 6 digits"):
        read_baci(baci(), hs_codes=["2609.00"])
    with pytest.raises(ValueError, match="4 or 6 digits"):
        read_baci(baci(), hs_codes=[260900])
    with pytest.raises(ValueError, match="leave it out for all"):
        read_baci(baci(), hs_codes=[])


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (842, "USA"), (251, "FRA"), (699, "IND"), (757, "CHE"), (579, "NOR"), (381, "ITA"),
        (380, "ITA"), (490, "TWN"), (178, "COG"), (180, "COD"), (58, "BEL"), (56, "BEL"),
        (4, "AFG"), (736, "SDN"), (729, "SDN"), (849, "UMI"), (711, "ZAF"), (280, "DEU"),
        (697, "ZZZ"), (530, "ZZZ"), (891, "ZZZ"), (899, "ZZZ"), (837, "ZZZ"),
    ],
)  # fmt: skip
def test_numbers_of_areas(number, code):
    assert _areas.area_code(str(number)) == code


def test_areas_without_a_code_are_added_up(baci):
    path = baci(
        [
            "2023,697,156,260900,10,1",
            "2023,849,156,260900,5,NA",
            "2023,899,156,260900,20,3",
            "2023,899,156,800110,20,3",
            "2023,530,156,800110,1,2",
        ]
    )
    trade = read_baci(path).set_index(["exporter", "hs_code"])
    assert len(trade) == 3
    assert trade.loc[("ZZZ", "800110"), ["value_usd", "quantity_t"]].tolist() == [21_000.0, 5.0]
    assert trade.loc[("ZZZ", "260900"), "value_usd"] == 30_000.0
    assert trade.loc[("ZZZ", "260900"), "quantity_t"] == 4.0
    assert np.isnan(trade.loc[("UMI", "260900"), "quantity_t"])


def test_a_sum_with_a_missing_part_is_missing(baci):
    trade = read_baci(baci(["2023,697,156,260900,10,1", "2023,899,156,260900,5,NA"]))
    assert trade["value_usd"].tolist() == [15_000.0]
    assert trade["quantity_t"].isna().tolist() == [True]


def test_shuffled_rows_and_columns_give_the_same_table(baci):
    wanted = read_baci(baci())
    order = [3, 5, 0, 1, 4, 2]
    moved = [",".join(row.split(",")[place] for place in order) for row in ROWS[::-1]]
    header = ",".join(HEADER.split(",")[place] for place in order)
    assert read_baci(baci(moved, header=header)).equals(wanted)


def test_older_releases_pad_their_numbers(baci):
    path = baci(
        ["2018,104,156,260900,      1520.500,       987.250", "2018,180,156,260900,  310,      NA"],
        name="BACI_HS17_Y2018_V202001.csv",
    )
    trade = read_baci(path)
    assert trade["quantity_t"].tolist()[0] == pytest.approx(np.nan, nan_ok=True)
    assert trade["hs_edition"].unique().tolist() == ["HS 2017"]
    assert sorted(trade["value_usd"]) == [310_000.0, 1_520_500.0]


@pytest.mark.parametrize(
    ("name", "edition", "release"),
    [
        ("BACI_HS92_Y2023_V202501.csv", "HS 1992", "202501"),
        ("BACI_HS02_Y2023_V202401b.csv", "HS 2002", "202401b"),
        ("trade.csv", None, None),
    ],
)
def test_edition_and_release_come_from_the_name(baci, name, edition, release):
    trade = read_baci(baci(name=name))
    for column, value in (("hs_edition", edition), ("release", release)):
        known = trade[column].dropna().unique().tolist()
        assert known == ([] if value is None else [value])


def test_the_file_of_countries_names_new_areas(baci, tmp_path):
    path = baci(["2023,995,156,260900,10,1", "2023,490,697,260900,10,1"])
    assert "column i" in next(iter(faults(path)))
    given = tmp_path / "country_codes_V202501.csv"
    given.write_text(COUNTRIES, encoding="utf-8")
    trade = read_baci(path, countries_file=given)
    assert trade[["exporter", "importer"]].to_numpy().tolist() == [["ATA", "CHN"], ["TWN", "ZZZ"]]


def test_the_older_file_of_countries_is_read_too(baci, tmp_path):
    given = tmp_path / "country_codes_V202201.csv"
    header = (
        "country_code,country_name_abbreviation,country_name_full,iso_2digit_alpha,iso_3digit_alpha"
    )
    rows = ["384,Côte d'Ivoire,Côte d'Ivoire,CI,CIV", "995,Atlantis,Atlantis,N/A,N/A"]
    given.write_bytes("\n".join([header, *rows]).encode("cp1252"))
    trade = read_baci(baci(["2023,995,384,260900,10,1"]), countries_file=given)
    assert trade[["exporter", "importer"]].to_numpy().tolist() == [["ZZZ", "CIV"]]
    given.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="country_iso3"):
        read_baci(baci(), countries_file=given)


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        ("2023,104,156,260900,-1,2", "line 3, column v", ">= 0"),
        ("2023,104,156,260900,1,-2", "line 3, column q", ">= 0"),
        ("2023,104,156,260900,NA,2", "line 3, column v", "number"),
        ("2023,104,156,260900,,2", "line 3, column v", "must be given"),
        ("2023,104,156,260900,1,inf", "line 3, column q", "number"),
        ("2023,104,156,260900,1e999,1", "line 3, column v", "finite"),
        ('2023,104,156,260900,"1,5",2', "line 3, column v", "decimal point"),
        ("2023,104,156,260900,1_000,2", "line 3, column v", "number"),
        ("2023,MMR,156,260900,1,2", "line 3, column i", "whole number"),
        ("2023,1040,156,260900,1,2", "line 3, column i", "3 digits"),
        ("2023,104,156,26.0900,1,2", "line 3, column k", "6 digits"),
        ("2023,104,156,2609,1,2", "line 3, column k", "6 digits"),
        ("2023,104,156,TOTAL,1,2", "line 3, column k", "6 digits"),
        ("23,104,156,260900,1,2", "line 3, column t", "1500"),
        ("2022,104,156,260900,1,2", "line 3, column t", "name of the file, 2023"),
        ("2023,104,0,260900,1,2", "line 3, column j", "area code of BACI"),
        ("2023,999,156,260900,1,2", "line 3, column i", "countries_file="),
        ("2023,104,156,260900,1", "line 3", "6 fields"),
    ],
)
def test_a_wrong_cell_is_named(baci, row, field, rule):
    found = faults(baci(["2023,842,251,800110,1,2", row]))
    assert rule in found[field]


def test_a_wrong_cell_is_named_though_others_are_passed_over(baci):
    path = baci(["2023,842,251,800110,1,2", "2023,842,251,xyz,1,2"])
    assert "line 3, column k" in faults(path, hs_codes=["8001"])


def test_a_repeated_flow_is_refused(baci):
    found = faults(baci([*ROWS, ROWS[0]]))
    assert found == {"line 8": "must not repeat the t, i, j, k of line 2"}


def test_a_flow_repeated_far_away_is_refused(baci):
    codes = iter(range(100_000, 999_999))
    rows = [f"2023,104,156,{next(codes)},1,1" for _ in range(100_001)]
    assert faults(baci([*rows, rows[0]])) == {
        "line 100003": "must not repeat the t, i, j, k of line 2"
    }


def test_missing_columns_are_named(baci):
    found = faults(baci(["2023,104,156,260900,1"], header="t,i,j,k,v"))
    assert found == {"column q": found["column q"]}
    assert "part of BACI" in found["column q"]


def test_other_files_are_refused(baci, tmp_path):
    page = tmp_path / "BACI_HS22_Y2023_V202501.csv"
    page.write_text("<!doctype html><html>not logged in</html>", encoding="utf-8")
    assert "web page" in faults(page)["file"]
    page.write_bytes(b"PK\x03\x04rest of a zip")
    assert "zip" in faults(page)["file"]
    page.write_bytes(b"")
    assert "empty" in faults(page)["file"]
    page.write_text("x" * 2_000_000, encoding="utf-8")
    assert "longer" in faults(page)["line 1"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_encodings_are_understood(baci, encoding):
    assert read_baci(baci(encoding=encoding)).equals(read_baci(baci()))


def test_semicolons_are_understood(baci):
    wanted = read_baci(baci())
    moved = [row.replace(",", ";") for row in ROWS]
    assert read_baci(baci(moved, header=HEADER.replace(",", ";"))).equals(wanted)


EXPORTERS = {104: "MMR", 156: "CHN", 180: "COD", 360: "IDN", 516: "NAM", 842: "USA"}
IMPORTERS = {4: "AFG", 251: "FRA", 699: "IND", 757: "CHE"}
flows = st.tuples(
    st.sampled_from(sorted(EXPORTERS)),
    st.sampled_from(sorted(IMPORTERS)),
    st.sampled_from(["260900", "800110", "010121"]),
)
amounts = st.integers(0, 10**9)


@given(st.dictionaries(flows, st.tuples(amounts, st.none() | amounts), min_size=1, max_size=20))
def test_what_is_written_is_read(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("baci") / "BACI_HS12_Y2020_V202501.csv"
    lines = [
        f"2020,{i},{j},{k},{v / 1000},{'NA' if q is None else q / 1000}"
        for (i, j, k), (v, q) in table.items()
    ]
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    trade = read_baci(path).set_index(["exporter", "importer", "hs_code"])
    assert len(trade) == len(table)
    for (i, j, k), (value, quantity) in table.items():
        row = trade.loc[(EXPORTERS[i], IMPORTERS[j], k)]
        assert row["value_usd"] == pytest.approx(value)
        tonnes = np.nan if quantity is None else quantity / 1000
        assert row["quantity_t"] == pytest.approx(tonnes, nan_ok=True)


def large_file(path, n_rows):
    """Write flows of 5,000 codes between 20 areas, tin ore among them."""
    rng = np.random.default_rng(5)
    codes = [260_900, *rng.choice(np.arange(300_000, 970_000), 4_999, replace=False)]
    areas = [4, 8, 12, 24, 32, 36, 40, 44, 48, 50, 51, 52, 56, 60, 64, 68, 70, 72, 76, 84]
    pairs = ((i, j) for i in areas for j in areas)
    flows = ((i, j, code) for i, j in pairs for code in codes)
    with path.open("w", encoding="ascii") as file:
        file.write(HEADER + "\n")
        for number, (i, j, code) in zip(range(n_rows), flows, strict=False):
            file.write(f"2023,{i},{j},{code:06d},{number % 997}.5,{number % 89}.25\n")


def peak_of_reading(path, **options):
    tracemalloc.start()
    try:
        trade = read_baci(path, **options)
        return len(trade), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_passed_over_is_not_held(tmp_path):
    path = tmp_path / "BACI_HS22_Y2023_V202501.csv"
    large_file(path, 30_000)
    kept, peak = peak_of_reading(path, hs_codes=["2609"])
    assert kept == 6
    assert peak < 4_000_000


@pytest.mark.verification
def test_a_million_rows_are_passed_over_in_little_memory(tmp_path):
    path = tmp_path / "BACI_HS22_Y2023_V202501.csv"
    large_file(path, 1_000_000)
    kept, peak = peak_of_reading(path, hs_codes=["2609"])
    assert kept == 200
    assert peak < 4_000_000
