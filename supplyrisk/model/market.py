"""The market of a commodity and the buyers who depend on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.hazard import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

PriceKind = Literal["spot", "fixed"]
PRICE_KINDS: Final[tuple[str, ...]] = get_args(PriceKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market(Value):
    """Market of one commodity: what its price acts on and how it answers.

    Attributes
    ----------
    commodity
        Commodity in snake_case.
    price_usd_per_t
        Price before the disruption became known. [USD/t]
    price_date
        Day of that price.
    supply_tpa
        Supply the price acts on: refined plus secondary, not mined. [t/a]
    demand_tpa
        Use of the same material; kept with the case, not simulated yet. [t/a]
    last_quote_usd_per_t
        Last price known at the start of the case; `price_usd_per_t` when omitted. [USD/t]
    last_quote_date
        Day of the last quote; `price_date` when omitted.
    elasticity_demand
        Short-run price elasticity of demand, below 0; replaces the prior, with supply's. [1]
    elasticity_supply
        Short-run price elasticity of supply, above 0. [1]
    elasticity_sum_median
        Median of the lognormal prior of ``elasticity_supply - elasticity_demand``. [1]
    elasticity_sum_sigma
        Standard deviation of the logarithm of that sum. [1]
    volatility_pa
        Volatility of the price apart from disruptions. [1/sqrt(a)]
    stock_t
        Stock in exchange warehouses; kept with the case, not simulated yet. [t]
    choke_price_ratio
        Bound on the part of disruptions in the price, against `price_usd_per_t`; the noise of the
        baseline is not bounded. [1]
    """

    commodity: str
    price_usd_per_t: float
    price_date: dt.date
    supply_tpa: float
    demand_tpa: float
    last_quote_usd_per_t: float | None = None
    last_quote_date: dt.date | None = None
    elasticity_demand: float | None = None
    elasticity_supply: float | None = None
    elasticity_sum_median: float = 0.35
    elasticity_sum_sigma: float = 0.70
    volatility_pa: float
    stock_t: float = 0.0
    choke_price_ratio: float = 4.0

    @property
    def quote_usd_per_t(self) -> float:
        """Last price known at the start of the case [USD/t]."""
        last = self.last_quote_usd_per_t
        return self.price_usd_per_t if last is None else last

    @property
    def quote_date(self) -> dt.date:
        """Day of the last price known at the start of the case."""
        return self.price_date if self.last_quote_date is None else self.last_quote_date

    def _faults(self) -> Iterator[Fault]:
        yield from check.commodity("commodity", self.commodity)
        for field in ("price_usd_per_t", "supply_tpa", "demand_tpa", "elasticity_sum_median"):
            yield from check.number(field, getattr(self, field), above=0.0)
        for field in ("elasticity_sum_sigma", "volatility_pa", "stock_t"):
            yield from check.number(field, getattr(self, field), least=0.0)
        yield from check.number("choke_price_ratio", self.choke_price_ratio, above=1.0)
        yield from check.date("price_date", self.price_date)
        yield from self._quote_faults()
        if self.elasticity_demand is not None:
            yield from check.number("elasticity_demand", self.elasticity_demand, most=0.0)
        if self.elasticity_supply is not None:
            yield from check.number("elasticity_supply", self.elasticity_supply, least=0.0)
        pair = (self.elasticity_demand, self.elasticity_supply)
        if (pair[0] is None) != (pair[1] is None):
            rule = "must be given together or not at all"
            yield Fault("elasticity_demand and elasticity_supply", rule, pair)
        elif all(check.is_number(value) and value == 0.0 for value in pair):
            yield Fault("elasticity_demand and elasticity_supply", "must not both be 0", pair)

    def _quote_faults(self) -> Iterator[Fault]:
        quote, day = self.last_quote_usd_per_t, self.last_quote_date
        if (quote is None) != (day is None):
            rule = "must be given together or not at all"
            yield Fault("last_quote_usd_per_t and last_quote_date", rule, (quote, day))
        if quote is not None:
            yield from check.number("last_quote_usd_per_t", quote, above=0.0)
        if day is not None:
            yield from check.date("last_quote_date", day)
            if check.is_date(day) and check.is_date(self.price_date) and day < self.price_date:
                rule = f"must not be before price_date ({self.price_date})"
                yield Fault("last_quote_date", rule, str(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply(Value):
    """One source of a buyer's metal.

    Attributes
    ----------
    scope
        Site, country or region that the metal comes from.
    share
        Share of the buyer's demand. [1]
    """

    scope: Scope
    share: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.instance("scope", self.scope, Scope)
        yield from check.fraction("share", self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTerms(Value):
    """What a buyer's contract says of the price; made by `spot` or `fixed`.

    Attributes
    ----------
    kind
        ``"spot"`` or ``"fixed"``.
    price_usd_per_t
        Price of a fixed contract. [USD/t]
    premium_usd_per_t
        Premium over the spot price. [USD/t]
    """

    kind: PriceKind = "spot"
    price_usd_per_t: float | None = None
    premium_usd_per_t: float = 0.0

    @classmethod
    def spot(cls, *, premium_usd_per_t: float = 0.0) -> PriceTerms:
        """Return terms that follow the market price."""
        return cls(kind="spot", premium_usd_per_t=premium_usd_per_t)

    @classmethod
    def fixed(cls, *, price_usd_per_t: float) -> PriceTerms:
        """Return terms with one price for the whole horizon."""
        return cls(kind="fixed", price_usd_per_t=price_usd_per_t)

    def _faults(self) -> Iterator[Fault]:
        yield from check.choice("kind", self.kind, PRICE_KINDS)
        yield from check.number("premium_usd_per_t", self.premium_usd_per_t)
        if self.kind == "fixed":
            yield from check.number("price_usd_per_t", self.price_usd_per_t, above=0.0)
            if self.premium_usd_per_t != 0.0:
                rule = "must be 0 for a fixed price"
                yield Fault("premium_usd_per_t", rule, self.premium_usd_per_t)
        elif self.price_usd_per_t is not None:
            rule = "must be given only for a fixed price"
            yield Fault("price_usd_per_t", rule, self.price_usd_per_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommodityExposure(Value):
    """A buyer: what he needs, from where, on which terms, and what a missing tonne costs.

    Attributes
    ----------
    buyer_id
        Stable name, unique within a case.
    name
        Name shown to people.
    commodity
        Commodity in snake_case.
    demand_tpa
        Use of the commodity. [t/a]
    sources
        Sources known by name; what they leave open is bought from the market at large.
    inventory_days
        Own stock, in days of use. [d]
    price_terms
        What the contract says of the price.
    hedged_share
        Share of the purchases whose price was fixed by a hedge. [1]
    margin_usd_per_t
        Margin earned on each tonne used, net of the metal at the price before. [USD/t]
    priority
        Rank when metal is rationed, 1 first; nothing is rationed yet.
    illustrative
        Whether the buyer is made up to show the method.
    """

    buyer_id: str
    name: str
    commodity: str
    demand_tpa: float
    sources: tuple[Supply, ...] = ()
    inventory_days: float = 0.0
    price_terms: PriceTerms = PriceTerms()
    hedged_share: float = 0.0
    margin_usd_per_t: float = 0.0
    priority: int = 1
    illustrative: bool = False

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("buyer_id", self.buyer_id)
        yield from check.text("name", self.name)
        yield from check.commodity("commodity", self.commodity)
        yield from check.number("demand_tpa", self.demand_tpa, above=0.0)
        yield from check.number("inventory_days", self.inventory_days, least=0.0)
        yield from check.instance("price_terms", self.price_terms, PriceTerms)
        yield from check.fraction("hedged_share", self.hedged_share)
        yield from check.number("margin_usd_per_t", self.margin_usd_per_t, least=0.0)
        yield from check.whole("priority", self.priority, least=1)
        yield from check.flag("illustrative", self.illustrative)
        faults = tuple(check.instances("sources", self.sources, Supply))
        yield from faults
        if not faults:
            total = sum(source.share for source in self.sources)
            if total > 1.0 + 1e-9:  # shares such as 0.1 do not sum exactly in binary
                yield Fault("sources", "must have shares that sum to at most 1", total)
