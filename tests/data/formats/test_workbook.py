"""Excel workbooks: rows as Excel shows them, and whatever is no whole workbook refused."""

import contextlib
import datetime as dt
import io
import random
import re
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from supplyrisk.data.formats._workbook import LARGEST, rows, sheets, trimmed
from supplyrisk.errors import InvalidInputError

openpyxl = pytest.importorskip("openpyxl")

SHEET = "xl/worksheets/sheet1.xml"
START = (
    '<?xml version="1.0"?>'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
)
NO_WORKBOOK = "file must be a whole Excel workbook (.xlsx)"


def saved(book):
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def workbook(*values, **more_sheets):
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in values:
        book.active.append(row)
    for name, lines in more_sheets.items():
        sheet = book.create_sheet(name)
        for row in lines:
            sheet.append(row)
    return saved(book)


def with_part(workbook_bytes, name, text):
    """Replace one part of a workbook."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook_bytes)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, text if part.filename == name else old.read(part))
    return made.getvalue()


def with_rows(text):
    return with_part(workbook(["x"]), SHEET, f"{START}<sheetData>{text}</sheetData></worksheet>")


def row(number, *cells):
    held = "".join(f'<c r="{chr(65 + n)}{number}">{cell}</c>' for n, cell in enumerate(cells))
    return f'<row r="{number}">{held}</row>'


SOME = workbook(
    ["site", "opened", "output_t"],
    ["bisie", dt.datetime(2018, 5, 1), 17324.5],  # noqa: DTZ001 - Excel knows no zones
    *([f"site {n}", None, n] for n in range(300)),
)


@pytest.fixture
def read(tmp_path):
    def read_sheet(content, sheet="Data", name="any.xlsx"):
        path = tmp_path / name
        path.write_bytes(content)
        with sheets(path, to="read sites") as book:
            return list(rows(book, sheet, what=str(path)))

    return read_sheet


@pytest.fixture
def refusal(read, tmp_path):
    def refused(content, *args):
        with pytest.raises(InvalidInputError) as caught:
            read(content, *args)
        start = f"{tmp_path / 'any.xlsx'}: "
        assert str(caught.value).startswith(start)
        return str(caught.value).removeprefix(start)

    return refused


def test_rows_are_numbered_and_without_the_blanks_at_their_end(read):
    made = workbook(["a", 1, None], [], [None, "  ", None], [None, 2.5, " "], notes=[["x"]])
    assert read(made) == [(1, ("a", 1)), (4, (None, 2.5))]
    assert read(made, "notes") == [(1, ("x",))]


def test_types_of_cells_are_those_of_excel(read):
    day = dt.datetime(2024, 2, 29)  # noqa: DTZ001
    moment = dt.datetime(2024, 2, 29, 10, 30)  # noqa: DTZ001
    ((_, values),) = read(workbook([1, 2.5, "NA", True, day, moment, dt.time(10, 30), "0012"]))
    assert values == (1, 2.5, "NA", True, day, moment, dt.time(10, 30), "0012")
    assert [type(value) for value in values[:4]] == [int, float, str, bool]


plain = st.none() | st.integers(-(2**53), 2**53) | st.booleans() | st.text("aé鉱 ;\n", min_size=1)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(plain, max_size=4), max_size=5))
def test_what_is_written_is_read_again(read, lines):
    wanted = [(number, trimmed(line)) for number, line in enumerate(lines, start=1)]
    assert read(workbook(*lines)) == [(number, line) for number, line in wanted if line]


@given(st.lists(plain))
def test_trimming_takes_blanks_from_the_end_alone(cells):
    kept = trimmed(cells)
    assert list(kept) == cells[: len(kept)]
    assert not kept or str(kept[-1]).strip()
    assert all(cell is None or not str(cell).strip() for cell in cells[len(kept) :])
    assert trimmed(kept) == kept


def test_formulas_give_the_values_that_excel_left(read):
    cells = ["<f>1+1</f><v>2</v>", "<f>A1</f>", "<v>3</v>"]
    assert read(with_rows(row(1, *cells))) == [(1, (2, None, 3))]
    assert read(workbook(["=1+1"])) == []


@pytest.mark.parametrize(
    ("sheet", "hint"),
    [("data", " (did you mean 'Data'?)"), ("Dta", " (did you mean 'Data'?)"), ("9", "")],
)
def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(refusal, sheet, hint):
    made = workbook(["a"], Notes=[["b"]])
    assert refusal(made, sheet) == f"sheet must be one of Data, Notes{hint}, got {sheet!r}"


def test_a_sheet_that_is_a_chart_is_refused(read, refusal):
    book = openpyxl.load_workbook(io.BytesIO(SOME))
    chart = openpyxl.chart.BarChart()
    chart.add_data(openpyxl.chart.Reference(book.active, min_col=3, min_row=1, max_row=9))
    book.create_chartsheet("Chart").add_chart(chart)
    made = saved(book)
    assert len(read(made)) == 302
    assert refusal(made, "Chart").startswith("sheet must ")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999])
def test_a_workbook_that_was_cut_off_is_refused(refusal, share):
    assert refusal(SOME[: int(share * len(SOME))]).startswith(NO_WORKBOOK)


def test_a_workbook_without_its_last_bytes_is_refused(read):
    for missing in range(1, 30):
        with pytest.raises(InvalidInputError, match=r"must be a whole Excel workbook"):
            read(SOME[:-missing])


def test_a_damaged_workbook_is_refused_or_read_but_never_another_error(read):
    rng = random.Random(7)  # noqa: S311 - no secret
    refused = 0
    for _ in range(80):
        damaged = bytearray(SOME)
        damaged[rng.randrange(len(SOME))] ^= 1 << rng.randrange(8)
        try:
            assert len(read(bytes(damaged))) == 302
        except InvalidInputError:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize(
    ("place", "byte"),
    [(3, 0x03), (8, 0x01), (10, 99), (42, 0xFF)],
    ids=["no entry", "encrypted", "unknown compression", "elsewhere"],
)
def test_a_directory_of_parts_that_says_nonsense_is_refused(refusal, place, byte):
    damaged = bytearray(SOME)
    for entry in re.finditer(rb"PK\x01\x02", SOME):
        damaged[entry.start() + place] = byte
    assert refusal(bytes(damaged)).startswith(NO_WORKBOOK)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"{NO_WORKBOOK}, got b''"),
        (b"site,output_t\nbisie,1\n", f"{NO_WORKBOOK}, got b'site,out'"),
        (b"<html></html>", NO_WORKBOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"{NO_WORKBOOK} (an old .xls: save it as .xlsx)"),
    ],
)
def test_another_file_under_the_name_of_a_workbook_is_refused(refusal, content, message):
    assert refusal(content).startswith(message)


@pytest.mark.parametrize("parts", [{}, {"data.csv": "a,b"}, {"[Content_Types].xml": "<a/>"}])
def test_a_zip_archive_without_a_workbook_is_refused(refusal, parts):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    assert refusal(made.getvalue()).startswith(NO_WORKBOOK)


@pytest.mark.parametrize(
    "text",
    [
        '<row r="1"><c r="A1"><v>1</v></c>',
        "<row r='x'><c r='A1'><v>1</v></c></row>",
        row(1, "<v>seven</v>"),
        '<row r="1"><c r="11"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1" t="d"><v>2024-99-99</v></c></row>',
        row(1, "<v>&nonsense;</v>"),
    ],
)
def test_a_sheet_that_excel_would_not_open_is_refused(refusal, text):
    assert refusal(with_rows(text)).startswith(NO_WORKBOOK)


def test_entities_that_grow_are_refused(refusal):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    text = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{entities}]>'
    sheet = f"{START}<sheetData>{row(1, '<v>&e8;</v>')}</sheetData></worksheet>"
    made = with_part(workbook(["x"]), SHEET, sheet.replace("?>", f"?>{text}", 1))
    assert refusal(made).startswith("file must ")


def bomb(path, part, megabytes):
    """A workbook one part of which is some megabytes of one byte; it is small on the disk."""
    with (
        zipfile.ZipFile(io.BytesIO(SOME)) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for held in old.infolist():
            if held.filename != part:
                new.writestr(held.filename, old.read(held))
        with new.open(part, "w") as file:
            for _ in range(megabytes):
                file.write(b" " * 1_000_000)


def cost_of_refusing(path):
    """Megabytes of memory that it takes to refuse a workbook."""
    tracemalloc.start()
    try:
        with (
            pytest.raises(InvalidInputError, match="must not unpack to more"),
            sheets(path, to="x"),
        ):
            pytest.fail("no bomb is opened")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak / 1e6


@pytest.mark.parametrize("part", [SHEET, "xl/styles.xml", "xl/unheard-of.xml"])
def test_a_part_that_would_burst_is_refused_before_it_is_unpacked(tmp_path, part):
    path = tmp_path / "bomb.xlsx"
    bomb(path, part, 20)
    assert path.stat().st_size < 500_000
    assert cost_of_refusing(path) < 2


@pytest.mark.verification
def test_a_sheet_of_more_than_four_hundred_megabytes_is_refused_at_once(tmp_path):
    path = tmp_path / "bomb.xlsx"
    bomb(path, SHEET, LARGEST // 1_000_000 + 1)
    assert cost_of_refusing(path) < 2


def test_a_large_sheet_of_ordinary_text_is_no_bomb(read):
    lines = [[f"site {n}", n, n / 8] for n in range(3_000)]
    assert [values for _, values in read(workbook(*lines))] == [tuple(line) for line in lines]


def test_blank_rows_at_the_end_are_left_out(read):
    blank = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(2, 30_000))
    assert read(with_rows(row(1, "<v>1</v>") + blank)) == [(1, (1,))]


@pytest.mark.parametrize("claim", ["A1:XFD1048576", "A1", "B2:C9"])
def test_what_a_sheet_claims_of_its_size_does_not_matter(read, claim):
    text = f'{START}<dimension ref="{claim}"/><sheetData>{row(1, "<v>1</v>", "<v>2</v>")}'
    made = with_part(workbook(["x"]), SHEET, f"{text}{row(3, '<v>3</v>')}</sheetData></worksheet>")
    assert read(made) == [(1, (1, 2)), (3, (3,))]


@pytest.mark.parametrize(
    "number",
    [10_001, 10_002, 10_003, pytest.param(1_048_576, marks=pytest.mark.verification)],
)
def test_no_row_is_lost_below_blank_ones(read, number):
    made = with_rows(row(1, "<v>1</v>") + row(number, "<v>2</v>"))
    try:
        assert read(made) == [(1, (1,)), (number, (2,))]
    except InvalidInputError as error:
        assert "row" in str(error)  # noqa: PT017 - to refuse is right as well, to lose is not


def test_a_row_beyond_what_excel_has_is_refused_or_read(read):
    made = with_rows(row(1, "<v>1</v>") + row(10**9, "<v>2</v>"))
    with contextlib.suppress(InvalidInputError):
        assert read(made) == [(1, (1,)), (10**9, (2,))]


def test_a_file_that_cannot_be_opened_is_an_os_error(tmp_path):
    for path in (tmp_path / "missing.xlsx", tmp_path):
        with pytest.raises(OSError, match=r"No such file|directory"), sheets(path, to="read"):
            pytest.fail("there is nothing to open")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), KeyError("x"), ValueError("x"), InvalidInputError("x", [])]
)
def test_the_readers_own_errors_pass_unchanged_and_the_file_is_closed(tmp_path, error):
    path = tmp_path / "any.xlsx"
    path.write_bytes(SOME)
    opened = []

    def read_and_fail():
        with sheets(path, to="read") as book:
            opened.append(book)
            raise error

    with pytest.raises(type(error)) as caught:
        read_and_fail()
    assert caught.value is error
    assert opened[0]._archive.fp is None
