"""Events that bring more events: a self-exciting (Hawkes) process, drawn, checked, foreseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model._value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hawkes(Value):
    r"""A self-exciting process with an exponential kernel.

    Attributes
    ----------
    mu
        Background rate: events that no other event brought. [1/d]
    branching_ratio
        Events that each event brings by itself, on average; below one. [1]
    decay_pd
        Rate at which that influence fades. [1/d]

    Notes
    -----
    The rate given the past is :math:`\lambda(t) = \mu + \sum_{t_i < t} n \beta e^{-\beta (t -
    t_i)}` with branching ratio :math:`n` and decay :math:`\beta` [1]_.

    References
    ----------
    .. [1] A. G. Hawkes, "Spectra of some self-exciting and mutually exciting point processes,"
       Biometrika, vol. 58, no. 1, pp. 83-90, 1971, :doi:`10.1093/biomet/58.1.83`.
    """

    mu: float
    branching_ratio: float
    decay_pd: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("mu", self.mu, above=0.0)
        if not (check.is_number(self.branching_ratio) and 0.0 <= self.branching_ratio < 1.0):
            rule = "must be at least 0 and below 1, or events multiply without end"
            yield Fault("branching_ratio", rule, self.branching_ratio)
        yield from check.number("decay_pd", self.decay_pd, above=0.0)

    @property
    def half_life_days(self) -> float:
        """Days in which the influence of an event halves [d]."""
        return float(np.log(2.0)) / self.decay_pd

    @property
    def mean_rate_pd(self) -> float:
        """Long-run number of events a day, ``mu / (1 - branching_ratio)`` [1/d]."""
        return self.mu / (1.0 - self.branching_ratio)


def log_likelihood(process: Hawkes, times: ArrayLike, *, horizon: float) -> float:
    """Logarithm of the likelihood of events under a self-exciting process.

    Parameters
    ----------
    process : Hawkes
        The process.
    times : array_like, shape (n_events,)
        Days from the start of watching to each event, as `fit_hawkes` takes them. [d]
    horizon : float
        Days that were watched. [d]

    Returns
    -------
    float
        The log-likelihood.

    Raises
    ------
    InvalidInputError
        If times are not finite, outside the horizon, or tied without being whole days.
    """
    t = in_order("log_likelihood", times, horizon)
    n, decay = process.branching_ratio, process.decay_pd
    rate = process.mu + n * decay * memory(t, decay)
    to_come = n * float(np.expm1(-decay * (horizon - t)).sum())
    return float(np.log(rate).sum()) - process.mu * horizon + to_come


def residuals(process: Hawkes, times: ArrayLike) -> Floats:
    r"""Expected number of events between each event and the one before it.

    Parameters
    ----------
    process : Hawkes
        The process, fitted or assumed.
    times : array_like, shape (n_events,)
        Days from the start of watching to each event, as `fit_hawkes` takes them. [d]

    Returns
    -------
    ndarray, shape (n_events,)
        Independent and exponential with mean 1 if the process is the true one. [1]

    Raises
    ------
    InvalidInputError
        If times are negative, not finite, or tied without being whole days.

    Notes
    -----
    Differences of the compensator :math:`\Lambda(t_i) = \mu t_i + n (i - 1 - A_i)` [1]_, with
    :math:`A_i` as in `fit_hawkes`. A Kolmogorov-Smirnov test of residuals against the fit to the
    same events is lenient: parameters were chosen to suit them.

    References
    ----------
    .. [1] Y. Ogata, "Statistical models for earthquake occurrences and residual analysis for point
       processes," J. Am. Stat. Assoc., vol. 83, no. 401, pp. 9-27, 1988,
       :doi:`10.1080/01621459.1988.10478560`.
    """
    t = in_order("residuals", times, np.inf)
    brought = np.arange(t.size) - memory(t, process.decay_pd)
    return np.diff(process.mu * t + process.branching_ratio * brought, prepend=0.0)


def expected_events(process: Hawkes, times: ArrayLike, *, now: float, ahead_days: float) -> float:
    r"""Expected number of events in the days ahead, given those that have been.

    Parameters
    ----------
    process : Hawkes
        The process.
    times : array_like, shape (n_events,)
        Days from the start of watching to each event so far, as `fit_hawkes` takes them. [d]
    now : float
        Days from the start of watching to now; no event is later. [d]
    ahead_days : float
        Days ahead, at least 0. [d]

    Returns
    -------
    float
        Expected events in ``(now, now + ahead_days]``. [1]

    Raises
    ------
    InvalidInputError
        If times are not finite, after `now`, or tied without being whole days; or `ahead_days` is
        no number of at least 0.

    Notes
    -----
    The expected rate goes from its value now to the long-run mean :math:`\bar\lambda = \mu / (1 -
    n)` at the rate :math:`\kappa = (1 - n) \beta`, hence :math:`\bar\lambda h + (\lambda(t) -
    \bar\lambda) (1 - e^{-\kappa h}) / \kappa` in :math:`h` days.

    Examples
    --------
    >>> process = Hawkes(mu=0.1, branching_ratio=0.5, decay_pd=0.1)
    >>> calm = expected_events(process, [], now=100.0, ahead_days=30.0)
    >>> tense = expected_events(process, [98.0, 98.5, 99.0], now=100.0, ahead_days=30.0)
    >>> round(calm, 1), round(tense, 1)
    (4.4, 6.5)
    """
    t = in_order("expected_events", times, now)
    faults = [*check.number("ahead_days", ahead_days, least=0.0)]
    if faults:
        raise InvalidInputError("expected_events", faults)
    n, decay = process.branching_ratio, process.decay_pd
    rate = process.mu + n * decay * float(np.exp(-decay * (now - t)).sum())
    mean, back = process.mean_rate_pd, (1.0 - n) * decay
    return mean * ahead_days - (rate - mean) * float(np.expm1(-back * ahead_days)) / back


def simulate_hawkes(
    mu: float, branching_ratio: float, decay_pd: float, horizon: float, *, rng: np.random.Generator
) -> Floats:
    """Draw the events of a self-exciting process that starts with nothing behind it.

    Parameters
    ----------
    mu : float
        Background rate. [1/d]
    branching_ratio : float
        Events that each event brings by itself, on average; below one. [1]
    decay_pd : float
        Rate at which that influence fades. [1/d]
    horizon : float
        Days to simulate. [d]
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    ndarray, shape (n_events,)
        Times in order. [d]

    Raises
    ------
    InvalidInputError
        If the branching ratio is not in [0, 1), or another value is not above 0.

    Notes
    -----
    By generations [1]_: background events come as a Poisson process, each event brings a Poisson
    number of others, each after an exponential delay.

    References
    ----------
    .. [1] A. G. Hawkes and D. Oakes, "A cluster process representation of a self-exciting process,"
       J. Appl. Probab., vol. 11, no. 3, pp. 493-503, 1974, :doi:`10.2307/3212693`.
    """
    Hawkes(mu=mu, branching_ratio=branching_ratio, decay_pd=decay_pd)  # names what is wrong
    faults = [*check.number("horizon", horizon, above=0.0)]
    if faults:
        raise InvalidInputError("simulate_hawkes", faults)
    youngest = rng.uniform(0.0, horizon, rng.poisson(mu * horizon))
    generations = [youngest]
    while youngest.size:
        parents = np.repeat(youngest, rng.poisson(branching_ratio, youngest.size))
        youngest = parents + rng.exponential(1.0 / decay_pd, parents.size)
        youngest = youngest[youngest < horizon]
        generations.append(youngest)
    return np.sort(np.concatenate(generations))


def spread_over_days(day: ArrayLike) -> Floats:
    """Spread events that are known by the day evenly over their day.

    Parameters
    ----------
    day : array_like, shape (n_events,)
        Day of each event, a whole number, in any order. [d]

    Returns
    -------
    ndarray, shape (n_events,)
        Times in order; the k-th of m events of a day comes ``(k - 1/2) / m`` after it begins. [d]

    Notes
    -----
    No random jitter, so that the same data give the same fit. What happened within a day is not in
    the data, which is why `fit_hawkes` then searches no half-life below one day.

    Examples
    --------
    >>> spread_over_days([3, 0, 3]).tolist()
    [0.5, 3.25, 3.75]
    """
    start = np.sort(np.asarray(day, dtype=float))
    _, first, count = np.unique(start, return_index=True, return_counts=True)
    same = np.repeat(count, count)
    return start + (np.arange(start.size) - np.repeat(first, count) + 0.5) / same


def by_day(times: Floats) -> bool:
    """Whether all times are whole numbers, and so are days rather than moments."""
    return bool((times == np.floor(times)).all())


def in_order(what: str, times: ArrayLike, horizon: float, *, fewest: int = 0) -> Floats:
    """Check times and return them in order, those known by the day spread over it."""
    t = np.asarray(times, dtype=float)
    if t.ndim != 1 or t.size < fewest:
        rule = f"must be (n_events,) with n_events >= {fewest}"
        raise InvalidInputError(what, [Fault("times", rule, t.shape)])
    if not (horizon == np.inf or (check.is_number(horizon) and horizon > 0.0)):
        raise InvalidInputError(what, [Fault("horizon", "must be a finite number > 0", horizon)])
    if not np.isfinite(t).all():
        rule = "must be finite numbers"
        raise InvalidInputError(what, [Fault("times", rule, float(t[~np.isfinite(t)][0]))])
    t = spread_over_days(t) if by_day(t) else np.sort(t)
    outside = t[(t < 0.0) | (t > horizon)]
    faults = []
    if outside.size:
        rule = f"must lie within the {horizon:g} days watched, as {outside.size} do not"
        faults.append(Fault("times", rule, float(outside[0])))
    tied = t[1:][np.diff(t) == 0.0]
    if tied.size:
        rule = "must differ, or all be whole days, which are spread"
        faults.append(Fault("times", rule, float(tied[0])))
    if faults:
        raise InvalidInputError(what, faults)
    return t


def memory(times: Floats, decay: float) -> Floats:
    """A_i: what each event still feels of all before it."""
    memory = np.zeros(times.size)
    # In logarithms, as exp(decay * time) alone overflows where the ratio does not.
    total = np.logaddexp.accumulate(decay * times[:-1])
    memory[1:] = np.exp(total - decay * times[1:])
    return memory
