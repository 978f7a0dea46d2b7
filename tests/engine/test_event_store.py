"""Event tables in files are those in memory, bit for bit, and go when nobody needs them."""

import datetime as dt
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supplyrisk.engine import blocks, checkpoint, event_store, production, results
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.errors import InvalidInputError

CASE = runpy.run_path(str(Path(__file__).with_name("runner_case.py")))["CASE"]
CALM = CASE.without("hazards.wide")
SIZE = 32
N = 7 * SIZE + 5
QUARTERS = [dt.date(2025, 4, 1), dt.date(2025, 7, 1), dt.date(2025, 10, 1), dt.date(2026, 1, 1)]
ADVICE = r'rows of events stay in memory.*\(pip install "supplyrisk\[io\]"\)'


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    for module in (blocks, production, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", SIZE)
    monkeypatch.setattr(blocks, "N_KEPT", 3 * SIZE + 2)


def real_blocks(monkeypatch):
    for module in (blocks, production, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", BLOCK_SIZE)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def arrow():
    """Skip the test where no file can be written."""
    return pytest.importorskip("pyarrow")


@pytest.fixture
def files(monkeypatch, tmp_path, arrow):
    """Let tables of more than 100 rows go to files; return the folder of temporary folders."""
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 100)
    monkeypatch.setattr(event_store, "_ROWS_AT_A_TIME", 7)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


@pytest.fixture
def no_arrow(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)


def in_memory(case=CASE, n=N, **given):
    """Simulate with a table that stays in memory."""
    outlook = simulate(case, n, **{"rng": 7, "keep": "events", **given})
    assert outlook.event_files() == ()
    return outlook


def in_files(case=CASE, n=N, **given):
    """Simulate with a table that goes to files, in order."""
    outlook = simulate(case, n, **{"rng": 7, "keep": "events", **given})
    numbers = [int(path.name.split("-")[1]) for path in outlook.event_files()]
    assert numbers == list(range(len(outlook.event_table.sizes)))
    return outlook


def same(one, other):
    pd.testing.assert_frame_equal(one.events(), other.events(), check_exact=True)
    np.testing.assert_array_equal(one.lost_t, other.lost_t)
    rows, others = one.event_table.rows(), other.event_table.rows()
    for name in results.EventRows.__slots__:
        a, b = getattr(rows, name), getattr(others, name)
        assert (a.dtype, a.tobytes()) == (b.dtype, b.tobytes())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- The same table -------------------------------------------------------------------------


@pytest.fixture
def whole():
    return in_memory()


def test_a_table_in_files_is_the_one_in_memory(whole, files):
    outlook = in_files()
    same(outlook, whole)
    assert outlook.has_events
    assert len(outlook.event_files()) == 8
    assert {path.parent.parent for path in outlook.event_files()} == {files}


def test_nothing_of_the_table_stays_in_the_results(whole, files):
    for outlook in (whole, in_files()):
        assert len(outlook.result.rows.scenario) == 0


def test_threads_leave_the_same_files(whole, files):
    with ThreadPoolExecutor(3) as executor:
        same(in_files(executor=executor), whole)


def test_processes_leave_the_same_files(monkeypatch, files):
    real_blocks(monkeypatch)  # a spawned process knows no others
    n = BLOCK_SIZE + 100
    spawned = in_files(n=n, workers=2)
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 1_000_000)
    same(spawned, in_memory(n=n))


def test_years_of_losses_go_to_files_too(monkeypatch, arrow):
    kept = in_memory(n=20_100, basis="occurrence")
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 1_000)
    outlook = in_files(n=20_100, basis="occurrence")
    assert len(outlook.event_files()) == 2
    same(outlook, kept)


