"""Standby routes, levies and what began before the start: the chain against arithmetic by hand."""

import dataclasses
import datetime as dt
import runpy
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.analysis.own_stock import smallest_stock
from supplyrisk.engine.run import simulate
from supplyrisk.engine.stress import stress
from supplyrisk.model.chain import Route
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import Supply
from supplyrisk.model.terms import PriceTerms

CASES = runpy.run_path(str(Path(__file__).with_name("stress_cases.py")))
buyer, case, chain_case, event, market, site, stiff = (
    CASES[name] for name in ("buyer", "case", "chain_case", "event", "market", "site", "stiff")
)
START = CASES["START"]
WHOLE = {"alternative_limit": 0.0}


def of_smelter(**more):
    """Return a buyer of all that the smelter of `chain_case` makes, and of nothing else."""
    one = buyer(daily=0.9, **{**WHOLE, **more})
    return dataclasses.replace(one, sources=(Supply(scope=Scope.smelter("s"), share=1.0),))


def spare(from_id, to_id, days=10):
    return Route(route_id="spare", from_id=from_id, to_id=to_id, transit_days=days, share=0.0)


# --- Standby routes ---------------------------------------------------------------------------


@pytest.mark.parametrize(("from_id", "to_id", "closed"), [("a", "s", "in"), ("s", "tin", "out")])
def test_a_standby_route_spares_the_market_a_closed_one(from_id, to_id, closed):
    """Of a mine or of a smelter: the same metal goes the other way, and the price stays."""
    whole = chain_case(exposures=(), markets=(stiff(volatility_pa=0.0),))
    ways = (*whole.routes, spare(from_id, to_id, 20 if from_id == "a" else 10))
    hit = event(Scope.route(closed), days=100)
    test = stress(dataclasses.replace(whole, routes=ways), hit)
    assert test.share_of_supply == 0.0
    assert test.missing_t == pytest.approx(0.0, abs=1e-9)
    assert test.price_ratio == pytest.approx(1.0, abs=1e-9)
    assert stress(whole, hit).price_ratio > 1.04


@pytest.mark.parametrize(
    ("country", "from_id", "to_id"), [("COD", "a", "tin"), ("MYS", "s", "tin")]
)
def test_a_ban_closes_the_standby_route_too(country, from_id, to_id):
    whole = chain_case(exposures=())
    ban = event(Scope.country(country), days=100, effect="export")
    spared = dataclasses.replace(whole, routes=(*whole.routes, spare(from_id, to_id)))
    first = [stress(one, ban).steps["price_ratio"].iloc[0] for one in (whole, spared)]
    assert first[1] == pytest.approx(first[0], rel=1e-12)
    assert first[0] > 1.05


def test_a_standby_route_to_the_same_smelter_is_no_way_around_it():
    whole = chain_case(exposures=())
    stop = event(Scope.smelter("s"), days=100)
    spared = dataclasses.replace(whole, routes=(*whole.routes, spare("a", "s", 20)))
    tests = [stress(one, stop) for one in (whole, spared)]
    assert tests[1].share_of_supply == tests[0].share_of_supply > 0.3
    first = [test.steps["price_ratio"].iloc[0] for test in tests]
    assert first[1] == pytest.approx(first[0], rel=1e-12)


def test_a_route_with_the_name_of_its_mine_is_not_the_rest_of_its_ways():
    half = Route(route_id="a", from_id="a", to_id="tin", transit_days=10, share=0.5)
    closed = event(Scope.route("a"), days=100)
    assert stress(case(routes=(half,)), closed).missing_t == pytest.approx(50.0)


def test_what_strikes_a_site_strikes_all_of_its_ways_out_or_none():
    """Half of the bans hit the mine: no half of its metal is ever held back alone."""
    halves = tuple(
        Route(route_id=name, from_id="a", to_id="tin", transit_days=10, share=0.5)
        for name in ("p", "q")
    )
    ban = Hazard(
        hazard_id="ban",
        peril=Peril.EXPORT_RESTRICTION,
        scope=Scope.country("COD"),
        rate_pa=2.0,
        duration=Duration.fixed(days=1_000.0),
        hit_probability=0.5,
        shared_duration=False,
        effect="export",
    )
    whole = case(routes=halves, hazards=(ban,), markets=(stiff(),))
    reached = simulate(whole, 200, rng=1).result.markets["tin"].refined_t
    last = np.round(reached[:, -1], 6).tolist()  # ten tonnes a day, or a tenth of it less
    assert 95.0 not in last
    assert {90.0, 100.0} <= set(last)


