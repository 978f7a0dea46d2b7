"""Short technical stops as a hazard of their own, beside those that a catalogue holds."""

from __future__ import annotations

import math
from typing import Final

from supplyrisk import _validation as check
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.durations import limited_mean
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, Scope
from supplyrisk.units import DAYS_PER_YEAR

LOST_SHARE: Final = 0.0275
"""Share of capacity lost to what the catalogue does not hold: it recovers 2 % where analysts allow
4.5 to 5 % for copper. [1]"""
MEDIAN_DAYS: Final = 1.5
"""Median of a short stop, an assumption. [d]"""
SIGMA: Final = 0.8
"""Standard deviation of the logarithm of its length, an assumption. [1]"""
LONGEST_DAYS: Final = 7.0
"""Longest short stop: longer ones are in the catalogue. [d]"""

_MOST: Final = 0.9


def short_stops(
    site_id: str,
    *,
    lost_share: float = LOST_SHARE,
    median_days: float = MEDIAN_DAYS,
    sigma: float = SIGMA,
) -> Hazard:
    r"""Hazard of the short technical stops of a site, which no catalogue of events holds.

    Parameters
    ----------
    site_id : str
        Site.
    lost_share : float, default 0.0275
        Share of the site's production that they cost on average, at most 0.9. [1]
    median_days : float, default 1.5
        Median of their length, before it is cut at 7 days. [d]
    sigma : float, default 0.8
        Standard deviation of the logarithm of their length. [1]

    Returns
    -------
    Hazard
        Stops of the whole site of at most 7 days, of the peril ``"other"``.

    Raises
    ------
    InvalidInputError
        If `lost_share` lies outside [0, 0.9], or a parameter of the length is not above 0.

    Notes
    -----
    A site with Poisson stops of rate :math:`\lambda` and length D is up with probability
    :math:`e^{-\lambda E[D] / 365}`, so :math:`\lambda = -365 \ln(1 - q) / E[D]` loses the share q.

    The default share is what analysts allow for copper, 4.5 to 5 % of capacity a year, less the 2 %
    that the catalogue recovers; the length is an assumption. They cost some metal and no surprise:
    published output has lost them already, and a plan that is made from it should not lose them
    twice. `corrected` is the other way to allow for them, a multiplier on long stops; never both.

    Examples
    --------
    >>> hazard = short_stops("bisie")
    >>> hazard.hazard_id, round(hazard.rate_pa, 1), hazard.duration.max_days
    ('bisie-short-stops', 5.1, 7.0)
    """
    faults = [
        *check.number("lost_share", lost_share, least=0.0, most=_MOST),
        *check.number("median_days", median_days, above=0.0),
        *check.number("sigma", sigma, above=0.0),
    ]
    if faults:
        raise InvalidInputError("short_stops", faults)
    length = Duration.lognormal(median_days=median_days, sigma=sigma, max_days=LONGEST_DAYS)
    mean = float(limited_mean(length, LONGEST_DAYS))
    return Hazard(
        hazard_id=f"{site_id}-short-stops",
        peril=Peril.OTHER,
        scope=Scope.site(site_id),
        rate_pa=-DAYS_PER_YEAR * math.log1p(-lost_share) / mean,
        duration=length,
    )
