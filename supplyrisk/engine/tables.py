"""The tables of an outlook: results of a simulation as data frames."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from supplyrisk import metrics
from supplyrisk.engine.contributions import TAIL_LEVEL, labels
from supplyrisk.engine.markets import BALANCE
from supplyrisk.engine.products import inputs_of_products
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.contributions import Sums
    from supplyrisk.engine.exposures import BuyerLosses
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.prices import MarketView
    from supplyrisk.engine.results import BlockResult
    from supplyrisk.engine.tails import TailParts
    from supplyrisk.model.market import CommodityExposure

    Floats = NDArray[np.float64]
    TailBy = dict[str, TailParts]

QUANTILES: Final = {"q05": 0.05, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q95": 0.95}
"""Quantiles shown by step, by column name. [1]"""

STEPS: Final = ("price_usd_per_t", "refined_t", "upstream_t", "exchange_t", "buyers_t")
"""Series of a market that are shown by step, as in `MarketResult`."""

Row = tuple[str, float, float, float, str]


def sites_table(plan: Plan, result: BlockResult, tail_by: TailBy) -> pd.DataFrame:
    """Return the results by site, indexed by site_id."""
    n = len(result.lost_t)
    mean, reach = _means(result.sums["site"], n)
    planned = plan.production_t_per_day * plan.horizon_days
    share = np.divide(mean, planned, out=np.zeros(len(mean)), where=planned > 0.0)
    tail = tail_by["site"]
    return pd.DataFrame(
        {
            "name": [site.name for site in plan.sites],
            "country": [site.country for site in plan.sites],
            "latitude_deg": [_or_nan(site.latitude_deg) for site in plan.sites],
            "longitude_deg": [_or_nan(site.longitude_deg) for site in plan.sites],
            "production_tpa": plan.production_t_per_day * DAYS_PER_YEAR,
            "expected_lost_t": mean,
            "ci_low": np.maximum(mean - reach, 0.0),
            "ci_high": mean + reach,
            "expected_lost_share": share,
            "availability": 1.0 - share,
            "tail_contribution_t": tail.tail_t,
            "tail_ci_low": np.maximum(tail.tail_t - tail.reach_t, 0.0),
            "tail_ci_high": tail.tail_t + tail.reach_t,
        },
        index=pd.Index([site.site_id for site in plan.sites], name="site_id"),
    )


def contributions_table(plan: Plan, result: BlockResult, tail_by: TailBy, by: str) -> pd.DataFrame:
    """Return the parts of the expected loss and of the tail mean, largest tail part first."""
    n = len(result.lost_t)
    mean, reach = _means(result.sums[by], n)
    tail = tail_by[by]
    total = pd.DataFrame(
        {
            "expected_t": mean,
            "expected_ci_low": np.maximum(mean - reach, 0.0),
            "expected_ci_high": mean + reach,
            "tail_t": tail.tail_t,
            "tail_ci_low": np.maximum(tail.tail_t - tail.reach_t, 0.0),
            "tail_ci_high": tail.tail_t + tail.reach_t,
        },
        index=pd.Index(labels(plan, by).names, name=by),
    )
    total = total.sort_values("tail_t", ascending=False, kind="stable")
    for column, share in (("expected_t", "expected_share"), ("tail_t", "tail_share")):
        whole = total[column].sum()
        total[share] = total[column] / whole if whole > 0.0 else 0.0
    return total


def _means(parts: Sums, n: int) -> tuple[Floats, Floats]:
    """Return the mean of each part and half the width of its 90 % interval."""
    mean = parts.total_t / n
    variance = np.maximum(parts.square_t2 / n - mean**2, 0.0)
    return mean, _z(0.9) * np.sqrt(variance / (n - 1))


def events_table(plan: Plan, result: BlockResult) -> pd.DataFrame:
    """Return the event loss table: a row per simulated event and site."""
    rows = result.rows
    threats = plan.threats

    def named(values: list[str], place: NDArray[np.intp]) -> pd.Categorical[str]:
        """Name each row; thousands of rows share a few names, so categories keep it small."""
        return pd.Categorical(values, sorted(set(values))).take(place)

    return pd.DataFrame(
        {
            "scenario": rows.scenario,
            "threat": named([threat.name for threat in threats], rows.threat),
            "kind": named([threat.kind for threat in threats], rows.threat),
            "number": rows.number,
            "peril": named([threat.peril for threat in threats], rows.threat),
            "site_id": named([site.site_id for site in plan.sites], rows.site),
            "start_days": rows.start_days,
            "outage_days": rows.outage_days,
            "ramp_days": rows.ramp_days,
            "severity": rows.severity,
            "alone_t": rows.alone_t,
            "lost_t": rows.lost_t,
        }
    )


def steps_table(plan: Plan, result: BlockResult) -> pd.DataFrame:
    """Return mean and quantiles by step, indexed by the last day of each step."""
    series = {"supply_t": result.supply_t}
    own = result.markets.get(str(plan.case.commodity))
    if own is not None:
        series |= {name: getattr(own, name) for name in STEPS}
    columns: dict[tuple[str, str], Floats] = {}
    for name, paths in series.items():
        columns[name, "mean"] = paths.mean(axis=0)
        levels = np.quantile(paths, list(QUANTILES.values()), axis=0)
        columns |= {(name, q): level for q, level in zip(QUANTILES, levels, strict=True)}
    frame = pd.DataFrame(columns, index=last_days(plan))
    frame.columns = frame.columns.set_names(["quantity", "statistic"])
    frame.attrs["n_scenarios"] = len(result.supply_t)
    return frame


def exposures_table(plan: Plan, result: BlockResult) -> pd.DataFrame:
    """Return the results by buyer, indexed by buyer_id."""
    found = result.buyers
    records = {
        buyer.buyer_id: _exposure(buyer, found[buyer.buyer_id])
        for buyer in sorted(plan.case.exposures, key=lambda buyer: buyer.buyer_id)
        if buyer.buyer_id in found
    }
    frame = pd.DataFrame(list(records.values()), index=pd.Index(list(records), dtype=object))
    return frame.rename_axis("buyer_id")


def buyer_steps_table(plan: Plan, result: BlockResult, buyer_id: str) -> pd.DataFrame:
    """Return the mean results of a buyer by step, indexed by the last day of each step."""
    n = len(result.lost_t)
    steps = next(m.buyer_steps[buyer_id] for m in result.markets.values() if buyer_id in m.buyers)
    frame = pd.DataFrame({"received_t": steps.received_t / n}, index=last_days(plan))
    for name, sums, squares in (
        ("shortage_t", steps.shortage_t, steps.shortage_squares),
        ("cost_usd", steps.cost_usd, steps.cost_squares),
        ("lost_margin_usd", steps.lost_margin_usd, steps.lost_margin_squares),
    ):
        mean = sums / n
        half = _z(0.9) * np.sqrt(np.maximum(squares / n - mean**2, 0.0) / n)
        frame[name], frame[f"{name}_ci_low"], frame[f"{name}_ci_high"] = (
            mean,
            mean - half,
            mean + half,
        )
    frame["probability_short"] = steps.n_short / n
    ends = [metrics.probability_interval(int(k), n) for k in steps.n_short.tolist()]
    frame["probability_short_ci_low"] = [end.low for end in ends]
    frame["probability_short_ci_high"] = [end.high for end in ends]
    return frame


def products_table(plan: Plan, result: BlockResult) -> pd.DataFrame:
    """Return the results by product that needs several metals, indexed by product."""
    records = {}
    for product, inputs in inputs_of_products(plan.case).items():
        lost = {b.buyer_id: result.buyers[b.buyer_id] for b in inputs}
        margin = np.sum([one.lost_margin_usd for one in lost.values()], axis=0)
        days = {name: float(one.stopped_days.mean()) for name, one in lost.items()}
        stopped = np.any([one.is_short for one in lost.values()], axis=0)
        short, n = int(stopped.sum()), len(margin)
        record: dict[str, object] = {"inputs": ", ".join(lost)}
        tail = metrics.tail_value_at_risk(margin, level=TAIL_LEVEL)
        ends = metrics.tail_value_at_risk_interval(margin, level=TAIL_LEVEL)
        mean = float(margin.mean())
        record |= with_ends("expected_lost_margin_usd", mean, metrics.mean_interval(margin))
        record |= with_ends("tail_lost_margin_usd", tail, ends)
        chance = metrics.probability_interval(short, n)
        record |= with_ends("probability_stopped", short / n, chance)
        record["expected_stopped_days"] = sum(days.values())
        record["binds_most"] = max(days, key=lambda name: days[name]) if short else None
        records[product] = record
    index = pd.Index(list(records), dtype=object, name="product")
    return pd.DataFrame(list(records.values()), index=index)


def conservation_table(result: BlockResult, commodities: Sequence[str]) -> pd.DataFrame:
    """Return the balance of metal by commodity, means over the scenarios."""
    n = len(result.lost_t)
    records = []
    for commodity in commodities:
        market = result.markets[commodity]
        record = dict(zip((f"{name}_t" for name in BALANCE), market.balance_t / n, strict=True))
        record["residual_t"] = float(market.residual_t.max())
        records.append(record)
    return pd.DataFrame(records, index=pd.Index(list(commodities), name="commodity"))


def market_balance_table(plan: Plan, result: BlockResult, commodity: str) -> pd.DataFrame:
    """Return supply, use and their difference by quarter, means over the scenarios."""
    market, n = result.markets[commodity], len(result.lost_t)
    frame = pd.DataFrame(
        {
            "supply_t": market.supply_sum_t / n,
            "use_t": market.use_sum_t / n,
            "days": np.diff(plan.edges_days),
        }
    )
    # A step belongs to the quarter in which it ends.
    quarters = frame.groupby(last_days(plan).to_period("Q").rename("quarter")).sum()
    quarters.insert(2, "balance_t", quarters["supply_t"] - quarters["use_t"])
    return quarters


def last_days(plan: Plan) -> pd.DatetimeIndex:
    """Return the last day of each step."""
    start = plan.case.start
    days = [start + dt.timedelta(days=int(day)) for day in plan.edges_days[1:]]
    return pd.DatetimeIndex(days, name="date")


def _exposure(buyer: CommodityExposure, lost: BuyerLosses) -> dict[str, object]:
    n = len(lost.cost_usd)
    shares = [source.share for source in buyer.sources if source.share > 0.0]
    short = int(lost.is_short.sum())
    record: dict[str, object] = {"name": buyer.name, "illustrative": buyer.illustrative}
    measures = (
        ("cost_usd", lost.cost_usd),
        ("cost_against_budget_usd", lost.cost_against_budget_usd),
        ("shortage_t", lost.shortage_t),
        ("lost_margin_usd", lost.lost_margin_usd),
    )
    for name, values in measures:
        ends = metrics.mean_interval(values)
        tail_ends = metrics.tail_value_at_risk_interval(values, level=TAIL_LEVEL)
        tail = metrics.tail_value_at_risk(values, level=TAIL_LEVEL)
        record |= with_ends(f"expected_{name}", float(values.mean()), ends)
        record |= with_ends(f"tail_{name}", tail, tail_ends)
    record |= with_ends("probability_short", short / n, metrics.probability_interval(short, n))
    late = lost.first_short_days[lost.is_short]
    record["first_short_days"] = float(np.median(late)) if short else np.inf
    record["expected_short_days"] = float(lost.short_days.mean())
    record["expected_stopped_days"] = float(lost.stopped_days.mean())
    drawn = metrics.value_at_risk(lost.drawn_days, level=TAIL_LEVEL)
    ends = metrics.value_at_risk_interval(lost.drawn_days, level=TAIL_LEVEL)
    record |= with_ends("stock_drawn_95_days", drawn, ends)
    record["time_to_survive_days"] = buyer.inventory_days / max(shares) if shares else float("inf")
    return record


def with_ends(name: str, value: float, ends: metrics.Interval) -> dict[str, float]:
    """Return a figure and the ends of its interval as three columns.

    Parameters
    ----------
    name : str
        Name of the figure; those of the ends follow from it.
    value : float
        The figure.
    ends : Interval
        Its interval.

    Returns
    -------
    dict of str to float
        By column.
    """
    return {name: value, f"{name}_ci_low": ends.low, f"{name}_ci_high": ends.high}


def summary_table(plan: Plan, result: BlockResult, view: MarketView | None) -> pd.DataFrame:
    """Return the summary: metric, value, ci_low, ci_high, unit."""
    rows = [*_loss_rows(plan, result), *_price_rows(plan, result, view)]
    return pd.DataFrame(rows, columns=["metric", "value", "ci_low", "ci_high", "unit"])


def _loss_rows(plan: Plan, result: BlockResult) -> Iterator[Row]:
    lost, largest, planned = result.lost_t, result.largest_loss_t, plan.planned_t
    nothing = float("nan")
    yield "planned_t", planned, nothing, nothing, "t"
    yield "expected_lost_t", float(lost.mean()), *metrics.mean_interval(lost), "t"
    tail = metrics.tail_value_at_risk(lost, level=TAIL_LEVEL)
    ends = metrics.tail_value_at_risk_interval(lost, level=TAIL_LEVEL)
    if planned > 0.0:
        yield "supply_at_risk", tail / planned, ends.low / planned, ends.high / planned, "1"
    yield "tail_value_at_risk_95_t", tail, *ends, "t"
    for level in (0.50, 0.90, 0.95, 0.99):
        name = f"value_at_risk_{round(100 * level)}_t"
        value = metrics.value_at_risk(lost, level=level)
        yield name, value, *metrics.value_at_risk_interval(lost, level=level), "t"
    # A return period speaks of years: it has no meaning for another horizon.
    if plan.horizon_days == DAYS_PER_YEAR:
        for years in (10, 20, 100):
            value = metrics.loss_at_return_period(largest, years)
            ends = metrics.value_at_risk_interval(largest, level=1.0 - 1.0 / years)
            yield f"largest_event_1_in_{years}_t", float(value), *ends, "t"


def _price_rows(plan: Plan, result: BlockResult, view: MarketView | None) -> Iterator[Row]:
    market = plan.case.market()
    if market is None or view is None:
        return
    nothing = float("nan")
    peak = result.markets[market.commodity].peak_price_usd_per_t
    yield "last_quote_usd_per_t", market.quote_usd_per_t, nothing, nothing, "USD/t"
    for level in (0.50, 0.95):
        value = metrics.value_at_risk(peak, level=level)
        ends = metrics.value_at_risk_interval(peak, level=level)
        yield f"peak_price_{round(100 * level)}_usd_per_t", value, *ends, "USD/t"
    yield "quote_against_price_before", view.quote_ratio, nothing, nothing, "1"
    yield "implied_elasticity_sum", view.implied_elasticity_sum, nothing, nothing, "1"
    low, middle, high = view.implied_closure_days
    yield "implied_closure_days", middle, low, high, "d"


def _z(confidence: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415 - one number

    return float(ndtri(0.5 + 0.5 * confidence))


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
