"""Laws of the chain, on small ones made up by Hypothesis, in weather that hits everything.

Nobody answers the price here (`moves_quantities` is False) and targets are fixed.

More supply is never worse, in every step and for every buyer, where (1) it is mines that produce
more and nothing is made up later, (2) nothing is learnt from a shortage: no feed is bought
elsewhere, no source qualified, (3) each smelter is fed by one mine, for of two it draws more on one
when the other fails, and its metal goes to other buyers, and (4) no buyer needs assurance that
some metal lacks, for metal of a family counts as one mix. Roads and smelters that open late bring
later what did not come earlier. So of roads, smelters and what is made up one can say less: up to
any day no more has arrived in all, and of buyers alike in all, who are one buyer, no more was
received and no less was short. Of several buyers one may be short who would have had the metal
that another, in better times, had put into stock.
"""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

CHAINS = runpy.run_path(str(Path(__file__).with_name("chains.py")))
Buyer, as_network, as_chain, as_buyers = (
    CHAINS[name] for name in ("Buyer", "as_network", "as_chain", "as_buyers")
)
chains, nodes, networks, storms, spells = (
    CHAINS[name] for name in ("chains", "nodes", "networks", "storms", "spells")
)
run, scale_t = CHAINS["run"], CHAINS["scale_t"]

