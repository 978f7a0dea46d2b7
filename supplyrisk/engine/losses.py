"""From events to lost production: integrals of availability, by event and by step.

Availability is the product over a site's events of ``1 - m phi(t)``. Where one event acts alone its
loss has a closed form; only where events overlap is the product integrated piece by piece, with a
Gauss rule that is exact for the polynomial ramp-ups and close for the exponential one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
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

_DEGREE: Final = {"linear": 1, "s_curve": 3, "exponential": 9}
"""Degree of a ramp-up as a polynomial; the exponential one is no more than close to its own. [1]"""
_TOGETHER: Final = 3
"""Events of a group that are integrated together even where some of them do not act."""
_NONE: Final[Ints] = np.empty(0, dtype=np.intp)


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

    @classmethod
    def joined(cls, parts: list[Cells]) -> Cells:
        """Return the cells of several tables, one after the other."""
        nowhere = np.empty(0, dtype=np.intp)
        tables = [cls(nowhere, nowhere, nowhere, np.empty(0)), *parts]
        return cls(*(np.concatenate([getattr(t, name) for t in tables]) for name in cls.__slots__))

    def between(self, first: int, last: int) -> Cells:
        """Return the cells of some neighbouring scenarios, which are counted from the first."""
        mine = (self.scenario >= first) & (self.scenario < last)
        scenario, *others = (getattr(self, name)[mine] for name in self.__slots__)
        return Cells(scenario - first, *others)

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
        self.events, self._plan = events, plan
        self._ramps = plan.ramp_shapes
        self.over = events.over
        several = len(self._ramps) > 1
        self._kind = plan.ramp_kind[events.threat] if several else _NONE
        self._areas = np.array([ramps.lost_until(ramp, np.ones(1))[0] for ramp in self._ramps])

    def rows(self, chosen: Ints) -> Outages:
        """Return some of the rows."""
        return Outages(self._plan, self.events.rows(chosen))

    def lost_between(self, first: float, last: float) -> Floats:
        """Integral of phi between two times, for every row [d]."""
        e = self.events
        area = self._areas[self._kind] if len(self._areas) > 1 else self._areas
        lost: Floats = e.outage + e.ramp * area
        late = np.flatnonzero(self.over > last)
        lost[late] = self.lost_until(late, np.full(len(late), last))
        early = np.flatnonzero(e.start < first)
        lost[early] -= self.lost_until(early, np.full(len(early), first))
        return lost

    def lost_until(self, rows: Ints, t: Floats) -> Floats:
        """Integral of phi from the start of each row's outage to a time [d]."""
        e = self.events
        since = t - e.start[rows]
        outage, ramp = e.outage[rows], e.ramp[rows]
        lost = np.minimum(np.maximum(since, 0.0), outage)
        late = np.flatnonzero((since > outage) & (ramp > 0.0))
        v = np.minimum((since[late] - outage[late]) / ramp[late], 1.0)
        lost[late] += ramp[late] * self._by_shape(ramps.lost_until, rows[late], v)
        return lost

    def phi(self, rows: Ints, t: Floats) -> Floats:
        """Share of each row's severity that acts at some times, shape (n_rows, n_times) [1]."""
        e = self.events
        start, outage, ramp = (field[rows, np.newaxis] for field in (e.start, e.outage, e.ramp))
        since = t - start
        acting = (since >= 0.0) & (since < outage + ramp)
        v = np.minimum(np.maximum(since - outage, 0.0) / np.where(ramp > 0.0, ramp, 1.0), 1.0)
        # A ramp-up by steps may begin below 1.
        on_ramp = self._by_shape(ramps.share_lost, rows, v)
        return np.where(acting, np.where(since < outage, 1.0, on_ramp), 0.0)

    def ramp_left(self, rows: Ints, t: Floats, window_days: float) -> Floats:
        """Days of phi to come in the window ahead, on the ramp-up of rows that restarted [d]."""
        ramp = self.events.ramp[rows]
        safe = np.where(ramp > 0.0, ramp, 1.0)
        into = t - self.events.restart[rows]
        now, then = (np.clip(days / safe, 0.0, 1.0) for days in (into, into + window_days))
        until = self._by_shape(ramps.lost_until, rows, then)
        return ramp * (until - self._by_shape(ramps.lost_until, rows, now))

    def n_nodes(self, size: int) -> int:
        """Return the nodes of a Gauss rule for products of so many rows, between their knots."""
        degree = max((_DEGREE.get(ramp.shape, 0) for ramp in self._ramps), default=0)
        return size * degree // 2 + 1

    def knots(self, rows: Ints) -> Floats:
        """Times at which phi of each row changes its form, shape (n_rows, n_knots) [d]."""
        e = self.events
        most = max((ramps.knots(ramp).size for ramp in self._ramps), default=0)
        inner = np.zeros((len(rows), most))
        for number, ramp in enumerate(self._ramps):
            points = ramps.knots(ramp)
            mine = self._kind[rows] == number if len(self._ramps) > 1 else slice(None)
            inner[mine, : points.size] = points
        start, restart, over = e.start[rows], e.restart[rows], self.over[rows]
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
        Rows of a site and scenario are neighbours, sorted by start.
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
    alone = outages.lost_between(edges[0], edges[-1])
    alone *= events.severity
    days, cells_back = alone, Cells.joined([])
    near = _meeting(events, outages.over)
    if len(near):
        back, cells_back = _taken_back(outages.rows(near), edges)
        # Rounding must not make a loss of less than nothing.
        days = alone.copy()
        days[near] = np.maximum(alone[near] - back, 0.0)
    if len(edges) == 2:
        cells = Cells(events.scenario, np.zeros(len(events), dtype=np.intp), events.site, days)
    else:
        cells = Cells.joined([_cells_alone(outages, edges), cells_back])
    return Losses(alone_days=alone, days=days, cells=cells)


