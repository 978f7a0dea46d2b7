"""Indicators of concentration and supply risk, as governments and researchers publish them.

Arrays in, numbers out; shares are fractions, never percent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["hhi"]

_SUM_TOLERANCE = 1e-6


def hhi(shares: ArrayLike, *, renormalise: bool | None = None) -> float:
    r"""Return the Herfindahl-Hirschman index, the sum of the squared shares.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as fractions; none negative. With ``renormalise=True``
        amounts in any one unit serve as well. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1. By default they are refused, as a
        forgotten supplier or percentages would pass unseen; True divides by the sum; False
        takes them as they are, which treats what is missing as infinitely divided.

    Returns
    -------
    float
        The index, in ``[0, 1]``: ``1 / n`` for n equal suppliers, 1 for a monopoly. [1]

    Raises
    ------
    ValueError
        If `shares` is not one-dimensional, is empty, holds a negative number, NaN or
        infinity, or does not sum to 1 within 1e-6 and `renormalise` is None; if there is
        nothing to divide by; or if, taken as they are, a share or the index exceeds 1.

    Notes
    -----
    .. math:: \mathrm{HHI} = \sum_{i=1}^{n} s_i^2

    The form from 0 to 10,000, for shares in percent, is this one times 10,000; the merger
    guidelines call a market with more than 0.18 highly concentrated [1]_. Merging two
    suppliers raises it by :math:`2 s_1 s_2`. Its reciprocal is the number of equal
    suppliers that would be as concentrated.

    References
    ----------
    .. [1] U.S. Department of Justice and Federal Trade Commission, Merger Guidelines,
       guideline 1, 2023, https://www.justice.gov/atr/2023-merger-guidelines.

    Examples
    --------
    >>> round(hhi([0.3, 0.3, 0.2, 0.2]), 12)
    0.26
    >>> round(hhi([30_000, 10_000], renormalise=True), 12)
    0.625
    >>> round(hhi([0.7, 0.15, 0.05], renormalise=False), 12)
    0.515
    """
    values = _as_shares(shares)
    total = math.fsum(values)
    if renormalise:
        if not total > 0:
            raise ValueError(f"shares must have a sum > 0 to be renormalised, got {total!r}")
        values = values / total
    elif renormalise is None and not abs(total - 1.0) <= _SUM_TOLERANCE:
        raise ValueError(
            f"shares must sum to 1 within {_SUM_TOLERANCE:g}, got a sum of {total:.9g}; "
            "renormalise=True divides by the sum, renormalise=False takes them as they are"
        )
    # fsum: the order of the suppliers must not show in the last digit.
    index = math.fsum(values * values)
    if values.max() > 1.0 + _SUM_TOLERANCE or index > 1.0 + 2.0 * _SUM_TOLERANCE:
        raise ValueError(
            f"shares must be fractions of one whole, got a largest of {values.max():.9g} "
            f"and a sum of {total:.9g}"
        )
    return min(index, 1.0)


def _as_shares(shares: ArrayLike) -> NDArray[np.float64]:
    """Return finite shares that are not negative, or raise."""
    rule = "must be a one-dimensional array of at least 1 number"
    try:
        values = _to_floats(shares)
    except (TypeError, ValueError) as error:
        raise ValueError(str(Fault("shares", rule, shares))) from error
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"shares {rule}, got shape {values.shape}")
    good = np.isfinite(values) & (values >= 0)
    if not good.all():
        place = int(np.argmin(good))
        raise ValueError(f"shares must be finite and >= 0, got {values[place]} at index {place}")
    return values


def _to_floats(values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers as floats, or raise what numpy raises."""
    given = np.asarray(values)
    # Dates, text and complex numbers would all convert, and mean something else.
    if given.dtype.kind not in "biufO":
        raise TypeError(given.dtype)
    return given.astype(np.float64, copy=False)
