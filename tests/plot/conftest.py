"""Outlooks to draw, axes to draw on, and no figure that is left open."""

import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

import supplyrisk as sr

mpl.use("Agg")

import matplotlib.pyplot as plt

PICTURE = runpy.run_path(str(Path(__file__).with_name("picture_case.py")))
CASE, SAFE = (PICTURE[name] for name in ("CASE", "SAFE"))


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
