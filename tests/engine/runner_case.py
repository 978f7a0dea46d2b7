"""A small case with everything that a block computes; the tests of the runner load it."""

import datetime as dt

from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

CASE = Case(
    name="small",
    start=dt.date(2025, 3, 20),
    step_days=30,
    sites=tuple(
        MineSite(site_id=name, name=name, commodity="tin", country="COD", capacity_tpa=capacity)
        for name, capacity in (("a", 900.0), ("b", 400.0))
    ),
    hazards=(
        Hazard(
            hazard_id="wide",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            rate_pa=1.5,
            duration=Duration.lognormal(median_days=40, sigma=1.2),
            ramp_up=RampUp(ramp_days=30),
            rate_shape=1.0,
        ),
    ),
    markets=(
        Market(
            commodity="tin",
            price_usd_per_t=33_000.0,
            price_date=dt.date(2025, 3, 1),
            supply_tpa=20_000.0,
            demand_tpa=20_000.0,
            volatility_pa=0.27,
        ),
    ),
    exposures=(
        CommodityExposure(
            buyer_id="buyer-1",
            name="Buyer",
            commodity="tin",
            demand_tpa=100.0,
            sources=(Supply(scope=Scope.site("a"), share=0.6),),
            inventory_days=5.0,
        ),
    ),
)
