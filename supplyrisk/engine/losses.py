"""From events to lost production: integrals of availability, by event and by step.

Availability is the product over a site's events of ``1 - m phi(t)``. Where one event acts alone its
loss has a closed form; only where events overlap is the product integrated piece by piece, with a
Gauss rule that is exact for the polynomial ramp-ups and close for the exponential one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.hazard import ramps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.plan import Plan
    from supplyrisk.model.hazard import RampUp

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

# Six nodes are exact up to degree 11: three S-curves on top of each other have degree 9.
_GAUSS: Final = np.polynomial.legendre.leggauss(6)
_NODES: Final[Floats] = 0.5 * (_GAUSS[0] + 1.0)
_WEIGHTS: Final[Floats] = 0.5 * _GAUSS[1]


@dataclass(frozen=True, slots=True)
class Cells:
    """Days of full production lost, by scenario, step and site: sparse, and additive.

    Attributes
    ----------
    scenario, step, site
        Where the loss falls, shape (n_cells,).
    days
        Days of the site's planned production lost there; negative where an overlap is taken back,
        shape (n_cells,). [d]
    """

    scenario: Ints
    step: Ints
    site: Ints
    days: Floats

    def series(self, weights: Floats, n_scenarios: int, n_steps: int) -> Floats:
        """Return the weighted sum over sites, shape (n_scenarios, n_steps)."""
        flat = self.scenario * n_steps + self.step
        lost = weights[self.site] * self.days
        total = np.bincount(flat, lost, minlength=n_scenarios * n_steps).astype(float)
        return total.reshape(n_scenarios, n_steps)


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of the events of a block.

    Attributes
    ----------
    alone_days
        What each event would lose if it were the only one, shape (n_rows,). [d]
    days
        What is left to each event when those that started earlier come first, shape (n_rows,). [d]
    cells
        The same by step.
    """

    alone_days: Floats
    days: Floats
    cells: Cells


class Outages:
    """The rows of an event table as functions of time."""

    def __init__(self, plan: Plan, events: Events) -> None:
        self.events = events
        shapes = [(threat.ramp_up.shape, threat.ramp_up.levels) for threat in plan.threats]
        self._shapes = list(dict.fromkeys(shapes))
        first = {shape: plan.threats[shapes.index(shape)].ramp_up for shape in self._shapes}
        self._ramps = [first[shape] for shape in self._shapes]
        kind = np.array([self._shapes.index(shape) for shape in shapes], dtype=np.intp)
        self._kind = kind[events.threat]

    def lost_until(self, rows: Ints, t: Floats) -> Floats:
        """Integral of phi from the start of each row's outage to a time [d]."""
        e = self.events
        since = t - e.start[rows]
        outage, ramp = e.outage[rows], e.ramp[rows]
        lost = np.clip(since, 0.0, outage)
        late = np.flatnonzero((since > outage) & (ramp > 0.0))
        v = np.minimum((since[late] - outage[late]) / ramp[late], 1.0)
        lost[late] += ramp[late] * self._by_shape(ramps.lost_until, rows[late], v)
        return lost

    def phi(self, rows: Ints, t: Floats) -> Floats:
        """Share of each row's severity that acts at a time [1]."""
        e = self.events
        since = t - e.start[rows]
        outage, ramp = e.outage[rows], e.ramp[rows]
        acting = ((since >= 0.0) & (since < outage)).astype(float)
        on_ramp = np.flatnonzero((since >= outage) & (since < outage + ramp))
        v = (since[on_ramp] - outage[on_ramp]) / ramp[on_ramp]
        acting[on_ramp] = self._by_shape(ramps.share_lost, rows[on_ramp], v)
        return acting

    def ramp_left(self, rows: Ints, t: Floats, window_days: float) -> Floats:
        """Days of phi to come in the window ahead, on the ramp-up of rows that restarted [d]."""
        ramp = self.events.ramp[rows]
        safe = np.where(ramp > 0.0, ramp, 1.0)
        into = t - self.events.restart[rows]
        now, then = (np.clip(days / safe, 0.0, 1.0) for days in (into, into + window_days))
        until = self._by_shape(ramps.lost_until, rows, then)
        return ramp * (until - self._by_shape(ramps.lost_until, rows, now))

    def knots(self, rows: Ints) -> Floats:
        """Times at which phi of each row changes its form, shape (n_rows, n_knots) [d]."""
        e = self.events
        most = max((ramps.knots(ramp).size for ramp in self._ramps), default=0)
        inner = np.zeros((len(rows), most))
        for number, ramp in enumerate(self._ramps):
            points = ramps.knots(ramp)
            mine = self._kind[rows] == number
            inner[mine, : points.size] = points
        start, restart, over = e.start[rows], e.restart[rows], e.over[rows]
        ladder = restart[:, np.newaxis] + inner * e.ramp[rows][:, np.newaxis]
        return np.column_stack([start, restart, over, ladder])

    def _by_shape(
        self, function: Callable[[RampUp, Floats], Floats], rows: Ints, v: Floats
    ) -> Floats:
        if len(self._ramps) == 1:
            return function(self._ramps[0], v)
        out = np.empty_like(v)
        kind = self._kind[rows]
        for number, ramp in enumerate(self._ramps):
            mine = kind == number
            out[mine] = function(ramp, v[mine])
        return out


