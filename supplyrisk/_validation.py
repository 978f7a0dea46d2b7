"""Rules shared by every room: each yields a `Fault` that names field, rule and value."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import numbers
import operator
import re
from typing import TYPE_CHECKING, Any, TypeGuard

from supplyrisk.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_COMMODITY = re.compile(r"[a-z][a-z0-9_]*")


def is_number(value: object) -> bool:
    """Whether a value is a finite real number, numpy's included; a boolean or an array is not."""
    real = isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational)
    if isinstance(value, bool) or not (real or isinstance(value, numbers.Integral)):
        return False
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # a whole number beyond every float
        return False


def is_date(value: object) -> TypeGuard[dt.date]:
    """Whether a value is a calendar date; a time of day is not, nor can it be compared to one."""
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def is_text(value: object) -> bool:
    """Whether a value is text that a file can hold: halves of a surrogate pair cannot be."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def as_tuple(value: Any) -> Any:  # noqa: ANN401 - whatever a notebook gave
    """Return a list, a set, an array and the like as a tuple; text and what is none, as it is."""
    return tuple(value) if hasattr(value, "__iter__") and not isinstance(value, str) else value


def number(
    field: str,
    value: Any,  # noqa: ANN401 - whatever a file or a notebook gave
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Iterator[Fault]:
    """Fault unless the value is a finite number within the bounds given."""
    bounds = ((">", above, operator.gt), (">=", least, operator.ge), ("<=", most, operator.le))
    stated = [(sign, bound, holds) for sign, bound, holds in bounds if bound is not None]
    if not is_number(value) or not all(holds(value, bound) for _, bound, holds in stated):
        limits = " and ".join(f"{sign} {bound:g}" for sign, bound, _ in stated)
        yield Fault(field, f"must be a finite number {limits}".rstrip(), value)


def fraction(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value lies in [0, 1]."""
    if not (is_number(value) and 0.0 <= value <= 1.0):  # type: ignore[operator]
        yield Fault(field, "must lie in [0, 1]", value)


def whole(field: str, value: object, *, least: int) -> Iterator[Fault]:
    """Fault unless the value is a whole number of at least `least`."""
    if not (isinstance(value, numbers.Integral) and is_number(value) and int(value) >= least):
        yield Fault(field, f"must be a whole number >= {least}", value)


def flag(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is true or false."""
    if not isinstance(value, bool):
        yield Fault(field, "must be true or false", value)


def name(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is a stable name, fit to stand in a dotted path."""
    if not (isinstance(value, str) and _NAME.fullmatch(value)):
        yield Fault(field, "must be a name of letters, digits, '-' and '_'", value)


def commodity(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is a commodity name in snake_case."""
    if not (isinstance(value, str) and _COMMODITY.fullmatch(value)):
        yield Fault(
            field, "must be a commodity in snake_case such as 'tin' or 'rare_earths'", value
        )


def text(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is text with something in it."""
    if not (is_text(value) and str(value).strip()):
        yield Fault(field, "must be text that is not empty", value)


def note(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is text, be it empty."""
    if not is_text(value):
        yield Fault(field, "must be text", value)


def date(field: str, value: object) -> Iterator[Fault]:
    """Fault unless the value is a calendar date without a time of day."""
    if not is_date(value):
        yield Fault(
            field, "must be a date such as 2025-03-20, not text and without a time of day", value
        )


def instance(field: str, value: object, kind: type) -> Iterator[Fault]:
    """Fault unless the value is of the class asked for."""
    if not isinstance(value, kind):
        yield Fault(field, f"must be a {kind.__name__}", value)


def require(field: str, value: object, kind: type) -> None:
    """Raise a TypeError unless the value is of the class asked for."""
    if not isinstance(value, kind):
        raise TypeError(f"{field} must be of the class {kind.__name__}, got {value!r:.80}")


def instances(field: str, value: object, kind: type) -> Iterator[Fault]:
    """Fault unless the value is a tuple of the class asked for."""
    if not isinstance(value, tuple):
        yield Fault(field, f"must be a tuple of {kind.__name__}", value)
        return
    for place, item in enumerate(value):
        yield from instance(f"{field}[{place}]", item, kind)


def choice(field: str, value: object, valid: Iterable[str]) -> Iterator[Fault]:
    """Fault unless the value is one of the valid names; say which are near."""
    names = list(valid)
    if not isinstance(value, str) or value not in names:
        yield Fault(field, f"must be one of {', '.join(names)}{nearest(value, names)}", value)


def nearest(value: object, valid: Iterable[str]) -> str:
    """Say ``" (did you mean 'x'?)"`` where a valid name is close, else nothing."""
    near = difflib.get_close_matches(value, list(valid), n=1) if isinstance(value, str) else []
    return f" (did you mean {near[0]!r}?)" if near else ""
