"""Laws that every simulation obeys, on small cases made up by Hypothesis."""

import datetime as dt
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supplyrisk import metrics
from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine import blocks, results
from supplyrisk.engine import outlook as outlook_module
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import StreamTable
from supplyrisk.hazard.durations import survival
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
N = 48
ROUNDING = 1e-9
# Each example is two simulations: half as many as elsewhere, whatever the profile.
fewer = settings(max_examples=settings().max_examples // 2)

# --- Small cases ----------------------------------------------------------------------------

medians = st.floats(2.0, 300.0)
durations = st.one_of(
    st.builds(
        lambda m, s: Duration.lognormal(median_days=m, sigma=s), medians, st.floats(0.2, 2.0)
    ),
    st.builds(lambda k, s: Duration.weibull(shape=k, scale_days=s), st.floats(0.5, 2.5), medians),
    st.builds(lambda m: Duration.exponential(mean_days=m), medians),
)
lengths = st.one_of(st.just(0.0), st.floats(0.01, 90.0))
# The levels of a ramp-up in steps fall: where they rise, a longer outage may lose less.
ramps = st.one_of(
    st.builds(
        RampUp,
        shape=st.sampled_from(["linear", "s_curve", "exponential"]),
        ramp_days=lengths,
        max_share_of_outage=st.one_of(st.none(), st.just(0.0), st.floats(0.01, 2.0)),
    ),
    st.builds(
        RampUp,
        shape=st.sampled_from(["linear", "s_curve", "exponential"]),
        ramp_days=st.floats(0.01, 90.0),
        ramp_sigma=st.floats(0.0, 3.0),
        max_share_of_outage=st.one_of(st.none(), st.just(0.0), st.floats(0.01, 2.0)),
    ),
    st.builds(
        lambda days, levels: RampUp(
            shape="steps", ramp_days=days, levels=tuple(sorted(levels, reverse=True))
        ),
        lengths,
        st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4),
    ),
    st.just(RampUp(shape="never")),
)
severities = st.one_of(st.just(1.0), st.floats(0.05, 1.0))
mixed_severities = st.builds(
    lambda weight, one, other: ((weight, one), (1.0 - weight, other)),
    st.floats(0.1, 0.9),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
countries = {"a": "COD", "b": "COD", "c": "PER"}


def site(site_id, capacity_tpa=1000.0, n_units=1, country=None):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country=country or countries[site_id],
        capacity_tpa=capacity_tpa,
        n_units=n_units,
    )


scopes = st.sampled_from(
    [
        Scope.site("a"),
        Scope.site("c"),
        Scope.country("COD"),
        Scope.region("r", site_ids=("b", "c")),
    ]
)


@st.composite
def hazards(draw, hazard_id):
    shape = draw(st.one_of(st.none(), st.floats(0.3, 5.0)))
    return Hazard(
        hazard_id=hazard_id,
        peril=draw(st.sampled_from(list(Peril))),
        scope=draw(scopes),
        rate_pa=draw(st.floats(0.0, 4.0)),
        duration=draw(durations),
        severity=draw(severities | mixed_severities),
        ramp_up=draw(ramps),
        rate_shape=shape,
        hit_probability=draw(st.one_of(st.just(1.0), st.floats(0.0, 1.0))),
        shared_duration=draw(st.booleans()),
    )


@st.composite
def dated(draw, event_id):
    age = draw(st.integers(-60, 60))
    started = START - dt.timedelta(days=age)
    duration = draw(durations)
    assume(float(survival(duration, max(age, 0))) > 0.0)  # or it cannot be running still
    return DisruptionEvent(
        event_id=event_id,
        peril=Peril.OTHER,
        scope=draw(scopes),
        started=started,
        announced=min(started, START),
        duration=duration,
        severity=draw(severities),
        ramp_up=draw(ramps),
        probability=draw(st.floats(0.0, 1.0)) if age < 0 else 1.0,
    )


@st.composite
def cases(draw, *, ages=True):
    sizes = st.floats(1.0, 5000.0)
    # Sites and hazards stand in an order other than that of their ids.
    return Case(
        name="law",
        start=START,
        horizon_days=draw(st.integers(60, 365)),
        step_days=draw(st.sampled_from([5, 7, 30, 400])),
        sites=(
            site("c", draw(sizes), draw(st.integers(1, 4))),
            site("a", draw(sizes), draw(st.integers(1, 4))),
            site("b", draw(sizes)),
        ),
        hazards=tuple(draw(hazards(name)) for name in draw(st.sampled_from(["h", "zy", "xyz"]))),
        events=(draw(dated("e")),) if ages and draw(st.booleans()) else (),
    )


