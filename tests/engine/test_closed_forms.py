"""Simulations against closed forms: availability, counts, expected shortfall, price, exposure.

Statistical checks have fixed seeds; limits are in standard errors and stated where they stand.
"""

import datetime as dt
import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from supplyrisk.engine import expectation
from supplyrisk.engine._drawn import Factor
from supplyrisk.engine.book import open_book
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import CommodityExposure, Market, PriceTerms, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
YEAR = 365.0
LIMIT = 4.5  # standard errors: one chance in 150,000 for each comparison


def site(site_id="a", capacity_tpa=365.0, **more):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="COD",
        capacity_tpa=capacity_tpa,
        **more,
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


def closure(event_id="e", **more):
    values = {
        "peril": Peril.ARMED_CONFLICT,
        "scope": Scope.site("a"),
        "started": START,
        **more,
    }
    return DisruptionEvent(event_id=event_id, **values)


def market(**more):
    values = {
        "price_usd_per_t": 30_000.0,
        "price_date": START - dt.timedelta(days=20),
        "supply_tpa": 3650.0,
        "demand_tpa": 3650.0,
        "elasticity_demand": -0.2,
        "elasticity_supply": 0.3,
        "volatility_pa": 0.0,
        # Expectations alone; what stocks add is worked out in tests/engine/test_chain.py.
        "counts_stocks": False,
        "consumer_stock_days": 0.0,
        **more,
    }
    return Market(commodity="tin", **values)


ONE_SITE = (site(),)


def case(*parts, sites=ONE_SITE, **more):
    kinds = {
        "hazards": Hazard,
        "events": DisruptionEvent,
        "markets": Market,
        "exposures": CommodityExposure,
    }
    sorted_parts = {
        name: tuple(part for part in parts if isinstance(part, kind))
        for name, kind in kinds.items()
    }
    values = {"horizon_days": 365, "step_days": 30, **more}
    return Case(name="closed-form", start=START, sites=sites, **sorted_parts, **values)


# --- Availability: E[a(t)] = exp(-rate I(t)), I = integral of E[m phi] ----------------------


def days_lost_by(duration_oracle, ramp_up, t):
    """I(t) for severity 1: the mean over lengths of the integral of phi up to t."""
    u = (np.arange(4000) + 0.5) / 4000
    whole = duration_oracle.isf(u)
    ramp = np.full_like(whole, ramp_up.ramp_days)
    if ramp_up.max_share_of_outage is not None:
        ramp = np.minimum(ramp, ramp_up.max_share_of_outage * whole)
    v = np.clip((t - whole) / np.where(ramp > 0, ramp, 1.0), 0.0, 1.0)
    lost = {"linear": v - v**2 / 2, "s_curve": v - v**3 + v**4 / 2}[ramp_up.shape]
    return float((np.minimum(t, whole) + ramp * lost).mean())


def step_means(availability, edges):
    """Mean of a function of time over each step, by a Gauss rule of 8 nodes."""
    x, w = np.polynomial.legendre.leggauss(8)
    means = []
    for low, high in itertools.pairwise(edges):
        t = 0.5 * (low + high) + 0.5 * (high - low) * x
        means.append(float(sum(0.5 * wi * availability(ti) for wi, ti in zip(w, t, strict=True))))
    return np.array(means)


NO_RAMP = RampUp()
LINEAR = RampUp(ramp_days=34, max_share_of_outage=0.73)
S_CURVE = RampUp(shape="s_curve", ramp_days=50)
EXPONENTIAL = stats.expon(scale=40)
LOGNORMAL = stats.lognorm(1.75, scale=121)

# (hazard, units of the site, oracle of the length, availability from I(t))
AVAILABILITY = {
    "exponential": (hazard(), 1, EXPONENTIAL, lambda i: math.exp(-2 / YEAR * i)),
    "with a ramp and severity": (
        hazard(
            rate_pa=1.5,
            severity=0.6,
            duration=Duration.lognormal(median_days=121, sigma=1.75),
            ramp_up=LINEAR,
        ),
        1,
        LOGNORMAL,
        lambda i: math.exp(-1.5 / YEAR * 0.6 * i),
    ),
    "s-curve": (hazard(ramp_up=S_CURVE), 1, EXPONENTIAL, lambda i: math.exp(-2 / YEAR * i)),
    "uncertain rate": (
        hazard(rate_shape=0.8),
        1,
        EXPONENTIAL,
        lambda i: (1 + 2 / YEAR * i / 0.8) ** -0.8,
    ),
    "country, hit probability": (
        hazard(scope=Scope.country("COD"), hit_probability=0.4, rate_pa=3.0),
        5,  # of no consequence at country scope
        EXPONENTIAL,
        lambda i: math.exp(-3 / YEAR * 0.4 * i),
    ),
    "four units": (
        hazard(rate_pa=0.7, severity=0.9),
        4,
        EXPONENTIAL,
        lambda i: math.exp(-4 * 0.7 / YEAR * (0.9 / 4) * i),
    ),
}


