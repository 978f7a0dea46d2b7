"""What is shipped arrives, later; what is not mined is lost, and nothing else."""

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
networks, spells, storms = (CHAINS[name] for name in ("networks", "spells", "storms"))

N_STEPS = 60
DAYS = st.sampled_from((0.0, 1.0, 7.0, 10.0, 21.0, 33.5, 50.0)) | st.floats(0.0, 100.0)


def later(shipped, planned, days, step_days):
    """Shipments of steps, a time later; before the first they were as planned."""
    whole, rest = divmod(days, step_days)
    before = np.full(int(whole) + 1, planned)
    path = np.concatenate([before, shipped])
    n = len(shipped)
    on_time, one_later = path[1 : n + 1], path[:n]
    return on_time + rest / step_days * (one_later - on_time)


@pytest.mark.parametrize(
    ("days", "weights"),
    [
        (0.0, {0: 1.0}),
        (14.0, {2: 1.0}),
        (16.8, {2: 0.6, 3: 0.4}),
        (3.5, {0: 0.5, 1: 0.5}),
    ],
)
def test_a_closure_of_one_step_arrives_after_the_transit_time(days, weights):
    network = as_network([Mine(10.0, (Way(days=days),))])
    weather = outage(network, slice(5, 6), 20)
    gates = run(as_chain(network, [], step_days=7.0), weather).gates_t[:, 0]
    missing = np.zeros(20)
    for steps, weight in weights.items():
        missing[5 + steps] = 70.0 * weight
    np.testing.assert_allclose(70.0 - gates, missing, atol=1e-12)


@given(
    days=st.lists(DAYS, min_size=1, max_size=3), step_days=st.sampled_from((1.0, 5.0, 7.0, 30.0))
)
def test_arrivals_are_the_shipments_later_to_the_last_tonne(days, step_days):
    network = as_network([Mine(3.0 + k, (Way(days=d),)) for k, d in enumerate(days)])
    available = spells(np.random.default_rng(7), N_STEPS, len(days), 4)
    flows = run(
        as_chain(network, [], step_days=step_days), replace(calm(network, 1), mines=available)
    )
    planned = network.mines.planned * step_days
    expected = sum(
        np.apply_along_axis(later, 0, planned[k] * available[:, k], planned[k], d, step_days)
        for k, d in enumerate(days)
    )
    np.testing.assert_allclose(flows.gates_t, expected, rtol=1e-12)


@given(days=DAYS, step_days=st.sampled_from((1.0, 7.0)))
def test_metal_leaves_a_smelter_as_ore_a_mine(days, step_days):
    """Throughput of a smelter that is full of feed is its availability."""
    smelter = Smelter((Way(days=days),), metal_yield=0.97)
    network = as_network([Mine(10.0, (Way(to=0, days=21.0),))], [smelter])
    available = spells(np.random.default_rng(3), N_STEPS, 1, 4)
    weather = replace(calm(network, N_STEPS, 4), smelters=available)
    flows = run(as_chain(network, [], step_days=step_days), weather)
    made = 9.7 * step_days
    expected = np.apply_along_axis(later, 0, made * available[:, 0], made, days, step_days)
    np.testing.assert_allclose(flows.gates_t, expected, rtol=1e-12)


def test_an_outage_costs_its_tonnes_whatever_way_they_take():
    """A closure of 70 t is 70 t less at the gates and in the feed that it ends in."""
    network = as_network(
        [Mine(10.0, (Way(share=0.25, days=9.0), Way(to=0, share=0.75, days=33.0)))],
        [Smelter((Way(share=0.5, days=3.0), Way(share=0.5, days=40.0)), feed_days=60.0)],
    )
    flows = run(as_chain(network, []), outage(network, 4, 100))
    missing_feed = flows.upstream_t[0, 0] - flows.upstream_t[-1, 0]  # not below psi of its target
    assert missing_feed == pytest.approx(0.75 * 70.0, rel=1e-12)
    assert 70.0 * 100 - flows.gates_t.sum() == pytest.approx(0.25 * 70.0, rel=1e-11)


@given(network=networks(makeup=False), seed=st.integers(0, 2**32))
def test_mined_loss_is_availability_and_nothing_else(network, seed):
    """Where nobody answers the price and nothing is made up; whatever else happens."""
    weather = storms(network, seed, N_STEPS)
    chain = as_chain(network, [Buyer(0.5, inventory_days=10.0)], step_days=5.0, n_before=7)
    mined = run(chain, weather).booked_t[0]
    planned = network.mines.planned * 5.0
    lost = np.einsum("m,tmn->n", planned, 1.0 - weather.mines[7:])
    total = planned.sum() * (N_STEPS - 7)
    np.testing.assert_allclose(total - mined, lost, atol=1e-12 * total)


