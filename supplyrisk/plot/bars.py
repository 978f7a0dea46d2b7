"""What the losses are made of, and what they cost the buyers."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk import _validation as check
from supplyrisk import metrics
from supplyrisk._countries import country_name
from supplyrisk._text import shown
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.outlook import Outlook
from supplyrisk.errors import InvalidInputError
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import axes_or_new, explain, number_axis, percent, plain, quiet, words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from supplyrisk.plot._axes import Floats

_BAR: Final = 0.38  # height of one of the two bars of a row
_VISIBLE: Final = 0.005  # of the longest bar; a shorter one is no more than a line
_WORST: Final = f"worst {100.0 * (1.0 - TAIL_LEVEL):.0f} %"
_SCALES: Final = ((1e9, "billion USD"), (1e6, "million USD"), (1e3, "thousand USD"), (1.0, "USD"))


class _Pairs(NamedTuple):
    """Two bars a row: the mean of all futures, and of the worst ones; each (n_rows,)."""

    names: list[str]
    expected: Floats
    tail: Floats


def contributions(
    outlook: Outlook, by: str = "site", *, top: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw what each part contributes to the expected loss and to the tail mean.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    by : {"site", "country", "peril", "threat"}
        What to split by; a threat is a hazard or a dated event.
    top : int, default 10
        Number of rows, those with the largest part of the tail mean; what is left is summed up in
        one more.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If `by` is none of these, or `top` is not a whole number of at least 1.

    Notes
    -----
    The tail mean is the tail value at risk at 95 %, split by what each part lost in the worst
    futures of all parts together; see `supplyrisk.engine.outlook.Outlook.contributions`.
    """
    check.require("outlook", outlook, Outlook)
    faults = tuple(check.whole("top", top, least=1))
    if faults:
        raise InvalidInputError("contributions", faults)
    table = outlook.contributions(by)
    pairs = _rows(outlook, table, by, top)
    ax = axes_or_new(ax, 7.0, 1.3 + 0.36 * len(pairs.names))
    mean = metrics.tail_value_at_risk(outlook.lost_t, level=TAIL_LEVEL)
    _draw_pairs(
        ax,
        pairs,
        (
            f"mean: {shown(float(outlook.lost_t.mean()))} t",
            f"{_WORST}: {shown(mean)} t",
        ),
    )
    for offset, values in ((-_BAR / 2.0, pairs.expected), (_BAR / 2.0, pairs.tail)):
        total = values.sum()
        for row, value in enumerate(values):
            ax.annotate(
                percent(value / total if total > 0.0 else 0.0),
                xy=(value, row + offset),
                xytext=(3.0, 0.0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                color=_axes.INK,
            )
    ax.set_xlim(0.0, 1.1 * max(pairs.expected.max(), pairs.tail.max()) or 1.0)
    ax.set_xlabel(f"Part of the lost production of {words(outlook.case.commodity or '')} [t]")
    if not outlook.lost_t.any():
        ax.set_title(f"no loss in any of {outlook.n_scenarios:,} futures", fontsize="medium")
    return ax


def buyers(outlook: Outlook, *, ax: Axes | None = None) -> Axes:
    """Draw what disruptions cost each buyer: dearer metal and lost margin.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures of a case with a market and buyers.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If the outlook has no buyers.

    Notes
    -----
    Costs are against the same futures without the disruptions that became known after the price
    date. The two tail means of a buyer come from
    different futures, each the worst of its own kind, and are not to be added up. The whisker is
    the 90 % confidence interval of the expected cost.
    """
    check.require("outlook", outlook, Outlook)
    table = outlook.exposures
    if not len(table):
        raise ValueError(
            "outlook must have buyers: the case needs exposures and a market of their commodity, "
            f"got {len(outlook.case.exposures)} exposures and {len(outlook.case.markets)} markets"
        )
    kinds = {"dearer metal": "cost_usd", "lost margin": "lost_margin_usd"}
    names = [
        f"{fill(buyer_name(outlook, str(buyer_id)), 30)}\n{kind}"
        for buyer_id in table.index
        for kind in kinds
    ]
    expected, tail = (
        table[[f"{part}_{column}" for column in kinds.values()]].to_numpy(dtype=float).ravel()
        for part in ("expected", "tail")
    )
    largest = max(np.abs(expected).max(), np.abs(tail).max())
    scale, unit = next((pair for pair in _SCALES if largest >= pair[0]), _SCALES[-1])
    ax = axes_or_new(ax, 7.0, 1.3 + 0.5 * len(names))
    pairs = _Pairs(names, expected / scale, tail / scale)
    _draw_pairs(ax, pairs, ("mean", f"mean of the {_WORST} of each kind"))
    ends = (
        table[["expected_cost_usd_ci_low", "expected_cost_usd_ci_high"]].to_numpy(dtype=float).T
        / scale
    )
    rows = np.arange(0, len(names), len(kinds))
    ax.hlines(
        rows - _BAR / 2.0,
        *ends,
        color=_axes.INK,
        linewidth=1.2,
        label="90 % confidence of the mean",
        gid="interval",
    )
    _say_small(ax, pairs, scale)
    ax.axvline(0.0, color=_axes.INK, linewidth=0.8)
    ax.margins(x=0.05)
    ax.set_xlabel(f"Cost against the path without the new disruptions [{unit}]")
    explain(ax, "best")
    return ax


def _say_small(ax: Axes, pairs: _Pairs, scale: float) -> None:
    """Write what is too small for a bar: a row without one could mean that nobody looked."""
    largest = max(np.abs(pairs.expected).max(), np.abs(pairs.tail).max())
    for row, (mean, worst) in enumerate(zip(pairs.expected, pairs.tail, strict=True)):
        if max(abs(mean), abs(worst)) > _VISIBLE * largest:
            continue
        said = f"mean {shown(mean * scale)} USD, {_WORST} {shown(worst * scale)} USD"
        ax.annotate(
            said if mean or worst else "none in any future",
            (0.0, row),
            xytext=(4.0, 0.0),
            textcoords="offset points",
            va="center",
            fontsize="x-small",
            gid="too-small",
        )


def buyer_name(outlook: Outlook, buyer_id: str) -> str:
    """Return what a buyer is called in pictures; who is made up is called so."""
    name = str(outlook.exposures.loc[buyer_id, "name"])
    illustrative = bool(outlook.exposures.loc[buyer_id, "illustrative"])
    said = not illustrative or "illustrative" in name.lower()
    return plain(name if said else f"{name} (illustrative)")


def _rows(outlook: Outlook, table: pd.DataFrame, by: str, top: int) -> _Pairs:
    """Take the largest parts by name and sum up the others."""
    shown_rows = top if len(table) > top + 1 else len(table)
    head, rest = table.iloc[:shown_rows], table.iloc[shown_rows:]
    names = [fill(_name(outlook, str(key), by), 32) for key in head.index]
    expected, tail = head["expected_t"].to_numpy(), head["tail_t"].to_numpy()
    if len(rest):
        names.append(f"all {len(rest)} others")
        expected = np.append(expected, rest["expected_t"].sum())
        tail = np.append(tail, rest["tail_t"].sum())
    return _Pairs(names, expected, tail)


def _name(outlook: Outlook, key: str, by: str) -> str:
    if by == "site":
        return plain(str(outlook.sites.loc[key, "name"]))
    if by == "country":
        return country_name(key)
    return words(key) if by == "peril" else plain(key)


def _draw_pairs(ax: Axes, pairs: _Pairs, labels: tuple[str, str]) -> None:
    rows = np.arange(len(pairs.names))
    bars = ((-1.0, pairs.expected, _axes.SKY), (1.0, pairs.tail, _axes.BLUE))
    for (side, values, colour), label in zip(bars, labels, strict=True):
        ax.barh(rows + side * _BAR / 2.0, values, height=_BAR, color=colour, label=label)
    ax.set_yticks(rows, pairs.names, fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    number_axis(ax.xaxis)
    quiet(ax)
    explain(ax, "best")
