"""Where each row of a table of sites stands on a map."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from supplyrisk._countries import is_country_code, numeric_code
from supplyrisk.plot.outlines import country_outlines, interior_point, signed_area

if TYPE_CHECKING:
    from supplyrisk.plot.outlines import Resolution

Floats: TypeAlias = NDArray[np.float64]


class Places(NamedTuple):
    """Rows in drawing order: the largest first, so that small bubbles lie on top.

    Attributes
    ----------
    names
        What to call each row.
    centres
        Longitude and latitude, (n_rows, 2), NaN where a row cannot be placed. [deg]
    at_country
        Whether a row has no coordinates of its own, (n_rows,).
    size, colour
        What bubbles show, (n_rows,).
    """

    names: list[str]
    centres: Floats
    at_country: NDArray[np.bool_]
    size: Floats
    colour: Floats


def place(frame: pd.DataFrame, size: str, colour: str, resolution: Resolution) -> Places:
    """Check a table of sites and find a point on the map for each row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Sites, as `supplyrisk.plot.sitemap.site_map` takes them.
    size, colour : str
        Columns of numbers.
    resolution : {"110m", "50m"}
        Outlines in which to look for the centre of a country first.

    Returns
    -------
    Places
        The rows by falling size.

    Raises
    ------
    ValueError
        If `frame` is empty, lacks a column, or holds a value out of range.
    """
    _require_columns(frame, size, colour)
    sizes = _numbers(frame, size, low=0.0, high=np.inf)
    order = np.argsort(-sizes, kind="stable")
    frame, sizes = frame.iloc[order], sizes[order]
    longitude = _numbers(frame, "longitude_deg", low=-180.0, high=180.0, optional=True)
    latitude = _numbers(frame, "latitude_deg", low=-90.0, high=90.0, optional=True)
    centres = np.column_stack([longitude, latitude])
    half = np.isnan(centres).sum(axis=1) == 1
    if half.any():
        raise ValueError(
            "latitude_deg and longitude_deg must be given together, "
            f"one is missing for {frame.index[int(np.argmax(half))]!r}"
        )
    at_country = np.isnan(longitude)
    if "country" in frame.columns:
        for row in np.flatnonzero(at_country):
            centres[row] = _country_centre(frame["country"].iloc[row], resolution)
    return Places(
        names=[str(name) for name in frame["name"]],
        centres=centres,
        at_country=at_country,
        size=sizes,
        colour=_numbers(frame, colour, low=-np.inf, high=np.inf),
    )


def _require_columns(frame: pd.DataFrame, size: str, colour: str) -> None:
    needed = ("name", "latitude_deg", "longitude_deg", size, colour)
    missing = [column for column in dict.fromkeys(needed) if column not in frame.columns]
    if missing:
        raise ValueError(
            f"frame lacks the columns {', '.join(missing)}; "
            f"it has {', '.join(map(str, frame.columns)) or 'none'}"
        )
    if frame.empty:
        raise ValueError("frame must hold at least one site, got no rows")


def _numbers(
    frame: pd.DataFrame, column: str, *, low: float, high: float, optional: bool = False
) -> Floats:
    """Read a column of finite numbers within [low, high]; name the first site that breaks it."""
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    fine = np.isfinite(values) & (low <= values) & (values <= high)
    if optional:
        fine |= frame[column].isna().to_numpy()
    if not fine.all():
        row = int(np.argmin(fine))
        bounds = "" if np.isneginf(low) else f" in [{low:g}, {high:g}]"
        raise ValueError(
            f"{column} of {frame.index[row]!r} must be a finite number{bounds}, "
            f"got {frame[column].iloc[row]!r}"
        )
    return values


def _country_centre(country: object, resolution: Resolution) -> tuple[float, float]:
    """Label point of a country's largest part, NaN for other countries and unknown ones."""
    if not is_country_code(country):
        return np.nan, np.nan
    return _numeric_centre(numeric_code(str(country)), resolution)


@cache
def _numeric_centre(numeric: str, resolution: Resolution) -> tuple[float, float]:
    rings = [r for o in country_outlines(resolution) if o.numeric == numeric for r in o.rings]
    if rings:
        return interior_point(max(rings, key=signed_area))
    # Small islands are on the finer map only.
    return (np.nan, np.nan) if resolution == "50m" else _numeric_centre(numeric, "50m")
