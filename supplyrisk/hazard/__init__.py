"""How often and how long: rates, durations and what remains of a running outage."""

from supplyrisk.hazard.residual import ResidualLife, residual_life

__all__ = ["ResidualLife", "residual_life"]
