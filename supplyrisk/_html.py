"""Text for people as HTML: everything that comes from a case is escaped here, once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from supplyrisk import _text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["escape", "table"]


def table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Return a data frame as an HTML table, numbers rounded for reading.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; text in it is escaped.
    index : bool, default False
        Whether to show the index as first column.

    Returns
    -------
    str
        A ``<table>`` element.
    """
    shown = frame.reset_index() if index else frame
    head = "".join(f"<th>{escape(str(name))}</th>" for name in shown.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: object) -> str:
    kind = ' class="number"' if _text.is_plain_number(value) else ""
    return f"<td{kind}>{escape(_text.shown(value))}</td>"
