"""Whole simulations on the calendar against the slow reference."""

import datetime as dt
import runpy
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.engine.run import simulate
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Peril, RampUp, Scope

SLOW = runpy.run_path(str(Path(__file__).with_name("slow_losses.py")))
START, site, hazard, reference = (SLOW[n] for n in ("START", "site", "hazard", "reference"))


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
    tolerance = 1e-12 * outlook.plan.planned_t
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
            rows_by_start["lost_t"], daily * first_come.sum(axis=1), rtol=0, atol=tolerance
        )
        np.testing.assert_allclose(rows_by_start["alone_t"], daily * alone, rtol=0, atol=tolerance)
        lost[scenario] += daily * first_come.sum()
        supply[scenario] -= daily * first_come.sum(axis=0)
        for r, days in zip(rows_by_start.itertuples(), alone, strict=True):
            key = (scenario, r.threat, r.number)
            largest[key] = largest.get(key, 0.0) + daily * days
    np.testing.assert_allclose(outlook.lost_t, lost, rtol=0, atol=tolerance)
    np.testing.assert_allclose(outlook.result.supply_t, supply, rtol=0, atol=tolerance)
    worst = np.zeros(n_scenarios)
    for (scenario, _, _), tonnes in largest.items():
        worst[scenario] = max(worst[scenario], tonnes)
    np.testing.assert_allclose(outlook.largest_loss_t, worst, rtol=0, atol=tolerance)
    assert (outlook.largest_loss_t <= outlook.lost_t + tolerance).all()
    assert set(events["threat"]) == set(ramp_of)  # every kind of threat took part
