"""Running the blocks of a simulation: here, in threads, in processes, on other machines.

A block is a pure function of the job and its number, and blocks are joined in the order of their
numbers. So the bits of a result do not depend on who ran which block, nor on who was first.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from supplyrisk.engine import occurrence, prices
from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.contributions import GROUPS, Sums, labels, sums
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.exposures import BuyerLosses, buyer_losses
from supplyrisk.engine.losses import losses
from supplyrisk.engine.results import BlockResult, EventRows, no_rows
from supplyrisk.engine.streams import BLOCK_SIZE, Streams

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from supplyrisk.engine._year_parts import YearBook
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.expectation import Expectations
    from supplyrisk.engine.losses import Losses
    from supplyrisk.engine.plan import Plan

N_KEPT: Final = 20_000
"""Scenarios whose paths are kept for quantiles by step."""
_IN_FLIGHT: Final = 64
"""Blocks handed out at a time: enough for any machine's cores, few enough to hold."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a block needs; it can be sent to another process.

    Attributes
    ----------
    plan
        The case as arrays.
    tables
        Expectations behind the price; none without a market.
    seed
        Seed of the simulation.
    with_events
        Whether to keep the event loss table.
    book
        What years of the occurrence basis are drawn from; none on the calendar.
    """

    plan: Plan
    tables: Expectations | None
    seed: int
    with_events: bool
    book: YearBook | None = None

    def sizes(self, n_scenarios: int) -> list[int]:
        """Return the number of scenarios of each block."""
        whole = BLOCK_SIZE if self.book is None else BLOCK_YEARS
        return [min(whole, n_scenarios - first) for first in range(0, n_scenarios, whole)]


def finished(
    job: Job, blocks: Iterable[tuple[int, int]], executor: Executor | None = None
) -> Generator[tuple[int, BlockResult]]:
    """Run blocks and give each as soon as it is done.

    Parameters
    ----------
    job : Job
        What to simulate.
    blocks : iterable of tuple of int
        Number of each block and its scenarios.
    executor : concurrent.futures.Executor, optional
        Who runs them; this thread by default.

    Yields
    ------
    tuple of int and BlockResult
        Number of a block and its result, in any order.
    """
    if executor is None:
        for block, n in blocks:
            yield block, run_block(job, block, n)
        return
    queue = iter(blocks)
    running: dict[Any, int] = {}
    try:
        while True:
            for block, n in queue:
                running[executor.submit(run_block, job, block, n)] = block
                if len(running) >= _IN_FLIGHT:
                    break
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            # What is whole comes first: it is not lost because another block failed.
            for future in sorted(done, key=lambda one: one.exception() is not None):
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def pool(executor: Executor | None, workers: int | None) -> AbstractContextManager[Executor | None]:
    """Return who runs blocks, as a context that ends what was started for it.

    Parameters
    ----------
    executor : concurrent.futures.Executor, optional
        Who runs them; it stays open.
    workers : int, optional
        Processes to spawn instead, if more than one.

    Returns
    -------
    context manager
        Gives an executor, or None for this thread.
    """
    if executor is not None or workers is None or workers == 1:
        return nullcontext(executor)
    # A forked process may inherit locks that no thread of it will ever open.
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_in_worker
    )


def _in_worker() -> None:
    """Leave Control-C to the process that asked, and go when it is gone, even killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: Any) -> None:  # noqa: ANN401 - a class that multiprocessing keeps to itself
    parent.join()
    os._exit(1)  # there is nobody left to tell


