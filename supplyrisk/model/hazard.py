"""What can go wrong and what has gone wrong: perils, scopes, hazards and dated events."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.duration import Duration, weights_faults
from supplyrisk.model.site import country_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

ScopeKind = Literal["site", "country", "region", "route", "smelter", "market"]
Effect = Literal["output", "export", "assurance", "tax"]
RampShape = Literal["linear", "s_curve", "exponential", "steps", "never"]
Severity = float | tuple[tuple[float, float], ...]

SCOPE_KINDS: Final[tuple[str, ...]] = get_args(ScopeKind)
EFFECTS: Final[tuple[str, ...]] = get_args(Effect)
RAMP_SHAPES: Final[tuple[str, ...]] = get_args(RampShape)
MOST_RAMP_SIGMA: Final = 3.0
"""Largest spread of a ramp-up: one in twenty is then 140 times as long as the median. [1]"""


class Peril(StrEnum):
    """Cause class of a disruption."""

    ARMED_CONFLICT = "armed_conflict"
    CIVIL_UNREST = "civil_unrest"
    STRIKE = "strike"
    ACCIDENT = "accident"
    NATURAL_HAZARD = "natural_hazard"
    ENERGY_OR_WATER = "energy_or_water"
    REGULATORY_OR_LICENCE = "regulatory_or_licence"
    EXPORT_RESTRICTION = "export_restriction"
    PRICE_CURTAILMENT = "price_curtailment"
    PANDEMIC = "pandemic"
    LOGISTICS = "logistics"
    SANCTIONS = "sanctions"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Value):
    """What an event can hit, or metal come from; made by the constructors named after the kinds.

    Attributes
    ----------
    kind
        One of ``"site"``, ``"country"``, ``"region"``, ``"route"``, ``"smelter"``, ``"market"``.
    name
        Id of the site, route or smelter, code of the country, name of the region, or commodity of
        the market.
    site_ids
        Sites of a region; empty for other kinds.

    Examples
    --------
    >>> Scope.region("kivu", site_ids=("bisie",)).site_ids
    ('bisie',)
    """

    kind: ScopeKind
    name: str
    site_ids: tuple[str, ...] = ()

    @classmethod
    def site(cls, site_id: str) -> Scope:
        """Return the scope of one site."""
        return cls(kind="site", name=site_id)

    @classmethod
    def country(cls, code: str) -> Scope:
        """Return the scope of every site in a country, by its alpha-3 code."""
        return cls(kind="country", name=code)

    @classmethod
    def region(cls, name: str, *, site_ids: tuple[str, ...]) -> Scope:
        """Return the scope of a named set of sites."""
        return cls(kind="region", name=name, site_ids=check.as_tuple(site_ids))

    @classmethod
    def route(cls, route_id: str) -> Scope:
        """Return the scope of one route; an event there closes it."""
        return cls(kind="route", name=route_id)

    @classmethod
    def smelter(cls, smelter_id: str) -> Scope:
        """Return the scope of one smelter."""
        return cls(kind="smelter", name=smelter_id)

    @classmethod
    def market(cls, commodity: str) -> Scope:
        """Return the market of a commodity at large: a source of buyers, which no event hits."""
        return cls(kind="market", name=commodity)

    def _faults(self) -> Iterator[Fault]:
        yield from check.choice("kind", self.kind, SCOPE_KINDS)
        if self.kind == "country":
            yield from country_faults("country", self.name, other=False)
        elif self.kind == "market":
            yield from check.commodity("market", self.name)
        else:
            yield from check.name(str(self.kind), self.name)
        faults = tuple(check.instances("site_ids", self.site_ids, str))
        yield from faults
        if not faults:
            yield from self._site_faults()

    def _site_faults(self) -> Iterator[Fault]:
        if self.kind == "region":
            if not self.site_ids:
                yield Fault("site_ids", "must name at least one site", self.site_ids)
            for place, site_id in enumerate(self.site_ids):
                yield from check.name(f"site_ids[{place}]", site_id)
            if len(set(self.site_ids)) < len(self.site_ids):
                yield Fault("site_ids", "must not name a site twice", self.site_ids)
        elif self.site_ids:
            yield Fault("site_ids", "must be empty unless the scope is a region", self.site_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class RampUp(Value):
    """How production returns once the outage is over.

    Attributes
    ----------
    shape
        ``"linear"``, ``"s_curve"``, ``"exponential"``, ``"steps"`` or ``"never"``.
    ramp_days
        Length of the ramp-up after a long outage; the median, where it has a spread. [d]
    ramp_sigma
        Standard deviation of the logarithm of that length, at most 3; a length that is known when
        omitted. [1]
    max_share_of_outage
        Longest ramp-up as a share of the outage; no limit when omitted. [1]
    levels
        For ``"steps"``: the share of `severity` still lost on each equal part of the ramp-up,
        never rising. [1]
    """

    shape: RampShape = "linear"
    ramp_days: float = 0.0
    ramp_sigma: float = 0.0
    max_share_of_outage: float | None = None
    levels: tuple[float, ...] | None = None

    def _faults(self) -> Iterator[Fault]:
        yield from check.choice("shape", self.shape, RAMP_SHAPES)
        yield from check.number("ramp_days", self.ramp_days, least=0.0)
        yield from self._spread_faults()
        if self.max_share_of_outage is not None:
            yield from check.number("max_share_of_outage", self.max_share_of_outage, least=0.0)
        if self.shape == "steps":
            if not isinstance(self.levels, tuple) or not self.levels:
                rule = "must be a tuple of at least one share for a ramp-up in steps"
                yield Fault("levels", rule, self.levels)
            else:
                faults = [
                    fault
                    for place, level in enumerate(self.levels)
                    for fault in check.fraction(f"levels[{place}]", level)
                ]
                yield from faults
                if not faults and list(self.levels) != sorted(self.levels, reverse=True):
                    yield Fault("levels", "must not rise: production returns", self.levels)
        elif self.levels is not None:
            yield Fault("levels", "must be given only for a ramp-up in steps", self.levels)

    def _spread_faults(self) -> Iterator[Fault]:
        faults = tuple(check.number("ramp_sigma", self.ramp_sigma, least=0.0, most=MOST_RAMP_SIGMA))
        yield from faults
        if not faults and self.ramp_sigma > 0.0:
            if self.shape == "never":
                rule = "must be 0 where production never returns"
                yield Fault("ramp_sigma", rule, self.ramp_sigma)
            elif check.is_number(self.ramp_days) and self.ramp_days == 0.0:
                rule = "must be 0 unless ramp_days, the median, is above 0"
                yield Fault("ramp_sigma", rule, self.ramp_sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard(Value):
    """A peril that may strike a scope, again and again.

    Attributes
    ----------
    hazard_id
        Stable name; it also keys the random numbers.
    peril
        Cause class.
    scope
        What each event can hit.
    rate_pa
        Mean number of events a year (for a site, of each of its `n_units`). [1/a]
    duration
        Length of the outage.
    severity
        Share of planned production lost while the outage lasts, or of what `effect` names; or
        pairs of weight and share, of which each event takes one, such as
        ``((0.7, 1.0), (0.3, 0.5))``. [1]
    ramp_up
        Return of production after the outage.
    rate_shape
        Shape k of the gamma distribution by which the rate is uncertain (mean 1, variance 1/k);
        a rate that is certain when omitted. [1]
    rate_group
        Hazards of one group share the gamma factor of their rates; they need one `rate_shape`.
    hit_probability
        Probability that an event hits a given site in its scope. [1]
    shared_duration
        Whether the sites hit by one event stay shut, and ramp up, for the same time.
    effect
        What the severity is a share of. ``"output"``: what sites or smelters make (a country:
        its sites alone), or what a route carries; ``"export"``: what leaves the places in scope,
        1 for a ban; ``"assurance"``: metal from there that buyers who need assurance may not
        take; ``"tax"``: the price, as a levy on what leaves.
    physical_damage
        Whether an event damages property, which some insurance asks for.
    """

    hazard_id: str
    peril: Peril
    scope: Scope
    rate_pa: float
    duration: Duration
    severity: Severity = 1.0
    ramp_up: RampUp = RampUp()
    rate_shape: float | None = None
    rate_group: str | None = None
    hit_probability: float = 1.0
    shared_duration: bool = True
    effect: Effect = "output"
    physical_damage: bool = False

    @property
    def severities(self) -> tuple[tuple[float, float], ...]:
        """Pairs of weight and severity, the weights scaled to sum to 1; one for a number [1]."""
        if not isinstance(self.severity, tuple):
            return ((1.0, self.severity),)
        total = sum(weight for weight, _ in self.severity)
        return tuple((weight / total, severity) for weight, severity in self.severity)

    @property
    def mean_severity(self) -> float:
        """Mean share of planned production lost while an outage lasts [1]."""
        return sum(weight * severity for weight, severity in self.severities)

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("hazard_id", self.hazard_id)
        yield from check.choice("peril", self.peril, [str(peril) for peril in Peril])
        yield from _hit_faults(self.scope, self.effect)
        yield from check.number("rate_pa", self.rate_pa, least=0.0)
        yield from check.instance("duration", self.duration, Duration)
        yield from _severity_faults(self.severity)
        yield from check.instance("ramp_up", self.ramp_up, RampUp)
        if self.rate_shape is not None:
            yield from check.number("rate_shape", self.rate_shape, above=0.0)
        if self.rate_group is not None:
            yield from check.name("rate_group", self.rate_group)
            if self.rate_shape is None:
                yield Fault("rate_shape", "must be given with a rate_group", self.rate_shape)
        yield from check.fraction("hit_probability", self.hit_probability)
        yield from check.flag("shared_duration", self.shared_duration)
        yield from check.flag("physical_damage", self.physical_damage)


def _hit_faults(scope: Any, effect: Any) -> Iterator[Fault]:  # noqa: ANN401 - not yet known
    faults = (
        *check.instance("scope", scope, Scope),
        *check.choice("effect", effect, EFFECTS),
    )
    yield from faults
    if faults:
        return
    if scope.kind == "market":
        rule = "must not be a market, which only buyers have as a source"
        yield Fault("scope", rule, scope.name)
    if scope.kind == "route" and effect != "output":
        yield Fault("effect", "must be 'output' for a route, which an event closes", effect)


def _severity_faults(severity: Any) -> Iterator[Fault]:  # noqa: ANN401 - not yet known
    if not isinstance(severity, tuple | list):
        yield from check.fraction("severity", severity)
        return
    if not isinstance(severity, tuple) or not severity:
        rule = "must lie in [0, 1], or be a tuple of at least one pair of weight and severity"
        yield Fault("severity", rule, severity)
        return
    faults: list[Fault] = []
    for place, pair in enumerate(severity):
        if not isinstance(pair, tuple) or len(pair) != 2:
            rule = "must be a pair of weight and severity"
            faults.append(Fault(f"severity[{place}]", rule, pair))
            continue
        faults += check.number(f"severity[{place}][0]", pair[0], above=0.0)
        faults += check.fraction(f"severity[{place}][1]", pair[1])
    yield from faults or weights_faults("severity", [weight for weight, _ in severity])


@dataclass(frozen=True, slots=True, kw_only=True)
class DisruptionEvent(Value):
    """One dated event: over, ongoing, or announced.

    Attributes
    ----------
    event_id
        Stable name; it also keys the random numbers.
    peril
        Cause class.
    scope
        What the event hits.
    started
        First day of the outage.
    ended
        Day of the restart; an event without one is ongoing or to come, and needs a `duration`.
    announced
        Day on which the event became known, if before it started.
    duration
        Length of the whole outage; what remains is drawn given the days that have passed.
    severity
        Share of planned production lost while the outage lasts, or of what `effect` names. [1]
    ramp_up
        Return of production after the outage.
    probability
        Probability that the event takes place; below 1 only for one that is yet to start. [1]
    effect
        What the severity is a share of: ``"output"``, ``"export"``, ``"assurance"`` or ``"tax"``,
        as for a `Hazard`.
    physical_damage
        Whether the event damages property, which some insurance asks for.
    """

    event_id: str
    peril: Peril
    scope: Scope
    started: dt.date
    ended: dt.date | None = None
    announced: dt.date | None = None
    duration: Duration | None = None
    severity: float = 1.0
    ramp_up: RampUp = RampUp()
    probability: float = 1.0
    effect: Effect = "output"
    physical_damage: bool = False

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("event_id", self.event_id)
        yield from check.choice("peril", self.peril, [str(peril) for peril in Peril])
        yield from _hit_faults(self.scope, self.effect)
        for field in ("started", "ended", "announced"):
            value = getattr(self, field)
            if value is not None or field == "started":
                yield from check.date(field, value)
        yield from self._order_faults()
        if self.duration is not None:
            yield from check.instance("duration", self.duration, Duration)
        if (self.ended is None) == (self.duration is None):
            yield Fault(
                "duration",
                "must be given for an event that has not ended, and only then",
                self.duration,
            )
        yield from check.fraction("severity", self.severity)
        yield from check.instance("ramp_up", self.ramp_up, RampUp)
        yield from check.fraction("probability", self.probability)
        yield from check.flag("physical_damage", self.physical_damage)

    def _order_faults(self) -> Iterator[Fault]:
        if not check.is_date(self.started):
            return  # what is no date has been named already
        if check.is_date(self.ended) and self.ended < self.started:
            yield Fault("ended", f"must not be before started ({self.started})", str(self.ended))
        if check.is_date(self.announced) and self.announced > self.started:
            rule = f"must not be after started ({self.started})"
            yield Fault("announced", rule, str(self.announced))
