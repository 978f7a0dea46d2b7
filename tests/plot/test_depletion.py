"""Stocks that run down and buyers that run short: what the artists show."""

import datetime as dt
import runpy
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

import supplyrisk as sr
from supplyrisk.plot import _axes, fan, shortage, stocks

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
NASTY, by_gid, texts = (PICTURE[name] for name in ("NASTY", "by_gid", "texts"))
CASE = runpy.run_path(str(Path(__file__).parents[1] / "chained_case.py"))["CASE"]
USE_T = 50.0  # a day: 18,250 t a year
NAMES = {
    "upstream_t": "before the market",
    "exchange_t": "at the exchange",
    "buyers_t": "with buyers",
}


@pytest.fixture(scope="module")
def chained():
    return sr.simulate(CASE, 300, rng=7, keep="events")


# Stocks ------------------------------------------------------------------------------------


def test_each_stage_is_drawn_in_days_of_use_against_what_it_holds_undisturbed(chained, ax):
    stocks(chained, ax=ax)
    start = date2num(CASE.start)
    undisturbed = {"upstream_t": 1_575.0, "exchange_t": 500.0, "buyers_t": 450.0}  # by hand
    for series, plan_t in undisturbed.items():
        table = chained.steps[series]
        (median,) = by_gid(ax.lines, f"median-{series}")
        np.testing.assert_allclose(median.get_ydata(), table["q50"] / USE_T)
        np.testing.assert_array_equal(median.get_xdata(), start + chained.plan.edges_days[1:])
        (plan,) = by_gid(ax.lines, f"plan-{series}")
        assert plan.get_xydata().ravel() == pytest.approx(
            [start, plan_t / USE_T, start + 365.0, plan_t / USE_T]
        )
        assert plan.get_linestyle() == "--"
        (band,) = by_gid(ax.collections, series)
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.min() == pytest.approx(table["q05"].min() / USE_T)
        assert heights.max() == pytest.approx(table["q95"].max() / USE_T)
    assert ax.get_ylabel() == "Stock of tin [days of use]"
    assert ax.get_ylim()[0] == 0.0
    assert "a day of use is 50 t" in " ".join(ax.get_xlabel().split())
    assert ax.get_title() == "300 futures from 1 Jan 2025"


def test_each_stage_is_named_at_its_end_in_its_colour(chained, ax):
    stocks(chained, ax=ax)
    colours = {
        name: by_gid(ax.lines, f"median-{series}")[0].get_color() for series, name in NAMES.items()
    }
    assert len(set(colours.values())) == 3
    assert {text.get_text(): text.get_color() for text in ax.texts} == colours


def test_stages_that_never_hold_anything_are_left_out(ax):
    nothing = {"routes": (), "smelters": (), "exposures": CASE.exposures[1:], "hazards": ()}
    sites = (replace(CASE.sites[0], stock_days=0.0), CASE.sites[1])
    bare = replace(CASE, sites=sites, policies=(), events=(), **nothing)
    stocks(sr.simulate(bare.with_values({"markets.tin.stock_t": 0.0}), 5, rng=1), ax=ax)
    assert texts(ax) == ["with buyers"]
    empty = bare.with_values(
        {
            "markets.tin.stock_t": 0.0,
            "markets.tin.consumer_stock_days": 0.0,
            "exposures.solder.inventory_days": 0.0,
        }
    )
    drawn = stocks(sr.simulate(empty, 5, rng=1))
    drawn.figure.canvas.draw()
    assert texts(drawn) == ["nothing is in stock at any stage"]


def test_a_path_on_which_nothing_happens_lies_on_the_dashes(ax):
    quiet = replace(CASE, hazards=(), events=())
    stocks(sr.simulate(quiet, 5, rng=1), ax=ax)
    for series in NAMES:
        (median,), (plan,) = (by_gid(ax.lines, f"{kind}-{series}") for kind in ("median", "plan"))
        np.testing.assert_allclose(median.get_ydata(), plan.get_ydata()[0], rtol=1e-9)


def test_stocks_without_a_market_are_refused(safe):
    with pytest.raises(ValueError, match="outlook must be of a case with a market"):
        stocks(safe)
    assert plt.get_fignums() == []


