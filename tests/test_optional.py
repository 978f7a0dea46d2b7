"""Packages of the extras: imported where they are needed, named by their extra where absent."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

from supplyrisk import _optional
from supplyrisk.data.formats import _workbook

MISSING = "supplyrisk_has_no_such_package"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package that can be imported in this test alone."""

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("module", ["json", "json.decoder", "xml.etree.ElementTree"])
def test_a_module_that_is_there_is_imported(module):
    assert _optional.need(module, extra="io", to="read") is import_module(module)


def test_it_is_the_module_that_python_has():
    assert _optional.need("json", extra="io", to="read") is json


def test_the_message_names_the_module_the_purpose_and_the_extra():
    with pytest.raises(ImportError) as caught:
        _optional.need(MISSING, extra="io", to="read workbooks")
    assert str(caught.value) == (
        f"{MISSING} is needed to read workbooks: pip install 'supplyrisk[io]'"
    )
    assert caught.value.name == MISSING
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_part_of_a_package_that_is_not_installed_names_the_extra_too():
    with pytest.raises(ImportError, match=r"pip install 'supplyrisk\[map\]'"):
        _optional.need(f"{MISSING}.part", extra="map", to="draw maps")


def test_a_module_blocked_in_this_process_counts_as_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(ImportError, match=r"json is needed to read: pip .*supplyrisk\[io\]"):
        _optional.need("json", extra="io", to="read")


def test_a_package_that_lacks_something_itself_says_so(package):
    name = package("supplyrisk_test_lacking", f"import {MISSING}\n")
    with pytest.raises(ModuleNotFoundError, match=MISSING) as caught:
        _optional.need(name, extra="io", to="read")
    assert "supplyrisk[io]" not in str(caught.value)


def test_a_part_that_a_package_lacks_is_not_blamed_on_the_extra():
    with pytest.raises(ModuleNotFoundError, match=r"json\.nonsense") as caught:
        _optional.need("json.nonsense", extra="io", to="read")
    assert "supplyrisk[io]" not in str(caught.value)


@pytest.mark.parametrize("fault", ["raise RuntimeError('broken')", "raise ImportError('broken')"])
def test_a_package_that_breaks_on_import_is_not_hidden(package, fault):
    name = package("supplyrisk_test_broken", f"{fault}\n")
    with pytest.raises((RuntimeError, ImportError), match=r"^broken$"):
        _optional.need(name, extra="io", to="read")


def test_without_openpyxl_a_workbook_asks_for_the_extra_before_it_is_opened(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    wanted = r"^openpyxl is needed to read ratings: pip install 'supplyrisk\[io\]'$"
    with (
        pytest.raises(ImportError, match=wanted),
        _workbook.sheets(tmp_path / "missing.xlsx", to="read ratings"),
    ):
        pytest.fail("no workbook is opened")


def test_no_extra_is_imported_before_it_is_needed():
    code = "import sys, supplyrisk.data.formats._workbook; print('openpyxl' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "False"
