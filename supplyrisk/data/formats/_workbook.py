"""Excel workbooks, row by row, in bounded memory; and what their cells are as text."""

from __future__ import annotations

import datetime as dt
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from supplyrisk import _optional
from supplyrisk import _validation as check
from supplyrisk.data.formats._table import Cell, Records, letter
from supplyrisk.errors import Fault, InvalidInputError

LARGEST: Final = 150_000_000
"""Bytes of a workbook once unpacked; the World Bank's largest has some 30 million."""
MOST_TIMES: Final = 100
"""Times that a large part may grow when unpacked; sheets of text grow about twenty times."""
_SMALL: Final = 10_000_000
# openpyxl lets pass whatever a damaged part leads to.
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # encrypted; also a method of compression that Python does not know
    SyntaxError,
    TypeError,
    ValueError,
)
_MOST_ROWS: Final = 1_048_576


@contextmanager
def sheets(path: str | os.PathLike[str], *, to: str) -> Iterator[Any]:
    """Open a workbook for reading.

    Parameters
    ----------
    path : str or path-like
        File to read.
    to : str
        What it is read for, as the end of "openpyxl is needed to ...".

    Yields
    ------
    openpyxl.Workbook
        The workbook, values only.

    Raises
    ------
    ImportError
        If openpyxl is not installed; the message names the extra.
    InvalidInputError
        If the file is no workbook, is cut off, or unpacks to more than any such workbook holds.
    OSError
        If it cannot be read.
    """
    what = str(path)
    openpyxl = _optional.need("openpyxl", extra="io", to=to)
    with Path(path).open("rb") as file:
        with _whole(what):
            _refuse_bombs(file, what)
        with _whole(what), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and validations that nobody reads here
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _whole(what: str) -> Iterator[None]:
    """Name a workbook that is cut off: a part of it may show that only once it is read."""
    try:
        yield
    except InvalidInputError:
        raise
    except _BROKEN as error:
        rule = "must be a whole Excel workbook (.xlsx)"
        raise InvalidInputError(what, [Fault("file", rule, str(error))]) from error


def rows(book: Any, sheet: str, *, what: str) -> Iterator[tuple[int, tuple[Any, ...]]]:  # noqa: ANN401 - openpyxl has no types
    """Give the rows of a sheet, from its first to the last that holds anything.

    Parameters
    ----------
    book : openpyxl.Workbook
        The open workbook.
    sheet : str
        Name of the sheet.
    what : str
        Path of the file, for messages.

    Yields
    ------
    tuple of int and tuple
        Number of the row, from 1, and its values without the blank ones at the end.

    Raises
    ------
    InvalidInputError
        If there is no such sheet; the message names those there are.
    """
    faults = [*check.choice("sheet", sheet, [page.title for page in book.worksheets])]
    if faults:
        raise InvalidInputError(what, faults)
    with _whole(what):
        page = book[sheet]
        page.reset_dimensions()  # what a file says of its size is often wrong, and may be made up
        lines = page.iter_rows(values_only=True)
    number = 0
    while True:
        with _whole(what):
            cells = next(lines, None)
        if cells is None:
            return
        number += 1
        values = trimmed(cells)
        if number > _MOST_ROWS:
            rule = f"must not have more than {_MOST_ROWS:,} rows"
            raise InvalidInputError(what, [Fault(f"sheet {sheet}", rule, number)])
        if values:
            yield number, values


def trimmed(cells: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of a row without the blank ones at its end."""
    last = len(cells)
    while last and (cells[last - 1] is None or str(cells[last - 1]).strip() == ""):
        last -= 1
    return tuple(cells[:last])


def records_on(book: Any, sheet: str, *, what: str, decimal: str = ".") -> Records:  # noqa: ANN401 - openpyxl has no types
    """Take the rows of a sheet for a table whose header is the first of them.

    Parameters
    ----------
    book : openpyxl.Workbook
        The open workbook.
    sheet : str
        Name of the sheet.
    what : str
        Path of the file, for messages.
    decimal : str, default "."
        Decimal mark of numbers as text.

    Returns
    -------
    Records
        Its header, without a name if the sheet is empty, and its rows as text, which may be longer
        than the header.
    """
    below = rows(book, sheet, what=what)
    _, first = next(below, (1, ()))
    header = tuple(cell_text(value) for value in first)
    return Records(what, header, texts(below, len(header), decimal=decimal), sheet=sheet)


def texts(
    below: Iterator[tuple[int, tuple[Any, ...]]], width: int, *, decimal: str = "."
) -> Iterator[tuple[int, list[str]]]:
    """Turn rows of a sheet into text, none shorter than a width."""
    for number, values in below:
        fields = [cell_text(value, decimal) for value in values]
        yield number, fields + [""] * (width - len(fields))


def cell_text(value: Any, decimal: str = ".") -> str:  # noqa: ANN401 - whatever openpyxl gives
    """Turn the value of a cell in a workbook into the text that it would have in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return text.replace(".", decimal)
    return str(value).strip()


def sheet_cell(sheet: str, row: int, column: int, values: Sequence[Any]) -> Cell:
    """Give a cell of a row of a sheet; one beyond the end of the row is blank."""
    text = cell_text(values[column]) if column < len(values) else ""
    return Cell(f"sheet {sheet}, row {row}, column {letter(column)}", text)


def is_workbook(path: str | os.PathLike[str]) -> bool:
    """Whether a file is to be read as an Excel workbook: by what it holds, else by its name."""
    with Path(path).open("rb") as file:
        if zipfile.is_zipfile(file):
            return True
        file.seek(0)
        # A workbook that was cut off still begins like one.
        return file.read(4) == b"PK\x03\x04" or Path(path).suffix.lower() in {".xlsx", ".xlsm"}


def _refuse_bombs(file: Any, what: str) -> None:  # noqa: ANN401 - any binary file
    if not zipfile.is_zipfile(file):
        file.seek(0)
        head = file.read(8)
        hint = " (an old .xls: save it as .xlsx)" if head.startswith(b"\xd0\xcf\x11\xe0") else ""
        rule = f"must be a whole Excel workbook (.xlsx){hint}"
        raise InvalidInputError(what, [Fault("file", rule, head)])
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        for part in parts:
            grows = part.file_size > MOST_TIMES * max(part.compress_size, 1)
            if unpacked > LARGEST or (part.file_size > _SMALL and grows):
                rule = "must not unpack to more than a workbook of this kind holds"
                size = f"{part.filename}: {part.file_size:,} bytes"
                raise InvalidInputError(what, [Fault("file", rule, size)])
    file.seek(0)
