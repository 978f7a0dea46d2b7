"""Rationing by hand, against its laws, against a loop in fractions and against linear programs."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from supplyrisk.flow.rationing import Rationing, delivered

tonnes = st.just(0.0) | st.floats(1e-3, 1e3)


class World(NamedTuple):
    clean: np.ndarray
    tainted: np.ndarray
    orders: np.ndarray
    tiers: np.ndarray
    needs: np.ndarray

    @property
    def rule(self):
        return Rationing(self.tiers, self.needs)

    @property
    def metal(self):
        return self.clean + self.tainted

    def share(self):
        return self.rule.share(self.clean, self.tainted, self.orders)

    def of_buyers(self, rows):
        return self._replace(
            orders=self.orders[rows], tiers=self.tiers[rows], needs=self.needs[rows]
        )


@st.composite
def worlds(draw, *, tainted=True):
    n_buyers, n_scenarios = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    pool = arrays(float, n_scenarios, elements=tonnes)
    return World(
        draw(pool),
        draw(pool) if tainted else np.zeros(n_scenarios),
        draw(arrays(float, (n_buyers, n_scenarios), elements=tonnes)),
        draw(arrays(int, n_buyers, elements=st.integers(1, 3))),
        draw(arrays(bool, n_buyers)),
    )


def random_worlds(n, seed, n_buyers=7, n_scenarios=4):
    """Worlds in which short and long tiers of both kinds are all common."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        orders = rng.exponential(10.0, (n_buyers, n_scenarios))
        orders *= rng.random(orders.shape) < 0.9
        asked = orders.sum(axis=0)
        pools = asked * rng.uniform(0.0, 0.8, (2, n_scenarios))
        tiers = rng.integers(1, 4, n_buyers)
        yield World(*pools, orders, tiers, rng.random(n_buyers) < 0.5)


def same(got, expected, metal):
    """Whether tonnes agree but for the rounding of the metal that was there."""
    return bool(np.all(np.abs(got - expected) <= 1e-12 * (metal + np.abs(expected))))


# By hand


@pytest.mark.parametrize(
    ("clean", "tainted", "received", "left"),
    [
        # Two who need assurance order 4 and 2, two others 6 and 12, all in one tier.
        (30.0, 0.0, [4.0, 2.0, 6.0, 12.0], (6.0, 0.0)),  # enough
        (12.0, 0.0, [2.0, 1.0, 3.0, 6.0], (0.0, 0.0)),  # half for all
        (3.0, 9.0, [2.0, 1.0, 3.0, 6.0], (0.0, 0.0)),  # half for all: 3 clean are just enough
        (8.0, 4.0, [2.0, 1.0, 3.0, 6.0], (0.0, 0.0)),  # the others take 4 tainted, 5 clean
        (1.5, 9.0, [1.0, 0.5, 3.0, 6.0], (0.0, 0.0)),  # a quarter for those who need
        (1.5, 24.0, [1.0, 0.5, 6.0, 12.0], (0.0, 6.0)),  # tainted metal nobody may take
        (0.0, 20.0, [0.0, 0.0, 6.0, 12.0], (0.0, 2.0)),
        (10.0, 20.0, [4.0, 2.0, 6.0, 12.0], (4.0, 2.0)),  # tainted first, clean metal is kept
        (0.0, 0.0, [0.0, 0.0, 0.0, 0.0], (0.0, 0.0)),
    ],
)
def test_one_tier(clean, tainted, received, left):
    rule = Rationing([1, 1, 1, 1], [True, True, False, False])
    got = rule.share([clean], [tainted], np.array([[4.0], [2.0], [6.0], [12.0]]))
    assert got.received_t[:, 0].tolist() == received
    assert (*got.clean_left_t, *got.tainted_left_t) == left


