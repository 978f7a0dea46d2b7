"""Everything about one situation on one date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model import consistency, paths, provenance
from supplyrisk.model._value import Value
from supplyrisk.model.chain import Route, Smelter
from supplyrisk.model.draft import Draft
from supplyrisk.model.evidence import Citation, Evidence, Source
from supplyrisk.model.hazard import DisruptionEvent, Hazard
from supplyrisk.model.insurance import Policy
from supplyrisk.model.market import CommodityExposure, Market
from supplyrisk.model.site import MineSite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS: Final[dict[str, type[Value]]] = {
    "sites": MineSite,
    "hazards": Hazard,
    "events": DisruptionEvent,
    "routes": Route,
    "smelters": Smelter,
    "markets": Market,
    "exposures": CommodityExposure,
    "policies": Policy,
    "sources": Source,
    "citations": Citation,
    "evidence": Evidence,
}
"""Class of the parts of each collection of a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Value):
    """Everything about one situation on one date, and nothing that was learned later.

    Attributes
    ----------
    name
        Stable name.
    start
        Day on which the simulated futures begin.
    commodity
        Commodity that losses are counted in; found from the sites when they hold one only.
    horizon_days
        Length of the futures. [d]
    step_days
        Length of a step in results by time; with routes or smelters also of a step of the flow,
        and then a whole number of them makes the horizon. [d]
    sites
        Origins of primary supply.
    hazards
        What may happen.
    events
        What has happened or is announced.
    routes
        Ways that metal takes.
    smelters
        Smelters and refineries.
    markets
        One market per commodity.
    exposures
        Buyers.
    policies
        Insurance of sites and buyers.
    sources
        Publications that figures are taken from.
    citations
        Which figure comes from which source.
    evidence
        Dated observations that are no numbers.
    not_quantified
        What is known to matter and is not in the numbers, a sentence each.
    """

    name: str
    start: dt.date
    commodity: str | None = None
    horizon_days: int = 365
    step_days: int = 5
    sites: tuple[MineSite, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    events: tuple[DisruptionEvent, ...] = ()
    routes: tuple[Route, ...] = ()
    smelters: tuple[Smelter, ...] = ()
    markets: tuple[Market, ...] = ()
    exposures: tuple[CommodityExposure, ...] = ()
    policies: tuple[Policy, ...] = ()
    sources: tuple[Source, ...] = ()
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    not_quantified: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Value.__post_init__(self)
        main = consistency.commodity_of(self.commodity, self.sites)
        object.__setattr__(self, "commodity", main)  # resolved once, so that a copy keeps it

    def __repr__(self) -> str:
        """Say in a line what the case is; `supplyrisk.explain` says the rest."""
        counts = {name: len(getattr(self, name)) for name in paths.FIGURES}
        always = ("sites", "hazards", "events", "markets", "exposures")
        held = [
            f"{n} {name if n != 1 else _one(name)}"
            for name, n in counts.items()
            if n or name in always
        ]
        return f"<Case {self.name!r} on {self.start}: {', '.join(held)}>"

    def site(self, site_id: str) -> MineSite:
        """Return the site of that id."""
        sites = paths.members(self, "sites")
        if site_id not in sites:
            rule = f"must name a site of the case{check.nearest(site_id, sites)}"
            raise InvalidInputError("site", [Fault("site_id", rule, site_id)])
        return sites[site_id]  # type: ignore[no-any-return]

    def market(self, commodity: str | None = None) -> Market | None:
        """Return the market of a commodity, by default of the case's own, if there is one."""
        return paths.members(self, "markets").get(commodity or str(self.commodity))

    def with_values(self, values: Mapping[str, object]) -> Case:
        """Return a copy with new values by dotted path: the what-if.

        Parameters
        ----------
        values : mapping of str to object
            New value for each dotted path, such as ``{"sites.bisie.utilisation": 0.5}``.

        Returns
        -------
        Case
            A new case; this one is unchanged.

        Raises
        ------
        InvalidInputError
            If a path names nothing in the case or a value breaks a rule.
        """
        return paths.replaced(self, values)  # type: ignore[no-any-return]

    def without(self, *part_paths: str) -> Case:
        """Return a copy without some parts, and without the citations of those parts.

        Evidence on a hazard that goes stays, and bears on none.

        Parameters
        ----------
        *part_paths : str
            Dotted path of each part, such as ``"events.bisie-closure"``.

        Returns
        -------
        Case
            A new case; this one is unchanged.

        Raises
        ------
        InvalidInputError
            If a path names no part of the case, or the rest does not hold together without it.
        """
        changes: dict[str, tuple[Any, ...]] = {}
        for path in part_paths:
            paths.look_up(self, path)
            collection, _, name = path.partition(".")
            if collection not in paths.IDS or not name or "." in name:
                raise InvalidInputError(
                    "without", [Fault(path, "must name a part such as 'events.some-event'", path)]
                )
            kept = changes.get(collection, getattr(self, collection))
            key = paths.IDS[collection]
            changes[collection] = tuple(part for part in kept if getattr(part, key) != name)
        changes["citations"] = tuple(
            citation
            for citation in self.citations
            if not any(f"{citation.path}.".startswith(f"{path}.") for path in part_paths)
        )
        gone = {path.partition(".")[2] for path in part_paths if path.startswith("hazards.")}
        changes["evidence"] = tuple(
            replace(item, hazard_id=None) if item.hazard_id in gone else item
            for item in changes.get("evidence", self.evidence)
        )
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the case, as 64 hexadecimal digits."""
        return provenance.digest(self)

    def _faults(self) -> Iterator[Fault]:
        own = tuple(self._own_faults())
        yield from own
        if not own:
            stated = {field.name: getattr(self, field.name) for field in fields(self)}
            yield from consistency.between_parts(Draft(**stated))

    def _own_faults(self) -> Iterator[Fault]:
        scalars = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in KINDS
        }
        yield from scalar_faults(scalars)
        for collection, kind in KINDS.items():
            yield from check.instances(collection, getattr(self, collection), kind)


def _one(collection: str) -> str:
    return "policy" if collection == "policies" else collection.removesuffix("s")


def scalar_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of a case's fields that are not collections of parts."""
    yield from check.name("name", values["name"])
    yield from check.date("start", values["start"])
    if values["commodity"] is not None:
        yield from check.commodity("commodity", values["commodity"])
    yield from check.whole("horizon_days", values["horizon_days"], least=1)
    yield from check.whole("step_days", values["step_days"], least=1)
    if isinstance(values["not_quantified"], tuple):
        for place, sentence in enumerate(values["not_quantified"]):
            yield from check.text(f"not_quantified[{place}]", sentence)
    else:
        yield Fault("not_quantified", "must be a tuple of sentences", values["not_quantified"])
