"""A sheet that a buyer fills in: what would more stock, a hedge or a second source change."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk import metrics
from supplyrisk.analysis.own_stock import buyer_of, with_buyer
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import seed_of
from supplyrisk.engine.tables import with_ends
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.market import Supply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from supplyrisk.engine.exposures import BuyerLosses
    from supplyrisk.model.case import Case
    from supplyrisk.model.market import CommodityExposure

    Floats = NDArray[np.float64]

MOST_ROWS = 60
"""Most rows of a sheet: each is a simulation of its own."""


def what_if(
    case: Case,
    buyer_id: str,
    *,
    stock_days: Iterable[float] = (),
    hedged_share: Iterable[float] = (),
    second_source: Iterable[Supply] = (),
    n_scenarios: int = 10_000,
    rng: int | np.random.Generator | None = None,
) -> pd.DataFrame:
    """Compare what a buyer may do, on the same futures.

    Parameters
    ----------
    case : Case
        The case.
    buyer_id : str
        The buyer.
    stock_days : iterable of float, optional
        Own stocks to try, in days of use. [d]
    hedged_share : iterable of float, optional
        Shares of the purchases to hedge. [1]
    second_source : iterable of Supply, optional
        Further sources to try, one at a time; each takes its share from all others in proportion,
        the market at large included.
    n_scenarios : int, default 10_000
        Number of futures to simulate.
    rng : int, numpy.random.Generator or None
        Seed, as for `supplyrisk.simulate`.

    Returns
    -------
    pandas.DataFrame
        A row for every combination of what is given and of what is, the first for things as they
        are: stock_days, hedged_share and second_source; cost_1_in_20_usd, extra cost and lost
        margin that are exceeded in one future of twenty, and expected_usd, their mean, with 90 %
        intervals; saved_usd, how much less than as it is on average, future by future, with its
        interval [USD]; probability_stop, that the line stops, with its interval [1];
        stops_1_in_20_days, the day by which it has stopped in one future of twenty, infinite where
        it does so in fewer; and time_to_survive_days, stock over the share of the largest source
        [d].

    Raises
    ------
    TypeError
        If `case` is no case.
    InvalidInputError
        If the case lacks the buyer, a value breaks a rule of `CommodityExposure`, or the sheet has
        more than 60 rows.

    Notes
    -----
    All rows see the same futures, so that the difference of two is much surer than each of them.
    The metal of a larger stock is taken as bought before the start at the price before, and
    what it costs to hold is not in the figures.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> case = load_case("walikale-2025")
    >>> sheet = what_if(case, "solder-maker", hedged_share=[0.3, 0.8], n_scenarios=500, rng=7)
    >>> sheet["hedged_share"].tolist()
    [0.3, 0.8]
    """
    buyer = buyer_of(case, buyer_id, "what_if")
    stocks, hedges = check.as_tuple(stock_days), check.as_tuple(hedged_share)
    seconds = check.as_tuple(second_source)
    faults = list(check.instances("second_source", seconds, Supply))
    for field, given in (("stock_days", stocks), ("hedged_share", hedges)):
        if not isinstance(given, tuple):
            faults.append(Fault(field, "must be several numbers, such as (30, 90)", given))
    if faults:
        raise InvalidInputError("what_if", faults)
    stocks = dict.fromkeys([buyer.inventory_days, *stocks])
    hedges = dict.fromkeys([buyer.hedged_share, *hedges])
    options = list(product(stocks, hedges, dict.fromkeys([None, *seconds])))
    if len(options) > MOST_ROWS:
        product_of = "stock_days x hedged_share x second_source"
        rule = f"must make at most {MOST_ROWS} rows, each is a simulation"
        raise InvalidInputError("what_if", [Fault(product_of, rule, len(options))])
    variants = [_changed(buyer, *option) for option in options]
    seed = seed_of(rng)
    records, before = [], None
    for one in variants:  # the first is the buyer as he is
        outlook = simulate(with_buyer(case, one), n_scenarios, rng=seed)
        lost = outlook.result.buyers[buyer_id]
        usd = lost.cost_usd + lost.lost_margin_usd
        before = usd if before is None else before
        records.append({**_options(buyer, one), **_results(one, lost, usd, before)})
    return pd.DataFrame(records)


def _changed(
    buyer: CommodityExposure, stock_days: float, hedged: float, second: Supply | None
) -> CommodityExposure:
    sources = buyer.sources
    if second is not None:
        left = 1.0 - second.share
        sources = (*(replace(one, share=one.share * left) for one in sources), second)
    return replace(buyer, inventory_days=stock_days, hedged_share=hedged, sources=sources)


def _options(buyer: CommodityExposure, one: CommodityExposure) -> dict[str, object]:
    added = one.sources[-1] if len(one.sources) > len(buyer.sources) else None
    return {
        "stock_days": one.inventory_days,
        "hedged_share": one.hedged_share,
        "second_source": "" if added is None else f"{added.scope.name} {added.share:.0%}",
    }


def _results(
    buyer: CommodityExposure, lost: BuyerLosses, usd: Floats, before: Floats
) -> dict[str, float]:
    short, n = int(lost.is_short.sum()), len(usd)
    # The quantile of a day that may never come is taken from below.
    in_twenty = max(int(n * (1.0 - TAIL_LEVEL) + 1e-9), 1)
    first = np.sort(lost.first_short_days)[in_twenty - 1]
    worst = metrics.value_at_risk(usd, level=TAIL_LEVEL)
    ends = metrics.value_at_risk_interval(usd, level=TAIL_LEVEL)
    saved = before - usd
    found = with_ends("cost_1_in_20_usd", worst, ends)
    found |= with_ends("expected_usd", float(usd.mean()), metrics.mean_interval(usd))
    found |= with_ends("saved_usd", float(saved.mean()), metrics.mean_interval(saved))
    found |= with_ends("probability_stop", short / n, metrics.probability_interval(short, n))
    found["stops_1_in_20_days"] = float(first)
    shares = [source.share for source in buyer.sources if source.share > 0.0]
    found["time_to_survive_days"] = buyer.inventory_days / max(shares) if shares else np.inf
    return found
