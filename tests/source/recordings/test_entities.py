"""Labels of subject, session, task and run in BIDS names."""

from __future__ import annotations

import doctest
import unicodedata

import pytest

from bids_dl.source.recordings import entities
from bids_dl.source.recordings.entities import (
    is_same_label,
    parse_entities,
    read_labels,
    similar_labels,
)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(entities).failed == 0


@pytest.mark.parametrize(
    "label", ["NDAR-INV1", "A_1", "A_INV-1", "1.5", "John Doe", "josé", "李", "01+02", "x(1)"]
)
def test_a_label_is_everything_up_to_the_next_key(label):
    path = f"sub-{label}/ses-{label}/eeg/sub-{label}_ses-{label}_task-{label}_acq-x_run-01"
    labels = read_labels(path)
    task = label.removesuffix("_INV-1")  # only folders tell a key from a part of a label
    assert (labels.subject, labels.session, labels.task, labels.run) == (label, label, task, "01")
    assert not labels.contradiction


def test_a_label_without_folders_ends_at_the_next_key_too():
    labels = read_labels("sub-NDAR-INV1_task-go.left")
    assert (labels.subject, labels.session, labels.task) == ("NDAR-INV1", "", "go.left")


def test_a_folder_names_what_the_file_does_not():
    labels = read_labels("sub-01/ses-a/eeg/task-rest")
    assert (labels.subject, labels.session, labels.task) == ("01", "a", "rest")


@pytest.mark.parametrize(
    ("path", "contradiction"),
    [
        ("sub-01/eeg/sub-02_task-t", "the folder is sub-01, the name says sub-02"),
        ("sub-01/eeg/sub-01_02_task-t", "the folder is sub-01, the name says sub-01_02"),
        ("sub-01_old/eeg/sub-01_task-t", "the folder is sub-01_old, the name says sub-01"),
        ("sub-a/eeg/sub-A_task-t", "the folder is sub-a, the name says sub-A"),
        ("sub-1/ses-1/eeg/sub-1_ses-2_task-t", "the folder is ses-1, the name says ses-2"),
        ("sub-1/eeg/sub-1_task-a_task-b", "the name says task-a and task-b"),
        ("sub-1/eeg/sub-1_task-_run-1", "task- has no label"),
    ],
)
def test_a_contradiction_is_named(path, contradiction):
    assert read_labels(path).contradiction == contradiction


def test_keys_that_bids_does_not_define_are_named_and_end_a_label():
    labels = read_labels("sub-01/eeg/sub-01_task-rest_cond-2_run-1")
    assert (labels.task, labels.run, labels.unknown_keys) == ("rest", "1", ("cond",))


def test_entities_of_similar_labels_differ():
    assert parse_entities("sub-A_1_task-t_") == {"sub-A_1", "task-t"}
    assert not parse_entities("sub-A-1") & parse_entities("sub-A-2")


def test_labels_that_differ_by_case_zeros_or_unicode_form_are_similar():
    composed, decomposed = (unicodedata.normalize(form, "josé") for form in ("NFC", "NFD"))
    assert similar_labels(["1", "01", "A", "a", "10"]) == [("01", "1"), ("A", "a")]
    assert similar_labels([composed, decomposed]) == [tuple(sorted([composed, decomposed]))]
    assert is_same_label(composed, decomposed)
    assert not is_same_label("1", "01")


@pytest.mark.parametrize("key", ["sub", "run", "echo", "recording", "desc", "split"])
def test_a_key_of_bids_is_known(key):
    assert entities.is_known_key(key)


@pytest.mark.parametrize("key", ["cond", "participant", "suffix", ""])
def test_a_key_that_bids_does_not_define_is_unknown(key):
    assert not entities.is_known_key(key)
