"""What may strike within a year: the threats of a plan, in the terms of the occurrence basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.hazard import ramps
from supplyrisk.model.duration import Duration, Fixed
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan, Threat

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """A threat whose events may fall into the year.

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
    area
        Integral of the ramp-up's shape; 0 without a ramp-up. [1]
    rate_key
        Name of the stream of the gamma factor; none for a rate that is certain, or a dated event.
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
    area: float
    rate_key: tuple[str, str, str] | None

    @property
    def is_local(self) -> bool:
        """Whether each event hits the one site there is."""
        return len(self.sites) == 1 and self.hit == 1.0

    @property
    def has_spread(self) -> bool:
        """Whether the length of the ramp-up is drawn."""
        return self.area > 0.0 and self.threat.ramp_up.ramp_sigma > 0.0

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


def causes_of(plan: Plan) -> tuple[Cause, ...]:
    """Return the threats that may strike within the year, in the plan's order."""
    return tuple(
        _cause(index, threat)
        for index, threat in enumerate(plan.threats)
        if len(threat.sites)
        and (threat.rate_pa > 0.0 if threat.event is None else threat.start_days < DAYS_PER_YEAR)
    )


def _cause(index: int, threat: Threat) -> Cause:
    hazard, ramp = threat.hazard, threat.ramp_up
    key = ("event" if hazard is None else "hazard", threat.name)
    rate_key = None
    if hazard is not None and hazard.rate_shape is not None:
        group = ("group", hazard.rate_group) if hazard.rate_group else key
        rate_key = (*group, "rate")
    # An event of this year that has ended did so on the day it started, the case's own.
    duration = threat.duration or Fixed(days=0.0)
    weight, severity = np.array(threat.severities).T
    none = ramp.ramp_days == 0.0 or ramp.max_share_of_outage == 0.0
    return Cause(
        index=index,
        threat=threat,
        key=key,
        sites=threat.sites,
        hit=1.0 if hazard is None else hazard.hit_probability,
        shared=hazard is None or hazard.shared_duration or hazard.scope.kind == "site",
        severities=severity,
        weights_upto=np.cumsum(weight)[:-1],
        duration=duration,
        area=0.0 if none else float(ramps.lost_until(ramp, np.ones(1))[0]),
        rate_key=rate_key,
    )
