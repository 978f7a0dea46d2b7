"""How bad a year can be: quantiles, tail means and exceedance, each with its interval.

Arrays in, numbers out. Every scenario of a sample counts the same; `loss` may be in any unit,
and each result that is a loss bears that unit.
"""

from supplyrisk.metrics.intervals import (
    ExceedanceBand,
    Interval,
    exceedance_band,
    mean_interval,
    probability_interval,
    tail_value_at_risk_interval,
    value_at_risk_interval,
)
from supplyrisk.metrics.quantile import (
    Exceedance,
    exceedance,
    loss_at_return_period,
    tail_value_at_risk,
    value_at_risk,
)

__all__ = [
    "Exceedance",
    "ExceedanceBand",
    "Interval",
    "exceedance",
    "exceedance_band",
    "loss_at_return_period",
    "mean_interval",
    "probability_interval",
    "tail_value_at_risk",
    "tail_value_at_risk_interval",
    "value_at_risk",
    "value_at_risk_interval",
]
