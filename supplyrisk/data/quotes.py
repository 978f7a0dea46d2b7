"""The market of a metal on a day: its last known price, and how much it moves."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.market_tables import prices
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.evidence import Citation
from supplyrisk.model.market import Market

ASSUMPTIONS: Final = "supplyrisk-assumptions"
ASSUMED_VOLATILITY: Final = 0.30
"""Volatility of a metal with too few prices. [1/sqrt(a)]"""
BELIEVED: Final = (0.10, 0.60)
"""Volatility that a few annual means may tell: less is a list price, more a single slump."""
FEWEST_PRICES: Final = {"monthly": 37, "annual": 7}
"""Prices that a volatility must rest on."""
_MONTHS: Final = {"monthly": 1, "annual": 12}
# Means of periods smooth a random walk: their changes have two thirds of its variance.
_SMOOTHED: Final = 1.5


class Volatility(NamedTuple):
    """Volatility of a price, and what it rests on.

    Attributes
    ----------
    volatility_pa
        Standard deviation of its yearly logarithmic change. [1/sqrt(a)]
    source_id
        Source of the prices, or of the assumption.
    standing
        How far to trust it.
    note
        How it was found.
    """

    volatility_pa: float
    source_id: str
    standing: str
    note: str


def known_prices(commodity: str, as_of: dt.date | None = None) -> pd.DataFrame:
    """Mean prices of the periods that were over on a day.

    Parameters
    ----------
    commodity : str
        Commodity.
    as_of : datetime.date, optional
        Day from which to look back; all that is bundled by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``prices``, and ``period_end``; of a period that several editions
        state, the newest one that was out. Sorted by the end of the period, months after years.

    Raises
    ------
    InvalidInputError
        If no price of the commodity is bundled, or `as_of` is no date.
    """
    faults = [] if as_of is None else [*check.date("as_of", as_of)]
    faults += check.choice("commodity", commodity, sorted(set(table("prices")["commodity"])))
    if faults:
        raise InvalidInputError("known_prices", faults)
    rows = prices(commodity)
    ends = [
        start + pd.DateOffset(months=_MONTHS[frequency]) - pd.Timedelta(days=1)
        for start, frequency in zip(rows["period_start"], rows["frequency"], strict=True)
    ]
    rows["period_end"] = pd.Series(ends, dtype=rows["period_start"].dtype)
    if as_of is not None:
        rows = rows[rows["period_end"] < pd.Timestamp(as_of)]
        # Of a period the editions that were out count; one that only came later stands for itself,
        # since a price is known when its period is over.
        published = table("sources").set_index("source_id")["published"]
        out = rows["source_id"].map(published) <= pd.Timestamp(as_of)
        period = [rows[name] for name in ("frequency", "price_kind", "period_start")]
        rows = rows[out | ~out.groupby(period).transform("any")]
    rows = rows.sort_values(["period_end", "frequency", "source_id"])
    return rows.drop_duplicates(["period_end", "frequency"], keep="last").reset_index(drop=True)


def volatility_for(commodity: str, as_of: dt.date | None = None) -> Volatility:
    """Volatility of a metal's price as of a day [1/sqrt(a)].

    Parameters
    ----------
    commodity : str
        Commodity.
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    Volatility
        From monthly means where there are three years of them, else from annual means where there
        are seven, else an assumption of 0.30.

    Raises
    ------
    InvalidInputError
        If no price of the commodity is bundled, or `as_of` is no date.

    Notes
    -----
    The standard deviation of logarithmic changes, times the square root of the periods in a year
    and of 3/2, since the mean of a period smooths [1]_. What annual means give is kept between
    0.10 and 0.60: two bounds chosen after seeing 0.07 (bauxite, graphite) and 1.08 (lithium).

    References
    ----------
    .. [1] H. Working, "Note on the correlation of first differences of averages in a random
       chain," *Econometrica*, vol. 28, no. 4, pp. 916-918, 1960, :doi:`10.2307/1907574`.

    Examples
    --------
    >>> import datetime as dt
    >>> round(volatility_for("tin", as_of=dt.date(2025, 3, 13)).volatility_pa, 2)
    0.27
    """
    rows = known_prices(commodity, as_of)
    for frequency, fewest in FEWEST_PRICES.items():
        series = rows[rows["frequency"] == frequency]
        if len(series) < fewest:
            continue
        changes = np.diff(np.log(series["price_usd_per_t"].to_numpy()))
        found = float(changes.std(ddof=1) * np.sqrt(_SMOOTHED * 12 / _MONTHS[frequency]))
        note = f"{changes.size} {frequency} changes to {series['period_end'].iloc[-1].date()}"
        monthly = frequency == "monthly"
        kept = found if monthly else float(np.clip(found, *BELIEVED))
        if kept != found:
            note += f"; {found:.2f} from them is not believed"
        source = str(series["source_id"].iloc[-1])
        return Volatility(round(kept, 3), source, "derived" if monthly else "estimate", note)
    note = "too few prices are bundled"
    return Volatility(ASSUMED_VOLATILITY, ASSUMPTIONS, "assumption", note)


def market(
    commodity: str, start: dt.date, output_tpa: float
) -> tuple[tuple[Market, ...], tuple[Citation, ...], tuple[str, ...]]:
    """Market of a case, if a price was known.

    Parameters
    ----------
    commodity : str
        Commodity.
    start : datetime.date
        Start of the case.
    output_tpa : float
        Output of the world, the supply where no better figure is bundled. [t/a]

    Returns
    -------
    tuple of tuple of Market, tuple of Citation and tuple of str
        The market or none, its citations, and what is not quantified.
    """
    rows = _prices_or_none(commodity, start)
    if rows.empty:
        return (), (), (f"Prices: none of {commodity} is bundled that was known on {start}.",)
    last = rows.iloc[-1]
    volatility = volatility_for(commodity, start)
    supply = _size(commodity, "supply_tpa", start, output_tpa)
    demand = _size(commodity, "demand_tpa", start, supply[0])
    made = Market(
        commodity=commodity,
        price_usd_per_t=float(last["price_usd_per_t"]),
        price_date=last["period_end"].date(),
        supply_tpa=supply[0],
        demand_tpa=demand[0],
        volatility_pa=volatility.volatility_pa,
    )
    span = "month" if last["frequency"] == "monthly" else "year"
    stated = {
        "price_usd_per_t": (last["source_id"], last["standing"], f"mean of the last {span} known"),
        "volatility_pa": volatility[1:],
        "supply_tpa": supply[1:],
        "demand_tpa": demand[1:],
        "elasticity_sum_median": (
            ASSUMPTIONS,
            "assumption",
            "the library's prior: no published short-run value is used",
        ),
    }
    citations = tuple(
        Citation(
            path=f"markets.{commodity}.{field}", source_id=source, standing=standing, note=note
        )
        for field, (source, standing, note) in stated.items()
    )
    when = f"{last['period_end']:%Y-%m}" if span == "month" else f"{last['period_end']:%Y}"
    note = f"Price: the mean of {when}, not a quote; a case of your own may hold a newer one."
    return (made,), citations, (note,)


def _prices_or_none(commodity: str, start: dt.date) -> pd.DataFrame:
    held = table("prices")
    if not (held["commodity"] == commodity).any():
        return held.iloc[:0]
    return known_prices(commodity, start)


def _size(
    commodity: str, parameter: str, start: dt.date, otherwise: float
) -> tuple[float, str, str, str]:
    """Return the newest published size of a market, with source, standing and note."""
    rows = table("market_parameters")
    rows = rows[(rows["commodity"] == commodity) & (rows["parameter"] == parameter)]
    dates = table("sources").set_index("source_id")["published"]
    rows = rows[rows["source_id"].map(dates) <= pd.Timestamp(start)]
    if rows.empty:
        note = "set to primary output: a market in balance"
        return otherwise, ASSUMPTIONS, "assumption", note
    last: Any = rows.sort_values("year").iloc[-1]
    note = last["note"] if isinstance(last["note"], str) else ""
    return float(last["value"]), last["source_id"], last["standing"], note
