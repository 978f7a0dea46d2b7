"""What a scenario costs a buyer: dearer metal, missing metal, lost margin.

First version: a named source delivers what its sites produce, own stock bridges the gap, and what
is still missing is not replaced. Stock is not rebuilt within the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.losses import Cells
    from supplyrisk.engine.plan import Plan
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
        [USD]
    cost_against_budget_usd
        Extra cost of the metal received against the price before. [USD]
    shortage_t
        Demand not met after own stock. [t]
    lost_margin_usd
        Margin on the demand not met. [USD]
    """

    cost_usd: Floats
    cost_against_budget_usd: Floats
    shortage_t: Floats
    lost_margin_usd: Floats

    @classmethod
    def joined(cls, parts: Sequence[BuyerLosses]) -> BuyerLosses:
        """Return the scenarios of several results, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def buyer_losses(
    plan: Plan,
    buyer: CommodityExposure,
    market: Market,
    prices: Prices,
    cells: Cells,
) -> BuyerLosses:
    """Work out what a block of scenarios costs a buyer.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    buyer : CommodityExposure
        The buyer.
    market : Market
        The market that he buys from.
    prices : Prices
        Price paths.
    cells : Cells
        Lost production by scenario, step and site.

    Returns
    -------
    BuyerLosses
        Costs and shortage by scenario.

    Notes
    -----
    Missing metal is ``sum_j share_j (1 - production of source j / plan of source j)`` of demand.
    Stock covers its running total up to ``inventory_days`` of use. The margin is net of metal, so
    metal that is not bought is counted once, as margin.
    """
    n_scenarios = len(prices.path)
    days = np.diff(plan.edges_days)
    daily = buyer.demand_tpa / DAYS_PER_YEAR
    weights = np.zeros(len(plan.sites))
    for source in buyer.sources:
        sites = plan.in_scope(source.scope)
        production = plan.production_t_per_day[sites].sum()
        if production > 0.0:
            weights[sites] += source.share * plan.production_t_per_day[sites] / production
    missing = daily * cells.series(weights, n_scenarios, plan.n_steps)
    received = daily * days - missing
    shortage = np.maximum(missing.sum(axis=1) - buyer.inventory_days * daily, 0.0)
    against_path, against_budget = _price_differences(buyer, market, prices)
    return BuyerLosses(
        cost_usd=(received * against_path).sum(axis=1),
        cost_against_budget_usd=(received * against_budget).sum(axis=1),
        shortage_t=shortage,
        lost_margin_usd=shortage * buyer.margin_usd_per_t,
    )


def _price_differences(
    buyer: CommodityExposure, market: Market, prices: Prices
) -> tuple[Floats, Floats]:
    """Return what a tonne costs more than without disruptions, and than budgeted [USD/t]."""
    terms = buyer.price_terms
    if terms.kind == "fixed" and terms.price_usd_per_t is not None:
        budget = terms.price_usd_per_t - market.price_usd_per_t
        return np.zeros_like(prices.path), np.full_like(prices.path, budget)
    floating = 1.0 - buyer.hedged_share
    budget_gap = prices.path - market.price_usd_per_t
    return (
        floating * (prices.path - prices.undisturbed),
        floating * budget_gap + terms.premium_usd_per_t,
    )
