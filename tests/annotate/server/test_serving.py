"""The server as a whole: connections that never become a request."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest
from labelling_server import served_page, write_classes_file

from bids_dl.annotate.server import serving


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nX: a\r\n"])
def test_a_connection_that_never_asks_is_closed_and_blocks_nobody(
    pool, tmp_path, monkeypatch, sent
):
    monkeypatch.setattr(serving, "IDLE_SECONDS", 2.0)
    classes = write_classes_file(tmp_path / "classes.yaml")
    with (
        served_page(pool, tmp_path / "labels", classes=classes) as page,
        socket.create_connection(("127.0.0.1", page.server.port), timeout=60) as idle,
    ):
        idle.sendall(sent)
        assert page.client.get("/api/session").status == 200
        assert idle.recv(1000) == b""


def test_open_connections_do_not_delay_the_end(pool, tmp_path):
    classes = write_classes_file(tmp_path / "classes.yaml")
    with served_page(pool, tmp_path / "labels", classes=classes) as page:
        address = ("127.0.0.1", page.server.port)
        idle = [socket.create_connection(address, timeout=60) for _ in range(50)]
        for each in idle:
            each.sendall(b"GET / HTTP/1.1\r\nX: a\r\n")
        begun = time.monotonic()
        page.server.__exit__(None, None, None)
        assert time.monotonic() - begun < 5 * serving.SHUTDOWN_SECONDS + 10
        for each in idle:
            each.close()


def test_after_an_interruption_the_end_waits_for_the_server(pool, tmp_path, monkeypatch):
    ended: list[str] = []
    classes = write_classes_file(tmp_path / "classes.yaml")
    with served_page(pool, tmp_path / "labels", classes=classes) as page:
        stop = type(page.labelling).stop

        async def stop_slowly(labelling) -> None:
            await stop(labelling)
            time.sleep(0.5)
            ended.append("server")

        monkeypatch.setattr(type(page.labelling), "stop", stop_slowly)
        interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            page.server.wait()
        page.server.__exit__(None, None, None)
        ended.append("caller")
    assert ended == ["server", "caller"]
