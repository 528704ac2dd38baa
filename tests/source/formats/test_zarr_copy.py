"""Zarr copies of NEMAR: samples, bytes that are read, replaced copies, and other formats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from zarr_copies import ADDRESS, ServedCopies, served_copies

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    fetch_header,
    find_recordings,
    open_dataset,
    open_raw,
    read_header_with_notes,
)
from bids_dl.source.formats import raw_zarr_copy

COPY = Path("sub-001/eeg/sub-001_task-motion_run-1_eeg.zarr")


@pytest.fixture
def person(eegbci_copy):
    """The sample with one recording."""
    for folder in sorted(eegbci_copy.glob("sub-*"))[1:]:
        shutil.rmtree(folder)
    for file in eegbci_copy.rglob("*_run-[24]_*"):
        file.unlink()
    return eegbci_copy


@pytest.fixture
def copies(person, tmp_path):
    """The recording of one person, of which each test may change the copy."""
    with served_copies(person, tmp_path / "copies") as served:
        yield served


def first_recording(access):
    dataset = open_dataset(ADDRESS, access)
    return dataset, find_recordings(dataset, SourceConfig())[0]


def read(copies: ServedCopies, cache: Path, start=0.0, stop=None):
    """Read samples of the first recording."""
    with copies.access(cache) as access, open_raw(*first_recording(access)) as raw:
        return raw.copy().crop(start, stop, include_tmax=stop is None).get_data()


def test_samples_are_those_of_the_source_within_half_a_step(copies, eegbci, tmp_path):
    local = open_dataset(str(eegbci))
    with open_raw(local, find_recordings(local, SourceConfig())[0]) as raw:
        expected, names = raw.get_data(), raw.ch_names
    with copies.access(tmp_path / "cache") as access, open_raw(*first_recording(access)) as raw:
        found = raw.get_data()
        assert raw.ch_names == names
        part = raw.copy().pick(names[3:5]).crop(7.9, 8.1).get_data()
    half_a_step = np.ptp(expected, axis=1, keepdims=True) / 65535 / 2
    assert (np.abs(found - expected) <= half_a_step * 1.001).all()
    np.testing.assert_allclose(part, found[3:5, 1264:1297], rtol=1e-12)


def test_only_the_seconds_that_are_needed_are_read(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access, open_raw(*first_recording(access)) as raw:
        copies.server.reset()
        raw.copy().crop(17.0, 18.9).load_data()
        requests, n_bytes = list(copies.server.requests), copies.server.bytes_sent
    whole = sum(file.stat().st_size for file in (copies.root / COPY).rglob("c/*/*"))
    assert {path.rpartition("/")[2] for path in requests} == {"2"}
    assert n_bytes < whole / 15


def test_the_header_takes_three_requests_and_none_the_second_time(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access:
        dataset, recording = first_recording(access)
        copies.server.reset()
        report = read_header_with_notes(fetch_header(dataset, recording, access), recording)
        names = [path.partition(".zarr/")[2] for path in copies.server.requests]
        read_header_with_notes(dataset, recording)
    assert names == ["zarr.json", "eeg_160hz/zarr.json", "eeg_160hz/0/zarr.json"]
    assert (report.header.sfreq, report.header.n_times) == (160.0, 9760)


def test_a_long_recording_is_read_in_parts(copies, tmp_path, monkeypatch):
    expected = read(copies, tmp_path / "cache")
    monkeypatch.setattr(raw_zarr_copy, "SAMPLES_AT_ONCE", 24 * 160 * 3)
    monkeypatch.setattr(raw_zarr_copy, "COLUMNS_AT_ONCE", 100)
    np.testing.assert_array_equal(read(copies, tmp_path / "cache"), expected)


def replace_signal(copies: ServedCopies) -> None:
    """Write another copy into the place of the first, a minute later."""

    def recreate(content):
        content["attributes"]["created_utc"] = "2026-09-02T00:00:00+00:00"

    copies.change(COPY / "zarr.json", recreate)


def replace_index(copies: ServedCopies) -> None:
    """Let the index state a later copy of the first recording."""
    [first, *others] = copies.index["stores"]
    later = "2026-09-02T00:00:00Z"
    copies.write_index(updated_utc=later, stores=[{**first, "updated_utc": later}, *others])


@pytest.mark.parametrize("replace", [replace_signal, replace_index])
def test_a_copy_that_is_replaced_while_it_is_read_fails_in_passing(copies, tmp_path, replace):
    with copies.access(tmp_path / "cache") as access:
        dataset, recording = first_recording(access)
        with pytest.raises(RecordingError, match=r"^source: the copy of .* was replaced") as failed:
            load_and_replace(dataset, recording, lambda: replace(copies))
    assert failed.value.transient


def load_and_replace(dataset, recording, replace):
    with open_raw(dataset, recording) as raw:
        raw.load_data()
        replace()


def test_a_change_of_another_recording_is_no_change_of_this_one(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access, open_raw(*first_recording(access)) as raw:
        raw.load_data()
        copies.write_index(updated_utc="2026-09-03T00:00:00Z")


def test_a_new_copy_is_another_file_for_a_plan(copies, tmp_path):
    with copies.access(tmp_path / "cache") as access:
        before, recording = first_recording(access)
        replace_index(copies)
        after, _ = first_recording(access)
    contents = [dataset.path(recording.signal).read_text() for dataset in (before, after)]
    assert [json.loads(text)["updated_utc"] for text in contents] == [
        "2026-09-01T00:00:00Z",
        "2026-09-02T00:00:00Z",
    ]


def test_a_shard_that_is_gone_fails_in_passing_and_is_not_zeros(copies, tmp_path):
    (copies.root / COPY / "eeg_160hz/0/c/0/1").unlink()
    with pytest.raises(RecordingError, match=r"samples 0 to .* cannot be read") as failed:
        read(copies, tmp_path / "cache")
    assert failed.value.transient


def test_a_damaged_chunk_fails_in_passing(copies, tmp_path):
    shard = copies.root / COPY / "eeg_160hz/0/c/0/1"
    content = bytearray(shard.read_bytes())
    content[: len(content) // 2] = bytes(len(content) // 2)
    shard.write_bytes(content)
    with pytest.raises(RecordingError, match="cannot be read") as failed:
        read(copies, tmp_path / "cache")
    assert failed.value.transient


def set_attribute(path: str, name: str, value):
    def change(copies: ServedCopies) -> None:
        def set_value(content):
            content["attributes"][name] = value

        copies.change(COPY / path, set_value)

    return change


def set_units(unit: str):
    def change(copies: ServedCopies) -> None:
        def set_unit(content):
            for channel in content["attributes"]["channels"]:
                channel["unit"] = unit

        copies.change(COPY / "eeg_160hz/zarr.json", set_unit)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_attribute("zarr.json", "format_version", 3), "header: .* of version 3, expected"),
        (set_attribute("zarr.json", "format", "ome"), "header: .* is 'ome'"),
        (set_attribute("eeg_160hz/0/zarr.json", "scale", [1.0]), "header: .* describes 24 chan"),
        (set_attribute("eeg_160hz/zarr.json", "channels", None), "header: .* other metadata"),
        (set_units("n/a"), "channels: .* neither is a voltage"),
    ],
)
def test_a_copy_of_another_format_is_refused(copies, tmp_path, change, message):
    change(copies)
    with pytest.raises(RecordingError, match=message):
        read(copies, tmp_path / "cache")


def test_units_are_read(copies, tmp_path):
    expected = read(copies, tmp_path / "cache")
    set_units("mV")(copies)
    replace_index(copies)
    np.testing.assert_allclose(read(copies, tmp_path / "cache"), expected * 1000)


def test_units_that_differ_from_channels_tsv_are_refused(person, tmp_path):
    for table in person.rglob("*_channels.tsv"):
        names = [line.partition("\t")[0] for line in table.read_text().splitlines()[1:]]
        table.write_text("\n".join(["name\ttype\tunits", *(f"{name}\tEEG\tmV" for name in names)]))
    differ = r"channels: .* 'uV' in the copy and 'mV' in chan"
    with (
        served_copies(person, tmp_path / "copies") as copies,
        pytest.raises(RecordingError, match=differ),
    ):
        read(copies, tmp_path / "cache")


def test_a_zarr_folder_of_a_local_dataset_is_refused(eegbci_copy):
    signal = min(eegbci_copy.rglob("*_eeg.edf"))
    signal.rename(signal.with_suffix(".zarr"))
    dataset = open_dataset(str(eegbci_copy))
    with pytest.raises(RecordingError, match="only those that NEMAR serves can be read"):
        read_header_with_notes(dataset, find_recordings(dataset, SourceConfig())[0])
