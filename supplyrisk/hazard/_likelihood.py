"""Likelihood of lengths whose logarithm has a location and a scale, and the way to its top.

A lognormal length is ``exp(mu + sigma W)`` with W normal; a Weibull is the same with W the smallest
extreme value (its scale is ``exp(mu)``, its shape ``1 / sigma``), and the exponential is the
Weibull of ``sigma = 1``.  One set of derivatives serves all, for many groups of rows at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from supplyrisk.hazard._rows import Rows

    Floats = NDArray[np.float64]
    Curve = Callable[[Floats], tuple[Floats, Floats, Floats]]

_LOG_ROOT_TWO_PI: Final = 0.5 * math.log(2.0 * math.pi)
_LARGEST: Final = 200.0  # exp of more has squares beyond every float
_FARTHEST: Final = 1e4
_SIGMA: Final = (0.05, 4.0)
_ROUNDS: Final = 200
_LONGEST_STEP: Final = 2.0
_AT_THE_TOP: Final = 1e-9


class Kernel(NamedTuple):
    """Standardised distribution: logarithms of density and survival, each with two derivatives."""

    density: Curve
    survival: Curve
    mean: float
    variance: float
    log_median: float


def _normal_density(z: Floats) -> tuple[Floats, Floats, Floats]:
    return -0.5 * z * z - _LOG_ROOT_TWO_PI, -z, np.full_like(z, -1.0)


def _normal_survival(z: Floats) -> tuple[Floats, Floats, Floats]:
    log_survival = special.log_ndtr(-z)
    hazard = np.exp(-0.5 * z * z - _LOG_ROOT_TWO_PI - log_survival)
    return log_survival, -hazard, -hazard * (hazard - z)


def _extreme_density(z: Floats) -> tuple[Floats, Floats, Floats]:
    hazard = np.exp(np.minimum(z, _LARGEST))
    return z - hazard, 1.0 - hazard, -hazard


def _extreme_survival(z: Floats) -> tuple[Floats, Floats, Floats]:
    hazard = np.exp(np.minimum(z, _LARGEST))
    return -hazard, -hazard, -hazard


NORMAL: Final = Kernel(_normal_density, _normal_survival, 0.0, 1.0, 0.0)
EXTREME: Final = Kernel(
    _extreme_density,
    _extreme_survival,
    -float(np.euler_gamma),
    math.pi**2 / 6.0,
    math.log(math.log(2.0)),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likelihood:
    """Log-likelihood of (mu, log sigma) for each group of rows, without the sum of log(days).

    With an `offset` w the first parameter is ``mu + w sigma`` instead, a quantile of log(days).
    """

    kernel: Kernel
    n_groups: int
    ended: Floats  # log(days)
    ended_group: NDArray[np.intp]
    bound: Floats  # log of lower bounds (sign +1) and of truncations (sign -1)
    bound_group: NDArray[np.intp]
    sign: Floats
    offset: float = 0.0

    def __call__(self, at: Floats) -> tuple[Floats, Floats, Floats]:
        """Value (n_groups,), gradient (n_groups, 2), second derivatives (n_groups, 2, 2)."""
        dense = self._terms(self.kernel.density, self.ended, at[self.ended_group])
        dense[0] -= at[self.ended_group, 1]
        dense[2] -= 1.0
        alive = self._terms(self.kernel.survival, self.bound, at[self.bound_group]) * self.sign
        sums = [
            np.bincount(self.ended_group, one, self.n_groups)
            + np.bincount(self.bound_group, other, self.n_groups)
            for one, other in zip(dense, alive, strict=True)
        ]
        value, by_mu, by_eta, mu_mu, mu_eta, eta_eta = (np.asarray(s, dtype=float) for s in sums)
        gradient = np.stack([by_mu, by_eta], axis=-1)
        second = np.stack([mu_mu, mu_eta, mu_eta, eta_eta], axis=-1).reshape(-1, 2, 2)
        return value, gradient, second

    def repeated(self, times: int) -> Likelihood:
        """Likelihood of `times` copies of the groups, the first copy of each first."""
        first = np.arange(times)[:, None] * self.n_groups
        return replace(
            self,
            n_groups=self.n_groups * times,
            ended=np.tile(self.ended, times),
            ended_group=(self.ended_group + first).ravel(),
            bound=np.tile(self.bound, times),
            bound_group=(self.bound_group + first).ravel(),
            sign=np.tile(self.sign, times),
        )

    def _terms(self, curve: Curve, log_days: Floats, at: Floats) -> Floats:
        """Return value, two first and three second derivatives of each row; shape (6, n)."""
        inverse = np.exp(-at[:, 1])
        z = np.clip((log_days - at[:, 0]) * inverse, -_FARTHEST, _FARTHEST)
        value, first, second = curve(z + self.offset)
        return np.stack(
            [
                value,
                -first * inverse,
                -first * z,
                second * inverse * inverse,
                (second * z + first) * inverse,
                (second * z + first) * z,
            ]
        )


def likelihood(
    kernel: Kernel,
    rows: Rows,
    group: NDArray[np.intp] | None = None,
    n_groups: int = 1,
    offset: float = 0.0,
) -> Likelihood:
    """Return the likelihood of each group of rows."""
    group = np.zeros(rows.n_stops, np.intp) if group is None else group
    cut = rows.floor_days > 0.0
    logs = np.log(rows.days)
    return Likelihood(
        kernel=kernel,
        n_groups=n_groups,
        ended=logs[~rows.censored],
        ended_group=group[~rows.censored],
        bound=np.concatenate([logs[rows.censored], np.log(rows.floor_days[cut])]),
        bound_group=np.concatenate([group[rows.censored], group[cut]]),
        sign=np.concatenate([np.ones(rows.n_censored), np.full(int(cut.sum()), -1.0)]),
        offset=offset,
    )


class Box(NamedTuple):
    """Where (mu, log sigma) may lie, each shape (2,), and which of the two may move."""

    low: Floats
    high: Floats
    free: tuple[bool, bool] = (True, True)


def box_of(rows: Rows, *, furthest_below: float = 20.0) -> Box:
    """Return what a fit allows: a location near the rows, and a sigma from 0.05 to 4.

    Rows that are few and cut off at both ends can be explained by a median of next to nothing and
    an endless spread; the lowest location is a twentieth of the shortest stop.
    """
    logs = np.log(rows.days)
    low = [logs.min() - math.log(furthest_below), math.log(_SIGMA[0])]
    high = [min(logs.max() + math.log(1e4), 700.0), math.log(_SIGMA[1])]
    return Box(np.array(low), np.array(high))


class Prior(NamedTuple):
    """Normal prior of (mu, log sigma): mean and precision, each shape (2,)."""

    mean: Floats
    precision: Floats


FLAT: Final = Prior(np.zeros(2), np.zeros(2))


class Peak(NamedTuple):
    """Top of likelihood times prior, by group.

    Attributes
    ----------
    at
        Place; shape (n_groups, 2).
    value
        Logarithm of likelihood times prior, the prior without its constant; shape (n_groups,).
    curvature
        Minus the second derivatives there; shape (n_groups, 2, 2).
    on_edge
        Whether the place lies on the edge of the box; shape (n_groups,).
    """

    at: Floats
    value: Floats
    curvature: Floats
    on_edge: NDArray[np.bool_]


def climb(of: Likelihood, start: Floats, box: Box, prior: Prior = FLAT) -> Peak:
    """Go to the top by Newton steps, all groups at once, each as long as it still rises."""

    def posterior(at: Floats) -> tuple[Floats, Floats, Floats]:
        value, gradient, second = of(at)
        apart = at - prior.mean
        pull = prior.precision * apart
        return (
            value - 0.5 * (pull * apart).sum(-1),
            gradient - pull,
            second - np.diag(prior.precision),
        )

    at = np.clip(start, box.low, box.high)
    value, gradient, second = posterior(at)
    share = np.ones(len(at))
    for _ in range(_ROUNDS):
        blocked = ((at <= box.low) & (gradient < 0.0)) | ((at >= box.high) & (gradient > 0.0))
        step = _ascent(gradient, -second, blocked | ~np.array(box.free))
        done = (np.abs(step).max(axis=1) < _AT_THE_TOP) | (share < 1e-6)
        if done.all():
            break
        reached = np.clip(at + np.where(done, 0.0, share)[:, None] * step, box.low, box.high)
        new = posterior(reached)
        # Near the top a rise drowns in rounding.
        better = new[0] >= value - 1e-12 * (1.0 + np.abs(value))
        at = np.where(better[:, None], reached, at)
        value = np.where(better, new[0], value)
        gradient = np.where(better[:, None], new[1], gradient)
        second = np.where(better[:, None, None], new[2], second)
        share = np.where(better, 1.0, 0.25 * share)
    on_edge = (((at <= box.low) | (at >= box.high)) & np.array(box.free)).any(axis=1)
    return Peak(at, value, -second, on_edge)


def _ascent(gradient: Floats, curvature: Floats, pinned: NDArray[np.bool_]) -> Floats:
    """Newton step; where the surface bends upwards, by the size of the bend, so that it rises."""
    bend = np.where(pinned[:, :, None] | pinned[:, None, :], np.eye(2), curvature)
    slope = np.where(pinned, 0.0, gradient)
    size, direction = np.linalg.eigh(bend)
    along = np.einsum("gji,gj->gi", direction, slope) / np.maximum(np.abs(size), 1e-8)
    step = np.einsum("gij,gj->gi", direction, along)
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300)))


def covariance_of(curvature: Floats, sigma: float, free: tuple[bool, bool]) -> Floats:
    """Covariance of (mu, log sigma) by the curvature at the top; of what is held fixed, 0.

    On the edge of what is allowed the surface may bend the other way: there the spread of one stop
    stands for no knowledge.
    """
    if not free[1]:
        return np.diag([1.0 / curvature[0, 0] if curvature[0, 0] > 0.0 else sigma**2, 0.0])
    if curvature[0, 0] > 0.0 and np.linalg.det(curvature) > 0.0:
        return np.asarray(np.linalg.inv(curvature))
    return np.diag([sigma**2, 1.0])
