"""The real EEG of the package: values as published, files that agree, and a size that fits."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from bids_dl.demo import sample_folder

MAX_BYTES = 8_000_000  # of the package, which a wheel holds
ANNOTATIONS = "EDF Annotations"
SHA256 = {
    "001/1": "2239611ad757621f50a5a2efba09286eeede28235ed23dcb8a53d8c39b496705",
    "001/2": "c8c452ef7bc4e9c764f03f225db1d67ffabc9c618e2d6e3451d62caeaef42351",
    "001/4": "3b3beaeeb53e8388e3314caa0ea9ea5d3506e8696a8a26b5bc8f548f82fbc756",
    "002/1": "44d44207773221e771a92532b9c19b9f92d93477b406654cd522ac0af6c57554",
    "002/2": "6faf88164f3f402aee46d8c58c8bfb38f36fd364729553eaa8f0d4fd73a28bb7",
    "002/4": "cac7177f15caa3b206e7f89b78cdb696bc6f0b1b9fde24991c7507c5a993b2e0",
    "003/1": "c53c5835ad7bbfea3abe717fc7cd1ea1679c4c9ea5ed0db657c11f6dc7400e34",
    "003/2": "7357e2b219bc1a503bb86def59c1bd5fb08a981640fcf22cb6e730160c23ef37",
    "003/4": "a1a1f03141683e2ba82384d8f5c04aa4dab4654fab5bd897cc20a0e7ae04f32a",
    "004/1": "d510d52d547c3848842414de9cd34113d551ad1fd555dad3d151dba10ef7e2ea",
    "004/2": "3568a34b20cc279b4add196d4c00a52b6e4431733964f2a005c47d6f63dd2b55",
}
SIDECARS = ("channels.tsv", "electrodes.tsv", "coordsystem.json", "eeg.json", "events.tsv")


def read_digital_values(data: bytes) -> dict[str, npt.NDArray[np.int16]]:
    """Return the digital values of each signal of an EDF by its label, such as "Fc3."."""
    n_signals = int(data[252:256])
    header_bytes = int(data[184:192])
    labels = [data[256 + 16 * i :][:16].decode().strip() for i in range(n_signals)]
    counts = [int(data[256 + 216 * n_signals + 8 * i :][:8]) for i in range(n_signals)]
    records = np.frombuffer(data[header_bytes:], "<i2").reshape(-1, sum(counts))
    signals = np.split(records, np.cumsum(counts)[:-1], axis=1)
    return {label: signal.ravel() for label, signal in zip(labels, signals, strict=True)}


def stem(recording: str) -> str:
    """Return the path of a recording, without suffix, from its name: "001/4"."""
    subject, run = recording.split("/")
    return f"sub-{subject}/eeg/sub-{subject}_task-motion_run-{run}"


def read_sidecars(recording: str) -> dict[str, str]:
    """Return the text of each sidecar of a recording of the sample."""
    return {
        name: (sample_folder() / f"{stem(recording)}_{name}").read_text(encoding="utf-8")
        for name in SIDECARS
    }


def read_table(recording: str, name: str) -> pd.DataFrame:
    """Return a table of a recording of the sample."""
    return pd.read_table(sample_folder() / f"{stem(recording)}_{name}", na_values="n/a")


def test_the_sample_has_these_recordings_and_fits_in_a_wheel():
    folder = sample_folder()
    expected = sorted(f"{stem(recording)}_eeg.edf" for recording in SHA256)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.edf")) == expected
    files = [path for path in folder.parent.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_BYTES


@pytest.mark.parametrize("recording", SHA256)
def test_the_bytes_of_a_recording_are_those_that_were_compared(recording):
    data = (sample_folder() / f"{stem(recording)}_eeg.edf").read_bytes()
    assert hashlib.sha256(data).hexdigest() == SHA256[recording]


@pytest.mark.parametrize("recording", SHA256)
def test_digital_values_and_sidecars_are_those_published(recording, shared):
    file = f"{stem(recording)}_eeg.edf"
    published = read_digital_values((shared / "eegbci" / file).read_bytes())
    values = read_digital_values((sample_folder() / file).read_bytes())
    assert len(values) == 25
    for label, signal in values.items():
        np.testing.assert_array_equal(signal, published[label], err_msg=label)
    for name, text in read_sidecars(recording).items():
        original = (shared / "eegbci" / f"{stem(recording)}_{name}").read_text(encoding="utf-8")
        if name in ("channels.tsv", "electrodes.tsv"):
            assert set(text.splitlines()) < set(original.splitlines()), name
        elif name == "eeg.json":
            assert json.loads(text) == json.loads(original) | {"EEGChannelCount": 24}
        else:
            assert text == original, name


@pytest.mark.parametrize("recording", SHA256)
def test_sidecars_agree_with_the_signal(recording):
    values = read_digital_values((sample_folder() / f"{stem(recording)}_eeg.edf").read_bytes())
    values.pop(ANNOTATIONS)
    names = [label.rstrip(".") for label in values]
    assert read_table(recording, "channels.tsv")["name"].tolist() == names
    positions = read_table(recording, "electrodes.tsv")
    assert positions["name"].tolist() == names
    assert positions[["x", "y", "z"]].notna().all(axis=None)
    described = json.loads(read_sidecars(recording)["eeg.json"])
    assert described["EEGChannelCount"] == len(names)
    n_samples = described["RecordingDuration"] * described["SamplingFrequency"]
    assert {len(signal) for signal in values.values()} == {n_samples}


@pytest.mark.parametrize("recording", SHA256)
def test_events_lie_in_the_recording_and_are_declared(recording):
    events = read_table(recording, "events.tsv")
    described = json.loads(read_sidecars(recording)["eeg.json"])
    declared = json.loads((sample_folder() / "task-motion_events.json").read_text())["value"]
    assert events["onset"].is_monotonic_increasing
    assert events["onset"].between(0, described["RecordingDuration"]).all()
    np.testing.assert_array_equal(
        events["sample"], (events["onset"] * described["SamplingFrequency"]).round()
    )
    assert set(events["value"]) <= set(declared["Levels"]) & set(declared["HED"])
    assert len(events) == (30 if recording.endswith("/4") else 1)
