"""The occurrence basis against exact values, and against a reference that goes event by event."""

import datetime as dt
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.engine import _years, occurrence
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.tally import Tally
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

BENCH = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "bench_portfolio.py"))
portfolio, site, hazard = (BENCH[name] for name in ("portfolio", "site", "hazard"))
START = dt.date(2025, 1, 1)
LEVELS = (0.90, 0.95, 0.99, 0.996)


def plan_of(case):
    """A plan with the annual caps that the calendar refuses."""
    bare = replace(case, sites=tuple(replace(s, annual_cap_days=None) for s in case.sites))
    return replace(
        make_plan(bare), case=case, sites=tuple(sorted(case.sites, key=lambda s: s.site_id))
    )


def book_of(case, seed=7):
    return occurrence.open_year_book(plan_of(case), seed)


def years(book, n):
    size = occurrence.BLOCK_YEARS
    sizes = [min(size, n - first) for first in range(0, n, size)]
    return BENCH["joined"]([occurrence.year_losses(book, b, m) for b, m in enumerate(sizes)])


def weighed(book, block, weights):
    """Weighted sums of the parts over some years of a block, in a second pass."""
    chosen = weights != 0.0
    tally, place = Tally(book, chosen.sum(), weights[chosen]), np.cumsum(chosen) - 1
    for sites, year, threat, at, lost_t in occurrence.tail_losses(book, block, chosen):
        tally.add(sites, place[year], threat, at, lost_t)
    return tally.sums()


# --- Exact values ---------------------------------------------------------------------------

# golden/compound_losses.json beside the design: by FFT of the compound sums, step halved; the
# largest events in closed form. Mean, sd; then by level VaR, TVaR and, where given, OEP.
CASES = {
    "G1": (
        Case(
            name="g1",
            start=START,
            sites=(site("a", 1500.0),),
            hazards=(
                hazard(
                    "h",
                    Scope.site("a"),
                    0.3,
                    Duration.lognormal(median_days=20, sigma=1.2, max_days=365),
                ),
            ),
        ),
        (17707.843979335896, 56046.02313190475),
        (50527.925854605084, 101108.72925115118, 287190.9092289084, 449137.55544494104),
        (143309.37302102766, 214957.96258419132, 428071.6244145814, 542142.6050208824),
        (47450.69148869645, 93837.83320266317, 270206.96301532286, 428330.7952949659),
    ),
    "G2": (
        portfolio(10),
        (3862.033313459068, 5961.239539128404),
        (10274.626057631835, 14929.860525063807, 27686.320351952236, 36238.564830001436),
        (17738.88095897619, 23186.40433089117, 38120.94959921513, 48455.59360669015),
        (7747.236566016823, 11582.657195707054, 22867.575527195557, 30830.748166104895),
    ),
    "G3": (
        portfolio(100),
        (44373.89665258804, 24242.770696459385),
        (74947.62891188855, 89102.8727574927, 123720.05490241908, 145920.38943934138),
        (96355.20125608105, 111504.05198776032, 150881.76362653484, 177794.32783429493),
        (29592.205303336774, 38949.569447092654, 66602.85361040849, 87160.4159128401),
    ),
    "G5": (  # negative binomial counts
        Case(
            name="g5",
            start=START,
            sites=(site("a", 100.0),),
            hazards=(
                hazard(
                    "h",
                    Scope.site("a"),
                    3.0,
                    Duration.lognormal(median_days=20, sigma=1.0),
                    rate_shape=2.0,
                ),
            ),
        ),
        (9892.32762420077, 11730.206566784347),
        (24631.912629419236, 32837.743593186824, 52944.18897417327, 65360.16493732242),
        (36932.53342262065, 45617.72463263064, 67425.46188445164, 81346.62534852429),
        None,
    ),
    "G7": (  # thirty sites, and shocks that stop every third of them for one length
        portfolio(
            30,
            hazards=tuple(
                hazard(
                    f"shock{r}",
                    Scope.region(f"r{r}", site_ids=tuple(f"s{k:05d}" for k in range(r + 1, 31, 3))),
                    rate,
                    Duration.lognormal(median_days=median, sigma=0.8),
                )
                for r, (rate, median) in enumerate(((0.1, 15.0), (0.05, 30.0), (0.02, 60.0)))
            ),
        ),
        (19271.704442800747, 24437.15377214539),
        (42059.87160427318, 58188.09683254876, 110924.66277234563, 156576.9349938193),
        (71784.3414767891, 94593.61803118834, 170438.53671770252, 232347.72145976644),
        None,
    ),
}
N_YEARS = 300_000
# Means and parts of the tail mean at 99 % of the ten sites of G2, from the same file.
SITE_MEANS = (
    347.40619233605634,
    516.6334337916144,
    139.8508912084259,
    696.5153704703835,
    35.47516933124341,
    299.30772377828225,
    605.3044113882171,
    341.85058966579703,
    845.1640223905993,
    34.52550909844824,
)
SITE_TAILS = (
    1168.0124016327875,
    7381.2477239746495,
    176.5623391527464,
    7615.609163838401,
    43.647211966699786,
    493.53221740786864,
    8887.41117278506,
    529.7953824981878,
    11786.533989588781,
    38.64943776760662,
)


