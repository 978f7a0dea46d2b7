"""What the policies of a case pay: by hand, by closed forms, event by event, and by their laws."""

import datetime as dt
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine import event_store
from supplyrisk.engine.policies import policy_table
from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.insurance import Policy
from supplyrisk.model.market import Supply

LAWS = runpy.run_path(str(Path(__file__).with_name("law_cases.py")))
START, MARKET, BUYER, RICH, site = (
    LAWS[name] for name in ("START", "MARKET", "BUYER", "RICH", "site")
)
MILLION = 1e6
CURVES = [f"{kind}_1_in_{years}_usd" for kind in ("aep", "oep") for years in (10, 20, 100, 250)]
BASES = pytest.mark.parametrize("basis", ["calendar", "occurrence"])


def policy(policy_id="p", insured="a", **terms):
    given = {"kind": "business_interruption", "daily_value_usd": MILLION, **terms}
    return Policy(policy_id=policy_id, name=policy_id.upper(), insured=insured, **given)


def contingent(policy_id="c", suppliers=("a", "b"), **terms):
    return policy(policy_id, "buyer", kind="contingent", suppliers=suppliers, **terms)


def event(event_id="e", scope=None, day=30, days=60, **fields):
    return DisruptionEvent(
        event_id=event_id,
        peril=fields.pop("peril", Peril.STRIKE),
        scope=scope or Scope.site("a"),
        announced=START,
        started=START + dt.timedelta(days=day),
        duration=Duration.fixed(days=days),
        **fields,
    )


def case_of(*policies, events=(), hazards=(), **fields):
    return Case(
        name="insured",
        start=START,
        sites=(site("a", 900.0), site("b", 400.0), site("c", 700.0)),
        markets=(MARKET,),
        exposures=(BUYER,),
        policies=policies,
        events=events,
        hazards=hazards,
        **fields,
    )


def paid(case, n=50, basis="calendar", rng=7):
    outlook = simulate(case, n, rng=rng, basis=basis, keep="events")
    return policy_table(outlook.plan, outlook.event_table, outlook.n_scenarios)


def assert_certain(row, payment, largest=None):
    """Every future pays the same."""
    assert row["expected_usd"] == pytest.approx(payment)
    for name in CURVES:
        wanted = payment if name.startswith("aep") or largest is None else largest
        for end in ("", "_ci_low", "_ci_high"):
            assert row[name + end] == pytest.approx(wanted)
    for end in ("_ci_low", "_ci_high"):
        assert row[f"expected_usd{end}"] == pytest.approx(payment)
    assert row["probability_of_payment"] == float(payment > 0.0)


# --- Worked by hand --------------------------------------------------------------------------


@BASES
def test_an_announced_event_pays_to_the_dollar(basis):
    # Half of the mine for 60 days, then 20 days of linear return.  Up to day 10 it loses 5 days of
    # full production; up to day 70 0.5 x (60 + 10 - 10^2 / 40) = 33.75.  28.75 million, of which
    # the insured bears 2: 26.75, limited to 25.
    strike = event(severity=0.5, ramp_up=RampUp(ramp_days=20.0))
    terms = {"waiting_days": 10.0, "indemnity_days": 70.0, "attachment_usd": 2 * MILLION}
    limited = policy("limited", **terms, limit_usd=25 * MILLION, premium_usd=5 * MILLION)
    table = paid(case_of(policy("open", **terms), limited, events=(strike,)), basis=basis)
    assert table.index.tolist() == ["open", "limited", "portfolio"]
    assert table.index.name == "policy_id"
    assert_certain(table.loc["open"], 26.75 * MILLION)
    assert_certain(table.loc["limited"], 25 * MILLION)
    assert_certain(table.loc["portfolio"], 51.75 * MILLION)
    # All 50 futures pay: the exact lower limit is 0.05 ** (1 / 50).
    low, high = table.loc["limited", [f"probability_of_payment_ci_{x}" for x in ("low", "high")]]
    assert (low, high) == (pytest.approx(0.05 ** (1 / 50)), 1.0)
    # Without a limit the line is what 60 days of the daily value pay above the attachment: 58.
    assert table["limit_usd"].tolist() == [math.inf, 25 * MILLION, math.inf]
    assert table["rate_on_line"].tolist() == pytest.approx([26.75 / 58, 1.0, 51.75 / 83])
    assert table["premium_usd"].tolist() == pytest.approx([math.nan, 5e6, math.nan], nan_ok=True)
    over = [math.nan, 5.0, math.nan]
    assert table["expected_over_premium"].tolist() == pytest.approx(over, nan_ok=True)
    texts = table[["name", "insured", "kind"]].loc["limited"].tolist()
    assert texts == ["LIMITED", "a", "business_interruption"]
    assert table.attrs["excluded"] == ()


