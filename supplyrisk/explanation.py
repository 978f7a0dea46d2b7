"""A case, an outlook or a step towards them in words: what is known, assumed, and meant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplyrisk import _html, _text, metrics
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.outlook import Outlook
from supplyrisk.hazard.conflict import ConflictHistory, events_near, front_distance
from supplyrisk.hazard.conflict_rate import ConflictMultiplier, conflict_multiplier
from supplyrisk.hazard.evidence_factors import bayes_factors
from supplyrisk.hazard.evidence_update import EvidenceRow, Nowcast
from supplyrisk.hazard.residual import residual_life
from supplyrisk.model import paths
from supplyrisk.model.case import Case
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from numpy.typing import NDArray

    from supplyrisk.model.evidence import Evidence
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import Market


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Words and tables about a case and the like; shows itself in a notebook.

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


def explain(
    what: Case | Outlook | Nowcast | ConflictHistory | ConflictMultiplier,
) -> Explanation:
    """Explain a case, an outlook, or what moved the rate of a hazard, in words and tables.

    Parameters
    ----------
    what : Case, Outlook, Nowcast, ConflictHistory or ConflictMultiplier
        What to explain.

    Returns
    -------
    Explanation
        Text, tables, and a form for notebooks.

    Raises
    ------
    TypeError
        If `what` is none of them.

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
    if isinstance(what, Nowcast):
        return Explanation(tuple(_nowcast_words(what)), _nowcast_tables(what))
    if isinstance(what, ConflictHistory):
        return Explanation(tuple(_conflict_words(what)), _conflict_tables(what))
    if isinstance(what, ConflictMultiplier):
        return Explanation(what.sentences, _multiplier_tables(what))
    raise TypeError(
        "what must be a Case, an Outlook, a Nowcast, a ConflictHistory or a ConflictMultiplier, "
        f"got {what!r:.80}"
    )


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
        "What a nowcast would take the evidence for": _weights(case),
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


def _weights(case: Case) -> pd.DataFrame:
    """Return the factor that the kind of each observation has in the library's table."""
    table = {factor.kind: factor for factor in bayes_factors()}
    records = []
    for item in sorted(case.evidence, key=_by_date):
        factor = table.get(item.kind)
        records.append(
            {
                "evidence": item.evidence_id,
                "date": item.date.isoformat(),
                "kind": item.kind,
                "hazard": item.hazard_id or "any",
                "family": factor and factor.family,
                "factor": factor and factor.median,
                "low": factor and factor.low,
                "high": factor and factor.high,
                "half_life_d": factor and factor.half_life_days,
                "standing": factor.standing if factor else "no factor for this kind",
            }
        )
    return pd.DataFrame(records)


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
    if case.evidence:
        known = {factor.kind for factor in bayes_factors()}
        weighed = sum(item.kind in known for item in case.evidence)
        yield (
            f"Evidence: {_count(case.evidence, 'observation')}, which move nothing unless "
            f"sr.hazard.nowcast is called; its table has a factor for {weighed} of them."
        )


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
    yield from outlook.cautions
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


def _nowcast_words(now: Nowcast) -> Iterator[str]:
    yield from now.sentences
    yield (
        "A factor says how many times likelier an observation is if an event is near. Its "
        "contribution, on the first day, is log10(factor) x ageing x discount. Ranges hold 90 %."
    )
    idle = sum(not _counts(row) for row in now.rows)
    if idle:
        yield f"{idle} of {_count(now.rows, 'observation')} move nothing; the last table says why."


def _nowcast_tables(now: Nowcast) -> dict[str, pd.DataFrame]:
    before, after = now.prior, now.hazard
    rate = [
        ("rate before", before.rate_pa, None, None, "1/a"),
        ("multiplier on the first day", *now.today, "1"),
        ("multiplier over the window", *now.multiplier, "1"),
        ("rate after", after.rate_pa, None, None, "1/a"),
        ("rate shape before", before.rate_shape, None, None, "1"),
        ("rate shape after", after.rate_shape, None, None, "1"),
        ("window", now.window_days, None, None, "d"),
    ]
    rows = pd.DataFrame(now.rows, columns=EvidenceRow._fields)
    moved = np.array([_counts(row) for row in now.rows], dtype=bool)
    why = ["evidence_id", "date", "kind", "age_days", "family", "factor", "half_life_days"]
    tables = {
        "What the evidence does to the rate": pd.DataFrame(
            rate, columns=["quantity", "value", "ci_low", "ci_high", "unit"]
        ),
        "Observations that move the rate": rows[moved],
        "Observations that move nothing": rows.loc[~moved, [*why, "status"]],
    }
    return {title: frame for title, frame in tables.items() if len(frame)}


def _counts(row: EvidenceRow) -> bool:
    return row.discount is not None


def _conflict_words(history: ConflictHistory) -> Iterator[str]:
    if not history.day.size:
        yield f"No event of conflict is known before {_day(history, history.as_of)}."
        return
    first, last = history.day[[0, -1]]
    yield (
        f"Before {_day(history, history.as_of)}, {_count(history.day, 'event')} of conflict came, "
        f"the first on {_day(history, first)}, the last on {_day(history, last)}; whether the "
        "record goes on from there, the rows cannot tell."
    )
    front = front_distance(history)
    if np.isnan(front.distance_km):
        yield "Too few events are recent for a front."
        return
    yield (
        f"The third nearest of the last 30 days makes the front: {_text.shown(front.distance_km)} "
        f"km away on average over the last week, a change of {front.change_km_per_week:+.0f} km "
        "from the week before."
    )


def _conflict_tables(history: ConflictHistory) -> dict[str, pd.DataFrame]:
    counts = events_near(history)

    def table(values: NDArray[np.generic]) -> pd.DataFrame:
        columns = [f"last_{days:g}_d" for days in counts.windows_days]
        frame = pd.DataFrame(values, columns=columns)
        frame.insert(0, "within_km", counts.distances_km)
        return frame

    return {"Events near the site": table(counts.events), "Deaths": table(counts.fatalities)}


def _day(history: ConflictHistory, day: float) -> str:
    return str(np.datetime64(int(day), "D")) if history.dated else f"day {day:g}"


def _multiplier_tables(multiplier: ConflictMultiplier) -> dict[str, pd.DataFrame]:
    swept = sorted({0.0, 0.25, 0.5, 1.0, multiplier.elasticity})
    given = {name: getattr(multiplier, name) for name in ("intensity", "mean", "low", "high")}
    values = [conflict_multiplier(**given, elasticity=power).value for power in swept]
    return {"By elasticity": pd.DataFrame({"elasticity": swept, "multiplier": values})}
