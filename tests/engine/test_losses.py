"""Losses against a slow reference that integrates availability piece by piece, event by event."""

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.engine import losses as engine
from supplyrisk.engine.draws import Events
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.run import simulate
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
SITES = ("a", "b")
RAMPS = (
    RampUp(shape="linear"),
    RampUp(shape="s_curve"),
    RampUp(shape="exponential"),
    RampUp(shape="steps", levels=(0.9, 0.5, 0.2)),
    RampUp(shape="steps", levels=(0.6, 0.6, 0.4, 0.1, 0.0)),
    RampUp(shape="never"),
)
EXPONENTIAL, NEVER = 2, 5
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)  # exact up to degree 47


def site(site_id, capacity_tpa=365.0, **more):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="COD",
        capacity_tpa=capacity_tpa,
        **more,
    )


def hazard(hazard_id, ramp_up, **more):
    given_values = {
        "scope": Scope.site("a"),
        "rate_pa": 1.0,
        "duration": Duration.fixed(days=1),
        **more,
    }
    return Hazard(hazard_id=hazard_id, peril=Peril.OTHER, ramp_up=ramp_up, **given_values)


def plan_of(horizon_days, step_days):
    # One threat for each kind of ramp-up, in the order of RAMPS.
    hazards = tuple(hazard(f"h{n}", ramp) for n, ramp in enumerate(RAMPS))
    sites = tuple(site(name) for name in SITES)
    case = Case(
        name="losses",
        start=START,
        horizon_days=horizon_days,
        step_days=step_days,
        sites=sites,
        hazards=hazards,
    )
    return make_plan(case)


def table(rows):
    """Events from tuples of scenario, threat, site, start, outage, ramp, severity; sorted."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    scenario, threat, place = (column.astype(np.intp) for column in columns[:3])
    start, outage, ramp, severity = (column.astype(float) for column in columns[3:])
    outage[threat == NEVER], ramp[threat == NEVER] = np.inf, 0.0
    number = np.arange(len(rows))
    events = Events(scenario, threat, number, place, start, outage, ramp, severity)
    return events.rows(np.lexsort((start, place, scenario)))


# --- The slow reference ---------------------------------------------------------------------


def damage(ramp_up, start, outage, ramp, severity, t):
    """Share lost to one event at times t, straight from the design's section 5.2."""
    phi = np.zeros_like(t)
    phi[(t >= start) & (t < start + outage)] = 1.0
    on_ramp = (t >= start + outage) & (t < start + outage + ramp)
    v = (t[on_ramp] - start - outage) / ramp if ramp > 0.0 else t[on_ramp]
    match ramp_up.shape:
        case "linear":
            value = 1 - v
        case "s_curve":
            value = 1 - 3 * v**2 + 2 * v**3
        case "exponential":
            value = (np.exp(-3 * v) - np.exp(-3)) / (1 - np.exp(-3))
        case "steps":
            value = np.array(ramp_up.levels)[(v * len(ramp_up.levels)).astype(int)]
        case _:
            value = np.ones_like(v)
    phi[on_ramp] = value
    return severity * phi


def breaks(ramp_up, start, outage, ramp):
    n = len(ramp_up.levels) if ramp_up.levels else 1
    return [start, *(start + outage + ramp * k / n for k in range(n + 1))]


def reference(rows, edges):
    """Days lost to each of one site's events in one scenario: first come, and alone, by step.

    `rows` are (ramp_up, start, outage, ramp, severity) in the order of their start.
    """
    cuts = {*edges}
    for ramp_up, start, outage, ramp, _ in rows:
        cuts |= {t for t in breaks(ramp_up, start, outage, ramp) if edges[0] < t < edges[-1]}
    cuts = sorted(cuts)
    first_come = np.zeros((len(rows), len(edges) - 1))
    alone = np.zeros(len(rows))
    for low, high in itertools.pairwise(cuts):
        step = max(n for n, edge in enumerate(edges[:-1]) if edge <= low)
        t = 0.5 * (low + high) + 0.5 * (high - low) * NODES
        weight = 0.5 * (high - low) * WEIGHTS
        left = np.ones_like(t)
        for n, row in enumerate(rows):
            m = damage(*row, t)
            alone[n] += weight @ m
            first_come[n, step] += weight @ (m * left)
            left = left * (1 - m)
    return first_come, alone


def groups(events):
    keys = sorted(set(zip(events.scenario.tolist(), events.site.tolist(), strict=True)))
    for scenario, place in keys:
        yield (
            scenario,
            place,
            np.flatnonzero((events.scenario == scenario) & (events.site == place)),
        )


def described(events, rows):
    return [
        (RAMPS[events.threat[r]], events.start[r], events.outage[r], events.ramp[r], e_severity)
        for r, e_severity in zip(rows, events.severity[rows], strict=True)
    ]


