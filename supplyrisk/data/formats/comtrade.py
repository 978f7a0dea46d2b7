"""Trade between countries as UN Comtrade exports it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk.data.cells import MOST_FAULTS, TEXT
from supplyrisk.data.formats import _areas, _goods
from supplyrisk.data.formats._published import repeated
from supplyrisk.data.formats._records import records
from supplyrisk.data.formats._table import Records, parsed
from supplyrisk.data.schema import Schema, schema
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["read_comtrade"]

KG_PER_T: Final = 1_000.0
_SOURCE: Final = "un-comtrade"
_IMPORTS: Final = frozenset({"M", "1"})
_EXPORTS: Final = frozenset({"X", "2"})
# Re-exports, domestic exports, foreign imports, processing: parts of the two flows.
_PARTS: Final = frozenset(
    {"RX", "RM", "DX", "FM", "MIP", "MOP", "XIP", "XOP", "3", "4"},
)
_ALL: Final = frozenset({"", "0", "C00", "C0"})
_EDITIONS: Final = {
    **{f"H{place}": f"HS {year}" for place, year in enumerate(_goods.EDITIONS)},
    "HS": "",  # "as reported", in the older export
}


_SPLITS: Final = ("partner2", "customs", "transport")
"""What a flow may be broken down by."""
_OPTIONAL: Final = (*_SPLITS, "estimated")


class _Format(NamedTuple):
    """Which published column is which, in one of the two exports."""

    schema: str
    columns: dict[str, str]

    def part(self, names: list[str]) -> Schema:
        """Return some of the columns as a schema without a key: sums would seem to repeat it."""
        whole = schema(self.schema, of="formats")
        used = (column for column in whole.columns if column.name in names)
        return Schema(whole.name, tuple(replace(column, key=False) for column in used))


_NEW: Final = _Format(
    "comtrade",
    {
        "type": "typeCode",
        "year": "refYear",
        "period": "period",
        "reporter": "reporterCode",
        "flow": "flowCode",
        "partner": "partnerCode",
        "partner2": "partner2Code",
        "edition": "classificationCode",
        "code": "cmdCode",
        "customs": "customsCode",
        "transport": "motCode",
        "weight": "netWgt",
        "estimated": "isNetWgtEstimated",
        "value": "primaryValue",
    },
)
_OLD: Final = _Format(
    "comtrade_legacy",
    {
        "year": "Year",
        "period": "Period",
        "reporter": "Reporter Code",
        "flow": "Trade Flow Code",
        "partner": "Partner Code",
        "partner2": "2nd Partner Code",
        "edition": "Classification",
        "code": "Commodity Code",
        "customs": "Customs Proc. Code",
        "transport": "Mode of Transport Code",
        "weight": "Netweight (kg)",
        "value": "Trade Value (US$)",
    },
)


def read_comtrade(
    path: str | os.PathLike[str], *, hs_codes: Iterable[str] | None = None
) -> pd.DataFrame:
    """Read trade between countries from an export of UN Comtrade.

    Parameters
    ----------
    path : str or path-like
        The CSV file that the site gives (``TradeData_....csv``), the same columns saved from its
        programming interface, or the older export that was given until 2022.
    hs_codes : iterable of str, optional
        Codes to keep, of 6 digits, or of 4 for these and all under them; every one by default.

    Returns
    -------
    pandas.DataFrame
        The table ``trade``, sorted by its key. What a reporter imports has it as `importer`, and
        ``"importer"`` in `reported_by`; what it exports has it as `exporter`. Weights are in
        tonnes. ``attrs["left_out"]`` counts rows that are sums or parts of others: partner World,
        groups of countries, re-exports and other parts of a flow, chapters and the total of all
        goods, and rows by transport, customs procedure or second partner.

    Raises
    ------
    TypeError
        If `hs_codes` is one string.
    InvalidInputError
        If the file is no such table, is of services or of another classification than the
        Harmonized System, mixes months with years, has rows by transport and the like without
        their sum, repeats a flow, or names an unknown area. Every fault is named by line.
    OSError
        If it cannot be read.

    Notes
    -----
    Format: UN Statistics Division, UN Comtrade [1]_, the 47 columns from ``typeCode`` to
    ``isAggregate`` of the site since 2023, or the 35 from ``Classification`` to ``Flag`` before.
    Columns in any order; those that are not needed may be missing. The data may not be
    re-disseminated without leave: none come with this library.

    Both reports of one flow may be in a file, and differ: imports are valued CIF, exports FOB, and
    origins and weights differ. Choose by `reported_by`, and do not add them. Area numbers are read
    as for `read_baci`. A net weight of nought beside a value is taken for a missing one.

    References
    ----------
    .. [1] United Nations Statistics Division, "UN Comtrade Database", https://comtradeplus.un.org
    """
    wanted = _goods.wanted_codes(hs_codes)
    both = [name for form in (_NEW, _OLD) for name in schema(form.schema, of="formats").names]
    # Some exports of the site are in the letters of older programs.
    with records(path, both, fallback="cp1252") as source:
        form = _OLD if "Trade Flow Code" in source.header else _NEW
        rows = _rows(source, form, wanted)
    file = _File(source.what, form)
    _refuse_other_kinds(rows, file)
    kept, left_out = _without_sums(rows, file)
    meant = len(rows) if wanted is None else sum(map(_goods.is_code, rows["code"]))
    if meant and not len(kept):
        rule = "must hold flows between two areas, of goods by codes of 4 or 6 digits"
        file.refuse([Fault("file", rule, left_out)])
    trade = _areas.in_order(_areas.added_up(_trade(kept, file)))
    trade.attrs["left_out"] = left_out
    return trade


def _rows(source: Records, form: _Format, wanted: frozenset[str] | None) -> pd.DataFrame:
    """Read the columns used, under short names, with the line of each row."""
    names = [
        published
        for name, published in form.columns.items()
        if name not in _OPTIONAL or published in source.header
    ]
    places = source.places(names, format_="UN Comtrade")
    part = form.part(names)
    rows = parsed(
        source, part, part.names, keep=_goods.keeper(wanted, places[form.columns["code"]])
    )
    short = {published: name for name, published in form.columns.items()}
    rows = rows.reset_index(names="line").rename(columns=short)
    for name in (*_OPTIONAL, "type"):
        if name not in rows:
            rows[name] = pd.NA
    rows["code"] = [_goods.whole_code(code) for code in rows["code"]]
    rows["flow"] = rows["flow"].astype(str).str.upper()
    return rows


class _File(NamedTuple):
    """The file that is read: its path for messages, and which column is called how."""

    what: str
    form: _Format

    def faults(self, rows: pd.DataFrame, wrong: Any, column: str, rule: str) -> list[Fault]:  # noqa: ANN401 - flags of any kind
        """Name the cells of a column that are flagged."""
        bad = rows[np.asarray(wrong, dtype=bool)].head(MOST_FAULTS)
        name = self.form.columns.get(column, column)
        return [
            Fault(f"line {line}, column {name}", rule, value)
            for line, value in zip(bad["line"], bad[column], strict=True)
        ]

    def refuse(self, faults: list[Fault]) -> None:
        """Raise if there are faults."""
        if faults:
            raise InvalidInputError(self.what, faults)


def _refuse_other_kinds(rows: pd.DataFrame, file: _File) -> None:
    flows = _IMPORTS | _EXPORTS | _PARTS
    months = rows["period"].str.fullmatch(r"\d{4}(0[1-9]|1[0-2])").astype(bool)
    years = rows["period"].str.fullmatch(r"\d{4}").astype(bool)
    edition_rule = "must be an edition of the Harmonized System, H0 to H6"
    file.refuse(
        [
            *file.faults(rows, _texts(rows["type"]) == "S", "type", "must be C, trade in goods"),
            *file.faults(rows, ~rows["edition"].isin(_EDITIONS), "edition", edition_rule),
            *file.faults(rows, ~rows["flow"].isin(flows), "flow", "must be M or X, or parts of it"),
            *file.faults(rows, ~(months | years), "period", "must be a year, or year and month"),
        ]
    )
    if months.any() and years.any():
        rule = "must not mix months with years: they would be counted twice"
        file.refuse([Fault("column period", rule, sorted(set(rows["period"]))[:6])])
    other = [
        int(period[:4]) != year for period, year in zip(rows["period"], rows["year"], strict=True)
    ]
    file.refuse(file.faults(rows, other, "period", "must lie in the year of its row"))


def _without_sums(rows: pd.DataFrame, file: _File) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave out rows that are sums of others, or parts of them."""
    counts: dict[str, int] = {}

    def drop(frame: pd.DataFrame, flags: Any, name: str) -> pd.DataFrame:  # noqa: ANN401 - flags of any kind
        mask = np.asarray(flags, dtype=bool)
        counts[name] = int(mask.sum())
        return frame[~mask]

    kept = drop(rows, rows["flow"].isin(_PARTS), "parts_of_flows")
    for side in ("reporter", "partner"):
        kept = drop(kept, [_areas.is_total(str(area)) for area in kept[side]], f"{side}_totals")
    wider = np.array([_is_wider(code) for code in kept["code"]], dtype=bool)
    other = [not (_goods.is_code(code) or _is_wider(code)) for code in kept["code"]]
    file.refuse(file.faults(kept, other, "code", "must be a code of 4 or 6 digits"))
    kept = drop(kept, wider, "wider_codes")
    split = _is_split(kept)
    _refuse_split_only(kept, split, file)
    kept = drop(kept, split, "breakdowns")
    _refuse_repeated(kept, file)
    return kept, counts


