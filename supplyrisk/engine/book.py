"""What every block of futures is drawn from: the causes of a plan, and words of their streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine.contributions import GROUPS, Labels, labels
from supplyrisk.engine.streams import StreamTable
from supplyrisk.hazard import ramps
from supplyrisk.model.duration import Duration, Fixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """A threat whose events may fall into the horizon, as it is drawn.

    Attributes
    ----------
    index
        Place of the threat in the plan.
    threat
        The threat.
    key
        First part of the names of its streams.
    sites
        Indices of the sites in scope.
    hit
        Probability that an event hits a site. [1]
    shared
        Whether the sites hit by one event share its lengths.
    severities
        Severities, ascending, shape (n,). [1]
    weights_upto
        Running sum of their weights without the last, shape (n - 1,). [1]
    duration
        Length of the outage. [d]
    elapsed_days
        Days that every outage is known to last: those before the start of the case, or those that
        make an event a large one. [d]
    area
        Integral of the ramp-up's shape; 0 without a ramp-up. [1]
    rate_key
        Name of the stream of the gamma factor; none for a rate that is certain, or a dated event.
    is_local
        Whether each event hits the one site there is.
    has_spread
        Whether the length of the ramp-up is drawn.
    """

    index: int
    threat: Threat
    key: tuple[str, str]
    sites: Ints
    hit: float
    shared: bool
    severities: Floats
    weights_upto: Floats
    duration: Duration
    elapsed_days: float
    area: float
    rate_key: tuple[str, str, str] | None
    is_local: bool
    has_spread: bool

    @property
    def is_random(self) -> bool:
        """Whether it strikes by a rate; else on a known day."""
        return self.threat.event is None

    @property
    def ramp_up(self) -> RampUp | None:
        """Return of production, where it has a length."""
        return self.threat.ramp_up if self.area > 0.0 else None

    def names(self, plan: Plan) -> Iterator[tuple[str, ...]]:
        """Yield the names of all its streams."""
        if self.rate_key is not None:
            yield self.rate_key
        yield from ((*self.key, "arrivals"), (*self.key, "start"))
        if len(self.severities) > 1:
            yield (*self.key, "severity")
        lengths = ("duration", "ramps") if self.has_spread else ("duration",)
        if self.shared:
            yield from ((*self.key, what) for what in lengths)
        names = [plan.sites[site].site_id for site in self.sites.tolist()]
        if not self.shared:
            yield from ((*self.key, what, name) for what in lengths for name in names)
        if self.hit < 1.0:
            yield from ((*self.key, "hit", name) for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """A plan and a seed, prepared to draw blocks of futures; made by `open_book`.

    Attributes
    ----------
    plan
        The case as arrays.
    seed
        Seed of the simulation.
    causes
        Threats that may strike within the horizon, in the plan's order.
    local
        For each site, the causes that hit it alone.
    wide
        For each site, the causes that hit others as well.
    cap_t
        Most that each site may lose in a year, shape (n_sites,); infinite without a cap. [t]
    streams
        Words of all streams.
    arrivals
        Places in them of the causes' arrivals, shape (n_causes,).
    labels
        Names of the parts of a loss, by each of `contributions.GROUPS`.
    """

    plan: Plan
    seed: int
    causes: tuple[Cause, ...]
    local: tuple[tuple[Cause, ...], ...]
    wide: tuple[tuple[Cause, ...], ...]
    cap_t: Floats
    streams: StreamTable
    arrivals: Ints
    labels: dict[str, Labels]


def open_book(plan: Plan, seed: int) -> Book:
    """Prepare a plan.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    seed : int
        Seed of the simulation, at least 0.

    Returns
    -------
    Book
        What every block is drawn from.
    """
    causes = tuple(
        _cause(index, threat)
        for index, threat in enumerate(plan.threats)
        if len(threat.sites)  # none where its sites hold another commodity
        and (
            threat.rate_pa > 0.0 if threat.event is None else threat.start_days < plan.horizon_days
        )
    )
    local: list[list[Cause]] = [[] for _ in plan.sites]
    wide: list[list[Cause]] = [[] for _ in plan.sites]
    for cause in causes:
        for site in cause.sites.tolist():
            (local if cause.is_local else wide)[site].append(cause)
    daily = plan.production_t_per_day.tolist()
    caps = [
        np.inf if site.annual_cap_days is None else site.annual_cap_days * production
        for site, production in zip(plan.sites, daily, strict=True)
    ]
    streams = StreamTable(seed, (name for cause in causes for name in cause.names(plan)))
    return Book(
        plan=plan,
        seed=seed,
        causes=causes,
        local=tuple(map(tuple, local)),
        wide=tuple(map(tuple, wide)),
        cap_t=np.array(caps),
        streams=streams,
        arrivals=streams.places((*cause.key, "arrivals") for cause in causes),
        labels={by: labels(plan, by) for by in GROUPS},
    )


def _cause(index: int, threat: Threat) -> Cause:
    hazard, event, ramp = threat.hazard, threat.event, threat.ramp_up
    key = ("event" if hazard is None else "hazard", threat.name)
    rate_key = None
    if hazard is not None and hazard.rate_shape is not None:
        group = ("group", hazard.rate_group) if hazard.rate_group else ("hazard", hazard.hazard_id)
        rate_key = (*group, "rate")
    duration, elapsed = threat.duration, threat.beyond_days
    if event is not None and (event.ended is not None or duration is None):
        duration = Fixed(days=float(((event.ended or event.started) - event.started).days))
    elif event is not None:
        elapsed = max(-threat.start_days, 0.0)
    weight, severity = np.array(threat.severities).T
    none = ramp.shape == "never" or ramp.ramp_days == 0.0 or ramp.max_share_of_outage == 0.0
    hit = 1.0 if hazard is None else hazard.hit_probability
    return Cause(
        index=index,
        threat=threat,
        key=key,
        sites=threat.sites,
        hit=hit,
        shared=hazard is None or hazard.shared_duration or hazard.scope.kind == "site",
        severities=severity,
        weights_upto=np.cumsum(weight)[:-1],
        duration=duration or Fixed(days=0.0),
        elapsed_days=elapsed,
        area=0.0 if none else float(ramps.lost_until(ramp, np.ones(1))[0]),
        rate_key=rate_key,
        is_local=len(threat.sites) == 1 and hit == 1.0,
        has_spread=not none and ramp.ramp_sigma > 0.0,
    )
