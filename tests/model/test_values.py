"""Every value of the model: what it takes, what it refuses, and how it says so."""

import copy
import dataclasses
import datetime as dt
import inspect
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.model.duration import FAMILIES, Empirical, Lognormal, Mixture

DAY = dt.date(2025, 3, 13)
FIXED = sr.Duration.fixed(days=30)
SITE = sr.Scope.site("bisie")
FIXED_PRICE = {"kind": "fixed", "price_usd_per_t": 30_000}

# The smallest arguments that make a sound value of each class.
SMALLEST = {
    sr.MineSite: {
        "site_id": "bisie",
        "name": "Bisie",
        "commodity": "tin",
        "country": "COD",
        "capacity_tpa": 20_000,
    },
    sr.Scope: {"kind": "site", "name": "bisie"},
    sr.RampUp: {},
    sr.Hazard: {
        "hazard_id": "h",
        "peril": sr.Peril.STRIKE,
        "scope": SITE,
        "rate_pa": 0.1,
        "duration": FIXED,
    },
    sr.DisruptionEvent: {
        "event_id": "e",
        "peril": "strike",
        "scope": SITE,
        "started": DAY,
        "duration": FIXED,
    },
    sr.Market: {
        "commodity": "tin",
        "price_usd_per_t": 33_427,
        "price_date": DAY,
        "supply_tpa": 368_000,
        "demand_tpa": 367_800,
        "volatility_pa": 0.27,
    },
    sr.Supply: {"scope": SITE, "share": 0.1},
    sr.PriceTerms: {},
    sr.CommodityExposure: {"buyer_id": "b", "name": "B", "commodity": "tin", "demand_tpa": 2_000},
    sr.Route: {"route_id": "road", "from_id": "bisie", "to_id": "tin", "transit_days": 45},
    sr.Smelter: {
        "smelter_id": "msc",
        "name": "MSC",
        "commodity": "tin",
        "country": "MYS",
        "capacity_tpa": 40_000,
    },
    sr.Policy: {
        "policy_id": "p",
        "name": "P",
        "insured": "bisie",
        "kind": "business_interruption",
        "daily_value_usd": 500_000,
    },
    sr.Source: {"source_id": "s", "publisher": "P", "title": "T", "licence": "L"},
    sr.Citation: {"path": "sites.bisie", "source_id": "s", "standing": "reported"},
    sr.Evidence: {"evidence_id": "e", "date": DAY, "kind": "rank", "statement": "A fact."},
    sr.Observation: {
        "quantity": "output_t",
        "subject": "sites.bisie",
        "date": DAY,
        "value": 4270,
        "unit": "t",
        "source_id": "s",
    },
    sr.Outcome: {"name": "walikale-2025"},
    sr.Case: {"name": "walikale-2025", "start": DAY},
    FAMILIES["lognormal"]: {"median_days": 121, "sigma": 1.75},
    FAMILIES["weibull"]: {"shape": 0.7, "scale_days": 90},
    FAMILIES["exponential"]: {"mean_days": 90},
    FAMILIES["fixed"]: {"days": 30},
    FAMILIES["empirical"]: {"days": (3.0, 5.0)},
    FAMILIES["mixture"]: {"parts": ((0.25, FIXED), (0.75, sr.Duration.exponential(mean_days=9)))},
}
each_class = pytest.mark.parametrize("kind", SMALLEST, ids=lambda kind: kind.__name__)

ABOVE_0 = "must be a finite number > 0"
LEAST_0 = "must be a finite number >= 0"
FRACTION = "must lie in [0, 1]"
NAME = "must be a name of letters, digits, '-' and '_'"
COMMODITY = "must be a commodity in snake_case such as 'tin' or 'rare_earths'"
TEXT = "must be text that is not empty"
DATE = "must be a date such as 2025-03-20, not text and without a time of day"
COUNTRY = "must be an ISO 3166-1 alpha-3 code such as 'COD'"
FLAG = "must be true or false"
SHARE_ABOVE_0 = "must be a finite number > 0 and <= 1"
CURRENCY = "must be a currency of three capital letters such as 'USD' or 'EUR'"
EFFECTS = "must be one of output, export, assurance, tax"
PERILS = f"must be one of {', '.join(sr.Peril)}"

