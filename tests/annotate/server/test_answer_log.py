"""The log as the server appends to it."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest

from bids_dl.annotate.answers import Journal, read_journal
from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.lines import TIME_PATTERN
from bids_dl.annotate.server.answer_log import AnswerLog, read_clock
from bids_dl.annotate.server.checking.refusals import RefusedError


@pytest.fixture
def log(tmp_path):
    log = AnswerLog(tmp_path)
    yield log
    log.close()


def test_lines_that_are_appended_at_a_time_keep_their_order(log, tmp_path):
    lines = [example_answer(id=str(uuid.uuid4())) for _ in range(50)]

    async def append_all() -> list[bool]:
        return await asyncio.gather(*(log.append(line) for line in lines))

    assert asyncio.run(append_all()) == [True] * 50
    assert [line["id"] for line in read_journal(tmp_path).lines] == [line["id"] for line in lines]


def test_a_line_is_appended_once_whatever_the_server_sets_anew(log, tmp_path):
    line = example_answer()
    again = line | {"time": "2026-02-01T12:00:00.000Z", "round": 7, "ms": 5}
    assert asyncio.run(log.append(line)) is True
    assert asyncio.run(log.append(again)) is False
    assert log.find(line["id"])["round"] == 1
    with pytest.raises(RefusedError, match="the id is that of another answer") as caught:
        asyncio.run(log.append(line | {"label": "wave"}))
    assert caught.value.status == 409
    assert len(read_journal(tmp_path).lines) == 1


def test_what_the_log_does_not_accept_is_refused(log, tmp_path):
    with pytest.raises(RefusedError, match="onset is -1") as caught:
        asyncio.run(log.append(example_answer(onset=-1)))
    assert caught.value.status == 400
    undo = {"version": 1, "kind": "undo", "id": str(uuid.uuid4()), "time": read_clock()}
    undo |= {"annotator": "expert-1", "of": str(uuid.uuid4())}
    with pytest.raises(RefusedError, match="no line of the log") as caught:
        asyncio.run(log.append(undo))
    assert caught.value.status == 409
    assert not (tmp_path / "code" / "answers.jsonl").exists()


def test_the_lines_of_an_earlier_server_are_known(tmp_path):
    Journal(tmp_path).append(example_answer())
    log = AnswerLog(tmp_path)
    assert [line["id"] for line in log.lines] == [example_answer()["id"]]
    assert log.is_repeated(example_answer())
    log.close()


def test_the_clock_is_utc_as_the_log_has_it():
    assert re.match(TIME_PATTERN, read_clock())
