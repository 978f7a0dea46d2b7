"""GeoPolRisk from long tables: the peer's scores, a slow version, laws, and every trap."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.errors import InvalidInputError

HERE = Path(__file__).parents[1] / "indicators"
PEER = runpy.run_path(str(HERE / "test_geopolrisk.py"))
# Where the producers are does not matter to the HHI, only what the importers themselves produce.
HOME = {
    "tin": {"CHN": 67365.0, "PRT": 60.0, "ESP": 315.0},
    "cobalt": {"CHN": 1750.0, "FIN": 1235.0, "USA": 500.0},
}
IMPORTER = {"EU": "DEU", "USA": "USA", "Japan": "JPN", "China": "CHN"}
ELSEWHERE = [
    "AUS",
    "BOL",
    "BRA",
    "IDN",
    "MYS",
    "MMR",
    "PER",
    "RUS",
    "THA",
    "VNM",
    "COD",
    "NGA",
    "RWA",
    "LAO",
    "ZMB",
    "CAN",
    "MAR",
    "MDG",
    "NCL",
    "PHL",
    "PNG",
    "TUR",
    "ZAF",
    "ZWE",
    "CUB",
]


def peer_tables():
    """Return trade, production and governance in long form, of the peer's inputs."""
    with (HERE / "geopolrisk_2022.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    trade = pd.DataFrame(
        {
            "commodity": [row["material"] for row in rows],
            "year": 2022,
            "importer": [IMPORTER[row["importer"]] for row in rows],
            "exporter": [row["partner"] for row in rows],
            "amount_t": [float(row["tonnes"]) for row in rows],
            "value_usd": [1e3 * float(row["usd_thousand"]) for row in rows],
        }
    )
    known = {row["partner"]: float(row["instability"]) for row in rows if row["instability"]}
    governance = pd.DataFrame({"country": known.keys(), "instability": known.values()})
    made = []
    for material, home in HOME.items():
        rest = [float(tonnes) for tonnes in PEER["PRODUCTION_T"][material].split()]
        for tonnes in home.values():
            rest.remove(tonnes)
        places = [*home.items(), *zip(ELSEWHERE, rest, strict=False)]
        made += [(material, 2022, country, tonnes) for country, tonnes in places]
        assert len(places) == len(rest) + len(home)
    production = pd.DataFrame(made, columns=["commodity", "year", "country", "production_t"])
    return trade, production, governance


def scores(table):
    return table.scores.set_index(["commodity", "importer"])


def test_scores_through_the_long_path_are_those_of_the_peer():
    trade, production, governance = peer_tables()
    table = scores(
        sr.supplier_contributions(
            trade,
            production,
            importers=["EU", "USA", "Japan", "China"],
            governance=governance,
            missing=0.5,
        )
    )
    assert len(table) == len(PEER["SCORES"])
    for (material, importer), (own, score, factor) in PEER["SCORES"].items():
        name = "EU27" if importer == "EU" else IMPORTER[importer]
        row = table.loc[(material, name)]
        assert row["score"] == pytest.approx(score, rel=1e-9)
        assert row["domestic_production_t"] == own
        ours = sr.indicators.characterisation_factor(
            score=row["score"],
            price=row["price_usd_per_t"] / 1e3,
            copper_factor=PEER["PEERS_COPPER"],
        )
        assert ours == pytest.approx(factor, rel=1e-9)
    assert table.loc[("cobalt", "JPN"), "filled_share"] == pytest.approx(0.0403, abs=1e-4)


def test_contributions_sum_to_the_score_and_come_largest_first():
    trade, production, governance = peer_tables()
    table = sr.supplier_contributions(trade, production, governance=governance, missing=0.5)
    by = ["importer", "commodity"]
    sums = table.partners.groupby(by, observed=True)[["contribution", "share_of_score"]].sum()
    expected = table.scores.set_index(by)["score"].reindex(sums.index)
    np.testing.assert_allclose(sums["contribution"], expected, rtol=1e-12)
    np.testing.assert_allclose(sums["share_of_score"], 1.0, rtol=1e-12)
    falls = table.partners.groupby(by, observed=True)["contribution"].diff().dropna()
    assert (falls <= 0.0).all()


# --- by hand ----------------------------------------------------------------------------------

GOVERNANCE = pd.DataFrame(
    {"country": ["IDN", "MYS", "DEU", "FRA"], "instability": [0.5, 0.4, 0.3, 0.2]}
)
PRODUCTION = pd.DataFrame(
    {
        "commodity": "tin",
        "year": 2020,
        "country": ["IDN", "MYS", "DEU"],
        "production_t": [60.0, 30.0, 10.0],
    }
)
TRADE = pd.DataFrame(
    {
        "commodity": "tin",
        "year": 2020,
        "importer": ["DEU", "DEU", "FRA", "FRA"],
        "exporter": ["IDN", "FRA", "DEU", "MYS"],
        "amount_t": [40.0, 20.0, 10.0, 30.0],
    }
)


