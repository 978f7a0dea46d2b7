"""Posteriors of rates against published figures and scipy, then against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import Rate, fit_rate
from supplyrisk.hazard.rates import corrected

medians = st.floats(1.0, 10.0)
sigmas = st.floats(0.0, 1.0)
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


# --- Counts under an uncertain rate -------------------------------------------------------


@pytest.mark.parametrize("shape", [0.5, 3.5, 18.5])
def test_counts_under_a_gamma_rate_are_negative_binomial(shape):
    # What a hazard with `rate_shape` draws: Poisson counts whose rate is drawn first.
    rate, horizon = Rate(rate_shape=shape, exposure_years=25.0), 4.0
    counts = stats.nbinom(shape, 25.0 / (25.0 + horizon))
    for n in (0, 1, 5):
        # The density of the rate on a logarithmic scale, where it has no pole at 0.
        chance, _ = integrate.quad(
            lambda x, n=n: (
                stats.poisson.pmf(n, math.exp(x) * horizon)
                * stats.gamma.pdf(math.exp(x), shape, scale=1.0 / 25.0)
                * math.exp(x)
            ),
            -60.0,
            5.0,
            points=[math.log(rate.mean)],
            limit=200,
        )
        assert chance == pytest.approx(counts.pmf(n), rel=1e-6)
    expected = rate.mean * horizon
    assert counts.mean() == pytest.approx(expected, rel=1e-12)
    assert counts.var() == pytest.approx(expected + expected**2 / rate.rate_shape, rel=1e-12)


def test_gamma_factor_drawn_once_for_each_future_gives_those_counts():
    # As the simulation does it: standard_gamma(k) / k times the mean rate, then Poisson.
    rng, n = np.random.default_rng(3), 200_000
    rate, horizon = fit_rate(3, 50.0), 5.0
    factor = rng.standard_gamma(rate.rate_shape, n) / rate.rate_shape
    drawn = rng.poisson(rate.mean * horizon * factor)
    counts = stats.nbinom(rate.rate_shape, rate.exposure_years / (rate.exposure_years + horizon))
    seen = np.bincount(np.minimum(drawn, 4), minlength=5)
    chance = np.append(counts.pmf(range(4)), counts.sf(3))
    # Four degrees of freedom: 18.5 is exceeded once in 1,000 seeds.
    assert ((seen - n * chance) ** 2 / (n * chance)).sum() < 18.5


# --- What went unrecorded -----------------------------------------------------------------


def test_default_factor_is_what_analysts_allow_over_what_the_catalogue_recovers():
    # The library's reference: 2 % of copper capacity a year recovered, 4.5 to 5 % allowed.
    sure = corrected(fit_rate(28, 429), factor_sigma=0.0).mean / fit_rate(28, 429).mean
    assert 4.5 / 2.0 < sure < 5.0 / 2.0
    low, high = stats.lognorm(0.35, scale=2.4).interval(0.9)
    assert (low, high) == pytest.approx((1.35, 4.27), abs=0.01)
    assert stats.lognorm(0.35, scale=2.4).cdf(1.0) < 0.01


def test_a_factor_of_one_that_is_sure_changes_nothing():
    rate = fit_rate(18, 259)
    same = corrected(rate, factor_median=1.0, factor_sigma=0.0)
    assert same.rate_shape == pytest.approx(rate.rate_shape, rel=1e-14)
    assert same.mean == pytest.approx(rate.mean, rel=1e-14)


@pytest.mark.parametrize("count", [0, 3, 28])
def test_mean_and_variance_are_those_of_simulated_products(count):
    rng, n = np.random.default_rng(5), 1_000_000
    rate = fit_rate(count, 429.0)
    drawn = rng.gamma(rate.rate_shape, 1.0 / 429.0, n) * rng.lognormal(math.log(2.4), 0.35, n)
    full = corrected(rate)
    assert abs(drawn.mean() - full.mean) < 4.0 * drawn.std() / math.sqrt(n)
    variance = full.mean**2 / full.rate_shape
    fourth = ((drawn - drawn.mean()) ** 4).mean()
    assert abs(drawn.var() - variance) < 4.0 * math.sqrt((fourth - variance**2) / n)
    # The gamma distribution in its stead has a 95 % point within 5 % of the product's.
    high = stats.gamma(full.rate_shape, scale=1.0 / full.exposure_years).ppf(0.95)
    assert high == pytest.approx(np.quantile(drawn, 0.95), rel=0.05)


@given(counts, years, medians, sigmas)
def test_correcting_never_makes_a_rate_surer_nor_lower(count, exposure, median, sigma):
    rate = fit_rate(count, exposure)
    full = corrected(rate, factor_median=median, factor_sigma=sigma)
    assert full.mean >= rate.mean * (1.0 - 1e-12)
    assert full.rate_shape <= rate.rate_shape * (1.0 + 1e-12)
    # However much was seen, the factor stays unsure: 1 / k is at least exp(s^2) - 1.
    assert 1.0 / full.rate_shape >= math.expm1(sigma**2) * (1.0 - 1e-12)


@given(counts, years, medians, sigmas, st.floats(0.1, 10.0))
def test_another_unit_of_time_divides_the_corrected_rate_by_it(
    count, exposure, median, sigma, factor
):
    a, b = (
        corrected(fit_rate(count, t), factor_median=median, factor_sigma=sigma)
        for t in (exposure, exposure * factor)
    )
    assert b.mean == pytest.approx(a.mean / factor, rel=1e-12)
    assert b.rate_shape == pytest.approx(a.rate_shape, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"factor_median": 0.9}, "factor_median"),
        ({"factor_median": math.nan}, "factor_median"),
        ({"factor_sigma": -0.1}, "factor_sigma"),
        ({"factor_sigma": 4.0}, "factor_sigma"),
        ({"factor_sigma": None}, "factor_sigma"),
    ],
)
def test_a_factor_that_is_none_is_refused(changes, field):
    with pytest.raises(InvalidInputError, match=f"{field} must be a finite number"):
        corrected(fit_rate(1, 1.0), **changes)


def test_only_a_rate_is_corrected():
    with pytest.raises(TypeError, match="rate must be of the class Rate"):
        corrected(0.07)
