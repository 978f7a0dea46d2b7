"""A case: its parts fit together, what-ifs by dotted path, and a digest that tells cases apart."""

import dataclasses
import datetime as dt
import re
import subprocess
import sys

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk.model.paths import figures

START = dt.date(2025, 3, 20)
DAY = dt.timedelta(days=1)
FIXED = sr.Duration.fixed(days=30)


def site(site_id, country="COD", commodity="tin", **fields):
    return sr.MineSite(
        **{
            "site_id": site_id,
            "name": site_id.title(),
            "commodity": commodity,
            "country": country,
            "capacity_tpa": 1_000.0,
            **fields,
        }
    )


def hazard(hazard_id="strike", scope=None, **fields):
    return sr.Hazard(
        **{
            "hazard_id": hazard_id,
            "peril": "strike",
            "scope": scope or sr.Scope.site("bisie"),
            "rate_pa": 0.1,
            "duration": sr.Duration.lognormal(median_days=30, sigma=1.0),
            **fields,
        }
    )


def event(event_id="closure", **fields):
    return sr.DisruptionEvent(
        **{
            "event_id": event_id,
            "peril": "armed_conflict",
            "scope": sr.Scope.site("bisie"),
            "started": START - 7 * DAY,
            "duration": sr.Duration.exponential(mean_days=100),
            **fields,
        }
    )


def market(commodity="tin", **fields):
    return sr.Market(
        **{
            "commodity": commodity,
            "price_usd_per_t": 33_427,
            "price_date": START - 8 * DAY,
            "supply_tpa": 5_000,
            "demand_tpa": 5_000,
            "volatility_pa": 0.27,
            **fields,
        }
    )


def buyer(buyer_id="mill", commodity="tin", **fields):
    return sr.CommodityExposure(
        **{"buyer_id": buyer_id, "name": "Mill", "commodity": commodity, "demand_tpa": 10, **fields}
    )


def evidence(evidence_id="town", **fields):
    return sr.Evidence(
        **{
            "evidence_id": evidence_id,
            "date": START,
            "kind": "town_taken",
            "statement": "A town is taken.",
            **fields,
        }
    )


def cite(path, source_id="survey"):
    return sr.Citation(path=path, source_id=source_id, standing="reported")


SURVEY = sr.Source(source_id="survey", publisher="P", title="T", licence="L")
WHOLE = {
    "name": "example",
    "start": START,
    "sites": (site("bisie"), site("renison", "AUS"), site("zzz-remainder", "ZZZ", n_units=3)),
    "hazards": (
        hazard(),
        hazard("ban", sr.Scope.country("COD"), rate_group="g", rate_shape=2),
        hazard("war", sr.Scope.region("kivu", site_ids=("bisie",)), rate_group="g", rate_shape=2.0),
    ),
    "events": (event(),),
    "markets": (market(),),
    "exposures": (
        buyer(sources=(sr.Supply(scope=sr.Scope.country("AUS"), share=0.4),)),
        buyer("smith", price_terms=sr.PriceTerms.fixed(price_usd_per_t=30_000)),
    ),
    "sources": (SURVEY,),
    "citations": (
        cite("sites.bisie"),
        cite("sites.bisie.capacity_tpa"),
        cite("hazards.strike.duration.sigma"),
        cite("events.closure.duration"),
        cite("markets.tin"),
        cite("evidence.town.statement"),
        cite("horizon_days"),
    ),
    "evidence": (evidence(hazard_id="war", source_id="survey"),),
    "not_quantified": ("Roads.",),
}


def example(**changes):
    return sr.Case(**{**WHOLE, **changes})


def faults_of(make, *arguments, **named):
    with pytest.raises(sr.InvalidInputError) as caught:
        make(*arguments, **named)
    return [tuple(fault) for fault in caught.value.faults]


# ------------------------------------------------------------------------------ what a case is


def test_defaults_and_lookups():
    case = example()
    assert (case.horizon_days, case.step_days, case.commodity) == (365, 5, "tin")
    assert case.site("renison").country == "AUS"
    assert case.market() == case.market("tin") == case.markets[0]
    assert case.market("lead") is None
    assert sr.Case(name="empty", start=START).market() is None


