"""From the weight of traded goods to the metal in them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.cells import MOST_FAULTS
from supplyrisk.data.schema import schema
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

__all__ = ["contained_metal"]

_CODE: Final = re.compile(r"\d{4}|\d{6}", re.ASCII)
_EDITIONS: Final = re.compile(r"HS (\d{4})(?:-(\d{4}))?")
_FLOW: Final = ["year", "month", "exporter", "importer", "reported_by", "source_id"]


class _Entry(NamedTuple):
    """A row of the table of codes: the first and last edition it counts for, and its place."""

    first: int
    last: int
    place: int


def contained_metal(
    trade: pd.DataFrame,
    *,
    commodity: str | None = None,
    baskets: bool = False,
    unknown: Literal["raise", "drop"] = "raise",
) -> pd.DataFrame:
    """Metal contained in traded goods, by their codes of the Harmonized System [t].

    Parameters
    ----------
    trade : pandas.DataFrame
        The table ``trade``, as `read_baci` and `read_comtrade` give it.
    commodity : str, optional
        Commodity to keep; every one by default.
    baskets : bool, default False
        Whether to keep codes that hold other goods too, such as 8112.92 for gallium. For them only
        a high end is known: that of goods which are nothing else.
    unknown : {'raise', 'drop'}, default 'raise'
        What to do with codes that the table ``trade_codes`` does not have.

    Returns
    -------
    pandas.DataFrame
        The table ``contained_trade``, rows in the order of `trade`: its columns, and commodity,
        stage, content_of, contained_t with its low and high end, and is_basket. A code that holds
        several commodities has a row for each. ``attrs["left_out"]`` counts the rows and lists the
        codes that were unknown, and counts the rows of baskets.

    Raises
    ------
    TypeError
        If `trade` is no data frame.
    InvalidInputError
        If it breaks a rule of the table ``trade``, has a heading beside codes under it for one
        flow, which would count twice, or has unknown codes and they are not to be dropped.

    Notes
    -----
    A code of 6 digits is looked up whole, then by its heading: the longer entry wins. An entry
    counts for the editions of the Harmonized System it names; a row without an edition is taken
    for the newest.

    `content_of` says what contained tonnes are tonnes of. It is one for each commodity: bauxite,
    iron ore and graphite stay gross, rare earths are oxides, the others are metal. Stages are not
    to be added either: ore becomes metal, which is traded again.

    Contents are of dry weight, and weights of concentrates are mostly declared wet: contained
    tonnes of ores are then too high, by about a tenth. `contained_t` is missing where goods of
    very different content share a code, such as nickel pig iron and ferro-nickel (7202.60); the
    low and the high end always stand.

    Examples
    --------
    >>> trade = pd.DataFrame(
    ...     {
    ...         "year": [2023, 2023],
    ...         "exporter": ["MMR", "IDN"],
    ...         "importer": ["CHN", "JPN"],
    ...         "hs_code": ["260900", "800110"],
    ...         "reported_by": ["both", "both"],
    ...         "quantity_t": [1_000.0, 200.0],
    ...         "source_id": ["own", "own"],
    ...     }
    ... )
    >>> contained_metal(trade)["contained_t"].round().tolist()
    [650.0, 200.0]
    """
    check.require("trade", trade, pd.DataFrame)
    _refuse_arguments(commodity, baskets, unknown)
    flows = _checked(trade)
    _refuse_double(flows)
    codes = table("trade_codes")
    pairs = flows[["hs_code", "hs_edition"]].astype(object).fillna("")
    matches = {
        pair: _places(*pair) for pair in pairs.drop_duplicates().itertuples(index=False, name=None)
    }
    of_rows = [matches[pair] for pair in pairs.itertuples(index=False, name=None)]
    lost = np.array([not places for places in of_rows], dtype=bool)
    if lost.any() and unknown == "raise":
        raise InvalidInputError("contained_metal", _unknown_faults(flows, lost))
    counts = [len(places) for places in of_rows]
    taken = codes.iloc[[place for places in of_rows for place in places]].reset_index(drop=True)
    goods = flows.iloc[np.repeat(np.arange(len(flows)), counts)].reset_index(drop=True)
    found = _with_contents(goods, taken)
    left_out = {
        "rows_unknown": int(lost.sum()),
        "codes_unknown": sorted(set(flows.loc[lost, "hs_code"])),
        "rows_baskets": 0 if baskets else int(found["is_basket"].sum()),
    }
    if not baskets:
        found = found[~found["is_basket"]]
    if commodity is not None:
        found = found[found["commodity"] == commodity]
    found = found.reset_index(drop=True)
    found.attrs["left_out"] = left_out
    return found


def _refuse_arguments(commodity: str | None, baskets: object, unknown: object) -> None:
    faults = [
        *check.flag("baskets", baskets),
        *check.choice("unknown", unknown, ("raise", "drop")),
    ]
    if commodity is not None:
        known = sorted(set(table("trade_codes")["commodity"]))
        faults += check.choice("commodity", commodity, known)
    if faults:
        raise InvalidInputError("contained_metal", faults)


def _checked(trade: pd.DataFrame) -> pd.DataFrame:
    """Return the table in the form of its schema, with its own index."""
    flows = schema("trade").check(trade, what="trade", labels=True).set_index(trade.index)
    codes = trade["hs_code"].astype(object)
    rule = "must be a code of 4 or 6 digits, as text"  # a number has lost its leading zero
    wrong = [
        Fault(f"row {label}, column hs_code", rule, code)
        for label, code in codes[~codes.isin(_proper(codes))].items()
    ]
    wrong += [
        Fault(f"row {label}, column month", "must lie in 1 to 12", month)
        for label, month in flows.loc[~flows["month"].fillna(1).between(1, 12), "month"].items()
    ]
    if wrong:
        raise InvalidInputError("trade", wrong[:MOST_FAULTS])
    return flows


def _proper(codes: pd.Series) -> list[str]:
    return [code for code in codes.unique() if isinstance(code, str) and _CODE.fullmatch(code)]


def _refuse_double(flows: pd.DataFrame) -> None:
    """Raise if a heading stands beside a code under it in one flow: it holds that code already."""
    codes = flows["hs_code"]
    heads = set(codes[codes.str.len() == 4])
    under = codes[(codes.str.len() == 6) & codes.str[:4].isin(heads)]
    if under.empty:
        return
    key: list[Hashable] = [*_FLOW, "heading"]
    fine = flows.loc[under.index].assign(heading=under.str[:4])
    coarse = flows[codes.isin(heads)].assign(heading=codes)
    double = pd.MultiIndex.from_frame(coarse[key]).isin(pd.MultiIndex.from_frame(fine[key]))
    rule = "must not stand beside codes under it for one flow: it would be counted twice"
    faults = [
        Fault(f"row {label}, column hs_code", rule, code)
        for label, code in coarse.loc[double, "hs_code"].head(MOST_FAULTS).items()
    ]
    if faults:
        raise InvalidInputError("trade", faults)


@cache
def _entries() -> dict[str, tuple[_Entry, ...]]:
    entries: dict[str, list[_Entry]] = {}
    codes = table("trade_codes")
    for place, (code, editions) in enumerate(
        zip(codes["hs_code"], codes["hs_edition"], strict=True)
    ):
        entries.setdefault(code, []).append(_Entry(*_span(editions), place))
    return {code: tuple(found) for code, found in entries.items()}


def _span(editions: str) -> tuple[int, int]:
    """Return the first and the last edition of ``"HS 1992-2022"``, or the one of ``"HS 2022"``."""
    found = _EDITIONS.fullmatch(editions)
    if found is None:
        raise InvalidInputError(
            "trade", [Fault("column hs_edition", "must be as 'HS 2022'", editions)]
        )
    return int(found[1]), int(found[2] or found[1])


def _places(code: str, edition: str) -> tuple[int, ...]:
    """Return the places of the entries that a code of an edition has: the longest code wins."""
    year = _span(edition)[0] if edition else 2022
    for known in dict.fromkeys((code, code[:4])):
        found = [
            entry.place for entry in _entries().get(known, ()) if entry.first <= year <= entry.last
        ]
        if found:
            return tuple(found)
    return ()


def _unknown_faults(flows: pd.DataFrame, lost: NDArray[np.bool_]) -> list[Fault]:
    faults = []
    rows = flows.loc[lost, ["hs_code", "hs_edition"]].astype(object).fillna("")
    for label, group in rows.groupby(["hs_code", "hs_edition"]):
        code, edition = map(str, label)
        finer = sorted(known for known in _entries() if known.startswith(code) and known != code)
        hint = f" (known are {', '.join(finer)} under it)" if finer else ""
        where = f"hs_code of {len(group)} row{'s' if len(group) > 1 else ''}"
        rule = f"must be in the table trade_codes{hint}; unknown='drop' leaves it out"
        faults.append(Fault(where, rule, f"{code} {edition}".strip()))
    return faults


def _with_contents(goods: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    tonnes = pd.to_numeric(goods["quantity_t"]).to_numpy(dtype=float, na_value=np.nan)
    found = goods.assign(
        commodity=taken["commodity"],
        stage=taken["stage"],
        content_of=taken["content_of"],
        contained_t=tonnes * taken["metal_content"].to_numpy(dtype=float),
        contained_low_t=tonnes * taken["content_low"].to_numpy(dtype=float),
        contained_high_t=tonnes * taken["content_high"].to_numpy(dtype=float),
        is_basket=taken["is_basket"],
    )
    wanted = schema("contained_trade")
    types: dict[Hashable, Any] = {column.name: column.dtype for column in wanted.columns}
    return found[wanted.names].astype(types)
