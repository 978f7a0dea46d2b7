"""The bundled cases: each stands on its day, is sourced, simulates, and says what was known."""

import datetime as dt

import pytest

import supplyrisk as sr
from supplyrisk.model.paths import figures

MORE = ("cobalt-2025", "copper-2023", "tin-2023")
EDITION = {
    "cobalt-2025": ("usgs-mcs-2025", 2024),
    "copper-2023": ("usgs-mcs-2023", 2022),
    "tin-2023": ("usgs-mcs-2023", 2022),
}
# Panama is one of the other countries of the edition.
COUNTED_WITH = {"PAN": "ZZZ"}


@pytest.fixture(params=sr.cases())
def case(request):
    return sr.load_case(request.param)


@pytest.fixture(params=MORE)
def more(request):
    return sr.load_case(request.param)


def covers(path, figure):
    return figure == path or figure.startswith(f"{path}.")


def standing(case):
    return {citation.path: citation.standing for citation in case.citations}


def events(case):
    return {event.event_id: event for event in case.events}


# ------------------------------------------------------------------------------------ every case


def test_they_are_bundled():
    assert set(MORE) <= set(sr.cases())


def test_it_bears_its_own_name_and_steps_fit_its_horizon(case):
    assert case.name in sr.cases()
    assert (case.horizon_days, case.step_days) == (365, 5)


def test_it_survives_a_round_trip(case, tmp_path):
    sr.save_case(case, tmp_path / "case.toml")
    assert sr.load_case(tmp_path / "case.toml") == case


def test_it_simulates(case):
    outlook = sr.simulate(case, n_scenarios=500, rng=7)
    planned = sum(site.production_tpa for site in case.sites)
    assert 0.0 < outlook.lost_t.mean() < 0.6 * planned
    summary = outlook.summary().set_index("metric")["value"]
    assert summary["expected_lost_t"] < summary["tail_value_at_risk_95_t"] < planned
    price = outlook.price_usd_per_t()
    assert (price > 0.0).all()
    ratio = price[:, 0] / case.market().quote_usd_per_t
    assert 0.8 < float(sorted(ratio)[250]) < 2.0
    assert (outlook.exposures["expected_shortage_t"] >= 0.0).all()


def test_every_figure_is_cited_once(case):
    paths = [citation.path for citation in case.citations]
    assert len(paths) == len(set(paths))
    assert [f for f in figures(case) if not any(covers(p, f) for p in paths)] == []


def test_what_is_cited_by_itself(case):
    paths = {citation.path for citation in case.citations}
    for site in case.sites:
        assert f"sites.{site.site_id}.capacity_tpa" in paths
    for event in case.events:
        assert f"events.{event.event_id}.duration" in paths
    fields = ("price_usd_per_t", "last_quote_usd_per_t", "supply_tpa", "demand_tpa")
    for field in (*fields, "volatility_pa", "elasticity_sum_median", "choke_price_ratio"):
        assert f"markets.{case.commodity}.{field}" in paths


def test_every_source_is_there_and_used(case):
    there = {source.source_id for source in case.sources}
    assert {part.source_id for part in (*case.citations, *case.evidence)} == there


def test_assumptions_and_inventions_say_so(case):
    for citation in case.citations:
        if citation.source_id == "supplyrisk-assumptions":
            assert citation.standing == "assumption"
        if citation.source_id == "illustrative":
            assert citation.standing == "illustrative"
    assert len(case.exposures) == 2
    assert all(buyer.illustrative and "illustrative" in buyer.name for buyer in case.exposures)


def test_nothing_is_dated_after_the_day(case):
    days = [item.date for item in case.evidence]
    # An event that is to come has been announced.
    days += [event.announced or event.started for event in case.events]
    days += [event.ended for event in case.events if event.ended]
    days += [market.price_date for market in case.markets]
    days += [market.quote_date for market in case.markets]
    assert max(days) <= case.start


