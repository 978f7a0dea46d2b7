"""Names beside bubbles: each where it covers no other name and as few bubbles as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from numpy.typing import NDArray

_GAP_PT: Final = 2.5
_LEADER_PT: Final = (0.0, 12.0, 26.0)
# East first, as one reads; then the other sides, then the corners.
SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1))
CORNERS: Final = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_ALIGN_X: Final = {1: "left", 0: "center", -1: "right"}
_ALIGN_Y: Final = {1: "bottom", 0: "center", -1: "top"}


class _Candidate(NamedTuple):
    direction: tuple[int, int]
    radius_pt: float
    reach_pt: float
    offset_px: tuple[float, float]
    box: Bbox


def label_bubbles(
    ax: Axes,
    centres: NDArray[np.float64],
    radii_pt: NDArray[np.float64],
    names: Sequence[str],
    directions: Sequence[tuple[int, int]] = (*SIDES, *CORNERS),
) -> list[Annotation]:
    """Write names beside bubbles, the first ones first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes with its final limits and aspect.
    centres : ndarray, shape (n_bubbles, 2)
        Centres of all bubbles, in data coordinates.
    radii_pt : ndarray, shape (n_bubbles,)
        Radii of all bubbles. [pt]
    names : sequence of str, length n_names <= n_bubbles
        Names of the first bubbles.
    directions : sequence of (int, int), optional
        Where a name may stand, the best first.

    Returns
    -------
    list of matplotlib.text.Annotation
        The names that found room; a name that would cover another one is left out.
    """
    pixels = ax.transData.transform(centres)
    px_per_pt = ax.figure.dpi / 72.0
    taken: list[Bbox] = []
    written = []
    for name, centre, pixel, radius in zip(names, centres, pixels, radii_pt, strict=False):
        width, height = _measure(ax, name, centre)
        free = [
            candidate
            for candidate in _candidates(pixel, radius, px_per_pt, (width, height), directions)
            if _within(candidate.box, ax.bbox) and not any(map(candidate.box.overlaps, taken))
        ]
        if not free:
            continue
        covered = [_n_covered(c.box, pixels, radii_pt * px_per_pt) for c in free]
        best = free[int(np.argmin(covered))]
        taken.append(best.box)
        written.append(_write(ax, name, centre, best, px_per_pt))
    return written


def _measure(ax: Axes, name: str, centre: NDArray[np.float64]) -> tuple[float, float]:
    trial = ax.annotate(
        name, (float(centre[0]), float(centre[1])), fontsize="small", annotation_clip=False
    )
    box = trial.get_window_extent()
    trial.remove()
    return box.width, box.height


def _candidates(
    pixel: NDArray[np.float64],
    radius_pt: float,
    px_per_pt: float,
    size: tuple[float, float],
    directions: Sequence[tuple[int, int]],
) -> Iterator[_Candidate]:
    """Boxes around a bubble, the nearest first."""
    width, height = size
    for reach in _LEADER_PT:
        for dx, dy in directions:
            away = (radius_pt + _GAP_PT + reach) * px_per_pt / np.hypot(dx, dy)
            x, y = pixel[0] + dx * away, pixel[1] + dy * away
            left, bottom = x + (dx - 1) / 2 * width, y + (dy - 1) / 2 * height
            yield _Candidate(
                direction=(dx, dy),
                radius_pt=radius_pt,
                reach_pt=reach,
                offset_px=(dx * away, dy * away),
                box=Bbox.from_bounds(left, bottom, width, height),
            )


def _within(box: Bbox, frame: Bbox) -> bool:
    return bool(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    )


def _n_covered(box: Bbox, pixels: NDArray[np.float64], radii: NDArray[np.float64]) -> int:
    nearest = np.clip(pixels, box.min, box.max)
    return int((np.hypot(*(pixels - nearest).T) < radii).sum())


def _write(
    ax: Axes, name: str, centre: NDArray[np.float64], place: _Candidate, px_per_pt: float
) -> Annotation:
    leader = {"arrowstyle": "-", "color": "0.35", "linewidth": 0.6, "shrinkA": 0.0}
    leader["shrinkB"] = place.radius_pt
    dx, dy = place.direction
    return ax.annotate(
        name,
        xy=(float(centre[0]), float(centre[1])),
        xytext=(place.offset_px[0] / px_per_pt, place.offset_px[1] / px_per_pt),
        textcoords="offset points",
        ha=_ALIGN_X[dx],
        va=_ALIGN_Y[dy],
        fontsize="small",
        color="0.1",
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
        arrowprops=leader if place.reach_pt > 0.0 else None,
        zorder=5,
    )
