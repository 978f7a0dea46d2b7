"""How stocks between mines and buyers run down, and when a buyer runs short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import PercentFormatter

from supplyrisk import _validation as check
from supplyrisk._text import shown
from supplyrisk.engine.outlook import Outlook
from supplyrisk.model.stocks import undisturbed_stocks
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import (
    axes_or_new,
    date_axis,
    day_number,
    day_text,
    name_ends,
    number_axis,
    quiet,
    words,
    wrapped,
)
from supplyrisk.plot.bars import buyer_name
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Each series of steps: how it is called, the stages of the undisturbed chain in it, its colour.
_STOCKS: Final = {
    "upstream_t": ("before the market", ("mines", "under_way", "feed"), _axes.VERMILION),
    "exchange_t": ("at the exchange", ("exchange",), _axes.GREEN),
    "buyers_t": ("with buyers", ("buyers", "rest"), _axes.BLUE),
}
_NOTHING_DAYS: Final = 1e-3  # a stock that does not last so long is no line of its own


def stocks(outlook: Outlook, *, ax: Axes | None = None) -> Axes:
    """Draw how stocks run down: before the market, at the exchange and with buyers.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures of a case with a market.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If the case has no market for its commodity, or the outlook is by occurrence.

    Notes
    -----
    Shown are the stocks of the case's commodity at the end of each step, in days of what all
    buyers use by plan: the median of the futures, a band that 90 % of them lie in on each date,
    and the stock on a path on which nothing ever happens. Before the market are the stocks of
    mines, what waits and is under way, and the feed of smelters; with buyers are those of the
    case and the rest of the market. A stage that never holds anything is left out.
    """
    check.require("outlook", outlook, Outlook)
    case, steps = outlook.case, outlook.steps
    market = case.market()
    if market is None or "buyers_t" not in steps.columns:
        raise ValueError("outlook must be of a case with a market: without one no stock is kept")
    by_plan = undisturbed_stocks(case, market)
    use = (by_plan["buyers"].flow_tpa + by_plan["rest"].flow_tpa) / DAYS_PER_YEAR
    days = day_number(case.start) + outlook.plan.edges_days
    ax = axes_or_new(ax, 7.0, 4.0)
    ends = []
    for series, (name, stages, colour) in _STOCKS.items():
        levels = steps[series][["q05", "q50", "q95"]].to_numpy().T / use
        usual = sum(by_plan[stage].stock_t for stage in stages) / use
        if max(usual, levels.max()) < _NOTHING_DAYS:
            continue
        ax.fill_between(days[1:], levels[0], levels[2], color=colour, alpha=0.2, lw=0.0, gid=series)
        ax.plot(days[1:], levels[1], color=colour, gid=f"median-{series}")
        ax.plot(days[[0, -1]], [usual, usual], color=colour, ls="--", lw=1.0, gid=f"plan-{series}")
        ends.append((name, float(levels[1, -1]), colour))
    ax.set_ylabel(f"Stock of {words(market.commodity)} [days of use]")
    ax.set_xlim(days[0], days[-1])
    ax.set_ylim(bottom=0.0)
    if ends:
        name_ends(ax, float(days[-1]), sorted(ends, key=lambda end: end[1]))
    else:
        _say(ax, "nothing is in stock at any stage")
    _finish(ax, _futures(outlook, steps.attrs["n_scenarios"]))
    number_axis(ax.yaxis)
    return _noted(
        ax,
        f"line: median; band: 90 % of futures; dashed: undisturbed; a day of use is {shown(use)} t",
    )


def _futures(outlook: Outlook, count: int) -> str:
    return f"{count:,} futures from {day_text(outlook.case.start)}"


def _finish(ax: Axes, title: str) -> None:
    ax.set_title(title, fontsize="medium")
    date_axis(ax)
    quiet(ax)


def _noted(ax: Axes, note: str) -> Axes:
    """Explain below the picture, where it covers nothing."""
    ax.set_xlabel(wrapped(ax, note), fontsize="small", color="0.35")
    return ax


def shortage(outlook: Outlook, buyer_id: str, *, ax: Axes | None = None) -> Axes:
    """Draw how likely a buyer is short on each date, and how much of the use is then missing.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    buyer_id : str
        The buyer.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If no buyer of that id was simulated, or the outlook is by occurrence.

    Notes
    -----
    The line is the share of all futures in which some of the use of a step is not met, own stock
    and open market counted; its band is the 90 % interval of the sampling error. The area is the
    mean over all futures of the share of the use that is not met, those without a shortage
    included, so it never exceeds the line.
    """
    check.require("outlook", outlook, Outlook)
    table = outlook.buyer_steps(buyer_id)
    (buyer,) = (one for one in outlook.case.exposures if one.buyer_id == buyer_id)
    edges = outlook.plan.edges_days
    days = day_number(outlook.case.start) + edges
    use_t = buyer.demand_tpa / DAYS_PER_YEAR * np.diff(edges)
    ax = axes_or_new(ax, 7.0, 3.2)
    ax.stairs(
        table["shortage_t"] / use_t, days, fill=True, color=_axes.ORANGE, zorder=2.0, gid="missing"
    )
    low, high = (table[f"probability_short_ci_{end}"] for end in ("low", "high"))
    ax.stairs(high, days, baseline=low, fill=True, color=_axes.BLUE, alpha=0.25, lw=0.0, gid="band")
    ax.stairs(
        table["probability_short"],
        days,
        baseline=None,
        color=_axes.BLUE,
        lw=1.5,
        zorder=3.0,
        gid="risk",
    )
    ax.set_xlim(days[0], days[-1])
    ax.set_ylim(0.0, 1.05 * float(high.max()))
    ax.set_ylabel("Short of metal [%]")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    name, futures = buyer_name(outlook, buyer_id), _futures(outlook, outlook.n_scenarios)
    _finish(ax, wrapped(ax, f"{name}: {futures}", 6.5))
    if not table["probability_short"].any():
        _say(ax, f"never short in any of {outlook.n_scenarios:,} futures")
    return _noted(
        ax,
        "line: probability that some of the use is not met; band: its 90 % interval; area: part of "
        f"the use not met, mean of all futures ({shown(table['shortage_t'].sum())} t in all)",
    )


def _say(ax: Axes, what: str) -> None:
    ax.text(
        0.5,
        0.5,
        what,
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontsize="small",
        color=_axes.INK,
    )
