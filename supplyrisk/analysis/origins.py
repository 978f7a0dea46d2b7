"""Where a buyer's metal can come from, when he knows his smelters but not his tonnes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.analysis._origin_program import Known, origin_shares
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from supplyrisk.model.chain import Smelter
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import CommodityExposure
    from supplyrisk.model.site import MineSite

    Floats = NDArray[np.float64]

_ROUNDING = 1e-9


def origin_bounds(
    case: Case, buyer_id: str, *, smelters: Iterable[str] | None = None
) -> pd.DataFrame:
    r"""At least and at most how much of a buyer's metal can come from each site.

    Parameters
    ----------
    case : Case
        Sites with their planned production, smelters, and routes as far as they are known.
    buyer_id : str
        The buyer; his `demand_tpa` is what is asked about.
    smelters : iterable of str, optional
        Ids of the smelters that all of his metal comes from, in shares that nobody knows; his
        sources are not read then. When omitted: the smelters among his sources, with their shares.

    Returns
    -------
    pandas.DataFrame
        Indexed by site_id, the sites of the buyer's commodity: least_t, most_t [t/a], least_share
        and most_share of his demand [1].

    Raises
    ------
    TypeError
        If `case` is no case.
    InvalidInputError
        If the case lacks the buyer or a smelter of his commodity, no smelter is known, or the
        smelters cannot make what he needs.

    Notes
    -----
    With planned production :math:`P_j`, known feed :math:`k_{js}` (the share of the routes from
    site j to smelter s, times :math:`P_j`), the part :math:`u_j` of which no route says where it
    goes, capacity :math:`C_s` and yield :math:`y_s` of the smelters, and demand d, two linear
    programs per site j minimise and maximise :math:`\sum_s z_{js}` over

    .. math::
        f_{is} \ge k_{is}, \quad \sum_s (f_{is} - k_{is}) &\le u_i \\
        e_s \ge 0, \quad \sum_i f_{is} + e_s &\le C_s \\
        0 \le z_{is} \le y_s f_{is}, \quad 0 \le w_s &\le y_s e_s \\
        \sum_s \Bigl(\sum_i z_{is} + w_s\Bigr) &= d:

    feed :math:`f_{is}` of site i and :math:`e_s` of what is not modelled, and the buyer's parts
    :math:`z_{is}` and :math:`w_s` of the metal made of each.

    The sums run over his smelters; feed for others is what is left of :math:`u_i`. Metal of a
    smelter is fungible: the buyer may hold any of it, and its other customers the rest. A share
    :math:`a_s` among his sources binds: :math:`\sum_i z_{is} + w_s = a_s d` then holds for each
    smelter. Sources that are sites, countries or regions likewise: their share comes from those
    sites. What his sources leave open, and the market at large, may be metal of any origin; no
    site gives more than its production in all.

    When the split is free, the lower bound is :math:`\max(0, d - \sum_s y_s (C_s - k_{js}))`: what
    is left once all else that could fill the smelters is his. It is above 0 only where one mine is
    known to feed the smelters with more than their other customers can take.

    Production is the plan: no disruption. Ways out of the smelters, transit, capacities of routes
    and what other buyers take are not used; they could only narrow the bounds.

    Examples
    --------
    A smelter of 10,000 t/a that a mine is known to feed with 3,000, and a buyer of 8,000:

    >>> import datetime as dt
    >>> import supplyrisk as sr
    >>> day = dt.date(2025, 1, 1)
    >>> tin = {"name": "Illustrative", "commodity": "tin", "country": "ZZZ"}
    >>> mine = sr.MineSite(site_id="mine", capacity_tpa=3_000, **tin)
    >>> works = sr.Smelter(smelter_id="works", capacity_tpa=10_000, metal_yield=1.0, **tin)
    >>> road = sr.Route(route_id="road", from_id="mine", to_id="works", transit_days=45)
    >>> buyer = sr.CommodityExposure(buyer_id="we", name="We", commodity="tin", demand_tpa=8_000)
    >>> market = sr.Market(
    ...     commodity="tin",
    ...     price_usd_per_t=30_000,
    ...     price_date=day,
    ...     supply_tpa=380_000,
    ...     demand_tpa=380_000,
    ...     volatility_pa=0.27,
    ... )
    >>> case = sr.Case(
    ...     name="one-smelter",
    ...     start=day,
    ...     sites=(mine,),
    ...     routes=(road,),
    ...     smelters=(works,),
    ...     markets=(market,),
    ...     exposures=(buyer,),
    ... )
    >>> origin_bounds(case, "we", smelters=["works"])
             least_t  most_t  least_share  most_share
    site_id
    mine      1000.0  3000.0        0.125       0.375
    """
    check.require("case", case, Case)
    buyer = _buyer(case, buyer_id)
    own = _smelters(case, buyer, smelters)
    sites = [site for site in case.sites if site.commodity == buyer.commodity]
    known = _known(case, buyer, sites, own, free=smelters is not None)
    _raise(_demand_faults(buyer, own, known.share))
    shares = origin_shares(known)
    if shares is None:
        rule = "must have shares that the planned production of their sites can cover"
        wanted = [(source.scope.name, source.share * buyer.demand_tpa) for source in buyer.sources]
        raise InvalidInputError(
            "origin_bounds", [Fault(f"exposures.{buyer_id}.sources", rule, wanted)]
        )
    return pd.DataFrame(
        np.hstack([float(buyer.demand_tpa) * shares, shares]),
        index=pd.Index([site.site_id for site in sites], name="site_id", dtype="str"),
        columns=["least_t", "most_t", "least_share", "most_share"],
    )


def _raise(faults: Iterable[Fault]) -> None:
    held = tuple(faults)
    if held:
        raise InvalidInputError("origin_bounds", held)


def _buyer(case: Case, buyer_id: str) -> CommodityExposure:
    buyers = {buyer.buyer_id: buyer for buyer in case.exposures}
    if not buyers:
        _raise([Fault("buyer_id", "must name a buyer of the case, and it has none", buyer_id)])
    _raise(check.choice("buyer_id", buyer_id, buyers))
    return buyers[buyer_id]


def _smelters(
    case: Case, buyer: CommodityExposure, smelters: Iterable[str] | None
) -> list[Smelter]:
    """Return the smelters that the buyer names, in the order of the case."""
    held = {s.smelter_id: s for s in case.smelters if s.commodity == buyer.commodity}
    if not held:
        rule = f"must be smelters of {buyer.commodity} in the case, and it has none"
        _raise([Fault("smelters", rule, smelters)])
    sources = (source.scope for source in buyer.sources)
    of_sources = tuple(scope.name for scope in sources if scope.kind == "smelter")
    named = of_sources if smelters is None else check.as_tuple(smelters)
    if not isinstance(named, tuple):
        _raise([Fault("smelters", f"must be names in a tuple, such as {(named,)}", named)])
    if not named:
        rule = f"must be named, here or among the sources of {buyer.buyer_id!r}; the case has"
        _raise([Fault("smelters", f"{rule} {', '.join(held)}", smelters)])
    _raise(
        fault
        for place, name in enumerate(named)
        for fault in check.choice(f"smelters[{place}]", name, held)
    )
    return [smelter for name, smelter in held.items() if name in named]


def _known(
    case: Case,
    buyer: CommodityExposure,
    sites: list[MineSite],
    smelters: list[Smelter],
    *,
    free: bool,
) -> Known:
    """Return what the case says, in multiples of the demand."""
    production = np.array([site.production_tpa for site in sites]) / float(buyer.demand_tpa)
    row = {site.site_id: k for k, site in enumerate(sites)}
    column = {smelter.smelter_id: k for k, smelter in enumerate(smelters)}
    feed, said = np.zeros((len(sites), len(smelters))), np.zeros(len(sites))
    for route in case.routes:
        if route.from_id in row:
            said[row[route.from_id]] += route.share
            if route.to_id in column:
                feed[row[route.from_id], column[route.to_id]] += route.share
    feed *= production[:, np.newaxis]
    capacity = np.array([s.capacity_tpa for s in smelters], dtype=float) / float(buyer.demand_tpa)
    others = [] if free else list(_other_sources(buyer))
    share = [_share_from(buyer, smelter) for smelter in smelters] + [part for _, part in others]
    holds = [[_is_of(site, scope) for scope, _ in others] for site in sites]
    return Known(
        production=production,
        unknown=production * np.maximum(1.0 - said, 0.0),
        feed=feed,
        # A case may feed a smelter by a rounding error more than it takes.
        capacity=np.maximum(capacity, feed.sum(axis=0)),
        metal_yield=np.array([s.metal_yield for s in smelters], dtype=float),
        share=None if free else np.array(share),
        holds=np.array(holds, dtype=bool).reshape(len(sites), len(others)),
        anywhere=np.array([scope is None for scope, _ in others], dtype=bool),
    )


def _share_from(buyer: CommodityExposure, smelter: Smelter) -> float:
    named = ("smelter", smelter.smelter_id)
    held = [s.share for s in buyer.sources if (s.scope.kind, s.scope.name) == named]
    return float(sum(held))


def _other_sources(buyer: CommodityExposure) -> Iterator[tuple[Scope | None, float]]:
    """Yield origins and shares of what the buyer has not from his smelters; None is anywhere."""
    left = 1.0
    for source in buyer.sources:
        if source.scope.kind != "market":
            left -= source.share
            if source.scope.kind != "smelter":
                yield source.scope, float(source.share)
    if left > _ROUNDING:
        yield None, left


def _is_of(site: MineSite, scope: Scope | None) -> bool:
    if scope is None:
        return True
    if scope.kind == "country":
        return site.country == scope.name
    return site.site_id in (scope.site_ids or (scope.name,))


def _demand_faults(
    buyer: CommodityExposure, smelters: list[Smelter], share: Floats | None
) -> Iterator[Fault]:
    """Fault where the smelters cannot make what the buyer has from them."""
    path, demand = f"exposures.{buyer.buyer_id}", float(buyer.demand_tpa)
    can = [float(smelter.capacity_tpa * smelter.metal_yield) for smelter in smelters]
    if share is None:
        if demand > sum(can) * (1.0 + _ROUNDING):
            made = ", ".join(f"{s.smelter_id} {t:g}" for s, t in zip(smelters, can, strict=True))
            rule = f"must be at most what his smelters can make ({sum(can):g} t/a: {made})"
            yield Fault(f"{path}.demand_tpa", rule, buyer.demand_tpa)
        return
    for smelter, most, part in zip(smelters, can, share[: len(can)], strict=True):
        if part * demand > most * (1.0 + _ROUNDING):
            name = smelter.smelter_id
            rule = f"must ask of smelter {name!r} at most what it can make ({most:g} t/a)"
            yield Fault(f"{path}.sources", rule, float(part * demand))
