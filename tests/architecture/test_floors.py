"""The house has floors; imports only go down."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "supplyrisk"
MODULES = sorted(PACKAGE.rglob("*.py"))
INSIDE = [path for path in MODULES if path != PACKAGE / "__init__.py"]

# The ground floor in its order: each may use those before it.
GROUND = (
    "errors",
    "units",
    "_optional",
    "_text",
    "_files",
    "_countries",
    "_validation",
    "_html",
)
# Every room the house may have.  A new one gets its floor here and its sentence in
# docs/architecture.md.
FLOOR = {
    **dict.fromkeys(GROUND, 0),
    "model": 1,
    "casefile": 2,
    "flow": 2,
    "hazard": 2,
    "indicators": 2,
    "insurance": 2,
    "market": 2,
    "metrics": 2,
    "data": 3,
    "engine": 4,
    "analysis": 5,
    "explanation": 5,
    "scorecard": 6,
    "io": 7,
    "plot": 7,
    "report": 8,
    "cli": 9,
    "__main__": 10,
}
# Array kernels know arrays and the ground floor, not the model.
KERNELS = {"flow", "indicators", "insurance", "market", "metrics"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms() -> set[str]:
    return {room_of(path) for path in INSIDE}


def imported(tree: ast.AST) -> Iterator[str]:
    """Absolute dotted names that a module imports, however it says so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                yield "." * node.level + (node.module or "")
            elif node.module == "supplyrisk":
                yield from (f"supplyrisk.{alias.name}" for alias in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if called in {"import_module", "__import__"}:
                named = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
                yield from (name for name in named if isinstance(name, str))


def may_import(here: str, there: str) -> bool:
    if here == there:
        return True
    if here in KERNELS and FLOOR[there] > 0:
        return False
    if here in GROUND and there in GROUND:
        return GROUND.index(there) < GROUND.index(here)
    return FLOOR[there] < FLOOR[here]


def wrong_imports(here: str, source: str) -> list[str]:
    wrong = []
    for name in imported(ast.parse(source)):
        top, _, rest = name.partition(".")
        if top not in {"supplyrisk", ""}:
            continue
        there = rest.partition(".")[0]
        # A relative import, the bare root, a public name taken from the root, or upstairs.
        if not top or there not in FLOOR or not may_import(here, there):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_only_go_down(path):
    wrong = wrong_imports(room_of(path), path.read_text(encoding="utf-8"))
    assert not wrong, f"{path.relative_to(PACKAGE)} imports {', '.join(wrong)}"


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("engine", "import supplyrisk.plot"),
        ("engine", "import supplyrisk.plot.maps as maps"),
        ("engine", "from supplyrisk import plot"),
        ("engine", "from supplyrisk.plot import fan"),
        ("engine", "def late():\n    from supplyrisk import report"),
        ("engine", "from importlib import import_module\nimport_module('supplyrisk.cli')"),
        ("engine", "import supplyrisk"),
        ("engine", "import supplyrisk as sr"),
        ("engine", "from supplyrisk import MineSite"),
        ("engine", "from . import results"),
        ("engine", "from ..plot import fan"),
        ("hazard", "from supplyrisk.casefile import read"),
        ("metrics", "from supplyrisk.model import MineSite"),
        ("plot", "from supplyrisk.io import write"),
        ("errors", "from supplyrisk.units import DAYS_PER_YEAR"),
    ],
)
def test_the_check_catches(here, source):
    assert wrong_imports(here, source)


@pytest.mark.parametrize(
    ("here", "source"),
    [
        ("hazard", "from supplyrisk.model import Duration"),
        ("casefile", "from supplyrisk.model.case import Case"),
        ("casefile", "from supplyrisk._validation import require_positive"),
        ("_validation", "from supplyrisk.errors import Fault"),
        ("engine", "from supplyrisk.engine.results import Outlook"),
        ("engine", "from supplyrisk import metrics"),
        ("engine", "import numpy as np\nfrom scipy import stats"),
        ("report", "import supplyrisk.plot"),
    ],
)
def test_the_check_allows(here, source):
    assert not wrong_imports(here, source)


def test_every_room_has_a_floor():
    assert rooms() <= set(FLOOR), "a new room needs a floor in this file"


@pytest.mark.parametrize(
    "path",
    [path for path in INSIDE if room_of(path) == "model"],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_the_model_needs_the_standard_library_only(path):
    tops = {name.partition(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
    assert tops <= sys.stdlib_module_names | {"supplyrisk"}
