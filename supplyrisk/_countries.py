"""Countries of ISO 3166-1: codes and the names that tables of production and trade use for them."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Final

OTHER_COUNTRIES: Final = "ZZZ"
"""Stands for "other countries" in a table of shares; no ISO 3166-1 code."""

# Two countries each: a table that says no more must be read by someone who knows its publisher.
_AMBIGUOUS: Final = {
    "congo": ("COD", "COG"),
    "korea": ("KOR", "PRK"),
    "virgin islands": ("VGB", "VIR"),
}
_ABBREVIATIONS: Final = {
    "&": "and",
    "dem": "democratic",
    "is": "islands",
    "isds": "islands",
    "rep": "republic",
    "st": "saint",
}
_FILLERS: Final = frozenset({"the", "of"})


@dataclass(frozen=True, slots=True)
class Country:
    """A country of ISO 3166-1: its three codes, its name, and other names it goes by."""

    alpha3: str
    alpha2: str
    numeric: str
    name: str
    aliases: tuple[str, ...]


def country_code(text: str) -> str:
    """ISO 3166-1 alpha-3 code of a country given by code or by name.

    Parameters
    ----------
    text : str
        Alpha-3, alpha-2 or numeric code, or a name. Codes are upper case ("NA" is Namibia,
        "NO" is Norway); names are compared without regard to case, accents and punctuation.

    Returns
    -------
    str
        Alpha-3 code, e.g. ``"COD"``.

    Raises
    ------
    TypeError
        If `text` is no string: most often a missing value that was "NA" before pandas read it.
    ValueError
        If no country is called `text` (the message suggests near names), or more than one is.

    Examples
    --------
    >>> country_code("Congo (Kinshasa)"), country_code("NA"), country_code("004")
    ('COD', 'NAM', 'AFG')
    """
    if not isinstance(text, str):
        raise TypeError(
            f"country must be a code or a name, got {text!r}; "
            "pandas reads 'NA' (Namibia) as missing unless keep_default_na=False"
        )
    wanted = text.strip()
    # Spreadsheets eat the leading zeros of numeric codes.
    key = wanted.zfill(3) if wanted.isascii() and wanted.isdigit() else wanted
    if (by_code := _by_any_code().get(key)) is not None:
        return by_code.alpha3
    folded = _fold(wanted)
    if (by_name := _by_name().get(folded)) is not None:
        return by_name.alpha3
    if folded in _AMBIGUOUS:
        choices = " or ".join(f"{code} ({country_name(code)})" for code in _AMBIGUOUS[folded])
        raise ValueError(f"country {text!r} is ambiguous: say {choices}")
    raise ValueError(
        f"country {text!r} is neither an ISO 3166-1 code nor a known name{_hint(wanted)}"
    )


def is_country_code(code: object, *, other: bool = False) -> bool:
    """Whether `code` is an ISO 3166-1 alpha-3 code.

    Parameters
    ----------
    code : object
        What to look at; anything but a string is no code.
    other : bool, default False
        Whether `OTHER_COUNTRIES` counts as a code too.

    Returns
    -------
    bool
        True for an assigned alpha-3 code in upper case.

    Examples
    --------
    >>> is_country_code("COD"), is_country_code("cod"), is_country_code("ZZZ", other=True)
    (True, False, True)
    """
    if not isinstance(code, str):
        return False
    return code in _by_alpha3() or (other and code == OTHER_COUNTRIES)


def country_name(code: str) -> str:
    """Short English name of a country.

    Parameters
    ----------
    code : str
        ISO 3166-1 alpha-3 code, or `OTHER_COUNTRIES`.

    Returns
    -------
    str
        Name as one says it, e.g. ``"DR Congo"``.

    Raises
    ------
    ValueError
        If `code` is not assigned.

    Examples
    --------
    >>> country_name("COD"), country_name("ZZZ")
    ('DR Congo', 'Other countries')
    """
    return "Other countries" if code == OTHER_COUNTRIES else _lookup(code).name


def numeric_code(code: str) -> str:
    """ISO 3166-1 numeric code of a country.

    Parameters
    ----------
    code : str
        ISO 3166-1 alpha-3 code.

    Returns
    -------
    str
        Three digits with leading zeros.

    Raises
    ------
    ValueError
        If `code` is not assigned; `OTHER_COUNTRIES` has no numeric code.

    Examples
    --------
    >>> numeric_code("AFG")
    '004'
    """
    return _lookup(code).numeric


@cache
def all_countries() -> tuple[Country, ...]:
    """Return every country, in the order of the alpha-3 codes."""
    source = files("supplyrisk").joinpath("_countries.csv")
    with source.open(encoding="utf-8") as lines:
        return tuple(
            Country(
                alpha3=row["alpha3"],
                alpha2=row["alpha2"],
                numeric=row["numeric"],
                name=row["name"],
                aliases=tuple(filter(None, row["aliases"].split("|"))),
            )
            for row in csv.DictReader(lines)
        )


@cache
def _by_alpha3() -> dict[str, Country]:
    return {country.alpha3: country for country in all_countries()}


@cache
def _by_any_code() -> dict[str, Country]:
    return {
        code: country
        for country in all_countries()
        for code in (country.alpha3, country.alpha2, country.numeric)
    }


@cache
def _by_name() -> dict[str, Country]:
    return {
        _fold(name): country
        for country in all_countries()
        for name in (country.name, *country.aliases)
    }


def _fold(name: str) -> str:
    """Reduce a name to what two spellings of it share: plain lower-case words."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    spaced = "".join(c if c.isalnum() or c == "&" else " " for c in bare.casefold())
    words = (_ABBREVIATIONS.get(word, word) for word in spaced.replace("&", " & ").split())
    return " ".join(word for word in words if word not in _FILLERS)


def _lookup(code: str) -> Country:
    if is_country_code(code):
        return _by_alpha3()[code]
    raise ValueError(
        f"country must be an ISO 3166-1 alpha-3 code such as 'COD', got {code!r}{_hint(str(code))}"
    )


def _hint(wanted: str) -> str:
    """Names close to a wrong one, or the code that it is when shouted."""
    near: list[str] = []
    if (shouted := _by_any_code().get(wanted.upper())) is not None:
        near.append(f"{shouted.alpha3} ({shouted.name})")
    for match in get_close_matches(_fold(wanted), _by_name(), n=5, cutoff=0.7):
        country = _by_name()[match]
        near.append(f"{country.alpha3} ({country.name})")
    return f"; did you mean {' or '.join(list(dict.fromkeys(near))[:3])}?" if near else ""
