"""Three families of lengths: closed forms, a slow likelihood, lifelines, recovery and laws."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from supplyrisk.data.history import stops
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.fitting import fit_duration
from supplyrisk.hazard.scoring import log_score, pit

fewer = settings(max_examples=settings().max_examples // 8)

FAMILIES = ("lognormal", "weibull", "exponential")
TRUE = {
    "lognormal": {"median_days": 60.0, "sigma": 1.2},
    "weibull": {"shape": 0.8, "scale_days": 90.0},
    "exponential": {"mean_days": 100.0},
}
FLOOR = 7.0
# Watched for up to so many days beyond the truncation, 30 % of the stops are still running then.
WATCHED_UP_TO = {
    0.0: {"lognormal": 325.67, "weibull": 303.24, "exponential": 319.71},
    FLOOR: {"lognormal": 312.40, "weibull": 328.23, "exponential": 319.71},
    30.0: {"lognormal": 349.34, "weibull": 362.21, "exponential": 319.71},
}
LOG_TWO = math.log(2.0)
# Spread out enough to keep the estimates away from the edges of what the fit allows.
lengths = st.lists(st.floats(2.0, 5_000.0), min_size=4, max_size=40).filter(
    lambda days: 0.2 < np.log(days).std() < 3.0
)


def by_scipy(family, values):
    if family == "lognormal":
        return stats.lognorm(values["sigma"], scale=values["median_days"])
    if family == "weibull":
        return stats.weibull_min(values["shape"], scale=values["scale_days"])
    return stats.expon(scale=values["mean_days"])


def catalogue(family, n, seed, floor=FLOOR):
    """Stops of a family, left-truncated, about 30 % of them still running."""
    rng = np.random.default_rng([seed, n])
    length = by_scipy(family, TRUE[family])
    true = length.isf(rng.random(n) * length.sf(floor))
    watched = floor + rng.random(n) * WATCHED_UP_TO[floor][family]
    return np.minimum(true, watched), true > watched


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
