"""The sections that say what was found: in short, where, how long, how much, which price, whose."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _text, indicators
from supplyrisk.engine.tables import TAIL_LEVEL
from supplyrisk.explanation import ENOUGH_IN_THE_TAIL, ongoing_table
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, items, joined, link, paragraph, table, tag
from supplyrisk.report._section import Material, Section, summary_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from supplyrisk.model.case import Case
    from supplyrisk.model.market import Market

_MOST_SITES = 40
_MOST_TILES = 2
_PRICE_PARTS = ("last_quote", "peak_price", "quote_against", "implied_")


def in_short(material: Material) -> Section:
    """Return the headline: supply at risk with its interval, and what else matters most."""
    outlook, case = material.outlook, material.case
    tiles = [*_loss_tiles(material), *_ongoing_tiles(material), *_price_tiles(material)]
    sentences = [*_begun(material)]
    in_tail = int(outlook.n_scenarios * (1.0 - TAIL_LEVEL) + 1e-9)
    if in_tail < ENOUGH_IN_THE_TAIL:
        sentences.append(
            f"Only {in_tail} futures are in the worst {words.WORST}: simulate more before quoting a figure "
            f"from there (at least {ENOUGH_IN_THE_TAIL} in the tail)."
        )
    note = paragraph(
        f"Every interval is the {words.NINETY} sampling error of the simulation. It does not hold what is "
        "uncertain in the assumptions; ",
        link("#assumed", "they are listed below"),
        ".",
        class_="note",
    )
    opening = paragraph(
        f"{outlook.n_scenarios:,} simulated futures of {case.horizon_days} days of "
        f"{material.commodity} supply, from {words.day(case.start)} on, with what could be known "
        "on that day.",
        class_="lead",
    )
    tiled = tag("dl", *tiles, class_="tiles")
    said = joined(paragraph(sentence) for sentence in sentences)
    return Section("in-short", "In short", joined((opening, tiled, said, note)))


def _tile(name: str, figure: str, meaning: str) -> Markup:
    return tag(
        "div",
        tag("dt", name),
        tag("dd", figure, class_="figure"),
        tag("dd", meaning),
    )


def _loss_tiles(material: Material) -> Iterator[Markup]:
    rows, commodity = material.summary, material.commodity
    planned = material.value("planned_t")
    expected = rows.loc["expected_lost_t"]
    if "supply_at_risk" in rows.index:
        risk = rows.loc["supply_at_risk"]
        ends = words.between(words.percent(risk["ci_low"]), words.percent(risk["ci_high"]))
        yield _tile(
            "Supply at risk",
            words.percent(risk["value"]),
            f"of the {commodity} planned is lost in the worst {words.WORST} of futures, on average "
            f"[{ends}]",
        )
    ends = words.between(words.tonnes(expected["ci_low"]), words.tonnes(expected["ci_high"]))
    share = f", {words.percent(expected['value'] / planned)} of the plan" if planned > 0.0 else ""
    yield _tile(
        "Expected loss",
        f"{words.tonnes(expected['value'])} t",
        f"mean of all futures{share} [{ends}]",
    )


def _ongoing_tiles(material: Material) -> Iterator[Markup]:
    case = material.case
    rows = ongoing_table(case)
    if not len(rows):
        return
    events = {event.event_id: event for event in case.events}
    # The newest first: it is why the page is read.
    newest = rows.sort_values("elapsed_d", kind="stable").head(_MOST_TILES)
    for row in newest.itertuples(index=False):
        ends = words.between(words.days(row.q05_left_d), words.days(row.q95_left_d))
        yield _tile(
            words.scope(case, events[row.event].scope),
            f"{words.days(row.median_left_d)} days",
            f"left in the median, after {words.days(row.elapsed_d)} days of standstill "
            f"[{words.NINETY} of the futures: {ends}]",
        )


def _price_tiles(material: Material) -> Iterator[Markup]:
    market = material.case.market()
    if market is None or "peak_price_50_usd_per_t" not in material.summary.index:
        return
    peak, high = (material.value(f"peak_price_{level}_usd_per_t") for level in (50, 95))
    yield _tile(
        "Highest price",
        f"{_text.shown(peak)} USD/t",
        f"in the median of the futures, {_text.shown(high)} in 1 of 20; the last quote is "
        f"{_text.shown(market.quote_usd_per_t)}",
    )


def _begun(material: Material) -> Iterator[str]:
    """Say how much of the loss is of events that have begun: it is no forecast of new ones."""
    case, expected = material.case, material.value("expected_lost_t")
    begun = {event.event_id: event for event in case.events if event.started <= case.start}
    parts = material.outlook.contributions("threat")["expected_t"]
    lost = {name: float(part) for name, part in parts.items() if name in begun and part > 0.0}
    if not lost or not expected > 0.0:
        return
    named = [
        f"{words.scope(case, begun[str(name)].scope)} "
        f"({words.plain(str(begun[str(name)].peril))} since {words.day(begun[str(name)].started)})"
        for name in lost
    ]
    yield (
        f"{words.percent(sum(lost.values()) / expected)} of the expected loss has begun already: "
        f"{words.listed(named)}."
    )


def where(material: Material) -> Section:
    """Return where the sites are, how much each makes and may lose."""
    outlook = material.outlook
    plan = outlook.sites["production_tpa"]
    by_country = plan.groupby(outlook.sites["country"]).sum().sort_values(ascending=False)
    said = Markup()
    if by_country.sum() > 0.0:
        shares = by_country / by_country.sum()
        largest = [f"{words.country(str(c))} {words.percent(s)}" for c, s in shares.head(3).items()]
        said = paragraph(
            f"{len(plan)} sites in {len(by_country)} countries plan {words.tonnes(plan.sum())} "
            f"t/a of {material.commodity}; the largest parts are those of {words.listed(largest)} "
            f"(Herfindahl-Hirschman index by country {indicators.hhi(shares.to_numpy()):.2f})."
        )
    return Section("where", "Where?", joined((said, material.picture("map"), _sites(material))))


def _sites(material: Material) -> Markup:
    ordered = material.outlook.sites.sort_values(
        "tail_contribution_t", ascending=False, kind="stable"
    )
    shown = ordered.head(_MOST_SITES)
    left = len(ordered) - len(shown)
    note = paragraph(f"{left} more sites have smaller parts.", class_="note") if left else Markup()
    lost = [
        joined((words.tonnes(mean), _aside(words.tonnes(low), words.tonnes(high))))
        for mean, low, high in zip(
            shown["expected_lost_t"], shown["ci_low"], shown["ci_high"], strict=True
        )
    ]
    columns = [
        Column("Site", shown["name"].tolist()),
        Column("Country", [words.country(code) for code in shown["country"]]),
        Column("Plan [t/a]", [words.tonnes(t) for t in shown["production_tpa"]], numeric=True),
        Column(f"Expected loss [t], {words.NINETY} interval", lost, numeric=True),
        Column(
            "Share of its plan",
            [words.percent(share) for share in shown["expected_lost_share"]],
            numeric=True,
        ),
        Column(
            f"Part of the worst {words.WORST} [t]",
            [words.tonnes(t) for t in shown["tail_contribution_t"]],
            numeric=True,
        ),
    ]
    return joined((table("Sites, those with the largest part of a bad year first", columns), note))


def how_long(material: Material) -> Section | None:
    """Return how long what stands still may last."""
    case = material.case
    rows = ongoing_table(case)
    picture = material.picture("timeline")
    if not len(rows) and not picture:
        return None
    if not len(rows):
        said = paragraph("Nothing stands still at the start of the case.")
        return Section("how-long", "How long?", joined((said, picture)))
    events = {event.event_id: event for event in case.events}
    sentences = [
        f"{words.scope(case, events[row.event].scope)} has stood still for "
        f"{words.days(row.elapsed_d)} days: as likely as not it is back within "
        f"{words.days(row.median_left_d)} more days, and within 30 with probability "
        f"{words.percent(row.over_in_30_d)}."
        for row in rows.itertuples(index=False)
    ]
    note = paragraph(
        "What remains is drawn given the days that have passed: the longer a stop has lasted, the "
        "longer it usually goes on. The return to full production comes on top.",
        class_="note",
    )
    body = (items(sentences), _remaining(case, rows), note, picture)
    return Section("how-long", "How long?", joined(body))


def _remaining(case: Case, rows: pd.DataFrame) -> Markup:
    events = {event.event_id: event for event in case.events}
    chances = [
        Column(
            f"Over in {count} d",
            [words.percent(share) for share in rows[f"over_in_{count}_d"]],
            numeric=True,
        )
        for count in (30, 90, 180, 365)
    ]
    figures = {
        "Days so far": "elapsed_d",
        "Left: 5 %": "q05_left_d",
        "median": "median_left_d",
        "95 %": "q95_left_d",
    }
    return table(
        "Days that ongoing outages may still last",
        [
            Column("Outage", [words.scope(case, events[name].scope) for name in rows["event"]]),
            Column("Cause", [words.plain(peril) for peril in rows["peril"]]),
            *(
                Column(heading, [words.days(x) for x in rows[name]], numeric=True)
                for heading, name in figures.items()
            ),
            *chances,
        ],
    )


def how_much(material: Material) -> Section:
    """Return how much is lost: measures, curve, parts and supply over time."""
    rows = material.summary
    mine = [not str(metric).startswith(_PRICE_PARTS) for metric in rows.index]
    pictures = (material.picture(name) for name in ("exceedance", "contributions", "supply"))
    losses = summary_table("Production and its loss over the horizon", rows.loc[mine])
    return Section("how-much", "How much?", joined((losses, *pictures)))


def what_price(material: Material) -> Section | None:
    """Return what the price may do, and what the last quote says."""
    market = material.case.market()
    if market is None or "price_usd_per_t" not in material.outlook.steps.columns:
        return None
    rows = material.summary
    chosen = [str(metric).startswith(_PRICE_PARTS[:2]) for metric in rows.index]
    body = (
        *(paragraph(sentence) for sentence in _price_words(material, market)),
        material.picture("price"),
        _price_table(material),
        summary_table("The highest price within the horizon", rows.loc[chosen]),
        paragraph(
            "The price answers linearly to the share of a year's supply that is expected to be "
            "missing; this is not validated for more than a quarter of supply.",
            class_="note",
        ),
    )
    return Section("price", "At what price?", joined(body))


def _price_words(material: Material, market: Market) -> Iterator[str]:
    age = (material.case.start - market.quote_date).days
    yield (
        f"The price before was {_text.shown(market.price_usd_per_t)} USD/t "
        f"({words.day(market.price_date)}). The last quote is "
        f"{_text.shown(market.quote_usd_per_t)} USD/t ({words.day(market.quote_date)}, "
        + (f"{age} days before the start)." if age else "the day of the start).")
    )
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
    levels = {"5 %": "q05", "25 %": "q25", "median": "q50", "75 %": "q75", "95 %": "q95"}
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
        "Costs are against the same futures without disruptions. A bad year is the mean of the "
        f"worst {words.WORST} of futures, of each row by itself. The stock is set against the loss "
        "of the largest source.",
        class_="note",
    )
    body = (warning, table("What it costs the buyers", columns), note, material.picture("buyers"))
    return Section("buyers", "What does it cost a buyer?", joined(body))


def _buyer_measures(buyers: pd.DataFrame) -> dict[str, list[str]]:
    """Return each measure by its heading, a text for each buyer."""
    expected: list[str] = [
        joined((words.dollars(cost), _aside(words.dollars(low), words.dollars(high))))
        for cost, low, high in zip(
            buyers["expected_cost_usd"], buyers["ci_low"], buyers["ci_high"], strict=True
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
        "Days that the own stock lasts": ("time_to_survive_days", words.days),
    }
    first = f"Dearer metal, expected, with {words.NINETY} interval"
    rest = {heading: [say(x) for x in buyers[name]] for heading, (name, say) in shown.items()}
    return {first: expected, **rest}


def _aside(low: str, high: str) -> Markup:
    return tag("small", f" [{words.between(low, high)}]")
