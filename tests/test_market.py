"""How a price answers, against hand-worked values and laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from supplyrisk import market

shortfalls = st.floats(-1.0, 1.0)
elasticities = st.floats(0.01, 2.0)


@pytest.mark.parametrize(
    ("shortfall", "elasticity_sum", "ratio"),
    [
        (0.0, 0.35, 1.0),
        (0.035, 0.35, 1.1),  # a tenth of the elasticity, a tenth of the price
        (0.027, 0.35, 1.0771428571),
        (-0.07, 0.35, 0.8),
        (0.5, 0.1, 4.0),  # choked
        (-0.5, 0.1, 0.2),  # on the floor
    ],
)
def test_price_ratio_is_linear_between_its_bounds(shortfall, elasticity_sum, ratio):
    got = market.price_ratio(shortfall, elasticity_sum, choke_ratio=4.0)
    assert float(got) == pytest.approx(ratio, rel=1e-9)


def test_price_ratio_broadcasts():
    got = market.price_ratio(np.zeros((3, 4)), np.ones((3, 1)), choke_ratio=2.0)
    assert got.shape == (3, 4)


@given(shortfalls, shortfalls, elasticities, st.floats(1.1, 10.0))
def test_price_rises_with_the_shortfall_and_stays_in_bounds(x, y, elasticity_sum, choke):
    low, high = market.price_ratio(sorted((x, y)), elasticity_sum, choke_ratio=choke)
    assert market.LOWEST_RATIO <= low <= high <= choke


@given(st.floats(0.0, 0.2), elasticities)
def test_implied_elasticity_undoes_the_price_ratio(shortfall, elasticity_sum):
    ratio = float(market.price_ratio(shortfall, elasticity_sum, choke_ratio=1e9))
    implied = market.implied_elasticity_sum(shortfall, ratio)
    if ratio - 1.0 > 1e-6:
        assert implied == pytest.approx(elasticity_sum, rel=1e-6)


@pytest.mark.parametrize(("shortfall", "ratio"), [(0.05, 1.0), (0.05, 0.9), (-0.1, 1.2), (0, 1.1)])
def test_a_price_that_did_not_move_that_way_implies_nothing(shortfall, ratio):
    assert math.isnan(market.implied_elasticity_sum(shortfall, ratio))


def test_noise_worked_by_hand():
    # volatility sqrt(2) over a year of one step: a Student-t number of 1 has log 1.
    days = np.array([365.0, 365.0])
    got = market.noise_factor(np.array([[1.0, -2.0]]), days, volatility_pa=math.sqrt(2.0))
    np.testing.assert_allclose(np.log(got), [[1.0, -1.0]])


def test_noise_scales_with_the_root_of_the_days():
    steps = np.array([[1.0], [2.0]])
    short, long = (
        np.log(market.noise_factor(steps, np.array([days]), volatility_pa=0.3))
        for days in (5.0, 45.0)
    )
    np.testing.assert_allclose(long, 3.0 * short)


def test_noise_leaves_its_input_alone():
    steps = np.array([[1.0, 100.0]])
    market.noise_factor(steps, np.array([5.0, 5.0]), volatility_pa=0.3)
    assert steps.tolist() == [[1.0, 100.0]]


def test_without_volatility_there_is_no_noise():
    steps = np.random.default_rng(7).standard_t(4, (20, 5))
    assert (market.noise_factor(steps, np.full(5, 5.0), volatility_pa=0.0) == 1.0).all()


def test_noise_has_a_mean_thanks_to_the_cut():
    # One step of half a year: E exp(c X) over the t density between the cuts, and their atoms.
    scale = 0.27 * math.sqrt(0.5) / math.sqrt(2.0)
    t4, cut = stats.t(4), market.NOISE_CUT
    inside = integrate.quad(lambda x: math.exp(scale * x) * t4.pdf(x), -cut, cut, limit=200)[0]
    atoms = t4.sf(cut) * 2.0 * math.cosh(scale * cut)
    assert t4.sf(cut) == pytest.approx(7.6e-6, rel=0.02)  # on each side: 1.5e-5 in all
    n = 400_000
    steps = np.random.default_rng(7).standard_t(4, (n, 1))
    sample = market.noise_factor(steps, np.array([182.5]), volatility_pa=0.27)
    assert abs(sample.mean() - inside - atoms) < 4.5 * sample.std() / math.sqrt(n)
    # A step of any size moves the price by no more than the cut.
    huge = market.noise_factor(np.array([[1e9]]), np.array([182.5]), volatility_pa=0.27)
    assert float(np.log(huge[0, 0])) == pytest.approx(scale * cut)
