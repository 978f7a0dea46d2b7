"""Reading a case file: every fault at once, each with dotted path, rule and value."""

import datetime as dt
import math
import re

import pytest

import supplyrisk as sr
from supplyrisk.casefile.read import read_case, read_outcome

HEAD = 'name = "example"\nstart = 2025-03-20\n'
SITE = """
[[sites]]
site_id = "bisie"
name = "Bisie"
commodity = "tin"
country = "COD"
capacity_tpa = 20000
"""
HAZARD = """
[[hazards]]
hazard_id = "strike"
peril = "strike"
scope = { site = "bisie" }
rate_pa = 0.1
duration = { fixed = { days = 30 } }
"""
EVENT = """
[[events]]
event_id = "closure"
peril = "armed_conflict"
scope = { site = "bisie" }
started = 2025-03-13
duration = { exponential = { mean_days = 100 } }
"""
MARKET = """
[[markets]]
commodity = "tin"
price_usd_per_t = 33427
price_date = 2025-03-12
supply_tpa = 368000
demand_tpa = 367800
volatility_pa = 0.27
"""
BUYER = """
[[exposures]]
buyer_id = "mill"
name = "Mill"
commodity = "tin"
demand_tpa = 100
sources = [{ scope = { site = "bisie" }, share = 0.1 }]
"""
SOURCE = """
[[sources]]
source_id = "survey"
publisher = "P"
title = "T"
licence = "L"
"""
CITATION = """
[[citations]]
path = "sites.bisie"
source_id = "survey"
standing = "reported"
"""
EVIDENCE = """
[[evidence]]
evidence_id = "town"
date = 2025-03-19
kind = "town_taken"
statement = "A town is taken."
"""
FAMILY = "must be a table with one of lognormal, weibull, exponential, fixed, empirical, mixture"
SCOPE = "must be a table with one of site, country, region, route, smelter, market"
NOWHERE = "must name a smelter, a buyer or the commodity of a market of the case"
CHAIN = """
[[routes]]
route_id = "road"
from_id = "bisie"
to_id = "msc"
transit_days = 45
share = 0.9
capacity_tpa = 20000

[[routes]]
route_id = "sea"
from_id = "msc"
to_id = "tin"
transit_days = 20

[[smelters]]
smelter_id = "msc"
name = "MSC"
commodity = "tin"
country = "MYS"
capacity_tpa = 40000
feed_days = 30
psi = 0.75
metal_yield = 0.98
"""
POLICY = """
[[policies]]
policy_id = "cbi"
name = "Contingent"
insured = "mill"
kind = "contingent"
perils = ["armed_conflict"]
damage_only = false
waiting_days = 30
waiting_in = "average_daily_value"
indemnity_days = 180
daily_value_usd = 100000
suppliers = ["bisie"]
"""
WHOLE = HEAD + SITE + HAZARD + EVENT + MARKET + BUYER + SOURCE + CITATION + EVIDENCE
LINKED = WHOLE + CHAIN + POLICY


def faults_of(text, read=read_case):
    """Return the faults that reading a text gives, each as field, rule and value."""
    with pytest.raises(sr.InvalidInputError) as caught:
        read("example.toml", text)
    assert str(caught.value).startswith("example.toml: ")
    assert caught.value.what == "example.toml"
    return [tuple(fault) for fault in caught.value.faults]


def changed(old, new, text=WHOLE):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def test_the_whole_example_is_a_case():
    case = read_case("example.toml", WHOLE)
    assert case.commodity == "tin"
    assert case.site("bisie").capacity_tpa == 20_000
    assert case.hazards[0].duration == sr.Duration.fixed(days=30)
    assert case.exposures[0].sources[0].scope == sr.Scope.site("bisie")
    assert case.start == dt.date(2025, 3, 20)


