"""Figures, days and names in the words of the page."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Final

from supplyrisk import _countries, _text
from supplyrisk.engine.contributions import TAIL_LEVEL
from supplyrisk.model import paths

if TYPE_CHECKING:
    from supplyrisk.model.case import Case
    from supplyrisk.model.hazard import Scope

# Not strftime: its names follow the language of the machine, and the page is the same everywhere.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
NOTHING: Final = "\N{EN DASH}"
"""What stands where there is no figure."""


def day(date: dt.date) -> str:
    """Return a date as people say it."""
    parts = (str(date.day), _MONTHS[date.month - 1], str(date.year))
    return "\N{NO-BREAK SPACE}".join(parts)


def month(date: dt.date) -> str:
    """Return the month of a date."""
    return f"{_MONTHS[date.month - 1]}\N{NO-BREAK SPACE}{date.year}"


def percent(share: float) -> str:
    """Return a share as a percentage; never 0 for what is only small."""
    if not math.isfinite(share):
        return NOTHING
    value = round(100.0 * share, 9)  # 100 x 0.07 is a little more than 7
    if 0.0 < abs(value) < 0.01:
        return f"< 0.01{_THIN}%"
    few = f"{value:,.1f}" if abs(value) >= 1.0 else f"{value:.2g}"
    return f"{value:,.0f}{_THIN}%" if value == round(value) else f"{few}{_THIN}%"


def signed_percent(share: float) -> str:
    """Return a change as a percentage with its sign."""
    return f"{100.0 * share:+.1f}{_THIN}%".replace("-", "\N{MINUS SIGN}")


def days(count: float) -> str:
    """Return a length in days; fractions only where they matter."""
    if not math.isfinite(count):
        return "no end" if count == math.inf else NOTHING
    return f"{count:,.0f}" if count >= 2.0 else _text.shown(count)


def tonnes(mass: float) -> str:
    """Return a mass in whole tonnes where it has any."""
    return f"{mass:,.0f}" if abs(mass) >= 10.0 else _text.shown(mass)


def dollars(amount: float) -> str:
    """Return an amount of money; from a million on in millions."""
    if not math.isfinite(amount):
        return NOTHING
    if abs(amount) < 1e6:
        return f"{amount:,.0f}{_THIN}USD"
    return f"{_text.shown(amount / 1e6)}{_THIN}million{_THIN}USD"


def between(low: str, high: str) -> str:
    """Return an interval; a unit that both ends bear is said once."""
    figure, gap, unit = low.partition(_THIN)
    shared = gap and high.partition(_THIN)[2] == unit
    return f"{figure if shared else low} to {high}"


WORST: Final = percent(1.0 - TAIL_LEVEL)
"""The part of the futures that tail measures speak of."""
NINETY: Final = percent(0.9)
"""Level of every interval and band."""


def plain(name: str) -> str:
    """Return a name in snake_case as words."""
    return name.replace("_", " ")


def quantity(name: str, unit: str) -> str:
    """Return the name of a quantity as words, without the unit that stands beside it."""
    suffix = {"t": "_t", "d": "_days", "USD/t": "_usd_per_t"}.get(unit, "")
    return plain(name.removesuffix(suffix))


def ordinal(count: int) -> str:
    """Return 1 as 1st, 22 as 22nd."""
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending}"


def country(code: str) -> str:
    """Return the name of a country."""
    return _countries.country_name(code)


def scope(case: Case, what: Scope) -> str:
    """Return what a scope holds, as people call it."""
    if what.kind == "country":
        return country(what.name)
    if what.kind == "site":
        return case.site(what.name).name
    if what.kind in ("smelter", "route"):
        return f"the {what.kind} {what.name}"  # an id, as the case has it
    return plain(what.name)


def place(case: Case, name: str) -> str:
    """Return what a route joins, by the name that people know, or the market of a commodity."""
    for collection in ("sites", "smelters", "exposures"):
        if name in (held := paths.members(case, collection)):
            return str(held[name].name)
    return f"market of {plain(name)}"


def capital(text: str) -> str:
    """Return a text as the start of a sentence."""
    return text[:1].upper() + text[1:]


def listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
