"""The bundled tables, each read and checked once and handed out as a copy."""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.data.cells import TEXT
from supplyrisk.data.schema import schema, schema_names
from supplyrisk.errors import Fault, InvalidInputError


def table_names() -> tuple[str, ...]:
    """Names of the bundled tables.

    Returns
    -------
    tuple of str
        Names that `table` takes, sorted.
    """
    return _names()


def columns(name: str) -> pd.DataFrame:
    """Schema of a table: its columns, what they hold, and their types.

    Parameters
    ----------
    name : str
        Name of a bundled table, or of one that readers give, such as ``"trade"``.

    Returns
    -------
    pandas.DataFrame
        A row for each column: column, type, dtype, unit, required, key, description.

    Raises
    ------
    InvalidInputError
        If no table has that name.

    Examples
    --------
    >>> columns("production").set_index("column").loc["production_t", "dtype"]
    'float64'
    """
    faults = [*check.choice("table", name, schema_names())]
    if faults:
        raise InvalidInputError("data", faults)
    held = schema(name).columns
    return pd.DataFrame(
        {
            "column": [column.name for column in held],
            "type": [column.type for column in held],
            "dtype": [str(column.dtype) for column in held],
            "unit": [column.unit for column in held],
            "required": [column.required for column in held],
            "key": [column.key for column in held],
            "description": [column.description for column in held],
        }
    ).astype(dict.fromkeys(("column", "type", "dtype", "unit", "description"), TEXT))


def table(name: str) -> pd.DataFrame:
    """One bundled table, whole.

    Parameters
    ----------
    name : str
        Name of the table, e.g. ``"production"``.

    Returns
    -------
    pandas.DataFrame
        A copy; its columns and their types are those of its schema, see the page on data.

    Raises
    ------
    InvalidInputError
        If no table has that name.
    """
    faults = [*check.choice("table", name, table_names())]
    if faults:
        raise InvalidInputError("data", faults)
    return _stored(name).copy()


@cache
def _names() -> tuple[str, ...]:
    # A schema may stand alone: that of a table which only readers give.
    entries = {entry.name for entry in (files("supplyrisk.data") / "tables").iterdir()}
    return tuple(name for name in schema_names() if f"{name}.csv" in entries)


@cache
def _stored(name: str) -> pd.DataFrame:
    text = (files("supplyrisk.data") / "tables" / f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    cells = pd.DataFrame(rows, columns=header, index=range(2, len(rows) + 2), dtype=object)
    return schema(name).parse(cells, what=f"{name}.csv")


def where(name: str, **wanted: Any) -> pd.DataFrame:  # noqa: ANN401 - a value of any column
    """Give the rows of a table in which the columns named have the values given; None is any."""
    frame = _stored(name)
    for column, value in wanted.items():
        if value is None:
            continue
        known = frame[column].dropna().unique().tolist()
        if value not in known:
            valid = ", ".join(str(item) for item in sorted(known))
            rule = f"must be one of {valid}{check.nearest(value, map(str, known))}"
            raise InvalidInputError(f"data.{name}", [Fault(column, rule, value)])
        frame = frame[frame[column] == value]
    return frame.reset_index(drop=True).copy()


def production(
    commodity: str | None = None,
    year: int | None = None,
    stage: str | None = "mine",
    vintage: str | None = None,
) -> pd.DataFrame:
    """Production by country, as one edition of its publisher gave it [t].

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.
    year : int, optional
        Year of production; all by default.
    stage : str, optional
        ``"mine"`` (the default) or ``"refinery"``; None for both. What has no mine of its own,
        such as gallium, stands under ``"refinery"`` alone.
    vintage : str, optional
        Source id of an edition. By default the newest edition that has the commodity, stage and
        year: editions are never mixed in one year; ``"all"`` gives every one.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``production``; ``"ZZZ"`` are other countries, and no row is a total.

    Raises
    ------
    InvalidInputError
        If no row has such a value.

    Examples
    --------
    >>> tin = production("tin", year=2024, vintage="usgs-mcs-2025").set_index("country")
    >>> float(tin.loc["COD", "production_t"])
    25000.0
    """
    wanted = None if vintage == "all" else vintage
    frame = where("production", commodity=commodity, year=year, stage=stage, source_id=wanted)
    if vintage is not None or frame.empty:
        return frame
    published = _stored("sources").set_index("source_id")["published"]
    dates = frame["source_id"].map(published).fillna(pd.Timestamp.min)
    newest = dates.groupby([frame[name] for name in ("commodity", "stage", "year")])
    return frame[dates == newest.transform("max")].reset_index(drop=True)


def sites(commodity: str | None = None) -> pd.DataFrame:
    """Mine sites: where they are, who runs them, whether they run.

    Parameters
    ----------
    commodity : str, optional
        Commodity that a site yields, as its main product or beside another; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``sites``; output stands in `site_output`.

    Raises
    ------
    InvalidInputError
        If no site yields it.

    Examples
    --------
    >>> sites("tin").set_index("site_id").loc["bisie", "country"]
    'COD'
    """
    frame = _stored("sites")
    if commodity is None:
        return frame.copy()
    products = frame["byproducts"].fillna("").map(lambda cell: cell.split(";") if cell else [])
    yields = [
        main == commodity or commodity in by
        for main, by in zip(frame["commodity"], products, strict=True)
    ]
    if not any(yields):
        valid = sorted(set(frame["commodity"]) | {name for by in products for name in by if name})
        faults = [*check.choice("commodity", commodity, valid)]
        raise InvalidInputError("data.sites", faults)
    return frame[yields].reset_index(drop=True).copy()


def countries(group: str | None = None) -> pd.DataFrame:
    """Countries of ISO 3166-1: codes, names, aliases, and the groups they belong to today.

    Parameters
    ----------
    group : str, optional
        Group whose members to give, e.g. ``"EU27"``; all countries by default.

    Returns
    -------
    pandas.DataFrame
        Columns alpha3, alpha2, numeric, name, aliases and groups, the last two separated by
        ``"|"``; all of them text.

    Raises
    ------
    InvalidInputError
        If there is no such group.

    Examples
    --------
    >>> len(countries("EU27"))
    27
    """
    members = _stored("country_groups")
    members = members[members["member_until"].isna()]
    if group is not None:
        faults = [*check.choice("group", group, sorted(members["group"].unique()))]
        if faults:
            raise InvalidInputError("data.countries", faults)
    belongs = members.groupby("country")["group"].agg(lambda names: "|".join(sorted(names)))
    frame = pd.DataFrame(
        {
            "alpha3": [country.alpha3 for country in _countries.all_countries()],
            "alpha2": [country.alpha2 for country in _countries.all_countries()],
            "numeric": [country.numeric for country in _countries.all_countries()],
            "name": [country.name for country in _countries.all_countries()],
            "aliases": ["|".join(country.aliases) for country in _countries.all_countries()],
        },
        dtype=TEXT,
    )
    frame["groups"] = frame["alpha3"].map(belongs).fillna("").astype(TEXT)
    if group is not None:
        frame = frame[[group in names.split("|") for names in frame["groups"]]]
    return frame.reset_index(drop=True)
