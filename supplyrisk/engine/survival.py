"""How long a buyer survives without a source against how long the source needs to recover."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import metrics
from supplyrisk.engine.drivers import events_again, sources_among_ways
from supplyrisk.engine.streams import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.market import CommodityExposure, Supply

    Floats = NDArray[np.float64]


class _Struck(NamedTuple):
    """Outages of a source, an entry each: the future, the days from now or its start, its part."""

    scenario: NDArray[np.intp]
    days: Floats
    part: Floats


def survival_table(trade: Trade, book: Book, buyer: CommodityExposure, n: int) -> pd.DataFrame:
    """Compare times to survive and to recover, source by source.

    Parameters
    ----------
    trade : Trade
        The chain of the metal that he buys.
    book : Book
        What the events of its mines are drawn from.
    buyer : CommodityExposure
        The buyer.
    n : int
        Number of futures.

    Returns
    -------
    pandas.DataFrame
        Indexed by source, the last row being any of them; see `MarketOutlook.survival`.
    """
    named = [source for source in buyer.sources if source.scope.kind != "market"]
    struck = [_struck(trade, book, source, n) for source in named]
    records = [
        {"share": source.share, **_record(one, source.share, buyer.inventory_days, n)}
        for source, one in zip(named, struck, strict=True)
    ]
    whole = _Struck(*(np.concatenate(column) for column in zip(*struck, strict=True)))
    share = sum(source.share for source in named)
    worst = max((source.share for source in named), default=0.0)
    records.append({"share": share, **_record(whole, worst, buyer.inventory_days, n)})
    names = [source.scope.name for source in named]
    return pd.DataFrame(records, index=pd.Index([*names, "any of them"], name="source"))


def _struck(trade: Trade, book: Book, source: Supply, n: int) -> _Struck:
    """Find the outages of a source in all futures; what hits several sites at once is one."""
    ways = sources_among_ways(trade, [source])
    flow = np.where(ways, trade.looked_at.production_t_per_day, 0.0)
    part = source.share * flow / max(float(flow.sum()), 1e-300)
    found: list[_Struck] = []
    for first in range(0, n, BLOCK_SIZE):
        chosen = np.ones(min(BLOCK_SIZE, n - first), dtype=bool)
        events = events_again(trade, book, first // BLOCK_SIZE, chosen)
        found.append(_merged(events.rows(ways[events.site]), part, first))
    return _Struck(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _merged(events: Events, part: Floats, first: int) -> _Struck:
    key = np.stack([events.scenario, events.threat, events.number])
    event, row = np.unique(key, axis=1, return_inverse=True)
    days = np.zeros(event.shape[1])
    np.maximum.at(days, row, events.restart - np.maximum(events.start, 0.0))
    taken = np.bincount(row, part[events.site] * events.severity, minlength=len(days))
    return _Struck(event[0] + first, days, taken.astype(np.float64))


def _record(struck: _Struck, share: float, stock_days: float, n: int) -> dict[str, float]:
    """Describe the outages of a source; `share` of use is what he loses with all of it."""
    longer = np.unique(struck.scenario[struck.days * struck.part > stock_days]).size
    chance = metrics.probability_interval(longer, n)
    hit = np.unique(struck.scenario).size
    middle, late = _quantiles(struck.days, (0.5, 0.95))
    return {
        "time_to_survive_days": stock_days / share if share > 0.0 else np.inf,
        "probability_struck": hit / n,
        "time_to_recover_days": middle,
        "time_to_recover_95_days": late,
        "probability_longer": longer / n,
        "probability_longer_ci_low": chance.low,
        "probability_longer_ci_high": chance.high,
    }


def _quantiles(days: Floats, levels: Sequence[float]) -> list[float]:
    if not days.size:
        return [float("nan")] * len(levels)
    return [metrics.value_at_risk(days, level=level) for level in levels]
