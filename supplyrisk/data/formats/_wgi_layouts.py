"""The layouts in which the Worldwide Governance Indicators are published, read into cells."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, Final, NamedTuple

from supplyrisk.data.formats import _published
from supplyrisk.data.formats._published import folded
from supplyrisk.data.formats._records import records
from supplyrisk.data.formats._table import NO_CELL, Cell, Records
from supplyrisk.data.formats._workbook import (
    cell_text,
    is_workbook,
    records_on,
    rows,
    sheet_cell,
    sheets,
    texts,
)
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault, InvalidInputError

DIMENSIONS: Final = {
    "va": "voice_accountability",
    "pv": "political_stability",
    "ge": "government_effectiveness",
    "rq": "regulatory_quality",
    "rl": "rule_of_law",
    "cc": "control_of_corruption",
}

_WIDE_SHEETS: Final = {
    "voiceandaccountability": "va",
    "politicalstabilitynoviolence": "pv",
    "governmenteffectiveness": "ge",
    "regulatoryquality": "rq",
    "ruleoflaw": "rl",
    "controlofcorruption": "cc",
}
_TABLE_NAMES: Final = {"indicator", "estimate", "series code", "indicator code", "economy (code)"}
_CODE_NAMES: Final = {"code", "wbcode"}
_MOST_RATINGS: Final = 150_000
"""Ratings of a file: six for each of some 220 economies and 30 years make 40,000."""
_SERIES: Final = re.compile(r"(GOV_WGI_)?(VA|PV|GE|RQ|RL|CC)\.(EST|STD\.ERR|SE)")
_YEAR: Final = re.compile(r"(\d{4})(?: \[YR\1\])?")
_UPDATED: Final = re.compile(r"Last Updated: *\d{1,2}/\d{1,2}/(\d{4})")
_TO: Final = "read a workbook of the Worldwide Governance Indicators"

Rows = Iterator[tuple[int, tuple[Any, ...]]]


class Rating(NamedTuple):
    """One estimate, as cells.

    Attributes
    ----------
    dimension
        One of the six, by its two letters.
    code
        World Bank code of the economy.
    year
        Year rated.
    estimate
        The estimate.
    error
        Its standard error; blank where the file has none.
    new
        Whether it is of the method of 2025.
    """

    dimension: str
    code: Cell
    year: Cell
    estimate: Cell
    error: Cell
    new: bool = False


class Reading(NamedTuple):
    """What a file holds, and what it says of its release.

    Attributes
    ----------
    ratings
        Every estimate, those without a value among them.
    layout
        ``"wide"``, ``"long"``, ``"new"`` (since 2025) or ``"series"``.
    delimiter
        What separates the fields; blank for a workbook.
    updated
        Year in which the DataBank says that its data were last updated.
    """

    ratings: list[Rating]
    layout: str
    delimiter: str = ""
    updated: int | None = None


def read(path: str | os.PathLike[str]) -> Reading:
    """Read a file in whichever layout it has.

    Parameters
    ----------
    path : str or path-like
        File to read.

    Returns
    -------
    Reading
        Its ratings, as cells.

    Raises
    ------
    ImportError
        If it is a workbook and openpyxl is not installed.
    InvalidInputError
        If it has none of the layouts.
    OSError
        If it cannot be read.
    """
    if is_workbook(path):
        return _workbook(path)
    wanted = [*schema("wgi", of="formats").names, *schema("wgi_databank", of="formats").names]
    with records(path, wanted, fallback="cp1252") as source:
        return _listed(source)


def _workbook(path: str | os.PathLike[str]) -> Reading:
    what = str(path)
    with sheets(path, to=_TO) as book:
        wide = {
            dimension: name
            for name in book.sheetnames
            if (dimension := _WIDE_SHEETS.get(re.sub("[^a-z]", "", name.casefold())))
        }
        new = {name: name for name in book.sheetnames if name in DIMENSIONS}
        names = wide or new
        if not names:
            for sheet in book.sheetnames:
                table = records_on(book, sheet, what=what)
                if _TABLE_NAMES & {folded(name) for name in table.header}:
                    return _listed(table)
            rule = "must hold the six of a workbook of the indicators, or one long table"
            raise InvalidInputError(what, [Fault("sheets", rule, book.sheetnames)])
        _refuse_missing(names, what, book.sheetnames)
        ratings = chain.from_iterable(
            (_wide if wide else _new)(book, sheet, dimension, what)
            for dimension, sheet in names.items()
        )
        return Reading(_bounded(ratings, what), "wide" if wide else "new")


def _refuse_missing(names: dict[str, str], what: str, there: Sequence[str]) -> None:
    faults = [
        Fault("sheets", f"must hold one for {name.replace('_', ' ')}", list(there))
        for dimension, name in DIMENSIONS.items()
        if dimension not in names
    ]
    if faults:
        raise InvalidInputError(what, faults)


def _bounded(ratings: Iterable[Rating], what: str) -> list[Rating]:
    """Gather ratings, but no more than such a file can hold."""
    kept: list[Rating] = []
    for rating in ratings:
        kept.append(rating)
        if len(kept) > _MOST_RATINGS:
            raise _too_many(what, rating.estimate.place)
    return kept


def _too_many(what: str, place: str) -> InvalidInputError:
    rule = f"must not hold more than {_MOST_RATINGS:,} ratings"
    return InvalidInputError(what, [Fault("file", rule, f"more, up to {place}")])


def _listed(table: Records) -> Reading:
    """Read a table of one row per rating, or of one row per series and economy."""
    names = {folded(name) for name in table.header}
    if names & {"series code", "indicator code"}:
        return _by_series(table)
    if "economy (code)" in names:
        rule = "must be that of the long table; of the release of 2025, give the whole workbook"
        raise InvalidInputError(table.what, [Fault("header", rule, list(table.header)[:8])])
    return Reading(_bounded(_long(table, names), table.what), "long", table.delimiter)


def _long(table: Records, names: set[str]) -> Iterator[Rating]:
    wanted = ["code", "year", "indicator", "estimate"]
    wanted += ["stddev"] if "stddev" in names else []
    places = table.places(wanted, format_="the long table of the indicators", alike=folded)
    for number, values in table.rows:
        cell = {name: table.cell(number, values, place) for name, place in places.items()}
        dimension = cell["indicator"].text.lower()
        if dimension not in DIMENSIONS:
            rule = f"must be one of {', '.join(DIMENSIONS)}"
            raise InvalidInputError(table.what, [Fault(cell["indicator"].place, rule, dimension)])
        error = cell.get("stddev", NO_CELL)
        yield Rating(dimension, cell["code"], cell["year"], cell["estimate"], error)


def _new(book: Any, sheet: str, dimension: str, what: str) -> Iterator[Rating]:  # noqa: ANN401 - openpyxl has no types
    """Read a sheet of the workbook of 2025."""
    table = records_on(book, sheet, what=what)
    columns = schema("wgi_2025", of="formats").names
    wanted = [columns[place] for place in (2, 5, 8, 9)]
    places = table.places(
        wanted, format_="the workbook of the indicators since 2025", alike=folded
    ).values()
    for number, values in table.rows:
        code, year, estimate, error = (table.cell(number, values, place) for place in places)
        yield Rating(dimension, code, year, estimate, error, new=True)


def _wide(book: Any, sheet: str, dimension: str, what: str) -> Iterator[Rating]:  # noqa: ANN401 - openpyxl has no types
    """Read a sheet whose columns are years, six for each."""
    below = rows(book, sheet, what=what)
    names, years = _wide_header(below, sheet, what)
    table = Records(what, tuple(names), texts(below, len(names)), sheet=sheet)
    code = next(place for place, text in enumerate(names) if text in _CODE_NAMES)
    estimates = [place for place, text in enumerate(names) if text == "estimate"]
    for number, values in table.rows:
        economy = table.cell(number, values, code)
        for place in estimates:
            beside = names[place + 1] if place + 1 < len(names) else ""
            error = table.cell(number, values, place + 1) if beside == "stderr" else NO_CELL
            estimate = table.cell(number, values, place)
            yield Rating(dimension, economy, years[place], estimate, error)


def _wide_header(sheet: Rows, name: str, what: str) -> tuple[list[str], list[Cell]]:
    """Return the names of the columns, and the year above each."""
    for (above, years), (_, header) in pairwise(sheet):
        names = [folded(cell_text(value)) for value in header]
        if not (_CODE_NAMES & set(names) and "estimate" in names):
            continue
        heads = [sheet_cell(name, above, place, years) for place in range(len(names))]
        # A year may stand over the first of its columns alone.
        for place in range(1, len(heads)):
            if not heads[place].text:
                heads[place] = heads[place]._replace(text=heads[place - 1].text)
        return names, heads
    rule = "must have a header with Country/Territory, Code and, for each year, Estimate"
    raise InvalidInputError(what, [Fault(f"sheet {name}", rule, "none")])


def _by_series(table: Records) -> Reading:
    """Read a table whose rows are series and whose columns are years."""
    bulk = "indicator code" in {folded(name) for name in table.header}
    wanted = ("Country Code", "Indicator Code" if bulk else "Series Code")
    of_code, of_series = table.places(
        wanted, format_="a file of the DataBank", alike=folded
    ).values()
    years = _years(table)
    updated = None
    economies: dict[str, Cell] = {}
    found: dict[tuple[bool, str, str], dict[bool, list[Cell]]] = {}
    lines: list[tuple[tuple[str, str], str]] = []
    for number, values in table.rows:
        code = table.cell(number, values, of_code)
        series = table.cell(number, values, of_series)
        if not (code.text or series.text):
            said = _UPDATED.match(values[0])
            updated = int(said[1]) if said else updated
        elif known := _SERIES.fullmatch(series.text.upper()):
            economies.setdefault(code.text, code)
            lines.append(((code.text, known[0]), series.place))
            group = found.setdefault((bool(known[1]), known[2].lower(), code.text), {})
            group[known[3] == "EST"] = [table.cell(number, values, place) for place in years]
            if len(lines) * len(years) > 2 * _MOST_RATINGS:
                raise _too_many(table.what, series.place)
    faults = _published.repeated(lines, "country and series")
    if faults:
        raise InvalidInputError(table.what, faults)
    none = [NO_CELL] * len(years)
    ratings = [
        Rating(dimension, economies[text], year, estimate, error, new)
        for (new, dimension, text), group in found.items()
        for year, estimate, error in zip(
            years.values(), group.get(True, none), group.get(False, none), strict=True
        )
    ]
    return Reading(ratings, "series", table.delimiter, updated)


def _years(table: Records) -> dict[int, Cell]:
    """Find the columns that are years."""
    years = {
        place: Cell(f"column {name}", name)
        for place, name in enumerate(table.header)
        if name[:4].isdigit()
    }
    rule = "must be a year such as 2023 [YR2023]"
    faults = [Fault(cell.place, rule, cell.text) for cell in years.values()]
    faults = [fault for fault in faults if not _YEAR.fullmatch(str(fault.value))]
    if not years:
        faults = [Fault("header", "must have a column for each year", list(table.header)[:12])]
    faults += _published.repeated((((c.text[:4],), c.place) for c in years.values()), "year")
    if faults:
        raise InvalidInputError(table.what, faults)
    return {place: cell._replace(text=cell.text[:4]) for place, cell in years.items()}
