"""From what was announced to what is to be expected."""

import datetime as dt

import numpy as np
import pytest

import supplyrisk as sr
from supplyrisk.data.announcements import overrun
from supplyrisk.errors import InvalidInputError


def test_stops_take_about_twice_as_long_as_announced():
    # The same rows give a median ratio of 2 by the facts they were gathered from.
    rows = sr.data.announced_durations()
    rows = rows[~rows["censored"] & (rows["first_announced_days"] >= 7)]
    ratio = rows["actual_days"] / rows["first_announced_days"]
    fit = overrun()
    # Without censoring the median of a lognormal fit is the geometric mean; one row is censored.
    assert fit.median_days == pytest.approx(float(np.exp(np.log(ratio).mean())), rel=0.05)
    assert 1.5 < fit.median_days < 2.7
    assert (fit.n_stops, fit.n_censored) == (13, 1)


@pytest.mark.parametrize("days", [10, 120, 365.0])
def test_a_length_scales_with_what_was_announced(days):
    one, many = sr.data.announced_duration(1.0), sr.data.announced_duration(days)
    assert many.median_days == pytest.approx(days * one.median_days)
    assert many.sigma == one.sigma


def test_no_announcement_is_known_before_it_was_made_nor_an_end_before_it_came():
    # McArthur River was announced as ten months in 2017 and stood still until November 2022.
    before, after = overrun(dt.date(2022, 11, 1)), overrun(dt.date(2022, 11, 10))
    assert before.n_stops == after.n_stops
    assert before.n_censored == after.n_censored + 1
    assert overrun(dt.date(2021, 6, 1)).n_stops < before.n_stops


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf"), "120", None])
def test_what_is_no_length_is_refused(days):
    with pytest.raises(InvalidInputError, match="days must be a finite number > 0"):
        sr.data.announced_duration(days)


def test_a_day_with_too_little_behind_it_is_refused():
    with pytest.raises(InvalidInputError, match="at least 4 announced stops that were over"):
        sr.data.announced_duration(120, as_of=dt.date(2012, 1, 1))


def test_lengths_by_peril_hold_the_fits_behind_a_case():
    table = sr.data.durations_by_peril(dt.date(2025, 3, 20)).set_index("peril")
    for peril, row in table.iterrows():
        assert row["q10_days"] < row["median_low"] < row["median_days"] < row["median_high"]
        assert row["median_high"] < row["q90_days"] or row["n_stops"] < 10
        if peril != "all":
            length = sr.data.duration_for(peril, dt.date(2025, 3, 20))
            assert row["median_days"] == length.median_days
            assert np.log(row["q90_days"] / row["median_days"]) == pytest.approx(
                1.2815515655446004 * length.sigma
            )
