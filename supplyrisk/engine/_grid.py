"""Sums of losses on a grid, by fast Fourier transform with exponential tilting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine._pools import Pool

    Floats = NDArray[np.float64]
    Complexes = NDArray[np.complex128]

TILT: Final = 20.0
"""Exponent of the tilt over the whole transform: what wraps around is damped by exp(-20). [1]"""


class CappedSite(NamedTuple):
    """A site whose loss of a year is limited, apart from all others.

    Attributes
    ----------
    site_id
        The site.
    pools
        Its hazards.
    limit
        Most that it can lose in a year. [t]
    """

    site_id: str
    pools: tuple[Pool, ...]
    limit: float


@dataclass(frozen=True)
class Grid:
    """Points ``0, step, ..., n step``, in the first half of a transform of ``2 n`` points.

    Attributes
    ----------
    step
        Spacing. [t]
    n
        Cells.
    tilt
        Exponent of the tilt over the transform; 0 for none. [1]
    """

    step: float
    n: int
    tilt: float = TILT

    @cached_property
    def points(self) -> Floats:
        """The points, shape (n + 1,) [t]."""
        return np.arange(self.n + 1, dtype=np.float64) * self.step

    @cached_property
    def damping(self) -> Floats:
        """Weight that the tilt gives to each point, shape (n + 1,) [1]."""
        return np.asarray(np.exp(-self.tilt / (2 * self.n) * np.arange(self.n + 1)))

    def coarse(self) -> Grid:
        """Return the grid of twice the step."""
        return Grid(2.0 * self.step, self.n // 2, self.tilt)

    def transform(self, mass: Floats) -> Complexes:
        """Return the transform of masses at the points, shape (n + 1,)."""
        return np.asarray(fft.rfft(mass * self.damping, 2 * self.n))

    def mass(self, transform: Complexes) -> Floats:
        """Return the masses at the points of a transform, shape (n + 1,)."""
        mass: Floats = fft.irfft(transform, 2 * self.n)[: self.n + 1] / self.damping
        return mass

    def spread(self, limited_mean: Floats) -> Floats:
        """Return the masses at points above 0 that keep the limited means at all points.

        The hat of Gerber's mean-preserving method: ``(2 L_j - L_(j-1) - L_(j+1)) / step``; the
        last point takes what lies beyond.
        """
        alive = np.diff(limited_mean) / self.step
        mass = np.zeros(self.n + 1)
        mass[1:-1] = alive[:-1] - alive[1:]
        mass[-1] = alive[-1]
        return mass

    def split(self, loss: Floats, rate: Floats) -> Floats:
        """Split known losses over the two points beside each; the last point takes the rest."""
        place = np.minimum(loss / self.step, float(self.n))
        place = np.where(np.abs(place - np.round(place)) < 1e-7, np.round(place), place)
        left = np.minimum(np.floor(place).astype(np.int64), self.n - 1)
        upper = (place - left) * rate
        mass = np.bincount(left, rate - upper, minlength=self.n + 1)
        mass += np.bincount(left + 1, upper, minlength=self.n + 1)
        mass[0] = 0.0
        return np.asarray(mass, dtype=float)


def event_mass(pool: Pool, grid: Grid) -> Floats:
    """Return the rates of the events of a pool's sources by loss, shape (n + 1,) [1/a]."""
    mass = grid.spread(pool.limited_mean(grid.points)) if pool.table else np.zeros(grid.n + 1)
    known = pool.known
    return mass + grid.split(known.scale, known.rate) if len(known.scale) else mass


def exponent(pool: Pool, grid: Grid) -> Complexes:
    """Return the sum of ``rate (cf - 1)`` over a pool's events, given a gamma factor of 1.

    Parameters
    ----------
    pool : Pool
        Hazards, tabulated.
    grid : Grid
        Points.

    Returns
    -------
    ndarray, shape (n + 1,)
        On the frequencies of the transform, tilted.
    """
    mass = event_mass(pool, grid)
    psi: Complexes = grid.transform(mass) - mass.sum()
    for joint in pool.joints:
        event = np.ones_like(psi)
        for site in joint.sites:
            event *= 1.0 + joint.hit * exponent(site, grid)
        psi += joint.rate * (event - 1.0)
    return psi


def pool_transform(pools: Sequence[Pool], grid: Grid) -> Complexes:
    """Return the transform of the sum of pools: ``exp(psi)``, or ``(1 - psi / k) ** -k``."""
    total = np.zeros(grid.n + 1, dtype=np.complex128)
    for pool in pools:
        psi = exponent(pool, grid)
        total += psi if pool.shape is None else -pool.shape * np.log1p(-psi / pool.shape)
    return np.asarray(np.exp(total))


def site_mass(site: CappedSite, grid: Grid) -> Floats:
    """Return the law of the year's loss of a capped site on the grid, shape (n + 1,).

    Parameters
    ----------
    site : CappedSite
        The site.
    grid : Grid
        Points.

    Returns
    -------
    ndarray, shape (n + 1,)
        Masses that keep the limited means.
    """
    limit = site.limit / grid.step
    n = 4
    while n < min(math.ceil(limit) + 2, grid.n):
        n *= 2
    own = Grid(grid.step, min(n, grid.n), grid.tilt)
    limited = limited_means(own, own.mass(pool_transform(site.pools, own)))
    limited = np.interp(np.minimum(np.arange(grid.n + 1), limit), np.arange(own.n + 1), limited)
    mass = grid.spread(limited)
    mass[0] = 1.0 - mass.sum()
    return mass


def total_transform(pools: Sequence[Pool], capped: Sequence[CappedSite], grid: Grid) -> Complexes:
    """Return the transform of the whole loss of a year."""
    total = pool_transform(pools, grid)
    for site in capped:
        total *= grid.transform(site_mass(site, grid))
    return total


def limited_means(grid: Grid, mass: Floats) -> Floats:
    """Return ``E[min(S, x)]`` at the points from masses at the points, shape (n + 1,) [t]."""
    beyond = 1.0 - np.cumsum(mass[:-1])
    return np.concatenate([[0.0], np.cumsum(beyond)]) * grid.step
