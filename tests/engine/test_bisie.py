"""Bisie from 12 March 2025, layer by layer: what missing and what expected metal say."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk.hazard.expectation import days_to_come

DAY = dt.date(2025, 3, 13)
LENGTH = sr.Duration.lognormal(median_days=121, sigma=1.75)
FUTURES = 4_000


def closure(*, feed_days=28.0, horizon_days=60, **market):
    """One closure on its day, at the price of the evening before; nothing else to come."""
    known = sr.load_case("walikale-2025")
    quoted = replace(
        known.market(),
        last_quote_usd_per_t=None,
        last_quote_date=None,
        volatility_pa=0.0,
        **market,
    )
    return replace(
        known,
        start=DAY,
        step_days=1,
        horizon_days=horizon_days,
        hazards=(),
        citations=(),
        evidence=(),
        exposures=(),
        markets=(quoted,),
        smelters=tuple(replace(smelter, feed_days=feed_days) for smelter in known.smelters),
        events=(replace(known.events[0], duration=LENGTH),),
    )


def rise(case):
    outlook = sr.simulate(case, FUTURES, rng=7)
    return np.quantile(outlook.price_usd_per_t() / 33_427.0, (0.05, 0.5, 0.95), axis=0)


def test_with_four_weeks_of_cover_missing_metal_hardly_moves_the_price():
    path = rise(closure(looks_ahead=False))
    assert (path[1, :7] < 1.005).all()
    assert path[1, 19] < 1.01
    assert path[1, -1] < 1.03


def test_what_is_expected_to_be_missing_moves_it_on_the_first_day():
    """About 1.02, 1.07 and 1.23, as worked out beforehand with 17,324 t; the plan is 20,000 t."""
    low, middle, high = rise(closure(counts_stocks=False))[:, 0]
    closing = sr.load_case("walikale-2025").events[0]
    days = days_to_come(LENGTH, closing.ramp_up, np.array([1.0]), 365.0)[0]
    share = 20_000 / 368_000 * days / 365.0
    exact = 1 + share / (0.35 * np.exp(0.70 * 1.6448536 * np.array([1.0, 0.0, -1.0])))
    assert [low, middle, high] == pytest.approx(exact, rel=0.012)
    assert [low, middle, high] == pytest.approx([1.02, 1.07, 1.23], abs=0.02)
    # The quotes of the first days stood at 1.03 and 1.08, the highest at 1.15.
    assert low < 34_530 / 33_427 < 38_395 / 33_427 < high


@pytest.mark.parametrize("feed_days", [10.0, 28.0, 60.0])
def test_less_feed_brings_the_day_on_which_metal_is_missed_nearer(feed_days):
    known = closure(feed_days=feed_days, horizon_days=160, looks_ahead=False)
    outlook = sr.simulate(known, 200, rng=7)
    refined = outlook.steps["refined_t", "mean"].to_numpy()
    first = 1 + int(np.argmax(refined < refined[0] * (1 - 1e-9)))
    # Metal is under way for 36 days to the nearer smelter; the feed hides it down to 0.8 of
    # its normal level, and half or a fifth of a smelter's feed is Bisie's.
    feed = {10.0: (38, 45), 28.0: (44, 60), 60.0: (55, 90)}[feed_days]
    assert feed[0] <= first <= feed[1]


def test_at_no_answer_the_chain_loses_what_the_mines_lose():
    case = closure(horizon_days=365, looks_ahead=False, most_extra_share=0.0)
    outlook = sr.simulate(case, 500, rng=7)
    mined = outlook.conservation().loc["tin", "mined_t"]
    assert mined == pytest.approx(outlook.plan.planned_t - outlook.lost_t.mean(), rel=1e-12)