def test_a_doubled_table_has_no_future_twice(files, monkeypatch):
    monkeypatch.setattr("supplyrisk.engine.run.MOST_SCENARIOS", 160)
    outlook = in_files(n=40, until=1e-9)
    assert outlook.event_table.sizes == (32,) * 5
    assert names(outlook.event_files()[0].parent) == [p.name for p in outlook.event_files()]
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 1_000_000)
    same(outlook, in_memory(n=160))


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_production_is_the_same_from_files(whole, files, noise):
    outlook = in_files()
    for site in ("a", "b"):
        np.testing.assert_array_equal(
            outlook.production_t(site, QUARTERS, noise=noise),
            whole.production_t(site, QUARTERS, noise=noise),
        )


def test_production_reads_one_block_at_a_time(whole):
    found = list(whole.event_table.of_sites(1))
    assert [(first, n) for first, n, _ in found] == [(b * 32, 32) for b in range(7)] + [(224, 5)]
    for first, n, rows in found:
        assert (rows.site == 1).all()
        assert ((first <= rows.scenario) & (rows.scenario < first + n)).all()
    assert sum(len(rows.site) for _, _, rows in found) == (whole.events().site_id == "b").sum()


def test_a_table_without_events_may_lie_in_files(folder, arrow):
    outlook = in_files(CALM, checkpoint=folder)
    assert len(outlook.event_files()) == 8
    same(outlook, in_memory(CALM))
    assert len(outlook.events()) == 0
    assert outlook.production_t("a", QUARTERS).shape == (N, 3)


def test_a_summary_has_no_files():
    outlook = simulate(CASE, 10, rng=7)
    assert not outlook.has_events
    with pytest.raises(ValueError, match="keep must be 'events' in simulate for this"):
        outlook.event_files()


# --- The files by themselves ----------------------------------------------------------------


def test_the_files_can_be_read_without_the_outlook(whole, files, arrow):
    outlook = in_files()
    read = pd.concat([pd.read_parquet(path) for path in outlook.event_files()], ignore_index=True)
    table = whole.events()
    assert list(read.columns) == [*table.columns, "threat_index", "site_index"]
    for name in table.columns:
        assert list(read[name]) == list(table[name])
    assert isinstance(read["site_id"].dtype, pd.CategoricalDtype)
    sites = [site.site_id for site in outlook.plan.sites]
    assert [sites[index] for index in read["site_index"]] == list(table["site_id"])
    threats = [threat.name for threat in outlook.plan.threats]
    assert [threats[index] for index in read["threat_index"]] == list(table["threat"])


def test_pyarrow_reads_the_files_together(whole, files, arrow):
    from pyarrow import dataset  # noqa: PLC0415 - where it is installed

    paths = list(map(str, in_files().event_files()))
    # The outlook is gone, and with it its files.
    assert not Path(paths[0]).exists()
    outlook = in_files()
    table = dataset.dataset(list(map(str, outlook.event_files()))).to_table()
    assert table.num_rows == len(whole.events())
    assert table.column("lost_t").to_pylist() == list(whole.events()["lost_t"])


def test_a_file_says_what_it_is_of(files, arrow):
    from pyarrow import parquet  # noqa: PLC0415 - where it is installed

    outlook = in_files()
    for path in outlook.event_files():
        about = json.loads(parquet.read_schema(path).metadata[event_store.METADATA_KEY])
        made = outlook.provenance
        assert about["case_digest"] == made.case_digest
        assert about["seed"] == 7
        assert about["basis"] == "calendar"
        assert about["versions"] == made.versions


def test_a_file_of_another_simulation_is_refused(files):
    outlook, other = in_files(), in_files(rng=8)
    outlook.event_files()[2].write_bytes(other.event_files()[2].read_bytes())
    for ask in (outlook.events, lambda: outlook.production_t("a", QUARTERS)):
        with pytest.raises(ValueError, match=r"events-000002-32.parquet must hold events of this"):
            ask()


