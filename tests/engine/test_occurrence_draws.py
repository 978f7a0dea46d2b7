"""Laws of what the occurrence basis draws: counts, lengths, starts, hits and severities."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from supplyrisk.engine import _drawn, streams
from supplyrisk.hazard import durations as laws
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope

LAWS = runpy.run_path(str(Path(__file__).with_name("occurrence_cases.py")))
START, SIZE, site = (LAWS[name] for name in ("START", "SIZE", "site"))
losses, rows_of = (LAWS[name] for name in ("losses", "rows_of"))


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