# --- Levies -----------------------------------------------------------------------------------


def test_no_levy_is_paid_on_metal_that_does_not_come():
    tax = event(Scope.site("a"), days=100, event_id="tax", effect="tax", severity=0.2)
    shut = event(Scope.site("a"), days=40, event_id="shut")
    still = stiff(looks_ahead=False, counts_stocks=False, volatility_pa=0.0)
    one = case(exposures=(buyer(sources=(("a", 0.5), ("b", 0.5)), **WHOLE),), markets=(still,))
    for events, days in (([tax], 100), ([tax, shut], 60)):
        cost = stress(one, events).buyers.loc["b", "extra_cost_usd"]
        assert cost == pytest.approx(0.2 * 30_000.0 * 0.5 * days)


# --- Terms ------------------------------------------------------------------------------------


def test_what_a_route_to_the_buyer_brings_is_no_usual_purchase():
    """Its mine shut, he replaces the metal at spot: with no source named, and with the mine."""
    fixed = buyer(price_terms=PriceTerms.fixed(price_usd_per_t=30_000.0))
    way = Route(route_id="r", from_id="a", to_id="b", transit_days=10)
    still = stiff(counts_stocks=False, volatility_pa=0.0, stock_t=100.0)
    costs = []
    for one, routes in ((fixed, ()), (dataclasses.replace(fixed, sources=()), (way,))):
        whole = case(exposures=(one,), routes=routes, markets=(still,))
        test = stress(whole, event(Scope.site("a"), days=50))
        assert test.buyers.loc["b", "extra_shortage_t"] == 0.0
        costs.append(test.buyers.loc["b", "extra_cost_usd"])
    # A tenth of a year's metal is missing for 40, 30, 20, 10 and 0 more days as the steps end; the
    # price rises by twice that, and the ten days under way delay what he lacks by a step.
    by_step = 10 * 30_000.0 * 0.1 / 365.0 / 0.5 * np.array([40, 30, 20, 10, 0, 0])
    assert costs == pytest.approx([by_step[:5].sum(), by_step[1:].sum()], rel=1e-6)


@pytest.mark.parametrize("wants", [0.5, 2.0])
def test_what_a_route_brings_to_one_buyer_is_not_promised_to_another(wants):
    """Half of the mine is sent to the first; the other half is all that the second can have."""
    first = dataclasses.replace(buyer("first", daily=0.5, **WHOLE), sources=())
    second = buyer("second", daily=wants, **WHOLE)
    way = Route(route_id="r", from_id="a", to_id="first", transit_days=10, share=0.5)
    whole = case(exposures=(first, second), routes=(way,), markets=(stiff(volatility_pa=0.0),))
    shut = event(Scope.route("r"), days=100)
    short = simulate(dataclasses.replace(whole, events=(shut,)), 2, rng=1).exposures
    assert short.loc["first", "expected_shortage_t"] == pytest.approx(50.0)
    # What he is not promised, the second always finds on the open market.
    assert short.loc["second", "expected_shortage_t"] == pytest.approx(0.0, abs=1e-9)
    mine = event(Scope.site("a"), days=100)
    short = simulate(dataclasses.replace(whole, events=(mine,)), 2, rng=1).exposures
    assert short["expected_shortage_t"].to_numpy() == pytest.approx([50.0, 50.0])


def test_an_average_before_the_start_knows_the_price_before_and_the_quote():
    """A mine shut five days ago and for 100 more days, which is in the quote of yesterday."""
    shut = event(Scope.site("a"), days=105, after=-5)
    quoted = stiff(
        counts_stocks=False,
        volatility_pa=0.0,
        price_date=START - dt.timedelta(days=10),
        last_quote_usd_per_t=33_000.0,
        last_quote_date=START - dt.timedelta(days=1),
    )
    terms = PriceTerms.indexed(averaging_days=20, lag_days=10)
    one = buyer(sources=(("b", 1.0),), price_terms=terms)
    outlook = simulate(case(shut, exposures=(one,), markets=(quoted,)), 2, rng=1)
    now = np.array([30_000.0, 33_000.0, *outlook.price_usd_per_t()[0]])
    # On the day of the quote 101 days are to come, of a tenth of supply; elasticities sum to 1/2.
    fair = 33_000.0 / (1.0 + 0.1 * 101 / 365 / 0.5)
    without = np.array([30_000.0, *[fair] * 21])
    # Step k pays the mean of steps k - 2 and k - 1; the first two are before the start.
    paid, otherwise = ((price[:-1] + price[1:])[:20] / 2 for price in (now, without))
    row = outlook.exposures.loc["b"]
    assert row["expected_cost_usd"] == pytest.approx(10 * (paid - otherwise).sum(), rel=1e-9)
    budget = 10 * (paid - 30_000.0).sum()
    assert row["expected_cost_against_budget_usd"] == pytest.approx(budget, rel=1e-9)


