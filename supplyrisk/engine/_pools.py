"""From a plan to sums of losses: pools of hazards whose events are independent, given one rate.

A pool is a compound Poisson sum, or with a shape k one whose rate has a gamma factor. All hazards
of a pool add up to a single measure of event losses: the smooth and kinked laws with their scales,
known losses, and events that hit several sites for independent lengths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.engine._event_laws import Part, parts
from supplyrisk.engine._piecewise import Piecewise, interpolate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine._event_laws import EventLaw
    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.model.hazard import Hazard

    Floats = NDArray[np.float64]

Factor = tuple[str, str] | None

_STENCIL: Final = 8
"""Places of the lattice that share a scale."""
_STRIDE: Final = 0.1
"""Stride of the lattice of scales, as a part of the scale on which a law bends. [1]"""
_FEW: Final = 64
"""Scales of one law that are not worth a lattice."""
_MOST_SUMS: Final = 4_096
"""Sums of hit production that are told apart."""
_MOST_KINKED: Final = 512
"""Scales of a law with kinks that are told apart."""
_LEAST: Final = 1e-14
"""Lower end of the tables of limited means, as a share of the upper. [1]"""


class Source(NamedTuple):
    """Events of one law: its scales, and the rate of each.

    Attributes
    ----------
    law
        The law; none for known losses.
    scale
        Loss that is the law's unit, shape (n,). [t]
    rate
        Events a year, shape (n,). [1/a]
    """

    law: EventLaw | None
    scale: Floats
    rate: Floats


class Joint(NamedTuple):
    """Events that hit several sites, each for a length of its own.

    Attributes
    ----------
    name
        Id of the hazard.
    rate
        Events a year. [1/a]
    hit
        Probability that an event hits a site. [1]
    sites
        For each site, the loss of an event that hits it, as a pool of rate 1.
    """

    name: str
    rate: float
    hit: float
    sites: tuple[Pool, ...]

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and mean square of an event's loss [t, t2]."""
        means = np.array([site.mean for site in self.sites])
        own = sum(site.variance for site in self.sites)  # of one event: its mean square
        pairs = float(means.sum()) ** 2 - float((means**2).sum())
        return self.hit * float(means.sum()), self.hit * own + self.hit**2 * pairs


@dataclass(eq=False)
class Pool:
    """Hazards whose events are independent, given the gamma factor of their rate.

    Attributes
    ----------
    shape
        Shape of the gamma factor; none if the rates are certain. [1]
    sources
        Events by law.
    joints
        Events at several sites with independent lengths.
    factor
        Key of the gamma factor.
    table
        Limited mean of all sources with a law, times their rates, once it is asked for.
    """

    shape: float | None
    sources: list[Source] = field(default_factory=list)
    joints: list[Joint] = field(default_factory=list)
    factor: Factor = None
    table: Piecewise | None = None

    @property
    def known(self) -> Source:
        """Known losses."""
        chosen = [source for source in self.sources if source.law is None]
        return _merged(None, chosen)

    @property
    def rate(self) -> float:
        """Events a year that lose something [1/a]."""
        joint = sum(j.rate * (1.0 - (1.0 - j.hit) ** len(j.sites)) for j in self.joints)
        return sum(float(source.rate.sum()) for source in self.sources) + joint

    @property
    def mean(self) -> float:
        """Mean loss [t/a]."""
        own = sum(float(s.rate @ s.scale) * _mean(s.law) for s in self.sources)
        return own + sum(joint.rate * joint.moments[0] for joint in self.joints)

    @property
    def variance(self) -> float:
        """Variance of the loss [t2/a2]."""
        own = sum(float(s.rate @ s.scale**2) * _square(s.law) for s in self.sources)
        own += sum(joint.rate * joint.moments[1] for joint in self.joints)
        return own + (0.0 if self.shape is None else self.mean**2 / self.shape)

    @property
    def atoms(self) -> Floats:
        """Event losses that have a probability of their own, ascending [t]."""
        found = [s.scale * (1.0 if s.law is None else s.law.atom) for s in self.sources]
        found += [site.atoms for joint in self.joints for site in joint.sites]
        every = np.unique(np.concatenate([np.empty(0), *found]))
        return every[every > 0.0]

    @property
    def is_lattice(self) -> bool:
        """Whether every event's loss is one of finitely many."""
        own = all(source.law is None for source in self.sources)
        return own and all(site.is_lattice for joint in self.joints for site in joint.sites)

    def tabulate(self, longest: float) -> None:
        """Tabulate the limited means up to a loss [t]."""
        laws = [thinned(source) for source in self.sources if source.law is not None]
        if laws:
            self.table = table_of(laws, longest)
        for joint in self.joints:
            for site in joint.sites:
                site.tabulate(longest)

    def limited_mean(self, x: Floats) -> Floats:
        """Return the sum of ``rate E[min(X, x)]`` over sources with a law, at ascending x >= 0."""
        return np.zeros(len(x)) if self.table is None else _from_table(self.table, x)

    def cut_moments(self, cut: float) -> tuple[float, float]:
        """Mean and variance when every event's loss is cut, given a gamma factor of 1 [t, t2]."""
        known = self.known
        least = np.minimum(known.scale, cut)
        mean, square = float(known.rate @ least), float(known.rate @ least**2)
        if self.table is not None:
            low = self.table.edges[0]
            at, first = float(self.table(np.array([cut]))[0]), float(self.table(np.array([low]))[0])
            # E[min(X, c)^2] is twice the integral of x P(X > x).
            area = self.table.integral(cut) + 0.5 * low * first
            mean, square = mean + at, square + 2.0 * (cut * at - area)
        for joint in self.joints:
            parts_of = [site.cut_moments(cut) for site in joint.sites]
            means = np.array([part[0] for part in parts_of])
            pairs = float(means.sum()) ** 2 - float((means**2).sum())
            own = sum(part[1] for part in parts_of)
            mean += joint.rate * joint.hit * float(means.sum())
            square += joint.rate * (joint.hit * own + joint.hit**2 * pairs)
        return mean, square

    def survival(self, x: float) -> float:
        """Return the rate of events of the sources that lose more than x [1/a]."""
        total = 0.0
        for law, scale, rate in self.sources:
            alive = scale > x if law is None else law.survival(x / scale)
            total += float(rate @ alive)
        return total


