"""What the policies of a case pay over its futures: the insurer's view."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from supplyrisk import insurance, metrics
from supplyrisk.engine._covers import PORTFOLIO, make_covers
from supplyrisk.engine.draws import Events
from supplyrisk.engine.losses import Outages
from supplyrisk.engine.plan import make_plan
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine._covers import Cover
    from supplyrisk.engine.event_store import EventTable
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.results import EventRows
    from supplyrisk.model.case import Case
    from supplyrisk.model.insurance import Policy

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

RETURN_PERIODS: Final = (10, 20, 100, 250)
"""Return periods of the payments that are shown. [a]"""


class _Paid(NamedTuple):
    """Events of a block that are paid for; every field of shape (n_events,).

    Attributes
    ----------
    scenario
        Scenario in the block.
    occurrence
        Number in the block.
    payment_usd
        What is paid under the annual limit. [USD]
    """

    scenario: Ints
    occurrence: Ints
    payment_usd: Floats


def check_policies(case: Case) -> None:
    """Raise unless it can be worked out what each policy of a case pays.

    Parameters
    ----------
    case : Case
        The case.

    Raises
    ------
    InvalidInputError
        With every fault.
    """
    if case.policies:
        make_covers(make_plan(case))


def policy_table(plan: Plan, table: EventTable, n_scenarios: int) -> pd.DataFrame:
    r"""Return what each policy of the case pays, and all of them together.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    table : EventTable
        Its events on either basis; read a block at a time.
    n_scenarios : int
        Number of scenarios, those without an event included.

    Returns
    -------
    pandas.DataFrame
        A row for each policy, by policy_id in the order of the case, and one named "portfolio";
        no row without a policy. Columns are name, insured, kind; expected_usd, the mean payment
        over the horizon [USD]; probability_of_payment [1]; for a horizon of 365 days
        aep_1_in_10_usd to aep_1_in_250_usd, payments of all events of a year, and oep_1_in_10_usd
        to oep_1_in_250_usd, of the largest one [USD]; each with its 90 % interval in columns that
        end in ``_ci_low`` and ``_ci_high``; limit_usd, infinite where there is none [USD];
        rate_on_line [1/a]; premium_usd, not a number where it is not known [USD/a]; and
        expected_over_premium [1]. The last and rate_on_line are not a number for another horizon.
        ``attrs["excluded"]`` names the dated events, known losses, that still cost something
        and that no policy pays for because they began before the case's start.

    Raises
    ------
    OSError
        If a file of the table is gone.
    InvalidInputError
        If a policy insures a site or buyer of another commodity than the case's, names a supplier
        that no source of the buyer holds or a policy_id that is taken, or has an annual limit and
        the horizon is not 365 days; every fault is named.

    Notes
    -----
    With s the share of the daily value, m the severity and phi what outage and ramp-up leave
    open, an event has cost

    .. math:: L(t) = \sum_i s_i \, m_i \int_0^t \varphi_i(u) \, du

    days of full loss by the age t. The sum is over the insured sites that it hits: the own site
    with share 1, or a buyer's suppliers with their shares of what he uses. What is paid of it is
    that of `supplyrisk.insurance.event_payments`.

    A policy pays for interruptions that begin in its year, from the case's start on, and for their
    whole length: nothing is cut at the horizon. What runs at the start, as the closure of Bisie
    does in ``walikale-2025``, is a known loss and excluded; what is announced for later is not,
    though an insurer who knew of it might exclude it too.

    Events that overlap are paid for one by one, each as if it were alone, even while a known event
    keeps the site shut: there the payments are too high. A site's ``annual_cap_days`` has no part
    in them.

    Where an annual limit is exhausted, later events are paid less: the largest payment is that
    after the limit. For the portfolio it is that of one event under all policies together. Its
    limit and its line are the sums of theirs.
    """
    covers = make_covers(plan)
    yearly = plan.horizon_days == DAYS_PER_YEAR
    paid, excluded = _payments(plan, table, covers)
    policies = plan.case.policies
    names = [(policy.name, policy.insured, str(policy.kind)) for policy in policies]
    costs = [_cost(policy, cover.terms) for policy, cover in zip(policies, covers, strict=True)]
    ids = [policy.policy_id for policy in policies]
    if covers:
        names.append(("All policies", "", ""))
        costs.append(_Cost(*(sum(figures) for figures in zip(*costs, strict=True))))
        ids.append(PORTFOLIO)
    records = [
        _record(name, sparse.whole(n_scenarios), cost, yearly=yearly)
        for name, sparse, cost in zip(names, paid, costs, strict=True)
    ]
    index = pd.Index(ids, dtype=object, name="policy_id")
    frame = pd.DataFrame(records, index=index, columns=_columns(yearly=yearly))
    frame.attrs["excluded"] = excluded
    return frame


# What it pays


class _Part:
    """The events of one block, by site.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    rows : EventRows
        Events of the block.
    first : int
        First scenario of the block.
    n : int
        Number of its scenarios.
    """

    def __init__(self, plan: Plan, rows: EventRows, first: int, n: int) -> None:
        self._rows, self._n = rows, n
        self._scenario = rows.scenario - first
        self._occurrence = rows.threat * (rows.number.max(initial=0) + 1) + rows.number
        since_start = Events(
            scenario=self._scenario,
            threat=rows.threat,
            number=rows.number,
            site=rows.site,
            start=np.zeros(len(rows.scenario)),
            outage=rows.outage_days,
            ramp=rows.ramp_days,
            severity=rows.severity,
        )
        self._outages = Outages(plan, since_start)
        self._order = np.argsort(rows.site, kind="stable")
        self._ends = np.searchsorted(rows.site[self._order], np.arange(len(plan.sites) + 1))

    def known_threats(self, cover: Cover) -> Ints:
        """Return the threats that began before the case did, and would have been paid for since."""
        rows = self._triggering(cover)
        start = self._rows.start_days[rows]
        runs = (start < 0.0) & (start + self._outages.over[rows] > 0.0)
        return np.unique(self._rows.threat[rows[runs]])

    def paid(self, cover: Cover) -> tuple[_Paid, Floats]:
        """Return what a policy pays by event, and by scenario, shape (n_scenarios,) [USD]."""
        rows, terms = self._triggering(cover), cover.terms
        rows = rows[self._rows.start_days[rows] >= 0.0]
        numbers, at, place = np.unique(
            self._occurrence[rows], return_index=True, return_inverse=True
        )
        # The rows of an event begin on the same day, so that its sites have the same age.
        weight = cover.shares[self._rows.site[rows]] * self._rows.severity[rows]
        before, within = (
            np.bincount(place, weight * self._lost_until(rows, age), minlength=len(at))
            for age in (terms.waiting_days, terms.indemnity_days)
        )
        payment = insurance.event_payments(before, within, terms)
        scenario, start = self._scenario[rows[at]], self._rows.start_days[rows[at]]
        order = np.lexsort((start, scenario))
        order = order[payment[order] > 0.0]
        annual = insurance.annual_payments(
            scenario[order],
            payment[order],
            n_scenarios=self._n,
            annual_limit_usd=terms.annual_limit_usd,
        )
        paid = _Paid(scenario[order], numbers[order], annual.by_event_usd)
        return paid, annual.by_scenario_usd

    def largest(self, *paid: _Paid) -> Floats:
        """Return the largest payment of each scenario for an event, shape (n_scenarios,) [USD]."""
        columns = (np.concatenate(column) for column in zip(*paid, strict=True))
        return insurance.largest_payments(*columns, n_scenarios=self._n)

    def _triggering(self, cover: Cover) -> Ints:
        ends = self._ends
        by_site = (self._order[ends[site] : ends[site + 1]] for site in cover.sites.tolist())
        rows: Ints = np.concatenate(list(by_site))
        return np.asarray(rows[cover.triggers[self._rows.threat[rows]]])

    def _lost_until(self, rows: Ints, age: float) -> Floats:
        return self._outages.lost_until(rows, np.full(len(rows), age))


class _Sparse:
    """Payments by scenario: most have none."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Floats, Floats]] = []

    def add(self, first: int, total: Floats, largest: Floats) -> None:
        """Add the scenarios of a block."""
        paid = np.flatnonzero(total)
        self._parts.append((first + paid, total[paid], largest[paid]))

    def whole(self, n_scenarios: int) -> tuple[Floats, Floats]:
        """Return the total and the largest payment, shape (n_scenarios,) each [USD]."""
        total, largest = np.zeros(n_scenarios), np.zeros(n_scenarios)
        for scenario, by_scenario, by_event in self._parts:
            total[scenario], largest[scenario] = by_scenario, by_event
        return total, largest


