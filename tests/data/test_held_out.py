"""Stops foretold from all the others: scored again one by one, and on the whole catalogue."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from supplyrisk.data.held_out import WAYS, leave_one_out
from supplyrisk.data.history import stops
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard import fit_duration, fit_groups, pit_histogram

DAY = dt.date(2013, 1, 1)
PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"


@pytest.fixture(scope="module")
def scores():
    return leave_one_out(as_of=DAY)


@pytest.fixture(scope="module")
def all_scores():
    return leave_one_out()


def length_by_hand(way, others, kind):
    """Foretell with the fits of `hazard` alone, as median and sigma."""
    if way == "pooled":
        fits = fit_groups(
            others["duration_days"],
            list(others["kind"]),
            others["censored"],
            np.full(len(others), 7),
        )
        fit = fits.fit_for(kind)
        return fit.median_days, np.hypot(fit.sigma, fit.median_error)
    own = others[others["kind"] == kind]
    alone = way == "by peril" and (~own["censored"]).sum() >= 2
    rows = own if alone else others
    fit = fit_duration(rows["duration_days"], rows["censored"], 7.0)
    return fit.median_days, np.sqrt(fit.parameters["sigma"] ** 2 + fit.covariance[0, 0])


# --- A few, one by one --------------------------------------------------------------------


def test_a_row_for_each_stop_and_way(scores):
    rows = stops(DAY)
    assert len(scores) == 3 * len(rows)
    assert list(dict.fromkeys(scores["way"])) == list(WAYS) == ["pooled", "by peril", "one for all"]
    for way in WAYS:
        part = scores[scores["way"] == way]
        assert part["disruption_id"].tolist() == rows["disruption_id"].tolist()
        assert part["peril"].tolist() == rows["kind"].tolist()


@pytest.mark.parametrize("way", WAYS)
def test_scores_are_those_of_the_others_alone(scores, way):
    rows = stops(DAY)
    part = scores[scores["way"] == way].set_index("disruption_id")
    both = [rows.index[rows["censored"]][0], *rows.index[~rows["censored"]][[0, 5, -1]]]
    for place in both:
        row = rows.loc[place]
        others = rows[rows["disruption_id"] != row["disruption_id"]]
        median, sigma = length_by_hand(way, others, row["kind"])
        length = stats.lognorm(sigma, scale=median)
        days, lasts_a_week = row["duration_days"], length.sf(7.0)
        of_it = length.sf(days) if row["censored"] else length.pdf(days)
        found = part.loc[row["disruption_id"]]
        assert found["log_score"] == pytest.approx(np.log(of_it / lasts_a_week), rel=1e-4)
        below = (length.cdf(days) - length.cdf(7.0)) / lasts_a_week
        assert found["pit_low"] == pytest.approx(below, abs=1e-5)
        assert found["pit_high"] == (1.0 if row["censored"] else found["pit_low"])


def test_transforms_lie_within_0_and_1(scores):
    assert scores["pit_low"].between(0.0, 1.0).all()
    assert scores["pit_high"].between(0.0, 1.0).all()
    assert (scores["pit_low"] <= scores["pit_high"]).all()
    assert np.isfinite(scores["log_score"]).all()


def test_ways_are_scored_in_the_order_asked_for(scores):
    two = leave_one_out(as_of=DAY, ways=("one for all", "by peril"))
    assert list(dict.fromkeys(two["way"])) == ["one for all", "by peril"]
    for way in ("one for all", "by peril"):
        one, other = (frame[frame["way"] == way].reset_index(drop=True) for frame in (two, scores))
        pd.testing.assert_frame_equal(one, other)


def test_rows_of_ones_own_are_taken(scores):
    own = leave_one_out(table("disruptions"), as_of=DAY, ways=("one for all",))
    same = scores[scores["way"] == "one for all"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, same)


# --- Bad input ----------------------------------------------------------------------------


def test_a_way_that_is_none_is_refused():
    with pytest.raises(InvalidInputError, match=r"ways must be one of.*did you mean 'pooled'"):
        leave_one_out(as_of=DAY, ways=("pool",))


def test_rows_with_a_fault_are_refused():
    rows = table("disruptions")
    rows.loc[3, "severity"] = 2.0
    with pytest.raises(InvalidInputError, match=r"column severity must lie in \[0, 1\]"):
        leave_one_out(rows)
    with pytest.raises(TypeError, match="rows must be"):
        leave_one_out([1, 2])


def test_too_few_stops_are_refused():
    with pytest.raises(InvalidInputError, match="at least 6 stops that had ended"):
        leave_one_out(as_of=dt.date(2007, 1, 1), ways=("pooled",))


# --- The whole catalogue ------------------------------------------------------------------


def differences(scores, way, than):
    """Log scores of one way less those of another, stop by stop."""
    by_way = scores.pivot_table(index="disruption_id", columns="way", values="log_score")
    return by_way[way] - by_way[than]


@pytest.mark.verification
def test_pooling_foretells_best(all_scores):
    for than in ("one for all", "by peril"):
        assert differences(all_scores, "pooled", than).sum() > 0.0


@pytest.mark.verification
def test_pooled_lengths_foretold_what_came(all_scores):
    part = all_scores[all_scores["way"] == "pooled"]
    shares = pit_histogram(part[["pit_low", "pit_high"]], 5)
    # Stops still running are spread over bins, which makes the statistic smaller, if anything.
    chi_square = float((len(part) * (shares - 0.2) ** 2 / 0.2).sum())
    assert chi_square < stats.chi2(4).ppf(0.99)


@pytest.mark.verification
def test_the_page_prints_these_scores(all_scores):
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if "|" in line]
    for name, way in [("pooled", "pooled"), ("each peril by itself", "by peril")]:
        (line,) = [line for line in lines if line.startswith(f"| {name}")]
        printed = re.search(r"([-+]?[\d.]+) ± ([\d.]+) \|$", line)
        gain = differences(all_scores, way, "one for all")
        error = gain.std(ddof=1) * np.sqrt(len(gain))
        for text, value in zip(printed.groups(), (gain.sum(), error), strict=True):
            digits = len(text.partition(".")[2])
            assert float(text) == pytest.approx(value, abs=0.51 * 10.0**-digits), line
