"""Curves, fans, timelines and bars: what the artists show, and that nothing else is touched."""

import datetime as dt
import pickle
import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

import supplyrisk as sr
from supplyrisk import metrics
from supplyrisk.data.held_out import leave_one_out
from supplyrisk.hazard import pit_histogram
from supplyrisk.plot import buyers, contributions, exceedance, fan, foretold, timeline

mpl.use("Agg")

import matplotlib.pyplot as plt

START = dt.date(2025, 3, 20)
NASTY = "A $1 <b>mine</b>_of\n& $2"


def site(site_id, name, capacity_tpa, country="COD"):
    return sr.MineSite(
        site_id=site_id, name=name, commodity="tin", country=country, capacity_tpa=capacity_tpa
    )


def strike(site_id, rate_pa):
    return sr.Hazard(
        hazard_id=f"{site_id}-strike",
        peril=sr.Peril.STRIKE,
        scope=sr.Scope.site(site_id),
        rate_pa=rate_pa,
        duration=sr.Duration.exponential(mean_days=60.0),
    )


def closure(event_id, site_id, started, **terms):
    return sr.DisruptionEvent(
        event_id=event_id,
        peril=sr.Peril.ARMED_CONFLICT,
        scope=sr.Scope.site(site_id),
        started=started,
        **terms,
    )


CASE = sr.Case(
    name="small",
    start=START,
    sites=(
        site("calm", NASTY, 50_000.0, "PER"),
        site("shut", "Shut", 20_000.0),
        site("long-shut", "Long shut", 10_000.0, "MMR"),
        site("tiny", "Tiny", 10.0),
    ),
    hazards=(strike("calm", 0.5), strike("tiny", 0.01)),
    events=(
        closure("new", "shut", dt.date(2025, 3, 13), duration=sr.Duration.fixed(days=100.0)),
        closure("old", "long-shut", dt.date(2023, 8, 1), duration=sr.Duration.fixed(days=4000.0)),
    ),
    markets=(
        sr.Market(
            commodity="tin",
            price_usd_per_t=33_427.0,
            price_date=dt.date(2025, 3, 12),
            last_quote_usd_per_t=36_160.0,
            last_quote_date=dt.date(2025, 3, 14),
            supply_tpa=368_000.0,
            demand_tpa=368_000.0,
            volatility_pa=0.27,
        ),
    ),
    exposures=(
        sr.CommodityExposure(
            buyer_id="mill",
            name="Mill",
            commodity="tin",
            demand_tpa=500.0,
            sources=(sr.Supply(scope=sr.Scope.site("shut"), share=0.5),),
            margin_usd_per_t=3_000.0,
            illustrative=True,
        ),
    ),
)
SCORES = pd.DataFrame(
    {
        "way": ["one"] * 4 + ["other"] * 4,
        "pit_low": [0.05, 0.3, 0.5, 0.95, 0.0, 0.0, 0.1, 0.6],
        "pit_high": [0.05, 0.3, 1.0, 0.95, 0.0, 0.0, 0.1, 1.0],
    }
)
SAFE = sr.Case(name="safe", start=START, sites=(site("calm", NASTY, 50_000.0),))


@pytest.fixture(scope="module")
def outlook():
    return sr.simulate(CASE, 500, rng=7, keep="events")


@pytest.fixture(scope="module")
def safe():
    return sr.simulate(SAFE, 200, rng=7, keep="events")


@pytest.fixture
def ax():
    # Not made by pyplot: a picture that opens a figure of its own would show in plt.get_fignums().
    return Figure(figsize=(7, 4)).subplots()


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def by_gid(artists, gid):
    return [artist for artist in artists if artist.get_gid() == gid]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legends(ax):
    held = [child for child in ax.get_children() if type(child).__name__ == "Legend"]
    return [text.get_text() for legend in held for text in legend.get_texts()]


def names(ax):
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]


