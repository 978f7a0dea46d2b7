"""Numbers and tables as text for people: few digits, thousands apart."""

from __future__ import annotations

import math
import numbers
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sized

    import pandas as pd


def is_plain_number(value: object) -> bool:
    """Whether a value is a number, and not true or false."""
    return isinstance(value, numbers.Real) and not _is_flag(value)


def _is_flag(value: object) -> bool:
    return type(value).__name__ in {"bool", "bool_"}  # Python's and numpy's


def shown(value: object) -> str:
    """Return a value as it is shown to people.

    Parameters
    ----------
    value : object
        A number gets three or four digits and thousands separators; what is missing is a dash.

    Returns
    -------
    str
        Its text.

    Examples
    --------
    >>> shown(17324.0), shown(0.05432), shown(float("nan")), shown("tin")
    ('17,324', '0.0543', '-', 'tin')
    """
    if _is_flag(value):
        return "yes" if value else "no"
    if not is_plain_number(value):
        return "-" if value is None else str(value)
    x = float(value) + 0.0  # type: ignore[arg-type]  # -0.0 becomes 0.0
    if math.isnan(x):
        return "-"
    if math.isinf(x):
        return "never" if x > 0 else "-inf"
    if abs(x) >= 1000 or x == int(x):
        return f"{x:,.0f}"
    return f"{x:.1f}" if abs(x) >= 100 else f"{x:.3g}"


def counted(things: Sized, one: str, many: str = "") -> str:
    """Return how many things there are, with their name.

    Parameters
    ----------
    things : sized
        The things.
    one, many : str
        Name of one of them, and of several; that of one with an s when omitted.

    Returns
    -------
    str
        Number and name.

    Examples
    --------
    >>> counted(["Bisie"], "mine"), counted([], "policy", "policies")
    ('1 mine', '0 policies')
    """
    return f"{len(things)} {one if len(things) == 1 else many or one + 's'}"


def table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Return a data frame as aligned text, numbers rounded for reading.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show.
    index : bool, default False
        Whether to show the index as first column.

    Returns
    -------
    str
        Lines with aligned columns; text left, numbers right.
    """
    whole = frame.reset_index() if index else frame
    columns = []
    for place, name in enumerate(whole.columns):
        values = whole.iloc[:, place].tolist()
        cells = [str(name), *(shown(value) for value in values)]
        width = max(_columns(cell) for cell in cells)
        right = any(is_plain_number(value) and not math.isnan(value) for value in values)
        gaps = [" " * (width - _columns(cell)) for cell in cells]
        padded = zip(cells, gaps, strict=True)
        columns.append([gap + cell if right else cell + gap for cell, gap in padded])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese letters take two each."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
