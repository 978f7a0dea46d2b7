"""Routes, smelters, scopes and policies fit the case that they stand in."""

import datetime as dt

import numpy as np
import pytest

import supplyrisk as sr

START = dt.date(2025, 3, 20)


def site(site_id="bisie", **fields):
    given = {"name": site_id, "commodity": "tin", "country": "COD", "capacity_tpa": 1_000.0}
    return sr.MineSite(site_id=site_id, **{**given, **fields})


def route(route_id="road", **fields):
    given = {"from_id": "bisie", "to_id": "msc", "transit_days": 45}
    return sr.Route(route_id=route_id, **{**given, **fields})


def smelter(smelter_id="msc", **fields):
    given = {"name": smelter_id, "commodity": "tin", "country": "MYS", "capacity_tpa": 2_000}
    return sr.Smelter(smelter_id=smelter_id, **{**given, **fields})


def market(commodity="tin", **fields):
    given = {
        "price_usd_per_t": 33_427,
        "price_date": START,
        "supply_tpa": 5_000,
        "demand_tpa": 5_000,
        "volatility_pa": 0.27,
    }
    return sr.Market(commodity=commodity, **{**given, **fields})


def buyer(buyer_id="mill", **fields):
    given = {"name": buyer_id, "commodity": "tin", "demand_tpa": 10}
    return sr.CommodityExposure(buyer_id=buyer_id, **{**given, **fields})


def hazard(scope, hazard_id="h", **fields):
    given = {"peril": "logistics", "rate_pa": 0.1, "duration": sr.Duration.fixed(days=30)}
    return sr.Hazard(hazard_id=hazard_id, scope=scope, **{**given, **fields})


def event(scope, **fields):
    given = {"peril": "logistics", "started": START, "duration": sr.Duration.fixed(days=30)}
    return sr.DisruptionEvent(event_id="e", scope=scope, **{**given, **fields})


def policy(**fields):
    given = {"insured": "bisie", "kind": "business_interruption", "daily_value_usd": 1e6}
    return sr.Policy(policy_id="p", name="P", **{**given, **fields})


WHOLE = {
    "sites": (site(), site("renison", country="AUS", capacity_tpa=500)),
    "routes": (
        route(),
        route("direct", from_id="renison", to_id="mill", share=0.25),
        route("detour", from_id="renison", to_id="tin", share=0),
        route("sea", from_id="msc", to_id="tin", transit_days=20),
    ),
    "smelters": (smelter(),),
    "markets": (market(),),
    "exposures": (buyer(),),
}


def case(**changes):
    return sr.Case(**{"name": "chain", "start": START, **WHOLE, **changes})


def faults_of(**changes):
    with pytest.raises(sr.InvalidInputError) as caught:
        case(**changes)
    return [tuple(fault) for fault in caught.value.faults]


def with_routes(*routes):
    """Return the routes of the example, some of them changed or added."""
    named = {part.route_id: part for part in (*WHOLE["routes"], *routes)}
    return {"routes": tuple(named.values())}


def test_the_example_is_a_case():
    assert [part.route_id for part in case().routes] == ["road", "direct", "detour", "sea"]
    assert case().smelters[0].smelter_id == "msc"
    assert sr.Case(name="x", start=START).routes == ()


# -------------------------------------------------------------------------- where routes lead


NOWHERE = "must name a smelter, a buyer or the commodity of a market of the case"
ORIGIN = "must name a site or a smelter of the case"


@pytest.mark.parametrize(
    ("ends", "field", "rule"),
    [
        ({"from_id": "bisi"}, "from_id", f"{ORIGIN} (did you mean 'bisie'?)"),
        ({"from_id": "mscc"}, "from_id", f"{ORIGIN} (did you mean 'msc'?)"),
        ({"from_id": "qqqq"}, "from_id", ORIGIN),
        ({"from_id": "tin"}, "from_id", ORIGIN),
        ({"from_id": "mill"}, "from_id", ORIGIN),
        ({"to_id": "mscc"}, "to_id", f"{NOWHERE} (did you mean 'msc'?)"),
        ({"to_id": "millr"}, "to_id", f"{NOWHERE} (did you mean 'mill'?)"),
        ({"to_id": "tinn"}, "to_id", f"{NOWHERE} (did you mean 'tin'?)"),
        ({"to_id": "qqqq"}, "to_id", NOWHERE),
        (
            {"to_id": "renison"},
            "to_id",
            "must not be a site: a route leads to a smelter, a buyer or a market",
        ),
    ],
)
def test_a_route_joins_places_of_the_case(ends, field, rule):
    new = route("new", **{"share": 0, **ends})
    assert faults_of(**with_routes(new)) == [(f"routes.new.{field}", rule, ends[field])]


