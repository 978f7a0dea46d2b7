"""Rows of a card: what was simulated, what the buyer meets, what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk import metrics
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.metrics import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.engine.outlook import Outlook

COLUMNS: Final = (
    "section",
    "level",
    "subject",
    "name",
    "value",
    "ci_low",
    "ci_high",
    "unit",
    "stage",
    "vintage",
    "source",
    "standing",
    "coverage",
    "note",
)
SIMULATED: Final = "simulated"
STRUCTURAL: Final = "structural"
HEADLINE: Final = "supply_at_risk"
_N_DRIVERS: Final = 5

Record = dict[str, Any]


def headline(outlook: Outlook) -> tuple[float, Interval]:
    """Return the share of the plan lost in the worst 5 % of futures, and its 90 % interval.

    Parameters
    ----------
    outlook : Outlook
        The futures.

    Returns
    -------
    float
        Tail value at risk of lost production at 95 % over planned production. [1]
    Interval
        Its 90 % confidence interval. [1]
    """
    planned = outlook.plan.planned_t
    ends = metrics.tail_value_at_risk_interval(outlook.lost_t, level=TAIL_LEVEL)
    tail = metrics.tail_value_at_risk(outlook.lost_t, level=TAIL_LEVEL) / planned
    return tail, Interval(ends.low / planned, ends.high / planned)


def simulated_rows(outlook: Outlook, buyer: str | None) -> pd.DataFrame:
    """Return the rows of a card that come from its futures.

    Parameters
    ----------
    outlook : Outlook
        The futures.
    buyer : str or None
        A buyer to look at closely; without one all have two rows each.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`.
    """
    records = [
        *_commodity_records(outlook),
        *_site_records(outlook),
        *(_buyers_records(outlook) if buyer is None else _buyer_records(outlook, buyer)),
    ]
    case = outlook.case
    shared = {
        "section": SIMULATED,
        "stage": "",
        "vintage": case.start.isoformat(),
        "source": f"case {case.name}, {case.digest[:12]}",
        "standing": SIMULATED,
        "coverage": threatened_share(outlook),
    }
    blank = {"ci_low": np.nan, "ci_high": np.nan, "note": ""}
    return pd.DataFrame([{**blank, **shared, **record} for record in records], columns=COLUMNS)


def unsimulated_rows(commodity: str, why: str) -> pd.DataFrame:
    """Return the headline's row where nothing could be simulated: no value, and why.

    Parameters
    ----------
    commodity : str
        The commodity.
    why : str
        The reason.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`.
    """
    blank = dict.fromkeys(("value", "ci_low", "ci_high"), np.nan)
    text = {"level": "commodity", "subject": commodity, "name": HEADLINE, "note": why, "unit": "1"}
    more = {"section": SIMULATED, "standing": SIMULATED, "coverage": 0.0}
    empty = dict.fromkeys(("stage", "vintage", "source"), "")
    return pd.DataFrame([{**blank, **text, **more, **empty}], columns=COLUMNS)


def structural_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a card that are indicators.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows as of `indicator_table`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`.
    """
    renamed = table.rename(columns={"commodity": "subject", "source_id": "source"})
    return renamed.assign(section=STRUCTURAL, level="commodity")[list(COLUMNS)]


def threatened_share(outlook: Outlook) -> float:
    """Return the share of planned production that any hazard or dated event may hit [1]."""
    plan = outlook.plan
    hit = np.zeros(len(plan.sites), dtype=bool)
    for threat in plan.threats:
        hit[threat.sites] = True
    flow = plan.production_t_per_day
    return float(flow[hit].sum() / flow.sum())


def _ends(interval: Interval, over: float = 1.0) -> Record:
    return {"ci_low": interval.low / over, "ci_high": interval.high / over}


def _commodity_records(outlook: Outlook) -> Iterator[Record]:
    planned = outlook.plan.planned_t
    tail, ends = headline(outlook)
    key = {"level": "commodity", "subject": str(outlook.case.commodity), "unit": "1"}
    yield {**key, "name": HEADLINE, "value": tail, **_ends(ends)}
    mean = float(outlook.lost_t.mean()) / planned
    ends = metrics.mean_interval(outlook.lost_t)
    yield {**key, "name": "expected_lost_share", "value": mean, **_ends(ends, planned)}


def _site_records(outlook: Outlook) -> Iterator[Record]:
    planned = outlook.plan.planned_t
    sites = outlook.sites.sort_values("tail_contribution_t", ascending=False, kind="stable")
    in_days = planned / sites["production_tpa"].sum()
    for site_id, row in sites.iterrows():
        key = {"level": "site", "subject": str(site_id), "unit": "1", "note": str(row["name"])}
        ends = {"ci_low": row["tail_ci_low"] / planned, "ci_high": row["tail_ci_high"] / planned}
        part = row["tail_contribution_t"] / planned
        yield {**key, "name": "part_of_supply_at_risk", "value": part, **ends}
        own = row["production_tpa"] * in_days
        if own > 0.0:
            ends = {"ci_low": row["ci_low"] / own, "ci_high": row["ci_high"] / own}
            share = row["expected_lost_t"] / own
            yield {**key, "name": "expected_lost_share", "value": share, **ends}


def _buyers_records(outlook: Outlook) -> Iterator[Record]:
    for buyer_id in outlook.result.buyers:
        yield from _headlines_of(outlook, buyer_id)


def _headlines_of(outlook: Outlook, buyer_id: str) -> Iterator[Record]:
    lost = outlook.result.buyers[buyer_id]
    named = next(b.name for b in outlook.case.exposures if b.buyer_id == buyer_id)
    key = {"level": "buyer", "subject": buyer_id, "note": named}
    total = lost.cost_usd + lost.lost_margin_usd
    tail = metrics.tail_value_at_risk(total, level=TAIL_LEVEL)
    ends = metrics.tail_value_at_risk_interval(total, level=TAIL_LEVEL)
    name = "tail_cost_and_lost_margin_usd"
    yield {**key, "name": name, "value": tail, **_ends(ends), "unit": "USD"}
    short, n = int(lost.is_short.sum()), outlook.n_scenarios
    ends = metrics.probability_interval(short, n)
    yield {**key, "name": "probability_short", "value": short / n, **_ends(ends), "unit": "1"}


def _buyer_records(outlook: Outlook, buyer_id: str) -> Iterator[Record]:
    yield from _headlines_of(outlook, buyer_id)
    for site, row in outlook.drivers(buyer_id).head(_N_DRIVERS).iterrows():
        ends = {"ci_low": row["tail_ci_low"], "ci_high": row["tail_ci_high"]}
        key = {"level": "driver", "subject": str(site), "name": "part_of_tail_cost_usd"}
        share = f"{row['tail_share']:.0%} of the tail"
        yield {**key, "value": row["tail_usd"], **ends, "unit": "USD", "note": share}
    for source, row in outlook.survival(buyer_id).iterrows():
        key = {"level": "source", "subject": str(source)}
        for name in ("time_to_survive_days", "time_to_recover_days"):
            yield {**key, "name": name, "value": row[name], "unit": "d"}
        name = "probability_longer"
        ends = {end: row[f"{name}_{end}"] for end in ("ci_low", "ci_high")}
        yield {**key, "name": name, "value": row[name], **ends, "unit": "1"}
