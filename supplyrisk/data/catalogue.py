"""The catalogue of historical disruptions: what was known of it on a day, and how to cite it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.cells import DATE
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of a stop that is running nobody knows these yet.
_OF_THE_END: Final = ("ended", "ended_precision", "end_kind", "lost_t", "note")
# BibTeX counts braces even where a backslash stands before them.
_ESCAPED: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: f"\\{sign}" for sign in "&%$#_"},
    }
)


def disruptions(as_of: dt.date | None = None) -> pd.DataFrame:
    """Historical disruptions of mines, smelters, exports and ways.

    Parameters
    ----------
    as_of : datetime.date, optional
        Day from which to look back; everything that is known today by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``disruptions``. As of a day it holds the rows that had started
        before: of a stop that was running then the end is unknown, its row is censored on that
        day, and what was learned later (loss, ramp-up, peak of the price, note) is blank.

    Raises
    ------
    InvalidInputError
        If `as_of` is no date.

    Notes
    -----
    The rows were gathered by looking for them, and are no systematic sample: long, large and
    recent events are over-represented. A length with ``censored`` is a lower bound.

    Examples
    --------
    >>> import datetime as dt
    >>> then = disruptions(as_of=dt.date(2025, 3, 20)).set_index("disruption_id")
    >>> bool(then.loc["E131", "censored"]), float(then.loc["E131", "duration_days"])
    (True, 7.0)
    """
    return known_on(table("disruptions"), as_of)


def known_on(frame: pd.DataFrame, as_of: dt.date | None) -> pd.DataFrame:
    """Cut rows of the catalogue at a day, see `disruptions`.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows with the columns of the table ``disruptions``.
    as_of : datetime.date, optional
        Day from which to look back; the rows as they are by default.

    Returns
    -------
    pandas.DataFrame
        What was known on the day.

    Raises
    ------
    InvalidInputError
        If `as_of` is no date.
    """
    if as_of is None:
        return frame
    faults = [*check.date("as_of", as_of)]
    if faults:
        raise InvalidInputError("data.disruptions", faults)
    today = pd.Timestamp(as_of)
    frame = frame[frame["started"] < today].reset_index(drop=True)
    unended = frame["ended"].isna() | (frame["ended"] >= today)
    running = unended & frame["is_stop"]
    seen = frame["ended"].fillna(frame["last_observed"])
    last = frame["last_observed"].mask(running, seen.where(seen < today, today))
    ramped = frame["ended"] + pd.to_timedelta(frame["ramp_up_days"].fillna(0.0), unit="D")
    later = frame["price_peak_date"] >= today
    frame["last_observed"] = last.astype(DATE)
    frame["censored"] |= running
    frame["duration_days"] = frame["duration_days"].mask(
        running, (last - frame["started"]).dt.days.astype(float)
    )
    frame["ramp_up_days"] = frame["ramp_up_days"].mask(running | (ramped >= today))
    frame["price_peak"] = frame["price_peak"].mask(
        later | (running & frame["price_peak_date"].isna())
    )
    frame["price_peak_date"] = frame["price_peak_date"].mask(later)
    for column in _OF_THE_END:
        frame[column] = frame[column].mask(unended)
    return frame


def bibtex(ids: Iterable[str] | None = None) -> str:
    """BibTeX entries by which to cite sources and rows of the catalogue.

    Parameters
    ----------
    ids : str or iterable of str, optional
        Ids of sources or disruptions, such as a column of a table, in which a cell may hold
        several; every bundled source by default.

    Returns
    -------
    str
        One ``@misc`` entry for each.

    Raises
    ------
    TypeError
        If `ids` are none.
    InvalidInputError
        If neither a source nor a disruption has such an id.

    Examples
    --------
    >>> print(bibtex(["E131"]))  # doctest: +ELLIPSIS
    @misc{E131,
      title = {Bisie evacuation before M23 advance},
      ...
    """
    sources = table("sources").set_index("source_id")
    events = table("disruptions").set_index("disruption_id")
    wanted = list(sources.index[sources["shipped"]]) if ids is None else _split(ids)
    faults = [
        Fault("id", f"must be that of a source or a disruption{hint}", name)
        for name in wanted
        if name not in sources.index and name not in events.index
        for hint in [check.nearest(name, [*sources.index, *events.index])]
    ]
    if faults:
        raise InvalidInputError("data.bibtex", faults)
    return "\n\n".join(
        _source_entry(name, sources.loc[[name]].iloc[0])
        if name in sources.index
        else _event_entry(name, events.loc[[name]].iloc[0])
        for name in wanted
    )


def _split(ids: Iterable[str]) -> list[str]:
    """Return each id once: a cell of a table may hold several, or none."""
    if not hasattr(ids, "__iter__"):
        raise TypeError(f"ids must be ids of sources or disruptions, got {ids!r}")
    cells = [ids] if isinstance(ids, str) else [cell for cell in ids if not pd.isna(cell)]
    return list(dict.fromkeys(name for cell in cells for name in str(cell).split(";")))


def _source_entry(name: str, row: pd.Series) -> str:
    published = row["published"]
    return _entry(
        name,
        author=f"{{{_plain(row['publisher'])}}}",
        title=_plain(row["title"]),
        year="" if pd.isna(published) else str(published.year),
        howpublished=_links([row["url"]] if isinstance(row["url"], str) else []),
        note=f"Licence: {_plain(row['licence'])}",
    )


def _event_entry(name: str, row: pd.Series) -> str:
    links = row["references"].split() if isinstance(row["references"], str) else []
    return _entry(
        name,
        title=_plain(row["name"]),
        year=str(row["started"].year),
        howpublished=_links(links),
        note=f"Row {name} of the catalogue of disruptions of supplyrisk",
    )


def _entry(name: str, **fields: str) -> str:
    lines = [f"  {field} = {{{text}}}" for field, text in fields.items() if text]
    return ",\n".join([f"@misc{{{name}", *lines]) + "\n}"


def _links(urls: Iterable[str]) -> str:
    # \url takes an address as it is, but for the two signs that end its argument.
    return ", ".join(f"\\url{{{url.replace('{', '%7B').replace('}', '%7D')}}}" for url in urls)


def _plain(text: str) -> str:
    return text.translate(_ESCAPED)
