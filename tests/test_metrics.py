"""Quantiles, tail means and exceedance against closed forms, then against their laws."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri

from supplyrisk.metrics import (
    exceedance,
    exceedance_band,
    loss_at_return_period,
    tail_value_at_risk,
    tail_value_at_risk_interval,
    value_at_risk,
    value_at_risk_interval,
)

losses = arrays(float, st.integers(1, 200), elements=st.floats(-1e6, 1e6))
levels = st.floats(0.0, 0.999)
pairs = st.integers(1, 100).flatmap(
    lambda n: st.tuples(*[arrays(float, n, elements=st.floats(-1e6, 1e6))] * 2)
)
ROUNDING = 1e-6  # of sums of losses up to 1e6

# --- Published values -------------------------------------------------------------------

# (quantile function, expected shortfall at a level); each increases and, from level 0.9 on,
# is convex, which the tolerance below rests on.
DISTRIBUTIONS = {
    "normal": (ndtri, lambda a: math.exp(-(ndtri(a) ** 2) / 2) / math.sqrt(2 * math.pi) / (1 - a)),
    "exponential": (lambda u: -np.log1p(-u), lambda a: 1 - math.log1p(-a)),
    "pareto 3": (lambda u: (1 - u) ** (-1 / 3), lambda a: 1.5 * (1 - a) ** (-1 / 3)),
    "uniform": (lambda u: u, lambda a: (1 + a) / 2),
}
# Closed forms: phi(z) / (1 - a) for the normal (Basel's FRTB: ES at 97.5 % is near VaR at
# 99 %), VaR + 1 for the exponential, k / (k - 1) VaR for the Pareto, (1 + a) / 2 for the uniform.
CLOSED_FORMS = [
    ("normal", 0.95, 1.644853627, 2.062712808),
    ("normal", 0.975, 1.959963985, 2.337802792),
    ("normal", 0.99, 2.326347874, 2.66521422),
    ("exponential", 0.95, 2.995732274, 3.995732274),
    ("exponential", 0.99, 4.605170186, 5.605170186),
    ("pareto 3", 0.99, 4.641588834, 6.962383251),
    ("uniform", 0.95, 0.95, 0.975),
]


@pytest.mark.parametrize(("name", "level", "var", "tvar"), CLOSED_FORMS)
def test_continuous_distributions_match_closed_forms(name, level, var, tvar):
    quantile, shortfall = DISTRIBUTIONS[name]
    n = 1_000_000
    step = 1 / n
    sample = quantile((np.arange(n) + 0.5) / n)
    printed = 1e-8  # of the values above
    # The order statistic is the quantile half a step below the level.
    slack = float(quantile(level) - quantile(level - step))
    assert value_at_risk(sample, level) == pytest.approx(var, abs=slack + printed)
    # The midpoint rule under an increasing convex quantile function is too low by at most a
    # quarter of the step times the rise, summed over all cells but the last, where the
    # quantile may be infinite and its mean is the expected shortfall at 1 - step.
    last = float(quantile(1 - step))
    error = step / 4 * (last - var) + step * (shortfall(1 - step) - float(quantile(1 - step / 2)))
    assert -printed <= tvar - tail_value_at_risk(sample, level) <= error / (1 - level) + printed


@pytest.mark.parametrize(
    ("sample", "level", "var", "tvar"),
    [
        # The splitting of an atom follows Rockafellar and Uryasev (2002).
        (range(1, 101), 0.95, 95, 98),
        (range(1, 101), 0.945, 95, 97.72727272727273),
        ([0] * 90 + [100] * 10, 0.95, 100, 100),
        # E[L | L >= VaR] = 2 and E[L | L > VaR] = 100 are both wrong.
        ([0] * 98 + [100] * 2, 0.95, 0, 40),
    ],
)
def test_atoms_match_closed_forms(sample, level, var, tvar):
    assert value_at_risk(sample, level) == pytest.approx(var, abs=1e-12)
    assert tail_value_at_risk(sample, level) == pytest.approx(tvar, abs=1e-12)


# --- Ranks are exact --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "n", "rank"),
    [
        (0.95, 100, 95),
        (0.29, 100, 29),  # in floats 0.29 * 100 = 28.999999999999996
        (0.07, 100, 7),  # in floats 7.000000000000001, with ceiling 8
        (0.99, 100_000, 99_000),
        (1e-05, 100_000, 1),
        (0, 5, 1),
        (0.0, 5, 1),
        (np.float64(0.07), 100, 7),
        (np.float32(0.07), 100, 7),
        (Fraction(2, 3), 3, 2),
        (0.9999, 100, 100),
    ],
)
def test_rank_is_the_exact_ceiling(level, n, rank):
    assert value_at_risk(np.arange(1, n + 1), level) == rank


@given(st.integers(0, 999), st.integers(1, 300))
def test_rank_matches_whole_number_arithmetic(thousandths, n):
    level = thousandths / 1000
    rank = next(k for k in range(1, n + 1) if 1000 * k >= thousandths * n)
    assert value_at_risk(np.arange(1, n + 1), level) == rank
    weights = [max(Fraction(0), min(Fraction(1), k - Fraction(thousandths * n, 1000)))
               for k in range(1, n + 1)]  # fmt: skip
    tail = sum(k * weight for k, weight in enumerate(weights, start=1)) / sum(weights)
    assert tail_value_at_risk(np.arange(1, n + 1), level) == pytest.approx(float(tail), rel=1e-14)


@given(st.integers(2, 400), st.integers(1, 400))
def test_return_period_matches_whole_number_arithmetic(years, n):
    rank = next(k for k in range(1, n + 1) if k * years >= (years - 1) * n)
    assert loss_at_return_period(np.arange(1, n + 1), years) == rank


# --- Laws -------------------------------------------------------------------------------


@given(losses, levels)
def test_tail_mean_lies_between_quantile_and_maximum(x, level):
    assert value_at_risk(x, level) <= tail_value_at_risk(x, level) <= x.max()


@given(losses, levels)
def test_tail_mean_is_at_least_the_mean(x, level):
    assert x.mean() <= tail_value_at_risk(x, level) + ROUNDING


@given(losses)
def test_level_zero_gives_minimum_and_mean(x):
    assert value_at_risk(x, 0) == x.min()
    assert tail_value_at_risk(x, 0) == pytest.approx(x.mean(), abs=ROUNDING)


@given(losses, levels, levels)
def test_both_grow_with_the_level(x, one, other):
    low, high = sorted((one, other))
    assert value_at_risk(x, low) <= value_at_risk(x, high)
    assert tail_value_at_risk(x, low) <= tail_value_at_risk(x, high) + ROUNDING


@given(losses, levels, st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
def test_both_follow_shift_and_scale(x, level, shift, scale):
    y = scale * x + shift
    for metric in (value_at_risk, tail_value_at_risk):
        assert metric(y, level) == pytest.approx(
            scale * metric(x, level) + shift, abs=ROUNDING * max(1, scale)
        )


@given(losses, levels, st.randoms(use_true_random=False))
def test_order_of_scenarios_does_not_show_in_a_single_bit(x, level, random):
    y = np.array(random.sample(x.tolist(), x.size))
    assert value_at_risk(y, level) == value_at_risk(x, level)
    assert tail_value_at_risk(y, level) == tail_value_at_risk(x, level)


@given(pairs, levels)
def test_tail_mean_is_subadditive(pair, level):
    x, y = pair
    apart = tail_value_at_risk(x, level) + tail_value_at_risk(y, level)
    assert tail_value_at_risk(x + y, level) <= apart + ROUNDING


def test_quantile_is_not_subadditive():
    # Two independent sites, each lost in 4 % of years: why the tail mean exists.
    x = np.repeat([1.0, 0.0], [40, 960])
    y = np.roll(x, 40)
    assert value_at_risk(x + y, 0.95) > value_at_risk(x, 0.95) + value_at_risk(y, 0.95)


@given(losses, st.integers(0, 999))
def test_exceedance_is_the_inverse_of_the_quantile(x, thousandths):
    curve = exceedance(x)
    ranks = np.arange(1, x.size + 1)
    np.testing.assert_array_equal(curve.loss, sorted(x, reverse=True))
    np.testing.assert_array_equal(curve.probability, ranks / x.size)
    beyond = ranks * 1000 > (1000 - thousandths) * x.size  # probability > 1 - level, exactly
    # At level 0 no probability exceeds 1, and the curve ends at the smallest loss.
    expected = curve.loss[np.argmax(beyond)] if beyond.any() else curve.loss[-1]
    assert value_at_risk(x, thousandths / 1000) == expected


@given(losses, st.lists(st.integers(2, 1000), min_size=1))
def test_return_periods_grow_and_agree_with_levels(x, years):
    periods = np.sort(years)
    found = loss_at_return_period(x, periods)
    assert np.all(np.diff(found) >= 0)
    assert found.tolist() == [value_at_risk(x, 1 - Fraction(1, int(t))) for t in periods]


def test_return_periods_keep_their_shape():
    x = np.arange(1.0, 1001.0)
    assert isinstance(loss_at_return_period(x, 10), float)
    assert loss_at_return_period(x, [[2, 10], [100, 2.5]]).tolist() == [[500, 900], [990, 600]]
    assert loss_at_return_period(x, []).shape == (0,)


@given(losses)
def test_input_is_left_alone(x):
    before = x.copy()
    for function in (value_at_risk, tail_value_at_risk, exceedance, exceedance_band):
        function(x)
    np.testing.assert_array_equal(x, before)


# --- Bad input --------------------------------------------------------------------------

OF_LOSS = [
    value_at_risk,
    tail_value_at_risk,
    exceedance,
    lambda loss: loss_at_return_period(loss, 10),
    value_at_risk_interval,
    tail_value_at_risk_interval,
    exceedance_band,
]


@pytest.mark.parametrize("function", OF_LOSS)
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ([], r"loss must be .* got shape \(0,\)"),
        (3.0, r"loss must be a one-dimensional array .* got shape \(\)"),
        ([[1.0, 2.0]], r"loss must be a one-dimensional array .* got shape \(1, 2\)"),
        ([1.0, np.nan], r"loss must be finite, got nan at index 1"),
        ([-np.inf, 1.0, 2.0], r"loss must be finite, got -inf at index 0"),
        (["1", "2"], r"loss must be a one-dimensional array of .* numbers?, got \['1', '2'\]"),
        ([1.0, None], r"loss must be finite, got nan at index 1"),
        ([1.0, [2.0]], r"loss must be a one-dimensional array"),
        ([1j, 2j], r"loss must be a one-dimensional array"),
        (np.array(["2025-03-20", "2025-03-21"], dtype="M8[D]"), r"loss must be"),
    ],
)
def test_bad_losses_are_refused(function, loss, message):
    with pytest.raises(ValueError, match=message):
        function(loss)


@pytest.mark.parametrize(
    "function", [value_at_risk, tail_value_at_risk, tail_value_at_risk_interval]
)
@pytest.mark.parametrize("level", [-0.1, 1, 1.0, 99, np.nan, np.inf, True, "0.9", None])
def test_levels_outside_the_unit_interval_are_refused(function, level):
    with pytest.raises(ValueError, match=r"level must lie in \[0, 1\), got "):
        function([1.0, 2.0], level)


@pytest.mark.parametrize("years", [1, 1.0, 0.5, -10, np.nan, np.inf, None, [10, 1]])
def test_return_periods_of_a_year_or_less_are_refused(years):
    with pytest.raises(ValueError, match="years must be a finite number of years > 1, got "):
        loss_at_return_period([1.0, 2.0], years)