def assert_supply_has_mean(outlook, expected_share, daily_t):
    supply = outlook.result.supply_t
    edges = outlook.plan.edges_days
    expected = expected_share * daily_t * np.diff(edges)
    error = supply.std(axis=0, ddof=1) / math.sqrt(len(supply))
    assert (np.abs(supply.mean(axis=0) - expected) < LIMIT * error + 1e-9).all()


@pytest.mark.parametrize("name", AVAILABILITY)
def test_expected_availability_at_every_step_matches_its_closed_form(name):
    threat, n_units, oracle, formula = AVAILABILITY[name]
    outlook = simulate(case(threat, sites=(site(n_units=n_units),)), 8_000, rng=11)
    ramp_up = threat.ramp_up
    expected = step_means(
        lambda t: formula(days_lost_by(oracle, ramp_up, t)), outlook.plan.edges_days
    )
    assert_supply_has_mean(outlook, expected, 1.0)
    assert outlook.sites.loc["a", "availability"] == pytest.approx(
        1.0 - outlook.lost_t.mean() / 365.0
    )


@pytest.mark.verification
@pytest.mark.parametrize("name", AVAILABILITY)
def test_expected_availability_matches_its_closed_form_to_a_tenth_of_a_percent(name):
    threat, n_units, oracle, formula = AVAILABILITY[name]
    outlook = simulate(case(threat, sites=(site(n_units=n_units),)), 400_000, rng=12)
    expected = step_means(
        lambda t: formula(days_lost_by(oracle, threat.ramp_up, t)), outlook.plan.edges_days
    )
    lost = 1.0 - expected @ np.diff(outlook.plan.edges_days) / 365.0
    error = outlook.lost_t.std() / math.sqrt(400_000) / 365.0
    assert abs(outlook.lost_t.mean() / 365.0 - lost) < LIMIT * error
    assert error < 1e-3
    assert_supply_has_mean(outlook, expected, 1.0)


def test_exponential_availability_needs_no_quadrature():
    # I(t) = 40 (1 - e^(-t/40)): the oracle above against pencil and paper.
    for t in (1.0, 40.0, 300.0):
        assert days_lost_by(EXPONENTIAL, NO_RAMP, t) == pytest.approx(
            40 * -math.expm1(-t / 40), rel=1e-3
        )


def test_hazards_of_a_rate_group_share_their_factor():
    # One gamma factor for both: (1 + (rate_1 I_1 + rate_2 I_2)/k)^-k, not the product of two.
    both = [
        hazard(name, rate_shape=0.5, rate_group="g", rate_pa=2.0, duration=Duration.fixed(days=30))
        for name in ("h1", "h2")
    ]
    outlook = simulate(case(*both), 20_000, rng=5)
    expected = step_means(
        lambda t: (1 + 2 * 2.0 / YEAR * min(t, 30.0) / 0.5) ** -0.5, outlook.plan.edges_days[1:]
    )
    supply = outlook.result.supply_t[:, 1:]
    error = supply.std(axis=0) / math.sqrt(len(supply))
    days = np.diff(outlook.plan.edges_days)[1:]
    assert (np.abs(supply.mean(axis=0) - expected * days) < LIMIT * error).all()


def test_running_outage_ends_by_its_residual_life():
    # E[supply by day t] = sum of P(D <= t | D > 33): no ramp-up, one running event.
    event = closure(
        started=START - dt.timedelta(days=33),
        duration=Duration.lognormal(median_days=121, sigma=1.75),
    )
    outlook = simulate(case(event), 8_000, rng=3)
    expected = step_means(
        lambda t: 1 - LOGNORMAL.sf(33 + t) / LOGNORMAL.sf(33), outlook.plan.edges_days
    )
    assert_supply_has_mean(outlook, expected, 1.0)


# --- Counts and times -----------------------------------------------------------------------


def counts(threats, n, name="h", seed=7):
    events = simulate(case(*threats), n, rng=seed, keep="events").events()
    mine = events[events["threat"] == name]
    return np.bincount(mine["scenario"], minlength=n), mine["start_days"].to_numpy()


def assert_follows(sample, pmf):
    """Chi-square test of counts; the last class takes all larger counts."""
    top = int(np.quantile(sample, 0.999))
    expected = len(sample) * np.append(pmf(np.arange(top)), 1 - pmf(np.arange(top)).sum())
    observed = np.append(np.bincount(sample, minlength=top)[:top], (sample >= top).sum())
    assert stats.chisquare(observed, expected).pvalue > 1e-5


BRIEF = Duration.fixed(days=1)


