"""The nowcast against factors worked by hand, a plain second way, simulation, and its laws."""

import dataclasses
import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from supplyrisk.casefile.bundled import load_case
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.evidence_factors import BayesFactor, bayes_factors
from supplyrisk.hazard.evidence_update import MOST, nowcast
from supplyrisk.model.duration import Duration
from supplyrisk.model.evidence import Evidence
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, Scope
from supplyrisk.model.provenance import digest

DAY = dt.date(2025, 3, 20)
Z90 = 1.6448536269514722
HAZARD = Hazard(
    hazard_id="conflict",
    peril=Peril.ARMED_CONFLICT,
    scope=Scope.site("mine"),
    rate_pa=0.15,
    duration=Duration.lognormal(median_days=136, sigma=1.81),
)
FACTORS = bayes_factors()
SUPPORTING = [factor.kind for factor in FACTORS if factor.median >= 1.0]


def seen(kind="town_taken", *, age=0, name="seen", hazard_id=None):
    day = DAY - dt.timedelta(days=age)
    return Evidence(evidence_id=name, date=day, kind=kind, statement="Seen.", hazard_id=hazard_id)


def factor(kind="town_taken", median=3.0, low=None, high=None, **fields):
    return BayesFactor(
        kind=kind,
        median=median,
        low=median if low is None else low,
        high=median if high is None else high,
        **{"family": "advance", "half_life_days": 30.0, **fields},
    )


def today(evidence, **options):
    return nowcast(HAZARD, evidence, **{"as_of": DAY, "window_days": 1, **options})


@pytest.fixture(scope="module")
def walikale():
    return load_case("walikale-2025")


# --- Worked by hand -----------------------------------------------------------------------


def test_one_fresh_factor_multiplies_the_rate_and_its_range_is_the_range():
    now = today([seen()])
    assert now.hazard.rate_pa == pytest.approx(0.45, rel=1e-14)
    assert now.multiplier == pytest.approx((3.0, 1.0, 9.0), rel=1e-14)
    assert now.today == now.multiplier
    (row,) = now.rows
    assert (row.factor, row.ageing, row.discount, row.status) == (3.0, 1.0, 1.0, "counted")
    assert row.contribution == pytest.approx(math.log10(3.0), rel=1e-15)
    # Lognormal of spread s = ln 3 / z: relative variance exp(s^2) - 1, the inverse of the shape.
    assert now.hazard.rate_shape == pytest.approx(
        1.0 / math.expm1((math.log(3.0) / Z90) ** 2), rel=1e-12
    )


def test_a_factor_and_its_range_age_by_their_half_life():
    now = today([seen(age=60)])  # two half-lives: the fourth root
    assert now.multiplier == pytest.approx((3.0**0.25, 1.0, 9.0**0.25), rel=1e-14)
    assert now.rows[0].ageing == 0.25


def test_reports_of_one_family_count_whole_half_and_a_quarter_the_strongest_first():
    now = today([seen(name="a", age=30), seen(name="b"), seen(name="c", kind="army_withdrawn")])
    assert now.multiplier.median == pytest.approx(3.0 * 2.0**0.5 * 3.0**0.125, rel=1e-14)
    assert {row.evidence_id: row.discount for row in now.rows} == {"a": 0.25, "b": 1.0, "c": 0.5}
    assert 10.0 ** sum(row.contribution for row in now.rows) == pytest.approx(now.today.median)


def test_families_and_directions_do_not_discount_each_other():
    now = today([seen(name="a"), seen("town_retaken", name="b"), seen("route_closed", name="c")])
    assert now.multiplier.median == pytest.approx(3.0 * 0.5 * 1.5, rel=1e-14)
    spreads = [math.log(3.0) / Z90, math.log(4.0) / Z90, math.log(3.0) / Z90]
    assert now.multiplier.high / now.multiplier.median == pytest.approx(
        math.exp(Z90 * math.hypot(*spreads)), rel=1e-12
    )


def test_spreads_of_one_family_add():
    now = today([seen(name="a"), seen(name="b")])
    assert now.multiplier == pytest.approx((3.0**1.5, 1.0, 9.0**1.5), rel=1e-13)


def test_a_lopsided_range_is_taken_at_its_wider_side():
    assert factor(low=1.0, high=4.0).spread == pytest.approx(math.log(3.0) / Z90)
    assert factor(low=2.0, high=12.0).spread == pytest.approx(math.log(4.0) / Z90)


