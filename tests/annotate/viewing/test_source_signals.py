"""Signals from files: equal to MNE's, from several threads, and errors of one recording only."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from long_recordings import SHAFT_CONTACTS, LongRecording, write_long_recording

from bids_dl import source
from bids_dl.annotate.viewing import (
    SourceRecording,
    SourceSignals,
    ViewRequest,
    compute_view,
    encode_view,
)
from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError

SHORT = LongRecording(
    seconds=20.0, sfreq=2000.0, bads=["A3"], others={"ECG": "ECG", "MKR": "TRIG", "EOG": "EOG"}
)


def open_signals(root: Path, **options) -> tuple[SourceSignals, list]:
    """Open all recordings of a dataset, and return their keys too."""
    dataset = source.open_dataset(str(root))
    entries = {}
    for recording in source.find_recordings(dataset, SourceConfig()):
        entries[recording.dataset, recording.path] = SourceRecording(dataset, recording)
    return SourceSignals(entries, **options), list(entries)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    return write_long_recording(tmp_path_factory.mktemp("short") / "ds1", SHORT)


def test_the_header_has_the_channels_that_pages_show(short):
    signals, [key] = open_signals(short)
    header = signals.header(key)
    assert (header.sfreq, header.seconds, header.n_times) == (2000.0, 20.0, 40_000)
    names = [channel.name for channel in header.channels]
    assert names == [*SHAFT_CONTACTS, "ECG", "EOG"]
    assert [channel.name for channel in header.channels if channel.is_bad] == ["A3"]
    assert header.is_intracranial
    assert {channel.group for channel in header.channels} == {"A", "B'", ""}


def test_samples_are_those_of_mne_and_missing_outside(short):
    signals, [key] = open_signals(short)
    dataset = source.open_dataset(str(short))
    [recording] = source.find_recordings(dataset, SourceConfig())
    names = [channel.name for channel in signals.header(key).channels]
    with source.open_raw(dataset, recording) as raw:
        expected = raw.get_data(picks=names) * 1e6
    np.testing.assert_allclose(signals.read(key, 0, 40_000), expected, atol=1e-9)
    outside = signals.read(key, -100, 40_050)
    np.testing.assert_allclose(outside[:, 100:-50], expected, atol=1e-9)
    assert np.isnan(outside[:, :100]).all()
    assert np.isnan(outside[:, -50:]).all()
    assert signals.read(key, 50_000, 50_010).shape == (22, 10)
    assert signals.read(key, 10, 10).shape == (22, 0)


def test_real_recordings_have_pages(eegbci):
    signals, keys = open_signals(eegbci, max_open=2)
    assert len(keys) == 11
    for key in keys:
        view = compute_view(signals, key, ViewRequest(30.0, 10.0, 1200, "average", 1.0, 70.0, 60.0))
        assert view.minima.shape == (24, 1200)
        spread = (view.maxima - view.minima).mean() * view.resolution
        assert 1 < spread < 200  # µV
    signals.close()


def test_threads_that_share_recordings_get_the_same_pages(eegbci):
    signals, keys = open_signals(eegbci, max_open=2)
    requests = [ViewRequest(start, 10.0, 600, low=1.0, high=40.0) for start in (0.0, 20.0, 45.0)]
    jobs = [(key, request) for key in keys[:4] for request in requests]

    def render(job):
        return encode_view(compute_view(signals, *job))

    expected = [render(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(render, jobs)) == expected
    signals.close()


def test_no_date_name_or_annotation_of_a_file_is_in_a_page(eegbci):
    signals, [key, *_] = open_signals(eegbci)
    header = signals.header(key)
    assert set(header.__slots__) == {"sfreq", "seconds", "channels", "boundaries"}
    content = encode_view(compute_view(signals, key, ViewRequest(0.0, 10.0, 100)))
    for word in (b"sub-", b"2009", b"T0", b"T1", b"motion"):
        assert word not in content[: content.index(b"}")]


def test_a_damaged_recording_fails_alone_and_is_tried_again(eegbci_copy):
    signals, keys = open_signals(eegbci_copy)
    file = eegbci_copy / f"{keys[0][1]}_eeg.edf"
    content = file.read_bytes()
    file.write_bytes(content[:100])
    with pytest.raises(RecordingError, match="header: not an EDF") as caught:
        compute_view(signals, keys[0], ViewRequest(0.0, 10.0, 100))
    assert str(eegbci_copy) not in str(caught.value)
    assert "\n" not in str(caught.value)
    compute_view(signals, keys[1], ViewRequest(0.0, 10.0, 100))
    file.write_bytes(content)
    compute_view(signals, keys[0], ViewRequest(0.0, 10.0, 100))


def test_a_file_that_shrinks_while_it_is_open_is_an_error_of_reading(tmp_path):
    root = write_long_recording(tmp_path / "ds1", SHORT)
    signals, [key] = open_signals(root)
    compute_view(signals, key, ViewRequest(15.0, 2.0, 100))
    with next(root.rglob("*.eeg")).open("r+b") as file:
        file.truncate(1_000_000)
    with pytest.raises(RecordingError, match="read: "):
        compute_view(signals, key, ViewRequest(15.0, 2.0, 100))


def test_a_recording_that_the_sources_lack_is_named(short):
    signals, _ = open_signals(short)
    with pytest.raises(RecordingError, match="source: ds1/sub-99: not in the given sources"):
        signals.header(("ds1", "sub-99"))


def test_no_filter_crosses_a_boundary_of_events_tsv(tmp_path):
    root = write_long_recording(tmp_path / "ds1", SHORT)
    stem = root / SHORT.path
    Path(f"{stem}_events.tsv").write_text("onset\tduration\ttrial_type\n12.5\t0\tboundary\n")
    signals, [key] = open_signals(root)
    assert signals.header(key).boundaries == (12.5,)


def test_samples_that_are_no_numbers_are_missing(tmp_path):
    root = write_long_recording(tmp_path / "ds1", LongRecording(seconds=10.0, sfreq=500.0))
    path = next(root.rglob("*.vhdr"))
    integers = np.fromfile(path.with_suffix(".eeg"), "<i2").reshape(-1, 20).astype("<f4")
    integers[1000:1500, 4] = np.nan
    integers[2000, 5] = np.inf
    integers.tofile(path.with_suffix(".eeg"))
    path.write_text(path.read_text().replace("INT_16", "IEEE_FLOAT_32"))
    signals, [key] = open_signals(root)
    samples = signals.read(key, 0, 5000)
    is_missing = np.isnan(samples)
    assert is_missing[4, 1000:1500].all()
    assert is_missing[5, 2000]
    assert is_missing.sum() == 501


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pages(tmp_path):
    root = write_long_recording(tmp_path / "ds1", LongRecording(seconds=60.0, sfreq=4000.0))
    for subject in ("02", "03"):
        write_long_recording(root, LongRecording(seconds=60.0, sfreq=4000.0, subject=subject))
    signals, keys = open_signals(root, max_open=2)
    process = psutil.Process()
    requests = []
    for montage, low, high in (
        *[("recorded", None, None), ("neighbours", 1.0, 70.0)],
        *[("average", 1.0, None), ("neighbours", 10.0, 250.0)],
    ):
        requests += [ViewRequest(float(s), 10.0, 1500, montage, low, high) for s in range(0, 50, 7)]
    early = 0
    for number in range(1000):
        key = keys[number // 40 % len(keys)]
        encode_view(compute_view(signals, key, requests[number % len(requests)]))
        if number == 99:
            gc.collect()
            early = process.memory_info().rss
    gc.collect()
    assert process.memory_info().rss < 1.1 * early
    signals.close()
