"""The criticality matrix: how likely a metal is to be short against how much rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.indicators.eu_crm import (
    ECONOMIC_IMPORTANCE_THRESHOLD,
    SUPPLY_RISK_THRESHOLD,
    is_eu_critical,
)
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import axes_or_new, quiet, settle, words, wrapped
from supplyrisk.plot._labels import CORNERS, SIDES, label_bubbles
from supplyrisk.scorecard.card import Scorecard
from supplyrisk.scorecard.estimates import UNKNOWN, Estimate, estimates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

_PAIR: Final = ("economic_importance", "supply_risk")
_COLUMNS: Final = ["commodity", "name", "value", "ci_low", "ci_high", "coverage"]
_RADIUS_PT: Final = 3.0
_NOTE_PT: Final = 34.0
_DASHES: Final[dict[str, Any]] = {
    "color": _axes.GUIDE,
    "linewidth": 1.0,
    "linestyle": "--",
    "zorder": 1,
}

Pairs = dict[str, tuple[Estimate, Estimate]]


def criticality(
    known: pd.DataFrame | Scorecard | Iterable[Scorecard], *, ax: Axes | None = None
) -> Axes:
    """Draw supply risk against economic importance, with their intervals.

    Parameters
    ----------
    known : pandas.DataFrame, Scorecard or iterable of Scorecard
        Indicators as `indicator_table` or `rank` give them; or cards.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    InvalidInputError
        If a table has neither form.
    TypeError
        If what is given is neither a table nor cards.

    Notes
    -----
    Whiskers are 90 % intervals, dashes the thresholds of the EU's lists since 2017: 1.0 for supply
    risk and 2.8 for economic importance. Of several stages the one with the higher risk counts. A
    commodity of which either is not known is named below the axes and not drawn.
    """
    pairs = _pairs(known)
    drawn = {name: pair for name, pair in pairs.items() if all(one.is_known for one in pair)}
    missing = [name for name in pairs if name not in drawn]
    ax = axes_or_new(ax, 7.0, 5.2)
    _draw_thresholds(ax)
    for name, pair in drawn.items():
        _draw(ax, name, *pair)
    importance, risk = np.array([[one.value for one in p] for p in drawn.values()]).reshape(-1, 2).T
    ax.margins(0.08)
    ax.set_xlim(left=0.0, right=max(ax.get_xlim()[1], 1.2 * ECONOMIC_IMPORTANCE_THRESHOLD))
    ax.set_ylim(bottom=0.0, top=max(ax.get_ylim()[1], 1.2 * SUPPLY_RISK_THRESHOLD))
    ax.set(xlabel="Economic importance [1]", ylabel="Supply risk [1]")
    quiet(ax)
    settle(ax)
    is_partly = any(one.coverage < 1.0 for pair in drawn.values() for one in pair)
    _write_note(ax, missing, is_partly=is_partly)
    settle(ax)
    order = np.argsort(-risk, kind="stable")
    centres = np.column_stack([importance, risk])[order]
    names = [words(list(drawn)[place]) for place in order.tolist()]
    # Corners first: whiskers lie on the sides.
    label_bubbles(ax, centres, np.full(len(names), _RADIUS_PT), names, (*CORNERS, *SIDES))
    return ax


def _pairs(known: pd.DataFrame | Scorecard | Iterable[Scorecard]) -> Pairs:
    """Return importance and risk of each commodity; what is not known without a value."""
    if isinstance(known, pd.DataFrame):
        if set(_COLUMNS) <= set(known.columns):
            return {
                str(name): _pair(estimates(rows))
                for name, rows in known.groupby("commodity", sort=False)
            }
        if set(_PAIR) <= set(known.columns):
            return {str(name): _pair(_ranked(row)) for name, row in known.iterrows()}
        rule = f"must have the columns of indicator_table or rank, {', '.join(_PAIR)} among them"
        raise InvalidInputError("criticality", [Fault("known", rule, list(known.columns))])
    cards = check.as_tuple((known,) if isinstance(known, Scorecard) else known)
    if not isinstance(cards, tuple) or not all(isinstance(card, Scorecard) for card in cards):
        raise TypeError(f"known must be a table or cards, got {known!r:.80}")
    found = {}
    for card in cards:
        rows = card.rows[card.rows["level"] == "commodity"]
        found[str(rows["subject"].iloc[0])] = _pair(estimates(rows))
    return found


def _pair(found: dict[str, Estimate]) -> tuple[Estimate, Estimate]:
    importance, risk = (found.get(name, UNKNOWN) for name in _PAIR)
    return importance, risk


def _ranked(row: pd.Series[float]) -> dict[str, Estimate]:
    return {
        name: Estimate(row[name], row[f"{name}_ci_low"], row[f"{name}_ci_high"], row["coverage"])
        for name in _PAIR
    }


def _draw_thresholds(ax: Axes) -> None:
    ax.axhline(SUPPLY_RISK_THRESHOLD, gid="threshold-supply_risk", **_DASHES)
    ax.axvline(ECONOMIC_IMPORTANCE_THRESHOLD, gid="threshold-economic_importance", **_DASHES)
    for text, place, across, side in (
        (SUPPLY_RISK_THRESHOLD, (1.0, SUPPLY_RISK_THRESHOLD), ax.get_yaxis_transform(), "right"),
        (
            ECONOMIC_IMPORTANCE_THRESHOLD,
            (ECONOMIC_IMPORTANCE_THRESHOLD, 1.0),
            ax.get_xaxis_transform(),
            "left",
        ),
    ):
        ax.annotate(
            f" {text:.1f} ",
            place,
            xycoords=across,
            ha=side,
            va="bottom",
            fontsize="small",
            color=_axes.GUIDE,
        )


def _draw(ax: Axes, name: str, importance: Estimate, risk: Estimate) -> None:
    critical = is_eu_critical(supply_risk=risk.value, economic_importance=importance.value)
    colour = _axes.VERMILION if critical else _axes.BLUE
    for one, lines in ((importance, ax.hlines), (risk, ax.vlines)):
        at = risk.value if one is importance else importance.value
        if np.isfinite(one.low) and np.isfinite(one.high):
            lines(at, one.low, one.high, color=colour, linewidth=0.9, alpha=0.5, gid=f"ci-{name}")
    ax.plot(
        importance.value,
        risk.value,
        marker="o",
        markersize=2.0 * _RADIUS_PT,
        color=colour,
        linestyle="none",
        gid=name,
    )


def _write_note(ax: Axes, missing: list[str], *, is_partly: bool) -> None:
    """Say what is what, what figures rest on, and which commodities are not drawn and why."""
    note = "Orange: both thresholds of the EU's lists are reached. Whiskers: 90 % intervals."
    if is_partly:
        note += (
            " Substitution and recycling that are not known count as none, so these are not the"
            " EU's own figures."
        )
    if missing:
        note += f" Not drawn, as one of the two is not known: {', '.join(map(words, missing))}."
    ax.annotate(
        wrapped(ax, note),
        xy=(0.0, 0.0),
        xycoords="axes fraction",
        xytext=(0.0, -_NOTE_PT),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color="0.35",
        gid="note",
    )
