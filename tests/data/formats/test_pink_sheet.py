import datetime as dt
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.data.cells import DATE, TEXT
from supplyrisk.data.formats.pink_sheet import read_pink_sheet
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

openpyxl = pytest.importorskip("openpyxl")

# All columns as published, in order.
COLUMNS = {
    "Crude oil, average": "($/bbl)",
    "Crude oil, Brent": "($/bbl)",
    "Crude oil, Dubai": "($/bbl)",
    "Crude oil, WTI": "($/bbl)",
    "Coal, Australian": "($/mt)",
    "Coal, South African **": "($/mt)",
    "Natural gas, US": "($/mmbtu)",
    "Natural gas, Europe": "($/mmbtu)",
    "Liquefied natural gas, Japan": "($/mmbtu)",
    "Natural gas index": "(2010=100)",
    "Cocoa": "($/kg)",
    "Coffee, Arabica": "($/kg)",
    "Coffee, Robusta": "($/kg)",
    "Tea, avg 3 auctions": "($/kg)",
    "Tea, Colombo": "($/kg)",
    "Tea, Kolkata": "($/kg)",
    "Tea, Mombasa": "($/kg)",
    "Coconut oil": "($/mt)",
    "Groundnuts": "($/mt)",
    "Fish meal": "($/mt)",
    "Groundnut oil **": "($/mt)",
    "Palm oil": "($/mt)",
    "Palm kernel oil": "($/mt)",
    "Soybeans": "($/mt)",
    "Soybean oil": "($/mt)",
    "Soybean meal": "($/mt)",
    "Rapeseed oil": "($/mt)",
    "Sunflower oil": "($/mt)",
    "Barley": "($/mt)",
    "Maize": "($/mt)",
    "Sorghum": "($/mt)",
    "Rice, Thai 5% ": "($/mt)",
    "Rice, Thai 25% ": "($/mt)",
    "Rice, Thai A.1": "($/mt)",
    "Rice, Viet Namese 5%": "($/mt)",
    "Wheat, US SRW": "($/mt)",
    "Wheat, US HRW": "($/mt)",
    "Banana, Europe": "($/kg)",
    "Banana, US": "($/kg)",
    "Orange": "($/kg)",
    "Beef **": "($/kg)",
    "Chicken **": "($/kg)",
    "Lamb **": "($/kg)",
    "Shrimps, Mexican": "($/kg)",
    "Sugar, EU": "($/kg)",
    "Sugar, US": "($/kg)",
    "Sugar, world": "($/kg)",
    "Tobacco, US import u.v.": "($/mt)",
    "Logs, Cameroon": "($/cubic meter)",
    "Logs, Malaysian": "($/cubic meter)",
    "Sawnwood, Cameroon": "($/cubic meter)",
    "Sawnwood, Malaysian": "($/cubic meter)",
    "Plywood": "(cents/sheet)",
    "Cotton, A Index": "($/kg)",
    "Rubber, TSR20 **": "($/kg)",
    "Rubber, RSS3": "($/kg)",
    "Phosphate rock": "($/mt)",
    "DAP": "($/mt)",
    "TSP": "($/mt)",
    "Urea ": "($/mt)",
    "Potassium chloride **": "($/mt)",
    "Aluminum": "($/mt)",
    "Iron ore, cfr spot": "($/dmtu)",
    "Copper": "($/mt)",
    "Lead": "($/mt)",
    "Tin": "($/mt)",
    "Nickel": "($/mt)",
    "Zinc": "($/mt)",
    "Gold": "($/troy oz)",
    "Platinum": "($/troy oz)",
    "Silver": "($/troy oz)",
}
METALS = {
    "aluminium": "Aluminum",
    "copper": "Copper",
    "gold": "Gold",
    "iron_ore": "Iron ore, cfr spot",
    "lead": "Lead",
    "nickel": "Nickel",
    "platinum": "Platinum",
    "silver": "Silver",
    "tin": "Tin",
    "zinc": "Zinc",
}
PLACE = {name: place for place, name in enumerate(COLUMNS, start=2)}
LETTER = {name: openpyxl.utils.get_column_letter(place) for name, place in PLACE.items()}
MONTHS = ["1960M01", "2005M12", "2006M01", "2026M05", "2026M06"]
OUNCES = 1e6 / 31.1034768


