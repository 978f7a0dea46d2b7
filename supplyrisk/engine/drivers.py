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
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.exposures import BuyerLosses
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.market import CommodityExposure, Supply

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
    frame = pd.DataFrame(
        {
            "tail_usd": tail.tail_t,
            "tail_ci_low": tail.tail_t - tail.reach_t,
            "tail_ci_high": tail.tail_t + tail.reach_t,
            "tail_share": tail.tail_t / max(float(tail.tail_t.sum()), 1e-300),
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
        self._named = sources_among_ways(trade, buyer.sources)

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


def sources_among_ways(trade: Trade, sources: Iterable[Supply]) -> Flags:
    """Say which mines or ways of metal some sources of a buyer are.

    Parameters
    ----------
    trade : Trade
        The chain of the metal.
    sources : iterable of Supply
        The sources.

    Returns
    -------
    ndarray, shape (n_ways,)
        Whether metal of each comes from any of them.
    """
    sites = np.zeros(len(trade.plan.sites), dtype=bool)
    smelters = set()
    for source in sources:
        sites[trade.plan.in_scope(source.scope)] = True
        if source.scope.kind == "smelter":
            smelters.add(source.scope.name)
    if trade.ways is None:
        return sites
    named = np.zeros(len(trade.ways.plan.sites), dtype=bool)
    for site in np.flatnonzero(sites).tolist():
        named[trade.ways.by_mine[site]] = True
    for place, smelter in enumerate(trade.links.smelters, start=trade.places_of("smelters")):
        if smelter.smelter_id in smelters:
            named[trade.ways.by_place[place]] = True
    return named
