"""Losses against a slow reference that integrates availability piece by piece, event by event."""

import itertools
import math
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.engine import losses as engine

SLOW = runpy.run_path(str(Path(__file__).with_name("slow_losses.py")))
SITES, EVERY_KIND, EXPONENTIAL, NEVER = (
    SLOW[name] for name in ("SITES", "EVERY_KIND", "EXPONENTIAL", "NEVER")
)
plan_of, table, reference = (SLOW[name] for name in ("plan_of", "table", "reference"))
breaks, groups, described = (SLOW[name] for name in ("breaks", "groups", "described"))

HORIZON = 100
# Against what would be produced over the horizon: 1e-12 is some hundred times the rounding of a
# sum of days up to 500, and 1e-10 of a day.
EXACT = 1e-12 * HORIZON
POLYNOMIAL = tuple(kind for kind in EVERY_KIND if kind != EXPONENTIAL)


def assert_matches_reference(events, plan, edges, n_scenarios=3):
    got = engine.losses(plan, events, edges)
    n_steps = len(edges) - 1
    expected = np.zeros((len(SITES), n_scenarios, n_steps))
    for scenario, place, rows in groups(events):
        parts = described(events, rows, plan)
        first_come, alone = reference(parts, edges.tolist())
        expected[place, scenario] = first_come.sum(axis=0)
        np.testing.assert_allclose(got.days[rows], first_come.sum(axis=1), rtol=0, atol=EXACT)
        np.testing.assert_allclose(got.alone_days[rows], alone, rtol=0, atol=EXACT)
    for place, weights in enumerate(np.eye(len(SITES))):
        series = got.cells.series(weights, n_scenarios, n_steps)
        assert (np.abs(series - expected[place]) <= EXACT).all()
        # Availability stays in [0, 1] on every step.
        assert (series >= -EXACT).all()
        assert (series <= np.diff(edges) + EXACT).all()


# --- Random cases ---------------------------------------------------------------------------

# Whole days hit edges of steps and each other; others do not.
times = st.one_of(st.integers(-40, 130).map(float), st.floats(-40.0, 130.0))
lengths = st.one_of(st.integers(0, 90).map(float), st.floats(0.001, 200.0))
shares = st.one_of(st.just(1.0), st.floats(0.0, 1.0))


def rows_of(kinds, n_scenarios=3, n_sites=2, most=14):
    row = st.tuples(
        st.integers(0, n_scenarios - 1),
        st.sampled_from(kinds),
        st.integers(0, n_sites - 1),
        times,
        lengths,
        lengths,
        shares,
    )
    return st.lists(row, min_size=1, max_size=most)


rows_of_events = rows_of(EVERY_KIND)
# The engine takes its nodes by the steepest ramp-up of a plan: plans without others, too.
kinds_of_a_plan = st.one_of(
    st.sampled_from([(kind,) for kind in EVERY_KIND]),
    st.sampled_from([(0, 1), (1, 3), (0, 3, 4, NEVER), POLYNOMIAL]),
)


@given(rows=rows_of_events, step=st.sampled_from([5, 7, 20]))
def test_losses_match_the_slow_reference(rows, step):
    plan = plan_of(HORIZON, step)
    assert_matches_reference(table(rows), plan, plan.edges_days)


@given(rows=rows_of(POLYNOMIAL))
def test_polynomial_ramps_are_exact_on_steps_of_any_length(rows):
    plan = plan_of(HORIZON, HORIZON, POLYNOMIAL)
    assert_matches_reference(table(rows, POLYNOMIAL), plan, plan.edges_days)


@given(data=st.data(), kinds=kinds_of_a_plan, step=st.sampled_from([7, 20, HORIZON]))
def test_plans_with_few_shapes_match_the_slow_reference(data, kinds, step):
    # Up to fourteen at one site: many overlap.
    rows = data.draw(rows_of(kinds, n_scenarios=1, n_sites=1))
    plan = plan_of(HORIZON, step, kinds)
    assert_matches_reference(table(rows, kinds), plan, plan.edges_days)


@given(rows=rows_of_events, first=st.integers(-30, 40), width=st.integers(1, 60))
def test_losses_between_any_edges_match_the_slow_reference(rows, first, width):
    # What production_t asks for: edges that neither start at 0 nor end at the horizon.
    edges = np.array([first, first + 3, first + 3 + width], dtype=float)
    assert_matches_reference(table(rows), plan_of(HORIZON, 5), edges)


@given(rows=rows_of_events)
def test_attribution_sums_to_the_steps_and_stays_below_what_each_would_lose_alone(rows):
    plan, events = plan_of(HORIZON, 7), table(rows)
    got = engine.losses(plan, events, plan.edges_days)
    for place, weights in enumerate(np.eye(len(SITES))):
        whole = got.cells.series(weights, 3, plan.n_steps).sum(axis=1)
        mine = events.site == place
        parts = np.bincount(events.scenario[mine], got.days[mine], minlength=3)
        np.testing.assert_allclose(parts, whole, rtol=0, atol=EXACT)
    assert (got.days <= got.alone_days + EXACT).all()
    assert (got.days >= -EXACT).all()


@pytest.mark.parametrize("size", [2, 3, 4, 8, 14])
@pytest.mark.parametrize("other", [0, 1, EXPONENTIAL])
def test_exponential_ramps_on_one_piece_as_long_as_the_horizon(size, other):
    # The worst that the rule meets; from three overlaps on, its nodes are enough for rounding.
    edges = np.array([0.0, HORIZON])
    plan = plan_of(HORIZON, HORIZON)
    kinds = [EXPONENTIAL, *[other] * (size - 1)]
    events = table([(0, kind, 0, 0.0, 0.0, float(HORIZON), 1.0) for kind in kinds])
    first_come, _ = reference(described(events, np.arange(size), plan), edges.tolist())
    got = engine.losses(plan, events, edges)
    np.testing.assert_allclose(got.days, first_come.sum(axis=1), rtol=0, atol=EXACT)


