"""Conflict as seen from a site: how far, how much, how lately, and whether it comes nearer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Day = dt.date | np.datetime64 | float

EARTH_RADIUS_KM: Final = 6371.0088
"""Mean radius of the Earth. [km]"""
_WEEK: Final = 7


def great_circle_km(
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    *,
    to_latitude_deg: ArrayLike,
    to_longitude_deg: ArrayLike,
) -> Floats:
    r"""Distance between places along the surface of a spherical Earth.

    Parameters
    ----------
    latitude_deg, longitude_deg : array_like
        Places, in [-90, 90] and [-180, 180]. [deg]
    to_latitude_deg, to_longitude_deg : array_like
        The other places; all four are broadcast together. [deg]

    Returns
    -------
    ndarray
        Distances; the Earth being flattened, off by up to 0.6 %. [km]

    Raises
    ------
    InvalidInputError
        If a coordinate is not finite or out of range.

    Notes
    -----
    The haversine formula, :math:`2 R \arcsin \sqrt{\sin^2(\Delta\phi/2) + \cos\phi_1 \cos\phi_2
    \sin^2(\Delta\lambda/2)}`, :math:`R` = 6371.0088 km, keeps its digits at small distances [1]_.

    References
    ----------
    .. [1] R. W. Sinnott, "Virtues of the haversine," Sky Telesc., vol. 68, no. 2, p. 159, 1984.

    Examples
    --------
    >>> float(great_circle_km(0, 0, to_latitude_deg=0, to_longitude_deg=1).round(3))
    111.195
    """
    fields = {
        "latitude_deg": (latitude_deg, 90.0),
        "longitude_deg": (longitude_deg, 180.0),
        "to_latitude_deg": (to_latitude_deg, 90.0),
        "to_longitude_deg": (to_longitude_deg, 180.0),
    }
    faults = [
        f for name, (at, most) in fields.items() for f in _range_faults(name, at, -most, most)
    ]
    if faults:
        raise InvalidInputError("great_circle_km", faults)
    lat, lon, to_lat, to_lon = (np.radians(at) for at, _ in fields.values())
    across = np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2.0) ** 2
    chord = np.sin((to_lat - lat) / 2.0) ** 2 + across
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConflictHistory:
    """Events of conflict before a day, as seen from one site; made by `conflict_history`.

    Attributes
    ----------
    distance_km
        Distance of each event from the site, shape (n_events,). [km]
    day
        Day of each event, in order, shape (n_events,). [d]
    fatalities
        Deaths of each event, shape (n_events,).
    as_of
        Day on which the history ends; all events are before it. [d]
    dated
        Whether days count from 1970-01-01, the caller having given dates.
    """

    distance_km: Floats
    day: Floats
    fatalities: Floats
    as_of: float
    dated: bool

    def number_of(self, field: str, day: Day) -> float:
        """Day on the clock of the history; an error calls it `field` [d]."""
        value, dated = _as_days(field, day)
        if dated != self.dated or value.ndim:
            rule = f"must be {'a date' if self.dated else 'a number of days'}, like the events'"
            raise InvalidInputError("ConflictHistory", [Fault(field, rule, day)])
        return float(value)


def conflict_history(
    site_latitude_deg: float,
    site_longitude_deg: float,
    *,
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    day: ArrayLike,
    fatalities: ArrayLike,
    as_of: Day,
    strict: bool = True,
) -> ConflictHistory:
    """Order events of conflict by time and say how far from a site they were.

    Parameters
    ----------
    site_latitude_deg, site_longitude_deg : float
        Where the site is. [deg]
    latitude_deg, longitude_deg : array_like, shape (n_events,)
        Where each event was. [deg]
    day : array_like, shape (n_events,)
        When each event was: dates, or days since any epoch. [d]
    fatalities : array_like, shape (n_events,)
        Deaths of each event, at least 0.
    as_of : date or float
        Day on which the history ends, of the same kind as `day`: the start of the case. [d]
    strict : bool, default True
        Whether to refuse events on or after `as_of`; they are left out otherwise.

    Returns
    -------
    ConflictHistory
        Distances, days and deaths of the events before `as_of`.

    Raises
    ------
    InvalidInputError
        If arrays differ in length, a coordinate is out of range, a day or a number of deaths is
        missing, or an event on or after `as_of` was given as history.

    Examples
    --------
    >>> history = conflict_history(
    ...     -1.0, 28.0, latitude_deg=[-1.0, -1.5], longitude_deg=[28.0, 28.0],
    ...     day=[dt.date(2025, 3, 1), dt.date(2025, 2, 1)], fatalities=[2, 0],
    ...     as_of=dt.date(2025, 3, 13),
    ... )
    >>> history.distance_km.round(1).tolist(), history.fatalities.tolist()
    ([55.6, 0.0], [0.0, 2.0])
    """
    when, dated = _as_days("day", day)
    end, end_dated = _as_days("as_of", as_of)
    latitude, longitude, deaths = (
        np.asarray(x, dtype=float) for x in (latitude_deg, longitude_deg, fatalities)
    )
    shapes = [when.shape, latitude.shape, longitude.shape, deaths.shape]
    faults = [
        *check.number("site_latitude_deg", site_latitude_deg, least=-90.0, most=90.0),
        *check.number("site_longitude_deg", site_longitude_deg, least=-180.0, most=180.0),
        *_range_faults("latitude_deg", latitude, -90.0, 90.0),
        *_range_faults("longitude_deg", longitude, -180.0, 180.0),
        *_range_faults("fatalities", deaths, 0.0, np.finfo(float).max),
    ]
    if when.ndim != 1 or len(set(shapes)) > 1:
        faults.append(Fault("day", "must be (n_events,), and the other arrays alike", shapes))
    if end.ndim or (when.size and dated != end_dated):
        rule = "must be a date where the events have dates, else a number"
        faults.append(Fault("as_of", rule, as_of))
    if faults:
        raise InvalidInputError("conflict_history", faults)
    past = when < end
    if strict and not past.all():
        end_day = _label(float(end), dated=end_dated)
        rule = f"must be before as_of ({end_day}): events after case.start used as history"
        first = _label(float(when[~past].min()), dated=dated)
        value = f"{(~past).sum()} later events, the first on {first}"
        raise InvalidInputError("conflict_history", [Fault("day", rule, value)])
    distance = great_circle_km(
        site_latitude_deg, site_longitude_deg, to_latitude_deg=latitude, to_longitude_deg=longitude
    )
    order = np.flatnonzero(past)[np.argsort(when[past], kind="stable")]
    return ConflictHistory(
        distance_km=distance[order],
        day=when[order],
        fatalities=deaths[order],
        as_of=float(end),
        dated=end_dated,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConflictCounts:
    """Events and deaths within some distances and some days.

    Attributes
    ----------
    distances_km
        Distances, each with all nearer ones. [km]
    windows_days
        Days before the end of the history, each with all later ones. [d]
    events
        Number of events, shape (n_distances, n_windows).
    fatalities
        Number of deaths, shape (n_distances, n_windows).
    """

    distances_km: tuple[float, ...]
    windows_days: tuple[float, ...]
    events: NDArray[np.int64]
    fatalities: Floats


def events_near(
    history: ConflictHistory,
    *,
    distances_km: Sequence[float] = (25, 50, 100, 200),
    windows_days: Sequence[float] = (7, 30, 90, 365),
) -> ConflictCounts:
    """Count events and deaths by distance and by time.

    Parameters
    ----------
    history : ConflictHistory
        Events before a day.
    distances_km : sequence of float, default (25, 50, 100, 200)
        Distances; an event at the very distance counts. [km]
    windows_days : sequence of float, default (7, 30, 90, 365)
        Days before the end of the history; one of 7 days holds the 7 days before it. [d]

    Returns
    -------
    ConflictCounts
        Two tables, cumulative both ways.

    Raises
    ------
    InvalidInputError
        If a distance is below 0 or a window not above 0.
    """
    faults = [
        *(f for d in distances_km for f in check.number("distances_km", d, least=0.0)),
        *(f for w in windows_days for f in check.number("windows_days", w, above=0.0)),
    ]
    if faults:
        raise InvalidInputError("events_near", faults)
    near = history.distance_km <= np.asarray(distances_km, dtype=float)[:, np.newaxis]
    late = history.as_of - history.day <= np.asarray(windows_days, dtype=float)[:, np.newaxis]
    return ConflictCounts(
        distances_km=tuple(map(float, distances_km)),
        windows_days=tuple(map(float, windows_days)),
        events=near.astype(np.int64) @ late.T.astype(np.int64),
        fatalities=(near * history.fatalities) @ late.T.astype(float),
    )


def times_within(
    history: ConflictHistory, *, distance_km: float, since: Day
) -> tuple[Floats, float]:
    """Times of the events near the site, as `fit_hawkes` takes them.

    Parameters
    ----------
    history : ConflictHistory
        Events before a day.
    distance_km : float
        Events up to this distance count. [km]
    since : date or float
        First day watched; from there on the record must be complete. [d]

    Returns
    -------
    times : ndarray, shape (n_near,)
        Days from `since` to each event. [d]
    horizon : float
        Days from `since` to the end of the history. [d]

    Raises
    ------
    InvalidInputError
        If `distance_km` is below 0 or `since` is not before the end of the history.
    """
    start = history.number_of("since", since)
    faults = [*check.number("distance_km", distance_km, least=0.0)]
    if not start < history.as_of:
        faults.append(Fault("since", "must be before the end of the history", since))
    if faults:
        raise InvalidInputError("times_within", faults)
    counted = (history.distance_km <= distance_km) & (history.day >= start)
    return history.day[counted] - start, history.as_of - start


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Front:
    """Distance of the front in the two weeks before the end of a history.

    Attributes
    ----------
    daily_km
        Distance on each of 14 days up to the end of the history; NaN where too few events were
        recent. [km]
    """

    daily_km: Floats

    @property
    def distance_km(self) -> float:
        """Mean distance over the last week; NaN where too few events were recent [km]."""
        return float(self.daily_km[_WEEK:].mean())

    @property
    def change_km_per_week(self) -> float:
        """Change since the mean of the week before; below 0 it comes nearer [km/week]."""
        return self.distance_km - float(self.daily_km[:_WEEK].mean())


def front_distance(
    history: ConflictHistory, *, nearest: int = 3, window_days: float = 30.0
) -> Front:
    """Distance of the nearest recent events, smoothed over a week, and its weekly change.

    Parameters
    ----------
    history : ConflictHistory
        Events before a day.
    nearest : int, default 3
        Which event makes the front: the third nearest ignores two strays.
    window_days : float, default 30
        Days for which an event is recent. [d]

    Returns
    -------
    Front
        Distance and weekly change.

    Raises
    ------
    InvalidInputError
        If `nearest` is no whole number of at least 1, or `window_days` not above 0.

    Notes
    -----
    On day s the front is as far as the event that is `nearest` by distance among those of the days
    from ``s - window_days`` to ``s - 1``; the distance is the mean over seven such days, the change
    its difference to the seven before. A front that has gone quiet seems to retreat once its events
    are older than the window.
    """
    faults = [*check.whole("nearest", nearest, least=1)]
    faults += check.number("window_days", window_days, above=0.0)
    if faults:
        raise InvalidInputError("front_distance", faults)
    days = history.as_of + np.arange(1.0 - 2 * _WEEK, 1.0)
    first = np.searchsorted(history.day, days - window_days, side="left")
    end = np.searchsorted(history.day, days, side="left")
    daily = np.full(days.size, np.nan)
    for place, (a, b) in enumerate(zip(first, end, strict=True)):
        if b - a >= nearest:
            daily[place] = np.partition(history.distance_km[a:b], nearest - 1)[nearest - 1]
    return Front(daily_km=daily)


def _range_faults(field: str, value: ArrayLike, least: float, most: float) -> Iterator[Fault]:
    given = np.asarray(value, dtype=float)
    bad = given[~((given >= least) & (given <= most))]
    if bad.size:
        limits = f"lie in [{least:g}, {most:g}]" if most < 1e9 else f"be finite and >= {least:g}"
        rule = f"must {limits}, as {bad.size} of {given.size} do not"
        yield Fault(field, rule, float(bad[0]))


def _as_days(field: str, value: ArrayLike | Day) -> tuple[Floats, bool]:
    """Return days as numbers, and whether they were dates; text, such as "2025", is too vague."""
    given = np.asarray(value)
    dated = given.dtype.kind == "M"
    if given.dtype.kind == "O" and all(isinstance(day, dt.date) for day in given.flat):
        given, dated = given.astype("datetime64[D]"), True
    known = dated or given.dtype.kind in "iuf"
    missing = ~(np.isfinite(given) if known else np.zeros(given.shape, dtype=bool))
    if missing.any():
        rule = "must be dates such as datetime.date(2025, 3, 20), or finite numbers of days"
        raise InvalidInputError("conflict_history", [Fault(field, rule, given[missing][0])])
    return (given.astype("datetime64[D]") if dated else given).astype(float), dated


def _label(day: float, *, dated: bool) -> str:
    return str(np.datetime64(int(day), "D")) if dated else f"day {day:g}"
