"""The exact engine against closed forms, laws, and a plain simulation; and what it refuses."""

import datetime as dt
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from supplyrisk.engine._event_laws import parts
from supplyrisk.engine._pools import hit_sums
from supplyrisk.engine.compound import ExactLosses, exact_losses
from supplyrisk.hazard import durations, ramps
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, RampUp, Scope
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)
LEVELS = (0.5, 0.9, 0.99, 0.999)
LIMIT = 4.0  # standard errors: one chance in 16,000 for each comparison


def site(site_id="a", daily=10.0, **more):
    return MineSite(
        site_id=site_id,
        name=site_id,
        commodity="tin",
        country="COD",
        capacity_tpa=365.0 * daily,
        **more,
    )


def hazard(hazard_id="h", **more):
    values = {
        "peril": Peril.OTHER,
        "scope": Scope.site("a"),
        "rate_pa": 2.0,
        "duration": Duration.exponential(mean_days=40),
        **more,
    }
    return Hazard(hazard_id=hazard_id, **values)


ONE = (site(),)


def case(*hazards, sites=ONE, **more):
    return Case(name="exact", start=START, sites=tuple(sites), hazards=hazards, **more)


def all_of(*sites):
    return Scope.region("all", site_ids=tuple(site.site_id for site in sites))


def gamma_mixture(weights, scale):
    """Distribution function of a sum of n exponentials with probability weights[n]."""

    def cdf(x):
        n = np.arange(1, len(weights))
        return weights[0] + float(weights[1:] @ special.gammainc(n, x / scale))

    return cdf


def assert_quantiles(exact, cdf, *, rel=1e-8):
    for level in LEVELS:
        if level > cdf(0.0):
            reached = cdf(exact.value_at_risk(level))
            assert 1.0 - reached == pytest.approx(1.0 - level, rel=100 * rel)


# Closed forms.


def test_poisson_number_of_known_losses_is_exact():
    exact = exact_losses(case(hazard(duration=Duration.fixed(days=7))))
    law = stats.poisson(2.0)
    for level in LEVELS:
        value = law.ppf(level)
        assert exact.value_at_risk(level) == pytest.approx(70.0 * value, rel=1e-12)
        n = np.arange(200)
        tail = value + (law.pmf(n) @ np.maximum(n - value, 0.0)) / (1.0 - level)
        assert exact.tail_value_at_risk(level) == pytest.approx(70.0 * tail, rel=1e-9)
    assert "multiples of the step" in exact.report.atoms


def test_gamma_factor_makes_the_number_negative_binomial():
    rate, k = 3.0, 2.0
    exact = exact_losses(case(hazard(rate_pa=rate, rate_shape=k, duration=Duration.fixed(days=1))))
    law = stats.nbinom(k, k / (k + rate))
    assert exact.probability_of_loss == pytest.approx(1.0 - law.pmf(0), rel=1e-12)
    assert exact.sd == pytest.approx(10.0 * law.std(), rel=1e-12)
    for level in LEVELS:
        assert exact.value_at_risk(level) == pytest.approx(10.0 * law.ppf(level), rel=1e-12)


def test_exponential_lengths():
    # 400 t a loss: P(S <= x) = sum over n of Poisson(n) Gamma(n; x), the Bessel form's series.
    exact = exact_losses(case(hazard()))
    assert_quantiles(exact, gamma_mixture(stats.poisson(2.0).pmf(np.arange(80)), 400.0))
    assert exact.mean == pytest.approx(800.0)
    assert exact.sd == pytest.approx(math.sqrt(2.0 * 2.0 * 400.0**2))


def test_a_rate_group_shares_one_factor():
    two = (site("a"), site("b"))
    shared = {"rate_pa": 1.5, "rate_shape": 0.8, "rate_group": "g"}
    together = exact_losses(
        case(hazard("h", **shared), hazard("i", scope=Scope.site("b"), **shared), sites=two)
    )
    number = stats.nbinom(0.8, 0.8 / (0.8 + 3.0)).pmf(np.arange(400))
    assert_quantiles(together, gamma_mixture(number, 400.0))
    alone = {"rate_pa": 1.5, "rate_shape": 0.8}
    apart = exact_losses(
        case(hazard("h", **alone), hazard("i", scope=Scope.site("b"), **alone), sites=two)
    )
    one = stats.nbinom(0.8, 0.8 / (0.8 + 1.5)).pmf(np.arange(200))
    assert_quantiles(apart, gamma_mixture(np.convolve(one, one), 400.0))
    assert apart.sd < together.sd


