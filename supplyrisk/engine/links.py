"""A case's chain as a network: which node is which, and what a buyer's sources are in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk.flow.network import Legs, Mines, Network, Smelters
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan
    from supplyrisk.model.chain import Route, Smelter
    from supplyrisk.model.market import Market

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class Leg(NamedTuple):
    """A way from one node to another, named by its route; or the way that nobody had to name.

    Attributes
    ----------
    name
        Id of the route; of the node it leaves where there is none.
    origin
        Id of the site or smelter that it leaves.
    country
        Country of that node.
    crosses
        Whether it leaves the country.
    to
        Id of the node that it leads to; empty where there is no route.
    smelter
        Index of the smelter that it leads to, -1 for the market or a buyer.
    share, days, capacity
        As in `supplyrisk.flow.network.Legs`.
    standby
        Whether it is used only for what others cannot take.
    """

    name: str
    origin: str
    country: str
    crosses: bool
    to: str
    smelter: int
    share: float
    days: float
    capacity: float
    standby: bool


@dataclass(frozen=True, slots=True)
class Links:
    """The network of a commodity and the names of its parts.

    Attributes
    ----------
    network
        The network.
    legs
        Ways out of the sites, as in `network.legs`.
    smelters
        Smelters, by id.
    outlets
        Ways out of the smelters.
    strand_outlet
        Index of the outlet that each strand uses, shape (n_strands,).
    family_site, family_smelter
        Index of the site and smelter behind each family of gates, -1 for none, shape
        (n_families,); of several smelters the first.
    family_buyer
        Id of what each family's metal is sent to, shape (n_families,); of several the first.
    gate_site, gate_smelter
        Index of the site and smelter behind each gate, -1 for none, shape (n_gates,).
    """

    network: Network
    legs: tuple[Leg, ...]
    smelters: tuple[Smelter, ...]
    outlets: tuple[Leg, ...]
    strand_outlet: Ints
    family_site: Ints
    family_smelter: Ints
    family_buyer: NDArray[np.str_]
    gate_site: Ints
    gate_smelter: Ints


def make_links(plan: Plan, market: Market) -> Links:
    """Return the network of a plan's commodity.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    market : Market
        The market that its metal ends in.

    Returns
    -------
    Links
        Network and names. A site or smelter without routes, or the rest of one whose routes have
        shares that sum to less than 1, delivers to the market at once.
    """
    case = plan.case
    own = [smelter for smelter in case.smelters if smelter.commodity == market.commodity]
    smelters = tuple(sorted(own, key=attrgetter("smelter_id")))
    place = {smelter.smelter_id: k for k, smelter in enumerate(smelters)}
    routes = sorted(case.routes, key=attrgetter("from_id"))
    by_node = {
        node: sorted(ways, key=attrgetter("route_id"))
        for node, ways in groupby(routes, key=attrgetter("from_id"))
    }
    countries = {s.smelter_id: s.country for s in smelters}
    legs = [
        leg
        for site in plan.sites
        for leg in _legs(site.site_id, site.country, by_node, place, countries)
    ]
    outlets = [
        leg
        for smelter in smelters
        for leg in _legs(smelter.smelter_id, smelter.country, by_node, {}, {})
    ]
    return _joined(plan, market, legs, smelters, outlets)


def _legs(
    node: str,
    country: str,
    by_node: dict[str, list[Route]],
    place: dict[str, int],
    countries: dict[str, str],
) -> Iterable[Leg]:
    """Yield the ways out of a node."""
    left = 1.0
    for route in by_node.get(node, []):
        left -= route.share
        yield Leg(
            name=route.route_id,
            origin=node,
            country=country,
            crosses=countries.get(route.to_id) != country,
            to=route.to_id,
            smelter=place.get(route.to_id, -1),
            share=route.share,
            days=route.transit_days,
            capacity=np.inf if route.capacity_tpa is None else route.capacity_tpa / DAYS_PER_YEAR,
            standby=route.share == 0.0,
        )
    if left > 1e-9:
        yield Leg(
            name=node,
            origin=node,
            country=country,
            crosses=True,
            to="",
            smelter=-1,
            share=left,
            days=0.0,
            capacity=np.inf,
            standby=False,
        )


def _joined(
    plan: Plan,
    market: Market,
    legs: Sequence[Leg],
    smelters: tuple[Smelter, ...],
    outlets: Sequence[Leg],
) -> Links:
    site = {one.site_id: k for k, one in enumerate(plan.sites)}
    origin = np.array([site[leg.origin] for leg in legs], dtype=np.intp)
    buying = [k for k, smelter in enumerate(smelters) if smelter.alternative_share > 0.0]
    line_smelter = np.array([*(leg.smelter for leg in legs), *buying], dtype=np.intp)
    ways = [[k for k, out in enumerate(outlets) if out.origin == s.smelter_id] for s in smelters]
    strands = [
        (line, outlet)
        for line, smelter in enumerate(line_smelter.tolist())
        if smelter >= 0
        for outlet in ways[smelter]
    ]
    line_site = np.concatenate([origin, np.full(len(buying), -1, dtype=np.intp)])
    family, gate_line, gate_strand = _gates(legs, line_site, line_smelter, strands)
    works = _smelters(plan, smelters, legs, origin)
    part = _parts(plan, legs, origin, line_smelter, works)
    network = Network(
        mines=_mines(plan),
        legs=_as_legs(origin, legs),
        smelters=works,
        line_smelter=line_smelter,
        strands=_as_legs(
            np.array([line for line, _ in strands], dtype=np.intp),
            [
                outlets[outlet]._replace(capacity=outlets[outlet].capacity * part[line])
                for line, outlet in strands
            ],
        ),
        family=family,
        gate_line=gate_line,
        gate_strand=gate_strand,
        restocking_days=market.restocking_days,
    )
    line_of = np.array([line for line, _ in strands] or [0], dtype=np.intp)
    gate = np.where(gate_line >= 0, gate_line, line_of[gate_strand])
    ends = [
        legs[line].to if line >= 0 else outlets[strands[strand][1]].to
        for line, strand in zip(gate_line.tolist(), gate_strand.tolist(), strict=True)
    ]
    first = np.flatnonzero(np.diff(family, prepend=-1))
    return Links(
        network=network,
        legs=tuple(legs),
        smelters=smelters,
        outlets=tuple(outlets),
        strand_outlet=np.array([outlet for _, outlet in strands], dtype=np.intp),
        family_site=line_site[gate][first],
        family_smelter=line_smelter[gate][first],
        family_buyer=np.array(ends)[first],
        gate_site=line_site[gate],
        gate_smelter=line_smelter[gate],
    )


def _gates(
    legs: Sequence[Leg], line_site: Ints, line_smelter: Ints, strands: list[tuple[int, int]]
) -> tuple[Ints, Ints, Ints]:
    """Return family, direct line and strand of each gate; gates of a family side by side."""
    stands_by = {int(line_site[k]) for k, leg in enumerate(legs) if leg.standby}
    gates = [(k, k, -1) for k in range(len(legs)) if line_smelter[k] < 0]
    gates += [(line, -1, strand) for strand, (line, _) in enumerate(strands)]
    keyed = []
    for line, direct, strand in gates:
        site = int(line_site[line])
        key = (site, -1, -1) if site in stands_by else (site, direct, strand)
        keyed.append((key, direct, strand))
    keyed.sort()
    number = {key: k for k, key in enumerate(dict.fromkeys(key for key, _, _ in keyed))}
    table = np.array(
        [(number[key], direct, strand) for key, direct, strand in keyed], dtype=np.intp
    )
    family, gate_line, gate_strand = table.reshape(-1, 3).T
    return family, gate_line, gate_strand


def _as_legs(origin: Ints, legs: Sequence[Leg]) -> Legs:
    return Legs(
        origin=origin,
        share=np.array([leg.share for leg in legs], dtype=float),
        days=np.array([leg.days for leg in legs], dtype=float),
        capacity=np.array([leg.capacity for leg in legs], dtype=float),
        standby=np.array([leg.standby for leg in legs], dtype=bool),
    )


def _parts(
    plan: Plan, legs: Sequence[Leg], origin: Ints, line_smelter: Ints, works: Smelters
) -> list[float]:
    """Part of a smelter's ways out that each line may fill, where they carry so much and no more.

    Purchases from elsewhere come on top, up to what the smelter may buy.
    """
    parts = []
    for line, smelter in enumerate(line_smelter.tolist()):
        if smelter < 0:
            parts.append(1.0)
        elif line < len(legs):
            fed = float(legs[line].share * plan.production_t_per_day[origin[line]])
            # What comes by a standby leg takes the place of another line.
            parts.append(fed / float(works.planned[smelter]) if fed > 0.0 else 1.0)
        else:
            parts.append(float(works.alternative_share[smelter]))
    return parts


def _mines(plan: Plan) -> Mines:
    sites = plan.sites
    return Mines(
        planned=plan.production_t_per_day,
        capacity=np.array([site.capacity_tpa for site in sites]) / DAYS_PER_YEAR,
        stock_days=np.array([site.stock_days for site in sites]),
        makeup_share=np.array([site.makeup_share for site in sites]),
    )


def _smelters(
    plan: Plan, smelters: tuple[Smelter, ...], legs: Sequence[Leg], origin: Ints
) -> Smelters:
    fed = np.zeros(len(smelters))
    for leg, site in zip(legs, origin.tolist(), strict=True):
        if leg.smelter >= 0:
            fed[leg.smelter] += leg.share * plan.production_t_per_day[site]
    return Smelters(
        planned=fed,
        capacity=np.array([s.capacity_tpa for s in smelters]) / DAYS_PER_YEAR,
        feed_days=np.array([s.feed_days for s in smelters]),
        psi=np.array([s.psi for s in smelters]),
        metal_yield=np.array([s.metal_yield for s in smelters]),
        alternative_share=np.array([s.alternative_share for s in smelters]),
        alternative_lag_days=np.array([s.alternative_lag_days for s in smelters]),
    )
