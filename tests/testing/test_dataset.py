"""Writing of a synthetic BIDS dataset."""

from __future__ import annotations

import doctest
import importlib.util
import json

import mne
import numpy as np
import pandas as pd
import pytest
from conversions import convert
from planted_power import measure_log_power
from synthetic_files import read_bytes, read_recordings, read_with_mne_bids

import bids_dl
from bids_dl.errors import ConfigError
from bids_dl.testing import NOISE_UV, PlantedEffect, make_dataset
from bids_dl.testing import dataset as dataset_module


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(dataset_module).failed == 0


def test_equal_designs_write_equal_files_and_another_seed_does_not(tmp_path):
    datasets = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        datasets.append(make_dataset(tmp_path / name, n_subjects=2, n_runs=2, seed=seed))
    first, second, other = datasets
    assert read_bytes(first) == read_bytes(second)
    assert read_bytes(first) != read_bytes(other)
    assert not np.array_equal(first.recordings[0].signals(), other.recordings[0].signals())


def test_a_complete_hydrocel_net_has_the_positions_of_its_template(tmp_path):
    dataset = make_dataset(
        tmp_path, n_subjects=1, n_blocks=1, template="GSN-HydroCel-129", ch_names=()
    )
    signals, raw = read_with_mne_bids(dataset, dataset.recordings[0])
    assert signals.shape[0] == 129
    expected = mne.create_info(raw.ch_names, 1.0, "eeg").set_montage("GSN-HydroCel-129")
    positions = np.array([channel["loc"][:3] for channel in raw.info["chs"]])
    template = np.array([channel["loc"][:3] for channel in expected["chs"]])
    np.testing.assert_allclose(positions, template, atol=2e-6)


@pytest.mark.parametrize("names", [("Cz",), ("Cz", "Fz"), ("O1",)])
def test_any_channels_alone_make_a_dataset(tmp_path, names):
    dataset = make_dataset(tmp_path, n_subjects=1, n_blocks=2, ch_names=names)
    signals = dataset.recordings[0].signals()
    assert signals.shape[0] == len(names)
    assert np.isfinite(signals).all()


def test_description_and_participants_have_the_fields_that_other_tests_use(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=3)
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    fields = {"License", "Authors", "DatasetDOI", "HEDVersion", "BIDSVersion", "Name"}
    assert fields <= set(description)
    participants = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    subjects = [f"sub-{recording.subject}" for recording in dataset.recordings]
    assert list(participants["participant_id"]) == subjects
    assert set(participants["sex"]) == {"F", "M"}


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"n_subject": 3}, "n_subject"),
        ({"ch_names": ("Cz", "XX")}, "synthetic dataset"),
        ({"template": "nowhere"}, "synthetic dataset"),
        ({"variants": [{}, {"template": "nowhere"}]}, "synthetic dataset"),
        ({"dropouts": [(39, 2)]}, "extend to 41 s, but recordings last 40 s"),
        (
            {"effect": PlantedEffect(electrodes=("E7",)), "ch_names": ()},
            r"effect: electrodes \['E7'\] are not among the channels of the template easycap-M1",
        ),
        ({"boundaries": [50]}, "extend to 50 s, but recordings last 40 s"),
        (
            {"sfreq": 1000, "block_duration": 3600},
            "recordings of 115,200,000 values are written as brainvision only",
        ),
    ],
)
def test_an_impossible_design_is_refused_before_anything_is_written(tmp_path, design, message):
    with pytest.raises(ConfigError, match=message) as refusal:
        make_dataset(tmp_path / "new", **design)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "new").exists()


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="run pip install 'edfio>="):
        make_dataset(tmp_path)


def test_sessions_are_part_of_the_path_and_differ_in_their_noise(tmp_path):
    dataset = make_dataset(tmp_path, n_subjects=1, n_sessions=2, n_blocks=1)
    assert [recording.path for recording in dataset.recordings] == [
        f"sub-001/ses-0{i}/eeg/sub-001_ses-0{i}_task-rest_run-1" for i in (1, 2)
    ]
    first, second = (signals for _, signals, _ in read_recordings(dataset))
    assert np.abs(first - second).max() > NOISE_UV


def test_variants_apply_to_the_subjects_in_turn(tmp_path):
    variants = [
        {},
        {"sfreq": 250, "format": "eeglab"},
        {"template": "GSN-HydroCel-129", "ch_names": []},
    ]
    dataset = make_dataset(tmp_path, n_subjects=4, n_blocks=2, variants=variants)
    assert [recording.design.sfreq for recording in dataset.recordings] == [160, 250, 160, 160]
    sizes = []
    for content, signals, header in read_recordings(dataset):
        sizes.append((header.sfreq, len(header.ch_names)))
        np.testing.assert_allclose(signals, content.signals(), atol=0.05)
    assert sizes == [(160, 8), (250, 8), (160, 129), (160, 8)]


@pytest.mark.parametrize(
    "effect",
    [
        PlantedEffect(d=3),
        PlantedEffect(unit="block"),
        PlantedEffect(kind="number", electrodes=("O1", "O2"), band=(20, 30)),
        PlantedEffect(kind="shares", electrodes=("C3", "C4")),
    ],
    ids=["sex", "blocks", "age", "votes"],
)
def test_a_planted_effect_keeps_its_size_through_a_conversion(tmp_path, effect):
    dataset = make_dataset(tmp_path / "bids", n_subjects=4, n_blocks=2, effect=effect)
    assert convert(tmp_path / "bids", tmp_path / "x.zarr").n_windows == 40
    store = bids_dl.open_store(str(tmp_path / "x.zarr"))
    names = effect.electrodes or store.channels
    channels = [store.channels.index(name) for name in names]
    measured = measure_log_power(effect, store.read("signals")[:, channels]).mean(-1)
    drawn = np.concatenate([recording.log_power() for recording in dataset.recordings])
    slope, _ = np.polyfit(drawn, measured, 1)
    assert slope == pytest.approx(1, abs=0.05)
    assert np.abs(measured - measured.mean() - drawn + drawn.mean()).max() < 0.3


def test_the_columns_of_a_planted_effect_are_in_the_tables_of_the_dataset(tmp_path):
    effect = PlantedEffect(kind="shares", n_votes=8, columns=("votes_a", "votes_b"))
    dataset = make_dataset(tmp_path, n_subjects=2, n_blocks=2, effect=effect)
    for recording in dataset.recordings:
        events = pd.read_csv(tmp_path / f"{recording.path}_events.tsv", sep="\t")
        assert events["onset"].tolist() == [2.0 * window for window in range(10)]
        assert (events["duration"] == 2).all()
        assert events["trial_type"].tolist() == ["open"] * 5 + ["closed"] * 5
        np.testing.assert_array_equal(events[["votes_a", "votes_b"]], recording.votes())
        assert (recording.votes().sum(-1) == 8).all()


def test_equal_planted_designs_write_equal_files(tmp_path):
    design = {"n_subjects": 2, "n_blocks": 2, "effect": PlantedEffect(kind="number")}
    datasets = [make_dataset(tmp_path / name, **design) for name in "ab"]
    assert read_bytes(datasets[0]) == read_bytes(datasets[1])
    ages = pd.read_csv(tmp_path / "a" / "participants.tsv", sep="\t")["age"]
    assert ages.nunique() == 2
