"""The occurrence basis through `simulate`: exact law, executors, events, checkpoints, refusals."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.run import simulate

N = BLOCK_YEARS + 5_000


def case_of(**changes):
    sites = tuple(
        sr.MineSite(
            site_id=f"mine-{k}",
            name=f"Mine {k}",
            commodity="tin",
            country=("BOL", "PER")[k % 2],
            capacity_tpa=1_000.0 * (k + 1),
            annual_cap_days=(None, 200.0, None)[k],
        )
        for k in range(3)
    )
    hazards = tuple(
        sr.Hazard(
            hazard_id=f"{peril}-{site.site_id}",
            peril=peril,
            scope=sr.Scope.site(site.site_id),
            rate_pa=rate,
            severity=((0.7, 1.0), (0.3, 0.5)),
            duration=sr.Duration.lognormal(median_days=50, sigma=0.8),
            ramp_up=sr.RampUp(shape="linear", ramp_days=20, ramp_sigma=0.5),
        )
        for site in sites
        for peril, rate in (("strike", 0.6), ("accident", 0.3))
    )
    given = {
        "name": "years",
        "start": dt.date(2025, 1, 1),
        "sites": sites,
        "hazards": hazards,
        **changes,
    }
    return sr.Case(**given)


@pytest.fixture(scope="module")
def outlook():
    return simulate(case_of(), N, rng=7, basis="occurrence")


def test_losses_are_those_of_the_exact_law(outlook):
    exact = outlook.exact()
    # The exact mean and deviation; 25,000 years, |z| < 4.
    z = (outlook.lost_t.mean() - exact.mean) / (exact.sd / np.sqrt(N))
    assert abs(z) < 4.0
    for level in (0.5, 0.9, 0.99):
        at = exact.value_at_risk(level)
        z = ((outlook.lost_t > at).mean() - (1.0 - level)) / np.sqrt(level * (1.0 - level) / N)
        assert abs(z) < 4.0, level


def test_an_outlook_says_its_basis_and_block(outlook):
    assert outlook.provenance.basis == "occurrence"
    assert outlook.provenance.block_size == BLOCK_YEARS
    assert outlook.n_scenarios == N


def test_the_parts_sum_to_the_whole(outlook):
    summary = outlook.summary().set_index("metric")["value"]
    for by in ("site", "country", "peril", "threat"):
        table = outlook.contributions(by)
        assert table["expected_t"].sum() == pytest.approx(summary["expected_lost_t"], rel=1e-9)
        assert table["tail_t"].sum() == pytest.approx(summary["tail_value_at_risk_95_t"], rel=1e-9)
    sites = outlook.sites
    assert (sites["ci_low"] < sites["expected_lost_t"]).all()
    assert (sites["tail_ci_low"] < sites["tail_contribution_t"]).all()
    assert (sites["tail_contribution_t"] < sites["tail_ci_high"]).all()


def test_events_are_those_of_the_losses(outlook):
    kept = simulate(case_of(), 3_000, rng=7, basis="occurrence", keep="events")
    np.testing.assert_array_equal(kept.lost_t, outlook.lost_t[:3_000])
    events = kept.events()
    total = np.bincount(events["scenario"], events["lost_t"], minlength=3_000)
    np.testing.assert_allclose(total, kept.lost_t, rtol=1e-12)


@pytest.mark.parametrize("way", ["threads", "processes"])
def test_the_bits_are_the_same_whoever_runs_the_blocks(outlook, way):
    if way == "threads":
        with ThreadPoolExecutor(2) as pool:
            other = simulate(case_of(), N, rng=7, basis="occurrence", executor=pool)
    else:
        other = simulate(case_of(), N, rng=7, basis="occurrence", workers=2)
    np.testing.assert_array_equal(other.lost_t, outlook.lost_t)
    np.testing.assert_array_equal(other.largest_loss_t, outlook.largest_loss_t)
    pd.testing.assert_frame_equal(other.sites, outlook.sites)


def test_a_checkpoint_goes_on(outlook, tmp_path):
    simulate(case_of(), 10_000, rng=7, basis="occurrence", checkpoint=tmp_path / "run")
    more = simulate(case_of(), N, basis="occurrence", checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(more.lost_t, outlook.lost_t)
    pd.testing.assert_frame_equal(more.sites, outlook.sites)
    with pytest.raises(ValueError, match="basis must be that of this simulation"):
        simulate(case_of(sites=tuple(bare(case_of()))), 100, rng=7, checkpoint=tmp_path / "run")


def bare(case):
    """The sites of a case without their annual caps, which the calendar refuses."""
    for site in case.sites:
        yield sr.MineSite(
            site_id=site.site_id,
            name=site.name,
            commodity=site.commodity,
            country=site.country,
            capacity_tpa=site.capacity_tpa,
        )


def test_both_bases_agree_where_no_outage_meets_another_or_the_end():
    # One stop of a day, seldom: nothing overlaps, and the horizon cuts one in 365 by half a day.
    case = case_of(
        sites=tuple(bare(case_of())),
        hazards=(
            sr.Hazard(
                hazard_id="rare",
                peril="accident",
                scope=sr.Scope.site("mine-2"),
                rate_pa=0.05,
                duration=sr.Duration.fixed(days=1.0),
            ),
        ),
    )
    years = simulate(case, 100_000, rng=7, basis="occurrence").lost_t
    calendar = simulate(case, 100_000, rng=7).lost_t
    assert set(np.round(np.unique(years) / (3000 / 365), 9)) <= {0.0, 1.0, 2.0, 3.0}
    spread = np.hypot(years.std(), calendar.std()) / np.sqrt(100_000)
    assert abs(years.mean() * (1 - 0.5 / 365) - calendar.mean()) < 4.0 * spread


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda outlook: outlook.steps, "series by step"),
        (lambda outlook: outlook.exposures, "results of buyers"),
        (lambda outlook: outlook.price_usd_per_t(), "prices"),
        (lambda outlook: outlook.peak_price_usd_per_t(), "prices"),
        (lambda outlook: outlook.production_t("mine-0", []), "production between dates"),
    ],
)
def test_what_only_the_calendar_knows_is_refused(outlook, ask, what):
    with pytest.raises(ValueError, match=f"basis must be 'calendar' in simulate for .*{what}"):
        ask(outlook)


def test_a_case_that_has_no_year_is_refused():
    with pytest.raises(ValueError, match=r"events\.bisie-closure\.started must not be before"):
        simulate(sr.load_case("walikale-2025"), 10, basis="occurrence")
    with pytest.raises(ValueError, match="horizon_days must be 365 on the occurrence basis"):
        simulate(case_of(horizon_days=730), 10, basis="occurrence")
    with pytest.raises(ValueError, match="annual_cap_days must be left out"):
        simulate(case_of(), 10)
    with pytest.raises(ValueError, match="basis must be one of calendar, occurrence"):
        simulate(case_of(), 10, basis="annual")
