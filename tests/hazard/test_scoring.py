"""Log scores and probability integral transforms against scipy, then their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.scoring import log_score, pit, pit_histogram
from supplyrisk.model.duration import Duration

LOGNORMAL = Duration.lognormal(median_days=40.0, sigma=1.3)
WEIBULL = Duration.weibull(shape=0.7, scale_days=90.0)
EXPONENTIAL = Duration.exponential(mean_days=30.0)
BY_SCIPY = {
    LOGNORMAL: stats.lognorm(1.3, scale=40.0),
    WEIBULL: stats.weibull_min(0.7, scale=90.0),
    EXPONENTIAL: stats.expon(scale=30.0),
}
MIXTURE = Duration.mixture(((0.25, LOGNORMAL), (0.75, EXPONENTIAL)))
DAYS = [7.0, 12.0, 40.0, 300.0, 2_000.0]
CENSORED = [False, True, False, True, False]


@pytest.mark.parametrize("duration", BY_SCIPY, ids=lambda each: each.family)
@pytest.mark.parametrize("floor", [None, 7.0])
def test_scores_are_densities_and_survivals_of_scipy(duration, floor):
    other = BY_SCIPY[duration]
    rows = np.where(CENSORED, other.logsf(DAYS), other.logpdf(DAYS))
    expected = rows - other.logsf(floor or 0.0)
    assert log_score(duration, DAYS, CENSORED, floor) == pytest.approx(expected, rel=1e-10)
    lowest = 1.0 - other.sf(DAYS) / other.sf(floor or 0.0)
    assert pit(duration, DAYS, CENSORED, floor)[:, 0] == pytest.approx(lowest, abs=1e-12)


def test_a_mixture_has_the_weighted_density():
    density = 0.25 * BY_SCIPY[LOGNORMAL].pdf(DAYS) + 0.75 * BY_SCIPY[EXPONENTIAL].pdf(DAYS)
    alive = 0.25 * BY_SCIPY[LOGNORMAL].sf(DAYS) + 0.75 * BY_SCIPY[EXPONENTIAL].sf(DAYS)
    assert log_score(MIXTURE, DAYS) == pytest.approx(np.log(density), rel=1e-10)
    assert log_score(MIXTURE, DAYS, [True] * 5) == pytest.approx(np.log(alive), rel=1e-10)


@pytest.mark.parametrize("duration", [*BY_SCIPY, MIXTURE], ids=lambda each: each.family)
def test_density_beyond_the_truncation_is_one_in_all(duration):
    whole, _ = integrate.quad(
        lambda log: math.exp(log + log_score(duration, [math.exp(log)], None, 7.0)[0]),
        math.log(7.0),
        16.0,
        limit=400,
    )
    assert whole == pytest.approx(1.0, abs=1e-4)


def test_scores_reach_far_into_the_tail():
    # exp(-1e5) is below every float; its logarithm is not.
    assert log_score(EXPONENTIAL, [3e6], [True])[0] == pytest.approx(-1e5)
    assert np.isfinite(log_score(LOGNORMAL, [1e200], [True], 1e199)).all()


@given(st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_no_length_scores_better_on_average_than_the_true_one(true, other):
    # Exponential: E[log f_b] = -log b - a / b, at most -log a - 1.
    days = stats.expon(scale=true).ppf((np.arange(4_000) + 0.5) / 4_000)
    best = log_score(Duration.exponential(mean_days=days.mean()), days).mean()
    assert log_score(Duration.exponential(mean_days=other), days).mean() <= best + 1e-9


def test_transforms_of_the_true_length_fill_the_bins_evenly():
    # 20,000 stops, 10 bins: standard error 0.0021 or less (spread rows vary less); |z| < 4.
    rng = np.random.default_rng(9)
    other = BY_SCIPY[WEIBULL]
    true = other.isf(rng.random(20_000) * other.sf(7.0))
    watched = 7.0 + rng.exponential(100.0, 20_000)
    transform = pit(WEIBULL, np.minimum(true, watched), true > watched, 7.0)
    assert pit_histogram(transform) == pytest.approx(np.full(10, 0.1), abs=4 * 0.0022)
    narrow = pit(Duration.weibull(shape=1.4, scale_days=90.0), true, None, 7.0)
    shares = pit_histogram(narrow)
    assert shares[0] > 0.13
    assert shares[-1] > 0.13


@given(
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(sorted), min_size=1),
    st.integers(1, 30),
)
def test_shares_of_the_bins_sum_to_one(transform, n_bins):
    shares = pit_histogram(transform, n_bins)
    assert shares.shape == (n_bins,)
    assert np.all(shares >= -1e-12)
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "duration",
    [
        Duration.fixed(days=3.0),
        Duration.empirical(days=(1.0, 2.0)),
        Duration.lognormal(median_days=3.0, sigma=1.0, max_days=90.0),
        Duration.mixture(((0.5, EXPONENTIAL), (0.5, Duration.fixed(days=3.0)))),
    ],
    ids=["fixed", "empirical", "capped", "mixture with a fixed part"],
)
def test_a_length_without_density_is_refused(duration):
    for each in (log_score, pit):
        with pytest.raises(InvalidInputError, match="duration must"):
            each(duration, [10.0])


def test_what_is_no_length_is_refused():
    with pytest.raises(TypeError, match="duration must be of the class Duration"):
        log_score(30.0, [10.0])


@pytest.mark.parametrize(("days", "floor"), [([], None), ([-1.0], None), ([5.0], 7.0)])
def test_rows_that_are_none_are_refused(days, floor):
    with pytest.raises(InvalidInputError):
        log_score(LOGNORMAL, days, None, floor)


@pytest.mark.parametrize(
    ("transform", "n_bins"),
    [([], 10), ([0.1, 0.2], 10), ([[0.3, 0.2]], 10), ([[0.1, 1.2]], 10), ([[0.1, 0.1]], 0)],
)
def test_a_transform_that_is_none_is_refused(transform, n_bins):
    with pytest.raises(InvalidInputError):
        pit_histogram(transform, n_bins)
