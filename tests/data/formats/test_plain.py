"""The user's own tables: names of any style, units that must be said, totals refused."""

import datetime as dt
import re
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.data.formats.plain import read_daily_prices, read_production, read_suppliers
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

PRODUCTION = """commodity,country,production_t,stage,year,basis,source
Tin,DR Congo,25000,mine,2024,contained metal,own-survey
tin,NA,10.5,mine,2024,contained metal,own-survey
TIN,Other countries,300,mine,2024,contained metal,own-survey
Rare earths,China,1000,refinery,2023,,
"""
SUPPLIERS = """supplier,country,commodity,share,smelter_id
Smelter North,IDN,tin,0.25,CID001
Smelter South,Bolivia,tin,0.5,
Trader East,China,Aluminum,1,
"""
PRICES = """date,price_usd_per_t
2025-03-20,35000
2025-03-19,34250.5
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text, *, name="own.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_text


@pytest.fixture
def workbook(tmp_path):
    def write_rows(*rows, sheet="Sheet1", more=()):
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        page = book.active
        page.title = sheet
        for row in rows:
            page.append(row)
        for name, others in more:
            page = book.create_sheet(name)
            for row in others:
                page.append(row)
        path = tmp_path / "own.xlsx"
        book.save(path)
        return path

    return write_rows


def faults(read, path, **options):
    with pytest.raises(InvalidInputError) as caught:
        read(path, **options)
    assert caught.value.what == str(path)
    return {fault.field: fault.rule for fault in caught.value.faults}


def rows_of(text):
    return [line.split(",") for line in text.strip().splitlines()]


def test_production_becomes_the_librarys_table(write):
    table = read_production(write(PRODUCTION))
    assert table.dtypes.to_dict() == {c.name: c.dtype for c in schema("production").columns}
    assert schema("production").check(table, what="production").equals(table)
    tin = table[table["commodity"] == "tin"].set_index("country")
    assert tin["production_t"].to_dict() == {"COD": 25_000.0, "NAM": 10.5, "ZZZ": 300.0}
    earths = table[table["commodity"] == "rare_earths"].iloc[0]
    assert (earths["stage"], earths["year"], earths["country"]) == ("refinery", 2023, "CHN")
    assert (earths["basis"], earths["source_id"]) == ("not stated", "own")
    assert table["standing"].unique().tolist() == ["reported"]


def test_what_rows_do_not_say_is_said_for_the_file(write):
    path = write("commodity,country,production_t\ntin,PER,31000\n")
    table = read_production(path, year=2023, stage="refinery")
    assert table[["year", "stage"]].to_numpy().tolist() == [[2023, "refinery"]]
    assert "year=" in faults(read_production, path)["column year"]
    with pytest.raises(ValueError, match="stage must be one of mine, refinery"):
        read_production(path, year=2023, stage="smelter")
    with pytest.raises(ValueError, match="year must be a whole number"):
        read_production(path, year=2023.5)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("COD", "COD"), ("CD", "COD"), ("180", "COD"), ("Democratic Republic of the Congo", "COD"),
        ("Côte d'Ivoire", "CIV"), ("NA", "NAM"), ("4", "AFG"), ("ZZZ", "ZZZ"),
        ("rest of the World", "ZZZ"), ("Others", "ZZZ"),
    ],
)  # fmt: skip
def test_countries_may_be_written_in_any_style(write, text, code):
    path = write(f"commodity,country,production_t,year\ntin,{text},5,2024\n")
    assert read_production(path)["country"].tolist() == [code]


@pytest.mark.parametrize("total", ["World", "TOTAL", "World total", "WLD", " global "])
def test_totals_are_refused(write, total):
    path = write(PRODUCTION + f"tin,{total},300000,mine,2024,,\n")
    found = faults(read_production, path)
    assert found == {
        "line 6, column country": (
            "must be a country, not a total: leave totals out, the rows are added up"
        )
    }


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        ("tin,Congo,5", "column country", "ambiguous: say COD"),
        ("tin,Peruu,5", "column country", "did you mean PER"),
        ("tin,,5", "column country", "must be given"),
        ("tinn,PER,5", "column commodity", "did you mean 'tin'"),
        ("coltan,PER,5", "column commodity", "must be one of"),
        ("tin,PER,-5", "column production_t", ">= 0"),
        ("tin,PER,", "column production_t", "must be given"),
        ('tin,PER,"1,500"', "column production_t", "marks between the thousands"),
        ('tin,PER,"1,5"', "column production_t", "decimal=','"),
        ("tin,PER,3 kt", "column production_t", "without a unit"),
        ("tin,PER,nan", "column production_t", "number"),
    ],
)
def test_a_wrong_cell_is_named(write, row, field, rule):
    path = write(f"commodity,country,production_t\ntin,COD,1\n{row}\n")
    assert rule in faults(read_production, path, year=2024)[f"line 3, {field}"]


def test_all_wrong_cells_are_named_at_once(write):
    path = write("commodity,country,production_t\ntinn,Congo,-1\ntin,World,x\n")
    assert list(faults(read_production, path, year=2024)) == [
        "line 2, column production_t",
        "line 2, column country",
        "line 2, column commodity",
        "line 3, column production_t",
        "line 3, column country",
    ]


def test_units_stand_in_the_names_of_columns(write):
    found = faults(read_production, write("commodity,country,production_kt\ntin,PER,5\n"))
    assert "did you mean 'production_t'" in found["column production_kt"]
    assert found["column production_t"] == "must be given"
    twice = faults(read_production, write("commodity,country,country,production_t\ntin,P,P,5\n"))
    assert twice == {"column country": "must not be given twice"}


def test_one_country_by_two_names_is_one_country(write):
    path = write(PRODUCTION + "\ntin,COD,1,mine,2024,,own-survey\n")
    found = faults(read_production, path)
    assert list(found) == ["line 7"]
    assert found["line 7"].endswith("of line 2")


def test_shuffled_rows_and_columns_give_the_same_table(write):
    wanted = read_production(write(PRODUCTION))
    header, *rows = rows_of(PRODUCTION)
    moved = "\n".join(",".join(row[::-1]) for row in [header, *rows[::-1]])
    assert read_production(write(moved)).equals(wanted)


def test_tables_from_spreadsheets_are_read(write):
    wanted = read_production(write(PRODUCTION))
    semicolons = PRODUCTION.replace(",", ";").replace("10.5", "10,5") + ";;;;;;\n"
    assert read_production(write(semicolons), decimal=",").equals(wanted)
    assert read_production(write(PRODUCTION.replace(",", "\t"), encoding="utf-16")).equals(wanted)
    accents = write("commodity,country,production_t,year\ntin,Türkiye,1,2024\n", encoding="cp1252")
    assert read_production(accents, encoding="cp1252")["country"].tolist() == ["TUR"]
    assert "cp1252" in next(iter(faults(read_production, accents).values()))
    with pytest.raises(ValueError, match="decimal must be"):
        read_production(semicolons, decimal=";")


@pytest.mark.parametrize("read", [read_production, read_suppliers, read_daily_prices])
def test_other_files_are_refused(write, read):
    assert "web page" in faults(read, write("<html></html>"))["file"]
    assert "empty" in faults(read, write(""))["file"]
    assert "whole Excel workbook" in faults(read, write("PK\x03\x04 cut", name="own.xlsx"))["file"]
    assert "longer" in next(iter(faults(read, write("x" * 2_000_000)).values()))
    with pytest.raises(FileNotFoundError):
        read("no-such-file.csv")


def test_production_from_a_workbook(write, workbook):
    wanted = read_production(write(PRODUCTION))
    header, *rows = rows_of(PRODUCTION)
    cells = [
        [row[0], row[1], float(row[2]), row[3], int(row[4]), *(text or None for text in row[5:])]
        for row in rows
    ]
    path = workbook(["notes"], more=[("2024", [[], header, *cells])])
    assert read_production(path, sheet="2024").equals(wanted)
    assert read_production(path, sheet="2024", decimal=",").equals(wanted)
    with pytest.raises(InvalidInputError, match="must be one of Sheet1, 2024"):
        read_production(path, sheet="2025")


def test_cells_of_a_workbook_are_named_by_row_and_letter(workbook):
    path = workbook(
        ["commodity", "country", "production_t", "year"],
        ["tin", "COD", 5, 2024],
        ["tin", "World", "five", 2024],
        ["tin", "Zaire or so", 5, 2024],
    )
    found = faults(read_production, path)
    assert list(found) == [
        "sheet Sheet1, row 3, column C (production_t)",
        "sheet Sheet1, row 3, column B (country)",
        "sheet Sheet1, row 4, column B (country)",
    ]
    again = workbook(
        ["commodity", "country", "production_t", "year"],
        ["tin", "COD", 5, 2024],
        ["tin", "DR Congo", 5, 2024],
    )
    assert faults(read_production, again)["sheet Sheet1, row 3"].endswith("of row 2")
    wide = workbook(["commodity", "country", "production_t"], ["tin", "COD", 5, 2024])
    assert "3 cells" in faults(read_production, wide)["sheet Sheet1, row 2"]
    assert "header" in faults(read_production, workbook())["sheet Sheet1"]


@pytest.mark.parametrize("read", [read_production, read_suppliers, read_daily_prices])
def test_without_openpyxl_the_error_names_the_extra(workbook, monkeypatch, read):
    path = workbook(["commodity"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"supplyrisk\[io\]"):
        read(path)


def test_suppliers_with_shares(write):
    table = read_suppliers(write(SUPPLIERS))
    assert table.dtypes.to_dict() == {c.name: c.dtype for c in schema("suppliers").columns}
    assert schema("suppliers").check(table, what="suppliers").equals(table)
    assert table["supplier"].tolist() == ["Smelter North", "Smelter South", "Trader East"]
    assert table["country"].tolist() == ["IDN", "BOL", "CHN"]
    assert table["commodity"].tolist() == ["tin", "tin", "aluminium"]
    assert table["share"].tolist() == [0.25, 0.5, 1.0]
    assert table["smelter_id"].isna().tolist() == [False, True, True]
    assert table["supply_t"].isna().all()


@pytest.mark.parametrize("name", ["supply_t", "tonnes"])
def test_suppliers_with_tonnes(write, name):
    path = write(f"supplier,country,commodity,{name},site_id\nA,PER,tin,120.5,san-rafael\n")
    table = read_suppliers(path)
    assert table["supply_t"].tolist() == [120.5]
    assert table["site_id"].tolist() == ["san-rafael"]
    assert table["share"].isna().all()


@pytest.mark.parametrize("name", ["share_pct", "percent", "share (%)", "Share in percent"])
def test_columns_of_percentages_are_refused_with_a_hint(write, name):
    path = write(f"supplier,country,commodity,{name}\nA,PER,tin,25\n")
    assert faults(read_suppliers, path) == {
        f"column {name}": "must be called share and hold fractions: 25 % is 0.25"
    }


@pytest.mark.parametrize(
    ("share", "rule"),
    [
        ("25", "25 % is 0.25"),
        ("25%", "not a percentage"),
        ("-0.1", "25 % is 0.25"),
        ("", "must be given"),
        ("NA", "number"),
    ],
)
def test_shares_are_fractions(write, share, rule):
    path = write(f"supplier,country,commodity,share\nA,PER,tin,{share}\n")
    assert rule in faults(read_suppliers, path)["line 2, column share"]


def test_exactly_one_of_share_and_tonnes(write):
    both = write("supplier,country,commodity,share,supply_t\nA,PER,tin,0.5,3\n")
    assert "exactly one" in faults(read_suppliers, both)["columns share and supply_t"]
    none = write("supplier,country,commodity\nA,PER,tin\n")
    assert "exactly one" in faults(read_suppliers, none)["columns share and supply_t"]
    twice = write("supplier,country,commodity,tonnes,supply_t\nA,PER,tin,3,3\n")
    assert "twice" in faults(read_suppliers, twice)["column supply_t"]


def test_shares_sum_to_at_most_one(write):
    rows = [f"S{place},PER,tin,0.1" for place in range(10)]
    text = "\n".join(["supplier,country,commodity,share", *rows])
    assert read_suppliers(write(text))["share"].sum() == pytest.approx(1.0)
    found = faults(read_suppliers, write(text + "\nS,IDN,cassiterite,0.01"))
    assert found == {"column share": "must sum to at most 1 for tin"}


def test_one_supplier_may_stand_twice_but_not_for_the_same(write):
    text = "supplier,country,commodity,share,smelter_id\nA,PER,tin,0.5,x\nA,PER,tin,0.2,y\n"
    assert len(read_suppliers(write(text))) == 2
    assert list(faults(read_suppliers, write(text + "A,Peru,Tin,0.1,y\n"))) == ["line 4"]


def test_daily_prices(write):
    table = read_daily_prices(write(PRICES))
    assert table.dtypes.to_dict() == {c.name: c.dtype for c in schema("daily_prices").columns}
    assert table["date"].tolist() == [pd.Timestamp(2025, 3, 19), pd.Timestamp(2025, 3, 20)]
    assert table["price_usd_per_t"].tolist() == [34_250.5, 35_000.0]


@pytest.mark.parametrize(
    ("unit", "factor"), [("USD/t", 1.0), ("USD/kg", 1_000.0), ("USD/lb", 2_204.622621848776)]
)
def test_prices_are_converted(write, unit, factor):
    path = write(f"date,price,unit\n2025-03-20,12.5,{unit}\n")
    price = read_daily_prices(path)["price_usd_per_t"].tolist()
    assert price == pytest.approx([12.5 * factor], rel=1e-15)


@pytest.mark.parametrize("unit", ["EUR/t", "USc/lb", "USD", "usd/t", ""])
def test_other_units_are_refused(write, unit):
    path = write(f"date,price,unit\n2025-03-20,12.5,{unit}\n")
    rule = faults(read_daily_prices, path)["line 2, column unit"]
    assert "must be" in rule


def test_a_price_without_a_unit_is_refused(write):
    text = "must be price_usd_per_t, or price with its unit beside it"
    for header in ("date,price", "date,unit", "date", "date,price_usd_per_t,price,unit"):
        path = write(header + "\n" + ",".join(["1"] * (header.count(",") + 1)) + "\n")
        assert faults(read_daily_prices, path)["columns of the price"] == text
    euros = write("date,price_eur_per_t\n2025-03-20,5\n")
    assert "is not part of" in faults(read_daily_prices, euros)["column price_eur_per_t"]


def test_dates_in_other_styles_need_their_format(write):
    text = "date;price_usd_per_t\n20.03.2025;35000,5\n19.03.2025;34000\n"
    table = read_daily_prices(write(text), date_format="%d.%m.%Y", decimal=",")
    assert table["price_usd_per_t"].tolist() == [34_000.0, 35_000.5]
    found = faults(read_daily_prices, write(text), decimal=",")
    assert "year-month-day" in found["line 2, column date"]
    found = faults(read_daily_prices, write(text), date_format="%m/%d/%Y", decimal=",")
    assert found["line 2, column date"] == "must be a date written as %m/%d/%Y"


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        ("2025-03-20,5", "line 4", "of line 2"),
        ("2025-02-30,5", "line 4, column date", "exists"),
        ("2025-03-21 12:00,5", "line 4, column date", "year-month-day"),
        ("45737,5", "line 4, column date", "year-month-day"),
        (",5", "line 4, column date", "must be given"),
        ("2025-03-21,0", "line 4, column price_usd_per_t", "> 0"),
        ("2025-03-21,-5", "line 4, column price_usd_per_t", "> 0"),
        ("2025-03-21,", "line 4, column price_usd_per_t", "must be given"),
        ("2025-03-21,n/a", "line 4, column price_usd_per_t", "leave the cell empty"),
    ],
)
def test_a_wrong_price_is_named(write, row, field, rule):
    assert rule in faults(read_daily_prices, write(PRICES + row + "\n"))[field]


def test_prices_and_suppliers_from_a_workbook(workbook):
    prices = workbook(
        ["date", "price", "unit"],
        [dt.datetime(2025, 3, 20), 35, "USD/kg"],  # noqa: DTZ001 - as a workbook has it
        [dt.date(2025, 3, 19), 34.5, "USD/kg"],
    )
    assert read_daily_prices(prices)["price_usd_per_t"].tolist() == [34_500.0, 35_000.0]
    assert len(read_daily_prices(prices, date_format="%d.%m.%Y")) == 2
    hour = workbook(
        ["date", "price_usd_per_t"],
        [dt.datetime(2025, 3, 20, 12), 35],  # noqa: DTZ001 - as a workbook has it
    )
    assert "sheet Sheet1, row 2, column A (date)" in faults(read_daily_prices, hour)
    suppliers = workbook(["supplier", "country", "commodity", "share"], ["A", "PER", "tin", 0.5])
    assert read_suppliers(suppliers)["share"].tolist() == [0.5]


days = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))
# Three decimals after one to three digits may be thousands, and are refused.
prices = st.floats(1e-6, 1e9, allow_subnormal=False).filter(
    lambda price: not re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", repr(price))
)


@given(st.dictionaries(days, prices, min_size=1, max_size=10), st.sampled_from([".", ","]))
def test_prices_come_back_as_they_were(tmp_path_factory, table, mark):
    path = tmp_path_factory.mktemp("plain") / "prices.csv"
    lines = [f"{day:%d/%m/%Y};{repr(price).replace('.', mark)}" for day, price in table.items()]
    path.write_text("\n".join(["date;price_usd_per_t", *lines]), encoding="utf-8")
    read = read_daily_prices(path, date_format="%d/%m/%Y", decimal=mark)
    wanted = [price for _, price in sorted(table.items())]
    assert read["price_usd_per_t"].tolist() == wanted
    assert read["date"].dt.date.tolist() == sorted(table)


def test_thousands_between_semicolons_are_not_read_as_small_numbers(tmp_path):
    path = tmp_path / "mines.csv"
    path.write_text("commodity;country;production_t\ntin;PER;25.000\ntin;COD;17.5\n")
    with pytest.raises(InvalidInputError) as caught:
        read_production(path, year=2024)
    assert [(fault.field, fault.value) for fault in caught.value.faults] == [
        ("line 2, column production_t", "25.000")
    ]
    path.write_text("commodity;country;production_t\ntin;PER;25000\ntin;COD;0.125\n")
    assert read_production(path, year=2024)["production_t"].tolist() == [0.125, 25_000.0]
