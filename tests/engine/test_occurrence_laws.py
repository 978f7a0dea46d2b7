"""Laws of the occurrence basis, on small cases made up by Hypothesis."""

import math
import pickle
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.engine import occurrence
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, Scope

LAWS = runpy.run_path(str(Path(__file__).with_name("occurrence_cases.py")))
START, N, SIZE, fewer = (LAWS[name] for name in ("START", "N", "SIZE", "fewer"))
SCALE, site, hazards, cases = (LAWS[name] for name in ("SCALE", "site", "hazards", "cases"))
book_of, losses, rows_of = (LAWS[name] for name in ("book_of", "losses", "rows_of"))
never_lower, assert_never_lower = (LAWS[name] for name in ("never_lower", "assert_never_lower"))

# --- Pathwise -------------------------------------------------------------------------------


@fewer
@given(case=cases(), seed=st.integers(0, 2**64))
def test_sums_by_site_and_by_threat_are_the_sum_of_the_years(case, seed):
    found = losses(case, seed)
    total = found.lost_t.sum()
    for sums in found.sums.values():
        assert sums.total_t.sum() == pytest.approx(total, rel=1e-12)
        assert never_lower(N * sums.square_t2, sums.total_t**2)
    assert never_lower(found.lost_t, found.largest_loss_t)
    assert (found.largest_loss_t >= 0.0).all()


@fewer
@given(case=cases(), factor=st.floats(1.0, 20.0), seed=st.integers(0, 100))
def test_higher_severity_never_lowers_a_loss(case, factor, seed):
    values = {
        f"hazards.{h.hazard_id}.severity": tuple((w, min(1.0, m * factor)) for w, m in h.severities)
        for h in case.hazards
    }
    assert_never_lower(losses(case.with_values(values), seed), losses(case, seed))


@fewer
@given(case=cases(), factor=st.floats(1.0, 10.0), seed=st.integers(0, 100))
def test_longer_outages_never_lower_a_loss(case, factor, seed):
    values = {}
    for h in case.hazards:
        field = SCALE[h.duration.family]
        path = f"hazards.{h.hazard_id}.duration.{field}"
        values[path] = getattr(h.duration, field) * factor
    assert_never_lower(losses(case.with_values(values), seed), losses(case, seed))


@fewer
@given(case=cases(), factor=st.floats(1.0, 3.0), seed=st.integers(0, 100))
def test_a_higher_rate_never_lowers_a_loss(case, factor, seed):
    # Events are added, and those that there were stay as they were.
    values = {f"hazards.{h.hazard_id}.rate_pa": h.rate_pa * factor for h in case.hazards}
    assert_never_lower(losses(case.with_values(values), seed), losses(case, seed))


@fewer
@given(case=cases(), hit=st.floats(0.0, 1.0))
def test_likelier_hits_never_lower_a_loss(case, hit):
    values = {
        f"hazards.{h.hazard_id}.hit_probability": max(hit, h.hit_probability) for h in case.hazards
    }
    assert_never_lower(losses(case.with_values(values)), losses(case))


@fewer
@given(case=cases(), factor=st.floats(0.01, 100.0))
def test_losses_scale_with_production(case, factor):
    values = {f"sites.{s.site_id}.capacity_tpa": s.capacity_tpa * factor for s in case.sites}
    small, large = losses(case), losses(case.with_values(values))
    pairs = [(large.lost_t, small.lost_t, 1), (large.largest_loss_t, small.largest_loss_t, 1)]
    for by, sums in small.sums.items():
        pairs.append((large.sums[by].total_t, sums.total_t, 1))
        pairs.append((large.sums[by].square_t2, sums.square_t2, 2))
    for more, less, power in pairs:
        # Severities of 1e-323, which Hypothesis tries, keep no digits.
        np.testing.assert_allclose(more, factor**power * less, rtol=1e-9, atol=1e-300)


