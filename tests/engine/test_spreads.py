"""Severities and ramp-ups that are distributions: against closed forms, and against the market.

Statistical checks have fixed seeds; limits are in standard errors and stated where they stand.
"""

import datetime as dt
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supplyrisk.engine import expectation
from supplyrisk.engine.book import open_book
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.run import simulate
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import Market
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
YEAR = 365.0
LIMIT = 4.5  # standard errors: one chance in 150,000 for each comparison
MIXED = ((0.7, 1.0), (0.3, 0.5))
SPREAD = RampUp(ramp_days=34, ramp_sigma=0.9, max_share_of_outage=0.73)
LONG = RampUp(shape="s_curve", ramp_days=200, ramp_sigma=1.5)


def site(site_id="a", capacity_tpa=365.0, n_units=1):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="COD",
        capacity_tpa=capacity_tpa,
        n_units=n_units,
    )


def hazard(hazard_id="h", **more):
    values = {
        "peril": Peril.OTHER,
        "scope": Scope.site("a"),
        "rate_pa": 2.0,
        "duration": Duration.exponential(mean_days=40),
        **more,
    }
    return Hazard(hazard_id=hazard_id, **values)


def closure(**more):
    values = {"scope": Scope.site("a"), "started": START, **more}
    return DisruptionEvent(event_id="e", peril=Peril.ARMED_CONFLICT, **values)


ONE_SITE = (site(),)
THREE_SITES = (site("a"), site("b", 200.0), site("c", 100.0))


def case(*parts, sites=ONE_SITE, **more):
    return Case(
        name="spread",
        start=START,
        sites=sites,
        hazards=tuple(part for part in parts if isinstance(part, Hazard)),
        events=tuple(part for part in parts if isinstance(part, DisruptionEvent)),
        **{"horizon_days": 365, "step_days": 30, **more},
    )


def events_of(what, n=2_000, seed=7):
    return simulate(what, n, rng=seed, keep="events").events()


def looked_at(what, n=4, seed=7):
    plan = make_plan(what)
    tables = expectation.tabulate(plan, 3650.0)
    return plan, tables, draw_events(open_book(plan, seed), 0, n, n)


def shortfall(what, n=4):
    plan, tables, events = looked_at(what, n)
    return expectation.shortfall(plan, events, tables, n), plan, tables, events


# --- Availability: E[a(t)] = exp(-rate E[m] I(t)), I the mean of the integral of phi ---------


def mean_days_lost(length, ramp_up, t):
    """I(t): the mean over lengths of outage and ramp-up, a grid of 400 by 401."""
    whole = length.isf((np.arange(400) + 0.5) / 400)
    score = np.linspace(-6.0, 6.0, 401)[:, np.newaxis]
    weight = stats.norm.pdf(score) / stats.norm.pdf(score).sum()
    ramp = ramp_up.ramp_days * np.exp(ramp_up.ramp_sigma * score) + 0.0 * whole
    if ramp_up.max_share_of_outage is not None:
        ramp = np.minimum(ramp, ramp_up.max_share_of_outage * whole)
    v = np.clip((t - whole) / np.where(ramp > 0.0, ramp, 1.0), 0.0, 1.0)
    lost = {"linear": v - v**2 / 2, "s_curve": v - v**3 + v**4 / 2}[ramp_up.shape]
    return float((weight * (np.minimum(t, whole) + ramp * lost)).sum() / whole.size)


def step_means(availability, edges):
    """Mean of a function of time over each step, by a Gauss rule of 4 nodes."""
    x, w = np.polynomial.legendre.leggauss(4)
    return np.array(
        [
            sum(
                0.5 * wi * availability(0.5 * (low + high) + 0.5 * (high - low) * xi)
                for xi, wi in zip(x, w, strict=True)
            )
            for low, high in itertools.pairwise(edges)
        ]
    )


EXPONENTIAL = stats.expon(scale=40)
# (hazard, units of the site, hits and events a year times mean severity, shape of the rate)
AVAILABILITY = {
    "severity": (hazard(severity=MIXED), 1, 2.0 * 0.85, None),
    "ramp-up": (hazard(ramp_up=SPREAD), 1, 2.0, None),
    "both": (hazard(severity=MIXED, ramp_up=LONG), 1, 2.0 * 0.85, None),
    "both, uncertain rate": (
        hazard(severity=MIXED, ramp_up=SPREAD, rate_shape=0.8),
        1,
        2.0 * 0.85,
        0.8,
    ),
    "both, four units": (
        hazard(severity=((0.2, 1.0), (0.5, 0.3), (0.3, 0.0)), ramp_up=SPREAD, rate_pa=0.7),
        4,
        0.7 * 0.35,
        None,
    ),
    "both, country": (
        hazard(
            scope=Scope.country("COD"),
            hit_probability=0.4,
            shared_duration=False,
            severity=MIXED,
            ramp_up=LONG,
            rate_pa=3.0,
        ),
        1,
        3.0 * 0.4 * 0.85,
        None,
    ),
}


