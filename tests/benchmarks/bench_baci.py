# ruff: noqa: T201 - a benchmark prints
"""CPU seconds and memory of reading a year of BACI, beside those of its records alone.

Run it by hand: ``python tests/benchmarks/bench_baci.py [ROWS] [--all]``, 10 million rows by
default, about as many as a year of BACI has.  Nothing is asserted.  The file, some 30 bytes a row,
is made in a temporary folder.  The baseline is what no reader in Python can do without: the same
bytes through csv.reader.  Each is run in an interpreter of its own, so that memory is its own.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from supplyrisk._countries import all_countries
from supplyrisk.data.formats.baci import read_baci

CODES = ("260900", "800110", "282200", "810520", "261100")
N_PRODUCTS = 5_000
BLOCK = 250_000


def make(path, n_rows):
    """Write a file as CEPII does: every flow once, by exporter, importer and product."""
    rng = np.random.default_rng(7)
    areas = np.array(sorted(int(country.numeric) for country in all_countries()))
    others = rng.choice(np.arange(10_121, 970_600), N_PRODUCTS, replace=False)
    products = np.union1d(others, np.array([int(code) for code in CODES]))
    n_flows = len(areas) ** 2 * len(products)
    with path.open("w", encoding="ascii", newline="") as file:
        file.write("t,i,j,k,v,q\n")
        for start in range(0, n_rows, BLOCK):
            rows = np.arange(start, min(start + BLOCK, n_rows))
            # Evenly spread over all flows, with a jitter that never reaches the next one.
            step = n_flows / n_rows
            flows = (rows * step + rng.random(len(rows)) * (step - 1)).astype(np.int64)
            pair, product = np.divmod(flows, len(products))
            i, j = np.divmod(pair, len(areas))
            value = np.round(rng.lognormal(3.0, 3.0, len(rows)), 3)
            tonnes = np.round(rng.lognormal(1.0, 3.0, len(rows)), 3)
            missing = rng.random(len(rows)) < 0.02
            columns = (areas[i], areas[j], products[product], value, tonnes, missing)
            file.writelines(
                f"2023,{a},{b},{k:06d},{v},{'NA' if gone else q}\n"
                for a, b, k, v, q, gone in zip(*map(np.ndarray.tolist, columns), strict=True)
            )


def records_alone(path):
    """Go through the records and do nothing with them."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


WORK = {
    "csv.reader alone": records_alone,
    f"read_baci, {len(CODES)} codes": lambda path: len(read_baci(path, hs_codes=CODES)),
    "read_baci, every row": lambda path: len(read_baci(path)),
}


def measure(name, path):
    """Do one kind of work once in this process, and print what it took."""
    before = time.process_time()
    n_rows = WORK[name](path)
    seconds = time.process_time() - before
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([n_rows, seconds, kilobytes / 1_024]))


def measured(name, path):
    """Do it in an interpreter of its own."""
    command = [sys.executable, __file__, "--work", name, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--all", action="store_true", help="also read every row; needs memory")
    parser.add_argument("--work", choices=sorted(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        measure(given.work, given.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "BACI_HS22_Y2023_V202501.csv"
        make(path, given.rows)
        print(f"{given.rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
        names = list(WORK) if given.all else list(WORK)[:2]
        baseline = None
        for name in names:
            n_rows, seconds, megabytes = measured(name, path)
            baseline = baseline or seconds
            print(
                f"{name:24s} {seconds:8.2f} s CPU  ratio {seconds / baseline:6.2f}  "
                f"peak {megabytes:7.0f} MB  {n_rows:>12,} rows"
            )


if __name__ == "__main__":
    main()
