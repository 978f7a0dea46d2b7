"""How likely a loss of at least a given size is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from supplyrisk import metrics
from supplyrisk._text import shown
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import apart, arranged, axes_or_new, explain, number_axis, plain, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from numpy.typing import ArrayLike

    from supplyrisk.plot._axes import Floats

_STYLES: Final = (
    (_axes.BLUE, "-"),
    (_axes.VERMILION, "--"),
    (_axes.GREEN, "-."),
    (_axes.ORANGE, ":"),
)
_GID: Final = "exceedance"
_PERIOD: Final = "return-period"
_GAP_PT: Final = 5.0
_N_LEVELS: Final = 400
_N_WORST: Final = 100


class _Period(NamedTuple):
    """A return period, the loss that belongs to it, and how both are written."""

    probability: float
    loss: float
    text: str


def exceedance(
    loss: ArrayLike,
    *,
    return_periods: Sequence[float] | None = (10, 20, 100),
    confidence: float = 0.9,
    label: str | None = None,
    unit: str = "t",
    ax: Axes | None = None,
) -> Axes:
    """Draw the exceedance curve of a loss with its confidence band.

    Parameters
    ----------
    loss : array_like, shape (n_scenarios,)
        Simulated loss of each scenario, independent and equally likely, in `unit`.
    return_periods : sequence of float or None, default (10, 20, 100)
        Return periods to mark, each greater than 1 [a]; none where scenarios are not one year
        long.
    confidence : float, default 0.9
        Probability that the band covers the true curve at one given loss, in ``(0, 1)``. [1]
    label : str, optional
        Name of the curve, for axes that hold several.
    unit : str, default "t"
        Unit of the loss.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If `loss` is not one-dimensional, is empty or holds NaN or infinity, a return period is not
        greater than 1, or `confidence` is outside ``(0, 1)``.

    Notes
    -----
    The band of `supplyrisk.metrics.exceedance_band` holds for one loss at a time. It is computed
    at 400 losses at most, which lie evenly on the logarithmic scale. A return period longer than
    the number of scenarios is marked with the largest loss, as a lower bound.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> ax = exceedance(range(1000), label="a made-up loss")
    >>> ax.get_ylabel()
    'Probability of at least this loss [1/a]'
    >>> plt.close(ax.figure)
    """
    sample = np.asarray(loss)
    periods = _periods(sample, return_periods or (), unit)
    band = metrics.exceedance_band(_thinned(sample, [p.loss for p in periods]), confidence)
    ax = axes_or_new(ax, 7.0, 4.0)
    worst, least = float(band.loss[0]), min(float(band.loss[-1]), 0.0)
    n_drawn = sum(line.get_gid() == _GID for line in ax.lines)
    colour, style = _STYLES[n_drawn % len(_STYLES)]
    # Ascending, from a loss that is reached for certain.
    losses = np.append(least, band.loss[::-1])
    low, middle, high = (np.append(1.0, p[::-1]) for p in (band.low, band.probability, band.high))
    ax.fill_between(
        losses,
        low,
        high,
        step="pre",
        color=colour,
        alpha=0.25,
        linewidth=0.0,
        label=f"{100.0 * confidence:g} % band, pointwise",
    )
    ax.step(
        losses,
        middle,
        where="pre",
        color=colour,
        linestyle=style,
        label=f"{sample.size:,} futures" if label is None else plain(label),
        gid=_GID,
    )
    _scales(ax, sample.size, (least, worst), n_drawn)
    ax.set(
        xlabel=f"Loss [{plain(unit)}]" if return_periods is None else _annual(unit),
        ylabel=f"Probability of at least this loss [{'1' if return_periods is None else '1/a'}]",
    )
    quiet(ax)
    explain(ax, "best")
    if worst == least == 0.0:
        _say_none(ax, sample.size, confidence)
    elif periods:
        _mark(ax, periods, least, _axes.INK if label is None else colour)
    return ax


def _annual(unit: str) -> str:
    return f"Loss in a year [{plain(unit)}]"


def _periods(sample: Floats, years: Sequence[float], unit: str) -> list[_Period]:
    """Find the loss of each return period, the most frequent one first."""
    ascending = sorted(years)
    losses = metrics.loss_at_return_period(sample, ascending)
    found = []
    for period, loss in zip(ascending, losses.tolist(), strict=True):
        bound = "at least " if period > sample.size else ""
        text = f"1 in {period:g} years: {bound}{shown(loss)} {plain(unit)}"
        found.append(_Period(1.0 / period, loss, text))
    return found


def _thinned(sample: Floats, marked: list[float]) -> Floats:
    """Lower each loss to one of a few: the curve and its band stay exact at these."""
    if sample.ndim != 1 or sample.size <= _N_LEVELS:
        return sample
    ascending = np.sort(sample.astype(float))
    evenly = np.geomspace(_N_WORST, sample.size, _N_LEVELS - _N_WORST).astype(np.intp)
    ranks = np.concatenate([np.arange(1, _N_WORST), evenly])
    levels = np.unique(np.concatenate([ascending[-ranks], marked, ascending[:1]]))
    lowered: Floats = levels[np.searchsorted(levels, ascending, side="right") - 1]
    return lowered


def _scales(ax: Axes, n: int, ends: tuple[float, float], n_drawn: int) -> None:
    """Show every curve of the axes whole."""
    least, worst = ends
    right = worst + 0.04 * (worst - least) if worst > least else least + 1.0
    left, bottom = least, 0.7 / n
    if n_drawn:
        left, right = min(left, ax.get_xlim()[0]), max(right, ax.get_xlim()[1])
        bottom = min(bottom, ax.get_ylim()[0])
    ax.set(yscale="log", xlim=(left, right), ylim=(bottom, 1.3))
    number_axis(ax.xaxis)
    ax.yaxis.set_major_locator(LogLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(_probability))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _probability(value: float, _: int | None = None) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".")


def _mark(ax: Axes, periods: list[_Period], least: float, colour: str) -> None:
    """Mark return periods on the curve."""
    for period in periods:
        corner = [least, period.loss, period.loss]
        heights = [period.probability, period.probability, ax.get_ylim()[0]]
        ax.plot(corner, heights, color=_axes.GUIDE, linewidth=0.7, zorder=1.5, gid="guide")
        ax.annotate(
            period.text,
            xy=(period.loss, period.probability),
            xytext=(0.0, 0.0),
            textcoords="offset points",
            va="bottom",
            fontsize="small",
            color=colour,
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
            gid=_PERIOD,
        )
    losses, probabilities = [p.loss for p in periods], [p.probability for p in periods]
    ax.plot(losses, probabilities, "o", ms=4.0, color=colour, zorder=4, gid="return-periods")
    arranged(ax, _arrange)


def _arrange(ax: Axes, renderer: RendererBase | None) -> None:
    """Write the return periods left of the curve where they fit, else right of it."""
    px_per_pt = ax.figure.dpi / 72.0
    left: list[tuple[Annotation, float, float]] = []
    right: list[tuple[Annotation, float, float]] = []
    names = [t for t in ax.texts if t.get_gid() == _PERIOD and isinstance(t, Annotation)]
    for name in sorted(names, key=lambda name: -name.xy[1]):
        x, y = ax.transData.transform(name.xy)
        fits = x - ax.bbox.x0 > name.get_window_extent(renderer).width + 2.0 * _GAP_PT * px_per_pt
        room = (ax.bbox.x0 - x) / px_per_pt if fits else 0.0
        (left if fits else right).append((name, room + _GAP_PT, y / px_per_pt))
    # Under the curve there is room downwards, above it upwards.
    for members, sign in ((left, -1.0), (right[::-1], 1.0)):
        wanted = np.array([sign * y for _, _, y in members])
        for (name, offset, y), place in zip(members, apart(wanted, _axes.LINE_PT), strict=True):
            name.set_position((offset, 1.5 + sign * place - y))


def _say_none(ax: Axes, n: int, confidence: float) -> None:
    limit = metrics.probability_interval(0, n, confidence).high
    ax.text(
        0.5,
        0.5,
        f"no loss in any of {n:,} futures\n"
        f"({100.0 * confidence:g} % interval of its probability: 0 to {shown(limit)})",
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=_axes.INK,
    )
