"""Mineral supply-chain risk: disruptions, prices and buyers' exposure, simulated.

Public names are loaded on first use, so that ``import supplyrisk`` costs nothing.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Case",
    "Citation",
    "CommodityExposure",
    "Composite",
    "DisruptionEvent",
    "Duration",
    "Evidence",
    "ExactLosses",
    "Hazard",
    "InvalidInputError",
    "Market",
    "MineSite",
    "Observation",
    "Outcome",
    "Outlook",
    "Peril",
    "Policy",
    "PriceTerms",
    "RampUp",
    "RareLosses",
    "Route",
    "Scope",
    "Scorecard",
    "SmallestStock",
    "Smelter",
    "Source",
    "StressTest",
    "SupplierContributions",
    "Supply",
    "cases",
    "data",
    "exact_losses",
    "explain",
    "hazard",
    "indicator_ranks",
    "indicator_table",
    "indicators",
    "load_case",
    "load_outcome",
    "metrics",
    "n_minus",
    "origin_bounds",
    "plot",
    "rank",
    "rare_losses",
    "report",
    "save_case",
    "score",
    "simulate",
    "sites_from_frame",
    "smallest_stock",
    "stress",
    "supplier_contributions",
    "what_if",
]

if TYPE_CHECKING:  # what editors and mypy see
    from supplyrisk import data as data
    from supplyrisk import hazard as hazard
    from supplyrisk import indicators as indicators
    from supplyrisk import metrics as metrics
    from supplyrisk import plot as plot
    from supplyrisk import report as report
    from supplyrisk.analysis.contingencies import n_minus as n_minus
    from supplyrisk.analysis.indicator_tables import indicator_ranks as indicator_ranks
    from supplyrisk.analysis.indicator_tables import indicator_table as indicator_table
    from supplyrisk.analysis.origins import origin_bounds as origin_bounds
    from supplyrisk.analysis.own_stock import SmallestStock as SmallestStock
    from supplyrisk.analysis.own_stock import smallest_stock as smallest_stock
    from supplyrisk.analysis.suppliers import SupplierContributions as SupplierContributions
    from supplyrisk.analysis.suppliers import supplier_contributions as supplier_contributions
    from supplyrisk.analysis.what_ifs import what_if as what_if
    from supplyrisk.casefile.bundled import cases as cases
    from supplyrisk.casefile.bundled import load_case as load_case
    from supplyrisk.casefile.bundled import load_outcome as load_outcome
    from supplyrisk.casefile.write import save_case as save_case
    from supplyrisk.data.frames import sites_from_frame as sites_from_frame
    from supplyrisk.engine.compound import ExactLosses as ExactLosses
    from supplyrisk.engine.compound import exact_losses as exact_losses
    from supplyrisk.engine.outlook import Outlook as Outlook
    from supplyrisk.engine.rare import rare_losses as rare_losses
    from supplyrisk.engine.run import simulate as simulate
    from supplyrisk.engine.stress import StressTest as StressTest
    from supplyrisk.engine.stress import stress as stress
    from supplyrisk.engine.weighted import RareLosses as RareLosses
    from supplyrisk.errors import InvalidInputError as InvalidInputError
    from supplyrisk.explanation import explain as explain
    from supplyrisk.model.case import Case as Case
    from supplyrisk.model.chain import Route as Route
    from supplyrisk.model.chain import Smelter as Smelter
    from supplyrisk.model.duration import Duration as Duration
    from supplyrisk.model.evidence import Citation as Citation
    from supplyrisk.model.evidence import Evidence as Evidence
    from supplyrisk.model.evidence import Source as Source
    from supplyrisk.model.hazard import DisruptionEvent as DisruptionEvent
    from supplyrisk.model.hazard import Hazard as Hazard
    from supplyrisk.model.hazard import Peril as Peril
    from supplyrisk.model.hazard import RampUp as RampUp
    from supplyrisk.model.hazard import Scope as Scope
    from supplyrisk.model.insurance import Policy as Policy
    from supplyrisk.model.market import CommodityExposure as CommodityExposure
    from supplyrisk.model.market import Market as Market
    from supplyrisk.model.market import Supply as Supply
    from supplyrisk.model.outcome import Observation as Observation
    from supplyrisk.model.outcome import Outcome as Outcome
    from supplyrisk.model.site import MineSite as MineSite
    from supplyrisk.model.terms import PriceTerms as PriceTerms
    from supplyrisk.scorecard.card import Scorecard as Scorecard
    from supplyrisk.scorecard.composite import Composite as Composite
    from supplyrisk.scorecard.ranking import rank as rank
    from supplyrisk.scorecard.scoring import score as score
else:  # hidden from mypy: a visible module __getattr__ makes every misspelt name pass
    _HOME = {
        "Case": "model.case",
        "Citation": "model.evidence",
        "CommodityExposure": "model.market",
        "Composite": "scorecard.composite",
        "DisruptionEvent": "model.hazard",
        "Duration": "model.duration",
        "Evidence": "model.evidence",
        "ExactLosses": "engine.compound",
        "Hazard": "model.hazard",
        "InvalidInputError": "errors",
        "Market": "model.market",
        "MineSite": "model.site",
        "Observation": "model.outcome",
        "Outcome": "model.outcome",
        "Outlook": "engine.outlook",
        "Peril": "model.hazard",
        "Policy": "model.insurance",
        "PriceTerms": "model.terms",
        "RampUp": "model.hazard",
        "RareLosses": "engine.weighted",
        "Route": "model.chain",
        "Scope": "model.hazard",
        "Scorecard": "scorecard.card",
        "SmallestStock": "analysis.own_stock",
        "Smelter": "model.chain",
        "Source": "model.evidence",
        "StressTest": "engine.stress",
        "SupplierContributions": "analysis.suppliers",
        "Supply": "model.market",
        "cases": "casefile.bundled",
        "exact_losses": "engine.compound",
        "explain": "explanation",
        "indicator_ranks": "analysis.indicator_tables",
        "indicator_table": "analysis.indicator_tables",
        "load_case": "casefile.bundled",
        "load_outcome": "casefile.bundled",
        "n_minus": "analysis.contingencies",
        "origin_bounds": "analysis.origins",
        "rank": "scorecard.ranking",
        "rare_losses": "engine.rare",
        "save_case": "casefile.write",
        "score": "scorecard.scoring",
        "simulate": "engine.run",
        "sites_from_frame": "data.frames",
        "smallest_stock": "analysis.own_stock",
        "stress": "engine.stress",
        "supplier_contributions": "analysis.suppliers",
        "what_if": "analysis.what_ifs",
    }

    def __getattr__(name):
        from importlib import import_module

        if name in _HOME:
            value = getattr(import_module(f"supplyrisk.{_HOME[name]}"), name)
        elif name in __all__:
            value = import_module(f"supplyrisk.{name}")
        else:
            raise AttributeError(f"module 'supplyrisk' has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__():
        return sorted(__all__)
