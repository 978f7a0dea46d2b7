"""Delimited text: whatever is a table is read, whatever is none is refused, both in little room."""

import codecs
import csv
import io
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supplyrisk.data.formats import _records
from supplyrisk.data.formats._records import read_table_text, records
from supplyrisk.data.formats._table import text_chunks
from supplyrisk.data.schema import Column, Schema
from supplyrisk.errors import InvalidInputError

TYPES = {"site_id": "name", "country": "country", "note": "text", "value_t": "amount"}
SITES = Schema(
    "sites",
    tuple(
        Column(
            name=name,
            type=type_,
            unit="t" if name.endswith("_t") else "",
            required=name in {"site_id", "country"},
            key=name == "site_id",
            description=f"The {name}.",
        )
        for name, type_ in TYPES.items()
    ),
)
HEADER = "site_id,country,note,value_t\n"
TWO = f"{HEADER}bisie,COD,Zoë's mine,1.5\nuis,NAM,,\n"
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.fixture
def write(tmp_path):
    def write_file(content):
        path = tmp_path / "sites.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def refusal(path, **how):
    """The one line that says what is wrong, without the name of the file."""
    with pytest.raises(InvalidInputError) as caught:
        read_table_text(path, SITES, **how)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def assert_two(frame):
    assert frame["site_id"].tolist() == ["bisie", "uis"]
    assert frame["country"].tolist() == ["COD", "NAM"]
    assert frame["note"].fillna("none").tolist() == ["Zoë's mine", "none"]
    np.testing.assert_array_equal(frame["value_t"], [1.5, np.nan])
    assert frame.index.equals(pd.RangeIndex(2))
    assert frame.dtypes.tolist() == [column.dtype for column in SITES.columns]


@pytest.mark.parametrize("encoding", MARKS)
def test_a_marked_file_is_read_in_its_encoding(write, encoding):
    path = write(MARKS[encoding] + TWO.encode(encoding))
    assert_two(read_table_text(path, SITES))
    assert_two(read_table_text(path, SITES, fallback="cp1252"))


