# ruff: noqa: T201 - a benchmark prints
"""Time of the indicators for many groups, on a long table of trade, and of the tables above them.

Run it by hand: ``python tests/benchmarks/bench_indicators.py``.  Nothing is asserted.  Every one of
30 economies imports each of 50 materials from each of 30 partners in 30 years, rows in any order.
"""

import resource
import time

import numpy as np
import pandas as pd

import supplyrisk as sr
from supplyrisk import indicators

MATERIALS, YEARS, ECONOMIES = 50, 30, 30
FIRST_YEAR = 1995
N_GROUPS = MATERIALS * YEARS * ECONOMIES


def fastest(run, times=7):
    """Return the least milliseconds of several runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return 1e3 * min(taken)


def cpu_seconds(run):
    """Return the CPU seconds of one run, the first."""
    start = time.process_time()
    run()
    return time.process_time() - start


def peak_mb():
    """Return the most memory that the process ever held [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def long_tables():
    """Return trade, production and governance by the rule above, with names for codes."""
    rng = np.random.default_rng(7)
    codes = sr.data.countries()["alpha3"].sort_values().tolist()[:ECONOMIES]
    metals = [f"metal_{number}" for number in range(MATERIALS)]
    row = rng.permutation(np.arange(N_GROUPS * ECONOMIES, dtype=np.int32))
    row, exporter = np.divmod(row, np.int32(ECONOMIES))
    row, importer = np.divmod(row, np.int32(ECONOMIES))
    metal, year = np.divmod(row, np.int32(YEARS))
    trade = pd.DataFrame(
        {
            "commodity": pd.Categorical.from_codes(metal, metals),
            "year": (FIRST_YEAR + year).astype(np.int16),
            "importer": pd.Categorical.from_codes(importer, codes),
            "exporter": pd.Categorical.from_codes(exporter, codes),
            "amount_t": rng.lognormal(size=row.size),
        },
        copy=False,
    )
    index = pd.MultiIndex.from_product(
        [metals, range(FIRST_YEAR, FIRST_YEAR + YEARS), codes],
        names=["commodity", "year", "country"],
    )
    made = pd.Series(rng.lognormal(size=len(index)), index, name="production_t").reset_index()
    return trade, made, pd.DataFrame({"country": codes, "instability": rng.random(len(codes))})


def long_path():
    """Time the tables of suppliers, and say what memory the process came to."""
    trade, made, governance = long_tables()
    print(f"{len(trade):,} flows as a table: {peak_mb():.0f} MB before")
    seconds = cpu_seconds(lambda: sr.supplier_contributions(trade, made, governance=governance))
    print(f"supplier_contributions   {seconds:5.2f} CPU s, {peak_mb():.0f} MB at most")


def bundled():
    """Time the table of every indicator of every bundled metal."""
    metals = sr.data.commodities()["commodity"].tolist()
    sr.indicator_table("tin", n_draws=0)  # reads the tables
    for draws in (0, 2_000):
        seconds = cpu_seconds(lambda n=draws: sr.indicator_table(metals, n_draws=n))
        print(f"indicator_table of {len(metals)} metals, {draws:5,} draws {seconds:5.2f} CPU s")


def kernels():
    """Time both kernels."""
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
    long_path()
    bundled()
    kernels()