# Rule of each plain field, by class.
FIELDS = {
    sr.MineSite: {
        "site_id": NAME,
        "name": TEXT,
        "commodity": COMMODITY,
        "country": COUNTRY,
        "capacity_tpa": ABOVE_0,
        "utilisation": FRACTION,
        "n_units": "must be a whole number >= 1",
        "stock_days": LEAST_0,
        "makeup_share": FRACTION,
    },
    sr.RampUp: {
        "ramp_days": LEAST_0,
        "ramp_sigma": "must be a finite number >= 0 and <= 3",
        "shape": "must be one of linear, s_curve, exponential",
    },
    sr.Hazard: {
        "hazard_id": NAME,
        "peril": PERILS,
        "scope": "must be a Scope",
        "rate_pa": LEAST_0,
        "duration": "must be a Duration",
        "severity": FRACTION,
        "ramp_up": "must be a RampUp",
        "hit_probability": FRACTION,
        "shared_duration": FLAG,
        "effect": EFFECTS,
        "physical_damage": FLAG,
    },
    sr.DisruptionEvent: {
        "event_id": NAME,
        "peril": PERILS,
        "scope": "must be a Scope",
        "started": DATE,
        "severity": FRACTION,
        "ramp_up": "must be a RampUp",
        "probability": FRACTION,
        "effect": EFFECTS,
        "physical_damage": FLAG,
    },
    sr.Market: {
        "commodity": COMMODITY,
        "price_usd_per_t": ABOVE_0,
        "price_date": DATE,
        "supply_tpa": ABOVE_0,
        "demand_tpa": ABOVE_0,
        "volatility_pa": LEAST_0,
        "elasticity_sum_median": ABOVE_0,
        "elasticity_sum_sigma": LEAST_0,
        "stock_t": LEAST_0,
        "choke_price_ratio": "must be a finite number > 1",
        "recycled_tpa": LEAST_0,
        "restocking_days": ABOVE_0,
        "supply_lag_days": ABOVE_0,
        "most_extra_share": LEAST_0,
        "consumer_stock_days": LEAST_0,
        "restart_notice_days": "must be a finite number >= 0 and <= 365",
        "looks_ahead": FLAG,
        "counts_stocks": FLAG,
    },
    sr.Supply: {"scope": "must be a Scope", "share": FRACTION},
    sr.PriceTerms: {
        "kind": "must be one of spot, fixed, indexed",
        "premium_usd_per_t": "must be a finite number",
        "averaging_days": ABOVE_0,
        "lag_days": LEAST_0,
        "currency": CURRENCY,
        "usd_per_unit": ABOVE_0,
    },
    sr.CommodityExposure: {
        "buyer_id": NAME,
        "name": TEXT,
        "commodity": COMMODITY,
        "demand_tpa": ABOVE_0,
        "sources": "must be a tuple of Supply",
        "inventory_days": LEAST_0,
        "price_terms": "must be a PriceTerms",
        "hedged_share": FRACTION,
        "margin_usd_per_t": LEAST_0,
        "priority": "must be a whole number >= 1",
        "illustrative": FLAG,
        "restocking_days": ABOVE_0,
        "alternative_limit": FRACTION,
        "qualification_days": LEAST_0,
        "needs_assurance": FLAG,
        "penalty_usd_per_t": LEAST_0,
    },
    sr.Route: {
        "route_id": NAME,
        "from_id": NAME,
        "to_id": NAME,
        "transit_days": LEAST_0,
        "share": FRACTION,
    },
    sr.Smelter: {
        "smelter_id": NAME,
        "name": TEXT,
        "commodity": COMMODITY,
        "country": COUNTRY,
        "capacity_tpa": ABOVE_0,
        "feed_days": ABOVE_0,
        "psi": SHARE_ABOVE_0,
        "metal_yield": SHARE_ABOVE_0,
        "alternative_share": FRACTION,
        "alternative_lag_days": LEAST_0,
    },
    sr.Policy: {
        "policy_id": NAME,
        "name": TEXT,
        "insured": NAME,
        "kind": "must be one of business_interruption, contingent",
        "perils": "must be a tuple of perils",
        "damage_only": FLAG,
        "waiting_days": LEAST_0,
        "waiting_in": "must be one of days, average_daily_value",
        "indemnity_days": ABOVE_0,
        "daily_value_usd": ABOVE_0,
        "attachment_usd": LEAST_0,
        "suppliers": "must be a tuple of site ids",
    },
    sr.Source: {"source_id": NAME, "publisher": TEXT, "title": TEXT, "licence": TEXT},
    sr.Citation: {
        "path": TEXT,
        "source_id": NAME,
        "standing": "must be one of reported, derived, estimate, assumption, illustrative",
        "note": "must be text",
    },
    sr.Evidence: {"evidence_id": NAME, "date": DATE, "kind": NAME, "statement": TEXT},
    sr.Observation: {
        "quantity": NAME,
        "subject": TEXT,
        "date": DATE,
        "value": "must be a finite number",
        "unit": TEXT,
        "source_id": NAME,
        "standing": "must be one of reported",
        "note": "must be text",
    },
    sr.Outcome: {"name": NAME, "observations": "must be a tuple of", "sources": "must be a tuple"},
    sr.Case: {
        "name": NAME,
        "start": DATE,
        "horizon_days": "must be a whole number >= 1",
        "step_days": "must be a whole number >= 1",
        "sites": "must be a tuple of MineSite",
        "hazards": "must be a tuple of Hazard",
        "events": "must be a tuple of DisruptionEvent",
        "routes": "must be a tuple of Route",
        "smelters": "must be a tuple of Smelter",
        "markets": "must be a tuple of Market",
        "exposures": "must be a tuple of CommodityExposure",
        "policies": "must be a tuple of Policy",
        "sources": "must be a tuple of Source",
        "citations": "must be a tuple of Citation",
        "evidence": "must be a tuple of Evidence",
        "not_quantified": "must be a tuple of sentences",
    },
    FAMILIES["lognormal"]: {"median_days": ABOVE_0, "sigma": ABOVE_0},
    FAMILIES["weibull"]: {"shape": ABOVE_0, "scale_days": ABOVE_0},
    FAMILIES["exponential"]: {"mean_days": ABOVE_0},
    FAMILIES["fixed"]: {"days": LEAST_0},
    FAMILIES["empirical"]: {"days": "must be a tuple of at least one length"},
    FAMILIES["mixture"]: {"parts": "must be a tuple of at least one pair"},
}
# Fields that may be left out, and refuse what is not None and not sound.
OPTIONAL = {
    sr.MineSite: {
        "annual_cap_days": ABOVE_0,
        "latitude_deg": "must be a finite number >= -90 and <= 90",
        "longitude_deg": "must be a finite number >= -180 and <= 180",
        "operator": TEXT,
    },
    sr.RampUp: {"max_share_of_outage": LEAST_0, "levels": "must be given only for a ramp-up in"},
    sr.Hazard: {"rate_shape": ABOVE_0, "rate_group": NAME},
    sr.DisruptionEvent: {"ended": DATE, "announced": DATE, "duration": "must be a Duration"},
    sr.Market: {
        "last_quote_usd_per_t": ABOVE_0,
        "last_quote_date": DATE,
        "elasticity_demand": "must be a finite number <= 0",
        "elasticity_supply": LEAST_0,
    },
    sr.PriceTerms: {
        "price_usd_per_t": "must be given only for a fixed price",
        "floor_usd_per_t": ABOVE_0,
        "cap_usd_per_t": ABOVE_0,
    },
    sr.CommodityExposure: {"hedge_days": ABOVE_0, "product": TEXT, "budget_usd_per_t": ABOVE_0},
    sr.Route: {"capacity_tpa": ABOVE_0},
    sr.Smelter: {
        "latitude_deg": "must be a finite number >= -90 and <= 90",
        "longitude_deg": "must be a finite number >= -180 and <= 180",
    },
    sr.Policy: {"limit_usd": ABOVE_0, "annual_limit_usd": ABOVE_0, "premium_usd": LEAST_0},
    sr.Source: {"url": "must start with https:// or http://", "published": DATE},
    sr.Evidence: {"hazard_id": NAME, "source_id": NAME},
    sr.Case: {"commodity": COMMODITY},
    **{kind: {"max_days": ABOVE_0} for kind in FAMILIES.values()},
}
RULES = [
    (kind, field, rule)
    for table in (FIELDS, OPTIONAL)
    for kind, rules in table.items()
    for field, rule in rules.items()
]
each_rule = pytest.mark.parametrize(
    ("kind", "field", "rule"), RULES, ids=lambda x: getattr(x, "__name__", str(x))
)
# What no field takes, whatever its type.
NEVER = [
    float("nan"),
    float("inf"),
    -float("inf"),
    -1e308,
    10**400,
    -(10**400),
    0xF << 40_000,
    "",
    " \n",
    "\ud800",
    b"tin",
    [],
    [1.0],
    {},
    {"a": 1},
    object(),
    int,
    1j,
    np.array([1.0, 2.0]),
    np.array(["a", "b"]),
    np.bool_(1),  # a numpy boolean is no number, nor a flag
    dt.datetime(2025, 3, 13, tzinfo=dt.UTC),
    (None,),
    ({},),
]


