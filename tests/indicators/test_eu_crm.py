"""Supply risk of the EU against the study of 2017, then against its laws.

The table holds 39 materials of "Study on the review of the list of critical raw materials:
criticality assessments" (Deloitte, BGS, BRGM, TNO for the European Commission, 2017; CC BY 4.0),
tables 3, 13, 18, 19 and 21, as printed: rounded to one decimal or a whole percent.
"""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

# material, mix used, supply risk, economic importance, import reliance [%], recycling input [%],
# substitution index of importance and of supply risk, HHI of the world and of the EU's mix, supply
# risk by the world's mix, by the EU's, by both
STUDY_2017 = """
Aggregates eu 0.2 2.3 0 8 0.9 0.9 0.2 0.2 0.2 0.2 0.2
Antimony both 4.3 4.3 100 28 0.9 0.9 7.1 5.7 4.8 3.9 4.3
Bauxite both 2.0 2.6 85 0 1.0 1.0 0.6 3.1 0.6 3.1 2.0
Beryllium world 2.4 3.9 - 0 1.0 1.0 2.4 - 2.4 - -
Borate both 3.0 3.1 100 0 1.0 1.0 1.1 5.0 1.1 5.0 3.0
Chromium both 0.9 6.8 75 21 1.0 1.0 1.2 1.1 1.0 0.9 0.9
Coking_coal both 1.0 2.3 63 0 0.9 0.9 2.8 0.3 2.5 0.3 1.0
Diatomite both 0.3 3.8 16 0 0.9 0.9 0.7 0.3 0.6 0.3 0.3
Erbium both 5.2 2.7 100 1 0.9 1.0 9.2 1.6 8.7 1.5 5.1
Feldspar both 0.6 2.4 0 10 0.9 1.0 0.5 0.7 0.5 0.6 0.6
Gadolinium both 5.1 4.1 100 1 0.9 0.9 9.2 1.8 8.5 1.6 5.1
Germanium both 1.9 3.5 64 2 1.0 1.0 2.9 1.5 2.9 1.4 1.9
Gypsum both 0.5 2.2 0 1 0.8 0.9 0.5 0.5 0.4 0.5 0.5
Helium world 1.6 2.8 96 1 0.9 1.0 1.7 1.3 1.6 1.3 1.4
Indium world 2.4 3.1 0 0 0.9 1.0 2.5 0.8 2.4 0.7 0.7
Iron_ore both 0.8 6.2 74 24 0.9 1.0 1.4 0.8 1.1 0.6 0.8
Lanthanum both 5.4 1.4 100 1 1.0 1.0 9.2 1.8 9.0 1.7 5.4
Limestone both 0.1 2.5 3 58 0.9 0.9 1.9 0.3 0.7 0.1 0.1
Lutetium both 5.4 3.3 100 1 1.0 1.0 9.2 1.8 9.1 1.7 5.4
Magnesium both 4.0 7.1 100 9 0.9 0.9 4.4 5.2 3.7 4.3 4.0
Molybdenum both 0.9 5.2 100 30 1.0 1.0 1.4 1.1 0.9 0.8 0.9
Natural_graphite both 2.9 2.9 99 3 1.0 1.0 3.2 2.9 3.0 2.7 2.9
Natural_Teak_wood world 0.9 2.0 100 0 0.9 0.9 1.0 1.8 0.9 1.6 1.3
Nickel both 0.3 4.8 59 34 0.9 1.0 0.9 0.4 0.6 0.2 0.3
Palladium world 1.7 5.6 100 10 0.9 1.0 1.9 0.0 1.7 0.0 0.9
Phosphate_rock both 1.0 5.1 88 17 1.0 1.0 1.8 0.8 1.5 0.6 1.0
Platinum world 2.1 4.9 98 11 0.9 1.0 2.5 0.0 2.1 0.0 1.0
Praseodymium both 4.6 3.8 100 10 0.9 0.9 9.2 1.8 7.8 1.5 4.6
Rhodium world 2.5 6.6 100 24 1.0 1.0 3.3 0.0 2.5 0.0 1.2
Samarium both 4.5 5.5 100 1 0.8 0.8 9.2 1.6 7.5 1.3 4.4
Scandium world 2.9 3.7 100 0 0.9 1.0 3.0 3.4 2.9 3.3 3.1
Silica_sand eu 0.3 2.6 0 0 1.0 1.0 0.5 0.3 0.5 0.3 0.3
Silver both 0.5 3.8 80 55 1.0 1.0 0.5 1.6 0.2 0.7 0.5
Talc both 0.4 3.0 13 5 1.0 1.0 0.8 0.4 0.7 0.4 0.4
Tellurium both 0.7 3.4 100 1 0.8 0.9 0.9 0.7 0.8 0.6 0.7
Thulium both 5.4 3.3 100 1 1.0 1.0 9.2 1.8 9.1 1.7 5.4
Titanium both 0.3 4.3 100 19 0.9 0.9 0.4 0.5 0.3 0.4 0.3
Vanadium both 1.6 3.7 84 44 0.9 0.9 2.5 3.3 1.3 1.7 1.6
Yttrium both 3.8 3.2 100 31 1.0 1.0 9.2 1.8 6.3 1.2 3.8
"""
MATERIALS = [line.split() for line in STUDY_2017.strip().splitlines()]
NAMES = [row[0] for row in MATERIALS]
fraction = st.floats(0.0, 1.0)
weighted_hhi = st.floats(0.0, 10.0)


