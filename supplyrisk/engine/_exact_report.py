"""How an exact law was computed, and how far it may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplyrisk.engine import _solve

if TYPE_CHECKING:
    from supplyrisk.engine._compound_model import CompoundModel
    from supplyrisk.engine._solve import Solution

_ROUNDING: Final = 1e-11
"""Rounding of a probability after the tilt is undone: 2^-53 exp(10), and some more. [1]"""
_WORST_LEVEL: Final = 0.999
"""Level up to which the stated error holds. [1]"""
_NUMBERS: Final = (
    "step_t",
    "tilt",
    "range_t",
    "beyond_range",
    "aliasing",
    "change",
    "mean_t",
    "sd_t",
    "grid_mean_t",
    "grid_sd_t",
    "error",
)
_ATOMS: Final = {
    "none": "no loss but 0 has a probability of its own",
    "lattice": "all losses are multiples of the step: quantiles are exact",
    "on the grid": "losses with a probability of their own lie on grid points",
    "split": (
        "losses with a probability of their own are split over the two grid points beside each: "
        "a quantile that falls on one is off by up to a step"
    ),
}


@dataclass(frozen=True, kw_only=True)
class ExactReport:
    """How an exact law was computed, and how far it may be off.

    Attributes
    ----------
    step_t
        Step of the finer grid. [t]
    n_points
        Points of that grid; the transform has twice as many, the rest being padding.
    tilt
        Exponent of the exponential tilt over the transform. [1]
    range_t
        End of the grid. [t]
    beyond_range
        Probability of a year that loses more than that. [1]
    aliasing
        Bound of the probability that wraps around into the grid. [1]
    change
        Largest relative difference, over quantiles and tail means at eight levels, between the
        finer step alone and the extrapolation from two steps: above the error of the latter. [1]
    mean_t, sd_t
        Analytic moments with each event's loss cut where a coarse, wide grid ends. [t/a]
    grid_mean_t, grid_sd_t
        Moments of the masses on that grid, without a tilt. [t/a]
    atoms
        How losses that have a probability of their own are held, in words.
    error
        Stated relative error of quantiles and tail means at levels from 0.9 to 0.999. [1]
    """

    step_t: float
    n_points: int
    tilt: float
    range_t: float
    beyond_range: float
    aliasing: float
    change: float
    mean_t: float
    sd_t: float
    grid_mean_t: float
    grid_sd_t: float
    atoms: str
    error: float

    def __str__(self) -> str:
        """Say it in a few lines."""
        return (
            f"{self.n_points:,} points of {self.step_t:.6g} t up to {self.range_t:.6g} t, "
            f"tilt {self.tilt:g}\n"
            f"aliasing below {self.aliasing:.1e}; mass beyond the grid {self.beyond_range:.1e}\n"
            f"mean {self.grid_mean_t:.9g} t on the grid, {self.mean_t:.9g} t analytic; "
            f"sd {self.grid_sd_t:.9g} and {self.sd_t:.9g} t\n"
            f"change by extrapolation {self.change:.1e}; stated error {self.error:.1e}\n"
            f"{self.atoms}"
        )


def report_of(model: CompoundModel, solution: Solution | None) -> ExactReport:
    """Return the report of a solution; of nothing, if nothing is ever lost."""
    if solution is None:
        return ExactReport(**dict.fromkeys(_NUMBERS, 0.0), n_points=1, atoms=_ATOMS["lattice"])
    grid = solution.lattice.grid
    moments = _solve.moments_on_grid(model, solution)
    beyond = max(1.0 - solution.curve.largest_level, 0.0)
    # What wraps around has lost more than the transform spans, twice the range.
    aliasing = math.exp(-grid.tilt) * beyond
    change = _solve.change(solution)
    error = change + (aliasing + _ROUNDING) / (1.0 - _WORST_LEVEL)
    if solution.atoms == "split":
        error += grid.step / max(solution.curve.quantile(0.9), grid.step)
    return ExactReport(
        step_t=grid.step,
        n_points=grid.n + 1,
        tilt=grid.tilt,
        range_t=grid.step * grid.n,
        beyond_range=beyond,
        aliasing=aliasing,
        change=change,
        mean_t=moments.expected_mean,
        sd_t=moments.expected_sd,
        grid_mean_t=moments.mean,
        grid_sd_t=moments.sd,
        atoms=_ATOMS[solution.atoms],
        error=error,
    )
