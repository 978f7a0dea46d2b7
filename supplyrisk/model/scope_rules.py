"""Rules between scopes and the places of a case that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model.site import MineSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.model.chain import Smelter
    from supplyrisk.model.draft import Draft
    from supplyrisk.model.hazard import Scope

_COLLECTIONS: Final = {"site": "sites", "region": "sites", "route": "routes", "smelter": "smelters"}


def scope_hits_something(draft: Draft, path: str, part: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Yield a fault unless the scope of a hazard or an event holds something to hit."""
    # What leaves a country leaves its smelters too; its output is that of its sites alone.
    places = ("sites",) if part.effect == "output" else ("sites", "smelters")
    yield from _scope_faults(draft, f"{path}.scope", part.scope, places)


def sources_hold_something(draft: Draft, path: str, buyer: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Yield a fault for each source of a buyer that can bring him nothing."""
    for place, source in enumerate(buyer.sources):
        here, scope = f"{path}.sources[{place}].scope", source.scope
        if scope.kind == "market":
            if scope.name != buyer.commodity:
                rule = f"must be the market of the buyer's commodity ({buyer.commodity})"
                yield Fault(here, rule, scope.name)
            continue
        faults = list(_scope_faults(draft, here, scope, ("sites",)))
        yield from faults or _commodity_faults(draft, here, scope, buyer.commodity)


def _scope_faults(
    draft: Draft, path: str, scope: Scope, places: tuple[str, ...]
) -> Iterator[Fault]:
    if scope.kind == "country":
        yield from _country_faults(draft, path, scope, places)
        return
    collection = _COLLECTIONS[scope.kind]
    what = collection.removesuffix("s")
    for name in scope.site_ids or (scope.name,):
        if draft.lacks(collection, name):
            none = collection != "sites" and not draft.ids(collection)
            hint = ", and it has none" if none else draft.nearest(name, collection)
            yield Fault(path, f"must name a {what} of the case{hint}", name)


def _country_faults(
    draft: Draft, path: str, scope: Scope, places: tuple[str, ...]
) -> Iterator[Fault]:
    countries = {part.country for place in places for part in getattr(draft, place)}
    if scope.name not in countries and not any(draft.remnants(place) for place in places):
        of = " or a ".join(place.removesuffix("s") for place in places)
        rule = f"must be the country of a {of}{check.nearest(scope.name, countries)}"
        yield Fault(path, rule, scope.name)


def _commodity_faults(draft: Draft, path: str, scope: Scope, commodity: str) -> Iterator[Fault]:
    """Fault unless a scope that holds something holds something of the commodity."""
    collection = "smelters" if scope.kind == "smelter" else "sites"
    held = (part for part in getattr(draft, collection) if part.commodity == commodity)
    if not draft.remnants(collection) and not any(_holds(scope, part) for part in held):
        rule = f"must hold a {collection.removesuffix('s')} of {commodity}"
        yield Fault(path, rule, scope.name)


def _holds(scope: Scope, part: MineSite | Smelter) -> bool:
    if scope.kind == "country":
        return part.country == scope.name
    name = part.site_id if isinstance(part, MineSite) else part.smelter_id
    return name in (scope.site_ids or (scope.name,))