MARKET = Market(
    commodity="tin",
    price_usd_per_t=33_000.0,
    price_date=START - dt.timedelta(days=30),
    supply_tpa=20_000.0,
    demand_tpa=20_000.0,
    volatility_pa=0.27,
)
BUYER = CommodityExposure(
    buyer_id="buyer",
    name="Buyer",
    commodity="tin",
    demand_tpa=100.0,
    sources=(
        Supply(scope=Scope.country("COD"), share=0.6),
        Supply(scope=Scope.site("c"), share=0.3),
    ),
    inventory_days=5.0,
    margin_usd_per_t=1000.0,
)
RICH = Case(
    name="rich",
    start=START,
    step_days=15,
    sites=(site("c", 900.0), site("a", 400.0, 3), site("b", 250.0)),
    hazards=(
        Hazard(
            hazard_id="wide",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            rate_pa=1.5,
            duration=Duration.lognormal(median_days=40, sigma=1.2),
            ramp_up=RampUp(ramp_days=30),
            rate_shape=1.0,
            rate_group="g",
            hit_probability=0.7,
            shared_duration=False,
        ),
        Hazard(
            hazard_id="other",
            peril=Peril.ACCIDENT,
            scope=Scope.site("a"),
            rate_pa=2.0,
            duration=Duration.mixture(
                ((0.5, Duration.exponential(mean_days=9)), (0.5, Duration.fixed(days=90)))
            ),
            severity=0.8,
            rate_shape=1.0,
            rate_group="g",
        ),
    ),
    events=(
        DisruptionEvent(
            event_id="running",
            peril=Peril.ARMED_CONFLICT,
            scope=Scope.site("c"),
            started=START - dt.timedelta(days=7),
            duration=Duration.lognormal(median_days=136, sigma=1.81),
            ramp_up=RampUp(shape="s_curve", ramp_days=34, max_share_of_outage=0.73),
        ),
        DisruptionEvent(
            event_id="announced",
            peril=Peril.STRIKE,
            scope=Scope.site("b"),
            announced=START,
            started=START + dt.timedelta(days=30),
            duration=Duration.exponential(mean_days=50),
            probability=0.5,
        ),
    ),
    markets=(MARKET,),
    exposures=(BUYER,),
)


def never_lower(more, less):
    return (more >= less - ROUNDING * (1.0 + np.abs(less))).all()


def assert_same_bits(one, two, n=None):
    """Every array of two outlooks, or of the first n scenarios of each."""
    for name in ("lost_t", "largest_loss_t", "supply_t", "price_usd_per_t", "peak_price_usd_per_t"):
        a, b = getattr(one.result, name), getattr(two.result, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a[:n], b[:n])
    assert one.result.buyers.keys() == two.result.buyers.keys()
    for buyer, lost in one.result.buyers.items():
        other = two.result.buyers[buyer]
        for name in ("cost_usd", "cost_against_budget_usd", "shortage_t", "lost_margin_usd"):
            np.testing.assert_array_equal(getattr(lost, name)[:n], getattr(other, name)[:n])


def rows_of(outlook, threats=None, sites=None, columns=None):
    """Rows of the event loss table as plain values, some threats and sites only."""
    table = outlook.events()
    for name in ("threat", "kind", "peril", "site_id"):
        table[name] = table[name].astype(object)
    if threats is not None:
        table = table[table["threat"].isin(threats)]
    if sites is not None:
        table = table[table["site_id"].isin(sites)]
    drawn = ["scenario", "threat", "site_id", "start_days", "outage_days", "ramp_days", "severity"]
    return table[columns or drawn].reset_index(drop=True)


# --- Bounds ---------------------------------------------------------------------------------


@fewer
@given(case=cases(), seed=st.integers(0, 2**64))
def test_supply_stays_between_nothing_and_the_plan(case, seed):
    outlook = simulate(case, N, rng=seed)
    plan, supply = outlook.plan, outlook.result.supply_t
    planned = plan.production_t_per_day.sum() * np.diff(plan.edges_days)
    assert (supply <= planned * (1.0 + ROUNDING)).all()
    assert (supply >= -ROUNDING * planned).all()
    np.testing.assert_allclose(
        outlook.lost_t, plan.planned_t - supply.sum(axis=1), atol=ROUNDING * plan.planned_t
    )
    assert never_lower(outlook.lost_t, outlook.largest_loss_t)
    assert (outlook.largest_loss_t >= 0.0).all()
    availability = outlook.sites["availability"]
    assert availability.between(-ROUNDING, 1.0 + ROUNDING).all()