def test_waiting_in_daily_values_is_counted_in_money():
    # At half the mine 10 daily values take 20 days to lose, where 10 waiting days remain 10.
    strike = event(severity=0.5)
    waits = {"waiting_days": 10.0}
    values = policy("values", **waits, waiting_in="average_daily_value")
    table = paid(case_of(policy("days", **waits), values, events=(strike,)))
    assert table["expected_usd"].tolist() == pytest.approx([25e6, 20e6, 45e6])


def test_nothing_is_cut_at_the_horizon():
    table = paid(case_of(policy(), events=(event(day=350, days=60),)))
    assert_certain(table.loc["p"], 60 * MILLION)


def test_an_interruption_that_never_ends_pays_for_the_indemnity_period():
    closed = event(ramp_up=RampUp(shape="never"))
    table = paid(case_of(policy(indemnity_days=400.0, waiting_days=30.0), events=(closed,)))
    assert_certain(table.loc["p"], 370 * MILLION)


@BASES
def test_an_annual_limit_leaves_less_for_the_later_event(basis):
    # 20 and 30 million under 35: the second is paid 15, so the first is the largest payment.
    events = (event("second", day=200, days=30), event("first", day=10, days=20))
    table = paid(case_of(policy(annual_limit_usd=35 * MILLION), events=events), basis=basis)
    assert_certain(table.loc["p"], 35 * MILLION, 20 * MILLION)
    assert_certain(table.loc["portfolio"], 35 * MILLION, 20 * MILLION)


@BASES
def test_one_event_at_several_suppliers_is_one_event(basis):
    # 0.6 of the buyer's tin comes from COD, by plan 9/13 of it from a and 4/13 from b; 20 days of
    # both cost 12 days, of which 5 are borne.  Apart, 8.31 and 3.69 days would pay 3.31.
    both = event(scope=Scope.country("COD"), days=20)
    attachment = {"attachment_usd": 5 * MILLION}
    one = contingent("one", ("a",), **attachment)
    table = paid(case_of(contingent(**attachment), one, events=(both,)), basis=basis)
    assert_certain(table.loc["c"], 7 * MILLION)
    assert_certain(table.loc["one"], (12 * 9 / 13 - 5) * MILLION)


def test_a_supplier_in_two_sources_stands_for_both():
    buyer = replace(BUYER, sources=(*BUYER.sources, Supply(scope=Scope.site("a"), share=0.1)))
    case = replace(
        case_of(contingent(suppliers=("a",)), events=(event(days=10),)), exposures=(buyer,)
    )
    share = 0.6 * 900 / 1300 + 0.1
    assert_certain(paid(case).loc["c"], 10 * share * MILLION)


def test_a_source_without_planned_production_stands_for_nothing():
    case = case_of(contingent(suppliers=("a", "c")), events=(event(days=10),))
    idle = case.with_values({"sites.a.utilisation": 0.0, "sites.b.utilisation": 0.0})
    assert_certain(paid(idle).loc["c"], 0.0)


def test_a_rare_payment_may_be_nothing_and_is_never_less():
    rare = event(probability=0.01)
    row = paid(case_of(policy(), events=(rare,)), 100, rng=1).loc["p"]
    seen = row["probability_of_payment"]
    assert 0.0 < seen < 0.03
    assert row["expected_usd"] == pytest.approx(seen * 60 * MILLION)
    assert row["expected_usd_ci_low"] == 0.0
    assert row["aep_1_in_10_usd"] == 0.0
    assert row["aep_1_in_250_usd"] == 60 * MILLION


def test_the_largest_event_of_the_portfolio_is_that_of_all_policies_together():
    # One event takes 30 from each of two sites, another 50 from the first: 60 and 50.
    events = (event("wide", Scope.country("COD"), days=30), event("own", day=200, days=50))
    table = paid(case_of(policy("p"), policy("q", "b"), events=events))
    assert_certain(table.loc["p"], 80 * MILLION, 50 * MILLION)
    assert_certain(table.loc["q"], 30 * MILLION)
    assert_certain(table.loc["portfolio"], 110 * MILLION, 60 * MILLION)


