"""What then happened: observations to hold a prediction against, never part of a case."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.evidence import STANDINGS, Source, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Value):
    """One observed figure.

    Attributes
    ----------
    quantity
        What was observed, with its unit, such as ``"output_t"``.
    subject
        Dotted path of what it was observed of, such as ``"sites.bisie"``.
    date
        Day of the observation, or last day of its period.
    value
        The figure, in `unit`.
    unit
        Unit of the figure.
    source_id
        Where it was reported.
    standing
        ``"reported"``, ``"derived"`` or ``"estimate"``.
    note
        How it was derived, or what is doubtful about it.
    """

    quantity: str
    subject: str
    date: dt.date
    value: float
    unit: str
    source_id: str
    standing: Standing = "reported"
    note: str = ""

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("quantity", self.quantity)
        yield from check.text("subject", self.subject)
        yield from check.date("date", self.date)
        yield from check.number("value", self.value)
        yield from check.text("unit", self.unit)
        yield from check.name("source_id", self.source_id)
        yield from check.choice("standing", self.standing, STANDINGS)
        yield from check.note("note", self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Value):
    """What then happened in the situation of a case.

    Attributes
    ----------
    name
        Name of the case.
    observations
        Observed figures.
    sources
        Where they were reported.
    """

    name: str
    observations: tuple[Observation, ...] = ()
    sources: tuple[Source, ...] = ()

    def select(self, quantity: str, subject: str | None = None) -> tuple[Observation, ...]:
        """Return the observations of a quantity, and of a subject if one is given, by date."""
        chosen = (
            observation
            for observation in self.observations
            if observation.quantity == quantity and subject in (None, observation.subject)
        )
        return tuple(sorted(chosen, key=lambda observation: observation.date))

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("name", self.name)
        faults = (
            *check.instances("observations", self.observations, Observation),
            *check.instances("sources", self.sources, Source),
        )
        yield from faults
        if faults:
            return
        known = [source.source_id for source in self.sources]
        if len(set(known)) < len(known):
            yield Fault("sources", "must not use a source_id twice", sorted(known))
        for place, observation in enumerate(self.observations):
            if observation.source_id not in known:
                rule = "must name a source of the file" + check.nearest(
                    observation.source_id, known
                )
                yield Fault(f"observations[{place}].source_id", rule, observation.source_id)