@fewer
@given(case=cases())
def test_each_event_loses_no_more_than_it_would_alone(case):
    events = simulate(case, N, rng=7, keep="events").events()
    slack = ROUNDING * (1.0 + events["alone_t"])
    assert (events["lost_t"] <= events["alone_t"] + slack).all()
    assert (events["lost_t"] >= -slack).all()


@fewer
@given(case=cases(), seed=st.integers(0, 100))
def test_without_hazards_and_events_exactly_nothing_is_lost(case, seed):
    calm = replace(case, hazards=(), events=(), markets=(MARKET,))
    outlook = simulate(calm, N, rng=seed, keep="events")
    assert (outlook.lost_t == 0.0).all()
    assert (outlook.largest_loss_t == 0.0).all()
    assert outlook.lost_t.dtype == outlook.largest_loss_t.dtype == np.float64
    plan = outlook.plan
    planned = plan.production_t_per_day.sum() * np.diff(plan.edges_days)
    assert (outlook.result.supply_t == planned).all()
    assert (outlook.sites["availability"] == 1.0).all()
    assert len(outlook.events()) == 0


def test_a_rate_of_nothing_loses_nothing():
    calm = RICH.without("events.running", "events.announced").with_values(
        {"hazards.wide.rate_pa": 0.0, "hazards.other.rate_pa": 0.0}
    )
    assert (simulate(calm, N, rng=7).lost_t == 0.0).all()


# --- Monotone on common random numbers ------------------------------------------------------

SCALE = {"lognormal": "median_days", "weibull": "scale_days", "exponential": "mean_days"}


@fewer
@given(case=cases(), factor=st.floats(1.0, 10.0), seed=st.integers(0, 100))
def test_longer_outages_never_lower_a_loss(case, factor, seed):
    values = {}
    for kind, parts in (("hazards", case.hazards), ("events", case.events)):
        for part in parts:
            name = getattr(part, "hazard_id", None) or part.event_id
            field = SCALE[part.duration.family]
            values[f"{kind}.{name}.duration.{field}"] = getattr(part.duration, field) * factor
    longer = simulate(case.with_values(values), N, rng=seed)
    assert never_lower(longer.lost_t, simulate(case, N, rng=seed).lost_t)


@fewer
@given(case=cases(), factor=st.floats(1.0, 20.0), seed=st.integers(0, 100))
def test_higher_severity_never_lowers_a_loss(case, factor, seed):
    values = {
        f"hazards.{h.hazard_id}.severity": tuple(
            (weight, min(1.0, severity * factor)) for weight, severity in h.severities
        )
        for h in case.hazards
    } | {f"events.{e.event_id}.severity": min(1.0, e.severity * factor) for e in case.events}
    less, more = simulate(case, N, rng=seed), simulate(case.with_values(values), N, rng=seed)
    assert never_lower(more.lost_t, less.lost_t)
    assert never_lower(more.largest_loss_t, less.largest_loss_t)
    assert never_lower(less.result.supply_t, more.result.supply_t)


@fewer
@given(case=cases(), weight=st.floats(0.0, 1.0), worse=st.floats(0.0, 1.0), seed=st.integers(0, 9))
def test_a_likelier_worse_severity_never_lowers_a_loss(case, weight, worse, seed):
    # A share of the weight moves to a severity that is at least as high as the highest.
    def shifted(hazard):
        top = max(severity for _, severity in hazard.severities)
        kept = tuple((w * (1.0 - weight), m) for w, m in hazard.severities if weight < 1.0)
        moved = ((weight, top + (1.0 - top) * worse),) if weight > 0.0 else ()
        return kept + moved

    values = {f"hazards.{h.hazard_id}.severity": shifted(h) for h in case.hazards}
    less, more = simulate(case, N, rng=seed), simulate(case.with_values(values), N, rng=seed)
    assert never_lower(more.lost_t, less.lost_t)


