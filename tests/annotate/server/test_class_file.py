"""Classes of a folder of answers."""

from __future__ import annotations

import pytest
from annotation_folders import append_answers
from labelling_server import write_classes_file

from bids_dl.annotate.answers import read_journal, replay
from bids_dl.annotate.server.class_file import choose_classes, keep_classes
from bids_dl.errors import ConfigError

RECORDING = "sub-01/eeg/sub-01_task-rest"


def choose(folder, file):
    return choose_classes(folder, file, replay(read_journal(folder).lines))


def test_a_file_is_copied_byte_for_byte_and_is_then_the_default(tmp_path):
    file = write_classes_file(tmp_path / "classes.yaml")
    folder = tmp_path / "labels"
    (folder / "code").mkdir(parents=True)
    keep_classes(folder, choose(folder, file))
    copy = folder / "code" / "classes.yaml"
    assert copy.read_bytes() == file.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert choose(folder, None).classes == choose(folder, file).classes


def test_a_class_may_be_added_and_none_of_an_answer_removed(tmp_path):
    folder = tmp_path / "labels"
    append_answers(folder, RECORDING, [(0.0, 1.0, "wave"), (1.0, 1.0, "wave")])
    more = write_classes_file(tmp_path / "more.yaml")
    assert len(choose(folder, more).classes) == 3
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text('spike: {hed: "Epileptiform-interictal-activity, Spike"}')
    with pytest.raises(ConfigError, match="lacks the class wave, which 2 answers"):
        choose(folder, fewer)


def test_without_a_file_the_message_shows_one(tmp_path):
    with pytest.raises(ConfigError, match=r"spike: \{hed:"):
        choose(tmp_path, None)
