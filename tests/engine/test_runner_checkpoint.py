"""A run that was killed goes on where it stood, and ends with the same bits."""

import json
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.casefile.bundled import load_case
from supplyrisk.casefile.write import save_case
from supplyrisk.engine import blocks, checkpoint, production, results
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case

CASE = runpy.run_path(str(Path(__file__).with_name("runner_case.py")))["CASE"]
SIZE = 32
N = 7 * SIZE + 5
N_KILLED = 60 * SIZE
# A run with small blocks in an interpreter of its own; it says when the simulation begins.
RUN = f"""
import sys
from pathlib import Path
import supplyrisk as sr
from supplyrisk.engine import blocks, production, results
for module in (blocks, production, results):
    module.BLOCK_SIZE = {SIZE}
blocks.N_KEPT = {3 * SIZE + 2}
case = sr.load_case(Path(sys.argv[1]))
sr.simulate(case, 2, rng=1)
print("begin", flush=True)
sr.simulate(case, {N_KILLED}, rng=7, keep="events", checkpoint=sys.argv[2])
print("end", flush=True)
"""


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (blocks, production, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", SIZE)
    monkeypatch.setattr(blocks, "N_KEPT", 3 * SIZE + 2)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept" / "here"


@pytest.fixture
def ran(monkeypatch):
    """Numbers of the blocks that were run, not read."""
    numbers, real = [], blocks.run_block
    monkeypatch.setattr(blocks, "run_block", lambda *args: numbers.append(args[1]) or real(*args))
    return numbers


def bits(outlook):
    """Every array of a result as bytes, with its type and shape."""
    held = checkpoint._arrays(outlook.result)
    if outlook.has_events:
        rows = outlook.event_table.rows()
        held |= {f"rows.{name}": getattr(rows, name) for name in rows.__slots__}
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in held.items()}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- Killed ---------------------------------------------------------------------------------


