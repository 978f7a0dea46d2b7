"""How production returns: the share still lost on the ramp-up, and its integral."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]

_END: Final = math.exp(-3.0)  # an exponential ramp-up is cut where e^-3 of the loss is left
_AN_INSTANT: Final = 1e-9  # days; a shorter ramp-up is none, and dividing by it overflows
_N_PAIRS: Final = 3_200
"""Pairs of outage and ramp-up over which a spread is averaged."""
_FARTHEST: Final = 4.5
"""Normal scores beyond which no length of a ramp-up is looked at: 7 in a million. [1]"""
_STRIDE: Final = 77
"""Scatters the shifts of the scores over the outages; it has no factor in common with 200."""


def share_lost(ramp: RampUp, v: Floats) -> Floats:
    """Share of the severity still lost at a point of the ramp-up.

    Parameters
    ----------
    ramp : RampUp
        Shape of the return.
    v : ndarray
        Days since the restart as a share of the ramp-up, in [0, 1]. [1]

    Returns
    -------
    ndarray
        Share still lost (phi), shaped like `v`. [1]
    """
    match ramp.shape:
        case "linear":
            return 1.0 - v
        case "s_curve":
            return 1.0 - v * v * (3.0 - 2.0 * v)
        case "exponential":
            return (np.exp(-3.0 * v) - _END) / (1.0 - _END)
        case "steps":
            levels = np.asarray(ramp.levels, dtype=float)
            part = np.minimum((v * levels.size).astype(int), levels.size - 1)
            return np.asarray(np.take(levels, part))
        case _:  # never
            return np.ones_like(v)


def lost_until(ramp: RampUp, v: Floats) -> Floats:
    """Integral of `share_lost` from the restart to a point of the ramp-up.

    Parameters
    ----------
    ramp : RampUp
        Shape of the return.
    v : ndarray
        Days since the restart as a share of the ramp-up, in [0, 1]. [1]

    Returns
    -------
    ndarray
        Share of the ramp-up that has been lost, shaped like `v`. [1]
    """
    match ramp.shape:
        case "linear":
            return v * (1.0 - 0.5 * v)
        case "s_curve":
            return v - v**3 + 0.5 * v**4
        case "exponential":
            return (-np.expm1(-3.0 * v) / 3.0 - v * _END) / (1.0 - _END)
        case "steps":
            levels = np.asarray(ramp.levels, dtype=float)
            knots = np.linspace(0.0, 1.0, levels.size + 1)
            return np.interp(v, knots, np.concatenate([[0.0], np.cumsum(levels)]) / levels.size)
        case _:  # never
            return v.copy()


def knots(ramp: RampUp) -> Floats:
    """Return the points inside the ramp-up where `share_lost` jumps, as shares of it."""
    if ramp.levels is None:
        return np.empty(0)
    return np.arange(1, len(ramp.levels)) / len(ramp.levels)


def ramp_days(ramp: RampUp, outage_days: Floats, normal: Floats | float = 0.0) -> Floats:
    """Length of the ramp-up after outages of some length.

    Parameters
    ----------
    ramp : RampUp
        Shape and length of the return.
    outage_days : ndarray
        Whole lengths of the outages. [d]
    normal : ndarray or float, default 0.0
        Standard normal scores of the lengths, broadcast to `outage_days`; 0 is the median. [1]

    Returns
    -------
    ndarray
        ``min(ramp_days x exp(ramp_sigma x normal), max_share_of_outage x outage)``, shaped like
        `outage_days`. [d]
    """
    longest = np.full(outage_days.shape, ramp.ramp_days * np.exp(ramp.ramp_sigma * normal))
    if ramp.max_share_of_outage is not None:
        longest = np.minimum(longest, ramp.max_share_of_outage * outage_days)
    return np.where(longest > _AN_INSTANT, longest, 0.0)


def pairs(ramp: RampUp, outage_days: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what ramp-ups may follow outages of some length.

    Parameters
    ----------
    ramp : RampUp
        Shape and length of the return.
    outage_days : ndarray, shape (..., n)
        Whole lengths of outages that are equally likely along the last axis, n at most 3,200. [d]

    Returns
    -------
    outage_days : ndarray, shape (..., n_pairs)
        Outage of each pair; where the ramp-up has no spread, a pair for each outage. [d]
    ramp_days : ndarray, shape (..., n_pairs)
        Its ramp-up. [d]
    weight : ndarray, shape (n_pairs,) or (1,)
        Weights of the pairs, with mean 1: the mean of ``weight x f`` is the expectation of f. [1]

    Notes
    -----
    The rule of equal steps in the normal score, which for smooth functions is exact to many
    digits; each outage has its steps shifted by another part of their width, so that the errors
    at kinks, such as the limit of `max_share_of_outage`, cancel over the outages. Against a fine
    rule the expected days of loss of an outage with its ramp-up are off by less than 1e-4 of
    themselves up to a `ramp_sigma` of 1.5, and by less than 2e-4 up to 3.
    """
    if ramp.ramp_sigma == 0.0:
        return outage_days, ramp_days(ramp, outage_days), np.ones(1)
    n = outage_days.shape[-1]
    steps = _N_PAIRS // n
    shift = (np.arange(n) * _STRIDE % n + 0.5) / n
    place = (np.arange(steps) + shift[:, np.newaxis]) / steps
    normal = (2.0 * place - 1.0) * _FARTHEST
    weight = np.exp(-0.5 * normal**2)
    weight /= weight.mean(axis=1, keepdims=True)
    whole = np.repeat(outage_days, steps, axis=-1)
    return whole, ramp_days(ramp, whole, normal.ravel()), weight.ravel()
