"""The bridge runs the command line whatever the environment of EEGLAB is, and always answers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bids_dl
from bids_dl.eeglab.bridge import REQUEST, clean_environment

ROOT = Path(bids_dl.__file__).parents[1]
COMMAND = [sys.executable, "-E", "-P", "-m", "bids_dl.eeglab"]
FIELDS = ["counts", "people"]
IS_INSTALLED = (
    subprocess.run(
        [sys.executable, "-E", "-P", "-c", "import bids_dl"], capture_output=True, cwd="/"
    ).returncode
    == 0
)
needs_installation = pytest.mark.skipif(
    not IS_INSTALLED, reason="needs an installed bids_dl (pip install -e .)"
)


@dataclass(frozen=True)
class BridgeResult:
    """Exit status and output of the bridge, and its answer."""

    status: int
    out: str
    answer: Any


def write_request(folder: Path, answer: Path, *arguments: str, **others: Any) -> Path:
    request = folder / "request.json"
    content = {"arguments": list(arguments), "answer": str(answer), **others}
    request.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return request


@pytest.fixture
def ask(tmp_path) -> Callable[..., BridgeResult]:
    """Function that runs the bridge in a process of its own."""

    def run(*arguments: str, env: dict[str, str] | None = None, **others: Any) -> BridgeResult:
        answer = Path(others.pop("answer", tmp_path / "answer.json"))
        request = write_request(tmp_path, answer, *arguments, **others)
        done = subprocess.run(
            COMMAND,
            env={**os.environ, REQUEST: str(request), **(env or {})},
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
        )
        assert "Traceback" not in done.stderr + done.stdout
        content = json.loads(answer.read_text()) if answer.is_file() else None
        return BridgeResult(done.returncode, done.stdout, content)

    return run


@pytest.mark.slow
@needs_installation
@pytest.mark.parametrize("name", ["it's é à", 'a "b" $HOME;c&d %PATH%'])
def test_any_path_and_any_label_pass_as_they_are(ask, eegbci, tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(eegbci / "sub-001", folder / "sub-001")
    for file in eegbci.glob("*.*"):
        shutil.copy(file, folder)
    config = {"hed": [f"{name}=Eyes-closed"], "window": 2, "min_duration": 1e-05}
    answer = folder / "answers" / "a.json"
    result = ask("events", str(folder), "--json", config=config, answer=answer, fields=FIELDS)
    assert (result.status, result.answer["status"]) == (0, 0), result.answer
    counts = {"label": name, "recordings": 1, "events": 1, "windows": 30, "open": 0}
    assert result.answer["output"]["counts"] == [counts]
    assert list(result.answer["output"]) == FIELDS
    assert result.answer["text"] == ""


@needs_installation
def test_a_wrong_request_has_status_2_and_its_message_in_the_answer(ask):
    result = ask("events", "a", "--json", config={"hed": "Eyes-shut", "windw": 2})
    assert (result.status, result.answer["status"]) == (0, 2)
    assert result.answer["output"] == ""
    [message] = result.answer["messages"]
    assert message.startswith("error: ")
    assert "windw" in message
    assert message in result.out


@needs_installation
def test_output_that_is_no_json_is_text(ask):
    result = ask("--version")
    assert result.answer["output"] == ""
    assert result.answer["text"] == f"bids-dl {bids_dl.__version__}\n"


@needs_installation
def test_foreign_libraries_and_pythons_of_the_environment_do_no_harm(ask, tmp_path, eyes_store):
    libraries = tmp_path / "matlab"
    libraries.mkdir()
    for name in ("libstdc++.so.6", "libgcc_s.so.1", "libz.so.1"):
        (libraries / name).write_bytes(b"not a library")
    (tmp_path / "numpy.py").write_text("raise ImportError('a file of the user')")
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "typer.py").write_text("raise ImportError('of another Python')")
    foreign = {
        "LD_LIBRARY_PATH": str(libraries),
        "PYTHONPATH": str(modules),
        "PYTHONHOME": str(tmp_path),
    }
    direct = subprocess.run(
        [sys.executable, "-E", "-P", "-c", "import numpy"],
        env={**os.environ, **foreign},
        capture_output=True,
    )
    result = ask("info", str(eyes_store), "--json", env=foreign)
    assert result.answer["status"] == 0, result.answer
    assert result.answer["output"]["shape"] == [240, 24, 256]
    if sys.platform == "linux":
        assert direct.returncode != 0  # the libraries do harm to others


def test_an_environment_keeps_what_is_not_foreign():
    environment = {"HOME": "h", "PATH": "p", "DYLD_LIBRARY_PATH": "m", "LD_PRELOAD": "x"}
    cleaned = clean_environment(environment)
    assert (cleaned["HOME"], cleaned["PATH"]) == ("h", "p")
    assert not {name for name in cleaned if name.startswith(("DYLD_", "LD_"))}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("{", "not JSON"),
        ("[]", "expected a JSON object, found list"),
        ('{"arguments": ["events"]}', "give the path of the answer file"),
        ('{"arguments": [], "answer": "a"}', "give the name of a command"),
        ('{"arguments": [1], "answer": "a"}', "give a list of texts"),
        ('{"arguments": "info", "answer": "a", "config": [1]}', "give an object of options"),
        ('{"arguments": "--version", "answer": "/dev/null/a/b.json"}', "cannot be written"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_in_one_line(tmp_path, content, message):
    request = tmp_path / "request.json"
    if content is not None:
        request.write_text(content)
    done = subprocess.run(
        COMMAND,
        env={**os.environ, REQUEST: str(request)},
        capture_output=True,
        text=True,
        cwd=ROOT if not IS_INSTALLED else tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr == ""
    [line] = done.stdout.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_bridge_without_a_request_says_so():
    env = {name: value for name, value in os.environ.items() if name != REQUEST}
    done = subprocess.run(COMMAND, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    assert "BIDS_DL_REQUEST is not set" in done.stdout


def children_of(pid: int) -> list[int]:
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def start_and_find_child(folder: Path, answer: Path, *arguments: str) -> tuple[Any, int]:
    """Start the bridge, and return it with the command line that it has started."""
    request = write_request(folder, answer, *arguments)
    bridge = subprocess.Popen(
        COMMAND,
        env={**os.environ, REQUEST: str(request)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (found := children_of(bridge.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return bridge, found[0]


@pytest.fixture
def silent_server() -> Any:
    """Server that never answers, so that a command waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.fixture