def _cells_alone(outages: Outages, edges: Floats) -> Cells:
    """The loss of each event by step, as if it were the only one."""
    events = outages.events
    row, step = _steps_between(np.maximum(events.start, edges[0]), outages.over, edges)
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


def _meeting(events: Events, over: Floats) -> Ints:
    """Return the rows of each site and scenario where an event starts before another is over.

    Where one lasts beyond others that follow, it meets the very next of them as well.
    """
    same = _same(events.scenario, events.site)
    (meets,) = (same & (events.start[1:] < over[:-1])).nonzero()
    if not len(meets):
        return meets
    place = np.cumsum(np.concatenate([[False], ~same]))  # of the site and scenario
    wanted = np.zeros(place[-1] + 1, dtype=bool)
    wanted[place[meets]] = True
    return np.flatnonzero(wanted[place])


def _same(scenario: Ints, site: Ints) -> NDArray[np.bool_]:
    """Return whether each row is of the same scenario and site as the next."""
    return np.asarray((scenario[1:] == scenario[:-1]) & (site[1:] == site[:-1]))


def _taken_back(outages: Outages, edges: Floats) -> tuple[Floats, Cells]:
    """What events that overlap earlier ones do not lose: by event, and by step."""
    events = outages.events
    by_row, parts = np.zeros(len(events)), []
    for group in _overlapping(outages, edges):
        for pieces in _pieces(outages, group, edges):
            rows, step, low, high = _cut(pieces, edges)
            days = _overlap_days(outages, rows, low, high)
            by_row += np.bincount(rows.ravel(), days.ravel(), minlength=len(events))
            first = rows[:, 0]
            parts.append(Cells(events.scenario[first], step, events.site[first], -days.sum(axis=1)))
    return by_row, Cells.joined(parts)


