"""Stocks, feed, prices and shortages against what can be worked out by hand."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

CHAINS = runpy.run_path(str(Path(__file__).with_name("chains.py")))
Mine, Smelter, Way, Buyer = (CHAINS[name] for name in ("Mine", "Smelter", "Way", "Buyer"))
as_network, as_chain, calm, outage, run = (
    CHAINS[name] for name in ("as_network", "as_chain", "calm", "outage", "run")
)
chains, storms = CHAINS["chains"], CHAINS["storms"]

SOLE = Buyer(10.0, inventory_days=28.0, alternative_limit=0.0, contracts=[(0, 1.0)])


# --- Stocks of buyers -----------------------------------------------------------------------


@pytest.mark.parametrize("step_days", [1.0, 4.0, 7.0, 14.0])
def test_shortage_starts_when_the_stock_is_used_up(step_days):
    """A sole supplier stops on day 28 for 84 days: stock lasts 28 days, 56 days are short."""
    network = as_network([Mine(10.0)])
    chain = as_chain(network, [SOLE], step_days=step_days, exchange_t=500.0)
    day = np.arange(int(420 / step_days)) * step_days
    short = run(chain, outage(network, (day >= 28) & (day < 112), len(day))).short_t[:, 0, 0]
    np.testing.assert_allclose(
        short, np.where((day >= 56) & (day < 112), 10.0 * step_days, 0.0), atol=1e-10
    )


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_in_a_partial_outage_the_stock_lasts_longer(share):
    """Stock of s days lasts s / (1 - share) days."""
    network = as_network([Mine(10.0)])
    chain = as_chain(network, [SOLE], step_days=1.0)
    short = run(chain, outage(network, slice(10, 400), 400, share=share)).short_t[:, 0, 0]
    missing = (1.0 - share) * 10.0 * np.arange(1, 391)
    np.testing.assert_allclose(short[10:].cumsum(), np.maximum(missing - 280.0, 0.0), atol=1e-9)


@pytest.mark.parametrize(
    ("limit", "exchange_t", "short_days"),
    [(0.0, 1e4, 56.0), (0.5, 1e4, 14.0), (0.5, 0.0, 56.0), (1.0, 1e4, 0.0), (1.0, 280.0, 28.0)],
)
def test_other_sources_replace_what_they_may_and_there_is(limit, exchange_t, short_days):
    """Of 84 days without the sole source stock covers 28; others half, where there is metal.

    The buyer asks for use and a share of what his stock lacks, and half of that is 5 t a day and a
    little more; he restocks over a very long time here, so that it is 5 t a day.
    """
    network = as_network([Mine(10.0)])
    buyer = SOLE._replace(alternative_limit=limit, restocking_days=1e12)
    chain = as_chain(network, [buyer], step_days=7.0, exchange_t=exchange_t)
    flows = run(chain, outage(network, slice(4, 16), 60))
    assert flows.short_t.sum() == pytest.approx(10.0 * short_days, abs=1e-6)


def test_qualification_takes_its_time():
    """Bought elsewhere, from a tonnage without end: limit x (1 - exp(-t / time))."""
    network = as_network([Mine(10.0)])
    buyer = SOLE._replace(inventory_days=0.0, alternative_limit=0.6, qualification_days=90.0)
    chain = as_chain(network, [buyer], step_days=7.0, exchange_t=1e6)
    flows = run(chain, outage(network, slice(4, 60), 60))
    t = 7.0 * np.arange(1, 57)
    np.testing.assert_allclose(
        flows.open_t[4:, 0, 0], 70.0 * 0.6 * -np.expm1(-t / 90.0), rtol=1e-12
    )


def test_who_lost_assured_metal_qualifies_other_sources_too():
    """It is the metal that he may take that counts, not what his source delivers."""
    network = as_network([Mine(10.0)])
    buyer = SOLE._replace(
        inventory_days=0.0, needs_assurance=True, alternative_limit=0.6, qualification_days=90.0
    )
    chain = as_chain(network, [buyer], step_days=7.0, exchange_t=1e6)
    weather = replace(calm(network, 60), assured=np.ones((60, 1, 1)))
    weather.assured[4:] = 0.0
    flows = run(chain, weather)
    t = 7.0 * np.arange(1, 57)
    assert flows.agreed_t[4:, 0].max() == 0.0
    np.testing.assert_allclose(
        flows.open_t[4:, 0, 0], 70.0 * 0.6 * -np.expm1(-t / 90.0), rtol=1e-12
    )


def test_a_stock_returns_with_its_time_constant():
    """Four weeks without supply leave a gap of 280 t, which is made up at once and lies ready."""
    network = as_network([Mine(10.0, capacity=100.0, makeup_share=1.0)])
    buyer = Buyer(10.0, inventory_days=60.0, restocking_days=50.0)
    flows = run(as_chain(network, [buyer]), outage(network, slice(4, 8), 80))
    gap = 600.0 - flows.buyers_t[7:, 0]
    np.testing.assert_allclose(gap, 280.0 * np.exp(-7.0 * np.arange(73) / 50.0), rtol=1e-9)
    np.testing.assert_allclose(flows.exchange_t[8:, 0], gap[1:], rtol=1e-9)


@pytest.mark.parametrize("stock_days", [0.0, 7.0, 28.0, 60.0, 120.0])
def test_expected_shortage_of_exponential_outages(stock_days):
    """E[(D - s)+] = mean exp(-s / mean), per tonne a day of full dependence.

    A contiguous outage that starts with a step costs (D - s)+ whatever the step, so there is no
    error of the step. Lengths are the midpoint quantiles of 4,000 equal parts, cut after 14 means
    (8e-7 of the mean is beyond); their rule is 1e-4 short in the last part: 2e-4 is allowed, of
    the mean length.
    """
    mean, step_days, n = 30.0, 7.0, 4_000
    length = -mean * np.log1p(-(np.arange(n) + 0.5) / n)
    network = as_network([Mine(10.0)])
    start = 2
    n_steps = start + int(14 * mean / step_days)
    began = step_days * (np.arange(n_steps) - start)[:, np.newaxis, np.newaxis]
    gone = np.clip((length - began) / step_days, 0.0, 1.0) * (began >= 0.0)
    chain = as_chain(network, [SOLE._replace(inventory_days=stock_days)], step_days=step_days)
    short = run(chain, replace(calm(network, 1), mines=1.0 - gone)).short_t[:, 0].sum(axis=0)
    np.testing.assert_allclose(short, 10.0 * np.maximum(length - stock_days, 0.0), atol=1e-8)
    assert short.mean() / 10.0 == pytest.approx(mean * np.exp(-stock_days / mean), abs=2e-4 * mean)


# --- Feed of smelters -----------------------------------------------------------------------


def smelting(**changed):
    """Return a mine of 10 t a day and its smelter: 60 days of feed, psi 0.8."""
    given = {"feed_days": 60.0, "psi": 0.8} | changed
    return as_network([Mine(10.0, (Way(to=0),))], [Smelter(**given)])


def test_feed_below_psi_of_its_target_lowers_throughput_in_proportion():
    """600 t of feed, full throughput down to 480 t; then 70 / 480 of what is left in a step."""
    network = smelting()
    flows = run(as_chain(network, []), outage(network, slice(3, 80), 80))
    feed, made = [600.0], []
    for t in range(80):
        made.append(70.0 * min(1.0, feed[-1] / 480.0))
        feed.append(feed[-1] - made[-1] + (70.0 if t < 3 else 0.0))
    np.testing.assert_allclose(flows.gates_t[:, 0], made, rtol=1e-11)
    np.testing.assert_allclose(flows.upstream_t[:, 0], feed[1:], rtol=1e-11)
    # The first outage step still works on what came before it; 600, 530, 460: two full steps.
    assert flows.gates_t[:5, 0] == pytest.approx(70.0)
    assert flows.gates_t[5, 0] < 70.0
    left = 460.0 * (1.0 - 70.0 / 480.0) ** np.arange(75)
    np.testing.assert_allclose(flows.upstream_t[4:79, 0], left, rtol=1e-11)


def test_feed_piles_up_before_a_closed_smelter():
    network = smelting(spare_share=0.2)
    available = np.ones((120, 1, 1))
    available[3:7] = 0.0
    flows = run(as_chain(network, []), replace(calm(network, 120), smelters=available))
    np.testing.assert_allclose(flows.gates_t[3:7], 0.0)
    np.testing.assert_allclose(flows.upstream_t[3:7, 0], 600.0 + 70.0 * np.arange(1, 5))
    # 280 t too much, of which 1 - exp(-7 / 24) would be used in a step; capacity allows 14 t.
    back = -np.expm1(-7.0 / 24.0)
    n_limited = int((280.0 - 14.0 / back) // 14.0) + 1
    np.testing.assert_allclose(flows.gates_t[7 : 7 + n_limited], 84.0, rtol=1e-12)
    over = flows.upstream_t[6 + n_limited :, 0] - 600.0
    np.testing.assert_allclose(
        over, over[0] * np.exp(-7.0 / 24.0) ** np.arange(len(over)), atol=1e-9
    )
    assert over[0] < 14.0 / back


def test_without_spare_capacity_the_pile_stays():
    network = smelting()
    available = np.ones((120, 1, 1))
    available[3:7] = 0.0
    flows = run(as_chain(network, []), replace(calm(network, 120), smelters=available))
    np.testing.assert_allclose(flows.upstream_t[7:, 0], 880.0, rtol=1e-12)
    np.testing.assert_allclose(flows.gates_t[7:], 70.0, rtol=1e-12)


def test_other_feed_comes_with_a_lag_up_to_its_share():
    """While the gap is larger: planned x share x (1 - exp(-t / lag)), from the first gap on."""
    network = smelting(alternative_share=0.3, alternative_lag_days=90.0)
    flows = run(as_chain(network, []), outage(network, slice(3, 40), 40))
    t = 7.0 * np.arange(1, 37)  # the gap of step 3 is seen in step 4
    bought = 70.0 * 0.3 * -np.expm1(-t / 90.0)
    assert flows.booked_t[1, 0] == pytest.approx(bought.sum(), rel=1e-12)


def test_a_smelter_that_only_stands_by_waits_without_feed():
    """A standby leg to a smelter of its own: planned for nothing, used for what cannot leave."""
    mine = Mine(10.0, (Way(days=7.0), Way(to=0, share=0.0, standby=True)))
    network = as_network([mine], [Smelter(metal_yield=0.97)])
    network = replace(network, smelters=replace(network.smelters, capacity=np.array([8.0])))
    open_share = np.ones((80, 2, 1))
    open_share[4:10, 0] = 0.0
    flows = run(as_chain(network, [], step_days=7.0), replace(calm(network, 80), legs=open_share))
    np.testing.assert_allclose(flows.gates_t[:5], 70.0)
    assert flows.gates_t.sum() == pytest.approx(80 * 70.0 - 0.03 * 420.0, rel=1e-3)
    assert np.diff(flows.gates_t[11:, 0]).max() <= 1e-9  # the feed that is left is worked off


# --- Stocks of mines ------------------------------------------------------------------------


def test_stock_leaves_ahead_of_an_announced_closure_and_comes_back():
    """Of 400 t a half leaves in steps 5 to 8, on top of what is mined; then the gap closes."""
    network = as_network([Mine(10.0, stock_days=40.0)])
    leaving = np.zeros((60, 1))
    leaving[5:9, 0] = [0.125, 0.25, 0.375, 0.5]
    leaving[9:12] = 0.5  # closed: nothing is mined, nothing more leaves
    weather = replace(outage(network, slice(9, 12), 60), leaving=leaving)
    flows = run(as_chain(network, [], step_days=7.0), weather)
    np.testing.assert_allclose(flows.gates_t[5:9], 120.0, rtol=1e-12)
    np.testing.assert_allclose(flows.gates_t[9:12], 0.0, atol=1e-12)
    gap = 400.0 - flows.upstream_t[11:, 0]
    np.testing.assert_allclose(gap, 200.0 * np.exp(-7.0 / 24.0) ** np.arange(len(gap)), atol=1e-9)
    np.testing.assert_allclose(flows.gates_t[12:, 0], 70.0 + np.diff(gap), atol=1e-9)


def test_what_left_early_is_not_there_later():
    """Leaving moves tonnes in time; in the end a mine has shipped what it mined."""
    network = as_network([Mine(10.0, stock_days=40.0)])
    leaving = np.zeros((400, 1))
    leaving[5:9] = 0.5
    flows = run(as_chain(network, [], step_days=7.0), replace(calm(network, 400), leaving=leaving))
    assert flows.gates_t[:9].sum() == pytest.approx(9 * 70.0 + 200.0, rel=1e-12)
    assert flows.gates_t.sum() == pytest.approx(400 * 70.0, rel=1e-12)


# --- Price ----------------------------------------------------------------------------------


@given(chain=chains(), seed=st.integers(0, 2**32), counts_stocks=st.booleans())
def test_price_follows_shortfall_and_missing_stocks(chain, seed, counts_stocks):
    """Ratio = 1 + x / e, with the stocks added up from what came in and went out."""
    n_steps, n = 40, 3
    weather = storms(chain.network, seed, n_steps, n)
    rng = np.random.default_rng(seed)
    changed = {
        "shortfall": 0.1 * rng.standard_normal((n_steps, n)),
        "elasticity_supply": rng.uniform(0.05, 0.5, n),
        "elasticity_demand": -rng.uniform(0.05, 0.5, n),
        "counts_stocks": counts_stocks,
    }
    flows = run(chain, weather, **changed)
    usual = chain.usual(calm(chain.network, n_steps))
    annual = 365.0 / chain.step_days * (usual.gates_t.mean() + chain.other_t + chain.recycled_t)
    inventories = chain.buyers.inventory_days @ chain.buyers.use
    upstream = np.maximum(usual.stock_t[:, np.newaxis] - flows.upstream_t, 0.0)
    missing = upstream + chain.exchange_t + inventories - flows.exchange_t - flows.buyers_t
    # Use that was not met some steps ago counts less.
    age = np.arange(n_steps)[:, np.newaxis] - np.arange(n_steps)
    kept = np.tril(np.exp(-age * chain.step_days / chain.network.restocking_days))
    missing += np.einsum("ts,sn->tn", kept, flows.short_t.sum(axis=1))
    x = changed["shortfall"] + counts_stocks * missing / annual
    e = changed["elasticity_supply"] - changed["elasticity_demand"]
    np.testing.assert_allclose(flows.ratio, np.clip(1.0 + x / e, 0.2, 4.0), rtol=1e-10)


def test_the_price_of_a_simple_gap():
    """Ten of 60 t a day missing for 73 days: 730 t, 1/30 of a year's 21,900 t; e = 0.35."""
    network = as_network([Mine(10.0)])
    chain = as_chain(network, [], step_days=7.3, other=50.0, exchange_t=2_000.0)
    flows = run(chain, outage(network, slice(5, 15), 40))
    expected = 1.0 + np.minimum(np.maximum(np.arange(40) - 4.0, 0.0), 10.0) / 300.0 / 0.35
    np.testing.assert_allclose(flows.ratio[:, 0], expected, rtol=1e-12)