def test_common_shock_with_independent_lengths():
    two = (site("a"), site("b"))
    shock = hazard(scope=all_of(*two), shared_duration=False, rate_pa=0.7, hit_probability=0.4)
    exact = exact_losses(case(shock, sites=two))
    # An event adds no, one or two exponentials: the number is compound.
    step = np.zeros(128)
    step[:3] = stats.binom(2, 0.4).pmf([0, 1, 2])
    number = np.fft.irfft(np.exp(0.7 * (np.fft.rfft(step) - 1.0)), 128)
    assert_quantiles(exact, gamma_mixture(number, 400.0))
    # The largest event: P(M <= x) = exp(-0.7 P(X > x)).
    worst = exact.largest_loss_value_at_risk(0.95)
    x = worst / 400.0
    beyond = step[1] * math.exp(-x) + step[2] * (1.0 + x) * math.exp(-x)
    assert math.exp(-0.7 * beyond) == pytest.approx(0.95, rel=1e-8)


def test_common_shock_with_a_shared_length():
    sites = (site("a", 10.0), site("b", 30.0))
    shock = hazard(scope=all_of(*sites), rate_pa=0.7, hit_probability=0.4)
    exact = exact_losses(case(shock, sites=sites))
    # The largest event, whose production is 10, 30 or 40 t a day.
    x = exact.largest_loss_value_at_risk(0.95) / 40.0
    beyond = 0.24 * math.exp(-x / 10) + 0.24 * math.exp(-x / 30) + 0.16 * math.exp(-x / 40)
    assert math.exp(-0.7 * beyond) == pytest.approx(0.95, rel=1e-10)
    whole = exact_losses(case(hazard(scope=all_of(*sites), rate_pa=0.7), sites=sites))
    one = exact_losses(case(hazard(rate_pa=0.7), sites=(site("a", 40.0),)))
    assert whole.value_at_risk(0.99) == pytest.approx(one.value_at_risk(0.99), rel=1e-12)


def test_annual_cap_of_a_site():
    capped = site(annual_cap_days=100)
    exact = exact_losses(case(hazard(), sites=(capped,)))
    cdf = gamma_mixture(stats.poisson(2.0).pmf(np.arange(80)), 400.0)
    limited = integrate.quad(lambda x: 1.0 - cdf(x), 0.0, 1000.0, epsabs=1e-9)[0]
    square = integrate.quad(lambda x: 2.0 * x * (1.0 - cdf(x)), 0.0, 1000.0, epsabs=1e-7)[0]
    assert exact.mean == pytest.approx(limited, rel=1e-9)
    assert exact.sd == pytest.approx(math.sqrt(square - limited**2), rel=1e-9)
    assert cdf(exact.value_at_risk(0.5)) == pytest.approx(0.5, rel=1e-7)
    assert exact.value_at_risk(0.9) == exact.tail_value_at_risk(0.9) == pytest.approx(1000.0)


def test_capped_sites_add_up_with_the_others():
    sites = (site("a", annual_cap_days=30), site("b", annual_cap_days=20), site("c"))
    known = {"duration": Duration.fixed(days=15), "rate_pa": 0.4}
    exact = exact_losses(
        case(*(hazard(s.site_id, scope=Scope.site(s.site_id), **known) for s in sites), sites=sites)
    )
    number = stats.poisson(0.4).pmf(np.arange(12))
    days = {}
    for (i, p), (j, q), (n, r) in itertools.product(enumerate(number), repeat=3):
        loss = 10.0 * (min(15 * i, 30) + min(15 * j, 20) + 15 * n)
        days[loss] = days.get(loss, 0.0) + p * q * r
    loss = np.array(sorted(days))
    chance = np.cumsum([days[x] for x in loss])
    for level in (0.5, 0.9, 0.95, 0.99, 0.999):
        assert exact.value_at_risk(level) == pytest.approx(loss[np.searchsorted(chance, level)])
    parts_by_site = exact.contributions(0.95)
    assert parts_by_site["tail_t"].sum() == pytest.approx(exact.tail_value_at_risk(0.95))


