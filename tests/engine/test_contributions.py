"""Parts of the loss: against the event table, the interval of the whole, and repeated seeds."""

import datetime as dt

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk import metrics
from supplyrisk.engine.contributions import GROUPS
from supplyrisk.engine.run import simulate
from supplyrisk.engine.tails import tail_weights

START = dt.date(2025, 1, 1)


def case_of(n_sites=3, **changes):
    """Mines of three countries under two hazards each, and a stop that runs."""
    countries = ("BOL", "PER", "COD")
    sites = tuple(
        sr.MineSite(
            site_id=f"mine-{k}",
            name=f"Mine {k}",
            commodity="tin",
            country=countries[k % 3],
            capacity_tpa=1000.0 * (k + 1),
        )
        for k in range(n_sites)
    )
    hazards = tuple(
        sr.Hazard(
            hazard_id=f"{peril}-{site.site_id}",
            peril=peril,
            scope=sr.Scope.site(site.site_id),
            rate_pa=rate,
            duration=sr.Duration.lognormal(median_days=60, sigma=1.0),
        )
        for site in sites
        for peril, rate in (("strike", 0.6), ("accident", 0.3))
    )
    given = {"name": "parts", "start": START, "sites": sites, "hazards": hazards, **changes}
    return sr.Case(**given)


def sums_by(outlook, by):
    """Tail and mean of each part, row by row from the event loss table."""
    weights = tail_weights(outlook.lost_t)
    country = {site.site_id: site.country for site in outlook.case.sites}
    tail, mean = {}, {}
    for row in outlook.events().to_dict("records"):
        name = {
            "site": row["site_id"],
            "country": country[row["site_id"]],
            "peril": row["peril"],
            "threat": row["threat"],
        }[by]
        tail[name] = tail.get(name, 0.0) + weights[row["scenario"]] * row["lost_t"]
        mean[name] = mean.get(name, 0.0) + row["lost_t"] / outlook.n_scenarios
    return mean, tail


@pytest.fixture(scope="module")
def outlook():
    return simulate(case_of(), 3_000, rng=7, keep="events")


@pytest.mark.parametrize("by", GROUPS)
def test_parts_are_those_of_the_event_table(outlook, by):
    table = outlook.contributions(by)
    mean, tail = sums_by(outlook, by)
    for name, row in table.iterrows():
        assert row["expected_t"] == pytest.approx(mean.get(name, 0.0), rel=1e-9)
        assert row["tail_t"] == pytest.approx(tail.get(name, 0.0), rel=1e-9)
        assert row["expected_ci_low"] <= row["expected_t"] <= row["expected_ci_high"]
        assert row["tail_ci_low"] <= row["tail_t"] <= row["tail_ci_high"]
    whole = metrics.tail_value_at_risk(outlook.lost_t, level=0.95)
    assert table["tail_t"].sum() == pytest.approx(whole, rel=1e-9)
    assert table["expected_t"].sum() == pytest.approx(outlook.lost_t.mean(), rel=1e-9)
    assert table["tail_t"].is_monotonic_decreasing


def test_a_summary_has_the_parts_of_a_run_that_kept_its_events(outlook):
    summary = simulate(case_of(), 3_000, rng=7)
    for by in GROUPS:
        assert summary.contributions(by).equals(outlook.contributions(by))
    assert summary.sites.equals(outlook.sites)
    assert not len(summary.result.rows.lost_t)


def test_the_part_of_an_only_site_has_the_intervals_of_the_whole():
    # With one part the influence function is that of the tail mean itself.
    outlook = simulate(case_of(1), 20_000, rng=7)
    part = outlook.contributions("site").iloc[0]
    ends = metrics.tail_value_at_risk_interval(outlook.lost_t, level=0.95)
    assert part["tail_ci_low"] == pytest.approx(ends.low, rel=2e-3)
    assert part["tail_ci_high"] == pytest.approx(ends.high, rel=2e-3)
    mean = metrics.mean_interval(outlook.lost_t)
    assert part["expected_ci_low"] == pytest.approx(mean.low, rel=1e-3)


def test_a_case_without_losses_has_parts_of_nothing():
    quiet = case_of(hazards=tuple(h for h in case_of().hazards if h.hazard_id == "strike-mine-0"))
    table = simulate(
        quiet.with_values({"hazards.strike-mine-0.rate_pa": 0.0}), 100, rng=7
    ).contributions("site")
    assert (table[["expected_t", "tail_t", "tail_share"]] == 0.0).all().all()


def test_a_group_that_is_none_is_refused(outlook):
    with pytest.raises(ValueError, match=r"by must be one of site, country, peril, threat"):
        outlook.contributions("mine")


def covered(n_seeds, n_scenarios):
    """Share of 90 % intervals of the tail parts that hold the parts of a very long run."""
    truth = simulate(case_of(), 60_000, rng=1_000_003).contributions("site")["tail_t"]
    hits = []
    for seed in range(n_seeds):
        table = simulate(case_of(), n_scenarios, rng=seed).contributions("site").loc[truth.index]
        hits.append((table["tail_ci_low"] <= truth) & (truth <= table["tail_ci_high"]))
    return float(np.mean(hits))


def test_intervals_of_tail_parts_hold_them_most_of_the_time():
    # 30 runs of 3 parts, which are not independent: a wide bound.
    assert 0.75 <= covered(30, 1_000) <= 1.0


@pytest.mark.verification
def test_intervals_of_tail_parts_hold_them_nine_times_in_ten():
    # 300 runs of 3 parts; the standard error of the share is about 0.015.
    assert 0.85 <= covered(300, 2_000) <= 0.95