@pytest.mark.parametrize(
    ("clean", "tainted", "received"),
    [
        # The second buyer, who needs assurance, is first; then the third; then the first.
        (2.0, 0.0, [0.0, 2.0, 0.0]),
        (7.0, 0.0, [0.0, 4.0, 3.0]),
        (12.0, 0.0, [2.0, 4.0, 6.0]),
        (2.0, 5.0, [0.0, 2.0, 5.0]),  # what the first in turn may not take goes to the next
        (2.0, 8.0, [2.0, 2.0, 6.0]),
        (6.0, 5.0, [1.0, 4.0, 6.0]),
    ],
)
def test_three_tiers(clean, tainted, received):
    rule = Rationing([5, 1, 2], [False, True, False])  # tiers may have gaps
    got = rule.share([clean], [tainted], np.array([[4.0], [4.0], [6.0]]))
    assert got.received_t[:, 0].tolist() == received


def test_who_orders_nothing_receives_nothing():
    got = Rationing([1, 1], [True, False]).share([3.0], [2.0], np.zeros((2, 1)))
    assert got.received_t.tolist() == [[0.0], [0.0]]
    assert (got.clean_left_t, got.tainted_left_t) == (3.0, 2.0)


def test_without_buyers_all_is_left():
    got = Rationing([], []).share([3.0], [2.0], np.zeros((0, 1)))
    assert got.received_t.shape == (0, 1)
    assert (got.clean_left_t, got.tainted_left_t) == (3.0, 2.0)


def test_share_leaves_its_input_alone():
    world = next(random_worlds(1, seed=1))
    before = [part.copy() for part in world]
    got = world.share()
    for answer in got:
        np.add(answer, 1.0, out=answer)
    for part, was in zip(world, before, strict=True):
        np.testing.assert_array_equal(part, was)


@pytest.mark.parametrize("tiers", [[0, 1], [1.0, 2.0], [True, False], ["a", "b"]])
def test_a_tier_is_a_whole_number_from_one_on(tiers):
    with pytest.raises(ValueError, match="tiers must be whole numbers >= 1, got"):
        Rationing(tiers, [False, False])


@pytest.mark.parametrize("tiers", [[1], [[1, 1]], [1, 1, 1]])
def test_every_buyer_has_a_tier(tiers):
    with pytest.raises(ValueError, match=r"must be \(n_buyers,\) alike"):
        Rationing(tiers, [False, False])


# Laws


@given(worlds())
def test_metal_is_conserved(world):
    received, clean_left, tainted_left = world.share()
    units = 2 * 3 + 2 + 3  # three tiers, six buyers
    for s, available in enumerate(world.metal):
        out = [*received[:, s], clean_left[s], tainted_left[s]]
        there = Fraction(world.clean[s]) + Fraction(world.tainted[s])
        gap = abs(sum(map(Fraction, out)) - there)
        assert gap <= units * Fraction(np.spacing(available))


@given(worlds())
def test_nobody_receives_more_than_ordered_nor_less_than_nothing(world):
    received, clean_left, tainted_left = world.share()
    assert np.all((received >= 0.0) & (received <= world.orders))
    assert np.all((clean_left >= 0.0) & (clean_left <= world.clean))
    assert np.all((tainted_left >= 0.0) & (tainted_left <= world.tainted))


@given(worlds())
def test_a_tier_takes_nothing_that_one_before_it_still_wants(world):
    received, clean_left, tainted_left = world.share()
    short = received < world.orders
    for buyer, s in np.argwhere(short):
        after = world.tiers > world.tiers[buyer]
        if world.needs[buyer]:
            assert clean_left[s] == 0.0
            assert not received[after & world.needs, s].any()
        else:
            assert clean_left[s] == tainted_left[s] == 0.0
            assert not received[after, s].any()


@given(worlds(), tonnes, tonnes)
def test_more_metal_of_either_kind_is_never_less_for_anyone(world, clean, tainted):
    more = world._replace(clean=world.clean + clean, tainted=world.tainted + tainted)
    for little, much in zip(world.share(), more.share(), strict=True):
        assert np.all(little <= much + 1e-12 * more.metal)