def test_every_form_of_a_value_has_its_words():
    text = (
        WHOLE
        + '''
[[hazards]]
hazard_id = "war"
peril = "armed_conflict"
scope = { region = "kivu", site_ids = ["bisie"] }
rate_pa = 0
severity = [[0.7, 1], [0.3, 0.5]]
rate_group = "g"
rate_shape = 17.5
shared_duration = false
ramp_up = { shape = "steps", ramp_days = 30, ramp_sigma = 0.9, levels = [1, 0.5] }
[hazards.duration.mixture]
max_days = 900
parts = [
  { weight = 0.25, lognormal = { median_days = 9, sigma = 1.5 } },
  { weight = 0.25, weibull = { shape = 0.5, scale_days = 9, max_days = 400 } },
  { weight = 0.25, empirical = { days = [1, 2.5] } },
  { weight = 0.25, mixture = { parts = [{ weight = 1, fixed = { days = 3 } }] } },
]

[[exposures]]
buyer_id = "smith"
name = """Two
lines"""
commodity = "tin"
demand_tpa = 1.5
price_terms = { fixed = { price_usd_per_t = 30000 } }
'''
    )
    case = read_case("x", text)
    duration = sr.Duration
    war = case.hazards[1]
    assert war.scope == sr.Scope.region("kivu", site_ids=("bisie",))
    ramp_up = sr.RampUp(shape="steps", ramp_days=30, ramp_sigma=0.9, levels=(1, 0.5))
    assert war.ramp_up == ramp_up
    assert war.severity == ((0.7, 1), (0.3, 0.5))
    assert war.duration == duration.mixture(
        (
            (0.25, duration.lognormal(median_days=9, sigma=1.5)),
            (0.25, duration.weibull(shape=0.5, scale_days=9, max_days=400)),
            (0.25, duration.empirical(days=(1, 2.5))),
            (0.25, duration.mixture(((1, duration.fixed(days=3)),))),
        ),
        max_days=900,
    )
    assert case.exposures[1].price_terms == sr.PriceTerms.fixed(price_usd_per_t=30_000)
    assert case.exposures[1].name == "Two\nlines"


def test_a_chain_and_its_insurance_have_their_words():
    text = (
        LINKED
        + """
[[hazards]]
hazard_id = "road-closed"
peril = "logistics"
scope = { route = "road" }
rate_pa = 0.5
duration = { fixed = { days = 20 } }

[[events]]
event_id = "export-ban"
peril = "export_restriction"
scope = { smelter = "msc" }
effect = "export"
physical_damage = true
started = 2025-03-13
duration = { fixed = { days = 100 } }

[[exposures]]
buyer_id = "smith"
name = "Smith"
commodity = "tin"
demand_tpa = 10
sources = [
  { scope = { smelter = "msc" }, share = 0.4 },
  { scope = { market = "tin" }, share = 0.6 },
]
price_terms = { indexed = { lag_days = 30, floor_usd_per_t = 20000, cap_usd_per_t = 40000 } }
needs_assurance = true
product = "solder"

[[exposures]]
buyer_id = "maker"
name = "Maker"
commodity = "tin"
demand_tpa = 10
price_terms = { fixed = { price_usd_per_t = 28000, currency = "EUR", usd_per_unit = 1.08 } }
"""
    )
    case = read_case("x", text)
    assert case.routes == (
        sr.Route(
            route_id="road",
            from_id="bisie",
            to_id="msc",
            transit_days=45,
            share=0.9,
            capacity_tpa=20_000,
        ),
        sr.Route(route_id="sea", from_id="msc", to_id="tin", transit_days=20),
    )
    (smelter,) = case.smelters
    assert (smelter.psi, smelter.metal_yield, smelter.feed_days) == (0.75, 0.98, 30)
    (policy,) = case.policies
    assert policy.perils == (sr.Peril.ARMED_CONFLICT,)
    assert isinstance(policy.perils[0], sr.Peril)
    assert policy.suppliers == ("bisie",)
    assert case.hazards[1].scope == sr.Scope.route("road")
    ban = case.events[1]
    assert (ban.scope, ban.effect, ban.physical_damage) == (sr.Scope.smelter("msc"), "export", True)
    _, smith, maker = case.exposures
    assert [source.scope for source in smith.sources] == [
        sr.Scope.smelter("msc"),
        sr.Scope.market("tin"),
    ]
    assert smith.price_terms == sr.PriceTerms.indexed(
        lag_days=30, floor_usd_per_t=20_000, cap_usd_per_t=40_000
    )
    assert (smith.needs_assurance, smith.product) == (True, "solder")
    assert maker.price_terms == sr.PriceTerms.fixed(
        price_usd_per_t=28_000, currency="EUR", usd_per_unit=1.08
    )


# ------------------------------------------------------------------------------- all at once


TEN_FAULTS = """
name = "ten faults"
start = 2025-03-20
horizon = 365

[[sites]]
site_id = "bisie"
name = "Bisie"
commodity = "tin"
country = "CD"
capacity_tpa = -1

[[sites]]
site_id = "renison"
name = "Renison"
commodity = "tin"
capacity_tpa = 9900
country = "AUS"
capcity = 3

[[hazards]]
hazard_id = "strike"
peril = "strikes"
scope = { site = "renisson" }
rate_pa = "often"
duration = { lognormal = { median_days = 30, sigmma = 1 } }

[[events]]
event_id = "closure"
peril = "armed_conflict"
scope = { site = "bisie" }
started = 2025-03-13
ended = 2025-04-15

[[evidence]]
evidence_id = "restart"
date = 2025-04-15
kind = "restart"
statement = "The mine restarts."
source_id = "news"
"""


