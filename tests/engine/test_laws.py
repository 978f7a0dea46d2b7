"""Laws that every simulation obeys, on small cases made up by Hypothesis."""

import itertools
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk import metrics
from supplyrisk.engine.run import simulate

LAWS = runpy.run_path(str(Path(__file__).with_name("law_cases.py")))
N, ROUNDING, fewer, lengths = (LAWS[name] for name in ("N", "ROUNDING", "fewer", "lengths"))
hazards, cases, MARKET, RICH = (LAWS[name] for name in ("hazards", "cases", "MARKET", "RICH"))
never_lower, assert_same_bits = (LAWS[name] for name in ("never_lower", "assert_same_bits"))

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
