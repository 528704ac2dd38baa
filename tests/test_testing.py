from __future__ import annotations

import json

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest
from hed import HedString, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl import testing
from bids_dl.errors import ConfigError
from bids_dl.testing import HED, NOISE, TONE, make_dataset


def read(dataset, recording):
    """The recording as mne-bids reads it, in µV, and its header."""
    path = mne_bids.BIDSPath(root=dataset.root, subject=recording.subject, task="rest", run=recording.run, datatype="eeg")
    raw = mne_bids.read_raw_bids(path, verbose="error")
    return raw.get_data() * 1e6, raw


def contents(dataset):
    return {path.relative_to(dataset.root): path.read_bytes() for path in dataset.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("kind", "step"), [("edf", 0.05), ("bdf", 1e-3), ("brainvision", 1e-3)])
@pytest.mark.parametrize("sfreq", [100, 250, 512])
def test_what_mne_bids_reads_is_what_was_said(tmp_path, kind, step, sfreq):
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=sfreq, n_blocks=2, format=kind, bads=("C3",))
    signals, raw = read(dataset, dataset.recordings[0])
    assert raw.info["sfreq"] == sfreq
    assert raw.info["bads"] == ["C3"]
    assert tuple(raw.ch_names) == dataset.recordings[0].ch_names
    np.testing.assert_allclose(signals, dataset.recordings[0].signals(), atol=step)


def test_equal_designs_write_equal_files_and_another_seed_does_not(tmp_path):
    first, second, other = (
        make_dataset(tmp_path / name, n_subjects=2, n_runs=2, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert contents(first) == contents(second)
    assert contents(first) != contents(other)
    assert not np.array_equal(first.recordings[0].signals(), other.recordings[0].signals())


def test_events_name_the_samples_of_the_impulses(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, sfreq=500)
    [recording] = dataset.recordings
    rows = pd.read_csv(tmp_path / f"{recording.path}_events.tsv", sep="\t")
    named = rows["sample"][rows["trial_type"] == "impulse"].to_numpy()
    assert len(named) == 2 * dataset.design.n_blocks
    highest = np.argsort(recording.signals()[0])[-len(named) :]
    assert sorted(highest) == sorted(named)
    assert (np.floor(rows["onset"] * 500 + 0.5) == rows["sample"]).all()
    assert rows["onset"].is_monotonic_increasing


def test_blocks_tile_the_recording_and_alpha_is_in_the_closed_ones(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1)
    [recording] = dataset.recordings
    blocks = [event for event in recording.events if event.n_times]
    assert [event.label for event in blocks] == ["open", "closed", "open", "closed"]
    assert [event.sample for event in blocks] == [0, 1600, 3200, 4800]
    signals = recording.signals()[recording.ch_names.index("O1")]
    power = []
    for event in blocks:
        spectrum = np.abs(np.fft.rfft(signals[event.sample : event.sample + event.n_times])) ** 2
        power.append(spectrum[80:131].mean())
    assert min(power[1], power[3]) > 10 * max(power[0], power[2])


def test_each_tone_has_the_amplitude_that_was_said(tmp_path):
    [recording] = make_dataset(tmp_path, n_subjects=1).recordings
    signals = recording.signals()
    times = np.arange(signals.shape[1]) / recording.design.sfreq
    measured = 2 * (signals * np.sin(2 * np.pi * TONE * times)).mean(-1)
    np.testing.assert_allclose(measured, recording.tones, atol=0.1 * NOISE)


def test_its_hed_is_valid(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1)
    description = json.loads((dataset.root / "dataset_description.json").read_text())
    schema = load_schema_version(description["HEDVersion"], xml_folder=INSTALLED_CACHE_LOCATION)
    for text in HED.values():
        assert not [issue for issue in HedString(text, schema).validate() if issue["severity"] < 10]


def test_a_whole_hydrocel_net_has_the_positions_of_its_template(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, n_blocks=1, template="GSN-HydroCel-129", ch_names=())
    signals, raw = read(dataset, dataset.recordings[0])
    assert signals.shape[0] == 129
    template = mne.create_info(raw.ch_names, 1.0, "eeg").set_montage("GSN-HydroCel-129")
    measured, wanted = (np.array([channel["loc"][:3] for channel in info["chs"]]) for info in (raw.info, template))
    np.testing.assert_allclose(measured, wanted, atol=2e-6)


def test_bids_fields_that_others_rely_on_are_there(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=3)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert {"License", "Authors", "DatasetDOI", "HEDVersion", "BIDSVersion", "Name"} <= set(description)
    people = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    assert list(people["participant_id"]) == [f"sub-{recording.subject}" for recording in dataset.recordings]
    assert set(people["sex"]) == {"F", "M"}


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"n_subject": 3}, "n_subject"),
        ({"format": "fif"}, "format"),
        ({"sfreq": 0}, "sfreq"),
        ({"bads": ("Nz",)}, "Nz"),
        ({"ch_names": ("Cz", "XX")}, "synthetic dataset"),
        ({"template": "nowhere"}, "synthetic dataset"),
    ],
)
def test_a_wrong_design_is_refused_before_anything_is_written(tmp_path, design, message):
    with pytest.raises(ConfigError, match=message) as refused:
        make_dataset(tmp_path / "new", **design)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(testing.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="pip install edfio"):
        make_dataset(tmp_path)
