"""Catalogues of stops drawn from three families of lengths; the tests of the fit load them."""

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scipy import stats

fewer = settings(max_examples=settings().max_examples // 8)

FAMILIES = ("lognormal", "weibull", "exponential")
TRUE = {
    "lognormal": {"median_days": 60.0, "sigma": 1.2},
    "weibull": {"shape": 0.8, "scale_days": 90.0},
    "exponential": {"mean_days": 100.0},
}
FLOOR = 7.0
# Watched for up to so many days beyond the truncation, 30 % of the stops are still running then.
WATCHED_UP_TO = {
    0.0: {"lognormal": 325.67, "weibull": 303.24, "exponential": 319.71},
    FLOOR: {"lognormal": 312.40, "weibull": 328.23, "exponential": 319.71},
    30.0: {"lognormal": 349.34, "weibull": 362.21, "exponential": 319.71},
}
LOG_TWO = math.log(2.0)
# Spread out enough to keep the estimates away from the edges of what the fit allows.
lengths = st.lists(st.floats(2.0, 5_000.0), min_size=4, max_size=40).filter(
    lambda days: 0.2 < np.log(days).std() < 3.0
)


def by_scipy(family, values):
    if family == "lognormal":
        return stats.lognorm(values["sigma"], scale=values["median_days"])
    if family == "weibull":
        return stats.weibull_min(values["shape"], scale=values["scale_days"])
    return stats.expon(scale=values["mean_days"])


def catalogue(family, n, seed, floor=FLOOR):
    """Stops of a family, left-truncated, about 30 % of them still running."""
    rng = np.random.default_rng([seed, n])
    length = by_scipy(family, TRUE[family])
    true = length.isf(rng.random(n) * length.sf(floor))
    watched = floor + rng.random(n) * WATCHED_UP_TO[floor][family]
    return np.minimum(true, watched), true > watched
