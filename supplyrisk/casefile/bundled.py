"""Where case files are found."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk.casefile.read import read_case, read_outcome
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from supplyrisk.model.case import Case
    from supplyrisk.model.outcome import Outcome


def cases() -> tuple[str, ...]:
    """Return the names of the cases that come with the library.

    Returns
    -------
    tuple of str
        Names that `load_case` takes, sorted.

    Examples
    --------
    >>> cases()
    ('cobalt-2025', 'copper-2023', 'tin-2023', 'walikale-2025')
    """
    return _names(_seeds())


def load_case(case: str | os.PathLike[str]) -> Case:
    """Read a case.

    Parameters
    ----------
    case : str or path-like
        Name of a bundled case; a path-like object, or text that ends in ``.toml``, is a file.

    Returns
    -------
    Case
        The case, checked.

    Raises
    ------
    InvalidInputError
        If the file breaks a rule; every fault is named, with file, dotted path, rule and value.
    ValueError
        If no bundled case has that name.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> load_case("walikale-2025").site("bisie").country
    'COD'
    """
    return read_case(*_text(case, _seeds(), "case"))


def load_outcome(outcome: str | os.PathLike[str]) -> Outcome:
    """Read what then happened in the situation of a case.

    Parameters
    ----------
    outcome : str or path-like
        Name of a bundled case; a path-like object, or text that ends in ``.toml``, is a file.

    Returns
    -------
    Outcome
        Observations and their sources.

    Raises
    ------
    InvalidInputError
        If the file breaks a rule; every fault is named.
    ValueError
        If no bundled case of that name has an outcome.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> load_outcome("walikale-2025").select("closure_days")[0].value
    33.0
    """
    return read_outcome(*_text(outcome, _seeds() / "outcomes", "outcome"))


def _text(given: str | os.PathLike[str], folder: Traversable, what: str) -> tuple[str, str]:
    """Return the name by which a fault is reported, and the text of the file."""
    if not isinstance(given, str) or given.endswith(".toml"):
        path = Path(given)
        try:
            return str(path), path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            rule = f"must be UTF-8 text: {error.reason} (at line {line})"
            bad = error.object[error.start : error.end]
            raise InvalidInputError(str(path), [Fault("file", rule, bad)]) from None
    names = _names(folder)
    if given not in names:
        raise ValueError(
            f"{what} must be one of {', '.join(names)}{check.nearest(given, names)}, "
            f"or the path of a file that ends in .toml, got {given!r}"
        )
    return f"{given}.toml", (folder / f"{given}.toml").read_text(encoding="utf-8")


def _names(folder: Traversable) -> tuple[str, ...]:
    files = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def _seeds() -> Traversable:
    """Return the folder of case files: in the wheel, or in the checkout of an editable install."""
    package = resources.files("supplyrisk")
    inside = package / "seeds"
    return inside if inside.is_dir() else Path(str(package)).parent / "seeds"
