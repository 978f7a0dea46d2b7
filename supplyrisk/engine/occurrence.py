"""The occurrence basis: every event's full loss is booked to the year it starts in.

This is the year loss table of catastrophe models: the sum of a year's events for the annual, and
its largest event for the occurrence exceedance curve. Events do not merge where they overlap and
are not cut at the end of the year, so a site may lose more than it makes in a year, unless its
``annual_cap_days`` says otherwise.

Blocks are independent of each other: each may be worked out anywhere, and joined in their order
they give the same bits. No array of years by sites is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from supplyrisk.engine._year_parts import Block, Part
from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.book import Book, open_book
from supplyrisk.engine.draws import SITES_AT_A_TIME
from supplyrisk.engine.results import EventRows
from supplyrisk.engine.tally import YearTally, inner
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.contributions import Sums
    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = [
    "BLOCK_YEARS",
    "YearLosses",
    "event_rows",
    "open_year_book",
    "tail_losses",
    "year_losses",
    "yearly_faults",
]


@dataclass(frozen=True, slots=True)
class YearLosses:
    """Losses of a block of years.

    Attributes
    ----------
    lost_t
        Lost production of each year, all sites, shape (n_years,). [t]
    largest_loss_t
        Loss of the largest event of each year, all sites that it hits, without the annual cap;
        0 in a year without events, shape (n_years,). [t]
    sums
        Sums over the years of the parts' losses and of their squares, by site, country, peril and
        threat.
    """

    lost_t: Floats
    largest_loss_t: Floats
    sums: dict[str, Sums]


def yearly_faults(plan: Plan) -> Iterator[Fault]:
    """Yield what keeps a plan from being simulated on the occurrence basis.

    Parameters
    ----------
    plan : Plan
        The case as arrays.

    Yields
    ------
    Fault
        A horizon other than a year, production that never returns, events of an earlier year.
    """
    if plan.horizon_days != DAYS_PER_YEAR:
        rule = f"must be {DAYS_PER_YEAR} on the occurrence basis, which books losses to years"
        yield Fault("horizon_days", rule, plan.case.horizon_days)
    for threat in plan.threats:
        path = f"{threat.kind}s.{threat.name}"
        if threat.ramp_up.shape == "never":
            rule = "must not be 'never' on the occurrence basis: the full loss would be infinite"
            yield Fault(f"{path}.ramp_up.shape", rule, threat.ramp_up.shape)
        if threat.event is not None and threat.start_days < 0.0:
            rule = (
                f"must not be before the case's start ({plan.case.start}) on the occurrence basis, "
                "which books an event to the year it starts in; leave the event out"
            )
            yield Fault(f"{path}.started", rule, str(threat.event.started))


def open_year_book(plan: Plan, seed: int) -> Book:
    """Prepare a plan for the occurrence basis.

    Parameters
    ----------
    plan : Plan
        The case as arrays, over one year.
    seed : int
        Seed of the simulation, at least 0.

    Returns
    -------
    Book
        What every block is drawn from.

    Raises
    ------
    InvalidInputError
        If the plan has another horizon than a year, production that never returns, or events that
        started before the year.
    """
    faults = tuple(yearly_faults(plan))
    if faults:
        raise InvalidInputError(plan.case.name, faults)
    return open_book(plan, seed)


def year_losses(book: Book, block: int, n: int = BLOCK_YEARS) -> YearLosses:
    """Simulate a block of years.

    Parameters
    ----------
    book : Book
        Plan and seed.
    block : int
        Number of the block.
    n : int, default BLOCK_YEARS
        Years in the block; a block that is cut short holds the first years of the whole block.

    Returns
    -------
    YearLosses
        Losses by year, and sums by site and by threat.

    Notes
    -----
    A year loses ``sum_s min(sum_i production_s m_i (D_i + rho_i R_i), production_s cap_s)`` over
    its sites s and the events i that start in it: D the outage, cut at ``max_days``, R the
    length of the ramp-up, rho the integral of its shape, m the severity. Under a cap the loss goes
    to the events that start first.
    """
    chosen = None if n == BLOCK_YEARS else np.arange(BLOCK_YEARS) < n
    drawn = Block(book, block, chosen, detailed=False)
    tally = YearTally(book, BLOCK_YEARS)
    for site in range(len(book.plan.sites)):
        whole: Floats | None = None
        total, square = 0.0, 0.0
        for cause, parts in groupby(drawn.parts(site), key=attrgetter("cause")):
            years, tonnes, square = _of_cause(parts)
            tally.add(site, cause.index, years, tonnes, square)
            total += tonnes
            if whole is None:
                whole = years
            else:
                whole += years
                square = inner(whole, whole)
        tally.add_site(site, total, square)
    drawn.finish()
    lost, sums = tally.done()
    return YearLosses(lost[:n], drawn.largest_t[:n], sums)


def _of_cause(parts: Iterator[Part]) -> tuple[Floats, float, float]:
    """Return what a cause takes from a site in each year, its sum and that of its square."""
    part = next(parts)
    years = _by_year(part)
    total = float(part.lost_t.sum())
    # A year's square is the sum of its events, each times the year.
    square = inner(part.lost_t, years.take(part.scenario, mode="clip"))
    for more in parts:  # of so many events that they come in pieces
        years += _by_year(more)
        total += float(more.lost_t.sum())
        square = inner(years, years)
    return years, total, square


def _by_year(part: Part) -> Floats:
    years = np.bincount(part.scenario, part.lost_t, minlength=BLOCK_YEARS)
    return years.astype(float, copy=False)


def tail_losses(
    book: Book, block: int, chosen: NDArray[np.bool_]
) -> Iterator[tuple[range, Ints, Ints, Ints, Floats]]:
    """Give the losses of some years of a block, some sites at a time, in a second pass.

    Parameters
    ----------
    book : Book
        Plan and seed.
    block : int
        Number of the block.
    chosen : ndarray of bool, shape (n_years,)
        Years wanted.

    Yields
    ------
    tuple
        Range of sites, and year, threat, site and loss of every event there, as `tally.Tally`
        takes them; years are counted within the block.
    """
    wanted = np.zeros(BLOCK_YEARS, dtype=bool)
    wanted[: len(chosen)] = chosen
    drawn = Block(book, block, wanted, detailed=False)
    n_sites = len(book.plan.sites)
    for first in range(0, n_sites, SITES_AT_A_TIME):
        sites = range(first, min(first + SITES_AT_A_TIME, n_sites))
        parts = [(site, part) for site in sites for part in drawn.parts(site)]
        counts = [len(part.scenario) for _, part in parts]
        year = np.concatenate([np.empty(0, dtype=np.intp), *(p.scenario for _, p in parts)])
        lost_t = np.concatenate([np.empty(0), *(p.lost_t for _, p in parts)])
        causes = np.array([part.cause.index for _, part in parts], dtype=np.intp)
        places = np.array([site for site, _ in parts], dtype=np.intp)
        yield sites, year, np.repeat(causes, counts), np.repeat(places, counts), lost_t


def event_rows(book: Book, block: int, chosen: NDArray[np.bool_]) -> EventRows:
    """Return the events of some years of a block, drawn again.

    Parameters
    ----------
    book : Book
        Plan and seed.
    block : int
        Number of the block.
    chosen : ndarray of bool, shape (n_years,)
        Years wanted.

    Returns
    -------
    EventRows
        A row per event and site, sorted by year, site and start; years are counted within the
        block. ``alone_t`` is without the annual cap, ``lost_t`` what is left under it.
    """
    wanted = np.zeros(BLOCK_YEARS, dtype=bool)
    wanted[: len(chosen)] = chosen
    drawn = Block(book, block, wanted, detailed=True)
    columns: list[list[NDArray[Any]]] = [[] for _ in EventRows.__slots__]
    for site in range(len(book.plan.sites)):
        for part in drawn.parts(site):
            for column, values in zip(columns, _row_values(part, site), strict=True):
                column.append(values)
    whole: list[NDArray[Any]] = []
    types = [np.intp] * 4 + [np.float64] * 6
    for column, dtype in zip(columns, types, strict=True):
        whole.append(np.concatenate([np.empty(0, dtype), *column]))
        column.clear()  # a block may hold millions of rows: not twice
    order = np.lexsort(tuple(whole[n] for n in (6, 3, 0)))  # by year, site and start
    for number in range(len(whole)):
        whole[number] = whole[number][order]
    return EventRows(*whole)


def _row_values(part: Part, site: int) -> Iterator[NDArray[np.generic]]:
    """Yield the columns of `EventRows`."""
    n = len(part.scenario)
    yield part.scenario
    yield np.full(n, part.cause.index, dtype=np.intp)
    yield np.empty(0, dtype=np.intp) if part.number is None else part.number
    yield np.full(n, site, dtype=np.intp)
    yield part.lost_t
    yield part.alone_t
    yield np.empty(0) if part.start is None else part.start
    outage, ramp = part.lengths
    yield outage
    yield np.zeros(n) if ramp is None else ramp
    yield np.full(n, part.severity)
