"""UCDP's events: types and dates, filters, and what is refused."""

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
from supplyrisk.data.formats.ucdp import read_ucdp_ged
from supplyrisk.data.schema import schema

# As published, versions 23.1 to 25.1.
HEADER = (
    "id,relid,year,active_year,code_status,type_of_violence,conflict_dset_id,conflict_new_id,"
    "conflict_name,dyad_dset_id,dyad_new_id,dyad_name,side_a_dset_id,side_a_new_id,side_a,"
    "side_b_dset_id,side_b_new_id,side_b,number_of_sources,source_article,source_office,"
    "source_date,source_headline,source_original,where_prec,where_coordinates,where_description,"
    "adm_1,adm_2,latitude,longitude,geom_wkt,priogrid_gid,country,country_id,region,event_clarity,"
    "date_prec,date_start,date_end,deaths_a,deaths_b,deaths_civilians,deaths_unknown,best,high,low,"
    "gwnoa,gwnob"
)
COLUMNS = HEADER.split(",")
WHOLE = ["id", "year", "type_of_violence", "where_prec", "date_prec", "best", "high", "low"]


def event(number, **values):
    """One invented event, as text."""
    row = dict.fromkeys(COLUMNS, "")
    row |= {
        "id": str(number),
        "relid": f"DRC-2024-1-999-{number}",
        "year": "2024",
        "active_year": "True",
        "code_status": "Clear",
        "type_of_violence": "1",
        "conflict_dset_id": "86",
        "conflict_new_id": "283",
        "conflict_name": "DR Congo (Zaire): Government",
        "dyad_new_id": "999",
        "dyad_name": "Government of X - Group Y",
        "side_a_new_id": "89",
        "side_a": "Government of X",
        "side_b_new_id": "1234",
        "side_b": "Group Y",
        "number_of_sources": "2",
        "source_article": f'Agency,2024-03-0{number % 9 + 1},"Fighting near a ""town"""',
        "where_prec": "1",
        "where_coordinates": "A town",
        "where_description": "near the mine,\nnorth of the river",
        "adm_1": "Nord-Kivu province",
        "latitude": "-1.420000",
        "longitude": "28.070000",
        "geom_wkt": "POINT (28.070000 -1.420000)",
        "priogrid_gid": "127137",
        "country": "DR Congo (Zaire)",
        "country_id": "490",
        "region": "Africa",
        "event_clarity": "1",
        "date_prec": "1",
        "date_start": "2024-03-05 00:00:00.000",
        "date_end": "2024-03-06 00:00:00.000",
        "deaths_a": "0",
        "deaths_b": "3",
        "deaths_civilians": "1",
        "deaths_unknown": "0",
        "best": "4",
        "high": "9",
        "low": "4",
        "gwnoa": "490",
    }
    return {**row, **values}


@pytest.fixture
def write(tmp_path):
    def write_events(*events, columns=COLUMNS, name="GEDEvent_v25_1.csv", **form):
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
    assert schema("ucdp_ged", of="formats").names == COLUMNS
    assert len(COLUMNS) == 49


def test_an_event_has_the_types_and_values_of_the_schema(write):
    frame = read_ucdp_ged(write(event(7), event(8, number_of_sources="-1", gwnob="2")))
    assert list(frame.columns) == COLUMNS
    assert frame.index.equals(pd.RangeIndex(2))
    assert {str(frame[name].dtype) for name in WHOLE} == {"int64"}
    assert frame["latitude"].dtype == frame["longitude"].dtype == np.float64
    assert frame["date_start"].dtype == np.dtype("datetime64[us]")
    assert str(frame["active_year"].dtype) == "boolean"
    assert str(frame["number_of_sources"].dtype) == "Int64"
    first = frame.iloc[0]
    assert (first["id"], first["best"], first["latitude"]) == (7, 4, -1.42)
    assert first["date_start"] == pd.Timestamp("2024-03-05")
    assert first["date_end"] == pd.Timestamp("2024-03-06")
    assert bool(first["active_year"]) is True
    assert first["where_description"] == "near the mine,\nnorth of the river"
    assert first["source_article"].endswith('"Fighting near a ""town"""')
    assert first["gwnoa"] == "490"
    assert pd.isna(first["gwnob"])
    assert frame["gwnob"][1] == "2"
    assert frame["number_of_sources"].isna().tolist() == [False, True]


