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


def ramp_days(ramp: RampUp, outage_days: Floats) -> Floats:
    """Length of the ramp-up after outages of some length.

    Parameters
    ----------
    ramp : RampUp
        Shape and longest length of the return.
    outage_days : ndarray
        Whole lengths of the outages. [d]

    Returns
    -------
    ndarray
        ``min(ramp_days, max_share_of_outage x outage)``, shaped like `outage_days`. [d]
    """
    longest = np.full(outage_days.shape, float(ramp.ramp_days))
    if ramp.max_share_of_outage is not None:
        longest = np.minimum(longest, ramp.max_share_of_outage * outage_days)
    return np.where(longest > _AN_INSTANT, longest, 0.0)