def value_of(name, row):
    return round(100.0 + PLACE[name] * 10 + row * 1.25, 2)


def write(path, *, annual=False, periods=None, change=None, columns=None):
    names = columns or list(COLUMNS)
    periods = periods or ([1960, 2005, 2024, 2025] if annual else MONTHS)
    book = openpyxl.Workbook()
    book.active.title = "AFOSHEET"
    sheet = book.create_sheet("Annual Prices (Nominal)" if annual else "Monthly Prices")
    book.create_sheet("Description")
    sheet["A1"] = "World Bank Commodity Price Data (The Pink Sheet)"
    sheet["A2"] = f"{'annual' if annual else 'monthly'} prices in nominal US dollars"
    sheet["A4"] = "Updated on July 02, 2026"
    top = 7 if annual else 5
    for place, name in enumerate(names, start=2):
        sheet.cell(top, place, name)
        sheet.cell(top + 1, place, COLUMNS[name])
    for row, period in enumerate(periods):
        sheet.cell(top + 2 + row, 1, period)
        for place, name in enumerate(names, start=2):
            sheet.cell(top + 2 + row, place, value_of(name, row))
    if change:
        change(sheet)
    book.save(path)
    return path


def faults_of(path, **arguments):
    with pytest.raises(InvalidInputError) as error:
        read_pink_sheet(path, **arguments)
    assert error.value.what == str(path)
    return [str(fault) for fault in error.value.faults]


def test_the_monthly_workbook_gives_the_metals(tmp_path):
    table = read_pink_sheet(write(tmp_path / "CMO-Historical-Data-Monthly.xlsx"))
    assert list(table.columns) == schema("prices").names
    assert table["commodity"].unique().tolist() == sorted(METALS)
    assert len(table) == 10 * 5 - 2
    assert table.dtypes["commodity"] == TEXT
    assert table.dtypes["period_start"] == DATE
    assert table.dtypes["price_usd_per_t"] == table.dtypes["published_price"] == "float64"
    assert set(table["source_id"]) == {"world-bank-pink-sheet-2026-07"}
    row = table.set_index(["commodity", "period_start"]).loc[("tin", "2026-05-01")]
    assert row["price_usd_per_t"] == row["published_price"] == value_of("Tin", 3)
    assert row["published_unit"] == "USD/t"
    assert row["price_kind"] == "LME settlement, 99.85 %, mean of the month"
    assert row["standing"] == "reported"
    assert row.isna()["note"]


def test_prices_per_ounce_become_prices_per_tonne(tmp_path):
    table = read_pink_sheet(write(tmp_path / "a.xlsx"), commodities="Platinum")
    assert set(table["commodity"]) == {"platinum"}
    assert set(table["standing"]) == {"derived"}
    assert set(table["published_unit"]) == {"USD/troy oz"}
    np.testing.assert_allclose(table["price_usd_per_t"], table["published_price"] * OUNCES)
    # 31.1034768 grams are a troy ounce, so a kilogram has 32.1507.
    assert table["price_usd_per_t"][0] / table["published_price"][0] == pytest.approx(32150.7466)


def test_iron_ore_is_read_only_as_a_spot_price(tmp_path):
    table = read_pink_sheet(write(tmp_path / "a.xlsx"), commodities=["iron ore"])
    assert table["period_start"].dt.year.tolist() == [2006, 2026, 2026]
    assert (table["price_usd_per_t"] == table["published_price"]).all()
    assert set(table["published_unit"]) == {"USD/dmtu"}
    assert set(table["standing"]) == {"derived"}
    assert set(table["note"]) == {"per dry tonne of ore, not of contained iron"}


