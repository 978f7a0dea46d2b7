"""Rates of groups pulled together, and the years behind them: published values, oracles, laws."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import Rate, fit_rate
from supplyrisk.hazard import exposure as module
from supplyrisk.hazard.exposure import exposure_years, pool_rates

# Failures of ten pumps of a nuclear plant, and their thousands of hours of operation: D. P. Gaver,
# I. G. O'Muircheartaigh, Technometrics 29 (1987), table 3, doi 10.1080/00401706.1987.10488178.
PUMPS = dict(enumerate((5, 1, 5, 14, 3, 19, 1, 1, 4, 22), start=1))
HOURS = (94.320, 15.720, 62.880, 125.760, 5.240, 31.440, 1.048, 1.048, 2.096, 10.480)
PUMP_COUNTS = {f"pump-{i}": n for i, n in PUMPS.items()}
PUMP_HOURS = {f"pump-{i}": t for i, t in zip(PUMPS, HOURS, strict=True)}

# The library's reference: rates of 24 large copper mines, 28 stops in 429 site-years.
COPPER = Rate(rate_shape=1.7, exposure_years=25.0)

few = settings(max_examples=settings().max_examples // 6)
groups = st.lists(
    st.tuples(st.integers(0, 60), st.floats(0.5, 200.0)), min_size=2, max_size=12
).map(
    lambda rows: (
        {f"g{i}": n for i, (n, _) in enumerate(rows)},
        {f"g{i}": t for i, (_, t) in enumerate(rows)},
    )
)
factors = st.floats(0.1, 10.0)
priors = st.builds(Rate, rate_shape=st.floats(0.1, 50.0), exposure_years=st.floats(0.1, 500.0))


def below(rate, at):
    """Probability that a mixture of gamma distributions lies below `at`."""
    return float(rate.weights @ stats.gamma.cdf(at, rate.shapes, scale=1.0 / rate.years))


def slow_likelihood(counts, years, shape, prior_years):
    """Log-likelihood by scipy.stats, one term for each group."""
    n, t = np.array(list(counts.values())), np.array(list(years.values()))
    chance = prior_years / (prior_years + t)
    return stats.nbinom.logpmf(n, shape, chance).sum()


def panel(rng, between, n_groups, years):
    true = rng.gamma(between.rate_shape, 1.0 / between.exposure_years, n_groups)
    return {f"g{i}": int(n) for i, n in enumerate(rng.poisson(true * years))}, true


# --- Published figures --------------------------------------------------------------------


def test_maximum_likelihood_of_the_pump_failures_is_the_published_one():
    # NIMBLE user manual, "Running MCEM": 0.8221657 and 1.2589865 by Monte Carlo EM, within 0.01 of
    # the values of E. I. George, U. E. Makov, A. F. M. Smith, Scand. J. Statist. 20 (1993), table
    # 2. The manual rounds the hours to three digits.
    n, t = np.array(list(PUMP_COUNTS.values()), float), np.array([94.3, 15.7, 62.9, 126, 5.24])
    t = np.append(t, [31.4, 1.05, 1.05, 2.1, 10.5])
    seen = module._Seen(n, t)

    def loss(at):
        spread = np.exp(-0.5 * at[0])
        return -float(module._log_likelihood(seen, np.array(at[0] - at[1]), np.array(spread)))

    found = optimize.minimize(
        loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    assert np.exp(found.x) == pytest.approx([0.8221657, 1.2589865], abs=0.003)
    # The penalty moves it by less than a quarter of the shape's standard error of 0.4.
    pooled = pool_rates(PUMP_COUNTS, PUMP_HOURS)
    assert pooled.between.rate_shape == pytest.approx(0.823, abs=0.1)
    assert pooled.between.exposure_years == pytest.approx(1.261, abs=0.1)


def test_empirical_bayes_rates_of_the_pumps_follow_from_the_published_prior():
    prior = Rate(rate_shape=0.8221657, exposure_years=1.2589865)
    pooled = pool_rates(PUMP_COUNTS, PUMP_HOURS, prior=prior)
    # (a + n) / (b + T), worked by hand for the first pump and the last.
    assert pooled.conditional["pump-1"].mean == pytest.approx(5.8221657 / 95.5789865, rel=1e-12)
    assert pooled.conditional["pump-10"].mean == pytest.approx(22.8221657 / 11.7389865, rel=1e-12)
    for name, rate in pooled.rates.items():
        assert rate.mean == pytest.approx(pooled.conditional[name].mean, rel=1e-12)
        assert rate.rate_shape == pytest.approx(pooled.conditional[name].rate_shape, rel=1e-12)
        assert rate.interval() == pytest.approx(pooled.conditional[name].interval(), rel=1e-8)
    assert pooled.spread_interval() == pytest.approx((prior.rate_shape**-0.5,) * 2, rel=1e-12)


def test_rates_of_the_pumps_are_those_of_the_hierarchical_model_of_bugs():
    # Posterior means and standard deviations as printed by Mamba.jl, doc/examples/pumps.rst, for
    # the OpenBUGS example of the same data. Its prior, alpha ~ Exp(1) and beta ~ Gamma(0.1, 1), is
    # another: the means differ by at most a sixth of a standard deviation.
    published = {
        1: (0.0597, 0.0251),
        2: (0.0998, 0.0773),
        3: (0.0890, 0.0380),
        4: (0.1162, 0.0306),
        5: (0.6037, 0.3224),
        6: (0.6089, 0.1394),
        7: (0.8943, 0.6916),
        8: (0.8843, 0.7260),
        9: (1.5624, 0.7559),
        10: (1.9879, 0.4279),
    }
    pooled = pool_rates(PUMP_COUNTS, PUMP_HOURS)
    for number, (mean, deviation) in published.items():
        rate = pooled.rates[f"pump-{number}"]
        assert abs(rate.mean - mean) < deviation / 6.0
        assert rate.mean / math.sqrt(rate.rate_shape) == pytest.approx(deviation, rel=0.12)
    low, high = pooled.spread_interval()
    assert low < 0.679247**-0.5 < high


def test_copper_sites_of_the_reference_agree_with_their_panel():
    # Gamma(1.7, 25 years) between sites has the mean of 28 stops in 429 years, within an event.
    assert COPPER.mean == pytest.approx(28.5 / 429.0, abs=0.002)
    pooled = pool_rates({"escondida": 1, "untroubled": 0}, 21.0, prior=COPPER)
    assert pooled.spread == pytest.approx(0.767, abs=0.0005)
    assert pooled.conditional["untroubled"] == Rate(rate_shape=1.7, exposure_years=46.0)
    assert pooled.conditional["escondida"] == Rate(rate_shape=2.7, exposure_years=46.0)
    assert pooled.new_group.mean == pytest.approx(0.068, rel=1e-12)


# --- Oracles ------------------------------------------------------------------------------


def test_likelihood_is_that_of_the_negative_binomial_of_scipy():
    n, t = np.array(list(PUMP_COUNTS.values()), float), np.array(HOURS)
    constant = -special.gammaln(n + 1.0).sum()
    for shape, prior_years in [(0.3, 0.2), (1.0, 7.0), (40.0, 20.0), (1e5, 2e5)]:
        got = module._log_likelihood(
            module._Seen(n, t), np.log(shape / prior_years), np.array(shape**-0.5)
        )
        slow = slow_likelihood(PUMP_COUNTS, PUMP_HOURS, shape, prior_years)
        assert float(got) + constant == pytest.approx(slow, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "years"),
    [
        (PUMP_COUNTS, PUMP_HOURS),
        ({"a": 0, "b": 0, "c": 0, "d": 0}, dict.fromkeys("abcd", 20.0)),
        ({"a": 2, "b": 2, "c": 2, "d": 2}, dict.fromkeys("abcd", 20.0)),
        ({"a": 0, "b": 9, "c": 1, "d": 0, "e": 3}, {"a": 5, "b": 20, "c": 8, "d": 21, "e": 12}),
    ],
    ids=["pumps", "nothing", "alike", "unlike"],
)
def test_posterior_is_that_of_a_dense_mesh(counts, years):
    # Brute force: likelihood by scipy.stats times the prior written out, over 200 by 801 points.
    k = len(counts)
    spread = np.linspace(0.0, math.sqrt(k / 3.0), 201)[1:]
    spread -= 0.5 * (spread[1] - spread[0])
    log_mean = np.linspace(-20.0, 20.0, 801)
    c, x = (grid.ravel() for grid in np.meshgrid(spread, log_mean, indexing="ij"))
    a = c**-2.0
    b = a * np.exp(-x)
    log_weight = 0.5 * x + np.log(c) - 2.0 * c
    for n, t in zip(counts.values(), years.values(), strict=True):
        log_weight += stats.nbinom.logpmf(n, a, b / (b + t))
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    pooled = pool_rates(counts, years)
    seen = {name: (counts[name], years[name]) for name in counts} | {None: (0, 0.0)}
    for name, (n, t) in seen.items():
        rate = pooled.new_group if name is None else pooled.rates[name]
        means = (a + n) / (b + t)
        mean = weight @ means
        variance = weight @ ((a + n) / (b + t) ** 2 + (means - mean) ** 2)
        assert rate.mean == pytest.approx(mean, rel=2e-3)
        assert mean**2 / variance == pytest.approx(rate.rate_shape, rel=5e-3)
        some = weight > weight.max() * 1e-8
        for bound, p in zip(rate.interval(), (0.05, 0.95), strict=True):
            chance = special.gammainc(a[some] + n, bound * (b[some] + t)) @ weight[some]
            assert chance == pytest.approx(p, abs=2e-3)
    below_each = weight.reshape(spread.size, -1).sum(axis=1).cumsum()
    step = spread[1] - spread[0]
    for bound, p in zip(pooled.spread_interval(), (0.05, 0.95), strict=True):
        assert np.interp(bound, spread + 0.5 * step, below_each) == pytest.approx(p, abs=3e-3)


def test_estimate_is_the_highest_point_of_likelihood_and_penalty():
    pooled = pool_rates(PUMP_COUNTS, PUMP_HOURS)
    a, b = pooled.between.rate_shape, pooled.between.exposure_years

    def height(shape, prior_years):
        c = shape**-0.5
        penalty = 0.5 * math.log(shape / prior_years) + math.log(c) - 2.0 * c
        return slow_likelihood(PUMP_COUNTS, PUMP_HOURS, shape, prior_years) + penalty

    top = height(a, b)
    for da in (-0.01, 0.0, 0.01):
        for db in (-0.01, 0.0, 0.01):
            assert height(a * (1 + da), b * (1 + db)) <= top + 1e-9


def test_every_sum_has_enough_points(monkeypatch):
    cases = [(PUMP_COUNTS, PUMP_HOURS), ({"a": 0, "b": 7, "c": 1}, {"a": 3.0, "b": 9.0, "c": 1.0})]
    coarse = [pool_rates(*case) for case in cases]
    monkeypatch.setattr(module, "_N_SPREADS", 64)
    monkeypatch.setattr(module, "_N_MEANS", 121)
    monkeypatch.setattr(module, "_FAR_BELOW", 60.0)
    for before, case in zip(coarse, cases, strict=True):
        after = pool_rates(*case)
        for name in before.rates:
            assert before.rates[name].mean == pytest.approx(after.rates[name].mean, rel=1e-5)
            assert before.rates[name].interval() == pytest.approx(
                after.rates[name].interval(), rel=1e-3
            )
        assert before.new_group.rate_shape == pytest.approx(after.new_group.rate_shape, rel=1e-4)
        assert before.spread_interval() == pytest.approx(after.spread_interval(), rel=1e-3)


def coverage(n_panels, n_groups, years, seed):
    """Shares of true values that lie within 90 % intervals, over simulated panels."""
    rng = np.random.default_rng(seed)
    held = {"rates": [], "conditional": [], "new": [], "spread": []}
    for _ in range(n_panels):
        counts, true = panel(rng, COPPER, n_groups, years)
        pooled = pool_rates(counts, years)
        for name, rate in zip(counts, true, strict=True):
            held["rates"].append(0.05 < below(pooled.rates[name], rate) < 0.95)
            low, high = pooled.conditional[name].interval()
            held["conditional"].append(low < rate < high)
        fresh = rng.gamma(COPPER.rate_shape, 1.0 / COPPER.exposure_years)
        held["new"].append(0.05 < below(pooled.new_group, fresh) < 0.95)
        low, high = pooled.spread_interval()
        held["spread"].append(low < COPPER.rate_shape**-0.5 < high)
    return {name: float(np.mean(hits)) for name, hits in held.items()}


def test_intervals_of_a_few_panels_hold_the_truth():
    # 12 panels of 24 sites: the share of 288 rates has a standard error of 0.018; z within 3.
    assert coverage(12, 24, 17.9, seed=2)["rates"] == pytest.approx(0.9, abs=0.055)


@pytest.mark.verification
def test_intervals_of_many_panels_hold_the_truth():
    held = coverage(200, 24, 17.9, seed=1)
    assert 0.88 < held["rates"] < 0.93
    assert 0.85 < held["new"] < 0.95
    assert 0.85 < held["spread"] < 0.98
    # Taking the estimate for the truth holds it less often.
    assert held["conditional"] < held["rates"]


# --- Laws ---------------------------------------------------------------------------------


@given(groups)
@few
def test_pooled_rate_lies_between_the_groups_own_and_that_of_all(seen):
    counts, years = seen
    pooled = pool_rates(counts, years)
    for name, rate in pooled.conditional.items():
        own, mean = counts[name] / years[name], pooled.between.mean
        assert min(own, mean) * (1 - 1e-9) <= rate.mean <= max(own, mean) * (1 + 1e-9)


@given(groups, priors)
def test_rate_under_a_known_prior_is_that_of_the_textbook(seen, prior):
    counts, years = seen
    pooled = pool_rates(counts, years, prior=prior)
    for name, rate in pooled.rates.items():
        shape, exposure = prior.rate_shape + counts[name], prior.exposure_years + years[name]
        assert rate.rate_shape == pytest.approx(shape, rel=1e-9)
        assert rate.exposure_years == pytest.approx(exposure, rel=1e-9)
        own, mean = counts[name] / years[name], prior.mean
        assert min(own, mean) * (1 - 1e-9) <= rate.mean <= max(own, mean) * (1 + 1e-9)
    assert pooled.new_group.mean == pytest.approx(prior.mean, rel=1e-9)


@given(groups, factors)
@few
def test_another_unit_of_time_divides_every_rate_by_it(seen, factor):
    counts, years = seen
    pooled = pool_rates(counts, years)
    other = pool_rates(counts, {name: t * factor for name, t in years.items()})
    assert other.spread == pytest.approx(pooled.spread, rel=1e-4)
    assert other.spread_interval() == pytest.approx(pooled.spread_interval(), rel=1e-6)
    for name in counts:
        assert other.rates[name].mean * factor == pytest.approx(pooled.rates[name].mean, rel=1e-6)
    assert other.new_group.rate_shape == pytest.approx(pooled.new_group.rate_shape, rel=1e-6)


@given(groups, st.randoms(use_true_random=False))
@few
def test_order_of_the_groups_changes_nothing(seen, random):
    counts, years = seen
    shuffled = list(counts.items())
    random.shuffle(shuffled)
    pooled, other = pool_rates(counts, years), pool_rates(dict(shuffled), years)
    assert list(other.rates) == [name for name, _ in shuffled]
    for name in counts:
        assert other.rates[name].mean == pytest.approx(pooled.rates[name].mean, rel=1e-7)
    assert other.spread_interval() == pytest.approx(pooled.spread_interval(), rel=1e-6)


@given(groups)
@few
def test_a_rate_is_less_sure_than_if_the_prior_were_known(seen):
    # By the law of total variance, averaged over what the prior may be.
    counts, years = seen
    pooled = pool_rates(counts, years)
    a, b, weights = (getattr(pooled.new_group, f) for f in ("shapes", "years", "weights"))
    for name, rate in pooled.rates.items():
        within = weights @ ((a + counts[name]) / (b + years[name]) ** 2)
        assert rate.mean**2 / rate.rate_shape >= within * (1 - 1e-9)


@given(groups, priors)
@few
def test_more_years_at_the_same_rate_narrow_every_interval(seen, prior):
    counts, years = ({name: x * 4 for name, x in values.items()} for values in seen)
    short, long = pool_rates(*seen, prior=prior), pool_rates(counts, years, prior=prior)
    for name in counts:
        more, less = long.rates[name], short.rates[name]
        assert more.rate_shape >= less.rate_shape * (1 - 1e-9)
        assert more.exposure_years > less.exposure_years
        if counts[name]:
            widths = [high / low for low, high in (less.interval(), more.interval())]
            assert widths[1] < widths[0]


@pytest.mark.parametrize("count", [0, 3])
def test_one_more_event_raises_a_group_and_hardly_less_its_neighbours(count):
    counts = dict.fromkeys("abcdefgh", 2) | {"a": count, "b": 6}
    fewer, more = (pool_rates(counts | {"a": n}, 20.0).rates for n in (count, count + 1))
    assert more["a"].mean > fewer["a"].mean
    assert more["a"].mean - fewer["a"].mean > more["c"].mean - fewer["c"].mean


# --- Corners where plain maximum likelihood has no answer ---------------------------------


@pytest.mark.parametrize("n_groups", [2, 5, 24])
def test_counts_that_are_all_zero_have_an_estimate(n_groups):
    pooled = pool_rates({f"g{i}": 0 for i in range(n_groups)}, 20.0)
    together = fit_rate(0, 20.0 * n_groups).mean
    assert pooled.between.mean == pytest.approx(together, rel=0.1)
    # Nothing is known of the spread: it is what was assumed, most likely a half.
    assert pooled.spread == pytest.approx(0.5, abs=0.02)
    assert together * 0.9 < pooled.rates["g0"].mean < together * 1.5


@pytest.mark.parametrize(("count", "n_groups"), [(1, 6), (28, 24), (1_000, 6)])
def test_counts_that_are_all_equal_are_pooled_almost_wholly(count, n_groups):
    pooled = pool_rates({f"g{i}": count for i in range(n_groups)}, 20.0)
    assert pooled.between.mean == pytest.approx((count + 0.5 / n_groups) / 20.0, rel=0.02)
    # Below what the noise of a count alone would make of equal rates.
    assert pooled.spread < count**-0.5
    low, high = pooled.rates["g0"].interval()
    alone = fit_rate(count, 20.0).interval()
    assert high - low < alone[1] - alone[0]
    assert low < count / 20.0 < high


def test_groups_that_differ_wildly_are_left_alone():
    counts = {"a": 3, "b": 900, "c": 40, "d": 0, "e": 11_000, "f": 250}
    pooled = pool_rates(counts, 20.0)
    assert pooled.spread > 1.0
    for name, n in counts.items():
        # Within one standard error of a count alone.
        assert abs(pooled.rates[name].mean - n / 20.0) < max(n, 1) ** 0.5 / 20.0


def test_armed_conflict_of_one_site_is_pulled_up_and_down():
    # Four sites near fighting, one of them hit twice: neither 0 nor two in ten years is believed.
    pooled = pool_rates({"hit": 2, "a": 0, "b": 0, "c": 0}, 10.0)
    assert 0.0 < pooled.rates["a"].mean < pooled.new_group.mean < pooled.rates["hit"].mean < 0.2


def test_a_level_near_one_gives_the_widest_interval_of_the_spread():
    pooled = pool_rates(PUMP_COUNTS, PUMP_HOURS)
    bounds = [pooled.spread_interval(level) for level in (0.5, 0.9, 0.998, 0.99999)]
    assert bounds[2] == pytest.approx(bounds[3], rel=1e-9)
    assert bounds[2][0] < bounds[1][0] < bounds[0][0] < pooled.spread + 0.2
    assert bounds[0][1] < bounds[1][1] < bounds[2][1] <= math.sqrt(10.0 / 3.0)


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "years", "match"),
    [
        ({}, 10.0, "must hold at least 2 groups, got 0"),
        ({"a": 1}, 10.0, "must hold at least 2 groups, got 1"),
        ({"a": -1, "b": 0}, 10.0, r"counts\['a'\] must be a whole number >= 0, got -1"),
        ({"a": math.nan, "b": 0}, 10.0, r"counts\['a'\] must be a whole number >= 0, got nan"),
        ({"a": 1, "b": 0}, 0.0, r"exposure_years\['a'\] must be a finite number > 0"),
        ({"a": 1, "b": 0}, {"a": 1.0, "b": math.nan}, r"exposure_years\['b'\] must be a finite"),
        ({"a": 1, "b": 0}, {"a": 1.0}, "must be given for the groups that have counts"),
        ({"a": 1, "b": 0}, {"a": 1.0, "b": 1.0, "c": 1.0}, r"got \['c'\]"),
    ],
)
def test_groups_that_cannot_be_pooled_are_refused(counts, years, match):
    with pytest.raises(InvalidInputError, match=match):
        pool_rates(counts, years)


def test_counts_must_be_named():
    with pytest.raises(TypeError, match="counts must be of the class Mapping"):
        pool_rates([1, 0], 10.0)


def test_a_prior_must_be_a_rate():
    with pytest.raises(TypeError, match="prior must be of the class Rate"):
        pool_rates({"a": 1, "b": 0}, 10.0, prior=(1.7, 25.0))


def test_one_group_under_a_known_prior_is_enough():
    assert pool_rates({"a": 0}, 25.0, prior=COPPER).rates["a"].mean == pytest.approx(0.034)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan, "0.9"])
def test_a_level_outside_zero_and_one_is_refused(level):
    pooled = pool_rates({"a": 1, "b": 0}, 10.0)
    for interval in (pooled.spread_interval, pooled.rates["a"].interval):
        with pytest.raises(InvalidInputError, match=r"level must lie in \(0, 1\)"):
            interval(level)


# --- Years of observation -----------------------------------------------------------------

UNTIL = dt.date(2025, 12, 31)
days = st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31))
stays = st.tuples(days, st.one_of(st.none(), st.integers(0, 12_000)))


def left(stay):
    opened, length = stay
    return None if length is None else opened + dt.timedelta(days=length)


def test_years_of_the_panels_of_the_reference():
    # From 2005 to the end of 2025: 16 years of 365 days, 5 of 366, less the last day.
    years = exposure_years([dt.date(2005, 1, 1)], until=UNTIL)
    assert years.tolist() == [(16 * 365 + 5 * 366 - 1) / 365]


def test_leap_days_are_days():
    entries = [dt.date(2024, 2, 28), dt.date(2023, 2, 28), dt.date(2024, 2, 29)]
    exits = [dt.date(2024, 3, 1), dt.date(2023, 3, 1), dt.date(2025, 2, 28)]
    watched = exposure_years(entries, exits, until=UNTIL) * 365
    assert watched == pytest.approx([2.0, 1.0, 365.0], rel=1e-12)


def test_what_comes_after_the_day_of_the_fit_does_not_count():
    entries = [dt.date(2020, 1, 1)] * 3 + [dt.date(2025, 6, 1)]
    exits = [dt.date(2021, 1, 1), dt.date(2025, 6, 1), None, None]
    years = exposure_years(entries, exits, until=dt.date(2025, 3, 13))
    assert years * 365 == pytest.approx([366.0, 1_898.0, 1_898.0, 0.0], rel=1e-12)


def test_days_of_numpy_and_of_a_frame_are_days():
    entries = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]")
    exits = np.array(["2020-12-31", "NaT"], dtype="datetime64[D]")
    years = exposure_years(entries, exits, until=dt.date(2022, 1, 1))
    assert years.tolist() == [1.0, 1.0]


@given(st.lists(stays, max_size=8), days, st.integers(0, 400))
def test_looking_back_from_later_never_lowers_the_years(kept, until, later):
    entries, exits = [stay[0] for stay in kept], [left(stay) for stay in kept]
    a, b = (exposure_years(entries, exits, until=until + dt.timedelta(days=d)) for d in (0, later))
    assert a.shape == b.shape == (len(kept),)
    assert ((a >= 0.0) & (b >= a) & (b - a <= later / 365 + 1e-9)).all()


@given(st.lists(stays, min_size=1, max_size=8), days)
def test_a_mine_that_changes_hands_is_counted_once(kept, until):
    for opened, length in kept:
        sold = opened + dt.timedelta(days=(length or 100) // 2)
        whole = exposure_years([opened], [left((opened, length))], until=until)
        if length is None or left((opened, length)) >= sold:
            parts = exposure_years([opened, sold], [sold, left((opened, length))], until=until)
            assert parts.sum() == pytest.approx(whole.sum(), abs=1e-9)


@pytest.mark.parametrize(
    ("entries", "exits", "until", "match"),
    [
        ([dt.date(2020, 1, 2)], [dt.date(2020, 1, 1)], UNTIL, "must not be before the entry"),
        ([None], None, UNTIL, r"entries\[0\] must be a date"),
        ([math.nan], None, UNTIL, r"entries\[0\] must be a date"),
        ([dt.date(2020, 1, 2)], [math.nan], UNTIL, r"exits\[0\] must be a date"),
        ([dt.datetime(2020, 1, 2)], None, UNTIL, r"entries\[0\] must be a date"),  # noqa: DTZ001
        (np.array(["NaT"], dtype="datetime64[D]"), None, UNTIL, r"entries\[0\] must be a date"),
        ([dt.date(2020, 1, 2)], [], UNTIL, r"exits must be as many as entries \(1\), got 0"),
        ([dt.date(2020, 1, 2)], None, "2025", "until must be a date"),
    ],
)
def test_days_that_are_none_are_refused(entries, exits, until, match):
    with pytest.raises(InvalidInputError, match=match):
        exposure_years(entries, exits, until=until)


def test_years_of_nothing_are_refused_by_the_rate():
    years = exposure_years([], until=UNTIL)
    assert years.shape == (0,)
    with pytest.raises(InvalidInputError, match="exposure_years must be a finite number > 0"):
        fit_rate(0, float(years.sum()))
