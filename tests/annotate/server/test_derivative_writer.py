"""The derivative beside the page."""

from __future__ import annotations

import asyncio

from annotation_folders import append_answers, write_classes

from bids_dl.annotate.derivative.export import read_classes
from bids_dl.annotate.server.derivative_writer import DerivativeWriter

RECORDING = "sub-01/eeg/sub-01_task-rest"


def test_the_derivative_is_written_on_request_and_at_the_end(tmp_path):
    write_classes(tmp_path)
    append_answers(tmp_path, RECORDING, [(0.0, 1.0, "spike")])
    writer = DerivativeWriter(tmp_path, read_classes(tmp_path), print)
    table = tmp_path / f"{RECORDING}_desc-labels_events.tsv"

    async def request() -> None:
        writer.request()
        for _ in range(500):
            if table.exists():
                return
            await asyncio.sleep(0.01)

    asyncio.run(request())
    assert table.exists()
    append_answers(tmp_path, RECORDING, [(2.0, 1.0, "wave")])
    export = writer.finish()
    assert len(export.items) == 2
    assert table.read_text().count("\n") == 3


def test_without_answers_nothing_is_written(tmp_path):
    assert DerivativeWriter(tmp_path / "labels", (), print).finish() is None
    assert not (tmp_path / "labels").exists()


def test_a_failed_write_is_told_and_ends_nothing(tmp_path):
    append_answers(tmp_path, RECORDING, [(0.0, 1.0, "spike")])
    (tmp_path / "sub-01").write_text("a file in place of the folder")
    messages: list[str] = []
    writer = DerivativeWriter(tmp_path, (), messages.append)

    async def request() -> None:
        writer.request()
        while not messages:
            await asyncio.sleep(0.01)

    asyncio.run(request())
    assert "the derivative was not written" in messages[0]
