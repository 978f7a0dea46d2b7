# ruff: noqa: T201 - a benchmark prints
"""CPU seconds of 10,000 futures of the Walikale case, beside those of its random numbers alone.

Run it by hand: ``python tests/benchmarks/bench_walikale.py``.  Nothing is asserted.  The baseline,
measured in the same run, draws what no simulation of this case can do without: one exponential and
one normal number for each event, and the Student-t numbers of the price noise.
"""

import statistics
import time

import numpy as np

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine.run import simulate

N_SCENARIOS = 10_000
REPEATS = 5


def cpu_seconds(work):
    """Median over some repeats, after one that warms the caches."""
    work()
    taken = []
    for _ in range(REPEATS):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def random_numbers(n_events, n_steps):
    """Draw the random numbers of the simulation and do nothing with them."""
    rng = np.random.Generator(np.random.SFC64(7))
    rng.standard_exponential(n_events)
    rng.standard_normal(n_events)
    rng.standard_t(4.0, (N_SCENARIOS, n_steps))


def main():
    """Measure and print."""
    case = load_case("walikale-2025")
    outlook = simulate(case, N_SCENARIOS, rng=7, keep="events")
    n_events = len(outlook.events().drop_duplicates(["scenario", "threat", "number"]))
    n_steps = outlook.plan.n_steps
    whole = cpu_seconds(lambda: simulate(case, N_SCENARIOS, rng=7))
    numbers = cpu_seconds(lambda: random_numbers(n_events, n_steps))
    losses_only = cpu_seconds(
        lambda: simulate(
            case.without("markets.tin", *(f"exposures.{b.buyer_id}" for b in case.exposures)),
            N_SCENARIOS,
            rng=7,
        )
    )
    print(f"{case.name}: {N_SCENARIOS:,} futures, {n_events:,} events, {n_steps} steps")
    print(f"simulate                   {whole:8.3f} s CPU, median of {REPEATS}")
    print(f"  losses only, no market   {losses_only:8.3f} s CPU")
    print(f"random numbers alone       {numbers:8.3f} s CPU")
    print(f"ratio                      {whole / numbers:8.1f}")


if __name__ == "__main__":
    main()
