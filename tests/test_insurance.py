"""What insurance pays: worked by hand, by closed forms, day by day, and by its laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.insurance import (
    Terms,
    annual_payments,
    covered,
    event_payments,
    largest_payments,
    rate_on_line,
)

MILLION = 1e6
days = st.floats(0.0, 800.0)
shares = st.floats(0.0, 1.0)
money = st.floats(0.0, 1e9)


def lost_days(until, outage, ramp=0.0, severity=1.0):
    """Days of full loss up to an age, of an outage with a linear ramp-up."""
    on_ramp = np.clip(until - np.asarray(outage), 0.0, ramp)
    part = on_ramp * (1.0 - 0.5 * on_ramp / ramp) if ramp else 0.0
    return severity * (np.minimum(until, outage) + part)


def pay(terms, outage, ramp=0.0, severity=1.0):
    """Payment for outages, as the engine asks for it."""
    ages = (terms.waiting_days, terms.indemnity_days)
    return event_payments(*(lost_days(age, outage, ramp, severity) for age in ages), terms)


@st.composite
def policies(draw, *, annual=False):
    limits = st.one_of(money, st.just(math.inf))
    return Terms(
        daily_value_usd=draw(st.floats(1.0, 1e7)),
        waiting_days=draw(st.floats(0.0, 120.0)),
        waiting_values=draw(st.floats(0.0, 120.0)),
        indemnity_days=draw(st.floats(1.0, 730.0)),
        attachment_usd=draw(money),
        limit_usd=draw(limits),
        annual_limit_usd=draw(limits) if annual else math.inf,
    )


@st.composite
def books(draw):
    """Scenario and payment of some events, in no order, and the number of scenarios."""
    n_scenarios = draw(st.integers(1, 5))
    rows = draw(st.lists(st.tuples(st.integers(0, n_scenarios - 1), money), max_size=25))
    scenario = np.array([row[0] for row in rows], dtype=np.intp)
    return scenario, np.array([row[1] for row in rows], dtype=float), n_scenarios


# Worked by hand


def test_bisie_pays_three_days_after_thirty_and_nothing_where_damage_is_asked_for():
    # Shut from 13 March to 15 April 2025: 33 days.  20,000 t a year at 32,000 USD/t, all of it
    # insured: 640 million over 365 days are 1,753,424.66 USD a day; three days are 5,260,273.97.
    terms = Terms(daily_value_usd=20_000 * 32_000 / 365, waiting_days=30.0)
    payment = pay(terms, [33.0])
    assert payment == pytest.approx([5_260_273.97], abs=0.01)
    conflict, undamaged = ["armed_conflict"], [False]
    assert (payment * covered(conflict, undamaged)).tolist() == payment.tolist()
    assert (payment * covered(conflict, undamaged, damage_only=True)).tolist() == [0.0]


def test_bisie_with_a_ramp_up_pays_for_what_the_ramp_up_leaves_open():
    # 33 days shut, then 24.09 days of linear return (0.73 x 33), of which half is lost: 12.045.
    payment = pay(Terms(daily_value_usd=MILLION, waiting_days=30.0), [33.0], ramp=24.09)
    assert payment == pytest.approx([15.045 * MILLION])


@pytest.mark.parametrize(
    ("severity", "outage", "in_days", "in_values"),
    [
        (1.0, 50.0, 20.0, 20.0),  # a full stop: both bear 30 days
        (0.5, 50.0, 10.0, 0.0),  # at half, 50 days lose 25 daily values, 10 of them after day 30
        (0.5, 80.0, 25.0, 10.0),  # 40 daily values lost
        (1.0, 30.0, 0.0, 0.0),
    ],
)
def test_waiting_in_days_is_time_and_in_daily_values_money(severity, outage, in_days, in_values):
    time = pay(Terms(daily_value_usd=MILLION, waiting_days=30.0), [outage], severity=severity)
    sum_ = pay(Terms(daily_value_usd=MILLION, waiting_values=30.0), [outage], severity=severity)
    assert time.tolist() == [in_days * MILLION]
    assert sum_.tolist() == [in_values * MILLION]


def test_excess_of_a_copper_mine_in_daily_values():
    # Birla Nifty: 305 million declared a year, excess 30 x 305/365 = 25.0685 million.
    daily = 305 * MILLION / 365
    lost = np.array([25.0, 26.0]) * MILLION / daily
    payment = event_payments([0.0, 0.0], lost, Terms(daily, waiting_values=30.0))
    assert payment == pytest.approx([0.0, (26.0 - 25.068493) * MILLION], abs=1.0)


@pytest.mark.parametrize(
    ("outage", "paid_days"), [(60.0, 0.0), (100.0, 40.0), (365.0, 305.0), (900.0, 305.0)]
)
def test_the_waiting_period_is_part_of_the_indemnity_period(outage, paid_days):
    terms = Terms(daily_value_usd=MILLION, waiting_days=60.0, indemnity_days=365.0)
    assert pay(terms, [outage]).tolist() == [paid_days * MILLION]


def test_a_waiting_period_beyond_the_indemnity_period_leaves_nothing():
    terms = Terms(daily_value_usd=MILLION, waiting_days=90.0, indemnity_days=60.0)
    assert pay(terms, [10.0, 75.0, 400.0]).tolist() == [0.0, 0.0, 0.0]
    assert math.isnan(rate_on_line(0.0, terms))


@pytest.mark.parametrize(
    ("outage", "paid"),
    [(30.0, 0.0), (35.0, 0.0), (45.0, 5.0), (60.0, 20.0), (90.0, 25.0)],
)
def test_layer_of_25_million_above_10(outage, paid):
    # 30 days of waiting at 1 million a day, then 10 million below the layer.
    terms = Terms(MILLION, waiting_days=30.0, attachment_usd=10 * MILLION, limit_usd=25 * MILLION)
    assert pay(terms, [outage]).tolist() == [paid * MILLION]


def test_a_buyer_loses_the_share_that_the_supplier_sends():
    # 200,000 USD a day, 30 % of the supply from the mine: 60,000 a day after 20 days.
    terms = Terms(daily_value_usd=200_000.0, waiting_days=20.0)
    assert pay(terms, [50.0], severity=0.3) == pytest.approx([1_800_000.0])


def test_trigger_asks_for_peril_and_damage():
    peril = ["fire", "flood", "fire", "strike"]
    damage = [True, True, False, False]
    assert covered(peril, damage).tolist() == [True] * 4
    assert covered(peril, damage, perils=["fire"]).tolist() == [True, False, True, False]
    assert covered(peril, damage, damage_only=True).tolist() == [True, True, False, False]
    both = covered(peril, damage, perils={"fire", "strike"}, damage_only=True)
    assert both.tolist() == [True, False, False, False]


def test_annual_limit_is_used_up_in_order():
    scenario = np.array([2, 0, 2, 0, 2])
    payment = np.array([4.0, 1.0, 5.0, 2.0, 3.0])
    paid = annual_payments(scenario, payment, n_scenarios=4, annual_limit_usd=8.0)
    assert paid.by_event_usd.tolist() == [4.0, 1.0, 4.0, 2.0, 0.0]
    assert paid.by_scenario_usd.tolist() == [3.0, 0.0, 8.0, 0.0]
    assert payment.tolist() == [4.0, 1.0, 5.0, 2.0, 3.0]  # what came in stays as it was


def test_largest_payment_adds_what_one_event_causes():
    scenario = np.array([0, 0, 0, 2, 2])
    occurrence = np.array([4, 4, 1, 9, 7])
    payment = np.array([3.0, 4.0, 5.0, 1.0, 2.0])
    got = largest_payments(scenario, occurrence, payment, n_scenarios=3)
    assert got.tolist() == [7.0, 0.0, 2.0]


def test_a_year_without_events_pays_nothing():
    none, nothing = np.empty(0, dtype=np.intp), np.empty(0)
    paid = annual_payments(none, nothing, n_scenarios=2, annual_limit_usd=1.0)
    assert paid.by_event_usd.size == 0
    assert paid.by_scenario_usd.tolist() == [0.0, 0.0]
    assert largest_payments(none, none, nothing, n_scenarios=2).tolist() == [0.0, 0.0]
    assert covered(none, none, perils=["fire"], damage_only=True).size == 0
    assert event_payments(nothing, nothing, Terms(1.0)).size == 0


@pytest.mark.parametrize(
    ("terms", "rate"),
    [
        (Terms(MILLION, limit_usd=10 * MILLION), 0.2),  # 2 of 10 million
        (Terms(MILLION, limit_usd=10 * MILLION, annual_limit_usd=20 * MILLION), 0.2),
        (Terms(MILLION, waiting_days=165.0), 0.01),  # 200 days are the most
        (Terms(MILLION, waiting_values=65.0, attachment_usd=200 * MILLION), 0.02),
        (Terms(MILLION, annual_limit_usd=50 * MILLION), 0.04),
    ],
)
def test_rate_on_line(terms, rate):
    assert rate_on_line(2 * MILLION, terms) == pytest.approx(rate)


# Closed forms


@pytest.mark.parametrize("waiting", ["waiting_days", "waiting_values", "attachment_usd"])
@pytest.mark.parametrize(("wait", "width"), [(0.0, 40.0), (30.0, 60.0), (90.0, 275.0)])
def test_expected_layer_of_an_exponential_outage(waiting, wait, width):
    # E[min((D - w)+, c)] = theta e^(-w/theta) (1 - e^(-c/theta)), at a daily value of 1.
    theta = 80.0
    n = 200_000
    outage = -theta * np.log1p(-(np.arange(n) + 0.5) / n)  # its quantiles, evenly likely
    terms = Terms(1.0, indemnity_days=1e6, limit_usd=width)._replace(**{waiting: wait})
    exact = theta * math.exp(-wait / theta) * -math.expm1(-width / theta)
    assert pay(terms, outage).mean() == pytest.approx(exact, rel=1e-4)


def test_expected_payment_of_an_exponential_outage_within_the_indemnity_period():
    # The period ends `width` days after the wait, and so does what a limit would leave.
    theta, wait, width = 80.0, 30.0, 150.0
    n = 200_000
    outage = -theta * np.log1p(-(np.arange(n) + 0.5) / n)
    terms = Terms(2.0, waiting_days=wait, indemnity_days=wait + width)
    exact = 2.0 * theta * math.exp(-wait / theta) * -math.expm1(-width / theta)
    assert pay(terms, outage).mean() == pytest.approx(exact, rel=1e-4)


def test_an_annual_limit_may_be_an_integer():
    paid = annual_payments(
        np.zeros(3, dtype=int), np.array([1.75, 1.75, 1.75]), n_scenarios=1, annual_limit_usd=4
    )
    assert paid.by_event_usd.tolist() == [1.75, 1.75, 0.5]


def test_expected_year_under_an_annual_limit():
    # Poisson(0.8) total losses of 1 under a limit of 2: P(1) + 2 P(2 or more).
    rate, n = 0.8, 200_000
    count = np.random.default_rng(3).poisson(rate, size=n)
    scenario = np.repeat(np.arange(n), count)
    paid = annual_payments(
        scenario, np.ones(scenario.size), n_scenarios=n, annual_limit_usd=2.0
    ).by_scenario_usd
    one = rate * math.exp(-rate)
    exact = one + 2.0 * (1.0 - math.exp(-rate) - one)
    assert paid.mean() == pytest.approx(exact, abs=4.0 * paid.std() / math.sqrt(n))


# The slow, obvious version


def paid_day_by_day(terms, outage, ramp, severity, *, per_day=10):
    """Payment that accrues in small steps, with the rules of the policy spelt out."""
    deductible = terms.waiting_values * terms.daily_value_usd
    below = deductible + terms.attachment_usd
    paid = 0.0
    for step in range(math.ceil(terms.indemnity_days * per_day)):
        age = (step + 0.5) / per_day
        if age < terms.waiting_days or age > terms.indemnity_days:
            continue
        share = 1.0 if age < outage else max(1.0 - (age - outage) / ramp, 0.0) if ramp else 0.0
        loss = terms.daily_value_usd * severity * share / per_day
        borne = min(loss, below)
        below -= borne
        paid = min(paid + loss - borne, terms.limit_usd)
    return paid


@pytest.mark.parametrize(
    "terms",
    [
        Terms(1.0),
        Terms(2.0, waiting_days=30.0),
        Terms(2.0, waiting_values=20.0, indemnity_days=120.0),
        Terms(1.0, waiting_days=10.0, attachment_usd=15.0, limit_usd=40.0),
        Terms(3.0, 5.0, 5.0, 90.0, 5.0, 100.0),
    ],
)
@pytest.mark.parametrize(
    ("outage", "ramp", "severity"),
    [(33.0, 24.0, 1.0), (33.0, 0.0, 1.0), (80.0, 60.0, 0.55), (400.0, 75.0, 1.0), (4.0, 2.0, 0.3)],
)
def test_payment_accrues_day_by_day(terms, outage, ramp, severity):
    slow = paid_day_by_day(terms, outage, ramp, severity)
    assert float(pay(terms, outage, ramp, severity)) == pytest.approx(slow, rel=1e-6, abs=1e-2)


@given(books(), money)
def test_annual_limit_is_that_of_a_purse(book, limit):
    scenario, payment, n = book
    purse = [limit] * n
    slow = []
    for year, asked in zip(scenario, payment, strict=True):
        slow.append(min(asked, purse[year]))
        purse[year] -= slow[-1]
    paid = annual_payments(scenario, payment, n_scenarios=n, annual_limit_usd=limit)
    assert paid.by_event_usd == pytest.approx(slow, rel=1e-9, abs=1e-4)


@given(books(), st.data())
def test_largest_payment_is_that_of_a_plain_search(book, data):
    scenario, payment, n = book
    of_year = st.lists(st.integers(0, 3), min_size=payment.size, max_size=payment.size)
    occurrence = scenario * 4 + np.array(data.draw(of_year), dtype=np.intp)
    slow = [
        max((payment[occurrence == one].sum() for one in occurrence[scenario == year]), default=0.0)
        for year in range(n)
    ]
    got = largest_payments(scenario, occurrence, payment, n_scenarios=n)
    assert got == pytest.approx(slow)


# Laws


@given(policies(), days, days, shares, st.floats(0.0, 200.0))
def test_a_longer_outage_never_pays_less(terms, one, other, severity, ramp):
    short, long = sorted((one, other))
    less, more = pay(terms, [short, long], ramp, severity)
    # Days of loss may round down by a few units in the last place of 1,000 days.
    assert less <= more + 1e-12 * terms.daily_value_usd * 1e3


@given(policies(), days, shares, shares)
def test_a_severer_event_never_pays_less(terms, outage, one, other):
    mild, severe = sorted((one, other))
    less, more = (float(pay(terms, outage, severity=m)) for m in (mild, severe))
    assert less <= more + 1e-9 * terms.daily_value_usd


@pytest.mark.parametrize("field", ["waiting_days", "waiting_values", "attachment_usd"])
@given(terms=policies(), outage=days, more=st.floats(0.0, 200.0))
def test_what_the_insured_bears_never_raises_a_payment(field, terms, outage, more):
    bears_more = terms._replace(**{field: getattr(terms, field) + more})
    assert float(pay(bears_more, outage)) <= float(pay(terms, outage))


@pytest.mark.parametrize("field", ["indemnity_days", "limit_usd"])
@given(terms=policies(), outage=days, more=st.floats(0.0, 200.0))
def test_a_wider_policy_never_pays_less(field, terms, outage, more):
    wider = terms._replace(**{field: getattr(terms, field) + more})
    assert float(pay(wider, outage)) >= float(pay(terms, outage))


@given(policies(), days)
def test_waiting_in_days_and_in_daily_values_agree_on_full_stops(terms, outage):
    # As long as the indemnity period does not end before the outage.
    whole = terms._replace(indemnity_days=1e4, waiting_values=0.0)
    in_values = whole._replace(waiting_days=0.0, waiting_values=whole.waiting_days)
    assert float(pay(whole, outage)) == pytest.approx(float(pay(in_values, outage)), abs=1e-3)


@given(policies(), days, money, money)
def test_adjoining_layers_stack(terms, outage, lower, upper):
    both = terms._replace(limit_usd=lower + upper)
    first = terms._replace(limit_usd=lower)
    second = terms._replace(attachment_usd=terms.attachment_usd + lower, limit_usd=upper)
    parts = float(pay(first, outage)) + float(pay(second, outage))
    assert parts == pytest.approx(float(pay(both, outage)), rel=1e-9, abs=1e-3)


@given(policies(), st.lists(days, min_size=1, max_size=20), st.floats(0.01, 100.0))
def test_money_has_no_scale_of_its_own(terms, outage, scale):
    in_other_money = Terms(
        *(
            value * scale if name.endswith("usd") else value
            for name, value in terms._asdict().items()
        )
    )
    assert pay(in_other_money, outage) == pytest.approx(
        scale * pay(terms, outage), rel=1e-9, abs=1e-6 * scale * terms.daily_value_usd
    )


@given(policies(), st.lists(days, min_size=1, max_size=20))
def test_a_payment_lies_between_nothing_and_the_loss(terms, outage):
    payment = pay(terms, outage)
    loss = terms.daily_value_usd * np.array(outage)
    assert np.all(payment >= 0.0)
    assert np.all(payment <= np.minimum(loss, terms.limit_usd) * (1.0 + 1e-12))


@given(books(), st.one_of(money, st.just(math.inf)))
def test_parts_sum_to_the_year_and_the_limit_caps_it(book, limit):
    scenario, payment, n = book
    paid = annual_payments(scenario, payment, n_scenarios=n, annual_limit_usd=limit)
    assert np.all(paid.by_scenario_usd <= limit)
    assert np.all((paid.by_event_usd >= 0.0) & (paid.by_event_usd <= payment))
    sums = np.bincount(scenario, weights=paid.by_event_usd, minlength=n)
    assert sums == pytest.approx(paid.by_scenario_usd, rel=1e-9, abs=1e-4)
    if math.isinf(limit):
        assert paid.by_event_usd.tolist() == payment.tolist()


@given(books(), money, st.randoms(use_true_random=False))
def test_order_of_events_does_not_change_the_year(book, limit, shuffler):
    scenario, payment, n = book
    order = list(range(payment.size))
    shuffler.shuffle(order)
    one = annual_payments(scenario, payment, n_scenarios=n, annual_limit_usd=limit)
    other = annual_payments(scenario[order], payment[order], n_scenarios=n, annual_limit_usd=limit)
    assert other.by_scenario_usd == pytest.approx(one.by_scenario_usd, rel=1e-12)


@given(books(), money, money)
def test_a_higher_annual_limit_never_pays_less(book, one, other):
    scenario, payment, n = book
    less, more = (
        annual_payments(scenario, payment, n_scenarios=n, annual_limit_usd=limit).by_scenario_usd
        for limit in sorted((one, other))
    )
    assert np.all(less <= more)


@given(books())
def test_largest_payment_is_no_more_than_the_year(book):
    scenario, payment, n = book
    events = np.arange(payment.size)
    largest = largest_payments(scenario, events, payment, n_scenarios=n)
    year = annual_payments(scenario, payment, n_scenarios=n).by_scenario_usd
    assert np.all(largest <= year * (1.0 + 1e-12))
    together = largest_payments(scenario, scenario, payment, n_scenarios=n)
    assert together == pytest.approx(year)
