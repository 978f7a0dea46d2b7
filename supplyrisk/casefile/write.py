"""Values to TOML, so that reading the text gives the same case again."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from supplyrisk import _files
from supplyrisk import _validation as check
from supplyrisk.model.case import KINDS, Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Scope
from supplyrisk.model.terms import PriceTerms

if TYPE_CHECKING:
    import os
    from pathlib import Path


def save_case(case: Case, path: str | os.PathLike[str]) -> Path:
    """Write a case to a TOML file, whole or not at all.

    Parameters
    ----------
    case : Case
        The case.
    path : path-like
        File to write; `load_case` gives an equal case back.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    TypeError
        If `case` is no Case.
    OSError
        If the file cannot be written.
    """
    check.require("case", case, Case)
    return _files.write_text(path, case_text(case))


def case_text(case: Case) -> str:
    """Return a case as TOML; fields at their default are left out.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    str
        The TOML text.
    """
    lines = [
        f"{name} = {_inline(value)}" for name, value in _stated(case).items() if name not in KINDS
    ]
    for collection in KINDS:
        for part in getattr(case, collection):
            lines += ["", f"[[{collection}]]"]
            lines += [f"{name} = {_inline(value)}" for name, value in _stated(part).items()]
    return "\n".join(lines) + "\n"


def _stated(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of the model
    """Return the fields that differ from their default, by name."""
    held = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
    return {
        name: now for name, (now, default) in held.items() if now is not None and now != default
    }


def _inline(value: Any) -> str:  # noqa: ANN401, PLR0911 - any value of the model, a line each
    if is_dataclass(value):
        return _table(_as_table(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # A JSON string is a TOML string but for DEL, which TOML wants escaped.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(_inline(item) for item in value)}]"
    if isinstance(value, dict):
        return _table(value)
    return repr(value.__index__() if hasattr(value, "__index__") else float(value))


def _as_table(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass of the model
    """Return a nested value in the words of a case file."""
    stated = _stated(value)
    if isinstance(value, Scope):
        sites = {"site_ids": value.site_ids} if value.site_ids else {}
        return {value.kind: value.name, **sites}
    if isinstance(value, PriceTerms):
        return {value.kind: {name: held for name, held in stated.items() if name != "kind"}}
    if isinstance(value, Duration):
        if "parts" in stated:
            stated["parts"] = tuple({"weight": w, **_as_table(d)} for w, d in stated["parts"])
        return {value.family: stated}
    return stated


def _table(table: dict[str, Any]) -> str:
    inner = ", ".join(f"{name} = {_inline(item)}" for name, item in table.items())
    return f"{{ {inner} }}" if inner else "{}"
