"""What every picture needs: axes, colours, words and dates."""

from __future__ import annotations

import datetime as dt
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import XAxis
from matplotlib.dates import AutoDateLocator, date2num, num2date
from matplotlib.text import Annotation
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from supplyrisk._text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backend_bases import RendererBase
    from matplotlib.legend import Legend

Floats: TypeAlias = NDArray[np.float64]

# The colours of Okabe and Ito, which tell apart for every kind of colour vision.
BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
INK: Final = "0.15"
GUIDE: Final = "0.55"
LINE_PT: Final = 10.0
"""Height of a line of small text. [pt]"""
_NUMBER_PT: Final = 45.0
_END: Final = "end"


def axes_or_new(ax: Axes | None, width_in: float, height_in: float) -> Axes:
    """Return the axes given, or those of a new figure of that size."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only when a figure is needed

    return plt.subplots(figsize=(width_in, height_in), layout="constrained")[1]


class Arrangement(Artist):
    """Arranges labels each time the axes are drawn: only then their room is known.

    Parameters
    ----------
    arrange : callable
        Moves the labels; is given the renderer, none before the first drawing.
    """

    def __init__(self, arrange: Callable[[RendererBase | None], None]) -> None:
        super().__init__()
        self._arrange = arrange
        self.set_zorder(-1.0)  # before the labels
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Move the labels."""
        self._arrange(renderer)


def arranged(ax: Axes, arrange: Callable[[Axes, RendererBase | None], None]) -> None:
    """Arrange labels of axes now and each time they are drawn."""
    arrange(ax, None)
    if not any(isinstance(artist, Arrangement) for artist in ax.artists):
        ax.add_artist(Arrangement(partial(arrange, ax)))


def explain(
    ax: Axes,
    loc: Literal["best", "upper left", "lower left"],
    handles: Sequence[Artist] | None = None,
) -> Legend:
    """Add a legend that lets what lies below it show through."""
    legend: Legend = ax.legend(
        handles=ax.get_legend_handles_labels()[0] if handles is None else handles,
        loc=loc,
        fontsize="small",
        framealpha=0.75,
        edgecolor="none",
        borderpad=0.2,
    )
    legend.set_zorder(3.5)  # observed points lie above
    return legend


def plain(text: str) -> str:
    r"""Return text that Matplotlib shows as it is, in one line: no formulas between dollars.

    Examples
    --------
    >>> plain("a $1 mine, a $2 mine")
    'a \\$1 mine, a \\$2 mine'
    """
    return " ".join(text.split()).replace("$", r"\$")


def words(name: str) -> str:
    """Return a snake_case name as words."""
    return plain(name.replace("_", " "))


def day_text(day: dt.date) -> str:
    """Return a date as it is written under a picture.

    Examples
    --------
    >>> day_text(dt.date(2025, 3, 1))
    '1 Mar 2025'
    """
    return f"{day.day} {day:%b %Y}"


def day_number(day: dt.date | np.datetime64) -> float:
    """Return the place of a date on an axis [d]."""
    return float(date2num(day))  # type: ignore[no-untyped-call]


def percent(share: float) -> str:
    """Return a share as text; what is small is not called nothing.

    Examples
    --------
    >>> percent(0.5298), percent(0.004), percent(0.0)
    ('53 %', '<1 %', '0 %')
    """
    value = 100.0 * share
    return "<1 %" if 0.0 < value < 0.5 else f"{value:.0f} %"


def number_axis(axis: Axis) -> None:
    """Write thousands apart along an axis."""
    if isinstance(axis, XAxis) and axis.axes is not None:
        axis.set_major_locator(WideLocator(axis.axes))
    axis.set_major_formatter(FuncFormatter(_number))


def _number(value: float, _: int | None = None) -> str:
    return shown(value)


def quiet(ax: Axes) -> None:
    """Leave the frame where the scales are only."""
    ax.spines[["top", "right"]].set_visible(False)


def date_axis(ax: Axes) -> None:
    """Write dates along the horizontal axis."""
    ax.xaxis_date()
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_formatter(DayFormatter())