def assert_matches_reference(events, plan, edges, n_scenarios, tolerance):
    got = engine.losses(plan, events, edges)
    n_steps = len(edges) - 1
    for place in range(len(SITES)):
        weights = np.zeros(len(SITES))
        weights[place] = 1.0
        series = got.cells.series(weights, n_scenarios, n_steps)
        expected = np.zeros((n_scenarios, n_steps))
        for scenario, where, rows in groups(events):
            if where == place:
                first_come, alone = reference(described(events, rows), edges.tolist())
                expected[scenario] = first_come.sum(axis=0)
                np.testing.assert_allclose(
                    got.days[rows], first_come.sum(axis=1), rtol=0, atol=tolerance
                )
                np.testing.assert_allclose(got.alone_days[rows], alone, rtol=0, atol=tolerance)
        np.testing.assert_allclose(series, expected, rtol=0, atol=tolerance)
        # Availability stays in [0, 1] on every step.
        assert (series >= -tolerance).all()
        assert (series <= np.diff(edges) + tolerance).all()


# --- Random cases ---------------------------------------------------------------------------

# Whole days hit edges of steps and each other; others do not.
times = st.one_of(st.integers(-40, 130).map(float), st.floats(-40.0, 130.0))
lengths = st.one_of(st.integers(0, 90).map(float), st.floats(0.001, 200.0))
shares = st.one_of(st.just(1.0), st.floats(0.0, 1.0))
row = st.tuples(
    st.integers(0, 2),
    st.integers(0, len(RAMPS) - 1),
    st.integers(0, len(SITES) - 1),
    times,
    lengths,
    lengths,
    shares,
)
rows_of_events = st.lists(row, min_size=1, max_size=14)


def tolerance_for(rows):
    # Six nodes a piece are exact but for products of exponential ramp-ups. [d]
    return 2e-5 if sum(r[1] == EXPONENTIAL for r in rows) > 1 else 1e-9


@given(rows=rows_of_events, step=st.sampled_from([5, 7, 20]))
def test_losses_match_the_slow_reference(rows, step):
    plan = plan_of(100, step)
    assert_matches_reference(table(rows), plan, plan.edges_days, 3, tolerance_for(rows))


@given(rows=rows_of_events)
def test_polynomial_ramps_are_exact_on_steps_of_any_length(rows):
    rows = [(r[0], r[1] if r[1] != EXPONENTIAL else 0, *r[2:]) for r in rows[:4]]
    plan = plan_of(100, 100)
    s_curves = sum(r[1] == 1 for r in rows)  # degree 3 each: three of them are still exact
    assert_matches_reference(table(rows), plan, plan.edges_days, 3, 1e-9 if s_curves < 4 else 1e-6)


@given(rows=rows_of_events, first=st.integers(-30, 40), width=st.integers(1, 60))
def test_losses_between_any_edges_match_the_slow_reference(rows, first, width):
    # What production_t asks for: edges that neither start at 0 nor end at the horizon.
    edges = np.array([first, first + 3, first + 3 + width], dtype=float)
    assert_matches_reference(table(rows), plan_of(100, 5), edges, 3, 1e-6)


@given(rows=rows_of_events)
def test_attribution_sums_to_the_steps_and_stays_below_what_each_would_lose_alone(rows):
    plan, events = plan_of(100, 7), table(rows)
    got = engine.losses(plan, events, plan.edges_days)
    for place in range(len(SITES)):
        weights = np.eye(len(SITES))[place]
        whole = got.cells.series(weights, 3, plan.n_steps).sum(axis=1)
        mine = events.site == place
        parts = np.bincount(events.scenario[mine], got.days[mine], minlength=3)
        np.testing.assert_allclose(parts, whole, atol=1e-9)
    assert (got.days <= got.alone_days + 1e-9).all()
    assert (got.days >= -1e-9).all()


def test_two_overlapping_halves_worked_by_hand():
    # Half lost on days 10 to 30 and on 20 to 40: 5 + 7.5 + 5 days; the first keeps its 10.
    plan = plan_of(100, 10)
    events = table([(0, 0, 0, 20.0, 20.0, 0.0, 0.5), (0, 0, 0, 10.0, 20.0, 0.0, 0.5)])
    got = engine.losses(plan, events, plan.edges_days)
    assert got.alone_days.tolist() == [10.0, 10.0]
    np.testing.assert_allclose(got.days, [10.0, 7.5])
    steps = got.cells.series(np.array([1.0, 0.0]), 1, 10)[0]
    np.testing.assert_allclose(steps, [0, 5, 7.5, 5, 0, 0, 0, 0, 0, 0], atol=1e-12)


def test_two_linear_ramps_on_top_of_each_other_worked_by_hand():
    # Both restart on day 0 and ramp up over 30 days: 30 (1 - integral v^2) = 20 days.
    plan = plan_of(100, 100)
    events = table([(0, 0, 0, -10.0, 10.0, 30.0, 1.0), (0, 0, 0, -5.0, 5.0, 30.0, 1.0)])
    got = engine.losses(plan, events, plan.edges_days)
    np.testing.assert_allclose(got.days, [15.0, 5.0])


def test_what_never_returns_is_lost_until_the_horizon():
    plan = plan_of(100, 7)
    events = table([(0, NEVER, 0, 40.0, 1.0, 1.0, 0.25), (1, NEVER, 1, -9.0, 0.0, 0.0, 1.0)])
    got = engine.losses(plan, events, plan.edges_days)
    np.testing.assert_allclose(got.days, [15.0, 100.0])


