"""The notebooks run in a fresh kernel, come without outputs, and say what they promise."""

import json
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WALIKALE = ROOT / "notebooks" / "01_walikale_2025.ipynb"
# What the last cell, added here, tells of the notebook's own results.
RESULTS = """
import json

print(json.dumps({
    "percentile": {" ".join(key): value for key, value in placed["percentile"].items()},
    "observed": {" ".join(key): value for key, value in placed["observed"].items()},
    "swept": swept["assumption"].value_counts().to_dict(),
    "what_if": what_if.to_dict(),
}))
"""


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def executed(notebook: nbformat.NotebookNode, folder: Path, monkeypatch) -> nbformat.NotebookNode:
    """Run a notebook in `folder`, in a kernel of this very interpreter; leave nothing elsewhere."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(variable, str(folder / variable.lower()))
    # Kernels installed on this machine could belong to another Python: without any, Jupyter falls
    # back to the one that ipykernel describes for the interpreter at hand.
    specs = KernelSpecManager(kernel_dirs=[])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    assert manager.kernel_spec.argv[0] == sys.executable
    client = NotebookClient(
        notebook, km=manager, timeout=300, resources={"metadata": {"path": str(folder)}}
    )
    # pytest's choice of a backend is not the notebook's.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment["TQDM_DISABLE"] = "1"  # nobody watches this one: no bar on its stderr
    # The manager is ours, so nbclient would leave its kernel running.
    ran: nbformat.NotebookNode = client.execute(env=environment, cleanup_kc=True)
    return ran


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_there_is_a_notebook():
    assert WALIKALE in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert not outputs(notebook)
    assert all(cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_has_one_title_and_headings_in_order(path):
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    levels = [len(marks) for marks in re.findall(r"^(#+) ", "\n".join(prose), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_keeps_its_promises(path, tmp_path, monkeypatch):
    notebook = read(path)
    if path == WALIKALE:
        notebook.cells.append(nbformat.v4.new_code_cell(RESULTS))
    ran = executed(notebook, tmp_path, monkeypatch)
    assert not [output for output in outputs(ran) if output.output_type == "error"]
    assert not [output.text for output in outputs(ran) if output.get("name") == "stderr"]
    if path == WALIKALE:
        assert sum("image/png" in output.get("data", {}) for output in outputs(ran)) == 13
        check_walikale(json.loads(ran.cells[-1].outputs[0].text))


def check_walikale(results):
    percentiles, observed = results["percentile"], results["observed"]
    assert all(0.0 <= value <= 1.0 for value in percentiles.values())
    # Without noise no quarter can be above the plan; with it, it can.
    assert percentiles["output, noise 0 % quarter 3"] == 1.0
    assert percentiles["output, noise 5 % quarter 3"] < 1.0
    # By the formula 10.2 %: the length of armed conflict rests on two stops, neither of them over.
    assert 0.09 < percentiles["closure length"] < 0.115
    assert observed["closure length"] == 33.0
    quarters = [observed[f"output, noise 0 % quarter {number}"] for number in (1, 2, 3, 4)]
    assert quarters == [4270.0, 4106.0, 5190.0, 5008.0]
    assert sum(name.startswith("quote ") for name in observed) == 7
    assert len(results["swept"]) == 3
    # On the same futures stock helps against running short, and a hedge against the price.
    base, stock, hedge = results["what_if"].values()
    assert stock["probability_short"] < base["probability_short"]
    # A larger stock leaves less unmet use, and so moves the price itself by a trace.
    assert stock["tail_cost_usd"] == pytest.approx(base["tail_cost_usd"], rel=1e-3)
    assert hedge["probability_short"] == base["probability_short"]
    assert hedge["tail_cost_usd"] < base["tail_cost_usd"]
