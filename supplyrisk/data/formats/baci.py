"""Trade between countries as CEPII publishes it in BACI."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk._countries import OTHER_COUNTRIES, is_country_code
from supplyrisk.data.cells import MOST_FAULTS, TEXT
from supplyrisk.data.formats import _areas, _goods
from supplyrisk.data.formats._published import repeated
from supplyrisk.data.formats._records import records
from supplyrisk.data.formats._table import text_columns
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["read_baci"]

_COLUMNS: Final = ("t", "i", "j", "k", "v", "q")
_FILE: Final = re.compile(r"BACI_HS(\d{2})_Y(\d{4})_V(\d{6}[a-z]?)", re.IGNORECASE)
_WIDTHS: Final = {"t": {4}, "i": {1, 2, 3}, "j": {1, 2, 3}, "k": {6}}
"""Digits of the columns that hold codes."""
_NUMERIC: Final = frozenset("0123456789.eE+-nan")
_BLOCK: Final = 100_000
_NUMBER: Final = "country_code"
_ISO: Final = ("country_iso3", "iso_3digit_alpha")
"""Names of the column of alpha-3 codes, in releases since 2023 and before."""
_SOURCE: Final = "cepii-baci"


def read_baci(
    path: str | os.PathLike[str],
    *,
    hs_codes: Iterable[str] | None = None,
    countries_file: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Read a year of trade between countries from BACI.

    Parameters
    ----------
    path : str or path-like
        One file of a year, such as ``BACI_HS22_Y2023_V202501.csv``. Edition and release are
        taken from its name, and are blank if it was renamed.
    hs_codes : iterable of str, optional
        Codes to keep, of 6 digits, or of 4 for all under a heading; every code by default.
        Others are passed over while reading: a file of 11 million rows then needs little memory.
        All of its rows need 2 to 3 GB.
    countries_file : str or path-like, optional
        The file of country codes that comes with a release (``country_codes_V202501.csv``); for
        areas that this library does not know.

    Returns
    -------
    pandas.DataFrame
        The table ``trade``, sorted by its key: a row for each exporter, importer and code.
        Values are in US dollars, not thousands; `reported_by` is ``"both"``.

    Raises
    ------
    TypeError
        If `hs_codes` is one string.
    InvalidInputError
        If the file is no such table: columns are missing, values break rules, the year is not
        that of its name, a flow comes twice, or an area is unknown. Every fault is named by line.
    OSError
        If it cannot be read.

    Notes
    -----
    Format: CEPII, BACI, releases 2020 to 2026: columns t, i, j, k, v, q [1]_. Licence: Etalab Open
    Licence 2.0; the source must be named. No figure of it comes with this library.

    ``NA`` in the column q is a missing quantity here, not Namibia, which is 516. Country numbers
    are those of UN Comtrade: 842 is the United States, 251 France, 699 India, 757 Switzerland, 579
    Norway, 178 the Republic of the Congo; 490, "Other Asia, not elsewhere specified", is in
    practice Taiwan. Belgium-Luxembourg (to 1998) is booked to Belgium and the Southern African
    Customs Union (to 1999) to South Africa, as CEPII did; areas without a country of today are
    ``"ZZZ"``, and their flows are added up. Codes that lost their leading zero get it back.

    Releases revise each other: do not mix them.

    References
    ----------
    .. [1] CEPII, "BACI", https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37
    .. [2] G. Gaulier and S. Zignago, "BACI: International Trade Database at the Product-Level.
       The 1994-2007 Version," CEPII Working Paper 2010-23, 2010.

    Examples
    --------
    Everything that holds tin, and how much of it:

    >>> from supplyrisk.data.market_tables import trade_codes
    >>> codes = trade_codes("tin")["hs_code"]
    >>> trade = read_baci("BACI_HS22_Y2023_V202501.csv", hs_codes=codes)  # doctest: +SKIP
    >>> contained_metal(trade)  # doctest: +SKIP
    """
    wanted = _goods.wanted_codes(hs_codes)
    named = {} if countries_file is None else _country_file(countries_file)
    what = str(path)
    edition, year, release = _of_name(Path(path).name)
    with records(path, _COLUMNS) as source:
        places = source.places(_COLUMNS, format_="BACI")
        keep = _goods.keeper(wanted, places["k"])
        parts = [
            _numbers(lines, dict(zip(_COLUMNS, texts, strict=True)), what)
            for lines, texts in text_columns(source, [*places.values()], rows=_BLOCK, keep=keep)
        ]
    flows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    _refuse_other_years(flows, year, what)
    _refuse_repeated(flows, what)
    trade = _trade(flows, named, what)
    return trade.assign(hs_edition=_all(edition, len(trade)), release=_all(release, len(trade)))


