"""Every bundled row is valid, has a source, and adds up with the others."""

import json
import string

import numpy as np
import pandas as pd
import pytest

from supplyrisk import data
from supplyrisk._countries import is_country_code
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

NAMES = data.table_names()
GIVEN = {name: data.table(name) for name in NAMES}


def sourced(name):
    return [column for column in schema(name).columns if column.type in {"source", "sources"}]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_the_dtypes_that_its_schema_documents(name):
    documented = data.columns(name)
    assert list(GIVEN[name].columns) == documented["column"].tolist()
    assert [str(dtype) for dtype in GIVEN[name].dtypes] == documented["dtype"].tolist()
    assert len(GIVEN[name]) > 0


@pytest.mark.parametrize("name", NAMES)
def test_rows_stand_in_the_order_of_their_key_or_are_at_least_unique(name):
    key = schema(name).key
    assert key
    assert not GIVEN[name].duplicated(key).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_shuffled_table_is_checked_to_the_same_rows(name):
    frame = GIVEN[name]
    order = np.random.default_rng(0).permutation(len(frame))
    shuffled = frame.iloc[order, ::-1]
    checked = schema(name).check(shuffled, what=name)
    pd.testing.assert_frame_equal(checked, frame.iloc[order].reset_index(drop=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_row_is_refused(name):
    twice = pd.concat([GIVEN[name], GIVEN[name].iloc[[0]]], ignore_index=True)
    with pytest.raises(InvalidInputError, match="must not repeat"):
        schema(name).check(twice, what=name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sources"])
def test_every_row_names_its_source_and_standing(name):
    known = set(GIVEN["sources"]["source_id"])
    columns = sourced(name)
    if name == "commodities":  # a vocabulary, not facts
        return
    assert columns
    assert any(column.endswith("standing") for column in GIVEN[name])
    for column in columns:
        cells = GIVEN[name][column.name].dropna()
        assert {part for cell in cells for part in cell.split(";")} <= known


def test_every_source_that_is_shipped_is_used():
    used = {
        part
        for name in NAMES
        for column in sourced(name)
        for cell in GIVEN[name][column.name].dropna()
        for part in cell.split(";")
    }
    sources = GIVEN["sources"]
    assert set(sources.loc[sources["shipped"], "source_id"]) <= used
    # Of what may not be bundled, single figures are quoted where sources disagree, no more.
    quoted = set(sources.loc[~sources["shipped"], "source_id"]) & used
    assert quoted <= {"world-mining-data"}
    assert sources.loc[~sources["shipped"], "left_out"].notna().all()


def test_nothing_is_bundled_under_a_licence_that_forbids_it():
    sources = GIVEN["sources"]
    shipped = sources.loc[sources["shipped"], "licence"]
    allowed = (
        "public domain",
        "CC BY 4.0",
        "facts only",
        "BSD-3-Clause",
        "CC BY-SA",
        "reuse allowed",
    )
    assert shipped.str.startswith(allowed).all(), shipped[~shipped.str.startswith(allowed)].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_every_country_is_of_iso_3166_and_no_row_is_a_total(name):
    for column in schema(name).columns:
        if column.type == "country":
            codes = GIVEN[name][column.name].dropna().unique()
            assert all(is_country_code(code, other=True) for code in codes)
            assert "WLD" not in codes


@pytest.mark.parametrize("name", NAMES)
def test_every_commodity_is_in_the_vocabulary(name):
    known = set(GIVEN["commodities"]["commodity"])
    for column in schema(name).columns:
        if column.type in {"commodity", "commodities"}:
            cells = GIVEN[name][column.name].dropna()
            assert {part for cell in cells for part in cell.split(";")} <= known


def test_an_alias_belongs_to_one_commodity():
    folded = {}
    for row in GIVEN["commodities"].to_dict("records"):
        aliases = row["aliases"].split("|") if isinstance(row["aliases"], str) else []
        for alias in {
            row["commodity"].replace("_", " "),
            row["name"].lower(),
            *map(str.lower, aliases),
        }:
            assert folded.setdefault(alias, row["commodity"]) == row["commodity"], alias
            assert data.commodity_of(alias) == row["commodity"]


def test_no_text_holds_what_belongs_to_a_machine_or_a_spreadsheet():
    printable = set(string.printable) - set("\t\n\r\x0b\x0c")
    for name in NAMES:
        for column in GIVEN[name].select_dtypes(["string"]):
            for cell in GIVEN[name][column].dropna():
                assert cell == cell.strip()
                assert not {sign for sign in cell if ord(sign) < 128} - printable
                assert "nan" not in cell.lower().split()


# What adds up.


def test_at_least_fourteen_metals_have_output_by_country_stage_and_edition():
    assert GIVEN["production"]["commodity"].nunique() >= 14
    assert {"tin", "cobalt", "copper", "gallium", "rare_earths"} <= set(
        GIVEN["production"]["commodity"]
    )
    assert set(GIVEN["production"]["stage"]) == {"mine", "refinery"}
    assert {"usgs-mcs-2025", "usgs-mcs-2026"} <= set(GIVEN["production"]["source_id"])


def test_parts_and_published_total_differ_by_what_is_recorded():
    key = ["commodity", "stage", "year", "source_id"]
    parts = GIVEN["production"].groupby(key)["production_t"].sum()
    totals = GIVEN["production_totals"].set_index(key)
    both = totals.join(parts, how="left")
    assert both["production_t"].notna().all()
    np.testing.assert_allclose(both["parts_t"], both["production_t"], rtol=1e-12)
    np.testing.assert_allclose(
        both["discrepancy_t"], both["world_t"] - both["production_t"], rtol=1e-9, atol=1e-6
    )
    assert (both["reason"].eq("none") == np.isclose(both["discrepancy_t"], 0.0)).all()
    # Rounded totals have two digits or more: half a unit of the second digit is 5 %.
    assert (both["discrepancy_t"].abs() <= 0.06 * both["world_t"]).all()


def test_shares_of_one_edition_sum_to_one():
    for commodity in GIVEN["production"]["commodity"].unique():
        for year in GIVEN["production"].query("commodity == @commodity")["year"].unique():
            frame = data.production(commodity, year=int(year), stage=None)
            for _, rows in frame.groupby("stage"):
                assert len(set(rows["source_id"])) == 1
                assert len(set(rows["basis"])) == 1
                shares = rows["production_t"] / rows["production_t"].sum()
                assert shares.sum() == pytest.approx(1.0)


def test_published_shares_miss_what_is_recorded():
    key = ["commodity", "stage"]
    parts = GIVEN["supply_shares"].groupby(key)["share"].sum()
    totals = GIVEN["supply_share_totals"].set_index(key).join(parts)
    np.testing.assert_allclose(totals["parts_share"], totals["share"], atol=1e-9)
    np.testing.assert_allclose(totals["missing_share"], 1.0 - totals["share"], atol=1e-9)
    assert totals.loc[("nickel", "extraction"), "reason"] == "missing_country"
    assert totals.loc[("nickel", "extraction"), "parts_share"] == pytest.approx(0.909)


def test_the_newest_edition_is_given_and_none_is_mixed_in():
    cobalt = data.production("cobalt", year=2024)
    assert set(cobalt["source_id"]) == {"usgs-mcs-2026"}
    every = data.production("cobalt", year=2024, vintage="all")
    assert set(every["source_id"]) == {"usgs-mcs-2025", "usgs-mcs-2026"}
    first = data.production("cobalt", year=2024, vintage="usgs-mcs-2025").set_index("country")
    # USGS Mineral Commodity Summaries 2025: 220,000 t of a world total of 290,000 t.
    assert first.loc["COD", "production_t"] == 220_000
    totals = data.production_totals("cobalt").set_index(["year", "source_id"])["world_t"]
    assert totals[2024, "usgs-mcs-2025"] == 290_000
    assert totals[2024, "usgs-mcs-2026"] == 302_000


@pytest.mark.parametrize(
    ("commodity", "country", "year", "vintage", "tonnes"),
    [  # USGS Mineral Commodity Summaries 2025 and 2026, world data
        ("tin", "CHN", 2024, "usgs-mcs-2025", 69_000),
        ("tin", "COD", 2024, "usgs-mcs-2025", 25_000),
        ("tin", "MMR", 2024, "usgs-mcs-2025", 34_000),
        ("tin", "MMR", 2024, "usgs-mcs-2026", 20_000),
        ("tin", "COD", 2022, "usgs-mcs-2023", 20_000),
        ("palladium", "RUS", 2023, "usgs-mcs-2025", 87),
    ],
)
def test_output_is_as_published(commodity, country, year, vintage, tonnes):
    rows = data.production(commodity, year=year, vintage=vintage).set_index("country")
    assert rows.loc[country, "production_t"] == pytest.approx(tonnes, rel=0.02)


def test_a_copy_is_handed_out():
    tin, everything = data.production("tin"), data.table("production")
    tin["production_t"] = 0.0
    everything.loc[:, "production_t"] = 0.0
    assert data.production("tin")["production_t"].sum() > 0.0
    pd.testing.assert_frame_equal(data.table("production"), GIVEN["production"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data.production("tinn"), "did you mean 'tin'"),
        (lambda: data.production("tin", vintage="usgs-mcs-2019"), "usgs-mcs-2025"),
        (lambda: data.production("tin", year=1900), "must be one of"),
        (lambda: data.table("productions"), "did you mean 'production'"),
        (lambda: data.columns("nonsense"), "must be one of"),
        (lambda: data.sites("unobtainium"), "commodity must be one of"),
        (lambda: data.countries("EU"), "group must be one of"),
        (lambda: data.discrepancies("plutonium"), "commodity must be one of"),
        (lambda: data.commodity_of("latinum"), "must be one of"),
        (lambda: data.commodity_of("tin ore concentrate of Congo"), "must be one of"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(call, words):
    with pytest.raises(InvalidInputError, match=words):
        call()


# Places


def test_fifty_mine_sites_and_more_each_once_and_in_their_country():
    sites = GIVEN["sites"]
    assert len(sites) >= 50
    assert sites["name"].is_unique
    # The tests of the map look at outlines; here only that nothing lies at 0, 0 by default.
    placed = sites.dropna(subset=["latitude_deg"])
    assert len(placed) >= 50
    assert not ((placed["latitude_deg"] == 0.0) & (placed["longitude_deg"] == 0.0)).any()
    assert (sites["latitude_deg"].isna() == sites["longitude_deg"].isna()).all()


def test_every_output_route_and_row_of_history_points_to_a_place_that_is_there():
    sites = set(GIVEN["sites"]["site_id"])
    places = sites | set(GIVEN["smelters"]["smelter_id"])
    assert set(GIVEN["site_output"]["site_id"]) <= sites
    assert set(GIVEN["routes"]["site_id"].dropna()) <= places
    assert set(GIVEN["disruptions"]["site_id"].dropna()) <= places
    events = set(GIVEN["disruptions"]["disruption_id"])
    assert set(GIVEN["announced_durations"]["disruption_id"].dropna()) <= events
    assert set(GIVEN["price_responses"]["disruption_id"].dropna()) <= events


@pytest.mark.parametrize("name", ["sites", "smelters"])
def test_a_place_opens_after_2005_and_closes_later_and_says_how_that_is_known(name):
    frame = GIVEN[name]
    for date in ("opened", "closed"):
        assert (frame[date].isna() == frame[f"{date}_precision"].isna()).all()
    dated = frame["opened"].notna() | frame["closed"].notna()
    assert dated.sum() >= 4
    for column in ("dates_standing", "dates_source_id", "dates_references"):
        assert (dated == frame[column].notna()).all()
    assert (frame["opened"].dropna() > pd.Timestamp(2005, 1, 1)).all()
    assert (frame["closed"].dropna() <= pd.Timestamp(2025, 12, 31)).all()
    assert not (frame["closed"] < frame["opened"]).any()
    years = frame.loc[frame["opened_precision"] == "year", "opened"]
    assert (years.dt.strftime("%m-%d") == "07-01").all()
    # Nothing stops where nothing runs yet.
    key = frame.columns[0]
    stops = GIVEN["disruptions"].merge(frame, left_on="site_id", right_on=key)
    assert not (stops["started"] < stops["opened"]).any()


def test_a_route_goes_on_where_it_came_from():
    for _, legs in GIVEN["routes"].groupby("route_id"):
        legs = legs.sort_values("leg")  # noqa: PLW2901 - the legs in order
        assert legs["leg"].is_unique
        assert (legs["transit_days"].dropna() > 0.0).all()
    crossings = GIVEN["routes"].query("from_country != to_country and mode == 'road'")
    assert crossings["border_post"].notna().mean() > 0.5


def test_members_of_groups():
    assert len(data.countries("EU27")) == 27
    assert len(data.countries("OECD")) == 38
    assert len(data.countries("G7")) == 7
    everywhere = data.countries()
    assert len(everywhere) >= 249
    assert everywhere.set_index("alpha3").loc["NAM", "alpha2"] == "NA"
    assert "EU27" in everywhere.set_index("alpha3").loc["DEU", "groups"].split("|")


def test_governance_keeps_its_release_and_range():
    frame = data.governance("COD")
    assert set(frame["release"]) == {2024}
    # World Bank, WGI 2024 release: political stability of DR Congo in 2023.
    assert frame["political_stability"].iloc[0] == pytest.approx(-2.0, abs=0.5)
    scores = GIVEN["governance"].select_dtypes("float64")
    assert scores.abs().max().max() < 3.5


def test_prices_of_tin_are_monthly_and_agree_with_the_yearly_mean():
    monthly = data.prices("tin", "monthly")
    months = monthly["period_start"].dt.to_period("M")
    assert months.is_unique
    assert len(monthly) > 180
    of_2024 = monthly[monthly["period_start"].dt.year == 2024]["price_usd_per_t"]
    yearly = data.prices("tin", "annual").set_index(["period_start", "source_id"])
    stated = yearly.loc[
        (pd.Timestamp(2024, 1, 1), "world-bank-pink-sheet-2026-06"), "price_usd_per_t"
    ]
    assert of_2024.size == 12
    assert of_2024.mean() == pytest.approx(stated, rel=1e-4)


def test_every_metal_with_output_has_a_price():
    assert set(GIVEN["production"]["commodity"]) <= set(GIVEN["prices"]["commodity"])


def test_end_uses_are_shares():
    groups = GIVEN["end_uses"].groupby(["commodity", "region", "year"])["share"].sum()
    assert (groups <= 1.03).all()


def test_where_sources_disagree_they_do():
    frame = data.discrepancies()
    for topic, rows in frame.groupby("topic_id"):
        assert rows["preferred"].sum() <= 1, topic
        assert len(set(rows["unit"])) == 1, topic
    differ = frame.groupby("topic_id")["value"].nunique()
    assert (differ > 1).mean() > 0.98
    tin = data.discrepancies("tin").query("country == 'MMR' and year == 2024")
    assert {18_750.0, 20_000.0, 34_000.0} <= set(tin["value"])


def test_tables_are_small():
    assert sum(len(frame) for frame in GIVEN.values()) < 6_000
    assert json.dumps(data.table_names())
