"""The runner: a case and a seed in, an outlook out."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from supplyrisk import _validation as check
from supplyrisk import metrics
from supplyrisk.engine import blocks
from supplyrisk.engine.blocks import Job
from supplyrisk.engine.book import open_book
from supplyrisk.engine.checkpoint import Checkpoint
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.event_store import EventStore
from supplyrisk.engine.occurrence import open_year_book
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.plan import Basis, make_plan
from supplyrisk.engine.results import joined, provenance_of
from supplyrisk.engine.streams import seed_of
from supplyrisk.engine.trade import make_trades
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from supplyrisk.engine.results import BlockResult

Keep = Literal["summary", "events"]

MOST_SCENARIOS: Final = 10_000_000
"""Most scenarios of one simulation: more would fill the memory."""
MOST_WORKERS: Final = 1_024
_QUIET_SECONDS: Final = 2.0
"""A simulation that is over by then shows no progress unless it is asked for. [s]"""


def simulate(  # noqa: PLR0913 - the public contract
    case: Case,
    n_scenarios: int = 10_000,
    *,
    rng: int | np.random.Generator | None = None,
    basis: Basis = "calendar",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool | None = None,
    keep: Keep = "summary",
    checkpoint: str | os.PathLike[str] | None = None,
    until: float | None = None,
) -> Outlook:
    """Simulate the futures of a case.

    Parameters
    ----------
    case : Case
        The situation on its date.
    n_scenarios : int, default 10_000
        Number of futures, from 2 to 10,000,000.
    rng : int, numpy.random.Generator or None
        Seed of the random numbers; the same seed gives the same bits, and its first futures are
        the same however many are asked for. A fresh seed when omitted; the outlook's
        ``provenance.seed`` tells it.
    basis : {"calendar", "occurrence"}
        How losses are counted. On the calendar, outages are cut at the horizon and overlaps merge.
        By occurrence, every event's full loss is booked to the year it starts in and overlaps add:
        the year loss table of catastrophe models, losses alone, for a horizon of 365 days and a
        case without events of an earlier year.
    executor : concurrent.futures.Executor, optional
        Who runs the blocks of some thousand futures: threads, processes, or other machines, such as
        ``Client.get_executor()`` of Dask. It stays open.
    workers : int, optional
        Processes to start for this simulation instead; 1 is none beside this one.
    progress : bool, optional
        Whether to show how far it is and how long it will take; by default only at a terminal or
        in a notebook, and only if it takes longer than two seconds.
    keep : {"summary", "events"}
        Whether to keep the event loss table, for `Outlook.events` and `Outlook.production_t`.
        With pyarrow, a table of more than a million rows goes block by block to Parquet files: in
        the checkpoint, or in a temporary folder that goes with the outlook.
    checkpoint : path-like, optional
        Folder into which finished blocks are written, each whole or not at all. The same call
        after an interruption reads what is there, and ends with the same bits; without `rng` it
        takes the seed of the folder.
    until : float, optional
        Largest half width of the 90 % interval of the tail value at risk at 95 %, over its value:
        the number of futures is doubled until it is reached, or 10,000,000. [1]

    Returns
    -------
    Outlook
        The simulated futures.

    Raises
    ------
    TypeError
        If `case` or `rng` is of a class that does not fit.
    ImportError
        If the checkpoint holds events in Parquet files, and pyarrow is missing.
    ValueError
        If a value breaks a rule, the case has no site, or the checkpoint is that of another case,
        seed, version or block size.

    Warns
    -----
    UserWarning
        If it is interrupted (Control-C) after the first block: the outlook holds the futures that
        were simulated by then, and its ``n_scenarios`` says how many. If a million rows of events
        are exceeded and pyarrow is missing: all of them stay in memory.

    Notes
    -----
    The same seed gives the same bits, whoever runs the blocks and in whatever order.

    Availability of a site is ``a(t) = prod (1 - m phi(t))`` over its events, with m the severity
    and phi 1 during an outage and falling on the ramp-up; lost_t is the sum over sites of
    production times the integral of ``1 - a`` over the horizon.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> outlook = simulate(load_case("walikale-2025"), n_scenarios=1000, rng=7)
    >>> outlook.lost_t.shape
    (1000,)
    """
    if not isinstance(case, Case):
        raise TypeError(f"case must be a Case, got {case!r:.80}")
    faults = (
        *check.whole("n_scenarios", n_scenarios, least=2),
        *check.number("n_scenarios", n_scenarios, most=MOST_SCENARIOS),
        *check.choice("basis", basis, get_args(Basis)),
        *check.choice("keep", keep, get_args(Keep)),
        *runner_faults(executor, workers, progress, checkpoint, until),
    )
    if faults:
        raise InvalidInputError("simulate", faults)
    store = None if checkpoint is None else Checkpoint(checkpoint)
    seed = seed_of(store.seed() if rng is None and store is not None else rng)
    plan = make_plan(case, basis)
    calendar = basis == "calendar"
    trades = make_trades(case, seed, main=plan) if calendar else {}
    book = open_book(plan, seed) if calendar else open_year_book(plan, seed)
    job = Job(book, basis, trades, with_events=keep == "events")
    made = provenance_of(case, seed, n_scenarios, basis)
    about = {
        "case_digest": made.case_digest,
        "seed": seed,
        "block_size": made.block_size,
        "basis": basis,
        "keep": keep,
        "versions": made.versions,
    }
    if store is not None:
        store.open(about)
    folder = None if store is None else store.folder
    events = EventStore(plan, about, folder) if job.with_events else None
    run = _Run(job, (store, events), executor, workers, progress)
    results = run.until(n_scenarios, until)
    sizes = [len(result.lost_t) for result in results]
    simulated = sum(sizes)
    if run.interrupted:
        warnings.warn(f"interrupted after {simulated:,} of {run.wanted:,} futures", stacklevel=2)
    trade = trades.get(str(case.commodity))
    return Outlook(
        case=case,
        provenance=provenance_of(case, seed, simulated, basis),
        event_table=None if events is None else events.table(sizes),
        result=joined(results),
        plan=plan,
        market_view=None if trade is None else trade.market_view(),
    )


def runner_faults(
    executor: Any,  # noqa: ANN401 - whatever a notebook gave
    workers: Any,  # noqa: ANN401
    progress: Any = None,  # noqa: ANN401
    checkpoint: Any = None,  # noqa: ANN401
    until: Any = None,  # noqa: ANN401
) -> Iterator[Fault]:
    """Yield what is wrong with how a simulation is to be run; None is always right.

    Parameters
    ----------
    executor : object
        Who is to run the blocks.
    workers : object
        Processes to start instead.
    progress : object, optional
        Whether to show how far it is.
    checkpoint : object, optional
        Folder of finished blocks.
    until : object, optional
        Largest half width of the tail mean's interval, over its value. [1]

    Yields
    ------
    Fault
        A rule that is broken, under the name of the parameter.
    """
    if workers is not None:
        faults = [
            *check.whole("workers", workers, least=1),
            *check.number("workers", workers, most=MOST_WORKERS),
        ]
        yield from faults
        if executor is not None:
            yield Fault("workers", "must be left out where an executor is given", workers)
    able = callable(getattr(executor, "submit", None)) and not isinstance(executor, type)
    if executor is not None and not able:
        rule = "must be a concurrent.futures.Executor, such as Client.get_executor() of Dask"
        yield Fault("executor", rule, executor)
    if progress is not None:
        yield from check.flag("progress", progress)
    if checkpoint is not None and not isinstance(checkpoint, str | os.PathLike):
        yield Fault("checkpoint", "must be the path of a folder", checkpoint)
    if until is not None:
        yield from check.number("until", until, above=0.0)


class _Run:
    """Blocks of a job, run once each and held.

    Attributes
    ----------
    wanted
        Scenarios asked for so far.
    interrupted
        Whether Control-C came first.
    """

    def __init__(
        self,
        job: Job,
        stores: tuple[Checkpoint | None, EventStore | None],
        executor: Executor | None,
        workers: int | None,
        progress: bool | None,  # noqa: FBT001 - handed on
    ) -> None:
        self._job, (self._store, self._events) = job, stores
        self._executor, self._workers, self._progress = executor, workers, progress
        self._held: dict[int, BlockResult] = {}
        self._stored: dict[int, int] = {}
        self.wanted = 0
        self.interrupted = False

    def until(self, n_scenarios: int, relative_error: float | None) -> list[BlockResult]:
        """Run that many scenarios, and more until the error is small enough.

        Returns the finished blocks in order; those of fewer scenarios if interrupted.
        """
        self.wanted = n_scenarios
        try:
            with blocks.pool(self._executor, self._workers) as pool:
                self._run(pool)
                while relative_error is not None and self.wanted < MOST_SCENARIOS:
                    if _relative_error(self._in_order()) <= relative_error:
                        break
                    self.wanted = min(2 * self.wanted, MOST_SCENARIOS)
                    self._run(pool)
        except KeyboardInterrupt:
            if not self._in_order():
                raise
            self.interrupted = True
        return self._in_order()

    def _run(self, pool: Executor | None) -> None:
        sizes = enumerate(self._job.sizes(self.wanted))
        todo = [(block, n) for block, n in sizes if not self._has(block, n)]
        there = self.wanted - sum(n for _, n in todo)
        # Closed at once if saving fails: what is not running yet never will be.
        with (
            _bar(self.wanted, there, wished=self._progress) as advance,
            closing(blocks.finished(self._job, todo, pool)) as done,
        ):
            for block, result in done:
                advance(self._take(block, result))
                del result  # its events would be in memory beside those of the next

    def _take(self, block: int, result: BlockResult) -> int:
        """Save a finished block where that is wanted, and hold it; return its scenarios."""
        n, file = len(result.lost_t), None
        new = self._store is not None and n > self._stored.get(block, 0)
        if self._events is not None:
            file = self._events.add(block, n, result.rows, lasting=new)
        if self._store is not None and new:
            self._store.save(block, result, file)
            self._stored[block] = n
        shorter = self._held.get(block)
        self._held[block] = result.without_events()
        if shorter is not None and self._events is not None:
            self._events.drop(block, len(shorter.lost_t))
        return n

    def _has(self, block: int, n: int) -> bool:
        """Whether a block of that length is held, or lies in the checkpoint."""
        if block not in self._held and self._store is not None:
            self._look_up(block, n, self._store)
        return block in self._held and len(self._held[block].lost_t) == n

    def _look_up(self, block: int, n: int, store: Checkpoint) -> None:
        """Hold a block of the checkpoint, unless it is longer and stays there for others."""
        found = store.load(block)
        if found is None:
            return
        result, file = found
        self._stored[block] = held = len(result.lost_t)
        if held > n:
            return
        if self._events is not None and file is not None:
            self._events.adopt(block, held, file)
        elif self._events is not None:
            self._events.add(block, held, result.rows, lasting=False)
        self._held[block] = result.without_events()

    def _in_order(self) -> list[BlockResult]:
        """Return the blocks from the first to the last before a scenario that is missing."""
        found: list[BlockResult] = []
        for block, n in enumerate(self._job.sizes(self.wanted)):
            if block in self._held:
                found.append(self._held[block])
            if len(found) <= block or len(found[block].lost_t) < n:
                break
        return found


@contextmanager
def _bar(total: int, initial: int, *, wished: bool | None) -> Iterator[Callable[[int], object]]:
    """Give what tells a progress bar how many futures are done; without a watcher, nothing."""
    if not (_is_watched() if wished is None else wished):
        yield lambda _: None  # tqdm starts a thread even where it shows nothing
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses ipywidgets, and draws with text instead
        from tqdm.auto import tqdm  # noqa: PLC0415 - only a simulation needs it
    with tqdm(
        total=total,
        initial=initial,
        unit=" futures",
        unit_scale=True,
        delay=0.0 if wished else _QUIET_SECONDS,
    ) as bar:
        yield bar.update


def _is_watched() -> bool:
    """Whether somebody looks on: at a terminal, or in a notebook, whose streams are none."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None and "IPKernelApp" in shell.config:
        return True
    return sys.stderr is not None and sys.stderr.isatty()


def _relative_error(results: list[BlockResult]) -> float:
    lost = np.concatenate([result.lost_t for result in results])
    tail = metrics.tail_value_at_risk(lost, level=TAIL_LEVEL)
    ends = metrics.tail_value_at_risk_interval(lost, level=TAIL_LEVEL)
    return 0.5 * (ends.high - ends.low) / tail if tail > 0.0 else 0.0
