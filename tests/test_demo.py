"""The demonstration on the real EEG of the package."""

from __future__ import annotations

import functools
import re
import shutil

import pytest

import bids_dl
from bids_dl import api, demo
from bids_dl.training import TrainingEvent


@pytest.mark.slow
def test_the_demo_converts_trains_and_plots(eyes_store, tmp_path, monkeypatch, capsys):
    from bids_dl.cli.show_training import print_demo

    shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    monkeypatch.setattr(api, "train", functools.partial(bids_dl.train, epochs=1, device="cpu"))
    stages = []
    messages = []
    result = demo.run_demo(
        tmp_path,
        jobs=1,
        on_progress=lambda progress: stages.append(progress.stage),
        on_message=messages.append,
    )
    assert len(result.survey.events) == 8
    assert result.outcome.unchanged
    assert result.description["shape"] == [240, 24, 256]
    assert result.training.run_dir == tmp_path / "run"
    assert result.pictures[0] == tmp_path / "alpha.png"
    names = {picture.name for picture in result.pictures}
    assert names >= {"alpha.png", "confusion.png", "learning_curves.png"}
    assert all(picture.stat().st_size > 10_000 for picture in result.pictures)
    assert result.credits.is_file()
    assert "plan" in stages
    assert len(messages) == 5, "one about the training and one per fold, none of epochs"

    print_demo(result)
    printed = " ".join(capsys.readouterr().out.split())
    assert "8 events in 11 recordings of real EEG" in printed
    assert "--hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed --window 2" in printed
    assert "Each person was tested by a network that was trained on the other persons" in printed
    assert re.search(r"linear baseline band-power, .* reaches 0\.\d{3}\. 4 persons are", printed)


def test_only_tested_folds_give_a_message():
    messages = []
    for kind in ("started", "epoch", "tested"):
        demo._send_tested_fold(TrainingEvent(kind, f"about {kind}", None, 4), messages.append)
    assert messages == ["about tested"]


def test_a_used_run_folder_gets_a_number(tmp_path):
    assert demo._unused_folder(tmp_path / "run") == tmp_path / "run"
    (tmp_path / "run").mkdir()
    (tmp_path / "run-2").mkdir()
    assert demo._unused_folder(tmp_path / "run") == tmp_path / "run-3"
