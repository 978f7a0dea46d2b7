"""When sites stand still: what is known, and what the futures hold."""

from __future__ import annotations

import datetime as dt
from textwrap import fill
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.ticker import PercentFormatter

from supplyrisk import _validation as check
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.plan import sites_in
from supplyrisk.errors import InvalidInputError
from supplyrisk.plot import _axes
from supplyrisk.plot._axes import (
    axes_or_new,
    date_axis,
    day_number,
    day_text,
    percent,
    plain,
    quiet,
)
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from supplyrisk.model.hazard import DisruptionEvent
    from supplyrisk.plot._axes import Floats

_PAST: Final = 0.28  # of the horizon is shown before the start
_STRIP: Final = 0.62  # height of the strip of a row, which is 1.0 apart from the next
_LINE: Final = 0.78  # height of a line of words, or of a restart, below the strip
_FAR_DAYS: Final = 4.0 * DAYS_PER_YEAR  # beyond it the year says enough
# From almost nothing to almost black, so that it stays a scale in grey.
_SHADES: Final = LinearSegmentedColormap.from_list(
    "supplyrisk-loss", ["#f4f4f0", "#f6c667", "#d55e00", "#7a1f12", "#2a0a10"]
)
_TICKS: Final = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


class _Row(NamedTuple):
    """One site: where it is drawn, and the dated events that are shown with it.

    Attributes
    ----------
    site_id, name
        The site.
    place
        Its index in the plan.
    middle
        Middle of its strip.
    events
        Dated events that hit it, those over before the picture begins left out.
    """

    site_id: str
    name: str
    place: int
    middle: float
    events: tuple[DisruptionEvent, ...]

    @property
    def below(self) -> float:
        """Room for the events below the strip."""
        return sum(_LINE * (2.0 if event.ended is None else 1.0) for event in self.events)


class _Frame(NamedTuple):
    """Dates of the picture, on the scale of its axis, and the scale of its shades."""

    left: float
    start: float
    right: float
    scale: PowerNorm


def timeline(outlook: Outlook, *, top: int = 12, ax: Axes | None = None) -> Axes:
    """Draw a row per site: known outages, then the share of its plan lost in the futures.

    Parameters
    ----------
    outlook : Outlook
        Futures simulated with ``keep="events"``.
    top : int, default 12
        Number of rows: sites with dated events first, then those with the largest expected loss.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure is made when omitted.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on, for further styling.

    Raises
    ------
    ValueError
        If the outlook was not simulated with ``keep="events"``, or `top` is not a whole number of
        at least 1.

    Notes
    -----
    The shade after the start of the case is the share of the site's planned production that is
    lost in each step, the mean of all futures, ramps included. For a mine that stands still or
    runs it is close to the share of futures in which it stands still; for the rest of a country,
    which is many mines, it counts each of them for its part.

    A restart is drawn at its median over the futures in which the event takes place, with a line
    from the 5 to the 95 % quantile; ramps come after it.
    """
    check.require("outlook", outlook, Outlook)
    faults = tuple(check.whole("top", top, least=1))
    if faults:
        raise InvalidInputError("timeline", faults)
    events = outlook.events()
    rows = _rows(outlook, top)
    start = day_number(outlook.case.start)
    horizon = outlook.plan.horizon_days
    frame = _Frame(start - _PAST * horizon, start, start + horizon, PowerNorm(0.5, 0.0, 1.0))
    height = rows[-1].middle + rows[-1].below + 0.5
    ax = axes_or_new(ax, 7.0, max(1.4 + 0.235 * height, 2.4))
    for row in rows:
        _draw_futures(ax, outlook, row, frame)
        line = row.middle + 0.5 * (_STRIP + _LINE)
        for event in row.events:
            _draw_known(ax, event, row, frame)
            restart = _restart(events, event, row.site_id)
            _draw_restart(ax, restart, line, frame)
            before, after = _words(event, restart, outlook.case.start)
            _write(ax, before, line, frame, -1)
            line += _LINE * (event.ended is None)
            _write(ax, after, line, frame, 1)
            line += _LINE
    ax.axvline(start, color=_axes.INK, linewidth=1.0)
    ax.set(xlim=(frame.left, frame.right), ylim=(height, -0.7))
    ax.set_yticks([row.middle for row in rows], [fill(row.name, 30) for row in rows])
    ax.tick_params(axis="y", length=0, labelsize="small", pad=7.0)
    date_axis(ax)
    quiet(ax)
    ax.spines["left"].set_visible(False)
    ax.set_title(f"Outages: known until {day_text(outlook.case.start)}, then simulated")
    ax.title.set_fontsize("medium")
    ax.set_xlabel(_note(outlook, rows), fontsize="small", color="0.35")
    bar = ax.figure.colorbar(
        ScalarMappable(frame.scale, _SHADES),
        ax=ax,
        pad=0.015,
        aspect=30,
        ticks=_TICKS,
        format=PercentFormatter(1.0, symbol=""),
        label="Expected loss\n[% of the site's plan]",
    )
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)
    return ax


def _rows(outlook: Outlook, top: int) -> list[_Row]:
    """Choose the sites: those with dated events first, then the largest expected loss."""
    plan = outlook.plan
    left = outlook.case.start - dt.timedelta(days=_PAST * plan.horizon_days)
    hit: dict[int, list[DisruptionEvent]] = {}
    for event in sorted(outlook.case.events, key=lambda event: event.started):
        if event.ended is None or event.ended > left:
            for place in sites_in(event.scope, plan.sites):
                hit.setdefault(int(place), []).append(event)
    lost = outlook.sites["expected_lost_t"].to_numpy()
    order = sorted(range(len(lost)), key=lambda place: (place not in hit, -lost[place]))
    rows: list[_Row] = []
    middle = 0.0
    for place in order[:top]:
        site = plan.sites[place]
        events = tuple(hit.get(place, ()))
        rows.append(_Row(site.site_id, plain(site.name), place, middle, events))
        middle += 1.0 + rows[-1].below
    return rows


