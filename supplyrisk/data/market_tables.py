"""Bundled tables of markets, uses, rules and sources: each function gives the table of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplyrisk.data.tables import where

if TYPE_CHECKING:
    import pandas as pd


def prices(commodity: str | None = None, frequency: str | None = None) -> pd.DataFrame:
    """Mean prices of months and years [USD/t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    frequency : str, optional
        ``"monthly"`` or ``"annual"``; both by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``prices``, see `columns`. Several editions may state one year:
        `volatility_for` and `build_case` use the newest.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("prices", commodity=commodity, frequency=frequency)


def market_parameters(commodity: str | None = None) -> pd.DataFrame:
    """Elasticities and the size of markets, each with its standing.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``market_parameters``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("market_parameters", commodity=commodity)


def price_responses(commodity: str | None = None) -> pd.DataFrame:
    """What prices did when supply was hit.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``price_responses``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("price_responses", commodity=commodity)


def balances(commodity: str | None = None, measure: str | None = None) -> pd.DataFrame:
    """Refined supply, use, balance and stocks of a market [t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    measure : str, optional
        What is measured, e.g. ``"refined_use"``; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``balances``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("balances", commodity=commodity, measure=measure)


def end_uses(commodity: str | None = None, region: str | None = None) -> pd.DataFrame:
    """Shares of a metal's uses [1].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    region : str, optional
        ``"world"``, ``"eu27"`` or ``"usa"``; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``end_uses``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("end_uses", commodity=commodity, region=region)


def substitutes(commodity: str | None = None) -> pd.DataFrame:
    """What can take a metal's place, by use.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``substitutes``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("substitutes", commodity=commodity)


def official_lists(commodity: str | None = None) -> pd.DataFrame:
    """Official lists of critical and strategic raw materials on which a commodity stands.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``official_lists``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("official_lists", commodity=commodity)


def trade_codes(commodity: str | None = None) -> pd.DataFrame:
    """Codes of the Harmonized System: stage and content of metal [1].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``trade_codes``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("trade_codes", commodity=commodity)


def calibrated(quantity: str | None = None) -> pd.DataFrame:
    """Rates, lengths, severities and ramp-ups fitted to the catalogue, as of some days.

    Parameters
    ----------
    quantity : str, optional
        What was fitted, e.g. ``"length"``; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``calibrated``, see `columns`; blank `as_of` for all rows, else the
        start of a bundled case. ``python -m supplyrisk.data.calibrate`` writes it anew;
        `fit_catalogue` fits as of any day.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("calibrated", quantity=quantity)


def commodities() -> pd.DataFrame:
    """Commodities of the library's vocabulary, and what publishers call them.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``commodities``, see `columns`.
    """
    return where("commodities")


def announced_durations() -> pd.DataFrame:
    """First announced and actual length of stops, most of which overran [d].

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``announced_durations``, see `columns`.
    """
    return where("announced_durations")


def panels() -> pd.DataFrame:
    """Panels of large mines, smelters and export systems that base rates are counted on.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``panels``, see `columns`.
    """
    return where("panels")


def sources() -> pd.DataFrame:
    """Publishers of all that is bundled: licence, edition, and what was left out and why.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``sources``, see `columns`.
    """
    return where("sources")