def test_only_covered_perils_and_damage_pay():
    flood = event("flood", peril=Peril.NATURAL_HAZARD, days=7, day=200, physical_damage=True)
    events = (event("strike", days=20), flood)
    policies = (
        policy("all"),
        policy("strikes", perils=(Peril.STRIKE,)),
        policy("wars", perils=(Peril.ARMED_CONFLICT,)),
        policy("damage", damage_only=True),
        policy("damage-by-strikes", damage_only=True, perils=(Peril.STRIKE,)),
        policy("elsewhere", "b"),
    )
    table = paid(case_of(*policies, events=events))
    assert table["expected_usd"].tolist() == pytest.approx([27e6, 20e6, 0.0, 7e6, 0.0, 0.0, 54e6])


def test_damage_of_hazards_counts_as_well():
    def hazard(name, *, damage):
        return Hazard(
            hazard_id=name,
            peril=Peril.ACCIDENT,
            scope=Scope.site("a"),
            rate_pa=2.0,
            duration=Duration.fixed(days=10),
            physical_damage=damage,
        )

    whole = case_of(policy(), hazards=(hazard("wet", damage=True), hazard("dry", damage=False)))
    only = replace(whole, policies=(policy(damage_only=True),))
    alone = replace(whole, hazards=(hazard("wet", damage=True),))
    expected = [paid(case)["expected_usd"]["p"] for case in (only, alone, whole)]
    assert expected[0] == expected[1]
    assert 0.0 < expected[0] < expected[2]


# --- Bisie -----------------------------------------------------------------------------------


def bisie(*policies):
    """The day before: the closure of 13 March is announced, and its 33 days are known."""
    case = load_case("walikale-2025")
    day = dt.date(2025, 3, 12)
    closure = next(e for e in case.events if e.event_id == "bisie-closure")
    announced = replace(closure, announced=day, duration=Duration.fixed(days=33), ramp_up=RampUp())
    others = tuple(e for e in case.events if e != closure)
    return replace(
        case,
        start=day,
        events=(announced, *others),
        hazards=(),
        markets=(),
        exposures=(),
        citations=(),
        evidence=(),
        policies=policies,
    )


def test_bisie_shut_for_33_days_pays_three_after_thirty():
    # 20,000 t a year at 32,000 USD/t are 1,753,424.66 USD a day; three days are 5,260,273.97.
    daily = {"daily_value_usd": 20_000 * 32_000 / 365, "waiting_days": 30.0}
    war = policy("war", "bisie", perils=(Peril.ARMED_CONFLICT,), **daily)
    damage = policy("damage", "bisie", damage_only=True, **daily)
    mine = policy("man-maw", "man-maw", **daily)
    table = paid(bisie(war, damage, mine))
    assert_certain(table.loc["war"], 5_260_273.97)
    assert_certain(table.loc["damage"], 0.0)
    assert_certain(table.loc["man-maw"], 0.0)
    assert math.isnan(table.loc["damage", "premium_usd"])
    # The ban of 2023 runs on: a known loss.
    assert table.attrs["excluded"] == ("man-maw-ban",)


def test_on_the_day_of_the_case_the_closure_of_bisie_is_a_known_loss():
    rest = {"hazards": (), "citations": (), "evidence": ()}
    case = replace(load_case("walikale-2025"), policies=(policy("p", "bisie"),), **rest)
    table = paid(case)
    assert_certain(table.loc["p"], 0.0)
    assert table.attrs["excluded"] == ("bisie-closure",)
    strikes = replace(case, policies=(policy("p", "bisie", perils=(Peril.STRIKE,)),))
    assert paid(strikes).attrs["excluded"] == ()


def test_an_event_that_starts_with_the_case_is_covered_and_one_long_over_is_not_listed():
    past = [START - dt.timedelta(days=days) for days in (100, 40)]
    over = replace(event("over"), announced=None, started=past[0], ended=past[1], duration=None)
    table = paid(case_of(policy(), events=(event(day=0), over)))
    assert_certain(table.loc["p"], 60 * MILLION)
    assert table.attrs["excluded"] == ()


# --- Closed forms ----------------------------------------------------------------------------

RATE, MEAN, WAIT, LIMIT = 0.6, 40.0, 30.0, 50.0


