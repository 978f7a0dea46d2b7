"""ACLED's export: old and new spellings, filters, and what is refused."""

import csv
import datetime as dt
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data.formats._table import text_chunks
from supplyrisk.data.formats.acled import read_acled
from supplyrisk.data.schema import schema

# As exported since March 2023.
HEADER = (
    "event_id_cnty,event_date,year,time_precision,disorder_type,event_type,sub_event_type,actor1,"
    "assoc_actor_1,inter1,actor2,assoc_actor_2,inter2,interaction,civilian_targeting,iso,region,"
    "country,admin1,admin2,admin3,location,latitude,longitude,geo_precision,source,source_scale,"
    "notes,fatalities,tags,timestamp"
)
COLUMNS = HEADER.split(",")


def event(number, **values):
    """One invented event, as text."""
    row = dict.fromkeys(COLUMNS, "")
    row |= {
        "event_id_cnty": f"DRC{number}",
        "event_date": "2025-03-13",
        "year": "2025",
        "time_precision": "1",
        "disorder_type": "Political violence",
        "event_type": "Battles",
        "sub_event_type": "Armed clash",
        "actor1": "Group X",
        "inter1": "Rebel group",
        "actor2": "Military Forces of a country (2019-)",
        "assoc_actor_2": "Group Y; Group Z",
        "inter2": "State forces",
        "interaction": "State forces-Rebel group",
        "iso": "180",
        "region": "Middle Africa",
        "country": "Democratic Republic of Congo",
        "admin1": "Nord-Kivu",
        "admin2": "Walikale",
        "location": "A town",
        "latitude": "-1.4200",
        "longitude": "28.0700",
        "geo_precision": "2",
        "source": "Agency; Radio",
        "source_scale": "National",
        "notes": 'On 13 March, two groups fought "near" a town; nobody won.',
        "fatalities": "0",
        "timestamp": "1742342400",
    }
    return {**row, **values}


@pytest.fixture
def write(tmp_path):
    def write_events(*events, columns=COLUMNS, name="export.csv", **form):
        form = {"encoding": "utf-8", "delimiter": ","} | form
        path = tmp_path / name
        with path.open("w", encoding=form["encoding"], newline="") as file:
            writer = csv.DictWriter(
                file, columns, delimiter=form["delimiter"], extrasaction="ignore"
            )
            writer.writeheader()
            writer.writerows(events)
        return path

    return write_events


def test_the_schema_has_the_published_columns_in_order():
    assert schema("acled", of="formats").names == COLUMNS
    assert len(COLUMNS) == 31


def test_an_event_has_the_types_and_values_of_the_schema(write):
    frame = read_acled(write(event(1, tags="crowd size=no report"), event(2)))
    assert list(frame.columns) == COLUMNS
    assert frame["event_date"].dtype == np.dtype("datetime64[us]")
    assert {str(frame[name].dtype) for name in ("year", "fatalities")} == {"int64"}
    assert {str(frame[name].dtype) for name in ("iso", "timestamp")} == {"Int64"}
    assert frame["latitude"].dtype == np.float64
    first = frame.iloc[0]
    assert first["event_date"] == pd.Timestamp("2025-03-13")
    assert (first["event_id_cnty"], first["fatalities"], first["latitude"]) == ("DRC1", 0, -1.42)
    assert first["notes"].endswith('fought "near" a town; nobody won.')
    assert first["tags"] == "crowd size=no report"
    assert pd.isna(frame["tags"][1])
    assert pd.isna(first["admin3"])


def test_days_are_read_as_old_and_new_exports_write_them(write):
    days = ["2025-03-13", "13 March 2025", "3 january 2025", "28 February 2025", "01-May-2025"]
    frame = read_acled(write(*(event(n, event_date=day) for n, day in enumerate(days))))
    assert frame["event_date"].dt.strftime("%Y-%m-%d").tolist() == [
        "2025-03-13",
        "2025-03-13",
        "2025-01-03",
        "2025-02-28",
        "2025-05-01",
    ]


@pytest.mark.parametrize("day", ["13/03/2025", "31 February 2025", "13 Mars 2025", "45729", ""])
def test_days_that_are_none_or_could_be_two_are_refused(write, day):
    path = write(event(1, event_date=day))
    with pytest.raises(sr.InvalidInputError, match="line 2, column event_date must be"):
        read_acled(path)
    with pytest.raises(sr.InvalidInputError, match="line 2, column event_date must be"):
        read_acled(path, since="2025-01-01")


def test_the_types_of_actors_are_words_in_old_exports_too(write):
    codes = [event(n, inter1=str(n), inter2="0", interaction=f"{n}0") for n in range(1, 9)]
    frame = read_acled(write(*codes))
    assert frame["inter1"].tolist() == [
        "State forces",
        "Rebel group",
        "Political militia",
        "Identity militia",
        "Rioters",
        "Protesters",
        "Civilians",
        "External/Other forces",
    ]
    assert frame["inter2"].isna().all()
    assert frame["interaction"].tolist() == [f"{n}0" for n in range(1, 9)]
    words = read_acled(write(event(1)))
    assert (words["inter1"][0], words["inter2"][0]) == ("Rebel group", "State forces")


def test_the_order_of_columns_and_extra_ones_change_nothing(write):
    plain = read_acled(write(event(1), event(2)))
    shuffled = ["population_best", *reversed(COLUMNS)]
    path = write(event(1) | {"population_best": "9"}, event(2), columns=shuffled, name="other.csv")
    pd.testing.assert_frame_equal(read_acled(path), plain)


