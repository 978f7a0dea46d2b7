"""Cells of every type: what is read, what is refused and in which words, and what a column is."""

import csv
import datetime as dt
import io
import math
import subprocess
import sys
import textwrap
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.data import cells
from supplyrisk.data.schema import Column, Schema
from supplyrisk.errors import Fault, InvalidInputError

ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

ACCEPTED = {
    "name": ["bisie", "7-up", "a_b-C9", "Z"],
    "text": ["NA", "nan", "Kolwezi, north", "0", "Zoë", "鉱山", "=1+1", "two\nlines", "- "],
    "commodity": ["tin", "rare_earths", "t2"],
    "country": ["COD", "NAM", "ZZZ"],
    "source": ["usgs-mcs-2025"],
    "standing": ["reported", "derived", "estimate", "assumption", "illustrative"],
    "peril": ["armed_conflict", "other"],
    "number": ["0", "-1.5", "+5", "5.", ".5", "1e5", "1E+5", "-2.5e-3", "007", "1e308", "5e-324"],
    "amount": ["0", "-0", "0.0", "17324.4", "1e308"],
    "positive": ["5e-324", "1", "1e308"],
    "fraction": ["0", "1", "0.25", "1.0", "1e-300"],
    "latitude": ["-90", "90", "-1.42"],
    "longitude": ["-180", "180", "28.07"],
    "whole": ["0", "2024", "+5", "2024.0", "2024.", "2024.000", "007", "9" * 18],
    "year": ["1500", "2200", "2024", "2024.0"],
    "flag": ["true", "false", "TRUE", "False"],
    "date": ["2025-03-20", "2024-02-29", "0001-01-01", "1600-02-29", "9999-12-31"],
}
JOINED = {
    "commodities": ("tin; cobalt ;gold", "tin;cobalt;gold"),
    "countries": ("COD;NAM", "COD;NAM"),
    "sources": ("usgs-mcs-2025 ; ita-2024-03", "usgs-mcs-2025;ita-2024-03"),
    "urls": ("https://a.org/x https://b.org", "https://a.org/x https://b.org"),
}
REFUSED = [
    ("name", ["two words", "ä", "-x", "a.b", "a\u200bb"], "letters, digits, '-' and '_'"),
    ("text", ["\ud800"], "must be text"),
    ("commodity", ["Tin", "rare earths", "1st", "NA", "tin;cobalt"], "snake_case"),
    ("commodities", ["tin;Cobalt", "tin;", ";tin", "tin,cobalt"], "separated by ';'"),
    ("country", ["XXX", "cod", "WLD", "OTH", "516", "COD;NAM"], "ISO 3166-1 alpha-3"),
    ("countries", ["COD;XXX", "COD,NAM", "COD;;NAM"], "separated by ';'"),
    ("source", ["usgs mcs", "a;b"], "letters, digits"),
    ("sources", ["a;b c"], "separated by ';'"),
    ("urls", ["https://a.org  https://b.org"], "separated by ' '"),
    ("standing", ["Reported", "guess", "NA"], "must be one of reported, derived"),
    ("peril", ["wars", "Flood"], "must be one of"),
    ("choice: mine | refinery", ["Mine", "smelter", "mine | refinery"], "one of mine, refinery"),
    ("number", ["x", "0x10", "1_000", "½", "²", "1e", "e5", "--1", "5-", "(5)", "$5"], "a number"),
    ("number", ["inf", "-Infinity", "1e9999", "TRUE"], "must be a number"),
    ("number", ["1e309", "-1e400", "9" * 400], "must be a finite number"),
    ("number", ["\N{MINUS SIGN}5", "5\N{EN DASH}", "1\N{NO-BREAK SPACE}000"], "must be a number"),
    ("number", ["17,324", "1,234,567.5"], "without marks between the thousands"),
    ("number", ["1,5", "-12,25"], "say decimal=','"),
    ("fraction", ["5%", "12.5 %"], "a share is a fraction, not a percentage"),
    ("number", ["5 t", "5t", "20kt", "1.5 USD/t"], "units stand in the name of the column"),
    ("number", ["NA", "n/a", "NaN", "nan", "-", "..", "null", "None"], "leave the cell empty"),
    ("amount", ["-1", "-5e-324"], ">= 0"),
    ("positive", ["0", "-0", "1e-400", "-1"], "> 0"),
    ("fraction", ["1.0000000001", "-0.1", "50"], "lie in [0, 1]"),
    ("latitude", ["90.1", "-91"], ">= -90 and <= 90"),
    ("longitude", ["180.1", "361"], ">= -180 and <= 180"),
    ("whole", ["1.5", "1e5", "x", "1,000", "1 000", "9" * 19, "0x1", "\N{MINUS SIGN}5"], "whole n"),
    ("whole", ["-1", "-5.0"], ">= 0"),
    ("year", ["1499", "2201", "0", "24", "20240101"], ">= 1500 and <= 2200"),
    ("year", ["2024.5", "FY2024", "2024/25"], "must be a whole number"),
    ("flag", ["1", "0", "yes", "t", "NA", "TRUEE"], "must be true or false"),
    ("date", ["2025-02-29", "2025-13-01", "2025-00-10", "0000-01-01", "1900-02-29"], "that exists"),
    (
        "date",
        ["20.3.2025", "2025-3-20", "20250320", "2025-W12-4", "2025-03-20T00:00"],
        "2025-03-20",
    ),
    ("date", ["45736", "2025", "-2025-01-01", "10000-01-01", "2025/03/20", "NaT"], "2025-03-20"),
]
SCALAR_TYPES = [kind for kind in cells._KINDS if cells.kind_of(kind).holds != "text"]


