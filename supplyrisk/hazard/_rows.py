"""Stops as a fit takes them: checked, with what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Observed stops.

    Attributes
    ----------
    days
        Length of each, or how long it has been running; shape (n_stops,). [d]
    censored
        Whether a stop was still running; shape (n_stops,).
    floor_days
        Length below which a stop would not be among the rows; shape (n_stops,). [d]
    """

    days: Floats
    censored: NDArray[np.bool_]
    floor_days: Floats

    @property
    def n_stops(self) -> int:
        """Number of stops."""
        return int(self.days.size)

    @property
    def n_censored(self) -> int:
        """Number of stops that were still running."""
        return int(self.censored.sum())


def rows_of(
    what: str,
    days: ArrayLike,
    censored: ArrayLike | None,
    truncated_below_days: ArrayLike | None,
    *,
    fewest: int,
) -> Rows:
    """Return the stops, or raise with every rule they break; `fewest` of them must have ended."""
    try:
        length = np.asarray(days, dtype=float)
        floor = np.asarray(
            0.0 if truncated_below_days is None else truncated_below_days, dtype=float
        )
    except (TypeError, ValueError) as error:
        given = (days, truncated_below_days)
        raise InvalidInputError(what, [Fault("days", "must be numbers", given)]) from error
    flags = np.zeros(length.shape, bool) if censored is None else np.asarray(censored)
    faults = _faults(length, flags, floor, fewest)
    if faults:
        raise InvalidInputError(what, faults)
    return Rows(
        days=length.copy(),
        censored=flags.astype(bool),
        floor_days=np.broadcast_to(floor, length.shape).copy(),
    )


def _faults(length: Floats, flags: NDArray[np.generic], floor: Floats, fewest: int) -> list[Fault]:
    if length.ndim != 1 or flags.shape != length.shape:
        rule = "must be (n_stops,), and censored alike"
        return [Fault("days", rule, (length.shape, flags.shape))]
    faults = []
    odd = [flag for flag in flags.tolist() if flag not in (True, False)]
    if odd:  # NaN counts as true, and a column of a table may hold it
        faults.append(Fault("censored", "must be true or false for each stop", odd[0]))
    if not (np.isfinite(length).all() and (length > 0.0).all()):
        faults.append(Fault("days", "must be finite numbers above 0", length.tolist()))
    else:
        faults += _floor_faults(length, floor)
    ended = length.size if odd else int((~flags.astype(bool)).sum())
    if ended < fewest or not length.size:
        rule = f"must hold at least {max(fewest, 1)} stops{' that have ended' if fewest else ''}"
        faults.append(Fault("days", rule, ended))
    return faults


def _floor_faults(length: Floats, floor: Floats) -> list[Fault]:
    if floor.ndim == 0:
        if not (np.isfinite(floor) and 0.0 <= floor <= length.min(initial=np.inf)):
            rule = "must be a number of days from 0 to the shortest stop"
            return [Fault("truncated_below_days", rule, float(floor))]
    elif floor.shape != length.shape:
        rule = "must be one number, or one for each stop"
        return [Fault("truncated_below_days", rule, floor.shape)]
    elif not (np.isfinite(floor).all() and (floor >= 0.0).all() and (floor <= length).all()):
        rule = "must lie from 0 to the length of its stop"
        return [Fault("truncated_below_days", rule, floor.tolist())]
    return []