def _cut(pieces: tuple[Ints, Floats, Floats], edges: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Cut pieces at the edges of the steps: rows, step, and the ends of each."""
    rows, low, high = pieces
    if len(edges) == 2:
        return rows, np.zeros(len(rows), dtype=np.intp), low, high
    piece, step = _steps_between(low, high, edges)
    ends = np.maximum(low[piece], edges[step]), np.minimum(high[piece], edges[step + 1])
    return rows[piece], step, *ends


def groups_of_a_site(events: Events, rows: Ints | None = None) -> Iterator[Ints]:
    """Group the rows of each site and scenario that has several events.

    Parameters
    ----------
    events : Events
        Rows of a site and scenario are neighbours, sorted by start.
    rows : ndarray, shape (n_rows,), optional
        The rows to look at, ascending; all of them when omitted.

    Yields
    ------
    ndarray, shape (n_groups, size)
        Rows of the groups of one size.
    """
    scenario, site = events.scenario, events.site
    if rows is not None:
        scenario, site = scenario[rows], site[rows]
    for group in _runs(_same(scenario, site)):
        yield group if rows is None else rows[group]


def _runs(joined: NDArray[np.bool_]) -> Iterator[Ints]:
    """Group rows of which each may be joined to the next: by size, shape (n_groups, size)."""
    (inner,) = joined.nonzero()
    if len(inner):
        first = inner[np.diff(inner, prepend=-2) > 1]
        size = inner[np.diff(inner, append=inner[-1] + 2) > 1] + 2 - first
        for k in np.flatnonzero(np.bincount(size)).tolist():
            yield first[size == k][:, np.newaxis] + np.arange(k)


def _overlapping(outages: Outages, edges: Floats) -> Iterator[Ints]:
    """Yield groups of rows that overlap: each but the first starts before an earlier one is over.

    Rows of a site and scenario are neighbours, so those of a group are as well.
    """
    events = outages.events
    joined = np.zeros(max(len(events) - 1, 0), dtype=bool)
    ends = outages.over
    for rows in groups_of_a_site(events):
        over = np.maximum.accumulate(ends[rows], axis=1)[:, :-1]
        later = np.maximum(events.start[rows][:, 1:], edges[0])
        joined[rows[:, :-1]] = later < np.minimum(over, edges[-1])
    yield from _runs(joined)


def _pieces(outages: Outages, rows: Ints, edges: Floats) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Cut the time of each group where a form changes; keep pieces where two events act or more.

    Yields rows, shape (n_pieces, n_rows), and the ends of each piece; of a large group by the
    number that act, and only those that do.
    """
    events = outages.events
    n_groups, size = rows.shape
    knots = np.clip(outages.knots(rows.ravel()), edges[0], edges[-1]).reshape(n_groups, -1)
    knots.sort(axis=1)
    low, high = knots[:, :-1], knots[:, 1:]
    middle = 0.5 * (low + high)
    count = np.zeros(low.shape, dtype=np.intp)
    for k in range(size):
        row = rows[:, k, np.newaxis]
        count += (events.start[row] <= middle) & (middle < outages.over[row])
    group, piece = np.nonzero((high > low) & (count > 1))
    low, high, middle = low[group, piece], high[group, piece], middle[group, piece]
    if size <= _TOGETHER:
        yield rows[group], low, high
        return
    count = count[group, piece]
    for n in range(2, size + 1):
        (chosen,) = np.nonzero(count == n)
        if len(chosen):
            several, then = rows[group[chosen]], middle[chosen, np.newaxis]
            acting = (events.start[several] <= then) & (then < outages.over[several])
            yield several[acting].reshape(-1, n), low[chosen], high[chosen]


def _overlap_days(outages: Outages, rows: Ints, low: Floats, high: Floats) -> Floats:
    """Integrate what later events do not lose, shape (n_pieces, size) [d]."""
    events, size = outages.events, rows.shape[1]
    nodes, weights = _gauss(outages.n_nodes(size))
    t = low[:, np.newaxis] + (high - low)[:, np.newaxis] * nodes
    left = np.ones_like(t)
    out = np.empty(rows.shape)
    for k in range(size):
        damage = events.severity[rows[:, k], np.newaxis] * outages.phi(rows[:, k], t)
        # Not by BLAS: there the order of summation depends on its threads.
        out[:, k] = np.einsum("ij,j->i", damage * (1.0 - left), weights)
        left *= 1.0 - damage
    out *= (high - low)[:, np.newaxis]
    return out


@cache
def _gauss(n: int) -> tuple[Floats, Floats]:
    """Return nodes and weights of the Gauss rule on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights
