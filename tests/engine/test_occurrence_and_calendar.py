"""The two bases against each other, and each event on both against its formula."""

import datetime as dt
import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope

HERE = Path(__file__)
CALENDAR = runpy.run_path(str(HERE.with_name("law_cases.py")))
YEARS = runpy.run_path(str(HERE.with_name("occurrence_cases.py")))
START, site, any_case = (CALENDAR[name] for name in ("START", "site", "cases"))
year_cases, fewer = (YEARS[name] for name in ("cases", "fewer"))
HORIZON = 365
N = 300
END = math.exp(-3.0)
DRAWN = ["start_days", "outage_days", "ramp_days", "severity"]
PLAIN_COLUMNS = ["threat", "kind", "peril", "site_id"]


def both(case, n, seed, **more):
    return (simulate(case, n, rng=seed, basis=b, **more) for b in ("calendar", "occurrence"))


def rows_of(outlook, *keys):
    """The event loss table in the order of its keys, names as plain values."""
    table = outlook.events()
    return table.astype(dict.fromkeys(PLAIN_COLUMNS, object)).sort_values(
        list(keys), ignore_index=True
    )


# --- Dated events that meet neither each other nor the horizon: path by path -----------------


@st.composite
def lengths(draw, longest):
    """An outage and a ramp-up that together end before `longest` days."""
    longest_outage = draw(st.floats(0.05, 1.0)) * longest
    left = longest - longest_outage
    days = draw(st.floats(0.1, 500.0))
    outage = draw(
        st.sampled_from(
            [
                Duration.lognormal(median_days=days, sigma=1.3, max_days=longest_outage),
                Duration.weibull(shape=0.7, scale_days=days, max_days=longest_outage),
                Duration.exponential(mean_days=days, max_days=longest_outage),
                Duration.fixed(days=days, max_days=longest_outage),
                Duration.empirical(days=(days, 3.0, 40.0), max_days=longest_outage),
                Duration.mixture(
                    (
                        (0.4, Duration.fixed(days=days)),
                        (0.6, Duration.lognormal(median_days=9, sigma=0.8)),
                    ),
                    max_days=longest_outage,
                ),
            ]
        )
    )
    shape = draw(st.sampled_from(["linear", "s_curve", "exponential", "steps"]))
    levels = draw(st.sampled_from([(1.0, 0.3), (0.7, 0.7, 0.1)])) if shape == "steps" else None
    if draw(st.booleans()):
        return outage, RampUp(shape=shape, levels=levels, ramp_days=draw(st.floats(0, 1)) * left)
    ramp_up = RampUp(
        shape=shape,
        levels=levels,
        ramp_days=draw(st.floats(0.1, 300.0)),
        ramp_sigma=draw(st.floats(0.0, 2.0)),
        max_share_of_outage=left / longest_outage,
    )
    return outage, ramp_up


@st.composite
def dated_cases(draw):
    """Up to three windows of the year, with at most one event in each at each of three sites."""
    events = []
    ends = sorted(draw(st.sets(st.integers(1, HORIZON), min_size=1, max_size=3)))
    for first, end in zip([0, *ends], ends, strict=False):
        wide = [Scope.country("COD"), Scope.region("r", site_ids=("a", "b"))]
        own = [Scope.site("a"), Scope.site("b")]
        scopes = [*draw(st.sampled_from([[wide[0]], [wide[1]], own, own[:1]])), Scope.site("c")]
        for place, scope in enumerate(scopes):
            begin = draw(st.integers(first, end - 1))
            outage, ramp_up = draw(lengths(0.999 * (end - begin)))
            event = DisruptionEvent(
                event_id=f"e{first}-{place}",
                peril=Peril.OTHER,
                scope=scope,
                announced=START,
                started=START + dt.timedelta(days=begin),
                duration=outage,
                ramp_up=ramp_up,
                severity=draw(st.one_of(st.just(1.0), st.floats(0.001, 1.0), st.just(0.0))),
                probability=draw(st.floats(0.0, 1.0)) if begin else 1.0,
            )
            events.append(event)
    sizes = st.floats(1.0, 5000.0)
    return Case(
        name="dated",
        start=START,
        sites=tuple(site(name, draw(sizes), draw(st.integers(1, 3))) for name in "cab"),
        events=tuple(events),
    )


