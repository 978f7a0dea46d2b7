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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk.engine._causes import Cause, causes_of
from supplyrisk.engine._seeds import SeedTable
from supplyrisk.engine._year_parts import Block, Part, YearBook
from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.results import EventRows
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

__all__ = [
    "BLOCK_YEARS",
    "TailParts",
    "YearBook",
    "YearLosses",
    "event_rows",
    "open_book",
    "tail_parts",
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
    site_t
        Sum over the years of each site's loss, shape (n_sites,). [t]
    site_square_t2
        Sum over the years of the square of each site's loss in the year, shape (n_sites,). [t2]
    threat_t
        Sum over the years of the loss to each threat of the plan, shape (n_threats,). [t]
    """

    lost_t: Floats
    largest_loss_t: Floats
    site_t: Floats
    site_square_t2: Floats
    threat_t: Floats


class TailParts(NamedTuple):
    """Parts of a weighted sum of yearly losses.

    Attributes
    ----------
    site_t
        Part of each site, shape (n_sites,). [t]
    threat_t
        Part of each threat of the plan, shape (n_threats,). [t]
    """

    site_t: Floats
    threat_t: Floats


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


def open_book(plan: Plan, seed: int) -> YearBook:
    """Prepare a plan for the occurrence basis.

    Parameters
    ----------
    plan : Plan
        The case as arrays, over one year.
    seed : int
        Seed of the simulation, at least 0.

    Returns
    -------
    YearBook
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
    causes = causes_of(plan)
    local: list[list[Cause]] = [[] for _ in plan.sites]
    wide: list[list[Cause]] = [[] for _ in plan.sites]
    for cause in causes:
        for site in cause.sites.tolist():
            (local if cause.is_local else wide)[site].append(cause)
    daily = plan.production_t_per_day.tolist()
    caps = [
        np.inf if site.annual_cap_days is None else site.annual_cap_days * production
        for site, production in zip(plan.sites, daily, strict=True)
    ]
    return YearBook(
        plan=plan,
        causes=causes,
        local=tuple(map(tuple, local)),
        wide=tuple(map(tuple, wide)),
        cap_t=np.array(caps),
        seeds=SeedTable(seed, (name for cause in causes for name in cause.names(plan))),
    )


def year_losses(book: YearBook, block: int, n: int = BLOCK_YEARS) -> YearLosses:
    """Simulate a block of years.

    Parameters
    ----------
    book : YearBook
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
    lost = np.zeros(BLOCK_YEARS)
    site_t, square, threat_t = _sums(book), _sums(book), np.zeros(len(book.plan.threats))
    for site in range(len(site_t)):
        years: Floats | None = None
        for part in drawn.parts(site):
            by_year = np.bincount(part.scenario, part.lost_t, minlength=BLOCK_YEARS).astype(
                float, copy=False
            )
            if years is None:
                years = by_year
                # A year's square is the sum of its events, each times the year.
                square[site] = _inner(part.lost_t, years.take(part.scenario, mode="clip"))
            else:
                years += by_year
                square[site] = _inner(years, years)
            tonnes = float(part.lost_t.sum())
            site_t[site] += tonnes
            threat_t[part.cause.index] += tonnes
        if years is not None:
            lost += years
    drawn.finish()
    return YearLosses(lost[:n], drawn.largest_t[:n], site_t, square, threat_t)


def _inner(one: Floats, other: Floats) -> float:
    """Sum of products, not by BLAS: there the order of summation depends on its threads."""
    return float(np.einsum("i,i->", one, other))


def _sums(book: YearBook) -> Floats:
    return np.zeros(len(book.plan.sites))


def tail_parts(book: YearBook, block: int, weights: Floats) -> TailParts:
    """Split a weighted sum of a block's yearly losses, such as a tail mean, in a second pass.

    Parameters
    ----------
    book : YearBook
        Plan and seed.
    block : int
        Number of the block.
    weights : ndarray, shape (n_years,)
        Weight of each year of the block; most are 0 for a tail mean. [1]

    Returns
    -------
    TailParts
        Parts that sum to ``weights @ lost_t`` of the block.
    """
    site_t, threat_t = _sums(book), np.zeros(len(book.plan.threats))
    if not weights.any():
        return TailParts(site_t, threat_t)
    weight = np.zeros(BLOCK_YEARS)
    weight[: len(weights)] = weights
    drawn = Block(book, block, weight != 0.0, detailed=False)
    for site in range(len(site_t)):
        for part in drawn.parts(site):
            tonnes = _inner(weight[part.scenario], part.lost_t)
            site_t[site] += tonnes
            threat_t[part.cause.index] += tonnes
    return TailParts(site_t, threat_t)


def event_rows(book: YearBook, block: int, chosen: NDArray[np.bool_]) -> EventRows:
    """Return the events of some years of a block, drawn again.

    Parameters
    ----------
    book : YearBook
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
    columns: list[list[NDArray[np.generic]]] = [[] for _ in EventRows.__slots__]
    for site in range(len(book.plan.sites)):
        for part in drawn.parts(site):
            for column, values in zip(columns, _row_values(part, site), strict=True):
                column.append(values)
    types = [np.intp] * 4 + [np.float64] * 6
    whole = [np.concatenate([np.empty(0, t), *c]) for t, c in zip(types, columns, strict=True)]
    order = np.lexsort((whole[6], whole[3], whole[0]))
    return EventRows(*(column[order] for column in whole))


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