def _is_wider(code: str) -> bool:
    """Whether a code is that of a chapter, of all goods, or of a level of the classification."""
    return code.upper() in {"TOTAL", "AG2", "AG4", "AG6", "ALL"} or (
        code.isdigit() and len(code) == 2
    )


def _texts(values: pd.Series) -> NDArray[np.object_]:
    return np.array(["" if pd.isna(value) else str(value) for value in values], dtype=object)


def _is_split(rows: pd.DataFrame) -> NDArray[np.bool_]:
    split = np.zeros(len(rows), dtype=bool)
    for name in _SPLITS:
        split |= ~np.isin(_texts(rows[name]).astype(str), [*_ALL])
    return split


_FLOW: Final = ["period", "reporter", "flow", "partner", "code"]


def _refuse_split_only(rows: pd.DataFrame, split: NDArray[np.bool_], file: _File) -> None:
    if not split.any():
        return
    whole = pd.MultiIndex.from_frame(rows.loc[~split, _FLOW])
    alone = split & ~pd.MultiIndex.from_frame(rows[_FLOW]).isin(whole)
    rule = (
        "must be a sum: rows by transport, customs procedure or second partner stand here "
        "without it; download them with all of these as totals"
    )
    file.refuse(file.faults(rows, alone, "code", rule))


