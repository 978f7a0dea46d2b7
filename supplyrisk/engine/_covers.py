"""The policies of a case in the engine's terms: which events of which sites they pay for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk import insurance
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.model.insurance import Policy

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

PORTFOLIO: Final = "portfolio"
"""Name of the row that holds all policies together."""


class Cover(NamedTuple):
    """A policy in the engine's terms.

    Attributes
    ----------
    terms
        What it pays of a loss.
    sites
        Sites of the plan whose interruption counts, shape (n_insured,).
    shares
        Share of the daily value that each site of the plan stands for, shape (n_sites,). [1]
    triggers
        Whether it responds to the events of each threat, shape (n_threats,).
    """

    terms: insurance.Terms
    sites: Ints
    shares: Floats
    triggers: Bools


def make_covers(plan: Plan) -> list[Cover]:
    """Return the policies of a case in the engine's terms.

    Parameters
    ----------
    plan : Plan
        The case as arrays.

    Returns
    -------
    list of Cover
        In the order of the case's policies.

    Raises
    ------
    InvalidInputError
        If what a policy pays cannot be worked out; every fault is named.
    """
    place = {site.site_id: number for number, site in enumerate(plan.sites)}
    policies = plan.case.policies
    faults = [
        fault.under(f"policies.{policy.policy_id}")
        for policy in policies
        for fault in _faults(plan, policy, place)
    ]
    if faults:
        raise InvalidInputError(plan.case.name, faults)
    perils = [threat.peril for threat in plan.threats]
    damage = [_does_damage(threat) for threat in plan.threats]
    return [
        Cover(
            terms=_terms(policy),
            sites=np.array(sorted(place[name] for name in _insured(policy)), dtype=np.intp),
            shares=_shares(plan, policy),
            triggers=insurance.covered(
                perils,
                damage,
                perils=[str(peril) for peril in policy.perils],
                damage_only=policy.damage_only,
            ),
        )
        for policy in policies
    ]


def _faults(plan: Plan, policy: Policy, place: dict[str, int]) -> Iterator[Fault]:
    """Yield what keeps the payments of a policy from being worked out."""
    case = plan.case
    if policy.policy_id == PORTFOLIO:
        yield Fault("policy_id", "must be another: all together have this name", policy.policy_id)
    if policy.annual_limit_usd is not None and plan.horizon_days != DAYS_PER_YEAR:
        rule = (
            f"must be left out unless horizon_days is {DAYS_PER_YEAR} (it is {case.horizon_days}): "
            "only then is a future a policy year"
        )
        yield Fault("annual_limit_usd", rule, policy.annual_limit_usd)
    of = f"of {case.commodity}, whose events alone are simulated"
    if policy.kind == "business_interruption":
        if policy.insured not in place:
            yield Fault("insured", f"must be a site {of}", policy.insured)
        return
    (buyer,) = (buyer for buyer in case.exposures if buyer.buyer_id == policy.insured)
    if buyer.commodity != case.commodity:
        yield Fault("insured", f"must be a buyer {of}", policy.insured)
        return
    held = {site for source in buyer.sources for site in plan.in_scope(source.scope).tolist()}
    for number, name in enumerate(policy.suppliers):
        if name not in place or place[name] not in held:
            rule = f"must be a site in a source of the buyer ({policy.insured})"
            yield Fault(f"suppliers[{number}]", rule, name)


def _insured(policy: Policy) -> tuple[str, ...]:
    return policy.suppliers or (policy.insured,)


def _does_damage(threat: Threat) -> bool:
    cause = threat.hazard or threat.event
    return cause is not None and cause.physical_damage


def _terms(policy: Policy) -> insurance.Terms:
    in_days = policy.waiting_in == "days"
    return insurance.Terms(
        daily_value_usd=policy.daily_value_usd,
        waiting_days=policy.waiting_days if in_days else 0.0,
        waiting_values=0.0 if in_days else policy.waiting_days,
        indemnity_days=policy.indemnity_days,
        attachment_usd=policy.attachment_usd,
        limit_usd=math.inf if policy.limit_usd is None else policy.limit_usd,
        annual_limit_usd=math.inf if policy.annual_limit_usd is None else policy.annual_limit_usd,
    )


def _shares(plan: Plan, policy: Policy) -> Floats:
    """Return the share of the daily value that each site stands for, shape (n_sites,) [1]."""
    shares = np.zeros(len(plan.sites))
    if policy.kind == "business_interruption":
        return np.array([float(site.site_id == policy.insured) for site in plan.sites])
    (buyer,) = (b for b in plan.case.exposures if b.buyer_id == policy.insured)
    for source in buyer.sources:
        held = plan.in_scope(source.scope)
        planned = plan.production_t_per_day[held]
        if planned.sum() > 0.0:
            shares[held] += source.share * planned / planned.sum()
    return shares
