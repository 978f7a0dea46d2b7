"""Bundled tables of supply: each function gives the table of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplyrisk.data.tables import where

if TYPE_CHECKING:
    import pandas as pd


def production_totals(commodity: str | None = None) -> pd.DataFrame:
    """World totals as published, and by how much their parts differ [t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``production_totals``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("production_totals", commodity=commodity)


def site_output(commodity: str | None = None, site_id: str | None = None) -> pd.DataFrame:
    """Output, capacity and guidance of mine sites by year [t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    site_id : str, optional
        Id of a site; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``site_output``, see `columns`. Rows of several sources may
        tell of one site and year; never add up rows of different scope or basis.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("site_output", commodity=commodity, site_id=site_id)


def smelters(commodity: str | None = None) -> pd.DataFrame:
    """Smelters and refineries, by what they make.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``smelters``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("smelters", commodity=commodity)


def routes(commodity: str | None = None) -> pd.DataFrame:
    """Legs of the ways that ore and metal take, with border posts and days in transit.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``routes``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("routes", commodity=commodity)


def reserves(commodity: str | None = None) -> pd.DataFrame:
    """Reserves by country [t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``reserves``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("reserves", commodity=commodity)


def supply_shares(commodity: str | None = None, stage: str | None = None) -> pd.DataFrame:
    """Shares of countries in world supply as the European Commission published them [1].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    stage : str, optional
        ``"extraction"`` or ``"processing"``; both by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``supply_shares``, see `columns`. They are not made to sum to
        1: see `supply_share_totals`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("supply_shares", commodity=commodity, stage=stage)


def supply_share_totals(commodity: str | None = None) -> pd.DataFrame:
    """By how much published shares fall short of 1, and why [1].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``supply_share_totals``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("supply_share_totals", commodity=commodity)


def recycling(commodity: str | None = None) -> pd.DataFrame:
    """Rates of recycling [1].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``recycling``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("recycling", commodity=commodity)


def governance(country: str | None = None, release: int | None = None) -> pd.DataFrame:
    """The six Worldwide Governance Indicators of a country, with their release.

    Parameters
    ----------
    country : str, optional
        Alpha-3 code; all by default.
    release : int, optional
        Year of the release; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``governance``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("governance", country=country, release=release)


def country_groups(group: str | None = None) -> pd.DataFrame:
    """Members of groups of countries, since when and until when.

    Parameters
    ----------
    group : str, optional
        Group such as ``"OECD"``; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``country_groups``, see `columns`.

    Raises
    ------
    InvalidInputError
        If no row has such a value; the message names those there are.
    """
    return where("country_groups", group=group)