def test_a_small_table_does_without_pyarrow(tmp_path):
    script = """
import sys, supplyrisk as sr
outlook = sr.simulate(sr.load_case("walikale-2025"), 20, rng=7, keep="events")
assert outlook.event_files() == () and len(outlook.events()) > 0
assert "pyarrow.parquet" not in sys.modules
"""
    command = [sys.executable, "-W", "error", "-c", script]
    assert subprocess.run(command, cwd=tmp_path, check=True, timeout=300).returncode == 0


# --- Temporary files ------------------------------------------------------------------------


def test_temporary_files_go_with_the_outlook(files):
    outlook = in_files()
    assert len(names(files)) == 1
    table = outlook.event_table
    del outlook
    assert len(table.rows().scenario) > 100  # whoever holds the table holds its files
    del table
    assert names(files) == []


def test_each_outlook_has_its_own_files(files):
    one, other = in_files(), in_files(rng=8)
    assert len(names(files)) == 2
    kept = other.events()
    del one
    pd.testing.assert_frame_equal(other.events(), kept)


def test_a_simulation_that_fails_leaves_no_files(files, monkeypatch):
    real = blocks.run_block

    def run_block(job, number, n):
        if number == 6:
            assert len(names(files)) == 1
            raise RuntimeError("block 6 is broken")
        return real(job, number, n)

    monkeypatch.setattr(blocks, "run_block", run_block)
    with pytest.raises(RuntimeError, match="block 6 is broken") as caught:
        in_files()
    del caught
    gc.collect()
    assert names(files) == []


def test_a_copy_of_the_process_removes_nothing(files):
    made = event_store.TemporaryFolder()
    event_store._remove(made.path, os.getpid() + 1)
    assert made.path.is_dir()


SCRIPT = """
import signal, sys, warnings
import supplyrisk as sr
from supplyrisk.engine import event_store

signal.signal(signal.SIGINT, signal.default_int_handler)
event_store.ROWS_IN_MEMORY = 100
case = sr.load_case("walikale-2025")
outlook = sr.simulate(case, 4_200, rng=7, keep="events")
print(outlook.event_files()[0].parent, flush=True)
if sys.argv[1] == "wait":
    while True:
        pass
"""


@pytest.mark.parametrize("ending", ["end", "wait"])
def test_the_interpreter_takes_its_files_along(files, ending):
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, ending],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(files)},
        text=True,
    ) as process:
        place = Path(process.stdout.readline().strip())
        assert place.parent == files
        if ending == "wait":
            assert place.is_dir()
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert ("KeyboardInterrupt" in err) == (ending == "wait")
    assert "Warning" not in err
    assert names(files) == []


# --- Interrupted ----------------------------------------------------------------------------


def interrupt_at(monkeypatch, block, n=None):
    """Let one block, or one of that size, end in Control-C."""
    real = blocks.run_block

    def run_block(job, number, size):
        if number == block and n in {None, size}:
            raise KeyboardInterrupt
        return real(job, number, size)

    monkeypatch.setattr(blocks, "run_block", run_block)


@pytest.mark.parametrize("limit", [0, 100, 10**6])
@pytest.mark.parametrize("kept", [True, False])
def test_what_was_interrupted_has_the_events_that_it_counts(
    monkeypatch, files, folder, limit, kept
):
    place = folder if kept else None
    with monkeypatch.context() as patch:
        patch.setattr(event_store, "ROWS_IN_MEMORY", limit)
        interrupt_at(patch, 5)
        with pytest.warns(UserWarning, match="interrupted after 160 of 229 futures"):
            part = simulate(CASE, N, rng=7, keep="events", checkpoint=place)
    assert len(part.event_files()) == (0 if limit == 10**6 and not kept else 5)
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 10**6)
    same(part, in_memory(n=160))
    if kept:
        same(in_files(checkpoint=folder), in_memory())


