"""A table as records of text, in bounded memory, whatever file they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.cells import MOST_FAULTS
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from supplyrisk.data.schema import Schema

_CHUNK_ROWS: Final = 10_000
"""Records made into a frame at once: as text they take some 50 MB where 49 columns are long."""

Keep = Callable[[list[str]], bool]


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


@dataclass(frozen=True, slots=True)
class Records:
    """The header of a table, in text or on a sheet, and its records.

    Attributes
    ----------
    what
        Path of the file, for messages.
    header
        Names of the columns as written, without spaces around them.
    rows
        Pairs of the line on which a record ends, or its row of the sheet, and its fields: at least
        as many as the header has.
    delimiter
        What separates the fields; blank on a sheet.
    sheet
        Name of the sheet; blank for text.
    """

    what: str
    header: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]
    delimiter: str = ""
    sheet: str = ""

    def cell(self, number: int, fields: Sequence[str], place: int) -> Cell:
        """Give a cell of a record, by the place of its column."""
        text = fields[place].strip()
        if self.sheet:
            return Cell(f"sheet {self.sheet}, row {number}, column {letter(place)}", text)
        return Cell(f"line {number}, column {self.header[place]}", text)

    def places(
        self, wanted: Iterable[str], *, format_: str, alike: Callable[[str], str] = str
    ) -> dict[str, int]:
        """Find the columns of a published format, or name those missing or given twice.

        Parameters
        ----------
        wanted : iterable of str
            Columns as published.
        format_ : str
            Name of the format, for messages.
        alike : callable, optional
            What brings names into the form in which they are compared.

        Returns
        -------
        dict
            Place of each column in the header.

        Raises
        ------
        InvalidInputError
            If columns are missing or given twice.
        """
        names = [alike(name) for name in self.header]
        times = {name: names.count(alike(name)) for name in wanted}
        sheet = f"sheet {self.sheet}, " if self.sheet else ""
        faults = [
            Fault(
                f"{sheet}column {name}",
                f"must be given: it is part of {format_}{check.nearest(name, self.header)}",
                list(self.header)[:12],
            )
            for name in times
            if not times[name]
        ]
        faults += [
            Fault(f"{sheet}column {name}", "must not be given twice", name)
            for name in times
            if times[name] > 1
        ]
        if faults:
            raise InvalidInputError(self.what, faults)
        return {name: names.index(alike(name)) for name in times}


def letter(place: int) -> str:
    """Name of a column of a sheet, counted from 0: ``"A"``, ..., ``"Z"``, ``"AA"``, ..."""
    name = ""
    number = place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def text_columns(
    source: Records, places: Sequence[int], *, rows: int, keep: Keep | None = None
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Gather records into columns of text.

    Parameters
    ----------
    source : Records
        The open table.
    places : sequence of int
        Columns to keep, by their places in the header.
    rows : int
        Records of a block.
    keep : callable, optional
        Whether to keep a record, given its fields; every one by default.

    Yields
    ------
    tuple of list of int and list of list of str
        The line on which each record ends, and the columns; at least one block, be it empty.
    """
    width = len(places)
    pick = itemgetter(*places) if width > 1 else itemgetter(slice(places[0], places[0] + 1))
    lines: list[int] = []
    cells: list[str] = []  # no list of lists: the garbage collector would look through all of it
    given = False
    for number, fields in source.rows:
        if keep is None or keep(fields):
            lines.append(number)
            cells += pick(fields)
            if len(lines) == rows:
                given = True
                yield lines, [cells[at::width] for at in range(width)]
                lines, cells = [], []
    if lines or not given:
        yield lines, [cells[at::width] for at in range(width)]


def text_chunks(
    source: Records,
    columns: Sequence[str],
    *,
    keep: Keep | None = None,
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
    for lines, texts in text_columns(source, places, rows=rows, keep=keep):
        yield pd.DataFrame(dict(zip(columns, texts, strict=True)), index=lines, dtype=object)


def parsed(
    source: Records,
    schema: Schema,
    columns: Sequence[str],
    *,
    keep: Keep | None = None,
    prepare: Callable[[pd.DataFrame], Iterable[Fault]] | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read records into a table of a schema, chunk by chunk.

    Parameters
    ----------
    source : Records
        The open table.
    schema : Schema
        What the columns hold.
    columns : sequence of str
        Columns of the file to read.
    keep : callable, optional
        Whether to keep a record, given its fields; every one by default.
    prepare : callable, optional
        Brings the text of a chunk into the form that the schema reads; gives faults of its own.
    decimal : str, default "."
        Decimal mark.

    Returns
    -------
    pandas.DataFrame
        The records kept in the form of the schema, indexed by the line on which each ends.

    Raises
    ------
    InvalidInputError
        If a record breaks a rule; the faults of all chunks are named, up to some thousand.
    """
    faults: list[Fault] = []
    chunks: list[pd.DataFrame] = []
    for chunk in text_chunks(source, columns, keep=keep):
        if prepare is not None:
            faults += prepare(chunk)
        try:
            frame = schema.parse(chunk, what=source.what, decimal=decimal)
            chunks.append(frame.set_index(chunk.index))
        except InvalidInputError as error:
            faults += error.faults
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise InvalidInputError(source.what, faults)
    if len(chunks) == 1:
        return chunks[0]
    table = pd.concat(chunks)
    schema.refuse_repeated(table, what=source.what, lines=table.index)  # across the chunks
    return table