def test_older_versions_write_the_active_year_as_a_number(write):
    frame = read_ucdp_ged(write(event(1, active_year="1"), event(2, active_year="0")))
    assert frame["active_year"].tolist() == [True, False]


def test_the_order_of_columns_and_extra_ones_change_nothing(write):
    plain = read_ucdp_ged(write(event(1), event(2)))
    shuffled = ["iso3", *reversed(COLUMNS)]
    path = write(event(1) | {"iso3": "COD"}, event(2), columns=shuffled, name="shuffled.csv")
    pd.testing.assert_frame_equal(read_ucdp_ged(path), plain)


def test_the_order_of_rows_is_that_of_the_file(write):
    assert read_ucdp_ged(write(event(3), event(1), event(2)))["id"].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    "form",
    [
        {"delimiter": ";"},
        {"encoding": "utf-16"},
        {"encoding": "utf-8-sig"},
        {"delimiter": "\t", "encoding": "utf-16"},
    ],
    ids=str,
)
def test_spreadsheets_write_the_same_table_in_other_forms(write, form):
    plain = read_ucdp_ged(write(event(1, adm_1="Équateur")))
    other = read_ucdp_ged(write(event(1, adm_1="Équateur"), name="other.csv", **form))
    pd.testing.assert_frame_equal(other, plain)


def test_decimal_commas_are_read_when_they_are_announced(write):
    path = write(event(1, latitude="-1,42", longitude="28,07"), delimiter=";")
    with pytest.raises(sr.InvalidInputError, match=r"line 3, column latitude .*say decimal=','"):
        read_ucdp_ged(path)
    assert read_ucdp_ged(path, decimal=",")["longitude"].tolist() == [28.07]


def test_an_old_encoding_is_named_and_can_be_told(write):
    path = write(event(1, adm_1="Équateur"), encoding="cp1252")
    with pytest.raises(sr.InvalidInputError, match="encoding='cp1252'"):
        read_ucdp_ged(path)
    assert read_ucdp_ged(path, encoding="cp1252")["adm_1"][0] == "Équateur"


def test_events_are_filtered_by_country_code_name_and_publishers_name(write):
    path = write(
        event(1),
        event(2, country="Congo", country_id="484"),
        event(3, country="Myanmar (Burma)", country_id="775"),
        event(4, country="Namibia", country_id="565"),
        event(5, country="Kosovo", country_id="347"),
    )

    def kept(*countries):
        return read_ucdp_ged(path, countries=countries)["id"].tolist()

    assert kept("COD") == kept("DR Congo (Zaire)") == kept("Congo (Kinshasa)") == [1]
    assert kept("COG") == [2]
    assert kept("MMR", "NA") == [3, 4]
    assert read_ucdp_ged(path, countries="COD")["id"].tolist() == [1]
    assert read_ucdp_ged(path)["id"].tolist() == [1, 2, 3, 4, 5]
    none = read_ucdp_ged(path, countries=["PER"])
    assert none.empty
    assert none.dtypes.equals(read_ucdp_ged(path).dtypes)


def test_every_name_of_the_publishers_own_has_a_code(write):
    names = {
        "Cambodia (Kampuchea)": "KHM",
        "Ivory Coast": "CIV",
        "Bosnia-Herzegovina": "BIH",
        "Kingdom of eSwatini (Swaziland)": "SWZ",
        "Macedonia, FYR": "MKD",
        "Madagascar (Malagasy)": "MDG",
        "Russia (Soviet Union)": "RUS",
        "Serbia (Yugoslavia)": "SRB",
        "Vietnam (North Vietnam)": "VNM",
        "Yemen (North Yemen)": "YEM",
        "Zimbabwe (Rhodesia)": "ZWE",
    }
    for number, (name, code) in enumerate(names.items()):
        path = write(event(number, country=name))
        assert read_ucdp_ged(path, countries=[code])["country"].tolist() == [name]
        assert read_ucdp_ged(path, countries=[name])["country"].tolist() == [name]


