"""One number out of several, for those who must have one: stated scales, stated weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.metrics import Interval
from supplyrisk.scorecard.estimates import N_DRAWS, UNKNOWN, Estimate, drawn, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_RANGE: Final = (0.05, 0.95)


class Scale(NamedTuple):
    """Where the scale of a part begins and ends, whatever else is compared.

    Attributes
    ----------
    zero
        Value of the part that counts as 0.
    hundred
        Value that counts as 100.
    is_log
        Whether equal ratios count the same, instead of equal differences.
    weight
        Weight unless others are given.
    """

    zero: float
    hundred: float
    is_log: bool
    weight: float

    def score(self, value: Floats) -> Floats:
        """Return values on the scale from 0 to 100, cut at its ends."""
        if self.is_log:
            with np.errstate(divide="ignore"):
                place = np.log(np.maximum(value, 0.0) / self.zero) / np.log(
                    self.hundred / self.zero
                )
        else:
            place = (value - self.zero) / (self.hundred - self.zero)
        return np.asarray(np.clip(100.0 * place, 0.0, 100.0))


SCALES: Final = {
    "supply_at_risk": Scale(0.004, 0.4, is_log=True, weight=0.5),
    "hhi_wgi": Scale(0.1, 10.0, is_log=True, weight=0.25),
    "recycling_input_rate": Scale(1.0, 0.0, is_log=False, weight=0.25),
}
"""Parts of the composite; docs/composite.md gives the reasons for each figure."""


@dataclass(frozen=True, eq=False, repr=False)
class Composite:
    """A composite from 0 to 100, and what it is made of.

    Attributes
    ----------
    value
        Weighted mean of the parts; not a number unless all of them are known.
    interval
        90 % range by the intervals of the parts; one that is not known counts as 0 at its low end
        and as 100 at its high end.
    weight_interval
        90 % range of `value` over all weightings of the same parts, each as likely.
    coverage
        Weighted share of the inputs that is known. [1]
    parts
        A row each: part, value, zero_at, hundred_at, scale, score, weight, points, coverage.
    draws
        `value` for draws of the parts, shape (N_DRAWS,).
    by_weighting
        `value` for draws of the weights, the same for every commodity, shape (N_DRAWS,).
    """

    value: float
    interval: Interval
    weight_interval: Interval
    coverage: float
    parts: pd.DataFrame
    draws: Floats
    by_weighting: Floats

    def __repr__(self) -> str:
        """Say value and ranges in one line."""
        return f"<Composite: {self.said}>"

    @property
    def said(self) -> str:
        """Value, ranges and coverage as part of a sentence."""
        known = f"{self.coverage:.0%} of its inputs are known"
        ends = f"{self.interval.low:.0f}, {self.interval.high:.0f}"
        if np.isnan(self.value):
            missing = ", ".join(self.parts.loc[self.parts["score"].isna(), "part"])
            return f"none without {missing}, but it lies in [{ends}]; {known}"
        low, high = self.weight_interval
        return (
            f"{self.value:.0f} of 100 [{ends}]; with other weights {low:.0f} to {high:.0f}; {known}"
        )


def checked_weights(weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weights of the parts that count.

    Parameters
    ----------
    weights : mapping of str to float, or None
        Weight of each part, which sum to 1; those not named do not count. None for those of
        `SCALES`.

    Returns
    -------
    dict of str to float
        Weights above 0, in the order of `SCALES`. [1]

    Raises
    ------
    InvalidInputError
        If a part is unknown, a weight lies outside ``[0, 1]``, or they do not sum to 1.
    """
    given = {name: scale.weight for name, scale in SCALES.items()} if weights is None else weights
    faults = [*_weight_faults(given)]
    if faults:
        raise InvalidInputError("weights", faults)
    return {name: float(given[name]) for name in SCALES if given.get(name, 0.0) > 0.0}


def _weight_faults(given: Any) -> Iterator[Fault]:  # noqa: ANN401 - whatever a notebook gave
    if not hasattr(given, "items"):
        yield Fault("weights", "must be a mapping of parts to weights", given)
        return
    for name, weight in given.items():
        yield from check.choice("weights", name, SCALES)
        yield from check.fraction(f"weights.{name}", weight)
    numbers = [weight for weight in given.values() if check.is_number(weight)]
    if not abs(sum(numbers) - 1.0) <= 1e-6:
        yield Fault("weights", "must sum to 1", sum(numbers))


def compose(
    commodity: str, estimates: Mapping[str, Estimate], weights: Mapping[str, float], seed: int
) -> Composite:
    """Weigh the parts of a commodity together.

    Parameters
    ----------
    commodity : str
        Its name, which its draws hang on, and on nothing else.
    estimates : mapping of str to Estimate
        The parts; one that is missing is not known.
    weights : mapping of str to float
        Weights as of `checked_weights`.
    seed : int
        Seed of the draws.

    Returns
    -------
    Composite
        Its value and what it is made of.
    """
    known = {name: one for name, one in estimates.items() if one.is_known}
    found = {name: known.get(name, UNKNOWN) for name in weights}
    weight = np.array(list(weights.values()))
    score = np.array([SCALES[name].score(np.array(one.value)) for name, one in found.items()])
    draws = np.stack(
        [SCALES[name].score(drawn(one, seed, commodity, name)) for name, one in found.items()]
    )
    by_weighting = _weightings(len(weight), seed) @ score
    low, high = (
        np.quantile(weight @ np.nan_to_num(draws, nan=unknown), level)
        for unknown, level in zip((0.0, 100.0), _RANGE, strict=True)
    )
    return Composite(
        value=float(weight @ score),
        interval=Interval(float(low), float(high)),
        weight_interval=Interval(*map(float, np.quantile(by_weighting, _RANGE))),
        coverage=float(weight @ [one.coverage for one in found.values()]),
        parts=_parts_table(found, weight, score),
        draws=weight @ draws,
        by_weighting=by_weighting,
    )


def _weightings(n_parts: int, seed: int) -> Floats:
    """Draw weights that sum to 1, every such set as likely, shape (N_DRAWS, n_parts)."""
    return stream(seed, "weights").dirichlet(np.ones(n_parts), N_DRAWS)


def _parts_table(found: Mapping[str, Estimate], weight: Floats, score: Floats) -> pd.DataFrame:
    scales = [SCALES[name] for name in found]
    return pd.DataFrame(
        {
            "part": list(found),
            "value": [one.value for one in found.values()],
            "zero_at": [scale.zero for scale in scales],
            "hundred_at": [scale.hundred for scale in scales],
            "scale": ["logarithmic" if scale.is_log else "linear" for scale in scales],
            "score": score,
            "weight": weight,
            "points": weight * score,
            "coverage": [one.coverage for one in found.values()],
        }
    )
