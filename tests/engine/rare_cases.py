"""Cases whose far tails the tests of importance sampling know, or can find."""

import dataclasses
import datetime as dt

import numpy as np

from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)
HEAVY = Duration.lognormal(median_days=20, sigma=1.5)


def site(site_id="a", daily=10.0, **more):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="COD",
        capacity_tpa=365.0 * daily,
        **more,
    )


def hazard(hazard_id="h", **more):
    values = {
        "peril": Peril.OTHER,
        "scope": Scope.site("a"),
        "rate_pa": 0.5,
        "duration": HEAVY,
        **more,
    }
    return Hazard(hazard_id=hazard_id, **values)


ONE = (site(),)


def case(*hazards, sites=ONE, **more):
    return Case(name="rare", start=START, sites=tuple(sites), hazards=hazards, **more)


def ten_sites():
    """Ten sites of the benchmark's rule."""
    k = np.arange(1, 11)
    u, v, w = (k * (5**0.5 - 1) / 2) % 1, (k * 2**0.5) % 1, (k * 3**0.5) % 1
    lengths = [
        Duration.weibull(shape=0.8, scale_days=10 + 30 * x)
        if n % 2
        else Duration.lognormal(median_days=10 + 20 * x, sigma=1.0)
        for n, x in enumerate(w)
    ]
    names = [f"s{n}" for n in range(10)]
    return case(
        *(
            hazard(f"h{n}", scope=Scope.site(name), rate_pa=0.05 + 0.25 * u[n], duration=length)
            for n, (name, length) in enumerate(zip(names, lengths, strict=True))
        ),
        sites=[site(name, 10 ** (1 + 1.5 * v[n])) for n, name in enumerate(names)],
    )


THREE = (site("a"), site("b", 30.0), site("c", 5.0))
GROUP = {"rate_shape": 0.7, "rate_group": "g"}
WIDE = hazard("wide", scope=Scope.country("COD"), rate_pa=0.4, hit_probability=0.4)
MIXED = Duration.mixture(((0.7, Duration.fixed(days=10)), (0.3, HEAVY)), max_days=900)
PARTS = ((0.6, 1.0), (0.4, 0.3))
SEEN = Duration.empirical(days=(0.0, 3.0, 7.0, 30.0, 400.0))
CASES = {
    "one site": case(hazard()),
    "ten sites": ten_sites(),
    "a shared gamma factor": case(
        hazard("h", **GROUP), hazard("i", scope=Scope.site("b"), **GROUP), sites=THREE
    ),
    "own gamma factors": case(
        hazard("h", rate_shape=0.5), hazard("i", scope=Scope.site("b"), rate_shape=2), sites=THREE
    ),
    "a country hit in part": case(WIDE, hazard("h", scope=Scope.site("c")), sites=THREE),
    "ramp-ups": case(
        hazard(ramp_up=RampUp(ramp_days=60, max_share_of_outage=0.7)),
        hazard("i", ramp_up=RampUp(ramp_days=90, ramp_sigma=0.8), scope=Scope.site("b")),
        sites=THREE,
    ),
    "severities and a mixture": case(
        hazard("h", duration=MIXED, severity=PARTS, scope=Scope.country("COD")), sites=THREE
    ),
    "observed lengths": case(hazard(duration=SEEN, rate_pa=0.05), WIDE, sites=THREE),
    "an annual cap": case(
        hazard(rate_pa=2.0),
        hazard("i", scope=Scope.site("b")),
        sites=[site(daily=50.0, annual_cap_days=300.0), site("b")],
    ),
    "lengths of each site": case(
        dataclasses.replace(WIDE, shared_duration=False), hazard(), sites=THREE
    ),
    "many units": case(hazard(rate_pa=0.1), sites=[site(daily=60.0, n_units=6)]),
}

OVERLAPS = case(
    hazard("h", rate_pa=2.0, ramp_up=RampUp(ramp_days=30)),
    hazard("i", scope=Scope.site("b"), severity=PARTS, rate_pa=1.0, **GROUP),
    hazard("j", scope=Scope.site("a"), rate_pa=0.02, ramp_up=RampUp(shape="never")),
    dataclasses.replace(WIDE, **GROUP),
    sites=THREE,
    horizon_days=730,
    step_days=730,
    events=(
        DisruptionEvent(
            event_id="e",
            peril=Peril.STRIKE,
            scope=Scope.site("b"),
            started=START - dt.timedelta(days=20),
            duration=HEAVY,
        ),
    ),
)
