"""No shortage below the optimum of the time-expanded network, and that very one where none binds.

The optimum is that of one who knows the future and moves every tonne as he likes within the
capacities of roads and smelters. The chain looks one step ahead at most. It reaches the optimum
where it never pays to hold metal back: smelters melt what they have (psi times the target is a
step's feed, and they work or do not: one that half works melts half of too little feed as well),
each node has one way out, open to the metal of all mines alike, nothing is under contract, and all
buyers keep stock for the same number of days, so that none is short while another has some left.
"""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

CHAINS = runpy.run_path(str(Path(__file__).with_name("chains.py")))
Mine, Smelter, Way, Buyer = (CHAINS[name] for name in ("Mine", "Smelter", "Way", "Buyer"))
as_network, as_chain, calm, run, spells = (
    CHAINS[name] for name in ("as_network", "as_chain", "calm", "run", "spells")
)

N_STEPS, STEP_DAYS = 16, 7.0
WEEKS = st.sampled_from((0, 1, 3))


class Programme:
    """A linear programme, row by row; what is not bounded is not negative."""

    def __init__(self):
        self.cost, self.upper, self.rows, self.right = [], [], [], []

    def unknown(self, most=None, cost=0.0):
        self.cost.append(cost)
        self.upper.append(most)
        return len(self.cost) - 1

    def path(self, most=None, cost=0.0):
        """Return one unknown for each step."""
        most = np.broadcast_to(np.inf if most is None else most, N_STEPS)
        return [self.unknown(None if np.isinf(m) else m, cost) for m in most]

    def equal(self, terms, right):
        self.rows.append(terms)
        self.right.append(right)

    def stock(self, first, ins, outs):
        """Book a stock by step; `ins` may hold numbers, and pairs of factor and unknown."""
        held = self.path()
        for t in range(N_STEPS):
            terms, right = [(1.0, held[t])], first if t == 0 else 0.0
            if t:
                terms.append((-1.0, held[t - 1]))
            for flow in ins:
                if isinstance(flow[t], tuple):
                    terms.append((-flow[t][0], flow[t][1]))
                else:
                    right += flow[t]
            terms += [(1.0, out[t]) for out in outs]
            self.equal(terms, right)
        return held

    def least(self):
        table = np.zeros((len(self.rows), len(self.cost)))
        for row, terms in zip(table, self.rows, strict=True):
            for factor, unknown in terms:
                row[unknown] += factor
        bounds = [(0.0, most) for most in self.upper]
        found = linprog(self.cost, A_eq=table, b_eq=self.right, bounds=bounds, method="highs")
        assert found.success, found.message
        return found.fun


def later(flow, planned_t, days, factor=1.0):
    """Return what arrives of the shipments of a leg; at first what was planned."""
    weeks = round(days / STEP_DAYS)
    return [planned_t] * min(weeks, N_STEPS) + [(factor, x) for x in flow[: N_STEPS - weeks]]


def most_by_step(planned_t, open_share):
    return np.where(open_share < 1.0, open_share * planned_t, np.inf)


def least_shortage(chain, weather):
    """Return the smallest total shortage that the network allows [t]."""
    net, dt, lp = chain.network, chain.step_days, Programme()
    smelters, strands = net.smelters, net.strands
    legs_t, strands_t = net.planned_on_legs() * dt, net.planned_on_strands() * dt
    to_market, to_smelters, eaten = [], [[] for _ in smelters.planned], {}
    for leg, mine in enumerate(net.legs.origin):
        mined = net.mines.planned[mine] * dt * weather.mines[:, mine, 0]
        shipped = lp.path(most_by_step(legs_t[leg], weather.legs[:, leg, 0]))
        lp.stock(0.0, [list(mined)], [shipped])
        arrives = later(shipped, legs_t[leg], net.legs.days[leg])
        smelter = net.line_smelter[leg]
        if smelter < 0:
            to_market.append(arrives)
        else:
            to_smelters[smelter].append((leg, arrives))
    for smelter, feeding in enumerate(to_smelters):
        most = smelters.capacity[smelter] * dt * weather.smelters[:, smelter, 0]
        share = [legs_t[leg] / (smelters.planned[smelter] * dt) for leg, _ in feeding]
        target = smelters.feed_days[smelter] * smelters.planned[smelter]
        paths = []
        for (leg, arrives), part in zip(feeding, share, strict=True):
            eaten[leg] = lp.path()
            held = lp.stock(part * target, [arrives], [eaten[leg]])
            for t in range(N_STEPS):  # what arrives in a step is not yet melted in it
                slack, before = lp.unknown(), [(-1.0, held[t - 1])] if t else []
                lp.equal([(1.0, eaten[leg][t]), (1.0, slack), *before], 0.0 if t else part * target)
            paths.append(eaten[leg])
        for t in range(N_STEPS):
            slack = lp.unknown()
            lp.equal([(1.0, slack), *((1.0, path[t]) for path in paths)], most[t])
    for strand, leg in enumerate(strands.origin):
        metal = smelters.metal_yield[net.line_smelter[leg]]
        shipped = lp.path(most_by_step(strands_t[strand], weather.strands[:, strand, 0]))
        lp.stock(0.0, [[(metal, x) for x in eaten[leg]]], [shipped])
        to_market.append(later(shipped, strands_t[strand], strands.days[strand]))
    bought = [lp.path() for _ in chain.buyers.use]
    other_t = [chain.other_t + chain.recycled_t] * N_STEPS
    lp.stock(chain.exchange_t, [*to_market, other_t], bought)
    for use, days, got in zip(chain.buyers.use, chain.buyers.inventory_days, bought, strict=True):
        short, used = lp.path(most=use * dt, cost=1.0), lp.path(most=use * dt)
        for t in range(N_STEPS):
            lp.equal([(1.0, short[t]), (1.0, used[t])], use * dt)
        lp.stock(days * use, [[(1.0, x) for x in got]], [used])
    return lp.least()


