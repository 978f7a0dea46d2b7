"""Small chains, put together from rows, and Hypothesis strategies for them; tests load this."""

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from supplyrisk.flow.chain import Answer, Chain
from supplyrisk.flow.downstream import Buyers
from supplyrisk.flow.network import Legs, Mines, Network, Smelters, Weather

NO_LIMIT = np.inf
MARKET = -1


class Way(NamedTuple):
    """A leg: `to` is the number of a smelter, or the market."""

    to: int = MARKET
    share: float = 1.0
    days: float = 0.0
    capacity: float = NO_LIMIT
    standby: bool = False


class Mine(NamedTuple):
    planned: float
    ways: tuple = (Way(),)
    capacity: float | None = None
    stock_days: float = 0.0
    makeup_share: float = 0.0


class Smelter(NamedTuple):
    """A smelter; what it is planned to take is what the legs bring it."""

    ways: tuple = (Way(),)
    feed_days: float = 28.0
    psi: float = 0.8
    metal_yield: float = 1.0
    spare_share: float = 0.0
    alternative_share: float = 0.0
    alternative_lag_days: float = 90.0


class Buyer(NamedTuple):
    """A buyer; `contracts` are shares of use by family of gates."""

    use: float
    inventory_days: float = 0.0
    restocking_days: float = 24.0
    tier: int = 1
    needs_assurance: bool = False
    alternative_limit: float = 1.0
    qualification_days: float = 0.0
    contracts: Any = ()  # pairs of family and share


# --- From rows to arrays --------------------------------------------------------------------


def column(rows, name, dtype=float):
    return np.array([getattr(row, name) for row in rows], dtype=dtype)


def as_legs(origins, ways):
    return Legs(
        origin=np.array(origins, dtype=np.intp),
        share=column(ways, "share"),
        days=column(ways, "days"),
        capacity=column(ways, "capacity"),
        standby=column(ways, "standby", bool),
    )


def as_network(mines, smelters=(), restocking_days=24.0):
    """Return the network; gates of a mine with a standby leg are one family, others their own.

    Families are in the order of the mines, purchases of smelters behind them.
    """
    ways = [(k, way) for k, mine in enumerate(mines) for way in mine.ways]
    buying = [s for s, smelter in enumerate(smelters) if smelter.alternative_share > 0.0]
    line_smelter = [way.to for _, way in ways] + buying
    line_mine = [k for k, _ in ways] + [len(mines)] * len(buying)
    strands = [
        (line, way) for line, s in enumerate(line_smelter) if s >= 0 for way in smelters[s].ways
    ]
    gates = [(line, line, -1) for line, s in enumerate(line_smelter) if s < 0]
    gates += [(line, -1, k) for k, (line, _) in enumerate(strands)]
    standing_by = {k for k, way in ways if way.standby}
    keys = [
        (line_mine[line], -1, -1) if line_mine[line] in standing_by else (line_mine[line], *end)
        for line, *end in gates
    ]
    order = sorted(range(len(gates)), key=lambda g: (keys[g], gates[g]))
    family = {key: number for number, key in enumerate(sorted(set(keys)))}
    fed = [
        sum(mines[k].planned * way.share for k, way in ways if way.to == s)
        for s in range(len(smelters))
    ]
    return Network(
        mines=Mines(
            planned=column(mines, "planned"),
            capacity=np.array([m.planned if m.capacity is None else m.capacity for m in mines]),
            stock_days=column(mines, "stock_days"),
            makeup_share=column(mines, "makeup_share"),
        ),
        legs=as_legs([k for k, _ in ways], [way for _, way in ways]),
        smelters=Smelters(
            planned=np.array(fed, dtype=float),
            capacity=np.array(fed, dtype=float) * (1.0 + column(smelters, "spare_share")),
            feed_days=column(smelters, "feed_days"),
            psi=column(smelters, "psi"),
            metal_yield=column(smelters, "metal_yield"),
            alternative_share=column(smelters, "alternative_share"),
            alternative_lag_days=column(smelters, "alternative_lag_days"),
        ),
        line_smelter=np.array(line_smelter, dtype=np.intp),
        strands=as_legs([line for line, _ in strands], [way for _, way in strands]),
        family=np.array([family[keys[g]] for g in order], dtype=np.intp),
        gate_line=np.array([gates[g][1] for g in order], dtype=np.intp),
        gate_strand=np.array([gates[g][2] for g in order], dtype=np.intp),
        restocking_days=restocking_days,
    )


