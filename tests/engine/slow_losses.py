"""A slow reference that integrates availability piece by piece, event by event; tests load it."""

import datetime as dt
import itertools

import numpy as np

from supplyrisk.engine.draws import Events
from supplyrisk.engine.plan import make_plan
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, RampUp, Scope
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
EVERY_KIND = tuple(range(len(RAMPS)))
EXPONENTIAL, NEVER = 2, 5
# Exact up to degree 63, and fourteen s-curves have 42; of fourteen exponential ramp-ups, which
# together fall like e^-42v, the remainder is below 1e-20.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


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


def plan_of(horizon_days, step_days, kinds=EVERY_KIND):
    """A plan with a threat for each of some kinds of ramp-up, in their order."""
    case = Case(
        name="losses",
        start=START,
        horizon_days=horizon_days,
        step_days=step_days,
        sites=tuple(site(name) for name in SITES),
        hazards=tuple(hazard(f"h{kind}", RAMPS[kind]) for kind in kinds),
    )
    return make_plan(case)


def table(rows, kinds=EVERY_KIND):
    """Events from tuples of scenario, kind, site, start, outage, ramp, severity; sorted."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    scenario, kind, place = (column.astype(np.intp) for column in columns[:3])
    start, outage, ramp, severity = (column.astype(float) for column in columns[3:])
    outage[kind == NEVER], ramp[kind == NEVER] = np.inf, 0.0
    threat = np.array([kinds.index(k) for k in kind.tolist()], dtype=np.intp)
    number = np.arange(len(rows))
    events = Events(scenario, threat, number, place, start, outage, ramp, severity)
    return events.rows(np.lexsort((start, place, scenario)))


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
            n = len(ramp_up.levels)
            value = np.array(ramp_up.levels)[np.minimum((v * n).astype(int), n - 1)]
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
    """The rows of each scenario and site."""
    keys = sorted(set(zip(events.scenario.tolist(), events.site.tolist(), strict=True)))
    for scenario, place in keys:
        mine = (events.scenario == scenario) & (events.site == place)
        yield scenario, place, np.flatnonzero(mine)


def described(events, rows, plan):
    """Rows of a table as `reference` takes them."""
    columns = (events.threat, events.start, events.outage, events.ramp, events.severity)
    found = zip(*(column[rows].tolist() for column in columns), strict=True)
    return [(plan.threats[threat].ramp_up, *values) for threat, *values in found]
