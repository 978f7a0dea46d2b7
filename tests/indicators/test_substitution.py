"""Substitution indices: known ends, the equation term by term, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

fraction = st.floats(0.0, 1.0)


def test_what_nothing_replaces_has_an_index_of_1():
    index = indicators.substitution_index(
        use_shares=[0.6, 0.4], substitute_shares=[[0.0], [0.0]], parameters=[0.7]
    )
    assert index == 1.0


@given(
    st.lists(st.floats(0.01, 1.0), min_size=2, max_size=2),
    st.lists(st.floats(0.0, 0.3), min_size=6, max_size=6),
    st.lists(fraction, min_size=6, max_size=6),
)
def test_substitution_index_laws(uses, taken, parameters):
    table = np.array(taken).reshape(2, 3)
    each = np.array(parameters).reshape(2, 3)

    def index(shares, values):
        return indicators.substitution_index(
            use_shares=uses, substitute_shares=shares, parameters=values, renormalise=True
        )

    here = index(table, each)
    assert 1.0 - table.sum(axis=1).max() - 1e-12 <= here <= 1.0
    # Term by term: what each substitute takes over by its parameter, and the rest by 1.
    slow = 0.0
    for use, row, own in zip(uses, table, each, strict=True):
        slow += use / sum(uses) * (sum(row * own) + 1.0 - sum(row))
    assert here == pytest.approx(slow)
    assert index(table / 2, each) >= here - 1e-12
    assert index(table, np.minimum(1.0, each + 0.1)) >= here - 1e-12
    same = np.full((2, 3), 0.8)
    assert index(table, [0.8] * 3) == pytest.approx(index(table, same), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"substitute_shares": [[0.6, 0.6]]}, r"of a use must sum to at most 1, got 1\.2"),
        ({"substitute_shares": [[0.5], [0.5]]}, r"got \(2, 1\) for 1 uses"),
        ({"substitute_shares": [0.5]}, r"\(n_uses, n_substitutes\), got \(1,\) for 1 uses"),
        ({"parameters": [0.7]}, r"parameters must be an array of numbers of shape \(1, 2\)"),
        ({"parameters": [0.7, 1.1]}, r"parameters must lie in \[0, 1\], got 1\.1 at index 1"),
        ({"use_shares": [0.5]}, "use_shares must sum to 1"),
    ],
)
def test_bad_substitutes_are_refused(change, message):
    good = {"use_shares": [1.0], "substitute_shares": [[0.3, 0.2]], "parameters": [0.7, 0.8]}
    with pytest.raises(ValueError, match=message):
        indicators.substitution_index(**good | change)


def test_dearer_and_worse_substitutes_help_less():
    costs = ["similar_or_lower", "slightly_higher", "very_high"]
    good, bad = (
        [indicators.cost_performance(cost, how) for cost in costs] for how in ("similar", "reduced")
    )
    assert good == sorted(good)
    assert bad == sorted(bad)
    assert all(worse > better for better, worse in zip(good, bad, strict=True))
    assert bad[-1] == 1.0


def test_scarcer_substitutes_help_less():
    def parameter(production="higher", co_production="primary", *, critical=False):
        return indicators.substitute_availability(
            production=production, critical=critical, co_production=co_production
        )

    assert parameter() == pytest.approx(0.8)
    assert parameter("similar_or_lower", "by_product", critical=True) == 1.0
    assert parameter() < parameter(co_production="mixed") < parameter(co_production="by_product")
    assert parameter() < parameter("similar_or_lower")
    assert parameter() < parameter(critical=True)


def test_choices_are_named():
    with pytest.raises(ValueError, match=r"must be one of .* \(did you mean 'very_high'\?\)"):
        indicators.cost_performance("veryhigh", "similar")
    with pytest.raises(ValueError, match="performance must be one of similar, reduced"):
        indicators.cost_performance("very_high", "none")
    with pytest.raises(ValueError, match="co_production must be one of primary, mixed, by_product"):
        indicators.substitute_availability(
            production="higher", critical=True, co_production="secondary"
        )