def test_what_was_published_later_says_what_was_taken_from_it(case):
    later = {s.source_id: s for s in case.sources if s.published and s.published > case.start}
    for citation in case.citations:
        if citation.source_id in later:
            title = later[citation.source_id].title
            assert " only" in title or "later" in citation.note, citation.path
    assert not {item.source_id for item in case.evidence} & set(later)


# ------------------------------------------------------------------------------------- the three


def test_output_by_country_is_that_of_the_edition_of_the_day(more):
    vintage, year = EDITION[more.name]
    table = sr.data.production(more.commodity, year=year, vintage=vintage)
    held = {}
    for site in more.sites:
        country = COUNTED_WITH.get(site.country, site.country)
        held[country] = held.get(country, 0.0) + site.production_tpa
    assert held == pytest.approx(dict(zip(table["country"], table["production_t"], strict=True)))


def test_evidence_stands_in_the_order_of_days(more):
    days = [item.date for item in more.evidence]
    assert days == sorted(days)
    assert all(item.source_id for item in more.evidence)


def test_every_site_has_the_same_hazards_times_its_own_record(more):
    rates = {}
    for hazard in more.hazards:
        if hazard.scope.kind == "site":
            rates.setdefault(hazard.scope.name, {})[str(hazard.peril)] = hazard.rate_pa
    assert set(rates) == {site.site_id for site in more.sites}
    for site in more.sites:
        assert ("armed_conflict" in rates[site.site_id]) == (site.country == "COD")
        rates[site.site_id].pop("armed_conflict", None)
    # The rest of a country has no record of its own: it has the rate of a typical mine.
    typical = rates["idn-remainder"]
    for site_id, of_site in rates.items():
        assert set(of_site) == set(typical)
        times = [of_site[peril] / typical[peril] for peril in typical]
        # Three digits are printed, so ratios agree to a hundredth.
        assert times == pytest.approx([times[0]] * len(times), rel=0.01), site_id
        assert 0.5 < times[0] < 3.0
        if site_id.endswith("-remainder"):
            assert of_site == typical


def test_large_producers_may_stop_their_exports(more):
    total = sum(site.production_tpa for site in more.sites)
    held = {h.scope.name for h in more.hazards if h.peril == "export_restriction"}
    for country in {site.country for site in more.sites} - {"ZZZ"}:
        share = sum(s.production_tpa for s in more.sites if s.country == country) / total
        assert country in held or share < 0.05, country


def test_a_remainder_stands_for_like_mines(more):
    size = {"cobalt": 3_000, "copper": 100_000, "tin": 3_000}[more.commodity]
    for site in more.sites:
        if site.site_id.endswith("-remainder") and site.site_id != "idn-remainder":
            assert site.n_units == max(1, round(site.production_tpa / size)), site.site_id


def test_cobalt_the_ban_that_runs_and_the_quota_that_is_announced():
    case = sr.load_case("cobalt-2025")
    assert (case.start, case.commodity) == (dt.date(2025, 9, 22), "cobalt")
    assert set(events(case)) == {"cod-cobalt-ban", "cod-cobalt-quota"}
    ban, quota = events(case)["cod-cobalt-ban"], events(case)["cod-cobalt-quota"]
    for event in (ban, quota):
        assert (event.peril, event.scope) == ("export_restriction", sr.Scope.country("COD"))
        assert (event.ended, event.probability) == (None, 1.0)
    assert (ban.started, ban.announced, ban.severity) == (dt.date(2025, 2, 22), None, 1.0)
    # It does not end before its announced last day, 15 October.
    assert ban.started + dt.timedelta(days=min(ban.duration.days)) == quota.started
    assert (quota.announced, quota.started) == (dt.date(2025, 9, 20), dt.date(2025, 10, 16))
    assert quota.announced < case.start < quota.started
    congo = sum(site.production_tpa for site in case.sites if site.country == "COD")
    assert quota.severity == pytest.approx(1 - 96_600 / congo, abs=0.005)
    assert quota.started + dt.timedelta(days=quota.duration.days) == dt.date(2028, 1, 1)
    said = " ".join(item.statement for item in case.evidence)
    for words in ("18,125 t", "96,600 t", "15 October 2025", "eight to ten months", "nobody had"):
        assert words in said
    market = case.market()
    assert (market.price_date, market.price_usd_per_t) == (dt.date(2025, 2, 6), 21_550)
    assert market.quote_date == dt.date(2025, 9, 18)
    assert market.quote_usd_per_t == pytest.approx(10 * 1.58 * 1.06 * 2_204.62, rel=0.002)
    assert (market.supply_tpa, market.demand_tpa) == (222_000 + 36_000, 222_000)


