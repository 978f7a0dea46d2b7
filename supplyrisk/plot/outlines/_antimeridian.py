"""Cut rings at the 180th meridian, so that none draws a line across the world.

Natural Earth's rings run over the antimeridian as on a globe: from 179.9 to -179.9 is a short
step.  On a flat map it is a stroke from one edge to the other.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.plot.outlines._topojson import Ring

# Smaller than any island kept at 1:110m or 1:50m: what a cut leaves along the meridian itself.
_SLIVER_SQUARE_DEG = 1e-6


def flatten(ring: Ring) -> tuple[Ring, ...]:
    """Lay a ring of the globe on a flat map.

    Parameters
    ----------
    ring : ndarray, shape (n_points, 2)
        Closed ring of longitude and latitude. [deg]

    Returns
    -------
    tuple of ndarray, each of shape (n_points, 2)
        Closed rings within [-180, 180]: the ring itself when it does not cross the antimeridian,
        else its parts on either side; empty when nothing but a sliver remains. A ring around a
        pole runs along the pole's edge of the map. [deg]
    """
    if np.abs(np.diff(ring[:, 0])).max() <= 180.0:
        return (ring,)
    unrolled = _unroll(ring)
    copies = (unrolled + np.array([turn, 0.0]) for turn in (-360.0, 0.0, 360.0))
    parts = (_keep(_keep(copy, limit=-180.0, side=1), limit=180.0, side=-1) for copy in copies)
    return tuple(part for part in parts if abs(signed_area(part)) > _SLIVER_SQUARE_DEG)


def signed_area(ring: Ring) -> float:
    """Area of a ring on the flat map, positive when it runs counter-clockwise [deg^2].

    Parameters
    ----------
    ring : ndarray, shape (n_points, 2)
        Closed ring of longitude and latitude. [deg]

    Returns
    -------
    float
        Shoelace area. [deg^2]
    """
    if len(ring) == 0:
        return 0.0
    lon, lat = (ring - ring[0]).T
    return float(lon[:-1] @ lat[1:] - lon[1:] @ lat[:-1]) / 2.0


def _unroll(ring: Ring) -> Ring:
    """Make longitude continuous; a ring that circles a pole is closed along it."""
    # Start behind the jump: a pole's ring then has its seam at the edge of the map.
    start = int(np.argmax(np.abs(np.diff(ring[:, 0])))) + 1
    points = np.concatenate([ring[start:-1], ring[: start + 1]])
    points[:, 0] = np.unwrap(points[:, 0], period=360.0)
    turn = points[-1, 0] - points[0, 0]
    if abs(turn) < 180.0:
        return points
    pole = float(np.copysign(90.0, points[:, 1].mean()))
    # In steps, because a single edge back would be the jump that this module removes.
    along_pole = np.linspace(points[-1, 0], points[0, 0], 9)
    edge = np.column_stack([along_pole, np.full(along_pole.size, pole)])
    return np.concatenate([points, edge, points[:1]])


def _keep(ring: Ring, *, limit: float, side: int) -> Ring:
    """Clip a ring to one side of a meridian: side 1 keeps the east of it (Sutherland-Hodgman)."""
    if len(ring) == 0:
        return ring
    kept = list(_walk(ring, limit, side))
    return np.array([*kept, kept[0]]) if kept else ring[:0]


def _walk(ring: Ring, limit: float, side: int) -> Iterator[NDArray[np.float64]]:
    for here, there in pairwise(ring):
        inside, stays = side * (here[0] - limit) >= 0.0, side * (there[0] - limit) >= 0.0
        if inside:
            yield here
        if inside != stays:
            share = (limit - here[0]) / (there[0] - here[0])
            yield np.array([limit, here[1] + share * (there[1] - here[1])])
