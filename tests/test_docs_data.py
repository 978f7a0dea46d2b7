"""The page on data is what its script writes from the tables."""

import subprocess
import sys
from pathlib import Path

from supplyrisk import data

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_on_data_is_true(tmp_path):
    path = tmp_path / "data.md"
    subprocess.run([sys.executable, DOCS / "write_data_page.py", path], check=True, cwd=tmp_path)
    rule = "a table was changed: run docs/write_data_page.py"
    assert path.read_text("utf-8") == (DOCS / "data.md").read_text("utf-8"), rule


def test_every_table_has_a_function_of_its_name_and_a_section():
    page = (DOCS / "data.md").read_text("utf-8")
    for name in data.table_names():
        assert name in data.__all__
        assert f"### {name}\n" in page


def test_the_page_names_what_was_left_out():
    page = (DOCS / "data.md").read_text("utf-8")
    left = page.partition("## What was left out")[2].partition("\n## ")[0]
    for publisher in ("World Mining Data", "ACLED", "London Metal Exchange", "International Monet"):
        assert publisher in left
