"""Sources to stores, on the real sample: what a store holds, and what happens to broken files."""

from __future__ import annotations

import os
from pathlib import Path

import mne
import numpy as np
import pytest
import xarray
from conversions import contents, convert

import bids_dl
from bids_dl.errors import BidsDlError, RecordingError, WindowError
from bids_dl.testing import make_dataset


def test_a_store_holds_each_planned_window_in_the_order_of_the_recordings(eyes_store):
    table = bids_dl.open_store(str(eyes_store)).table
    assert len(table) == 240
    assert table["recording"].drop_duplicates().tolist() == [
        f"sub-00{i}/eeg/sub-00{i}_task-motion_run-{run}" for i in range(1, 5) for run in "12"
    ]
    for _, onsets in table.groupby("recording")["onset"]:
        assert onsets.tolist() == [2.0 * i for i in range(30)]
    assert (table["end_rule"] == "recording").all()
    assert (table["label"] == np.where(table["run"] == "1", "eyes_open", "eyes_closed")).all()
    assert (
        table["hed"].iloc[0] == "Agent-action,Experiment-participant,Eyes-open,Participant-response"
    )


def test_columns_of_participants_are_numbers_and_text(eyes_store):
    table = bids_dl.open_store(str(eyes_store)).table
    people = table.drop_duplicates("subject").set_index("subject")
    assert people["Age"].to_dict() == {"001": 49.0, "002": 51.0, "003": 53.0, "004": 47.0}
    assert people["Handedness"].to_dict() == {"001": "R", "002": "R", "003": "L", "004": "n/a"}
    assert xarray.open_zarr(eyes_store)["Gender"].attrs["levels"] == {"F": "female", "M": "male"}


def test_signals_are_those_that_mne_alone_computes_from_the_file(eegbci, eyes_store):
    edf = eegbci / "sub-003/eeg/sub-003_task-motion_run-2_eeg.edf"
    raw = mne.io.read_raw_edf(edf, preload=True, verbose="error")
    raw.filter(0.5, 45.0, verbose="error").set_eeg_reference("average", verbose="error")
    raw.resample(128.0, method="polyphase", verbose="error")
    expected = raw.get_data()[:, : 30 * 256].reshape(24, 30, 256).swapaxes(0, 1) * 1e6
    data = xarray.open_zarr(eyes_store)
    rows = ((data["subject"] == "003") & (data["label"] == "eyes_closed")).values
    np.testing.assert_allclose(data["signals"].values[rows], expected, rtol=1e-5, atol=1e-4)


def test_alpha_power_is_higher_with_eyes_closed(eyes_store):
    data = xarray.open_zarr(eyes_store)
    channels = list(data["channel"].values)
    occipital = data["signals"].values[:, [channels.index("O1"), channels.index("O2")]]
    power = np.abs(np.fft.rfft(occipital * np.hanning(256))) ** 2
    freqs = np.fft.rfftfreq(256, 1 / 128)
    alpha = power[..., (freqs >= 8) & (freqs <= 13)].mean((1, 2))
    is_closed = (data["label"] == "eyes_closed").values
    for subject in ("001", "002", "003", "004"):
        is_subject = (data["subject"] == subject).values
        assert alpha[is_subject & is_closed].mean() > 3 * alpha[is_subject & ~is_closed].mean()


def test_statistics_of_a_recording_are_those_of_its_windows(eyes_store):
    store = bids_dl.open_store(str(eyes_store))
    first = store.read("signals")[:30].astype(np.float64)
    np.testing.assert_allclose(store.read("recording_mean")[0], first.mean((0, 2)), atol=1e-9)
    np.testing.assert_allclose(store.read("recording_std")[0], first.std((0, 2)), rtol=1e-9)
    assert store.read("recording_windows").tolist() == [30] * 8


