"""What an onlooker expects of an outage, against quadrature and brute simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from supplyrisk.hazard import durations, expectation, ramps
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import RampUp

YEAR = 365.0
NO_RAMP = RampUp()
NEVER_SEEN = 1e-3  # days in outcomes so rare that the sample holds none
LINEAR = RampUp(shape="linear", ramp_days=34, max_share_of_outage=0.73)
BISIE = Duration.lognormal(median_days=136, sigma=1.81)
MIXED = Duration.mixture(
    ((0.7, Duration.exponential(mean_days=10)), (0.3, Duration.lognormal(median_days=200, sigma=1)))
)
DURATIONS = {
    "lognormal": BISIE,
    "narrow lognormal": Duration.lognormal(median_days=60, sigma=0.3),
    "weibull": Duration.weibull(shape=0.7, scale_days=90),
    "exponential": Duration.exponential(mean_days=40),
    "capped": Duration.lognormal(median_days=121, sigma=1.75, max_days=200),
    "fixed": Duration.fixed(days=120),
    "empirical": Duration.empirical(days=(20, 50, 80, 150, 400)),
    "mixture": MIXED,
}
RAMPS = {
    "none": NO_RAMP,
    "linear": LINEAR,
    "s_curve": RampUp(shape="s_curve", ramp_days=60),
    "exponential": RampUp(shape="exponential", ramp_days=60),
    "steps": RampUp(shape="steps", ramp_days=60, levels=(0.8, 0.3)),
}


def to_come(duration, ramp_up, elapsed, window=YEAR):
    return float(expectation.days_to_come(duration, ramp_up, np.array([elapsed]), window)[0])


def since_start(duration, ramp_up, since, window=YEAR):
    days = expectation.days_to_come_since_start(duration, ramp_up, np.array([since]), window)
    return float(days[0])


def days_in_window(ramp_up, whole, now, window):
    """Days of loss between `now` and the window's end for known lengths, directly."""
    ramp = ramps.ramp_days(ramp_up, whole)
    safe = np.where(ramp > 0.0, ramp, 1.0)

    def until(t):
        return np.minimum(t, whole) + ramp * ramps.lost_until(
            ramp_up, np.clip((t - whole) / safe, 0.0, 1.0)
        )

    return until(now + window) - until(now)


# --- Published: what the market expects of Bisie -------------------------------------------


def test_bisie_lasts_longer_in_expectation_than_its_median_says():
    # E[min(D - u, H) | D > u] = (1/S(u)) integral_0^H S(u + x) dx, by quadrature.
    oracle = stats.lognorm(1.81, scale=136)
    area = integrate.quad(lambda x: oracle.sf(7 + x), 0.0, YEAR, epsabs=1e-10)[0]
    expected = area / oracle.sf(7)
    assert to_come(BISIE, NO_RAMP, 7.0) == pytest.approx(expected, rel=1e-9)
    assert round(expected) == 183  # half of the year ahead; the median of what remains is 146


def test_bisie_moves_the_price_as_the_design_says():
    # 20,000 t of 368,000 t, elasticity sum 0.35: 7 %; the mean of what remains, cut at a year,
    # would say 15 %, the median 5 %.
    duration = Duration.lognormal(median_days=121, sigma=1.75)
    share = 20_000 / 368_000 / 0.35 / YEAR
    oracle = stats.lognorm(1.75, scale=121)
    mean_left = integrate.quad(oracle.sf, 7, np.inf, limit=2000)[0] / oracle.sf(7)
    median_left = oracle.isf(0.5 * oracle.sf(7)) - 7
    assert share * to_come(duration, NO_RAMP, 7.0) == pytest.approx(0.0740, abs=1e-4)
    assert share * to_come(duration, LINEAR, 7.0) == pytest.approx(0.0783, abs=2e-4)
    assert share * min(mean_left, YEAR) == pytest.approx(0.1553, abs=1e-4)
    assert share * median_left == pytest.approx(0.0547, abs=1e-4)


# --- Oracles --------------------------------------------------------------------------------