def _refuse_repeated(rows: pd.DataFrame, file: _File) -> None:
    twice = rows.loc[rows.duplicated(_FLOW, keep=False), [*_FLOW, "line"]]
    keys = ((row[:-1], f"line {row[-1]}") for row in twice.itertuples(index=False, name=None))
    file.refuse(repeated(keys, "period, reporter, flow, partner and code"))


def _trade(rows: pd.DataFrame, file: _File) -> pd.DataFrame:
    reporter = _countries(rows, "reporter", file)
    partner = _countries(rows, "partner", file)
    imported = rows["flow"].isin(_IMPORTS).to_numpy(dtype=bool)
    weight = rows["weight"].to_numpy(dtype=float) / KG_PER_T
    value = rows["value"].to_numpy(dtype=float)
    months = [int(period[4:]) if len(period) == 6 else pd.NA for period in rows["period"]]
    columns = {
        "year": rows["year"].to_numpy(dtype="int64"),
        "month": pd.array(months, dtype="Int64"),
        "exporter": pd.array(np.where(imported, partner, reporter), dtype=TEXT),
        "importer": pd.array(np.where(imported, reporter, partner), dtype=TEXT),
        "hs_code": pd.array(rows["code"].to_numpy(dtype=object), dtype=TEXT),
        "hs_edition": pd.array(
            [_EDITIONS[edition] or None for edition in rows["edition"]], dtype=TEXT
        ),
        "reported_by": pd.array(
            np.where(imported, "importer", "exporter").astype(object), dtype=TEXT
        ),
        "value_usd": value,
        "quantity_t": np.where((weight == 0) & (value > 0), np.nan, weight),
        "quantity_estimated": rows["estimated"].astype("boolean").array,
        "release": pd.array([None] * len(rows), dtype=TEXT),
        "source_id": pd.array([_SOURCE] * len(rows), dtype=TEXT),
    }
    return pd.DataFrame(columns, columns=schema("trade").names)


def _countries(rows: pd.DataFrame, side: str, file: _File) -> NDArray[np.object_]:
    codes = {number: _areas.area_code(str(number)) for number in rows[side].unique()}
    unknown = {number for number, code in codes.items() if code is None}
    rule = "must be an area code of UN Comtrade"
    file.refuse(file.faults(rows, rows[side].isin(unknown), side, rule))
    return np.array([codes[number] for number in rows[side]], dtype=object)
