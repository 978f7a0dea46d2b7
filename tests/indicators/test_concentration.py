"""Measures of diversity against closed forms, then against their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

# (shares in percent, entropy, Hill number of order 1, of order 2, Gini-Simpson): closed forms
CLOSED_FORMS = {
    "4 equal": ((25, 25, 25, 25), math.log(4), 4.0, 4.0, 0.75),
    "30/30/20/20": ((30, 30, 20, 20), 1.3661588476, 3.92026341, 3.84615385, 0.74),
    "monopoly": ((100,), 0.0, 1.0, 1.0, 0.0),
}
amounts = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30)
orders = st.one_of(st.floats(0.0, 50.0), st.sampled_from([0.0, 1.0, 2.0, math.inf]))
MEASURES = {
    "hhi": indicators.hhi,
    "normalised_hhi": indicators.normalised_hhi,
    "shannon_entropy": indicators.shannon_entropy,
    "gini_simpson": indicators.gini_simpson,
    "hill_number": lambda x, **how: indicators.hill_number(x, 1.7, **how),
    "top_share": lambda x, **how: indicators.top_share(x, 2, **how),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


@pytest.mark.parametrize(("percent", "entropy", "hill_1", "hill_2", "gini"), CLOSED_FORMS.values())
def test_diversity_of_closed_forms(percent, entropy, hill_1, hill_2, gini):
    shares = np.array(percent) / 100
    assert indicators.shannon_entropy(shares) == pytest.approx(entropy, abs=1e-10)
    assert indicators.hill_number(shares, 1) == pytest.approx(hill_1, abs=1e-8)
    assert indicators.hill_number(shares, 2) == pytest.approx(hill_2, abs=1e-8)
    assert indicators.gini_simpson(shares) == pytest.approx(gini, abs=1e-12)


@every_measure
@given(x=amounts, random=st.randoms(use_true_random=False), factor=st.floats(1e-3, 1e3))
def test_neither_order_nor_unit_matters(measure, x, random, factor):
    plain = measure(x, renormalise=True)
    assert measure(random.sample(x, len(x)), renormalise=True) == pytest.approx(plain, abs=1e-11)
    scaled = measure(np.array(x) * factor, renormalise=True)
    assert scaled == pytest.approx(plain, rel=1e-8, abs=1e-11)


@every_measure
@given(x=amounts, n=st.integers(1, 5))
def test_suppliers_of_nothing_do_not_count(measure, x, n):
    assert measure([*x, *[0.0] * n], renormalise=True) == measure(x, renormalise=True)


@given(amounts, orders)
def test_hill_numbers_count_between_1_and_all_suppliers(x, order):
    assert 1 - 1e-9 <= indicators.hill_number(x, order, renormalise=True) <= len(x) * (1 + 1e-9)


@given(amounts, orders, orders)
def test_hill_numbers_fall_with_their_order(x, one, other):
    low, high = sorted((one, other))
    at_low, at_high = (indicators.hill_number(x, q, renormalise=True) for q in (low, high))
    assert at_high <= at_low * (1 + 1e-9)


@given(amounts)
def test_hill_numbers_hold_the_other_measures(x):
    def hill(order):
        return indicators.hill_number(x, order, renormalise=True)

    assert hill(0) == pytest.approx(len(x))
    assert math.log(hill(1)) == pytest.approx(
        indicators.shannon_entropy(x, renormalise=True), abs=1e-12
    )
    assert 1 / hill(2) == pytest.approx(indicators.hhi(x, renormalise=True), rel=1e-9)
    assert 1 / hill(math.inf) == pytest.approx(indicators.top_share(x, 1, renormalise=True))


@given(amounts, st.floats(-1e-3, 1e-3))
def test_hill_numbers_pass_smoothly_through_order_1(x, off):
    # Slope at order 1: -D Var(ln s) / 2, with the shares as probabilities.
    shares = np.array(x) / math.fsum(x)
    logs = np.log(shares)
    spread = float(shares @ (logs - shares @ logs) ** 2)
    near, at = (indicators.hill_number(x, 1 + q, renormalise=True) for q in (off, 0.0))
    assert near == pytest.approx(at * (1 - off * spread / 2), rel=1e-3 * (1 + spread) * 0.3)
    tiny = indicators.hill_number(x, 1 + off * 1e-9, renormalise=True)
    assert tiny == pytest.approx(at, rel=1e-9)


@pytest.mark.parametrize("q", [0.0, 0.3, 0.9, 1.4, 1.6, 3.0])
def test_hill_number_is_its_definition(q):
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    assert indicators.hill_number(shares, q) == pytest.approx((shares**q).sum() ** (1 / (1 - q)))


@given(st.lists(st.floats(0.001, 1e6), min_size=2, max_size=30), orders)
def test_merging_two_suppliers_leaves_no_more_diversity(x, order):
    merged = [*x[2:], x[0] + x[1]]
    before, after = (indicators.hill_number(a, order, renormalise=True) for a in (x, merged))
    assert after <= before * (1 + 1e-9)


@given(amounts, st.integers(1, 40))
def test_the_top_share_grows_to_the_whole(x, k):
    here, next_ = (indicators.top_share(x, n, renormalise=True) for n in (k, k + 1))
    assert max(x) / sum(x) * (1 - 1e-9) <= here <= next_ + 1e-15
    assert indicators.top_share(x, len(x), renormalise=True) == pytest.approx(1.0)


@given(st.integers(1, 50))
def test_normalised_hhi_of_equal_suppliers_is_0_save_for_a_monopoly(n):
    index = indicators.normalised_hhi(np.full(n, 1 / n))
    assert index == pytest.approx(1.0 if n == 1 else 0.0, abs=1e-12)


@given(amounts.filter(lambda x: len(x) > 1))
def test_normalised_hhi_is_its_definition(x):
    n, plain = len(x), indicators.hhi(x, renormalise=True)
    assert indicators.normalised_hhi(x, renormalise=True) == pytest.approx(
        (plain - 1 / n) / (1 - 1 / n), abs=1e-12
    )


def test_part_of_a_whole_has_no_entropy():
    with pytest.raises(ValueError, match=r"sum of 0\.9; .* part of a whole has no such measure"):
        indicators.shannon_entropy([0.7, 0.2])


@every_measure
def test_a_row_for_the_total_is_refused(measure):
    with pytest.raises(ValueError, match="must sum to 1 within 1e-06, got a sum of 2;"):
        measure([0.5, 0.3, 0.2, 1.0])


@pytest.mark.parametrize("order", [-0.1, math.nan, -math.inf, "1", True])
def test_bad_orders_are_refused(order):
    with pytest.raises(ValueError, match="order must be a finite number >= 0"):
        indicators.hill_number([0.5, 0.5], order)


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_bad_numbers_of_suppliers_are_refused(k):
    with pytest.raises(ValueError, match="k must be a whole number >= 1"):
        indicators.top_share([0.5, 0.5], k)


def test_coverage_without_the_largest_supplier_in_both_conventions():
    # China, others: refined copper in round numbers; the largest supplier is the largest user.
    supply, demand = [12.0, 15.0], [16.0, 11.0]
    assert indicators.n_minus_one_coverage([15.0, 12.0], demand) == pytest.approx(12 / 27)
    ours = indicators.n_minus_one_coverage([15.0, 12.0], demand, own_demand_leaves=True)
    assert ours == pytest.approx(12 / 11)
    assert indicators.n_minus_one_coverage(supply, demand) == pytest.approx(12 / 27)


def test_of_equally_large_suppliers_the_worse_loss_counts():
    ours = indicators.n_minus_one_coverage([50, 50, 0], [60, 10, 30], own_demand_leaves=True)
    assert ours == pytest.approx(50 / 90)


@given(
    st.lists(st.tuples(st.floats(0.01, 1e6), st.floats(0.01, 1e6)), min_size=2, max_size=20),
    st.floats(1e-3, 1e3),
)
def test_coverage_laws(table, factor):
    supply, demand = (np.array(column) for column in zip(*table, strict=True))
    plain = indicators.n_minus_one_coverage(supply, demand)
    others = indicators.n_minus_one_coverage(supply, demand, own_demand_leaves=True)
    assert 0 <= plain <= others
    assert plain <= supply.sum() / demand.sum()
    scaled = indicators.n_minus_one_coverage(supply * factor, demand * factor)
    assert scaled == pytest.approx(plain, rel=1e-9)
    slow = min((supply.sum() - supply[i]) / demand.sum() for i in range(len(supply)))
    assert plain == pytest.approx(slow, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("supply", "demand", "message"),
    [
        ([0, 0], [1, 1], "supply must have a sum > 0"),
        ([1, 2], [0, 0], "demand must be > 0 without the largest supplier"),
        ([1, 2], [0, 5], "demand must be > 0 without the largest supplier"),
        ([1, 2], [1], r"demand must be an array of numbers of shape \(2,\)"),
        ([1, 2], [1, np.nan], "demand must be finite and >= 0, got nan at index 1"),
    ],
)
def test_coverage_of_nothing_is_refused(supply, demand, message):
    with pytest.raises(ValueError, match=message):
        indicators.n_minus_one_coverage(supply, demand, own_demand_leaves=True)


def test_the_binding_stage_is_the_higher_and_of_equals_the_first():
    stages = {"mine": 0.2, "smelting": 0.5, "refining": 0.5}
    assert indicators.binding_stage(stages) == ("smelting", 0.5)


@pytest.mark.parametrize(
    ("stages", "message"),
    [({}, "must hold at least 1 stage"), ({"mine": math.nan}, "mine must be a finite number")],
)
def test_a_stage_without_a_figure_is_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        indicators.binding_stage(stages)
