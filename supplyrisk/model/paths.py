"""The dotted path: one grammar for what-ifs, citations and faults.

``"horizon_days"`` names a field of the case, ``"sites.bisie.utilisation"`` a field of one of its
parts, ``"hazards.kivu-conflict.duration.median_days"`` a field of a field.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IDS: Final[dict[str, str]] = {
    "sites": "site_id",
    "hazards": "hazard_id",
    "events": "event_id",
    "routes": "route_id",
    "smelters": "smelter_id",
    "markets": "commodity",
    "exposures": "buyer_id",
    "policies": "policy_id",
    "sources": "source_id",
    "evidence": "evidence_id",
}
"""Field by which the parts of each collection of a case are named."""

FIGURES: Final = tuple(name for name in IDS if name not in {"sources", "evidence"})
"""Collections whose parts hold figures of their own."""

Tree = dict[str, "Tree | _Leaf"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Leaf:
    value: object


def names_in(value: object) -> tuple[str, ...]:
    """Return the names that may follow a value in a path."""
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    return ()


def members(case: object, collection: str) -> dict[str, Any]:
    """Return the parts of one collection of a case by their id."""
    return {getattr(part, IDS[collection]): part for part in getattr(case, collection)}


def look_up(case: object, path: object) -> Any:  # noqa: ANN401 - a case holds values of every kind
    """Return what a dotted path names.

    Parameters
    ----------
    case : object
        A case, or its fields by name with the parts of each collection by id.
    path : object
        The dotted path; whatever is no text is refused.

    Returns
    -------
    object
        A part of the case, or a field.

    Raises
    ------
    InvalidInputError
        If the path names nothing in the case.
    """
    if not isinstance(path, str):
        rule = "must be text such as 'sites.bisie.utilisation'"
        raise InvalidInputError("path", [Fault("path", rule, path)])
    value: Any = case
    parts = path.split(".")
    for place, part in enumerate(parts):
        known = value if isinstance(value, dict) else {n: n for n in names_in(value)}
        if part not in known:
            so_far = ".".join(parts[:place]) or "the case"
            rule = f"must name a part of {so_far}{check.nearest(part, known)}"
            raise InvalidInputError("path", [Fault(path, rule, part)])
        if isinstance(value, dict):
            value = value[part]
        elif value is case and part in IDS:
            value = members(case, part)
        else:
            value = getattr(value, part)
    return value


def replaced(case: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - gives what it gets
    """Return a copy of the case in which each path holds its new value.

    Parameters
    ----------
    case : Case
        The case; it stays as it is.
    values : mapping of str to object
        New value by dotted path.

    Returns
    -------
    Case
        The copy.

    Raises
    ------
    InvalidInputError
        If a path names nothing, one path lies inside another, or a value breaks a rule; every
        such fault is named.
    """
    faults: list[Fault] = []
    tree: Tree = {}
    for path, value in dict(values).items():
        try:
            look_up(case, path)
            _insert(tree, path, value)
        except InvalidInputError as error:
            faults.extend(error.faults)
    changes: dict[str, object] = {}
    for name, below in tree.items():
        if isinstance(below, _Leaf):
            changes[name] = below.value
        elif name in IDS:
            key = IDS[name]
            changes[name] = tuple(
                _rebuilt(part, below[getattr(part, key)], f"{name}.{getattr(part, key)}", faults)
                if getattr(part, key) in below
                else part
                for part in getattr(case, name)
            )
        else:
            changes[name] = _rebuilt(getattr(case, name), below, name, faults)
    if faults:
        raise InvalidInputError("with_values", faults)
    return dataclasses.replace(case, **changes)


def _insert(tree: Tree, path: str, value: object) -> None:
    *stem, last = path.split(".")
    for part in stem:
        below = tree.setdefault(part, {})
        if isinstance(below, _Leaf):
            raise InvalidInputError("path", [Fault(path, "must not lie inside another path", path)])
        tree = below
    if last in tree:
        raise InvalidInputError("path", [Fault(path, "must not hold another path", path)])
    tree[last] = _Leaf(value)


def _rebuilt(value: Any, below: Tree | _Leaf, path: str, faults: list[Fault]) -> Any:  # noqa: ANN401
    if isinstance(below, _Leaf):
        return below.value
    changes = {
        name: _rebuilt(getattr(value, name), deeper, f"{path}.{name}", faults)
        for name, deeper in below.items()
    }
    try:
        return dataclasses.replace(value, **changes)
    except InvalidInputError as error:
        faults.extend(fault.under(path) for fault in error.faults)
        return value


def figures(case: object) -> Iterator[str]:
    """Yield the dotted path of every number in the case that was stated, not left at its default.

    Parameters
    ----------
    case : Case
        The case; its sources, citations and evidence hold no figures of their own.

    Yields
    ------
    str
        A dotted path.
    """
    for collection in FIGURES:
        for name, part in members(case, collection).items():
            yield from _figures_below(part, f"{collection}.{name}")


def _figures_below(value: object, path: str) -> Iterator[str]:
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        held = getattr(value, field.name)
        here = f"{path}.{field.name}"
        if dataclasses.is_dataclass(held):
            yield from _figures_below(held, here)
            continue
        several = isinstance(held, tuple) and any(not isinstance(item, str) for item in held)
        if several or (check.is_number(held) and held != field.default):
            yield here
