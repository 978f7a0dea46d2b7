"""What a table holds, column by column: loader, checks and docs page read the same schema."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data import cells
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from pandas.api.extensions import ExtensionDtype


_YES: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        Name of the column, with its unit where it has one.
    type
        One of the types of `supplyrisk.data.cells`, or ``"choice: a | b"``.
    unit
        Unit of the values; empty for none.
    required
        Whether every cell must be given.
    key
        Whether the column is one of those which tell rows apart.
    description
        What the column says.
    """

    name: str
    type: str
    unit: str
    required: bool
    key: bool
    description: str

    @property
    def kind(self) -> cells.Kind:
        """How text becomes a value of this column."""
        return cells.kind_of(self.type)

    @property
    def dtype(self) -> np.dtype[Any] | ExtensionDtype:
        """Type of the column in a data frame: the same for every version of pandas."""
        return self.kind.dtype(required=self.required)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in order.

    Attributes
    ----------
    name
        Name of the table.
    columns
        Its columns.
    """

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be given."""
        return [column.name for column in self.columns if column.required]

    @property
    def key(self) -> list[str]:
        """Names of the columns which together tell rows apart."""
        return [column.name for column in self.columns if column.key]

    def parse(self, text: pd.DataFrame, *, what: str, decimal: str = ".") -> pd.DataFrame:
        """Turn cells of text into values, or name every cell that is none.

        Parameters
        ----------
        text : pandas.DataFrame
            Cells as read, all text, blank for none; its index holds line numbers.  A column that
            is not required may be absent.
        what : str
            Name of the file, for messages.
        decimal : str, default "."
            Decimal mark of numbers, ``"."`` or ``","``.

        Returns
        -------
        pandas.DataFrame
            The columns of the schema in order, with their dtypes and a new index.

        Raises
        ------
        InvalidInputError
            If a column is missing, unknown or given twice, a cell breaks a rule, or two rows have
            one key; every fault is named by line, column, rule and value.
        """
        faults = [*self.header_faults(text.columns)]
        if faults:
            raise InvalidInputError(what, faults)
        values: dict[str, Any] = {}
        for column in self.columns:
            if column.name in text:
                cell_texts = text[column.name].to_numpy(dtype=object)
            else:
                cell_texts = np.full(len(text), "", dtype=object)
            values[column.name], wrong = column.kind.parse(
                cell_texts, required=column.required, decimal=decimal
            )
            faults += [
                Fault(f"line {text.index[row]}, column {column.name}", rule, cell_texts[row])
                for row, rule in wrong
            ]
        if faults:
            raise InvalidInputError(what, sorted(faults, key=_line_of))
        frame = pd.DataFrame(values, columns=self.names)
        self.refuse_repeated(frame, what=what, lines=text.index)
        return frame

    def check(self, frame: pd.DataFrame, *, what: str, labels: bool = False) -> pd.DataFrame:
        """Check a data frame as `parse` checks a file.

        Parameters
        ----------
        frame : pandas.DataFrame
            The columns of the schema, in any order and of any dtype that holds such values;
            those not required may be absent.
        what : str
            Name of the frame, for messages.
        labels : bool, default False
            Whether to name rows by their labels rather than by lines.

        Returns
        -------
        pandas.DataFrame
            The same rows in the form that `parse` gives.

        Raises
        ------
        TypeError
            If `frame` is no data frame.
        InvalidInputError
            If it breaks a rule; lines are counted as in the file it would make.
        """
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"{what} must be a pandas.DataFrame, got {type(frame).__name__}")
        faults = [*self.header_faults(frame.columns)]
        if faults:
            raise InvalidInputError(what, faults)
        place = partial(_place, frame.index if labels else None)
        wrong: list[tuple[int, Fault]] = []
        values: dict[str, Any] = {}
        for column in self.columns:
            given = frame.get(column.name, pd.Series(None, index=frame.index, dtype=object))
            values[column.name], rules = column.kind.check(given, required=column.required)
            for row, rule in rules:
                text = column.kind.texts(given.iloc[[row]])[0]
                wrong.append((row, Fault(f"{place(row)}, column {column.name}", rule, text)))
        if wrong:
            raise InvalidInputError(what, [fault for _, fault in sorted(wrong, key=itemgetter(0))])
        made = pd.DataFrame(values, columns=self.names)
        faults = [*self._repeated(made, place)]
        if faults:
            raise InvalidInputError(what, faults)
        return made

    def to_text(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Turn values into the text that `parse` reads.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns of the schema.

        Returns
        -------
        pandas.DataFrame
            Text, indexed by the line that each row has in a file with one line of header.
        """
        given = [column for column in self.columns if column.name in frame]
        return pd.DataFrame(
            {column.name: column.kind.texts(frame[column.name]) for column in given},
            index=range(2, len(frame) + 2),
            dtype=object,
        )

    def header_faults(self, header: Iterable[Any]) -> Iterable[Fault]:
        """Name what is wrong with the names of the columns.

        Parameters
        ----------
        header : iterable
            Names given.

        Returns
        -------
        iterable of Fault
            Missing, unknown and repeated names.
        """
        names = list(header)
        times = Counter(names)
        free = [wanted for wanted in self.names if wanted not in times]
        for name, given in times.items():
            if name not in self.names:
                hint = check.nearest(name, free)
                yield Fault(f"column {name}", f"is not part of {self.name}{hint}", name)
            elif given > 1:
                yield Fault(f"column {name}", "must not be given twice", name)
        for name in self.required:
            if name not in times:
                yield Fault(f"column {name}", "must be given", names)

    def refuse_repeated(
        self, frame: pd.DataFrame, *, what: str, lines: Iterable[int] | None = None
    ) -> None:
        """Raise if two rows have one key.

        Parameters
        ----------
        frame : pandas.DataFrame
            The table.
        what : str
            Name of the file, for messages.
        lines : iterable of int, optional
            Line of each row; counted from 2 by default, below a header of one line.

        Raises
        ------
        InvalidInputError
            If a key comes again; every such row is named.
        """
        numbers = list(lines) if lines is not None else range(2, len(frame) + 2)
        faults = [*self._repeated(frame, lambda row: f"line {numbers[row]}")]
        if faults:
            raise InvalidInputError(what, faults)

    def _repeated(self, frame: pd.DataFrame, name: Callable[[int], str]) -> Iterable[Fault]:
        if not self.key:
            return
        # A blank is a value here: two blank years of one site are the same row twice.
        places = np.flatnonzero(frame.duplicated(self.key, keep=False))
        text = self.to_text(frame.iloc[places])[self.key]
        first: dict[tuple[str, ...], str] = {}
        for place, key in zip(places, text.itertuples(index=False, name=None), strict=True):
            if key in first:
                rule = f"must not repeat the {', '.join(self.key)} of {first[key]}"
                yield Fault(name(int(place)), rule, key)
            first.setdefault(key, name(int(place)))


def _place(labels: pd.Index | None, row: int) -> str:
    """Name a row of a frame: by its label, or by its line in the file that it would make."""
    return f"line {row + 2}" if labels is None else f"row {labels[row]}"


def _line_of(fault: Fault) -> int:
    return int(fault.field.removeprefix("line ").partition(",")[0])


@cache
def schema_names(*, of: str = "tables") -> tuple[str, ...]:
    """Names of the schemas there are.

    Parameters
    ----------
    of : str, default "tables"
        ``"tables"`` for what the library gives, ``"formats"`` for what others publish.

    Returns
    -------
    tuple of str
        Names that `schema` takes, sorted.
    """
    entries = (entry.name for entry in (files("supplyrisk.data") / of).iterdir())
    ending = ".schema.csv"
    return tuple(sorted(name.removesuffix(ending) for name in entries if name.endswith(ending)))


@cache
def schema(name: str, *, of: str = "tables") -> Schema:
    """Read a schema.

    Parameters
    ----------
    name : str
        Name of the table, e.g. ``"production"``, or of the published format, e.g. ``"ucdp_ged"``.
    of : str, default "tables"
        ``"tables"`` for what the library gives, ``"formats"`` for what others publish.

    Returns
    -------
    Schema
        Its columns.
    """
    text = (files("supplyrisk.data") / of / f"{name}.schema.csv").read_text(encoding="utf-8")
    return Schema(
        name,
        tuple(
            Column(
                name=row["column"],
                type=row["type"],
                unit=row["unit"],
                required=_YES[row["required"]],
                key=_YES[row["key"]],
                description=row["description"],
            )
            for row in csv.DictReader(text.splitlines())
        ),
    )
