"""Reader of the data of the Mineral Commodity Summaries of the U.S. Geological Survey."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supplyrisk import _validation as check
from supplyrisk._countries import OTHER_COUNTRIES
from supplyrisk.data.formats import _published, _usgs_layouts, _usgs_values
from supplyrisk.data.formats._usgs_values import TOTAL, Amount
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.formats._usgs_layouts import Figure, Reading

__all__ = ["read_usgs_mcs"]

_NAMES: Final = ("production", "production_totals", "reserves", "capacity")
_FIRST_EDITION: Final = 1996
_YEARS: Final = re.compile(r"\b(?:19|20)\d{2}\b")
_ESTIMATED: Final = re.compile(r"\bestimated?\b(?! to)", re.IGNORECASE)
_REPORTED: Final = re.compile(r"\breported in (\d{4})", re.IGNORECASE)
_DIGITS: Final = {True: 2, False: 3}
"""Significant digits that the publisher keeps, of its estimates for the last year and of others."""


@dataclass(frozen=True, slots=True, eq=False)
class MineralSummaries:
    """What one file of the Mineral Commodity Summaries says of the world.

    Attributes
    ----------
    edition
        Year of the edition.
    tables
        Tables in the library's schemas, by name.
    left_out
        Commodities and forms in the file which this library does not read, by name.
    """

    edition: int
    tables: dict[str, pd.DataFrame]
    left_out: tuple[str, ...]


class _Entry(NamedTuple):
    """One figure, read."""

    figure: Figure
    country: str
    amount: Amount
    mark: str

    @property
    def tonnes(self) -> float | None:
        """The figure in tonnes; None for none."""
        value = self.amount.value
        # A division keeps 1,234 kg at 1.234 t; a product with 0.001 may not.
        factor = self.figure.tonnes
        return None if value is None else value / (1 / factor) if factor < 1 else value * factor

    @property
    def group(self) -> tuple[str, str, str, int]:
        """What must not be mixed."""
        product = self.figure.product
        return self.figure.of, product.commodity, product.stage, self.figure.year


def read_usgs_mcs(
    path: str | os.PathLike[str],
    *,
    table: str = "production",
    edition: int | None = None,
    commodity: str | None = None,
) -> pd.DataFrame:
    """Read output, reserves or capacity by country, or the world totals of output [t].

    Parameters
    ----------
    path : str or path-like
        CSV file as published: ``MCS2025_World_Data.csv``, ``MCS2026_Commodities_Data.csv``, or one
        of the older files of one commodity, such as ``mcs2024-tin_world.csv``.
    table : str, default "production"
        ``"production"``, ``"production_totals"``, ``"reserves"`` or ``"capacity"``.
    edition : int, optional
        Year of the edition; by default what the file says.  It must be that of the file: of its
        column of sources, its name, and its last year of output.
    commodity : str, optional
        What a file of one commodity is about, where its name does not say.

    Returns
    -------
    pandas.DataFrame
        The table asked for, of the commodities that the library knows, in tonnes. Its ``attrs``
        hold the edition, and under ``"left_out"`` the names of the other commodities.

    Raises
    ------
    InvalidInputError
        If there is no such table, the file is none of these, the editions do not agree, a country,
        a unit or a figure is not one that the publisher writes, or a country comes twice; every
        fault is named by line and column.
    OSError
        If it cannot be read.

    Notes
    -----
    Publisher: U.S. Geological Survey, Mineral Commodity Summaries, data releases of 2022 to 2026,
    public domain.  Schemas: ``usgs_mcs`` (2025), ``usgs_mcs_2026`` and ``usgs_mcs_world`` (2022 to
    2024).  Files that are not UTF-8 are read as Windows-1252.

    W (withheld), NA (not available), XX, E (net exporter), ranges and blank cells are no rows; a
    dash is zero; less than half a unit is zero with a note; a bound is kept as a number with a
    note.  Other countries and Kosovo, which has no code, are ZZZ.  The world's total is never a
    row of a country.  The last year is the publisher's estimate; an earlier one is an estimate
    where a note, the type or the head of the column says so.

    Left out: iron content of iron ore, ferrosilicon, concentrates of titanium, and whatever the
    library has no commodity for.  Reserves of platinum-group metals are given for all of them
    together; those of iron ore and bauxite are of ore.  In the files of 2023 the figures of
    chromium (output) and vanadium (reserves) are thousand tonnes under a header that says tonnes;
    they are read so, with a note.

    References
    ----------
    .. [1] https://doi.org/10.5066/P13XCP3R
    .. [2] https://doi.org/10.5066/P1WKQ63T
    """
    faults = [*check.choice("table", table, _NAMES)]
    if faults:
        raise InvalidInputError("read_usgs_mcs", faults)
    held = summaries(path, edition=edition, commodity=commodity)
    frame = held.tables[table]
    frame.attrs |= {"edition": held.edition, "left_out": held.left_out}
    return frame


def summaries(
    path: str | os.PathLike[str], *, edition: int | None = None, commodity: str | None = None
) -> MineralSummaries:
    """Read everything that `read_usgs_mcs` gives, at once.

    Parameters
    ----------
    path : str or path-like
        File to read.
    edition : int, optional
        Year of the edition.
    commodity : str, optional
        What a file of one commodity is about.

    Returns
    -------
    MineralSummaries
        The tables by name.
    """
    if edition is not None:
        faults = [*check.whole("edition", edition, least=_FIRST_EDITION)]
        if faults:
            raise InvalidInputError("read_usgs_mcs", faults)
    reading = _usgs_layouts.read(path, edition=edition, commodity=commodity)
    entries, faults = _entries(reading)
    faults = [*reading.faults, *faults]
    if not entries and not faults:
        rule = "must hold figures of commodities that the library knows"
        faults = [Fault("file", rule, sorted(reading.left_out)[:5])]
    if faults:
        raise InvalidInputError(reading.what, faults)
    entries.sort(key=lambda entry: entry.group)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in _NAMES}
    for (of, *_), members in groupby(entries, key=lambda entry: entry.group):
        _TABLES[of](tables, [*members], reading.edition)
    tidy = {
        name: _published.tidy(rows, schema(name), what=reading.what)
        for name, rows in tables.items()
    }
    return MineralSummaries(reading.edition, tidy, tuple(sorted(reading.left_out)))


def _entries(reading: Reading) -> tuple[list[_Entry], list[Fault]]:
    """Read every figure, or name it."""
    entries: list[_Entry] = []
    faults: list[Fault] = []
    strange: dict[str, Fault] = {}
    for figure in reading.figures:
        amount = _usgs_values.amount(
            figure.value.text, delimiter=reading.delimiter, words=figure.of == "reserves"
        )
        if amount.rule:
            faults.append(Fault(figure.value.place, amount.rule, figure.value.text))
        try:
            country, glued = _usgs_values.country_of(figure.country.text)
        except ValueError:
            rule = "must be the name of one country, other countries or the world total"
            fault = Fault(figure.country.place, rule, figure.country.text)
            strange.setdefault(fault.field, fault)  # once for all figures of a row
            continue
        mark = "estimate" if glued or amount.estimate else _mark(figure)
        entries.append(_Entry(figure, country, amount, mark))
    entries = _once(entries)
    faults += _published.repeated(
        ((_identity(entry), entry.figure.value.place) for entry in entries),
        "figures, commodity, stage, year and country",
    )
    return entries, [*strange.values(), *faults]


def _mark(figure: Figure) -> str:
    """Tell whether the publisher's remark calls a figure an estimate, or reported."""
    reported = _REPORTED.search(figure.remark)
    if reported and int(reported[1]) == figure.year:
        return "reported"
    years = {int(year) for year in _YEARS.findall(figure.remark)}
    # "Also" is said of the first year: the last one is an estimate anyway.
    ours = not years or figure.year in years or "also" in figure.remark.casefold()
    return "estimate" if ours and _ESTIMATED.search(figure.remark) else ""


