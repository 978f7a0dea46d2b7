"""From rows to the conflict near a site: both publishers alike, a slow way, laws and refusals."""

import csv
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data.conflict_events import conflict_near
from supplyrisk.data.formats.acled import read_acled
from supplyrisk.data.formats.ucdp import read_ucdp_ged
from supplyrisk.data.schema import schema

AS_OF = dt.date(2025, 3, 20)
KERNEL = sr.hazard.ConflictKernel(distance_scale_km=50, time_scale_days=30, fatality_exponent=0.5)
MINE = {
    "site_id": "bisie",
    "name": "Bisie",
    "commodity": "tin",
    "country": "COD",
    "capacity_tpa": 20_000,
}
BISIE = sr.MineSite(**MINE, latitude_deg=-1.033, longitude_deg=27.733)
# latitude, longitude, days before AS_OF (0 or less is no history), deaths
EVENTS = [
    (-1.42, 28.07, 1, 4),
    (-1.05, 27.75, 1, 0),
    (-1.90, 28.40, 6, 12),
    (-1.60, 29.20, 30, 150),
    (-2.50, 28.80, 200, 3),
    (0.10, 29.00, 3, 1),
    (-1.42, 28.07, 0, 40),
    (-1.03, 27.73, -12, 7),
]


def as_ucdp(number, latitude, longitude, age, deaths):
    """One invented event as UCDP writes it, of the one day."""
    day = AS_OF - dt.timedelta(days=age)
    return {
        "id": number,
        "year": day.year,
        "active_year": "True",
        "type_of_violence": 1,
        "where_prec": 1,
        "date_prec": 1,
        "latitude": repr(latitude),
        "longitude": repr(longitude),
        "country": "DR Congo (Zaire)",
        "date_start": f"{day} 00:00:00.000",
        "date_end": f"{day} 00:00:00.000",
        "deaths_a": 0,
        "deaths_b": 0,
        "deaths_civilians": 0,
        "deaths_unknown": deaths,
        "best": deaths,
        "low": 0,
        "high": 2 * deaths,
    }


def as_acled(number, latitude, longitude, age, deaths):
    """The same event as ACLED writes it."""
    day = AS_OF - dt.timedelta(days=age)
    return {
        "event_id_cnty": f"DRC{number}",
        "event_date": f"{day:%d %B %Y}",
        "year": day.year,
        "time_precision": 1,
        "event_type": "Battles",
        "iso": 180,
        "country": "Democratic Republic of Congo",
        "latitude": repr(latitude),
        "longitude": repr(longitude),
        "geo_precision": 1,
        "fatalities": deaths,
    }


LAYOUTS = {"ucdp_ged": (as_ucdp, read_ucdp_ged), "acled": (as_acled, read_acled)}
COARSE = [
    ("ucdp_ged", {"where_prec": 4}),
    ("ucdp_ged", {"where_prec": 7}),
    ("ucdp_ged", {"date_prec": 4}),
    ("acled", {"geo_precision": 3}),
    ("acled", {"time_precision": 3}),
]
FINE = [
    ("ucdp_ged", {"where_prec": 3, "date_prec": 3}),
    ("acled", {"geo_precision": 2, "time_precision": 2}),
    ("acled", {"geo_precision": "", "time_precision": ""}),  # blank: nothing says it is coarse
]
both = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.fixture
def read(tmp_path):
    """Write events in the layout of a publisher, and read them by its reader."""

    def write_and_read(layout, events, **changed):
        write, reader = LAYOUTS[layout]
        path = tmp_path / f"{layout}.csv"
        names = schema(layout, of="formats").names
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(write(n, *event) | changed for n, event in enumerate(events))
        return reader(path)

    return write_and_read


def numbers(history):
    """Everything that is asked of a history, as one list."""
    counts = sr.hazard.events_near(history)
    series = sr.hazard.intensity_series(history, KERNEL, since=AS_OF - dt.timedelta(days=150))
    front = sr.hazard.front_distance(history)
    times, horizon = sr.hazard.times_within(
        history, distance_km=120, since=AS_OF - dt.timedelta(days=250)
    )
    intensity = sr.hazard.conflict_intensity(history, KERNEL)
    flat = [*counts.events.flat, *counts.fatalities.flat, *front.daily_km, *np.sort(times)]
    return [*map(float, flat), horizon, intensity, series.mean]


def same(a, b):
    np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-12)


# --- Both publishers, and a slow way ------------------------------------------------------


def test_the_same_events_of_both_publishers_give_the_same_history(read):
    ucdp, acled = (conflict_near(read(layout, EVENTS), BISIE, as_of=AS_OF) for layout in LAYOUTS)
    for field in ("distance_km", "day", "fatalities"):
        np.testing.assert_array_equal(getattr(ucdp, field), getattr(acled, field))
    assert ucdp.as_of == acled.as_of
    assert ucdp.dated
    assert acled.dated
    same(ucdp, acled)


