"""Rules between routes, smelters and what they join.

A route, smelter or site that broke a rule of its own may hold any id and carry anything: where a
rule would need to know, it is silent.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supplyrisk.errors import Fault
from supplyrisk.model.draft import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supplyrisk.model.draft import Draft

LEAST_STEPS_OF_RESTOCKING: Final = 4
"""Steps that a time constant of restocking must last, or stocks overshoot."""

_ROUNDING: Final = 1e-9
_ORIGINS: Final = ("sites", "smelters")
_ENDS: Final = ("smelters", "exposures", "markets")


class _Flow(NamedTuple):
    """What a sound route is planned to carry [t/a]; 0 where that cannot be read."""

    path: str
    route: Any
    planned_tpa: float


# --------------------------------------------------------------------------------- the whole case


def _ids_are_clear(draft: Draft) -> Iterator[Fault]:
    """A route names places of several kinds by id alone."""
    if not draft.has_chain:
        return
    for name in draft.ids("smelters"):
        for collection, what in (
            ("sites", "id of a site"),
            ("exposures", "id of a buyer"),
            ("markets", "commodity of a market"),
        ):
            if name in draft.ids(collection):
                yield Fault(f"smelters.{name}.smelter_id", f"must not be the {what} too", name)
    for name in draft.ids("exposures"):
        if name in draft.ids("markets"):
            rule = "must not be the commodity of a market too"
            yield Fault(f"exposures.{name}.buyer_id", rule, name)


def _steps_resolve_the_chain(draft: Draft) -> Iterator[Fault]:
    if draft.step_days is None or not draft.has_chain:
        return
    step, horizon = int(draft.step_days), draft.horizon_days
    if horizon is not None and int(horizon) % step:
        rule = f"must be a multiple of step_days ({step}) in a case with routes or smelters"
        yield Fault("horizon_days", rule, horizon)
    moving = [route for route in draft.routes if route.transit_days > 0.0]
    if moving:
        shortest = min(moving, key=lambda route: (float(route.transit_days), route.route_id))
        if float(shortest.transit_days) < step:
            rule = (
                f"must be at most the transit of route {shortest.route_id!r} "
                f"({shortest.transit_days} d), which a longer step cannot resolve"
            )
            yield Fault("step_days", rule, step)


def _shares_fit(draft: Draft) -> Iterator[Fault]:
    leaving: dict[str, float] = defaultdict(float)
    for _, route in draft.every("routes"):
        try:
            leaving[route.from_id] += float(route.share)
        except UnreadableError:
            continue
    for origin, total in leaving.items():
        if total > 1.0 + _ROUNDING:
            rule = f"must have shares that sum to at most 1 where they leave {origin!r}"
            yield Fault("routes", rule, total)


def _flows_fit(draft: Draft) -> Iterator[Fault]:
    """Smelters are fed, and they and the routes can carry what is planned."""
    feeds, fed, anything = _feeds(draft)
    for path, smelter in draft.every("smelters"):
        try:
            name, feed = smelter.smelter_id, feeds.get(smelter.smelter_id, 0.0)
            if name not in fed and not anything:
                rule = "must be fed: some route with a share above 0 must lead to it"
                yield Fault(path, rule, name)
            if feed > float(smelter.capacity_tpa) * (1.0 + _ROUNDING):
                rule = f"must be at least the planned feed ({feed:g} t/a)"
                yield Fault(f"{path}.capacity_tpa", rule, smelter.capacity_tpa)
        except UnreadableError:
            continue
    made = {
        smelter.smelter_id: feeds.get(smelter.smelter_id, 0.0) * float(smelter.metal_yield)
        for smelter in draft.smelters
    }
    for path, route, planned in _flows(draft, made):
        most = route.capacity_tpa
        if most is not None and planned > float(most) * (1.0 + _ROUNDING):
            rule = f"must be at least the planned flow ({planned:g} t/a)"
            yield Fault(f"{path}.capacity_tpa", rule, most)


def _feeds(draft: Draft) -> tuple[dict[str, float], set[str], bool]:
    """Return planned feed by smelter, which smelters are fed, and whether any other may be."""
    feeds: dict[str, float] = defaultdict(float)
    for _, route, planned in _flows(draft, {}):
        feeds[route.to_id] += planned
    fed, anything = set(), False
    for _, route in draft.every("routes"):
        try:
            if route.share > 0.0:
                fed.add(route.to_id)
        except UnreadableError:
            anything = True
    return feeds, fed, anything


def _flows(draft: Draft, made_tpa: dict[str, float]) -> Iterator[_Flow]:
    """Yield the sound routes; `made_tpa` is what each smelter is planned to make."""
    sites = draft.sound()["sites"]
    for route in draft.routes:
        site = sites.get(route.from_id)
        made = made_tpa.get(route.from_id, 0.0) if site is None else float(site.production_tpa)
        yield _Flow(f"routes.{route.route_id}", route, float(route.share) * made)


# ---------------------------------------------------------------------------------- a part of it


def _route_joins_places(draft: Draft, path: str, route: Any) -> Iterator[Fault]:  # noqa: ANN401
    if all(draft.lacks(place, route.from_id) for place in _ORIGINS):
        hint = draft.nearest(route.from_id, *_ORIGINS)
        yield Fault(
            f"{path}.from_id", f"must name a site or a smelter of the case{hint}", route.from_id
        )
    nowhere = all(draft.lacks(place, route.to_id) for place in _ENDS)
    if nowhere and route.to_id in draft.ids("sites"):
        rule = "must not be a site: a route leads to a smelter, a buyer or a market"
        yield Fault(f"{path}.to_id", rule, route.to_id)
    elif nowhere:
        rule = "must name a smelter, a buyer or the commodity of a market of the case"
        hint = draft.nearest(route.to_id, *_ENDS)
        yield Fault(f"{path}.to_id", f"{rule}{hint}", route.to_id)
    elif route.from_id in draft.ids("smelters") and route.to_id in draft.ids("smelters"):
        rule = "must be a buyer or the commodity of a market: no smelter feeds another"
        yield Fault(f"{path}.to_id", rule, route.to_id)


def _route_keeps_its_commodity(draft: Draft, path: str, route: Any) -> Iterator[Fault]:  # noqa: ANN401
    parts = draft.sound()
    origin = _first(route.from_id, (parts[place] for place in _ORIGINS))
    end = _first(route.to_id, (parts[place] for place in _ENDS))
    if origin is not None and end is not None and origin.commodity != end.commodity:
        rule = f"must be of the commodity of {route.from_id!r} ({origin.commodity})"
        yield Fault(f"{path}.to_id", f"{rule}, not of {end.commodity}", route.to_id)


def _first(name: str, held: Iterator[dict[str, Any]]) -> Any:  # noqa: ANN401 - a part of any kind
    return next((parts[name] for parts in held if name in parts), None)


def _feed_lasts_a_step(draft: Draft, path: str, smelter: Any) -> Iterator[Fault]:  # noqa: ANN401
    if draft.step_days is None:
        return
    least = float(draft.step_days) / float(smelter.psi)
    if float(smelter.feed_days) < least * (1.0 - _ROUNDING):
        rule = f"must be at least step_days / psi ({draft.step_days} / {smelter.psi} = {least:g} d)"
        yield Fault(f"{path}.feed_days", rule, smelter.feed_days)


def _restocking_is_slow(draft: Draft, path: str, part: Any) -> Iterator[Fault]:  # noqa: ANN401
    if draft.step_days is None or not draft.has_chain:
        return
    least = LEAST_STEPS_OF_RESTOCKING * int(draft.step_days)
    if float(part.restocking_days) < least:
        rule = f"must be at least {LEAST_STEPS_OF_RESTOCKING} steps ({least} d)"
        why = "a shorter one overshoots"
        yield Fault(f"{path}.restocking_days", f"{rule}: {why}", part.restocking_days)


RULES: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    _ids_are_clear,
    _steps_resolve_the_chain,
    _shares_fit,
    _flows_fit,
)
PART_RULES: Final[tuple[tuple[str, Callable[[Draft, str, Any], Iterator[Fault]]], ...]] = (
    ("routes", _route_joins_places),
    ("routes", _route_keeps_its_commodity),
    ("smelters", _feed_lasts_a_step),
    ("markets", _restocking_is_slow),
    ("exposures", _restocking_is_slow),
)
