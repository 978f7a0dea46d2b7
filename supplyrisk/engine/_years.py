"""The events of a block of years: which year each falls in, and how long it lasts.

A cause draws all its events of a block at once: a Poisson total, and for each event a year, so that
they come in no order. A higher rate adds events and leaves the others as they were.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk.hazard import durations, ramps
from supplyrisk.model.duration import Duration, Exponential, Fixed, Lognormal, Weibull
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine._causes import Cause
    from supplyrisk.engine._seeds import BlockSeeds
    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

BLOCK_YEARS: Final = 20_000
"""Years that share a stream on the occurrence basis; part of what a seed means.

A round number, as people ask for 100,000 years: a block that is cut short costs as much as a whole
one.
"""
_FARTHEST: Final = 9.0
"""Normal score beyond which no uniform number lies. [1]"""
_PIECE: Final = 2**18
"""Events of a cause that are held at a time; an even number, as a word holds two years."""


class Struck(NamedTuple):
    """Events of one cause; every array of shape (n_events,).

    Attributes
    ----------
    number
        Those of the drawn events that are looked at; none where that is all of them.
    first
        Number of the first drawn event among those of its cause in the block.
    n_drawn
        Drawn events: what streams are to be advanced by.
    scenario
        Year of each event.
    """

    number: Ints | None
    first: int
    n_drawn: int
    scenario: Ints

    @property
    def numbers(self) -> Ints:
        """Number of each event among those of its cause in the block."""
        if self.number is None:
            return np.arange(self.first, self.first + self.n_drawn)
        return self.number + self.first

    def pick(self, values: Floats) -> Floats:
        """Return what was drawn for the events that are looked at."""
        return values if self.number is None else values[self.number]


class Lengths(NamedTuple):
    """How long events last.

    Attributes
    ----------
    outage
        Length of the outage, shape (n_events,). [d]
    ramp
        Length of the ramp-up, shape (n_events,); none without one. [d]
    """

    outage: Floats
    ramp: Floats | None


class Drawn:
    """The random numbers of a block of years.

    Parameters
    ----------
    causes : tuple of Cause
        All causes.
    seeds : BlockSeeds
        Streams of the block.
    places : ndarray, shape (n_causes,)
        Places of the arrivals in the table of seeds.
    chosen : ndarray of bool, shape (BLOCK_YEARS,), optional
        Years to look at; all of them when omitted.
    """

    def __init__(
        self,
        causes: tuple[Cause, ...],
        seeds: BlockSeeds,
        places: Ints,
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        self._seeds = seeds
        self._chosen = chosen
        users = Counter(cause.rate_key for cause in causes)
        self._factors = {
            cause.rate_key: self._factor(cause)
            for cause in {c.rate_key: c for c in causes}.values()
            if cause.rate_key is None or users[cause.rate_key] > 1
        }
        self._uniform = dict(zip(causes, seeds.uniforms(places), strict=True))
        # All counts in one sweep, but for those that wait for a factor of their own.
        ready = [cause for cause in causes if cause.rate_key in self._factors]
        uniforms = np.array([self._uniform[cause] for cause in ready])
        means = np.array([self._mean(c, self._factors[c.rate_key]) for c in ready])
        counts = poisson_quantile(uniforms, means).tolist()
        self._count: dict[Cause, int] = dict(zip(ready, counts, strict=True))

    def _factor(self, cause: Cause) -> Factor | None:
        """Draw the gamma factor of a cause's rate; none for a rate that is certain."""
        hazard, key = cause.threat.hazard, cause.rate_key
        if key is None or hazard is None or hazard.rate_shape is None:
            return None
        shape = hazard.rate_shape
        gamma = self._seeds.stream(*key).standard_gamma(shape, BLOCK_YEARS) / shape
        return Factor(np.cumsum(gamma))

    @staticmethod
    def _mean(cause: Cause, factor: Factor | None) -> float:
        """Expected events of a cause in the block, given its factor."""
        return cause.threat.rate_pa * (BLOCK_YEARS if factor is None else float(factor.ends[-1]))

    def _arrivals(self, cause: Cause) -> tuple[int, Factor | None]:
        """Return the number of events of a cause, and the factor of its rate."""
        if cause in self._count:
            return self._count[cause], self._factors[cause.rate_key]
        factor = self._factor(cause)  # its own, and not kept: there may be thousands
        uniform, mean = np.array([self._uniform[cause]]), np.array([self._mean(cause, factor)])
        return int(poisson_quantile(uniform, mean)[0]), factor

    def events(self, cause: Cause, *, whole: bool = False) -> Iterator[Struck]:
        """Yield the events of a cause, a piece at a time or all at once; or nothing if none."""
        if cause.threat.event is not None:
            yield self._dated(cause, cause.threat.event.probability)
            return
        stream = self._seeds.stream(*cause.key, "arrivals")
        count, factor = self._arrivals(cause)
        piece = count if whole else _PIECE
        for first in range(0, count, max(piece, 1)):
            n = min(piece, count - first)
            if factor is None:
                # Two years from each word of 64 bits, all equally likely to 5 in a million.
                halves = stream.bit_generator.random_raw(-(-n // 2)).view(np.uint32)[:n]
                scaled = halves.astype(np.uint64)
                scaled *= np.uint64(BLOCK_YEARS)
                scaled >>= np.uint64(32)
                scenario = scaled.view(np.int64).astype(np.intp, copy=False)
            else:
                scenario = factor.years(stream.random(n))
            number = None
            if self._chosen is not None:
                number = np.flatnonzero(self._chosen[scenario])
                scenario = scenario[number]
                if not len(number) and first + n == count:
                    return
            yield Struck(number, first, n, scenario)

    def _dated(self, cause: Cause, probability: float) -> Struck:
        happens = np.ones(BLOCK_YEARS, dtype=bool) if self._chosen is None else self._chosen
        if probability < 1.0:
            stream = self._seeds.stream(*cause.key, "arrivals")
            happens = happens & (stream.random(BLOCK_YEARS) < probability)
        scenario = np.flatnonzero(happens)
        return Struck(scenario, 0, BLOCK_YEARS, scenario)

    def starts(self, cause: Cause) -> Starts:
        """Return the days in the year on which events start."""
        return Starts(cause, self._seeds)

    def severities(self, cause: Cause) -> Severities:
        """Return the severities of events."""
        return Severities(cause, self._seeds)

    def lengths(self, cause: Cause, *site: str) -> LengthsOf:
        """Return the lengths of events, at a site if each has its own."""
        return LengthsOf(cause, self._seeds, *site)

    def hits(self, cause: Cause, site: str, events: Struck) -> Ints | None:
        """Return which of the events hit a site; none where all do."""
        if cause.hit == 1.0:
            return None
        uniforms = self._seeds.stream(*cause.key, "hit", site).random(events.n_drawn)
        return np.flatnonzero(events.pick(uniforms) < cause.hit)


class Factor:
    """Gamma factor of a block's years.

    Parameters
    ----------
    ends : ndarray, shape (BLOCK_YEARS,)
        Running sum of the factor over the years.
    """

    def __init__(self, ends: Floats) -> None:
        self.ends = ends
        self._asked = 0
        self._guide: Ints | None = None

    def years(self, uniforms: Floats) -> Ints:
        """Return a year for each uniform number, drawn in proportion to its factor."""
        at = uniforms * self.ends[-1]
        last = BLOCK_YEARS - 1
        self._asked += len(at)
        if self._asked < BLOCK_YEARS:  # too few to be worth a guide
            return np.asarray(np.minimum(np.searchsorted(self.ends, at, side="right"), last))
        if self._guide is None:  # a year no later than any that belongs to a part of the sum
            parts = np.arange(BLOCK_YEARS) / BLOCK_YEARS * self.ends[-1] * (1.0 - 1e-12)
            self._guide = np.minimum(np.searchsorted(self.ends, parts, side="right"), last)
        year = self._guide[(uniforms * BLOCK_YEARS).astype(np.intp)]
        late = np.flatnonzero(self.ends[year] <= at)
        year[late] = np.minimum(year[late] + 1, last)
        late = late[self.ends[year[late]] <= at[late]]
        year[late] = np.minimum(np.searchsorted(self.ends, at[late], side="right"), last)
        return year


class Starts:
    """Days in the year on which the events of a cause start, in the order of the events."""

    __slots__ = ("_day", "_stream")

    def __init__(self, cause: Cause, seeds: BlockSeeds) -> None:
        self._day = cause.threat.start_days
        self._stream = None if cause.threat.event else seeds.stream(*cause.key, "start")

    def of(self, events: Struck) -> Floats:
        """Return the starts of the next events [d]."""
        if self._stream is None:
            return np.full(len(events.scenario), self._day)
        return events.pick(self._stream.random(events.n_drawn)) * DAYS_PER_YEAR


class Severities:
    """Severities of the events of a cause, in the order of the events."""

    __slots__ = ("_severities", "_stream", "_upto")

    def __init__(self, cause: Cause, seeds: BlockSeeds) -> None:
        self._severities, self._upto = cause.severities, cause.weights_upto
        self._stream = seeds.stream(*cause.key, "severity") if len(self._upto) else None

    def of(self, events: Struck) -> Floats | float:
        """Return the severities of the next events; one number where all are alike [1]."""
        if self._stream is None:
            return float(self._severities[0])
        uniforms = events.pick(self._stream.random(events.n_drawn))
        # A larger number takes a more severe part.
        return self._severities[np.searchsorted(self._upto, uniforms, side="right")]


class LengthsOf:
    """Lengths of the events of a cause, in the order of the events."""

    __slots__ = ("_duration", "_ramp_up", "_ramps", "_stream")

    def __init__(self, cause: Cause, seeds: BlockSeeds, *site: str) -> None:
        self._duration = cause.duration
        self._ramp_up: RampUp | None = cause.threat.ramp_up if cause.area > 0.0 else None
        self._stream = seeds.stream(*cause.key, "duration", *site)
        self._ramps = None
        if cause.has_spread:
            self._ramps = seeds.stream(*cause.key, "ramps", *site)

    def of(self, events: Struck) -> Lengths:
        """Return the lengths of the next events."""
        outage = _outages(self._duration, self._stream, events)
        if self._ramp_up is None:
            return Lengths(outage, None)
        normal: Floats | float = 0.0
        if self._ramps is not None:
            normal = events.pick(self._ramps.standard_normal(events.n_drawn))
        return Lengths(outage, ramps.ramp_days(self._ramp_up, outage, normal))


def _outages(duration: Duration, stream: np.random.Generator, events: Struck) -> Floats:
    """Draw outages; those of one number of the stream are longer where that number is larger."""
    n = events.n_drawn
    match duration:
        case Lognormal():
            days = events.pick(stream.standard_normal(n))
            days *= duration.sigma
            np.exp(days, out=days)
            days *= duration.median_days
        case Weibull():
            days = events.pick(stream.standard_exponential(n))
            np.power(days, 1.0 / duration.shape, out=days)
            days *= duration.scale_days
        case Exponential():
            days = events.pick(stream.standard_exponential(n))
            days *= duration.mean_days
        case Fixed():
            days = np.full(len(events.scenario), float(duration.days))
        case _:
            uniforms = stream.random((n, durations.n_uniforms(duration)))
            return durations.draw(duration, events.pick(uniforms))
    if duration.max_days is not None:
        np.minimum(days, duration.max_days, out=days)
    return days


def poisson_quantile(uniforms: Floats, mean: Floats) -> Ints:
    """Return Poisson numbers that rise with their mean.

    Parameters
    ----------
    uniforms : ndarray, shape (n,)
        Numbers in [0, 1).
    mean : ndarray, shape (n,)
        Means, at least 0.

    Returns
    -------
    ndarray, shape (n,)
        Smallest k with ``P(N <= k) > u``.
    """
    score = np.clip(special.ndtri(uniforms), -_FARTHEST, _FARTHEST)
    guess = mean + score * np.sqrt(mean) + (score * score - 1.0) / 6.0
    k = np.maximum(np.floor(guess), 0.0)
    at = np.flatnonzero(k)
    while len(at):  # down to where one less would be too few
        at = at[special.pdtr(k[at] - 1.0, mean[at]) > uniforms[at]]
        k[at] -= 1.0
        at = at[k[at] > 0.0]
    at = np.arange(len(k))
    while len(at):
        at = at[special.pdtr(k[at], mean[at]) <= uniforms[at]]
        k[at] += 1.0
    counts: Ints = k.astype(np.intp)
    return counts
