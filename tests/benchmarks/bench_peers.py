# ruff: noqa: PLC0415, T201 - a program is imported where it is measured; a benchmark prints
"""CPU seconds and memory of years of a portfolio, beside those of other programs.

Run it by hand: ``python tests/benchmarks/bench_peers.py [YEARS] [--sites N] [--peers NAME ...]``,
100,000 years of 1,000 sites and every peer that is installed by default.  Nothing is asserted.
Each measurement has a process of its own, which imports its program, prepares the portfolio and
simulates a few years before the clock starts; the programs take turns.  All of them return the
loss and the largest event of every year, and the mean loss of every site.

PAL (``pip install -e ".[peers]"``) draws durations as they are.  climada resamples a table of
events; it is not in the extra, as pip has to compile its GDAL: with the headers of the GDAL library
installed, ``pip install "gdal==$(gdal-config --version)" climada`` on a Python below 3.13.
Importing climada makes the folder ``~/climada``.
"""

import argparse
import importlib.metadata
import json
import math
import resource
import runpy
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__)
INSTALL = {
    "PAL": ("proteusllp-actuarial-library", 'pip install -e ".[peers]"'),
    "climada": (
        "climada",
        'GDAL headers, then pip install "gdal==$(gdal-config --version)" climada',
    ),
}
REPEATS = 5
RETURN_YEARS = 100
LEAST_YEARS = 1_000  # PAL refuses a site without events
# Event table: classes of equal chance down to this chance of lasting longer, then equal ratios.
BODY_CLASSES, TAIL_CLASSES = 50, 100
TAIL_FROM, TAIL_TO = 0.01, 1e-8
# climada dates the years it samples, and dates end with the year 9999.
FIRST_DATED_YEAR, DATED_YEARS = 1000, 9000


# --- The portfolio --------------------------------------------------------------------------


def portfolio(n_sites):
    """Rows of rate a year, loss a day, family, and median and sigma or shape and scale."""
    own = runpy.run_path(str(HERE.with_name("bench_portfolio.py")))
    rows = []
    for k in range(1, n_sites + 1):
        rate, daily, days = own["parameters"](k)
        shape = (
            (days.median_days, days.sigma)
            if days.family == "lognormal"
            else (days.shape, days.scale_days)
        )
        rows.append((rate, daily, days.family, *shape))
    return rows


def moments(family, first, second):
    """Mean of a duration and of its square."""
    if family == "lognormal":
        return first * math.exp(second**2 / 2), first**2 * math.exp(2 * second**2)
    return second * math.gamma(1 + 1 / first), second**2 * math.gamma(1 + 2 / first)


def event_table(rows):
    """Rate, loss and site number of events that stand for the continuous durations.

    A class of durations is one event, at the mean of its class, so that means are exact and only
    the spread within a class is lost: a quarter of a per cent of the variance of lognormal losses.
    """
    from scipy import special

    longer = np.concatenate(
        [
            np.linspace(1.0, TAIL_FROM, BODY_CLASSES, endpoint=False),
            np.geomspace(TAIL_FROM, TAIL_TO, TAIL_CLASSES),
            [0.0],
        ]
    )
    chance = -np.diff(longer)
    rates, losses = [], []
    for rate, daily, family, first, second in rows:
        # Share of all lost days that outages longer than the limits of the classes bring.
        if family == "lognormal":
            share = special.ndtr(special.ndtri(longer) + second)
        else:
            with np.errstate(divide="ignore"):
                share = special.gammaincc(1 + 1 / first, -np.log(longer))
        rates.append(rate * chance)
        losses.append(daily * moments(family, first, second)[0] * -np.diff(share) / chance)
    sites = np.repeat(np.arange(len(rows)), len(chance))
    return np.concatenate(rates), np.concatenate(losses), sites


# --- The programs ---------------------------------------------------------------------------


