"""Three families of lengths: closed forms, a slow likelihood, lifelines, and what is refused."""

import math
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from scipy import optimize, stats

from supplyrisk.data.history import stops
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.fitting import fit_duration

STOPS = runpy.run_path(str(Path(__file__).with_name("stop_catalogues.py")))
FAMILIES, TRUE, FLOOR, LOG_TWO = (STOPS[name] for name in ("FAMILIES", "TRUE", "FLOOR", "LOG_TWO"))
lengths, by_scipy, catalogue = (STOPS[name] for name in ("lengths", "by_scipy", "catalogue"))


def slow_value(family, values, days, censored, floor):
    length = by_scipy(family, values)
    rows = np.where(censored, length.logsf(days), length.logpdf(days))
    return float((rows - length.logsf(floor)).sum())


def slow_best(family, start, days, censored, floor, fixed=None):
    """Top of the slow likelihood, over all parameters but those held fixed."""
    held = dict(fixed or {})
    names = [name for name in start if name not in held]

    def loss(logs):
        values = {**held, **dict(zip(names, np.exp(logs), strict=True))}
        return -slow_value(family, {n: values[n] for n in start}, days, censored, floor)

    if not names:
        return -loss([]), held
    found = optimize.minimize(
        loss,
        np.log([start[name] for name in names]),
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 4_000, "maxfev": 4_000},
    )
    return -found.fun, dict(zip(names, np.exp(found.x), strict=True))


# --- Closed forms -------------------------------------------------------------------------


def test_lognormal_of_three_stops_worked_by_hand():
    # Logarithms ln 10, 2 ln 10, 3 ln 10: their mean is 2 ln 10, their variance 2/3 ln^2 10.
    fit = fit_duration([10, 100, 1000])
    sigma = math.log(10.0) * math.sqrt(2.0 / 3.0)
    assert dict(fit.parameters) == pytest.approx({"median_days": 100.0, "sigma": sigma}, rel=1e-9)
    # Fisher information of a normal sample: n / sigma^2 of its mean, 2 n of log sigma.
    assert fit.covariance == pytest.approx(np.diag([sigma**2 / 3.0, 1.0 / 6.0]), abs=1e-9)
    assert (fit.n_stops, fit.n_censored) == (3, 0)


@given(lengths)
def test_without_censoring_a_lognormal_is_mean_and_deviation_of_the_logarithms(days):
    fit, logs = fit_duration(days), np.log(days)
    assert math.log(fit.median_days) == pytest.approx(logs.mean(), abs=1e-6)
    assert fit.parameters["sigma"] == pytest.approx(logs.std(), rel=1e-6)
    assert fit.predictive.median_days == fit.median_days
    # The uncertain mean of the logarithms adds its variance, sigma^2 / n.
    variance = fit.parameters["sigma"] ** 2 * (1.0 + 1.0 / len(days))
    assert fit.predictive.sigma**2 == pytest.approx(variance, rel=1e-6)


def test_exponential_fit_is_days_beyond_the_truncation_over_ends():
    # What is left of an exponential above L is the same exponential: mean = sum(d - L) / ends.
    days, censored = [17.0, 27.0, 37.0, 107.0], [False, True, False, False]
    fit = fit_duration(days, censored, FLOOR, family="exponential")
    assert fit.duration.mean_days == pytest.approx(160.0 / 3.0, rel=1e-9)
    assert fit.log_likelihood == pytest.approx(-3.0 * math.log(160.0 / 3.0) - 3.0, rel=1e-12)
    assert fit.aic == pytest.approx(2.0 - 2.0 * fit.log_likelihood)
    # The logarithm of an exponential mean has information n, whatever the mean.
    assert fit.covariance == pytest.approx(np.array([[1.0 / 3.0]]), rel=1e-9)
    assert fit.median_days == pytest.approx(160.0 / 3.0 * LOG_TWO, rel=1e-9)


def test_interval_of_an_exponential_mean_solves_its_likelihood_ratio():
    # n (log(m / m0) + m0 / m - 1) = chi2(0.9; 1) / 2 with n ends and estimate m0.
    fit = fit_duration([10.0, 20.0, 30.0, 40.0, 50.0], family="exponential")
    ends = fit.interval(0.9, "mean_days")
    for mean in ends:
        ratio = 30.0 / mean
        fallen = 5.0 * (-math.log(ratio) + ratio - 1.0)
        assert fallen == pytest.approx(stats.chi2(1).ppf(0.9) / 2.0, rel=1e-6)
    assert ends[0] < 30.0 < ends[1]
    assert fit.interval(0.9) == pytest.approx([LOG_TWO * end for end in ends], rel=1e-6)