def table_of(trade=TRADE, production=PRODUCTION, **given):
    return sr.supplier_contributions(trade, production, **{"governance": GOVERNANCE} | given)


def test_a_small_table_by_hand():
    # HHI 0.36 + 0.09 + 0.01 = 0.46; Germany has 10 of its own and imports 60.
    table = scores(table_of())
    assert table.loc[("tin", "DEU"), "score"] == pytest.approx(0.46 * (0.5 * 40 + 0.2 * 20) / 70)
    assert table.loc[("tin", "FRA"), "score"] == pytest.approx(0.46 * (0.3 * 10 + 0.4 * 30) / 40)


@pytest.mark.parametrize("groups", [{"pair": ["Germany", "FRA"]}, None])
def test_trade_inside_a_group_counts_and_bears_no_risk(groups):
    name = "pair" if groups else "EU"
    row = scores(table_of(importers=[name], groups=groups)).iloc[0]
    assert row["score"] == pytest.approx(0.46 * (0.5 * 40 + 0.4 * 30) / (10 + 100))
    assert row["imports_t"] == 100.0


def test_a_company_makes_nothing_itself():
    trade = TRADE.replace({"importer": {"DEU": "Acme"}})
    row = scores(table_of(trade, companies=["Acme"])).loc[("tin", "Acme")]
    assert row["domestic_production_t"] == 0.0
    assert row["score"] == pytest.approx(0.46 * (0.5 * 40 + 0.2 * 20) / 60)


def test_a_name_where_names_are_wanted_is_one_name():
    trade = TRADE.replace({"importer": {"DEU": "Acme"}})
    listed, alone = (table_of(trade, companies=given_) for given_ in (["Acme"], "Acme"))
    pd.testing.assert_frame_equal(alone.scores, listed.scores)
    listed, alone = (table_of(groups={"us": given_}, importers="us") for given_ in (["DEU"], "DEU"))
    pd.testing.assert_frame_equal(alone.scores, listed.scores)


def test_an_importer_named_twice_is_scored_once():
    table = table_of(importers=["Germany", "DEU", "EU", "EU27"])
    assert table.scores["importer"].tolist() == ["DEU", "EU27"]
    assert table.scores["score"].iloc[0] == table_of(importers="DEU").scores["score"].iloc[0]


def test_contained_metal_goes_straight_in():
    flows = pd.DataFrame(
        {
            "year": 2020,
            "exporter": ["IDN", "MYS"],
            "importer": "DEU",
            "hs_code": ["260900", "260900"],
            "reported_by": "both",
            "quantity_t": [100.0, 50.0],
            "source_id": "own",
        }
    )
    contained = sr.data.contained_metal(flows)
    plain = contained.rename(columns={"contained_t": "amount_t"})
    ours = table_of(contained).scores.drop(columns="price_usd_per_t")
    pd.testing.assert_frame_equal(ours, table_of(plain[[*TRADE.columns]]).scores)
    assert ours["imports_t"].iloc[0] == pytest.approx(contained["contained_t"].sum())


def test_the_bundled_tables_stand_in():
    trade = TRADE.assign(year=2023, importer="Japan", exporter=["IDN", "MYS", "THA", "PER"])
    table = sr.supplier_contributions(trade)
    made = sr.data.production("tin", year=2023)["production_t"]
    row = table.scores.iloc[0]
    assert row["importer"] == "JPN"
    assert row["hhi"] == pytest.approx(sr.indicators.hhi(made, renormalise=True))


# --- a slow version, and laws -----------------------------------------------------------------

PLACES = ["IDN", "MYS", "DEU", "FRA", "JPN"]
cells = st.lists(
    st.tuples(
        st.sampled_from(["tin", "cobalt"]),
        st.sampled_from([2020, 2021]),
        st.sampled_from(PLACES),
        st.sampled_from(PLACES),
        st.floats(0.0, 1e5),
    ),
    min_size=1,
    max_size=40,
)
WORLD = pd.DataFrame(
    [
        (metal, year, place, 10.0 * n + year % 7)
        for metal in ("tin", "cobalt")
        for year in (2020, 2021)
        for n, place in enumerate(PLACES)
    ],
    columns=["commodity", "year", "country", "production_t"],
)
RISK = pd.DataFrame({"country": PLACES, "instability": [0.9, 0.5, 0.3, 0.2, 0.0]})


def frame_of(rows):
    return pd.DataFrame(rows, columns=["commodity", "year", "importer", "exporter", "amount_t"])


