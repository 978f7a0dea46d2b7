# ruff: noqa: T201 - a benchmark prints
"""Milliseconds of the indicators for many groups, on a long table of trade.

Run it by hand: ``python tests/benchmarks/bench_indicators.py``.  Nothing is asserted.  Every one of
30 economies imports each of 50 materials from each of 30 partners in 30 years, rows in any order.
"""

import time

import numpy as np

from supplyrisk import indicators

MATERIALS, YEARS, ECONOMIES = 50, 30, 30
N_GROUPS = MATERIALS * YEARS * ECONOMIES


def fastest(run, times=7):
    """Return the least milliseconds of several runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return 1e3 * min(taken)


def main():
    """Time both kernels and print."""
    rng = np.random.default_rng(7)
    rows = rng.permutation(N_GROUPS * ECONOMIES)
    group, partner = np.divmod(rows, ECONOMIES)
    tonnes, instability = rng.lognormal(size=rows.size), rng.random(rows.size)
    own = rng.lognormal(size=N_GROUPS)

    def concentration():
        return indicators.hhi_by_group(tonnes, partner, group, n_groups=N_GROUPS)

    hhi = concentration()

    def scores():
        return indicators.geopolrisk_by_group(
            hhi=hhi,
            imports=tonnes,
            instability=instability,
            group=group,
            domestic_production=own,
        )

    print(f"{rows.size:,} rows, {N_GROUPS:,} groups")
    print(f"hhi_by_group        {fastest(concentration):6.1f} ms")
    print(f"geopolrisk_by_group {fastest(scores):6.1f} ms")


if __name__ == "__main__":
    main()
