"""Small cases for the occurrence basis, made up by Hypothesis; the tests of its laws load them."""

import datetime as dt
from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from supplyrisk.engine import occurrence
from supplyrisk.engine.plan import make_plan
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

START = dt.date(2025, 3, 20)
N = 200
SIZE = occurrence.BLOCK_YEARS
# Each example is two simulations or more.
fewer = settings(max_examples=settings().max_examples // 2)

medians = st.floats(2.0, 300.0)
lengths = st.one_of(
    st.builds(
        lambda m, s: Duration.lognormal(median_days=m, sigma=s), medians, st.floats(0.2, 2.0)
    ),
    st.builds(lambda k, s: Duration.weibull(shape=k, scale_days=s), st.floats(0.5, 2.5), medians),
    st.builds(lambda m: Duration.exponential(mean_days=m), medians),
)
SCALE = {"lognormal": "median_days", "weibull": "scale_days", "exponential": "mean_days"}
ramps = st.builds(
    RampUp,
    shape=st.sampled_from(["linear", "s_curve", "exponential"]),
    ramp_days=st.floats(0.01, 90.0),
    ramp_sigma=st.one_of(st.just(0.0), st.floats(0.0, 2.0)),
    max_share_of_outage=st.one_of(st.none(), st.floats(0.01, 2.0)),
) | st.just(RampUp())
severities = st.floats(0.05, 1.0) | st.builds(
    lambda weight, one, other: ((weight, one), (1.0 - weight, other)),
    st.floats(0.1, 0.9),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
COUNTRIES = {"a": "COD", "b": "COD", "c": "PER"}


def site(site_id, capacity_tpa=1000.0, **other):
    country = COUNTRIES.get(site_id, "COD")
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country=country,
        capacity_tpa=capacity_tpa,
        **other,
    )


@st.composite
def hazards(draw, hazard_id):
    return Hazard(
        hazard_id=hazard_id,
        peril=Peril.OTHER,
        scope=draw(
            st.sampled_from(
                [
                    Scope.site("a"),
                    Scope.site("c"),
                    Scope.country("COD"),
                    Scope.region("r", site_ids=("b", "c")),
                ]
            )
        ),
        rate_pa=draw(st.floats(0.0, 4.0)),
        duration=draw(lengths),
        severity=draw(severities),
        ramp_up=draw(ramps),
        rate_shape=draw(st.one_of(st.none(), st.floats(0.3, 5.0))),
        hit_probability=draw(st.one_of(st.just(1.0), st.floats(0.0, 1.0))),
        shared_duration=draw(st.booleans()),
    )


@st.composite
def cases(draw):
    sizes = st.floats(1.0, 5000.0)
    return Case(
        name="law",
        start=START,
        sites=(
            site("c", draw(sizes), n_units=draw(st.integers(1, 4))),
            site("a", draw(sizes), n_units=draw(st.integers(1, 4))),
            site("b", draw(sizes)),
        ),
        hazards=tuple(draw(hazards(name)) for name in draw(st.sampled_from(["h", "zy", "xyz"]))),
    )


def book_of(case, seed=7, caps=None):
    plan = make_plan(case)
    if caps is not None:  # which the calendar refuses
        capped = tuple(replace(s, annual_cap_days=caps[s.site_id]) for s in plan.sites)
        plan = replace(plan, sites=capped)
    return occurrence.open_year_book(plan, seed)


def losses(case, seed=7, n=N):
    return occurrence.year_losses(book_of(case, seed), 0, n)


def rows_of(case, n=N, seed=7, block=0):
    book = book_of(case, seed)
    rows = occurrence.event_rows(book, block, np.ones(n, dtype=bool))
    return rows, [threat.name for threat in book.plan.threats]


def never_lower(more, less):
    return (more >= less - 1e-9 * (1.0 + np.abs(less))).all()


def assert_never_lower(more, less):
    for name in ("lost_t", "largest_loss_t"):
        assert never_lower(getattr(more, name), getattr(less, name)), name
    for by, sums in more.sums.items():
        assert never_lower(sums.total_t, less.sums[by].total_t), by
