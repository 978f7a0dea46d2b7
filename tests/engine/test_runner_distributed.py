"""The same call on a Dask cluster, here of two processes on this machine; needs [distributed]."""

import pytest

from supplyrisk.casefile.bundled import load_case
from supplyrisk.engine import checkpoint
from supplyrisk.engine.run import simulate
from supplyrisk.engine.streams import BLOCK_SIZE

pytestmark = [
    pytest.mark.verification,
    # Of Dask and what it stands on, not ours.
    pytest.mark.filterwarnings("default"),
]
distributed = pytest.importorskip("distributed", reason="needs supplyrisk[distributed]")

CASE = load_case("walikale-2025")
N = 5 * BLOCK_SIZE + 100


def bits(outlook):
    """Every array of a result as bytes, with its type and shape."""
    held = checkpoint._arrays(outlook.result)
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in held.items()}


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def alone():
    return simulate(CASE, N, rng=7, keep="events")


def test_dask_gives_the_bits_of_a_serial_run(client, alone):
    executor = client.get_executor()
    outlook = simulate(CASE, N, rng=7, keep="events", executor=executor)
    assert bits(outlook) == bits(alone)
    assert outlook.provenance == alone.provenance
    assert executor.submit(int, "7").result() == 7  # it was left open


def test_dask_finishes_what_was_begun_without_it(client, alone, tmp_path):
    simulate(CASE, 2_500, rng=7, keep="events", checkpoint=tmp_path)
    outlook = simulate(CASE, N, keep="events", checkpoint=tmp_path, executor=client.get_executor())
    assert bits(outlook) == bits(alone)


def test_dask_doubles_until_the_error_is_small_enough(client):
    outlook = simulate(CASE, 2_000, rng=7, until=0.012, executor=client.get_executor())
    assert outlook.n_scenarios > 2_000
    assert bits(outlook) == bits(simulate(CASE, outlook.n_scenarios, rng=7))


def test_a_block_that_fails_on_a_worker_reaches_the_caller(client, monkeypatch, tmp_path):
    monkeypatch.setattr("supplyrisk.engine.blocks.run_block", fails_at_three)
    with pytest.raises(RuntimeError, match="block 3 is broken"):
        simulate(CASE, N, rng=7, checkpoint=tmp_path, executor=client.get_executor())
    assert not (tmp_path / "block-000003.npz").exists()


def fails_at_three(job, block, n):
    from supplyrisk.engine import blocks  # noqa: PLC0415 - that of the worker

    if block == 3:
        raise RuntimeError("block 3 is broken")
    return blocks.run_block(job, block, n)
