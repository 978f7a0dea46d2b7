"""Importance sampling as it is used: the same bits, what it says of itself, bad input."""

import dataclasses
import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.engine._boosted import open_job, run_all
from supplyrisk.engine._pilot import best_boosts, sizes_to_try
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.rare import rare_losses
from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import RampUp

MADE = runpy.run_path(str(Path(__file__).with_name("rare_cases.py")))
CASES, OVERLAPS, THREE, WIDE = (MADE[name] for name in ("CASES", "OVERLAPS", "THREE", "WIDE"))
case, hazard, site = MADE["case"], MADE["hazard"], MADE["site"]

LEVELS = (0.999, 0.9999)  # 1 in 1,000 and 1 in 10,000 years


# Reproducibility.


def test_plain_futures_are_those_of_simulate():
    rare = rare_losses(OVERLAPS, 5_000, rng=17)
    ours = simulate(OVERLAPS, 5_000, rng=17).lost_t[rare._kind == 0]
    np.testing.assert_allclose(rare.lost_t[rare._kind == 0], ours, rtol=1e-12)


def assert_same(one, other):
    assert one.lost_t.tobytes() == other.lost_t.tobytes()
    assert one.weight.tobytes() == other.weight.tobytes()
    assert one.sampling == other.sampling
    assert one.provenance == other.provenance


@pytest.mark.parametrize("basis", ["calendar", "occurrence"])
def test_the_same_seed_gives_the_same_bits_whoever_runs_it(basis):
    given = CASES["a country hit in part"], 25_000
    serial = rare_losses(*given, rng=0, basis=basis)
    assert serial.provenance.seed == 0
    with ThreadPoolExecutor(3) as threads:
        assert_same(serial, rare_losses(*given, rng=0, basis=basis, executor=threads))
    assert_same(serial, rare_losses(*given, rng=0, basis=basis, workers=2))
    other = rare_losses(*given, rng=1, basis=basis)
    assert serial.lost_t.tobytes() != other.lost_t.tobytes()


def test_a_fresh_seed_repeats_the_futures():
    fresh = rare_losses(CASES["one site"], 1_000)
    assert_same(fresh, rare_losses(CASES["one site"], 1_000, rng=fresh.provenance.seed))
    generator = np.random.default_rng(3)
    assert rare_losses(CASES["one site"], 1_000, rng=generator).provenance.seed >= 0


# What it says of itself.


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_worth_many_times_as_many_plain_futures(level):
    rare = rare_losses(CASES["one site"], 20_000, level=level, rng=18, basis="occurrence")
    assert rare.gain() > 0.02 / (1.0 - level)
    assert rare.effective_scenarios() > 1_000
    low, high = rare.tail_value_at_risk_interval()
    assert high - low < 0.15 * rare.tail_value_at_risk()
    assert "as often" in str(rare.sampling)
    assert "RareLosses of 'rare'" in repr(rare)


def test_intervals_hold_their_estimates():
    rare = rare_losses(CASES["ten sites"], 5_000, rng=19)
    assert rare.n_scenarios == 5_000
    assert rare.mean_interval.low < rare.mean < rare.mean_interval.high
    for level in (0.9, 0.999, None):
        low, high = rare.value_at_risk_interval(level)
        assert low < rare.value_at_risk(level) < high
        low, high = rare.tail_value_at_risk_interval(level)
        assert low < rare.tail_value_at_risk(level) < high
    low, high = rare.exceedance_probability_interval(rare.value_at_risk())
    assert low < 0.001 < high
    assert rare.loss_at_return_period(1_000) == rare.value_at_risk(0.999)
    assert rare.loss_at_return_period_interval(1_000) == rare.value_at_risk_interval(0.999)
    largest = rare.lost_t.max()
    assert rare.exceedance_probability_interval(largest) == (
        0.0,
        pytest.approx(1.0 - 0.05 ** (1.0 / 1_250), rel=0.01),
    )


