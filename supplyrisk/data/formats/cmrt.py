"""Reader of the Conflict Minerals Reporting Template: which smelters a company names."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk._countries import country_code
from supplyrisk.data.formats._published import tidy
from supplyrisk.data.formats._table import letter
from supplyrisk.data.formats._workbook import rows, sheets
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault, InvalidInputError

__all__ = ["read_cmrt", "smelter_bounds"]

_SHEET: Final = "Smelter List"
_HEADER_ROW: Final = 4
_ID: Final = "smelter_identification"
_TYPED_ID: Final = "smelter_identification_number_input"
_CID: Final = re.compile(r"(?<![A-Z0-9])CID\s?(\d{6})(?!\d)", re.IGNORECASE)
_TITLE_ROWS: Final = 7
_COMPANY_ROW: Final = 8
_VERSION: Final = re.compile(r"(?<![\d.])(\d{1,2}\.\d{1,2})(?![\d.])")
_MAJOR: Final = "6"
_OF_BOUNDS: Final = ("metal", "smelter_cid", "name", "country")

# The languages of the template: English, Chinese, Japanese, Korean, French, Portuguese, German,
# Spanish, Italian and Turkish.
_METALS: Final = {
    "tantalum": "Tantalum 钽 鉭 タンタル 탄탈륨 탄탈럼 탄탈 Tantale Tântalo Tantal Tantalio",
    "tin": "Tin 锡 錫 スズ すず 주석 Étain Estanho Zinn Estaño Stagno Kalay",
    "gold": "Gold 金 黄金 黃金 금 Or Ouro Oro Altin",
    "tungsten": (
        "Tungsten 钨 鎢 タングステン 텅스텐 Tungstène Tungstênio Wolfram Tungsteno Wolframio "
        "Volfram"
    ),
}
_ANSWERS: Final = {
    "true": "Yes 是 はい 예 네 Oui Sim Ja Sí Sì Evet",
    "false": "No 否 いいえ 아니요 아니오 Non Não Nein Hayir",
}


_DOTLESS_I: Final = "\u0131"
_FAILED: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})
"""What a formula shows that has no value."""


def read_cmrt(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read which smelters a company names in a Conflict Minerals Reporting Template.

    The template holds no tonnes: a smelter is there or not.  `smelter_bounds` says how little
    that tells of a buyer's tonnes.

    Parameters
    ----------
    path : str or path-like
        Workbook (.xlsx) as filled in, in any language of the template.

    Returns
    -------
    pandas.DataFrame
        One row per row of the sheet, in its order, with the columns of the schema
        ``cmrt_smelters``.  Rows without an identifier, of smelters that are not listed or not yet
        identified, stand among the others with a blank `smelter_cid`; every other pair of
        `smelter_cid` and `metal` stands once.  Company and version of the template come again in
        every row, the version blank where the sheet does not say.  An empty list has no row to
        hold them, so they stand in the frame's ``attrs`` too, as ``company`` and
        ``template_version`` (None where the sheet does not say).

    Raises
    ------
    ImportError
        If openpyxl is not installed; ``supplyrisk[io]`` brings it.
    InvalidInputError
        If the file is no whole workbook, lacks the sheet Declaration or Smelter List, names no
        company, is of another version, or has rows that break a rule; every fault is named by
        sheet, row and column.
    OSError
        If it cannot be read.

    Notes
    -----
    Publisher of the template: Responsible Minerals Initiative; versions 6.4 to 6.6, and the older
    ones of 6, which have the same sheet.  The list of smelters that comes inside the template is
    the publisher's; it is not read, and none of it comes with this library.

    The sheet Smelter List has its header in row 4 and the columns A to Q of the schema ``cmrt``.
    Headers follow the language of the template, so columns are known by their place.  A smelter is
    a row in which ``CID`` and six digits stand: in column F or A, or else in any other.  Every
    other row with something in it is counted as unidentified, but for the line of copyright.

    What a formula shows is taken as it was last computed; a workbook that a program filled in and
    that Excel never opened has no such values, and is refused.

    References
    ----------
    .. [1] https://www.responsiblemineralsinitiative.org/reporting-templates/cmrt/
    """
    what = str(path)
    with sheets(path, to="read a Conflict Minerals Reporting Template") as book:
        company, version, faults = _declaration(rows(book, "Declaration", what=what))
        of_all = {"company": company, "template_version": version or ""}
        records: list[dict[str, str]] = []
        seen: dict[tuple[str, str], str] = {}
        for number, row in _entries(rows(book, _SHEET, what=what), faults):
            record, wrong = _record(number, row)
            pair = (record["smelter_cid"], record["metal"])
            if all(pair) and pair in seen:
                rule = f"must not name the smelter and metal of row {seen[pair]} again"
                wrong.append(_fault(number, _ID, rule, pair))
            seen.setdefault(pair, record["sheet_row"])
            records.append(of_all | record)
            faults += wrong
    if faults:
        raise InvalidInputError(what, faults)
    frame = tidy(records, schema("cmrt_smelters", of="formats"), what=what)
    frame.attrs.update(company=company, template_version=version)
    return frame


