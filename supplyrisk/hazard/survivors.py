"""Lengths without a family: the Kaplan-Meier curve, and how far a fit is from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard import _likelihood as core
from supplyrisk.hazard import scoring
from supplyrisk.hazard._families import FAMILIES, begin_of, family_box
from supplyrisk.hazard._rows import Rows, rows_of
from supplyrisk.hazard.durations import draw

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from supplyrisk.hazard.fitting import DurationFit

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KaplanMeier:
    """Share of stops that outlast each length seen, by no family.

    Attributes
    ----------
    days
        Lengths at which a stop ended or was last seen running, rising; shape (n_lengths,). [d]
    survival
        Share that lasts longer, from that length until the next; shape (n_lengths,). [1]
    n_at_risk
        Stops seen that long; shape (n_lengths,).
    n_events
        Stops that ended at that length; shape (n_lengths,).
    """

    days: Floats
    survival: Floats
    n_at_risk: NDArray[np.int64]
    n_events: NDArray[np.int64]

    @property
    def median_days(self) -> float:
        """Shortest length that at most half of the stops outlast; infinite if none is [d]."""
        reached = self.survival <= 0.5
        return float(self.days[np.argmax(reached)]) if reached.any() else float("inf")

    def at(self, days: ArrayLike) -> Floats:
        """Share of stops that last longer than some days, shaped like `days` [1]."""
        place = np.searchsorted(self.days, np.asarray(days, dtype=float), side="right")
        return np.concatenate([[1.0], self.survival])[place]

    def interval(self, level: float = 0.9) -> tuple[Floats, Floats]:
        r"""Interval of the survival at each of the lengths.

        Parameters
        ----------
        level : float, default 0.9
            Probability that it holds at any one length, above 0 and below 1. [1]

        Returns
        -------
        tuple of ndarray, each shape (n_lengths,)
            Lower and upper bounds; 1 before the first end, and from 0 to 1 once none is left. [1]

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1).

        Notes
        -----
        Greenwood's variance, as normal on the scale of :math:`\ln(-\ln S)`, so that it stays within
        [0, 1]: :math:`S^{\exp(\pm z v)}` with :math:`v^2 = \sum d_i / (n_i (n_i - d_i)) /
        \ln^2 S` [1]_.

        References
        ----------
        .. [1] J. D. Kalbfleisch and R. L. Prentice, *The Statistical Analysis of Failure Time
           Data*, 2nd ed., Wiley, 2002, :doi:`10.1002/9781118032985`, section 1.4.
        """
        if not (check.is_number(level) and 0.0 < level < 1.0):
            raise InvalidInputError("interval", [Fault("level", "must lie in (0, 1)", level)])
        z = float(special.ndtri(0.5 + 0.5 * level))
        low, high = self.survival.copy(), self.survival.copy()
        within = (self.survival > 0.0) & (self.survival < 1.0)
        left = np.maximum(self.n_at_risk - self.n_events, 1)  # 0 only where nothing survives
        variance = np.cumsum(self.n_events / (self.n_at_risk * left))[within]
        logs = np.log(self.survival[within])
        spread = z * np.sqrt(variance) / -logs
        low[within] = np.exp(logs * np.exp(spread))
        high[within] = np.exp(logs * np.exp(-spread))
        high[self.survival == 0.0] = 1.0
        return low, high


def kaplan_meier(
    days: ArrayLike,
    censored: ArrayLike | None = None,
    truncated_below_days: ArrayLike | None = None,
) -> KaplanMeier:
    r"""Share of stops that outlast each length, estimated without a family.

    Parameters
    ----------
    days : array_like, shape (n_stops,)
        Length of each stop, or how long it has been running; above 0. [d]
    censored : array_like of bool, shape (n_stops,), optional
        Whether a stop was still running, so that its length is a lower bound.
    truncated_below_days : array_like, shape () or (n_stops,), optional
        Stops shorter than this are not among the rows. [d]

    Returns
    -------
    KaplanMeier
        The curve with its counts and its interval.

    Raises
    ------
    InvalidInputError
        If no stop has ended, a length is not above 0 or below the truncation, or the shapes differ.

    Notes
    -----
    :math:`S(d) = \prod_{d_i \le d} (1 - e_i / n_i)`, with :math:`e_i` ends among the :math:`n_i`
    stops seen at :math:`d_i` [1]_. Rows truncated at L tell nothing of what is shorter: the curve
    is then that of stops of at least L. With a truncation of its own for each row a stop is at
    risk from there on, and early lengths rest on few.

    References
    ----------
    .. [1] E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations," J.
       Am. Stat. Assoc., vol. 53, pp. 457-481, 1958, :doi:`10.1080/01621459.1958.10501452`.

    Examples
    --------
    >>> curve = kaplan_meier([10, 20, 20, 40], censored=[False, False, True, False])
    >>> curve.survival.tolist(), curve.median_days
    ([0.75, 0.5, 0.0], 20.0)
    """
    rows = rows_of("kaplan_meier", days, censored, truncated_below_days, fewest=1)
    return _product_limit(rows.days, ~rows.censored, rows.floor_days)


def _product_limit(
    lengths: Floats, ended: NDArray[np.bool_], entered: Floats | None = None
) -> KaplanMeier:
    ordered = np.sort(lengths)
    at, first = np.unique(ordered, return_index=True)
    n_events = np.bincount(np.searchsorted(at, lengths[ended]), minlength=at.size)
    n_at_risk = lengths.size - first
    if entered is not None and entered.any():
        # A stop as long as its truncation is among the rows, so it is at risk there.
        n_at_risk = n_at_risk - (entered.size - np.searchsorted(np.sort(entered), at, "right"))
    return KaplanMeier(
        days=at,
        survival=np.asarray(np.cumprod((n_at_risk - n_events) / n_at_risk), dtype=float),
        n_at_risk=n_at_risk,
        n_events=n_events,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoodnessOfFit:
    """How far a fitted length is from its rows.

    Attributes
    ----------
    distance
        Largest distance between the residuals' Kaplan-Meier curve and exp(-r). [1]
    p_value
        Probability of a distance as large if the fitted length were right. [1]
    residuals
        Cox-Snell residual of each row, a lower bound where the row is one; shape (n_stops,). [1]
    n_samples
        Samples that the probability rests on.
    """

    distance: float
    p_value: float
    residuals: Floats
    n_samples: int


def goodness_of_fit(
    fit: DurationFit, *, n_samples: int = 500, rng: np.random.Generator
) -> GoodnessOfFit:
    r"""Test a fitted length against its own rows, some of them censored and truncated.

    Parameters
    ----------
    fit : DurationFit
        What to test.
    n_samples : int, default 500
        Samples drawn from the fit.
    rng : numpy.random.Generator
        Source of the samples.

    Returns
    -------
    GoodnessOfFit
        Distance and p-value, and the residuals for a picture.

    Raises
    ------
    InvalidInputError
        If `n_samples` is no whole number of at least 1.

    Notes
    -----
    If the length is right, the residuals :math:`r = \ln S(L) - \ln S(d)` are exponential of mean 1,
    censored as the rows are [1]_. The distance is that of Kolmogorov and Smirnov, with the
    Kaplan-Meier curve of the residuals, up to the last end seen. As the fit has followed its rows,
    the distance is compared with that of samples drawn from the fit and fitted anew, with
    :math:`p = (1 + \#\{D^* \ge D\}) / (1 + n)`. The days for which a stop would have been watched
    are known for those still running; for the others they are drawn from the Kaplan-Meier curve of
    the watching itself, beyond the length that was seen [2]_. Samples in which too few stops end
    to be fitted are left out.

    References
    ----------
    .. [1] D. R. Cox and E. J. Snell, "A general definition of residuals," J. R. Stat. Soc. B, vol.
       30, pp. 248-275, 1968, :doi:`10.1111/j.2517-6161.1968.tb00724.x`.
    .. [2] A. C. Davison and D. V. Hinkley, *Bootstrap Methods and their Application*, Cambridge
       University Press, 1997, :doi:`10.1017/CBO9780511802843`, section 3.5.

    Examples
    --------
    >>> from supplyrisk.hazard.fitting import fit_duration
    >>> even = fit_duration(range(10, 40), family="exponential")
    >>> goodness_of_fit(even, rng=np.random.default_rng(1)).p_value < 0.01
    True
    """
    faults = [*check.whole("n_samples", n_samples, least=1)]
    if faults:
        raise InvalidInputError("goodness_of_fit", faults)
    rows, family = fit.rows, FAMILIES[fit.family]
    residuals = scoring.log_survival(fit.duration, rows.floor_days) - scoring.log_survival(
        fit.duration, rows.days
    )
    distance = _distance(residuals, ~rows.censored)
    samples = _samples(fit, n_samples, rng)
    group = np.repeat(np.arange(n_samples), rows.n_stops)
    ended = np.bincount(group[~samples.censored], minlength=n_samples)
    begin = np.repeat(begin_of(rows, family), n_samples, axis=0)
    # The box of the rows, as that of each sample would need a fit of its own.
    refit = core.climb(
        core.likelihood(family.kernel, samples, group, n_samples),
        begin,
        family_box(rows, family),
    )
    r = _residuals(family.kernel, samples, refit.at[group]).reshape(n_samples, -1)
    open_ = samples.censored.reshape(n_samples, -1)
    fitted = np.flatnonzero(ended >= sum(family.free))
    drawn = np.array([_distance(r[i], ~open_[i]) for i in fitted])
    return GoodnessOfFit(
        distance=distance,
        p_value=float((1 + (drawn >= distance).sum()) / (1 + drawn.size)),
        residuals=residuals,
        n_samples=int(fitted.size),
    )


def _distance(residuals: Floats, ended: NDArray[np.bool_]) -> float:
    curve = _product_limit(residuals, ended)
    jumps = curve.n_events > 0
    right = np.exp(-curve.days)
    before = np.concatenate([[1.0], curve.survival[:-1]])
    either = np.maximum(np.abs(curve.survival - right), np.abs(before - right))
    return float(either[jumps].max())


def _residuals(kernel: core.Kernel, rows: Rows, at: Floats) -> Floats:
    with np.errstate(divide="ignore"):  # no truncation is log(0)
        floor = np.log(rows.floor_days)
    mu, sigma = at[:, 0], np.exp(at[:, 1])
    alive = kernel.survival(np.maximum((np.log(rows.days) - mu) / sigma, -1e4))[0]
    then = kernel.survival(np.maximum((floor - mu) / sigma, -1e4))[0]
    return np.maximum(then - alive, 0.0)


def _samples(fit: DurationFit, n_samples: int, rng: np.random.Generator) -> Rows:
    """Draw rows from the fit, truncated and watched like its own; shape (n_samples * n_stops,)."""
    rows, shape = fit.rows, (n_samples, fit.n_stops)
    watched = _watching(rows, rng.random(shape))
    lengths = np.empty(shape)
    uniforms = 1.0 - rng.random(shape)
    for floor in np.unique(rows.floor_days):
        mine = rows.floor_days == floor
        flat = uniforms[:, mine].reshape(-1, 1)
        lengths[:, mine] = draw(fit.duration, flat, elapsed_days=float(floor)).reshape(
            n_samples, -1
        )
    return Rows(
        days=np.minimum(lengths, watched).ravel(),
        censored=(lengths > watched).ravel(),
        floor_days=np.tile(rows.floor_days, n_samples),
    )


def _watching(rows: Rows, uniforms: Floats) -> Floats:
    """Days for which each stop would have been watched, by the reverse Kaplan-Meier curve."""
    watched = np.tile(rows.days, (len(uniforms), 1))
    if not rows.n_censored:
        return np.full_like(watched, np.inf)
    curve = _product_limit(rows.days, rows.censored, rows.floor_days)
    ended = ~rows.censored
    # Given that it was watched beyond its end: S(c) <= U S(end); infinite where the curve ends.
    least = uniforms[:, ended] * curve.at(rows.days[ended])
    place = np.searchsorted(-curve.survival, -least, side="left")
    watched[:, ended] = np.concatenate([curve.days, [np.inf]])[place]
    return watched
