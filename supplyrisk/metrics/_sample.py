"""What every metric asks of its input, and the one rule for ranks."""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def as_sample(name: str, values: ArrayLike, *, least: int = 1) -> NDArray[np.float64]:
    """Return a finite one-dimensional array of at least `least` values, or raise."""
    rule = f"must be a one-dimensional array of at least {least} number{'s'[: least > 1]}"
    try:
        sample = _to_floats(values)
    except (TypeError, ValueError) as error:
        raise ValueError(str(Fault(name, rule, values))) from error
    if sample.ndim != 1 or sample.size < least:
        raise ValueError(f"{name} {rule}, got shape {sample.shape}")
    finite = np.isfinite(sample)
    if not finite.all():
        place = int(np.argmin(finite))
        raise ValueError(f"{name} must be finite, got {sample[place]} at index {place}")
    return sample


def exact(number: float) -> Fraction:
    """Return the decimal that a number prints as: 0.95 is 19/20, not its binary neighbour.

    A user who writes 0.29 means 29 of 100, yet ``0.29 * 100`` exceeds 29 in floats and its
    ceiling is 30.
    """
    # np.float64 is a float, whose own repr is the shortest decimal whatever numpy's print
    # options say; np.float32(0.95) prints as 0.95 and is meant so.
    return Fraction(float.__repr__(number) if isinstance(number, float) else str(number))


def as_real(name: str, rule: str, value: object) -> Fraction:
    """Return the exact value of a finite real number; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(str(Fault(name, rule, value)))
    return exact(value)  # type: ignore[arg-type]  # a Real, which mypy does not take for a float


def as_level(level: float) -> Fraction:
    """Return a level in [0, 1) exactly, or raise."""
    rule = "must lie in [0, 1)"
    value = as_real("level", rule, level)
    if not 0 <= value < 1:
        raise ValueError(str(Fault("level", rule, level)))
    return value


def as_open_fraction(name: str, fraction: float) -> Fraction:
    """Return a fraction strictly between 0 and 1 exactly, or raise."""
    rule = "must lie in (0, 1)"
    value = as_real(name, rule, fraction)
    if not 0 < value < 1:
        raise ValueError(str(Fault(name, rule, fraction)))
    return value


def rank_at(level: Fraction, n: int) -> int:
    """Rank, counted from 1 at the smallest, of the order statistic at `level`."""
    # Level 0 asks for the infimum of the support: the smallest value seen.
    return max(1, math.ceil(level * n))


def _to_floats(values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers as floats, or raise what numpy raises."""
    given = np.asarray(values)
    # Dates, text and complex numbers would all convert, and mean something else.
    if given.dtype.kind not in "biufO":
        raise TypeError(given.dtype)
    return given.astype(np.float64, copy=False)
