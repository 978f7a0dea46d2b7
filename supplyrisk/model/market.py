"""The market of a commodity and the buyers who depend on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.hazard import Scope
from supplyrisk.model.terms import SPOT, PriceTerms
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator


_ABOVE_0: Final = (
    *("price_usd_per_t", "supply_tpa", "demand_tpa"),
    *("elasticity_sum_median", "restocking_days", "supply_lag_days"),
)
_LEAST_0: Final = (
    *("elasticity_sum_sigma", "volatility_pa", "stock_t", "recycled_tpa", "most_extra_share"),
    "consumer_stock_days",
)

_BUYER_LEAST_0: Final = (
    *("inventory_days", "margin_usd_per_t", "qualification_days", "penalty_usd_per_t"),
)


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
        Use of the same material; shown only, as the simulation lets use equal the supply that is
        expected. [t/a]
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
        Stock in exchange warehouses at the start, for everybody to buy. [t]
    choke_price_ratio
        Bound on the part of disruptions in the price, against `price_usd_per_t`; the noise of the
        baseline is not bounded. [1]
    recycled_tpa
        Secondary supply, a part of `supply_tpa`. [t/a]
    consumer_stock_days
        Stock of those who use the metal and are no buyers of the case, in days of use. [d]
    restocking_days
        Time constant in which stocks return to normal. [d]
    supply_lag_days
        Lag with which mines and recyclers answer to the price. [d]
    most_extra_share
        Most that they add, as a share of the plan. [1]
    restart_notice_days
        How long before a restart the market hears of it. [d]
    looks_ahead
        Whether the price counts the supply that is expected to be missing.
    counts_stocks
        Whether the price counts the stocks that are missing, and use that was not met.
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
    recycled_tpa: float = 0.0
    consumer_stock_days: float = 28.0
    restocking_days: float = 24.0
    supply_lag_days: float = 180.0
    most_extra_share: float = 0.1
    restart_notice_days: float = 0.0
    looks_ahead: bool = True
    counts_stocks: bool = True

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
        for field in _ABOVE_0:
            yield from check.number(field, getattr(self, field), above=0.0)
        for field in _LEAST_0:
            yield from check.number(field, getattr(self, field), least=0.0)
        yield from check.number("choke_price_ratio", self.choke_price_ratio, above=1.0)
        notice = self.restart_notice_days
        yield from check.number("restart_notice_days", notice, least=0.0, most=DAYS_PER_YEAR)
        for field in ("looks_ahead", "counts_stocks"):
            yield from check.flag(field, getattr(self, field))
        held = (self.recycled_tpa, self.supply_tpa)
        if all(map(check.is_number, held)) and float(held[0]) > float(held[1]):
            yield Fault("recycled_tpa", f"must be at most supply_tpa ({held[1]})", held[0])
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
        Site, country, region, smelter or market that the metal comes from.
    share
        Share of the buyer's demand. [1]
    """

    scope: Scope
    share: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.instance("scope", self.scope, Scope)
        if isinstance(self.scope, Scope) and self.scope.kind == "route":
            rule = (
                "must not be a route: metal comes from a site, country, region, smelter or market"
            )
            yield Fault("scope", rule, self.scope.name)
        yield from check.fraction("share", self.share)


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
        Rank when metal is rationed, 1 first; the rest of the market has rank 1.
    illustrative
        Whether the buyer is made up to show the method.
    restocking_days
        Time constant in which the stock returns to normal. [d]
    alternative_limit
        Share of the demand that may come from other than the named sources, once qualified. [1]
    qualification_days
        Time constant until such sources are qualified. [d]
    needs_assurance
        Whether metal without assurance of its origin must not be taken.
    hedge_days
        Tenor of the hedge; the whole horizon when omitted. [d]
    penalty_usd_per_t
        Paid for each tonne of own output that is not delivered. [USD/t]
    product
        Product that the metal goes into. One that several buyers of a case name needs all of their
        metals: the scarcest binds, and margin and penalty, stated with one of them, are lost once.
    budget_usd_per_t
        Price that was budgeted; the market's `price_usd_per_t` when omitted. [USD/t]
    """

    buyer_id: str
    name: str
    commodity: str
    demand_tpa: float
    sources: tuple[Supply, ...] = ()
    inventory_days: float = 0.0
    price_terms: PriceTerms = SPOT
    hedged_share: float = 0.0
    margin_usd_per_t: float = 0.0
    priority: int = 1
    illustrative: bool = False
    restocking_days: float = 24.0
    alternative_limit: float = 1.0
    qualification_days: float = 0.0
    needs_assurance: bool = False
    hedge_days: float | None = None
    penalty_usd_per_t: float = 0.0
    product: str | None = None
    budget_usd_per_t: float | None = None

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("buyer_id", self.buyer_id)
        yield from check.text("name", self.name)
        yield from check.commodity("commodity", self.commodity)
        yield from check.number("demand_tpa", self.demand_tpa, above=0.0)
        for field in _BUYER_LEAST_0:
            yield from check.number(field, getattr(self, field), least=0.0)
        yield from check.instance("price_terms", self.price_terms, PriceTerms)
        for field in ("hedged_share", "alternative_limit"):
            yield from check.fraction(field, getattr(self, field))
        yield from check.whole("priority", self.priority, least=1)
        for field in ("illustrative", "needs_assurance"):
            yield from check.flag(field, getattr(self, field))
        yield from check.number("restocking_days", self.restocking_days, above=0.0)
        for field in ("hedge_days", "budget_usd_per_t"):
            if getattr(self, field) is not None:
                yield from check.number(field, getattr(self, field), above=0.0)
        if self.product is not None:
            yield from check.text("product", self.product)
        faults = tuple(check.instances("sources", self.sources, Supply))
        yield from faults
        if not faults:
            total = sum(source.share for source in self.sources)
            if total > 1.0 + 1e-9:  # shares such as 0.1 do not sum exactly in binary
                yield Fault("sources", "must have shares that sum to at most 1", total)
