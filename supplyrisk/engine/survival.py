"""How long a buyer survives without a source against how long the source needs to recover."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import metrics
from supplyrisk.engine.drivers import events_again, source_flows
from supplyrisk.engine.streams import BLOCK_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.market import CommodityExposure

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]


class _Struck(NamedTuple):
    """Outages of a source, an entry each.

    Attributes
    ----------
    scenario
        The future.
    days
        Days from now, or from its start, until the last site that it hit restarts. [d]
    missing_days
        Days of the buyer's use that it takes. [d]
    """

    scenario: NDArray[np.intp]
    days: Floats
    missing_days: Floats


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
    flows = np.zeros((len(named), len(trade.looked_at.sites)))
    for row, source in enumerate(named):
        flows[row] = source_flows(trade, source.scope)
    shares = np.array([source.share for source in named])
    parts = shares[:, np.newaxis] * flows / np.maximum(flows.sum(axis=1, keepdims=True), 1e-300)
    # Any of them: what an outage takes of several sources at once adds up.
    reached = np.vstack([flows, flows.sum(axis=0)]) > 0.0
    struck = _struck(trade, book, reached, np.vstack([parts, parts.sum(axis=0)]), n)
    largest = [*shares.tolist(), shares.max(initial=0.0)]
    records = [
        {"share": share, **_record(one, most, buyer.inventory_days, n)}
        for share, most, one in zip([*shares.tolist(), shares.sum()], largest, struck, strict=True)
    ]
    names = [source.scope.name for source in named]
    return pd.DataFrame(records, index=pd.Index([*names, "any of them"], name="source"))


def _struck(trade: Trade, book: Book, reached: Flags, parts: Floats, n: int) -> list[_Struck]:
    """Find the outages of each source in all futures; what hits several sites at once is one."""
    found: list[list[_Struck]] = [[] for _ in parts]
    for first in range(0, n, BLOCK_SIZE):
        chosen = np.ones(min(BLOCK_SIZE, n - first), dtype=bool)
        events = events_again(trade, book, first // BLOCK_SIZE, chosen)
        events = events.rows(events.restart > 0.0)
        for own, ways, part in zip(found, reached, parts, strict=True):
            own.append(_merged(events.rows(ways[events.site]), part, first))
    return [_Struck(*(np.concatenate(c) for c in zip(*own, strict=True))) for own in found]


def _merged(events: Events, part: Floats, first: int) -> _Struck:
    key = np.stack([events.scenario, events.threat, events.number])
    event, row = np.unique(key, axis=1, return_inverse=True)
    each = events.restart - np.maximum(events.start, 0.0)
    days = np.zeros(event.shape[1])
    np.maximum.at(days, row, each)
    taken = part[events.site] * events.severity
    # What takes nothing takes nothing even where it never ends.
    missing = np.multiply(each, taken, out=np.zeros_like(each), where=taken > 0.0)
    missing = np.bincount(row, missing, minlength=len(days))
    return _Struck(event[0] + first, days, missing.astype(np.float64))


def _record(struck: _Struck, share: float, stock_days: float, n: int) -> dict[str, float]:
    """Describe the outages of a source; `share` of use is what he loses with all of it."""
    longer = np.unique(struck.scenario[struck.missing_days > stock_days]).size
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
    # Metrics take no outage that never ends, but it has its place in the order.
    ordered, places = np.sort(days), np.arange(days.size)
    return [float(ordered[int(metrics.value_at_risk(places, level=p))]) for p in levels]
