"""Timelines of known events: what the artists show."""

import datetime as dt
import runpy
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.dates import date2num

import supplyrisk as sr
from supplyrisk.plot import timeline

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
START, site, closure, CASE = (PICTURE[name] for name in ("START", "site", "closure", "CASE"))
SAFE, by_gid, texts, names = (PICTURE[name] for name in ("SAFE", "by_gid", "texts", "names"))


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
    assert bar.get_ylabel() == "Expected loss\n[% of the site's plan]"
