"""From the mine to the gates of the market: production, transit, feed, metal.

A step of the recursion moves every tonne of the step once. Nothing is created or lost beside what
`Ledger` books.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.flow.network import Legs, Network, Weather

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(slots=True)
class Made:
    """Flows of a step over all nodes, shape (n_scenarios,) each; a ledger adds them up.

    Attributes
    ----------
    mined
        Production of mines. [t]
    bought
        Feed that smelters bought elsewhere. [t]
    slag
        Metal lost in smelting. [t]
    """

    mined: Floats
    bought: Floats
    slag: Floats


class Held(NamedTuple):
    """Metal before the market, by where it is; shape (..., n_nodes, n_scenarios) each.

    Attributes
    ----------
    mines
        Stock of each mine. [t]
    waiting
        What waits for each leg out of a mine. [t]
    on_legs
        Under way on each leg. [t]
    feed
        Feed of each line that leads to a smelter. [t]
    made
        What waits for each strand out of a smelter. [t]
    on_strands
        Under way on each strand. [t]
    """

    mines: Floats
    waiting: Floats
    on_legs: Floats
    feed: Floats
    made: Floats
    on_strands: Floats

    @property
    def total(self) -> Floats:
        """All of it, shape (..., n_scenarios) [t]."""
        first, *others = (part.sum(axis=-2) for part in self)
        return np.asarray(sum(others, first))


class Transit:
    """Shipments under way on legs: what is shipped arrives after the transit time.

    A time that is no whole number of steps splits a shipment over the two steps around it.

    Parameters
    ----------
    legs : Legs
        The legs.
    planned_t : ndarray, shape (n_legs,)
        Shipments of an undisturbed step, which are under way at first. [t]
    step_days : float
        Length of a step. [d]
    n : int
        Number of scenarios.
    """

    def __init__(self, legs: Legs, planned_t: Floats, step_days: float, n: int) -> None:
        steps = legs.days / step_days
        whole = np.floor(steps + 1e-9).astype(np.intp)
        self._rest = np.maximum(steps - whole, 0.0)[:, np.newaxis]
        self._whole, self._each = whole, np.arange(len(whole))
        self._at_once = not steps.any()
        self._split = bool(self._rest.any())
        depth = 1 if self._at_once else int(whole.max(initial=0)) + 2
        self._sent = np.broadcast_to(planned_t[:, np.newaxis], (depth, len(whole), n)).copy()
        self._step = 0
        self.under_way = (planned_t * steps)[:, np.newaxis] + np.zeros(n)

    def pass_on(self, shipped: Floats) -> Floats:
        """Send off a step's shipments, shape (n_legs, n); return what arrives in it [t]."""
        if self._at_once:
            return shipped
        depth = len(self._sent)
        self._sent[self._step % depth] = shipped
        arrived = self._sent[(self._step - self._whole) % depth, self._each]
        if self._split:
            later = self._sent[(self._step - self._whole - 1) % depth, self._each]
            arrived += self._rest * (later - arrived)
        self._step += 1
        self.under_way += shipped
        self.under_way -= arrived
        return arrived


class Dispatch:
    """What leaves the nodes over their legs, and what waits for them to open.

    Metal keeps to its leg: what a closed one holds back waits for it, but for what a standby leg
    of the node can take. So nothing depends on how often a step looks.

    Parameters
    ----------
    legs : Legs
        Ways out of the nodes.
    planned_t : ndarray, shape (n_legs,)
        Flow of an undisturbed step. [t]
    step_days : float
        Length of a step. [d]
    n : int
        Number of scenarios.
    """

    def __init__(self, legs: Legs, planned_t: Floats, step_days: float, n: int) -> None:
        standby = np.flatnonzero(legs.standby)
        self._origin, self._share = legs.origin, legs.share[:, np.newaxis]
        self._planned = planned_t[:, np.newaxis]
        self._limit = (legs.capacity * step_days)[:, np.newaxis]
        self._limited = bool(np.isfinite(legs.capacity[~legs.standby]).any())
        self._standby = [
            (int(k), np.flatnonzero((legs.origin == legs.origin[k]) & ~legs.standby).tolist())
            for k in standby
        ]
        self.waiting = np.zeros((len(legs.origin), n))

    def ship(self, ready: Floats, open_share: Floats | None) -> Floats:
        """Ship what the nodes send, shape (n_nodes, n), and what waits; by leg [t]."""
        wish = self._share * ready[self._origin]
        if open_share is None and not self._limited:
            return wish  # nothing ever waits
        wish += self.waiting
        shipped = np.minimum(wish, self._limit)
        if open_share is not None:
            most = np.where(open_share < 1.0, open_share * self._planned, np.inf)
            np.minimum(shipped, most, out=shipped)
        self.waiting = wish - shipped
        for leg, others in self._standby:
            open_part = None if open_share is None else open_share[leg]
            self._detour(shipped[leg], others, _carried(self._limit[leg], open_part))
        return shipped

    def _detour(self, shipped: Floats, others: list[int], left: Floats) -> None:
        """Let a standby leg take what waits for others, as far as it carries it [t]."""
        for leg in others:
            taken = np.minimum(self.waiting[leg], left)
            self.waiting[leg] -= taken
            shipped += taken
            left = left - taken


