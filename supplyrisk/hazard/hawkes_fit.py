"""A self-exciting (Hawkes) process fitted to events, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

import numpy as np
from scipy import optimize, special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.hawkes import Hawkes, by_day, in_order, memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Parameter = Literal["branching_ratio", "decay_pd", "mu"]

_FEWEST: Final = 10
"""Events below which three parameters are not worth fitting."""
_MOST: Final = 0.9999
"""Largest branching ratio that is tried; at one, events multiply without end. [1]"""
_N_DECAYS: Final = 32
"""Decays at which the likelihood is looked at before its highest top is climbed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HawkesFit(Hawkes):
    """A self-exciting process fitted to events.

    Attributes
    ----------
    mu
        Background rate. [1/d]
    branching_ratio
        Events that each event brings by itself, on average. [1]
    decay_pd
        Rate at which that influence fades; without meaning where the branching ratio is 0. [1/d]
    log_likelihood
        Logarithm of the likelihood at its top.
    horizon
        Days that were watched. [d]
    half_life_bounds_days
        Half-lives among which the fit searched. [d]
    times
        Times of the events, in order, as fitted, shape (n_events,). [d]
    """

    log_likelihood: float
    horizon: float
    half_life_bounds_days: tuple[float, float]
    times: Floats = field(repr=False, compare=False)

    @property
    def at_bound(self) -> bool:
        """Whether the best half-life is the longest or the shortest that was searched."""
        short, long = self.half_life_bounds_days
        return not 1.001 * short < self.half_life_days < 0.999 * long

    @property
    def aic(self) -> float:
        """Akaike's criterion: twice the three parameters less twice the log-likelihood."""
        return 6.0 - 2.0 * self.log_likelihood

    @property
    def aic_poisson(self) -> float:
        """The same of a Poisson process with a constant rate, for comparison."""
        n = self.times.size
        return 2.0 - 2.0 * n * float(np.log(n / self.horizon) - 1.0)

    def interval(
        self, level: float = 0.9, of: Parameter = "branching_ratio"
    ) -> tuple[float, float]:
        r"""Profile-likelihood interval of one parameter.

        Parameters
        ----------
        level : float, default 0.9
            Confidence level, above 0 and below 1. [1]
        of : {"branching_ratio", "decay_pd", "mu"}
            The parameter.

        Returns
        -------
        tuple of float
            Lower and upper bound, in the unit of the parameter.

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1) or `of` names no parameter.

        Notes
        -----
        The values at which the likelihood, at its top over the other two parameters, lies less than
        half the `level` quantile of chi-squared (one degree of freedom) below the highest. It
        reaches the edge of what was searched where the events do not rule that out: a lower bound
        of 0 for the branching ratio means that the events may have nothing to do with each other,
        an upper bound of 0.9999 that no ratio below one is ruled out.
        """
        faults = [*check.choice("of", of, get_args(Parameter))]
        if not (check.is_number(level) and 0.0 < level < 1.0):
            faults.append(Fault("level", "must lie in (0, 1)", level))
        if faults:
            raise InvalidInputError("interval", faults)
        events = _Events(self.times, self.horizon, _decays(self.half_life_bounds_days))
        floor = self.log_likelihood - 0.5 * float(special.ndtri(0.5 + 0.5 * level)) ** 2
        if of == "branching_ratio":
            edges = (0.0, _MOST)
            return _where_above(
                lambda n: _climb(events, branching=n)[0] - floor, self.branching_ratio, edges
            )
        if of == "mu":
            edges = (1e-6 * self.mu, 10.0 * self.times.size / self.horizon)
            return _where_above(lambda mu: _climb(events, mu=mu)[0] - floor, self.mu, edges)
        low, high = _where_above(
            lambda log: _top(events, float(np.exp(log)))[0] - floor,
            float(np.log(self.decay_pd)),
            (float(np.log(events.decays[0])), float(np.log(events.decays[-1]))),
        )
        return float(np.exp(low)), float(np.exp(high))


class _Events(NamedTuple):
    times: Floats
    horizon: float
    decays: Floats