@pytest.mark.parametrize("name", AVAILABILITY)
def test_expected_supply_at_every_step_and_the_loss_match_their_closed_form(name):
    threat, n_units, rate_pa, shape = AVAILABILITY[name]
    n = 12_000
    outlook = simulate(case(threat, sites=(site(n_units=n_units),)), n, rng=11)

    def availability(t):
        events = rate_pa / YEAR * mean_days_lost(EXPONENTIAL, threat.ramp_up, t)
        return math.exp(-events) if shape is None else (1.0 + events / shape) ** -shape

    days = np.diff(outlook.plan.edges_days)
    expected = step_means(availability, outlook.plan.edges_days) * days
    supply = outlook.result.supply_t
    error = supply.std(axis=0, ddof=1) / math.sqrt(len(supply))
    assert (np.abs(supply.mean(axis=0) - expected) < LIMIT * error).all()
    error = outlook.lost_t.std() / math.sqrt(n)
    assert abs(outlook.lost_t.mean() - (365.0 - expected.sum())) < LIMIT * error


def test_two_severities_are_two_thinned_hazards():
    # Each event of a Poisson process takes its severity by itself: two independent processes.
    n = 20_000
    mixed = case(hazard(severity=MIXED, ramp_up=SPREAD))
    thinned = case(
        hazard("h1", severity=1.0, rate_pa=2.0 * 0.7, ramp_up=SPREAD),
        hazard("h2", severity=0.5, rate_pa=2.0 * 0.3, ramp_up=SPREAD),
    )
    one, two = (simulate(what, n, rng=5) for what in (mixed, thinned))
    error = math.hypot(one.lost_t.std(), two.lost_t.std()) / math.sqrt(n)
    assert abs(one.lost_t.mean() - two.lost_t.mean()) < LIMIT * error
    assert stats.ks_2samp(one.lost_t, two.lost_t).pvalue > 1e-5
    assert stats.ks_2samp(one.largest_loss_t, two.largest_loss_t).pvalue > 1e-5
    usual = [expectation.tabulate(make_plan(what), 3650.0).usual for what in (mixed, thinned)]
    np.testing.assert_allclose(*usual, rtol=1e-12)


# --- What is drawn --------------------------------------------------------------------------


def test_severities_and_ramp_ups_are_drawn_from_what_was_given():
    ramp_up = RampUp(ramp_days=34, ramp_sigma=0.9)
    events = events_of(case(hazard(severity=MIXED, ramp_up=ramp_up)), 5_000)
    n = len(events)
    assert set(events["severity"]) == {0.5, 1.0}
    assert abs((events["severity"] == 1.0).mean() - 0.7) < LIMIT * math.sqrt(0.21 / n)
    assert stats.kstest(events["ramp_days"], stats.lognorm(0.9, scale=34).cdf).pvalue > 1e-5
    for one, other in itertools.combinations(["severity", "ramp_days", "outage_days"], 2):
        correlation = stats.spearmanr(events[one], events[other]).statistic
        assert abs(correlation) < LIMIT / math.sqrt(n)


def test_units_of_a_site_share_each_severity_out():
    events = events_of(case(hazard(severity=MIXED), sites=(site(n_units=4),)))
    assert set(events["severity"]) == {0.125, 0.25}


@pytest.mark.parametrize("shared", [True, False])
def test_an_event_has_one_severity_and_shares_its_ramp_up_as_it_does_its_duration(shared):
    what = case(
        hazard(
            scope=Scope.country("COD"),
            hit_probability=0.7,
            shared_duration=shared,
            severity=((0.5, 1.0), (0.3, 0.4), (0.2, 0.7)),
            ramp_up=RampUp(ramp_days=34, ramp_sigma=0.9),
        ),
        sites=THREE_SITES,
    )
    by_event = events_of(what).groupby(["scenario", "number"])
    several = by_event.size() > 1
    assert several.sum() > 1_000
    values = by_event[["severity", "outage_days", "ramp_days"]].nunique()
    assert (values["severity"] == 1).all()
    for column in ("outage_days", "ramp_days"):
        assert ((values.loc[several, column] == 1) == shared).all()


