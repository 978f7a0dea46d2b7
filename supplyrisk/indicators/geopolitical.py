"""GeoPolRisk: concentration of the world's production times the instability behind imports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.indicators._inputs import as_amounts, as_governance, require
from supplyrisk.indicators.concentration import hhi

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def geopolrisk(
    *,
    production: ArrayLike,
    imports: ArrayLike,
    domestic_production: float,
    instability: ArrayLike,
    inside: ArrayLike | None = None,
) -> float:
    r"""Return the GeoPolRisk score of a material for a country, a group or a company.

    Parameters
    ----------
    production : array_like, shape (n_producers,)
        Production of each country of the world, without a row for the total. [t/a]
    imports : array_like, shape (n_flows,)
        Imports by partner, or by flow where several members or codes import. [t/a]
    domestic_production : float
        Production of the country or of the group; 0 for a company that only buys. [t/a]
    instability : array_like, shape (n_flows,)
        Political instability of the partner of each flow in ``[0, 1]``, as of
        `wgi_to_instability`. [1]
    inside : array_like of bool, shape (n_flows,), optional
        Which flows come from a member of the group itself: they bear no risk, yet count in the
        imports. None by default.

    Returns
    -------
    float
        Score in ``[0, 1]``; 0 where every partner is perfectly stable. [1]

    Raises
    ------
    ValueError
        If an amount is negative, NaN or infinite; if the arrays of flows differ in length; if an
        instability is missing or outside ``[0, 1]``; or if nothing is produced in the world, or
        neither imported nor produced at home: a year without figures is no year without risk.

    Notes
    -----
    .. math:: \mathrm{HHI} \cdot \frac{\sum_i g_i f_i}{p + F}, \qquad F = \sum_i f_i

    with the instability :math:`g` and the imports :math:`f` by partner [1]_, and the domestic
    production :math:`p`, which came later. Production and imports must be of one content: ore in
    gross weight against contained metal shifts the fraction, and no check can see it. Give the
    world's mine production with imports of ore, in contained metal both.

    Matched to eight scores of geopolrisk-py 2.0.1 to 1e-9 on its inputs, with its 0.5 given where
    the instability is missing (`fill_governance`). That tool also cuts production to whole tonnes
    first, which changes nothing in these inputs, and gives 0 where there are no figures.

    References
    ----------
    .. [1] E. D. Gemechu, C. Helbig, G. Sonnemann, A. Thorenz and A. Tuma, "Import-based indicator
       for the geopolitical supply risk of raw materials in life cycle sustainability assessments,"
       J. Ind. Ecol., vol. 20, no. 1, pp. 154-165, 2016, :doi:`10.1111/jiec.12279`.

    Examples
    --------
    A country that makes a fifth of what it uses, and imports from a stable and an unstable partner:

    >>> round(geopolrisk(production=[60, 30, 10], imports=[50, 30], domestic_production=20,
    ...                  instability=[0.2, 0.7]), 6)
    0.1426
    """
    concentration = hhi(production, renormalise=True)
    return concentration * import_risk(
        imports=imports,
        domestic_production=domestic_production,
        instability=instability,
        inside=inside,
    )


def import_risk(
    *,
    imports: ArrayLike,
    domestic_production: float,
    instability: ArrayLike,
    inside: ArrayLike | None = None,
) -> float:
    """Return the share of a supply that comes from unstable partners: GeoPolRisk without its HHI.

    Parameters
    ----------
    imports : array_like, shape (n_flows,)
        Imports, as for `geopolrisk`. [t/a]
    domestic_production : float
        Production of the country or of the group. [t/a]
    instability : array_like, shape (n_flows,)
        Political instability of the partner of each flow in ``[0, 1]``. [1]
    inside : array_like of bool, shape (n_flows,), optional
        Which flows come from a member of the group itself; none by default.

    Returns
    -------
    float
        Import risk in ``[0, 1]``. [1]

    Raises
    ------
    ValueError
        As for `geopolrisk`.

    Examples
    --------
    >>> import_risk(imports=[50, 30], domestic_production=20, instability=[0.2, 0.7])
    0.31
    """
    return min(math.fsum(_partner_risk(imports, domestic_production, instability, inside)), 1.0)


def geopolrisk_contributions(
    *,
    production: ArrayLike,
    imports: ArrayLike,
    domestic_production: float,
    instability: ArrayLike,
    inside: ArrayLike | None = None,
) -> Floats:
    """Return what each flow contributes to the GeoPolRisk score.

    Parameters
    ----------
    production : array_like, shape (n_producers,)
        Production of each country of the world, as for `geopolrisk`. [t/a]
    imports : array_like, shape (n_flows,)
        Imports, as for `geopolrisk`. [t/a]
    domestic_production : float
        Production of the country or of the group. [t/a]
    instability : array_like, shape (n_flows,)
        Political instability of the partner of each flow in ``[0, 1]``. [1]
    inside : array_like of bool, shape (n_flows,), optional
        Which flows come from a member of the group itself; none by default.

    Returns
    -------
    ndarray, shape (n_flows,)
        Contributions; they sum to the score. [1]

    Raises
    ------
    ValueError
        As for `geopolrisk`.

    Examples
    --------
    >>> parts = geopolrisk_contributions(production=[60, 30, 10], imports=[50, 30],
    ...                                  domestic_production=20, instability=[0.2, 0.7])
    >>> parts.round(4).tolist()
    [0.046, 0.0966]
    """
    concentration = hhi(production, renormalise=True)
    return concentration * _partner_risk(imports, domestic_production, instability, inside)


def characterisation_factor(*, score: float, price: float, copper_factor: float) -> float:
    r"""Return the GeoPolRisk characterisation factor of a material, against copper.

    Parameters
    ----------
    score : float
        GeoPolRisk score of the material in ``[0, 1]``. [1]
    price : float
        Price of the material, such as value over weight of the imports. [USD/kg]
    copper_factor : float
        The same product for copper, its score times its price, for the same buyers and years.
        [USD/kg]

    Returns
    -------
    float
        Characterisation factor. [kg copper equivalent/kg]

    Raises
    ------
    ValueError
        If the score is outside ``[0, 1]``, the price is negative, or the factor of copper is not
        above 0, or one of them is NaN.

    Notes
    -----
    .. math:: \mathrm{CF} = \frac{\mathrm{score} \cdot \mathrm{price}}
              {\mathrm{score_{Cu}} \cdot \mathrm{price_{Cu}}}

    Nothing stands in for the factor of copper. geopolrisk-py 2.0.1 divides every country's and
    every year's product by 0.409412948, which it calls an average of OECD countries for 2017-2021;
    give that to reproduce its factors (eight matched to 1e-9), not to compare years.

    References
    ----------
    .. [1] J. Santillán-Saldivar et al., "An improved resource midpoint characterization method for
       supply risk of resources: integrated assessment of Li-ion batteries," Int. J. Life Cycle
       Assess., 2022, :doi:`10.1007/s11367-022-02027-y`.

    Examples
    --------
    >>> round(characterisation_factor(score=0.14, price=30.0, copper_factor=0.06 * 9.0), 6)
    7.777778
    """
    require(
        "characterisation_factor",
        (
            *check.fraction("score", score),
            *check.number("price", price, least=0.0),
            *check.number("copper_factor", copper_factor, above=0.0),
        ),
    )
    return score * price / copper_factor


def _partner_risk(
    imports: ArrayLike,
    domestic_production: float,
    instability: ArrayLike,
    inside: ArrayLike | None,
) -> Floats:
    """Share of the supply that comes from each flow, times the instability of its partner."""
    flows = as_amounts("imports", imports)
    require("geopolrisk", check.number("domestic_production", domestic_production, least=0.0))
    risk = as_governance("instability", instability, flows.shape, 1.0)
    if inside is not None:
        members = np.asarray(inside)
        if members.dtype != np.bool_ or members.shape != flows.shape:
            raise ValueError(
                f"inside must be true or false for each of {flows.size} flows, "
                f"got {members.dtype} of shape {members.shape}"
            )
        risk = np.where(members, 0.0, risk)
    supplied = domestic_production + math.fsum(flows)
    if not supplied > 0:
        raise ValueError(
            "imports and domestic_production must not all be 0: a supply that is not known has "
            "no risk of 0"
        )
    return flows / supplied * risk
