"""The shortfall that the market expects: known and started events, never future ones.

At each moment and site the expected loss over the year ahead is ``1 - prod (1 - y)`` over the
events that have started, with y the expected share of the window that each takes. The mean that
the hazards alone would give is subtracted, since the price holds average disruption already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.engine.losses import Outages, groups_of_a_site
from supplyrisk.hazard import expectation, ramps
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.plan import Plan, Threat

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

WINDOW_DAYS: Final = float(DAYS_PER_YEAR)
"""How far ahead the market looks. [d]"""
_N_AGES: Final = 160


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the market would expect, tabulated once for a plan.

    Attributes
    ----------
    ages
        Ages at which each threat's table stands, shape (n_threats, n_ages). [d]
    days
        Expected days of loss in the window ahead of a running outage, shape (n_threats, n_ages).
        [d]
    shares
        Planned production of each site as a share of the supply that the price acts on, shape
        (n_sites,). [1]
    usual_by_site
        Expected shortfall from hazards alone at the end of each step, if nothing else had
        happened, shape (n_sites, n_steps). [1]
    announced_left
        Share that announced events which have not started by the end of each step are expected to
        leave of each site, shape (n_sites, n_steps). [1]
    notice_days
        How long ahead restarts are announced. [d]
    """

    ages: Floats
    days: Floats
    shares: Floats
    usual_by_site: Floats
    announced_left: Floats
    notice_days: float

    @property
    def usual(self) -> Floats:
        """Expected shortfall from hazards alone, all sites, shape (n_steps,) [1]."""
        return np.asarray(self.usual_by_site.sum(axis=0))


def tabulate(plan: Plan, supply_tpa: float, notice_days: float = 0.0) -> Expectations:
    """Tabulate what the market would expect of each threat at each age.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    supply_tpa : float
        Supply that the price acts on. [t/a]
    notice_days : float, default 0.0
        How long ahead restarts are announced. [d]

    Returns
    -------
    Expectations
        Tables and the mean to subtract, which notice does not change: it only moves forward what
        is learnt.
    """
    ages = np.empty((len(plan.threats), _N_AGES))
    days = np.zeros_like(ages)
    known: dict[object, Floats] = {}
    # Closer together where the outage is young and the expectation moves fast.
    grid = plan.horizon_days * np.linspace(0.0, 1.0, _N_AGES) ** 2
    for index, threat in enumerate(plan.threats):
        ages[index] = max(-threat.start_days, 0.0) + grid
        if threat.duration is not None:
            key = (threat.duration, threat.ramp_up, ages[index, 0])
            if key not in known:
                # No word of a restart: the outage lasts as long as the notice at the least.
                sure = ages[index] + notice_days
                days_ahead = notice_days + expectation.days_to_come(
                    threat.duration, threat.ramp_up, sure, WINDOW_DAYS - notice_days
                )
                known[key] = _led_on(days_ahead, sure, threat.duration.longest_days)
            days[index] = known[key]
    shares = plan.production_t_per_day * DAYS_PER_YEAR / supply_tpa
    return Expectations(
        ages=ages,
        days=days,
        shares=shares,
        usual_by_site=_usual(plan, shares),
        announced_left=_announced_left(plan),
        notice_days=notice_days,
    )


def _led_on(days: Floats, ages: Floats, longest: float) -> Floats:
    """Lead a table on past the longest age: between two nodes there is no jump at the end."""
    live = int(np.searchsorted(ages, longest))
    if 2 <= live < len(ages):
        slope = (days[live - 1] - days[live - 2]) / (ages[live - 1] - ages[live - 2])
        days[live] = days[live - 1] + slope * (ages[live] - ages[live - 1])
    return days


def shortfall(plan: Plan, events: Events, tables: Expectations, n_scenarios: int) -> Floats:
    """Shortfall that the market expects at the end of each step.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    events : Events
        Rows of a site and scenario are neighbours, sorted by start.
    tables : Expectations
        What the market would expect of each threat.
    n_scenarios : int
        Scenarios in the block.

    Returns
    -------
    ndarray, shape (n_scenarios, n_steps)
        Expected share of a year's supply that is missing, beyond the usual. [1]
    """
    views = row, step, y = _views(plan, events, tables)
    size = (n_scenarios, plan.n_steps)
    # An announced event is one more factor at its sites until it starts.
    left, share = tables.announced_left, tables.shares[:, np.newaxis]
    total = _combined(events, views, share * left, size)
    # A shut mine cannot be stopped again, so less than the usual is to be taken off there.
    known = np.array([threat.event is not None for threat in plan.threats], dtype=bool)
    shut = known[events.threat[row]]
    usual = tables.usual_by_site
    spared = _combined(events, (row[shut], step[shut], y[shut]), usual * left, size)
    announced = ((share + usual) * (1.0 - left)).sum(axis=0)
    return np.asarray(total + spared + announced - tables.usual)


