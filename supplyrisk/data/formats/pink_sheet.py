"""Reader of the World Bank's historical commodity prices, the Pink Sheet."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supplyrisk.data.formats import _published
from supplyrisk.data.formats._published import MONTHS
from supplyrisk.data.formats._workbook import cell_text, rows, sheet_cell, sheets
from supplyrisk.data.schema import schema
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_pink_sheet"]

_SHEETS: Final = {"Monthly Prices": "monthly", "Annual Prices (Nominal)": "annual"}
_MISSING: Final = frozenset({"…", "...", ".."})
_PERIODS: Final = {"monthly": re.compile(r"(\d{4})M(\d{2})"), "annual": re.compile(r"(\d{4})()")}
_UPDATED: Final = re.compile(
    rf"Updated on +({'|'.join(MONTHS)}) +\d{{1,2}}, *(\d{{4}})", re.IGNORECASE
)
_MOST_HEAD: Final = 40
"""Rows above the first period; the publisher has six or eight."""
_MOST_PERIODS: Final = 10_000
_OUNCES: Final = 1e6 / 31.1034768
"""Troy ounces in a tonne."""
_OUNCE: Final = "$/troy oz"
_OUNCE_NOTE: Final = "USD/t = USD per troy ounce x 1,000,000 / 31.1034768"
_ORE_NOTE: Final = "per dry tonne of ore, not of contained iron"
_IRON_ORE_SPOT: Final = 2006
"""First year of the spot price; before, the same column holds US cents per dry tonne unit."""


@dataclass(frozen=True, slots=True)
class _Metal:
    """How a column of the sheet becomes prices."""

    name: str
    kind: str
    units: tuple[str, ...] = ("$/mt",)


_METALS: Final = {
    "aluminium": _Metal("aluminum", "LME settlement, primary ingot, 99.7 %"),
    "iron_ore": _Metal(
        "iron ore",
        "spot price of iron ore as the publisher lists it",
        ("$/dmtu", "$/dmt", "$/mt"),
    ),
    "copper": _Metal("copper", "LME settlement, grade A"),
    "lead": _Metal("lead", "LME settlement, 99.97 %"),
    "tin": _Metal("tin", "LME settlement, 99.85 %"),
    "nickel": _Metal("nickel", "LME settlement, cathode, 99.8 %"),
    "zinc": _Metal("zinc", "LME settlement, high grade"),
    "gold": _Metal("gold", "London price as the publisher lists it", (_OUNCE,)),
    "platinum": _Metal("platinum", "London afternoon fixing, 99.9 %", (_OUNCE,)),
    "silver": _Metal("silver", "London price as the publisher lists it", (_OUNCE,)),
}


_Line = tuple[int, tuple[Any, ...]]
_PERIOD_RULE: Final = "must be a period such as 1960M01, or 1960 on the annual sheet"


class _Column(NamedTuple):
    """One column of prices and what stands above it."""

    commodity: str
    place: int
    unit: str


class _Page(NamedTuple):
    """A sheet, cut into what is above the first period and the periods."""

    sheet: str
    head: list[_Line]
    body: list[_Line]


def read_pink_sheet(
    path: str | os.PathLike[str], *, commodities: str | Iterable[str] | None = None
) -> pd.DataFrame:
    """Read prices of metals, one row per commodity and month or year.

    Parameters
    ----------
    path : str or path-like
        Workbook as published: ``CMO-Historical-Data-Monthly.xlsx`` or
        ``CMO-Historical-Data-Annual.xlsx``.
    commodities : str or iterable of str, optional
        Commodities to read, by any name that the library knows; by default aluminium, copper,
        gold, iron ore, lead, nickel, platinum, silver, tin and zinc, which are all it can read.

    Returns
    -------
    pandas.DataFrame
        The columns of the schema ``prices``, by commodity and period; without the periods for
        which the publisher gives no price.

    Raises
    ------
    ImportError
        If openpyxl is not installed; ``supplyrisk[io]`` brings it.
    InvalidInputError
        If a commodity is not one of those, the file is no whole workbook, has neither of the
        sheets Monthly Prices and Annual Prices (Nominal), lacks a column asked for, gives another
        unit for it, or a cell is no price or no period; every fault is named by sheet, row and
        column.
    OSError
        If it cannot be read.

    Notes
    -----
    Publisher: World Bank, Commodity Markets, CC BY 4.0.  Names and units of the columns stand in
    rows 5 and 6 (monthly) or 7 and 8 (annual); they are found by what they say.  An ellipsis, two
    points or a blank cell mean no price.  Prices are nominal means of the period.

    Prices per troy ounce are converted to prices per tonne, standing derived.  Iron ore is
    headed ``$/dmtu``, dry tonne unit, yet the publisher describes the spot price as one per dry
    tonne of ore; so it is read, standing derived, from 2006.  Before, the same column holds
    contract prices in US cents per unit of 1 % iron: without the iron content of the ore they
    cannot be converted, and are left out.

    The source is named by the month in which the workbook says it was updated.

    References
    ----------
    .. [1] https://www.worldbank.org/en/research/commodity-markets
    """
    what = str(path)
    wanted = _wanted(commodities)
    with sheets(path, to="read the workbook of the Pink Sheet") as book:
        there = [name for name in book.sheetnames if name.strip() in _SHEETS]
        if not there:
            rule = f"must hold {' or '.join(_SHEETS)}"
            raise InvalidInputError(what, [Fault("sheets", rule, book.sheetnames)])
        pages = [_cut(name, rows(book, name, what=what), what) for name in there]
    faults: list[Fault] = []
    prices: list[dict[str, Any]] = []
    for page in pages:
        columns, wrong = _columns(page, wanted)
        faults += wrong
        found, wrong = _prices(page, columns)
        faults += wrong
        prices += found
    if faults:
        raise InvalidInputError(what, faults)
    return _published.tidy(prices, schema("prices"), what=what)


def _wanted(commodities: str | Iterable[str] | None) -> list[str]:
    """Return the commodities asked for, in the vocabulary of the library."""
    if commodities is None:
        return list(_METALS)
    given = [commodities] if isinstance(commodities, str) else list(commodities)
    faults = []
    names = []
    for text in given:
        try:
            name = commodity_of(text)
        except InvalidInputError as error:
            faults += [fault._replace(field="commodities") for fault in error.faults]
            continue
        if name not in _METALS:
            rule = f"must be one of {', '.join(sorted(_METALS))}"
            faults.append(Fault("commodities", rule, text))
        names.append(name)
    if not given:
        faults.append(Fault("commodities", "must name one at least", given))
    if faults:
        raise InvalidInputError("read_pink_sheet", faults)
    return list(dict.fromkeys(names))


def _cut(sheet: str, lines: Iterator[_Line], what: str) -> _Page:
    """Cut a sheet at its first period."""
    page = _Page(sheet, [], [])
    period = _PERIODS[_SHEETS[sheet.strip()]]
    for number, values in lines:
        if page.body or period.fullmatch(cell_text(values[0])):
            page.body.append((number, values))
        else:
            page.head.append((number, values))
        if len(page.head) > _MOST_HEAD or len(page.body) > _MOST_PERIODS:
            break
    else:
        if page.body:
            return page
    rule = "must have periods in column A, such as 1960M01 or 1960, below a head of a few rows"
    raise InvalidInputError(what, [Fault(f"sheet {sheet}", rule, "none, or far too many rows")])


def _columns(page: _Page, wanted: list[str]) -> tuple[list[_Column], list[Fault]]:
    """Find the columns of the commodities, and check their units."""
    names, units, below = _heads(page)
    named = [_name(value) for value in names[1]]
    faults = []
    columns = []
    for commodity in wanted:
        metal = _METALS[commodity]
        places = [place for place, name in enumerate(named) if name == metal.name]
        if len(places) != 1:
            rule = f"must have one column {metal.name.capitalize()}, with its unit below"
            faults.append(Fault(f"sheet {page.sheet}", rule, f"{len(places)} such columns"))
            continue
        cell = sheet_cell(page.sheet, units[0], places[0], units[1])
        unit = " ".join(cell.text.strip("() ").split()).lower()
        if unit not in metal.units:
            rule = f"must give the unit of {metal.name} as ({') or ('.join(metal.units)})"
            faults.append(Fault(cell.place, rule, cell.text))
        columns.append(_Column(commodity, places[0], unit))
    # Older workbooks have codes of the series below the units; prices there lack their period.
    return columns, faults + [
        Fault(sheet_cell(page.sheet, number, 0, values).place, _PERIOD_RULE, values[0])
        for number, values in below
        if any(isinstance(value, int | float) for value in values)
    ]


def _heads(page: _Page) -> tuple[_Line, _Line, list[_Line]]:
    """Find the names and the units of the columns, and what else stands above the periods."""
    for place, (number, values) in enumerate(page.head):
        if place and any(cell_text(value).startswith("($") for value in values):
            return page.head[place - 1], (number, values), page.head[place + 1 :]
    return (0, ()), (0, ()), []


def _name(value: Any) -> str:  # noqa: ANN401 - whatever openpyxl gives
    """Name of a column without the marks of footnotes, and of iron ore without its delivery."""
    name = _published.folded(cell_text(value).rstrip("* "))
    return "iron ore" if name.startswith("iron ore") else name


def _prices(page: _Page, columns: list[_Column]) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Turn the cells below the head into prices."""
    frequency = _SHEETS[page.sheet.strip()]
    starts, faults = _starts(page, frequency, columns)
    edition = _edition(page)
    prices = []
    for column in columns:
        lines = [
            (start, sheet_cell(page.sheet, number, column.place, values))
            for start, (number, values) in zip(starts, page.body, strict=True)
            if start is not None
            and (column.commodity != "iron_ore" or start.year >= _IRON_ORE_SPOT)
        ]
        cells = [cell for _, cell in lines]
        values, wrong = _published.numbers(cells, kind="positive", missing=_MISSING)
        faults += wrong
        prices += [
            _price(column, value, frequency) | {"period_start": start, "source_id": edition}
            for (start, _), value in zip(lines, values, strict=True)
            if value is not None
        ]
    return prices, faults