def supplyrisk(rows):
    """Prepare supplyrisk: blocks of years, events of a block at once."""
    own = runpy.run_path(str(HERE.with_name("bench_portfolio.py")))
    plan = own["make_plan"](own["portfolio"](len(rows)))

    def simulate(n_years, _seed):
        lost = own["years"](plan, n_years)[1]
        return lost.lost_t, lost.largest_loss_t, lost.sums["site"].total_t / n_years

    return simulate


def pal(rows):
    """Prepare PAL: a model of frequency and severity for each site.

    The years are added up as arrays: sums of PAL's own variables would keep every site's events.
    """
    from pal import FrequencySeverityModel
    from pal.distributions import LogNormal, Poisson, Weibull

    models = []
    for rate, daily, family, first, second in rows:
        if family == "lognormal":
            loss = LogNormal(mu=math.log(daily * first), sigma=second)
        else:
            loss = Weibull(shape=first, scale=daily * second)
        models.append(FrequencySeverityModel(Poisson(rate), loss))

    def simulate(n_years, seed):
        rng = np.random.default_rng(seed)
        lost, largest, means = np.zeros(n_years), np.zeros(n_years), []
        for model in models:
            events = model.generate(n_years, rng)
            annual = events.aggregate()
            lost += annual.values
            np.maximum(largest, events.occurrence().values, out=largest)
            means.append(annual.mean())
        return lost, largest, np.array(means)

    return simulate


def climada(rows):
    """Prepare climada: its own sampling of a table of events, with replacement.

    Its yearsets hold annual sums only; largest events and means by site come from the events that
    it says it sampled.
    """
    from climada.engine import Impact
    from climada.util import yearsets

    rates, losses, sites = event_table(rows)
    n_events = len(rates)
    impact = Impact(
        event_id=np.arange(n_events),
        event_name=[str(event) for event in range(n_events)],
        date=np.ones(n_events, dtype=int),
        at_event=losses,
        frequency=rates,
        unit="t",
        haz_type="XX",
    )

    def simulate(n_years, seed):
        lost, largest, sampled = np.zeros(n_years), np.zeros(n_years), np.zeros(n_events)
        for first in range(0, n_years, DATED_YEARS):
            some = slice(first, min(first + DATED_YEARS, n_years))
            labels = list(range(FIRST_DATED_YEAR, FIRST_DATED_YEAR + some.stop - first))
            yearset, by_year = yearsets.impact_yearset(
                impact,
                labels,
                correction_fac=False,
                with_replacement=True,
                seed=1000 * seed + first // DATED_YEARS,
            )
            lost[some] = yearset.at_event
            events = np.concatenate(by_year)
            counts = np.array([len(year) for year in by_year])
            starts = np.cumsum(counts) - counts
            some_events = counts > 0
            largest[some][some_events] = np.maximum.reduceat(losses[events], starts[some_events])
            sampled += np.bincount(events, minlength=n_events)
        return lost, largest, np.bincount(sites, weights=sampled * losses) / n_years

    return simulate


PROGRAMS = {"supplyrisk": supplyrisk, "PAL": pal, "climada": climada}


# --- What is measured -----------------------------------------------------------------------


def peak_megabytes():
    """Most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def one_in(values):
    """Value that one year in RETURN_YEARS exceeds, and its standard error from its neighbours."""
    chance = 1 / RETURN_YEARS
    step = math.sqrt(chance * (1 - chance) / len(values))
    low, value, high = np.quantile(values, [1 - chance - step, 1 - chance, 1 - chance + step])
    return float(value), float(high - low) / 2


def measure(program, rows, n_years, seed):
    """Measure one program in this process."""
    simulate = PROGRAMS[program](rows)
    ready = peak_megabytes()
    simulate(LEAST_YEARS, seed)
    before = time.process_time()
    lost, largest, sites = simulate(n_years, seed)
    seconds = time.process_time() - before
    return {
        "seconds": seconds,
        "megabytes": peak_megabytes(),
        "ready": ready,
        "AEP": one_in(lost),
        "OEP": one_in(largest),
        "sites": sites.tolist(),
    }


def site_errors(rows, means, n_years):
    """Root mean square of the errors of all sites' means, in their standard errors."""
    squares = []
    for (rate, daily, *duration), mean in zip(rows, means, strict=True):
        days, square = moments(*duration)
        squares.append((mean - rate * daily * days) ** 2 / (rate * daily**2 * square / n_years))
    return math.sqrt(statistics.fmean(squares))


