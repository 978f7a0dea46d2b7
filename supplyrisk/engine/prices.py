"""Price paths of a block, and what the last quote says of the market's own view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Prices:
    """Price paths of a block of scenarios.

    Attributes
    ----------
    path
        Price at the end of each step, shape (n_scenarios, n_steps). [USD/t]
    undisturbed
        The same path on the same noise, without what became known after the price date. [USD/t]
    """

    path: Floats
    undisturbed: Floats


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


def price_paths(
    plan: Plan,
    market: Market,
    tables: Expectations,
    events: Events,
    streams: Streams,
    n_scenarios: int,
) -> Prices:
    """Simulate the price in a block of scenarios.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    market : Market
        The market of the case's commodity.
    tables : Expectations
        What the market would expect of each threat.
    events : Events
        Events of the block.
    streams : Streams
        Random numbers of the block.
    n_scenarios : int
        Scenarios in the block.

    Returns
    -------
    Prices
        Paths with and without disruptions.

    Notes
    -----
    Path = last quote x noise x ratio(t) / ratio(start), where the ratio is that of
    `supplyrisk.market.price_ratio` for the shortfall beyond what was known on the price date.
    """
    key = ("market", market.commodity)
    if market.elasticity_demand is not None and market.elasticity_supply is not None:
        elasticity = np.full(n_scenarios, market.elasticity_supply - market.elasticity_demand)
    else:
        normal = streams.stream(*key, "elasticity").standard_normal(n_scenarios)
        elasticity = market.elasticity_sum_median * np.exp(market.elasticity_sum_sigma * normal)
    before = _known_on(plan, tables, market.price_date.toordinal())
    now = expectation.known_shortfall(plan, tables, 0.0) - before
    later = expectation.shortfall(plan, events, tables, n_scenarios) - before
    column = elasticity[:, np.newaxis]
    choke = market.choke_price_ratio
    at_start = kernel.price_ratio(now, column, choke_ratio=choke)
    ratio = kernel.price_ratio(later, column, choke_ratio=choke) / at_start
    steps = streams.stream(*key, "noise").standard_t(
        kernel.NOISE_DEGREES, size=(n_scenarios, plan.n_steps)
    )
    days = np.diff(plan.edges_days)
    # The quote may be some days old: the first step bridges them too.
    days[0] += (plan.case.start - market.quote_date).days
    noise = kernel.noise_factor(steps, days, volatility_pa=market.volatility_pa)
    path = market.quote_usd_per_t * noise
    return Prices(path=path * ratio, undisturbed=path / at_start)


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
    offset = market.quote_date.toordinal()
    before = _known_on(plan, tables, market.price_date.toordinal())
    gap = _known_on(plan, tables, offset) - before
    ratio = market.quote_usd_per_t / market.price_usd_per_t
    start = plan.case.start.toordinal()
    hit = {
        int(site): threat.severity
        for threat in plan.threats
        if threat.event is not None
        and market.price_date.toordinal() - start < threat.announced_days <= offset - start
        for site in threat.sites
    }
    share = sum(tables.shares[site] * severity for site, severity in hit.items())
    points = special.ndtri([0.05, 0.5, 0.95])
    if market.elasticity_demand is not None and market.elasticity_supply is not None:
        elasticity = np.full(3, market.elasticity_supply - market.elasticity_demand)
    else:
        elasticity = market.elasticity_sum_median * np.exp(market.elasticity_sum_sigma * points)
    with np.errstate(divide="ignore", invalid="ignore"):  # no new event: nothing is implied
        days = (ratio - 1.0) * elasticity / np.float64(share) * expectation.WINDOW_DAYS
    low, middle, high = (float(x) if np.isfinite(x) else float("nan") for x in days)
    return MarketView(
        quote_ratio=ratio,
        new_share=float(share),
        shortfall=gap,
        implied_elasticity_sum=kernel.implied_elasticity_sum(gap, ratio),
        implied_closure_days=(low, middle, high),
    )


def _known_on(plan: Plan, tables: Expectations, ordinal: int) -> float:
    day = min(ordinal - plan.case.start.toordinal(), 0)
    return expectation.known_shortfall(plan, tables, float(day))