def waiting_address(silent_server) -> str:
    return f"http://127.0.0.1:{silent_server.getsockname()[1]}/a.zarr"


@needs_installation
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_killed_command_is_answered_with_its_signal(tmp_path, waiting_address):
    answer = tmp_path / "a.json"
    bridge, child = start_and_find_child(tmp_path, answer, "info", waiting_address)
    os.kill(child, signal.SIGKILL)
    assert bridge.wait(timeout=30) == 0
    content = json.loads(answer.read_text())
    assert content["status"] == 137
    assert "ended by SIGKILL" in content["messages"][-1]


@needs_installation
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("is_group", [True, False])
def test_ctrl_c_ends_the_command_and_is_answered_with_130(
    tmp_path, silent_server, waiting_address, is_group
):
    answer = tmp_path / "a.json"
    bridge, child = start_and_find_child(tmp_path, answer, "info", waiting_address)
    silent_server.accept()  # by then the command handles signals
    if is_group:  # as a terminal does
        os.killpg(bridge.pid, signal.SIGINT)
    else:
        bridge.send_signal(signal.SIGINT)
    assert bridge.wait(timeout=30) == 0
    content = json.loads(answer.read_text())
    assert content["status"] == 130
    assert content["messages"] == ["error: interrupted"]
    assert not Path(f"/proc/{child}").exists()
