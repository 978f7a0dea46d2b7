"""A point that stands for an area: inside it, and not at its edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.plot.outlines._topojson import Ring

_GRID = 24
_REFINEMENTS = 3


def interior_point(ring: Ring) -> tuple[float, float]:
    """Find a representative point inside a ring.

    Parameters
    ----------
    ring : ndarray, shape (n_points, 2)
        Closed ring of longitude and latitude that does not cross the antimeridian. [deg]

    Returns
    -------
    longitude, latitude : float
        The centroid when it lies well inside, else the point farthest from the edge. [deg]

    Notes
    -----
    The centroid of a crescent (Vietnam, Croatia) lies in the neighbouring country. "Well inside"
    is at least half as far from the edge as the innermost point, which a grid finds that is
    refined around its best point. Distances are taken on a plane true at the ring's mid latitude.
    """
    mid_latitude = (ring[:, 1].min() + ring[:, 1].max()) / 2.0
    stretch = np.array([np.cos(np.radians(mid_latitude)), 1.0])
    plane = ring * stretch
    innermost, depth = _innermost(plane)
    centroid = _centroid(plane)
    chosen = centroid if _depth(centroid[None, :], plane)[0] >= depth / 2.0 else innermost
    longitude, latitude = chosen / stretch
    return float(longitude), float(latitude)


def _innermost(ring: Ring) -> tuple[NDArray[np.float64], float]:
    low, high = ring.min(axis=0), ring.max(axis=0)
    best, depth = ring[0], -np.inf
    for _ in range(_REFINEMENTS):
        axes = np.linspace(low, high, _GRID).T
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        depths = _depth(grid, ring)
        if depths.max() > depth:
            best, depth = grid[depths.argmax()], float(depths.max())
        reach = (high - low) / _GRID
        low, high = best - reach, best + reach
    return best, depth


def _depth(points: NDArray[np.float64], ring: Ring) -> NDArray[np.float64]:
    """Distance to the ring, negative outside; (n_points,)."""
    start, step = ring[:-1], np.diff(ring, axis=0)
    start, step = start[(step != 0.0).any(axis=1)], step[(step != 0.0).any(axis=1)]
    offset = points[:, None, :] - start
    along = np.clip((offset * step).sum(axis=-1) / (step**2).sum(axis=-1), 0.0, 1.0)
    distance = np.sqrt(((offset - along[..., None] * step) ** 2).sum(axis=-1)).min(axis=1)
    # Even-odd rule: an eastward ray from an inside point crosses the ring an odd number of times.
    end = start + step
    x, y = points[:, :1], points[:, 1:]
    spans = (start[:, 1] > y) != (end[:, 1] > y)
    rise = np.where(step[:, 1] == 0.0, 1.0, step[:, 1])
    crossings = spans & (x < start[:, 0] + (y - start[:, 1]) / rise * step[:, 0])
    inside = crossings.sum(axis=1) % 2 == 1
    signed: NDArray[np.float64] = np.where(inside, distance, -distance)
    return signed


def _centroid(ring: Ring) -> NDArray[np.float64]:
    shifted = ring - ring[0]  # keeps small islands from drowning in rounding
    here, there = shifted[:-1], shifted[1:]
    cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
    weighted = ((here + there) * cross[:, None]).sum(axis=0)
    centroid: NDArray[np.float64] = weighted / (3.0 * cross.sum()) + ring[0]
    return centroid