def test_an_unknown_country_is_named_only_where_countries_are_filtered(write):
    path = write(event(1), event(2, country="Atlantis"))
    assert len(read_ucdp_ged(path)) == 2
    with pytest.raises(sr.InvalidInputError, match=r"line 5, column country must be .*'Atlantis'"):
        read_ucdp_ged(path, countries=["COD"])


@pytest.mark.parametrize(
    ("countries", "error", "message"),
    [
        (["Congo"], ValueError, "ambiguous: say COD"),
        (["Atlantis"], ValueError, "nor a known name"),
        ([], ValueError, "must name at least one country"),
        ([490], TypeError, "must be a code or a name"),
    ],
)
def test_countries_that_nobody_can_filter_by_are_refused(write, countries, error, message):
    with pytest.raises(error, match=message):
        read_ucdp_ged(write(event(1)), countries=countries)


def test_a_period_keeps_events_of_which_a_day_falls_into_it(write):
    path = write(
        event(1, date_start="2024-03-01 00:00:00.000", date_end="2024-03-31 00:00:00.000"),
        event(2, date_start="2024-04-01 00:00:00.000", date_end="2024-04-01 00:00:00.000"),
        event(3, date_start="2024-04-02", date_end="2024-04-02T00:00:00Z"),
    )

    def kept(since=None, until=None):
        return read_ucdp_ged(path, since=since, until=until)["id"].tolist()

    assert kept() == kept("2024-03-31") == kept(until="2024-04-02") == [1, 2, 3]
    assert kept(dt.date(2024, 4, 1)) == kept("2024-04-01") == [2, 3]
    assert kept(until="2024-03-31") == kept("2024-03-02", "2024-03-03") == [1]
    assert kept("2024-04-01", "2024-04-01") == [2]


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("2024-13-01", None, "since must be a date"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None, "since must be a date .*time of day"),
        (None, 2024, "until must be a date"),
        ("2024-02-01", "2024-01-01", "since must not lie after until"),
    ],
)
def test_periods_that_are_none_are_refused(write, since, until, message):
    with pytest.raises(ValueError, match=message):
        read_ucdp_ged(write(event(1)), since=since, until=until)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20)), min_size=1, max_size=8),
    st.integers(0, 60),
    st.integers(0, 20),
)
def test_filtering_while_reading_is_filtering_afterwards(write, spans, start, length):
    first = dt.date(2024, 1, 1)

    def day(number):
        return f"{first + dt.timedelta(days=number)} 00:00:00.000"

    path = write(
        *(
            event(number, date_start=day(a), date_end=day(a + n), country=country)
            for number, (a, n) in enumerate(spans)
            for country in [["Congo", "DR Congo (Zaire)", "Rwanda"][number % 3]]
        )
    )
    since, until = (first + dt.timedelta(days=n) for n in (start, start + length))
    whole = read_ucdp_ged(path)
    kept = read_ucdp_ged(path, countries=["COD", "RWA"], since=since, until=until)
    expected = whole[
        whole["country"].ne("Congo")
        & whole["date_end"].ge(pd.Timestamp(since))
        & whole["date_start"].le(pd.Timestamp(until))
    ]
    pd.testing.assert_frame_equal(kept, expected.reset_index(drop=True))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "side_a": st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])),
                "latitude": st.floats(-90, 90).map(repr),
                "best": st.integers(0, 10**6).map(str),
                "active_year": st.sampled_from(["True", "False", ""]),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_what_is_read(write, values):
    frame = read_ucdp_ged(write(*(event(n, **value) for n, value in enumerate(values))))
    columns = schema("ucdp_ged", of="formats")
    again = write(*columns.to_text(frame).to_dict("records"), name="again.csv")
    pd.testing.assert_frame_equal(read_ucdp_ged(again), frame)
    assert frame["side_a"].fillna("").tolist() == [value["side_a"].strip() for value in values]
    assert frame["latitude"].tolist() == [float(value["latitude"]) for value in values]


