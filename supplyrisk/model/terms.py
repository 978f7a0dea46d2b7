"""What contracts say of the price."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

PriceKind = Literal["spot", "fixed", "indexed"]
PRICE_KINDS: Final[tuple[str, ...]] = get_args(PriceKind)
MONTH_DAYS: Final = 30.0
"""Averaging period of an indexed price that states none. [d]"""
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTerms(Value):
    """What a buyer's contract says of the price; made by `spot`, `indexed` or `fixed`.

    Attributes
    ----------
    kind
        ``"spot"``, ``"fixed"`` or ``"indexed"``.
    price_usd_per_t
        Price of a fixed contract; in `currency`, where that is another. [USD/t]
    premium_usd_per_t
        Premium over the market price. [USD/t]
    averaging_days
        Days over which an indexed price averages the market price. [d]
    lag_days
        Days between the end of that period and the delivery. [d]
    floor_usd_per_t
        Least that is paid, premium included; no bound when omitted. [USD/t]
    cap_usd_per_t
        Most that is paid, premium included; no bound when omitted. [USD/t]
    currency
        Currency of a fixed price, three capital letters.
    usd_per_unit
        Rate at which that price is converted. [USD per unit of the currency]
    """

    kind: PriceKind = "spot"
    price_usd_per_t: float | None = None
    premium_usd_per_t: float = 0.0
    averaging_days: float = MONTH_DAYS
    lag_days: float = 0.0
    floor_usd_per_t: float | None = None
    cap_usd_per_t: float | None = None
    currency: str = "USD"
    usd_per_unit: float = 1.0

    @classmethod
    def spot(
        cls,
        *,
        premium_usd_per_t: float = 0.0,
        floor_usd_per_t: float | None = None,
        cap_usd_per_t: float | None = None,
    ) -> PriceTerms:
        """Return terms that follow the market price day by day."""
        return cls(
            kind="spot",
            premium_usd_per_t=premium_usd_per_t,
            floor_usd_per_t=floor_usd_per_t,
            cap_usd_per_t=cap_usd_per_t,
        )

    @classmethod
    def indexed(
        cls,
        *,
        averaging_days: float = MONTH_DAYS,
        lag_days: float = 0.0,
        premium_usd_per_t: float = 0.0,
        floor_usd_per_t: float | None = None,
        cap_usd_per_t: float | None = None,
    ) -> PriceTerms:
        """Return terms that follow the mean market price of a period before the delivery."""
        return cls(
            kind="indexed",
            averaging_days=averaging_days,
            lag_days=lag_days,
            premium_usd_per_t=premium_usd_per_t,
            floor_usd_per_t=floor_usd_per_t,
            cap_usd_per_t=cap_usd_per_t,
        )

    @classmethod
    def fixed(
        cls, *, price_usd_per_t: float, currency: str = "USD", usd_per_unit: float = 1.0
    ) -> PriceTerms:
        """Return terms with one price for the whole horizon."""
        return cls(
            kind="fixed",
            price_usd_per_t=price_usd_per_t,
            currency=currency,
            usd_per_unit=usd_per_unit,
        )

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
        yield from self._averaging_faults()
        yield from self._bound_faults()
        yield from self._currency_faults()

    def _averaging_faults(self) -> Iterator[Fault]:
        faults = (
            *check.number("averaging_days", self.averaging_days, above=0.0),
            *check.number("lag_days", self.lag_days, least=0.0),
        )
        yield from faults
        if faults or self.kind == "indexed":
            return
        for field, default in (("averaging_days", MONTH_DAYS), ("lag_days", 0.0)):
            if getattr(self, field) != default:
                yield Fault(field, "must be given only for an indexed price", getattr(self, field))

    def _bound_faults(self) -> Iterator[Fault]:
        bounds = {name: getattr(self, name) for name in ("floor_usd_per_t", "cap_usd_per_t")}
        for field, bound in bounds.items():
            if bound is not None:
                yield from check.number(field, bound, above=0.0)
                if self.kind == "fixed":
                    yield Fault(field, "must be left out for a fixed price", bound)
        floor, cap = bounds.values()
        if check.is_number(floor) and check.is_number(cap) and float(floor) > float(cap):
            yield Fault("floor_usd_per_t", f"must be at most cap_usd_per_t ({cap})", floor)

    def _currency_faults(self) -> Iterator[Fault]:
        faults = list(check.number("usd_per_unit", self.usd_per_unit, above=0.0))
        if not (isinstance(self.currency, str) and _CURRENCY.fullmatch(self.currency)):
            rule = "must be a currency of three capital letters such as 'USD' or 'EUR'"
            faults.append(Fault("currency", rule, self.currency))
        yield from faults
        if faults:
            return
        if self.currency == "USD" and self.usd_per_unit != 1.0:
            yield Fault("usd_per_unit", "must be 1 for USD", self.usd_per_unit)
        elif self.currency != "USD" and self.usd_per_unit == 1.0:
            # Left out, it would make a euro a dollar without a word.
            rule = f"must be given for {self.currency}, and be other than 1, the rate of USD"
            yield Fault("usd_per_unit", rule, self.usd_per_unit)
        if self.currency != "USD" and self.kind != "fixed":
            rule = "must be 'USD' unless the price is fixed: the market price is in USD"
            yield Fault("currency", rule, self.currency)


SPOT: Final = PriceTerms()
"""Terms of a contract of which nothing else is said."""
