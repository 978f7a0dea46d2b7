"""Exceedance curves: what the artists show."""

import pickle
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from supplyrisk import metrics
from supplyrisk.plot import exceedance, fan

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
by_gid, texts, legends = (PICTURE[name] for name in ("by_gid", "texts", "legends"))


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
