"""The log of answers: nothing that was acknowledged is lost, whatever is killed or torn."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.journal import JOURNAL, Journal, read_journal
from bids_dl.annotate.answers.lines import AnswerError
from bids_dl.errors import ConfigError

WRITER = """
import sys, uuid
from pathlib import Path
from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.journal import Journal

journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    identifier = str(uuid.uuid4())
    assert journal.append(example_answer(id=identifier, annotator=sys.argv[3]))
    print(identifier, flush=True)
"""


def answer(**fields):
    return example_answer(**{"id": str(uuid.uuid4()), **fields})


def start_writer(folder: Path, n_answers: int, annotator: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(n_answers), annotator]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_line_is_read_back_as_it_was_appended(tmp_path):
    line = answer(channels=["A'1", "Fp1"], probabilities={"spike": 0.25}, onset=0.1 + 0.2)
    assert Journal(tmp_path).append(line)
    assert [dict(read) for read in read_journal(tmp_path).lines] == [line]


def test_only_the_owner_may_read_the_log(tmp_path):
    Journal(tmp_path).append(answer())
    assert stat.S_IMODE((tmp_path / JOURNAL).stat().st_mode) == 0o600


def test_every_acknowledged_answer_survives_a_kill(tmp_path):
    process = start_writer(tmp_path, 200, "expert-1")
    acknowledged = [process.stdout.readline().strip() for _ in range(80)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.read().split()
    process.wait()
    content = read_journal(tmp_path)
    assert 80 <= len(acknowledged) < 200
    assert set(acknowledged) <= {line["id"] for line in content.lines}
    assert Journal(tmp_path).append(answer())


def test_four_processes_at_once_lose_nothing(tmp_path):
    processes = [start_writer(tmp_path, 50, f"expert-{number}") for number in range(4)]
    acknowledged = set()
    for process in processes:
        acknowledged.update(process.communicate()[0].split())
        assert process.returncode == 0
    content = read_journal(tmp_path)
    assert len(acknowledged) == 200
    assert {line["id"] for line in content.lines} == acknowledged
    assert content.problems == ()


def test_a_torn_line_is_kept_reported_and_ended_before_the_next(tmp_path):
    journal = Journal(tmp_path)
    first, second = answer(), answer()
    journal.append(first)
    with journal.path.open("ab") as file:
        file.write(b'{"version":1,"kind":"ans')
    assert [line["id"] for line in read_journal(tmp_path).lines] == [first["id"]]
    assert "line 2 is ignored" in read_journal(tmp_path).problems[0]
    assert journal.append(second)
    content = read_journal(tmp_path)
    assert [line["id"] for line in content.lines] == [first["id"], second["id"]]
    assert len(content.problems) == 1
    assert b'{"version":1,"kind":"ans\n' in journal.path.read_bytes()


def test_a_whole_line_without_its_line_feed_counts_and_is_not_written_twice(tmp_path):
    journal = Journal(tmp_path)
    line = answer()
    journal.path.write_text(json.dumps(line))
    assert not journal.append(line)
    assert read_journal(tmp_path).problems == ()
    assert len(read_journal(tmp_path).lines) == 1


@pytest.mark.parametrize("content", [None, b"", b"{}\n"])
def test_a_log_that_another_program_removed_or_shortened_takes_no_more_lines(tmp_path, content):
    journal = Journal(tmp_path)
    first = answer()
    journal.append(first)
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).unlink()
    if content is not None:
        (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(ConfigError, match=r"No such file|\d bytes, \d+ before"):
        journal.append(answer())
    assert (tmp_path / JOURNAL).exists() == (content is not None)
    (tmp_path / JOURNAL).write_bytes(whole)  # put back
    assert journal.append(answer())
    assert len(read_journal(tmp_path).lines) == 2


@pytest.mark.parametrize("content", [None, b"precious"])
def test_a_log_that_is_a_link_is_not_followed(tmp_path, content):
    target = tmp_path / "target"
    if content is not None:
        target.write_bytes(content)
    log = tmp_path / "labels" / JOURNAL
    log.parent.mkdir(parents=True)
    log.symlink_to(target)
    for use in (read_journal, lambda folder: Journal(folder).append(answer())):
        with pytest.raises(ConfigError, match="it is a link, replace it by the file"):
            use(tmp_path / "labels")
    assert (target.read_bytes() if target.exists() else None) == content


def test_the_same_line_again_changes_nothing(tmp_path):
    line = answer()
    assert Journal(tmp_path).append(line)
    before = (tmp_path / JOURNAL).read_bytes()
    assert not Journal(tmp_path).append(line)
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_an_id_cannot_be_that_of_another_line(tmp_path):
    journal = Journal(tmp_path)
    line = answer()
    journal.append(line)
    with pytest.raises(AnswerError, match="is that of another line"):
        journal.append({**line, "label": "background"})


def test_a_clock_that_is_set_back_does_not_reorder_the_lines(tmp_path):
    journal = Journal(tmp_path)
    lines = [answer(time="2026-05-01T12:00:00Z"), answer(time="2026-04-01T12:00:00Z")]
    for line in lines:
        journal.append(line)
    assert [line["id"] for line in read_journal(tmp_path).lines] == [line["id"] for line in lines]


def test_an_undo_names_a_line_of_the_same_annotator(tmp_path):
    journal = Journal(tmp_path)
    line = answer()
    undo = {
        "version": 1,
        "kind": "undo",
        "id": str(uuid.uuid4()),
        "time": line["time"],
        "annotator": line["annotator"],
        "of": line["id"],
    }
    with pytest.raises(AnswerError, match="is no line of the log"):
        journal.append(undo)
    journal.append(line)
    with pytest.raises(AnswerError, match="expert-2 cannot undo a line of expert-1"):
        journal.append({**undo, "annotator": "expert-2"})
    assert journal.append(undo)
    change = {**undo, "kind": "change", "id": str(uuid.uuid4()), "of": undo["id"], "label": "wave"}
    with pytest.raises(AnswerError, match="which is an undo and has no label"):
        journal.append(change)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "../x"),
        ("time", "yesterday"),
        ("annotator", "Dr. Who"),
        ("recording", "../../etc/passwd"),
        ("recording", "sub-01/eeg/../../sub-01"),
        ("recording", "sub-01/eeg/sub-01" + "x" * 300),
        ("dataset", ".."),
        ("dataset", "code"),
        ("dataset", "ds\ud8001"),
        ("onset", -1.0),
        ("onset", float("nan")),
        ("onset", 1e300),
        ("duration", "2"),
        ("channels", ["x"] * 5000),
        ("channels", ["a\tb"]),
        ("channels", ["a\x85b"]),
        ("channels", ["\ud800"]),
        ("label", "a b"),
        ("purpose", "validation"),
        ("probabilities", {"spike": 1.5}),
        ("display", {"unknown": 1}),
        ("ms", True),
        ("more", 1),
        ("kind", "delete"),
    ],
)
def test_a_wrong_field_is_refused_and_named(tmp_path, field, value):
    journal = Journal(tmp_path)
    with pytest.raises(AnswerError, match=field.replace("more", "names")):
        journal.append(answer(**{field: value}))
    assert not journal.path.exists()


def test_a_log_that_is_no_file_of_its_own_is_refused(tmp_path):
    (tmp_path / "code").mkdir()
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(ConfigError, match="cannot be written"):
        Journal(tmp_path).append(answer())
