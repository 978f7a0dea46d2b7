"""The user's own tables: production, suppliers, daily prices, from CSV or Excel."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.cells import MOST_FAULTS
from supplyrisk.data.formats._own import Cells, read_cells, requiring
from supplyrisk.data.formats._records import decimal_mark
from supplyrisk.data.schema import Schema, schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os

__all__ = ["read_daily_prices", "read_production", "read_suppliers"]

KG_PER_LB: Final = 0.453_592_37
"""Exact, by definition of the pound."""
_PER_T: Final = {"USD/t": 1.0, "USD/kg": 1_000.0, "USD/lb": 1_000.0 / KG_PER_LB}
_TOLERANCE: Final = 1e-9
_PERCENT: Final = ("percent", "pct", "%", "per_cent")


def read_production(
    path: str | os.PathLike[str],
    *,
    year: int | None = None,
    stage: str = "mine",
    decimal: str = ".",
    sheet: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a table of one's own of production by country.

    Parameters
    ----------
    path : str or path-like
        CSV or Excel (.xlsx) file. Columns commodity, country, production_t; optional are stage,
        year, basis and source, in any order.
    year : int, optional
        Year of rows that do not say theirs; needed if any does not.
    stage : str, default 'mine'
        Stage of rows that do not say theirs: ``"mine"`` or ``"refinery"``.
    decimal : str, default '.'
        Decimal mark of a CSV file, ``"."`` or ``","``.
    sheet : str, optional
        Sheet of a workbook; the first by default.
    encoding : str, optional
        Encoding of a CSV file; by default its byte-order mark, or else UTF-8.

    Returns
    -------
    pandas.DataFrame
        The table ``production``, sorted by its key. Countries become ISO 3166-1 alpha-3 codes and
        commodities the library's names; `source_id` is the column source, or ``"own"``.

    Raises
    ------
    ValueError
        If `decimal` is no decimal mark.
    InvalidInputError
        If an argument, a column or a cell breaks a rule, a row is a total, a country or
        commodity is unknown or ambiguous, or two rows are about the same. Every fault is named.
    ImportError
        If a workbook is read and openpyxl is not installed.
    OSError
        If the file cannot be read.

    Notes
    -----
    Rows of a total ("World", "Total") are refused: shares are built from the sum of the rows, which
    would count everything twice. A remainder is no total: call its country "Other countries".

    Examples
    --------
    >>> read_production("tin-2024.csv", year=2024)  # doctest: +SKIP
    """
    decimal_mark(decimal)
    arguments = [*check.choice("stage", stage, ("mine", "refinery"))]
    if year is not None:
        arguments += check.whole("year", year, least=1500)
    if arguments:
        raise InvalidInputError("read_production", arguments)
    wanted = schema("plain_production", of="formats")
    cells = read_cells(path, wanted, sheet=sheet, encoding=encoding, decimal=decimal)
    cells.refuse([*wanted.header_faults(cells.text.columns)])
    frame, faults = cells.parsed(wanted, decimal=decimal)
    countries, wrong_countries = cells.countries()
    commodities, wrong_commodities = cells.commodities()
    cells.refuse([*faults, *wrong_countries, *wrong_commodities])
    if year is None and frame["year"].isna().any():
        rule = "must be given: as a column, or for the whole file as year="
        raise InvalidInputError(cells.what, [Fault("column year", rule, "")])
    table = pd.DataFrame(
        {
            "commodity": commodities,
            "stage": frame["stage"].fillna(stage),
            "country": countries,
            "year": frame["year"].fillna(year if year is not None else 0),
            "production_t": frame["production_t"],
            "basis": frame["basis"].fillna("not stated"),
            "standing": "reported",
            "source_id": frame["source"].fillna("own"),
        }
    )
    return cells.tidy(table, schema("production"))


