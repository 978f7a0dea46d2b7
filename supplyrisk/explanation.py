"""A case or an outlook in words: what is known, what is assumed, what it means."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from supplyrisk import _html, _text, metrics
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.tables import TAIL_LEVEL
from supplyrisk.hazard.residual import residual_life
from supplyrisk.model import paths
from supplyrisk.model.case import Case
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from supplyrisk.model.evidence import Evidence
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import Market

ENOUGH_IN_THE_TAIL = 300
"""Tail scenarios below which a tail metric is too uncertain to be quoted."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Words and tables about a case or an outlook; shows itself in a notebook.

    Attributes
    ----------
    sentences
        The words, a sentence each.
    tables
        Tables by their title.
    """

    sentences: tuple[str, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything as plain text."""
        parts = ["\n".join(self.sentences)]
        parts += [f"{title}\n{_text.table(frame)}" for title, frame in self.tables.items()]
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        """Return everything as plain text."""
        return self.text

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{_html.escape(sentence)}</p>" for sentence in self.sentences)
        tables = "".join(
            f"<h4>{_html.escape(title)}</h4>{_html.table(frame)}"
            for title, frame in self.tables.items()
        )
        return words + tables


def explain(what: Case | Outlook) -> Explanation:
    """Explain a case or an outlook in words and tables.

    Parameters
    ----------
    what : Case or Outlook
        What to explain.

    Returns
    -------
    Explanation
        Text, tables, and a form for notebooks.

    Raises
    ------
    TypeError
        If `what` is neither.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> print(explain(load_case("walikale-2025")).sentences[0])
    walikale-2025 starts on 2025-03-20 and looks 365 days ahead in steps of 5 days.
    """
    if isinstance(what, Case):
        return Explanation(tuple(_case_words(what)), case_tables(what))
    if isinstance(what, Outlook):
        words = (*_case_words(what.case), *outlook_words(what))
        return Explanation(words, {**case_tables(what.case), "Summary": what.summary()})
    raise TypeError(f"what must be a Case or an Outlook, got {what!r:.80}")


def case_tables(case: Case) -> dict[str, pd.DataFrame]:
    """Return what is known of a case as tables by their title; empty ones are left out."""
    tables = {
        "How long the ongoing events may last": ongoing_table(case),
        "What was known, by day": pd.DataFrame(
            [
                (e.date.isoformat(), e.kind, e.statement)
                for e in sorted(case.evidence, key=_by_date)
            ],
            columns=["date", "kind", "statement"],
        ),
        "Known to matter, not in the numbers": pd.DataFrame({"what": list(case.not_quantified)}),
    }
    tables["Sources"] = pd.DataFrame(
        [(s.source_id, s.publisher, s.title, s.licence, s.published) for s in case.sources],
        columns=["source", "publisher", "title", "licence", "published"],
    )
    return {title: frame for title, frame in tables.items() if len(frame)}


def ongoing_table(case: Case) -> pd.DataFrame:
    """Return what remains of each ongoing event, given the days that have passed.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    pandas.DataFrame
        A row per ongoing event: event_id, peril, days elapsed, median and 90 % interval of the
        days that remain [d], and the probability that it is over within 30, 90, 180 and 365 days.
    """
    records = []
    for event in case.events:
        if event.duration is None or event.started > case.start:
            continue
        elapsed = (case.start - event.started).days
        life = residual_life(event.duration, elapsed_days=elapsed)
        record = {
            "event": event.event_id,
            "peril": str(event.peril),
            "elapsed_d": elapsed,
            "median_left_d": life.median_days,
            "q05_left_d": life.quantile(0.05),
            "q95_left_d": life.quantile(0.95),
        }
        for days in (30, 90, 180, 365):
            record[f"over_in_{days}_d"] = life.probability_over_within(days)
        records.append(record)
    return pd.DataFrame(records)


def uncited(case: Case) -> list[str]:
    """Return the dotted path of every stated figure that no citation covers."""
    covered = {citation.path for citation in case.citations}
    return [
        path
        for path in paths.figures(case)
        if not any(f"{path}.".startswith(f"{cited}.") for cited in covered)
    ]


def _by_date(item: Evidence) -> dt.date:
    return item.date


