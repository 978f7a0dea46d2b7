"""What conflict near a site may do to the rate of its armed-conflict hazard, by assumption."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _validation as check
from supplyrisk._text import shown
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model._value import Value
from supplyrisk.model.hazard import Hazard, Peril

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.hazard.conflict import ConflictHistory, Day

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictKernel(Value):
    """How much an event of conflict weighs, by distance, age and deaths.

    Attributes
    ----------
    distance_scale_km
        Distance at which an event weighs ``1/e`` of one at the site; an assumption. [km]
    time_scale_days
        Age at which an event weighs ``1/e`` of one today; an assumption. [d]
    fatality_exponent
        An event with f deaths weighs ``(1 + f) ** fatality_exponent``; at 0 all weigh alike, at 1
        deaths are what counts; an assumption. [1]
    """

    distance_scale_km: float
    time_scale_days: float
    fatality_exponent: float = 0.0

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("distance_scale_km", self.distance_scale_km, above=0.0)
        yield from check.number("time_scale_days", self.time_scale_days, above=0.0)
        yield from check.fraction("fatality_exponent", self.fatality_exponent)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConflictIntensity:
    """Weighted intensity of conflict at a site, day by day.

    Attributes
    ----------
    day
        Days in order, shape (n_days,); dates if the events came with dates.
    value
        Intensity on the morning of each day, shape (n_days,): events at the site today that would
        weigh as much. [1]
    """

    day: NDArray[np.datetime64] | Floats
    value: Floats

    @property
    def mean(self) -> float:
        """Mean over the days [1]."""
        return float(self.value.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictMultiplier:
    """A factor on the rate of a hazard; made by `conflict_multiplier`.

    Attributes
    ----------
    value
        The factor. [1]
    intensity
        Intensity now. [1]
    mean
        Intensity in the long run. [1]
    elasticity
        Power to which their ratio is raised; an assumption. [1]
    low
        The factor is no smaller; an assumption. [1]
    high
        The factor is no larger; an assumption. [1]
    """

    value: float
    intensity: float
    mean: float
    elasticity: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """Intensity now over intensity in the long run [1]."""
        return self.intensity / self.mean

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the factor is and what went into it, a sentence each."""
        made = (
            f"The rate is multiplied by {shown(self.value)}: conflict has an intensity of "
            f"{shown(self.intensity)} now and of {shown(self.mean)} in the long run; their ratio, "
            f"{shown(self.ratio)}, is raised to the power {shown(self.elasticity)}."
        )
        kept = (
            f"It is kept between {shown(self.low)} and {shown(self.high)}. The power and these "
            "bounds are assumptions that no data support: show the answer for several of them."
        )
        return made, kept


def conflict_intensity(history: ConflictHistory, kernel: ConflictKernel) -> float:
    r"""Weighted intensity of conflict at a site at the end of a history.

    Parameters
    ----------
    history : ConflictHistory
        Events before a day.
    kernel : ConflictKernel
        How much each weighs.

    Returns
    -------
    float
        The intensity: events at the site today that would weigh as much. [1]

    Notes
    -----
    :math:`I(t) = \sum_{t_i < t} (1 + f_i)^\gamma e^{-d_i / D} e^{-(t - t_i) / \tau}` over events at
    distance :math:`d_i` with :math:`f_i` deaths.
    """
    return float(_intensity(history, kernel, np.array([history.as_of]))[0])


def intensity_series(
    history: ConflictHistory, kernel: ConflictKernel, *, since: Day, until: Day | None = None
) -> ConflictIntensity:
    """Weighted intensity of conflict at a site, day by day, each from the days before alone.

    Parameters
    ----------
    history : ConflictHistory
        Events before a day.
    kernel : ConflictKernel
        How much each weighs.
    since : date or float
        First day. Events before the record began are not in it, so let some time scales pass. [d]
    until : date or float, optional
        Day after the last one; by default the end of the history. [d]

    Returns
    -------
    ConflictIntensity
        Days, intensities and their mean.

    Raises
    ------
    InvalidInputError
        If the days do not follow each other, or go beyond the end of the history.

    Notes
    -----
    One cumulative sum of exponentials, in logarithms, serves all days: O(n_events + n_days).
    """
    start = history.number_of("since", since)
    end = history.as_of if until is None else history.number_of("until", until)
    faults = []
    if not end <= history.as_of:
        faults.append(Fault("until", "must not be after the end of the history", until))
    if not start < end:
        faults.append(Fault("since", "must be before the last day", since))
    if faults:
        raise InvalidInputError("intensity_series", faults)
    days = np.arange(start, end)
    return ConflictIntensity(
        day=days.astype(np.int64).astype("datetime64[D]") if history.dated else days,
        value=_intensity(history, kernel, days),
    )