RAMPS = {
    "none": RampUp(),
    "known": RampUp(ramp_days=30),
    "share": RampUp(ramp_days=30, max_share_of_outage=0.7, shape="s_curve"),
    "spread": RampUp(ramp_days=30, ramp_sigma=1.07),
    "spread and share": RampUp(ramp_days=30, ramp_sigma=1.07, max_share_of_outage=0.7),
}
LENGTHS = {
    "lognormal": Duration.lognormal(median_days=60, sigma=1.2),
    "capped": Duration.lognormal(median_days=60, sigma=1.2, max_days=200),
    "weibull": Duration.weibull(shape=0.8, scale_days=50),
    "mixture": Duration.mixture(
        ((0.4, Duration.exponential(mean_days=10)), (0.6, Duration.fixed(days=90))), max_days=80
    ),
    "observed": Duration.empirical(days=(0.0, 5.0, 5.0, 250.0)),
}


@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("length", LENGTHS)
def test_laws_of_one_event_against_draws_at_even_quantiles(length, ramp):
    # 3,000 x 300 even quantiles: an average over them is off by some 1e-3 at most, and by more
    # where the parts of a mixture are paired with lengths at random.
    limit = 5e-3 if length == "mixture" else 2e-3
    duration, ramp_up = LENGTHS[length], RAMPS[ramp]
    even = (np.arange(3_000) + 0.5) / 3_000
    uniforms = np.column_stack([even] * durations.n_uniforms(duration))
    if length == "mixture":
        rng = np.random.default_rng(5)
        uniforms[:, 1] = rng.permutation(even)
    days = durations.draw(duration, uniforms)[:, np.newaxis]
    normal = special.ndtri((np.arange(300) + 0.5) / 300)
    area = float(ramps.lost_until(ramp_up, np.ones(1))[0])
    lost = days + area * ramps.ramp_days(ramp_up, np.broadcast_to(days, (3_000, 300)), normal)
    held = list(parts(duration, ramp_up))
    for x in (3.0, 20.0, 75.0, 150.0, 400.0):
        limited = survival = 0.0
        for weight, scale, law in held:
            at = np.array([x / scale])
            cut = np.minimum(at, 1.0) if law is None else law.limited_mean(at)
            alive = at < 1.0 if law is None else law.survival(at)
            limited += weight * scale * cut.item()
            survival += weight * float(alive.item())
        assert limited == pytest.approx(np.minimum(lost, x).mean(), rel=limit)
        assert survival == pytest.approx((lost > x).mean(), abs=2.0 * limit)
    mean = sum(w * s * (1.0 if law is None else law.mean) for w, s, law in held)
    assert mean == pytest.approx(lost.mean(), rel=1e-2)


@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("length", ["lognormal", "capped", "weibull"])
def test_moments_and_survival_of_an_event_follow_from_its_limited_mean(length, ramp):
    ((_, _, law),) = parts(LENGTHS[length], RAMPS[ramp])
    top = min(law.longest, 1e4)
    x = np.geomspace(1e-6, top, 400_001)
    limited = law.limited_mean(x[::100])
    assert limited[-1] == pytest.approx(law.mean, rel=1e-7)
    middle = np.sqrt(x[:-1:100] * x[100::100])
    width = x[100::100] - x[:-1:100]
    slope = np.diff(limited) / width
    alive = law.survival(middle)
    smooth = np.all([np.abs(np.log(middle / kink)) > 0.02 for kink in law.kinks], axis=0)
    np.testing.assert_allclose(np.where(smooth, slope, alive), alive, atol=2e-4)
    # E[X^2] = 2 times the integral of E[X] - E[min(X, x)].
    square = 2.0 * integrate.simpson((law.mean - limited) * x[::100], x=np.log(x[::100]))
    assert law.mean_square == pytest.approx(square, rel=1e-4)


@given(
    st.lists(st.floats(0.5, 50.0), min_size=1, max_size=16),
    st.floats(0.05, 0.95),
)
def test_sums_of_hit_production_keep_their_moments(daily, hit):
    total, chance = hit_sums(np.array(daily), hit)
    assert chance.sum() == pytest.approx(1.0 - (1.0 - hit) ** len(daily), rel=1e-9)
    assert chance @ total == pytest.approx(hit * sum(daily), rel=1e-9)
    variance = hit * (1.0 - hit) * sum(q * q for q in daily)
    assert chance @ total**2 == pytest.approx(variance + (hit * sum(daily)) ** 2, rel=1e-9)