def parse(type_, *texts, required=False, decimal="."):
    column = Column(
        name="value", type=type_, unit="", required=required, key=False, description="A value."
    )
    text = pd.DataFrame({"value": list(texts)}, index=range(2, len(texts) + 2), dtype=object)
    return Schema("things", (column,)).parse(text, what="things.csv", decimal=decimal)["value"]


def fault(type_, text, **how):
    with pytest.raises(InvalidInputError) as caught:
        parse(type_, text, **how)
    (only,) = caught.value.faults
    assert only.field == "line 2, column value"
    assert only.value == text
    assert str(caught.value).startswith("things.csv: line 2, column value must ")
    return only


def plain(holds, text):
    """What a cell says, told by Python alone."""
    if holds == "text":
        return text.strip()
    if holds == "flag":
        return text.casefold() == "true"
    if holds == "whole":
        return int(text.partition(".")[0])
    return dt.datetime.fromisoformat(text) if holds == "date" else float(text)


def test_every_type_is_shown_here():
    assert {*ACCEPTED, *JOINED} == set(cells._KINDS)
    assert {type_ for type_, _, _ in REFUSED} >= set(cells._KINDS)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("type_", ACCEPTED)
def test_a_cell_is_read(type_, required):
    texts = ACCEPTED[type_]
    kind = cells.kind_of(type_)
    wanted = [plain(kind.holds, text) for text in texts]
    assert parse(type_, *texts, required=required).tolist() == wanted
    padded = [f" \t{text}\N{NO-BREAK SPACE}" for text in texts]
    assert parse(type_, *padded, required=required).tolist() == wanted


@pytest.mark.parametrize(("type_", "text", "value"), [(t, *pair) for t, pair in JOINED.items()])
def test_several_values_of_a_cell_stand_without_spaces(type_, text, value):
    assert parse(type_, text, value).tolist() == [value, value]


@pytest.mark.parametrize(
    ("type_", "text", "rule"),
    [(type_, text, rule) for type_, texts, rule in REFUSED for text in texts],
)
def test_a_cell_is_refused_by_line_column_rule_and_value(type_, text, rule):
    refused = fault(type_, text)
    assert rule in refused.rule
    assert fault(type_, text, required=True) == refused


def test_the_message_of_a_wrong_cell_in_full():
    with pytest.raises(InvalidInputError) as caught:
        parse("fraction", "0.5", "", "50")
    assert str(caught.value) == "things.csv: line 4, column value must lie in [0, 1], got '50'"


@pytest.mark.parametrize("type_", [*cells._KINDS, "choice: a | b"])
def test_a_blank_is_missing_or_where_it_must_be_given_a_fault(type_):
    assert parse(type_, "", "  ", "\t").isna().all()
    assert fault(type_, " ", required=True).rule == "must be given"


