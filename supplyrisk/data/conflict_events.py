"""From rows of conflict events, as the readers give them, to the history that one site has seen."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.conflict import conflict_history
from supplyrisk.model.site import MineSite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.hazard.conflict import ConflictHistory

__all__ = ["conflict_near"]


class _Layout(NamedTuple):
    """Columns of a publisher, and the worst codes of place and date that are not coarse."""

    day: str
    deaths: str
    place_precision: str
    worst_place: int
    date_precision: str
    worst_date: int

    @property
    def columns(self) -> list[str]:
        """Every column that is used."""
        named = [self.day, self.deaths, self.place_precision, self.date_precision]
        return ["latitude", "longitude", *named]


# Left are places known to the district or its like, and dates known to the week.
_UCDP: Final = _Layout("date_end", "best", "where_prec", 3, "date_prec", 3)
_ACLED: Final = _Layout("event_date", "fatalities", "geo_precision", 2, "time_precision", 2)


def conflict_near(
    events: pd.DataFrame,
    site: MineSite,
    *,
    as_of: dt.date,
    coarse: bool = False,
    strict: bool = False,
) -> ConflictHistory:
    """Events of conflict before a day, as seen from one site.

    Parameters
    ----------
    events : pandas.DataFrame
        Events as `read_ucdp_ged` or `read_acled` gives them, already narrowed to those that count
        as conflict. Of UCDP are used ``latitude``, ``longitude``, ``date_end``, ``best``,
        ``where_prec`` and ``date_prec``; of ACLED ``latitude``, ``longitude``, ``event_date``,
        ``fatalities``, ``geo_precision`` and ``time_precision``.
    site : MineSite
        The site, with its coordinates.
    as_of : datetime.date
        Day on which the history ends, such as the start of the case.
    coarse : bool, default False
        Whether to count events of which the place is known no better than the province
        (``where_prec`` from 4, ``geo_precision`` from 3) or the date no better than the month
        (``date_prec`` from 4, ``time_precision`` from 3). Their coordinates are the middle or the
        capital of a large area, and their distance from a site means nothing.
    strict : bool, default False
        Whether to refuse events on or after `as_of`; they are left out otherwise.

    Returns
    -------
    ConflictHistory
        Distances, days and deaths, for `events_near`, `front_distance`, `conflict_intensity`,
        `intensity_series` and `times_within` of `supplyrisk.hazard`.

    Raises
    ------
    TypeError
        If `events` is no data frame or `site` no MineSite.
    InvalidInputError
        If the site has no coordinates, a column is missing, a cell holds no place, date or number,
        no event is left before `as_of`, or, where `strict`, one is on or after it.

    Notes
    -----
    An event of several days counts on its last day, when all of it is known: one that is still
    going on at `as_of` is not history. Dates of ACLED known by the week stand as written and may
    be some days off. Where a precision is blank, the event counts as precise.

    Deaths are UCDP's best estimate and ACLED's reported fatalities. The two publishers tell of the
    same fights: join their rows, and those count twice. Every row counts, in an export of ACLED
    peaceful protests too. The record must reach up to `as_of`, as one that ends a year before
    looks like a year of peace.

    Examples
    --------
    >>> import datetime as dt
    >>> import pandas as pd
    >>> from supplyrisk.hazard.conflict import events_near
    >>> events = pd.DataFrame(
    ...     {
    ...         "event_date": pd.to_datetime(["2025-03-01", "2025-03-09", "2025-03-25"]),
    ...         "latitude": [-1.0, -1.4, -1.4],
    ...         "longitude": [28.6, 28.1, 28.1],
    ...         "fatalities": [0, 4, 9],
    ...         "geo_precision": [1, 2, 1],
    ...         "time_precision": [1, 1, 1],
    ...     }
    ... )
    >>> mine = MineSite(
    ...     site_id="bisie", name="Bisie", commodity="tin", country="COD", capacity_tpa=20_000,
    ...     latitude_deg=-1.033, longitude_deg=27.733,
    ... )
    >>> history = conflict_near(events, mine, as_of=dt.date(2025, 3, 20))
    >>> history.distance_km.round().tolist(), history.fatalities.tolist()
    ([96.0, 58.0], [0.0, 4.0])
    >>> events_near(history, distances_km=(75, 100), windows_days=(14, 30)).events.tolist()
    [[1, 1], [1, 2]]
    """
    if not isinstance(events, pd.DataFrame):
        raise TypeError(f"events must be a pandas.DataFrame, got {type(events).__name__}")
    check.require("site", site, MineSite)
    layout, faults = _layout_of(events)
    faults += [*check.date("as_of", as_of), *check.flag("coarse", coarse)]
    faults += check.flag("strict", strict)
    if site.latitude_deg is None or site.longitude_deg is None:
        rule = "must have latitude_deg and longitude_deg for events to be near it"
        faults.append(Fault("site", rule, site.site_id))
    if layout is None or site.latitude_deg is None or site.longitude_deg is None or faults:
        raise InvalidInputError("conflict_near", faults)
    counted = events if coarse else events[_is_fine(events, layout)]
    day = counted[layout.day].to_numpy()
    history = conflict_history(
        site.latitude_deg,
        site.longitude_deg,
        latitude_deg=_numbers(counted, "latitude"),
        longitude_deg=_numbers(counted, "longitude"),
        day=day if day.size else day.astype("datetime64[D]"),
        fatalities=_numbers(counted, layout.deaths),
        as_of=as_of,
        strict=False,
    )
    later = len(counted) - history.day.size
    if strict and later:
        rule = f"must be before as_of ({as_of}): events after case.start used as history"
        value = f"{later} later events, the last on {counted[layout.day].max():%Y-%m-%d}"
        raise InvalidInputError("conflict_near", [Fault(f"column {layout.day}", rule, value)])
    if not history.day.size:
        rule = f"must hold an event before as_of ({as_of}), or peace and no record look alike"
        value = f"{len(events)} rows, {len(events) - len(counted)} of them coarse, {later} later"
        raise InvalidInputError("conflict_near", [Fault("events", rule, value)])
    return history


def _layout_of(events: pd.DataFrame) -> tuple[_Layout | None, list[Fault]]:
    """Tell the publisher by the column of days, and say which columns are missing."""
    named = list(events.columns)
    known = [layout for layout in (_UCDP, _ACLED) if layout.day in named]
    if len(known) != 1:
        rule = "must hold date_end (UCDP) or event_date (ACLED), as their readers give it"
        return None, [Fault("the columns of events", rule, named)]
    (layout,) = known
    return layout, [
        Fault(f"column {name}", "must be given once", named)
        for name in layout.columns
        if named.count(name) != 1
    ]


def _is_fine(events: pd.DataFrame, layout: _Layout) -> NDArray[np.bool_]:
    """Whether place and date of each event are better known than the province and the month."""
    place = _numbers(events, layout.place_precision)
    date = _numbers(events, layout.date_precision)
    return ~((place > layout.worst_place) | (date > layout.worst_date))


def _numbers(events: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as floats, NaN where a cell is blank."""
    try:
        return events[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        rule = "must hold numbers, as the readers give them"
        fault = Fault(f"column {column}", rule, events[column].tolist())
        raise InvalidInputError("conflict_near", [fault]) from error
