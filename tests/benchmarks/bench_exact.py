# ruff: noqa: T201 - a benchmark prints
"""CPU milliseconds of the exact law of 100 and 1,000 sites, beside those of bare transforms.

Run it by hand: ``python tests/benchmarks/bench_exact.py``.  Nothing is asserted.  Medians of five,
imports excluded; two kinds of losses, lognormal and Weibull.  The baseline, measured in the same
run, is what no such engine can do without on the same grid: a transform, an exponential and the
transform back, at the step and at twice the step.
"""

import datetime as dt
import statistics
import time

import numpy as np

from supplyrisk.engine.compound import exact_losses
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, Scope
from supplyrisk.model.site import MineSite

ROUNDS = 5


def portfolio(n_sites):
    """Build the benchmark portfolio: a rule without random numbers."""
    k = np.arange(1, n_sites + 1)
    u, v, w = (k * (5**0.5 - 1) / 2) % 1, (k * 2**0.5) % 1, (k * 3**0.5) % 1
    sites, hazards = [], []
    for i in range(n_sites):
        name = f"s{i:04d}"
        daily = 10 ** (1 + 1.5 * v[i])
        sites.append(
            MineSite(
                site_id=name, name=name, commodity="tin", country="COD", capacity_tpa=365 * daily
            )
        )
        lengths = (
            Duration.lognormal(median_days=10 + 20 * w[i], sigma=1.0),
            Duration.weibull(shape=0.8, scale_days=10 + 30 * w[i]),
        )
        hazards.append(
            Hazard(
                hazard_id=name,
                peril=Peril.OTHER,
                scope=Scope.site(name),
                rate_pa=0.05 + 0.25 * u[i],
                duration=lengths[i % 2],
            )
        )
    return Case(name="bench", start=dt.date(2025, 1, 1), sites=tuple(sites), hazards=tuple(hazards))


def milliseconds(work):
    """Return the median CPU time of five rounds, after one to warm up."""
    work()
    spent = []
    for _ in range(ROUNDS):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return 1e3 * statistics.median(spent)


def transforms(n_points):
    """Do the bare transforms of a grid."""
    for n in (n_points, n_points // 2):
        mass = np.exp(-np.arange(n) / n)
        np.fft.irfft(np.exp(np.fft.rfft(mass / mass.sum(), 2 * n) - 1.0), 2 * n)


def main():
    """Measure and print."""
    for n_sites in (100, 1_000):
        case = portfolio(n_sites)
        exact = exact_losses(case)
        n_points = exact.report.n_points - 1
        base = milliseconds(lambda n=n_points: transforms(n))
        whole = milliseconds(lambda case=case: exact_losses(case))
        parts = milliseconds(lambda exact=exact: exact.contributions(0.99))
        print(
            f"{n_sites:5d} sites  {n_points:8,} points  transforms {base:6.1f} ms  "
            f"exact {whole:6.1f} ms (ratio {whole / base:4.1f})  "
            f"parts by site {parts:6.1f} ms  stated error {exact.report.error:.0e}"
        )


if __name__ == "__main__":
    main()