@pytest.mark.parametrize(
    "event",
    [
        closure(ramp_up=SPREAD, duration=Duration.exponential(mean_days=50)),
        closure(
            started=START - dt.timedelta(days=60),
            ended=START - dt.timedelta(days=10),
            ramp_up=SPREAD,
        ),
    ],
    ids=["running", "over"],
)
def test_a_dated_event_ramps_up_as_one_at_all_its_sites(event):
    what = case(
        DisruptionEvent(
            event_id="wide",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            started=event.started,
            ended=event.ended,
            duration=event.duration,
            ramp_up=event.ramp_up,
        ),
        sites=THREE_SITES,
    )
    events = events_of(what, 500)
    values = events.groupby("scenario")[["ramp_days"]].nunique()
    assert (values["ramp_days"] == 1).all()
    longest = 0.73 * events["outage_days"]
    assert (events["ramp_days"] <= longest + 1e-9).all()
    free = events["ramp_days"] < longest - 1e-9
    assert events.loc[free, "ramp_days"].nunique() > 100


# --- Common random numbers ------------------------------------------------------------------

DRAWN = ["scenario", "threat", "site_id", "number", "start_days", "outage_days"]
WIDE = {"scope": Scope.country("COD"), "hit_probability": 0.6, "shared_duration": False}


def test_a_severity_of_one_part_is_that_number():
    one, mixed = (
        case(hazard(severity=severity, ramp_up=SPREAD, **WIDE), sites=THREE_SITES)
        for severity in (0.6, ((1.0, 0.6),))
    )
    pd.testing.assert_frame_equal(events_of(one), events_of(mixed))
    usual = [expectation.tabulate(make_plan(what), 3650.0).usual for what in (one, mixed)]
    np.testing.assert_array_equal(*usual)


def test_a_spread_of_almost_nothing_is_almost_a_known_ramp_up():
    known, tiny = (
        case(hazard(severity=MIXED, ramp_up=RampUp(ramp_days=34, ramp_sigma=sigma)))
        for sigma in (0.0, 1e-12)
    )
    one, two = (events_of(what)[["ramp_days", "lost_t"]] for what in (known, tiny))
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)
    tables = [expectation.tabulate(make_plan(what), 3650.0) for what in (known, tiny)]
    for name in ("days", "usual"):
        np.testing.assert_allclose(*(getattr(t, name) for t in tables), rtol=1e-9)


def test_distributions_leave_all_other_draws_as_they_were():
    plain = hazard(ramp_up=RampUp(ramp_days=34), **WIDE)
    other = hazard("other", duration=Duration.fixed(days=20))
    spread = hazard(severity=MIXED, ramp_up=RampUp(ramp_days=34, ramp_sigma=0.9), **WIDE)
    one, two = (
        events_of(case(threat, other, sites=THREE_SITES)).sort_values(DRAWN, ignore_index=True)
        for threat in (plain, spread)
    )
    pd.testing.assert_frame_equal(one[DRAWN], two[DRAWN])
    mine = one["threat"] == "other"
    columns = [*DRAWN, "ramp_days", "severity", "alone_t"]
    pd.testing.assert_frame_equal(one.loc[mine, columns], two.loc[mine, columns])
    assert (one.loc[~mine, "ramp_days"] != two.loc[~mine, "ramp_days"]).any()


# --- What the market expects ----------------------------------------------------------------

HAZARDS = {
    "severity": [hazard(severity=MIXED)],
    "ramp-up": [hazard(ramp_up=SPREAD, duration=Duration.lognormal(median_days=60, sigma=1.2))],
    "both, longer than the window": [hazard(severity=((0.5, 0.9), (0.5, 0.2)), ramp_up=LONG)],
    "country": [hazard(severity=MIXED, ramp_up=SPREAD, **WIDE)],
    "two at one site": [
        hazard("h1", severity=MIXED, ramp_up=LONG),
        hazard("h2", rate_pa=3.0, severity=((0.5, 0.8), (0.5, 0.1))),
    ],
    "known, longer than the window": [hazard(rate_pa=0.5, ramp_up=RampUp(ramp_days=1500))],
}


@pytest.mark.parametrize("name", HAZARDS)
def test_hazards_move_the_expected_shortfall_by_nothing_on_average(name):
    n = 6_000
    what = case(*HAZARDS[name], sites=THREE_SITES, step_days=15)
    x, _, tables, _ = shortfall(what, n)
    error = x.std(axis=0) / math.sqrt(n)
    # Tables are read between 160 ages and the ramp-up between 200 lengths: 1 % of the usual.
    assert (np.abs(x.mean(axis=0)) < LIMIT * error + 0.01 * tables.usual).all()


