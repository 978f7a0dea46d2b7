"""What a scenario costs a buyer: dearer metal, missing metal, lost margin."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.prices import Prices
    from supplyrisk.model.market import CommodityExposure, Market

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BuyerLosses:
    """Results of one buyer; every field of shape (n_scenarios,).

    Attributes
    ----------
    cost_usd
        Extra cost of the metal received against the same path without the disruptions that became
        known after the price date; what was shut before is in the price, so its return is a gain.
        Levies on it are part of it. [USD]
    cost_against_budget_usd
        Extra cost of the metal received against the budgeted price. [USD]
    shortage_t
        Demand not met after own stock. [t]
    lost_margin_usd
        Margin on the demand not met, and penalties for it; of a product of several metals only
        while this one is the scarcest. [USD]
    first_short_days
        Day on which the step ends in which demand is first not met; infinite where it always is.
        [d]
    short_days
        Days of demand that are not met. [d]
    stopped_days
        Days of output that are lost for want of this metal; as `short_days`, but of a product of
        several metals only while this one is the scarcest. [d]
    drawn_days
        Most that the own stock was below normal, in days of use. [d]
    """

    cost_usd: Floats
    cost_against_budget_usd: Floats
    shortage_t: Floats
    lost_margin_usd: Floats
    first_short_days: Floats
    short_days: Floats
    stopped_days: Floats
    drawn_days: Floats

    @property
    def is_short(self) -> NDArray[np.bool_]:
        """Whether demand is ever not met, but for rounding; shape (n_scenarios,)."""
        return np.isfinite(self.first_short_days)

    @classmethod
    def joined(cls, parts: Sequence[BuyerLosses]) -> BuyerLosses:
        """Return the scenarios of several results, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class BuyerSteps(NamedTuple):
    """Sums over scenarios of a buyer's results by step, shape (n_steps,) each; they add up.

    Attributes
    ----------
    received_t
        Metal received. [t]
    shortage_t
        Demand not met. [t]
    stock_t
        Own stock at the end of the step. [t]
    cost_usd, lost_margin_usd
        Extra cost and lost margin, as in `BuyerLosses`. [USD]
    n_short
        Scenarios in which demand is not met. [1]
    shortage_squares, cost_squares, lost_margin_squares
        Sums of the squares of shortage, cost and lost margin, for their intervals.
    """

    received_t: Floats
    shortage_t: Floats
    stock_t: Floats
    cost_usd: Floats
    lost_margin_usd: Floats
    n_short: Floats
    shortage_squares: Floats
    cost_squares: Floats
    lost_margin_squares: Floats


class Received(NamedTuple):
    """Metal of one buyer, shape (n_steps, n_scenarios) each.

    Attributes
    ----------
    agreed_t
        From the sources that he named. [t]
    open_t
        From the market at large. [t]
    short_t
        Demand not met. [t]
    drawn_t
        Most that the own stock was below normal, shape (n_scenarios,). [t]
    held_t
        Own stock before the first step, shape (n_scenarios,). [t]
    levied_t
        What his sources delivered times the levy on it; None without any. [t]
    agreed_share
        Share of his use that comes from his sources, and over routes that lead to him, on an
        undisturbed day. [1]
    """

    agreed_t: Floats
    open_t: Floats
    short_t: Floats
    drawn_t: Floats
    held_t: Floats
    levied_t: Floats | None
    agreed_share: float


