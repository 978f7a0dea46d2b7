"""What every picture keeps to; bars, lengths and what was foretold, by their artists."""

import datetime as dt
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk import metrics
from supplyrisk._text import shown
from supplyrisk.data.held_out import leave_one_out
from supplyrisk.hazard import pit_histogram
from supplyrisk.plot import (
    buyers,
    contributions,
    exceedance,
    fan,
    foretold,
    shortage,
    stocks,
    timeline,
)

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
SCORES, texts, legends, names = (PICTURE[name] for name in ("SCORES", "texts", "legends", "names"))

PICTURES = {
    "exceedance": lambda outlook, ax: exceedance(outlook.lost_t, ax=ax),
    "fan": lambda outlook, ax: fan(outlook, ax=ax),
    "fan of supply": lambda outlook, ax: fan(outlook, "supply_t", ax=ax),
    "timeline": lambda outlook, ax: timeline(outlook, ax=ax),
    "contributions": lambda outlook, ax: contributions(outlook, ax=ax),
    "buyers": lambda outlook, ax: buyers(outlook, ax=ax),
    "stocks": lambda outlook, ax: stocks(outlook, ax=ax),
    "shortage": lambda outlook, ax: shortage(outlook, "mill", ax=ax),
    "foretold": lambda _, ax: foretold(SCORES, ax=ax),
}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


@every_picture
def test_axes_given_are_drawn_on_and_returned(draw, outlook, ax):
    before = dict(mpl.rcParams)
    assert draw(outlook, ax) is ax
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    ax.figure.savefig("/dev/null", format="svg")


@every_picture
def test_a_figure_is_made_when_none_is_given(draw, outlook):
    drawn = draw(outlook, None)
    assert plt.get_fignums() == [drawn.figure.number]
    drawn.figure.canvas.draw()


@pytest.mark.parametrize("name", ["exceedance", "fan of supply", "timeline", "contributions"])
def test_one_site_that_loses_nothing_can_be_drawn(name, safe, ax):
    PICTURES[name](safe, ax).figure.canvas.draw()


def test_importing_the_pictures_does_not_load_pyplot():
    code = "import sys, supplyrisk.plot; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Contributions and buyers -----------------------------------------------------------------


@pytest.mark.parametrize("by", ["site", "country", "peril", "threat"])
def test_bars_add_up_to_the_metrics(by, outlook, ax):
    contributions(outlook, by, ax=ax)
    expected, tail = (
        [bar.get_width() for bar in bars] for bars in (ax.containers[0], ax.containers[1])
    )
    assert sum(expected) == pytest.approx(outlook.lost_t.mean())
    assert sum(tail) == pytest.approx(metrics.tail_value_at_risk(outlook.lost_t, level=0.95))
    assert tail == sorted(tail, reverse=True)
    assert ax.get_xlabel() == "Part of the lost production of tin [t]"


def test_sites_and_countries_go_by_their_names(outlook, ax):
    contributions(outlook, ax=ax)
    assert set(names(ax)) == {"Shut", "Long shut", "Tiny", r"A \$1 <b>mine</b>_of & \$2"}
    contributions(outlook, "country")
    assert set(names(plt.gca())) == {"DR Congo", "Myanmar", "Peru"}


def test_what_is_left_is_summed_up(outlook, ax):
    contributions(outlook, top=2, ax=ax)
    assert names(ax)[-1] == "all 2 others"
    whole = sum(bar.get_width() for bar in ax.containers[0])
    assert whole == pytest.approx(outlook.lost_t.mean())


def test_one_row_more_than_asked_is_named_instead_of_called_others(outlook, ax):
    contributions(outlook, top=3, ax=ax)
    assert len(names(ax)) == 4
    assert not any("others" in name for name in names(ax))


def test_shares_are_written_beside_the_bars(outlook, ax):
    contributions(outlook, ax=ax)
    table = outlook.contributions()
    assert texts(ax)[0] == f"{100.0 * table['expected_share'].iloc[0]:.0f} %"
    assert len(texts(ax)) == 8


def test_no_loss_is_said(safe, ax):
    contributions(safe, ax=ax)
    assert ax.get_title() == "no loss in any of 200 futures"
    assert texts(ax) == ["0 %", "0 %"]


def test_what_cannot_be_split_by_is_refused(outlook):
    with pytest.raises(ValueError, match="by must be one of site, country, peril, threat"):
        contributions(outlook, "mine")


@pytest.mark.parametrize("draw", [contributions, timeline])
@pytest.mark.parametrize("top", [0, -1, 2.5, True])
def test_a_top_that_is_no_count_is_refused(draw, top, outlook):
    with pytest.raises(ValueError, match="top must be a whole number >= 1"):
        draw(outlook, top=top)


