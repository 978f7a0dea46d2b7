"""Quantiles, tail means and the exceedance curve of a simulated loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from supplyrisk.errors import Fault
from supplyrisk.metrics._sample import as_level, as_real, as_sample, rank_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import ArrayLike, NDArray


class Exceedance(NamedTuple):
    """An empirical exceedance curve, worst loss first.

    Attributes
    ----------
    loss : ndarray, shape (n_scenarios,)
        Loss of each scenario, in descending order, in the unit of the sample.
    probability : ndarray, shape (n_scenarios,)
        Share of the scenarios with at least that loss, ``k / n_scenarios``. [1]
    """

    loss: NDArray[np.float64]
    probability: NDArray[np.float64]


def value_at_risk(loss: ArrayLike, level: float = 0.99) -> float:
    r"""Return the loss that is not exceeded with probability `level`.

    Parameters
    ----------
    loss : array_like, shape (n_scenarios,)
        Simulated loss of each scenario, equally likely, in any unit.
    level : float, default 0.99
        Confidence level in ``[0, 1)``, taken as the decimal it prints as. [1]

    Returns
    -------
    float
        Value at risk, one of the losses given, in the unit of `loss`.

    Raises
    ------
    ValueError
        If `loss` is not one-dimensional, is empty or holds NaN or infinity, or `level`
        is outside ``[0, 1)``.

    Notes
    -----
    With the losses in ascending order :math:`x_{(1)} \le \dots \le x_{(n)}`,

    .. math:: \mathrm{VaR}_a = \inf\{x : F_n(x) \ge a\} = x_{(\lceil a n \rceil)},

    the inverse of the empirical distribution function (type 1 of [1]_). Nothing is
    interpolated, so an atom, such as the years without a loss, stays what it is. The
    product :math:`a n` is formed in exact arithmetic: in floats ``0.29 * 100`` exceeds 29.
    At level 0 the definition means the infimum of the support, and the smallest loss is
    returned. The estimate cannot exceed the largest loss simulated; a level above
    ``1 - 1 / n_scenarios`` returns that loss and is too low.

    References
    ----------
    .. [1] R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages," Am. Stat.,
       vol. 50, no. 4, pp. 361-365, 1996, :doi:`10.1080/00031305.1996.10473566`.

    Examples
    --------
    >>> value_at_risk(range(1, 101), level=0.95)
    95.0
    """
    sample = as_sample("loss", loss)
    place = rank_at(as_level(level), sample.size) - 1
    return float(np.partition(sample, place)[place])


def tail_value_at_risk(loss: ArrayLike, level: float = 0.99) -> float:
    r"""Return the mean of the worst ``1 - level`` share of scenarios (expected shortfall).

    Parameters
    ----------
    loss : array_like, shape (n_scenarios,)
        Simulated loss of each scenario, equally likely, in any unit.
    level : float, default 0.99
        Confidence level in ``[0, 1)``, taken as the decimal it prints as; level 0 gives
        the mean. [1]

    Returns
    -------
    float
        Tail value at risk, in the unit of `loss`.

    Raises
    ------
    ValueError
        If `loss` is not one-dimensional, is empty or holds NaN or infinity, or `level`
        is outside ``[0, 1)``.

    Notes
    -----
    With :math:`k = \lceil a n \rceil` and the losses in ascending order,

    .. math:: \mathrm{TVaR}_a = \frac{(k - a n)\, x_{(k)} + \sum_{i > k} x_{(i)}}{(1 - a)\, n}.

    The scenario that straddles the quantile counts with its fractional weight. Without it
    the mean beyond the quantile is neither continuous in the level nor subadditive, and is
    wrong wherever the quantile falls on an atom [1]_ [2]_. The weights are exact fractions.
    Where ``(1 - level) * n_scenarios`` is at most 1 the result is the largest loss.

    References
    ----------
    .. [1] C. Acerbi and D. Tasche, "On the coherence of expected shortfall," J. Bank.
       Finance, vol. 26, no. 7, pp. 1487-1503, 2002, :doi:`10.1016/S0378-4266(02)00283-2`.
    .. [2] R. T. Rockafellar and S. Uryasev, "Conditional value-at-risk for general loss
       distributions," J. Bank. Finance, vol. 26, no. 7, pp. 1443-1471, 2002,
       :doi:`10.1016/S0378-4266(02)00271-6`.

    Examples
    --------
    >>> tail_value_at_risk([0.0, 0.0, 0.0, 4.0], level=0.5)
    2.0
    """
    sample = as_sample("loss", loss)
    exact_level = as_level(level)
    rank = rank_at(exact_level, sample.size)
    parted = np.partition(sample, rank - 1)
    at_quantile, beyond = float(parted[rank - 1]), np.sort(parted[rank:])
    # Sorted, the tail sums to the same bits in whatever order the scenarios came.
    straddling = float(rank - exact_level * sample.size)
    total = straddling * at_quantile + float(beyond.sum())
    mean = total / float((1 - exact_level) * sample.size)
    worst = float(beyond[-1]) if beyond.size else at_quantile
    # A mean lies between its extremes; rounding must not say otherwise.
    return min(max(mean, at_quantile), worst)


def exceedance(loss: ArrayLike) -> Exceedance:
    r"""Return the empirical exceedance curve of a loss.

    Parameters
    ----------
    loss : array_like, shape (n_scenarios,)
        Simulated loss of each scenario, equally likely, in any unit. Annual totals give
        the AEP curve, the largest single events the OEP curve.

    Returns
    -------
    Exceedance
        Losses in descending order and the share of scenarios with at least that loss.

    Raises
    ------
    ValueError
        If `loss` is not one-dimensional, is empty or holds NaN or infinity.

    Notes
    -----
    The k-th largest of n losses bears the probability ``k / n``; the last entry of a group
    of equal losses bears :math:`P(L \ge x)`, the entries before it draw the riser of the
    step. Value at risk is the inverse: `value_at_risk` at ``level`` is the first loss whose
    probability exceeds ``1 - level``.

    Examples
    --------
    >>> curve = exceedance([0.0, 30.0, 0.0, 10.0])
    >>> curve.loss.tolist(), curve.probability.tolist()
    ([30.0, 10.0, 0.0, 0.0], [0.25, 0.5, 0.75, 1.0])
    """
    worst_first = np.sort(as_sample("loss", loss))[::-1].copy()
    return Exceedance(worst_first, np.arange(1, worst_first.size + 1) / worst_first.size)


@overload
def loss_at_return_period(loss: ArrayLike, years: float) -> float: ...  # numpydoc ignore=GL08


@overload
def loss_at_return_period(  # numpydoc ignore=GL08
    loss: ArrayLike, years: Sequence[float] | NDArray[np.generic]
) -> NDArray[np.float64]: ...


def loss_at_return_period(
    loss: ArrayLike, years: float | Sequence[float] | NDArray[np.generic]
) -> float | NDArray[np.float64]:
    r"""Return the annual loss that is exceeded once in `years` years on average.

    Parameters
    ----------
    loss : array_like, shape (n_years,)
        Simulated loss of each scenario year, equally likely, in any unit per year.
    years : float or array_like
        Return periods, each greater than 1. [a]

    Returns
    -------
    float or ndarray
        Loss at each return period, in the unit of `loss`; a float for a single period,
        else an array in the shape of `years`.

    Raises
    ------
    ValueError
        If `loss` is not one-dimensional, is empty or holds NaN or infinity, or a return
        period is not a finite number greater than 1.

    Notes
    -----
    The value at risk at level :math:`1 - 1/T`, with the level formed exactly. The return
    period is that of the annual exceedance probability :math:`1/T`, so it has its meaning
    only for scenarios of one year. Periods longer than ``n_years`` all return the largest
    loss, which is too low.

    Examples
    --------
    >>> loss_at_return_period(range(1, 1001), years=100)
    990.0
    >>> loss_at_return_period(range(1, 1001), years=[3, 10, 200]).tolist()
    [667.0, 900.0, 995.0]
    """
    ascending = np.sort(as_sample("loss", loss))
    periods = np.asarray(years)
    levels = [_level_of(period) for period in periods.flat]
    places = [rank_at(level, ascending.size) - 1 for level in levels]
    if periods.ndim == 0:
        return float(ascending[places[0]])
    return ascending[np.array(places, dtype=np.intp)].reshape(periods.shape)


def _level_of(years: object) -> Fraction:
    """Return the level of a return period exactly."""
    rule = "must be a finite number of years > 1"
    period = as_real("years", rule, years)
    if not period > 1:
        raise ValueError(str(Fault("years", rule, years)))
    return 1 - 1 / period
