"""What every indicator asks of its input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SUM_TOLERANCE: Final = 1e-6
"""How far from 1 the sum of shares may be. [1]"""


def as_amounts(name: str, values: ArrayLike) -> Floats:
    """Return a one-dimensional array of finite numbers, none negative, or raise."""
    rule = "must be a one-dimensional array of at least 1 number"
    amounts = as_floats(name, values, rule)
    if amounts.ndim != 1 or amounts.size == 0:
        raise ValueError(f"{name} {rule}, got shape {amounts.shape}")
    _refuse(name, "must be finite and >= 0", amounts, np.isfinite(amounts) & (amounts >= 0))
    return amounts


def as_shares(name: str, values: ArrayLike, *, renormalise: bool | None) -> Floats:
    """Return fractions of one whole, renormalised or as they are, or raise."""
    shares = as_amounts(name, values)
    # fsum: the order of the suppliers must not show in the last digit.
    total = math.fsum(shares)
    if renormalise:
        if not total > 0:
            raise ValueError(f"{name} must have a sum > 0 to be renormalised, got {total!r}")
        return shares / total
    if renormalise is None:
        _check_sum(name, total, "renormalise=False takes them as they are")
    squares = math.fsum(shares * shares)
    if shares.max() > 1.0 + SUM_TOLERANCE or squares > 1.0 + 2.0 * SUM_TOLERANCE:
        raise ValueError(
            f"{name} must be fractions of one whole, got a largest of {shares.max():.9g} "
            f"and a sum of {total:.9g}"
        )
    return shares


def as_whole(name: str, values: ArrayLike, *, renormalise: bool) -> Floats:
    """Return shares that sum to 1, or raise: for measures without a value for less than all."""
    shares = as_amounts(name, values)
    if not renormalise:
        _check_sum(name, math.fsum(shares), "part of a whole has no such measure")
        return shares
    return as_shares(name, shares, renormalise=True)


def as_within(
    name: str, values: ArrayLike, shape: tuple[int, ...], low: float, high: float = math.inf
) -> Floats:
    """Return an array of a shape whose finite numbers lie between two bounds, or raise."""
    rule = f"must be an array of numbers of shape {shape}"
    numbers = as_floats(name, values, rule)
    if numbers.shape != shape:
        raise ValueError(f"{name} {rule}, got shape {numbers.shape}")
    if high < math.inf:
        bounds = f"must lie in [{low:g}, {high:g}]"
    else:
        bounds = "must be finite" if low == -math.inf else f"must be finite and >= {low:g}"
    inside = np.isfinite(numbers) & (numbers >= low) & (numbers <= high)
    _refuse(name, bounds, numbers, inside)
    return numbers


def as_governance(name: str, values: ArrayLike, shape: tuple[int, ...], high: float) -> Floats:
    """Return a known value between 0 and `high` for every country; nothing missing, or raise."""
    numbers = as_floats(name, values, f"must be an array of numbers of shape {shape}")
    if np.isnan(numbers).any():
        place = int(np.argmax(np.isnan(numbers)))
        raise ValueError(
            f"{name} must be known for every country, got nan at index {place}; "
            "fill_governance says what to put in its place and how much supply it concerns"
        )
    return as_within(name, numbers, shape, 0.0, high)


def as_floats(name: str, values: ArrayLike, rule: str) -> Floats:
    """Return numbers as floats, or raise."""
    try:
        given = np.asarray(values)
        floats = given.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError(str(Fault(name, rule, values))) from error
    # Dates, text and complex numbers may convert as well, and mean something else.
    if given.dtype.kind not in "biufO":
        raise ValueError(str(Fault(name, rule, values)))
    return floats


def require(what: str, faults: Iterable[Fault]) -> None:
    """Raise all faults in one error, where there are any."""
    found = tuple(faults)
    if found:
        raise InvalidInputError(what, found)


def _check_sum(name: str, total: float, otherwise: str) -> None:
    if not abs(total - 1.0) <= SUM_TOLERANCE:
        raise ValueError(
            f"{name} must sum to 1 within {SUM_TOLERANCE:g}, got a sum of {total:.9g}; "
            f"renormalise=True divides by the sum, {otherwise}"
        )


def _refuse(name: str, rule: str, numbers: Floats, good: NDArray[np.bool_]) -> None:
    if not good.all():
        place = np.unravel_index(int(np.argmin(good)), good.shape)
        index = ", ".join(str(part) for part in place)
        raise ValueError(f"{name} {rule}, got {numbers[place]} at index {index}")
