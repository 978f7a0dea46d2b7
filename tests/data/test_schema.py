"""Tables: read as they were written, whatever their order and dtypes; all faults at once."""

import csv
import datetime as dt
import decimal
import io
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.data import cells
from supplyrisk.data.schema import Column, Schema, schema
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.evidence import STANDINGS
from supplyrisk.model.hazard import Peril

BUNDLED = [
    (of, entry.name.removesuffix(".schema.csv"))
    for of in ("tables", "formats")
    for entry in sorted((files("supplyrisk.data") / of).iterdir(), key=lambda entry: entry.name)
    if entry.name.endswith(".schema.csv")
]
UNITS = {
    "t": ("_t", "tonnes"),
    "t/a": ("_tpa",),
    "USD": ("_usd",),
    "USD/t": ("_usd_per_t",),
    "MEUR": ("_meur",),
    "d": ("_days",),
    "a": ("_years",),
    "1/a": ("_pa",),
    "km": ("_km",),
    "deg": ("_deg",),
}
# A template of smelters may name one smelter in several lines, for several parts.
KEYLESS = {"cmrt"}


def column(name, type_, *, required=False, key=False):
    return Column(
        name=name, type=type_, unit="", required=required, key=key, description=f"The {name}."
    )


def table(columns, *rows, first_line=2):
    index = range(first_line, first_line + len(rows))
    return pd.DataFrame(list(rows), columns=columns.names, index=index, dtype=object)


def faults_of(call, *args, **kwargs):
    with pytest.raises(InvalidInputError) as caught:
        call(*args, **kwargs)
    return caught.value


SITES = Schema(
    "sites",
    (
        column("site_id", "name", required=True, key=True),
        column("year", "year", key=True),
        column("country", "country", required=True),
        column("opened", "date"),
        column("runs", "flag"),
        column("output_t", "amount"),
        column("n_shafts", "whole", required=True),
        column("note", "text"),
    ),
)
BISIE = ("bisie", "2024", "COD", "2018-05-01", "true", "17324.5", "2", "north, near Walikale")
UIS = ("uis", "", "NAM", "", "", "", "1", "")

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
commodity_names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(str.strip).filter(bool)
countries = st.sampled_from(["COD", "NAM", "ZZZ", "IDN"])


def finite(least=None, most=None, **bounds):
    return st.floats(least, most, allow_nan=False, allow_infinity=False, **bounds)


def joined(values, by=";"):
    return st.lists(values, min_size=1, max_size=3).map(by.join)


VALUES = {
    "name": ids,
    "text": texts,
    "commodity": commodity_names,
    "commodities": joined(commodity_names),
    "country": countries,
    "countries": joined(countries),
    "source": ids,
    "sources": joined(ids),
    "urls": joined(ids.map("https://example.org/{}".format), " "),
    "standing": st.sampled_from(STANDINGS),
    "peril": st.sampled_from([str(peril) for peril in Peril]),
    "choice: a b | c": st.sampled_from(["a b", "c"]),
    "number": finite(),
    "amount": finite(0.0),
    "positive": finite(0.0, exclude_min=True),
    "fraction": finite(0.0, 1.0),
    "latitude": finite(-90.0, 90.0),
    "longitude": finite(-180.0, 180.0),
    "whole": st.integers(0, 10**18 - 1),
    "year": st.integers(1500, 2200),
    "flag": st.booleans(),
    "date": st.dates().map(lambda day: np.datetime64(day, "us")),
}


@st.composite
def schemas(draw):
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5))
    columns = [column("row_id", "whole", required=True, key=True)]
    for place, type_ in enumerate(types):
        columns.append(column(f"{place} {type_}", type_, required=draw(st.booleans())))
    return Schema("random", tuple(columns))


