"""What every section of the page is made from, and what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from supplyrisk import _text
from supplyrisk.explanation import ongoing_table
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, joined, link, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.case import Case
    from supplyrisk.model.hazard import DisruptionEvent
    from supplyrisk.model.outcome import Outcome


PRICE_METRICS: Final = ("last_quote", "peak_price", "quote_against", "implied_")
"""How metrics of the summary begin that are about the price."""
WITHIN_DAYS: Final = (30, 90, 180, 365)
"""Days from now for which the page says how likely an outage is over. [d]"""


class Section(NamedTuple):
    """A section of the page.

    Attributes
    ----------
    key
        Its place on the page, for links.
    title
        The question that it answers.
    body
        The answer.
    """

    key: str
    title: str
    body: Markup


class Measure(NamedTuple):
    """A headline number with its interval, and its unit.

    Attributes
    ----------
    value, low, high
        Number and ends of its 90 % interval; ends that are not numbers where there is none.
    unit
        Its unit; ``"1"`` for none.
    """

    value: float
    low: float
    high: float
    unit: str

    @property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the interval, if there is one."""
        return None if math.isnan(self.low) else (self.low, self.high)


class Ongoing(NamedTuple):
    """What remains of an ongoing outage.

    Attributes
    ----------
    event
        The outage.
    elapsed_days
        Days that have passed. [d]
    left_days
        Quantiles at 5, 50 and 95 % of the days that remain. [d]
    over_within
        Probability that it is over, by days from now. [1]
    """

    event: DisruptionEvent
    elapsed_days: float
    left_days: tuple[float, float, float]
    over_within: dict[int, float]


@dataclass(frozen=True, eq=False)
class Material:
    """What the sections are made from.

    Attributes
    ----------
    outlook
        Simulated futures.
    summary
        Its summary by metric.
    ongoing
        What remains of each ongoing outage.
    outcome
        What then happened, if it is known.
    pictures
        Pictures by name, drawn.
    """

    outlook: Outlook
    summary: Mapping[str, Measure]
    ongoing: tuple[Ongoing, ...]
    outcome: Outcome | None
    pictures: Mapping[str, Markup]

    @property
    def case(self) -> Case:
        """The case."""
        return self.outlook.case

    @property
    def commodity(self) -> str:
        """Name of what is lost, in words."""
        return words.plain(str(self.case.commodity))

    def picture(self, name: str) -> Markup:
        """Return a picture, or nothing where there is none."""
        return self.pictures.get(name, Markup())


def material(outlook: Outlook, outcome: Outcome | None, pictures: Mapping[str, Markup]) -> Material:
    """Gather what the sections are made from.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    outcome : Outcome or None
        What then happened.
    pictures : mapping of str to Markup
        Pictures by name, drawn.

    Returns
    -------
    Material
        All of it, in the types of the page.
    """
    summary = {
        row["metric"]: Measure(row["value"], row["ci_low"], row["ci_high"], row["unit"])
        for row in outlook.summary().to_dict("records")
    }
    events = {event.event_id: event for event in outlook.case.events}
    ongoing = tuple(
        Ongoing(
            event=events[row["event"]],
            elapsed_days=row["elapsed_d"],
            left_days=(row["q05_left_d"], row["median_left_d"], row["q95_left_d"]),
            over_within={days: row[f"over_in_{days}_d"] for days in WITHIN_DAYS},
        )
        for row in ongoing_table(outlook.case).to_dict("records")
    )
    return Material(outlook, summary, ongoing, outcome, pictures)


_MEASURES: Final = {
    "planned_t": "Planned production",
    "expected_lost_t": "Expected loss",
    "supply_at_risk": f"Supply at risk: mean of the worst {words.WORST}, as a share of the plan",
    "tail_value_at_risk_95_t": f"Mean loss of the worst {words.WORST} of futures",
    "value_at_risk_50_t": "Loss that 1 in 2 futures reaches",
    "value_at_risk_90_t": "Loss that 1 in 10 futures reaches",
    "value_at_risk_95_t": "Loss that 1 in 20 futures reaches",
    "value_at_risk_99_t": "Loss that 1 in 100 futures reaches",
    "largest_event_1_in_10_t": "Largest single event that 1 in 10 futures reaches",
    "largest_event_1_in_20_t": "Largest single event that 1 in 20 futures reaches",
    "largest_event_1_in_100_t": "Largest single event that 1 in 100 futures reaches",
    "last_quote_usd_per_t": "Last quote",
    "peak_price_50_usd_per_t": "Highest price of the horizon, in the median",
    "peak_price_95_usd_per_t": "Highest price of the horizon that 1 in 20 futures reaches",
    "quote_against_price_before": "Last quote against the price before",
}


def summary_table(caption: str, rows: Mapping[str, Measure]) -> Markup:
    """Return a part of the summary, in words and with its intervals.

    Parameters
    ----------
    caption : str
        What it shows.
    rows : mapping of str to Measure
        Measures by their metric.

    Returns
    -------
    Markup
        The table.
    """
    says = {metric: words.percent if metric == "supply_at_risk" else _text.shown for metric in rows}
    intervals = [
        words.NOTHING
        if row.interval is None
        else words.between(*(says[metric](end) for end in row.interval))
        for metric, row in rows.items()
    ]
    values = [says[metric](row.value) for metric, row in rows.items()]
    return table(
        caption,
        [
            Column("Measure", [_MEASURES.get(metric, words.plain(metric)) for metric in rows]),
            Column("Value", values, numeric=True),
            Column(f"{words.NINETY} interval", intervals, numeric=True),
            Column("Unit", ["" if row.unit == "1" else row.unit for row in rows.values()]),
        ],
    )


def cited(case: Case, source_id: str | None, *, prefix: str = "source") -> Markup:
    """Return the publisher of a source, as a link to where the page lists it."""
    known = {source.source_id: source for source in case.sources}
    if source_id not in known:
        return Markup(words.NOTHING)
    return link(f"#{prefix}-{source_id}", known[source_id].publisher)


def aside(low: str, high: str) -> Markup:
    """Return an interval, small, to stand after its figure."""
    return tag("small", f" [{words.between(low, high)}]")


def facts(pairs: Mapping[str, str]) -> Markup:
    """Return names with what they stand for, as a list."""
    rows = (joined((tag("dt", name), tag("dd", value))) for name, value in pairs.items())
    return tag("dl", *rows, class_="facts")
