"""Self-exciting events against slow sums, closed forms, thinning and simulation, then laws."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.hawkes import (
    Hawkes,
    expected_events,
    log_likelihood,
    residuals,
    simulate_hawkes,
    spread_over_days,
)
from supplyrisk.hazard.hawkes_fit import fit_hawkes

TRUE = Hawkes(mu=0.2, branching_ratio=0.5, decay_pd=0.1)
HORIZON = 3000.0
Z_LIMIT = 4.0

fewer = settings(max_examples=settings().max_examples // 3)
moments = st.lists(st.floats(0.01, 99.9), min_size=10, max_size=40, unique=True)
processes = st.builds(
    lambda mu, n, beta: Hawkes(mu=mu, branching_ratio=n, decay_pd=beta),
    st.floats(0.01, 5.0),
    st.floats(0.0, 0.99),
    st.floats(0.01, 20.0),
)


def drawn(process=TRUE, horizon=HORIZON, seed=7):
    rng = np.random.default_rng(seed)
    return simulate_hawkes(process.mu, process.branching_ratio, process.decay_pd, horizon, rng=rng)


def rate_at(process, times, t):
    past = times[times < t]
    fading = process.decay_pd * np.exp(-process.decay_pd * (t - past))
    return process.mu + process.branching_ratio * fading.sum()


def slow_log_likelihood(process, times, horizon):
    """Sum over all pairs, and the integral of the rate by quadrature between events."""
    points = [0.0, *times, horizon]
    integral = sum(
        integrate.quad(lambda t: rate_at(process, times, t), a, b, epsabs=1e-12)[0]
        for a, b in pairwise(points)
    )
    return sum(math.log(rate_at(process, times, t)) for t in times) - integral


def thinned(process, past, now, ahead, rng):
    """Ogata's thinning: another way to draw, and one that starts with a history."""
    events, t = list(past), now
    while True:
        # The rate falls between events, so that just after t is the highest until the next.
        highest = rate_at(process, np.array(events), np.nextafter(t, np.inf))
        t += rng.exponential(1.0 / highest)
        if t > now + ahead:
            return np.array(events[len(past) :])
        if rng.random() * highest <= rate_at(process, np.array(events), t):
            events.append(t)


def expected_from_nothing(process, horizon):
    """E[N(T)] with no event before 0, from m' = beta (mu - (1 - n) m), m(0) = mu."""
    n, beta = process.branching_ratio, process.decay_pd
    warming = process.mu * n / ((1 - n) ** 2 * beta) * -math.expm1(-(1 - n) * beta * horizon)
    return process.mean_rate_pd * horizon - warming


# --- Likelihood ---------------------------------------------------------------------------


def test_likelihood_of_two_events_worked_by_hand():
    process = Hawkes(mu=0.5, branching_ratio=0.4, decay_pd=2.0)
    # ln 0.5 + ln(0.5 + 0.8 e^-2) - 0.5 x 4.5 - 0.4 (1 - e^-6) - 0.4 (1 - e^-4)
    # for events at 1.5 and 2.5 of 4.5 days.
    by_hand = math.log(0.5) + math.log(0.5 + 0.8 * math.exp(-2)) - 2.25
    by_hand -= 0.4 * (1 - math.exp(-6)) + 0.4 * (1 - math.exp(-4))
    assert log_likelihood(process, [1.5, 2.5], horizon=4.5) == pytest.approx(by_hand, rel=1e-12)


@fewer
@given(processes, moments)
def test_likelihood_is_the_slow_sum_over_all_pairs(process, times):
    times = np.sort(times)
    if (times == np.floor(times)).all():
        times = times + 0.05
    slow = slow_log_likelihood(process, times, 100.0)
    assert log_likelihood(process, times, horizon=100.0) == pytest.approx(slow, rel=1e-7, abs=1e-6)


def test_likelihood_keeps_its_digits_over_many_days():
    # Far beyond exp(709): 10,000 days at a decay of 50 a day.
    process = Hawkes(mu=0.2, branching_ratio=0.5, decay_pd=50.0)
    times = drawn(process, 10_000.0)
    slow = sum(
        math.log(rate_at(process, times[max(i - 60, 0) : i], t)) for i, t in enumerate(times)
    )
    slow -= 0.2 * 10_000 + 0.5 * -np.expm1(-50.0 * (10_000 - times)).sum()
    assert log_likelihood(process, times, horizon=10_000.0) == pytest.approx(slow, rel=1e-9)