def apart(places: Floats, gap: float) -> Floats:
    """Move ascending places up until each is at least `gap` above the one before.

    Parameters
    ----------
    places : ndarray, shape (n_places,)
        Where labels want to stand, in ascending order.
    gap : float
        Room that each needs.

    Returns
    -------
    ndarray, shape (n_places,)
        Where they stand.

    Examples
    --------
    >>> apart(np.array([0.0, 1.0, 9.0]), 4.0).tolist()
    [0.0, 4.0, 9.0]
    """
    steps = gap * np.arange(len(places))
    moved: Floats = np.maximum.accumulate(places - steps) + steps
    return moved


def name_ends(ax: Axes, right: float, ends: Sequence[tuple[str, float, str]]) -> None:
    """Write names right of where curves end, apart from each other.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    right : float
        Where the curves end.
    ends : sequence of (name, height, colour)
        What to write at which height, the lowest first.
    """
    for name, height, colour in ends:
        ax.annotate(
            name,
            xy=(right, height),
            xytext=(4.0, 0.0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=colour,
            annotation_clip=False,
            gid=_END,
        )
    arranged(ax, _arrange_ends)


def _arrange_ends(ax: Axes, renderer: RendererBase | None) -> None:
    del renderer  # their height is known
    names = [t for t in ax.texts if t.get_gid() == _END and isinstance(t, Annotation)]
    heights = ax.transData.transform([name.xy for name in names])[:, 1] * 72.0 / ax.figure.dpi
    # Half way between all raised and all lowered: those that stand alone stay where they are.
    placed = 0.5 * (apart(heights, LINE_PT) - apart(-heights[::-1], LINE_PT)[::-1])
    for name, shift in zip(names, placed - heights, strict=True):
        name.set_position((4.0, float(shift)))


def wrapped(ax: Axes, text: str, character_pt: float = 4.8) -> str:
    """Break a text into lines that are as wide as the axes; a small letter takes that room."""
    return fill(text, max(int(width_pt(ax) / character_pt), 30))


def settle(ax: Axes) -> None:
    """Bring axes to their final place, which labels are arranged for."""
    figure = ax.get_figure(root=True)
    if figure is not None and (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    ax.apply_aspect()


def width_pt(ax: Axes) -> float:
    """Return the width of axes [pt]."""
    return float(ax.bbox.width / ax.figure.dpi * 72.0)


def _date(number: float) -> dt.date:
    day: dt.date = num2date(number).date()  # type: ignore[no-untyped-call]
    return day


class WideLocator(MaxNLocator):
    """As many ticks as there is room for numbers in full side by side.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes whose width it is.
    """

    def __init__(self, ax: Axes) -> None:
        super().__init__(steps=[1, 2, 2.5, 5, 10])
        self._ax = ax

    def __call__(self) -> Sequence[float]:
        """Return the ticks."""
        self.set_params(nbins=int(np.clip(width_pt(self._ax) / _NUMBER_PT, 2, 8)))
        return super().__call__()


class DayFormatter(Formatter):
    """Months or days, with the year below the first one and wherever it changes."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return one date in full."""
        del pos
        return day_text(_date(x))

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the dates of all ticks together."""
        days = [_date(value) for value in values]
        if all(day.month == day.day == 1 for day in days):
            return [str(day.year) for day in days]
        monthly = all(day.day == 1 for day in days)
        low, high = sorted(self.axis.get_view_interval()) if self.axis is not None else (0.0, 0.0)
        # The first year goes without saying where the next tick says a new one.
        shown_years = [
            d.year for value, d in zip(values, days, strict=True) if low <= value <= high
        ]
        year = shown_years[0] if len(set(shown_years[:2])) > 1 else None
        labels = []
        for value, day in zip(values, days, strict=True):
            label = f"{day:%b}" if monthly else f"{day.day} {day:%b}"
            if day.year != year and low <= value <= high:
                label, year = f"{label}\n{day.year}", day.year
            labels.append(label)
        return labels