def test_interval_of_a_lognormal_median_without_censoring_is_in_closed_form():
    # The profile over sigma: n/2 log(1 + (mean - mu)^2 / s^2) = chi2 / 2.
    days = stats.lognorm(1.3, scale=40.0).rvs(12, random_state=4)
    fit, logs = fit_duration(days), np.log(days)
    half = logs.std() * math.sqrt(math.expm1(stats.chi2(1).ppf(0.8) / 12))
    expected = np.exp([logs.mean() - half, logs.mean() + half])
    assert fit.interval(0.8) == pytest.approx(expected, rel=1e-6)


# --- Oracles ------------------------------------------------------------------------------


@pytest.mark.parametrize("running", [False, True])
def test_lognormal_fit_is_that_of_scipy(running):
    days, censored = catalogue("lognormal", 150, 5, floor=0.0)
    censored &= running
    data = stats.CensoredData(uncensored=days[~censored], right=days[censored])
    sigma, _, median = stats.lognorm.fit(data, floc=0.0)
    fit = fit_duration(days, censored)
    assert tuple(fit.parameters.values()) == pytest.approx((median, sigma), rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("floor", "seed"), [(0.0, 0), (FLOOR, 1), (30.0, 2)])
def test_every_family_is_the_top_of_the_slow_likelihood(family, floor, seed):
    days, censored = catalogue(family, 60, seed, floor)
    fit = fit_duration(days, censored, floor, family)
    best, values = slow_best(family, TRUE[family], days, censored, floor)
    assert fit.log_likelihood == pytest.approx(best, abs=1e-7)
    assert dict(fit.parameters) == pytest.approx(values, rel=1e-4)
    assert (fit.n_stops, fit.n_censored, fit.on_edge) == (60, int(censored.sum()), False)


def test_no_point_of_a_grid_is_likelier_than_the_fit():
    days = np.array([8.0, 10.0, 19.0, 33.0, 45.0, 64.0, 120.0, 277.0, 850.0, 1450.0])
    censored = np.arange(10) > 7
    fit = fit_duration(days, censored, FLOOR)
    grid = [
        slow_value("lognormal", {"median_days": median, "sigma": sigma}, days, censored, FLOOR)
        for median in np.geomspace(1.0, 2_000.0, 40)
        for sigma in np.linspace(0.3, 4.0, 25)
    ]
    assert fit.log_likelihood >= max(grid)