@pytest.mark.parametrize(
    ("site_id", "hint"),
    [("bisi", "bisie"), ("bisie.name", "bisie"), ("Renison", "renison"), ("", ""), (None, "")],
)
def test_an_unknown_site_is_named_with_the_nearest(site_id, hint):
    hint = f" (did you mean {hint!r}?)" if hint else ""
    (fault,) = faults_of(example().site, site_id)
    assert fault == ("site_id", f"must name a site of the case{hint}", site_id)


def test_sites_and_hazards_alone_are_a_case():
    case = sr.Case(name="x", start=START, sites=(site("bisie"),), hazards=(hazard(),))
    assert case.commodity == "tin"
    assert case.markets == case.exposures == ()


def test_the_commodity_is_found_or_asked_for():
    two = (site("bisie"), site("cadia", "AUS", commodity="gold"))
    assert faults_of(sr.Case, name="x", start=START, sites=two) == [
        ("commodity", "must be given when sites hold several (gold, tin)", None)
    ]
    assert sr.Case(name="x", start=START, sites=two, commodity="gold").commodity == "gold"
    assert faults_of(sr.Case, name="x", start=START, sites=two, commodity="lead") == [
        ("commodity", "must be that of a site (gold, tin)", "lead")
    ]
    assert sr.Case(name="x", start=START).commodity is None
    assert sr.Case(name="x", start=START, commodity="lead").commodity == "lead"
    stated = sr.Case(name="x", start=START, sites=two[:1], commodity="tin")
    assert stated == sr.Case(name="x", start=START, sites=two[:1])


def test_a_case_is_hashable_and_equal_to_a_case_of_equal_parts():
    assert example() == example()
    assert hash(example()) == hash(example())
    assert example() != example(name="other")
    assert dataclasses.replace(example(), step_days=10).step_days == 10


@pytest.mark.parametrize("collection", ["sites", "hazards", "events", "markets", "exposures"])
def test_a_collection_is_a_tuple_of_its_kind(collection):
    (fault,) = faults_of(example, **{collection: list(WHOLE[collection])})
    assert fault[0] == collection
    assert fault[1].startswith("must be a tuple of ")
    faults = faults_of(example, **{collection: (*WHOLE[collection], SURVEY, None)})
    n = len(WHOLE[collection])
    assert [field for field, _, _ in faults] == [f"{collection}[{n}]", f"{collection}[{n + 1}]"]


def test_what_is_not_quantified_is_said_in_sentences():
    assert faults_of(example, not_quantified="Roads.") == [
        ("not_quantified", "must be a tuple of sentences", "Roads.")
    ]
    assert faults_of(example, not_quantified=("Roads.", "", 5)) == [
        ("not_quantified[1]", "must be text that is not empty", ""),
        ("not_quantified[2]", "must be text that is not empty", 5),
    ]


# ---------------------------------------------------------------------- rules between the parts


def test_ids_are_unique_within_a_collection_and_only_there():
    for collection, key in {
        "sites": "site_id",
        "hazards": "hazard_id",
        "events": "event_id",
        "markets": "commodity",
        "exposures": "buyer_id",
        "sources": "source_id",
        "evidence": "evidence_id",
    }.items():
        part = WHOLE[collection][0]
        name = getattr(part, key)
        faults = faults_of(example, **{collection: (*WHOLE[collection], part, part)})
        path = f"{collection}.{name}.{key}"
        why = ": a commodity has one market" if collection == "markets" else ""
        assert faults == [(path, f"must not be used twice{why}", name)]
    assert example(events=(event("strike"),), citations=())  # a hazard bears the same name


