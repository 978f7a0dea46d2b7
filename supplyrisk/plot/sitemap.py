"""Sites on a map: how much each one makes, and how much of it is expected to be lost."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from supplyrisk.plot._axes import settle, width_pt, wrapped
from supplyrisk.plot._labels import label_bubbles
from supplyrisk.plot._places import place
from supplyrisk.plot.outlines import country_outlines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform
    from numpy.typing import NDArray

    from supplyrisk.plot._places import Floats, Places
    from supplyrisk.plot.outlines import CountryOutline, Resolution

Extent: TypeAlias = tuple[float, float, float, float]
"""West, east, south and north edge of a map. [deg]"""

_WORLD: Final[Extent] = (-180.0, 180.0, -58.0, 84.0)
_LARGEST_PT: Final = 34.0  # diameter of the largest bubble
_KEY_BELOW_PT: Final = 18.0  # leaves room for the degrees
_NOTE_GAP_PT: Final = 12.0  # the largest bubble hangs out of the key
_DASHES: Final = (0.0, (2.5, 1.5))
_N_LABELS: Final = 10
_N_NAMED: Final = 6
_ANTARCTICA: Final = "010"
_PLAN: Final = "production_tpa"
_LABELS: Final = {
    "expected_lost_share": "Expected loss [% of the site's plan]",
    "expected_lost_t": "Expected loss [t]",
    "ci_low": "Expected loss, lower bound [t]",
    "ci_high": "Expected loss, upper bound [t]",
    "availability": "Expected availability [% of the site's plan]",
    "tail_contribution_t": "Contribution to the worst years [t]",
    "production_tpa": "Planned production [t/a]",
}
_SHARES: Final = frozenset({"expected_lost_share", "availability"})


def site_map(
    frame: pd.DataFrame,
    *,
    size: str = _PLAN,
    colour: str = "expected_lost_share",
    colour_label: str | None = None,
    extent: Extent | None = None,
    resolution: Resolution | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw sites as bubbles on a map of the world or a part of it.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row per site, as in ``Outlook.sites``, with columns ``name``, ``latitude_deg`` and
        ``longitude_deg`` [deg], `size` and `colour`. A row without coordinates is drawn hollow at
        the centre of its ``country`` (ISO 3166-1 alpha-3 code), if that column is there; what
        cannot be drawn, or lies outside the map, is named below it.
    size : str, default "production_tpa"
        Column that the area of a bubble is proportional to. [t/a]
    colour : str, default "expected_lost_share"
        Column that the colour shows; dark is bad.
    colour_label : str, optional
        Label of the colour bar with its unit; known columns have one.
    extent : tuple of four floats, optional
        West, east, south and north edge [deg]; the world without Antarctica when omitted.
    resolution : {"110m", "50m"}, optional
        Scale of the country outlines; 110m for the world, 50m for an extent when omitted.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If `frame` is empty, lacks a column, or holds a size, a colour or a coordinate that is no
        finite number in range; if `extent` is no part of the world, `resolution` unknown.
    TypeError
        If `frame` is no table.

    Notes
    -----
    Plate carrée, true to scale at the mid latitude of the map. Boundaries are those of Natural
    Earth (de facto) and express no opinion.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a table such as Outlook.sites, got {frame!r}")
    window = _WORLD if extent is None else _checked_extent(extent)
    scale: Resolution = resolution or ("110m" if extent is None else "50m")
    outlines = country_outlines(scale)
    places = place(frame, size, colour, scale)
    ax = _new_axes(window) if ax is None else ax
    _draw_countries(ax, window, outlines)
    shown = _inside(places.centres, window)
    diameters = _diameters(places.size, places.size[shown])
    palette = _palette(places.colour[shown], colour)
    _draw_bubbles(ax, places, shown, diameters, palette)
    bar = ax.figure.colorbar(
        palette,
        ax=ax,
        shrink=0.8,
        pad=0.015,
        aspect=28,
        label=_LABELS.get(colour, colour) if colour_label is None else colour_label,
        format=PercentFormatter(1.0, symbol="") if colour in _SHARES else FuncFormatter(_grouped),
    )
    bar.outline.set_visible(False)
    settle(ax)  # once for the width that key and note may take, once for the names
    height = _draw_key(ax, places, shown, size)
    _write_note(ax, places, shown, size, below_pt=_KEY_BELOW_PT + height + _NOTE_GAP_PT)
    settle(ax)
    rows = np.flatnonzero(shown)
    names = [fill(places.names[row], 24) for row in rows[:_N_LABELS]]
    label_bubbles(ax, places.centres[rows], diameters[rows] / 2.0, names)
    return ax


def _new_axes(window: Extent) -> Axes:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only when a figure is needed

    west, east, south, north = window
    ratio = (east - west) * np.cos(np.radians((south + north) / 2.0)) / (north - south)
    height = min(9.6 / ratio, 6.5)
    # Room beside the map for the colour bar, below it for the key.
    size = (max(height * ratio, 5.5) + 1.4, height + 1.1)
    return plt.subplots(figsize=size, layout="constrained")[1]


def _checked_extent(extent: Extent) -> Extent:
    rule = "extent must be (west, east, south, north) [deg], west < east and south < north"
    if len(extent) != 4:
        raise ValueError(f"{rule}, got {extent!r}")
    west, east, south, north = extent
    if not (-180.0 <= west < east <= 180.0 and -90.0 <= south < north <= 90.0):
        raise ValueError(f"{rule}, within [-180, 180] and [-90, 90], got {extent!r}")
    return west, east, south, north


def _inside(centres: Floats, window: Extent) -> NDArray[np.bool_]:
    west, east, south, north = window
    longitude, latitude = centres.T
    inside: NDArray[np.bool_] = (
        (west <= longitude) & (longitude <= east) & (south <= latitude) & (latitude <= north)
    )
    return inside


def _draw_countries(ax: Axes, window: Extent, outlines: tuple[CountryOutline, ...]) -> None:
    west, east, south, north = window
    paths = [
        Path.make_compound_path(*(Path(ring, closed=True) for ring in outline.rings))
        for outline in outlines
        if outline.numeric != _ANTARCTICA or south < _WORLD[2]
    ]
    ax.add_collection(
        PathCollection(
            paths, facecolors="0.955", edgecolors="0.78", linewidths=0.5, zorder=0, gid="countries"
        ),
        autolim=False,
    )
    ax.set(xlim=(west, east), ylim=(south, north))
    ax.set_aspect(1.0 / np.cos(np.radians((south + north) / 2.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _degrees(value, "EW")))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _degrees(value, "NS")))
    if window == _WORLD:
        ax.set(xticks=range(-120, 121, 60), yticks=range(-30, 61, 30))
    ax.tick_params(length=0, labelsize="x-small", labelcolor="0.55")
    ax.spines[:].set_visible(False)


def _degrees(value: float, hemispheres: str) -> str:
    side = f" {hemispheres[0 if value > 0 else 1]}" if value else ""
    return f"{abs(value):g}°{side}"


def _grouped(value: float, _: object = None) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _palette(values: Floats, column: str) -> ScalarMappable:
    """Dark is bad; a loss is read from zero and an availability from one."""
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if column == "availability":
        low = min(float(values.min(initial=1.0)), 0.99)
        return ScalarMappable(Normalize(low, 1.0), "cividis")
    return ScalarMappable(Normalize(low, high if high > low else low + 1.0), "cividis_r")


def _diameters(sizes: Floats, drawn: Floats) -> Floats:
    """Diameter of each bubble [pt]: its area is proportional to the size."""
    largest = drawn.max(initial=0.0)
    return _LARGEST_PT * np.sqrt(sizes / largest) if largest > 0.0 else np.zeros_like(sizes)


def _draw_bubbles(
    ax: Axes, places: Places, shown: NDArray[np.bool_], diameters: Floats, palette: ScalarMappable
) -> None:
    shade = palette.to_rgba(places.colour)
    hollow, solid = shown & places.at_country, shown & ~places.at_country
    longitude, latitude = places.centres.T
    ax.scatter(
        longitude[hollow],
        latitude[hollow],
        s=diameters[hollow] ** 2,
        facecolors=[(*rgba[:3], 0.15) for rgba in shade[hollow]],
        edgecolors=[tuple(rgba) for rgba in shade[hollow]],
        linestyles=[_DASHES],
        linewidths=1.6,
        zorder=3,
        gid="at-country",
    )
    ax.scatter(
        longitude[solid],
        latitude[solid],
        s=diameters[solid] ** 2,
        facecolors=[tuple(rgba) for rgba in shade[solid]],
        edgecolors="0.2",
        linewidths=0.6,
        alpha=0.9,
        zorder=4,
        gid="sites",
    )


def _draw_key(ax: Axes, places: Places, shown: NDArray[np.bool_], size: str) -> float:
    """Explain sizes and hollow bubbles below the map; return the height of the key [pt]."""
    largest = places.size[shown].max(initial=0.0)
    if largest <= 0.0:
        return 0.0
    unit = "t/a" if size.endswith("_tpa") else "t" if size.endswith("_t") else size
    keys = [
        ax.scatter(
            [],
            [],
            s=_LARGEST_PT**2 * step / largest,
            facecolors="none",
            edgecolors="0.4",
            linewidths=0.8,
            label=f"{_grouped(step)} {unit}",
        )
        for step in _round_steps(largest)
    ]
    if (shown & places.at_country).any():
        keys.append(
            ax.scatter(
                [],
                [],
                s=13.0**2,
                facecolors="none",
                edgecolors="0.4",
                linestyles=[_DASHES],
                linewidths=1.6,
                label="rest of country, or place unknown\n(at the country's centre)",
            )
        )
    letter_pt = FontProperties(size="small").get_size_in_points()
    widest_pt = max(float(np.sqrt(key.get_sizes()).max()) for key in keys)
    legend = ax.legend(
        handles=keys,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=_below(ax, _KEY_BELOW_PT),
        borderaxespad=0.0,
        borderpad=0.5,  # the largest bubble hangs out of its line
        ncols=len(keys) if width_pt(ax) > 440.0 else 2,
        frameon=False,
        fontsize="small",
        handlelength=max(3.2, widest_pt / letter_pt),  # words stay clear of the largest bubble
        handleheight=3.2,
        scatteryoffsets=[0.15],  # level with the words
        handletextpad=0.5,
        columnspacing=1.2,
    )
    return float(legend.get_window_extent().height / ax.figure.dpi * 72.0)


def _round_steps(largest: float) -> list[float]:
    """Three sizes of the series 1, 2, 5, each about a quarter of the next."""
    decade = 10.0 ** np.floor(np.log10(largest))
    series = [decade * step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)]
    fitting = [step for step in series if step <= largest]
    return fitting[-5::2]


def _below(ax: Axes, points: float) -> Transform:
    return ax.transAxes + ScaledTranslation(0.0, -points / 72.0, ax.figure.dpi_scale_trans)


def _write_note(
    ax: Axes, places: Places, shown: NDArray[np.bool_], size: str, *, below_pt: float
) -> None:
    """Say what the map does not show, and how much that is."""
    if shown.all():
        return
    hidden = [name for name, drawn in zip(places.names, shown, strict=True) if not drawn]
    more = f" and {len(hidden) - _N_NAMED} more" if len(hidden) > _N_NAMED else ""
    total = places.size.sum()
    share = 100.0 * places.size[~shown].sum() / total if total > 0.0 else 0.0
    percent = f"{share:.0f}" if share >= 1.0 else f"{share:.1g}"
    whole = "the plan" if size == _PLAN else size
    note = f"not on the map: {', '.join(hidden[:_N_NAMED])}{more} ({percent} % of {whole})"
    ax.text(
        0.0,
        0.0,
        wrapped(ax, note),
        transform=_below(ax, below_pt),
        va="top",
        fontsize="small",
        color="0.35",
        gid="not-on-the-map",
    )