@fewer
@given(case=cases(), days=lengths, seed=st.integers(0, 100))
def test_longer_ramp_ups_never_lower_a_loss(case, days, seed):
    values = {
        f"hazards.{h.hazard_id}.ramp_up.ramp_days": h.ramp_up.ramp_days + days for h in case.hazards
    }
    less, more = simulate(case, N, rng=seed), simulate(case.with_values(values), N, rng=seed)
    assert never_lower(more.lost_t, less.lost_t)


@fewer
@given(case=cases(), factor=st.floats(1.0, 10.0), which=st.sampled_from("abc"))
def test_a_larger_site_never_lowers_a_loss(case, factor, which):
    path = f"sites.{which}.capacity_tpa"
    larger = case.with_values({path: case.site(which).capacity_tpa * factor})
    less, more = simulate(case, N, rng=7), simulate(larger, N, rng=7)
    assert never_lower(more.lost_t, less.lost_t)
    assert never_lower(more.largest_loss_t, less.largest_loss_t)


@fewer
@given(case=cases(), hit=st.floats(0.0, 1.0))
def test_likelier_hits_never_lower_a_loss(case, hit):
    values = {
        f"hazards.{h.hazard_id}.hit_probability": max(hit, h.hit_probability) for h in case.hazards
    }
    less, more = simulate(case, N, rng=7), simulate(case.with_values(values), N, rng=7)
    assert never_lower(more.lost_t, less.lost_t)


@fewer
@given(case=cases(), factor=st.floats(0.01, 100.0))
def test_losses_scale_with_production(case, factor):
    scaled = case.with_values(
        {f"sites.{s.site_id}.capacity_tpa": s.capacity_tpa * factor for s in case.sites}
    )
    small, large = simulate(case, N, rng=7), simulate(scaled, N, rng=7)
    size = factor * small.plan.planned_t
    for name in ("lost_t", "largest_loss_t", "supply_t"):
        a, b = getattr(small.result, name), getattr(large.result, name)
        np.testing.assert_allclose(b, factor * a, rtol=1e-9, atol=1e-12 * size)


@fewer
@given(case=cases(), share=st.floats(0.05, 1.0))
def test_utilisation_and_capacity_are_one_product(case, share):
    by_use = case.with_values({f"sites.{s.site_id}.utilisation": share for s in case.sites})
    by_size = case.with_values(
        {f"sites.{s.site_id}.capacity_tpa": s.capacity_tpa * share for s in case.sites}
    )
    assert_same_bits(simulate(by_use, N, rng=7), simulate(by_size, N, rng=7))


@pytest.mark.parametrize("hazard_id", ["wide", "other"])
def test_more_rate_never_lowers_a_loss_quantile_beyond_statistical_error(hazard_id):
    path = f"hazards.{hazard_id}.rate_pa"
    outcomes = [
        simulate(RICH.with_values({path: rate}), 4_000, rng=seed).lost_t
        for seed, rate in enumerate((0.1, 1.0, 2.0, 4.0))
    ]
    for less, more in itertools.pairwise(outcomes):
        for level in (0.1, 0.5, 0.9, 0.99):
            low = metrics.value_at_risk_interval(less, level=level, confidence=0.999).low
            high = metrics.value_at_risk_interval(more, level=level, confidence=0.999).high
            assert high >= low
        assert more.mean() > less.mean()


# --- Order, and what is added ---------------------------------------------------------------


@fewer
@given(case=cases(), order=st.permutations(range(3)))
def test_the_order_of_sites_hazards_and_events_does_not_matter(case, order):
    def shuffled(parts):
        return tuple(parts[place] for place in order if place < len(parts))

    priced = replace(case, markets=(MARKET,), exposures=(BUYER,))
    other = replace(
        priced,
        sites=shuffled(case.sites),
        hazards=shuffled(case.hazards),
        events=shuffled(case.events),
    )
    one, two = (simulate(c, N, rng=7, keep="events") for c in (priced, other))
    assert_same_bits(one, two)
    pd.testing.assert_frame_equal(one.sites, two.sites)
    pd.testing.assert_frame_equal(one.events(), two.events())
    pd.testing.assert_frame_equal(one.summary(), two.summary())


