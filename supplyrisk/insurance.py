"""What insurance of an interruption pays: array kernels, numbers in and out.

An event is what the policy treats as one loss: an outage of an insured site, or of a supplier of
an insured buyer. It comes here as days of full loss, the integral of the share of the daily value
that is lost; that share is the severity, times the share of supply for a buyer, times what the
ramp-up leaves open.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import ArrayLike, NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


class Terms(NamedTuple):
    """What a policy pays of a loss.

    Attributes
    ----------
    daily_value_usd : float
        Average daily value insured. [USD/d]
    waiting_days : float
        Days from the start of the interruption whose loss the insured bears. [d]
    waiting_values : float
        Average daily values of each event's loss that the insured bears. [1]
    indemnity_days : float
        Maximum indemnity period, counted from the start of the interruption. [d]
    attachment_usd : float
        Loss of an event, after the waiting period, above which the layer pays. [USD]
    limit_usd : float
        Most that the layer pays for an event; infinite where there is no limit. [USD]
    annual_limit_usd : float
        Most that is paid for the events of a year; infinite where there is no limit. [USD]
    """

    daily_value_usd: float
    waiting_days: float = 0.0
    waiting_values: float = 0.0
    indemnity_days: float = 365.0
    attachment_usd: float = 0.0
    limit_usd: float = math.inf
    annual_limit_usd: float = math.inf


class AnnualPayments(NamedTuple):
    """Payments under an annual limit.

    Attributes
    ----------
    by_event_usd : ndarray, shape (n_events,)
        What is left of each event's payment; earlier events take from the limit first. [USD]
    by_scenario_usd : ndarray, shape (n_scenarios,)
        Payment of each scenario, the sum of its events'. [USD]
    """

    by_event_usd: Floats
    by_scenario_usd: Floats


def covered(
    peril: ArrayLike,
    did_damage: ArrayLike,
    *,
    perils: Collection[str] = (),
    damage_only: bool = False,
) -> Bools:
    """Events that trigger a policy.

    Parameters
    ----------
    peril : array_like, shape (n_events,)
        Peril of each event.
    did_damage : array_like of bool, shape (n_events,)
        Whether it did physical damage to the property concerned.
    perils : collection of str, default ()
        Perils covered, named as in `peril`; without any, all are.
    damage_only : bool, default False
        Whether the policy asks for physical damage.

    Returns
    -------
    ndarray of bool, shape (n_events,)
        Whether the policy responds to the event.

    Examples
    --------
    A mine that was evacuated and not damaged:

    >>> covered(["armed_conflict"], [False], perils=["armed_conflict"]).tolist()
    [True]
    >>> covered(["armed_conflict"], [False], damage_only=True).tolist()
    [False]
    """
    of_peril = np.asarray(peril)
    triggers = np.isin(of_peril, list(perils)) if perils else np.ones(of_peril.shape, dtype=bool)
    return triggers & np.asarray(did_damage, dtype=bool) if damage_only else triggers


def event_payments(
    lost_in_waiting_days: ArrayLike, lost_in_indemnity_days: ArrayLike, terms: Terms
) -> Floats:
    r"""Payment for each event that triggers a policy, before its annual limit.

    Parameters
    ----------
    lost_in_waiting_days : array_like, shape (n_events,)
        Days of full loss up to `terms.waiting_days` after the start of the interruption. [d]
    lost_in_indemnity_days : array_like, shape (n_events,)
        Days of full loss up to `terms.indemnity_days` after the start of the interruption. [d]
    terms : Terms
        What the policy pays.

    Returns
    -------
    ndarray, shape (n_events,)
        Payment of each event. [USD]

    Notes
    -----
    With v the daily value, L(t) the days of full loss up to age t, w and n the waiting period in
    days and in daily values, p the indemnity period, A the attachment and C the limit,

    .. math:: \min\left(\max\left(v\,[L(p) - L(w)]^+ - n v - A,\ 0\right),\ C\right).

    The indemnity period begins with the interruption and ends "not later than the end of the
    Maximum Indemnity Period thereafter", as an English court read that definition [1]_. Waiting
    does not make it longer: 365 days with 60 days of waiting pay for at most 305. American forms
    reckon likewise, with a period of restoration that begins 72 hours after the damage [2]_.

    Waiting days are a time excess: what is lost in them is not paid for, however long the
    interruption. (They are no franchise, which a longer interruption would win back.) Waiting in
    average daily values is a sum of money, as in the policy of a copper mine whose excess was "30
    times average daily value", the declared annual value over 365 [3]_. The sum is that of the
    whole site, whether or not the loss affects all of it [4]_: at a severity of one half 30 daily
    values take 60 days to lose, where 30 waiting days remain 30. Other wordings take the average of
    the loss instead of the value insured; they are not modelled. If both are given, both apply.

    The daily value is the same on all days, and nothing is saved, made up or spent on reducing the
    loss.

    References
    ----------
    .. [1] Norton Rose Fulbright, "Business interruption insurance: commencement of the indemnity
       period (UK)," Financial institutions legal snapshot, November 2022,
       https://www.financialinstitutionslegalsnapshot.com/2022/11/business-interruption-insurance-commencement-of-the-indemnity-period-uk/.
    .. [2] Insurance Services Office, forms CP 00 30 06 95 and CP 00 30 10 00, "period of
       restoration".
    .. [3] Birla Nifty Pty Ltd v International Mining Industry Underwriters Ltd [2014] WASCA 180,
       [2015] Lloyd's Rep. IR 75.
    .. [4] Meaden & Moore, "Keys to unlocking the average daily value (ADV) deduction,"
       https://meadenmoore.com/blog/iag/keys-to-unlocking-the-adv-deductible.

    Examples
    --------
    A mine worth 1 million USD a day is shut for 33 days; the policy waits for 30:

    >>> event_payments([30.0], [33.0], Terms(daily_value_usd=1e6, waiting_days=30.0)).tolist()
    [3000000.0]
    """
    before = np.asarray(lost_in_waiting_days, dtype=float)
    # Below zero where the waiting period outlasts the indemnity period.
    days = np.asarray(lost_in_indemnity_days, dtype=float) - before
    loss = np.maximum(days - terms.waiting_values, 0.0) * terms.daily_value_usd
    return np.asarray(np.clip(loss - terms.attachment_usd, 0.0, terms.limit_usd))


def annual_payments(
    scenario: Ints, payment_usd: Floats, *, n_scenarios: int, annual_limit_usd: float = math.inf
) -> AnnualPayments:
    """Payments of each year, and of each event in it, under an annual limit.

    Parameters
    ----------
    scenario : ndarray of int, shape (n_events,)
        Scenario of each event, in [0, `n_scenarios`); a scenario is one policy year.
    payment_usd : ndarray, shape (n_events,)
        Payment of each event before the annual limit, a scenario's events in the order in which
        they happen. [USD]
    n_scenarios : int
        Number of scenarios, those without an event included.
    annual_limit_usd : float, default inf
        Most that is paid for the events of a year. [USD]

    Returns
    -------
    AnnualPayments
        Payments by event and by scenario.

    Notes
    -----
    What a year pays does not depend on the order of its events; which of them is paid does, and
    with it the largest payment for a single one.

    Examples
    --------
    >>> paid = annual_payments(
    ...     np.array([0, 0, 0]), np.array([4.0, 5.0, 3.0]), n_scenarios=2, annual_limit_usd=8.0
    ... )
    >>> paid.by_event_usd.tolist(), paid.by_scenario_usd.tolist()
    ([4.0, 4.0, 0.0], [8.0, 0.0])
    """
    total = np.bincount(scenario, weights=payment_usd, minlength=n_scenarios)
    paid = payment_usd.copy()
    left = np.full(n_scenarios, annual_limit_usd, dtype=float)
    # Only years that exceed the limit have anything to share out; by their first events, their
    # second ones, and so on: no year has many.
    over = np.flatnonzero(total[scenario] > annual_limit_usd)
    for nth in _by_turn(over, scenario[over]):
        year = scenario[nth]
        paid[nth] = np.minimum(payment_usd[nth], left[year])
        left[year] -= paid[nth]
    return AnnualPayments(paid, np.minimum(total, annual_limit_usd))


def largest_payments(
    scenario: Ints, occurrence: Ints, payment_usd: Floats, *, n_scenarios: int
) -> Floats:
    """Largest payment of each scenario for a single occurrence.

    Parameters
    ----------
    scenario : ndarray of int, shape (n_events,)
        Scenario of each payment, in [0, `n_scenarios`).
    occurrence : ndarray of int, shape (n_events,)
        Number, unique over the scenarios, of what caused each payment: an event that hits several
        sites, or leads to payments under several policies, has one number.
    payment_usd : ndarray, shape (n_events,)
        Payments. [USD]
    n_scenarios : int
        Number of scenarios, those without an event included.

    Returns
    -------
    ndarray, shape (n_scenarios,)
        Largest sum over the payments of one occurrence, 0 without any. [USD]

    Examples
    --------
    Two policies pay 3 and 4 for one event, and one of them 5 for another:

    >>> payments = np.array([3.0, 4.0, 5.0])
    >>> largest_payments(
    ...     np.zeros(3, dtype=int), np.array([7, 7, 8]), payments, n_scenarios=1
    ... ).tolist()
    [7.0]
    """
    _, first, place = np.unique(occurrence, return_index=True, return_inverse=True)
    largest = np.zeros(n_scenarios)
    summed = np.bincount(place, weights=payment_usd, minlength=first.size)
    np.maximum.at(largest, scenario[first], summed)
    return largest


def rate_on_line(expected_usd: float, terms: Terms) -> float:
    """Pure rate on line: the expected payment of a year over the line.

    Parameters
    ----------
    expected_usd : float
        Expected payment of a year: the pure premium, without loadings. [USD/a]
    terms : Terms
        What the policy pays.

    Returns
    -------
    float
        Expected payment as a share of the limit; without a limit, of the most that the terms can
        pay for an event; not a number where that is nothing. [1/a]

    Notes
    -----
    The market divides the premium by the limit [1]_. A premium asked for stands above the pure
    one, and so does its rate.

    References
    ----------
    .. [1] Guy Carpenter, "Reinsurance terms: rate on line: premium divided by indemnity,"
       http://www.guycarp.com/content/guycarp/en/home/the-company/media-resources/glossary/r.html.

    Examples
    --------
    >>> rate_on_line(2e6, Terms(daily_value_usd=1e6, limit_usd=10e6))
    0.2
    """
    line = terms.limit_usd
    if math.isinf(line):
        most = float(event_payments(terms.waiting_days, terms.indemnity_days, terms))
        line = min(most, terms.annual_limit_usd)
    return expected_usd / line if line > 0.0 else math.nan


def _by_turn(rows: Ints, scenario: Ints) -> list[Ints]:
    """Return the first row of each scenario, then the second of each, and so on."""
    if not rows.size:
        return []
    by_year = np.argsort(scenario, kind="stable")
    _, starts, counts = np.unique(scenario[by_year], return_index=True, return_counts=True)
    turn = np.empty(rows.size, dtype=np.intp)
    turn[by_year] = np.arange(rows.size) - np.repeat(starts, counts)
    by_turn = np.argsort(turn, kind="stable")
    return np.split(rows[by_turn], np.cumsum(np.bincount(turn))[:-1])
