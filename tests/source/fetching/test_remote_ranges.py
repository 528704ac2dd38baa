"""Byte ranges give the samples of the whole file, or are not offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from every_format import IN_RANGES, SFREQ, WHOLE, write_every_format
from signal_files import EdfChannel, edf_bytes, noise, vhdr_text, write_recording, write_set

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.source import find_layout, open_raw, read_header
from bids_dl.source.fetching import remote_ranges

N_SECONDS = 20
CHANNELS = ("Cz,,0.1,µV", "Pz,,0.1,µV")


@pytest.fixture(scope="module")
def every_format(tmp_path_factory) -> Path:
    return write_every_format(tmp_path_factory.mktemp("x") / "x", n_seconds=N_SECONDS)


def open_subject(root: Path, subject: str):
    dataset = source.open_dataset(str(root))
    recordings = source.find_recordings(dataset, SourceConfig())
    (recording,) = [item for item in recordings if item.subject == subject]
    return dataset, recording


def layout_of(dataset, recording):
    return find_layout(dataset, recording, read_header(dataset, recording))


@pytest.mark.parametrize("subject", IN_RANGES)
def test_samples_of_spans_do_not_depend_on_other_bytes(
    every_format, subject, tmp_path, monkeypatch
):
    monkeypatch.setattr(remote_ranges, "MIN_GAP_BYTES", 1)
    dataset, recording = open_subject(every_format, subject)
    layout = layout_of(dataset, recording)
    n_times = N_SECONDS * SFREQ
    spans = [(0, 1), (199, 201), (777, 1000), (1000, 1400), (n_times - 1, n_times)]
    with open_raw(dataset, recording) as raw:
        expected = [raw.get_data(start=start, stop=stop) for start, stop in spans]
    copy = Path(write_every_format(tmp_path / "y", n_seconds=N_SECONDS, subjects=[subject]))
    content = (copy / layout.file).read_bytes()
    filled = bytearray(b"\x3f" * len(content))
    for start, stop in layout.ranges(spans):
        filled[start:stop] = content[start:stop]
    assert filled != content
    (copy / layout.file).write_bytes(filled)
    with open_raw(*open_subject(copy, subject)) as raw:
        for (start, stop), samples in zip(spans, expected, strict=True):
            np.testing.assert_array_equal(raw.get_data(start=start, stop=stop), samples)


@pytest.mark.parametrize("subject", WHOLE)
def test_no_ranges_are_offered_where_samples_may_differ(every_format, subject):
    assert layout_of(*open_subject(every_format, subject)) is None


def test_the_ranges_are_the_needed_records_and_short_gaps(every_format):
    layout = layout_of(*open_subject(every_format, "edf"))
    layout = replace(layout, n_records=10_000, n_bytes=layout.start + 10_000 * layout.record_bytes)
    first, second = layout.ranges([(0, SFREQ + 1), (9000 * SFREQ, 9000 * SFREQ + 1)])
    assert first == (0, layout.start + 2 * layout.record_bytes)
    assert second == (
        layout.start + 9000 * layout.record_bytes,
        layout.start + 9001 * layout.record_bytes,
    )


def edf_content(*, n_records_header: int | None = None, rest: bytes = b"") -> bytes:
    channels = [EdfChannel(name, np.arange(1000) % 99) for name in ("Cz", "Pz")]
    return edf_bytes(channels, n_records_header=n_records_header) + rest


@pytest.mark.parametrize(
    ("n_records_header", "rest"),
    [(-1, b""), (20, b""), (7, b""), (None, b"12")],
    ids=["open", "truncated", "longer", "part of a record"],
)
def test_an_edf_whose_size_is_not_that_of_its_header_is_read_whole(
    tmp_path, n_records_header, rest
):
    content = edf_content(n_records_header=n_records_header, rest=rest)
    assert layout_of(*write_recording(tmp_path, {"_eeg.edf": content})) is None


@pytest.mark.parametrize(
    ("n_times", "rest", "is_offered"),
    [(500, b"", True), (0, b"", True), (600, b"", False), (500, b"123", False)],
)
def test_brainvision_whose_size_is_not_that_of_its_header_is_read_whole(
    tmp_path, n_times, rest, is_offered
):
    files = {
        "_eeg.vhdr": vhdr_text(CHANNELS, n_times=n_times, data="renamed.EEG"),
        "_eeg.eeg": noise(2).T.tobytes() + rest,
    }
    layout = layout_of(*write_recording(tmp_path, files))
    assert (layout is not None) == is_offered
    if layout:
        assert layout.file.endswith("sub-1_task-x_eeg.eeg")


def test_a_set_with_samples_inside_and_a_fdt_beside_it_is_read_whole(tmp_path):
    files = {"_eeg.set": write_set(tmp_path / "x.set", noise()), "_eeg.fdt": noise().tobytes("F")}
    assert layout_of(*write_recording(tmp_path / "bids", files)) is None
