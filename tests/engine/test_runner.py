"""Whoever runs the blocks, the bits are the same; interruption, `until` and progress."""

import pickle
import random
import runpy
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from supplyrisk import metrics
from supplyrisk.engine import blocks, checkpoint, production, results, run
from supplyrisk.engine.book import open_book
from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError

CASE = runpy.run_path(str(Path(__file__).with_name("runner_case.py")))["CASE"]
CALM = CASE.without("hazards.wide")
SIZE = 32
N = 7 * SIZE + 5


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (blocks, production, results):
        monkeypatch.setattr(module, "BLOCK_SIZE", SIZE)
    monkeypatch.setattr(blocks, "N_KEPT", 3 * SIZE + 2)


def bits(outlook):
    """Every array of a result as bytes, with its type and shape."""
    held = checkpoint._arrays(outlook.result)
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in held.items()}


def interrupt_at(monkeypatch, block, *, error=KeyboardInterrupt):
    """Let one block end in an exception; every other runs as ever."""
    real = blocks.run_block

    def run_block(job, number, n):
        if number == block:
            raise error
        return real(job, number, n)

    monkeypatch.setattr(blocks, "run_block", run_block)


def broken(_job, block, _n):
    raise RuntimeError(f"block {block} is broken")


class RandomOrder(Executor):
    """Runs what it was given in random order, each from a copy, as another machine would."""

    def __init__(self, seed):
        self.most, self.given = 0, []
        self.choose = random.Random(seed).randrange  # noqa: S311 - no secret
        self._pending, self._news, self._open = [], threading.Condition(), True
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._news:
            self._pending.append((future, pickle.dumps((fn, args, kwargs))))
            self.given.append(future)
            self.most = max(self.most, sum(not one.done() for one in self.given))
            self._news.notify()
        return future

    def shutdown(self, *_, **__):
        with self._news:
            self._open = False
            self._news.notify()
        self._thread.join()

    def _work(self):
        while True:
            with self._news:
                self._news.wait_for(lambda: self._pending or not self._open)
                if not self._pending:
                    return
            time.sleep(0.002)  # let more come
            with self._news:
                future, sent = self._pending.pop(self.choose(len(self._pending)))
            if future.set_running_or_notify_cancel():
                fn, args, kwargs = pickle.loads(sent)  # noqa: S301 - made above
                try:
                    future.set_result(pickle.loads(pickle.dumps(fn(*args, **kwargs))))  # noqa: S301
                except BaseException as error:  # noqa: BLE001 - as executors do
                    future.set_exception(error)


# --- The same bits --------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("keep", ["summary", "events"])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_threads_give_the_bits_of_a_serial_run(n_threads, keep):
    alone = simulate(CASE, N, rng=7, keep=keep)
    with ThreadPoolExecutor(n_threads) as executor:
        shared = simulate(CASE, N, rng=7, keep=keep, executor=executor)
        assert executor.submit(int, "7").result() == 7  # it was left open
    assert bits(shared) == bits(alone)
    assert shared.provenance == alone.provenance
    for name in ("sites", "steps", "exposures"):
        pd.testing.assert_frame_equal(getattr(shared, name), getattr(alone, name), check_exact=True)
    pd.testing.assert_frame_equal(shared.summary(), alone.summary(), check_exact=True)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_completion_changes_no_bit(seed):
    with RandomOrder(seed) as executor:
        shuffled = simulate(CASE, N, rng=7, executor=executor, keep="events")
    alone = simulate(CASE, N, rng=7, keep="events")
    assert bits(shuffled) == bits(alone)
    pd.testing.assert_frame_equal(shuffled.events(), alone.events(), check_exact=True)


def test_processes_give_the_bits_of_a_serial_run():
    # Three blocks of the real size: a process that was spawned knows no other.
    n = 2 * blocks.BLOCK_SIZE + 100
    alone = simulate(CASE, n, rng=7, keep="events", workers=1)
    spawned = simulate(CASE, n, rng=7, keep="events", workers=2)
    assert bits(spawned) == bits(alone)
    pd.testing.assert_frame_equal(spawned.summary(), alone.summary(), check_exact=True)
    pd.testing.assert_frame_equal(spawned.events(), alone.events(), check_exact=True)


