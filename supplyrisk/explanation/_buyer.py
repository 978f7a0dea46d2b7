"""What an outlook means to one buyer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _text, metrics
from supplyrisk import _validation as check
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.stress import stress
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.engine.stress import StressTest
    from supplyrisk.model.market import CommodityExposure


def explain_buyer(
    outlook: Outlook, buyer_id: str
) -> tuple[tuple[str, ...], dict[str, pd.DataFrame]]:
    """Return what an outlook means to a buyer, in sentences and in tables by their title.

    Parameters
    ----------
    outlook : Outlook
        The simulated futures.
    buyer_id : str
        One of its buyers.

    Returns
    -------
    tuple of str
        A sentence each.
    dict of str to pandas.DataFrame
        Tables by their title.

    Raises
    ------
    ValueError
        If the outlook has no such buyer.
    """
    buyer = _buyer(outlook, buyer_id)
    case = outlook.case
    ongoing = [e.event_id for e in case.events if e.ended is None and e.started <= case.start]
    test = stress(case, ongoing) if ongoing else None
    use = f"{_text.shown(buyer.demand_tpa)} t/a of {buyer.commodity}"
    stock = f"{_text.shown(buyer.inventory_days)} days"
    words = [f"{buyer.name} uses {use} and has a stock for {stock}."]
    if test is None:
        words.append(f"No event is under way on {case.start}.")
    else:
        words += _ongoing_words(buyer, test)
    words += _future_words(outlook, buyer)
    return tuple(words), _tables(outlook, buyer, test)


def _buyer(outlook: Outlook, buyer_id: str) -> CommodityExposure:
    valid = list(outlook.exposures.index)
    faults = list(check.choice("buyer", buyer_id, valid))
    if not valid:
        faults = [Fault("buyer", "must be left out: the outlook has no buyers", buyer_id)]
    if faults:
        raise InvalidInputError("explain", faults)
    return next(one for one in outlook.case.exposures if one.buyer_id == buyer_id)


def _ongoing_words(buyer: CommodityExposure, test: StressTest) -> Iterator[str]:
    names = ", ".join(event.event_id for event in test.events)
    sources = _sources(buyer, test)
    hit = [
        f"{name} ({share:.0%} of his use, {lost:.0%} of it hit)"
        for name, share, lost in zip(
            *(sources[column] for column in ("source", "share", "share_hit")), strict=True
        )
        if lost > 0.0
    ]
    yield (
        f"Ongoing: {names}. Of his sources they hit {', '.join(hit)}."
        if hit
        else f"Ongoing: {names}. They hit none of the sources that he has named."
    )
    stages = _stages(buyer, test)
    reached = stages[np.isfinite(stages["reached_days"])].sort_values("reached_days", kind="stable")
    if len(reached):
        listed = ", ".join(
            f"{stage} (day {_text.shown(day)})" for stage, day in reached["reached_days"].items()
        )
        yield f"If they last for the median of what remains, the loss reaches {listed}."
        empty = stages["empty_days"]
        yield (
            f"First to run empty is {empty.idxmin()}, on day {_text.shown(empty.min())}."
            if np.isfinite(empty).any()
            else "None of these runs empty within the horizon."
        )
    row = test.buyers.loc[buyer.buyer_id].to_dict()
    weeks = row["weeks_until_short"]
    yield (
        f"He then runs short after {weeks:.1f} weeks and lacks {_text.shown(row['shortage_t'])} t."
        if np.isfinite(weeks)
        else "He does not run short then: what is missing he finds on the open market or in stock."
    )
    survive, recover = row["time_to_survive_days"], row["time_to_recover_days"]
    if np.isfinite(survive):
        yield (
            f"Time to survive: his stock covers what is hit for {_text.shown(survive)} days if "
            f"nothing replaces it. Time to recover: {_text.shown(recover)} days, "
            + ("longer than that." if recover > survive else "which the stock outlasts.")
        )


def _future_words(outlook: Outlook, buyer: CommodityExposure) -> Iterator[str]:
    row = outlook.exposures.loc[buyer.buyer_id].to_dict()
    lost = outlook.result.buyers[buyer.buyer_id]
    low, high = row["probability_short_ci_low"], row["probability_short_ci_high"]
    said = (
        f"In {row['probability_short']:.1%} [{low:.1%} to {high:.1%}] of "
        f"{outlook.n_scenarios:,} futures he runs short"
    )
    if np.isfinite(row["first_short_days"]):
        said += f", in half of these by day {_text.shown(row['first_short_days'])}"
    yield f"{said}."
    worst = metrics.value_at_risk(lost.cost_usd, level=TAIL_LEVEL)
    ends = metrics.value_at_risk_interval(lost.cost_usd, level=TAIL_LEVEL)
    peaks = outlook.peak_price_usd_per_t(buyer.commodity)
    peak = metrics.value_at_risk(peaks, level=TAIL_LEVEL)
    yield (
        f"In 1 of 20 futures his metal costs at least {_text.shown(worst)} USD more than without "
        f"the disruptions [{_text.shown(ends.low)} to {_text.shown(ends.high)}], "
        f"{_text.shown(row['tail_cost_usd'])} USD on average of these; in 1 of 20 the price peaks "
        f"at {_text.shown(peak)} USD/t or more."
    )
    yield from driver_words(outlook, buyer.buyer_id)
    yield from outlook.cautions


def driver_words(outlook: Outlook, buyer_id: str) -> Iterator[str]:
    """Yield who and what is behind a buyer's worst futures; nothing where they cost nothing.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    buyer_id : str
        The buyer.

    Yields
    ------
    str
        A sentence.
    """
    parts = []
    sites = {site.site_id: site.name for site in outlook.case.sites}
    for by, called in (("site", sites), ("peril", {})):
        table = outlook.drivers(buyer_id, by=by)
        if not table["tail_usd"].sum() > 0.0:
            return
        shares = table["tail_share"].head(3)
        named = (
            f"{called.get(str(name), str(name).replace('_', ' '))} {share:.0%}"
            for name, share in shares.items()
        )
        parts.append("; ".join(named))
    yield f"Behind his worst 5 % of futures: {parts[0]}. By peril: {parts[1]}."


def _tables(
    outlook: Outlook, buyer: CommodityExposure, test: StressTest | None
) -> dict[str, pd.DataFrame]:
    row = outlook.exposures.loc[buyer.buyer_id].drop(["name", "illustrative"])
    ends = ("_ci_low", "_ci_high")
    names = [str(name) for name in row.index if not str(name).endswith(ends)]
    figures = pd.DataFrame(
        [(name, row[name], *(row.get(f"{name}{end}") for end in ends)) for name in names],
        columns=["quantity", "value", "ci_low", "ci_high"],
    )
    tables = {} if test is None else {"Sources": _sources(buyer, test).drop(columns="buyer_id")}
    if test is not None:
        tables["When the loss reaches which stage"] = _stages(buyer, test).reset_index().round(6)
    tables["Over the futures"] = figures
    tables["Behind the worst 5 % of futures"] = outlook.drivers(buyer.buyer_id).reset_index()
    tables["How long sources may be missing"] = outlook.survival(buyer.buyer_id).reset_index()
    return {title: frame for title, frame in tables.items() if len(frame)}


def _sources(buyer: CommodityExposure, test: StressTest) -> pd.DataFrame:
    return test.sources[test.sources["buyer_id"] == buyer.buyer_id]


def _stages(buyer: CommodityExposure, test: StressTest) -> pd.DataFrame:
    """Return the stages before the buyer, and his own stock; none of another commodity."""
    own = f"stock of {buyer.buyer_id}"
    stages = test.stages
    if own not in stages.index:
        return stages.iloc[:0]
    others = [name for name in stages.index if str(name).startswith("stock of ") and name != own]
    return stages.drop(index=others).rename(index={own: "his own stock"})
