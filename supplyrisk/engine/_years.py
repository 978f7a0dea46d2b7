"""The years that the events of a block fall in on the occurrence basis, in no order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.engine._drawn import Drawn, Struck
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book, Cause
    from supplyrisk.engine.streams import Streams

    Floats = NDArray[np.float64]

BLOCK_YEARS: Final = 20_000
"""Years that share a stream on the occurrence basis; part of what a seed means.

A round number, as people ask for 100,000 years: a block that is cut short costs as much as a whole
one.
"""
_PIECE: Final = 2**18
"""Events of a cause that are held at a time; an even number, as a word holds two years."""


class Years(Drawn):
    """The random numbers of a block of years.

    Parameters
    ----------
    book : Book
        What it is drawn from.
    block : int
        Number of the block.
    chosen : ndarray of bool, shape (BLOCK_YEARS,), optional
        Years to look at; all of them when omitted.
    """

    def __init__(self, book: Book, block: int, chosen: NDArray[np.bool_] | None = None) -> None:
        super().__init__(book, block, BLOCK_YEARS)
        self._chosen = chosen

    def events(self, cause: Cause, *, whole: bool = False) -> Iterator[Struck]:
        """Yield the events of a cause, a piece at a time or all at once; or nothing if none."""
        if cause.threat.event is not None:
            yield self._dated(cause)
            return
        stream = self.streams.stream(*cause.key, "arrivals")
        count, factor = self.arrivals(cause)
        piece = count if whole else _PIECE
        for first in range(0, count, max(piece, 1)):
            n = min(piece, count - first)
            if factor is None:
                # Two years from each word of 64 bits, all equally likely to 5 in a million.
                halves = stream.bit_generator.random_raw(-(-n // 2)).view(np.uint32)[:n]
                scaled = halves.astype(np.uint64)
                scaled *= np.uint64(BLOCK_YEARS)
                scaled >>= np.uint64(32)
                scenario = scaled.view(np.int64).astype(np.intp, copy=False)
            else:
                scenario = factor.futures(stream.random(n))
            number = None
            if self._chosen is not None:
                number = np.flatnonzero(self._chosen[scenario])
                scenario = scenario[number]
                if not len(number) and first + n == count:
                    return
            yield Struck(number, first, n, scenario)

    def _dated(self, cause: Cause) -> Struck:
        happens = self.happens(cause)
        if self._chosen is not None:
            happens &= self._chosen
        scenario = np.flatnonzero(happens)
        return Struck(scenario, 0, BLOCK_YEARS, scenario)

    def starts(self, cause: Cause) -> Starts:
        """Return the days in the year on which events start."""
        return Starts(cause, self.streams)


class Starts:
    """Days in the year on which the events of a cause start, in the order of the events."""

    __slots__ = ("_day", "_stream")

    def __init__(self, cause: Cause, streams: Streams) -> None:
        self._day = cause.threat.start_days
        self._stream = None if cause.threat.event else streams.stream(*cause.key, "start")

    def of(self, events: Struck) -> Floats:
        """Return the starts of the next events [d]."""
        if self._stream is None:
            return np.full(len(events.scenario), self._day)
        return events.pick(self._stream.random(events.n_drawn)) * DAYS_PER_YEAR
