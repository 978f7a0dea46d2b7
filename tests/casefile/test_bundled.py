"""The case that comes with the library: sourced, without hindsight, and what then happened."""

import datetime as dt

import pytest

import supplyrisk as sr
from supplyrisk.model.paths import figures

# Not before the day of the case: the price history was taken from a later edition, up to
# February 2025 only.
LATER_EDITIONS = {"world-bank-pink-sheet": dt.date(2026, 6, 2)}


@pytest.fixture(scope="module")
def case():
    return sr.load_case("walikale-2025")


@pytest.fixture(scope="module")
def outcome():
    return sr.load_outcome("walikale-2025")


NAMES = ("cobalt-2025", "copper-2023", "tin-2023", "walikale-2025")


def covers(path, figure):
    return figure == path or figure.startswith(f"{path}.")


def test_the_names_of_the_cases():
    assert sr.cases() == NAMES
    for name in sr.cases():
        assert sr.load_case(name).name == name
    assert sr.load_outcome("walikale-2025").name == "walikale-2025"


def test_it_is_the_morning_after(case):
    assert (case.name, case.start, case.commodity) == ("walikale-2025", dt.date(2025, 3, 20), "tin")
    assert (case.horizon_days, case.step_days) == (365, 5)
    assert case.horizon_days % case.step_days == 0


def test_loading_it_twice_gives_the_same_case(case):
    assert sr.load_case("walikale-2025") == case
    assert sr.load_case("walikale-2025").digest == case.digest


# -------------------------------------------------------------------------------------- sources


def test_every_figure_is_cited(case):
    paths = [citation.path for citation in case.citations]
    stated = list(figures(case))
    assert len(stated) > 300
    assert [f for f in stated if not any(covers(path, f) for path in paths)] == []


def test_a_figure_is_cited_from_one_source_where_it_counts(case):
    paths = [citation.path for citation in case.citations]
    assert len(paths) == len(set(paths))


def test_every_source_is_there_and_used(case):
    there = {source.source_id for source in case.sources}
    used = {part.source_id for part in (*case.citations, *case.evidence)} - {None}
    assert used == there


def test_every_fact_names_its_source(case):
    assert all(item.source_id for item in case.evidence)


def test_what_is_assumed_or_made_up_says_so(case):
    for citation in case.citations:
        if citation.source_id == "supplyrisk-assumptions":
            assert citation.standing == "assumption"
        if citation.source_id == "illustrative":
            assert citation.standing == "illustrative"
    standing = {citation.path: citation.standing for citation in case.citations}
    assert standing["hazards.kivu-conflict.rate_pa"] == "assumption"
    assert standing["sites.man-maw.capacity_tpa"] == "assumption"
    assert len(case.exposures) == 2
    for buyer in case.exposures:
        assert buyer.illustrative
        assert standing[f"exposures.{buyer.buyer_id}"] == "illustrative"


def test_nothing_is_dated_after_the_day(case):
    days = [item.date for item in case.evidence]
    days += [day for e in case.events for day in (e.announced, e.started, e.ended) if day]
    days += [market.price_date for market in case.markets]
    days += [market.quote_date for market in case.markets]
    assert max(days) <= case.start
    later = {
        s.source_id: s.published for s in case.sources if s.published and s.published > case.start
    }
    assert later == LATER_EDITIONS


# ----------------------------------------------------------------------------------------- facts


def test_the_plan_is_the_published_world_total(case):
    assert sum(site.production_tpa for site in case.sites) == pytest.approx(300_000, abs=1e-6)
    by_country = {}
    for site in case.sites:
        by_country[site.country] = by_country.get(site.country, 0.0) + site.production_tpa
    published = {  # USGS Mineral Commodity Summaries 2025, estimates for 2024
        "AUS": 9_900,
        "BOL": 21_000,
        "BRA": 29_000,
        "CHN": 69_000,
        "COD": 25_000,
        "IDN": 50_000,
        "LAO": 1_500,
        "MMR": 34_000,
        "MYS": 3_000,
        "NGA": 7_000,
        "PER": 31_000,
        "RUS": 3_000,
        "RWA": 3_600,
        "VNM": 6_700,
        "ZZZ": 6_300,
    }
    assert by_country == pytest.approx(published)


def test_bisie(case):
    bisie = case.site("bisie")
    assert (bisie.country, bisie.production_tpa, bisie.n_units) == ("COD", 20_000, 1)
    (output,) = [item for item in case.evidence if item.evidence_id == "bisie-output-2024"]
    assert "17,324 t" in output.statement
    assert "20,000 t" in output.statement
    share = bisie.production_tpa / case.market().supply_tpa
    assert 0.047 <= share <= 0.055  # of what the price acts on, not of mined tin


def test_the_two_closures(case):
    closures = {event.event_id: event for event in case.events}
    assert set(closures) == {"bisie-closure", "man-maw-ban"}
    bisie, man_maw = closures["bisie-closure"], closures["man-maw-ban"]
    assert bisie.started == dt.date(2025, 3, 13)
    assert (case.start - bisie.started).days == 7
    assert man_maw.started == dt.date(2023, 8, 1)
    assert (case.start - man_maw.started).days == 597
    for event, peril in ((bisie, "armed_conflict"), (man_maw, "regulatory_or_licence")):
        assert event.ended is None
        assert event.duration.family == "lognormal"  # nobody knows the end yet
        assert (event.severity, event.peril) == (1.0, peril)


def test_the_price_is_that_of_the_day_before_the_closure(case):
    market = case.market()
    assert market.price_date == dt.date(2025, 3, 12)
    assert market.price_usd_per_t == pytest.approx(34_530 / 1.033, abs=1)
    assert market.quote_date == dt.date(2025, 3, 14)
    assert market.supply_tpa == 368_000