def test_ten_faults_and_more_are_reported_at_once(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(TEN_FAULTS, encoding="utf-8")
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.load_case(path)
    name = "must be a name of letters, digits, '-' and '_'"
    hindsight = "must not be after the start of the case (2025-03-20)"
    assert [tuple(fault) for fault in caught.value.faults] == [
        ("horizon", "is no field of Case (did you mean 'horizon_days'?)", 365),
        ("name", name, "ten faults"),
        (
            "sites.bisie.country",
            "must be an ISO 3166-1 alpha-3 code such as 'COD' (did you mean 'COD'?)",
            "CD",
        ),
        ("sites.bisie.capacity_tpa", "must be a finite number > 0", -1),
        ("sites.renison.capcity", "is no field of MineSite (did you mean 'capacity_tpa'?)", 3),
        (
            "hazards.strike.duration.lognormal.sigmma",
            "is no field of Lognormal (did you mean 'sigma'?)",
            1,
        ),
        ("hazards.strike.duration.lognormal.sigma", "must be given", None),
        (
            "hazards.strike.peril",
            f"must be one of {', '.join(sr.Peril)} (did you mean 'strike'?)",
            "strikes",
        ),
        ("hazards.strike.rate_pa", "must be a finite number >= 0", "often"),
        (
            "hazards.strike.scope",
            "must name a site of the case (did you mean 'renison'?)",
            "renisson",
        ),
        ("events.closure.ended", f"{hindsight}; expect an end by duration", "2025-04-15"),
        ("evidence.restart.date", hindsight, "2025-04-15"),
        ("evidence.restart.source_id", "must name a source of the case", "news"),
    ]
    message = str(caught.value)
    assert message.splitlines()[0] == f"{path}: 13 faults"
    assert len(message.splitlines()) == 14
    assert "\n  sites.bisie.capacity_tpa must be a finite number > 0, got -1\n" in message


def test_what_names_a_broken_part_is_not_blamed():
    text = changed("capacity_tpa = 20000", "capacity_tpa = 0")
    assert faults_of(text) == [("sites.bisie.capacity_tpa", "must be a finite number > 0", 0)]
    text = changed("supply_tpa = 368000", "supply_tpa = 0")
    assert faults_of(text) == [("markets.tin.supply_tpa", "must be a finite number > 0", 0)]
    text = changed('title = "T"', 'title = ""')
    assert faults_of(text) == [("sources.survey.title", "must be text that is not empty", "")]


FAULTS_OF_A_CHAIN = """
name = "chain"
start = 2025-03-20
step_days = 7
[[sites]]
site_id = "bisie"
name = "Bisie"
commodity = "tin"
country = "COD"
capacity_tpa = 20000
makeup_share = 2
[[sites]]
site_id = "renison"
name = "Renison"
commodity = "tin"
country = "AUS"
capacity_tpa = 9000
[[events]]
event_id = "ban"
peril = "export_restriction"
scope = { route = "raod" }
effect = "exports"
started = 2025-03-13
duration = { fixed = { days = 100 } }
[[routes]]
route_id = "road"
from_id = "bisi"
to_id = "mscc"
transit_days = 3
[[routes]]
route_id = "ship"
from_id = "renison"
to_id = "msc"
transit_days = "long"
share = 0.6
[[routes]]
route_id = "rail"
from_id = "renison"
to_id = "msc"
transit_days = 9
share = 0.5
capacity_tpa = 1000
[[smelters]]
smelter_id = "msc"
name = "MSC"
commodity = "tin"
country = "MYS"
capacity_tpa = 4000
psi = 1.2
[[markets]]
commodity = "tin"
price_usd_per_t = 33427
price_date = 2025-03-12
supply_tpa = 368000
demand_tpa = 367800
volatility_pa = 0.27
recycled_tpa = 400000
restocking_days = 20
[[policies]]
policy_id = "bi"
name = "BI"
insured = "bisei"
kind = "business_interruption"
daily_value_usd = nan
[[routes]]
route_id = "loose"
"""


def test_all_faults_of_a_chain_are_reported_at_once():
    faults = faults_of(FAULTS_OF_A_CHAIN)
    (nan,) = [value for field, _, value in faults if field == "policies.bi.daily_value_usd"]
    assert math.isnan(nan)
    assert [(field, rule) for field, rule, _ in faults] == [
        ("sites.bisie.makeup_share", "must lie in [0, 1]"),
        (
            "events.ban.effect",
            "must be one of output, export, assurance, tax (did you mean 'export'?)",
        ),
        ("routes.ship.transit_days", "must be a finite number >= 0"),
        ("routes.loose.from_id", "must be given"),
        ("routes.loose.to_id", "must be given"),
        ("routes.loose.transit_days", "must be given"),
        ("smelters.msc.psi", "must be a finite number > 0 and <= 1"),
        ("markets.tin.recycled_tpa", "must be at most supply_tpa (368000)"),
        ("policies.bi.daily_value_usd", "must be a finite number > 0"),
        (
            "horizon_days",
            "must be a multiple of step_days (7) in a case with routes or smelters",
        ),
        (
            "step_days",
            "must be at most the transit of route 'road' (3 d), which a longer step cannot resolve",
        ),
        ("routes", "must have shares that sum to at most 1 where they leave 'renison'"),
        ("smelters.msc.capacity_tpa", "must be at least the planned feed (4500 t/a)"),
        ("routes.rail.capacity_tpa", "must be at least the planned flow (4500 t/a)"),
        (
            "routes.road.from_id",
            "must name a site or a smelter of the case (did you mean 'bisie'?)",
        ),
        (
            "routes.road.to_id",
            f"{NOWHERE} (did you mean 'msc'?)",
        ),
        (
            "markets.tin.restocking_days",
            "must be at least 4 steps (28 d): a shorter one overshoots",
        ),
        (
            "policies.bi.insured",
            "must name a site of the case for 'business_interruption' (did you mean 'bisie'?)",
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("transit_days = 45", "transit_days = nan", "routes.road.transit_days"),
        ("share = 0.9", "share = -1", "routes.road.share"),
        ('to_id = "msc"', "to_id = 5", "routes.road.to_id"),
        ("psi = 0.75", "psi = 0", "smelters.msc.psi"),
        ('country = "MYS"\n', 'country = "Malay"\n', "smelters.msc.country"),
        ('perils = ["armed_conflict"]', 'perils = ["war"]', "policies.cbi.perils[0]"),
        ('perils = ["armed_conflict"]', 'perils = "strike"', "policies.cbi.perils"),
        ('perils = ["armed_conflict"]', "perils = [[]]", "policies.cbi.perils[0]"),
        ('suppliers = ["bisie"]', "suppliers = [{}]", "policies.cbi.suppliers[0]"),
        ('suppliers = ["bisie"]', "", "policies.cbi.suppliers"),
        ('insured = "mill"', 'insured = "bisie"', "policies.cbi.insured"),
    ],
)
def test_one_fault_of_a_chain_brings_no_other(old, new, field):
    assert [fault[0] for fault in faults_of(changed(old, new, LINKED))] == [field]


@pytest.mark.parametrize("collection", ["routes", "smelters", "policies"])
def test_a_chain_that_cannot_be_read_is_blamed_alone(collection):
    wrong = f"{collection} = 5"
    lines, here = [], False
    for line in LINKED.splitlines():
        here = line == f"[[{collection}]]" if line.startswith("[[") else here
        lines += [] if here else [line]
    text = "\n".join([*lines[:2], wrong, *lines[2:]])
    assert faults_of(text) == [(collection, f"must be a list of tables [[{collection}]]", 5)]


def test_nothing_is_blamed_on_a_collection_that_cannot_be_read():
    text = HEAD + "sites = 5\n" + HAZARD + EVENT + MARKET + BUYER + SOURCE + CITATION
    assert faults_of(text) == [("sites", "must be a list of tables [[sites]]", 5)]


def test_a_part_without_a_name_goes_by_its_place():
    text = changed('site_id = "bisie"', 'site_id = "bi sie"')
    name = "must be a name of letters, digits, '-' and '_'"
    assert ("sites[0].site_id", name, "bi sie") in faults_of(text)
    text = changed('source_id = "survey"\nstanding', 'source_id = "survei"\nstanding')
    near = "must name a source of the case (did you mean 'survey'?)"
    assert faults_of(text) == [("citations[0].source_id", near, "survei")]


# ------------------------------------------------------------------------ unknown and missing


@pytest.mark.parametrize(
    ("old", "new", "field", "rule", "value"),
    [
        ("name = ", "horizon_day = 3\nname = ", "horizon_day", "Case", "horizon_days"),
        ("site_id = ", "utilization = 3\nsite_id = ", "sites.bisie.utilization", "MineSite", ""),
        ("rate_pa", "hit_prob = 3\nrate_pa", "hazards.strike.hit_prob", "Hazard", ""),
        (
            "{ days = 30",
            "{ max_day = 3, days = 30",
            "hazards.strike.duration.fixed.max_day",
            "",
            "",
        ),
        ("started", "probabilty = 3\nstarted", "events.closure.probabilty", "DisruptionEvent", ""),
        ("price_date", "volatility = 3\nprice_date", "markets.tin.volatility", "Market", ""),
        (
            "demand_tpa = 100",
            "demand_tpa = 100\nmargin_usd = 3",
            "exposures.mill.margin_usd",
            "",
            "",
        ),
        ("share = 0.1", "share = 0.1, shares = 3", "exposures.mill.sources[0].shares", "", ""),
        ("publisher", "published_on = 3\npublisher", "sources.survey.published_on", "Source", ""),
        ('path = "', 'notes = 3\npath = "', "citations[0].notes", "Citation", "note"),
        ("kind = ", "hazard = 3\nkind = ", "evidence.town.hazard", "Evidence", "hazard_id"),
    ],
)
def test_an_unknown_key_is_a_fault_with_the_nearest_name(old, new, field, rule, value):
    text = WHOLE.replace(old, new, 1)
    assert text != WHOLE
    (fault,) = faults_of(text)
    assert fault[0] == field
    assert fault[1].startswith(f"is no field of {rule}")
    assert re.search(rf" \(did you mean '{value or '[a-z_]+'}'\?\)$", fault[1])
    assert fault[2] == 3


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'scope = { site = "bisie" }\nrate',
            'scope = { sight = "bisie" }\nrate',
            (
                "hazards.strike.scope",
                f"{SCOPE} (did you mean 'site'?)",
                {"sight": "bisie"},
            ),
        ),
        (
            'scope = { site = "bisie" }\nrate',
            'scope = { site = "bisie", sites_ids = [] }\nrate',
            (
                "hazards.strike.scope.sites_ids",
                "does not belong beside 'site' (did you mean 'site_ids'?)",
                [],
            ),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ fixd = { days = 30 } }",
            (
                "hazards.strike.duration",
                f"{FAMILY} (did you mean 'fixed'?)",
                {"fixd": {"days": 30}},
            ),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ fixed = { days = 30 }, max_days = 3 }",
            ("hazards.strike.duration.max_days", "does not belong beside 'fixed'", 3),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ fixed = { days = 30 }, empirical = { days = [3] } }",
            (
                "hazards.strike.duration",
                FAMILY,
                {"fixed": {"days": 30}, "empirical": {"days": [3]}},
            ),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ mixture = { parts = [{ weight = 1, fixd = { days = 3 } }] } }",
            (
                "hazards.strike.duration.mixture.parts[0]",
                f"{FAMILY} (did you mean 'fixed'?)",
                {"fixd": {"days": 3}},
            ),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ mixture = { parts = [{ fixed = { days = 3 } }] } }",
            (
                "hazards.strike.duration.mixture.parts[0]",
                "must be a table with a weight and a duration",
                {"fixed": {"days": 3}},
            ),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ mixture = { parts = [{ weight = 0.5, fixed = { days = 3 } }] } }",
            ("hazards.strike.duration.mixture.parts", "must have weights that sum to 1", 0.5),
        ),
        (
            "{ fixed = { days = 30 } }",
            "{ mixture = { parts = [{ weight = 1, fixed = { days = -3 } }] } }",
            (
                "hazards.strike.duration.mixture.parts[0].fixed.days",
                "must be a finite number >= 0",
                -3,
            ),
        ),
        (
            "rate_pa = 0.1",
            "rate_pa = 0.1\nseverity = [[0.7, 1.0], [0.3, 1.5]]",
            ("hazards.strike.severity[1][1]", "must lie in [0, 1]", 1.5),
        ),
        (
            "rate_pa = 0.1",
            "rate_pa = 0.1\nseverity = [[0.7, 1.0], [0.2, 0.5]]",
            ("hazards.strike.severity", "must have weights that sum to 1", 0.7 + 0.2),
        ),
        (
            "rate_pa = 0.1",
            "rate_pa = 0.1\nseverity = [[0.7, 1.0], 0.5]",
            ("hazards.strike.severity[1]", "must be a pair of weight and severity", 0.5),
        ),
        (
            "rate_pa = 0.1",
            "rate_pa = 0.1\nseverity = [{ weight = 1.0, severity = 0.5 }]",
            (
                "hazards.strike.severity[0]",
                "must be a pair of weight and severity",
                {"weight": 1.0, "severity": 0.5},
            ),
        ),
        (
            "rate_pa = 0.1",
            "rate_pa = 0.1\nramp_up = { ramp_days = 34, ramp_sigma = 9 }",
            (
                "hazards.strike.ramp_up.ramp_sigma",
                "must be a finite number >= 0 and <= 3",
                9,
            ),
        ),
        (
            "demand_tpa = 100",
            "demand_tpa = 100\nprice_terms = { spott = {} }",
            (
                "exposures.mill.price_terms",
                "must be a table with one of spot, fixed, indexed (did you mean 'spot'?)",
                {"spott": {}},
            ),
        ),
        (
            "demand_tpa = 100",
            'demand_tpa = 100\nprice_terms = { spot = { kind = "fixed", price_usd_per_t = 1 } }',
            (
                "exposures.mill.price_terms.spot",
                "must be a table of price terms",
                {"kind": "fixed", "price_usd_per_t": 1},
            ),
        ),
        (
            "demand_tpa = 100",
            "demand_tpa = 100\nprice_terms = { fixed = {} }",
            (
                "exposures.mill.price_terms.fixed.price_usd_per_t",
                "must be a finite number > 0",
                None,
            ),
        ),
        (
            "share = 0.1 }",
            "share = 1.1 }",
            ("exposures.mill.sources[0].share", "must lie in [0, 1]", 1.1),
        ),
    ],
)
def test_nested_tables_are_judged_by_their_path(old, new, fault):
    assert faults_of(changed(old, new)) == [fault]