def faults_of(kind, /, **changes):
    """Return the faults of the smallest sound arguments after some changes."""
    with pytest.raises(sr.InvalidInputError) as caught:
        kind(**{**SMALLEST[kind], **changes})
    assert isinstance(caught.value, ValueError)
    assert kind.__name__ in str(caught.value)
    return caught.value.faults


def test_every_field_has_its_rule_in_this_table():
    for kind in SMALLEST:
        if kind is not sr.Scope:  # Scope has tests of its own
            stated = {**FIELDS.get(kind, {}), **OPTIONAL.get(kind, {})}
            assert set(stated) == {field.name for field in dataclasses.fields(kind)}, kind


# ------------------------------------------------------------------------- what every value is


@each_class
def test_the_smallest_arguments_make_a_value(kind):
    value = kind(**SMALLEST[kind])
    for name, held in SMALLEST[kind].items():
        assert getattr(value, name) == held


@each_class
def test_positional_arguments_are_refused(kind):
    with pytest.raises(TypeError, match="positional"):
        kind("a")
    parameters = inspect.signature(kind).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}


@each_class
def test_unknown_arguments_are_refused(kind):
    with pytest.raises(TypeError, match="unexpected keyword argument 'capcity'"):
        kind(**SMALLEST[kind], capcity=1)


@each_class
def test_values_are_frozen(kind):
    value = kind(**SMALLEST[kind])
    name = dataclasses.fields(kind)[-1].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(value, name)
    with pytest.raises((AttributeError, TypeError)):  # slots: no attribute by a slip of the pen
        value.colour = "red"


@each_class
def test_equal_values_are_equal_and_hash_alike(kind):
    one, other = kind(**SMALLEST[kind]), kind(**SMALLEST[kind])
    assert one == other
    assert one is not other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1
    assert one != "something else"


@each_class
def test_copies_and_pickles_are_equal(kind):
    value = kind(**SMALLEST[kind])
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert dataclasses.replace(value) == value
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value  # noqa: S301 - our own


@each_class
def test_every_field_is_documented(kind):
    text = inspect.cleandoc(kind.__doc__)  # Python 3.13 has done so already
    for field in dataclasses.fields(kind):
        assert re.search(rf"^{field.name}$", text, re.MULTILINE), field.name


@each_rule
def test_each_rule_names_field_rule_and_value(kind, field, rule):
    wrong = "a b!"
    if rule == TEXT or field == "note":
        wrong = 5
    (fault, *_) = [fault for fault in faults_of(kind, **{field: wrong}) if fault.field == field]
    assert fault.rule.startswith(rule)
    assert fault.value == wrong
    assert str(fault).startswith(f"{field} {rule}")
    assert str(fault).endswith(f"got {wrong!r}")


def _is_taken(field, wrong):
    """Whether one of a few fields does take it: an empty note, a figure below zero."""
    if field in {"kind", "shape", "waiting_in"}:
        return isinstance(wrong, np.ndarray)  # refused, in numpy's words
    if field == "note":
        return isinstance(wrong, str) and not wrong.strip()
    return field in {"premium_usd_per_t", "value"} and isinstance(wrong, float) and wrong == -1e308


@each_rule
def test_nothing_but_a_fault_comes_of_nonsense(kind, field, rule):
    for wrong in NEVER:
        if _is_taken(field, wrong):
            continue
        faults = faults_of(kind, **{field: wrong})
        assert any(fault.field.startswith(field) for fault in faults), wrong
        assert len(str(sr.InvalidInputError("x", faults))) < 2_000


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, rules in FIELDS.items() for field in rules],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_what_must_be_given_must_not_be_none(kind, field):
    assert any(fault.field == field for fault in faults_of(kind, **{field: None}))


@each_rule
def test_replace_judges_anew(kind, field, rule):
    value = kind(**SMALLEST[kind])
    with pytest.raises(sr.InvalidInputError, match=re.escape(field)):
        dataclasses.replace(value, **{field: {"no": "such thing"}})


def test_all_faults_of_one_value_come_at_once():
    faults = faults_of(
        sr.MineSite,
        site_id="b isie",
        name="",
        commodity="Tin",
        country="cod",
        capacity_tpa=0,
        utilisation=1.1,
        latitude_deg=91,
        operator="",
        n_units=0,
    )
    assert [fault.field for fault in faults] == [
        "site_id",
        "name",
        "commodity",
        "country",
        "capacity_tpa",
        "utilisation",
        "latitude_deg",
        "latitude_deg and longitude_deg",
        "operator",
        "n_units",
    ]
    with pytest.raises(sr.InvalidInputError, match=r"MineSite: 2 faults\n  capacity.*\n  util"):
        sr.MineSite(**{**SMALLEST[sr.MineSite], "capacity_tpa": -1, "utilisation": 2})


def test_one_fault_stands_on_one_line():
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.Duration.fixed(days=-1)
    assert str(caught.value) == "Fixed: days must be a finite number >= 0, got -1"
    assert caught.value.what == "Fixed"


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.float16(0.5)])
def test_numpy_floats_are_numbers(number):
    site = sr.MineSite(**{**SMALLEST[sr.MineSite], "utilisation": number})
    assert site == sr.MineSite(**SMALLEST[sr.MineSite], utilisation=0.5)
    assert hash(site) == hash(sr.MineSite(**SMALLEST[sr.MineSite], utilisation=0.5))
    assert site.production_tpa == 10_000


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_numpy_whole_numbers_are_numbers(kind):
    site = sr.MineSite(**{**SMALLEST[sr.MineSite], "n_units": kind(3), "capacity_tpa": kind(100)})
    assert site == sr.MineSite(**{**SMALLEST[sr.MineSite], "n_units": 3, "capacity_tpa": 100})


def test_numpy_text_is_text():
    assert sr.MineSite(**{**SMALLEST[sr.MineSite], "country": np.str_("COD")}).country == "COD"


@pytest.mark.parametrize("number", [True, False, np.True_, 3.0, 1.5, np.float64(2), "3"])
def test_a_whole_number_is_a_whole_number(number):
    (fault,) = faults_of(sr.MineSite, n_units=number)
    assert fault.field == "n_units"


@pytest.mark.parametrize("number", [5e-324, 1e308, 10**300])
def test_extreme_numbers_within_the_rules_are_taken(number):
    assert sr.MineSite(**{**SMALLEST[sr.MineSite], "capacity_tpa": number}).capacity_tpa == number


# ------------------------------------------------------------------------- sites and countries


def test_production_is_capacity_times_utilisation():
    site = sr.MineSite(**SMALLEST[sr.MineSite], utilisation=0.85)
    assert site.production_tpa == pytest.approx(17_000)