def read_suppliers(
    path: str | os.PathLike[str],
    *,
    decimal: str = ".",
    sheet: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a table of one's own of suppliers.

    Parameters
    ----------
    path : str or path-like
        CSV or Excel (.xlsx) file. Columns supplier, country, commodity, and either share, as
        fractions, or supply_t (also called tonnes); optional are smelter_id and site_id.
    decimal : str, default '.'
        Decimal mark of a CSV file, ``"."`` or ``","``.
    sheet : str, optional
        Sheet of a workbook; the first by default.
    encoding : str, optional
        Encoding of a CSV file; by default its byte-order mark, or else UTF-8.

    Returns
    -------
    pandas.DataFrame
        The table ``suppliers``, sorted by its key, with either share or supply_t filled.

    Raises
    ------
    ValueError
        If `decimal` is no decimal mark.
    InvalidInputError
        If a column is missing or unknown, a cell breaks a rule, shares are percentages or sum to
        more than 1 for a commodity, or two rows are about the same. Every fault is named.
    ImportError
        If a workbook is read and openpyxl is not installed.
    OSError
        If the file cannot be read.

    Notes
    -----
    Shares of a commodity may sum to less than 1: the rest is supply one knows nothing of.

    Examples
    --------
    >>> read_suppliers("suppliers.xlsx", sheet="2025")  # doctest: +SKIP
    """
    decimal_mark(decimal)
    wanted = schema("plain_suppliers", of="formats")
    cells = read_cells(path, wanted, sheet=sheet, encoding=encoding, decimal=decimal)
    cells.text = cells.text.rename(columns={"tonnes": "supply_t"})
    cells.refuse(_header_of_suppliers(wanted, cells))
    filled = "share" if "share" in cells.text else "supply_t"
    frame, faults = cells.parsed(requiring(wanted, [filled]), decimal=decimal)
    faults = [_with_hint(fault) for fault in faults]
    countries, wrong_countries = cells.countries()
    commodities, wrong_commodities = cells.commodities()
    cells.refuse([*faults, *wrong_countries, *wrong_commodities])
    table = frame.assign(country=countries, commodity=commodities)
    _refuse_more_than_all(table, cells)
    return cells.tidy(table, schema("suppliers"))


def read_daily_prices(
    path: str | os.PathLike[str],
    *,
    date_format: str | None = None,
    decimal: str = ".",
    sheet: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read a table of one's own of daily prices of one commodity.

    Parameters
    ----------
    path : str or path-like
        CSV or Excel (.xlsx) file. Columns date, and either price_usd_per_t, or price with a
        column unit beside it: USD/t, USD/kg or USD/lb.
    date_format : str, optional
        How dates are written, as for `datetime.datetime.strptime`, such as ``"%d.%m.%Y"``; as
        year-month-day by default. Dates of a workbook need none.
    decimal : str, default '.'
        Decimal mark of a CSV file, ``"."`` or ``","``.
    sheet : str, optional
        Sheet of a workbook; the first by default.
    encoding : str, optional
        Encoding of a CSV file; by default its byte-order mark, or else UTF-8.

    Returns
    -------
    pandas.DataFrame
        The table ``daily_prices``: date and price_usd_per_t, oldest first.

    Raises
    ------
    ValueError
        If `decimal` is no decimal mark.
    InvalidInputError
        If a column is missing or unknown, a price is not positive, a unit is another one (prices
        in euros are not converted), or a date comes twice. Every fault is named.
    ImportError
        If a workbook is read and openpyxl is not installed.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> read_daily_prices("tin.csv", date_format="%d.%m.%Y", decimal=",")  # doctest: +SKIP
    """
    decimal_mark(decimal)
    wanted = schema("plain_daily_prices", of="formats")
    cells = read_cells(path, wanted, sheet=sheet, encoding=encoding, decimal=decimal)
    cells.refuse(_header_of_prices(wanted, cells))
    unreadable = _read_dates(cells, date_format)
    plain = "price_usd_per_t" in cells.text
    filled = ["price_usd_per_t"] if plain else ["price", "unit"]
    frame, faults = cells.parsed(requiring(wanted, filled), decimal=decimal)
    named = {fault.field for fault in unreadable}
    cells.refuse([*unreadable, *(fault for fault in faults if fault.field not in named)])
    if not plain:
        frame["price_usd_per_t"] = frame["price"] * frame["unit"].map(_PER_T).astype(float)
    return cells.tidy(frame[["date", "price_usd_per_t"]], schema("daily_prices"))


def _header_of_suppliers(wanted: Schema, cells: Cells) -> list[Fault]:
    header = [str(name) for name in cells.text.columns]
    percent = [name for name in header if any(mark in name.casefold() for mark in _PERCENT)]
    hint = "must be called share and hold fractions: 25 % is 0.25"
    faults = [Fault(f"column {name}", hint, name) for name in percent]
    faults += [
        fault
        for fault in wanted.header_faults(header)
        if fault.field not in {f"column {name}" for name in percent}
    ]
    given = [name for name in ("share", "supply_t") if name in header]
    if len(given) != 1 and not percent:
        faults.append(Fault("columns share and supply_t", "must be exactly one of the two", given))
    return faults


def _with_hint(fault: Fault) -> Fault:
    if fault.field.endswith("column share") and fault.rule == "must lie in [0, 1]":
        return fault._replace(rule="must lie in [0, 1]: shares are fractions, and 25 % is 0.25")
    return fault


def _refuse_more_than_all(table: pd.DataFrame, cells: Cells) -> None:
    sums = table.groupby("commodity")["share"].sum()
    cells.refuse(
        [
            Fault("column share", f"must sum to at most 1 for {commodity}", round(total, 9))
            for commodity, total in sums.items()
            if total > 1.0 + _TOLERANCE
        ]
    )


def _header_of_prices(wanted: Schema, cells: Cells) -> list[Fault]:
    header = [str(name) for name in cells.text.columns]
    faults = [*wanted.header_faults(header)]
    plain = "price_usd_per_t" in header
    both = [name for name in ("price", "unit") if name in header]
    if plain == bool(both) or (both and len(both) < 2):
        rule = "must be price_usd_per_t, or price with its unit beside it"
        faults.append(Fault("columns of the price", rule, header))
    return faults


def _read_dates(cells: Cells, date_format: str | None) -> list[Fault]:
    """Rewrite dates as year-month-day; name those that are not as the format says."""
    if date_format is None:
        return []
    faults = []
    dates = []
    for line, text in cells.text["date"].items():
        try:
            moment = dt.datetime.strptime(text.strip(), date_format)  # noqa: DTZ007 - a day
            dates.append(moment.date().isoformat())
        except ValueError:
            dates.append(text)
            if text.strip() and not _is_iso(text):
                rule = f"must be a date written as {date_format}"
                faults.append(Fault(f"line {line}, column date", rule, text))
    cells.text = cells.text.assign(date=pd.Series(dates, index=cells.text.index, dtype=object))
    return faults[:MOST_FAULTS]


def _is_iso(text: str) -> bool:
    # Dates that a workbook knows as dates need no format.
    try:
        return dt.date.fromisoformat(text.strip()).isoformat() == text.strip()
    except ValueError:
        return False