@pytest.mark.parametrize(
    ("collection", "required"),
    [
        ("sites", ["site_id", "name", "commodity", "country", "capacity_tpa"]),
        ("hazards", ["hazard_id", "peril", "scope", "rate_pa", "duration"]),
        ("events", ["event_id", "peril", "scope", "started"]),
        (
            "markets",
            [
                "commodity",
                "price_usd_per_t",
                "price_date",
                "supply_tpa",
                "demand_tpa",
                "volatility_pa",
            ],
        ),
        ("exposures", ["buyer_id", "name", "commodity", "demand_tpa"]),
        ("routes", ["route_id", "from_id", "to_id", "transit_days"]),
        ("smelters", ["smelter_id", "name", "commodity", "country", "capacity_tpa"]),
        ("policies", ["policy_id", "name", "insured", "kind", "daily_value_usd"]),
        ("sources", ["source_id", "publisher", "title", "licence"]),
        ("citations", ["path", "source_id", "standing"]),
        ("evidence", ["evidence_id", "date", "kind", "statement"]),
    ],
)
def test_missing_fields_are_named(collection, required):
    faults = faults_of(f"{HEAD}[[{collection}]]")
    missing = [field for field, rule, value in faults if (rule, value) == ("must be given", None)]
    assert missing == [f"{collection}[0].{field}" for field in required]
    if collection != "events":  # that also says that an event has an end or a duration
        assert len(faults) == len(missing)


