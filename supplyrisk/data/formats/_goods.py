"""Codes of the Harmonized System: how they are asked for, and how files spell them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EDITIONS: Final = (1992, 1996, 2002, 2007, 2012, 2017, 2022)
"""Editions of the Harmonized System, oldest first; H0 to H6 in UN Comtrade."""

_CODE: Final = re.compile(r"\d{4}|\d{6}")
_MOST_REMEMBERED: Final = 100_000
"""Spellings of codes whose verdict is kept; an edition has some 5,600 codes of 6 digits."""


def whole_code(text: str) -> str:
    """Return a code with the leading zero that a spreadsheet or a program took off."""
    stripped = text.strip()
    odd = stripped.isascii() and stripped.isdigit() and len(stripped) in {1, 3, 5}
    return f"0{stripped}" if odd else stripped


def is_code(text: str) -> bool:
    """Whether a text is a heading of 4 or a subheading of 6 digits."""
    return text.isascii() and bool(_CODE.fullmatch(text))


def wanted_codes(hs_codes: Iterable[str] | None) -> frozenset[str] | None:
    """Return the codes asked for, or None for all.

    Raises
    ------
    TypeError
        If they are no collection of strings.
    InvalidInputError
        If one of them is no code.
    """
    if hs_codes is None:
        return None
    if isinstance(hs_codes, str):
        raise TypeError(f"hs_codes must be a collection of codes, got the string {hs_codes!r}")
    codes = list(hs_codes)
    faults = [
        Fault("hs_codes", "must be codes of 4 or 6 digits without dots, as strings", code)
        for code in codes
        if not (isinstance(code, str) and is_code(code))
    ]
    if faults or not codes:
        given = faults or [Fault("hs_codes", "must hold a code; leave it out for all", codes)]
        raise InvalidInputError("hs_codes", given)
    return frozenset(codes)


def keeper(wanted: frozenset[str] | None, place: int) -> Callable[[list[str]], bool] | None:
    """Return what tells records to keep by their code, or that of their heading.

    Codes that are none are kept too, for whoever reads them next to name. Verdicts are kept in a
    plain dict: for millions of records that takes a third less time than `functools.lru_cache`.
    """
    if wanted is None:
        return None
    codes = wanted
    verdicts: dict[str, bool] = {}

    def keep(fields: list[str]) -> bool:
        text = fields[place]
        verdict = verdicts.get(text)
        if verdict is None:
            code = whole_code(text)
            proper = is_code(code) or (code.isdecimal() and len(code) == 2)
            verdict = code in codes or code[:4] in codes or not proper
            if len(verdicts) < _MOST_REMEMBERED:
                verdicts[text] = verdict
        return verdict

    return keep
