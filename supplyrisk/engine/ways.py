"""The ways of metal from a mine to the market, as what the market looks at when it looks ahead.

A way is closed where its mine, its leg, its smelter or its outlet is. Where events strike nothing
but mines, each mine is one way and nothing here is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine.draws import Events
from supplyrisk.engine.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.links import Leg, Links
    from supplyrisk.engine.places import Places
    from supplyrisk.engine.plan import Plan, Threat

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways of metal, and which of them each mine and place closes.

    Attributes
    ----------
    plan
        A plan whose sites are the ways: what flows on them, and the threats aimed at them.
    mine, smelter
        Mine that each begins at, and smelter that it passes, -1 for none, shape (n_ways,).
    by_mine
        Ways that begin at each mine.
    by_place
        Ways through each place; none for what does not stop metal.
    spared
        Whether what a threat does at a place leaves a standby route open that takes the metal,
        shape (n_threats, n_places).
    """

    plan: Plan
    mine: Ints
    smelter: Ints
    by_mine: tuple[Ints, ...]
    by_place: tuple[Ints, ...]
    spared: Flags

    def struck(self, mines: Events, places: Events) -> Events:
        """Return the events of mines and places as events of ways.

        Parameters
        ----------
        mines, places : Events
            Events of some scenarios, by mine and by place.

        Returns
        -------
        Events
            A row per event and way, sorted by way, scenario and start.
        """
        places = places.rows(~self.spared[places.threat, places.site])
        rows = Events.joined([_spread(mines, self.by_mine), _spread(places, self.by_place)])
        return rows.rows(np.lexsort((rows.start, rows.scenario, rows.site)))


def make_ways(plan: Plan, links: Links, places: Places) -> Ways:
    """Return the ways of metal through a network.

    Parameters
    ----------
    plan : Plan
        The plan of the mines.
    links : Links
        The network.
    places : Places
        What events may strike beside mines.

    Returns
    -------
    Ways
        Every way that carries metal on an undisturbed day. Where a standby route takes the metal
        that an event keeps from a leg or a smelter, it is not expected to cost anything.
    """
    network, n_legs = links.network, len(links.legs)
    direct = network.gate_line >= 0
    none = np.full(len(direct), -1, dtype=np.intp)
    outlet, share, leg = none.copy(), np.ones(len(direct)), network.gate_line.copy()
    strand = network.gate_strand[~direct]
    leg[~direct] = network.strands.origin[strand]
    share[~direct] = network.strands.share[strand]
    outlet[~direct] = links.strand_outlet[strand]
    smelter = links.gate_smelter.copy()
    # Feed from elsewhere is bought only where a mine's is missing: no way of its own.
    kept = np.flatnonzero((leg < n_legs) & (share > 0.0))
    kept = kept[network.legs.share[leg[kept]] > 0.0]
    leg, smelter, outlet, share = leg[kept], smelter[kept], outlet[kept], share[kept]
    mine = network.legs.origin[leg]
    standby = [one for one in links.legs if one.standby]
    around = [_leads_around(standby, links.legs[k]) for k in leg.tolist()]
    by_mine = [np.flatnonzero(mine == k) for k in range(len(plan.sites))]
    through: list[Ints] = [np.empty(0, dtype=np.intp)] * len(places.plan.sites)
    for kind, nodes in (
        ("legs", leg),
        ("outlets", outlet),
        ("smelters", np.where(around, -1, smelter)),
    ):
        first = places.first[kind]
        for node, place in enumerate(range(first.start, first.stop)):
            through[place] = np.flatnonzero(nodes == node)
    spared = _spared(links, places)
    threats = zip(plan.threats, places.plan.threats, spared, strict=True)
    # Ways bear the name of the mine that they begin at: it is its metal that is missed.
    sites = tuple(Place(links.legs[k].origin, links.legs[k].country) for k in leg.tolist())
    ways = replace(
        plan,
        sites=sites,  # type: ignore[arg-type]
        production_t_per_day=share * network.planned_on_legs()[leg],
        threats=tuple(
            _aimed(one, replace(place, sites=place.sites[~free[place.sites]]), by_mine, through)
            for one, place, free in threats
        ),
    )
    return Ways(ways, mine, smelter, tuple(by_mine), tuple(through), spared)


def _leads_around(standby: Sequence[Leg], leg: Leg) -> bool:
    """Whether a standby leg of the same mine leads elsewhere than to the smelter of a leg."""
    return any(one.origin == leg.origin and one.smelter != leg.smelter for one in standby)


def _spared(links: Links, places: Places) -> Flags:
    """Whether each threat leaves a standby route open beside each leg and outlet that it closes."""
    spared = np.zeros((len(places.plan.threats), len(places.plan.sites)), dtype=bool)
    for kind, legs in (("legs", links.legs), ("outlets", links.outlets)):
        first = places.first[kind].start
        for standby in (first + k for k, leg in enumerate(legs) if leg.standby):
            origin = legs[standby - first].origin
            beside = [first + k for k, leg in enumerate(legs) if leg.origin == origin]
            for row, threat in enumerate(places.plan.threats):
                spared[row, beside] |= standby not in threat.sites
    return spared


def _aimed(mine: Threat, place: Threat, by_mine: list[Ints], by_place: list[Ints]) -> Threat:
    hit: Iterable[Ints] = chain(
        (by_mine[k] for k in mine.sites.tolist()), (by_place[k] for k in place.sites.tolist())
    )
    ways = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *hit]))
    return replace(mine, sites=ways, rate_pa=place.rate_pa)


def _spread(events: Events, ways: tuple[Ints, ...]) -> Events:
    """Return a row for each way that an event's site or place is on."""
    many = np.array([len(one) for one in ways], dtype=np.intp)
    flat = np.concatenate([np.empty(0, dtype=np.intp), *ways])
    count = many[events.site]
    row = np.repeat(np.arange(len(events)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    spread = events.rows(row)
    return replace(spread, site=flat[(np.cumsum(many) - many)[spread.site] + within])
