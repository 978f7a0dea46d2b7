"""What drives a buyer's worst futures, and whether he outlives his sources: closed forms, loops."""

import datetime as dt

import numpy as np
import pytest

from supplyrisk import metrics
from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.chain import Route, Smelter
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)


def mine(site_id, country="COD"):
    return MineSite(
        site_id=site_id, name=site_id, commodity="tin", country=country, capacity_tpa=365.0
    )


def hazard(scope, *, rate_pa=1.0, mean_days=60.0, name=None, **more):
    return Hazard(
        hazard_id=name or f"stops-{scope.name}",
        peril=Peril.STRIKE,
        scope=scope,
        rate_pa=rate_pa,
        duration=Duration.exponential(mean_days=mean_days),
        **more,
    )


def buyer(*sources, inventory_days=30.0, **more):
    return CommodityExposure(
        buyer_id="smith",
        name="Smith",
        commodity="tin",
        demand_tpa=100.0,
        sources=tuple(Supply(scope=scope, share=share) for scope, share in sources),
        inventory_days=inventory_days,
        **more,
    )


def case(buyers, *, sites=None, hazards=(), events=(), **more):
    market = Market(
        commodity="tin",
        price_usd_per_t=30_000.0,
        price_date=START,
        supply_tpa=4_000.0,
        demand_tpa=4_000.0,
        volatility_pa=0.2,
    )
    return Case(
        name="buyers",
        start=START,
        commodity="tin",
        step_days=5,
        sites=sites or (mine("a"), mine("b", "PER"), mine("c")),
        hazards=hazards,
        events=events,
        markets=(market,),
        exposures=buyers,
        **more,
    )


# --- Time to survive, time to recover ---------------------------------------------------------


def test_the_chance_that_an_outage_outlasts_the_stock_is_that_of_a_thinned_poisson_process():
    """P = 1 - exp(-rate exp(-s / mean)) for outages of an exponential length; s = stock / share."""
    source = Scope.site("a")
    futures = 20_000
    outlook = simulate(case((buyer((source, 0.5)),), hazards=(hazard(source),)), futures, rng=2)
    row = outlook.survival("smith").loc["a"]
    assert row["time_to_survive_days"] == 60.0
    expected = 1.0 - np.exp(-np.exp(-60.0 / 60.0))
    z = (row["probability_longer"] - expected) / np.sqrt(expected * (1 - expected) / futures)
    assert abs(z) < 4.0
    assert row["probability_longer_ci_low"] < row["probability_longer"]
    struck = 1.0 - np.exp(-1.0)
    z = (row["probability_struck"] - struck) / np.sqrt(struck * (1 - struck) / futures)
    assert abs(z) < 4.0
    assert row["time_to_recover_days"] == pytest.approx(60.0 * np.log(2.0), rel=0.05)


def test_a_running_outage_counts_from_today():
    """Memoryless: what remains of it is exponential again, whatever its age."""
    running = DisruptionEvent(
        event_id="runs",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        started=START - dt.timedelta(days=500),
        duration=Duration.exponential(mean_days=60.0),
    )
    futures = 20_000
    outlook = simulate(case((buyer((Scope.site("a"), 0.5)),), events=(running,)), futures, rng=2)
    row = outlook.survival("smith").loc["a"]
    expected = np.exp(-1.0)
    z = (row["probability_longer"] - expected) / np.sqrt(expected * (1 - expected) / futures)
    assert abs(z) < 4.0
    assert row["probability_struck"] == 1.0


def test_what_stops_a_whole_country_is_one_outage_of_all_its_mines():
    """Half the country for 100 days takes as much as all of it for 50."""
    for scope, days, longer in (
        (Scope.site("a"), 100.0, 0.0),  # half of his share of 0.6: 30 days of use
        (Scope.country("COD"), 49.0, 0.0),
        (Scope.country("COD"), 51.0, 1.0),
    ):
        stop = DisruptionEvent(
            event_id="stop",
            peril=Peril.STRIKE,
            scope=scope,
            announced=START,
            started=START + dt.timedelta(days=10),
            duration=Duration.fixed(days=days),
        )
        source = buyer((Scope.country("COD"), 0.6), inventory_days=30.5)
        outlook = simulate(case((source,), events=(stop,)), 2, rng=1)
        assert outlook.survival("smith").loc["COD", "probability_longer"] == longer


def test_the_last_row_is_any_of_the_sources():
    sources = ((Scope.site("a"), 0.5), (Scope.site("b"), 0.25))
    hazards = tuple(hazard(scope) for scope, _ in sources)
    table = simulate(case((buyer(*sources),), hazards=hazards), 5_000, rng=2).survival("smith")
    assert table.index.tolist() == ["a", "b", "any of them"]
    each = table.loc[["a", "b"], "probability_longer"]
    assert each.max() <= table.loc["any of them", "probability_longer"] <= each.sum()
    assert table.loc["any of them", "share"] == 0.75
    assert table.loc["any of them", "time_to_survive_days"] == 60.0