@st.composite
def valid_tables(draw):
    """A schema and a table that keeps its rules, made without the code under test."""
    columns = draw(schemas())
    n_rows = draw(st.integers(0, 5))

    def values(held):
        value = VALUES[held.type] if held.required else st.none() | VALUES[held.type]
        return draw(st.lists(value, min_size=n_rows, max_size=n_rows))

    frame = {"row_id": pd.array(range(n_rows), dtype="int64")}
    for held in columns.columns[1:]:
        if held.kind.holds == "date":
            days = [np.datetime64("NaT", "us") if day is None else day for day in values(held)]
            frame[held.name] = np.array(days, dtype="datetime64[us]")
        elif held.kind.holds == "number":
            frame[held.name] = np.array(values(held), dtype=float)
        else:
            frame[held.name] = pd.array(values(held), dtype=held.dtype)
    return columns, pd.DataFrame(frame)


def test_the_random_tables_may_have_every_type():
    assert {type_ for type_ in VALUES if not type_.startswith("choice")} == set(cells._KINDS)


@given(valid_tables())
def test_what_is_written_is_read_again(given_table):
    columns, frame = given_table
    text = columns.to_text(frame)
    assert all(isinstance(cell, str) for cell in text.to_numpy().ravel())
    pd.testing.assert_frame_equal(columns.parse(text, what="x.csv"), frame, check_exact=True)
    pd.testing.assert_frame_equal(columns.check(frame, what="x"), frame, check_exact=True)


