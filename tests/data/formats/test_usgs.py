import csv
import math
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplyrisk.data.cells import TEXT
from supplyrisk.data.formats import _usgs_layouts
from supplyrisk.data.formats._usgs_values import amount, country_of, factor
from supplyrisk.data.formats.usgs import read_usgs_mcs, summaries
from supplyrisk.data.schema import schema
from supplyrisk.errors import InvalidInputError

COLUMNS = schema("usgs_mcs", of="formats").names
LONG = schema("usgs_mcs_2026", of="formats").names
TIN = "Mine production, tin content"
BAUXITE = "Mine production, bauxite, dry tons"
ALUMINA = "Refinery production, alumina - calcined equivalent weights"
T, KT = "metric tons", "thousand metric tons"


def row(commodity, country, counted, unit, first, last, *, reserves="", note="", caps=("", "")):
    values = ["MCS2025", commodity, country, counted, unit, first, last, note, *caps, "", reserves]
    return dict(zip(COLUMNS, [*values, ""], strict=True))


def rows_2025():
    """Invented figures under the published names, with the oddities that the release has."""
    return [
        row("Tin", "United States", TIN, T, "—", "—", reserves="—"),
        row(
            "Tin",
            "Burma",
            TIN,
            T,
            "31,000",
            "32,000",
            reserves="690,000",
            note="Estimated in 2023.",
        ),
        row("Tin", "Congo (Kinshasa)", TIN, T, "17400", "18000", reserves="110000"),
        row("Tin", "Canada ", TIN, T, "NA", "NA", reserves="NA"),
        row("Tin", "Other Countries", TIN, T, "1200", "1300", reserves="320000"),
        row("Tin", "World total (rounded)", TIN, T, "49,600", "51,000", reserves=">1,100,000"),
        row("Bauxite", "Australia", ALUMINA, KT, "18,100", "18,000", reserves="XX"),
        row("Bauxite", "United States", BAUXITE, KT, "W", "W", reserves="20,000"),
        row("Bauxite", "Australia", BAUXITE, KT, "98,000", "99,000", reserves="3,400,000"),
        row(
            "Bauxite",
            "World total (rounded)",
            BAUXITE,
            KT,
            "98,000",
            "99,000",
            reserves="29,000,000",
        ),
        row(
            "Copper ", "Chile", "Mine production, recoverable copper content", KT, "5,200", "5,300"
        ),
        row("Copper ", "Chile", "Refinery production, copper", KT, "2,050", "1,900"),
        row(
            "Gemanium",
            "China",
            "Primary and secondary refinery production",
            "kilograms",
            "NA",
            "1,234",
        ),
        row(
            "Aluminum",
            "Iceland",
            "Smelter production, aluminum",
            KT,
            "760",
            "780",
            caps=("880", "885"),
        ),
        row(
            "Platinum-group metals",
            "Zimbabwe",
            "Mine production: Palladium",
            "kilograms",
            "14,900",
            "15,000",
        ),
        row(
            "Platinum-group metals",
            "Zimbabwe",
            "Mine production: Platinum",
            "kilograms",
            "18,300",
            "19,000",
            reserves="1,200,000",
        ),
        row(
            "Iron Ore  ",
            "Sweden",
            "Mine production, usable ore",
            KT,
            "27,000",
            "28,000",
            reserves="1300000",
        ),
        row(
            "Iron Ore  ",
            "Sweden",
            "Mine production, iron content",
            KT,
            "19,000",
            "20,000",
            reserves="600000",
        ),
        row("Cobalt", "Cuba", "Mine production, cobalt content, estimated", T, "3,300", "3,500"),
        row("Titanium mineral concentrates", "Kenya", "Mine production, rutile", T, "w", "60"),
        row("Diamond (industrial)", "Botswana", "Mine production", "million carats", "8", "5"),
    ]


def write(path, rows, *, columns=COLUMNS, encoding="utf-8", delimiter=","):
    with Path(path).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def faults_of(path, **arguments):
    with pytest.raises(InvalidInputError) as error:
        summaries(path, **arguments)
    assert error.value.what == str(path)
    return [str(fault) for fault in error.value.faults]