def smelter_bounds(smelters: pd.DataFrame, demand_t: Mapping[str, float]) -> pd.DataFrame:
    """Bounds of a buyer's tonnes from each smelter on a list that holds no tonnes.

    Parameters
    ----------
    smelters : pandas.DataFrame
        What a supplier names, as `read_cmrt` gives it; of its columns metal, smelter_cid, name and
        country are needed.  Rows with a blank smelter_cid are unidentified smelters.
    demand_t : mapping of str to float
        The buyer's tonnes by metal. [t]

    Returns
    -------
    pandas.DataFrame
        One row per metal of `demand_t` and smelter: metal, smelter_cid, name, country, share_low,
        share_high [1], low_t, high_t [t]; by metal and identifier.

    Raises
    ------
    TypeError
        If `smelters` is no data frame.
    InvalidInputError
        If `smelters` lacks a column that is needed or has it twice, a demand is no amount, or the
        list names no smelter of a metal.

    Notes
    -----
    Presence says that some of the metal may come from a smelter, not how much: each share lies
    between 0 and 1.  The smelter that alone is named for a metal bears all of it, share 1, unless
    a row of the list is unidentified and of that metal or of none.  That takes the list at its
    word: whether it is whole, and which products it is for, the sheet Declaration says.
    """
    check.require("smelters", smelters, pd.DataFrame)
    faults = _column_faults(smelters)
    if faults:
        raise InvalidInputError("smelter_bounds", faults)
    metals = smelters["metal"].astype(object).fillna("")
    known = smelters["smelter_cid"].astype(object).fillna("") != ""
    named = Counter(metals[known & (metals != "")])
    for metal, tonnes in demand_t.items():
        faults += check.number(f"demand_t.{metal}", tonnes, least=0.0)
        if metal not in named:
            rule = f"must be of a metal with a smelter on the list: {', '.join(sorted(named))}"
            faults.append(Fault(f"demand_t.{metal}", rule, tonnes))
    if faults:
        raise InvalidInputError("smelter_bounds", faults)
    bounds = smelters.loc[known & metals.isin(list(demand_t)), list(_OF_BOUNDS)]
    bounds = bounds.sort_values(["metal", "smelter_cid"], ignore_index=True)
    maybe_other = set(metals[~known | (metals == "")])
    alone = {metal: times == 1 and not {"", metal} & maybe_other for metal, times in named.items()}
    demand = np.array([float(demand_t[metal]) for metal in bounds["metal"]], dtype=float)
    share_low = np.array([float(alone[metal]) for metal in bounds["metal"]], dtype=float)
    return bounds.assign(
        share_low=share_low,
        share_high=np.ones(len(bounds)),
        low_t=share_low * demand,
        high_t=demand,
    )


def _column_faults(smelters: pd.DataFrame) -> list[Fault]:
    columns = list(smelters.columns)
    return [
        Fault(f"column {name}", f"must be given{' once' if name in columns else ''}", columns)
        for name in _OF_BOUNDS
        if columns.count(name) != 1
    ]


