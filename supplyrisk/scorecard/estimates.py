"""Figures of a commodity with their intervals, the stage that binds first."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.analysis._indicator_rows import LOWER_IS_RISKIER
from supplyrisk.engine.streams import StreamTable

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

N_DRAWS: Final = 2_000
"""Draws behind every 90 % range."""
_REACH: Final = NormalDist().inv_cdf(0.95)


class Estimate(NamedTuple):
    """A figure with its 90 % interval and the share of its inputs that is known.

    Attributes
    ----------
    value
        The figure; not a number where it is not known.
    low, high
        Ends of the interval; not numbers where there is none.
    coverage
        Share of its inputs that is known. [1]
    """

    value: float
    low: float
    high: float
    coverage: float

    @property
    def is_known(self) -> bool:
        """Whether there is a value that anything is known of."""
        return bool(np.isfinite(self.value)) and self.coverage > 0.0


UNKNOWN: Final = Estimate(np.nan, np.nan, np.nan, 0.0)


def estimates(rows: pd.DataFrame) -> dict[str, Estimate]:
    """Return the figures of one commodity by name; of several stages, that of the riskiest.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows with name, value, ci_low, ci_high and coverage; those without a value are left out.

    Returns
    -------
    dict of str to Estimate
        A figure for each name that is known at any stage.
    """
    found: dict[str, Estimate] = {}
    columns = ["name", "value", "ci_low", "ci_high", "coverage"]
    for name, *figures in rows[columns].itertuples(index=False, name=None):
        one = Estimate(*map(float, figures))
        if one.is_known and (name not in found or riskier(name, one.value, found[name].value)):
            found[name] = one
    return found


def riskier(name: str, value: float, other: float) -> bool:
    """Whether one value of an indicator is riskier than another."""
    return value < other if name in LOWER_IS_RISKIER else value > other


def stream(seed: int, *key: str) -> np.random.Generator:
    """Return the random stream of a figure: by its name, whatever else is drawn."""
    return StreamTable(seed).block(0).stream("scorecard", *key)


def drawn(estimate: Estimate, seed: int, *key: str) -> Floats:
    """Draw values of a figure.

    Parameters
    ----------
    estimate : Estimate
        The figure; without an interval every draw is its value.
    seed : int
        Seed.
    *key : str
        Name of its stream.

    Returns
    -------
    ndarray, shape (N_DRAWS,)
        Draws of a normal law in two halves, with the median and the 5 % and 95 % quantiles given.
    """
    normal = stream(seed, *key).standard_normal(N_DRAWS) / _REACH
    below = np.fmax(estimate.value - estimate.low, 0.0)
    above = np.fmax(estimate.high - estimate.value, 0.0)
    return np.asarray(estimate.value + normal * np.where(normal < 0.0, below, above))
