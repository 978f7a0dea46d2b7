"""Stocks of the undisturbed chain: by hand, and against a simulation in which nothing happens."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.engine.run import simulate
from supplyrisk.model.chain import Route
from supplyrisk.model.stocks import Stock, planned_feeds, undisturbed_stocks

CHAINED = runpy.run_path(str(Path(__file__).parents[1] / "chained_case.py"))
CASE, SMELTER, ROUTES, market, site, buyer = (
    CHAINED[name] for name in ("CASE", "SMELTER", "ROUTES", "market", "site", "buyer")
)
QUIET = replace(CASE, horizon_days=40, step_days=10, hazards=(), events=(), policies=())


def test_every_stage_by_hand():
    # North sends 10 t a day for 20 days, South 15 of its 20 for 10 days; the works make 22.5 t of
    # these 25, which are 30 days at sea.  Of the 50 t a day on the market two buyers use 20.
    assert planned_feeds(CASE) == {"works": pytest.approx(9_125.0)}
    held = undisturbed_stocks(CASE, CASE.market())
    assert {stage: stock.stock_t for stage, stock in held.items()} == pytest.approx(
        {
            "mines": 50.0,
            "under_way": 200.0 + 150.0 + 675.0,
            "feed": 500.0,
            "exchange": 500.0,
            "buyers": 150.0,
            "rest": 300.0,
        }
    )
    assert {stage: stock.days for stage, stock in held.items()} == pytest.approx(
        {
            "mines": 5.0 / 3.0,
            "under_way": 1_025.0 / 30.0,
            "feed": 20.0,
            "exchange": 10.0,
            "buyers": 7.5,
            "rest": 10.0,
        }
    )


def test_a_stage_that_nothing_passes_lasts_no_day():
    assert Stock(0.0, 0.0).days == 0.0
    held = undisturbed_stocks(replace(QUIET, smelters=(), routes=(), exposures=()), CASE.market())
    assert (held["feed"], held["under_way"].stock_t, held["buyers"]) == (
        Stock(0.0, 0.0),
        0.0,
        Stock(0.0, 0.0),
    )


def test_stocks_of_another_metal_are_its_own():
    zinc = (
        site("zinc-mine", 365.0, commodity="zinc", stock_days=7.0),
        market(commodity="zinc", supply_tpa=730.0, stock_t=3.0),
    )
    both = replace(
        QUIET,
        commodity="tin",
        sites=(*QUIET.sites, zinc[0]),
        markets=(*QUIET.markets, zinc[1]),
        routes=(
            *ROUTES,
            Route(route_id="zinc-road", from_id="zinc-mine", to_id="zinc", transit_days=12.0),
        ),
    )
    held = undisturbed_stocks(both, both.market("zinc"))
    assert [stock.stock_t for stock in held.values()] == pytest.approx([7, 12, 0, 3, 0, 20])
    assert undisturbed_stocks(both, both.market("tin")) == undisturbed_stocks(QUIET, QUIET.market())


# What a case may say of its chain.
chains = st.fixed_dictionaries(
    {
        "road": st.floats(10.0, 60.0),
        "sea": st.floats(10.0, 60.0),
        "share": st.floats(0.0, 1.0),
        "feed_days": st.floats(20.0, 60.0),
        "metal_yield": st.floats(0.5, 1.0),
        "alternative_share": st.sampled_from([0.0, 0.4]),
        "stock_days": st.floats(0.0, 30.0),
        "supply_tpa": st.floats(3_000.0, 30_000.0),
        "recycled": st.floats(0.0, 1.0),
        "demand_tpa": st.floats(100.0, 40_000.0),
        "inventory_days": st.floats(0.0, 60.0),
    }
)


@settings(max_examples=settings().max_examples // 4)
@given(chains)
def test_where_nothing_happens_the_simulation_holds_these_stocks(chain):
    case = replace(
        QUIET,
        sites=(site("north", 3_650.0, stock_days=chain["stock_days"]), site("south", 7_300.0)),
        smelters=(
            replace(
                SMELTER,
                feed_days=chain["feed_days"],
                metal_yield=chain["metal_yield"],
                alternative_share=chain["alternative_share"],
            ),
        ),
        routes=(
            replace(ROUTES[0], transit_days=chain["road"]),
            replace(ROUTES[1], share=chain["share"]),
            replace(ROUTES[2], transit_days=chain["sea"]),
        ),
        markets=(
            market(
                supply_tpa=chain["supply_tpa"],
                recycled_tpa=chain["recycled"] * chain["supply_tpa"],
            ),
        ),
        exposures=(
            buyer(
                "cans",
                QUIET.exposures[0].sources[0].scope,
                demand_tpa=chain["demand_tpa"],
                inventory_days=chain["inventory_days"],
            ),
        ),
    )
    held = undisturbed_stocks(case, case.market())
    opening = simulate(case, 2, rng=1).conservation().loc["tin", "opening_t"]
    assert sum(stock.stock_t for stock in held.values()) == pytest.approx(opening, rel=1e-9)


@pytest.mark.parametrize("bare", [False, True])
def test_each_stage_of_the_steps_is_flat_at_its_stock(bare):
    without = {"smelters": (), "routes": (), "exposures": QUIET.exposures[1:]}
    case = replace(QUIET, **without) if bare else QUIET
    held = undisturbed_stocks(case, case.market())
    steps = simulate(case, 2, rng=1).steps
    for series, stages in {
        "upstream_t": ("mines", "under_way", "feed"),
        "exchange_t": ("exchange",),
        "buyers_t": ("buyers", "rest"),
    }.items():
        level = sum(held[stage].stock_t for stage in stages)
        assert steps[series, "mean"].tolist() == pytest.approx([level] * 4, rel=1e-9)