def _declaration(
    declaration: Iterator[tuple[int, tuple[Any, ...]]],
) -> tuple[str, str | None, list[Fault]]:
    """Return the company, the version of the template, and what is wrong with them."""
    company = ""
    head: list[str] = []
    for number, row in declaration:
        if number > _COMPANY_ROW:
            break
        texts = [_text(value) for value in row]
        if number <= _TITLE_ROWS:
            head += texts
        else:  # the cell D8 is merged with those to its right
            company = next((text for text in texts[3:7] if text), "")
    faults = []
    version = _version(head)
    if version is not None and version.partition(".")[0] != _MAJOR:
        rule = f"must be of a Conflict Minerals Reporting Template of version {_MAJOR}"
        faults.append(Fault(f"sheet Declaration, rows 1 to {_TITLE_ROWS}", rule, version))
    if not company:
        faults.append(Fault("sheet Declaration, row 8, column D", "must name the company", ""))
    return company, version, faults


def _version(texts: list[str]) -> str | None:
    """Return the number beside the title, or else one that stands alone."""
    for wanted in ("cmrt", "revision", "version", ""):
        for text in texts:
            found = _VERSION.search(text)
            if found and (wanted in text.casefold() if wanted else found[0] == text):
                return found[1]
    return None


def _entries(
    sheet: Iterator[tuple[int, tuple[Any, ...]]], faults: list[Fault]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the rows below the header in which something stands."""
    columns = schema("cmrt", of="formats").names
    for number, values in sheet:
        texts = [_text(value) for value in values[: len(columns)]]
        row = dict.fromkeys(columns, "") | dict(zip(columns, texts, strict=False))
        if number <= _HEADER_ROW:
            # A row was cut out above: the first smelter would be taken for the header.
            faults += [
                _fault(number, name, f"must stand below the header in row {_HEADER_ROW}", text)
                for name, text in row.items()
                if _CID.fullmatch(text)
            ]
        elif any(texts) and not next(filter(None, texts)).startswith("©"):
            yield number, row


def _record(number: int, row: dict[str, str]) -> tuple[dict[str, str], list[Fault]]:
    """Return a row in the columns of the result, and what is wrong with it."""
    faults = []
    named = _identifiers((row[_ID], row[_TYPED_ID])) or _identifiers(row.values())
    if len(named) > 1:
        faults.append(_fault(number, _ID, "must name one smelter", ", ".join(sorted(named))))
    cid = min(named, default="")
    metal = _word(row["metal"], _METALS)
    if not metal and (cid or row["metal"]):
        hint = "" if row["metal"] else "; open the workbook in Excel and save it if it shows one"
        rule = f"must be tantalum, tin, gold or tungsten in a language of the template{hint}"
        faults.append(_fault(number, "metal", rule, row["metal"]))
    return {
        "smelter_cid": cid,
        "metal": metal,
        "name": row["smelter_name"],
        "country": _country(row["smelter_country"]),
        "country_as_written": row["smelter_country"],
        "recycled": _word(row["all_recycled_or_scrap"], _ANSWERS),
        "mine_names": row["mine_names"],
        "mine_countries": row["mine_countries"],
        "lookup": row["smelter_lookup"],
        "sheet_row": str(number),
    }, faults


def _identifiers(texts: Iterable[str]) -> set[str]:
    return {f"CID{digits}" for text in texts for digits in _CID.findall(text)}


def _country(text: str) -> str:
    try:
        return country_code(text)
    except ValueError:  # unknown, or one of two: the text stands beside it
        return ""


def _word(text: str, words: Mapping[str, str]) -> str:
    """Return what a word means, whatever its language, case and accents; empty if none."""
    wanted = _plain(text)
    return next(
        (
            meaning
            for meaning, spelled in words.items()
            if wanted in {_plain(word) for word in spelled.split()}
        ),
        "",
    )


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)).replace(
        _DOTLESS_I, "i"
    )


def _text(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text in _FAILED else text


def _fault(number: int, name: str, rule: str, value: object) -> Fault:
    column = letter(schema("cmrt", of="formats").names.index(name))
    return Fault(f"sheet {_SHEET}, row {number}, column {column}", rule, value)