def _combined(
    events: Events, views: tuple[Ints, Ints, Floats], weights: Floats, size: tuple[int, int]
) -> Floats:
    """Sum ``weight (1 - prod (1 - y))`` over sites, shape (n_scenarios, n_steps).

    `weights` has the shape (n_sites, n_steps).
    """
    n_scenarios, n_steps = size
    row, step, y = views
    seen = np.zeros(len(events), dtype=bool)
    seen[row] = True
    group = np.full(len(events), -1)
    n_groups = 0
    for rows in groups_of_a_site(events, np.flatnonzero(seen)):
        group[rows] = (n_groups + np.arange(len(rows)))[:, np.newaxis]
        n_groups += len(rows)
    many = group[row] >= 0
    alone = row[~many]
    flat = events.scenario[alone] * n_steps + step[~many]
    lost = weights[events.site[alone], step[~many]] * y[~many]
    total = np.bincount(flat, lost, minlength=n_scenarios * n_steps).astype(float)
    if n_groups:
        cell = group[row[many]] * n_steps + step[many]
        log_left = np.bincount(cell, np.log1p(-y[many]), minlength=n_groups * n_steps)
        first = np.zeros(n_groups, dtype=np.intp)
        members = np.flatnonzero(group >= 0)
        first[group[members]] = members
        lost = -np.expm1(log_left.reshape(n_groups, n_steps)) * weights[events.site[first]]
        at = events.scenario[first, np.newaxis] * n_steps + np.arange(n_steps)
        total += np.bincount(at.ravel(), lost.ravel(), minlength=n_scenarios * n_steps)
    return total.reshape(n_scenarios, n_steps)


def known_shortfall(
    plan: Plan, tables: Expectations, day: float, *, after: float = -np.inf
) -> float:
    """Shortfall that the market expected from dated events on a day up to the start.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    tables : Expectations
        What the market would expect of each threat.
    day : float
        Day against the start of the case, at most 0. [d]
    after : float, optional
        Count only events that became known after this day; all of them when omitted. [d]

    Returns
    -------
    float
        Expected share of a year's supply that is missing. [1]
    """
    left = np.ones(len(plan.sites))
    for threat in plan.threats:
        if threat.event is not None and after < threat.announced_days <= day:
            left[threat.sites] *= 1.0 - _known_view(threat, day)
    return float(tables.shares @ (1.0 - left))


def _known_view(threat: Threat, day: float) -> float:
    """Expected share of the year after `day` that a known event takes from its sites."""
    event = threat.event
    if event is None:
        return 0.0
    since = day - threat.start_days
    if threat.duration is None:  # it is over by the start: its length is known
        whole = float(((event.ended or event.started) - event.started).days)
        return threat.severity * _known_length(threat, whole, since) / WINDOW_DAYS
    window = WINDOW_DAYS - max(-since, 0.0)
    if window <= 0.0:
        return 0.0
    age = np.array([max(since, 0.0)])
    days = expectation.days_to_come(threat.duration, threat.ramp_up, age, window)
    return event.probability * threat.severity * float(days[0]) / WINDOW_DAYS


def _known_length(threat: Threat, whole: float, since: float) -> float:
    """Days lost in the year ahead to an outage of known length; `since` counts from its start."""
    window = max(WINDOW_DAYS - max(-since, 0.0), 0.0)
    if threat.ramp_up.shape == "never":
        return window
    age = max(since, 0.0)
    _, ramp, weight = ramps.pairs(threat.ramp_up, np.array([whole]))
    left = expectation.ramp_to_come(threat.ramp_up, ramp, np.array([age - whole]), window)
    return float((weight * left).mean()) + min(max(whole - age, 0.0), window)