@pytest.mark.parametrize(
    ("scope", "rule", "value"),
    [
        (sr.Scope.site("bisi"), "must name a site of the case (did you mean 'bisie'?)", "bisi"),
        (sr.Scope.site("qqqqq"), "must name a site of the case", "qqqqq"),
        (sr.Scope.country("COG"), "must be the country of a site (did you mean 'COD'?)", "COG"),
        (sr.Scope.country("PER"), "must be the country of a site", "PER"),
        (
            sr.Scope.region("kivu", site_ids=("bisie", "renisson")),
            "must name a site of the case (did you mean 'renison'?)",
            "renisson",
        ),
    ],
)
def test_scopes_hit_something(scope, rule, value):
    assert faults_of(example, hazards=(*WHOLE["hazards"], hazard("new", scope))) == [
        ("hazards.new.scope", rule, value)
    ]
    assert faults_of(example, events=(*WHOLE["events"], event("new", scope=scope))) == [
        ("events.new.scope", rule, value)
    ]
    sources = (
        sr.Supply(scope=sr.Scope.site("bisie"), share=0.1),
        sr.Supply(scope=scope, share=0.1),
    )
    assert faults_of(example, exposures=(buyer(sources=sources),)) == [
        ("exposures.mill.sources[1].scope", rule, value)
    ]


def test_hazards_of_one_rate_group_have_one_shape():
    odd = hazard("odd", rate_group="g", rate_shape=3)
    rule = "must be that of its rate_group 'g' (2)"
    assert faults_of(example, hazards=(*WHOLE["hazards"], odd)) == [
        ("hazards.odd.rate_shape", rule, 3)
    ]
    assert example(hazards=(*WHOLE["hazards"], hazard("free", rate_shape=3)))


def after(days):
    return START + days * DAY


@pytest.mark.parametrize(
    ("changes", "field", "rule", "value"),
    [
        (
            {"ended": after(1), "duration": None},
            "ended",
            "must not be after the start of the case (2025-03-20); expect an end by duration",
            "2025-03-21",
        ),
        (
            {"started": after(1)},
            "announced",
            "must be on or before the start of the case (2025-03-20) for an event to come",
            "None",
        ),
        (
            {"started": after(9), "announced": after(1)},
            "announced",
            "must be on or before the start of the case (2025-03-20) for an event to come",
            "2025-03-21",
        ),
        ({"probability": 0.5}, "probability", "must be 1 for an event that has started", 0.5),
        (
            {"started": START, "probability": 0.5},
            "probability",
            "must be 1 for an event that has started",
            0.5,
        ),
        (
            {"duration": sr.Duration.fixed(days=7)},
            "duration",
            "must allow more than the 7 days since the event started",
            7,
        ),
        (
            {"duration": sr.Duration.lognormal(median_days=9, sigma=1, max_days=5)},
            "duration",
            "must allow more than the 7 days since the event started",
            5,
        ),
        (
            {"duration": sr.Duration.empirical(days=(1, 7.0, 2))},
            "duration",
            "must allow more than the 7 days since the event started",
            7.0,
        ),
    ],
)
def test_no_event_knows_more_than_the_day(changes, field, rule, value):
    assert faults_of(example, events=(event(**changes),)) == [
        (f"events.closure.{field}", rule, value)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": START, "duration": None},
        {"started": START},
        {"started": START, "duration": sr.Duration.fixed(days=0)},
        {"started": after(1), "announced": START, "probability": 0.5},
        {"started": after(500), "announced": after(-500)},
        {"duration": sr.Duration.fixed(days=7.5)},
    ],
)
def test_what_the_day_knows_is_taken(changes):
    assert example(events=(event(**changes),))


def test_no_evidence_comes_from_later():
    late = evidence("late", date=after(1))
    rule = "must not be after the start of the case (2025-03-20)"
    assert faults_of(example, evidence=(*WHOLE["evidence"], late)) == [
        ("evidence.late.date", rule, "2025-03-21")
    ]


def test_no_price_comes_from_later():
    rule = "must not be after the start of the case (2025-03-20)"
    assert faults_of(example, markets=(market(price_date=after(1)),)) == [
        ("markets.tin.price_date", rule, "2025-03-21")
    ]
    late = market(last_quote_usd_per_t=1, last_quote_date=after(2))
    assert faults_of(example, markets=(late,)) == [
        ("markets.tin.last_quote_date", rule, "2025-03-22")
    ]
    assert example(markets=(market(price_date=START),))


