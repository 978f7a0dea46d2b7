"""The page on data is what its script writes from the tables."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from supplyrisk import data
from supplyrisk.data.schema import schema, schema_names

DOCS = Path(__file__).parents[1] / "docs"


def test_the_pages_on_data_and_readers_are_true(tmp_path):
    script = DOCS / "write_data_page.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, cwd=tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["data.md", "readers.md"]
    for name in written:
        rule = "a table or a layout was changed: run docs/write_data_page.py"
        assert (tmp_path / name).read_text("utf-8") == (DOCS / name).read_text("utf-8"), rule


def test_every_reader_and_layout_is_on_the_page():
    page = (DOCS / "readers.md").read_text("utf-8")
    for name in data.__all__:
        if name.startswith("read_") and name != "read_table":
            assert f"## {name}\n" in page
            assert f"| `{name}` |" in page
    for layout in (files("supplyrisk.data") / "formats").iterdir():
        if layout.name.endswith(".schema.csv"):
            assert f"`{layout.name.removesuffix('.schema.csv')}`:" in page


def test_every_table_has_a_function_of_its_name_and_a_section():
    page = (DOCS / "data.md").read_text("utf-8")
    for name in data.table_names():
        assert name in data.__all__
        assert f"### {name}\n" in page


def test_every_table_that_readers_give_is_on_a_page():
    pages = "".join((DOCS / name).read_text("utf-8") for name in ("data.md", "readers.md"))
    for name in schema_names():
        assert f"### {name}\n" in pages
        assert len(data.columns(name)) == len(schema(name).columns)


def test_the_page_names_what_was_left_out():
    page = (DOCS / "data.md").read_text("utf-8")
    left = page.partition("## What was left out")[2].partition("\n## ")[0]
    for publisher in ("World Mining Data", "ACLED", "London Metal Exchange", "International Monet"):
        assert publisher in left
