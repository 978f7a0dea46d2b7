"""Reader of ACLED's export of conflict events."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from supplyrisk._countries import country_code
from supplyrisk.data.formats import _events
from supplyrisk.data.formats._events import Day, Format, Period
from supplyrisk.data.formats._published import MONTHS
from supplyrisk.data.schema import schema

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.formats._table import Keep
    from supplyrisk.errors import Fault

__all__ = ["read_acled"]

_ACTORS: Final = {
    "0": "",
    "1": "State forces",
    "2": "Rebel group",
    "3": "Political militia",
    "4": "Identity militia",
    "5": "Rioters",
    "6": "Protesters",
    "7": "Civilians",
    "8": "External/Other forces",
}
_MONTHS: Final = {name.casefold(): place for place, name in enumerate(MONTHS, start=1)}
_WRITTEN: Final = re.compile(r"(\d{1,2})[ -]([A-Za-z]+)[ -](\d{4})")


def read_acled(
    path: str | os.PathLike[str],
    *,
    countries: Iterable[str] | None = None,
    since: Day = None,
    until: Day = None,
    encoding: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read an export of the Armed Conflict Location and Event Data, one row per event.

    The file is read in pieces, so memory follows the events kept, not the file.

    Parameters
    ----------
    path : str or path-like
        CSV file as exported, one row per event; commas or semicolons.
    countries : iterable of str, optional
        Countries to keep, as ISO 3166-1 codes or names; every country by default.
    since, until : datetime.date or str, optional
        Keep events of this period, both days included.
    encoding : str, optional
        Encoding of the file; by default its byte-order mark, or else UTF-8.
    decimal : str, default "."
        Decimal mark of the coordinates, ``","`` in files that a spreadsheet wrote anew.

    Returns
    -------
    pandas.DataFrame
        The 31 published columns of the schema ``acled`` in their order; the events kept, in the
        order of the file.  Days such as ``13 March 2025`` in older exports become dates.  The
        numbers that older exports give for the types of actors (``inter1``, ``inter2``) become the
        words of newer ones; ``interaction`` stays as it was exported.

    Raises
    ------
    TypeError
        If a country is no string.
    ValueError
        If a country is not known or ambiguous, or a date is none.
    InvalidInputError
        If a column is missing, a cell of an event kept breaks a rule, or an event comes twice, as
        it does in exports with one row per actor; every fault is named.
    OSError
        If the file cannot be read.

    Notes
    -----
    Publisher: Armed Conflict Location & Event Data (ACLED); layout since March 2023.  The data
    come under the publisher's terms of use: each user needs an access of their own, and none of
    them may be passed on or come with this library.  Columns beyond the 31, such as population,
    are left out.

    A country is recognised by its number in the column ``iso``; where there is none, by its name.
    Places that have no country of their own are kept only where no country is asked for.

    References
    ----------
    .. [1] C. Raleigh, R. Kishi and A. Linke, "Political instability patterns are obscured by
       conflict dataset scope conditions, sources, and coding choices," Humanit. Soc. Sci. Commun.,
       vol. 10, 74, 2023, :doi:`10.1057/s41599-023-01559-4`.
    .. [2] https://acleddata.com/
    """
    format_ = Format(
        title="an ACLED export",
        schema=schema("acled", of="formats"),
        prepare=_prepare,
        keep=partial(
            _keep, wanted=_events.wanted_countries(countries), period=Period.of(since, until)
        ),
    )
    return _events.read_dated(path, format_, encoding=encoding, decimal=decimal)


def _keep(header: tuple[str, ...], *, wanted: frozenset[str] | None, period: Period) -> Keep | None:
    if wanted is None and not period.bounded:
        return None
    iso, country, date = (header.index(name) for name in ("iso", "country", "event_date"))

    def keep(fields: list[str]) -> bool:
        if wanted is not None and _code(fields[iso].strip(), fields[country].strip()) not in wanted:
            return False
        day = _day(fields[date])
        return period.meets(day, day)

    return keep


@lru_cache(maxsize=1_024)
def _code(iso: str, name: str) -> str:
    """Return the code of a country by its number or else its name, empty where there is none."""
    for text in (iso, name):
        try:
            return country_code(text)
        except ValueError:
            continue
    return ""


def _prepare(chunk: pd.DataFrame) -> Iterable[Fault]:
    _events.rewrite(chunk, ("event_date",), _day)
    _events.rewrite(chunk, ("inter1", "inter2"), lambda text: _ACTORS.get(text.strip(), text))
    return []


def _day(text: str) -> str:
    """Return a day as year-month-day; text that is none, as it is."""
    found = _WRITTEN.fullmatch(text.strip())
    month = _MONTHS.get(found[2].casefold()) if found else None
    if found is None or month is None:
        return _events.day_of(text)
    return f"{found[3]}-{month:02d}-{int(found[1]):02d}"
