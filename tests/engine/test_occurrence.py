"""The occurrence basis against a reference that goes event by event, and what it refuses."""

import datetime as dt
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.engine import _years, occurrence
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

YEARS = runpy.run_path(str(Path(__file__).with_name("occurrence_book.py")))
site, hazard = (YEARS[name] for name in ("site", "hazard"))
START, plan_of, book_of, weighed = (
    YEARS[name] for name in ("START", "plan_of", "book_of", "weighed")
)

# --- Event by event -------------------------------------------------------------------------

RICH = Case(
    name="rich",
    start=START,
    sites=(
        MineSite(
            site_id="c",
            name="c",
            commodity="tin",
            country="PER",
            capacity_tpa=900.0,
            annual_cap_days=120.0,
        ),
        MineSite(
            site_id="a", name="a", commodity="tin", country="COD", capacity_tpa=400.0, n_units=3
        ),
        MineSite(
            site_id="b",
            name="b",
            commodity="tin",
            country="COD",
            capacity_tpa=500.0,
            utilisation=0.5,
            annual_cap_days=20.0,
        ),
        MineSite(site_id="d", name="d", commodity="tin", country="PER", capacity_tpa=10.0),
    ),
    hazards=(
        Hazard(
            hazard_id="wide",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            rate_pa=1.5,
            duration=Duration.lognormal(median_days=40, sigma=1.2),
            ramp_up=RampUp(ramp_days=30, ramp_sigma=0.7, max_share_of_outage=0.5),
            rate_shape=1.0,
            rate_group="g",
            hit_probability=0.7,
            shared_duration=False,
        ),
        Hazard(
            hazard_id="joint",
            peril=Peril.STRIKE,
            scope=Scope.region("r", site_ids=("a", "b", "c")),
            rate_pa=0.4,
            duration=Duration.weibull(shape=0.8, scale_days=30, max_days=100),
            severity=((0.3, 1.0), (0.7, 0.4)),
            ramp_up=RampUp(shape="s_curve", ramp_days=20),
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
        Hazard(
            hazard_id="seen",
            peril=Peril.ACCIDENT,
            scope=Scope.site("c"),
            rate_pa=1.0,
            duration=Duration.empirical(days=(3.0, 10.0, 200.0), max_days=150),
            ramp_up=RampUp(shape="steps", ramp_days=10, levels=(0.8, 0.3)),
            rate_shape=0.5,
        ),
        Hazard(
            hazard_id="quick",
            peril=Peril.ACCIDENT,
            scope=Scope.site("c"),
            rate_pa=3.0,
            duration=Duration.exponential(mean_days=12),
            ramp_up=RampUp(shape="exponential", ramp_days=5),
        ),
        Hazard(
            hazard_id="unhurt",
            peril=Peril.ACCIDENT,
            scope=Scope.site("d"),
            rate_pa=0.0,
            duration=Duration.fixed(days=4),
        ),
    ),
    events=(
        DisruptionEvent(
            event_id="announced",
            peril=Peril.STRIKE,
            scope=Scope.country("COD"),
            announced=START,
            started=START + dt.timedelta(days=30),
            duration=Duration.exponential(mean_days=50),
            ramp_up=RampUp(ramp_days=8),
            severity=0.5,
            probability=0.25,
        ),
        DisruptionEvent(
            event_id="known",
            peril=Peril.STRIKE,
            scope=Scope.site("c"),
            announced=START,
            started=START + dt.timedelta(days=30),
            duration=Duration.fixed(days=17),
        ),
        DisruptionEvent(
            event_id="later",
            peril=Peril.STRIKE,
            scope=Scope.site("c"),
            announced=START,
            started=START + dt.timedelta(days=365),
            duration=Duration.fixed(days=100),
        ),
    ),
)
END = math.exp(-3.0)
AREAS = {
    "wide": 0.5,
    "joint": 0.5,
    "other": 0.0,
    "seen": 0.55,
    "quick": ((1.0 - END) / 3.0 - END) / (1.0 - END),
    "announced": 0.5,
    "known": 0.0,
}


def event_by_event(plan, rows, n):
    """Go through the rows in the order of time, and add up."""
    used, events = {}, {}
    lost, threats = np.zeros(n), np.zeros(len(plan.threats))
    order = sorted(
        range(len(rows.scenario)),
        key=lambda i: (rows.scenario[i], rows.start_days[i], rows.threat[i]),
    )
    for i in order:
        year, place, threat = int(rows.scenario[i]), int(rows.site[i]), int(rows.threat[i])
        mine = plan.sites[place]
        daily = mine.capacity_tpa * mine.utilisation / 365
        area = AREAS[plan.threats[threat].name]
        alone = daily * rows.severity[i] * (rows.outage_days[i] + area * rows.ramp_days[i])
        cap = math.inf if mine.annual_cap_days is None else mine.annual_cap_days * daily
        before = used.get((year, place), 0.0)
        booked = min(alone, max(cap - before, 0.0))
        used[year, place] = before + alone
        key = (year, threat, int(rows.number[i]))
        events[key] = events.get(key, 0.0) + alone
        lost[year] += booked
        threats[threat] += booked
        assert rows.alone_t[i] == pytest.approx(alone, rel=1e-12)
        assert rows.lost_t[i] == pytest.approx(booked, rel=1e-12, abs=1e-12)
    sites, squares, largest = np.zeros(len(plan.sites)), np.zeros(len(plan.sites)), np.zeros(n)
    for (_, place), tonnes in used.items():
        mine = plan.sites[place]
        cap = mine.annual_cap_days
        if cap is not None:
            tonnes = min(tonnes, cap * mine.capacity_tpa * mine.utilisation / 365)  # noqa: PLW2901
        sites[place] += tonnes
        squares[place] += tonnes**2
    for (year, _, _), tonnes in events.items():
        largest[year] = max(largest[year], tonnes)
    return lost, largest, sites, squares, threats


@pytest.mark.parametrize("n", [1, 1_500])
def test_a_reference_that_goes_event_by_event_agrees(n):
    plan = plan_of(RICH)
    book = occurrence.open_year_book(plan, 11)
    found = occurrence.year_losses(book, 3, n)
    rows = occurrence.event_rows(book, 3, np.ones(n, dtype=bool))
    lost, largest, sites, squares, threats = event_by_event(plan, rows, n)
    for ours, slow in (
        (found.lost_t, lost),
        (found.largest_loss_t, largest),
        (found.sums["site"].total_t, sites),
        (found.sums["site"].square_t2, squares),
        (found.sums["threat"].total_t[book.labels["threat"].part], threats),
    ):
        np.testing.assert_allclose(ours, slow, rtol=1e-12, atol=1e-12)
    weights = np.random.default_rng(1).random(n) * (np.arange(n) % 3 == 0)
    parts = weighed(book, 3, weights)
    by_row = weights[rows.scenario] * rows.lost_t
    np.testing.assert_allclose(
        parts["site"].total_t, np.bincount(rows.site, by_row, minlength=4), rtol=1e-12
    )
    by_threat = np.bincount(rows.threat, by_row, minlength=len(plan.threats))
    mine = parts["threat"].total_t[book.labels["threat"].part]
    np.testing.assert_allclose(mine, by_threat, rtol=1e-12)


def test_rows_of_some_years_are_those_of_all_years():
    book = book_of(RICH)
    every = occurrence.event_rows(book, 0, np.ones(500, dtype=bool))
    wanted = np.arange(500) % 7 == 0
    some = occurrence.event_rows(book, 0, wanted)
    mine = wanted[every.scenario]
    for name in every.__slots__:
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[mine])
    order = np.lexsort((every.start_days, every.site, every.scenario))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    nothing = occurrence.event_rows(book, 0, np.zeros(500, dtype=bool))
    assert len(nothing.scenario) == 0
    assert nothing.site.dtype == every.site.dtype


