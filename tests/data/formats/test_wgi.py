import csv
import math
import random
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.data.cells import TEXT
from supplyrisk.data.formats import _wgi_layouts
from supplyrisk.data.formats.wgi import read_wgi
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

DIMENSIONS = {
    "cc": "control_of_corruption",
    "ge": "government_effectiveness",
    "pv": "political_stability",
    "rl": "rule_of_law",
    "rq": "regulatory_quality",
    "va": "voice_accountability",
}
WIDE = {
    "VoiceandAccountability": "va",
    "Political StabilityNoViolence": "pv",
    "GovernmentEffectiveness": "ge",
    "RegulatoryQuality": "rq",
    "RuleofLaw": "rl",
    "ControlofCorruption": "cc",
}
NAMES = {
    "va": "Voice and Accountability",
    "pv": "Political Stability and Absence of Violence/Terrorism",
    "ge": "Government Effectiveness",
    "rq": "Regulatory Quality",
    "rl": "Rule of Law",
    "cc": "Control of Corruption",
}
ECONOMIES = {
    "AUS": "Australia",
    "ZAR": "Congo, Dem. Rep.",
    "NAM": "Namibia",
    "KSV": "Kosovo",
    "CIV": "Côte d'Ivoire",
}
YEARS = (1996, 1998, 2000, 2022, 2023)
TODAY = ["AUS", "CIV", "COD", "NAM"]


def value_of(code, year, dimension):
    """An invented estimate; the economy COK has none anywhere, Namibia none in 1996."""
    if code == "COK" or (code, year) == ("NAM", 1996):
        return None
    return round((sum(map(ord, code + dimension)) * 37 + year * 13) % 500 / 100 - 2.5, 2)


def long_rows(years=YEARS):
    return [
        {
            "codeindyr": f"{code}{dimension}{year}",
            "code": code,
            "countryname": name,
            "year": str(year),
            "indicator": dimension,
            "estimate": ".." if value is None else f"{value:.2f}",
            "stddev": ".." if value is None else "0.21",
            "nsource": ".." if value is None else "6",
            "pctrank": ".." if value is None else "53.8",
            "pctranklower": ".." if value is None else "38.7",
            "pctrankupper": ".." if value is None else "62.9",
        }
        for dimension in DIMENSIONS
        for year in years
        for code, name in {**ECONOMIES, "COK": "Cook Islands"}.items()
        for value in [value_of(code, year, dimension)]
    ]


def write(path, rows, *, delimiter=",", encoding="utf-8", columns=None):
    with Path(path).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def faults_of(path, **arguments):
    with pytest.raises(InvalidInputError) as error:
        read_wgi(path, **arguments)
    assert error.value.what == str(path)
    return [str(fault) for fault in error.value.faults]


def databank_rows(*, new=False, years=YEARS, order=("Country", "Series")):
    families = (("EST", "Estimate"), ("SE" if new else "STD.ERR", "Standard Error"))
    families += (("SC" if new else "PER.RNK", "Score" if new else "Percentile Rank"),)
    rows = []
    for code, name in ECONOMIES.items():
        for dimension in DIMENSIONS:
            for kind, words in families:
                prefix = "GOV_WGI_" if new else ""
                row = {
                    "Country Name": name,
                    "Country Code": "COD" if code == "ZAR" else "XKX" if code == "KSV" else code,
                    "Series Name": f"{NAMES[dimension]}: {words}",
                    "Series Code": f"{prefix}{dimension.upper()}.{kind}",
                }
                for year in years:
                    value = value_of(code, year, dimension)
                    shown = {"EST": value, "SE": 0.21, "STD.ERR": 0.21}.get(kind, 50.0)
                    row[f"{year} [YR{year}]"] = ".." if value is None else repr(shown)
                rows.append(row)
    head = [f"{part} {kind}" for part in order for kind in ("Name", "Code")]
    columns = head + [f"{year} [YR{year}]" for year in years]
    return rows, columns


def write_databank(path, *, footer=("Last Updated: 09/29/2024",), **arguments):
    rows, columns = databank_rows(**arguments)
    blank = dict.fromkeys(columns, "")
    ends = ("Data from database: Worldwide Governance Indicators", *footer)
    rows += [blank] * 3 + [{**blank, columns[0]: text} for text in ends]
    return write(path, rows, columns=columns)


