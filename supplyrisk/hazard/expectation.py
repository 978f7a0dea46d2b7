"""What an onlooker expects of an outage: days of loss still to come, given its age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.hazard import durations, ramps
from supplyrisk.model.duration import Mixture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.model.duration import Duration
    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]

_CANCELS: Final = 1e-8
"""Survival below which the difference of limited means loses too many digits. [1]"""
_N_QUANTILES: Final = 200
"""Equally likely lengths over which the ramp-up, a small part, is averaged."""


def days_to_come(
    duration: Duration, ramp_up: RampUp, elapsed_days: Floats, window_days: Floats | float
) -> Floats:
    """Expected days of loss in the window ahead, for an outage that is running.

    Parameters
    ----------
    duration : Duration
        Distribution of the whole length.
    ramp_up : RampUp
        Return of production after it.
    elapsed_days : ndarray, shape (n,)
        Days that it has run. [d]
    window_days : ndarray, shape (n,), or float
        Length H of the window ahead. [d]

    Returns
    -------
    ndarray, shape (n,)
        ``E[min(D - u, H) | D > u]`` plus the part of the ramp-up inside the window; 0 for ages
        that the outage cannot reach, and the whole window where production never returns. [d]

    Notes
    -----
    ``E[min(D - u, H) | D > u] = (L(u + H) - L(u)) / S(u)`` with L the limited expected value and S
    the survival function. A mixture is the mean of its parts, weighted by their survival. Nobody
    knows the ramp-up of an outage that runs: its part is the mean over its lengths.
    """
    alive = durations.survival(duration, elapsed_days)
    if ramp_up.shape == "never":
        return np.full(elapsed_days.shape, window_days)
    ahead = durations.limited_mean(duration, elapsed_days + window_days)
    window = np.full(elapsed_days.shape, window_days)[:, np.newaxis]
    sure = np.where(alive > 0.0, alive, 1.0)
    outage = (ahead - durations.limited_mean(duration, elapsed_days)) / sure
    whole = _lengths(duration, elapsed_days)
    left = np.minimum(whole - elapsed_days[:, np.newaxis], window).mean(axis=1)
    outage = np.where(alive > _CANCELS, outage, left)
    whole, ramp, weight = ramps.pairs(ramp_up, whole)
    room = window - (whole - elapsed_days[:, np.newaxis])
    share = np.clip(room / np.where(ramp > 0.0, ramp, 1.0), 0.0, 1.0)
    after = (weight * ramp * ramps.lost_until(ramp_up, share)).mean(axis=1)
    return np.where(alive > 0.0, outage + after, 0.0)


def days_to_come_since_start(
    duration: Duration, ramp_up: RampUp, since_days: Floats, window_days: float
) -> Floats:
    """Expected days of loss in the window ahead, for an outage that started some time ago.

    Parameters
    ----------
    duration : Duration
        Distribution of the whole length.
    ramp_up : RampUp
        Return of production after it.
    since_days : ndarray, shape (n,)
        Days since the start; the outage may be running, on its ramp-up, or over. [d]
    window_days : float
        Length of the window ahead. [d]

    Returns
    -------
    ndarray, shape (n,)
        Expected days, seen from the day of the start. [d]
    """
    if ramp_up.shape == "never":
        return np.full(since_days.shape, window_days)
    running = durations.survival(duration, since_days) * days_to_come(
        duration, ramp_up, since_days, window_days
    )
    whole, ramp, weight = ramps.pairs(ramp_up, _lengths(duration, np.zeros(1)))
    into = since_days[:, np.newaxis] - whole
    after = np.where(into >= 0.0, ramp_to_come(ramp_up, ramp, into, window_days), 0.0)
    return np.asarray(running + (weight * after).mean(axis=1))


def ramp_to_come(ramp_up: RampUp, ramp: Floats, into: Floats, window_days: float) -> Floats:
    """Days of loss in the window ahead on a ramp-up of known length.

    Parameters
    ----------
    ramp_up : RampUp
        Its shape.
    ramp : ndarray
        Its length. [d]
    into : ndarray
        Days since the restart. [d]
    window_days : float
        Length of the window ahead. [d]

    Returns
    -------
    ndarray
        Days of loss, broadcast from `ramp` and `into`. [d]
    """
    safe = np.where(ramp > 0.0, ramp, 1.0)
    now = np.clip(into / safe, 0.0, 1.0)
    then = np.clip((into + window_days) / safe, 0.0, 1.0)
    return ramp * (ramps.lost_until(ramp_up, then) - ramps.lost_until(ramp_up, now))


def _lengths(duration: Duration, elapsed_days: Floats) -> Floats:
    """Equally likely whole lengths for each age, shape (n, n_quantiles) [d]."""
    q = (np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES
    if isinstance(duration, Mixture):
        return _lengths_of_mixture(duration, elapsed_days, q)
    columns = np.zeros((_N_QUANTILES, 1))
    columns[:, 0] = q
    out = np.empty((len(elapsed_days), _N_QUANTILES))
    possible = durations.survival(duration, elapsed_days) > 0.0
    for row, (age, can_be) in enumerate(zip(elapsed_days, possible, strict=True)):
        out[row] = durations.draw(duration, columns, elapsed_days=age) if can_be else age
    return out


def _lengths_of_mixture(duration: Mixture, elapsed_days: Floats, q: Floats) -> Floats:
    """Give each part as many of the equally likely lengths as its weight at that age earns."""
    out = np.empty((len(elapsed_days), len(q)))
    weights = np.array([w * durations.survival(part, elapsed_days) for w, part in duration.parts])
    bounds = np.cumsum(weights, axis=0) / np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    lengths = [_lengths(part, elapsed_days) for _, part in duration.parts]
    for row in range(len(elapsed_days)):
        part = np.searchsorted(bounds[:-1, row], q, side="right")
        for number in np.unique(part):
            mine = np.flatnonzero(part == number)
            spread = np.linspace(0, len(q) - 1, len(mine)).round().astype(int)
            out[row, mine] = lengths[number][row, spread]
    return out if duration.max_days is None else np.minimum(out, duration.max_days)