def table_of(sources: list[Source], longest: float) -> Piecewise:
    """Tabulate the sum of ``rate E[min(X, x)]`` over sources with a law, up to a loss."""
    low = _LEAST * longest
    usable = [_with_table(source, low, longest) for source in sources]

    def total(x: Floats) -> Floats:
        out = np.zeros_like(x)
        for (law, scale, rate), days in usable:
            for s, r in zip(scale.tolist(), rate.tolist(), strict=True):
                out += (
                    r * s * (law.limited_mean(x / s) if days is None else days.scattered(x / s))  # type: ignore[union-attr]
                )
        return out

    kinks = [np.outer(s.scale, s.law.kinks).ravel() for s in sources if s.law is not None]
    return interpolate(total, low, longest, np.unique(np.concatenate(kinks)))


def _with_table(source: Source, low: float, high: float) -> tuple[Source, Piecewise | None]:
    """Tabulate a law that is costly, if it serves several scales."""
    law, scale, _ = source
    if law is None or law.spread == 0.0 or len(scale) < 2:
        return source, None
    ends = 0.99 * low / float(scale.max()), 1.01 * high / float(scale.min())
    return source, interpolate(law.limited_mean, *ends, np.array(law.kinks))


def _from_table(table: Piecewise, x: Floats) -> Floats:
    low = table.edges[0]
    out = table(np.maximum(x, low))
    # Below the table no loss ends: the limited mean is proportional to the limit.
    return np.where(x < low, out * (x / low), out)


def thinned(source: Source) -> Source:
    """Put the scales of a law on a lattice of their logarithms, if they are many.

    A function that is smooth in the logarithm of the scale is then summed as its interpolant of
    degree 7, which is exact to ten digits and more at a tenth of the width on which it bends.
    """
    law, scale, rate = source
    if law is None or len(scale) <= _FEW:
        return source
    if law.smoothness > 0.0:
        return Source(law, *on_lattice(scale, rate, min(_STRIDE * law.smoothness, _STRIDE)))
    if len(scale) <= _MOST_KINKED:
        return source
    stride = math.log(float(scale.max() / scale.min())) / (_MOST_KINKED - _STENCIL)
    return Source(law, *on_lattice(scale, rate, stride, stencil=4))


def on_lattice(
    scale: Floats, weight: Floats, stride: float, *, stencil: int = _STENCIL
) -> tuple[Floats, Floats]:
    """Move weights from scattered scales to a lattice, evenly spaced in their logarithms.

    Parameters
    ----------
    scale : ndarray, shape (n,)
        Positive scales.
    weight : ndarray, shape (n,)
        Their weights.
    stride : float
        Spacing of the lattice, in logarithms. [1]
    stencil : int, default 8
        Places that share a weight: Lagrange's polynomials of one degree less.

    Returns
    -------
    scale, weight : ndarray
        The lattice, and weights of either sign; the scales as given if they are fewer.
    """
    place = np.log(scale) / stride
    first = np.floor(place).astype(np.int64) - stencil // 2 + 1
    size = int(first.max() - first.min()) + stencil
    if size >= len(scale):
        return scale, weight
    t = place - first
    shares = np.ones((stencil, len(scale)))
    for k in range(stencil):
        for other in range(stencil):
            if other != k:
                shares[k] *= (t - other) / (k - other)
    index = (first - first.min()) + np.arange(stencil)[:, np.newaxis]
    total = np.bincount(index.ravel(), (shares * weight).ravel(), minlength=size)
    lattice = np.exp((first.min() + np.arange(size)) * stride)
    used = total != 0.0
    return lattice[used], total[used]