def test_the_facts_of_the_news_have_their_place(case):
    said = {item.evidence_id: item for item in case.evidence}
    for evidence_id, date, words in [
        ("walikale-taken", "2025-03-19", "Walikale, the furthest west"),
        ("army-at-mubi", "2025-03-20", "Mubi, about 30 km"),
        ("bisie-rank", "2025-03-20", "third most productive tin mine"),
        ("doha-ceasefire-call", "2025-03-18", "armed group is not at the table"),
        ("luanda-cancelled", "2025-03-18", "Luanda"),
        ("foreign-troops", "2025-03-20", "4,000 foreign troops"),
        ("more-violence-expected", "2025-03-20", "More violence is expected"),
        ("gold-nearby", "2025-03-20", "no tonnage"),
    ]:
        assert words in said[evidence_id].statement
        assert said[evidence_id].date == dt.date.fromisoformat(date)
    assert any("Gold" in sentence for sentence in case.not_quantified)


def test_the_kivu_hazard_is_not_the_mean_of_all_mines(case):
    (kivu,) = [hazard for hazard in case.hazards if hazard.hazard_id == "kivu-conflict"]
    assert kivu.rate_pa > 10 / 256
    assert kivu.scope.site_ids == ("bisie", "cod-remainder")
    countries = {h.scope.name for h in case.hazards if h.peril == "export_restriction"}
    assert countries == {"IDN", "COD"}


def test_every_site_has_its_own_hazards_and_remainders_stand_for_many(case):
    named = {h.scope.name for h in case.hazards if h.scope.kind == "site"}
    assert named == {site.site_id for site in case.sites}
    for site in case.sites:
        if site.site_id.endswith("-remainder"):
            assert site.n_units == max(1, round(site.production_tpa / 3_000)), site.site_id


# ------------------------------------------------------------------------------------- afterwards


def test_everything_observed_came_after_the_day(case, outcome):
    assert min(observation.date for observation in outcome.observations) > case.start


def test_observations_are_of_parts_of_the_case(case, outcome):
    for observation in outcome.observations:
        collection, _, name = observation.subject.partition(".")
        ids = {"sites": "site_id", "events": "event_id", "hazards": "hazard_id"}
        known = [getattr(p, ids.get(collection, "commodity")) for p in getattr(case, collection)]
        assert name in known


def test_every_source_of_the_outcome_is_used(outcome):
    used = {observation.source_id for observation in outcome.observations}
    assert used == {source.source_id for source in outcome.sources}


def test_what_then_happened(outcome):
    (closure,) = outcome.select("closure_days")
    assert (closure.value, closure.date) == (33.0, dt.date(2025, 4, 15))
    assert [o.value for o in outcome.select("output_t", "sites.bisie")] == [4270, 4106, 5190, 5008]
    quotes = outcome.select("price_usd_per_t", "markets.tin")
    assert [(q.date.month, q.date.day, q.value) for q in quotes] == [
        (3, 24, 34_400),
        (3, 28, 36_140),
        (4, 1, 37_478),
        (4, 2, 38_115),
        (4, 8, 32_617),
        (4, 9, 29_910),
        (6, 4, 32_050),
    ]
    started = dt.date(2025, 3, 13)
    for quantity in ("restart_announced_days", "closure_days", "second_plant_days"):
        (observation,) = outcome.select(quantity)
        assert (observation.date - started).days == observation.value
    assert sum(o.value for o in outcome.select("output_t")) == pytest.approx(18_576, abs=5)


def test_nothing_that_then_happened_is_in_the_case(case, outcome):
    held = set()
    for path in figures(case):
        value = case
        for step in path.split("."):
            if isinstance(value, tuple):
                keys = (
                    "site_id",
                    "route_id",
                    "smelter_id",
                    "hazard_id",
                    "event_id",
                    "buyer_id",
                    "commodity",
                )
                value = next(p for p in value if step in (getattr(p, k, None) for k in keys))
            else:
                value = getattr(value, step)
        held.add(value)
    text = " ".join(item.statement for item in case.evidence)
    text += " ".join(citation.note for citation in case.citations)
    for observation in outcome.observations:
        if observation.value >= 1_000:
            assert observation.value not in held, observation
            assert f"{observation.value:,.0f}" not in text, observation
    assert 33 not in held
    later = {source.source_id for source in outcome.sources}
    shared = later & {source.source_id for source in case.sources}
    assert shared == set(LATER_EDITIONS)


# ------------------------------------------------------------------------------------ finding it


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("walikale-2024", " (did you mean 'walikale-2025'?)"),
        ("Walikale", " (did you mean 'walikale-2025'?)"),
        ("", ""),
        ("../walikale-2025", " (did you mean 'walikale-2025'?)"),
        ("seeds/walikale-2025.TOML", " (did you mean 'walikale-2025'?)"),
        ("outcomes", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_names_there_are(name, hint):
    with pytest.raises(ValueError, match="case must be one of") as caught:
        sr.load_case(name)
    rest = f"or the path of a file that ends in .toml, got {name!r}"
    assert str(caught.value) == f"case must be one of {', '.join(NAMES)}{hint}, {rest}"
    with pytest.raises(ValueError, match="outcome must be one of walikale-2025"):
        sr.load_outcome(name)


@pytest.mark.parametrize("name", [None, 5, b"walikale-2025"])
def test_a_name_is_text_or_a_path(name):
    with pytest.raises(TypeError):
        sr.load_case(name)