@pytest.mark.parametrize(("rate_pa", "n_units"), [(0.1, 1), (1.7, 1), (0.5, 6)])
def test_counts_are_poisson_and_times_uniform(rate_pa, n_units):
    n, threat = 20_000, hazard(rate_pa=rate_pa, duration=BRIEF)
    events = simulate(
        case(threat, sites=(site(n_units=n_units),)), n, rng=7, keep="events"
    ).events()
    sample = np.bincount(events["scenario"], minlength=n)
    mean = rate_pa * n_units
    assert abs(sample.mean() - mean) < LIMIT * math.sqrt(mean / n)
    # Var of a sample variance of Poisson counts: (mean + 2 mean^2) / n.
    assert abs(sample.var() - mean) < LIMIT * math.sqrt((mean + 2 * mean**2) / n)
    assert_follows(sample, stats.poisson(mean).pmf)
    assert stats.kstest(events["start_days"], stats.uniform(0, 365).cdf).pvalue > 1e-5


def test_counts_follow_the_horizon():
    n = 20_000
    outlook = simulate(
        case(hazard(rate_pa=1.0, duration=BRIEF), horizon_days=730), n, rng=7, keep="events"
    )
    assert abs(len(outlook.events()) / n - 2.0) < LIMIT * math.sqrt(2.0 / n)


@pytest.mark.parametrize(("horizon", "shape"), [(365, 0.5), (365, 3.0), (1095, 0.5)])
def test_uncertain_rates_give_negative_binomial_counts(horizon, shape):
    # The factor is drawn once per scenario and never rescaled: variance mean + mean^2 / k.
    n = 20_000
    outlook = simulate(
        case(hazard(rate_pa=1.2, duration=BRIEF, rate_shape=shape), horizon_days=horizon),
        n,
        rng=7,
        keep="events",
    )
    sample = np.bincount(outlook.events()["scenario"], minlength=n)
    mean = 1.2 * horizon / 365
    oracle = stats.nbinom(shape, shape / (shape + mean))
    assert oracle.var() == pytest.approx(mean + mean**2 / shape)
    assert abs(sample.mean() - mean) < LIMIT * math.sqrt(oracle.var() / n)
    fourth = oracle.stats("k") + 2.0
    assert abs(sample.var() - oracle.var()) < LIMIT * oracle.var() * math.sqrt(float(fourth) / n)
    assert_follows(sample, oracle.pmf)


def test_counts_of_a_rate_group_rise_together():
    # Cov(N1, N2) = mean_1 mean_2 / k in a group; 0 for factors of their own.
    n, k = 20_000, 2.0
    alone = [hazard(name, duration=BRIEF, rate_shape=k) for name in ("h1", "h2")]
    group = [hazard(name, duration=BRIEF, rate_shape=k, rate_group="g") for name in ("h1", "h2")]
    for threats, expected in ((group, 2.0 * 2.0 / k), (alone, 0.0)):
        first, second = (counts(threats, n, name)[0] for name in ("h1", "h2"))
        products = (first - first.mean()) * (second - second.mean())
        assert abs(products.mean() - expected) < LIMIT * products.std() / math.sqrt(n)


def test_hits_are_independent_and_share_their_length_if_they_should():
    sites = tuple(site(name) for name in "abc")
    n = 6_000
    for shared in (True, False):
        threat = hazard(
            scope=Scope.country("COD"), hit_probability=0.3, shared_duration=shared, rate_pa=2.0
        )
        events = simulate(case(threat, sites=sites), n, rng=7, keep="events").events()
        total = 2.0 * n
        for site_id in "abc":
            hits = (events["site_id"] == site_id).sum()
            assert abs(hits - 0.3 * total) < LIMIT * math.sqrt(0.3 * total)
        by_event = events.groupby(["scenario", "number"])
        several = by_event["outage_days"].nunique()[by_event.size() > 1]
        assert ((several == 1) == shared).all()
        assert (by_event["start_days"].nunique() == 1).all()
        # Pairs of sites: 3 x 0.3^2 per event on average.
        pairs = (by_event.size() * (by_event.size() - 1) / 2).sum()
        assert abs(pairs - 3 * 0.09 * total) < LIMIT * math.sqrt(total) * 0.8


def test_announced_event_happens_as_often_as_it_should():
    event = closure(
        announced=START,
        started=START + dt.timedelta(days=40),
        duration=Duration.fixed(days=10),
        probability=0.3,
    )
    n = 10_000
    lost = simulate(case(event), n, rng=7).lost_t
    assert set(np.round(lost, 9)) == {0.0, 10.0}
    assert abs((lost > 0).mean() - 0.3) < LIMIT * math.sqrt(0.21 / n)


def test_times_of_a_hazard_are_poisson():
    often = case(hazard(rate_pa=5.0))
    events = draw_events(open_book(make_plan(often), 7), 0, BLOCK_SIZE, BLOCK_SIZE)
    assert (np.diff(events.scenario) >= 0).all()
    assert (np.diff(events.start)[np.diff(events.scenario) == 0] >= 0.0).all()
    number = np.bincount(events.scenario, minlength=BLOCK_SIZE)
    assert abs(number.mean() - 5.0) < LIMIT * math.sqrt(5.0 / BLOCK_SIZE)
    # The variance of a sample variance of Poisson numbers is about (m + 2 m^2) / n.
    assert abs(number.var() - 5.0) < LIMIT * math.sqrt(55.0 / BLOCK_SIZE)
    assert stats.kstest(events.start, stats.uniform(0, YEAR).cdf).pvalue > 1e-5
    gaps = np.diff(events.scenario * YEAR + events.start)
    assert stats.kstest(gaps, stats.expon(0, YEAR / 5.0).cdf).pvalue > 1e-5


