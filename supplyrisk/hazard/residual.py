"""What remains of an outage that is running."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supplyrisk.hazard import durations
from supplyrisk.model.duration import Duration


@dataclass(frozen=True, eq=False)
class ResidualLife:
    """Distribution of the days that remain of a running outage.

    Attributes
    ----------
    duration
        Distribution of the whole length.
    elapsed_days
        Days that have passed. [d]
    """

    duration: Duration
    elapsed_days: float

    @property
    def median_days(self) -> float:
        """Median of the days that remain [d]."""
        return self.quantile(0.5)

    def quantile(self, p: float) -> float:
        """Days within which the outage is over with probability `p`.

        Parameters
        ----------
        p : float
            Probability, above 0 and below 1. [1]

        Returns
        -------
        float
            Days from now. [d]

        Raises
        ------
        ValueError
            If `p` is outside (0, 1).
        """
        if not 0.0 < p < 1.0:
            raise ValueError(f"p must lie in (0, 1), got {p!r}")
        # P(over within d) rises with d, so bisection serves every family, mixtures included.
        low, high = 0.0, 1.0
        while self.probability_over_within(high) < p:
            low, high = high, 2.0 * high
        for _ in range(200):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            if self.probability_over_within(middle) < p:
                low = middle
            else:
                high = middle
        return high

    def probability_over_within(self, days: float) -> float:
        """Probability that the outage is over within some days.

        Parameters
        ----------
        days : float
            Days from now, at least 0. [d]

        Returns
        -------
        float
            ``1 - S(elapsed + days) / S(elapsed)``. [1]

        Raises
        ------
        ValueError
            If `days` is negative or not a number.
        """
        if not days >= 0.0:
            raise ValueError(f"days must be a number >= 0, got {days!r}")
        now, then = durations.survival(self.duration, [self.elapsed_days, self.elapsed_days + days])
        return float(1.0 - then / now)


def residual_life(duration: Duration, *, elapsed_days: float) -> ResidualLife:
    """Distribution of what remains of an outage, given the days that have passed.

    Parameters
    ----------
    duration : Duration
        Distribution of the whole length.
    elapsed_days : float
        Days that have passed, at least 0. [d]

    Returns
    -------
    ResidualLife
        Its median, quantiles and probabilities.

    Raises
    ------
    TypeError
        If `duration` is no Duration.
    ValueError
        If `elapsed_days` is negative, not finite, or longer than the outage can last.

    Notes
    -----
    With survival function S, ``P(D - t > d | D > t) = S(t + d) / S(t)``. For a lognormal the hazard
    falls with time: the longer it has lasted, the longer it is likely to go on.

    Examples
    --------
    >>> from supplyrisk.model.duration import Duration
    >>> fresh = residual_life(Duration.lognormal(median_days=121, sigma=1.75), elapsed_days=0)
    >>> round(fresh.median_days)
    121
    >>> later = residual_life(Duration.lognormal(median_days=121, sigma=1.75), elapsed_days=33)
    >>> round(later.median_days)
    168
    """
    if not isinstance(duration, Duration):
        raise TypeError(f"duration must be a Duration, got {duration!r}")
    if not (np.isfinite(elapsed_days) and elapsed_days >= 0.0):
        raise ValueError(f"elapsed_days must be a finite number >= 0, got {elapsed_days!r}")
    if not durations.survival(duration, elapsed_days) > 0.0:
        raise ValueError(f"elapsed_days must be one the outage can last, got {elapsed_days!r}")
    return ResidualLife(duration, float(elapsed_days))
