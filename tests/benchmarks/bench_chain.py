# ruff: noqa: T201 - a benchmark prints
"""CPU seconds and memory of the chain from mines to buyers: 10,000 futures of 104 weeks.

Run it by hand: ``python tests/benchmarks/bench_chain.py``; nothing is asserted.  Twenty sites, five
smelters and twenty buyers, with contracts, tiers, stocks and answers to the price, in chunks of
1,024 futures.  The bar is 2.5 CPU seconds and 400 MB.  Shares of the parts are measured by a clock
around each call, in runs of their own.

BoARIO, a peer for whole economies, is measured too where it is installed (``pip install boario
pymrio progressbar2``, in an environment of its own): one future of 365 days on the 48-node test
table of pymrio, which its authors say takes 0.8 to 5.7 s. It balances an economy where the chain
follows one metal; the ratio says what a future costs, not who does more.
"""

import resource
import statistics
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from supplyrisk.flow.chain import Answer, Chain
from supplyrisk.flow.downstream import Buyers, Downstream
from supplyrisk.flow.network import Legs, Mines, Network, Smelters, Weather
from supplyrisk.flow.rationing import Rationing
from supplyrisk.flow.upstream import Upstream

N_SCENARIOS, CHUNK = 10_000, 1_024
N_STEPS, STEP_DAYS = 104, 7.0
N_SITES, N_SMELTERS, N_BUYERS = 20, 5, 20
REPEATS = 3
BAR_SECONDS, BAR_MEGABYTES = 2.5, 400
PARTS = ((Upstream, "step"), (Upstream, "stock"), (Downstream, "step"), (Rationing, "share"))


# --- The chain ------------------------------------------------------------------------------


def legs(origin, days):
    """Return one leg from each of some nodes, without limits."""
    n = len(origin)
    return Legs(
        origin=origin,
        share=np.ones(n),
        days=days,
        capacity=np.full(n, np.inf),
        standby=np.zeros(n, dtype=bool),
    )


def make_network(rng):
    """Return sites, of which each smelter has at least one; others deliver to the market."""
    planned = rng.uniform(5.0, 50.0, N_SITES)
    smelter = rng.integers(-1, N_SMELTERS, N_SITES)
    smelter[:N_SMELTERS] = np.arange(N_SMELTERS)
    smelted = np.flatnonzero(smelter >= 0)
    direct = np.flatnonzero(smelter < 0)
    fed = np.bincount(smelter[smelted], planned[smelted], minlength=N_SMELTERS)
    out_days = rng.choice([0.0, 7.0, 20.0], N_SMELTERS)
    return Network(
        mines=Mines(planned, 1.1 * planned, np.full(N_SITES, 14.0), np.zeros(N_SITES)),
        legs=legs(np.arange(N_SITES), rng.choice([0.0, 7.0, 14.0, 33.0], N_SITES)),
        smelters=Smelters(
            planned=fed,
            capacity=1.1 * fed,
            feed_days=np.full(N_SMELTERS, 28.0),
            psi=np.full(N_SMELTERS, 0.8),
            metal_yield=np.full(N_SMELTERS, 0.97),
            alternative_share=np.zeros(N_SMELTERS),
            alternative_lag_days=np.full(N_SMELTERS, 90.0),
        ),
        line_smelter=smelter,
        strands=legs(smelted, out_days[smelter[smelted]]),
        family=np.arange(N_SITES),
        gate_line=np.concatenate([direct, np.full(len(smelted), -1)]),
        gate_strand=np.concatenate([np.full(len(direct), -1), np.arange(len(smelted))]),
        restocking_days=24.0,
    )


def make_chain(rng):
    """Return the network with buyers, of which half need assurance and half come second."""
    network = make_network(rng)
    supply = network.planned_at_families().sum()
    use = rng.uniform(0.005, 0.02, N_BUYERS + 1) * supply
    use[-1] = 1.25 * supply - use[:-1].sum()
    contracts = np.zeros((N_BUYERS + 1, network.n_families))
    for buyer in range(N_BUYERS):
        contracts[buyer, rng.integers(0, network.n_families, 2)] += 0.2 * use[buyer]
    number = np.arange(N_BUYERS + 1)
    buyers = Buyers(
        use=use,
        inventory_days=np.full(N_BUYERS + 1, 28.0),
        restocking_days=np.full(N_BUYERS + 1, 28.0),
        tier=1 + (number % 4 == 1),
        needs_assurance=number % 2 == 0,
        alternative_limit=np.ones(N_BUYERS + 1),
        qualification_days=np.zeros(N_BUYERS + 1),
        contracts=contracts,
    )
    other_t, recycled_t = 0.15 * supply * STEP_DAYS, 0.1 * supply * STEP_DAYS
    return Chain(network, buyers, STEP_DAYS, 0, other_t, recycled_t, 1_000.0)


