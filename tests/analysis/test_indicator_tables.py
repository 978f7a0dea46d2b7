"""The table of indicators: by hand, against the kernels, as of a day, after losses; its traps."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.analysis import _indicator_rows, _mixes
from supplyrisk.analysis._governed import DIMENSIONS, governance_view
from supplyrisk.analysis._listed_rows import coverage_without_largest
from supplyrisk.engine.streams import StreamTable
from supplyrisk.errors import InvalidInputError

METALS = sr.data.commodities()["commodity"].tolist()
COLUMNS = [
    "commodity",
    "name",
    "value",
    "ci_low",
    "ci_high",
    "unit",
    "stage",
    "vintage",
    "source_id",
    "standing",
    "coverage",
    "note",
]


def by_name(what, stage=None, **given_):
    table = sr.indicator_table(what, **{"n_draws": 0} | given_)
    if stage is not None:
        table = table[table["stage"].isin([stage, ""])]
    return table.drop_duplicates("name").set_index("name")


def governance(values, release=2024, **errors):
    """Return a table of governance in which all six estimates of a country are alike."""
    frame = pd.DataFrame({"country": [*values], "year": 2023, "release": release})
    for name in DIMENSIONS:
        frame[name] = [*values.values()]
    return frame.assign(source_id="own", **errors)


# --- the form of the table ------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything():
    return sr.indicator_table(METALS, n_draws=400)


def test_every_row_says_what_it_rests_on(everything):
    assert everything.columns.tolist() == COLUMNS
    assert set(everything["standing"]) <= set(_indicator_rows.STANDINGS)
    assert everything["coverage"].between(0.0, 1.0 + 1e-12).all()
    blank = everything["value"].isna()
    assert (everything.loc[blank, "note"] != "").all()
    assert (everything.loc[blank, "coverage"] == 0.0).all()
    assert (everything.loc[~blank & (everything["name"] != "supply_left"), "source_id"] != "").all()
    assert everything.loc[blank, ["ci_low", "ci_high"]].isna().all(axis=None)


def test_no_note_speaks_of_nothing(everything):
    # Shares of tungsten sum to 1 but for the last bit.
    assert not everything["note"].str.contains(r"-?\b0\.0%").any()


def test_every_metal_has_every_indicator_that_knows_no_stage(everything):
    for name in ("supply_risk", "economic_importance", "recycling_input_rate", "geopolrisk"):
        assert everything.loc[everything["name"] == name, "commodity"].tolist() == METALS


def test_intervals_hold_their_values(everything):
    drawn = everything.dropna(subset=["ci_low"])
    assert len(drawn) > 300
    assert (drawn["ci_low"] <= drawn["value"] + 1e-9).mean() > 0.98
    assert (drawn["ci_high"] >= drawn["value"] - 1e-9).mean() > 0.98


# --- against the tables and kernels ------------------------------------------------------------


def test_tin_is_the_kernels_on_the_bundled_tables():
    made = sr.data.production("tin", year=2024, vintage="usgs-mcs-2025")
    shares = made["production_t"] / made["production_t"].sum()
    rows = by_name("tin", "mine", as_of=dt.date(2025, 3, 1))
    for name, value in {
        "hhi": sr.indicators.hhi(shares),
        "hhi_normalised": sr.indicators.normalised_hhi(shares),
        "shannon_entropy": sr.indicators.shannon_entropy(shares),
        "hill_number_1": sr.indicators.hill_number(shares, 1),
        "top_3_share": sr.indicators.top_share(shares, 3),
    }.items():
        assert rows.loc[name, "value"] == pytest.approx(value, rel=1e-12)
        assert rows.loc[name, "vintage"] == "2024"
        assert rows.loc[name, "source_id"] == "usgs-mcs-2025"
    rest = shares[made["country"] == "ZZZ"].sum()
    assert rows.loc["hhi", "coverage"] == pytest.approx(1.0 - rest)
    wgi = sr.data.governance().set_index("country").reindex(made["country"])
    weights = sr.indicators.wgi_to_weight(wgi[[*DIMENSIONS]])
    filled = sr.indicators.fill_governance(weights, shares, missing="world_mean", world_mean=5.0)
    expected = sr.indicators.governance_weighted_hhi(shares, filled[0])
    assert rows.loc["hhi_wgi", "value"] == pytest.approx(expected, rel=0.01)


def test_unnamed_countries_are_no_largest_supplier():
    # The tin association names China, 177,000 of 370,100 t in 2023; the rest is one row.
    rows = by_name("tin")
    assert rows.loc["n_minus_one_coverage", "value"] == pytest.approx(193_100 / 357_100)
    assert rows.loc["n_minus_one_coverage", "note"] == "without CHN"
    assert math.isnan(rows.loc["n_minus_one_coverage_iea", "value"])


def test_coverage_without_the_largest_by_hand():
    assert coverage_without_largest(np.array([60.0, 25.0]), 15.0, 100.0) == pytest.approx(0.4)
    assert coverage_without_largest(np.array([10.0]), 90.0, 100.0) == pytest.approx(0.9)


def test_which_stage_binds():
    table = sr.indicator_table("copper", n_draws=0).set_index(["name", "stage"])["value"]
    assert table["hhi_wgi", "refinery"] > table["hhi_wgi", "mine"]
    assert table["binding_stage", "refinery"] == table["hhi_wgi", "refinery"]


def test_the_european_shares_stand_in_where_no_production_is_bundled():
    row = by_name("germanium").loc["hhi"]
    assert (row["stage"], row["vintage"], row["source_id"]) == (
        "refinery",
        "2016-2020",
        "ec-crm-2023",
    )


def test_what_the_european_study_lacks_is_one_other_country():
    # The study leaves out New Caledonia: its shares of nickel ore sum to 0.909.
    bundled = _mixes.Bundled.known(None)
    mix = _mixes._studied(bundled.shares["nickel", "extraction"])
    assert mix.names.count("ZZZ") == 1
    assert mix.named_share == pytest.approx(0.909, abs=0.003)


def test_a_withheld_producer_is_said():
    assert "withheld" in by_name("lithium", "mine").loc["hhi", "note"]
    assert "withheld" not in by_name("tin", "mine").loc["hhi", "note"]


def test_supply_risk_is_the_european_formula_with_what_is_known():
    rows = by_name("lithium")
    rate = rows.loc["recycling_input_rate", "value"]
    table = sr.indicator_table("lithium", n_draws=0)
    worst = table.loc[table["name"] == "hhi_wgi", "value"].max()
    assert rows.loc["supply_risk", "value"] == pytest.approx(worst * (1.0 - rate))
    assert "trade factors" in rows.loc["supply_risk", "note"]
    assert rows.loc["supply_risk", "coverage"] < 0.4


def test_supply_risk_says_which_stages_it_is_the_highest_of():
    assert by_name("tin").loc["supply_risk", "note"].startswith("mine 0.55; not known: ")
    # The refineries of rare earths are more concentrated than their mines, but not bundled.
    assert by_name("rare_earths").loc["supply_risk", "note"].startswith("no other stage is known; ")


def test_what_is_not_recycled_for_want_of_a_rate_is_not_recycled_at_all():
    rows = by_name("neodymium")
    assert math.isnan(rows.loc["recycling_input_rate", "value"])
    assert "recycling (none)" in rows.loc["supply_risk", "note"]
    table = sr.indicator_table("neodymium", n_draws=0)
    worst = table.loc[table["name"] == "hhi_wgi", "value"].max()
    assert rows.loc["supply_risk", "value"] == pytest.approx(worst)


# --- as of a day --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "year", "listed"),
    [
        (dt.date(2023, 2, 1), "2022", "us-2022"),
        (dt.date(2024, 12, 1), "2023", "us-2022"),
        (dt.date(2026, 3, 1), "2025", "us-2025"),
    ],
)
def test_a_day_knows_what_had_been_published(day, year, listed):
    rows = by_name("tin", "mine", as_of=day)
    assert rows.loc["hhi", "vintage"] == year
    assert rows.loc["listed_us", "vintage"] == listed


def test_a_day_before_everything_is_blank_and_says_so():
    rows = by_name("tin", as_of=dt.date(2020, 1, 1))
    assert rows["value"].dropna().index.tolist() == ["listed_japan", "mostly_by_product"]
    assert "published by then" in rows.loc["listed_eu", "note"]
    early = by_name("tin", "mine", as_of=dt.date(2024, 3, 1))
    assert "no governance had been published" in early.loc["hhi_wgi", "note"]
    assert early.loc["hhi", "value"] > 0.0


def test_no_interval_before_anybody_knew_how_estimates_are_revised():
    table = sr.indicator_table("tin", as_of=dt.date(2023, 6, 1), n_draws=100)
    mined = table[(table["name"] == "hhi") & (table["stage"] == "mine")].iloc[0]
    assert mined["value"] > 0.0
    assert math.isnan(mined["ci_low"])
    later = sr.indicator_table("tin", as_of=dt.date(2024, 6, 1), n_draws=100)
    assert later.loc[(later["name"] == "hhi") & (later["stage"] == "mine"), "ci_low"].notna().all()


def test_a_stage_that_was_not_drawn_takes_no_interval_from_another():
    # Nobody knew then how estimates of mines are revised; the refineries' shares are none.
    frame = governance(dict.fromkeys(sr.data.countries()["alpha3"], 0.0))
    table = sr.indicator_table("cobalt", as_of=dt.date(2023, 6, 1), governance=frame, n_draws=50)
    rows = table.set_index(["name", "stage"])
    assert rows.loc[("hhi_wgi", "refinery"), "ci_low"] > 0.0
    assert math.isnan(rows.loc[("supply_risk", "mine"), "ci_low"])
    early = dt.date(2023, 6, 1)
    ranks = sr.indicator_ranks(["cobalt", "tin"], as_of=early, governance=frame, n_draws=50)
    assert ranks.loc["cobalt", ["rank_low", "rank_high"]].tolist() == [1.0, 1.0]


# --- governance ---------------------------------------------------------------------------------


def test_missing_governance_lowers_the_coverage_and_is_not_skipped():
    full = governance(dict.fromkeys(sr.data.countries()["alpha3"], -1.0))
    partly = full[full["country"] != "CHN"]
    whole, less = (by_name("tin", "mine", governance=g).loc["hhi_wgi"] for g in (full, partly))
    share = by_name("tin", "mine").loc["top_1_share", "value"]
    assert whole["coverage"] - less["coverage"] == pytest.approx(share)
    # China weighs 5, the world's mean, and not 0: 7 for all others.
    assert whole["value"] - less["value"] == pytest.approx(2.0 * share**2)
    assert f"governance of {1.0 - less['coverage']:.1%} not known" in less["note"]


def test_one_missing_estimate_stands_at_the_mean_of_the_other_five():
    frame = governance({"CHN": 1.0, "IDN": -1.0})
    frame.loc[0, "rule_of_law"] = np.nan
    known = governance_view(frame, None).of(["CHN", "IDN", "PER"])
    np.testing.assert_allclose(known.mean, [1.0, -1.0, 0.0])
    np.testing.assert_allclose(known.known, [5 / 6, 1.0, 0.0])


def test_governance_is_drawn_with_its_errors_and_the_unknown_with_the_worlds_spread():
    errors = {f"{name}_se": [0.3, 0.1] for name in DIMENSIONS}
    view = governance_view(governance({"CHN": 1.0, "IDN": -1.0}, **errors), None)
    mean, stability = view.drawn(["CHN", "IDN", "PER"], StreamTable(7).block(0), 20_000)
    # The standard error of a standard deviation from 20,000 draws is half a percent of it.
    np.testing.assert_allclose(mean.std(axis=0), [0.3, 0.1, 0.93], rtol=0.02)
    np.testing.assert_allclose(mean.mean(axis=0), [1.0, -1.0, 0.0], atol=0.03)
    np.testing.assert_allclose(stability, mean)


def test_standard_errors_of_a_users_own_widen_the_interval():
    values = dict.fromkeys(sr.data.countries()["alpha3"], 0.0)
    errors = {f"{name}_se": 0.5 for name in DIMENSIONS}

    def width(frame):
        table = sr.indicator_table("tin", governance=frame, n_draws=2_000)
        row = table[(table["name"] == "weighted_country_risk") & (table["stage"] == "mine")].iloc[0]
        return row["ci_high"] - row["ci_low"]

    assert width(governance(values, **errors)) > 1.7 * width(governance(values))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (governance({"CHN": 1.0}).drop(columns="rule_of_law"), "column rule_of_law must be there"),
        (pd.concat([governance({"CHN": 1.0})] * 2), "must hold a country once a year"),
        (governance({"China": 1.0}), "must be ISO 3166-1 alpha-3 codes, got 'China'"),
        (governance({"CHN": 1.0, "IDN": 0.0}, release=[2023, 2024]), "must be one release"),
        (
            governance({"CHN": 1.0, "IDN": 0.0}, release=[2023, None]),
            "column release must be given",
        ),
        (governance({}), "rows must be at least 1"),
        (governance({"CHN": 1.0}).assign(year=None), "column year must be given"),
        (
            governance({"CHN": 1.0}).assign(rule_of_law="good"),
            "column rule_of_law must hold finite",
        ),
        (governance({"CHN": 1.0}, rule_of_law_se=-0.1), "rule_of_law_se must be standard errors"),
        (governance({"CHN": 1.0}, rule_of_law_se=np.inf), "rule_of_law_se must hold finite"),
    ],
)
def test_governance_that_misleads_is_refused(frame, message):
    with pytest.raises(InvalidInputError, match=message):
        sr.indicator_table("tin", governance=frame)


# --- draws ----------------------------------------------------------------------------------------

positive = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=15)


@given(positive)
def test_the_functions_for_many_draws_are_those_for_one_mix(amounts):
    shares = np.array(amounts) / math.fsum(amounts)
    for one, many in _indicator_rows.CONCENTRATION.values():
        assert many(shares[np.newaxis])[0] == pytest.approx(one(shares), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("amount", "unit"),
    [(25_000, 1_000), (10_000, 1_000), (17_610, 10), (17_613, 1), (5.71, 0.01), (4, 0.1), (0, 0)],
)
def test_the_last_printed_digit(amount, unit):
    assert _mixes.rounding(amount) == pytest.approx(unit)


def test_rounded_shares_are_covered_nine_times_in_ten():
    # True shares are rounded to 0.1 % as printed; the interval of the HHI must hold the true one.
    rng = np.random.default_rng(7)
    none = _mixes.Revisions(*[np.empty(0)] * 3)
    held = 0
    for trial in range(400):
        true = rng.dirichlet(np.full(8, 2.0))
        mix = _mixes.Mix(
            commodity=f"metal{trial}",
            stage="mine",
            names=tuple("ABCDEFGH"),
            amounts=np.round(true, 3),
            half_width=np.full(8, 0.0005),
            is_estimate=np.zeros(8, dtype=bool),
            vintage="",
            source_id="",
        )
        drawn = mix.drawn(StreamTable(trial).block(0), none, 400)
        shares = drawn / drawn.sum(axis=1, keepdims=True)
        low, high = _indicator_rows.interval((shares**2).sum(axis=1))
        held += low <= (true**2).sum() <= high
    # 90 % of 400 is 360 with a standard deviation of 6.
    assert 336 <= held <= 384


def test_intervals_held_what_the_next_editions_said():
    # As known in June of 2024 and 2025, against the year's output in the edition after.
    held = n = 0
    for day, year, later in (("2024-06-01", 2023, 2025), ("2025-06-01", 2024, 2026)):
        bundled = _mixes.Bundled.known(pd.Timestamp(day))
        for (metal, stage), rows in bundled.production.items():
            mix = _mixes.produced(_mixes.newest(rows))
            table = sr.data.production(metal, stage=stage, vintage="all")
            then = table[(table["year"] == year) & (table["source_id"] == f"usgs-mcs-{later}")]
            if mix.vintage != str(year) or then.empty:
                continue
            drawn = mix.drawn(StreamTable(0).block(0), bundled.revisions, 2_000)
            shares = drawn / drawn.sum(axis=1, keepdims=True)
            low, high = _indicator_rows.interval((shares**2).sum(axis=1))
            held += low <= sr.indicators.hhi(then["production_t"], renormalise=True) <= high
            n += 1
    assert n == 20
    assert held >= 16


def test_a_metal_is_the_same_whatever_stands_beside_it():
    alone = sr.indicator_table("tin", n_draws=50)
    beside = sr.indicator_table(["cobalt", "tin", "copper"], n_draws=50)
    beside = beside[beside["commodity"] == "tin"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, beside)
    other = sr.indicator_table("tin", n_draws=50, rng=1)
    assert not alone["ci_low"].equals(other["ci_low"])
    pd.testing.assert_series_equal(alone["value"], other["value"])


# --- ranks ----------------------------------------------------------------------------------------


def test_ranks_follow_the_values_and_say_how_sure_they_are():
    ranks = sr.indicator_ranks(["tin", "cobalt", "copper", "nickel", "gold"], n_draws=500)
    known = ranks.dropna(subset=["value"])
    assert known["value"].is_monotonic_decreasing
    assert known["rank"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert (known["rank_low"] <= known["rank_median"]).all()
    assert (known["rank_median"] <= known["rank_high"]).all()
    assert ranks.index[-1] == "gold"
    assert ranks.loc["gold", "rank":"rank_high"].isna().all()
    assert ranks.loc["gold", "coverage"] == 0.0


@given(st.permutations(["tin", "cobalt", "copper", "lithium"]))
def test_the_order_of_the_question_does_not_matter(names):
    ranks = sr.indicator_ranks(names, n_draws=20)
    pd.testing.assert_frame_equal(
        ranks, sr.indicator_ranks(["tin", "cobalt", "copper", "lithium"], n_draws=20)
    )


def test_where_low_is_risky_the_lowest_comes_first():
    ranks = sr.indicator_ranks(["tin", "cobalt", "copper"], "shannon_entropy", n_draws=20)
    assert ranks["value"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"commodities": ["tin"]}, "commodities must be at least 2"),
        ({"commodities": ["tin", "coper"]}, "did you mean 'copper'"),
        ({"name": "suply_risk"}, "name must be one of .*did you mean 'supply_risk'"),
        ({"n_draws": 0}, "n_draws must be a whole number >= 1"),
    ],
)
def test_a_ranking_that_misleads_is_refused(given_, message):
    with pytest.raises(InvalidInputError, match=message):
        sr.indicator_ranks(**{"commodities": ["tin", "copper"]} | given_)


# --- what if --------------------------------------------------------------------------------------


def test_a_lost_country_leaves_the_shares_of_the_others():
    made = sr.data.production("tin", year=2025).set_index("country")["production_t"]
    rows = by_name("tin", "mine", without=["China"])
    left = made.drop("CHN")
    assert rows.loc["hhi", "value"] == pytest.approx(sr.indicators.hhi(left, renormalise=True))
    assert rows.loc["supply_left", "value"] == pytest.approx(left.sum() / made.sum())
    assert "supply_left" not in by_name("tin").index


def test_a_monopolist_lost_leaves_nothing_to_measure():
    everywhere = sr.data.production("gallium", year=2025, stage="refinery")["country"]
    rows = by_name("gallium", without=everywhere)
    assert math.isnan(rows.loc["hhi", "value"])
    assert rows.loc["supply_left", "value"] == 0.0


# --- cases ----------------------------------------------------------------------------------------


def site(site_id, country, tonnes, **given_):
    return sr.MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country=country,
        capacity_tpa=tonnes,
        **given_,
    )


CASE = sr.Case(
    name="small",
    start=dt.date(2025, 3, 1),
    sites=(
        site("a", "PER", 50.0, operator="One"),
        site("b", "PER", 10.0, operator="Two"),
        site("c", "BRA", 20.0, operator="One"),
        site("d", "IDN", 20.0, n_units=4),
    ),
    hazards=(
        sr.Hazard(
            hazard_id="h",
            peril=sr.Peril.STRIKE,
            scope=sr.Scope.site("a"),
            rate_pa=1.0,
            duration=sr.Duration.fixed(days=100.0),
        ),
    ),
)


MARKET = sr.Market(
    commodity="tin",
    price_usd_per_t=30_000.0,
    price_date=dt.date(2025, 2, 1),
    supply_tpa=120.0,
    demand_tpa=125.0,
    volatility_pa=0.2,
)
SMELTED = sr.Case(
    name="smelted",
    start=CASE.start,
    sites=CASE.sites,
    smelters=(
        sr.Smelter(smelter_id="s", name="s", commodity="tin", country="MYS", capacity_tpa=60.0),
        sr.Smelter(smelter_id="t", name="t", commodity="tin", country="PER", capacity_tpa=30.0),
    ),
    routes=(
        sr.Route(route_id="a-s", from_id="a", to_id="s", transit_days=30.0),
        sr.Route(route_id="c-t", from_id="c", to_id="t", transit_days=30.0),
        sr.Route(route_id="s-m", from_id="s", to_id="tin", transit_days=0.0),
        sr.Route(route_id="t-m", from_id="t", to_id="tin", transit_days=0.0),
    ),
    markets=(MARKET,),
)


def test_a_case_by_country_site_and_company_by_hand():
    rows = by_name(CASE)
    assert rows.loc["hhi", "value"] == pytest.approx(0.6**2 + 0.2**2 + 0.2**2)
    assert rows.loc["hhi", "stage"] == "mine"
    # Site d is four mines of 5 each.
    assert rows.loc["hhi_by_site", "value"] == pytest.approx(0.25 + 0.01 + 0.04 + 4 * 0.05**2)
    assert rows.loc["hhi_by_company", "value"] == pytest.approx(0.7**2 + 0.1**2 + 4 * 0.05**2)
    assert rows.loc["hhi_by_company", "coverage"] == pytest.approx(0.8)
    assert "hhi_by_smelter" not in rows.index


def test_smelters_count_by_capacity_and_cover_their_part_of_the_market():
    rows = by_name(SMELTED).loc["hhi_by_smelter"]
    assert rows["value"] == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)
    assert rows["coverage"] == pytest.approx(90.0 / 120.0)
    # Three quarters of a stage do not say which stage binds.
    assert math.isnan(by_name(SMELTED).loc["binding_stage", "value"])
    assert by_name(SMELTED).loc["supply_risk", "stage"] == "mine"


def test_part_of_a_stage_has_no_concentration_of_the_whole():
    table = sr.indicator_table(SMELTED, n_draws=0)
    row = table[(table["name"] == "hhi") & (table["stage"] == "smelter")].iloc[0]
    assert math.isnan(row["value"])
    assert row["note"] == "only 75% of this stage is known"
    assert "smelter" not in table.loc[table["name"] == "hhi_wgi", "stage"].tolist()


def test_what_is_left_of_a_whole_stage_is_a_whole():
    case = replace(SMELTED, markets=(replace(MARKET, supply_tpa=90.0, demand_tpa=90.0),))
    rows = sr.indicator_table(case, without="t", n_draws=0).set_index(["name", "stage"])
    assert rows.loc[("hhi", "smelter"), "value"] == 1.0
    assert rows.loc[("hhi_by_smelter", "smelter"), "coverage"] == 1.0
    # Of a market of 120 the others make 30, and this one 60.
    assert by_name(SMELTED, without="t").loc["hhi_by_smelter", "coverage"] == pytest.approx(2 / 3)


def test_a_country_is_lost_by_its_name_too():
    one, other = (sr.indicator_table(SMELTED, without=name, n_draws=0) for name in ("Peru", "PER"))
    pd.testing.assert_frame_equal(one, other)


def test_a_case_after_losing_a_site_a_country_and_a_smelter():
    rows = sr.indicator_table(SMELTED, without=["a", "BRA", "s"], n_draws=0)
    rows = rows.set_index(["name", "stage"])["value"]
    assert rows["hhi", "mine"] == pytest.approx((1 / 3) ** 2 + (2 / 3) ** 2)
    assert rows["supply_left", "mine"] == pytest.approx(0.3)
    assert rows["supply_left", "smelter"] == pytest.approx(1 / 3)
    assert rows["hhi_by_smelter", "smelter"] == 1.0


def test_demand_in_a_case_without_its_largest_country():
    parts = {name: getattr(CASE, name) for name in ("name", "start", "sites")}
    case = sr.Case(**parts, markets=(MARKET,))
    row = by_name(case).loc["n_minus_one_coverage"]
    assert row["value"] == pytest.approx((120.0 - 60.0) / 125.0)
    row = by_name(case, without=["c"]).loc["n_minus_one_coverage"]
    assert row["value"] == pytest.approx((120.0 - 20.0 - 60.0) / 125.0)


def test_an_outlook_is_the_mean_over_what_is_really_made():
    outlook = sr.simulate(CASE, n_scenarios=200, rng=7, keep="events")
    events = outlook.events()
    lost = events[events["site_id"] == "a"].groupby("scenario")["lost_t"].sum()
    made_a = 50.0 - lost.reindex(range(200), fill_value=0.0).to_numpy()
    amounts = np.column_stack([made_a + 10.0, np.full((200, 2), 20.0)])
    shares = amounts / amounts.sum(axis=1, keepdims=True)
    rows = by_name(outlook)
    squares = (shares**2).sum(axis=1)
    assert rows.loc["hhi", "value"] == pytest.approx(squares.mean())
    assert rows.loc["hhi", "ci_low"] == pytest.approx(np.quantile(squares, 0.05))
    assert rows.loc["hhi", "value"] < by_name(CASE).loc["hhi", "value"]
    for name in ("hhi", "hhi_wgi"):
        assert "mean over 200 simulated futures" in rows.loc[name, "note"]
    # Futures that did not keep their events are drawn again, and are the same.
    again = sr.indicator_table(sr.simulate(CASE, n_scenarios=200, rng=7), n_draws=0)
    pd.testing.assert_frame_equal(again, sr.indicator_table(outlook, n_draws=0))


# --- a region -------------------------------------------------------------------------------------


def test_reliance_geopolrisk_and_supply_risk_of_a_region_by_hand():
    trade = pd.DataFrame(
        {
            "commodity": "tin",
            "year": 2023,
            "importer": ["USA", "USA", "Canada"],
            "exporter": ["PER", "IDN", "USA"],
            "amount_t": [6_000.0, 2_000.0, 1_000.0],
        }
    )
    frame = governance({"PER": -0.5, "IDN": 0.5})
    rows = by_name("tin", region="United States", trade=trade, governance=frame)
    assert rows.loc["import_reliance", "value"] == 1.0
    assert rows.loc["net_import_reliance", "value"] == 1.0
    made = sr.data.production("tin", year=2023).set_index("country")["production_t"]
    hhi = sr.indicators.hhi(made, renormalise=True)
    assert rows.loc["geopolrisk", "value"] == pytest.approx(hhi * (0.6 * 0.75 + 0.4 * 0.25))
    assert rows.loc["geopolrisk", "coverage"] == 1.0
    mined = sr.data.production("tin", year=2025).set_index("country")["production_t"]
    weights = pd.Series({"PER": 6.0, "IDN": 4.0}).reindex(mined.index).fillna(5.0)
    world = sr.indicators.governance_weighted_hhi(mined, weights, renormalise=True)
    own = 0.75**2 * 6.0 + 0.25**2 * 4.0
    expected = (world / 2 + own / 2) * (1.0 - 0.31)
    assert rows.loc["supply_risk", "value"] == pytest.approx(expected)
    assert rows.loc["supply_risk", "stage"] == "mine"


def test_a_lost_partner_sells_no_more_and_makes_no_more():
    trade = pd.DataFrame(
        {
            "commodity": "tin",
            "year": 2023,
            "importer": "USA",
            "exporter": ["PER", "IDN"],
            "amount_t": [6_000.0, 2_000.0],
        }
    )
    frame = governance({"PER": -0.5, "IDN": 0.5})
    given_ = {"region": "USA", "trade": trade, "governance": frame, "without": ["IDN"]}
    made = sr.data.production("tin", year=2023).set_index("country")["production_t"]
    hhi = sr.indicators.hhi(made.drop("IDN"), renormalise=True)
    assert by_name("tin", **given_).loc["geopolrisk", "value"] == pytest.approx(hhi * 0.6)


def test_without_trade_reliance_is_blank_and_not_zero():
    rows = by_name("rare_earths", region="USA")
    for name in ("import_reliance", "net_import_reliance", "geopolrisk"):
        assert math.isnan(rows.loc[name, "value"])
        assert "give region= and trade=" in rows.loc[name, "note"]


def test_gross_ore_never_meets_contained_metal():
    trade = pd.DataFrame(
        {
            "commodity": "bauxite",
            "year": 2023,
            "importer": "USA",
            "exporter": ["JAM"],
            "amount_t": 1.0,
            "content_of": "Al2O3",
        }
    )
    with pytest.raises(InvalidInputError, match="content_of must be as that of production"):
        sr.indicator_table("bauxite", region="USA", trade=trade)
    rows = by_name("bauxite", region="USA", trade=trade.assign(content_of="gross"))
    assert rows.loc["import_reliance", "value"] == 1.0


def test_intervals_of_a_region_hold_their_values():
    trade = pd.DataFrame(
        {
            "commodity": "tin",
            "year": 2023,
            "importer": "JPN",
            "exporter": ["PER", "IDN"],
            "amount_t": [6_000.0, 2_000.0],
        }
    )
    rows = by_name("tin", region="Japan", trade=trade, n_draws=500)
    for name in ("supply_risk", "geopolrisk"):
        row = rows.loc[name]
        assert row["ci_low"] < row["value"] < row["ci_high"]


def test_trade_of_other_years_is_no_trade():
    trade = pd.DataFrame(
        {
            "commodity": "tin",
            "year": 1999,
            "importer": "USA",
            "exporter": ["PER"],
            "amount_t": 1.0,
        }
    )
    row = by_name("tin", region="USA", trade=trade).loc["geopolrisk"]
    assert math.isnan(row["value"])
    assert row["note"] == "no imports of USA in a year whose production is bundled"


# --- traps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "given_", "message"),
    [
        ("tinn", {}, "did you mean 'tin'"),
        ([], {}, "what must hold at least 1 commodity"),
        ("tin", {"region": "EU28"}, "region must be a country or one of .*did you mean 'EU27'"),
        ("tin", {"region": "Frannce"}, "did you mean FRA"),
        ("tin", {"without": ["Chna"]}, "without must be a country.* did you mean CHN"),
        ("tin", {"without": ["FRA"]}, "without must be one of AUS"),
        ("tin", {"n_draws": -1}, "n_draws must be a whole number >= 0"),
        ("tin", {"as_of": "2025-01-01"}, "as_of must be a date"),
        (
            SMELTED,
            {"without": ["bisie"]},
            "without must be one of PER, BRA, IDN, MYS, a, b, c, d, s, t",
        ),
    ],
)
def test_a_question_that_misleads_is_refused(what, given_, message):
    with pytest.raises(InvalidInputError, match=message):
        sr.indicator_table(what, **given_)


def test_something_else_is_no_question():
    with pytest.raises(TypeError, match="what must be commodities, a Case or an Outlook, got 7"):
        sr.indicator_table(7)


@pytest.mark.parametrize("name", ["EU27", "eu27", "EU", "European Union"])
def test_a_region_is_known_by_any_of_its_names(name):
    one = sr.indicator_table("tin", region=name, n_draws=0)
    pd.testing.assert_frame_equal(one, sr.indicator_table("tin", region="EU27", n_draws=0))
