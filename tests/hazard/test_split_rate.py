"""Rates of causes: one total, split by a Dirichlet posterior; oracles, simulation, laws."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import Rate, fit_rate
from supplyrisk.hazard.exposure import pool_rates
from supplyrisk.hazard.rates import mixed, split_rate
from supplyrisk.model.hazard import Peril

# The library's reference gives the 18 stops of the tin panel in 259 years by cause, as rates.
TIN = dict.fromkeys(map(str, Peril), 0) | {
    "regulatory_or_licence": 7,
    "export_restriction": 3,
    "strike": 2,
    "price_curtailment": 2,
    "armed_conflict": 1,
    "civil_unrest": 1,
    "accident": 1,
    "pandemic": 1,
}
TIN_YEARS = 259.0

few = settings(max_examples=settings().max_examples // 3)
by_cause = st.dictionaries(st.text("abcdefgh", min_size=1), st.integers(0, 200), min_size=1)
years = st.floats(0.1, 10_000.0)
totals = st.builds(Rate, rate_shape=st.floats(0.1, 100.0), exposure_years=st.floats(0.1, 1_000.0))


def test_causes_of_the_tin_panel_are_those_of_the_reference():
    published = {
        "regulatory_or_licence": 0.027,
        "export_restriction": 0.012,
        "strike": 0.008,
        "price_curtailment": 0.008,
        "armed_conflict": 0.004,
        "civil_unrest": 0.004,
        "accident": 0.004,
        "pandemic": 0.004,
    }
    assert sum(TIN.values()) == 18
    assert len(TIN) == 13
    for cause, rate in published.items():
        assert TIN[cause] / TIN_YEARS == pytest.approx(rate, abs=0.0005)
    rates = split_rate(TIN, TIN_YEARS)
    # Worked by hand: (18.5 / 259) (7.5 / 24.5) and (18.5 / 259) (0.5 / 24.5).
    assert rates["regulatory_or_licence"].mean == pytest.approx(0.0218659, abs=1e-7)
    assert rates["sanctions"].mean == pytest.approx(0.0014577, abs=1e-7)


@pytest.mark.parametrize(("n_causes", "too_many"), [(12, 0.297), (13, 0.324)])
def test_separate_posteriors_would_add_half_an_event_for_each_cause_but_one(n_causes, too_many):
    counts = dict(sorted(TIN.items(), key=lambda item: -item[1])[:n_causes])
    total = fit_rate(18, TIN_YEARS).mean
    split = sum(rate.mean for rate in split_rate(counts, TIN_YEARS).values())
    apart = sum(fit_rate(n, TIN_YEARS).mean for n in counts.values())
    assert split == pytest.approx(total, rel=1e-14)
    assert (apart - total) * TIN_YEARS == pytest.approx((n_causes - 1) / 2, rel=1e-12)
    assert apart / total - 1.0 == pytest.approx(too_many, abs=0.0005)


def test_a_single_cause_is_the_total():
    only = split_rate({"strike": 7}, 120.0)["strike"]
    total = fit_rate(7, 120.0)
    assert only.rate_shape == pytest.approx(total.rate_shape, rel=1e-14)
    assert only.mean == pytest.approx(total.mean, rel=1e-14)
    assert only.interval() == pytest.approx(total.interval(), rel=1e-8)


@pytest.mark.parametrize(
    ("n", "others", "n_causes"), [(0, 18, 13), (1, 17, 13), (7, 11, 13), (2, 1, 2)]
)
def test_interval_of_a_cause_is_that_of_the_product_by_adaptive_quadrature(n, others, n_causes):
    counts = {"a": n, "b": others} | {f"c{i}": 0 for i in range(n_causes - 2)}
    rate = split_rate(counts, 259.0)["a"]
    total = stats.gamma(n + others + 0.5, scale=1.0 / 259.0)
    share = stats.beta(n + 0.5, others + 0.5 * (n_causes - 1))
    for bound, p in zip(rate.interval(0.9), (0.05, 0.95), strict=True):
        # In probabilities of the share there is no pole of its density to mind.
        below, _ = integrate.quad(
            lambda u, bound=bound: total.cdf(bound / share.ppf(u)), 0.0, 1.0, limit=200
        )
        assert below == pytest.approx(p, abs=2e-5)


def test_moments_and_interval_of_a_cause_are_those_of_simulated_products():
    rng, n = np.random.default_rng(11), 400_000
    names = list(TIN)
    total = rng.gamma(18.5, 1.0 / TIN_YEARS, n)
    share = rng.dirichlet([TIN[name] + 0.5 for name in names], n)
    rates = split_rate(TIN, TIN_YEARS)
    for place, name in enumerate(names):
        product = total * share[:, place]
        rate = rates[name]
        error = product.std() / math.sqrt(n)
        assert abs(product.mean() - rate.mean) < 4.0 * error
        variance = rate.mean**2 / rate.rate_shape
        fourth = ((product - product.mean()) ** 4).mean()
        assert abs(product.var() - variance) < 4.0 * math.sqrt((fourth - variance**2) / n)
        low, high = rate.interval(0.9)
        for bound, p in ((low, 0.05), (high, 0.95)):
            # Four standard errors of a share of 400,000 draws, and the error of the quadrature.
            assert abs((product < bound).mean() - p) < 4.0 * math.sqrt(0.05 * 0.95 / n) + 2e-5


@given(by_cause, years)
def test_means_of_the_causes_add_up_to_the_total(causes, exposure):
    rates = split_rate(causes, exposure)
    total = fit_rate(sum(causes.values()), exposure)
    assert list(rates) == list(causes)
    assert sum(rate.mean for rate in rates.values()) == pytest.approx(total.mean, rel=1e-12)


@given(by_cause, years)
def test_a_cause_is_less_sure_than_the_total(causes, exposure):
    total = fit_rate(sum(causes.values()), exposure).rate_shape
    assert all(r.rate_shape <= total * (1 + 1e-12) for r in split_rate(causes, exposure).values())


@given(by_cause, years, st.randoms(use_true_random=False))
def test_order_of_the_causes_changes_nothing(causes, exposure, random):
    shuffled = list(causes.items())
    random.shuffle(shuffled)
    rates, other = split_rate(causes, exposure), split_rate(dict(shuffled), exposure)
    assert all(rates[name].mean == other[name].mean for name in causes)
    assert all(rates[name].rate_shape == other[name].rate_shape for name in causes)


@given(by_cause, years, st.floats(0.1, 10.0))
def test_another_unit_of_time_divides_every_cause_by_it(causes, exposure, factor):
    rates, other = split_rate(causes, exposure), split_rate(causes, exposure * factor)
    for name in causes:
        assert other[name].mean == pytest.approx(rates[name].mean / factor, rel=1e-12)
        assert other[name].rate_shape == pytest.approx(rates[name].rate_shape, rel=1e-12)


@given(st.integers(0, 30), st.integers(0, 30))
def test_more_years_at_the_same_rate_narrow_the_interval_of_a_cause(a, b):
    once, twice = ({"a": k * a, "b": k * b + k, "c": 0} for k in (1, 2))
    short, long = split_rate(once, 50.0)["a"], split_rate(twice, 100.0)["a"]
    assert long.rate_shape > short.rate_shape
    widths = [high - low for low, high in (short.interval(), long.interval())]
    assert widths[1] < widths[0]


def test_interval_of_a_cause_holds_that_of_a_lower_level():
    rate = split_rate(TIN, TIN_YEARS)["pandemic"]
    bounds = [rate.interval(level) for level in (0.5, 0.9, 0.99, 0.999999)]
    lows, highs = zip(*bounds, strict=True)
    assert 0.0 <= lows[3] < lows[2] < lows[1] < lows[0] < highs[0] < highs[1] < highs[2] < highs[3]
    assert lows[0] < rate.mean < highs[1]


def test_matched_gamma_is_close_to_the_product_it_stands_for():
    # What a hazard holds has mean and variance; its bounds are off by so much.
    for rate in split_rate(TIN, TIN_YEARS).values():
        matched = Rate(rate_shape=rate.rate_shape, exposure_years=rate.exposure_years)
        low, high = rate.interval()
        assert abs(matched.interval()[1] / high - 1.0) < 0.02
        assert special.gammainc(rate.rate_shape, low * rate.exposure_years) == pytest.approx(
            0.05, abs=0.02
        )


# --- A total that is known otherwise, and causes that stand for several -------------------

TOTAL = Rate(rate_shape=6.2, exposure_years=91.0)
SHAPES = {"a": 3.0, "c": 0.2}
EVENTS = {"a": 0, "b": 4, "c": 1}


@given(by_cause, totals, st.data())
def test_means_add_up_to_the_total_given_whatever_the_shapes(causes, total, data):
    some = data.draw(st.lists(st.sampled_from(sorted(causes)), unique=True))
    shapes = {cause: data.draw(st.floats(0.01, 50.0)) for cause in some}
    rates = split_rate(causes, total=total, prior_shapes=shapes)
    assert sum(rate.mean for rate in rates.values()) == pytest.approx(total.mean, rel=1e-12)
    assert all(rate.rate_shape <= total.rate_shape * (1 + 1e-12) for rate in rates.values())


@given(by_cause, years)
def test_the_total_of_the_same_events_and_prior_shapes_of_a_half_change_nothing(causes, exposure):
    total = fit_rate(sum(causes.values()), exposure)
    plain = split_rate(causes, exposure)
    given_ = split_rate(causes, total=total, prior_shapes=dict.fromkeys(causes, 0.5))
    for cause, rate in plain.items():
        assert (given_[cause].mean, given_[cause].rate_shape) == (rate.mean, rate.rate_shape)


@few
@given(by_cause, totals, st.data())
def test_causes_merged_with_their_shapes_leave_the_others_and_the_sum(causes, total, data):
    # The parts of a Dirichlet vector may be added.
    merged = data.draw(st.lists(st.sampled_from(sorted(causes)), unique=True, min_size=1))
    rest = {cause: n for cause, n in causes.items() if cause not in merged}
    one = {**rest, "merged": sum(causes[cause] for cause in merged)}
    apart = split_rate(causes, total=total)
    together = split_rate(one, total=total, prior_shapes={"merged": 0.5 * len(merged)})
    expected = sum(apart[cause].mean for cause in merged)
    assert together["merged"].mean == pytest.approx(expected, rel=1e-12)
    for cause in rest:
        assert together[cause].mean == pytest.approx(apart[cause].mean, rel=1e-12)
        assert together[cause].rate_shape == pytest.approx(apart[cause].rate_shape, rel=1e-9)
        assert together[cause].interval() == pytest.approx(apart[cause].interval(), rel=1e-6)


def test_means_and_shapes_are_those_worked_by_hand():
    # Posterior shapes 3, 4.5 and 1.2 of 8.7 in all; 1 + c^2 = (1 + 1/6.2) (1 + 5.7 / (3 * 9.7)).
    rates = split_rate(EVENTS, total=TOTAL, prior_shapes=SHAPES)
    for cause, share in {"a": 3.0 / 8.7, "b": 4.5 / 8.7, "c": 1.2 / 8.7}.items():
        assert rates[cause].mean == pytest.approx(6.2 / 91.0 * share, rel=1e-12)
    variation = (1.0 + 1.0 / 6.2) * (1.0 + 5.7 / (3.0 * 9.7)) - 1.0
    assert rates["a"].rate_shape == pytest.approx(1.0 / variation, rel=1e-12)


def assert_moments(rate, drawn):
    """Mean and variance of simulated products, |z| < 4 for each."""
    n = drawn.size
    assert abs(drawn.mean() - rate.mean) < 4.0 * drawn.std() / math.sqrt(n)
    variance = rate.mean**2 / rate.rate_shape
    fourth = ((drawn - drawn.mean()) ** 4).mean()
    assert abs(drawn.var() - variance) < 4.0 * math.sqrt((fourth - variance**2) / n)


def test_moments_and_intervals_are_those_of_gamma_times_dirichlet():
    rng, n = np.random.default_rng(23), 400_000
    total = rng.gamma(6.2, 1.0 / 91.0, n)
    share = rng.dirichlet([3.0, 4.5, 1.2], n)
    rates = split_rate(EVENTS, total=TOTAL, prior_shapes=SHAPES)
    for place, rate in enumerate(rates.values()):
        product = total * share[:, place]
        assert_moments(rate, product)
        for bound, p in zip(rate.interval(0.9), (0.05, 0.95), strict=True):
            # Four standard errors of a share of 400,000 draws, and the error of the quadrature.
            assert abs((product < bound).mean() - p) < 4.0 * math.sqrt(0.05 * 0.95 / n) + 2e-5


def test_merged_cause_has_the_moments_of_the_simulated_sum():
    # |z| < 4: what stands for b, c and d has the moments of their sum, not of three apart.
    rng, n = np.random.default_rng(24), 400_000
    total = rng.gamma(6.2, 1.0 / 91.0, n)
    share = rng.dirichlet([2.5, 0.5, 1.5, 3.5], n)
    rates = split_rate({"a": 2, "bcd": 4}, total=TOTAL, prior_shapes={"bcd": 1.5})
    assert_moments(rates["a"], total * share[:, 0])
    assert_moments(rates["bcd"], total * share[:, 1:].sum(axis=1))


def test_a_mixture_counts_by_its_mean_and_its_variance():
    wide = mixed(np.array([2.0, 9.0]), np.array([40.0, 30.0]), np.array([0.7, 0.3]))
    matched = Rate(rate_shape=wide.rate_shape, exposure_years=wide.exposure_years)
    one, other = (split_rate(EVENTS, total=total) for total in (wide, matched))
    rng, n = np.random.default_rng(25), 400_000
    part = rng.random(n) < 0.7
    total = np.where(part, rng.gamma(2.0, 1.0 / 40.0, n), rng.gamma(9.0, 1.0 / 30.0, n))
    share = rng.dirichlet([0.5, 4.5, 1.5], n)
    for place, cause in enumerate(EVENTS):
        assert one[cause].mean == other[cause].mean
        assert one[cause].interval() == other[cause].interval()
        assert_moments(one[cause], total * share[:, place])


def test_a_rate_pooled_over_metals_can_be_split():
    pooled = pool_rates(
        {"tin": 18, "copper": 28, "zinc": 3}, {"tin": 259, "copper": 429, "zinc": 90}
    )
    tin = pooled.rates["tin"]
    rates = split_rate(TIN, total=tin)
    assert sum(rate.mean for rate in rates.values()) == pytest.approx(tin.mean, rel=1e-12)
    assert all(rate.rate_shape < tin.rate_shape for rate in rates.values())


@given(st.floats(1e-3, 1e6))
def test_any_shape_above_0_gives_a_rate_with_an_interval(shape):
    # A share may be so near to 0 that no float has its inverse.
    rates = split_rate({"a": 0, "b": 5}, 100.0, prior_shapes={"a": shape})
    for rate in rates.values():
        low, high = rate.interval()
        assert 0.0 <= low < high < math.inf


# --- Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("causes", "exposure", "match"),
    [
        ({}, 259.0, "must hold at least one cause"),
        ({"strike": -1}, 259.0, r"counts\['strike'\] must be a whole number >= 0, got -1"),
        ({"strike": 1.5}, 259.0, r"counts\['strike'\] must be a whole number >= 0"),
        ({"strike": math.nan}, 259.0, r"counts\['strike'\] must be a whole number >= 0"),
        ({"strike": 1}, 0.0, "exposure_years must be a finite number > 0"),
        ({"strike": 1}, math.nan, "exposure_years must be a finite number > 0"),
    ],
)
def test_a_split_of_what_is_no_count_is_refused(causes, exposure, match):
    with pytest.raises(InvalidInputError, match=match):
        split_rate(causes, exposure)


def test_counts_of_causes_must_be_named():
    with pytest.raises(TypeError, match="counts must be of the class Mapping"):
        split_rate([1, 0], 10.0)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_of_a_cause_outside_zero_and_one_is_refused(level):
    with pytest.raises(InvalidInputError, match=r"level must lie in \(0, 1\)"):
        split_rate(TIN, TIN_YEARS)["strike"].interval(level)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "exposure_years must be given, or total, and not both, got (None, None)"),
        ({"exposure_years": 9.0, "total": TOTAL}, "must be given, or total, and not both"),
        ({"total": TOTAL, "prior_shapes": {"a": 0.0}}, "prior_shapes['a'] must be a finite number"),
        ({"total": TOTAL, "prior_shapes": {"a": -1.0}}, "prior_shapes['a'] must be a finite"),
        ({"total": TOTAL, "prior_shapes": {"a": math.nan}}, "prior_shapes['a'] must be a finite"),
        ({"total": TOTAL, "prior_shapes": {"a": None}}, "prior_shapes['a'] must be a finite"),
        (
            {"total": TOTAL, "prior_shapes": {"z": 0.5, "a": 1.0, 7: 1.0}},
            "prior_shapes must be given for causes that have counts, got [7, 'z']",
        ),
    ],
)
def test_totals_and_shapes_that_do_not_fit_are_refused(arguments, match):
    with pytest.raises(InvalidInputError, match=re.escape(match)):
        split_rate(EVENTS, **arguments)


def test_faults_are_named_all_at_once():
    with pytest.raises(InvalidInputError) as caught:
        split_rate({"a": -1}, prior_shapes={"a": 0.0, "b": 0.5})
    fields = [fault.field for fault in caught.value.faults]
    assert fields == ["counts['a']", "prior_shapes['a']", "prior_shapes", "exposure_years"]


@pytest.mark.parametrize("total", [0.07, (18, 259)])
def test_only_a_rate_is_a_total(total):
    with pytest.raises(TypeError, match="total must be of the class Rate"):
        split_rate(EVENTS, total=total)