def write_new(path, *, years=(1996, 2023, 2024), change=None):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    header = [*schema("wgi_2025", of="formats").names, "Source: ADB", "Source: AFR"]
    for dimension in DIMENSIONS:
        sheet = book.create_sheet(dimension)
        sheet.append(header)
        for code, name in ECONOMIES.items():
            for year in years:
                value = value_of(code, year, dimension)
                today = {"ZAR": "COD", "KSV": "XKX"}.get(code, code)
                score = None if value is None else 50 + 10 * value
                row = [f"{today}{dimension}{year}", name, today, "Region", "Income", year]
                row += [dimension, None if value is None else 7, value]
                row += [None if value is None else 0.21, -1.0, 1.0, score, 3.5, 10.0, 90.0]
                sheet.append([*row, 0.5, None])
    if change:
        change(book)
    book.save(path)
    return path


def write_wide(path, *, years=(1996, 1998, 2022), merged=False, change=None):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Introduction"
    block = ["Estimate", "StdErr", "NumSrc", "Rank", "Lower", "Upper"]
    for title, dimension in WIDE.items():
        sheet = book.create_sheet(title)
        sheet["A1"] = "Worldwide Governance Indicators"
        sheet["A2"] = NAMES[dimension]
        cells = [[None, None], ["Country/Territory", "Code"]]
        for year in years:
            cells[0] += [year] + [None if merged else year] * 5
            cells[1] += block
        for code, name in ECONOMIES.items():
            row = [name, code]
            for year in years:
                value = value_of(code, year, dimension)
                row += ["#N/A"] * 6 if value is None else [value, 0.21, 6, 53.8, 38.7, 62.9]
            cells.append(row)
        for number, row in enumerate(cells, start=14):
            for place, value in enumerate(row, start=1):
                sheet.cell(number, place, value)
    if change:
        change(book)
    book.save(path)
    return path


def test_the_long_table_gives_the_six_estimates_by_country_and_year(tmp_path):
    table = read_wgi(write(tmp_path / "wgidataset.csv", long_rows()))
    assert list(table.columns) == schema("governance").names
    assert table["country"].unique().tolist() == TODAY
    assert set(table["release"]) == {2024}
    assert set(table["source_id"]) == {"world-bank-wgi-2024"}
    assert set(table["standing"]) == {"reported"}
    assert table.dtypes["country"] == TEXT
    assert table.dtypes["year"] == table.dtypes["release"] == "int64"
    assert (table.dtypes[list(DIMENSIONS.values())] == "float64").all()
    row = table.set_index(["country", "year"]).loc[("COD", 2023)]
    for dimension, name in DIMENSIONS.items():
        assert row[name] == value_of("ZAR", 2023, dimension)


def test_namibia_stays_and_years_without_any_estimate_go(tmp_path):
    table = read_wgi(write(tmp_path / "wgidataset.csv", long_rows()))
    assert table.loc[table["country"] == "NAM", "year"].tolist() == [1998, 2000, 2022, 2023]
    assert "COK" not in set(table["country"])


def test_an_estimate_that_is_missing_is_blank(tmp_path):
    rows = long_rows()
    for row in rows:
        if row["codeindyr"] == "AUSrl2023":
            row["estimate"] = row["stddev"] = ".."
    table = read_wgi(write(tmp_path / "wgi.csv", rows)).set_index(["country", "year"])
    assert table["rule_of_law"].isna().sum() == 1
    assert table["rule_of_law"].isna().loc[("AUS", 2023)]


def test_errors_are_added_on_request(tmp_path):
    table = read_wgi(write(tmp_path / "wgi.csv", long_rows()), errors=True)
    added = [column for column in table if column.endswith("_se")]
    assert len(added) == 6
    assert list(table.columns) == schema("governance").names + added
    assert (table[added] == 0.21).all(axis=None)
    bare = [{k: v for k, v in row.items() if k != "stddev"} for row in long_rows()]
    path = write(tmp_path / "bare.csv", bare)
    assert len(read_wgi(path)) == len(table)
    assert faults_of(path, errors=True) == ["errors must be False: the file holds none, got True"]


def test_order_of_rows_and_columns_does_not_matter(tmp_path):
    rows = long_rows()
    expected = read_wgi(write(tmp_path / "a.csv", rows), errors=True)
    rng = random.Random(7)  # noqa: S311 - only to shuffle
    rng.shuffle(rows)
    columns = list(rows[0])
    rng.shuffle(columns)
    path = write(tmp_path / "b.csv", rows, columns=columns)
    assert read_wgi(path, errors=True).equals(expected)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_other_encodings_and_tabs_give_the_same(tmp_path, encoding):
    expected = read_wgi(write(tmp_path / "a.csv", long_rows()))
    path = write(tmp_path / "b.csv", long_rows(), encoding=encoding, delimiter="\t")
    assert read_wgi(path).equals(expected)