def _of_name(name: str) -> tuple[str | None, int | None, str | None]:
    """Return edition, year and release as the name of a file says them."""
    found = _FILE.match(name)
    if not found:
        return None, None, None
    short = int(found[1])
    return f"HS {1900 + short if short > 80 else 2000 + short}", int(found[2]), found[3]


def _numbers(lines: list[int], texts: dict[str, list[str]], what: str) -> dict[str, NDArray[Any]]:
    """Turn cells into arrays: at once where all is well, cell by cell to name what is not."""
    line = np.array(lines, dtype="int64")
    arrays = _plain(texts)
    if arrays is None:
        cells = {name: [text.strip() for text in column] for name, column in texts.items()}
        cells["q"] = ["" if text == "NA" else text for text in cells["q"]]
        cells["k"] = [_goods.whole_code(text) for text in cells["k"]]
        text = pd.DataFrame(cells, index=line, dtype=object)
        parsed = schema("baci", of="formats").parse(text, what=what)
        _refuse_codes(parsed, text.index, what)
        arrays = {name: parsed[name].to_numpy(dtype="int32") for name in "tijk"}
        arrays |= {name: parsed[name].to_numpy(dtype="float64") for name in "vq"}
    return {**arrays, "line": line}


def _plain(texts: dict[str, list[str]]) -> dict[str, NDArray[Any]] | None:
    """Read cells of which none needs a second look; None if one does."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, widths in _WIDTHS.items():
        # Years, areas and codes repeat themselves: each is looked at once.
        spelt = {
            text: _goods.whole_code(text) if name == "k" else text for text in set(texts[name])
        }
        if not all(
            text.isascii() and text.isdecimal() and len(text) in widths for text in spelt.values()
        ):
            return None
        values = {text: int(whole) for text, whole in spelt.items()}
        arrays[name] = np.array([values[text] for text in texts[name]], dtype="int32")
    if len(arrays["t"]) and not 1500 <= arrays["t"].min() <= arrays["t"].max() <= 2200:
        return None
    quantities = ["nan" if text in {"NA", ""} else text for text in texts["q"]]
    if any(set("".join(column)) - _NUMERIC for column in (texts["v"], quantities)):
        return None
    try:
        arrays["v"] = np.array([*map(float, texts["v"])], dtype="float64")
        arrays["q"] = np.array([*map(float, quantities)], dtype="float64")
    except ValueError:
        return None
    missing = np.array([text == "nan" for text in quantities], dtype=bool)
    fine = np.isfinite(arrays["v"]).all() and (np.isfinite(arrays["q"]) | missing).all()
    negative = (arrays["v"] < 0).any() or (arrays["q"] < 0).any()
    return arrays if fine and not negative else None


def _refuse_codes(parsed: pd.DataFrame, lines: pd.Index, what: str) -> None:
    of_area = "must be an area code of at most 3 digits"
    of_goods = "must be a code of the Harmonized System in 6 digits"
    faults = [
        Fault(f"line {lines[row]}, column {name}", rule, parsed[name].iloc[row])
        for name, rule, wrong in (
            ("k", of_goods, [len(code) != 6 or not _goods.is_code(code) for code in parsed["k"]]),
            ("i", of_area, parsed["i"] > 999),
            ("j", of_area, parsed["j"] > 999),
        )
        for row in np.flatnonzero(wrong)[:MOST_FAULTS]
    ]
    if faults:
        raise InvalidInputError(what, faults)


def _refuse_other_years(flows: dict[str, NDArray[Any]], year: int | None, what: str) -> None:
    if year is None:
        return
    wrong = np.flatnonzero(flows["t"] != year)[:MOST_FAULTS]
    rule = f"must be the year in the name of the file, {year}"
    faults = [
        Fault(f"line {flows['line'][row]}, column t", rule, int(flows["t"][row])) for row in wrong
    ]
    if faults:
        raise InvalidInputError(what, faults)


def _refuse_repeated(flows: dict[str, NDArray[Any]], what: str) -> None:
    key = flows["t"].astype("int64")
    for name, size in (("i", 1_000), ("j", 1_000), ("k", 1_000_000)):
        key = key * size + flows[name]
    twice = np.flatnonzero(pd.Index(key).duplicated(keep=False))
    flow = np.column_stack([flows[name][twice] for name in ("t", "i", "j", "k", "line")]).tolist()
    faults = repeated(((tuple(row[:-1]), f"line {row[-1]}") for row in flow), "t, i, j, k")
    if faults:
        raise InvalidInputError(what, faults[:MOST_FAULTS])


def _areas_of(
    flows: dict[str, NDArray[Any]], column: str, named: dict[str, str], what: str
) -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Return the countries of a column in alphabetical order, and the place of each row's."""
    numbers, firsts, inverse = np.unique(flows[column], return_index=True, return_inverse=True)
    codes = [named.get(str(number)) or _areas.area_code(str(number)) for number in numbers]
    rule = (
        "must be an area code of BACI: if the release is newer than this library, give its "
        "country codes as countries_file="
    )
    faults = [
        Fault(f"line {flows['line'][first]}, column {column}", rule, int(number))
        for number, first, code in zip(numbers, firsts, codes, strict=True)
        if code is None or _areas.is_total(str(number))
    ]
    if faults:
        raise InvalidInputError(what, faults)
    countries, places = np.unique(np.array(codes, dtype=object).astype(str), return_inverse=True)
    return countries.astype(object), places.astype("int32")[inverse]


