"""Rules between the parts of a case: one small function per rule."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.paths import IDS, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.site import MineSite


class Draft(SimpleNamespace):
    """The fields of a case before they are known to fit together.

    Parameters
    ----------
    broken : mapping of str to frozenset of str
        Ids of the parts that broke a rule of their own and were left out, by collection: nobody
        is blamed for naming them.
    **fields
        The fields of the case by name.
    """

    def __init__(self, broken: Mapping[str, frozenset[str]], **fields: Any) -> None:  # noqa: ANN401
        super().__init__(**fields)
        self._broken = broken

    def broken(self, collection: str) -> frozenset[str]:
        """Return the ids of the parts left out of a collection."""
        return self._broken.get(collection, frozenset())

    def ids(self, collection: str) -> list[str]:
        """Return the ids of a collection, those of the parts left out included."""
        whole = [getattr(part, IDS[collection]) for part in getattr(self, collection)]
        return [*whole, *self.broken(collection)]


def commodity_of(stated: str | None, sites: Iterable[MineSite]) -> str | None:
    """Return the commodity of a case: the one stated, or the one that all its sites hold."""
    held = {site.commodity for site in sites}
    return stated if stated is not None or len(held) != 1 else held.pop()


def between_parts(draft: Draft) -> Iterator[Fault]:
    """Yield the faults that lie between the parts of a case."""
    for rule in RULES:
        yield from rule(draft)


def _ids_are_unique(draft: Draft) -> Iterator[Fault]:
    for collection, key in IDS.items():
        seen: set[str] = set()
        for part in getattr(draft, collection):
            name = getattr(part, key)
            if name in seen:
                yield Fault(f"{collection}.{name}.{key}", "must not be used twice", name)
            seen.add(name)


def _commodity_is_clear(draft: Draft) -> Iterator[Fault]:
    held = sorted({site.commodity for site in draft.sites})
    if draft.commodity is None and len(held) > 1:
        rule = f"must be given when sites hold several ({', '.join(held)})"
        yield Fault("commodity", rule, None)
    elif draft.commodity is not None and held and draft.commodity not in held:
        rule = f"must be that of a site ({', '.join(held)})"
        yield Fault("commodity", rule, draft.commodity)


def _scopes_hit_something(draft: Draft) -> Iterator[Fault]:
    for path, scope in _scopes(draft):
        yield from _scope_faults(draft, path, scope)


def _scopes(draft: Draft) -> Iterator[tuple[str, Scope]]:
    for collection in ("hazards", "events"):
        for part in getattr(draft, collection):
            yield f"{collection}.{getattr(part, IDS[collection])}.scope", part.scope
    for buyer in draft.exposures:
        for place, source in enumerate(buyer.sources):
            yield f"exposures.{buyer.buyer_id}.sources[{place}].scope", source.scope


def _scope_faults(draft: Draft, path: str, scope: Scope) -> Iterator[Fault]:
    sites = draft.ids("sites")
    if scope.kind == "country":
        countries = {site.country for site in draft.sites}
        if scope.name not in countries and not draft.broken("sites"):
            rule = f"must be the country of a site{check.nearest(scope.name, countries)}"
            yield Fault(path, rule, scope.name)
    elif scope.kind == "route":
        yield Fault(path, "must name a route of the case, and it has none", scope.name)
    else:
        for site_id in scope.site_ids or (scope.name,):
            if site_id not in sites:
                rule = f"must name a site of the case{check.nearest(site_id, sites)}"
                yield Fault(path, rule, site_id)


def _rate_groups_agree(draft: Draft) -> Iterator[Fault]:
    shapes: dict[str, float] = {}
    for hazard in draft.hazards:
        if hazard.rate_group is not None:
            shape = shapes.setdefault(hazard.rate_group, hazard.rate_shape)
            if shape != hazard.rate_shape:
                rule = f"must be that of its rate_group {hazard.rate_group!r} ({shape})"
                yield Fault(f"hazards.{hazard.hazard_id}.rate_shape", rule, hazard.rate_shape)


def _events_are_known_at_the_start(draft: Draft) -> Iterator[Fault]:
    """No hindsight: what is known by the start of the case, and nothing later."""
    start = draft.start
    if not isinstance(start, dt.date):
        return
    for event in draft.events:
        path = f"events.{event.event_id}"
        if event.ended is not None and event.ended > start:
            rule = f"must not be after the start of the case ({start}); expect an end by duration"
            yield Fault(f"{path}.ended", rule, str(event.ended))
        if event.started > start and (event.announced is None or event.announced > start):
            rule = f"must be on or before the start of the case ({start}) for an event to come"
            yield Fault(f"{path}.announced", rule, str(event.announced))
        if event.started <= start and event.probability < 1.0:
            rule = "must be 1 for an event that has started"
            yield Fault(f"{path}.probability", rule, event.probability)
        elapsed = (start - event.started).days
        if event.duration is not None and elapsed > 0 and event.duration.longest_days <= elapsed:
            rule = f"must allow more than the {elapsed} days since the event started"
            yield Fault(f"{path}.duration", rule, event.duration.longest_days)


def _prices_are_known_at_the_start(draft: Draft) -> Iterator[Fault]:
    for market in draft.markets:
        if isinstance(draft.start, dt.date) and market.quote_date > draft.start:
            field_name = "price_date" if market.last_quote_date is None else "last_quote_date"
            rule = f"must not be after the start of the case ({draft.start})"
            path = f"markets.{market.commodity}.{field_name}"
            yield Fault(path, rule, str(market.quote_date))


def _evidence_is_known_at_the_start(draft: Draft) -> Iterator[Fault]:
    for item in draft.evidence:
        if isinstance(draft.start, dt.date) and item.date > draft.start:
            rule = f"must not be after the start of the case ({draft.start})"
            yield Fault(f"evidence.{item.evidence_id}.date", rule, str(item.date))


def _buyers_have_a_market(draft: Draft) -> Iterator[Fault]:
    markets = draft.ids("markets")
    main = commodity_of(draft.commodity, draft.sites)
    for buyer in draft.exposures:
        path = f"exposures.{buyer.buyer_id}.commodity"
        if buyer.commodity not in markets:
            yield Fault(path, "must have a market in the case", buyer.commodity)
        elif buyer.commodity != (main or buyer.commodity):
            yield Fault(path, f"must be the commodity of the case ({main})", buyer.commodity)


def _references_exist(draft: Draft) -> Iterator[Fault]:
    sources, hazards = draft.ids("sources"), draft.ids("hazards")
    named = [(f"citations[{n}].source_id", c.source_id) for n, c in enumerate(draft.citations)]
    named += [(f"evidence.{e.evidence_id}.source_id", e.source_id) for e in draft.evidence]
    for path, source_id in named:
        if source_id is not None and source_id not in sources:
            rule = f"must name a source of the case{check.nearest(source_id, sources)}"
            yield Fault(path, rule, source_id)
    for item in draft.evidence:
        if item.hazard_id is not None and item.hazard_id not in hazards:
            rule = f"must name a hazard of the case{check.nearest(item.hazard_id, hazards)}"
            yield Fault(f"evidence.{item.evidence_id}.hazard_id", rule, item.hazard_id)


def _citations_point_somewhere(draft: Draft) -> Iterator[Fault]:
    for place, citation in enumerate(draft.citations):
        collection, _, rest = citation.path.partition(".")
        if rest.partition(".")[0] in draft.broken(collection):
            continue
        try:
            look_up(draft, citation.path)
        except InvalidInputError as error:
            (fault,) = error.faults
            yield Fault(f"citations[{place}].path", fault.rule, citation.path)


RULES: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    _ids_are_unique,
    _commodity_is_clear,
    _scopes_hit_something,
    _rate_groups_agree,
    _events_are_known_at_the_start,
    _prices_are_known_at_the_start,
    _evidence_is_known_at_the_start,
    _buyers_have_a_market,
    _references_exist,
    _citations_point_somewhere,
)