def test_the_market_sees_the_severity_of_an_event_that_has_started():
    # Exponential with mean 40: 40 (1 - e^(-365/40)) days to come; beside the usual, sole events.
    n = 2_000
    x, plan, tables, events = shortfall(case(hazard(rate_pa=0.2, severity=MIXED)), n)
    alone = np.bincount(events.scenario, minlength=n)[events.scenario] == 1
    step = np.searchsorted(plan.edges_days[1:], events.start)
    sure = alone & (step < plan.n_steps - 1)
    sure &= events.restart > plan.edges_days[1:][np.minimum(step, plan.n_steps - 1)]
    seen = x[events.scenario[sure], step[sure]] + tables.usual[step[sure]]
    expected = 0.1 * events.severity[sure] * 40 * -math.expm1(-YEAR / 40) / YEAR
    np.testing.assert_allclose(seen, expected, rtol=1e-3)
    assert set(events.severity[sure]) == {0.5, 1.0}


def test_the_market_does_not_know_the_drawn_ramp_up_before_the_restart():
    event = closure(duration=Duration.fixed(days=100), ramp_up=RampUp(ramp_days=60, ramp_sigma=0.9))
    x, plan, tables, events = shortfall(case(event, step_days=5), 400)
    ends = plan.edges_days[1:]
    assert np.unique(events.ramp).size == 400
    assert all(np.unique(x[:, step]).size == 1 for step in np.flatnonzero(ends < 100.0))
    # Linear: half of each ramp-up is lost, and E[R] = 60 exp(0.9^2 / 2); few exceed the window.
    v = np.linspace(-7, 7, 2001)
    ramp = 60 * np.exp(0.9 * v)
    room = np.minimum(265.0 / ramp, 1.0)
    weight = stats.norm.pdf(v) / stats.norm.pdf(v).sum()
    expected = 0.1 * (100 + (weight * ramp * (room - room**2 / 2)).sum()) / YEAR
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(expected, rel=1e-4)
    # After it the ramp-up that was drawn: what is left of it in the window.
    late = np.flatnonzero(ends >= 100.0)[0]
    into = ends[late] - 100.0
    now, then = (np.minimum(t / events.ramp, 1.0) for t in (into, into + YEAR))
    left = events.ramp * ((then - then**2 / 2) - (now - now**2 / 2))
    np.testing.assert_allclose(x[events.scenario, late], 0.1 * left / YEAR, rtol=1e-9, atol=1e-15)


def test_an_event_that_is_over_is_seen_with_the_mean_of_its_ramp_ups():
    # Restarted 10 days ago; s-curve: what is left at share v is 1/2 - v + v^3 - v^4/2 of the ramp.
    event = closure(
        started=START - dt.timedelta(days=60),
        ended=START - dt.timedelta(days=10),
        ramp_up=RampUp(shape="s_curve", ramp_days=40, ramp_sigma=0.5),
    )
    plan, tables, _ = looked_at(case(event))
    score = np.linspace(-7, 7, 2001)
    ramp = 40 * np.exp(0.5 * score)
    v = np.minimum(10 / ramp, 1.0)
    weight = stats.norm.pdf(score) / stats.norm.pdf(score).sum()
    expected = 0.1 * (weight * ramp * (0.5 - v + v**3 - v**4 / 2)).sum() / YEAR
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(expected, rel=1e-3)


def test_a_known_ramp_up_longer_than_the_window_counts_within_it_alone():
    # Linear over 1,000 days: from v to v + 0.365, (1 - v) 365 - 365^2/2000 days.
    event = closure(duration=Duration.fixed(days=60), ramp_up=RampUp(ramp_days=1000))
    x, plan, _, _ = shortfall(case(event))
    ends = plan.edges_days[1:]
    late = ends >= 60
    v = (ends[late] - 60) / 1000
    expected = 0.1 * ((1 - v) * 365 - 365**2 / 2000) / YEAR
    np.testing.assert_allclose(x[0, late], expected, rtol=1e-9)


def test_a_case_with_both_is_priced():
    market = Market(
        commodity="tin",
        price_usd_per_t=30_000.0,
        price_date=START - dt.timedelta(days=20),
        supply_tpa=3650.0,
        demand_tpa=3650.0,
        volatility_pa=0.27,
    )
    what = case(hazard(severity=MIXED, ramp_up=LONG), markets=(market,))
    price = simulate(what, 200, rng=1).price_usd_per_t()
    assert np.isfinite(price).all()
    assert (price > 0.0).all()