def score_of(trade, **given):
    return sr.supplier_contributions(trade, WORLD, governance=RISK, **given)


@given(cells)
def test_every_score_is_geopolrisk_of_its_rows(rows):
    trade = frame_of(rows)
    risk = RISK.set_index("country")["instability"]
    table = score_of(trade, importers=[*PLACES, "EU27"]).scores
    for row in table.itertuples():
        members = {"DEU", "FRA"} if row.importer == "EU27" else {row.importer}
        mine = trade[
            trade["importer"].isin(members)
            & (trade["commodity"] == row.commodity)
            & (trade["year"] == row.year)
        ]
        if mine["amount_t"].sum() == 0.0:
            assert np.isnan(row.score)
            assert np.isnan(row.imports_t)
            continue
        made = WORLD[(WORLD["commodity"] == row.commodity) & (WORLD["year"] == row.year)]
        expected = sr.indicators.geopolrisk(
            production=made["production_t"],
            imports=mine["amount_t"],
            domestic_production=made.loc[made["country"].isin(members), "production_t"].sum(),
            instability=mine["exporter"].map(risk),
            inside=mine["exporter"].isin(members),
        )
        assert row.score == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(cells, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = frame_of(random.sample(rows, len(rows)))
    one, other = score_of(frame_of(rows)).scores, score_of(shuffled).scores
    key = ["importer", "commodity", "year"]
    one, other = (
        frame.astype(dict.fromkeys(key, str)).set_index(key).sort_index() for frame in (one, other)
    )
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


@given(cells, st.floats(1e-3, 1e3))
def test_the_unit_does_not_matter(rows, factor):
    trade = frame_of(rows)
    scaled = sr.supplier_contributions(
        trade.assign(amount_t=trade["amount_t"] * factor),
        WORLD.assign(production_t=WORLD["production_t"] * factor),
        governance=RISK,
    )
    np.testing.assert_allclose(scaled.scores["score"], score_of(trade).scores["score"], rtol=1e-9)


@given(cells)
def test_flows_of_one_pair_may_be_merged(rows):
    trade = frame_of(rows)
    merged = trade.groupby([*trade.columns[:4]], as_index=False, sort=False)["amount_t"].sum()
    pd.testing.assert_frame_equal(score_of(merged).scores, score_of(trade).scores, rtol=1e-9)


# --- traps ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"importer": "Germny"}, "importer must be a country.* did you mean DEU"),
        ({"exporter": "Indonsia"}, "exporter must be a country.* did you mean IDN"),
        ({"exporter": "World"}, "a row for the total would count every flow twice, got 'World'"),
        ({"importer": "Total"}, "a row for the total would count every flow twice, got 'Total'"),
        ({"commodity": "tinn"}, "must be one of tin .did you mean 'tin'.*got 'tinn'"),
        ({"commodity": "Tin"}, "must be a commodity in snake_case"),
        (
            {"year": 2019},
            "year of the trade must be a year of the production, 2020 to 2020, got 2019",
        ),
        ({"amount_t": np.nan}, "row 0, column amount_t must be finite and >= 0"),
        ({"amount_t": -1.0}, r"column amount_t must be finite and >= 0.*got .*-1\.0"),
        ({"amount_t": ["1", "2", "3", "4,000"]}, "row 3, column amount_t must be .*got '4,000'"),
        ({"value_usd": [1.0, None, "n/a", 1.0]}, "row 2, column value_usd must be .*got 'n/a'"),
        ({"exporter": None}, "column exporter must be given"),
        ({"stage": ["ore", "ore", "scrap", "ore"]}, "must be one for 'tin': metal of one stage"),
        ({"reported_by": ["importer", "exporter"] * 2}, "two reports of a flow must not be added"),
        ({"month": [1, None, 2, None]}, "a year holds its months"),
    ],
)
def test_a_trade_that_misleads_is_refused(change, message):
    with pytest.raises(InvalidInputError, match=message):
        table_of(TRADE.assign(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"country": ["IDN", "MYS", "World"]}, "a row for the total would count"),
        ({"country": ["IDN", "MYS", "Myanmr"]}, "must be a country.* did you mean MMR"),
        ({"country": ["IDN", "MYS", "MYS"]}, "once: editions are not to be added"),
        ({"production_t": [1.0, np.nan, 1.0]}, "column production_t must be finite"),
        ({"production_t": 0.0}, "production must be known for 'tin', got 2020"),
        ({"stage": ["mine", "mine", "refinery"]}, "must be one for 'tin'"),
    ],
)
def test_a_production_that_misleads_is_refused(change, message):
    with pytest.raises(InvalidInputError, match=message):
        table_of(production=PRODUCTION.assign(**change))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"importers": ["Atlantis"]}, "importers must be a country or one of .*EU27"),
        ({"importers": ["ASEN"]}, "did you mean 'ASEAN'"),
        ({"importers": ["JPN"]}, "importers must import: DEU, FRA do"),
        ({"groups": {"us": ["Germny"]}, "importers": ["us"]}, "did you mean DEU"),
        ({"years": [2020, 2021]}, "years must be years of the trade, 2020 to 2020, got 2021"),
        ({"years": []}, "years must be a list of at least 1 year"),
        ({"years": 2020}, "years must be a list of at least 1 year, got 2020"),
        (
            {"groups": {"us": []}, "importers": ["us"]},
            r"groups\['us'\] must hold at least 1 country",
        ),
        ({"governance": GOVERNANCE[:0]}, "governance: rows must be at least 1"),
        ({"governance": GOVERNANCE.assign(year=[2020, 2020, None, 2020])}, "column year must be"),
        (
            {"governance": GOVERNANCE.assign(instability=["0.1", "low", "0.1", "0.1"])},
            "column instability must hold finite numbers, .*got 'low'",
        ),
        ({"missing": "world"}, "missing must be one of raise, world_mean"),
        ({"missing": 2.0}, r"missing must lie in \[0, 1\]"),
        ({"governance": GOVERNANCE[["country"]]}, "column political_stability must be there"),
        ({"governance": pd.concat([GOVERNANCE] * 2)}, "must hold a country once a year"),
    ],
)
def test_a_question_that_misleads_is_refused(given_, message):
    with pytest.raises(InvalidInputError, match=message):
        table_of(**given_)


