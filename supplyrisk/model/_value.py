"""The one way in which a value checks itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Value:
    """Base of every value of the model: a frozen dataclass that refuses to be wrong."""

    __slots__ = ()

    def _faults(self) -> Iterator[Fault]:
        """Yield each rule that the fields break."""
        yield from ()

    def __post_init__(self) -> None:
        faults = tuple(self._faults())
        if faults:
            raise InvalidInputError(type(self).__name__, faults)