def _case_words(case: Case) -> Iterator[str]:
    yield (
        f"{case.name} starts on {case.start} and looks {case.horizon_days} days ahead "
        f"in steps of {case.step_days} days."
    )
    held = [site for site in case.sites if site.commodity == case.commodity]
    planned = sum(site.production_tpa for site in held)
    countries = {site.country for site in held}
    yield (
        f"{_count(held, 'site')} in {_count(countries, 'country', 'countries')} plan "
        f"{_text.shown(planned)} t/a of {case.commodity}."
    )
    expected = sum(hazard.rate_pa * _units(case, hazard.scope) for hazard in case.hazards)
    yield (
        f"Hazards: {len(case.hazards)}, which bring {expected:.1f} events a year on average. "
        f"Dated events: {len(case.events)}."
    )
    market = case.market()
    if market is not None:
        yield from _market_words(case, market)
    figures = list(paths.figures(case))
    bare = uncited(case)
    cited = len(figures) - len(bare)
    standing = pd.Series([citation.standing for citation in case.citations], dtype=object)
    counts = ", ".join(f"{n} {name}" for name, n in standing.value_counts().sort_index().items())
    yield f"{cited} of {len(figures)} figures have a citation ({counts or 'none at all'})."
    if bare:
        listed = ", ".join(bare[:5])
        yield f"Without a citation: {listed}{' and more' if len(bare) > 5 else ''}."


def _market_words(case: Case, market: Market) -> Iterator[str]:
    yield (
        f"The price was {_text.shown(market.price_usd_per_t)} USD/t on {market.price_date}; the "
        f"last quote is {_text.shown(market.quote_usd_per_t)} USD/t of {market.quote_date}, "
        f"{(case.start - market.quote_date).days} days before the start."
    )
    if market.elasticity_demand is None:
        yield (
            f"The elasticity sum is not published: lognormal with median "
            f"{market.elasticity_sum_median:g} and sigma {market.elasticity_sum_sigma:g}."
        )


def _units(case: Case, scope: Scope) -> int:
    return case.site(scope.name).n_units if scope.kind == "site" else 1


def _count(things: Sized, one: str, many: str = "") -> str:
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def outlook_words(outlook: Outlook) -> Iterator[str]:
    """Yield what an outlook means, a sentence each.

    Parameters
    ----------
    outlook : Outlook
        The simulated futures.

    Yields
    ------
    str
        A sentence.
    """
    lost, planned = outlook.lost_t, outlook.plan.planned_t
    tail = metrics.tail_value_at_risk(lost, level=TAIL_LEVEL)
    ends = metrics.tail_value_at_risk_interval(lost, level=TAIL_LEVEL)
    yield (
        f"In {outlook.n_scenarios:,} futures {_text.shown(float(lost.mean()))} t are lost on "
        f"average; in the worst 5 % {_text.shown(tail)} t "
        f"[{_text.shown(ends.low)}, {_text.shown(ends.high)}]"
        + (f", which is {tail / planned:.1%} of the plan." if planned > 0.0 else ".")
    )
    in_tail = int(outlook.n_scenarios * (1.0 - TAIL_LEVEL))
    if in_tail < ENOUGH_IN_THE_TAIL:
        yield (
            f"Only {in_tail} futures are in that tail: simulate more before quoting it "
            f"(at least {ENOUGH_IN_THE_TAIL} in the tail)."
        )
    view = outlook.market_view
    if view is not None and view.implied_elasticity_sum > 0.0:
        low, middle, high = (_text.shown(days) for days in view.implied_closure_days)
        yield (
            f"The last quote stood {view.quote_ratio - 1.0:+.1%} against the price before. It fits "
            f"the expected shortfall ({view.shortfall:.1%} of a year's supply) at an elasticity "
            f"sum of {view.implied_elasticity_sum:.2f}; read backwards, it fits a full closure of "
            f"{middle} days [{low} to {high} over the elasticity prior]."
        )
    market = outlook.case.market()
    if market is not None:
        year = outlook.plan.horizon_days / DAYS_PER_YEAR
        yield (
            f"The tail loss is {tail / (market.supply_tpa * year):.1%} of the supply that the "
            "price acts on; the price answer is not validated above a quarter."
        )
