"""Lengths fitted to stops against closed forms and a slow likelihood, then against their laws."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.fitting import LognormalFit, fit_lognormal

BISIE = 33.0  # days from 13 March to 15 April 2025

fewer = settings(max_examples=settings().max_examples // 3)
# Spread out enough to keep the estimates away from the edges of what the fit allows.
lengths = st.lists(st.floats(2.0, 5_000.0), min_size=4, max_size=40).filter(
    lambda days: 0.2 < np.log(days).std() < 3.0
)


def slow_loss(mu, sigma, days, censored, floor):
    """Negative log-likelihood by scipy.stats, one term for each row."""
    length = stats.lognorm(sigma, scale=math.exp(mu))
    rows = np.where(censored, length.logsf(days), length.logpdf(days))
    return float(-(rows - length.logsf(floor)).sum())


def slow_fit(days, censored, floor, prior=lambda _mu, _log_sigma: 0.0):
    found = optimize.minimize(
        lambda at: slow_loss(at[0], math.exp(at[1]), days, censored, floor) + prior(at[0], at[1]),
        [np.log(days).mean(), math.log(max(np.log(days).std(), 0.3))],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4_000, "maxfev": 4_000},
    )
    return math.exp(found.x[0]), math.exp(found.x[1]), found.fun


def simulated(n, *, median, sigma, floor, seed, stop_watching_after=math.inf):
    """Stops longer than `floor`, each watched for a random time only."""
    rng = np.random.default_rng(seed)
    length = stats.lognorm(sigma, scale=median)
    true = length.isf(rng.random(n) * length.sf(floor))
    watched = floor + rng.random(n) * stop_watching_after
    return np.minimum(true, watched), true > watched


# --- Closed form --------------------------------------------------------------------------


def test_example_of_three_stops_worked_by_hand():
    # Logarithms ln 10, 2 ln 10, 3 ln 10: their mean is 2 ln 10, their variance 2/3 ln^2 10.
    fit = fit_lognormal([10, 100, 1000])
    assert fit.median_days == pytest.approx(100.0, rel=1e-4)
    assert fit.sigma == pytest.approx(math.log(10.0) * math.sqrt(2.0 / 3.0), rel=1e-4)
    assert (fit.n_stops, fit.n_censored) == (3, 0)


@given(lengths)
def test_without_censoring_the_fit_is_mean_and_deviation_of_the_logarithms(days):
    fit, logs = fit_lognormal(days), np.log(days)
    assert math.log(fit.median_days) == pytest.approx(logs.mean(), abs=2e-3 * logs.std())
    assert fit.sigma == pytest.approx(logs.std(), rel=2e-3)


@fewer
@given(lengths)
def test_without_censoring_the_standard_error_is_sigma_over_the_root_of_n(days):
    # Fisher information of a normal mean: n / sigma^2.
    fit = fit_lognormal(days)
    assert fit.median_error == pytest.approx(fit.sigma / math.sqrt(len(days)), rel=5e-3)


def test_without_censoring_the_fit_is_that_of_scipy():
    days = stats.lognorm(1.3, scale=40.0).rvs(200, random_state=11)
    sigma, _, median = stats.lognorm.fit(days, floc=0.0)
    fit = fit_lognormal(days)
    assert (fit.median_days, fit.sigma) == pytest.approx((median, sigma), rel=1e-4)


# --- Oracles for censoring and truncation -------------------------------------------------


def test_censored_fit_is_that_of_scipy():
    days, censored = simulated(
        150, median=60.0, sigma=1.2, floor=0.0, seed=5, stop_watching_after=300.0
    )
    assert 20 < censored.sum() < 100
    data = stats.CensoredData(uncensored=days[~censored], right=days[censored])
    sigma, _, median = stats.lognorm.fit(data, floc=0.0)
    fit = fit_lognormal(days, censored=censored)
    assert (fit.median_days, fit.sigma) == pytest.approx((median, sigma), rel=2e-3)
    assert (fit.n_stops, fit.n_censored) == (150, int(censored.sum()))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("floor", [0.0, 7.0, 30.0])
def test_censored_and_truncated_fit_is_the_top_of_the_slow_likelihood(floor, seed):
    days, censored = simulated(
        80, median=60.0, sigma=1.1, floor=floor, seed=seed, stop_watching_after=500.0
    )
    median, sigma, least = slow_fit(days, censored, floor)
    fit = fit_lognormal(days, censored=censored, truncated_below_days=floor)
    reached = slow_loss(math.log(fit.median_days), fit.sigma, days, censored, floor)
    assert reached == pytest.approx(least, abs=1e-4)
    assert (fit.median_days, fit.sigma) == pytest.approx((median, sigma), rel=1e-2)


def test_no_point_of_a_grid_is_likelier_than_the_fit():
    days = np.array([8.0, 10.0, 19.0, 33.0, 45.0, 64.0, 120.0, 277.0, 850.0, 1450.0])
    censored = np.array([False] * 8 + [True, True])
    fit = fit_lognormal(days, censored=censored, truncated_below_days=7.0)
    reached = slow_loss(math.log(fit.median_days), fit.sigma, days, censored, 7.0)
    grid = [
        slow_loss(mu, sigma, days, censored, 7.0)
        for mu in np.linspace(math.log(1.0), math.log(2_000.0), 40)
        for sigma in np.linspace(0.3, 4.0, 25)
    ]
    assert reached <= min(grid) + 1e-6


def test_fit_pulled_to_a_group_is_the_top_of_likelihood_times_prior():
    days, censored = simulated(
        12, median=200.0, sigma=1.0, floor=7.0, seed=3, stop_watching_after=900.0
    )
    group = LognormalFit(median_days=40.0, sigma=1.7, median_error=0.2, n_stops=80, n_censored=20)

    def prior(mu, log_sigma):
        of_mu = stats.norm(math.log(40.0), 0.7).logpdf(mu)
        return float(-of_mu - stats.norm(math.log(1.7), 0.3).logpdf(log_sigma))

    median, sigma, _ = slow_fit(days, censored, 7.0, prior)
    fit = fit_lognormal(days, censored=censored, truncated_below_days=7.0, around=group)
    assert (fit.median_days, fit.sigma) == pytest.approx((median, sigma), rel=5e-3)


def test_standard_error_with_censoring_is_the_curvature_of_the_slow_likelihood():
    days, censored = simulated(
        60, median=60.0, sigma=1.1, floor=7.0, seed=2, stop_watching_after=400.0
    )
    fit = fit_lognormal(days, censored=censored, truncated_below_days=7.0)

    def loss(mu, log_sigma):
        return slow_loss(mu, math.exp(log_sigma), days, censored, 7.0)

    mu, log_sigma, h = math.log(fit.median_days), math.log(fit.sigma), 1e-2
    second = [
        (loss(mu + h, log_sigma) - 2 * loss(mu, log_sigma) + loss(mu - h, log_sigma)) / h**2,
        (loss(mu, log_sigma + h) - 2 * loss(mu, log_sigma) + loss(mu, log_sigma - h)) / h**2,
    ]
    mixed = (
        loss(mu + h, log_sigma + h)
        - loss(mu + h, log_sigma - h)
        - loss(mu - h, log_sigma + h)
        + loss(mu - h, log_sigma - h)
    ) / (4 * h**2)
    variance = second[1] / (second[0] * second[1] - mixed**2)
    assert fit.median_error == pytest.approx(math.sqrt(variance), rel=1e-2)


# --- Recovery -----------------------------------------------------------------------------


def recovery(n_samples, n_stops):
    """Fits to samples of the same truncated and censored stops, as z-values of their means."""
    fits = []
    for seed in range(n_samples):
        days, censored = simulated(
            n_stops, median=60.0, sigma=1.2, floor=7.0, seed=seed, stop_watching_after=700.0
        )
        fits.append(fit_lognormal(days, censored=censored, truncated_below_days=7.0))
    log_median = np.log([fit.median_days for fit in fits]) - math.log(60.0)
    log_sigma = np.log([fit.sigma for fit in fits]) - math.log(1.2)
    errors = np.array([fit.median_error for fit in fits])
    z = [
        each.mean() / (each.std(ddof=1) / math.sqrt(n_samples)) for each in (log_median, log_sigma)
    ]
    return z, log_median.std(ddof=1) / math.sqrt(float((errors**2).mean()))


def test_parameters_of_simulated_stops_are_recovered():
    # One sample of 4,000 stops; |z| < 4 for the median by its own standard error.
    days, censored = simulated(
        4_000, median=60.0, sigma=1.2, floor=7.0, seed=17, stop_watching_after=700.0
    )
    fit = fit_lognormal(days, censored=censored, truncated_below_days=7.0)
    assert abs(math.log(fit.median_days / 60.0)) < 4.0 * fit.median_error
    assert fit.sigma == pytest.approx(1.2, rel=0.06)
    # A fit that takes lower bounds for lengths, and none for missing, finds too little spread.
    assert fit_lognormal(days).sigma < 1.05


def test_standard_error_is_the_spread_of_fits_to_simulated_stops():
    # 60 samples: the ratio of the two has a relative error of 1 / sqrt(2 * 59) = 0.09; z < 4.
    z, ratio = recovery(60, 300)
    assert ratio == pytest.approx(1.0, abs=4.0 * 0.092)
    assert np.all(np.abs(z) < 4.0)


@pytest.mark.verification
def test_estimates_of_many_samples_have_no_bias_and_the_error_they_state():
    # 400 samples of 1,000 stops: bias of order 1 / n is a twentieth of the spread, so |z| < 4;
    # the ratio of the spread to the error stated is known to 1 / sqrt(2 * 399) = 0.035, z < 4.
    z, ratio = recovery(400, 1_000)
    assert np.all(np.abs(z) < 4.0)
    assert ratio == pytest.approx(1.0, abs=4.0 * 0.0354)


# --- Laws ---------------------------------------------------------------------------------


@fewer
@given(lengths, st.floats(0.3, 3.0))
def test_measuring_in_other_units_scales_the_median_alone(days, factor):
    floor = 0.5 * min(days)
    censored = [position % 3 == 2 for position in range(len(days))]
    one = fit_lognormal(days, censored=censored, truncated_below_days=floor)
    other = fit_lognormal(
        factor * np.array(days), censored=censored, truncated_below_days=factor * floor
    )
    if not 1.0 < one.median_days < 2e4 or one.sigma > 3.9:
        return  # on the edge of what the fit allows, which is in days
    assert other.median_days == pytest.approx(factor * one.median_days, rel=2e-2)
    assert other.sigma == pytest.approx(one.sigma, rel=2e-2)


@fewer
@given(lengths, st.randoms(use_true_random=False))
def test_order_of_the_rows_changes_nothing(days, random):
    rows = [(day, position % 4 == 3) for position, day in enumerate(days)]
    fit = fit_lognormal([day for day, _ in rows], censored=[open_ for _, open_ in rows])
    random.shuffle(rows)
    again = fit_lognormal([day for day, _ in rows], censored=[open_ for _, open_ in rows])
    assert again.median_days == pytest.approx(fit.median_days, rel=1e-3)
    assert again.sigma == pytest.approx(fit.sigma, rel=1e-3)
    assert (again.n_stops, again.n_censored) == (fit.n_stops, fit.n_censored)


@fewer
@given(lengths)
def test_taking_the_longest_stop_as_a_lower_bound_raises_the_median(days):
    # At the top of the likelihood mu is the mean of the logarithms, that of the running stop
    # replaced by its expectation given the bound, which lies above the bound.
    whole = fit_lognormal(days)
    bound = fit_lognormal(days, censored=np.arange(len(days)) == np.argmax(days))
    assert bound.median_days > whole.median_days * (1.0 - 1e-3)
    assert bound.sigma > whole.sigma * (1.0 - 1e-3)


@fewer
@given(lengths)
def test_truncation_at_zero_or_far_below_changes_nothing(days):
    plain = fit_lognormal(days)
    floor = plain.median_days * math.exp(-9.0 * plain.sigma)
    below = fit_lognormal(days, truncated_below_days=min(floor, *days))
    assert below.median_days == pytest.approx(plain.median_days, rel=1e-3)
    assert below.sigma == pytest.approx(plain.sigma, rel=1e-3)


@fewer
@given(lengths)
def test_predictive_length_is_wider_by_the_uncertainty_of_the_median(days):
    fit = fit_lognormal(days)
    assert fit.duration.median_days == fit.median_days
    assert fit.duration.sigma**2 == pytest.approx(fit.sigma**2 + fit.median_error**2, rel=1e-12)
    assert fit.duration.sigma > fit.sigma


# --- Pull towards a wider group -----------------------------------------------------------


GROUP = LognormalFit(median_days=50.0, sigma=1.2, median_error=0.1, n_stops=90, n_censored=9)
FAR = np.array([150.0, 300.0, 600.0, 1200.0])


@fewer
@given(lengths)
def test_a_pulled_median_lies_between_its_own_and_that_of_the_group(days):
    own, pulled = fit_lognormal(days), fit_lognormal(days, around=GROUP)
    low, high = sorted([own.median_days, GROUP.median_days])
    assert low * 0.995 <= pulled.median_days <= high * 1.005


def test_fewer_rows_are_pulled_more_and_many_not_at_all():
    own = fit_lognormal(FAR).median_days
    shares = []
    for repeats in (1, 4, 16, 256, 4096):
        fit = fit_lognormal(np.tile(FAR, repeats), around=GROUP)
        shares.append(math.log(own / fit.median_days) / math.log(own / GROUP.median_days))
    assert all(more > less > -1e-4 for more, less in pairwise(shares))
    assert shares[0] > 0.1
    assert shares[-1] < 1e-3


def test_the_share_of_the_pull_is_that_of_two_normal_means():
    # sigma near 1.2 and known, n = 4: weight of the group = (1/0.7^2) / (1/0.7^2 + n/sigma^2).
    fit = fit_lognormal(FAR, around=GROUP)
    weight = (1 / 0.49) / (1 / 0.49 + FAR.size / fit.sigma**2)
    expected = weight * math.log(50.0) + (1 - weight) * np.log(FAR).mean()
    assert math.log(fit.median_days) == pytest.approx(expected, abs=5e-3)


def test_one_stop_that_is_running_can_be_fitted_around_a_group():
    fit = fit_lognormal([BISIE], censored=[True], truncated_below_days=7.0, around=GROUP)
    assert (fit.n_stops, fit.n_censored) == (1, 1)
    assert GROUP.median_days < fit.median_days < 2.0 * GROUP.median_days


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -3.0, math.nan, math.inf])
def test_a_length_that_is_no_finite_number_above_zero_is_refused(bad):
    with pytest.raises(InvalidInputError, match="days must be finite numbers above 0"):
        fit_lognormal([10.0, bad, 30.0])


@pytest.mark.parametrize("floor", [11.0, -1.0, math.nan, math.inf])
def test_a_truncation_above_a_stop_or_no_number_of_days_is_refused(floor):
    with pytest.raises(InvalidInputError, match="from 0 to the shortest stop"):
        fit_lognormal([10.0, 20.0, 30.0], truncated_below_days=floor)


def test_a_stop_as_long_as_the_truncation_is_taken():
    assert fit_lognormal([7.0, 20.0, 90.0], truncated_below_days=7.0).n_stops == 3


@pytest.mark.parametrize(
    ("days", "censored"),
    [([], None), ([10.0], None), ([10.0, 20.0], [True, False]), ([10.0, 20.0], [True, True])],
    ids=["none", "one", "one that ended", "none that ended"],
)
def test_fewer_than_two_stops_that_ended_are_refused(days, censored):
    with pytest.raises(InvalidInputError, match="at least 2 stops that have ended"):
        fit_lognormal(days, censored=censored)


def test_no_stop_at_all_is_refused_around_a_group_too():
    with pytest.raises(InvalidInputError, match="at least 1 stops"):
        fit_lognormal([], around=GROUP)


@pytest.mark.parametrize(
    ("days", "censored"),
    [(5.0, None), ([[10.0, 20.0]], None), ([10.0, 20.0], [True]), ([10.0, 20.0], [[True, False]])],
    ids=["scalar", "table", "too few flags", "table of flags"],
)
def test_shapes_that_do_not_belong_together_are_refused(days, censored):
    with pytest.raises(InvalidInputError, match=r"must be \(n_stops,\), and censored alike"):
        fit_lognormal(days, censored=censored)


def test_text_is_refused():
    with pytest.raises((ValueError, TypeError)):
        fit_lognormal(["ten", "twenty"])