# Laws.

rates = st.floats(0.02, 4.0)
sigmas = st.floats(0.3, 2.0)


@settings(max_examples=15)
@given(rates, sigmas, st.floats(0.1, 100.0))
def test_quantiles_scale_with_production(rate, sigma, factor):
    struck = hazard(rate_pa=rate, duration=Duration.lognormal(median_days=20, sigma=sigma))
    one = exact_losses(case(struck))
    other = exact_losses(case(struck, sites=(site("a", 10.0 * factor),)))
    assert other.mean == pytest.approx(factor * one.mean, rel=1e-12)
    for level in (0.9, 0.99):
        limit = one.report.error + other.report.error
        scaled = factor * one.value_at_risk(level)
        assert other.value_at_risk(level) == pytest.approx(scaled, rel=limit)


@settings(max_examples=15)
@given(rates, sigmas, st.one_of(st.none(), st.floats(0.3, 5.0)))
def test_the_grid_keeps_the_analytic_moments(rate, sigma, shape):
    length = Duration.lognormal(median_days=20, sigma=sigma)
    report = exact_losses(case(hazard(rate_pa=rate, duration=length, rate_shape=shape))).report
    assert report.grid_mean_t == pytest.approx(report.mean_t, rel=1e-4)
    assert report.grid_sd_t == pytest.approx(report.sd_t, rel=1e-4)
    assert report.error < 1e-5


@settings(max_examples=15)
@given(rates, rates, sigmas)
def test_another_hazard_raises_mean_and_quantiles(rate, more, sigma):
    first = hazard(rate_pa=rate)
    second = hazard("i", rate_pa=more, duration=Duration.lognormal(median_days=9, sigma=sigma))
    less, both = exact_losses(case(first)), exact_losses(case(first, second))
    assert both.mean > less.mean
    for level in (0.6, 0.9, 0.99):
        assert both.value_at_risk(level) >= less.value_at_risk(level) * (1.0 - 1e-6)


@given(st.floats(0.0, 0.999), st.floats(0.0, 0.999))
def test_order_of_mean_quantile_and_tail_mean(level, other):
    exact = FEATURES
    low, high = sorted((level, other))
    assert exact.value_at_risk(low) <= exact.value_at_risk(high) + 1e-9
    assert exact.tail_value_at_risk(low) <= exact.tail_value_at_risk(high) * (1 + 1e-12)
    assert exact.tail_value_at_risk(low) >= max(exact.value_at_risk(low), exact.mean * (1 - 1e-12))
    assert exact.largest_loss_value_at_risk(low) <= exact.value_at_risk(low) * (1 + 1e-9)


def test_a_hazard_may_be_cut_in_two():
    whole = exact_losses(case(hazard(rate_pa=1.0)))
    cut = exact_losses(case(hazard(rate_pa=0.3), hazard("i", rate_pa=0.7)))
    for level in (0.9, 0.99):
        assert cut.value_at_risk(level) == pytest.approx(whole.value_at_risk(level), rel=1e-12)


def test_many_units_are_struck_one_by_one():
    whole = case(hazard(rate_pa=0.1), sites=(site("a", 120.0, n_units=12),))
    mines = tuple(site(f"m{i}") for i in range(12))
    struck = (hazard(s.site_id, rate_pa=0.1, scope=Scope.site(s.site_id)) for s in mines)
    apart = exact_losses(case(*struck, sites=mines))
    assert exact_losses(whole).value_at_risk(0.99) == pytest.approx(apart.value_at_risk(0.99))


def test_a_thousand_scales_on_a_lattice_are_as_good_as_themselves():
    # 300 sites of one law: their scales are thinned; the plain sum is not.
    rng = np.random.default_rng(3)
    sites = tuple(site(f"s{i}", daily) for i, daily in enumerate(rng.uniform(1.0, 90.0, 300)))
    length = Duration.lognormal(median_days=20, sigma=0.6)
    exact = exact_losses(
        case(
            *(
                hazard(s.site_id, scope=Scope.site(s.site_id), rate_pa=0.1, duration=length)
                for s in sites
            ),
            sites=sites,
        )
    )
    (pool,) = exact._model.pools
    x = np.geomspace(5.0, 3e4, 200)
    plain = sum(
        0.1 * s.production_tpa / 365 * durations.limited_mean(length, 365 * x / s.production_tpa)
        for s in sites
    )
    np.testing.assert_allclose(pool.limited_mean(x), plain, rtol=1e-9)


