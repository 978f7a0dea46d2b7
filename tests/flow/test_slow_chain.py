"""The chain against a slow one in plain Python, and its books against the stocks."""

import runpy
from dataclasses import fields
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__)
CHAINS = runpy.run_path(str(HERE.with_name("chains.py")))
SLOW = runpy.run_path(str(HERE.with_name("slow_chain.py")))
chains, storms, no_answer, calm = (
    CHAINS[name] for name in ("chains", "storms", "no_answer", "calm")
)
run, scale_t = CHAINS["run"], CHAINS["scale_t"]
slow_usual, slow_run = SLOW["slow_usual"], SLOW["slow_run"]

N_STEPS, N = 40, 3
seeds = st.integers(0, 2**32)


def an_answer(seed):
    """Return an answer in which everything moves."""
    rng = np.random.default_rng(seed)
    return no_answer(
        N_STEPS,
        N,
        shortfall=0.05 * rng.standard_normal((N_STEPS, N)),
        elasticity_supply=rng.uniform(0.05, 0.5, N),
        elasticity_demand=-rng.uniform(0.05, 0.5, N),
        supply_lag_days=60.0,
        moves_quantities=True,
    )


@settings(max_examples=100)
@given(chain=chains(), seed=seeds)
def test_the_chain_is_what_the_equations_say(chain, seed):
    weather, answer = storms(chain.network, seed, N_STEPS, N), an_answer(seed)
    expected = calm(chain.network, N_STEPS)
    usual, usual_slowly = chain.usual(expected), slow_usual(chain, expected)
    np.testing.assert_allclose(usual.gates_t, usual_slowly[0], rtol=1e-12)
    np.testing.assert_allclose(usual.stock_t, usual_slowly[1], rtol=1e-12)
    flows = chain.run(weather, usual, answer)
    scale = scale_t(flows)
    for s in range(N):
        slow = slow_run(chain, weather, usual_slowly, answer, s)
        booked = np.sum(slow.pop("booked_t")[chain.n_before :], axis=0)
        np.testing.assert_allclose(flows.booked_t[:, s], booked, rtol=1e-12, atol=1e-12 * scale)
        for name, path in slow.items():
            size = 1.0 if name == "ratio" else scale
            np.testing.assert_allclose(
                getattr(flows, name)[..., s], path, rtol=1e-12, atol=1e-12 * size, err_msg=name
            )


# --- Conservation ---------------------------------------------------------------------------


@settings(max_examples=100)
@given(chain=chains(), seed=seeds)
def test_every_tonne_is_booked_in_every_step(chain, seed):
    weather, answer = storms(chain.network, seed, N_STEPS, N), an_answer(seed)
    flows = chain.run(weather, chain.usual(calm(chain.network, N_STEPS)), answer)
    scale = scale_t(flows)
    assert (flows.residual_t <= 1e-12 * scale).all()
    for field in fields(flows):
        values = getattr(flows, field.name)
        assert np.isfinite(values).all(), field.name
        assert (values >= -1e-12 * scale).all(), field.name
    mined, bought, other, slag, used = flows.booked_t
    closing = flows.upstream_t[-1] + flows.exchange_t[-1] + flows.buyers_t[-1]
    change = mined + bought + other - slag - used
    np.testing.assert_allclose(closing, flows.opening_t + change, rtol=1e-12, atol=1e-12 * scale)


@settings(max_examples=50)
@given(chain=chains(), seed=seeds)
def test_the_books_agree_with_the_series(chain, seed):
    """Upstream and downstream each keep their own balance, and meet at the gates."""
    flows = run(chain, storms(chain.network, seed, N_STEPS, N))
    first, scale = chain.n_before, N_STEPS * scale_t(flows)
    mined, bought, other, slag, used = flows.booked_t
    gates = flows.gates_t[first:].sum(axis=0)
    received = (flows.agreed_t + flows.open_t)[first:].sum(axis=(0, 1))
    if first:
        opening, at_exchange, with_buyers = (
            path[first - 1] for path in (flows.upstream_t, flows.exchange_t, flows.buyers_t)
        )
    else:
        with_buyers = chain.buyers.inventory_days @ chain.buyers.use
        at_exchange = chain.exchange_t
        opening = flows.opening_t - at_exchange - with_buyers
    close = {"rtol": 1e-12, "atol": 1e-13 * scale}
    np.testing.assert_allclose(
        flows.upstream_t[-1], opening + mined + bought - slag - gates, **close
    )
    np.testing.assert_allclose(
        flows.exchange_t[-1], at_exchange + gates + other - received, **close
    )
    np.testing.assert_allclose(flows.buyers_t[-1], with_buyers + received - used, **close)