def test_quantities_follow_the_price_of_the_step_before():
    """Mines and scrap move with a lag to e_s ln ratio, at most so much; the rest uses less."""
    network = as_network([Mine(10.0, capacity=11.0)])
    chain = as_chain(network, [], step_days=7.0, recycled=5.0, exchange_t=1e5)
    shortfall = np.full((60, 2), [[0.07, 0.7]])
    flows = run(
        chain,
        calm(network, 60, 2),
        shortfall=shortfall,
        moves_quantities=True,
        counts_stocks=False,
    )
    np.testing.assert_allclose(flows.ratio, [[1.2, 3.0]] * 60, rtol=1e-12)
    wish = np.minimum(0.2 * np.log([1.2, 3.0]), 0.1)
    more = wish * -np.expm1(-7.0 * np.arange(60)[:, np.newaxis] / 180.0)
    np.testing.assert_allclose(flows.gates_t, 70.0 * (1.0 + more), rtol=1e-12)
    received = flows.open_t[:, 0]
    np.testing.assert_allclose(received[1:], 105.0 * (1.0 - 0.15 * np.array([[0.2, 2.0]] * 59)))


def test_contracts_for_every_tonne_leave_nothing_and_no_less_than_nothing():
    """Five buyers share out three mines between them, whatever the rounding."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        network = as_network([Mine(planned) for planned in rng.uniform(1.0, 20.0, 3)])
        agreed = network.planned_at_families() * rng.dirichlet(np.ones(5), size=3).T
        use = agreed.sum(axis=1)
        contracts = [
            [(f, a / u) for f, a in enumerate(row)] for u, row in zip(use, agreed, strict=True)
        ]
        buyers = [
            Buyer(u, contracts=c, alternative_limit=0.0)
            for u, c in zip(use, contracts, strict=True)
        ]
        weather = calm(network, 30, 2)
        weather.mines[5:9] = rng.uniform(size=(4, 3, 2))
        flows = run(as_chain(network, buyers), weather)
        assert flows.exchange_t.min() >= 0.0
        np.testing.assert_allclose(flows.exchange_t, 0.0, atol=1e-10)
        lost = 7.0 * np.einsum("m,tmn->n", network.mines.planned, 1.0 - weather.mines)
        np.testing.assert_allclose(flows.short_t.sum(axis=(0, 1)), lost, rtol=1e-10)