def hit_sums(daily: Floats, hit: float) -> tuple[Floats, Floats]:
    """Return the positive values of the production that an event hits, and their probabilities.

    Parameters
    ----------
    daily : ndarray, shape (n_sites,)
        Production of each site. [t/d]
    hit : float
        Probability that an event hits a site, each by itself. [1]

    Returns
    -------
    total, probability : ndarray, shape (n_sums,)
        All sums while they are few; on a lattice of their logarithms once they exceed 4,096,
        with weights of either sign. [t/d, 1]
    """
    if hit == 1.0:
        return np.array([daily.sum()]), np.ones(1)
    total, weight, none = np.empty(0), np.empty(0), 1.0
    for production in np.sort(daily)[::-1]:
        total = np.concatenate([total, total + production, [production]])
        weight = np.concatenate([weight * (1.0 - hit), weight * hit, [none * hit]])
        none *= 1.0 - hit
        order = np.argsort(total)
        total, weight = total[order], weight[order]
        # Sums that differ by rounding alone are one.
        first = np.flatnonzero(np.diff(total, prepend=-1.0) > 1e-12 * total)
        total, weight = total[first], np.add.reduceat(weight, first)
        if len(total) > _MOST_SUMS:
            total, weight = on_lattice(total, weight, 0.02)
    return total, weight


def _merged(law: EventLaw | None, sources: list[Source]) -> Source:
    if not sources:
        return Source(law, np.empty(0), np.empty(0))
    scale = np.concatenate([source.scale for source in sources])
    rate = np.concatenate([source.rate for source in sources])
    scale, place = np.unique(scale, return_inverse=True)
    return Source(law, scale, np.bincount(place, rate, minlength=len(scale)).astype(float))


def _mean(law: EventLaw | None) -> float:
    return 1.0 if law is None else law.mean


def _square(law: EventLaw | None) -> float:
    return 1.0 if law is None else law.mean_square


def make_pool(factor: Factor, members: list[tuple[Plan, Threat, Hazard]]) -> Pool:
    """Put the hazards that share a gamma factor, or have none, into one pool.

    Parameters
    ----------
    factor : tuple of str or None
        Key of the gamma factor; none for rates that are certain.
    members : list of tuple
        Plan, threat and hazard.

    Returns
    -------
    Pool
        Their events.
    """
    pool = Pool(None if factor is None else members[0][2].rate_shape, factor=factor)
    by_law: dict[EventLaw | None, list[Source]] = {}
    for plan, threat, hazard in members:
        for source in _sources(plan, threat, hazard, pool.joints):
            by_law.setdefault(source.law, []).append(source)
    pool.sources = [_merged(law, sources) for law, sources in by_law.items()]
    return pool


def _one_site(laws: tuple[Part, ...], daily: float) -> Pool:
    by_law: dict[EventLaw | None, list[Source]] = {}
    for part in laws:
        source = Source(part.law, np.array([part.scale * daily]), np.array([part.weight]))
        by_law.setdefault(part.law, []).append(source)
    return Pool(None, [_merged(law, sources) for law, sources in by_law.items()])


def _sources(plan: Plan, threat: Threat, hazard: Hazard, joints: list[Joint]) -> list[Source]:
    daily = plan.production_t_per_day[threat.sites]
    daily = daily[daily > 0.0]
    hit = hazard.hit_probability
    if not len(daily) or hit == 0.0 or threat.rate_pa == 0.0:
        return []
    laws = tuple(parts(hazard.duration, hazard.ramp_up))
    severities = [(w, m) for w, m in threat.severities if m > 0.0]
    if len(daily) > 1 and not hazard.shared_duration:
        for weight, severity in severities:
            sites = tuple(_one_site(laws, severity * production) for production in daily.tolist())
            joints.append(Joint(threat.name, threat.rate_pa * weight, hit, sites))
        return []
    total, chance = hit_sums(daily, hit)
    return [
        Source(
            part.law,
            severity * part.scale * total,
            threat.rate_pa * weight * part.weight * chance,
        )
        for part in laws
        for weight, severity in severities
    ]
