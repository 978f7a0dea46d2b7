"""Cells as publishers write them: text, numbers, and the place of each in words."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data import cells
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from supplyrisk.data.formats._records import Records
    from supplyrisk.data.schema import Schema


class Cell(NamedTuple):
    """One cell, with the words that tell a reader where to look.

    Attributes
    ----------
    place
        Such as ``"line 7, column estimate"`` or ``"sheet va, row 7, column C"``.
    text
        What it holds, as text; blank for nothing.
    """

    place: str
    text: str


NO_CELL: Final = Cell("", "")


class Table(NamedTuple):
    """A table below one line of header, be it in text or on a sheet.

    Attributes
    ----------
    what
        Path of the file, for messages.
    sheet
        Name of the sheet; blank for text.
    header
        Names of the columns.
    delimiter
        What separates the fields; blank on a sheet.
    rows
        Number of the line or row, and its values.
    """

    what: str
    sheet: str
    header: tuple[str, ...]
    delimiter: str
    rows: Iterator[tuple[int, Sequence[Any]]]

    def cell(self, number: int, values: Sequence[Any], column: int) -> Cell:
        """Give a cell of a row, by the place of its column."""
        if self.sheet:
            return sheet_cell(self.sheet, number, column, values)
        return Cell(f"line {number}, column {self.header[column]}", values[column].strip())

    def places(self, wanted: Iterable[str], *, format_: str) -> dict[str, int]:
        """Find the columns of a format by name, or name those missing or given twice."""
        faults = []
        names = [folded(name) for name in self.header]
        places = {}
        for name in wanted:
            times = names.count(folded(name))
            if times == 1:
                places[name] = names.index(folded(name))
                continue
            rule = "must not be given twice"
            if not times:
                near = check.nearest(name, self.header)
                rule = f"must be given: it is part of {format_}{near}"
            sheet = f"sheet {self.sheet}, " if self.sheet else ""
            faults.append(Fault(f"{sheet}column {name}", rule, list(self.header)[:12]))
        if faults:
            raise InvalidInputError(self.what, faults)
        return places


def folded(name: str) -> str:
    """Name of a column without regard to case and to the spaces in it."""
    return " ".join(name.split()).casefold()


def table_of(source: Records) -> Table:
    """Take delimited text for a table."""
    return Table(source.what, "", source.header, source.delimiter, source.rows)


def table_on(rows: Iterator[tuple[int, tuple[Any, ...]]], sheet: str, *, what: str) -> Table:
    """Take the rows of a sheet for a table whose header is the first of them."""
    _, header = next(rows, (1, ()))
    return Table(what, sheet, tuple(cell_text(value) for value in header), "", rows)


def is_workbook(path: str | os.PathLike[str]) -> bool:
    """Whether a file is to be read as an Excel workbook: by what it holds, else by its name."""
    with Path(path).open("rb") as file:
        if zipfile.is_zipfile(file):
            return True
        file.seek(0)
        # A workbook that was cut off still begins like one.
        return file.read(4) == b"PK\x03\x04" or Path(path).suffix.lower() in {".xlsx", ".xlsm"}


def cell_text(value: Any) -> str:  # noqa: ANN401 - whatever openpyxl gives
    """Turn the value of a cell in a workbook into the text that it would have in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value).strip()


def letter(place: int) -> str:
    """Name of a column of a sheet, counted from 0: ``"A"``, ..., ``"Z"``, ``"AA"``, ..."""
    name = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def sheet_cell(sheet: str, row: int, column: int, values: Sequence[Any]) -> Cell:
    """Give a cell of a row of a sheet; one beyond the end of the row is blank."""
    text = cell_text(values[column]) if column < len(values) else ""
    return Cell(f"sheet {sheet}, row {row}, column {letter(column)}", text)


def numbers(
    column: Sequence[Cell],
    *,
    kind: str = "number",
    missing: Collection[str] = (),
    decimal: str = ".",
    required: bool = False,
) -> tuple[list[float | None], list[Fault]]:
    """Read numbers; name every cell that is none.

    Parameters
    ----------
    column : sequence of Cell
        Cells to read.
    kind : str, default "number"
        Type of column, as in `supplyrisk.data.cells`.
    missing : collection of str, optional
        What the publisher writes where there is no value; a blank cell is always none.
    decimal : str, default "."
        Decimal mark.
    required : bool, default False
        Whether a cell without a value is a fault.

    Returns
    -------
    tuple of list and list of Fault
        Values, None where there is none, and the faults.
    """
    texts = np.array(["" if cell.text in missing else cell.text for cell in column], dtype=object)
    values, wrong = cells.kind_of(kind).parse(texts, required=required, decimal=decimal)
    faults = [Fault(column[row].place, rule, column[row].text) for row, rule in wrong]
    if faults:
        return [None] * len(column), faults
    return [None if pd.isna(value) else value for value in values.tolist()], []


def repeated(keys: Iterable[tuple[tuple[Any, ...], str]], names: str) -> list[Fault]:
    """Name the places at which a key comes again.

    Parameters
    ----------
    keys : iterable of tuple and str
        Keys, each with its place.
    names : str
        What a key is made of, for the message.

    Returns
    -------
    list of Fault
        One for each place after the first.
    """
    first: dict[tuple[Any, ...], str] = {}
    faults = []
    for key, place in keys:
        if key in first:
            rule = f"must not repeat the {names} of {first[key]}"
            faults.append(Fault(place, rule, tuple(str(part) for part in key)))
        first.setdefault(key, place)
    return faults


def tidy(records: Sequence[Mapping[str, Any]], schema: Schema, *, what: str) -> pd.DataFrame:
    """Turn rows into a table of the library, by its key.

    Parameters
    ----------
    records : sequence of mapping
        Values by column; a column that is not required may be left out.
    schema : Schema
        The table.
    what : str
        Path of the file, for messages.

    Returns
    -------
    pandas.DataFrame
        The table in the form that the schema documents.
    """
    frame = pd.DataFrame(
        {name: [record.get(name) for record in records] for name in schema.names}, dtype=object
    )
    return schema.check(frame, what=what).sort_values(schema.key, ignore_index=True)
