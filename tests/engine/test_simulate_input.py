"""What simulate and its outlook refuse, and what production_t and the prices give."""

import datetime as dt

import numpy as np
import pytest

from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import seed_of
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.market import Market
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)
QUARTERS = [START + dt.timedelta(days=d) for d in (0, 90, 180, 270, 360)]


def site(site_id="a", commodity="tin"):
    return MineSite(
        site_id=site_id, name=site_id, commodity=commodity, country="COD", capacity_tpa=3650.0
    )


HAZARD = Hazard(
    hazard_id="h",
    peril=Peril.STRIKE,
    scope=Scope.site("a"),
    rate_pa=3.0,
    duration=Duration.lognormal(median_days=20, sigma=1.0),
    ramp_up=RampUp(ramp_days=20),
)
MARKET = Market(
    commodity="tin",
    price_usd_per_t=30_000.0,
    price_date=START,
    supply_tpa=36_500.0,
    demand_tpa=36_500.0,
    volatility_pa=0.2,
)


def case(*sites, **more):
    values = {"sites": sites or (site(),), "hazards": (HAZARD,), "horizon_days": 360, **more}
    return Case(name="input", start=START, step_days=30, **values)


def strike(started, ended, **more):
    return DisruptionEvent(
        event_id="strike",
        peril=Peril.STRIKE,
        scope=Scope.site("a"),
        started=started,
        ended=ended,
        **more,
    )


# --- Rejections of simulate ------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, -5, 2.5, True, "100", float("nan"), None])
def test_number_of_scenarios_is_checked(n):
    with pytest.raises(InvalidInputError, match=r"n_scenarios must be a whole number >= 2, got"):
        simulate(case(), n_scenarios=n, rng=1)


@pytest.mark.parametrize("basis", ["annual", "Calendar", None])
def test_basis_is_checked(basis):
    with pytest.raises(ValueError, match="basis must be one of calendar"):
        simulate(case(), n_scenarios=5, rng=1, basis=basis)


@pytest.mark.parametrize("keep", ["x", "event", None, True])
def test_keep_is_checked(keep):
    with pytest.raises(ValueError, match="keep must be one of summary, events"):
        simulate(case(), n_scenarios=5, rng=1, keep=keep)


def test_a_near_miss_is_named():
    with pytest.raises(ValueError, match="did you mean 'events'"):
        simulate(case(), n_scenarios=5, rng=1, keep="event")


def test_all_faults_come_at_once():
    with pytest.raises(InvalidInputError, match="simulate: 3 faults") as caught:
        simulate(case(), n_scenarios=0, rng=1, basis="x", keep="y")
    assert [fault.field for fault in caught.value.faults] == ["n_scenarios", "basis", "keep"]


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match=r"rng must be a whole number >= 0, got -1"):
        simulate(case(), n_scenarios=5, rng=-1)


@pytest.mark.parametrize(
    "rng", [1.5, True, False, "7", float("nan"), np.True_, np.random.RandomState(1), [1]]
)
def test_what_is_no_seed_is_refused(rng):
    with pytest.raises(TypeError, match=r"rng must be a whole number >= 0, a numpy.random.Gen"):
        simulate(case(), n_scenarios=5, rng=rng)


def test_seeds_of_every_kind():
    assert seed_of(0) == 0
    assert seed_of(np.int64(7)) == 7
    assert seed_of(np.random.default_rng(3)) == seed_of(np.random.default_rng(3)) >= 0
    assert seed_of(None) != seed_of(None)


@pytest.mark.parametrize("what", ["walikale-2025", None, {"name": "x"}, Case])
def test_what_is_no_case_is_refused(what):
    with pytest.raises(TypeError, match="case must be a Case, got"):
        simulate(what, n_scenarios=5, rng=1)


def test_case_without_sites_is_refused():
    empty = Case(name="empty", start=START)
    with pytest.raises(ValueError, match="empty: sites must hold at least one site"):
        simulate(empty, n_scenarios=5, rng=1)