def test_the_annual_workbook(tmp_path):
    table = read_pink_sheet(write(tmp_path / "CMO-Historical-Data-Annual.xlsx", annual=True))
    assert set(table["frequency"]) == {"annual"}
    tin = table[table["commodity"] == "tin"]
    assert tin["period_start"].dt.date.tolist() == [
        dt.date(year, 1, 1) for year in (1960, 2005, 2024, 2025)
    ]
    assert set(tin["price_kind"]) == {"LME settlement, 99.85 %, mean of the year"}


def test_what_is_not_published_is_no_row(tmp_path):
    def blank(sheet):
        for row, mark in enumerate(("…", "..", None, " … "), start=7):
            sheet.cell(row, PLACE["Tin"]).value = mark
        sheet["A14"] = "Note: … not available."

    table = read_pink_sheet(write(tmp_path / "a.xlsx", change=blank), commodities="tin")
    assert table["period_start"].dt.date.tolist() == [dt.date(2026, 6, 1)]


def test_order_of_rows_and_columns_does_not_matter(tmp_path):
    expected = read_pink_sheet(write(tmp_path / "a.xlsx"), commodities=["tin", "gold"])

    def turned(sheet):
        rows = [[cell.value for cell in row] for row in sheet["A7:BT11"]]
        for number, row in enumerate(reversed(rows), start=7):
            for place, value in enumerate(row, start=1):
                sheet.cell(number, place, value)

    columns = [*list(COLUMNS)[::-1]]
    path = write(tmp_path / "b.xlsx", change=turned, columns=columns)
    assert read_pink_sheet(path, commodities=["gold", "tin", "Tin"]).equals(expected)


def test_codes_below_the_units_and_marks_of_footnotes(tmp_path):
    expected = read_pink_sheet(write(tmp_path / "a.xlsx"))

    def older(sheet):
        sheet.insert_rows(7)
        for name, place in PLACE.items():
            sheet.cell(7, place, name.upper().replace(" ", "_"))
        sheet.cell(5, PLACE["Nickel"], " Nickel **")
        sheet.cell(5, PLACE["Iron ore, cfr spot"], "Iron ore")

    assert read_pink_sheet(write(tmp_path / "b.xlsx", change=older)).equals(expected)


def test_a_workbook_without_its_date_names_no_month(tmp_path):
    def undated(sheet):
        sheet["A4"] = None

    table = read_pink_sheet(write(tmp_path / "a.xlsx", change=undated), commodities="zinc")
    assert set(table["source_id"]) == {"world-bank-pink-sheet"}


@pytest.mark.parametrize(
    ("name", "mark", "value", "says"),
    [
        ("Tin", "", "n.q.", "must be a number"),
        ("Zinc", "", -5.0, "must be a finite number > 0"),
        ("Lead", "", 0, "must be a finite number > 0"),
        ("Copper", "", "8,123.5", "must be a number without marks between the thousands"),
    ],
)
def test_a_cell_that_is_no_price_is_named(tmp_path, name, mark, value, says):
    def spoil(sheet):
        sheet[f"{LETTER[name]}8"] = value

    (fault,) = faults_of(write(tmp_path / f"a{mark}.xlsx", change=spoil))
    assert fault.startswith(f"sheet Monthly Prices, row 8, column {LETTER[name]} {says}")


@pytest.mark.parametrize("period", ["1960M13", "1960-02", None, "2026M06"])
def test_a_row_with_prices_has_a_period_of_its_own(tmp_path, period):
    def spoil(sheet):
        sheet["A8"] = period

    faults = faults_of(write(tmp_path / "a.xlsx", change=spoil))
    row = 11 if period == "2026M06" else 8
    assert faults[0].startswith(f"sheet Monthly Prices, row {row}, column A must")


def test_a_first_row_that_is_no_period_is_not_taken_for_the_head(tmp_path):
    path = write(tmp_path / "a.xlsx", periods=["1960M1", *MONTHS[1:]])
    (fault,) = faults_of(path)
    assert fault.startswith("sheet Monthly Prices, row 7, column A must be a period")


