"""Rules between the parts of a case: one small function per rule.

A rule about one part gets the draft, the part's dotted path and the part. A case file is judged
even where some parts break rules of their own: of those the readable fields are judged too.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model import chain_rules, scope_rules
from supplyrisk.model.draft import UnreadableError
from supplyrisk.model.paths import IDS, look_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from supplyrisk.model.draft import Draft
    from supplyrisk.model.market import CommodityExposure
    from supplyrisk.model.site import MineSite


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
                why = ": a commodity has one market" if collection == "markets" else ""
                yield Fault(f"{collection}.{name}.{key}", f"must not be used twice{why}", name)


def _commodity_is_clear(draft: Draft) -> Iterator[Fault]:
    held = sorted({site.commodity for site in draft.sites})
    if draft.spoilt("commodity") or draft.remnants("sites"):
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


def _products_are_clear(draft: Draft) -> Iterator[Fault]:
    inputs: dict[str, list[CommodityExposure]] = {}
    for buyer in draft.exposures:
        if isinstance(buyer.product, str):
            inputs.setdefault(buyer.product, []).append(buyer)
    for product, own in inputs.items():
        metals = [buyer.commodity for buyer in own]
        paid = [b for b in own if b.margin_usd_per_t != 0.0 or b.penalty_usd_per_t != 0.0]
        for buyer in own:
            path = f"exposures.{buyer.buyer_id}"
            if metals.count(buyer.commodity) > 1:
                rule = f"must differ among the buyers for {product!r}"
                yield Fault(f"{path}.commodity", rule, buyer.commodity)
        for buyer in paid[1:]:
            rule = f"must be 0, as penalty, where {paid[0].buyer_id!r} states them for {product!r}"
            path = f"exposures.{buyer.buyer_id}.margin_usd_per_t"
            yield Fault(path, rule, buyer.margin_usd_per_t)


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
    mined = {site.commodity for site in draft.sites}
    if draft.lacks("markets", buyer.commodity):
        rule = "must have a market in the case"
        yield Fault(f"{path}.commodity", rule, buyer.commodity)
    elif mined and buyer.commodity not in mined and not draft.remnants("sites"):
        rule = f"must be that of a site ({', '.join(sorted(mined))})"
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


def _policy_insures_something(draft: Draft, path: str, policy: Any) -> Iterator[Fault]:  # noqa: ANN401
    collection, what = {
        "business_interruption": ("sites", "site"),
        "contingent": ("exposures", "buyer"),
    }[policy.kind]
    if draft.lacks(collection, policy.insured):
        rule = f"must name a {what} of the case for {policy.kind!r}"
        hint = draft.nearest(policy.insured, collection)
        yield Fault(f"{path}.insured", f"{rule}{hint}", policy.insured)


def _suppliers_exist(draft: Draft, path: str, policy: Any) -> Iterator[Fault]:  # noqa: ANN401
    for place, site_id in enumerate(policy.suppliers):
        if draft.lacks("sites", site_id):
            rule = f"must name a site of the case{draft.nearest(site_id, 'sites')}"
            yield Fault(f"{path}.suppliers[{place}]", rule, site_id)


RULES: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    _ids_are_unique,
    _commodity_is_clear,
    _rate_groups_agree,
    _products_are_clear,
    *chain_rules.RULES,
)
PART_RULES: Final[tuple[tuple[str, Callable[[Draft, str, Any], Iterator[Fault]]], ...]] = (
    ("hazards", scope_rules.scope_hits_something),
    ("events", scope_rules.scope_hits_something),
    ("events", _event_is_known_at_the_start),
    *chain_rules.PART_RULES,
    ("markets", _price_is_known_at_the_start),
    ("exposures", scope_rules.sources_hold_something),
    ("exposures", _buyer_has_a_market),
    ("policies", _policy_insures_something),
    ("policies", _suppliers_exist),
    ("citations", _source_exists),
    ("citations", _citation_points_somewhere),
    ("evidence", _evidence_is_known_at_the_start),
    ("evidence", _source_exists),
    ("evidence", _hazard_exists),
)
