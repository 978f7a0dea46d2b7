"""Three families of lengths: recovery from simulated stops, and laws of the fit."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.hazard.fitting import fit_duration
from supplyrisk.hazard.scoring import log_score, pit

STOPS = runpy.run_path(str(Path(__file__).with_name("stop_catalogues.py")))
fewer, FAMILIES, TRUE, FLOOR = (STOPS[name] for name in ("fewer", "FAMILIES", "TRUE", "FLOOR"))
lengths, by_scipy, catalogue = (STOPS[name] for name in ("lengths", "by_scipy", "catalogue"))

# --- Recovery of the three families -------------------------------------------------------


def coverage(family, floor, n_catalogues, n_stops):
    """Share of catalogues whose 90 % interval holds the truth, by quantity."""
    true = {**TRUE[family], "median_days": float(by_scipy(family, TRUE[family]).median())}
    held, running = dict.fromkeys(true, 0), 0.0
    for seed in range(n_catalogues):
        days, censored = catalogue(family, n_stops, seed, floor)
        running += censored.mean() / n_catalogues
        fit = fit_duration(days, censored, floor, family)
        for name, value in true.items():
            low, high = fit.interval(0.9, name)
            held[name] += low <= value <= high
    # Four standard errors of a share of all stops.
    assert running == pytest.approx(0.3, abs=4.0 * math.sqrt(0.21 / (n_catalogues * n_stops)))
    return {name: count / n_catalogues for name, count in held.items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("floor", [0.0, FLOOR])
def test_intervals_of_a_few_catalogues_hold_the_truth(family, floor):
    # 12 catalogues: the share has a standard error of 0.087; z > -3.
    assert all(share > 0.64 for share in coverage(family, floor, 12, 40).values())


@pytest.mark.verification
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("floor", [0.0, FLOOR])
def test_intervals_of_200_catalogues_cover_from_85_to_95_percent(family, floor):
    # 80 stops each, 30 % of them running, every parameter and the median; the standard error of
    # a share is 0.021.
    shares = coverage(family, floor, 200, 80)
    assert all(0.85 <= share <= 0.95 for share in shares.values()), shares


def recovery(family, n_samples, n_stops):
    """z-values of the means of the logarithms, and their spread over the error stated."""
    truth = np.log(list(TRUE[family].values()))
    off, variance = [], []
    for seed in range(n_samples):
        fit = fit_duration(*catalogue(family, n_stops, seed), FLOOR, family)
        off.append(np.log(list(fit.parameters.values())) - truth)
        variance.append(np.diag(fit.covariance))
    spread = np.std(off, axis=0, ddof=1)
    z = np.mean(off, axis=0) / (spread / math.sqrt(n_samples))
    return z, spread / np.sqrt(np.mean(variance, axis=0))


def test_standard_errors_are_the_spread_of_fits_to_simulated_stops():
    # 60 samples: the ratio of the two has a relative error of 1 / sqrt(2 * 59) = 0.092; z < 4.
    z, ratio = recovery("lognormal", 60, 300)
    assert np.all(np.abs(z) < 4.0)
    assert ratio == pytest.approx(np.ones(2), abs=4.0 * 0.092)


@pytest.mark.verification
@pytest.mark.parametrize("family", FAMILIES)
def test_estimates_of_many_samples_have_no_bias_and_the_error_they_state(family):
    # 400 samples of 1,000 stops: bias of order 1 / n is a twentieth of the spread, so |z| < 4;
    # the ratio of the spread to the error stated is known to 1 / sqrt(2 * 399) = 0.035, z < 4.
    z, ratio = recovery(family, 400, 1_000)
    assert np.all(np.abs(z) < 4.0), z
    assert ratio == pytest.approx(np.ones(len(ratio)), abs=4.0 * 0.0354)


def test_a_fit_that_takes_bounds_for_lengths_finds_too_little_spread():
    days, censored = catalogue("lognormal", 4_000, 17)
    fit = fit_duration(days, censored, FLOOR)
    # |z| < 4 by the standard errors stated.
    off = np.log([fit.median_days / 60.0, fit.parameters["sigma"] / 1.2])
    assert np.all(np.abs(off) < 4.0 * np.sqrt(np.diag(fit.covariance)))
    assert fit_duration(days).parameters["sigma"] < 1.05


# --- Laws of the three families -----------------------------------------------------------


@fewer
@given(st.sampled_from(FAMILIES), st.floats(0.01, 100.0), st.integers(0, 50))
def test_in_other_units_days_scale_and_shapes_stay(family, factor, seed):
    days, censored = catalogue(family, 30, seed)
    one = fit_duration(days, censored, FLOOR, family)
    other = fit_duration(factor * days, censored, factor * FLOOR, family)
    for name, value in one.parameters.items():
        scaled = factor * value if name.endswith("_days") or name == "mean_days" else value
        assert other.parameters[name] == pytest.approx(scaled, rel=1e-5)
    assert other.covariance == pytest.approx(one.covariance, rel=1e-4, abs=1e-7)
    # Densities are per day, so each stop that ended brings a factor of its own.
    ended = int((~censored).sum())
    expected = one.log_likelihood - ended * math.log(factor)
    assert other.log_likelihood == pytest.approx(expected, abs=1e-6)


@fewer
@given(st.sampled_from(FAMILIES), st.integers(0, 50), st.floats(0.3, 0.9))
def test_intervals_hold_the_estimate_and_widen_with_the_level(family, seed, level):
    days, censored = catalogue(family, 20, seed)
    fit = fit_duration(days, censored, FLOOR, family)
    for name, value in {**fit.parameters, "median_days": fit.median_days}.items():
        low, high = fit.interval(level, name)
        wide_low, wide_high = fit.interval(0.5 + 0.5 * level, name)
        assert wide_low <= low < value < high <= wide_high


@fewer
@given(st.sampled_from(FAMILIES), st.integers(0, 50), st.randoms(use_true_random=False))
def test_order_of_the_rows_changes_nothing(family, seed, random):
    rows = list(zip(*catalogue(family, 20, seed), strict=True))
    one = fit_duration(*zip(*rows, strict=True), FLOOR, family)
    random.shuffle(rows)
    other = fit_duration(*zip(*rows, strict=True), FLOOR, family)
    assert dict(other.parameters) == pytest.approx(dict(one.parameters), rel=1e-6)
    assert (other.n_stops, other.n_censored) == (one.n_stops, one.n_censored)


@fewer
@given(lengths)
def test_taking_the_longest_stop_as_a_lower_bound_raises_median_and_sigma(days):
    # At the top of the likelihood mu is the mean of the logarithms, that of the running stop
    # replaced by its expectation given the bound, which lies above the bound.
    whole = fit_duration(days).parameters
    bound = fit_duration(days, np.arange(len(days)) == np.argmax(days)).parameters
    assert all(bound[name] > value * (1.0 - 1e-9) for name, value in whole.items())


@fewer
@given(lengths)
def test_truncation_far_below_changes_nothing(days):
    plain = fit_duration(days)
    floor = plain.median_days * math.exp(-9.0 * plain.parameters["sigma"])
    below = fit_duration(days, truncated_below_days=min(floor, *days))
    assert dict(below.parameters) == pytest.approx(dict(plain.parameters), rel=1e-6)


@fewer
@given(st.integers(0, 1000))
def test_an_exponential_is_a_weibull_that_fits_no_better(seed):
    days, censored = catalogue("exponential", 30, seed)
    plain = fit_duration(days, censored, FLOOR, "exponential")
    freer = fit_duration(days, censored, FLOOR, "weibull")
    assert freer.log_likelihood >= plain.log_likelihood - 1e-8


@pytest.mark.parametrize("family", FAMILIES)
def test_predictive_length_keeps_the_mean_of_the_logarithm_and_adds_its_variance(family):
    days, censored = catalogue(family, 30, 2)
    fit = fit_duration(days, censored, FLOOR, family)
    # By simulation of the estimates' own normal distribution; moments of log(days) by quadrature.
    draws = np.random.default_rng(3).multivariate_normal(
        np.log(list(fit.parameters.values())), fit.covariance, size=4_000
    )

    def moments(values):
        u = (np.arange(2_000) + 0.5) / 2_000
        logs = np.log(by_scipy(family, values).isf(u))
        return logs.mean(), logs.var()

    names = list(fit.parameters)
    means = [moments(dict(zip(names, np.exp(row), strict=True)))[0] for row in draws[:1_000]]
    mean, variance = moments(fit.parameters)
    wide = fit.predictive
    u = (np.arange(2_000) + 0.5) / 2_000
    if family == "lognormal":
        logs = np.log(stats.lognorm(wide.sigma, scale=wide.median_days).isf(u))
    else:
        logs = np.log(stats.weibull_min(wide.shape, scale=wide.scale_days).isf(u))
    assert logs.mean() == pytest.approx(mean, abs=3e-3)
    # The variance of 1,000 draws has a relative error of 0.045; z < 4, and curvature besides.
    assert logs.var() - variance == pytest.approx(np.var(means), rel=0.25)


def test_new_stops_are_scored_under_the_predictive_length():
    days, censored = catalogue("weibull", 40, 1)
    fit = fit_duration(days, censored, FLOOR, "weibull")
    new = ([9.0, 30.0, 400.0], [False, True, False], FLOOR)
    assert fit.log_score(*new) == pytest.approx(log_score(fit.predictive, *new))
    assert fit.pit(*new) == pytest.approx(pit(fit.predictive, *new))


def test_log_likelihood_is_the_sum_of_scores_of_its_own_rows():
    for family in FAMILIES:
        days, censored = catalogue(family, 40, 1)
        fit = fit_duration(days, censored, FLOOR, family)
        scores = log_score(fit.duration, days, censored, FLOOR)
        assert scores.sum() == pytest.approx(fit.log_likelihood, rel=1e-10)
