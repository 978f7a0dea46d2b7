"""The only door from a case to arrays."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from supplyrisk.model.case import Case
    from supplyrisk.model.duration import Duration
    from supplyrisk.model.hazard import DisruptionEvent, Hazard, RampUp, Scope
    from supplyrisk.model.site import MineSite


Basis = Literal["calendar", "occurrence"]

MOST_DAYS: Final = 36_500
"""Longest horizon that is simulated. [d]"""
LAST_YEAR: Final = 2100
"""Last year in which a future may start."""
MOST_TONNES: Final = 1e12
"""Largest capacity that is simulated. [t/a]"""
MOST_VOLATILITY: Final = 10.0
"""Largest volatility that is simulated. [1/sqrt(a)]"""
MOST_EVENTS: Final = 1_000
"""Events that a future may hold on average. [1]"""
_NOWHERE: Final = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Threat:
    """A hazard or a dated event, in the engine's terms.

    Attributes
    ----------
    kind
        ``"hazard"`` or ``"event"``.
    name
        Id of the hazard or event.
    peril
        Cause class.
    sites
        Indices of the sites in scope, in the plan's order.
    severities
        Pairs of weight and share of a site's planned production lost while the outage lasts; each
        event takes one, the smallest first. [1]
    duration
        Length of the outage; none for an event that is over.
    ramp_up
        Return of production.
    rate_pa
        Events a year, all units of a site together; 0 for a dated event. [1/a]
    hazard
        The hazard, if it is one.
    event
        The dated event, if it is one.
    start_days
        Start of a dated event against the start of the case. [d]
    announced_days
        Day on which a dated event became known, against the start of the case. [d]
    beyond_days
        Length that every outage of a hazard exceeds; above 0 only where large events alone are
        drawn. [d]
    """

    kind: str
    name: str
    peril: str
    sites: NDArray[np.intp]
    severities: tuple[tuple[float, float], ...]
    duration: Duration | None
    ramp_up: RampUp
    rate_pa: float = 0.0
    hazard: Hazard | None = None
    event: DisruptionEvent | None = None
    start_days: float = 0.0
    announced_days: float = 0.0
    beyond_days: float = 0.0

    @property
    def severity(self) -> float:
        """Mean share of a site's planned production lost while the outage lasts [1]."""
        return sum(weight * severity for weight, severity in self.severities)


@dataclass(frozen=True, slots=True)
class Plan:
    """A case as arrays: what the undisturbed world would produce, and what threatens it.

    Attributes
    ----------
    case
        The case.
    sites
        Sites of the case's commodity, by id.
    production_t_per_day
        Planned production, shape (n_sites,). [t/d]
    edges_days
        Edges of the steps against the start, shape (n_steps + 1,). [d]
    threats
        Dated events, then hazards, each by id.
    ramp_shapes
        Ramp-ups of different shapes; their lengths are of no meaning here.
    ramp_kind
        Which of them each threat has, shape (n_threats,).
    """

    case: Case
    sites: tuple[MineSite, ...]
    production_t_per_day: NDArray[np.float64]
    edges_days: NDArray[np.float64]
    threats: tuple[Threat, ...]
    ramp_shapes: tuple[RampUp, ...]
    ramp_kind: NDArray[np.intp]

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.edges_days) - 1

    @property
    def horizon_days(self) -> float:
        """Length of the futures [d]."""
        return float(self.edges_days[-1])

    @property
    def planned_t(self) -> float:
        """Planned production over the horizon, all sites [t]."""
        return float(self.production_t_per_day.sum() * self.horizon_days)

    def in_scope(self, scope: Scope) -> NDArray[np.intp]:
        """Return the indices of the sites that a scope holds."""
        return sites_in(scope, self.sites)


def sites_in(
    scope: Scope, sites: tuple[MineSite, ...], place: Mapping[str, int] | None = None
) -> NDArray[np.intp]:
    """Return the indices of the sites that a scope holds; `place` is the index of each site."""
    if scope.kind == "country":
        return np.flatnonzero([site.country == scope.name for site in sites])
    if scope.kind in {"route", "smelter", "market"}:
        return _NOWHERE
    if place is None:
        place = {site.site_id: number for number, site in enumerate(sites)}
    wanted = {place[name] for name in scope.site_ids or (scope.name,) if name in place}
    return np.array(sorted(wanted), dtype=np.intp)


