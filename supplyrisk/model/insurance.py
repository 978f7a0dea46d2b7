"""Insurance against interruption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value
from supplyrisk.model.hazard import Peril

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PolicyKind = Literal["business_interruption", "contingent"]
WaitingUnit = Literal["days", "average_daily_value"]

POLICY_KINDS: Final[tuple[str, ...]] = get_args(PolicyKind)
WAITING_UNITS: Final[tuple[str, ...]] = get_args(WaitingUnit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Value):
    """One policy that pays for the interruption of a site, or of the supply of a buyer.

    Attributes
    ----------
    policy_id
        Stable name, unique within a case.
    name
        Name shown to people.
    insured
        Id of the site for ``"business_interruption"``, of the buyer for ``"contingent"``.
    kind
        ``"business_interruption"`` or ``"contingent"``: the own site stands, or a supplier's.
    perils
        Causes that are covered; all when empty.
    damage_only
        Whether it pays only for events with physical damage.
    waiting_days
        Part of each interruption that is not paid. [d]
    waiting_in
        What that part is counted in: ``"days"``, or multiples of the ``"average_daily_value"``.
    indemnity_days
        Maximum indemnity period of an event. [d]
    daily_value_usd
        Average daily value that is insured. [USD/d]
    limit_usd
        Most that is paid for an event; no limit when omitted. [USD]
    annual_limit_usd
        Most that is paid for the events of a year; no limit when omitted. [USD]
    attachment_usd
        Loss of an event above which the layer pays. [USD]
    premium_usd
        Price of the policy, if it is known. [USD/a]
    suppliers
        Sites whose interruption counts, by id; for ``"contingent"`` alone, which must name some.
    """

    policy_id: str
    name: str
    insured: str
    kind: PolicyKind
    perils: tuple[Peril, ...] = ()
    damage_only: bool = False
    waiting_days: float = 0.0
    waiting_in: WaitingUnit = "days"
    indemnity_days: float = 365.0
    daily_value_usd: float
    limit_usd: float | None = None
    annual_limit_usd: float | None = None
    attachment_usd: float = 0.0
    premium_usd: float | None = None
    suppliers: tuple[str, ...] = ()

    def _faults(self) -> Iterator[Fault]:
        yield from check.name("policy_id", self.policy_id)
        yield from check.text("name", self.name)
        yield from check.name("insured", self.insured)
        yield from check.choice("kind", self.kind, POLICY_KINDS)
        yield from _list_faults("perils", self.perils, "a tuple of perils", _peril_faults)
        yield from check.flag("damage_only", self.damage_only)
        for field in ("waiting_days", "attachment_usd"):
            yield from check.number(field, getattr(self, field), least=0.0)
        yield from check.choice("waiting_in", self.waiting_in, WAITING_UNITS)
        for field in ("indemnity_days", "daily_value_usd"):
            yield from check.number(field, getattr(self, field), above=0.0)
        for field in ("limit_usd", "annual_limit_usd"):
            if getattr(self, field) is not None:
                yield from check.number(field, getattr(self, field), above=0.0)
        if self.premium_usd is not None:
            yield from check.number("premium_usd", self.premium_usd, least=0.0)
        yield from self._supplier_faults()

    def _supplier_faults(self) -> Iterator[Fault]:
        yield from _list_faults("suppliers", self.suppliers, "a tuple of site ids", check.name)
        n_named = len(self.suppliers) if isinstance(self.suppliers, tuple) else None
        if self.kind == "contingent" and n_named == 0:
            yield Fault("suppliers", "must name at least one site for 'contingent'", ())
        elif self.kind == "business_interruption" and n_named:
            rule = "must be left out for 'business_interruption'"
            yield Fault("suppliers", rule, self.suppliers)


def _peril_faults(field: str, peril: object) -> Iterator[Fault]:
    yield from check.choice(field, peril, [str(known) for known in Peril])


def _list_faults(
    field: str,
    given: Any,  # noqa: ANN401 - not yet known
    what: str,
    judge: Callable[[str, object], Iterator[Fault]],
) -> Iterator[Fault]:
    if not isinstance(given, tuple):
        yield Fault(field, f"must be {what}", given)
        return
    faults = [f for place, item in enumerate(given) for f in judge(f"{field}[{place}]", item)]
    yield from faults
    if not faults and len(set(given)) < len(given):
        yield Fault(field, "must not name one twice", given)
