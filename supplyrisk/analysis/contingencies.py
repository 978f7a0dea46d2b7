"""Losing each part of the chain in turn, or several of a kind at once: N-1, N-2, N-3."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.engine.certain import LEVELS, calm, make_certain, run_sets, shares_of_supply
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Peril, Scope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.certain import Certain

    Floats = NDArray[np.float64]
    Parts = dict[str, dict[str, tuple[str, ...]]]

MOST_AT_ONCE: Final = 3
"""Most parts that are lost together."""
MOST_COMBINATIONS: Final = 1_000
"""Most combinations of the parts of one kind."""
_OTHERS: Final = "ZZZ"
_DAYS_PER_WEEK: Final = 7.0


def n_minus(case: Case, k: int = 1, *, days: float | None = None) -> pd.DataFrame:
    r"""Lose each part of the chain in turn, or every `k` of a kind together.

    Parameters
    ----------
    case : Case
        The situation on its date.
    k : int, default 1
        Parts that are lost together, from 1 to 3.
    days : float, optional
        How long they are lost from the start of the case; for the whole horizon when omitted. [d]

    Returns
    -------
    pandas.DataFrame
        A row per loss, the largest share first: kind ("site", "smelter", "route" or "country");
        ids, joined by " + "; share_of_supply, the share of the planned production that is held
        back, what stands still anyway included [1]; lost_t, production lost on top of what the
        case loses without it [t]. With a market also missing_t, the most by which it falls behind
        [t]; price_ratio_low, price_ratio and price_ratio_high, the highest price against that
        without the loss, at the 95 %, 50 % and 5 % points of the elasticity prior [1];
        weeks_until_short, until the first buyer is short, first_short, his id (none where nobody
        is), and ``weeks_until_short_`` with the id of each buyer, infinite where he never is
        [weeks].
        ``attrs["left_out"]`` is the number of parts of each kind that were left out, see Notes.

    Raises
    ------
    TypeError
        If `case` is no case.
    InvalidInputError
        If `k` is no whole number from 1 to 3 or more than any kind has parts, or `days` is not
        above 0.

    Notes
    -----
    Each row is a `supplyrisk.stress` of these parts: total losses that begin with the case, that
    nobody has foreseen, and of which everybody then knows how long they last; the case's own events
    go on for the median of what remains of them. What stands still already therefore costs nothing
    more: ``case.without("events.bisie-closure")`` shows what losing Bisie means.

    A country loses its mines and its smelters. "Other countries" (ZZZ) are no country. Of each
    kind at most 1,000 combinations are run: where there are more, those of the parts with the
    largest shares, as many parts as give no more than that.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> table = n_minus(load_case("walikale-2025"))
    >>> table.loc[0, ["kind", "ids"]].tolist()
    ['country', 'CHN']
    """
    check.require("case", case, Case)
    length = case.horizon_days if days is None else days
    faults = [*check.whole("k", k, least=1), *check.number("days", length, above=0.0)]
    if not faults and k > MOST_AT_ONCE:
        faults.append(Fault("k", f"must be at most {MOST_AT_ONCE}", k))
    if faults:
        raise InvalidInputError("n_minus", faults)
    parts, events = _parts(case, length)
    base = calm(case)
    # Under other names the case's own events cannot be taken for those of a part.
    ongoing = (replace(one, event_id=f"own-{n}") for n, one in enumerate(base.events))
    certain = make_certain(replace(base, events=tuple(ongoing)), events)
    most = max(len(own) for own in parts.values())
    if k > most:
        rule = f"must be at most {most}, the most parts of a kind that the case has"
        raise InvalidInputError("n_minus", [Fault("k", rule, k)])
    kept = {kind: _largest(certain, own, k) for kind, own in parts.items()}
    losses = [
        (kind, names, frozenset(event for name in names for event in own[name]))
        for kind, own in kept.items()
        for names in combinations(sorted(own), k)
    ]
    frame = _table(certain, losses)
    frame.attrs["left_out"] = {kind: len(parts[kind]) - len(own) for kind, own in kept.items()}
    return frame


def _parts(case: Case, days: float) -> tuple[Parts, list[DisruptionEvent]]:
    """Return the ids of the events that take each part, by kind, and the events."""
    sites = [site for site in case.sites if site.commodity == case.commodity]
    smelters = [one for one in case.smelters if one.commodity == case.commodity]
    origins = {site.site_id for site in sites} | {one.smelter_id for one in smelters}
    if case.market() is None:  # without one, mines alone are looked at
        smelters, origins = [], set()
    scopes = {
        "site": {site.site_id: Scope.site(site.site_id) for site in sites},
        "smelter": {one.smelter_id: Scope.smelter(one.smelter_id) for one in smelters},
        "route": {
            route.route_id: Scope.route(route.route_id)
            for route in case.routes
            if route.from_id in origins
        },
    }
    events = [
        DisruptionEvent(
            event_id=f"{kind}-{name}",
            peril=Peril.OTHER,
            scope=scope,
            started=case.start,
            duration=Duration.fixed(days=days),
        )
        for kind, own in scopes.items()
        for name, scope in own.items()
    ]
    parts: Parts = {
        kind: {name: (f"{kind}-{name}",) for name in own} for kind, own in scopes.items()
    }
    countries: dict[str, tuple[str, ...]] = {}
    placed = [(site.country, f"site-{site.site_id}") for site in sites]
    placed += [(one.country, f"smelter-{one.smelter_id}") for one in smelters]
    for country, event in placed:
        if country != _OTHERS:
            countries[country] = (*countries.get(country, ()), event)
    return {**parts, "country": countries}, events


def _largest(
    certain: Certain, own: dict[str, tuple[str, ...]], k: int
) -> dict[str, tuple[str, ...]]:
    """Return the parts with the largest shares, as many as their combinations allow."""
    n = len(own)
    while math.comb(n, k) > MOST_COMBINATIONS:
        n -= 1
    shares = shares_of_supply(certain, list(own.values()))
    ranked = sorted(zip(-shares, own, strict=True))
    return {name: own[name] for _, name in ranked[:n]}


def _table(
    certain: Certain, losses: list[tuple[str, tuple[str, ...], frozenset[str]]]
) -> pd.DataFrame:
    sets = [events for _, _, events in losses]
    runs = run_sets(certain, [*sets, frozenset()])
    lost = runs.lost_t.sum(axis=1)
    columns: dict[str, object] = {
        "kind": [kind for kind, _, _ in losses],
        "ids": [" + ".join(names) for _, names, _ in losses],
        "share_of_supply": shares_of_supply(certain, sets),
        "lost_t": lost[:-1] - lost[-1],
    }
    middle, by_level = LEVELS.index(0.5), (len(losses) + 1, len(LEVELS))
    if certain.own is not None:
        market = runs.markets[certain.own.market.commodity]
        reached = market.refined_t[middle :: len(LEVELS)]
        behind = (reached[-1] - reached[:-1]).cumsum(axis=1)
        columns["missing_t"] = np.maximum(behind.max(axis=1), 0.0)
        prices = market.price_usd_per_t.reshape(*by_level, -1)
        peaks = (prices[:-1] / prices[-1]).max(axis=2)
        columns["price_ratio_low"] = peaks.min(axis=1)
        columns["price_ratio"] = peaks[:, middle]
        columns["price_ratio_high"] = peaks.max(axis=1)
    short = {
        buyer_id: found.first_short_days.reshape(by_level)[:-1, middle] / _DAYS_PER_WEEK
        for market in runs.markets.values()
        for buyer_id, found in market.buyers.items()
    }
    if short:
        weeks = np.array(list(short.values()))
        names = np.array(list(short), dtype=object)[weeks.argmin(axis=0)]
        columns["weeks_until_short"] = weeks.min(axis=0)
        columns["first_short"] = np.where(np.isfinite(weeks.min(axis=0)), names, None)
        columns |= {f"weeks_until_short_{name}": own for name, own in short.items()}
    order = {"share_of_supply": False, "lost_t": False, "kind": True, "ids": True}
    return pd.DataFrame(columns).sort_values(
        list(order), ascending=list(order.values()), ignore_index=True
    )
