"""IPIS's mine visits: releases with more and fewer columns, and what is refused."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data.formats.ipis import read_ipis_mines
from supplyrisk.data.schema import schema

# Columns of releases since 2018, as far as they are known, and one that no schema knows.
COLUMNS = (
    "FID vid source project pcode name visit_date visit_onsite visit_onsite_novisitreason "
    "longitude latitude province territoire village mineral1 mineral2 mineral3 is_3t_mine "
    "is_gold_mine workers_numb presence interference armed_group1 type_armed_group1 "
    "frequency_armed_group1 digging_armed_group1 forced_labour_armed_group1 "
    "pillaging_armed_group1 armed_group2 state_service1 itsci qualification pits_numb"
)
NAMES = COLUMNS.split()


def visit(number, **values):
    """One invented visit, as text."""
    row = dict.fromkeys(NAMES, "")
    row |= {
        "FID": f"cod_mines_curated_all_opendata_p_ipis.fid-{number}",
        "vid": str(number),
        "source": "IPIS - Ministère des Mines",
        "project": "IPIS - 2023",
        "pcode": f"codmine{90000 + number}",
        "name": "Carrière d'essai",
        "visit_date": "2023-05-17",
        "visit_onsite": "1",
        "longitude": "28.07",
        "latitude": "-1.42",
        "province": "Nord-Kivu",
        "territoire": "Walikale",
        "mineral1": "Cassitérite",
        "mineral2": "Or",
        "is_3t_mine": "1",
        "is_gold_mine": "0",
        "workers_numb": "120",
        "presence": "1",
        "interference": "0",
        "armed_group1": "Groupe inventé",
        "frequency_armed_group1": "Rarement",
        "digging_armed_group1": "0",
        "pits_numb": "12",
    }
    return {**row, **values}


@pytest.fixture
def write(tmp_path):
    def write_visits(*visits, columns=NAMES, name="mines.csv", **form):
        form = {"encoding": "utf-8", "delimiter": ","} | form
        path = tmp_path / name
        with path.open("w", encoding=form["encoding"], newline="") as file:
            writer = csv.DictWriter(
                file, columns, delimiter=form["delimiter"], extrasaction="ignore"
            )
            writer.writeheader()
            writer.writerows(visits)
        return path

    return write_visits


def test_a_visit_has_the_types_and_values_of_the_schema(write):
    frame = read_ipis_mines(write(visit(1), visit(2, workers_numb="", visit_onsite="")))
    known = schema("ipis_mines", of="formats")
    assert list(frame.columns) == [*known.names, "FID", "pits_numb"]
    assert {column.name: frame[column.name].dtype for column in known.columns} == {
        column.name: column.dtype for column in known.columns
    }
    assert frame["pits_numb"].dtype == frame["name"].dtype
    first = frame.iloc[0]
    assert first["visit_date"] == pd.Timestamp("2023-05-17")
    assert (first["vid"], first["pcode"], first["workers_numb"]) == (1, "codmine90001", 120)
    assert (first["longitude"], first["latitude"]) == (28.07, -1.42)
    assert (first["mineral1"], first["pits_numb"]) == ("Cassitérite", "12")
    assert [bool(first[name]) for name in ("visit_onsite", "is_gold_mine")] == [True, False]
    assert frame["visit_onsite"].isna().tolist() == [False, True]
    assert frame["workers_numb"].isna().tolist() == [False, True]


def test_columns_that_a_release_lacks_are_blank(write):
    core = ["pcode", "name", "visit_date", "longitude", "latitude", "mineral1"]
    frame = read_ipis_mines(write(visit(1), visit(2), columns=core))
    assert list(frame.columns) == schema("ipis_mines", of="formats").names
    assert frame[core].notna().all(axis=None)
    assert frame.drop(columns=core).isna().all(axis=None)


def test_days_and_answers_come_in_the_forms_of_the_map_server(write):
    days = ["2009-01-01", "2009-01-01Z", "2009-01-01T00:00:00", "2009-01-01T00:00:00.000Z"]
    answers = ["1", "1.0", "true", "TRUE"]
    frame = read_ipis_mines(
        write(
            *(
                visit(n, visit_date=day, presence=answer)
                for n, (day, answer) in enumerate(zip(days, answers, strict=True))
            )
        )
    )
    assert frame["visit_date"].eq(pd.Timestamp("2009-01-01")).all()
    assert frame["presence"].all()


def test_the_order_of_columns_and_unnamed_ones_change_nothing(write):
    plain = read_ipis_mines(write(visit(1), visit(2)))
    path = write(visit(1), visit(2), columns=["", *reversed(NAMES)], name="shuffled.csv")
    pd.testing.assert_frame_equal(read_ipis_mines(path), plain)


@pytest.mark.parametrize(
    "form", [{"delimiter": ";"}, {"encoding": "utf-8-sig"}, {"encoding": "utf-16"}], ids=str
)
def test_spreadsheets_write_the_same_table_in_other_forms(write, form):
    plain = read_ipis_mines(write(visit(1)))
    pd.testing.assert_frame_equal(read_ipis_mines(write(visit(1), name="2.csv", **form)), plain)


def test_an_old_encoding_and_decimal_commas_can_be_told(write):
    path = write(visit(1, longitude="28,07", latitude="-1,42"), delimiter=";", encoding="cp1252")
    with pytest.raises(sr.InvalidInputError, match="encoding='cp1252'"):
        read_ipis_mines(path)
    frame = read_ipis_mines(path, encoding="cp1252", decimal=",")
    assert (frame["mineral1"][0], frame["latitude"][0]) == ("Cassitérite", -1.42)


def test_one_site_is_visited_more_than_once(write):
    site = {"pcode": "codmine1"}
    frame = read_ipis_mines(
        write(visit(1, **site), visit(2, **site), visit(3, visit_date="2024-01-01", **site))
    )
    assert frame["pcode"].tolist() == ["codmine1"] * 3


@pytest.mark.parametrize("vid", ["1", ""])
def test_a_repeated_visit_is_refused(write, vid):
    path = write(visit(1, vid=vid), visit(1, vid=vid, name="other"))
    with pytest.raises(sr.InvalidInputError, match=r"must not repeat .* of line 2"):
        read_ipis_mines(path)


def test_a_column_given_twice_is_refused_be_it_known_or_not(write):
    for name in ("armed_group1", "pits_numb"):
        with pytest.raises(sr.InvalidInputError, match=f"{name} must not be given twice"):
            read_ipis_mines(write(visit(1), columns=[*NAMES, name]))


def test_columns_that_every_release_has_must_be_there(write):
    columns = [name for name in NAMES if name not in {"pcode", "mineral1"}]
    with pytest.raises(sr.InvalidInputError) as caught:
        read_ipis_mines(write(visit(1), columns=columns))
    assert {fault.field for fault in caught.value.faults} == {"column pcode", "column mineral1"}
    assert "it is part of the mine sites of IPIS" in str(caught.value)


def test_every_wrong_cell_is_named_at_once_with_line_column_and_value(write):
    path = write(
        visit(1, longitude="281", workers_numb="-5"),
        visit(2, visit_date="05/17/2023", interference="oui", pcode=""),
    )
    with pytest.raises(sr.InvalidInputError) as caught:
        read_ipis_mines(path)
    assert {fault.field: fault.value for fault in caught.value.faults} == {
        "line 2, column longitude": "281",
        "line 2, column workers_numb": "-5",
        "line 3, column visit_date": "05/17/2023",
        "line 3, column interference": "oui",
        "line 3, column pcode": "",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must not be empty"),
        (b"<?xml version='1.0'?><ows:ExceptionReport/>", "is a web page or XML"),
        (b'{"type": "FeatureCollection"}\n', "column pcode must be given"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, message):
    path = tmp_path / "mines.csv"
    path.write_bytes(content)
    with pytest.raises(sr.InvalidInputError, match=message):
        read_ipis_mines(path)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.text(st.characters(codec="utf-8", categories=["L", "N", "P"])),
                "latitude": st.floats(-90, 90).map(repr) | st.just(""),
                "workers_numb": st.integers(0, 10**5).map(str) | st.just(""),
                "presence": st.sampled_from(["1", "0", ""]),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_what_is_read(write, values):
    frame = read_ipis_mines(write(*(visit(n, **value) for n, value in enumerate(values))))
    text = schema("ipis_mines", of="formats").to_text(frame)
    others = frame[["FID", "pits_numb"]].set_axis(text.index)
    again = pd.concat([text, others], axis=1)
    path = write(*again.to_dict("records"), columns=list(again.columns), name="again.csv")
    pd.testing.assert_frame_equal(read_ipis_mines(path), frame)
    wanted = [float(value["latitude"] or "nan") for value in values]
    np.testing.assert_array_equal(frame["latitude"], wanted)