def as_buyers(rows, n_families):
    contracts = np.zeros((len(rows), n_families))
    for b, row in enumerate(rows):
        for family, share in row.contracts:
            contracts[b, family] += share * row.use
    return Buyers(
        use=column(rows, "use"),
        inventory_days=column(rows, "inventory_days"),
        restocking_days=column(rows, "restocking_days"),
        tier=column(rows, "tier", np.intp),
        needs_assurance=column(rows, "needs_assurance", bool),
        alternative_limit=column(rows, "alternative_limit"),
        qualification_days=column(rows, "qualification_days"),
        contracts=contracts,
    )


def as_chain(
    network, rows, *, step_days=7.0, n_before=0, other=0.0, recycled=0.0, exchange_t=0.0, rest=None
):
    """Return the chain of some buyers and, behind them, a rest that uses what they leave.

    `other` and `recycled` are in tonnes a day; `rest` is a buyer whose `use` is ignored.
    """
    supply = network.planned_at_families().sum() + other + recycled
    left = max(supply - sum(row.use for row in rows), 0.0)
    rows = (*rows, (rest or Buyer(0.0))._replace(use=left))
    return Chain(
        network=network,
        buyers=as_buyers(rows, network.n_families),
        step_days=step_days,
        n_before=n_before,
        other_t=other * step_days,
        recycled_t=recycled * step_days,
        exchange_t=exchange_t,
    )


# --- Weather, answers, runs -----------------------------------------------------------------


def calm(network, n_steps, n=1):
    return Weather(np.ones((n_steps, len(network.mines.planned), n)))


def outage(network, steps, n_steps, mine=0, share=0.0):
    """Return calm weather but for one mine in some steps."""
    weather = calm(network, n_steps)
    weather.mines[steps, mine] = share
    return weather


def no_answer(n_steps, n=1, **changed):
    """Return an answer in which nobody answers the price."""
    given = {
        "shortfall": np.zeros((n_steps, n)),
        "elasticity_supply": np.full(n, 0.2),
        "elasticity_demand": np.full(n, -0.15),
        "lowest_ratio": 0.2,
        "choke_ratio": 4.0,
        "supply_lag_days": 180.0,
        "most_extra_share": 0.1,
        "moves_quantities": False,
    }
    return Answer(**(given | changed))


def run(chain, weather, **changed):
    """Run a chain whose market is used to calm weather; nobody answers the price, unless told."""
    n_steps, _, n = weather.mines.shape
    usual = chain.usual(calm(chain.network, n_steps))
    return chain.run(weather, usual, no_answer(n_steps, n, **changed))


def scale_t(flows):
    """Tonnes that rounding errors are measured against: a step's metal and all stocks."""
    stocks = flows.upstream_t + flows.exchange_t + flows.buyers_t
    received = flows.agreed_t.sum(axis=1) + flows.open_t.sum(axis=1)
    return 1.0 + stocks.max() + flows.gates_t.max() + received.max()


# --- Chains made up by Hypothesis -----------------------------------------------------------

STEP_DAYS = (1.0, 5.0, 7.0, 30.0)
TRANSIT_DAYS = (0.0, 3.0, 7.0, 20.0, 33.5)


@st.composite
def ways(draw, targets, *, many=True, standby=True, limited=True):
    """One main leg, or two; perhaps one on standby."""
    to, days = st.sampled_from(targets), st.sampled_from(TRANSIT_DAYS)
    first = draw(st.sampled_from((1.0, 0.5, 0.25))) if many else 1.0
    made = [Way(draw(to), share, draw(days)) for share in (first, 1.0 - first) if share > 0.0]
    if standby and draw(st.booleans()):
        capacity = draw(st.sampled_from((NO_LIMIT, 2.0))) if limited else NO_LIMIT
        made.append(Way(draw(to), 0.0, draw(days), capacity, standby=True))
    return tuple(made)


