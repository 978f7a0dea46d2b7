"""What was watched: years of observation, and rates pooled over groups watched for some each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy import optimize, special

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.hazard.rates import VANISHING, MixedRate, Rate, mixed, nodes, tails
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TYPICAL_SPREAD: Final = 0.5
"""Most likely coefficient of variation between groups before any is seen, an assumption. [1]"""
_LEAST_SHAPE: Final = 3.0
"""Groups times shape: less, and a new group's rate would have no variance. [1]"""
_SMALLEST_SPREAD: Final = 1e-3
_N_SCAN: Final = 200
_N_SPREADS: Final = 32
_N_MEANS: Final = 61
_PROBABILITY: Final = np.linspace(0.001, 0.999, 999)
"""Probabilities of the quantiles of the spread that are kept. [1]"""
_FAR_BELOW: Final = 30.0
"""Logarithm of how much less likely than the most likely a spread must be to be left out."""


def exposure_years(
    entries: Iterable[dt.date], exits: Iterable[dt.date | None] | None = None, *, until: dt.date
) -> Floats:
    """Years for which each of several mines, smelters or countries was watched.

    Parameters
    ----------
    entries : sequence of datetime.date, shape (n,)
        First day on which each was watched.
    exits : sequence of datetime.date or None, shape (n,), optional
        First day on which each was no longer watched; None for those that still are.
    until : datetime.date
        Day from which one looks back, the `as_of` of a fit: what comes later is not known.

    Returns
    -------
    ndarray, shape (n,)
        Years of 365 days, 0 for what entered after `until`; their sum is the exposure of a
        rate. [a]

    Raises
    ------
    InvalidInputError
        If a day is no date, an exit comes before its entry, or there are not as many exits as
        entries.

    Notes
    -----
    ``(min(exit, until) - entry) / 365``: days are counted, so that a leap day is a day. The day of
    the exit is not watched, so that a mine that changes hands is counted once.

    Examples
    --------
    >>> import datetime as dt
    >>> opened, shut = [dt.date(2005, 1, 1), dt.date(2019, 3, 1)], [dt.date(2012, 1, 1), None]
    >>> exposure_years(opened, shut, until=dt.date(2025, 1, 1)).round(2)
    array([7.  , 5.84])
    """
    first = list(_days(entries))
    last = [None] * len(first) if exits is None else list(_days(exits))
    faults = [*check.date("until", until), *_watch_faults(first, last)]
    if faults:
        raise InvalidInputError("exposure_years", faults)
    days = [
        (min(shut or until, until) - opened).days for opened, shut in zip(first, last, strict=True)
    ]
    return np.array([max(number, 0) / DAYS_PER_YEAR for number in days], dtype=float)


def _days(column: Iterable[Any]) -> Iterable[Any]:
    """Return times of numpy or of a frame as dates, None where there is no time."""
    if getattr(getattr(column, "dtype", None), "kind", "") == "M":
        days: list[Any] = np.asarray(column).astype("datetime64[D]").tolist()
        return days
    return column


def _watch_faults(first: list[Any], last: list[Any]) -> Iterator[Fault]:
    if len(first) != len(last):
        yield Fault("exits", f"must be as many as entries ({len(first)})", len(last))
        return
    for place, (opened, shut) in enumerate(zip(first, last, strict=True)):
        faults = [*check.date(f"entries[{place}]", opened)]
        if shut is not None:
            faults += check.date(f"exits[{place}]", shut)
        yield from faults
        if not faults and shut is not None and shut < opened:
            rule = f"must not be before the entry ({opened})"
            yield Fault(f"exits[{place}]", rule, str(shut))


class _Seen(NamedTuple):
    """Counts and years of each group."""

    n: Floats
    years: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledRates:
    """Rates of groups that are alike but not the same.

    Attributes
    ----------
    between
        Likeliest distribution of the rate from group to group, ``Gamma(a, 1 / b)``.
    rates
        Rate of each group, with the uncertainty of a and b.
    conditional
        Rate of each group were a and b known, ``Gamma(a + n, 1 / (b + T))``: its mean lies between
        the group's events over its years and the mean over all groups.
    new_group
        Rate of a group of which nothing has been seen; its parts are the values of a and b that
        the counts allow.
    spread_quantiles
        Coefficient of variation between groups not exceeded with a probability of 0.001, 0.002
        and so on, shape (999,). [1]
    """

    between: Rate
    rates: dict[str, MixedRate]
    conditional: dict[str, Rate]
    new_group: MixedRate
    spread_quantiles: Floats = field(repr=False)

    @property
    def spread(self) -> float:
        """Likeliest coefficient of variation of the rate between groups, ``1 / sqrt(a)`` [1]."""
        return 1.0 / math.sqrt(self.between.rate_shape)

    def spread_interval(self, level: float = 0.9) -> tuple[float, float]:
        """Central interval of the coefficient of variation between groups [1].

        Parameters
        ----------
        level : float, default 0.9
            Probability that it holds, above 0 and below 1; above 0.998 as for 0.998. [1]

        Returns
        -------
        tuple of float
            Lower and upper bound; the same number twice where the prior was given. [1]

        Raises
        ------
        InvalidInputError
            If `level` lies outside (0, 1).
        """
        low, high = np.interp(tails(level), _PROBABILITY, self.spread_quantiles)
        return float(low), float(high)