def test_na_is_a_text_and_suggests_namibia_and_is_never_missing():
    assert parse("text", "NA", "nan", "None", "").tolist()[:3] == ["NA", "nan", "None"]
    assert "did you mean 'NAM'?" in fault("country", "NA").rule
    assert "did you mean 'NAM'?" in fault("countries", "COD;NA").rule
    # What pandas would have made of it:
    assert pd.read_csv(io.StringIO("country\nNA\n"))["country"].isna().all()


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("number", "3"),
        ("amount", "17324"),
        ("whole", "12"),
        ("year", "2024"),
        ("date", "2024-01-01"),
    ],
)
def test_digits_of_other_scripts_are_refused(type_, text):
    foreign = text.translate(ARABIC_INDIC)
    rule = fault(type_, text.replace(text[0], "x")).rule
    assert fault(type_, foreign).rule == rule
    with pytest.raises(ValueError, match="parse"):
        pd.to_numeric(pd.Series([foreign], dtype=object))


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,5", 1.5), ("-0,25", -0.25), ("7", 7.0), (",5", 0.5), ("1,5e3", 1500.0), ("+2,", 2.0)],
)
def test_decimal_commas_are_read_where_they_are_announced(text, value):
    assert parse("number", text, decimal=",").tolist() == [value]


@pytest.mark.parametrize("text", ["1.5", "1.000,5", "1.000", "."])
def test_a_point_is_no_decimal_comma(text):
    rule = "must be a number with a decimal comma and no other mark"
    assert fault("number", text, decimal=",").rule == rule


def test_two_commas_are_refused_without_the_advice_already_taken():
    rule = fault("number", "1,234,567", decimal=",").rule
    assert "without marks between the thousands" in rule
    assert "decimal=','" not in rule


def test_with_decimal_commas_a_whole_number_has_no_point():
    # 1.000 is one thousand to whoever writes decimal commas, and 1 to whoever does not.
    assert fault("whole", "1.000", decimal=",").rule == "must be a whole number"
    assert parse("year", "2024,0", "2024", decimal=",").tolist() == [2024, 2024]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_those_that_csv_and_pandas_read(values):
    texts = [repr(value) for value in values]
    assert parse("number", *texts).tolist() == values
    rows = list(csv.reader(io.StringIO("\n".join(texts))))
    assert [float(row[0]) for row in rows] == values
    oracle = pd.read_csv(io.StringIO("\n".join(["x", *texts])))["x"].astype(float)
    np.testing.assert_allclose(parse("number", *texts), oracle, rtol=1e-12, atol=1e-300)
    commas = [text.replace(".", ",") for text in texts]
    assert parse("number", *commas, decimal=",").tolist() == values


@given(st.text("0123456789+-.eE", max_size=8))
def test_a_number_is_what_python_reads_as_a_finite_one(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    _, _, exponent = text.lower().partition("e")
    if math.isfinite(value) and len(exponent.lstrip("+-")) <= 3:
        assert parse("number", text).tolist() == [value]
    elif text:
        assert fault("number", text)


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("0159.,eE+- %"), min_size=1)
)
def test_whatever_a_cell_holds_it_is_read_or_refused_by_its_type(text):
    for type_ in SCALAR_TYPES:
        for decimal in ".,":
            try:
                (value,) = parse(type_, text, decimal=decimal)
            except InvalidInputError:
                assert text.strip()
            else:
                assert pd.isna(value) == (not text.strip())


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1))
def test_whole_numbers_are_exact(values):
    texts = [str(value) for value in values]
    assert parse("whole", *texts, required=True).tolist() == values
    assert parse("whole", *(f"{text}.0" for text in texts)).tolist() == values


@given(st.lists(st.dates(), min_size=1))
def test_dates_are_those_of_the_calendar(values):
    read = parse("date", *map(str, values))
    assert [moment.date() for moment in read] == values
    assert read.equals(pd.Series(np.array(values, dtype="datetime64[us]"), name="value"))


@given(st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99))
def test_a_date_exists_or_is_refused(year, month, day):
    text = f"{year:04}-{month:02}-{day:02}"
    try:
        wanted = dt.datetime(year, month, day)  # noqa: DTZ001 - a day has no zone
    except ValueError:
        assert fault("date", text).rule == "must be a date that exists, as year-month-day"
    else:
        assert parse("date", text).tolist() == [wanted]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_stays_as_it_is_but_for_the_space_around_it(text):
    (value,) = parse("text", text)
    assert pd.isna(value) if not text.strip() else value == text.strip()


TEXT = pd.StringDtype("python", na_value=np.nan)
DTYPES = {
    "text": (TEXT, TEXT),
    "number": (np.dtype("float64"), np.dtype("float64")),
    "date": (np.dtype("datetime64[us]"), np.dtype("datetime64[us]")),
    "flag": (np.dtype("bool"), pd.BooleanDtype()),
    "whole": (np.dtype("int64"), pd.Int64Dtype()),
}
OPTIONS = [
    ("mode.string_storage", "auto"),
    ("future.infer_string", True),
    ("future.infer_string", False),
    ("mode.string_storage", "python"),
    *([("mode.string_storage", "pyarrow")] if find_spec("pyarrow") else []),
]