def test_closed_ways_to_a_source_count_too():
    chain = {
        "smelters": (
            Smelter(smelter_id="s", name="S", commodity="tin", country="MYS", capacity_tpa=365.0),
        ),
        "routes": (Route(route_id="road", from_id="a", to_id="s", transit_days=10),),
    }
    shut = hazard(Scope.route("road"))
    for scope in (Scope.site("a"), Scope.smelter("s")):
        outlook = simulate(case((buyer((scope, 0.5)),), hazards=(shut,), **chain), 500, rng=2)
        row = outlook.survival("smith").iloc[0]
        assert 0.2 < row["probability_longer"] < row["probability_struck"] < 0.7
        drivers = outlook.drivers("smith", by="threat")
        assert set(drivers.index) <= {"stops-road", "(nothing lost)"}


# --- What drives the tail ---------------------------------------------------------------------

HAZARDS = (
    hazard(Scope.site("a"), rate_pa=0.5, mean_days=100.0),
    hazard(Scope.site("b"), rate_pa=0.3, mean_days=200.0),
    hazard(Scope.country("COD"), rate_pa=0.2, mean_days=50.0, name="ban"),
)


@pytest.fixture(scope="module")
def outlook():
    smith = buyer((Scope.site("a"), 0.5), margin_usd_per_t=50_000.0, alternative_limit=0.2)
    return simulate(case((smith,), hazards=HAZARDS), 3_000, rng=5, keep="events")


@pytest.mark.parametrize("by", ["site", "country", "peril", "threat"])
def test_parts_sum_to_the_tail_mean_of_cost_and_margin(outlook, by):
    lost = outlook.result.buyers["smith"]
    tail = metrics.tail_value_at_risk(lost.cost_usd + lost.lost_margin_usd, level=0.95)
    table = outlook.drivers("smith", by=by)
    assert table["tail_usd"].sum() == pytest.approx(tail, rel=1e-12)
    assert table["tail_share"].sum() == pytest.approx(1.0)
    assert (table["tail_ci_low"] <= table["tail_usd"]).all()


def test_parts_agree_with_a_loop_over_the_events(outlook):
    lost = outlook.result.buyers["smith"]
    whole = lost.cost_usd + lost.lost_margin_usd
    worst = np.argsort(-whole, kind="stable")[:150]  # 5 % of 3,000: no future counts in part
    events = outlook.events()
    expected = dict.fromkeys("abc", 0.0)
    for future in worst.tolist():
        tonnes = events[events["scenario"] == future].groupby("site_id", observed=True)["lost_t"]
        tonnes = tonnes.sum()
        own = tonnes[tonnes.index == "a"]
        own = own if own.sum() > 0.0 else tonnes
        for usd, by_site in ((lost.cost_usd, tonnes), (lost.lost_margin_usd, own)):
            for site, part in (by_site / by_site.sum()).items():
                expected[site] += usd[future] * part / 150
    found = outlook.drivers("smith")["tail_usd"]
    assert {site: found[site] for site in "abc"} == pytest.approx(expected, rel=1e-9)


def test_what_the_price_knew_drives_nothing():
    known = DisruptionEvent(
        event_id="old",
        peril=Peril.STRIKE,
        scope=Scope.site("c"),
        started=START - dt.timedelta(days=30),
        duration=Duration.exponential(mean_days=400.0),
    )
    smith = buyer((Scope.site("a"), 0.5))
    outlook = simulate(case((smith,), hazards=HAZARDS[:2], events=(known,)), 2_000, rng=5)
    assert set(outlook.drivers("smith").index) <= {"a", "b", "(nothing lost)"}


def test_futures_in_which_nothing_is_lost_have_a_part_of_their_own():
    outlook = simulate(case((buyer(),)), 200, rng=1)
    table = outlook.drivers("smith")
    assert table.empty or table.index.tolist() == ["(nothing lost)"]


def test_unknown_names_are_refused_with_what_there_is(outlook):
    with pytest.raises(InvalidInputError, match=r"buyer_id must be one of smith .*got 'smit'"):
        outlook.drivers("smit")
    with pytest.raises(InvalidInputError, match=r"by must be one of site, country, peril, threat"):
        outlook.drivers("smith", by="mine")
    with pytest.raises(InvalidInputError, match=r"buyer_id must be one of smith"):
        outlook.survival("jones")


# --- Sources of every kind ----------------------------------------------------------------------