@fewer
@given(case=cases(), data=st.data())
def test_adding_a_hazard_leaves_the_events_of_the_others_unchanged(case, data):
    new = data.draw(hazards("m-new"))  # its id sorts between the others
    more = replace(case, hazards=(new, *case.hazards))
    names = [h.hazard_id for h in case.hazards] + [e.event_id for e in case.events]
    one, two = (simulate(c, N, rng=7, keep="events") for c in (case, more))
    order = ["threat", "scenario", "site_id", "start_days"]
    columns = [*order, "number", "outage_days", "ramp_days", "severity", "alone_t"]
    before, after = (
        rows_of(o, names, columns=columns).sort_values(order, ignore_index=True) for o in (one, two)
    )
    pd.testing.assert_frame_equal(before, after)
    assert never_lower(two.lost_t, one.lost_t)


@fewer
@given(case=cases(), country=st.sampled_from(["COD", "PER", "IDN"]))
def test_adding_a_site_leaves_the_events_of_the_others_unchanged(case, country):
    more = replace(case, sites=(site("aa", 77.0, country=country), *case.sites))
    one, two = (simulate(c, N, rng=7, keep="events") for c in (case, more))
    columns = ["scenario", "threat", "site_id", "start_days", "outage_days", "severity", "lost_t"]
    pd.testing.assert_frame_equal(
        rows_of(one, columns=columns), rows_of(two, sites=list("abc"), columns=columns)
    )


def test_removing_a_part_leaves_the_noise_of_the_price_unchanged():
    calm = RICH.without("hazards.wide", "hazards.other", "events.running", "events.announced")
    quiet = calm.with_values({"markets.tin.volatility_pa": 0.0})
    noise = simulate(calm, N, rng=7).price_usd_per_t() / simulate(quiet, N, rng=7).price_usd_per_t()
    silent = RICH.with_values({"markets.tin.volatility_pa": 0.0})
    again = (
        simulate(RICH, N, rng=7).price_usd_per_t() / simulate(silent, N, rng=7).price_usd_per_t()
    )
    np.testing.assert_allclose(noise, again, rtol=1e-12)


# --- Seeds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 7, 2**63, 2**100, np.int64(5)])
def test_same_seed_same_bits(seed):
    one, two = (simulate(RICH, N, rng=seed, keep="events") for _ in range(2))
    assert_same_bits(one, two)
    pd.testing.assert_frame_equal(one.events(), two.events())
    pd.testing.assert_frame_equal(one.summary(), two.summary())
    pd.testing.assert_frame_equal(one.steps, two.steps)
    pd.testing.assert_frame_equal(one.exposures, two.exposures)
    assert one.provenance.seed == seed


def test_seeds_differ():
    outcomes = [simulate(RICH, N, rng=seed).lost_t for seed in (0, 1, 2**63, 2**63 + 1)]
    for place, one in enumerate(outcomes):
        for two in outcomes[place + 1 :]:
            assert (one != two).mean() > 0.5


def test_every_name_seed_and_block_has_a_stream_of_its_own():
    names = [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""), ("c", "ab"), ("ab|1:c",)]
    blocks = [(1, 11), (11, 1), (1, 1), (111, 1)]
    streams = [StreamTable(seed).block(block) for seed, block in blocks]
    first = {stream.stream(*name).integers(2**63) for stream in streams for name in names}
    assert len(first) == len(streams) * len(names)
    again = streams[0].stream("ab", "c").random(9)
    known = StreamTable(1, names).block(11)  # a name that is listed has the same stream
    np.testing.assert_array_equal(again[:4], known.stream("ab", "c").random(4))


def test_no_seed_is_a_fresh_one_that_can_be_told():
    one, two = simulate(RICH, N), simulate(RICH, N)
    assert one.provenance.seed != two.provenance.seed
    assert_same_bits(one, simulate(RICH, N, rng=one.provenance.seed))


def test_a_generator_gives_one_seed_for_each_run():
    rng = np.random.default_rng(3)
    one, two = simulate(RICH, N, rng=rng), simulate(RICH, N, rng=rng)
    again = simulate(RICH, N, rng=np.random.default_rng(3))
    assert_same_bits(one, again)
    assert (one.lost_t != two.lost_t).any()
    assert_same_bits(one, simulate(RICH, N, rng=one.provenance.seed))


def test_scenarios_do_not_resemble_each_other():
    lost = simulate(RICH, 4_000, rng=7).lost_t
    lagged = np.corrcoef(lost[:-1], lost[1:])[0, 1]
    assert abs(lagged) < 4.5 / np.sqrt(4_000)


# --- Prefixes and blocks --------------------------------------------------------------------


