"""The layouts in which the data of the Mineral Commodity Summaries are published."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from supplyrisk.data.formats import _published, _usgs_products, _usgs_values
from supplyrisk.data.formats._published import folded
from supplyrisk.data.formats._records import records
from supplyrisk.data.formats._table import NO_CELL, Cell, Records
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from supplyrisk.data.formats._usgs_products import Product

_MOST_ROWS: Final = 200_000
"""Rows of a file; the largest published has 9,000."""
_TITLE: Final = "the Mineral Commodity Summaries"
_FILE: Final = re.compile(r"mcs(?P<edition>\d{4})(?:[-_ ]?(?P<code>[a-z]+))?")
_EDITION: Final = re.compile(r"MCS ?(\d{4})\b.*", re.IGNORECASE)
_FIGURES: Final = re.compile(
    r"(?P<of>prod|cap|reserves?)(?:_ore)?(?P<k2o>(?:_ore)?_k2o(?:_equiv)?)?"
    r"(?:_(?P<unit>kg|t|kt|mt|mmt))?(?P<est>_est)?(?:_(?P<year>\d{4}))?"
)
_NOTES: Final = re.compile(r"(prod|cap|reserves?)_notes?")
_OF: Final = {"prod": "production", "cap": "capacity", "reserve": "reserves"}
_YEAR: Final = re.compile(r"(\d{4})(?:[ _]?(?:e|est|estimated))?")
# Files whose header names tonnes though the figures are thousands: what the publisher's own notes
# or the next edition say.
_ERRATA: Final = {(2023, "chromium", "production"), (2023, "vanadium", "reserves")}
_ERRATUM: Final = "thousand tonnes, though the header of the file says tonnes"


class Figure(NamedTuple):
    """One figure, as a cell, and what is known of it.

    Attributes
    ----------
    product
        Commodity, stage and basis.
    of
        ``"production"``, ``"capacity"`` or ``"reserves"``.
    country
        Country as published.
    year
        Year of the figure; of reserves the last one of the edition.
    value
        The figure.
    remark
        What the publisher notes on it.
    estimated
        Whether the head of the column or the type calls all such figures estimates.
    tonnes
        Tonnes in its unit.
    note
        What this library notes on it.
    """

    product: Product
    of: str
    country: Cell
    year: int
    value: Cell
    remark: str
    estimated: bool
    tonnes: float = 1.0
    note: str = ""


@dataclass(slots=True)
class Reading:
    """What a file holds.

    Attributes
    ----------
    what
        Path of the file, for messages.
    edition
        Year of the edition.
    delimiter
        What separates the fields.
    figures
        The figures of the commodities that the library knows.
    left_out
        What else it holds.
    faults
        What is wrong with it.
    """

    what: str
    edition: int = 0
    delimiter: str = ","
    figures: list[Figure] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


class _Column(NamedTuple):
    """A column of figures."""

    place: int
    of: str
    unit: str
    year: int
    estimated: bool


def read(path: str | os.PathLike[str], *, edition: int | None, commodity: str | None) -> Reading:
    """Read a file in whichever layout it has.

    Parameters
    ----------
    path : str or path-like
        File to read.
    edition : int, optional
        Edition that it must be of.
    commodity : str, optional
        What a file of one commodity is about, where its name does not say.

    Returns
    -------
    Reading
        Its figures.

    Raises
    ------
    InvalidInputError
        If it has none of the layouts, or does not say its edition or commodity.
    OSError
        If it cannot be read.
    """
    layouts = ("usgs_mcs", "usgs_mcs_2026", "usgs_mcs_world")
    wanted = [name for layout in layouts for name in schema(layout, of="formats").names]
    with records(path, wanted, fallback="cp1252") as source:
        reading = Reading(source.what, delimiter=source.delimiter)
        if "statistics_detail" in {folded(name) for name in source.header}:
            _long(source, reading, edition, commodity)
        else:
            _wide(source, reading, edition, commodity)
    return reading


def _rows(table: Records) -> Iterator[tuple[int, list[str]]]:
    """Give the rows, but no more than such a file can hold."""
    for count, (number, values) in enumerate(table.rows, start=1):
        if count > _MOST_ROWS:
            rule = f"must not hold more than {_MOST_ROWS:,} rows"
            raise InvalidInputError(table.what, [Fault("file", rule, f"more, up to line {number}")])
        yield number, values


def _settle(
    reading: Reading, years: Sequence[int], sources: dict[int, str], given: int | None
) -> None:
    """Set the edition, or refuse a file whose marks of it differ."""
    named = _FILE.search(Path(reading.what).name.casefold())
    says = {place: edition for edition, place in sources.items()}
    says |= {"the name of the file": int(named["edition"])} if named else {}
    says |= {"its last year": max(years) + 1} if any(years) else {}
    says |= {} if given is None else {"edition": given}
    if len(set(says.values())) == 1:
        reading.edition = next(iter(says.values()))
        return
    rule = "must be that of the file" if says else "must be given: the file does not say it"
    listed = ", ".join(f"{place} says {edition}" for place, edition in says.items())
    raise InvalidInputError(reading.what, [Fault("edition", rule, listed or None)])


def _wide(table: Records, reading: Reading, edition: int | None, commodity: str | None) -> None:
    """Read a table with the figures of a country in one row."""
    names = [folded(name) for name in table.header]
    several = "commodity" in names
    wanted = ["Source", "Country", "Type", *(["Commodity", "Unit_Meas"] if several else [])]
    places = table.places(wanted, format_=_TITLE, alike=folded)
    columns, notes = _columns(table)
    products = _products(table.what, commodity, several=several)
    lines = [*_rows(table)]
    sources: dict[int, str] = {}
    for number, values in lines:
        cell = table.cell(number, values, places["Source"])
        if said := _EDITION.fullmatch(cell.text):
            sources.setdefault(int(said[1]), cell.place)
    _settle(reading, [column.year for column in columns], sources, edition)
    for number, values in lines:
        cells = {name: table.cell(number, values, place) for name, place in places.items()}
        if several:
            products = _usgs_products.candidates(cells["Commodity"].text)
        counted = _usgs_values.bare(cells["Type"].text)
        product = _usgs_products.product_of(products, counted)
        if product is None:
            name = _usgs_values.bare(cells.get("Commodity", NO_CELL).text)
            reading.left_out.add(f"{name}: {counted}" if name else counted)
            continue
        for column in columns:
            value = table.cell(number, values, column.place)
            reserves = column.of == "reserves"
            of = _usgs_products.reserves_of(product, products) if reserves else product
            unit = cells.get("Unit_Meas", Cell(value.place, column.unit))
            figure = Figure(
                product=of or product,
                of=column.of,
                country=cells["Country"],
                year=reading.edition - 1 if reserves else column.year,
                value=value,
                remark=values[notes[column.of]].strip() if column.of in notes else "",
                estimated=column.estimated or "estimated" in counted.casefold(),
            )
            if of is not None:
                _add(reading, figure, unit)


def _products(what: str, commodity: str | None, *, several: bool) -> tuple[Product, ...]:
    """Return the products of a file of one commodity."""
    if several:
        if commodity is None:
            return ()
        rule = "must be left out: the file names its commodities"
        raise InvalidInputError(what, [Fault("commodity", rule, commodity)])
    named = _FILE.search(Path(what).name.casefold())
    code = commodity if commodity is not None else named["code"] if named else None
    found = _usgs_products.candidates(code or "")
    if not found:
        rule = (
            "must be given and known: the file has no column Commodity, and its name names none "
            "that this library reads, as mcs2024-tin_world.csv does"
        )
        raise InvalidInputError(what, [Fault("commodity", rule, code)])
    return found


def _columns(table: Records) -> tuple[list[_Column], dict[str, int]]:
    """Find the columns of figures and of notes by their names."""
    columns: list[_Column] = []
    notes: dict[str, int] = {}
    faults = []
    potash = any("k2o" in name.casefold() for name in table.header)
    for place, header in enumerate(table.header):
        name = re.sub(r"[ _]+", "_", header.strip()).casefold()
        if found := _NOTES.fullmatch(name):
            notes[_OF[found[1].removesuffix("s")]] = place
        elif name.startswith(("prod", "cap", "reserve")):
            found = _FIGURES.fullmatch(name)
            of = _OF[found["of"].removesuffix("s")] if found else ""
            if not found or (of != "reserves" and found["year"] is None):
                rule = "must be as published, such as PROD_2023 or Prod_t_est_2023"
                faults.append(Fault(f"column {header}", rule, header))
            elif of != "reserves" or bool(found["k2o"]) == potash:
                year = int(found["year"] or 0)
                columns.append(_Column(place, of, found["unit"] or "", year, bool(found["est"])))
    keys = [((column.of, column.year), table.header[column.place]) for column in columns]
    faults += _published.repeated([(key, f"column {name}") for key, name in keys], "figures")
    if not any(column.of == "production" for column in columns):
        rule = "must have columns of output, such as PROD_2023"
        faults.append(Fault("header", rule, list(table.header)[:12]))
    if faults:
        raise InvalidInputError(table.what, faults)
    return columns, notes


def _long(table: Records, reading: Reading, edition: int | None, commodity: str | None) -> None:
    """Read a table with one figure in each row."""
    columns = schema("usgs_mcs_2026", of="formats").names
    wanted = [name for name in columns if not name.startswith(("MCS", "Is critical", "Other"))]
    places = table.places(wanted, format_=_TITLE, alike=folded)
    _products(table.what, commodity, several=True)
    rows = []
    for number, values in _rows(table):
        cells = {name: table.cell(number, values, place) for name, place in places.items()}
        of = next((of for of in _OF.values() if of in cells["Statistics"].text.casefold()), "")
        if of and cells["Section"].text.casefold().startswith("world"):
            rows.append((of, cells))
    years = {}
    for of, cells in rows:
        found = _YEAR.fullmatch(_usgs_values.bare(cells["Year"].text).casefold())
        if found:
            years[cells["Year"]] = int(found[1])
        elif of != "reserves":
            fault = Fault(cells["Year"].place, "must be a year", cells["Year"].text)
            reading.faults.append(fault)
    _settle(reading, [*years.values()], {}, edition)
    for of, cells in rows:
        products = _usgs_products.candidates(cells["Commodity"].text)
        counted = _usgs_values.bare(cells["Statistics_detail"].text)
        pick = _usgs_products.reserves_named if of == "reserves" else _usgs_products.product_of
        product = pick(products, counted)
        if product is None:
            name = _usgs_values.bare(cells["Commodity"].text)
            reading.left_out.add(f"{name}: {counted or of}")
            continue
        figure = Figure(
            product=product,
            of=of,
            country=cells["Country"],
            year=reading.edition - 1 if of == "reserves" else years.get(cells["Year"], 0),
            value=cells["Value"],
            remark=cells["Notes"].text,
            estimated=False,
        )
        _add(reading, figure, cells["Unit"])


def _add(reading: Reading, figure: Figure, unit: Cell) -> None:
    """Add a figure with the tonnes of its unit, unless its cell is blank."""
    if not _usgs_values.bare(figure.value.text):
        return
    tonnes = _usgs_values.factor(unit.text)
    note = ""
    if tonnes is None:
        rule = "must be a unit of mass, such as metric tons or kilograms"
        reading.faults.append(Fault(unit.place, rule, unit.text))
        return
    if (reading.edition, figure.product.commodity, figure.of) in _ERRATA and tonnes == 1.0:
        tonnes, note = 1e3, _ERRATUM
    reading.figures.append(figure._replace(tonnes=tonnes, note=note))
