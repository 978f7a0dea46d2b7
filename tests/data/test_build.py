"""Cases of every metal from the bundled tables, as they stood on a day."""

import datetime as dt
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk.data import build_case, calibration
from supplyrisk.data._plan import plan
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError

DAYS = [
    dt.date(2023, 6, 1),
    dt.date(2024, 6, 3),
    dt.date(2025, 3, 20),  # Walikale fell
    dt.date(2026, 3, 2),
]
MARCH_2025 = DAYS[2]


@cache
def editions(commodity):
    """Day of publication of each edition of the output by country, oldest first."""
    rows = table("production")
    rows = rows[rows["commodity"] == commodity]
    stage = "mine" if (rows["stage"] == "mine").any() else "refinery"
    published = table("sources").set_index("source_id")["published"]
    held = {name: published[name] for name in rows.loc[rows["stage"] == stage, "source_id"]}
    dated = {name: day.date() for name, day in held.items() if not pd.isna(day)}
    return stage, dict(sorted(dated.items(), key=lambda item: item[1]))


@cache
def edition_on(commodity, day):
    """Output by country in the newest edition out on a day; its newest year."""
    stage, known = editions(commodity)
    newest = [name for name, published in known.items() if published <= day][-1]
    rows = sr.data.production(commodity, stage=stage, vintage=newest)
    rows = rows[rows["year"] == rows["year"].max()]
    assert not rows["country"].duplicated().any()
    return rows.set_index("country")["production_t"]


COMMODITIES = sorted(set(table("production")["commodity"]))
PAIRS = [
    (commodity, day)
    for commodity in COMMODITIES
    for day in DAYS
    if min(editions(commodity)[1].values()) <= day
]
# A few are built in every run, and all of them for verification.
FEW = {
    ("rare_earths", DAYS[0]),  # no price was known
    ("copper", DAYS[1]),
    ("tin", MARCH_2025),
    ("gallium", DAYS[3]),  # no mine at all
}
of_every_metal = pytest.mark.parametrize(
    ("commodity", "day"),
    [
        pytest.param(*pair, id=f"{pair[0]}-{pair[1]}", marks=marks)
        for pair in PAIRS
        for marks in [() if pair in FEW else pytest.mark.verification]
    ],
)
plan_of_every_metal = pytest.mark.parametrize(
    ("commodity", "day"),
    [
        pytest.param(*pair, id=f"{pair[0]}-{pair[1]}", marks=marks)
        for pair in PAIRS
        for marks in [() if pair[1] == MARCH_2025 or pair in FEW else pytest.mark.verification]
    ],
)


laid_out = cache(plan)


@cache
def built(commodity, day, sites="named+remainder"):
    return build_case(commodity, start=day, sites=sites)


def output_by_country(sites, countries):
    """Output of sites by country of the edition; what it does not name is other countries."""
    found = dict.fromkeys(countries, 0.0)
    for site in sites:
        found[site.country if site.country in found else "ZZZ"] += site.production_tpa
    return pd.Series(found)


# --- Published values ---------------------------------------------------------------------


def test_tin_in_march_2025_is_the_world_of_the_edition_of_that_january():
    # USGS, Mineral Commodity Summaries 2025, tin: mine production of 2024 [t].
    published = {"CHN": 69_000, "IDN": 50_000, "MMR": 34_000, "PER": 31_000, "COD": 25_000}
    case = built("tin", MARCH_2025)
    found = output_by_country(case.sites, edition_on("tin", MARCH_2025).index)
    assert {country: round(found[country]) for country in published} == published
    assert sum(site.production_tpa for site in case.sites) == pytest.approx(300_000, rel=0.02)
    assert case.site("bisie").production_tpa == pytest.approx(17_324)
    assert case.site("cod-remainder").production_tpa == pytest.approx(25_000 - 17_324)


