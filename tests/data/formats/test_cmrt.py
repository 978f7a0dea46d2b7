"""The Conflict Minerals Reporting Template: presence and bounds, never shares made up."""

import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.data.formats.cmrt import read_cmrt, smelter_bounds
from supplyrisk.data.schema import schema

SHEETS = ("Revision", "Instructions", "Definitions", "Declaration", "Checker")
HEADER = [
    f"Überschrift {letter}" for letter in "ABCDEFGHIJKLMNOPQ"
]  # they follow the language, and none is read
NOT_LISTED = "Smelter not listed"


def smelter(cid, metal, name="", country="", **cells):
    """One row of the sheet, columns A to Q, as the template's formulas fill it in."""
    by_letter = {"A": cid, "B": metal, "C": name, "D": name, "E": country, "F": cid, **cells}
    return [by_letter.get(letter) for letter in "ABCDEFGHIJKLMNOPQ"]


@pytest.fixture
def write(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")

    def write_template(*rows, company="Beispiel GmbH", title=None, above=4, name="cmrt.xlsx"):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for sheet in [*SHEETS, "Smelter List", "Product List"]:
            book.create_sheet(sheet)
        declaration = book["Declaration"]
        declaration["B2"] = (
            "Conflict Minerals Reporting Template (CMRT)\nRevision 6.5\nApril 25, 2025"
            if title is None
            else title
        )
        declaration["B8"] = "Company Name (*):"
        declaration["D8"] = company
        declaration["B22"] = "Effective Date (*):"
        declaration["D22"] = "04-Feb-2026"
        smelters = book["Smelter List"]
        for number in range(1, above):
            smelters.cell(row=number, column=1, value="Type the number CID009999 here, for example")
        for number, row in enumerate([HEADER, *rows], start=above):
            for column, value in enumerate(row, start=1):
                smelters.cell(row=number, column=column, value=value)
        # Formulas of the template's own stand to the right, and go on below.
        smelters.cell(row=above + 1, column=18, value="Standard Smelter Name")
        smelters.cell(row=2_490, column=3, value="")
        smelters.cell(row=2_499, column=1, value="© 2025 The publisher. All rights reserved.")
        path = tmp_path / name
        book.save(path)
        return path

    return write_template


def test_every_smelter_and_metal_is_a_row_with_the_types_of_the_schema(write):
    table = read_cmrt(
        write(
            smelter("CID009001", "Tin", "Invented Tin Works", "INDONESIA", P="No", O="Indonesia"),
            smelter(
                "CID009002", "Tantalum", "Invented Metals", "Kazakhstan", P="Yes", N="recycled"
            ),
            smelter("CID009002", "Tungsten", "Invented Metals", "Kazakhstan", P="Unknown"),
            smelter("CID009003", "Gold", "Invented Refinery", "CONGO"),
        )
    )
    assert isinstance(table, pd.DataFrame)
    columns = schema("cmrt_smelters", of="formats")
    assert list(table.columns) == columns.names
    assert dict(table.dtypes) == {column.name: column.dtype for column in columns.columns}
    assert list(table.columns[:2]) == ["company", "template_version"]
    assert table["company"].tolist() == ["Beispiel GmbH"] * 4
    assert table["template_version"].tolist() == ["6.5"] * 4
    assert table.attrs == {"company": "Beispiel GmbH", "template_version": "6.5"}
    assert table["smelter_cid"].tolist() == ["CID009001", "CID009002", "CID009002", "CID009003"]
    assert table["metal"].tolist() == ["tin", "tantalum", "tungsten", "gold"]
    assert table["name"][0] == "Invented Tin Works"
    assert table["country"].fillna("").tolist() == ["IDN", "KAZ", "KAZ", ""]
    assert table["country_as_written"][3] == "CONGO"  # one of two countries
    assert table["recycled"].isna().tolist() == [False, False, True, True]
    assert table["recycled"][:2].tolist() == [False, True]
    assert (table["mine_countries"][0], table["mine_names"][1]) == ("Indonesia", "recycled")
    assert table["sheet_row"].tolist() == [5, 6, 7, 8]
    assert table.index.equals(pd.RangeIndex(4))


def test_the_published_columns_are_known_by_their_place():
    columns = schema("cmrt", of="formats").columns
    assert [column.description[:9] for column in columns] == [
        f"Column {letter}:" for letter in "ABCDEFGHIJKLMNOPQ"
    ]


@pytest.mark.parametrize(
    ("metals", "answer"),
    [
        (("钽", "锡", "金", "钨"), "否"),
        (("タンタル", "スズ", "金", "タングステン"), "いいえ"),
        (("탄탈륨", "주석", "금", "텅스텐"), "아니요"),
        (("Tantale", "Étain", "Or", "Tungstène"), "Non"),
        (("Tântalo", "ESTANHO", "Ouro", "Tungstênio"), "Não"),
        (("Tantal", "Zinn", "Gold", "Wolfram"), "Nein"),
        (("Tántalo", "Estaño", "Oro", "Wolframio"), "no"),
        (("Tantalio", "Stagno", "Oro", "Tungsteno"), "No"),
        (("Tantal", "Kalay", "Alt\u0131n", "Tungsten"), "Hay\u0131r"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_metals_and_answers_are_read_in_every_language_of_the_template(write, metals, answer):
    rows = [smelter(f"CID00900{n}", metal, P=answer) for n, metal in enumerate(metals)]
    table = read_cmrt(write(*rows))
    assert table["metal"].tolist() == ["tantalum", "tin", "gold", "tungsten"]
    assert table["recycled"].tolist() == [False] * 4


def test_a_smelter_is_found_by_its_identifier_in_any_cell(write):
    table = read_cmrt(
        write(
            smelter("cid 009001", "Tin"),
            smelter(None, "Tin", F="CID009002"),
            smelter("CID009003", "Tin", F=None, Q="formerly CID009009"),
            smelter(None, "Tin", NOT_LISTED, D="Invented Works (CID009004)"),
        )
    )
    assert table["smelter_cid"].tolist() == [f"CID00900{n}" for n in (1, 2, 3, 4)]


def test_rows_without_an_identifier_stand_among_the_others_never_dropped(write):
    table = read_cmrt(
        write(
            smelter("CID009001", "Tin", "Invented Tin Works"),
            smelter(None, "Tin", NOT_LISTED, "Peru", D="Backyard Works", F=NOT_LISTED),
            [None] * 17,
            smelter(None, "Gold", "Smelter not yet identified", "Unknown", D="Unknown"),
            smelter(None, None, Q="our broker would not say"),
            smelter("1USA001", "Tungsten", "#N/A"),
            smelter("CID009002", "Tin", "Invented Smelter"),
            smelter(None, "Tin", NOT_LISTED, "Peru", D="Backyard Works", F=NOT_LISTED),
        )
    )
    assert table["sheet_row"].tolist() == [5, 6, 8, 9, 10, 11, 12]
    assert table["smelter_cid"].isna().tolist() == [False, True, True, True, True, False, True]
    assert table["company"].tolist() == ["Beispiel GmbH"] * 7
    unidentified = table[table["smelter_cid"].isna()]
    assert unidentified["metal"].fillna("").tolist() == ["tin", "gold", "", "tungsten", "tin"]
    assert unidentified["lookup"].fillna("").tolist() == [
        NOT_LISTED,
        "Smelter not yet identified",
        "",
        "",
        NOT_LISTED,
    ]
    assert table["name"][1] == "Backyard Works"


def test_the_frame_is_one_that_its_schema_lets_through(write):
    table = read_cmrt(
        write(
            smelter("CID009001", "Tin", "Invented Tin Works", "Peru", P="Yes"),
            smelter(None, "Tin", NOT_LISTED),
            smelter(None, "Tin", NOT_LISTED),
            title="no version",
        )
    )
    columns = schema("cmrt_smelters", of="formats")
    assert columns.key == ["sheet_row"]
    pd.testing.assert_frame_equal(columns.check(table, what="smelters"), table)
    empty = read_cmrt(write())
    pd.testing.assert_frame_equal(columns.check(empty, what="smelters"), empty)


@pytest.mark.parametrize(
    ("title", "version"),
    [
        ("Conflict Minerals Reporting Template (CMRT)\nRevision 6.22\nMay 11, 2022", "6.22"),
        ("衝突礦產報告範本 (CMRT) 6.31", "6.31"),
        (6.6, "6.6"),
        ("Conflict Minerals Reporting Template (CMRT)", None),
        ("Stand 25.04.2025", None),
    ],
)
def test_the_version_is_taken_from_the_head_of_the_declaration(write, title, version):
    table = read_cmrt(write(smelter("CID009001", "Tin"), title=title))
    assert table["template_version"].fillna("none").tolist() == [version or "none"]
    assert table.attrs["template_version"] == version


def test_another_template_is_refused(write):
    path = write(smelter("CID009001", "Cobalt"), title="Extended Template (EMRT) Revision 2.1")
    with pytest.raises(sr.InvalidInputError) as caught:
        read_cmrt(path)
    assert {(fault.field, fault.value) for fault in caught.value.faults} == {
        ("sheet Declaration, rows 1 to 7", "2.1"),
        ("sheet Smelter List, row 5, column B", "Cobalt"),
    }


def test_every_wrong_row_is_named_at_once_with_sheet_row_and_column(write):
    path = write(
        smelter("CID009001", "Tin"),
        smelter("CID009002", "Copper"),
        smelter("CID009003", "Gold", F="CID009004"),
        smelter("CID009001", "tin"),
        smelter("CID009005", None),
        company=None,
    )
    with pytest.raises(sr.InvalidInputError) as caught:
        read_cmrt(path)
    rules = {fault.field: fault.rule for fault in caught.value.faults}
    assert rules == {
        "sheet Declaration, row 8, column D": "must name the company",
        "sheet Smelter List, row 6, column B": (
            "must be tantalum, tin, gold or tungsten in a language of the template"
        ),
        "sheet Smelter List, row 7, column F": "must name one smelter",
        "sheet Smelter List, row 8, column F": (
            "must not name the smelter and metal of row 5 again"
        ),
        "sheet Smelter List, row 9, column B": (
            "must be tantalum, tin, gold or tungsten in a language of the template; "
            "open the workbook in Excel and save it if it shows one"
        ),
    }
    assert caught.value.what == str(path)


def test_a_header_that_slipped_upwards_hides_no_smelter(write):
    path = write(smelter("CID009001", "Tin"), smelter("CID009002", "Tin"), above=3)
    with pytest.raises(sr.InvalidInputError, match=r"row 4, column A must stand below the header"):
        read_cmrt(path)


def test_a_list_without_smelters_is_an_empty_frame_that_knows_its_company(write):
    table = read_cmrt(write())
    assert table.empty
    columns = schema("cmrt_smelters", of="formats")
    assert list(table.columns) == columns.names
    assert dict(table.dtypes) == {column.name: column.dtype for column in columns.columns}
    assert table.attrs == {"company": "Beispiel GmbH", "template_version": "6.5"}
    assert smelter_bounds(table, {}).empty
    with pytest.raises(sr.InvalidInputError, match="must be of a metal with a smelter on the list"):
        smelter_bounds(table, {"tin": 1.0})


def test_shuffled_rows_name_the_same_smelters(write):
    rows = [smelter(f"CID00900{n}", "Tin", f"Works {n}") for n in range(5)]
    one = read_cmrt(write(*rows))
    other = read_cmrt(write(*reversed(rows), name="other.xlsx"))
    columns = ["smelter_cid", "metal", "name"]
    assert sorted(one[columns].itertuples(index=False)) == sorted(
        other[columns].itertuples(index=False)
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 999_999), st.sampled_from(["Tin", "Gold"]), st.booleans()),
        unique_by=lambda row: row[:2],
        max_size=8,
    )
)
def test_every_row_written_is_read_in_the_order_of_the_sheet(write, rows):
    path = write(
        *(
            smelter(f"CID{digits:06d}" if known else None, metal, "Works", "Peru")
            for digits, metal, known in rows
        )
    )
    table = read_cmrt(path)
    pairs = table[["smelter_cid", "metal"]].fillna("").itertuples(index=False, name=None)
    assert list(pairs) == [
        (f"CID{digits:06d}" if known else "", metal.lower()) for digits, metal, known in rows
    ]


def test_what_is_no_such_workbook_is_refused(write, tmp_path):
    whole = write(smelter("CID009001", "Tin"))
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(whole.read_bytes()[:3_000])
    text = tmp_path / "text.xlsx"
    text.write_text("CID009001,Tin\n")
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)
    for path in (cut, text):
        with pytest.raises(sr.InvalidInputError, match="must be a whole Excel workbook"):
            read_cmrt(path)
    with pytest.raises(sr.InvalidInputError, match="must not unpack to more"):
        read_cmrt(bomb)


