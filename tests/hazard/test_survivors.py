"""Kaplan-Meier against scipy and by hand; goodness of fit against its own distribution."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.data.history import stops
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.fitting import fit_duration
from supplyrisk.hazard.survivors import goodness_of_fit, kaplan_meier

# Few different lengths, so that there are ties of ends and of stops still running.
rows = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=40).filter(
    lambda pairs: not all(flag for _, flag in pairs)
)
FREIREICH = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
FREIREICH_CENSORED = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def by_scipy(days, censored):
    data = stats.CensoredData(uncensored=days[~censored], right=days[censored])
    return stats.ecdf(data).sf


def split(pairs):
    return np.array([d for d, _ in pairs], float), np.array([c for _, c in pairs], bool)


# --- Published values and oracles ---------------------------------------------------------


def test_remissions_of_freireich_as_in_every_textbook():
    # Kalbfleisch and Prentice, table 1.1: 6-MP arm of Freireich et al. (1963).
    curve = kaplan_meier(FREIREICH, FREIREICH_CENSORED)
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for days, share in published.items():
        assert curve.at(days) == pytest.approx(share, abs=5e-4)
    assert curve.median_days == 23.0
    assert curve.n_at_risk[0] == 21
    assert curve.n_events[0] == 3


@given(rows)
def test_curve_is_that_of_scipy_to_the_last_digit(pairs):
    days, censored = split(pairs)
    curve, other = kaplan_meier(days, censored), by_scipy(days, censored)
    assert np.array_equal(curve.days, other.quantiles)
    if censored.any():
        assert np.array_equal(curve.survival, other.probabilities)
    else:  # scipy takes another formula when all have ended
        assert curve.survival == pytest.approx(other.probabilities, abs=1e-14)
    assert np.array_equal(curve.n_at_risk, other._n)
    assert np.array_equal(curve.n_events, other._d)


@given(rows, st.floats(0.3, 0.99))
def test_interval_is_the_exponential_greenwood_of_scipy(pairs, level):
    days, censored = split(pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy's is nan before the first end
        other = by_scipy(days, censored).confidence_interval(level, method="log-log")
    low, high = kaplan_meier(days, censored).interval(level)
    known = np.isfinite(other.low.probabilities)
    inside = (by_scipy(days, censored).probabilities > 0.0) & known
    assert low[inside] == pytest.approx(other.low.probabilities[inside], rel=1e-9, abs=1e-12)
    assert high[inside] == pytest.approx(other.high.probabilities[inside], rel=1e-9, abs=1e-12)
    assert np.all((low >= 0.0) & (low <= high) & (high <= 1.0))


@pytest.mark.verification
def test_curve_with_entries_agrees_with_lifelines():
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(2)
    entered = rng.uniform(0.0, 50.0, 200)
    true = entered + rng.exponential(60.0, 200)
    watched = entered + rng.uniform(1.0, 150.0, 200)
    days, censored = np.minimum(true, watched), true > watched
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = lifelines.KaplanMeierFitter().fit(days, ~censored, entry=entered)
        expected = other.survival_function_at_times(days).to_numpy()
    assert kaplan_meier(days, censored, entered).at(days) == pytest.approx(expected, abs=1e-10)


def test_truncation_of_each_row_worked_by_hand():
    # Ends at 2, 4, 6; the stop of 6 is watched from 3 on: at risk 2, 2, 1.
    curve = kaplan_meier([2.0, 4.0, 6.0], truncated_below_days=[0.0, 0.0, 3.0])
    assert curve.n_at_risk.tolist() == [2, 2, 1]
    assert curve.survival.tolist() == [0.5, 0.25, 0.0]


@given(rows)
def test_one_truncation_for_all_changes_nothing(pairs):
    days, censored = split(pairs)
    plain, cut = kaplan_meier(days, censored), kaplan_meier(days, censored, days.min())
    assert np.array_equal(plain.survival, cut.survival)
    assert np.array_equal(plain.n_at_risk, cut.n_at_risk)


@given(rows)
def test_curve_falls_from_one_only_where_stops_end(pairs):
    days, censored = split(pairs)
    curve = kaplan_meier(days, censored)
    falls = np.diff(curve.survival, prepend=1.0)
    assert np.all(falls <= 0.0)
    assert np.array_equal(falls < 0.0, curve.n_events > 0)
    assert curve.at(0.0) == 1.0
    assert curve.at([curve.days[0], math.inf]).tolist() == [curve.survival[0], curve.survival[-1]]


def test_curve_of_truncated_stops_is_that_of_the_long_ones():
    # 4,000 lognormal stops of more than 7 d: S(d) / S(7) within four standard errors.
    true = stats.lognorm(1.2, scale=30.0)
    rng = np.random.default_rng(3)
    length = true.isf(rng.random(4_000) * true.sf(7.0))
    watched = rng.uniform(7.0, 400.0, 4_000)
    curve = kaplan_meier(np.minimum(length, watched), length > watched, 7.0)
    for days in (10.0, 30.0, 100.0):
        share = true.sf(days) / true.sf(7.0)
        assert abs(curve.at(days) - share) < 4.0 * math.sqrt(share * (1.0 - share) / 2_000)


def test_median_is_infinite_where_more_than_half_outlast_all():
    assert kaplan_meier([5.0, 9.0, 9.0], [False, True, True]).median_days == math.inf


@pytest.mark.parametrize(
    ("days", "censored", "rule"),
    [
        ([], None, "at least 1 stops that have ended"),
        ([3.0, 4.0], [True, True], "at least 1 stops that have ended"),
        ([-3.0, 4.0], None, "finite numbers above 0"),
        ([math.nan, 4.0], None, "finite numbers above 0"),
        ([3.0, 4.0], [True], "censored alike"),
    ],
)
def test_rows_that_are_none_are_refused(days, censored, rule):
    with pytest.raises(InvalidInputError, match=rule):
        kaplan_meier(days, censored)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(InvalidInputError, match="level must lie in"):
        kaplan_meier([3.0, 4.0]).interval(level)


# --- Goodness of fit ----------------------------------------------------------------------


def simulated(n, seed, length, floor=7.0):
    rng = np.random.default_rng(seed)
    true = length.isf(rng.random(n) * length.sf(floor))
    watched = floor + rng.uniform(0.0, 320.0, n)
    return np.minimum(true, watched), true > watched


def test_without_censoring_the_distance_is_that_of_kolmogorov_and_smirnov():
    days = np.random.default_rng(1).exponential(30.0, 50)
    fit = fit_duration(days, family="exponential")
    result = goodness_of_fit(fit, n_samples=10, rng=np.random.default_rng(2))
    by_scipy = stats.kstest(days, stats.expon(scale=days.mean()).cdf).statistic
    assert result.distance == pytest.approx(by_scipy, abs=1e-9)
    assert result.residuals == pytest.approx(days / days.mean(), rel=1e-9)


def test_without_censoring_the_p_value_is_that_of_lilliefors():
    # Lilliefors (1969), exponential of unknown mean, n = 20: the 5 % point is 0.234.
    critical = 0.234
    rng = np.random.default_rng(5)
    near = []
    for seed in range(200):
        days = np.random.default_rng(seed).exponential(1.0, 20)
        fit = fit_duration(days, family="exponential")
        distance = stats.kstest(days, stats.expon(scale=days.mean()).cdf).statistic
        if abs(distance - critical) < 0.004:
            near.append(goodness_of_fit(fit, n_samples=2_000, rng=rng).p_value)
    assert near
    # 2,000 samples: standard error 0.005; the window of distances adds 0.01.
    assert np.mean(near) == pytest.approx(0.05, abs=0.02)


def p_values(n_catalogues, n_samples, fitted, true, n_stops=60):
    return np.array(
        [
            goodness_of_fit(
                fit_duration(*simulated(n_stops, seed, true), 7.0, fitted),
                n_samples=n_samples,
                rng=np.random.default_rng(seed),
            ).p_value
            for seed in range(n_catalogues)
        ]
    )


def test_p_values_of_the_right_family_are_not_small():
    # 25 uniform values: their mean has a standard error of 0.058; |z| < 4.
    p = p_values(25, 99, "lognormal", stats.lognorm(1.2, scale=60.0), n_stops=40)
    assert p.mean() == pytest.approx(0.5, abs=4.0 * 0.058)


def test_an_exponential_is_refused_for_lognormal_stops():
    p = p_values(5, 99, "exponential", stats.lognorm(1.6, scale=40.0), n_stops=100)
    assert np.median(p) < 0.05


@pytest.mark.verification
@pytest.mark.parametrize(
    ("family", "true"),
    [
        ("lognormal", stats.lognorm(1.2, scale=60.0)),
        ("weibull", stats.weibull_min(0.8, scale=90.0)),
        ("exponential", stats.expon(scale=100.0)),
    ],
)
def test_p_values_of_the_right_family_are_uniform(family, true):
    # Kolmogorov-Smirnov on 200 catalogues, 30 % of the stops still running.
    p = p_values(200, 199, family, true)
    assert stats.kstest(p, stats.uniform.cdf).pvalue > 1e-3
    # 5 % tests: standard error 0.0154.
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=4.0 * 0.0154)


def test_the_catalogue_refuses_an_exponential_and_not_a_lognormal():
    table = stops()
    held = table["duration_days"].to_numpy(), table["censored"].to_numpy()
    p = {
        family: goodness_of_fit(
            fit_duration(*held, 7.0, family), n_samples=200, rng=np.random.default_rng(0)
        ).p_value
        for family in ("lognormal", "exponential")
    }
    assert p["exponential"] < 0.01
    assert p["lognormal"] > 0.05


def test_same_seed_same_result_and_rows_of_their_own_truncation_are_taken():
    days, censored = simulated(30, 1, stats.lognorm(1.0, scale=50.0))
    fit = fit_duration(days, censored, np.where(np.arange(30) % 2, 7.0, 0.0))
    one, other = (
        goodness_of_fit(fit, n_samples=20, rng=np.random.default_rng(4)) for _ in range(2)
    )
    assert one.p_value == other.p_value
    assert one.n_samples == 20


@pytest.mark.parametrize("n_samples", [0, 2.5, -1, True])
def test_a_number_of_samples_that_is_none_is_refused(n_samples):
    fit = fit_duration([10.0, 20.0, 30.0])
    with pytest.raises(InvalidInputError, match="n_samples must be a whole number >= 1"):
        goodness_of_fit(fit, n_samples=n_samples, rng=np.random.default_rng(1))
