"""The card itself: a headline in physical units, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplyrisk import _html, _text
from supplyrisk.scorecard._rows import HEADLINE, SIMULATED, STRUCTURAL, threatened_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.metrics import Interval
    from supplyrisk.scorecard.composite import Composite

_SHOWN_SITES: Final = 8
_OF_SIMULATED: Final = ["level", "subject", "name", "value", "ci_low", "ci_high", "unit", "note"]
_OF_STRUCTURAL: Final = [
    "name",
    "stage",
    "value",
    "ci_low",
    "ci_high",
    "unit",
    "vintage",
    "coverage",
    "standing",
    "source",
]


@dataclass(frozen=True, eq=False, repr=False)
class Scorecard:
    """Supply risk of a case or a commodity on one card.

    Attributes
    ----------
    name
        Name of the case, or of a commodity that no case can be built of.
    outlook
        The simulated futures behind the card; none where nothing could be simulated.
    supply_at_risk
        Headline: mean share of the planned supply lost in the worst 5 % of futures. Not a number
        where nothing could be simulated. [1]
    interval
        Its 90 % confidence interval. [1]
    rows
        Columns section ("simulated" or "structural"), level (commodity, site, buyer, driver or
        source), subject, name, value, ci_low, ci_high, unit, stage, vintage, source, standing,
        coverage and note. The sites' parts of the headline sum to it. A structural indicator that
        is not known has a row without a value, whose note says why.
    notes
        What else to know of the card, a sentence each.
    composite
        The composite, only where it was asked for.
    """

    name: str
    outlook: Outlook | None
    supply_at_risk: float
    interval: Interval
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    composite: Composite | None = None

    @property
    def coverage(self) -> float:
        """Share of the inputs that is known [1].

        Returns
        -------
        float
            Mean over the headline and the structural indicators. One that is not known counts as
            0; the headline with the share of planned production that any hazard or dated event of
            the case may hit.
        """
        rows = self.rows[(self.rows["section"] == STRUCTURAL) | (self.rows["name"] == HEADLINE)]
        return float(rows["coverage"].where(rows["value"].notna(), 0.0).mean())

    @property
    def missing(self) -> pd.DataFrame:
        """Headline and indicators that are not known.

        Returns
        -------
        pandas.DataFrame
            Columns name, stage and note, which says why.
        """
        rows = self.rows[self.rows["value"].isna() & (self.rows["level"] == "commodity")]
        return rows[["name", "stage", "note"]].reset_index(drop=True)

    def __repr__(self) -> str:
        """Say the headline in one line."""
        if self.outlook is None:
            return f"<Scorecard of {self.name!r}: not simulated, coverage {self.coverage:.0%}>"
        return (
            f"<Scorecard of {self.name!r}: supply at risk "
            f"{self.supply_at_risk:.1%} [{self.interval.low:.1%}, {self.interval.high:.1%}]>"
        )

    def __str__(self) -> str:
        """Return the card as text."""
        parts = ["\n".join((self._headline(), *self._cautions()))]
        parts += ["\n".join((*self.notes, *self._words()))]
        parts += [f"{title}\n{_text.table(frame)}" for title, frame in self._tables()]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        said = (self._headline(), *self._cautions())
        bold = "".join(f"<p><b>{_html.escape(sentence)}</b></p>" for sentence in said)
        plain = "".join(f"<p>{_html.escape(s)}</p>" for s in (*self.notes, *self._words()))
        tables = "".join(
            f"<h4>{_html.escape(title)}</h4>{_html.table(frame)}" for title, frame in self._tables()
        )
        return f"{bold}{plain}{tables}"

    def _headline(self) -> str:
        if self.outlook is None:
            return f"{self.name}: nothing could be simulated, so no supply at risk is given"
        case = self.outlook.case
        return (
            f"{self.name}: in the worst 5 % of futures {self.supply_at_risk:.1%} "
            f"[90 % interval {self.interval.low:.1%} to {self.interval.high:.1%}] of the "
            f"{case.commodity} planned over {case.horizon_days} days is lost"
        )

    def _cautions(self) -> tuple[str, ...]:
        return () if self.outlook is None else self.outlook.cautions

    def _words(self) -> Iterator[str]:
        structural = self.rows.loc[self.rows["section"] == STRUCTURAL, "value"]
        yield (
            f"Coverage {self.coverage:.0%}: {structural.count()} of {len(structural)} structural "
            f"indicators are known; what is missing lowers the coverage, never the risk."
        )
        if self.outlook is not None and (spared := 1.0 - threatened_share(self.outlook)) > 0.0:
            yield (
                f"No hazard or event of the case hits {spared:.1%} of the planned production: the "
                f"headline takes it as safe for want of figures."
            )
        if self.composite is not None:
            yield f"Composite, because it was asked for: {self.composite.said}."

    def _tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield the sections that hold anything, with their titles."""
        rows = self.rows
        simulated = rows[rows["section"] == SIMULATED]
        buyer = simulated["level"].isin(["buyer", "driver", "source"])
        sites = simulated["level"] == "site"
        top = simulated[sites]["subject"].unique()[:_SHOWN_SITES]
        left_out = sites & ~simulated["subject"].isin(top)
        title = "Simulated: shares of planned supply, 90 % intervals"
        if left_out.any():
            title += f" (the {_SHOWN_SITES} sites with the largest parts)"
        structural = rows[rows["section"] == STRUCTURAL]
        known = structural["value"].notna()
        sections = {
            title: simulated[~buyer & ~left_out & simulated["value"].notna()][_OF_SIMULATED],
            "What it means to buyers, simulated": simulated[buyer][_OF_SIMULATED],
            "Structural indicators, as published methods give them; no probabilities": (
                structural[known][_OF_STRUCTURAL].assign(source=_brief)
            ),
            "What to mind": _minded(structural[known]),
            "Not known": self.missing,
        }
        if self.composite is not None:
            sections["Composite: parts, scales and weights"] = self.composite.parts
        yield from ((title, frame) for title, frame in sections.items() if len(frame))


def _brief(rows: pd.DataFrame) -> list[str]:
    """Return the sources of each row for a narrow column: the first two, and how many more."""
    sources = (str(listed).split(";") for listed in rows["source"])
    return [
        "; ".join(named[:2]) + (f" and {len(named) - 2} more" if named[2:] else "")
        for named in sources
    ]


def _minded(rows: pd.DataFrame) -> pd.DataFrame:
    """Gather the notes on indicators, each once."""
    noted = rows[rows["note"] != ""]
    together = noted.groupby(["note", "stage"], sort=False)["name"].agg(", ".join).reset_index()
    return together[["name", "stage", "note"]]
