"""Small cases for stress tests, all made up; tests load this."""

import dataclasses
import datetime as dt

from supplyrisk.model.case import Case
from supplyrisk.model.chain import Route, Smelter
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)
DAY = 365.0  # tonnes a year that make one a day


def site(site_id="a", daily=1.0, **more):
    values = {"commodity": "tin", "country": "COD", "capacity_tpa": daily * DAY, **more}
    return MineSite(site_id=site_id, name=site_id, **values)


def market(**more):
    """Ten tonnes a day whose price moves nobody's quantities unless `more` says so."""
    values = {
        "commodity": "tin",
        "price_usd_per_t": 30_000.0,
        "price_date": START - dt.timedelta(days=1),
        "supply_tpa": 10 * DAY,
        "demand_tpa": 10 * DAY,
        "volatility_pa": 0.3,
        "consumer_stock_days": 0.0,
        "restocking_days": 40.0,
        **more,
    }
    return Market(**values)


def stiff(**more):
    """A market that uses the same at any price, and makes no more."""
    return market(elasticity_demand=-1e-12, elasticity_supply=0.5, most_extra_share=0.0, **more)


def event(scope, days=50.0, event_id="e", after=0, **more):
    values = {"duration": Duration.fixed(days=days), **more}
    return DisruptionEvent(
        event_id=event_id,
        peril=Peril.OTHER,
        scope=scope,
        started=START + dt.timedelta(days=after),
        **values,
    )


def buyer(buyer_id="b", daily=1.0, sources=(("a", 1.0),), **more):
    values = {"inventory_days": 0.0, "restocking_days": 40.0, "margin_usd_per_t": 1_000.0, **more}
    return CommodityExposure(
        buyer_id=buyer_id,
        name=buyer_id,
        commodity="tin",
        demand_tpa=daily * DAY,
        sources=tuple(Supply(scope=Scope.site(name), share=share) for name, share in sources),
        **values,
    )


def case(*events, horizon_days=200, step_days=10, sites=None, **more):
    values = {"markets": (market(),), **more}
    return Case(
        name="made-up",
        start=START,
        commodity="tin",
        horizon_days=horizon_days,
        step_days=step_days,
        sites=sites or (site(), site("b", 2.0, country="PER")),
        events=events,
        **values,
    )


def hazard(scope, rate_pa=2.0):
    return Hazard(
        hazard_id="h",
        peril=Peril.STRIKE,
        scope=scope,
        rate_pa=rate_pa,
        duration=Duration.exponential(mean_days=30.0),
    )


def chain_case(*events, **more):
    """Mine a is 20 days from a smelter in Malaysia, 10 from the market; mine b sells at once."""
    parts = {
        "smelters": (
            Smelter(
                smelter_id="s",
                name="S",
                commodity="tin",
                country="MYS",
                capacity_tpa=2 * DAY,
                feed_days=30.0,
                psi=0.5,
                metal_yield=0.9,
            ),
        ),
        "routes": (
            Route(route_id="in", from_id="a", to_id="s", transit_days=20),
            Route(route_id="out", from_id="s", to_id="tin", transit_days=10),
        ),
        "exposures": (
            buyer("careful", 0.9, inventory_days=20.0),
            buyer("loose", 1.5, (("b", 0.5),), inventory_days=10.0),
        ),
        **more,
    }
    return case(*events, **parts)


def two_mines(**strike):
    """Return the case of docs/chain.md, and its strike as an event that is not in it."""
    tin = {"name": "Illustrative", "commodity": "tin", "country": "ZZZ"}
    works = (Supply(scope=Scope.smelter("works"), share=1.0),)
    common = {"commodity": "tin", "sources": works, "restocking_days": 40.0}
    common |= {"margin_usd_per_t": 1_000.0, "illustrative": True}
    whole = Case(
        name="two-mines",
        start=START,
        horizon_days=120,
        step_days=10,
        sites=(
            MineSite(site_id="north", capacity_tpa=3_650, **tin),
            MineSite(site_id="south", capacity_tpa=7_300, **tin),
        ),
        smelters=(
            Smelter(
                smelter_id="works",
                capacity_tpa=10_950,
                feed_days=20,
                psi=0.5,
                metal_yield=0.9,
                **tin,
            ),
        ),
        routes=(
            Route(route_id="north-road", from_id="north", to_id="works", transit_days=20),
            Route(route_id="south-road", from_id="south", to_id="works", transit_days=10),
            Route(route_id="sea", from_id="works", to_id="tin", transit_days=10),
        ),
        markets=(
            market(
                supply_tpa=9_855,
                demand_tpa=9_855,
                elasticity_supply=0.3,
                elasticity_demand=-0.2,
                looks_ahead=False,
            ),
        ),
        exposures=(
            CommodityExposure(buyer_id="cans", name="Cans", demand_tpa=3_285, **common),
            CommodityExposure(
                buyer_id="solder", name="Solder", demand_tpa=6_570, inventory_days=10, **common
            ),
        ),
    )
    return whole, dataclasses.replace(
        event(Scope.site("north"), days=50.0, event_id="strike", after=10), **strike
    )