def test_times_with_a_rate_for_each_scenario():
    rates = np.tile([0.0, 0.2, 5.0, 0.0, 30.0], 4_000)
    uniforms = np.sort(np.random.default_rng(7).random(round(rates.sum())))
    place = Factor(np.cumsum(rates)).places(uniforms)
    assert (np.diff(place) >= 0.0).all()
    scenario = place.astype(int)
    sample = np.bincount(scenario, minlength=rates.size).reshape(-1, 5)
    for column, mean in enumerate([0.0, 0.2, 5.0, 0.0, 30.0]):
        assert abs(sample[:, column].mean() - mean) <= LIMIT * math.sqrt(mean / 4_000)
    assert stats.kstest(place - scenario, stats.uniform(0, 1).cdf).pvalue > 1e-5


def test_a_hazard_that_never_strikes_has_no_times():
    events = draw_events(open_book(make_plan(case(hazard(rate_pa=1e-12))), 7), 0, 9, BLOCK_SIZE)
    assert len(events) == 0
    assert events.site.dtype == events.number.dtype == np.intp


# --- What the market expects ----------------------------------------------------------------


def looked_at(what, n=4, seed=7):
    plan = make_plan(what)
    tables = expectation.tabulate(plan, 3650.0)
    return plan, tables, draw_events(open_book(plan, seed), 0, n, n)


def test_usual_shortfall_of_an_exponential_hazard_matches_closed_form():
    # E[y(u)] = e^(-u/40) 40 (1 - e^(-365/40))/365; usual = share (1 - exp(-rate integral)).
    plan, tables, _ = looked_at(case(hazard(severity=0.7), step_days=5))
    t = plan.edges_days[1:]
    integral = 40 * -np.expm1(-t / 40) * 40 * -math.expm1(-YEAR / 40) / YEAR
    expected = 0.1 * -np.expm1(-2 / YEAR * 0.7 * integral)
    np.testing.assert_allclose(tables.usual, expected, rtol=1e-6)


def test_usual_shortfall_of_fixed_lengths_matches_closed_form():
    threat = hazard(duration=Duration.fixed(days=100), rate_shape=2.0)
    plan, tables, _ = looked_at(case(threat, step_days=5))
    t = np.minimum(plan.edges_days[1:], 100.0)
    integral = (100 * t - t**2 / 2) / YEAR
    expected = 0.1 * (1 - (1 + 2 / YEAR * integral / 2.0) ** -2.0)
    np.testing.assert_allclose(tables.usual, expected, rtol=1e-3)


HAZARDS_OF_ALL_KINDS = {
    "ramp": [hazard(duration=Duration.lognormal(median_days=60, sigma=1.2), ramp_up=LINEAR)],
    "two at one site": [
        hazard("h1", severity=0.8, ramp_up=S_CURVE),
        hazard("h2", rate_pa=3.0, duration=Duration.weibull(shape=0.7, scale_days=50)),
    ],
    "country": [
        hazard(
            scope=Scope.country("COD"),
            hit_probability=0.5,
            shared_duration=False,
            duration=Duration.empirical(days=(10, 50, 200)),
        )
    ],
    "group": [
        hazard("h1", rate_shape=1.0, rate_group="g"),
        hazard("h2", rate_shape=1.0, rate_group="g", duration=Duration.fixed(days=30)),
    ],
    "mixture": [
        hazard(
            duration=Duration.mixture(
                ((0.6, Duration.exponential(mean_days=10)), (0.4, Duration.fixed(days=150)))
            ),
            ramp_up=LINEAR,
        )
    ],
}


@pytest.mark.parametrize("name", HAZARDS_OF_ALL_KINDS)
def test_hazards_move_the_expected_shortfall_by_nothing_on_average(name):
    n = 6_000
    what = case(*HAZARDS_OF_ALL_KINDS[name], sites=(site("a"), site("b", 200.0)), step_days=15)
    plan, tables, events = looked_at(what, n)
    x = expectation.shortfall(plan, events, tables, n)
    error = x.std(axis=0) / math.sqrt(n)
    # Tables are read between 160 ages and the ramp-up between 200 lengths: 1 % of the usual.
    assert (np.abs(x.mean(axis=0)) < LIMIT * error + 0.01 * tables.usual).all()