def same(one, other):
    tables = all(one.tables[name].equals(other.tables[name]) for name in one.tables)
    return tables and (one.edition, one.left_out) == (other.edition, other.left_out)


def tonnes(table, commodity, stage="mine", amount_="production_t"):
    rows = table[(table["commodity"] == commodity) & (table["stage"] == stage)]
    return {(r["country"], r["year"]): r[amount_] for r in rows.to_dict("records")}


@pytest.fixture
def read(tmp_path):
    return summaries(write(tmp_path / "MCS2025_World_Data.csv", rows_2025()))


def test_a_reader_gives_one_table_with_its_edition_and_what_was_left_out(tmp_path, read):
    path = tmp_path / "MCS2025_World_Data.csv"
    for name, wanted in read.tables.items():
        frame = read_usgs_mcs(path, table=name)
        assert frame.equals(wanted)
        assert frame.attrs == {"edition": 2025, "left_out": read.left_out}
    assert read_usgs_mcs(path).equals(read.tables["production"])
    with pytest.raises(InvalidInputError, match="did you mean 'reserves'"):
        read_usgs_mcs(path, table="reserve")


def test_the_tables_have_the_columns_of_their_schemas(read):
    assert read.edition == 2025
    for name, table in (
        ("production", read.tables["production"]),
        ("production_totals", read.tables["production_totals"]),
        ("reserves", read.tables["reserves"]),
        ("capacity", read.tables["capacity"]),
    ):
        columns = schema(name).columns
        assert list(table.columns) == [column.name for column in columns]
        assert all(table.dtypes[column.name] == column.dtype for column in columns)
        assert table.equals(table.sort_values(schema(name).key, ignore_index=True))
    assert read.tables["production"].dtypes["country"] == TEXT
    assert read.tables["production"].dtypes["production_t"] == "float64"
    assert set(read.tables["production"]["source_id"]) == {"usgs-mcs-2025"}


def test_figures_are_tonnes_by_country(read):
    assert tonnes(read.tables["production"], "tin") == {
        ("USA", 2023): 0.0,
        ("USA", 2024): 0.0,
        ("MMR", 2023): 31_000.0,
        ("MMR", 2024): 32_000.0,
        ("COD", 2023): 17_400.0,
        ("COD", 2024): 18_000.0,
        ("ZZZ", 2023): 1_200.0,
        ("ZZZ", 2024): 1_300.0,
    }
    assert tonnes(read.tables["production"], "germanium", "refinery") == {("CHN", 2024): 1.234}
    assert tonnes(read.tables["production"], "aluminium", "refinery")["ISL", 2024] == 780_000.0


def test_stages_and_forms_under_one_name_are_told_apart(read):
    assert tonnes(read.tables["production"], "alumina", "refinery")["AUS", 2023] == 18.1e6
    assert tonnes(read.tables["production"], "bauxite")["AUS", 2023] == 98e6
    assert tonnes(read.tables["production"], "copper")["CHL", 2023] == 5.2e6
    assert tonnes(read.tables["production"], "copper", "refinery")["CHL", 2023] == 2.05e6
    assert tonnes(read.tables["production"], "palladium")["ZWE", 2023] == 14.9
    assert tonnes(read.tables["production"], "platinum")["ZWE", 2023] == 18.3
    assert tonnes(read.tables["production"], "iron_ore")["SWE", 2023] == 27e6
    basis = dict(
        zip(read.tables["production"]["commodity"], read.tables["production"]["basis"], strict=True)
    )
    assert basis["tin"] == "contained tin"
    assert basis["iron_ore"] == "gross weight, usable ore"


def test_what_the_library_does_not_know_is_named(read):
    assert read.left_out == (
        "Diamond (industrial): Mine production",
        "Iron Ore: Mine production, iron content",
        "Titanium mineral concentrates: Mine production, rutile",
    )


def test_the_last_year_is_an_estimate_and_notes_mark_others(read):
    table = read.tables["production"].set_index(["commodity", "stage", "country", "year"])[
        "standing"
    ]
    assert table["tin", "mine", "MMR", 2023] == "estimate"
    assert table["tin", "mine", "COD", 2023] == "reported"
    assert set(table.xs(2024, level="year")) == {"estimate"}
    assert table["cobalt", "mine", "CUB", 2023] == "estimate"