@pytest.mark.parametrize(
    "form",
    [{"delimiter": ";"}, {"delimiter": ";", "encoding": "utf-8-sig"}, {"encoding": "utf-16"}],
    ids=str,
)
def test_exports_come_with_semicolons_and_marks_too(write, form):
    plain = read_acled(write(event(1, location="Béni")))
    other = read_acled(write(event(1, location="Béni"), name="other.csv", **form))
    pd.testing.assert_frame_equal(other, plain)


def test_decimal_commas_are_read_when_they_are_announced(write):
    path = write(event(1, latitude="-1,42", longitude="28,07"), delimiter=";")
    with pytest.raises(sr.InvalidInputError, match="say decimal=','"):
        read_acled(path)
    assert read_acled(path, decimal=",")["latitude"].tolist() == [-1.42]
    with pytest.raises(ValueError, match=r"decimal must be '\.' or ','"):
        read_acled(path, decimal=";")


def test_events_are_filtered_by_the_number_of_their_country_or_its_name(write):
    path = write(
        event(1),
        event(2, iso="178", country="Republic of Congo"),
        event(3, iso="516", country="Namibia"),
        event(4, iso="0", country="Kosovo"),
        event(5, iso="", country="Democratic Republic of Congo"),
        event(6, iso="8", country="Albania"),
    )

    def kept(*countries):
        return read_acled(path, countries=countries)["event_id_cnty"].str[3:].tolist()

    assert kept("COD") == kept("DR Congo") == kept("180") == ["1", "5"]
    assert kept("COG", "NA", "ALB") == ["2", "3", "6"]
    assert len(read_acled(path)) == 6
    with pytest.raises(ValueError, match="ambiguous"):
        read_acled(path, countries=["Congo"])


def test_a_period_keeps_its_first_and_last_day(write):
    path = write(*(event(n, event_date=f"{n} March 2025") for n in range(1, 6)))

    def kept(since=None, until=None):
        return read_acled(path, since=since, until=until)["event_date"].dt.day.tolist()

    assert kept("2025-03-02", dt.date(2025, 3, 4)) == [2, 3, 4]
    assert kept(since="2025-03-05") == [5]
    assert kept(until="2025-02-28") == []
    with pytest.raises(ValueError, match="must not lie after until"):
        kept("2025-03-04", "2025-03-02")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "actor1": st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])),
                "longitude": st.floats(-180, 180).map(repr),
                "fatalities": st.integers(0, 10**6).map(str),
                "iso": st.sampled_from(["180", "646", ""]),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_what_is_read(write, values):
    frame = read_acled(write(*(event(n, **value) for n, value in enumerate(values))))
    again = write(*schema("acled", of="formats").to_text(frame).to_dict("records"), name="2.csv")
    pd.testing.assert_frame_equal(read_acled(again), frame)
    assert frame["actor1"].fillna("").tolist() == [value["actor1"].strip() for value in values]
    assert frame["longitude"].tolist() == [float(value["longitude"]) for value in values]


def test_a_repeated_event_is_refused_as_in_exports_by_actor(write):
    path = write(event(1), event(2), event(1, actor1="Group Y"))
    with pytest.raises(sr.InvalidInputError, match="must not repeat the event_id_cnty of line 2"):
        read_acled(path)


def test_missing_columns_are_named_with_what_is_near(write):
    old = ["data_id", "iso3", *(name for name in COLUMNS if name not in {"tags", "notes"})]
    with pytest.raises(sr.InvalidInputError) as caught:
        read_acled(write(event(1), columns=old))
    assert {fault.field for fault in caught.value.faults} == {"column notes", "column tags"}
    assert "it is part of an ACLED export" in str(caught.value)


def test_every_wrong_cell_is_named_at_once_with_line_column_and_value(write, monkeypatch):
    monkeypatch.setitem(text_chunks.__kwdefaults__, "rows", 2)
    path = write(
        event(1, fatalities="-1"),
        event(2),
        event(3, latitude="-91", fatalities="many"),
        event(4, event_type=""),
    )
    with pytest.raises(sr.InvalidInputError) as caught:
        read_acled(path)
    assert {fault.field: fault.value for fault in caught.value.faults} == {
        "line 2, column fatalities": "-1",
        "line 4, column latitude": "-91",
        "line 4, column fatalities": "many",
        "line 5, column event_type": "",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must not be empty"),
        (b"<html>Access denied</html>", "is a web page"),
        (b"PK\x03\x04rest", "an Excel workbook, not text"),
        (b'{"status": 403}', "column event_id_cnty must be given"),
        (HEADER.encode() + b"\nx,\xff\n", "must be utf-8 text"),
        (HEADER.encode() + b"\nDRC1,2025-03-13\n", "must have 31 fields"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, message):
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    with pytest.raises(sr.InvalidInputError, match=message):
        read_acled(path)


def peak_of_filtered(path, count, each):
    """Write events of which one in `each` is recent; return those kept, and the peak of memory."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        old, new = event(0, event_date="31 December 2010"), event(0)
        for number in range(count):
            row = old if number % each else new
            row["event_id_cnty"] = f"DRC{number}"
            writer.writerow(row)
    tracemalloc.start()
    try:
        frame = read_acled(path, since="2025-01-01")
        return len(frame), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_follows_the_events_kept(tmp_path):
    kept, peak = peak_of_filtered(tmp_path / "few.csv", 20_000, each=500)
    assert kept == 40
    assert peak < 4e6


@pytest.mark.verification
def test_a_million_events_are_filtered_in_bounded_memory(tmp_path):
    kept, peak = peak_of_filtered(tmp_path / "many.csv", 1_000_000, each=1_000)
    assert kept == 1_000
    assert peak < 20e6