def pool_rates(
    counts: Mapping[str, int],
    exposure_years: Mapping[str, float] | float,
    *,
    prior: Rate | None = None,
) -> PooledRates:
    r"""Posterior rates of groups, each pulled towards the others: the less it was seen, the more.

    Parameters
    ----------
    counts : mapping of str to int
        Events seen in each group: sites, perils, countries or metals.
    exposure_years : mapping of str to float, or float
        Years for which each group was watched, or one number for all. [a]
    prior : Rate, optional
        Distribution of the rate between groups, if known; estimated when omitted.

    Returns
    -------
    PooledRates
        Rate of each group and of a new one, and the spread between groups.

    Raises
    ------
    InvalidInputError
        If a count is no whole number of at least 0, years are not above 0 or are not given for
        just these groups, or there are fewer than two groups to estimate from (with a `prior`,
        none).
    TypeError
        If `counts` is no mapping, or `prior` no Rate.

    Notes
    -----
    :math:`n_i \sim \mathrm{Poisson}(\lambda_i T_i)` and :math:`\lambda_i \sim \mathrm{Gamma}(a,
    1/b)`, so that counts are negative binomial: :math:`n_i` has the log-likelihood

    .. math:: \ln \frac{\Gamma(a + n_i)}{\Gamma(a)\, n_i!} + a \ln \frac{b}{b + T_i}
              + n_i \ln \frac{T_i}{b + T_i}.

    With :math:`m = a/b` the mean and :math:`c = 1/\sqrt a` the spread between groups, `between`
    maximises its sum plus the weak penalty :math:`\frac12 \ln m + \ln c - 2c`, without which
    there is no maximum for counts that are all 0 or hardly differ [2]_. The first term is half an
    event over all groups, as in `fit_rate`; the others are a gamma prior on the spread, most likely
    0.5 and with 90 % from 0.18 to 2.4. It is an assumption, and with fewer than about five groups
    it decides. The spread is kept below :math:`\sqrt{K/3}` for K groups: beyond, the rate of a new
    group would have no variance.

    Empirical Bayes [1]_ takes that estimate for the truth (`conditional`). `rates` and `new_group`
    average over the posterior of m and c instead, with the penalty as prior, by quadrature: 32
    Gauss-Legendre points in the logarithm of c, and for each of them 61 in that of m. Groups are
    alike by assumption: one known to differ does not belong among them.

    References
    ----------
    .. [1] D. P. Gaver and I. G. O'Muircheartaigh, "Robust empirical Bayes analyses of event
       rates," Technometrics, vol. 29, no. 1, pp. 1-15, 1987,
       :doi:`10.1080/00401706.1987.10488178`.
    .. [2] Y. Chung, S. Rabe-Hesketh, V. Dorie, A. Gelman, J. Liu, "A nondegenerate penalized
       likelihood estimator for variance parameters in multilevel models," Psychometrika,
       vol. 78, no. 4, pp. 685-709, 2013, :doi:`10.1007/s11336-013-9328-2`.

    Examples
    --------
    >>> pooled = pool_rates({"north": 5, "south": 0, "east": 1, "west": 0}, 20.0)
    >>> [round(pooled.rates[group].mean, 3) for group in ("north", "south")]
    [0.169, 0.043]
    >>> round(pooled.new_group.mean, 3), round(pooled.spread, 2)
    (0.114, 0.95)
    """
    check.require("counts", counts, Mapping)
    if prior is not None:
        check.require("prior", prior, Rate)
    watched = (
        exposure_years
        if isinstance(exposure_years, Mapping)
        else dict.fromkeys(counts, exposure_years)
    )
    faults = [*_group_faults(counts, watched, 2 if prior is None else 1)]
    if faults:
        raise InvalidInputError("pool_rates", faults)
    if prior is None:
        n = np.array([float(number) for number in counts.values()])
        between, new_group, quantiles = _fit(
            _Seen(n, np.array([float(watched[g]) for g in counts]))
        )
    else:
        shape, years = np.array([prior.rate_shape]), np.array([prior.exposure_years])
        between, new_group = prior, mixed(shape, years, np.ones(1))
        quantiles = np.full(_PROBABILITY.shape, prior.rate_shape**-0.5)
    a, b, weights = new_group.shapes, new_group.years, new_group.weights
    return PooledRates(
        between=between,
        rates={g: mixed(a + int(n), b + float(watched[g]), weights) for g, n in counts.items()},
        conditional={
            group: Rate(
                rate_shape=between.rate_shape + int(n),
                exposure_years=between.exposure_years + float(watched[group]),
            )
            for group, n in counts.items()
        },
        new_group=new_group,
        spread_quantiles=quantiles,
    )


