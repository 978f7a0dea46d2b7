"""Price paths of a block, and what the last quote says of the market's own view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from supplyrisk import market as kernel
from supplyrisk.engine import expectation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.expectation import Expectations
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.streams import Streams
    from supplyrisk.model.market import Market

    Floats = NDArray[np.float64]


SUPPLY_PART: Final = 0.6
"""Part of the elasticity sum that is supply's, where no published values are given. [1]"""


@dataclass(frozen=True, slots=True)
class Prices:
    """Price paths of a block of scenarios.

    Attributes
    ----------
    path
        Price at the end of each step, shape (n_scenarios, n_steps). [USD/t]
    undisturbed
        The same path on the same noise, without what became known after the price date. [USD/t]
    undisturbed_quote
        The last quote without it, shape (n_scenarios, 1). [USD/t]
    price_day
        Day of the price before against the start of the case, at most 0. [d]
    """

    path: Floats
    undisturbed: Floats
    undisturbed_quote: Floats
    price_day: float


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the last quote says when it is read backwards.

    Attributes
    ----------
    quote_ratio
        Last quote against the price before. [1]
    new_share
        Share of supply hit by the events that became known since that price. [1]
    shortfall
        Share of a year's supply expected to be missing because of them, on the day of the quote.
        [1]
    implied_elasticity_sum
        Elasticity sum by which that shortfall explains the quote; not a number if it cannot. [1]
    implied_closure_days
        Length of a full closure that explains the quote at the 5 %, 50 % and 95 % points of the
        elasticity prior. [d]
    """

    quote_ratio: float
    new_share: float
    shortfall: float
    implied_elasticity_sum: float
    implied_closure_days: tuple[float, float, float]


class Noise:
    """Random numbers of the price in a block, scenario after scenario.

    Parameters
    ----------
    streams : Streams
        Streams of the block.
    commodity : str
        Whose price it is.
    """

    def __init__(self, streams: Streams, commodity: str) -> None:
        self._elasticity = streams.stream("market", commodity, "elasticity")
        self._steps = streams.stream("market", commodity, "noise")

    def elasticities(self, n: int) -> Floats:
        """Return normal scores of the elasticity in the next scenarios, shape (n,) [1]."""
        return self._elasticity.standard_normal(n)

    def steps(self, n: int, n_steps: int) -> Floats:
        """Return steps of the noise in the next scenarios, shape (n, n_steps) [1]."""
        return self._steps.standard_t(kernel.NOISE_DEGREES, size=(n, n_steps))


@dataclass(frozen=True, slots=True)
class Outlooks:
    """What the market makes of each scenario of a block before its stocks are known.

    Attributes
    ----------
    shortfall
        Share of a year's supply that it expects to miss, beyond what was known on the price date,
        at the end of each step, shape (n_scenarios, n_steps). [1]
    elasticity_supply, elasticity_demand
        Elasticities, the second below 0, shape (n_scenarios,). [1]
    at_quote
        Price at the last quote against the price before, apart from noise, shape (n_scenarios, 1).
        [1]
    """

    shortfall: Floats
    elasticity_supply: Floats
    elasticity_demand: Floats
    at_quote: Floats


def outlooks(
    plan: Plan,
    market: Market,
    tables: Expectations,
    events: Events,
    noise: Noise,
    n_scenarios: int,
) -> Outlooks:
    """Look ahead as the market does.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    market : Market
        The market of the plan's commodity.
    tables : Expectations
        What the market would expect of each threat.
    events : Events
        Events of these scenarios.
    noise : Noise
        Their random numbers.
    n_scenarios : int
        Number of scenarios.

    Returns
    -------
    Outlooks
        Shortfall and elasticities.
    """
    price_day, quote_day = _days(plan, market)
    quoted, later = 0.0, np.zeros((n_scenarios, plan.n_steps))
    if market.looks_ahead:
        before = expectation.known_shortfall(plan, tables, price_day)
        quoted = expectation.known_shortfall(plan, tables, quote_day) - before
        later = expectation.shortfall(plan, events, tables, n_scenarios) - before
    total = _elasticity_sum(market, noise.elasticities(n_scenarios))
    supply, demand = SUPPLY_PART * total, (SUPPLY_PART - 1.0) * total
    if market.elasticity_supply is not None and market.elasticity_demand is not None:
        supply = np.full(n_scenarios, market.elasticity_supply)
        demand = np.full(n_scenarios, market.elasticity_demand)
    at_quote = kernel.price_ratio(
        quoted, total[:, np.newaxis], choke_ratio=market.choke_price_ratio
    )
    return Outlooks(later, supply, demand, at_quote)


def price_paths(
    plan: Plan, market: Market, at_quote: Floats, ratio: Floats, noise: Noise
) -> Prices:
    """Simulate the price in some scenarios of a block.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    market : Market
        The market of the plan's commodity.
    at_quote : ndarray, shape (n_scenarios, 1)
        Price at the last quote against the price before, apart from noise. [1]
    ratio : ndarray, shape (n_scenarios, n_steps)
        Price against the price before at the end of each step, apart from noise. [1]
    noise : Noise
        Their random numbers.

    Returns
    -------
    Prices
        Paths with and without disruptions.

    Notes
    -----
    Path = last quote x noise x ratio(t) / ratio(quote): the quote holds what was known on its day,
    and what became known since moves the first step.
    """
    price_day, quote_day = _days(plan, market)
    days = np.diff(plan.edges_days)
    # The quote may be some days old: the first step bridges them too.
    days[0] -= quote_day
    steps = noise.steps(len(ratio), plan.n_steps)
    factor = kernel.noise_factor(steps, days, volatility_pa=market.volatility_pa)
    path = market.quote_usd_per_t * factor
    return Prices(
        path=path * (ratio / at_quote),
        undisturbed=path / at_quote,
        undisturbed_quote=market.quote_usd_per_t / at_quote,
        price_day=price_day,
    )


def market_view(plan: Plan, market: Market, tables: Expectations) -> MarketView:
    """Read the last quote backwards: which elasticity, or which closure, would explain it.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    market : Market
        The market of the case's commodity.
    tables : Expectations
        What the market would expect of each threat.

    Returns
    -------
    MarketView
        Implied elasticity and implied length of closure.
    """
    price_day, quote_day = _days(plan, market)
    gap = expectation.known_shortfall(plan, tables, quote_day, after=price_day)
    ratio = market.quote_usd_per_t / market.price_usd_per_t
    left = np.ones(len(plan.sites))
    for threat in plan.threats:
        if threat.event is not None and price_day < threat.announced_days <= quote_day:
            left[threat.sites] *= 1.0 - threat.severity
    share = float(tables.shares @ (1.0 - left))
    nothing = float("nan")
    closure = (nothing, nothing, nothing)
    if share > 0.0:
        elasticity = _elasticity_sum(market, special.ndtri([0.05, 0.5, 0.95]))
        low, middle, high = (ratio - 1.0) * elasticity / share * expectation.WINDOW_DAYS
        closure = (float(low), float(middle), float(high))
    return MarketView(
        quote_ratio=ratio,
        new_share=share,
        shortfall=gap,
        implied_elasticity_sum=kernel.implied_elasticity_sum(gap, ratio),
        implied_closure_days=closure,
    )


def _days(plan: Plan, market: Market) -> tuple[float, float]:
    """Days of the price before and of the last quote against the start, at most 0."""
    start = plan.case.start
    return float((market.price_date - start).days), float((market.quote_date - start).days)


def _elasticity_sum(market: Market, normal: Floats) -> Floats:
    """Elasticity sums at normal scores of the prior; the published sum, where there is one."""
    if market.elasticity_demand is not None and market.elasticity_supply is not None:
        return np.full(len(normal), market.elasticity_supply - market.elasticity_demand)
    return market.elasticity_sum_median * np.exp(market.elasticity_sum_sigma * normal)