@fewer
@given(case=cases(), days=st.floats(1.0, 400.0))
def test_an_annual_cap_never_raises_a_loss_and_holds(case, days):
    caps = {"a": days, "b": None, "c": 2.0 * days}
    free, book = losses(case), book_of(case, caps=caps)
    capped = occurrence.year_losses(book, 0, N)
    assert never_lower(free.lost_t, capped.lost_t)
    for by, sums in capped.sums.items():
        assert never_lower(free.sums[by].total_t, sums.total_t)
    # The largest event is told uncut.
    np.testing.assert_array_equal(capped.largest_loss_t, free.largest_loss_t)
    rows = occurrence.event_rows(book, 0, np.ones(N, dtype=bool))
    year = np.bincount(rows.site * N + rows.scenario, rows.lost_t, minlength=3 * N).reshape(3, N)
    assert (year <= book.cap_t[:, np.newaxis] * (1.0 + 1e-12)).all()
    np.testing.assert_allclose(capped.lost_t, year.sum(axis=0), rtol=1e-12, atol=1e-9)
    total, square = capped.sums["site"]
    np.testing.assert_allclose(total, year.sum(axis=1), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(square, (year**2).sum(axis=1), rtol=1e-12, atol=1e-9)


# --- The same futures -----------------------------------------------------------------------


@fewer
@given(case=cases(), extra=hazards("new"), seed=st.integers(0, 100))
def test_more_hazards_and_sites_leave_the_events_of_others_as_they_were(case, extra, seed):
    new_site = Hazard(
        hazard_id="at-d",
        peril=Peril.OTHER,
        scope=Scope.site("d"),
        rate_pa=3.0,
        duration=Duration.exponential(mean_days=5),
    )
    larger = replace(
        case,
        sites=(site("d"), *reversed(case.sites)),
        hazards=(new_site, extra, *reversed(case.hazards)),
    )
    (few, names), (many, more_names) = rows_of(case, seed=seed), rows_of(larger, seed=seed)
    where = [more_names.index(name) for name in names]
    old_sites = many.site != 3  # a, b, c, d
    for index, name in enumerate(names):
        mine = few.threat == index
        theirs = (many.threat == where[index]) & old_sites
        for column in ("scenario", "number", "site", "lost_t", "start_days", "outage_days"):
            one, other = getattr(few, column)[mine], getattr(many, column)[theirs]
            np.testing.assert_array_equal(one, other, err_msg=name)


@fewer
@given(case=cases(), n=st.integers(1, N), seed=st.integers(0, 100))
def test_a_block_that_is_cut_short_holds_the_first_years(case, n, seed):
    book = book_of(case, seed)
    whole, part = occurrence.year_losses(book, 2), occurrence.year_losses(book, 2, n)
    for name in ("lost_t", "largest_loss_t"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:n])


@fewer
@given(case=cases(), seed=st.integers(0, 100))
def test_blocks_are_the_same_in_any_order_and_book(case, seed):
    book, other = book_of(case, seed), pickle.loads(pickle.dumps(book_of(case, seed)))  # noqa: S301 - our own
    forth = [occurrence.year_losses(book, block, N) for block in range(3)]
    back = [occurrence.year_losses(other, block, N) for block in (2, 1, 0)][::-1]
    for one, two in zip(forth, back, strict=True):
        np.testing.assert_array_equal(one.lost_t, two.lost_t)
        np.testing.assert_array_equal(one.largest_loss_t, two.largest_loss_t)
        for by, sums in one.sums.items():
            np.testing.assert_array_equal(sums, two.sums[by])


def test_seeds_and_blocks_give_other_years():
    case = Case(
        name="one",
        start=START,
        sites=(site("a"),),
        hazards=(
            Hazard(
                hazard_id="h",
                peril=Peril.OTHER,
                scope=Scope.site("a"),
                rate_pa=5.0,
                duration=Duration.exponential(mean_days=9),
            ),
        ),
    )
    book = book_of(case)
    outcomes = [occurrence.year_losses(book, block).lost_t for block in range(4)]
    outcomes.append(losses(case, seed=8, n=SIZE).lost_t)
    corr = np.corrcoef(outcomes)
    assert (np.abs(corr[~np.eye(5, dtype=bool)]) < 4.0 / math.sqrt(SIZE)).all()


def test_a_calm_case_loses_exactly_nothing():
    calm = Case(name="calm", start=START, sites=(site("a"), site("c")))
    found = losses(calm)
    for values in (found.lost_t, found.largest_loss_t, *found.sums["site"]):
        assert values.dtype == np.float64
        assert (values == 0.0).all()
    assert len(rows_of(calm)[0].scenario) == 0
