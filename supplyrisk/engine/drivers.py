"""What drives the worst futures of a buyer: which site, country, peril and threat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from supplyrisk.engine.contributions import Sums, labels
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.losses import losses
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.engine.tails import border_weights, tail_weights, with_reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.exposures import BuyerLosses
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import CommodityExposure

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

NOTHING_LOST: Final = "(nothing lost)"
"""Name of the part that belongs to futures in which no metal was lost that was not priced."""


def drivers_table(
    trade: Trade, book: Book, buyer: CommodityExposure, lost: BuyerLosses, by: str
) -> pd.DataFrame:
    """Split the tail mean of what a buyer loses.

    Parameters
    ----------
    trade : Trade
        The chain of the metal that he buys.
    book : Book
        What the events of its mines are drawn from.
    buyer : CommodityExposure
        The buyer.
    lost : BuyerLosses
        His losses in all futures.
    by : str
        One of `contributions.GROUPS`.

    Returns
    -------
    pandas.DataFrame
        Indexed by part, largest first: tail_usd, its 90 % interval, and tail_share.

    Notes
    -----
    In each future the extra cost is shared among what was lost of the metal, tonne by tonne, since
    the price does not ask whose metal is missing; lost margin among what his own sources lost, or
    among all where they lost nothing. What dated events took that were known on the price date
    does not count: it is in the price.
    """
    split = _Split(trade, book, buyer, by)
    whole = lost.cost_usd + lost.lost_margin_usd
    weight, border = tail_weights(whole), border_weights(whole)
    seen = (weight > 0.0) | (border > 0.0)
    size = len(split.names)
    in_tail, at_border = Sums(np.zeros(size), np.zeros(size)), np.zeros(size)
    for block in np.unique(np.flatnonzero(seen) // BLOCK_SIZE).tolist():
        mine = slice(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)
        chosen = seen[mine]
        part = split.parts(block, chosen, lost.cost_usd[mine], lost.lost_margin_usd[mine])
        in_tail.total_t[:] += np.einsum("np,n->p", part, weight[mine][chosen])
        in_tail.square_t2[:] += np.einsum("np,np,n->p", part, part, weight[mine][chosen])
        at_border += np.einsum("np,n->p", part, border[mine][chosen])
    tail = with_reach(in_tail, at_border, len(whole))
    total = float(tail.tail_t.sum())
    frame = pd.DataFrame(
        {
            "tail_usd": tail.tail_t,
            "tail_ci_low": tail.tail_t - tail.reach_t,
            "tail_ci_high": tail.tail_t + tail.reach_t,
            "tail_share": tail.tail_t / (total or 1.0),
        },
        index=pd.Index(split.names, name=by),
    )
    frame = frame[frame["tail_usd"] != 0.0]
    return frame.sort_values("tail_usd", ascending=False, kind="stable")


class _Split:
    """How the losses of a buyer are split: the same in every block."""

    def __init__(self, trade: Trade, book: Book, buyer: CommodityExposure, by: str) -> None:
        plan = trade.looked_at
        self._trade, self._book = trade, book
        self._labels = labels(plan, by)
        self.names = [*self._labels.names, NOTHING_LOST]
        price_day = float((trade.market.price_date - plan.case.start).days)
        self._news = np.array(
            [t.event is None or t.announced_days > price_day for t in plan.threats], dtype=bool
        )
        flows = [source_flows(trade, source.scope) for source in buyer.sources]
        daily = np.maximum(plan.production_t_per_day, 1e-300)
        self._named = np.max([np.zeros_like(daily), *flows], axis=0) / daily

    def parts(self, block: int, chosen: Flags, cost: Floats, margin: Floats) -> Floats:
        """Return what each part costs in the chosen futures, shape (n_chosen, n_parts) [USD]."""
        plan, n_parts = self._trade.looked_at, len(self.names)
        events = events_again(self._trade, self._book, block, chosen)
        place = (np.cumsum(chosen) - 1)[events.scenario]
        tonnes = plan.production_t_per_day[events.site]
        tonnes = tonnes * losses(plan, events, plan.edges_days[[0, -1]]).days
        tonnes *= self._news[events.threat]
        cell = place * n_parts + self._labels.of(events.threat, events.site)
        shape = (int(chosen.sum()), n_parts)

        def by_part(values: Floats) -> Floats:
            flat = np.bincount(cell, values, minlength=shape[0] * n_parts)
            return flat.reshape(shape).astype(np.float64)

        everyone = by_part(tonnes)
        own = by_part(tonnes * self._named[events.site])
        own[own.sum(axis=1) <= 0.0] = everyone[own.sum(axis=1) <= 0.0]
        out = np.zeros(shape)
        for lost_t, dollars in ((everyone, cost[chosen]), (own, margin[chosen])):
            total = lost_t.sum(axis=1)
            out += lost_t * (dollars / np.maximum(total, 1e-300))[:, np.newaxis]
            out[:, -1] += np.where(total > 0.0, 0.0, dollars)
        return out


def events_again(trade: Trade, book: Book, block: int, chosen: Flags) -> Events:
    """Draw the events of some futures of a block again, by mine or by way of metal.

    Parameters
    ----------
    trade : Trade
        The chain of their metal.
    book : Book
        What the events of its mines are drawn from, where `trade` has no book of its own.
    block : int
        Number of the block.
    chosen : ndarray, shape (n_scenarios,)
        Which of its futures.

    Returns
    -------
    Events
        As the market sees them; scenarios are counted within the block.
    """
    events = draw_events(trade.book or book, block, len(chosen), BLOCK_SIZE)
    events = events.rows(chosen[events.scenario])
    if trade.ways is None or trade.place_book is None:
        return events
    places = draw_events(trade.place_book, block, len(chosen), BLOCK_SIZE)
    return trade.ways.struck(events, places.rows(chosen[places.scenario]))


def source_flows(trade: Trade, source: Scope) -> Floats:
    """Return the planned flow of a source's metal on each mine or way of metal.

    Parameters
    ----------
    trade : Trade
        The chain of the metal.
    source : Scope
        The source: a place of the case, or a market, which has none.

    Returns
    -------
    ndarray, shape (n_ways,)
        Metal, in what its mines produce; of a smelter what its mines send it. [t/d]
    """
    links, ways, daily = trade.links, trade.ways, trade.looked_at.production_t_per_day
    if source.kind != "smelter":
        mines = trade.plan.in_scope(source)
        from_there = np.isin(np.arange(len(daily)) if ways is None else ways.mine, mines)
        return np.where(from_there, daily, 0.0)
    smelter = [one.smelter_id for one in links.smelters].index(source.name)
    if ways is not None:
        return np.where(ways.smelter == smelter, daily, 0.0)
    fed = [leg.smelter == smelter for leg in links.legs]
    sent = np.where(fed, links.network.planned_on_legs(), 0.0)
    origin = links.network.legs.origin
    return np.bincount(origin, sent, minlength=len(daily)).astype(np.float64)
