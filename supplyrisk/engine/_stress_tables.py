"""The tables of a stress test: where the loss is when, and what it does to buyers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk.engine.certain import LEVELS, before_market, left_by, lengths, quoted, run_sets
from supplyrisk.engine.tables import last_days
from supplyrisk.engine.trade import families_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.certain import Certain, Runs
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.hazard import DisruptionEvent
    from supplyrisk.model.market import CommodityExposure

    Floats = NDArray[np.float64]
    Stage = tuple[str, Floats, Floats]

DAYS_PER_WEEK = 7.0
_EMPTY = 0.01
"""Share of what a stock would hold below which it counts as empty. [1]"""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A case with the events that are asked about, and without them.

    Attributes
    ----------
    struck, spared
        The case with the events, and without; one and the same where all are surprises.
    events
        All of the events, of fixed length.
    surprises
        Ids of those that are surprises.
    first_day
        Day on which the first strikes against the start of the case, at least 0. [d]
    """

    struck: Certain
    spared: Certain
    events: tuple[DisruptionEvent, ...]
    surprises: frozenset[str]
    first_day: float

    @property
    def names(self) -> frozenset[str]:
        """Ids of all of the events."""
        return frozenset(event.event_id for event in self.events)

    def over_days(self, event: DisruptionEvent) -> float:
        """Days from the first day until an event is over, its ramp-up included [d]."""
        start = (event.started - self.struck.plan.case.start).days
        return start + sum(lengths(event)) - self.first_day

    def run(self, levels: tuple[float, ...] = LEVELS) -> tuple[Runs, Runs]:
        """Run the case with the events and without."""
        return (
            run_sets(self.struck, [self.surprises], levels),
            run_sets(self.spared, [()], levels),
        )


def price_ratios(pair: Pair, struck: Runs, spared: Runs) -> Floats:
    """Price with the events against that without, shape (n_levels, n_steps) [1]."""
    with_, without = pair.struck.own, pair.spared.own
    if with_ is None or without is None:
        return np.full((len(LEVELS), pair.struck.plan.n_steps), np.nan)
    name = with_.market.commodity
    prices = [runs.markets[name].price_usd_per_t for runs in (struck, spared)]
    # The quote holds what was known on its day, in each of the two by its own account.
    return np.asarray(prices[0] * quoted(with_) / (prices[1] * quoted(without)))


def steps_table(pair: Pair, struck: Runs, spared: Runs, ratios: Floats) -> pd.DataFrame:
    """Return the paths with the events, at the median of the elasticities."""
    plan, middle = pair.struck.plan, LEVELS.index(0.5)
    columns: dict[str, Floats] = {"lost_t": struck.lost_t[0] - spared.lost_t[0]}
    name = str(plan.case.commodity)
    if name in struck.markets:
        market = struck.markets[name]
        columns["market_t"] = market.refined_t[middle]
        columns["market_without_t"] = spared.markets[name].refined_t[middle]
        for series in ("upstream_t", "exchange_t", "buyers_t"):
            columns[series] = getattr(market, series)[middle]
        columns["price_ratio_low"] = ratios.min(axis=0)
        columns["price_ratio"] = ratios[middle]
        columns["price_ratio_high"] = ratios.max(axis=0)
    return pd.DataFrame(columns, index=last_days(plan))


def buyers_table(pair: Pair, struck: Runs, spared: Runs) -> pd.DataFrame:
    """Return what the events do to each buyer, indexed by buyer_id."""
    middle, records = LEVELS.index(0.5), {}
    for name, trade in pair.struck.trades.items():
        lost = 1.0 - _families_left(pair.struck, trade, pair.names)
        by_event = [
            (pair.over_days(event), 1.0 - _families_left(pair.struck, trade, {event.event_id}))
            for event in pair.events
        ]
        for k, buyer in enumerate(trade.buyers):
            with_ = struck.markets[name].buyers[buyer.buyer_id]
            without = spared.markets[name].buyers[buyer.buyer_id]
            contracts, needs = trade.chain.buyers.contracts[k], int(buyer.needs_assurance)
            hit = float(contracts @ lost[needs]) / trade.chain.buyers.use[k]
            until = (over for over, one in by_event if contracts @ one[needs] > 0.0)
            cost = with_.cost_usd - without.cost_usd
            short = with_.first_short_days[middle] - pair.first_day
            more = with_.shortage_t[middle] - without.shortage_t[middle]
            records[buyer.buyer_id] = {
                "name": buyer.name,
                "illustrative": buyer.illustrative,
                "share_hit": hit,
                "time_to_survive_days": _survival(buyer, hit),
                "time_to_recover_days": max(until, default=0.0),
                "weeks_until_short": max(short, 0.0) / DAYS_PER_WEEK,
                "shortage_t": with_.shortage_t[middle],
                "extra_shortage_t": more,
                "extra_lost_margin_usd": with_.lost_margin_usd[middle]
                - without.lost_margin_usd[middle],
                "extra_cost_usd_low": cost.min(),
                "extra_cost_usd": cost[middle],
                "extra_cost_usd_high": cost.max(),
            }
    frame = pd.DataFrame(
        list(records.values()), index=pd.Index(list(records), name="buyer_id", dtype=object)
    )
    return frame.sort_index()


