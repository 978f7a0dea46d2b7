"""The public names: exactly these, each of them there, none hidden by a room."""

import ast
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import supplyrisk as sr

PACKAGE = Path(sr.__file__).parent

# ---------------------------------------------------------------------------------------
# THE PUBLIC NAMES.  A name is added here in the change that adds it to the package, to
# docs/api.md and to CHANGELOG.md; none is renamed or removed without a decision.
# ---------------------------------------------------------------------------------------
MODULES = frozenset({"data", "hazard", "indicators", "metrics", "plot", "report"})
VALUES = frozenset(
    {
        "Case",
        "Citation",
        "CommodityExposure",
        "Composite",
        "DisruptionEvent",
        "Duration",
        "Evidence",
        "ExactLosses",
        "Hazard",
        "InvalidInputError",
        "Market",
        "MineSite",
        "Observation",
        "Outcome",
        "Outlook",
        "Peril",
        "Policy",
        "PriceTerms",
        "RampUp",
        "RareLosses",
        "Route",
        "Scope",
        "Scorecard",
        "SmallestStock",
        "Smelter",
        "Source",
        "StressTest",
        "SupplierContributions",
        "Supply",
    }
)
FUNCTIONS = frozenset(
    {
        "cases",
        "exact_losses",
        "explain",
        "indicator_ranks",
        "indicator_table",
        "load_case",
        "load_outcome",
        "n_minus",
        "origin_bounds",
        "rank",
        "rare_losses",
        "save_case",
        "score",
        "simulate",
        "sites_from_frame",
        "smallest_stock",
        "what_if",
        "stress",
        "supplier_contributions",
    }
)
PUBLIC = MODULES | VALUES | FUNCTIONS


def test_the_public_names_are_exactly_these():
    assert len(sr.__all__) == len(set(sr.__all__))
    assert set(sr.__all__) == PUBLIC


def test_dir_shows_the_public_names():
    assert set(dir(sr)) == PUBLIC


@pytest.mark.parametrize("name", sorted(MODULES))
def test_public_rooms_are_modules(name):
    assert isinstance(getattr(sr, name), ModuleType)


@pytest.mark.parametrize("name", sorted(VALUES))
def test_public_values_are_classes(name):
    assert inspect.isclass(getattr(sr, name))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_public_functions_are_functions(name):
    assert inspect.isfunction(getattr(sr, name))


@pytest.mark.parametrize("name", sorted(VALUES | FUNCTIONS))
def test_public_names_are_documented(name):
    assert inspect.getdoc(getattr(sr, name))


def public_functions():
    yield from ((name, getattr(sr, name)) for name in sorted(FUNCTIONS))
    for room in sorted(MODULES):
        module = getattr(sr, room)
        for name in module.__all__:
            if inspect.isfunction(getattr(module, name)):
                yield f"{room}.{name}", getattr(module, name)


def test_public_functions_say_what_they_take_and_return():
    short = []
    for name, function in public_functions():
        said = inspect.getdoc(function) or ""
        parameters = inspect.signature(function).parameters
        missing = [
            p for p in parameters if not re.search(rf"^\**(\w+, )*{p}\b", said, re.MULTILINE)
        ]
        if missing or not re.search(r"^(Returns|Yields)$", said, re.MULTILINE):
            short.append((name, missing or "Returns"))
    assert not short


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="simulat"):
        sr.simulat  # noqa: B018


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    guarded = [
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    ]
    seen = {
        alias.asname or alias.name
        for block in guarded
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == PUBLIC


def test_no_room_bears_the_name_of_a_public_value_or_function():
    # Importing supplyrisk.simulate.anything would rebind sr.simulate to that module.
    rooms = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")}
    assert not {room.removesuffix(".py") for room in rooms} & (VALUES | FUNCTIONS)