def test_no_smelter_feeds_another():
    two = (smelter(), smelter("ptm", country="IDN"))
    feed = (route("a", share=0.4), route("b", to_id="ptm", share=0.4))
    assert case(smelters=two, routes=feed)
    stray = route("stray", from_id="msc", to_id="ptm")
    assert faults_of(smelters=two, routes=(*feed, stray)) == [
        (
            "routes.stray.to_id",
            "must be a buyer or the commodity of a market: no smelter feeds another",
            "ptm",
        )
    ]


def test_a_route_keeps_its_commodity():
    gold = site("cadia", commodity="gold", country="AUS")
    tin = {"commodity": "tin"}
    for end in ("msc", "mill", "tin"):
        new = route("new", from_id="cadia", to_id=end, share=0)
        rule = "must be of the commodity of 'cadia' (gold), not of tin"
        assert faults_of(sites=(*WHOLE["sites"], gold), **with_routes(new), **tin) == [
            ("routes.new.to_id", rule, end)
        ]


@pytest.mark.parametrize(
    ("changes", "field", "rule", "value"),
    [
        (
            {"sites": (*WHOLE["sites"], site("msc"))},
            "smelters.msc.smelter_id",
            "must not be the id of a site too",
            "msc",
        ),
        (
            {"exposures": (*WHOLE["exposures"], buyer("msc"))},
            "smelters.msc.smelter_id",
            "must not be the id of a buyer too",
            "msc",
        ),
        (
            {"markets": (*WHOLE["markets"], market("msc"))},
            "smelters.msc.smelter_id",
            "must not be the commodity of a market too",
            "msc",
        ),
        (
            {"exposures": (*WHOLE["exposures"], buyer("tin"))},
            "exposures.tin.buyer_id",
            "must not be the commodity of a market too",
            "tin",
        ),
    ],
)
def test_an_id_that_a_route_may_name_is_of_one_place(changes, field, rule, value):
    assert (field, rule, value) in faults_of(**changes)


def test_a_case_without_a_chain_may_name_a_buyer_as_it_likes():
    assert case(routes=(), smelters=(), exposures=(buyer("tin"),))


# --------------------------------------------------------------------------------- what flows


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.1), (0.1,) * 10, (1 / 3,) * 3, (0, 1), (0.5,)])
def test_shares_of_a_place_may_sum_to_one(shares):
    routes = (route(f"r{n}", to_id="tin", share=share) for n, share in enumerate(shares))
    assert case(routes=tuple(routes), smelters=())


def test_shares_of_a_place_sum_to_at_most_one():
    ((field, rule, value),) = faults_of(**with_routes(route("more", to_id="tin", share=0.01)))
    assert (field, value) == ("routes", pytest.approx(1.01))
    assert rule == "must have shares that sum to at most 1 where they leave 'bisie'"
    faults = faults_of(
        **with_routes(
            route("more", to_id="tin"),
            route("out", from_id="msc", to_id="mill", share=0.5),
        )
    )
    assert [(field, value) for field, _, value in faults] == [("routes", 2.0), ("routes", 1.5)]


@pytest.mark.parametrize("route_id", ["road", "sea", "direct"])
@pytest.mark.parametrize("part", [1.0, 0.99])
def test_a_route_carries_what_is_planned(route_id, part):
    held = {part.route_id: part for part in WHOLE["routes"]}[route_id]
    planned = {"road": 1_000.0, "sea": 970.0, "direct": 125.0}[route_id]
    new = sr.Route(
        route_id=route_id,
        from_id=held.from_id,
        to_id=held.to_id,
        transit_days=held.transit_days,
        share=held.share,
        capacity_tpa=planned * part,
    )
    if part == 1.0:
        assert case(**with_routes(new))
        return
    assert faults_of(**with_routes(new)) == [
        (
            f"routes.{route_id}.capacity_tpa",
            f"must be at least the planned flow ({planned:g} t/a)",
            planned * part,
        )
    ]


