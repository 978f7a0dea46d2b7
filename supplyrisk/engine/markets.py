"""Prices, metal and buyers of a block, commodity by commodity."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from supplyrisk import market as kernel
from supplyrisk.engine import prices
from supplyrisk.engine.exposures import BuyerLosses, BuyerSteps, Received, buyer_losses
from supplyrisk.engine.weather import open_shares, weather
from supplyrisk.flow.chain import STAGES, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.prices import Noise, Prices
    from supplyrisk.engine.trade import Trade
    from supplyrisk.flow.chain import Flows

    Floats = NDArray[np.float64]

BALANCE: Final = ("opening", *STAGES, "closing")
"""Entries of the balance of metal."""


@dataclass(frozen=True, slots=True)
class MarketResult:
    """Results of one commodity's market in some scenarios.

    Attributes
    ----------
    price_usd_per_t
        Price by step of the kept scenarios, shape (n_kept, n_steps). [USD/t]
    supply_t
        Production of the sites by step of the kept scenarios, before it answers the price, shape
        (n_kept, n_steps). [t]
    refined_t, upstream_t, exchange_t, buyers_t
        Metal that reached the market in each step, and stocks at its end before the market, at the
        exchange and with buyers, of the kept scenarios, shape (n_kept, n_steps). [t]
    peak_price_usd_per_t
        Highest price, shape (n_scenarios,). [USD/t]
    residual_t
        Largest gap in the balance of a step, shape (n_scenarios,). [t]
    buyers
        Losses of each buyer by id.
    buyer_steps
        Their sums by step.
    balance_t
        Sums over scenarios of `BALANCE`, shape (7,). [t]
    supply_sum_t, use_sum_t
        Sums over scenarios of what reached the market and of what was used, by step, shape
        (n_steps,). [t]
    """

    price_usd_per_t: Floats
    supply_t: Floats
    refined_t: Floats
    upstream_t: Floats
    exchange_t: Floats
    buyers_t: Floats
    peak_price_usd_per_t: Floats
    residual_t: Floats
    buyers: dict[str, BuyerLosses]
    buyer_steps: dict[str, BuyerSteps]
    balance_t: Floats
    supply_sum_t: Floats
    use_sum_t: Floats

    @classmethod
    def joined(cls, parts: Sequence[MarketResult]) -> MarketResult:
        """Return the scenarios of several results, one after the other."""
        return cls(**{field.name: _joined(field.name, parts) for field in fields(cls)})


_SUMS: Final = frozenset({"balance_t", "supply_sum_t", "use_sum_t"})


def _joined(name: str, parts: Sequence[MarketResult]) -> Any:  # noqa: ANN401 - of every kind
    held = [getattr(part, name) for part in parts]
    if name == "buyers":
        return {key: BuyerLosses.joined([one[key] for one in held]) for key in held[0]}
    if name == "buyer_steps":
        return {
            key: BuyerSteps(
                *(np.sum(columns, axis=0) for columns in zip(*(h[key] for h in held), strict=True))
            )
            for key in held[0]
        }
    return np.sum(held, axis=0) if name in _SUMS else np.concatenate(held)


def run_market(
    trade: Trade, events: Events, places: Events | None, noise: Noise, n: int, n_kept: int
) -> tuple[MarketResult, dict[str, Floats]]:
    """Run the market of a commodity in some scenarios.

    Parameters
    ----------
    trade : Trade
        The commodity's chain.
    events : Events
        Events of its mines in these scenarios, sorted by site, scenario and start.
    places : Events or None
        Events of its other places; none where nothing strikes them.
    noise : Noise
        Random numbers of its price.
    n : int
        Number of scenarios.
    n_kept : int
        Scenarios, from the first, whose paths are kept.

    Returns
    -------
    MarketResult
        Prices, metal and buyers.
    dict of str to ndarray, shape (n_steps, n)
        Demand not met of the buyers whose metal goes into a product that is named. [t]
    """
    plan, edges = trade.plan, trade.edges_days
    # A lone scenario would be summed in another order than beside others: give it company.
    wide = max(n, 2)
    mines = open_shares(plan, events, edges, wide)
    struck, seen = None, events
    if trade.places is not None and trade.ways is not None and places is not None:
        struck = open_shares(trade.places.plan, places, edges, wide)
        seen = trade.ways.struck(events, places)
    ahead = prices.outlooks(trade.looked_at, trade.market, trade.tables, seen, noise, wide)
    known = np.repeat(trade.known_shortfall[:, np.newaxis], wide, axis=1)
    answer = Answer(
        shortfall=np.concatenate([known, ahead.shortfall.T]),
        elasticity_supply=ahead.elasticity_supply,
        elasticity_demand=ahead.elasticity_demand,
        lowest_ratio=kernel.LOWEST_RATIO,
        choke_ratio=trade.market.choke_price_ratio,
        supply_lag_days=trade.market.supply_lag_days,
        most_extra_share=trade.market.most_extra_share,
        counts_stocks=trade.market.counts_stocks,
    )
    stands = replace(weather(plan, trade.links, trade.places, mines, struck), leaving=trade.leaving)
    flows = trade.chain.run(stands, trade.usual, answer).first(n)
    ratio = flows.ratio[trade.n_before :].T
    paths = prices.price_paths(plan, trade.market, ahead.at_quote[:n], ratio, noise)
    return _collected(trade, flows, paths, mines, n_kept)


def _collected(
    trade: Trade, flows: Flows, paths: Prices, mines: Floats, n_kept: int
) -> tuple[MarketResult, dict[str, Floats]]:
    counted, edges = slice(trade.n_before, None), trade.plan.edges_days
    # The last step of a horizon that is no whole number of steps is run whole, and counted in part.
    part = (np.diff(edges) / trade.chain.step_days)[:, np.newaxis]
    losses, steps, lacking = {}, {}, {}
    agreed = trade.chain.buyers.contracts
    for k, buyer in enumerate(trade.buyers):
        got = Received(
            agreed_t=part * flows.agreed_t[counted, k],
            open_t=part * flows.open_t[counted, k],
            short_t=part * flows.short_t[counted, k],
            drawn_t=flows.drawn_t[k],
            held_t=flows.held_t[k],
            levied_t=part * flows.levied_t[counted, k] if len(flows.levied_t) else None,
            agreed_share=float(agreed[k].sum() / trade.chain.buyers.use[k]),
        )
        losses[buyer.buyer_id], steps[buyer.buyer_id] = buyer_losses(
            buyer, trade.market, paths, got, edges
        )
        if buyer.product is not None:
            lacking[buyer.buyer_id] = got.short_t
    closing = flows.upstream_t[-1] + flows.exchange_t[-1] + flows.buyers_t[-1]
    balance = np.array([flows.opening_t.sum(), *flows.booked_t.sum(axis=1), closing.sum()])

    supply, used = (part * v[counted] for v in (flows.gates_t + flows.other_t, flows.used_t))

    def kept(values: Floats) -> Floats:
        return values[-len(part) :, :n_kept].T.copy()

    produced = np.einsum("tin,i->nt", mines[counted], trade.plan.production_t_per_day)
    result = MarketResult(
        price_usd_per_t=paths.path[:n_kept].copy(),
        supply_t=produced[:n_kept] * np.diff(edges),
        refined_t=kept(supply),
        upstream_t=kept(flows.upstream_t),
        exchange_t=kept(flows.exchange_t),
        buyers_t=kept(flows.buyers_t),
        peak_price_usd_per_t=paths.path.max(axis=1),
        residual_t=flows.residual_t,
        buyers=losses,
        buyer_steps=steps,
        balance_t=balance,
        supply_sum_t=supply.sum(axis=1),
        use_sum_t=used.sum(axis=1),
    )
    return result, lacking