def _views(plan: Plan, events: Events, tables: Expectations) -> tuple[Ints, Ints, Floats]:
    """Return row, step and expected share of the window for every event seen at a step's end."""
    if not len(events):
        nothing = np.empty(0, dtype=np.intp)
        return nothing, nothing, np.empty(0)
    ends = plan.edges_days[1:]
    first = np.searchsorted(ends, events.start, side="left")
    last = np.searchsorted(ends, np.minimum(events.over, plan.horizon_days + 1.0), side="left")
    count = np.maximum(last - first, 0)
    row = np.repeat(np.arange(len(events)), count)
    step = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    t = ends[step]
    days = np.empty(len(row))
    left = events.restart[row] - t
    runs = left > tables.notice_days
    at = row[runs]
    days[runs] = _interpolated(tables, events.threat[at], t[runs] - events.start[at])
    ramp = Outages(plan, events).ramp_left(row[~runs], t[~runs], WINDOW_DAYS)
    days[~runs] = np.maximum(left[~runs], 0.0) + ramp
    # A sure loss of the whole window would make log(1 - y) infinite.
    return row, step, np.minimum(events.severity[row] * days / WINDOW_DAYS, 1.0 - 1e-12)


def _interpolated(tables: Expectations, threat: Ints, age: Floats) -> Floats:
    """Read each threat's table, all threats at once: its nodes stand at ``a + h (k / n)^2``."""
    n = _N_AGES - 1
    horizon = tables.ages[0, -1] - tables.ages[0, 0]
    place = np.clip((age - tables.ages[threat, 0]) * (n * n / horizon), 0.0, n * n)
    low = np.minimum(np.sqrt(place).astype(np.intp), n - 1)
    weight = np.clip((place - low * low) / (2 * low + 1), 0.0, 1.0)
    flat = threat * _N_AGES + low
    days = tables.days.ravel()
    at_low = days[flat]
    return np.asarray(at_low + weight * (days[flat + 1] - at_low))


def _usual(plan: Plan, shares: Floats) -> Floats:
    """Mean shortfall from hazards by site at the end of each step: exact for Poisson events.

    ``E prod (1 - y) = exp(-rate integral E[y])`` for each hazard, and with a gamma rate of shape k
    ``(1 + rate integral E[y] / k)^-k``, once for all hazards that share the factor.
    """
    # Simpson's rule on each step: its ends and its middle.
    middles = 0.5 * (plan.edges_days[1:] + plan.edges_days[:-1])
    since = np.sort(np.concatenate([plan.edges_days, middles]))
    exponent: dict[tuple[str, float | None], Floats] = {}
    known: dict[object, Floats] = {}
    for threat in plan.threats:
        hazard = threat.hazard
        if hazard is None or not len(threat.sites):
            continue
        key = (hazard.duration, hazard.ramp_up)
        if key not in known:
            seen = expectation.days_to_come_since_start(*key, since, WINDOW_DAYS)
            known[key] = _cumulative_simpson(seen / WINDOW_DAYS, plan.edges_days)
        rate = threat.rate_pa / DAYS_PER_YEAR * hazard.hit_probability * threat.severity
        group: tuple[str, float | None] = ("", None)
        if hazard.rate_shape is not None:
            group = (hazard.rate_group or f"alone {hazard.hazard_id}", hazard.rate_shape)
        sums = exponent.setdefault(group, np.zeros((len(plan.sites), plan.n_steps)))
        sums[threat.sites] += rate * known[key]
    left = np.ones((len(plan.sites), plan.n_steps))
    for (_, shape), sums in exponent.items():
        left *= np.exp(-sums) if shape is None else (1.0 + sums / shape) ** -shape
    return shares[:, np.newaxis] * (1.0 - left)


def _cumulative_simpson(values: Floats, edges: Floats) -> Floats:
    low, middle, high = values[:-2:2], values[1:-1:2], values[2::2]
    return np.cumsum(np.diff(edges) * (low + 4.0 * middle + high) / 6.0)


def _announced_left(plan: Plan) -> Floats:
    """Share of each site that announced events are to leave, at the end of each step before them.

    1 where none is announced; shape (n_sites, n_steps).
    """
    left = np.ones((len(plan.sites), plan.n_steps))
    for threat in plan.threats:
        if threat.event is not None and threat.start_days > 0.0:
            for step in np.flatnonzero(plan.edges_days[1:] < threat.start_days):
                view = _known_view(threat, float(plan.edges_days[1 + step]))
                left[threat.sites, step] *= 1.0 - view
    return left
