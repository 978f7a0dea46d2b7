"""Shares of a site that stops hit, and ramp-ups: brute force over grids, laws, and hand counts."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import supplyrisk as sr
from supplyrisk.data.history import stops
from supplyrisk.data.severities import (
    LONGEST_RAMP,
    _between,
    fit_ramps,
    ramp_up,
    share_hit,
    table_of_severities,
)

DAYS = [dt.date(2014, 1, 1), dt.date(2025, 3, 13), None]

fewer = settings(max_examples=settings().max_examples // 2)
perils = st.sampled_from(["strike", "accident", "pandemic", "civil_unrest"])
severity = st.one_of(st.just(1.0), st.floats(0.25, 1.0), st.just(float("nan")))
some_stops = st.lists(st.tuples(perils, severity), max_size=40).map(
    lambda rows: pd.DataFrame(
        {
            "kind": pd.array([kind for kind, _ in rows], dtype="string"),
            "severity": np.array([share for _, share in rows], dtype=float),
        }
    )
)


def counted(frame):
    """Stops with a share stated, and those that hit all, by kind and row by row."""
    n, hit = {}, {}
    for row in frame.to_dict("records"):
        if not math.isnan(row["severity"]):
            n[row["kind"]] = n.get(row["kind"], 0) + 1
            hit[row["kind"]] = hit.get(row["kind"], 0) + (row["severity"] == 1.0)
    return n, hit


# --- Counted by hand ----------------------------------------------------------------------


@pytest.mark.parametrize("day", DAYS)
def test_whole_stops_are_counted_by_peril(day):
    rows = stops(day)
    table = table_of_severities(rows).set_index("peril")
    n, hit = counted(rows)
    assert list(table.index) == [*sorted(n), "new peril", "all"]
    assert table["n_stops"].to_dict() == {**n, "new peril": 0, "all": sum(n.values())}
    assert table["n_full"].to_dict() == {**hit, "new peril": 0, "all": sum(hit.values())}
    partial = [s for s in rows["severity"] if s < 1.0]
    assert table["partial_severity"].tolist() == pytest.approx(
        [sum(partial) / len(partial)] * len(table)
    )


def test_most_stops_hit_the_whole_site_and_the_others_half_of_it():
    table = table_of_severities(stops()).set_index("peril")
    assert 0.6 < table.loc["all", "full_share"] < 0.8
    assert 0.45 < table.loc["all", "partial_severity"] < 0.65
    assert stops()["severity"].min() >= 0.25


# --- The pull between perils --------------------------------------------------------------


def log_likelihood(n, hit, p, likeness):
    """Of centres and likenesses; scipy's own distribution, where the module has beta functions."""
    strength = 1.0 / likeness - 1.0
    a, b = strength * p, strength * (1.0 - p)
    half_a_stop_of_each = 0.5 * np.log(p * (1.0 - p))
    rows = zip(n, hit, strict=True)
    return half_a_stop_of_each + sum(stats.betabinom(int(k), a, b).logpmf(int(m)) for k, m in rows)


def check_top(n, hit):
    centre, strength = _between(np.asarray(n, float), np.asarray(hit, float))
    found = log_likelihood(n, hit, centre, 1.0 / (1.0 + strength))
    p, likeness = np.linspace(0.005, 0.995, 67)[:, None], np.geomspace(0.01, 0.9, 31)
    assert found >= log_likelihood(n, hit, p, likeness).max() - 1e-3
    assert 0.01 - 1e-9 <= 1.0 / (1.0 + strength) <= 0.9 + 1e-9


@pytest.mark.parametrize("day", DAYS[1:])
def test_the_pull_is_at_the_top_of_the_likelihood(day):
    n, hit = counted(stops(day))
    check_top([n[peril] for peril in n], [hit[peril] for peril in n])


@pytest.mark.parametrize(
    ("n", "hit"),
    [
        ([20, 20, 20], [0, 10, 20]),  # perils differ by all they can
        ([12, 8, 30], [6, 4, 15]),  # not at all
        ([5, 3], [5, 3]),  # all hit the whole site
        ([4, 2, 1], [0, 0, 0]),
        ([9, 1, 2, 14], [8, 0, 2, 5]),
    ],
)
def test_the_pull_is_at_the_top_of_the_likelihood_for_any_counts(n, hit):
    check_top(n, hit)


def test_stops_that_all_hit_the_whole_site_leave_some_room():
    rows = stops().query("severity == 1.0")
    table = table_of_severities(rows).set_index("peril")
    assert (table["full_share"] < 1.0).all()
    assert 0.9 < table.loc["new peril", "full_share"] < 0.98


