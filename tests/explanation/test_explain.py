"""Explanations of real and of planted effects, and of networks that have learnt nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from people_store import target_table, window_table, write_store

import bids_dl
from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.errors import ModelError, NoMatchError
from bids_dl.explanation.arrays import name_arrays
from bids_dl.explanation.controls import build_control
from bids_dl.explanation.explain import explain_run
from bids_dl.models.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from bids_dl.models.target import TargetSpec
from bids_dl.prediction import read_folds
from bids_dl.testing import PlantedEffect, plant_store

CHANNELS = ("C0", "C1", "C2")
ELECTRODES = ("P3", "O1", "O2")
TARGETS = {
    "classes": TargetSpec("label", "classes", ("label",), ("rest", "move")),
    "number": TargetSpec("age", "number", ("age",), ("age",), mean=40.0, std=10.0),
    "shares": TargetSpec("votes_*", "shares", ("votes_rest", "votes_move"),
                         ("votes_rest", "votes_move")),
    "labels": TargetSpec("blink, jaw", "labels", ("blink", "jaw"), ("blink", "jaw")),
}  # fmt: skip
TINY = ExplainConfig(
    starts=2, steps=3, n_random=2, max_windows=16, integration_steps=2, top=3, device="cpu"
)
SHORT = ExplainConfig(starts=6, steps=60, integration_steps=8, max_windows=80, device="cpu")
ALPHA = 2  # number of the band


def write_run(folder: Path, spec: TargetSpec, *, model="shallow-fbcsp", **options) -> Path:
    """Write a run of two models with random weights, each fitted on two of four persons."""
    folder.mkdir()
    folds = []
    for number, persons in enumerate((["00", "01"], ["02", "03"])):
        card = ModelCard(model, CHANNELS, 64, 64.0, spec, options=options)
        name = f"weights-{number}.safetensors"
        save_checkpoint(build_control(card, 10 + number), card, folder / name)
        train = [["ds1", person] for person in persons]
        folds.append({"train": train, "validation": [], "weights": name, "held_out": f"g{number}"})
    (folder / "folds.json").write_text(json.dumps(folds))
    return folder


@pytest.fixture(scope="module")
def targets(tmp_path_factory) -> str:
    """A store of four people with all kinds of targets."""
    return write_store(tmp_path_factory.mktemp("targets") / "targets.zarr", target_table(4))


@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_target_is_explained(kind, targets, tmp_path):
    spec = TARGETS[kind]
    found = explain_run(targets, write_run(tmp_path / "run", spec), TINY)
    n_outputs = spec.n_outputs
    assert [fold["held_out"] for fold in found.folds] == ["g0", "g1"]
    assert {fold["n_persons"] for fold in found.folds} == {2}
    assert found.maximization.spectra.shape == (2, n_outputs, 32)
    assert found.maximization.random_spectra.shape == (2, 2, n_outputs, 32)
    assert found.best_windows.difference.value.shape == (n_outputs, 5, 3)
    assert found.removal.difference.value.shape == (n_outputs, 32)
    for saliency in found.saliency:
        assert saliency.by_band.shape == (2, n_outputs, 5, 3)
        assert saliency.by_channel.sum(axis=-1) == pytest.approx(np.ones((2, n_outputs)), abs=1e-4)
        assert saliency.random_by_band.shape == (2, 2, n_outputs, 5, 3)
    assert np.isfinite(found.maximization.logits).all()
    assert {claim.part for claim in found.claims} == {
        *("accuracy", "best windows", "maximization", "gradient", "integrated gradients"),
        *("randomization", "removal"),
    }
    assert not any(claim.is_shown for claim in found.claims)


def test_the_same_seed_gives_the_same_numbers(targets, tmp_path):
    run = write_run(tmp_path / "run", TARGETS["classes"])
    torch.manual_seed(1)
    first = explain_run(targets, run, TINY)
    torch.manual_seed(2)
    second = explain_run(targets, run, TINY)
    for name, array in name_arrays(first).items():
        np.testing.assert_array_equal(array, name_arrays(second)[name], err_msg=name)
    assert first.claims == second.claims


def test_progress_is_one_line_for_each_analysis(targets, tmp_path):
    lines = []
    explain_run(targets, write_run(tmp_path / "run", TARGETS["classes"]), TINY,
                on_message=lines.append)  # fmt: skip
    assert lines[0] == "fold 1 of 2 (g0): outputs"
    assert lines[-1] == "best windows"


def test_persons_that_all_models_have_seen_are_explained_without_a_claim(tmp_path):
    url = write_store(tmp_path / "seen.zarr", window_table(2))
    run = write_run(tmp_path / "run", TARGETS["classes"])
    folds = json.loads((run / "folds.json").read_text())
    (run / "folds.json").write_text(json.dumps(folds[:1]))
    found = explain_run(url, run, TINY)
    assert found.folds[0]["n_windows"] == 32
    assert "nothing is claimed" in found.warnings[0]
    assert not any(claim.is_shown for claim in found.claims)


def test_a_store_without_the_target_has_no_claim(tmp_path):
    url = write_store(tmp_path / "s.zarr", window_table(4))
    found = explain_run(url, write_run(tmp_path / "run", TARGETS["number"]), TINY)
    assert found.claims[0].statement.startswith("The accuracy is not known")
    assert not any(claim.is_shown for claim in found.claims)


def test_a_missing_split_is_refused(targets, tmp_path):
    run = write_run(tmp_path / "run", TARGETS["classes"])
    with pytest.raises(NoMatchError, match="no window has the split 'test'"):
        explain_run(targets, run, ExplainConfig(split="test"))


def test_a_folder_that_is_no_run_is_refused(targets, tmp_path):
    with pytest.raises(ModelError, match="not a run folder"):
        explain_run(targets, tmp_path, TINY)


@pytest.mark.slow
def test_a_model_with_a_transform_has_its_gradient_there_too(targets, tmp_path):
    run = write_run(tmp_path / "run", TARGETS["classes"], model="c2f", size="small")
    gradient, integrated = explain_run(targets, run, TINY).saliency
    assert gradient.transform == "spectrogram-image"
    assert gradient.of_input.shape[:2] == (2, 3)
    assert gradient.of_input.max() > 0
    assert integrated.of_input.size == 0


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A store with alpha at three electrodes in men, and a run that has learnt it."""
    folder = tmp_path_factory.mktemp("planted")
    effect = PlantedEffect(d=3, electrodes=ELECTRODES, between=0.5, within=0.5)
    store = plant_store(folder / "s.zarr", effect, n_persons=16, n_windows=20)
    return store, train(store, folder / "run")


