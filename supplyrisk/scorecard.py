"""The card that answers "how risky": a physical headline, and what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from supplyrisk import _html, _text, indicators, metrics
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.run import simulate
from supplyrisk.metrics import Interval
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

Row = tuple[str, str, str, str, float, float, float, str]


@dataclass(frozen=True, eq=False, repr=False)
class Scorecard:
    """Supply risk of a case on one card.

    Attributes
    ----------
    outlook
        The simulated futures behind the card.
    supply_at_risk
        Headline: mean share of the planned supply lost in the worst 5 % of futures. [1]
    interval
        Its 90 % confidence interval. [1]
    rows
        Columns level (commodity, site or buyer), subject, name, measure, value, ci_low, ci_high,
        unit. The sites' parts of the headline sum to it.
    """

    outlook: Outlook
    supply_at_risk: float
    interval: Interval
    rows: pd.DataFrame

    def __repr__(self) -> str:
        """Say the headline in one line."""
        return (
            f"<Scorecard of {self.outlook.case.name!r}: supply at risk "
            f"{self.supply_at_risk:.1%} [{self.interval.low:.1%}, {self.interval.high:.1%}]>"
        )

    def __str__(self) -> str:
        """Return the card as text."""
        said = "\n".join((self._headline(), *self.outlook.cautions))
        return f"{said}\n\n{_text.table(self.rows)}"

    def _headline(self) -> str:
        case = self.outlook.case
        return (
            f"{case.name}: in the worst 5 % of futures {self.supply_at_risk:.1%} "
            f"[90 % interval {self.interval.low:.1%} to {self.interval.high:.1%}] of the "
            f"{case.commodity} planned over {case.horizon_days} days is lost"
        )

    def _repr_html_(self) -> str:
        said = (self._headline(), *self.outlook.cautions)
        paragraphs = "".join(f"<p><b>{_html.escape(sentence)}</b></p>" for sentence in said)
        return f"{paragraphs}{_html.table(self.rows)}"


def score(
    case: Case | Outlook,
    *,
    n_scenarios: int = 10_000,
    rng: int | np.random.Generator | None = None,
) -> Scorecard:
    """Score the supply risk of a case.

    Parameters
    ----------
    case : Case or Outlook
        A case, which is simulated; or an outlook of one.
    n_scenarios : int, default 10_000
        Number of futures to simulate.
    rng : int, numpy.random.Generator or None
        Seed, as for `supplyrisk.simulate`.

    Returns
    -------
    Scorecard
        Headline in physical units, with the parts of sites, the buyers, and the concentration of
        the plan beside it.

    Raises
    ------
    TypeError
        If `case` is neither a Case nor an Outlook.
    ValueError
        If nothing is planned to be produced.

    Notes
    -----
    Supply at risk is the tail value at risk of lost production at 95 %, as a share of the planned
    production over the horizon. It counts ongoing outages too: what is already shut is at risk.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> card = score(load_case("walikale-2025"), n_scenarios=1000, rng=7)
    >>> 0.0 < card.supply_at_risk < 1.0
    True
    """
    if isinstance(case, Outlook):
        outlook = case
    elif isinstance(case, Case):
        outlook = simulate(case, n_scenarios=n_scenarios, rng=rng)
    else:
        raise TypeError(f"case must be a Case or an Outlook, got {case!r:.80}")
    planned = outlook.plan.planned_t
    if not planned > 0.0:
        raise ValueError(f"case {outlook.case.name!r} must plan some production, got {planned:g} t")
    tail = metrics.tail_value_at_risk(outlook.lost_t, level=TAIL_LEVEL) / planned
    ends = metrics.tail_value_at_risk_interval(outlook.lost_t, level=TAIL_LEVEL)
    interval = Interval(ends.low / planned, ends.high / planned)
    rows = [
        ("commodity", str(outlook.case.commodity), "", "supply_at_risk", tail, *interval, "1"),
        *_commodity_rows(outlook, planned),
        *_site_rows(outlook, planned),
        *_buyer_rows(outlook),
    ]
    names = ["level", "subject", "name", "measure", "value", "ci_low", "ci_high", "unit"]
    return Scorecard(outlook, tail, interval, pd.DataFrame(rows, columns=names))


def _commodity_rows(outlook: Outlook, planned: float) -> Iterator[Row]:
    name = str(outlook.case.commodity)
    mean = metrics.mean_interval(outlook.lost_t)
    expected = float(outlook.lost_t.mean()) / planned
    low, high = mean.low / planned, mean.high / planned
    yield "commodity", name, "", "expected_lost_share", expected, low, high, "1"
    plan = outlook.sites["production_tpa"]
    by_country = plan.groupby(outlook.sites["country"]).sum()
    hhi = indicators.hhi((by_country / by_country.sum()).to_numpy())
    nothing = float("nan")
    yield "commodity", name, "", "plan_hhi_by_country", hhi, nothing, nothing, "1"


def _site_rows(outlook: Outlook, planned: float) -> Iterator[Row]:
    nothing = float("nan")
    sites = outlook.sites.sort_values("tail_contribution_t", ascending=False, kind="stable")
    for site_id, row in sites.iterrows():
        part = row["tail_contribution_t"] / planned
        key = ("site", str(site_id), str(row["name"]))
        yield *key, "part_of_supply_at_risk", part, nothing, nothing, "1"
        if row["production_tpa"] > 0.0:
            own = row["production_tpa"] * planned / sites["production_tpa"].sum()
            shares = (row[column] / own for column in ("expected_lost_t", "ci_low", "ci_high"))
            yield *key, "expected_lost_share", *shares, "1"


def _buyer_rows(outlook: Outlook) -> Iterator[Row]:
    for buyer_id, lost in outlook.result.buyers.items():
        buyer = next(b for b in outlook.case.exposures if b.buyer_id == buyer_id)
        key = ("buyer", buyer_id, buyer.name)
        total = lost.cost_usd + lost.lost_margin_usd
        tail = metrics.tail_value_at_risk(total, level=TAIL_LEVEL)
        ends = metrics.tail_value_at_risk_interval(total, level=TAIL_LEVEL)
        yield *key, "tail_cost_and_lost_margin_usd", tail, *ends, "USD"
        short = int((lost.shortage_t > 0.0).sum())
        chance = metrics.probability_interval(short, outlook.n_scenarios)
        yield *key, "probability_short", short / outlook.n_scenarios, *chance, "1"