def test_an_empty_file_lacks_name_and_start():
    missing = [("name", "must be given", None), ("start", "must be given", None)]
    assert faults_of("") == missing
    assert faults_of("# nothing but words\n") == missing
    assert faults_of("", read_outcome) == missing[:1]


# -------------------------------------------------------------------------------- wrong types


WRONG = [
    "true",
    "-1e308",
    "nan",
    "inf",
    '""',
    '"a b"',
    "[]",
    "[[]]",
    "[{}]",
    "{}",
    "{ a = 1 }",
    "2025-03-20T00:00:00",
    "2025-03-20T00:00:00Z",
    "12:00:00",
    "0x" + "f" * 5_000,
]
KEYS = [
    line.partition(" =")[0]
    for line in LINKED.splitlines()
    if " = " in line and not line.startswith("[")
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong[:20])
@pytest.mark.parametrize("place", range(len(KEYS)), ids=lambda place: f"{place}-{KEYS[place]}")
def test_a_wrong_type_anywhere_is_a_fault_of_that_field(place, wrong):
    lines = LINKED.splitlines()
    held = [n for n, line in enumerate(lines) if " = " in line and not line.startswith("[")]
    key = KEYS[place]
    lines[held[place]] = f"{key} = {wrong}"
    text = "\n".join(lines)
    allowed = {
        ("sources", "[]"),  # a buyer without named sources
        ("perils", "[]"),  # a policy for all of them
        ("damage_only", "true"),
        ("name", '"a b"'),  # the name of a site or a buyer, for people
        ("publisher", '"a b"'),
        ("title", '"a b"'),
        ("licence", '"a b"'),
        ("statement", '"a b"'),
    }
    if (key, wrong) in allowed and place > 0:
        assert read_case("x", text)
        return
    named = re.compile(rf"(.+\.)?{key}\b.*")
    assert any(named.fullmatch(field) for field, _, _ in faults_of(text))


