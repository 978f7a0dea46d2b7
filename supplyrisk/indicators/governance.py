"""How supply is governed where it comes from: weights by country, and what is not known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.indicators._inputs import (
    as_amounts,
    as_floats,
    as_governance,
    as_shares,
    as_within,
    require,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_ESTIMATES: Final = 6
_MOST_ESTIMATE: Final = 5.0
"""Beyond every estimate ever published, far below most percentile ranks. [1]"""


class FilledGovernance(NamedTuple):
    """Governance of every supplier, and how much of it was not known.

    Attributes
    ----------
    values : ndarray, shape (n_suppliers,)
        Governance on the scale given, without gaps.
    missing_share : float
        Share of the supply whose governance was filled in. [1]
    """

    values: Floats
    missing_share: float


def fill_governance(
    governance: ArrayLike,
    supply: ArrayLike,
    *,
    missing: Literal["raise", "world_mean"] | float = "raise",
    world_mean: float | None = None,
) -> FilledGovernance:
    """Put a stated value where governance is missing, and say how much supply that concerns.

    Parameters
    ----------
    governance : array_like, shape (n_suppliers,)
        Governance of each supplier on any one scale; NaN or None where it is missing.
    supply : array_like, shape (n_suppliers,)
        Shares or amounts of the same suppliers, in any one unit.
    missing : {'raise', 'world_mean'} or float, default 'raise'
        What to put where it is missing: nothing, so that a gap is an error; the world's mean; or
        a value on the scale of `governance`.
    world_mean : float, optional
        The world's mean on the scale of `governance`; wanted with ``missing="world_mean"``.

    Returns
    -------
    FilledGovernance
        The values without gaps, and the share of the supply they were filled for.

    Raises
    ------
    ValueError
        If something is missing and `missing` is ``"raise"``; if the two arrays differ in shape,
        hold infinity, or nothing is supplied; if `missing` is no choice or number; or if the
        world's mean is wanted and not given.

    Notes
    -----
    The indicators of this room refuse what is missing. A gap that is skipped counts as perfect
    governance, and one that is filled with the middle of a scale as an opinion; both are choices,
    made here and stated with the result.

    Examples
    --------
    >>> filled = fill_governance([2.0, None, 6.0], [50, 30, 20], missing="world_mean", world_mean=5)
    >>> filled.values.tolist(), filled.missing_share
    ([2.0, 5.0, 6.0], 0.3)
    """
    supplied = as_amounts("supply", supply)
    total = math.fsum(supplied)
    if not total > 0:
        raise ValueError(f"supply must have a sum > 0, got {total!r}")
    rule = f"must be an array of numbers of shape {supplied.shape}"
    values = as_floats("governance", governance, rule)
    gaps = np.isnan(values)
    fill = _filling(missing, world_mean)
    if fill is None and gaps.any():
        raise ValueError(
            f"governance must be known for every supplier, got none for {gaps.sum()} of "
            f"{gaps.size}, the first at index {int(np.argmax(gaps))}; "
            "missing='world_mean' or a number fills it"
        )
    filled = np.where(gaps, 0.0 if fill is None else fill, values)
    filled = as_within("governance", filled, supplied.shape, -math.inf)
    return FilledGovernance(filled, math.fsum(supplied[gaps]) / total)


def _filling(missing: str | float, world_mean: float | None) -> float | None:
    """Return the value for what is missing; None where nothing may be missing."""
    if isinstance(missing, str):
        require("fill_governance", check.choice("missing", missing, ["raise", "world_mean"]))
        if missing == "raise":
            return None
        require("fill_governance", check.number("world_mean", world_mean))
        return world_mean
    require("fill_governance", check.number("missing", missing))
    return missing


def wgi_to_weight(estimates: ArrayLike) -> Floats:
    r"""Turn the six Worldwide Governance Indicators into the EU's weight: 10 is the worst.

    Parameters
    ----------
    estimates : array_like, shape (..., 6)
        The six estimates of each country, about -2.5 to 2.5, in any order; higher is better
        governed. [1]

    Returns
    -------
    ndarray, shape (...)
        Weight in ``[0, 10]``; NaN where any of the six is missing. [1]

    Raises
    ------
    ValueError
        If there are not six, one is infinite, or one lies beyond 5 either side, as percentile
        ranks and scores from 0 to 100 do.

    Notes
    -----
    .. math:: W = \min\bigl(10, \max(0, 2\,(2.5 - \bar w))\bigr)

    A country without all six has no weight: a mean over fewer would mix scales. Use one release
    for all countries; that of 2025 was made by another method than those before.

    References
    ----------
    .. [1] G. A. Blengini et al., "Assessment of the methodology for establishing the EU list of
       critical raw materials," Joint Research Centre, 2017, :doi:`10.2760/73303`.

    Examples
    --------
    >>> wgi_to_weight([[2.5] * 6, [0.0] * 6, [-2.6] * 6]).tolist()
    [0.0, 5.0, 10.0]
    """
    values = _estimates("estimates", estimates)
    if values.ndim == 0 or values.shape[-1] != _ESTIMATES:
        raise ValueError(f"estimates must have six on the last axis, got shape {values.shape}")
    return np.asarray(np.clip(2.0 * (2.5 - values.mean(axis=-1)), 0.0, 10.0))


def wgi_to_instability(political_stability: ArrayLike) -> Floats:
    r"""Turn the WGI of political stability into GeoPolRisk's instability: 1 is the worst.

    Parameters
    ----------
    political_stability : array_like
        Estimate of political stability and absence of violence, about -2.5 to 2.5; higher is
        more stable. [1]

    Returns
    -------
    ndarray
        Instability in ``[0, 1]``, of the same shape; NaN where the estimate is missing. [1]

    Raises
    ------
    ValueError
        If an estimate is infinite or lies beyond 5 either side, as percentile ranks do.

    Notes
    -----
    .. math:: g = \min\bigl(1, \max(0, 0.5 - \mathrm{PV}/5)\bigr)

    References
    ----------
    .. [1] E. D. Gemechu, C. Helbig, G. Sonnemann, A. Thorenz and A. Tuma, "Import-based indicator
       for the geopolitical supply risk of raw materials in life cycle sustainability assessments,"
       J. Ind. Ecol., vol. 20, no. 1, pp. 154-165, 2016, :doi:`10.1111/jiec.12279`.

    Examples
    --------
    >>> wgi_to_instability([2.5, 0.0, -2.55]).tolist()
    [0.0, 0.5, 1.0]
    """
    values = _estimates("political_stability", political_stability)
    return np.asarray(np.clip(0.5 - values / 5.0, 0.0, 1.0))


def _estimates(name: str, values: ArrayLike) -> Floats:
    """Return estimates, NaN where missing; refuse ranks and scores on other scales."""
    estimates = as_floats(name, values, "must be an array of numbers")
    known = estimates[~np.isnan(estimates)]
    if not (np.abs(known) <= _MOST_ESTIMATE).all():
        worst = known[np.argmax(np.abs(known))]
        raise ValueError(
            f"{name} must be WGI estimates, about -2.5 to 2.5, got {worst}; "
            "percentile ranks and scores to 100 are on other scales"
        )
    return estimates


def governance_weighted_hhi(
    shares: ArrayLike,
    governance: ArrayLike,
    *,
    trade: ArrayLike | None = None,
    renormalise: bool | None = None,
) -> float:
    r"""Return the EU's concentration index, each share weighted by how badly it is governed.

    Parameters
    ----------
    shares : array_like, shape (n_countries,)
        Share of each country in the supply, as for `hhi`. [1]
    governance : array_like, shape (n_countries,)
        Weight of each country in ``[0, 10]``, 10 the worst, as of `wgi_to_weight`. [1]
    trade : array_like, shape (n_countries,), optional
        Factor for trade with each country: above 1 where it restricts exports, below 1 where an
        agreement keeps them open; 1 by default. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        The index, in ``[0, 10]`` where no trade factor exceeds 1. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the arrays differ in length; if a weight is missing or outside
        ``[0, 10]``, as estimates of the WGI below 0 are; or if a trade factor is negative.

    Notes
    -----
    .. math:: \mathrm{HHI}_{\mathrm{WGI},t} = \sum_c s_c^2 \, W_c \, t_c

    The Commission computes it for world supply and for the EU's own mix of sources [1]_. Its
    factors of trade are an input here; their values were not compared.

    References
    ----------
    .. [1] G. A. Blengini et al., "Assessment of the methodology for establishing the EU list of
       critical raw materials," Joint Research Centre, 2017, :doi:`10.2760/73303`.

    Examples
    --------
    >>> governance_weighted_hhi([0.5, 0.5], [2.0, 6.0])
    2.0
    >>> governance_weighted_hhi([0.5, 0.5], [2.0, 6.0], trade=[0.8, 1.0])
    1.9
    """
    share = as_shares("shares", shares, renormalise=renormalise)
    weight = as_governance("governance", governance, share.shape, 10.0)
    factor = 1.0 if trade is None else as_within("trade", trade, share.shape, 0.0)
    return math.fsum(share * share * weight * factor)


def lens_weighted_concentration(
    shares: ArrayLike, lens: ArrayLike, *, renormalise: bool | None = None
) -> float:
    r"""Return the concentration under a lens of one's own, share and risk both squared.

    Parameters
    ----------
    shares : array_like, shape (n_countries,)
        Share of each country in the supply, as for `hhi`. [1]
    lens : array_like, shape (n_countries,)
        Any risk of each country from 0 to 10, 10 the worst. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        The index, in ``[0, 10]``. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the arrays differ in length; or if a risk is missing or outside
        ``[0, 10]``.

    Notes
    -----
    .. math:: \frac{1}{10} \sum_c (s_c r_c)^2

    The form is that of a public tool on the production figures of the British Geological
    Survey [1]_, from its description; no value of it was compared. The tool puts 5 where a risk is
    missing; here `fill_governance` must be told so. The Survey's own supply-risk index is another
    one.

    References
    ----------
    .. [1] Hoskins Circular, BGS mineral supply risk widget, specification of the method,
       https://github.com/GoddinJ/Critical-Minerals.

    Examples
    --------
    >>> lens_weighted_concentration([0.5, 0.5], [4.0, 8.0])
    2.0
    """
    share = as_shares("shares", shares, renormalise=renormalise)
    risk = as_governance("lens", lens, share.shape, 10.0)
    return math.fsum((share * risk) ** 2) / 10.0


def weighted_country_risk(
    shares: ArrayLike, wgi_mean: ArrayLike, *, renormalise: bool | None = None
) -> float:
    r"""Return the mean governance behind a supply, as in the German list of raw materials.

    Parameters
    ----------
    shares : array_like, shape (n_countries,)
        Share of each country in the supply, as for `hhi`. [1]
    wgi_mean : array_like, shape (n_countries,)
        Mean of the six WGI estimates of each country, about -2.5 to 2.5. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        Weighted country risk on the scale of the estimates. Here *lower* is riskier. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the arrays differ in length; if an estimate is missing, or lies beyond 5
        either side.

    Notes
    -----
    .. math:: \sum_c s_c \bar w_c

    DERA prints it beside the HHI of mining, refining and trade. That it is signed and on this
    scale is confirmed by its printed tables (0.48 for the iron ore trade of South Africa, Canada
    and Germany, -0.51 for pig iron [1]_); no value was recomputed. Its classes (low risk above
    0.5, high below -0.5, and for the HHI 0.15 and 0.25) were not confirmed, so no function applies
    them.

    References
    ----------
    .. [1] DERA, "DERA-Rohstoffliste 2021: Angebotskonzentration bei mineralischen Rohstoffen und
       Zwischenprodukten," DERA Rohstoffinformationen, Berlin, 2021, ISBN 978-3-948532-45-1.

    Examples
    --------
    >>> round(weighted_country_risk([0.6, 0.4], [-0.5, 1.5]), 12)
    0.3
    """
    share = as_shares("shares", shares, renormalise=renormalise)
    mean = as_within("wgi_mean", wgi_mean, share.shape, -_MOST_ESTIMATE, _MOST_ESTIMATE)
    return math.fsum(share * mean)
