"""Weighted futures, and what they say of the far tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.metrics import Interval
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine._boosted import Sampling
    from supplyrisk.model.case import Case
    from supplyrisk.model.provenance import Provenance

    Floats = NDArray[np.float64]

_EACH_SIDE: Final = 0.05
"""Probability that a truth lies beyond one end of an interval. [1]"""
_SCORE: Final = float(ndtri(1.0 - _EACH_SIDE))
_MOST_YEARS: Final = 1e15
"""Longest return period: that of a level which can be told from 1. [a]"""
LARGEST_LOG: Final = 700.0
"""Logarithm just below that of the largest float."""


@dataclass(frozen=True, eq=False, repr=False)
class RareLosses:
    """Weighted futures that know the far tail; made by `supplyrisk.rare_losses`.

    Attributes
    ----------
    case
        The case.
    provenance
        What it was made from: versions, digest of the case, seed, block size.
    level
        Level that the futures were drawn for, and the one that is meant where none is given. [1]
    lost_t
        Lost production of each future, shape (n_scenarios,). [t]
    weight
        Weight of each future; 1 on average, shape (n_scenarios,). [1]
    mean
        Expected loss. [t]
    sampling
        How the futures were drawn.
    """

    case: Case
    provenance: Provenance
    level: float
    lost_t: Floats
    weight: Floats
    mean: float
    sampling: Sampling
    _kind: NDArray[np.intp]

    @property
    def n_scenarios(self) -> int:
        """Number of futures."""
        return len(self.lost_t)

    @property
    def mean_interval(self) -> Interval:
        """Interval for the expected loss, 90 % [t]."""
        reach = _SCORE * self._error(self.lost_t)
        return Interval(self.mean - reach, self.mean + reach)

    def exceedance_probability(self, loss: float) -> float:
        """Return the probability that more than some loss is lost.

        Parameters
        ----------
        loss : float
            A loss. [t]

        Returns
        -------
        float
            ``P(L > loss)``. [1]

        Raises
        ------
        ValueError
            If `loss` is no finite number.
        """
        _raise(check.number("loss", loss))
        return min(self._mean(self.lost_t > loss), 1.0)

    def exceedance_probability_interval(self, loss: float) -> Interval:
        """Return a 90 % interval for the probability that more than some loss is lost.

        Parameters
        ----------
        loss : float
            A loss. [t]

        Returns
        -------
        Interval
            Ends in [0, 1]. [1]

        Raises
        ------
        ValueError
            If `loss` is no finite number.

        Notes
        -----
        Normal in the logarithm. Where no future lost more, the upper end is that of as many plain
        futures without a hit, which needs no weights.
        """
        probability = self.exceedance_probability(loss)
        if probability == 0.0:
            return Interval(
                0.0, float(1.0 - _EACH_SIDE ** (1.0 / np.count_nonzero(self._kind == 0)))
            )
        reach = math.exp(_SCORE * self._error(self.lost_t > loss) / probability)
        return Interval(probability / reach, min(probability * reach, 1.0))

    def value_at_risk(self, level: float | None = None) -> float:
        """Return the loss that is not exceeded with probability `level`.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        float
            ``inf{x: P(L > x) <= 1 - level}``. [t]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).
        """
        return self._quantile(self._outside(level))

    def value_at_risk_interval(self, level: float | None = None) -> Interval:
        """Return a 90 % interval for the value at risk.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        Interval
            Two of the losses. [t]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).

        Notes
        -----
        The losses whose probability of being exceeded is as far from ``1 - level`` as the error of
        that probability, in the logarithm. Where no future lost more than the value at risk, the
        largest loss is the upper end, and covers less; it is the lower end too where so many
        futures lose it that its probability is above ``1 - level`` for certain.
        """
        outside = self._outside(level)
        value = self._quantile(outside)
        beyond = self.lost_t > value
        if not beyond.any():
            beyond = self.lost_t == value
            if self._mean(beyond) - _SCORE * self._error(beyond) > outside:
                return Interval(value, value)
        reach = math.exp(min(_SCORE * self._error(beyond) / outside, LARGEST_LOG))
        return Interval(self._quantile(outside * reach), self._quantile(outside / reach))

    def tail_value_at_risk(self, level: float | None = None) -> float:
        """Return the mean of the worst ``1 - level`` share of futures.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        float
            ``v + E[(L - v)+] / (1 - level)`` with v the value at risk. [t]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).
        """
        outside, value, excess = self._tail(level)
        return value + self._mean(excess) / outside

    def tail_value_at_risk_interval(self, level: float | None = None) -> Interval:
        """Return a 90 % interval for the tail value at risk.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        Interval
            Ends in tonnes. [t]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).

        Notes
        -----
        Normal, by the influence function ``w (L - v)+ / (1 - level)``. With fewer than two futures
        beyond v it runs from the lower end of `value_at_risk_interval` to the largest loss, and
        covers less.
        """
        outside, value, excess = self._tail(level)
        if np.count_nonzero(excess) < 2:
            return Interval(self.value_at_risk_interval(level).low, float(self.lost_t.max()))
        middle = value + self._mean(excess) / outside
        reach = _SCORE * self._error(excess) / outside
        return Interval(middle - reach, middle + reach)

    def loss_at_return_period(self, years: float) -> float:
        """Return the annual loss that is exceeded once in some years on average (AEP).

        Parameters
        ----------
        years : float
            Return period, above 1. [a]

        Returns
        -------
        float
            The value at risk at level ``1 - 1 / years``. [t/a]

        Raises
        ------
        ValueError
            If `years` is no number above 1 and up to 1e15, or the futures are not of 365 days.
        """
        return self.value_at_risk(self._level_of(years))

    def loss_at_return_period_interval(self, years: float) -> Interval:
        """Return a 90 % interval for the annual loss exceeded once in some years.

        Parameters
        ----------
        years : float
            Return period, above 1. [a]

        Returns
        -------
        Interval
            Two of the losses. [t/a]

        Raises
        ------
        ValueError
            If `years` is no number above 1 and up to 1e15, or the futures are not of 365 days.
        """
        return self.value_at_risk_interval(self._level_of(years))

    def effective_scenarios(self, level: float | None = None) -> float:
        """Return how many plain futures the weighted ones beyond the value at risk are worth.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        float
            ``(sum w)^2 / sum w^2`` over the futures in the tail; a plain simulation has
            ``(1 - level) n_scenarios`` there.

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).
        """
        tail = self.weight[self.lost_t > self.value_at_risk(level)]
        return float(tail.sum() ** 2 / (tail**2).sum()) if len(tail) else 0.0

    def gain(self, level: float | None = None) -> float:
        """Return how many times more plain futures would know the tail mean as well.

        Parameters
        ----------
        level : float, optional
            Confidence level in [0, 1); that of the sampling when omitted. [1]

        Returns
        -------
        float
            Variance of the tail value at risk of as many plain futures over that of these, both
            estimated from these; below 1 where plain futures would be better. [1]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1).
        """
        _, _, excess = self._tail(level)
        plain = self._mean(excess**2) - self._mean(excess) ** 2
        ours = self.n_scenarios * self._error(excess) ** 2
        return plain / ours if ours > 0.0 else 1.0

    @cached_property
    def _worst_first(self) -> tuple[Floats, Floats]:
        return worst_first(self.lost_t, self.weight)

    def _quantile(self, outside: float) -> float:
        """Smallest loss that is exceeded with at most some probability [t]."""
        return quantile(*self._worst_first, outside)

    def _tail(self, level: float | None) -> tuple[float, float, Floats]:
        """Share of the futures beyond a level [1], value at risk, and excesses over it [t]."""
        outside = self._outside(level)
        value = self._quantile(outside)
        return outside, value, np.maximum(self.lost_t - value, 0.0)

    def _mean(self, values: NDArray[np.bool_] | Floats) -> float:
        """Weighted mean: unbiased, as it is not divided by the sum of the weights."""
        return float((self.weight * values).mean())

    def _error(self, values: NDArray[np.bool_] | Floats) -> float:
        """Standard error of a weighted mean: each boost is a stratum, and so are plain futures."""
        weighted = self.weight * values
        total = 0.0
        for kind in range(int(self._kind.max()) + 1):
            stratum = weighted[self._kind == kind]
            total += len(stratum) * float(stratum.var(ddof=1)) if len(stratum) > 1 else 0.0
        return math.sqrt(total) / self.n_scenarios

    def _outside(self, level: float | None) -> float:
        """Share of the futures beyond a level [1]."""
        level = self.level if level is None else level
        _raise(level_faults(level))
        return 1.0 - float(level)

    def _level_of(self, years: float) -> float:
        _raise(check.number("years", years, above=1.0, most=_MOST_YEARS))
        if self.case.horizon_days != DAYS_PER_YEAR:
            raise ValueError(
                f"horizon_days must be {DAYS_PER_YEAR} for return periods, "
                f"got {self.case.horizon_days}"
            )
        return 1.0 - 1.0 / years

    def __repr__(self) -> str:
        """Say which case, the headline figures and what the sampling brought."""
        low, high = self.tail_value_at_risk_interval()
        return (
            f"<RareLosses of {self.case.name!r}: {self.n_scenarios:,} futures; at {self.level:g} "
            f"value at risk {self.value_at_risk():,.6g} t, tail mean "
            f"{self.tail_value_at_risk():,.6g} t ({low:,.6g} to {high:,.6g}), worth "
            f"{self.gain():,.3g} times as many plain futures>"
        )


def worst_first(lost_t: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Losses in descending order [t], and the probability of at least each, alike [1]."""
    order = np.argsort(-lost_t, kind="stable")
    return lost_t[order], np.cumsum(weight[order]) / len(lost_t)


def quantile(losses: Floats, probability: Floats, outside: float) -> float:
    """Smallest of descending losses that is exceeded with at most some probability [t]."""
    # A sum of weights must not exceed what it equals by rounding.
    place = int(np.searchsorted(probability, outside * (1.0 + 1e-12), side="right"))
    return float(losses[min(place, len(losses) - 1)])


def level_faults(level: object) -> Iterator[Fault]:
    """Fault unless a level lies in [0, 1)."""
    if not (check.is_number(level) and 0.0 <= level < 1.0):  # type: ignore[operator]
        yield Fault("level", "must lie in [0, 1)", level)


def _raise(faults: Iterable[Fault]) -> None:
    for fault in faults:
        raise ValueError(str(fault))
