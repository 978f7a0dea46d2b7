"""How hard a material is to replace, as the European Commission counts it since 2017."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.indicators._inputs import SUM_TOLERANCE, as_floats, as_shares, as_within, require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Best cost first; the columns are similar and reduced performance.
_COST_PERFORMANCE: Final = {
    "similar_or_lower": (0.7, 0.8),
    "slightly_higher": (0.8, 0.9),
    "very_high": (0.9, 1.0),
}
_PERFORMANCE: Final = ("similar", "reduced")
_PRODUCTION: Final = {"higher": 0.8, "similar_or_lower": 1.0}
_CO_PRODUCTION: Final = {"primary": 0.8, "mixed": 0.9, "by_product": 1.0}


def substitution_index(
    *,
    use_shares: ArrayLike,
    substitute_shares: ArrayLike,
    parameters: ArrayLike,
    renormalise: bool | None = None,
) -> float:
    r"""Return a substitution index: 1 where nothing can replace the material.

    Parameters
    ----------
    use_shares : array_like, shape (n_uses,)
        Share of each use in the demand of the EU. [1]
    substitute_shares : array_like, shape (n_uses, n_substitutes)
        Share of each use that each substitute can take over; at most 1 in a use together. [1]
    parameters : array_like, shape (n_uses, n_substitutes) or (n_substitutes,)
        Parameter of each substitute in ``[0, 1]``: `cost_performance` for the index of economic
        importance, `substitute_availability` for that of supply risk. [1]
    renormalise : bool, optional
        What to do with uses that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        The index in ``[0, 1]``. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the shapes do not fit, a number is outside ``[0, 1]``, or substitutes take
        over more than the whole of a use.

    Notes
    -----
    .. math:: \mathrm{SI} = \sum_a A_a \Bigl[1 - \sum_i S_{a,i} (1 - p_{a,i})\Bigr]

    What no substitute takes over counts with 1. The equation was not checked against the printed
    guidelines of 2017; published indices were not recomputed, as the shares behind them stand only
    in the fact sheets.

    References
    ----------
    .. [1] G. A. Blengini et al., "Assessment of the methodology for establishing the EU list of
       critical raw materials," Joint Research Centre, 2017, :doi:`10.2760/73303`.

    Examples
    --------
    Half of one of two uses could go to a substitute as good and as cheap:

    >>> index = substitution_index(use_shares=[0.6, 0.4], substitute_shares=[[0.5], [0.0]],
    ...                            parameters=[cost_performance("similar_or_lower", "similar")])
    >>> round(index, 12)
    0.91
    """
    uses = as_shares("use_shares", use_shares, renormalise=renormalise)
    rule = "must be an array of numbers of shape (n_uses, n_substitutes)"
    taken = as_floats("substitute_shares", substitute_shares, rule)
    if taken.ndim != 2 or len(taken) != len(uses):
        raise ValueError(f"substitute_shares {rule}, got {taken.shape} for {len(uses)} uses")
    taken = as_within("substitute_shares", taken, taken.shape, 0.0, 1.0)
    if (taken.sum(axis=1) > 1.0 + SUM_TOLERANCE).any():
        most = float(taken.sum(axis=1).max())
        raise ValueError(f"substitute_shares of a use must sum to at most 1, got {most:.9g}")
    given = as_floats("parameters", parameters, rule)
    own = given.shape if given.ndim == 1 and given.shape == taken.shape[1:] else taken.shape
    eased = (taken * (1.0 - as_within("parameters", given, own, 0.0, 1.0))).sum(axis=1)
    return math.fsum(uses * (1.0 - np.minimum(eased, 1.0)))


def cost_performance(
    cost: Literal["similar_or_lower", "slightly_higher", "very_high"],
    performance: Literal["similar", "reduced"],
) -> float:
    """Return the parameter of a substitute for economic importance, by cost and performance.

    Parameters
    ----------
    cost : {'similar_or_lower', 'slightly_higher', 'very_high'}
        Cost of the substitute against that of the material; slightly higher is up to twice.
    performance : {'similar', 'reduced'}
        Performance of the substitute in the use.

    Returns
    -------
    float
        From 0.7, as good and as cheap, to 1, no help. [1]

    Raises
    ------
    ValueError
        If one is none of the choices.

    Notes
    -----
    ================  ===========  ===========
    cost              similar      reduced
    ================  ===========  ===========
    similar or lower  0.7          0.8
    slightly higher   0.8          0.9
    very high         0.9          1.0
    ================  ===========  ===========

    The table was not checked against the printed guidelines of 2017, and no published index was
    recomputed from it.

    Examples
    --------
    >>> cost_performance("slightly_higher", "reduced")
    0.9
    """
    require(
        "cost_performance",
        (
            *check.choice("cost", cost, _COST_PERFORMANCE),
            *check.choice("performance", performance, _PERFORMANCE),
        ),
    )
    return _COST_PERFORMANCE[cost][_PERFORMANCE.index(performance)]


def substitute_availability(
    *,
    production: Literal["higher", "similar_or_lower"],
    critical: bool,
    co_production: Literal["primary", "mixed", "by_product"],
) -> float:
    r"""Return the parameter of a substitute for supply risk, by how it can be had itself.

    Parameters
    ----------
    production : {'higher', 'similar_or_lower'}
        World production of the substitute against that of the material.
    critical : bool
        Whether the substitute is on the EU's latest list itself.
    co_production : {'primary', 'mixed', 'by_product'}
        Whether the substitute is mined for its own sake, both ways, or as a by-product alone.

    Returns
    -------
    float
        From 0.8, plentiful, not critical and mined for its own sake, to 1, no help. [1]

    Raises
    ------
    ValueError
        If one is none of the choices.

    Notes
    -----
    .. math:: p = (\mathrm{SP}\cdot\mathrm{SCr}\cdot\mathrm{SCo})^{1/3}

    with SP 0.8 for a higher production and else 1, SCr 0.8 for one not critical and else 1, SCo
    0.8, 0.9 and 1. The values were not checked against the printed guidelines of 2017, and no
    published index was recomputed from them.

    Examples
    --------
    >>> round(substitute_availability(production="higher", critical=False,
    ...                               co_production="mixed"), 6)
    0.832034
    """
    require(
        "substitute_availability",
        (
            *check.choice("production", production, _PRODUCTION),
            *check.flag("critical", critical),
            *check.choice("co_production", co_production, _CO_PRODUCTION),
        ),
    )
    criticality = 1.0 if critical else 0.8
    return math.cbrt(_PRODUCTION[production] * criticality * _CO_PRODUCTION[co_production])
