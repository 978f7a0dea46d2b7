"""Products of several metals: the scarcest binds, and the margin is lost once."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine.exposures import squares_by_step, total
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from supplyrisk.engine.markets import MarketResult
    from supplyrisk.model.case import Case
    from supplyrisk.model.market import CommodityExposure

    Floats = NDArray[np.float64]


def inputs_of_products(case: Case) -> dict[str, tuple[CommodityExposure, ...]]:
    """Return the inputs, by id, of each product that needs several metals.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    dict of str to tuple of CommodityExposure
        By product.
    """
    named = [buyer for buyer in case.exposures if buyer.product is not None]
    named.sort(key=attrgetter("product", "buyer_id"))
    products = {str(name): tuple(own) for name, own in groupby(named, key=attrgetter("product"))}
    return {name: inputs for name, inputs in products.items() if len(inputs) > 1}


def coupled(
    case: Case,
    markets: dict[str, MarketResult],
    lacking: Mapping[str, Floats],
    edges_days: Floats,
) -> dict[str, MarketResult]:
    """Lay the margin that products of several metals lose on the metal that is scarcest.

    Parameters
    ----------
    case : Case
        The case.
    markets : dict of str to MarketResult
        Results by commodity, as if each metal went into a product of its own.
    lacking : mapping of str to ndarray, shape (n_steps, n_scenarios)
        Demand not met, by buyer. [t]
    edges_days : ndarray, shape (n_steps + 1,)
        Edges of the steps. [d]

    Returns
    -------
    dict of str to MarketResult
        The same, but for lost margin and days stopped of such buyers.

    Notes
    -----
    A product needs all of its inputs in fixed proportions, so in each step it loses the largest of
    the shares of its inputs that are missing. Margin and penalty are stated with one of them and
    are those of the whole product; what is lost is laid on the input that binds, of equal ones on
    the first by id. The sum over the inputs is what the product loses.
    """
    days = np.diff(edges_days)[:, np.newaxis]
    for inputs in inputs_of_products(case).values():
        simulated = [buyer for buyer in inputs if buyer.buyer_id in lacking]
        daily = [buyer.demand_tpa / DAYS_PER_YEAR for buyer in simulated]
        if not simulated:
            continue
        missing = np.stack(
            [
                lacking[buyer.buyer_id] / (use * days)
                for buyer, use in zip(simulated, daily, strict=True)
            ]
        )
        scarcest = missing.argmax(axis=0)
        margin = max(
            buyer.demand_tpa / DAYS_PER_YEAR * (buyer.margin_usd_per_t + buyer.penalty_usd_per_t)
            for buyer in inputs
        )
        for k, buyer in enumerate(simulated):
            stopped = np.where(scarcest == k, missing[k], 0.0) * days
            markets = markets | {
                buyer.commodity: _laid(markets[buyer.commodity], buyer.buyer_id, stopped, margin)
            }
    return markets


def _laid(market: MarketResult, buyer_id: str, stopped_days: Floats, margin: float) -> MarketResult:
    """Lay the days of a product that were lost on one of its inputs; margin in USD a day."""
    lost = replace(
        market.buyers[buyer_id],
        stopped_days=total(stopped_days),
        lost_margin_usd=total(stopped_days) * margin,
    )
    steps = market.buyer_steps[buyer_id]._replace(
        lost_margin_usd=stopped_days.sum(axis=1) * margin,
        lost_margin_squares=squares_by_step(stopped_days) * margin**2,
    )
    return replace(
        market,
        buyers={**market.buyers, buyer_id: lost},
        buyer_steps={**market.buyer_steps, buyer_id: steps},
    )
