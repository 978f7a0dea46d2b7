"""Supply risk and economic importance as the European Commission assesses them since 2017."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.indicators._inputs import as_amounts, as_shares, as_within, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

SUPPLY_RISK_THRESHOLD: Final = 1.0
"""Least supply risk of a critical raw material. [1]"""
ECONOMIC_IMPORTANCE_THRESHOLD: Final = 2.8
"""Least economic importance of a critical raw material. [1]"""


def import_reliance(*, production: float, imports: float, exports: float) -> float:
    r"""Return the share of the use of a material that net imports cover.

    Parameters
    ----------
    production : float
        Domestic production. [t/a]
    imports : float
        Imports, in the same unit and of the same content. [t/a]
    exports : float
        Exports, likewise. [t/a]

    Returns
    -------
    float
        Import reliance in ``[0, 1]``; 0 for a net exporter. [1]

    Raises
    ------
    ValueError
        If an amount is negative, NaN or infinite, or nothing is produced or traded: 0 for want of
        figures would read as independence.

    Notes
    -----
    .. math:: \mathrm{IR} = \max\Bigl(0, \frac{I - E}{P + I - E}\Bigr)

    References
    ----------
    .. [1] G. A. Blengini et al., "Assessment of the methodology for establishing the EU list of
       critical raw materials," Joint Research Centre, 2017, :doi:`10.2760/73303`.

    Examples
    --------
    >>> import_reliance(production=20.0, imports=100.0, exports=40.0)
    0.75
    >>> import_reliance(production=20.0, imports=5.0, exports=10.0)
    0.0
    """
    given = {"production": production, "imports": imports, "exports": exports}
    require("import_reliance", _not_negative(given))
    if not any(given.values()):
        raise ValueError("production, imports and exports must not all be 0: nothing is used")
    net = imports - exports
    return net / (production + net) if net > 0 else 0.0


def eu_supply_risk(
    *,
    hhi_global: float | None,
    hhi_eu: float | None,
    import_reliance: float | None,
    recycling_input_rate: float,
    substitution_index: float,
) -> float:
    r"""Return the supply risk of a material at one stage, by the method of the EU's lists.

    Parameters
    ----------
    hhi_global : float or None
        Governance-weighted HHI of world supply, 0 to 10; None where only the EU's mix is used. [1]
    hhi_eu : float or None
        The same of the EU's own sources; None where only the world's mix is used. [1]
    import_reliance : float or None
        Import reliance in ``[0, 1]``, not halved; None with one mix only, which does without. [1]
    recycling_input_rate : float
        End-of-life recycling input rate in ``[0, 1]``. [1]
    substitution_index : float
        Substitution index for supply risk in ``[0, 1]``; 1 where nothing substitutes. [1]

    Returns
    -------
    float
        Supply risk; 1.0 or more is one of the two marks of a critical raw material. [1]

    Raises
    ------
    ValueError
        If a number is NaN or outside its bounds, or both mixes, or with both mixes the import
        reliance, are missing.

    Notes
    -----
    .. math:: \mathrm{SR} = \Bigl[\mathrm{HHI_{GS}} \tfrac{\mathrm{IR}}{2}
              + \mathrm{HHI_{EU}} \bigl(1 - \tfrac{\mathrm{IR}}{2}\bigr)\Bigr]
              (1 - \mathrm{EoL}_{\mathrm{RIR}})\, \mathrm{SI_{SR}}

    With one mix alone the bracket is its index. A material assessed at extraction and at
    processing has the higher of the two: ``binding_stage({"extraction": a, "processing": b})``.
    Matched to 39 materials of the study of 2017, every published value within what the rounding
    of the published inputs allows. The studies of 2020 and 2023 say that they use the same method;
    their values were not compared.

    References
    ----------
    .. [1] G. A. Blengini et al., "Assessment of the methodology for establishing the EU list of
       critical raw materials," Joint Research Centre, 2017, :doi:`10.2760/73303`.
    .. [2] Deloitte, BGS, BRGM and TNO, "Study on the review of the list of critical raw materials:
       criticality assessments," European Commission, 2017.

    Examples
    --------
    Iron ore at extraction in 2017, for which 0.8 was published:

    >>> risk = eu_supply_risk(hhi_global=1.4, hhi_eu=0.8, import_reliance=0.74,
    ...                       recycling_input_rate=0.24, substitution_index=1.0)
    >>> round(risk, 1)
    0.8
    """
    mixes = {"hhi_global": hhi_global, "hhi_eu": hhi_eu}
    known = {name: value for name, value in mixes.items() if value is not None}
    require(
        "eu_supply_risk",
        (
            *(f for name in known for f in check.number(name, known[name], least=0.0)),
            *([] if known else [Fault("hhi_global, hhi_eu", "must not both be None", None)]),
            *(check.fraction("import_reliance", import_reliance) if len(known) == 2 else ()),
            *check.fraction("recycling_input_rate", recycling_input_rate),
            *check.fraction("substitution_index", substitution_index),
        ),
    )
    if hhi_global is None or hhi_eu is None or import_reliance is None:
        mix = next(iter(known.values()))
    else:
        mix = hhi_global * import_reliance / 2.0 + hhi_eu * (1.0 - import_reliance / 2.0)
    return mix * (1.0 - recycling_input_rate) * substitution_index


def recycling_input_rate(*, from_old_scrap: float, other_input: float) -> float:
    r"""Return the share of a material's input that comes from products at the end of their life.

    Parameters
    ----------
    from_old_scrap : float
        Material recycled from products at the end of their life. [t/a]
    other_input : float
        All other input to manufacture: primary material, and scrap that was bought. [t/a]

    Returns
    -------
    float
        End-of-life recycling input rate in ``[0, 1]``. [1]

    Raises
    ------
    ValueError
        If an amount is negative, NaN or infinite, or there is no input.

    Notes
    -----
    .. math:: \mathrm{EoL}_{\mathrm{RIR}} = \frac{R}{R + P}

    Scrap of manufacture that goes round within it counts on neither side. It is a share of what is
    used, not of what is thrown away, which is the (higher) end-of-life recycling rate. Which flows
    of a material system analysis the Commission adds to each side was not compared.

    Examples
    --------
    >>> recycling_input_rate(from_old_scrap=28.0, other_input=72.0)
    0.28
    """
    given = {"from_old_scrap": from_old_scrap, "other_input": other_input}
    require("recycling_input_rate", _not_negative(given))
    if not any(given.values()):
        raise ValueError("from_old_scrap and other_input must not both be 0")
    return from_old_scrap / (from_old_scrap + other_input)


def economic_importance(
    *,
    use_shares: ArrayLike,
    value_added: ArrayLike,
    largest_value_added: float,
    substitution_index: float,
    renormalise: bool | None = None,
) -> float:
    r"""Return how much of the EU's manufacturing rests on a material, from 0 to 10.

    Parameters
    ----------
    use_shares : array_like, shape (n_uses,)
        Share of each use in the demand of the EU. [1]
    value_added : array_like, shape (n_uses,)
        Value added of the manufacturing sector (NACE Rev. 2, two digits) of each use. [EUR/a]
    largest_value_added : float
        Value added of the largest such sector, which has 10. [EUR/a]
    substitution_index : float
        Substitution index for economic importance in ``[0, 1]``. [1]
    renormalise : bool, optional
        What to do with uses that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        Economic importance in ``[0, 10]``; 2.8 or more is one of the two marks of a critical raw
        material. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the arrays differ in length, a value added is negative or above the
        largest, or the index is outside ``[0, 1]``.

    Notes
    -----
    .. math:: \mathrm{EI} = 10\, \frac{\sum_s A_s Q_s}{\max Q}\, \mathrm{SI_{EI}}

    The sum and the index are those of the Joint Research Centre [1]_. The scale, by the largest
    sector, was not checked against the printed guidelines, and no published value was recomputed.

    References
    ----------
    .. [1] European Commission, Joint Research Centre, Raw Materials Information System, "JRC
       revised methodology: Economic Importance," https://rmis.jrc.ec.europa.eu.

    Examples
    --------
    >>> importance = economic_importance(use_shares=[0.6, 0.4], value_added=[100e9, 50e9],
    ...                                  largest_value_added=200e9, substitution_index=0.9)
    >>> round(importance, 12)
    3.6
    """
    share = as_shares("use_shares", use_shares, renormalise=renormalise)
    require(
        "economic_importance",
        (
            *check.number("largest_value_added", largest_value_added, above=0.0),
            *check.fraction("substitution_index", substitution_index),
        ),
    )
    added = as_within("value_added", value_added, share.shape, 0.0, largest_value_added)
    return 10.0 * math.fsum(share * added) / largest_value_added * substitution_index


def is_eu_critical(*, supply_risk: float, economic_importance: float) -> bool:
    """Whether a material passes both thresholds of the EU's lists since 2017.

    Parameters
    ----------
    supply_risk : float
        Supply risk, as of `eu_supply_risk`. [1]
    economic_importance : float
        Economic importance, as of `economic_importance`. [1]

    Returns
    -------
    bool
        Whether the supply risk is at least 1.0 and the economic importance at least 2.8.

    Raises
    ------
    ValueError
        If a number is negative, NaN or infinite.

    Notes
    -----
    The thresholds hold for 2017, 2020 and 2023; figures are taken as they are, where the
    Commission compares one decimal. The lists hold a few materials for other reasons: coking coal
    stayed in 2017 with an economic importance of 2.3, and those strategic by law are in since 2023.

    Examples
    --------
    >>> is_eu_critical(supply_risk=2.0, economic_importance=2.6)  # bauxite in 2017
    False
    """
    given = {"supply_risk": supply_risk, "economic_importance": economic_importance}
    require("is_eu_critical", _not_negative(given))
    return (
        supply_risk >= SUPPLY_RISK_THRESHOLD
        and economic_importance >= ECONOMIC_IMPORTANCE_THRESHOLD
    )


def eu_group_mean(values: ArrayLike) -> float:
    """Return an indicator of a group of elements, the plain mean of its members.

    Parameters
    ----------
    values : array_like, shape (n_elements,)
        Supply risk or economic importance of each element of the group. [1]

    Returns
    -------
    float
        Indicator of the group. [1]

    Raises
    ------
    ValueError
        If there is none, or one is negative, NaN or infinite.

    Notes
    -----
    The Commission lists platinum-group metals, light and heavy rare earths as groups; the members
    count the same, whatever their tonnage.

    Examples
    --------
    >>> round(eu_group_mean([1.7, 2.1, 2.5]), 12)
    2.1
    """
    members = as_amounts("values", values)
    return math.fsum(members) / members.size


def _not_negative(given: dict[str, float]) -> Iterator[Fault]:
    for name, value in given.items():
        yield from check.number(name, value, least=0.0)