def test_sites_of_another_commodity_are_left_out():
    both = case(site("a"), site("c", "copper"), commodity="tin")
    outlook = simulate(both, n_scenarios=5, rng=1)
    assert outlook.sites.index.tolist() == ["a"]
    assert outlook.plan.planned_t == pytest.approx(3600.0)
    copper = case(site("a"), site("c", "copper"), commodity="copper")
    assert (simulate(copper, n_scenarios=5, rng=1).lost_t == 0.0).all()


# --- What an outlook refuses -----------------------------------------------------------------


def test_events_were_kept_or_are_refused():
    outlook = simulate(case(), n_scenarios=5, rng=1)
    for ask in (outlook.events, lambda: outlook.production_t("a", QUARTERS)):
        with pytest.raises(ValueError, match="keep must be 'events' in simulate"):
            ask()


def test_price_of_an_unknown_commodity_is_refused():
    outlook = simulate(case(markets=(MARKET,)), n_scenarios=100, rng=1)
    assert outlook.price_usd_per_t("tin") is outlook.price_usd_per_t()
    for ask in (outlook.price_usd_per_t, outlook.peak_price_usd_per_t):
        with pytest.raises(ValueError, match=r"must have a market .*\(tin\), got 'copper'"):
            ask("copper")


def test_price_without_a_market_is_refused():
    outlook = simulate(case(), n_scenarios=5, rng=1)
    with pytest.raises(ValueError, match=r"the case has none\), got 'tin'"):
        outlook.price_usd_per_t()
    assert outlook.market_view is None
    assert "price_usd_per_t" not in outlook.steps.columns.get_level_values("quantity")


def test_contributions_by_an_unknown_name_are_refused():
    outlook = simulate(case(), n_scenarios=5, rng=1)
    with pytest.raises(ValueError, match="by must be one of site, country, peril, threat"):
        outlook.contributions("mine")


# --- Production between dates ----------------------------------------------------------------


@pytest.fixture(scope="module")
def outlook():
    return simulate(case(), n_scenarios=2_000, rng=7, keep="events")


def test_quarters_sum_to_the_supply_of_the_only_site(outlook):
    quarters = outlook.production_t("a", QUARTERS)
    assert quarters.shape == (2_000, 4)
    supply = outlook.result.supply_t.reshape(2_000, 4, 3).sum(axis=2)  # three steps a quarter
    np.testing.assert_allclose(quarters, supply, rtol=1e-9, atol=1e-7)
    whole = outlook.production_t("a", [QUARTERS[0], QUARTERS[-1]])
    np.testing.assert_allclose(whole[:, 0], 3600.0 - outlook.lost_t, atol=1e-7)


def test_production_of_all_sites_sums_to_the_supply():
    two = case(
        site("a"),
        site("b"),
        hazards=(
            HAZARD,
            Hazard(
                hazard_id="wide",
                peril=Peril.STRIKE,
                scope=Scope.country("COD"),
                rate_pa=2.0,
                duration=Duration.exponential(mean_days=30),
            ),
        ),
    )
    outlook = simulate(two, n_scenarios=200, rng=7, keep="events")
    total = sum(outlook.production_t(site_id, QUARTERS) for site_id in "ab")
    supply = outlook.result.supply_t.reshape(200, 4, 3).sum(axis=2)
    np.testing.assert_allclose(total, supply, rtol=1e-9, atol=1e-7)


def test_noise_spreads_output_around_the_plan():
    calm = simulate(case(hazards=()), n_scenarios=4_000, rng=7, keep="events")
    plain = calm.production_t("a", QUARTERS)
    np.testing.assert_allclose(plain, 900.0, rtol=1e-12)
    share = calm.production_t("a", QUARTERS, noise=0.05) / 900.0
    assert abs(share.mean() - 1.0) < 4.5 * 0.05 / np.sqrt(share.size)
    # Standard error of a standard deviation of normal numbers: sd / sqrt(2 n).
    assert abs(share.std() - 0.05) < 4.5 * 0.05 / np.sqrt(2 * share.size)
    assert abs(np.corrcoef(share.T)[0, 1]) < 4.5 / np.sqrt(4_000)
    np.testing.assert_array_equal(share, calm.production_t("a", QUARTERS, noise=0.05) / 900.0)
    assert (calm.production_t("a", QUARTERS, noise=5.0) >= 0.0).all()