def test_cobalt_the_loss_lies_beyond_what_the_price_answer_is_validated_for():
    outlook = sr.simulate(sr.load_case("cobalt-2025"), n_scenarios=500, rng=7)
    assert 0.45 < outlook.lost_t.mean() / outlook.plan.planned_t < 0.55
    explained = sr.explain(outlook).text
    assert "not validated above a quarter" in explained


def test_copper_a_closure_without_an_end():
    case = sr.load_case("copper-2023")
    assert (case.start, case.commodity) == (dt.date(2023, 11, 29), "copper")
    (closure,) = case.events
    assert (closure.event_id, closure.scope.name) == ("cobre-panama-closure", "cobre-panama")
    assert (closure.peril, closure.severity) == ("regulatory_or_licence", 1.0)
    assert (closure.started, closure.announced) == (dt.date(2023, 11, 23), None)
    assert (closure.ended, closure.duration.family) == (None, "lognormal")
    assert standing(case)["events.cobre-panama-closure.duration"] == "derived"
    planned = sum(site.production_tpa for site in case.sites)
    assert 0.015 < case.site("cobre-panama").production_tpa / planned < 0.018
    (ruling,) = [item for item in case.evidence if item.evidence_id == "ruling"]
    assert (ruling.date, ruling.kind) == (dt.date(2023, 11, 28), "court_ruling")
    assert "Law 406" in ruling.statement
    market = case.market()
    assert (market.price_date, market.quote_date) == (dt.date(2023, 11, 17), dt.date(2023, 11, 21))
    assert market.price_usd_per_t == pytest.approx(8_430.50 / 1.02, abs=1)
    assert (market.quote_usd_per_t, market.supply_tpa) == (8_456, 26_329_000)


def test_tin_a_stop_announced_and_not_sure():
    case = sr.load_case("tin-2023")
    assert (case.start, case.commodity) == (dt.date(2023, 4, 18), "tin")
    (ban,) = case.events
    assert (ban.event_id, ban.scope.name) == ("wa-mining-ban", "wa-state")
    assert (ban.peril, ban.severity) == ("regulatory_or_licence", 1.0)
    assert (ban.announced, ban.started) == (dt.date(2023, 4, 15), dt.date(2023, 8, 1))
    assert (ban.ended, ban.duration.family, ban.probability) == (None, "lognormal", 0.7)
    assert standing(case)["events.wa-mining-ban.probability"] == "assumption"
    assert sum(site.production_tpa for site in case.sites) == 314_500
    assert case.site("wa-state").production_tpa == pytest.approx(0.7 * 31_000)
    market = case.market()
    assert market.price_date < ban.announced < market.quote_date < case.start
    assert market.price_usd_per_t == pytest.approx(27_400 / 1.102, abs=1)
    assert (market.quote_usd_per_t, market.supply_tpa) == (27_400, 378_400)


def test_tin_nothing_of_the_announced_stop_is_lost_before_it_begins():
    case = sr.load_case("tin-2023").with_values(
        {f"hazards.{hazard.hazard_id}.rate_pa": 0.0 for hazard in sr.load_case("tin-2023").hazards}
    )
    outlook = sr.simulate(case, n_scenarios=500, rng=7)
    mean = outlook.steps["supply_t"]["mean"].to_numpy()
    before = (dt.date(2023, 8, 1) - case.start).days // case.step_days
    assert mean[:before] == pytest.approx(314_500 / 73)
    assert mean[before] < 0.97 * mean[0]
    assert (outlook.lost_t > 0.0).mean() == pytest.approx(0.7, abs=0.06)
