"""Piecewise Chebyshev interpolation of a function that is costly to evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ORDER: Final = 12
"""Nodes, and coefficients, of each piece."""
_WIDEST: Final = 0.25
"""Widest piece, as the logarithm of its ends' ratio. [1]"""
_CLOSE: Final = 1e-13
"""Error at which a piece is no longer halved, as a share of the function at its upper end. [1]"""
_HALVINGS: Final = 12
"""Times that a piece is halved at most."""
_PLACES: Final = (2 * np.arange(_ORDER) + 1) * np.pi / (2 * _ORDER)
_NODES: Final[Floats] = np.cos(_PLACES)
_TO_COEFFICIENTS: Final[Floats] = (
    np.cos(np.outer(np.arange(_ORDER), _PLACES))
    * np.where(np.arange(_ORDER) == 0, 1.0, 2.0)[:, np.newaxis]
    / _ORDER
)


@dataclass(frozen=True, slots=True)
class Piecewise:
    """A function as Chebyshev series on pieces that meet at the points where it has kinks.

    Attributes
    ----------
    edges
        Ends of the pieces, ascending, shape (n_pieces + 1,).
    coefficients
        Of the Chebyshev series of each piece, shape (n_coefficients, n_pieces).
    """

    edges: Floats
    coefficients: Floats

    def __call__(self, x: Floats) -> Floats:
        """Return the function at ascending points within the edges, shape (n,)."""
        inner = np.searchsorted(x, self.edges[1:-1])
        starts = [0, *inner.tolist()]
        ends = [*starts[1:], len(x)]
        out = np.empty(len(x))
        for piece, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if end > start:
                low, high = self.edges[piece], self.edges[piece + 1]
                t = (2.0 * x[start:end] - (low + high)) / (high - low)
                out[start:end] = _series(self.coefficients[:, piece], t)
        return out

    def scattered(self, x: Floats) -> Floats:
        """Return the function at points in any order within the edges, shaped like `x`."""
        order = np.argsort(x, axis=None)
        out = np.empty(x.size)
        out[order] = self(x.ravel()[order])
        return out.reshape(x.shape)

    def integral(self, end: float) -> float:
        """Integral from the first edge to a point within the edges."""
        full = int(np.searchsorted(self.edges[1:], end, side="right"))
        even = np.arange(0, self.coefficients.shape[0], 2)
        weights = 1.0 / (1.0 - even**2.0)  # half the integral of each even Chebyshev polynomial
        widths = np.diff(self.edges[: full + 1])
        total = float(weights @ self.coefficients[::2, :full] @ widths)
        if full < self.coefficients.shape[1]:
            half = 0.5 * (end - self.edges[full])
            nodes, rule = np.polynomial.legendre.leggauss(_ORDER)
            total += half * float(rule @ self(self.edges[full] + half * (nodes + 1.0)))
        return total


def interpolate(
    function: Callable[[Floats], Floats], low: float, high: float, kinks: Floats
) -> Piecewise:
    """Interpolate a rising function of a positive variable.

    Parameters
    ----------
    function : callable
        Takes an array of shape (n,) and returns one; smooth between kinks, and rising.
    low, high : float
        Ends of the interval, ``0 < low < high``.
    kinks : ndarray
        Points at which the function is not smooth; those outside the interval do not count.

    Returns
    -------
    Piecewise
        Twelve coefficients a piece; pieces are halved until the last ones are negligible.
    """
    n_pieces = max(int(np.ceil(np.log(high / low) / _WIDEST)), 1)
    edges = np.geomspace(low, high, n_pieces + 1)
    edges = np.union1d(edges, kinks[(kinks > low) & (kinks < high)])
    edges = np.delete(edges, np.flatnonzero(np.diff(edges) <= 1e-12 * edges[1:]))
    left, right = edges[:-1], edges[1:]
    done: list[tuple[Floats, Floats, Floats]] = []
    for halving in range(_HALVINGS + 1):
        coefficients, rough = _fit(function, left, right)
        if halving == _HALVINGS:
            rough[:] = False
        done.append((left[~rough], right[~rough], coefficients[:, ~rough]))
        left, right = left[rough], right[rough]
        if not len(left):
            break
        middle = np.sqrt(left * right)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    left, right = (np.concatenate([part[side] for part in done]) for side in (0, 1))
    order = np.argsort(left)
    coefficients = np.concatenate([part[2] for part in done], axis=1)[:, order]
    return Piecewise(np.append(left[order], right[order][-1]), coefficients)


def _fit(
    function: Callable[[Floats], Floats], left: Floats, right: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the coefficients of each piece, and whether it is to be halved."""
    x = 0.5 * ((left + right) + (right - left) * _NODES[:, np.newaxis])
    values = function(x.ravel()).reshape(x.shape)
    coefficients = _TO_COEFFICIENTS @ values
    last = np.abs(coefficients[-3:]).max(axis=0)
    return coefficients, last > _CLOSE * np.abs(values).max(axis=0)


def _series(coefficients: Floats, t: Floats) -> Floats:
    """Sum a Chebyshev series by Clenshaw's recurrence."""
    twice = 2.0 * t
    later, last = np.zeros_like(t), np.full_like(t, coefficients[-1])
    for c in coefficients[-2:0:-1]:
        later, last = last, c + twice * last - later
    return np.asarray(coefficients[0] + t * last - later)
