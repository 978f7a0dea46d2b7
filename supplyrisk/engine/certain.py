"""Runs in which nothing is left to chance: chosen events strike, for as long as they are said to.

The case loses its hazards, and its own events take their medians. What is asked about comes in two
kinds. An event that began before the case or is announced stays an event of the case, with all that
the market makes of it. Any other is a surprise: to the market it is a hazard that nobody reckons
with (rate 0) until it strikes. So many sets of surprises are scenarios of one run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from supplyrisk.engine import prices
from supplyrisk.engine.draws import Events
from supplyrisk.engine.losses import losses
from supplyrisk.engine.markets import MarketResult, run_market
from supplyrisk.engine.plan import make_plan
from supplyrisk.engine.products import coupled
from supplyrisk.engine.trade import make_trades
from supplyrisk.engine.weather import open_shares, weather
from supplyrisk.flow.upstream import Held
from supplyrisk.hazard import ramps
from supplyrisk.hazard.residual import residual_life
from supplyrisk.model.duration import Duration, Fixed
from supplyrisk.model.hazard import DisruptionEvent, Hazard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.case import Case

    Floats = NDArray[np.float64]

LEVELS: Final = (0.05, 0.5, 0.95)
"""Quantiles of the elasticity sum that a run is repeated at. [1]"""
_AT_A_TIME: Final = 340
"""Sets of events that are run together: with three elasticities each, about 1,000 scenarios."""


@dataclass(frozen=True, slots=True, eq=False)
class Certain:
    """A case without chance; made by `make_certain`.

    Attributes
    ----------
    plan
        Its arrays.
    trades
        Its chains by commodity.
    surprises
        Events that the market does not reckon with, by id; to the plan they are hazards of rate 0.
    """

    plan: Plan
    trades: dict[str, Trade]
    surprises: dict[str, DisruptionEvent]

    @property
    def own(self) -> Trade | None:
        """The chain of the case's own commodity, if it has a market."""
        return self.trades.get(str(self.plan.case.commodity))


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What sets of events do.

    Attributes
    ----------
    lost_t
        Production lost in each step, shape (n_sets, n_steps). [t]
    markets
        Markets by commodity; scenarios are the levels of the first set, of the second, and so on.
    """

    lost_t: Floats
    markets: dict[str, MarketResult]


class _Still(prices.Noise):
    """Elasticities at some quantiles of the prior, over and over, and a price without noise."""

    def __init__(self, levels: Sequence[float]) -> None:
        self._scores = special.ndtri(levels)

    def elasticities(self, n: int) -> Floats:
        """Return normal scores of the elasticity, shape (n,) [1]."""
        return np.resize(self._scores, n)

    def steps(self, n: int, n_steps: int) -> Floats:
        """Return steps of the noise, shape (n, n_steps): none [1]."""
        return np.zeros((n, n_steps))


def settled(event: DisruptionEvent, case: Case) -> DisruptionEvent:
    """Return an event at its medians: as long as it takes with an even chance.

    Parameters
    ----------
    event : DisruptionEvent
        Any event of the case, or a stress.
    case : Case
        The case, by whose start some days may have passed.

    Returns
    -------
    DisruptionEvent
        One of fixed length, the median given the days passed, with the median ramp-up.
    """
    duration = event.duration
    if duration is not None and not isinstance(duration, Fixed):
        elapsed = max((case.start - event.started).days, 0)
        left = residual_life(duration, elapsed_days=elapsed).median_days
        duration = Duration.fixed(days=elapsed + left)
    ramp_up = replace(event.ramp_up, ramp_sigma=0.0)
    return replace(event, duration=duration, ramp_up=ramp_up)


def calm(case: Case, without: Collection[str] = ()) -> Case:
    """Return a case without chance.

    Parameters
    ----------
    case : Case
        The case.
    without : collection of str
        Ids of its events that are left out.

    Returns
    -------
    Case
        No hazards; its events at their medians, of those to come only the likelier than not.
    """
    events = tuple(
        replace(settled(event, case), probability=1.0)
        for event in case.events
        if event.event_id not in without and event.probability > 0.5
    )
    return replace(case, hazards=(), events=events, citations=(), evidence=())


def make_certain(case: Case, surprises: Iterable[DisruptionEvent] = ()) -> Certain:
    """Prepare a case without chance.

    Parameters
    ----------
    case : Case
        A case from `calm`, perhaps with more events of fixed length.
    surprises : iterable of DisruptionEvent
        Events of fixed length that nobody reckons with, none before the start.

    Returns
    -------
    Certain
        What sets of these surprises can be run with.
    """
    by_id = {event.event_id: event for event in surprises}
    whole = replace(case, hazards=tuple(_unforeseen(event) for event in by_id.values()))
    plan = make_plan(whole)
    return Certain(plan, make_trades(whole, 0, main=plan), by_id)


def _unforeseen(event: DisruptionEvent) -> Hazard:
    return Hazard(
        hazard_id=event.event_id,
        peril=event.peril,
        scope=event.scope,
        rate_pa=0.0,
        duration=event.duration or Duration.fixed(days=0.0),
        severity=event.severity,
        ramp_up=event.ramp_up,
        effect=event.effect,
    )


def events_of(certain: Certain, plan: Plan, sets: Sequence[Collection[str]], copies: int) -> Events:
    """Return the events of every dated event, and of each set of surprises.

    Parameters
    ----------
    certain : Certain
        The case.
    plan : Plan
        A plan of it: of the mines or the places of a commodity.
    sets : sequence of collection of str
        Ids of the surprises that strike together.
    copies : int
        Scenarios of each set.

    Returns
    -------
    Events
        Sorted by site, scenario and start.
    """
    tables = []
    for index, threat in enumerate(plan.threats):
        event = threat.event or certain.surprises[threat.name]
        start = float((event.started - plan.case.start).days)
        if not len(threat.sites) or start >= plan.horizon_days:
            continue
        struck = [
            k for k, names in enumerate(sets) if threat.event is not None or threat.name in names
        ]
        scenario = (copies * np.array(struck, dtype=np.intp)[:, np.newaxis] + range(copies)).ravel()
        outage, ramp = lengths(event)
        shape = (len(threat.sites), len(scenario))
        n = shape[0] * shape[1]
        tables.append(
            Events(
                scenario=np.broadcast_to(scenario, shape).ravel(),
                threat=np.full(n, index),
                number=np.broadcast_to(scenario, shape).ravel(),
                site=np.repeat(threat.sites, shape[1]),
                start=np.full(n, start),
                outage=np.full(n, outage),
                ramp=np.full(n, ramp),
                severity=np.full(n, event.severity),
            )
        )
    rows = Events.joined(tables)
    return rows.rows(np.lexsort((rows.start, rows.scenario, rows.site)))


def lengths(event: DisruptionEvent) -> tuple[float, float]:
    """Return the lengths of the outage and the ramp-up of a settled event [d]."""
    if event.ramp_up.shape == "never":
        return float("inf"), 0.0
    if isinstance(event.duration, Fixed):
        outage = min(event.duration.days, event.duration.longest_days)
    else:
        outage = ((event.ended or event.started) - event.started).days
    return float(outage), float(ramps.ramp_days(event.ramp_up, np.array([float(outage)]))[0])


def run_sets(
    certain: Certain, sets: Sequence[Collection[str]], levels: Sequence[float] = LEVELS
) -> Runs:
    """Run sets of surprises.

    Parameters
    ----------
    certain : Certain
        The case.
    sets : sequence of collection of str
        Ids of the surprises that strike together; an empty one is the case by itself.
    levels : sequence of float
        Quantiles of the elasticity sum that each set is run at. [1]

    Returns
    -------
    Runs
        Losses and markets.
    """
    parts = [
        _run(certain, sets[first : first + _AT_A_TIME], levels)
        for first in range(0, len(sets), _AT_A_TIME)
    ]
    return Runs(
        lost_t=np.concatenate([part.lost_t for part in parts]),
        markets={
            name: MarketResult.joined([part.markets[name] for part in parts])
            for name in certain.trades
        },
    )


def _run(certain: Certain, sets: Sequence[Collection[str]], levels: Sequence[float]) -> Runs:
    plan, n = certain.plan, len(levels) * len(sets)
    cells = losses(plan, events_of(certain, plan, sets, 1), plan.edges_days).cells
    markets: dict[str, MarketResult] = {}
    lacking: dict[str, Floats] = {}
    for name, trade in certain.trades.items():
        mines = events_of(certain, trade.plan, sets, len(levels))
        places = None
        if trade.places is not None:
            places = events_of(certain, trade.places.plan, sets, len(levels))
        markets[name], short = run_market(trade, mines, places, _Still(levels), n, n)
        lacking |= short
    markets = coupled(plan.case, markets, lacking, plan.edges_days)
    return Runs(cells.series(plan.production_t_per_day, len(sets), plan.n_steps), markets)


def quoted(trade: Trade, levels: Sequence[float] = LEVELS) -> Floats:
    """Price at the last quote against the price before, shape (n_levels, 1) [1]."""
    nothing, noise = Events.joined([]), _Still(levels)
    return prices.outlooks(
        trade.looked_at, trade.market, trade.tables, nothing, noise, len(levels)
    ).at_quote


def before_market(certain: Certain, trade: Trade, names: Collection[str]) -> tuple[Floats, Held]:
    """Run the mines and smelters of a commodity alone through a set of surprises.

    Parameters
    ----------
    certain : Certain
        The case.
    trade : Trade
        One of its chains.
    names : collection of str
        Ids of the surprises that strike.

    Returns
    -------
    ndarray, shape (n_steps, n_gates)
        Metal that arrives at the gates in each step from the start of the case. [t]
    Held
        What is held before them at the end of each step, shape (n_steps, n_nodes) each. [t]
    """
    edges, places = trade.edges_days, trade.places
    mines = open_shares(trade.plan, events_of(certain, trade.plan, [names], 1), edges, 1)
    struck = None
    if places is not None:
        struck = open_shares(places.plan, events_of(certain, places.plan, [names], 1), edges, 1)
    stands = weather(trade.plan, trade.links, places, mines, struck)
    gates, held = trade.chain.before_market(replace(stands, leaving=trade.leaving))
    first = trade.n_before
    return gates[first:, :, 0], Held(*(part[first:, :, 0] for part in held))


def shares_of_supply(certain: Certain, sets: Sequence[Collection[str]]) -> Floats:
    """Share of the planned production that events hold back while all of them last.

    Parameters
    ----------
    certain : Certain
        The case.
    sets : sequence of collection of str
        Ids of events or surprises.

    Returns
    -------
    ndarray, shape (n_sets,)
        Share of planned production, of what stands still anyway too; without a market that of
        mines alone. [1]
    """
    plan = certain.plan if certain.own is None else certain.own.looked_at
    left = left_by(certain, plan, sets)
    daily = plan.production_t_per_day
    return np.asarray(1.0 - daily @ left / daily.sum()) if daily.any() else np.zeros(len(sets))


def left_by(certain: Certain, plan: Plan, sets: Sequence[Collection[str]]) -> Floats:
    """Share that events leave of each site or place of a plan, shape (n_sites, n_sets) [1]."""
    left = np.ones((len(plan.sites), len(sets)))
    for threat in plan.threats:
        event = threat.event or certain.surprises[threat.name]
        struck = np.array([threat.name in names for names in sets], dtype=bool)
        left[np.ix_(threat.sites, np.flatnonzero(struck))] *= 1.0 - event.severity
    return left