def test_a_certain_factor_leaves_shape_and_group():
    hazard = dataclasses.replace(HAZARD, rate_shape=5.0, rate_group="wars")
    now = nowcast(hazard, [seen()], as_of=DAY, window_days=1, factors=[factor()])
    assert now.hazard.rate_pa == pytest.approx(0.45, rel=1e-14)
    assert dataclasses.replace(now.hazard, rate_pa=0.15) == hazard


def test_the_mean_over_a_window_is_that_of_the_exponential_integral():
    # Mean of 3 ** 2^(-t/h): (h / (W ln 2)) [Ei(a) - Ei(a 2^(-W/h))] from half a day before the
    # first day to half a day before the end; a mean of days differs in the second order, 2e-5.
    half_life, window = 30.0, 365
    now = today([seen()], window_days=window, factors=[factor()])
    ends = math.log(3.0) * np.exp2(-np.array([-0.5, window - 0.5]) / half_life)
    first, last = special.expi(ends)
    mean = half_life / (window * math.log(2.0)) * (first - last)
    assert now.multiplier.median == pytest.approx(mean, rel=5e-5)
    assert now.today.median == pytest.approx(3.0)
    assert now.hazard.rate_pa == 0.15 * now.multiplier.median


# --- A plain second way -------------------------------------------------------------------


def by_hand(evidence, window, z):
    """Multiplier at z standard deviations, day by day and report by report."""
    table = {factor.kind: factor for factor in FACTORS}
    total = 0.0
    for t in range(window):
        families = {}
        for item in evidence:
            known = table[item.kind]
            left = 0.5 ** (((DAY - item.date).days + t) / known.half_life_days)
            log = left * math.log(known.median)
            # The reports of one family: strongest first, the wider first among equals.
            families.setdefault((known.family, known.median >= 1.0), []).append(
                (-abs(log), -known.spread, log, left * known.spread)
            )
        mu = variance = 0.0
        for reports in families.values():
            spread = 0.0
            for rank, (*_, log, wide) in enumerate(sorted(reports)):
                mu += log / 2**rank
                spread += wide / 2**rank
            variance += spread**2
        mu = min(max(mu, -math.log(MOST)), math.log(MOST))
        total += math.exp(mu + z * min(math.sqrt(variance), math.log(MOST) / Z90))
    return total / window


reports = st.lists(
    st.tuples(st.sampled_from([factor.kind for factor in FACTORS]), st.integers(0, 120)),
    max_size=8,
).map(
    lambda pairs: [
        seen(kind, age=age, name=f"report-{place}") for place, (kind, age) in enumerate(pairs)
    ]
)
windows = st.sampled_from([1, 2, 28, 100])


@given(reports, windows)
def test_multiplier_is_that_of_a_plain_loop(evidence, window):
    now = today(evidence, window_days=window)
    assert now.multiplier == pytest.approx(
        [by_hand(evidence, window, z) for z in (0.0, -Z90, Z90)], rel=1e-9
    )


# --- Simulation ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [None, 4.0])
@pytest.mark.parametrize("window", [1, 60])
def test_rate_and_shape_match_the_moments_of_simulated_rates(shape, window):
    hazard = dataclasses.replace(HAZARD, rate_shape=shape)
    table = [factor(low=2.0, high=4.5), factor("route_closed", 1.5, 1.0, 2.25, family="route")]
    evidence = [seen(name="a", age=5), seen("route_closed", name="b", age=10)]
    now = nowcast(hazard, evidence, as_of=DAY, window_days=window, factors=table)
    rng, n = np.random.default_rng(20250320), 400_000
    z = rng.standard_normal(n)
    multiplier = np.zeros(n)
    for t in range(window):
        parts = [(item.spread, item.median, age) for item, age in zip(table, (5, 10), strict=True)]
        left = [0.5 ** ((age + t) / 30.0) for *_, age in parts]
        mu = sum(a * math.log(m) for a, (_, m, _) in zip(left, parts, strict=True))
        spread = math.hypot(*(a * s for a, (s, *_) in zip(left, parts, strict=True)))
        multiplier += np.exp(mu + spread * z) / window
    # The quantiles of the multiplier, each with the standard error of an order statistic.
    for p, bound in zip((0.5, 0.05, 0.95), now.multiplier, strict=True):
        assert abs((multiplier <= bound).mean() - p) < 4.0 * math.sqrt(p * (1 - p) / n)
    # The rate has the median as its mean, and the relative variance of multiplier and prior.
    gamma = 1.0 if shape is None else rng.standard_gamma(shape, n) / shape
    rate = 0.15 * now.multiplier.median * multiplier / multiplier.mean() * gamma
    assert now.hazard.rate_pa == pytest.approx(rate.mean(), abs=4.0 * rate.std() / math.sqrt(n))
    squares = (rate - rate.mean()) ** 2
    expected = now.hazard.rate_pa**2 / now.hazard.rate_shape
    assert abs(squares.mean() - expected) < 4.0 * squares.std() / math.sqrt(n)