def test_world_totals_stand_beside_the_sum_of_their_parts(read):
    table = read.tables["production_totals"].set_index(["commodity", "year"])
    tin = table.loc[("tin", 2023)]
    assert tin["world_t"] == 49_600.0
    assert tin["parts_t"] == 49_600.0
    assert tin["reason"] == "none"
    assert table.loc[("tin", 2024), "discrepancy_t"] == -300.0
    assert table.loc[("tin", 2024), "reason"] == "rounding"
    assert table.loc[("bauxite", 2023), "reason"] == "withheld"
    assert table.loc[("bauxite", 2023), "note"] == "withheld: USA"


def test_a_total_far_from_its_parts_is_unexplained(tmp_path):
    rows = rows_2025()
    rows[5]["PROD_2023"] = "60,000"
    totals = summaries(write(tmp_path / "MCS2025.csv", rows)).tables["production_totals"]
    assert totals.set_index(["commodity", "year"]).loc[("tin", 2023), "reason"] == "unexplained"


def test_reserves_are_of_the_year_before_the_edition(read):
    table = read.tables["reserves"].set_index(["commodity", "country"])
    assert set(table["year"]) == {2024}
    assert set(table["standing"]) == {"estimate"}
    assert table.loc[("tin", "MMR"), "reserves_t"] == 690_000.0
    assert table.loc[("tin", "MMR"), "world_reserves_t"] == 1_100_000.0
    assert table.loc[("tin", "MMR"), "note"] == "world: at least this much"
    assert table.loc[("bauxite", "USA"), "reserves_t"] == 20e6
    assert table.loc[("platinum_group_metals", "ZWE"), "reserves_t"] == 1_200.0
    assert table.loc[("iron_ore", "SWE"), "note"] == "gross weight, crude ore"
    assert ("tin", "CAN") not in table.index
    assert "alumina" not in table.index.get_level_values(0)


def test_capacity_is_its_own_table(read):
    assert tonnes(read.tables["capacity"], "aluminium", "refinery", "capacity_tpa") == {
        ("ISL", 2023): 880_000.0,
        ("ISL", 2024): 885_000.0,
    }


def test_order_of_rows_and_columns_does_not_matter(tmp_path, read):
    rows = rows_2025()
    rng = random.Random(7)  # noqa: S311 - only to shuffle
    rng.shuffle(rows)
    columns = list(COLUMNS)
    rng.shuffle(columns)
    path = write(tmp_path / "MCS2025_World_Data.csv", rows, columns=columns)
    assert same(summaries(path), read)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_other_encodings_give_the_same(tmp_path, read, encoding):
    path = write(tmp_path / "MCS2025_World_Data.csv", rows_2025(), encoding=encoding)
    assert same(summaries(path), read)


def test_between_semicolons_a_comma_is_refused(tmp_path, read):
    rows = rows_2025()
    path = write(tmp_path / "a.csv", rows, delimiter=";")
    assert "line 3, column PROD_2023 must not hold a comma" in faults_of(path)[0]
    bare = [
        {
            k: v if "PROD" not in k and "RES" not in k and "CAP" not in k else v.replace(",", "")
            for k, v in row_.items()
        }
        for row_ in rows
    ]
    assert same(summaries(write(tmp_path / "b.csv", bare, delimiter=";")), read)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("PROD_2023", "-5", "column PROD_2023 must be a number or a mark"),
        ("PROD_EST_ 2024", "12,34", "column PROD_EST_ 2024 must be a number or a mark"),
        ("PROD_2023", "18.000,5", "column PROD_2023 must be a number or a mark"),
        ("PROD_2023", "Large", "column PROD_2023 must be a number or a mark"),
        ("RESERVES_2024", "110000 t", "column RESERVES_2024 must be a number or a mark"),
        ("COUNTRY", "Congo", "column COUNTRY must be the name of one country"),
        ("COUNTRY", "Atlantis", "column COUNTRY must be the name of one country"),
        ("COUNTRY", "NA", "column COUNTRY must be the name of one country"),
        ("COUNTRY", "", "column COUNTRY must be the name of one country"),
        ("COUNTRY", "Burma", "must not repeat the figures, commodity, stage, year and country"),
        ("UNIT_MEAS", "carats", "column UNIT_MEAS must be a unit of mass"),
        ("UNIT_MEAS", "", "column UNIT_MEAS must be a unit of mass"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, column, value, says):
    rows = rows_2025()
    rows[2][column] = value
    fault = faults_of(write(tmp_path / "MCS2025_World_Data.csv", rows))[0]
    assert fault.startswith("line 4, ")
    assert says in fault
    assert fault.endswith(f"got {value!r}") or value == "Burma"


