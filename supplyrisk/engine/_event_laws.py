"""What one event takes away, in days of production: outage and ramp-up as one random length.

An event loses ``X = m (D + rho min(R, s D))`` days: D the outage, cut at ``max_days``, R the
length of the ramp-up, s its largest share of the outage, rho the integral of its shape and m the
severity. Mixtures and observed lengths fall apart into simpler laws, and every law is counted in
units of its own scale, so that hazards which differ by a factor alone share one `EventLaw`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk.hazard import durations, ramps
from supplyrisk.model.duration import (
    Duration,
    Empirical,
    Exponential,
    Fixed,
    Lognormal,
    Mixture,
    Weibull,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]

_FARTHEST: Final = 8.0
"""Normal scores beyond which no ramp-up is looked at: 1e-15. [1]"""
_FEWEST: Final = 40
"""Nodes of the rules over the length of the ramp-up; up to six times as many for sharp bends."""
_GAUSS: Final = lru_cache(np.polynomial.legendre.leggauss)
_MANY: Final = np.polynomial.legendre.leggauss(400)


class Part(NamedTuple):
    """One law of a mixture.

    Attributes
    ----------
    weight
        Its probability. [1]
    scale
        Unit that the law counts in; for a length that is known, the length itself. [d]
    law
        The law in that unit; none for a length that is known.
    """

    weight: float
    scale: float
    law: EventLaw | None


@dataclass(frozen=True, slots=True)
class EventLaw:
    """Days lost by an event of severity 1, in units of the outage's own scale.

    Attributes
    ----------
    outage
        Length D of the outage, of scale 1: lognormal, Weibull, exponential, or known where the
        ramp-up alone has a spread.
    area
        Integral rho of the ramp-up's shape; 0 without a ramp-up. [1]
    ramp
        Median length r of the ramp-up. [1]
    spread
        Standard deviation of the logarithm of that length. [1]
    share
        Largest ramp-up s as a share of the outage; infinite without a limit. [1]
    """

    outage: Duration
    area: float = 0.0
    ramp: float = 0.0
    spread: float = 0.0
    share: float = math.inf

    @property
    def longest(self) -> float:
        """Largest loss; infinite for most laws."""
        if self.area == 0.0:
            return self.outage.longest_days
        if self.spread == 0.0 and self.share * self.outage.longest_days > self.ramp:
            return self.outage.longest_days + self.area * self.ramp
        return self._most_at(self.outage.longest_days) if math.isfinite(self.share) else math.inf

    def _most_at(self, outage: float) -> float:
        return outage * (1.0 + self.area * self.share)

    @property
    def kinks(self) -> tuple[float, ...]:
        """Losses at which the density jumps or an atom stands."""
        found = [self.longest, self.outage.longest_days]
        if self.area > 0.0 and self.spread == 0.0:
            short = self.area * self.ramp
            bend = self._most_at(self.ramp / self.share) if math.isfinite(self.share) else short
            found += [bend, self.outage.longest_days + short]
        return tuple(kink for kink in found if 0.0 < kink < math.inf)

    @property
    def atom(self) -> float:
        """Loss that has a probability of its own, the largest one; 0 if nothing limits it."""
        return self.longest if math.isfinite(self.longest) else 0.0

    @property
    def smoothness(self) -> float:
        """Scale, in logarithms, on which the law bends; 0 for a law with kinks."""
        if self.kinks:
            return 0.0
        return min(self._bend, self.spread) if self.area > 0.0 else self._bend

    @property
    def _bend(self) -> float:
        """Scale, in logarithms, on which the law of the outage bends."""
        match self.outage:
            case Lognormal():
                return self.outage.sigma
            case Weibull():
                return min(1.0 / self.outage.shape, 1.0)
            case _:
                return 1.0

    @property
    def mean(self) -> float:
        """Mean loss."""
        return self._average(lambda r: self._moment(r, 1))

    @property
    def mean_square(self) -> float:
        """Mean of the squared loss."""
        return self._average(lambda r: self._moment(r, 2))

    def limited_mean(self, x: Floats) -> Floats:
        """Return ``E[min(X, x)]``, shaped like `x`."""
        x = np.minimum(x, self.longest)
        if self.area == 0.0:
            return durations.limited_mean(self.outage, x)
        if isinstance(self.outage, Fixed):
            return self._after_known_outage(x)
        if self.spread == 0.0:
            return self._limited(x, self.ramp)
        return self._over_ramps(x, limited=True)

    def survival(self, x: Floats) -> Floats:
        """Return ``P(X > x)``, shaped like `x`."""
        if self.area == 0.0:
            return durations.survival(self.outage, x)
        if isinstance(self.outage, Fixed):
            after = (x - self.outage.days) / self.area
            alive = durations.survival(self._known_ramp(), after)
            return np.where(after < 0.0, 1.0, alive)
        if self.spread == 0.0:
            whole = durations.survival(self.outage, x - self.area * self.ramp)
            if not math.isfinite(self.share):
                return whole
            outage = x * self._part_of_outage()
            shared = durations.survival(self.outage, outage)
            return np.where(outage <= self.ramp / self.share, shared, whole)
        return self._over_ramps(x, limited=False)

    def _part_of_outage(self) -> float:
        """Outage as a part of the loss where the ramp-up is cut to its share."""
        return 1.0 / (1.0 + self.area * self.share)

    def _known_ramp(self) -> Duration:
        """Ramp-up after an outage of known length, as a distribution."""
        longest = self.share * self.outage.longest_days
        cap = longest if math.isfinite(longest) else None
        return Lognormal(median_days=self.ramp, sigma=self.spread, max_days=cap)

    def _after_known_outage(self, x: Floats) -> Floats:
        days = self.outage.longest_days
        after = np.maximum(x - days, 0.0) / self.area
        ramp = durations.limited_mean(self._known_ramp(), after)
        return np.minimum(x, days) + self.area * ramp

    def _limited(self, x: Floats, ramp: Floats | float) -> Floats:
        """Return ``E[min(X, x)]`` for a ramp-up of known length.

        Up to the outage ``r / s`` the loss is proportional to it, from there on it is the outage
        and a constant.
        """
        after = durations.limited_mean(self.outage, np.maximum(x - self.area * ramp, 0.0))
        if not math.isfinite(self.share):
            return np.minimum(x, self.area * ramp) + after
        part = self._part_of_outage()
        bend = np.asarray(ramp / self.share)
        shared = durations.limited_mean(self.outage, np.minimum(x * part, bend)) / part
        base = durations.limited_mean(self.outage, bend)
        return shared + np.where(x * part > bend, after - base, 0.0)

    def _over_ramps(self, x: Floats, *, limited: bool) -> Floats:
        """Average over the lengths of the ramp-up: those cut to their share, and the shorter."""
        finite = math.isfinite(self.share)
        part = self._part_of_outage() if finite else 0.0
        cut = self.share * part if finite else 1.0 / self.area
        with np.errstate(divide="ignore"):
            top = np.log(x * cut / self.ramp) / self.spread
            past = np.maximum(x - self.outage.longest_days, 0.0) / self.area
            middle = np.log(past / self.ramp) / self.spread
        kind = durations.limited_mean if limited else durations.survival
        if finite:
            cut_off = kind(self.outage, x * part) / (part if limited else 1.0)
        else:
            cut_off = x if limited else np.ones_like(x)
        total = cut_off * special.ndtr(-top)
        top = np.clip(top, -_FARTHEST, _FARTHEST)
        middle = np.clip(middle, -_FARTHEST, top)
        nodes, rule = _GAUSS(int(_FEWEST * min(max(1.2 * self.spread / self._bend, 1.0), 6.0)))
        for low, high in ((np.full_like(top, -_FARTHEST), middle), (middle, top)):
            half = 0.5 * (high - low)[..., np.newaxis]
            z = low[..., np.newaxis] + half * (nodes + 1.0)
            ramp = self.ramp * np.exp(self.spread * z)
            rest = np.maximum(x[..., np.newaxis] - self.area * ramp, 0.0)
            inside = kind(self.outage, rest)
            if limited:
                inside = inside + self._gained(ramp)
            density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            total = total + (inside * density * half) @ rule
        return np.asarray(total)

    def _gained(self, ramp: Floats) -> Floats:
        """Mean loss on a ramp-up of known length."""
        if not math.isfinite(self.share):
            return self.area * ramp
        limit = durations.limited_mean(self.outage, ramp / self.share)
        return self.area * self.share * limit

    def _average(self, function: Callable[[Floats], Floats]) -> float:
        if self.spread == 0.0:
            return float(function(np.array([self.ramp]))[0])
        longest = self.outage.longest_days * self.share if math.isfinite(self.share) else math.inf
        shortest = math.log(longest / self.ramp) / self.spread
        # Split where every ramp-up is cut; tilted moments reach 2 spread further out.
        ends = (-_FARTHEST, min(max(shortest, -_FARTHEST), 16.0), 16.0)
        total = 0.0
        for low, high in itertools.pairwise(ends):
            z = low + 0.5 * (high - low) * (_MANY[0] + 1.0)
            density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            values = function(self.ramp * np.exp(self.spread * z))
            total += float((values * density) @ _MANY[1]) * 0.5 * (high - low)
        return total

    def _moment(self, ramp: Floats, order: int) -> Floats:
        """Return the mean, or the mean square, for ramp-ups of known length, shape (n,)."""
        whole = limited_moment(self.outage, np.array([math.inf]), 1)
        square = limited_moment(self.outage, np.array([math.inf]), 2)
        if self.area == 0.0:
            return (whole if order == 1 else square) + 0.0 * ramp
        area = self.area
        if not math.isfinite(self.share):
            if order == 1:
                return whole + area * ramp
            return square + 2.0 * area * ramp * whole + (area * ramp) ** 2
        bend, slope = ramp / self.share, 1.0 + area * self.share
        below = limited_moment(self.outage, bend, 1)
        beyond = whole - below
        if order == 1:
            return slope * below + beyond
        below_2 = limited_moment(self.outage, bend, 2)
        beyond_2 = square - below_2 - 2.0 * bend * beyond
        return slope**2 * below_2 + 2.0 * slope * bend * beyond + beyond_2


def limited_moment(outage: Duration, limit: Floats, order: int) -> Floats:
    """Return ``E[min(D, limit) ** order]`` of an outage, order 1 or 2; limits may be infinite.

    Parameters
    ----------
    outage : Duration
        Lognormal, Weibull, exponential or known. [d]
    limit : ndarray
        Limits. [d]
    order : int
        Order of the moment.

    Returns
    -------
    ndarray
        The moment, shaped like `limit`.
    """
    limit = np.minimum(limit, outage.longest_days)
    finite = np.isfinite(limit)
    at = np.where(finite, limit, 0.0)
    uncapped = replace(outage, max_days=None)
    edge = np.where(finite, at**order * durations.survival(uncapped, at), 0.0)
    match outage:
        case Lognormal():
            s, m = outage.sigma, outage.median_days
            with np.errstate(divide="ignore"):
                z = np.log(limit / m) / s
            log_below = special.log_ndtr(z - order * s)
            return np.asarray(m**order * np.exp(0.5 * (order * s) ** 2 + log_below) + edge)
        case Weibull() | Exponential():
            shape, scale = _weibull(outage)
            index = 1.0 + order / shape
            below = special.gamma(index) * special.gammainc(index, (limit / scale) ** shape)
            return np.asarray(scale**order * below + edge)
        case _:
            return np.asarray(limit**order)


def _weibull(outage: Weibull | Exponential) -> tuple[float, float]:
    if isinstance(outage, Weibull):
        return outage.shape, outage.scale_days
    return 1.0, outage.mean_days


def parts(duration: Duration, ramp_up: RampUp) -> Iterator[Part]:
    """Yield the laws that an event's loss at severity 1 is a mixture of.

    Parameters
    ----------
    duration : Duration
        Length of the outage.
    ramp_up : RampUp
        Return of production; not ``"never"``.

    Yields
    ------
    Part
        Weight, scale and law; nothing for outages of no length that lose nothing.
    """
    area = float(ramps.lost_until(ramp_up, np.ones(1))[0])
    if ramp_up.ramp_days == 0.0 or ramp_up.max_share_of_outage == 0.0:
        area = 0.0
    for weight, scale, outage in _simple(duration, math.inf):
        known = isinstance(outage, Fixed)
        if area == 0.0 or (known and ramp_up.ramp_sigma == 0.0):
            if known:
                ramp = float(ramps.ramp_days(ramp_up, np.array([scale]))[0]) if area else 0.0
                if scale + area * ramp > 0.0:
                    yield Part(weight, scale + area * ramp, None)
            else:
                yield Part(weight, scale, EventLaw(outage))
            continue
        limit = ramp_up.max_share_of_outage
        share = math.inf if limit is None else limit
        if known and scale == 0.0:
            if limit is None:
                law = EventLaw(Fixed(days=0.0), area, 1.0, ramp_up.ramp_sigma)
                yield Part(weight, ramp_up.ramp_days, law)
            continue
        law = EventLaw(outage, area, ramp_up.ramp_days / scale, ramp_up.ramp_sigma, share)
        yield Part(weight, scale, law)


def _simple(duration: Duration, cap: float) -> Iterator[tuple[float, float, Duration]]:
    """Yield weight, scale and a duration of that scale; a known length is its own scale."""
    if duration.max_days is not None:
        cap = min(cap, duration.max_days)
    match duration:
        case Mixture():
            for weight, part in duration.parts:
                for inner, scale, simple in _simple(part, cap):
                    yield weight * inner, scale, simple
        case Empirical():
            lengths, counts = np.unique(np.minimum(duration.days, cap), return_counts=True)
            for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
                yield count / len(duration.days), length, Fixed(days=float(length > 0.0))
        case Fixed():
            length = min(float(duration.days), cap)
            yield 1.0, length, Fixed(days=float(length > 0.0))
        case _:
            yield _of_unit_scale(duration, cap)


def _of_unit_scale(duration: Duration, cap: float) -> tuple[float, float, Duration]:
    match duration:
        case Lognormal():
            scale = duration.median_days
            return 1.0, scale, replace(duration, median_days=1.0, max_days=_cap(cap, scale))
        case Weibull():
            scale = duration.scale_days
            return 1.0, scale, replace(duration, scale_days=1.0, max_days=_cap(cap, scale))
        case Exponential():
            scale = duration.mean_days
            return 1.0, scale, replace(duration, mean_days=1.0, max_days=_cap(cap, scale))
    raise TypeError(f"no law of losses for {type(duration).__name__}")


def _cap(cap: float, scale: float) -> float | None:
    return cap / scale if math.isfinite(cap) else None
