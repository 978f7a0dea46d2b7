"""How concentrated a supply is, and what is left when its largest part is lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.indicators._inputs import as_amounts, as_shares, as_whole, as_within, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike


class BindingStage(NamedTuple):
    """The stage of a supply chain whose indicator is highest.

    Attributes
    ----------
    stage : str
        Name of the stage.
    value : float
        Its indicator.
    """

    stage: str
    value: float


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
    values = as_shares("shares", shares, renormalise=renormalise)
    return min(math.fsum(values * values), 1.0)


def normalised_hhi(shares: ArrayLike, *, renormalise: bool = False) -> float:
    r"""Return the Herfindahl-Hirschman index with the number of suppliers taken out.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as for `hhi`. [1]
    renormalise : bool, default False
        Whether to divide by the sum; shares that do not sum to 1 are refused otherwise.

    Returns
    -------
    float
        0 for equal suppliers however many, 1 for a monopoly. [1]

    Raises
    ------
    ValueError
        As for `hhi`.

    Notes
    -----
    .. math:: \mathrm{HHI}^* = \frac{\mathrm{HHI} - 1/n}{1 - 1/n}

    with :math:`n` the suppliers that supply anything. Where one supplies all, the formula has no
    value and its limit 1 is returned. Two lists of different length have each its own zero, so
    compare plain `hhi` between metals.

    Examples
    --------
    >>> normalised_hhi([0.5, 0.5]), normalised_hhi([1.0])
    (0.0, 1.0)
    >>> round(normalised_hhi([0.3, 0.3, 0.2, 0.2]), 9)
    0.013333333
    """
    values = as_whole("shares", shares, renormalise=renormalise)
    equal = 1.0 / np.count_nonzero(values)
    if equal == 1.0:
        return 1.0
    index = math.fsum(values * values)
    return float(np.clip((index - equal) / (1.0 - equal), 0.0, 1.0))


def top_share(shares: ArrayLike, k: int, *, renormalise: bool | None = None) -> float:
    """Return the share of the `k` largest suppliers together, the concentration ratio.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as for `hhi`. [1]
    k : int
        How many of the largest; all of them where there are fewer.
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        Share of the largest `k`. [1]

    Raises
    ------
    ValueError
        As for `hhi`, or if `k` is not a whole number of at least 1.

    Examples
    --------
    >>> round(top_share([0.3, 0.3, 0.2, 0.2], 3), 12)
    0.8
    """
    values = as_shares("shares", shares, renormalise=renormalise)
    require("top_share", check.whole("k", k, least=1))
    return min(math.fsum(np.sort(values)[::-1][:k]), 1.0)


def shannon_entropy(shares: ArrayLike, *, renormalise: bool = False) -> float:
    r"""Return the Shannon entropy of the shares, in natural units.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as fractions; amounts where they are renormalised. [1]
    renormalise : bool, default False
        Whether to divide by the sum; shares that do not sum to 1 are refused otherwise.

    Returns
    -------
    float
        Entropy, from 0 for a monopoly to ``log(n)`` for n equal suppliers. [nat]

    Raises
    ------
    ValueError
        As for `hhi`.

    Notes
    -----
    .. math:: H = -\sum_i s_i \ln s_i

    over the suppliers that supply anything. Its exponential is `hill_number` of order 1.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication," Bell Syst. Tech. J., vol. 27,
       no. 3, pp. 379-423, 1948, :doi:`10.1002/j.1538-7305.1948.tb01338.x`.

    Examples
    --------
    >>> round(shannon_entropy([0.3, 0.3, 0.2, 0.2]), 10)
    1.3661588476
    """
    values = as_whole("shares", shares, renormalise=renormalise)
    present = values[values > 0]
    return max(0.0, -math.fsum(present * np.log(present)))


def hill_number(shares: ArrayLike, order: float, *, renormalise: bool = False) -> float:
    r"""Return how many equal suppliers would be as diverse, with large ones weighted by `order`.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as for `shannon_entropy`. [1]
    order : float
        At least 0: 0 counts suppliers, 1 is the exponential of the Shannon entropy, 2 the
        reciprocal of `hhi`, infinity that of the largest share. [1]
    renormalise : bool, default False
        Whether to divide by the sum; shares that do not sum to 1 are refused otherwise.

    Returns
    -------
    float
        Number of suppliers, between 1 and the number that supply anything; it falls with
        `order`. [1]

    Raises
    ------
    ValueError
        As for `hhi`, or if `order` is negative or NaN.

    Notes
    -----
    .. math:: {}^{q}D = \Bigl(\sum_i s_i^q\Bigr)^{1/(1-q)}, \qquad
              {}^{1}D = \exp\Bigl(-\sum_i s_i \ln s_i\Bigr)

    References
    ----------
    .. [1] M. O. Hill, "Diversity and evenness: a unifying notation and its consequences,"
       Ecology, vol. 54, no. 2, pp. 427-432, 1973, :doi:`10.2307/1934352`.

    Examples
    --------
    >>> [round(hill_number([0.3, 0.3, 0.2, 0.2], order), 8) for order in (0, 1, 2)]
    [4.0, 3.92026341, 3.84615385]
    """
    values = as_whole("shares", shares, renormalise=renormalise)
    if order != math.inf:
        require("hill_number", check.number("order", order, least=0.0))
    if order == 1.0:
        return math.exp(shannon_entropy(values))
    logs = np.log(values[values > 0])
    if order == math.inf:
        return math.exp(-logs.max())
    rest = order - 1.0
    if abs(rest) < 0.5:
        # Near order 1 the sum is near 1, and what it differs by would drown in rounding.
        log_sum = math.log1p(math.fsum(np.exp(logs) * np.expm1(rest * logs)))
    else:
        log_sum = float(np.logaddexp.reduce(order * logs))
    return math.exp(-log_sum / rest)


def gini_simpson(shares: ArrayLike, *, renormalise: bool | None = None) -> float:
    """Return the probability that two tonnes drawn at random come from different suppliers.

    Parameters
    ----------
    shares : array_like, shape (n_suppliers,)
        Share of each supplier, as for `hhi`. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        ``1 - hhi``: 0 for a monopoly, below 1. [1]

    Raises
    ------
    ValueError
        As for `hhi`.

    Examples
    --------
    >>> round(gini_simpson([0.3, 0.3, 0.2, 0.2]), 12)
    0.74
    """
    return 1.0 - hhi(shares, renormalise=renormalise)


def n_minus_one_coverage(
    supply: ArrayLike, demand: ArrayLike, *, own_demand_leaves: bool = False
) -> float:
    r"""Return the share of demand that supply still meets without its largest supplier.

    Parameters
    ----------
    supply : array_like, shape (n_countries,)
        Supply of each country. [t/a]
    demand : array_like, shape (n_countries,)
        Demand of each country in the same order, 0 where it has none. [t/a]
    own_demand_leaves : bool, default False
        Whether the lost supplier's own demand goes with it. False sets what is left against all
        demand; True against the demand of the others, as the International Energy Agency does.

    Returns
    -------
    float
        Coverage, not cut at 1. [1]

    Raises
    ------
    ValueError
        If the two differ in shape, hold a negative number, NaN or infinity, nobody supplies, or
        no demand is left.

    Notes
    -----
    With :math:`m` the largest supplier, supply :math:`S_i` and demand :math:`D_i`,

    .. math:: \frac{\sum_{i \ne m} S_i}{\sum_i D_i} \qquad\text{or}\qquad
              \frac{\sum_{i \ne m} S_i}{\sum_{i \ne m} D_i}.

    Of several equally large suppliers the one whose loss leaves the lower coverage counts. The
    second form is the larger; where the largest supplier is also the largest user, as with
    refined copper, by much. That the agency leaves out the largest supplier with its demand is
    taken from reports on [1]_; its own figures were not recomputed.

    References
    ----------
    .. [1] International Energy Agency, Global Critical Minerals Outlook 2025, Paris, 2025,
       https://www.iea.org/reports/global-critical-minerals-outlook-2025.

    Examples
    --------
    >>> n_minus_one_coverage([60, 25, 15], [50, 30, 20])
    0.4
    >>> n_minus_one_coverage([60, 25, 15], [50, 30, 20], own_demand_leaves=True)
    0.8
    """
    supplied = as_amounts("supply", supply)
    asked = as_within("demand", demand, supplied.shape, 0.0)
    require("n_minus_one_coverage", check.flag("own_demand_leaves", own_demand_leaves))
    if not supplied.any():
        raise ValueError("supply must have a sum > 0, got 0.0")
    largest = np.flatnonzero(supplied == supplied.max())
    left = math.fsum(np.delete(supplied, largest[0]))
    if own_demand_leaves:
        needed = max(math.fsum(np.delete(asked, place)) for place in largest)
    else:
        needed = math.fsum(asked)
    if not needed > 0:
        raise ValueError(f"demand must be > 0 without the largest supplier, got {needed!r}")
    return left / needed


def binding_stage(values: Mapping[str, float]) -> BindingStage:
    """Return the stage with the highest indicator: the one that binds.

    Parameters
    ----------
    values : mapping of str to float
        An indicator by stage, such as `hhi` of mining and of refining; higher is riskier.

    Returns
    -------
    BindingStage
        Name and indicator of the stage; of equal ones the first.

    Raises
    ------
    ValueError
        If there is no stage, or an indicator is no finite number.

    Notes
    -----
    The European Commission takes the higher of the supply risks of extraction and processing [1]_.

    References
    ----------
    .. [1] European Commission, "Methodology for establishing the EU list of critical raw
       materials," 2017, :doi:`10.2873/769526`.

    Examples
    --------
    >>> binding_stage({"mine": 0.55, "refining": 0.57})
    BindingStage(stage='refining', value=0.57)
    """
    if not values:
        raise ValueError(str(Fault("values", "must hold at least 1 stage", values)))
    require("binding_stage", (f for name in values for f in check.number(name, values[name])))
    stage = max(values, key=values.__getitem__)
    return BindingStage(stage, float(values[stage]))