@pytest.mark.parametrize("ramp_up", RAMPS.values(), ids=RAMPS)
@pytest.mark.parametrize("name", ["lognormal", "narrow lognormal", "weibull", "exponential"])
def test_days_to_come_match_quadrature(name, ramp_up):
    duration = DURATIONS[name]
    for elapsed in (0.0, 33.0, 90.0):
        # Over equally likely lengths given the age: a fine midpoint rule in the quantile.
        u = (np.arange(200_000) + 0.5)[:, np.newaxis] / 200_000
        whole = durations.draw(duration, u, elapsed_days=elapsed)
        expected = days_in_window(ramp_up, whole, elapsed, YEAR).mean()
        # The ramp-up is averaged over 200 lengths only: within 1 % of its days.
        tolerance = 1e-3 * expected + 0.01 * ramp_up.ramp_days
        assert to_come(duration, ramp_up, elapsed) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("ramp_up", RAMPS.values(), ids=RAMPS)
@pytest.mark.parametrize("name", ["mixture", "capped", "fixed", "empirical"])
@pytest.mark.parametrize("elapsed", [0.0, 15.0, 90.0])
def test_days_to_come_match_simulation(name, ramp_up, elapsed):
    duration = DURATIONS[name]
    n = 40_000
    u = np.random.default_rng(11).random((n, durations.n_uniforms(duration)))
    whole = durations.draw(duration, u, elapsed_days=elapsed)
    sample = days_in_window(ramp_up, whole, elapsed, YEAR)
    tolerance = 4.0 * sample.std() / math.sqrt(n) + 0.01 * ramp_up.ramp_days + NEVER_SEEN
    assert to_come(duration, ramp_up, elapsed) == pytest.approx(sample.mean(), abs=tolerance)


@pytest.mark.parametrize("ramp_up", RAMPS.values(), ids=RAMPS)
@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("since", [0.0, 40.0, 130.0, 500.0])
def test_days_since_start_match_simulation(name, ramp_up, since):
    duration = DURATIONS[name]
    n = 40_000
    u = np.random.default_rng(13).random((n, durations.n_uniforms(duration)))
    whole = durations.draw(duration, u)
    sample = days_in_window(ramp_up, whole, since, YEAR)
    tolerance = 4.0 * sample.std() / math.sqrt(n) + 0.01 * ramp_up.ramp_days + NEVER_SEEN
    assert since_start(duration, ramp_up, since) == pytest.approx(sample.mean(), abs=tolerance)


def test_known_length_is_what_is_left_of_it():
    ramp_up = RampUp(shape="linear", ramp_days=60)
    assert to_come(Duration.fixed(days=120), ramp_up, 20.0) == pytest.approx(100 + 30)
    # The window closes a quarter into the ramp-up: 15 days of it, with 1/2 (1 + 3/4) lost.
    assert to_come(Duration.fixed(days=120), ramp_up, 20.0, 115.0) == pytest.approx(113.125)
    assert to_come(Duration.fixed(days=120), ramp_up, 20.0, 80.0) == pytest.approx(80.0)
    # 15 days into the ramp-up: 60 (1/2)(3/4)^2 are left.
    assert since_start(Duration.fixed(days=120), ramp_up, 135.0) == pytest.approx(16.875)
    assert since_start(Duration.fixed(days=120), ramp_up, 181.0) == 0.0


def test_ramp_to_come_is_the_integral_over_the_window():
    for ramp_up in RAMPS.values():
        for into, window in [(0.0, 365.0), (10.0, 20.0), (30.0, 1.0), (70.0, 5.0)]:
            got = expectation.ramp_to_come(ramp_up, np.array([60.0]), np.array([into]), window)
            points = [30.0] if ramp_up.shape == "steps" else None
            expected = integrate.quad(
                lambda t, ramp_up=ramp_up: float(
                    ramps.share_lost(ramp_up, np.array([t / 60.0]))[0]
                ),
                min(into, 60.0),
                min(into + window, 60.0),
                points=points,
            )[0]
            assert got[0] == pytest.approx(expected, abs=1e-9)


def test_what_never_returns_is_missing_for_the_whole_window_at_every_age():
    never = RampUp(shape="never")
    for duration in (Duration.fixed(days=30), Duration.lognormal(median_days=30, sigma=1)):
        for age in (0.0, 10.0, 40.0, 300.0):
            assert to_come(duration, never, age) == YEAR
            assert since_start(duration, never, age) == YEAR


# --- Ramp-ups of a length that is not known -------------------------------------------------

