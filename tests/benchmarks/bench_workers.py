# ruff: noqa: T201 - a benchmark prints
"""Wall-clock seconds of a simulation by who runs its blocks, start-up of processes excluded.

Run it by hand: ``python tests/benchmarks/bench_workers.py [--scenarios N] [--workers W]``.  Nothing
is asserted.  Each way is timed in turn, several times over, and the fastest time of each is
compared: what else the machine does can only add.  The load average is printed beside them.
"""

import argparse
import functools
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine.run import simulate

REPEATS = 3


def warmed(case, executor, workers):
    """Start every worker of an executor and warm its caches, and return it."""
    for _ in range(2):
        simulate(case, 2 * workers * 10_000, rng=1, executor=executor)
    return executor


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenarios", type=int, default=120_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    case, w = load_case("walikale-2025"), given.workers
    spawn = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(w) as threads, ProcessPoolExecutor(w, mp_context=spawn) as processes:
        ways = {
            "serial": None,
            f"{w} threads": warmed(case, threads, w),
            f"{w} processes": warmed(case, processes, w),
        }
        warmed(case, None, 1)
        taken = {name: [] for name in ways}
        for _ in range(REPEATS):
            for name, executor in ways.items():
                run = functools.partial(simulate, case, given.scenarios, rng=7, executor=executor)
                before = time.perf_counter()
                run()
                taken[name].append(time.perf_counter() - before)
    print(f"{given.scenarios:,} futures, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, seconds in taken.items():
        ratios = sorted(a / b for a, b in zip(taken["serial"], seconds, strict=True))
        print(
            f"{name:14s} {min(seconds):7.2f} s  speed-up {min(taken['serial']) / min(seconds):5.2f}"
            f"  (by turns {ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
