"""Ramp-ups against quadrature, and their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from supplyrisk.hazard import ramps
from supplyrisk.model.hazard import RampUp

SHAPES = [
    RampUp(shape="linear", ramp_days=30),
    RampUp(shape="s_curve", ramp_days=30),
    RampUp(shape="exponential", ramp_days=30),
    RampUp(shape="steps", ramp_days=30, levels=(0.9, 0.5, 0.2)),
    RampUp(shape="steps", ramp_days=30, levels=(1.0, 0.7, 0.7, 0.4, 0.4, 0.3, 0.1)),
    RampUp(shape="never"),
]
NAMES = ["linear", "s_curve", "exponential", "three steps", "seven steps", "never"]
each = pytest.mark.parametrize("ramp", SHAPES, ids=NAMES)


def phi(ramp, v):
    """The formulas of the design, one number at a time."""
    match ramp.shape:
        case "linear":
            return 1 - v
        case "s_curve":
            return 1 - 3 * v**2 + 2 * v**3
        case "exponential":
            return (math.exp(-3 * v) - math.exp(-3)) / (1 - math.exp(-3))
        case "steps":
            return ramp.levels[min(math.floor(v * len(ramp.levels)), len(ramp.levels) - 1)]
        case "never":
            return 1.0


@each
def test_share_lost_is_the_formula(ramp):
    v = np.linspace(0.0, 1.0, 58)
    expected = [phi(ramp, float(x)) for x in v]
    np.testing.assert_allclose(ramps.share_lost(ramp, v), expected, rtol=1e-12, atol=1e-15)


@each
def test_lost_until_is_the_integral_of_the_formula(ramp):
    points = ramps.knots(ramp)
    for v in np.linspace(0.0, 1.0, 24):
        inside = [p for p in points if p < v]
        expected = integrate.quad(lambda x: phi(ramp, x), 0.0, v, points=inside or None)[0]
        assert ramps.lost_until(ramp, np.array([v]))[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("ramp", "whole"),
    # 1/2; 1/2; ((1 - e^-3)/3 - e^-3)/(1 - e^-3); means of the levels; all of it
    list(zip(SHAPES, [0.5, 0.5, 1 / 3 - 1 / math.expm1(3), 1.6 / 3, 3.6 / 7, 1.0], strict=True)),
    ids=NAMES,
)
def test_the_whole_ramp_loses_its_mean_share(ramp, whole):
    assert ramps.lost_until(ramp, np.ones(1))[0] == pytest.approx(whole, rel=1e-12)


def test_knots_are_where_steps_jump():
    np.testing.assert_allclose(ramps.knots(SHAPES[3]), [1 / 3, 2 / 3])
    assert all(ramps.knots(ramp).size == 0 for ramp in (*SHAPES[:3], SHAPES[5]))


def test_ramp_is_no_longer_than_its_share_of_the_outage():
    outages = np.array([0.0, 10.0, 40.0, 46.0, 47.0, 400.0])
    limited = RampUp(ramp_days=34, max_share_of_outage=0.73)
    expected = [0.0, 7.3, 29.2, 33.58, 34.0, 34.0]
    np.testing.assert_allclose(ramps.ramp_days(limited, outages), expected)
    assert (ramps.ramp_days(RampUp(ramp_days=34), outages) == 34.0).all()


@each
@given(v=st.floats(0.0, 1.0), w=st.floats(0.0, 1.0))
def test_losses_add_up_and_never_exceed_the_time(ramp, v, w):
    low, high = sorted((v, w))
    a, b = ramps.lost_until(ramp, np.array([low, high]))
    assert -1e-15 <= b - a <= high - low + 1e-15
    shares = ramps.share_lost(ramp, np.array([low, high]))
    assert 1.0 >= shares[0] >= shares[1] >= -1e-15


# --- Spread ---------------------------------------------------------------------------------


def test_the_score_moves_the_length_and_its_limit_stays():
    ramp = RampUp(ramp_days=34, ramp_sigma=0.9, max_share_of_outage=0.73)
    outages = np.array([1000.0, 1000.0, 1000.0, 50.0, 0.0])
    got = ramps.ramp_days(ramp, outages, np.array([0.0, 1.0, -2.0, 1.0, 3.0]))
    expected = [34.0, 34 * math.exp(0.9), 34 * math.exp(-1.8), 36.5, 0.0]
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_without_a_spread_there_is_one_ramp_up_for_each_outage():
    outages = np.array([[10.0, 40.0], [46.0, 400.0]])
    whole, ramp, weight = ramps.pairs(RampUp(ramp_days=34, max_share_of_outage=0.73), outages)
    np.testing.assert_array_equal(whole, outages)
    np.testing.assert_allclose(ramp, [[7.3, 29.2], [33.58, 34.0]])
    np.testing.assert_array_equal(weight, [1.0])


@pytest.mark.parametrize("n", [1, 200])
@given(
    sigma=st.floats(0.01, 3.0),
    median=st.floats(0.1, 300.0),
    share=st.floats(0.05, 2.0),
    outage=st.floats(1.0, 1000.0),
)
def test_the_mean_of_a_limited_ramp_up_has_a_closed_form(n, sigma, median, share, outage):
    # E[min(R, c)] of a lognormal: m e^(s^2/2) Phi(z - s) + c Phi(-z), z = log(c/m)/s.
    ramp = RampUp(ramp_days=median, ramp_sigma=sigma, max_share_of_outage=share)
    _, days, weight = ramps.pairs(ramp, np.full(n, outage))
    limit = share * outage
    z = math.log(limit / median) / sigma
    below = median * math.exp(sigma**2 / 2) * stats.norm.cdf(z - sigma)
    expected = below + limit * stats.norm.sf(z)
    assert weight.mean() == pytest.approx(1.0, rel=1e-12)
    # Scores beyond 4.5 are left out: 7e-6 of the probability.
    assert (weight * days).mean() == pytest.approx(expected, rel=1e-3, abs=1e-5 * limit)
