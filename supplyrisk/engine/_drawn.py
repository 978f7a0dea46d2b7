"""What a block of futures draws, cause by cause: how many events, how severe, how long.

A cause draws the number of all its events of a block at once. A higher rate adds events.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk.hazard import durations, ramps
from supplyrisk.model.duration import Exponential, Fixed, Lognormal, Weibull
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book, Cause
    from supplyrisk.engine.streams import Streams

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

BELOW_ONE: Final = 1.0 - 2.0**-50
"""Largest part of a whole: rounding must not lead from one future into the next. [1]"""
_FARTHEST: Final = 9.0
"""Normal score beyond which no uniform number lies. [1]"""


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
    """The random numbers of a block of futures.

    Parameters
    ----------
    book : Book
        What it is drawn from.
    block : int
        Number of the block.
    size : int
        Futures of a whole block.
    """

    def __init__(self, book: Book, block: int, size: int) -> None:
        self.streams = book.streams.block(block)
        self.size = size
        self._years = book.plan.horizon_days / DAYS_PER_YEAR
        causes = book.causes
        users = Counter(cause.rate_key for cause in causes)
        self._factors = {
            cause.rate_key: self._factor(cause)
            for cause in {c.rate_key: c for c in causes}.values()
            if cause.rate_key is None or users[cause.rate_key] > 1
        }
        uniforms = self.streams.uniforms(book.arrivals)
        self._uniform = dict(zip(causes, uniforms.tolist(), strict=True))
        # All counts in one sweep, but for those that wait for a factor of their own.
        ready = [cause for cause in causes if cause.rate_key in self._factors]
        means = np.array([self._mean(c, self._factors[c.rate_key]) for c in ready])
        chance = np.array([self._uniform[cause] for cause in ready])
        counts = poisson_quantile(chance, means).tolist()
        self._count: dict[Cause, int] = dict(zip(ready, counts, strict=True))

    def _factor(self, cause: Cause) -> Factor | None:
        """Draw the gamma factor of a cause's rate; none for a rate that is certain."""
        gamma = gamma_factor(cause, self.streams, self.size)
        return None if gamma is None else Factor(np.cumsum(gamma))

    def _mean(self, cause: Cause, factor: Factor | None) -> float:
        """Expected events of a cause in the block, given its factor."""
        total = self.size if factor is None else float(factor.ends[-1])
        return cause.threat.rate_pa * self._years * total

    def arrivals(self, cause: Cause) -> tuple[int, Factor | None]:
        """Return the number of events of a cause, and the factor of its rate."""
        if cause in self._count:
            return self._count[cause], self._factors[cause.rate_key]
        factor = self._factor(cause)  # its own, and not kept: there may be thousands
        uniform, mean = np.array([self._uniform[cause]]), np.array([self._mean(cause, factor)])
        return int(poisson_quantile(uniform, mean)[0]), factor

    def happens(self, cause: Cause) -> NDArray[np.bool_]:
        """Return in which futures a dated event happens, shape (size,)."""
        event = cause.threat.event
        if event is None or event.probability == 1.0:
            return np.ones(self.size, dtype=bool)
        return self.streams.stream(*cause.key, "arrivals").random(self.size) < event.probability

    def severities(self, cause: Cause) -> Severities:
        """Return the severities of events."""
        return Severities(cause, self.streams)

    def lengths(self, cause: Cause, *site: str) -> LengthsOf:
        """Return the lengths of events, at a site if each has its own."""
        return LengthsOf(cause, self.streams, *site)

    def hits(self, cause: Cause, site: str, events: Struck) -> Ints | None:
        """Return which of the events hit a site; none where all do."""
        if cause.hit == 1.0:
            return None
        uniforms = self.streams.stream(*cause.key, "hit", site).random(events.n_drawn)
        return np.flatnonzero(events.pick(uniforms) < cause.hit)


def gamma_factor(cause: Cause, streams: Streams, size: int) -> Floats | None:
    """Draw the gamma factor of a cause's rate in each future of a block.

    Parameters
    ----------
    cause : Cause
        What strikes.
    streams : Streams
        Random numbers of the block.
    size : int
        Futures of a whole block.

    Returns
    -------
    ndarray, shape (size,), or None
        Factor of mean 1; none for a rate that is certain. [1]
    """
    hazard, key = cause.threat.hazard, cause.rate_key
    if key is None or hazard is None or hazard.rate_shape is None:
        return None
    shape = hazard.rate_shape
    return streams.stream(*key).standard_gamma(shape, size) / shape