def test_a_peril_has_the_posterior_of_its_own_stops():
    rows = stops()
    table = table_of_severities(rows).set_index("peril")
    n, hit = counted(rows)
    centre, strength = _between(np.array(list(n.values()), float), np.array([*hit.values()], float))
    p = (np.arange(200_000) + 0.5) / 200_000
    prior = p ** (strength * centre - 1.0) * (1.0 - p) ** (strength * (1.0 - centre) - 1.0)
    for peril, k, m in [(name, n[name], hit[name]) for name in n] + [("new peril", 0, 0)]:
        weight = prior * p**m * (1.0 - p) ** (k - m)
        below = np.cumsum(weight) / weight.sum()
        row = table.loc[peril]
        assert row["full_share"] == pytest.approx((weight * p).sum() / weight.sum(), abs=1e-4)
        assert row["full_low"] == pytest.approx(np.interp(0.05, below, p), abs=1e-4)
        assert row["full_high"] == pytest.approx(np.interp(0.95, below, p), abs=1e-4)
        own = m / k if k else row["full_share"]
        assert min(own, centre) - 1e-9 <= row["full_share"] <= max(own, centre) + 1e-9
    whole = stats.beta(sum(hit.values()) + 0.5, sum(n.values()) - sum(hit.values()) + 0.5)
    assert table.loc["all", "full_share"] == pytest.approx(whole.mean(), rel=1e-9)
    assert table.loc["all", "full_high"] == pytest.approx(whole.ppf(0.95), rel=1e-9)


@fewer
@given(some_stops)
def test_shares_lie_within_their_intervals_and_probabilities_add_up(frame):
    table = table_of_severities(frame)
    both = 0 < (frame["severity"] == 1.0).sum() < frame["severity"].notna().sum()
    for row in table.to_dict("records"):
        assert 0.0 <= row["full_low"] <= row["full_high"] <= 1.0
        assert 0.0 <= row["full_share"] <= 1.0
        if both:  # otherwise the mean of a very skew share may lie below its 5 % quantile
            assert row["full_low"] <= row["full_share"] <= row["full_high"]
        assert 0.25 <= row["partial_severity"] <= 1.0
        mean = row["full_share"] + (1.0 - row["full_share"]) * row["partial_severity"]
        assert row["mean_severity"] == pytest.approx(mean, rel=1e-12)
        if row["peril"] not in {"new peril", "all"}:
            (p, whole), (q, part) = share_hit(table, row["peril"])
            assert p + q == pytest.approx(1.0, rel=1e-12)
            assert whole == 1.0
            assert p * whole + q * part == pytest.approx(row["mean_severity"], rel=1e-12)


def test_a_peril_without_stops_is_a_new_one():
    table = table_of_severities(stops())
    assert "sanctions" not in set(table["peril"])
    row = table.set_index("peril").loc["new peril"]
    assert share_hit(table, "sanctions")[0] == (row["full_share"], 1.0)
    known = table[~table["peril"].isin(["new peril", "all"])]
    assert known["full_share"].min() <= row["full_share"] <= known["full_share"].max()


# --- Ramp-ups -----------------------------------------------------------------------------


def test_thirteen_ramp_ups_are_known_and_five_were_longer_than_the_cap():
    rows = stops()
    known = rows[rows["ramp_up_days"] > 0.0]
    fit = fit_ramps(rows)
    assert fit.n_stops == len(known) == 13
    assert (known["ramp_up_days"] > LONGEST_RAMP * known["duration_days"]).sum() == 5
    bisie = known.set_index("disruption_id").loc["E131"]
    assert bisie["ramp_up_days"] / bisie["duration_days"] == pytest.approx(LONGEST_RAMP, abs=0.005)


def test_a_ramp_up_is_the_lognormal_of_the_logarithms():
    rows = stops()
    logs = np.log(rows.loc[rows["ramp_up_days"] > 0.0, "ramp_up_days"])
    fit = fit_ramps(rows)
    assert fit.median_days == pytest.approx(math.exp(logs.mean()), rel=1e-5)
    assert fit.sigma == pytest.approx(logs.std(ddof=0), rel=1e-4)
    ramp = ramp_up(fit)
    assert (ramp.shape, ramp.max_share_of_outage) == ("linear", LONGEST_RAMP)
    assert (ramp.ramp_days, ramp.ramp_sigma) == (fit.median_days, fit.predictive.sigma)
    assert ramp.ramp_sigma > fit.sigma


def test_too_few_ramp_ups_are_none():
    rows = stops()
    known = rows[rows["ramp_up_days"] > 0.0]
    assert fit_ramps(known[:3]) is None
    assert fit_ramps(known[:4]).n_stops == 4
    assert ramp_up(None) == sr.RampUp()
    zero = known[:6].assign(ramp_up_days=[0.0, 0.0, 0.0, 5.0, 6.0, 7.0])
    assert fit_ramps(zero) is None  # none at all is no length of one
