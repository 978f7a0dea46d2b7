"""How much each kind of observation speaks for an event to come: factors, and where they stand."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.evidence import STANDINGS, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

HYPOTHESES: Final = ("event_soon",)
Z90: Final = 1.6448536269514722
"""95 % point of the standard normal: a 90 % range lies this many deviations to either side."""
_STRONGEST: Final = 1000.0  # beyond it one report would be certainty, not evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesFactor(Value):
    """How much one kind of observation speaks for a hypothesis about a hazard.

    Attributes
    ----------
    kind
        Kind of observation, as in `Evidence.kind`.
    family
        Observations of one family tell of the same development and are discounted together.
    median
        Bayes factor: how many times more likely the observation is if an event is near. [1]
    low, high
        90 % range of the factor. [1]
    half_life_days
        Days in which the logarithm of the factor halves as the observation ages. [d]
    hypothesis
        What it speaks for: ``"event_soon"``, an event of the hazard strikes soon.
    standing
        Where the factor comes from; those of the library are assumptions.
    note
        Why, or what is doubtful about it.
    """

    kind: str
    family: str
    median: float
    low: float
    high: float
    half_life_days: float
    hypothesis: str = "event_soon"
    standing: Standing = "assumption"
    note: str = ""

    @property
    def spread(self) -> float:
        """Standard deviation of its natural logarithm, from the wider side of the range [1]."""
        return math.log(max(self.high / self.median, self.median / self.low)) / Z90

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("kind", self.kind)
        yield from check.name("family", self.family)
        bounds = {"least": 1.0 / _STRONGEST, "most": _STRONGEST}
        factors = [
            fault
            for field in ("median", "low", "high")
            for fault in check.number(field, getattr(self, field), **bounds)
        ]
        yield from factors
        if not factors and not self.low <= self.median <= self.high:
            yield Fault(
                "median", f"must lie in [low, high] = [{self.low}, {self.high}]", self.median
            )
        yield from check.number("half_life_days", self.half_life_days, above=0.0)
        yield from check.choice("hypothesis", self.hypothesis, HYPOTHESES)
        yield from check.choice("standing", self.standing, STANDINGS)
        yield from check.note("note", self.note)


@cache
def bayes_factors() -> tuple[BayesFactor, ...]:
    """Bayes factors that the library assumes, wide on purpose.

    Returns
    -------
    tuple of BayesFactor
        A factor per kind of observation.

    Notes
    -----
    All are assumptions: no count of how often such reports came before a stop was found. In the
    words of Kass and Raftery [1]_ no median is more than "positive" evidence (3 to 20), and none
    about talks is "worth more than a bare mention" (below 3) at either end of its range.

    References
    ----------
    .. [1] R. E. Kass and A. E. Raftery, "Bayes factors," J. Am. Stat. Assoc., vol. 90, no. 430,
       pp. 773-795, 1995, :doi:`10.1080/01621459.1995.10476572`.

    Examples
    --------
    >>> town = next(factor for factor in bayes_factors() if factor.kind == "town_taken")
    >>> town.median, town.low, town.high, town.half_life_days
    (3.0, 1.0, 9.0, 30.0)
    """
    source = files("supplyrisk.hazard").joinpath("bayes_factors.csv")
    numbers = ("median", "low", "high", "half_life_days")
    with source.open(encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = list(csv.DictReader(lines))
    return tuple(BayesFactor(**{**row, **{n: float(row[n]) for n in numbers}}) for row in rows)
