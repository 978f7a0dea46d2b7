"""Rules between the parts of a case: one small function per rule.

A rule about one part gets the draft, the part's dotted path and the part. A case file is judged
even where some parts break rules of their own: of those the readable fields are judged too.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import MOST_LISTED, Fault, InvalidInputError
from supplyrisk.model.paths import IDS, look_up, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from supplyrisk.model.hazard import Scope
    from supplyrisk.model.site import MineSite


class UnreadableError(AttributeError):
    """A field was asked for that broke a rule of its own, which has been named already."""


class Remnant:
    """A part that broke a rule of its own: its readable fields, and its dotted path.

    Parameters
    ----------
    path : str
        Dotted path by which its faults are named.
    fields : mapping of str to object
        The fields that are sound.
    """

    def __init__(self, path: str, fields: Mapping[str, Any]) -> None:
        self._path = path
        self._fields = fields

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a field of any part
        if name not in self._fields:
            raise UnreadableError(name)
        return self._fields[name]


class Draft(SimpleNamespace):
    """The fields of a case before they are known to fit together.

    Parameters
    ----------
    remnants : mapping of str to tuple of Remnant
        By collection, what can be read of the parts that broke a rule of their own.
    spoilt : frozenset of str
        Fields of the case itself that broke a rule; they hold None.
    **fields
        The fields of the case by name; collections hold the sound parts only.
    """

    def __init__(
        self,
        remnants: Mapping[str, tuple[Remnant, ...]] | None = None,
        spoilt: frozenset[str] = frozenset(),
        **fields: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**fields)
        self._remnants = remnants or {}
        self._spoilt = spoilt
        self._ids = {name: Counter(self._read_ids(name)) for name in IDS}
        self._tree = {name: members(self, name) if name in IDS else fields[name] for name in fields}
        self._hints = MOST_LISTED

    def remnants(self, collection: str) -> tuple[Remnant, ...]:
        """Return what can be read of the parts of a collection that are not sound."""
        return self._remnants.get(collection, ())

    def every(self, collection: str) -> Iterator[tuple[str, Any]]:
        """Yield dotted path and part, for sound parts and remnants alike."""
        for place, part in enumerate(getattr(self, collection)):
            name = getattr(part, IDS[collection]) if collection in IDS else None
            yield f"{collection}.{name}" if name else f"{collection}[{place}]", part
        for remnant in self.remnants(collection):
            yield remnant._path, remnant  # noqa: SLF001 - the two classes are one mechanism

    def _read_ids(self, collection: str) -> Iterator[str]:
        for _, part in self.every(collection):
            name = getattr(part, IDS[collection], None)
            if name is not None:
                yield name

    def ids(self, collection: str) -> Counter[str]:
        """Return the ids of a collection that can be read, with how often each is used."""
        return self._ids[collection]

    def lacks(self, collection: str, name: str) -> bool:
        """Whether no part of a collection can bear a name; an unreadable id may be any."""
        names = self.ids(collection)
        n_parts = len(getattr(self, collection)) + len(self.remnants(collection))
        return name not in names and names.total() == n_parts

    def sound(self) -> dict[str, Any]:
        """Return the fields of the case by name, and in its collections the sound parts by id."""
        return self._tree

    def nearest(self, name: str, collection: str) -> str:
        """Suggest an id near to a wrong one: a long search, so only for as many as are listed."""
        self._hints -= 1
        return check.nearest(name, self.ids(collection)) if self._hints >= 0 else ""


def commodity_of(stated: str | None, sites: Iterable[MineSite]) -> str | None:
    """Return the commodity of a case: the one stated, or the one that all its sites hold."""
    held = {site.commodity for site in sites}
    return stated if stated is not None or len(held) != 1 else held.pop()


def between_parts(draft: Draft) -> Iterator[Fault]:
    """Yield the faults that lie between the parts of a case."""
    for rule in RULES:
        yield from rule(draft)
    for collection, part_rule in PART_RULES:
        for path, part in draft.every(collection):
            try:
                yield from part_rule(draft, path, part)
            except UnreadableError:
                continue


def _ids_are_unique(draft: Draft) -> Iterator[Fault]:
    for collection, key in IDS.items():
        for name, times in draft.ids(collection).items():
            if times > 1:
                yield Fault(f"{collection}.{name}.{key}", "must not be used twice", name)


def _commodity_is_clear(draft: Draft) -> Iterator[Fault]:
    held = sorted({site.commodity for site in draft.sites})
    if "commodity" in draft._spoilt or draft.remnants("sites"):  # noqa: SLF001 - as above
        return
    if draft.commodity is None and len(held) > 1:
        rule = f"must be given when sites hold several ({', '.join(held)})"
        yield Fault("commodity", rule, None)
    elif draft.commodity is not None and held and draft.commodity not in held:
        rule = f"must be that of a site ({', '.join(held)})"
        yield Fault("commodity", rule, draft.commodity)


def _rate_groups_agree(draft: Draft) -> Iterator[Fault]:
    shapes: dict[str, float] = {}
    for hazard in draft.hazards:
        if hazard.rate_group is not None:
            shape = shapes.setdefault(hazard.rate_group, hazard.rate_shape)
            if shape != hazard.rate_shape:
                rule = f"must be that of its rate_group {hazard.rate_group!r} ({shape})"
                yield Fault(f"hazards.{hazard.hazard_id}.rate_shape", rule, hazard.rate_shape)


def _scope_hits_something(draft: Draft, path: str, part: Any) -> Iterator[Fault]:  # noqa: ANN401
    yield from _scope_faults(draft, f"{path}.scope", part.scope)


def _sources_hit_something(draft: Draft, path: str, part: Any) -> Iterator[Fault]:  # noqa: ANN401
    for place, source in enumerate(part.sources):
        here = f"{path}.sources[{place}].scope"
        faults = list(_scope_faults(draft, here, source.scope))
        yield from faults
        held = (site for site in draft.sites if site.commodity == part.commodity)
        if (
            not faults
            and not draft.remnants("sites")
            and not any(_holds(source.scope, site) for site in held)
        ):
            yield Fault(here, f"must hold a site of {part.commodity}", source.scope.name)


def _holds(scope: Scope, site: MineSite) -> bool:
    if scope.kind == "country":
        return site.country == scope.name
    return site.site_id in (scope.site_ids or (scope.name,))


def _scope_faults(draft: Draft, path: str, scope: Scope) -> Iterator[Fault]:
    if scope.kind == "country":
        countries = {site.country for site in draft.sites}
        if scope.name not in countries and not draft.remnants("sites"):
            rule = f"must be the country of a site{check.nearest(scope.name, countries)}"
            yield Fault(path, rule, scope.name)
    elif scope.kind == "route":
        yield Fault(path, "must name a route of the case, and it has none", scope.name)
    else:
        for site_id in scope.site_ids or (scope.name,):
            if draft.lacks("sites", site_id):
                rule = f"must name a site of the case{draft.nearest(site_id, 'sites')}"
                yield Fault(path, rule, site_id)


def _event_is_known_at_the_start(draft: Draft, path: str, event: Any) -> Iterator[Fault]:  # noqa: ANN401
    """No hindsight: what is known by the start of the case, and nothing later."""
    start = draft.start
    if not isinstance(start, dt.date):
        return
    if event.ended is not None and event.ended > start:
        rule = f"must not be after the start of the case ({start}); expect an end by duration"
        yield Fault(f"{path}.ended", rule, str(event.ended))
    elapsed = (start - event.started).days
    if elapsed < 0 and (event.announced is None or event.announced > start):
        rule = f"must be on or before the start of the case ({start}) for an event to come"
        yield Fault(f"{path}.announced", rule, str(event.announced))
    if elapsed >= 0 and event.probability < 1.0:
        rule = "must be 1 for an event that has started"
        yield Fault(f"{path}.probability", rule, event.probability)
    if event.duration is not None and elapsed > 0 and event.duration.longest_days <= elapsed:
        rule = f"must allow more than the {elapsed} days since the event started"
        yield Fault(f"{path}.duration", rule, event.duration.longest_days)


def _price_is_known_at_the_start(draft: Draft, path: str, market: Any) -> Iterator[Fault]:  # noqa: ANN401
    for field in ("price_date", "last_quote_date"):
        day = getattr(market, field)
        if day is not None and isinstance(draft.start, dt.date) and day > draft.start:
            rule = f"must not be after the start of the case ({draft.start})"
            yield Fault(f"{path}.{field}", rule, str(day))


def _evidence_is_known_at_the_start(draft: Draft, path: str, item: Any) -> Iterator[Fault]:  # noqa: ANN401
    if isinstance(draft.start, dt.date) and item.date > draft.start:
        rule = f"must not be after the start of the case ({draft.start})"
        yield Fault(f"{path}.date", rule, str(item.date))


def _buyer_has_a_market(draft: Draft, path: str, buyer: Any) -> Iterator[Fault]:  # noqa: ANN401
    main = commodity_of(draft.commodity, draft.sites)
    if draft.lacks("markets", buyer.commodity):
        rule = "must have a market in the case"
        yield Fault(f"{path}.commodity", rule, buyer.commodity)
    elif buyer.commodity != (main or buyer.commodity):
        rule = f"must be the commodity of the case ({main})"
        yield Fault(f"{path}.commodity", rule, buyer.commodity)


def _source_exists(draft: Draft, path: str, part: Any) -> Iterator[Fault]:  # noqa: ANN401
    if part.source_id is not None and draft.lacks("sources", part.source_id):
        rule = f"must name a source of the case{draft.nearest(part.source_id, 'sources')}"
        yield Fault(f"{path}.source_id", rule, part.source_id)


def _hazard_exists(draft: Draft, path: str, item: Any) -> Iterator[Fault]:  # noqa: ANN401
    if item.hazard_id is not None and draft.lacks("hazards", item.hazard_id):
        rule = f"must name a hazard of the case{draft.nearest(item.hazard_id, 'hazards')}"
        yield Fault(f"{path}.hazard_id", rule, item.hazard_id)


def _citation_points_somewhere(draft: Draft, path: str, citation: Any) -> Iterator[Fault]:  # noqa: ANN401
    collection, _, rest = citation.path.partition(".")
    name = rest.partition(".")[0]
    if name and collection in IDS and name not in draft.sound()[collection]:
        if draft.lacks(collection, name):  # else it points into a part that is not sound
            rule = f"must name a part of {collection}{draft.nearest(name, collection)}"
            yield Fault(f"{path}.path", rule, citation.path)
        return
    try:
        look_up(draft.sound(), citation.path)
    except InvalidInputError as error:
        (fault,) = error.faults
        yield Fault(f"{path}.path", fault.rule, citation.path)


RULES: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    _ids_are_unique,
    _commodity_is_clear,
    _rate_groups_agree,
)
PART_RULES: Final[tuple[tuple[str, Callable[[Draft, str, Any], Iterator[Fault]]], ...]] = (
    ("hazards", _scope_hits_something),
    ("events", _scope_hits_something),
    ("events", _event_is_known_at_the_start),
    ("markets", _price_is_known_at_the_start),
    ("exposures", _sources_hit_something),
    ("exposures", _buyer_has_a_market),
    ("citations", _source_exists),
    ("citations", _citation_points_somewhere),
    ("evidence", _evidence_is_known_at_the_start),
    ("evidence", _source_exists),
    ("evidence", _hazard_exists),
)
