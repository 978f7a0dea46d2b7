"""Whose supply it is: countries, groups of countries, and companies, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ALSO = {"eu": "EU27", "european union": "EU27"}


class Region(NamedTuple):
    """A country or a group of countries.

    Attributes
    ----------
    name : str
        Alpha-3 code of a country, or name of the group.
    members : frozenset of str
        Alpha-3 codes.
    """

    name: str
    members: frozenset[str]


def region_of(
    name: str, groups: Mapping[str, Iterable[str]] | None = None, *, field: str = "region"
) -> Region:
    """Return the country or group of a name.

    Parameters
    ----------
    name : str
        Code or name of a country, a group of the user's, or one of the table ``country_groups`` as
        it is composed now.
    groups : mapping of str to iterable of str, optional
        Groups of the user's: members by code or name.
    field : str
        What to call it in a message.

    Returns
    -------
    Region
        Its name and members.

    Raises
    ------
    InvalidInputError
        If it is none of these; the message names near ones.
    """
    if groups and name in groups:
        members = several(groups[name])
        if not members:
            rule = "must hold at least 1 country"
            raise InvalidInputError("region", [Fault(f"groups[{name!r}]", rule, groups[name])])
        return Region(name, frozenset(country_of(c, f"groups[{name!r}]") for c in members))
    bundled = table("country_groups")
    bundled = bundled[bundled["member_until"].isna()]
    known = _ALSO.get(str(name).casefold(), str(name).upper())
    found = bundled.loc[bundled["group"] == known, "country"]
    if len(found):
        return Region(str(known), frozenset(found))
    names = [*(groups or ()), *sorted(bundled["group"].unique())]
    try:
        code = _countries.country_code(name)
    except (TypeError, ValueError) as error:
        near = check.nearest(name, names)
        rule = f"must be a country or one of {', '.join(names)}{near}; {error}"
        raise InvalidInputError("region", [Fault(field, rule, name)]) from error
    return Region(code, frozenset({code}))


def several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return names as a tuple; a single one is not taken apart into letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def country_of(name: str, field: str) -> str:
    """Return the code of a country, or ``"ZZZ"``; raise with near names if it is none."""
    if _countries.is_country_code(name, other=True):
        return name
    try:
        return _countries.country_code(name)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            field, [Fault(field, f"must be a country: {error}", name)]
        ) from error