def losses(plan: Plan, events: Events, edges: Floats) -> Losses:
    """Return what the events of a block lose between the first edge and the last.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    events : Events
        Sorted by scenario, site and start.
    edges : ndarray, shape (n_steps + 1,)
        Edges of the steps against the start of the case. [d]

    Returns
    -------
    Losses
        In days of the site's planned production.

    Notes
    -----
    At each moment the loss goes to events in the order of their start, ``m_i phi_i prod_(j before
    i) (1 - m_j phi_j)``, so that the parts sum to ``1 - prod (1 - m phi)``.
    """
    outages = Outages(plan, events)
    every = np.arange(len(events))
    begin, end = (outages.lost_until(every, np.full(len(every), t)) for t in edges[[0, -1]])
    alone = events.severity * (end - begin)
    back, cells_back = _taken_back(outages, edges)
    cells = _joined([_cells_alone(outages, edges), cells_back])
    # Rounding must not make a loss of less than nothing.
    return Losses(alone_days=alone, days=np.maximum(alone - back, 0.0), cells=cells)


def _cells_alone(outages: Outages, edges: Floats) -> Cells:
    """The loss of each event by step, as if it were the only one."""
    events = outages.events
    row, step = _steps_between(np.maximum(events.start, edges[0]), events.over, edges)
    # Neighbouring cells of a row share an edge; evaluating both sides is cheaper than sorting out.
    lost = outages.lost_until(row, edges[step + 1]) - outages.lost_until(row, edges[step])
    return Cells(events.scenario[row], step, events.site[row], events.severity[row] * lost)


def _steps_between(start: Floats, end: Floats, edges: Floats) -> tuple[Ints, Ints]:
    """Return, for every step that each interval touches, the interval's index and the step."""
    first = np.searchsorted(edges, start, side="right") - 1
    last = np.searchsorted(edges, np.minimum(end, edges[-1]), side="left") - 1
    count = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(len(start)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, first[row] + within


def _taken_back(outages: Outages, edges: Floats) -> tuple[Floats, Cells]:
    """What events that overlap earlier ones do not lose: by event, and by step."""
    events = outages.events
    by_row = np.zeros(len(events))
    parts = []
    for rows in _overlapping(events, edges):
        group, low, high = _pieces(outages, rows, edges)
        piece, step = _steps_between(low, high, edges)
        group = group[piece]
        low, high = np.maximum(low[piece], edges[step]), np.minimum(high[piece], edges[step + 1])
        days = _overlap_days(outages, rows[group], low, high)
        by_row += np.bincount(rows[group].ravel(), days.ravel(), minlength=len(events))
        first = rows[group, 0]
        parts.append(Cells(events.scenario[first], step, events.site[first], -days.sum(axis=1)))
    nowhere = np.empty(0, dtype=np.intp)
    none = Cells(nowhere, nowhere, nowhere, np.empty(0))
    return by_row, _joined([none, *parts])


def _joined(parts: list[Cells]) -> Cells:
    return Cells(*(np.concatenate([getattr(p, name) for p in parts]) for name in Cells.__slots__))


def groups_of_a_site(events: Events, chosen: NDArray[np.bool_] | None = None) -> Iterator[Ints]:
    """Group the rows of each site and scenario that has several events.

    Parameters
    ----------
    events : Events
        Sorted by scenario, site and start.
    chosen : ndarray of bool, optional
        The rows to look at; all of them when omitted.

    Yields
    ------
    ndarray, shape (n_groups, size)
        Rows of the groups of one size.
    """
    rows = np.arange(len(events)) if chosen is None else np.flatnonzero(chosen)
    if not len(rows):
        return
    scenario, site = events.scenario[rows], events.site[rows]
    new = np.flatnonzero((np.diff(scenario, prepend=-1) != 0) | (np.diff(site, prepend=-1) != 0))
    size = np.diff(new, append=len(rows))
    for k in np.unique(size[size > 1]):
        yield rows[new[size == k][:, np.newaxis] + np.arange(k)]


def _overlapping(events: Events, edges: Floats) -> Iterator[Ints]:
    """Yield the groups in which some event starts before an earlier one is over."""
    for rows in groups_of_a_site(events):
        over = np.maximum.accumulate(events.over[rows], axis=1)[:, :-1]
        later = np.maximum(events.start[rows][:, 1:], edges[0])
        meets = (later < np.minimum(over, edges[-1])).any(axis=1)
        if meets.any():
            yield rows[meets]


def _pieces(outages: Outages, rows: Ints, edges: Floats) -> tuple[Ints, Floats, Floats]:
    """Cut the time of each group where a form changes; keep pieces where two events act.

    Returns the index of the group, and the ends of each piece.
    """
    events = outages.events
    n_groups, size = rows.shape
    knots = np.clip(outages.knots(rows.ravel()), edges[0], edges[-1]).reshape(n_groups, -1)
    knots.sort(axis=1)
    low, high = knots[:, :-1], knots[:, 1:]
    middle = 0.5 * (low + high)
    acting = np.zeros(low.shape, dtype=np.intp)
    for k in range(size):
        row = rows[:, k, np.newaxis]
        acting += (events.start[row] <= middle) & (middle < events.over[row])
    group, piece = np.nonzero((high > low) & (acting > 1))
    return group, low[group, piece], high[group, piece]


def _overlap_days(outages: Outages, rows: Ints, low: Floats, high: Floats) -> Floats:
    """Integrate what later events do not lose, shape (n_pieces, size) [d]."""
    events = outages.events
    t = low[:, np.newaxis] + (high - low)[:, np.newaxis] * _NODES
    left = np.ones_like(t)
    out = np.empty(rows.shape)
    for k in range(rows.shape[1]):
        row = np.repeat(rows[:, k], _NODES.size)
        phi = outages.phi(row, t.ravel()).reshape(t.shape)
        damage = events.severity[rows[:, k], np.newaxis] * phi
        out[:, k] = (damage * (1.0 - left)) @ _WEIGHTS * (high - low)
        left *= 1.0 - damage
    return out
