# ruff: noqa: T201 - a benchmark prints
"""What importance sampling gains in far tails, a future and a CPU second, against plain futures.

Run it by hand: ``python tests/benchmarks/bench_rare.py [SEEDS] [--futures N]``, 100 seeds of 20,000
futures by default.  Nothing is asserted.  Each line is a case and a level: the relative standard
deviation of the tail mean over the seeds; the gain a future, the variance of as many plain futures
over that of these over the seeds; the median gain that a single result states; the CPU seconds of
both, the pilot simulation included; and the gain a CPU second.  The variance of plain futures comes
from all weighted futures together: at 1 in 10,000 plain ones would be too few to measure it.
"""

import argparse
import dataclasses
import time

import numpy as np
from bench_portfolio import hazard, portfolio, site

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine.blocks import Job, run_block
from supplyrisk.engine.book import open_book
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.rare import rare_losses
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Scope

LEVELS = (0.99, 0.999, 0.9999)


def one_site():
    """Return a case of one site and heavy-tailed lengths."""
    length = Duration.lognormal(median_days=20, sigma=1.5)
    case = portfolio(1)
    return Case(
        name="one-lognormal",
        start=case.start,
        step_days=365,
        sites=(site("a", 10.0),),
        hazards=(hazard("h", Scope.site("a"), 0.3, length),),
    )


def plain_seconds(case, basis, n_futures):
    """CPU seconds of as many plain futures, losses alone: neither paths nor prices."""
    case = dataclasses.replace(case, step_days=case.horizon_days)
    before = time.process_time()
    job = Job(open_book(make_plan(case, basis), 7), basis, {}, with_events=False)
    for number, n in enumerate(job.sizes(n_futures)):
        run_block(job, number, n)
    return time.process_time() - before


def plain_variance(results, level):
    """Variance of the tail mean of plain futures, from the weighted futures of all seeds."""
    outside = 1.0 - level
    first = second = 0.0
    for rare in results:
        excess = np.maximum(rare.lost_t - rare.value_at_risk(), 0.0) / outside
        first += (rare.weight * excess).mean() / len(results)
        second += (rare.weight * excess**2).mean() / len(results)
    return (second - first**2) / results[0].n_scenarios


def measure(case, basis, level, seeds, n):
    """Simulate with all seeds and print a line."""
    before = time.process_time()
    results = [rare_losses(case, n, level=level, rng=seed, basis=basis) for seed in range(seeds)]
    seconds = (time.process_time() - before) / seeds
    plain = min(plain_seconds(case, basis, n) for _ in range(5))
    tails = np.array([rare.tail_value_at_risk() for rare in results])
    gain = plain_variance(results, level) / tails.var(ddof=1)
    stated = np.median([rare.gain() for rare in results])
    effective = np.median([rare.effective_scenarios() for rare in results])
    print(
        f"{case.name:16s} {basis:10s} 1 in {1.0 / (1.0 - level):6,.0f}  "
        f"rel. sd {tails.std(ddof=1) / tails.mean():6.2%}  gain a future {gain:7.1f} "
        f"(stated {stated:7.1f}, effective {effective:6.0f})  CPU {seconds:5.2f} s, "
        f"plain {plain:5.2f} s, gain a second {gain * plain / seconds:7.1f}",
        flush=True,
    )


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seeds", nargs="?", type=int, default=100)
    parser.add_argument("--futures", type=int, default=20_000)
    given = parser.parse_args()
    cases = [
        (one_site(), "occurrence"),
        (portfolio(10), "occurrence"),
        (portfolio(100), "occurrence"),
        (portfolio(1_000), "occurrence"),
        (portfolio(10), "calendar"),
        (portfolio(100), "calendar"),
        (load_case("walikale-2025"), "calendar"),
    ]
    for case, basis in cases:
        for level in LEVELS:
            seeds = min(given.seeds, 20) if len(case.sites) == 1_000 else given.seeds
            measure(case, basis, level, seeds, given.futures)


if __name__ == "__main__":
    main()