def run_block(job: Job, block: int, n: int) -> BlockResult:
    """Simulate one block.

    Parameters
    ----------
    job : Job
        What to simulate.
    block : int
        Number of the block.
    n : int
        Scenarios in it.

    Returns
    -------
    BlockResult
        Its results; scenarios are counted from the first of the simulation.
    """
    if job.book is not None:
        return _run_years(job.plan, job.book, block, n, with_events=job.with_events)
    plan, tables = job.plan, job.tables
    streams, first = Streams(job.seed, block), block * BLOCK_SIZE
    n_kept = max(N_KEPT - first, 0)
    market = plan.case.market()
    events = draw_events(plan, streams, n)
    lost = losses(plan, events, plan.edges_days)
    daily = plan.production_t_per_day
    supply = daily.sum() * np.diff(plan.edges_days) - lost.cells.series(daily, n, plan.n_steps)
    price, peak = None, None
    buyers: dict[str, BuyerLosses] = {}
    if market is not None and tables is not None:
        paths = prices.price_paths(plan, market, tables, events, streams, n)
        price, peak = _head(paths.path, n_kept), paths.path.max(axis=1)
        for buyer in sorted(plan.case.exposures, key=lambda buyer: buyer.buyer_id):
            buyers[buyer.buyer_id] = buyer_losses(plan, buyer, market, paths, lost.cells)
    rows = _event_rows(plan, events, lost)
    result = BlockResult(
        lost_t=np.bincount(rows.scenario, rows.lost_t, minlength=n).astype(float),
        largest_loss_t=_largest(rows, n),
        rows=rows,
        supply_t=_head(supply, n_kept),
        price_usd_per_t=price,
        peak_price_usd_per_t=peak,
        buyers=buyers,
        sums=sums(plan, rows.scenario, rows.threat, rows.site, rows.lost_t),
    ).shifted(first)
    return result if job.with_events else result.without_events()


def _head(paths: NDArray[np.float64], n_kept: int) -> NDArray[np.float64]:
    """Return the first rows; as a copy where there are more, or a view would hold them all."""
    return paths if n_kept >= len(paths) else paths[:n_kept].copy()


def _run_years(plan: Plan, book: YearBook, block: int, n: int, *, with_events: bool) -> BlockResult:
    """Simulate a block of years on the occurrence basis: losses alone, without steps or prices."""
    lost = occurrence.year_losses(book, block, n)
    known = {"site": lost.site_t, "country": lost.site_t}
    totals = {by: known.get(by, lost.threat_t) for by in GROUPS}
    sums_by = {}
    for by, tonnes in totals.items():
        held = labels(plan, by)
        total = np.bincount(held.part, tonnes, minlength=len(held.names)).astype(float)
        # Squares are kept by site alone: the other parts have no interval of their mean.
        square = lost.site_square_t2 if by == "site" else np.full(total.shape, np.nan)
        sums_by[by] = Sums(total, square)
    result = BlockResult(
        lost_t=lost.lost_t,
        largest_loss_t=lost.largest_loss_t,
        rows=occurrence.event_rows(book, block, np.ones(n, bool)) if with_events else no_rows(),
        supply_t=np.empty((0, plan.n_steps)),
        price_usd_per_t=None,
        peak_price_usd_per_t=None,
        buyers={},
        sums=sums_by,
    )
    return result.shifted(block * BLOCK_YEARS)


def _event_rows(plan: Plan, events: Events, lost: Losses) -> EventRows:
    daily = plan.production_t_per_day[events.site]
    return EventRows(
        scenario=events.scenario,
        threat=events.threat,
        number=events.number,
        site=events.site,
        lost_t=daily * lost.days,
        alone_t=daily * lost.alone_days,
        start_days=events.start,
        outage_days=events.outage,
        ramp_days=events.ramp,
        severity=events.severity,
    )


def _largest(rows: EventRows, n: int) -> NDArray[np.float64]:
    """Largest loss of one event, all the sites it hit together, in each scenario."""
    largest = np.zeros(n)
    if len(rows.scenario):
        key = np.stack([rows.threat, rows.number, rows.scenario])
        order = np.lexsort(key)
        new = (np.diff(key[:, order], prepend=-1) != 0).any(axis=0)
        total = np.add.reduceat(rows.alone_t[order], np.flatnonzero(new))
        np.maximum.at(largest, rows.scenario[order][new], total)
    return largest
