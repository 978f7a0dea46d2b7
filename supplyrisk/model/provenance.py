"""What a result was made from: enough to make it again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a simulation was made from.

    Attributes
    ----------
    case_name
        Name of the case.
    case_digest
        SHA-256 of the case.
    seed
        Seed of the random numbers.
    n_scenarios
        Number of simulated futures.
    block_size
        Number of futures that share a stream of random numbers.
    basis
        How losses are counted.
    versions
        Versions of Python and of the packages that computed it, by name.
    """

    case_name: str
    case_digest: str
    seed: int
    n_scenarios: int
    block_size: int
    basis: str
    versions: dict[str, str]


def digest(value: object) -> str:
    """Return the SHA-256 of a value's plain form, as 64 hexadecimal digits."""
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:  # noqa: ANN401 - a model value of any kind
    """Return a value of the model as what JSON can hold; numbers keep every digit."""
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {"": type(value).__name__, **{name: plain(getattr(value, name)) for name in names}}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    # So that 20_000 and 20_000.0, which compute alike, are alike; and so are 0.0 and -0.0.
    return float(value) + 0.0
