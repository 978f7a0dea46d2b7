"""Which futures a seed means: order, additions, seeds, prefixes and blocks."""

import datetime as dt
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine import blocks, production, results
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import StreamTable

LAWS = runpy.run_path(str(Path(__file__).with_name("law_cases.py")))
START, N, ROUNDING, fewer = (LAWS[name] for name in ("START", "N", "ROUNDING", "fewer"))
site, hazards, cases, MARKET = (LAWS[name] for name in ("site", "hazards", "cases", "MARKET"))
BUYER, RICH, never_lower = (LAWS[name] for name in ("BUYER", "RICH", "never_lower"))
assert_same_bits, rows_of = (LAWS[name] for name in ("assert_same_bits", "rows_of"))

# --- Order, and what is added ---------------------------------------------------------------


@fewer
@given(case=cases(), order=st.permutations(range(3)))
def test_the_order_of_sites_hazards_and_events_does_not_matter(case, order):
    def shuffled(parts):
        return tuple(parts[place] for place in order if place < len(parts))

    # No more than the smallest sites can bring.
    buyer = replace(BUYER, demand_tpa=1.0)
    priced = replace(case, markets=(MARKET,), exposures=(buyer,))
    other = replace(
        priced,
        sites=shuffled(case.sites),
        hazards=shuffled(case.hazards),
        events=shuffled(case.events),
    )
    one, two = (simulate(c, N, rng=7, keep="events") for c in (priced, other))
    assert_same_bits(one, two)
    pd.testing.assert_frame_equal(one.sites, two.sites)
    pd.testing.assert_frame_equal(one.events(), two.events())
    pd.testing.assert_frame_equal(one.summary(), two.summary())


@fewer
@given(case=cases(), data=st.data())
def test_adding_a_hazard_leaves_the_events_of_the_others_unchanged(case, data):
    new = data.draw(hazards("m-new"))  # its id sorts between the others
    more = replace(case, hazards=(new, *case.hazards))
    names = [h.hazard_id for h in case.hazards] + [e.event_id for e in case.events]
    one, two = (simulate(c, N, rng=7, keep="events") for c in (case, more))
    order = ["threat", "scenario", "site_id", "start_days"]
    columns = [*order, "number", "outage_days", "ramp_days", "severity", "alone_t"]
    before, after = (
        rows_of(o, names, columns=columns).sort_values(order, ignore_index=True) for o in (one, two)
    )
    pd.testing.assert_frame_equal(before, after)
    assert never_lower(two.lost_t, one.lost_t)


@fewer
@given(case=cases(), country=st.sampled_from(["COD", "PER", "IDN"]))
def test_adding_a_site_leaves_the_events_of_the_others_unchanged(case, country):
    more = replace(case, sites=(site("aa", 77.0, country=country), *case.sites))
    one, two = (simulate(c, N, rng=7, keep="events") for c in (case, more))
    columns = ["scenario", "threat", "site_id", "start_days", "outage_days", "severity", "lost_t"]
    pd.testing.assert_frame_equal(
        rows_of(one, columns=columns), rows_of(two, sites=list("abc"), columns=columns)
    )


def test_removing_a_part_leaves_the_noise_of_the_price_unchanged():
    calm = RICH.without("hazards.wide", "hazards.other", "events.running", "events.announced")
    quiet = calm.with_values({"markets.tin.volatility_pa": 0.0})
    noise = simulate(calm, N, rng=7).price_usd_per_t() / simulate(quiet, N, rng=7).price_usd_per_t()
    silent = RICH.with_values({"markets.tin.volatility_pa": 0.0})
    again = (
        simulate(RICH, N, rng=7).price_usd_per_t() / simulate(silent, N, rng=7).price_usd_per_t()
    )
    np.testing.assert_allclose(noise, again, rtol=1e-12)


# --- Seeds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 7, 2**63, 2**100, np.int64(5)])
def test_same_seed_same_bits(seed):
    one, two = (simulate(RICH, N, rng=seed, keep="events") for _ in range(2))
    assert_same_bits(one, two)
    pd.testing.assert_frame_equal(one.events(), two.events())
    pd.testing.assert_frame_equal(one.summary(), two.summary())
    pd.testing.assert_frame_equal(one.steps, two.steps)
    pd.testing.assert_frame_equal(one.exposures, two.exposures)
    assert one.provenance.seed == seed


def test_seeds_differ():
    outcomes = [simulate(RICH, N, rng=seed).lost_t for seed in (0, 1, 2**63, 2**63 + 1)]
    for place, one in enumerate(outcomes):
        for two in outcomes[place + 1 :]:
            assert (one != two).mean() > 0.5


