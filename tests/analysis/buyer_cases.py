"""A small case with a buyer, for the tests of what he may do."""

import datetime as dt

from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)


def mine(site_id, country="COD"):
    return MineSite(
        site_id=site_id, name=site_id, commodity="tin", country=country, capacity_tpa=365.0
    )


def buyer(**more):
    values = {
        "demand_tpa": 100.0,
        "sources": (Supply(scope=Scope.site("a"), share=1.0),),
        "inventory_days": 30.0,
        "margin_usd_per_t": 10_000.0,
        "alternative_limit": 0.0,
        **more,
    }
    return CommodityExposure(buyer_id="smith", name="Smith", commodity="tin", **values)


def stop(length):
    """Site a stops on the first day."""
    return DisruptionEvent(
        event_id="stop",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        announced=START,
        started=START,
        duration=length,
    )


STRIKES = tuple(
    Hazard(
        hazard_id=f"strikes-{site}",
        peril=Peril.STRIKE,
        scope=Scope.site(site),
        rate_pa=1.5,
        duration=Duration.lognormal(median_days=20.0, sigma=1.0),
    )
    for site in ("a", "b")
)


def case(one=None, *, events=(), hazards=(), market=None):
    values = {
        "price_usd_per_t": 30_000.0,
        "price_date": START,
        "supply_tpa": 4_000.0,
        "demand_tpa": 4_000.0,
        "volatility_pa": 0.2,
        **(market or {}),
    }
    return Case(
        name="small",
        start=START,
        commodity="tin",
        step_days=5,
        sites=(mine("a"), mine("b", "PER")),
        events=events,
        hazards=hazards,
        markets=(Market(commodity="tin", **values),),
        exposures=(one or buyer(),),
    )
