"""Areas of trade statistics: country numbers that differ from ISO 3166-1, and rows of one flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk._countries import OTHER_COUNTRIES, country_code
from supplyrisk.data.schema import schema

if TYPE_CHECKING:
    from collections.abc import Hashable

# Customs areas and former states that are one country of today, or nearly.
_COUNTRIES: Final = {
    "058": "BEL",  # with Luxembourg, to 1998
    "230": "ETH",
    "251": "FRA",
    "278": "DEU",
    "280": "DEU",
    "381": "ITA",
    "457": "MYS",
    "459": "MYS",
    "461": "MYS",
    "488": "UMI",
    "490": "TWN",  # "Other Asia, not elsewhere specified": in practice Taiwan
    "579": "NOR",
    "590": "PAN",
    "592": "PAN",
    "647": "JPN",
    "658": "KNA",
    "698": "IND",
    "699": "IND",
    "711": "ZAF",  # Southern African Customs Union, to 1999
    "720": "YEM",
    "736": "SDN",
    "757": "CHE",
    "835": "TZA",
    "836": "TZA",
    "841": "USA",
    "842": "USA",
    "849": "UMI",
    "866": "VNM",
    "868": "VNM",
    "872": "UMI",
    "886": "YEM",
}
# Remainders, stores and states that fell apart: parts of a sum without a country of today.
_OTHERS: Final = (
    "080 129 200 221 290 412 471 472 473 492 527 530 532 536 568 577 582 588 636 637 697 717 810 "
    "837 838 839 879 890 891 899"
)
_TOTALS: Final = frozenset({"000", "097", "975"})
"""World, European Union, ASEAN: sums of other rows."""


def area_code(number: str) -> str | None:
    """Return the alpha-3 code of an area of BACI and UN Comtrade, or None if it is unknown.

    Remainders such as bunkers and areas not specified are `OTHER_COUNTRIES`.
    """
    digits = number.zfill(3)
    if digits in _COUNTRIES:
        return _COUNTRIES[digits]
    if digits in _OTHERS.split():
        return OTHER_COUNTRIES
    try:
        return country_code(digits) if digits.isascii() and digits.isdigit() else None
    except ValueError:
        return None


def is_total(number: str) -> bool:
    """Whether an area is a sum of other areas."""
    return number.zfill(3) in _TOTALS


def added_up(trade: pd.DataFrame) -> pd.DataFrame:
    """Add up the rows of a trade table that areas without a code of their own made one flow.

    A sum of weights is missing if a part of it is.
    """
    key: list[Hashable] = [*schema("trade").key]
    repeated = trade.duplicated(key, keep=False)
    if not repeated.any():
        return trade
    parts = trade[repeated]
    groups = parts.groupby(key, dropna=False, sort=False)
    sums = groups.agg(
        {
            "hs_edition": "first",
            "value_usd": _whole_sum,
            "quantity_t": _whole_sum,
            "quantity_estimated": "max",
            "release": "first",
        }
    ).reset_index()
    return pd.concat([trade[~repeated], sums[trade.columns].astype(trade.dtypes)])


def _whole_sum(values: Any) -> float:  # noqa: ANN401 - a series of numbers
    return float(np.sum(values.to_numpy(dtype=float)))


def in_order(trade: pd.DataFrame) -> pd.DataFrame:
    """Sort a trade table by its key, and number its rows from 0."""
    return trade.sort_values(schema("trade").key, kind="stable").reset_index(drop=True)
