"""Blocks of futures of which some hold more large events, and how much likelier that makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.engine._drawn import gamma_factor
from supplyrisk.engine._large import Large, with_twins
from supplyrisk.engine._year_parts import Block as YearBlock
from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.blocks import keep_memory
from supplyrisk.engine.book import open_book
from supplyrisk.engine.draws import Block
from supplyrisk.engine.losses import losses
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.engine.weighted import LARGEST_LOG

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book, Cause
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.plan import Basis, Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

_GOLDEN: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
"""The golden ratio times 2^64: multiples of it fill the circle evenly, however many there are."""


@dataclass(frozen=True, slots=True)
class Boost:
    """How often large events strike in some of the futures.

    Attributes
    ----------
    row
        Which size makes an event large, of those that are counted.
    multiplier
        How much more often large events strike. [1]
    share
        Share of the futures in which they do. [1]
    """

    row: int
    multiplier: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How futures with more large events were drawn; the first four have an entry for each boost.

    Attributes
    ----------
    large_t
        Expected loss above which an event is large. [t]
    expected_large
        Large events a future, without more of them. [1]
    multiplier
        How much more often large events strike. [1]
    share
        Share of the futures in which they do. [1]
    plain_share
        Share of the futures without a boost; no weight is above its inverse. [1]
    mean_weight
        Mean of the weights: 1 but for chance, a check of the sampling. [1]
    n_pilot
        Futures of the pilot simulation by which this was chosen.
    """

    large_t: tuple[float, ...]
    expected_large: tuple[float, ...]
    multiplier: tuple[float, ...]
    share: tuple[float, ...]
    plain_share: float
    mean_weight: float
    n_pilot: int

    def __str__(self) -> str:
        """Say it in a line for each boost."""
        boosts = zip(self.large_t, self.expected_large, self.multiplier, self.share, strict=True)
        return "\n".join(
            [f"{self.plain_share:.0%} of the futures are plain"]
            + [
                f"in {share:.0%} events above {size:,.6g} t, {number:.3g} a future, strike "
                f"{times:,.4g} times as often"
                for size, number, times, share in boosts
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that a block needs; it can be sent to another process. Made by `open_job`.

    Attributes
    ----------
    book
        The case with a twin for each hazard that has large events, and the seed.
    basis
        How losses are counted.
    size
        Futures of a whole block.
    boosts
        How often large events strike, and in how many futures.
    origin
        Threat of the case that each threat stands for, shape (n_threats and twins,).
    kind
        Boost that each threat belongs to, counted from 1; 0 for those of the case, alike.
    beyond_days
        Outages above which events are large, shape (n_sizes, n_threats). [d]
    expected
        For each gamma factor a cause that bears it (none for rates that are certain), and the
        large events a future at a factor of 1, shape (n_sizes,). [1]
    areas
        Integral of each threat's ramp-up, shape (n_threats and twins,). [1]
    """

    book: Book
    basis: Basis
    size: int
    boosts: tuple[Boost, ...]
    origin: Ints
    kind: Ints
    beyond_days: Floats
    expected: tuple[tuple[Cause | None, Floats], ...]
    areas: Floats

    def blocks(self, n: int) -> list[tuple[int, int]]:
        """Return the number of each block of n futures, and how many it holds."""
        firsts = range(0, n, self.size)
        return [(block, min(self.size, n - first)) for block, first in enumerate(firsts)]


class Futures(NamedTuple):
    """Some futures and what their weights depend on.

    Attributes
    ----------
    lost_t
        Lost production, shape (n,). [t]
    kind
        Boost by which a future was drawn, counted from 1; 0 for a plain one, shape (n,).
    n_large
        Large events that hit at least one site, by size, shape (n_sizes, n). [1]
    expected
        Their expected number without more of them, given the gamma factors, alike. [1]
    """

    lost_t: Floats
    kind: Ints
    n_large: Floats
    expected: Floats

    def likelier(self, boost: Boost) -> Floats:
        """How much likelier futures are with a boost than as plain ones, shape (n,) [1]."""
        # Given the gamma factors all events are Poisson: c^B exp(-(c - 1) E B).
        c = boost.multiplier
        log = self.n_large[boost.row] * np.log(c) - (c - 1.0) * self.expected[boost.row]
        return np.asarray(np.exp(np.minimum(log, LARGEST_LOG)))

    def weights(self, boosts: tuple[Boost, ...]) -> Floats:
        """Weights by the balance heuristic.

        Parameters
        ----------
        boosts : tuple of Boost
            Boosts, and the shares of the futures that were drawn by each.

        Returns
        -------
        ndarray, shape (n,)
            Weights, at most 1 over the share of plain futures. [1]
        """
        mixture = np.full(len(self.lost_t), 1.0 - sum(boost.share for boost in boosts))
        for boost in boosts:
            mixture += boost.share * self.likelier(boost)
        return np.asarray(1.0 / mixture)

    def where(self, chosen: NDArray[np.bool_]) -> Futures:
        """Return some of the futures."""
        return Futures(
            lost_t=self.lost_t[chosen],
            kind=self.kind[chosen],
            n_large=self.n_large[:, chosen],
            expected=self.expected[:, chosen],
        )

    @classmethod
    def joined(cls, parts: list[Futures]) -> Futures:
        """Return futures one after the other."""
        return cls(*(np.concatenate(column, axis=-1) for column in zip(*parts, strict=True)))


def open_job(
    plan: Plan,
    basis: Basis,
    seed: int,
    large: Large,
    boosts: tuple[Boost, ...],
    *,
    size: int | None = None,
) -> Job:
    """Prepare the blocks.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    basis : {"calendar", "occurrence"}
        How losses are counted.
    seed : int
        Seed of the simulation.
    large : Large
        What is large, by all sizes that are to be counted.
    boosts : tuple of Boost
        How often large events strike, and in how many futures; the others are plain.
    size : int, optional
        Futures of a whole block; those of a simulation when omitted.

    Returns
    -------
    Job
        What every block is drawn from.
    """
    twins = with_twins(plan, large, [(boost.row, boost.multiplier) for boost in boosts])
    book = open_book(twins.plan, seed)
    areas = np.zeros(len(twins.plan.threats))
    none = np.zeros(len(large.size_t))
    groups: dict[object, tuple[Cause | None, Floats]] = {None: (None, none)}
    for cause in book.causes:
        areas[cause.index] = cause.area
        if cause.index < len(plan.threats) and large.share[:, cause.index].any():
            first, total = groups.get(cause.rate_key, (cause, none))
            groups[cause.rate_key] = first, total + large.expected[:, cause.index]
    return Job(
        book=book,
        basis=basis,
        size=size or (BLOCK_SIZE if basis == "calendar" else BLOCK_YEARS),
        boosts=boosts,
        origin=twins.origin,
        kind=twins.kind,
        beyond_days=large.beyond_days,
        expected=tuple(groups.values()),
        areas=areas,
    )


def kinds(first: int, n: int, boosts: tuple[Boost, ...]) -> Ints:
    """Return the boost of each future: spread evenly, by the number of the future.

    Parameters
    ----------
    first : int
        Number of the first future.
    n : int
        How many there are.
    boosts : tuple of Boost
        Boosts and their shares.

    Returns
    -------
    ndarray of int, shape (n,)
        Boosts counted from 1; 0 for a plain future.
    """
    upto = np.cumsum([0.0, *(boost.share for boost in boosts)])
    # Modulo 2^64, which is exact: the numbers of the pilot's futures are beyond 2^50.
    turns = np.arange(first, first + n, dtype=np.uint64) * _GOLDEN
    place = (turns >> np.uint64(11)) * 2.0**-53
    # Behind the last share all are plain.
    return np.searchsorted(upto, place, side="right") % (len(boosts) + 1)


def run_all(job: Job, blocks: list[tuple[int, int]], pool: Executor | None) -> Futures:
    """Run blocks, each given by its number and its futures, and join them in their order."""
    if pool is None:
        return Futures.joined([run_block(job, *block) for block in blocks])
    running = [pool.submit(run_block, job, *block) for block in blocks]
    try:
        return Futures.joined([future.result() for future in running])
    finally:
        for future in running:
            future.cancel()


def run_block(job: Job, block: int, n: int) -> Futures:
    """Simulate the first n futures of a block."""
    keep_memory()
    kind = kinds(block * job.size, n, job.boosts)
    counter = _Counter(job, n)
    yearly = job.basis == "occurrence" and job.size == BLOCK_YEARS
    lost = (_by_parts if yearly else _by_events)(job, block, kind, counter)
    return Futures(lost, kind, counter.done(), _expected(job, block, n))


def _by_events(job: Job, block: int, kind: Ints, counter: _Counter) -> Floats:
    """Lost production of the futures of a block, from events in the order of time [t]."""
    n, lost = len(kind), np.zeros(len(kind))
    for sites, drawn in Block(job.book, block, job.size).groups(n):
        of_boost = job.kind[drawn.threat]
        left = (of_boost == 0) | (of_boost == kind[drawn.scenario])
        events = drawn if left.all() else drawn.rows(left)
        lost += _lost_t(job, sites, events, n)
        counter.add(events.threat, events.number, events.scenario, events.outage)
    return lost


def _by_parts(job: Job, block: int, kind: Ints, counter: _Counter) -> Floats:
    """Lost production of the years of a block, from events in no order [t]."""
    n, lost = len(kind), np.zeros(len(kind))
    chosen = None if n == BLOCK_YEARS else np.arange(BLOCK_YEARS) < n
    drawn = YearBlock(job.book, block, chosen, detailed=True)
    for site in range(len(job.book.plan.sites)):
        whole = np.zeros(n)
        for part in drawn.parts(site):
            threat, scenario, tonnes = part.cause.index, part.scenario, part.alone_t
            outage, of_boost = part.lengths.outage, job.kind[threat]
            if of_boost:
                left = kind[scenario] == of_boost
                tonnes, outage = np.where(left, tonnes, 0.0), np.where(left, outage, 0.0)
            whole += np.bincount(scenario, tonnes, minlength=n)
            counter.add(threat, part.number, scenario, outage)
        lost += np.minimum(whole, job.book.cap_t[site])
    return lost


def _lost_t(job: Job, sites: range, events: Events, n: int) -> Floats:
    """Lost production of each future at some neighbouring sites [t]."""
    plan = job.book.plan
    if job.basis == "calendar":
        days = losses(plan, events, plan.edges_days[[0, -1]]).days
    else:
        days = events.severity * (events.outage + job.areas[events.threat] * events.ramp)
    lost = plan.production_t_per_day[events.site] * days
    caps = job.book.cap_t[sites.start : sites.stop]
    if not np.isfinite(caps).any():
        return np.bincount(events.scenario, lost, minlength=n).astype(float)
    flat = events.scenario * len(sites) + events.site - sites.start
    by_site = np.bincount(flat, lost, minlength=n * len(sites)).reshape(n, len(sites))
    return np.asarray(np.minimum(by_site, caps).sum(axis=1))


class _Counter:
    """Counts large events, each once however many sites it hits."""

    def __init__(self, job: Job, n: int) -> None:
        self._job, self._n = job, n
        none = np.empty(0, dtype=np.intp)
        self._parts = [(none, none, none, none)]

    def add(self, threat: Ints | int, number: Ints | None, scenario: Ints, outage: Floats) -> None:
        """Look at events of one threat or several; an outage of no length is none."""
        beyond, origin = self._job.beyond_days, self._job.origin
        if not len(beyond):
            return
        (rows,) = np.nonzero(outage > beyond[0, origin[threat]])
        threats = np.broadcast_to(threat, outage.shape)[rows]
        n_sizes = (outage[rows] > beyond[:, origin[threats]]).sum(axis=0)
        numbers = rows if number is None else number[rows]
        self._parts.append((threats, numbers, scenario[rows], n_sizes))

    def done(self) -> Floats:
        """Return their number by size and future, shape (n_sizes, n)."""
        threat, number, scenario, n_sizes = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        # All sites share the length of an event that is large.
        key = threat * (number.max(initial=0) + 1) + number
        _, first = np.unique(key, return_index=True)
        scenario, n_sizes = scenario[first], n_sizes[first]
        counts = [
            np.bincount(scenario[n_sizes > row], minlength=self._n)
            for row in range(len(self._job.beyond_days))
        ]
        return np.array(counts, dtype=float).reshape(len(counts), self._n)


def _expected(job: Job, block: int, n: int) -> Floats:
    """Expected large events given the gamma factors, shape (n_sizes, n)."""
    streams = job.book.streams.block(block)
    total = np.zeros((len(job.beyond_days), n))
    for cause, expected in job.expected:
        factor = None if cause is None else gamma_factor(cause, streams, job.size)
        total += expected[:, np.newaxis] * (1.0 if factor is None else factor[:n])
    return total