def _carried(limit: Floats, open_share: Floats | None) -> Floats:
    """Return what a leg carries that is open in part: all or nothing of one without a limit."""
    if open_share is None:
        return limit
    if np.isfinite(limit).all():
        return limit * open_share
    return np.where(open_share > 0.0, np.inf, 0.0)


class Upstream:
    """State of mines, legs and smelters, moved on step by step.

    Parameters
    ----------
    network : Network
        What the chain is made of.
    step_days : float
        Length of a step. [d]
    n : int
        Number of scenarios.

    Notes
    -----
    A mine of planned production q makes ``a min(q (1 + more) + owed, capacity)`` at availability
    a; it owes a share of ``q - a q (1 + more)`` until it is made. A smelter that planned to take Z
    uses, of a feed F against its target F*,

        ``a (Z min(1, F / (psi F*)) + min((1 - exp(-dt / tau)) max(F - F*, 0), capacity - Z))``

    of the feed that was there before the step, of all lines in proportion. Feed that arrives or is
    bought in a step is used from the next one on.
    """

    def __init__(self, network: Network, step_days: float, n: int) -> None:
        self._net, self._dt = network, step_days
        mines, smelters = network.mines, network.smelters
        legs_t, strands_t = (
            network.planned_on_legs() * step_days,
            network.planned_on_strands() * step_days,
        )
        self._from_mines = Dispatch(network.legs, legs_t, step_days, n)
        self._to_smelters = Transit(network.legs, legs_t, step_days, n)
        self._from_smelters = Dispatch(network.strands, strands_t, step_days, n)
        self._to_gates = Transit(network.strands, strands_t, step_days, n)
        self._back = 1.0 - np.exp(-step_days / network.restocking_days)
        self._normal_stock = (mines.stock_days * mines.planned)[:, np.newaxis]
        self._keeps = bool(mines.stock_days.any())
        self.mine_stock = self._normal_stock + np.zeros(n)
        self._owed = np.zeros((len(mines.planned), n)) if mines.makeup_share.any() else None
        self._prepare_smelters(legs_t, n)
        lag = np.maximum(smelters.alternative_lag_days, 1e-9)
        self._grow = -np.expm1(-step_days / lag)[:, np.newaxis]
        self._alternative = np.zeros((len(smelters.planned), n))

    def _prepare_smelters(self, legs_t: Floats, n: int) -> None:
        net = self._net
        smelters, smelter = net.smelters, net.line_smelter
        self._smelted = np.flatnonzero(smelter >= 0)
        order = np.argsort(smelter[self._smelted], kind="stable")
        self._smelted = self._smelted[order]  # lines of a smelter side by side
        of = smelter[self._smelted]
        self._first = np.flatnonzero(np.diff(of, prepend=-1))
        self._of = of
        n_legs = len(legs_t)
        self._by_leg = np.flatnonzero(self._smelted < n_legs)
        self._bought = np.flatnonzero(self._smelted >= n_legs)
        share = np.zeros(len(of))
        share[self._by_leg] = legs_t[self._smelted[self._by_leg]]
        share /= np.maximum(smelters.planned * self._dt, 1e-300)[of]
        self._target = (smelters.feed_days * smelters.planned)[:, np.newaxis]
        enough = smelters.psi[:, np.newaxis] * self._target
        self._enough = np.where(enough > 0.0, enough, 1.0)  # for a smelter that only stands by
        self.feed = (share[:, np.newaxis] * self._target[of]) + np.zeros(n)

    def step(self, weather: Weather, t: int, more: Floats | float) -> tuple[Floats, Made]:
        """Move on by one step.

        Parameters
        ----------
        weather : Weather
            What stands in the way.
        t : int
            Number of the step.
        more : ndarray, shape (n,), or float
            Share by which mines wish to produce more than planned. [1]

        Returns
        -------
        ndarray, shape (n_gates, n)
            Metal that arrives at the gates. [t]
        Made
            What was produced, bought and lost.
        """
        net = self._net
        mined = self._mine(weather.mines[t], more)
        shipped = self._ship(mined, weather, t)
        arrived = self._to_smelters.pass_on(shipped)
        metal, bought, slag = self._smelt(arrived, weather, t)
        sent = self._from_smelters.ship(metal, _at(weather.strands, t))
        strands = self._to_gates.pass_on(sent)
        direct = net.gate_line >= 0
        gates = np.empty((len(net.family), mined.shape[1]))
        gates[direct] = arrived[net.gate_line[direct]]
        gates[~direct] = strands[net.gate_strand[~direct]]
        return gates, Made(mined.sum(axis=0), bought, slag)

    def held(self) -> Held:
        """Metal in mines, waiting, under way and in feed: views of the state [t]."""
        return Held(
            mines=self.mine_stock,
            waiting=self._from_mines.waiting,
            on_legs=self._to_smelters.under_way,
            feed=self.feed,
            made=self._from_smelters.waiting,
            on_strands=self._to_gates.under_way,
        )

    def stock(self) -> Floats:
        """Metal in mines, waiting, under way and in feed, shape (n,) [t]."""
        return self.held().total

    def _mine(self, available: Floats, more: Floats | float) -> Floats:
        """Return what the mines produce in a step, shape (n_mines, n) [t]."""
        mines, dt = self._net.mines, self._dt
        planned = mines.planned[:, np.newaxis] * dt
        most = mines.capacity[:, np.newaxis] * dt
        wish = np.minimum(planned * (1.0 + more), most)
        if self._owed is None:
            return available * wish
        made = available * np.minimum(wish + self._owed, most)
        usual = available * wish
        self._owed += mines.makeup_share[:, np.newaxis] * np.maximum(planned - usual, 0.0)
        self._owed -= made - usual
        return made

    def _ship(self, mined: Floats, weather: Weather, t: int) -> Floats:
        """Ship from the mines all but what they keep to be at their normal stock again, by leg [t].

        A stock below normal is filled by a share of the gap; ahead of an announced closure normal
        is less.
        """
        open_share = _at(weather.legs, t)
        if not self._keeps:
            return self._from_mines.ship(mined, open_share)
        wanted, stock = self._normal_stock, self.mine_stock
        if weather.leaving is not None:
            wanted = wanted * (1.0 - weather.leaving[t])[:, np.newaxis]
        kept = np.minimum(stock + self._back * np.maximum(wanted - stock, 0.0), wanted)
        ready = stock + mined
        self.mine_stock = np.minimum(kept, ready)
        return self._from_mines.ship(ready - self.mine_stock, open_share)

    def _smelt(self, arrived: Floats, weather: Weather, t: int) -> tuple[Floats, Floats, Floats]:
        """Turn feed into metal; return it by line, and what was bought and what was lost [t]."""
        net, dt, of = self._net, self._dt, self._of
        n = arrived.shape[1]
        metal = np.zeros((net.n_lines, n))
        if not len(of):
            return metal, np.zeros(n), np.zeros(n)
        smelters = net.smelters
        feed = np.add.reduceat(self.feed, self._first, axis=0)
        planned = smelters.planned[:, np.newaxis] * dt
        used = planned * np.minimum(feed / self._enough, 1.0)
        spare = smelters.capacity[:, np.newaxis] * dt - planned
        used += np.minimum(np.maximum(feed - self._target, 0.0) * self._back, spare)
        available = _at(weather.smelters, t)
        if available is not None:
            used *= available
        taken = self.feed * (used / np.maximum(feed, 1e-300))[of]
        self.feed -= taken
        self.feed[self._by_leg] += arrived[self._smelted[self._by_leg]]
        bought = self._buy(feed, planned)
        made = taken * smelters.metal_yield[of][:, np.newaxis]
        metal[self._smelted] = made
        return metal, bought, taken.sum(axis=0) - made.sum(axis=0)

    def _buy(self, feed: Floats, planned: Floats) -> Floats:
        """Buy feed elsewhere where it is short; the share that can be had grows with a lag [t]."""
        if not len(self._bought):
            return np.zeros(feed.shape[1])
        gap = np.maximum(self._target - feed, 0.0)
        most = self._net.smelters.alternative_share[:, np.newaxis]
        short = gap > 1e-9 * self._target
        self._alternative += self._grow * (np.where(short, most, 0.0) - self._alternative)
        bought = np.minimum(self._alternative * planned, gap)
        of = self._of[self._bought]
        self.feed[self._bought] += bought[of]
        return np.asarray(bought[of].sum(axis=0))


def _at(values: Floats | None, t: int) -> Floats | None:
    return None if values is None else values[t]
