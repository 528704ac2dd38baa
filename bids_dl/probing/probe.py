"""Fit linear models to embeddings, test them on held-out persons, and write the record."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bids_dl.config.embedding_stage import ProbeConfig
from bids_dl.embedding import Embeddings, read_embeddings
from bids_dl.errors import ConfigError
from bids_dl.models.compute import pick_device
from bids_dl.output import check_output, writing
from bids_dl.probing.job import ProbeJob, describe_embeddings, prepare_probe
from bids_dl.probing.results import evaluate_probe, fit_systems
from bids_dl.training.folds import describe_folds
from bids_dl.training.record import Record, write_record
from bids_dl.training.run_folder import (
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    FOLDS_FILE,
    MAX_RUNS,
    METRICS_FILE,
    describe_environment,
    write_json,
)

OTHER_STORE = "other store"  # kind of the fold that tests another store


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Results of a probe, as in its run folder.

    Attributes
    ----------
    run_dir
        The run folder.
    metrics
        Content of ``metrics.json``: that of a training, and ``floors``, the paired tests against
        each floor.
    predictions
        One row per tested window: content of ``predictions.csv``.
    """

    run_dir: Path
    metrics: dict[str, Any]
    predictions: pd.DataFrame


def probe_embeddings(
    file: Path,
    config: ProbeConfig,
    *,
    test: Path | None = None,
    run_dir: Path | None = None,
    on_message: Callable[[str], None] = lambda _: None,
) -> ProbeResult:
    """Fit and test linear models of embeddings and their floors on the same folds.

    The model is logistic regression for classes, shares and labels, and ridge regression for
    numbers, on standardized features. Its penalty is chosen for each system and fold on held-out
    training persons, because the best penalty depends on the number of features.

    Parameters
    ----------
    file
        Embeddings to train on and, without ``test``, to test on.
    config
        Target, folds and penalty.
    test
        Embeddings of another store to test.
    run_dir
        New or empty folder. None takes ``runs/<store>-probe-<target>-<seed>``, with a number
        appended if that exists.
    on_message
        Called with one line per fold.

    Raises
    ------
    StoreError
        A file is no file of embeddings.
    ConfigError, TargetError, ModelError
        The folder is in use, or target, folds or the second file do not fit. Nothing was written.

    Examples
    --------
    >>> from bids_dl.embedding import embed_store, write_embeddings
    >>> from bids_dl.config.embedding_stage import EmbedConfig
    >>> _ = write_embeddings(embed_store("eyes.zarr", "run", EmbedConfig()), Path("e.zarr"))
    >>> result = probe_embeddings(Path("e.zarr"), ProbeConfig(folds="loso"), run_dir=Path("probe"))
    >>> sorted(result.metrics["floors"])
    ['band_power', 'random_weights']
    """
    start = time.monotonic()
    embeddings = read_embeddings(file)
    tested = None if test is None else read_embeddings(test)
    folder = _choose_folder(run_dir, embeddings, config)
    job = prepare_probe(embeddings, config, tested)
    fitted = fit_systems(job, on_message)
    metrics, predictions, votes = evaluate_probe(job, fitted)
    settings: dict[str, Any] = {"model": f"probe of {embeddings.origin['run']['model']}"}
    settings |= asdict(config)
    if tested is not None:
        settings |= {"folds": OTHER_STORE, "test": tested.origin["store"]["name"]}
    record = Record(
        job.target.spec,
        {**metrics, "cost": _describe_cost(job, start)},
        predictions,
        votes,
        pd.DataFrame(),
        {
            "command": command_line(file, test, config),
            "settings": settings,
            "store": _describe_store(embeddings.origin),
            "embeddings": describe_embeddings(embeddings.origin),
        },
        describe_environment(pick_device(config.device)),
        describe_folds(job.folds, job.embeddings.table),
    )
    with _new_folder(folder) as part:
        _write_run(part, record, metrics)
    return ProbeResult(folder, metrics, predictions)


def command_line(file: Path, test: Path | None, config: ProbeConfig) -> str:
    """Return the shell command that repeats a probe, without options that have their default.

    Examples
    --------
    >>> command_line(Path("e.zarr"), None, ProbeConfig(target=("sex",), drop_missing=True))
    'bids-dl probe e.zarr --target sex --drop-missing'
    """
    words = ["bids-dl", "probe", str(file)]
    if test is not None:
        words += ["--test", str(test)]
    defaults = asdict(ProbeConfig())
    for option, value in asdict(config).items():
        if value == defaults[option]:
            continue
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            words.append(flag)
            continue
        for item in value if isinstance(value, tuple) else (value,):
            words += [flag, str(item)]
    return shlex.join(words)


def _write_run(folder: Path, record: Record, metrics: Mapping[str, Any]) -> None:
    """Write all files of a run folder, the metrics last."""
    write_json(folder / CONFIG_FILE, record.config)
    write_json(folder / ENVIRONMENT_FILE, record.environment)
    write_json(folder / FOLDS_FILE, record.folds)
    record.predictions.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    write_record(folder, record)
    write_json(folder / METRICS_FILE, metrics)


def _choose_folder(run_dir: Path | None, embeddings: Embeddings, config: ProbeConfig) -> Path:
    """Return a run folder that is new or empty.

    Raises
    ------
    ConfigError
        The requested one holds files, or cannot be written.
    """
    if run_dir is None:
        store = embeddings.origin["store"]["name"].removesuffix(".zarr")
        target = "-".join(config.target)
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in f"{store}-probe-{target}")
        for number in range(1, MAX_RUNS):
            name = f"{stem}-{config.seed}" + (f"-{number}" if number > 1 else "")
            if not (Path("runs") / name).exists():
                return Path("runs") / name
    folder = Path(run_dir or "runs")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"--run-dir {folder}: already exists and is never overwritten; name another folder"
        )
    if folder.parent.exists():
        check_output(f"--run-dir {folder}", folder.parent / f"{folder.name}.new")
    return folder


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that gets its name at the end of the context."""
    with writing(f"--run-dir {folder}", "choose another folder"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
            part = Path(scratch) / folder.name
            part.mkdir()
            yield part
            if folder.exists():
                folder.rmdir()
            part.replace(folder)


def _describe_store(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the store as in config.json of a training, so that runs can be compared."""
    names = ("name", "url", "manifest_sha256", "plan", "sources", "shape", "sfreq", "channels")
    return {name: origin["store"].get(name) for name in names}


def _describe_cost(job: ProbeJob, start: float) -> dict[str, Any]:
    """Return time and size of a probe, as the page shows them."""
    n_features = job.embeddings.features.shape[1]
    return {
        "train_seconds": None,
        "total_seconds": time.monotonic() - start,
        "windows_per_second": None,
        "waiting_share": None,
        "n_parameters": (n_features + 1) * job.target.spec.n_outputs,
        "device": str(torch.device(pick_device(job.config.device))),
        "processes": 1,
        "peak_memory_bytes": None,
    }