def test_every_fault_is_named_at_once(tmp_path):
    rows = rows_2025()
    rows[1]["PROD_2023"] = "many"
    rows[2]["COUNTRY"] = "Atlantis"
    rows[12]["UNIT_MEAS"] = "pounds"
    assert len(faults_of(write(tmp_path / "MCS2025_World_Data.csv", rows))) == 4


@pytest.mark.parametrize("column", ["SOURCE", "COUNTRY", "TYPE"])
def test_a_missing_column_is_named(tmp_path, column):
    columns = [name for name in COLUMNS if name != column]
    rows = [{k: v for k, v in row_.items() if k != column} for row_ in rows_2025()]
    path = write(tmp_path / "MCS2025.csv", rows, columns=columns)
    assert f"column {column.capitalize()} must be given" in faults_of(path)[0]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("PRODUCTION 2023", "column PRODUCTION 2023 must be as published"),
        ("PROD_EST_2024", "must not repeat the figures of column PROD_EST_2024"),
        ("PROD_2022", "not a fault"),
    ],
)
def test_columns_of_figures_are_as_published(tmp_path, header, says):
    columns = [header if name == "PROD_2023" else name for name in COLUMNS]
    rows = [{header if k == "PROD_2023" else k: v for k, v in r.items()} for r in rows_2025()]
    path = write(tmp_path / "MCS2025.csv", rows, columns=columns)
    if header == "PROD_2022":
        assert set(summaries(path).tables["production"]["year"]) == {2022, 2024}
        return
    assert says in faults_of(path)[0]


def test_a_file_without_output_or_known_commodities_is_refused(tmp_path):
    columns = [name for name in COLUMNS if not name.startswith("PROD")]
    rows = [{k: v for k, v in row_.items() if k in columns} for row_ in rows_2025()]
    path = write(tmp_path / "a.csv", rows, columns=columns)
    assert "must have columns of output" in faults_of(path)[0]
    path = write(tmp_path / "b.csv", rows_2025()[-2:])
    assert "must hold figures of commodities that the library knows" in faults_of(path)[0]


def test_editions_must_agree(tmp_path):
    rows = rows_2025()
    path = write(tmp_path / "world.csv", rows)
    assert summaries(path, edition=2025).edition == 2025
    assert "edition says 2024" in faults_of(path, edition=2024)[0]
    assert "the name of the file says 2024" in faults_of(write(tmp_path / "MCS2024.csv", rows))[0]
    rows[3]["SOURCE"] = "MCS2026"
    (fault,) = faults_of(write(tmp_path / "mixed.csv", rows))
    assert "line 5, column SOURCE says 2026" in fault
    with pytest.raises(InvalidInputError, match="edition"):
        summaries(path, edition="2025")


def test_kosovo_is_among_the_other_countries(tmp_path):
    rows = rows_2025()
    rows[2]["COUNTRY"] = "Kosovo"
    table = summaries(write(tmp_path / "a.csv", rows)).tables["production"]
    row_ = table.set_index(["commodity", "stage", "country", "year"]).loc[
        ("tin", "mine", "ZZZ", 2023)
    ]
    assert row_["production_t"] == 18_600.0
    assert row_["note"] == "with Kosovo"


def test_reserves_beside_both_palladium_and_platinum_count_once(tmp_path):
    rows = rows_2025()
    rows[14]["RESERVES_2024"] = rows[15]["RESERVES_2024"]
    reserves = summaries(write(tmp_path / "a.csv", rows)).tables["reserves"]
    assert reserves["commodity"].tolist().count("platinum_group_metals") == 1


