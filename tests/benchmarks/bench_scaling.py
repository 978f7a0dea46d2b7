# ruff: noqa: T201 - a benchmark prints
"""CPU seconds against the number of sites, hazards and futures, and the slope of their logarithms.

Run it by hand: ``python tests/benchmarks/bench_scaling.py [--rounds N]``.  Nothing is asserted.
Each ladder multiplies one size of the benchmark portfolio by two, from a million events upwards,
and keeps the others; a slope of 1 is cost in proportion.  The aim is a slope of at most 1.1.
Hazards are counted twice: rare ones, whose outages seldom meet, and frequent ones, up to three
events a year at a mine.  On the calendar the latter overlap, and each overlap is work of its own,
which grows faster than the number of events.  The exact law of a year has no events: its ladder
counts sites alone, and its slope lies far below 1, as most of its time goes to one grid.
"""

import argparse
import dataclasses
import math
import statistics
import time

from bench_portfolio import futures, hazard, portfolio, with_ramps, years

from supplyrisk.engine.compound import exact_losses
from supplyrisk.engine.plan import make_plan
from supplyrisk.model.hazard import Scope

N_SITES = 100
N_FUTURES = 65_000
"""Of that many sites: a million events, and some more."""
RUNGS = (1, 2, 4, 8, 16)
EXACT_SITES = (100, 200, 400, 800, 1_600, 3_200)
AIM = 1.1


def with_hazards(case, n_hazards, frequency=1.0):
    """Return the case with so many hazards at each site, each so often as frequent as the first."""
    hazards = [
        hazard(f"{one.hazard_id}-{k}", Scope.site(one.scope.name), rate, one.duration)
        for one, rate in ((one, frequency * one.rate_pa) for one in case.hazards)
        for k in range(n_hazards)
    ]
    return dataclasses.replace(case, hazards=tuple(hazards))


def ladders():
    """Yield the name of each ladder, its sizes, and the case and number of futures of each."""
    least = portfolio(N_SITES)
    yield "sites", {n * N_SITES: (portfolio(n * N_SITES), N_FUTURES) for n in RUNGS}
    most = max(RUNGS)
    rare = {n: (with_hazards(least, n, 1.0 / most), most * N_FUTURES) for n in RUNGS}
    yield "rare hazards of a site", rare
    frequent = {n: (with_hazards(least, n), N_FUTURES) for n in RUNGS}
    yield "frequent hazards of a site", frequent
    yield "futures", {n * N_FUTURES: (least, n * N_FUTURES) for n in RUNGS}


def works(basis, rungs):
    """Return what is measured at each size, and its expected number of events."""
    todo, events = {}, {}
    for size, (case, n_futures) in rungs.items():
        events[size] = n_futures * sum(one.rate_pa for one in case.hazards)
        if basis == "occurrence":
            plan = make_plan(case)
            todo[size] = lambda plan=plan, n=n_futures: years(plan, n)
        else:
            ramped = with_ramps(case)
            todo[size] = lambda case=ramped, n=n_futures: futures(case, n)
    return todo, events


def cpu_seconds(todo, rounds):
    """Return medians over rounds in which all sizes take turns, the first size once before."""
    next(iter(todo.values()))()
    taken = {size: [] for size in todo}
    for _ in range(rounds):
        for size, work in todo.items():
            before = time.process_time()
            work()
            taken[size].append(time.process_time() - before)
    return {size: statistics.median(seconds) for size, seconds in taken.items()}


def show(title, seconds, events=None):
    """Print the seconds at each size, the fitted slope and the steepest step."""
    print(f"\n{title}")
    for size, taken in seconds.items():
        print(f"{size:12,d} {taken:9.3f} s CPU", end="")
        if events:
            print(
                f"  {events[size]:12,.0f} events {1e9 * taken / events[size]:7.1f} ns each", end=""
            )
        print()
    places = [math.log(size) for size in seconds]
    logs = [math.log(taken) for taken in seconds.values()]
    slope = statistics.linear_regression(places, logs).slope
    steps = [(logs[k + 1] - logs[k]) / (places[k + 1] - places[k]) for k in range(len(places) - 1)]
    verdict = "within" if slope <= AIM else "ABOVE"
    print(f"slope {slope:.3f}, {verdict} {AIM}; steepest step {max(steps):.3f}")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for basis in ("occurrence", "calendar"):
        for name, rungs in ladders():
            todo, events = works(basis, rungs)
            show(f"{basis}: {name}", cpu_seconds(todo, given.rounds), events)
    cases = {n: portfolio(n) for n in EXACT_SITES}
    laws = {n: lambda case=case: exact_losses(case) for n, case in cases.items()}
    show("exact law: sites", cpu_seconds(laws, given.rounds))


if __name__ == "__main__":
    main()
