"""The distributions behind `Duration`: survival, limited expected value, and draws.

Each function takes a duration of any family and arrays of days; the cap ``max_days`` is applied
in every one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from supplyrisk.errors import Fault, InvalidInputError
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
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SMALLEST = 2.0**-54  # below half the spacing of `Generator.random`; keeps the tail finite


def survival(duration: Duration, days: ArrayLike) -> Floats:
    """Probability that an outage lasts longer than some days.

    Parameters
    ----------
    duration : Duration
        Distribution of the length.
    days : array_like
        Lengths; below 0 the probability is 1. [d]

    Returns
    -------
    ndarray
        ``P(D > days)``, shaped like `days`. [1]
    """
    d = np.maximum(np.asarray(days, dtype=float), 0.0)
    alive = _uncapped_survival(duration, d)
    if duration.max_days is not None:
        alive = np.where(d >= duration.max_days, 0.0, alive)
    return np.where(np.asarray(days) < 0.0, 1.0, alive)


def _uncapped_survival(duration: Duration, d: Floats) -> Floats:
    match duration:
        case Lognormal():
            with np.errstate(divide="ignore"):  # log(0) is -inf, and survival there is 1
                z = np.log(d / duration.median_days) / duration.sigma
            return np.asarray(special.ndtr(-z))
        case Weibull():
            return np.asarray(np.exp(-((d / duration.scale_days) ** duration.shape)))
        case Exponential():
            return np.exp(-d / duration.mean_days)
        case Fixed():
            return (d < duration.days).astype(float)
        case Empirical():
            lengths = np.sort(np.asarray(duration.days, dtype=float))
            return 1.0 - np.searchsorted(lengths, d, side="right") / lengths.size
        case Mixture():
            return sum((w * survival(part, d) for w, part in duration.parts), np.zeros_like(d))
    raise TypeError(f"no survival function for {type(duration).__name__}")


def limited_mean(duration: Duration, days: ArrayLike) -> Floats:
    """Limited expected value: the mean of the outage, cut at some days.

    Parameters
    ----------
    duration : Duration
        Distribution of the length.
    days : array_like
        Limits, at least 0. [d]

    Returns
    -------
    ndarray
        ``E[min(D, days)]``, shaped like `days`. [d]

    Notes
    -----
    For the lognormal ``E[min(D, d)] = m exp(s^2/2) Phi((log(d/m) - s^2)/s) + d P(D > d)``; see
    S. Klugman, H. Panjer, G. Willmot, *Loss Models*, Appendix A.
    """
    d = np.asarray(days, dtype=float)
    if duration.max_days is not None:
        d = np.minimum(d, duration.max_days)
    match duration:
        case Lognormal():
            s = duration.sigma
            with np.errstate(divide="ignore"):  # log(0) is -inf: nothing of the mean lies below 0
                z = np.log(d / duration.median_days) / s
            # In logarithms, as exp(s^2 / 2) alone overflows where the product does not.
            below = duration.median_days * np.exp(0.5 * s * s + special.log_ndtr(z - s))
            return np.asarray(below + d * special.ndtr(-z))
        case Weibull():
            shape, scale = duration.shape, duration.scale_days
            x = (d / scale) ** shape
            order = 1.0 + 1.0 / shape
            part = scale * special.gamma(order) * special.gammainc(order, x)
            return np.asarray(part + d * np.exp(-x))
        case Exponential():
            return -duration.mean_days * np.expm1(-d / duration.mean_days)
        case Fixed():
            return np.asarray(np.minimum(d, duration.days))
        case Empirical():
            lengths = np.asarray(duration.days, dtype=float)
            return np.asarray(np.minimum(d[..., np.newaxis], lengths).mean(axis=-1))
        case Mixture():
            return sum((w * limited_mean(part, d) for w, part in duration.parts), np.zeros_like(d))
    raise TypeError(f"no limited mean for {type(duration).__name__}")


def n_uniforms(duration: Duration) -> int:
    """Return how many uniform numbers one draw takes: one, and one more per level of mixture."""
    if isinstance(duration, Mixture):
        return 1 + max(n_uniforms(part) for _, part in duration.parts)
    return 1


def draw(duration: Duration, uniforms: Floats, *, elapsed_days: float = 0.0) -> Floats:
    """Turn uniform numbers into lengths, given that the outage has lasted some days already.

    Parameters
    ----------
    duration : Duration
        Distribution of the whole length.
    uniforms : ndarray, shape (n, n_uniforms)
        Independent numbers in [0, 1); a smaller number gives a longer outage.
    elapsed_days : float, default 0.0
        Days that the outage has lasted. [d]

    Returns
    -------
    ndarray, shape (n,)
        Whole lengths, each above `elapsed_days` if that is above 0. [d]

    Raises
    ------
    InvalidInputError
        If no outage of this kind lasts as long as `elapsed_days`.

    Notes
    -----
    With survival function S, ``D | D > t`` is ``S^-1(S(t) U)``. A mixture first picks a part, each
    weighted by its own survival.
    """
    alive = float(survival(duration, elapsed_days)) if elapsed_days > 0.0 else 1.0
    if alive <= 0.0:
        fault = Fault("elapsed_days", "must be one the outage can last", elapsed_days)
        raise InvalidInputError(type(duration).__name__, [fault])
    if isinstance(duration, Mixture):
        whole = _draw_mixture(duration, uniforms, elapsed_days)
    else:
        whole = _inverse_survival(duration, np.maximum(uniforms[:, 0], _SMALLEST) * alive)
    if elapsed_days > 0.0:  # rounding must not end an outage that is running
        whole = np.maximum(whole, np.nextafter(elapsed_days, np.inf))
    return whole if duration.max_days is None else np.minimum(whole, duration.max_days)


def _draw_mixture(duration: Mixture, uniforms: Floats, elapsed_days: float) -> Floats:
    weights = np.array([w * survival(part, elapsed_days) for w, part in duration.parts])
    picked = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], uniforms[:, 0], side="right")
    whole = np.empty(len(uniforms))
    for number, (_, part) in enumerate(duration.parts):
        mine = picked == number
        if mine.any():
            whole[mine] = draw(part, uniforms[mine, 1:], elapsed_days=elapsed_days)
    return whole


def _inverse_survival(duration: Duration, q: Floats) -> Floats:
    match duration:
        case Lognormal():
            return np.asarray(duration.median_days * np.exp(-duration.sigma * special.ndtri(q)))
        case Weibull():
            return duration.scale_days * (-np.log(q)) ** (1.0 / duration.shape)
        case Exponential():
            return -duration.mean_days * np.log(q)
        case Fixed():
            return np.full(q.shape, float(duration.days))
        case Empirical():
            lengths = np.sort(np.asarray(duration.days, dtype=float))
            longest_first = np.floor(lengths.size * q).astype(int)
            return np.asarray(lengths[np.clip(lengths.size - 1 - longest_first, 0, None)])
    raise TypeError(f"no inverse survival function for {type(duration).__name__}")
