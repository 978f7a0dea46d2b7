"""How price and supply may run from here, and how they did run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from supplyrisk import _validation as check
from supplyrisk._text import shown
from supplyrisk.engine.outlook import Outlook
from supplyrisk.model.outcome import Observation
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import (
    axes_or_new,
    date_axis,
    day_number,
    day_text,
    explain,
    name_ends,
    number_axis,
    quiet,
    words,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes

    from supplyrisk.plot._axes import Floats

    Observed: TypeAlias = (
        Iterable[Observation] | Iterable[tuple[dt.date | np.datetime64, float]] | pd.Series[float]
    )

_QUANTITIES: Final = ("price_usd_per_t", "supply_t")
_LEVELS: Final = {"q05": "5 %", "q25": "25 %", "q50": "median", "q75": "75 %", "q95": "95 %"}


class _Fan(NamedTuple):
    """Quantiles along dates.

    Attributes
    ----------
    days
        Where the quantiles are drawn, (n_points,), on the scale of the axis.
    levels
        Quantiles at 5, 25, 50, 75 and 95 %, (5, n_points).
    unit
        Unit of the quantiles.
    in_steps
        Whether a value holds until the next date.
    """

    days: Floats
    levels: Floats
    unit: str
    in_steps: bool

    def band_at(self, days: Floats) -> tuple[Floats, Floats]:
        """Return the 5 and 95 % quantiles on dates within the fan."""
        if self.in_steps:
            # A step holds its last day: days lie at their beginning, dates at midnight.
            place = np.clip(np.searchsorted(self.days, days) - 1, 0, len(self.days) - 1)
            return self.levels[0, place], self.levels[-1, place]
        low, high = (np.interp(days, self.days, self.levels[row]) for row in (0, -1))
        return low, high


def fan(
    outlook: Outlook,
    quantity: str = "price_usd_per_t",
    *,
    observed: Observed | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the fan of a price or of supply: median, half and 90 % of the futures by date.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    quantity : {"price_usd_per_t", "supply_t"}
        What to draw: the price, which starts at the last quote [USD/t], or production by step,
        shown as a rate because steps may differ in length [t/d].
    observed : iterable, optional
        What then happened: observations of an outcome, pairs of date and value, or a series by
        date, in the unit that is drawn. Points outside the 90 % band are ringed.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If `quantity` is neither, the case has no market for its price, or `observed` holds
        anything but dates and finite numbers, or another unit.

    Notes
    -----
    The bands are those of each date: one future wanders through them, and 10 % of all dates of
    many futures lie outside. Points observed one after the other lie on one path.
    """
    check.require("outlook", outlook, Outlook)
    if quantity not in _QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(_QUANTITIES)}, got {quantity!r}")
    wing = _price(outlook) if quantity == "price_usd_per_t" else _supply(outlook)
    days, values = _points(observed, wing.unit)
    ax = axes_or_new(ax, 7.0, 4.0)
    _draw(ax, wing)
    commodity = words(outlook.case.commodity or "")
    if wing.in_steps:
        _mark_plan(ax, outlook)
        ax.set_ylabel(f"Production of {commodity} [t/d]")
    else:
        _mark_market(ax, outlook)
        ax.set_ylabel(f"Price of {commodity} [USD/t]")
    _draw_points(ax, wing, days, values)
    futures = outlook.steps.attrs["n_scenarios"]
    title = f"{futures:,} futures from {day_text(outlook.case.start)}"
    ax.set_title(title, fontsize="medium")
    date_axis(ax)
    number_axis(ax.yaxis)
    quiet(ax)
    ax.margins(x=0.0)
    end = float(wing.days[-1])
    ends = [
        (name, float(y), _axes.BLUE)
        for name, y in zip(_LEVELS.values(), wing.levels[:, -1], strict=True)
    ]
    name_ends(ax, end, ends)
    return ax


def _price(outlook: Outlook) -> _Fan:
    market = outlook.case.market()
    if market is None or "price_usd_per_t" not in outlook.steps.columns:
        raise ValueError(
            "quantity must be 'supply_t' where the case has no market, got 'price_usd_per_t'"
        )
    table = outlook.steps["price_usd_per_t"]
    levels = table[list(_LEVELS)].to_numpy().T
    edges = day_number(outlook.case.start) + outlook.plan.edges_days
    return _Fan(
        days=np.append(day_number(market.quote_date), edges[1:]),
        levels=np.column_stack([np.full(len(_LEVELS), market.quote_usd_per_t), levels]),
        unit="USD/t",
        in_steps=False,
    )


