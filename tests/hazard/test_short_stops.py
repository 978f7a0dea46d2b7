"""Short stops of a site: the share they cost in closed form and by simulation, then their laws."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import supplyrisk as sr
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import short_stops
from supplyrisk.hazard.durations import limited_mean

START = dt.date(2025, 3, 20)
LONGEST = 7.0

shares = st.floats(0.0, 0.9)
medians = st.floats(0.01, 100.0)
sigmas = st.floats(0.05, 3.0)


def simulated(*hazards, n=20_000):
    mine = sr.MineSite(
        site_id="mine", name="Mine", commodity="tin", country="COD", capacity_tpa=1_000.0
    )
    case = sr.Case(
        name="short-stops",
        start=START,
        horizon_days=365,
        step_days=30,
        sites=(mine,),
        hazards=hazards,
    )
    return sr.simulate(case, n, rng=31, keep="events")


def mean_days(median, sigma, until=LONGEST):
    """E[min(D, until)] as the integral of the survival function of scipy."""
    return integrate.quad(stats.lognorm(sigma, scale=median).sf, 0.0, until)[0]


# --- Closed form --------------------------------------------------------------------------


def test_rate_of_the_default_is_that_worked_by_hand():
    # -365 ln(1 - 0.0275) / E[min(D, 7)], of a lognormal of median 1.5 and sigma 0.8.
    threat = short_stops("bisie")
    assert threat.rate_pa == pytest.approx(
        -365.0 * math.log(0.9725) / mean_days(1.5, 0.8), rel=1e-9
    )
    assert (threat.peril, threat.scope) == (sr.Peril.OTHER, sr.Scope.site("bisie"))
    assert (threat.severity, threat.rate_shape) == (1.0, None)


@given(shares, medians, sigmas)
def test_stops_of_the_long_run_cost_the_share_asked_for(share, median, sigma):
    threat = short_stops("mine", lost_share=share, median_days=median, sigma=sigma)
    # Up with probability exp(-rate E[D] / 365), as in a queue with endless servers.
    mean = float(limited_mean(threat.duration, 1e9))
    assert -math.expm1(-threat.rate_pa * mean / 365.0) == pytest.approx(share, abs=1e-12)
    assert mean <= LONGEST
    assert threat.duration.max_days == LONGEST


# --- Simulation ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [{}, {"lost_share": 0.3, "median_days": 4.0, "sigma": 1.2}],
    ids=["default", "many and long"],
)
def test_simulated_loss_is_the_share_asked_for(arguments):
    # 20,000 futures of 1,000 t/a, seed 31; |z| < 4.5. No stop is running on the first day, so
    # that a(t) = exp(-rate E[min(D, t)] / 365) and the first week loses a little less.
    threat = short_stops("mine", **arguments)
    median, sigma = threat.duration.median_days, threat.duration.sigma
    outlook = simulated(threat)

    def lost(day):
        return -math.expm1(-threat.rate_pa / 365.0 * mean_days(median, sigma, day))

    share = -math.expm1(-threat.rate_pa / 365.0 * mean_days(median, sigma))
    assert share == pytest.approx(arguments.get("lost_share", 0.0275), rel=1e-9)
    days = integrate.quad(lost, 0.0, LONGEST)[0] + (365.0 - LONGEST) * share
    error = outlook.lost_t.std(ddof=1) / math.sqrt(outlook.n_scenarios)
    assert abs(outlook.lost_t.mean() - 1_000.0 / 365.0 * days) < 4.5 * error
    # The first week is all that is missing to the share of the long run.
    assert outlook.lost_t.mean() / 1_000.0 == pytest.approx(share, rel=0.02)


def test_no_stop_is_longer_than_a_week_and_some_last_all_of_it():
    threat = short_stops("mine")
    days = simulated(threat, n=4_000).events()["outage_days"].to_numpy()
    assert days.max() <= LONGEST
    # What is cut stands at 7 days: a share of P(D > 7); |z| < 4.5.
    beyond = stats.lognorm(0.8, scale=1.5).sf(LONGEST)
    error = math.sqrt(beyond * (1.0 - beyond) / days.size)
    assert abs((days > LONGEST - 1e-9).mean() - beyond) < 4.5 * error


def test_a_share_of_zero_is_a_hazard_that_never_strikes():
    threat = short_stops("mine", lost_share=0.0)
    assert threat.rate_pa == 0.0
    assert not np.any(simulated(threat, n=200).lost_t)


# --- Laws ---------------------------------------------------------------------------------


@given(shares, shares, medians, sigmas)
def test_a_larger_share_takes_more_stops_of_the_same_length(one, other, median, sigma):
    few, many = (
        short_stops("mine", lost_share=share, median_days=median, sigma=sigma)
        for share in sorted((one, other))
    )
    assert few.rate_pa <= many.rate_pa
    assert few.duration == many.duration


@given(shares, medians, sigmas, st.floats(1.0, 10.0))
def test_longer_stops_are_fewer_for_the_same_share(share, median, sigma, factor):
    short, long = (
        short_stops("mine", lost_share=share, median_days=days, sigma=sigma)
        for days in (median, factor * median)
    )
    assert long.rate_pa <= short.rate_pa * (1.0 + 1e-12)


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [-0.01, 0.91, 1.0, math.nan, None, True, "0.02"])
def test_a_share_outside_0_to_nine_tenths_is_refused(share):
    with pytest.raises(
        InvalidInputError, match=r"lost_share must be a finite number >= 0 and <= 0\.9"
    ):
        short_stops("mine", lost_share=share)


@pytest.mark.parametrize("field", ["median_days", "sigma"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, None])
def test_a_length_that_is_none_is_refused(field, value):
    with pytest.raises(InvalidInputError, match=f"{field} must be a finite number > 0"):
        short_stops("mine", **{field: value})


def test_all_faults_are_named_at_once():
    with pytest.raises(InvalidInputError) as caught:
        short_stops("mine", lost_share=2.0, median_days=0.0, sigma=0.0)
    assert [f.field for f in caught.value.faults] == ["lost_share", "median_days", "sigma"]


def test_a_site_that_is_no_name_is_refused():
    with pytest.raises(InvalidInputError, match="must be a name of letters"):
        short_stops("no name")