@pytest.mark.parametrize("collection", ["sites", "hazards", "sources", "citations", "evidence"])
@pytest.mark.parametrize("wrong", ["5", '"a"', "{}", "[5]", "[{}, 5]", "[[{}]]", "2025-03-20"])
def test_a_collection_is_a_list_of_tables(collection, wrong):
    faults = faults_of(f"{HEAD}{collection} = {wrong}")
    assert [field for field, _, _ in faults] == [collection]
    assert faults[0][1] == f"must be a list of tables [[{collection}]]"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("sources = 5", "exposures.mill.sources"),
        ("sources = { a = 1 }", "exposures.mill.sources"),
        ("sources = [5]", "exposures.mill.sources[0]"),
        ("sources = [{}]", "exposures.mill.sources[0].scope"),
        ("sources = [{ scope = 5, share = 0.1 }]", "exposures.mill.sources[0].scope"),
        (
            "sources = [{ scope = { site = 5 }, share = 0.1 }]",
            "exposures.mill.sources[0].scope.site",
        ),
        (
            'sources = [{ scope = { region = "k", site_ids = 5 }, share = 0.1 }]',
            "exposures.mill.sources[0].scope.site_ids",
        ),
        (
            'sources = [{ scope = { region = "k", site_ids = [{}] }, share = 0.1 }]',
            "exposures.mill.sources[0].scope.site_ids[0]",
        ),
        ("price_terms = { spot = 5 }", "exposures.mill.price_terms.spot"),
        ("price_terms = 5", "exposures.mill.price_terms"),
    ],
)
def test_what_a_buyer_holds_is_judged_inside(text, field):
    lines = [line for line in BUYER.splitlines() if not line.startswith("sources")]
    (fault, *_) = faults_of(HEAD + SITE + MARKET + "\n".join([*lines, text]))
    assert fault[0] == field