def killed_after(seconds, case, folder):
    """Kill a run so long after it began; return how many blocks it left."""
    command = [sys.executable, "-c", RUN, str(case), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begin\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return len(list(folder.glob("block-*.npz"))) if folder.exists() else 0


def kill_and_resume(n_times, folder):
    """Kill at random moments, each time in a new folder; return the blocks left each time."""
    save_case(CASE, folder / "case.toml")
    began = time.perf_counter()
    whole = bits(simulate(CASE, N_KILLED, rng=7, keep="events", checkpoint=folder / "whole"))
    span = time.perf_counter() - began
    moments = random.Random(7)  # noqa: S311 - no secret
    left = []
    for number in range(n_times):
        place = folder / f"kill-{number}"
        left.append(killed_after(moments.uniform(0.0, 1.2 * span), folder / "case.toml", place))
        assert bits(simulate(CASE, N_KILLED, rng=7, keep="events", checkpoint=place)) == whole
        shutil.rmtree(place)
    return left


@pytest.mark.usefixtures("small_blocks")
def test_a_killed_run_ends_with_the_same_bits(tmp_path):
    kill_and_resume(3, tmp_path)


@pytest.mark.verification
@pytest.mark.usefixtures("small_blocks")
def test_a_run_killed_at_fifty_random_moments_ends_with_the_same_bits(tmp_path):
    left = kill_and_resume(50, tmp_path)
    # The moments were spread over the run.
    assert len({count for count in left if 0 < count < 60}) >= 10


@pytest.mark.usefixtures("small_blocks")
def test_drafts_of_a_killed_run_are_in_nobodys_way(folder):
    folder.mkdir(parents=True)
    (folder / ".simulation.json.abc123").write_text('{"seed"', encoding="utf-8")
    outlook = simulate(CASE, N, rng=7, checkpoint=folder)
    (folder / "block-000002.npz").rename(folder / ".block-000002.npz.x7")
    assert bits(simulate(CASE, N, checkpoint=folder)) == bits(outlook)


INTERRUPTED = """
import signal, sys, warnings
import supplyrisk as sr

def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    case = sr.load_case("walikale-2025")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        print("begin", flush=True)
        outlook = sr.simulate(case, 120_000, rng=7, workers=2, checkpoint=sys.argv[1])
    print(outlook.n_scenarios, *(str(one.message) for one in seen), flush=True)

if __name__ == "__main__":
    main()
"""


def begun(tmp_path, folder):
    """Start a run with two worker processes, and wait for its first blocks."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120.0
    while len(list(folder.glob("block-*.npz"))) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


@pytest.mark.verification
def test_control_c_with_processes_leaves_an_outlook_and_no_noise(tmp_path, folder):
    process = begun(tmp_path, folder)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: all of them
    out, err = process.communicate(timeout=120)
    assert err == ""
    n, warning = out.split("\n")[1].split(" ", 1)
    assert warning == f"interrupted after {int(n):,} of {120_000:,} futures"
    assert int(n) % BLOCK_SIZE == 0
    assert 0 < int(n) < 120_000
    case = load_case("walikale-2025")
    resumed = simulate(case, int(n), checkpoint=folder)
    assert bits(resumed) == bits(simulate(case, int(n), rng=7))


@pytest.mark.verification
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_processes_of_a_killed_run_do_not_stay_behind(tmp_path, folder):
    process = begun(tmp_path, folder)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    process.kill()
    process.communicate(timeout=120)
    deadline = time.monotonic() + 30.0
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # dead, and not yet collected


# --- What is read and what is run -----------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("keep", ["summary", "events"])
def test_a_finished_run_is_read_only(folder, ran, keep):
    first = simulate(CASE, N, rng=7, keep=keep, checkpoint=folder)
    assert ran == list(range(8))
    held = contents(folder)
    again = simulate(CASE, N, rng=7, keep=keep, checkpoint=str(folder))
    assert ran == list(range(8))
    assert bits(again) == bits(first) == bits(simulate(CASE, N, rng=7, keep=keep))
    assert again.provenance == first.provenance
    assert contents(folder) == held
    assert again.has_events == (keep == "events")


@pytest.mark.usefixtures("small_blocks")
def test_a_finished_run_is_extended(folder, ran):
    simulate(CASE, N, rng=7, checkpoint=folder)
    ran.clear()
    more = simulate(CASE, 2 * N, rng=7, checkpoint=folder)
    assert ran == list(range(7, 15))  # the last of the first run was cut short
    assert bits(more) == bits(simulate(CASE, 2 * N, rng=7))
    ran.clear()
    simulate(CASE, 2 * N, rng=7, checkpoint=folder)
    assert ran == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n", [2, SIZE - 1, SIZE, 2 * SIZE + 1, N - 1])
def test_fewer_futures_leave_the_folder_as_it_was(folder, ran, n):
    simulate(CASE, N, rng=7, checkpoint=folder)
    held = contents(folder)
    ran.clear()
    fewer = simulate(CASE, n, rng=7, checkpoint=folder)
    assert len(ran) == (n % SIZE > 0)
    assert contents(folder) == held
    assert bits(fewer) == bits(simulate(CASE, n, rng=7))


@pytest.mark.usefixtures("small_blocks")
def test_doubling_from_fewer_futures_than_there_are_reads_and_runs(folder, ran, monkeypatch):
    simulate(CASE, 40, rng=7, checkpoint=folder)
    monkeypatch.setattr("supplyrisk.engine.run.MOST_SCENARIOS", 96)
    doubled = simulate(CASE, 34, rng=7, checkpoint=folder, until=1e-9)
    assert bits(doubled) == bits(simulate(CASE, 96, rng=7))
    ran.clear()
    simulate(CASE, 96, rng=7, checkpoint=folder)
    assert ran == []


@pytest.mark.usefixtures("small_blocks")
def test_without_a_seed_the_folder_has_one(folder):
    first = simulate(CASE, N, checkpoint=folder)
    seed = json.loads((folder / "simulation.json").read_text(encoding="utf-8"))["seed"]
    assert first.provenance.seed == seed
    again = simulate(CASE, N, checkpoint=folder)
    assert bits(again) == bits(first)
    assert bits(simulate(CASE, N, rng=seed)) == bits(first)


@pytest.mark.usefixtures("small_blocks")
def test_other_workers_may_finish_what_one_began(folder, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - nowhere else here

    simulate(CASE, 3 * SIZE, rng=7, checkpoint=folder)
    with ThreadPoolExecutor(3) as executor:
        outlook = simulate(CASE, N, rng=7, checkpoint=folder, executor=executor)
    assert bits(outlook) == bits(simulate(CASE, N, rng=7))


# --- What is refused ------------------------------------------------------------------------


@pytest.fixture
def finished(folder, small_blocks):
    simulate(CASE, N, rng=7, checkpoint=folder)
    return folder


def refused(match, case=CASE, *, folder, **given):
    held = contents(folder)
    with pytest.raises(InvalidInputError, match=match) as caught:
        simulate(case, N, **{"rng": 7, "checkpoint": folder, **given})
    assert str(folder) in str(caught.value)
    assert contents(folder) == held


def test_another_case_is_refused(finished):
    other = CASE.with_values({"sites.a.utilisation": 0.5})
    rule = "checkpoint case_digest must be that of this simulation, "
    refused(f"{rule}{other.digest}, got '{CASE.digest}'", other, folder=finished)


def test_another_seed_is_refused(finished):
    refused("checkpoint seed must be that of this simulation, 8, got 7", folder=finished, rng=8)


def test_another_keep_is_refused(finished):
    rule = "checkpoint keep must be that of this simulation, events, got 'summary'"
    refused(rule, folder=finished, keep="events")


def test_another_block_size_is_refused(finished, monkeypatch):
    monkeypatch.setattr(results, "BLOCK_SIZE", 64)
    rule = "checkpoint block_size must be that of this simulation, 64, got 32"
    refused(rule, folder=finished)


def test_another_version_is_refused(finished, monkeypatch):
    monkeypatch.setattr(results.platform, "python_version", lambda: "3.99.0")
    rule = r"checkpoint versions must be that of this simulation, .*3\.99\.0.*, got .*'3\."
    refused(rule, folder=finished)


def test_all_that_differs_is_said_at_once(finished):
    other = CASE.with_values({"sites.a.utilisation": 0.5})
    with pytest.raises(InvalidInputError, match="3 faults") as caught:
        simulate(other, N, rng=8, keep="events", checkpoint=finished)
    fields = [fault.field for fault in caught.value.faults]
    assert fields == ["checkpoint case_digest", "checkpoint seed", "checkpoint keep"]


@pytest.mark.parametrize("name", ["notes.txt", "block-000000.npz", ".hidden"])
def test_a_folder_of_something_else_is_refused(folder, name):
    folder.mkdir(parents=True)
    (folder / name).write_text("mine", encoding="utf-8")
    refused("checkpoint must be empty or hold a simulation.json of ours", folder=folder)


def test_a_file_is_no_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"checkpoint must be empty or hold a simulation"):
        simulate(CASE, 10, rng=7, checkpoint=file)
    assert file.read_text(encoding="utf-8") == "mine"


def test_bad_values_leave_no_folder(folder):
    with pytest.raises(InvalidInputError):
        simulate(CASE, 1, rng=7, checkpoint=folder)
    with pytest.raises(ValueError, match="sites must hold at least one site"):
        simulate(Case(name="empty", start=CASE.start), 10, checkpoint=folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', "{}", '{"seed": "7"}', '{"seed": 7.5}', "\x00"]
)
def test_a_damaged_description_is_refused(finished, text):
    (finished / "simulation.json").write_text(text, encoding="utf-8")
    refused("checkpoint must be what a simulation wrote, got", folder=finished)
    refused("checkpoint must be what a simulation wrote, got", folder=finished, rng=None)


def test_a_description_that_is_no_text_is_refused(finished):
    (finished / "simulation.json").write_bytes(b"\xff\xfe\x00")
    refused("checkpoint must be what a simulation wrote, got", folder=finished)


def test_a_description_that_lacks_something_is_refused(finished):
    (finished / "simulation.json").write_text('{"seed": 7}', encoding="utf-8")
    refused("checkpoint case_digest must be that of this simulation, .*, got None", folder=finished)


WHOLE = r"checkpoint must be a whole block of this simulation: .*, got '.*block-000003\.npz'"


@pytest.mark.parametrize("keep", [0, 1, 31, 32, 33, 1000, -33, -1])
def test_a_block_that_was_cut_off_is_refused(finished, keep):
    path = finished / "block-000003.npz"
    path.write_bytes(path.read_bytes()[:keep])
    refused(WHOLE, folder=finished)


def test_a_block_with_a_flipped_bit_is_refused(finished):
    path = finished / "block-000003.npz"
    good = path.read_bytes()
    places = np.random.default_rng(7).integers(len(good), size=12)
    for place in [*places, 0, len(good) - 1]:
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        refused(WHOLE, folder=finished)
    path.unlink()
    assert bits(simulate(CASE, N, rng=7, checkpoint=finished)) == bits(simulate(CASE, N, rng=7))


def test_a_block_under_another_number_is_refused(finished):
    shutil.copy(finished / "block-000002.npz", finished / "block-000003.npz")
    refused(WHOLE, folder=finished)


def test_a_block_of_another_simulation_is_refused(finished, tmp_path):
    simulate(CASE, N, rng=8, checkpoint=tmp_path / "other")
    shutil.copy(tmp_path / "other" / "block-000003.npz", finished)
    refused(WHOLE, folder=finished)


def test_a_block_that_holds_objects_is_never_unpickled(finished):
    path = finished / "block-000003.npz"
    with path.open("wb") as file:
        np.savez(file, lost_t=np.array([Path("x")], dtype=object))
    refused(WHOLE, folder=finished)