def test_whole_numbers_may_be_integers():
    def run(number):
        hedged = buyer(hedged_share=number(1), hedge_days=number(95))
        return simulate(case(exposures=(hedged,), markets=(stiff(stock_t=number(100)),)), 2, rng=1)

    assert run(int).exposures.equals(run(float).exposures)


# --- Before the start -------------------------------------------------------------------------


@pytest.mark.parametrize("made", [case, chain_case])
@pytest.mark.parametrize("ends", [{}, {"duration": None, "ended": START - dt.timedelta(days=5)}])
def test_what_the_market_knew_when_its_price_was_made_moves_nothing(made, ends):
    """A closed mine, and one on its ramp-up: use is what they are known to bring."""
    shut = event(Scope.site("a"), days=97, after=-60, ramp_up=RampUp(ramp_days=33.0), **ends)
    knows = stiff(volatility_pa=0.0, looks_ahead=False, stock_t=100.0)
    outlook = simulate(made(shut, exposures=(), markets=(knows,)), 2, rng=1)
    assert outlook.price_usd_per_t() == pytest.approx(np.full((2, 20), 30_000.0), rel=1e-9)
    balance = outlook.market_balance()
    assert balance["balance_t"].to_numpy() == pytest.approx(np.zeros(len(balance)), abs=1e-6)
    assert balance["supply_t"].sum() < (2_000.0 if made is case else 1_980.0)


def test_a_market_that_does_not_look_ahead_did_not_before_the_start_either():
    shut = event(Scope.site("a"), days=200, after=-30)
    blind = market(
        looks_ahead=False, counts_stocks=False, price_date=START - dt.timedelta(days=200)
    )
    flat = chain_case(shut, exposures=(), markets=(blind,))
    balance = simulate(flat, 2, rng=1).conservation().loc["tin"]
    # One day's metal for each of 20 and 10 days under way and 30 of feed, less the 30 days shut.
    assert balance["opening_t"] == pytest.approx(20.0 + 9.0 + 30.0 - 30.0, rel=1e-12)


def test_stock_that_was_drawn_before_the_start_is_not_there_any_more():
    """The way out closes at -60; from -50 on the buyer draws, 50 days of use until the start."""
    closed = event(Scope.route("out"), days=100, after=-60)
    whole = chain_case(closed, exposures=(of_smelter(inventory_days=70.0),), markets=(stiff(),))
    test = stress(whole, "e")
    stage = test.stages.loc["stock of b"]
    assert stage["without_t"] == pytest.approx(0.9 * 70.0)
    assert stage["lowest_t"] == pytest.approx(test.steps["buyers_t"].min(), abs=1e-9)
    assert stage["empty_days"] == 20.0
    drawn = simulate(whole, 2, rng=1).result.buyers["b"].drawn_days
    assert drawn == pytest.approx([70.0, 70.0])


def test_what_was_drawn_and_put_back_before_the_start_does_not_count():
    closed = event(
        Scope.route("out"), after=-80, duration=None, ended=START - dt.timedelta(days=60)
    )
    one = of_smelter(inventory_days=30.0, alternative_limit=0.2)
    outlook = simulate(chain_case(closed, exposures=(one,), markets=(stiff(),)), 2, rng=1)
    stock = outlook.result.markets["tin"].buyers_t
    drawn = outlook.result.buyers["b"].drawn_days
    assert drawn == pytest.approx(30.0 - stock.min(axis=1) / 0.9)
    assert (drawn > 1.0).all()
    assert (drawn < 10.0).all()  # of 20 on the worst day


def test_the_smallest_stock_of_a_short_horizon_counts_what_was_drawn_before():
    """Closed at -90, missed from -80 on: by the end of a horizon of ten days, 90 days."""
    stop = event(Scope.smelter("s"), days=200, after=-90)
    one = chain_case(stop, exposures=(of_smelter(),), markets=(stiff(),), horizon_days=10)
    found = smallest_stock(one, "b", n_scenarios=2, rng=1)
    assert found.days == pytest.approx(90.0)