def test_a_repeated_event_is_refused(write):
    with pytest.raises(sr.InvalidInputError, match=r"line 7 must not repeat the id of line 3"):
        read_ucdp_ged(write(event(1), event(2), event(1)))


def test_missing_and_repeated_columns_are_named(write):
    short = [name for name in COLUMNS if name not in {"best", "country"}]
    with pytest.raises(sr.InvalidInputError) as caught:
        read_ucdp_ged(write(event(1), columns=short))
    assert {fault.field for fault in caught.value.faults} == {"column best", "column country"}
    with pytest.raises(sr.InvalidInputError, match="column low must not be given twice"):
        read_ucdp_ged(write(event(1), columns=[*COLUMNS, "low"]))


def test_every_wrong_cell_is_named_at_once_with_line_column_and_value(write):
    path = write(
        event(1, best="-4", latitude="91"),
        event(2, date_start="3/5/2024 0:00", active_year="maybe", country=""),
    )
    with pytest.raises(sr.InvalidInputError) as caught:
        read_ucdp_ged(path)
    assert {fault.field: fault.value for fault in caught.value.faults} == {
        "line 3, column best": "-4",
        "line 3, column latitude": "91",
        "line 5, column date_start": "3/5/2024 0:00",
        "line 5, column active_year": "maybe",
        "line 5, column country": "",
    }
    assert caught.value.what == str(path)
    with pytest.raises(sr.InvalidInputError, match="column date_start must be a date"):
        read_ucdp_ged(path, since="2030-01-01")  # a day that is none is not filtered away


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must not be empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"id,relid\n1,2\n", "column year must be given: it is part of the UCDP"),
        (HEADER.encode() + b'\n"1,2\n', "every quotation closed"),
        (HEADER.encode() + b"\n1,2\n", "must have 49 fields"),
        (HEADER.encode() + b"\n" + b"x" * 2_000_000, "must not be longer than"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, message):
    path = tmp_path / "GEDEvent_v25_1.csv"
    path.write_bytes(content)
    with pytest.raises(sr.InvalidInputError, match=message):
        read_ucdp_ged(path)


def test_a_file_without_events_is_an_empty_table(write):
    frame = read_ucdp_ged(write())
    assert frame.empty
    assert list(frame.columns) == COLUMNS


def many(path, count, each=50):
    """Write events of which one in `each` lies in DR Congo."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        here, there = event(0), event(0, country="Rwanda", country_id="517")
        for number in range(count):
            row = there if number % each else here
            row["id"] = str(number)
            writer.writerow(row)
    return path


def peak_of_filtered(path):
    tracemalloc.start()
    try:
        frame = read_ucdp_ged(path, countries=["COD"])
        return len(frame), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_follows_the_events_kept(tmp_path):
    path = many(tmp_path / "few.csv", 20_000, each=500)
    kept, peak = peak_of_filtered(path)
    assert kept == 40
    assert peak < path.stat().st_size / 2


def test_chunks_change_nothing(write, monkeypatch):
    good = write(*(event(number, gwnob="2" if number == 4 else "") for number in range(7)))
    whole = read_ucdp_ged(good)
    monkeypatch.setitem(text_chunks.__kwdefaults__, "rows", 3)
    pd.testing.assert_frame_equal(read_ucdp_ged(good), whole)
    bad = write(*(event(number, low="?" if number in {1, 6} else "4") for number in range(7)))
    with pytest.raises(sr.InvalidInputError) as caught:
        read_ucdp_ged(bad)
    assert [fault.field for fault in caught.value.faults] == [
        "line 5, column low",
        "line 15, column low",
    ]
    with pytest.raises(sr.InvalidInputError, match=r"line 9 must not repeat the id of line 3"):
        read_ucdp_ged(write(event(1), event(2), event(3), event(1)))


@pytest.mark.verification
def test_a_million_events_are_filtered_in_bounded_memory(tmp_path):
    path = many(tmp_path / "many.csv", 1_000_000, each=1_000)
    assert path.stat().st_size > 4e8
    kept, peak = peak_of_filtered(path)
    assert kept == 1_000
    assert peak < 20e6
