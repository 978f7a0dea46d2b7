"""What is written is read back, exactly, for every table of the library."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.data.schema import schema
from supplyrisk.data.tables import table, table_names
from supplyrisk.data.writing import read_table, write_table
from supplyrisk.errors import InvalidInputError

SEVERAL = ["trade", "suppliers", "daily_prices", "production", "governance", "trade_codes"]
# All that text may hold: marks of the format, line ends, spaces, letters of every alphabet.
wild = st.text(
    st.one_of(
        st.sampled_from(",;\t|\"\n\r '#=ß\u00a0\u2028\ufeffé中"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
).filter(str.strip)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,6}", fullmatch=True)
commodities = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
countries = st.sampled_from(["COD", "NAM", "PER", "ZZZ"])


def cells(column):
    """Values that a column may hold."""
    kind = column.type.partition(":")[0]
    if kind == "choice":
        return st.sampled_from([c.strip() for c in column.type.partition(":")[2].split("|")])
    return {
        "text": wild,
        "name": names,
        "source": names,
        "commodity": commodities,
        "country": countries,
        "standing": st.sampled_from(["reported", "estimate"]),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "amount": st.floats(0, allow_infinity=False),
        "positive": st.floats(0, allow_infinity=False, exclude_min=True),
        "fraction": st.floats(0, 1),
        "whole": st.integers(0, 10**15),
        "year": st.integers(1500, 2200),
        "flag": st.booleans(),
        "date": st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    }[kind]


@st.composite
def random_tables(draw, name):
    wanted = schema(name)
    rows = st.fixed_dictionaries(
        {
            column.name: cells(column) if column.required else st.none() | cells(column)
            for column in wanted.columns
        }
    )
    drawn = draw(
        st.lists(
            rows,
            max_size=5,
            unique_by=lambda row: tuple(
                str(row[key]).strip() for key in wanted.key
            ),
        )
    )  # fmt: skip
    frame = pd.DataFrame(
        {column: [row[column] for row in drawn] for column in wanted.names}, dtype=object
    )
    return wanted.check(frame, what=name)


@pytest.mark.parametrize("name", SEVERAL)
def test_random_tables_come_back(tmp_path, name):
    path = tmp_path / "table.csv"

    @settings(max_examples=15)
    @given(random_tables(name))
    def comes_back(frame):
        write_table(frame, path, name)
        again = read_table(path, name)
        pd.testing.assert_frame_equal(again, frame, check_exact=True)

    comes_back()


@pytest.mark.parametrize("name", table_names())
def test_bundled_tables_come_back(tmp_path, name):
    frame = table(name)
    write_table(frame, tmp_path / "table.csv", name)
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.csv", name), frame, check_exact=True)


@pytest.fixture
def prices():
    return pd.DataFrame(
        {
            "date": pd.to_datetime(["2025-03-20", "2025-03-21"]),
            "price_usd_per_t": [35_000.0, 1 / 3],
        }
    )


def test_a_file_is_plain_text(tmp_path, prices):
    path = write_table(prices, tmp_path / "prices.csv")
    text = "date,price_usd_per_t\n2025-03-20,35000\n2025-03-21,0.3333333333333333\n"
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize("number", [math.pi, 5e-324, 1.7976931348623157e308, 1e15, 1e16, 123456.7])
def test_numbers_keep_all_their_digits(tmp_path, prices, number):
    prices["price_usd_per_t"] = number
    write_table(prices, tmp_path / "p.csv")
    assert (
        read_table(tmp_path / "p.csv", "daily_prices")["price_usd_per_t"].tolist() == [number] * 2
    )


def test_the_table_is_known_by_its_columns(tmp_path, prices):
    write_table(prices[["price_usd_per_t", "date"]], tmp_path / "p.csv")
    assert len(read_table(tmp_path / "p.csv", "daily_prices")) == 2
    with pytest.raises(ValueError, match="must be those of one table"):
        write_table(prices.rename(columns={"date": "day"}), tmp_path / "p.csv")
    with pytest.raises(ValueError, match=r"did you mean 'daily_prices'"):
        write_table(prices, tmp_path / "p.csv", "daily_price")
    with pytest.raises(ValueError, match=r"must be one of"):
        read_table(tmp_path / "p.csv", "../tables/trade")
    with pytest.raises(TypeError, match="DataFrame"):
        write_table({"date": []}, tmp_path / "p.csv")


def test_optional_columns_may_be_missing_when_the_table_is_named(tmp_path):
    frame = pd.DataFrame(
        {"supplier": ["A"], "commodity": ["tin"], "country": ["PER"], "share": [0.5]}
    )
    write_table(frame, tmp_path / "s.csv", "suppliers")
    assert read_table(tmp_path / "s.csv", "suppliers")["smelter_id"].isna().tolist() == [True]


@pytest.mark.parametrize(
    "bad",
    [
        {"price_usd_per_t": [1.0, -1.0]},
        {"price_usd_per_t": [1.0, np.nan]},
        {"date": pd.to_datetime(["2025-03-20", "2025-03-20"])},
        {"date": pd.to_datetime(["2025-03-20 12:00", "2025-03-21 00:00"])},
    ],
)
def test_a_broken_table_leaves_the_old_file(tmp_path, prices, bad):
    path = write_table(prices, tmp_path / "prices.csv")
    before = path.read_bytes()
    with pytest.raises(InvalidInputError):
        write_table(prices.assign(**bad), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["prices.csv"]


@pytest.mark.parametrize("text", ["a\0b", "x" * 200_000])
def test_text_that_no_reader_takes_is_not_written(tmp_path, text):
    frame = pd.DataFrame(
        {"supplier": [text], "commodity": ["tin"], "country": ["PER"], "share": [0.5]}
    )
    with pytest.raises(InvalidInputError, match=r"line 2, column supplier"):
        write_table(frame, tmp_path / "s.csv", "suppliers")
    assert not [*tmp_path.iterdir()]


def test_a_missing_folder_is_an_os_error(tmp_path, prices):
    with pytest.raises(FileNotFoundError):
        write_table(prices, tmp_path / "no" / "p.csv")