class Factor:
    """Gamma factor of a block's futures.

    Parameters
    ----------
    ends : ndarray, shape (size,)
        Running sum of the factor over the futures.
    """

    def __init__(self, ends: Floats) -> None:
        self.ends = ends
        self._size = len(ends)
        self._asked = 0
        self._guide: Ints | None = None

    def places(self, uniforms: Floats) -> Floats:
        """Return a future for each uniform number, and behind the point where in it that falls."""
        at = uniforms * self.ends[-1]
        scenario = np.minimum(np.searchsorted(self.ends, at, side="right"), self._size - 1)
        begins = np.concatenate([[0.0], self.ends])
        width = np.maximum(begins[scenario + 1] - begins[scenario], np.finfo(float).tiny)
        # Short of the next future even after rounding.
        part = np.clip((at - begins[scenario]) / width, 0.0, 1.0 - 2.0**-36)
        return np.asarray(scenario + part)

    def futures(self, uniforms: Floats) -> Ints:
        """Return a future for each uniform number, drawn in proportion to its factor."""
        at = uniforms * self.ends[-1]
        last = self._size - 1
        self._asked += len(at)
        if self._asked < self._size:  # too few to be worth a guide
            return np.asarray(np.minimum(np.searchsorted(self.ends, at, side="right"), last))
        if self._guide is None:  # one no later than any that belongs to a part of the sum
            parts = np.arange(self._size) / self._size * self.ends[-1] * (1.0 - 1e-12)
            self._guide = np.minimum(np.searchsorted(self.ends, parts, side="right"), last)
        year = self._guide[(uniforms * self._size).astype(np.intp)]
        late = np.flatnonzero(self.ends[year] <= at)
        year[late] = np.minimum(year[late] + 1, last)
        late = late[self.ends[year[late]] <= at[late]]
        year[late] = np.minimum(np.searchsorted(self.ends, at[late], side="right"), last)
        return year


class Severities:
    """Severities of the events of a cause, in the order of the events."""

    __slots__ = ("_severities", "_stream", "_upto")

    def __init__(self, cause: Cause, streams: Streams) -> None:
        self._severities, self._upto = cause.severities, cause.weights_upto
        self._stream = streams.stream(*cause.key, "severity") if len(self._upto) else None

    def of(self, events: Struck) -> Floats | float:
        """Return the severities of the next events; one number where all are alike [1]."""
        if self._stream is None:
            return float(self._severities[0])
        uniforms = events.pick(self._stream.random(events.n_drawn))
        # A larger number takes a more severe part.
        return self._severities[np.searchsorted(self._upto, uniforms, side="right")]


class LengthsOf:
    """Lengths of the events of a cause, in the order of the events."""

    __slots__ = ("_cause", "_ramps", "_stream")

    def __init__(self, cause: Cause, streams: Streams, *site: str) -> None:
        self._cause = cause
        self._stream = streams.stream(*cause.key, "duration", *site)
        self._ramps = streams.stream(*cause.key, "ramps", *site) if cause.has_spread else None

    def of(self, events: Struck) -> Lengths:
        """Return the lengths of the next events."""
        outage = self.outages(events)
        return Lengths(outage, self.ramps(events, outage))

    def outages(self, events: Struck) -> Floats:
        """Return the outages of the next events; infinite where production never returns [d]."""
        if self._cause.threat.ramp_up.shape == "never":
            return np.full(len(events.scenario), np.inf)
        return _outages(self._cause, self._stream, events)

    def ramps(self, events: Struck, outage: Floats) -> Floats | None:
        """Return the ramp-ups after the next outages; none without one [d]."""
        ramp_up = self._cause.ramp_up
        if ramp_up is None:
            return None
        normal: Floats | float = 0.0
        if self._ramps is not None:
            normal = events.pick(self._ramps.standard_normal(events.n_drawn))
        return ramps.ramp_days(ramp_up, outage, normal)


def _outages(cause: Cause, stream: np.random.Generator, events: Struck) -> Floats:
    """Draw outages: each longer for a larger normal or exponential number, or a smaller uniform."""
    n, duration = events.n_drawn, cause.duration
    if cause.elapsed_days > 0.0:
        uniforms = events.pick(stream.random((n, durations.n_uniforms(duration))))
        return durations.draw(duration, uniforms, elapsed_days=cause.elapsed_days)
    match duration:
        case Lognormal():
            days = events.pick(stream.standard_normal(n))
            days *= duration.sigma
            np.exp(days, out=days)
            days *= duration.median_days
        case Weibull():
            days = events.pick(stream.standard_exponential(n))
            np.log(days, out=days)  # with exp, a third of the time of a power
            days *= 1.0 / duration.shape
            np.exp(days, out=days)
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