def sources_table(pair: Pair) -> pd.DataFrame:
    """Return which share of each source of each buyer the events hit."""
    rows = []
    for trade in pair.struck.trades.values():
        lost = 1.0 - _families_left(pair.struck, trade, pair.names)
        planned = trade.chain.network.planned_at_families()
        for buyer in trade.buyers:
            for source in buyer.sources:
                own = np.where(families_of(source.scope, trade.plan, trade.links), planned, 0.0)
                hit = own @ lost[int(buyer.needs_assurance)] / max(float(own.sum()), 1e-300)
                name = f"{source.scope.kind} {source.scope.name}"
                rows.append((buyer.buyer_id, name, source.share, float(hit)))
    return pd.DataFrame(rows, columns=["buyer_id", "source", "share", "share_hit"])


def stages_table(pair: Pair) -> pd.DataFrame:
    """Return when the loss reaches each stage between the mines and the buyers' stocks."""
    edges = pair.struck.plan.edges_days
    records = {}
    for name, with_, without in _stages(pair):
        least = 1e-9 * max(float(np.abs(without).sum(axis=1).max()), 1e-300)
        gap = without - with_ > least
        nodes = gap.any(axis=0)
        record = dict.fromkeys(("reached_days", "empty_days"), np.inf)
        record |= dict.fromkeys(("without_t", "lowest_t"), np.nan)
        if nodes.any():
            first = int(gap.any(axis=1).argmax())
            held, usual = with_[:, nodes].sum(axis=1), without[:, nodes].sum(axis=1)
            empty = np.flatnonzero(held <= _EMPTY * usual[first])
            record["reached_days"] = edges[first + 1] - pair.first_day
            record["without_t"], record["lowest_t"] = usual[first], held.min()
            if len(empty):
                record["empty_days"] = edges[empty[0] + 1] - pair.first_day
        records[name] = record
    columns = ["reached_days", "without_t", "lowest_t", "empty_days"]
    index = pd.Index(list(records), name="stage", dtype=object)
    return pd.DataFrame(list(records.values()), columns=columns, index=index)


def _stages(pair: Pair) -> Iterator[Stage]:
    """Yield each stage, what it holds with the events and without, shape (n_steps, n_nodes)."""
    with_, without = pair.struck.own, pair.spared.own
    if with_ is None or without is None:
        return
    gates, held = before_market(pair.struck, with_, pair.surprises)
    usual_gates, usual = before_market(pair.spared, without, ())
    links = with_.links
    smelter = links.network.line_smelter
    feeds, outlets = np.sort(smelter[smelter >= 0]), links.strand_outlet
    yield "stock at mines", held.mines, usual.mines
    yield "metal under way from mines", held.on_legs, usual.on_legs
    yield "feed at smelters", _by(feeds, held.feed), _by(feeds, usual.feed)
    yield (
        "metal under way from smelters",
        _by(outlets, held.on_strands),
        _by(outlets, usual.on_strands),
    )
    arrived, usually = (one.sum(axis=1, keepdims=True) for one in (gates, usual_gates))
    yield "arrivals at the market", arrived, usually
    one, other = (runs.markets[with_.market.commodity] for runs in pair.run((0.5,)))
    yield "stock at the exchange", one.exchange_t.T, other.exchange_t.T
    for buyer in with_.buyers:
        held_t, usual_t = (
            market.buyer_steps[buyer.buyer_id].stock_t[:, np.newaxis] for market in (one, other)
        )
        yield f"stock of {buyer.buyer_id}", held_t, usual_t


def _by(group: NDArray[np.intp], values: Floats) -> Floats:
    """Sum nodes of a group, shape (n_steps, n_groups): what serves one place serves as one."""
    member = group[:, np.newaxis] == np.arange(int(group.max(initial=-1)) + 1)
    return np.asarray(np.einsum("tn,ng->tg", values, member.astype(float)))


def _survival(buyer: CommodityExposure, hit: float) -> float:
    return buyer.inventory_days / hit if hit > 0.0 else float("inf")


def _families_left(certain: Certain, trade: Trade, names: Collection[str]) -> Floats:
    """Share of its plan that each family of gates delivers while all of the events last.

    Shape (2, n_families): for buyers who take any metal, and for those who need assurance. What
    waits, is in stock or takes a standby route does not count. [1]
    """
    network, places = trade.chain.network, trade.places
    planned = np.maximum(network.planned_at_families(), 1e-300)
    mines = left_by(certain, trade.plan, [names])[:, 0]
    hit = replace(network, mines=replace(network.mines, planned=network.mines.planned * mines))
    doubted = np.ones(len(planned))
    if places is not None:
        struck = left_by(certain, places.plan, [names])[:, 0]
        legs, smelters, outlets, assured = (
            struck[places.first[kind]] for kind in ("legs", "smelters", "outlets", "assurance")
        )
        works, strands, links = network.smelters, network.strands, trade.links
        open_share = outlets[links.strand_outlet]
        hit = replace(
            hit,
            legs=replace(network.legs, share=network.legs.share * legs),
            smelters=replace(works, metal_yield=works.metal_yield * smelters),
            strands=replace(strands, share=strands.share * open_share),
        )
        # The index -1, for no site or smelter, finds the 1 at the end.
        site, smelter = np.append(assured[: len(mines)], 1.0), np.append(assured[len(mines) :], 1.0)
        doubted = np.minimum(site[links.family_site], smelter[links.family_smelter])
    left = hit.planned_at_families() / planned
    return np.stack([left, left * doubted])