OLD = ["Source", "Country", "Type", "Prod_t_est_2022", "Prod_t_est_2023", "Prod_notes"]
OLD += ["Reserves_t", "Reserves_notes"]


def write_old(path, lines, *, header=None, blank=3, encoding="utf-8"):
    header = [*(header or OLD), *[""] * blank]
    with Path(path).open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for line in [*lines, [], []]:
            writer.writerow([*line, *[""] * (len(header) - len(line))])
    return path


def test_a_file_of_one_commodity(tmp_path):
    lines = [
        ["MCS2024", "United States1", TIN, "0", "0", "", "NA"],
        ["MCS2024", "Boliviae", TIN, "17,000", "17,500", "", "410000"],
        ["MCS2024", "Korea, Republic ofe", TIN, "10", "s", "", "Large"],
        ["MCS2024", "Peru", TIN, "28000", "e22,000", "Reported in 2022", "120000"],
        ["MCS2024", "Brazil", TIN, "16000", "18000", "Also estimated in 2022", ""],
        ["MCS2024", "Other countries4", TIN, "1100", "<1,300", "", "310000"],
        ["MCS2024", "World total (rounded)8", TIN, "62,000", "59,000", "", "4300000"],
    ]
    read = summaries(write_old(tmp_path / "mcs2024-tin_world.csv", lines))
    assert read.edition == 2024
    table = read.tables["production"].set_index(["country", "year"])
    assert table.loc[("KOR", 2023), "production_t"] == 0.0
    assert table.loc[("KOR", 2023), "note"] == "less than half a unit"
    assert table.loc[("ZZZ", 2023), "note"] == "at most this much"
    assert table["standing"].xs(2022, level="year").to_dict() == {
        "BOL": "estimate",
        "BRA": "estimate",
        "KOR": "estimate",
        "PER": "reported",
        "USA": "reported",
        "ZZZ": "reported",
    }
    assert set(read.tables["reserves"]["country"]) == {"BOL", "PER", "ZZZ"}
    assert set(read.tables["reserves"]["year"]) == {2023}


def test_the_head_says_estimate_where_no_row_does(tmp_path):
    lines = [["MCS 2024", "Peru", TIN, "28000", "22000", ""]]
    read = summaries(write_old(tmp_path / "mcs2024-tin_world.csv", lines))
    assert set(read.tables["production"]["standing"]) == {"estimate"}


def test_the_commodity_is_in_the_name_of_the_file_or_given(tmp_path):
    lines = [["MCS2024", "Peru", TIN, "28000", "22000", ""]]
    path = write_old(tmp_path / "world.csv", lines)
    assert "commodity must be given and known" in faults_of(path)[0]
    assert "commodity must be given and known" in faults_of(path, commodity="unobtainium")[0]
    assert set(summaries(path, commodity="tin").tables["production"]["commodity"]) == {"tin"}
    several = write(tmp_path / "MCS2025_World_Data.csv", rows_2025())
    assert "commodity must be left out" in faults_of(several, commodity="tin")[0]


@pytest.mark.parametrize(
    ("unit", "times"), [("kg", 1e-3), ("t", 1.0), ("kt", 1e3), ("mt", 1e6), ("mmt", 1e6)]
)
def test_units_stand_in_the_head(tmp_path, unit, times):
    header = [name.replace("_t_", f"_{unit}_") for name in OLD]
    lines = [["MCS2024", "Peru", TIN, "28000", "22000", ""]]
    path = write_old(tmp_path / "mcs2024-tin_world.csv", lines, header=header)
    assert summaries(path).tables["production"]["production_t"][0] == 28000 * times
    header = [name.replace("_t_", "_") for name in OLD]
    path = write_old(tmp_path / "mcs2024-tin_world.csv", lines, header=header)
    assert "must be a unit of mass" in faults_of(path)[0]