def assert_same_paths(calendar, years, n=None):
    # The product of production, severity and days is taken in another order: a few roundings.
    for name in ("lost_t", "largest_loss_t"):
        one, two = getattr(calendar, name), getattr(years, name)
        np.testing.assert_allclose(one[:n], two[:n], rtol=1e-12)


@fewer
@given(case=dated_cases(), n=st.integers(2, N), seed=st.integers(0, 2**64))
def test_dated_events_lose_the_same_on_both_bases_future_by_future(case, n, seed):
    calendar, years = both(case, n, seed, keep="events")
    assert_same_paths(calendar, years)
    one, two = (rows_of(o, "scenario", "threat", "site_id") for o in (calendar, years))
    exact = ["scenario", "threat", "number", "site_id", *DRAWN]
    pd.testing.assert_frame_equal(one[exact], two[exact])
    pd.testing.assert_frame_equal(
        one[["alone_t", "lost_t"]], two[["alone_t", "lost_t"]], rtol=1e-12, atol=0.0
    )
    np.testing.assert_allclose(one["lost_t"], one["alone_t"], rtol=1e-12)
    for by in ("site", "threat"):
        expected = [o.contributions(by)["expected_t"].sort_index() for o in (calendar, years)]
        pd.testing.assert_series_equal(*expected, rtol=1e-12, atol=0.0)


@settings(max_examples=10)
@given(case=dated_cases())
def test_a_whole_block_of_futures_is_the_same_on_both_bases(case):
    # Behind the first block of the calendar the streams are others.
    calendar, years = both(case, BLOCK_SIZE + 50, 7)
    assert_same_paths(calendar, years, BLOCK_SIZE)


@pytest.mark.verification
@settings(max_examples=1_000)
@given(case=dated_cases(), n=st.integers(2, N), seed=st.integers(0, 2**64))
def test_dated_events_lose_the_same_on_many_more_cases(case, n, seed):
    assert_same_paths(*both(case, n, seed))


# --- Hazards: event by event, and in law ------------------------------------------------------