def test_names_at_the_end_keep_apart_and_a_lone_one_stays_in_its_place(ax):
    ax.set(xlim=(0.0, 1.0), ylim=(0.0, 100.0))
    _axes.name_ends(ax, 1.0, [("low", 0.0, "k"), *((name, 90.0, "k") for name in "abc")])
    px_per_pt = ax.figure.dpi / 72.0
    places = [
        ax.transData.transform(text.xy)[1] / px_per_pt + text.get_position()[1] for text in ax.texts
    ]
    assert [text.get_position()[1] for text in ax.texts] == pytest.approx(
        [0.0, -_axes.LINE_PT, 0.0, _axes.LINE_PT]
    )
    assert (np.diff(places) >= _axes.LINE_PT - 1e-9).all()


def test_quantiles_that_tie_do_not_move_the_name_of_another(ax):
    # In more than 1 of 20 futures South stands still at the end; in most all mines run.
    fan(sr.simulate(CASE.without("hazards.accidents"), 300, rng=7), "supply_t", ax=ax)
    offsets = {text.get_text(): text.get_position()[1] for text in ax.texts if text.get_gid()}
    assert offsets["5 %"] == pytest.approx(0.0, abs=1e-9)
    assert offsets["95 %"] == pytest.approx(-offsets["25 %"], abs=1e-9)
    assert offsets["95 %"] > _axes.LINE_PT


# A buyer's shortage ------------------------------------------------------------------------


def heights(patch):
    return patch.get_data().values


def test_risk_and_missing_use_by_step(chained, ax):
    shortage(chained, "cans", ax=ax)
    table = chained.buyer_steps("cans")
    assert table["shortage_t"].sum() > 0.0
    (risk,), (band,), (missing,) = (by_gid(ax.patches, gid) for gid in ("risk", "band", "missing"))
    np.testing.assert_array_equal(heights(risk), table["probability_short"])
    np.testing.assert_array_equal(heights(band), table["probability_short_ci_high"])
    np.testing.assert_array_equal(band.get_data().baseline, table["probability_short_ci_low"])
    np.testing.assert_allclose(heights(missing), table["shortage_t"] / (10.0 * 5.0))
    assert (heights(missing) <= heights(risk) + 1e-12).all()
    np.testing.assert_array_equal(
        risk.get_data().edges, date2num(CASE.start) + chained.plan.edges_days
    )
    assert ax.get_ylabel() == "Short of metal [%]"
    assert ax.get_title() == "Cans (illustrative): 300 futures from 1 Jan 2025"
    assert "area: part of the use not met" in " ".join(ax.get_xlabel().split())


def test_a_step_that_is_cut_by_the_horizon_counts_its_own_use(ax):
    case = replace(CASE, smelters=(), routes=(), exposures=CASE.exposures[1:], horizon_days=33)
    case = replace(case, policies=(), step_days=7)
    struck = sr.simulate(case.with_values({"exposures.solder.alternative_limit": 0.0}), 50, rng=7)
    shortage(struck, "solder", ax=ax)
    (missing,) = by_gid(ax.patches, "missing")
    lacking = struck.buyer_steps("solder")["shortage_t"].to_numpy()
    np.testing.assert_allclose(heights(missing), lacking / (10.0 * np.array([7, 7, 7, 7, 5])))


def test_a_buyer_who_is_never_short_is_said_to_be(ax):
    calm = replace(CASE, hazards=(), events=())
    shortage(sr.simulate(calm, 50, rng=1), "cans", ax=ax)
    assert texts(ax) == ["never short in any of 50 futures"]
    # The upper end of the exact interval of 0 of 50, not 0.
    assert ax.get_ylim()[1] == pytest.approx(1.05 * (1.0 - 0.05 ** (1.0 / 50)))


def test_an_unknown_buyer_is_refused_with_a_suggestion(chained):
    with pytest.raises(sr.InvalidInputError, match=r"buyer_id must be one of cans, solder.*'canz'"):
        shortage(chained, "canz")
    assert plt.get_fignums() == []


def test_long_names_and_notes_are_broken_to_the_width_of_narrow_axes(chained):
    narrow = Figure(figsize=(3.2, 2.4), layout="constrained").subplots()
    named = CASE.with_values({"exposures.cans.name": f"{NASTY} {'and a long name ' * 6}"})
    shortage(sr.simulate(named, 20, rng=7), "cans", ax=narrow)
    narrow.figure.canvas.draw()
    for text in (narrow.title, narrow.xaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= 0.0
        assert box.x1 <= narrow.figure.bbox.width
    assert r"\$1 <b>mine</b>_of" in narrow.get_title()


def test_dates_are_those_of_the_case(chained, ax):
    shortage(chained, "solder", ax=ax)
    assert ax.get_xlim() == (date2num(CASE.start), date2num(CASE.start + dt.timedelta(days=365)))
