"""``import supplyrisk`` is light and has no effects; checked in a fresh interpreter."""

import json
import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "numpy", "pandas", "scipy")
PROBE = """
import json, logging, os, sys, warnings
effects = []
def note(event, args):
    if event == "open":
        if not str(args[0]).endswith((".py", ".pyc", ".so", ".pyd")):
            effects.append(f"open {args[0]}")
    elif event.partition(".")[0] in {"socket", "subprocess", "shutil"} or event in {
        "os.mkdir", "os.rename", "os.remove", "os.system", "os.putenv"
    }:
        effects.append(event)
sys.addaudithook(note)
def state():
    root = logging.getLogger()
    return list(root.handlers), root.level, list(warnings.filters), dict(os.environ)
before = state()
STATEMENTS
if state() != before:
    effects.append("logging, warnings or environment changed")
seen = sorted(sys.modules)
sys.stdout.write(json.dumps({"modules": seen, "effects": effects}))
"""


@pytest.fixture
def probe(tmp_path):
    def run(statements):
        done = subprocess.run(
            [sys.executable, "-B", "-c", PROBE.replace("STATEMENTS", statements)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_importing_the_package_loads_nothing_heavy(probe):
    modules = probe("import supplyrisk")["modules"]
    assert "supplyrisk" in modules
    assert not [name for name in modules if name.partition(".")[0] in HEAVY]


def test_importing_the_package_has_no_effects(probe):
    assert probe("import supplyrisk")["effects"] == []


def test_listing_the_public_names_loads_none_of_them(probe):
    modules = probe("import supplyrisk; dir(supplyrisk)")["modules"]
    assert not [name for name in modules if name.startswith("supplyrisk.")]


def test_the_values_load_nothing_heavy(probe):
    modules = probe("import supplyrisk as sr; sr.MineSite, sr.Hazard, sr.Case")["modules"]
    assert not [name for name in modules if name.partition(".")[0] in HEAVY]


def test_the_probe_notices_effects(probe):
    effects = probe("open('left-behind', 'w').close(); logging.basicConfig()")["effects"]
    assert effects == ["open left-behind", "logging, warnings or environment changed"]