def test_equal_weights_give_the_plain_metrics():
    rare = rare_losses(CASES["one site"], 1_000, level=0.5, rng=20)
    even = dataclasses.replace(
        rare, weight=np.ones(1_000), lost_t=np.arange(1.0, 1_001.0), _kind=np.zeros(1_000, int)
    )
    assert even.value_at_risk(0.29) == 290.0
    assert even.value_at_risk(0.99) == 990.0
    assert even.tail_value_at_risk(0.99) == pytest.approx(995.5)
    assert even.exceedance_probability(990.0) == pytest.approx(0.01)
    assert even.effective_scenarios(0.9) == pytest.approx(100.0)
    assert even.gain(0.9) == pytest.approx(1.0, rel=0.01)
    # Beyond what so many futures can know.
    assert even.value_at_risk(0.9999) == even.tail_value_at_risk(0.9999) == 1_000.0
    assert even.value_at_risk_interval(0.9999).low < even.value_at_risk_interval(0.9999).high
    assert even.tail_value_at_risk_interval(0.9999).high == 1_000.0


@pytest.mark.parametrize("basis", ["calendar", "occurrence"])
def test_a_case_without_hazards_loses_nothing(basis):
    rare = rare_losses(case(), 1_000, rng=21, basis=basis)
    assert not rare.lost_t.any()
    assert (rare.weight == 1.0).all()
    assert rare.mean == rare.value_at_risk() == rare.tail_value_at_risk() == 0.0
    assert rare.tail_value_at_risk_interval() == (0.0, 0.0)
    assert rare.gain() == 1.0
    assert rare.effective_scenarios() == 0.0
    assert str(rare.sampling) == "100% of the futures are plain"
    assert rare.sampling.n_pilot == 0
    assert repr(rare)


def test_dated_events_alone_give_plain_futures_and_a_loss_that_is_certain():
    dated = dataclasses.replace(OVERLAPS, hazards=())
    rare = rare_losses(dated, 1_000, rng=27)
    assert (rare.weight == 1.0).all()
    ours = simulate(dated, 1_000, rng=27).lost_t
    np.testing.assert_allclose(rare.lost_t, ours, rtol=1e-12)
    # So many futures lose all that the site could make that it is the quantile for certain.
    stays = dataclasses.replace(OVERLAPS.events[0], ramp_up=RampUp(shape="never"))
    shut = rare_losses(dataclasses.replace(dated, events=(stays,)), 1_000, rng=27)
    everything = 30.0 * 730.0
    for interval in (shut.value_at_risk_interval(), shut.tail_value_at_risk_interval()):
        assert interval == (everything, everything)


def test_a_hazard_that_next_to_never_strikes_breaks_nothing():
    short = hazard(duration=Duration.fixed(days=10))
    for basis in ("calendar", "occurrence"):
        rare = rare_losses(case(short, hazard("i", rate_pa=1e-309)), 1_000, rng=28, basis=basis)
        assert rare.gain() > 1.0
        assert np.isfinite(rare.sampling.multiplier).all()


def test_hazards_that_seldom_hit_a_site_are_not_boosted():
    # Ten more events that hit one would be ten thousand to draw.
    seldom = hazard(rate_pa=100.0, hit_probability=0.001)
    assert rare_losses(case(seldom), 1_000, rng=29).sampling.multiplier == ()


def test_the_two_boosts_are_chosen_for_each_other():
    # The best boost alone, and the best beside it, are worth a fifth of that.
    rare = rare_losses(CASES["ten sites"], 20_000, level=0.9999, rng=31, basis="occurrence")
    assert len(rare.sampling.multiplier) == 2
    assert rare.gain() > 600.0