def test_a_standby_route_may_be_of_any_capacity():
    assert case(**with_routes(route("standby", to_id="tin", share=0, capacity_tpa=1e-9)))


UNFED = "must be fed: some route with a share above 0 must lead to it"


def test_a_smelter_is_fed():
    assert faults_of(routes=()) == [("smelters.msc", UNFED, "msc")]
    assert faults_of(smelters=(smelter(), smelter("ptm"))) == [("smelters.ptm", UNFED, "ptm")]
    standby = with_routes(route("standby", to_id="ptm", share=0))
    assert faults_of(smelters=(smelter(), smelter("ptm")), **standby) == [
        ("smelters.ptm", UNFED, "ptm")
    ]


def test_a_smelter_takes_what_is_planned():
    assert case(smelters=(smelter(capacity_tpa=1_000),))
    rule = "must be at least the planned feed (1000 t/a)"
    assert faults_of(smelters=(smelter(capacity_tpa=999),)) == [
        ("smelters.msc.capacity_tpa", rule, 999)
    ]
    both = with_routes(route("more", from_id="renison", share=0.5))
    rule = "must be at least the planned feed (1250 t/a)"
    assert faults_of(smelters=(smelter(capacity_tpa=1_000),), **both) == [
        ("smelters.msc.capacity_tpa", rule, 1_000)
    ]
    assert case(sites=(site(utilisation=0.5), site("renison")), smelters=(smelter(),), **both)


# -------------------------------------------------------------------------------------- steps


def test_a_step_resolves_the_shortest_transit():
    rule = "must be at most the transit of route {} d), which a longer step cannot resolve"
    short = with_routes(
        route(transit_days=4.5), route("sea", from_id="msc", transit_days=4, to_id="tin")
    )
    assert faults_of(**short) == [("step_days", rule.format("'sea' (4"), 5)]
    assert case(step_days=1, **short)
    assert faults_of(**with_routes(route(transit_days=np.float32(0.5)))) == [
        ("step_days", rule.format("'road' (0.5"), 5)
    ]
    for days in (0, 0.0, 5, 5.0):
        assert case(**with_routes(route(transit_days=days)))


def test_steps_fill_the_horizon_of_a_chain():
    rule = "must be a multiple of step_days (5) in a case with routes or smelters"
    assert faults_of(horizon_days=366) == [("horizon_days", rule, 366)]
    assert case(horizon_days=np.int16(365), step_days=np.int8(5))
    routes = (route(to_id="tin"),)
    assert faults_of(horizon_days=366, smelters=(), routes=routes) == [("horizon_days", rule, 366)]
    assert case(horizon_days=366, smelters=(), routes=())


def test_feed_lasts_a_step():
    assert case(step_days=5, smelters=(smelter(feed_days=6.25),))
    assert faults_of(smelters=(smelter(feed_days=6.2),)) == [
        ("smelters.msc.feed_days", "must be at least step_days / psi (5 / 0.8 = 6.25 d)", 6.2)
    ]
    assert case(smelters=(smelter(feed_days=5, psi=1),))


@pytest.mark.parametrize(
    ("collection", "part"),
    [
        ("markets", market(restocking_days=19.9)),
        ("exposures", buyer(restocking_days=19.9)),
    ],
)
def test_restocking_takes_four_steps_in_a_chain(collection, part):
    name = {"markets": "tin", "exposures": "mill"}[collection]
    rule = "must be at least 4 steps (20 d): a shorter one overshoots"
    assert faults_of(**{collection: (part,)}) == [
        (f"{collection}.{name}.restocking_days", rule, 19.9)
    ]
    assert case(**{collection: (part,), "routes": (), "smelters": ()})
    assert case(step_days=np.int8(1), **{collection: (part,)})


def test_a_long_step_needs_slow_stocks():
    routes = (route(transit_days=73), route("sea", from_id="msc", to_id="tin", transit_days=73))
    faults = faults_of(step_days=73, routes=routes)
    assert [field for field, _, _ in faults] == [
        "smelters.msc.feed_days",
        "markets.tin.restocking_days",
        "exposures.mill.restocking_days",
    ]


