"""What a case says of its buyers' terms and its policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from supplyrisk._text import counted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplyrisk.model.case import Case
    from supplyrisk.model.insurance import Policy
    from supplyrisk.model.market import CommodityExposure
    from supplyrisk.model.terms import PriceTerms


def buyer_words(case: Case) -> Iterator[str]:
    """Yield what holds for the contracts of all buyers."""
    if case.exposures:
        yield (
            f"{counted(case.exposures, 'buyer')} under the terms below; what their sources do not "
            "deliver they seek on the open market, as far as alternatives are allowed."
        )


def terms_table(case: Case) -> pd.DataFrame:
    """Return the terms of every buyer."""
    return pd.DataFrame(
        [
            {
                "buyer": buyer.buyer_id,
                "demand_tpa": buyer.demand_tpa,
                "sources": _sources(buyer),
                "stock_d": buyer.inventory_days,
                "price": price_words(buyer.price_terms),
                "hedged": _hedge(buyer),
                "alternatives": _alternatives(buyer),
                "needs_assurance": buyer.needs_assurance,
            }
            for buyer in case.exposures
        ]
    )


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g} %"


def _sources(buyer: CommodityExposure) -> str:
    named = [f"{_percent(source.share)} {source.scope.name}" for source in buyer.sources]
    return ", ".join(named) or "the market at large"


def price_words(terms: PriceTerms) -> str:
    """Return what is paid under a contract, in a few words."""
    if terms.kind == "fixed":
        return f"fixed at {shown(terms.price_usd_per_t)} {terms.currency}/t"
    said: str = terms.kind
    if said == "indexed":
        said = f"mean of {shown(terms.averaging_days)} d"
        said += f", {shown(terms.lag_days)} d before" if terms.lag_days else ""
    if terms.premium_usd_per_t:
        sign = "+" if terms.premium_usd_per_t > 0.0 else "-"
        said += f" {sign} {shown(abs(terms.premium_usd_per_t))} USD/t"
    bounds = (("at least", terms.floor_usd_per_t), ("at most", terms.cap_usd_per_t))
    return said + "".join(f", {side} {shown(x)} USD/t" for side, x in bounds if x is not None)


def _hedge(buyer: CommodityExposure) -> str:
    if buyer.hedged_share == 0.0:
        return "no"
    tenor = "" if buyer.hedge_days is None else f" for {shown(buyer.hedge_days)} d"
    return f"{_percent(buyer.hedged_share)}{tenor}"


def _alternatives(buyer: CommodityExposure) -> str:
    if buyer.alternative_limit == 0.0:
        return "none"
    pace = "at once"
    if buyer.qualification_days > 0.0:
        pace = f"time constant {shown(buyer.qualification_days)} d"
    return f"up to {_percent(buyer.alternative_limit)}, {pace}"


def policy_words(case: Case) -> Iterator[str]:
    """Yield what the policies of a case pay for."""
    if case.policies:
        verb = "pays" if len(case.policies) == 1 else "pay"
        yield (
            f"{counted(case.policies, 'policy', 'policies')} {verb} for interruptions that begin "
            "within the horizon; what had begun by the start is a known loss and excluded."
        )


def policies_table(case: Case) -> pd.DataFrame:
    """Return the terms of every policy."""
    return pd.DataFrame([_policy(policy) for policy in case.policies])


def _policy(policy: Policy) -> dict[str, object]:
    waiting = shown(policy.waiting_days)
    return {
        "policy": policy.policy_id,
        "insured": policy.insured,
        "kind": _text_of(policy.kind),
        "suppliers": ", ".join(policy.suppliers) or "-",
        "perils": ", ".join(_text_of(str(peril)) for peril in policy.perils) or "all",
        "damage_only": policy.damage_only,
        "waiting": f"{waiting} d" if policy.waiting_in == "days" else f"{waiting} daily values",
        "indemnity_d": policy.indemnity_days,
        "daily_value_usd": policy.daily_value_usd,
        "attachment_usd": policy.attachment_usd,
        "limit_usd": _limit(policy.limit_usd),
        "annual_limit_usd": _limit(policy.annual_limit_usd),
        "premium_usd": policy.premium_usd,
    }


def _text_of(name: str) -> str:
    return name.replace("_", " ")


def _limit(amount: float | None) -> str:
    return "none" if amount is None else shown(amount)