def test_decimal_commas_between_semicolons(tmp_path):
    expected = read_wgi(write(tmp_path / "a.csv", long_rows()), errors=True)
    rows = [
        {name: v if name == "countryname" or v == ".." else v.replace(".", ",")}
        | {k: v2 for k, v2 in row.items() if k != name}
        for row in long_rows()
        for name, v in [("estimate", row["estimate"])]
    ]
    for row in rows:
        if row["stddev"] != "..":
            row["stddev"] = row["stddev"].replace(".", ",")
    path = write(tmp_path / "b.csv", rows, delimiter=";")
    assert read_wgi(path, errors=True).equals(expected)


def test_decimal_commas_between_commas_are_refused(tmp_path):
    rows = long_rows()
    for row in rows:
        row["estimate"] = row["estimate"].replace(".", ",") if row["estimate"] != ".." else ".."
    assert "decimal point" in faults_of(write(tmp_path / "wgi.csv", rows))[0]


def test_every_wrong_cell_is_named(tmp_path):
    rows = long_rows()
    rows[0]["estimate"] = "strong"
    rows[1]["estimate"] = "53.8"
    rows[6]["year"] = "96"
    rows[7]["code"] = "XYZ"
    faults = faults_of(write(tmp_path / "wgi.csv", rows), release=2024)
    assert "line 2, column estimate must be a number, got 'strong'" in faults
    assert any("line 8, column year" in fault for fault in faults)
    assert any("line 9, column code" in fault and "'XYZ'" in fault for fault in faults)
    rows[0]["estimate"], rows[6]["year"], rows[7]["code"] = "1.0", "1996", "AUS"
    faults = faults_of(write(tmp_path / "wgi.csv", rows), release=2024)
    assert faults[0].startswith("line 3, column estimate must be an estimate")


def test_an_unknown_dimension_is_refused(tmp_path):
    rows = long_rows()
    rows[3]["indicator"] = "pr"
    faults = faults_of(write(tmp_path / "wgi.csv", rows))
    assert faults == [
        "line 5, column indicator must be one of va, pv, ge, rq, rl, cc, got 'pr'",
    ]


def test_a_rating_given_twice_is_refused_even_under_two_codes(tmp_path):
    rows = long_rows()
    twin = next(row for row in rows if row["codeindyr"] == "ZARcc2023")
    path = write(tmp_path / "wgi.csv", [*rows, {**twin, "code": "COD"}])
    (fault,) = faults_of(path)
    assert "must not repeat the country, year and dimension of line" in fault
    assert "COD" in fault


def test_missing_columns_are_named(tmp_path):
    rows = [{k: v for k, v in row.items() if k not in {"estimate", "year"}} for row in long_rows()]
    faults = faults_of(write(tmp_path / "wgi.csv", rows))
    assert [fault.split(" must")[0] for fault in faults] == ["column year", "column estimate"]


def test_a_file_without_estimates_is_refused(tmp_path):
    rows = [{**row, "estimate": ".."} for row in long_rows()]
    assert faults_of(write(tmp_path / "wgi.csv", rows)) == ["file must hold estimates, got 'none'"]


def test_a_cut_file_does_not_say_its_release(tmp_path):
    path = write(tmp_path / "wgi.csv", long_rows(years=(2020, 2021)))
    assert "release must be given" in faults_of(path)[0]
    assert set(read_wgi(path, release=2023)["release"]) == {2023}
    assert "later than the last year" in faults_of(path, release=2021)[0]
    assert "up to 2024" in faults_of(path, release=2025)[0]


@pytest.mark.parametrize("release", ["2024", 2024.0, True, 24])
def test_a_release_must_be_a_year(tmp_path, release):
    with pytest.raises(InvalidInputError, match="release"):
        read_wgi(write(tmp_path / "wgi.csv", long_rows()), release=release)


def test_the_databank_gives_what_the_long_table_gives(tmp_path):
    expected = read_wgi(write(tmp_path / "a.csv", long_rows()), errors=True)
    path = write_databank(tmp_path / "b.csv")
    assert read_wgi(path, errors=True).equals(expected)
    turned = write_databank(tmp_path / "c.csv", order=("Series", "Country"))
    assert read_wgi(turned, errors=True).equals(expected)


def test_the_bulk_download_gives_the_same(tmp_path):
    expected = read_wgi(write(tmp_path / "a.csv", long_rows()))
    rows, _ = databank_rows()
    bulk = [
        {name.replace("Series", "Indicator")[: 4 if name[0] in "12" else None]: text} | {}
        for name, text in rows[0].items()
    ]
    columns = [next(iter(part)) for part in bulk]
    renamed = [dict(zip(columns, row.values(), strict=True)) for row in rows]
    renamed = [{k: "" if v == ".." else v for k, v in row.items()} for row in renamed]
    path = write(tmp_path / "WGICSV.csv", renamed, encoding="utf-8-sig")
    assert "release must be given" in faults_of(path)[0]
    assert read_wgi(path, release=2024).equals(expected)


