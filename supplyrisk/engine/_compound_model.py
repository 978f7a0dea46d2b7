"""From a case to a compound sum, or the reasons why it is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from supplyrisk.engine._grid import CappedSite
from supplyrisk.engine._pools import Factor, Pool, make_pool
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.engine.plan import Plan, Threat
    from supplyrisk.model.hazard import Hazard
    from supplyrisk.model.site import MineSite

Member = tuple["Plan", "Threat", "Hazard"]


class Strike(NamedTuple):
    """A hazard that can take something away.

    Attributes
    ----------
    threat, hazard
        The hazard, in the engine's terms and the model's.
    factor
        Key of the gamma factor of its rate; none for a rate that is certain.
    sites
        Sites with production that it can hit.
    """

    threat: Threat
    hazard: Hazard
    factor: Factor
    sites: tuple[MineSite, ...]


@dataclass(frozen=True, eq=False)
class CompoundModel:
    """The loss of a year as a sum of independent parts.

    Attributes
    ----------
    pools
        Hazards by gamma factor.
    capped
        Sites whose yearly loss is limited, with the hazards that hit nothing else.
    """

    pools: tuple[Pool, ...]
    capped: tuple[CappedSite, ...]

    @property
    def every_pool(self) -> tuple[Pool, ...]:
        """All pools, those of capped sites too."""
        return (*self.pools, *(pool for site in self.capped for pool in site.pools))


def compound_model(plan: Plan) -> CompoundModel:
    """Return the loss of a year as a compound sum.

    Parameters
    ----------
    plan : Plan
        The case as arrays.

    Returns
    -------
    CompoundModel
        Its pools.

    Raises
    ------
    InvalidInputError
        If the loss is no compound sum, with every reason.
    """
    strikes = strikes_of(plan)
    faults = [*_not_a_year(plan), *_not_compound(plan, strikes), *_ties(plan, strikes)]
    if faults:
        raise InvalidInputError("exact", faults)
    limits = {
        site.site_id: site.annual_cap_days * site.production_tpa / DAYS_PER_YEAR
        for site in plan.sites
        if site.annual_cap_days is not None
    }
    free = [s for s in strikes if s.sites[0].site_id not in limits]
    capped = []
    for site_id, limit in limits.items():
        own = [s for s in strikes if s.sites[0].site_id == site_id]
        if own:
            capped.append(CappedSite(site_id, _pools(plan, own), limit))
    model = CompoundModel(_pools(plan, free), tuple(capped))
    if not all(math.isfinite(pool.variance) for pool in model.every_pool):
        fault = Fault("hazards", "must have losses whose variance is a finite number", math.inf)
        raise InvalidInputError("exact", [fault])
    return model


def strikes_of(plan: Plan) -> list[Strike]:
    """Return the hazards of a plan that can take something away."""
    return [strike for strike in _strikes(plan) if strike.sites]


def _strikes(plan: Plan) -> Iterator[Strike]:
    for threat in plan.threats:
        hazard = threat.hazard
        if hazard is None or threat.rate_pa == 0.0 or hazard.hit_probability == 0.0:
            continue
        if threat.severity == 0.0:
            continue
        factor: Factor = None
        if hazard.rate_shape is not None:
            group = hazard.rate_group
            factor = ("group", group) if group else ("hazard", hazard.hazard_id)
        sites = tuple(plan.sites[i] for i in threat.sites if plan.sites[i].production_tpa > 0.0)
        yield Strike(threat, hazard, factor, sites)


def _not_a_year(plan: Plan) -> Iterator[Fault]:
    if plan.horizon_days != DAYS_PER_YEAR:
        rule = "must be 365 on the occurrence basis, which counts whole years"
        yield Fault("horizon_days", rule, plan.case.horizon_days)


def _not_compound(plan: Plan, strikes: list[Strike]) -> Iterator[Fault]:
    for event in plan.case.events:
        rule = (
            "must be left out (case.without): a dated event happens once, or has begun, so it is "
            "no part of a compound sum"
        )
        yield Fault(f"events.{event.event_id}", rule, str(event.started))
    for strike in strikes:
        if strike.hazard.ramp_up.shape == "never":
            path = f"hazards.{strike.hazard.hazard_id}.ramp_up.shape"
            rule = "must be one by which production returns: the full loss is infinite otherwise"
            yield Fault(path, rule, "never")


def _ties(plan: Plan, strikes: list[Strike]) -> Iterator[Fault]:
    """Yield what ties the losses of a site with an annual cap to those of others."""
    reach: dict[Factor, set[str]] = {}
    for strike in strikes:
        reach.setdefault(strike.factor, set()).update(site.site_id for site in strike.sites)
    for site in plan.sites:
        if site.annual_cap_days is None:
            continue
        path = f"sites.{site.site_id}.annual_cap_days"
        for strike in strikes:
            if site not in strike.sites:
                continue
            name = strike.hazard.hazard_id
            if len(strike.sites) > 1:
                rule = (
                    f"must be left out while hazard {name!r} hits other sites with the same event: "
                    "the capped loss is then not independent of theirs"
                )
                yield Fault(path, rule, site.annual_cap_days)
            elif strike.factor is not None and len(reach[strike.factor]) > 1:
                rule = (
                    f"must be left out while hazard {name!r} shares its rate_group with hazards of "
                    "other sites: the capped loss is then not independent of theirs"
                )
                yield Fault(path, rule, site.annual_cap_days)


def _pools(plan: Plan, strikes: list[Strike]) -> tuple[Pool, ...]:
    members: dict[Factor, list[Member]] = {}
    for strike in strikes:
        members.setdefault(strike.factor, []).append((plan, strike.threat, strike.hazard))
    pools = [make_pool(factor, held) for factor, held in members.items()]
    return tuple(pool for pool in pools if pool.rate > 0.0)