@BASES
def test_exponential_outages_pay_what_the_closed_form_says(basis):
    # An event pays X = min(max(D - w, 0), c) million.  As D forgets its past, with c the limit:
    # E[X] = mean e^(-w/mean) (1 - e^(-c/mean)),
    # E[X^2] = 2 mean^2 e^(-w/mean) (1 - e^(-c/mean) (1 + c/mean)),
    # and the year, a compound Poisson sum, has the mean rate E[X] and the variance rate E[X^2].
    n, seed = 40_000, 11
    hazard = Hazard(
        hazard_id="h",
        peril=Peril.ACCIDENT,
        scope=Scope.site("a"),
        rate_pa=RATE,
        duration=Duration.exponential(mean_days=MEAN),
    )
    insured = policy(waiting_days=WAIT, limit_usd=LIMIT * MILLION, indemnity_days=500.0)
    table = paid(case_of(insured, hazards=(hazard,)), n, basis, seed)
    row = table.loc["p"]
    passed, c = math.exp(-WAIT / MEAN), LIMIT / MEAN
    mean = RATE * MEAN * passed * (1 - math.exp(-c)) * MILLION
    square = RATE * 2 * MEAN**2 * passed * (1 - math.exp(-c) * (1 + c)) * MILLION**2
    assert abs(row["expected_usd"] - mean) < 4 * math.sqrt(square / n)
    # The interval is 1.645 standard errors on either side.
    reach = row["expected_usd_ci_high"] - row["expected_usd"]
    assert reach == pytest.approx(1.645 * math.sqrt(square / n), rel=0.03)
    assert row["rate_on_line"] == pytest.approx(row["expected_usd"] / (LIMIT * MILLION))
    chance = 1 - math.exp(-RATE * passed)
    error = math.sqrt(chance * (1 - chance) / n)
    assert abs(row["probability_of_payment"] - chance) < 4 * error
    # The largest payment exceeds x < c in a year with the chance 1 - exp(-rate e^(-(w + x)/mean)).
    largest = MEAN * math.log(RATE / -math.log(1 - 1 / 10)) - WAIT
    density = 0.9 * -math.log(0.9) / MEAN
    error = math.sqrt(0.1 * 0.9 / n) / density * MILLION
    assert 0.0 < largest < LIMIT
    assert abs(row["oep_1_in_10_usd"] - largest * MILLION) < 4 * error
    # One year in 13 has an event that fills the layer.
    assert row["oep_1_in_100_usd"] == LIMIT * MILLION
    assert row["aep_1_in_100_usd"] > LIMIT * MILLION
    assert (table.drop(columns=["name", "insured", "kind"]).loc["portfolio"].dropna()
            == row.drop(["name", "insured", "kind"]).dropna()).all()  # fmt: skip


# --- Event by event --------------------------------------------------------------------------

PERILS = (Peril.STRIKE, Peril.ACCIDENT, Peril.ARMED_CONFLICT)
TOGETHER = replace(
    RICH,
    step_days=73,
    hazards=(*RICH.hazards, replace(RICH.hazards[1], hazard_id="wet", physical_damage=True)),
)
SHARES = {"a": 0.6 * 400 / 650, "b": 0.6 * 250 / 650, "c": 0.3}


def obvious(case, events, n):
    """Payments of each policy and of all by scenario, total and largest, in plain Python."""
    damage = {t.hazard_id: t.physical_damage for t in case.hazards}
    damage |= {t.event_id: t.physical_damage for t in case.events}
    groups = {}
    for row in events.sort_values("start_days", kind="stable").to_dict("records"):
        groups.setdefault((row["scenario"], row["threat"], row["number"]), []).append(row)
    together = dict.fromkeys(groups, 0.0)
    by_policy = {}
    for terms in case.policies:
        spent = [0.0] * n
        payments = by_policy[terms.policy_id] = {}
        for key, rows in groups.items():
            if triggers(terms, rows[0], damage[key[1]]):
                left = (terms.annual_limit_usd or math.inf) - spent[key[0]]
                payments[key] = min(payment_for(terms, rows), left)
                spent[key[0]] += payments[key]
                together[key] += payments[key]
    by_policy["portfolio"] = together
    total = {name: [0.0] * n for name in by_policy}
    largest = {name: [0.0] * n for name in by_policy}
    for name, payments in by_policy.items():
        for (scenario, *_), payment in payments.items():
            total[name][scenario] += payment
            largest[name][scenario] = max(largest[name][scenario], payment)
    return total, largest


def triggers(terms, row, did_damage):
    of_peril = not terms.perils or str(row["peril"]) in terms.perils
    return of_peril and (did_damage or not terms.damage_only) and row["start_days"] >= 0.0


