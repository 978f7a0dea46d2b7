"""Tables of the library's own schemas to files, and back without a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _files
from supplyrisk import _validation as check
from supplyrisk.data.formats._records import LONGEST_FIELD, LONGEST_LINE, read_table_text
from supplyrisk.data.schema import schema, schema_names
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from supplyrisk.data.schema import Schema

__all__ = ["read_table", "write_table"]

_QUOTED: Final = frozenset(',"\r\n')


def write_table(
    frame: pd.DataFrame, path: str | os.PathLike[str], table: str | None = None
) -> Path:
    """Write a table of one of the library's schemas as CSV.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table, as a reader or one of the functions of `supplyrisk.data` gives it; its index is
        not written.
    path : str or path-like
        File to write; its folder must exist. It is written whole or not at all.
    table : str, optional
        Name of the table, e.g. ``"trade"``; by default the one that has the columns of `frame`.

    Returns
    -------
    Path
        The file written: UTF-8, commas, one line of header, dates as year-month-day, blank cells
        for missing values.

    Raises
    ------
    TypeError
        If `frame` is no data frame.
    InvalidInputError
        If no table has that name or those columns, or the frame breaks a rule of its schema.
    OSError
        If the file cannot be written.

    Notes
    -----
    `read_table` gives back what was written, exactly: numbers are written with all their digits.

    Examples
    --------
    >>> from supplyrisk.data.tables import production
    >>> write_table(production("tin"), "tin.csv")  # doctest: +SKIP
    PosixPath('tin.csv')
    """
    check.require("frame", frame, pd.DataFrame)
    if table is None:
        table = _table_of(frame)
    wanted = _schema(table)
    checked = wanted.check(frame, what=f"table {table}")
    text = wanted.to_text(checked)
    rows = [*text.itertuples(index=False, name=None)]
    faults = _faults(wanted, rows)
    if faults:
        raise InvalidInputError(f"table {table}", faults)
    lines = [_line(wanted.names), *(_line(row) for row in rows)]
    return _files.write_text(path, "".join(lines))


def read_table(
    path: str | os.PathLike[str],
    table: str,
    *,
    encoding: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read a table of one of the library's schemas from CSV.

    Parameters
    ----------
    path : str or path-like
        File to read, as `write_table` writes it; semicolons, tabs and columns in another order do
        not matter.
    table : str
        Name of the table, e.g. ``"trade"``.
    encoding : str, optional
        Encoding of the file; by default its byte-order mark, or else UTF-8.
    decimal : str, default "."
        Decimal mark, ``","`` in files that a spreadsheet wrote anew.

    Returns
    -------
    pandas.DataFrame
        The table in the form that its schema documents.

    Raises
    ------
    ValueError
        If the encoding or the decimal mark is none.
    InvalidInputError
        If no table has that name, or the file breaks a rule of its schema.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> read_table("tin.csv", "production")  # doctest: +SKIP
    """
    return read_table_text(path, _schema(table), encoding=encoding, decimal=decimal)


def _schema(table: str) -> Schema:
    faults = [*check.choice("table", table, schema_names())]
    if faults:
        raise InvalidInputError("table", faults)
    return schema(table)


def _table_of(frame: pd.DataFrame) -> str:
    """Return the name of the one table whose columns these are."""
    columns = {str(name) for name in frame.columns}
    found = [name for name in schema_names() if set(schema(name).names) == columns]
    if len(found) == 1:
        return found[0]
    rule = "must be those of one table; else say which as table="
    raise InvalidInputError("write_table", [Fault("columns", rule, sorted(columns))])


def _faults(wanted: Schema, rows: list[tuple[str, ...]]) -> list[Fault]:
    """Name what a reader of the file would refuse, beyond the schema."""
    faults = []
    for number, row in enumerate(rows, start=2):
        faults += [
            Fault(f"line {number}, column {name}", rule, text[:40])
            for name, text in zip(wanted.names, row, strict=True)
            if (rule := _unreadable(text))
        ]
        if sum(map(len, row)) > LONGEST_LINE // 4:  # quotation marks may double it, and more
            faults.append(Fault(f"line {number}", "must not hold so much text", row[0][:40]))
    return faults


def _unreadable(text: str) -> str:
    if "\0" in text:
        return "must not hold a zero byte"
    if len(text) > LONGEST_FIELD:
        return f"must not be longer than {LONGEST_FIELD:,} characters"
    return ""


# Not by the csv module: before Python 3.13 it leaves a carriage return without quotation marks.
def _line(cells: tuple[str, ...] | list[str]) -> str:
    return ",".join(_quoted(cell) for cell in cells) + "\n"


def _quoted(cell: str) -> str:
    if _QUOTED.isdisjoint(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
