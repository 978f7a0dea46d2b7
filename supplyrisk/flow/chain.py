"""The way of a commodity from the pit to its buyers, step by step, and back through the price.

Scenarios are independent; arrays hold steps first, then nodes, then scenarios, so that a step works
on neighbouring memory. A first run with the weather that everybody expects tells what the market
is used to: demand equals that supply, and stocks count against those of that run.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.flow.downstream import Buyers, Downstream
from supplyrisk.flow.upstream import Held, Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.flow.network import Network, Weather

    Floats = NDArray[np.float64]

WINDOW_DAYS: Final = 365.0
"""Days of demand that missing stocks are set against, as the price looks ahead. [d]"""
STAGES: Final = ("mined", "bought", "other", "slag", "used")
"""Entries of the ledger: what comes in, and what goes out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How quantities and the price answer a shortfall.

    Attributes
    ----------
    shortfall
        Share of a year's supply that the market expects to miss, against what it is used to, at
        the end of each step, shape (n_steps, n_scenarios); 0 for a market that does not look
        ahead. [1]
    elasticity_supply, elasticity_demand
        Elasticities behind the price, the second below 0, shape (n_scenarios,). [1]
    lowest_ratio, choke_ratio
        Bounds of the price against the price before. [1]
    supply_lag_days
        Time constant of mines' and recyclers' answer. [d]
    most_extra_share
        Most by which they produce more than planned. [1]
    counts_stocks
        Whether missing stocks and use not met move the price.
    moves_quantities
        Whether mines, recyclers and the rest of the market answer the price at all.
    """

    shortfall: Floats
    elasticity_supply: Floats
    elasticity_demand: Floats
    lowest_ratio: float
    choke_ratio: float
    supply_lag_days: float
    most_extra_share: float
    counts_stocks: bool = True
    moves_quantities: bool = True


@dataclass(frozen=True, slots=True)
class Usual:
    """What the market is used to.

    Attributes
    ----------
    gates_t
        Metal from the chain that arrives in each step, shape (n_steps,). [t]
    stock_t
        Metal in mines, under way, in feed and at smelters at the end of each step, shape
        (n_steps,). [t]
    """

    gates_t: Floats
    stock_t: Floats


@dataclass(frozen=True, slots=True)
class Flows:
    """What a run of the chain leaves behind.

    Attributes
    ----------
    agreed_t, open_t, short_t
        Metal that each buyer got under contract and from the open market, and use that was not
        met, shape (n_steps, n_buyers, n_scenarios). [t]
    drawn_t
        Most that the stock of each buyer was below normal at the end of a counted step, shape
        (n_buyers, n_scenarios). [t]
    held_t
        Stock of each buyer before the first counted step, shape (n_buyers, n_scenarios). [t]
    levied_t
        Metal that each buyer got under contract times the levy on it, shape (n_steps, n_buyers,
        n_scenarios); of no steps where nothing is levied. [t]
    gates_t
        Metal of the chain that reached the market, shape (n_steps, n_scenarios). [t]
    ratio
        Price against the price before, without the noise, at the end of each step, shape
        (n_steps, n_scenarios). [1]
    upstream_t, exchange_t, buyers_t
        Stocks at the end of each step: before the gates, at the exchange, with buyers, shape
        (n_steps, n_scenarios). [t]
    other_t, used_t
        Metal from elsewhere, recycling included, and metal used in each step, shape (n_steps,
        n_scenarios). [t]
    booked_t
        Totals of `STAGES` from the first counted step on, shape (5, n_scenarios). [t]
    opening_t
        Stock before the first counted step, shape (n_scenarios,). [t]
    residual_t
        Largest gap in the balance of a step, shape (n_scenarios,). [t]
    """

    agreed_t: Floats
    open_t: Floats
    short_t: Floats
    drawn_t: Floats
    held_t: Floats
    levied_t: Floats
    gates_t: Floats
    ratio: Floats
    upstream_t: Floats
    exchange_t: Floats
    buyers_t: Floats
    other_t: Floats
    used_t: Floats
    booked_t: Floats
    opening_t: Floats
    residual_t: Floats

    def first(self, n: int) -> Flows:
        """Return the first scenarios."""
        return Flows(**{f.name: getattr(self, f.name)[..., :n] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Chain:
    """A commodity's way from its mines to its buyers.

    Attributes
    ----------
    network
        Mines, legs, smelters and gates.
    buyers
        Who uses the metal; the last is the rest of the market.
    step_days
        Length of a step. [d]
    n_before
        Steps before the start of the case, which are not counted.
    other_t
        Metal from elsewhere in a step that does not answer the price. [t]
    recycled_t
        Metal from scrap in a step, before it answers the price. [t]
    exchange_t
        Stock of the exchange at first. [t]
    """

    network: Network
    buyers: Buyers
    step_days: float
    n_before: int
    other_t: float
    recycled_t: float
    exchange_t: float

    def usual(self, weather: Weather) -> Usual:
        """Run the mines and smelters alone through the weather that everybody expects.

        Parameters
        ----------
        weather : Weather
            Expected shares, for one scenario.

        Returns
        -------
        Usual
            Metal and stocks that the market is used to.
        """
        steps = [(arrived.sum(), float(stock.total[0])) for arrived, stock in self._steps(weather)]
        gates, stock = np.array(steps, dtype=float).T
        return Usual(gates, stock)

    def before_market(self, weather: Weather) -> tuple[Floats, Held]:
        """Run the mines and smelters alone, as if nobody answered the price.

        Parameters
        ----------
        weather : Weather
            What stands in the way in each scenario.

        Returns
        -------
        ndarray, shape (n_steps, n_gates, n_scenarios)
            Metal that arrives at the gates in each step. [t]
        Held
            What is held before them at the end of each step, steps first. [t]
        """
        gates, held = [], []
        for arrived, now in self._steps(weather):
            gates.append(arrived.copy())
            held.append([part.copy() for part in now])
        return np.array(gates), Held(*(np.array(parts) for parts in zip(*held, strict=True)))

    def _steps(self, weather: Weather) -> Iterator[tuple[Floats, Held]]:
        """Yield what arrives at the gates in each step, and what is held before them [t]."""
        n_steps, _, n = weather.mines.shape
        upstream = Upstream(self.network, self.step_days, n)
        for t in range(n_steps):
            arrived, _ = upstream.step(weather, t, 0.0)
            yield arrived, upstream.held()

    def run(self, weather: Weather, usual: Usual, answer: Answer) -> Flows:
        """Run the whole chain.

        Parameters
        ----------
        weather : Weather
            What stands in the way in each scenario.
        usual : Usual
            What the market is used to.
        answer : Answer
            How quantities and the price answer.

        Returns
        -------
        Flows
            What buyers got, prices, stocks and the balance.

        Notes
        -----
        Price against the price before is ``1 + x / e`` with ``x = shortfall + missing / annual
        demand`` and e the elasticity sum, between its bounds. Missing is what the exchange and the
        buyers have less than at first, what mines, ways and smelters hold less than usual (metal
        that is held back there is of no use to anybody, so more than usual does not count), and
        use that was not met, which is forgotten with the time constant of restocking. Mines and
        recyclers move towards ``min(e_s ln ratio, most_extra_share)`` more than planned with a lag;
        the rest of the market uses ``1 + e_d (ratio - 1)`` times its usual metal. Both see the
        price of the step before. Every tonne is booked: ``closing = opening + mined + bought +
        other - slag - used`` in every step.

        Where nobody answers the price, more production of mines is never worse for any buyer in any
        step, if nothing is made up later, no feed is bought elsewhere, no source is qualified, each
        smelter is fed by one mine and no metal lacks assurance. Roads and smelters that open bring
        later what did not come earlier; so of their outages, and with what is made up, it is what
        has come up to any day that is never more, where no leg stands by and no mine that makes up
        for losses sends stock ahead. What buyers receive and lack in all follows where they are
        alike; of unlike ones one may lack what another has put into stock.
        """
        return _Run(self, weather, usual, answer).flows()


class _Run:
    """One run of a chain: its state, and what is kept of it."""

    def __init__(self, chain: Chain, weather: Weather, usual: Usual, answer: Answer) -> None:
        self._chain, self._weather, self._usual, self._answer = chain, weather, usual, answer
        n_steps, _, n = weather.mines.shape
        self._upstream = Upstream(chain.network, chain.step_days, n)
        self._downstream = Downstream(
            chain.network, chain.buyers, chain.exchange_t, chain.step_days, n
        )
        n_buyers = len(chain.buyers.use)
        self._bought = np.empty((3, n_steps, n_buyers, n))
        self._levied = np.empty((0 if weather.levied is None else n_steps, n_buyers, n))
        self._paths = np.empty((7, n_steps, n))
        self._booked = np.zeros((len(STAGES), n))
        self._residual, self._opening = np.zeros(n), np.zeros(n)
        self._others_t = float(chain.buyers.use[:-1].sum()) * chain.step_days
        arriving = float(usual.gates_t.mean()) + chain.other_t + chain.recycled_t
        self._annual = arriving / chain.step_days * WINDOW_DAYS
        self._market_normal = float(self._downstream.total()[0])
        self._unmet = np.zeros(n)
        self._forget = np.exp(-chain.step_days / chain.network.restocking_days)
        self._grow = -np.expm1(-chain.step_days / answer.supply_lag_days)

    def flows(self) -> Flows:
        n = self._residual.shape[0]
        stock = self._upstream.stock() + self._downstream.total()
        ratio, more = np.ones(n), np.zeros(n)
        for t in range(len(self._weather.mines)):
            if t == self._chain.n_before:
                self._opening[:] = stock
                held = self._downstream.stock.copy()
                self._downstream.drawn[:] = 0.0
            stock, ratio, more = self._step(t, stock, ratio, more)
        bought = (*self._bought, self._downstream.drawn, held, self._levied)
        series = (*bought, *self._paths, self._booked, self._opening, self._residual)
        return Flows(*series)

    def _step(self, t: int, stock: Floats, ratio: Floats, more: Floats) -> tuple[Floats, ...]:
        chain, answer, weather = self._chain, self._answer, self._weather
        if answer.moves_quantities:
            wish = answer.elasticity_supply * np.log(ratio)
            np.clip(wish, 0.0, answer.most_extra_share, out=wish)
            more = more + self._grow * (wish - more)
        gates, made = self._upstream.step(weather, t, more)
        recycled = chain.recycled_t * (1.0 + more)
        usual = self._usual.gates_t[t] + chain.other_t + chain.recycled_t - self._others_t
        rest = max(usual, 0.0) * self._demand(ratio)
        got = self._downstream.step(gates, weather, t, chain.other_t + recycled, rest)
        use = chain.buyers.use * chain.step_days
        used = use[:-1].sum() + rest - got.short.sum(axis=0)
        ins = (made.mined, made.bought, chain.other_t + recycled)
        upstream_t, down = self._upstream.stock(), self._downstream
        before, stock = stock, upstream_t + down.total()
        gap = stock - before - ins[0] - ins[1] - ins[2] + made.slag + used
        np.maximum(self._residual, np.abs(gap), out=self._residual)
        if t >= chain.n_before:
            for entry, flow in enumerate((*ins, made.slag, used)):
                self._booked[entry] += flow
        x = answer.shortfall[t]
        if answer.counts_stocks:
            x = x + self._missing(t, upstream_t, got.short.sum(axis=0)) / self._annual
        total = answer.elasticity_supply - answer.elasticity_demand
        ratio = np.clip(1.0 + x / total, answer.lowest_ratio, answer.choke_ratio)
        for kept, values in zip(self._bought, (got.agreed, got.open, got.short), strict=True):
            kept[t] = values
        if got.levied is not None:
            self._levied[t] = got.levied
        stocks = (upstream_t, down.clean + down.tainted, down.stock.sum(axis=0))
        shown = (gates.sum(axis=0), ratio, *stocks, ins[2], used)
        for kept, values in zip(self._paths, shown, strict=True):
            kept[t] = values
        return stock, ratio, more

    def _missing(self, t: int, upstream_t: Floats, short_t: Floats) -> Floats:
        """Metal that stocks lack, and use lacked lately [t]."""
        self._unmet *= self._forget
        self._unmet += short_t
        upstream = np.maximum(self._usual.stock_t[t] - upstream_t, 0.0)
        at_market = self._market_normal - self._downstream.total()
        return np.asarray(at_market + upstream + self._unmet)

    def _demand(self, ratio: Floats) -> Floats:
        """Share of its usual metal that the rest of the market uses at a price [1]."""
        answer = self._answer
        if not answer.moves_quantities:
            return np.ones_like(ratio)
        return np.maximum(1.0 + answer.elasticity_demand * (ratio - 1.0), 0.0)