def test_a_file_without_a_mark_is_utf8(write):
    assert_two(read_table_text(write(TWO), SITES))
    assert_two(read_table_text(write(TWO), SITES, fallback="cp1252"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-be"])
def test_a_mark_is_no_part_of_the_header_where_the_encoding_is_given(write, encoding):
    path = write(MARKS[encoding] + TWO.encode(encoding))
    assert_two(read_table_text(path, SITES, encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_refused_with_the_encoding_to_say(write, encoding):
    path = write(TWO.encode(encoding))
    assert f"looks like UTF-16 without a mark: say encoding='{encoding}'" in refusal(path)
    assert_two(read_table_text(path, SITES, encoding=encoding))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_what_is_not_utf8_is_refused_by_line_with_a_hint(write, ends):
    path = write(TWO.replace("\n", ends).encode("cp1252"))
    message = refusal(path)
    assert message.startswith("line 2 must be utf-8 text: invalid continuation byte")
    assert "say encoding='cp1252'" in message
    assert message.endswith(r"got b'\xeb'")
    assert_two(read_table_text(path, SITES, encoding="cp1252"))
    assert_two(read_table_text(path, SITES, encoding="Windows-1252"))
    assert_two(read_table_text(path, SITES, fallback="cp1252"))


def test_a_wrong_byte_beyond_the_first_block_is_found_by_line(write):
    lines = "".join(f"s{n},COD,{'é' * 20},1\n" for n in range(30_000))
    path = write((HEADER + lines).encode() + b"last,COD,\xff,1\n")
    assert refusal(path).startswith("line 30002 must be utf-8 text: invalid start byte")


@pytest.mark.parametrize(
    ("how", "content"),
    [
        ({"encoding": "utf-8"}, TWO.encode("cp1252")),
        ({"encoding": "ascii"}, TWO.encode()),
        ({"encoding": "cp1252"}, TWO.encode().replace("ë".encode(), b"\x81")),
        ({"fallback": "cp1252"}, TWO.encode().replace("ë".encode(), b"\x81")),
        ({"encoding": "utf-16"}, TWO.encode("utf-16")[:-1]),
        ({}, TWO.encode("utf-16")[:-1]),
    ],
    ids=["utf-8", "ascii", "cp1252", "cp1252 as fallback", "utf-16 cut", "marked utf-16 cut"],
)
def test_what_is_not_in_the_encoding_given_is_refused_by_line_too(write, how, content):
    assert refusal(write(content), **how).startswith(("line 2 must be ", "line 3 must be "))


@pytest.mark.parametrize("encoding", ["nonsense", "", "rot13", "base64"])
def test_an_encoding_that_is_none_is_a_value_error(write, encoding):
    with pytest.raises(ValueError, match=r"encoding must be one that Python knows"):
        read_table_text(write(TWO), SITES, encoding=encoding)


@pytest.mark.parametrize("decimal", ["", ";", "..", "point"])
def test_a_decimal_mark_is_a_point_or_a_comma(write, decimal):
    with pytest.raises(ValueError, match=r"decimal must be '.' or ','"):
        read_table_text(write(TWO), SITES, decimal=decimal)


@pytest.mark.parametrize(
    "text",
    [
        TWO.replace(",", ";"),
        TWO.replace(",", "\t"),
        TWO.replace(",", "|"),
        TWO.replace(",", " , "),
        f"sep=;\n{TWO.replace(',', ';')}",
        f"\ufeffSEP=,\r\n{TWO}",
        f"\n\n  \n,,,\n{TWO}",
        f"{HEADER}\n\nbisie,COD,Zoë's mine,1.5\n\n \nuis,NAM,,\n\n\n",
        TWO.rstrip("\n"),
        TWO.replace("\n", "\r"),
        TWO.replace("\n", "\r\n"),
        HEADER + TWO.removeprefix(HEADER).replace("\n", ",,,\n"),
        f"{TWO},,,,,,\n,,\n",
        '"site_id","country","note","value_t"\nbisie,"COD","Zoë\'s mine",1.5\n"uis",NAM,"",""',
        "value_t,note,country,site_id\n1.5,Zoë's mine,COD,bisie\n,,NAM,uis\n",
    ],
)
def test_other_ways_to_write_the_same_table(write, text):
    assert_two(read_table_text(write(text), SITES))


def test_empty_columns_of_a_spreadsheet_may_follow_in_the_header_too(write):
    assert_two(read_table_text(write(TWO.replace("\n", ",,,\n")), SITES))


def test_rows_of_delimiters_alone_are_blank_lines(write):
    assert_two(read_table_text(write(f"{TWO},,,\n,,,\n"), SITES))


def test_decimal_commas_stand_between_semicolons(write):
    text = TWO.replace(",", ";").replace("1.5", "1,5")
    assert_two(read_table_text(write(text), SITES, decimal=","))
    assert "say decimal=','" in refusal(write(text))


def test_the_delimiter_is_the_one_that_brings_out_the_names(write):
    path = write("a,b;c,d;site_id\n1,2;3,4;bisie\n")
    with records(path, ["site_id"]) as source:
        assert source.delimiter == ";"
        assert source.header == ("a,b", "c,d", "site_id")
        assert list(source.rows) == [(2, ["1,2", "3,4", "bisie"])]
    with records(path, ["a", "d;site_id"], delimiters=",") as source:
        assert source.header == ("a", "b;c", "d;site_id")


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(cells, cells, cells), max_size=6), st.sampled_from(",;\t|"), st.booleans()
)
def test_records_are_those_of_the_csv_module(tmp_path, rows, delimiter, excel):
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if excel else csv.QUOTE_ALL
    ends = "\r\n" if excel else "\n"
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    writer.writerows([("a", "b", "c"), *rows])
    path = tmp_path / "any.csv"
    path.write_bytes(file.getvalue().encode())
    with records(path, ["a", "b", "c"]) as source:
        read = [tuple(fields) for _, fields in source.rows]
    assert [row for row in read if any(map(str.strip, row))] == [
        row for row in rows if any(map(str.strip, row))
    ]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_lines_are_counted_as_an_editor_counts_them(write, ends):
    text = f'sep=,\n\n{HEADER}a,COD,"two\nlines",1\n\nb,XXX,"three\n\nlines",2\nc,COD,,-1\n'
    path = write(text.replace("\n", ends))
    with pytest.raises(InvalidInputError) as caught:
        read_table_text(path, SITES)
    wanted = [
        f"line {number}, column {name}"
        for number, line in enumerate(text.split("\n"), start=1)
        for mark, name in (('lines",2', "country"), (",-1", "value_t"))
        if line.endswith(mark)
    ]
    assert [fault.field for fault in caught.value.faults] == wanted
    assert wanted == ["line 9, column country", "line 10, column value_t"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'{HEADER}a,COD,"x,1\nb,NAM,,2\n', "line 3 must be delimited text with every quotation c"),
        (f'{HEADER}a,COD,"x"y,1\n', "line 2 must be delimited text with every quotation closed"),
        (f"{HEADER}a,COD,,1\nb,NAM,\n", "line 3 must have 4 fields, as the header has, got 3"),
        (f"{HEADER}a,COD,,1\nb\n", "line 3 must have 4 fields, as the header has, got 1"),
        (f"{HEADER}a,COD,,1,,x\n", "line 2 must have 4 fields, as the header has, got 6"),
        (f"{HEADER}a,COD,1,234,5\n", "line 2 must have 4 fields, as the header has, got 5"),
        (f"{HEADER}a,COD,\0,1\n", "line 2 must be text: it holds a zero byte"),
        (HEADER + "a,COD,,1\n" * 200 + "b\0\n", "line 202 must be text: it holds a zero byte"),
        (f"{HEADER}a,COD,{'x' * 131_073},1\n", "line 2 must be delimited text"),
        (f"{'x' * 131_073},{HEADER}a,b,COD,,1\n", "line 1 must be delimited text"),
        (f"{HEADER}{'x' * 1_000_001}\n", "line 2 must not be longer than 1,000,000 characters"),
        ("", "file must not be empty, got '0 bytes'"),
        ("\n\r\n  \n", "file must hold a header and records"),
        ("\ufeff", "file must hold a header and records"),
        ("sep=;\n;;;\n", "file must hold a header and records"),
        ("<!DOCTYPE html>\n<html>", "file is a web page or XML saved under the name of a table"),
        ("\n <HTML lang='en'>", "file is a web page or XML"),
        ("\ufeff<?xml version='1.0'?><a/>", "file is a web page or XML"),
        ("<!-- saved from url=(0016)http://localhost -->\n<html>", "file is a web page or XML"),
        (b"PK\x03\x04\x14\0\6\0", "file is a zip archive or an Excel workbook, not text"),
        (b"\x1f\x8b\x08\0\0\0", "file is compressed with gzip: unpack it first"),
        (b"BZh91AY&SY", "file is compressed with bzip2"),
        (b"\xfd7zXZ\0\0", "file is compressed with xz"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file is an old Excel workbook (.xls), not text"),
        (b"%PDF-1.7\n%\xe2\xe3", "file is a PDF, not a table"),
        (b"\x89PNG\r\n\x1a\n", "file is a picture"),
        (b"PAR1\x15\x04", "file is a Parquet file, not text"),
    ],
)
def test_what_is_no_such_table_is_refused_with_the_place_and_the_reason(write, content, message):
    path = write(content)
    assert refusal(path).startswith(message)
    if isinstance(content, bytes):
        assert refusal(path, encoding="cp1252").startswith(message)


def test_a_field_as_long_as_the_limit_is_read(write):
    frame = read_table_text(write(f"{HEADER}a,COD,{'x' * 131_072},1\n"), SITES)
    assert len(frame["note"][0]) == _records.LONGEST_FIELD == 131_072


def test_a_record_has_a_limit_whatever_the_csv_module_is_set_to(write):
    path = write(f'{HEADER}a,COD,"{("x" * 99 + chr(10)) * 20_000}",1\n')
    limit = csv.field_size_limit(10**9)
    try:
        assert refusal(path).startswith("line ")
    finally:
        csv.field_size_limit(limit)


def test_a_header_alone_is_an_empty_table(write):
    for text in (HEADER, HEADER.strip(), f"\ufeff{HEADER}\n\n"):
        frame = read_table_text(write(text), SITES)
        assert len(frame) == 0
        assert frame.dtypes.tolist() == [column.dtype for column in SITES.columns]


def test_a_file_that_cannot_be_read_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table_text(tmp_path / "missing.csv", SITES)
    with pytest.raises(OSError, match="directory"):
        read_table_text(tmp_path, SITES)


def test_names_of_columns_are_checked_before_any_row(write):
    path = write("site_id,contry,note,note\n" + "a,b\n" * 3)
    with pytest.raises(InvalidInputError) as caught:
        read_table_text(path, SITES)
    assert [fault.field for fault in caught.value.faults] == [
        "column contry",
        "column note",
        "column country",
    ]


def test_a_published_header_is_matched_by_every_name(write):
    with records(write("site_id;country;country\n"), ["site_id"]) as source:
        assert source.places(["site_id"], format_="the register") == {"site_id": 0}
        with pytest.raises(InvalidInputError) as caught:
            source.places(["site_ids", "country", "day"], format_="the register")
    assert [(fault.field, fault.rule) for fault in caught.value.faults] == [
        ("column site_ids", "must be given: it is part of the register (did you mean 'site_id'?)"),
        ("column day", "must be given: it is part of the register"),
        ("column country", "must not be given twice"),
    ]


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 4, 5])
def test_chunks_are_the_kept_rows_in_order_by_line(write, n_rows):
    path = write(HEADER + "".join(f"s{n},COD,{n},\n\n" for n in range(n_rows)))
    with records(path, SITES.names) as source:
        chunks = list(
            text_chunks(source, ["note", "site_id"], keep=lambda row: row[2] != "1", rows=2)
        )
    frame = pd.concat(chunks)
    kept = [n for n in range(n_rows) if n != 1]
    assert frame["site_id"].tolist() == [f"s{n}" for n in kept]
    assert frame.index.tolist() == [2 + 2 * n for n in kept]
    assert [len(chunk) for chunk in chunks[:-1]] == [2] * (len(chunks) - 1)
    assert all(list(chunk.columns) == ["note", "site_id"] for chunk in chunks)
    assert {str(dtype) for dtype in frame.dtypes} == {"object"}


