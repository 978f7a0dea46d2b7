"""A case before its parts are known to fit together."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from supplyrisk import _validation as check
from supplyrisk.errors import MOST_LISTED
from supplyrisk.model.paths import IDS, members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class UnreadableError(AttributeError):
    """A field was asked for that broke a rule of its own, which has been named already."""


class Remnant:
    """A part that broke a rule of its own: its readable fields, and its dotted path.

    Parameters
    ----------
    path : str
        Dotted path by which its faults are named.
    fields : mapping of str to object
        The fields that are sound.
    """

    def __init__(self, path: str, fields: Mapping[str, Any]) -> None:
        self._path = path
        self._fields = fields

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a field of any part
        if name not in self._fields:
            raise UnreadableError(name)
        return self._fields[name]


class Draft(SimpleNamespace):
    """The fields of a case before they are known to fit together.

    Parameters
    ----------
    remnants : mapping of str to tuple of Remnant
        By collection, what can be read of the parts that broke a rule of their own.
    spoilt : frozenset of str
        Fields of the case itself that broke a rule; they hold None.
    **fields
        The fields of the case by name; collections hold the sound parts only.
    """

    def __init__(
        self,
        remnants: Mapping[str, tuple[Remnant, ...]] | None = None,
        spoilt: frozenset[str] = frozenset(),
        **fields: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**fields)
        self._remnants = remnants or {}
        self._spoilt = spoilt
        self._ids = {name: Counter(self._read_ids(name)) for name in IDS}
        self._all_read = {
            name: ids.total() == len(getattr(self, name)) + len(self.remnants(name))
            for name, ids in self._ids.items()
        }
        self._tree = {name: members(self, name) if name in IDS else fields[name] for name in fields}
        self._hints = MOST_LISTED

    def remnants(self, collection: str) -> tuple[Remnant, ...]:
        """Return what can be read of the parts of a collection that are not sound."""
        return self._remnants.get(collection, ())

    def every(self, collection: str) -> Iterator[tuple[str, Any]]:
        """Yield dotted path and part, for sound parts and remnants alike."""
        for place, part in enumerate(getattr(self, collection)):
            name = getattr(part, IDS[collection]) if collection in IDS else None
            yield f"{collection}.{name}" if name else f"{collection}[{place}]", part
        for remnant in self.remnants(collection):
            yield remnant._path, remnant  # noqa: SLF001 - the two classes are one mechanism

    def _read_ids(self, collection: str) -> Iterator[str]:
        for _, part in self.every(collection):
            name = getattr(part, IDS[collection], None)
            if name is not None:
                yield name

    def ids(self, collection: str) -> Counter[str]:
        """Return the ids of a collection that can be read, with how often each is used."""
        return self._ids[collection]

    def lacks(self, collection: str, name: str) -> bool:
        """Whether no part of a collection can bear a name; an unreadable id may be any."""
        return name not in self._ids[collection] and self._all_read[collection]

    def spoilt(self, field: str) -> bool:
        """Whether a field of the case itself broke a rule."""
        return field in self._spoilt

    def sound(self) -> dict[str, Any]:
        """Return the fields of the case by name, and in its collections the sound parts by id."""
        return self._tree

    def nearest(self, name: str, *collections: str) -> str:
        """Suggest an id near to a wrong one: a long search, so only for as many as are listed."""
        self._hints -= 1
        known = [known for collection in collections for known in self.ids(collection)]
        return check.nearest(name, known) if self._hints >= 0 else ""

    @property
    def has_chain(self) -> bool:
        """Whether the case has routes or smelters, be they sound or not."""
        return any(True for collection in ("routes", "smelters") for _ in self.every(collection))