@given(worlds(), st.floats(0.0, 1.0))
def test_a_lost_assurance_is_bad_for_those_who_need_it_and_for_no_other(world, part):
    lost = part * world.clean
    after = world._replace(clean=world.clean - lost, tainted=world.tainted + lost).share()
    gain = after.received_t - world.share().received_t
    assert np.all(gain[world.needs] <= 1e-12 * world.metal)
    assert np.all(gain[~world.needs] >= -1e-12 * world.metal)


@given(worlds(), st.data())
def test_who_orders_more_takes_it_from_others_or_from_what_is_left(world, data):
    buyer = data.draw(st.integers(0, len(world.tiers) - 1))
    orders = world.orders.copy()
    orders[buyer] += data.draw(tonnes)
    before, after = world.share(), world._replace(orders=orders).share()
    rise = after.received_t - before.received_t
    assert np.all(rise[buyer] >= -1e-12 * world.metal)
    assert np.all(np.delete(rise, buyer, axis=0) <= 1e-12 * world.metal)
    for left_before, left_after in zip(before[1:], after[1:], strict=True):
        assert np.all(left_after <= left_before + 1e-12 * world.metal)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_buyers_does_not_matter(world, random):
    rows = list(range(len(world.tiers)))
    random.shuffle(rows)
    got, expected = world.of_buyers(rows).share(), world.share()
    assert same(got.received_t, expected.received_t[rows], world.metal)
    assert same(got.clean_left_t, expected.clean_left_t, world.metal)
    assert same(got.tainted_left_t, expected.tainted_left_t, world.metal)


@given(worlds())
def test_two_halves_of_a_buyer_receive_what_the_whole_did(world):
    rows = [0, *range(len(world.tiers))]
    halves = world.of_buyers(rows)
    halves.orders[:2] /= 2.0
    got, expected = halves.share().received_t, world.share().received_t
    assert same(got[0] + got[1], expected[0], world.metal)
    assert same(got[2:], expected[1:], world.metal)


@given(worlds(), st.integers(-20, 20))
def test_the_unit_of_mass_does_not_matter(world, power):
    unit = 2.0**power  # exact
    scaled = world._replace(
        clean=unit * world.clean, tainted=unit * world.tainted, orders=unit * world.orders
    )
    for got, expected in zip(scaled.share(), world.share(), strict=True):
        np.testing.assert_array_equal(got, unit * expected)


@given(worlds(tainted=False))
def test_without_tainted_metal_nobody_needs_assurance(world):
    got, expected = world.share(), world._replace(needs=~world.needs).share()
    assert same(got.received_t, expected.received_t, world.metal)
    assert not got.tainted_left_t.any()


@given(worlds())
def test_a_scenario_does_not_know_the_others(world):
    # To the bit, though tainted metal in one scenario sends all of them the long way.
    together = world.share()
    for s in range(len(world.clean)):
        alone = world.rule.share(
            world.clean[s : s + 1], world.tainted[s : s + 1], world.orders[:, s : s + 1]
        )
        for got, expected in zip(alone, together, strict=True):
            np.testing.assert_array_equal(got[..., 0], expected[..., s])


# The slow obvious way, in fractions


def fraction_of(metal, asked):
    return min(Fraction(1), metal / asked) if asked else Fraction(1)


def ration_tier(clean, tainted, orders, needs):
    """One tier, one scenario: what each receives, and what is left of both kinds."""
    needing = sum(order for order, need in zip(orders, needs, strict=True) if need)
    others = sum(orders) - needing
    alike = fraction_of(clean + tainted, needing + others)
    scarce = alike * needing > clean
    for_needing = fraction_of(clean, needing) if scarce else alike
    for_others = fraction_of(tainted, others) if scarce else alike
    from_tainted = min(tainted, for_others * others)
    from_clean = for_needing * needing + for_others * others - from_tainted
    received = [
        order * (for_needing if need else for_others)
        for order, need in zip(orders, needs, strict=True)
    ]
    return received, clean - from_clean, tainted - from_tainted


