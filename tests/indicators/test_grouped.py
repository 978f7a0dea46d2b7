"""The kernels for many groups against the functions for one, group by group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import indicators

rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.floats(0.0, 1e6), st.floats(0.0, 1.0)),
    min_size=1,
    max_size=60,
)


def slow_hhi(amounts, supplier, group, n_groups):
    out = []
    for g in range(n_groups):
        totals = [amounts[(group == g) & (supplier == s)].sum() for s in set(supplier)]
        out.append(indicators.hhi(totals, renormalise=True) if sum(totals) > 0 else np.nan)
    return out


# 7 groups of up to 7 suppliers are laid out where there are 7 rows or more, and else numbered; the
# large code of a supplier forces numbering.
@pytest.mark.parametrize("offset", [0, 1_000_000])
@given(table=rows)
def test_hhi_by_group_is_hhi_of_each(offset, table):
    group, supplier, amounts, _ = (np.array(column) for column in zip(*table, strict=True))
    ours = indicators.hhi_by_group(amounts, supplier + offset, group, n_groups=7)
    np.testing.assert_allclose(ours, slow_hhi(amounts, supplier, group, 7), rtol=1e-9, atol=1e-12)


@given(rows, st.lists(st.floats(0.0, 1e6), min_size=7, max_size=7), st.lists(st.floats(0, 1)))
def test_geopolrisk_by_group_is_geopolrisk_of_each(table, own, concentration):
    group, _, imports, instability = (np.array(column) for column in zip(*table, strict=True))
    index = np.resize([0.5, *concentration], 7)
    ours = indicators.geopolrisk_by_group(
        hhi=index, imports=imports, instability=instability, group=group, domestic_production=own
    )
    for g in range(7):
        here = group == g
        if imports[here].sum() + own[g] > 0:
            one = indicators.import_risk(
                imports=[*imports[here], 0.0],
                domestic_production=own[g],
                instability=[*instability[here], 0.0],
            )
            assert ours[g] == pytest.approx(index[g] * one, rel=1e-9, abs=1e-15)
        else:
            assert np.isnan(ours[g])


def test_rows_of_one_supplier_are_one_supplier():
    ours = indicators.hhi_by_group([1, 1, 2], [0, 0, 1], [0, 0, 0], n_groups=1)
    assert ours.tolist() == [0.5]


def test_what_is_not_known_is_nan_and_not_safe():
    hhi = indicators.hhi_by_group([1.0, 0.0], [0, 1], [0, 2], n_groups=3)
    assert np.isnan(hhi).tolist() == [False, True, True]
    score = indicators.geopolrisk_by_group(
        hhi=hhi,
        imports=[1, 1, 1],
        instability=[0.5, 0.5, 0.5],
        group=[0, 1, 2],
        domestic_production=[0, 0, 0],
    )
    np.testing.assert_array_equal(score, [0.5, np.nan, np.nan])


GOOD = {"amounts": [1.0, 2.0], "supplier": [0, 1], "group": [0, 1], "n_groups": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amounts": [1.0, np.nan]}, "amounts must be finite and >= 0, got nan at index 1"),
        ({"group": [0, 2]}, "group must be codes from 0 and below 2, got 0 to 2"),
        ({"group": [-1, 0]}, "group must be codes from 0 and below 2, got -1 to 0"),
        ({"group": [0.0, 1.0]}, "group must be a whole number for each of 2 rows, got float64"),
        ({"supplier": [0]}, "supplier must be a whole number for each of 2 rows"),
        ({"supplier": [-1, 0]}, "supplier must be codes from 0, got -1 to 0"),
        ({"supplier": [0, 2**62]}, "supplier must be codes small enough to count, got 46116860"),
        ({"n_groups": 0}, "number of codes of group must be a whole number >= 1, got 0"),
    ],
)
def test_bad_codes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        indicators.hhi_by_group(**GOOD | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instability": [0.5, np.nan]}, "instability must be known for every country, got nan"),
        ({"hhi": [0.5, 1.5]}, r"hhi must lie in \[0, 1\], got 1.5 at index 1"),
        ({"hhi": [0.5]}, r"hhi must be an array of numbers of shape \(2,\), got shape \(1,\)"),
        ({"domestic_production": [-1, 0]}, "domestic_production must be finite and >= 0"),
    ],
)
def test_bad_flows_are_refused(change, message):
    good = {
        "hhi": [0.5, 0.5],
        "imports": [1.0, 2.0],
        "instability": [0.5, 0.5],
        "group": [0, 1],
        "domestic_production": [0, 0],
    }
    with pytest.raises(ValueError, match=message):
        indicators.geopolrisk_by_group(**good | change)