def elsewhere(*arguments, given=None):
    """Answer of this script in a process of its own.

    This process stays small: on Linux a child's peak memory is never below its parent's.
    """
    command = [sys.executable, str(HERE), *map(str, arguments)]
    answer = subprocess.run(
        command, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(answer.stdout.splitlines()[-1])


def installed(peers):
    """Peers to measure: those asked for, or all that are installed; stops if there are none."""
    found = {name for name, (package, _) in INSTALL.items() if version(package)}
    missing = [name for name in peers or INSTALL if name not in found]
    if missing if peers else not found:
        how = "; ".join(f"{name}: {INSTALL[name][1]}" for name in missing)
        sys.exit(f"nothing to compare with, {' and '.join(missing)} not installed ({how})")
    return [name for name in INSTALL if name in found and name in (peers or found)]


def version(package):
    """Version of a package, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("years", nargs="?", type=int, default=100_000)
    parser.add_argument("--sites", type=int, default=1_000)
    parser.add_argument("--peers", nargs="+", choices=list(INSTALL))
    parser.add_argument("--alone", choices=["portfolio", *PROGRAMS], help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.years < LEAST_YEARS:
        parser.error(f"YEARS must be at least {LEAST_YEARS:,}")
    if given.alone == "portfolio":
        print(json.dumps(portfolio(given.sites)))
    elif given.alone:
        print(json.dumps(measure(given.alone, json.load(sys.stdin), given.years, given.seed)))
    else:
        compare(installed(given.peers), given.years, given.sites)


def compare(peers, n_years, n_sites):
    """Measure supplyrisk and its peers in turn, and print."""
    rows = elsewhere("--alone", "portfolio", "--sites", n_sites)
    runs = {name: [] for name in ("supplyrisk", *peers)}
    for repeat in range(REPEATS):
        for name, measured in runs.items():
            measured.append(elsewhere(n_years, "--alone", name, "--seed", repeat + 1, given=rows))

    def median(name, what):
        return statistics.median(run[what] for run in runs[name])

    print(f"{n_sites:,} sites, {n_years:,} years; medians of {REPEATS}, errors of the first")
    print(
        f"{'':18s} {'s CPU':>7s} {'ratio':>6s} {'peak MB':>8s} {'ratio':>6s} {'before':>7s} "
        f"{f'AEP 1 in {RETURN_YEARS}':>19s} {f'OEP 1 in {RETURN_YEARS}':>19s} {'site means':>11s}"
    )
    for name, measured in runs.items():
        first = measured[0]
        package = INSTALL[name][0] if name in INSTALL else name
        levels = " ".join(
            f"{value:11,.0f} ±{error:6,.0f}" for value, error in (first["AEP"], first["OEP"])
        )
        print(
            f"{f'{name} {version(package)}':18s} {median(name, 'seconds'):7.2f} "
            f"{median(name, 'seconds') / median('supplyrisk', 'seconds'):6.2f} "
            f"{median(name, 'megabytes'):8.0f} "
            f"{median(name, 'megabytes') / median('supplyrisk', 'megabytes'):6.2f} "
            f"{median(name, 'ready'):7.0f} {levels} "
            f"{site_errors(rows, first['sites'], n_years):11.2f}"
        )
    print("before: peak when imports and preparation were done")
    print("±: one standard error; site means: their rms error, in standard errors (1 expected)")


if __name__ == "__main__":
    main()