# ------------------------------------------------------------------------------------- scopes


@pytest.mark.parametrize("make", [hazard, event])
@pytest.mark.parametrize(
    ("scope", "rule"),
    [
        (sr.Scope.route("raod"), "must name a route of the case (did you mean 'road'?)"),
        (sr.Scope.route("bisie"), "must name a route of the case"),
        (sr.Scope.smelter("mscc"), "must name a smelter of the case (did you mean 'msc'?)"),
        (sr.Scope.smelter("bisie"), "must name a smelter of the case"),
        (sr.Scope.site("msc"), "must name a site of the case"),
        (sr.Scope.country("MYS"), "must be the country of a site"),
    ],
)
def test_an_event_hits_something(make, scope, rule):
    collection = {hazard: "hazards", event: "events"}[make]
    part = make(scope)
    name = "h" if make is hazard else "e"
    assert faults_of(**{collection: (part,)}) == [(f"{collection}.{name}.scope", rule, scope.name)]


@pytest.mark.parametrize("make", [hazard, event])
def test_events_hit_routes_and_smelters(make):
    collection = {hazard: "hazards", event: "events"}[make]
    for scope in (sr.Scope.route("road"), sr.Scope.smelter("msc"), sr.Scope.country("COD")):
        assert case(**{collection: (make(scope),)})
    for effect in ("export", "assurance", "tax"):
        assert case(**{collection: (make(sr.Scope.country("MYS"), effect=effect),)})
        ((field, rule, value),) = faults_of(
            **{collection: (make(sr.Scope.country("MYT"), effect=effect),)}
        )
        assert field.endswith(".scope")
        assert rule == "must be the country of a site or a smelter (did you mean 'MYS'?)"
        assert value == "MYT"


def test_without_a_chain_no_route_and_no_smelter_is_hit():
    bare = {"routes": (), "smelters": ()}
    for scope, what in ((sr.Scope.route("road"), "route"), (sr.Scope.smelter("msc"), "smelter")):
        rule = f"must name a {what} of the case, and it has none"
        assert faults_of(hazards=(hazard(scope),), **bare) == [
            ("hazards.h.scope", rule, scope.name)
        ]


def test_a_scope_of_an_export_ban_needs_no_chain():
    ban = event(sr.Scope.country("COD"), effect="export", peril="export_restriction")
    assert case(events=(ban,), routes=(), smelters=())


def bought(scope, **fields):
    return {"exposures": (buyer(sources=(sr.Supply(scope=scope, share=0.5),), **fields),)}


@pytest.mark.parametrize(
    ("scope", "rule"),
    [
        (sr.Scope.smelter("mscc"), "must name a smelter of the case (did you mean 'msc'?)"),
        (sr.Scope.market("lead"), "must be the market of the buyer's commodity (tin)"),
        (sr.Scope.smelter("gold-mill"), "must hold a smelter of tin"),
        (sr.Scope.country("MYS"), "must be the country of a site"),
    ],
)
def test_a_source_holds_the_metal_of_the_buyer(scope, rule):
    gold = {
        "commodity": "tin",
        "sites": (*WHOLE["sites"], site("cadia", commodity="gold", country="AUS")),
        "smelters": (*WHOLE["smelters"], smelter("gold-mill", commodity="gold")),
        "markets": (*WHOLE["markets"], market("lead"), market("gold")),
        **with_routes(route("gold", from_id="cadia", to_id="gold-mill", share=1)),
    }
    if scope.name == "gold-mill":  # it is of a size
        assert case(**gold)
    assert faults_of(**{**gold, **bought(scope)}) == [
        ("exposures.mill.sources[0].scope", rule, scope.name)
    ]


def test_a_buyer_has_sources_of_every_kind():
    for scope in (sr.Scope.smelter("msc"), sr.Scope.market("tin"), sr.Scope.site("bisie")):
        assert case(**bought(scope))


def test_two_markets_of_a_commodity_are_named_as_such():
    assert faults_of(markets=(market(), market(price_usd_per_t=1))) == [
        ("markets.tin.commodity", "must not be used twice: a commodity has one market", "tin")
    ]


