"""Production of one site between dates, from the event loss table."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.engine.draws import Events
from supplyrisk.engine.losses import losses
from supplyrisk.engine.streams import BLOCK_SIZE, StreamTable
from supplyrisk.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from supplyrisk.engine.event_store import EventTable
    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]


def between_dates(
    plan: Plan, table: EventTable, seed: int, site_id: str, dates: Sequence[dt.date], noise: float
) -> Floats:
    """Work out what a site makes between dates in every scenario.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    table : EventTable
        Its events; read a block at a time.
    seed : int
        Seed of the simulation.
    site_id : str
        The site.
    dates : sequence of datetime.date
        Edges of the periods, ascending.
    noise : float
        Standard deviation of a period's output apart from disruptions, as a share. [1]

    Returns
    -------
    ndarray, shape (n_scenarios, n_periods)
        Production of each period. [t]

    Raises
    ------
    ValueError
        If the dates are not ascending or reach past the horizon, or the site is unknown.
    """
    edges = _edges(plan, dates)
    names = [site.site_id for site in plan.sites]
    faults = (
        *check.number("noise", noise, least=0.0),
        *check.choice("site_id", site_id, names),
    )
    if faults:
        raise InvalidInputError("production_t", faults)
    place = names.index(site_id)
    days = np.diff(edges)
    up = np.tile(days, (sum(table.sizes), 1))
    for first, n, rows in table.of_sites(place):
        events = Events(
            scenario=rows.scenario - first,
            threat=rows.threat,
            number=rows.number,
            site=rows.site,
            start=rows.start_days,
            outage=rows.outage_days,
            ramp=rows.ramp_days,
            severity=rows.severity,
        )
        cells = losses(plan, events, edges).cells
        up[first : first + n] -= cells.series(np.ones(len(names)), n, len(days))
    made = plan.production_t_per_day[place] * up
    return np.asarray(made * _noise(seed, site_id, up.shape, noise))


def _noise(seed: int, site_id: str, shape: tuple[int, ...], sd: float) -> Floats:
    blocks, table = [], StreamTable(seed)
    for block, first in enumerate(range(0, shape[0], BLOCK_SIZE)):
        stream = table.block(block).stream("site", site_id, "output")
        blocks.append(stream.standard_normal((min(BLOCK_SIZE, shape[0] - first), *shape[1:])))
    return np.maximum(1.0 + sd * np.concatenate(blocks), 0.0)


def _edges(plan: Plan, dates: Sequence[dt.date]) -> Floats:
    faults = [f for n, day in enumerate(dates) for f in check.date(f"dates[{n}]", day)]
    if faults:
        raise InvalidInputError("production_t", faults)
    start = plan.case.start
    edges = np.array([(day - start).days for day in dates], dtype=float)
    if len(edges) < 2 or not (np.diff(edges) > 0.0).all():
        raise ValueError(f"dates must be two or more, ascending, got {dates!r}")
    if edges[-1] > plan.horizon_days:
        last = start + dt.timedelta(days=int(plan.horizon_days))
        raise ValueError(f"dates must not be after the horizon ({last}), got {dates[-1]}")
    return edges