def test_the_output_of_a_year_is_known_from_february_on():
    # Alphamin reports in January: 12,568 t for 2023 and 17,324 t for 2024.
    for day, tonnes in [(dt.date(2025, 1, 31), 12_568.0), (dt.date(2025, 2, 1), 17_324.0)]:
        sites = {site.site_id: site for site in plan("tin", day, None, named=True).sites}
        assert sites["bisie"].production_tpa == pytest.approx(tonnes)


def test_an_edition_is_known_on_its_day_and_not_before():
    published = editions("tin")[1]["usgs-mcs-2025"]
    for day, edition in [
        (published - dt.timedelta(days=1), "usgs-mcs-2024"),
        (published, "usgs-mcs-2025"),
    ]:
        laid = plan("tin", day, None, named=False)
        cited = {citation.source_id for citation in laid.citations}
        assert cited == {edition, "supplyrisk-assumptions"}


# --- Tonnes -------------------------------------------------------------------------------


@plan_of_every_metal
def test_countries_add_up_to_the_edition(commodity, day):
    expected = edition_on(commodity, day)
    laid = laid_out(commodity, day, None, named=False)
    found = output_by_country(laid.sites, expected.index)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert laid.total_t == pytest.approx(expected.sum(), rel=1e-9)
    assert sum(site.production_tpa for site in laid.sites) == pytest.approx(laid.total_t, rel=1e-9)


@plan_of_every_metal
def test_named_mines_and_remainders_make_each_country_to_a_hundredth(commodity, day):
    expected = edition_on(commodity, day)
    laid = laid_out(commodity, day, None, named=True)
    found = output_by_country(laid.sites, expected.index)
    assert (found <= expected * (1.0 + 1e-9)).all()
    assert (found >= expected * (0.99 - 1e-9)).all()
    alone = {site.country for site in laid.sites if not site.site_id.endswith("-remainder")}
    unnamed = [country for country in expected.index if country not in alone | {"ZZZ"}]
    np.testing.assert_allclose(found[unnamed], expected[unnamed], rtol=1e-9)


@plan_of_every_metal
def test_sites_are_like_mines_at_their_output(commodity, day):
    laid = laid_out(commodity, day, None, named=True)
    for site in laid.sites:
        assert site.commodity == commodity
        assert site.n_units >= 1
        assert 0.0 < site.utilisation <= 1.0
        if not site.site_id.endswith("-remainder"):
            assert site.n_units == 1
    assert len({site.site_id for site in laid.sites}) == len(laid.sites)
    for site in laid_out(commodity, day, None, named=False).sites:
        assert site.site_id == f"{site.country.lower()}-remainder"


@plan_of_every_metal
def test_a_figure_of_a_site_is_of_a_year_that_was_over(commodity, day):
    published = table("sources").set_index("source_id")["published"]
    reported = day.year - (1 if day.month >= 2 else 2)
    for citation in laid_out(commodity, day, None, named=True).citations:
        said = re.match(
            r"(production|capacity|mine output|refinery output) of (\d{4})", citation.note
        )
        if not said:
            continue
        assert int(said[2]) <= day.year
        if not published[citation.source_id] <= pd.Timestamp(day):
            assert int(said[2]) <= reported


# --- Whole cases --------------------------------------------------------------------------


@of_every_metal
def test_a_case_is_simulated(commodity, day):
    case = built(commodity, day)
    assert (case.commodity, case.start, case.horizon_days) == (commodity, day, 365)
    lost = sr.simulate(case, n_scenarios=500, rng=7).lost_t
    assert lost.shape == (500,)
    assert np.isfinite(lost).all()
    assert (lost >= 0.0).all()
    assert (lost <= sum(site.production_tpa for site in case.sites) * (1.0 + 1e-9)).all()
    assert lost.mean() > 0.0


@of_every_metal
def test_a_case_is_written_and_read_again(commodity, day, tmp_path):
    case = built(commodity, day)
    sr.save_case(case, tmp_path / "case.toml")
    assert sr.load_case(tmp_path / "case.toml") == case