def test_gross_weight_never_meets_contained_metal():
    goods = TRADE.drop(columns=["commodity", "amount_t"]).assign(hs_code="260900", quantity_t=1.0)
    with pytest.raises(InvalidInputError, match="goods by code are in gross weight"):
        table_of(goods)
    bauxite = TRADE.assign(commodity="bauxite", content_of="Al2O3")
    made = PRODUCTION.assign(commodity="bauxite", basis="gross weight, dry bauxite")
    with pytest.raises(InvalidInputError, match="content_of must be as that of production"):
        table_of(bauxite, made)
    assert len(table_of(bauxite.assign(content_of="gross"), made).scores)


def test_missing_governance_is_never_neutral():
    partly = GOVERNANCE[GOVERNANCE["country"] != "IDN"]
    with pytest.raises(InvalidInputError, match=r"as 40\.0% of the trade would have none.*'IDN'"):
        table_of(governance=partly)
    for missing, value in (("world_mean", 0.5), (0.9, 0.9)):
        table = table_of(governance=partly, missing=missing)
        row = scores(table).loc[("tin", "DEU")]
        assert row["score"] == pytest.approx(0.46 * (value * 40 + 0.2 * 20) / 70)
        assert row["filled_share"] == pytest.approx(40 / 70)
        filled = table.partners[table.partners["is_filled"]]
        assert filled["exporter"].tolist() == ["IDN"]


def test_governance_by_year_must_hold_every_year():
    of_year = pd.concat([GOVERNANCE.assign(year=year) for year in (2018, 2019)])
    with pytest.raises(
        InvalidInputError, match="must be a year of governance, 2018 to 2019, got 20"
    ):
        table_of(governance=of_year)
    steady = pd.concat(
        [GOVERNANCE.assign(year=2019, instability=1.0), GOVERNANCE.assign(year=2020)]
    )
    pd.testing.assert_frame_equal(table_of(governance=steady).scores, table_of().scores)


def test_a_price_needs_every_value():
    trade = TRADE.assign(value_usd=[400.0, 200.0, 100.0, None])
    price = scores(table_of(trade))["price_usd_per_t"]
    assert price["tin", "DEU"] == 10.0
    assert np.isnan(price["tin", "FRA"])


def test_no_trade_is_blank_and_not_safe():
    wide = pd.concat([PRODUCTION, PRODUCTION.assign(year=2021)])
    trade = pd.concat([TRADE, TRADE[TRADE["importer"] == "FRA"].assign(year=2021)])
    table = table_of(trade, wide, importers=["DEU", "FRA"]).scores
    blank = table[(table["importer"] == "DEU") & (table["year"] == 2021)].iloc[0]
    assert blank[["score", "import_risk", "imports_t", "filled_share"]].isna().all()
    assert blank["domestic_production_t"] == 10.0


def test_flows_to_no_country_are_counted_and_scored_for_nobody():
    table = table_of(TRADE.replace({"importer": {"FRA": "ZZZ"}}))
    assert table.scores["importer"].tolist() == ["DEU"]
    assert table.scores.attrs["left_out_t"] == 40.0