# --- The reference itself, in rational numbers ----------------------------------------------


def times_polynomial(one, other):
    out = [Fraction(0)] * (len(one) + len(other) - 1)
    for (i, a), (j, b) in itertools.product(enumerate(one), enumerate(other)):
        out[i + j] += a * b
    return out


def in_powers(ramp_up, start, outage, ramp, severity, middle):
    """Share lost to one event around a time that is no break, as a polynomial in t."""
    restart = start + outage
    if start <= middle < restart:
        return [severity]
    if not restart <= middle < restart + ramp:
        return [Fraction(0)]
    v = [-restart / ramp, 1 / ramp]
    match ramp_up.shape:
        case "linear":
            phi = [1 - v[0], -v[1]]
        case "s_curve":
            square = times_polynomial(v, v)
            cube = times_polynomial(square, v)
            phi = [2 * c - 3 * s for c, s in zip(cube, [*square, Fraction(0)], strict=True)]
            phi[0] += 1
        case _:
            place = math.floor((middle - restart) / ramp * len(ramp_up.levels))
            phi = [Fraction(ramp_up.levels[place])]
    return [severity * c for c in phi]


def rational(rows, last):
    """Days lost to each event, first come, from day 0 on: without any rounding."""
    cuts = {Fraction(0), Fraction(last)}
    for ramp_up, start, outage, ramp, _ in rows:
        cuts |= {t for t in breaks(ramp_up, start, outage, ramp) if 0 < t < last}
    out = [Fraction(0)] * len(rows)
    for low, high in itertools.pairwise(sorted(cuts)):
        left = [Fraction(1)]
        for n, row in enumerate(rows):
            m = in_powers(*row, (low + high) / 2)
            taken = times_polynomial(m, left)
            for k, c in enumerate(taken, start=1):
                out[n] += c * (high**k - low**k) / k
            left = [a - b for a, b in itertools.zip_longest(left, taken, fillvalue=Fraction(0))]
    return out


@settings(max_examples=settings().max_examples // 2)
@given(rows=rows_of((0, 1, 3, 4), n_scenarios=1, n_sites=1, most=5))
def test_reference_and_engine_match_rational_arithmetic(rows):
    plan = plan_of(HORIZON, HORIZON)
    events = table(rows)
    parts = described(events, np.arange(len(rows)), plan)
    exact = rational([(ramp, *map(Fraction, values)) for ramp, *values in parts], HORIZON)
    exact = np.array([float(days) for days in exact])
    slow, _ = reference(parts, [0.0, float(HORIZON)])
    np.testing.assert_allclose(slow.sum(axis=1), exact, rtol=0, atol=0.1 * EXACT)
    got = engine.losses(plan, events, plan.edges_days)
    np.testing.assert_allclose(got.days, exact, rtol=0, atol=EXACT)


# --- By hand --------------------------------------------------------------------------------


def test_two_overlapping_halves_worked_by_hand():
    # Half lost on days 10 to 30 and on 20 to 40: 5 + 7.5 + 5 days; the first keeps its 10.
    plan = plan_of(HORIZON, 10)
    events = table([(0, 0, 0, 20.0, 20.0, 0.0, 0.5), (0, 0, 0, 10.0, 20.0, 0.0, 0.5)])
    got = engine.losses(plan, events, plan.edges_days)
    assert got.alone_days.tolist() == [10.0, 10.0]
    np.testing.assert_allclose(got.days, [10.0, 7.5], rtol=1e-12)
    steps = got.cells.series(np.array([1.0, 0.0]), 1, 10)[0]
    np.testing.assert_allclose(steps, [0, 5, 7.5, 5, 0, 0, 0, 0, 0, 0], atol=EXACT)


def test_two_linear_ramps_on_top_of_each_other_worked_by_hand():
    # Both restart on day 0 and ramp up over 30 days: 30 (1 - integral v^2) = 20 days.
    plan = plan_of(HORIZON, HORIZON)
    events = table([(0, 0, 0, -10.0, 10.0, 30.0, 1.0), (0, 0, 0, -5.0, 5.0, 30.0, 1.0)])
    got = engine.losses(plan, events, plan.edges_days)
    np.testing.assert_allclose(got.days, [15.0, 5.0], rtol=1e-12)


def test_what_never_returns_is_lost_until_the_horizon():
    plan = plan_of(HORIZON, 7)
    events = table([(0, NEVER, 0, 40.0, 1.0, 1.0, 0.25), (1, NEVER, 1, -9.0, 0.0, 0.0, 1.0)])
    got = engine.losses(plan, events, plan.edges_days)
    np.testing.assert_allclose(got.days, [15.0, 100.0], rtol=1e-12)


# --- Many more ------------------------------------------------------------------------------


@pytest.mark.verification
@settings(max_examples=2_000)
@given(rows=rows_of_events, step=st.sampled_from([5, 7]))
def test_losses_match_the_slow_reference_on_many_more_cases(rows, step):
    plan = plan_of(HORIZON, step)
    assert_matches_reference(table(rows), plan, plan.edges_days)


@pytest.mark.verification
@settings(max_examples=2_000)
@given(data=st.data(), kinds=kinds_of_a_plan, step=st.sampled_from([7, 20, HORIZON]))
def test_plans_with_few_shapes_match_on_many_more_cases(data, kinds, step):
    test_plans_with_few_shapes_match_the_slow_reference.hypothesis.inner_test(data, kinds, step)
