"""Fans of prices and supply: what the artists show."""

import datetime as dt
import runpy
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num

import supplyrisk as sr
from supplyrisk.plot import fan

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
START, SAFE, by_gid, legends = (PICTURE[name] for name in ("START", "SAFE", "by_gid", "legends"))


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
