"""Books of years, and sums over their blocks; the tests of the occurrence basis load them."""

import datetime as dt
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np

from supplyrisk.engine import occurrence
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.tally import Tally

BENCH = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "bench_portfolio.py"))
portfolio, site, hazard = (BENCH[name] for name in ("portfolio", "site", "hazard"))
START = dt.date(2025, 1, 1)


def plan_of(case):
    """A plan with the annual caps that the calendar refuses."""
    bare = replace(case, sites=tuple(replace(s, annual_cap_days=None) for s in case.sites))
    return replace(
        make_plan(bare), case=case, sites=tuple(sorted(case.sites, key=lambda s: s.site_id))
    )


def book_of(case, seed=7):
    return occurrence.open_year_book(plan_of(case), seed)


def years(book, n):
    size = occurrence.BLOCK_YEARS
    sizes = [min(size, n - first) for first in range(0, n, size)]
    return BENCH["joined"]([occurrence.year_losses(book, b, m) for b, m in enumerate(sizes)])


def weighed(book, block, weights):
    """Weighted sums of the parts over some years of a block, in a second pass."""
    chosen = weights != 0.0
    tally, place = Tally(book, chosen.sum(), weights[chosen]), np.cumsum(chosen) - 1
    for sites, year, threat, at, lost_t in occurrence.tail_losses(book, block, chosen):
        tally.add(sites, place[year], threat, at, lost_t)
    return tally.sums()