def test_what_never_returns_moves_the_expected_shortfall_by_nothing_on_average():
    n = 6_000
    what = case(hazard(rate_pa=0.5, ramp_up=RampUp(shape="never")), step_days=15)
    plan, tables, events = looked_at(what, n)
    x = expectation.shortfall(plan, events, tables, n)
    error = x.std(axis=0) / math.sqrt(n)
    assert (np.abs(x.mean(axis=0)) < LIMIT * error + 0.01 * tables.usual).all()


@pytest.mark.parametrize("severity", [1.0, 0.5])
def test_hazards_of_a_shut_mine_move_its_shortfall_by_nothing_on_average(severity):
    # What is already lost cannot be lost again: less than the usual is to be taken off there.
    n = 6_000
    shut = closure(
        duration=Duration.fixed(days=60), ramp_up=RampUp(shape="never"), severity=severity
    )
    plan, tables, events = looked_at(case(shut, hazard(rate_pa=3.0), step_days=15), n)
    x = expectation.shortfall(plan, events, tables, n)
    error = x.std(axis=0) / math.sqrt(n)
    off = np.abs(x.mean(axis=0) - 0.1 * severity)
    assert (off < LIMIT * error + 0.01 * tables.usual * (1.0 - severity) + 1e-9).all()


def test_market_goes_on_missing_what_never_returns():
    event = closure(duration=Duration.fixed(days=60), ramp_up=RampUp(shape="never"))
    plan, tables, events = looked_at(case(event))
    x = expectation.shortfall(plan, events, tables, 4)
    np.testing.assert_allclose(x, 0.1, rtol=1e-9)


def test_shortfall_of_a_running_outage_is_what_is_expected_to_be_left():
    # Exponential with mean 40: always 40 (1 - e^(-365/40)) days to come, while it runs.
    event = closure(
        started=START - dt.timedelta(days=33),
        duration=Duration.exponential(mean_days=40),
        severity=0.8,
    )
    n = 200
    plan, tables, events = looked_at(case(event), n)
    x = expectation.shortfall(plan, events, tables, n)
    ends = plan.edges_days[1:]
    running = ends < events.restart[:, np.newaxis]
    expected = 0.1 * 0.8 * 40 * -math.expm1(-YEAR / 40) / YEAR
    np.testing.assert_allclose(x[running], expected, rtol=1e-4)
    assert (x[~running] == 0.0).all()
    assert 0 < running.sum() < running.size
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(expected, rel=1e-9)


def test_shortfall_does_not_know_the_drawn_end():
    event = closure(duration=Duration.lognormal(median_days=121, sigma=1.75))
    plan, tables, events = looked_at(case(event, step_days=5), 500)
    x = expectation.shortfall(plan, events, tables, 500)
    running = plan.edges_days[1:] < events.restart[:, np.newaxis]
    for step in (0, 10, 40):
        assert np.unique(x[running[:, step], step]).size == 1
    # And it does not fall while the outage runs: the longer it has lasted, the longer it will.
    first = running.sum(axis=1).argmax()
    early = x[first, running[first]][:40]
    assert (np.diff(early) > 0).all()


def test_shortfall_on_the_ramp_up_is_what_is_left_of_it():
    # Known length 60, linear ramp-up of 90 days: (90/2)(1 - v)^2 days left at share v.
    event = closure(duration=Duration.fixed(days=60), ramp_up=RampUp(ramp_days=90))
    plan, tables, events = looked_at(case(event))
    x = expectation.shortfall(plan, events, tables, 4)[0]
    ends = plan.edges_days[1:]
    v = np.clip((ends - 60) / 90, 0, 1)
    late = ends >= 60
    expected = 0.1 * 45 * (1 - v) ** 2 / YEAR
    np.testing.assert_allclose(x[late], expected[late], atol=1e-12)


def test_shortfall_of_a_known_length_is_what_is_left_up_to_its_last_day():
    event = closure(duration=Duration.fixed(days=90), ramp_up=RampUp(ramp_days=60))
    plan, tables, events = looked_at(case(event, step_days=1))
    x = expectation.shortfall(plan, events, tables, 4)[0]
    ends = plan.edges_days[1:]
    running = ends < 90
    expected = 0.1 * (90 - ends + 30) / YEAR
    np.testing.assert_allclose(x[running], expected[running], rtol=0.02)


def two_closures(*more, **values):
    long = Duration.exponential(mean_days=4000)
    both = [closure(name, duration=long, severity=0.9) for name in ("e1", "e2")]
    return case(*both, *more, **values)


def test_outages_of_one_site_do_not_add_up_beyond_the_site():
    third = closure("e3", duration=Duration.fixed(days=100), scope=Scope.site("b"))
    plan, tables, events = looked_at(two_closures(third, sites=(site(), site("b", 73.0))))
    x = expectation.shortfall(plan, events, tables, 4)
    y = 0.9 * 4000 * -math.expm1(-YEAR / 4000) / YEAR
    expected = 0.1 * (1 - (1 - y) ** 2)
    assert (events.restart > 30.0).all()  # all run at the end of the first step
    np.testing.assert_allclose(x[:, 0], expected + 0.02 * 70 / YEAR, rtol=1e-4)
    now = expectation.known_shortfall(plan, tables, 0.0)
    assert now == pytest.approx(expected + 0.02 * 100 / YEAR, rel=1e-9)