def test_other_countries_may_hold_a_site_but_are_no_scope():
    assert sr.MineSite(**{**SMALLEST[sr.MineSite], "country": "ZZZ"}).country == "ZZZ"
    with pytest.raises(sr.InvalidInputError, match=r"country must be an ISO .*, got 'ZZZ'"):
        sr.Scope.country("ZZZ")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("cod", None),
        ("CD", "COD"),
        ("180", "COD"),
        ("DR Congo", "COD"),
        ("dr congo", "COD"),
        ("Myanmar", "MMR"),
        ("Burma", "MMR"),
        ("NA", "NAM"),
        ("NO", "NOR"),
        ("Congo", None),  # two countries
        ("XXX", None),
        ("Atlantis", None),
    ],
)
def test_a_country_is_an_alpha_3_code(given, meant):
    hint = f" (did you mean {meant!r}?)" if meant else ""
    (fault,) = faults_of(sr.MineSite, country=given)
    assert (fault.field, fault.rule, fault.value) == ("country", f"{COUNTRY}{hint}", given)
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.Scope.country(given)
    assert caught.value.faults == (fault,)


def test_a_position_has_two_numbers():
    both = sr.MineSite(**SMALLEST[sr.MineSite], latitude_deg=-90, longitude_deg=180.0)
    assert (both.latitude_deg, both.longitude_deg) == (-90, 180.0)
    (fault,) = faults_of(sr.MineSite, latitude_deg=1.0)
    assert fault.rule == "must be given together or not at all"
    assert fault.value == (1.0, None)


@pytest.mark.parametrize("field", ["latitude_deg", "longitude_deg"])
@pytest.mark.parametrize("degrees", [180.1, -180.1, float("nan")])
def test_a_position_lies_on_earth(field, degrees):
    faults = faults_of(sr.MineSite, **{"latitude_deg": 0, "longitude_deg": 0, field: degrees})
    assert [fault.field for fault in faults] == [field]


# ---------------------------------------------------------------------------- perils and scopes


def test_a_peril_is_one_of_thirteen():
    assert len(sr.Peril) == 13
    assert sr.Peril.ARMED_CONFLICT == "armed_conflict"
    by_name = sr.Hazard(**{**SMALLEST[sr.Hazard], "peril": "strike"})
    assert by_name == sr.Hazard(**SMALLEST[sr.Hazard])
    assert hash(by_name) == hash(sr.Hazard(**SMALLEST[sr.Hazard]))


def test_a_near_peril_is_suggested():
    (fault,) = faults_of(sr.Hazard, peril="armed conflict")
    assert fault.rule.endswith("(did you mean 'armed_conflict'?)")


def test_scopes_by_their_constructors():
    assert sr.Scope.site("bisie") == sr.Scope(kind="site", name="bisie")
    assert sr.Scope.country("COD") == sr.Scope(kind="country", name="COD")
    assert sr.Scope.route("bisie-mombasa") == sr.Scope(kind="route", name="bisie-mombasa")
    region = sr.Scope.region("kivu", site_ids=["bisie", "other"])
    assert region == sr.Scope(kind="region", name="kivu", site_ids=("bisie", "other"))
    assert hash(region)


@pytest.mark.parametrize(
    ("make", "field", "rule"),
    [
        (lambda: sr.Scope.site("a.b"), "site", NAME),
        (lambda: sr.Scope.site(""), "site", NAME),
        (lambda: sr.Scope.site("-a"), "site", NAME),
        (lambda: sr.Scope.site("ä"), "site", NAME),
        (lambda: sr.Scope.site("a\n"), "site", NAME),
        (lambda: sr.Scope.site(None), "site", NAME),
        (lambda: sr.Scope.route(5), "route", NAME),
        (lambda: sr.Scope.smelter("a b"), "smelter", NAME),
        (lambda: sr.Scope.market("Tin"), "market", COMMODITY),
        (lambda: sr.Scope.market(None), "market", COMMODITY),
        (lambda: sr.Scope.region("k", site_ids=()), "site_ids", "must name at least one site"),
        (lambda: sr.Scope.region("k", site_ids=("a", "a")), "site_ids", "must not name a site tw"),
        (lambda: sr.Scope.region("k", site_ids=("a b",)), "site_ids[0]", NAME),
        (lambda: sr.Scope.region("k", site_ids=({},)), "site_ids[0]", "must be a str"),
        (lambda: sr.Scope.region("k", site_ids="ab"), "site_ids", "must be a tuple of str"),
        (lambda: sr.Scope.region("k", site_ids=5), "site_ids", "must be a tuple of str"),
        (lambda: sr.Scope(kind="region", name="k", site_ids=["a"]), "site_ids", "must be a tuple"),
        (lambda: sr.Scope(kind="site", name="k", site_ids=None), "site_ids", "must be a tuple"),
        (lambda: sr.Scope(kind="site", name="k", site_ids=("a",)), "site_ids", "must be empty un"),
        (lambda: sr.Scope(kind="sight", name="k"), "kind", "must be one of site, country, region"),
        (lambda: sr.Scope(kind=["site"], name="k"), "kind", "must be one of site, country, region"),
    ],
)
def test_scopes_refuse(make, field, rule):
    with pytest.raises(sr.InvalidInputError) as caught:
        make()
    assert [fault.field for fault in caught.value.faults] == [field]
    assert caught.value.faults[0].rule.startswith(rule)


def test_smelters_and_markets_are_scopes():
    assert sr.Scope.smelter("msc") == sr.Scope(kind="smelter", name="msc")
    assert sr.Scope.market("tin") == sr.Scope(kind="market", name="tin")


@pytest.mark.parametrize("kind", [sr.Hazard, sr.DisruptionEvent])
def test_what_an_event_hits(kind):
    value = kind(**SMALLEST[kind])
    assert (value.effect, value.physical_damage) == ("output", False)
    market, route = sr.Scope.market("tin"), sr.Scope.route("road")
    assert faults_of(kind, scope=market) == (
        ("scope", "must not be a market, which only buyers have as a source", "tin"),
    )
    for effect in ("export", "assurance", "tax"):
        for scope in (SITE, sr.Scope.country("COD"), sr.Scope.smelter("msc")):
            assert kind(**{**SMALLEST[kind], "scope": scope, "effect": effect}).effect == effect
        assert faults_of(kind, scope=route, effect=effect) == (
            ("effect", "must be 'output' for a route, which an event closes", effect),
        )
    assert kind(**{**SMALLEST[kind], "scope": route}).scope == route
    (fault,) = faults_of(kind, effect="exports")
    assert fault == ("effect", f"{EFFECTS} (did you mean 'export'?)", "exports")
    (fault,) = faults_of(kind, effect="tax", severity=1.2)
    assert fault == ("severity", FRACTION, 1.2)


