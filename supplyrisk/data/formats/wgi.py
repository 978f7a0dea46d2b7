"""Reader of the Worldwide Governance Indicators of the World Bank."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from supplyrisk import _validation as check
from supplyrisk._countries import is_country_code
from supplyrisk.data.formats import _published, _wgi_layouts
from supplyrisk.data.formats._wgi_layouts import DIMENSIONS, Rating, Reading
from supplyrisk.data.schema import Column, Schema, schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.formats._table import Cell

__all__ = ["read_wgi"]

Values = dict[tuple[str, int], dict[str, float | None]]

# Codes of the World Bank that are not of ISO 3166-1.
_CODES: Final = {
    "ADO": "AND",
    "IMY": "IMN",
    "ROM": "ROU",
    "TMP": "TLS",
    "WBG": "PSE",
    "ZAR": "COD",
}
# Kosovo, the former Netherlands Antilles and the Channel Islands have no code of ISO 3166-1.
_NO_CODE: Final = frozenset({"KSV", "XKX", "XKV", "KOS", "ANT", "CHI"})
_MISSING: Final = frozenset({"..", "#N/A"})
_FARTHEST: Final = 5.0
"""WGI points that no estimate reaches; a percentile rank soon does."""
_FIRST_YEAR: Final = 1996
_LONG_SINCE: Final = 2023
_NEW_METHOD: Final = 2025


def read_wgi(
    path: str | os.PathLike[str], *, release: int | None = None, errors: bool = False
) -> pd.DataFrame:
    """Read the six estimates of governance, one row per country and year.

    Parameters
    ----------
    path : str or path-like
        File as published: the workbook of any release, the long table as CSV or workbook, or a
        CSV file of the World Bank's DataBank or bulk download.
    release : int, optional
        Year of the release.  By default the file says it: the release after its last year, if it
        is a whole workbook, a long table since 1996, or an export last updated in that year.  Any
        other file is refused without it.
    errors : bool, default False
        Whether to add the standard errors.

    Returns
    -------
    pandas.DataFrame
        The columns of the schema ``governance``, an estimate blank where the publisher gives none;
        with `errors` then six columns such as ``rule_of_law_se``.  By country and year; without
        the countries and years that have no estimate at all.

    Raises
    ------
    ImportError
        If the file is a workbook and openpyxl is not installed; ``supplyrisk[io]`` brings it.
    InvalidInputError
        If the file is none of these, does not say its release, contradicts the one given, mixes
        releases, or any cell breaks a rule; every fault is named by line, or by sheet and row.
    OSError
        If it cannot be read.

    Notes
    -----
    Publisher: World Bank, Worldwide Governance Indicators, CC BY 4.0.  Layouts read: the workbook
    of six wide sheets (releases up to 2023; schema ``wgi_wide``), the long table (release of 2024;
    ``wgi``), the workbook of six long sheets (since 2025; ``wgi_2025``), and files by series
    (``wgi_databank``).

    The release of 2025 changed the method and computed all years anew, so estimates of releases
    up to 2024 and since 2025 must not be compared; every release revises the past as well.
    Percentile ranks and scores are not read.

    Two points, ``#N/A`` and a blank cell mean no estimate.  Codes of the World Bank that differ
    from ISO 3166-1 are translated (ADO, IMY, ROM, TMP, WBG, ZAR).  Left out, for want of a code:
    Kosovo, the former Netherlands Antilles, and the Channel Islands where they are one.

    References
    ----------
    .. [1] https://www.worldbank.org/en/publication/worldwide-governance-indicators
    """
    what = str(path)
    if release is not None:
        faults = [*check.whole("release", release, least=_FIRST_YEAR)]
        if faults:
            raise InvalidInputError("read_wgi", faults)
    reading = _wgi_layouts.read(path)
    values, faults = _values(reading, errors=errors)
    implied, wrong = _release(release, reading, [year for _, year in values])
    # What is wrong with the release shows in the years, so those come first.
    if faults or wrong:
        raise InvalidInputError(what, faults or wrong)
    fixed = {
        "release": implied,
        "standing": "reported",
        "source_id": f"world-bank-wgi-{implied}",
    }
    table = [
        {"country": country, "year": year, **ratings, **fixed}
        for (country, year), ratings in values.items()
    ]
    return _published.tidy(table, _schema(errors=errors), what=what)


def _schema(*, errors: bool) -> Schema:
    """Return the schema of the table, with the standard errors where they are asked for."""
    columns = [*schema("governance").columns]
    if errors:
        columns += [
            Column(
                name=f"{name}_se",
                type="amount",
                unit="WGI points",
                required=False,
                key=False,
                description="Standard error of the estimate.",
            )
            for name in DIMENSIONS.values()
        ]
    return Schema("governance", tuple(columns))


def _values(reading: Reading, *, errors: bool) -> tuple[Values, list[Fault]]:
    """Turn the cells that hold an estimate into values by country and year."""
    ratings = [
        rating
        for rating in reading.ratings
        if rating.estimate.text not in {"", *_MISSING} and rating.code.text not in _NO_CODE
    ]
    decimal = _decimal(ratings, reading.delimiter)
    estimates, faults = _published.numbers(
        [rating.estimate for rating in ratings], missing=_MISSING, decimal=decimal
    )
    stds, wrong_errors = _errors(ratings, decimal) if errors else ([None] * len(ratings), [])
    years, wrong_years = _published.numbers(
        [rating.year for rating in ratings], kind="year", required=True
    )
    countries, wrong_codes = _countries(ratings)
    faults += [*wrong_errors, *wrong_years, *wrong_codes, *_far(ratings, estimates)]
    if faults:
        return {}, faults
    values: Values = {}
    for rating, country, year, estimate, std in zip(
        ratings, countries, years, estimates, stds, strict=True
    ):
        name = DIMENSIONS[rating.dimension]
        row = values.setdefault((country, int(year or 0)), {})
        row[name] = estimate
        if errors:
            row[f"{name}_se"] = std
    keys = zip(ratings, countries, years, strict=True)
    return values, _published.repeated(
        (((c, y, r.dimension, r.new), r.estimate.place) for r, c, y in keys),
        "country, year and dimension",
    )


def _errors(ratings: list[Rating], decimal: str) -> tuple[list[float | None], list[Fault]]:
    cells = [rating.error for rating in ratings]
    if not any(cell.text for cell in cells):
        return [], [Fault("errors", "must be False: the file holds none", True)]  # noqa: FBT003 - as given
    return _published.numbers(cells, kind="amount", missing=_MISSING, decimal=decimal)


def _decimal(ratings: Iterable[Rating], delimiter: str) -> str:
    """Tell the decimal mark: a comma only where commas do not separate the fields."""
    texts = [rating.estimate.text for rating in ratings]
    commas = any("," in text for text in texts) and not any("." in text for text in texts)
    return "," if commas and delimiter not in {"", ","} else "."


def _far(ratings: list[Rating], estimates: list[float | None]) -> list[Fault]:
    rule = "must be an estimate of about -2.5 to 2.5, not a percentile rank or a score"
    return [
        Fault(rating.estimate.place, rule, rating.estimate.text)
        for rating, value in zip(ratings, estimates, strict=True)
        if value is not None and abs(value) > _FARTHEST
    ]


def _countries(ratings: list[Rating]) -> tuple[list[str], list[Fault]]:
    rule = "must be a code of the World Bank or of ISO 3166-1 alpha-3"
    countries = [_CODES.get(rating.code.text, rating.code.text) for rating in ratings]
    wrong: dict[str, Cell] = {}
    for rating, country in zip(ratings, countries, strict=True):
        if not is_country_code(country):
            wrong.setdefault(country, rating.code)
    return countries, [Fault(code.place, rule, code.text) for code in wrong.values()]


def _release(
    given: int | None, reading: Reading, years: list[int]
) -> tuple[int | None, list[Fault]]:
    """Tell the release, or what speaks against it."""
    if not years:
        return None, [Fault("file", "must hold estimates", "none")]
    methods = {rating.new for rating in reading.ratings}
    if len(methods) > 1:
        rule = "must not mix the releases up to 2024 with those since 2025, made by other methods"
        return None, [Fault("file", rule, "both")]
    after = max(years) + 1
    whole = reading.layout in {"wide", "new"}
    implied = whole or reading.updated == after
    if reading.layout == "long":
        implied = min(years) == _FIRST_YEAR and after >= _LONG_SINCE
    release = given if given is not None else after if implied else None
    if release is None:
        rule = "must be given: the file does not say it"
        return None, [Fault("release", rule, given)]
    rule = ""
    if whole and release != after:
        rule = f"must be {after}, as the last year of the workbook is {max(years)}"
    elif release < after:
        rule = f"must be later than the last year of the file, {max(years)}"
    elif methods != {release >= _NEW_METHOD}:
        since = "since 2025" if methods == {True} else "up to 2024"
        rule = f"must be one of those {since}: the layout and the method of the file are theirs"
    return release, [Fault("release", rule, release)] if rule else []
