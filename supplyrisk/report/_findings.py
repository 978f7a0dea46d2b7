"""The sections that say what was found: in short, where, how long, how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplyrisk import _text, indicators
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, items, joined, link, paragraph, table, tag
from supplyrisk.report._section import (
    PRICE_METRICS,
    WITHIN_DAYS,
    Material,
    Section,
    aside,
    summary_table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_SITES: Final = 40
_MOST_TILES: Final = 2


def in_short(material: Material) -> Section:
    """Return the headline: supply at risk with its interval, and what else matters most."""
    outlook = material.outlook
    tiles = [*_loss_tiles(material), *_ongoing_tiles(material), *_price_tiles(material)]
    sentences = [*_begun(material), *outlook.cautions]
    note = paragraph(
        f"Every interval is the {words.NINETY} sampling error of the simulation. It does not hold "
        "what is uncertain in the assumptions; ",
        link("#assumed", "they are listed below"),
        ".",
        class_="note",
    )
    opening = paragraph(_headline(material), class_="lead")
    tiled = tag("dl", *tiles, class_="tiles")
    said = joined(paragraph(sentence) for sentence in sentences)
    return Section("in-short", "In short", joined((opening, tiled, said, note)))


def _headline(material: Material) -> str:
    case, risk = material.case, material.summary.get("supply_at_risk")
    span = f"the {case.horizon_days} days from {words.day(case.start)} on"
    if risk is None:
        return f"{material.outlook.n_scenarios:,} futures were simulated for {span}."
    ends = words.between(words.percent(risk.low), words.percent(risk.high))
    return (
        f"In the worst {words.WORST} of {material.outlook.n_scenarios:,} simulated futures, "
        f"{words.percent(risk.value)} of the {material.commodity} planned for {span} is lost on "
        f"average ({words.NINETY} interval {ends})."
    )


def _tile(name: str, figure: str, meaning: str) -> Markup:
    return tag(
        "div",
        tag("dt", name),
        tag("dd", figure, class_="figure"),
        tag("dd", meaning),
    )


def _loss_tiles(material: Material) -> Iterator[Markup]:
    expected, planned = material.summary["expected_lost_t"], material.summary["planned_t"].value
    risk = material.summary.get("supply_at_risk")
    if risk is not None:
        ends = words.between(words.percent(risk.low), words.percent(risk.high))
        yield _tile(
            "Supply at risk",
            words.percent(risk.value),
            f"of the plan: mean of the worst {words.WORST} of futures [{ends}]",
        )
    ends = words.between(words.tonnes(expected.low), words.tonnes(expected.high))
    share = f", {words.percent(expected.value / planned)} of the plan" if planned > 0.0 else ""
    yield _tile(
        "Expected loss",
        f"{words.tonnes(expected.value)} t",
        f"mean of all futures{share} [{ends}]",
    )


def _ongoing_tiles(material: Material) -> Iterator[Markup]:
    # The newest first: it is why the page is read.
    for row in sorted(material.ongoing, key=lambda row: row.elapsed_days)[:_MOST_TILES]:
        low, middle, high = (words.days(count) for count in row.left_days)
        yield _tile(
            words.capital(words.scope(material.case, row.event.scope)),
            f"{middle} days",
            f"left in the median, after {words.days(row.elapsed_days)} days of standstill "
            f"[{words.NINETY} of the futures: {words.between(low, high)}]",
        )


def _price_tiles(material: Material) -> Iterator[Markup]:
    market, peak = material.case.market(), material.summary.get("peak_price_50_usd_per_t")
    if market is None or peak is None:
        return
    high = material.summary["peak_price_95_usd_per_t"]
    yield _tile(
        "Highest price",
        f"{_text.shown(peak.value)} USD/t",
        f"in the median of the futures, {_text.shown(high.value)} in 1 of 20; the last quote is "
        f"{_text.shown(market.quote_usd_per_t)}",
    )


def _begun(material: Material) -> Iterator[str]:
    """Say how much of the loss is of events that have begun: it is no forecast of new ones."""
    case, expected = material.case, material.summary["expected_lost_t"].value
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
            f"{_text.counted(plan, 'site')} in "
            f"{_text.counted(by_country, 'country', 'countries')} "
            f"{'plans' if len(plan) == 1 else 'plan'} {words.tonnes(plan.sum())} "
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
        joined((words.tonnes(mean), aside(words.tonnes(low), words.tonnes(high))))
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
    picture = material.picture("timeline")
    if not material.ongoing:
        said = paragraph("Nothing stands still at the start of the case.")
        return Section("how-long", "How long?", joined((said, picture))) if picture else None
    sentences = [
        f"{words.capital(words.scope(material.case, row.event.scope))} has stood still for "
        f"{words.days(row.elapsed_days)} days: as likely as not it is back within "
        f"{words.days(row.left_days[1])} more days, and within {WITHIN_DAYS[0]} with probability "
        f"{words.percent(row.over_within[WITHIN_DAYS[0]])}."
        for row in material.ongoing
    ]
    note = paragraph(
        "What remains is drawn given the days that have passed; the return to full production "
        "comes on top.",
        class_="note",
    )
    body = (items(sentences), _remaining(material), note, picture)
    return Section("how-long", "How long?", joined(body))


def _remaining(material: Material) -> Markup:
    rows = material.ongoing
    left = [[words.days(row.left_days[place]) for row in rows] for place in range(3)]
    chances = [
        Column(
            f"Over in {count} d",
            [words.percent(row.over_within[count]) for row in rows],
            numeric=True,
        )
        for count in WITHIN_DAYS
    ]
    return table(
        "Days that ongoing outages may still last",
        [
            Column("Outage", [words.scope(material.case, row.event.scope) for row in rows]),
            Column("Cause", [words.plain(str(row.event.peril)) for row in rows]),
            Column("Days so far", [words.days(row.elapsed_days) for row in rows], numeric=True),
            Column(f"Left: {words.percent(0.05)}", left[0], numeric=True),
            Column("median", left[1], numeric=True),
            Column(words.percent(0.95), left[2], numeric=True),
            *chances,
        ],
    )


def how_much(material: Material) -> Section:
    """Return how much is lost: measures, curve, parts and supply over time."""
    chosen = {m: row for m, row in material.summary.items() if not m.startswith(PRICE_METRICS)}
    pictures = (material.picture(name) for name in ("exceedance", "contributions", "supply"))
    losses = summary_table("Production and its loss over the horizon", chosen)
    return Section("how-much", "How much?", joined((losses, *pictures)))