def test_a_buyer_takes_metal_from_places():
    for scope in (SITE, sr.Scope.smelter("msc"), sr.Scope.market("tin"), sr.Scope.country("COD")):
        assert sr.Supply(scope=scope, share=0.1).scope == scope
    rule = "must not be a route: metal comes from a site, country, region, smelter or market"
    assert faults_of(sr.Supply, scope=sr.Scope.route("road")) == (("scope", rule, "road"),)


# ------------------------------------------------------------------------------------ durations


def test_durations_by_their_constructors():
    lognormal = sr.Duration.lognormal(median_days=121, sigma=1.75, max_days=900)
    assert lognormal == Lognormal(median_days=121, sigma=1.75, max_days=900)
    assert (lognormal.median_days, lognormal.sigma, lognormal.longest_days) == (121, 1.75, 900)
    assert sr.Duration.weibull(shape=0.7, scale_days=90).longest_days == float("inf")
    assert sr.Duration.exponential(mean_days=30).mean_days == 30
    assert sr.Duration.fixed(days=33).longest_days == 33
    assert sr.Duration.fixed(days=33, max_days=20).longest_days == 20
    assert sr.Duration.empirical(days=[3, 1, 2]) == Empirical(days=(3, 1, 2))
    assert sr.Duration.empirical(days=np.array([3.0, 1.0])).longest_days == 3.0
    for family, kind in FAMILIES.items():
        value = kind(**SMALLEST[kind])
        assert isinstance(value, sr.Duration)
        assert value.family == family


def test_a_mixture_takes_any_sequence_of_pairs():
    parts = ((0.3, FIXED), (0.7, sr.Duration.fixed(days=5)))
    mixture = sr.Duration.mixture(parts)
    assert mixture == Mixture(parts=parts)
    assert mixture == sr.Duration.mixture([list(pair) for pair in parts])
    assert mixture.longest_days == 30
    assert hash(mixture)
    nested = sr.Duration.mixture(((0.5, mixture), (0.5, FIXED)), max_days=10)
    assert nested.longest_days == 10


@pytest.mark.parametrize(
    ("make", "field", "rule"),
    [
        (sr.Duration, "family", "must be one of lognormal, weibull, exponential, fixed"),
        (lambda: sr.Duration.empirical(days=()), "days", "must be a tuple of at least one length"),
        (lambda: sr.Duration.empirical(days=5), "days", "must be a tuple of at least one length"),
        (lambda: sr.Duration.empirical(days="12"), "days", "must be a tuple of at least one"),
        (lambda: sr.Duration.empirical(days=(1, -1)), "days[1]", LEAST_0),
        (lambda: sr.Duration.empirical(days=(float("nan"),)), "days[0]", LEAST_0),
        (lambda: sr.Duration.mixture(()), "parts", "must be a tuple of at least one pair"),
        (lambda: sr.Duration.mixture(5), "parts", "must be a tuple of at least one pair"),
        (lambda: sr.Duration.mixture((5,)), "parts[0]", "must be a pair of weight and duration"),
        (lambda: sr.Duration.mixture("ab"), "parts", "must be a tuple of at least one pair"),
        (lambda: sr.Duration.mixture(((1, 2, 3),)), "parts[0]", "must be a pair of weight and"),
        (lambda: Mixture(parts=([1.0, FIXED],)), "parts[0]", "must be a pair of weight and"),
        (lambda: sr.Duration.mixture(((0, FIXED),)), "parts[0] weight", ABOVE_0),
        (lambda: sr.Duration.mixture(((1, 30),)), "parts[0] duration", "must be a Duration"),
        (lambda: sr.Duration.mixture(((0.5, FIXED),)), "parts", "must have weights that sum to 1"),
    ],
)
def test_durations_refuse(make, field, rule):
    with pytest.raises(sr.InvalidInputError) as caught:
        make()
    assert [fault.field for fault in caught.value.faults] == [field]
    assert caught.value.faults[0].rule.startswith(rule)


def test_weights_typed_to_six_digits_sum_to_one():
    assert sr.Duration.mixture(tuple((w, FIXED) for w in (0.333333, 0.333333, 0.333334)))
    third = 1 / 3
    assert sr.Duration.mixture(((third, FIXED), (third, FIXED), (third, FIXED)))


# ---------------------------------------------------------------------------- ramps and hazards


def test_ramps():
    assert sr.RampUp() == sr.RampUp(shape="linear", ramp_days=0.0)
    for shape in ("linear", "s_curve", "exponential", "never"):
        assert sr.RampUp(shape=shape, ramp_days=30, max_share_of_outage=0.73).shape == shape
    assert sr.RampUp(shape="steps", ramp_days=30, levels=(1.0, 0.5, 0)).levels == (1.0, 0.5, 0)


@pytest.mark.parametrize(
    ("arguments", "field", "rule"),
    [
        ({"shape": "steps"}, "levels", "must be a tuple of at least one share for a ramp-up in st"),
        ({"shape": "steps", "levels": ()}, "levels", "must be a tuple of at least one share"),
        ({"shape": "steps", "levels": [0.5]}, "levels", "must be a tuple of at least one share"),
        ({"shape": "steps", "levels": (0.5, 1.5)}, "levels[1]", FRACTION),
        ({"levels": (0.5,)}, "levels", "must be given only for a ramp-up in steps"),
        (
            {"shape": "lineer"},
            "shape",
            "must be one of linear, s_curve, exponential, steps, never ",
        ),
        ({"ramp_days": 30, "ramp_sigma": 3.1}, "ramp_sigma", "must be a finite number >= 0 and <="),
        ({"ramp_sigma": 0.5}, "ramp_sigma", "must be 0 unless ramp_days, the median, is above 0"),
        (
            {"shape": "never", "ramp_days": 30, "ramp_sigma": 0.5},
            "ramp_sigma",
            "must be 0 where production never returns",
        ),
    ],
)
def test_ramps_refuse(arguments, field, rule):
    (fault,) = faults_of(sr.RampUp, **arguments)
    assert fault.field == field
    assert fault.rule.startswith(rule)


def test_a_rate_group_needs_a_shape():
    (fault,) = faults_of(sr.Hazard, rate_group="all")
    assert (fault.field, fault.rule) == ("rate_shape", "must be given with a rate_group")
    hazard = sr.Hazard(**SMALLEST[sr.Hazard], rate_group="all", rate_shape=17.5)
    assert hazard.rate_shape == 17.5


def with_severity(severity):
    return sr.Hazard(**SMALLEST[sr.Hazard], severity=severity)


def test_a_severity_is_a_number_or_pairs_of_weight_and_number():
    known = with_severity(0.9)
    assert known.severities == ((1.0, 0.9),)
    assert known.mean_severity == 0.9
    mixed = with_severity(((0.7, 1.0), (0.3, 0.5)))
    assert mixed.severity == ((0.7, 1.0), (0.3, 0.5))
    assert mixed.mean_severity == pytest.approx(0.85, rel=1e-15)  # 0.7 + 0.3 x 0.5
    assert with_severity(((1, 0.9),)).mean_severity == 0.9