def test_two_outages_at_the_only_site_are_priced():
    outlook = simulate(two_closures(market()), 4, rng=1)
    assert np.isfinite(outlook.price_usd_per_t()).all()


def test_announced_event_is_expected_before_it_starts():
    # In 100 days, for 30 days, with probability 0.5: 15 days, and a window that reaches it whole.
    event = closure(
        announced=START - dt.timedelta(days=5),
        started=START + dt.timedelta(days=100),
        duration=Duration.fixed(days=30),
        probability=0.5,
    )
    plan, tables, events = looked_at(case(event), 50)
    assert expectation.known_shortfall(plan, tables, -6.0) == 0.0
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(0.1 * 15 / YEAR)
    x = expectation.shortfall(plan, events, tables, 50)
    np.testing.assert_allclose(x[:, :3], 0.1 * 15 / YEAR)  # ends on days 30, 60, 90
    happens = np.isin(np.arange(50), events.scenario)
    assert 0 < happens.sum() < 50
    np.testing.assert_allclose(x[happens, 3], 0.1 * 10 / YEAR, rtol=1e-3)  # day 120: 10 days left
    assert (x[~happens, 3:] == 0.0).all()


def test_event_announced_beyond_the_window_is_not_yet_seen():
    event = closure(
        announced=START,
        started=START + dt.timedelta(days=350),
        duration=Duration.fixed(days=30),
    )
    plan, tables, _ = looked_at(case(event))
    # The window of the start ends on day 365: 15 of the 30 days.
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(0.1 * 15 / YEAR)


def test_event_that_is_over_leaves_its_ramp_up():
    event = closure(
        started=START - dt.timedelta(days=40),
        ended=START - dt.timedelta(days=10),
        ramp_up=RampUp(ramp_days=40),
    )
    plan, tables, events = looked_at(case(event))
    # A quarter of the ramp-up has passed: 20 (3/4)^2 days are left.
    assert expectation.known_shortfall(plan, tables, 0.0) == pytest.approx(0.1 * 11.25 / YEAR)
    x = expectation.shortfall(plan, events, tables, 4)
    assert (x == 0.0).all()  # over on day 30
    assert simulate(case(event), 5, rng=1).lost_t == pytest.approx(11.25)


def test_event_that_was_announced_and_is_over_by_the_start_is_not_counted_before_it_began():
    event = closure(
        announced=START - dt.timedelta(days=110),
        started=START - dt.timedelta(days=50),
        ended=START - dt.timedelta(days=40),
    )
    plan, tables, _ = looked_at(case(event))
    assert expectation.known_shortfall(plan, tables, -100.0) == pytest.approx(0.1 * 10 / YEAR)


# --- Price ----------------------------------------------------------------------------------


def test_price_without_disruptions_and_noise_stays_at_the_last_quote():
    outlook = simulate(case(market()), 5, rng=1)
    assert (outlook.price_usd_per_t() == 30_000.0).all()
    assert (outlook.peak_price_usd_per_t("tin") == 30_000.0).all()


@pytest.mark.parametrize("quoted_days_before", [0, 1])
def test_price_of_a_known_closure_matches_the_linear_formula(quoted_days_before):
    # Known since after P0: ratio(t) = 1 + x(t) / 0.5.  A quote of the day of the closure holds it;
    # one of the day before does not, and the first step makes up for it.
    event = closure(duration=Duration.fixed(days=120))
    day = START - dt.timedelta(days=quoted_days_before)
    quoted = market(last_quote_usd_per_t=31_000.0, last_quote_date=day)
    outlook = simulate(case(event, quoted), 5, rng=1)
    left = np.clip(120 - outlook.plan.edges_days, 0, None)
    ratio = 1 + 0.1 * left / YEAR / 0.5
    expected = 31_000.0 * ratio[1:] / (1.0 if quoted_days_before else ratio[0])
    np.testing.assert_allclose(outlook.price_usd_per_t()[0], expected, rtol=1e-12)
    assert outlook.peak_price_usd_per_t()[0] == pytest.approx(expected.max(), rel=1e-12)


def test_what_was_known_at_the_price_before_is_in_that_price():
    # The outage began before P0 was quoted: only the change since then moves the price.
    event = closure(started=START - dt.timedelta(days=50), duration=Duration.fixed(days=120))
    outlook = simulate(case(event, market()), 5, rng=1)
    left = np.clip(120 - 50 - outlook.plan.edges_days, 0, None)
    before = 120 - 30
    ratio = 1 + 0.1 * (left - before) / YEAR / 0.5
    expected = 30_000.0 * ratio[1:]  # the quote is P0 itself
    np.testing.assert_allclose(outlook.price_usd_per_t()[0], expected, rtol=1e-12)


