"""From a cell of text to a value and back: the types that columns have."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.model.evidence import STANDINGS
from supplyrisk.model.hazard import Peril
from supplyrisk.model.site import country_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionDtype

    from supplyrisk.errors import Fault

# The same with and without pyarrow, for pandas 2 and 3.
TEXT: Final = pd.StringDtype("python", na_value=np.nan)
DATE: Final = np.dtype("datetime64[us]")

Rule = Callable[[str, Any], "Iterator[Fault]"]

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE: Final = {mark: re.compile(rf"([+-]?\d{{1,18}})(\{mark}0*)?", re.ASCII) for mark in ".,"}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}
MOST_FAULTS: Final = 1_000
"""Faults kept of one column: a file of the wrong kind has one in every line."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of column.

    Attributes
    ----------
    holds
        ``"text"``, ``"number"``, ``"whole"``, ``"flag"`` or ``"date"``.
    rule
        Faults of one value, as in `supplyrisk._validation`.
    separator
        Where a cell holds several values: what stands between them.
    """

    holds: str
    rule: Rule
    separator: str | None = None

    def dtype(self, *, required: bool) -> np.dtype[Any] | ExtensionDtype:
        """Return the type of such a column in a data frame."""
        if self.holds == "text":
            return TEXT
        if self.holds == "date":
            return DATE
        if self.holds == "number":
            return np.dtype("float64")
        if self.holds == "flag":
            return np.dtype("bool") if required else pd.BooleanDtype()
        return np.dtype("int64") if required else pd.Int64Dtype()

    def parse(
        self, texts: NDArray[np.object_], *, required: bool, decimal: str
    ) -> tuple[Any, list[tuple[int, str]]]:
        """Turn cells into values; name the places of those that break a rule, with the rule."""
        stripped = np.array([text.strip() for text in texts], dtype=object)
        blank = stripped == ""
        wrong: list[tuple[int, str]] = []
        if required and blank.any():
            wrong += [(int(row), "must be given") for row in np.flatnonzero(blank)[:MOST_FAULTS]]
        values: dict[str, Any] = {"": None}
        rules: dict[str, str] = {}
        # Each distinct text once: columns repeat themselves.
        for text in dict.fromkeys(stripped[~blank]):
            value, rule = self._one(text, decimal)
            if rule:
                rules[text] = rule
                if len(rules) == MOST_FAULTS:
                    break  # these stand in the first lines that are wrong
            values[text] = None if rule else value
        if rules:
            rows = [row for row, text in enumerate(stripped) if text in rules][:MOST_FAULTS]
            wrong += [(row, rules[stripped[row]]) for row in rows]
        if wrong:
            return None, sorted(wrong)[:MOST_FAULTS]
        return self._column([values[text] for text in stripped], required=required), []

    def _one(self, text: str, decimal: str) -> tuple[Any, str]:
        """Return the value of a cell and the rule it breaks, if any."""
        if self.separator is not None:
            parts = [part.strip() for part in text.split(self.separator)]
            for part in parts:
                for fault in self.rule("", part):
                    return None, f"{fault.rule} (several are separated by {self.separator!r})"
            return self.separator.join(parts), ""
        value, rule = _READ[self.holds](text, decimal)
        if rule:
            return None, rule
        for fault in self.rule("", value):
            return None, fault.rule
        return value, ""

    def _column(self, values: list[Any], *, required: bool) -> Any:  # noqa: ANN401 - any array
        dtype = self.dtype(required=required)
        if self.holds == "date":
            return np.array([np.datetime64(value or "NaT", "us") for value in values], dtype=DATE)
        if self.holds == "number":
            return np.array([np.nan if value is None else value for value in values], dtype=float)
        return pd.array(values, dtype=dtype)  # type: ignore[arg-type] # the stubs know no such union

    def check(self, values: pd.Series, *, required: bool) -> tuple[Any, list[tuple[int, str]]]:
        """Check values as `parse` checks their text, but each distinct one once."""
        if self.holds == "number" and values.dtype == np.float64:
            numbers = values.to_numpy()
            given = numbers[~np.isnan(numbers)]
            whole = given.size == numbers.size or not required
            # A rule on numbers is an interval: what holds at both ends holds between them.
            ends = (float(given.min()), float(given.max())) if given.size else ()
            if whole and not any(True for end in ends for _ in self.rule("", end)):
                return numbers.copy(), []
        mixed = pd.api.types.infer_dtype(values).startswith("mixed")  # there True is 1, and 1.0
        places, distinct = (
            (np.arange(len(values)), values.to_numpy())
            if mixed
            else pd.factorize(values, use_na_sentinel=False)
        )
        texts = np.array(self.texts(pd.Series(distinct, dtype=object)), dtype=object)
        found, wrong = self.parse(texts, required=required, decimal=".")
        if wrong:
            rules = dict(wrong)
            rows = [row for row, place in enumerate(places) if place in rules]
            return None, [(row, rules[places[row]]) for row in rows[:MOST_FAULTS]]
        return found[places], []

    def texts(self, values: pd.Series) -> list[str]:
        """Turn values of such a column back into cells."""
        return [_text(value) for value in values.astype(object)]


def _text(value: Any) -> str:  # noqa: ANN401 - any cell of a frame
    if not pd.api.types.is_scalar(value):
        return str(value)
    if pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, dt.datetime | np.datetime64):
        moment = pd.Timestamp(value)
        return moment.date().isoformat() if moment == moment.normalize() else moment.isoformat()
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)


def _read_text(text: str, _decimal: str) -> tuple[Any, str]:
    return text, ""


def _read_number(text: str, decimal: str) -> tuple[Any, str]:
    plain = text
    if decimal == ",":
        if "." in text:
            return None, "must be a number with a decimal comma and no other mark"
        plain = text.replace(",", ".")
    if _NUMBER.fullmatch(plain):
        return float(plain), ""
    return None, f"must be a number{_number_hint(text, decimal)}"


def _number_hint(text: str, decimal: str) -> str:
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        other = " (or, with a decimal comma, say decimal=',')" if decimal == "." else ""
        return f" without marks between the thousands{other}"
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return " with a decimal point (if the file has decimal commas, say decimal=',')"
    if text.endswith("%"):
        return ", and a share is a fraction, not a percentage"
    if re.match(r"[+-]?[\d.,]+\s*[A-Za-z]", text):
        return " without a unit: units stand in the name of the column"
    if text.upper() in {"NA", "N/A", "NAN", "-", "..", "NULL", "NONE"}:
        return "; leave the cell empty where there is none"
    return ""


def _read_whole(text: str, decimal: str) -> tuple[Any, str]:
    # Spreadsheets write 2024 as 2024.0 once a cell of the column is empty.
    if found := _WHOLE[decimal].fullmatch(text):
        return int(found[1]), ""
    return None, "must be a whole number"


def _read_flag(text: str, _decimal: str) -> tuple[Any, str]:
    if text.lower() in _FLAGS:
        return _FLAGS[text.lower()], ""
    return None, "must be true or false"


def _read_date(text: str, _decimal: str) -> tuple[Any, str]:
    if _DATE.fullmatch(text):
        try:
            dt.date.fromisoformat(text)
        except ValueError:
            return None, "must be a date that exists, as year-month-day"
        return text, ""
    return None, "must be a date as year-month-day, such as 2025-03-20"


_READ: Final = {
    "text": _read_text,
    "number": _read_number,
    "whole": _read_whole,
    "flag": _read_flag,
    "date": _read_date,
}


def _any(_field: str, _value: object) -> Iterator[Fault]:
    yield from ()


def _between(least: float | None = None, most: float | None = None, **above: float) -> Rule:
    def rule(field: str, value: object) -> Iterator[Fault]:
        yield from check.number(field, value, least=least, most=most, **above)

    return rule


def _whole(least: int) -> Rule:
    def rule(field: str, value: object) -> Iterator[Fault]:
        yield from check.whole(field, value, least=least)

    return rule


def _choice(valid: tuple[str, ...]) -> Rule:
    def rule(field: str, value: object) -> Iterator[Fault]:
        yield from check.choice(field, value, valid)

    return rule


def _country(field: str, value: object) -> Iterator[Fault]:
    yield from country_faults(field, value, other=True)


_KINDS: Final = {
    "name": Kind("text", check.name),
    "text": Kind("text", check.text),
    "commodity": Kind("text", check.commodity),
    "commodities": Kind("text", check.commodity, separator=";"),
    "country": Kind("text", _country),
    "countries": Kind("text", _country, separator=";"),
    "source": Kind("text", check.name),
    "sources": Kind("text", check.name, separator=";"),
    "urls": Kind("text", check.text, separator=" "),
    "standing": Kind("text", _choice(STANDINGS)),
    "peril": Kind("text", _choice(tuple(str(peril) for peril in Peril))),
    "number": Kind("number", _between()),
    "amount": Kind("number", _between(least=0.0)),
    "positive": Kind("number", _between(above=0.0)),
    "fraction": Kind("number", check.fraction),
    "latitude": Kind("number", _between(least=-90.0, most=90.0)),
    "longitude": Kind("number", _between(least=-180.0, most=180.0)),
    "whole": Kind("whole", _whole(0)),
    "year": Kind("whole", _between(least=1500, most=2200)),
    "flag": Kind("flag", check.flag),
    "date": Kind("date", _any),
}


@cache
def kind_of(type_: str) -> Kind:
    """Return the kind of column that a type names; ``"choice: a | b"`` lists what may stand."""
    if type_.startswith("choice:"):
        valid = type_.removeprefix("choice:").split("|")
        return Kind("text", _choice(tuple(choice.strip() for choice in valid)))
    faults = tuple(check.choice("type", type_, _KINDS))
    if faults:
        raise ValueError(str(faults[0]))
    return _KINDS[type_]
