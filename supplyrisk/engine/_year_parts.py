"""The events of a block of years, site by site, and what each loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk.engine._drawn import Lengths, Struck
from supplyrisk.engine._years import BLOCK_YEARS, Years
from supplyrisk.engine.tally import raise_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book, Cause

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class Part(NamedTuple):
    """Events of one cause at one site; the last three only where they are asked for."""

    cause: Cause
    scenario: Ints
    alone_t: Floats
    lost_t: Floats
    severity: Floats | float
    lengths: Lengths
    number: Ints | None
    start: Floats | None


@dataclass(slots=True)
class _Wide:
    """Events of a cause that hits several sites, held while the sites of a block pass by."""

    cause: Cause
    events: Struck
    severity: Floats | float
    start: Floats | None
    lengths: Lengths | None
    total_t: Floats


class Block:
    """One block of years: its events site by site, and the largest event of each year."""

    def __init__(
        self, book: Book, block: int, chosen: NDArray[np.bool_] | None, *, detailed: bool
    ) -> None:
        self._book, self._detailed = book, detailed
        self._drawn = Years(book, block, chosen)
        self._capped = np.isfinite(book.cap_t).tolist()
        self._timed = {
            cause.index
            for cause in book.causes
            if detailed or any(self._capped[site] for site in cause.sites.tolist())
        }
        self._wide = {c.index: self._held(c) for c in book.causes if not c.is_local}
        self.largest_t = np.zeros(BLOCK_YEARS)

    def _held(self, cause: Cause) -> _Wide:
        """Draw what the sites of a cause have in common."""
        drawn = self._drawn
        none = Struck(None, 0, 0, np.empty(0, dtype=np.intp))
        events = next(drawn.events(cause, whole=True), none)
        return _Wide(
            cause=cause,
            events=events,
            severity=drawn.severities(cause).of(events),
            start=drawn.starts(cause).of(events) if cause.index in self._timed else None,
            lengths=drawn.lengths(cause).of(events) if cause.shared else None,
            total_t=np.zeros(len(events.scenario)),
        )

    def parts(self, site: int) -> Iterator[Part]:
        """Yield the events at a site; after the last site `finish` is due."""
        every = self._every(site)
        if not self._capped[site]:
            return every
        in_order = sorted(every, key=lambda part: part.cause.index)
        return iter(_first_come(in_order, float(self._book.cap_t[site])))

    def _every(self, site: int) -> Iterator[Part]:
        daily = float(self._book.plan.production_t_per_day[site])
        for cause in self._book.local[site]:
            for part in self._local(cause, daily):
                raise_to(self.largest_t, part.scenario, part.alone_t)
                yield part
        for cause in self._book.wide[site]:
            yield self._at_site(self._wide[cause.index], site, daily)

    def _local(self, cause: Cause, daily: float) -> Iterator[Part]:
        drawn = self._drawn
        starts = drawn.starts(cause) if cause.index in self._timed else None
        severities, lengths = drawn.severities(cause), drawn.lengths(cause)
        for events in drawn.events(cause):
            severity, long = severities.of(events), lengths.of(events)
            tonnes = _tonnes(cause, daily, severity, long)
            number = events.numbers if self._detailed else None
            start = None if starts is None else starts.of(events)
            yield Part(cause, events.scenario, tonnes, tonnes, severity, long, number, start)

    def _at_site(self, held: _Wide, site: int, daily: float) -> Part:
        cause, events = held.cause, held.events
        name = self._book.plan.sites[site].site_id
        long = held.lengths
        if long is None:
            long = self._drawn.lengths(cause, name).of(events)
        tonnes = _tonnes(cause, daily, held.severity, long)
        number = events.numbers if self._detailed else None
        part = Part(cause, events.scenario, tonnes, tonnes, held.severity, long, number, held.start)
        hit = self._drawn.hits(cause, name, events)
        if hit is None:
            held.total_t += tonnes
            return part
        held.total_t[hit] += tonnes[hit]
        return _picked(part, hit)

    def finish(self) -> None:
        """Count the events that hit several sites among the largest."""
        for held in self._wide.values():
            raise_to(self.largest_t, held.events.scenario, held.total_t)


def _tonnes(cause: Cause, daily: float, severity: Floats | float, lengths: Lengths) -> Floats:
    """Return ``production x m (D + rho R)`` [t]."""
    if lengths.ramp is None:
        return lengths.outage * (severity * daily)
    return (lengths.outage + cause.area * lengths.ramp) * (severity * daily)


def _picked(part: Part, chosen: Ints) -> Part:
    """Return some of the events of a part."""
    outage, ramp = part.lengths
    return Part(
        cause=part.cause,
        scenario=part.scenario[chosen],
        alone_t=part.alone_t[chosen],
        lost_t=part.lost_t[chosen],
        severity=part.severity if isinstance(part.severity, float) else part.severity[chosen],
        lengths=Lengths(outage[chosen], None if ramp is None else ramp[chosen]),
        number=None if part.number is None else part.number[chosen],
        start=None if part.start is None else part.start[chosen],
    )


def _first_come(parts: list[Part], cap_t: float) -> list[Part]:
    """Cut the events of a site to its annual cap, those that start first before the others."""
    if not parts:
        return parts
    scenario = np.concatenate([part.scenario for part in parts])
    alone = np.concatenate([part.alone_t for part in parts])
    over = np.bincount(scenario, alone, minlength=BLOCK_YEARS) > cap_t
    rows = np.flatnonzero(over[scenario])
    if len(rows):
        start = np.concatenate([part.start for part in parts if part.start is not None])
        # Ties keep the order of the threats, which is by id.
        rows = rows[np.lexsort((start[rows], scenario[rows]))]
        first = np.flatnonzero(np.diff(scenario[rows], prepend=-1))
        size = np.diff(first, append=len(rows))
        rank = np.arange(len(rows)) - np.repeat(first, size)
        left = np.full(BLOCK_YEARS, cap_t)
        # The first event of every year, then the second, and so on: no sum runs across years.
        by_rank = rows[np.argsort(rank, kind="stable")]
        for turn in np.split(by_rank, np.cumsum(np.bincount(rank))[:-1]):
            alone[turn] = np.minimum(alone[turn], left[scenario[turn]])
            left[scenario[turn]] -= alone[turn]
    cut = np.split(alone, np.cumsum([len(part.scenario) for part in parts])[:-1])
    return [part._replace(lost_t=lost) for part, lost in zip(parts, cut, strict=True)]