def test_counts_drawn_from_the_hazard_are_as_wide_as_its_shape_says():
    now = nowcast(HAZARD, [seen()], as_of=DAY, window_days=28)
    rng, n = np.random.default_rng(7), 400_000
    k, mean = now.hazard.rate_shape, now.hazard.rate_pa
    counts = rng.poisson(mean * rng.standard_gamma(k, n) / k)
    squares = (counts - mean) ** 2
    assert abs(counts.mean() - mean) < 4.0 * counts.std() / math.sqrt(n)
    assert abs(squares.mean() - (mean + mean**2 / k)) < 4.0 * squares.std() / math.sqrt(n)
    assert mean + mean**2 / k > 1.1 * mean  # wider than Poisson


# --- Laws ---------------------------------------------------------------------------------


@given(reports, windows, st.randoms(use_true_random=False))
def test_order_of_the_evidence_is_irrelevant(evidence, window, random):
    shuffled = list(evidence)
    random.shuffle(shuffled)
    assert today(shuffled, window_days=window) == today(evidence, window_days=window)


@given(reports, windows, st.sampled_from(SUPPORTING), st.integers(0, 120))
def test_more_supporting_evidence_never_lowers_the_rate(evidence, window, kind, age):
    more = [*evidence, seen(kind, age=age, name="more")]
    before, after = (today(items, window_days=window) for items in (evidence, more))
    assert after.hazard.rate_pa >= before.hazard.rate_pa * (1.0 - 1e-12)


@given(reports, windows)
def test_no_evidence_multiplies_a_rate_beyond_the_cap(evidence, window):
    now = today(evidence, window_days=window)
    assert now.multiplier.median >= 1.0 / MOST * (1 - 1e-12)
    assert now.multiplier.median <= MOST * (1 + 1e-12)
    assert now.multiplier.low <= now.multiplier.median <= now.multiplier.high
    assert now.multiplier.high <= MOST**2 * (1 + 1e-12)


@pytest.mark.parametrize(("median", "end"), [(20.0, MOST), (0.05, 1.0 / MOST)])
def test_strong_evidence_of_several_families_is_cut_at_the_cap(median, end):
    table = [factor(f"kind-{n}", median, family=f"family-{n}") for n in range(3)]
    now = today([seen(f"kind-{n}", name=f"e{n}") for n in range(3)], factors=table)
    assert now.multiplier.median == pytest.approx(end, rel=1e-12)


@pytest.mark.parametrize("reports", [2, 20, 200])
def test_many_reports_of_one_family_weigh_at_most_twice_the_strongest(reports):
    now = today([seen(name=f"e{n}") for n in range(reports)])
    assert 3.0 < now.multiplier.median <= 9.0
    assert now.multiplier.median == pytest.approx(3.0 ** (2.0 - 0.5 ** (reports - 1)), rel=1e-12)


@given(st.sampled_from(FACTORS), windows)
def test_evidence_ages_to_neutral_and_is_then_out(known, window):
    oldest = math.floor(10 * known.half_life_days)
    ages = [0, 1, 7, 30, 100, oldest]
    moved = [
        abs(math.log(today([seen(known.kind, age=age)], window_days=window).multiplier.median))
        for age in sorted(ages)
    ]
    assert all(later < earlier for earlier, later in pairwise(moved))
    assert moved[-1] < 0.002
    gone = today([seen(known.kind, age=oldest + 1)], window_days=window)
    assert gone.hazard is HAZARD
    assert gone.rows[0].status == "older than 10 half-lives"


@given(reports, st.integers(1, 300))
def test_a_longer_window_is_nearer_to_the_prior(evidence, days):
    supporting = [item for item in evidence if item.kind in SUPPORTING]
    short, long = (today(supporting, window_days=n).multiplier.median for n in (days, 2 * days))
    assert long >= 1.0 - 1e-12
    assert long <= short * (1 + 1e-12)


