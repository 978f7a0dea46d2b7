"""Indicators of the U.S. Geological Survey: reliance on imports, and the parts of supply risk."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.indicators._inputs import (
    as_amounts,
    as_floats,
    as_governance,
    as_shares,
    as_within,
    require,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_PUBLISHED: Final = re.compile(r"([<>]?) ?(\d{1,3})", re.ASCII)


class RelianceBounds(NamedTuple):
    """What a published net import reliance says, which is often not one number.

    Attributes
    ----------
    low : float
        Least reliance; minus infinity for a net exporter. [1]
    high : float
        Most. [1]
    """

    low: float
    high: float


def net_import_reliance(*, apparent_consumption: float, production: float) -> float:
    r"""Return the share of apparent consumption that net imports and stocks cover.

    Parameters
    ----------
    apparent_consumption : float
        Production plus imports minus exports, plus or minus changes of stocks. [t/a]
    production : float
        Domestic production, secondary production included where the publisher does. [t/a]

    Returns
    -------
    float
        Net import reliance, at most 1; negative for a net exporter, which the Survey prints as
        ``E``. [1]

    Raises
    ------
    ValueError
        If the consumption is not above 0 or the production negative, or one of them is missing,
        NaN or infinite: the reliance is then not 0 but not known.

    Notes
    -----
    .. math:: \mathrm{NIR} = \frac{C - P}{C}

    Confirmed by the definition that the Survey prints with each mineral, and by its figures for
    rare earths 2020-2024 [1]_, all five within their printed precision. For small production the
    Survey prints ``>95``; `reliance_bounds` reads such forms.

    References
    ----------
    .. [1] U.S. Geological Survey, "Mineral commodity summaries 2025," 2025,
       :doi:`10.3133/mcs2025`.

    Examples
    --------
    Rare earths in 2024, printed as 80 %:

    >>> round(net_import_reliance(apparent_consumption=6_600, production=1_300), 3)
    0.803
    """
    require(
        "net_import_reliance",
        (
            *check.number("apparent_consumption", apparent_consumption, above=0.0),
            *check.number("production", production, least=0.0),
        ),
    )
    return (apparent_consumption - production) / apparent_consumption


def reliance_bounds(published: str) -> RelianceBounds:
    """Return the bounds that a net import reliance as it is printed stands for.

    Parameters
    ----------
    published : str
        Percentage as printed: ``80``, ``>95``, ``<1``, or ``E`` for a net exporter.

    Returns
    -------
    RelianceBounds
        Least and most reliance. A plain percentage was rounded, a half either side. [1]

    Raises
    ------
    ValueError
        If it is none of these: ``NA``, ``W`` (withheld) or an empty cell are no reliance of 0.

    Examples
    --------
    >>> reliance_bounds(">95")
    RelianceBounds(low=0.95, high=1.0)
    >>> reliance_bounds("80")
    RelianceBounds(low=0.795, high=0.805)
    >>> reliance_bounds("E")
    RelianceBounds(low=-inf, high=0.0)
    """
    text = published.strip() if isinstance(published, str) else ""
    if text == "E":
        return RelianceBounds(-math.inf, 0.0)
    found = _PUBLISHED.fullmatch(text)
    if found is None or int(found[2]) > 100:
        rule = "must be a percentage as printed, such as '80', '>95', '<1' or 'E'"
        raise ValueError(str(Fault("published", rule, published)))
    percent = int(found[2])
    if found[1]:
        low, high = (percent, 100) if found[1] == ">" else (0, percent)
        return RelianceBounds(low / 100, high / 100)
    return RelianceBounds(max(0.0, percent - 0.5) / 100, min(100.0, percent + 0.5) / 100)


def disruption_potential(
    shares: ArrayLike,
    *,
    ability: ArrayLike,
    willingness: ArrayLike,
    renormalise: bool | None = None,
) -> float:
    r"""Return how likely foreign supply is disrupted, in the manner of 2020.

    Parameters
    ----------
    shares : array_like, shape (n_countries,)
        Share of each country in the world's production, as for `hhi`. [1]
    ability : array_like, shape (n_countries,)
        Risk that each country is not able to supply, from 0 to 1, 1 the worst. [1]
    willingness : array_like, shape (n_countries,)
        Risk that each country is not willing to supply, from 0 to 1, 1 the worst. [1]
    renormalise : bool, optional
        What to do with shares that do not sum to 1, as for `hhi`.

    Returns
    -------
    float
        Disruption potential in ``[0, 1]``. [1]

    Raises
    ------
    ValueError
        As for `hhi`; if the arrays differ in length; or if an index is missing or outside
        ``[0, 1]``.

    Notes
    -----
    .. math:: \mathrm{DP} = \sum_c s_c^2\, a_c\, w_c

    Confirmed: that it is the first of three parts of supply risk and stands for the likelihood of
    a foreign disruption [1]_. The product, and that the two indices run from 0 to 1 with 1 the
    worst, are as a public re-implementation of the paper has them; the paper's own equations, its
    rescaling over all commodities and how it makes the two indices (investors' perception of
    policy; trade ties, shared values and military cooperation) were not compared, and no published
    value was recomputed.

    References
    ----------
    .. [1] N. T. Nassar et al., "Evaluating the mineral commodity supply risk of the U.S.
       manufacturing sector," Sci. Adv., vol. 6, no. 8, eaay8647, 2020,
       :doi:`10.1126/sciadv.aay8647`.

    Examples
    --------
    >>> disruption_potential([0.5, 0.5], ability=[0.5, 1.0], willingness=[0.0, 0.8])
    0.2
    """
    share = as_shares("shares", shares, renormalise=renormalise)
    able = as_governance("ability", ability, share.shape, 1.0)
    willing = as_governance("willingness", willingness, share.shape, 1.0)
    return math.fsum(share * share * able * willing)


def trade_exposure(*, net_import_reliance: float) -> float:
    """Return how far manufacturers depend on foreign supply, in the manner of 2020.

    Parameters
    ----------
    net_import_reliance : float
        Net import reliance, at most 1; negative for a net exporter. [1]

    Returns
    -------
    float
        Trade exposure in ``[0, 1]``: the reliance, 0 for a net exporter. [1]

    Raises
    ------
    ValueError
        If the reliance is above 1, NaN or infinite.

    Notes
    -----
    Confirmed: that the second part of supply risk is the dependence on foreign supply [1]_. That it
    is the net import reliance itself is as a public re-implementation has it; what the paper does
    with net exporters, here 0, was not compared.

    References
    ----------
    .. [1] N. T. Nassar et al., "Evaluating the mineral commodity supply risk of the U.S.
       manufacturing sector," Sci. Adv., vol. 6, no. 8, eaay8647, 2020,
       :doi:`10.1126/sciadv.aay8647`.

    Examples
    --------
    >>> trade_exposure(net_import_reliance=0.8), trade_exposure(net_import_reliance=-0.3)
    (0.8, 0.0)
    """
    require("trade_exposure", check.number("net_import_reliance", net_import_reliance, most=1.0))
    return max(0.0, net_import_reliance)


def economic_vulnerability(
    *,
    value_added: ArrayLike,
    expenditure: ArrayLike,
    operating_profit: ArrayLike,
    gross_domestic_product: float,
) -> float:
    r"""Return how badly manufacturers could bear a disruption, in the manner of 2020.

    Parameters
    ----------
    value_added : array_like, shape (n_industries,)
        Value added of each industry that uses the material. [USD/a]
    expenditure : array_like, shape (n_industries,)
        What each industry spends on the material. [USD/a]
    operating_profit : array_like, shape (n_industries,)
        Operating profit of each industry, above 0. [USD/a]
    gross_domestic_product : float
        Gross domestic product of the economy, above 0. [USD/a]

    Returns
    -------
    float
        Economic vulnerability, at least 0 and not bounded above. [1]

    Raises
    ------
    ValueError
        If the arrays differ in length, a number is negative, NaN or infinite, or a profit or the
        product is 0.

    Notes
    -----
    .. math:: \mathrm{EV} = \sum_j \frac{V_j}{\mathrm{GDP}} \, \frac{X_j}{\Pi_j}

    Confirmed: that the third part of supply risk is the ability of manufacturers to withstand a
    disruption [1]_. The sum is as a public re-implementation has it. How the paper treats
    industries at a loss (refused here) and how it rescales over all commodities were not compared,
    and no published value was recomputed.

    References
    ----------
    .. [1] N. T. Nassar et al., "Evaluating the mineral commodity supply risk of the U.S.
       manufacturing sector," Sci. Adv., vol. 6, no. 8, eaay8647, 2020,
       :doi:`10.1126/sciadv.aay8647`.

    Examples
    --------
    >>> economic_vulnerability(value_added=[40e9, 10e9], expenditure=[1e9, 2e9],
    ...                        operating_profit=[8e9, 2e9], gross_domestic_product=20e12)
    0.00075
    """
    added = as_amounts("value_added", value_added)
    spent = as_within("expenditure", expenditure, added.shape, 0.0)
    profit = as_within("operating_profit", operating_profit, added.shape, 0.0)
    if not profit.all():
        raise ValueError("operating_profit must be > 0 in every industry, got 0.0")
    gdp = gross_domestic_product
    require("economic_vulnerability", check.number("gross_domestic_product", gdp, above=0.0))
    return math.fsum(added / gdp * spent / profit)


def us_supply_risk(
    *, disruption_potential: float, trade_exposure: float, economic_vulnerability: float
) -> float:
    r"""Return the geometric mean of the three parts of supply risk of 2020.

    Parameters
    ----------
    disruption_potential : float
        Disruption potential in ``[0, 1]``. [1]
    trade_exposure : float
        Trade exposure in ``[0, 1]``. [1]
    economic_vulnerability : float
        Economic vulnerability, at least 0, on whatever scale all commodities are compared. [1]

    Returns
    -------
    float
        Supply risk; 0 where any part is 0. [1]

    Raises
    ------
    ValueError
        If a part is NaN or outside its bounds.

    Notes
    -----
    .. math:: \mathrm{SR} = (\mathrm{DP} \cdot \mathrm{TE} \cdot \mathrm{EV})^{1/3}

    Confirmed: that supply risk is where the three come together [1]_. That it is their geometric
    mean is as a public re-implementation has it. The paper's parts are rescaled over its 52
    commodities, which was not reproduced; so this value ranks commodities computed alike, and has
    no threshold.

    References
    ----------
    .. [1] N. T. Nassar et al., "Evaluating the mineral commodity supply risk of the U.S.
       manufacturing sector," Sci. Adv., vol. 6, no. 8, eaay8647, 2020,
       :doi:`10.1126/sciadv.aay8647`.

    Examples
    --------
    >>> round(us_supply_risk(disruption_potential=0.2, trade_exposure=0.8,
    ...                      economic_vulnerability=0.1), 6)
    0.251984
    """
    require(
        "us_supply_risk",
        (
            *check.fraction("disruption_potential", disruption_potential),
            *check.fraction("trade_exposure", trade_exposure),
            *check.number("economic_vulnerability", economic_vulnerability, least=0.0),
        ),
    )
    return math.cbrt(disruption_potential * trade_exposure * economic_vulnerability)


def probability_weighted_loss(probability: ArrayLike, loss: ArrayLike) -> float:
    r"""Return the expected loss over scenarios of disruption, in the manner of 2025.

    Parameters
    ----------
    probability : array_like, shape (n_scenarios,)
        Probability of each scenario within a year, in ``[0, 1]``; they need not exclude each
        other. [1/a]
    loss : array_like, shape (n_scenarios,)
        Loss in each scenario; negative for a gain. [USD]

    Returns
    -------
    float
        Expected loss. [USD/a]

    Raises
    ------
    ValueError
        If the arrays differ in length, a probability is outside ``[0, 1]``, or a number is NaN or
        infinite.

    Notes
    -----
    .. math:: \sum_k p_k L_k

    Confirmed: that the report weighs the effect of each of over 1,200 scenarios on gross domestic
    product with the scenario's probability [1]_. Its probabilities and its model of the economy,
    which give the two arrays, are not part of the library; `sr.simulate` makes losses of its own.

    References
    ----------
    .. [1] U.S. Geological Survey, "Methodology and technical input for the 2025 U.S. list of
       critical minerals," Open-File Report 2025-1047, 2025, :doi:`10.3133/ofr20251047`.

    Examples
    --------
    >>> probability_weighted_loss([0.1, 0.02], [1e9, 30e9])
    700000000.0
    """
    weight = as_amounts("probability", probability)
    weight = as_within("probability", weight, weight.shape, 0.0, 1.0)
    lost = as_floats("loss", loss, "must be an array of numbers")
    return math.fsum(weight * as_within("loss", lost, weight.shape, -math.inf))