def z_of_mean(values, expected):
    return (values.mean() - expected) / (values.std() / math.sqrt(len(values)))


@pytest.mark.parametrize("name", CASES)
def test_exact_values_of_compound_sums(name):
    case, (mean, sd), at_risk, tails, largest = CASES[name]
    lost = years(book_of(case), N_YEARS)
    scores = {
        "mean": z_of_mean(lost.lost_t, mean),
        "sd": z_of_mean((lost.lost_t - mean) ** 2, sd**2),
    }
    for level, value, tail in zip(LEVELS, at_risk, tails, strict=True):
        below = (lost.lost_t <= value).mean()
        scores[f"VaR {level}"] = (below - level) / math.sqrt(level * (1 - level) / N_YEARS)
        beyond = np.maximum(lost.lost_t - value, 0.0) / (1.0 - level)
        scores[f"TVaR {level}"] = z_of_mean(beyond, tail - value)
    for level, value in zip(LEVELS, largest or (), strict=largest is not None):
        below = (lost.largest_loss_t <= value).mean()
        scores[f"OEP {level}"] = (below - level) / math.sqrt(level * (1 - level) / N_YEARS)
    assert {key: z for key, z in scores.items() if abs(z) >= 4.0} == {}


def test_exact_means_and_tail_parts_of_sites():
    case, _, at_risk, _, _ = CASES["G2"]
    n, size = 100_000, occurrence.BLOCK_YEARS
    book = book_of(case)
    lost = years(book, n)
    total, square = lost.sums["site"]
    mean = total / n
    reach = np.sqrt((square / n - mean**2) / n)
    assert (np.abs(mean - SITE_MEANS) < 4.0 * reach).all()
    beyond = lost.lost_t > at_risk[2]
    weights = beyond / (n * 0.01)
    parts, square = np.zeros(10), np.zeros(10)
    for block in range(n // size):
        mine = slice(block * size, (block + 1) * size)
        parts += weighed(book, block, weights[mine])["site"].total_t
        rows = occurrence.event_rows(book, block, beyond[mine])
        cell = np.bincount(rows.scenario * 10 + rows.site, rows.lost_t, minlength=size * 10)
        square += (cell.reshape(size, 10) ** 2).sum(axis=0)
    reach = np.sqrt(square / n / 0.01**2 - parts**2) / math.sqrt(n)
    assert (np.abs(parts - SITE_TAILS) < 4.0 * reach).all()
    assert parts.sum() == pytest.approx(weights @ lost.lost_t, rel=1e-12)


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