# --- The whole run against the reference ----------------------------------------------------


def busy_case():
    hazards = (
        hazard(
            "h-linear",
            RampUp(ramp_days=40, max_share_of_outage=0.7),
            rate_pa=2.0,
            duration=Duration.lognormal(median_days=40, sigma=1.2),
            severity=0.8,
        ),
        hazard(
            "h-steps",
            RampUp(shape="steps", ramp_days=30, levels=(0.7, 0.2)),
            scope=Scope.country("COD"),
            rate_pa=1.5,
            duration=Duration.exponential(mean_days=50),
            hit_probability=0.6,
            shared_duration=False,
        ),
        hazard(
            "h-s",
            RampUp(shape="s_curve", ramp_days=25),
            scope=Scope.region("r", site_ids=("a", "c")),
            rate_pa=1.0,
            duration=Duration.weibull(shape=0.8, scale_days=60),
            rate_shape=2.0,
            severity=0.5,
        ),
        hazard(
            "h-exp",
            RampUp(shape="exponential", ramp_days=25),
            scope=Scope.site("b"),
            rate_pa=1.0,
            duration=Duration.empirical(days=(5, 60, 90)),
        ),
        hazard("h-never", RampUp(shape="never"), rate_pa=0.1, severity=0.4),
    )
    events = (
        DisruptionEvent(
            event_id="e-running",
            peril=Peril.OTHER,
            scope=Scope.site("a"),
            started=dt.date(2025, 3, 1),
            duration=Duration.lognormal(median_days=60, sigma=1.0),
            ramp_up=RampUp(ramp_days=30),
        ),
        DisruptionEvent(
            event_id="e-to-come",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            announced=dt.date(2025, 3, 1),
            started=dt.date(2025, 5, 1),
            duration=Duration.fixed(days=20),
            probability=0.5,
            severity=0.6,
        ),
        DisruptionEvent(
            event_id="e-over",
            peril=Peril.STRIKE,
            scope=Scope.site("c"),
            started=dt.date(2025, 2, 1),
            ended=dt.date(2025, 3, 10),
            ramp_up=RampUp(shape="exponential", ramp_days=50),
        ),
    )
    return Case(
        name="busy",
        start=START,
        horizon_days=200,
        step_days=9,
        sites=(site("a", 400.0), site("b", 900.0, n_units=3), site("c", 250.0, utilisation=0.9)),
        hazards=hazards,
        events=events,
    )


@pytest.mark.parametrize("n_scenarios", [120])
def test_simulation_adds_up_to_the_slow_reference(n_scenarios):
    case = busy_case()
    outlook = simulate(case, n_scenarios, rng=7, keep="events")
    events = outlook.events()
    ramp_of = {part.hazard_id: part.ramp_up for part in case.hazards}
    ramp_of |= {part.event_id: part.ramp_up for part in case.events}
    edges = [*range(0, 200, 9), 200]
    lost, largest = np.zeros(n_scenarios), {}
    supply = np.tile(
        sum(s.production_tpa for s in case.sites) / 365 * np.diff(edges), (n_scenarios, 1)
    )
    for (scenario, site_id), rows in events.groupby(["scenario", "site_id"], observed=True):
        daily = case.site(site_id).production_tpa / 365
        rows_by_start = rows.sort_values(["start_days"], kind="stable")
        parts = [
            (ramp_of[r.threat], r.start_days, r.outage_days, r.ramp_days, r.severity)
            for r in rows_by_start.itertuples()
        ]
        first_come, alone = reference(parts, edges)
        np.testing.assert_allclose(
            rows_by_start["lost_t"], daily * first_come.sum(axis=1), atol=1e-6
        )
        np.testing.assert_allclose(rows_by_start["alone_t"], daily * alone, atol=1e-6)
        lost[scenario] += daily * first_come.sum()
        supply[scenario] -= daily * first_come.sum(axis=0)
        for r, days in zip(rows_by_start.itertuples(), alone, strict=True):
            key = (scenario, r.threat, r.number)
            largest[key] = largest.get(key, 0.0) + daily * days
    np.testing.assert_allclose(outlook.lost_t, lost, atol=1e-6)
    np.testing.assert_allclose(outlook.result.supply_t, supply, atol=1e-6)
    worst = np.zeros(n_scenarios)
    for (scenario, _, _), tonnes in largest.items():
        worst[scenario] = max(worst[scenario], tonnes)
    np.testing.assert_allclose(outlook.largest_loss_t, worst, atol=1e-6)
    assert (outlook.largest_loss_t <= outlook.lost_t + 1e-9).all()
    assert set(events["threat"]) == set(ramp_of)  # every kind of threat took part


@pytest.mark.verification
@settings(max_examples=2_000)
@given(rows=rows_of_events, step=st.sampled_from([5, 7]))
def test_losses_match_the_slow_reference_on_many_more_cases(rows, step):
    plan = plan_of(100, step)
    assert_matches_reference(table(rows), plan, plan.edges_days, 3, tolerance_for(rows))