def _payments(
    plan: Plan, table: EventTable, covers: list[Cover]
) -> tuple[list[_Sparse], tuple[str, ...]]:
    """Return the payments of each policy and of all together, and the events known at the start."""
    if not covers:
        return [], ()
    found = [_Sparse() for _ in (*covers, PORTFOLIO)]
    known: set[int] = set()
    sites = {site for cover in covers for site in cover.sites.tolist()}
    for first, n, rows in table.of_sites(*sorted(sites)):
        part = _Part(plan, rows, first, n)
        every, together = [], np.zeros(n)
        for cover, sparse in zip(covers, found[:-1], strict=True):
            paid, by_scenario = part.paid(cover)
            sparse.add(first, by_scenario, part.largest(paid))
            every.append(paid)
            together += by_scenario
            known.update(part.known_threats(cover).tolist())
        found[-1].add(first, together, part.largest(*every))
    return found, tuple(plan.threats[threat].name for threat in sorted(known))


# The table


class _Cost(NamedTuple):
    """What a policy holds and costs: limit and line [USD], premium [USD/a]."""

    limit_usd: float
    line_usd: float
    premium_usd: float


def _cost(policy: Policy, terms: insurance.Terms) -> _Cost:
    rate = insurance.rate_on_line(1.0, terms)  # of a dollar: not a number for a line of nothing
    line = 0.0 if math.isnan(rate) else 1.0 / rate
    return _Cost(terms.limit_usd, line, _or(policy.premium_usd, math.nan))


