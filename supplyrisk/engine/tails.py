"""The tail split into parts, in a second pass over the futures in it.

Once all losses are known, the events of the futures in the tail, and of those near its border, are
drawn again, block by block, and summed: nothing is ever held for all futures and sites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import special

from supplyrisk import metrics
from supplyrisk.engine import draws, occurrence
from supplyrisk.engine.contributions import GROUPS, TAIL_LEVEL
from supplyrisk.engine.losses import losses
from supplyrisk.engine.tally import Tally, no_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.contributions import Sums

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Rows = tuple[range, Ints, Ints, Ints, Floats]

_Z90: Final = float(special.ndtri(0.95))


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


class TailParts(NamedTuple):
    """Parts of the tail mean with the reach of their 90 % intervals, shape (n_parts,) [t]."""

    tail_t: Floats
    reach_t: Floats


def tail_parts(book: Book, basis: str, lost_t: Floats, block_size: int) -> dict[str, TailParts]:
    r"""Split the tail mean.

    Parameters
    ----------
    book : Book
        What the futures were drawn from.
    basis : str
        How their losses were counted.
    lost_t : ndarray, shape (n_scenarios,)
        Their losses. [t]
    block_size : int
        Futures of a block.

    Returns
    -------
    dict of str to TailParts
        By each of `contributions.GROUPS`, parts that sum to the tail mean, and half the width of
        their intervals.

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
    n, weight = lost_t.size, tail_weights(lost_t)
    border = border_weights(lost_t)
    seen = (weight > 0.0) | (border > 0.0)
    in_tail, at_border = _no_sums(book), _no_sums(book)
    for block in np.unique(np.flatnonzero(seen) // block_size).tolist():
        mine = slice(block * block_size, (block + 1) * block_size)
        chosen = seen[mine]
        tallies = [Tally(book, chosen.sum(), w[mine][chosen]) for w in (weight, border)]
        place = np.cumsum(chosen) - 1
        lost = _block_losses(book, basis, block, chosen, block_size)
        for sites, scenario, threat, site, tonnes in lost:
            for tally in tallies:
                tally.add(sites, place[scenario], threat, site, tonnes)
        for total, tally in zip((in_tail, at_border), tallies, strict=True):
            _add(total, tally.sums())
    return {by: with_reach(in_tail[by], at_border[by].total_t, n) for by in GROUPS}


def border_weights(loss: Floats) -> Floats:
    """Weigh the futures near the border of the tail alike.

    Parameters
    ----------
    loss : ndarray, shape (n_scenarios,)
        Loss of each scenario.

    Returns
    -------
    ndarray, shape (n_scenarios,)
        Weights that sum to 1. [1]
    """
    n = loss.size
    border, reach = round(TAIL_LEVEL * n), round(np.sqrt(n))
    near = np.argsort(loss, kind="stable")[max(border - reach, 0) : border + reach]
    weight = np.zeros(n)
    weight[near] = 1.0 / len(near)
    return weight


def _block_losses(
    book: Book, basis: str, block: int, chosen: NDArray[np.bool_], block_size: int
) -> Iterator[Rows]:
    """Give the losses of some futures of a block again, some sites at a time."""
    if basis == "occurrence":
        yield from occurrence.tail_losses(book, block, chosen)
        return
    plan = book.plan
    for sites, drawn in draws.Block(book, block, block_size).groups(len(chosen)):
        events = drawn.rows(chosen[drawn.scenario])
        lost_t = plan.production_t_per_day[events.site]
        lost_t = lost_t * losses(plan, events, plan.edges_days[[0, -1]]).days
        yield sites, events.scenario, events.threat, events.site, lost_t


def with_reach(tail: Sums, border_t: Floats, n: int) -> TailParts:
    """Put the reach of its interval beside each part of a tail mean.

    Parameters
    ----------
    tail : Sums
        Weighted sums of the parts and of their squares over the tail.
    border_t : ndarray, shape (n_parts,)
        Mean of each part at the border of the tail.
    n : int
        Number of scenarios.

    Returns
    -------
    TailParts
        Parts and half the width of their intervals, as in `tail_parts`.
    """
    about = tail.square_t2 - 2.0 * border_t * tail.total_t + border_t**2
    variance = about / (1.0 - TAIL_LEVEL) - (tail.total_t - border_t) ** 2
    return TailParts(tail.total_t, _Z90 * np.sqrt(np.maximum(variance, 0.0) / n))


def _no_sums(book: Book) -> dict[str, Sums]:
    return {by: no_sums(len(held.names)) for by, held in book.labels.items()}


def _add(total: dict[str, Sums], more: dict[str, Sums]) -> None:
    for by, sums in more.items():
        for mine, theirs in zip(total[by], sums, strict=True):
            mine += theirs  # noqa: PLW2901 - into the array