def _supply(outlook: Outlook) -> _Fan:
    edges = outlook.plan.edges_days
    rates = outlook.steps["supply_t"][list(_LEVELS)].to_numpy().T / np.diff(edges)
    return _Fan(
        days=day_number(outlook.case.start) + edges,
        levels=np.column_stack([rates, rates[:, -1]]),
        unit="t/d",
        in_steps=True,
    )


def _draw(ax: Axes, wing: _Fan) -> None:
    for row, alpha in ((0, 0.22), (1, 0.38)):
        ax.fill_between(
            wing.days,
            wing.levels[row],
            wing.levels[-1 - row],
            step="post" if wing.in_steps else None,
            color=_axes.BLUE,
            alpha=alpha,
            linewidth=0.0,
        )
    style = "steps-post" if wing.in_steps else "default"
    ax.plot(wing.days, wing.levels[2], color=_axes.BLUE, drawstyle=style, gid="median")


def _mark_plan(ax: Axes, outlook: Outlook) -> None:
    rate = outlook.plan.planned_t / outlook.plan.horizon_days
    ax.axhline(rate, color=_axes.INK, ls="--", lw=1.0, gid="plan")
    ax.annotate(
        f"plan: {shown(rate)} t/d",
        xy=(day_number(outlook.case.start), rate),
        xytext=(4.0, 2.0),
        textcoords="offset points",
        va="bottom",
        fontsize="small",
        color=_axes.INK,
    )
    ax.margins(y=0.08)


def _mark_market(ax: Axes, outlook: Outlook) -> None:
    """Mark the price before, the last quote, and the day of the case."""
    market = outlook.case.market()
    if market is None:
        return
    before, quote = market.price_usd_per_t, market.quote_usd_per_t
    (level,) = ax.plot(
        [day_number(market.price_date), day_number(outlook.case.start) + outlook.plan.horizon_days],
        [before, before],
        color=_axes.INK,
        ls="--",
        lw=1.0,
        label=f"before, {day_text(market.price_date)}: {shown(before)}",
    )
    (last,) = ax.plot(
        day_number(market.quote_date),
        quote,
        "D",
        color=_axes.BLUE,
        ms=5.0,
        ls="none",
        clip_on=False,
        label=f"last quote, {day_text(market.quote_date)}: {shown(quote)}",
    )
    begin = ax.axvline(
        day_number(outlook.case.start),
        color=_axes.GUIDE,
        lw=1.0,
        ls=":",
        label=f"case start, {day_text(outlook.case.start)}",
    )
    explain(ax, "upper left", [level, last, begin])


def _points(observed: Observed | None, unit: str) -> tuple[Floats, Floats]:
    """Read observations of any kind as places on the axis and values."""
    days, values = [], []
    pairs = () if observed is None else observed
    for item in pairs.items() if hasattr(pairs, "items") else pairs:
        if isinstance(item, Observation) and item.unit != unit:
            raise ValueError(f"observed must be in {unit}, got {item.unit} of {item.quantity}")
        day, value = _pair((item.date, item.value) if isinstance(item, Observation) else item)
        days.append(day_number(day))
        values.append(value)
    return np.array(days, dtype=float), np.array(values, dtype=float)


def _pair(item: object) -> tuple[np.datetime64, float]:
    try:
        day, value = item  # type: ignore[misc]
        pair = np.datetime64(day), float(value)  # type: ignore[has-type]
    except (TypeError, ValueError):
        pair = np.datetime64("NaT", "D"), np.nan
    if np.isnat(pair[0]) or not np.isfinite(pair[1]):
        raise ValueError(f"observed must hold pairs of a date and a finite number, got {item!r}")
    return pair


def _draw_points(ax: Axes, wing: _Fan, days: Floats, values: Floats) -> None:
    if not len(days):
        return
    low, high = wing.band_at(days)
    within = (wing.days[0] <= days) & (days <= wing.days[-1])
    outside = within & ((values < low) | (values > high))
    handles = ax.plot(
        days, values, "o", color="black", ms=4.0, zorder=4, label="observed", gid="observed"
    )
    if outside.any():
        handles += ax.plot(
            days[outside],
            values[outside],
            "o",
            ms=10.0,
            mfc="none",
            mec=_axes.VERMILION,
            mew=1.4,
            zorder=4,
            label=f"outside 90 %: {outside.sum()} of {within.sum()}",
            gid="outside",
        )
    # The fan opens to the right: its left corners are free.
    if (other := ax.get_legend()) is not None:
        ax.add_artist(other)  # the next legend would take its place
    explain(ax, "lower left", handles)
