"""From answers to training: log, derivative, store, soft labels and detections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from annotation_folders import append_answers, write_classes

import bids_dl
from bids_dl.annotate.derivative import export_annotations
from bids_dl.errors import StoreError
from bids_dl.testing import make_dataset

RECIPE = """
name: as-recorded
steps:
  - pick: {types: [eeg]}
"""
QUERIES = {"spike": "Spike", "background": "Background-activity"}


def options(labels: Path, recipe: Path, **more) -> dict:
    return {
        "annotations": labels,
        "hed": QUERIES,
        "recipe": recipe,
        "split": 1,
        "scheduler": "synchronous",
        **more,
    }


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Recipe that changes no sample."""
    file = tmp_path / "as-recorded.yaml"
    file.write_text(RECIPE)
    return file


@pytest.mark.parametrize("sfreq", [160, 32_000])
def test_windows_are_where_the_expert_marked_to_the_sample(tmp_path, recipe, sfreq):
    design = {"n_subjects": 1, "n_blocks": 1, "block_duration": 4, "sfreq": sfreq}
    dataset = make_dataset(tmp_path / "ds1", ch_names=["Cz", "Pz"], format="brainvision", **design)
    [recording] = dataset.recordings
    n_times = recording.n_times
    length = sfreq // 4
    starts = [0, 1, 2 * length + 17, n_times - length - 1, n_times - length]
    labels = tmp_path / "labels"
    write_classes(labels)
    answers = [(start / sfreq, length / sfreq, "spike") for start in starts]
    append_answers(labels, recording.path, [*answers, (2.0, 0.25, "background")])
    export_annotations(labels)
    store = tmp_path / "spikes.zarr"
    more = {"window": length / sfreq, "overlap": "each"}
    outcome = bids_dl.convert(dataset.root, store, **options(labels, recipe, **more))
    assert outcome.failures == ()
    opened = bids_dl.open_store(store)
    table = opened.table
    spikes = table[table["label"] == "spike"].sort_values("onset")
    found = np.rint(spikes["onset"] * sfreq).astype(int).tolist()
    assert found == starts
    assert spikes["onset"].tolist() == pytest.approx([s / sfreq for s in starts], abs=1e-9)
    recorded = recording.signals()
    signals = np.asarray(opened.read("signals"))[spikes.index]
    for window, start in zip(signals, starts, strict=True):
        errors = {}
        for first in range(max(start - 1, 0), min(start + 1, n_times - length) + 1):
            errors[first] = np.abs(window - recorded[:, first : first + length]).mean()
        assert min(errors, key=errors.get) == start
        assert errors[start] < 0.3  # µV, of the resolution of the file


@pytest.mark.slow
def test_changed_answers_are_another_plan_and_equal_ones_the_same(tmp_path, recipe):
    dataset = make_dataset(tmp_path / "ds1", n_subjects=2, n_blocks=1, block_duration=4)
    first, _ = dataset.recordings
    labels = tmp_path / "labels"
    write_classes(labels)
    append_answers(labels, first.path, [(0.0, 1.0, "spike"), (1.0, 1.0, "background")])
    export_annotations(labels)
    store = tmp_path / "spikes.zarr"
    request = options(labels, recipe, window=1)
    outcome = bids_dl.convert(dataset.root, store, **request)
    assert "skipped 1 of 2 recordings: they have no rows in --annotations" in outcome.warnings
    export_annotations(labels)
    moved = labels.rename(tmp_path / "moved")
    assert bids_dl.convert(dataset.root, store, **request | {"annotations": moved}).unchanged

    opened = bids_dl.open_store(store)
    assert opened.attributes["hed_versions"] == {"ds1": "score_2.1.0"}
    assert opened.attributes["annotations"]["ds1"]["generated_by"] == ["bids_dl"]
    assert str(tmp_path) not in (store / "zarr.json").read_text()
    assert bids_dl.verify(store, sources=dataset.root, annotations=moved).problems == ()
    with pytest.raises(StoreError, match="was converted with"):
        bids_dl.verify(store, sources=dataset.root)

    append_answers(moved, first.path, [(2.0, 1.0, "spike")])
    export_annotations(moved)
    with pytest.raises(StoreError, match="the sources have changed: files of"):
        bids_dl.convert(dataset.root, store, **request | {"annotations": moved})
    [damage] = bids_dl.verify(store, sources=dataset.root, annotations=moved).problems
    assert "its annotations are not those that were converted" in damage.problem


@pytest.mark.slow
def test_soft_labels_train_a_network_whose_detections_are_annotations(tmp_path, recipe):
    dataset = make_dataset(tmp_path / "ds1", n_subjects=3, n_blocks=2, block_duration=10)
    labels = tmp_path / "labels"
    write_classes(labels)
    for recording in dataset.recordings:
        for name in ("expert-1", "expert-2"):
            answers = []
            for second in range(20):
                is_spike = second % 4 == 0 or (name == "expert-2" and second % 4 == 1)
                answers.append((float(second), 1.0, "spike" if is_spike else "background"))
            append_answers(labels, recording.path, answers, annotator=name)
    export_annotations(labels)
    store = tmp_path / "soft.zarr"
    request = options(labels, recipe, event="trial_type", window=1)
    del request["hed"]
    bids_dl.convert(dataset.root, store, **request)
    opened = bids_dl.open_store(store)
    shares = opened.table[["votes_background", "votes_spike", "votes_wave"]]
    assert shares.dtypes.tolist() == [np.float64] * 3
    assert sorted(set(shares["votes_spike"])) == [0.0, 0.5, 1.0]

    run = tmp_path / "run"
    training = {"epochs": 1, "device": "cpu", "folds": "loso", "run_dir": run}
    result = bids_dl.train(store, target="votes_*", **training)
    assert result.metrics["outputs"] == ["votes_background", "votes_spike", "votes_wave"]
    found = tmp_path / "found"
    bids_dl.predict(
        store,
        run_dir=run,
        device="cpu",
        write_annotations=found,
        threshold=0.01,
        classes=labels / "code" / "classes.yaml",
    )
    survey = bids_dl.events(dataset.root, annotations=found, hed={"spike": "Spike"})
    assert {event.recording for event in survey.events} == {
        f"ds1/{recording.path}" for recording in dataset.recordings
    }
