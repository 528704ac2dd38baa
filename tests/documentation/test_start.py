"""The blocks of docs/start/first-store.md and first-stream.md run, as a reader types them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
from markdown_pages import DOCS, blocks

START = DOCS / "start"


def run_shell(script: str, folder: Path) -> str:
    """Run a block as bash does in a folder, with the interpreter and the package of the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_blocks_of_the_first_store_run_in_order(tmp_path, monkeypatch):
    found = blocks(START / "first-store.md")
    shell = "\n".join(block.text for block in found if block.language == "bash")
    printed = run_shell(shell, tmp_path)
    assert "240" in printed
    assert (tmp_path / "eyes.report.html").is_file()
    [python] = [block.text for block in found if block.language == "python"]
    monkeypatch.chdir(tmp_path)
    exec(compile(python, "first-store.md", "exec"), {"__name__": "__main__"})


@pytest.mark.slow
def test_the_blocks_of_the_first_stream_run_against_its_server(
    eyes_store, tmp_path, monkeypatch, capsys
):
    found = blocks(START / "first-stream.md")
    [server] = [block.text for block in found if block.language == "{code-block} python"]
    [stream] = [block.text for block in found if block.language == "python"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = re.sub(r"^:caption:.*\n", "", server, flags=re.MULTILINE)
    (tmp_path / "serve.py").write_text(code.replace("8080", str(port)))
    shutil.copytree(eyes_store, tmp_path / "eyes.zarr")  # because the server follows no links
    process = subprocess.Popen([sys.executable, "serve.py"], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        wait_for(port)
        exec(compile(stream.replace("8080", str(port)), "first-stream.md", "exec"), {})
    finally:
        process.terminate()
        process.wait(30)
    assert "('eyes_open', 'eyes_closed') 24 256 128.0" in capsys.readouterr().out


def wait_for(port: int) -> None:
    """Wait until a server accepts connections."""
    end = monotonic() + 60
    while monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise TimeoutError(port)


def test_the_version_is_printed(tmp_path):
    [check] = [
        block.text
        for block in blocks(START / "install.md")
        if block.language == "bash" and block.reason is None
    ]
    assert run_shell(check, tmp_path).startswith("bids-dl 0.")
