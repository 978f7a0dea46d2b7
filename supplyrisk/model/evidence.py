"""Where numbers come from, and what was known on which day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

Standing = Literal["reported", "derived", "estimate", "assumption", "illustrative"]
STANDINGS: Final[tuple[str, ...]] = get_args(Standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Value):
    """A publication that figures are taken from.

    Attributes
    ----------
    source_id
        Stable name, unique within a case.
    publisher
        Who published it.
    title
        Its title.
    licence
        Terms under which the figures may be used.
    url
        Address, if it has one.
    published
        Day of publication, or of the edition used.
    """

    source_id: str
    publisher: str
    title: str
    licence: str
    url: str | None = None
    published: dt.date | None = None

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("source_id", self.source_id)
        for field in ("publisher", "title", "licence"):
            yield from check.text(field, getattr(self, field))
        # A page shows the address as a link: anything but the web would be a way in.
        if self.url is not None and not (
            check.is_text(self.url) and self.url.startswith(("https://", "http://"))
        ):
            yield Fault("url", "must start with https:// or http://", self.url)
        if self.published is not None:
            yield from check.date("published", self.published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation(Value):
    """The source of one figure, or of every figure below a path.

    Attributes
    ----------
    path
        Dotted path within the case, such as ``"sites.bisie.capacity_tpa"``.
    source_id
        Source of the figure.
    standing
        ``"reported"``, ``"derived"``, ``"estimate"``, ``"assumption"`` or ``"illustrative"``.
    note
        How the figure was derived, or what is doubtful about it.
    """

    path: str
    source_id: str
    standing: Standing
    note: str = ""

    def _faults(self) -> Iterator[Fault]:
        yield from check.text("path", self.path)
        yield from check.name("source_id", self.source_id)
        yield from check.choice("standing", self.standing, STANDINGS)
        yield from check.note("note", self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Value):
    """One dated observation that is no number; it is shown and moves nothing by itself.

    Attributes
    ----------
    evidence_id
        Stable name, unique within a case.
    date
        Day of the observation.
    kind
        What kind of observation, in snake_case, such as ``"town_taken"``.
    statement
        The fact in a sentence.
    hazard_id
        Hazard that it bears on.
    source_id
        Where it was reported.
    """

    evidence_id: str
    date: dt.date
    kind: str
    statement: str
    hazard_id: str | None = None
    source_id: str | None = None

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("evidence_id", self.evidence_id)
        yield from check.date("date", self.date)
        yield from check.name("kind", self.kind)
        yield from check.text("statement", self.statement)
        for field in ("hazard_id", "source_id"):
            if getattr(self, field) is not None:
                yield from check.name(field, getattr(self, field))