def apart_km(latitude, longitude):
    """Distance from Bisie by the angle between two vectors."""

    def vector(lat, lon):
        lat, lon = math.radians(lat), math.radians(lon)
        return (
            math.cos(lat) * math.cos(lon),
            math.cos(lat) * math.sin(lon),
            math.sin(lat),
        )

    here, there = vector(-1.033, 27.733), vector(latitude, longitude)
    return 2 * 6371.0088 * math.asin(math.dist(here, there) / 2)


@both
def test_counts_and_intensity_are_those_of_a_slow_loop_over_the_rows(read, layout):
    history = conflict_near(read(layout, EVENTS), BISIE, as_of=AS_OF)
    past = [(apart_km(lat, lon), age, f) for lat, lon, age, f in EVENTS if age >= 1]
    counts = sr.hazard.events_near(history)
    for row, far in enumerate(counts.distances_km):
        for column, days in enumerate(counts.windows_days):
            near = [f for km, age, f in past if km <= far and age <= days]
            assert counts.events[row, column] == len(near)
            assert counts.fatalities[row, column] == sum(near)
    slow = sum((1 + f) ** 0.5 * math.exp(-km / 50 - age / 30) for km, age, f in past)
    assert sr.hazard.conflict_intensity(history, KERNEL) == pytest.approx(slow, rel=1e-9)


# --- Imprecise places and dates -----------------------------------------------------------


@pytest.mark.parametrize(("layout", "changed"), COARSE)
def test_events_of_a_province_or_a_month_count_only_when_asked_for(read, layout, changed):
    frame = pd.concat([read(layout, EVENTS), read(layout, [EVENTS[1]], **changed)])
    same(
        conflict_near(frame, BISIE, as_of=AS_OF),
        conflict_near(read(layout, EVENTS), BISIE, as_of=AS_OF),
    )
    more = conflict_near(frame, BISIE, as_of=AS_OF, coarse=True)
    assert more.day.size == 7


@pytest.mark.parametrize(("layout", "changed"), FINE)
def test_events_known_to_the_district_and_the_week_count(read, layout, changed):
    same(
        conflict_near(read(layout, EVENTS, **changed), BISIE, as_of=AS_OF),
        conflict_near(read(layout, EVENTS), BISIE, as_of=AS_OF),
    )


@pytest.mark.parametrize(("end", "counted"), [(19, 1), (20, 0), (25, 0)])
def test_an_event_of_several_days_counts_on_its_last(read, end, counted):
    long = {"date_start": "2025-03-05", "date_end": f"2025-03-{end}"}
    frame = pd.concat([read("ucdp_ged", EVENTS[2:3]), read("ucdp_ged", EVENTS[:1], **long)])
    history = conflict_near(frame, BISIE, as_of=AS_OF)
    near = sr.hazard.events_near(history, distances_km=(65,), windows_days=(1, 365))
    assert near.events.tolist() == [[counted, counted]]


# --- The day it is asked for --------------------------------------------------------------

rows = st.lists(
    st.tuples(st.floats(-5.0, 3.0), st.floats(25.0, 31.0), st.integers(1, 400), st.integers(0, 90)),
    min_size=1,
    max_size=12,
)


def frame_of(layout, events):
    """A frame as the reader gives it, without the file."""
    write, _ = LAYOUTS[layout]
    frame = pd.DataFrame([write(n, *event) for n, event in enumerate(events)])
    days = frame.filter(regex="date$|date_start|date_end").apply(pd.to_datetime)
    places = frame[["latitude", "longitude"]].astype(float)
    return frame.assign(**days, **places)


@given(st.sampled_from(list(LAYOUTS)), rows, rows, st.randoms(use_true_random=False))
def test_what_comes_later_and_the_order_of_rows_change_nothing(layout, past, later, random):
    hindsight = [(lat, lon, 1 - age, deaths) for lat, lon, age, deaths in later]
    mixed = past + hindsight
    random.shuffle(mixed)
    frame = frame_of(layout, mixed)
    kept = frame.copy()
    history = conflict_near(frame, BISIE, as_of=AS_OF)
    same(history, conflict_near(frame_of(layout, past), BISIE, as_of=AS_OF))
    same(history, conflict_near(frame_of(layout, past), BISIE, as_of=AS_OF, strict=True))
    pd.testing.assert_frame_equal(frame, kept)
    with pytest.raises(sr.InvalidInputError, match=r"events after case\.start used as history"):
        conflict_near(frame, BISIE, as_of=AS_OF, strict=True)


