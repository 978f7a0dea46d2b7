"""Stress tests: against the chain worked by hand, stock arithmetic, closed forms and simulate."""

import dataclasses
import datetime as dt
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.engine.run import simulate
from supplyrisk.engine.stress import stress
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import RampUp, Scope

CASES = runpy.run_path(str(Path(__file__).with_name("stress_cases.py")))
buyer, case, chain_case, event, hazard, market, site, stiff, two_mines = (
    CASES[name]
    for name in (
        "buyer",
        "case",
        "chain_case",
        "event",
        "hazard",
        "market",
        "site",
        "stiff",
        "two_mines",
    )
)
START, DAY = CASES["START"], CASES["DAY"]


# --- Worked by hand -------------------------------------------------------------------------


@pytest.mark.parametrize("announced", [None, START])
def test_the_chain_of_the_docs_stage_by_stage(announced):
    whole, strike = two_mines(announced=announced)
    test = stress(whole, strike)
    assert (test.share_of_supply, test.lost_t) == (pytest.approx(1 / 3), pytest.approx(500.0))
    assert test.missing_t == pytest.approx(180.0)
    assert test.time_to_recover_days == 50.0
    # Days from the strike on day 10; docs/chain.md counts from the start.
    reached = test.stages["reached_days"] + 10.0
    assert reached.tolist() == [np.inf, 20.0, 40.0, 80.0, 90.0, np.inf, np.inf, 90.0]
    assert test.stages.loc["feed at smelters", ["without_t", "lowest_t"]].tolist() == (
        pytest.approx([600.0, 200.0])
    )
    assert test.stages.loc["stock of solder", "lowest_t"] == pytest.approx(60.0)
    assert test.stages.loc["metal under way from mines", "without_t"] == pytest.approx(200.0)
    assert test.stages.loc["metal under way from mines", "empty_days"] == 20.0
    table = test.buyers
    assert table["weeks_until_short"].tolist() == [80.0 / 7.0, np.inf]
    assert table["shortage_t"].tolist() == pytest.approx([60.0, 0.0], abs=1e-9)
    assert table.loc["cans", "extra_lost_margin_usd"] == pytest.approx(60_000.0)
    # A third of the metal of the works is of north: 10 days of stock last three times as long.
    assert table["share_hit"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert table["time_to_survive_days"].tolist() == pytest.approx([0.0, 30.0])
    assert test.sources["share_hit"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert table["time_to_recover_days"].tolist() == [50.0, 50.0]
    market_t = [270.0] * 8 + [180.0] * 2 + [270.0] * 2
    assert test.steps["market_t"].tolist() == pytest.approx(market_t)
    assert test.steps["lost_t"].tolist() == pytest.approx([0.0] + [100.0] * 5 + [0.0] * 6)
    ratio = 1 + np.array([500.0, 452.4]) / 9_855 / 0.5
    assert test.steps["price_ratio"].to_numpy()[[6, 11]] == pytest.approx(ratio, abs=1e-5)
    band = (test.price_ratio_low, test.price_ratio, test.price_ratio_high)
    assert band == pytest.approx((ratio[0],) * 3)  # its elasticities are given


@settings(max_examples=20)
@given(stock=st.integers(0, 40), hundredths=st.integers(10, 100))
def test_a_stock_lasts_for_itself_over_what_is_missing_of_the_use(stock, hundredths):
    share = hundredths / 100
    sources = (("a", share), ("b", 1.0 - share))
    one = buyer(sources=sources, inventory_days=stock, alternative_limit=0.0)
    looked = case(step_days=1, horizon_days=100, exposures=(one,))
    row = stress(looked, event(Scope.site("a"), 100)).buyers.loc["b"]
    survive = stock / share
    assert row["share_hit"] == pytest.approx(share)
    assert row["time_to_survive_days"] == pytest.approx(survive)
    days = row["weeks_until_short"] * 7.0
    if survive >= 100 - 1e-9:
        assert np.isinf(days)
    else:  # the end of the day in which it runs out
        assert survive - 1e-9 < days <= survive + 1.0 + 1e-9


@pytest.mark.parametrize("days", [40.0, 200.0, 500.0])
@pytest.mark.parametrize("after", [0, 30])
def test_the_price_of_a_surprise_is_linear_in_what_is_expected(days, after):
    looked = case(markets=(market(counts_stocks=False),))
    test = stress(looked, event(Scope.site("a"), days, after=after))
    ends = 10.0 * np.arange(1, 21)
    left = np.where(ends >= after, np.clip(after + days - ends, 0.0, 365.0), 0.0)
    for z, column in ((-1, "price_ratio_high"), (0, "price_ratio"), (1, "price_ratio_low")):
        elasticity = 0.35 * np.exp(0.7 * z * stats.norm.isf(0.05))
        expected = np.minimum(1 + 0.1 * left / 365 / elasticity, 4.0)
        # The look ahead is tabulated by age: exact to its nodes.
        assert test.steps[column].to_numpy() == pytest.approx(expected, rel=2e-4)
        assert getattr(test, column) == test.steps[column].max()


def test_the_price_stays_between_its_bounds():
    looked = case(sites=(site(daily=8.0), site("b", 2.0)), markets=(market(choke_price_ratio=2.5),))
    test = stress(looked, event(Scope.site("a"), 365))
    assert test.price_ratio_high == pytest.approx(2.5)
    assert 1.0 < test.price_ratio_low < test.price_ratio <= 2.5


# --- What strikes, and what it is compared with ---------------------------------------------


def test_a_length_is_its_median_given_the_days_that_have_passed():
    law = {"duration": Duration.lognormal(median_days=60.0, sigma=1.2)}
    looked = case(event(Scope.site("a"), after=-20, **law), horizon_days=365, step_days=5)
    whole = stats.lognorm(1.2, scale=60.0)
    left = whole.isf(0.5 * whole.sf(20.0)) - 20.0
    test = stress(looked, "e")
    assert test.lost_t == pytest.approx(left, rel=1e-9)
    assert test.time_to_recover_days == pytest.approx(left, rel=1e-9)
    assert test.events[0].duration.days == pytest.approx(20.0 + left, rel=1e-9)
    fresh = stress(case(horizon_days=365), event(Scope.site("a"), **law))
    assert fresh.lost_t == pytest.approx(60.0, rel=1e-9)


def test_hazards_do_not_strike_and_own_events_go_on():
    own = event(Scope.site("b"), days=100, event_id="own", after=-30)
    looked = dataclasses.replace(
        case(own, exposures=(buyer(),)), hazards=(hazard(Scope.country("COD")),)
    )
    strike = event(Scope.site("a"), 50)
    test = stress(looked, strike)
    assert test.lost_t == pytest.approx(50.0)
    # 70 days of the own event remain in both.
    assert test.steps["market_without_t"].iloc[0] < 100.0 - 10.0
    # What stands still already cannot be lost again.
    again = stress(looked, event(Scope.site("b"), 70))
    assert again.lost_t == pytest.approx(0.0, abs=1e-9)
    assert again.share_of_supply == pytest.approx(2 / 3)


def test_of_events_to_come_the_likelier_than_not_take_place():
    told = {"announced": START, "after": 20, "days": 30}
    own = event(Scope.site("a"), event_id="own", probability=0.6, **told)
    again = event(Scope.site("a"), event_id="again", days=200)
    assert stress(case(own), again).lost_t == pytest.approx(200.0 - 30.0)
    rare = dataclasses.replace(own, probability=0.4)
    assert stress(case(rare), again).lost_t == pytest.approx(200.0)
    assert stress(case(rare), "own").lost_t == pytest.approx(30.0)  # asked about, it does


def test_an_event_takes_the_place_of_one_with_its_id():
    own = event(Scope.site("a"), days=100, after=-30)
    longer = dataclasses.replace(own, duration=Duration.fixed(days=130))
    assert stress(case(own), longer).lost_t == pytest.approx(100.0)
    assert stress(case(own), "e").lost_t == pytest.approx(70.0)


@pytest.mark.parametrize("scope", [Scope.site("a"), Scope.smelter("s"), Scope.route("in")])
@pytest.mark.parametrize("after", [-20, 30])
def test_a_known_event_is_what_simulate_makes_of_it(scope, after):
    flat = market(elasticity_demand=-0.2, elasticity_supply=0.3, volatility_pa=0.0)
    quiet = chain_case(markets=(flat,))
    own = event(scope, 60, after=after, announced=START if after > 0 else None)
    ours = dataclasses.replace(quiet, events=(own,))
    outlook, before = simulate(ours, 2, rng=1), simulate(quiet, 2, rng=1)
    test = stress(ours, "e")
    assert test.lost_t == pytest.approx(outlook.lost_t[0], abs=1e-9)
    ratio = outlook.price_usd_per_t()[0] / before.price_usd_per_t()[0]
    assert test.steps["price_ratio"].to_numpy() == pytest.approx(ratio, rel=1e-12)
    found = outlook.exposures
    assert test.buyers["shortage_t"].to_numpy() == pytest.approx(
        found["expected_shortage_t"].to_numpy(), abs=1e-9
    )
    assert test.buyers["extra_cost_usd"].to_numpy() == pytest.approx(
        found["expected_cost_usd"].to_numpy(), rel=1e-9
    )
    first = found["first_short_days"].to_numpy() - max(after, 0)
    assert test.buyers["weeks_until_short"].to_numpy() * 7.0 == pytest.approx(first)
    for series in ("upstream_t", "exchange_t", "buyers_t"):
        np.testing.assert_allclose(test.steps[series], outlook.steps[series, "mean"], atol=1e-9)


def test_a_quote_that_knows_of_the_event_does_not_hide_it():
    own = event(Scope.site("a"), days=300, after=-1)
    quoted = market(
        counts_stocks=False,
        price_date=START - dt.timedelta(days=5),
        last_quote_usd_per_t=33_000.0,
        last_quote_date=START,
    )
    test = stress(case(own, markets=(quoted,)), "e")
    ends = 10.0 * np.arange(1, 21)
    expected = 1 + 0.1 * (299.0 - ends) / 365 / 0.35
    assert test.steps["price_ratio"].to_numpy() == pytest.approx(expected, rel=2e-4)


# --- Laws -----------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    days=st.lists(st.integers(1, 250), min_size=2, max_size=2).map(sorted),
    scope=st.sampled_from([Scope.site("a"), Scope.site("b"), Scope.country("COD")]),
)
def test_a_longer_event_is_never_better_for_anyone(days, scope):
    looked = chain_case(markets=(stiff(),))
    short, long = (stress(looked, event(scope, d)) for d in days)
    assert long.lost_t >= short.lost_t - 1e-9
    assert long.share_of_supply == short.share_of_supply
    one, two = short.buyers, long.buyers
    assert (two["shortage_t"] >= one["shortage_t"] - 1e-9).all()
    assert (two["weeks_until_short"] <= one["weeks_until_short"]).all()


def test_events_strike_together_in_any_order():
    looked = chain_case()
    events = [event(Scope.site("a"), 60, "x"), event(Scope.smelter("s"), 90, "y", after=20)]
    one, two = stress(looked, events), stress(looked, events[::-1])
    assert (one.lost_t, one.price_ratio, one.missing_t) == (
        two.lost_t,
        two.price_ratio,
        two.missing_t,
    )
    for name in ("buyers", "stages", "steps"):
        np.testing.assert_array_equal(
            getattr(one, name).select_dtypes("number"), getattr(two, name).select_dtypes("number")
        )
    alone = stress(looked, events[0])
    assert one.missing_t >= alone.missing_t
    assert one.share_of_supply == pytest.approx(alone.share_of_supply)  # the same metal
    assert one.time_to_recover_days == 110.0
    assert one.buyers["time_to_recover_days"].tolist() == [110.0, 0.0]  # the second buys from b


def test_a_site_of_no_output_costs_nothing():
    looked = case(sites=(site(), site("idle", utilisation=0.0)), exposures=(buyer(),))
    test = stress(looked, event(Scope.site("idle")))
    assert (test.share_of_supply, test.lost_t, test.missing_t) == (0.0, 0.0, 0.0)
    assert (test.price_ratio_low, test.price_ratio_high) == (1.0, 1.0)
    assert (test.buyers["extra_cost_usd"] == 0.0).all()


def test_a_site_that_stands_for_many_mines_is_lost_as_a_whole():
    whole = stress(case(sites=(site(n_units=10), site("b"))), event(Scope.site("a")))
    assert whole.lost_t == pytest.approx(50.0)
    assert whole.share_of_supply == pytest.approx(0.5)


def test_stock_that_is_shipped_ahead_is_drawn_before_the_day():
    ban = event(Scope.country("COD"), after=40, announced=START, effect="export")
    looked = case(ban, sites=(site(stock_days=20.0), site("b", 2.0, country="PER")))
    stages = stress(looked, "e").stages
    # 20 t, a quarter in each of the four steps before; then 30 days until the first is missed.
    assert stages.loc["stock at mines", "reached_days"] == -30.0
    assert stages.loc["stock at mines", ["without_t", "lowest_t"]].tolist() == [20.0, 0.0]
    assert stages.loc["arrivals at the market", "reached_days"] == 10.0


def test_production_that_never_returns_is_never_recovered():
    test = stress(case(), event(Scope.site("a"), 10, ramp_up=RampUp(shape="never")))
    assert test.lost_t == pytest.approx(200.0)
    assert test.time_to_recover_days == np.inf


# --- Places beside mines, other metals, no market -------------------------------------------


def test_what_a_closed_way_or_a_smelter_holds_back_is_not_lost():
    for scope in (Scope.route("in"), Scope.smelter("s"), Scope.route("out")):
        test = stress(chain_case(), event(scope, 100))
        assert test.lost_t == 0.0
        assert test.share_of_supply == pytest.approx(1 / 3)
        assert test.missing_t > 30.0
        row = test.buyers.loc["careful"]
        assert row["share_hit"] == pytest.approx(1.0)
        assert row["time_to_survive_days"] == pytest.approx(20.0)
    half = stress(chain_case(), event(Scope.route("in"), 100, severity=0.5))
    assert half.share_of_supply == pytest.approx(1 / 6)


def test_doubted_metal_hits_those_who_need_assurance():
    careful = buyer("careful", 0.45, inventory_days=9.0, needs_assurance=True)
    looked = chain_case(exposures=(careful, buyer("other", 0.45)))
    test = stress(looked, event(Scope.smelter("s"), effect="assurance"))
    assert test.buyers["share_hit"].tolist() == pytest.approx([1.0, 0.0])
    assert test.share_of_supply == 0.0


def test_buyers_of_another_metal_of_the_same_mine_are_there():
    copper = site("copper-of-it", 5.0, commodity="copper")
    other = dataclasses.replace(
        buyer("wires", sources=(("copper-of-it", 1.0),), inventory_days=7.0), commodity="copper"
    )
    both = case(
        sites=(site(), site("b"), copper),
        markets=(market(), market(commodity="copper", price_usd_per_t=9_000.0)),
        exposures=(buyer(), other),
    )
    test = stress(both, event(Scope.region("it", site_ids=("a", "copper-of-it"))))
    assert test.buyers["share_hit"].tolist() == [1.0, 1.0]
    assert test.lost_t == pytest.approx(50.0)  # of tin
    assert "stock of wires" not in test.stages.index


def test_without_a_market_share_and_tonnes_remain():
    test = stress(case(markets=()), event(Scope.site("a"), 40))
    assert test.share_of_supply == pytest.approx(1 / 3)
    assert test.lost_t == pytest.approx(40.0)
    assert np.isnan([test.price_ratio, test.missing_t]).all()
    assert list(test.steps.columns) == ["lost_t"]
    assert test.buyers.empty
    assert test.stages.empty
    assert "40 t" in repr(test)


# --- What is refused, and how it shows itself -----------------------------------------------


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("bisie-closur", r"must be one of bisie-closure \(did you mean 'bisie-closure'\?\)"),
        ((), "event must be at least one event"),
        (event(Scope.site("aa"), event_id="x"), r"events\.x\.scope must name a site of the case"),
        (event(Scope.smelter("s"), event_id="x"), "must name a smelter of the case, and it has no"),
        (event(Scope.country("CHN"), event_id="x"), "must be the country of a site"),
        (event(Scope.site("a"), after=200), r"events\.e\.started must be within the 200 days"),
        (event(Scope.site("a"), days=5, after=-9), "must allow more than the 9 days"),
        (
            event(Scope.site("a"), after=-9, duration=None, ended=START - dt.timedelta(days=2)),
            r"events\.e\.ended must be left out",
        ),
        ((event(Scope.site("a")), event(Scope.site("b"))), "must not be used twice"),
    ],
)
def test_what_cannot_strike_is_refused(asked, message):
    own = event(Scope.site("b"), event_id="bisie-closure", after=-1)
    with pytest.raises(InvalidInputError, match=message):
        stress(case(own), asked)


def test_a_case_without_events_has_none_by_name():
    with pytest.raises(InvalidInputError, match="the case has none of its own"):
        stress(case(), "e")


@pytest.mark.parametrize("asked", [3, [3], (None,)])
def test_what_is_no_event_is_refused(asked):
    with pytest.raises(TypeError, match="event must be of the class DisruptionEvent"):
        stress(case(), asked)
    with pytest.raises(TypeError, match="case must be of the class Case"):
        stress("case", event(Scope.site("a")))


def test_it_shows_itself_in_words_and_escaped():
    looked = case(exposures=(dataclasses.replace(buyer(), name="<b>Bad</b>"),))
    test = stress(looked, event(Scope.site("a")))
    for said in ("made-up under e: 33.3% of the tin planned", "stock of b", "weeks_until_short"):
        assert said in repr(test)
    shown = test._repr_html_()
    assert "&lt;b&gt;Bad" in shown
    assert "<b>Bad" not in shown
