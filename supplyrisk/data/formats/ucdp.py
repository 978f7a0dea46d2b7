"""Reader of the UCDP Georeferenced Event Dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

from supplyrisk._countries import country_code
from supplyrisk.data.formats import _events
from supplyrisk.data.formats._events import Day, Format, Period
from supplyrisk.data.schema import schema
from supplyrisk.errors import Fault

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.formats._table import Keep

__all__ = ["read_ucdp_ged"]

# Names that the publisher gives to states and that no list of ISO names has.
_NAMES: Final = {
    "Cambodia (Kampuchea)": "KHM",
    "DR Congo (Zaire)": "COD",
    "Kingdom of eSwatini (Swaziland)": "SWZ",
    "Madagascar (Malagasy)": "MDG",
    "Russia (Soviet Union)": "RUS",
    "Serbia (Yugoslavia)": "SRB",
    "Vietnam (North Vietnam)": "VNM",
    "Yemen (North Yemen)": "YEM",
    "Zimbabwe (Rhodesia)": "ZWE",
}
# "Congo" is one country here; of a caller who says it, nobody knows which one is meant.
_NAMES_OF_ROWS: Final = {**_NAMES, "Congo": "COG"}
_WITHOUT_CODE: Final = frozenset(
    {"Czechoslovakia", "German Democratic Republic", "Kosovo", "South Yemen", "Yugoslavia"}
)
_FLAGS: Final = {"1": "true", "0": "false"}


def read_ucdp_ged(
    path: str | os.PathLike[str],
    *,
    countries: Iterable[str] | None = None,
    since: Day = None,
    until: Day = None,
    encoding: str | None = None,
    decimal: str = ".",
) -> pd.DataFrame:
    """Read the UCDP Georeferenced Event Dataset, one row per event of organised violence.

    The file is read in pieces, so memory follows the events kept, not the file.

    Parameters
    ----------
    path : str or path-like
        CSV file as published, unpacked.
    countries : iterable of str, optional
        Countries to keep, as ISO 3166-1 codes, names, or the publisher's own names such as
        ``"DR Congo (Zaire)"``; every country by default.
    since, until : datetime.date or str, optional
        Keep events of which any day falls into this period, both days included.
    encoding : str, optional
        Encoding of the file; by default its byte-order mark, or else UTF-8.
    decimal : str, default "."
        Decimal mark of the coordinates, ``","`` in files that a spreadsheet wrote anew.

    Returns
    -------
    pandas.DataFrame
        The 49 published columns of the schema ``ucdp_ged`` in their order; the events kept, in the
        order of the file.  Dates lose the midnight written after them.  A number of sources of -1,
        the publisher's mark for one that was not counted, is missing.

    Raises
    ------
    TypeError
        If a country is no string.
    ValueError
        If a country is not known or ambiguous, or a date is none.
    InvalidInputError
        If a column is missing, a cell of an event kept breaks a rule, an event comes twice, or a
        filter by country meets a name that it does not know; every fault is named.
    OSError
        If the file cannot be read.

    Notes
    -----
    Publisher: Uppsala Conflict Data Program; versions 23.1 to 25.1, CC BY 4.0: name the publisher
    and the version where the data are used.  Columns beyond the 49 are left out.

    Where an event happened is known as well as ``where_prec`` says: 1 the place itself, 2 within
    some 25 km, 3 and 4 a district or province, 6 only the country.  Of a year, events were looked
    for as carefully as the reporting allowed; few events are no proof of peace.

    References
    ----------
    .. [1] R. Sundberg and E. Melander, "Introducing the UCDP Georeferenced Event Dataset,"
       J. Peace Res., vol. 50, no. 4, pp. 523-532, 2013, :doi:`10.1177/0022343313484347`.
    .. [2] https://ucdp.uu.se/downloads/
    """
    wanted = _events.wanted_countries(countries, names=_NAMES)
    format_ = Format(
        title="the UCDP Georeferenced Event Dataset",
        schema=schema("ucdp_ged", of="formats"),
        prepare=partial(_prepare, by_country=wanted is not None),
        keep=partial(_keep, wanted=wanted, period=Period.of(since, until)),
    )
    return _events.read_dated(path, format_, encoding=encoding, decimal=decimal)


def _keep(header: tuple[str, ...], *, wanted: frozenset[str] | None, period: Period) -> Keep | None:
    if wanted is None and not period.bounded:
        return None
    country, first, last = (header.index(name) for name in ("country", "date_start", "date_end"))

    def keep(fields: list[str]) -> bool:
        if wanted is not None:
            code = _code(fields[country].strip())
            if code is not None and code not in wanted:
                return False
        return period.meets(fields[first], fields[last])

    return keep


@lru_cache(maxsize=1_024)
def _code(name: str) -> str | None:
    """Return the code of a country, empty for a state that has none, None for an unknown name."""
    if name in _WITHOUT_CODE:
        return ""
    try:
        return _NAMES_OF_ROWS.get(name) or country_code(name)
    except ValueError:
        return None


def _prepare(chunk: pd.DataFrame, *, by_country: bool) -> Iterable[Fault]:
    _events.rewrite(chunk, ("date_start", "date_end"), _events.day_of)
    _events.rewrite(chunk, ("active_year",), lambda text: _FLAGS.get(text.strip(), text))
    _events.rewrite(
        chunk, ("number_of_sources",), lambda text: "" if text.strip() == "-1" else text
    )
    if not by_country:
        return []
    rule = "must be a country that this reader knows where it filters by country"
    return [
        Fault(f"line {line}, column country", rule, name)
        for line, name in chunk["country"].items()
        if name.strip() and _code(name.strip()) is None
    ]