def test_the_databank_says_its_release_only_by_its_last_update(tmp_path):
    path = write_databank(tmp_path / "a.csv", footer=("Last Updated: 03/02/2026",))
    assert "release must be given" in faults_of(path)[0]
    path = write_databank(tmp_path / "b.csv", new=True, footer=())
    assert "release must be given" in faults_of(path)[0]
    assert "since 2025" in faults_of(path, release=2024)[0]
    assert set(read_wgi(path, release=2025, errors=True)["release"]) == {2025}


def test_series_of_both_methods_are_not_mixed(tmp_path):
    old, columns = databank_rows()
    new, _ = databank_rows(new=True)
    path = write(tmp_path / "mixed.csv", old + new, columns=columns)
    assert "must not mix the releases" in faults_of(path, release=2025)[0]


def test_a_series_given_twice_is_refused(tmp_path):
    rows, columns = databank_rows()
    path = write(tmp_path / "twice.csv", [*rows, rows[0]], columns=columns)
    assert "must not repeat the country and series of line 2" in faults_of(path, release=2024)[0]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"2023 [YR2023]": "2023 [YR2022]"}, "must be a year such as"),
        ({"2022 [YR2022]": "2023"}, "must not repeat the year"),
    ],
)
def test_columns_of_the_databank_are_years(tmp_path, columns, says):
    rows, _ = databank_rows()
    renamed = [{columns.get(name, name): text for name, text in row.items()} for row in rows]
    faults = faults_of(write(tmp_path / "years.csv", renamed), release=2024)
    assert any(says in fault for fault in faults)


def test_a_databank_without_years_is_refused(tmp_path):
    rows, columns = databank_rows(years=())
    path = write(tmp_path / "none.csv", rows, columns=columns)
    assert "must have a column for each year" in faults_of(path, release=2024)[0]


def test_the_workbook_since_2025(tmp_path):
    table = read_wgi(write_new(tmp_path / "wgidataset_with_sourcedata-2025.xlsx"), errors=True)
    assert set(table["release"]) == {2025}
    assert table["country"].unique().tolist() == TODAY
    row = table.set_index(["country", "year"]).loc[("AUS", 2024)]
    for dimension, name in DIMENSIONS.items():
        assert row[name] == value_of("AUS", 2024, dimension)
        assert row[f"{name}_se"] == 0.21
    assert len(table) == 4 * 3 - 1


def test_the_workbook_since_2025_is_of_no_older_release(tmp_path):
    path = write_new(tmp_path / "a.xlsx", years=(1996, 2023))
    assert "must be one of those since 2025" in faults_of(path)[0]
    assert "must be 2024" in faults_of(path, release=2025)[0]


def test_faults_of_a_workbook_are_named_by_sheet(tmp_path):
    def spoil(book):
        book["va"]["I3"] = "n/a"
        book["cc"]["C2"] = "AU"

    faults = faults_of(write_new(tmp_path / "a.xlsx", change=spoil))
    assert any(fault.startswith("sheet va, row 3, column I must") for fault in faults)
    assert any(fault.startswith("sheet cc, row 2, column C must") for fault in faults)


def test_a_workbook_lacking_a_dimension_or_column_is_refused(tmp_path):
    path = write_new(tmp_path / "a.xlsx", change=lambda book: book.remove(book["rl"]))
    assert "rule of law" in faults_of(path)[0]

    def rename(book):
        book["pv"]["C1"] = "Economy"

    path = write_new(tmp_path / "b.xlsx", change=rename)
    assert faults_of(path)[0].startswith("sheet pv, column Economy (code) must be given")


def test_a_sheet_of_2025_saved_apart_is_refused(tmp_path):
    names = schema("wgi_2025", of="formats").names
    path = write(tmp_path / "va.csv", [dict.fromkeys(names, "1")])
    assert "give the whole workbook" in faults_of(path)[0]


@pytest.mark.parametrize("merged", [False, True])
def test_the_wide_workbook(tmp_path, merged):
    path = write_wide(tmp_path / "wgidataset.xlsx", merged=merged)
    table = read_wgi(path, errors=True)
    assert set(table["release"]) == {2023}
    expected = write(tmp_path / "long.csv", long_rows(years=(1996, 1998, 2022)))
    assert table.equals(read_wgi(expected, errors=True, release=2023))
    assert "must be 2023" in faults_of(path, release=2022)[0]