def buyer_losses(
    buyer: CommodityExposure, market: Market, prices: Prices, got: Received, edges_days: Floats
) -> tuple[BuyerLosses, BuyerSteps]:
    """Work out what some scenarios cost a buyer.

    Parameters
    ----------
    buyer : CommodityExposure
        The buyer.
    market : Market
        The market that he buys from.
    prices : Prices
        Price paths.
    got : Received
        What he received.
    edges_days : ndarray, shape (n_steps + 1,)
        Edges of the steps. [d]

    Returns
    -------
    BuyerLosses
        Costs and shortage by scenario.
    BuyerSteps
        Sums by step.

    Notes
    -----
    His price terms hold for what his sources deliver and for his usual purchases from the market
    at large; what he buys there beyond that, to replace or to restock, is paid at spot. The hedge
    takes its share of both differences while it lasts. The margin is net of metal, so metal that
    is not bought is counted once, as margin.
    """
    days = np.diff(edges_days)
    daily = buyer.demand_tpa / DAYS_PER_YEAR
    named = sum(source.share for source in buyer.sources if source.scope.kind != "market")
    # Sources may promise more than they make; routes may bring what no source says.
    usual = (1.0 - max(named, got.agreed_share)) * daily * days
    at_terms = np.minimum(got.open_t, np.maximum(usual, 0.0)[:, np.newaxis])
    extra = got.open_t - at_terms
    at_terms += got.agreed_t
    floating = _floating(buyer, edges_days)
    spot, before = prices.path.T, prices.undisturbed.T
    quotes = np.full((1, 1), market.quote_usd_per_t), prices.undisturbed_quote.T
    paid, paid_before = (
        _paid(buyer, path, _Past(market.price_usd_per_t, prices.price_day, quote), edges_days)
        for path, quote in zip((spot, before), quotes, strict=True)
    )
    cost = floating * (at_terms * (paid - paid_before) + extra * (spot - before))
    budget = market.price_usd_per_t if buyer.budget_usd_per_t is None else buyer.budget_usd_per_t
    premium = buyer.price_terms.premium_usd_per_t
    gap = paid - premium - budget
    loose = 1.0 if buyer.price_terms.kind == "fixed" else floating
    against_budget = at_terms * (loose * gap + premium) + extra * (floating * (spot - budget))
    if got.levied_t is not None:
        levied = got.levied_t * paid
        cost += levied
        against_budget += levied
    shortage = total(got.short_t)
    is_short = got.short_t > 1e-9 * daily * days[:, np.newaxis]
    margin = buyer.margin_usd_per_t + buyer.penalty_usd_per_t
    first = np.where(is_short.any(axis=0), edges_days[1:][is_short.argmax(axis=0)], np.inf)
    losses = BuyerLosses(
        cost_usd=total(cost),
        cost_against_budget_usd=total(against_budget),
        shortage_t=shortage,
        lost_margin_usd=shortage * margin,
        first_short_days=first,
        short_days=shortage / daily,
        stopped_days=shortage / daily,
        drawn_days=got.drawn_t / daily,
    )
    short_squares = squares_by_step(got.short_t)
    received, short = (got.agreed_t + got.open_t).sum(axis=1), got.short_t.sum(axis=1)
    used = daily * days * len(shortage) - short
    return losses, BuyerSteps(
        received_t=received,
        shortage_t=short,
        stock_t=got.held_t.sum() + (received - used).cumsum(),
        cost_usd=cost.sum(axis=1),
        lost_margin_usd=short * margin,
        n_short=is_short.sum(axis=1).astype(float),
        shortage_squares=short_squares,
        cost_squares=squares_by_step(cost),
        lost_margin_squares=short_squares * margin**2,
    )


def squares_by_step(values: Floats) -> Floats:
    """Return the sums of squares over scenarios, by step.

    Parameters
    ----------
    values : ndarray, shape (n_steps, n_scenarios)
        Any quantity.

    Returns
    -------
    ndarray, shape (n_steps,)
        In its unit squared.
    """
    return np.asarray(np.einsum("tn,tn->t", values, values))


def total(values: Floats) -> Floats:
    """Sum over the steps, of a lone scenario in the same order as beside others.

    Parameters
    ----------
    values : ndarray, shape (n_steps, n_scenarios)
        Any quantity.

    Returns
    -------
    ndarray, shape (n_scenarios,)
        In its unit.
    """
    return np.asarray(values.sum(axis=0) if values.shape[1] > 1 else values.cumsum(axis=0)[-1])


def _floating(buyer: CommodityExposure, edges_days: Floats) -> Floats:
    """Share of the purchases whose price is not hedged, shape (n_steps, 1) [1]."""
    hedged = np.full(len(edges_days) - 1, buyer.hedged_share, dtype=float)
    if buyer.hedge_days is not None:
        covered = np.clip(buyer.hedge_days - edges_days[:-1], 0.0, np.diff(edges_days))
        hedged *= covered / np.diff(edges_days)
    return 1.0 - hedged[:, np.newaxis]


class _Past(NamedTuple):
    """Price before the start: `price` up to a day, then the quote, shape (1, n or 1) [USD/t]."""

    price: float
    day: float
    quote: Floats


def _paid(buyer: CommodityExposure, spot: Floats, past: _Past, edges_days: Floats) -> Floats:
    """Price by the terms of a buyer, shape (n_steps, n_scenarios) [USD/t]."""
    terms = buyer.price_terms
    if terms.kind == "fixed" and terms.price_usd_per_t is not None:
        return np.full(spot.shape, terms.price_usd_per_t * terms.usd_per_unit)
    paid = spot
    if terms.kind == "indexed":
        paid = _averaged(spot, past, edges_days, terms.averaging_days, terms.lag_days)
    paid = paid + terms.premium_usd_per_t
    if terms.floor_usd_per_t is not None or terms.cap_usd_per_t is not None:
        paid = np.clip(paid, terms.floor_usd_per_t, terms.cap_usd_per_t)
    return np.asarray(paid)


def _averaged(spot: Floats, past: _Past, edges: Floats, period: float, lag: float) -> Floats:
    """Mean price of the period that ends `lag` days before each step does [USD/t]."""
    ends = edges[1:] - lag
    first = min(past.day, float(ends[0]) - period)
    knots = np.concatenate([[first, past.day], edges])
    before = (np.broadcast_to(price, (1, spot.shape[1])) for price in (past.price, past.quote))
    price = np.concatenate([*before, spot])
    integral = np.zeros((len(knots), spot.shape[1]))
    np.cumsum(price * np.diff(knots)[:, np.newaxis], axis=0, out=integral[1:])

    def until(t: Floats) -> Floats:
        place = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, len(knots) - 2)
        return np.asarray(integral[place] + (t - knots[place])[:, np.newaxis] * price[place])

    return (until(ends) - until(ends - period)) / period