def _group_faults(
    counts: Mapping[str, int], years: Mapping[str, float], fewest: int
) -> Iterator[Fault]:
    for group, number in counts.items():
        yield from check.whole(f"counts[{group!r}]", number, least=0)
        if group in years:
            yield from check.number(f"exposure_years[{group!r}]", years[group], above=0.0)
    if set(counts) != set(years):
        odd = sorted(map(str, set(counts) ^ set(years)))
        yield Fault("exposure_years", "must be given for the groups that have counts", odd)
    if len(counts) < fewest:
        yield Fault("counts", f"must hold at least {fewest} groups", len(counts))


def _log_likelihood(seen: _Seen, log_mean: Floats, spread: Floats) -> Floats:
    """Negative binomial log-likelihood of the counts, less its constant."""
    a = 1.0 / spread[..., np.newaxis] ** 2
    expected = np.exp(log_mean)[..., np.newaxis] * seen.years
    terms = special.gammaln(a + seen.n) - special.gammaln(a) - a * np.log1p(expected / a)
    terms += seen.n * (np.log(expected) - np.log(a + expected))
    return np.asarray(terms.sum(axis=-1))


def _log_posterior(seen: _Seen, log_mean: Floats, spread: Floats) -> Floats:
    penalty = 0.5 * log_mean + np.log(spread) - spread / _TYPICAL_SPREAD
    return _log_likelihood(seen, log_mean, spread) + penalty


def _likeliest_mean(seen: _Seen, spread: Floats) -> tuple[Floats, Floats]:
    """Logarithm of the likeliest mean at each spread, and the width of the posterior about it."""
    a = 1.0 / spread[..., np.newaxis] ** 2

    def slopes(log_mean: Floats) -> tuple[Floats, Floats]:
        expected = np.exp(log_mean)[..., np.newaxis] * seen.years
        q = expected / (a + expected)
        slope = (seen.n * (1.0 - q) - a * q).sum(axis=-1) + 0.5
        return slope, ((a + seen.n) * q * (1.0 - q)).sum(axis=-1)

    # The slope falls from N + 1/2 to 1/2 - K a; at these ends it is above and below 0.
    low = np.full(spread.shape, math.log(0.5 / seen.years.sum()))
    high = np.log(4.0 * np.maximum(seen.n.max(), a[..., 0]) / seen.years.min())
    for _ in range(60):
        middle = 0.5 * (low + high)
        rises = slopes(middle)[0] > 0.0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return low, 1.0 / np.sqrt(slopes(low)[1])


def _fit(seen: _Seen) -> tuple[Rate, MixedRate, Floats]:
    """Likeliest distribution between groups, the mixture of all, and quantiles of the spread."""
    widest = math.sqrt(seen.n.size / _LEAST_SHAPE)
    scan = np.geomspace(_SMALLEST_SPREAD, widest, _N_SCAN)

    def profile(spread: Floats) -> Floats:
        return _log_posterior(seen, _likeliest_mean(seen, spread)[0], spread)

    height = profile(scan)
    top = int(height.argmax())
    low, high = scan[max(top - 1, 0)], scan[min(top + 1, _N_SCAN - 1)]
    found = optimize.minimize_scalar(
        lambda log_spread: -float(profile(np.exp(log_spread))),
        bounds=(math.log(low), math.log(high)),
        method="bounded",
        options={"xatol": 1e-9},
    )
    spread = np.exp(found.x)
    shape, mean = float(spread**-2), math.exp(float(_likeliest_mean(seen, spread)[0]))
    between = Rate(rate_shape=shape, exposure_years=shape / mean)
    likely = scan[height > height[top] - _FAR_BELOW]
    return between, *_average(seen, likely[0], likely[-1])


def _average(seen: _Seen, least: float, most: float) -> tuple[MixedRate, Floats]:
    """Mixture over the posterior of mean and spread between groups, and quantiles of the spread."""
    points, weight = np.polynomial.legendre.leggauss(_N_SPREADS)
    half = 0.5 * math.log(most / least)
    spread = least * np.exp(half * (points + 1.0))[:, np.newaxis]
    log_mean, step = nodes(*_likeliest_mean(seen, spread), _N_MEANS)
    log_density = _log_posterior(seen, log_mean, spread) + np.log(step * spread)
    density = np.exp(log_density - log_density.max())
    weights = density * weight[:, np.newaxis]
    kept = weights > VANISHING * weights.max()
    shapes = np.broadcast_to(spread**-2, weights.shape)[kept]
    years = shapes * np.exp(-log_mean[kept])
    place = _quantile_places(points, weight, density.sum(axis=1))
    quantiles = least * np.exp(half * (place + 1.0))
    return mixed(shapes, years, weights[kept] / weights[kept].sum()), quantiles


def _quantile_places(points: Floats, weight: Floats, density: Floats) -> Floats:
    """Quantiles on [-1, 1] of a density known at Gauss-Legendre points, by its series."""
    order = np.arange(points.size)
    values = np.polynomial.legendre.legvander(points, points.size - 1)
    series = (order + 0.5) * (values.T @ (weight * density))
    fine = np.linspace(-1.0, 1.0, 2_001)
    below = np.polynomial.legendre.legval(fine, np.polynomial.legendre.legint(series, lbnd=-1))
    return np.interp(_PROBABILITY, np.maximum.accumulate(below / below[-1]), fine)
