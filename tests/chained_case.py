"""A small case with routes, a smelter, stocks and policies; tests of what is shown load it."""

import datetime as dt

import supplyrisk as sr

START = dt.date(2025, 1, 1)


def site(site_id, capacity_tpa, **more):
    fields = {"name": f"{site_id.title()} mine", "commodity": "tin", "country": "PER", **more}
    return sr.MineSite(site_id=site_id, capacity_tpa=capacity_tpa, **fields)


def buyer(buyer_id, scope, **more):
    fields = {"name": buyer_id.title(), "demand_tpa": 3_650.0, "restocking_days": 40.0, **more}
    return sr.CommodityExposure(
        buyer_id=buyer_id,
        commodity="tin",
        sources=(sr.Supply(scope=scope, share=0.8),),
        illustrative=True,
        **fields,
    )


def market(**more):
    fields = {
        "commodity": "tin",
        "price_usd_per_t": 30_000.0,
        "price_date": START - dt.timedelta(days=1),
        "supply_tpa": 18_250.0,
        "demand_tpa": 18_000.0,
        "volatility_pa": 0.1,
        "stock_t": 500.0,
        "restocking_days": 40.0,
        "consumer_stock_days": 10.0,
        **more,
    }
    return sr.Market(**fields)


SMELTER = sr.Smelter(
    smelter_id="works",
    name="The works",
    commodity="tin",
    country="MYS",
    capacity_tpa=12_000.0,
    feed_days=20.0,
    psi=0.5,
    metal_yield=0.9,
)
ROUTES = (
    sr.Route(route_id="road", from_id="north", to_id="works", transit_days=20.0),
    sr.Route(route_id="rail", from_id="south", to_id="works", transit_days=10.0, share=0.75),
    sr.Route(route_id="sea", from_id="works", to_id="tin", transit_days=30.0),
)
POLICIES = (
    sr.Policy(
        policy_id="own",
        name="Interruption of North",
        insured="north",
        kind="business_interruption",
        waiting_days=10.0,
        daily_value_usd=100_000.0,
        limit_usd=4e6,
        premium_usd=5e5,
    ),
    sr.Policy(
        policy_id="far",
        name="Suppliers of Solder",
        insured="solder",
        kind="contingent",
        suppliers=("south",),
        perils=(sr.Peril.STRIKE,),
        waiting_days=2.0,
        waiting_in="average_daily_value",
        daily_value_usd=50_000.0,
        annual_limit_usd=3e6,
    ),
)
CASE = sr.Case(
    name="chained",
    start=START,
    sites=(site("north", 3_650.0, stock_days=5.0), site("south", 7_300.0)),
    smelters=(SMELTER,),
    routes=ROUTES,
    markets=(market(),),
    exposures=(
        buyer(
            "cans",
            sr.Scope.smelter("works"),
            price_terms=sr.PriceTerms.indexed(averaging_days=30.0, premium_usd_per_t=200.0),
            hedged_share=0.4,
            hedge_days=180.0,
            alternative_limit=0.5,
            qualification_days=90.0,
        ),
        buyer("solder", sr.Scope.site("south"), inventory_days=15.0),
    ),
    hazards=(
        sr.Hazard(
            hazard_id="strikes",
            peril=sr.Peril.STRIKE,
            scope=sr.Scope.site("south"),
            rate_pa=1.0,
            duration=sr.Duration.lognormal(median_days=60.0, sigma=0.8),
        ),
        sr.Hazard(
            hazard_id="accidents",
            peril=sr.Peril.ACCIDENT,
            scope=sr.Scope.site("north"),
            rate_pa=0.5,
            duration=sr.Duration.exponential(mean_days=40.0),
        ),
    ),
    events=(
        sr.DisruptionEvent(
            event_id="flood",
            peril=sr.Peril.NATURAL_HAZARD,
            scope=sr.Scope.site("north"),
            started=START - dt.timedelta(days=10),
            duration=sr.Duration.exponential(mean_days=40.0),
        ),
    ),
    policies=POLICIES,
)
