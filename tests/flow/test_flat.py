"""Without events nothing moves: every series of ten years stays where it was, to 1e-12."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

CHAINS = runpy.run_path(str(Path(__file__).with_name("chains.py")))
Mine, Smelter, Way, Buyer = (CHAINS[name] for name in ("Mine", "Smelter", "Way", "Buyer"))
as_network, as_chain, calm, run = (
    CHAINS[name] for name in ("as_network", "as_chain", "calm", "run")
)
chains = CHAINS["chains"]

TEN_YEARS_DAYS = 3650
DIRECT = (Mine(13.7), Mine(4.1, (Way(days=33.0),)))
SMELTED = (
    Mine(13.7, (Way(to=0, days=10.0),)),
    Mine(4.1, (Way(to=0, share=0.3, days=33.5), Way(share=0.7, days=1.9))),
    Mine(0.77, (Way(to=1),)),
)
SMELTERS = (
    Smelter((Way(days=12.3),), feed_days=60.0, metal_yield=0.97, spare_share=0.1),
    Smelter((Way(share=0.6), Way(share=0.4, days=45.0)), feed_days=40.0, psi=0.9),
)
NETWORKS = {
    "direct": as_network(DIRECT),
    "smelters": as_network(SMELTED, SMELTERS),
    "mine stocks": as_network([mine._replace(stock_days=37.0) for mine in SMELTED], SMELTERS),
    "made up later": as_network(
        [mine._replace(makeup_share=1.0, capacity=1.3 * mine.planned) for mine in SMELTED], SMELTERS
    ),
    "standby": as_network(
        [
            mine._replace(ways=(*mine.ways, Way(days=60.0, share=0.0, standby=True)))
            for mine in SMELTED
        ],
        SMELTERS,
    ),
    "limits": as_network(
        [
            mine._replace(
                ways=tuple(w._replace(capacity=mine.planned * w.share) for w in mine.ways)
            )
            for mine in SMELTED
        ],
        SMELTERS,
    ),
    "alternative feed": as_network(
        SMELTED, [smelter._replace(alternative_share=0.4) for smelter in SMELTERS]
    ),
}
NO_STOCKS = [Buyer(2.3, contracts=[(0, 1.0)]), Buyer(1.1)]
BUYERS = [
    Buyer(2.3, inventory_days=28.0, contracts=[(0, 0.6), (1, 0.4)]),
    Buyer(0.9, inventory_days=10.0, tier=2, needs_assurance=True, contracts=[(0, 1.0)]),
    Buyer(
        0.5,
        tier=3,
        needs_assurance=True,
        alternative_limit=0.5,
        qualification_days=90.0,
        contracts=[(0, 0.8)],
    ),
    Buyer(0.3, inventory_days=61.0, alternative_limit=0.0, contracts=[(0, 0.9)]),
]


def wandering(flows):
    """Return how far each series leaves its first value, against that value; 0 stays 0."""
    series = {
        "agreed": flows.agreed_t,
        "open": flows.open_t,
        "received": flows.agreed_t + flows.open_t,
        "gates": flows.gates_t,
        "ratio": flows.ratio,
        "upstream": flows.upstream_t,
        "exchange": flows.exchange_t,
        "buyers": flows.buyers_t,
    }
    metal = flows.agreed_t[0].sum() + flows.open_t[0].sum()
    size = {
        name: np.where(np.abs(x[:1]) > 1e-9 * metal, np.abs(x[:1]), metal)
        for name, x in series.items()
    }
    gaps = {name: float((np.abs(x - x[:1]) / size[name]).max()) for name, x in series.items()}
    return gaps | {"short": float(flows.short_t.max() / metal), "price": abs(flows.ratio - 1).max()}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("step_days", "buyers", "in_numbers"),
    [
        pytest.param(1.0, BUYERS, True, id="daily"),
        pytest.param(7.0, NO_STOCKS, False, id="weekly, nobody keeps stocks"),
        pytest.param(7.0, BUYERS, False, id="weekly"),
        pytest.param(30.0, BUYERS, True, id="monthly"),
    ],
)
def test_ten_years_without_events_are_flat(step_days, name, buyers, in_numbers):
    network = NETWORKS[name]
    n_steps = int(TEN_YEARS_DAYS / step_days)
    chain = as_chain(
        network,
        buyers,
        step_days=step_days,
        other=5.0,
        recycled=2.2,
        exchange_t=321.0,
        rest=Buyer(0.0, inventory_days=28.0),
    )
    weather = calm(network, n_steps)
    if in_numbers:  # all is open, but not by None
        weather = replace(
            weather,
            legs=np.ones((n_steps, len(network.legs.origin), 1)),
            smelters=np.ones((n_steps, len(network.smelters.planned), 1)),
            strands=np.ones((n_steps, len(network.strands.origin), 1)),
            assured=np.ones((n_steps, len(network.family), 1)),
            leaving=np.zeros((n_steps, len(network.mines.planned))),
        )
    flows = run(chain, weather, moves_quantities=True)
    assert {k: gap for k, gap in wandering(flows).items() if gap > 1e-12} == {}


@given(chain=chains())
def test_made_up_chains_are_flat_too(chain):
    flows = run(chain, calm(chain.network, 120), moves_quantities=True)
    assert {k: gap for k, gap in wandering(flows).items() if gap > 1e-12} == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_quiet_years_leave_nothing_behind_but_time(name):
    """The same outage after four quiet years is the same outage: nothing hidden has moved."""
    network, early, late, after = NETWORKS[name], 3, 211, 150
    chain = as_chain(network, BUYERS, other=5.0, exchange_t=10.0)
    paths = []
    for start in (early, late):
        weather = calm(network, late + after)
        weather.mines[start : start + 20] = 0.3
        flows = run(chain, weather)
        paths.append(
            np.concatenate(
                [
                    *(np.moveaxis(flows.agreed_t + flows.open_t, 1, 0)[:, start : start + after]),
                    *(np.moveaxis(flows.short_t, 1, 0)[:, start : start + after]),
                    flows.gates_t[start : start + after],
                    flows.upstream_t[start : start + after],
                ]
            )
        )
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-11, atol=1e-9)


def test_nobody_qualifies_other_sources_for_a_rounding_error():
    """A delivery that is rounded down is no shortage: thirty mines of odd sizes, with stocks."""
    rng = np.random.default_rng(3)
    mines = [
        Mine(p, (Way(to=k % 2, days=d),), stock_days=s)
        for k, (p, d, s) in enumerate(rng.uniform((1, 0, 0), (20, 30, 60), (30, 3)))
    ]
    network = as_network(mines, SMELTERS)
    planned = network.planned_at_families()
    buyers = [
        Buyer(
            0.5 * planned[k], alternative_limit=0.5, qualification_days=90.0, contracts=[(k, 0.9)]
        )
        for k in range(len(planned))
    ]
    chain = as_chain(network, buyers, exchange_t=1e4)
    bought = []
    for start in (3, 103):
        weather = calm(network, 150)
        weather.mines[start:] = 0.0
        bought.append(run(chain, weather).open_t[start : start + 40, :-1])
    np.testing.assert_allclose(*bought, rtol=1e-9)
