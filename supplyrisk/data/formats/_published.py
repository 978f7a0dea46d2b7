"""Cells as publishers write them into numbers, and rows into a table of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk.data import cells
from supplyrisk.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from supplyrisk.data.formats._table import Cell
    from supplyrisk.data.schema import Schema


MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""Not from the calendar module: its names follow the language of the machine."""


def folded(name: str) -> str:
    """Name of a column, or a country, without regard to case and to the spaces in it."""
    return " ".join(name.split()).casefold()


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
