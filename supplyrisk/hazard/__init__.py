"""How often and how long: rates, durations, what remains of a stop, conflict and evidence."""

from supplyrisk.hazard.conflict import (
    ConflictCounts,
    ConflictHistory,
    Front,
    conflict_history,
    events_near,
    front_distance,
    great_circle_km,
    times_within,
)
from supplyrisk.hazard.conflict_rate import (
    ConflictIntensity,
    ConflictKernel,
    ConflictMultiplier,
    conflict_intensity,
    conflict_multiplier,
    intensity_series,
    with_multiplier,
)
from supplyrisk.hazard.evidence_factors import BayesFactor, bayes_factors
from supplyrisk.hazard.evidence_update import EvidenceRow, Multiplier, Nowcast, nowcast
from supplyrisk.hazard.exposure import PooledRates, exposure_years, pool_rates
from supplyrisk.hazard.fitting import DurationFit, LognormalFit, fit_duration
from supplyrisk.hazard.hawkes import Hawkes, expected_events, residuals, simulate_hawkes
from supplyrisk.hazard.hawkes_fit import HawkesFit, fit_hawkes
from supplyrisk.hazard.pooling import Between, GroupFits, fit_groups, mixture_of
from supplyrisk.hazard.rates import MixedRate, Rate, corrected, fit_rate, split_rate
from supplyrisk.hazard.residual import ResidualLife, residual_life
from supplyrisk.hazard.scoring import log_score, pit, pit_histogram
from supplyrisk.hazard.short_stops import short_stops
from supplyrisk.hazard.survivors import GoodnessOfFit, KaplanMeier, goodness_of_fit, kaplan_meier

__all__ = [
    "BayesFactor",
    "Between",
    "ConflictCounts",
    "ConflictHistory",
    "ConflictIntensity",
    "ConflictKernel",
    "ConflictMultiplier",
    "DurationFit",
    "EvidenceRow",
    "Front",
    "GoodnessOfFit",
    "GroupFits",
    "Hawkes",
    "HawkesFit",
    "KaplanMeier",
    "LognormalFit",
    "MixedRate",
    "Multiplier",
    "Nowcast",
    "PooledRates",
    "Rate",
    "ResidualLife",
    "bayes_factors",
    "conflict_history",
    "conflict_intensity",
    "conflict_multiplier",
    "corrected",
    "events_near",
    "expected_events",
    "exposure_years",
    "fit_duration",
    "fit_groups",
    "fit_hawkes",
    "fit_rate",
    "front_distance",
    "goodness_of_fit",
    "great_circle_km",
    "intensity_series",
    "kaplan_meier",
    "log_score",
    "mixture_of",
    "nowcast",
    "pit",
    "pit_histogram",
    "pool_rates",
    "residual_life",
    "residuals",
    "short_stops",
    "simulate_hawkes",
    "split_rate",
    "times_within",
    "with_multiplier",
]
