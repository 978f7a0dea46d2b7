"""The criticality matrix: what the artists show, what is left out, and that names keep apart."""

import itertools
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import supplyrisk as sr
from supplyrisk.analysis.indicator_tables import COLUMNS
from supplyrisk.plot import _axes, criticality

by_gid = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))["by_gid"]
NOTHING = float("nan")


def table(**metals):
    rows = []
    for name, (importance, risk) in metals.items():
        for key, value in (("economic_importance", importance), ("supply_risk", risk)):
            ends = (0.9 * value, 1.2 * value)
            said = ("1", "mine", "2024", "source", "formula public", 1.0, "")
            rows.append((name, key, value, *ends, *said))
    return pd.DataFrame(rows, columns=list(COLUMNS))


FOUR = table(tin=(4.9, 0.8), gallium=(3.9, 5.5), zinc=(5.0, NOTHING), rare_earths=(2.8, 1.0))


def points(ax):
    return {
        line.get_gid(): tuple(line.get_xydata()[0]) for line in ax.lines if line.get_marker() == "o"
    }


def note(ax):
    (text,) = by_gid(ax.texts, "note")
    return " ".join(text.get_text().split())


def test_each_metal_is_drawn_at_its_values_with_whiskers(ax):
    criticality(FOUR, ax=ax)
    assert points(ax) == {"tin": (4.9, 0.8), "gallium": (3.9, 5.5), "rare_earths": (2.8, 1.0)}
    across, up = by_gid(ax.collections, "ci-gallium")
    np.testing.assert_allclose(across.get_segments()[0], [[0.9 * 3.9, 5.5], [1.2 * 3.9, 5.5]])
    np.testing.assert_allclose(up.get_segments()[0], [[3.9, 0.9 * 5.5], [3.9, 1.2 * 5.5]])
    assert ax.get_xlabel() == "Economic importance [1]"
    assert ax.get_ylabel() == "Supply risk [1]"
    assert ax.get_xlim()[0] == ax.get_ylim()[0] == 0.0


def test_thresholds_are_drawn_and_who_reaches_both_is_red(ax):
    criticality(FOUR, ax=ax)
    (across,) = by_gid(ax.lines, "threshold-supply_risk")
    (up,) = by_gid(ax.lines, "threshold-economic_importance")
    assert set(across.get_ydata()) == {1.0}
    assert set(up.get_xdata()) == {2.8}
    assert {"1.0", "2.8"} <= {text.get_text().strip() for text in ax.texts}
    colours = {line.get_gid(): line.get_color() for line in ax.lines if line.get_marker() == "o"}
    red, blue = _axes.VERMILION, _axes.BLUE
    assert colours == {"tin": blue, "gallium": red, "rare_earths": red}


def test_figures_that_rest_on_less_than_all_are_not_passed_off_as_the_lists(ax):
    # Tin without any substitution is red, and on no list of the EU.
    said = "Substitution and recycling that are not known count as none"
    criticality(FOUR, ax=ax)
    assert said not in note(ax)
    ax.clear()
    criticality(FOUR.assign(coverage=0.5), ax=ax)
    assert said in note(ax)


def test_what_is_not_known_is_named_below_and_not_drawn_at_zero(ax):
    criticality(FOUR, ax=ax)
    assert note(ax).endswith("Not drawn, as one of the two is not known: zinc.")
    assert "zinc" not in points(ax)
    whole = Figure().subplots()
    criticality(table(tin=(4.9, 0.8)), ax=whole)
    assert "Not drawn" not in note(whole)


def test_nothing_known_leaves_the_thresholds_in_the_picture(ax):
    criticality(table(zinc=(5.0, NOTHING)), ax=ax)
    assert points(ax) == {}
    assert ax.get_xlim()[1] > 2.8
    assert ax.get_ylim()[1] > 1.0


def test_a_ranking_and_cards_show_what_their_table_shows():
    metals = ["tin", "tungsten", "indium"]
    ranked = sr.rank(metals, rng=1)
    known = sr.indicator_table(metals, as_of=ranked.attrs["as_of"], rng=1)
    cards = [sr.score(name, n_scenarios=50, rng=1) for name in metals]
    shown = [points(criticality(what)) for what in (ranked, known, cards, cards[0])]
    assert shown[0] == shown[1] == shown[2]
    assert set(shown[0]) == {"tin", "tungsten"}
    assert shown[3] == {"tin": shown[0]["tin"]}
    plt.close("all")


@pytest.mark.parametrize("n", [5, 38])
def test_names_keep_apart_and_none_is_left_out(n):
    metals = sr.data.commodities()["commodity"].tolist()[:n]
    place = np.random.default_rng(5).uniform((0.5, 0.2), (9.5, 5.0), size=(n, 2))
    ax = criticality(table(**dict(zip(metals, place, strict=True))))
    ax.figure.canvas.draw()
    said = {name.replace("_", " ") for name in metals}
    labels = [text for text in ax.texts if text.get_text() in said]
    assert {label.get_text() for label in labels} == said
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        (pd.DataFrame({"x": [1]}), sr.InvalidInputError, "known must have the columns of"),
        ([1, 2], TypeError, "known must be a table or cards"),
        (7, TypeError, "known must be a table or cards"),
    ],
)
def test_what_is_neither_a_table_nor_cards_is_refused(what, error, said):
    with pytest.raises(error, match=said):
        criticality(what)
    assert plt.get_fignums() == []
