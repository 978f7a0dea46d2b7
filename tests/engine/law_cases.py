"""Small cases that Hypothesis makes up, and a rich one; the tests of laws load them."""

import datetime as dt
from dataclasses import fields, is_dataclass

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st

from supplyrisk.hazard.durations import survival
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
N = 48
ROUNDING = 1e-9
# Parts of a result that are rows of events, or sums over all futures.
OTHERWISE = {"rows", "sums", "buyer_steps", "balance_t", "supply_sum_t", "use_sum_t"}
# Each example is two simulations: half as many as elsewhere, whatever the profile.
fewer = settings(max_examples=settings().max_examples // 2)

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


def by_future(value, name="result"):
    """Names and arrays of a result, those with a row for each future."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from by_future(part, f"{name} {key}")
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in OTHERWISE:
                yield from by_future(getattr(value, field.name), f"{name} {field.name}")


def assert_same_bits(one, two, n=None):
    """Every array of two outlooks, or of the first n scenarios of each."""
    first, second = (dict(by_future(outlook.result)) for outlook in (one, two))
    assert first.keys() == second.keys()
    assert len(first) >= 3
    for name, values in first.items():
        np.testing.assert_array_equal(values[:n], second[name][:n], err_msg=name)


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
