"""One name for each commodity, whatever a publisher calls it."""

from __future__ import annotations

import unicodedata
from functools import cache

from supplyrisk import _validation as check
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError


def commodity_of(text: str) -> str:
    """Name of a commodity in the library's vocabulary.

    Parameters
    ----------
    text : str
        Name or alias as publishers write it, such as ``"Rare earths"``; case, accents and
        punctuation do not matter. A name is never guessed from a part of it.

    Returns
    -------
    str
        Commodity in snake_case.

    Raises
    ------
    InvalidInputError
        If no commodity is called so; the message names a near one.

    Examples
    --------
    >>> commodity_of("Rare earths"), commodity_of("Aluminum")
    ('rare_earths', 'aluminium')
    """
    names = _by_name()
    folded = _fold(text) if isinstance(text, str) else ""
    if folded in names:
        return names[folded]
    near = check.nearest(folded, names)
    valid = ", ".join(dict.fromkeys(names.values()))
    raise InvalidInputError("commodity", [Fault("name", f"must be one of {valid}{near}", text)])


@cache
def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for row in table("commodities").to_dict("records"):
        aliases = row["aliases"].split("|") if isinstance(row["aliases"], str) else []
        for alias in (row["commodity"], row["name"], *aliases):
            names[_fold(alias)] = row["commodity"]
    return names


def _fold(name: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.casefold()).split())
