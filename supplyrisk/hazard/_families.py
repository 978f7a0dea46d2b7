"""Families of lengths by their kernel and parameters, and the profile of their likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import optimize

from supplyrisk.hazard import _likelihood as core

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.hazard._rows import Rows

    Floats = NDArray[np.float64]

_FARTHEST: Final = 30.0  # how far from its estimate the logarithm of a quantity is looked for
# Wider than what estimates are allowed: an interval tells what the rows leave open.
_LOG_SIGMA: Final = (np.log(0.01), np.log(20.0))


class Quantity(NamedTuple):
    """A quantity as the exponential of a coordinate, or of minus it.

    Coordinate 0 is ``mu + offset sigma``, coordinate 1 is ``log sigma``.
    """

    coordinate: int
    offset: float = 0.0
    sign: float = 1.0


class Family(NamedTuple):
    """A family: its kernel, which of (mu, log sigma) are free, and its parameters by name."""

    kernel: core.Kernel
    free: tuple[bool, bool]
    parameters: dict[str, Quantity]

    @property
    def quantities(self) -> dict[str, Quantity]:
        """The parameters, and the median."""
        return {"median_days": Quantity(0, self.kernel.log_median), **self.parameters}


FAMILIES: Final[dict[str, Family]] = {
    "lognormal": Family(
        core.NORMAL, (True, True), {"median_days": Quantity(0), "sigma": Quantity(1)}
    ),
    "weibull": Family(
        core.EXTREME, (True, True), {"shape": Quantity(1, sign=-1.0), "scale_days": Quantity(0)}
    ),
    "exponential": Family(core.EXTREME, (True, False), {"mean_days": Quantity(0)}),
}


def begin_of(rows: Rows, family: Family) -> Floats:
    """Return where to begin the climb, shape (1, 2)."""
    logs = np.log(rows.days)
    spread = np.log(np.clip(logs.std(), 0.5, 2.0)) if family.free[1] else 0.0
    return np.array([[logs.mean(), spread]])


def family_box(rows: Rows, family: Family) -> core.Box:
    """Return what a fit of the family allows."""
    # What is left of an exponential above its truncation may be short indeed.
    box = core.box_of(rows, furthest_below=20.0 if family.free[1] else 1e6)
    return box._replace(free=family.free)


def profile_ends(
    rows: Rows, family: Family, wanted: Quantity, *, at: tuple[float, float], drop: float
) -> list[float]:
    """Where the profile of the log-likelihood has fallen by `drop`, below and above its top.

    The top lies at mu and sigma `at`; an end is infinite where it never falls so far.
    """
    likelihood = core.likelihood(family.kernel, rows, offset=wanted.offset)
    top = np.array([at[0] + wanted.offset * at[1], np.log(at[1])])
    best = float(likelihood(top[None])[0][0])
    axis = wanted.coordinate
    box = core.Box(
        np.array([top[0] - _FARTHEST, _LOG_SIGMA[0]]),
        np.array([top[0] + _FARTHEST, _LOG_SIGMA[1]]),
        free=(axis != 0, axis != 1 and family.free[1]),
    )

    def fallen(value: float) -> float:
        start = top.copy()
        start[axis] = value
        return best - float(core.climb(likelihood, start[None], box).value[0]) - drop

    ends = []
    for side, edge in ((-1.0, box.low[axis]), (1.0, box.high[axis])):
        step, far = 0.1, top[axis]
        while fallen(far) < 0.0 and far != edge:
            far = side * min(side * (far + side * step), side * edge)
            step *= 2.0
        known = fallen(far) >= 0.0
        end = optimize.brentq(fallen, top[axis], far, xtol=1e-9) if known else side * np.inf
        ends.append(float(end))
    return ends