# --- What moves nothing -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        ([], None),
        ([seen("troop_count")], "no factor for this kind"),
        ([seen(hazard_id="another")], "bears on another"),
        ([seen("troop_count", hazard_id="another")], "bears on another"),
    ],
    ids=["none", "unknown kind", "another hazard", "both"],
)
def test_what_does_not_count_leaves_the_hazard_to_the_last_bit(evidence, status):
    now = today(evidence, window_days=365)
    assert digest(now.hazard) == digest(HAZARD)
    assert now.multiplier == now.today == (1.0, 1.0, 1.0)
    assert [row.status for row in now.rows] == ([] if status is None else [status])
    assert all(row.contribution == 0.0 for row in now.rows)


def test_a_neutral_factor_leaves_the_hazard_and_a_vague_one_its_rate():
    neutral = today([seen()], factors=[factor(median=1.0)])
    assert digest(neutral.hazard) == digest(HAZARD)
    vague = today([seen()], factors=[factor(median=1.0, low=0.2, high=5.0)])
    assert vague.hazard.rate_pa == HAZARD.rate_pa
    assert vague.hazard.rate_shape < 1.0


def test_a_rate_of_zero_stays_zero():
    never = dataclasses.replace(HAZARD, rate_pa=0.0)
    assert nowcast(never, [seen()]).hazard.rate_pa == 0.0


def test_the_given_hazard_is_untouched_and_evidence_may_name_it():
    before = digest(HAZARD)
    now = today([seen(hazard_id="conflict")])
    assert digest(HAZARD) == before
    assert now.prior is HAZARD
    assert now.prior_rate_pa == 0.15
    assert now.hazard.duration == HAZARD.duration
    assert now.rows[0].status == "counted"


def test_without_a_day_the_newest_observation_is_the_day():
    now = nowcast(HAZARD, (item for item in [seen(name="a", age=40), seen(name="b", age=10)]))
    assert now.as_of == DAY - dt.timedelta(days=10)
    assert [row.age_days for row in now.rows] == [30, 0]
    assert nowcast(HAZARD, []).as_of is None


# --- Refusals -----------------------------------------------------------------------------


def test_what_happened_after_the_day_is_no_history():
    after = seen(age=-1, name="hindsight", hazard_id="another")
    message = r"hindsight\.date must not be after as_of \(2025-03-20\): events after case.start"
    with pytest.raises(InvalidInputError, match=message):
        nowcast(HAZARD, [seen(), after], as_of=DAY)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"as_of": "2025-03-20"}, "as_of must be a date"),
        ({"as_of": dt.datetime(2025, 3, 20, tzinfo=dt.UTC)}, "as_of must be a date"),
        ({"window_days": 0}, "window_days must be a whole number from 1 to 3650"),
        ({"window_days": 1.5}, "window_days must be a whole number"),
        ({"window_days": math.nan}, "window_days must be a whole number"),
        ({"window_days": 3651}, "window_days must be a whole number"),
        ({"evidence": [seen(), seen()]}, "must not hold an observation twice, got 'seen'"),
        ({"evidence": ["town_taken"]}, r"evidence\[0\] must be a Evidence"),
        ({"factors": [factor(), factor(median=2.0)]}, "must have one factor for a kind"),
        ({"factors": {"town_taken": 3.0}}, r"factors\[0\] must be a BayesFactor"),
    ],
)
def test_bad_input_is_refused_with_its_name(options, message):
    arguments = {"evidence": [seen()], **options}
    with pytest.raises(InvalidInputError, match=message):
        nowcast(HAZARD, arguments.pop("evidence"), **arguments)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"median": 0.0}, "median must be a finite number >= 0.001 and <= 1000"),
        ({"median": -3.0}, "median must be a finite number"),
        ({"median": math.nan}, "median must be a finite number"),
        ({"high": math.inf}, "high must be a finite number"),
        ({"high": 1001.0}, "high must be a finite number"),
        ({"low": 4.0, "high": 9.0}, r"median must lie in \[low, high\] = \[4.0, 9.0\], got 3.0"),
        ({"half_life_days": 0.0}, "half_life_days must be a finite number > 0"),
        ({"hypothesis": "over_soon"}, "hypothesis must be one of event_soon"),
        ({"standing": "known"}, "standing must be one of reported"),
        ({"family": ""}, "family must be a name"),
    ],
)
def test_bad_factors_are_refused(fields, message):
    with pytest.raises(InvalidInputError, match=message):
        factor(**fields)


def test_a_running_outage_is_not_nowcast():
    running = DisruptionEvent(
        event_id="stop",
        peril=Peril.ARMED_CONFLICT,
        scope=Scope.site("mine"),
        started=DAY,
        duration=Duration.exponential(mean_days=30),
    )
    with pytest.raises(TypeError, match="hazard must be of the class Hazard"):
        nowcast(running, [seen("restart_announced")])


