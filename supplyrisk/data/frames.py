"""From a data frame to values of the model, with the faults of all rows at once."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.site import MineSite

_FIELDS: Final = {field.name: field.default for field in fields(MineSite)}
_REQUIRED: Final = [name for name, default in _FIELDS.items() if default is MISSING]

if TYPE_CHECKING:
    from collections.abc import Hashable


def sites_from_frame(frame: pd.DataFrame) -> tuple[MineSite, ...]:
    """Make a mine site of every row of a data frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns named after the fields of `MineSite`; site_id, name, commodity, country and
        capacity_tpa are required. An empty cell stands for the field's default.

    Returns
    -------
    tuple of MineSite
        One site per row, in order.

    Raises
    ------
    TypeError
        If `frame` is no data frame.
    InvalidInputError
        If a column is missing or unknown, or rows break rules; the faults of all rows are named by
        the row's label.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {
    ...         "site_id": ["bisie"],
    ...         "name": ["Bisie"],
    ...         "commodity": ["tin"],
    ...         "country": ["COD"],
    ...         "capacity_tpa": [20_000],
    ...     }
    ... )
    >>> sites_from_frame(frame)[0].production_tpa
    20000.0
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a pandas.DataFrame, got {type(frame).__name__}")
    faults = [*_column_faults(frame)]
    if faults:
        raise InvalidInputError("sites_from_frame", faults)
    sites: list[MineSite] = []
    seen: dict[str, Hashable] = {}
    for label, row in zip(frame.index, frame.to_dict("records"), strict=True):
        try:
            site = MineSite(
                **{str(name): _cell(value) for name, value in row.items() if _given(value)}
            )
        except InvalidInputError as error:
            faults.extend(fault.under(f"row {label}") for fault in error.faults)
            continue
        except TypeError:  # a required cell is empty
            missing = [name for name in _REQUIRED if not _given(row[name])]
            faults.extend(
                Fault(f"row {label}.{name}", "must be given", row[name]) for name in missing
            )
            continue
        if site.site_id in seen:
            rule = f"must not repeat that of row {seen[site.site_id]}"
            faults.append(Fault(f"row {label}.site_id", rule, site.site_id))
        seen.setdefault(site.site_id, label)
        sites.append(site)
    if faults:
        raise InvalidInputError("sites_from_frame", faults)
    return tuple(sites)


def _column_faults(frame: pd.DataFrame) -> list[Fault]:
    columns = list(frame.columns)
    faults = [
        Fault(f"column {name}", f"is no field of MineSite{check.nearest(name, _FIELDS)}", name)
        for name in columns
        if name not in _FIELDS
    ]
    faults += [
        Fault(f"column {name}", "must be given", columns)
        for name in _REQUIRED
        if name not in columns
    ]
    faults += [
        Fault(f"column {name}", "must not be given twice", name)
        for name in _FIELDS
        if columns.count(name) > 1
    ]
    return faults


def _given(value: Any) -> bool:  # noqa: ANN401 - any cell of a frame
    return not (pd.api.types.is_scalar(value) and pd.isna(value))


def _cell(value: Any) -> Any:  # noqa: ANN401 - any cell of a frame
    # A column of whole numbers with an empty cell comes as floats.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