@settings(max_examples=settings().max_examples // 2)
@given(case=year_cases(), seed=st.integers(0, 2**64))
def test_events_of_hazards_are_the_same_on_both_bases_one_by_one(case, seed):
    # Each basis scatters the events of a block over its futures in its own way, so no future is
    # like another. But the k-th event of a hazard has one severity, one length and one set of sites
    # hit: all that the calendar's block of 10,000 futures holds stand among those of 20,000 years.
    calendar, _ = both(case, BLOCK_SIZE, seed, keep="events")
    years = simulate(case, 20_000, rng=seed, basis="occurrence", keep="events")
    key = ["threat", "number", "site_id"]
    one, two = (rows_of(outlook, *key) for outlook in (calendar, years))
    pairs = one.merge(two, on=key, how="left", suffixes=("", "_years"), validate="one_to_one")
    assert len(pairs) == len(one)
    for name in ("outage_days", "ramp_days", "severity"):
        np.testing.assert_array_equal(pairs[name], pairs[f"{name}_years"], err_msg=name)
    whole = pairs["start_days"] + pairs["outage_days"] + pairs["ramp_days"] <= HORIZON
    alone, full = pairs["alone_t"], pairs["alone_t_years"]
    np.testing.assert_allclose(alone[whole], full[whole], rtol=1e-12, atol=1e-300)
    assert (alone[~whole] <= full[~whole] * (1.0 + 1e-12) + 1e-300).all()
    # Nothing but those with a higher number is missing on the calendar.
    last = one.groupby("threat")["number"].max()
    there = two[two["number"] <= two["threat"].map(last).fillna(-1)]
    assert len(there) == len(one)


BRIEF = Duration.lognormal(median_days=0.004, sigma=1.0, max_days=0.02)
BRIEF_CASE = Case(
    name="brief",
    start=START,
    sites=(site("a", 900.0), site("b", 400.0), site("c", 250.0)),
    hazards=(
        Hazard(
            hazard_id="wide",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            rate_pa=0.6,
            duration=BRIEF,
            ramp_up=RampUp(shape="s_curve", ramp_days=0.01, ramp_sigma=0.5),
            rate_shape=1.0,
            rate_group="g",
            hit_probability=0.7,
            shared_duration=False,
        ),
        Hazard(
            hazard_id="own",
            peril=Peril.ACCIDENT,
            scope=Scope.site("c"),
            rate_pa=0.8,
            duration=Duration.exponential(mean_days=0.01, max_days=0.03),
            severity=((0.3, 1.0), (0.7, 0.4)),
            rate_shape=1.0,
            rate_group="g",
        ),
    ),
)


def test_hazards_with_brief_outages_have_one_law_on_both_bases():
    # Of the futures, less than 1 in 1,000 has an overlap or a cut.
    n = 40_000
    calendar, years = both(BRIEF_CASE, n, 7)
    for name in ("lost_t", "largest_loss_t"):
        one, two = getattr(calendar, name), getattr(years, name)
        spread = math.hypot(one.std(), two.std()) / math.sqrt(n)
        assert abs(one.mean() - two.mean()) < 4.0 * spread
        assert stats.ks_2samp(one, two).pvalue > 1e-4


# --- Every event against its formula ----------------------------------------------------------


def area(ramp_up):
    """The integral of a ramp-up's shape, by hand."""
    match ramp_up.shape:
        case "linear" | "s_curve":
            return 0.5
        case "exponential":
            return ((1.0 - END) / 3.0 - END) / (1.0 - END)
        case "steps":
            return math.fsum(ramp_up.levels) / len(ramp_up.levels)
        case _:
            return 0.0  # its outage has no end


def full_t(case, events, longest=math.inf):
    """Production x severity x (outage + area x ramp-up) of each row [t]."""
    ramps = {h.hazard_id: h.ramp_up for h in case.hazards}
    ramps |= {e.event_id: e.ramp_up for e in case.events}
    areas = events["threat"].map({name: area(ramp_up) for name, ramp_up in ramps.items()})
    daily = events["site_id"].map({s.site_id: s.production_tpa / 365 for s in case.sites})
    days = events["outage_days"].clip(upper=longest) + areas.astype(float) * events["ramp_days"]
    return daily.astype(float) * events["severity"] * days


@given(case=any_case() | year_cases() | dated_cases(), seed=st.integers(0, 100))
def test_an_event_alone_loses_its_formula_on_the_calendar(case, seed):
    events = rows_of(simulate(case, 48, rng=seed, keep="events"), "scenario", "site_id")
    full, start = full_t(case, events, case.horizon_days), events["start_days"]
    over = start + events["outage_days"] + events["ramp_days"]
    whole = (start >= 0.0) & (over <= case.horizon_days)
    # Severities of 1e-320, which Hypothesis tries, keep no digits.
    np.testing.assert_allclose(events["alone_t"][whole], full[whole], rtol=1e-12, atol=1e-300)
    assert (events["alone_t"] <= full * (1.0 + 1e-12) + 1e-300).all()


@fewer
@given(case=year_cases() | dated_cases(), seed=st.integers(0, 100))
def test_an_event_alone_loses_its_formula_on_the_occurrence_basis(case, seed):
    outlook = simulate(case, N, rng=seed, basis="occurrence", keep="events")
    events = rows_of(outlook, "scenario", "site_id")
    for name in ("alone_t", "lost_t"):
        np.testing.assert_allclose(events[name], full_t(case, events), rtol=1e-12, atol=1e-300)
