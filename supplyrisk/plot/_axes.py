"""What every picture needs: axes, colours, words and dates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from matplotlib.dates import AutoDateLocator, date2num, num2date
from matplotlib.ticker import Formatter, FuncFormatter
from numpy.typing import NDArray

from supplyrisk._text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

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


def axes_or_new(ax: Axes | None, width_in: float, height_in: float) -> Axes:
    """Return the axes given, or those of a new figure of that size."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only when a figure is needed

    return plt.subplots(figsize=(width_in, height_in), layout="constrained")[1]


def settle(ax: Axes) -> None:
    """Bring the axes to their final place, for labels that are arranged by distance."""
    figure = ax.get_figure(root=True)
    if figure is not None and (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    ax.apply_aspect()


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
    axis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))


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


def _date(number: float) -> dt.date:
    day: dt.date = num2date(number).date()  # type: ignore[no-untyped-call]
    return day


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
        year = None
        labels = []
        for value, day in zip(values, days, strict=True):
            label = f"{day:%b}" if monthly else f"{day.day} {day:%b}"
            if day.year != year and low <= value <= high:
                label, year = f"{label}\n{day.year}", day.year
            labels.append(label)
        return labels
