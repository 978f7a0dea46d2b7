"""Bundled coordinates lie in their country, or say that they do not."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.path import Path

from supplyrisk import data
from supplyrisk._countries import numeric_code
from supplyrisk.plot.outlines import country_outlines

# Coasts and borders are coarse at 1:50 million, and towns are rounded to 0.1 degree.
LEEWAY_DEG = {"site": 0.05, "arc-minute": 0.05, "town": 0.12, "proxy": 0.12, "very low": 0.2}
OUTLINES = country_outlines("50m")


def rings_of(code):
    number = numeric_code(code)
    return [ring for outline in OUTLINES if outline.numeric == number for ring in outline.rings]


def is_in(code, longitude, latitude, leeway):
    """Whether a point, or one beside it, lies inside an odd number of a country's rings."""
    around = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]) * leeway
    points = around + np.array([longitude, latitude])
    inside = sum(Path(ring).contains_points(points).astype(int) for ring in rings_of(code))
    return bool((np.asarray(inside) % 2 == 1).any())


def placed(frame, latitude="latitude_deg", longitude="longitude_deg", country="country"):
    for row in frame.dropna(subset=[latitude, longitude, country]).to_dict("records"):
        if row[country] != "ZZZ":
            yield row, row[country], row[longitude], row[latitude]


def outside(frame, leeway=None, **columns):
    return [
        next(iter(row.values()))
        for row, code, longitude, latitude in placed(frame, **columns)
        if not is_in(
            code, longitude, latitude, leeway or LEEWAY_DEG[row.get("coordinate_quality", "town")]
        )
    ]


@pytest.mark.parametrize("name", ["sites", "smelters"])
def test_places_lie_in_their_country(name):
    frame = data.table(name)
    wrong = set(outside(frame))
    flagged = frame.set_index(frame.columns[0]).get("coordinate_flag", pd.Series(dtype=object))
    assert wrong <= set(flagged.dropna().index)
    assert sum(1 for _ in placed(frame)) > 20


def test_disruptions_lie_in_their_country():
    assert not outside(data.disruptions(), leeway=0.25)  # rounded, and some are ports at sea


@pytest.mark.parametrize("end", ["from", "to"])
def test_ends_of_routes_lie_in_their_country(end):
    columns = {
        "latitude": f"{end}_latitude_deg",
        "longitude": f"{end}_longitude_deg",
        "country": f"{end}_country",
    }
    assert not outside(data.routes(), leeway=0.1, **columns)


def test_the_check_sees_a_place_in_the_wrong_country():
    # Man Maw as an earlier catalogue had it: 3 km inside China.
    assert not is_in("MMR", 99.2, 22.2, 0.0)
    assert is_in("CHN", 99.2, 22.2, 0.0)
    assert is_in("COD", 27.733, -1.033, 0.0)
