# ruff: noqa: T201 - a benchmark prints
"""Peak resident memory of simulations by number of futures, each in a process of its own.

Run it by hand: ``python tests/benchmarks/bench_memory.py [FUTURES ...] [--sites N]``, 20,000 to
100,000 years of 1,000 sites on the occurrence basis by default; ``--basis calendar`` is the other.
Nothing is asserted.  Below the peaks stands their slope by least squares from the second number of
futures on: allocators keep what a first block freed, and are full from the second one on.  Beside
it stands what every future keeps whatever becomes of its events: its loss and its largest event.
Tables of events need pyarrow to leave the memory.
"""

import argparse
import multiprocessing
import resource
import runpy
import time
from pathlib import Path

import numpy as np

KEPT_BYTES = 16
MEGABYTE = 2**20


def peak(n_sites, n_futures, basis, keep):
    """Simulate; return seconds, peak resident bytes before and after, and bytes in files."""
    from supplyrisk.engine.run import simulate  # noqa: PLC0415 - the parent stays small

    # An executed program inherits its parent's peak, so the parent must not grow.
    before = 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bench = runpy.run_path(str(Path(__file__).with_name("bench_portfolio.py")))
    case = bench["portfolio"](n_sites)
    start = time.perf_counter()
    outlook = simulate(case, n_futures, rng=7, basis=basis, keep=keep, progress=False)
    seconds = time.perf_counter() - start
    peak_bytes = 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    paths = outlook.event_files() if outlook.has_events else ()
    return seconds, before, peak_bytes, sum(path.stat().st_size for path in paths)


def alone(*given):
    """Measure in a process that is spawned for it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peak, given)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    futures = [20_000, 40_000, 60_000, 80_000, 100_000]
    parser.add_argument("futures", nargs="*", type=int, default=futures)
    parser.add_argument("--sites", type=int, default=1_000)
    parser.add_argument("--basis", choices=["calendar", "occurrence"], default="occurrence")
    parser.add_argument("--keep", nargs="*", default=["summary", "events"])
    given = parser.parse_args()
    print(f"{given.sites:,} sites, {given.basis} basis")
    for keep in given.keep:
        peaks = []
        for n in given.futures:
            seconds, before, after, in_files = alone(given.sites, n, given.basis, keep)
            peaks.append(after)
            print(
                f"{keep:8s} {n:10,} futures  {seconds:7.1f} s  before {before / MEGABYTE:5.0f} MB  "
                f"peak {after / MEGABYTE:6.0f} MB  in files {in_files / MEGABYTE:7.0f} MB"
            )
        if len(peaks) > 2:
            slope = np.polyfit(given.futures[1:], peaks[1:], 1)[0]
            print(f"{keep:8s} slope {slope:6.0f} B a future; it keeps {KEPT_BYTES} B itself")


if __name__ == "__main__":
    main()