def test_one_worker_starts_no_process(monkeypatch):
    monkeypatch.setattr(blocks, "ProcessPoolExecutor", None)
    simulate(CASE, 10, rng=7, workers=1)


@pytest.mark.usefixtures("small_blocks")
def test_no_more_than_so_many_blocks_are_in_flight(monkeypatch):
    monkeypatch.setattr(blocks, "_IN_FLIGHT", 3)
    with RandomOrder(1) as executor:
        outlook = simulate(CASE, 20 * SIZE, rng=7, executor=executor)
    assert len(executor.given) == 20
    assert executor.most == 3
    assert bits(outlook) == bits(simulate(CASE, 20 * SIZE, rng=7))


@pytest.mark.usefixtures("small_blocks")
def test_blocks_beyond_the_kept_paths_hold_none_of_them():
    # A view of no rows would keep all the rows alive that it was cut from.
    book = open_book(simulate(CASE, 2, rng=7).plan, 7)
    job = blocks.Job(book, "calendar", {}, with_events=False)
    late, cut = (blocks.run_block(job, block, SIZE).supply_t for block in (5, 3))
    assert late.shape[0] == 0
    assert cut.shape[0] == 2
    assert late.base is None
    assert cut.base is None


# --- A block that fails ---------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [None, 1, 2])
def test_an_error_reaches_the_caller_and_stops_the_rest(threads, monkeypatch, tmp_path):
    alone = simulate(CASE, N, rng=7)
    given = []
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3, error=RuntimeError("block 3 is broken"))
        with ThreadPoolExecutor(threads or 1) as pool:
            real = pool.submit
            pool.submit = lambda *args: given.append(real(*args)) or given[-1]
            executor = None if threads is None else pool
            with pytest.raises(RuntimeError, match="block 3 is broken"):
                simulate(CASE, N, rng=7, executor=executor, checkpoint=tmp_path / "kept")
    assert all(future.done() for future in given)
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert "simulation.json" in kept
    assert "block-000003.npz" not in kept
    if threads is None:
        assert kept[:-1] == [f"block-{block:06d}.npz" for block in range(3)]
    assert bits(simulate(CASE, N, rng=7, checkpoint=tmp_path / "kept")) == bits(alone)


@pytest.mark.usefixtures("small_blocks")
def test_futures_that_wait_are_cancelled(monkeypatch):
    monkeypatch.setattr(blocks, "run_block", broken)
    with RandomOrder(1) as executor:
        executor.choose = lambda _: 0  # block 0 first
        with pytest.raises(RuntimeError, match="block 0 is broken"):
            simulate(CASE, 30 * SIZE, rng=7, executor=executor)
    assert sum(future.cancelled() for future in executor.given) > 20


@pytest.mark.usefixtures("small_blocks")
def test_a_checkpoint_that_cannot_be_written_stops_the_rest(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.Checkpoint, "save", full)
    with RandomOrder(1) as executor:
        with pytest.raises(OSError, match="No space left") as caught:
            simulate(CASE, 30 * SIZE, rng=7, executor=executor, checkpoint=tmp_path / "kept")
        # Although the traceback, which a notebook keeps, still holds the frames.
        assert caught.tb is not None
        assert sum(future.cancelled() for future in executor.given) > 20


def test_an_executor_that_is_shut_says_so():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        simulate(CASE, 10, rng=7, executor=executor)


# --- Until the error is small enough --------------------------------------------------------


