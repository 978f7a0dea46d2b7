"""TOML to values: every fault of a file at once, each with its dotted path."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import KINDS, Case, scalar_faults
from supplyrisk.model.consistency import between_parts
from supplyrisk.model.draft import Draft, Remnant
from supplyrisk.model.duration import FAMILIES, Duration
from supplyrisk.model.evidence import Source
from supplyrisk.model.hazard import SCOPE_KINDS, Peril, RampUp, Scope
from supplyrisk.model.market import Supply
from supplyrisk.model.outcome import Observation, Outcome
from supplyrisk.model.paths import IDS
from supplyrisk.model.terms import PRICE_KINDS, PriceTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from supplyrisk.model._value import Value

V = TypeVar("V", bound="Value")
Faults = list[Fault]

_TOO_DEEP: Final = Fault("file", "must not nest tables and lists so deeply", "hundreds of levels")


def read_case(file: str, text: str) -> Case:
    """Return the case that a TOML text holds.

    Parameters
    ----------
    file : str
        Name by which faults are reported.
    text : str
        The TOML text.

    Returns
    -------
    Case
        The case, checked.

    Raises
    ------
    InvalidInputError
        If the text is no TOML or breaks rules; all of them are named.
    """
    try:
        return _case(file, _parsed(file, text))
    except RecursionError:
        raise InvalidInputError(file, [_TOO_DEEP]) from None


def _case(file: str, table: dict[str, Any]) -> Case:
    faults: Faults = list(_unknown(Case, table, ""))
    scalars, spoilt = _scalars(table, faults)
    parts: dict[str, tuple[Any, ...]] = {}
    remnants: dict[str, tuple[Remnant, ...]] = {}
    for collection, kind in KINDS.items():
        parts[collection], remnants[collection] = _parts(collection, kind, table, faults)
    faults.extend(between_parts(Draft(remnants, spoilt, **scalars, **parts)))
    if faults:
        raise InvalidInputError(file, faults)
    return Case(**{**scalars, **parts})


def read_outcome(file: str, text: str) -> Outcome:
    """Return the outcome that a TOML text holds.

    Parameters
    ----------
    file : str
        Name by which faults are reported.
    text : str
        The TOML text.

    Returns
    -------
    Outcome
        The observations, checked.

    Raises
    ------
    InvalidInputError
        If the text is no TOML or breaks rules; all of them are named.
    """
    try:
        return _outcome(file, _parsed(file, text))
    except RecursionError:
        raise InvalidInputError(file, [_TOO_DEEP]) from None


def _outcome(file: str, table: dict[str, Any]) -> Outcome:
    faults: Faults = list(_unknown(Outcome, table, ""))
    observations, _ = _parts("observations", Observation, table, faults)
    sources, _ = _parts("sources", Source, table, faults)
    if "name" not in table:
        faults.append(Fault("name", "must be given", None))
    if faults:
        raise InvalidInputError(file, faults)
    try:
        return Outcome(name=table["name"], observations=observations, sources=sources)
    except InvalidInputError as error:
        raise InvalidInputError(file, error.faults) from None


def _parsed(file: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # a whole number of thousands of digits is no TOMLDecodeError
        found = re.search(r"at line (\d+)", str(error))
        line = text.splitlines()[int(found[1]) - 1] if found else text[-40:]
        raise InvalidInputError(file, [Fault("file", f"must be TOML: {error}", line)]) from None


def _scalars(table: dict[str, Any], faults: Faults) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the fields of the case that are not collections, and which of them are at fault."""
    values: dict[str, Any] = {}
    for field in fields(Case):
        if field.name not in KINDS:
            default = None if field.default is MISSING else field.default
            values[field.name] = _tuples(table.get(field.name, default))
    missing = [name for name in ("name", "start") if name not in table]
    faults.extend(Fault(name, "must be given", None) for name in missing)
    found = list(scalar_faults(values))
    faults.extend(fault for fault in found if fault.field not in missing)
    spoilt = frozenset(fault.field for fault in found)
    return {name: None if name in spoilt else held for name, held in values.items()}, spoilt