# An independent simulation.

FOUR = (site("a", 10.0), site("b", 25.0), site("c", 4.0, annual_cap_days=60), site("d", 40.0))
SPREAD = RampUp(ramp_days=20, ramp_sigma=0.8, max_share_of_outage=0.6)
SHAPE = 1.5
FEATURES_CASE = case(
    hazard(
        "weak",
        scope=Scope.site("a"),
        severity=((0.7, 1.0), (0.3, 0.4)),
        duration=Duration.lognormal(median_days=15, sigma=1.1),
        ramp_up=SPREAD,
        rate_shape=SHAPE,
        rate_group="g",
        rate_pa=0.8,
    ),
    hazard(
        "shared",
        scope=Scope.region("r", site_ids=("a", "b", "d")),
        hit_probability=0.5,
        duration=Duration.weibull(shape=0.9, scale_days=20, max_days=90),
        rate_shape=SHAPE,
        rate_group="g",
        rate_pa=0.5,
    ),
    hazard(
        "apart",
        scope=Scope.region("s", site_ids=("b", "d")),
        hit_probability=0.7,
        shared_duration=False,
        severity=0.5,
        duration=Duration.exponential(mean_days=12),
        rate_pa=0.6,
    ),
    hazard("capped", scope=Scope.site("c"), duration=Duration.exponential(mean_days=30)),
    sites=FOUR,
)
FEATURES = exact_losses(FEATURES_CASE)


def simulated_years(n, rng):
    """The year's loss by site, drawn event by event from the definitions."""
    loss = np.zeros((n, 4))
    factor = rng.gamma(SHAPE, 1.0 / SHAPE, n)

    year = np.repeat(np.arange(n), rng.poisson(0.8 * factor))
    days = 15.0 * np.exp(1.1 * rng.standard_normal(len(year)))
    ramp = np.minimum(20.0 * np.exp(0.8 * rng.standard_normal(len(year))), 0.6 * days)
    severity = np.where(rng.random(len(year)) < 0.7, 1.0, 0.4)
    np.add.at(loss[:, 0], year, 10.0 * severity * (days + 0.5 * ramp))

    year = np.repeat(np.arange(n), rng.poisson(0.5 * factor))
    days = np.minimum(20.0 * rng.weibull(0.9, len(year)), 90.0)
    for column, daily in ((0, 10.0), (1, 25.0), (3, 40.0)):
        np.add.at(loss[:, column], year, daily * days * (rng.random(len(year)) < 0.5))

    year = np.repeat(np.arange(n), rng.poisson(0.6, n))
    for column, daily in ((1, 25.0), (3, 40.0)):
        days = rng.exponential(12.0, len(year)) * (rng.random(len(year)) < 0.7)
        np.add.at(loss[:, column], year, 0.5 * daily * days)

    capped = rng.gamma(rng.poisson(2.0, n), 30.0)
    loss[:, 2] = 4.0 * np.minimum(capped, 60.0)
    return loss


def test_every_feature_against_a_simulation():
    n = 200_000
    years = simulated_years(n, np.random.default_rng(11))
    total = years.sum(axis=1)
    assert abs(total.mean() - FEATURES.mean) < LIMIT * total.std() / math.sqrt(n)
    spread = ((total - total.mean()) ** 2).std() / math.sqrt(n)
    assert abs(total.var() - FEATURES.sd**2) < LIMIT * spread
    for level in (0.5, 0.9, 0.95, 0.99, 0.996):
        value = FEATURES.value_at_risk(level)
        z = ((total <= value).mean() - level) / math.sqrt(level * (1.0 - level) / n)
        assert abs(z) < LIMIT
        # The mean excess over a known threshold is a plain mean.
        excess = value + np.maximum(total - value, 0.0) / (1.0 - level)
        tail = FEATURES.tail_value_at_risk(level)
        assert abs(excess.mean() - tail) < LIMIT * excess.std() / math.sqrt(n)


