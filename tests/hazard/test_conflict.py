"""Conflict near a site: published distances, slow sums, then laws and refusals."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from supplyrisk.errors import InvalidInputError
from supplyrisk.hazard.conflict import (
    EARTH_RADIUS_KM,
    conflict_history,
    events_near,
    front_distance,
    great_circle_km,
    times_within,
)
from supplyrisk.hazard.conflict_rate import (
    ConflictKernel,
    conflict_intensity,
    conflict_multiplier,
    intensity_series,
    with_multiplier,
)
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, Scope

SITE = (-1.03, 27.73)  # Bisie
KERNEL = ConflictKernel(distance_scale_km=50, time_scale_days=30, fatality_exponent=0.5)
latitudes = st.floats(-90.0, 90.0)
longitudes = st.floats(-180.0, 180.0)


def north_of_equator(distance_km):
    """Latitudes at given distances from the place (0, 0)."""
    return np.degrees(np.asarray(distance_km, dtype=float) / EARTH_RADIUS_KM)


def seen(distance_km, day, *, fatalities=None, as_of=100.0, **kwargs):
    """A history seen from (0, 0), by distances."""
    latitude = north_of_equator(distance_km)
    return conflict_history(
        0.0,
        0.0,
        latitude_deg=latitude,
        longitude_deg=np.zeros(latitude.shape),
        day=day,
        fatalities=np.zeros(latitude.shape) if fatalities is None else fatalities,
        as_of=as_of,
        **kwargs,
    )


def random_history(n=400, seed=7, days=1000):
    rng = np.random.default_rng(seed)
    return seen(
        rng.uniform(0, 300, n),
        rng.integers(0, days, n),
        fatalities=rng.poisson(2.0, n),
        as_of=float(days),
    )


def km(a, b):
    return float(great_circle_km(a[0], a[1], to_latitude_deg=b[0], to_longitude_deg=b[1]))


# --- Distance -----------------------------------------------------------------------------


def test_distance_from_nashville_to_los_angeles_is_the_published_one():
    # Rosetta Code, "Haversine formula": 2887.2599506071106 km on a sphere of 6372.8 km.
    published = 2887.2599506071106 * EARTH_RADIUS_KM / 6372.8
    assert km((36.12, -86.67), (33.94, -118.40)) == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0), (0, 90), 0.25),  # a quarter of the equator
        ((-90, 0), (90, 77), 0.5),  # from pole to pole
        ((0, 179.5), (0, -179.5), 1 / 360),  # across the date line
        ((12, 34), (-12, -146), 0.5),  # antipodes
        ((-1.03, 27.73), (-1.03, 27.73), 0.0),
    ],
)
def test_distances_known_exactly(a, b, share):
    assert km(a, b) == pytest.approx(2 * math.pi * EARTH_RADIUS_KM * share, rel=1e-7, abs=1e-9)


@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_is_the_angle_between_two_vectors(lat, lon, to_lat, to_lon):
    def vector(phi, lam):
        phi, lam = math.radians(phi), math.radians(lam)
        return np.array(
            [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]
        )

    a, b = vector(lat, lon), vector(to_lat, to_lon)
    angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
    found = km((lat, lon), (to_lat, to_lon))
    # The root under the arcsine loses half of its digits at the antipodes: half a metre.
    assert found == pytest.approx(EARTH_RADIUS_KM * angle, rel=1e-9, abs=5e-4)
    assert found == km((to_lat, to_lon), (lat, lon))


@given(st.lists(st.tuples(latitudes, longitudes), min_size=3, max_size=3))
def test_a_detour_is_no_shorter(places):
    a, b, c = places
    assert km(a, c) <= km(a, b) + km(b, c) + 1e-3


@pytest.mark.parametrize(
    ("name", "place"),
    [("latitude", 90.01), ("longitude", -180.5), ("latitude", math.nan), ("longitude", math.inf)],
)
def test_coordinates_out_of_range_are_refused(name, place):
    at = {"latitude_deg": [0.0, 1.0], "longitude_deg": [0.0, 1.0]} | {f"{name}_deg": [0.0, place]}
    with pytest.raises(InvalidInputError, match=rf"to_{name}_deg must lie in .* 1 of 2 do not"):
        great_circle_km(0, 0, **{f"to_{field}": value for field, value in at.items()})
    with pytest.raises(InvalidInputError, match=rf"conflict_history: {name}_deg must lie in"):
        conflict_history(*SITE, **at, day=[1, 2], fatalities=[0, 0], as_of=9)


def test_a_site_off_the_map_is_refused():
    nothing = dict.fromkeys(("latitude_deg", "longitude_deg", "day", "fatalities"), ())
    with pytest.raises(InvalidInputError, match="site_latitude_deg must be a finite number"):
        conflict_history(91.0, 0.0, **nothing, as_of=0)
    with pytest.raises(InvalidInputError, match="site_longitude_deg must be a finite number"):
        conflict_history(0.0, math.nan, **nothing, as_of=0)


# --- History ------------------------------------------------------------------------------


def test_events_on_or_after_the_day_are_no_history():
    days = np.array(["2025-03-12", "2025-03-13", "2025-03-19"], dtype="datetime64[D]")
    day = dt.date(2025, 3, 13)
    message = r"day must be before as_of \(2025-03-13\).*'2 later events, the first on 2025-03-13'"
    with pytest.raises(InvalidInputError, match=message):
        seen([1, 2, 3], days, as_of=day)
    assert seen([1, 2, 3], days, as_of=day, strict=False).day.size == 1


def test_what_comes_later_changes_nothing():
    early = seen([10, 20], [50, 99], fatalities=[1, 2])
    late = seen([10, 1, 20, 1], [50, 100, 99, 300], fatalities=[1, 90, 2, 90], strict=False)
    assert conflict_intensity(early, KERNEL) == conflict_intensity(late, KERNEL)
    assert (events_near(early).fatalities == events_near(late).fatalities).all()
    np.testing.assert_array_equal(front_distance(early).daily_km, front_distance(late).daily_km)


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_dates_of_any_resolution_and_numbers_agree(unit):
    numbers = np.array([20000, 19990, 20050])
    dates = numbers.astype("datetime64[D]").astype(f"datetime64[{unit}]")
    by_number = seen([1, 2, 3], numbers, as_of=20060)
    by_date = seen([1, 2, 3], dates, as_of=dt.date(1970, 1, 1) + dt.timedelta(days=20060))
    assert by_number.day.tolist() == by_date.day.tolist() == [19990, 20000, 20050]
    assert by_number.distance_km.tolist() == by_date.distance_km.tolist()
    assert (by_number.dated, by_date.dated) == (False, True)


@pytest.mark.parametrize(
    ("day", "as_of", "message"),
    [
        ([1.0, math.nan], 9.0, "day must be dates such as"),
        (np.array(["2025-01-01", "NaT"], dtype="datetime64[D]"), dt.date(2025, 3, 1), "day must"),
        (["2025", "2024"], dt.date(2025, 3, 1), "day must be dates such as"),
        ([1, 2], dt.date(2025, 3, 1), "as_of must be a date where the events have dates"),
        ([dt.date(2025, 1, 1)] * 2, 30000, "as_of must be a date where the events have dates"),
        ([1, 2, 3], 9.0, "day must be .n_events,., and the other arrays alike"),
        ([1, 2], True, "as_of must be dates such as"),
    ],
)
def test_days_that_are_none_are_refused(day, as_of, message):
    with pytest.raises(InvalidInputError, match=message):
        seen([1, 2], day, as_of=as_of)


@pytest.mark.parametrize("deaths", [-1, math.nan, math.inf])
def test_deaths_must_be_numbers_of_at_least_zero(deaths):
    with pytest.raises(InvalidInputError, match="fatalities must be finite and >= 0, as 1 of 2"):
        seen([1, 2], [1, 2], fatalities=[0, deaths])


# --- Counts -------------------------------------------------------------------------------


def test_counts_worked_by_hand():
    #                 age 1, 7, 8, 30, 31
    history = seen([10, 60, 20, 150, 500], [99, 93, 92, 70, 69], fatalities=[1, 2, 4, 8, 16])
    counts = events_near(history, distances_km=(25, 100, 200), windows_days=(7, 30))
    assert counts.events.tolist() == [[1, 2], [2, 3], [2, 4]]
    assert counts.fatalities.tolist() == [[1, 5], [3, 7], [3, 15]]


def test_counts_are_those_of_a_slow_loop_and_grow_both_ways():
    history = random_history()
    counts = events_near(history)
    for row, d in enumerate(counts.distances_km):
        for column, w in enumerate(counts.windows_days):
            rows = [
                f
                for far, day, f in zip(
                    history.distance_km, history.day, history.fatalities, strict=True
                )
                if far <= d and history.as_of - day <= w
            ]
            assert counts.events[row, column] == len(rows)
            assert counts.fatalities[row, column] == sum(rows)
    for axis in (0, 1):
        assert (np.diff(counts.events, axis=axis) >= 0).all()


def test_no_event_counts_as_none():
    history = seen([], [], as_of=dt.date(2025, 3, 13))
    assert not events_near(history).events.any()
    assert conflict_intensity(history, KERNEL) == 0.0
    assert math.isnan(front_distance(history).distance_km)


def test_counts_refuse_windows_that_are_none():
    with pytest.raises(InvalidInputError, match="windows_days must be a finite number > 0, got 0"):
        events_near(random_history(), windows_days=(7, 0))
    with pytest.raises(InvalidInputError, match="distances_km must be a finite number >= 0"):
        events_near(random_history(), distances_km=(math.nan,))


# --- Intensity ----------------------------------------------------------------------------


def slow_intensity(history, kernel, day):
    total = 0.0
    for far, then, f in zip(history.distance_km, history.day, history.fatalities, strict=True):
        if then < day:
            weight = (1 + f) ** kernel.fatality_exponent
            age = day - then
            total += weight * math.exp(
                -far / kernel.distance_scale_km - age / kernel.time_scale_days
            )
    return total


def test_one_event_weighs_what_the_formula_says():
    history = seen([50.0], [70.0], fatalities=[3])
    # (1 + 3)^0.5 e^(-50/50) e^(-30/30)
    assert conflict_intensity(history, KERNEL) == pytest.approx(2 * math.exp(-2), rel=1e-9)


@pytest.mark.parametrize("scale", [0.1, 7.0, 30.0, 3000.0])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_series_is_the_slow_sum_day_by_day(scale, exponent):
    kernel = ConflictKernel(distance_scale_km=40, time_scale_days=scale, fatality_exponent=exponent)
    history = random_history(n=150, days=120)
    series = intensity_series(history, kernel, since=-5, until=120)
    slow = [slow_intensity(history, kernel, day) for day in series.day]
    np.testing.assert_allclose(series.value, slow, rtol=1e-9, atol=1e-300)
    assert series.mean == pytest.approx(np.mean(slow), rel=1e-9)
    now = slow_intensity(history, kernel, history.as_of)
    assert conflict_intensity(history, kernel) == pytest.approx(now, rel=1e-9)


def test_each_day_knows_only_the_days_before_it():
    history = random_history()
    whole = intensity_series(history, KERNEL, since=300, until=700)
    past = seen(
        history.distance_km[history.day < 700],
        history.day[history.day < 700],
        fatalities=history.fatalities[history.day < 700],
        as_of=700.0,
    )
    np.testing.assert_allclose(intensity_series(past, KERNEL, since=300).value, whole.value)


def test_series_of_dated_events_has_dates():
    history = seen(
        [1.0], np.array(["2025-01-01"], dtype="datetime64[D]"), as_of=dt.date(2025, 1, 4)
    )
    series = intensity_series(history, KERNEL, since=dt.date(2025, 1, 1))
    assert series.day.astype(str).tolist() == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert series.value[0] == 0.0 < series.value[2] < series.value[1]
    with pytest.raises(InvalidInputError, match="since must be a date, like the events'"):
        intensity_series(history, KERNEL, since=20_000)


def test_series_stays_within_the_history():
    history = random_history()
    with pytest.raises(InvalidInputError, match="until must not be after the end"):
        intensity_series(history, KERNEL, since=0, until=1001)
    with pytest.raises(InvalidInputError, match="since must be before the last day"):
        intensity_series(history, KERNEL, since=1000)


@given(st.floats(0, 200), st.floats(0, 200), st.floats(0, 99), st.floats(0, 99))
def test_nearer_and_later_events_weigh_more(near, far, early, late):
    near, far = sorted((near, far))
    early, late = sorted((early, late))
    assert conflict_intensity(seen([far], [early]), KERNEL) <= 1.000001 * conflict_intensity(
        seen([near], [late]), KERNEL
    )


def test_intensities_of_two_sets_of_events_add():
    a, b = random_history(seed=1), random_history(seed=2)
    both = seen(
        np.concatenate([a.distance_km, b.distance_km]),
        np.concatenate([a.day, b.day]),
        fatalities=np.concatenate([a.fatalities, b.fatalities]),
        as_of=1000.0,
    )
    total = conflict_intensity(a, KERNEL) + conflict_intensity(b, KERNEL)
    assert conflict_intensity(both, KERNEL) == pytest.approx(total, rel=1e-9)


def test_steady_conflict_has_the_intensity_of_the_geometric_series():
    # One event at the site each day for ever: sum of e^(-a/30) over ages a = 1, 2, ...
    history = seen(np.zeros(2000), np.arange(2000), as_of=2000.0)
    expected = 1.0 / math.expm1(1 / 30)
    assert conflict_intensity(history, KERNEL) == pytest.approx(expected, rel=1e-9)
    assert intensity_series(history, KERNEL, since=1500).mean == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "change", [{"distance_scale_km": 0}, {"time_scale_days": -1}, {"fatality_exponent": 1.1}]
)
def test_kernel_refuses_scales_that_are_none(change):
    fields = {"distance_scale_km": 50, "time_scale_days": 30} | change
    with pytest.raises(InvalidInputError, match=f"{next(iter(change))} must"):
        ConflictKernel(**fields)


# --- Front --------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("nearest", [1, 3, 5])
def test_a_front_that_advances_steadily_is_measured_exactly(speed, nearest):
    # One event a day at 300 - speed * day: the k-th nearest is the one of k days ago.
    days = np.arange(100.0)
    front = front_distance(seen(300 - speed * days, days), nearest=nearest)
    assert front.distance_km == pytest.approx(300 - speed * (100 - nearest - 3), rel=1e-9)
    assert front.change_km_per_week == pytest.approx(-7 * speed, abs=1e-9)


def test_a_front_that_withdraws_is_seen_late():
    # The k-th nearest is then the k-th oldest of the window.
    days = np.arange(100.0)
    front = front_distance(seen(100 + 2 * days, days), nearest=3, window_days=30)
    assert front.change_km_per_week == pytest.approx(14.0, rel=1e-9)
    assert front.distance_km == pytest.approx(100 + 2 * (100 - 30 + 2 - 3), rel=1e-9)


def test_front_is_that_of_sorting_day_by_day():
    history = random_history(n=200, days=300)
    front = front_distance(history, nearest=4, window_days=21)
    for day, found in zip(np.arange(287, 301), front.daily_km, strict=True):
        recent = (history.day >= day - 21) & (history.day < day)
        assert found == np.sort(history.distance_km[recent])[3]


def test_two_strays_do_not_make_a_front_of_the_third():
    days = np.arange(80.0, 100.0)
    far = np.full(20, 150.0)
    front = front_distance(seen([*far, 5.0, 6.0], [*days, 85.0, 86.0]))
    assert front.distance_km == pytest.approx(150.0)


def test_too_few_recent_events_make_no_front():
    front = front_distance(seen([10, 20, 30], [10, 99, 99]))
    assert math.isnan(front.distance_km)
    assert math.isnan(front.change_km_per_week)


@pytest.mark.parametrize("wrong", [{"nearest": 0}, {"nearest": 1.5}, {"window_days": 0}])
def test_front_refuses_what_is_no_window(wrong):
    with pytest.raises(InvalidInputError, match=f"{next(iter(wrong))} must"):
        front_distance(random_history(), **wrong)


# --- Times for a point process ------------------------------------------------------------


def test_times_within_a_distance_count_from_the_first_day_watched():
    history = seen([10, 60, 20, 30], [9, 20, 50, 40])
    times, horizon = times_within(history, distance_km=50, since=10)
    assert (times.tolist(), horizon) == ([30.0, 40.0], 90.0)
    with pytest.raises(InvalidInputError, match="since must be before the end"):
        times_within(history, distance_km=50, since=100)


# --- Multiplier ---------------------------------------------------------------------------


def hazard(peril=Peril.ARMED_CONFLICT):
    return Hazard(
        hazard_id="kivu-conflict",
        peril=peril,
        scope=Scope.site("bisie"),
        rate_pa=0.15,
        duration=Duration.lognormal(median_days=121, sigma=1.75),
        rate_shape=2.0,
    )


@pytest.mark.parametrize(
    ("intensity", "elasticity", "expected"),
    [
        (2.0, 0.5, 1.0),  # at the mean
        (8.0, 0.5, 2.0),
        (8.0, 1.0, 4.0),
        (0.5, 0.5, 0.5),
        (8.0, 0.0, 1.0),  # conflict moves nothing
        (0.0, 0.0, 1.0),
        (0.0, 0.5, 0.2),  # cut below
        (200.0, 1.0, 5.0),  # cut above
        (1e300, 30.0, 5.0),  # beyond every number
    ],
)
def test_multiplier_is_a_power_of_the_ratio_within_bounds(intensity, elasticity, expected):
    found = conflict_multiplier(intensity=intensity, mean=2.0, elasticity=elasticity)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert (found.ratio, found.low, found.high) == (intensity / 2.0, 0.2, 5.0)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0.01, 100), st.floats(0, 2))
def test_more_conflict_never_lowers_the_rate(a, b, mean, elasticity):
    low, high = (
        conflict_multiplier(intensity=x, mean=mean, elasticity=elasticity) for x in sorted((a, b))
    )
    assert 0.2 <= low.value <= high.value <= 5.0


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.01, 100))
def test_multiplier_does_not_depend_on_the_unit_of_intensity(intensity, mean, unit):
    assume(0.21 < math.sqrt(intensity / mean) < 4.9)
    scaled = conflict_multiplier(intensity=unit * intensity, mean=unit * mean, elasticity=0.5)
    plain = conflict_multiplier(intensity=intensity, mean=mean, elasticity=0.5)
    assert scaled.value == pytest.approx(plain.value, rel=1e-12)


def test_ratio_is_one_on_average_and_its_root_is_less():
    # What the documentation warns of: multiplied every day, the rate falls in the long run.
    series = intensity_series(random_history(), KERNEL, since=200)
    ratio = series.value / series.mean
    assert ratio.mean() == pytest.approx(1.0)
    assert np.sqrt(ratio).mean() < 1.0


def test_elasticity_has_no_default():
    with pytest.raises(TypeError, match="elasticity"):
        conflict_multiplier(intensity=1.0, mean=1.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("mean", 0.0), ("intensity", -1.0), ("elasticity", math.nan), ("low", 1.2), ("high", 0.9)],
)
def test_multiplier_refuses_values_that_make_no_sense(field, value):
    fields = {"intensity": 1.0, "mean": 1.0, "elasticity": 0.5} | {field: value}
    with pytest.raises(InvalidInputError, match=f"{field} must be a finite number"):
        conflict_multiplier(**fields)


def test_only_the_rate_of_the_hazard_changes():
    multiplier = conflict_multiplier(intensity=8.0, mean=2.0, elasticity=0.5)
    changed = with_multiplier(hazard(), multiplier)
    assert changed.rate_pa == pytest.approx(0.30)
    fields = set(Hazard.__dataclass_fields__) - {"rate_pa"}
    assert all(getattr(changed, name) == getattr(hazard(), name) for name in fields)


def test_conflict_says_nothing_of_other_perils():
    multiplier = conflict_multiplier(intensity=8.0, mean=2.0, elasticity=0.5)
    with pytest.raises(InvalidInputError, match=r"hazard.peril must be armed_conflict.*'strike'"):
        with_multiplier(hazard(Peril.STRIKE), multiplier)
    with pytest.raises(TypeError, match="multiplier must be of the class ConflictMultiplier"):
        with_multiplier(hazard(), 2.0)
