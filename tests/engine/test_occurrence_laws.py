"""Laws of the occurrence basis, on small cases made up by Hypothesis, and laws of its draws."""

import datetime as dt
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from supplyrisk.engine import _drawn, occurrence, streams
from supplyrisk.engine.plan import make_plan
from supplyrisk.hazard import durations as laws
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
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


# --- Laws of the draws ----------------------------------------------------------------------


def hazard_at(hazard_id, rate, duration=None, **other):
    return Hazard(
        hazard_id=hazard_id,
        peril=Peril.OTHER,
        scope=other.pop("scope", Scope.site("a")),
        rate_pa=rate,
        duration=duration or Duration.fixed(days=1),
        **other,
    )


def counts(rows, threats, n):
    return np.bincount(rows.scenario[np.isin(rows.threat, threats)], minlength=n)


def z_of_moments(count, mean, variance):
    """Scores of the mean and of the variance of counts."""
    squares = (count - mean) ** 2
    n = len(count)
    return (
        (count.mean() - mean) / math.sqrt(variance / n),
        (squares.mean() - variance) / (squares.std() / math.sqrt(n)),
    )


@pytest.mark.parametrize("shape", [None, 0.4, 2.0])
@pytest.mark.parametrize("rate", [0.05, 1.5])
def test_counts_are_poisson_or_negative_binomial_alone_and_in_a_group(shape, rate):
    group = None if shape is None else "g"
    case = Case(
        name="counts",
        start=START,
        sites=(site("a", n_units=2), site("b")),
        hazards=(
            hazard_at("h", rate / 2, rate_shape=shape, rate_group=group),
            hazard_at("k", 2.0, rate_shape=shape, rate_group=group, scope=Scope.site("b")),
        ),
    )
    rows, _ = rows_of(case, SIZE)
    for threats, mean in (([0], rate), ([1], 2.0), ([0, 1], rate + 2.0)):
        variance = mean + (0.0 if shape is None else mean**2 / shape)
        for z in z_of_moments(counts(rows, threats, SIZE), mean, variance):
            assert abs(z) < 4.0


def test_the_factor_of_a_hazard_alone_is_its_own():
    case = Case(
        name="alone",
        start=START,
        sites=(site("a"),),
        hazards=(hazard_at("h", 3.0, rate_shape=0.5), hazard_at("k", 3.0, rate_shape=0.5)),
    )
    rows, _ = rows_of(case, SIZE)
    both = np.corrcoef(counts(rows, [0], SIZE), counts(rows, [1], SIZE))[0, 1]
    assert abs(both) < 4.0 / math.sqrt(SIZE)


FAMILIES = (
    Duration.lognormal(median_days=20, sigma=1.3),
    Duration.weibull(shape=0.7, scale_days=30, max_days=60),
    Duration.exponential(mean_days=15),
    Duration.fixed(days=12.0),
    Duration.empirical(days=(3.0, 12.0, 40.0)),
    Duration.mixture(
        (
            (0.3, Duration.lognormal(median_days=5, sigma=0.5)),
            (0.7, Duration.weibull(shape=2.0, scale_days=50)),
        ),
        max_days=70,
    ),
)


@pytest.mark.parametrize("duration", FAMILIES, ids=lambda duration: duration.family)
@pytest.mark.parametrize("shared", [True, False])
def test_lengths_follow_their_law_at_every_site(duration, shared):
    case = Case(
        name="lengths",
        start=START,
        sites=(site("a"), site("b")),
        hazards=(
            hazard_at("h", 1.0, duration, scope=Scope.country("COD"), shared_duration=shared),
        ),
    )
    rows, _ = rows_of(case, SIZE)
    at = np.array([2.0, 10.0, 12.0, 30.0, 55.0, 65.0])
    for place in (0, 1):
        days = rows.outage_days[rows.site == place]
        alive = laws.survival(duration, at)
        found = (days > at[:, np.newaxis]).mean(axis=1)
        reach = np.sqrt(alive * (1.0 - alive) / len(days))
        assert (np.abs(found - alive) <= 4.0 * reach).all()
    one, two = (rows.outage_days[rows.site == place] for place in (0, 1))
    if shared or duration.family == "fixed":
        np.testing.assert_array_equal(one, two)
    else:
        assert abs(np.corrcoef(one, two)[0, 1]) < 4.0 / math.sqrt(len(one))


def test_starts_are_even_over_the_year_and_hits_and_severities_have_their_shares():
    case = Case(
        name="shares",
        start=START,
        sites=(site("a"), site("b")),
        hazards=(
            hazard_at(
                "h",
                2.0,
                scope=Scope.country("COD"),
                hit_probability=0.3,
                severity=((0.25, 1.0), (0.75, 0.5)),
            ),
        ),
    )
    rows, _ = rows_of(case, SIZE)
    assert stats.kstest(rows.start_days[rows.site == 0] / 365.0, "uniform").pvalue > 1e-4
    n = len(rows.scenario)
    assert abs(n - 2 * 2 * 0.3 * SIZE) < 4.0 * math.sqrt(n)
    # One event has one severity at both sites: each event counts once.
    _, first = np.unique(rows.number, return_index=True)
    worst = (rows.severity[first] == 1.0).mean()
    assert abs(worst - 0.25) < 4.0 * math.sqrt(0.25 * 0.75 / len(first))
    both = np.bincount(rows.number) == 2
    n_events = 2.0 * SIZE
    assert abs(both.sum() - 0.09 * n_events) < 4.0 * math.sqrt(0.09 * n_events)


def test_a_dated_event_of_certain_start_is_in_every_year():
    event = DisruptionEvent(
        event_id="e",
        peril=Peril.OTHER,
        scope=Scope.site("a"),
        started=START,
        duration=Duration.fixed(days=500),
        ramp_up=RampUp(ramp_days=10),
        severity=0.5,
    )
    found = losses(Case(name="dated", start=START, sites=(site("a", 365.0),), events=(event,)))
    assert (found.lost_t == 0.5 * 505.0).all()
    assert (found.largest_loss_t == found.lost_t).all()


@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.1, 1.0, 30.0, 3e3, 1.6e7])
def test_poisson_quantiles(mean):
    uniforms = np.concatenate([np.random.default_rng(1).random(5_000), [1e-9, 1.0 - 1e-9]])
    k = _drawn.poisson_quantile(uniforms, np.full(len(uniforms), mean))
    # Not against scipy's quantiles: for the largest mean they are too high by up to 62.
    assert (stats.poisson.cdf(k, mean) > uniforms).all()
    assert (stats.poisson.cdf(k - 1, mean) <= uniforms).all()


def test_poisson_quantiles_rise_with_the_mean():
    means = np.geomspace(1e-3, 1e5, 2_000)
    for uniform in (1e-9, 0.01, 0.5, 0.999):
        assert (np.diff(_drawn.poisson_quantile(np.full(2_000, uniform), means)) >= 0).all()


def test_streams_are_known_by_their_names_alone():
    few = streams.StreamTable(3, [("a", "b")])
    many = streams.StreamTable(3, [("ab",), ("x", "y"), ("a", "b"), ("a", "b", "c")])
    one, two = few.block(5), many.block(5)
    np.testing.assert_array_equal(one.stream("a", "b").random(4), two.stream("a", "b").random(4))
    np.testing.assert_array_equal(
        one.uniforms(few.places([("a", "b")])), two.uniforms(many.places([("a", "b")]))
    )
    # What a seed means must not change unseen.
    assert one.stream("a", "b").integers(2**32, size=2).tolist() == [2696154449, 1551951776]