SHAPES = {
    "linear": None,
    "s_curve": None,
    "exponential": None,
    "steps": (0.9, 0.5, 0.2),
}


def days_of_ramp(ramp_up, whole, ramp, now, window):
    """Days of loss on ramp-ups of known lengths between `now` and the window's end, directly."""

    def until(t):
        v = np.clip((t - whole) / ramp, 0.0, 1.0)
        return ramp * ramps.lost_until(ramp_up, v)

    return until(now + window) - until(now)


@pytest.mark.parametrize(("sigma", "within"), [(0.3, 1e-4), (0.9, 1e-4), (1.5, 1e-4), (3, 2e-4)])
@pytest.mark.parametrize("share", [None, 0.73])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["lognormal", "exponential", "fixed", "empirical", "mixture"])
def test_a_spread_of_the_ramp_up_is_averaged_over(name, shape, share, sigma, within):
    for median in (5.0, 34.0, 200.0):
        ramp_up = RampUp(
            shape=shape,
            ramp_days=median,
            ramp_sigma=sigma,
            max_share_of_outage=share,
            levels=SHAPES[shape],
        )
        whole = expectation._lengths(DURATIONS[name], np.zeros(1))[0]
        # The oracle: 3,001 steps in the normal score for each outage.
        score = np.linspace(-7.0, 7.0, 3001)[:, np.newaxis]
        weight = np.exp(-0.5 * score**2) / np.exp(-0.5 * score**2).sum()
        ramp = np.minimum(median * np.exp(sigma * score), (share or np.inf) * whole)
        after = (weight * days_of_ramp(ramp_up, whole, ramp, 0.0, YEAR)).sum(axis=0)
        expected = (np.minimum(whole, YEAR) + after).mean()
        got = to_come(DURATIONS[name], ramp_up, 0.0)
        # The outage itself is exact; only the ramp-up is compared.
        got += np.minimum(whole, YEAR).mean() - to_come(DURATIONS[name], NO_RAMP, 0.0)
        assert got == pytest.approx(expected, rel=within)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("since", [0.0, 40.0, 130.0, 500.0])
def test_days_since_start_match_simulation_of_unknown_ramp_ups(shape, since):
    ramp_up = RampUp(shape=shape, ramp_days=60, ramp_sigma=0.9, levels=SHAPES[shape])
    n = 20_000
    rng = np.random.default_rng(13)
    whole = durations.draw(MIXED, rng.random((n, durations.n_uniforms(MIXED))))
    length = 60.0 * np.exp(0.9 * rng.standard_normal(n))
    outage = np.minimum(since + YEAR, whole) - np.minimum(since, whole)
    sample = outage + days_of_ramp(ramp_up, whole, length, since, YEAR)
    tolerance = 4.0 * sample.std() / math.sqrt(n) + 0.01 * 60
    assert since_start(MIXED, ramp_up, since) == pytest.approx(sample.mean(), abs=tolerance)


# --- Laws -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DURATIONS)
@given(
    elapsed=st.floats(0.0, 150.0),
    window=st.floats(1.0, 400.0),
    ramp_name=st.sampled_from(list(RAMPS)),
)
def test_days_to_come_lie_within_the_window(name, elapsed, window, ramp_name):
    duration = DURATIONS[name]
    days = to_come(duration, RAMPS[ramp_name], elapsed, window)
    if float(durations.survival(duration, elapsed)) <= 0.0:
        assert days == 0.0
    else:
        # Averaged over 200 lengths, the ramp-up may overshoot a little.
        assert -1e-9 <= days <= window + 0.01 * RAMPS[ramp_name].ramp_days + 1e-9
        assert days >= to_come(duration, NO_RAMP, elapsed, window) - 1e-9
        assert to_come(duration, RAMPS[ramp_name], elapsed, window + 10.0) >= days - 1e-9


def test_an_exponential_outage_has_its_mean_to_go_at_every_age():
    duration = Duration.exponential(mean_days=5)
    for age in (0.0, 50.0):
        assert to_come(duration, NO_RAMP, age) == pytest.approx(5.0, rel=1e-6)
    for age in (150.0, 200.0):  # survival below 1e-13: a mean of 200 lengths stands in
        assert to_come(duration, NO_RAMP, age) == pytest.approx(5.0, rel=5e-3)
