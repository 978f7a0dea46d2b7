"""What a calibration rests on: the stops that count, and the years in which they would be seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk.data.catalogue import known_on
from supplyrisk.data.supply_tables import governance, smelters
from supplyrisk.data.tables import sites, table
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.exposure import exposure_years
from supplyrisk.model.hazard import Peril
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST_DAYS: Final = 7.0
"""Shorter stops are not gathered reliably: rates and lengths leave them out alike. [d]"""
LEAST_SEVERITY: Final = 0.25
"""Share of a site that a stop must hit to count. [1]"""
UNSTABLE: Final = -1.0
"""Political stability (WGI) below which a country belongs to the exposure of armed conflict."""
COUNTRY_PERILS: Final = frozenset({Peril.EXPORT_RESTRICTION, Peril.SANCTIONS})
"""Perils that act on whole countries: a case has them there, and not at sites again."""
SITE_PERILS: Final = tuple(
    str(peril) for peril in Peril if peril not in COUNTRY_PERILS | {Peril.ARMED_CONFLICT}
)
"""Perils that strike sites at the rates of the panels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """The catalogue as a day saw it.

    Attributes
    ----------
    as_of
        Day from which one looks back; None for all that is known.
    rows
        The whole catalogue, with what came later.
    stops
        Stops that count, one row for each physical event: those that a length may rest on.
    watched
        Of these, those that began while the panels were watched: those that a rate may count.
    at_sites
        Of these, those by perils that strike single sites.
    panels
        Table ``panels``: years for which mines of some metals were watched.
    places
        Bundled mines and smelters with their days of opening and closing: place_id, commodity,
        country, is_mine, is_one_site, opened, closed.
    """

    as_of: dt.date | None
    rows: pd.DataFrame
    stops: pd.DataFrame
    watched: pd.DataFrame
    at_sites: pd.DataFrame
    panels: pd.DataFrame
    places: pd.DataFrame

    @property
    def first_day(self) -> dt.date:
        """First day of the panels."""
        first: dt.date = self.panels["first_day"].min().date()
        return first

    @property
    def last_day(self) -> dt.date:
        """Last day of the panels."""
        last: dt.date = self.panels["last_day"].max().date()
        return last

    @property
    def until(self) -> dt.date:
        """Day up to which stops were watched for: the day itself, or the last of the panels."""
        return min(self.as_of, self.last_day) if self.as_of else self.last_day

    @property
    def years(self) -> float:
        """Years from the first day of the panels until then [a]."""
        return float((self.until - self.first_day).days) / DAYS_PER_YEAR

    def panel_years(self) -> dict[str, float]:
        """Years of watched sites by metal [a]."""
        days = (self.last_day - self.first_day).days
        part = min(self.years * DAYS_PER_YEAR / float(days), 1.0)
        held = zip(self.panels["commodity"], self.panels["node_years"], strict=True)
        return {str(commodity): float(years) * part for commodity, years in held}

    def place_years(self, places: pd.DataFrame) -> pd.Series:
        """Years for which each of some places was open and watched [a].

        Parameters
        ----------
        places : pandas.DataFrame
            Rows of `places`.

        Returns
        -------
        pandas.Series
            Years, named by place_id. [a]
        """
        spans = [
            (max(_date(opened, self.first_day), self.first_day), _date(closed, self.last_day))
            for opened, closed in zip(places["opened"], places["closed"], strict=True)
        ]
        years = exposure_years(
            [opened for opened, _ in spans],
            [max(opened, min(closed, self.last_day)) for opened, closed in spans],
            until=self.until,
        )
        return pd.Series(years, index=pd.Index(places["place_id"], name="place_id"))