def stated_error(outlook):
    tail = metrics.tail_value_at_risk(outlook.lost_t, level=0.95)
    ends = metrics.tail_value_at_risk_interval(outlook.lost_t, level=0.95)
    return 0.5 * (ends.high - ends.low) / tail


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("workers", [None, 2])
def test_futures_are_doubled_until_the_error_is_small_enough(workers):
    target = 0.9 * stated_error(simulate(CASE, 200, rng=7))
    with ThreadPoolExecutor(2) as executor:
        outlook = simulate(CASE, 200, rng=7, until=target, executor=workers and executor)
    assert outlook.n_scenarios == outlook.provenance.n_scenarios > 200
    assert np.log2(outlook.n_scenarios / 200) % 1 == 0
    assert stated_error(outlook) <= target
    assert stated_error(simulate(CASE, outlook.n_scenarios // 2, rng=7)) > target
    assert bits(outlook) == bits(simulate(CASE, outlook.n_scenarios, rng=7))


@pytest.mark.usefixtures("small_blocks")
def test_no_more_is_simulated_than_the_error_asks_for():
    assert simulate(CASE, 200, rng=7, until=10.0).n_scenarios == 200


@pytest.mark.usefixtures("small_blocks")
def test_there_is_an_end_to_doubling(monkeypatch):
    monkeypatch.setattr(run, "MOST_SCENARIOS", 500)
    outlook = simulate(CASE, 100, rng=7, until=1e-9)
    assert outlook.n_scenarios == 500
    assert bits(outlook) == bits(simulate(CASE, 500, rng=7))


def test_where_nothing_is_lost_there_is_no_error():
    outlook = simulate(CALM, 100, rng=7, until=1e-9)
    assert outlook.n_scenarios == 100
    assert (outlook.lost_t == 0.0).all()


@pytest.mark.usefixtures("small_blocks")
def test_the_workers_of_one_simulation_are_started_once(monkeypatch):
    started = []

    def pool(*args, **kwargs):
        started.append(args)
        return ThreadPoolExecutor(2)

    monkeypatch.setattr(blocks, "ProcessPoolExecutor", pool)
    monkeypatch.setattr(run, "MOST_SCENARIOS", 800)
    simulate(CASE, 100, rng=7, until=1e-9, workers=2)
    assert started == [(2,)]


# --- Interruption ---------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("threads", [None, 1])
@pytest.mark.parametrize("block", [1, 4, 7])
def test_an_interruption_leaves_the_futures_so_far(block, threads, monkeypatch):
    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
        interrupt_at(patch, block)
        with pytest.warns(UserWarning, match=rf"^interrupted after \d+ of {N} futures$"):
            outlook = simulate(CASE, N, rng=7, keep="events", executor=threads and pool)
    n = outlook.n_scenarios
    assert n == outlook.provenance.n_scenarios
    assert n == block * SIZE
    assert f"{n:,} futures" in repr(outlook)
    whole = simulate(CASE, n, rng=7, keep="events")
    assert bits(outlook) == bits(whole)
    pd.testing.assert_frame_equal(outlook.events(), whole.events())


@pytest.mark.usefixtures("small_blocks")
def test_blocks_behind_one_that_is_missing_do_not_count(monkeypatch):
    real = blocks.run_block

    def run_block(job, number, n):
        if number == 2:
            time.sleep(0.5)
            raise KeyboardInterrupt
        return real(job, number, n)

    with monkeypatch.context() as patch, ThreadPoolExecutor(3) as executor:
        patch.setattr(blocks, "run_block", run_block)
        with pytest.warns(UserWarning, match="interrupted after 64 of 229 futures"):
            outlook = simulate(CASE, N, rng=7, executor=executor)
    assert bits(outlook) == bits(simulate(CASE, 2 * SIZE, rng=7))


@pytest.mark.usefixtures("small_blocks")
def test_an_interruption_before_the_first_block_is_raised(monkeypatch):
    interrupt_at(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        simulate(CASE, N, rng=7)


@pytest.mark.usefixtures("small_blocks")
def test_an_interruption_while_doubling_says_so_and_keeps_what_was_whole(monkeypatch):
    # 40 futures are a block and a part of one; the part counts until the whole replaces it.
    with monkeypatch.context() as patch:
        real = blocks.run_block

        def run_block(job, number, n):
            if (number, n) == (1, SIZE):
                raise KeyboardInterrupt
            return real(job, number, n)

        patch.setattr(blocks, "run_block", run_block)
        with pytest.warns(UserWarning, match="interrupted after 40 of 80 futures"):
            outlook = simulate(CASE, 40, rng=7, until=1e-9)
    assert bits(outlook) == bits(simulate(CASE, 40, rng=7))


@pytest.mark.usefixtures("small_blocks")
def test_what_was_interrupted_is_resumed(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 4)
        with pytest.warns(UserWarning, match="interrupted after 128"):
            part = simulate(CASE, N, checkpoint=tmp_path / "kept")
    seed, ran = part.provenance.seed, []
    real = blocks.run_block
    monkeypatch.setattr(blocks, "run_block", lambda *args: ran.append(args[1]) or real(*args))
    whole = simulate(CASE, N, checkpoint=tmp_path / "kept")  # no seed: that of the folder
    assert whole.provenance.seed == seed
    assert ran == [4, 5, 6, 7]
    assert bits(whole) == bits(simulate(CASE, N, rng=seed))


# --- Progress -------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
def test_nothing_is_shown_unless_somebody_looks(capfd):
    simulate(CASE, N, rng=7)
    simulate(CASE, N, rng=7, progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("small_blocks")
def test_progress_is_shown_where_it_is_asked_for(capsys, monkeypatch, tmp_path):
    simulate(CASE, 2 * SIZE, rng=7, checkpoint=tmp_path / "kept")
    capsys.readouterr()
    simulate(CASE, 8 * SIZE, rng=7, progress=True, checkpoint=tmp_path / "kept")
    out, err = capsys.readouterr()
    assert out == ""
    assert "25%" in err  # what lay in the checkpoint
    assert "100%" in err
    assert " futures/s]" in err


@pytest.mark.usefixtures("small_blocks")
def test_a_terminal_is_shown_only_what_takes_long(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    simulate(CASE, N, rng=7)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(run, "_QUIET_SECONDS", 0.0)
    simulate(CASE, N, rng=7)
    assert "100%" in capsys.readouterr().err
    simulate(CASE, N, rng=7, progress=False)
    assert capsys.readouterr().err == ""


def test_a_notebook_looks_on_although_its_streams_are_no_terminal(monkeypatch):
    class Shell:
        config = {"IPKernelApp": {}}  # noqa: RUF012 - a stand-in

    class Module:
        get_ipython = Shell

    assert not run._is_watched()
    monkeypatch.setitem(sys.modules, "IPython", Module)
    assert run._is_watched()
    monkeypatch.setattr(Shell, "config", {"TerminalIPythonApp": {}})
    assert not run._is_watched()
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    assert not run._is_watched()


def python(script, *args, cwd, **more):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        **more,
    )


def test_a_pipe_is_shown_nothing_and_tqdm_is_not_even_loaded(tmp_path):
    script = """
import sys, threading
import supplyrisk as sr
assert "tqdm" not in sys.modules
sr.simulate(sr.load_case("walikale-2025"), 20, rng=7)
assert "tqdm" not in sys.modules
assert threading.active_count() == 1
"""
    done = python(script, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "")


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2", float("nan")])
def test_workers_are_checked(workers):
    with pytest.raises(InvalidInputError, match=r"workers must be a whole number >= 1, got"):
        simulate(CASE, 10, rng=7, workers=workers)


def test_there_is_a_limit_to_workers():
    with pytest.raises(InvalidInputError, match="workers must be a finite number <= 1024"):
        simulate(CASE, 10, rng=7, workers=5000)


@pytest.mark.parametrize("executor", ["threads", 4, object(), ThreadPoolExecutor])
def test_the_executor_is_checked(executor):
    with pytest.raises(InvalidInputError, match=r"executor must be .*Client.get_executor"):
        simulate(CASE, 10, rng=7, executor=executor)


def test_workers_and_executor_exclude_each_other():
    rule = "workers must be left out where an executor is given, got 2"
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InvalidInputError, match=rule),
    ):
        simulate(CASE, 10, rng=7, executor=executor, workers=2)


@pytest.mark.parametrize("until", [0.0, -0.1, float("nan"), float("inf"), "1 %", True])
def test_until_is_checked(until):
    with pytest.raises(InvalidInputError, match=r"until must be a finite number > 0, got"):
        simulate(CASE, 10, rng=7, until=until)


@pytest.mark.parametrize("progress", ["yes", 1, 0.5])
def test_progress_is_checked(progress):
    with pytest.raises(InvalidInputError, match="progress must be true or false, got"):
        simulate(CASE, 10, rng=7, progress=progress)


@pytest.mark.parametrize("folder", [5, True, b"here", ["here"]])
def test_the_path_of_a_checkpoint_is_checked(folder):
    with pytest.raises(InvalidInputError, match="checkpoint must be the path of a folder, got"):
        simulate(CASE, 10, rng=7, checkpoint=folder)


@pytest.mark.parametrize("n", [10_000_001, 10**30])
def test_there_is_a_limit_to_scenarios(n):
    with pytest.raises(InvalidInputError, match=r"n_scenarios must be a finite number <= 1e\+07"):
        simulate(CASE, n, rng=7)