def ration_slowly(world):
    received = np.zeros(world.orders.shape)
    left = np.zeros((2, len(world.clean)))
    for s in range(len(world.clean)):
        clean, tainted = Fraction(world.clean[s]), Fraction(world.tainted[s])
        for tier in sorted(set(world.tiers)):
            rows = [b for b in range(len(world.tiers)) if world.tiers[b] == tier]
            orders = [Fraction(world.orders[b, s]) for b in rows]
            got, clean, tainted = ration_tier(clean, tainted, orders, world.needs[rows])
            received[rows, s] = [float(tonne) for tonne in got]
        left[:, s] = clean, tainted
    return received, *left


def check_against_the_slow_way(world):
    for got, expected in zip(world.share(), ration_slowly(world), strict=True):
        assert same(got, expected, world.metal)


@given(worlds())
def test_small_worlds_as_the_slow_way_has_them(world):
    check_against_the_slow_way(world)


@pytest.mark.parametrize("n_buyers", [1, 8, 21])
def test_larger_worlds_as_the_slow_way_has_them(n_buyers):
    for world in random_worlds(20, seed=n_buyers, n_buyers=n_buyers):
        check_against_the_slow_way(world)


# Linear programs: the most that any allocation can fill


def most_filled(pools, allowed, orders, wanted, floors=()):
    """Largest sum of what the `wanted` buyers receive, while others keep their `floors`.

    Pools (n_pools,), allowed (n_pools, n_buyers); floors are pairs (rows, tonnes).
    """
    n_pools, n_buyers = allowed.shape
    by_pool = np.kron(np.eye(n_pools), np.ones(n_buyers))
    by_buyer = np.kron(np.ones(n_pools), np.eye(n_buyers))
    kept = [(-by_buyer[rows].sum(axis=0), 1e-9 - tonnes) for rows, tonnes in floors]
    solved = linprog(
        -by_buyer[wanted].sum(axis=0),
        A_ub=np.vstack([by_pool, by_buyer, *(row for row, _ in kept)]),
        b_ub=np.concatenate([pools, orders, [bound for _, bound in kept]]),
        bounds=[(0.0, None if may else 0.0) for may in allowed.ravel()],
    )
    assert solved.status == 0
    return -solved.fun


def test_no_allocation_fills_more_of_any_tier_after_those_before_it():
    for world in random_worlds(15, seed=3, n_scenarios=3):
        received = world.share().received_t
        allowed = np.array([np.ones_like(world.needs), ~world.needs])
        for s, pools in enumerate(zip(world.clean, world.tainted, strict=True)):
            floors = []
            for tier in np.unique(world.tiers):
                rows = world.tiers == tier
                best = most_filled(pools, allowed, world.orders[:, s], rows, floors)
                assert received[rows, s].sum() == pytest.approx(best, abs=1e-6)
                floors.append((rows, best))


def test_no_allocation_fills_more_of_all_orders():
    for world in random_worlds(15, seed=4, n_scenarios=3):
        received = world.share().received_t
        allowed = np.array([np.ones_like(world.needs), ~world.needs])
        everyone = np.ones_like(world.needs)
        for s, pools in enumerate(zip(world.clean, world.tainted, strict=True)):
            best = most_filled(pools, allowed, world.orders[:, s], everyone)
            assert received[:, s].sum() == pytest.approx(best, abs=1e-7)


# Contracts: deliveries first, the open market is shared by what buyers then still lack


class Lines(NamedTuple):
    contracts: np.ndarray  # (n_buyers + 1, n_lines), the open market last
    ratio: np.ndarray  # (n_lines, 1)
    tainted: np.ndarray  # (n_lines,)


def random_lines(rng, n_buyers, *, contracted, tainted, n_lines=4):
    shares = rng.dirichlet(np.ones(n_buyers), n_lines).T * contracted
    plan = rng.uniform(1.0, 20.0, n_lines)
    contracts = np.vstack([shares, np.full(n_lines, 1.0 - contracted)]) * plan
    return Lines(contracts, rng.random((n_lines, 1)), rng.random(n_lines) < tainted)


