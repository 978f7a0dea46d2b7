"""How long: lengths from stops of which some are not over and the short are not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard import _likelihood as core
from supplyrisk.hazard import scoring
from supplyrisk.hazard._families import FAMILIES, begin_of, family_box, profile_ends
from supplyrisk.hazard._rows import Rows, rows_of
from supplyrisk.hazard.rates import tails
from supplyrisk.model.duration import Duration

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from supplyrisk.model.duration import Lognormal

    Floats = NDArray[np.float64]

Family = Literal["lognormal", "weibull", "exponential"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DurationFit:
    """A length fitted to observed stops by maximum likelihood.

    Attributes
    ----------
    family
        One of ``"lognormal"``, ``"weibull"``, ``"exponential"``.
    parameters
        Estimates by name, as the constructor of the family takes them.
    covariance
        Covariance of the logarithms of the parameters, in their order; from the observed
        information, shape (n_parameters, n_parameters). [1]
    log_likelihood
        Its logarithm at the estimates; densities are per day.
    on_edge
        Whether the estimates lie on the edge of what is allowed: the rows do not hold them.
    rows
        Stops fitted.
    """

    family: Family
    parameters: Mapping[str, float]
    covariance: Floats
    log_likelihood: float
    on_edge: bool
    rows: Rows

    @property
    def duration(self) -> Duration:
        """Length by the estimates alone, as if they were certain."""
        constructor = getattr(Duration, self.family)
        made: Duration = constructor(**self.parameters)
        return made

    @property
    def predictive(self) -> Duration:
        r"""Length that holds the uncertainty of its mean as well.

        Returns
        -------
        Duration
            A lognormal, or a Weibull for the other two families.

        Notes
        -----
        A stop to come varies about a mean that is itself uncertain: the variance of the logarithm
        of its length is the sum of the two, and its mean stays. For a lognormal :math:`\sigma^2`
        becomes :math:`\sigma^2 + V`, with V the variance of the logarithm of the median. For a
        Weibull, whose :math:`\ln D` has mean :math:`m = \ln \lambda - \gamma / k` and variance
        :math:`\pi^2 / (6 k^2)`, :math:`1/k^2` becomes :math:`1/k^2 + 6 V_m / \pi^2` at the same m;
        an exponential widens into a Weibull of shape below 1.
        """
        mu, sigma = self._location()
        kernel = FAMILIES[self.family].kernel
        # d (mu + sigma E[W]) by the logarithms of the parameters.
        slopes = {
            "median_days": 1.0,
            "sigma": 0.0,
            "scale_days": 1.0,
            "shape": -sigma * kernel.mean,
            "mean_days": 1.0,
        }
        slope = np.array([slopes[name] for name in self.parameters])
        extra = float(slope @ self.covariance @ slope) / kernel.variance
        wider = float(np.sqrt(sigma**2 + extra))
        if self.family == "lognormal":
            return Duration.lognormal(median_days=float(np.exp(mu)), sigma=wider)
        scale = float(np.exp(mu + (sigma - wider) * kernel.mean))
        return Duration.weibull(shape=1.0 / wider, scale_days=scale)

    @property
    def median_days(self) -> float:
        """Median of the length by the estimates alone [d]."""
        mu, sigma = self._location()
        return float(np.exp(mu + sigma * FAMILIES[self.family].kernel.log_median))

    @property
    def aic(self) -> float:
        """Akaike's information criterion, lower being better."""
        return 2.0 * len(self.parameters) - 2.0 * self.log_likelihood

    @property
    def n_stops(self) -> int:
        """Number of stops fitted."""
        return self.rows.n_stops

    @property
    def n_censored(self) -> int:
        """Number of stops of which only a lower bound is known."""
        return self.rows.n_censored

    def interval(self, level: float = 0.9, quantity: str = "median_days") -> tuple[float, float]:
        r"""Interval of the median or of a parameter, by profile likelihood.

        Parameters
        ----------
        level : float, default 0.9
            Probability that it holds, above 0 and below 1. [1]
        quantity : str, default "median_days"
            ``"median_days"`` or the name of a parameter.

        Returns
        -------
        tuple of float
            Lower and upper bound; 0 or infinity where the rows set none.

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1) or the family has no such quantity.

        Notes
        -----
        All values at which the likelihood, at its top over the other parameter, is below its
        maximum by at most half the `level` quantile of :math:`\chi^2_1` [1]_.

        References
        ----------
        .. [1] J. F. Lawless, *Statistical Models and Methods for Lifetime Data*, 2nd ed., Wiley,
           2003, :doi:`10.1002/9781118033005`, appendix C.
        """
        family = FAMILIES[self.family]
        faults = [*check.choice("quantity", quantity, family.quantities)]
        if not (check.is_number(level) and 0.0 < level < 1.0):
            faults.append(Fault("level", "must lie in (0, 1)", level))
        if faults:
            raise InvalidInputError("interval", faults)
        wanted = family.quantities[quantity]
        drop = 0.5 * float(special.ndtri(0.5 + 0.5 * level)) ** 2
        mu, sigma = self._location()
        ends = profile_ends(self.rows, family, wanted, at=(mu, sigma), drop=drop)
        low, high = sorted(float(np.exp(wanted.sign * end)) for end in ends)
        return low, high

    def log_score(
        self,
        days: ArrayLike,
        censored: ArrayLike | None = None,
        truncated_below_days: ArrayLike | None = None,
    ) -> Floats:
        """Log score of new stops under the predictive length; see `scoring.log_score`."""
        return scoring.log_score(self.predictive, days, censored, truncated_below_days)

    def pit(
        self,
        days: ArrayLike,
        censored: ArrayLike | None = None,
        truncated_below_days: ArrayLike | None = None,
    ) -> Floats:
        """Probability integral transform of new stops, predictive; see `scoring.pit`."""
        return scoring.pit(self.predictive, days, censored, truncated_below_days)

    def _location(self) -> tuple[float, float]:
        """Return mu and sigma of ``log(days) = mu + sigma W``."""
        held = self.parameters
        if self.family == "lognormal":
            return float(np.log(held["median_days"])), held["sigma"]
        if self.family == "weibull":
            return float(np.log(held["scale_days"])), 1.0 / held["shape"]
        return float(np.log(held["mean_days"])), 1.0