# --- The table ----------------------------------------------------------------------------


def test_every_bundled_factor_is_an_assumption_and_wide():
    assert len({known.kind for known in FACTORS}) == len(FACTORS)
    assert bayes_factors() is bayes_factors()  # read once
    for known in FACTORS:
        assert known.standing == "assumption"
        assert known.note
        assert known.high / known.low > 3.5
        assert known.low <= 1.0 <= known.high  # no single report rules the opposite out
        # Lognormal as written, but for rounding: neither side is much wider than the other.
        assert known.low * known.high == pytest.approx(known.median**2, rel=0.05)


def test_no_factor_for_talks_is_strong():
    # Kass and Raftery: below 3 (above a third) is not worth more than a bare mention.
    talks = [known for known in FACTORS if known.family == "talks"]
    assert len(talks) == 5
    for known in talks:
        assert known.low >= 1.0 / 3.0
        assert known.high <= 3.0
        assert 0.75 < known.median < 1.25


# --- Walikale -----------------------------------------------------------------------------


def test_walikale_stays_wide(walikale):
    hazard = next(item for item in walikale.hazards if item.hazard_id == "kivu-conflict")
    month, year = (
        nowcast(hazard, walikale.evidence, as_of=walikale.start, window_days=days)
        for days in (28, 365)
    )
    # Four weeks: about four times the rate, and it may be anything from less to twenty times it.
    assert month.multiplier.median == pytest.approx(3.7, abs=0.05)
    assert month.multiplier.high / month.multiplier.low > 30.0
    assert month.multiplier.low < 1.0
    # A year: a third more; most of it is out by summer.
    assert year.multiplier.median == pytest.approx(1.34, abs=0.005)
    assert year.multiplier.high / year.multiplier.low > 3.0
    assert year.multiplier.low < 1.0
    assert year.hazard.rate_shape < 3.0


def test_talks_at_walikale_move_little(walikale):
    hazard = next(item for item in walikale.hazards if item.hazard_id == "kivu-conflict")
    silent = [item for item in walikale.evidence if item.kind != "talks_cancelled"]
    with_talks, without = (
        nowcast(hazard, items, as_of=walikale.start, window_days=28).multiplier.median
        for items in (walikale.evidence, silent)
    )
    assert 1.0 < with_talks / without < 1.15


def test_every_observation_at_walikale_is_listed_with_its_fate(walikale):
    hazard = next(item for item in walikale.hazards if item.hazard_id == "kivu-conflict")
    now = nowcast(hazard, walikale.evidence, as_of=walikale.start)
    assert {row.evidence_id for row in now.rows} == {e.evidence_id for e in walikale.evidence}
    assert [row.date for row in now.rows] == sorted(row.date for row in now.rows)
    fates = {row.evidence_id: row.status for row in now.rows}
    assert fates["walikale-taken"] == fates["bisie-evacuated"] == "counted"
    assert fates["gold-nearby"] == fates["foreign-troops"] == "no factor for this kind"
    with pytest.raises(InvalidInputError, match="used as history"):
        nowcast(hazard, walikale.evidence, as_of=dt.date(2025, 3, 13))


def test_a_hazard_that_leaves_its_group_fits_its_case():
    case = load_case("tin-2023")
    grouped = next(item for item in case.hazards if item.rate_group == "armed-conflict")
    now = nowcast(grouped, [seen(age=365 * 3)], as_of=DAY - dt.timedelta(days=365 * 3))
    assert now.hazard.rate_group is None
    assert now.hazard.rate_shape < grouped.rate_shape
    others = tuple(now.hazard if item is grouped else item for item in case.hazards)
    assert dataclasses.replace(case, hazards=others).hazards == others
    assert "leaves the rate group armed-conflict" in now.text


# --- Shown --------------------------------------------------------------------------------


def test_text_and_page_show_every_input_and_escape_it():
    now = today([seen(name="fall"), seen("troop_count", name="troops")], window_days=28)
    assert repr(now) == now.text
    for word in ("fall", "town_taken", "counted", "troops", "no factor for this kind", "28 days"):
        assert word in now.text
        assert word in now._repr_html_()
    odd = dataclasses.replace(now, rows=(now.rows[0]._replace(status="<b>"),))
    assert "<b>" not in odd._repr_html_()
    assert "&lt;b&gt;" in odd._repr_html_()