def test_only_the_chosen_sizes_are_counted():
    plan = make_plan(CASES["ten sites"])
    large = sizes_to_try(plan, "calendar", 0.001)
    chosen = best_boosts(plan, "calendar", 30, large, outside=0.001, n=1_000)
    assert chosen.n_pilot == 1_000
    assert len(large.size_t) > len(chosen.large.size_t) == len(chosen.boosts) == 2
    futures = run_all(open_job(plan, "calendar", 30, chosen.large, chosen.boosts), [(0, 9)], None)
    assert futures.n_large.shape == futures.expected.shape == (2, 9)


def test_hazards_that_are_left_alone_give_plain_futures():
    alone = case(dataclasses.replace(WIDE, shared_duration=False), sites=THREE)
    rare = rare_losses(alone, 1_000, rng=22)
    assert rare.sampling.multiplier == ()
    ours = simulate(alone, 1_000, rng=22).lost_t
    np.testing.assert_allclose(rare.lost_t, ours, rtol=1e-12)


def test_results_cannot_be_written_into():
    rare = rare_losses(CASES["one site"], 1_000, rng=23)
    for values in (rare.lost_t, rare.weight):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0


def test_the_pilot_does_not_boost_what_it_need_not():
    # A level below which nearly all futures lie: the tail is the whole.
    plan = make_plan(CASES["ten sites"])
    large = sizes_to_try(plan, "calendar", 1.0)
    boosts = best_boosts(plan, "calendar", 24, large, outside=1.0, n=2_000).boosts
    assert all(boost.multiplier < 20.0 for boost in boosts)


# Bad input.


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"level": 1.0}, r"level must lie in \[0, 1\), got 1.0"),
        ({"level": -0.1}, r"level must lie in \[0, 1\)"),
        ({"level": float("nan")}, r"level must lie in \[0, 1\)"),
        ({"level": "high"}, r"level must lie in \[0, 1\)"),
        ({"level": "0.999"}, r"level must lie in \[0, 1\)"),
        ({"level": None}, r"level must lie in \[0, 1\)"),
        ({"n_scenarios": 0}, "n_scenarios must be a whole number >= 1000, got 0"),
        ({"n_scenarios": 999}, "n_scenarios must be a whole number >= 1000, got 999"),
        ({"n_scenarios": 1e4}, "n_scenarios must be a whole number"),
        ({"n_scenarios": 10**8}, "n_scenarios must be a finite number <= 1e"),
        ({"basis": "yearly"}, "basis must be one of"),
        ({"workers": 0}, "workers must be a whole number >= 1"),
        ({"executor": 3}, "executor must be a concurrent.futures.Executor"),
    ],
)
def test_bad_input_is_named(given, message):
    with pytest.raises(InvalidInputError, match=message):
        rare_losses(CASES["one site"], **given)


def test_what_is_no_case_or_seed_is_a_type_error():
    with pytest.raises(TypeError, match="case must be a Case"):
        rare_losses("walikale-2025")
    with pytest.raises(TypeError, match="rng must be"):
        rare_losses(CASES["one site"], rng=1.5)


def test_the_occurrence_basis_refuses_what_simulate_refuses():
    with pytest.raises(InvalidInputError, match=r"(?s)horizon_days must be 365.*started.*'never'"):
        rare_losses(OVERLAPS, basis="occurrence")


def test_bad_questions_are_named():
    rare = rare_losses(OVERLAPS, 1_000, rng=25)
    for ask in (rare.value_at_risk, rare.tail_value_at_risk_interval, rare.gain):
        with pytest.raises(ValueError, match=r"level must lie in \[0, 1\)"):
            ask(1.0)
    with pytest.raises(ValueError, match="loss must be a finite number"):
        rare.exceedance_probability(float("inf"))
    with pytest.raises(ValueError, match="horizon_days must be 365 for return periods, got 730"):
        rare.loss_at_return_period(1_000)
    with pytest.raises(ValueError, match="years must be a finite number > 1"):
        rare.loss_at_return_period(1.0)
    with pytest.raises(ValueError, match=r"years must be a finite number > 1 and <= 1e\+15"):
        rare.loss_at_return_period_interval(1e17)
