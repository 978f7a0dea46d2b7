"""Contents of traded goods: formulas recomputed, codes matched, nothing counted twice."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.data.formats._goods import EDITIONS, is_code
from supplyrisk.data.market_tables import trade_codes
from supplyrisk.data.schema import schema
from supplyrisk.data.tables import table
from supplyrisk.data.trade import contained_metal
from supplyrisk.errors import InvalidInputError

# Standard atomic weights of 2021, abridged (IUPAC, doi:10.1515/pac-2019-0603).
WEIGHTS = {
    "H": 1.008, "Li": 6.94, "C": 12.011, "N": 14.007, "O": 15.999, "F": 18.998, "Na": 22.990,
    "Mg": 24.305, "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "Cl": 35.45, "Sc": 44.956,
    "V": 50.942, "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546,
    "Zn": 65.38, "Ge": 72.630, "Nb": 92.906, "Mo": 95.95, "Sn": 118.71, "Sb": 121.76,
    "La": 138.91, "Ce": 140.12, "Nd": 144.24, "Lu": 174.97, "Ta": 180.95, "W": 183.84,
    "Pb": 207.2, "U": 238.03, "Pt": 195.08, "Pd": 106.42, "Rh": 102.91, "Ga": 69.723,
    "In": 114.82,
}  # fmt: skip
# Oxygen for each metal in the oxide that rare earths are counted as.
OXYGEN = {"Ce": 2.0, "La": 1.5, "Nd": 1.5, "Lu": 1.5, "Sc": 1.5}
CODES = trade_codes()


def atoms(formula):
    """Count the atoms of a formula such as (NH4)10H2W12O42.4H2O."""
    total = dict.fromkeys(WEIGHTS, 0.0)
    for part in formula.split("."):
        times, rest = re.fullmatch(r"(\d*)(.+)", part).groups()
        groups = [{}]
        for element, count, opens, closes in re.findall(r"([A-Z][a-z]?)(\d*)|(\()|(\)\d*)", rest):
            if opens:
                groups.append({})
            elif closes:
                inner = groups.pop()
                factor = int(closes[1:] or 1)
                for name, number in inner.items():
                    groups[-1][name] = groups[-1].get(name, 0) + factor * number
            else:
                groups[-1][element] = groups[-1].get(element, 0) + int(count or 1)
        for name, number in groups[0].items():
            total[name] += int(times or 1) * number
    return total


def content(of, formula):
    counts = atoms(formula)
    mass = sum(WEIGHTS[name] * count for name, count in counts.items())
    if of == "REO":
        oxide = (
            counts[name] * (WEIGHTS[name] + oxygen * WEIGHTS["O"])
            for name, oxygen in OXYGEN.items()
        )
        return sum(oxide) / mass
    if of == "Al2O3":
        return counts["Al"] * (WEIGHTS["Al"] + 1.5 * WEIGHTS["O"]) / mass
    return counts[of] * WEIGHTS[of] / mass


def flows(*codes, **columns):
    """One flow of 100 t for each code, from a country of its own."""
    exporters = ["MMR", "COD", "IDN", "PER", "BOL", "CHN", "RWA", "AUS"]
    frame = pd.DataFrame(
        {
            "year": 2023,
            "exporter": [exporters[place % 8] for place in range(len(codes))],
            "importer": "MYS",
            "hs_code": list(codes),
            "reported_by": "both",
            "quantity_t": 100.0,
            "source_id": "own",
        }
    )
    return frame.assign(**columns)


def faults(trade, **options):
    with pytest.raises(InvalidInputError) as caught:
        contained_metal(trade, **options)
    return {fault.field: fault.rule for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("of", "formula", "share"),
    [
        ("Co", "Co3O4", 0.7342),
        ("Co", "Co(OH)2", 0.634),
        ("Li", "Li2CO3", 0.1879),
        ("W", "WO3", 0.793),
        ("W", "(NH4)10H2W12O42.4H2O", 0.7043),
        ("U", "U3O8", 0.848),
        ("Ni", "NiSO4.6H2O", 0.2233),
        ("REO", "Nd", 1.1664),
    ],
)
def test_known_contents(of, formula, share):
    assert content(of, formula) == pytest.approx(share, abs=5e-5)


def test_contents_follow_from_the_formulas_and_grades_in_the_notes():
    computed = 0
    columns = {"best": "metal_content", "low": "content_low", "high": "content_high"}
    for row in CODES.to_dict("records"):
        note = row["note"] if isinstance(row["note"], str) else ""
        for label, formula in re.findall(
            r"\b([Bb]est|[Ll]ow|[Hh]igh) as ([A-Z(][\w().]*[\w)])", note
        ):
            share = content(row["content_of"], formula)
            assert row[columns[label.lower()]] == pytest.approx(share, abs=5e-5), row
            computed += 1
        for label, grade, formula in re.findall(
            r"\b([Bb]est|[Ll]ow|[Hh]igh) at ([\d.]+) % ([A-Z]\w*)", note
        ):
            plain = formula == row["content_of"]
            share = float(grade) / 100 * (1 if plain else content(row["content_of"], formula))
            assert row[columns[label.lower()]] == pytest.approx(share, abs=5e-5), row
            computed += 1
    assert computed > 200


def test_a_formula_stands_behind_every_stoichiometric_content():
    for row in CODES[CODES["content_kind"] == "stoichiometric"].to_dict("records"):
        assert re.search(r"(Best|Low|High|high) as [A-Z(]", row["note"]), row


def test_contents_are_ordered_and_within_bounds():
    best = CODES["metal_content"]
    assert (CODES["content_low"] <= CODES["content_high"]).all()
    assert ((best >= CODES["content_low"]) | best.isna()).all()
    assert ((best <= CODES["content_high"]) | best.isna()).all()
    assert (CODES.loc[CODES["content_of"] != "REO", "content_high"] <= 1).all()
    assert (CODES["content_high"] > 0).all()
    gross = CODES["content_kind"] == "gross"
    assert (CODES.loc[gross, ["metal_content", "content_low", "content_high"]] == 1).all(axis=None)
    assert gross.equals(CODES["content_of"] == "gross")


def test_a_basket_says_only_a_high_end():
    baskets = CODES[CODES["is_basket"]]
    assert baskets["metal_content"].isna().all()
    assert (baskets["content_low"] == 0).all()
    assert (CODES.loc[~CODES["is_basket"], "content_low"] > 0).all()


def test_a_commodity_is_counted_in_one_way():
    ways = CODES.groupby("commodity")["content_of"].nunique()
    assert (ways == 1).all()
    symbols = table("commodities").set_index("commodity")["symbol"]
    for commodity, of in CODES.groupby("commodity")["content_of"].first().items():
        assert of in {"gross", "REO", "Al2O3"} or of == symbols[commodity]


def test_codes_and_editions_are_well_formed():
    assert all(is_code(code) for code in CODES["hs_code"])
    for editions in CODES["hs_edition"]:
        first, last = re.fullmatch(r"HS (\d{4})-(\d{4})", editions).groups()
        assert {int(first), int(last)} <= set(EDITIONS)
        assert first <= last


def test_a_code_is_either_a_heading_or_under_one_in_an_edition():
    for commodity, rows in CODES.groupby("commodity"):
        headings = rows[rows["hs_code"].str.len() == 4]
        for heading, editions in zip(headings["hs_code"], headings["hs_edition"], strict=True):
            under = rows[(rows["hs_code"] != heading) & rows["hs_code"].str.startswith(heading)]
            later = [int(other[3:7]) > int(editions[8:12]) for other in under["hs_edition"]]
            assert all(later), (commodity, heading)


def test_rows_are_sorted_and_commodities_known():
    key = [*zip(CODES["hs_code"], CODES["hs_edition"], CODES["commodity"], strict=True)]
    assert key == sorted(key)
    assert set(CODES["commodity"]) <= set(table("commodities")["commodity"])


def test_metal_in_ore_and_in_metal():
    found = contained_metal(flows("260900", "800110", "282200", "740311"))
    assert found["commodity"].tolist() == ["tin", "tin", "cobalt", "copper"]
    assert found["stage"].tolist() == ["ore", "unwrought", "compound", "unwrought"]
    assert found["contained_t"].tolist() == pytest.approx([65.0, 99.9, 73.42, 99.99])
    assert found["contained_low_t"].tolist() == pytest.approx([50.0, 99.85, 25.0, 99.85])
    assert found["contained_high_t"].tolist() == pytest.approx([75.0, 100.0, 78.65, 100.0])
    assert found.dtypes.to_dict() == {c.name: c.dtype for c in schema("contained_trade").columns}
    checked = schema("contained_trade").check(found, what="contained")
    found.attrs = {}
    assert checked.equals(found)


def test_gross_ore_stays_gross_and_says_so():
    found = contained_metal(flows("260600", "260111", "250410", "281820"))
    assert found["contained_t"].tolist() == [100.0] * 4
    assert found["content_of"].tolist() == ["gross", "gross", "gross", "Al2O3"]


def test_rare_earth_metal_is_worth_more_than_its_weight_in_oxide():
    assert contained_metal(flows("280530"))["contained_t"].tolist() == pytest.approx([116.64])


def test_headings_match_what_is_under_them_and_the_longer_entry_wins():
    found = contained_metal(flows("2609", "260900", "740100", "7401"))
    assert found["contained_t"].tolist() == [65.0, 65.0, 60.0, 60.0]
    old = contained_metal(flows("811010", hs_edition="HS 1996"))
    assert old["contained_low_t"].tolist() == [50.0]
    new = contained_metal(flows("811010", hs_edition="HS 2022"))
    assert new["contained_low_t"].tolist() == [98.5]


def test_a_code_means_what_its_edition_says():
    ores = flows("811230", hs_edition="HS 2002")
    assert contained_metal(ores)["commodity"].tolist() == ["germanium"]
    assert "hs_code of 1 row" in faults(flows("811230", hs_edition="HS 2022"))
    assert "hs_code of 1 row" in faults(flows("811230"))
    both = contained_metal(flows("811292", hs_edition="HS 2017"), baskets=True)
    assert set(both["commodity"]) == {"gallium", "germanium", "indium"}
    before = contained_metal(flows("811292", hs_edition="HS 2002"), baskets=True)
    assert set(before["commodity"]) == {"gallium", "indium"}
    assert "column hs_edition" in faults(flows("260900", hs_edition="2022"))


def test_baskets_are_left_out_unless_asked_for():
    trade = flows("811292", "253090", "260900")
    found = contained_metal(trade)
    assert found["commodity"].tolist() == ["tin"]
    assert found.attrs["left_out"] == {"rows_unknown": 0, "codes_unknown": [], "rows_baskets": 5}
    found = contained_metal(trade, baskets=True)
    assert found["is_basket"].tolist() == [True] * 5 + [False]
    gallium = found[found["commodity"] == "gallium"]
    assert gallium["contained_t"].isna().all()
    assert gallium[["contained_low_t", "contained_high_t"]].to_numpy().tolist() == [[0.0, 100.0]]


def test_goods_of_different_content_have_ends_but_no_middle():
    found = contained_metal(flows("720260", "810520"))
    assert found["contained_t"].isna().all()
    assert found["contained_low_t"].tolist() == pytest.approx([4.0, 20.0])
    assert found["contained_high_t"].tolist() == pytest.approx([80.0, 100.0])


def test_unknown_codes_are_an_error_or_counted():
    trade = flows("260900", "010121", "8001", "010121")
    found = faults(trade)
    assert set(found) == {"hs_code of 1 row", "hs_code of 2 rows"}
    assert "known are 800110, 800120" in found["hs_code of 1 row"]
    kept = contained_metal(trade, unknown="drop")
    assert kept["hs_code"].tolist() == ["260900"]
    assert kept.attrs["left_out"]["rows_unknown"] == 3
    assert kept.attrs["left_out"]["codes_unknown"] == ["010121", "8001"]


def test_one_commodity_can_be_chosen():
    trade = flows("260900", "282200", "282590")
    assert contained_metal(trade, commodity="tin")["hs_code"].tolist() == ["260900"]
    tantalum = contained_metal(trade, commodity="tantalum", baskets=True)
    assert tantalum["hs_code"].tolist() == ["282590"]
    with pytest.raises(ValueError, match=r"must be one of.*did you mean 'tin'"):
        contained_metal(trade, commodity="tinn")


@pytest.mark.parametrize("options", [{"unknown": "ignore"}, {"baskets": "yes"}])
def test_arguments_are_checked(options):
    with pytest.raises(ValueError, match="contained_metal"):
        contained_metal(flows("260900"), **options)


def test_a_missing_weight_stays_missing():
    found = contained_metal(flows("260900", "800110", quantity_t=[np.nan, 10.0]))
    assert np.isnan(found["contained_t"].iloc[0])
    assert found["contained_t"].iloc[1] == pytest.approx(9.99)
    assert contained_metal(flows("260900").drop(columns="quantity_t"))["contained_t"].isna().all()


def test_a_heading_beside_its_codes_is_counted_twice_and_refused():
    trade = flows("2609", "260900", exporter="MMR")
    assert faults(trade) == {
        "row 0, column hs_code": (
            "must not stand beside codes under it for one flow: it would be counted twice"
        )
    }
    assert len(contained_metal(flows("2609", "260900"))) == 2  # flows of two countries
    trade = flows("2609", "260900", exporter="MMR", reported_by=["importer", "exporter"])
    assert len(contained_metal(trade)) == 2  # the two reports of one flow


@pytest.mark.parametrize(
    ("columns", "field", "rule"),
    [
        ({"quantity_t": [1.0, -1.0]}, "row 1, column quantity_t", ">= 0"),
        ({"quantity_t": [1.0, np.inf]}, "row 1, column quantity_t", "must be a number"),
        ({"quantity_t": ["1", "many"]}, "row 1, column quantity_t", "must be a number"),
        ({"value_usd": [1.0, -5.0]}, "row 1, column value_usd", ">= 0"),
        ({"exporter": ["MMR", "XXX"]}, "row 1, column exporter", "alpha-3"),
        ({"exporter": ["MMR", None]}, "row 1, column exporter", "must be given"),
        ({"year": [2023, 23]}, "row 1, column year", "1500"),
        ({"year": [2023, 2023.5]}, "row 1, column year", "whole number"),
        ({"month": [1, 13]}, "row 1, column month", "1 to 12"),
        ({"hs_code": ["260900", "26.09"]}, "row 1, column hs_code", "4 or 6 digits"),
        ({"hs_code": ["260900", 260900]}, "row 1, column hs_code", "text"),
        ({"reported_by": ["both", "me"]}, "row 1, column reported_by", "one of"),
        ({"source_id": ["own", "own data"]}, "row 1, column source_id", "name"),
        ({"exporter": ["MMR", "MMR"]}, "row 1", "repeat"),
    ],
)
def test_a_wrong_value_is_named(columns, field, rule):
    found = faults(flows("260900", "260900").assign(**columns))
    assert rule in found[field]


def test_columns_are_checked():
    assert faults(flows("260900").drop(columns="exporter")) == {"column exporter": "must be given"}
    assert (
        "did you mean 'quantity_t'"
        in faults(flows("260900").rename(columns={"quantity_t": "quantity_tt"}))[
            "column quantity_tt"
        ]
    )
    with pytest.raises(TypeError, match="DataFrame"):
        contained_metal([1, 2])


def test_no_rows_give_no_rows():
    assert len(contained_metal(flows())) == 0


weights = st.lists(
    st.tuples(st.sampled_from(["260900", "800110", "2603", "282200", "720260"]), st.floats(0, 1e9)),
    min_size=1,
    max_size=8,
    unique_by=lambda pair: pair[0],
)


@settings(max_examples=20)
@given(weights, st.floats(0.001, 1000))
def test_contents_scale_and_stay_between_their_ends(pairs, factor):
    trade = flows(*(code for code, _ in pairs), quantity_t=[tonnes for _, tonnes in pairs])
    found = contained_metal(trade)
    scaled = contained_metal(trade.assign(quantity_t=trade["quantity_t"] * factor))
    for name in ("contained_t", "contained_low_t", "contained_high_t"):
        assert scaled[name].to_numpy() == pytest.approx(
            found[name].to_numpy() * factor, nan_ok=True
        )
    best = found["contained_t"].fillna(found["contained_low_t"])
    assert (found["contained_low_t"] <= best).all()
    assert (best <= found["contained_high_t"]).all()
    assert (found["contained_high_t"] <= found["quantity_t"]).all()


def test_a_large_table_takes_no_cell_by_cell_look():
    n = 200_000
    trade = pd.DataFrame(
        {
            "year": np.repeat(np.arange(1_900, 2_100), n // 200),
            "exporter": "MMR",
            "importer": "CHN",
            "hs_code": np.tile(["260900", "800110", "740311", "282200"], n // 4),
            "reported_by": "both",
            "quantity_t": np.arange(n, dtype=float),
            "source_id": [f"s{place % 1_000}" for place in range(n)],
        }
    )
    trade = trade.drop_duplicates(["year", "hs_code", "source_id"])
    assert len(contained_metal(trade)) == len(trade) > 100_000