@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.0, 1.0)), min_size=1, max_size=6),
)
def test_the_mean_severity_lies_between_the_least_and_the_most(pairs):
    total = sum(weight for weight, _ in pairs)
    hazard = with_severity(tuple((weight / total, severity) for weight, severity in pairs))
    levels = [severity for _, severity in pairs]
    assert min(levels) - 1e-12 <= hazard.mean_severity <= max(levels) + 1e-12
    assert sum(weight for weight, _ in hazard.severities) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("severity", "field", "rule", "value"),
    [
        ((), "severity", "must lie in [0, 1], or be a tuple of at least one pair of weight", ()),
        ([(1.0, 0.5)], "severity", "must lie in [0, 1], or be a tuple of", [(1.0, 0.5)]),
        ((0.7, 0.3), "severity[0]", "must be a pair of weight and severity", 0.7),
        (((1.0, 0.5, 0.2),), "severity[0]", "must be a pair of weight", (1.0, 0.5, 0.2)),
        (((0.7, 1.0), (0.0, 0.5)), "severity[1][0]", ABOVE_0, 0.0),
        (((0.7, 1.0), (float("nan"), 0.5)), "severity[1][0]", ABOVE_0, None),
        (((0.7, 1.0), (0.3, 1.5)), "severity[1][1]", FRACTION, 1.5),
        (((0.7, 1.0), (0.2, 0.5)), "severity", "must have weights that sum to 1", 0.7 + 0.2),
    ],
)
def test_severities_refuse(severity, field, rule, value):
    fault = faults_of(sr.Hazard, severity=severity)[0]
    assert fault.field == field
    assert fault.rule.startswith(rule)
    assert value is None or fault.value == value


def test_a_dated_event_has_one_severity():
    (fault,) = faults_of(sr.DisruptionEvent, severity=((1.0, 0.5),))
    assert (fault.field, fault.rule) == ("severity", FRACTION)


def test_a_rate_of_zero_is_a_rate():
    assert sr.Hazard(**{**SMALLEST[sr.Hazard], "rate_pa": 0}).rate_pa == 0


# --------------------------------------------------------------------------------------- events


def test_an_event_is_over_or_has_a_duration():
    over = {**SMALLEST[sr.DisruptionEvent], "duration": None, "ended": dt.date(2025, 4, 15)}
    assert sr.DisruptionEvent(**over).ended == dt.date(2025, 4, 15)
    for wrong in ({"duration": None}, {"ended": dt.date(2025, 4, 15)}):
        (fault,) = faults_of(sr.DisruptionEvent, **wrong)
        assert fault.field == "duration"
        assert fault.rule == "must be given for an event that has not ended, and only then"


def test_an_event_has_its_days_in_order():
    (fault,) = faults_of(sr.DisruptionEvent, duration=None, ended=dt.date(2025, 3, 12))
    assert fault == ("ended", "must not be before started (2025-03-13)", "2025-03-12")
    (fault,) = faults_of(sr.DisruptionEvent, announced=dt.date(2025, 3, 14))
    assert fault == ("announced", "must not be after started (2025-03-13)", "2025-03-14")
    same_day = {"duration": None, "ended": DAY, "announced": DAY}
    assert sr.DisruptionEvent(**{**SMALLEST[sr.DisruptionEvent], **same_day})


@pytest.mark.parametrize("field", ["started", "ended", "announced"])
@pytest.mark.parametrize("day", [dt.datetime(2025, 3, 13), "2025-03-13", 0, "", ()])  # noqa: DTZ001
def test_a_day_is_a_day(field, day):
    ended = {"duration": None, "ended": DAY} if field == "ended" else {}
    faults = faults_of(sr.DisruptionEvent, **{**ended, "announced": DAY, field: day})
    assert [fault for fault in faults if fault.field == field] == [(field, DATE, day)]


# -------------------------------------------------------------------------- markets and buyers


def test_a_market_quotes_its_last_price():
    plain = sr.Market(**SMALLEST[sr.Market])
    assert (plain.quote_usd_per_t, plain.quote_date) == (33_427, DAY)
    later = dataclasses.replace(
        plain, last_quote_usd_per_t=36_160, last_quote_date=dt.date(2025, 3, 14)
    )
    assert (later.quote_usd_per_t, later.quote_date) == (36_160, dt.date(2025, 3, 14))


@pytest.mark.parametrize(
    ("arguments", "field", "rule"),
    [
        (
            {"last_quote_usd_per_t": 1},
            "last_quote_usd_per_t and last_quote_date",
            "must be given t",
        ),
        ({"last_quote_date": DAY}, "last_quote_usd_per_t and last_quote_date", "must be given tog"),
        (
            {"last_quote_usd_per_t": 1, "last_quote_date": dt.date(2025, 3, 12)},
            "last_quote_date",
            "must not be before price_date (2025-03-13)",
        ),
        (
            {"last_quote_usd_per_t": 1, "last_quote_date": dt.datetime(2025, 3, 14)},  # noqa: DTZ001
            "last_quote_date",
            DATE,
        ),
        ({"elasticity_demand": -0.1}, "elasticity_demand and elasticity_supply", "must be given t"),
        ({"elasticity_supply": 0.1}, "elasticity_demand and elasticity_supply", "must be given to"),
        (
            {"elasticity_demand": 0, "elasticity_supply": 0.0},
            "elasticity_demand and elasticity_supply",
            "must not both be 0",
        ),
        (
            {"elasticity_demand": 0.1, "elasticity_supply": 0.1},
            "elasticity_demand",
            "must be a finite number <= 0",
        ),
        ({"choke_price_ratio": 1}, "choke_price_ratio", "must be a finite number > 1"),
        ({"recycled_tpa": 368_001}, "recycled_tpa", "must be at most supply_tpa (368000)"),
        (
            {"elasticity_demand": -0.1, "elasticity_supply": -0.1},
            "elasticity_supply",
            LEAST_0,
        ),
    ],
)
def test_markets_refuse(arguments, field, rule):
    (fault,) = faults_of(sr.Market, **arguments)
    assert fault.field == field
    assert fault.rule.startswith(rule)


