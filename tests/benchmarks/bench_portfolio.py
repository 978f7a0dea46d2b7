# ruff: noqa: T201 - a benchmark prints
"""CPU seconds of years of a portfolio, beside those of its random numbers.

Run it by hand: ``python tests/benchmarks/bench_portfolio.py [YEARS] [--sites N]``, 100,000 years of
1,000 sites by default.  Nothing is asserted.  The baseline, measured in turn with the rest, draws
what no simulation of these events can do without: one exponential and one normal number each.  On
the calendar the sites have ramp-ups, outages are cut at the horizon and overlaps merge; the last
line adds paths of 73 steps, which the first 20,000 futures keep.
"""

import argparse
import dataclasses
import datetime as dt
import math
import resource
import statistics
import time

import numpy as np

from supplyrisk.engine import occurrence, results, tails
from supplyrisk.engine.blocks import Job, run_block
from supplyrisk.engine.book import open_book
from supplyrisk.engine.contributions import Sums
from supplyrisk.engine.plan import make_plan
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

REPEATS = 5
AT_A_TIME = 131_072


# --- The portfolio --------------------------------------------------------------------------


def joined(blocks):
    """Years of several blocks end to end, and the sums of their sums."""
    return occurrence.YearLosses(
        lost_t=np.concatenate([block.lost_t for block in blocks]),
        largest_loss_t=np.concatenate([block.largest_loss_t for block in blocks]),
        sums={
            by: Sums(*np.sum([block.sums[by] for block in blocks], axis=0)) for by in blocks[0].sums
        },
    )


def parameters(k):
    """Return rate a year, loss a day and duration of site number k, counted from 1.

    The rule of ``bench/portfolio.py`` and ``golden/compound_losses.json`` beside the design,
    written anew: with frac(x) the fraction behind the point, u = frac(k (sqrt 5 - 1) / 2),
    v = frac(k sqrt 2) and w = frac(k sqrt 3); illustrative, not data about any mine.
    """
    u, v, w = (k * (math.sqrt(5) - 1) / 2) % 1, (k * math.sqrt(2)) % 1, (k * math.sqrt(3)) % 1
    if k % 2:
        duration = Duration.lognormal(median_days=10 + 20 * w, sigma=1.0)
    else:
        duration = Duration.weibull(shape=0.8, scale_days=10 + 30 * w)
    return 0.05 + 0.25 * u, 10 ** (1 + 1.5 * v), duration


def site(site_id, tonnes_a_day):
    """Return a site that makes so much a day."""
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="ZZZ",
        capacity_tpa=365 * tonnes_a_day,
    )


def hazard(hazard_id, scope, rate_pa, duration, **other):
    """Return a hazard of no particular peril."""
    return Hazard(
        hazard_id=hazard_id,
        peril=Peril.OTHER,
        scope=scope,
        rate_pa=rate_pa,
        duration=duration,
        **other,
    )


def portfolio(n_sites, hazards=()):
    """Return the case of the first sites, with more hazards where they are given."""
    sites, own = [], []
    for k in range(1, n_sites + 1):
        rate, daily, duration = parameters(k)
        sites.append(site(f"s{k:05d}", daily))
        own.append(hazard(f"h{k:05d}", Scope.site(f"s{k:05d}"), rate, duration))
    return Case(
        name=f"portfolio-{n_sites}",
        start=dt.date(2025, 1, 1),
        step_days=365,
        sites=tuple(sites),
        hazards=(*own, *hazards),
    )


# --- What is measured -----------------------------------------------------------------------


def blocks(n_years):
    """Yield the number, the first year and the size of each block."""
    for number, first in enumerate(range(0, n_years, occurrence.BLOCK_YEARS)):
        yield number, first, min(occurrence.BLOCK_YEARS, n_years - first)


def random_numbers(n_events):
    """Draw the random numbers of the simulation and do nothing with them."""
    rng = np.random.Generator(np.random.SFC64(7))
    for first in range(0, n_events, AT_A_TIME):
        n = min(AT_A_TIME, n_events - first)
        rng.standard_exponential(n)
        rng.standard_normal(n)


def years(plan, n_years):
    """Simulate: annual and largest losses of every year, means and spreads of sites."""
    book = occurrence.open_year_book(plan, 7)
    return book, joined(
        [occurrence.year_losses(book, number, n) for number, _, n in blocks(n_years)]
    )


def years_with_tail(plan, n_years):
    """Simulate, and go through the tail years once more for the contributions of sites."""
    book, lost = years(plan, n_years)
    return tails.tail_parts(book, "occurrence", lost.lost_t, occurrence.BLOCK_YEARS)


def futures(case, n_futures):
    """Simulate on the calendar: losses, largest losses, means and spreads of all parts."""
    job = Job(open_book(make_plan(case), 7), "calendar", {}, with_events=False)
    return results.joined([run_block(job, k, n) for k, n in enumerate(job.sizes(n_futures))])


def with_ramps(case):
    """Return the case with a ramp-up after every outage."""
    ramp_up = RampUp(ramp_days=20.0, max_share_of_outage=0.7)
    hazards = tuple(dataclasses.replace(hazard, ramp_up=ramp_up) for hazard in case.hazards)
    return dataclasses.replace(case, hazards=hazards)


def cpu_seconds(works):
    """Medians over some rounds, after one that warms the caches; all kinds of work in turn."""
    taken = {name: [] for name in works}
    for repeat in range(REPEATS + 1):
        for name, work in works.items():
            before = time.process_time()
            work()
            if repeat:
                taken[name].append(time.process_time() - before)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("years", nargs="?", type=int, default=100_000)
    parser.add_argument("--sites", type=int, default=1_000)
    given = parser.parse_args()
    case = portfolio(given.sites)
    plan = make_plan(case)
    n_events = int(given.years * sum(hazard.rate_pa for hazard in case.hazards))
    ramped = with_ramps(case)
    by_step = dataclasses.replace(ramped, step_days=5)
    seconds = cpu_seconds(
        {
            "random numbers alone": lambda: random_numbers(n_events),
            "AEP, OEP, means by site": lambda: years(plan, given.years),
            "  and tail contributions": lambda: years_with_tail(plan, given.years),
            "the same on the calendar": lambda: futures(ramped, given.years),
            "  and paths of 73 steps": lambda: futures(by_step, given.years),
        }
    )
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    baseline = seconds["random numbers alone"]
    print(f"{given.sites:,} sites, {given.years:,} years, {n_events:,} events")
    for name, taken in seconds.items():
        print(
            f"{name:26s} {taken:8.2f} s CPU  ratio {taken / baseline:7.2f}  "
            f"{1e9 * taken / n_events:8.1f} ns an event"
        )
    print(f"peak memory {megabytes:6.0f} MB; medians of {REPEATS}")


if __name__ == "__main__":
    main()