def test_of_two_reserves_of_potash_those_of_the_oxide_are_read(tmp_path):
    header = [*OLD[:6], "Reserves_ore_t", "Reserves_ore_K2O_equiv_t", "Reserves_notes"]
    counted = "Mine production, potassium oxide (K2O) equivalent"
    lines = [["MCS2024", "Jordan", counted, "1700", "1800", "", "990", "220", ""]]
    read = summaries(write_old(tmp_path / "mcs2024-potas_world.csv", lines, header=header))
    assert read.tables["reserves"]["reserves_t"].tolist() == [220.0]


@pytest.mark.parametrize(
    ("name", "counted", "of", "column"),
    [
        ("chrom", "Mine production, marketable chromite ore", "production", "production_t"),
        ("vanad", "Mine production, vanadium content", "reserves", "reserves_t"),
    ],
)
def test_known_errata_of_2023_are_corrected_with_a_note(tmp_path, name, counted, of, column):
    header = [text.replace("2023", "x").replace("2022", "2021") for text in OLD]
    header = [text.replace("x", "2022") for text in header]
    lines = [["MCS2023", "Finland", counted, "2100", "2200", "", "90"]]
    path = write_old(tmp_path / f"mcs2023-{name}_world.csv", lines, header=header)
    table = summaries(path).tables[of]
    assert table[column][0] == {"production": 2.1e6, "reserves": 90e3}[of]
    assert "header of the file says tonnes" in table["note"][0]


def test_ferrosilicon_is_not_silicon_metal(tmp_path):
    both = "Plant production, silicon content of combined totals for ferrosilicon and silicon metal"
    lines = [
        ["MCS2024", "Norway", both, "350", "360", ""],
        ["MCS2024", "Norway", "Plant production, silicon metal", "140", "145", ""],
    ]
    read = summaries(write_old(tmp_path / "mcs2024-simet_world.csv", lines))
    assert read.tables["production"]["production_t"].tolist() == [140.0, 145.0]
    assert read.left_out == (both,)


def test_names_out_of_another_encoding(tmp_path):
    lines = [
        ["MCS2024", "United\u00caStates", TIN, "1", "2", ""],
        ["MCS2024", "CongoÊ(Kinshasa)", TIN, "1", "2", ""],
        ["MCS2024", "Côte d\u2019Ivoire", TIN, "1", "2", ""],
    ]
    path = tmp_path / "mcs2024-tin_world.csv"
    read = summaries(write_old(path, lines, encoding="cp1252"))
    assert set(read.tables["production"]["country"]) == {"USA", "COD", "CIV"}


def long_row(commodity, country, statistics, detail, unit, year, value, **more):
    section = more.get("section", "World Mine Production and Reserves")
    values = [commodity.upper(), section, commodity, country, statistics, detail, unit, year, value]
    return dict(zip(LONG, [*values, more.get("notes", ""), "Yes", ""], strict=True))


def rows_2026():
    mine = ("Production", "Mine production", T)
    return [
        long_row(
            "Tin",
            "United States",
            "Production",
            "Secondary",
            T,
            "2021",
            "17,000",
            section="Salient Statistics",
        ),
        long_row("Tin", "Peru", *mine, "2024", "32,000"),
        long_row("Tin", "Peru", *mine, "2025", "33,000", notes="Estimated."),
        long_row("Tin", "Burma", *mine, "2024", "19,000", notes="Estimated."),
        long_row("Tin", "Burma", *mine, "2025_estimated", "15,000", notes="Estimated."),
        long_row(
            "Tin", "World total", "Production", "Mine production: rounded", T, "2024", "51,000"
        ),
        long_row(
            "Tin", "World total", "Production", "Mine production, rounded", T, "2025", "48,000"
        ),
        long_row("Tin", "Peru", "Reserves", "Reserves", T, "2025", "130,000"),
        long_row("Tin", "Burma", "Reserves", "Reserves", T, "2025", "Large"),
        long_row("Tin", "World total", "Reserves", "Reserves: rounded", T, "2025", ">130,000"),
        long_row("Graphite (Natural)", "Norway", *mine, "2024", "7,000"),
        long_row("Graphite (Natural)", "Austria", *mine, "2024", "50\u2013300"),
        long_row("Graphite (Natural)", "Germany", *mine, "2024", "s"),
        long_row(
            "Aluminum", "Norway", "Capacity", "Smelter, yearend capacity", KT, "2025", "1,460"
        ),
        long_row(
            "Iron Ore", "Chile", "Production", "Mine production: Usable ore", KT, "2024", "17,000"
        ),
        long_row(
            "Iron Ore", "Chile", "Production", "Mine production: Iron content", KT, "2024", "11,000"
        ),
        long_row(
            "Bauxite and Alumina",
            "India",
            "Production",
            "Alumina, refinery production",
            KT,
            "2024",
            "7,600",
        ),
        long_row(
            "Bauxite and Alumina",
            "India",
            "Production",
            "Bauxite, mine production",
            KT,
            "2024",
            "25,000",
        ),
        long_row(
            "Bauxite and Alumina", "India", "Reserves", "Bauxite reserves", KT, "2025", "650,000"
        ),
        long_row(
            "Helium", "Qatar", "Production", "Production", "million cubic meters", "2024", "64"
        ),
    ]


