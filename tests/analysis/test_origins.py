"""Bounds of origins: by hand, in closed form, against every corner, and by their laws."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.analysis._origin_program import Known, origin_shares

HELD = runpy.run_path(str(Path(__file__).with_name("origin_cases.py")))
Chain, case_of, chains = HELD["Chain"], HELD["case_of"], HELD["chains"]
by_greed, by_vertices = HELD["by_greed"], HELD["by_vertices"]

ONE = Chain(
    mines={"mine": 30.0, "other": 50.0},
    works={"works": (100.0, 1.0)},
    roads={("mine", "works"): 1.0},
    demand=80.0,
)
TWO = Chain(
    mines={"mine": 12.0},
    works={"pure": (10.0, 1.0), "poor": (20.0, 0.5)},
    roads={("mine", "pure"): 0.5},
    demand=15.0,
)


def slack(chain):
    return 1e-6 * chain.demand


# ------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize("demand", [1.0, 30.0, 50.0, 70.0, 75.0, 100.0])
def test_a_smelter_fed_for_three_tenths_by_the_mine(demand):
    bounds = replace(ONE, demand=demand).bounds().loc["mine"]
    assert bounds["least_t"] == pytest.approx(max(0.0, demand - 70.0))
    assert bounds["most_t"] == pytest.approx(min(demand, 30.0))
    assert bounds["least_share"] == pytest.approx(bounds["least_t"] / demand)
    assert bounds["most_share"] == pytest.approx(bounds["most_t"] / demand)


def test_a_mine_without_routes_may_fill_what_the_known_feed_leaves():
    assert replace(ONE, demand=75.0).bounds().loc["other"].tolist()[:2] == pytest.approx([0, 50])
    full = replace(ONE, mines={"mine": 85.0, "other": 50.0})
    assert full.bounds().loc["other"].tolist()[:2] == pytest.approx([0, 15])


def test_metal_lost_in_smelting_is_nobodys():
    bounds = replace(ONE, works={"works": (100.0, 0.8)}, demand=70.0).bounds().loc["mine"]
    assert bounds[["least_t", "most_t"]].tolist() == pytest.approx([70 - 0.8 * 70, 0.8 * 30])


def test_unknown_feed_goes_first_to_the_smelter_that_makes_the_most_of_it():
    # Else the smelters make 4 + 10; the mine fills one with 10 and the other with 2 at 50 %.
    assert TWO.bounds().loc["mine"].tolist()[:2] == pytest.approx([1.0, 11.0])


def test_known_shares_bind():
    # 9 from the one, of which 4 can be of others; 6 from the other, that all can be.
    # At most 9, with 3 of the 6 tonnes of unknown feed, and half of the other 3.
    sources = ((sr.Scope.smelter("pure"), 0.6), (sr.Scope.smelter("poor"), 0.4))
    bounds = replace(TWO, sources=sources).bounds()
    assert bounds.loc["mine"].tolist()[:2] == pytest.approx([5.0, 10.5])


def test_smelters_that_are_not_named_take_no_part():
    assert replace(TWO, demand=8.0).bounds("poor").loc["mine"].tolist()[:2] == pytest.approx([0, 3])


def test_named_smelters_stand_in_place_of_the_sources():
    sources = ((sr.Scope.smelter("pure"), 0.6), (sr.Scope.smelter("poor"), 0.4))
    pd.testing.assert_frame_equal(
        replace(TWO, sources=sources).bounds("pure", "poor"), TWO.bounds("poor", "pure", "pure")
    )


def test_what_the_sources_leave_open_may_come_from_anywhere():
    # 0.5 x 80 from the smelter, of which all can be of others; of the open 40 all or none.
    open_half = replace(ONE, sources=((sr.Scope.smelter("works"), 0.5),)).bounds()
    assert open_half.loc["mine"].tolist()[:2] == pytest.approx([0.0, 30.0])
    assert open_half.loc["other"].tolist()[:2] == pytest.approx([0.0, 50.0])
    market = ((sr.Scope.smelter("works"), 0.5), (sr.Scope.market("tin"), 0.5))
    pd.testing.assert_frame_equal(open_half, replace(ONE, sources=market).bounds())


def test_sources_that_are_origins_are_known():
    # 0.25 x 80 from the mine itself, and 60 from a smelter that others feed with 70.
    sources = ((sr.Scope.smelter("works"), 0.75), (sr.Scope.site("other"), 0.25))
    bounds = replace(ONE, sources=sources).bounds()
    assert bounds.loc["other"].tolist()[:2] == pytest.approx([20.0, 50.0])
    assert bounds.loc["mine"].tolist()[:2] == pytest.approx([0.0, 30.0])


def test_only_sites_of_the_buyers_commodity_are_listed():
    case = case_of(ONE)
    copper = sr.MineSite(
        site_id="pit", name="Pit", commodity="copper", country="CHL", capacity_tpa=9.0
    )
    case = replace(case, sites=(copper, *case.sites))
    bounds = sr.origin_bounds(case, "we", smelters={"works"})
    assert bounds.index.tolist() == ["idle", "mine", "other"]
    assert bounds.index.name == "site_id"
    assert bounds.columns.tolist() == ["least_t", "most_t", "least_share", "most_share"]
    assert (bounds.dtypes == "float64").all()


# ----------------------------------------------------------------------------- slow and sure ways


@given(chains(), st.data())
def test_closed_form_where_the_split_is_free(chain, data):
    mine = data.draw(st.sampled_from(list(chain.mines)))
    bounds = chain.bounds().loc[mine]
    assert bounds[["least_t", "most_t"]].tolist() == pytest.approx(
        by_greed(chain, mine), abs=slack(chain)
    )


@given(chains(shares=True))
def test_closed_form_of_the_least_where_shares_are_known(chain):
    bounds = chain.bounds()
    for mine in chain.mines:
        least, most = by_greed(chain, mine)
        assert bounds.loc[mine, "least_t"] == pytest.approx(least, abs=slack(chain))
        assert bounds.loc[mine, "most_t"] == pytest.approx(most, abs=slack(chain))


@settings(max_examples=10)
@given(chains(most=1), st.booleans())
def test_every_corner_of_one_mine_and_one_smelter(chain, shared):
    sources = ((sr.Scope.smelter("works-0"), 1.0),) if shared else ()
    bounds = replace(chain, sources=sources).bounds()
    expected = by_vertices(replace(chain, sources=sources), "mine-0")
    assert bounds.loc["mine-0"].tolist()[:2] == pytest.approx(expected, abs=slack(chain))


@pytest.mark.parametrize("sources", [(), (0.6, 0.4), (0.5, 0.5)])
def test_every_corner_of_two_smelters(sources):
    scopes = (sr.Scope.smelter("pure"), sr.Scope.smelter("poor"))
    chain = replace(TWO, sources=tuple(zip(scopes, sources, strict=False)))
    expected = by_vertices(chain, "mine")
    assert chain.bounds().loc["mine"].tolist()[:2] == pytest.approx(expected)


@pytest.mark.parametrize(
    "others",
    [
        ((0.25, {"other"}, False),),
        ((0.25, {"mine", "other"}, False),),
        ((0.25, {"mine", "other"}, True),),
        ((0.4, {"mine", "other"}, True),),
    ],
)
@pytest.mark.parametrize("mine", ["mine", "other"])
def test_every_corner_with_a_source_that_is_no_smelter(others, mine):
    share, mines, anywhere = others[0]
    land = sr.Scope.region("land", site_ids=sorted(mines))
    scope = sr.Scope.market("tin") if anywhere else land
    chain = Chain(
        mines={"mine": 30.0, "other": 15.0},
        works={"works": (60.0, 0.9)},
        roads={("mine", "works"): 0.8},
        demand=50.0,
        sources=((sr.Scope.smelter("works"), 1.0 - share), (scope, share)),
    )
    expected = by_vertices(chain, mine, others=others)
    assert chain.bounds().loc[mine].tolist()[:2] == pytest.approx(expected)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), free=st.booleans())
def test_merging_the_sites_that_nobody_asks_about_changes_nothing(seed, free):
    rng = np.random.default_rng(seed)
    n_sites, n_works, n_others = rng.integers(1, [6, 4, 3])
    n_others = 0 if free else n_others
    production = rng.uniform(0.0, 2.0, n_sites)
    parts = rng.dirichlet(np.full(n_works + 1, 0.5), n_sites)
    feed, unknown = parts[:, 1:] * production[:, np.newaxis], parts[:, 0] * production
    capacity = feed.sum(axis=0) + rng.uniform(0.5, 1.0, n_works) * 3.0
    shares = rng.dirichlet(np.ones(n_works + n_others))
    known = Known(
        production=production,
        unknown=unknown,
        feed=feed,
        capacity=capacity,
        metal_yield=rng.uniform(0.5, 1.0, n_works),
        share=None if free else shares,
        holds=rng.random((n_sites, n_others)) < 0.6,
        anywhere=rng.random(n_others) < 0.5,
    )
    fast, slow = origin_shares(known), origin_shares(known, merged=False)
    assert (fast is None) == (slow is None)
    if fast is not None:
        np.testing.assert_allclose(fast, slow, atol=1e-6)


# ------------------------------------------------------------------------------------------ laws


@given(st.booleans().flatmap(lambda shares: chains(shares=shares)))
def test_least_is_at_most_most_and_both_are_of_the_demand(chain):
    bounds = chain.bounds()
    assert (bounds["least_t"] >= 0.0).all()
    assert (bounds["least_t"] <= bounds["most_t"]).all()
    assert (bounds["most_t"] <= chain.demand).all()
    assert bounds["least_t"].sum() <= chain.demand + slack(chain)


@given(st.booleans().flatmap(lambda shares: chains(shares=shares)), st.floats(0.05, 1.0))
def test_more_demand_lowers_neither(chain, part):
    low, high = replace(chain, demand=part * chain.demand).bounds(), chain.bounds()
    assert (high[["least_t", "most_t"]] >= low[["least_t", "most_t"]] - slack(chain)).all(axis=None)


def narrower(inner, outer, room):
    return (inner["least_t"] >= outer["least_t"] - room).all() and (
        inner["most_t"] <= outer["most_t"] + room
    ).all()


@given(chains(shares=True))
def test_knowing_the_shares_narrows_the_bounds(chain):
    assert narrower(chain.bounds(), chain.bounds(*chain.works), slack(chain))


@given(chains(), st.data())
def test_knowing_a_route_narrows_the_bounds(chain, data):
    mine = data.draw(st.sampled_from(list(chain.mines)))
    works = data.draw(st.sampled_from(list(chain.works)))
    room = chain.works[works][0] - sum(chain.feed(other, works) for other in chain.mines)
    more = 0.99 * min(chain.unknown(mine), room) / chain.mines[mine] * data.draw(st.floats(0, 1))
    known = {(mine, works): chain.roads.get((mine, works), 0.0) + max(0.0, more)}
    knowing = replace(chain, roads=chain.roads | known)
    assert narrower(knowing.bounds(), chain.bounds(), slack(chain))


@given(chains())
def test_knowing_that_a_smelter_is_none_of_his_narrows_the_bounds(chain):
    fewer = list(chain.works)[:1]
    chain = replace(chain, demand=0.9 * np.prod(chain.works[fewer[0]]))
    assert narrower(chain.bounds(*fewer), chain.bounds(), slack(chain))


@given(st.booleans().flatmap(lambda shares: chains(shares=shares)), st.floats(0.1, 0.9))
def test_a_mine_lies_within_the_sums_of_its_halves(chain, part):
    whole = chain.bounds().loc["mine-0"]
    mines = {k: v for k, v in chain.mines.items() if k != "mine-0"}
    mines |= {"a": part * chain.mines["mine-0"], "b": (1.0 - part) * chain.mines["mine-0"]}
    roads = {
        (half, end): share
        for (origin, end), share in chain.roads.items()
        for half in (("a", "b") if origin == "mine-0" else (origin,))
    }
    halves = replace(chain, mines=mines, roads=roads).bounds().loc[["a", "b"]].sum()
    assert halves["least_t"] <= whole["least_t"] + slack(chain)
    assert halves["most_t"] >= whole["most_t"] - slack(chain)


@given(chains(), st.sampled_from([1e-3, 2.0, 1e5]))
def test_the_unit_of_mass_does_not_matter(chain, unit):
    scaled = replace(
        chain,
        mines={name: unit * tonnes for name, tonnes in chain.mines.items()},
        works={name: (unit * most, pure) for name, (most, pure) in chain.works.items()},
        demand=unit * chain.demand,
    ).bounds()
    bounds = chain.bounds()
    columns = ["least_share", "most_share"]
    np.testing.assert_allclose(scaled[columns], bounds[columns], atol=1e-7)
    np.testing.assert_allclose(scaled["most_t"], unit * bounds["most_t"], atol=unit * slack(chain))


@pytest.mark.parametrize("demand", [1e-3, 1.0, 1e3])
def test_a_small_buyer_of_a_large_smelter(demand):
    chain = Chain(
        mines={"mine": 90_000.0, "other": 2_000_000.0},
        works={"works": (100_000.0, 0.97)},
        roads={("mine", "works"): 1.0},
        demand=demand,
    )
    assert chain.bounds()["least_t"].tolist() == [0.0, 0.0]
    assert chain.bounds()["most_share"].tolist() == pytest.approx([1.0, 1.0])


# ---------------------------------------------------------------------------------------- faults


def fault(chain, *smelters, buyer="we"):
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.origin_bounds(case_of(chain), buyer, smelters=smelters or None)
    return str(caught.value)


def test_an_unknown_buyer_is_refused():
    said = fault(ONE, "works", buyer="wee")
    assert said == "origin_bounds: buyer_id must be one of we (did you mean 'we'?), got 'wee'"


def test_a_case_without_buyers_is_refused():
    with pytest.raises(sr.InvalidInputError, match=r"buyer_id must name a buyer .* it has none"):
        sr.origin_bounds(replace(case_of(ONE), exposures=()), "we", smelters=("works",))


def test_every_unknown_smelter_is_named_with_what_is_near():
    said = fault(TWO, "puer", "pure", "gold")
    assert "smelters[0] must be one of pure, poor (did you mean 'pure'?), got 'puer'" in said
    assert "smelters[2] must be one of pure, poor, got 'gold'" in said


def test_a_smelter_of_another_metal_is_unknown():
    copper = sr.Smelter(
        smelter_id="cu", name="Cu", commodity="copper", country="CHL", capacity_tpa=9.0
    )
    pit = sr.MineSite(
        site_id="pit", name="Pit", commodity="copper", country="CHL", capacity_tpa=9.0
    )
    road = sr.Route(route_id="belt", from_id="pit", to_id="cu", transit_days=10)
    case = case_of(ONE)
    case = replace(
        case,
        commodity="tin",
        smelters=(*case.smelters, copper),
        sites=(*case.sites, pit),
        routes=(*case.routes, road),
    )
    with pytest.raises(sr.InvalidInputError, match=r"must be one of works, got 'cu'"):
        sr.origin_bounds(case, "we", smelters=("cu",))


def test_no_smelter_known_is_refused():
    said = fault(ONE)
    assert "smelters must be named, here or among the sources of 'we'; the case has works" in said
    with pytest.raises(sr.InvalidInputError, match="the case has works"):
        sr.origin_bounds(case_of(ONE), "we", smelters=())


def test_a_case_without_smelters_is_refused():
    case = replace(case_of(ONE), smelters=(), routes=())
    with pytest.raises(sr.InvalidInputError, match="smelters of tin in the case, and it has none"):
        sr.origin_bounds(case, "we", smelters=("works",))


def test_a_name_that_is_no_tuple_is_refused():
    with pytest.raises(sr.InvalidInputError, match=r"in a tuple, such as \('works',\)"):
        sr.origin_bounds(case_of(ONE), "we", smelters="works")


def test_demand_that_the_smelters_cannot_make_is_refused():
    said = fault(replace(TWO, demand=21.0), "pure", "poor")
    assert "exposures.we.demand_tpa must be at most what his smelters can make" in said
    assert "(20 t/a: pure 10, poor 10), got 21.0" in said


def test_a_share_that_a_smelter_cannot_make_is_refused():
    sources = ((sr.Scope.smelter("pure"), 0.8), (sr.Scope.smelter("poor"), 0.2))
    said = fault(replace(TWO, sources=sources))
    assert "must ask of smelter 'pure' at most what it can make (10 t/a), got 12.0" in said


def test_a_share_that_its_sites_do_not_produce_is_refused():
    sources = ((sr.Scope.smelter("works"), 0.3), (sr.Scope.site("other"), 0.7))
    said = fault(replace(ONE, sources=sources))
    assert "exposures.we.sources must have shares that the planned production" in said


def test_demand_that_the_smelters_just_make_is_taken():
    assert replace(TWO, demand=20.0).bounds().loc["mine"].tolist()[:2] == pytest.approx([6, 11])


def test_what_is_no_case_is_a_type_error():
    with pytest.raises(TypeError, match="case must be of the class Case"):
        sr.origin_bounds("walikale-2025", "we", smelters=("works",))
