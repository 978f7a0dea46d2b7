"""Ranks of simulated figures and composites by hand, then laws, then the bundled tables."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.scorecard import ranking

NOTHING = float("nan")
FOUR = {  # name: value and interval of an indicator; recycling
    "tin": ((2.0, 1.0, 3.0), 0.3),
    "zinc": ((1.0, 0.9, 1.1), 0.2),
    "gallium": ((6.0, 5.0, 7.0), 0.0),
    "uranium": ((NOTHING, NOTHING, NOTHING), NOTHING),
}


def table(names, four=FOUR):
    rows = []
    for name in names:
        (value, low, high), rate = four[name]
        for key, cells in (
            ("supply_risk", (value, low, high)),
            ("hhi_wgi", (value, low, high)),
            ("recycling_input_rate", (rate, rate, rate)),
        ):
            known = 0.0 if np.isnan(value) else 0.8
            rows.append((name, key, *cells, "1", "mine", "2024", "s", "formula public", known, ""))
    columns = (
        "commodity name value ci_low ci_high unit stage vintage source_id standing coverage note"
    )
    return pd.DataFrame(rows, columns=columns.split())


@pytest.fixture
def by_hand(monkeypatch):
    monkeypatch.setattr(ranking, "indicator_table", lambda names, **_: table(names))
    at_risk = {
        name: ranking.Estimate(x, x, x, 0.9)
        for name, x in {"tin": 0.15, "zinc": 0.04, "gallium": 0.4}.items()
    }
    monkeypatch.setattr(
        ranking, "_supply_at_risk", lambda name, *_: at_risk.get(name, ranking.UNKNOWN)
    )
    return at_risk


@pytest.mark.usefixtures("by_hand")
def test_supply_at_risk_ranks_by_hand():
    ranked = sr.rank(FOUR, by="supply_at_risk", rng=1)
    assert ranked.index.tolist() == ["gallium", "tin", "zinc", "uranium"]
    assert ranked["rank"].tolist()[:3] == [1.0, 2.0, 3.0]
    assert ranked["rank_low"].tolist()[:3] == ranked["rank_high"].tolist()[:3] == [1.0, 2.0, 3.0]
    assert ranked.loc["uranium", ["rank", "rank_low", "rank_high"]].isna().all()
    assert ranked["coverage"].tolist() == pytest.approx([(0.9 + 3 * 0.8) / 4] * 3 + [0.0])
    assert ranked.columns[4:7].tolist() == [
        "supply_at_risk",
        "supply_at_risk_ci_low",
        "supply_at_risk_ci_high",
    ]
    assert ranked.loc["tin", ["supply_risk", "supply_risk_ci_high"]].tolist() == [2.0, 3.0]
    assert "composite" not in ranked


def test_two_that_overlap_may_change_places(by_hand):
    by_hand["zinc"] = ranking.Estimate(0.16, 0.1, 0.2, 1.0)
    by_hand["tin"] = ranking.Estimate(0.15, 0.1, 0.2, 1.0)
    ranked = sr.rank(FOUR, by="supply_at_risk", rng=1)
    assert ranked.index.tolist() == ["gallium", "zinc", "tin", "uranium"]
    for name in ("tin", "zinc"):
        assert ranked.loc[name, ["rank_low", "rank_high"]].tolist() == [2.0, 3.0]


@pytest.mark.usefixtures("by_hand")
def test_the_composite_ranks_with_its_weights_and_what_they_change():
    ranked = sr.rank(["tin", "zinc", "gallium"], by="composite", rng=1)
    # 50 % of the log scale 0.004 to 0.4, 25 % of that from 0.1 to 10, 25 % of what is not recycled.
    share = {"tin": np.log10(0.15 / 0.004), "zinc": 1.0, "gallium": 2.0}
    for name, part in share.items():
        (hhi, *_), rate = FOUR[name]
        by_hand = 25.0 * part + 12.5 * np.log10(hhi / 0.1) + 25.0 * (1.0 - rate)
        assert ranked.loc[name, "composite"] == pytest.approx(by_hand)
    assert ranked["rank"].to_dict() == {"gallium": 1.0, "tin": 2.0, "zinc": 3.0}
    # By recycling alone zinc comes before tin, so some weightings say so; none moves gallium.
    assert ranked.loc["gallium", ["weight_rank_low", "weight_rank_high"]].tolist() == [1.0, 1.0]
    assert ranked.loc["tin", ["weight_rank_low", "weight_rank_high"]].tolist() == [2.0, 3.0]
    assert ranked.loc["tin", ["rank_low", "rank_high"]].tolist() == [2.0, 2.0]
    assert ranked.attrs["weights"] == {
        "supply_at_risk": 0.5,
        "hhi_wgi": 0.25,
        "recycling_input_rate": 0.25,
    }
    assert ranked["composite_coverage"].tolist() == pytest.approx([0.85] * 3)
    own = sr.rank(["tin", "zinc"], by="composite", weights={"recycling_input_rate": 1.0}, rng=1)
    assert own["rank"].to_dict() == {"zinc": 1.0, "tin": 2.0}


@pytest.mark.usefixtures("by_hand")
def test_a_metal_of_which_a_part_is_unknown_has_bounds_and_no_rank():
    ranked = sr.rank(FOUR, by="composite", rng=1)
    assert ranked["rank"].isna().to_dict()["uranium"]
    assert np.isnan(ranked.loc["uranium", "composite"])
    assert ranked.loc["uranium", ["composite_ci_low", "composite_ci_high"]].tolist() == [0.0, 100.0]
    assert ranked.index[-1] == "uranium"


orders = st.permutations(list(FOUR)).flatmap(
    lambda names: st.integers(2, 4).map(lambda n: names[:n])
)


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("by", ["supply_at_risk", "composite"])
def test_neither_order_nor_company_changes_a_metal(by):
    whole = sr.rank(FOUR, by=by, rng=3)

    @given(orders)
    def law(names):
        same_in_any_company(sr.rank(names, by=by, rng=3), whole)

    law()


def test_neither_order_nor_company_changes_a_bundled_metal():
    names = ["tin", "cobalt", "copper", "uranium"]
    whole = sr.rank(names, by="hhi", rng=3)

    @settings(max_examples=5)
    @given(st.permutations(names).flatmap(lambda n: st.integers(2, 4).map(lambda k: n[:k])))
    def law(some):
        same_in_any_company(sr.rank(some, by="hhi", rng=3), whole)

    law()


def same_in_any_company(ranked, whole):
    own = whole.loc[ranked.index]
    assert ranked.index.tolist() == [name for name in whole.index if name in ranked.index]
    figures = [name for name in whole.columns if "rank" not in name]
    there = [name for name in figures if name in ranked]  # a name that none of them has is no row
    assert own[[name for name in figures if name not in ranked]].isna().all(axis=None)
    pd.testing.assert_frame_equal(ranked[there], own[there], check_exact=True)
    if len(ranked) == len(whole):
        pd.testing.assert_frame_equal(ranked, whole, check_exact=True)


def test_indicators_rank_as_indicator_ranks_does():
    names = ["tin", "cobalt", "copper", "silver"]
    for by in ("hhi_wgi", "recycling_input_rate"):
        ranked = sr.rank(names, by=by, rng=2)
        own = sr.indicator_ranks(names, by, as_of=ranked.attrs["as_of"], rng=2)
        for column in ("rank", "rank_low", "rank_high"):
            assert ranked[column].dropna().to_dict() == own[column].dropna().to_dict()
        values = ranked[by].dropna()
        assert values.to_dict() == own["value"].dropna().to_dict()
        # Less recycling is riskier.
        rising = values.is_monotonic_increasing
        assert rising == (by == "recycling_input_rate")


def test_simulated_figures_are_those_of_the_card():
    ranked = sr.rank(["gallium", "tantalum"], by="supply_at_risk", n_scenarios=400, rng=7)
    for name in ranked.index:
        card = sr.score(name, n_scenarios=400, rng=7)
        assert ranked.loc[name, "supply_at_risk"] == card.supply_at_risk
        assert ranked.loc[name, "supply_at_risk_ci_low"] == card.interval.low
        assert ranked.loc[name, "coverage"] == pytest.approx(card.coverage)


def test_all_bundled_metals_are_ranked_or_said_to_be_unknown():
    ranked = sr.rank(by="hhi", rng=1)
    assert sorted(ranked.index) == sorted(sr.data.commodities()["commodity"])
    known = ranked["hhi"].notna()
    assert known.sum() >= 16
    assert (ranked["rank"].notna() == known).all()
    assert ranked.loc[known, "hhi"].is_monotonic_decreasing
    assert (ranked.loc[known, "rank_low"] <= ranked.loc[known, "rank"]).all()
    assert (ranked.loc[known, "rank"] <= ranked.loc[known, "rank_high"]).all()


def test_a_day_in_the_past_knows_the_editions_of_its_time():
    then = sr.rank(["tin", "gallium"], by="hhi", as_of=dt.date(2024, 6, 1), rng=1)
    now = sr.rank(["tin", "gallium"], by="hhi", rng=1)
    assert then.attrs["as_of"] == dt.date(2024, 6, 1)
    assert then.loc["gallium", "hhi"] != now.loc["gallium", "hhi"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"commodities": ["tin", "zync"]}, "did you mean 'zinc'"),
        ({"commodities": []}, "commodities must name at least 2"),
        ({"by": "suply_risk"}, "did you mean 'supply_risk'"),
        ({"by": "hhi", "weights": {"hhi_wgi": 1.0}}, "weights must be left out unless by is"),
        ({"by": "composite", "weights": {"hhi": 1.0}}, "did you mean 'hhi_wgi'"),
        ({"region": "Atlantis"}, "region"),
        ({"as_of": "2024"}, "as_of must be a date"),
    ],
)
def test_rejections(arguments, said):
    with pytest.raises(sr.InvalidInputError, match=said):
        sr.rank(**{"commodities": ["tin", "zinc"], "rng": 1, **arguments})
