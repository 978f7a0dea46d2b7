"""A small simulation that says which events to hold for large, and how often they are to strike."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.engine._boosted import Boost, Futures, open_job, run_all
from supplyrisk.engine._large import Large, large_events
from supplyrisk.engine.weighted import quantile, worst_first

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Basis, Plan

    Floats = NDArray[np.float64]

_FIRST_BLOCK: Final = 2**40
"""Blocks from here on are the pilot's: no simulation has so many."""
_MOST_LARGE: Final = 20.0
"""Most large events a future. [1]"""
_FEWEST_LARGE: Final = 1e-100
"""Fewest large events a future: so few can be multiplied without overflow. [1]"""
_MORE: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
"""Large events that are added to a future on average, to choose from. [1]"""
_SHARES: Final = (0.5, 0.25)
"""Shares of the futures of two boosts; the others are plain, and bound the weights. [1]"""
_WIDER: Final = 4.0
"""How many times as many events are large by the second boost, at least. [1]"""
_TURNS: Final = 2
"""How often the two boosts are chosen anew, each given the other."""
_TINY: Final = float(np.finfo(float).tiny)
_ROUNDS: Final = 2
"""The second draws by the boosts that were best by the first, and looks closer."""


def sizes_to_try(plan: Plan, basis: Basis, outside: float) -> Large:
    """Return sizes above which events may be held for large: expected numbers double.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    basis : {"calendar", "occurrence"}
        How losses are counted.
    outside : float
        Share of the futures that the tail holds. [1]

    Returns
    -------
    Large
        From all events, or some twenty a future, to a quarter of an event for a tail future; sizes
        ascend. None if no event can be large.
    """
    every = large_events(plan, basis)
    number = every.n_expected
    wanted = 0.25 * outside * 2.0 ** np.arange(60)
    wanted = wanted[wanted < min(_MOST_LARGE, 2.0 * float(number.max(initial=0.0)))]
    # Numbers fall as sizes ascend; fixed lengths make steps, at which several meet.
    rows = {int(np.searchsorted(-number, -most, side="left")) for most in wanted.tolist()}
    held = np.count_nonzero(number > _FEWEST_LARGE)
    return every.rows(sorted(row for row in rows if row < held))


class Chosen(NamedTuple):
    """What a pilot simulation chose.

    Attributes
    ----------
    large
        What is large, by the sizes of the boosts alone.
    boosts
        Boosts, by their rows in it; none where plain futures are best.
    n_pilot
        Futures that it took.
    """

    large: Large
    boosts: tuple[Boost, ...]
    n_pilot: int


def best_boosts(
    plan: Plan,
    basis: Basis,
    seed: int,
    large: Large,
    *,
    outside: float,
    n: int,
    pool: Executor | None = None,
) -> Chosen:
    """Find the boosts by which the tail is known best.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    basis : {"calendar", "occurrence"}
        How losses are counted.
    seed : int
        Seed of the simulation.
    large : Large
        What is large, by sizes to choose from.
    outside : float
        Share of the futures that the tail holds. [1]
    n : int
        Most futures of the pilot.
    pool : concurrent.futures.Executor, optional
        Who runs them.

    Returns
    -------
    Chosen
        Boosts with the smallest estimated variance; none at all if that is best.

    Notes
    -----
    The futures come from several boosts, each in its share, and are weighted by the mixture of all
    of them, so that second moments under any other boosts can be estimated from the same futures:
    ``E_q (w f)^2 = E_p w f^2``.
    """
    boosts = _tiers(large)
    drawn: tuple[Boost, ...] = ()
    parts: list[Futures] = []
    each = n // _ROUNDS
    for number in range(_ROUNDS):
        if not boosts:
            break
        job = open_job(plan, basis, seed, large, boosts, size=each)
        parts.append(run_all(job, [(_FIRST_BLOCK + number, each)], pool))
        drawn = (*drawn, *boosts)
        mixture = tuple(replace(boost, share=boost.share / len(parts)) for boost in drawn)
        futures = Futures.joined(parts)
        boosts = _best(futures, futures.weights(mixture), large, outside)
    # No other size is counted from here on: ten million futures have to fit the memory.
    rows = sorted({boost.row for boost in boosts})
    alone = tuple(replace(boost, row=rows.index(boost.row)) for boost in boosts)
    return Chosen(large.rows(rows), alone, each * len(parts))


def _tiers(large: Large) -> tuple[Boost, ...]:
    """Return boosts of sizes far from each other, from the largest down."""
    rows = range(len(large.size_t) - 1, -1, -3)
    tiers = []
    for row in rows:
        number = float(large.n_expected[row])
        more = max(1.0, 2.0 * np.sqrt(number))
        tiers.append(Boost(row, 1.0 + more / number, share=1.0 / (len(rows) + 1)))
    return tuple(tiers)


def _best(futures: Futures, weight: Floats, large: Large, outside: float) -> tuple[Boost, ...]:
    """Return the best two boosts, of large events and of smaller ones beside them, or one."""
    part, tail = _tail_parts(futures, weight, outside)
    inside = futures.where(tail)
    choice = [
        Boost(row, 1.0 + more / number, share=sum(_SHARES))
        for row, number in enumerate(large.n_expected.tolist())
        for more in _MORE
    ]

    def second_moment(*boosts: Boost) -> float:
        return float(np.einsum("i,i->", part, inside.weights(boosts)))

    best: tuple[Boost, ...] = (min(choice, key=second_moment),)
    narrow, wide = (tuple(replace(boost, share=share) for boost in choice) for share in _SHARES)
    for _ in range(_TURNS):
        # The best alone is not the best beside another: in turns each is found given the other.
        first = large.n_expected[best[0].row]
        beside = [boost for boost in wide if large.n_expected[boost.row] >= _WIDER * first]
        if not beside:
            break
        second = min(beside, key=partial(second_moment, replace(best[0], share=_SHARES[0])))
        most = large.n_expected[second.row] / _WIDER
        fewer = [boost for boost in narrow if large.n_expected[boost.row] <= most]
        best = min(((boost, second) for boost in fewer), key=lambda pair: second_moment(*pair))
    # Without a boost it is the sum of the parts; where nothing is in the tail, nothing is better.
    return best if second_moment(*best) < part.sum() else ()


def _tail_parts(
    futures: Futures, weight: Floats, outside: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what each future of the tail adds to the variance, and which they are.

    Half is that of the tail mean and half that of its probability.
    """
    value = quantile(*worst_first(futures.lost_t, weight), outside)
    tail = futures.lost_t > value
    mass = weight[tail]
    squares = mass * (futures.lost_t[tail] - value) ** 2
    return squares / max(squares.sum(), _TINY) + mass / max(mass.sum(), _TINY), tail