def conflict_multiplier(
    *, intensity: float, mean: float, elasticity: float, low: float = 0.2, high: float = 5.0
) -> ConflictMultiplier:
    """Factor on the rate of an armed-conflict hazard, relative to the long-run mean.

    Parameters
    ----------
    intensity : float
        Intensity now, as of `conflict_intensity`. [1]
    mean : float
        Its long-run mean at the same site with the same kernel, above 0. [1]
    elasticity : float
        Power to which their ratio is raised, at least 0. No data stand behind any value: it is an
        assumption, has no default, and should be swept, say over 0, 0.5 and 1. [1]
    low, high : float, default 0.2 and 5
        The factor stays between them; they are assumptions too. [1]

    Returns
    -------
    ConflictMultiplier
        The factor and all that went into it.

    Raises
    ------
    InvalidInputError
        If a value is not finite or negative, `mean` is 0, or 1 does not lie between the bounds.

    Notes
    -----
    ``clip((intensity / mean) ** elasticity, low, high)``. The ratio is 1 on average, its power is
    not: below 1 for an elasticity below 1. A site whose rate is multiplied every day thus has
    a lower rate in the long run than the one that was calibrated.

    Examples
    --------
    >>> conflict_multiplier(intensity=8.0, mean=2.0, elasticity=0.5).value
    2.0
    """
    faults = [
        *check.number("intensity", intensity, least=0.0),
        *check.number("mean", mean, above=0.0),
        *check.number("elasticity", elasticity, least=0.0),
        *check.number("low", low, least=0.0, most=1.0),
        *check.number("high", high, least=1.0),
    ]
    if faults:
        raise InvalidInputError("conflict_multiplier", faults)
    with np.errstate(over="ignore"):  # what is beyond every number is cut to `high`
        value = float(np.clip((np.float64(intensity) / mean) ** elasticity, low, high))
    return ConflictMultiplier(
        value=value, intensity=intensity, mean=mean, elasticity=elasticity, low=low, high=high
    )


def with_multiplier(hazard: Hazard, multiplier: ConflictMultiplier) -> Hazard:
    """Return an armed-conflict hazard with its rate multiplied.

    Parameters
    ----------
    hazard : Hazard
        A hazard of armed conflict.
    multiplier : ConflictMultiplier
        Factor on its rate.

    Returns
    -------
    Hazard
        The same hazard but for `rate_pa`.

    Raises
    ------
    TypeError
        If `hazard` is no Hazard or `multiplier` no ConflictMultiplier.
    InvalidInputError
        If the hazard is of another peril: conflict says nothing of strikes or floods.
    """
    check.require("hazard", hazard, Hazard)
    check.require("multiplier", multiplier, ConflictMultiplier)
    if hazard.peril != Peril.ARMED_CONFLICT:
        fault = Fault("hazard.peril", f"must be {Peril.ARMED_CONFLICT}", str(hazard.peril))
        raise InvalidInputError("with_multiplier", [fault])
    return dataclasses.replace(hazard, rate_pa=hazard.rate_pa * multiplier.value)


def _intensity(history: ConflictHistory, kernel: ConflictKernel, days: Floats) -> Floats:
    if not history.day.size:
        return np.zeros(days.size)
    weight = kernel.fatality_exponent * np.log1p(history.fatalities)
    weight -= history.distance_km / kernel.distance_scale_km
    # Counted from the first event, as large numbers lose digits; in logarithms, as they overflow.
    age = (history.day - history.day[0]) / kernel.time_scale_days
    total = np.concatenate([[-np.inf], np.logaddexp.accumulate(weight + age)])
    before = np.searchsorted(history.day, days, side="left")
    return np.asarray(np.exp(total[before] - (days - history.day[0]) / kernel.time_scale_days))
