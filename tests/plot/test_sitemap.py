"""The map of sites: where bubbles stand, how large they are, and what the picture owns up to."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.path import Path

from supplyrisk._countries import numeric_code
from supplyrisk.plot.outlines import country_outlines
from supplyrisk.plot.sitemap import site_map

mpl.use("Agg")

import matplotlib.pyplot as plt

NAN = float("nan")
SITES = [
    ("bisie", "Bisie", "COD", -1.033, 27.733, 20_000.0, 0.21),
    ("san-rafael", "San Rafael", "PER", -14.23, -70.33, 31_000.0, 0.05),
    ("renison", "Renison", "AUS", -41.8, 145.417, 9_900.0, 0.03),
    ("huanuni", "Huanuni", "BOL", -18.275, -66.824, 7_152.0, 0.12),
    ("man-maw", "Man Maw", "MMR", NAN, NAN, 23_800.0, 0.55),
    ("rest-chn", "Rest of China", "CHN", NAN, NAN, 69_000.0, 0.06),
    ("rest-other", "Other countries", "ZZZ", NAN, NAN, 3_100.0, 0.05),
]
COLUMNS = [
    "site_id",
    "name",
    "country",
    "latitude_deg",
    "longitude_deg",
    "production_tpa",
    "expected_lost_share",
]


@pytest.fixture
def sites():
    return pd.DataFrame(SITES, columns=COLUMNS).set_index("site_id")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def bubbles(ax, gid):
    (found,) = [c for c in ax.collections if c.get_gid() == gid]
    return found


def note(ax):
    found = [t.get_text().replace("\n", " ") for t in ax.texts if t.get_gid() == "not-on-the-map"]
    return found[0] if found else None


def labels(ax):
    return {t.get_text() for t in ax.texts if t.get_gid() is None}


def legend_words(ax):
    return [t.get_text().replace("\n", " ") for t in ax.get_legend().get_texts()]


def bar_axes(ax):
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    return bar


def test_sites_stand_at_their_coordinates_the_largest_below(sites):
    drawn = bubbles(site_map(sites), "sites")
    known = sites.dropna().sort_values("production_tpa", ascending=False)
    np.testing.assert_allclose(drawn.get_offsets(), known[["longitude_deg", "latitude_deg"]])


def test_bubble_areas_are_proportional_to_production(sites):
    ax = site_map(sites)
    solid, hollow = bubbles(ax, "sites").get_sizes(), bubbles(ax, "at-country").get_sizes()
    per_tonne = np.concatenate([solid, hollow]) / [31_000, 20_000, 9_900, 7_152, 69_000, 23_800]
    np.testing.assert_allclose(per_tonne, per_tonne[0])


def test_the_key_is_true_to_the_bubbles(sites):
    ax = site_map(sites)
    per_tonne = bubbles(ax, "at-country").get_sizes()[0] / 69_000
    assert legend_words(ax)[:3] == ["2,000 t/a", "10,000 t/a", "50,000 t/a"]
    keys = [h.get_sizes()[0] for h in ax.get_legend().legend_handles[:3]]
    np.testing.assert_allclose(keys, per_tonne * np.array([2_000, 10_000, 50_000]))


def test_rows_without_coordinates_stand_hollow_in_their_country(sites):
    ax = site_map(sites)
    hollow = bubbles(ax, "at-country")
    for code, point in zip(["CHN", "MMR"], hollow.get_offsets(), strict=True):
        (outline,) = [o for o in country_outlines() if o.numeric == numeric_code(code)]
        assert any(Path(ring).contains_point(point) for ring in outline.rings)
    assert (hollow.get_facecolors()[:, 3] < 0.3).all()
    assert hollow.get_linestyles()[0][1] is not None
    assert legend_words(ax)[-1] == "rest of country, or place unknown (at the country's centre)"


def test_no_hollow_bubbles_no_entry_for_them(sites):
    ax = site_map(sites.dropna())
    assert len(bubbles(ax, "at-country").get_offsets()) == 0
    assert not any("rest of country" in words for words in legend_words(ax))
    assert note(ax) is None


def test_other_countries_are_named_with_their_share_of_the_plan(sites):
    # 3,100 of 163,952 t/a
    assert note(site_map(sites)) == "not on the map: Other countries (2 % of the plan)"


def test_a_small_share_keeps_a_digit(sites):
    sites.loc["rest-other", "production_tpa"] = 300.0
    assert note(site_map(sites)).endswith("(0.2 % of the plan)")


def test_without_a_country_column_every_unplaced_row_is_named(sites):
    ax = site_map(sites.drop(columns="country"))
    words = note(ax)
    assert words.startswith("not on the map: Rest of China, Man Maw, Other countries (58 % of")
    assert len(bubbles(ax, "at-country").get_offsets()) == 0


@pytest.mark.parametrize("country", [None, NAN, "XKX", "cod"])
def test_an_unknown_country_is_named_not_drawn(sites, country):
    sites["country"] = sites["country"].astype(object)
    sites.loc["rest-chn", "country"] = country
    assert "Rest of China" in note(site_map(sites))


def test_a_small_island_is_found_on_the_finer_map(sites):
    sites.loc["rest-chn", "country"] = "SGP"
    ((longitude, latitude), _) = bubbles(site_map(sites), "at-country").get_offsets()
    assert (longitude, latitude) == pytest.approx((103.8, 1.35), abs=0.1)


def test_many_unplaced_sites_are_counted_not_listed(sites):
    many = pd.concat([sites.assign(country="ZZZ", latitude_deg=NAN, longitude_deg=NAN)] * 3)
    words = note(site_map(many))
    assert words.endswith("and 15 more (100 % of the plan)")


def test_sites_outside_the_extent_are_named(sites):
    ax = site_map(sites, extent=(90.0, 130.0, -12.0, 30.0))
    assert len(bubbles(ax, "sites").get_offsets()) == 0
    assert labels(ax) == {"Man Maw"}
    assert "Bisie" in note(ax)


def test_the_largest_sites_are_labelled_without_overlap(sites):
    ax = site_map(sites)
    ax.figure.draw_without_rendering()
    assert labels(ax) == {"Bisie", "San Rafael", "Renison", "Huanuni", "Man Maw", "Rest of China"}
    boxes = [
        t.get_window_extent() for t in ax.texts if t.get_gid() is None and t.arrowprops is None
    ]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_labels_of_a_crowd_never_overlap_and_stop_at_ten():
    rng = np.random.default_rng(7)
    crowd = pd.DataFrame(
        {
            "name": [f"Mine number {i}" for i in range(40)],
            "latitude_deg": rng.normal(-5, 1.5, 40),
            "longitude_deg": rng.normal(25, 1.5, 40),
            "production_tpa": rng.uniform(1, 2, 40),
            "expected_lost_share": rng.uniform(0, 1, 40),
        }
    )
    ax = site_map(crowd)
    ax.figure.draw_without_rendering()
    written = [t for t in ax.texts if t.get_gid() is None]
    assert 1 <= len(written) <= 10
    boxes = [mpl.text.Text.get_window_extent(t) for t in written]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_colour_runs_from_zero_and_dark_is_bad(sites):
    ax = site_map(sites)
    bar = bar_axes(ax)
    assert bar.get_ylabel() == "Expected loss [% of the site's plan]"
    assert bar.get_ylim() == pytest.approx((0.0, 0.55))
    worst = bubbles(ax, "at-country").get_edgecolors()[1]
    np.testing.assert_allclose(worst, to_rgba(mpl.colormaps["cividis"](0.0)), atol=1e-6)


def test_availability_ends_at_one_and_dark_is_still_bad(sites):
    ax = site_map(
        sites.assign(availability=1 - sites["expected_lost_share"]), colour="availability"
    )
    assert bar_axes(ax).get_ylim() == pytest.approx((0.45, 1.0))
    worst = bubbles(ax, "at-country").get_edgecolors()[1]
    np.testing.assert_allclose(worst, to_rgba(mpl.colormaps["cividis"](0.0)), atol=1e-6)


@pytest.mark.parametrize(
    ("colour_label", "shown"), [(None, "Expected loss [t]"), ("My loss [kt]", "My loss [kt]")]
)
def test_the_colour_bar_says_what_and_in_which_unit(sites, colour_label, shown):
    frame = sites.assign(expected_lost_t=1.0)
    ax = site_map(frame, colour="expected_lost_t", colour_label=colour_label)
    assert bar_axes(ax).get_ylabel() == shown


def test_zero_sizes_and_one_colour_are_drawn(sites):
    ax = site_map(sites.assign(production_tpa=0.0, expected_lost_share=0.0))
    ax.figure.draw_without_rendering()
    assert (bubbles(ax, "sites").get_sizes() == 0.0).all()


def test_the_aspect_is_true_at_mid_latitude(sites):
    ax = site_map(sites, extent=(0.0, 40.0, 40.0, 80.0))
    assert ax.get_aspect() == pytest.approx(2.0)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0.0, 40.0), (40.0, 80.0))


def test_the_world_is_drawn_without_antarctica_and_coarsely(sites):
    countries = bubbles(site_map(sites), "countries")
    assert len(countries.get_paths()) == len(country_outlines("110m")) - 1
    detail = bubbles(site_map(sites, extent=(-180, 180, -90, 90)), "countries")
    assert len(detail.get_paths()) == len(country_outlines("50m"))


def test_it_draws_on_the_axes_given_and_leaves_the_frame_alone(sites):
    before = sites.copy()
    ax = Figure().subplots()
    assert site_map(sites, ax=ax) is ax
    pd.testing.assert_frame_equal(sites, before)
    assert plt.get_fignums() == []


def test_missing_columns_are_named_with_what_is_there(sites):
    with pytest.raises(
        ValueError, match=r"lacks the columns name, availability; it has country, latitude_deg"
    ):
        site_map(sites.drop(columns="name"), colour="availability")
    with pytest.raises(ValueError, match="at least one site"):
        site_map(sites.iloc[:0])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("production_tpa", NAN, r"production_tpa of 'bisie' must be a finite number in \[0, inf\]"),
        ("production_tpa", -1.0, "production_tpa of 'bisie' must be a finite number"),
        ("production_tpa", "many", "got 'many'"),
        ("expected_lost_share", float("inf"), "expected_lost_share of 'bisie' must be a finite"),
        ("latitude_deg", 91.0, r"latitude_deg of 'bisie' must be a finite number in \[-90, 90\]"),
        ("longitude_deg", 181.0, r"longitude_deg of 'bisie' .* in \[-180, 180\], got 181"),
        ("longitude_deg", NAN, "must be given together, one is missing for 'bisie'"),
    ],
)
def test_bad_values_are_refused_by_site_and_no_figure_is_made(sites, column, value, message):
    sites[column] = sites[column].astype(object)
    sites.loc["bisie", column] = value
    with pytest.raises(ValueError, match=message):
        site_map(sites)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "extent", [(0, 1, 2), (10, 0, 0, 10), (0, 10, 10, 0), (0, 200, 0, 10), (0, NAN, 0, 10)]
)
def test_a_wrong_extent_is_refused(sites, extent):
    with pytest.raises(ValueError, match="extent must be"):
        site_map(sites, extent=extent)


def test_what_is_no_table_is_refused_with_what_is_wanted():
    with pytest.raises(TypeError, match=r"a table such as Outlook\.sites, got 'tin'"):
        site_map("tin")


def test_the_words_of_the_key_stay_clear_of_its_bubbles(sites):
    sites["production_tpa"] = 50_000.0  # the step 50,000 is as large as a bubble gets
    ax = site_map(sites)
    ax.figure.canvas.draw()
    bubbles, words = ax.get_legend().legend_handles, ax.get_legend().get_texts()
    pt_per_px = 72.0 / ax.figure.dpi
    for bubble, text in zip(bubbles, words, strict=True):
        middle = bubble.get_offset_transform().transform(bubble.get_offsets())[0, 0]
        away_pt = (text.get_window_extent().x0 - middle) * pt_per_px
        assert away_pt - np.sqrt(bubble.get_sizes()[0]) / 2.0 > 3.0


def test_a_wrong_resolution_is_refused(sites):
    with pytest.raises(ValueError, match="resolution must be '110m' or '50m', got '10m'"):
        site_map(sites, resolution="10m")
    assert plt.get_fignums() == []


def test_importing_the_map_does_not_import_pyplot():
    script = "import sys, supplyrisk.plot.sitemap\nassert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