def test_the_release_of_2026(tmp_path):
    path = tmp_path / "MCS2026_Commodities_Data.csv"
    read = summaries(write(path, rows_2026(), columns=LONG, encoding="cp1252"))
    assert read.edition == 2026
    assert tonnes(read.tables["production"], "tin") == {
        ("PER", 2024): 32_000.0,
        ("PER", 2025): 33_000.0,
        ("MMR", 2024): 19_000.0,
        ("MMR", 2025): 15_000.0,
    }
    standing = read.tables["production"].set_index(["commodity", "country", "year"])["standing"]
    assert standing["tin", "MMR", 2024] == "estimate"
    assert standing["tin", "PER", 2024] == "reported"
    assert tonnes(read.tables["production"], "graphite") == {
        ("NOR", 2024): 7_000.0,
        ("DEU", 2024): 0.0,
    }
    assert tonnes(read.tables["production"], "iron_ore") == {("CHL", 2024): 17e6}
    assert tonnes(read.tables["production"], "alumina", "refinery") == {("IND", 2024): 7.6e6}
    assert tonnes(read.tables["production"], "bauxite") == {("IND", 2024): 25e6}
    assert read.tables["production_totals"]["world_t"].tolist() == [51_000.0, 48_000.0]
    reserves = read.tables["reserves"].set_index("commodity")
    assert reserves.loc["tin", ["country", "year", "reserves_t"]].tolist() == ["PER", 2025, 130e3]
    assert reserves.loc["bauxite", "reserves_t"] == 650e6
    assert read.tables["capacity"]["capacity_tpa"].tolist() == [1_460_000.0]
    assert read.left_out == ("Helium: Production", "Iron Ore: Mine production: Iron content")


def test_faults_of_the_release_of_2026(tmp_path):
    rows = rows_2026()
    rows[1]["Year"] = "2021\u201324"
    rows[2]["Value"] = "many"
    rows[10]["Unit"] = "carats"
    faults = faults_of(write(tmp_path / "MCS2026.csv", rows, columns=LONG))
    assert [fault.partition(" must")[0] for fault in faults] == [
        "line 3, column Year",
        "line 12, column Unit",
        "line 4, column Value",
    ]
    rows = rows_2026()
    faults = faults_of(write(tmp_path / "b.csv", [*rows, rows[1]], columns=LONG))
    assert "must not repeat" in faults[0]
    columns = [name for name in LONG if name != "Value"]
    bare = [{k: v for k, v in r.items() if k != "Value"} for r in rows]
    assert (
        "column Value must be given"
        in faults_of(write(tmp_path / "c.csv", bare, columns=columns))[0]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Burma", ("MMR", False)),
        ("Korea, North", ("PRK", False)),
        ("Korea, Republic of", ("KOR", False)),
        ("Congo (Kinshasa)", ("COD", False)),
        ("Congo (Brazzaville)", ("COG", False)),
        ("New Caledonia11", ("NCL", False)),
        ("UnitedStates", ("USA", False)),
        ("Russiae", ("RUS", True)),
        ("Brazil (beneficiated)", ("BRA", False)),
        ("Other countries (includes crude)", ("ZZZ", False)),
        ("Other", ("ZZZ", False)),
        ("World total (rounded)8", ("WLD", False)),
        ("Chile", ("CHL", False)),
        ("Belize", ("BLZ", False)),
    ],
)
def test_countries_as_the_publisher_writes_them(name, expected):
    assert country_of(name) == expected


