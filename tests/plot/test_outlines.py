"""Bundled country outlines: the files, the decoder, areas and places against known values."""

import hashlib
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from supplyrisk._countries import country_code, numeric_code
from supplyrisk.plot.outlines import country_outlines, interior_point, signed_area
from supplyrisk.plot.outlines._antimeridian import flatten
from supplyrisk.plot.outlines._topojson import decode_arcs, decode_polygons

RESOLUTIONS = ["110m", "50m"]
# Natural Earth gives no ISO code to these: disputed, or several territories in one.
WITHOUT_CODE = {"Kosovo", "N. Cyprus", "Somaliland", "Siachen Glacier", "Indian Ocean Ter."}
EARTH_RADIUS_KM = 6371.0088

every_resolution = pytest.mark.parametrize("resolution", RESOLUTIONS)


def rings_of(code, resolution):
    wanted = numeric_code(code)
    return [r for o in country_outlines(resolution) if o.numeric == wanted for r in o.rings]


def area_km2(rings):
    """Area on the sphere: the cylindrical equal-area map keeps it."""
    return (
        sum(
            signed_area(np.column_stack([np.radians(lon), np.sin(np.radians(lat))]))
            for lon, lat in (ring.T for ring in rings)
        )
        * EARTH_RADIUS_KM**2
    )


def contains(rings, longitude, latitude):
    return sum(Path(ring).contains_point((longitude, latitude)) for ring in rings) % 2 == 1


def test_files_are_the_published_ones():
    folder = files("supplyrisk.plot.outlines")
    lines = folder.joinpath("CHECKSUMS").read_text(encoding="utf-8").splitlines()
    expected = dict(reversed(line.split()) for line in lines)
    assert set(expected) == {"countries-110m.json", "countries-50m.json"}
    for name, checksum in expected.items():
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == checksum


def test_licence_is_beside_the_files():
    text = files("supplyrisk.plot.outlines").joinpath("LICENSE-world-atlas").read_text("utf-8")
    assert "Michael Bostock" in text
    assert "public\ndomain" in text or "public domain" in text


@every_resolution
def test_rings_are_closed_on_the_map_and_never_jump_across_it(resolution):
    for outline in country_outlines(resolution):
        assert outline.rings, outline.name
        for ring in outline.rings:
            assert ring.ndim == 2
            assert ring.shape[1] == 2
            assert len(ring) >= 4
            np.testing.assert_array_equal(ring[0], ring[-1])
            assert (np.abs(ring) <= [180.0, 90.0]).all()
            assert np.abs(np.diff(ring[:, 0])).max() <= 180.0, outline.name


@every_resolution
def test_codes_are_known_or_listed_as_having_none(resolution):
    for outline in country_outlines(resolution):
        if outline.numeric is None:
            assert outline.name in WITHOUT_CODE
        else:
            assert numeric_code(country_code(outline.numeric)) == outline.numeric


@every_resolution
@pytest.mark.parametrize(
    ("code", "known_km2"),
    [  # total areas, UN Demographic Yearbook
        ("COD", 2_345_000),
        ("BRA", 8_516_000),
        ("AUS", 7_692_000),
        ("RUS", 17_098_000),
        ("ZAF", 1_221_000),  # with its hole, Lesotho
        ("PER", 1_285_000),
        ("ATA", 12_270_000),  # without ice shelves
    ],
)
def test_areas_are_the_countries_areas(resolution, code, known_km2):
    assert area_km2(rings_of(code, resolution)) == pytest.approx(known_km2, rel=0.04)


@every_resolution
@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [
        ("COD", -1.033, 27.733),  # Bisie
        ("PER", -14.23, -70.33),  # San Rafael
        ("AUS", -41.8, 145.417),  # Renison
        ("BOL", -18.275, -66.824),  # Huanuni
        ("RUS", 66.5, -172.0),  # Chukotka, east of the antimeridian
        ("RUS", 66.5, 179.0),
        ("RUS", 69.35, 88.2),  # Norilsk
        ("ATA", -90.0 + 1e-3, 10.0),
        ("LSO", -29.6, 28.2),
    ],
)
def test_places_lie_in_their_country_alone(resolution, code, latitude, longitude):
    wanted = numeric_code(code)
    found = {
        o.numeric for o in country_outlines(resolution) if contains(o.rings, longitude, latitude)
    }
    assert found == {wanted}


