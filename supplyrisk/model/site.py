"""Origins of primary supply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from supplyrisk import _countries
from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class MineSite(Value):
    """One origin of primary supply, or the rest of a country as one site of many mines.

    Attributes
    ----------
    site_id
        Stable name, unique within a case.
    name
        Name shown to people.
    commodity
        Commodity in snake_case, e.g. ``"tin"``.
    country
        ISO 3166-1 alpha-3 code; ``"ZZZ"`` for other countries.
    capacity_tpa
        Nameplate capacity, contained metal (or the published basis, where that is gross). [t/a]
    utilisation
        Share of the capacity that is planned to be used. [1]
    latitude_deg
        Latitude, north positive. [deg]
    longitude_deg
        Longitude, east positive. [deg]
    operator
        Company that runs the site.
    n_units
        Number of like mines that the site stands for; a hazard of site scope strikes them one by
        one, each for its part.
    annual_cap_days
        Most days of outage that count in a year; for the occurrence basis alone, so a simulation
        on the calendar refuses it. [d]
    stock_days
        Normal stock of ore at the site, in days of planned production. [d]
    makeup_share
        Share of lost production that is made up later, within capacity that is spare. [1]
    """

    site_id: str
    name: str
    commodity: str
    country: str
    capacity_tpa: float
    utilisation: float = 1.0
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    operator: str | None = None
    n_units: int = 1
    annual_cap_days: float | None = None
    stock_days: float = 0.0
    makeup_share: float = 0.0

    @property
    def production_tpa(self) -> float:
        """Planned, undisturbed production [t/a]."""
        return float(self.capacity_tpa) * float(self.utilisation)

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("site_id", self.site_id)
        yield from check.text("name", self.name)
        yield from check.commodity("commodity", self.commodity)
        yield from country_faults("country", self.country, other=True)
        yield from check.number("capacity_tpa", self.capacity_tpa, above=0.0)
        yield from check.fraction("utilisation", self.utilisation)
        yield from position_faults(self.latitude_deg, self.longitude_deg)
        if self.operator is not None:
            yield from check.text("operator", self.operator)
        yield from check.whole("n_units", self.n_units, least=1)
        if self.annual_cap_days is not None:
            yield from check.number("annual_cap_days", self.annual_cap_days, above=0.0)
        yield from check.number("stock_days", self.stock_days, least=0.0)
        yield from check.fraction("makeup_share", self.makeup_share)


def position_faults(latitude_deg: object, longitude_deg: object) -> Iterator[Fault]:
    """Fault unless both are given and lie on earth, or neither is given."""
    if latitude_deg is not None:
        yield from check.number("latitude_deg", latitude_deg, least=-90.0, most=90.0)
    if longitude_deg is not None:
        yield from check.number("longitude_deg", longitude_deg, least=-180.0, most=180.0)
    if (latitude_deg is None) != (longitude_deg is None):
        yield Fault(
            "latitude_deg and longitude_deg",
            "must be given together or not at all",
            (latitude_deg, longitude_deg),
        )


def country_faults(field: str, value: object, *, other: bool) -> Iterator[Fault]:
    """Fault unless the value is a country code, or ``"ZZZ"`` where `other` allows it."""
    if not _countries.is_country_code(value, other=other):
        yield Fault(field, f"must be an ISO 3166-1 alpha-3 code such as 'COD'{_hint(value)}", value)


def _hint(value: object) -> str:
    """Name the code that the text stands for, where it stands for one."""
    code = _code_of(value) if isinstance(value, str) else None
    return f" (did you mean {code!r}?)" if code else ""


@lru_cache  # looking for a near name takes long, and the same wrong name tends to come again
def _code_of(text: str) -> str | None:
    try:
        return _countries.country_code(text)
    except ValueError:
        return None