@pytest.mark.parametrize("name", ["Congo", "Korea", "CHN", "NA", "", "156", "Otherland", "12"])
def test_what_is_no_name_of_a_country(name):
    with pytest.raises(ValueError, match="country"):
        country_of(name)


@pytest.mark.parametrize(
    ("unit", "tonnes_"),
    [
        ("metric tons", 1.0),
        ("metric tons, contained tin", 1.0),
        ("thousand metric dry tons", 1e3),
        ("Thousand metric tons", 1e3),
        ("million metric tons", 1e6),
        ("kilograms", 1e-3),
        ("thousand kilograms", 1.0),
        ("million carats", None),
        ("metric tonsils", None),
        ("thousands", None),
    ],
)
def test_units_as_the_publisher_writes_them(unit, tonnes_):
    assert factor(unit) == tonnes_


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("1,234,567", 1234567.0, ""),
        ("0.5", 0.5, ""),
        ("4.6E+06", 4.6e6, ""),
        ("e 20,000", 20000.0, ""),
        (">1,000", 1000.0, "at least this much"),
        ("— ", 0.0, ""),
        ("Less than ½ unit.", 0.0, "less than half a unit"),
        ("Less than 1/2 unit", 0.0, "less than half a unit"),
        ("   NA", None, ""),
        ("\u00a0W", None, ""),
        ("Included in World total.", None, ""),
        ("330 - 390", None, ""),
        ("E", None, ""),
    ],
)
def test_figures_as_the_publisher_writes_them(text, value, note):
    read_ = amount(text)
    assert (read_.value, read_.note, read_.rule) == (value, note, "")


@pytest.mark.parametrize("text", ["-5", "1,23", "1.234,5", "nan", "inf", "12 t", "1e400", "Large"])
def test_what_is_no_figure(text):
    assert amount(text).rule


def test_a_file_far_too_long_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_usgs_layouts, "_MOST_ROWS", 10)
    path = write(tmp_path / "MCS2025.csv", rows_2025())
    assert faults_of(path) == ["file must not hold more than 10 rows, got 'more, up to line 12'"]


@pytest.mark.verification
def test_a_million_rows_are_refused_in_bounded_memory(tmp_path):
    path = write(tmp_path / "MCS2025.csv", rows_2025()[:1])
    with path.open("a", encoding="utf-8") as file:
        line = path.read_text(encoding="utf-8").splitlines()[1]
        file.write(f"{line}\n" * 1_000_000)
    tracemalloc.start()
    faults = faults_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "must not hold more than 200,000 rows" in faults[0]
    assert peak < 400_000_000


COUNTRIES = {"Peru": "PER", "Burma": "MMR", "Congo (Kinshasa)": "COD", "Other countries": "ZZZ"}


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(list(COUNTRIES)),
        st.tuples(*[st.none() | st.integers(0, 10**9)] * 2),
        min_size=1,
    ),
    st.booleans(),
)
def test_what_was_written_is_read(tmp_path_factory, figures, grouped):
    def text(value):
        return "NA" if value is None else f"{value:,}" if grouped else str(value)

    rows = [row("Tin", name, TIN, T, *map(text, pair)) for name, pair in figures.items()]
    world = [math.fsum(v for v in column if v) for column in zip(*figures.values(), strict=True)]
    rows.append(row("Tin", "World total (rounded)", TIN, T, *(f"{v:.0f}" for v in world)))
    read_ = summaries(write(tmp_path_factory.mktemp("usgs") / "MCS2025.csv", rows))
    assert tonnes(read_.tables["production"], "tin") == {
        (COUNTRIES[name], year): float(value)
        for name, pair in figures.items()
        for year, value in zip((2023, 2024), pair, strict=True)
        if value is not None
    }
    assert set(read_.tables["production_totals"]["reason"]) == {"none"}
    assert (read_.tables["production_totals"]["discrepancy_t"] == 0).all()