@given(st.sampled_from(list(LAYOUTS)), rows, rows)
def test_more_events_never_lower_a_count_or_the_intensity(layout, few, more):
    a, b = (
        conflict_near(frame_of(layout, events), BISIE, as_of=AS_OF) for events in (few, few + more)
    )
    assert (sr.hazard.events_near(a).events <= sr.hazard.events_near(b).events).all()
    before, after = (sr.hazard.conflict_intensity(history, KERNEL) for history in (a, b))
    assert before <= after * (1 + 1e-12)


@both
def test_strict_says_how_many_events_are_hindsight(read, layout):
    frame = read(layout, EVENTS)
    day = LAYOUTS[layout][0](0, 0.0, 0.0, 1, 0)
    name = "date_end" if "date_end" in day else "event_date"
    rule = rf"conflict_near: column {name} must be before as_of \(2025-03-20\): events after"
    with pytest.raises(sr.InvalidInputError, match=rule) as caught:
        conflict_near(frame, BISIE, as_of=AS_OF, strict=True)
    assert caught.value.faults[0].value == "2 later events, the last on 2025-04-01"
    assert conflict_near(frame[:6], BISIE, as_of=AS_OF, strict=True).day.size == 6


# --- From rows to a case ------------------------------------------------------------------


def test_a_case_is_moved_by_its_events_alone(read):
    case = sr.load_case("walikale-2025")
    history = conflict_near(read("acled", EVENTS), case.site("bisie"), as_of=case.start)
    series = sr.hazard.intensity_series(history, KERNEL, since=dt.date(2024, 9, 1))
    now = sr.hazard.conflict_intensity(history, KERNEL)
    hazard = next(item for item in case.hazards if item.hazard_id == "kivu-conflict")
    for elasticity in (0.0, 0.5, 1.0):
        multiplier = sr.hazard.conflict_multiplier(
            intensity=now, mean=series.mean, elasticity=elasticity
        )
        moved = sr.hazard.with_multiplier(hazard, multiplier)
        changed = case.with_values({"hazards.kivu-conflict.rate_pa": moved.rate_pa})
        rate = next(h.rate_pa for h in changed.hazards if h.hazard_id == "kivu-conflict")
        expected = min(max((now / series.mean) ** elasticity, 0.2), 5.0)
        assert rate == pytest.approx(0.15 * expected, rel=1e-12)


# --- Refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"site": sr.MineSite(**MINE)}, "site must have latitude_deg .*, got 'bisie'"),
        ({"as_of": "2025-03-20"}, "as_of must be a date"),
        ({"as_of": dt.datetime(2025, 3, 20, tzinfo=dt.UTC)}, "as_of must be a date"),
        ({"coarse": None}, "coarse must be true or false, got None"),
        ({"strict": 1}, "strict must be true or false, got 1"),
        ({"as_of": dt.date(2020, 1, 1)}, "must hold an event before as_of.*8 rows, 0 .*, 8 later"),
    ],
)
def test_bad_arguments_are_refused_by_name(change, message):
    arguments = {"site": BISIE, "as_of": AS_OF} | change
    with pytest.raises(sr.InvalidInputError, match=message):
        conflict_near(frame_of("acled", EVENTS), arguments.pop("site"), **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="fatalities"), "column fatalities must be given once"),
        (lambda f: f.drop(columns=["latitude", "geo_precision"]), "2 faults(?s:.*)column latitude"),
        (lambda f: f.drop(columns="event_date"), r"must hold date_end \(UCDP\) or event_date"),
        (lambda f: f.assign(date_end=f["event_date"]), r"must hold date_end \(UCDP\) or event"),
        (lambda f: f[:0], "must hold an event before as_of .*'0 rows, 0 of them coarse, 0 later'"),
        (lambda f: f.assign(geo_precision=3), "'8 rows, 8 of them coarse, 0 later'"),
        (lambda f: f.assign(latitude=91.0), r"latitude_deg must lie in \[-90, 90\], as 8 of 8"),
        (lambda f: f.assign(longitude=np.nan), r"longitude_deg must lie in .* got nan"),
        (lambda f: f.assign(fatalities=-1), "fatalities must be finite and >= 0"),
        (lambda f: f.assign(fatalities="many"), "column fatalities must hold numbers"),
        (lambda f: f.assign(event_date="13 March"), "day must be dates such as"),
        (lambda f: f.assign(event_date=pd.NaT), "day must be dates such as"),
    ],
)
def test_rows_that_make_no_sense_are_refused(change, message):
    with pytest.raises(sr.InvalidInputError, match=message):
        conflict_near(change(frame_of("acled", EVENTS)), BISIE, as_of=AS_OF)


def test_things_of_another_class_are_refused():
    with pytest.raises(TypeError, match=r"events must be a pandas.DataFrame, got list"):
        conflict_near([1], BISIE, as_of=AS_OF)
    with pytest.raises(TypeError, match="site must be of the class MineSite, got 'bisie'"):
        conflict_near(frame_of("acled", EVENTS), "bisie", as_of=AS_OF)
