"""How long stops last, by peril, and whether that would have been foretold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.scoring import pit_histogram
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import axes_or_new, words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_WAYS: Final = (_axes.BLUE, _axes.VERMILION, _axes.INK)
_NEEDED: Final = (
    "peril",
    "n_stops",
    "n_censored",
    "median_days",
    "median_low",
    "median_high",
    "q10_days",
    "q90_days",
)
# Days that people know by other names.
_TICKS: Final = {
    1: "1 day",
    7: "1 week",
    30: "1 month",
    365: "1 year",
    1825: "5 years",
}


def durations(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the length of stops by peril: median, its uncertainty, and the range of lengths.

    Parameters
    ----------
    table : pandas.DataFrame
        As `supplyrisk.data.durations_by_peril` gives it: peril, n_stops, n_censored, median_days
        with median_low and median_high, q10_days and q90_days. [d]
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    InvalidInputError
        If a column is missing, or there is no row.

    Notes
    -----
    The thin bar holds 80 % of the lengths, the thick one the median with 90 % probability. Beside
    each peril stand the stops it rests on, and how many of them were not over.
    """
    missing = [name for name in _NEEDED if name not in table]
    faults = [Fault(f"column {name}", "must be given", list(table)) for name in missing]
    if not missing and table.empty:
        faults = [Fault("table", "must hold at least one row", "none")]
    if faults:
        raise InvalidInputError("durations", faults)
    rows = table.sort_values("median_days").reset_index(drop=True)
    places = np.arange(len(rows))
    ax = axes_or_new(ax, 7.0, 1.4 + 0.36 * len(rows))
    thin = ax.hlines(places, rows["q10_days"], rows["q90_days"], color=_axes.SKY, linewidth=2.0)
    thick = ax.hlines(
        places, rows["median_low"], rows["median_high"], color=_axes.BLUE, linewidth=6.0
    )
    (dot,) = ax.plot(
        rows["median_days"], places, "o", color="white", markeredgecolor=_axes.INK, markersize=6.0
    )
    ax.set_xscale("log")
    least, most = ax.get_xlim()
    ticks = [days for days in _TICKS if least <= days <= most]
    ax.set_xticks(ticks, [_TICKS[days] for days in ticks])
    ax.minorticks_off()
    ax.set_yticks(places, [_label(*row) for row in _labels(rows)])
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ax.grid(axis="x", color=_axes.GUIDE, linewidth=0.4, alpha=0.5)
    ax.set_xlabel("Length of a stop [d, logarithmic]")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0.0)
    dot.set_label("median")
    thick.set_label("median, 90 % sure")
    thin.set_label("80 % of stops")
    # Above the rows: a bar may reach anywhere among them.
    ax.legend(
        handles=[dot, thick, thin],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=3,
        fontsize="small",
        frameon=False,
        borderaxespad=0.0,
    )
    return ax


def foretold(scores: pd.DataFrame, *, n_bins: int = 5, ax: Axes | None = None) -> Axes:
    """Draw where stops fell in the lengths foretold for them: level if those were right.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `supplyrisk.data.leave_one_out` gives it: way, pit_low, pit_high.
    n_bins : int, default 5
        Number of bins.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    InvalidInputError
        If a column is missing, there is no row, or `n_bins` is no whole number of at least 1.

    Notes
    -----
    Histograms of the probability integral transform (`hazard.pit_histogram`). The band holds a bin
    with 90 % probability if the lengths are right and the stops independent.
    """
    needed = ("way", "pit_low", "pit_high")
    faults = [
        Fault(f"column {c}", "must be given", list(scores)) for c in needed if c not in scores
    ]
    if not faults and scores.empty:
        faults = [Fault("scores", "must hold at least one row", "none")]
    if faults:
        raise InvalidInputError("foretold", faults)
    shares = {
        way: pit_histogram(rows[["pit_low", "pit_high"]].to_numpy(), n_bins)
        for way, rows in scores.groupby("way", sort=False)
    }
    ax = axes_or_new(ax, 6.0, 3.4)
    edges = np.arange(n_bins + 1) / n_bins
    for place, (way, heights) in enumerate(shares.items()):
        width, colour = max(2.4 - 0.6 * place, 0.6), _WAYS[place % len(_WAYS)]
        ax.stairs(heights, edges, baseline=None, color=colour, linewidth=width, label=way)
    n_stops = int((scores["way"] == scores["way"].iloc[0]).sum())
    low, high = special.bdtrik([0.05, 0.95], n_stops, 1.0 / n_bins) / n_stops
    ax.axhspan(low, high, color=_axes.GUIDE, alpha=0.25, linewidth=0.0, label="90 % if right")
    ax.axhline(1.0 / n_bins, color=_axes.GUIDE, linewidth=0.8)
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("Probability foretold of a shorter stop [1]")
    ax.set_ylabel("Share of stops [1]")
    ax.legend(fontsize="small", frameon=False, ncols=2, loc="lower center")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _labels(rows: pd.DataFrame) -> list[tuple[str, int, int]]:
    columns = (rows["peril"], rows["n_stops"], rows["n_censored"])
    return [(str(name), int(n), int(open_)) for name, n, open_ in zip(*columns, strict=True)]


def _label(peril: str, n_stops: int, n_censored: int) -> str:
    running = f", {n_censored} not over" if n_censored else ""
    return f"{words(peril)}\n{n_stops} stop{'s' if n_stops != 1 else ''}{running}"