def _record(
    name: tuple[str, str, str], paid: tuple[Floats, Floats], cost: _Cost, *, yearly: bool
) -> list[object]:
    """Return a row, in the order of the columns."""
    total, largest = paid
    expected, n_paid = float(total.mean()), int(np.count_nonzero(total))
    low, high = metrics.mean_interval(total)
    record: list[object] = [*name, expected, max(low, 0.0), high]
    record += (n_paid / len(total), *metrics.probability_interval(n_paid, len(total)))
    for payment in (total, largest) if yearly else ():
        for years in RETURN_PERIODS:
            ends = metrics.value_at_risk_interval(payment, level=1.0 - 1.0 / years)
            record += (metrics.loss_at_return_period(payment, years), *ends)
    on_line, over_premium = (
        expected / figure if yearly and figure > 0.0 else math.nan
        for figure in (cost.line_usd, cost.premium_usd)
    )
    return [*record, cost.limit_usd, on_line, cost.premium_usd, over_premium]


def _columns(*, yearly: bool) -> list[str]:
    curves = [f"{curve}_1_in_{years}_usd" for curve in ("aep", "oep") for years in RETURN_PERIODS]
    measures = ["expected_usd", "probability_of_payment", *(curves if yearly else ())]
    with_ends = [name + end for name in measures for end in ("", "_ci_low", "_ci_high")]
    last = ["limit_usd", "rate_on_line", "premium_usd", "expected_over_premium"]
    return ["name", "insured", "kind", *with_ends, *last]


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)
