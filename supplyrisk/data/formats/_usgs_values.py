"""Cells of the Mineral Commodity Summaries: countries, units, figures and the marks on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from supplyrisk._countries import OTHER_COUNTRIES, country_code

TOTAL: Final = "WLD"
"""Stands for a row of the world's total."""

_SHORTEST_NAME: Final = 4
_TOTAL: Final = re.compile(r"world totals?\b")
_OTHER: Final = re.compile(r"other(?: countries)?\d*(?: \(.*\))?")
_NUMBER: Final = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:E\+?\d{1,2})?", re.IGNORECASE)
_RANGE: Final = re.compile(r"[\d,.]+ ?[-\u2013\u2014] ?[\d,.]+")
_HALF_UNIT: Final = re.compile(r"s|(?:less than )?(?:½|1/2) unit\.?", re.IGNORECASE)
_NOTHING: Final = frozenset({"\u2014", "\u2013", "\u2015", "-", "--"})
_BOUNDS: Final = {"<": "at most this much", ">": "at least this much"}
_UNKNOWN: Final = frozenset({"", "na", "n/a", "xx", "e"})
_WITHHELD: Final = re.compile(r"w|included .*", re.IGNORECASE)
_UNIT: Final = re.compile(
    r"(?P<times>thousand |million )?(?P<unit>(?:dry )?metric (?:dry )?tons?|kilograms?)(?=$|[ ,;(])"
)
_TIMES: Final = {"thousand ": 1e3, "million ": 1e6, None: 1.0}
_SHORT: Final = {"kg": 1e-3, "t": 1.0, "kt": 1e3, "mt": 1e6, "mmt": 1e6}


class Amount(NamedTuple):
    """A figure as far as it is one.

    Attributes
    ----------
    value
        In the unit of the publisher; None where there is no number.
    estimate
        Whether the cell itself marks it as an estimate.
    withheld
        Whether there is a figure that the publisher keeps back.
    note
        What the number leaves out.
    rule
        What the cell breaks, if anything.
    """

    value: float | None
    estimate: bool = False
    withheld: bool = False
    note: str = ""
    rule: str = ""


def bare(text: str) -> str:
    """Text without the spaces of other encodings and those at its ends."""
    return " ".join(text.replace("\u00a0", " ").replace("\u00ca", " ").split())


def country_of(text: str) -> tuple[str, bool]:
    """Code of a country as the publisher writes it, and whether the mark of an estimate is on it.

    Parameters
    ----------
    text : str
        Name of a country, at times with the mark of a footnote behind it.

    Returns
    -------
    tuple of str and bool
        ISO 3166-1 alpha-3 code, ``"ZZZ"`` for other countries and for Kosovo, which has none, or
        `TOTAL`; and the mark.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    name = bare(text)
    if _TOTAL.match(name.casefold()):
        return TOTAL, False
    for form, mark in _forms(name):
        if _OTHER.fullmatch(form.casefold()) or form.casefold() == "kosovo":
            return OTHER_COUNTRIES, mark
        if len(form) < _SHORTEST_NAME:
            continue  # a code: "NA" is no Namibia here
        try:
            return country_code(form), mark
        except ValueError:
            continue
    raise ValueError(f"country {text!r} is no name of one country")


def _forms(name: str) -> Iterator[tuple[str, bool]]:
    """Give a name as it stands, and without what footnotes and remarks put behind it."""
    yield name, False
    plain = re.sub(r"\d+$", "", name).strip()
    if plain != name:
        yield plain, False
    if plain.endswith("e"):
        yield plain[:-1], True
    yield re.sub(r" \([^)]*\)$", "", plain), False
    yield re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain), False


def factor(unit: str) -> float | None:
    """Tonnes in a unit, by its name or its short form; None if it is no unit of mass."""
    text = bare(unit).casefold()
    if text in _SHORT:
        return _SHORT[text]
    found = _UNIT.match(text)
    if not found:
        return None
    times = _TIMES[found["times"]]
    return times / 1e3 if found["unit"].startswith("kilo") else times


def amount(text: str, *, delimiter: str = ",", words: bool = False) -> Amount:
    """Read a figure with the marks that the publisher uses.

    Parameters
    ----------
    text : str
        The cell.
    delimiter : str, default ","
        What separates the fields of the file: between semicolons a comma may be a decimal mark.
    words : bool, default False
        Whether words may stand for a number, as they do for reserves.

    Returns
    -------
    Amount
        The figure, or the rule that the cell breaks.
    """
    cell = bare(text)
    if (mark := _mark(cell)) is not None:
        return mark
    estimate = cell[:1].casefold() == "e"
    number = cell[1:].strip() if estimate else cell
    bound = _BOUNDS.get(number[:1], "")
    number = number[1:].strip() if bound else number
    if _RANGE.fullmatch(number) or (words and not re.search(r"\d", number)):
        return Amount(None)
    if "," in number and delimiter == ";":
        return Amount(None, rule="must not hold a comma: between semicolons it may be either mark")
    if not _NUMBER.fullmatch(number):
        return Amount(None, rule="must be a number or a mark of the publisher, such as W or NA")
    value = float(number.replace(",", ""))
    return Amount(value, estimate=estimate or bool(bound), note=bound)


def _mark(cell: str) -> Amount | None:
    """Read what stands for a number."""
    if cell.casefold() in _UNKNOWN:
        return Amount(None)
    if _WITHHELD.fullmatch(cell):
        return Amount(None, withheld=True)
    if cell in _NOTHING:
        return Amount(0.0)
    if _HALF_UNIT.fullmatch(cell):
        return Amount(0.0, estimate=True, note="less than half a unit")
    return None
