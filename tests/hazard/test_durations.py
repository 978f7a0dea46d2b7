"""Lengths of outages against scipy.stats and quadrature, then against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtri

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import durations, residual_life
from supplyrisk.model.duration import Duration

BISIE = Duration.lognormal(median_days=136, sigma=1.81)
CONFLICT = Duration.lognormal(median_days=121, sigma=1.75)

# (duration, the same distribution by scipy)
CONTINUOUS = [
    (CONFLICT, stats.lognorm(1.75, scale=121)),
    (Duration.lognormal(median_days=30, sigma=0.2), stats.lognorm(0.2, scale=30)),
    (Duration.weibull(shape=0.6, scale_days=45), stats.weibull_min(0.6, scale=45)),
    (Duration.weibull(shape=2.5, scale_days=45), stats.weibull_min(2.5, scale=45)),
    (Duration.exponential(mean_days=20), stats.expon(scale=20)),
]
NAMES = ["wide lognormal", "narrow lognormal", "falling weibull", "rising weibull", "exponential"]
DAYS = np.array([0.0, 0.01, 1.0, 7.0, 33.0, 90.0, 365.0, 1500.0])
LAST_UNIFORM = np.nextafter(1.0, 0.0)  # the largest number that Generator.random returns

both = pytest.mark.parametrize(("duration", "oracle"), CONTINUOUS, ids=NAMES)

days = st.floats(0.1, 1000.0)
spreads = st.floats(0.1, 2.5)
simple = st.one_of(
    st.builds(lambda m, s: Duration.lognormal(median_days=m, sigma=s), days, spreads),
    st.builds(lambda k, s: Duration.weibull(shape=k, scale_days=s), st.floats(0.4, 3.0), days),
    st.builds(lambda m: Duration.exponential(mean_days=m), days),
)
lumpy = st.one_of(
    st.builds(lambda d: Duration.fixed(days=d), days),
    st.builds(lambda d: Duration.empirical(days=tuple(d)), st.lists(days, min_size=1, max_size=6)),
)
mixed = st.builds(
    lambda w, a, b: Duration.mixture(((w, a), (1.0 - w, b))), st.floats(0.05, 0.95), simple, lumpy
)
any_duration = st.one_of(simple, lumpy, mixed)


def uniforms(duration, n, seed=7):
    return np.random.default_rng(seed).random((n, durations.n_uniforms(duration)))


# --- Published distributions --------------------------------------------------------------


@both
def test_survival_is_that_of_scipy(duration, oracle):
    np.testing.assert_allclose(durations.survival(duration, DAYS), oracle.sf(DAYS), rtol=1e-12)


@both
def test_limited_mean_is_the_integral_of_survival(duration, oracle):
    # E[min(D, d)] = integral_0^d S(x) dx.
    for limit in DAYS:
        expected = integrate.quad(oracle.sf, 0.0, limit, epsabs=1e-11, epsrel=1e-11, limit=400)[0]
        assert durations.limited_mean(duration, limit) == pytest.approx(expected, rel=1e-8)


@both
def test_draws_invert_the_survival_function(duration, oracle):
    u = np.array([1e-12, 0.01, 0.5, 0.9, 0.999])
    drawn = durations.draw(duration, u[:, np.newaxis])
    np.testing.assert_allclose(drawn, oracle.isf(u), rtol=1e-10)


@both
def test_draws_follow_the_distribution(duration, oracle):
    sample = durations.draw(duration, uniforms(duration, 20_000))
    assert stats.kstest(sample, oracle.cdf).pvalue > 1e-4


@both
def test_draws_given_elapsed_follow_the_conditional_distribution(duration, oracle):
    elapsed = float(oracle.isf(0.3))
    sample = durations.draw(duration, uniforms(duration, 20_000), elapsed_days=elapsed)

    def conditional(x):
        return 1.0 - oracle.sf(np.maximum(x, elapsed)) / oracle.sf(elapsed)

    assert stats.kstest(sample, conditional).pvalue > 1e-4


def test_uniform_zero_gives_a_finite_length():
    for duration, _ in CONTINUOUS:
        assert np.isfinite(durations.draw(duration, np.zeros((1, 1)))).all()


def test_lognormal_mean_matches_closed_form():
    # E[D] = median exp(sigma^2 / 2); the limit is far beyond the last draw that matters.
    duration = Duration.lognormal(median_days=30, sigma=0.5)
    assert durations.limited_mean(duration, 1e7) == pytest.approx(30 * math.exp(0.125), rel=1e-12)


# --- Lumps: fixed, empirical, caps --------------------------------------------------------


def test_fixed_length_is_a_step():
    duration = Duration.fixed(days=33)
    assert durations.survival(duration, [0, 32.999, 33, 34]).tolist() == [1, 1, 0, 0]
    assert durations.limited_mean(duration, [0, 10, 33, 50]).tolist() == [0, 10, 33, 33]
    assert (durations.draw(duration, uniforms(duration, 50)) == 33).all()


def test_empirical_length_is_one_of_those_observed():
    observed = (7.0, 7.0, 30.0, 100.0)
    duration = Duration.empirical(days=observed)
    assert durations.survival(duration, [0, 7, 29, 30, 100]).tolist() == [1, 0.5, 0.5, 0.25, 0]
    assert durations.limited_mean(duration, 20.0) == pytest.approx((7 + 7 + 20 + 20) / 4)
    u = (np.arange(400) + 0.5)[:, np.newaxis] / 400
    drawn, count = np.unique(durations.draw(duration, u), return_counts=True)
    assert dict(zip(drawn, count, strict=True)) == {7.0: 200, 30.0: 100, 100.0: 100}
    later, count = np.unique(durations.draw(duration, u, elapsed_days=10), return_counts=True)
    assert dict(zip(later, count, strict=True)) == {30.0: 200, 100.0: 200}


def test_cap_moves_the_tail_to_the_cap():
    capped = Duration.lognormal(median_days=121, sigma=1.75, max_days=365)
    oracle = stats.lognorm(1.75, scale=121)
    assert durations.survival(capped, 364.99) == pytest.approx(oracle.sf(364.99))
    assert durations.survival(capped, 365.0) == 0.0
    assert durations.limited_mean(capped, 5000.0) == durations.limited_mean(CONFLICT, 365.0)
    sample = durations.draw(capped, uniforms(capped, 20_000))
    assert sample.max() == 365.0
    at_cap, p = (sample == 365.0).mean(), oracle.sf(365.0)
    assert abs(at_cap - p) < 4.0 * math.sqrt(p * (1 - p) / 20_000)


# --- Mixtures -----------------------------------------------------------------------------

SHORT_OR_LONG = Duration.mixture(
    (
        (0.7, Duration.exponential(mean_days=10)),
        (0.3, Duration.lognormal(median_days=200, sigma=0.8, max_days=900)),
    )
)


@pytest.mark.parametrize("elapsed", [0.0, 33.0, 120.0])
def test_mixture_draws_match_its_survival(elapsed):
    n = 200_000
    sample = durations.draw(SHORT_OR_LONG, uniforms(SHORT_OR_LONG, n), elapsed_days=elapsed)
    alive = durations.survival(SHORT_OR_LONG, elapsed)
    for day in elapsed + np.array([2.0, 10.0, 50.0, 200.0, 600.0]):
        p = float(durations.survival(SHORT_OR_LONG, day) / alive)
        z = ((sample > day).mean() - p) / math.sqrt(p * (1.0 - p) / n)
        assert abs(z) < 4.0


def test_mixture_forgets_the_part_that_would_be_over():
    # Bayes: weight of the long part after 33 days, 0.3 S_long / (0.7 S_short + 0.3 S_long).
    short, long = math.exp(-3.3), stats.lognorm(0.8, scale=200).sf(33)
    expected = 0.7 * short + 0.3 * long
    assert durations.survival(SHORT_OR_LONG, 33.0) == pytest.approx(expected, rel=1e-12)
    life = residual_life(SHORT_OR_LONG, elapsed_days=33)
    weight = 0.3 * long / expected
    assert weight > 0.9
    after = (1 - weight) * math.exp(-2) + weight * stats.lognorm(0.8, scale=200).sf(53) / long
    assert life.probability_over_within(20) == pytest.approx(1 - after, rel=1e-12)


def test_nested_mixture_takes_one_more_uniform():
    nested = Duration.mixture(((0.5, SHORT_OR_LONG), (0.5, Duration.fixed(days=5))))
    assert durations.n_uniforms(nested) == 3
    n = 100_000
    sample = durations.draw(nested, uniforms(nested, n))
    p = float(durations.survival(nested, 20.0))
    assert abs((sample > 20.0).mean() - p) < 4.0 * math.sqrt(p * (1 - p) / n)


# --- Residual life ------------------------------------------------------------------------


@pytest.mark.parametrize("elapsed", [0.0, 7.0, 33.0, 597.0])
@pytest.mark.parametrize("p", [0.05, 0.22, 0.5, 0.95])
def test_residual_quantile_of_lognormal_matches_closed_form(elapsed, p):
    # t + d = m exp(s Phi^-1(1 - (1 - p) S(t))).
    alive = stats.norm.sf(np.log(elapsed / 136) / 1.81) if elapsed else 1.0
    expected = 136 * math.exp(-1.81 * ndtri((1 - p) * alive)) - elapsed
    life = residual_life(BISIE, elapsed_days=elapsed)
    assert life.quantile(p) == pytest.approx(expected, rel=1e-9)
    assert life.probability_over_within(expected) == pytest.approx(p, rel=1e-9)


def test_median_is_the_half_quantile():
    life = residual_life(BISIE, elapsed_days=7)
    assert life.median_days == life.quantile(0.5)
    assert residual_life(BISIE, elapsed_days=0).median_days == pytest.approx(136, rel=1e-12)


@given(st.floats(0.0, 200.0), st.floats(0.0, 500.0))
def test_exponential_remembers_nothing(elapsed, ahead):
    fresh = residual_life(Duration.exponential(mean_days=20), elapsed_days=0)
    later = residual_life(Duration.exponential(mean_days=20), elapsed_days=elapsed)
    gone = fresh.probability_over_within(ahead)
    assert later.probability_over_within(ahead) == pytest.approx(gone, abs=1e-12)


def test_weibull_residual_life_matches_closed_form():
    # (t + d)^k = t^k + scale^k ln 2 at the median.
    for shape in (0.6, 2.5):
        duration = Duration.weibull(shape=shape, scale_days=45)
        expected = (33**shape + 45**shape * math.log(2)) ** (1 / shape) - 33
        assert residual_life(duration, elapsed_days=33).median_days == pytest.approx(expected)


def test_fixed_residual_life_is_what_is_left():
    life = residual_life(Duration.fixed(days=40), elapsed_days=33)
    assert life.median_days == pytest.approx(7.0, abs=1e-9)
    assert life.probability_over_within(6.999) == 0.0
    assert life.probability_over_within(7.0) == 1.0


def test_empirical_residual_life_counts_those_left():
    life = residual_life(Duration.empirical(days=(5, 40, 50, 90)), elapsed_days=33)
    assert life.probability_over_within(7) == pytest.approx(1 / 3)
    assert life.median_days == pytest.approx(17.0, abs=1e-9)


def test_residual_life_ends_at_the_cap():
    life = residual_life(Duration.exponential(mean_days=500, max_days=100), elapsed_days=33)
    assert life.probability_over_within(67) == 1.0
    assert life.quantile(0.999) == pytest.approx(67.0, abs=1e-9)


# Every family, with and without a longest length.
EVERY_FAMILY = {
    "lognormal": CONFLICT,
    "lognormal, capped": Duration.lognormal(median_days=121, sigma=1.75, max_days=365),
    "weibull": Duration.weibull(shape=0.6, scale_days=45),
    "weibull, capped": Duration.weibull(shape=2.5, scale_days=60, max_days=90),
    "exponential": Duration.exponential(mean_days=40),
    "exponential, capped": Duration.exponential(mean_days=40, max_days=70),
    "fixed": Duration.fixed(days=50),
    "fixed, capped": Duration.fixed(days=50, max_days=45),
    "empirical": Duration.empirical(days=(5, 34, 40, 40, 90, 200)),
    "empirical, capped": Duration.empirical(days=(5, 34, 40, 40, 90, 200), max_days=60),
    "mixture": SHORT_OR_LONG,
    "mixture, capped": Duration.mixture(SHORT_OR_LONG.parts, max_days=300),
}


def whole_lengths(duration, n, rng):
    """Lengths drawn by numpy's own generators, without the library's."""
    if duration.family == "mixture":
        weights = [weight for weight, _ in duration.parts]
        chosen = rng.choice(len(weights), size=n, p=weights)
        drawn = np.empty(n)
        for place, (_, part) in enumerate(duration.parts):
            drawn[chosen == place] = whole_lengths(part, int((chosen == place).sum()), rng)
    else:
        drawn = {
            "lognormal": lambda d: rng.lognormal(math.log(d.median_days), d.sigma, n),
            "weibull": lambda d: d.scale_days * rng.weibull(d.shape, n),
            "exponential": lambda d: rng.exponential(d.mean_days, n),
            "fixed": lambda d: np.full(n, float(d.days)),
            "empirical": lambda d: rng.choice(d.days, n).astype(float),
        }[duration.family](duration)
    return drawn if duration.max_days is None else np.minimum(drawn, duration.max_days)


@pytest.mark.parametrize("elapsed", [0.0, 33.0])
@pytest.mark.parametrize("name", EVERY_FAMILY)
def test_residual_life_is_that_of_simulated_outages_that_outlasted_the_age(name, elapsed):
    duration, n = EVERY_FAMILY[name], 200_000
    lengths = whole_lengths(duration, n, np.random.default_rng(33))
    left = lengths[lengths > elapsed] - elapsed
    life = residual_life(duration, elapsed_days=elapsed)
    for ahead in (1.0, 6.999, 7.0, 12.0, 20.0, 60.0, 150.0):
        p = life.probability_over_within(ahead)
        error = math.sqrt(max(p * (1.0 - p), 1e-12) / left.size)
        assert abs((left <= ahead).mean() - p) <= 4.0 * error
    # At least half of them are over by the median, and before it no more than half.
    slack = 4.0 * math.sqrt(0.25 / left.size)
    assert (left <= life.median_days * (1 + 1e-9)).mean() >= 0.5 - slack
    assert (left < life.median_days * (1 - 1e-9)).mean() <= 0.5 + slack


def test_lognormal_that_has_run_33_days_is_likelier_to_run_on():
    fresh, later = (residual_life(CONFLICT, elapsed_days=t) for t in (0, 33))
    assert (round(fresh.median_days), round(later.median_days)) == (121, 168)
    for ahead in (7, 33, 121, 365):
        assert later.probability_over_within(ahead) < fresh.probability_over_within(ahead)


@pytest.mark.parametrize("ahead", [1.0, 7.0, 33.0, 90.0, 365.0])
def test_the_longer_a_lognormal_has_run_the_less_likely_is_its_end(ahead):
    # By the closed form, for ages beyond the first days, in which its hazard still rises.
    ages = np.array([14.0, 33.0, 60.0, 90.0, 180.0, 365.0, 1000.0])
    alive = stats.norm.sf(np.log(ages / 121) / 1.75)
    over = 1.0 - stats.norm.sf(np.log((ages + ahead) / 121) / 1.75) / alive
    found = [residual_life(CONFLICT, elapsed_days=t).probability_over_within(ahead) for t in ages]
    np.testing.assert_allclose(found, over, rtol=1e-9)
    assert (np.diff(found) < 0.0).all()


# --- Laws ---------------------------------------------------------------------------------


@given(any_duration)
def test_survival_falls_from_one(duration):
    alive = durations.survival(duration, np.linspace(0.0, 2000.0, 60))
    assert alive[0] == 1.0
    assert (np.diff(alive) <= 1e-15).all()
    assert ((alive >= 0.0) & (alive <= 1.0)).all()
    assert durations.survival(duration, -1.0) == 1.0


@given(any_duration)
def test_limited_mean_rises_and_bends_down(duration):
    limited = durations.limited_mean(duration, np.linspace(0.0, 2000.0, 60))
    assert limited[0] == 0.0
    slope = np.diff(limited)
    rounding = 1e-9 * (1.0 + limited[-1])
    assert (slope >= -rounding).all()
    assert (np.diff(slope) <= rounding).all()


@given(any_duration, st.floats(0.0, 0.9), st.integers(0, 2**32))
def test_a_running_outage_outlasts_its_age(duration, place, seed):
    elapsed = place * min(duration.longest_days, 500.0)
    if durations.survival(duration, elapsed) < 1e-12:
        return
    u = uniforms(duration, 64, seed)
    assert (durations.draw(duration, u, elapsed_days=elapsed) > elapsed).all()


@pytest.mark.parametrize(
    ("duration", "elapsed"),
    [
        (Duration.exponential(mean_days=10), 33.0),
        (Duration.weibull(shape=0.7, scale_days=30), 33.0),
    ],
)
def test_even_the_last_uniform_outlasts_the_age(duration, elapsed):
    u = np.full((1, 1), LAST_UNIFORM)
    assert (durations.draw(duration, u, elapsed_days=elapsed) > elapsed).all()


def test_an_age_that_numbers_cannot_tell_from_impossible_is_refused():
    # 800 means on, survival is below the smallest float: there is nothing to condition on.
    duration = Duration.exponential(mean_days=1)
    with pytest.raises(InvalidInputError, match="elapsed_days must be one the outage can last"):
        durations.draw(duration, np.full((1, 1), 0.5), elapsed_days=800.0)


@pytest.mark.parametrize(
    "family",
    [
        lambda x: Duration.lognormal(median_days=x, sigma=1.2),
        lambda x: Duration.weibull(shape=0.7, scale_days=x),
        lambda x: Duration.weibull(shape=2.0, scale_days=x),
        lambda x: Duration.exponential(mean_days=x),
        lambda x: Duration.fixed(days=40.0 + x),
        lambda x: Duration.lognormal(median_days=x, sigma=1.2, max_days=60.0),
    ],
    ids=["lognormal", "weibull 0.7", "weibull 2", "exponential", "fixed", "capped"],
)
@given(size=st.floats(5.0, 300.0), factor=st.floats(1.0, 5.0), elapsed=st.floats(0.0, 40.0))
def test_larger_scale_lengthens_every_draw(family, size, factor, elapsed):
    u = np.linspace(0.0, LAST_UNIFORM, 101)[:, np.newaxis]
    short, long = (
        durations.draw(family(x), u, elapsed_days=elapsed) for x in (size, size * factor)
    )
    assert (long >= short * (1.0 - 1e-9)).all()


@given(any_duration)
def test_a_smaller_uniform_gives_a_longer_outage(duration):
    if durations.n_uniforms(duration) > 1:
        return
    drawn = durations.draw(duration, np.linspace(0.0, LAST_UNIFORM, 101)[:, np.newaxis])
    assert (np.diff(drawn) <= 0.0).all()


@given(any_duration, st.floats(0.01, 0.99), st.floats(0.0, 0.8))
def test_residual_quantile_is_the_first_day_that_reaches_its_probability(duration, p, place):
    elapsed = place * min(duration.longest_days, 300.0)
    if durations.survival(duration, elapsed) < 1e-6:
        return
    life = residual_life(duration, elapsed_days=elapsed)
    day = life.quantile(p)
    assert life.probability_over_within(day) >= p
    before = day * (1.0 - 1e-9) - 1e-9
    assert before <= 0.0 or life.probability_over_within(before) <= p + 1e-9


# --- Rejections ---------------------------------------------------------------------------


@pytest.mark.parametrize("elapsed", [-1.0, float("nan"), float("inf")])
def test_residual_life_rejects_an_age_that_is_no_age(elapsed):
    with pytest.raises(ValueError, match=r"elapsed_days must be a finite number >= 0"):
        residual_life(CONFLICT, elapsed_days=elapsed)


@pytest.mark.parametrize(
    "duration",
    [
        Duration.fixed(days=33),
        Duration.empirical(days=(1, 33)),
        Duration.exponential(mean_days=5, max_days=33),
    ],
)
def test_an_outage_that_must_be_over_is_rejected(duration):
    with pytest.raises(ValueError, match=r"elapsed_days must be one the outage can last, got 33"):
        residual_life(duration, elapsed_days=33)
    with pytest.raises(ValueError, match=r"elapsed_days must be one the outage can last, got 33"):
        durations.draw(duration, np.full((1, 1), 0.5), elapsed_days=33.0)


def test_residual_life_rejects_what_is_no_duration():
    with pytest.raises(TypeError, match="duration must be a Duration, got 33"):
        residual_life(33, elapsed_days=0)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, float("nan")])
def test_quantile_rejects_what_is_no_probability(p):
    with pytest.raises(ValueError, match=r"p must lie in \(0, 1\)"):
        residual_life(CONFLICT, elapsed_days=0).quantile(p)


@pytest.mark.parametrize("ahead", [-1.0, float("nan")])
def test_probability_rejects_days_that_are_no_days(ahead):
    with pytest.raises(ValueError, match=r"days must be a number >= 0"):
        residual_life(CONFLICT, elapsed_days=0).probability_over_within(ahead)