def same(dtype, wanted):
    # Not == alone: to pandas the string dtype of pyarrow may be equal to ours.
    return type(dtype) is type(wanted) and dtype == wanted and repr(dtype) == repr(wanted)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
@pytest.mark.parametrize("type_", [*ACCEPTED, *JOINED])
def test_a_column_has_one_dtype_whatever_pandas_prefers(type_, option):
    texts = ACCEPTED.get(type_) or JOINED[type_]
    required, optional = DTYPES[cells.kind_of(type_).holds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 3 tells of the end of an option
        with pd.option_context(*option):
            assert same(parse(type_, *texts, required=True).dtype, required)
            assert same(parse(type_, required=True).dtype, required)
            for given_texts in (texts, [*texts, ""], ["", ""], []):
                assert same(parse(type_, *given_texts).dtype, optional)


def test_dtypes_are_the_same_without_pyarrow():
    code = """
        import sys
        class NoPyarrow:
            def find_spec(name, path=None, target=None):
                if name == "pyarrow":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, NoPyarrow)
        import numpy as np
        import pandas as pd
        from supplyrisk.data.cells import kind_of
        for kind in ("text", "number", "date", "flag", "whole"):
            read, _ = kind_of(kind).parse(np.array([""], dtype=object), required=False, decimal=".")
            dtype = pd.DataFrame({"x": read})["x"].dtype
            print(kind, repr(dtype), getattr(dtype, "na_value", ""))
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    shown = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
    wanted = [
        f"{kind} {optional!r} {getattr(optional, 'na_value', '')}"
        for kind, (_, optional) in DTYPES.items()
    ]
    assert sorted(shown.splitlines()) == sorted(wanted)


@pytest.mark.parametrize(
    ("texts", "first"), [(["1", *["x"] * 5_000], 3), (["", "x"] * 1_500, 2), ([""] * 1_500, 2)]
)
def test_the_first_thousand_faults_of_a_column_are_kept(texts, first):
    with pytest.raises(InvalidInputError) as caught:
        parse("number", *texts, required=True)
    wanted = [f"line {line}, column value" for line in range(first, first + 1_000)]
    assert [fault.field for fault in caught.value.faults] == wanted


def test_no_cell_is_looked_at_once_the_faults_are_full():
    # To look for a near country takes 2 ms: a column of other text must not take minutes.
    looked = []

    def rule(field, value):
        looked.append(value)
        yield Fault(field, "must be something else", value)

    texts = np.array([f"cell {number}" for number in range(5_000)], dtype=object)
    _, wrong = cells.Kind("text", rule).parse(texts, required=False, decimal=".")
    assert [row for row, _ in wrong] == list(range(1_000))
    assert len(looked) <= 1_100


def test_each_distinct_cell_is_judged_once():
    looked = []
    kind = cells.Kind("text", lambda _field, value: looked.append(value) or iter(()))
    kind.parse(np.array(["b", "a"] * 5_000, dtype=object), required=False, decimal=".")
    assert looked == ["b", "a"]


def test_a_value_goes_back_to_the_text_of_its_cell():
    def back(*values):
        return cells.kind_of("text").texts(pd.Series(list(values), dtype=object))

    assert back(None, pd.NA, pd.NaT, np.nan, float("nan")) == [""] * 5
    assert back(np.True_, np.False_, "NA", [1, 2]) == ["true", "false", "NA", "[1, 2]"]
    assert back(2.0, 0.1, np.float64(1e300), 10**17) == ["2", "0.1", "1e+300", f"{10**17}"]
    days = [dt.date(2024, 2, 29), np.datetime64("2024-02-29", "us"), pd.Timestamp("2024-02-29")]
    assert back(*days) == ["2024-02-29"] * 3
    assert back(np.datetime64("0001-01-01", "us")) == ["0001-01-01"]
    assert back(pd.Timestamp("2024-02-29 10:30")) == ["2024-02-29T10:30:00"]


@pytest.mark.parametrize("type_", ["choice: a | b", "choice:a|b", "choice:  a|  b "])
def test_a_choice_lists_what_may_stand(type_):
    assert parse(type_, "a", "b", "a").tolist() == ["a", "b", "a"]
    assert fault(type_, "c").rule.startswith("must be one of a, b")


def test_an_unknown_type_is_an_error_with_a_near_name():
    with pytest.raises(ValueError, match=r"type must be one of .*did you mean 'number'\?.*Number"):
        cells.kind_of("Number")