def test_buyers_show_both_costs_and_say_what_is_illustrative(outlook, ax):
    buyers(outlook, ax=ax)
    assert names(ax) == ["Mill (illustrative) dearer metal", "Mill (illustrative) lost margin"]
    unit = ax.get_xlabel().rpartition("[")[2]
    scale = {"million USD]": 1e6, "thousand USD]": 1e3}[unit]
    row = outlook.exposures.loc["mill"]
    assert [bar.get_width() * scale for bar in ax.containers[0]] == pytest.approx(
        [row["expected_cost_usd"], row["expected_lost_margin_usd"]]
    )
    assert [bar.get_width() * scale for bar in ax.containers[1]] == pytest.approx(
        [row["tail_cost_usd"], row["tail_lost_margin_usd"]]
    )


def test_a_cost_that_is_too_small_for_a_bar_is_written(outlook, ax):
    # Worst 5 % of a margin of a cent a tonne: no bar could show it beside the dearer metal.
    small = outlook.case.with_values(
        {"exposures.mill.margin_usd_per_t": 0.01, "exposures.mill.alternative_limit": 0.0}
    )
    priced = sr.simulate(small, 500, rng=7)
    buyers(priced, ax=ax)
    mean, worst = priced.exposures.loc["mill", ["expected_lost_margin_usd", "tail_lost_margin_usd"]]
    assert mean > 0.0
    assert texts(ax) == [f"mean {shown(mean)} USD, worst 5 % {shown(worst)} USD"]
    free = small.with_values({"exposures.mill.margin_usd_per_t": 0.0})
    drawn = buyers(sr.simulate(free, 500, rng=7))
    assert texts(drawn) == ["none in any future"]


def test_no_buyers_are_refused(safe):
    with pytest.raises(ValueError, match="must have buyers"):
        buyers(safe)


def test_lengths_show_median_uncertainty_and_range_of_every_peril():
    table = sr.data.durations_by_peril()
    picture = sr.plot.durations(table)
    assert picture.get_xscale() == "log"
    (dots,) = picture.lines
    np.testing.assert_array_equal(np.sort(dots.get_xdata()), np.sort(table["median_days"]))
    labels = [label.get_text() for label in picture.get_yticklabels()]
    assert len(labels) == len(table)
    assert any(label.startswith("strike\n16 stops") for label in labels)
    with pytest.raises(sr.InvalidInputError, match="column peril must be given"):
        sr.plot.durations(table.drop(columns="peril"))
    plt.close(picture.figure)


def test_what_was_foretold_is_a_histogram_for_each_way(ax):
    foretold(SCORES, n_bins=4, ax=ax)
    # A stop still running after 0.5 is spread over the rest: by halves over the last two bins.
    one, other = (patch for patch in ax.patches if type(patch).__name__ == "StepPatch")
    by_hand = {"one": [0.25, 0.25, 0.125, 0.375], "other": [0.75, 0.0, 0.09375, 0.15625]}
    for way, drawn in (("one", one), ("other", other)):
        heights, edges, _ = drawn.get_data()
        np.testing.assert_allclose(heights, by_hand[way])
        rows = SCORES.loc[SCORES["way"] == way, ["pit_low", "pit_high"]]
        np.testing.assert_array_equal(heights, pit_histogram(rows, 4))
        assert edges.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert drawn.get_label() == way
    assert one.get_edgecolor() != other.get_edgecolor()
    assert legends(ax) == ["one", "other", "90 % if right"]


def test_the_band_of_what_was_foretold_holds_a_bin_that_is_right(ax):
    scores = pd.concat([SCORES[:4]] * 25)
    foretold(scores, ax=ax)
    (band,) = [patch for patch in ax.patches if type(patch).__name__ == "Rectangle"]
    low, high = band.get_y(), band.get_y() + band.get_height()
    inside = np.random.default_rng(7).binomial(100, 0.2, 100_000) / 100.0
    assert low < 0.2 < high
    # Counts are whole and the band is not: it holds 90 % to within a count on each side.
    assert ((inside > low) & (inside < high)).mean() == pytest.approx(0.9, abs=0.05)
    (level,) = ax.lines
    assert set(level.get_ydata()) == {0.2}


def test_a_stop_alone_can_be_drawn_as_foretold(ax):
    foretold(SCORES[:1], ax=ax).figure.canvas.draw()


@pytest.mark.parametrize("n_bins", [0, -1, 2.5, "5", None, True])
def test_bins_that_are_no_count_are_refused(n_bins):
    with pytest.raises(sr.InvalidInputError, match="n_bins must be a whole number >= 1"):
        foretold(SCORES, n_bins=n_bins)
    assert plt.get_fignums() == []


def test_scores_without_a_column_or_a_row_are_refused():
    with pytest.raises(sr.InvalidInputError, match="column pit_low must be given"):
        foretold(SCORES.drop(columns="pit_low"))
    with pytest.raises(sr.InvalidInputError, match="scores must hold at least one row"):
        foretold(SCORES[:0])
    with pytest.raises(sr.InvalidInputError, match="transform must rise"):
        foretold(SCORES.assign(pit_high=0.0))
    assert plt.get_fignums() == []


def test_scores_of_the_catalogue_can_be_drawn(ax):
    ways = ("one for all",)
    scores = leave_one_out(as_of=dt.date(2012, 6, 1), ways=ways)
    assert legends(foretold(scores, ax=ax)) == [*ways, "90 % if right"]
