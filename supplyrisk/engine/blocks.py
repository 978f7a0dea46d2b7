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
from supplyrisk.engine.draws import Block, Events, draw_events
from supplyrisk.engine.losses import losses
from supplyrisk.engine.markets import MarketResult, run_market
from supplyrisk.engine.products import coupled
from supplyrisk.engine.results import BlockResult, EventRows, no_rows, sorted_rows
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.engine.tally import Largest, Tally

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.losses import Losses
    from supplyrisk.engine.plan import Basis
    from supplyrisk.engine.trade import Trade

    Floats = NDArray[np.float64]

N_KEPT: Final = 20_000
"""Scenarios whose paths are kept for quantiles by step."""
_PRICED_AT_A_TIME: Final = 1_024
"""Scenarios whose paths are worked on together: few enough to stay near the processor."""
_IN_FLIGHT: Final = 64
"""Blocks handed out at a time: enough for any machine's cores, few enough to hold."""
_TABLES_IN_FLIGHT: Final = 8
"""The same where each comes back with its events, which may be 100 MB."""
_KEPT_BYTES: Final = 31 << 20
"""Just below the largest size, 32 MiB, by which glibc's limit of what it keeps can be raised."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a block needs; it can be sent to another process.

    Attributes
    ----------
    book
        The case and the seed, as futures are drawn from them.
    basis
        How losses are counted.
    trades
        Chain, market and buyers by commodity; none without a market.
    with_events
        Whether to keep the event loss table.
    """

    book: Book
    basis: Basis
    trades: dict[str, Trade]
    with_events: bool

    def sizes(self, n_scenarios: int) -> list[int]:
        """Return the number of scenarios of each block."""
        whole = BLOCK_SIZE if self.basis == "calendar" else BLOCK_YEARS
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
    queue, most = iter(blocks), _TABLES_IN_FLIGHT if job.with_events else _IN_FLIGHT
    running: dict[Any, int] = {}
    try:
        while True:
            for block, n in queue:
                running[executor.submit(run_block, job, block, n)] = block
                if len(running) >= most:
                    break
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            # What is whole comes first: it is not lost because another block failed.
            for future in sorted(done, key=lambda one: (one.exception() is not None, running[one])):
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
    keep_memory()
    run = _run_years if job.basis == "occurrence" else _run_futures
    return run(job, block, n)


def keep_memory() -> None:
    """Teach the C library of Linux to keep memory that is freed: a third less time.

    Blocks free and take the same few megabytes over and over. By default glibc returns them to the
    system, which hands them out again page by page; it stops doing so for sizes up to the largest
    that it has seen freed. Elsewhere this does nothing.
    """
    np.empty(_KEPT_BYTES, dtype=np.uint8)


def _run_futures(job: Job, block: int, n: int) -> BlockResult:
    """Simulate a block on the calendar, some sites at a time."""
    book, plan = job.book, job.book.plan
    first = block * BLOCK_SIZE
    n_kept = min(max(N_KEPT - first, 0), n)
    # Cells by step cost the most: only for paths that are kept, unless a market makes them.
    alone = str(plan.case.commodity) not in job.trades
    edges = plan.edges_days if n_kept and alone else plan.edges_days[[0, -1]]
    drawn = Block(book, block, BLOCK_SIZE)
    tally, largest = Tally(book, n), Largest(book, n, drawn.wide_events())
    daily = plan.production_t_per_day
    lost_by_step = np.zeros((n_kept, plan.n_steps))
    held: list[Events] = []
    rows: list[EventRows] = []
    for sites, events in drawn.groups(n):
        lost = losses(plan, events, edges)
        lost_t, alone_t = _tonnes(daily, events, lost)
        tally.add(sites, events.scenario, events.threat, events.site, lost_t)
        largest.add(events.scenario, events.threat, events.number, alone_t)
        if n_kept and alone:
            lost_by_step += lost.cells.series(daily, n, plan.n_steps)[:n_kept]
        if job.trades:
            held.append(events)
        if job.with_events:
            rows.append(_event_rows(events, lost_t, alone_t))
    own = Events.joined(held) if job.trades else None
    markets: dict[str, MarketResult] = {}
    lacking: dict[str, Floats] = {}
    for name, trade in job.trades.items():
        markets[name], short = _market(job, trade, own, block, n)
        lacking |= short
    markets = coupled(plan.case, markets, lacking, plan.edges_days)
    if alone:
        supply = daily.sum() * np.diff(plan.edges_days) - lost_by_step
    else:
        supply = markets[str(plan.case.commodity)].supply_t
    result = BlockResult(
        lost_t=tally.lost_t,
        largest_loss_t=largest.done(),
        rows=sorted_rows(rows),
        supply_t=supply,
        markets=markets,
        sums=tally.sums(),
    )
    return result.shifted(first)


def _market(
    job: Job, trade: Trade, own: Events | None, block: int, n: int
) -> tuple[MarketResult, dict[str, Floats]]:
    """Run a commodity's market, some futures at a time: their paths are long."""
    events, places = own, None
    if trade.book is not None or events is None:
        events = draw_events(trade.book or job.book, block, n, BLOCK_SIZE)
    if trade.place_book is not None:
        places = draw_events(trade.place_book, block, n, BLOCK_SIZE)
    noise = prices.Noise(job.book.streams.block(block), trade.market.commodity)
    n_kept = min(max(N_KEPT - block * BLOCK_SIZE, 0), n)
    parts = []
    for first in range(0, n, _PRICED_AT_A_TIME):
        last = min(first + _PRICED_AT_A_TIME, n)
        some = events.between(first, last)
        there = None if places is None else places.between(first, last)
        kept = min(max(n_kept - first, 0), last - first)
        parts.append(run_market(trade, some, there, noise, last - first, kept))
    results, lacking = zip(*parts, strict=True)
    together = {name: np.concatenate([one[name] for one in lacking], axis=1) for name in lacking[0]}
    return MarketResult.joined(results), together


def _run_years(job: Job, block: int, n: int) -> BlockResult:
    """Simulate a block of years on the occurrence basis: losses alone, without steps or prices."""
    lost = occurrence.year_losses(job.book, block, n)
    every = np.ones(n, dtype=bool)
    result = BlockResult(
        lost_t=lost.lost_t,
        largest_loss_t=lost.largest_loss_t,
        rows=occurrence.event_rows(job.book, block, every) if job.with_events else no_rows(),
        supply_t=np.empty((0, job.book.plan.n_steps)),
        markets={},
        sums=lost.sums,
    )
    return result.shifted(block * BLOCK_YEARS)


def _tonnes(daily: Floats, events: Events, lost: Losses) -> tuple[Floats, Floats]:
    """Return what each event loses after earlier ones, and if it were the only one [t]."""
    production = daily[events.site]
    alone_t = production * lost.alone_days
    return (alone_t if lost.days is lost.alone_days else production * lost.days), alone_t


def _event_rows(events: Events, lost_t: Floats, alone_t: Floats) -> EventRows:
    return EventRows(
        scenario=events.scenario,
        threat=events.threat,
        number=events.number,
        site=events.site,
        lost_t=lost_t,
        alone_t=alone_t,
        start_days=events.start,
        outage_days=events.outage,
        ramp_days=events.ramp,
        severity=events.severity,
    )