def train(store, run: Path) -> Path:
    bids_dl.train(
        store.url, run_dir=str(run), target="sex", model="shallow-fbcsp", folds=4, epochs=15,
        lr=3e-3, normalize="training", device="cpu",
    )  # fmt: skip
    return run


@pytest.mark.slow
def test_a_planted_band_and_its_electrodes_come_first(planted):
    store, run = planted
    found = explain_run(store.url, run, SHORT)
    names = np.array(store.population.ch_names)
    difference = found.best_windows.difference.value[1]
    assert difference.max(axis=1).argmax() == ALPHA
    assert set(names[np.argsort(-difference[ALPHA])[:3]]) == set(ELECTRODES)
    for saliency in found.saliency:
        by_band = saliency.by_band.mean(axis=0)[1]
        assert by_band.sum(axis=1).argmax() == ALPHA
        assert set(names[np.argsort(-by_band[ALPHA])[:3]]) == set(ELECTRODES)
    peaks = found.maximization.peaks[:, 1]
    assert ((peaks >= 8) & (peaks <= 13)).all()
    of_channels = found.maximization.band_power[:, 1, ALPHA].mean(axis=0)
    assert set(names[np.argsort(-of_channels)[:3]]) == set(ELECTRODES)
    shown = {claim.part: claim.statement for claim in found.claims if claim.is_shown
             and claim.output in ("", "M") and "8 to 13 Hz" in claim.statement}  # fmt: skip
    assert {"best windows", "maximization", "gradient", "integrated gradients"} <= set(shown)
    assert found.saliency[1].completeness_gap.max() < 0.2  # of 8 steps


@pytest.mark.slow
def test_nothing_is_claimed_of_random_networks(planted, tmp_path):
    store, run = planted
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    for fold in read_folds(copy):
        _, card = load_checkpoint(fold.path)
        save_checkpoint(build_control(card, 77), card, fold.path)
    found = explain_run(store.url, copy, SHORT)
    assert [claim.statement for claim in found.claims if claim.is_shown] == []


@pytest.mark.slow
def test_nothing_is_claimed_of_labels_that_do_not_depend_on_the_signal(tmp_path):
    effect = PlantedEffect(d=0, electrodes=ELECTRODES, between=0.5, within=0.5)
    store = plant_store(tmp_path / "s.zarr", effect, n_persons=16, n_windows=20)
    found = explain_run(store.url, train(store, tmp_path / "run"), SHORT)
    assert [claim.statement for claim in found.claims if claim.is_shown] == []


@pytest.mark.slow
def test_networks_that_tell_closed_eyes_look_for_alpha(eyes_store, tmp_path):
    run = tmp_path / "run"
    bids_dl.train(
        str(eyes_store), run_dir=str(run), model="shallow-fbcsp", folds="loso", epochs=20,
        normalize="recording", device="cpu",
    )  # fmt: skip
    config = ExplainConfig(**{**asdict(SHORT), "steps": 150, "n_random": 3})
    found = explain_run(str(eyes_store), run, config)
    assert found.claims[0].is_shown
    peaks = found.maximization.peaks[:, 1]
    of_random = found.axes.frequencies[found.maximization.random_spectra.argmax(-1)][:, :, 1]
    assert ((peaks >= 8) & (peaks <= 13)).sum() >= 3
    assert ((of_random >= 8) & (of_random <= 13)).mean() < 0.5
    share = found.saliency[0].by_band[:, 1, ALPHA].sum(axis=-1)
    random = found.saliency[0].random_by_band[:, :, 1, ALPHA].sum(axis=-1)
    assert (share > random.mean(axis=1)).sum() >= 3
    removal = found.removal.difference
    alpha = (found.axes.frequencies >= 8) & (found.axes.frequencies < 13)
    assert (removal.low[:, alpha] < 0).any()
    assert (removal.high[:, alpha] > 0).any()
    assert not any(claim.is_shown for claim in found.claims if claim.part == "removal")
