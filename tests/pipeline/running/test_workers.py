"""Worker processes of a conversion."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conversions import convert

from bids_dl.config.stages import PipelineConfig
from bids_dl.errors import ConfigError
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.running import workers


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("nonsense", "expected an address such as tcp://host:8786, or synchronous"),
        ("127.0.0.1:9", "no Dask scheduler answers there"),
    ],
)
def test_a_scheduler_that_does_not_exist_is_refused(
    eegbci, tmp_path, monkeypatch, scheduler, message
):
    monkeypatch.setattr(workers, "CONNECT_TIMEOUT", "1s")
    with pytest.raises(ConfigError, match=message):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"], scheduler=scheduler)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once(eegbci, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import bids_dl\n"
        "print('begins')\n"
        f"outcome = bids_dl.convert({str(eegbci)!r}, 'a.zarr', hed='Eyes-closed', window=2, "
        "subject='001', jobs=1)\n"
        "print(outcome.n_windows)\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["begins", "30"]


STRANGER = """
import asyncio, contextlib, logging, os, pathlib, sys
import tornado.platform.asyncio  # now: the other user may not read the environment's files
from distributed import Security
from distributed.comm import connect
logging.disable()
keys = Security.temporary().get_connection_args("client")
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
    for path in sys.argv[1].split():
        with contextlib.suppress(PermissionError):
            pathlib.Path(path).read_bytes()
            print("can read", path)

async def ask(address, options):
    comm = await connect(address, timeout=2, **options)
    await comm.write({"op": "identity", "reply": True})
    return await comm.read()

async def try_to_enter(port):
    for protocol, options in (("tcp", {}), ("tls", keys)):
        address = f"{protocol}://127.0.0.1:{port}"
        try:
            answer = await asyncio.wait_for(ask(address, options), 3)
            print("enters", address, answer)
        except (OSError, TimeoutError):
            print("refused")

async def main():
    await asyncio.gather(*map(try_to_enter, sys.argv[2].split()))

asyncio.run(main())
sys.stdout.flush()
os._exit(0)
"""


def listening_ports() -> list[int]:
    """Ports at which this process and those it started listen."""
    own = psutil.Process()
    ports = set()
    for process in (own, *own.children(recursive=True)):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                ports.add(connection.laddr.port)
    return sorted(ports)


@pytest.mark.slow
def test_another_user_cannot_run_code_in_the_local_workers(tmp_path):
    before = listening_ports()
    with workers.start_workers(PipelineConfig(jobs=1), n_tasks=1) as pool:
        ports = [port for port in listening_ports() if port not in before]
        security = pool.client.security
        keys = [security.tls_ca_file, security.tls_client_key]
        assert len(ports) >= 3  # scheduler, nanny, worker
        command = [sys.executable, "-c", STRANGER, " ".join(keys), " ".join(map(str, ports))]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert pool.client.submit(len, "abc").result() == 3  # the owner can
    assert done.stdout.split("\n") == ["refused"] * (2 * len(ports)) + [""]
    for path in keys:
        assert not Path(path).exists()


def test_no_more_processes_are_started_than_tasks(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 5_000)
    with workers.start_workers(PipelineConfig(jobs=4), n_tasks=1) as pool:
        assert pool.count_workers() == 1
        assert len(pool.client.nthreads()) == 1
        assert (pool.total_memory, pool.memory_per_recording) == (5_000, 5_000)
        assert pool.limit_memory


def kill_first_worker(stop):
    """Kill the first worker process as soon as it exists."""
    while not stop.is_set():
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    return
        time.sleep(0.01)


@pytest.mark.slow
def test_a_worker_that_dies_while_it_starts_is_started_again():
    stop = threading.Event()
    killer = threading.Thread(target=kill_first_worker, args=(stop,))
    killer.start()
    try:
        with workers.start_workers(PipelineConfig(jobs=1), n_tasks=1) as pool:
            assert pool.client.submit(abs, -1).result(timeout=30) == 1
    finally:
        stop.set()
        killer.join()


@pytest.mark.slow
def test_workers_leave_nothing_in_the_temporary_folder_even_if_they_are_killed(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with workers.start_workers(PipelineConfig(jobs=1), n_tasks=1) as pool:
        [folder] = pool.client.run(tempfile.mkdtemp).values()
        assert Path(folder).is_relative_to(tmp_path)
        for child in psutil.Process().children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
    assert list(tmp_path.iterdir()) == []
