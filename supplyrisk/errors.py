"""The library's own errors; each is a subclass of a built-in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_LISTED: Final = 50
"""Faults that a message lists; the error holds all of them."""


class Fault(NamedTuple):
    """One broken rule.

    Attributes
    ----------
    field
        Name of the field, or its dotted path within a case.
    rule
        What the value must be, as the end of a sentence: ``"must lie in [0, 1]"``.
    value
        What was given.
    """

    field: str
    rule: str
    value: object

    def __str__(self) -> str:
        """Say field, rule and value in one line."""
        try:
            value = repr(self.value)
        except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits
            value = f"<{type(self.value).__name__} too large to show>"
        return f"{_cut(self.field)} {self.rule}, got {_cut(value)}"

    def under(self, path: str) -> Fault:
        """Put a dotted path in front of the field."""
        return self._replace(field=f"{path}.{self.field}" if self.field else path)


def _cut(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


class InvalidInputError(ValueError):
    """A value, or a whole file, that breaks one rule or several.

    The message lists the first 50 broken rules and says how many more there are.

    Parameters
    ----------
    what : str
        Name of the thing that is at fault, such as a class or a file.
    faults : iterable of Fault
        Every rule that was broken.

    Attributes
    ----------
    what
        Name of the thing that is at fault.
    faults
        Every broken rule, as a tuple of `Fault`.
    """

    def __init__(self, what: str, faults: Iterable[Fault]) -> None:
        self.what = what
        self.faults = tuple(faults)
        lines = [str(fault) for fault in self.faults[:MOST_LISTED]]
        more = len(self.faults) - len(lines)
        if len(self.faults) == 1:
            super().__init__(f"{what}: {lines[0]}")
        else:
            if more:
                lines.append(f"... and {more} more")
            listed = "".join(f"\n  {line}" for line in lines)
            super().__init__(f"{what}: {len(self.faults)} faults{listed}")

    def __reduce__(self) -> tuple[type[InvalidInputError], tuple[str, tuple[Fault, ...]]]:
        """Survive the way back from a worker process."""
        return type(self), (self.what, self.faults)
