"""How well a length foretold what came: log scores and probability integral transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard._rows import rows_of
from supplyrisk.model.duration import Duration, Exponential, Lognormal, Mixture, Weibull

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def log_score(
    duration: Duration,
    days: ArrayLike,
    censored: ArrayLike | None = None,
    truncated_below_days: ArrayLike | None = None,
) -> Floats:
    r"""Log score of each stop: the logarithm of the probability that the length gave it.

    Parameters
    ----------
    duration : Duration
        What was foretold: lognormal, Weibull, exponential, or a mixture of these, without a cap.
    days : array_like, shape (n_stops,)
        Length of each stop, or how long it has been running; above 0. [d]
    censored : array_like of bool, shape (n_stops,), optional
        Whether a stop was still running, so that its length is a lower bound.
    truncated_below_days : array_like, shape () or (n_stops,), optional
        Stops shorter than this would not be among the rows. [d]

    Returns
    -------
    ndarray, shape (n_stops,)
        Scores; higher is better, and their sum is a log-likelihood. Densities are per day.

    Raises
    ------
    InvalidInputError
        If a stop is not above 0 or below the truncation, or the length is of no such family.

    Notes
    -----
    :math:`\ln f(d) - \ln S(L)` for a stop that ended and :math:`\ln S(d) - \ln S(L)` for one still
    running, with truncation L. Proper: no other length has a higher expected score than the true
    one [1]_.

    References
    ----------
    .. [1] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and
       estimation," J. Am. Stat. Assoc., vol. 102, pp. 359-378, 2007,
       :doi:`10.1198/016214506000001437`.

    Examples
    --------
    >>> log_score(Duration.exponential(mean_days=10), [10, 20], [False, True]).round(3).tolist()
    [-3.303, -2.0]
    """
    _require("log_score", duration)
    rows = rows_of("log_score", days, censored, truncated_below_days, fewest=0)
    ended = _log_density(duration, rows.days)
    running = log_survival(duration, rows.days)
    return np.where(rows.censored, running, ended) - log_survival(duration, rows.floor_days)


def pit(
    duration: Duration,
    days: ArrayLike,
    censored: ArrayLike | None = None,
    truncated_below_days: ArrayLike | None = None,
) -> Floats:
    r"""Probability integral transform of each stop: the share of lengths foretold below it.

    Parameters
    ----------
    duration : Duration
        What was foretold: lognormal, Weibull, exponential, or a mixture of these, without a cap.
    days : array_like, shape (n_stops,)
        Length of each stop, or how long it has been running; above 0. [d]
    censored : array_like of bool, shape (n_stops,), optional
        Whether a stop was still running, so that its length is a lower bound.
    truncated_below_days : array_like, shape () or (n_stops,), optional
        Stops shorter than this would not be among the rows. [d]

    Returns
    -------
    ndarray, shape (n_stops, 2)
        Lowest and highest value; the two are one for a stop that ended, and the highest is 1 for a
        stop that was still running. [1]

    Raises
    ------
    InvalidInputError
        If a stop is not above 0 or below the truncation, or the length is of no such family.

    Notes
    -----
    :math:`u = 1 - S(d) / S(L)`. If the length is right, u is uniform; so is the mixture of u and of
    the uniform distributions on [u, 1] of stops still running, whatever ended the watching, as
    long as that did not depend on the stop.

    Examples
    --------
    >>> pit(Duration.exponential(mean_days=10), [10, 20], [False, True]).round(3).tolist()
    [[0.632, 0.632], [0.865, 1.0]]
    """
    _require("pit", duration)
    rows = rows_of("pit", days, censored, truncated_below_days, fewest=0)
    left = log_survival(duration, rows.days) - log_survival(duration, rows.floor_days)
    lowest = -np.expm1(left)
    return np.stack([lowest, np.where(rows.censored, 1.0, lowest)], axis=-1)


def pit_histogram(transform: ArrayLike, n_bins: int = 10) -> Floats:
    """Share of the stops in each bin of the probability integral transform.

    Parameters
    ----------
    transform : array_like, shape (n_stops, 2)
        Lowest and highest value of each stop, from `pit`. [1]
    n_bins : int, default 10
        Number of bins of equal width over [0, 1].

    Returns
    -------
    ndarray, shape (n_bins,)
        Shares; all near ``1 / n_bins`` if the lengths foretold were right. [1]

    Raises
    ------
    InvalidInputError
        If `transform` is no such table or `n_bins` no whole number of at least 1.

    Notes
    -----
    A stop that was still running is spread evenly between its lowest value and 1, and nothing is
    drawn at random [1]_. High outer bins say that the lengths were too narrow.

    References
    ----------
    .. [1] C. Czado, T. Gneiting and L. Held, "Predictive model assessment for count data,"
       Biometrics, vol. 65, pp. 1254-1261, 2009, :doi:`10.1111/j.1541-0420.2009.01191.x`.

    Examples
    --------
    >>> pit_histogram([[0.2, 0.2], [0.5, 1.0]], n_bins=4).tolist()
    [0.5, 0.0, 0.25, 0.25]
    """
    ends = np.asarray(transform, dtype=float)
    faults = [*check.whole("n_bins", n_bins, least=1)]
    if ends.ndim != 2 or ends.shape[1] != 2 or not len(ends):
        faults.append(Fault("transform", "must be (n_stops, 2), of one stop or more", ends.shape))
    elif not ((ends[:, 0] >= 0.0) & (ends[:, 0] <= ends[:, 1]) & (ends[:, 1] <= 1.0)).all():
        faults.append(Fault("transform", "must rise within [0, 1] for each stop", ends.tolist()))
    if faults:
        raise InvalidInputError("pit_histogram", faults)
    edges = np.arange(n_bins + 1) / n_bins
    low, high = ends[:, :1], ends[:, 1:]
    spread = high - low > 1e-12  # closer ends are one, and dividing by nothing overflows
    share = (edges - low) / np.where(spread, high - low, 1.0)
    below = np.where(spread, np.clip(share, 0.0, 1.0), low < edges)
    below[:, -1] = 1.0  # a transform of 1 lies in the last bin
    return np.diff(below.mean(axis=0))


def log_survival(duration: Duration, days: Floats) -> Floats:
    """Logarithm of the probability that an outage lasts longer, right far into the tail."""
    with np.errstate(divide="ignore"):  # log(0) is -inf, and survival there is 1
        logs = np.log(days)
    match duration:
        case Lognormal():
            z = (logs - np.log(duration.median_days)) / duration.sigma
            return np.asarray(special.log_ndtr(-z))
        case Weibull():
            return -((days / duration.scale_days) ** duration.shape)
        case Exponential():
            return -days / duration.mean_days
        case Mixture():
            parts = [np.log(w) + log_survival(part, days) for w, part in duration.parts]
            return np.asarray(special.logsumexp(parts, axis=0))
    raise TypeError(f"no log score for {type(duration).__name__}")


def _log_density(duration: Duration, days: Floats) -> Floats:
    match duration:
        case Lognormal():
            z = np.log(days / duration.median_days) / duration.sigma
            return np.asarray(
                -0.5 * z * z - np.log(days * duration.sigma) - 0.5 * np.log(2.0 * np.pi)
            )
        case Weibull():
            z = duration.shape * np.log(days / duration.scale_days)
            return np.asarray(z - np.exp(z) + np.log(duration.shape / days))
        case Exponential():
            return np.asarray(-days / duration.mean_days - np.log(duration.mean_days))
        case Mixture():
            parts = [np.log(w) + _log_density(part, days) for w, part in duration.parts]
            return np.asarray(special.logsumexp(parts, axis=0))
    raise TypeError(f"no log score for {type(duration).__name__}")


def _require(what: str, duration: Duration) -> None:
    check.require("duration", duration, Duration)
    parts = [part for _, part in duration.parts] if isinstance(duration, Mixture) else []
    if not isinstance(duration, Lognormal | Weibull | Exponential | Mixture):
        rule = "must be lognormal, weibull, exponential or a mixture of these, to have a density"
        raise InvalidInputError(what, [Fault("duration", rule, duration)])
    if duration.max_days is not None:
        rule = "must have no max_days, at which it has no density"
        raise InvalidInputError(what, [Fault("duration", rule, duration)])
    for part in parts:
        _require(what, part)
