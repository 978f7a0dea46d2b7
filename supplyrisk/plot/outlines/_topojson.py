"""TopoJSON to rings of longitude and latitude: only what country outlines need.

The format shares borders between neighbours: a ring is a list of arcs, and an arc is stored once,
as integers, each point relative to the one before it [1]_.

References
----------
.. [1] M. Bostock and C. Metcalf, "The TopoJSON Format Specification," 2012,
   https://github.com/topojson/topojson-specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Ring: TypeAlias = NDArray[np.float64]
"""Points of longitude and latitude, (n_points, 2), the last one equal to the first. [deg]"""


class Transform(TypedDict):
    """How integers become degrees."""

    scale: tuple[float, float]
    translate: tuple[float, float]


class Polygon(TypedDict):
    """One exterior ring and its holes, each a list of arc numbers."""

    type: Literal["Polygon"]
    arcs: list[list[int]]


class MultiPolygon(TypedDict):
    """Several polygons."""

    type: Literal["MultiPolygon"]
    arcs: list[list[list[int]]]


def decode_arcs(arcs: Sequence[Sequence[tuple[int, int]]], transform: Transform) -> list[Ring]:
    """Undo delta encoding and quantisation.

    Parameters
    ----------
    arcs : sequence of sequences of int pairs
        The first point of each arc in grid steps, then differences. [grid step]
    transform : dict
        ``scale`` [deg per grid step] and ``translate`` [deg].

    Returns
    -------
    list of ndarray, each of shape (n_points, 2)
        Longitude and latitude. [deg]
    """
    scale = np.asarray(transform["scale"])
    translate = np.asarray(transform["translate"])
    return [np.cumsum(np.asarray(arc), axis=0) * scale + translate for arc in arcs]


def decode_polygons(
    geometry: Polygon | MultiPolygon, arcs: Sequence[Ring]
) -> Iterator[tuple[Ring, ...]]:
    """Join arcs to the rings of each polygon.

    Parameters
    ----------
    geometry : dict
        A TopoJSON ``Polygon`` or ``MultiPolygon``.
    arcs : sequence of ndarray, each of shape (n_points, 2)
        Decoded arcs. [deg]

    Yields
    ------
    tuple of ndarray, each of shape (n_points, 2)
        Exterior ring, then holes; first and last point are equal. [deg]

    Raises
    ------
    ValueError
        If the geometry is of another type.
    """
    if geometry["type"] == "Polygon":
        polygons = [geometry["arcs"]]
    elif geometry["type"] == "MultiPolygon":
        polygons = geometry["arcs"]
    else:
        raise ValueError(f"geometry must be a Polygon or a MultiPolygon, got {geometry['type']!r}")
    for polygon in polygons:
        yield tuple(_join(numbers, arcs) for numbers in polygon)


def _join(numbers: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    # ~i is arc i walked backwards; the first point of an arc repeats the last of the one before.
    walked = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
    return np.concatenate([walked[0], *(arc[1:] for arc in walked[1:])])
