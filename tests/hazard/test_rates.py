"""The posterior of a rate against published figures and scipy.stats, then against its laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import Rate, fit_rate

counts = st.integers(0, 500)
years = st.floats(0.1, 10_000.0)
levels = st.floats(0.01, 0.99)


# --- Published figures --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "exposure", "published", "low", "high"),
    [
        # The library's reference, base rates of 2005 to 2025, stops of at least 7 days:
        (18, 259, 0.070, 0.047, 0.101),  # tin, 14 large mines, smelters and export systems
        (28, 429, 0.065, 0.047, 0.088),  # copper, 24 large mines
    ],
    ids=["tin", "copper"],
)
def test_panels_of_tin_and_copper_have_the_intervals_of_the_reference(
    count, exposure, published, low, high
):
    rate = fit_rate(count, exposure)
    # To the last digit published; its rate is count / years, half an event below the mean.
    assert rate.interval(0.9) == pytest.approx((low, high), abs=0.0006)
    assert rate.mean - 0.5 / exposure == pytest.approx(published, abs=0.0006)


def test_jeffreys_posterior_of_a_poisson_rate_has_half_an_event_more():
    # Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.8: the prior is theta^(-1/2).
    assert (fit_rate(3, 10.0).rate_shape, fit_rate(3, 10.0).exposure_years) == (3.5, 10.0)
    assert fit_rate(3, 10.0).mean == 0.35


def test_no_event_at_all_leaves_a_rate_above_zero():
    # Gamma(1/2, 1) is half a chi-squared variable of one degree: its 95 % point is 3.8415 / 2.
    rate = fit_rate(0, 1.0)
    assert rate.mean == 0.5
    low, high = rate.interval(0.9)
    assert high == pytest.approx(3.841458820694124 / 2.0, rel=1e-12)
    assert low == pytest.approx(0.003932140000019522 / 2.0, rel=1e-12)


# --- Oracle -------------------------------------------------------------------------------


@given(counts, years, levels)
def test_mean_and_interval_are_those_of_the_gamma_distribution_of_scipy(count, exposure, level):
    rate = fit_rate(count, exposure)
    oracle = stats.gamma(count + 0.5, scale=1.0 / exposure)
    assert rate.mean == pytest.approx(oracle.mean(), rel=1e-12)
    np.testing.assert_allclose(rate.interval(level), oracle.interval(level), rtol=1e-9)


def test_posterior_is_the_normalised_product_of_likelihood_and_prior():
    # Brute force over a grid: Poisson likelihood times theta^(-1/2).
    count, exposure = 7, 120.0
    theta = np.linspace(1e-6, 0.4, 400_001)
    weight = stats.poisson.pmf(count, theta * exposure) * theta**-0.5
    weight /= weight.sum()
    rate = fit_rate(count, exposure)
    assert rate.mean == pytest.approx(float(weight @ theta), rel=1e-6)
    low, high = theta[np.searchsorted(np.cumsum(weight), [0.05, 0.95])]
    assert rate.interval(0.9) == pytest.approx((low, high), rel=1e-4)


def test_intervals_hold_the_true_rate_as_often_as_they_say():
    # Exact, by summing the Poisson probabilities of every count: the coverage of Jeffreys'
    # interval swings about its level with the true rate, and is right on the average (Brown, Cai
    # and DasGupta, "Interval estimation in exponential families", Statistica Sinica 13, 2003).
    expected = np.linspace(5.0, 50.0, 2_001)
    held = np.zeros(expected.size)
    for count in range(121):  # more than 120 where 50 are expected: probability below 1e-15
        low, high = fit_rate(count, 1.0).interval(0.9)
        held += stats.poisson.pmf(count, expected) * ((low <= expected) & (expected <= high))
    assert float(held.mean()) == pytest.approx(0.90, abs=0.005)
    assert 0.85 < held.min() < held.max() < 0.95


# --- Laws ---------------------------------------------------------------------------------


@given(counts, years, st.floats(1.01, 100.0))
def test_more_years_without_an_event_lower_the_rate_in_proportion(count, exposure, factor):
    short, long = fit_rate(count, exposure), fit_rate(count, exposure * factor)
    assert long.mean == pytest.approx(short.mean / factor, rel=1e-12)
    expected = [bound / factor for bound in short.interval()]
    np.testing.assert_allclose(long.interval(), expected, rtol=1e-12)


@given(counts, years)
def test_one_event_more_raises_the_mean_and_both_bounds(count, exposure):
    fewer, more = fit_rate(count, exposure), fit_rate(count + 1, exposure)
    assert more.mean == pytest.approx(fewer.mean + 1.0 / exposure, rel=1e-9)
    assert all(a < b for a, b in zip(fewer.interval(), more.interval(), strict=True))


@given(counts, years, levels, levels)
def test_a_higher_level_gives_an_interval_that_holds_the_other(count, exposure, a, b):
    rate = fit_rate(count, exposure)
    inner, outer = rate.interval(min(a, b)), rate.interval(max(a, b))
    assert 0.0 <= outer[0] <= inner[0] < inner[1] <= outer[1]


@given(st.integers(1, 500), years)
def test_interval_is_narrower_in_proportion_where_twice_as_much_was_seen(count, exposure):
    once, twice = fit_rate(count, exposure), fit_rate(2 * count, 2 * exposure)
    low, high = once.interval()
    low_of_twice, high_of_twice = twice.interval()
    assert (high_of_twice - low_of_twice) / twice.mean < (high - low) / once.mean


def test_numbers_of_numpy_are_numbers():
    assert fit_rate(np.int64(18), np.float64(259.0)) == fit_rate(18, 259)


def test_a_rate_cannot_be_changed():
    with pytest.raises(AttributeError):
        fit_rate(1, 1.0).rate_shape = 2.0
    assert Rate(rate_shape=1.5, exposure_years=1.0) == fit_rate(1, 1.0)


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [-1, 1.5, 2.0, True, None, "18", math.nan])
def test_a_count_that_is_no_whole_number_is_refused(count):
    with pytest.raises(InvalidInputError, match="count must be a whole number >= 0"):
        fit_rate(count, 259.0)


@pytest.mark.parametrize("exposure", [0.0, -1.0, math.nan, math.inf, True, None, "259"])
def test_years_that_are_not_above_zero_are_refused(exposure):
    with pytest.raises(InvalidInputError, match="exposure_years must be a finite number > 0"):
        fit_rate(18, exposure)


def test_both_faults_are_named_at_once():
    with pytest.raises(InvalidInputError) as caught:
        fit_rate(-1, 0.0)
    assert [fault.field for fault in caught.value.faults] == ["count", "exposure_years"]


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 90, math.nan, None, "0.9"])
def test_a_level_outside_zero_and_one_is_refused(level):
    with pytest.raises(InvalidInputError, match=r"level must lie in \(0, 1\)"):
        fit_rate(18, 259.0).interval(level)