def _trade(flows: dict[str, NDArray[Any]], named: dict[str, str], what: str) -> pd.DataFrame:
    """Make the table of trade: sorted as numbers, which is quicker, then spelt out."""
    exporters, i = _areas_of(flows, "i", named, what)
    importers, j = _areas_of(flows, "j", named, what)
    order = np.lexsort((flows["k"], j, i, flows["t"]))
    key = np.column_stack([flows["t"][order], i[order], j[order], flows["k"][order]])
    codes, k = np.unique(key[:, 3], return_inverse=True)
    spelt = np.array([f"{code:06d}" for code in codes], dtype=object)
    columns = {
        "year": key[:, 0].astype("int64"),
        "month": pd.array([pd.NA], dtype="Int64").repeat(len(order)),
        "exporter": pd.array(exporters[key[:, 1]], dtype=TEXT),
        "importer": pd.array(importers[key[:, 2]], dtype=TEXT),
        "hs_code": pd.array(spelt[k], dtype=TEXT),
        "hs_edition": _all(None, len(order)),
        "reported_by": _all("both", len(order)),
        "value_usd": flows["v"][order] * 1_000.0,
        "quantity_t": flows["q"][order],
        "quantity_estimated": pd.array([pd.NA], dtype="boolean").repeat(len(order)),
        "release": _all(None, len(order)),
        "source_id": _all(_SOURCE, len(order)),
    }
    trade = pd.DataFrame(columns, columns=schema("trade").names)
    if len(key) and (key[1:] == key[:-1]).all(axis=1).any():
        return _areas.in_order(_areas.added_up(trade))
    return trade


def _all(text: str | None, n_rows: int) -> pd.api.extensions.ExtensionArray:
    return pd.array([text], dtype=TEXT).repeat(n_rows)


def _country_file(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the country codes of a release: number to alpha-3 code."""
    # Older releases spell Côte d'Ivoire in the letters of an older program.
    with records(path, (_NUMBER, *_ISO), fallback="cp1252") as source:
        iso = next((name for name in _ISO if name in source.header), _ISO[0])
        at, of = source.places((_NUMBER, iso), format_="the country codes of BACI").values()
        pairs = [(fields[at].strip().lstrip("0"), fields[of].strip()) for _, fields in source.rows]
    # A code that is none is of a former state or a remainder, such as S19.
    return {
        number: code if is_country_code(code) else _areas.area_code(number) or OTHER_COUNTRIES
        for number, code in pairs
    }
