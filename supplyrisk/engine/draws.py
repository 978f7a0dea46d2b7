"""Drawing the events of a block of scenarios: sparse, a row per event and site hit."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.hazard import durations, ramps
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.engine.streams import Streams
    from supplyrisk.model.duration import Duration
    from supplyrisk.model.hazard import DisruptionEvent, Hazard, RampUp

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Stream = Callable[..., np.random.Generator]


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a block of scenarios, a row per event and site; every field of shape (n_rows,).

    Attributes
    ----------
    scenario
        Scenario within the block.
    threat
        Index of the threat in the plan.
    number
        Number of the event among those of its threat in this block; rows that share it are one
        event at several sites.
    site
        Index of the site in the plan.
    start
        Start of the outage against the start of the case. [d]
    outage
        Whole length of the outage; infinite if production never returns. [d]
    ramp
        Length of the ramp-up. [d]
    severity
        Share of planned production lost while the outage lasts. [1]
    """

    scenario: Ints
    threat: Ints
    number: Ints
    site: Ints
    start: Floats
    outage: Floats
    ramp: Floats
    severity: Floats

    def __len__(self) -> int:
        return len(self.scenario)

    @property
    def restart(self) -> Floats:
        """End of the outage against the start of the case [d]."""
        return self.start + self.outage

    @property
    def over(self) -> Floats:
        """End of the ramp-up against the start of the case [d]."""
        return self.start + self.outage + self.ramp

    def rows(self, chosen: NDArray[np.bool_] | Ints) -> Events:
        """Return some of the rows."""
        return Events(*(getattr(self, field.name)[chosen] for field in fields(self)))


def draw_events(plan: Plan, streams: Streams, n_scenarios: int) -> Events:
    """Draw the events of a block.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    streams : Streams
        Random numbers of the block.
    n_scenarios : int
        Scenarios in the block.

    Returns
    -------
    Events
        Sorted by scenario, site and start: the order in which losses are attributed.
    """
    tables = []
    for index, threat in enumerate(plan.threats):
        if not len(threat.sites):  # its sites hold another commodity
            continue
        if threat.event is not None:
            rows = _known(threat, threat.event, index, streams, n_scenarios)
        elif threat.hazard is not None:
            rows = _random(plan, threat, threat.hazard, index, streams, n_scenarios)
        else:
            continue
        tables.append(rows)
    if not tables:
        none, nothing = np.empty(0, dtype=np.intp), np.empty(0)
        return Events(none, none, none, none, nothing, nothing, nothing, nothing)
    columns = [np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(Events)]
    events = Events(*columns)
    events = events.rows(events.start < plan.horizon_days)
    # Ties in start keep the order of the threats, which is by id.
    return events.rows(np.lexsort((events.start, events.site, events.scenario)))


def _known(
    threat: Threat, event: DisruptionEvent, index: int, streams: Streams, n_scenarios: int
) -> Events:
    """One row per scenario and site of a dated event."""
    scenario = np.arange(n_scenarios)
    if event.probability < 1.0:
        happens = streams.stream("event", event.event_id, "happens").random(n_scenarios)
        scenario = scenario[happens < event.probability]
    stream = partial(streams.stream, "event", event.event_id)
    if event.ended is not None or event.duration is None:
        whole = np.full(n_scenarios, float(((event.ended or event.started) - event.started).days))
    else:
        elapsed = max(-threat.start_days, 0.0)
        whole = _durations(event.duration, stream, n_scenarios, elapsed_days=elapsed)
    outage, ramp = _outages(event.ramp_up, whole, stream)
    scenario, site = _crossed(scenario, threat.sites)
    return Events(
        scenario=scenario,
        threat=np.full(scenario.shape, index),
        number=scenario,
        site=site,
        start=np.full(scenario.shape, threat.start_days),
        outage=outage[scenario],
        ramp=ramp[scenario],
        severity=np.full(scenario.shape, threat.severity),
    )


