"""Importance sampling against the exact engine, plain simulations and its own laws."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.engine._boosted import Boost, kinds, open_job, run_all
from supplyrisk.engine._large import large_events
from supplyrisk.engine._pilot import sizes_to_try
from supplyrisk.engine.compound import exact_losses
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.rare import rare_losses
from supplyrisk.engine.run import simulate
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Scope

MADE = runpy.run_path(str(Path(__file__).with_name("rare_cases.py")))
CASES, OVERLAPS, THREE, WIDE = (MADE[name] for name in ("CASES", "OVERLAPS", "THREE", "WIDE"))
HEAVY, MIXED, SEEN, PARTS = (MADE[name] for name in ("HEAVY", "MIXED", "SEEN", "PARTS"))
case, hazard = MADE["case"], MADE["hazard"]

LIMIT = 4.0  # standard errors: one chance in 16,000 for each comparison
LEVELS = (0.999, 0.9999)  # 1 in 1,000 and 1 in 10,000 years
EXACT = {}


def exact(name):
    if name not in EXACT:
        EXACT[name] = exact_losses(CASES[name], largest_level=0.99999)
    return EXACT[name]


def mean_and_error(rare, values):
    return float((rare.weight * values).mean()), rare._error(values)


def assert_close(found, known, error):
    assert abs(found - known) <= LIMIT * error + 1e-4 * abs(known)  # the exact engine's own error


def assert_known(rare, law, level):
    """Probability of, and expected excess over, the exact quantile: both are unbiased."""
    value, outside = law.value_at_risk(level), 1.0 - level
    excess = (law.tail_value_at_risk(level) - value) * outside
    found, error = mean_and_error(rare, np.maximum(rare.lost_t - value, 0.0))
    assert_close(found, excess, error)
    # A loss that has a probability of its own: just below it and just above.
    low, low_error = mean_and_error(rare, rare.lost_t > value * (1.0 + 1e-6))
    high, high_error = mean_and_error(rare, rare.lost_t > value * (1.0 - 1e-6))
    assert low - LIMIT * low_error <= outside <= high + LIMIT * high_error


# Against the exact engine.


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_far_tails_are_those_of_the_exact_engine(name, level):
    rare = rare_losses(CASES[name], 20_000, level=level, rng=11, basis="occurrence")
    assert_known(rare, exact(name), level)


@pytest.mark.parametrize("name", CASES)
def test_weights_are_one_on_average(name):
    for basis in ("calendar", "occurrence"):
        if basis == "calendar" and name == "an annual cap":
            continue
        rare = rare_losses(CASES[name], 10_001, level=0.99, rng=12, basis=basis)
        assert rare.sampling.mean_weight == rare.weight.mean()
        assert_close(rare.sampling.mean_weight, 1.0, rare._error(np.ones(rare.n_scenarios)))
        assert rare.weight.min() > 0.0
        assert rare.weight.max() <= 1.0 / rare.sampling.plain_share


@pytest.mark.parametrize("name", ["one site", "a country hit in part", "own gamma factors"])
@pytest.mark.parametrize("more", [0.5, 6.0])
def test_any_boost_is_unbiased(name, more):
    # Not only the one that the pilot likes: small events or large, by years and by events.
    law, plan = exact(name), make_plan(CASES[name], "occurrence")
    large = sizes_to_try(plan, "occurrence", 0.01)
    value = law.value_at_risk(0.99)
    few = len(large.size_t) - 3
    one, two = (
        Boost(row, 1.0 + more / float(large.n_expected[row]), share=0.25) for row in (0, few)
    )
    for boosts in ((one,), (two,), (two, one)):
        for size in (None, 5_000):
            job = open_job(plan, "occurrence", 13, large, boosts, size=size)
            futures = run_all(job, job.blocks(20_000), None)
            weighted = futures.weights(boosts) * (futures.lost_t > value)
            strata = [weighted[futures.kind == kind] for kind in range(len(boosts) + 1)]
            error = np.sqrt(sum(len(part) * part.var(ddof=1) for part in strata)) / 20_000
            assert_close(weighted.mean(), 0.01, error)


def test_futures_are_spread_over_the_boosts_by_their_shares():
    boosts = (Boost(0, 2.0, share=0.5), Boost(0, 2.0, share=0.2))
    found = kinds(0, 10_000, boosts)
    assert np.bincount(found) == pytest.approx([3_000, 5_000, 2_000], abs=3)
    assert np.bincount(kinds(1_000, 100, boosts)) == pytest.approx([30, 50, 20], abs=3)
    np.testing.assert_array_equal(found[1_000:1_100], kinds(1_000, 100, boosts))
    assert not kinds(0, 100, ()).any()


def test_futures_of_the_pilot_are_spread_as_evenly():
    # Their numbers are so large that a float tells one in four from the next.
    boosts = tuple(Boost(0, 2.0, share=0.125) for _ in range(7))
    assert np.bincount(kinds(2**40 * 2_048, 2_048, boosts)) == pytest.approx(256, abs=3)


@pytest.mark.parametrize("name", CASES)
def test_as_many_large_events_strike_as_expected(name):
    plan = make_plan(CASES[name], "occurrence")
    large = sizes_to_try(plan, "occurrence", 0.05)
    if not len(large.size_t):
        return
    for basis in ("occurrence", "calendar"):
        if basis == "calendar" and name == "an annual cap":
            continue
        job = open_job(plan, basis, 14, large, ())
        futures = run_all(job, job.blocks(20_000), None)
        difference = futures.n_large - futures.expected
        error = difference.std(axis=1) / np.sqrt(20_000)
        assert (abs(difference.mean(axis=1)) <= LIMIT * error).all()
        assert futures.expected.mean(axis=1) == pytest.approx(large.n_expected, rel=0.1)


def test_sizes_fall_in_number_and_count_an_event_once():
    large = large_events(make_plan(case(WIDE, sites=THREE)), "calendar")
    assert (np.diff(large.n_expected) <= 0.0).all()
    # Seen where it hits at least one of three sites; none loses more than the horizon.
    assert large.n_expected[0] == pytest.approx(0.4 * (1.0 - 0.6**3), rel=1e-3)
    assert large.n_expected[-1] == 0.0


# Against plain simulations of the calendar.


@pytest.fixture(scope="module")
def plain():
    return simulate(OVERLAPS, 300_000, rng=15).lost_t


@pytest.mark.parametrize("level", [0.99, 0.999])
def test_the_calendar_is_that_of_a_long_plain_simulation(plain, level):
    rare = rare_losses(OVERLAPS, 30_000, level=level, rng=16)
    assert rare.gain() > 0.8  # it may take many events, and then little is gained
    value = np.quantile(plain, level)
    for known, values in (
        (plain > value, rare.lost_t > value),
        (np.maximum(plain - value, 0.0), np.maximum(rare.lost_t - value, 0.0)),
        (plain, rare.lost_t),
    ):
        found, error = mean_and_error(rare, values)
        assert_close(found, known.mean(), np.hypot(error, known.std() / np.sqrt(len(plain))))


# Laws.

DURATIONS = st.sampled_from([HEAVY, MIXED, SEEN, Duration.fixed(days=30)])
HAZARDS = st.builds(
    hazard,
    rate_pa=st.floats(0.0, 5.0),
    duration=DURATIONS,
    scope=st.sampled_from([Scope.site("b"), Scope.country("COD")]),
    severity=st.sampled_from([0.0, 0.4, 1.0, PARTS]),
    rate_shape=st.none() | st.floats(0.2, 5.0),
    hit_probability=st.sampled_from([0.0, 0.3, 1.0]),
    shared_duration=st.booleans(),
)


@settings(max_examples=25)
@given(HAZARDS, st.floats(0.0, 0.9999), st.sampled_from(["calendar", "occurrence"]))
def test_laws(one, level, basis):
    rare = rare_losses(case(one, sites=THREE), 1_000, level=level, rng=26, basis=basis)
    assert ((rare.weight > 0.0) & (rare.weight <= 1.0 / rare.sampling.plain_share)).all()
    assert (rare.lost_t >= 0.0).all()
    losses = np.linspace(0.0, rare.lost_t.max(), 7)
    exceeded = [rare.exceedance_probability(loss) for loss in losses]
    assert (np.diff(exceeded) <= 0.0).all()
    assert exceeded[-1] == 0.0
    levels = np.linspace(0.0, 0.9999, 9)
    quantiles = [rare.value_at_risk(level) for level in levels]
    tails = [rare.tail_value_at_risk(level) for level in levels]
    assert (np.diff(quantiles) >= 0.0).all()
    assert (np.array(tails) >= quantiles).all()
    assert (np.diff(tails) >= -1e-9 * max(tails)).all()
    for given_level, quantile in zip(levels, quantiles, strict=True):
        assert rare.exceedance_probability(quantile) <= 1.0 - given_level + 1e-12
        low, high = rare.value_at_risk_interval(given_level)
        assert low <= quantile <= high


# Over 200 seeds.

SEEDS = 200
COVERED = 0.82  # 0.9, less about four standard errors of 200 seeds


@pytest.mark.verification
@pytest.mark.parametrize("level", [0.99, *LEVELS])
@pytest.mark.parametrize(
    "name", ["one site", "ten sites", "a shared gamma factor", "a country hit in part", "ramp-ups"]
)
def test_unbiased_over_200_seeds_and_covered(name, level):
    law, outside = exact(name), 1.0 - level
    value, tail = law.value_at_risk(level), law.tail_value_at_risk(level)
    found, hits = [], []
    for seed in range(SEEDS):
        rare = rare_losses(CASES[name], 10_000, level=level, rng=seed, basis="occurrence")
        excess = (rare.weight * np.maximum(rare.lost_t - value, 0.0)).mean()
        found.append((rare.sampling.mean_weight, rare.exceedance_probability(value), excess))
        intervals = (
            (rare.exceedance_probability_interval(value), outside),
            (rare.value_at_risk_interval(), value),
            (rare.tail_value_at_risk_interval(), tail),
        )
        hits.append([low <= truth <= high for (low, high), truth in intervals])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(SEEDS)
    score = (np.mean(found, axis=0) - (1.0, outside, (tail - value) * outside)) / error
    covered = np.mean(hits, axis=0)
    print(f"{name}, {level}: scores {score.round(2)}, covered {covered}")  # noqa: T201
    assert (abs(score) < LIMIT).all()
    assert (covered > COVERED).all()
