"""The HHI against published worked examples, then against its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk.indicators import hhi

# (shares in percent, published index in the 0-10,000 form, source)
WORKED_EXAMPLES = {
    "four firms": ((30, 30, 20, 20), 2600, "US DOJ and FTC, HHI page"),
    "nine firms": (
        (25, 20, 15, 10, 8, 7, 6, 5, 4),
        1540,
        "industrialorganization.blogspot.com, nine-firm lecture example",
    ),
    "nine firms, small merger": ((25, 20, 15, 10, 9, 8, 7, 6), 1580, "same"),
    "nine firms, large merger": ((45, 15, 10, 8, 7, 6, 5, 4), 2540, "same"),
    "three firms of 90 %": ((70, 15, 5), 5150, "brainmass.com 70503, not renormalised"),
    "three firms of 90 %, merged": ((70, 20), 5300, "same"),
    "monopoly": ((100,), 10_000, "US DOJ and FTC: the maximum is 10,000"),
}

amounts = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30).filter(lambda x: sum(x) > 1e-3)


@pytest.mark.parametrize(("percent", "published", "_source"), WORKED_EXAMPLES.values())
def test_hhi_matches_published_examples(percent, published, _source):
    shares = np.array(percent) / 100
    assert hhi(shares, renormalise=False) == pytest.approx(published / 10_000, abs=1e-12)


# B. Theler, S. K. Kauwe and T. D. Sparks, Integr. Mater. Manuf. Innov. 9, 2020,
# doi:10.1007/s40192-020-00173-5: production by country in 2015 [t], boron in thousands, and index.
PRODUCED = {
    "lithium": ((19_985, 490_000, 8_500, 56_375, 10_700, 17_120, 50_000), 652_680, 5790.199080),
    "boron": ((450, 150, 500, 160, 1, 500, 240, 80, 7_300), 9_380, 6149.340224),
    "beryllium, without 5 t": ((500, 135, 5_100), 5_740, 7975.763030),
}


@pytest.mark.parametrize(("tonnes", "world", "published"), PRODUCED.values(), ids=PRODUCED)
def test_hhi_matches_the_published_index_of_metals(tonnes, world, published):
    shares = np.array(tonnes) / world
    assert hhi(shares, renormalise=False) == pytest.approx(published / 10_000, abs=1e-10)


@pytest.mark.parametrize("percent", [v[0] for v in WORKED_EXAMPLES.values() if sum(v[0]) == 100])
def test_complete_shares_give_one_index_however_they_are_asked_for(percent):
    shares = np.array(percent) / 100
    by_default = hhi(shares)
    assert hhi(shares, renormalise=True) == pytest.approx(by_default, abs=1e-12)
    assert hhi(percent, renormalise=True) == pytest.approx(by_default, abs=1e-12)


def test_incomplete_shares_need_a_decision():
    shares = [0.7, 0.15, 0.05]
    with pytest.raises(ValueError, match=r"must sum to 1 within 1e-06, got a sum of 0\.9;"):
        hhi(shares)
    assert hhi(shares, renormalise=True) == pytest.approx(0.515 / 0.81, abs=1e-12)


@pytest.mark.parametrize("excess", [-0.9e-6, 0.9e-6])
def test_rounding_of_a_millionth_is_no_fault(excess):
    assert hhi([0.5, 0.5 + excess]) == pytest.approx(0.5, abs=1e-6)
    assert hhi([1.0 + excess]) <= 1.0


@pytest.mark.parametrize("excess", [-1.1e-6, 1.1e-6])
def test_more_than_a_millionth_is_a_fault(excess):
    with pytest.raises(ValueError, match="must sum to 1"):
        hhi([0.5, 0.5 + excess])


def test_rounded_shares_of_slightly_over_the_whole_can_be_taken_as_they_are():
    assert hhi([0.34, 0.34, 0.33], renormalise=False) == pytest.approx(0.3401, abs=1e-12)


@given(amounts)
def test_hhi_lies_between_equal_shares_and_monopoly(x):
    index = hhi(x, renormalise=True)
    assert 1 / len(x) - 1e-12 <= index <= 1.0


@given(st.integers(1, 100))
def test_hhi_of_equal_suppliers_is_one_over_their_number(n):
    assert hhi(np.full(n, 1 / n)) == pytest.approx(1 / n, rel=1e-12)


@given(amounts, st.randoms(use_true_random=False))
def test_order_of_suppliers_does_not_show_in_a_single_bit(x, random):
    shuffled = random.sample(x, len(x))
    assert hhi(shuffled, renormalise=True) == hhi(x, renormalise=True)


@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=30).filter(lambda x: sum(x) > 1e-3))
def test_merging_two_suppliers_raises_hhi_by_twice_their_product(x):
    shares = np.array(x) / sum(x)
    merged = np.append(shares[2:], shares[0] + shares[1])
    gain = hhi(merged, renormalise=False) - hhi(shares, renormalise=False)
    assert gain >= -1e-12
    assert gain == pytest.approx(2 * shares[0] * shares[1], abs=1e-12)


@given(amounts, st.floats(1e-3, 1e3))
def test_renormalised_hhi_does_not_depend_on_the_unit(x, factor):
    assert hhi(np.array(x) * factor, renormalise=True) == pytest.approx(
        hhi(x, renormalise=True), rel=1e-9
    )


@given(amounts, st.integers(1, 10))
def test_suppliers_of_nothing_do_not_count(x, n):
    assert hhi([*x, *[0.0] * n], renormalise=True) == hhi(x, renormalise=True)


@pytest.mark.parametrize("renormalise", [None, True, False])
@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([], r"at least 1 number, got shape \(0,\)"),
        (1.0, r"one-dimensional .* got shape \(\)"),
        ([[0.5, 0.5]], r"one-dimensional .* got shape \(1, 2\)"),
        ([1.2, -0.2], r"must be finite and >= 0, got -0\.2 at index 1"),
        ([np.nan, 1.0], r"must be finite and >= 0, got nan at index 0"),
        ([1.0, np.inf], r"must be finite and >= 0, got inf at index 1"),
        (["a"], r"shares must be a one-dimensional array .* got \['a'\]"),
        ([0.5, None], r"must be finite and >= 0, got nan at index 1"),
        ([0.5, [0.5]], r"shares must be a one-dimensional array"),
        ({"COD": 1.0}, r"shares must be a one-dimensional array"),
    ],
)
def test_bad_shares_are_refused(shares, renormalise, message):
    with pytest.raises(ValueError, match=message):
        hhi(shares, renormalise=renormalise)


def test_nothing_cannot_be_renormalised():
    with pytest.raises(ValueError, match=r"sum > 0 to be renormalised, got 0\.0"):
        hhi([0.0, 0.0], renormalise=True)


@pytest.mark.parametrize("shares", [[70, 20], [1.0, 1.0], [1.5]])
def test_percentages_and_double_counts_are_refused(shares):
    with pytest.raises(ValueError, match="must be fractions of one whole"):
        hhi(shares, renormalise=False)