def test_fit_reports_the_likelihood_and_aic_of_its_own_parameters():
    times = drawn()
    fit = fit_hawkes(times, horizon=HORIZON)
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit, times, horizon=HORIZON))
    assert fit.aic == pytest.approx(6 - 2 * fit.log_likelihood)
    # A Poisson process of rate N / T has log-likelihood N ln(N / T) - N.
    n = times.size
    assert fit.aic_poisson == pytest.approx(2 - 2 * (n * math.log(n / HORIZON) - n))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fit_is_the_top_that_a_general_optimiser_finds(seed):
    times = drawn(horizon=1000.0, seed=seed)
    fit = fit_hawkes(times, horizon=1000.0)

    def loss(at):
        process = Hawkes(
            mu=math.exp(at[0]), branching_ratio=1 / (1 + math.exp(-at[1])), decay_pd=math.exp(at[2])
        )
        return -log_likelihood(process, times, horizon=1000.0)

    # From several decays, as the likelihood may have several tops.
    found = min(
        (
            optimize.minimize(
                loss,
                [math.log(0.2), 0.0, math.log(decay)],
                method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-9},
            )
            for decay in (0.02, 0.1, 1.0, 5.0)
        ),
        key=lambda top: top.fun,
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-6)
    mu, n, decay = math.exp(found.x[0]), 1 / (1 + math.exp(-found.x[1])), math.exp(found.x[2])
    assert (fit.mu, fit.branching_ratio, fit.decay_pd) == pytest.approx((mu, n, decay), rel=1e-3)


def test_at_the_top_the_expected_number_is_the_number_seen():
    # Scaling both parameters of the rate gains nothing there: the compensator at T is N.
    times = drawn()
    fit = fit_hawkes(times, horizon=HORIZON)
    brought = -np.expm1(-fit.decay_pd * (HORIZON - times)).sum()
    expected = fit.mu * HORIZON + fit.branching_ratio * brought
    assert expected == pytest.approx(times.size, rel=1e-6)


def test_five_thousand_events_are_fitted():
    times = drawn(Hawkes(mu=0.5, branching_ratio=0.5, decay_pd=0.2), 5000.0)
    assert times.size > 4500
    fit = fit_hawkes(times, horizon=5000.0)
    assert fit.branching_ratio == pytest.approx(0.5, abs=0.1)


# --- Recovery -----------------------------------------------------------------------------


def recovered(n_samples):
    """Estimates and whether the intervals held the truth, sample by sample."""
    rows, held = [], []
    for seed in range(n_samples):
        fit = fit_hawkes(drawn(seed=seed), horizon=HORIZON)
        rows.append((math.log(fit.mu), fit.branching_ratio, math.log(fit.decay_pd)))
        held.append(
            [
                low <= getattr(TRUE, name) <= high
                for name in ("mu", "branching_ratio", "decay_pd")
                for low, high in [fit.interval(0.9, name)]
            ]
        )
    return np.array(rows), np.array(held)


def check_recovery(n_samples, *, bias):
    rows, held = recovered(n_samples)
    truth = [math.log(TRUE.mu), TRUE.branching_ratio, math.log(TRUE.decay_pd)]
    error = rows.std(axis=0, ddof=1) / math.sqrt(n_samples)
    # The estimates of maximum likelihood are biased by a fraction of their own spread.
    slack = Z_LIMIT * error + bias * rows.std(axis=0, ddof=1)
    assert (np.abs(rows.mean(axis=0) - truth) <= slack).all()
    least = 0.9 - Z_LIMIT * math.sqrt(0.9 * 0.1 / n_samples) - 0.03
    assert (held.mean(axis=0) >= least).all()


def test_parameters_are_recovered():
    check_recovery(4, bias=0.2)


@pytest.mark.verification
def test_parameters_are_recovered_and_intervals_cover_in_many_samples():
    # Measured: coverage 0.92 (mu), 0.92 (branching ratio), 0.85 (decay); bias 0.26 of the spread.
    check_recovery(200, bias=0.2)


