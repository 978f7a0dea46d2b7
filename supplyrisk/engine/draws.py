"""Drawing the events of a block of futures: sparse, a row per event and site hit."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from supplyrisk.engine._drawn import BELOW_ONE, Drawn, Lengths, Struck
from supplyrisk.hazard import ramps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine._drawn import LengthsOf
    from supplyrisk.engine.book import Book, Cause

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

SITES_AT_A_TIME: Final = 48
"""Sites whose events are held together: enough for long arrays, few enough for short memory."""


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a block of scenarios, a row per event and site; every field of shape (n_rows,).

    Attributes
    ----------
    scenario
        Scenario within the block.
    threat
        Index of the threat in the plan.
    number
        Number of the event among those of its threat in this block; rows that share it are one
        event at several sites.
    site
        Index of the site in the plan.
    start
        Start of the outage against the start of the case. [d]
    outage
        Whole length of the outage; infinite if production never returns. [d]
    ramp
        Length of the ramp-up. [d]
    severity
        Share of planned production lost while the outage lasts. [1]
    """

    scenario: Ints
    threat: Ints
    number: Ints
    site: Ints
    start: Floats
    outage: Floats
    ramp: Floats
    severity: Floats

    @classmethod
    def joined(cls, parts: Sequence[Events]) -> Events:
        """Return the rows of several tables, one after the other."""
        if len(parts) == 1:
            return parts[0]
        none, nothing = np.empty(0, dtype=np.intp), np.empty(0)
        empty = cls(none, none, none, none, nothing, nothing, nothing, nothing)
        tables = [empty, *parts]
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.scenario)

    @property
    def restart(self) -> Floats:
        """End of the outage against the start of the case [d]."""
        return self.start + self.outage

    @property
    def over(self) -> Floats:
        """End of the ramp-up against the start of the case [d]."""
        return self.start + self.outage + self.ramp

    def rows(self, chosen: NDArray[np.bool_] | Ints) -> Events:
        """Return some of the rows."""
        return Events(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def between(self, first: int, last: int) -> Events:
        """Return the events of some neighbouring scenarios, which are counted from the first."""
        mine = self.rows((self.scenario >= first) & (self.scenario < last))
        return replace(mine, scenario=mine.scenario - first)


class _Held(NamedTuple):
    """Events of a cause, all its sites together."""

    cause: Cause
    struck: Struck
    start: Floats
    severity: Floats | float
    lengths: Lengths | None


class Block:
    """The events of one block of futures, some sites at a time.

    Parameters
    ----------
    book : Book
        What it is drawn from.
    block : int
        Number of the block.
    size : int
        Futures of a whole block.
    """

    def __init__(self, book: Book, block: int, size: int) -> None:
        self._book = book
        self._drawn = Drawn(book, block, size)
        self._wide = {cause.index: self._held(cause) for cause in book.causes if not cause.is_local}

    def groups(self, n: int) -> Iterator[tuple[range, Events]]:
        """Yield neighbouring sites and their events in the first futures of the block.

        Parameters
        ----------
        n : int
            Number of futures.

        Yields
        ------
        range
            Indices of the sites.
        Events
            Their events, sorted by site, scenario and start: the order in which losses are
            attributed. Known events that start on one day keep the order of the threats, by id.
        """
        n_sites = len(self._book.plan.sites)
        for first in range(0, n_sites, SITES_AT_A_TIME):
            sites = range(first, min(first + SITES_AT_A_TIME, n_sites))
            events = self._at(sites)
            yield sites, events if n == self._drawn.size else events.rows(events.scenario < n)

    def wide_events(self) -> Iterator[tuple[int, Ints, Ints]]:
        """Yield threat, numbers and scenarios of the events that may hit several sites."""
        for index, held in self._wide.items():
            yield index, held.struck.numbers, held.struck.scenario

    def _at(self, sites: range) -> Events:
        book = self._book
        own = [(site, cause) for site in sites for cause in book.local[site] if cause.is_random]
        tables = [self._of_hazards(own)] if own else []
        others = [(cause, site) for site in sites for cause in book.wide[site]]
        others += [(c, site) for site in sites for c in book.local[site] if not c.is_random]
        others.sort(key=lambda pair: pair[0].index)
        tables += [self._at_site(cause, site) for cause, site in others]
        events = Events.joined(tables)
        if len(tables) <= 1 and all(len(book.local[site]) <= 1 for site in sites):
            return events  # one hazard a site: in order as drawn
        return events.rows(self._order(events))

    def _order(self, events: Events) -> Ints:
        """Return the order of site, scenario and start, of equal ones as they are.

        One number holds all three: a stable sort then finds the rows of each hazard in order, and
        merges them. Starts less than a hundredth of a second apart count as equal.
        """
        first = min(float(events.start.min(initial=0.0)), 0.0)
        key = (events.start - first) / (self._book.plan.horizon_days - first)
        key *= 0.5  # a start at the very end is still of its own scenario
        key += events.scenario
        key += events.site * float(self._drawn.size)
        return np.argsort(key, kind="stable")

    def _of_hazards(self, own: list[tuple[int, Cause]]) -> Events:
        """Draw hazards of one site each, together as far as it goes: they may be thousands."""
        drawn, causes = self._drawn, [cause for _, cause in own]
        places, outages, severities, lengths = [], [], [], []
        for cause in causes:
            place, long = self._places(cause), drawn.lengths(cause)
            struck = _every(place)
            places.append(place)
            outages.append(long.outages(struck))
            lengths.append(long)
            severities.append(drawn.severities(cause).of(struck))
        counts = [len(place) for place in places]
        place, outage = np.concatenate(places), np.concatenate(outages)
        scenario = place.astype(np.intp)
        place -= scenario
        place *= self._book.plan.horizon_days
        number = np.arange(len(place))
        number -= np.repeat(np.cumsum([0, *counts[:-1]]), counts)
        return Events(
            scenario=scenario,
            threat=np.repeat([cause.index for cause in causes], counts),
            number=number,
            site=np.repeat([site for site, _ in own], counts),
            start=place,
            outage=outage,
            ramp=_ramps(causes, lengths, outages, outage),
            severity=_repeated(severities, counts),
        )

    def _at_site(self, cause: Cause, site: int) -> Events:
        held = self._wide.get(cause.index)
        if held is None:
            held = self._held(cause)
        struck, lengths = held.struck, held.lengths
        name = self._book.plan.sites[site].site_id
        if lengths is None:
            lengths = self._drawn.lengths(cause, name).of(struck)
        n = len(struck.scenario)
        events = Events(
            scenario=struck.scenario,
            threat=np.full(n, cause.index),
            number=struck.numbers,
            site=np.full(n, site),
            start=held.start,
            outage=lengths.outage,
            ramp=np.zeros(n) if lengths.ramp is None else lengths.ramp,
            severity=np.full(n, held.severity),
        )
        hit = self._drawn.hits(cause, name, struck)
        return events if hit is None else events.rows(hit)

    def _held(self, cause: Cause) -> _Held:
        """Draw what the sites of a cause have in common."""
        if cause.is_random:
            place = self._places(cause)
            struck = _every(place.astype(np.intp))
            start = (place - struck.scenario) * self._book.plan.horizon_days
        else:
            scenario = np.flatnonzero(self._drawn.happens(cause))
            struck = Struck(scenario, 0, self._drawn.size, scenario)
            start = np.full(len(scenario), cause.threat.start_days)
        return _Held(
            cause=cause,
            struck=struck,
            start=start,
            severity=self._drawn.severities(cause).of(struck),
            lengths=self._drawn.lengths(cause).of(struck) if cause.shared else None,
        )

    def _places(self, cause: Cause) -> Floats:
        """Draw when a hazard strikes: the scenario, and behind the point the part of its time.

        Uniform numbers in order are sums of exponential ones over their total: no sort.
        """
        drawn = self._drawn
        count, factor = drawn.arrivals(cause)
        stream = drawn.streams.stream(*cause.key, "arrivals")
        clock = stream.standard_exponential(count + 1).cumsum()
        place = clock[:-1]
        place *= (BELOW_ONE if factor is not None else BELOW_ONE * drawn.size) / clock[-1]
        return place if factor is None else factor.places(place)


def _every(scenario: NDArray[Any]) -> Struck:
    return Struck(None, 0, len(scenario), scenario)


def _ramps(
    causes: list[Cause], lengths: list[LengthsOf], outages: list[Floats], joined: Floats
) -> Floats:
    """Return the ramp-ups after the outages of several causes: at once where they are alike."""
    kinds = {cause.ramp_up for cause in causes}
    if len(kinds) == 1 and not causes[0].has_spread:
        (kind,) = kinds
        return np.zeros(len(joined)) if kind is None else ramps.ramp_days(kind, joined)
    each = (long.ramps(_every(days), days) for long, days in zip(lengths, outages, strict=True))
    pairs = zip(outages, each, strict=True)
    return np.concatenate([np.zeros(len(o)) if ramp is None else ramp for o, ramp in pairs])


def _repeated(values: list[Floats | float], counts: list[int]) -> Floats:
    if all(isinstance(value, float) for value in values):
        return np.repeat(np.array(values), counts)
    return np.concatenate([np.full(n, value) for n, value in zip(counts, values, strict=True)])


def draw_events(book: Book, block: int, n_scenarios: int, size: int) -> Events:
    """Draw the events of a block.

    Parameters
    ----------
    book : Book
        What it is drawn from.
    block : int
        Number of the block.
    n_scenarios : int
        Scenarios wanted: the first of the block.
    size : int
        Scenarios of a whole block.

    Returns
    -------
    Events
        Sorted by site, scenario and start.
    """
    return Events.joined([group for _, group in Block(book, block, size).groups(n_scenarios)])
