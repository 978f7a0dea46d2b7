"""How long: lognormal lengths from stops of which some are not over and the short are not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize, special

from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.duration import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from supplyrisk.model.duration import Lognormal

    Floats = NDArray[np.float64]

# Rows that are few and cut off at both ends can be explained by a median of next to nothing and
# an endless spread.
_MEDIAN_DAYS: Final = (0.5, 1e5)
_SIGMA: Final = (0.05, 4.0)
_STEP: Final = 1e-3
# How far the logarithms of median and spread of a group may lie from those of all.
_BETWEEN: Final = np.array([0.7, 0.3])


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalFit:
    """A lognormal length fitted to observed stops.

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
    def duration(self) -> Lognormal:
        """Predictive length: its spread holds the uncertainty of the median."""
        spread = float(np.hypot(self.sigma, self.median_error))
        return Duration.lognormal(median_days=self.median_days, sigma=spread)


def fit_lognormal(
    days: ArrayLike,
    *,
    censored: ArrayLike | None = None,
    truncated_below_days: float = 0.0,
    around: LognormalFit | None = None,
) -> LognormalFit:
    r"""Fit a lognormal length by maximum likelihood.

    Parameters
    ----------
    days : array_like, shape (n_stops,)
        Length of each stop, or how long it has been running; above 0. [d]
    censored : array_like of bool, shape (n_stops,), optional
        Whether a stop was still running, so that its length is a lower bound.
    truncated_below_days : float, default 0
        Stops shorter than this are not among the rows. [d]
    around : LognormalFit, optional
        Fit of a wider group to which this one is pulled: the less, the more rows there are.

    Returns
    -------
    LognormalFit
        Median, spread, and the standard error of the median.

    Raises
    ------
    InvalidInputError
        If fewer than two stops have ended (with `around`, if there is no stop), or a length is not
        above 0 or below the truncation.

    Notes
    -----
    With :math:`z = (\ln d - \mu)/\sigma`, a stop that ended adds :math:`\ln \phi(z) - \ln(\sigma
    d)`, one still running :math:`\ln \Phi(-z)`, and each subtracts :math:`\ln \Phi(-z_L)` for the
    truncation at L [1]_. The standard error comes from the inverse of the observed information.
    With `around`, :math:`\mu` and :math:`\ln \sigma` have normal priors about those of the wider
    group, of standard deviation 0.7 and 0.3: groups may differ by a factor of two in their median
    and by a third in their spread. The two are assumptions.

    References
    ----------
    .. [1] J. F. Lawless, *Statistical Models and Methods for Lifetime Data*, 2nd ed., Wiley, 2003,
       :doi:`10.1002/9781118033005`, section 2.4.

    Examples
    --------
    >>> fit = fit_lognormal([10, 100, 1000])
    >>> round(fit.median_days), round(fit.sigma, 2)
    (100, 1.88)
    """
    length = np.asarray(days, dtype=float)
    open_ = np.zeros(length.shape, bool) if censored is None else np.asarray(censored, dtype=bool)
    fewest = 2 if around is None else 0
    faults = [*_faults(length, open_, truncated_below_days, fewest)]
    if faults:
        raise InvalidInputError("fit_lognormal", faults)
    ended, running = np.log(length[~open_]), np.log(length[open_])
    floor = np.log(truncated_below_days) if truncated_below_days > 0.0 else -np.inf

    def loss(at: Floats) -> float:
        sigma = np.exp(at[1])
        mu = at[0]
        z = (ended - mu) / sigma
        likelihood = -0.5 * (z @ z) - ended.size * at[1]
        likelihood += special.log_ndtr((mu - running) / sigma).sum()
        pulled = 0.0 if centre is None else 0.5 * (((at - centre) / _BETWEEN) ** 2).sum()
        return float(length.size * special.log_ndtr((mu - floor) / sigma) - likelihood + pulled)

    if around is None:
        centre = None
        begin = np.array([ended.mean(), np.log(np.clip(ended.std(), 0.5, 2.0))])
    else:
        centre = begin = np.log([around.median_days, around.sigma])
    found = optimize.minimize(
        loss,
        begin,
        method="L-BFGS-B",
        bounds=[tuple(np.log(_MEDIAN_DAYS)), tuple(np.log(_SIGMA))],
    )
    return LognormalFit(
        median_days=float(np.exp(found.x[0])),
        sigma=float(np.exp(found.x[1])),
        median_error=_error(loss, found.x),
        n_stops=length.size,
        n_censored=int(open_.sum()),
    )


def _faults(length: Floats, open_: NDArray[np.bool_], floor: float, fewest: int) -> list[Fault]:
    if length.ndim != 1 or open_.shape != length.shape:
        rule = "must be (n_stops,), and censored alike"
        return [Fault("days", rule, (length.shape, open_.shape))]
    faults = []
    if not (np.isfinite(length).all() and (length > 0.0).all()):
        faults.append(Fault("days", "must be finite numbers above 0", length.tolist()))
    elif not (np.isfinite(floor) and 0.0 <= floor <= length.min(initial=np.inf)):
        rule = "must be a number of days from 0 to the shortest stop"
        faults.append(Fault("truncated_below_days", rule, floor))
    if int((~open_).sum()) < fewest or not length.size:
        rule = f"must hold at least {max(fewest, 1)} stops{' that have ended' if fewest else ''}"
        faults.append(Fault("days", rule, int((~open_).sum())))
    return faults


def _error(loss: Callable[[Floats], float], at: Floats) -> float:
    """Return the standard error of the first parameter, by the curvature of the likelihood."""
    shifts = np.eye(at.size) * _STEP
    corners = [
        [loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b) for b in shifts]
        for a in shifts
    ]
    information = np.array(corners) / (4.0 * _STEP**2)
    # On the edge of what is allowed the likelihood may bend the other way: no knowledge.
    variance = np.linalg.pinv(information, hermitian=True)[0, 0]
    return float(np.sqrt(variance)) if variance > 0.0 else float(np.exp(at[1]))