@of_every_metal
def test_every_figure_has_a_source(commodity, day):
    case = built(commodity, day)
    named = {source.source_id for source in case.sources}
    assert {citation.source_id for citation in case.citations} == named
    owners = {".".join(citation.path.split(".")[:2]) for citation in case.citations}
    assert owners >= {f"sites.{site.site_id}" for site in case.sites}
    assert owners >= {f"hazards.{hazard.hazard_id}" for hazard in case.hazards}
    assert owners >= {f"events.{event.event_id}" for event in case.events}
    paths = {citation.path for citation in case.citations}
    for market in case.markets:
        for field in ("price_usd_per_t", "volatility_pa", "supply_tpa", "demand_tpa"):
            assert f"markets.{market.commodity}.{field}" in paths
    assert bool(case.markets) != any(note.startswith("Prices") for note in case.not_quantified)
    (stocks,) = (note for note in case.not_quantified if note.startswith("Stocks of those"))
    assert all(f"{market.consumer_stock_days:g} days" in stocks for market in case.markets)


@of_every_metal
def test_a_case_knows_nothing_later_than_its_start(commodity, day):
    case = built(commodity, day)
    said = " ".join(note for note in case.not_quantified if note.startswith("Hindsight"))
    published = {source.source_id: source.published for source in case.sources}
    late = {
        citation.source_id
        for citation in case.citations
        if citation.path.startswith("sites.") and (published[citation.source_id] or day) > day
    }
    assert all(name in said for name in late)
    assert bool(said) == bool(late)
    for market in case.markets:
        assert market.price_date < day
    for event in case.events:
        assert event.started < day
        assert event.announced is None or event.announced <= event.started
        assert event.ended is None
        row = table("disruptions").set_index("disruption_id").loc[event.event_id[-4:].upper()]
        assert row["started"].date() == event.started
        assert not row["ended"] < pd.Timestamp(day)


@of_every_metal
def test_countries_alone_name_no_mine(commodity, day):
    case = built(commodity, day, "countries")
    mines = set(table("sites")["site_id"])
    assert not {site.site_id for site in case.sites} & mines
    assert case.events == ()
    assert not any(citation.path.split(".")[1] in mines for citation in case.citations)
    total = sum(site.production_tpa for site in case.sites)
    assert total == pytest.approx(edition_on(commodity, day).sum(), rel=1e-9)


def test_a_case_is_built_the_same_twice():
    first = built("rare_earths", DAYS[0])
    calibration._of_bundled.cache_clear()
    assert build_case("rare_earths", start=DAYS[0]) == first
    assert first.name == "rare-earths-2023-06-01"


# --- Stops that were running --------------------------------------------------------------


def test_bisie_and_man_maw_were_shut_when_walikale_fell():
    events = {event.scope.name: event for event in built("tin", MARCH_2025).events}
    assert set(events) == {"bisie", "man-maw"}
    assert events["bisie"].started == dt.date(2025, 3, 13)
    assert events["bisie"].peril == sr.Peril.ARMED_CONFLICT
    assert events["man-maw"].started == dt.date(2023, 8, 1)  # announced on 15 April
    assert events["man-maw"].announced == dt.date(2023, 4, 15)


def test_cobre_panama_was_shut_in_june_2024():
    (event,) = built("copper", DAYS[1]).events
    assert (event.scope.name, event.started) == ("cobre-panama", dt.date(2023, 11, 23))


@pytest.mark.parametrize(
    ("commodity", "day"),
    [
        ("rare_earths", DAYS[0]),
        ("gallium", DAYS[3]),
        pytest.param("tin", DAYS[0], marks=pytest.mark.verification),
        pytest.param("copper", DAYS[0], marks=pytest.mark.verification),
    ],
)
def test_no_stop_stands_in_a_case_of_a_day_when_none_ran(commodity, day):
    assert built(commodity, day).events == ()