@pytest.mark.parametrize("limit", [10, 10**6])
def test_a_block_that_grows_counts_once_when_interrupted(monkeypatch, files, limit):
    with monkeypatch.context() as patch:
        patch.setattr(event_store, "ROWS_IN_MEMORY", limit)
        interrupt_at(patch, 1, SIZE)
        with pytest.warns(UserWarning, match="interrupted after 40 of 80 futures"):
            part = simulate(CASE, 40, rng=7, keep="events", until=1e-9)
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 10**6)
    same(part, in_memory(n=40))


@pytest.mark.parametrize("after", ["add", "drop"])
def test_control_c_between_two_steps_of_a_block_counts_it_once(monkeypatch, files, after):
    real = getattr(event_store.EventStore, after)

    def interrupted(self, block, n, *args, **kwargs):
        found = real(self, block, n, *args, **kwargs)
        if block == 1 and (after == "drop" or n == SIZE):
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(event_store.EventStore, after, interrupted)
        with pytest.warns(UserWarning, match="interrupted after"):
            part = simulate(CASE, 40, rng=7, keep="events", until=1e-9)
    assert part.n_scenarios == (40 if after == "add" else 64)
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 10**6)
    same(part, in_memory(n=part.n_scenarios))


# --- Beside a checkpoint --------------------------------------------------------------------


@pytest.fixture
def ran(monkeypatch):
    """Numbers of the blocks that were run, not read."""
    numbers, real = [], blocks.run_block
    monkeypatch.setattr(blocks, "run_block", lambda *args: numbers.append(args[1]) or real(*args))
    return numbers


def test_events_lie_beside_the_blocks_and_nowhere_else(folder, arrow, whole, ran):
    outlook = in_files(checkpoint=folder)
    assert outlook.event_files() == tuple(sorted(folder.glob("events-*.parquet")))
    assert len(names(folder)) == 1 + 8 + 8
    with np.load(folder / "block-000003.npz") as held:
        assert len(held["rows.scenario"]) == 0
    ran.clear()
    again = in_files(checkpoint=folder)
    assert ran == []
    same(again, outlook)
    same(again, whole)


def test_a_summary_writes_no_events_beside_its_blocks(folder):
    simulate(CASE, N, rng=7, checkpoint=folder)
    assert not list(folder.glob("events-*"))


def test_a_run_that_is_extended_leaves_the_first_one_its_files(folder, arrow, ran):
    first = in_files(checkpoint=folder)
    kept = first.events()
    ran.clear()
    more = in_files(n=2 * N, checkpoint=folder)
    assert ran == list(range(7, 15))
    same(more, in_memory(n=2 * N))
    pd.testing.assert_frame_equal(first.events(), kept, check_exact=True)
    fewer = in_files(n=100, checkpoint=folder)
    same(fewer, in_memory(n=100))
    assert fewer.event_files()[-1].parent != folder  # it is cut short, and the folder stays as is


def test_doubling_leaves_no_short_blocks_in_the_folder(folder, arrow, monkeypatch):
    monkeypatch.setattr("supplyrisk.engine.run.MOST_SCENARIOS", 160)
    outlook = in_files(n=40, until=1e-9, checkpoint=folder)
    assert sorted(folder.glob("events-*")) == list(outlook.event_files())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_killed_between_events_and_block_goes_on(folder, arrow, monkeypatch, moment, whole):
    in_files(checkpoint=folder, n=7 * SIZE + 2)  # the last block is a short one
    real = checkpoint.Checkpoint.save

    def killed(*args):
        if moment == "after":
            real(*args)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "save", killed)
        with pytest.raises(RuntimeError, match="killed"):
            in_files(checkpoint=folder)
    assert (folder / "events-000007-5.parquet").exists()
    same(in_files(checkpoint=folder), whole)


