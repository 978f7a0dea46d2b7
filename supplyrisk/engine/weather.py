"""Events as the weather of a chain: what stands in the way of metal, by step and scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine.losses import losses
from supplyrisk.flow.network import Weather
from supplyrisk.hazard import expectation, ramps
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.draws import Events
    from supplyrisk.engine.links import Links
    from supplyrisk.engine.places import Places
    from supplyrisk.engine.plan import Plan, Threat

    Floats = NDArray[np.float64]


def open_shares(plan: Plan, events: Events, edges: Floats, n: int) -> Floats:
    """Mean availability of each site or place of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    events : Events
        Its events in some scenarios, sorted by site, scenario and start.
    edges : ndarray, shape (n_steps + 1,)
        Edges of the steps against the start of the case. [d]
    n : int
        Number of scenarios.

    Returns
    -------
    ndarray, shape (n_steps, n_sites, n)
        Share of each step that is not lost, in [0, 1]. [1]
    """
    cells = losses(plan, events, edges).cells
    shape = (len(edges) - 1, len(plan.sites), n)
    flat = (cells.step * shape[1] + cells.site) * n + cells.scenario
    lost = np.bincount(flat, cells.days, minlength=shape[0] * shape[1] * n).astype(float)
    lost = lost.reshape(shape)
    lost /= np.diff(edges)[:, np.newaxis, np.newaxis]
    np.subtract(1.0, lost, out=lost)
    return np.clip(lost, 0.0, 1.0, out=lost)


def expected_shares(plan: Plan, edges: Floats, price_day: float) -> Floats:
    """Mean availability that the market is used to: hazards, and events known to its last price.

    Parameters
    ----------
    plan : Plan
        The plan.
    edges : ndarray, shape (n_steps + 1,)
        Edges of the steps against the start of the case. [d]
    price_day : float
        Day of the price before, against the start. [d]

    Returns
    -------
    ndarray, shape (n_steps, n_sites, 1)
        Expected share of each step that is not lost. [1]

    Notes
    -----
    ``E[a(t)] = exp(-rate E[lost until t])`` for Poisson events, ``(1 + rate E[lost until t] /
    k)^-k`` with a gamma rate: the mean over a step is that at its ends and its middle, by Simpson's
    rule. Known events begin and end on a day: each leaves 1 less what it is expected to take of
    the step.
    """
    middles = 0.5 * (edges[1:] + edges[:-1])
    times = np.sort(np.concatenate([edges, middles]))
    left = np.ones((len(times), len(plan.sites)))
    sure = np.ones((len(middles), len(plan.sites)))
    exponent: dict[tuple[str, float | None], Floats] = {}
    known: dict[object, Floats] = {}
    for threat in plan.threats:
        if not len(threat.sites):
            continue
        if threat.event is not None:
            if threat.announced_days <= price_day:
                sure[:, threat.sites] *= 1.0 - _taken(threat, edges)[:, np.newaxis]
            continue
        like = (threat.duration, threat.ramp_up)
        if like not in known:
            known[like] = _days_lost(threat, np.maximum(times, 0.0), 0.0)
        group, rate = _rate(threat)
        held = exponent.setdefault(group, np.zeros_like(left))
        held[:, threat.sites] += (rate * known[like])[:, np.newaxis]
    for (_, shape), sums in exponent.items():
        left *= np.exp(-sums) if shape is None else (1.0 + sums / shape) ** -shape
    low, middle, high = left[:-2:2], left[1:-1:2], left[2::2]
    return np.asarray(sure * (low + 4.0 * middle + high) / 6.0)[:, :, np.newaxis]


def _rate(threat: Threat) -> tuple[tuple[str, float | None], float]:
    """Return the group that a hazard shares its gamma factor with, and its rate of loss [1/d]."""
    hazard = threat.hazard
    if hazard is None:
        raise TypeError("only a hazard has a rate")
    rate = threat.rate_pa / DAYS_PER_YEAR * hazard.hit_probability * threat.severity
    if hazard.rate_shape is None:
        return ("", None), rate
    return (hazard.rate_group or f"alone {hazard.hazard_id}", hazard.rate_shape), rate


def _days_lost(threat: Threat, since: Floats, elapsed: float) -> Floats:
    """Expected days lost in the first days after an age, for an outage of that age [d]."""
    if threat.duration is None:
        return np.zeros_like(since)
    ages = np.full(len(since), elapsed)
    return expectation.days_to_come(threat.duration, threat.ramp_up, ages, since)


def _taken(threat: Threat, edges: Floats) -> Floats:
    """Share of each step that a known event is expected to take from its sites [1]."""
    event = threat.event
    if event is None:
        return np.zeros(len(edges) - 1)
    if threat.duration is None:  # it is over by the start: its length is known
        whole = np.array([float(((event.ended or event.started) - event.started).days)])
        since = np.maximum(edges - threat.start_days, 0.0)
        _, ramp, weight = ramps.pairs(threat.ramp_up, whole)
        after = np.maximum(since - whole, 0.0)[:, np.newaxis]
        until = expectation.ramp_to_come(threat.ramp_up, ramp, np.zeros(1), after)
        lost = np.minimum(since, whole) + (weight * until).mean(axis=1)
    else:
        elapsed = max(-threat.start_days, 0.0)
        ahead = np.maximum(edges - max(threat.start_days, 0.0), 0.0)
        lost = np.clip(edges - threat.start_days, 0.0, elapsed)
        lost += _days_lost(threat, ahead, elapsed)
    share = np.clip(np.diff(lost) / np.diff(edges), 0.0, 1.0)
    return np.asarray(event.probability * threat.severity * share)


def shipped_ahead(links: Links, places: Places, edges: Floats) -> Floats | None:
    """Part of the mines' normal stock that is shipped ahead of announced closures of their legs.

    Parameters
    ----------
    links : Links
        The network.
    places : Places
        What events may strike.
    edges : ndarray, shape (n_steps + 1,)
        Edges of the steps. [d]

    Returns
    -------
    ndarray, shape (n_steps, n_mines), or None
        Rises evenly from the announcement, or the start of the case, to the day of the closure; of
        a closure that is not sure or not whole to its probability times its severity. None where
        no closure is announced. [1]
    """
    out = np.zeros((len(edges) - 1, len(links.network.mines.planned)))
    legs = places.first["legs"]
    for threat in places.plan.threats:
        mine = threat.sites[threat.sites < legs.stop]
        if threat.event is None or threat.start_days <= 0.0 or not len(mine):
            continue
        known = max(threat.announced_days, float(edges[0]))
        part = np.clip((edges[1:] - known) / (threat.start_days - known), 0.0, 1.0)
        part[edges[1:] > threat.start_days] = 0.0
        part *= threat.event.probability * threat.severity
        origin = links.network.legs.origin[mine]
        out[:, origin] = np.maximum(out[:, origin], part[:, np.newaxis])
    return out if out.any() else None


def weather(
    plan: Plan,
    links: Links,
    places: Places | None,
    mines: Floats,
    struck: Floats | None,
) -> Weather:
    """Put the shares of sites and places together as the weather of a network.

    Parameters
    ----------
    plan : Plan
        The plan of the mines.
    links : Links
        The network.
    places : Places or None
        What else events may strike.
    mines : ndarray, shape (n_steps, n_mines, n)
        Availability of the mines. [1]
    struck : ndarray, shape (n_steps, n_places, n), or None
        Share left open of each place. [1]

    Returns
    -------
    Weather
        What stands in the way.
    """
    if places is None or struck is None:
        return Weather(mines=mines)
    legs = struck[:, places.first["legs"]]
    smelters = struck[:, places.first["smelters"]]
    assured, untaxed = (
        _of_gates(plan, links, struck[:, places.first[k]]) for k in ("assurance", "tax")
    )
    to_smelter = np.array([leg.smelter for leg in links.legs])
    spared = {leg.origin for leg in links.legs if leg.standby}
    turned = [k for k, leg in enumerate(links.legs) if leg.smelter >= 0 and leg.origin in spared]
    if turned:  # what a stopped smelter does not take goes by a standby leg instead
        legs = legs.copy()
        legs[:, turned] *= smelters[:, to_smelter[turned]]
    return Weather(
        mines=mines,
        legs=None if (legs == 1.0).all() else legs,
        smelters=None if (smelters == 1.0).all() else smelters,
        strands=_strands(links, struck[:, places.first["outlets"]]),
        assured=assured,
        levied=None if untaxed is None else 1.0 - untaxed,
    )


def _of_gates(plan: Plan, links: Links, left: Floats) -> Floats | None:
    """Share of each gate's metal that is neither doubted nor taxed where it comes from [1]."""
    if (left == 1.0).all():
        return None
    out = np.ones((len(left), len(links.gate_site), left.shape[2]))
    # One event may hit a mine and its smelter: their metal is hit once.
    for origins, at in ((links.gate_site, 0), (links.gate_smelter, len(plan.sites))):
        (known,) = np.nonzero(origins >= 0)
        out[:, known] = np.minimum(out[:, known], left[:, at + origins[known]])
    return out


def _strands(links: Links, outlets: Floats) -> Floats | None:
    if not len(links.strand_outlet) or (outlets == 1.0).all():
        return None
    return outlets[:, links.strand_outlet]