@given(share=st.floats(0.0, 1.0), makeup=st.floats(0.0, 1.0))
def test_what_is_made_up_is_the_share_that_is_made_up(share, makeup):
    """With room for it, in the end: lost x (1 - share that is made up)."""
    network = as_network([Mine(10.0, capacity=15.0, makeup_share=makeup)])
    flows = run(as_chain(network, [], step_days=7.0), outage(network, slice(2, 6), 40, share=share))
    lost = 70.0 * 40 - flows.gates_t.sum()
    assert lost == pytest.approx(4 * 70.0 * (1.0 - share) * (1.0 - makeup), abs=1e-9)
    assert flows.gates_t.max() <= 105.0 + 1e-9


# --- Closed routes --------------------------------------------------------------------------


def test_a_closed_route_holds_back_what_has_not_left():
    """What is under way arrives; what is held back comes at once when the route opens."""
    network = as_network([Mine(10.0, (Way(days=14.0),))])
    open_share = np.ones((20, 1, 1))
    open_share[5:8] = 0.0
    weather = replace(calm(network, 20), legs=open_share)
    gates = run(as_chain(network, [], step_days=7.0), weather).gates_t[:, 0]
    expected = np.full(20, 70.0)
    expected[7:10] = 0.0
    expected[10] = 4 * 70.0
    np.testing.assert_allclose(gates, expected, rtol=1e-12)


def test_a_route_open_in_part_passes_its_part_of_the_plan():
    network = as_network([Mine(10.0)])
    open_share = np.ones((20, 1, 1))
    open_share[5:8] = 0.4
    weather = replace(calm(network, 20), legs=open_share)
    gates = run(as_chain(network, [], step_days=7.0), weather).gates_t[:, 0]
    np.testing.assert_allclose(gates[5:9], [28.0, 28.0, 28.0, 70.0 + 3 * 42.0], rtol=1e-12)


@pytest.mark.parametrize("standby_days", [14.0, 21.0, 35.0])
def test_a_standby_leg_takes_what_a_closed_one_cannot(standby_days):
    detour = Way(share=0.0, days=standby_days, standby=True)
    network = as_network([Mine(10.0, (Way(days=14.0), detour))])
    open_share = np.ones((30, 2, 1))
    open_share[5:8, 0] = 0.0
    weather = replace(calm(network, 30), legs=open_share)
    gates = run(as_chain(network, [], step_days=7.0), weather).gates_t[:, 0]
    by_main, by_detour = np.full(30, 70.0), np.zeros(30)
    by_main[7:10] = 0.0
    late = 5 + int(standby_days / 7)
    by_detour[late : late + 3] = 70.0
    np.testing.assert_allclose(gates, by_main + by_detour, rtol=1e-12)


def test_a_limit_works_a_queue_off_at_its_pace():
    network = as_network([Mine(10.0, (Way(capacity=12.0),))])
    open_share = np.ones((30, 1, 1))
    open_share[5:7] = 0.0
    weather = replace(calm(network, 30), legs=open_share)
    flows = run(as_chain(network, [], step_days=7.0), weather)
    # 140 t are held back, and 14 t more than mined leave in a step: ten steps.
    np.testing.assert_allclose(flows.gates_t[7:17, 0], 84.0, rtol=1e-12)
    np.testing.assert_allclose(flows.gates_t[17:, 0], 70.0, rtol=1e-12)


@pytest.mark.parametrize("step_days", [1.0, 5.0, 15.0, 30.0])
def test_metal_keeps_to_its_route_however_often_one_looks(step_days):
    """Six tenths of a mine's way are closed for half a year: no other road is named for them."""
    network = as_network([Mine(10.0, (Way(share=0.6), Way(share=0.4, days=60.0)))])
    day = step_days * np.arange(int(360 / step_days))
    open_share = np.ones((len(day), 2, 1))
    closed = (day >= 60) & (day < 240)
    open_share[closed, 0] = 0.0
    weather = replace(calm(network, len(day)), legs=open_share)
    gates = run(as_chain(network, [], step_days=step_days), weather).gates_t[:, 0]
    expected = np.where(closed, 4.0, 10.0) * step_days
    expected[day == 240] += 6.0 * 180.0
    np.testing.assert_allclose(gates, expected, rtol=1e-12)