def test_price_is_choked_and_floored():
    # Elasticity sum 0.01: a tenth of supply missing would be eleven times the price.
    event = closure(duration=Duration.fixed(days=3000), announced=START, started=START)
    tight = market(elasticity_demand=-0.01, elasticity_supply=0.0, choke_price_ratio=4.0)
    late = closure(
        "late",
        announced=START,
        started=START + dt.timedelta(days=100),
        duration=Duration.fixed(days=3000),
        scope=Scope.site("b"),
    )
    outlook = simulate(case(event, late, tight, sites=(site(), site("b"))), 5, rng=1)
    np.testing.assert_allclose(outlook.price_usd_per_t(), 4.0 * 30_000.0)
    # Quoted when it was choked already, and still: the ratio of two chokes is 1.
    late_quote = {
        "markets.tin.last_quote_usd_per_t": 90_000.0,
        "markets.tin.last_quote_date": START,
    }
    choked = simulate(outlook.case.with_values(late_quote), 5, rng=1)
    np.testing.assert_allclose(choked.price_usd_per_t(), 90_000.0)


def test_prior_elasticity_is_lognormal_and_drawn_once_for_each_scenario():
    # Without noise each price tells the elasticity: r(t) = 1 + x_t/e.
    event = closure(started=START, duration=Duration.fixed(days=200))
    prior = market(elasticity_demand=None, elasticity_supply=None)
    n = 4_000
    outlook = simulate(case(event, prior), n, rng=7)
    x = 0.1 * np.clip(200 - outlook.plan.edges_days, 0, None) / YEAR
    got = outlook.price_usd_per_t()[:, [0, 3]] / 30_000.0
    # Solve for e from each of two steps: it is the same, and follows the prior.
    e = x[[1, 4]] / (got - 1)
    np.testing.assert_allclose(e[:, 0], e[:, 1], rtol=1e-6)
    assert stats.kstest(np.log(e[:, 0]), stats.norm(math.log(0.35), 0.70).cdf).pvalue > 1e-5


def test_what_is_announced_for_a_shut_mine_moves_no_price():
    # The mine is gone for good: that it is to be stopped once more is no news.
    gone = closure(duration=Duration.fixed(days=60), ramp_up=RampUp(shape="never"))
    late = closure(
        "late",
        announced=START,
        started=START + dt.timedelta(days=90),
        duration=Duration.fixed(days=200),
    )
    alone = simulate(case(gone, market()), 5, rng=1).price_usd_per_t()
    both = simulate(case(gone, late, market()), 5, rng=1).price_usd_per_t()
    np.testing.assert_allclose(both, alone, rtol=1e-9)


def test_noise_has_the_volatility_that_is_stated():
    # Student-t with 4 degrees cut at 25 and scaled to variance 1: what the cut leaves of it.
    t4 = stats.t(4)
    left = integrate.quad(lambda x: x * x * t4.pdf(x), -25, 25)[0] + 2 * 625 * t4.sf(25)
    variance = 0.27**2 * 5 / YEAR * left / 2
    n = 8_000
    noisy = market(volatility_pa=0.27, price_date=START)
    outlook = simulate(case(noisy, step_days=5), n, rng=7)
    steps = np.diff(np.log(outlook.price_usd_per_t() / 30_000.0), axis=1, prepend=0.0)
    square = steps**2
    assert abs(square.mean() - variance) < LIMIT * square.std() / math.sqrt(square.size)
    assert abs(square.mean() / (0.27**2 * 5 / YEAR) - 1) < 0.02
    scale = 0.27 * math.sqrt(5 / YEAR / 2)
    assert stats.kstest(steps[:, 20] / scale, t4.cdf).pvalue > 1e-5
    # Independent steps: the variance of the whole path is the sum.
    whole = np.log(outlook.price_usd_per_t()[:, -1] / 30_000.0) ** 2
    assert abs(whole.mean() - 73 * variance) < LIMIT * whole.std() / math.sqrt(n)
    # Median 1 at every step: a sign test.
    above = (outlook.price_usd_per_t() > 30_000.0).mean(axis=0)
    assert (np.abs(above - 0.5) < LIMIT * 0.5 / math.sqrt(n)).all()


def test_noise_bridges_the_days_since_the_last_quote():
    noisy = market(volatility_pa=0.27, price_date=START - dt.timedelta(days=45))
    n = 8_000
    outlook = simulate(case(noisy, step_days=5), n, rng=7)
    fresh = simulate(
        case(noisy, step_days=5).with_values({"markets.tin.price_date": START}), n, rng=7
    )
    old, new = (np.log(o.price_usd_per_t() / 30_000.0) for o in (outlook, fresh))
    np.testing.assert_allclose(old[:, 0], new[:, 0] * math.sqrt(50 / 5), atol=1e-12)
    np.testing.assert_allclose(np.diff(old), np.diff(new), atol=1e-12)


