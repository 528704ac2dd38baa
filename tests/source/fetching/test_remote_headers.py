"""Headers of remote recordings: equal to those of whole files, from few bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from every_format import IN_RANGES, WHOLE, write_every_format, write_fdt, write_vhdr
from mef_files import write_mef
from nwb_files import write_nwb
from served_dataset import ServedDataset, served_dataset
from signal_files import EdfChannel, edf_bytes, write_recording

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source.fetching import remote_headers

INTRACRANIAL = ("mef", "nwb")
SAMPLES = np.random.default_rng(0).integers(-300, 301, (6, 4000))


@pytest.fixture(scope="module")
def dataset_root(tmp_path_factory) -> Path:
    root = write_every_format(tmp_path_factory.mktemp("formats") / "x", n_seconds=30)
    for subject in INTRACRANIAL:
        stem = root / f"sub-{subject}/ieeg/sub-{subject}_task-x"
        stem.parent.mkdir(parents=True)
        Path(f"{stem}_events.tsv").write_text("onset\tduration\n0\tn/a\n")
    write_mef(root / "sub-mef/ieeg/sub-mef_task-x_ieeg.mefd", {"A1": SAMPLES[0], "A2": SAMPLES[1]})
    write_nwb(
        root / "sub-nwb/ieeg/sub-nwb_task-x_ieeg.nwb",
        SAMPLES[:3].T.astype(np.int16),
        conversion=1e-7,
        rate=200.0,
    )
    return root


@pytest.fixture(scope="module")
def served(dataset_root, tmp_path_factory):
    with served_dataset(dataset_root, tmp_path_factory.mktemp("server")) as dataset:
        yield dataset


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(remote_headers, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(remote_headers, "BUFFER_BYTES", 1024)


def find_subject(dataset: source.Dataset, subject: str):
    recordings = source.find_recordings(dataset, SourceConfig())
    (recording,) = [item for item in recordings if item.subject == subject]
    return recording


def read_remote_header(served: ServedDataset, subject: str, cache: Path) -> source.HeaderReport:
    """Fetch and read the header of a subject."""
    with served.access(cache) as access:
        dataset = source.open_dataset(served.address, access)
        recording = find_subject(dataset, subject)
        served.reset()
        fetched = source.fetch_header(dataset, recording, access)
        return source.read_header_with_notes(fetched, recording)


@pytest.mark.parametrize("subject", [*IN_RANGES, *WHOLE, *INTRACRANIAL])
def test_the_header_of_a_remote_file_is_that_of_the_whole_file(
    served, dataset_root, subject, tmp_path
):
    local = source.open_dataset(str(dataset_root))
    report = read_remote_header(served, subject, tmp_path)
    assert report == source.read_header_with_notes(local, find_subject(local, subject))


@pytest.mark.parametrize("subject", ["edf", "bdf", "multiplexed", "vectorized", "fdt"])
def test_a_header_takes_kilobytes_and_no_file_of_samples(served, subject, tmp_path):
    read_remote_header(served, subject, tmp_path)
    assert served.n_bytes(".eeg") + served.n_bytes(".fdt") == 0
    assert 0 < served.n_bytes() < 70_000


@pytest.mark.parametrize("subject", ["set", "setdouble"])
def test_the_samples_and_times_inside_a_set_file_are_not_fetched(served, subject, tmp_path):
    read_remote_header(served, subject, tmp_path)
    assert served.n_bytes(".set") < 10_000


def serve_one(tmp_path: Path, files: dict, **options):
    """Serve a dataset of one recording, subject 1."""
    root = tmp_path / "bids"
    write_recording(root, files)
    (tmp_path / "server").mkdir()
    return served_dataset(root, tmp_path / "server", **options)


def brainvision_files(folder: Path, *, data: str = ".eeg", is_vectorized: bool = False) -> dict:
    """Return the files of a BrainVision recording by their name."""
    folder.mkdir(exist_ok=True)
    stem = folder / "sub-1_task-x_eeg"
    write_vhdr(stem, SAMPLES, data=data, is_vectorized=is_vectorized)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("data", [".eeg", ".EEG", ".bin"])
def test_a_vhdr_in_git_needs_no_byte_of_the_bucket(tmp_path, data):
    files = brainvision_files(tmp_path / "x", data=data)
    with serve_one(tmp_path, files, in_git=lambda path: not path.endswith(data)) as served:
        report = read_remote_header(served, "1", tmp_path / "cache")
        assert served.bucket.requests == []
    assert report.header.n_times == 4000


def test_a_missing_file_of_samples_is_reported_before_any_is_fetched(tmp_path):
    files = brainvision_files(tmp_path / "x")
    del files["sub-1_task-x_eeg.eeg"]
    with (
        serve_one(tmp_path, files) as served,
        pytest.raises(RecordingError, match=r"_eeg\.eeg with the samples .* does not exist"),
    ):
        read_remote_header(served, "1", tmp_path / "cache")


def test_a_missing_marker_file_is_noted(tmp_path):
    files = brainvision_files(tmp_path / "x")
    del files["sub-1_task-x_eeg.vmrk"]
    with serve_one(tmp_path, files) as served:
        notes = read_remote_header(served, "1", tmp_path / "cache").notes
    assert any("boundaries are unknown" in note for note in notes)


def test_a_missing_fdt_is_reported(tmp_path):
    write_fdt(tmp_path / "x_eeg", SAMPLES)
    files = {"_eeg.set": tmp_path / "x_eeg.set"}
    with (
        serve_one(tmp_path, files) as served,
        pytest.raises(RecordingError, match=r"_eeg\.fdt with the samples .* does not exist"),
    ):
        read_remote_header(served, "1", tmp_path / "cache")


def test_a_fdt_that_is_cut_off_is_refused_by_its_size_alone(tmp_path):
    write_fdt(tmp_path / "x_eeg", SAMPLES)
    content = (tmp_path / "x_eeg.fdt").read_bytes()
    files = {"_eeg.set": tmp_path / "x_eeg.set", "_eeg.fdt": content[:-1000]}
    with serve_one(tmp_path, files) as served:
        with pytest.raises(RecordingError, match=r"has 95000 bytes, its \.set promises 96000"):
            read_remote_header(served, "1", tmp_path / "cache")
        assert served.n_bytes(".fdt") == 0


def test_a_vectorized_file_that_is_cut_off_is_refused_by_its_size_alone(tmp_path):
    files = brainvision_files(tmp_path / "x", is_vectorized=True)
    files["sub-1_task-x_eeg.eeg"] = files["sub-1_task-x_eeg.eeg"][:-2400]
    with serve_one(tmp_path, files) as served:
        with pytest.raises(RecordingError, match="has 93600 bytes, its header promises 96000"):
            read_remote_header(served, "1", tmp_path / "cache")
        assert served.n_bytes(".eeg") == 0


def test_a_multiplexed_file_that_is_cut_off_is_noted_by_its_size_alone(tmp_path):
    files = brainvision_files(tmp_path / "x")
    files["sub-1_task-x_eeg.eeg"] = files["sub-1_task-x_eeg.eeg"][:-1200]
    with serve_one(tmp_path, files) as served:
        report = read_remote_header(served, "1", tmp_path / "cache")
        assert served.n_bytes(".eeg") == 0
    assert report.header.n_times == 3900
    assert any("3900 samples, its header promises 4000" in note for note in report.notes)


def edf_of(n_channels: int, **options) -> bytes:
    channels = [EdfChannel(f"E{i}", SAMPLES[0, :200] + i % 7, 50) for i in range(n_channels)]
    return edf_bytes(channels, **options)


def test_annotations_after_a_thousand_signals_are_found(tmp_path):
    content = edf_of(1100, onsets=range(4), reserved="EDF+C")
    with serve_one(tmp_path, {"_eeg.edf": content}) as served:
        read_remote_header(served, "1", tmp_path / "cache")
        assert served.n_bytes(".edf") == len(content)


def test_a_long_header_is_fetched_once(tmp_path):
    with serve_one(tmp_path, {"_eeg.edf": edf_of(1100)}) as served:
        assert len(read_remote_header(served, "1", tmp_path / "cache").header.ch_names) == 1100
        assert served.n_bytes(".edf") == 256 * 1101


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:252] + b"9999" + content[256:], "states|altered|truncated"),
        (lambda content: content[:252] + b"-5  " + content[256:], "-5 signals"),
        (lambda content: content[:252] + b"abcd" + content[256:], "number of signals"),
        (lambda content: b"<html>" + content, "web page"),
    ],
)
def test_a_damaged_header_is_refused_as_that_of_a_local_file(tmp_path, damage, message):
    content = damage(edf_of(4))
    with (
        serve_one(tmp_path, {"_eeg.edf": content}) as served,
        pytest.raises(RecordingError, match=message) as failure,
    ):
        read_remote_header(served, "1", tmp_path / "cache")
    local = source.open_dataset(str(tmp_path / "bids"))
    with pytest.raises(RecordingError) as expected:
        source.read_header(local, find_subject(local, "1"))
    assert str(failure.value) == str(expected.value)


def test_if_the_version_is_gone_the_whole_file_is_fetched_and_verified(tmp_path):
    content = edf_of(20)
    with serve_one(tmp_path, {"_eeg.edf": content}, has_versions=False) as served:
        report = read_remote_header(served, "1", tmp_path / "cache")
        assert served.n_bytes(".edf") == len(content)
    assert len(report.header.ch_names) == 20


def test_of_another_object_of_the_same_size_no_range_is_used(tmp_path):
    content = edf_of(20)
    with serve_one(tmp_path, {"_eeg.edf": content}, has_versions=False) as served:
        path = next(iter(served.bucket.n_bytes), "ds000001/sub-1/eeg/sub-1_task-x_eeg.edf")
        served.bucket.publish(path, content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(RecordingError, match="checksum") as failure:
            read_remote_header(served, "1", tmp_path / "cache")
    assert failure.value.stage == "source"


@pytest.mark.parametrize("subject", ["edf", "setdouble", "fdt", "edfplus", "vectorized"])
def test_a_header_that_was_fetched_before_needs_no_request(served, subject, tmp_path):
    first = read_remote_header(served, subject, tmp_path)
    assert read_remote_header(served, subject, tmp_path) == first
    assert served.bucket.requests == []
