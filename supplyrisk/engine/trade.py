"""A commodity's chain, ready to run with a block's events: what the case says, as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine import expectation, prices
from supplyrisk.engine.book import open_book
from supplyrisk.engine.links import make_links
from supplyrisk.engine.places import make_places
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.ways import make_ways
from supplyrisk.engine.weather import expected_shares, shipped_ahead, weather
from supplyrisk.flow.chain import Chain
from supplyrisk.flow.downstream import Buyers
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.expectation import Expectations
    from supplyrisk.engine.links import Links
    from supplyrisk.engine.places import Places
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.prices import MarketView
    from supplyrisk.engine.ways import Ways
    from supplyrisk.flow.chain import Usual
    from supplyrisk.model.case import Case
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import CommodityExposure, Market

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Trade:
    """One commodity of a case, from its mines to its buyers.

    Attributes
    ----------
    market
        Its market.
    plan
        Its mines and what threatens them.
    buyers
        Its buyers, by id; the chain has the rest of the market behind them.
    book
        What events of its mines are drawn from; none for the case's own commodity, whose events are
        drawn anyway.
    tables
        What the market would expect of each threat, by way of metal.
    links
        The network and the names of its parts.
    places
        What events may strike beside mines.
    place_book
        What the events of places are drawn from.
    ways
        Ways of metal that the market looks ahead on; none where each mine is one.
    chain
        The network, the buyers and the step.
    usual
        What the market is used to.
    edges_days
        Edges of the steps, those before the start of the case included. [d]
    known_shortfall
        Shortfall that the market expected at the end of each step before the start, beyond that of
        the price date, shape (n_before,). [1]
    leaving
        Part of the normal stock of each mine that is shipped ahead of announced closures, by the
        end of each step, shape (n_steps, n_mines); none where none is announced. [1]
    """

    market: Market
    plan: Plan
    buyers: tuple[CommodityExposure, ...]
    book: Book | None
    tables: Expectations
    links: Links
    places: Places | None
    place_book: Book | None
    ways: Ways | None
    chain: Chain
    usual: Usual
    edges_days: Floats
    known_shortfall: Floats
    leaving: Floats | None

    @property
    def n_before(self) -> int:
        """Steps before the start of the case."""
        return self.chain.n_before

    @property
    def looked_at(self) -> Plan:
        """The plan that the market looks ahead on: of mines, or of ways of metal."""
        return self.plan if self.ways is None else self.ways.plan

    def market_view(self) -> MarketView:
        """Read the market's last quote backwards."""
        return prices.market_view(self.looked_at, self.market, self.tables)


def make_trades(case: Case, seed: int, *, main: Plan) -> dict[str, Trade]:
    """Return the chain of every commodity that has a market and sites.

    Parameters
    ----------
    case : Case
        The case.
    seed : int
        Seed of the simulation.
    main : Plan
        The plan of the case's own commodity.

    Returns
    -------
    dict of str to Trade
        By commodity, the case's own first.

    Notes
    -----
    Where buyers are promised more than a source makes, each gets his part in proportion, and seeks
    the rest on the open market.
    """
    held = {site.commodity for site in case.sites}
    markets = sorted(case.markets, key=lambda m: (m.commodity != case.commodity, m.commodity))
    trades = {}
    for market in markets:
        if market.commodity in held:
            own = market.commodity == case.commodity
            plan = main if own else make_plan(replace(case, commodity=market.commodity))
            book = None if own else open_book(plan, seed)
            trades[market.commodity] = _trade(case, market, plan, book, seed)
    return trades


def _trade(case: Case, market: Market, plan: Plan, book: Book | None, seed: int) -> Trade:
    links = make_links(plan, market)
    places = make_places(plan, links)
    price_day = float((market.price_date - case.start).days)
    n_before = _steps_before(plan, links)
    step = float(case.step_days)
    edges = np.concatenate([step * np.arange(-n_before, 0), plan.edges_days])
    ways = None if places is None else make_ways(plan, links, places)
    ahead = plan if ways is None else ways.plan
    tables = expectation.tabulate(ahead, market.supply_tpa, market.restart_notice_days)
    before = expectation.known_shortfall(ahead, tables, price_day)
    known = [
        expectation.known_shortfall(ahead, tables, min(day, 0.0)) - before
        if market.looks_ahead and day > price_day
        else 0.0
        for day in edges[1 : n_before + 1].tolist()
    ]
    expected = expected_shares(plan, edges, price_day)
    struck = None if places is None else expected_shares(places.plan, edges, price_day)
    exposures = sorted(case.exposures, key=attrgetter("buyer_id"))
    buyers = tuple(buyer for buyer in exposures if buyer.commodity == market.commodity)
    chain = _chain(market, links, buyers, case, plan, n_before)
    return Trade(
        market=market,
        plan=plan,
        buyers=buyers,
        book=book,
        tables=tables,
        links=links,
        places=places,
        place_book=None if places is None else open_book(places.plan, seed),
        ways=ways,
        chain=chain,
        usual=chain.usual(weather(plan, links, places, expected, struck)),
        edges_days=edges,
        known_shortfall=np.array(known),
        leaving=None if places is None else shipped_ahead(links, places, edges),
    )


