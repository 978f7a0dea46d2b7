"""How much stock a buyer needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk import metrics
from supplyrisk.engine.run import simulate
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from supplyrisk.metrics import Interval
    from supplyrisk.model.market import CommodityExposure


@dataclass(frozen=True, eq=False, repr=False)
class SmallestStock:
    """The smallest stock with which a buyer's line runs through, as often as he wants.

    Attributes
    ----------
    buyer_id
        The buyer.
    service_level
        Share of futures in which all of his demand is to be met. [1]
    days
        Smallest stock for it, in days of use. [d]
    interval
        Its 90 % interval. [d]
    held_days
        Stock that he holds in the case. [d]
    needed_days
        Smallest stock with which nothing is missing, future by future, shape (n_scenarios,). [d]
    """

    buyer_id: str
    service_level: float
    days: float
    interval: Interval
    held_days: float
    needed_days: NDArray[np.float64]

    def __repr__(self) -> str:
        """Say it in one line."""
        return (
            f"<SmallestStock of {self.buyer_id!r}: {self.days:.1f} days of use "
            f"[{self.interval.low:.1f}, {self.interval.high:.1f}] for a service level of "
            f"{self.service_level:g}; he holds {self.held_days:g}>"
        )


def smallest_stock(
    case: Case,
    buyer_id: str,
    *,
    service_level: float = 0.95,
    n_scenarios: int = 10_000,
    rng: int | np.random.Generator | None = None,
) -> SmallestStock:
    r"""Return the smallest stock with which a buyer meets a service target.

    Parameters
    ----------
    case : Case
        The case.
    buyer_id : str
        The buyer.
    service_level : float, default 0.95
        Share of futures in which all of his demand is to be met over the horizon, above 0 and
        below 1. [1]
    n_scenarios : int, default 10_000
        Number of futures to simulate.
    rng : int, numpy.random.Generator or None
        Seed, as for `supplyrisk.simulate`.

    Returns
    -------
    SmallestStock
        Days of use, with their interval.

    Raises
    ------
    TypeError
        If `case` is no case.
    InvalidInputError
        If the case lacks the buyer, or the service level is out of bounds.

    Notes
    -----
    The futures are simulated once, with a stock that cannot end. How far below normal it ever falls
    is the stock :math:`s_n` which future n needs: up to the moment in which a smaller stock would
    be gone, nothing in the future depends on its size. So with the order statistic
    :math:`s_{(\lceil \alpha n \rceil)}` demand is met in at least the share :math:`\alpha` of the
    same futures and with nothing less is it; its interval needs no assumption on the law of
    :math:`s` (see `supplyrisk.metrics.value_at_risk_interval`). Stock that an event had drawn
    before the start, and which was not back by then, counts as drawn.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> found = smallest_stock(load_case("walikale-2025"), "solder-maker", n_scenarios=500, rng=7)
    >>> found.interval.low <= found.days <= found.interval.high
    True
    """
    buyer = buyer_of(case, buyer_id, "smallest_stock")
    if not (check.is_number(service_level) and 0.0 < service_level < 1.0):
        fault = Fault("service_level", "must be a number above 0 and below 1", service_level)
        raise InvalidInputError("smallest_stock", [fault])
    # Nobody uses more than this within the horizon and the steps before it.
    before = sum(r.transit_days for r in case.routes) + 2 * sum(s.feed_days for s in case.smelters)
    endless = replace(buyer, inventory_days=4.0 * (case.horizon_days + before))
    outlook = simulate(with_buyer(case, endless), n_scenarios, rng=rng)
    needed = outlook.result.buyers[buyer_id].drawn_days
    return SmallestStock(
        buyer_id=buyer_id,
        service_level=service_level,
        days=metrics.value_at_risk(needed, level=service_level),
        interval=metrics.value_at_risk_interval(needed, level=service_level),
        held_days=buyer.inventory_days,
        needed_days=needed,
    )


def buyer_of(case: Case, buyer_id: str, asked_by: str) -> CommodityExposure:
    """Return a buyer of a case.

    Parameters
    ----------
    case : Case
        The case.
    buyer_id : str
        The buyer.
    asked_by : str
        Function that asks, for the message.

    Returns
    -------
    CommodityExposure
        The buyer.

    Raises
    ------
    TypeError
        If `case` is no case.
    InvalidInputError
        If there is no such buyer.
    """
    if not isinstance(case, Case):
        raise TypeError(f"case must be a Case, got {case!r:.80}")
    held = {buyer.buyer_id: buyer for buyer in case.exposures}
    faults = tuple(check.choice("buyer_id", buyer_id, list(held)))
    if faults:
        raise InvalidInputError(asked_by, faults)
    return held[buyer_id]


def with_buyer(case: Case, buyer: CommodityExposure) -> Case:
    """Return the case with a buyer in the place of the one of his id."""
    exposures = (buyer if old.buyer_id == buyer.buyer_id else old for old in case.exposures)
    return replace(case, exposures=tuple(exposures))
