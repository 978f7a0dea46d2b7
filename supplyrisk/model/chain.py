"""What lies between mines and buyers: routes and smelters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.site import country_faults, position_faults

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Value):
    """One way that metal takes from a site or a smelter to a smelter, a market or a buyer.

    Attributes
    ----------
    route_id
        Stable name, unique within a case.
    from_id
        Id of the site or smelter that the metal leaves.
    to_id
        Id of the smelter or buyer that it goes to, or the commodity of a market: its pool of
        refined metal.
    transit_days
        Days under way. [d]
    share
        Share of what leaves `from_id` on an undisturbed day; what the routes of a place leave open
        reaches the market at once. 0 is a standby route, used only for what the others cannot
        take. [1]
    capacity_tpa
        Most that the route carries; no limit when omitted. [t/a]

    Examples
    --------
    >>> Route(route_id="road", from_id="bisie", to_id="tin", transit_days=45).share
    1.0
    """

    route_id: str
    from_id: str
    to_id: str
    transit_days: float
    share: float = 1.0
    capacity_tpa: float | None = None

    def _faults(self) -> Iterator[Fault]:
        for field in ("route_id", "from_id", "to_id"):
            yield from check.name(field, getattr(self, field))
        ends = (self.from_id, self.to_id)
        if all(isinstance(end, str) for end in ends) and len(set(ends)) == 1:
            yield Fault("to_id", "must not be from_id too", self.to_id)
        yield from check.number("transit_days", self.transit_days, least=0.0)
        yield from check.fraction("share", self.share)
        if self.capacity_tpa is not None:
            yield from check.number("capacity_tpa", self.capacity_tpa, above=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smelter(Value):
    """One smelter or refinery: it makes metal of what the routes to it bring.

    Attributes
    ----------
    smelter_id
        Stable name, unique within a case; no site, buyer or market bears it too.
    name
        Name shown to people.
    commodity
        Commodity in snake_case, e.g. ``"tin"``.
    country
        ISO 3166-1 alpha-3 code; ``"ZZZ"`` for other countries.
    capacity_tpa
        Most feed that it takes, contained metal. [t/a]
    feed_days
        Stock of feed that it keeps, in days of planned feed. [d]
    psi
        Share of that stock below which it slows down. [1]
    metal_yield
        Metal made of a tonne that the feed contains. [1]
    alternative_share
        Share of the planned feed that it can buy elsewhere in time. [1]
    alternative_lag_days
        Time constant in which it finds that feed. [d]
    latitude_deg
        Latitude, north positive. [deg]
    longitude_deg
        Longitude, east positive. [deg]

    Notes
    -----
    Of a planned feed Z with F in stock and the target F*, it takes ``Z min(1, F / (psi F*))``.

    Examples
    --------
    >>> smelter = Smelter(
    ...     smelter_id="msc", name="MSC", commodity="tin", country="MYS", capacity_tpa=40_000
    ... )
    >>> smelter.psi
    0.8
    """

    smelter_id: str
    name: str
    commodity: str
    country: str
    capacity_tpa: float
    feed_days: float = 28.0
    psi: float = 0.8
    metal_yield: float = 0.97
    alternative_share: float = 0.0
    alternative_lag_days: float = 90.0
    latitude_deg: float | None = None
    longitude_deg: float | None = None

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("smelter_id", self.smelter_id)
        yield from check.text("name", self.name)
        yield from check.commodity("commodity", self.commodity)
        yield from country_faults("country", self.country, other=True)
        for field in ("capacity_tpa", "feed_days"):
            yield from check.number(field, getattr(self, field), above=0.0)
        for field in ("psi", "metal_yield"):
            yield from check.number(field, getattr(self, field), above=0.0, most=1.0)
        yield from check.fraction("alternative_share", self.alternative_share)
        yield from check.number("alternative_lag_days", self.alternative_lag_days, least=0.0)
        yield from position_faults(self.latitude_deg, self.longitude_deg)
