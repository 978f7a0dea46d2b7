"""The section about the metal between mines and buyers: its way, its stocks, its balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplyrisk.explanation import balance_words, market_words, stocks_table, way_words
from supplyrisk.model.stocks import planned_feeds
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, joined, paragraph, table
from supplyrisk.report._section import Material, Section

if TYPE_CHECKING:
    from supplyrisk.model.case import Case


def how_long_stocks(material: Material) -> Section | None:
    """Return which way the metal takes, what is in stock on it, and how that runs down."""
    case, outlook = material.case, material.outlook
    if not outlook.result.markets:
        return None
    said = [paragraph(sentence) for sentence in (*way_words(case), *market_words(case))]
    balance = [paragraph(sentence, class_="note") for sentence in balance_words(outlook)]
    body = (
        *said,
        _routes(case) if case.routes else Markup(),
        _smelters(case) if case.smelters else Markup(),
        _stocks(case),
        material.picture("stocks"),
        _by_quarter(material) if case.commodity in outlook.result.markets else Markup(),
        *balance,
    )
    return Section("stocks", "How long do stocks last?", joined(body))


def _routes(case: Case) -> Markup:
    return table(
        "Ways that the metal takes",
        [
            Column("From", [words.place(case, route.from_id) for route in case.routes]),
            Column("To", [words.place(case, route.to_id) for route in case.routes]),
            Column(
                "Under way [d]", [words.days(r.transit_days) for r in case.routes], numeric=True
            ),
            Column(
                "Share of what leaves",
                ["standby" if r.share == 0.0 else words.percent(r.share) for r in case.routes],
                numeric=True,
            ),
        ],
    )


def _smelters(case: Case) -> Markup:
    feeds, held = planned_feeds(case), case.smelters
    return table(
        "Smelters",
        [
            Column("Smelter", [smelter.name for smelter in held]),
            Column("Country", [words.country(smelter.country) for smelter in held]),
            Column(
                "Planned feed [t/a]",
                [words.tonnes(feeds[smelter.smelter_id]) for smelter in held],
                numeric=True,
            ),
            Column("Capacity [t/a]", [words.tonnes(s.capacity_tpa) for s in held], numeric=True),
            Column("Feed in stock [d]", [words.days(s.feed_days) for s in held], numeric=True),
        ],
    )


def _stocks(case: Case) -> Markup:
    held = stocks_table(case)
    several = held["commodity"].nunique() > 1
    stages = [
        f"{stage} ({words.plain(commodity)})" if several else stage
        for stage, commodity in zip(held["stage"], held["commodity"], strict=True)
    ]
    return table(
        "What is in stock while nothing is disrupted",
        [
            Column("Where", stages),
            Column("Stock [t]", [words.tonnes(t) for t in held["stock_t"]], numeric=True),
            Column("Lasts [d]", [words.days(d) for d in held["lasts_d"]], numeric=True),
            Column("How it is known", held["assumed"].tolist()),
        ],
    )


def _by_quarter(material: Material) -> Markup:
    quarters = material.outlook.market_balance()
    columns = {"Supply [t]": "supply_t", "Use [t]": "use_t", "Balance [t]": "balance_t"}
    return table(
        f"Refined {material.commodity} by quarter, mean of all futures; below 0 is a deficit",
        [
            Column("Quarter", [str(quarter) for quarter in quarters.index]),
            *(
                Column(heading, [words.tonnes(t) for t in quarters[name]], numeric=True)
                for heading, name in columns.items()
            ),
            Column("Days counted", [words.days(d) for d in quarters["days"]], numeric=True),
        ],
    )