def test_a_buyer_has_a_market_of_a_commodity_that_is_mined():
    assert faults_of(example, exposures=(buyer(commodity="lead"),)) == [
        ("exposures.mill.commodity", "must have a market in the case", "lead")
    ]
    both = (market(), market("lead"))
    assert faults_of(example, markets=both, exposures=(buyer(commodity="lead"),)) == [
        ("exposures.mill.commodity", "must be that of a site (tin)", "lead")
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"citations": (cite("sites.bisie"), cite("sites.bisie", "surveys"))},
            (
                "citations[1].source_id",
                "must name a source of the case (did you mean 'survey'?)",
                "surveys",
            ),
        ),
        (
            {"evidence": (evidence(source_id="qqq"),)},
            ("evidence.town.source_id", "must name a source of the case", "qqq"),
        ),
        (
            {"evidence": (evidence(hazard_id="bann"),)},
            (
                "evidence.town.hazard_id",
                "must name a hazard of the case (did you mean 'ban'?)",
                "bann",
            ),
        ),
        (
            {"citations": (cite("sites.bisi.capacity_tpa"),)},
            (
                "citations[0].path",
                "must name a part of sites (did you mean 'bisie'?)",
                "sites.bisi.capacity_tpa",
            ),
        ),
        (
            {"citations": (cite("sites.bisie.capacity"),)},
            (
                "citations[0].path",
                "must name a part of sites.bisie (did you mean 'capacity_tpa'?)",
                "sites.bisie.capacity",
            ),
        ),
        (
            {"citations": (cite("hazards.strike.duration.mean_days"),)},
            (
                "citations[0].path",
                "must name a part of hazards.strike.duration (did you mean 'median_days'?)",
                "hazards.strike.duration.mean_days",
            ),
        ),
        (
            {"citations": (cite("site.bisie"),)},
            (
                "citations[0].path",
                "must name a part of the case (did you mean 'sites'?)",
                "site.bisie",
            ),
        ),
        (
            {"citations": (cite("sites."),)},
            ("citations[0].path", "must name a part of sites", "sites."),
        ),
        (
            {"citations": (cite("sites.bisie.production_tpa"),)},
            ("citations[0].path", "must name a part of sites.bisie", "sites.bisie.production_tpa"),
        ),
        (
            {"citations": (cite("horizon_days.real"),)},
            ("citations[0].path", "must name a part of horizon_days", "horizon_days.real"),
        ),
    ],
)
def test_references_name_something(changes, fault):
    assert faults_of(example, **changes) == [fault]


def test_all_faults_between_the_parts_come_at_once():
    faults = faults_of(
        example,
        sites=(*WHOLE["sites"], site("bisie")),
        hazards=(*WHOLE["hazards"], hazard("new", sr.Scope.site("mine"))),
        events=(event(probability=0.5),),
        evidence=(evidence(date=after(1)),),
        citations=(cite("nowhere"),),
    )
    assert [field for field, _, _ in faults] == [
        "sites.bisie.site_id",
        "hazards.new.scope",
        "events.closure.probability",
        "citations[0].path",
        "evidence.town.date",
    ]


def test_a_large_case_is_judged_quickly():
    n = 3_000
    sites = tuple(site(f"s{i}") for i in range(n))
    hazards = tuple(hazard(f"h{i}", sr.Scope.site(f"s{i}")) for i in range(n))
    citations = tuple(cite(f"sites.s{i}.capacity_tpa") for i in range(n))
    whole = {"sites": sites, "hazards": hazards, "sources": (SURVEY,), "citations": citations}
    assert sr.Case(name="x", start=START, **whole)
    strays = tuple(hazard(f"h{i}", sr.Scope.site(f"t{i}")) for i in range(n))
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.Case(name="x", start=START, **{**whole, "hazards": strays})
    assert len(caught.value.faults) == n
    assert len(str(caught.value).splitlines()) == 52


# ------------------------------------------------------------------------------------- what-ifs


def test_with_values_changes_what_it_names_and_nothing_else():
    case = example()
    changed = case.with_values({"sites.bisie.utilisation": 0.5})
    assert changed.site("bisie").utilisation == 0.5
    assert case.site("bisie").utilisation == 1.0
    assert changed.sites[1:] == case.sites[1:]
    assert changed.with_values({"sites.bisie.utilisation": 1.0}) == case
    assert case.with_values({}) == case


