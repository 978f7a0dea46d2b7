"""Sums over the futures of a block, taken while sites pass by: nothing holds futures by sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from supplyrisk.engine.contributions import Sums

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

_Part = TypeVar("_Part")


class Tally:
    """Sums of the parts' losses over the futures of a block, while groups of sites pass by.

    Parameters
    ----------
    book : Book
        What the futures are drawn from.
    n : int
        Number of futures.
    weight : ndarray, shape (n,), optional
        Weight of each future in the sums; 1 when omitted. [1]

    Attributes
    ----------
    lost_t
        Loss of each future, all sites so far, shape (n,). [t]

    Notes
    -----
    Events of a part add up within a future before they are squared. Sites and threats of one site
    pass by once; only countries, perils and threats to several sites are held by future.
    """

    def __init__(self, book: Book, n: int, weight: Floats | None = None) -> None:
        self.lost_t = np.zeros(n)
        self._book, self._weight = book, weight
        self._labels = book.labels
        self._sums = {by: no_sums(len(held.names)) for by, held in self._labels.items()}
        self._local = of_one_site(book)
        self._held: dict[tuple[str, int], Floats] = {}

    def add(self, sites: range, scenario: Ints, threat: Ints, site: Ints, lost_t: Floats) -> None:
        """Add the losses of neighbouring sites.

        Parameters
        ----------
        sites : range
            All their indices.
        scenario, threat, site : ndarray, shape (n_rows,)
            Where each loss belongs.
        lost_t : ndarray, shape (n_rows,)
            Losses. [t]
        """
        n = len(self.lost_t)
        by_site = _dense(site - sites.start, len(sites), scenario, n, lost_t)
        self._sum("site", slice(sites.start, sites.stop), by_site)
        total = by_site.sum(axis=0)
        self.lost_t += total
        countries = self._labels["country"].part[sites.start : sites.stop]
        self._hold("country", countries, by_site, total)
        causes, alone = self._causes(sites)
        if alone:
            by_cause = by_site
        else:
            place = np.zeros(len(self._book.plan.threats), dtype=np.intp)
            place[causes] = np.arange(len(causes))
            by_cause = _dense(place[threat], len(causes), scenario, n, lost_t)
        self._hold("peril", self._labels["peril"].part[causes], by_cause, total)
        parts, local = self._labels["threat"].part[causes], self._local[causes]
        if local.all():
            self._sum("threat", parts, by_cause)
            return
        self._sum("threat", parts[local], by_cause[local])
        self._hold("threat", parts[~local], by_cause[~local])

    def sums(self) -> dict[str, Sums]:
        """Return the sums by each of `GROUPS`."""
        for (by, part), lost in self._held.items():
            self._sum(by, [part], lost[np.newaxis])
        self._held.clear()
        return self._sums

    def _causes(self, sites: range) -> tuple[list[int], bool]:
        """Return the causes that may strike some sites, and whether each has one of its own."""
        book = self._book
        causes = [c.index for site in sites for c in book.local[site]]
        wide = {c.index for site in sites for c in book.wide[site]}
        alone = not wide and all(len(book.local[site]) == 1 for site in sites)
        return causes + sorted(wide), alone

    def _hold(self, by: str, parts: Ints, lost_t: Floats, total: Floats | None = None) -> None:
        """Add losses by future to those of their parts, rows of a part together."""
        several = np.unique(parts).tolist()
        for part in several:
            added = total if len(several) == 1 else None
            if added is None:
                added = lost_t[parts == part].sum(axis=0)
            _hold(self._held, (by, part), added)

    def _sum(self, by: str, parts: slice | Ints | list[int], lost_t: Floats) -> None:
        sums = self._sums[by]
        if self._weight is None:
            sums.total_t[parts] += lost_t.sum(axis=1)
            sums.square_t2[parts] += np.einsum("ij,ij->i", lost_t, lost_t)
        else:  # not by BLAS: there the order of summation depends on its threads
            sums.total_t[parts] += np.einsum("ij,j->i", lost_t, self._weight)
            sums.square_t2[parts] += np.einsum("ij,ij,j->i", lost_t, lost_t, self._weight)


class YearTally:
    """The same for blocks of years, whose arrays are long: one cause at a site after the other.

    Parameters
    ----------
    book : Book
        What the years are drawn from.
    n : int
        Number of years.
    """

    def __init__(self, book: Book, n: int) -> None:
        self._n = n
        self._labels = book.labels
        self._sums = {by: no_sums(len(held.names)) for by, held in self._labels.items()}
        self._local = of_one_site(book).tolist()
        part = {by: held.part.tolist() for by, held in self._labels.items()}
        self._country, self._peril, self._threat = (part[b] for b in ("country", "peril", "threat"))
        self._pairs: dict[tuple[int, int], Floats] = {}
        self._wide: dict[int, Floats] = {}

    def add(self, site: int, threat: int, years: Floats, total_t: float, square_t2: float) -> None:
        """Add the loss of a site to a threat, shape (n,), with its sum and that of its square."""
        country = self._country[site]
        _hold(self._pairs, (country, self._peril[threat]), years)
        part = self._threat[threat]
        if self._local[threat]:
            self._sums["threat"].total_t[part] += total_t
            self._sums["threat"].square_t2[part] += square_t2
        else:
            _hold(self._wide, part, years)

    def add_site(self, site: int, total_t: float, square_t2: float) -> None:
        """Add the loss of a site to all threats."""
        self._sums["site"].total_t[site] = total_t
        self._sums["site"].square_t2[site] = square_t2

    def done(self) -> tuple[Floats, dict[str, Sums]]:
        """Return the loss of each year [t], and the sums by each of `GROUPS`."""
        lost = np.zeros(self._n)
        by_country: dict[int, Floats] = {}
        by_peril: dict[int, Floats] = {}
        for (country, peril), years in self._pairs.items():
            lost += years
            _hold(by_country, country, years)
            _hold(by_peril, peril, years)
        held = (("country", by_country), ("peril", by_peril), ("threat", self._wide))
        for by, parts in held:
            for part, years in parts.items():
                self._sums[by].total_t[part] = years.sum()
                self._sums[by].square_t2[part] = inner(years, years)
        return lost, self._sums


def _hold(held: dict[_Part, Floats], part: _Part, years: Floats) -> None:
    """Add years to those of a part."""
    if part in held:
        held[part] += years
    else:
        held[part] = years.copy()


def inner(one: Floats, other: Floats) -> float:
    """Sum of products, not by BLAS: there the order of summation depends on its threads."""
    return float(np.einsum("i,i->", one, other))


def of_one_site(book: Book) -> NDArray[np.bool_]:
    """Return which threats hit one site alone, under a name of their own, shape (n_threats,)."""
    part = book.labels["threat"].part
    local = np.zeros(len(part), dtype=bool)
    local[[cause.index for cause in book.causes if cause.is_local]] = True
    alone: NDArray[np.bool_] = np.bincount(part, minlength=1) == 1
    return np.asarray(local & alone[part])


class Largest:
    """Loss of the largest event of each future, all sites that it hits, while sites pass by.

    Parameters
    ----------
    book : Book
        What the futures are drawn from.
    n : int
        Number of futures.
    wide : iterable of tuple
        Threat, numbers and futures of the events that may hit several sites.
    """

    def __init__(self, book: Book, n: int, wide: Iterable[tuple[int, Ints, Ints]]) -> None:
        self._largest_t = np.zeros(n)
        self._first = np.full(len(book.plan.threats), -1)
        scenarios = [np.empty(0, dtype=np.intp)]
        for threat, number, scenario in wide:
            # An event has its place by its number, which need not be one of those in a row.
            of = np.full(number[-1] + 1 if len(number) else 0, n)
            of[number] = scenario
            self._first[threat] = sum(map(len, scenarios))
            scenarios.append(of)
        self._scenario = np.concatenate(scenarios)
        self._total_t = np.zeros(len(self._scenario))

    def add(self, scenario: Ints, threat: Ints, number: Ints, alone_t: Floats) -> None:
        """Add what events would lose if each were the only one, shape (n_rows,) [t]."""
        if len(self._total_t):
            first = self._first[threat]
            wide = first >= 0
            place = first[wide] + number[wide]
            self._total_t += np.bincount(place, alone_t[wide], minlength=len(self._total_t))
            scenario, alone_t = scenario[~wide], alone_t[~wide]
        raise_to(self._largest_t, scenario, alone_t)

    def done(self) -> Floats:
        """Return the loss of the largest event of each future, shape (n,) [t]."""
        seen = self._scenario < len(self._largest_t)
        raise_to(self._largest_t, self._scenario[seen], self._total_t[seen])
        return self._largest_t


def raise_to(largest: Floats, scenario: Ints, loss: Floats) -> None:
    """Raise each future's largest event to those that exceed it, few once some have been seen."""
    (above,) = (loss > largest.take(scenario, mode="clip")).nonzero()
    if len(above):
        np.maximum.at(largest, scenario[above], loss[above])


def no_sums(n: int) -> Sums:
    """Return sums of nothing over a number of parts."""
    return Sums(np.zeros(n), np.zeros(n))


def _dense(part: Ints, n_parts: int, scenario: Ints, n: int, lost_t: Floats) -> Floats:
    """Add up losses by part and future, shape (n_parts, n)."""
    flat = np.bincount(part * n + scenario, lost_t, minlength=n_parts * n)
    return flat.astype(float, copy=False).reshape(n_parts, n)
