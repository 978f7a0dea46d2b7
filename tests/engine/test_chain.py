"""Cases with a chain: what events hit, what buyers get, what is conserved; worked by hand."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.chain import Route, Smelter
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite
from supplyrisk.model.terms import PriceTerms

START = dt.date(2025, 1, 1)
DAY = 365.0  # tonnes a year that make one a day


def site(site_id="a", daily=1.0, **more):
    values = {"commodity": "tin", "country": "COD", "capacity_tpa": daily * DAY, **more}
    return MineSite(site_id=site_id, name=site_id, **values)


def market(**more):
    values = {
        "commodity": "tin",
        "price_usd_per_t": 30_000.0,
        "price_date": START - dt.timedelta(days=1),
        "supply_tpa": 10 * DAY,
        "demand_tpa": 10 * DAY,
        "elasticity_demand": -0.2,
        "elasticity_supply": 0.3,
        "volatility_pa": 0.0,
        "consumer_stock_days": 0.0,
        "most_extra_share": 0.0,
        "restocking_days": 40.0,
        **more,
    }
    return Market(**values)


def event(scope, days=50, after=0, event_id="e", **more):
    day = START + dt.timedelta(days=after)
    return DisruptionEvent(
        event_id=event_id,
        peril=Peril.OTHER,
        scope=scope,
        announced=START,
        started=day,
        duration=Duration.fixed(days=days),
        **more,
    )


def buyer(buyer_id="b", share=0.5, scope=None, daily=2.0, **more):
    values = {"inventory_days": 0.0, "restocking_days": 40.0, **more}
    return CommodityExposure(
        buyer_id=buyer_id,
        name=buyer_id,
        commodity="tin",
        demand_tpa=daily * DAY,
        sources=(Supply(scope=scope or Scope.site("a"), share=share),),
        **values,
    )


def case(*events, horizon_days=200, step_days=10, sites=None, **more):
    values = {"markets": (market(),), **more}
    return Case(
        name="chain",
        start=START,
        commodity="tin",
        horizon_days=horizon_days,
        step_days=step_days,
        sites=sites or (site(), site("b")),
        events=events,
        **values,
    )


def chain(**more):
    """A mine 20 days from a smelter that is 10 days from the market; another sells at once."""
    return {
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
                **more,
            ),
        ),
        "routes": (
            Route(route_id="in", from_id="a", to_id="s", transit_days=20),
            Route(route_id="out", from_id="s", to_id="tin", transit_days=10),
        ),
    }


def mean(outlook, quantity):
    return outlook.steps[quantity, "mean"].to_numpy()


# --- Nothing happens ------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, chain(), chain(alternative_share=0.5)])
@pytest.mark.parametrize("step_days", [5, 10])
def test_without_events_every_series_is_flat_for_ten_years(more, step_days):
    outlook = simulate(
        case(
            horizon_days=3_650,
            step_days=step_days,
            exposures=(buyer(inventory_days=30.0), buyer("c", 0.2, Scope.country("COD"))),
            **more,
        ),
        2,
        rng=1,
    )
    for quantity in ("price_usd_per_t", "refined_t", "upstream_t", "exchange_t", "buyers_t"):
        series = mean(outlook, quantity)
        scale = max(abs(series[0]), 10 * DAY)
        assert (np.abs(series - series[0]) <= 1e-12 * scale).all(), quantity
    table = outlook.exposures
    for column in ("expected_cost_usd", "expected_shortage_t", "probability_short"):
        assert (table[column].abs() <= 1e-6).all()


# --- What events hit ------------------------------------------------------------------------


def test_a_shut_mine_is_missed_at_the_market_after_its_way():
    hit = event(Scope.site("a"), days=20)
    outlook = simulate(case(hit, **chain()), 2, rng=1)
    assert outlook.lost_t == pytest.approx(20.0)
    refined = mean(outlook, "refined_t")
    # 8.1 t a day from elsewhere, 1 from the other mine, 0.9 from the smelter.  It is 20 days to the
    # smelter, whose feed falls from 30 to 10 t by day 40; below 15 t it slows down.
    assert refined[:5] == pytest.approx(np.full(5, 100.0))
    assert refined.min() < 100.0 - 1e-6
    balance = outlook.conservation().loc["tin"]
    assert balance["mined_t"] == pytest.approx(400.0 - 20.0)
    assert balance["residual_t"] < 1e-9
    gap = balance["opening_t"] + balance["mined_t"] + balance["other_t"]
    gap -= balance["slag_t"] + balance["used_t"] + balance["closing_t"]
    assert abs(gap) < 1e-8


def test_a_closed_route_holds_back_what_is_upstream_and_loses_nothing():
    hit = event(Scope.route("in"), days=50)
    outlook = simulate(case(hit, **chain()), 2, rng=1)
    open_ = simulate(case(**chain()), 2, rng=1)
    assert (outlook.lost_t == 0.0).all()
    # 50 t wait at the mine and then all leave at once: the way holds as much as ever 20 days on.
    waiting = mean(outlook, "upstream_t") - mean(open_, "upstream_t")
    missing = np.cumsum(mean(open_, "refined_t") - mean(outlook, "refined_t"))
    assert missing.max() > 10.0
    assert waiting == pytest.approx(missing / 0.9, abs=missing.max() * 0.2)
    assert outlook.conservation().loc["tin", "residual_t"] < 1e-9


def test_an_export_ban_stops_what_leaves_the_country_only():
    inside = chain()
    inside["smelters"] = (dataclasses.replace(inside["smelters"][0], country="COD"),)
    ban = event(Scope.country("COD"), days=50, effect="export")
    home = simulate(case(ban, **inside), 2, rng=1)
    assert (home.lost_t == 0.0).all()
    # The way to the smelter stays open, that from it is shut; the other mine sells nothing.
    assert mean(home, "refined_t")[0] == pytest.approx(100.0 - 10.0)  # 10 days under way arrive
    assert mean(home, "refined_t")[1:5] == pytest.approx(np.full(4, 81.0))
    quota = event(Scope.country("COD"), days=50, effect="export", severity=0.6)
    part = simulate(case(quota, **inside), 2, rng=1)
    assert mean(part, "refined_t")[1:5] == pytest.approx(np.full(4, 81.0 + 0.4 * 19.0))


def test_a_stopped_smelter_piles_up_feed_and_works_it_off():
    stop = event(Scope.smelter("s"), days=20)
    outlook = simulate(case(stop, horizon_days=1_000, **chain()), 2, rng=1)
    assert (outlook.lost_t == 0.0).all()
    refined = mean(outlook, "refined_t")
    assert refined[1:3] == pytest.approx([91.0, 91.0])
    assert refined.max() > 100.0 + 1e-6  # spare capacity
    assert refined.sum() == pytest.approx(10_000.0, abs=0.5)


def test_a_standby_route_takes_what_the_other_cannot():
    more = chain()
    more["routes"] += (Route(route_id="round", from_id="a", to_id="s", transit_days=40, share=0.0),)
    outlook = simulate(case(event(Scope.route("in"), days=100), **more), 2, rng=1)
    alone = simulate(case(event(Scope.route("in"), days=100), **chain()), 2, rng=1)
    assert mean(outlook, "refined_t").sum() > mean(alone, "refined_t").sum() + 10.0
    assert outlook.conservation().loc["tin", "residual_t"] < 1e-9


def test_metal_without_assurance_is_for_those_who_may_take_it():
    doubt = event(Scope.site("a"), days=50, effect="assurance")
    parts = {"alternative_limit": 0.0, "inventory_days": 0.0}
    careful = buyer("careful", 0.5, needs_assurance=True, daily=1.0, **parts)
    other = buyer("other", 0.5, daily=1.0, **parts)
    outlook = simulate(case(doubt, exposures=(careful, other)), 2, rng=1)
    assert (outlook.lost_t == 0.0).all()
    short = outlook.exposures["expected_shortage_t"]
    assert short["careful"] == pytest.approx(25.0)
    assert short["other"] == pytest.approx(0.0, abs=1e-9)
    steps = outlook.buyer_steps("careful")
    assert steps["probability_short"].tolist() == [1.0] * 5 + [0.0] * 15


def test_a_levy_is_paid_on_what_the_source_delivers():
    tax = event(Scope.country("COD"), days=50, effect="tax", severity=0.1)
    outlook = simulate(case(tax, exposures=(buyer(),)), 2, rng=1)
    # Half a share of 2 t a day for 50 days, a tenth of 30,000 USD.
    assert outlook.exposures.loc["b", "expected_cost_usd"] == pytest.approx(50 * 3_000.0)
    assert outlook.price_usd_per_t() == pytest.approx(np.full((2, 20), 30_000.0))


def test_one_levy_on_a_mine_and_its_smelter_is_paid_once():
    home = chain()
    home["smelters"] = (dataclasses.replace(home["smelters"][0], country="COD"),)
    tax = event(Scope.country("COD"), days=50, effect="tax", severity=0.1)
    outlook = simulate(case(tax, exposures=(buyer(share=0.45),), **home), 2, rng=1)
    assert outlook.exposures.loc["b", "expected_cost_usd"] == pytest.approx(0.9 * 50 * 3_000.0)


def test_terms_hold_for_a_share_that_is_bought_from_the_market():
    fixed = PriceTerms.fixed(price_usd_per_t=31_000.0)
    hit = event(Scope.site("a"), days=100)
    named = buyer("named", 1.0, Scope.market("tin"), price_terms=fixed, inventory_days=10.0)
    silent = dataclasses.replace(named, buyer_id="silent", sources=())
    plenty = (market(stock_t=1_000.0),)
    table = simulate(case(hit, exposures=(named, silent), markets=plenty), 2, rng=1).exposures
    assert table["expected_cost_usd"].tolist() == [0.0, 0.0]
    assert table["expected_cost_against_budget_usd"].to_numpy() == pytest.approx([4e5, 4e5])


def test_use_comes_before_the_stocks_of_others():
    # A tenth of supply is gone; the one with the large stock asks for more, and gets no more.
    hit = event(Scope.site("b"), days=100)
    rich = buyer("rich", 0.0, inventory_days=100.0)
    poor = buyer("poor", 0.0, inventory_days=0.0)
    still = (market(elasticity_demand=-1e-9, elasticity_supply=0.5),)
    outlook = simulate(case(hit, exposures=(rich, poor), markets=still), 2, rng=1)
    short = outlook.exposures["expected_shortage_t"]
    assert short["poor"] == pytest.approx(0.1 * 2.0 * 100)
    assert short["rich"] == 0.0


@pytest.mark.parametrize("scope", [Scope.route("in"), Scope.smelter("s"), Scope.site("a")])
def test_metal_that_does_not_come_makes_the_price_rise(scope):
    hit = event(scope, days=100)
    blind = (market(looks_ahead=False),)
    for stock in (0.0, 100.0):
        outlook = simulate(
            case(hit, markets=(dataclasses.replace(blind[0], stock_t=stock),), **chain()), 2, rng=1
        )
        price = outlook.price_usd_per_t()[0]
        assert price.max() > 30_000.0 * (1 + 0.005)
        assert price[:10].min() >= 30_000.0 * (1 - 1e-12)  # what was held back comes later


def test_stock_is_shipped_ahead_of_an_announced_ban():
    ban = event(Scope.country("COD"), days=50, after=40, effect="export")
    mines = (site(stock_days=20.0), site("b"))
    outlook = simulate(case(ban, sites=mines), 2, rng=1)
    refined = mean(outlook, "refined_t")
    # A quarter of the 20 t in each of the four steps before.
    assert refined[:4] == pytest.approx(np.full(4, 105.0))
    assert refined[4:9] == pytest.approx(np.full(5, 80.0))


# --- Price ----------------------------------------------------------------------------------


def test_the_price_counts_what_is_expected_and_what_is_missing_from_stocks():
    hit = event(Scope.site("a"), days=100)

    def prices(**more):
        outlook = simulate(case(hit, markets=(market(**more),)), 2, rng=1)
        return outlook.price_usd_per_t()[0] / 30_000.0

    day = 10.0 * np.arange(1, 21)
    left = np.clip(100.0 - day, 0.0, None)
    ahead = 1 + 0.1 * left / 365 / 0.5
    assert prices(counts_stocks=False) == pytest.approx(ahead, rel=1e-12)
    # A tonne a day is missing; a dearer price holds back demand, so not all of it from stocks.
    stocks = prices(looks_ahead=False, stock_t=1_000.0)
    assert (np.diff(stocks[:10]) > 0.0).all()
    assert stocks[0] == pytest.approx(1 + 10 / 3_650 / 0.5, rel=1e-12)
    assert stocks[9] < 1 + 100 / 3_650 / 0.5
    assert prices(looks_ahead=False, counts_stocks=False) == pytest.approx(np.ones(20))


@pytest.mark.parametrize(
    ("scope", "more"),
    [
        (Scope.route("in"), {}),
        (Scope.smelter("s"), {}),
        (Scope.route("out"), {}),
        (Scope.country("COD"), {"effect": "export"}),
    ],
)
def test_the_market_looks_ahead_on_closed_ways_as_on_shut_mines(scope, more):
    """Mine a alone feeds smelter s: whatever closes its way is expected to cost what it makes."""
    layer = (market(counts_stocks=False),)

    def price(*events):
        lands = (site(country="COD"), site("b", daily=9.0, country="MYS"))
        outlook = simulate(case(*events, markets=layer, sites=lands, **chain()), 2, rng=1)
        return outlook.price_usd_per_t()[0]

    shut = price(event(Scope.site("a"), days=100, after=40))
    assert shut[0] > 30_000.0  # announced, not begun
    assert price(event(scope, days=100, after=40, **more)) == pytest.approx(shut, rel=1e-12)
    both = price(
        event(Scope.site("a"), days=100, after=40),
        event(scope, days=100, after=40, event_id="f", **more),
    )
    assert (both >= shut - 1e-9).all()
    assert ((both - 30_000.0)[:10] < 2 * (shut - 30_000.0)[:10]).all()  # the same metal, once


def test_hazards_of_ways_leave_the_expected_price_where_it_is():
    hazard = Hazard(
        hazard_id="closed",
        peril=Peril.LOGISTICS,
        scope=Scope.route("in"),
        rate_pa=1.0,
        duration=Duration.exponential(mean_days=60.0),
    )
    layer = market(counts_stocks=False, elasticity_supply=3.0, elasticity_demand=-2.0)
    outlook = simulate(case(hazards=(hazard,), markets=(layer,), **chain()), 20_000, rng=3)
    price = outlook.price_usd_per_t()
    z = (price.mean(axis=0) - 30_000.0) / (price.std(axis=0) / np.sqrt(len(price)))
    assert price.std(axis=0).min() > 0.0
    assert np.abs(z).max() < 4.0


def test_a_standby_leg_spares_the_market_the_look_ahead_on_a_closed_one():
    sites = (site(), site("b", daily=9.0))
    spare = Route(route_id="spare", from_id="a", to_id="tin", transit_days=10, share=0.0)
    ways = chain()
    ways = {**ways, "routes": (*ways["routes"], spare)}
    hit = event(Scope.route("in"), days=100)
    layer = (market(counts_stocks=False),)
    outlook = simulate(case(hit, sites=sites, markets=layer, **ways), 2, rng=1)
    assert outlook.price_usd_per_t()[0] == pytest.approx(np.full(20, 30_000.0))


def test_the_price_falls_when_a_restart_is_announced():
    """Before the notice E[min(D - u, H) | D > u + 30] is expected, from it on what is left."""
    length = Duration.exponential(mean_days=100.0)
    hit = dataclasses.replace(event(Scope.site("a")), duration=length)
    layer = market(counts_stocks=False, restart_notice_days=30.0)
    outlook = simulate(case(hit, markets=(layer,)), 500, rng=5, keep="events")
    rows = outlook.events().set_index("scenario")
    end = (rows["start_days"] + rows["outage_days"]).to_numpy()[:, np.newaxis]
    day = outlook.plan.edges_days[1:]
    # Memoryless: 30 days are sure, then the limited mean of an exponential over the other 335.
    quiet = 30.0 + 100.0 * -np.expm1(-335.0 / 100.0)
    left = np.where(end - day > 30.0, quiet, np.maximum(end - day, 0.0))
    expected = 30_000.0 * (1 + 0.1 * left / 365 / 0.5)
    assert outlook.price_usd_per_t() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("notice", [0.0, 20.0, 365.0])
def test_notice_of_restarts_leaves_the_expected_price_where_it_is(notice):
    hazard = Hazard(
        hazard_id="stops",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        rate_pa=1.0,
        duration=Duration.lognormal(median_days=40.0, sigma=0.8),
    )
    layer = market(
        counts_stocks=False, elasticity_supply=3, elasticity_demand=-2, restart_notice_days=notice
    )
    outlook = simulate(case(hazards=(hazard,), markets=(layer,)), 20_000, rng=3)
    price = outlook.price_usd_per_t()
    z = (price.mean(axis=0) - 30_000.0) / (price.std(axis=0) / np.sqrt(len(price)))
    assert np.abs(z).max() < 4.0


def test_terms_of_a_price_worked_by_hand():
    hit = event(Scope.site("a"), days=100)

    def paid(terms, **more):
        one = buyer(price_terms=terms, scope=Scope.site("b"), **more)
        looked = case(hit, exposures=(one,), markets=(market(counts_stocks=False, stock_t=1e4),))
        return simulate(looked, 2, rng=1)

    path = paid(PriceTerms.spot()).price_usd_per_t()[0]
    # 20 t a step; ten days' mean that ended ten days before is the price of the step before.
    lagged = np.concatenate([[30_000.0], path[:-1]])
    indexed = paid(PriceTerms.indexed(averaging_days=10, lag_days=10))
    expected = (20.0 * (lagged - 30_000.0)).sum()
    row = indexed.exposures.loc["b"]
    assert row["expected_cost_against_budget_usd"] == pytest.approx(expected, rel=1e-9)
    floored = paid(PriceTerms.spot(floor_usd_per_t=31_000.0)).exposures.loc["b"]
    expected = (20.0 * (np.maximum(path, 31_000.0) - 30_000.0)).sum()
    assert floored["expected_cost_against_budget_usd"] == pytest.approx(expected, rel=1e-9)
    hedged = paid(PriceTerms.spot(), hedged_share=0.5, hedge_days=100.0).exposures.loc["b"]
    loose = np.where(np.arange(20) < 10, 0.5, 1.0)
    expected = (20.0 * loose * (path - 30_000.0)).sum()
    assert hedged["expected_cost_against_budget_usd"] == pytest.approx(expected, rel=1e-9)
    euros = PriceTerms.fixed(price_usd_per_t=28_000.0, currency="EUR", usd_per_unit=1.1)
    row = paid(euros, budget_usd_per_t=30_000.0).exposures.loc["b"]
    expected = 20 * 20.0 * (1.1 * 28_000.0 - 30_000.0)
    assert row["expected_cost_against_budget_usd"] == pytest.approx(expected)


# --- Several metals -------------------------------------------------------------------------


def test_metals_of_one_mine_are_lost_together():
    mines = (site("copper-of-it", commodity="copper"), site("gold-of-it", commodity="gold"))
    strikes = Hazard(
        hazard_id="h",
        peril=Peril.ACCIDENT,
        scope=Scope.region("it", site_ids=("copper-of-it", "gold-of-it")),
        rate_pa=1.0,
        duration=Duration.exponential(mean_days=100),
    )
    both = Case(
        name="two",
        start=START,
        commodity="copper",
        sites=mines,
        hazards=(strikes,),
        markets=(market(commodity="copper"), market(commodity="gold", price_usd_per_t=1e8)),
    )
    outlook = simulate(both, 500, rng=7)
    copper, gold = outlook.price_usd_per_t(), outlook.price_usd_per_t("gold")
    assert copper.std() > 0.0
    np.testing.assert_allclose(gold / 1e8, copper / 30_000.0, rtol=1e-12)
    assert list(outlook.conservation().index) == ["copper", "gold"]
    with pytest.raises(ValueError, match="copper, gold"):
        outlook.price_usd_per_t("lead")


# --- Tables ---------------------------------------------------------------------------------


def test_the_balance_of_the_market_adds_up():
    outlook = simulate(case(event(Scope.site("a"), days=100), horizon_days=360), 10, rng=1)
    table = outlook.market_balance()
    assert table["days"].sum() == 360
    assert table["supply_t"].sum() == pytest.approx(mean(outlook, "refined_t").sum())
    balance = outlook.conservation().loc["tin"]
    stocks = balance["closing_t"] - balance["opening_t"]
    assert table["balance_t"].sum() == pytest.approx(stocks, abs=1e-6)


def test_an_unknown_buyer_is_named():
    outlook = simulate(case(exposures=(buyer(),)), 2, rng=1)
    with pytest.raises(InvalidInputError, match="buyer_id"):
        outlook.buyer_steps("nobody")


@pytest.mark.parametrize("n", [1_025, 2_049])
def test_futures_are_the_same_in_pieces_of_any_size(n):
    strikes = Hazard(
        hazard_id="h",
        peril=Peril.STRIKE,
        scope=Scope.country("COD"),
        rate_pa=2.0,
        duration=Duration.exponential(mean_days=30),
        shared_duration=False,
    )
    looked = dataclasses.replace(case(exposures=(buyer(),), **chain()), hazards=(strikes,))
    few, many = simulate(looked, n, rng=7), simulate(looked, 3_000, rng=7)
    np.testing.assert_array_equal(few.price_usd_per_t(), many.price_usd_per_t()[:n])
    for field in dataclasses.fields(few.result.buyers["b"]):
        one, two = (getattr(o.result.buyers["b"], field.name) for o in (few, many))
        np.testing.assert_array_equal(one, two[:n])