@every_resolution
def test_holes_run_clockwise(resolution):
    south_africa = rings_of("ZAF", resolution)
    holes = [ring for ring in south_africa if signed_area(ring) < 0.0]
    assert len(holes) == 1
    assert contains(holes, 28.2, -29.6)


def test_outlines_are_read_once_and_read_only():
    assert country_outlines("110m") is country_outlines()
    with pytest.raises(ValueError, match="read-only"):
        country_outlines()[0].rings[0][0, 0] = 0.0


@pytest.mark.parametrize("resolution", ["10m", "", None, 110])
def test_unknown_resolution_is_refused_with_the_valid_ones(resolution):
    with pytest.raises(ValueError, match="resolution must be '110m' or '50m', got"):
        country_outlines(resolution)


def test_shared_arcs_are_decoded_and_walked_both_ways():
    # Two unit squares side by side; arc 1 is the border between them, walked up and down.
    arcs = decode_arcs(
        [[(1, 1), (-1, 0), (0, -1), (1, 0)], [(1, 0), (0, 1)], [(1, 0), (1, 0), (0, 1), (-1, 0)]],
        {"scale": (2.0, 1.0), "translate": (10.0, -5.0)},
    )
    ((west,),) = decode_polygons({"type": "Polygon", "arcs": [[0, 1]]}, arcs)
    ((east,),) = decode_polygons({"type": "MultiPolygon", "arcs": [[[2, -2]]]}, arcs)
    np.testing.assert_array_equal(west, [(12, -4), (10, -4), (10, -5), (12, -5), (12, -4)])
    np.testing.assert_array_equal(east, [(12, -5), (14, -5), (14, -4), (12, -4), (12, -5)])


def test_other_geometries_are_refused():
    with pytest.raises(ValueError, match="Polygon or a MultiPolygon, got 'Point'"):
        list(decode_polygons({"type": "Point"}, []))


@given(
    west=st.floats(-180, 180),
    width=st.floats(1, 170),
    south=st.floats(-80, 0),
    height=st.floats(1, 80),
)
def test_flattening_keeps_the_area_of_a_box_anywhere(west, width, south, height):
    lon = (west + np.array([0, width, width, 0, 0]) + 180) % 360 - 180
    ring = np.column_stack([lon, south + np.array([0, 0, height, height, 0])])
    parts = flatten(ring)
    assert sum(signed_area(part) for part in parts) == pytest.approx(width * height, rel=1e-4)
    for part in parts:
        np.testing.assert_array_equal(part[0], part[-1])
        assert (np.abs(part[:, 0]) <= 180).all()


@given(st.floats(-180, 180), st.sampled_from([-1, 1]), st.sampled_from([-1, 1]))
def test_a_ring_around_a_pole_becomes_a_cap(start, hemisphere, direction):
    lon = (start + direction * np.arange(0, 361, 10) + 180) % 360 - 180
    lon[-1] = lon[0]
    parts = flatten(np.column_stack([lon, np.full(lon.size, 60.0 * hemisphere)]))
    assert sum(abs(signed_area(part)) for part in parts) == pytest.approx(360 * 30)


def test_interior_point_of_a_square_is_its_centre_and_of_a_crescent_lies_inside():
    square = np.array([(0, -1), (2, -1), (2, 1), (0, 1), (0, -1)], dtype=float)
    assert interior_point(square) == pytest.approx((1.0, 0.0))
    hook = np.array([(0, 0), (9, 0), (9, 9), (8, 9), (8, 1), (0, 1), (0, 0)], dtype=float)
    assert Path(hook).contains_point(interior_point(hook))


def test_interior_points_lie_in_their_countries():
    for outline in country_outlines("110m"):
        ring = max(outline.rings, key=signed_area)
        assert contains(outline.rings, *interior_point(ring)), outline.name