def _once(entries: list[_Entry]) -> list[_Entry]:
    """Keep reserves that stand beside both palladium and platinum once."""
    kept: dict[object, _Entry] = {}
    for place, entry in enumerate(entries):
        if entry.figure.product.commodity != "platinum_group_metals":
            kept[place] = entry
        elif entry.amount.value is not None:
            kept.setdefault((_identity(entry), entry.amount), entry)
    return list(kept.values())


def _identity(entry: _Entry) -> tuple[Any, ...]:
    # Several rows make up the other countries, each with a name of its own.
    name = _usgs_values.bare(entry.figure.country.text).casefold()
    return (*entry.group, entry.country if entry.country != OTHER_COUNTRIES else name)


def _standing(entry: _Entry, members: list[_Entry], edition: int) -> str:
    """Tell reported figures from estimates."""
    if entry.figure.year == edition - 1:
        return "estimate"
    if entry.mark:
        return entry.mark
    # Where rows are marked one by one, those without a mark are reported, whatever the head says.
    by_row = any(member.mark == "estimate" for member in members)
    return "estimate" if entry.figure.estimated and not by_row else "reported"


def _rows(members: list[_Entry], edition: int, amount: str) -> list[dict[str, Any]]:
    """Return a row for each country that has a figure; other countries are one."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in members:
        tonnes = entry.tonnes
        if tonnes is None or entry.country == TOTAL:
            continue
        product = entry.figure.product
        kosovo = "Kosovo" if "kosovo" in entry.figure.country.text.casefold() else ""
        notes = [entry.amount.note, entry.figure.note, kosovo and "with Kosovo"]
        row: dict[str, Any] = {
            "commodity": product.commodity,
            "stage": product.stage,
            "country": entry.country,
            "year": entry.figure.year,
            amount: tonnes,
            "basis": product.basis,
            "standing": _standing(entry, members, edition),
            "source_id": f"usgs-mcs-{edition}",
            "note": "; ".join(note for note in notes if note),
        }
        before = rows.setdefault(entry.country, row)
        if before is not row:
            before[amount] += tonnes
            before["standing"] = min(before["standing"], row["standing"])  # "estimate" comes first
            before["note"] = "; ".join(note for note in (before["note"], row["note"]) if note)
    return [*rows.values()]


def _production(
    tables: dict[str, list[dict[str, Any]]], members: list[_Entry], edition: int
) -> None:
    rows = _rows(members, edition, "production_t")
    tables["production"] += rows
    world = next((entry for entry in members if entry.country == TOTAL), None)
    total = world.tonnes if world is not None else None
    if world is None or total is None:
        return
    parts = [float(row["production_t"]) for row in rows]
    kept_back = sorted({entry.country for entry in members if entry.amount.withheld} - {TOTAL})
    withheld = bool(kept_back) or "exclud" in world.figure.remark.casefold()
    notes = [world.amount.note, f"withheld: {', '.join(kept_back)}" if kept_back else ""]
    last = world.figure.year == edition - 1
    tables["production_totals"].append(
        {
            "commodity": world.figure.product.commodity,
            "stage": world.figure.product.stage,
            "year": world.figure.year,
            "source_id": f"usgs-mcs-{edition}",
            "world_t": total,
            "parts_t": math.fsum(parts),
            "discrepancy_t": total - math.fsum(parts),
            "reason": _reason(total, parts, withheld=withheld, digits=_DIGITS[last]),
            "standing": _standing(world, members, edition),
            "note": "; ".join(note for note in notes if note),
        }
    )


def _reason(total: float, parts: list[float], *, withheld: bool, digits: int) -> str:
    """Tell why a total differs from its parts."""
    if withheld:
        return "withheld"
    difference = abs(total - math.fsum(parts))
    if difference <= 1e-9 * total:
        return "none"
    rounding = _half_unit([total], digits) + _half_unit(parts, digits)
    return "rounding" if difference <= rounding else "unexplained"


def _half_unit(values: Iterable[float], digits: int) -> float:
    """Half a unit of the last digit that is kept, summed."""
    return sum(0.5 * 10.0 ** (math.floor(math.log10(v)) - digits + 1) for v in values if v > 0)


def _reserves(tables: dict[str, list[dict[str, Any]]], members: list[_Entry], edition: int) -> None:
    world = next((entry for entry in members if entry.country == TOTAL), None)
    total = world.tonnes if world is not None else None
    bound = f"world: {world.amount.note}" if world is not None and world.amount.note else ""
    for row in _rows(members, edition, "reserves_t"):
        basis = row.pop("basis")
        notes = [row["note"], "" if basis.startswith("contained") else basis, bound]
        del row["stage"]
        row |= {
            "world_reserves_t": total or None,
            "standing": "estimate",
            "note": "; ".join(note for note in notes if note),
        }
        tables["reserves"].append(row)


def _capacity(tables: dict[str, list[dict[str, Any]]], members: list[_Entry], edition: int) -> None:
    for row in _rows(members, edition, "capacity_tpa"):
        del row["basis"]
        tables["capacity"].append(row)


_TABLES: Final = {"production": _production, "reserves": _reserves, "capacity": _capacity}