def fit_hawkes(
    times: ArrayLike,
    *,
    horizon: float,
    half_life_bounds_days: tuple[float, float] | None = None,
) -> HawkesFit:
    r"""Fit a self-exciting process to the times of events, by maximum likelihood.

    Parameters
    ----------
    times : array_like, shape (n_events,)
        Days from the start of watching to each event, in any order, at least 10 of them. Where
        all are whole numbers, events are taken as reported by the day and go through
        `spread_over_days`; otherwise no two may be the same. [d]
    horizon : float
        Days that were watched; no event is later. [d]
    half_life_bounds_days : tuple of float, optional
        Shortest and longest half-life to search. By default from 1 day (for exact times, a
        hundredth of the mean spacing) to a tenth of the horizon. [d]

    Returns
    -------
    HawkesFit
        Parameters, likelihood, AIC and intervals.

    Raises
    ------
    InvalidInputError
        If times are too few, not finite, outside the horizon, or tied without being whole days; or
        if the bounds are not above 0 and in order.

    Notes
    -----
    With :math:`A_i = e^{-\beta (t_i - t_{i-1})} (A_{i-1} + 1)` [1]_ the logarithm of the likelihood
    is :math:`\sum_i \ln(\mu + n \beta A_i) - \mu T - n \sum_i (1 - e^{-\beta (T - t_i)})`. All
    :math:`A_i` come from one cumulative sum of exponentials, in logarithms, in O(n_events). For a
    given :math:`\beta` it is concave in the other two, so their best values are roots that are
    always found; :math:`\beta` is searched over a grid and then climbed, as its profile may have
    several tops. What came before the start of watching is unknown and counts as nothing.

    A background that rises or falls with the years looks like self-excitation [2]_: events that
    have nothing to do with each other, but come four times as often in the second half of the
    record, give a branching ratio near 0.9. An influence that fades within a day, fitted to events
    known by the day, ends at the shortest half-life (``fit.at_bound``) with too high a ratio.

    References
    ----------
    .. [1] T. Ozaki, "Maximum likelihood estimation of Hawkes' self-exciting point processes," Ann.
       Inst. Stat. Math., vol. 31, pp. 145-155, 1979, :doi:`10.1007/BF02480272`.
    .. [2] V. Filimonov and D. Sornette, "Apparent criticality and calibration issues in the Hawkes
       self-excited point process model," Quant. Finance, vol. 15, no. 8, pp. 1293-1314, 2015,
       :doi:`10.1080/14697688.2015.1032544`.

    Examples
    --------
    >>> import numpy as np
    >>> from supplyrisk.hazard.hawkes import simulate_hawkes
    >>> rng = np.random.default_rng(7)
    >>> times = simulate_hawkes(0.2, 0.5, 0.1, 3_000.0, rng=rng)
    >>> fit = fit_hawkes(times, horizon=3_000.0)
    >>> low, high = fit.interval(0.9, "branching_ratio")
    >>> low < 0.5 < high, fit.aic < fit.aic_poisson
    (True, True)
    """
    t = in_order("fit_hawkes", times, horizon, fewest=_FEWEST)
    if half_life_bounds_days is None:
        shortest = 1.0 if by_day(np.asarray(times, dtype=float)) else horizon / t.size / 100.0
        half_life_bounds_days = (shortest, max(horizon / 10.0, 2.0 * shortest))
    low, high = half_life_bounds_days
    if not (check.is_number(low) and check.is_number(high) and 0.0 < low < high):
        fault = Fault("half_life_bounds_days", "must be above 0 and rise", half_life_bounds_days)
        raise InvalidInputError("fit_hawkes", [fault])
    top, mu, branching, decay = _climb(_Events(t, horizon, _decays(half_life_bounds_days)))
    return HawkesFit(
        mu=mu,
        branching_ratio=branching,
        decay_pd=decay,
        log_likelihood=top,
        horizon=float(horizon),
        half_life_bounds_days=(float(low), float(high)),
        times=t,
    )


def _decays(half_life_bounds_days: tuple[float, float]) -> Floats:
    short, long = half_life_bounds_days
    return np.geomspace(np.log(2.0) / long, np.log(2.0) / short, _N_DECAYS)


def _climb(
    events: _Events, *, mu: float | None = None, branching: float | None = None
) -> tuple[float, float, float, float]:
    """Return log-likelihood, mu, branching ratio and decay at the top; what is given stays."""
    tops = [_top(events, decay, mu=mu, branching=branching) for decay in events.decays]
    best = int(np.argmax([top[0] for top in tops]))
    around = events.decays[[max(best - 1, 0), min(best + 1, _N_DECAYS - 1)]]
    found = optimize.minimize_scalar(
        lambda log: -_top(events, float(np.exp(log)), mu=mu, branching=branching)[0],
        bounds=tuple(np.log(around)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    decay = float(np.exp(found.x))
    refined = (*_top(events, decay, mu=mu, branching=branching), decay)
    return max(refined, (*tops[best], float(events.decays[best])), key=lambda at: at[0])


def _top(
    events: _Events, decay: float, *, mu: float | None = None, branching: float | None = None
) -> tuple[float, float, float]:
    """Return log-likelihood, mu and branching ratio at the top for one decay."""
    times, horizon, _ = events
    rise = decay * memory(times, decay)
    brought = -float(np.expm1(-decay * (horizon - times)).sum())

    def background(n: float) -> float:
        return _best_mu(n * rise, horizon) if mu is None else mu

    def slope(n: float) -> float:  # falls: the likelihood is concave
        return float((rise / (background(n) + n * rise)).sum()) - brought

    if branching is not None:
        n = branching
    elif slope(0.0) <= 0.0:
        n = 0.0
    elif slope(_MOST) >= 0.0:
        n = _MOST
    else:
        n = float(optimize.brentq(slope, 0.0, _MOST, xtol=1e-10))
    base = background(n)
    value = float(np.log(base + n * rise).sum()) - base * horizon - n * brought
    return value, base, n


def _best_mu(raised: Floats, horizon: float) -> float:
    """Solve ``sum 1 / (mu + raised) = horizon``; from below, Newton's steps never overshoot."""
    mu = 1.0 / horizon  # the first event has none before it, so its term alone reaches this far
    for _ in range(100):
        inverse = 1.0 / (mu + raised)
        step = float((inverse.sum() - horizon) / (inverse @ inverse))
        mu += step
        if step <= 1e-13 * mu:
            break
    return mu


def _where_above(
    gap: Callable[[float], float], top: float, edges: tuple[float, float]
) -> tuple[float, float]:
    """Return where a function that is above 0 at its top falls below 0, or the edges."""
    low, high = (
        edge if gap(edge) >= 0.0 else float(optimize.brentq(gap, edge, top, rtol=1e-6))
        for edge in edges
    )
    return low, high