@given(valid_tables(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_changes_nothing_but_the_order_of_rows(given_table, random):
    columns, frame = given_table
    rows = random.sample(range(len(frame)), len(frame))
    names = random.sample(columns.names, len(columns.names))
    shuffled = columns.check(frame.iloc[rows][names], what="x")
    pd.testing.assert_frame_equal(shuffled, frame.iloc[rows].reset_index(drop=True))


def test_cells_are_those_that_the_csv_module_reads():
    file = io.StringIO(newline="")
    csv.writer(file).writerows([SITES.names, BISIE, UIS])
    first, second = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    frame = SITES.parse(table(SITES, BISIE, UIS), what="sites.csv")
    assert frame["site_id"].tolist() == [first["site_id"], second["site_id"]]
    assert frame["note"][0] == first["note"]
    assert frame["output_t"][0] == float(first["output_t"])
    assert frame["n_shafts"].tolist() == [int(first["n_shafts"]), int(second["n_shafts"])]
    assert frame["opened"][0].date() == dt.date.fromisoformat(first["opened"])
    assert frame["runs"][0] == (first["runs"] == "true")
    assert frame.loc[1].isna().tolist() == [not second[name] for name in SITES.names]
    assert frame.index.equals(pd.RangeIndex(2))


def test_columns_that_are_not_required_may_be_absent():
    frame = SITES.parse(table(SITES, UIS)[["n_shafts", "country", "site_id"]], what="sites.csv")
    pd.testing.assert_frame_equal(frame, SITES.parse(table(SITES, UIS), what="sites.csv"))


def test_an_empty_table_keeps_its_columns_and_dtypes():
    full = SITES.parse(table(SITES, BISIE, UIS), what="sites.csv")
    empty = SITES.parse(table(SITES), what="sites.csv")
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)
    pd.testing.assert_frame_equal(SITES.check(empty, what="sites"), empty)
    assert len(pd.concat([empty, full])) == 2


def pyarrow_backed(frame):
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


AS_GIVEN = {
    "object": lambda frame: frame.astype(object),
    "category": lambda frame: frame.astype("category"),
    "nullable": lambda frame: frame.convert_dtypes(),
    "pyarrow": pyarrow_backed,
    "whole as Int64": lambda frame: frame.astype({"n_shafts": "Int64"}),
    "whole as float": lambda frame: frame.assign(year=[2024.0, np.nan], n_shafts=[2.0, 1.0]),
    "whole as int8": lambda frame: frame.astype({"n_shafts": "int8"}),
    "number as text": lambda frame: frame.assign(output_t=["17324.50", ""]),
    "number as decimal": lambda frame: frame.assign(output_t=[decimal.Decimal("17324.5"), None]),
    "number as float32": lambda frame: frame.astype({"output_t": "float32"}),
    "dates in ns": lambda frame: frame.astype({"opened": "datetime64[ns]"}),
    "dates in s": lambda frame: frame.astype({"opened": "datetime64[s]"}),
    "dates in UTC": lambda frame: frame.assign(opened=frame["opened"].dt.tz_localize("UTC")),
    "dates of Python": lambda frame: frame.assign(opened=[dt.date(2018, 5, 1), None]),
    "periods": lambda frame: frame.assign(opened=frame["opened"].dt.to_period("D")),
    "flags and None": lambda frame: frame.assign(runs=[True, None]),
    "flags and nan": lambda frame: frame.assign(runs=[np.True_, np.nan]),
    "another index": lambda frame: frame.set_index(pd.Index(["x", "x"], name="note")),
}


@pytest.mark.parametrize("form", AS_GIVEN)
def test_a_frame_of_another_dtype_gives_the_same_table(form):
    frame = SITES.parse(table(SITES, BISIE, UIS), what="sites.csv")
    before = AS_GIVEN[form](frame)
    given_frame = before.copy()
    pd.testing.assert_frame_equal(SITES.check(given_frame, what="sites"), frame)
    pd.testing.assert_frame_equal(given_frame, before)


def test_a_checked_frame_names_the_line_of_the_file_it_would_make():
    frame = SITES.parse(table(SITES, BISIE, UIS), what="sites.csv")
    wrong = frame.assign(output_t=[1.0, -1.0], n_shafts=[True, False], runs=[1, 0])
    assert [str(fault) for fault in faults_of(SITES.check, wrong, what="sites").faults] == [
        "line 2, column runs must be true or false, got '1'",
        "line 2, column n_shafts must be a whole number, got 'true'",
        "line 3, column runs must be true or false, got '0'",
        "line 3, column output_t must be a finite number >= 0, got '-1'",
        "line 3, column n_shafts must be a whole number, got 'false'",
    ]


@pytest.mark.parametrize("moment", ["2018-05-01 10:30", "2018-05-01 00:00:00.000001"])
def test_a_time_of_day_is_no_date(moment):
    frame = SITES.parse(table(SITES, BISIE), what="sites.csv")
    given_frame = frame.assign(opened=pd.to_datetime([moment]))
    error = faults_of(SITES.check, given_frame, what="sites")
    assert "column opened must be a date as year-month-day" in str(error)


@pytest.mark.parametrize(
    "thing", [None, {"site_id": ["a"]}, [BISIE], pd.Series(BISIE), "sites.csv"]
)
def test_what_is_no_data_frame_is_a_type_error(thing):
    name = type(thing).__name__
    with pytest.raises(TypeError, match=rf"my sites must be a pandas.DataFrame, got {name}"):
        SITES.check(thing, what="my sites")


def test_names_of_columns_missing_unknown_and_repeated_are_told_at_once():
    header = ["site_id", "contry", "year", "year", "weather", "note"]
    text = pd.DataFrame([["a"] * 6], columns=header, index=[2], dtype=object)
    error = faults_of(SITES.parse, text, what="sites.csv")
    assert [(fault.field, fault.rule) for fault in error.faults] == [
        ("column contry", "is not part of sites (did you mean 'country'?)"),
        ("column year", "must not be given twice"),
        ("column weather", "is not part of sites"),
        ("column country", "must be given"),
        ("column n_shafts", "must be given"),
    ]


def test_names_that_are_no_text_are_unknown_columns():
    error = faults_of(SITES.check, pd.DataFrame({3: [1], None: [1], ("a", "b"): [1]}), what="sites")
    unknown = [fault.value for fault in error.faults if "is not part" in fault.rule]
    assert unknown[0] == 3
    assert unknown[2] == ("a", "b")


def test_thousands_of_unknown_columns_are_briefly_told():
    error = faults_of(SITES.check, pd.DataFrame(columns=[f"c{n}" for n in range(8_000)]), what="x")
    assert len(str(error).splitlines()) == 52


def test_all_wrong_cells_are_told_at_once_by_line_and_fifty_are_listed():
    rows = [(f"a{n}", "24", "COD", "", "", "x", "1", "") for n in range(1_500)]
    error = faults_of(SITES.parse, table(SITES, *rows, first_line=10), what="sites.csv")
    wanted = [f"line {n}, column {name}" for n in range(10, 1_010) for name in ("year", "output_t")]
    assert [fault.field for fault in error.faults] == wanted
    first, *listed, last = str(error).splitlines()
    assert first == "sites.csv: 2000 faults"
    assert (
        listed[0] == "  line 10, column year must be a finite number >= 1500 and <= 2200, got '24'"
    )
    assert listed[1] == "  line 10, column output_t must be a number, got 'x'"
    assert len(listed) == 50
    assert last == "  ... and 1950 more"


def test_a_key_given_again_is_refused_with_both_lines():
    again = table(
        SITES, BISIE, UIS, ("bisie", "2024.0", *BISIE[2:]), UIS, ("uis", "2024", *UIS[2:])
    )
    again.index = [2, 5, 6, 9, 11]  # lines of a file with line feeds in cells
    error = faults_of(SITES.parse, again, what="sites.csv")
    assert [(fault.field, fault.rule) for fault in error.faults] == [
        ("line 6", "must not repeat the site_id, year of line 2"),
        ("line 9", "must not repeat the site_id, year of line 5"),
    ]
    assert [fault.value for fault in error.faults] == [("bisie", "2024"), ("uis", "")]


KEYED = Schema(
    "keyed",
    (
        column("day", "date", key=True),
        column("ok", "flag", key=True),
        column("year", "year", key=True),
        column("x", "number", key=True),
        column("name", "text", key=True),
        column("note", "text"),
    ),
)
FEW = [["", "2024-01-01"], ["", "true"], ["", "2024"], ["", "0"], ["", "NaN"]]


@given(st.lists(st.tuples(*map(st.sampled_from, FEW)), max_size=12))
def test_exactly_the_keys_given_before_are_refused_blank_parts_included(keys):
    first: dict = {}
    wanted = []
    for line, key in enumerate(keys, start=2):
        if key in first:
            wanted.append((f"line {line}", first[key]))
        first.setdefault(key, f"line {line}")
    text = table(KEYED, *((*key, str(place)) for place, key in enumerate(keys)))
    if not wanted:
        assert len(KEYED.parse(text, what="keyed.csv")) == len(keys)
        return
    error = faults_of(KEYED.parse, text, what="keyed.csv")
    assert [(fault.field, fault.rule.partition(" of ")[2]) for fault in error.faults] == wanted


def test_a_schema_without_a_key_lets_rows_come_again():
    free = Schema("free", (column("note", "text"),))
    assert len(free.parse(table(free, ("a",), ("a",), ("",), ("",)), what="free.csv")) == 4


def test_an_unknown_schema_is_a_missing_file():
    with pytest.raises(FileNotFoundError, match=r"nonsense\.schema\.csv"):
        schema("nonsense")
    with pytest.raises(FileNotFoundError):
        schema("production", of="formats")
    assert schema("production") is schema("production")


@pytest.mark.parametrize(("of", "name"), BUNDLED, ids=[f"{of}-{name}" for of, name in BUNDLED])
def test_a_bundled_schema_is_whole(of, name):
    text = (files("supplyrisk.data") / of / f"{name}.schema.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["column", "type", "unit", "required", "key", "description"]
    assert {len(row) for row in rows} == {6}
    held = schema(name, of=of)
    assert held.name == name
    assert [[c.name, c.type, c.unit, c.description] for c in held.columns] == [
        [row[0], row[1], row[2], row[5]] for row in rows
    ]
    assert len(set(held.names)) == len(held.names)
    assert bool(held.key) != (name in KEYLESS)
    for part in held.columns:
        assert part.kind.holds in {"text", "number", "whole", "flag", "date"}
        assert part.description.endswith(".")
        assert part.description[0].isupper() or part.description[0].isdigit()
        assert part.description == " ".join(part.description.split())
    assert held.parse(table(held), what=name).dtypes.tolist() == [c.dtype for c in held.columns]


@pytest.mark.parametrize("name", [name for of, name in BUNDLED if of == "tables"])
def test_units_stand_in_the_names_of_the_librarys_own_columns(name):
    for part in schema(name).columns:
        assert part.name.isidentifier()
        assert part.name.islower()
        if part.unit in UNITS:
            assert part.name.endswith(UNITS[part.unit])
        elif part.kind.holds == "number":
            assert not part.name.endswith(tuple(end for ends in UNITS.values() for end in ends))
            assert part.type != "fraction" or part.unit == "1"