def make_plan(case: Case, basis: Basis = "calendar") -> Plan:
    """Return a case as arrays.

    Parameters
    ----------
    case : Case
        A case with at least one site.
    basis : {"calendar", "occurrence"}
        How losses are counted: only the occurrence basis knows annual caps.

    Returns
    -------
    Plan
        Its arrays; sites and threats are sorted by id, so that their order in the case is of no
        consequence.

    Raises
    ------
    ValueError
        If the case has no site to simulate.
    """
    held = [site for site in case.sites if site.commodity == case.commodity]
    if not held:
        fault = Fault("sites", "must hold at least one site to simulate", case.sites)
        raise InvalidInputError(case.name, [fault])
    faults = [*_too_large(case)]
    if basis == "calendar":
        faults += _not_on_the_calendar(held)
    if faults:
        raise InvalidInputError(case.name, faults)
    sites = tuple(sorted(held, key=lambda site: site.site_id))
    place = {site.site_id: number for number, site in enumerate(sites)}
    events = sorted(case.events, key=lambda event: event.event_id)
    hazards = sorted(case.hazards, key=lambda hazard: hazard.hazard_id)
    edges = np.arange(0, case.horizon_days, case.step_days, dtype=float)
    threats = (
        *(_from_event(event, case, sites) for event in events),
        *(_from_hazard(hazard, sites, place) for hazard in hazards),
    )
    shapes = [(threat.ramp_up.shape, threat.ramp_up.levels) for threat in threats]
    first = {shape: number for number, shape in reversed(list(enumerate(shapes)))}
    kinds = {shape: kind for kind, shape in enumerate(first)}
    return Plan(
        case=case,
        sites=sites,
        production_t_per_day=np.array([site.production_tpa for site in sites]) / DAYS_PER_YEAR,
        edges_days=np.append(edges, float(case.horizon_days)),
        threats=threats,
        ramp_shapes=tuple(threats[number].ramp_up for number in first.values()),
        ramp_kind=np.array([kinds[shape] for shape in shapes], dtype=np.intp),
    )


def _too_large(case: Case) -> Iterator[Fault]:
    """Yield what no real case holds and no machine could bear: a slip of units, most likely."""
    yield from check.number("horizon_days", case.horizon_days, most=MOST_DAYS)
    if case.start.year > LAST_YEAR:
        yield Fault("start", f"must not be after the year {LAST_YEAR}", str(case.start))
    for site in case.sites:
        path = f"sites.{site.site_id}.capacity_tpa"
        yield from check.number(path, site.capacity_tpa, most=MOST_TONNES)
    for market in case.markets:
        path = f"markets.{market.commodity}.volatility_pa"
        yield from check.number(path, market.volatility_pa, most=MOST_VOLATILITY)
    units = {site.site_id: site.n_units for site in case.sites}
    rates = (
        hazard.rate_pa * (units[hazard.scope.name] if hazard.scope.kind == "site" else 1)
        for hazard in case.hazards
    )
    expected = sum(rates) * case.horizon_days / DAYS_PER_YEAR
    if expected > MOST_EVENTS:
        rule = f"must bring at most {MOST_EVENTS:,} events to a future, all units together"
        yield Fault("hazards", rule, expected)


def _not_on_the_calendar(sites: list[MineSite]) -> Iterator[Fault]:
    for site in sites:
        if site.annual_cap_days is not None:
            path = f"sites.{site.site_id}.annual_cap_days"
            yield Fault(path, "must be left out on the calendar basis", site.annual_cap_days)


def _from_hazard(hazard: Hazard, sites: tuple[MineSite, ...], place: Mapping[str, int]) -> Threat:
    hit = sites_in(hazard.scope, sites, place) if hazard.effect == "output" else _NOWHERE
    # A country's remainder is many mines: they are struck one by one, each for its part.
    alone = hazard.scope.kind == "site" and len(hit) == 1
    n_units = sites[hit[0]].n_units if alone else 1
    return Threat(
        kind="hazard",
        name=hazard.hazard_id,
        peril=str(hazard.peril),
        sites=hit,
        severities=tuple((w, m / n_units) for w, m in sorted(hazard.severities, key=itemgetter(1))),
        duration=hazard.duration,
        ramp_up=hazard.ramp_up,
        rate_pa=hazard.rate_pa * n_units if len(hit) else 0.0,
        hazard=hazard,
    )


def _from_event(event: DisruptionEvent, case: Case, sites: tuple[MineSite, ...]) -> Threat:
    known = event.announced or event.started
    return Threat(
        kind="event",
        name=event.event_id,
        peril=str(event.peril),
        sites=sites_in(event.scope, sites) if event.effect == "output" else _NOWHERE,
        severities=((1.0, event.severity),),
        duration=event.duration,
        ramp_up=event.ramp_up,
        event=event,
        start_days=float((event.started - case.start).days),
        announced_days=float((known - case.start).days),
    )