def filled(lines, orders, tiers, needs):
    """Orders filled by contracts and then by the open market, in all."""
    may_take = ~(np.append(needs, False)[:, None] & lines.tainted)
    of_kind = [
        delivered(lines.contracts * (may_take & (lines.tainted == kind)), lines.ratio)
        for kind in (False, True)
    ]
    used = np.minimum(orders, sum(of_kind)[:-1, 0])
    open_market = [kind[-1] for kind in of_kind]
    got = Rationing(tiers, needs).share(*open_market, (orders - used)[:, None])
    return used.sum() + got.received_t.sum()


def filled_without_contracts(lines, orders, needs):
    made = delivered(np.diag(lines.contracts.sum(axis=0)), lines.ratio)[:, 0]
    allowed = ~(needs & lines.tainted[:, None])
    return most_filled(made, allowed, orders, np.ones_like(needs))


@pytest.mark.parametrize("seed", range(20))
def test_contracts_never_fill_more_than_the_best_allocation(seed):
    rng = np.random.default_rng(seed)
    lines = random_lines(rng, 5, contracted=rng.random(), tainted=0.4)
    orders, tiers = rng.exponential(6.0, 5), rng.integers(1, 4, 5)
    needs = rng.random(5) < 0.5
    best = filled_without_contracts(lines, orders, needs)
    assert filled(lines, orders, tiers, needs) <= best + 1e-7


@pytest.mark.parametrize("seed", range(10))
def test_contracts_that_nobody_holds_cost_nothing(seed):
    rng = np.random.default_rng(seed)
    lines = random_lines(rng, 5, contracted=0.0, tainted=0.4)
    orders, tiers = rng.exponential(6.0, 5), rng.integers(1, 4, 5)
    needs = rng.random(5) < 0.5
    best = filled_without_contracts(lines, orders, needs)
    assert filled(lines, orders, tiers, needs) == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("seed", range(10))
def test_contracts_for_no_more_than_buyers_want_cost_nothing(seed):
    rng = np.random.default_rng(seed)
    lines = random_lines(rng, 5, contracted=0.6, tainted=0.0)
    agreed = delivered(lines.contracts, lines.ratio)[:-1, 0]
    orders, tiers = agreed + rng.exponential(2.0, 5), rng.integers(1, 4, 5)
    needs = rng.random(5) < 0.5
    best = filled_without_contracts(lines, orders, needs)
    assert filled(lines, orders, tiers, needs) == pytest.approx(best, abs=1e-7)


def test_a_contract_that_binds_leaves_another_short():
    # The first buyer holds all 10 t and wants 4; the second wants 5 and has no contract.
    lines = Lines(np.array([[10.0], [0.0], [0.0]]), np.ones((1, 1)), np.array([False]))
    orders, needs = np.array([4.0, 5.0]), np.array([False, False])
    assert filled(lines, orders, [1, 1], needs) == 4.0
    assert filled_without_contracts(lines, orders, needs) == pytest.approx(9.0)


# Deliveries


def test_every_customer_of_a_line_gets_the_same_share():
    got = delivered([[6.0, 0.0], [2.0, 1.0], [0.0, 3.0]], [[0.5, 1.0, 0.0], [1.0, 0.25, 0.0]])
    assert got.tolist() == [[3.0, 6.0, 0.0], [2.0, 2.25, 0.0], [3.0, 0.75, 0.0]]


@given(
    arrays(float, (4, 3), elements=tonnes),
    arrays(float, (3, 2), elements=st.floats(0.0, 1.0)),
    st.floats(0.0, 1.0),
)
def test_deliveries_add_up_and_rise_with_the_ratio(contracts, ratio, part):
    got = delivered(contracts, ratio)
    np.testing.assert_allclose(got.sum(axis=0), contracts.sum(axis=0) @ ratio, 1e-12, 1e-300)
    assert np.all(delivered(contracts, part * ratio) <= got)
    assert np.all(got <= delivered(contracts, np.ones_like(ratio)))
