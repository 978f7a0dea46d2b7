"""What events do to the chain beside mines: routes close, smelters stop, metal is held or doubted.

Each leg, outlet and smelter is a *place*, as are the origins of metal once more for what is doubted
(assurance) and taxed. Events strike places as they strike sites, on the same random numbers, so one
event may stop a mine and close a road at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.links import Leg, Links
    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.model.hazard import Scope

    Ints = NDArray[np.intp]

KINDS = ("legs", "outlets", "smelters", "assurance", "tax")
"""Kinds of places, in the order in which a plan of places holds them."""


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that events may strike, with what a site has that draws ask for.

    Attributes
    ----------
    site_id
        Name by which its random numbers are keyed.
    country
        Country of it.
    annual_cap_days
        None: places have no cap.
    """

    site_id: str
    country: str
    annual_cap_days: float | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a chain that some event may strike.

    Attributes
    ----------
    plan
        A plan whose sites are the places; it produces nothing.
    first
        Index of the first place of each of `KINDS`, and the number of places.
    """

    plan: Plan
    first: dict[str, slice]


def make_places(plan: Plan, links: Links) -> Places | None:
    """Return the places of a chain; none where no event strikes any.

    Parameters
    ----------
    plan : Plan
        The plan of its mines.
    links : Links
        Its network.

    Returns
    -------
    Places or None
        The places, with the threats of the plan aimed at them.
    """
    origins = [Place(site.site_id, site.country) for site in plan.sites]
    origins += [Place(smelter.smelter_id, smelter.country) for smelter in links.smelters]
    held = {
        # By what they leave: an event that hits a site hits every way out of it.
        "legs": [Place(leg.origin, leg.country) for leg in links.legs],
        "outlets": [Place(leg.origin, leg.country) for leg in links.outlets],
        "smelters": [Place(s.smelter_id, s.country) for s in links.smelters],
        "assurance": origins,
        "tax": origins,
    }
    first, at = {}, 0
    for kind in KINDS:
        first[kind] = slice(at, at + len(held[kind]))
        at += len(held[kind])
    threats = tuple(_aimed(threat, links, held, first) for threat in plan.threats)
    if not any(len(threat.sites) for threat in threats):
        return None
    sites = tuple(place for kind in KINDS for place in held[kind])
    daily = np.zeros(len(sites))
    aimed = replace(plan, sites=sites, production_t_per_day=daily, threats=threats)  # type: ignore[arg-type]
    return Places(aimed, first)


def _aimed(
    threat: Threat, links: Links, held: dict[str, list[Place]], first: dict[str, slice]
) -> Threat:
    part = threat.hazard or threat.event
    if part is None:
        return threat
    hit: list[int] = []
    if part.effect == "output":
        routes = (("legs", links.legs), ("outlets", links.outlets))
        for kind, legs in routes if part.scope.kind == "route" else ():
            # The way that nobody had to name is no route, whatever its name.
            hit += [
                first[kind].start + k
                for k, leg in enumerate(legs)
                if leg.to and leg.name == part.scope.name
            ]
        if part.scope.kind == "smelter":
            hit += [first["smelters"].start + k for k in _inside(part.scope, held["smelters"])]
    elif part.effect == "export":
        for kind, legs in (("legs", links.legs), ("outlets", links.outlets)):
            hit += [first[kind].start + k for k in _leaving(part.scope, legs)]
    else:
        inside = _inside(part.scope, held[part.effect])
        hit += [first[part.effect].start + k for k in inside]
    # A hazard that no site has to fear has no rate in the plan of sites.
    rate = threat.rate_pa or (0.0 if threat.hazard is None else threat.hazard.rate_pa)
    return replace(threat, sites=np.array(sorted(hit), dtype=np.intp), rate_pa=rate)


def _leaving(scope: Scope, legs: tuple[Leg, ...]) -> Iterator[int]:
    """Yield the legs on which metal leaves a scope."""
    for k, leg in enumerate(legs):
        if scope.kind == "country":
            if leg.country == scope.name and leg.crosses:
                yield k
        elif leg.origin in (scope.site_ids or (scope.name,)):
            yield k


def _inside(scope: Scope, places: list[Place]) -> Iterator[int]:
    for k, place in enumerate(places):
        if scope.kind == "country":
            if place.country == scope.name:
                yield k
        elif place.site_id in (scope.site_ids or (scope.name,)):
            yield k