def test_with_values_reaches_every_depth_at_once():
    changed = example().with_values(
        {
            "horizon_days": 730,
            "name": "what-if",
            "hazards.strike.duration.median_days": 60,
            "hazards.strike.duration.sigma": 0.5,
            "hazards.strike.rate_pa": 0.4,
            "hazards.ban.scope": sr.Scope.country("AUS"),
            "events.closure.ramp_up.ramp_days": 20,
            "exposures.smith.price_terms.price_usd_per_t": 25_000,
            "markets.tin.volatility_pa": np.float64(0.3),
            "sites.bisie": site("bisie", capacity_tpa=7.0),
            "not_quantified": (),
        }
    )
    assert (changed.horizon_days, changed.name) == (730, "what-if")
    assert changed.hazards[0].duration == sr.Duration.lognormal(median_days=60, sigma=0.5)
    assert changed.hazards[0].rate_pa == 0.4
    assert changed.hazards[1].scope.name == "AUS"
    assert changed.events[0].ramp_up.ramp_days == 20
    assert changed.exposures[1].price_terms == sr.PriceTerms.fixed(price_usd_per_t=25_000)
    assert changed.markets[0].volatility_pa == 0.3
    assert changed.site("bisie").capacity_tpa == 7.0
    assert changed.not_quantified == ()


def test_with_values_replaces_a_whole_collection():
    changed = example().with_values({"hazards": (hazard("war"),), "citations": ()})
    assert [part.hazard_id for part in changed.hazards] == ["war"]


def test_values_that_go_only_together_go_together():
    pair = {"sites.bisie.latitude_deg": -1.0, "sites.bisie.longitude_deg": 27.7}
    assert example().with_values(pair).site("bisie").longitude_deg == 27.7
    faults = faults_of(example().with_values, {"sites.bisie.latitude_deg": -1.0})
    assert faults == [
        (
            "sites.bisie.latitude_deg and longitude_deg",
            "must be given together or not at all",
            (-1.0, None),
        )
    ]


@pytest.mark.parametrize(
    ("path", "rule", "value"),
    [
        ("horizon", "must name a part of the case (did you mean 'horizon_days'?)", "horizon"),
        ("site.bisie", "must name a part of the case (did you mean 'sites'?)", "site"),
        ("sites.bisi.name", "must name a part of sites (did you mean 'bisie'?)", "bisi"),
        (
            "sites.bisie.utilization",
            "must name a part of sites.bisie (did you mean 'utilisation'?)",
            "utilization",
        ),
        (
            "hazards.strike.duration.median",
            "must name a part of hazards.strike.duration (did you mean 'median_days'?)",
            "median",
        ),
        ("sites.bisie.production_tpa", "must name a part of sites.bisie", "production_tpa"),
        ("citations.0", "must name a part of citations", "0"),
        ("", "must name a part of the case", ""),
        (".", "must name a part of the case", ""),
        ("sites..name", "must name a part of sites", ""),
        ("digest", "must name a part of the case", "digest"),
        ("__class__", "must name a part of the case", "__class__"),
    ],
)
def test_a_wrong_path_is_named_with_the_nearest(path, rule, value):
    (fault,) = faults_of(example().with_values, {path: 1})
    assert fault[1:] == (rule, value)


def test_a_path_inside_another_is_refused():
    values = {"sites.bisie": site("bisie"), "sites.bisie.utilisation": 0.5}
    path = "sites.bisie.utilisation"
    assert faults_of(example().with_values, values) == [
        (path, "must not lie inside another path", path)
    ]
    backwards = dict(reversed(values.items()))
    assert faults_of(example().with_values, backwards) == [
        ("sites.bisie", "must not hold another path", "sites.bisie")
    ]


def test_all_faults_of_a_what_if_come_at_once():
    faults = faults_of(
        example().with_values,
        {
            "sites.bisi.name": "x",
            "sites.bisie.utilisation": 2,
            "sites.bisie.capacity_tpa": "1",
            "hazards.strike.duration.sigma": 0,
            5: 1,
        },
    )
    assert [field for field, _, _ in faults] == [
        "sites.bisi.name",
        "path",
        "sites.bisie.capacity_tpa",
        "sites.bisie.utilisation",
        "hazards.strike.duration.sigma",
    ]