def test_another_unit_is_refused(tmp_path):
    def other(sheet):
        sheet.cell(6, PLACE["Tin"], "(cents/lb)")

    (fault,) = faults_of(write(tmp_path / "a.xlsx", change=other))
    assert fault == (
        f"sheet Monthly Prices, row 6, column {LETTER['Tin']} "
        "must give the unit of tin as ($/mt), got '(cents/lb)'"
    )


def test_a_column_asked_for_must_be_there_once(tmp_path):
    columns = [name for name in COLUMNS if name != "Tin"]
    path = write(tmp_path / "a.xlsx", columns=columns)
    (fault,) = faults_of(path)
    assert "must have one column Tin" in fault
    assert len(read_pink_sheet(path, commodities="lead")) == 5

    def twice(sheet):
        sheet.cell(5, PLACE["Lead"], "Tin")

    faults = faults_of(write(tmp_path / "b.xlsx", change=twice))
    assert any("must have one column Tin" in fault and "2 such" in fault for fault in faults)


def test_a_head_without_units_or_a_sheet_without_periods_is_refused(tmp_path):
    path = write(tmp_path / "a.xlsx", change=lambda sheet: sheet.delete_rows(6))
    assert "must have one column Aluminum" in faults_of(path)[0]
    path = write(tmp_path / "b.xlsx", change=lambda sheet: sheet.delete_rows(7, 9))
    assert "must have periods in column A" in faults_of(path)[0]


def test_other_workbooks_are_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Annual Prices (Real)"
    book.save(tmp_path / "real.xlsx")
    (fault,) = faults_of(tmp_path / "real.xlsx")
    assert fault.startswith("sheets must hold Monthly Prices or Annual Prices (Nominal)")
    (tmp_path / "prices.csv").write_text("Tin\n1\n", encoding="utf-8")
    assert "whole Excel workbook" in faults_of(tmp_path / "prices.csv")[0]
    path = write(tmp_path / "cut.xlsx")
    path.write_bytes(path.read_bytes()[:4000])
    assert "whole Excel workbook" in faults_of(path)[0]


@pytest.mark.parametrize(
    ("commodities", "says"),
    [
        ("unobtainium", "must be one of"),
        (["tin", "lithium"], "must be one of aluminium, copper, gold"),
        ([], "must name one at least"),
    ],
)
def test_commodities_are_those_of_the_sheet(tmp_path, commodities, says):
    with pytest.raises(InvalidInputError, match=f"commodities {says}"):
        read_pink_sheet(write(tmp_path / "a.xlsx"), commodities=commodities)


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"supplyrisk\[io\]"):
        read_pink_sheet(path)


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(1960, 2030), st.integers(1, 12)),
        st.none() | st.integers(1, 10**9).map(lambda x: x / 1000),
        min_size=1,
        max_size=30,
    )
)
def test_what_was_written_is_read(tmp_path_factory, prices):
    path = tmp_path_factory.mktemp("pink") / "a.xlsx"
    periods = [f"{year}M{month:02d}" for year, month in prices]

    def fill(sheet):
        for row, price in enumerate(prices.values(), start=7):
            sheet.cell(row, 2, "…" if price is None else price)

    write(path, periods=periods, columns=["Tin"], change=fill)
    table = read_pink_sheet(path, commodities="tin")
    read = dict(zip(table["period_start"].dt.date, table["price_usd_per_t"], strict=True))
    assert read == {dt.date(*key, 1): price for key, price in prices.items() if price is not None}


@pytest.mark.verification
def test_a_million_rows_are_refused_in_bounded_time(tmp_path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Monthly Prices")
    sheet.append([None, "Tin"])
    sheet.append([None, "($/mt)"])
    for row in range(1_000_000):
        sheet.append([f"{1000 + row % 9000}M01", 20_000.0])
    book.save(tmp_path / "a.xlsx")
    assert "must have periods in column A" in faults_of(tmp_path / "a.xlsx")[0]
