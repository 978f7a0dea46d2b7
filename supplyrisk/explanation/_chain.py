"""What a case says of the way of its metal, and of the stocks on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk._text import counted, shown
from supplyrisk.model import paths
from supplyrisk.model.stocks import Stock, planned_feeds, undisturbed_stocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.model.case import Case
    from supplyrisk.model.market import Market

DEFAULT: Final = "library's default"
"""What stands for the source of a figure that a case leaves as the library has it."""

_STAGES: Final = {
    "mines": ("at the mines", "sites", "stock_days"),
    "under_way": ("under way", "routes", "transit_days"),
    "feed": ("feed of the smelters", "smelters", "feed_days"),
    "exchange": ("at the exchange", "markets", "stock_t"),
    "buyers": ("with the buyers", "exposures", "inventory_days"),
    "rest": ("with the rest of the market", "markets", "consumer_stock_days"),
}
"""Each stage by its key: its name, and the collection and field that say how much it holds."""


def standing(case: Case, path: str) -> str | None:
    """Return the standing of the nearest citation that covers a figure, if there is one."""
    covering = [c for c in case.citations if f"{path}.".startswith(f"{c.path}.")]
    return max(covering, key=lambda c: len(c.path)).standing if covering else None


def way_words(case: Case) -> Iterator[str]:
    """Yield which routes and smelters the metal passes."""
    if not (case.routes or case.smelters):
        return
    passed = counted(case.routes, "route")
    if case.smelters:
        passed = f"{passed} and passes {counted(case.smelters, 'smelter')}"
    yield f"Metal takes {passed}; what a shut mine does not send is missed only at their end."
    own = [site for site in case.sites if site.commodity == case.commodity]
    shares = dict.fromkeys((site.site_id for site in own), 1.0)
    for route in case.routes:
        if route.from_id in shares:
            shares[route.from_id] -= route.share
    at_once = sum(site.production_tpa * shares[site.site_id] for site in own)
    planned = sum(site.production_tpa for site in own)
    if at_once > 1e-9 * planned:
        yield (
            f"No route is named for {shown(at_once)} of {shown(planned)} t/a of {case.commodity}: "
            "that metal is at the market on the day it is mined."
        )


def market_words(case: Case) -> Iterator[str]:
    """Yield what every market assumes of use, stocks and what moves its price."""
    for market in case.markets:
        held = undisturbed_stocks(case, market)
        use = held["buyers"].flow_tpa + held["rest"].flow_tpa
        whole = Stock(sum(stage.stock_t for stage in held.values()), use)
        yield (
            f"Use of {_name(market)} follows the supply that is expected, {shown(use)} t/a by "
            f"plan, or stocks would drain for no reason; the stated demand of "
            f"{shown(market.demand_tpa)} t/a moves nothing."
        )
        yield (
            f"Undisturbed, {shown(whole.stock_t)} t of {_name(market)} are in stock or under way, "
            f"{shown(whole.days)} days of use."
        )
        yield _price_words(market)


def _name(market: Market) -> str:
    return market.commodity.replace("_", " ")


def _price_words(market: Market) -> str:
    counts = "missing stocks and use that was not met"
    sentence = {
        (True, True): f"looks ahead at supply that is expected to be missing, and counts {counts}",
        (True, False): "looks ahead at supply that is expected to be missing, and does not count "
        f"{counts} (counts_stocks is off)",
        (False, True): f"counts {counts}, and does not look ahead (looks_ahead is off)",
        (False, False): "answers no disruption (looks_ahead and counts_stocks are off)",
    }[market.looks_ahead, market.counts_stocks]
    return f"The price of {_name(market)} {sentence}."


def way_tables(case: Case) -> dict[str, pd.DataFrame]:
    """Return routes, smelters and stocks as tables by their title; some may be empty."""
    feeds = planned_feeds(case)
    return {
        "Routes": pd.DataFrame(
            [
                (r.route_id, r.from_id, r.to_id, r.transit_days, r.share, r.capacity_tpa)
                for r in case.routes
            ],
            columns=["route", "from", "to", "transit_d", "share", "capacity_tpa"],
        ),
        "Smelters": pd.DataFrame(
            [
                (s.smelter_id, s.name, s.country, feeds[s.smelter_id], s.capacity_tpa, s.feed_days)
                for s in case.smelters
            ],
            columns=["smelter", "name", "country", "planned_feed_tpa", "capacity_tpa", "feed_d"],
        ),
        "Stocks while nothing is disrupted": stocks_table(case),
    }


def stocks_table(case: Case) -> pd.DataFrame:
    """Return what each stage holds by plan, for how long that lasts, and who says so."""
    records = []
    for market in case.markets:
        for key, stock in undisturbed_stocks(case, market).items():
            stage, collection, field = _STAGES[key]
            said = _said(case, market, collection, field)
            if said:
                records.append((market.commodity, stage, stock.stock_t, stock.days, said))
    return pd.DataFrame(records, columns=["commodity", "stage", "stock_t", "lasts_d", "assumed"])


def _said(case: Case, market: Market, collection: str, field: str) -> str:
    """Return how the figures of a stage are known, with their number where they differ."""
    found = Counter(
        _known_by(case, f"{collection}.{name}", part, field)
        for name, part in paths.members(case, collection).items()
        if _commodity(case, part) == market.commodity
    )
    if len(found) < 2:
        return "".join(found)
    return ", ".join(f"{name}: {count}" for name, count in found.most_common())


def _commodity(case: Case, part: object) -> str:
    """Return the commodity of a part; of a route, that of the place it leaves."""
    origin = getattr(part, "from_id", None)
    if origin is None:
        return str(getattr(part, "commodity"))  # noqa: B009 - parts of several classes
    places = paths.members(case, "sites") | paths.members(case, "smelters")
    return str(places[origin].commodity)


def _known_by(case: Case, path: str, part: object, field: str) -> str:
    """Return the standing of a figure; a citation of the whole part says nothing of a default."""
    whole = f"{path}.{field}"
    default = {f.name: f.default for f in fields(part)}[field]  # type: ignore[arg-type]
    if getattr(part, field) == default and not any(c.path == whole for c in case.citations):
        return DEFAULT
    return standing(case, whole) or "without a citation"