@st.composite
def materials(draw):
    return {
        "hhi_global": draw(weighted_hhi),
        "hhi_eu": draw(weighted_hhi),
        "import_reliance": draw(fraction),
        "recycling_input_rate": draw(fraction),
        "substitution_index": draw(fraction),
    }


def ours(gs, eu, ir, eol, si, _ei):
    return indicators.eu_supply_risk(
        hhi_global=gs,
        hhi_eu=eu,
        import_reliance=ir,
        recycling_input_rate=eol,
        substitution_index=si,
    )


def half(gs, eu, ir):
    return gs * ir / 2 + eu * (1 - ir / 2)


# Slips met in public code, each of which the study must refute.
WRONG = {
    "import reliance not halved": lambda gs, eu, ir, eol, si, _: (
        half(gs, eu, 2 * ir) * (1 - eol) * si
    ),
    "no recycling": lambda gs, eu, ir, _eol, si, _: half(gs, eu, ir) * si,
    "recycling for its complement": lambda gs, eu, ir, eol, si, _: half(gs, eu, ir) * eol * si,
    "no substitution": lambda gs, eu, ir, eol, _si, _: half(gs, eu, ir) * (1 - eol),
    "mixes exchanged": lambda gs, eu, ir, eol, si, _: half(eu, gs, ir) * (1 - eol) * si,
    "mean of the mixes": lambda gs, eu, _ir, eol, si, _: (gs + eu) / 2 * (1 - eol) * si,
    "substitution index squared": lambda gs, eu, ir, eol, si, _: (
        half(gs, eu, ir) * (1 - eol) * si**2
    ),
    "the world's mix alone": lambda gs, _eu, _ir, eol, si, _: gs * (1 - eol) * si,
}


def ends(printed, rounding, most=math.inf):
    """Least and most that a printed number was before it was rounded."""
    return max(0.0, float(printed) - rounding), min(most, float(printed) + rounding)


def fits(formula, row, used, published):
    """Whether a printed result lies in the interval that the printed inputs allow."""
    *_, ir, eol, si_ei, si, gs, eu = row[:10]
    corners = product(
        *(
            (None,) if name not in used else ends(value, 0.05)
            for name, value in (("world", gs), ("eu", eu))
        ),
        (None,) if ir == "-" else [x / 100 for x in ends(ir, 0.5, 100)],
        [x / 100 for x in ends(eol, 0.5, 100)],
        ends(si, 0.05, 1.0),
        ends(si_ei, 0.05, 1.0),
    )
    # Every formula is linear in each input alone (the square rises), so corners hold its ends.
    values = [formula(*corner) for corner in corners]
    low, high = ends(published, 0.05)
    return min(values) <= high + 1e-9 and max(values) >= low - 1e-9


def by_both():
    return [row for row in MATERIALS if "-" not in {row[4], row[9], row[12]}]


@pytest.mark.parametrize("row", MATERIALS, ids=NAMES)
def test_supply_risk_by_the_mix_that_the_study_used(row):
    used = {"both": {"world", "eu"}, "world": {"world"}, "eu": {"eu"}}[row[1]]
    assert fits(ours, row, used, row[2])


@pytest.mark.parametrize("row", MATERIALS, ids=NAMES)
def test_supply_risk_by_every_mix_that_the_study_prints(row):
    assert fits(ours, row, {"world"}, row[10])
    assert row[11] == "-" or fits(ours, row, {"eu"}, row[11])
    assert row[12] == "-" or fits(ours, row, {"world", "eu"}, row[12])