def payment_for(terms, rows):
    """Payment for one event, whose rows are the sites that it hits."""
    in_days = terms.waiting_in == "days"
    lost = 0.0 if in_days else -terms.waiting_days
    for row in rows:
        if row["site_id"] in (terms.suppliers or (terms.insured,)):
            share = SHARES[row["site_id"]] if terms.suppliers else 1.0
            waited = days_lost(row, terms.waiting_days if in_days else 0.0)
            lost += share * row["severity"] * (days_lost(row, terms.indemnity_days) - waited)
    payment = max(lost, 0.0) * terms.daily_value_usd - terms.attachment_usd
    return min(max(payment, 0.0), terms.limit_usd or math.inf)


def days_lost(row, age):
    """Days of full loss up to an age; what starts after the case has linear ramp-ups alone."""
    ramp = row["ramp_days"]
    on_ramp = min(max(age - row["outage_days"], 0.0), ramp)
    return min(age, row["outage_days"]) + (on_ramp - on_ramp**2 / (2 * ramp) if ramp else 0.0)


amounts = st.one_of(st.none(), st.floats(1e6, 1e8))


@st.composite
def policies(draw, policy_id, *, annual=True):
    kinds = [contingent(policy_id, s) for s in [("a", "b"), ("b", "c", "a")]]
    kinds += [policy(policy_id, name) for name in "ab"]
    return replace(
        draw(st.sampled_from(kinds)),
        perils=draw(st.sampled_from([(), PERILS, (Peril.ACCIDENT,)])),
        damage_only=draw(st.booleans()),
        waiting_days=draw(st.floats(0.0, 60.0)),
        waiting_in=draw(st.sampled_from(["days", "average_daily_value"])),
        indemnity_days=draw(st.floats(1.0, 500.0)),
        attachment_usd=draw(st.sampled_from([0.0, 3e6])),
        limit_usd=draw(amounts),
        annual_limit_usd=draw(amounts) if annual else None,
    )


@pytest.fixture(scope="module")
def outlooks():
    cases = {"calendar": TOGETHER, "occurrence": TOGETHER.without("events.running")}
    return {
        basis: simulate(case, 60, rng=3, basis=basis, keep="events")
        for basis, case in cases.items()
    }


def insured(outlook, *chosen):
    """The table of other policies on the same futures, which none of them changes."""
    plan = replace(outlook.plan, case=replace(outlook.case, policies=chosen))
    return policy_table(plan, outlook.event_table, outlook.n_scenarios), plan.case


@BASES
@given(one=policies("one"), two=policies("two"))
def test_payments_are_those_of_the_events_one_by_one(outlooks, basis, one, two):
    outlook = outlooks[basis]
    table, case = insured(outlook, one, two)
    total, largest = obvious(case, outlook.events(), 60)
    for name, row in table.iterrows():
        assert row["expected_usd"] == pytest.approx(np.mean(total[name]))
        # Of 60 years the 54th smallest is 1 in 10, the 57th 1 in 20, and the 60th the rest.
        for kind, years in (("aep", sorted(total[name])), ("oep", sorted(largest[name]))):
            for period, rank in ((10, 54), (20, 57), (100, 60), (250, 60)):
                assert row[f"{kind}_1_in_{period}_usd"] == pytest.approx(years[rank - 1])


# --- Laws ------------------------------------------------------------------------------------


@BASES
@given(terms=policies("p", annual=False), cut=st.floats(1e5, 5e7))
def test_two_layers_pay_what_one_does(outlooks, basis, terms, cut):
    low, high = terms.attachment_usd, terms.attachment_usd + cut
    above = None if terms.limit_usd is None else cut + terms.limit_usd
    one = replace(terms, policy_id="one", limit_usd=above)
    under = replace(terms, policy_id="under", attachment_usd=low, limit_usd=cut)
    over = replace(terms, policy_id="over", attachment_usd=high)
    table, _ = insured(outlooks[basis], one, under, over)
    parts, _ = insured(outlooks[basis], under, over)
    measures = ["expected_usd", "probability_of_payment", *CURVES]
    together, whole = parts.loc["portfolio", measures], table.loc["one", measures]
    assert together.tolist() == pytest.approx(whole.tolist())