def history(
    rows: pd.DataFrame,
    as_of: dt.date | None = None,
    panels: pd.DataFrame | None = None,
) -> History:
    """Cut rows of the catalogue at a day and keep the stops that count.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows with the columns of the table ``disruptions``.
    as_of : datetime.date, optional
        Day from which to look back.
    panels : pandas.DataFrame, optional
        Years watched, with the columns of the table ``panels``, which it is by default.

    Returns
    -------
    History
        What rates and lengths rest on.

    Raises
    ------
    InvalidInputError
        If `as_of` is no date, or not after the first day of the panels, or the panels are not
        watched from one day to one later day.
    """
    panels = table("panels") if panels is None else panels
    if faults := [*_panel_faults(panels)]:
        raise InvalidInputError("panels", faults)
    counted = stops(as_of, rows)
    began = counted["started"]
    watched = counted[(began >= panels["first_day"].min()) & (began <= panels["last_day"].max())]
    made = History(
        as_of=as_of,
        rows=rows,
        stops=counted,
        watched=watched,
        at_sites=watched[watched["kind"].isin(SITE_PERILS)],
        panels=panels,
        places=_places(),
    )
    if made.until <= made.first_day:
        rule = f"must be after the first day of the catalogue, {made.first_day}"
        raise InvalidInputError("fit_catalogue", [Fault("as_of", rule, str(as_of))])
    return made


def stops(as_of: dt.date | None = None, rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of the catalogue that rates and lengths rest on, one for each physical event.

    Parameters
    ----------
    as_of : datetime.date, optional
        Day from which to look back.
    rows : pandas.DataFrame, optional
        Rows with the columns of the table ``disruptions``, which they are by default.

    Returns
    -------
    pandas.DataFrame
        Stops of supply of at least 7 days and a quarter of the site, as of the day, and their
        ``kind``: the peril, or export restriction for all that stopped the exports of a country,
        whatever its cause.
    """
    rows = known_on(table("disruptions") if rows is None else rows, as_of)
    counted = (
        rows["is_stop"]
        & (rows["duration_days"] >= SHORTEST_DAYS)
        & ~(rows["severity"] < LEAST_SEVERITY)
    )
    rows = rows[counted]
    repeated = rows["cluster_id"].notna() & rows.duplicated("cluster_id")
    rows = rows[~repeated].reset_index(drop=True)
    of_exports = (rows["level"] == "country") & (rows["stage"] == "export")
    return rows.assign(kind=rows["peril"].mask(of_exports, str(Peril.EXPORT_RESTRICTION)))


def of_metals(rows: pd.DataFrame, wanted: Iterable[str]) -> pd.DataFrame:
    """Return the rows that name one of some metals.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of the catalogue, whose cells may name several.
    wanted : iterable of str
        Commodities.

    Returns
    -------
    pandas.DataFrame
        Those rows.
    """
    names = frozenset(wanted)
    hit = [not names.isdisjoint(str(cell).split(";")) for cell in rows["commodities"]]
    return rows[np.array(hit, dtype=bool)]


def conflict_countries() -> frozenset[str]:
    """Countries in which sites are exposed to armed conflict, by their political stability."""
    frame = governance()
    return frozenset(frame.loc[frame["political_stability"] < UNSTABLE, "country"])


def _panel_faults(panels: pd.DataFrame) -> Iterator[Fault]:
    """Refuse panels of unequal days: stops are counted from the first of them to the last."""
    if panels.empty:
        yield Fault("panels", "must hold at least one row", "none")
    for column in ("first_day", "last_day"):
        days = sorted({day.date().isoformat() for day in panels[column]})
        if len(days) > 1:
            yield Fault(f"column {column}", "must be one day for all panels", ", ".join(days))
    for first, last in zip(panels["first_day"], panels["last_day"], strict=True):
        if last <= first:
            yield Fault("column last_day", f"must be after first_day ({first.date()})", last.date())


def _date(moment: Any, unknown: dt.date) -> dt.date:  # noqa: ANN401 - a cell of a frame
    day: dt.date = unknown if pd.isna(moment) else moment.date()
    return day


def _places() -> pd.DataFrame:
    columns = ["place_id", "commodity", "country", "is_mine", "is_one_site", "opened", "closed"]
    mines = sites().rename(columns={"site_id": "place_id"}).assign(is_mine=True)
    plants = smelters().rename(columns={"smelter_id": "place_id"})
    plants = plants.assign(is_mine=False, is_one_site=True)
    return pd.concat([mines[columns], plants[columns]], ignore_index=True)