def test_a_wide_workbook_of_older_names(tmp_path):
    def older(book):
        for title in WIDE:
            for cell in book[title][15]:
                cell.value = {"Code": "WBCode", "Rank": "P-Rank"}.get(cell.value, cell.value)

    path = write_wide(tmp_path / "a.xlsx", years=(1996, 2011, 2012), change=older)
    assert set(read_wgi(path)["release"]) == {2013}


def test_a_wide_workbook_that_is_broken(tmp_path):
    path = write_wide(tmp_path / "a.xlsx", change=lambda book: book["RuleofLaw"].delete_rows(15))
    assert faults_of(path)[0].startswith("sheet RuleofLaw must have a header with Country/Terr")

    def unnamed(book):
        for place in range(1, 9):
            book["RuleofLaw"].cell(14, place).value = None
        book["RuleofLaw"]["D17"] = -0.5

    path = write_wide(tmp_path / "b.xlsx", change=unnamed)
    faults = faults_of(path, errors=True)
    assert any(
        fault.startswith("sheet RuleofLaw, row 14, column C must be given") for fault in faults
    )
    assert any(fault.startswith("sheet RuleofLaw, row 17, column D must") for fault in faults)


def test_the_long_table_in_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    rows = long_rows()
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(
            [float(v) if v.strip("-").replace(".", "").isdigit() else v for v in row.values()]
        )
    book.save(tmp_path / "wgidataset.xlsx")
    expected = read_wgi(write(tmp_path / "a.csv", rows))
    assert read_wgi(tmp_path / "wgidataset.xlsx").equals(expected)


def test_a_workbook_of_the_databank(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    rows, columns = databank_rows()
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    sheet = book.create_sheet("Data")
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        sheet.append([row[name] for name in columns])
    sheet.append([None])
    sheet.append(["Last Updated: 09/29/2024"])
    book.save(tmp_path / "Data.xlsx")
    expected = read_wgi(write(tmp_path / "a.csv", long_rows()), errors=True)
    assert read_wgi(tmp_path / "Data.xlsx", errors=True).equals(expected)


def test_a_workbook_of_something_else(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    assert faults_of(tmp_path / "a.xlsx")[0].startswith("sheets must hold the six of a workbook")


def test_a_workbook_that_is_cut_off(tmp_path):
    path = write_new(tmp_path / "a.xlsx")
    path.write_bytes(path.read_bytes()[:5000])
    assert "whole Excel workbook" in faults_of(path)[0]


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    path = write_new(tmp_path / "a.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ImportError, match=r"supplyrisk\[io\]"):
        read_wgi(path)


def test_a_file_far_too_long_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_wgi_layouts, "_MOST_RATINGS", 20)
    for path in (
        write(tmp_path / "long.csv", long_rows()),
        write_databank(tmp_path / "databank.csv"),
    ):
        (fault,) = faults_of(path)
        assert fault.startswith("file must not hold more than 20 ratings, got 'more, up to line ")


@pytest.mark.verification
def test_a_million_rows_are_refused_in_bounded_memory(tmp_path):
    rows = long_rows()
    row = ",".join(rows[0].values())
    path = tmp_path / "wgi.csv"
    path.write_text(",".join(rows[0]) + "\n" + f"{row}\n" * 1_000_000, encoding="utf-8")
    tracemalloc.start()
    faults = faults_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "up to line 150002, column estimate" in faults[0]
    assert peak < 300_000_000


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["AUS", "CHL", "NAM"]), st.integers(1996, 2023)),
        st.fixed_dictionaries(
            {name: st.none() | st.floats(-3, 3).map(lambda x: round(x, 6)) for name in DIMENSIONS}
        ),
        min_size=1,
    )
)
def test_what_was_written_is_read(tmp_path_factory, ratings):
    rows = [
        {"code": c, "year": y, "indicator": d, "estimate": ".." if v is None else repr(v)}
        for (c, y), six in ratings.items()
        for d, v in six.items()
    ]
    path = write(tmp_path_factory.mktemp("wgi") / "wgi.csv", rows)
    given_ = {key: six for key, six in ratings.items() if any(v is not None for v in six.values())}
    if not given_:
        assert "must hold estimates" in faults_of(path, release=2024)[0]
        return
    table = read_wgi(path, release=2024).set_index(["country", "year"])
    assert set(table.index) == set(given_)
    for key, six in given_.items():
        for dimension, value in six.items():
            read = table.loc[key, DIMENSIONS[dimension]]
            assert read == value or (value is None and math.isnan(read))
