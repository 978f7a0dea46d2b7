"""The tail split into parts, in a second pass over the futures in it.

Once all losses are known, the events of the futures in the tail, and of those near its border, are
drawn again, block by block: nothing is ever held for all futures and sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk import metrics
from supplyrisk.engine import occurrence
from supplyrisk.engine.contributions import TAIL_LEVEL, added, labels
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.losses import losses
from supplyrisk.engine.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

_Z90: Final = float(special.ndtri(0.95))


@dataclass(frozen=True, slots=True)
class TailRows:
    """Losses in the futures of the tail and near its border, a row per event and site.

    Attributes
    ----------
    threat, site
        Threat and site of the plan, shape (n_rows,).
    future
        Place of the future among `weight`, shape (n_rows,).
    lost_t
        Loss, shape (n_rows,). [t]
    weight
        Weight of each future in the tail mean, shape (n_futures,). [1]
    near
        Whether it is near the border of the tail, shape (n_futures,).
    """

    threat: Ints
    site: Ints
    future: Ints
    lost_t: Floats
    weight: Floats
    near: NDArray[np.bool_]


def tail_weights(loss: Floats, level: float = TAIL_LEVEL) -> Floats:
    """Weight of each scenario in the tail mean; those on the quantile share what is left.

    Parameters
    ----------
    loss : ndarray, shape (n_scenarios,)
        Loss of each scenario.
    level : float
        Level of the tail. [1]

    Returns
    -------
    ndarray, shape (n_scenarios,)
        Weights that sum to 1; with them the mean of `loss` is its tail value at risk. [1]
    """
    threshold = metrics.value_at_risk(loss, level=level)
    tail = (1.0 - level) * loss.size
    above, equal = loss > threshold, loss == threshold
    share = float(tail - above.sum()) / float(equal.sum())
    return np.asarray((above + share * equal) / tail)


def tail_rows(plan: Plan, seed: int, lost_t: Floats, block_size: int) -> TailRows:
    """Draw the events of the tail again.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    seed : int
        Seed of the simulation.
    lost_t : ndarray, shape (n_scenarios,)
        Its losses. [t]
    block_size : int
        Futures of a block.

    Returns
    -------
    TailRows
        Losses by event and site in the futures of the tail and near its border.
    """
    n = lost_t.size
    weight = tail_weights(lost_t)
    order = np.argsort(lost_t, kind="stable")
    border, reach = round(TAIL_LEVEL * n), round(np.sqrt(n))
    near = np.zeros(n, dtype=bool)
    near[order[max(border - reach, 0) : border + reach]] = True
    chosen = near | (weight > 0.0)
    place = np.cumsum(chosen) - 1
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for block in np.unique(np.flatnonzero(chosen) // block_size).tolist():
        first = block * block_size
        events = draw_events(plan, Streams(seed, block), min(block_size, n - first))
        events = events.rows(chosen[first + events.scenario])
        lost = plan.production_t_per_day[events.site] * losses(plan, events, plan.edges_days).days
        parts.append((events.threat, events.site, place[first + events.scenario], lost))
    threat, site, future, lost_t = (np.concatenate(column) for column in zip(*parts, strict=True))
    return TailRows(threat, site, future, lost_t, weight[chosen], near[chosen])


class TailParts(NamedTuple):
    """Parts of the tail mean with the reach of their 90 % intervals, shape (n_parts,) [t]."""

    tail_t: Floats
    reach_t: Floats


def tail_parts(plan: Plan, rows: TailRows, n: int, by: str) -> TailParts:
    r"""Split the tail mean.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    rows : TailRows
        Losses in the tail.
    n : int
        Futures that were simulated.
    by : str
        One of `GROUPS`.

    Returns
    -------
    TailParts
        Parts that sum to the tail mean, and half the width of their intervals.

    Notes
    -----
    A part is :math:`C = \sum_s w_s x_s` with the weights w of the tail. Its influence function at
    level :math:`\alpha` is :math:`(x - q) 1_{\text{tail}} / (1 - \alpha) + q - C`, where q is the
    part's mean loss at the border of the tail, here over the futures within :math:`\sqrt n` ranks
    of it. So

    .. math:: n \operatorname{Var} C = \frac{\sum_s w_s (x_s - q)^2}{1 - \alpha} - (C - q)^2,

    which for the whole loss is the variance of its tail mean.

    References
    ----------
    .. [1] L. J. Hong and G. Liu, "Simulating sensitivities of conditional value at risk," Manage.
       Sci., vol. 55, pp. 281-293, 2009, :doi:`10.1287/mnsc.1080.0901`.
    """
    held = labels(plan, by)
    k = len(held.names)
    future, part, loss = added(rows.future, held.of(rows.threat, rows.site), k, rows.lost_t)

    def summed(values: Floats) -> Floats:
        """Add up the values of each part."""
        return np.bincount(part, values, minlength=k).astype(float)

    weight = rows.weight[future]
    tail, square = summed(weight * loss), summed(weight * loss**2)
    border = summed(rows.near[future] * loss) / max(int(rows.near.sum()), 1)
    about = square - 2.0 * border * tail + border**2
    variance = about / (1.0 - TAIL_LEVEL) - (tail - border) ** 2
    return TailParts(tail, _Z90 * np.sqrt(np.maximum(variance, 0.0) / n))


def year_parts(
    plan: Plan, seed: int, lost_t: Floats, block_size: int
) -> Callable[[str], TailParts]:
    """Split the tail mean of years of the occurrence basis; its parts have no intervals yet.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    seed : int
        Seed of the simulation.
    lost_t : ndarray, shape (n_years,)
        Its losses. [t]
    block_size : int
        Years of a block.

    Returns
    -------
    callable
        Gives the parts by one of `GROUPS`.
    """
    book, weight = occurrence.open_book(plan, seed), tail_weights(lost_t)
    blocks = range(0, lost_t.size, block_size)
    found = [
        occurrence.tail_parts(book, number, weight[first : first + block_size])
        for number, first in enumerate(blocks)
    ]
    by_site, by_threat = (sum(columns) for columns in zip(*found, strict=True))

    def parts(by: str) -> TailParts:
        """Return the parts of a group."""
        held = labels(plan, by)
        tonnes = by_site if held.of_sites else by_threat
        tail = np.bincount(held.part, tonnes, minlength=len(held.names)).astype(float)
        return TailParts(tail, np.full(tail.shape, np.nan))

    return parts