def _draw_futures(ax: Axes, outlook: Outlook, row: _Row, frame: _Frame) -> None:
    """Shade each step by the share of the plan that is lost in the mean of all futures."""
    edges = outlook.plan.edges_days
    dates = [outlook.case.start + dt.timedelta(days=int(day)) for day in edges]
    planned = outlook.plan.production_t_per_day[row.place] * np.diff(edges)
    made = outlook.production_t(row.site_id, dates).mean(axis=0)
    lost = np.divide(planned - made, planned, out=np.zeros_like(made), where=planned > 0.0)
    ax.pcolormesh(
        frame.start + edges,
        [row.middle - _STRIP / 2.0, row.middle + _STRIP / 2.0],
        np.clip(lost, 0.0, 1.0)[np.newaxis, :],
        cmap=_SHADES,
        norm=frame.scale,
        gid=f"futures-{row.site_id}",
    )


def _draw_known(ax: Axes, event: DisruptionEvent, row: _Row, frame: _Frame) -> None:
    """Draw what is known of an event before the start, or the day it is announced for."""
    begin = day_number(event.started)
    if begin >= frame.start:
        ax.plot(begin, row.middle, ">", ms=5.0, mfc="white", mec=_axes.INK, gid="announced")
        return
    end = frame.start if event.ended is None else min(day_number(event.ended), frame.start)
    first = max(begin, frame.left)
    ax.barh(
        row.middle,
        end - first,
        left=first,
        height=_STRIP,
        color=_SHADES(frame.scale(event.severity)),
        edgecolor=_axes.INK,
        linewidth=0.8,
        gid="known",
    )
    if begin < frame.left:
        colour = _SHADES(frame.scale(event.severity))
        ax.plot(frame.left, row.middle, "<", ms=8.0, color=colour, clip_on=False, gid="before")


def _restart(events: pd.DataFrame, event: DisruptionEvent, site_id: str) -> Floats:
    """Return the 5, 50 and 95 % points of the restart, none for an event that is over [d]."""
    chosen = events[(events["threat"] == event.event_id) & (events["site_id"] == site_id)]
    if event.ended is not None or not len(chosen):
        return np.empty(0)
    days = (chosen["start_days"] + chosen["outage_days"]).to_numpy()
    # Not interpolated: some outages may never end.
    points: Floats = np.quantile(days, [0.05, 0.5, 0.95], method="inverted_cdf")
    return points


def _draw_restart(ax: Axes, restart: Floats, line: float, frame: _Frame) -> None:
    if not len(restart):
        return
    low, middle, high = frame.start + restart
    ink = _axes.INK
    if low < frame.right:
        ax.plot([low, min(high, frame.right)], [line, line], color=ink, lw=1.0, gid="restart")
        ax.plot(low, line, "|", ms=6.0, color=ink, gid="restart-end")
    last, mark = (high, "|") if high <= frame.right else (frame.right, ">")
    ax.plot(last, line, mark, ms=6.0, color=ink, clip_on=False, gid="restart-end")
    if middle <= frame.right:
        ax.plot(middle, line, "D", ms=5.0, color=ink, gid="median-restart")


def _words(event: DisruptionEvent, restart: Floats, start: dt.date) -> tuple[str, str]:
    """Say what is known of an event, left of the start, and what is simulated, right of it."""
    began = day_text(event.started)
    if event.ended is not None:
        return "", f"{began} to {day_text(event.ended)}"
    simulated = ""
    if len(restart):
        low, middle, high = (_when(days, start) for days in restart)
        simulated = f"restart {middle}" + (f" ({low} to {high})" if low != high else "")
    if event.started < start:
        return f"since {began}", simulated
    chance = f" {percent(event.probability)}:" if event.probability < 1.0 else ""
    return f"{chance} from {began}".strip(), simulated


def _write(ax: Axes, words: str, line: float, frame: _Frame, side: int) -> None:
    """Write words left or right of the start, which is drawn as a line."""
    if words:
        ax.annotate(
            words,
            xy=(frame.start, line),
            xytext=(4.0 * side, 0.0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize="x-small",
            color=_axes.INK,
            annotation_clip=False,
        )


def _when(days: float, start: dt.date) -> str:
    if days <= _FAR_DAYS:
        return day_text(start + dt.timedelta(days=float(days)))
    year = start.year + days / DAYS_PER_YEAR
    if np.isinf(days):
        return "never"
    return f"{year:.0f}" if year < start.year + 100 else f"after {start.year + 100}"


def _note(outlook: Outlook, rows: list[_Row]) -> str:
    """Explain the restarts, and say which part of the loss is not on the picture."""
    notes = []
    if any(event.ended is None for row in rows for event in row.events):
        notes.append("restart: median (line and brackets: 5 to 95 % of futures)")
    lost = outlook.sites["expected_lost_t"].to_numpy()
    n_left = len(lost) - len(rows)
    if n_left:
        drawn = lost[[row.place for row in rows]].sum()
        share = (lost.sum() - drawn) / lost.sum() if lost.any() else 0.0
        sites = f"{n_left} more site{'s'[: n_left > 1]}"
        notes.append(f"not shown: {sites}, {percent(share)} of the expected loss")
    return "\n".join(notes)