@st.composite
def nodes(
    draw, *, makeup=True, alternative=True, many=True, standby=True, limited=True, mixing=True
):
    """Return one to three mines, and none to two smelters, each the first way of a mine.

    Switches leave out metal made up later, feed bought elsewhere, more than one way out of a node,
    standby legs, their limits, and smelters that several mines feed.
    """
    n_smelters = draw(st.integers(0, 2))
    n_mines = draw(st.integers(max(n_smelters, 1), 3))
    targets = tuple(range(MARKET, n_smelters)) if mixing else (MARKET,)
    mines = []
    for k in range(n_mines):
        planned = draw(st.sampled_from((1.0, 4.5, 20.0)))
        out = draw(ways(targets, many=many, standby=standby, limited=limited))
        if k < n_smelters:
            out = (out[0]._replace(to=k), *out[1:])
        room = draw(st.sampled_from((NO_LIMIT, 1.0, 1.2)))
        out = tuple(w if w.standby else w._replace(capacity=room * w.share * planned) for w in out)
        mines.append(
            Mine(
                planned,
                out,
                capacity=planned * draw(st.sampled_from((1.0, 1.1, 1.5))),
                stock_days=draw(st.sampled_from((0.0, 10.0, 40.0))),
                makeup_share=draw(st.sampled_from((0.0, 0.5, 1.0))) if makeup else 0.0,
            )
        )
    smelters = [
        Smelter(
            draw(ways((MARKET,), many=many, standby=standby, limited=limited)),
            feed_days=draw(st.sampled_from((40.0, 60.0))),
            psi=draw(st.sampled_from((0.8, 1.0))),
            metal_yield=draw(st.sampled_from((1.0, 0.97))),
            spare_share=draw(st.sampled_from((0.0, 0.2))),
            alternative_share=draw(st.sampled_from((0.0, 0.3))) if alternative else 0.0,
            alternative_lag_days=draw(st.sampled_from((10.0, 90.0))),
        )
        for _ in range(n_smelters)
    ]
    return mines, smelters


def networks(**left_out):
    return nodes(**left_out).map(lambda rows: as_network(*rows))


@st.composite
def buyer_rows(draw, network, *, needing=True, qualifying=True):
    """Return one to three buyers whose contracts are no more than the families deliver."""
    planned = network.planned_at_families()
    rows = []
    n_buyers = draw(st.integers(1, 3))
    for _ in range(n_buyers):
        family = draw(st.integers(0, network.n_families - 1))
        agreed = draw(st.sampled_from((0.0, 0.3, 0.6, 1.0)))
        most = planned[family] / n_buyers
        use = draw(st.sampled_from((0.2, 0.6, 1.0))) * (
            most if agreed and most else planned.sum() / 4
        )
        rows.append(
            Buyer(
                use=use,
                inventory_days=draw(st.sampled_from((0.0, 14.0, 60.0))),
                restocking_days=draw(st.sampled_from((24.0, 90.0))),
                tier=draw(st.integers(1, 2)),
                needs_assurance=draw(st.booleans()) if needing else False,
                alternative_limit=draw(st.sampled_from((1.0, 0.5, 0.0))),
                qualification_days=draw(st.sampled_from((0.0, 60.0))) if qualifying else 0.0,
                contracts=((family, agreed),) if agreed and most else (),
            )
        )
    return rows


@st.composite
def chains(draw, *, needing=True, qualifying=True, step_days=None, **network):
    """Return a whole chain."""
    made = draw(networks(**network))
    return as_chain(
        made,
        draw(buyer_rows(made, needing=needing, qualifying=qualifying)),
        step_days=step_days or draw(st.sampled_from(STEP_DAYS)),
        n_before=draw(st.integers(0, 3)),
        other=draw(st.sampled_from((0.0, 3.0))),
        recycled=draw(st.sampled_from((0.0, 2.0))),
        exchange_t=draw(st.sampled_from((0.0, 50.0))),
        rest=Buyer(0.0, inventory_days=draw(st.sampled_from((0.0, 28.0)))),
    )


def spells(rng, n_steps, n_nodes, n):
    """Return shares left open: mostly all, at times none or a part, in spells of some steps."""
    share = np.where(
        rng.random((n_steps, n_nodes, n)) < 0.5, 0.0, rng.random((n_steps, n_nodes, n))
    )
    struck = rng.random((n_steps, n_nodes, n)) < 0.15
    for later in range(1, n_steps):
        lasts = struck[later - 1] & (rng.random((n_nodes, n)) < 0.6)
        share[later] = np.where(lasts, share[later - 1], share[later])
        struck[later] |= lasts
    return np.where(struck, share, 1.0)


def storms(network, seed, n_steps=40, n=3, *, but=()):
    """Return weather in which everything is in the way of something, but what is named."""
    rng = np.random.default_rng(seed)
    sizes = {
        "mines": len(network.mines.planned),
        "legs": len(network.legs.origin),
        "smelters": len(network.smelters.planned),
        "strands": len(network.strands.origin),
        "assured": len(network.family),
    }
    made = {name: spells(rng, n_steps, size, n) for name, size in sizes.items()}
    leaving = np.sort(rng.random((n_steps, sizes["mines"])), axis=0)
    leaving[rng.random(n_steps) < 0.5] = 0.0
    made["leaving"] = leaving
    made["levied"] = 1.0 - spells(rng, n_steps, sizes["assured"], n)
    for name in but:
        made[name] = np.ones_like(made["mines"]) if name == "mines" else None
    return Weather(**made)
