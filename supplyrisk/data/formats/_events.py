"""Tables of dated records: large files in bounded memory, filtered while they are read."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk._countries import country_code
from supplyrisk.data.formats._records import decimal_mark, records
from supplyrisk.data.formats._table import Keep, Records, parsed
from supplyrisk.data.schema import Column, Schema

if TYPE_CHECKING:
    from supplyrisk.errors import Fault

Day = dt.date | str | None

_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?Z?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a publisher's table is read.

    Attributes
    ----------
    title
        Name of the format, for messages.
    schema
        Its columns.
    core
        Columns without which a file is not of this format, where releases differ; columns that the
        schema does not know are then kept as text.  By default every column of the schema must be
        there, and others are left out.
    prepare
        Brings the text of a chunk into the form that the schema reads; gives faults of its own.
    keep
        Makes, from the header, the test whether to keep a record; every one is kept by default.
    """

    title: str
    schema: Schema
    core: tuple[str, ...] | None = None
    prepare: Callable[[pd.DataFrame], Iterable[Fault]]
    keep: Callable[[tuple[str, ...]], Keep | None] | None = None

    def layout(self, source: Records) -> tuple[Schema, list[str]]:
        """Check the header; return the columns of the result, and those of the file to read."""
        if self.core is None:
            source.places(self.schema.names, format_=self.title)
            return self.schema, self.schema.names
        header = [name for name in source.header if name]
        source.places([*self.core, *header], format_=self.title)
        others = sorted(set(header).difference(self.schema.names))
        columns = (*self.schema.columns, *(_kept_as_text(name) for name in others))
        known = [name for name in self.schema.names if name in header]
        return Schema(self.schema.name, columns), [*known, *others]


def _kept_as_text(name: str) -> Column:
    return Column(
        name=name, type="text", unit="", required=False, key=False, description="As published."
    )


def read_dated(
    path: str | os.PathLike[str], format_: Format, *, encoding: str | None, decimal: str
) -> pd.DataFrame:
    """Read a table of dated records.

    Parameters
    ----------
    path : str or path-like
        File to read.
    format_ : Format
        How it is read.
    encoding : str or None
        Encoding of the file; None for its byte-order mark, or else UTF-8.
    decimal : str
        Decimal mark.

    Returns
    -------
    pandas.DataFrame
        The records kept, in the order of the file.

    Raises
    ------
    InvalidInputError
        If the file or any record kept breaks a rule; the faults of all chunks are named, up to
        some thousand.
    OSError
        If it cannot be read.
    """
    decimal_mark(decimal)
    with records(path, format_.schema.names, encoding=encoding) as source:
        schema, columns = format_.layout(source)
        keep = format_.keep(source.header) if format_.keep is not None else None
        dated = parsed(source, schema, columns, keep=keep, prepare=format_.prepare, decimal=decimal)
    return dated.reset_index(drop=True)


def rewrite(chunk: pd.DataFrame, columns: Iterable[str], change: Callable[[str], str]) -> None:
    """Change the text of columns in place, those that are there."""
    for name in columns:
        if name in chunk:
            texts = [change(text) for text in chunk[name]]
            chunk[name] = pd.Series(texts, index=chunk.index, dtype=object)


def day_of(text: str) -> str:
    """Return a day without the midnight that databases write after it; other text as it is."""
    found = _DAY.fullmatch(text.strip())
    return found[1] if found else text


@dataclass(frozen=True, slots=True)
class Period:
    """Days from one to another, both included.

    Attributes
    ----------
    since, until
        First and last day, as year-month-day; such text sorts as the days do.
    """

    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, since: Day, until: Day) -> Period:
        """Make a period of what a caller gave, or raise."""
        period = cls(_day("since", since), _day("until", until))
        if period.since and period.until and period.since > period.until:
            raise ValueError(f"since must not lie after until, got {since!r} and {until!r}")
        return period

    @property
    def bounded(self) -> bool:
        """Whether it leaves any day out."""
        return bool(self.since or self.until)

    def meets(self, first: str, last: str) -> bool:
        """Whether a record from one day to another falls into it.

        What is no day does: the record is kept, so that reading it names the fault.
        """
        first, last = day_of(first), day_of(last)
        if not (_DAY.fullmatch(first) and _DAY.fullmatch(last)):
            return True
        return (not self.since or last >= self.since) and (not self.until or first <= self.until)


def _day(name: str, given: Day) -> str:
    if given is None:
        return ""
    try:
        day = dt.date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        day = None
    if not check.is_date(day):
        rule = "must be a date such as 2025-03-20, without a time of day"
        raise ValueError(f"{name} {rule}, got {given!r}")
    return day.isoformat()


def wanted_countries(
    countries: Iterable[str] | None, *, names: dict[str, str] | None = None
) -> frozenset[str] | None:
    """Return the codes of the countries that a caller asked for.

    Parameters
    ----------
    countries : iterable of str or None
        Codes or names; one alone may stand without a list.  None asks for every country.
    names : dict, optional
        Names of the publisher's own, with their codes.

    Returns
    -------
    frozenset of str or None
        Alpha-3 codes.

    Raises
    ------
    TypeError
        If a country is no string.
    ValueError
        If none is given, or one is not known.
    """
    if countries is None:
        return None
    given = [countries] if isinstance(countries, str) else list(countries)
    if not given:
        raise ValueError("countries must name at least one country, or be None for every one")
    own = names or {}
    return frozenset(own.get(country) or country_code(country) for country in given)
