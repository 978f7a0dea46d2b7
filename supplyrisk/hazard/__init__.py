"""How often and how long: rates, durations and what remains of a running outage."""

from supplyrisk.hazard.rates import Rate, fit_rate
from supplyrisk.hazard.residual import ResidualLife, residual_life

__all__ = ["Rate", "ResidualLife", "fit_rate", "residual_life"]