def test_price_terms_by_their_constructors():
    assert sr.PriceTerms.spot() == sr.PriceTerms()
    assert sr.PriceTerms.spot(premium_usd_per_t=-50).premium_usd_per_t == -50
    collar = sr.PriceTerms.spot(floor_usd_per_t=20_000, cap_usd_per_t=20_000)
    assert (collar.floor_usd_per_t, collar.cap_usd_per_t) == (20_000, 20_000)
    fixed = sr.PriceTerms.fixed(price_usd_per_t=30_000)
    assert (fixed.kind, fixed.price_usd_per_t) == ("fixed", 30_000)
    assert (fixed.currency, fixed.usd_per_unit) == ("USD", 1.0)
    euros = sr.PriceTerms.fixed(price_usd_per_t=30_000, currency="EUR", usd_per_unit=1.08)
    assert (euros.currency, euros.usd_per_unit) == ("EUR", 1.08)
    indexed = sr.PriceTerms.indexed()
    assert indexed == sr.PriceTerms(kind="indexed")
    assert (indexed.averaging_days, indexed.lag_days) == (30.0, 0.0)
    whole = {
        "averaging_days": 90,
        "lag_days": 30,
        "premium_usd_per_t": -50,
        "floor_usd_per_t": 1,
        "cap_usd_per_t": 2,
    }
    indexed = sr.PriceTerms.indexed(**whole)
    assert {name: getattr(indexed, name) for name in whole} == whole


@pytest.mark.parametrize(
    ("arguments", "field", "rule"),
    [
        ({"kind": "fixed"}, "price_usd_per_t", ABOVE_0),
        ({"kind": "fixed", "price_usd_per_t": 0}, "price_usd_per_t", ABOVE_0),
        (
            {"kind": "fixed", "price_usd_per_t": 1, "premium_usd_per_t": 1},
            "premium_usd_per_t",
            "must be 0 for a fixed price",
        ),
        ({"price_usd_per_t": 1}, "price_usd_per_t", "must be given only for a fixed price"),
        ({"kind": "spott"}, "kind", "must be one of spot, fixed, indexed (did you mean 'spot'?)"),
        ({"kind": "indexd"}, "kind", "must be one of spot, fixed, indexed (did you mean 'indexed"),
        ({"kind": "indexed", "averaging_days": 0}, "averaging_days", ABOVE_0),
        ({"kind": "indexed", "lag_days": -1}, "lag_days", LEAST_0),
        (
            {"kind": "indexed", "price_usd_per_t": 1},
            "price_usd_per_t",
            "must be given only for a fixed price",
        ),
        ({"averaging_days": 5}, "averaging_days", "must be given only for an indexed price"),
        ({"lag_days": 5}, "lag_days", "must be given only for an indexed price"),
        ({**FIXED_PRICE, "lag_days": 5}, "lag_days", "must be given only for an indexed price"),
        (
            {"floor_usd_per_t": 2, "cap_usd_per_t": 1.5},
            "floor_usd_per_t",
            "must be at most cap_usd_per_t (1.5)",
        ),
        ({"floor_usd_per_t": float("nan"), "cap_usd_per_t": 1}, "floor_usd_per_t", ABOVE_0),
        (
            {**FIXED_PRICE, "floor_usd_per_t": 1},
            "floor_usd_per_t",
            "must be left out for a fixed price",
        ),
        (
            {**FIXED_PRICE, "cap_usd_per_t": 1},
            "cap_usd_per_t",
            "must be left out for a fixed price",
        ),
        ({"usd_per_unit": 1.1}, "usd_per_unit", "must be 1 for USD"),
        ({**FIXED_PRICE, "usd_per_unit": 0.9}, "usd_per_unit", "must be 1 for USD"),
        (
            {**FIXED_PRICE, "currency": "EUR"},
            "usd_per_unit",
            "must be given for EUR, and be other than 1, the rate of USD",
        ),
        ({**FIXED_PRICE, "currency": "EUR", "usd_per_unit": 0}, "usd_per_unit", ABOVE_0),
        ({**FIXED_PRICE, "currency": "EUR", "usd_per_unit": "1.1"}, "usd_per_unit", ABOVE_0),
        *(
            ({**FIXED_PRICE, "currency": name, "usd_per_unit": 1.1}, "currency", CURRENCY)
            for name in ("eur", "EURO", "EU", "€", "EUR\n", "", None, 5, ["EUR"])
        ),
        (
            {"kind": "indexed", "currency": "EUR", "usd_per_unit": 1.1},
            "currency",
            "must be 'USD' unless the price is fixed: the market price is in USD",
        ),
    ],
)
def test_price_terms_refuse(arguments, field, rule):
    (fault,) = faults_of(sr.PriceTerms, **arguments)
    assert fault.field == field
    assert fault.rule.startswith(rule)
    held = arguments.get(field, dataclasses.asdict(sr.PriceTerms())[field])
    assert fault.value == held or fault.value != fault.value  # a fault shows what was given


def test_shares_of_a_buyer_sum_to_at_most_one():
    def supply(share):
        return sr.Supply(scope=SITE, share=share)

    tenths = tuple(supply(0.1) for _ in range(10))  # sums to a little less than 1 in binary
    more = (supply(0.7), supply(0.2), supply(0.1))  # and this
    for sources in (tenths, more, (), (supply(1),)):
        assert sr.CommodityExposure(**SMALLEST[sr.CommodityExposure], sources=sources)
    (fault,) = faults_of(sr.CommodityExposure, sources=(supply(0.6), supply(0.5)))
    assert fault == ("sources", "must have shares that sum to at most 1", 1.1)
    (fault,) = faults_of(sr.CommodityExposure, sources=(supply(0.6), "COD"))
    assert fault == ("sources[1]", "must be a Supply", "COD")


# ------------------------------------------------------------- routes, smelters and policies


def test_defaults_of_the_chain():
    route = sr.Route(**SMALLEST[sr.Route])
    assert (route.share, route.capacity_tpa) == (1.0, None)
    smelter = sr.Smelter(**SMALLEST[sr.Smelter])
    assert (smelter.feed_days, smelter.psi, smelter.metal_yield) == (28.0, 0.8, 0.97)
    assert (smelter.alternative_share, smelter.alternative_lag_days) == (0.0, 90.0)
    assert sr.Smelter(**{**SMALLEST[sr.Smelter], "country": "ZZZ"}).country == "ZZZ"


def test_a_route_leads_elsewhere():
    assert faults_of(sr.Route, to_id="bisie") == (("to_id", "must not be from_id too", "bisie"),)
    assert [fault.field for fault in faults_of(sr.Route, from_id=None, to_id=None)] == [
        "from_id",
        "to_id",
    ]


@pytest.mark.parametrize("field", ["psi", "metal_yield"])
@pytest.mark.parametrize("wrong", [0, -0.1, 1.01, float("nan"), "0.5", True, None])
def test_a_share_above_0(field, wrong):
    (fault,) = faults_of(sr.Smelter, **{field: wrong})
    assert (fault.field, fault.rule) == (field, SHARE_ABOVE_0)
    assert getattr(sr.Smelter(**SMALLEST[sr.Smelter], **{field: 1}), field) == 1


def test_a_smelter_has_a_position_or_none():
    (fault,) = faults_of(sr.Smelter, longitude_deg=101.0)
    assert fault.field == "latitude_deg and longitude_deg"
    assert sr.Smelter(**SMALLEST[sr.Smelter], latitude_deg=3, longitude_deg=101.4)