@fewer
@given(case=cases(), n=st.integers(2, 40), more=st.integers(1, 60))
def test_the_first_scenarios_are_the_same_for_a_larger_number(case, n, more):
    few, many = (
        simulate(case, n, rng=7, keep="events"),
        simulate(case, n + more, rng=7, keep="events"),
    )
    assert_same_bits(few, many, n)
    table = rows_of(many)
    pd.testing.assert_frame_equal(rows_of(few), table[table["scenario"] < n])


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (blocks, outlook_module, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
    monkeypatch.setattr(blocks, "N_KEPT", 40)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n", [2, 15, 16, 17, 31, 33])
def test_the_first_scenarios_are_the_same_across_blocks(n):
    few, many = (simulate(RICH, k, rng=7, keep="events") for k in (n, 80))
    assert_same_bits(few, many, n)
    table = rows_of(many)
    pd.testing.assert_frame_equal(rows_of(few), table[table["scenario"] < n])
    dates = [START, START + dt.timedelta(days=91), START + dt.timedelta(days=182)]
    np.testing.assert_array_equal(
        few.production_t("a", dates, noise=0.05), many.production_t("a", dates, noise=0.05)[:n]
    )


@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_futures_of_their_own():
    outlook = simulate(RICH, 80, rng=7, keep="events")
    first, second = outlook.lost_t[:16], outlook.lost_t[16:32]
    assert (first != second).mean() > 0.5
    by_scenario = outlook.events().groupby("scenario")["lost_t"].sum()
    by_scenario = by_scenario.reindex(range(80), fill_value=0.0)
    np.testing.assert_allclose(by_scenario, outlook.lost_t, atol=ROUNDING * outlook.plan.planned_t)
    assert outlook.provenance.block_size == 16


@pytest.mark.usefixtures("small_blocks")
def test_paths_are_kept_of_the_first_scenarios_only():
    outlook = simulate(RICH, 80, rng=7)
    assert outlook.result.supply_t.shape == outlook.price_usd_per_t().shape == (40, 25)
    assert outlook.steps.attrs["n_scenarios"] == 40
    assert outlook.peak_price_usd_per_t().shape == outlook.lost_t.shape == (80,)
    few = simulate(RICH, 40, rng=7)
    pd.testing.assert_frame_equal(outlook.steps, few.steps)


@pytest.mark.verification
def test_the_first_scenarios_are_the_same_across_a_real_block():
    few, many = simulate(RICH, 17_000, rng=7), simulate(RICH, 20_500, rng=7)
    assert_same_bits(few, many, 17_000)
    assert many.price_usd_per_t().shape == (20_000, 25)


@pytest.mark.verification
@settings(max_examples=500)
@given(case=cases(), factor=st.floats(1.0, 10.0), seed=st.integers(0, 2**32))
def test_longer_outages_never_lower_a_loss_on_many_more_cases(case, factor, seed):
    test_longer_outages_never_lower_a_loss.hypothesis.inner_test(case, factor, seed)


# --- Contributions --------------------------------------------------------------------------


@fewer
@given(case=cases(), by=st.sampled_from(["site", "country", "peril", "threat"]))
def test_contributions_sum_to_the_mean_and_the_tail(case, by):
    outlook = simulate(case, N, rng=7)
    parts = outlook.contributions(by)
    tail = metrics.tail_value_at_risk(outlook.lost_t, level=0.95)
    close = {"rel": 1e-9, "abs": ROUNDING * outlook.plan.planned_t}
    assert parts["expected_t"].sum() == pytest.approx(outlook.lost_t.mean(), **close)
    assert parts["tail_t"].sum() == pytest.approx(tail, **close)
    assert (parts["tail_t"].diff().dropna() <= 0.0).all()
    sites = outlook.sites
    assert sites["expected_lost_t"].sum() == pytest.approx(outlook.lost_t.mean(), **close)
    assert sites["tail_contribution_t"].sum() == pytest.approx(tail, **close)


# --- The bundled case -----------------------------------------------------------------------


def test_walikale_is_the_same_twice():
    one, two = (
        simulate(load_case("walikale-2025"), n_scenarios=500, rng=7, keep="events")
        for _ in range(2)
    )
    assert_same_bits(one, two)
    for name in ("sites", "steps", "exposures"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    for name in ("summary", "contributions", "events"):
        pd.testing.assert_frame_equal(getattr(one, name)(), getattr(two, name)())
    zero = simulate(load_case("walikale-2025"), n_scenarios=500, rng=0)
    assert zero.provenance.seed == 0
    assert (zero.lost_t != one.lost_t).any()
