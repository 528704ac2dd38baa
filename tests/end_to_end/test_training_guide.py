"""The commands of docs/training.md run, with fewer epochs, and its claims hold."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import people_store
import pytest

import bids_dl

GUIDE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
FEW_EPOCHS = ("--epochs", "2", "--device", "cpu")


@pytest.fixture
def folder(command, eyes_store) -> Path:
    """Working directory with the stores and the file of options of the guide."""
    Path("eyes.zarr").symlink_to(eyes_store)
    [options] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    Path("train.yaml").write_text(options)
    table = people_store.window_table(3, n_windows=4)
    rows = np.arange(len(table))
    shares = {"vote_a": (rows % 4).astype(float), "vote_b": 3.0 - rows % 4}
    block = rows // 4
    labels = {"has_spike": block % 2 * 1.0, "has_slowing": (block + block // 2) % 2 * 1.0}
    table = table.assign(block=block, **shares, **labels)
    people_store.write_store(Path("rated.zarr"), table, n_times=128)
    return Path.cwd()


@pytest.mark.slow
def test_the_commands_of_the_guide_run_in_order(command, folder):
    for line in COMMANDS:
        program, *arguments = shlex.split(line)
        if program != "bids-dl" or "s3://" in line:
            continue
        options = FEW_EPOCHS if arguments[0] == "train" else ()
        result = command(*arguments, *options)
        assert result.status == 0, (line, result.err)
    kinds = {}
    for file in Path("runs").glob("*/metrics.json"):
        metrics = json.loads(file.read_text())
        kinds[file.parent.name] = (metrics["kind"], metrics["same_person"])
    assert kinds["age"] == ("number", False)
    assert kinds["votes"] == ("shares", False)
    assert kinds["findings"] == ("labels", False)
    assert kinds["later"] == ("classes", True)
    assert len(list(csv.DictReader(Path("runs.csv").read_text().splitlines()))) == 3
    documented = re.findall(r"^\| (`.*?) \| ", GUIDE.partition("## The run folder")[2], re.M)
    for name in re.findall(r"`(.*?)`", " ".join(documented)):
        assert list(Path("runs/eyes-shallow-fbcsp-0").glob(name)), name


@pytest.mark.slow
def test_two_processes_of_torchrun_train_together(folder):
    [line] = [line for line in COMMANDS if line.startswith("torchrun")]
    launcher = [sys.executable, "-m", "torch.distributed.run", *shlex.split(line)[1:]]
    done = subprocess.run(
        [*launcher, *FEW_EPOCHS, "--threads", "1"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run folder: runs/two-processes") == 1
    cost = json.loads(Path("runs/two-processes/cost.json").read_text())
    assert cost["processes"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_is_resumed_by_the_same_command(command, folder, number):
    train = ("train", "eyes.zarr", "--epochs", "12", "--device", "cpu", "--run-dir", "run")
    process = subprocess.Popen(
        [sys.executable, "-m", "bids_dl", *train],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = iter(process.stderr)
    assert any(line.startswith("epoch 2:") for line in lines)
    process.send_signal(number)
    *_, last = lines
    assert process.wait(timeout=60) == 128 + number
    assert last == "error: interrupted; run the same command again to resume\n"
    assert not Path("run/metrics.json").exists()
    resumed = command(*train)
    assert resumed.status == 0, resumed.err
    assert "epoch 12:" in resumed.err
    assert not re.search(r"^epoch 2:", resumed.err, re.MULTILINE)


@pytest.mark.parametrize("unit", ["run", "recording"])
def test_folds_of_recordings_with_one_class_are_refused(command, eyes_store, unit):
    result = command("train", eyes_store, "--folds", unit, "--device", "cpu")
    assert result.status == 2
    assert "has no training window" in result.err


def test_the_guide_has_a_command_for_each_kind_of_target_and_split():
    text = "\n".join(COMMANDS)
    for words in ("--target Age", "--target Gender", "'vote_*'", "has_spike --target has_slowing"):
        assert words in text
    assert {"--folds loso", "--folds 2", "--folds time"} <= set(re.findall(r"--folds \w+", text))


def test_every_option_that_the_guide_names_exists():
    manual = (Path(bids_dl.__file__).parents[1] / "docs" / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE)) - {"--nproc-per-node", "--logdir"}
    assert [name for name in named if name not in manual] == []


def test_every_link_of_the_guide_leads_to_a_file():
    links = re.findall(r"\]\(([^)#]+)", GUIDE)
    docs = Path(bids_dl.__file__).parents[1] / "docs"
    assert [link for link in links if not (docs / link).exists()] == []
