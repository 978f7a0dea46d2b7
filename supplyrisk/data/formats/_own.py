"""Cells of the user's own tables, from CSV or Excel, with words for the place of each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from supplyrisk._countries import OTHER_COUNTRIES, country_code
from supplyrisk.data.cells import MOST_FAULTS, TEXT
from supplyrisk.data.formats import _workbook
from supplyrisk.data.formats._published import is_workbook, letter
from supplyrisk.data.formats._records import Records, records, text_chunks
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from supplyrisk.data.schema import Schema

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


class Cells:
    """The cells of a table as text, and words for the place of each."""

    def __init__(self, what: str, text: pd.DataFrame, sheet: str = "") -> None:
        self.what = what
        self.text = text
        self._sheet = sheet

    def place(self, field: str) -> str:
        """Turn ``"line 7, column share"`` into the words for a sheet, where it is one."""
        if not self._sheet or not field.startswith("line "):
            return field
        row, _, name = field.removeprefix("line ").partition(", column ")
        header = [str(column) for column in self.text.columns]
        column = f", column {letter(header.index(name))} ({name})" if name in header else ""
        return f"sheet {self._sheet}, row {row}{column}"

    def refuse(self, faults: Sequence[Fault]) -> None:
        """Raise if there are faults, in the order of the lines."""
        if faults:
            ordered = sorted(faults, key=_line_of)
            raise InvalidInputError(self.what, [self._placed(fault) for fault in ordered])

    def _placed(self, fault: Fault) -> Fault:
        rule = fault.rule.replace(" of line ", " of row ") if self._sheet else fault.rule
        return fault._replace(field=self.place(fault.field), rule=rule)

    def parsed(self, wanted: Schema, *, decimal: str = ".") -> tuple[pd.DataFrame, list[Fault]]:
        """Parse the cells; return an empty frame and the faults where there are any."""
        try:
            return wanted.parse(self.text, what=self.what, decimal=decimal), []
        except InvalidInputError as error:
            return pd.DataFrame(), [*error.faults]

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

    def blank(self, column: str) -> list[Fault]:
        """Name the blank cells of a column."""
        return [
            Fault(f"line {line}, column {column}", "must be given", "")
            for line, text in self.text[column].items()
            if not text.strip()
        ][:MOST_FAULTS]

    def tidy(self, table: pd.DataFrame, wanted: Schema) -> pd.DataFrame:
        """Bring a table into the form of its schema, sorted; name rows that say the same twice."""
        texts = {column.name for column in wanted.columns if column.kind.holds == "text"}
        given = table.astype({name: TEXT for name in table.columns if name in texts})
        try:
            tidy = wanted.check(given, what=self.what)
        except InvalidInputError as error:
            written = (f"line {row}" for row in range(2, len(table) + 2))
            lines = dict(zip(written, self.text.index, strict=True))
            self.refuse([_relined(fault, lines) for fault in error.faults])
            raise
        return tidy.sort_values(wanted.key, ignore_index=True)


def read_cells(
    path: str | os.PathLike[str],
    wanted: Schema,
    *,
    sheet: str | None,
    encoding: str | None,
    decimal: str,
) -> Cells:
    """Read the cells of a table, from a workbook or from text."""
    if is_workbook(path):
        return _sheet_cells(path, sheet, wanted, decimal)
    with records(path, wanted.names, encoding=encoding) as source:
        # A name may come twice: numbers stand for the names until that is looked at.
        numbers = tuple(str(place) for place in range(len(source.header)))
        numbered = Records(source.what, numbers, source.delimiter, source.rows)
        text = pd.concat([*text_chunks(numbered, numbers)])
    text.columns = pd.Index(source.header, dtype=object)
    filled = [any(cell.strip() for cell in row) for row in text.itertuples(index=False, name=None)]
    return Cells(source.what, text[filled])


def _sheet_cells(
    path: str | os.PathLike[str], sheet: str | None, wanted: Schema, decimal: str
) -> Cells:
    what = str(path)
    with _workbook.sheets(path, to=f"read {wanted.name.replace('_', ' ')} from a workbook") as book:
        name = book.sheetnames[0] if sheet is None else sheet
        rows = [*_workbook.rows(book, name, what=what)]
    if not rows:
        rule = "must hold a header and records"
        raise InvalidInputError(what, [Fault(f"sheet {name}", rule, "nothing")])
    (_, first), *below = rows
    header = [_sheet_text(value, decimal).strip() for value in first]
    wide = [(number, values) for number, values in below if len(values) > len(header)]
    if wide:
        number, values = wide[0]
        rule = f"must have {len(header)} cells, as the header has"
        raise InvalidInputError(what, [Fault(f"sheet {name}, row {number}", rule, len(values))])
    text = pd.DataFrame(
        [
            [_sheet_text(value, decimal) for value in values] + [""] * (len(header) - len(values))
            for _, values in below
        ],
        index=[number for number, _ in below],
        columns=pd.Index(header, dtype=object),
        dtype=object,
    )
    return Cells(what, text, name)


def _sheet_text(value: Any, decimal: str) -> str:  # noqa: ANN401 - whatever openpyxl gives
    """Return the text that a cell of a workbook would have in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return text.replace(".", decimal)
    return str(value)


def _line_of(fault: Fault) -> int:
    number = fault.field.removeprefix("line ").partition(",")[0]
    return int(number) if number.isdigit() else 0


def _country(text: str) -> str:
    folded = " ".join(text.casefold().split())
    if folded in _TOTALS:
        raise ValueError(folded)
    return OTHER_COUNTRIES if folded in _OTHERS else country_code(text)


def _country_rule(text: str, error: ValueError) -> str:
    if " ".join(text.casefold().split()) in _TOTALS:
        return "must be a country, not a total: leave totals out, the rows are added up"
    reason = str(error).removeprefix(f"country {text!r} ")
    return f"must name one country: it {reason}"


def _commodity_rule(_text: str, error: ValueError) -> str:
    return error.faults[0].rule if isinstance(error, InvalidInputError) else str(error)


def _relined(fault: Fault, lines: dict[str, Any]) -> Fault:
    """Give a fault of a row of the table the line of the file that the row came from."""
    place, comma, rest = fault.field.partition(",")
    rule = fault.rule
    head, of, earlier = rule.rpartition(" of line ")
    if of and f"line {earlier}" in lines:
        rule = f"{head} of line {lines[f'line {earlier}']}"
    return fault._replace(field=f"line {lines.get(place, place)}{comma}{rest}", rule=rule)