def _starts(
    page: _Page, frequency: str, columns: list[_Column]
) -> tuple[list[dt.date | None], list[Fault]]:
    """Return the first day of the period of each row; none for remarks below the table."""
    starts: list[dt.date | None] = []
    faults = []
    seen = []
    for number, values in page.body:
        cell = sheet_cell(page.sheet, number, 0, values)
        found = _PERIODS[frequency].fullmatch(cell.text)
        start = _day(int(found[1]), int(found[2] or 1)) if found else None
        starts.append(start)
        beside = (sheet_cell(page.sheet, number, c.place, values) for c in columns)
        if start is not None:
            seen.append(((start,), cell.place))
        elif found or any(price.text for price in beside):
            faults.append(Fault(cell.place, _PERIOD_RULE, cell.text))
    return starts, faults + _published.repeated(seen, "period")


def _day(year: int, month: int) -> dt.date | None:
    return dt.date(year, month, 1) if 1 <= month <= len(MONTHS) and year else None


def _edition(page: _Page) -> str:
    """Name the source by the month of its update, where the sheet says it."""
    for _, values in page.head:
        for value in values:
            if said := _UPDATED.search(cell_text(value)):
                month = MONTHS.index(said[1].capitalize()) + 1
                return f"world-bank-pink-sheet-{said[2]}-{month:02d}"
    return "world-bank-pink-sheet"


def _price(column: _Column, value: float, frequency: str) -> dict[str, Any]:
    metal = _METALS[column.commodity]
    ounces = column.unit == _OUNCE
    ore = column.commodity == "iron_ore"
    mean = "month" if frequency == "monthly" else "year"
    return {
        "commodity": column.commodity,
        "frequency": frequency,
        "price_usd_per_t": value * _OUNCES if ounces else value,
        "published_price": value,
        "published_unit": {"$/mt": "USD/t"}.get(column.unit, column.unit.replace("$", "USD")),
        "price_kind": f"{metal.kind}, mean of the {mean}",
        "standing": "derived" if ounces or ore else "reported",
        "note": _OUNCE_NOTE if ounces else _ORE_NOTE if ore else None,
    }