def test_parts_by_site_against_a_simulation():
    n = 200_000
    years = simulated_years(n, np.random.default_rng(12))
    found = FEATURES.contributions(0.95)
    tail = years * (years.sum(axis=1) > FEATURES.value_at_risk(0.95))[:, np.newaxis] / 0.05
    for column, drawn in (("expected_t", years), ("tail_t", tail)):
        z = (drawn.mean(axis=0) - found[column]) / (drawn.std(axis=0) / math.sqrt(n))
        assert np.abs(z).max() < LIMIT
    assert found["expected_t"].sum() == pytest.approx(FEATURES.mean, rel=1e-9)
    assert found["tail_t"].sum() == pytest.approx(FEATURES.tail_value_at_risk(0.95), rel=1e-4)


# Edges and refusals.


def test_without_hazards_nothing_is_lost():
    for empty in (
        case(),
        case(hazard(rate_pa=0.0)),
        case(hazard(severity=0.0)),
        case(hazard(hit_probability=0.0)),
        case(hazard(duration=Duration.fixed(days=0))),
    ):
        exact = exact_losses(empty)
        assert isinstance(exact, ExactLosses)
        assert exact.mean == exact.sd == exact.value_at_risk(0.99) == 0.0
        assert exact.tail_value_at_risk(0.9) == exact.largest_loss_value_at_risk(0.9) == 0.0
        assert exact.contributions()["tail_t"].tolist() == [0.0]


def test_a_rare_loss_has_a_quantile_of_nothing():
    exact = exact_losses(case(hazard(rate_pa=0.05)))
    assert exact.value_at_risk(0.95) == exact.loss_at_return_period(10) == 0.0
    assert exact.value_at_risk(0.96) > 0.0
    assert exact.tail_value_at_risk(0.9) == pytest.approx(exact.mean / 0.1, rel=1e-12)


def test_return_periods_are_levels():
    exact = exact_losses(case(hazard()))
    assert exact.loss_at_return_period(100) == exact.value_at_risk(0.99)
    assert exact.largest_loss_at_return_period(100) == exact.largest_loss_value_at_risk(0.99)
    with pytest.raises(ValueError, match=r"years must be a finite number > 1, got 1"):
        exact.loss_at_return_period(1)


@pytest.mark.parametrize("level", [-0.1, 1.0, float("nan"), True, "0.9"])
def test_levels_outside_the_unit_interval_are_refused(level):
    with pytest.raises(ValueError, match=r"level must lie in \[0, 1\)"):
        exact_losses(case(hazard())).value_at_risk(level)


def test_levels_beyond_the_grid_are_refused():
    exact = exact_losses(case(hazard()), largest_level=0.99)
    with pytest.raises(ValueError, match=r"at most the largest_level that was asked for \(0.99\)"):
        exact.tail_value_at_risk(0.999)


CLOSURE = DisruptionEvent(
    event_id="e",
    peril=Peril.STRIKE,
    scope=Scope.site("a"),
    started=START,
    duration=Duration.fixed(days=9),
)
TWO = (site("a", annual_cap_days=30), site("b"))
REFUSED = {
    "horizon_days must be 365 on the occurrence basis": case(hazard(), horizon_days=730),
    "events.e must be left out .* a dated event": case(hazard(), events=(CLOSURE,)),
    "hazards.h.ramp_up.shape must be one by which production returns": case(
        hazard(ramp_up=RampUp(shape="never"))
    ),
    "sites.a.annual_cap_days must be left out while hazard 'h' hits other sites": case(
        hazard(scope=all_of(*TWO)), sites=TWO
    ),
    "sites.a.annual_cap_days must be left out while hazard 'h' shares its rate_group": case(
        hazard(rate_shape=1.0, rate_group="g"),
        hazard("i", scope=Scope.site("b"), rate_shape=1.0, rate_group="g"),
        sites=TWO,
    ),
    "must have losses whose variance is a finite number": case(
        hazard(duration=Duration.lognormal(median_days=20, sigma=30.0))
    ),
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_compound_sum_is_refused_with_the_reason(reason):
    with pytest.raises(ValueError, match=reason):
        exact_losses(REFUSED[reason])


def test_every_reason_is_given_at_once():
    wrong = case(hazard(ramp_up=RampUp(shape="never")), events=(CLOSURE,), horizon_days=30)
    with pytest.raises(ValueError, match="3 faults"):
        exact_losses(wrong)


def test_what_is_no_case_is_refused():
    with pytest.raises(TypeError, match="case must be a Case"):
        exact_losses("walikale-2025")


def test_the_report_can_be_read():
    text = str(exact_losses(case(hazard())).report)
    assert "aliasing below" in text
    assert "stated error" in text
