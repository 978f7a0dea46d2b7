"""The composite: scales that stand still, weights that are stated, gaps that are never safe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.scorecard.composite import SCALES, checked_weights, compose
from supplyrisk.scorecard.estimates import N_DRAWS, UNKNOWN, Estimate, drawn, estimates

PARTS = list(SCALES)
INSIDE = {  # within each scale, with room to both sides
    "supply_at_risk": st.floats(0.005, 0.3),
    "hhi_wgi": st.floats(0.15, 8.0),
    "recycling_input_rate": st.floats(0.05, 0.95),
}


def sure(value, coverage=1.0):
    return Estimate(value, value, value, coverage)


def test_the_scales_are_those_of_the_page():
    assert SCALES["supply_at_risk"][:3] == (0.004, 0.4, True)
    assert SCALES["hhi_wgi"][:3] == (0.1, 10.0, True)
    assert SCALES["recycling_input_rate"][:3] == (1.0, 0.0, False)
    assert [scale.weight for scale in SCALES.values()] == [0.5, 0.25, 0.25]


def test_a_composite_by_hand():
    # Half-way on two logarithmic scales, and a rate of 20 %: 0.5 x 50 + 0.25 x 50 + 0.25 x 80.
    figures = {"supply_at_risk": 0.04, "hhi_wgi": 1.0, "recycling_input_rate": 0.2}
    made = compose("tin", {name: sure(x) for name, x in figures.items()}, checked_weights(None), 1)
    assert made.value == pytest.approx(57.5)
    assert made.interval == pytest.approx((57.5, 57.5))
    assert made.coverage == 1.0
    parts = made.parts.set_index("part")
    assert parts["score"].to_dict() == pytest.approx(
        {"supply_at_risk": 50.0, "hhi_wgi": 50.0, "recycling_input_rate": 80.0}
    )
    assert parts["points"].sum() == pytest.approx(57.5)
    # Over all weightings of 50, 50 and 80 the weight w of the 80 has P(w > x) = (1 - x)^2.
    low, high = (50.0 + 30.0 * (1.0 - np.sqrt(1.0 - p)) for p in (0.05, 0.95))
    assert made.weight_interval == pytest.approx((low, high), abs=0.7)


def test_a_few_smelters_are_not_taken_for_their_stage():
    # The two smelters of the case melt a third of the world's tin.
    card = sr.score(sr.load_case("walikale-2025"), composite=True, n_scenarios=200, rng=1)
    part = card.composite.parts.set_index("part").loc["hhi_wgi"]
    mined = card.rows[(card.rows["name"] == "hhi_wgi") & (card.rows["stage"] == "mine")].iloc[0]
    assert part["value"] == mined["value"]
    assert part["coverage"] == mined["coverage"]


@pytest.mark.parametrize(
    ("name", "value", "score"),
    [
        ("supply_at_risk", 0.0, 0.0),
        ("supply_at_risk", 0.004, 0.0),
        ("supply_at_risk", 0.4, 100.0),
        ("supply_at_risk", 1.0, 100.0),
        ("hhi_wgi", 10.0, 100.0),
        ("recycling_input_rate", 0.0, 100.0),
        ("recycling_input_rate", 1.0, 0.0),
    ],
)
def test_scales_are_cut_at_their_ends(name, value, score):
    assert SCALES[name].score(np.array(value)) == pytest.approx(score)


@given(st.fixed_dictionaries(INSIDE), st.sampled_from(PARTS), st.data())
def test_a_part_that_is_lost_lowers_the_coverage_and_never_the_risk(figures, lost, data):
    known = {name: sure(x, data.draw(st.floats(0.1, 1.0))) for name, x in figures.items()}
    weights = checked_weights(None)
    before = compose("tin", known, weights, 1)
    after = compose("tin", {**known, lost: UNKNOWN}, weights, 1)
    assert after.coverage < before.coverage
    assert np.isnan(after.value)  # not a smaller number
    assert after.interval.low <= before.interval.low + 1e-9
    assert after.interval.high >= before.interval.high - 1e-9
    assert f"none without {lost}, but it lies in [" in after.said


@given(st.fixed_dictionaries(INSIDE), st.sampled_from(PARTS), st.floats(0.01, 0.5))
def test_a_riskier_part_makes_a_riskier_whole(figures, name, step):
    less = -step if name == "recycling_input_rate" else step
    worse = {**figures, name: figures[name] * (1.0 + less)}
    pair = [
        compose("tin", {key: sure(x) for key, x in one.items()}, checked_weights(None), 1).value
        for one in (figures, worse)
    ]
    assert pair[0] <= pair[1] <= 100.0
    assert pair[0] >= 0.0


@given(st.fixed_dictionaries(INSIDE), st.sampled_from(PARTS))
def test_one_weight_alone_is_its_part(figures, name):
    known = {key: sure(x) for key, x in figures.items()}
    made = compose("tin", known, checked_weights({name: 1.0}), 1)
    assert made.value == pytest.approx(float(SCALES[name].score(np.array(figures[name]))))
    assert made.weight_interval == pytest.approx((made.value, made.value))
    assert made.parts["part"].tolist() == [name]


def test_nothing_known_is_no_number():
    made = compose("tin", {}, checked_weights(None), 1)
    assert np.isnan(made.value)
    assert made.coverage == 0.0
    assert made.interval == (0.0, 100.0)
    assert repr(made).endswith("but it lies in [0, 100]; 0% of its inputs are known>")


def test_the_interval_is_that_of_the_parts():
    one = Estimate(0.04, 0.02, 0.1, 1.0)
    made = compose("tin", {"supply_at_risk": one}, checked_weights({"supply_at_risk": 1.0}), 4)
    ends = [float(SCALES["supply_at_risk"].score(np.array(end))) for end in (0.02, 0.1)]
    assert made.interval == pytest.approx(ends, abs=2.0)


def test_draws_have_the_quantiles_given_and_hang_on_their_name_alone():
    one = Estimate(2.0, 1.0, 5.0, 1.0)
    draws = drawn(one, 3, "tin", "hhi")
    assert draws.shape == (N_DRAWS,)
    assert np.quantile(draws, (0.05, 0.5, 0.95)) == pytest.approx((1.0, 2.0, 5.0), abs=0.2)
    assert (draws == drawn(one, 3, "tin", "hhi")).all()
    assert (draws != drawn(one, 3, "zinc", "hhi")).any()
    assert (drawn(Estimate(2.0, np.nan, np.nan, 1.0), 3, "tin", "hhi") == 2.0).all()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"hhi_wgi": 0.5}, "weights must sum to 1, got 0.5"),
        ({"hhi_wig": 1.0}, "did you mean 'hhi_wgi'"),
        ({"hhi_wgi": -0.5, "supply_at_risk": 1.5}, r"weights.hhi_wgi must lie in \[0, 1\]"),
        ({"hhi_wgi": float("nan")}, r"weights.hhi_wgi must lie in \[0, 1\], got nan"),
        ([0.5, 0.5], "weights must be a mapping"),
        ({}, "weights must sum to 1, got 0"),
    ],
)
def test_weights_that_are_refused(weights, said):
    with pytest.raises(sr.InvalidInputError, match=said):
        checked_weights(weights)


def test_a_card_has_a_composite_only_when_asked_and_shows_its_weights():
    outlook = sr.simulate(sr.load_case("walikale-2025"), 300, rng=2)
    plain = sr.score(outlook)
    assert plain.composite is None
    assert "omposite" not in str(plain)
    card = sr.score(outlook, composite=True)
    assert card.supply_at_risk == plain.supply_at_risk
    known = estimates(card.rows[card.rows["level"] == "commodity"])
    by_hand = compose("tin", known, checked_weights(None), outlook.provenance.seed)
    assert card.composite.value == by_hand.value
    for shown in ("weight", "zero_at", "hundred_at", f"{card.composite.value:.0f} of 100"):
        assert shown in str(card)
        assert shown in card._repr_html_()
    own = sr.score(outlook, composite=True, weights={"supply_at_risk": 1.0})
    assert own.composite.parts["part"].tolist() == ["supply_at_risk"]