def test_a_what_if_is_judged_as_a_whole():
    assert faults_of(example().with_values, {"start": dt.date(2025, 3, 19)}) == [
        (
            "evidence.town.date",
            "must not be after the start of the case (2025-03-19)",
            "2025-03-20",
        )
    ]
    (fault,) = faults_of(example().with_values, {"events.closure.duration": FIXED, "step_days": 0})
    assert fault == ("step_days", "must be a whole number >= 1", 0)
    renamed = faults_of(example().with_values, {"sites.renison.country": "PER"})
    assert renamed == [
        ("exposures.mill.sources[0].scope", "must be the country of a site", "AUS"),
    ]


@pytest.mark.parametrize("values", [5, "sites", None])
def test_values_come_by_path(values):
    with pytest.raises((TypeError, ValueError)):
        example().with_values(values)


def test_without_takes_a_part_away_and_its_citations():
    case = example()
    less = case.without("events.closure")
    assert less.events == ()
    paths = [citation.path for citation in less.citations]
    assert "events.closure.duration" not in paths
    assert len(paths) == len(case.citations) - 1
    both = case.without("hazards.strike", "hazards.ban", "events.closure")
    assert [part.hazard_id for part in both.hazards] == ["war"]
    assert case.without() == case
    assert case.without("events.closure", "events.closure") == less


def test_without_keeps_the_citations_of_parts_with_a_longer_name():
    case = example(sites=(*WHOLE["sites"], site("renison-2")), citations=(cite("sites.renison-2"),))
    kept = case.with_values({"exposures": ()}).without("sites.renison")
    assert [citation.path for citation in kept.citations] == ["sites.renison-2"]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("events", "must name a part such as 'events.some-event'"),
        ("events.closure.severity", "must name a part such as 'events.some-event'"),
        ("horizon_days", "must name a part such as 'events.some-event'"),
        ("events.closur", "must name a part of events (did you mean 'closure'?)"),
        ("event.closure", "must name a part of the case (did you mean 'events'?)"),
        ("", "must name a part of the case"),
        (5, "must be text such as 'sites.bisie.utilisation'"),
    ],
)
def test_without_needs_a_part(path, rule):
    (fault,) = faults_of(example().without, path)
    assert fault[1] == rule


def test_what_is_left_must_hold_together():
    fields = [field for field, _, _ in faults_of(example().without, "sites.bisie")]
    assert fields == [
        "hazards.strike.scope",
        "hazards.ban.scope",
        "hazards.war.scope",
        "events.closure.scope",
    ]


def test_figures_are_the_numbers_that_were_stated():
    assert sorted(figures(example())) == sorted(
        [
            "sites.bisie.capacity_tpa",
            "sites.renison.capacity_tpa",
            "sites.zzz-remainder.capacity_tpa",
            "sites.zzz-remainder.n_units",
            *(
                f"hazards.{name}.{field}"
                for name in ("strike", "ban", "war")
                for field in ("rate_pa", "duration.median_days", "duration.sigma")
            ),
            "hazards.ban.rate_shape",
            "hazards.war.rate_shape",
            "events.closure.duration.mean_days",
            "markets.tin.price_usd_per_t",
            "markets.tin.supply_tpa",
            "markets.tin.demand_tpa",
            "markets.tin.volatility_pa",
            "exposures.mill.demand_tpa",
            "exposures.mill.sources",
            "exposures.smith.demand_tpa",
            "exposures.smith.price_terms.price_usd_per_t",
        ]
    )


# --------------------------------------------------------------------------------------- digest


def leaves(value, path=""):
    """Yield the dotted path of every plain field below a value."""
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        here = f"{path}{field.name}"
        if dataclasses.is_dataclass(held):
            yield from leaves(held, f"{here}.")
        elif not isinstance(held, tuple):
            yield here