def test_events_drawn_piece_by_piece_are_the_same(monkeypatch):
    whole = occurrence.year_losses(book_of(RICH), 0)
    monkeypatch.setattr(_years, "_PIECE", 1_000)
    pieces = occurrence.year_losses(book_of(RICH), 0)
    np.testing.assert_allclose(pieces.lost_t, whole.lost_t, rtol=1e-12)
    np.testing.assert_allclose(pieces.largest_loss_t, whole.largest_loss_t, rtol=1e-12)
    for by, sums in whole.sums.items():
        np.testing.assert_allclose(pieces.sums[by], sums, rtol=1e-12)


def test_a_dated_event_books_its_full_loss_with_its_probability():
    n = occurrence.BLOCK_YEARS
    rows = occurrence.event_rows(book_of(RICH), 0, np.ones(n, dtype=bool))
    names = [threat.name for threat in plan_of(RICH).threats]
    announced = (rows.threat == names.index("announced")) & (rows.site == 0)
    assert abs(announced.sum() - 0.25 * n) < 4.0 * math.sqrt(n * 0.25 * 0.75)
    assert (rows.start_days[announced] == 30.0).all()
    assert rows.outage_days[announced].max() > 335.0  # not cut at the end of the year
    known = rows.threat == names.index("known")
    assert known.sum() == n
    assert (rows.outage_days[known] == 17.0).all()
    assert "later" not in {names[k] for k in np.unique(rows.threat)}


# --- Refusals -------------------------------------------------------------------------------

PLAIN = Case(
    name="plain",
    start=START,
    sites=(site("a", 1.0),),
    hazards=(hazard("h", Scope.site("a"), 1.0, Duration.fixed(days=3)),),
)


def test_another_horizon_than_a_year_is_refused():
    with pytest.raises(InvalidInputError, match=r"horizon_days must be 365 on the occurrence"):
        book_of(replace(PLAIN, horizon_days=366))


def test_production_that_never_returns_is_refused():
    with pytest.raises(InvalidInputError, match=r"hazards\.h\.ramp_up\.shape must not be 'never'"):
        book_of(PLAIN.with_values({"hazards.h.ramp_up": RampUp(shape="never")}))


def test_an_event_of_an_earlier_year_is_refused():
    event = DisruptionEvent(
        event_id="e",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        started=START - dt.timedelta(days=1),
        duration=Duration.exponential(mean_days=10),
    )
    with pytest.raises(
        InvalidInputError, match=r"events\.e\.started must not be before the case's"
    ):
        book_of(replace(PLAIN, events=(event,)))


def test_every_fault_is_named_at_once():
    never = PLAIN.with_values({"hazards.h.ramp_up": RampUp(shape="never")})
    with pytest.raises(InvalidInputError, match="2 faults"):
        book_of(replace(never, horizon_days=100))