def test_a_store_states_its_sources_and_its_preprocessing(eyes_store):
    attributes = bids_dl.open_store(str(eyes_store)).attributes
    [source] = attributes["sources"]
    assert (source["dataset"], source["licence"], source["recordings"]) == ("ds004362", "CC0", 8)
    assert source["authors"][0] == "Gerwin Schalk"
    steps = [next(iter(step)) for step in attributes["request"]["preprocess"]["steps"]]
    assert steps == ["pick", "filter", "reference", "resample"]
    assert attributes["classes"] == {"label": ["eyes_open", "eyes_closed"]}
    assert "Schalk" in (eyes_store / "README.md").read_text()
    assert "10.18112/openneuro.ds004362" in (eyes_store / "CITATION.cff").read_text()


def test_no_path_host_or_user_of_this_machine_is_in_a_store(eegbci, eyes_store):
    private = [
        str(eyes_store.parent),
        str(eegbci.parents[1]),
        str(Path.home()),
        os.uname().nodename,
    ]
    for name, content in contents(eyes_store).items():
        if "/c/" in name:
            continue
        words = content.decode().replace('"', " ").split()
        for text in private:
            assert text not in words, name
            # A short text may be part of an innocent word.
            assert len(text) <= 8 or text.encode() not in content, name


@pytest.fixture
def with_broken_files(eegbci_copy, shared):
    """The sample with two files replaced by real ones that were corrupted by accident."""
    for subject, broken in (("001", "crlf_S001R03.edf"), ("003", "zero-data-records.edf")):
        target = eegbci_copy / f"sub-{subject}/eeg/sub-{subject}_task-motion_run-1_eeg.edf"
        target.write_bytes((shared / "malformed" / broken).read_bytes())
    return eegbci_copy


def test_broken_recordings_are_listed_with_stage_and_reason_and_the_others_converted(
    with_broken_files, tmp_path
):
    outcome = convert(with_broken_files, tmp_path / "a.zarr")
    assert {failure.recording for failure in outcome.failures} == {
        f"ds004362/sub-{i}/eeg/sub-{i}_task-motion_run-1" for i in ("001", "003")
    }
    for failure in outcome.failures:
        assert failure.stage
        assert failure.reason
        assert str(tmp_path) not in failure.reason
    assert (outcome.exit_status, outcome.n_recordings, outcome.n_windows) == (3, 6, 180)
    rerun = convert(with_broken_files, tmp_path / "a.zarr")
    assert (rerun.exit_status, rerun.unchanged) == (3, True)
    assert set(rerun.failures) == set(outcome.failures)


def test_recordings_with_other_channels_fail_at_the_stage_channels(eegbci_copy, shared, tmp_path):
    stem = "sub-002/eeg/sub-002_task-motion_run-1"
    for ending in ("channels.tsv", "electrodes.tsv", "eeg.json", "eeg.edf"):
        file = f"{stem}_{ending}"
        (eegbci_copy / file).write_bytes((shared / "eegbci" / file).read_bytes())
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject=["001", "002"])
    [failure] = outcome.failures
    assert failure.stage == "channels"
    assert failure.reason.startswith("has also Fc5, Fc1, Fcz")
    assert bids_dl.open_store(str(tmp_path / "a.zarr")).shape == (90, 24, 256)


def test_a_recipe_that_suits_no_recording_is_refused_with_the_step(eegbci, tmp_path):
    with pytest.raises(BidsDlError, match="none of 2 recordings can be converted"):
        convert(eegbci, tmp_path / "a.zarr", subject=["001"], set={"filter.high": 200})


def test_event_locked_windows_have_the_event_in_the_same_sample_at_any_rate(tmp_path):
    recipe = tmp_path / "plain.yaml"
    recipe.write_text("name: plain\nsteps:\n  - pick: {types: eeg}\n  - resample: {sfreq: 128}\n")
    folders = []
    for i, sfreq in enumerate((160, 250)):
        root = make_dataset(tmp_path / f"ds00000{i}", n_subjects=1, n_runs=1, sfreq=sfreq).root
        folders.append(str(root))
    bids_dl.convert(
        folders,
        tmp_path / "a.zarr",
        hed={"impulse": "Label/Impulse"},
        tmin=-0.2,
        tmax=0.3,
        recipe=str(recipe),
        scheduler="synchronous",
    )
    data = xarray.open_zarr(tmp_path / "a.zarr")
    assert set(data["dataset"].values) == {"ds000000", "ds000001"}
    impulse_channel = data["signals"].values[:, 0]
    peaks = np.abs(impulse_channel).argmax(axis=1)
    assert (data["time"].values[peaks] == 0).all()


