"""What is known and assumed in a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from supplyrisk import _text
from supplyrisk._text import counted
from supplyrisk.explanation._chain import market_words, standing, way_tables, way_words
from supplyrisk.explanation._terms import (
    buyer_words,
    policies_table,
    policy_words,
    terms_table,
)
from supplyrisk.hazard.evidence_factors import bayes_factors
from supplyrisk.hazard.residual import residual_life
from supplyrisk.model import paths

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from supplyrisk.model.case import Case
    from supplyrisk.model.evidence import Evidence
    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.market import Market


def case_tables(case: Case) -> dict[str, pd.DataFrame]:
    """Return what is known of a case as tables by their title; empty ones are left out."""
    tables = way_tables(case) | {
        "Terms of the buyers": terms_table(case),
        "Policies": policies_table(case),
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
    return [path for path in paths.figures(case) if standing(case, path) is None]


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


def case_words(case: Case) -> Iterator[str]:
    yield (
        f"{case.name} starts on {case.start} and looks {case.horizon_days} days ahead "
        f"in steps of {case.step_days} days."
    )
    held = [site for site in case.sites if site.commodity == case.commodity]
    planned = sum(site.production_tpa for site in held)
    countries = {site.country for site in held}
    yield (
        f"{counted(held, 'site')} in {counted(countries, 'country', 'countries')} "
        f"{'plans' if len(held) == 1 else 'plan'} "
        f"{_text.shown(planned)} t/a of {case.commodity}."
    )
    yield from way_words(case)
    expected = sum(hazard.rate_pa * _units(case, hazard.scope) for hazard in case.hazards)
    yield (
        f"Hazards: {len(case.hazards)}, which bring {expected:.1f} events a year on average. "
        f"Dated events: {len(case.events)}."
    )
    market = case.market()
    if market is not None:
        yield from _quote_words(case, market)
    yield from market_words(case)
    yield from buyer_words(case)
    yield from policy_words(case)
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
            f"Evidence: {counted(case.evidence, 'observation')}, which move nothing unless "
            f"sr.hazard.nowcast is called; its table has a factor for {weighed} of them."
        )


def _quote_words(case: Case, market: Market) -> Iterator[str]:
    age = counted(range((case.start - market.quote_date).days), "day")
    priced = f"The price was {_text.shown(market.price_usd_per_t)} USD/t on {market.price_date}"
    quoted = (
        ""
        if market.last_quote_usd_per_t is None
        else f"; the last quote is {_text.shown(market.quote_usd_per_t)} USD/t of "
        f"{market.quote_date}"
    )
    yield f"{priced}{quoted}, {age} before the start."
    if market.elasticity_demand is None:
        yield (
            f"The elasticity sum is not published: lognormal with median "
            f"{market.elasticity_sum_median:g} and sigma {market.elasticity_sum_sigma:g}."
        )


def _units(case: Case, scope: Scope) -> int:
    return case.site(scope.name).n_units if scope.kind == "site" else 1
