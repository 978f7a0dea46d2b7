"""How a price answers lost supply: array kernels, numbers in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LOWEST_RATIO: Final = 0.2
"""Lowest price that a surplus leads to, against the price before. [1]"""
NOISE_DEGREES: Final = 4.0
"""Degrees of freedom of the Student-t steps of the baseline noise. [1]"""
NOISE_CUT: Final = 25.0
"""Largest step of the noise in scale units: without a cut the mean price would be infinite. [1]"""


def price_ratio(shortfall: ArrayLike, elasticity_sum: ArrayLike, *, choke_ratio: float) -> Floats:
    """Price against the price before, for an expected shortfall of supply.

    Parameters
    ----------
    shortfall : array_like
        Expected share of a year's supply that is missing. [1]
    elasticity_sum : array_like
        ``elasticity_supply - elasticity_demand``, above 0; broadcasts with `shortfall`. [1]
    choke_ratio : float
        Upper bound of the ratio. [1]

    Returns
    -------
    ndarray
        ``1 + shortfall / elasticity_sum``, between 0.2 and `choke_ratio`. [1]

    Notes
    -----
    Linear in the shortfall: a constant elasticity explodes for large ones. Not validated for
    shortfalls above a quarter of supply.

    Examples
    --------
    >>> float(price_ratio(0.035, 0.35, choke_ratio=4.0))
    1.1
    """
    ratio = 1.0 + np.asarray(shortfall, dtype=float) / np.asarray(elasticity_sum, dtype=float)
    return np.asarray(np.clip(ratio, LOWEST_RATIO, choke_ratio))


def noise_factor(steps: Floats, days: Floats, *, volatility_pa: float) -> Floats:
    """Baseline noise of the price: a random walk with heavy-tailed steps.

    Parameters
    ----------
    steps : ndarray, shape (n_scenarios, n_steps)
        Independent Student-t numbers with `NOISE_DEGREES` degrees of freedom. [1]
    days : ndarray, shape (n_steps,)
        Length of each step. [d]
    volatility_pa : float
        Standard deviation of the logarithm over a year. [1/sqrt(a)]

    Returns
    -------
    ndarray, shape (n_scenarios, n_steps)
        Factor on the last quote at the end of each step; its median is 1. [1]

    Notes
    -----
    A Student-t number with v degrees has variance v/(v - 2), which is divided out. The exponential
    of one has no mean, so steps are cut at `NOISE_CUT` scale units (probability 1.5e-5 each).
    """
    unit = np.sqrt((NOISE_DEGREES - 2.0) / NOISE_DEGREES)
    scale = volatility_pa * np.sqrt(days / DAYS_PER_YEAR)
    walk = np.clip(steps, -NOISE_CUT, NOISE_CUT)
    walk *= unit * scale
    np.cumsum(walk, axis=1, out=walk)
    return np.exp(walk, out=walk)


def implied_elasticity_sum(shortfall: float, ratio: float) -> float:
    """Elasticity sum by which a shortfall explains an observed price ratio.

    Parameters
    ----------
    shortfall : float
        Expected share of a year's supply that is missing. [1]
    ratio : float
        Observed price against the price before. [1]

    Returns
    -------
    float
        ``shortfall / (ratio - 1)``; not a number where the price did not move that way. [1]
    """
    move = ratio - 1.0
    return shortfall / move if move * shortfall > 0.0 else float("nan")
