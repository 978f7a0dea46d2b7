"""Country outlines of Natural Earth, bundled: maps are drawn without the internet.

The two files come unchanged from the npm package world-atlas 2.0.2 (``LICENSE-world-atlas``);
``CHECKSUMS`` holds their SHA-256.  They are plain JSON, because a wheel is compressed anyway.
Boundaries are those of the data set (de facto) and express no opinion of this project.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from supplyrisk.plot.outlines._antimeridian import flatten, signed_area
from supplyrisk.plot.outlines._interior import interior_point
from supplyrisk.plot.outlines._topojson import Ring, decode_arcs, decode_polygons

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CountryOutline", "Resolution", "country_outlines", "interior_point", "signed_area"]

Resolution: TypeAlias = Literal["110m", "50m"]
"""Scale of the outlines: 1:110 million for the world, 1:50 million for a part of it."""

# At 1:50m Antarctica's first ring is a dot of 0.001 degrees at the pole, and the coast its hole.
_POLE_DOT_DEG: Final = 89.99


@dataclass(frozen=True, slots=True, eq=False)
class CountryOutline:
    """The outline of one country or territory on a flat map.

    Attributes
    ----------
    numeric
        ISO 3166-1 numeric code; None where the data set has none (disputed or joined areas).
    name
        Name in the data set, abbreviated as there.
    rings
        Closed rings of shape (n_points, 2), longitude and latitude within [-180, 180] and
        [-90, 90]. Exterior rings run counter-clockwise, holes clockwise. [deg]
    """

    numeric: str | None
    name: str
    rings: tuple[Ring, ...]


def country_outlines(resolution: Resolution = "110m") -> tuple[CountryOutline, ...]:
    """Outlines of all countries.

    Parameters
    ----------
    resolution : {"110m", "50m"}, default "110m"
        ``"110m"`` for the world (177 areas, no small islands), ``"50m"`` for a part of it
        (241 areas).

    Returns
    -------
    tuple of CountryOutline
        In the order of the file; one code may stand at more than one outline. Read once; the
        arrays are read-only.

    Raises
    ------
    ValueError
        If `resolution` is another.

    Examples
    --------
    >>> next(outline.name for outline in country_outlines() if outline.numeric == "180")
    'Dem. Rep. Congo'
    """
    if resolution not in get_args(Resolution):
        raise ValueError(f"resolution must be '110m' or '50m', got {resolution!r}")
    return _read(resolution)


@cache
def _read(resolution: Resolution) -> tuple[CountryOutline, ...]:
    source = files("supplyrisk.plot.outlines").joinpath(f"countries-{resolution}.json")
    topology = json.loads(source.read_text(encoding="utf-8"))
    arcs = decode_arcs(topology["arcs"], topology["transform"])
    return tuple(
        CountryOutline(
            numeric=geometry.get("id"),
            name=geometry["properties"]["name"],
            rings=tuple(
                ring for polygon in decode_polygons(geometry, arcs) for ring in _flat(polygon)
            ),
        )
        for geometry in topology["objects"]["countries"]["geometries"]
    )


def _flat(polygon: tuple[Ring, ...]) -> Iterator[Ring]:
    kept = (ring for ring in polygon if abs(ring[:, 1]).min() < _POLE_DOT_DEG)
    for position, ring in enumerate(kept):
        for part in flatten(ring):
            is_hole = position > 0
            turned = part[::-1] if (signed_area(part) < 0.0) != is_hole else part
            turned.flags.writeable = False
            yield turned