@pytest.mark.parametrize("slip", WRONG)
def test_the_study_refutes_wrong_formulas(slip):
    refuting = [row[0] for row in by_both() if not fits(WRONG[slip], row, {"world", "eu"}, row[12])]
    assert refuting


def test_the_study_refutes_recycling_slips_with_one_mix_too():
    for wrong in (
        lambda gs, _eu, _ir, _eol, si, _: gs * si,
        lambda gs, _eu, _ir, e, s, _: gs * e * s,
    ):
        assert not all(fits(wrong, row, {"world"}, row[10]) for row in MATERIALS)


def test_net_exporters_have_no_reliance():
    # Aggregates, feldspar, gypsum and indium are printed with 0, and with -12 to -25 % unrounded.
    assert indicators.import_reliance(production=115, imports=3, exports=15) == 0.0


def test_criticality_in_2017():
    # Whether the list of 2017 (COM(2017) 490) names a material; platinum metals and rare earths
    # are judged as groups. Coking coal stayed on the list below the threshold, as it says.
    single = {
        "Antimony": True,
        "Bauxite": False,
        "Beryllium": True,
        "Borate": True,
        "Chromium": False,
        "Germanium": True,
        "Helium": True,
        "Indium": True,
        "Iron_ore": False,
        "Magnesium": True,
        "Molybdenum": False,
        "Natural_graphite": True,
        "Nickel": False,
        "Phosphate_rock": True,
        "Scandium": True,
        "Silver": False,
        "Titanium": False,
        "Vanadium": True,
    }
    judged = {
        row[0]: indicators.is_eu_critical(
            supply_risk=float(row[2]), economic_importance=float(row[3])
        )
        for row in MATERIALS
        if row[0] in single
    }
    assert judged == single


@pytest.mark.parametrize(
    ("risk", "importance", "critical"),
    [(1.0, 2.8, True), (0.99, 9.0, False), (9.0, 2.79, False)],
)
def test_thresholds(risk, importance, critical):
    is_critical = indicators.is_eu_critical(supply_risk=risk, economic_importance=importance)
    assert is_critical is critical


@given(materials())
def test_supply_risk_lies_between_those_of_its_mixes(material):
    risk = indicators.eu_supply_risk(**material)
    single = [
        indicators.eu_supply_risk(**material | {other: None}) for other in ("hhi_global", "hhi_eu")
    ]
    assert min(single) - 1e-12 <= risk <= max(single) + 1e-12
    # At most half of it is the world's.
    far = indicators.eu_supply_risk(**material | {"import_reliance": 1.0})
    assert far == pytest.approx(sum(single) / 2, abs=1e-12)


@given(materials(), st.data())
def test_supply_risk_rises_with_concentration_and_falls_with_recycling(material, data):
    risk = indicators.eu_supply_risk(**material)
    for name, most in (("hhi_global", 10.0), ("hhi_eu", 10.0), ("substitution_index", 1.0)):
        more = data.draw(st.floats(material[name], most))
        assert indicators.eu_supply_risk(**material | {name: more}) >= risk - 1e-12
    more = data.draw(st.floats(material["recycling_input_rate"], 1.0))
    assert indicators.eu_supply_risk(**material | {"recycling_input_rate": more}) <= risk + 1e-12
    assert indicators.eu_supply_risk(**material | {"recycling_input_rate": 1.0}) == 0.0


@given(materials(), st.data())
def test_reliance_pulls_towards_the_world(material, data):
    more = data.draw(st.floats(material["import_reliance"], 1.0))
    rise = indicators.eu_supply_risk(
        **material | {"import_reliance": more}
    ) - indicators.eu_supply_risk(**material)
    assert rise * (material["hhi_global"] - material["hhi_eu"]) >= -1e-11


@given(materials())
def test_one_mix_needs_no_reliance(material):
    alone = material | {"hhi_eu": None}
    assert indicators.eu_supply_risk(
        **alone | {"import_reliance": None}
    ) == indicators.eu_supply_risk(**alone)