# ------------------------------------------------------------------------ files that are no TOML


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ('name = "x"\nstart 2025-03-20\n', 2, "start 2025-03-20"),
        ('name = "x"\nstart = 2025-02-30\n', 2, "start = 2025-02-30"),
        ('name = "x"\nname = "y"\n', 2, 'name = "y"'),
        ('name = "x\n', 1, 'name = "x'),
        ("\x00", 1, "\x00"),
        ("<html>\n", 1, "<html>"),
        ("[[sites]\n", 1, "[[sites]"),
    ],
)
@pytest.mark.parametrize("read", [read_case, read_outcome])
def test_what_is_no_toml_is_shown_with_its_line(read, text, line, shown):
    ((field, rule, value),) = faults_of(text, read)
    assert field == "file"
    assert rule.startswith("must be TOML: ")
    assert f"at line {line}," in rule
    assert value == shown


def test_a_file_that_ends_too_soon_is_shown_with_its_end():
    ((_, rule, value),) = faults_of('name = "x"\nsites = [')
    assert rule.startswith("must be TOML: ")
    assert value == 'name = "x"\nsites = ['


@pytest.mark.parametrize("load", [sr.load_case, sr.load_outcome])
@pytest.mark.parametrize("path", ["text", "path"])
def test_a_file_is_text_in_utf_8(tmp_path, load, path):
    file = tmp_path / "case.toml"
    file.write_bytes(b'name = "x"\nstart = 2025-03-20\n# Minera\xe7\xe3o\n')
    with pytest.raises(sr.InvalidInputError) as caught:
        load(str(file) if path == "text" else file)
    ((field, rule, value),) = caught.value.faults
    assert caught.value.what == str(file)
    assert (field, value) == ("file", b"\xe7\xe3") or (field, value) == ("file", b"\xe7")
    assert re.fullmatch(r"must be UTF-8 text: .* \(at line 3\)", rule)


def test_a_byte_order_mark_and_line_ends_of_windows_are_taken(tmp_path):
    file = tmp_path / "case.toml"
    file.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert sr.load_case(file) == read_case("x", WHOLE)


