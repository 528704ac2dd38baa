"""Wrong requests of `bids-dl train`: a short message with the value, status 2, nothing written."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import people_store
import pytest
import torch

N_PERSONS = 5
LEAK = re.compile(r"Traceback|nput should|pydantic|object at 0x|None")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """Store of five people, one of whom tests, with columns of many kinds of targets."""
    splits = ("train", "train", "train", "test", "test")
    table = people_store.window_table(N_PERSONS, splits=splits, n_windows=6)
    person = table["subject"].astype(int).to_numpy()
    rows = np.arange(len(table))
    numbers = {
        "age": 20.0 + 5 * person,
        "constant": np.full(len(table), 3.0),
        "votes_a": np.where(rows % 2, 0.25, 0.75),
        "votes_b": np.where(rows % 2, 0.75, 0.25),
        "wrong_a": np.where(rows == 7, 0.2, 0.5),
        "wrong_b": np.full(len(table), 0.5),
        "partial": np.where(person == 1, np.nan, 20.0 + person),
        "onset": 2.0 * (rows % 12),
        "block": rows // 6,
    }
    texts = {"site": "Oslo", "session": "01", "run": "1"}
    table = table.assign(**texts, **numbers)
    folder = tmp_path_factory.mktemp("stores") / "people.zarr"
    return people_store.write_store(folder, table, n_times=128, sfreq=64.0)


def requests() -> dict[str, tuple[str, ...]]:
    """Return the fragments of the message by the options of the request."""
    return {
        # model
        "--model shalow-fbcsp": ("'shalow-fbcsp'", "did you mean 'shallow-fbcsp'?"),
        "--model r-scnn": ("r-scnn", "(24, 256)", "(3, 128)"),
        "--model-option dropuot=0.5": ("dropuot", "did you mean 'dropout'?"),
        "--model-option dropout=much": ("dropout 'much'", "expected a number"),
        "--model-option dropout": ("--model-option", "expected KEY=VALUE"),
        # target
        "--target lable": ("'lable'", "did you mean 'label'?"),
        "--target vote*x": ("'vote*x'",),
        "--target subject": ("'subject' cannot be a target",),
        "--target constant": ("'constant'", "nothing to learn"),
        "--target site": ("'site'", "one class, 'Oslo'"),
        "--target site --target-kind number": ("'site'", "text", "Oslo"),
        "--target age --target-kind shares": ("kind shares", "two or more columns"),
        "--target votes_* --target-kind number": ("kind number", "one column of numbers"),
        "--target votes_a --target votes_b --target-kind labels": ("labels must be 0, 1",),
        "--target wrong_*": ("window 7", "0.2", "sum to 0.7"),
        "--target label --target age": ("several columns must contain numbers", "label"),
        "--target age --target-kind regression": ("--target-kind 'regression' is not one of",),
        "--target partial": ("12 of 60 windows have no 'partial'", "--drop-missing"),
        # votes
        "--vote-by subject": ("--vote-by subject", "several values of label"),
        "--vote-by person": ("--vote-by 'person' is not one of",),
        # split
        "--folds lso": ("'lso'", "did you mean 'loso'?"),
        "--folds 1": ("--folds 1", "at least 2"),
        "--folds 6": ("6 folds of 5 persons", "from 2 to 5"),
        "--folds -3": ("--folds -3", "at least 2"),
        "--folds session": ("--folds session", "no person has windows of two sessions"),
        "--folds time --gap 1000": ("--gap 1000", "leaves"),
        "--folds time --gap -1": ("--gap -1.0: expected a number of at least 0",),
        "--gap 3": ("--gap 3", "give --folds time"),
        "--folds time --stratify site": ("--stratify site", "--folds K"),
        "--folds 2 --stratify sight": ("--stratify sight", "no such column"),
        "--folds 2 --stratify label": ("--stratify label", "one value per person"),
        "--folds loso --where shoe=42": ("--where shoe=42", "no such column"),
        "--folds loso --where age=90..99": ("--where age=90..99 matches none of 60 windows",),
        "--folds loso --where age": ("--where age", "expected COLUMN=VALUE"),
        "--folds loso --where age=old..older": ("--where age=old..older",),
        "--folds loso --where label=rest": ("rest", "two classes"),
        "--patience 3": ("no person is in split validation",),
        # optimization
        "--epochs 0": ("--epochs 0: expected a number of at least 1",),
        "--epochs ten": ("--epochs 'ten'", "integer"),
        "--patience 0": ("--patience 0: expected a number of at least 1",),
        "--monitor accuracy": ("--monitor accuracy", "--patience"),
        "--folds loso --patience 2 --monitor acuracy": ("--monitor acuracy", "'accuracy'"),
        "--target age --folds loso --patience 2 --monitor accuracy": (
            "--monitor accuracy",
            "of kind number",
        ),
        "--batch-size 0": ("--batch-size 0: expected a number of at least 1",),
        "--optimizer adamq": ("--optimizer adamq", "did you mean 'adam"),
        "--optimizer LBFGS": ("--optimizer LBFGS", "several times per step"),
        "--optimizer SparseAdam": ("--optimizer SparseAdam", "sparse gradients"),
        "--optimizer sgd --optimizer-option momentm=1": ("momentm", "did you mean 'momentum'?"),
        "--optimizer sgd --optimizer-option momentum=-1": ("momentum=-1", "SGD refuses it"),
        "--optimizer-option lr=3": ("--optimizer-option lr", "--lr"),
        "--lr 0": ("--lr 0.0: expected a number greater than 0",),
        "--weight-decay -1": ("--weight-decay -1.0: expected a number of at least 0",),
        "--warmup -1": ("--warmup -1.0: expected a number of at least 0",),
        "--warmup 40": ("--warmup 40", "--epochs 30"),
        "--schedule linear": ("--schedule 'linear' is not one of",),
        "--min-lr 0.0001": ("--min-lr 0.0001", "--schedule cosine"),
        "--schedule cosine --min-lr 1": ("--min-lr 1", "at most --lr 0.001"),
        "--clip 0": ("--clip 0.0: expected a number greater than 0",),
        "--ema 1": ("--ema 1.0: expected a number less than 1",),
        "--loss mse": ("--loss mse", "'label'", "classes"),
        "--target age --class-weights inverse": ("--class-weights", "'age'"),
        "--label-smoothing 1.5": ("--label-smoothing 1.5: expected a number less than 1",),
        "--target age --label-smoothing 0.1": ("--label-smoothing", "'age'"),
        "--seed -1": ("--seed -1: expected a number of at least 0",),
        "--seeds 0": ("--seeds 0: expected a number of at least 1",),
        # computation
        "--device tpu": ("unknown device 'tpu'", "auto"),
        "--precision double": ("--precision 'double' is not one of",),
        "--threads 0": ("--threads 0: expected a number of at least 1",),
        "--workers -1": ("--workers -1: expected a number of at least 0",),
        "--checkpoint-minutes 0": ("--checkpoint-minutes 0.0: expected a number greater than 0",),
        "--normalize minmax": ("--normalize 'minmax' is not one of",),
        "--log wandb": ("--log 'wandb' is not one of",),
        # files
        "--config nosuch.yaml": ("--config nosuch.yaml", "cannot be read"),
        "--storage-option anon": ("--storage-option", "expected KEY=VALUE"),
        "--epoch 3": ("--epoch",),
    }


def assert_refused(result, *fragments: str) -> None:
    """Check that a request ended with status 2 and a message of at most four lines."""
    assert result.status == 2, result
    assert result.out == ""
    assert 1 <= len(result.err.strip().splitlines()) <= 4, result.err
    assert all(fragment in result.err for fragment in fragments), result.err
    assert not LEAK.search(result.err), result.err


@pytest.mark.parametrize("request_text", requests())
def test_a_wrong_request_names_its_value_and_writes_nothing(command, store, request_text):
    device = () if "--device" in request_text else ("--device", "cpu")
    result = command("train", store, *request_text.split(), *device)
    assert_refused(result, *requests()[request_text])
    assert not list(Path.cwd().iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_missing_gpu_is_refused(command, store):
    assert_refused(command("train", store, "--device", "cuda"), "cuda", "not available")
    assert not list(Path.cwd().iterdir())


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed"
)
def test_a_missing_tensorboard_is_refused_with_its_installation(command, store):
    result = command("train", store, "--device", "cpu", "--log", "tensorboard")
    assert_refused(result, "tensorboard", "pip install 'tensorboard>=2.14'")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        ("epoch: 3\n", ("unknown option 'epoch'", "'epochs'")),
        ("epochs: many\n", ("--epochs 'many'", "integer")),
        ("window: 2\n", ("unknown option 'window'",)),
        ("epochs: [\n", ("train.yaml", "not YAML")),
        ("target: {a: b}\n", ("no column",)),
    ],
)
def test_a_wrong_file_of_options_is_refused(command, store, content, fragments):
    Path("train.yaml").write_text(content)
    assert_refused(command("train", store, "--config", "train.yaml"), *fragments)
    assert [path.name for path in Path.cwd().iterdir()] == ["train.yaml"]


def test_a_run_folder_inside_the_store_is_refused(command, store):
    before = sorted(Path(store).iterdir())
    result = command("train", store, "--device", "cpu", "--run-dir", f"{store}/run")
    assert_refused(result, "inside the store")
    assert sorted(Path(store).iterdir()) == before


def test_a_file_in_place_of_a_run_folder_is_refused(command, store):
    Path("run").write_text("mine")
    assert_refused(command("train", store, "--device", "cpu", "--run-dir", "run"), "run: is a file")
    assert Path("run").read_text() == "mine"


TRAIN = ("--device", "cpu", "--epochs", "1", "--run-dir", "run")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_finished_run_folder_is_refused_and_left_as_it_is(command, store):
    assert command("train", store, *TRAIN).status == 0
    before = contents(Path("run"))
    assert_refused(command("train", store, *TRAIN), "run: holds a finished run")
    assert contents(Path("run")) == before


def test_an_unfinished_run_of_another_training_is_refused_with_the_difference(command, store):
    assert command("train", store, *TRAIN).status == 0
    Path("run/metrics.json").unlink()
    before = contents(Path("run"))
    result = command("train", store, *TRAIN, "--lr", "0.5")
    assert_refused(result, "run: holds an unfinished run", "--lr: 0.001 before, now 0.5")
    assert contents(Path("run")) == before
    assert json.loads(before["config.json"])["settings"]["lr"] == 0.001


def test_a_folder_of_other_files_is_refused(command, store):
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    result = command("train", store, *TRAIN)
    assert_refused(result, "run: already exists and is never overwritten")
    assert contents(Path("run")) == {"notes.txt": b"mine"}


def test_a_missing_store_is_refused(command):
    assert_refused(command("train", "nosuch.zarr"), "nosuch.zarr: no store there")
    assert not list(Path.cwd().iterdir())
