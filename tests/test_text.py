"""Numbers and tables as people read them, in a terminal and on a page."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from supplyrisk import _html, _text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (7.0, "7"),
        (0.05432, "0.0543"),
        (0.5, "0.5"),
        (-0.5, "-0.5"),
        (1.005, "1"),
        (12.34, "12.3"),
        (99.94, "99.9"),
        (123.45, "123.5"),
        (-123.45, "-123.5"),
        (1_000, "1,000"),
        (17_324.4, "17,324"),
        (-17_324, "-17,324"),
        (1e9, "1,000,000,000"),
        (2e-5, "2e-05"),
        (np.float64(17_324), "17,324"),
        (np.float32(0.5), "0.5"),
        (np.int64(300_000), "300,000"),
        (float("nan"), "-"),
        (np.float64("nan"), "-"),
        (float("inf"), "never"),
        (-float("inf"), "-inf"),
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (np.True_, "yes"),
        (np.False_, "no"),
        ("tin", "tin"),
        ("", ""),
        (dt.date(2025, 3, 20), "2025-03-20"),
    ],
)
def test_a_value_as_people_read_it(value, text):
    assert _text.shown(value) == text


def test_booleans_are_no_numbers():
    assert not any(_text.is_plain_number(value) for value in (True, np.True_, "1", None))
    assert all(_text.is_plain_number(value) for value in (1, 1.0, np.int8(1), np.float32(1)))


FRAME = pd.DataFrame(
    {"site": ["bisie", "x"], "lost_t": [1_234.5, 0.25], "shut": [True, False], "note": [None, "a"]},
    index=pd.Index(["a", "bb"], name="key"),
)


def test_a_table_has_text_left_and_numbers_right():
    assert _text.table(FRAME).splitlines() == [
        "site   lost_t  shut  note",
        "bisie   1,234  yes   -",
        "x        0.25  no    a",
    ]


def test_a_table_may_show_its_index():
    assert _text.table(FRAME, index=True).splitlines()[0].split() == ["key", *FRAME.columns]
    assert _text.table(FRAME, index=True).splitlines()[2].startswith("bb   x")


def test_small_tables():
    assert _text.table(FRAME.iloc[:0]) == "site  lost_t  shut  note"
    assert _text.table(pd.DataFrame()) == ""
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert _text.table(twice) == "a  a\n1  2"


def test_a_page_shows_text_as_text():
    frame = pd.DataFrame({"<b>": ["<script>alert(1)</script>", "\"&'"], "n": [1_234.5, 2]})
    page = _html.table(frame)
    assert "<script" not in page
    assert "<b>" not in page
    assert "<th>&lt;b&gt;</th>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert '<td class="number">1,234</td>' in page
    assert page.count("<tr>") == 3
    assert "<th>index</th>" in _html.table(frame, index=True)


def test_letters_of_two_columns_keep_the_columns_straight():
    frame = pd.DataFrame({"site": ["ビシエ鉱山", "Çöpler", "C\u0327o\u0308pler"], "n": [1, 2, 3]})
    wide, plain, combined = _text.table(frame).splitlines()[1:]
    assert wide == "ビシエ鉱山  1"
    assert plain == "Çöpler      2"
    assert combined == "C\u0327o\u0308pler      3"
