"""Long tables of trade and production, checked and coded as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk import indicators
from supplyrisk.analysis._regions import country_of
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.integer[Any]]

_TOTALS: Final = frozenset(
    {
        "world",
        "total",
        "totals",
        "all",
        "all countries",
        "world total",
        "wld",
        "w00",
        "all partners",
    }
)


class Flows(NamedTuple):
    """Trade, a row for each flow; codes count the values of the columns.

    Attributes
    ----------
    commodities, years, importers, exporters : list
        What the codes stand for.
    commodity, year, importer, exporter : ndarray of int, shape (n_rows,)
        Codes.
    tonnes : ndarray, shape (n_rows,)
        Amounts. [t]
    value_usd : ndarray, shape (n_rows,), or None
        Values. [USD]
    """

    commodities: list[str]
    years: list[int]
    importers: list[str]
    exporters: list[str]
    commodity: Codes
    year: Codes
    importer: Codes
    exporter: Codes
    tonnes: Floats
    value_usd: Floats | None


class Made(NamedTuple):
    """Production of the world, for the commodities and years of some flows.

    Attributes
    ----------
    hhi : ndarray, shape (n_commodities, n_years)
        Concentration; NaN where nothing is known. [1]
    tonnes : ndarray, shape (n_commodities, n_years, n_countries)
        Production. [t]
    countries : dict of str to int
        Place of each country.
    """

    hhi: Floats
    tonnes: Floats
    countries: dict[str, int]


def flows_of(trade: pd.DataFrame, companies: Collection[str]) -> Flows:
    """Check a long table of trade.

    Parameters
    ----------
    trade : pandas.DataFrame
        Columns commodity, year, importer, exporter, amount_t and perhaps value_usd; or the table
        that `data.contained_metal` gives.
    companies : collection of str
        Importers that are no countries.

    Returns
    -------
    Flows
        The same, coded.

    Raises
    ------
    InvalidInputError
        If columns are missing, a row is a total, a country is unknown, an amount is missing,
        negative or of goods in gross weight, or stages or reports are mixed.
    """
    check.require("trade", trade, pd.DataFrame)
    amount = _amount_column(trade)
    _refuse_mixed(trade)
    importer, importers = _places(
        trade["importer"], "importer", lambda n: n if n in companies else _country(n, "importer")
    )
    exporter, exporters = _places(trade["exporter"], "exporter", lambda n: _country(n, "exporter"))
    commodity, commodities = _places(trade["commodity"], "commodity", _commodity)
    year, years = _places(trade["year"], "year", _year)
    return Flows(
        commodities=commodities,
        years=years,
        importers=importers,
        exporters=exporters,
        commodity=commodity,
        year=year,
        importer=importer,
        exporter=exporter,
        tonnes=_amounts(trade, amount),
        value_usd=_amounts(trade, "value_usd", blank=True) if "value_usd" in trade else None,
    )


def made_of(production: pd.DataFrame, flows: Flows, basis: dict[str, str]) -> Made:
    """Check a long table of production, and set it against flows.

    Parameters
    ----------
    production : pandas.DataFrame
        Columns commodity, year, country, production_t, of one stage for each commodity.
    flows : Flows
        Trade.
    basis : dict of str to str
        What the tonnes of the trade are, by commodity, where it says so.

    Returns
    -------
    Made
        Production in the commodities and years of the trade.

    Raises
    ------
    InvalidInputError
        If columns are missing, a row is a total, a country is unknown, stages or editions are
        mixed, a commodity or year of the trade has no production, or one of the two counts gross
        weight and the other what it contains.
    """
    check.require("production", production, pd.DataFrame)
    _need("production", production, ("commodity", "year", "country", "production_t"))
    _refuse_several(production, "stage")
    commodity, commodities = _places(production["commodity"], "commodity", _commodity)
    year, years = _places(production["year"], "year", _year)
    country, countries = _places(
        production["country"], "country", lambda name: _country(name, "production.country")
    )
    _refuse_unknown(flows, commodities, years)
    refuse_gross(production, basis)
    shape = (len(commodities), len(years), len(countries))
    cell = np.ravel_multi_index((commodity, year, country), shape)
    amounts = _amounts(production, "production_t")
    _refuse_repeated(cell, production)
    output = summed(cell, amounts, int(np.prod(shape))).reshape(shape)
    pair = np.ravel_multi_index((commodity, year), shape[:2])
    hhi = indicators.hhi_by_group(amounts, country, pair, n_groups=shape[0] * shape[1])
    c = [commodities.index(name) for name in flows.commodities]
    y = [years.index(name) for name in flows.years]
    wanted = hhi.reshape(shape[:2])[np.ix_(c, y)]
    _refuse_gaps(flows, wanted)
    return Made(wanted, output[np.ix_(c, y)], {name: n for n, name in enumerate(countries)})


def basis_of(trade: pd.DataFrame) -> dict[str, str]:
    """Return what the tonnes of a trade are tonnes of, by commodity, where it says so."""
    if "content_of" not in trade:
        return {}
    pairs = trade[["commodity", "content_of"]].drop_duplicates()
    return dict(pairs.astype(str).itertuples(index=False, name=None))


def labelled(codes: Codes, names: list[str]) -> pd.Categorical[Any]:
    """Return codes as a column of the names they stand for."""
    return pd.Categorical.from_codes(codes.astype(np.int64), categories=pd.Index(names))


def summed(codes: Codes, amounts: Floats, n_codes: int) -> Floats:
    """Sum amounts by code, shape (n_codes,)."""
    return np.bincount(codes, amounts, n_codes).astype(np.float64, copy=False)


def _need(what: str, frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing or frame.empty:
        rule = f"must have the columns {', '.join(names)}, and rows"
        raise InvalidInputError(what, [Fault("columns", rule, list(map(str, frame.columns)))])


def _amount_column(trade: pd.DataFrame) -> str:
    if "amount_t" not in trade.columns and "contained_t" not in trade.columns:
        if "hs_code" in trade.columns:
            rule = (
                "must be tonnes of contained metal: goods by code are in gross weight, which "
                "sr.data.contained_metal turns into it"
            )
            raise InvalidInputError("trade", [Fault("column quantity_t", rule, "gross weight")])
        _need("trade", trade, ("commodity", "year", "importer", "exporter", "amount_t"))
    amount = "amount_t" if "amount_t" in trade.columns else "contained_t"
    _need("trade", trade, ("commodity", "year", "importer", "exporter", amount))
    return amount


def _refuse_mixed(trade: pd.DataFrame) -> None:
    """Raise where rows would count one flow twice: two stages, or two reports of it."""
    _refuse_several(trade, "stage")
    if "reported_by" in trade:
        found = sorted(trade["reported_by"].dropna().astype(str).unique())
        if len(found) > 1:
            rule = "must be one: the two reports of a flow must not be added"
            raise InvalidInputError("trade", [Fault("column reported_by", rule, found)])
    if "month" in trade and 0 < trade["month"].isna().sum() < len(trade):
        rule = "must be given in all rows or in none: a year holds its months"
        raise InvalidInputError("trade", [Fault("column month", rule, "both")])


def _refuse_several(frame: pd.DataFrame, column: str) -> None:
    if column not in frame:
        return
    pairs = frame[["commodity", column]].drop_duplicates()
    twice = pairs[pairs["commodity"].duplicated()]["commodity"].astype(str).unique().tolist()
    if twice:
        here = pairs[pairs["commodity"] == twice[0]]
        found = sorted(here[column].astype(str))
        rule = f"must be one for {twice[0]!r}: metal of one stage is counted again at the next"
        raise InvalidInputError("supplier_contributions", [Fault(f"column {column}", rule, found)])


def _refuse_unknown(flows: Flows, commodities: list[str], years: list[int]) -> None:
    faults = [
        fault
        for name in flows.commodities
        for fault in check.choice("commodity of the trade", name, sorted(commodities))
    ]
    span = f"{min(years)} to {max(years)}"
    faults += [
        Fault("year of the trade", f"must be a year of the production, {span}", year)
        for year in flows.years
        if year not in years
    ]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)


def _refuse_gaps(flows: Flows, hhi: Floats) -> None:
    """Raise if a commodity is traded in a year of which no production is known."""
    traded = np.zeros(hhi.shape, dtype=bool)
    traded[flows.commodity, flows.year] = True
    faults = [
        Fault("production", f"must be known for {flows.commodities[c]!r}", flows.years[y])
        for c, y in np.argwhere(traded & np.isnan(hhi)).tolist()
    ]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)


def refuse_gross(production: pd.DataFrame, basis: dict[str, str]) -> None:
    """Raise if production counts gross weight and trade what it contains, or the reverse."""
    if "basis" not in production:
        return
    pairs = production[["commodity", "basis"]].drop_duplicates()
    faults = [
        Fault("content_of", f"must be as that of production, {made!r}, for {name!r}", basis[name])
        for name, made in pairs.itertuples(index=False, name=None)
        if name in basis and ("gross weight" in str(made)) != (basis[name] == "gross")
    ]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)


def _refuse_repeated(cell: Codes, production: pd.DataFrame) -> None:
    order = np.argsort(cell, kind="stable")
    again = np.flatnonzero(np.diff(cell[order]) == 0)
    if again.size:
        row = production.iloc[order[again[0] + 1]]
        rule = "must hold a commodity, year and country once: editions are not to be added"
        found = (row["commodity"], row["year"], row["country"])
        raise InvalidInputError("production", [Fault("rows", rule, found)])


def _places(column: pd.Series, name: str, of: Callable[[Any], Any]) -> tuple[Codes, list[Any]]:
    """Code a column; values that mean the same get one code."""
    codes, found = pd.factorize(column)
    if (codes < 0).any():
        row = column.index[int(np.argmin(codes))]
        raise InvalidInputError(
            "table", [Fault(f"row {row}, column {name}", "must be given", None)]
        )
    meant = [of(value) for value in found]
    names = list(dict.fromkeys(meant))
    place = {value: number for number, value in enumerate(names)}
    return np.array([place[value] for value in meant], dtype=np.int32)[codes], names


def _country(name: object, field: str) -> str:
    if isinstance(name, str) and name.strip().casefold() in _TOTALS:
        rule = "must be a country: a row for the total would count every flow twice"
        raise InvalidInputError("supplier_contributions", [Fault(field, rule, name)])
    return country_of(name, field)  # type: ignore[arg-type]


def _commodity(name: object) -> str:
    faults = [*check.commodity("commodity", name)]
    if faults:
        raise InvalidInputError("supplier_contributions", faults)
    return str(name)


def _year(value: object) -> int:
    faults = [*check.number("year", value, least=1.0)]
    if faults or int(value) != value:  # type: ignore[call-overload]
        faults = faults or [Fault("year", "must be a whole number", value)]
        raise InvalidInputError("supplier_contributions", faults)
    return int(value)  # type: ignore[call-overload,no-any-return]


def _amounts(frame: pd.DataFrame, column: str, *, blank: bool = False) -> Floats:
    given = frame[column]
    amounts = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    good = np.isfinite(amounts) & (amounts >= 0.0)
    if blank:
        good |= given.isna().to_numpy()
    if not good.all():
        place = int(np.argmin(good))
        rule = "must be finite and >= 0: what is not known is not to be left out as 0"
        where = f"row {frame.index[place]}, column {column}"
        raise InvalidInputError("supplier_contributions", [Fault(where, rule, given.iloc[place])])
    return amounts
