"""Delimited text, record by record, in bounded memory: whatever is no such text is refused."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.formats._bytes import encoding_of
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from supplyrisk.data.schema import Schema

LONGEST_LINE: Final = 1_000_000
"""Characters of a line: far beyond any table, and little to hold."""
LONGEST_FIELD: Final = 131_072
"""Characters of a field, as in Python's csv module."""

_CHUNK_ROWS: Final = 50_000
_DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Records:
    """The header of a table in text, and its records.

    Attributes
    ----------
    what
        Path of the file, for messages.
    header
        Names of the columns as written, without spaces around them.
    delimiter
        What separates the fields.
    rows
        Pairs of the line on which a record ends and its fields, as many as the header has.
    """

    what: str
    header: tuple[str, ...]
    delimiter: str
    rows: Iterator[tuple[int, list[str]]]


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
            yield Records(what, header, delimiter, _rows(reader, header, lines))


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


def text_chunks(
    source: Records,
    columns: Sequence[str],
    *,
    keep: Callable[[list[str]], bool] | None = None,
    rows: int = _CHUNK_ROWS,
) -> Iterator[pd.DataFrame]:
    """Gather records into data frames of text.

    Parameters
    ----------
    source : Records
        The open table.
    columns : sequence of str
        Columns to keep, by their names in the header.
    keep : callable, optional
        Whether to keep a record, given its fields; every one by default.
    rows : int, optional
        Records of a chunk.

    Yields
    ------
    pandas.DataFrame
        Text, indexed by the line on which each record ends; at least one frame, be it empty.
    """
    places = [source.header.index(name) for name in columns]
    numbers: list[int] = []
    kept: list[list[str]] = []
    given = False
    for number, fields in source.rows:
        if keep is not None and not keep(fields):
            continue
        numbers.append(number)
        kept.append([fields[place] for place in places])
        if len(kept) == rows:
            given = True
            yield pd.DataFrame(kept, index=numbers, columns=list(columns), dtype=object)
            numbers, kept = [], []
    if kept or not given:
        yield pd.DataFrame(kept, index=numbers, columns=list(columns), dtype=object)


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
        lines: list[int] = []
        chunks = []
        for chunk in text_chunks(source, source.header):
            chunks.append(schema.parse(chunk, what=source.what, decimal=decimal))
            lines.extend(chunk.index)
    if len(chunks) == 1:
        return chunks[0]
    frame = pd.concat(chunks, ignore_index=True)
    schema.refuse_repeated(frame, what=source.what, lines=lines)  # across the chunks
    return frame


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


def match_header(source: Records, wanted: Sequence[str], *, format_: str) -> None:
    """Raise unless every column of a published format is there, once.

    Parameters
    ----------
    source : Records
        The open table.
    wanted : sequence of str
        Columns as published.
    format_ : str
        Name of the format, for the message.

    Raises
    ------
    InvalidInputError
        If columns are missing or given twice.
    """
    faults = [
        Fault(
            f"column {name}",
            f"must be given: it is part of {format_}{check.nearest(name, source.header)}",
            list(source.header)[:12],
        )
        for name in wanted
        if name not in source.header
    ]
    faults += [
        Fault(f"column {name}", "must not be given twice", name)
        for name in wanted
        if source.header.count(name) > 1
    ]
    if faults:
        raise InvalidInputError(source.what, faults)
