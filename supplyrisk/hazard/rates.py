"""How often: the posterior of a Poisson rate."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Gamma distribution of an event frequency.

    Attributes
    ----------
    rate_shape
        Shape of the distribution: how sure the rate is; a hazard takes it. [1]
    exposure_years
        Inverse of its scale. [a]
    """

    rate_shape: float
    exposure_years: float

    @property
    def mean(self) -> float:
        """Mean frequency [1/a]."""
        return self.rate_shape / self.exposure_years

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Central interval of the frequency [1/a].

        Parameters
        ----------
        level : float, default 0.9
            Probability that it holds, above 0 and below 1. [1]

        Returns
        -------
        tuple of float
            Lower and upper bound. [1/a]

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1).
        """
        if not (check.is_number(level) and 0.0 < level < 1.0):
            raise InvalidInputError("interval", [Fault("level", "must lie in (0, 1)", level)])
        tail = (1.0 - level) / 2.0
        low, high = special.gammaincinv(self.rate_shape, [tail, 1.0 - tail])
        return float(low) / self.exposure_years, float(high) / self.exposure_years


def fit_rate(count: int, exposure_years: float) -> Rate:
    """Posterior of a Poisson rate under Jeffreys' prior.

    Parameters
    ----------
    count : int
        Events seen.
    exposure_years : float
        Years of observation, summed over all that was observed. [a]

    Returns
    -------
    Rate
        ``Gamma(count + 1/2, 1 / exposure_years)``.

    Raises
    ------
    InvalidInputError
        If `count` is no whole number of at least 0, or `exposure_years` is not above 0.

    Notes
    -----
    For the rates of several causes fit their total and split it: a Jeffreys prior for each would
    add half an event for every cause.

    References
    ----------
    .. [1] A. Gelman et al., *Bayesian Data Analysis*, 3rd ed., CRC Press, 2013, section 2.6.

    Examples
    --------
    >>> rate = fit_rate(18, 259)
    >>> round(rate.mean, 3), [round(bound, 3) for bound in rate.interval(0.9)]
    (0.071, [0.046, 0.101])
    """
    faults = [
        *check.whole("count", count, least=0),
        *check.number("exposure_years", exposure_years, above=0.0),
    ]
    if faults:
        raise InvalidInputError("fit_rate", faults)
    return Rate(rate_shape=count + 0.5, exposure_years=float(exposure_years))
