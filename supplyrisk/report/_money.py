"""The sections about money: what the price may do, and what it costs a buyer."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _text
from supplyrisk.explanation import driver_words
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, joined, paragraph, table, tag
from supplyrisk.report._section import PRICE_METRICS, Material, Section, aside, summary_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from supplyrisk.model.market import Market


def what_price(material: Material) -> Section | None:
    """Return what the price may do, and what the last quote says."""
    market = material.case.market()
    if market is None or "price_usd_per_t" not in material.outlook.steps.columns:
        return None
    # What the quote implies is no sample of the futures; it is said in words.
    chosen = {m: row for m, row in material.summary.items() if m.startswith(PRICE_METRICS[:2])}
    body = (
        *(paragraph(sentence) for sentence in _price_words(material, market)),
        material.picture("price"),
        _price_table(material),
        summary_table("The highest price within the horizon", chosen),
        paragraph(
            "The price answers linearly to the share of a year's supply that is expected to be "
            "missing, or is missing from stocks and use; this is not validated for more than a "
            "quarter of supply.",
            class_="note",
        ),
    )
    return Section("price", "At what price?", joined(body))


def _price_words(material: Material, market: Market) -> Iterator[str]:
    age = (material.case.start - market.quote_date).days
    said = f"The price before was {_text.shown(market.price_usd_per_t)} USD/t ("
    if market.last_quote_usd_per_t is not None:
        said += (
            f"{words.day(market.price_date)}). The last quote is "
            f"{_text.shown(market.quote_usd_per_t)} USD/t ("
        )
    before = f"{_text.counted(range(age), 'day')} before" if age else "the day of"
    yield f"{said}{words.day(market.quote_date)}, {before} the start)."
    view = material.outlook.market_view
    if view is not None and math.isfinite(view.implied_elasticity_sum):
        yield (
            f"That is {words.signed_percent(view.quote_ratio - 1.0)}, while "
            f"{words.percent(view.shortfall)} of a year's supply was expected to be missing: the "
            f"two fit at an elasticity sum of {_text.shown(view.implied_elasticity_sum)}."
        )
    if view is not None and all(math.isfinite(count) for count in view.implied_closure_days):
        low, middle, high = (words.days(count) for count in view.implied_closure_days)
        yield (
            f"Read backwards, the quote fits a full closure of {middle} days "
            f"({low} to {high} days over the elasticities held possible)."
        )
    if market.elasticity_demand is None:
        yield (
            "No short-run elasticity is given for this market; its sum for supply and demand is "
            f"drawn around {market.elasticity_sum_median:g} (lognormal, sigma "
            f"{market.elasticity_sum_sigma:g})."
        )


def _price_table(material: Material) -> Markup:
    steps = material.outlook.steps["price_usd_per_t"]
    edges = material.outlook.plan.edges_days[1:]
    wanted = [count for count in (30, 90, 180) if count < edges[-1]]
    places = sorted({*np.searchsorted(edges, wanted).tolist(), len(edges) - 1})
    chosen = steps.iloc[places]
    dates = [material.case.start + dt.timedelta(days=int(edges[place])) for place in places]
    levels = {
        words.percent(0.05): "q05",
        words.percent(0.25): "q25",
        "median": "q50",
        words.percent(0.75): "q75",
        words.percent(0.95): "q95",
    }
    return table(
        "Price [USD/t]: quantiles of the futures by day",
        [
            Column("Day", [words.day(date) for date in dates]),
            *(
                Column(heading, [_text.shown(x) for x in chosen[name]], numeric=True)
                for heading, name in levels.items()
            ),
        ],
    )


def whose_cost(material: Material) -> Section | None:
    """Return what it costs each buyer."""
    buyers = material.outlook.exposures
    if not len(buyers):
        return None
    flags = buyers["illustrative"].tolist()
    made_up = [name for name, flag in zip(buyers["name"], flags, strict=True) if flag]
    warning = Markup()
    if made_up:
        warning = paragraph(
            tag("strong", "Made up to show the method: "),
            f"{words.listed(made_up)}. Their figures say nothing about any real company.",
            class_="warning",
        )
    measures = _buyer_measures(buyers)
    columns = [Column("Measure", list(measures))]
    for place, (name, flag) in enumerate(zip(buyers["name"], flags, strict=True)):
        heading = joined((name, " ", tag("span", "made up", class_="badge"))) if flag else name
        columns.append(Column(heading, [cells[place] for cells in measures.values()], numeric=True))
    note = paragraph(
        "Costs are against the same futures without the disruptions that became known after the "
        "price before; what was shut by then is in that price, so its return is a gain. A bad "
        f"year is the mean of the worst {words.WORST} of futures, of each row by itself. The "
        "stock is set against the loss of the largest source, as if nothing replaced it.",
        class_="note",
    )
    behind = [
        paragraph(f"{name}. {sentence}")
        for buyer_id, name in buyers["name"].items()
        for sentence in driver_words(material.outlook, str(buyer_id))
    ]
    pictures = [material.picture(f"shortage-{buyer_id}") for buyer_id in buyers.index]
    costs = table("What it costs the buyers", columns)
    body = (warning, costs, note, material.picture("buyers"), *behind, *pictures)
    return Section("buyers", "What does it cost a buyer?", joined(body))


def _buyer_measures(buyers: pd.DataFrame) -> dict[str, list[str]]:
    """Return each measure by its heading, a text for each buyer."""
    expected: list[str] = [
        joined((words.dollars(cost), aside(words.dollars(low), words.dollars(high))))
        for cost, low, high in zip(
            buyers["expected_cost_usd"],
            buyers["expected_cost_usd_ci_low"],
            buyers["expected_cost_usd_ci_high"],
            strict=True,
        )
    ]
    shown: dict[str, tuple[str, Callable[[float], str]]] = {
        "Dearer metal, bad year": ("tail_cost_usd", words.dollars),
        "Dearer metal against the price before, expected": (
            "expected_cost_against_budget_usd",
            words.dollars,
        ),
        "Dearer metal against the price before, bad year": (
            "tail_cost_against_budget_usd",
            words.dollars,
        ),
        "Lost margin, expected": ("expected_lost_margin_usd", words.dollars),
        "Lost margin, bad year": ("tail_lost_margin_usd", words.dollars),
        "Chance of a shortage": ("probability_short", words.percent),
        "Shortage, expected [t]": ("expected_shortage_t", words.tonnes),
        "Shortage, bad year [t]": ("tail_shortage_t", words.tonnes),
        "Days that the own stock lasts, nothing replaced": ("time_to_survive_days", words.days),
    }
    first = f"Dearer metal, expected, with {words.NINETY} interval"
    rest = {heading: [say(x) for x in buyers[name]] for heading, (name, say) in shown.items()}
    return {first: expected, **rest}
