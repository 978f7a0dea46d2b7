"""What simulated futures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplyrisk import _text, metrics
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.engine.outlook import Outlook

_MEANING: Final = {
    "mined": "mined",
    "bought": "bought by smelters as feed",
    "other": "from elsewhere",
    "slag": "lost in smelting",
    "used": "used",
}
"""Entries of the balance of metal, in words."""


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
    yield from balance_words(outlook)
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


def balance_words(outlook: Outlook) -> Iterator[str]:
    """Yield the balance of metal from the mines to the buyers, a sentence for each commodity.

    Parameters
    ----------
    outlook : Outlook
        The simulated futures.

    Yields
    ------
    str
        A sentence; none where no market was simulated.
    """
    if not outlook.result.markets:
        return
    for commodity, row in outlook.conservation().iterrows():
        moved = {"mined": 1, "bought": 1, "other": 1, "slag": -1, "used": -1}
        terms = [
            f"{'+' if sign > 0 else '-'} {_text.shown(row[f'{name}_t'])} {_MEANING[name]}"
            for name, sign in moved.items()
            if row[f"{name}_t"]
        ]
        yield (
            f"Balance of {str(commodity).replace('_', ' ')}, mean of all futures [t]: "
            f"{_text.shown(row['opening_t'])} in stock at first {' '.join(terms)} = "
            f"{_text.shown(row['closing_t'])} at the end. The largest gap in any step of any "
            f"future is {row['residual_t']:.1g} t."
        )