def test_a_file_of_many_chunks_is_read_whole_or_not_at_all(write, monkeypatch):
    monkeypatch.setitem(text_chunks.__kwdefaults__, "rows", 100)
    rows = "".join(f"s{n},COD,,{n}\n" for n in range(1_000))
    frame = read_table_text(write(HEADER + rows), SITES)
    assert frame["value_t"].tolist() == list(range(1_000))
    assert frame.dtypes.tolist() == [column.dtype for column in SITES.columns]
    for last, message in {
        "last,COD,,-1\n": "line 1002, column value_t must be",
        "last,COD,\n": "line 1002 must have 4 fields",
        "s3,COD,,1\n": "line 1002 must not repeat the site_id of line 5",
        'last,COD,"': "line 1002 must be delimited text",
    }.items():
        assert refusal(write(HEADER + rows + last)).startswith(message)


ENDLESS = {
    "one line": (b"", b"x" * 1_000_000, "line 2 must not be longer than 1,000,000 characters"),
    "zero bytes": (b"a,COD,,1\n" * 200, b"\0" * 1_000_000, "line 202 must "),
    "one quotation": (b'a,COD,"', (b"x" * 99 + b"\n") * 10_000, "line "),
    "one record of many lines": (b'"a\n', b'b","\n' * 200_000, "line "),
}


def cost_of_refusing(path, kind, megabytes):
    """Megabytes of memory that it takes to refuse a file of some megabytes."""
    start, block, message = ENDLESS[kind]
    with path.open("wb") as file:
        file.write(HEADER.encode() + start)
        for _ in range(megabytes):
            file.write(block)
    tracemalloc.start()
    try:
        assert refusal(path).startswith(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        path.unlink()
    return peak / 1e6


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_never_ends_is_refused_in_little_memory(tmp_path, kind):
    assert cost_of_refusing(tmp_path / "endless.csv", kind, 4) < 20


@pytest.mark.verification
@pytest.mark.parametrize("kind", ENDLESS)
def test_two_hundred_megabytes_that_never_end_take_no_more_memory(tmp_path, kind):
    assert cost_of_refusing(tmp_path / "endless.csv", kind, 200) < 20