def test_what_was_stopped_before_the_start_is_missing_from_output():
    # On strike for days -20 to -10, linear ramp-up until day 10: 10 + 15 - 5 = 15 or so.
    event = strike(
        START - dt.timedelta(days=20),
        START - dt.timedelta(days=10),
        ramp_up=RampUp(ramp_days=20),
    )
    outlook = simulate(case(hazards=(), events=(event,)), n_scenarios=2, rng=1, keep="events")
    dates = [START + dt.timedelta(days=d) for d in (-30, 0, 30)]
    # The ramp-up loses 10 days in all: 7.5 in its first half, 2.5 in its second.
    np.testing.assert_allclose(
        outlook.production_t("a", dates), [[10 * (30 - 17.5), 10 * (30 - 2.5)]] * 2
    )
    assert outlook.lost_t == pytest.approx(25.0)


def test_what_was_over_before_the_start_is_missing_from_output():
    event = strike(START - dt.timedelta(days=60), START - dt.timedelta(days=30))
    outlook = simulate(case(hazards=(), events=(event,)), n_scenarios=2, rng=1, keep="events")
    dates = [START - dt.timedelta(days=90), START]
    np.testing.assert_allclose(outlook.production_t("a", dates), 10 * (90 - 30))


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        ([], "dates must be two or more, ascending"),
        (QUARTERS[:1], "dates must be two or more, ascending"),
        (QUARTERS[::-1], "dates must be two or more, ascending"),
        ([START, START], "dates must be two or more, ascending"),
        ([START, dt.date(2026, 1, 1)], r"dates must not be after the horizon \(2025-12-27\)"),
    ],
)
def test_dates_are_checked(outlook, dates, message):
    with pytest.raises(ValueError, match=message):
        outlook.production_t("a", dates)


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf"), "0.05", True])
def test_noise_is_checked(outlook, noise):
    with pytest.raises(InvalidInputError, match=r"noise must be a finite number >= 0, got"):
        outlook.production_t("a", QUARTERS, noise=noise)


def test_unknown_site_is_refused(outlook):
    with pytest.raises(InvalidInputError, match="'zz'"):
        outlook.production_t("zz", QUARTERS)


def test_site_of_another_commodity_is_refused_by_name():
    both = case(site("a"), site("c", "copper"), commodity="tin")
    outlook = simulate(both, n_scenarios=5, rng=1, keep="events")
    with pytest.raises(ValueError, match="site_id must"):
        outlook.production_t("c", QUARTERS)


# --- What an outlook says of itself ----------------------------------------------------------


def test_outlook_says_what_it_was_made_from(outlook):
    made = outlook.provenance
    assert (made.seed, made.n_scenarios, made.basis) == (7, 2_000, "calendar")
    assert made.case_digest == outlook.case.digest
    assert repr(outlook) == (
        "<Outlook of 'input': 2,000 futures of 360 days from 2025-01-01, seed 7>"
    )
    assert made.case_digest[:12] in outlook._repr_html_()


def test_steps_end_on_their_last_day():
    odd = Case(name="odd", start=START, horizon_days=50, step_days=20, sites=(site(),))
    outlook = simulate(odd, n_scenarios=5, rng=1)
    days = [(date.date() - START).days for date in outlook.steps.index]
    assert days == [20, 40, 50]
    np.testing.assert_allclose(outlook.steps["supply_t", "mean"], [200.0, 200.0, 100.0])


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("horizon_days", 10**7, "horizon_days must be a finite number <= 36500"),
        ("sites.a.capacity_tpa", 1e300, "sites.a.capacity_tpa must be a finite number <= 1e"),
        ("sites.a.annual_cap_days", 30.0, "annual_cap_days must be left out on the calendar basis"),
        ("sites.a.n_units", 10**12, "hazards must bring at most 1,000 events"),
    ],
)
def test_what_no_machine_could_bear_is_refused_by_name(path, value, rule):
    absurd = case(site("a")).with_values({path: value})
    with pytest.raises(ValueError, match=rule):
        simulate(absurd, n_scenarios=2, rng=1)