def test_events_by_the_day_give_almost_the_same_fit():
    times = drawn()
    exact, by_day = (fit_hawkes(t, horizon=HORIZON) for t in (times, np.floor(times)))
    assert by_day.half_life_bounds_days[0] == 1.0
    assert by_day.branching_ratio == pytest.approx(exact.branching_ratio, abs=0.03)
    assert by_day.mu == pytest.approx(exact.mu, rel=0.05)
    assert by_day.half_life_days == pytest.approx(exact.half_life_days, rel=0.2)


# --- No self-excitation -------------------------------------------------------------------


def poisson_fits(n_samples):
    fits = []
    for seed in range(n_samples):
        rng = np.random.default_rng(1000 + seed)
        times = rng.uniform(0.0, 2000.0, rng.poisson(1000))
        fits.append(fit_hawkes(times, horizon=2000.0))
    return fits


def check_poisson(n_samples):
    fits = poisson_fits(n_samples)
    assert np.median([fit.branching_ratio for fit in fits]) < 0.08
    holds_zero = np.mean([fit.interval(0.9)[0] == 0.0 for fit in fits])
    # With no excitation the decay means nothing, and its free choice costs coverage: 0.82 measured.
    assert holds_zero >= 0.81 - Z_LIMIT * math.sqrt(0.81 * 0.19 / n_samples)
    prefers_poisson = np.mean([fit.aic > fit.aic_poisson for fit in fits])
    assert prefers_poisson >= 0.9 - Z_LIMIT * math.sqrt(0.9 * 0.1 / n_samples)


def test_poisson_events_do_not_seem_to_excite_each_other():
    check_poisson(6)


@pytest.mark.verification
def test_poisson_events_do_not_seem_to_excite_each_other_in_many_samples():
    check_poisson(300)


def test_a_change_of_the_background_is_mistaken_for_excitation():
    # What the documentation warns of: four times as many events after 1,000 days, all independent.
    rng = np.random.default_rng(5)
    times = np.concatenate([rng.uniform(0, 1000, 100), rng.uniform(1000, 2000, 400)])
    assert fit_hawkes(times, horizon=2000.0).branching_ratio == pytest.approx(0.9, abs=0.05)


def test_influence_that_fades_within_a_day_shows_at_the_bound_of_events_by_the_day():
    process = Hawkes(mu=0.2, branching_ratio=0.5, decay_pd=3.0)
    times = drawn(process, 2000.0)
    by_day, exact = (fit_hawkes(t, horizon=2000.0) for t in (np.floor(times), times))
    assert (by_day.at_bound, exact.at_bound) == (True, False)
    assert by_day.half_life_days == pytest.approx(1.0)


# --- Intervals ----------------------------------------------------------------------------


def test_bounds_lie_where_the_profile_of_the_likelihood_says():
    times = drawn(horizon=1000.0)
    fit = fit_hawkes(times, horizon=1000.0)
    drop = 0.5 * stats.chi2.ppf(0.9, 1)
    for bound in fit.interval(0.9):
        assert 0.0 < bound < 0.9999
        found = optimize.minimize(
            lambda at, n=bound: (
                -log_likelihood(
                    Hawkes(mu=math.exp(at[0]), branching_ratio=n, decay_pd=math.exp(at[1])),
                    times,
                    horizon=1000.0,
                )
            ),
            [math.log(fit.mu), math.log(fit.decay_pd)],
            method="Nelder-Mead",
        )
        assert fit.log_likelihood + found.fun == pytest.approx(drop, abs=1e-3)


@pytest.mark.parametrize("name", ["branching_ratio", "decay_pd", "mu"])
def test_higher_levels_give_wider_intervals_around_the_estimate(name):
    fit = fit_hawkes(drawn(horizon=1000.0), horizon=1000.0)
    low, high = fit.interval(0.5, name)
    lower, higher = fit.interval(0.95, name)
    assert lower < low < getattr(fit, name) < high < higher


@pytest.mark.parametrize(
    ("level", "of", "message"),
    [
        (1.0, "mu", r"level must lie in \(0, 1\)"),
        (math.nan, "mu", r"level must lie in \(0, 1\)"),
        (0.9, "decay", "of must be one of branching_ratio, decay_pd, mu .did you mean 'decay_pd'"),
    ],
)
def test_intervals_refuse_what_they_cannot_give(level, of, message):
    with pytest.raises(InvalidInputError, match=message):
        fit_hawkes(drawn(horizon=1000.0), horizon=1000.0).interval(level, of)


