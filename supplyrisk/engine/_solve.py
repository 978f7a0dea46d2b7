"""The distribution of a compound sum: choice of the grid, two steps, and their extrapolation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import fft

from supplyrisk.engine._curve import Curve
from supplyrisk.engine._grid import Grid, limited_means, total_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from supplyrisk.engine._compound_model import CompoundModel
    from supplyrisk.engine._grid import CappedSite

    Complexes = NDArray[np.complex128]
    Floats = NDArray[np.float64]

SMALLEST: Final = 2**16
"""Cells of the first grid."""
LARGEST: Final = 2**20
"""Cells of the finest grid."""
LEVELS: Final = (0.9, 0.95, 0.98, 0.99, 0.995, 0.996, 0.998, 0.999)
"""Levels at which the two steps are compared."""
_SEARCH: Final = 2**12
"""Cells of the grids that look for the range."""
_MOST_ATOMS: Final = 40
"""Different known losses for which a common step is sought."""
_MOST_PARTS: Final = 1_000
"""Largest denominator of the ratio of two known losses."""


class MomentCheck(NamedTuple):
    """Moments with every event cut at the end of a grid: those of the grid, and the analytic ones.

    Attributes
    ----------
    mean, sd
        Of the masses on the grid. [t/a]
    expected_mean, expected_sd
        From the limited moments of the events. [t/a]
    """

    mean: float
    sd: float
    expected_mean: float
    expected_sd: float


class Lattice(NamedTuple):
    """How laws are computed on the grid.

    Attributes
    ----------
    grid
        The fine grid.
    atoms_every
        Points of the result between those that may bear an atom.
    is_extrapolated
        Whether two steps are taken and extrapolated.
    """

    grid: Grid
    atoms_every: int
    is_extrapolated: bool

    def curves(self, transform: Callable[[Grid], Complexes], nothing: float) -> tuple[Curve, Curve]:
        """Return the law of a transform: the best that can be had, and that of the fine step."""
        every = self.atoms_every
        limited = limited_means(self.grid, self.grid.mass(transform(self.grid)))
        fine = Curve(self.grid.step, limited, nothing, 2 * every if every > 1 else every)
        if not self.is_extrapolated:
            return fine, fine
        coarse = self.grid.coarse()
        rough = limited_means(coarse, coarse.mass(transform(coarse)))
        # The hat adds to limited means what is proportional to the squared step.
        return Curve(coarse.step, (4.0 * limited[::2] - rough) / 3.0, nothing, every), fine


@dataclass(frozen=True, eq=False)
class Solution:
    """The law of the year's loss.

    Attributes
    ----------
    mean, sd
        Moments. [t/a]
    lattice
        The grid.
    curve
        The law, extrapolated where it can be.
    fine
        The law at the fine step alone.
    atoms
        How known losses are held: ``"none"``, ``"lattice"``, ``"on the grid"`` or ``"split"``.
    """

    mean: float
    sd: float
    lattice: Lattice
    curve: Curve
    fine: Curve
    atoms: str


def solve(model: CompoundModel, largest_level: float, tolerance: float) -> Solution | None:
    """Compute the law of the year's loss.

    Parameters
    ----------
    model : CompoundModel
        The sum.
    largest_level : float
        Level up to which quantiles are wanted. [1]
    tolerance : float
        Relative error of quantiles and tail means that is aimed at. [1]

    Returns
    -------
    Solution or None
        None if nothing is ever lost.
    """
    if not model.every_pool:
        return None
    pools = model.every_pool
    mean = sum(pool.mean for pool in pools)
    sd = math.sqrt(sum(pool.variance for pool in pools))
    # Cantelli: P(S >= mean + c sd) <= 1 / (1 + c^2).
    bound = mean + sd * math.sqrt(largest_level / (1.0 - largest_level))
    largest = max((float(p.atoms[-1]) for p in pools if len(p.atoms)), default=0.0)
    bound = 1.1 * max(bound, largest)
    for pool in pools:
        pool.tabulate(4.5 * bound)
    reach = _range(model, bound, largest_level)
    common = _common_step(_known_losses(model))
    n = SMALLEST
    while True:
        solution = _at(model, reach, n, common, (mean, sd))
        if solution.fine.largest_level < largest_level and reach < bound:
            reach = min(1.5 * reach, 1.5 * bound)
        elif solution.atoms == "lattice" or n >= LARGEST or change(solution) <= tolerance:
            return solution
        else:
            n *= 2


def change(solution: Solution) -> float:
    """Largest relative difference between the extrapolated law and the fine step [1]."""
    worst = 0.0
    for level in LEVELS:
        if level > solution.curve.largest_level:
            continue
        for one, other in (
            (solution.curve.quantile(level), solution.fine.quantile(level)),
            (
                solution.curve.tail_mean(level, solution.mean),
                solution.fine.tail_mean(level, solution.mean),
            ),
        ):
            if one > 0.0:
                worst = max(worst, abs(other / one - 1.0))
    return worst


def moments_on_grid(model: CompoundModel, solution: Solution) -> MomentCheck:
    """Compare the moments of a wide, undamped grid with the analytic ones.

    Parameters
    ----------
    model : CompoundModel
        The sum, tabulated.
    solution : Solution
        Its law.

    Returns
    -------
    MomentCheck
        Both, with every event cut where that grid ends.
    """
    base = solution.lattice.grid
    times = 4 if solution.lattice.atoms_every != 1 else 1
    grid = Grid(base.step * times, base.n, tilt=0.0)
    end = grid.step * grid.n
    transform = total_transform(model.pools, model.capped, grid)
    mass = fft.irfft(transform, 2 * grid.n)
    loss = np.arange(2 * grid.n) * grid.step
    mean = float(mass @ loss)
    sd = math.sqrt(max(float(mass @ (loss - mean) ** 2), 0.0))
    expected, variance = 0.0, 0.0
    for pool in model.pools:
        first, second = pool.cut_moments(end)
        expected += first
        variance += second + (0.0 if pool.shape is None else first**2 / pool.shape)
    for site in model.capped:
        first, second = capped_moments(site, base)
        expected += first
        variance += second - first**2
    return MomentCheck(mean, sd, expected, math.sqrt(variance))


def _range(model: CompoundModel, bound: float, level: float) -> float:
    """Shrink a bound of the quantile to the quantile, by coarse grids."""
    reach = bound
    for _ in range(40):
        grid = Grid(reach / _SEARCH, _SEARCH)
        curve = _curve(model, grid)
        quantile = min(curve.quantile(level), reach)
        wanted = max(1.3 * (quantile + 2.0 * grid.step), reach / 64.0)
        if wanted > 0.5 * reach:
            break
        reach = wanted
    return min(1.05 * (quantile + 4.0 * grid.step), bound)


def _curve(model: CompoundModel, grid: Grid) -> Curve:
    mass = grid.mass(total_transform(model.pools, model.capped, grid))
    return Curve(grid.step, limited_means(grid, mass), no_loss(model), 0)


def no_loss(model: CompoundModel) -> float:
    """Probability that the year brings no loss [1]."""
    chance = 1.0
    for pool in model.every_pool:
        rate, k = pool.rate, pool.shape
        chance *= math.exp(-rate if k is None else -k * math.log1p(rate / k))
    return chance


def _at(
    model: CompoundModel,
    reach: float,
    n: int,
    common: float | None,
    moments: tuple[float, float],
) -> Solution:
    """Compute the law on a grid of about n cells."""
    atoms, every, step = "none", 0, reach / n
    if common is not None and all(pool.is_lattice for pool in model.every_pool):
        if reach / common <= LARGEST:
            atoms, every, step = "lattice", 1, common
            n = _even(reach / common + 2.0)
        else:
            atoms = "split"
    elif common is not None and common >= 16.0 * step:
        every = math.ceil(0.5 * common / step)
        atoms, step = "on the grid", 0.5 * common / every
        n = _even(reach / step)
    elif any(len(pool.atoms) for pool in model.every_pool) or model.capped:
        atoms = "split"
    grid = Grid(step, n)
    lattice = Lattice(grid, every, atoms in {"none", "on the grid"})

    def transform(grid: Grid) -> Complexes:
        return total_transform(model.pools, model.capped, grid)

    curve, fine = lattice.curves(transform, no_loss(model))
    mean, sd = _with_caps(model, grid, moments)
    return Solution(mean, sd, lattice, curve, fine, atoms)


def _even(cells: float) -> int:
    """Return an even number of cells, at least as many, that suits the transform."""
    return 2 * int(fft.next_fast_len(math.ceil(0.5 * cells), real=True))


def _with_caps(
    model: CompoundModel, grid: Grid, moments: tuple[float, float]
) -> tuple[float, float]:
    """Return mean and standard deviation, those of capped sites taken from grids of their own."""
    if not model.capped:
        return moments
    mean = sum(pool.mean for pool in model.pools)
    variance = sum(pool.variance for pool in model.pools)
    for site in model.capped:
        first, second = capped_moments(site, grid)
        mean += first
        variance += second - first**2
    return mean, math.sqrt(variance)


def capped_moments(site: CappedSite, grid: Grid) -> tuple[float, float]:
    """Mean and mean square of a capped site's year, by two steps and their extrapolation."""
    atoms = np.unique(np.concatenate([pool.atoms for pool in site.pools]))
    step = _common_step(atoms) if all(pool.is_lattice for pool in site.pools) else None
    if step is not None and site.limit / step < grid.n:
        return _limited_moments(site, Grid(step, math.ceil(site.limit / step) + 1))
    n = min(grid.n, 2**14)
    (fine, fine_2), (coarse, coarse_2) = (
        _limited_moments(site, Grid(site.limit / cells, cells)) for cells in (n, n // 2)
    )
    return (4.0 * fine - coarse) / 3.0, (4.0 * fine_2 - coarse_2) / 3.0


def _limited_moments(site: CappedSite, grid: Grid) -> tuple[float, float]:
    limited = limited_means(grid, grid.mass(total_transform(site.pools, (), grid)))
    points = np.append(grid.points[grid.points < site.limit], site.limit)
    limited = np.interp(points, grid.points, limited)
    # E[min(S, c)^2] is twice the integral of x P(S > x).
    area = float(np.trapezoid(limited, points))
    return float(limited[-1]), 2.0 * (site.limit * float(limited[-1]) - area)


def _known_losses(model: CompoundModel) -> Floats:
    """Return the losses of events and of capped years that have a probability of their own [t]."""
    found = [pool.atoms for pool in model.every_pool]
    found.append(np.array([site.limit for site in model.capped]))
    return np.unique(np.concatenate(found))


def _common_step(atoms: Floats) -> float | None:
    """Return a step of which all losses, ascending, are multiples, if there is one."""
    if not len(atoms) or len(atoms) > _MOST_ATOMS:
        return None
    parts = 1
    for ratio in (atoms / atoms[0]).tolist():
        near = Fraction(ratio).limit_denominator(_MOST_PARTS)
        if abs(float(near) / ratio - 1.0) > 1e-12:
            return None
        parts = math.lcm(parts, near.denominator)
    return float(atoms[0]) / parts
