"""Delimited text, record by record, in bounded memory: whatever is no such text is refused."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from supplyrisk.data.formats._bytes import encoding_of
from supplyrisk.data.formats._table import Records, parsed
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.schema import Schema

LONGEST_LINE: Final = 1_000_000
"""Characters of a line: far beyond any table, and little to hold."""
LONGEST_FIELD: Final = 131_072
"""Characters of a field, as in Python's csv module."""

_DELIMITERS: Final = (",", ";", "\t", "|")


@contextmanager
def records(
    path: str | os.PathLike[str],
    wanted: Sequence[str],
    *,
    encoding: str | None = None,
    fallback: str | None = None,
    delimiters: Iterable[str] = _DELIMITERS,
) -> Iterator[Records]:
    """Open a table in text and read its header.

    Parameters
    ----------
    path : str or path-like
        File to read.
    wanted : sequence of str
        Names that the header should hold; the delimiter is the one which brings out most of them.
    encoding : str, optional
        Encoding of the file; by default its byte-order mark, or else UTF-8.
    fallback : str, optional
        Encoding of files that are not UTF-8, where a publisher is known to use it.
    delimiters : iterable of str, optional
        What may separate the fields.

    Yields
    ------
    Records
        The header and the records, read as they are asked for.

    Raises
    ------
    InvalidInputError
        If the file is empty or no text, a line or a field is too long, a quotation is not closed,
        or a record has more or fewer fields than the header.
    OSError
        If it cannot be read.
    """
    what = str(path)
    with Path(path).open(encoding=encoding_of(Path(path), encoding, fallback), newline="") as file:
        lines = _Lines(file, what)
        first = lines.header()
        with _reading(what, lambda: lines.number):
            delimiter = _delimiter(first, wanted, tuple(delimiters))
            reader = csv.reader(lines.again(first), delimiter=delimiter, strict=True)
            names = [name.strip() for name in next(reader)]
            while len(names) > 1 and not names[-1]:
                names.pop()  # a spreadsheet's empty columns
            header = tuple(names)
            yield Records(what, header, _rows(reader, header, lines), delimiter)


def _rows(
    reader: Iterator[list[str]], header: tuple[str, ...], lines: _Lines
) -> Iterator[tuple[int, list[str]]]:
    width = len(header)
    for fields in reader:
        lines.held = 0
        if not any(field.strip() for field in fields):
            continue  # a blank line
        if len(fields) != width:
            while len(fields) > width and not fields[-1].strip():
                fields.pop()  # a spreadsheet's empty columns
            if len(fields) != width:
                lines.refuse(f"must have {width} fields, as the header has", len(fields))
        yield lines.number, fields


def read_table_text(
    path: str | os.PathLike[str],
    schema: Schema,
    *,
    encoding: str | None = None,
    fallback: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read a file whose columns are those of a schema.

    Parameters
    ----------
    path : str or path-like
        File to read.
    schema : Schema
        Its columns; in the file they may stand in any order, and those not required may be absent.
    encoding, fallback : str, optional
        As for `records`.
    decimal : str, default "."
        Decimal mark.

    Returns
    -------
    pandas.DataFrame
        The table in the form that the schema documents.

    Raises
    ------
    InvalidInputError
        If the file or any cell breaks a rule.
    OSError
        If it cannot be read.
    """
    decimal_mark(decimal)
    with records(path, schema.names, encoding=encoding, fallback=fallback) as source:
        faults = [*schema.header_faults(source.header)]
        if faults:
            raise InvalidInputError(source.what, faults)
        return parsed(source, schema, source.header, decimal=decimal).reset_index(drop=True)


def decimal_mark(decimal: str) -> None:
    """Raise unless the mark is a point or a comma."""
    if decimal not in {".", ","}:
        raise ValueError(f"decimal must be '.' or ',', got {decimal!r}")


class _Lines:
    """The lines of an open file, none longer than can be held, and the number of the last."""

    def __init__(self, file: IO[str], what: str) -> None:
        self._file = file
        self._what = what
        self.number = 0
        self.held = 0  # characters since the last record ended

    def __iter__(self) -> Iterator[str]:
        read = self._file.readline
        while line := read(LONGEST_LINE):
            self.number += 1
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                self.refuse(f"must not be longer than {LONGEST_LINE:,} characters", line[:80])
            if "\0" in line:
                self.refuse("must be text: it holds a zero byte", line[:80])
            self.held += len(line)
            if self.held > LONGEST_LINE:
                self.refuse("must be delimited text with every quotation closed", line[:80])
            yield line

    def header(self) -> str:
        """Return the first line that is not blank, nor a spreadsheet's word on its delimiter."""
        for line in self:
            self.held = 0
            if line.strip(" ,;\t|\r\n") and not line.lower().startswith("sep="):
                return line
        raise InvalidInputError(
            self._what, [Fault("file", "must hold a header and records", "nothing")]
        )

    def again(self, line: str) -> Iterator[str]:
        """Return the lines from one that was read already."""
        yield line
        yield from self

    def refuse(self, rule: str, value: object) -> None:
        """Raise with the number of the last line."""
        raise InvalidInputError(self._what, [Fault(f"line {self.number}", rule, value)])


@contextmanager
def _reading(what: str, line: Callable[[], int]) -> Iterator[None]:
    try:
        yield
    except csv.Error as error:
        rule = "must be delimited text with every quotation closed"
        raise InvalidInputError(what, [Fault(f"line {line()}", rule, str(error))]) from None


def _delimiter(header: str, wanted: Sequence[str], delimiters: tuple[str, ...]) -> str:
    """Return the delimiter that brings out most of the names wanted."""

    def names(delimiter: str) -> int:
        found = {name.strip() for name in next(csv.reader([header], delimiter=delimiter))}
        return len(found.intersection(wanted))

    best = max(delimiters, key=names)
    return best if names(best) else max(delimiters, key=header.count)