# ----------------------------------------------------------------------------------- policies


CONTINGENT = {"kind": "contingent", "insured": "mill", "suppliers": ("bisie", "renison")}


def test_policies_of_the_case():
    assert case(policies=(policy(),)).policies[0].insured == "bisie"
    assert case(policies=(policy(**CONTINGENT),))


@pytest.mark.parametrize(
    ("fields", "field", "rule", "value"),
    [
        (
            {"insured": "bisi"},
            "insured",
            "must name a site of the case for 'business_interruption' (did you mean 'bisie'?)",
            "bisi",
        ),
        (
            {"insured": "mill"},
            "insured",
            "must name a site of the case for 'business_interruption'",
            "mill",
        ),
        (
            {**CONTINGENT, "insured": "bisie"},
            "insured",
            "must name a buyer of the case for 'contingent'",
            "bisie",
        ),
        (
            {**CONTINGENT, "insured": "mil"},
            "insured",
            "must name a buyer of the case for 'contingent' (did you mean 'mill'?)",
            "mil",
        ),
        (
            {**CONTINGENT, "suppliers": ("bisie", "renisson")},
            "suppliers[1]",
            "must name a site of the case (did you mean 'renison'?)",
            "renisson",
        ),
        (
            {**CONTINGENT, "suppliers": ("msc",)},
            "suppliers[0]",
            "must name a site of the case",
            "msc",
        ),
    ],
)
def test_policies_insure_something(fields, field, rule, value):
    assert faults_of(policies=(policy(**fields),)) == [(f"policies.p.{field}", rule, value)]


# ------------------------------------------------------------------------------ size and extremes


def test_all_faults_of_a_chain_come_at_once():
    faults = faults_of(
        horizon_days=364,
        routes=(*WHOLE["routes"], route("stray", from_id="bisi", to_id="nowhere", transit_days=1)),
        smelters=(smelter(feed_days=1, capacity_tpa=1), smelter("ptm")),
        markets=(market(restocking_days=1),),
        hazards=(hazard(sr.Scope.route("qqq")),),
        policies=(policy(insured="qqq"),),
    )
    assert [field for field, _, _ in faults] == [
        "horizon_days",
        "step_days",
        "smelters.msc.capacity_tpa",
        "smelters.ptm",
        "hazards.h.scope",
        "routes.stray.from_id",
        "routes.stray.to_id",
        "smelters.msc.feed_days",
        "markets.tin.restocking_days",
        "policies.p.insured",
    ]


EXTREME = [1e308, 10**308, np.float32(3e38), np.float16(6e4), np.float64(1e-300), 5e-324]


@pytest.mark.parametrize(
    "tonnes", EXTREME, ids=lambda tonnes: f"{type(tonnes).__name__}-{tonnes:g}"
)
def test_extreme_numbers_are_judged_without_a_slip(tonnes):
    sites = (site(capacity_tpa=tonnes), site("renison", capacity_tpa=tonnes))
    routes = (
        route(capacity_tpa=tonnes, transit_days=1e308),
        route("two", from_id="renison", transit_days=10**308),
        route("out", from_id="msc", to_id="tin"),
    )
    large = smelter(capacity_tpa=1.7e308, feed_days=1e308, psi=1e-300)
    small = smelter(capacity_tpa=np.float64(5e-324), feed_days=1e308, psi=5e-324)
    if float(tonnes) < 1e300:
        assert case(sites=sites, routes=routes, smelters=(large,))
    faults = faults_of(sites=sites, routes=routes, smelters=(small,))
    assert [field for field, _, _ in faults] == [
        "smelters.msc.capacity_tpa",
        "smelters.msc.feed_days",
    ]


def test_a_large_chain_is_judged_quickly():
    n = 2_000
    sites = tuple(site(f"s{i}") for i in range(n))
    routes = tuple(route(f"r{i}", from_id=f"s{i}", to_id=f"m{i}") for i in range(n))
    smelters = tuple(smelter(f"m{i}") for i in range(n))
    assert case(sites=sites, routes=routes, smelters=smelters)
    faults = faults_of(sites=sites, routes=routes, smelters=())
    assert len(faults) == n
