"""Recordings with the same samples are told, whatever their headers say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bids_dl.datamodel import Recording
from bids_dl.planning.shared_samples import find_shared_samples
from bids_dl.source import HashedFiles

RECORDINGS = [
    Recording("ds", f"sub-{i}/eeg/sub-{i}_task-x", f"{i}", "", "x", "", "eeg") for i in range(4)
]


def hashed(extensions: tuple[str, ...], samples: str) -> dict[str, HashedFiles]:
    """Checksums of recordings: those of the last extension as given, and equal ones of the rest."""
    files = {}
    for recording, of_samples in zip(RECORDINGS, samples, strict=True):
        digests = {"task-x_eeg.json": "equal", "channels.tsv": "equal"}
        for extension in extensions:
            digests[f"{recording.path}_eeg{extension}"] = "equal"
        digests[f"{recording.path}_eeg{extensions[-1]}"] = of_samples
        files[recording.key] = HashedFiles(digests, {})
    return files


@pytest.mark.parametrize(
    "extensions",
    [(".edf",), (".set",), (".set", ".fdt"), (".vhdr", ".vmrk", ".eeg"), (".vhdr", ".seg")],
)
def test_recordings_with_the_samples_of_another_are_counted(extensions):
    [line] = find_shared_samples(RECORDINGS, hashed(extensions, "abaa"))
    assert line.startswith(
        "2 recordings with the samples of another one, such as "
        f"{RECORDINGS[2].key} with those of {RECORDINGS[0].key}: "
    )
    assert "a test on another split is not independent; list copies in .bidsignore" in line
    assert find_shared_samples(RECORDINGS, hashed(extensions, "abcd")) == []


def test_headers_tell_recordings_of_the_same_samples_not_apart():
    files = hashed((".vhdr", ".eeg"), "abca")
    for recording in RECORDINGS:
        files[recording.key].digests[f"{recording.path}_eeg.vhdr"] = recording.path
    [line] = find_shared_samples(RECORDINGS, files)
    assert line.startswith("1 recording ")


def test_one_person_with_the_same_samples_twice_endangers_no_test():
    again = replace(RECORDINGS[0], run="2", path=f"{RECORDINGS[0].path}_run-2")
    files = {recording.key: HashedFiles({"a.edf": "1"}, {}) for recording in (RECORDINGS[0], again)}
    [line] = find_shared_samples([RECORDINGS[0], again], files)
    assert "windows are stored twice; list copies in .bidsignore" in line