@pytest.mark.parametrize("family", FAMILIES)
def test_truncation_row_by_row_is_that_of_the_slow_likelihood(family):
    days, censored = catalogue(family, 60, 5)
    floor = np.where(np.arange(60) % 2, FLOOR, 0.0)
    fit = fit_duration(days, censored, floor, family)

    best, values = slow_best(family, TRUE[family], days, censored, floor)
    assert fit.log_likelihood == pytest.approx(best, abs=1e-7)
    assert dict(fit.parameters) == pytest.approx(values, rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_intervals_lie_where_the_slow_profile_has_fallen(family):
    days, censored = catalogue(family, 40, 1)
    fit = fit_duration(days, censored, FLOOR, family)
    drop = stats.chi2(1).ppf(0.9) / 2.0
    for name in TRUE[family]:
        for end in fit.interval(0.9, name):
            reached, _ = slow_best(
                family, dict(fit.parameters), days, censored, FLOOR, fixed={name: end}
            )
            assert fit.log_likelihood - reached == pytest.approx(drop, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_covariance_is_the_inverse_of_the_slow_curvature(family):
    days, censored = catalogue(family, 60, 3)
    fit = fit_duration(days, censored, FLOOR, family)
    names, h = list(fit.parameters), 1e-3
    top = np.log(list(fit.parameters.values()))

    def value(shift):
        logs = top + h * np.asarray(shift)
        return slow_value(
            family, dict(zip(names, np.exp(logs), strict=True)), days, censored, FLOOR
        )

    unit = np.eye(len(names))
    curvature = [
        [-(value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4 * h * h) for b in unit]
        for a in unit
    ]
    assert np.linalg.inv(curvature) == pytest.approx(fit.covariance, rel=1e-3, abs=1e-6)


@pytest.mark.verification
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("truncated", [False, True])
def test_censored_fits_agree_with_lifelines(family, truncated):
    lifelines = pytest.importorskip("lifelines")
    days, censored = catalogue(family, 80, 8, floor=FLOOR if truncated else 0.0)
    fit = fit_duration(days, censored, FLOOR if truncated else None, family)
    kind = {
        "lognormal": lifelines.LogNormalFitter,
        "weibull": lifelines.WeibullFitter,
        "exponential": lifelines.ExponentialFitter,
    }[family]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = kind().fit(days, ~censored, entry=np.full(80, FLOOR) if truncated else None)
    expected = {
        "lognormal": lambda: {"median_days": math.exp(other.mu_), "sigma": other.sigma_},
        "weibull": lambda: {"shape": other.rho_, "scale_days": other.lambda_},
        "exponential": lambda: {"mean_days": other.lambda_},
    }[family]()
    assert dict(fit.parameters) == pytest.approx(expected, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(other.log_likelihood_, abs=1e-4)
    assert fit.aic == pytest.approx(other.AIC_, abs=2e-4)


# --- The bundled catalogue ----------------------------------------------------------------


def test_stops_of_the_catalogue_are_lognormal_rather_than_exponential_by_40_aic():
    rows = stops()
    aic = {
        family: fit_duration(
            rows["duration_days"].to_numpy(), rows["censored"].to_numpy(), FLOOR, family
        ).aic
        for family in FAMILIES
    }
    assert aic["exponential"] - aic["lognormal"] >= 40.0
    assert aic["exponential"] - aic["weibull"] >= 40.0


# --- Bad input to fit_duration ------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("days", "censored", "floor", "rule"),
    [
        ([10.0, -3.0, 30.0], None, None, "finite numbers above 0"),
        ([10.0, 0.0, 30.0], None, None, "finite numbers above 0"),
        ([10.0, math.nan, 30.0], None, None, "finite numbers above 0"),
        ([10.0, math.inf, 30.0], None, None, "finite numbers above 0"),
        ([10.0, 20.0, 30.0], [True] * 3, None, "stops that have ended"),
        ([], None, None, "stops that have ended"),
        ([[10.0, 20.0]], None, None, r"must be \(n_stops,\)"),
        (5.0, None, None, r"must be \(n_stops,\)"),
        ([10.0, 20.0], [False], None, "censored alike"),
        ([10.0, 20.0], [[True, False]], None, "censored alike"),
        ([5.0, 20.0, 30.0], None, 7.0, "from 0 to the shortest stop"),
        ([10.0, 20.0, 30.0], None, -1.0, "from 0 to the shortest stop"),
        ([10.0, 20.0, 30.0], None, math.nan, "from 0 to the shortest stop"),
        ([10.0, 20.0, 30.0], None, math.inf, "from 0 to the shortest stop"),
        ([10.0, 20.0, 30.0], None, [7.0, 7.0, 40.0], "from 0 to the length of its stop"),
        ([10.0, 20.0, 30.0], None, [7.0, 7.0], "one for each stop"),
        ([10.0, 20.0, 30.0], [False, math.nan, False], None, "true or false for each stop"),
        ([10.0, 20.0, 30.0], [None, True, False], None, "true or false for each stop"),
        (["ten", "twenty"], None, None, "must be numbers"),
        ([10.0, 20.0], None, "seven", "must be numbers"),
    ],
)
def test_rows_that_are_none_are_refused(family, days, censored, floor, rule):
    with pytest.raises(InvalidInputError, match=rule):
        fit_duration(days, censored, floor, family)


@pytest.mark.parametrize(("days", "censored"), [([10.0], None), ([10.0, 20.0], [True, False])])
def test_one_stop_that_ended_is_enough_for_an_exponential_only(days, censored):
    for family in ("lognormal", "weibull"):
        with pytest.raises(InvalidInputError, match="at least 2 stops that have ended, got 1"):
            fit_duration(days, censored, None, family)
    assert fit_duration(days, censored, None, "exponential").n_stops == len(days)


def test_a_stop_as_long_as_the_truncation_is_taken():
    assert fit_duration([7.0, 20.0, 90.0], truncated_below_days=7.0).n_stops == 3


def test_an_unknown_family_is_refused_with_the_one_that_is_near():
    with pytest.raises(InvalidInputError, match="did you mean 'weibull'"):
        fit_duration([10.0, 20.0], family="weibul")


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, math.nan, True, "0.9"])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(InvalidInputError, match=r"level must lie in \(0, 1\)"):
        fit_duration([10.0, 20.0]).interval(level)


def test_a_quantity_of_another_family_is_refused():
    with pytest.raises(InvalidInputError, match="quantity must be one of median_days, sigma"):
        fit_duration([10.0, 20.0]).interval(0.9, "shape")


def test_rows_that_hold_no_estimate_say_so():
    # All stops close above the truncation, one far: a power law, not a lognormal.
    fit = fit_duration([7.1, 7.2, 7.4, 7.9, 9.0, 14.0, 60.0, 9_000.0], truncated_below_days=7.0)
    assert fit.on_edge
    assert fit.interval(0.9)[0] == 0.0


def test_a_truncation_of_one_row_at_a_time_means_what_it_says():
    # A stop watched only from 100 days on says nothing of whether stops reach 100 days.
    days = [8.0, 12.0, 20.0, 35.0, 50.0]
    without = fit_duration(days, truncated_below_days=7.0)
    late = fit_duration([*days, 100.0], [*[False] * 5, True], [*[7.0] * 5, 100.0])
    assert dict(late.parameters) == pytest.approx(dict(without.parameters), rel=1e-6)
