"""Budgets that keep the code readable, and a few things it never does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "supplyrisk"
MAX_LINES = 400
MAX_BODY_LINES = 60
MAX_PARAMETERS = 8
MAX_PUBLIC_METHODS = 12
# Signatures and classes that are wider because the public contract says so.
WIDER_BY_CONTRACT = frozenset({"simulate", "Outlook"})
# `assert` vanishes under -O; the others run or hide what a file says.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "breakpoint"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}

every_module = pytest.mark.parametrize(
    "path",
    sorted(PACKAGE.rglob("*.py")),
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)


def nodes(path: Path, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return nodes(path, ast.FunctionDef, ast.AsyncFunctionDef)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    args = function.args
    named = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return [name for name in named if name not in {"self", "cls"}]


@every_module
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_module
def test_function_bodies_are_short(path):
    long = {f.name: body_lines(f) for f in functions(path) if body_lines(f) >= MAX_BODY_LINES}
    assert not long


@every_module
def test_signatures_are_narrow(path):
    wide = {f.name: len(parameters(f)) for f in functions(path)}
    assert not {
        name: count
        for name, count in wide.items()
        if count > MAX_PARAMETERS and name not in WIDER_BY_CONTRACT
    }


@every_module
def test_classes_have_few_methods(path):
    for cls in nodes(path, ast.ClassDef):
        methods = [
            node.name
            for node in cls.body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        ]
        assert len(methods) <= MAX_PUBLIC_METHODS or cls.name in WIDER_BY_CONTRACT, cls.name


@every_module
def test_no_assert_no_eval_no_pickle(path):
    assert not list(nodes(path, ast.Assert))
    called = {n.func.id for n in nodes(path, ast.Call) if isinstance(n.func, ast.Name)}
    assert not called & FORBIDDEN_CALLS
    plain = {alias.name for node in nodes(path, ast.Import) for alias in node.names}
    taken = {node.module or "" for node in nodes(path, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in plain | taken} & FORBIDDEN_MODULES


@every_module
def test_only_the_command_line_prints(path):
    printing = [n for n in nodes(path, ast.Call) if getattr(n.func, "id", "") == "print"]
    assert not printing or path.relative_to(PACKAGE).parts[0] in {"cli", "cli.py"}