@given(chosen=st.tuples(*(policies(name) for name in "xyz")))
def test_the_portfolio_is_expected_to_pay_the_sum_and_never_more_than_it_in_a_year(
    outlooks, chosen
):
    table, _ = insured(outlooks["calendar"], *chosen)
    parts, whole = table.iloc[:-1], table.iloc[-1]
    assert whole["expected_usd"] == pytest.approx(parts["expected_usd"].sum())
    assert whole["probability_of_payment"] >= parts["probability_of_payment"].max()
    slack = 1 + 1e-9
    for aep, oep in zip(CURVES[:4], CURVES[4:], strict=True):
        assert (table[oep] <= table[aep] * slack).all()
    for name in ["expected_usd", "probability_of_payment", *CURVES]:
        assert (table[f"{name}_ci_low"] >= 0.0).all()
        assert (table[f"{name}_ci_low"] <= table[name] * slack).all()
        assert (table[name] <= table[f"{name}_ci_high"] * slack).all()


@given(terms=policies("p"), days=st.floats(0.0, 60.0), money=st.floats(0.0, 1e7))
def test_less_cover_never_pays_more(outlooks, terms, days, money):
    less = replace(
        terms,
        policy_id="less",
        waiting_days=terms.waiting_days + days,
        attachment_usd=terms.attachment_usd + money,
        limit_usd=None if terms.limit_usd is None else terms.limit_usd / (1 + days),
    )
    table, _ = insured(outlooks["calendar"], terms, less)
    for name in ["expected_usd", "probability_of_payment", *CURVES[:4]]:
        assert table.loc["less", name] <= table.loc["p", name] * (1 + 1e-9)


def test_tables_in_files_give_the_same_bits(monkeypatch):
    pytest.importorskip("pyarrow")
    chosen = (policy(), contingent(suppliers=("a", "b", "c"), waiting_days=10.0))
    case = replace(TOGETHER, policies=chosen)
    there = paid(case, 300)
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 100)
    monkeypatch.setattr(event_store, "_ROWS_AT_A_TIME", 7)
    pd.testing.assert_frame_equal(paid(case, 300), there, check_exact=True)
    assert there.attrs["excluded"] == ("running",)


# --- What is refused -------------------------------------------------------------------------


def test_a_summary_holds_no_events_to_pay_for():
    outlook = simulate(case_of(policy()), 10, rng=7)
    with pytest.raises(ValueError, match="keep must be 'events' in simulate"):
        outlook.policies()


def test_an_outlook_gives_its_policies():
    outlook = simulate(case_of(policy(), events=(event(),)), 10, rng=7, keep="events")
    assert_certain(outlook.policies().loc["p"], 60 * MILLION)


@pytest.mark.parametrize("horizon_days", [364, 730])
def test_an_annual_limit_needs_a_horizon_of_a_year(horizon_days):
    case = case_of(policy(annual_limit_usd=1e6), horizon_days=horizon_days, step_days=1)
    rule = rf"policies.p.annual_limit_usd must be left out unless .* 365 \(it is {horizon_days}\)"
    with pytest.raises(ValueError, match=rule):
        paid(case)


def test_return_periods_and_rates_need_a_horizon_of_a_year():
    strike = event(day=400, days=10)
    long = case_of(policy(premium_usd=1e6), events=(strike,), horizon_days=730, step_days=73)
    table = paid(long)
    assert table["expected_usd"].tolist() == [10e6, 10e6]
    assert not any("_1_in_" in name for name in table.columns)
    assert table[["rate_on_line", "expected_over_premium"]].isna().all(axis=None)


@pytest.mark.parametrize("n_columns", [(365, 37), (730, 13)])
def test_a_case_without_policies_has_no_rows(n_columns):
    horizon, n = n_columns
    table = paid(case_of(horizon_days=horizon, step_days=73))
    assert table.shape == (0, n)
    assert table.index.name == "policy_id"
    with_one = paid(case_of(policy(), horizon_days=horizon, step_days=73))
    assert table.columns.tolist() == with_one.columns.tolist()
    assert table.attrs["excluded"] == ()


def test_every_fault_is_named():
    copper = replace(site("d", country="CHL"), commodity="copper")
    wire = replace(BUYER, buyer_id="wire", commodity="copper", sources=())
    case = replace(
        case_of(),
        sites=(*case_of().sites, copper),
        commodity="tin",
        markets=(MARKET, replace(MARKET, commodity="copper")),
        exposures=(BUYER, wire),
        policies=(
            policy("portfolio"),
            policy("other-metal", "d"),
            replace(contingent("other-buyer"), insured="wire"),
            contingent("stranger", ("a", "d")),
        ),
    )
    with pytest.raises(InvalidInputError) as raised:
        paid(case)
    assert [fault.field for fault in raised.value.faults] == [
        "policies.portfolio.policy_id",
        "policies.other-metal.insured",
        "policies.other-buyer.insured",
        "policies.stranger.suppliers[1]",
    ]