def test_market_view_reads_the_quote_backwards():
    # Quote 8 % up; the closure was expected to take 60 days at a tenth of supply.
    event = closure(started=START - dt.timedelta(days=2), duration=Duration.fixed(days=61))
    quoted = market(last_quote_usd_per_t=32_400.0, last_quote_date=START - dt.timedelta(days=1))
    view = simulate(case(event, quoted), 5, rng=1).market_view
    gap = 0.1 * 60 / YEAR
    assert view.quote_ratio == pytest.approx(1.08)
    assert view.new_share == pytest.approx(0.1)
    assert view.shortfall == pytest.approx(gap)
    assert view.implied_elasticity_sum == pytest.approx(gap / 0.08)
    # With the stated elasticities: 0.08 x 0.5 / 0.1 of a year.
    assert view.implied_closure_days == pytest.approx((146.0, 146.0, 146.0))


def test_market_view_without_a_new_event_implies_nothing():
    # An old outage has aged between the two days; that is no answer to the quote.
    old = closure(
        started=START - dt.timedelta(days=50),
        duration=Duration.lognormal(median_days=200, sigma=1.5),
    )
    quoted = market(last_quote_usd_per_t=32_400.0, last_quote_date=START - dt.timedelta(days=1))
    view = simulate(case(old, quoted), 5, rng=1).market_view
    assert view.new_share == view.shortfall == 0.0
    assert math.isnan(view.implied_elasticity_sum)
    assert all(math.isnan(days) for days in view.implied_closure_days)


# --- Exposure, worked by hand ---------------------------------------------------------------


def exposed(**more):
    values = {
        "demand_tpa": 730.0,
        "sources": (Supply(scope=Scope.site("a"), share=0.5),),
        "inventory_days": 30.0,
        "hedged_share": 0.3,
        "margin_usd_per_t": 6_000.0,
        "alternative_limit": 0.0,  # what is missing is not replaced, nor the stock rebuilt
        "restocking_days": 1e12,
        **more,
    }
    buyer = CommodityExposure(buyer_id="b", name="Buyer", commodity="tin", **values)
    event = closure(duration=Duration.fixed(days=100))
    outlook = simulate(case(event, market(), buyer, horizon_days=200, step_days=50), 5, rng=1)
    return outlook.exposures.loc["b"]


# Two tonnes a day, half of them from the closed site: 50 t arrive in each of the first two steps
# and 100 t in the others.  Ratios on day 50, and from 100 on.
RECEIVED = np.array([50.0, 50.0, 100.0, 100.0])
AFTER = [1 + 0.1 * left / YEAR / 0.5 for left in (50, 0, 0, 0)]
PATH = 30_000.0 * np.array(AFTER)


def test_shortage_is_what_own_stock_does_not_cover():
    got = exposed()
    assert got["expected_shortage_t"] == pytest.approx(100.0 - 60.0)
    assert got["tail_shortage_t"] == pytest.approx(40.0)
    assert got["probability_short"] == 1.0
    assert got["expected_lost_margin_usd"] == pytest.approx(40.0 * 6_000.0)
    assert got["time_to_survive_days"] == pytest.approx(60.0)
    enough = exposed(inventory_days=51.0)
    assert enough["expected_shortage_t"] == enough["probability_short"] == 0.0
    assert enough["expected_lost_margin_usd"] == 0.0


def test_cost_is_against_the_path_without_disruptions():
    expected = 0.7 * RECEIVED @ (PATH - 30_000.0)
    assert exposed()["expected_cost_usd"] == pytest.approx(expected, rel=1e-9)
    assert exposed(hedged_share=1.0)["expected_cost_usd"] == 0.0


def test_cost_against_budget_is_against_the_price_before():
    terms = PriceTerms.spot(premium_usd_per_t=200.0)
    expected = RECEIVED @ (0.7 * (PATH - 30_000.0) + 200.0)
    got = exposed(price_terms=terms)["expected_cost_against_budget_usd"]
    assert got == pytest.approx(expected, rel=1e-9)


def test_fixed_price_costs_its_distance_from_the_price_before():
    got = exposed(price_terms=PriceTerms.fixed(price_usd_per_t=31_000.0))
    assert got["expected_cost_usd"] == 0.0
    assert got["expected_cost_against_budget_usd"] == pytest.approx(300.0 * 1_000.0)


def test_source_of_several_sites_delivers_what_they_make_together():
    buyer = CommodityExposure(
        buyer_id="b",
        name="Buyer",
        commodity="tin",
        demand_tpa=365.0,
        sources=(Supply(scope=Scope.country("COD"), share=1.0),),
        alternative_limit=0.0,
    )
    event = closure(duration=Duration.fixed(days=100))
    outlook = simulate(case(event, market(), buyer, sites=(site(), site("b", 3 * 365.0))), 5, rng=1)
    # A quarter of the source is gone for 100 days.
    assert outlook.exposures.loc["b", "expected_shortage_t"] == pytest.approx(25.0)