def test_a_mine_that_is_shut_loses_from_the_first_day():
    case = built("tin", MARCH_2025)
    with_it = sr.simulate(case, n_scenarios=500, rng=7).lost_t
    without = sr.simulate(case.without("events.bisie-e131"), n_scenarios=500, rng=7).lost_t
    assert (with_it >= without - 1e-6).all()
    # A stop of a week that runs on for more than a week in most futures: 17,324 t / 365 x 7 d.
    assert np.median(with_it - without) > 330.0


# --- Hindsight on demand ------------------------------------------------------------------


def test_an_edition_that_came_later_is_called_hindsight():
    case = build_case("tin", start=MARCH_2025, vintage="usgs-mcs-2026", sites="countries")
    assert any(
        note.startswith("Hindsight") and "usgs-mcs-2026" in note for note in case.not_quantified
    )
    expected = sr.data.production("tin", vintage="usgs-mcs-2026")
    expected = expected.loc[expected["year"] == 2025, "production_t"].sum()
    assert sum(site.production_tpa for site in case.sites) == pytest.approx(expected, rel=1e-9)


def test_an_older_edition_is_none():
    case = build_case("tin", start=MARCH_2025, vintage="usgs-mcs-2024", sites="countries")
    assert not any(note.startswith("Hindsight") for note in case.not_quantified)


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("commodity", COMMODITIES)
def test_a_start_before_every_edition_is_refused_and_names_them(commodity):
    names = list(editions(commodity)[1])
    first = editions(commodity)[1][names[0]]
    with pytest.raises(InvalidInputError, match="first bundled edition") as caught:
        build_case(commodity, start=first - dt.timedelta(days=1))
    assert all(name in str(caught.value) for name in [*names, first.isoformat(), commodity])


@pytest.mark.parametrize(
    "start",
    ["2025-03-20", dt.datetime(2025, 3, 20, tzinfo=dt.UTC), pd.Timestamp(2025, 3, 20), None],
)
def test_a_start_that_is_no_date_is_refused(start):
    with pytest.raises(InvalidInputError, match="start must be a date such as"):
        build_case("tin", start=start)


@pytest.mark.parametrize("sites", ["named", "mines", "", None, 3])
def test_an_unknown_way_to_lay_out_sites_is_refused(sites):
    with pytest.raises(
        InvalidInputError, match=r"sites must be one of named\+remainder, countries"
    ):
        build_case("tin", start=MARCH_2025, sites=sites)


@pytest.mark.parametrize("vintage", ["usgs-mcs-2052", "all", "", "ita-2024-03"])
def test_an_edition_that_is_not_bundled_is_refused(vintage):
    with pytest.raises(InvalidInputError, match=r"vintage must be one of usgs-mcs-2023"):
        build_case("tin", start=MARCH_2025, vintage=vintage)


@pytest.mark.parametrize(("commodity", "hint"), [("tinn", "'tin'"), ("Tin", "'tin'"), (None, "")])
def test_an_unknown_commodity_is_refused_with_the_nearest(commodity, hint):
    with pytest.raises(InvalidInputError, match=f"commodity must be one of.*{hint}"):
        build_case(commodity, start=MARCH_2025)


def test_days_that_are_no_whole_number_are_refused():
    with pytest.raises(InvalidInputError, match=r"(?s)horizon_days.*step_days"):
        build_case("gallium", start=DAYS[3], horizon_days=1.5, step_days=0)


def test_a_running_stop_is_an_event_or_is_named():
    named = build_case("tin", start=dt.date(2024, 1, 1))
    assert "man-maw-e110" in {event.event_id for event in named.events}
    countries = build_case("tin", start=dt.date(2025, 3, 20), sites="countries")
    assert countries.events == ()
    for row in ("E110", "E131"):
        assert any(
            row in note and "Running on the day" in note for note in countries.not_quantified
        )