def other(value, field):
    """Return another sound value for a field; none where one alone would break a rule."""
    if field.endswith(("_id", "commodity", "country", "kind", "peril")):
        return None
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value / 2 if isinstance(value, float) and value else value + 1
    if isinstance(value, dt.date):
        return value - DAY
    return f"{value} too" if isinstance(value, str) and " " not in field else None


def test_the_digest_is_64_hexadecimal_digits_and_stays():
    digest = example().digest
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest == example().digest
    assert digest == example().with_values({}).digest


def test_the_digest_does_not_depend_on_the_process():
    code = "import supplyrisk as sr; print(sr.load_case('walikale-2025').digest)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == sr.load_case("walikale-2025").digest


def test_the_digest_changes_with_every_field():
    case = example()
    seen = {case.digest}
    changes = {"name": "other", "start": START + DAY, "horizon_days": 366, "step_days": 6}
    changes |= {"not_quantified": (), "citations": (), "hazards.ban.peril": "accident"}
    changes |= {"sites.renison.country": "PER", "hazards.ban.rate_group": "h"}
    for collection, key in {
        "sites": "site_id",
        "hazards": "hazard_id",
        "events": "event_id",
        "markets": "commodity",
        "exposures": "buyer_id",
        "sources": "source_id",
        "evidence": "evidence_id",
    }.items():
        part = getattr(case, collection)[-1]
        name = getattr(part, key)
        for path in leaves(part):
            value = part
            for step in path.split("."):
                value = getattr(value, step)
            new = other(value, path.rpartition(".")[2])
            if new is not None:
                changes[f"{collection}.{name}.{path}"] = new
    taken = 0
    for path, value in changes.items():
        try:
            digest = case.with_values({path: value}).digest
        except sr.InvalidInputError:
            continue  # this field alone cannot change
        assert digest not in seen, path
        seen.add(digest)
        taken += 1
    assert taken > 35


def test_the_digest_knows_the_order_and_the_number_of_parts():
    case = example()
    assert case.with_values({"sites": case.sites[::-1]}).digest != case.digest
    assert case.without("events.closure").digest != case.digest


def test_the_digest_does_not_depend_on_the_type_of_a_number():
    case = example()
    for same in (1_000, 1_000.0, np.float64(1_000), np.float32(1_000), np.int16(1_000)):
        twin = case.with_values({"sites.bisie.capacity_tpa": same})
        assert twin == case
        assert twin.digest == case.digest
    for zero in (0, 0.0, -0.0):
        twin = case.with_values({"markets.tin.stock_t": zero})
        assert twin == case
        assert twin.digest == case.digest
    assert case.with_values({"hazards.strike.peril": sr.Peril.STRIKE}).digest == case.digest


def test_the_digest_tells_durations_of_like_fields_apart():
    weights = example(hazards=(hazard(duration=sr.Duration.fixed(days=3)),), **_bare())
    days = example(hazards=(hazard(duration=sr.Duration.empirical(days=(3,))),), **_bare())
    assert weights.digest != days.digest


def test_the_digest_knows_the_spread_of_severity_and_ramp_up():
    one, spread = (
        example(hazards=(hazard(severity=severity),), **_bare())
        for severity in (0.85, ((0.7, 1.0), (0.3, 0.5)))
    )
    assert one.digest != spread.digest
    known, unknown = (
        example(hazards=(hazard(ramp_up=sr.RampUp(ramp_days=30, ramp_sigma=sigma)),), **_bare())
        for sigma in (0.0, 0.9)
    )
    assert known.digest != unknown.digest
    assert spread.with_values({f"hazards.{hazard().hazard_id}.severity": 0.85}) == one


def _bare():
    return {"citations": (), "evidence": ()}


def test_a_case_shows_itself_in_a_line():
    case = sr.load_case("walikale-2025")
    assert repr(case) == (
        "<Case 'walikale-2025' on 2025-03-20: 22 sites, 47 hazards, 2 events, 7 routes, "
        "2 smelters, 1 market, 2 exposures>"
    )
    assert repr(linked()) == (
        "<Case 'example' on 2025-03-20: 3 sites, 3 hazards, 1 event, 2 routes, 1 smelter, "
        "1 market, 2 exposures, 1 policy>"
    )