def test_a_buyer_without_named_sources_has_none_to_outlive():
    at_large = (Scope.market("tin"), 1.0)
    for sources in ((), (at_large,)):
        outlook = simulate(case((buyer(*sources),), hazards=HAZARDS), 50, rng=1)
        row = outlook.survival("smith").loc["any of them"]
        assert row[["share", "probability_struck", "probability_longer"]].tolist() == [0.0] * 3
        assert row["time_to_survive_days"] == np.inf


@pytest.mark.parametrize("standby", [False, True])
@pytest.mark.parametrize("closes", [False, True])
def test_a_smelter_is_struck_where_its_mines_are(standby, closes):
    """Half of mine a's metal goes to the smelter: P = 1 - exp(-rate exp(-s / mean)), as of a."""
    routes = [Route(route_id="road", from_id="a", to_id="s", transit_days=10, share=0.5)]
    if standby:
        routes.append(Route(route_id="z", from_id="a", to_id="tin", transit_days=10, share=0.0))
    works = Smelter(smelter_id="s", name="S", commodity="tin", country="MYS", capacity_tpa=365.0)
    hazards = (hazard(Scope.site("a")), hazard(Scope.site("b")))
    if closes:  # with a rate of 0: the market looks at ways all the same
        hazards = (*hazards, hazard(Scope.route("road"), rate_pa=0.0))
    smith = buyer((Scope.smelter("s"), 0.5), margin_usd_per_t=1e6, alternative_limit=0.0)
    chain = {"routes": tuple(routes), "smelters": (works,)}
    outlook = simulate(case((smith,), hazards=hazards, **chain), 5_000, rng=2)
    row = outlook.survival("smith").loc["s"]
    expected = 1.0 - np.exp(-np.exp(-60.0 / 60.0))
    z = (row["probability_longer"] - expected) / np.sqrt(expected * (1 - expected) / 5_000)
    assert abs(z) < 4.0
    assert outlook.drivers("smith").index[0] == "a"


def test_an_outage_that_was_over_strikes_nobody():
    over = DisruptionEvent(
        event_id="over",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        started=START - dt.timedelta(days=90),
        ended=START - dt.timedelta(days=30),
    )
    outlook = simulate(case((buyer((Scope.site("a"), 0.5)),), events=(over,)), 10, rng=1)
    row = outlook.survival("smith").loc["a"]
    assert row["probability_struck"] == 0.0
    assert np.isnan(row["time_to_recover_days"])


def test_a_mine_that_never_returns_never_recovers():
    lost = hazard(Scope.site("a"), rate_pa=5.0, ramp_up=RampUp(shape="never"))
    sources = ((Scope.site("a"), 0.0), (Scope.site("b"), 0.5))
    table = simulate(case((buyer(*sources),), hazards=(lost,)), 200, rng=1).survival("smith")
    assert table.loc["a", "time_to_recover_days"] == np.inf
    assert table["probability_longer"].tolist() == [0.0, 0.0, 0.0]
    whole = simulate(case((buyer((Scope.site("a"), 1.0)),), hazards=(lost,)), 200, rng=1)
    row = whole.survival("smith").loc["a"]
    assert row["probability_longer"] == row["probability_struck"] > 0.9


def test_an_outage_of_several_sites_takes_what_each_of_them_misses():
    """Against a loop over the events: lengths of their own, and two sources hit at once."""
    both = Scope.region("both", site_ids=("a", "b"))
    stops = hazard(both, shared_duration=False, hit_probability=0.8)
    smith = buyer((both, 0.4), (Scope.site("b"), 0.5), inventory_days=40.0)
    outlook = simulate(case((smith,), hazards=(stops,)), 500, rng=3, keep="events")
    table = outlook.survival("smith")
    parts = {"both": {"a": 0.2, "b": 0.2}, "b": {"b": 0.5}, "any of them": {"a": 0.2, "b": 0.7}}
    for name, part in parts.items():
        longer = set()
        for (future, _), rows in outlook.events().groupby(["scenario", "number"]):
            taken = sum(
                part.get(site, 0.0) * days
                for site, days in zip(rows["site_id"], rows["outage_days"], strict=True)
            )
            if taken > 40.0:
                longer.add(future)
        assert table.loc[name, "probability_longer"] == pytest.approx(len(longer) / 500, abs=1e-12)


def test_parts_of_a_gain_are_shares_of_it():
    """All futures gain as a closed mine that the price knows comes back."""
    known = DisruptionEvent(
        event_id="old",
        peril=Peril.STRIKE,
        scope=Scope.site("c"),
        started=START - dt.timedelta(days=30),
        duration=Duration.fixed(days=60.0),
    )
    outlook = simulate(case((buyer((Scope.site("a"), 0.5)),), events=(known,)), 100, rng=1)
    table = outlook.drivers("smith")
    assert table["tail_usd"].sum() < 0.0
    assert table["tail_share"].tolist() == [1.0]
