"""Large events: which they are, how often they strike, and a plan that holds more of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.hazard import durations, ramps
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Basis, Plan, Threat
    from supplyrisk.model.hazard import Hazard

    Floats = NDArray[np.float64]

_SIZES: Final = 300
"""Sizes of events that are looked at."""
_DECADES: Final = 5.0
"""How far they reach to both sides of a year of the largest scope's production."""
_LEAST_SEEN: Final = 0.05
"""Events that hit a site less often are not boosted: drawing so many would cost too much. [1]"""


class Large(NamedTuple):
    """Events that lose more than some sizes, by size and by threat of a plan.

    Attributes
    ----------
    size_t
        Expected loss above which an event is large, ascending, shape (n_sizes,). [t]
    beyond_days
        Outage above which it is, shape (n_sizes, n_threats); infinite where no event of the threat
        is held for large. [d]
    share
        Share of the threat's events that are large, shape (n_sizes, n_threats). [1]
    expected
        Large events a future that hit at least one site, shape (n_sizes, n_threats). [1]
    """

    size_t: Floats
    beyond_days: Floats
    share: Floats
    expected: Floats

    @property
    def n_expected(self) -> Floats:
        """Large events a future, all threats, shape (n_sizes,) [1]."""
        return np.asarray(self.expected.sum(axis=1))

    def rows(self, chosen: list[int]) -> Large:
        """Return some of the sizes."""
        return Large(*(values[chosen] for values in self))


def large_events(plan: Plan, basis: Basis) -> Large:
    """Return what is large, for sizes from next to nothing to beyond the largest event.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    basis : {"calendar", "occurrence"}
        How losses are counted; no event is larger than the horizon or annual caps allow.

    Returns
    -------
    Large
        Sizes at steps of some 8 percent. Dated events are never large, nor are those of hazards
        whose sites each have a length of their own, or that hit no site in 19 of 20 cases.
    """
    daily = [_daily_t(plan, threat) for threat in plan.threats]
    largest = max(daily, default=0.0) * DAYS_PER_YEAR
    size = largest * np.logspace(-_DECADES, _DECADES, _SIZES)
    shape = (_SIZES, len(plan.threats))
    beyond, share, seen = np.full(shape, np.inf), np.zeros(shape), np.zeros(shape[1])
    for number, threat in enumerate(plan.threats):
        if threat.hazard is None or not daily[number] > 0.0:
            continue
        with np.errstate(over="ignore"):  # next to no production
            days = np.minimum(size / daily[number], np.finfo(float).max)
        limit, alive = _limits(threat.hazard, days)
        mine = (days < _most_days(plan, threat, basis)) & (alive > 0.0)
        beyond[mine, number], share[mine, number] = limit[mine], alive[mine]
        years = plan.horizon_days / DAYS_PER_YEAR
        seen[number] = threat.rate_pa * years * _seen(threat.hazard, len(threat.sites))
    return Large(size, beyond, share, share * seen)


def _daily_t(plan: Plan, threat: Threat) -> float:
    """Production that an event takes on average, if it takes any; 0 if none is to be large."""
    hazard = threat.hazard
    if hazard is None or not threat.rate_pa > 0.0:
        return 0.0
    if len(threat.sites) > 1 and not (hazard.shared_duration or hazard.scope.kind == "site"):
        return 0.0
    seen = _seen(hazard, len(threat.sites))
    if seen < _LEAST_SEEN:
        return 0.0
    whole = float(plan.production_t_per_day[threat.sites].sum())
    return threat.severity * whole * hazard.hit_probability / seen


def _most_days(plan: Plan, threat: Threat, basis: Basis) -> float:
    """Return days of production beyond which an event loses no more: the horizon, or caps [d]."""
    if basis == "calendar":
        return plan.horizon_days
    caps = [plan.sites[site].annual_cap_days for site in threat.sites.tolist()]
    return max(np.inf if cap is None else cap for cap in caps)


def _seen(hazard: Hazard, n_sites: int) -> float:
    """Probability that an event hits at least one site [1]."""
    return float(1.0 - (1.0 - hazard.hit_probability) ** n_sites)


def _limits(hazard: Hazard, days: Floats) -> tuple[Floats, Floats]:
    """Return the outages that lose so many days, ramp-up included [d], and the share beyond [1]."""
    ramp = hazard.ramp_up
    if ramp.shape == "never":
        return np.zeros_like(days), np.ones_like(days)
    area = float(ramps.lost_until(ramp, np.ones(1))[0])
    limit = days - area * ramp.ramp_days
    if ramp.max_share_of_outage is not None:
        limit = np.maximum(limit, days / (1.0 + area * ramp.max_share_of_outage))
    # Conditioning on an outage of more than nothing must leave out those of no length.
    limit = np.maximum(limit, np.finfo(float).tiny)
    return limit, durations.survival(hazard.duration, limit)


class Twins(NamedTuple):
    """A plan with hazards that bring more large events.

    Attributes
    ----------
    plan
        The plan, with twins of its hazards behind its threats.
    origin
        Threat of the plan that each threat stands for, shape (n_threats,).
    kind
        Which boost each threat belongs to, counted from 1; 0 for those of the plan, alike.
    """

    plan: Plan
    origin: NDArray[np.intp]
    kind: NDArray[np.intp]


def with_twins(plan: Plan, large: Large, boosts: list[tuple[int, float]]) -> Twins:
    """Return a plan in which large events strike more often.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    large : Large
        What is large.
    boosts : list of tuple
        For each boost, which size makes an event large, and how much more often those strike.

    Returns
    -------
    Twins
        The plan with a twin for each boost and hazard that has large events; it brings those alone.

    Notes
    -----
    A twin shares the gamma factor of its hazard, so that given the factor all events are Poisson.
    """
    n = len(plan.threats)
    origin, kind, twins = [*range(n)], [0] * n, []
    for number, (row, multiplier) in enumerate(boosts, 1):
        for index in np.flatnonzero(large.share[row] > 0.0).tolist():
            threat = plan.threats[index]
            twin = replace(
                threat,
                name=f"{threat.name} large {number}",  # no name of a hazard has a blank
                rate_pa=(multiplier - 1.0) * threat.rate_pa * float(large.share[row, index]),
                beyond_days=float(large.beyond_days[row, index]),
            )
            twins.append(twin)
            origin.append(index)
            kind.append(number)
    places = np.array(origin, dtype=np.intp)
    more = replace(plan, threats=(*plan.threats, *twins), ramp_kind=plan.ramp_kind[places])
    return Twins(more, places, np.array(kind, dtype=np.intp))
