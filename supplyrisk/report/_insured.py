"""The section about insurance: what the policies of a case pay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from supplyrisk import _text
from supplyrisk.engine.policies import RETURN_PERIODS
from supplyrisk.explanation import policy_words
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Column, Markup, joined, paragraph, table
from supplyrisk.report._section import Material, Section, aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_CURVES: Final = {"aep": "in all", "oep": "for one event"}


def what_policies_pay(material: Material) -> Section | None:
    """Return what the policies are expected to pay, and how much in a bad year."""
    case, outlook = material.case, material.outlook
    if not case.policies or not outlook.has_events:
        return None
    paid = outlook.policies()
    said = [paragraph(sentence) for sentence in policy_words(case)]
    excluded = paid.attrs["excluded"]
    if excluded:
        events = {event.event_id: event for event in case.events}
        known = [words.scope(case, events[name].scope) for name in excluded]
        said.append(
            paragraph(f"Known before the case began, and so not paid for: {words.listed(known)}.")
        )
    body = (*said, _expected(paid), *_by_period(paid))
    return Section("policies", "What do policies pay?", joined(body))


def _expected(paid: pd.DataFrame) -> Markup:
    return table(
        "Payments that are expected [million USD]",
        [
            Column("Policy", paid["name"].tolist()),
            Column("Insured", paid["insured"].tolist()),
            Column(
                f"Expected, {words.NINETY} interval",
                list(_with_ends(paid, "expected_usd")),
                numeric=True,
            ),
            Column(
                "Chance of a payment",
                [words.percent(chance) for chance in paid["probability_of_payment"]],
                numeric=True,
            ),
            Column("Limit for an event", _figures(paid["limit_usd"]), numeric=True),
            Column("Rate on line", [words.percent(x) for x in paid["rate_on_line"]], numeric=True),
            Column("Premium", _figures(paid["premium_usd"]), numeric=True),
            Column(
                "Expected over premium",
                _figures(paid["expected_over_premium"], unit=1.0),
                numeric=True,
            ),
        ],
    )


def _by_period(paid: pd.DataFrame) -> Iterator[Markup]:
    """Yield payments by return period, which only years have."""
    for curve, what in _CURVES.items():
        names = {years: f"{curve}_1_in_{years}_usd" for years in RETURN_PERIODS}
        if names[RETURN_PERIODS[0]] in paid:
            columns = [
                Column(f"1 in {years} years", list(_with_ends(paid, name)), numeric=True)
                for years, name in names.items()
            ]
            yield table(
                f"Payments of a year, {what} ({curve.upper()}), by return period [million USD]",
                [Column("Policy", paid["name"].tolist()), *columns],
            )


def _with_ends(paid: pd.DataFrame, name: str) -> Iterator[Markup]:
    ends = (_figures(paid[name + end]) for end in ("", "_ci_low", "_ci_high"))
    for value, low, high in zip(*ends, strict=True):
        yield joined((value, aside(low, high)))


def _figures(values: pd.Series[float], unit: float = 1e6) -> list[str]:
    """Return values in their unit; there is no figure for what is unknown or has no end."""
    return [_text.shown(x / unit) if math.isfinite(x) else words.NOTHING for x in values]
