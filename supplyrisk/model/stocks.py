"""What the chain carries and holds while nothing disrupts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from supplyrisk.model.case import Case
    from supplyrisk.model.market import Market


class Stock(NamedTuple):
    """What one stage holds on an undisturbed day.

    Attributes
    ----------
    stock_t
        The stock. [t]
    flow_tpa
        What passes the stage: production, feed, or use. [t/a]
    """

    stock_t: float
    flow_tpa: float

    @property
    def days(self) -> float:
        """Days for which the stock lasts [d]."""
        return DAYS_PER_YEAR * self.stock_t / self.flow_tpa if self.flow_tpa > 0.0 else 0.0


def planned_feeds(case: Case) -> dict[str, float]:
    """Return what the routes are planned to bring to each smelter.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    dict of str to float
        Contained metal by smelter_id. [t/a]
    """
    mined = {site.site_id: site.production_tpa for site in case.sites}
    feeds = {smelter.smelter_id: 0.0 for smelter in case.smelters}
    for route in case.routes:
        if route.to_id in feeds:
            feeds[route.to_id] += route.share * mined[route.from_id]
    return feeds


def undisturbed_stocks(case: Case, market: Market) -> dict[str, Stock]:
    """Return what each stage between the mines and the buyers of a market holds by plan.

    Parameters
    ----------
    case : Case
        The case.
    market : Market
        One of its markets.

    Returns
    -------
    dict of str to Stock
        Stocks by stage: ``"mines"``, ``"under_way"``, ``"feed"`` (of smelters), ``"exchange"``,
        ``"buyers"`` (those of the case) and ``"rest"`` (everybody else in the market).

    Notes
    -----
    A path on which nothing happens starts with these stocks and keeps them. The use is what the
    market's supply or, where they bring more, the sites and the recyclers bring.
    """
    sites = [site for site in case.sites if site.commodity == market.commodity]
    smelters = [smelter for smelter in case.smelters if smelter.commodity == market.commodity]
    buyers = [buyer for buyer in case.exposures if buyer.commodity == market.commodity]
    feeds, mined = planned_feeds(case), sum(site.production_tpa for site in sites)
    sent = {site.site_id: site.production_tpa for site in sites}
    sent |= {s.smelter_id: s.metal_yield * feeds[s.smelter_id] for s in smelters}
    smelted = sum(feeds[s.smelter_id] for s in smelters)
    slag = sum((1.0 - s.metal_yield) * feeds[s.smelter_id] for s in smelters)
    own_use = sum(buyer.demand_tpa for buyer in buyers)
    rest = max(max(market.supply_tpa, mined - slag + market.recycled_tpa) - own_use, 0.0)
    held = {
        "mines": (sum(s.production_tpa * s.stock_days for s in sites), mined),
        "under_way": (
            sum(r.share * sent.get(r.from_id, 0.0) * r.transit_days for r in case.routes),
            mined,
        ),
        "feed": (sum(feeds[s.smelter_id] * s.feed_days for s in smelters), smelted),
        "exchange": (market.stock_t * DAYS_PER_YEAR, own_use + rest),
        "buyers": (sum(b.demand_tpa * b.inventory_days for b in buyers), own_use),
        "rest": (rest * market.consumer_stock_days, rest),
    }
    return {stage: Stock(held_t / DAYS_PER_YEAR, flow) for stage, (held_t, flow) in held.items()}
