"""The pictures of the report as figures and as files."""

import base64
import re
import warnings

import matplotlib.pyplot as plt
import pytest

import supplyrisk as sr
from supplyrisk import report

PICTURES = ["map", "timeline", "exceedance", "contributions", "supply", "stocks", "price", "buyers"]


@pytest.fixture(scope="module")
def outlook():
    return sr.simulate(sr.load_case("walikale-2025"), 500, rng=7, keep="events")


@pytest.fixture(scope="module")
def names(outlook):
    """Return the pictures that there are: one more for each buyer who may be short."""
    short = outlook.exposures["probability_short"] > 0.0
    return [*PICTURES, *(f"shortage-{buyer_id}" for buyer_id in outlook.exposures.index[short])]


def test_pictures_come_by_name_and_outside_pyplot(outlook, names):
    drawn = dict(report.pictures(outlook))
    assert list(drawn) == names
    assert all(figure.axes for figure in drawn.values())
    assert not plt.get_fignums()


def test_pictures_are_saved_as_png_the_same_each_time(outlook, names, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first = report.save_pictures(outlook, tmp_path / "one")
    second = report.save_pictures(outlook, tmp_path / "two")
    assert [path.name for path in first] == [f"{name}.png" for name in names]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert one.read_bytes().startswith(b"\x89PNG")


def test_pictures_name_no_date_and_no_program(outlook):
    source = report.page(outlook)
    for kind, data in re.findall(r"data:image/([a-z+]+);base64,([A-Za-z0-9+/=]+)", source):
        raw = base64.b64decode(data)
        assert b"matplotlib.org" not in raw.lower()
        assert kind in {"png", "svg+xml"}
        assert b"<dc:date>" not in raw


def test_names_in_letters_that_no_font_has_are_drawn_without_a_warning(outlook, tmp_path):
    case = outlook.case.with_values({"sites.bisie.name": "ビシエ \U0001f9ff"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.write(sr.simulate(case, 20, rng=7, keep="events"), tmp_path / "report.html")
    assert "ビシエ" in (tmp_path / "report.html").read_text(encoding="utf-8")