def _random(
    plan: Plan, threat: Threat, hazard: Hazard, index: int, streams: Streams, n_scenarios: int
) -> Events:
    """The events of a hazard, each at the sites that it hits."""
    rate = np.full(n_scenarios, threat.rate_pa / DAYS_PER_YEAR)
    if hazard.rate_shape is not None:
        key = ("group", hazard.rate_group) if hazard.rate_group else ("hazard", hazard.hazard_id)
        gamma = streams.stream(*key, "rate").standard_gamma(hazard.rate_shape, n_scenarios)
        rate = rate * gamma / hazard.rate_shape
    stream = partial(streams.stream, "hazard", hazard.hazard_id)
    scenario, start = poisson_times(stream("times"), rate, plan.horizon_days)
    severity = _severities(threat, stream, len(scenario))

    def outages(*key: str) -> tuple[Floats, Floats]:
        whole = _durations(hazard.duration, stream, len(scenario), *key)
        return _outages(hazard.ramp_up, whole, stream, *key)

    shared = outages() if hazard.shared_duration or hazard.scope.kind == "site" else None
    number = np.arange(len(scenario))
    tables = []
    for site in threat.sites:
        name = plan.sites[site].site_id
        outage, ramp = outages(name) if shared is None else shared
        hit = number
        if hazard.hit_probability < 1.0:
            hit = number[stream("hit", name).random(len(number)) < hazard.hit_probability]
        rows = Events(
            scenario=scenario[hit],
            threat=np.full(hit.shape, index),
            number=hit,
            site=np.full(hit.shape, site),
            start=start[hit],
            outage=outage[hit],
            ramp=ramp[hit],
            severity=severity[hit],
        )
        tables.append(rows)
    columns = [np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(Events)]
    return Events(*columns)


def _severities(threat: Threat, stream: Stream, n: int) -> Floats:
    """Draw the severity of each event; a larger number takes a more severe part."""
    weight, severity = np.array(threat.severities).T
    if len(severity) == 1:
        return np.full(n, severity[0])
    uniforms = stream("severity").random(n)
    return np.take(severity, np.searchsorted(np.cumsum(weight)[:-1], uniforms, side="right"))


def _durations(
    duration: Duration, stream: Stream, n: int, *key: str, elapsed_days: float = 0.0
) -> Floats:
    uniforms = stream("duration", *key).random((n, durations.n_uniforms(duration)))
    return durations.draw(duration, uniforms, elapsed_days=elapsed_days)


def _outages(ramp_up: RampUp, whole: Floats, stream: Stream, *key: str) -> tuple[Floats, Floats]:
    """Return outage and ramp-up for whole lengths; only a spread of the ramp-up is drawn."""
    if ramp_up.shape == "never":
        return np.full(whole.shape, np.inf), np.zeros(whole.shape)
    if ramp_up.ramp_sigma == 0.0:
        return whole, ramps.ramp_days(ramp_up, whole)
    normal = stream("ramps", *key).standard_normal(len(whole))
    return whole, ramps.ramp_days(ramp_up, whole, normal)


def poisson_times(
    rng: np.random.Generator, rate_per_day: Floats, horizon_days: float
) -> tuple[Ints, Floats]:
    """Draw the times of a Poisson process in every scenario.

    Parameters
    ----------
    rng : numpy.random.Generator
        The stream of these times.
    rate_per_day : ndarray, shape (n_scenarios,)
        Rate in each scenario. [1/d]
    horizon_days : float
        Length of each scenario. [d]

    Returns
    -------
    scenario : ndarray, shape (n_events,)
        Scenario of each event, ascending.
    time : ndarray, shape (n_events,)
        Time of each event, ascending within a scenario. [d]

    Notes
    -----
    One process of unit rate runs along all scenarios laid end to end, each as long as its expected
    number of events: an exponential gap per event and no draw for a scenario without one.
    """
    ends = np.cumsum(rate_per_day * horizon_days)
    total = ends[-1] if len(ends) else 0.0
    gaps = np.empty(0)
    clock = gaps
    while clock.size == 0 or clock[-1] < total:
        more = int(total - (clock[-1] if clock.size else 0.0)) + 16
        gaps = np.concatenate([gaps, rng.standard_exponential(more + 4 * int(np.sqrt(more)))])
        clock = np.cumsum(gaps)
    clock = clock[clock < total]
    scenario = np.searchsorted(ends, clock, side="right")
    begins = ends - rate_per_day * horizon_days
    time = (clock - begins[scenario]) / rate_per_day[scenario]
    return scenario, np.clip(time, 0.0, horizon_days)


def _crossed(scenario: Ints, sites: Ints) -> tuple[Ints, Ints]:
    return np.repeat(scenario, len(sites)), np.tile(sites, len(scenario))
