"""Frames to sites: the faults of all rows at once, and nothing lost on the way."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr


def frame(**columns):
    base = {
        "site_id": ["a", "b"],
        "name": ["A", "B"],
        "commodity": ["tin", "tin"],
        "country": ["COD", "PER"],
        "capacity_tpa": [20_000, 31_000.5],
    }
    return pd.DataFrame({**base, **columns})


def test_every_row_becomes_a_site_in_order():
    sites = sr.sites_from_frame(frame(n_units=[3, np.nan], operator=[None, "Minsur"]))
    assert [site.site_id for site in sites] == ["a", "b"]
    assert (sites[0].n_units, sites[1].n_units) == (3, 1)
    assert (sites[0].operator, sites[1].operator) == (None, "Minsur")
    assert sites[1].capacity_tpa == 31_000.5


def test_the_faults_of_all_rows_are_named_at_once():
    bad = frame(country=["Congo", "PER"], capacity_tpa=[-1.0, np.nan], utilisation=[2.0, 1.0])
    bad.index = ["x", "y"]
    with pytest.raises(sr.InvalidInputError) as caught:
        sr.sites_from_frame(bad)
    fields = {fault.field for fault in caught.value.faults}
    assert fields == {
        "row x.country",
        "row x.capacity_tpa",
        "row x.utilisation",
        "row y.capacity_tpa",
    }


def test_unknown_and_missing_columns_are_named_with_the_nearest_field():
    with pytest.raises(ValueError, match=r"capacity.*is no field.*did you mean 'capacity_tpa'"):
        sr.sites_from_frame(frame().rename(columns={"capacity_tpa": "capacity"}))
    with pytest.raises(ValueError, match="column country must be given"):
        sr.sites_from_frame(frame().drop(columns="country"))
    with pytest.raises(ValueError, match="must not be given twice"):
        sr.sites_from_frame(pd.concat([frame(), frame()[["name"]]], axis=1))


def test_a_repeated_id_is_refused():
    with pytest.raises(ValueError, match=r"row 1\.site_id must not repeat that of row 0"):
        sr.sites_from_frame(frame(site_id=["a", "a"]))


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match=r"must be a pandas\.DataFrame"):
        sr.sites_from_frame([{"site_id": "a"}])


def test_namibia_is_no_missing_value():
    namibia = frame(country=["NAM", "NA"])
    with pytest.raises(ValueError, match=r"row 1\.country must be.*did you mean 'NAM'"):
        sr.sites_from_frame(namibia)


@given(st.permutations(range(6)))
def test_shuffling_the_rows_shuffles_the_sites(order):
    whole = pd.DataFrame(
        {
            "site_id": [f"s{n}" for n in range(6)],
            "name": [f"Site {n}" for n in range(6)],
            "commodity": "tin",
            "country": "PER",
            "capacity_tpa": np.arange(1, 7) * 1000.0,
        }
    )
    sites = sr.sites_from_frame(whole)
    assert sr.sites_from_frame(whole.iloc[list(order)]) == tuple(sites[n] for n in order)