@pytest.mark.parametrize("load", [sr.load_case, sr.load_outcome])
def test_a_file_that_cannot_be_read_is_an_oserror(tmp_path, load):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        load(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(OSError, match=r"folder\.toml"):
        load(tmp_path / "folder.toml")
    with pytest.raises(OSError, match=tmp_path.name):
        load(tmp_path)


def test_an_empty_file_is_read(tmp_path):
    (tmp_path / "empty.toml").touch()
    with pytest.raises(sr.InvalidInputError, match=r"empty\.toml: 2 faults\n  name must be given"):
        sr.load_case(tmp_path / "empty.toml")


# ------------------------------------------------------------------------------- hostile input


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}commodity = {'[' * 5_000}{']' * 5_000}",
        f"{HEAD}commodity = {'{a=' * 5_000}1{'}' * 5_000}",
        f"{HEAD}commodity = {'[' * 100_000}",
        f"{HEAD}[a{'.a' * 3_000}]",
        f"{HEAD}[[sites]]\nname{'.a' * 3_000} = 1",
        f"{HEAD}[[hazards]]\nduration{'.mixture' * 3_000} = 1",
        HEAD
        + "[[hazards]]\nduration = "
        + "{mixture={parts=[{weight=1," * 150
        + "fixed={days=1}"
        + "}]}}" * 150,
        "".join(
            [HEAD, "[[hazards]]\n"]
            + [f"[[hazards.duration{'.mixture.parts' * n}]]\nweight=1\n" for n in range(1, 150)]
        ),
        f"{HEAD}horizon_days = {'9' * 6_000}",
        f"{HEAD}horizon_days = 0x{'f' * 6_000}",
        f"{HEAD}{'a' * 200_000} = 1",
        f'{HEAD}"\\u0000\\n" = 1',
        f'{HEAD}[[sites]]\nsite_id = "{"a" * 200_000}!"',
        f"{HEAD}sites = [{'{},' * 2_000}]",
    ],
    ids=lambda text: text[38:60],
)
def test_hostile_input_is_a_fault(text):
    with pytest.raises(sr.InvalidInputError) as caught:
        read_case("x", text)
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("capacity_tpa", "capcity_tpa"),
        ('country = "COD"', 'country = "Congo"'),
        ("capacity_tpa = 20000", "capacity_tpa = nan"),
        ('scope = { site = "', 'scope = { site = "mine-'),
        ('path = "sites.', 'path = "sites.mine-'),
        ('source_id = "survey"\nstanding', 'source_id = "survei"\nstanding'),
    ],
)
def test_thousands_of_faulty_rows_are_briefly_told(old, new):
    text = many_rows(2_000)
    assert len(read_case("x", text).sites) == 2_000
    with pytest.raises(sr.InvalidInputError) as caught:
        read_case("x", text.replace(old, new))
    n_faults = len(caught.value.faults)
    assert n_faults >= 2_000
    lines = str(caught.value).splitlines()
    assert lines[0] == f"x: {n_faults} faults"
    assert lines[-1] == f"  ... and {n_faults - 50} more"
    assert len(lines) == 52


def many_rows(n):
    rows = (SITE + HAZARD + CITATION).replace('hazard_id = "strike"', 'hazard_id = "bisie"')
    return HEAD + "".join(rows.replace("bisie", f"bisie{place}") for place in range(n)) + SOURCE


# --------------------------------------------------------------------------------------- outcome


def test_an_outcome_tells_all_its_faults():
    text = """
name = "x"
start = 2025-03-20
[[observations]]
quantity = "output t"
subject = "sites.bisie"
date = 2025-03-31T00:00:00
value = nan
unit = ""
source_id = "survey"
note = 5
"""
    assert [field for field, _, _ in faults_of(text, read_outcome)] == [
        "start",
        "observations[0].quantity",
        "observations[0].date",
        "observations[0].value",
        "observations[0].unit",
        "observations[0].note",
    ]


def test_an_outcome_names_its_sources():
    text = """
name = "x y"
[[observations]]
quantity = "output_t"
subject = "sites.bisie"
date = 2025-03-31
value = 1
unit = "t"
source_id = "surve"
"""
    assert faults_of(text + SOURCE, read_outcome) == [
        ("name", "must be a name of letters, digits, '-' and '_'", "x y"),
        (
            "observations[0].source_id",
            "must name a source of the file (did you mean 'survey'?)",
            "surve",
        ),
    ]