def availability(rng, n):
    """Return outages of some weeks each, shape (n_steps, n_sites, n)."""
    start = rng.integers(-20, N_STEPS, (N_SITES, n))
    length = rng.exponential(8.0, (N_SITES, n))
    week = np.arange(N_STEPS)[:, np.newaxis, np.newaxis]
    return 1.0 - np.clip(np.minimum(week + 1 - start, start + length - week), 0.0, 1.0)


# --- What is measured -----------------------------------------------------------------------


@dataclass
class Clock:
    """Seconds of the calls of some methods, the time of calls within calls included."""

    seconds: dict = field(default_factory=lambda: defaultdict(float))

    def around(self, owner, name):
        """Put the clock around a method; return what takes it off."""
        plain, key = getattr(owner, name), f"{owner.__name__}.{name}"

        def timed(*args, **kwargs):
            before = time.perf_counter()
            try:
                return plain(*args, **kwargs)
            finally:
                self.seconds[key] += time.perf_counter() - before

        setattr(owner, name, timed)
        return lambda: setattr(owner, name, plain)


def sizes():
    """Yield the size of each chunk."""
    for first in range(0, N_SCENARIOS, CHUNK):
        yield min(CHUNK, N_SCENARIOS - first)


def answer(n):
    """Return an answer of mines, recyclers and the market to the price."""
    return Answer(
        shortfall=np.zeros((N_STEPS, n)),
        elasticity_supply=np.full(n, 0.2),
        elasticity_demand=np.full(n, -0.15),
        lowest_ratio=0.2,
        choke_ratio=4.0,
        supply_lag_days=180.0,
        most_extra_share=0.1,
    )


def futures(chain, usual, shares):
    """Run all chunks through the same weather; keep nothing."""
    return sum(
        float(chain.run(Weather(shares[..., :n]), usual, answer(n)).short_t.sum()) for n in sizes()
    )


def boario_seconds():
    """CPU seconds of one future of 365 days on a table of 48 nodes; None where not installed."""
    try:
        import pymrio  # noqa: PLC0415 - a peer that may be missing
        from boario.event import from_scalar_regions_sectors  # noqa: PLC0415
        from boario.extended_models import ARIOPsiModel  # noqa: PLC0415
        from boario.simulation import Simulation  # noqa: PLC0415
    except ImportError:
        return None
    table = pymrio.load_test()
    table.calc_all()
    event = from_scalar_regions_sectors(
        1e6,
        event_type="recovery",
        affected_regions=["reg1"],
        affected_sectors=["mining"],
        impact_regional_distrib="equal",
        impact_sectoral_distrib="equal",
        occurrence=5,
        duration=20,
        recovery_tau=30,
    )
    before = time.process_time()
    simulation = Simulation(ARIOPsiModel(table), n_temporal_units_to_sim=365)
    simulation.add_event(event)
    simulation.loop()
    return time.process_time() - before


def main():
    """Measure and print."""
    rng = np.random.default_rng(7)
    chain, shares = make_chain(rng), availability(rng, CHUNK)
    usual = chain.usual(Weather(np.ones((N_STEPS, N_SITES, 1))))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    futures(chain, usual, shares)  # warms the caches
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        futures(chain, usual, shares)
        taken.append(time.process_time() - start)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    seconds = statistics.median(taken)
    n_nodes = N_SITES + N_SMELTERS + N_BUYERS
    nanoseconds = 1e9 * seconds / (N_SCENARIOS * N_STEPS * n_nodes)
    print(f"{N_SCENARIOS:,} futures x {N_STEPS} weeks x {N_SITES} sites, {N_SMELTERS} smelters,")
    print(f"{N_BUYERS} buyers, {CHUNK:,} at a time; median of {REPEATS}")
    print(f"chain            {seconds:8.2f} s CPU (bar {BAR_SECONDS} s)")
    print(f"                 {nanoseconds:8.2f} ns per future, step and node")
    print(f"peak memory      {megabytes:8.0f} MB (bar {BAR_MEGABYTES} MB), {before:.0f} MB before")
    clock = Clock()
    taken_off = [clock.around(*part) for part in PARTS]
    start = time.perf_counter()
    futures(chain, usual, shares)
    whole = time.perf_counter() - start
    for off in taken_off:
        off()
    clock.seconds["price and books"] = whole - sum(
        clock.seconds[f"{owner.__name__}.{name}"] for owner, name in PARTS[:3]
    )
    for name, part in clock.seconds.items():
        note = ", within Downstream.step" if name == "Rationing.share" else ""
        print(f"  {name:16s} {part / whole:7.0%}{note}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = boario_seconds()
    if peer is None:
        print("BoARIO           not installed")
    else:
        each = seconds / N_SCENARIOS
        print(f"BoARIO           {peer:8.2f} s CPU for one future; ratio {peer / each:,.0f}")


if __name__ == "__main__":
    main()
