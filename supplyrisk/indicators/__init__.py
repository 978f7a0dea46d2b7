"""Indicators of concentration and supply risk, as governments and researchers publish them.

Arrays in, numbers out; shares are fractions, never percent. What is missing is refused: no
indicator reads a gap as safe.
"""

from supplyrisk.indicators.concentration import (
    BindingStage,
    binding_stage,
    gini_simpson,
    hhi,
    hill_number,
    n_minus_one_coverage,
    normalised_hhi,
    shannon_entropy,
    top_share,
)
from supplyrisk.indicators.eu_crm import (
    economic_importance,
    eu_group_mean,
    eu_supply_risk,
    import_reliance,
    is_eu_critical,
    recycling_input_rate,
)
from supplyrisk.indicators.geopolitical import (
    characterisation_factor,
    geopolrisk,
    geopolrisk_contributions,
    import_risk,
)
from supplyrisk.indicators.governance import (
    FilledGovernance,
    fill_governance,
    governance_weighted_hhi,
    lens_weighted_concentration,
    weighted_country_risk,
    wgi_to_instability,
    wgi_to_weight,
)
from supplyrisk.indicators.grouped import geopolrisk_by_group, hhi_by_group
from supplyrisk.indicators.substitution import (
    cost_performance,
    substitute_availability,
    substitution_index,
)
from supplyrisk.indicators.usgs import (
    RelianceBounds,
    disruption_potential,
    economic_vulnerability,
    net_import_reliance,
    probability_weighted_loss,
    reliance_bounds,
    trade_exposure,
    us_supply_risk,
)

__all__ = [
    "BindingStage",
    "FilledGovernance",
    "RelianceBounds",
    "binding_stage",
    "characterisation_factor",
    "cost_performance",
    "disruption_potential",
    "economic_importance",
    "economic_vulnerability",
    "eu_group_mean",
    "eu_supply_risk",
    "fill_governance",
    "geopolrisk",
    "geopolrisk_by_group",
    "geopolrisk_contributions",
    "gini_simpson",
    "governance_weighted_hhi",
    "hhi",
    "hhi_by_group",
    "hill_number",
    "import_reliance",
    "import_risk",
    "is_eu_critical",
    "lens_weighted_concentration",
    "n_minus_one_coverage",
    "net_import_reliance",
    "normalised_hhi",
    "probability_weighted_loss",
    "recycling_input_rate",
    "reliance_bounds",
    "shannon_entropy",
    "substitute_availability",
    "substitution_index",
    "top_share",
    "trade_exposure",
    "us_supply_risk",
    "weighted_country_risk",
    "wgi_to_instability",
    "wgi_to_weight",
]