PICTURES = {
    "exceedance": lambda outlook, ax: exceedance(outlook.lost_t, ax=ax),
    "fan": lambda outlook, ax: fan(outlook, ax=ax),
    "fan of supply": lambda outlook, ax: fan(outlook, "supply_t", ax=ax),
    "timeline": lambda outlook, ax: timeline(outlook, ax=ax),
    "contributions": lambda outlook, ax: contributions(outlook, ax=ax),
    "buyers": lambda outlook, ax: buyers(outlook, ax=ax),
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


# Exceedance ------------------------------------------------------------------------------


def curve(ax, place=0):
    return by_gid(ax.lines, "exceedance")[place].get_xydata()


def test_the_curve_is_that_of_the_metric(ax):
    loss = np.array([0.0, 30.0, 0.0, 10.0])
    band = metrics.exceedance_band(loss)
    drawn = curve(exceedance(loss, return_periods=None, ax=ax))[1:]
    np.testing.assert_array_equal(drawn[:, 0], band.loss[::-1])
    np.testing.assert_array_equal(drawn[:, 1], band.probability[::-1])


def test_a_large_sample_is_thinned_and_stays_exact(ax):
    loss = np.random.default_rng(7).lognormal(size=20_000)
    drawn = curve(exceedance(loss, ax=ax))[1:]
    assert len(drawn) <= 410
    np.testing.assert_allclose(drawn[:, 1], [(loss >= x).mean() for x in drawn[:, 0]])
    assert drawn[0, 0] == loss.min()
    assert drawn[-1, 0] == loss.max()


def test_the_band_encloses_the_curve(ax):
    exceedance(np.random.default_rng(7).exponential(size=1_000), ax=ax)
    (band,) = ax.collections
    inside = band.get_paths()[0].contains_points(curve(ax)[5:-5] * [1.0, 1.0 + 1e-9])
    assert inside.all()


def test_return_periods_stand_on_the_curve_with_their_loss(ax):
    loss = np.arange(1, 1001) * 100.0
    exceedance(loss, return_periods=(10, 100), ax=ax)
    (marks,) = by_gid(ax.lines, "return-periods")
    np.testing.assert_allclose(marks.get_xydata(), [(90_000.0, 0.1), (99_000.0, 0.01)])
    assert texts(ax) == ["1 in 10 years: 90,000 t", "1 in 100 years: 99,000 t"]
    assert set(marks.get_xdata()) <= set(curve(ax)[:, 0])


@pytest.mark.parametrize("years", [(10, 10.5, 11, 12), (200, 300, 400), (2, 3, 4, 10, 20, 25)])
@pytest.mark.parametrize("power", [0.2, 1.0, 5.0])
def test_names_of_return_periods_do_not_overlap(years, power):
    loss = np.random.default_rng(7).random(2_000) ** power * 1e5
    drawn = exceedance(loss, return_periods=years)
    drawn.figure.canvas.draw()
    # A pixel of the empty edge of a name may be shared.
    boxes = [text.get_window_extent().padded(-0.5) for text in drawn.texts]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_names_of_return_periods_follow_the_axes_to_their_final_size():
    figure = Figure(figsize=(9, 5), layout="constrained")
    first, *others = figure.subplots(2, 2).ravel()
    loss = np.random.default_rng(7).gamma(4.0, 10_000.0, size=5_000)
    exceedance(loss, ax=first)
    for other in others:
        other.set_ylabel("a label\nthat takes\nmuch room\nfrom the first")
    figure.canvas.draw()
    points = first.transData.transform(curve(first))
    for text in first.texts:
        box = text.get_window_extent()
        at_height = (points[:, 1] > box.y0) & (points[:, 1] < box.y1)
        assert not ((box.x0 < points[at_height, 0]) & (points[at_height, 0] < box.x1)).any()


def test_a_figure_with_arranged_names_can_be_pickled(outlook):
    figure = Figure()
    fan(outlook, ax=figure.subplots())
    exceedance(outlook.lost_t, ax=figure.add_axes((0.5, 0.5, 0.2, 0.2)))
    pickle.loads(pickle.dumps(figure)).savefig("/dev/null", format="png")  # noqa: S301


def test_a_return_period_beyond_the_sample_is_a_lower_bound(ax):
    assert texts(exceedance(range(50), return_periods=(100,), ax=ax)) == [
        "1 in 100 years: at least 49 t"
    ]


def test_units_stand_on_the_axes(ax):
    exceedance([1.0, 2.0], unit="USD", return_periods=(2,), ax=ax)
    assert ax.get_xlabel() == "Loss in a year [USD]"
    assert ax.get_ylabel() == "Probability of at least this loss [1/a]"
    assert ax.get_yscale() == "log"


def test_without_return_periods_nothing_speaks_of_years(ax):
    exceedance([1.0, 2.0], return_periods=None, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "Loss [t]",
        "Probability of at least this loss [1]",
    )
    assert not ax.texts


def test_two_curves_share_axes_and_differ_in_colour_and_stroke(ax):
    exceedance([1.0, 2.0, 90.0], label="a $1 b $2", ax=ax)
    exceedance([0.0, 1.0, 2.0], label="less", return_periods=(), ax=ax)
    first, second = by_gid(ax.lines, "exceedance")
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert ax.get_xlim()[1] > 90.0
    assert r"a \$1 b \$2" in legends(ax)


def test_no_loss_at_all_is_said_with_its_limit(ax):
    (said,) = texts(exceedance(np.zeros(1_000), ax=ax))
    assert "no loss in any of 1,000 futures" in said
    assert "0.00299" in said


@pytest.mark.parametrize("loss", [[], [np.nan], [[1.0, 2.0]]])
def test_a_loss_that_is_no_sample_is_refused(loss):
    with pytest.raises(ValueError, match="loss must be"):
        exceedance(loss)
    assert plt.get_fignums() == []


# Fan -------------------------------------------------------------------------------------


def test_the_fan_of_the_price_starts_at_the_last_quote(outlook, ax):
    fan(outlook, ax=ax)
    (median,) = by_gid(ax.lines, "median")
    assert median.get_xydata()[0].tolist() == [date2num(dt.date(2025, 3, 14)), 36_160.0]
    table = outlook.steps["price_usd_per_t"]
    np.testing.assert_allclose(median.get_ydata()[1:], table["q50"])
    np.testing.assert_allclose(median.get_xdata()[1:], date2num(table.index.to_numpy()))
    wide = ax.collections[0].get_datalim(ax.transData)
    assert (wide.y0, wide.y1) == pytest.approx((table["q05"].min(), table["q95"].max()))
    assert ax.get_ylabel() == "Price of tin [USD/t]"
    assert legends(ax) == [
        "before, 12 Mar 2025: 33,427",
        "last quote, 14 Mar 2025: 36,160",
        "case start, 20 Mar 2025",
    ]


def test_the_fan_of_supply_is_a_rate_beside_the_plan(outlook, ax):
    fan(outlook, "supply_t", ax=ax)
    (median,) = by_gid(ax.lines, "median")
    assert median.get_ydata()[0] == pytest.approx(outlook.steps["supply_t"]["q50"].iloc[0] / 5.0)
    (plan,) = by_gid(ax.lines, "plan")
    assert plan.get_ydata() == pytest.approx([80_010.0 / 365.0] * 2)
    assert plan.get_linestyle() == "--"
    assert ax.get_ylabel() == "Production of tin [t/d]"


def test_steps_of_unequal_length_do_not_mislead(ax):
    uneven = sr.simulate(replace(SAFE, horizon_days=33, step_days=7), 50, rng=7)
    (median,) = by_gid(fan(uneven, "supply_t", ax=ax).lines, "median")
    np.testing.assert_allclose(median.get_ydata(), 50_000.0 / 365.0)


PAIRS = [(dt.date(2025, 4, 1), 36_000.0), (dt.date(2025, 4, 9), 9_000.0)]


@pytest.mark.parametrize(
    "observed",
    [
        PAIRS,
        iter(PAIRS),
        dict(PAIRS),
        pd.Series(dict(PAIRS)),
        pd.Series({pd.Timestamp(day): value for day, value in PAIRS}),
        tuple(
            sr.Observation(
                quantity="price_usd_per_t",
                subject="markets.tin",
                date=day,
                value=value,
                unit="USD/t",
                source_id="made-up",
            )
            for day, value in PAIRS
        ),
    ],
    ids=["pairs", "iterator", "mapping", "series", "series by time", "observations"],
)
def test_observed_points_are_drawn_and_ringed_outside_the_band(observed, outlook, ax):
    fan(outlook, observed=observed, ax=ax)
    expected = [(date2num(day), value) for day, value in PAIRS]
    (points,) = by_gid(ax.lines, "observed")
    np.testing.assert_array_equal(points.get_xydata(), expected)
    (rings,) = by_gid(ax.lines, "outside")
    np.testing.assert_array_equal(rings.get_xydata(), expected[1:])
    assert sorted(legends(ax))[-2:] == ["observed", "outside 90 %: 1 of 2"]
    assert len(legends(ax)) == 5


def test_points_before_and_after_the_fan_are_drawn_and_not_judged(outlook, ax):
    fan(outlook, observed=[(dt.date(2025, 1, 1), 1.0), (dt.date(2027, 1, 1), 1.0)], ax=ax)
    (points,) = by_gid(ax.lines, "observed")
    assert len(points.get_xdata()) == 2
    assert not by_gid(ax.lines, "outside")


def test_supply_observed_is_held_against_its_step(outlook, ax):
    plan = outlook.plan.planned_t / 365.0
    fan(outlook, "supply_t", observed=[(dt.date(2025, 4, 1), 1.01 * plan)], ax=ax)
    assert by_gid(ax.lines, "outside")


@pytest.mark.parametrize(
    "observed",
    [[(dt.date(2025, 4, 1), np.nan)], [("someday", 1.0)], [1.0], [(None, 1.0)], [(1, 2, 3)]],
)
def test_points_that_are_none_are_refused(observed, outlook):
    with pytest.raises(ValueError, match="observed must hold pairs of a date and a finite number"):
        fan(outlook, observed=observed)


def test_observations_in_another_unit_are_refused(outlook):
    point = sr.Observation(
        quantity="output_t",
        subject="sites.shut",
        date=START,
        value=1.0,
        unit="t",
        source_id="made-up",
    )
    with pytest.raises(ValueError, match="observed must be in t/d, got t of output_t"):
        fan(outlook, "supply_t", observed=[point])


def test_an_unknown_quantity_is_refused_with_the_valid_ones(outlook):
    with pytest.raises(ValueError, match="one of price_usd_per_t, supply_t, got 'price'"):
        fan(outlook, "price")


def test_a_price_without_a_market_is_refused(safe):
    with pytest.raises(ValueError, match="no market"):
        fan(safe)
    assert plt.get_fignums() == []


# Timeline --------------------------------------------------------------------------------


def strip(ax, site_id):
    (mesh,) = by_gid(ax.collections, f"futures-{site_id}")
    return np.asarray(mesh.get_array()).ravel()


def test_sites_with_known_events_come_first_then_the_largest_loss(outlook, ax):
    timeline(outlook, top=3, ax=ax)
    assert names(ax) == ["Long shut", "Shut", r"A \$1 <b>mine</b>_of & \$2"]
    assert "not shown: 1 more site, " in ax.get_xlabel()


def test_known_outages_end_at_the_start_and_are_cut_with_their_date(outlook, ax):
    timeline(outlook, ax=ax)
    second, first = by_gid(ax.patches, "known")
    start = date2num(START)
    assert (first.get_x(), first.get_x() + first.get_width()) == (start - 7.0, start)
    assert second.get_x() == ax.get_xlim()[0]
    assert len(by_gid(ax.lines, "before")) == 1
    assert {"since 13 Mar 2025", "since 1 Aug 2023"} <= set(texts(ax))


def test_shades_are_the_expected_share_of_the_plan_lost(outlook, ax):
    timeline(outlook, ax=ax)
    assert strip(ax, "long-shut").tolist() == [1.0] * 73
    assert strip(ax, "shut")[:18] == pytest.approx(np.ones(18))
    assert strip(ax, "shut")[19:] == pytest.approx(np.zeros(54), abs=1e-12)
    share = outlook.sites["expected_lost_share"]["calm"]
    assert strip(ax, "calm").mean() == pytest.approx(share)


def test_restarts_are_marked_or_run_out_of_the_picture(outlook, ax):
    timeline(outlook, ax=ax)
    (median,) = by_gid(ax.lines, "median-restart")
    assert median.get_xdata().tolist() == [date2num(START) + 93.0]
    assert "restart 21 Jun 2025" in texts(ax)
    assert any(text.startswith("restart 2034") for text in texts(ax))
    arrows = [line for line in by_gid(ax.lines, "restart-end") if line.get_marker() == ">"]
    assert [arrow.get_xdata().tolist() for arrow in arrows] == [[ax.get_xlim()[1]]]


def test_over_announced_and_endless_events_are_told_apart(ax):
    events = (
        closure("over", "calm", dt.date(2025, 3, 1), ended=dt.date(2025, 3, 5)),
        closure("long-over", "calm", dt.date(2020, 3, 1), ended=dt.date(2020, 3, 5)),
        closure(
            "coming",
            "calm",
            dt.date(2025, 6, 1),
            announced=dt.date(2025, 3, 1),
            duration=sr.Duration.fixed(days=10.0),
            probability=0.25,
        ),
        closure(
            "for-good",
            "calm",
            dt.date(2025, 2, 1),
            duration=sr.Duration.fixed(days=900.0),
            severity=0.5,
            ramp_up=sr.RampUp(shape="never"),
        ),
    )
    timeline(sr.simulate(replace(SAFE, events=events), 50, rng=7, keep="events"), ax=ax)
    said = "\n".join(texts(ax))
    assert "1 Mar 2025 to 5 Mar 2025" in said
    assert "2020" not in said
    assert "25 %: from 1 Jun 2025" in said
    assert "restart 11 Jun 2025" in said
    assert "restart never" in said
    assert len(by_gid(ax.patches, "known")) == 2
    assert len(by_gid(ax.lines, "announced")) == 1


def test_a_timeline_needs_the_events():
    with pytest.raises(ValueError, match="keep must be 'events'"):
        timeline(sr.simulate(CASE, 20, rng=7))
    assert plt.get_fignums() == []


def test_the_shades_have_a_scale_with_a_unit(outlook):
    drawn = timeline(outlook)
    (bar,) = [other for other in drawn.figure.axes if other is not drawn]
    assert bar.get_ylabel() == "Expected loss [% of the site's plan]"


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