def test_a_label_without_a_window_is_refused_with_the_numbers(eegbci, tmp_path):
    message = (
        "none of 4 events of eyes_closed gives a window of 2 s; "
        r"the longest block lasts 1\.000 s"
    )
    with pytest.raises(WindowError, match=message):
        convert(eegbci, tmp_path / "a.zarr", until="eyes_closed=1")
    assert not (tmp_path / "a.zarr").exists()


def test_a_label_whose_recordings_are_all_broken_does_not_stop_the_others(eegbci_copy, tmp_path):
    file = eegbci_copy / "sub-001" / "eeg" / "sub-001_task-motion_run-2_eeg.edf"
    file.write_bytes(file.read_bytes()[:300])
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject="001")
    assert (outcome.exit_status, outcome.n_windows) == (3, 30)
    [failure] = outcome.failures
    assert (failure.stage, failure.recording[-5:]) == ("header", "run-2")
    warning = "the store has no window of eyes_closed: all its recordings were lost"
    assert warning in outcome.warnings
    [person] = outcome.people
    assert (person.subject, person.windows) == ("001", {"eyes_open": 30, "eyes_closed": 0})
    message = r"header: none of 1 recording can be converted; ds004362/sub-001/.*run-2: "
    with pytest.raises(RecordingError, match=message):
        convert(eegbci_copy, tmp_path / "b.zarr", subject="001", hed="Eyes-closed")


@pytest.mark.parametrize(
    ("file", "content", "stage", "reason"),
    [
        (
            "run-2_events.tsv",
            b"onset\tduration\tvalue\n0\tn/a\tB\xb5SE\n",
            "events",
            "is not UTF-8 text, at byte 28; save it as UTF-8",
        ),
        (
            "run-2_events.tsv",
            b"/annex/objects/MD5E-s3--abc.tsv\n",
            "events",
            "is a git-annex pointer without content; fetch it with: datalad",
        ),
        (
            "run-2_events.tsv",
            b"onset\tonset\tvalue\n0\t0\tBASE2T0\n",
            "events",
            "two columns have the name 'onset'",
        ),
        ("run-2_events.json", b"{", "events", "cannot be read as JSON"),
        (
            "run-2_channels.tsv",
            b"name\ttype\tunits\nFc5\tEEG\t\xb5V\n",
            "header",
            "is not UTF-8 text",
        ),
    ],
)
def test_a_text_file_that_cannot_be_read_fails_only_its_recording(
    eegbci_copy, tmp_path, file, content, stage, reason
):
    (eegbci_copy / "sub-001" / "eeg" / f"sub-001_task-motion_{file}").write_bytes(content)
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", subject=["001", "002"])
    assert (outcome.exit_status, outcome.n_recordings) == (3, 3)
    [failure] = outcome.failures
    assert failure.recording == "ds004362/sub-001/eeg/sub-001_task-motion_run-2"
    assert failure.stage == stage
    assert reason in failure.reason


def test_recordings_of_zeros_are_refused_and_a_split_that_becomes_empty_is_warned_about(
    eegbci_copy, tmp_path
):
    for file in (eegbci_copy / "sub-003" / "eeg").glob("*_eeg.edf"):
        content = file.read_bytes()
        header_bytes = int(content[184:192])
        file.write_bytes(content[:header_bytes] + bytes(len(content) - header_bytes))
    people = eegbci_copy / "participants.tsv"
    header, *rows = people.read_text().splitlines()
    parts = ["test" if row.startswith("sub-003") else "train" for row in rows]
    lines = [f"{row}\t{part}" for row, part in zip(rows, parts, strict=True)]
    people.write_text("\n".join([f"{header}\tpart", *lines]))
    outcome = convert(eegbci_copy, tmp_path / "a.zarr", split="part")
    assert [failure.stage for failure in outcome.failures] == ["read", "read"]
    for failure in outcome.failures:
        assert "all channels are flat in 20 excerpts" in failure.reason
    assert "the split test is empty: all its recordings were lost" in outcome.warnings
