"""Cells of the user's own tables, from CSV or Excel, with words for the place of each."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk._countries import OTHER_COUNTRIES, country_code
from supplyrisk.data.cells import MOST_FAULTS
from supplyrisk.data.formats import _workbook
from supplyrisk.data.formats._published import folded
from supplyrisk.data.formats._records import records
from supplyrisk.data.formats._table import letter
from supplyrisk.data.schema import Schema
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence

    from supplyrisk.data.formats._table import Records

_OTHERS: Final = frozenset(
    {"zzz", "oth", "other", "others", "other countries", "rest of world", "rest of the world"}
)
_TOTALS: Final = frozenset(
    {
        "all countries",
        "global",
        "grand total",
        "sum",
        "total",
        "wld",
        "world",
        "world total",
        "world total (rounded)",
    }
)
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


class Cells:
    """The cells of a table as text, and words for the place of each."""

    def __init__(self, what: str, text: pd.DataFrame, source: Records) -> None:
        self.what = what
        self.text = text
        self._sheet = source.sheet
        self._semicolons = source.delimiter == ";"

    def refuse(self, faults: Sequence[Fault]) -> None:
        """Raise if there are faults, in the order of the lines."""
        if faults:
            ordered = sorted(faults, key=_line_of)
            raise InvalidInputError(self.what, [self._placed(fault) for fault in ordered])

    def _placed(self, fault: Fault) -> Fault:
        """Turn ``"line 7, column share"`` into the words for a sheet, where it is one."""
        if not self._sheet or not fault.field.startswith("line "):
            return fault
        row, _, name = fault.field.removeprefix("line ").partition(", column ")
        header = [str(column) for column in self.text.columns]
        column = f", column {letter(header.index(name))} ({name})" if name in header else ""
        rule = fault.rule.replace(" of line ", " of row ")
        return fault._replace(field=f"sheet {self._sheet}, row {row}{column}", rule=rule)

    def parsed(self, wanted: Schema, *, decimal: str = ".") -> tuple[pd.DataFrame, list[Fault]]:
        """Parse the cells; return an empty frame and the faults where there are any."""
        faults = self._thousands(wanted) if decimal == "." else []
        try:
            frame = wanted.parse(self.text, what=self.what, decimal=decimal)
        except InvalidInputError as error:
            faults += error.faults
        return (pd.DataFrame(), faults) if faults else (frame, [])

    def _thousands(self, wanted: Schema) -> list[Fault]:
        """Name numbers such as 25.000 between semicolons: where those are used they are 25,000."""
        if not self._semicolons:
            return []
        rule = "may be thousands: write it without a mark, or with other decimals if it is so small"
        return [
            Fault(f"line {line}, column {column.name}", rule, text)
            for column in wanted.columns
            if column.kind.holds == "number" and column.name in self.text
            for line, text in self.text[column.name].items()
            if _THOUSANDS.fullmatch(text.strip())
        ][:MOST_FAULTS]

    def named(
        self, column: str, name: Callable[[str], str], wrong: Callable[[str, ValueError], str]
    ) -> tuple[list[str], list[Fault]]:
        """Look up every text of a column; a blank cell stays blank."""
        names: dict[str, str] = {"": ""}
        rules: dict[str, str] = {}
        texts = [text.strip() for text in self.text[column]]
        for text in dict.fromkeys(texts):
            if text:
                try:
                    names[text] = name(text)
                except ValueError as error:
                    names[text] = ""
                    rules[text] = wrong(text, error)
        faults = [
            Fault(f"line {line}, column {column}", rules[text], text)
            for line, text in zip(self.text.index, texts, strict=True)
            if text in rules
        ]
        return [names[text] for text in texts], faults[:MOST_FAULTS]

    def countries(self) -> tuple[list[str], list[Fault]]:
        """Return the codes of the countries, and the faults of those that are none."""
        return self.named("country", _country, _country_rule)

    def commodities(self) -> tuple[list[str], list[Fault]]:
        """Return the library's names of the commodities, and the faults of unknown ones."""
        return self.named("commodity", commodity_of, _commodity_rule)

    def tidy(self, table: pd.DataFrame, wanted: Schema) -> pd.DataFrame:
        """Bring a table into the form of its schema, sorted; name rows that say the same twice."""
        text = wanted.to_text(table).set_axis(self.text.index)
        try:
            tidy = wanted.parse(text, what=self.what)
        except InvalidInputError as error:
            self.refuse(error.faults)
            raise
        return tidy.sort_values(wanted.key, ignore_index=True)


def requiring(wanted: Schema, names: Collection[str]) -> Schema:
    """Return a schema in which every cell of the columns named must be given too."""
    columns = (
        replace(column, required=column.required or column.name in names)
        for column in wanted.columns
    )
    return Schema(wanted.name, tuple(columns))


def read_cells(
    path: str | os.PathLike[str],
    wanted: Schema,
    *,
    sheet: str | None,
    encoding: str | None,
    decimal: str,
) -> Cells:
    """Read the cells of a table, from a workbook or from text."""
    if _workbook.is_workbook(path):
        to = f"read {wanted.name.replace('_', ' ')} from a workbook"
        with _workbook.sheets(path, to=to) as book:
            name = book.sheetnames[0] if sheet is None else sheet
            return _cells_of(_workbook.records_on(book, name, what=str(path), decimal=decimal))
    with records(path, wanted.names, encoding=encoding) as source:
        return _cells_of(source)


def _cells_of(source: Records) -> Cells:
    width = len(source.header)
    rows = [*source.rows]
    if not width:
        rule = "must hold a header and records"
        raise InvalidInputError(source.what, [Fault(f"sheet {source.sheet}", rule, "nothing")])
    for number, fields in rows:
        if len(fields) > width:
            place = f"sheet {source.sheet}, row {number}"
            rule = f"must have {width} cells, as the header has"
            raise InvalidInputError(source.what, [Fault(place, rule, len(fields))])
    text = pd.DataFrame(
        [fields for _, fields in rows],
        index=[number for number, _ in rows],
        columns=pd.Index(source.header, dtype=object),
        dtype=object,
    )
    return Cells(source.what, text, source)


def _line_of(fault: Fault) -> int:
    number = fault.field.removeprefix("line ").partition(",")[0]
    return int(number) if number.isdigit() else 0


def _country(text: str) -> str:
    name = folded(text)
    if name in _TOTALS:
        raise ValueError(name)
    return OTHER_COUNTRIES if name in _OTHERS else country_code(text)


def _country_rule(text: str, error: ValueError) -> str:
    if folded(text) in _TOTALS:
        return "must be a country, not a total: leave totals out, the rows are added up"
    reason = str(error).removeprefix(f"country {text!r} ")
    return f"must name one country: it {reason}"


def _commodity_rule(_text: str, error: ValueError) -> str:
    return error.faults[0].rule if isinstance(error, InvalidInputError) else str(error)