N_STEPS, N = 40, 3
seeds = st.integers(0, 2**32)
# Each example is two runs: half as many as elsewhere, whatever the profile.
fewer = settings(max_examples=settings().max_examples // 2)
STEADY = {"makeup": False, "alternative": False, "qualifying": False}
ROADS = ("mines", "legs", "smelters", "strands")


def worse(weather, seed, *names):
    """Return the weather after more outages of what is named."""
    rng = np.random.default_rng([seed, 1])
    shares = {name: getattr(weather, name) for name in names}
    more = {name: x * spells(rng, *x.shape) for name, x in shares.items() if x is not None}
    return replace(weather, **more)


def never_more(less, more, scale):
    return (less <= more + 1e-11 * N_STEPS * scale).all()


def received(flows):
    return flows.agreed_t + flows.open_t


def lonely(network, draw_from):
    """Return a chain whose metal goes to a single buyer."""
    rng = np.random.default_rng(draw_from)
    rest = Buyer(0.0, inventory_days=rng.choice([0.0, 14.0, 60.0]), restocking_days=50.0)
    exchange_t = rng.choice([0.0, 50.0])
    step_days = rng.choice([1.0, 7.0])
    return as_chain(network, [], step_days=step_days, exchange_t=exchange_t, rest=rest)


# --- Supply ---------------------------------------------------------------------------------


@fewer
@given(chain=chains(**STEADY, mixing=False, needing=False), seed=seeds)
def test_a_larger_outage_of_mines_is_worse_for_everyone_in_every_step(chain, seed):
    weather = storms(chain.network, seed, N_STEPS, N)
    light, heavy = run(chain, weather), run(chain, worse(weather, seed, "mines"))
    scale = scale_t(light)
    assert never_more(heavy.gates_t, light.gates_t, scale)
    assert never_more(light.short_t, heavy.short_t, scale)
    assert never_more(heavy.exchange_t, light.exchange_t, scale)
    assert never_more(heavy.buyers_t, light.buyers_t, scale)
    assert never_more(received(heavy).cumsum(axis=0), received(light).cumsum(axis=0), scale)


@fewer
@given(chain=chains(**STEADY, mixing=False), seed=seeds)
def test_assurance_changes_nothing_in_that_where_all_metal_is_assured(chain, seed):
    weather = storms(chain.network, seed, N_STEPS, N, but=("assured",))
    light, heavy = run(chain, weather), run(chain, worse(weather, seed, "mines"))
    assert never_more(light.short_t, heavy.short_t, scale_t(light))
    total = [received(flows).sum(axis=1).cumsum(axis=0) for flows in (heavy, light)]
    assert never_more(*total, scale_t(light))


@fewer
@given(network=networks(makeup=False, alternative=False, many=False, standby=False), seed=seeds)
def test_of_smelters_with_several_mines_that_is_true_of_all_metal_together(network, seed):
    weather = storms(network, seed, N_STEPS, N, but=("strands",))
    chain = lonely(network, seed)
    light, heavy = run(chain, weather), run(chain, worse(weather, seed, "mines"))
    assert never_more(heavy.gates_t, light.gates_t, scale_t(light))
    assert never_more(light.short_t, heavy.short_t, scale_t(light))


def assert_worse_up_to_any_day(chain, weather, seed, names):
    light, heavy = run(chain, weather), run(chain, worse(weather, seed, *names))
    for path in ("gates_t", "used_t"):
        pair = [getattr(flows, path).cumsum(axis=0) for flows in (heavy, light)]
        assert never_more(*pair, scale_t(light)), path
    assert never_more(
        *(received(f).sum(axis=1).cumsum(axis=0) for f in (heavy, light)), scale_t(light)
    )
    assert never_more(
        *(f.short_t.sum(axis=1).cumsum(axis=0) for f in (light, heavy)), scale_t(light)
    )


@fewer
@given(network=networks(alternative=False, standby=False, mixing=False), seed=seeds)
def test_larger_outages_of_anything_are_worse_up_to_any_day(network, seed):
    """Also with what is made up; but not where stock has left the mine, which then makes it up."""
    weather = storms(network, seed, N_STEPS, N, but=("leaving",))
    assert_worse_up_to_any_day(lonely(network, seed), weather, seed, ROADS)


@fewer
@given(network=networks(makeup=False, alternative=False, standby=False), seed=seeds)
def test_larger_outages_are_worse_up_to_any_day_when_stock_leaves_early(network, seed):
    weather = storms(network, seed, N_STEPS, N, but=("strands",))
    assert_worse_up_to_any_day(lonely(network, seed), weather, seed, ROADS[:3])


@fewer
@given(seed=seeds, share=st.floats(0.0, 1.0), more=st.integers(0, 20), less=st.floats(0.0, 1.0))
def test_a_longer_and_deeper_event_is_worse(seed, share, more, less):
    """One event at one mine: all of a chain that has everything but what makes up for it."""
    network = CHAINS["as_network"](
        [
            CHAINS["Mine"](5.0, (CHAINS["Way"](to=0, days=20.0),), stock_days=10.0),
            CHAINS["Mine"](4.0),
        ],
        [CHAINS["Smelter"](feed_days=40.0, spare_share=0.2)],
    )
    buyers = [
        Buyer(2.0, inventory_days=28.0, contracts=[(0, 0.8)], alternative_limit=0.5),
        Buyer(1.0, tier=2, contracts=[(0, 0.5), (1, 0.5)]),
    ]
    chain = as_chain(network, buyers, exchange_t=10.0, other=1.0)
    paths = []
    for steps, left in ((10, share), (10 + more, share * less)):
        weather = CHAINS["outage"](network, slice(5, 5 + steps), 80, share=left)
        paths.append(run(chain, weather))
    light, heavy = paths
    assert never_more(heavy.gates_t, light.gates_t, scale_t(light))
    assert never_more(light.short_t, heavy.short_t, scale_t(light))


# --- Stocks ---------------------------------------------------------------------------------


@fewer
@given(chain=chains(), seed=seeds, more_t=st.floats(0.0, 100.0))
def test_more_stock_at_the_exchange_is_worse_for_nobody(chain, seed, more_t):
    weather = storms(chain.network, seed, N_STEPS, N)
    lean, rich = (
        run(chain, weather),
        run(replace(chain, exchange_t=chain.exchange_t + more_t), weather),
    )
    assert never_more(rich.short_t, lean.short_t, scale_t(rich))


@fewer
@given(chain=chains(), seed=seeds, more_days=st.floats(0.0, 60.0))
def test_more_stock_of_a_buyer_is_better_for_him_and_for_all_together(chain, seed, more_days):
    """Up to any day; another may go short when he fills his larger stock up again."""
    weather = storms(chain.network, seed, N_STEPS, N)
    days = chain.buyers.inventory_days.copy()
    days[0] += more_days
    richer = replace(chain, buyers=replace(chain.buyers, inventory_days=days))
    lean, rich = (run(one, weather).short_t.cumsum(axis=0) for one in (chain, richer))
    scale = 1.0 + days @ chain.buyers.use + lean.max() + chain.exchange_t
    assert never_more(rich[:, 0], lean[:, 0], scale)
    assert never_more(rich.sum(axis=1), lean.sum(axis=1), scale)


@fewer
@given(network=networks(alternative=False, standby=False, mixing=False), seed=seeds)
def test_more_feed_before_smelters_is_never_worse_up_to_any_day(network, seed):
    weather = storms(network, seed, N_STEPS, N, but=("leaving",))
    smelters = replace(network.smelters, feed_days=network.smelters.feed_days + 20.0)
    lean, rich = (
        run(lonely(one, seed), weather) for one in (network, replace(network, smelters=smelters))
    )
    assert never_more(lean.gates_t.cumsum(axis=0), rich.gates_t.cumsum(axis=0), scale_t(rich))
    assert never_more(rich.short_t.cumsum(axis=0), lean.short_t.cumsum(axis=0), scale_t(rich))


@fewer
@given(chain=chains(), seed=seeds, more_days=st.floats(0.0, 60.0))
def test_stock_at_mines_that_does_not_leave_helps_and_harms_nobody(chain, seed, more_days):
    weather = storms(chain.network, seed, N_STEPS, N, but=("leaving",))
    mines = replace(chain.network.mines, stock_days=chain.network.mines.stock_days + more_days)
    lean = run(chain, weather)
    rich = run(replace(chain, network=replace(chain.network, mines=mines)), weather)
    np.testing.assert_allclose(rich.short_t, lean.short_t, atol=1e-11 * scale_t(rich))


# --- Names, parts and units -----------------------------------------------------------------


def assert_alike(one, other, *, scale, factor=1.0):
    """Compare all series but those by buyer."""
    for name in ("gates_t", "upstream_t", "exchange_t", "buyers_t", "booked_t", "used_t"):
        np.testing.assert_allclose(
            getattr(other, name),
            factor * getattr(one, name),
            rtol=1e-12,
            atol=1e-12 * factor * scale,
            err_msg=name,
        )
    np.testing.assert_allclose(other.ratio, one.ratio, rtol=1e-12)


def by_buyer(flows):
    return np.stack([flows.agreed_t, flows.open_t, flows.short_t])


ANSWERING = {"moves_quantities": True}


@fewer
@given(chain=chains(), seed=seeds, data=st.data())
def test_the_order_of_buyers_is_nobodys_gain(chain, seed, data):
    last = len(chain.buyers.use) - 1
    order = [*data.draw(st.permutations(range(last))), last]
    values = {name: getattr(chain.buyers, name)[order] for name in chain.buyers.__slots__}
    weather = storms(chain.network, seed, N_STEPS, N)
    one = run(chain, weather, **ANSWERING)
    other = run(replace(chain, buyers=type(chain.buyers)(**values)), weather, **ANSWERING)
    scale = scale_t(one)
    assert_alike(one, other, scale=scale)
    np.testing.assert_allclose(
        by_buyer(other), by_buyer(one)[:, :, order], rtol=1e-12, atol=1e-12 * scale
    )


@fewer
@given(chain=chains(), seed=seeds)
def test_tonnes_may_be_counted_in_kilogrammes(chain, seed):
    def scaled(values, *names):
        return replace(values, **{name: 1000.0 * getattr(values, name) for name in names})

    network = chain.network
    smaller = scaled(
        replace(
            chain,
            network=replace(
                network,
                mines=scaled(network.mines, "planned", "capacity"),
                legs=scaled(network.legs, "capacity"),
                smelters=scaled(network.smelters, "planned", "capacity"),
                strands=scaled(network.strands, "capacity"),
            ),
            buyers=scaled(chain.buyers, "use", "contracts"),
        ),
        "other_t",
        "recycled_t",
        "exchange_t",
    )
    weather = storms(network, seed, N_STEPS, N)
    one, other = run(chain, weather, **ANSWERING), run(smaller, weather, **ANSWERING)
    scale = scale_t(one)
    assert_alike(one, other, scale=scale, factor=1000.0)
    np.testing.assert_allclose(
        by_buyer(other), 1000.0 * by_buyer(one), rtol=1e-12, atol=1e-9 * scale
    )


def halved(mine):
    ways = tuple(way._replace(capacity=way.capacity / 2) for way in mine.ways)
    return mine._replace(planned=mine.planned / 2, capacity=mine.capacity / 2, ways=ways)


def halves(network, half, mine):
    """Return for each leg, strand and gate of `half` the one of `network` that it was."""
    of_mine = [np.flatnonzero(network.legs.origin == k) for k in range(len(network.mines.planned))]
    legs = [leg for k, own in enumerate(of_mine) for leg in [*own] * (1 + (k == mine))]
    lines = np.array(legs + list(range(len(network.legs.origin), network.n_lines)))
    strands = []
    for strand, line in enumerate(half.strands.origin):
        place = strand - np.flatnonzero(half.strands.origin == line)[0]
        strands.append(np.flatnonzero(network.strands.origin == lines[line])[place])
    gates = [
        np.flatnonzero(network.gate_line == lines[line])[0]
        if line >= 0
        else np.flatnonzero(network.gate_strand == strands[strand])[0]
        for line, strand in zip(half.gate_line, half.gate_strand, strict=True)
    ]
    return legs, strands, gates


@fewer
@given(rows=nodes(limited=False), seed=seeds, data=st.data())
def test_two_halves_of_a_mine_are_the_mine(rows, seed, data):
    mines, smelters = rows
    mine = data.draw(st.integers(0, len(mines) - 1))
    network = as_network(mines, smelters)
    half = as_network([*mines[:mine], *[halved(mines[mine])] * 2, *mines[mine + 1 :]], smelters)
    legs, strands, gates = halves(network, half, mine)
    twice = [k for k in range(len(mines)) for _ in range(1 + (k == mine))]
    weather = storms(network, seed, N_STEPS, N)
    same = replace(
        weather,
        mines=weather.mines[:, twice],
        leaving=weather.leaving[:, twice],
        legs=weather.legs[:, legs],
        strands=weather.strands[:, strands],
        assured=weather.assured[:, gates],
        levied=weather.levied[:, gates],
    )
    family = np.array([network.family[gate] for gate in gates])[
        np.flatnonzero(np.diff(half.family, prepend=-1))
    ]
    planned = network.planned_at_families()
    buyers = [
        Buyer(
            0.5 * planned[0] + 0.2,
            inventory_days=20.0,
            needs_assurance=True,
            alternative_limit=0.4,
            qualification_days=60.0,
        ),
        Buyer(0.3 * planned.max() + 0.1, tier=2),
    ]
    contracts = np.zeros((3, len(planned)))
    contracts[0, 0], contracts[1, planned.argmax()] = 0.5 * planned[0], 0.3 * planned.max()
    chain = as_chain(network, buyers, exchange_t=5.0, recycled=1.0)
    parts = half.planned_at_families() / np.maximum(planned[family], 1e-300)
    buyers_of = {
        id(network): contracts,
        id(half): contracts[:, family] * np.where(planned[family] > 0.0, parts, 1.0),
    }
    one, other = (
        run(
            replace(chain, network=net, buyers=replace(chain.buyers, contracts=buyers_of[id(net)])),
            wind,
            **ANSWERING,
        )
        for net, wind in ((network, weather), (half, same))
    )
    scale = scale_t(one)
    assert_alike(one, other, scale=scale)
    np.testing.assert_allclose(by_buyer(other), by_buyer(one), rtol=1e-12, atol=1e-12 * scale)
