"""Rare losses by importance sampling: far tails where no exact answer exists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.engine import blocks
from supplyrisk.engine._boosted import Sampling, open_job, run_all
from supplyrisk.engine._pilot import best_boosts, sizes_to_try
from supplyrisk.engine.occurrence import yearly_faults
from supplyrisk.engine.plan import Basis, make_plan
from supplyrisk.engine.results import provenance_of
from supplyrisk.engine.run import MOST_SCENARIOS, runner_faults
from supplyrisk.engine.streams import seed_of
from supplyrisk.engine.weighted import RareLosses, level_faults
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from supplyrisk.engine._boosted import Futures
    from supplyrisk.engine._pilot import Chosen
    from supplyrisk.model.provenance import Provenance

LEAST_SCENARIOS: Final = 1_000
"""Fewest futures by which a far tail is worth a look."""
_MOST_IN_PILOT: Final = 4_096


def rare_losses(
    case: Case,
    n_scenarios: int = 20_000,
    *,
    level: float = 0.999,
    rng: int | np.random.Generator | None = None,
    basis: Basis = "calendar",
    executor: Executor | None = None,
    workers: int | None = None,
) -> RareLosses:
    r"""Simulate futures of which many hold large events, each with its weight.

    Parameters
    ----------
    case : Case
        The situation on its date.
    n_scenarios : int, default 20_000
        Number of futures, from 1,000 to 10,000,000, without those of a pilot simulation.
    level : float, default 0.999
        Level whose tail is wanted most, in [0, 1); 0.999 is 1 in 1,000 futures. [1]
    rng : int, numpy.random.Generator or None
        Seed of the random numbers; the same seed gives the same bits. A fresh seed when omitted;
        ``provenance.seed`` tells it.
    basis : {"calendar", "occurrence"}
        How losses are counted, as in `simulate`.
    executor : concurrent.futures.Executor, optional
        Who runs the blocks of futures: threads, processes, or other machines. It stays open.
    workers : int, optional
        Processes to start for this simulation instead; 1 is none beside this one.

    Returns
    -------
    RareLosses
        Losses and weights; quantiles, tail means and probabilities with intervals.

    Raises
    ------
    TypeError
        If `case` or `rng` is of a class that does not fit.
    ValueError
        If a value breaks a rule, or the case has no site or does not fit the basis.

    Notes
    -----
    Heavy tails come from one large event, or a few. In half of the futures events above some size
    strike c times as often, in a quarter those above a smaller size; all else is as ever, and all
    futures are weighted by the mixture of the three kinds [1]_ [2]_. Given the gamma factors of
    uncertain rates all events are Poisson, so with :math:`B_k` large events,
    :math:`\Lambda_k` expected ones, shares :math:`\alpha_k`, and :math:`\alpha_0` of plain
    futures

    .. math:: w = \frac{1}{\alpha_0 + \sum_k \alpha_k\, c_k^{B_k} e^{-(c_k - 1) \Lambda_k}}
              \le \frac{1}{\alpha_0}.

    Means of ``w f`` are unbiased for every f, whatever the multipliers and sizes are. They are
    chosen by a pilot simulation with random numbers of its own: the least variance of the
    probability and the mean of the tail beyond `level`, no boost included [3]_.

    Dated events strike as they are known to. Hazards whose sites each have a length of their own,
    or whose events hit no site in 19 of 20 cases, strike as often as ever; their events count in
    every loss.

    References
    ----------
    .. [1] P. W. Glynn and D. L. Iglehart, "Importance sampling for stochastic simulations,"
       Manag. Sci., vol. 35, no. 11, pp. 1367-1392, 1989, :doi:`10.1287/mnsc.35.11.1367`.
    .. [2] E. Veach and L. J. Guibas, "Optimally combining sampling techniques for Monte Carlo
       rendering," in Proc. SIGGRAPH, 1995, pp. 419-428, :doi:`10.1145/218380.218498`.
    .. [3] S. Asmussen and P. W. Glynn, Stochastic Simulation: Algorithms and Analysis, Springer,
       2007, ch. 5 and 6, :doi:`10.1007/978-0-387-69033-9`.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> rare = rare_losses(load_case("walikale-2025"), 2_000, level=0.999, rng=7)
    >>> rare.value_at_risk(0.99) < rare.value_at_risk() < rare.tail_value_at_risk()
    True
    """
    if not isinstance(case, Case):
        raise TypeError(f"case must be a Case, got {case!r:.80}")
    faults = (
        *check.whole("n_scenarios", n_scenarios, least=LEAST_SCENARIOS),
        *check.number("n_scenarios", n_scenarios, most=MOST_SCENARIOS),
        *level_faults(level),
        *check.choice("basis", basis, get_args(Basis)),
        *runner_faults(executor, workers),
    )
    if faults:
        raise InvalidInputError("rare_losses", faults)
    seed, plan = seed_of(rng), make_plan(case, basis)
    unfit = tuple(yearly_faults(plan)) if basis == "occurrence" else ()
    if unfit:
        raise InvalidInputError(case.name, unfit)
    n, outside = int(n_scenarios), 1.0 - float(level)
    large = sizes_to_try(plan, basis, outside)
    with blocks.pool(executor, workers) as pool:
        most = min(_MOST_IN_PILOT, n // 4)
        chosen = best_boosts(plan, basis, seed, large, outside=outside, n=most, pool=pool)
        job = open_job(plan, basis, seed, chosen.large, chosen.boosts)
        futures = run_all(job, job.blocks(n), pool)
    return _weighted(case, provenance_of(case, seed, n, basis), float(level), futures, chosen)


def _weighted(
    case: Case, made: Provenance, level: float, futures: Futures, chosen: Chosen
) -> RareLosses:
    """Weigh the futures by the shares in which they were drawn."""
    large, boosts, n_pilot = chosen
    share = (np.bincount(futures.kind, minlength=len(boosts) + 1) / len(futures.kind)).tolist()
    drawn = tuple(replace(boost, share=s) for boost, s in zip(boosts, share[1:], strict=True))
    weight = futures.weights(drawn)
    for values in (futures.lost_t, weight, futures.kind):
        values.flags.writeable = False  # a result stays what its provenance says
    return RareLosses(
        case=case,
        provenance=made,
        level=level,
        lost_t=futures.lost_t,
        weight=weight,
        mean=float((weight * futures.lost_t).mean()),
        sampling=Sampling(
            large_t=tuple(float(large.size_t[boost.row]) for boost in boosts),
            expected_large=tuple(float(large.n_expected[boost.row]) for boost in boosts),
            multiplier=tuple(boost.multiplier for boost in boosts),
            share=tuple(share[1:]),
            plain_share=share[0],
            mean_weight=float(weight.mean()),
            n_pilot=n_pilot,
        ),
        _kind=futures.kind,
    )