def test_a_workbook_without_the_sheets_is_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "other.xlsx"
    openpyxl.Workbook().save(path)
    with pytest.raises(sr.InvalidInputError, match="sheet must be one of Sheet"):
        read_cmrt(path)


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    path = tmp_path / "cmrt.xlsx"
    path.write_bytes(b"")
    with pytest.raises(ImportError, match=r"supplyrisk\[io\]"):
        read_cmrt(path)


def test_bounds_are_0_and_1_unless_one_smelter_is_alone(write):
    listed = read_cmrt(
        write(
            smelter("CID009002", "Tin", "Works 2", "Peru"),
            smelter("CID009001", "Tin", "Works 1", "Bolivia"),
            smelter("CID009003", "Tantalum", "Works 3"),
            smelter("CID009004", "Gold", "Works 4"),
            smelter(None, "Gold", NOT_LISTED),
        )
    )
    bounds = smelter_bounds(listed, {"tin": 100.0, "tantalum": 5, "gold": 0.5})
    assert list(bounds.columns) == [
        "metal",
        "smelter_cid",
        "name",
        "country",
        "share_low",
        "share_high",
        "low_t",
        "high_t",
    ]
    assert bounds["smelter_cid"].tolist() == ["CID009004", "CID009003", "CID009001", "CID009002"]
    assert bounds["country"].fillna("").tolist() == ["", "", "BOL", "PER"]
    assert bounds["share_low"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert bounds["share_high"].tolist() == [1.0] * 4
    assert bounds["low_t"].tolist() == [0.0, 5.0, 0.0, 0.0]
    assert bounds["high_t"].tolist() == [0.5, 5.0, 100.0, 100.0]
    assert smelter_bounds(listed, {"tin": 1.0})["metal"].tolist() == ["tin", "tin"]
    assert smelter_bounds(listed, {}).empty


def test_a_row_that_names_no_metal_may_be_of_any(write):
    listed = read_cmrt(write(smelter("CID009001", "Tin"), smelter(None, None, Q="one more")))
    assert smelter_bounds(listed, {"tin": 1.0})["share_low"].tolist() == [0.0]


def test_bounds_hold_for_every_split_of_the_tonnes(write):
    listed = read_cmrt(write(*(smelter(f"CID00900{n}", "Tin") for n in range(4))))
    bounds = smelter_bounds(listed, {"tin": 80.0})
    split = 80.0 * np.random.default_rng(7).dirichlet(np.full(4, 0.3), size=100)
    assert (split >= bounds["low_t"].to_numpy()).all()
    assert (split <= bounds["high_t"].to_numpy() + 1e-9).all()


def test_demand_that_the_list_cannot_bear_is_refused(write):
    listed = read_cmrt(write(smelter("CID009001", "Tin")))
    with pytest.raises(sr.InvalidInputError) as caught:
        smelter_bounds(listed, {"tin": -1.0, "gold": 2.0})
    assert [str(fault) for fault in caught.value.faults] == [
        "demand_t.tin must be a finite number >= 0, got -1.0",
        "demand_t.gold must be of a metal with a smelter on the list: tin, got 2.0",
    ]
    with pytest.raises(TypeError, match="smelters must be of the class DataFrame"):
        smelter_bounds({"metal": ["tin"]}, {"tin": 1.0})


def test_bounds_need_four_columns_of_any_dtype_and_no_more():
    frame = pd.DataFrame(
        {
            "country": ["PER", None, "BOL"],
            "name": ["Works 1", "Works 2", "Works 3"],
            "smelter_cid": ["CID009001", "", "CID009003"],
            "metal": ["tin", "gold", "gold"],
        },
        index=[7, 7, 7],
        dtype=object,
    )
    kept = frame.copy()
    bounds = smelter_bounds(frame, {"tin": 2.0, "gold": 3.0})
    assert bounds["smelter_cid"].tolist() == ["CID009003", "CID009001"]
    assert bounds["low_t"].tolist() == [0.0, 2.0]
    pd.testing.assert_frame_equal(frame, kept)


def test_a_smelter_without_a_metal_in_a_frame_of_ones_own_may_be_of_any():
    frame = pd.DataFrame({"metal": ["tin", None], "smelter_cid": ["CID009001", "CID009002"]})
    bounds = smelter_bounds(frame.assign(name="Works", country="PER"), {"tin": 2.0})
    assert bounds["smelter_cid"].tolist() == ["CID009001"]
    assert bounds["share_low"].tolist() == [0.0]


@pytest.mark.parametrize("column", ["metal", "smelter_cid", "name", "country"])
def test_a_frame_without_a_column_or_with_it_twice_is_refused(write, column):
    table = read_cmrt(write(smelter("CID009001", "Tin")))
    with pytest.raises(sr.InvalidInputError, match=f"column {column} must be given, got"):
        smelter_bounds(table.drop(columns=column), {"tin": 1.0})
    twice = pd.concat([table, table[[column]]], axis=1)
    with pytest.raises(sr.InvalidInputError, match=f"column {column} must be given once, got"):
        smelter_bounds(twice, {"tin": 1.0})