def test_missing_events_are_run_anew(folder, arrow, whole, ran):
    in_files(checkpoint=folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "events-000003-32.parquet").unlink()
    ran.clear()
    same(in_files(checkpoint=folder), whole)
    assert ran == [3]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_damaged_events_are_refused(folder, arrow, whole):
    in_files(checkpoint=folder)
    path = folder / "events-000003-32.parquet"
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    other = (folder / "events-000002-32.parquet").read_bytes()
    rule = r"checkpoint must be a whole block .* run anew, got '.*events-000003-32\.parquet'"
    for bad in (b"", good[:-1], bytes(flipped), other):
        path.write_bytes(bad)
        with pytest.raises(InvalidInputError, match=rule):
            in_files(checkpoint=folder)
    path.unlink()  # as the message says
    same(in_files(checkpoint=folder), whole)


# --- Without pyarrow ------------------------------------------------------------------------


@pytest.mark.usefixtures("no_arrow")
def test_without_pyarrow_everything_stays_in_memory_and_one_warning_says_so(monkeypatch):
    kept = in_memory()
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 100)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        outlook = simulate(CASE, N, rng=7, keep="events")
    (warning,) = seen
    assert warning.category is UserWarning
    assert warning.filename == __file__
    with pytest.warns(UserWarning, match=ADVICE):
        same(in_memory(), kept)
    same(outlook, kept)
    assert outlook.event_files() == ()


@pytest.mark.usefixtures("no_arrow")
def test_without_pyarrow_a_small_table_needs_no_warning():
    in_memory()


def test_without_pyarrow_a_checkpoint_holds_events_in_its_blocks(folder, no_arrow, ran, whole):
    first = in_memory(checkpoint=folder)
    assert not list(folder.glob("events-*"))
    ran.clear()
    again = in_memory(checkpoint=folder)
    assert ran == []
    same(again, first)
    same(again, whole)


def test_a_checkpoint_begun_without_pyarrow_goes_on_with_it(folder, monkeypatch, files, ran):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        patch.setattr(event_store, "ROWS_IN_MEMORY", 10**6)
        in_memory(n=100, checkpoint=folder)
        kept = in_memory()
    ran.clear()
    outlook = in_files(checkpoint=folder)
    assert ran == [3, 4, 5, 6, 7]
    same(outlook, kept)
    assert len({path.parent for path in outlook.event_files()}) == 2


def test_a_checkpoint_with_files_says_what_reads_them(folder, monkeypatch, arrow):
    in_files(checkpoint=folder)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pyarrow is needed to read the events in .*kept"):
        in_files(checkpoint=folder)


# --- Larger ---------------------------------------------------------------------------------


@pytest.mark.verification
@pytest.mark.parametrize("basis", ["calendar", "occurrence"])
def test_a_large_table_is_the_same_in_files(monkeypatch, arrow, basis):
    real_blocks(monkeypatch)
    outlook = in_files(n=1_000_000, basis=basis)
    assert outlook.event_files()
    monkeypatch.setattr(event_store, "ROWS_IN_MEMORY", 10**9)
    same(outlook, in_memory(n=1_000_000, basis=basis))


@pytest.mark.verification
def test_runs_killed_at_random_moments_end_with_the_same_files(tmp_path, arrow):
    script = """
import sys, supplyrisk as sr
from supplyrisk.engine import blocks, production, results
for module in (blocks, production, results):
    module.BLOCK_SIZE = 32
case = sr.load_case("walikale-2025")
sr.simulate(case, 2, rng=1)
print("begin", flush=True)
sr.simulate(case, 3_200, rng=7, keep="events", checkpoint=sys.argv[1])
"""
    from supplyrisk.casefile.bundled import load_case  # noqa: PLC0415 - nowhere else here

    case = load_case("walikale-2025")
    kept = in_memory(case, 3_200)
    rng = np.random.default_rng(7)
    for number in range(20):
        place = tmp_path / str(number)
        command = [sys.executable, "-c", script, str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begin\n"
            time.sleep(rng.uniform(0.0, 2.0))
            process.kill()
        same(in_files(case, 3_200, checkpoint=place), kept)