def _steps_before(plan: Plan, links: Links) -> int:
    """Steps before the start in which what has begun already works its way down the chain."""
    network = links.network
    begun = [-t.start_days for t in plan.threats if t.event is not None and t.start_days < 0.0]
    longest = network.legs.days.max(initial=0.0) + network.strands.days.max(initial=0.0)
    feed = 2.0 * network.smelters.feed_days.max(initial=0.0)
    if not begun or longest + feed == 0.0:
        return 0
    return math.ceil(min(max(begun), float(longest + feed)) / plan.case.step_days)


def _chain(
    market: Market,
    links: Links,
    buyers: tuple[CommodityExposure, ...],
    case: Case,
    plan: Plan,
    n_before: int,
) -> Chain:
    step = float(case.step_days)
    network = links.network
    metal = float(network.planned_at_families().sum())
    supply, recycled = market.supply_tpa / DAYS_PER_YEAR, market.recycled_tpa / DAYS_PER_YEAR
    other = max(supply - recycled - metal, 0.0)
    contracts = _all_contracts(buyers, plan, links)
    use = np.array([buyer.demand_tpa for buyer in buyers]) / DAYS_PER_YEAR
    rest = max(metal + other + recycled - use.sum(), 0.0)
    return Chain(
        network=network,
        buyers=Buyers(
            use=np.append(use, rest),
            inventory_days=_each(buyers, "inventory_days", market.consumer_stock_days),
            restocking_days=_each(buyers, "restocking_days", market.restocking_days),
            tier=np.array([*(buyer.priority for buyer in buyers), 1], dtype=np.intp),
            needs_assurance=np.array([*(b.needs_assurance for b in buyers), False], dtype=bool),
            alternative_limit=_each(buyers, "alternative_limit", 1.0),
            qualification_days=_each(buyers, "qualification_days", 0.0),
            contracts=np.vstack([contracts, np.zeros(network.n_families)]),
        ),
        step_days=step,
        n_before=n_before,
        other_t=other * step,
        recycled_t=recycled * step,
        exchange_t=market.stock_t,
    )


def _each(buyers: tuple[CommodityExposure, ...], field: str, rest: float) -> Floats:
    return np.array([*(getattr(buyer, field) for buyer in buyers), rest], dtype=float)


def _sent(buyer: CommodityExposure, links: Links, planned: Floats) -> Floats:
    """Metal that routes bring to a buyer for his use, by family, shape (n_families,) [t/d]."""
    sent = np.where(links.family_buyer == buyer.buyer_id, planned, 0.0)
    part = min(1.0, float(buyer.demand_tpa) / DAYS_PER_YEAR / max(float(sent.sum()), 1e-300))
    return sent * part


def _all_contracts(buyers: tuple[CommodityExposure, ...], plan: Plan, links: Links) -> Floats:
    """Metal agreed with each buyer, by family of gates, shape (n_buyers, n_families) [t/d].

    What routes bring to a buyer is his. Where more is promised of the rest than there is, each
    gets his part of it.
    """
    planned = links.network.planned_at_families()
    shape = (len(buyers), len(planned))
    sent = np.array([_sent(buyer, links, planned) for buyer in buyers]).reshape(shape)
    left = planned - sent.sum(axis=0)
    pairs = zip(buyers, sent, strict=True)
    agreed = np.array([_contracts(buyer, plan, links, left + own) for buyer, own in pairs])
    agreed = agreed.reshape(shape)
    firm = np.minimum(sent, agreed)
    named = agreed - firm
    left = np.maximum(planned - firm.sum(axis=0), 0.0)
    part = np.minimum(left / np.maximum(named.sum(axis=0), 1e-300), 1.0)
    return np.asarray(firm + named * part)


def _contracts(buyer: CommodityExposure, plan: Plan, links: Links, left: Floats) -> Floats:
    """Metal agreed with a buyer, by family of gates, shape (n_families,) [t/d].

    His sources deliver of what is left beside the metal that routes bring to other buyers.
    """
    planned = links.network.planned_at_families()
    agreed = np.zeros(len(planned))
    for source in buyer.sources:
        weight = np.where(families_of(source.scope, plan, links), np.maximum(left, 0.0), 0.0)
        if weight.sum() > 0.0:
            agreed += source.share * buyer.demand_tpa / DAYS_PER_YEAR * weight / weight.sum()
    direct = links.family_buyer == buyer.buyer_id
    agreed[direct] = np.maximum(agreed[direct], planned[direct])
    # What routes bring beyond his use is sold on.
    return agreed * min(1.0, buyer.demand_tpa / DAYS_PER_YEAR / max(float(agreed.sum()), 1e-300))


def families_of(scope: Scope, plan: Plan, links: Links) -> NDArray[np.bool_]:
    """Families of gates that a source of a buyer delivers through.

    Parameters
    ----------
    scope : Scope
        The source: a place of the case, or a market, which is none.
    plan : Plan
        The plan of the mines.
    links : Links
        The network.

    Returns
    -------
    ndarray of bool, shape (n_families,)
        Whether metal of each family is the source's.
    """
    if scope.kind == "smelter":
        names = [smelter.smelter_id for smelter in links.smelters]
        return np.asarray(links.family_smelter == names.index(scope.name))
    return np.isin(links.family_site, plan.in_scope(scope))