def test_all_faults_of_a_smelter_come_at_once():
    wrong = {"capacity_tpa": -1, "feed_days": 0, "psi": 2, "alternative_lag_days": "soon"}
    faults = faults_of(sr.Smelter, **wrong)
    assert {fault.field: fault.value for fault in faults} == wrong


def test_a_contingent_policy_names_suppliers_and_no_other_does():
    contingent = {"kind": "contingent", "insured": "mill"}
    policy = sr.Policy(**{**SMALLEST[sr.Policy], **contingent, "suppliers": ("bisie",)})
    assert policy.suppliers == ("bisie",)
    assert faults_of(sr.Policy, **contingent) == (
        ("suppliers", "must name at least one site for 'contingent'", ()),
    )
    assert faults_of(sr.Policy, suppliers=("bisie",)) == (
        ("suppliers", "must be left out for 'business_interruption'", ("bisie",)),
    )


@pytest.mark.parametrize(
    ("arguments", "field", "rule"),
    [
        ({"kind": "contingant"}, "kind", "must be one of business_interruption, contingent (did "),
        ({"waiting_in": "day"}, "waiting_in", "must be one of days, average_daily_value (did you "),
        ({"perils": "strike"}, "perils", "must be a tuple of perils"),
        ({"perils": ["strike"]}, "perils", "must be a tuple of perils"),
        ({"perils": ("strikes",)}, "perils[0]", f"{PERILS} (did you mean 'strike'?)"),
        ({"perils": ("strike", 5)}, "perils[1]", PERILS),
        ({"perils": ("strike", sr.Peril.STRIKE)}, "perils", "must not name one twice"),
        ({"kind": "contingent", "suppliers": "bisie"}, "suppliers", "must be a tuple of site ids"),
        ({"kind": "contingent", "suppliers": ("a b",)}, "suppliers[0]", NAME),
        ({"kind": "contingent", "suppliers": ("a", None)}, "suppliers[1]", NAME),
        ({"kind": "contingent", "suppliers": ("a", "a")}, "suppliers", "must not name one twice"),
        ({"daily_value_usd": 0}, "daily_value_usd", ABOVE_0),
        ({"limit_usd": 0}, "limit_usd", ABOVE_0),
        ({"annual_limit_usd": float("inf")}, "annual_limit_usd", ABOVE_0),
        ({"premium_usd": -1}, "premium_usd", LEAST_0),
    ],
)
def test_policies_refuse(arguments, field, rule):
    (fault,) = faults_of(sr.Policy, **arguments)
    assert fault.field == field
    assert fault.rule.startswith(rule)


def test_policies_take():
    policy = sr.Policy(
        **SMALLEST[sr.Policy],
        perils=(sr.Peril.STRIKE, "accident"),
        waiting_in="average_daily_value",
        waiting_days=30,
        premium_usd=0,
    )
    same = sr.Policy(
        **SMALLEST[sr.Policy],
        perils=("strike", sr.Peril.ACCIDENT),
        waiting_in="average_daily_value",
        waiting_days=30.0,
        premium_usd=0.0,
    )
    assert policy == same
    assert hash(policy) == hash(same)


def test_defaults_of_a_buyer_and_a_market():
    buyer = sr.CommodityExposure(**SMALLEST[sr.CommodityExposure])
    assert (buyer.restocking_days, buyer.alternative_limit, buyer.qualification_days) == (24, 1, 0)
    assert (buyer.needs_assurance, buyer.penalty_usd_per_t) == (False, 0.0)
    assert buyer.hedge_days is buyer.product is buyer.budget_usd_per_t is None
    market = sr.Market(**SMALLEST[sr.Market])
    assert (market.recycled_tpa, market.restocking_days) == (0, 24)
    assert (market.supply_lag_days, market.most_extra_share) == (180, 0.1)
    full = sr.Market(**SMALLEST[sr.Market], recycled_tpa=np.float32(368_000))
    assert full.recycled_tpa == full.supply_tpa


# --------------------------------------------------------------------- sources and what happened


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", "HTTPS//x", "x", "", " http://"])
def test_a_source_lies_on_the_web(url):
    (fault,) = faults_of(sr.Source, url=url)
    assert fault == ("url", "must start with https:// or http://", url)
    for good in ("https://doi.org/10.5066/P13XCP3R", "http://x"):
        assert sr.Source(**SMALLEST[sr.Source], url=good).url == good


def observation(**changes):
    return sr.Observation(**{**SMALLEST[sr.Observation], **changes})


def test_observations_are_selected_by_quantity_and_subject_in_order_of_date():
    late, early = observation(date=dt.date(2025, 9, 30)), observation(date=dt.date(2025, 3, 31))
    other = observation(subject="sites.other")
    price = observation(quantity="price_usd_per_t")
    source = sr.Source(**SMALLEST[sr.Source])
    outcome = sr.Outcome(name="x", observations=(late, other, price, early), sources=(source,))
    assert outcome.select("output_t", "sites.bisie") == (early, late)
    assert outcome.select("output_t") == (other, early, late)
    assert outcome.select("nothing") == ()


def test_observations_name_their_sources():
    source = sr.Source(**SMALLEST[sr.Source])
    faults = faults_of(
        sr.Outcome,
        observations=(observation(), observation(source_id="ss"), observation(source_id="x-y")),
        sources=(source, source),
    )
    assert faults == (
        ("sources", "must not use a source_id twice", ["s", "s"]),
        ("observations[1].source_id", "must name a source of the file (did you mean 's'?)", "ss"),
        ("observations[2].source_id", "must name a source of the file", "x-y"),
    )


# ---------------------------------------------------------------------------------- the error


def test_faults_survive_pickling():
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.MineSite(**{**SMALLEST[sr.MineSite], "capacity_tpa": -1, "utilisation": 2})
    back = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert type(back) is sr.InvalidInputError
    assert back.faults == caught.value.faults
    assert str(back) == str(caught.value)
    assert copy.copy(caught.value).faults == caught.value.faults


def test_a_long_value_is_cut():
    (fault,) = faults_of(sr.MineSite, name=5, site_id="x" * 10 + "!" * 10_000)[:1]
    assert str(fault).endswith("!!!...")
    assert len(str(fault)) < 300


def test_a_message_lists_fifty_faults_and_counts_the_rest():
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.Duration.empirical(days=(-1.0,) * 60)
    assert len(caught.value.faults) == 60
    lines = str(caught.value).splitlines()
    assert lines[0] == "Empirical: 60 faults"
    assert lines[-1] == "  ... and 10 more"
    assert len(lines) == 52
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.Duration.empirical(days=(-1.0,) * 50)
    assert "more" not in str(caught.value)
