"""A distribution by its limited means at evenly spaced points: quantiles and tail means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ROUNDING: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Curve:
    """A distribution on ``[0, n step]``.

    Attributes
    ----------
    step
        Spacing of the points. [t]
    limited
        ``E[min(S, x)]`` at the points, shape (n + 1,). [t]
    at_zero
        Probability of no loss. [1]
    atoms_every
        Points between those that may bear an atom; 0 for none but at 0, 1 where nothing lies
        between the points.
    """

    step: float
    limited: Floats
    at_zero: float
    atoms_every: int

    @cached_property
    def _sides(self) -> tuple[Floats, Floats, Floats]:
        """Probability below each point and up to it, and the bump within the cell, shape (n,).

        Over a cell ``F = F0 + (F1 - F0) t + bump t (1 - t)``, whose mean over the cell is known.
        """
        alive = np.diff(self.limited) / self.step  # the mean of P(S > x) over each cell
        mass = -np.diff(alive, prepend=1.0)
        atom = self._atoms(mass)
        # A density spreads half of a point's mass to either side; an atom stays.
        below = 1.0 - alive - 0.5 * (mass - atom) - atom
        if self.atoms_every != 1:
            below[0], atom[0] = 0.0, self.at_zero
            below[1:-1] -= _curvature(mass) * (atom[1:-1] == 0.0)
        both = np.maximum.accumulate(np.column_stack([below, below + atom]).ravel())
        below, upto = both[::2], both[1::2]
        bump = np.zeros_like(upto)
        bump[:-1] = 6.0 * (1.0 - alive[:-1]) - 3.0 * (upto[:-1] + below[1:])
        bump[:-1] *= np.abs(bump[:-1]) < below[1:] - upto[:-1]  # or F would fall
        return below, upto, bump

    def _atoms(self, mass: Floats) -> Floats:
        """Return what stands out of the masses at points that may bear an atom."""
        if self.atoms_every == 1:
            return mass
        atom = np.zeros_like(mass)
        if self.atoms_every:
            places = np.arange(self.atoms_every, len(mass) - 1, self.atoms_every)
            smooth = 0.5 * (mass[places - 1] + mass[places + 1])
            over = mass[places] - smooth
            atom[places] = np.where(over > 1e-3 * smooth + _ROUNDING, over, 0.0)
        return atom

    @property
    def largest_level(self) -> float:
        """Probability up to the last point [1]."""
        return float(self._sides[1][-1])

    def quantile(self, level: float) -> float:
        """Return ``inf{x: F(x) >= level}``; infinite beyond the points [t]."""
        below, upto, bumps = self._sides
        place = int(np.searchsorted(upto, level - _ROUNDING))
        if place == len(upto):
            return float("inf")
        if place == 0 or below[place] < level - _ROUNDING:
            return place * self.step
        wanted, bump = level - upto[place - 1], bumps[place - 1]
        slope = below[place] - upto[place - 1] + bump
        root = np.sqrt(max(slope**2 - 4.0 * bump * wanted, 0.0))
        part = min(max(2.0 * wanted / (slope + root), 0.0), 1.0)
        return float((place - 1 + part) * self.step)

    def probability(self, x: Floats) -> Floats:
        """Return ``F(x)`` at losses up to the last point, shaped like `x` [1]."""
        below, upto, bump = self._sides
        left, part = self._place(x, len(upto) - 2)
        rise = below[left + 1] - upto[left]
        inside = upto[left] + part * (rise + bump[left] * (1.0 - part))
        return np.where(part >= 1.0, upto[left + 1], inside)

    def limited_mean(self, x: float) -> float:
        """Return ``E[min(S, x)]`` at a loss up to the last point [t]."""
        below, upto, bump = self._sides
        left, part = self._place(np.array(x), len(upto) - 2)
        rise = below[left + 1] - upto[left]
        lost = upto[left] + part * (0.5 * rise + bump[left] * (0.5 - part / 3.0))
        return float(self.limited[left] + part * self.step * (1.0 - lost))

    def _place(self, x: Floats, last: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the point to the left, and the part of the cell that lies left of x."""
        place = x / self.step
        left = np.clip((place + 1e-9).astype(np.int64), 0, last)
        return left, np.clip(place - left, 0.0, 1.0)

    def tail_mean(self, level: float, mean: float) -> float:
        """Return the mean of the worst ``1 - level``, from the mean of the whole [t]."""
        value = self.quantile(level)
        return value + max(mean - self.limited_mean(value), 0.0) / (1.0 - level)


def _curvature(mass: Floats) -> Floats:
    """Return what the mean of two cells misses of P(S > x) between them, where that is smooth."""
    bend = mass[2:] - mass[:-2]
    return np.where(np.abs(bend) < 0.1 * mass[1:-1], bend / 12.0, 0.0)