def test_two_stages_have_the_higher_risk():
    by_stage = {"extraction": 1.9, "processing": 2.4}
    assert indicators.binding_stage(by_stage) == ("processing", 2.4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hhi_global": None, "hhi_eu": None}, "hhi_global, hhi_eu must not both be None"),
        ({"import_reliance": None}, r"import_reliance must lie in \[0, 1\], got None"),
        ({"import_reliance": 85}, r"import_reliance must lie in \[0, 1\], got 85"),
        ({"recycling_input_rate": 28}, r"recycling_input_rate must lie in \[0, 1\], got 28"),
        ({"substitution_index": math.nan}, r"substitution_index must lie in \[0, 1\], got nan"),
        ({"hhi_eu": -1}, "hhi_eu must be a finite number >= 0, got -1"),
    ],
)
def test_bad_supply_risk_is_refused(change, message):
    good = {
        "hhi_global": 1.0,
        "hhi_eu": 1.0,
        "import_reliance": 0.5,
        "recycling_input_rate": 0.1,
        "substitution_index": 0.9,
    }
    with pytest.raises(ValueError, match=message):
        indicators.eu_supply_risk(**good | change)


flow = st.floats(0.01, 1e6)


@given(flow, flow, flow, st.floats(1e-3, 1e3))
def test_import_reliance_laws(production, imports, exports, factor):
    def reliance(p, i, e):
        return indicators.import_reliance(production=p, imports=i, exports=e)

    here = reliance(production, imports, exports)
    assert 0.0 <= here <= 1.0
    scaled = reliance(production * factor, imports * factor, exports * factor)
    # Net imports are a difference: near balance its rounding is large against itself.
    assert scaled == pytest.approx(here, rel=1e-9, abs=1e-9)
    assert reliance(production * 2, imports, exports) <= here
    assert reliance(production, imports * 2, exports) >= here
    assert reliance(production, imports, exports * 2) <= here
    assert reliance(0, imports, 0) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"production": 0, "imports": 0}, "must not all be 0: nothing is used"),
        ({"imports": None}, "imports must be a finite number >= 0, got None"),
        ({"production": math.nan}, "production must be a finite number >= 0, got nan"),
        ({"production": -1}, "production must be a finite number >= 0, got -1"),
    ],
)
def test_missing_figures_are_no_independence(change, message):
    with pytest.raises(ValueError, match=message):
        indicators.import_reliance(**{"production": 1, "imports": 1, "exports": 0} | change)


@given(flow, flow, st.floats(1.0, 10.0))
def test_recycling_input_rate_laws(scrap, other, factor):
    def rate(s, o):
        return indicators.recycling_input_rate(from_old_scrap=s, other_input=o)

    assert rate(scrap, other) + rate(other, scrap) == pytest.approx(1.0)
    assert rate(scrap * factor, other) >= rate(scrap, other) >= rate(scrap, other * factor)


def test_nothing_has_no_recycling_rate():
    with pytest.raises(ValueError, match="must not both be 0"):
        indicators.recycling_input_rate(from_old_scrap=0, other_input=0)


def test_the_largest_sector_without_substitutes_has_10():
    importance = {"largest_value_added": 2e11, "substitution_index": 1.0}
    assert (
        indicators.economic_importance(use_shares=[1.0], value_added=[2e11], **importance) == 10.0
    )


@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.0, 1e12)), min_size=1, max_size=10),
    fraction,
    st.floats(1e-3, 1e3),
)
def test_economic_importance_laws(uses, index, factor):
    shares, added = (np.array(column) for column in zip(*uses, strict=True))

    def importance(value_added, largest):
        return indicators.economic_importance(
            use_shares=shares,
            value_added=value_added,
            largest_value_added=largest,
            substitution_index=index,
            renormalise=True,
        )

    here = importance(added, 1e12)
    assert 0.0 <= here <= 10.0 * index * (1 + 1e-12)
    assert importance(added * factor, 1e12 * factor) == pytest.approx(here, rel=1e-9, abs=1e-12)
    assert importance(added, 2e12) == pytest.approx(here / 2)
    assert here == pytest.approx(
        10 * index * sum(s * v for s, v in zip(shares, added, strict=True)) / shares.sum() / 1e12
    )


def test_a_sector_above_the_largest_is_refused():
    with pytest.raises(ValueError, match=r"value_added must lie in \[0, 10\], got 11\.0"):
        indicators.economic_importance(
            use_shares=[1.0], value_added=[11.0], largest_value_added=10.0, substitution_index=1.0
        )


def test_groups_are_plain_means():
    assert indicators.eu_group_mean([1.0, 2.0, 6.0]) == pytest.approx(3.0)
    with pytest.raises(ValueError, match=r"at least 1 number, got shape \(0,\)"):
        indicators.eu_group_mean([])
