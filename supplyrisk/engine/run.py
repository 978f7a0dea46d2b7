"""The runner: a case and a seed in, an outlook out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.engine import expectation, prices
from supplyrisk.engine.draws import draw_events
from supplyrisk.engine.exposures import BuyerLosses, buyer_losses
from supplyrisk.engine.losses import losses
from supplyrisk.engine.outlook import Outlook
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.results import BlockResult, EventRows, joined, provenance_of
from supplyrisk.engine.streams import BLOCK_SIZE, Streams, seed_of
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.expectation import Expectations
    from supplyrisk.engine.losses import Losses
    from supplyrisk.engine.plan import Plan

Basis = Literal["calendar"]
Keep = Literal["summary", "events"]

MOST_SCENARIOS: Final = 10_000_000
"""Most scenarios of one simulation: more would fill the memory."""
N_KEPT: Final = 20_000
"""Scenarios whose paths are kept for quantiles by step."""


def simulate(
    case: Case,
    n_scenarios: int = 10_000,
    *,
    rng: int | np.random.Generator | None = None,
    basis: Basis = "calendar",
    keep: Keep = "summary",
) -> Outlook:
    """Simulate the futures of a case.

    Parameters
    ----------
    case : Case
        The situation on its date.
    n_scenarios : int, default 10_000
        Number of futures, from 2 to 10,000,000.
    rng : int, numpy.random.Generator or None
        Seed of the random numbers; the same seed gives the same bits, and its first futures are
        the same however many are asked for. A fresh seed when omitted; the outlook's
        ``provenance.seed`` tells it.
    basis : {"calendar"}
        How losses are counted: on the calendar, outages are cut at the horizon and overlaps merge.
    keep : {"summary", "events"}
        Whether to keep the event loss table, for `Outlook.events` and `Outlook.production_t`.

    Returns
    -------
    Outlook
        The simulated futures.

    Raises
    ------
    TypeError
        If `case` or `rng` is of a class that does not fit.
    ValueError
        If a value breaks a rule, or the case has no site.

    Notes
    -----
    Availability of a site is ``a(t) = prod (1 - m phi(t))`` over its events, with m the severity
    and phi 1 during an outage and falling on the ramp-up; lost_t is the sum over sites of
    production times the integral of ``1 - a`` over the horizon.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> outlook = simulate(load_case("walikale-2025"), n_scenarios=1000, rng=7)
    >>> outlook.lost_t.shape
    (1000,)
    """
    if not isinstance(case, Case):
        raise TypeError(f"case must be a Case, got {case!r:.80}")
    faults = (
        *check.whole("n_scenarios", n_scenarios, least=2),
        *check.number("n_scenarios", n_scenarios, most=MOST_SCENARIOS),
        *check.choice("basis", basis, get_args(Basis)),
        *check.choice("keep", keep, get_args(Keep)),
    )
    if faults:
        raise InvalidInputError("simulate", faults)
    seed = seed_of(rng)
    plan = make_plan(case)
    market = case.market()
    tables = None if market is None else expectation.tabulate(plan, market.supply_tpa)
    blocks = []
    for block, first in enumerate(range(0, n_scenarios, BLOCK_SIZE)):
        n = min(BLOCK_SIZE, n_scenarios - first)
        result = _simulate_block(plan, tables, Streams(seed, block), n, n_kept=N_KEPT - first)
        blocks.append(result.shifted(first))
    return Outlook(
        case=case,
        provenance=provenance_of(case, seed, n_scenarios, basis),
        has_events=keep == "events",
        result=joined(blocks, with_events=keep == "events"),
        plan=plan,
        market_view=None
        if market is None or tables is None
        else prices.market_view(plan, market, tables),
    )


def _simulate_block(
    plan: Plan, tables: Expectations | None, streams: Streams, n: int, *, n_kept: int
) -> BlockResult:
    market = plan.case.market()
    events = draw_events(plan, streams, n)
    lost = losses(plan, events, plan.edges_days)
    daily = plan.production_t_per_day
    supply = daily.sum() * np.diff(plan.edges_days) - lost.cells.series(daily, n, plan.n_steps)
    price, peak = None, None
    buyers: dict[str, BuyerLosses] = {}
    if market is not None and tables is not None:
        paths = prices.price_paths(plan, market, tables, events, streams, n)
        price, peak = paths.path[: max(n_kept, 0)], paths.path.max(axis=1)
        for buyer in sorted(plan.case.exposures, key=lambda buyer: buyer.buyer_id):
            buyers[buyer.buyer_id] = buyer_losses(plan, buyer, market, paths, lost.cells)
    rows = _event_rows(plan, events, lost)
    return BlockResult(
        lost_t=np.bincount(rows.scenario, rows.lost_t, minlength=n).astype(float),
        largest_loss_t=_largest(rows, n),
        rows=rows,
        supply_t=supply[: max(n_kept, 0)],
        price_usd_per_t=price,
        peak_price_usd_per_t=peak,
        buyers=buyers,
    )


def _event_rows(plan: Plan, events: Events, lost: Losses) -> EventRows:
    daily = plan.production_t_per_day[events.site]
    return EventRows(
        scenario=events.scenario,
        threat=events.threat,
        number=events.number,
        site=events.site,
        lost_t=daily * lost.days,
        alone_t=daily * lost.alone_days,
        start_days=events.start,
        outage_days=events.outage,
        ramp_days=events.ramp,
        severity=events.severity,
    )


def _largest(rows: EventRows, n: int) -> NDArray[np.float64]:
    """Largest loss of one event, all the sites it hit together, in each scenario."""
    largest = np.zeros(n)
    if len(rows.scenario):
        key = np.stack([rows.threat, rows.number, rows.scenario])
        order = np.lexsort(key)
        new = (np.diff(key[:, order], prepend=-1) != 0).any(axis=0)
        total = np.add.reduceat(rows.alone_t[order], np.flatnonzero(new))
        np.maximum.at(largest, rows.scenario[order][new], total)
    return largest