# --- Simulation and residuals -------------------------------------------------------------


def test_residuals_are_the_integral_of_the_rate():
    times = drawn(horizon=60.0)
    points = [0.0, *times]
    slow = [
        integrate.quad(lambda t: rate_at(TRUE, times, t), a, b, epsabs=1e-12)[0]
        for a, b in pairwise(points)
    ]
    np.testing.assert_allclose(residuals(TRUE, times), slow, rtol=1e-8)


@pytest.mark.parametrize("n", [0.0, 0.3, 0.6, 0.9])
def test_residuals_of_the_true_process_are_exponential(n):
    process = Hawkes(mu=0.3, branching_ratio=n, decay_pd=0.4)
    found = residuals(process, drawn(process, 5000.0))
    assert found.size > 1000
    assert stats.kstest(found, "expon").pvalue > 1e-3
    # Independent, too: correlation of neighbours within the z-limit.
    correlation = float(np.corrcoef(found[1:], found[:-1])[0, 1])
    assert abs(correlation) < Z_LIMIT / math.sqrt(found.size)


def test_residuals_tell_a_wrong_process():
    poisson = Hawkes(mu=TRUE.mean_rate_pd, branching_ratio=0.0, decay_pd=0.1)
    assert stats.kstest(residuals(poisson, drawn()), "expon").pvalue < 1e-3


def test_residuals_of_a_fit_are_exponential():
    times = drawn()
    fit = fit_hawkes(times, horizon=HORIZON)
    assert stats.kstest(residuals(fit, times), "expon").pvalue > 1e-3


@pytest.mark.parametrize("n", [0.0, 0.5, 0.8])
def test_number_of_events_is_that_of_the_closed_form(n):
    process = Hawkes(mu=0.4, branching_ratio=n, decay_pd=0.5)
    counts = np.array([drawn(process, 200.0, seed).size for seed in range(1500)])
    z = (counts.mean() - expected_from_nothing(process, 200.0)) / counts.std() * math.sqrt(1500)
    assert abs(z) < Z_LIMIT
    # Over a long time what was lacking at the start does not matter: mu T / (1 - n).
    long = expected_from_nothing(process, 1e6)
    assert long == pytest.approx(0.4e6 / (1 - n), rel=1e-4)


def test_generations_and_thinning_draw_the_same_process():
    process = Hawkes(mu=0.4, branching_ratio=0.6, decay_pd=0.5)
    rng = np.random.default_rng(3)
    by_thinning = [thinned(process, [], 0.0, 40.0, rng).size for _ in range(300)]
    by_generations = [drawn(process, 40.0, seed).size for seed in range(300)]
    assert stats.ks_2samp(by_thinning, by_generations).pvalue > 1e-3


def test_same_seed_same_events():
    np.testing.assert_array_equal(drawn(seed=5), drawn(seed=5))
    assert (np.diff(drawn()) > 0).all()
    assert drawn().max() < HORIZON


# --- Events ahead -------------------------------------------------------------------------


def test_expected_events_are_those_of_simulated_futures():
    process = Hawkes(mu=0.1, branching_ratio=0.6, decay_pd=0.2)
    past = [80.5, 93.2, 98.1, 98.9, 99.7]
    rng = np.random.default_rng(11)
    for ahead in (3.0, 30.0):
        counts = np.array([thinned(process, past, 100.0, ahead, rng).size for _ in range(1500)])
        error = counts.std() / math.sqrt(counts.size)
        expected = expected_events(process, past, now=100.0, ahead_days=ahead)
        assert abs(counts.mean() - expected) < Z_LIMIT * error


def test_expected_events_from_nothing_are_the_closed_form():
    found = expected_events(TRUE, [], now=0.001, ahead_days=50.0)
    assert found == pytest.approx(expected_from_nothing(TRUE, 50.0), rel=1e-9)