def _parts(
    collection: str, kind: type[V], table: dict[str, Any], faults: Faults
) -> tuple[tuple[V, ...], tuple[Remnant, ...]]:
    """Return the sound parts of a collection, and what can be read of those that are not."""
    rows = table.get(collection, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        faults.append(Fault(collection, f"must be a list of tables [[{collection}]]", rows))
        return (), (Remnant(collection, {}),)
    sound: list[V] = []
    remnants: list[Remnant] = []
    for place, row in enumerate(rows):
        name = row.get(IDS.get(collection, ""))
        named = isinstance(name, str) and not any(check.name("", name))
        path = f"{collection}.{name}" if named else f"{collection}[{place}]"
        part, readable = _value(kind, row, path, faults)
        if part is None:
            remnants.append(Remnant(path, readable))
        else:
            sound.append(part)
    return tuple(sound), tuple(remnants)


def _value(
    kind: type[V], table: dict[str, Any], path: str, faults: Faults
) -> tuple[V | None, dict[str, Any]]:
    """Return the value that a table describes, or nothing and its faults; and its sound fields."""
    before = len(faults)
    faults.extend(_unknown(kind, table, f"{path}."))
    values: dict[str, Any] = {}
    spoilt = set()
    for field in fields(kind):  # type: ignore[arg-type]
        here = f"{path}.{field.name}"
        count = len(faults)
        if field.name in table:
            read = READERS.get(field.name)
            given = table[field.name]
            values[field.name] = read(given, here, faults) if read else _tuples(given)
        elif field.default is MISSING:
            faults.append(Fault(here, "must be given", None))
            values[field.name] = None
        else:
            values[field.name] = field.default
        if len(faults) > count:
            spoilt.add(field.name)
    value = None
    try:
        value = kind(**values)
    except InvalidInputError as error:
        # What could not be read has been reported; what it left behind is no second fault.
        faults.extend(f.under(path) for f in error.faults if not _left_behind(f, spoilt))
        spoilt |= {name for fault in error.faults for name in values if name in fault.field}
    readable = {name: held for name, held in values.items() if name not in spoilt}
    return (value if len(faults) == before else None), readable


def _left_behind(fault: Fault, spoilt: set[str]) -> bool:
    item = fault.value is None and fault.field.partition("[")[0] in spoilt  # TOML holds no None
    return item or fault.field in spoilt


def _unknown(kind: type, table: dict[str, Any], prefix: str) -> Iterable[Fault]:
    known = [field.name for field in fields(kind)]
    for key, value in table.items():
        if key not in known:
            yield Fault(
                f"{prefix}{_shown(key)}",
                f"is no field of {kind.__name__}{check.nearest(key, known)}",
                value,
            )


def _shown(key: str) -> str:
    """Quote a key that no path could hold as it is, such as one with dots or line ends."""
    return repr(key) if any(check.name("", key)) else key


def _tuples(value: Any) -> Any:  # noqa: ANN401 - whatever TOML holds
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _tagged(
    table: object, path: str, tags: Iterable[str], also: tuple[str, ...], faults: Faults
) -> tuple[str, Any] | None:
    """Return tag and content of a table such as ``{ site = "bisie" }``."""
    valid = list(tags)
    found = [key for key in table if key in valid] if isinstance(table, dict) else []
    extra = [k for k in table if k not in (*valid, *also)] if isinstance(table, dict) else []
    if isinstance(table, dict) and len(found) == 1:
        for key in extra:
            rule = f"does not belong beside {found[0]!r}{check.nearest(key, also)}"
            faults.append(Fault(f"{path}.{_shown(key)}", rule, table[key]))
        return found[0], table[found[0]]
    hint = check.nearest(extra[0], valid) if extra else ""
    faults.append(Fault(path, f"must be a table with one of {', '.join(valid)}{hint}", table))
    return None


def _scope(table: Any, path: str, faults: Faults) -> Scope | None:  # noqa: ANN401
    tagged = _tagged(table, path, SCOPE_KINDS, ("site_ids",), faults)
    if tagged is None:
        return None
    kind, name = tagged
    site_ids = _tuples(table.get("site_ids", ()))
    if not isinstance(site_ids, tuple):
        faults.append(Fault(f"{path}.site_ids", "must be a list of site ids", site_ids))
        return None
    try:
        return Scope(kind=kind, name=name, site_ids=site_ids)  # type: ignore[arg-type]
    except InvalidInputError as error:
        faults.extend(fault.under(path) for fault in error.faults)
        return None


def _duration(table: Any, path: str, faults: Faults) -> Duration | None:  # noqa: ANN401
    tagged = _tagged(table, path, FAMILIES, (), faults)
    if tagged is None:
        return None
    family, inner = tagged
    return _nested(FAMILIES[family], inner, f"{path}.{family}", faults)


def _nested(kind: type[V], table: Any, path: str, faults: Faults) -> V | None:  # noqa: ANN401
    if isinstance(table, dict):
        return _value(kind, table, path, faults)[0]
    faults.append(Fault(path, f"must be a table with the fields of a {kind.__name__}", table))
    return None


def _mixture_parts(rows: Any, path: str, faults: Faults) -> tuple[Any, ...]:  # noqa: ANN401
    if not isinstance(rows, list):
        faults.append(Fault(path, "must be a list of tables with a weight and a duration", rows))
        return ()
    parts = []
    for place, row in enumerate(rows):
        here = f"{path}[{place}]"
        if not isinstance(row, dict) or "weight" not in row:
            faults.append(Fault(here, "must be a table with a weight and a duration", row))
            continue
        inner = {key: value for key, value in row.items() if key != "weight"}
        parts.append((row["weight"], _duration(inner, here, faults)))
    return tuple(parts)


def _ramp_up(table: Any, path: str, faults: Faults) -> RampUp | None:  # noqa: ANN401
    return _nested(RampUp, table, path, faults)


def _price_terms(table: Any, path: str, faults: Faults) -> PriceTerms | None:  # noqa: ANN401
    tagged = _tagged(table, path, PRICE_KINDS, (), faults)
    if tagged is None:
        return None
    kind, inner = tagged
    if not isinstance(inner, dict) or "kind" in inner:  # its kind is the name of the table
        faults.append(Fault(f"{path}.{kind}", "must be a table of price terms", inner))
        return None
    return _value(PriceTerms, {"kind": kind, **inner}, f"{path}.{kind}", faults)[0]


def _supplies(rows: Any, path: str, faults: Faults) -> tuple[Supply | None, ...]:  # noqa: ANN401
    if not isinstance(rows, list):
        faults.append(Fault(path, "must be a list of tables with a scope and a share", rows))
        return ()
    return tuple(_nested(Supply, row, f"{path}[{place}]", faults) for place, row in enumerate(rows))


def _peril(name: Any, _path: str, _faults: Faults) -> Any:  # noqa: ANN401 - the rule is Hazard's
    return Peril(name) if isinstance(name, str) and name in set(Peril) else name


def _perils(names: Any, path: str, faults: Faults) -> Any:  # noqa: ANN401 - the rule is Policy's
    return tuple(_peril(n, path, faults) for n in names) if isinstance(names, list) else names


READERS: Final[dict[str, Callable[[Any, str, Faults], Any]]] = {
    "peril": _peril,
    "perils": _perils,
    "scope": _scope,
    "duration": _duration,
    "parts": _mixture_parts,
    "ramp_up": _ramp_up,
    "price_terms": _price_terms,
    "sources": _supplies,
}
"""How the fields that are values themselves are read; all others stand as TOML gives them."""
