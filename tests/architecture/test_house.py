"""The papers of the house agree with each other and with the code."""

import re
import tomllib
from pathlib import Path

import pytest

import supplyrisk as sr

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOT_OURS = re.compile(r"^(\..*|__pycache__|_build|build|dist|site-packages|supplyrisk-out)$")
TEXT = {".cff", ".cfg", ".csv", ".html", ".ipynb", ".json", ".md", ".py", ".toml", ".txt", ""}
# Folders of the machine a file was made on; the lookbehind leaves web addresses alone.
MACHINE_PATH = re.compile(r"(?<![\w.>-])/(?:home|root|work|opt|Users|private)/|\b[A-Z]:\\\\?Users")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text_files() -> list[Path]:
    def walk(folder):
        for path in sorted(folder.iterdir()):
            if path.is_dir() and (path.name == ".ci" or not NOT_OURS.match(path.name)):
                yield from walk(path)
            elif path.is_file() and path.suffix in TEXT and path.name != ".git":
                yield path

    return list(walk(ROOT))


def readme_command(mark: str) -> str:
    """Return the one shell line that follows ``<!-- mark -->`` in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- {mark} -->\s*```\w*\n(.+)\n```", readme)
    assert len(found) == 1, f"README.md needs one line of shell after <!-- {mark} -->"
    return found[0]


def test_the_continuous_integration_runs_the_readmes_test_command():
    command = readme_command("test-command")
    lines = [line.strip() for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()]
    assert lines.count(command) == 1


def test_the_readmes_first_command_simulates_the_case():
    assert readme_command("first-command").endswith("supplyrisk run seeds/walikale-2025.toml")


@pytest.mark.parametrize("script", ["run", "verify"])
def test_the_scripts_are_executable_and_strict(script):
    path = ROOT / ".ci" / script
    assert path.stat().st_mode & 0o100
    assert "set -euo pipefail" in path.read_text(encoding="utf-8")


def test_the_citation_names_this_version_and_licence():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r'^version: "?([^"\n]+)"?$', citation, re.MULTILINE) == [project()["version"]]
    assert re.findall(r"^license: (\S+)$", citation, re.MULTILINE) == [project()["license"]]


def test_the_package_knows_its_version():
    assert sr.__version__ == project()["version"]


def test_the_changelog_knows_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert set(headings) & {"Unreleased", project()["version"]}


def test_no_file_names_a_folder_of_the_machine_it_was_made_on():
    found = {
        path.relative_to(ROOT).as_posix(): match.group()
        for path in text_files()
        if (match := MACHINE_PATH.search(path.read_text(encoding="utf-8")))
    }
    assert not found


def test_every_docs_page_is_in_a_table_of_contents():
    listed = set()
    for page in DOCS.rglob("*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            entries = [line.strip() for line in block.splitlines() if not line.startswith(":")]
            listed |= {(page.parent / entry).resolve() for entry in entries if entry}
    pages = {page.with_suffix("").resolve() for page in DOCS.rglob("*.md")}
    made = {page for page in pages if {"_build", "generated"} & set(page.parts)}
    assert pages - made - listed == {(DOCS / "index").resolve()}


def test_every_public_name_is_in_the_reference():
    reference = (DOCS / "api.md").read_text(encoding="utf-8")
    assert not [
        name for name in sr.__all__ if not re.search(rf"^ *{name}$", reference, re.MULTILINE)
    ]


def test_every_room_is_in_the_architecture_page():
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = {p.name.removesuffix(".py") for p in (ROOT / "supplyrisk").iterdir()}
    rooms = {room for room in rooms if room.isidentifier() and room != "__init__"}
    assert not [room for room in rooms - {"__pycache__"} if f"`{room}`" not in page]
