"""Intervals: that they hold the estimate, and cover the truth as often as they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import bdtr, gammaln, ndtr, ndtri, xlog1py, xlogy

from supplyrisk.metrics import (
    exceedance,
    exceedance_band,
    mean_interval,
    probability_interval,
    tail_value_at_risk,
    tail_value_at_risk_interval,
    value_at_risk,
    value_at_risk_interval,
)

losses = arrays(float, st.integers(1, 200), elements=st.floats(-1e6, 1e6))
levels = st.floats(0.0, 0.999)
ROUNDING = 1e-6  # of sums of losses up to 1e6

# --- What each promises --------------------------------------------------------------------------


@given(losses, st.floats(0.001, 0.999), st.floats(0.01, 0.99))
def test_quantile_interval_holds_the_estimate(x, level, confidence):
    low, high = value_at_risk_interval(x, level, confidence)
    assert low <= value_at_risk(x, level) <= high
    assert {low, high} <= set(x.tolist())


@pytest.mark.parametrize(("level", "enough"), [(0.95, 59), (0.99, 299), (0.996, 748)])
def test_upper_end_of_quantile_interval_needs_enough_scenarios(level, enough):
    # One scenario fewer and the largest loss covers less than 95 % on its side.
    assert bdtr(enough - 1, enough, level) >= 0.95 > bdtr(enough - 2, enough - 1, level)
    for n in (10, enough):
        assert value_at_risk_interval(np.arange(n), level).high == n - 1
    assert value_at_risk_interval(np.arange(2 * enough), level).high < 2 * enough - 1


@given(st.floats(0.01, 0.99), st.floats(0.1, 0.99), st.integers(20, 500))
def test_ranks_of_quantile_interval_are_the_tightest_safe_ones(level, confidence, n):
    low, high = (int(end) for end in value_at_risk_interval(np.arange(1, n + 1), level, confidence))
    alpha = (1 - confidence) / 2
    pmf = _binomial(n, np.array([level]))[0]
    safe_low = [r for r in range(1, n + 1) if pmf[:r].sum() <= alpha]
    safe_high = [s for s in range(1, n + 1) if pmf[s:].sum() <= alpha]
    assert low == max(safe_low, default=1)
    assert high == min(safe_high, default=n)


@given(losses.filter(lambda x: x.size > 1), levels, st.floats(0.01, 0.99))
def test_tail_interval_holds_the_estimate(x, level, confidence):
    low, high = tail_value_at_risk_interval(x, level, confidence)
    assert low <= tail_value_at_risk(x, level) <= high


@given(losses.filter(lambda x: x.size > 1))
def test_tail_interval_at_level_zero_is_that_of_the_mean(x):
    assert tail_value_at_risk_interval(x, 0) == pytest.approx(mean_interval(x), abs=ROUNDING)


def test_tail_interval_of_too_few_is_no_point():
    x = np.arange(1.0, 101.0)  # one scenario in the tail: the estimate is the largest loss
    assert tail_value_at_risk(x, 0.99) == 100.0
    assert tail_value_at_risk_interval(x, 0.99) == (value_at_risk_interval(x, 0.99).low, 100.0)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_probability_interval_holds_the_share_and_mirrors(hits):
    count, n = hits
    low, high = probability_interval(count, n)
    assert 0 <= low <= count / n <= high <= 1
    assert probability_interval(n - count, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    assert (low > 0) == (count > 0)
    assert (high < 1) == (count < n)


@pytest.mark.parametrize("n", [1, 30, 10_000])
def test_no_hit_leaves_room_for_the_event(n):
    # P(no hit) = (1 - p)^n must be 5 % at the upper end.
    assert probability_interval(0, n) == pytest.approx((0, 1 - 0.05 ** (1 / n)), rel=1e-12)


@given(losses, st.floats(0.01, 0.99))
def test_band_encloses_the_curve_and_never_rises_with_the_loss(x, confidence):
    band = exceedance_band(x, confidence)
    curve = exceedance(x)
    assert np.all(np.diff(band.loss) < 0)
    expected = [curve.probability[curve.loss >= level].max() for level in band.loss]
    np.testing.assert_allclose(band.probability, expected, rtol=1e-15)
    assert np.all((band.low >= 0) & (band.low <= band.probability))
    assert np.all((band.high <= 1) & (band.high >= band.probability))
    assert np.all(np.diff(band.low) >= 0)
    assert np.all(np.diff(band.high) >= 0)


def test_more_confidence_gives_wider_intervals():
    x = np.random.default_rng(5).exponential(size=500)
    for interval in (
        lambda c: value_at_risk_interval(x, 0.9, c),
        lambda c: tail_value_at_risk_interval(x, 0.9, c),
        lambda c: mean_interval(x, c),
        lambda c: probability_interval(40, 500, c),
        lambda c: probability_interval(4, 500, c),
    ):
        ends = np.array([interval(c) for c in (0.5, 0.9, 0.99)])
        assert np.all(np.diff(ends[:, 0]) < 0)
        assert np.all(np.diff(ends[:, 1]) > 0)


# --- Coverage ---------------------------------------------------------------------------


def _binomial(n, probability):
    """Binomial probabilities of 0 to n for each p, shape (n_probabilities, n + 1)."""
    k = np.arange(n + 1)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    p = probability[:, None]
    return np.exp(ways + xlogy(k, p) + xlog1py(n - k, -p))


def _hits(interval, truth, draw, repetitions, seed):
    """Count the samples whose interval covers the truth."""
    rng = np.random.default_rng(seed)
    ends = np.array([interval(draw(rng)) for _ in range(repetitions)])
    return int(np.sum((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


def _within(hits, repetitions, coverage, limit=4.0):
    """Whether so many hits agree with a coverage: |z| within the limit."""
    sd = math.sqrt(repetitions * coverage * (1 - coverage))
    return abs(hits - repetitions * coverage) <= limit * sd


def _quantile_coverage(n, level):
    """Exact coverage of the quantile interval for a continuous loss."""
    low, high = (int(end) for end in value_at_risk_interval(np.arange(1, n + 1), level))
    return float(bdtr(high - 1, n, level) - bdtr(low - 1, n, level))


@pytest.mark.parametrize("repetitions", [400, pytest.param(20_000, marks=pytest.mark.verification)])
@pytest.mark.parametrize(("n", "level"), [(1000, 0.9), (1000, 0.99), (300, 0.5)])
def test_quantile_interval_covers_as_computed(n, level, repetitions):
    coverage = _quantile_coverage(n, level)
    assert 0.9 <= coverage <= 0.96  # never less than promised
    truth = -math.log1p(-level)
    hits = _hits(
        lambda x: value_at_risk_interval(x, level), truth, lambda g: g.exponential(size=n),
        repetitions, seed=11,
    )  # fmt: skip
    assert _within(hits, repetitions, coverage)


def test_quantile_interval_covers_an_atom_more_often_than_promised():
    # Nine years of ten without a loss: the quantile at 0.9 sits on the edge of the atom.
    def draw(rng):
        return np.where(rng.random(500) < 0.9, 0.0, 1.0)

    hits = _hits(lambda x: value_at_risk_interval(x, 0.9), 0.0, draw, 400, seed=12)
    assert hits >= 400 * 0.9 - 4 * math.sqrt(400 * 0.09)


# name: (quantile function, expected shortfall, coverage of the nominal 90 % by tail size).
# The coverages were measured here with 20,000 repetitions and stand in the docstring.
TAILS = {
    "exponential": (
        lambda u: -np.log1p(-u),
        lambda a: 1 - math.log1p(-a),
        {30: 0.874, 100: 0.892, 300: 0.900},
    ),
    "lognormal 1.5": (
        lambda u: np.exp(1.5 * ndtri(u)),
        lambda a: math.exp(1.5**2 / 2) * float(ndtr(1.5 - ndtri(a))) / (1 - a),
        {30: 0.825, 100: 0.868, 300: 0.885},
    ),
    "pareto 2.2": (
        lambda u: (1 - u) ** (-1 / 2.2),
        lambda a: 2.2 / 1.2 * (1 - a) ** (-1 / 2.2),
        {30: 0.787, 100: 0.837, 300: 0.859},
    ),
}


def _tail_hits(name, in_tail, repetitions, seed):
    quantile, shortfall, _ = TAILS[name]
    return _hits(
        lambda x: tail_value_at_risk_interval(x, 0.99), shortfall(0.99),
        lambda rng: quantile(rng.random(100 * in_tail)), repetitions, seed,
    )  # fmt: skip


@pytest.mark.parametrize("name", TAILS)
def test_tail_interval_covers_as_documented(name):
    coverage = TAILS[name][2][30]
    assert _within(_tail_hits(name, 30, 400, seed=13), 400, coverage)


@pytest.mark.verification
@pytest.mark.parametrize("in_tail", [30, 100, 300])
@pytest.mark.parametrize("name", TAILS)
def test_tail_interval_covers_as_documented_at_length(name, in_tail):
    hits = _tail_hits(name, in_tail, 10_000, seed=14)
    assert hits / 10_000 == pytest.approx(TAILS[name][2][in_tail], abs=0.005 + 4 * 0.0035)


@pytest.mark.parametrize("repetitions", [400, pytest.param(20_000, marks=pytest.mark.verification)])
def test_mean_interval_covers_nine_times_in_ten(repetitions):
    hits = _hits(mean_interval, 0.0, lambda g: g.standard_normal(1000), repetitions, seed=15)
    assert _within(hits, repetitions, 0.9)


@pytest.mark.parametrize(
    ("n", "least"),
    [(50, 0.87), (1000, 0.87), pytest.param(5000, 0.87, marks=pytest.mark.verification)],
)
def test_probability_interval_covers_at_every_probability(n, least):
    p = np.concatenate([np.geomspace(1e-6, 0.02, 300), np.linspace(0.02, 0.5, 300)])
    ends = np.array([probability_interval(k, n) for k in range(n + 1)])
    covered = (ends[:, 0] <= p[:, None]) & (p[:, None] <= ends[:, 1])
    coverage = np.sum(_binomial(n, p) * covered, axis=1)
    assert coverage.min() >= least
    assert coverage[p >= 0.05].mean() == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("repetitions", [400, pytest.param(20_000, marks=pytest.mark.verification)])
def test_band_covers_at_one_loss_at_least_as_promised(repetitions):
    level = 2.0  # P(L >= 2) = exp(-2) for the exponential

    def at_level(x):
        band = exceedance_band(x)
        row = int(np.searchsorted(-band.loss, -level, side="right")) - 1  # last loss >= level
        return band.low[row], band.high[row]

    n = 300
    limits = exceedance_band(np.arange(n))
    enclosed = np.append(False, (limits.low <= math.exp(-2)) & (math.exp(-2) <= limits.high))
    coverage = float(_binomial(n, np.array([math.exp(-2)]))[0] @ enclosed)
    assert coverage >= 0.9
    hits = _hits(at_level, math.exp(-2), lambda g: g.exponential(size=n), repetitions, seed=16)
    assert _within(hits, repetitions, coverage)


# --- Bad input --------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1.0, np.nan])
def test_quantile_interval_refuses_level_zero_too(level):
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got "):
        value_at_risk_interval([1.0, 2.0], level)


@pytest.mark.parametrize("confidence", [0, 1, 90, -0.5, np.nan, None])
@pytest.mark.parametrize(
    "interval",
    [
        lambda c: value_at_risk_interval([1.0, 2.0], 0.9, c),
        lambda c: tail_value_at_risk_interval([1.0, 2.0], 0.9, c),
        lambda c: mean_interval([1.0, 2.0], c),
        lambda c: probability_interval(1, 2, c),
        lambda c: exceedance_band([1.0, 2.0], c),
    ],
)
def test_bad_confidence_is_refused(interval, confidence):
    with pytest.raises(ValueError, match=r"confidence must lie in \(0, 1\), got "):
        interval(confidence)


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match=r"x must be .* at least 2 numbers, got shape \(1,\)"):
        mean_interval([1.0])
    with pytest.raises(ValueError, match=r"loss must be .* at least 2 numbers"):
        tail_value_at_risk_interval([1.0])


@pytest.mark.parametrize(
    ("count", "n", "message"),
    [
        (0, 0, "n must be a whole number >= 1, got 0"),
        (1, 2.0, r"n must be a whole number >= 1, got 2\.0"),
        (-1, 10, "count must be a whole number from 0 to 10, got -1"),
        (11, 10, "count must be a whole number from 0 to 10, got 11"),
        (0.5, 10, r"count must be a whole number from 0 to 10, got 0\.5"),
        (True, 10, "count must be a whole number from 0 to 10, got True"),
    ],
)
def test_counts_that_cannot_be_are_refused(count, n, message):
    with pytest.raises(ValueError, match=message):
        probability_interval(count, n)