# --------------------------------------------------------------- routes, smelters and policies


LINKS = {
    "routes": (
        sr.Route(route_id="road", from_id="bisie", to_id="msc", transit_days=45, share=0.9),
        sr.Route(route_id="sea", from_id="msc", to_id="tin", transit_days=20),
    ),
    "smelters": (
        sr.Smelter(
            smelter_id="msc", name="MSC", commodity="tin", country="MYS", capacity_tpa=2_000
        ),
    ),
    "policies": (
        sr.Policy(
            policy_id="bi",
            name="BI",
            insured="bisie",
            kind="business_interruption",
            daily_value_usd=1e6,
        ),
    ),
}


def linked(**changes):
    return example(**{**LINKS, **changes})


def test_the_chain_has_paths():
    case = linked(citations=(cite("routes.road.transit_days"), cite("smelters.msc")))
    changed = case.with_values(
        {
            "routes.road.transit_days": 60,
            "routes.sea.capacity_tpa": 3_000,
            "smelters.msc.psi": 1,
            "policies.bi.waiting_days": 30,
        }
    )
    assert [route.transit_days for route in changed.routes] == [60, 20]
    assert changed.routes[1].capacity_tpa == 3_000
    assert changed.smelters[0].psi == 1
    assert changed.policies[0].waiting_days == 30
    assert changed.digest != case.digest
    less = case.without("routes.road", "routes.sea", "smelters.msc", "policies.bi")
    assert (less.routes, less.smelters, less.policies, less.citations) == ((), (), (), ())
    assert less == example(citations=())
    assert faults_of(case.with_values, {"routes.raod.share": 1}) == [
        ("routes.raod.share", "must name a part of routes (did you mean 'road'?)", "raod")
    ]
    assert faults_of(linked, citations=(cite("smelters.mscc"),)) == [
        ("citations[0].path", "must name a part of smelters (did you mean 'msc'?)", "smelters.mscc")
    ]


def test_what_is_left_of_a_chain_must_hold_together():
    assert faults_of(linked().without, "routes.road") == [
        ("smelters.msc", "must be fed: some route with a share above 0 must lead to it", "msc")
    ]
    assert [field for field, _, _ in faults_of(linked().without, "smelters.msc")] == [
        "routes.road.to_id",
        "routes.sea.from_id",
    ]


def test_figures_of_the_chain():
    assert set(figures(linked())) - set(figures(example())) == {
        "routes.road.transit_days",
        "routes.road.share",
        "routes.sea.transit_days",
        "smelters.msc.capacity_tpa",
        "policies.bi.daily_value_usd",
    }


def test_parts_of_a_chain_are_named_once():
    for collection, key in {
        "routes": "route_id",
        "smelters": "smelter_id",
        "policies": "policy_id",
    }.items():
        part = LINKS[collection][-1]
        name = getattr(part, key)
        faults = faults_of(linked, **{collection: (*LINKS[collection], part)})
        assert (f"{collection}.{name}.{key}", "must not be used twice", name) in faults
        assert faults_of(linked, **{collection: list(LINKS[collection])})[0][0] == collection


def test_the_digest_knows_the_chain():
    digests = {
        case.digest
        for case in (
            example(),
            linked(),
            linked(policies=()),
            linked().with_values({"routes.road.share": 0.8}),
            linked().with_values({"smelters.msc.metal_yield": 0.9}),
            linked().with_values({"policies.bi.perils": ("strike",)}),
            linked().with_values({"hazards.strike.effect": "export"}),
            linked().with_values({"hazards.strike.physical_damage": True}),
            linked().with_values({"events.closure.effect": "tax"}),
            linked().with_values({"sites.bisie.makeup_share": 0.5}),
            linked().with_values({"markets.tin.recycled_tpa": 5}),
            linked().with_values({"exposures.mill.product": "solder"}),
        )
    }
    assert len(digests) == 12
    one, other = (
        linked().with_values({"policies.bi.perils": (peril,)})
        for peril in ("strike", sr.Peril.STRIKE)
    )
    assert one == other
    assert one.digest == other.digest
