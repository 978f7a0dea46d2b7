"""What every section of the page is made from, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from supplyrisk import _text
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, joined, link, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.case import Case
    from supplyrisk.model.outcome import Outcome


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


@dataclass(frozen=True, eq=False)
class Material:
    """What the sections are made from.

    Attributes
    ----------
    outlook
        Simulated futures.
    summary
        Its summary, indexed by metric.
    outcome
        What then happened, if it is known.
    pictures
        Pictures by name, drawn.
    """

    outlook: Outlook
    summary: pd.DataFrame
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

    def value(self, metric: str) -> float:
        """Return a metric of the summary."""
        return float(self.summary.loc[metric, "value"])  # type: ignore[arg-type]


_MEASURES = {
    "planned_t": "Planned production",
    "expected_lost_t": "Expected loss",
    "supply_at_risk": f"Supply at risk: mean of the worst {words.WORST}, as a share of the plan",
    "tail_value_at_risk_95_t": f"Mean loss of the worst {words.WORST} of futures",
    "value_at_risk_50_t": "Loss that 1 in 2 futures reaches",
    "value_at_risk_90_t": "Loss that 1 in 10 futures reaches",
    "value_at_risk_95_t": "Loss that 1 in 20 futures reaches",
    "value_at_risk_99_t": "Loss that 1 in 100 futures reaches",
    "largest_event_1_in_10_t": "Largest single event, once in 10 years",
    "largest_event_1_in_20_t": "Largest single event, once in 20 years",
    "largest_event_1_in_100_t": "Largest single event, once in 100 years",
    "last_quote_usd_per_t": "Last quote",
    "peak_price_50_usd_per_t": "Highest price of the horizon, in the median",
    "peak_price_95_usd_per_t": "Highest price of the horizon that 1 in 20 futures reaches",
    "quote_against_price_before": "Last quote against the price before",
}


def summary_table(caption: str, rows: pd.DataFrame) -> Markup:
    """Return a part of the summary, in words and with its intervals.

    Parameters
    ----------
    caption : str
        What it shows.
    rows : pandas.DataFrame
        Rows of `Outlook.summary`, indexed by metric.

    Returns
    -------
    Markup
        The table.
    """
    shares = [str(metric) == "supply_at_risk" for metric in rows.index]

    def shown(value: float, share: bool) -> str:  # noqa: FBT001 - one way or the other
        return words.percent(value) if share else _text.shown(value)

    intervals = [
        words.between(shown(low, share), shown(high, share)) if low == low else words.NOTHING  # noqa: PLR0124 - not a number
        for low, high, share in zip(rows["ci_low"], rows["ci_high"], shares, strict=True)
    ]
    return table(
        caption,
        [
            Column("Measure", [_MEASURES.get(str(m), words.plain(str(m))) for m in rows.index]),
            Column(
                "Value",
                [shown(value, share) for value, share in zip(rows["value"], shares, strict=True)],
                numeric=True,
            ),
            Column(f"{words.NINETY} interval", intervals, numeric=True),
            Column("Unit", ["" if unit == "1" else str(unit) for unit in rows["unit"]]),
        ],
    )


def cited(case: Case, source_id: str | None, *, prefix: str = "source") -> Markup:
    """Return the publisher of a source, as a link to where the page lists it."""
    known = {source.source_id: source for source in case.sources}
    if source_id not in known:
        return Markup(words.NOTHING)
    return link(f"#{prefix}-{source_id}", known[source_id].publisher)


def facts(pairs: Mapping[str, str]) -> Markup:
    """Return names with what they stand for, as a list."""
    rows = (joined((tag("dt", name), tag("dd", value))) for name, value in pairs.items())
    return tag("dl", *rows, class_="facts")