@st.composite
def small_chains(draw, *, greedy):
    """Two or three mines, one smelter, two or three buyers; one way out of each node."""
    n_mines = draw(st.integers(2, 3))
    mines = [
        Mine(draw(st.sampled_from((2.0, 5.0))), (Way(to=to, days=STEP_DAYS * draw(WEEKS)),))
        for to in (0, *(draw(st.sampled_from((0, -1))) for _ in range(n_mines - 1)))
    ]
    psi = 0.8 if greedy else draw(st.sampled_from((0.5, 1.0)))
    smelter = Smelter(
        (Way(days=STEP_DAYS * draw(WEEKS)),),
        feed_days=STEP_DAYS / psi if greedy else 28.0,
        psi=psi,
        metal_yield=0.97,
        spare_share=0.0 if greedy else 0.3,
    )
    network = as_network(mines, [smelter])
    supply = network.planned_at_families().sum()
    days = draw(st.sampled_from((0.0, 14.0, 30.0)))
    buyers = [
        Buyer(
            supply * draw(st.sampled_from((0.1, 0.3))),
            inventory_days=days if greedy else draw(st.sampled_from((0.0, 14.0, 60.0))),
            restocking_days=40.0,
            tier=1 if greedy else draw(st.integers(1, 2)),
            alternative_limit=1.0 if greedy else draw(st.sampled_from((0.0, 0.5, 1.0))),
        )
        for _ in range(draw(st.integers(1, 2)))
    ]
    if not greedy:
        buyers[0] = buyers[0]._replace(contracts=[(0, draw(st.sampled_from((0.0, 0.2))))])
    rest = Buyer(0.0, inventory_days=days, restocking_days=40.0)
    exchange_t = draw(st.sampled_from((0.0, 40.0)))
    return as_chain(network, buyers, step_days=STEP_DAYS, exchange_t=exchange_t, rest=rest)


def rough(network, seed):
    """Return weather that closes mines, roads and smelters."""
    rng = np.random.default_rng(seed)
    sizes = {
        "mines": len(network.mines.planned),
        "legs": len(network.legs.origin),
        "smelters": len(network.smelters.planned),
        "strands": len(network.strands.origin),
    }
    shares = {name: spells(rng, N_STEPS, size, 1) for name, size in sizes.items()}
    return replace(calm(network, N_STEPS), **shares)


@given(chain=small_chains(greedy=False), seed=st.integers(0, 2**32))
def test_shortage_is_never_below_the_optimum(chain, seed):
    weather = rough(chain.network, seed)
    optimum = least_shortage(chain, weather)
    assert run(chain, weather).short_t.sum() >= optimum - 1e-7 * (1.0 + optimum)


@given(chain=small_chains(greedy=True), seed=st.integers(0, 2**32))
def test_shortage_is_the_optimum_where_holding_metal_back_never_pays(chain, seed):
    weather = rough(chain.network, seed)
    weather.smelters[:] = np.round(weather.smelters)
    if len(chain.network.strands.origin) > 1:
        weather.strands[:] = 1.0
    assert run(chain, weather).short_t.sum() == pytest.approx(
        least_shortage(chain, weather), rel=1e-7, abs=1e-6
    )