def fit_duration(
    days: ArrayLike,
    censored: ArrayLike | None = None,
    truncated_below_days: ArrayLike | None = None,
    family: Family = "lognormal",
) -> DurationFit:
    r"""Fit a length by maximum likelihood.

    Parameters
    ----------
    days : array_like, shape (n_stops,)
        Length of each stop, or how long it has been running; above 0. [d]
    censored : array_like of bool, shape (n_stops,), optional
        Whether a stop was still running, so that its length is a lower bound.
    truncated_below_days : array_like, shape () or (n_stops,), optional
        Stops shorter than this are not among the rows. [d]
    family : {"lognormal", "weibull", "exponential"}, default "lognormal"
        Family of the length.

    Returns
    -------
    DurationFit
        Estimates with their covariance and intervals, the length, and how well it fits.

    Raises
    ------
    InvalidInputError
        If fewer stops have ended than the family has parameters, a length is not above 0 or below
        the truncation, the shapes differ, or there is no such family.

    Notes
    -----
    A stop that ended adds :math:`\ln f(d)`, one still running :math:`\ln S(d)`, and each subtracts
    :math:`\ln S(L)` for the truncation at L [1]_; whatever ended the watching must not depend on
    the stop. A median (scale, for the Weibull) below a twentieth of the shortest stop, and a
    standard deviation :math:`\sigma` (or :math:`1/k`) of more than 4 or less than 0.05, are not
    allowed: truncated rows that look like a power law drive a lognormal there.

    References
    ----------
    .. [1] J. F. Lawless, *Statistical Models and Methods for Lifetime Data*, 2nd ed., Wiley, 2003,
       :doi:`10.1002/9781118033005`, section 2.4.

    Examples
    --------
    >>> fit = fit_duration([10, 20, 40, 60], censored=[False, False, False, True])
    >>> round(fit.duration.median_days, 1), round(fit.predictive.sigma, 2)
    (29.8, 0.98)
    >>> round(fit_duration([10, 20, 30], family="exponential").duration.mean_days, 6)
    20.0
    """
    faults = [*check.choice("family", family, FAMILIES)]
    if faults:
        raise InvalidInputError("fit_duration", faults)
    known = FAMILIES[family]
    rows = rows_of("fit_duration", days, censored, truncated_below_days, fewest=sum(known.free))
    likelihood = core.likelihood(known.kernel, rows)
    peak = core.climb(likelihood, begin_of(rows, known), family_box(rows, known))
    mu, eta = peak.at[0]
    covariance = core.covariance_of(peak.curvature[0], float(np.exp(eta)), known.free)
    named = known.parameters.values()
    # Each parameter is the exponential of plus or minus mu or log sigma.
    turn = np.array([[q.sign * (q.coordinate == axis) for axis in (0, 1)] for q in named])
    return DurationFit(
        family=family,
        parameters={
            name: float(np.exp(q.sign * (mu, eta)[q.coordinate]))
            for name, q in known.parameters.items()
        },
        covariance=turn @ covariance @ turn.T,
        log_likelihood=float(peak.value[0] - np.log(rows.days[~rows.censored]).sum()),
        on_edge=bool(peak.on_edge[0]),
        rows=rows,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalFit:
    """A lognormal length of one of several groups of stops that were fitted together.

    Attributes
    ----------
    median_days
        Median. [d]
    sigma
        Standard deviation of the logarithm. [1]
    median_error
        Standard error of the logarithm of the median. [1]
    n_stops
        Stops fitted.
    n_censored
        Stops of which only a lower bound is known.
    """

    median_days: float
    sigma: float
    median_error: float
    n_stops: int
    n_censored: int

    @property
    def predictive(self) -> Lognormal:
        """Length whose spread holds the uncertainty of the median as well."""
        spread = float(np.hypot(self.sigma, self.median_error))
        return Duration.lognormal(median_days=self.median_days, sigma=spread)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Interval of the median, by its standard error [d].

        Parameters
        ----------
        level : float, default 0.9
            Probability that it holds, above 0 and below 1. [1]

        Returns
        -------
        tuple of float
            Lower and upper bound. [d]

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1).
        """
        low, high = np.exp(special.ndtri(tails(level)) * self.median_error)
        return self.median_days * float(low), self.median_days * float(high)