def test_every_name_seed_and_block_has_a_stream_of_its_own():
    names = [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "c", ""), ("c", "ab"), ("ab|1:c",)]
    blocks = [(1, 11), (11, 1), (1, 1), (111, 1)]
    streams = [StreamTable(seed).block(block) for seed, block in blocks]
    first = {stream.stream(*name).integers(2**63) for stream in streams for name in names}
    assert len(first) == len(streams) * len(names)
    again = streams[0].stream("ab", "c").random(9)
    known = StreamTable(1, names).block(11)  # a name that is listed has the same stream
    np.testing.assert_array_equal(again[:4], known.stream("ab", "c").random(4))


def test_no_seed_is_a_fresh_one_that_can_be_told():
    one, two = simulate(RICH, N), simulate(RICH, N)
    assert one.provenance.seed != two.provenance.seed
    assert_same_bits(one, simulate(RICH, N, rng=one.provenance.seed))


def test_a_generator_gives_one_seed_for_each_run():
    rng = np.random.default_rng(3)
    one, two = simulate(RICH, N, rng=rng), simulate(RICH, N, rng=rng)
    again = simulate(RICH, N, rng=np.random.default_rng(3))
    assert_same_bits(one, again)
    assert (one.lost_t != two.lost_t).any()
    assert_same_bits(one, simulate(RICH, N, rng=one.provenance.seed))


def test_scenarios_do_not_resemble_each_other():
    lost = simulate(RICH, 4_000, rng=7).lost_t
    lagged = np.corrcoef(lost[:-1], lost[1:])[0, 1]
    assert abs(lagged) < 4.5 / np.sqrt(4_000)


# --- Prefixes and blocks --------------------------------------------------------------------


@fewer
@given(case=cases(), n=st.integers(2, 40), more=st.integers(1, 60))
def test_the_first_scenarios_are_the_same_for_a_larger_number(case, n, more):
    few, many = (
        simulate(case, n, rng=7, keep="events"),
        simulate(case, n + more, rng=7, keep="events"),
    )
    assert_same_bits(few, many, n)
    table = rows_of(many)
    pd.testing.assert_frame_equal(rows_of(few), table[table["scenario"] < n])


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (blocks, production, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
    monkeypatch.setattr(blocks, "N_KEPT", 40)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n", [2, 15, 16, 17, 31, 33])
def test_the_first_scenarios_are_the_same_across_blocks(n):
    few, many = (simulate(RICH, k, rng=7, keep="events") for k in (n, 80))
    assert_same_bits(few, many, n)
    table = rows_of(many)
    pd.testing.assert_frame_equal(rows_of(few), table[table["scenario"] < n])
    dates = [START, START + dt.timedelta(days=91), START + dt.timedelta(days=182)]
    np.testing.assert_array_equal(
        few.production_t("a", dates, noise=0.05), many.production_t("a", dates, noise=0.05)[:n]
    )


@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_futures_of_their_own():
    outlook = simulate(RICH, 80, rng=7, keep="events")
    first, second = outlook.lost_t[:16], outlook.lost_t[16:32]
    assert (first != second).mean() > 0.5
    by_scenario = outlook.events().groupby("scenario")["lost_t"].sum()
    by_scenario = by_scenario.reindex(range(80), fill_value=0.0)
    np.testing.assert_allclose(by_scenario, outlook.lost_t, atol=ROUNDING * outlook.plan.planned_t)
    assert outlook.provenance.block_size == 16


@pytest.mark.usefixtures("small_blocks")
def test_paths_are_kept_of_the_first_scenarios_only():
    outlook = simulate(RICH, 80, rng=7)
    assert outlook.result.supply_t.shape == outlook.price_usd_per_t().shape == (40, 25)
    assert outlook.steps.attrs["n_scenarios"] == 40
    assert outlook.peak_price_usd_per_t().shape == outlook.lost_t.shape == (80,)
    few = simulate(RICH, 40, rng=7)
    pd.testing.assert_frame_equal(outlook.steps, few.steps)


@pytest.mark.verification
def test_the_first_scenarios_are_the_same_across_a_real_block():
    few, many = simulate(RICH, 17_000, rng=7), simulate(RICH, 20_500, rng=7)
    assert_same_bits(few, many, 17_000)
    assert many.price_usd_per_t().shape == (20_000, 25)


# --- The bundled case -----------------------------------------------------------------------


def test_walikale_is_the_same_twice():
    one, two = (
        simulate(load_case("walikale-2025"), n_scenarios=500, rng=7, keep="events")
        for _ in range(2)
    )
    assert_same_bits(one, two)
    for name in ("sites", "steps", "exposures"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    for name in ("summary", "contributions", "events"):
        pd.testing.assert_frame_equal(getattr(one, name)(), getattr(two, name)())
    zero = simulate(load_case("walikale-2025"), n_scenarios=500, rng=0)
    assert zero.provenance.seed == 0
    assert (zero.lost_t != one.lost_t).any()