@given(processes, moments, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_expected_events_add_up_from_now_on_and_more_past_brings_more(process, times, a, b):
    near, far = sorted((a, b))
    times = np.array(times) + 1e-4
    few, all_near, all_far = (
        expected_events(process, past, now=101.0, ahead_days=days)
        for past, days in ((times[:5], near), (times, near), (times, far))
    )
    assert 0.0 <= few <= all_near * (1 + 1e-9) + 1e-9
    assert all_near <= all_far * (1 + 1e-9) + 1e-9


def test_without_excitation_history_does_not_matter():
    process = Hawkes(mu=0.3, branching_ratio=0.0, decay_pd=1.0)
    assert expected_events(process, [9.5, 9.6], now=10.0, ahead_days=20.0) == pytest.approx(6.0)


# --- Events known by the day --------------------------------------------------------------


@given(st.lists(st.integers(0, 30), max_size=60))
def test_spread_events_stay_in_their_days_and_lie_evenly(days):
    spread = spread_over_days(days)
    assert np.floor(spread).tolist() == sorted(days)
    assert (np.diff(spread) > 0).all()
    for day in set(days):
        mine = spread[np.floor(spread) == day] - day
        assert mine.mean() == pytest.approx(0.5)
        np.testing.assert_allclose(np.diff(mine), 1.0 / mine.size, rtol=1e-9)


def test_order_of_events_does_not_matter():
    days = np.floor(drawn(horizon=1000.0))
    shuffled = np.random.default_rng(1).permutation(days)
    assert fit_hawkes(days, horizon=1000.0) == fit_hawkes(shuffled, horizon=1000.0)


def test_ties_of_exact_times_are_refused():
    with pytest.raises(InvalidInputError, match=r"times must differ, or all be whole days.*3\.5"):
        fit_hawkes([1.0, 2.0, 3.5, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], horizon=20.0)


# --- Refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 1.5, -0.1, math.nan])
def test_branching_ratio_of_one_or_more_is_refused(ratio):
    message = "branching_ratio must be at least 0 and below 1, or events multiply without end"
    with pytest.raises(InvalidInputError, match=message):
        simulate_hawkes(0.2, ratio, 0.1, 100.0, rng=np.random.default_rng(1))
    with pytest.raises(InvalidInputError, match=message):
        Hawkes(mu=0.2, branching_ratio=ratio, decay_pd=0.1)


@pytest.mark.parametrize(
    ("mu", "decay", "horizon", "message"),
    [(0, 1, 1, "mu must"), (1, -1, 1, "decay_pd must"), (1, 1, math.inf, "horizon must")],
)
def test_simulation_refuses_values_that_make_no_process(mu, decay, horizon, message):
    with pytest.raises(InvalidInputError, match=message):
        simulate_hawkes(mu, 0.5, decay, horizon, rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("times", "horizon", "message"),
    [
        (np.arange(9) + 0.5, 20.0, r"times must be .n_events,. with n_events >= 10"),
        (np.zeros((5, 5)), 20.0, r"times must be .n_events,."),
        ([*range(9), math.nan], 20.0, "times must be finite numbers, got nan"),
        (np.arange(10) + 0.5, 9.0, "times must lie within the 9 days watched, as 1 do not"),
        (np.arange(10), 9.0, "times must lie within the 9 days watched"),
        (np.arange(10) - 0.5, 20.0, "times must lie within"),
        (np.arange(10), 0.0, "horizon must be a finite number > 0"),
        (np.arange(10), math.nan, "horizon must be a finite number > 0"),
    ],
)
def test_fit_refuses_times_that_make_no_sense(times, horizon, message):
    with pytest.raises(InvalidInputError, match=message):
        fit_hawkes(times, horizon=horizon)


@pytest.mark.parametrize("bounds", [(0, 5), (5, 1), (math.nan, 2)])
def test_fit_refuses_half_lives_out_of_order(bounds):
    with pytest.raises(InvalidInputError, match="half_life_bounds_days must be above 0 and rise"):
        fit_hawkes(np.arange(20) + 0.5, horizon=50.0, half_life_bounds_days=bounds)


def test_events_after_now_are_no_history():
    with pytest.raises(InvalidInputError, match="times must lie within the 10 days watched"):
        expected_events(TRUE, [1.5, 10.5], now=10.0, ahead_days=5.0)
    with pytest.raises(InvalidInputError, match="ahead_days must be a finite number >= 0"):
        expected_events(TRUE, [1.5], now=10.0, ahead_days=-5.0)
