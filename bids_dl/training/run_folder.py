"""The run folder: what was trained, on which data, and how to repeat it."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import torch

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.output import check_outside_store, writing
from bids_dl.store import Store
from bids_dl.store.format import MANIFEST
from bids_dl.training.folds import Fold

MAX_RUNS = 10_000  # of the same default name
PACKAGES = (
    "bids_dl",
    "torch",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "zarr",
    "safetensors",
    "matplotlib",
)

CONFIG_FILE = "config.json"  # of a run folder, written first
METRICS_FILE = "metrics.json"  # of a run folder, written after the last fold


def create_run_folder(run_dir: str | Path | None, store: Store, config: TrainConfig) -> Path:
    """Create a new run folder.

    Parameters
    ----------
    run_dir
        A new or empty folder. None takes ``runs/<store>-<model>-<seed>``, with a number appended
        if that exists.
    store, config
        Store and settings that determine the default name.

    Raises
    ------
    ConfigError
        ``run_dir`` is not empty, is inside the store, or cannot be created.
    """
    if run_dir is not None:
        folder = Path(run_dir)
        root = store.location.folder if store.location.is_local else None
        check_outside_store(f"--run-dir {folder}", folder, root)
        if (folder / CONFIG_FILE).is_file() and not (folder / METRICS_FILE).is_file():
            raise ConfigError(
                f"{folder}: holds a training that did not finish; remove it, or name another "
                "run folder"
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder}: already exists and is never overwritten; name another run folder"
            )
        with writing(f"--run-dir {folder}", "choose another folder"):
            folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = f"{store.location.name.removesuffix('.zarr')}-{config.model}-{config.seed}"
    for number in range(1, MAX_RUNS):
        folder = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        way_out = "choose another folder with --run-dir"
        with writing(str(folder), way_out), suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise ConfigError(f"runs/{stem}: {MAX_RUNS} runs have this name; name another run folder")


def writing_run(folder: Path) -> AbstractContextManager[None]:
    """Describe a failed write into a run folder inside the context in one line."""
    return writing(
        f"run folder {folder}",
        "the run is incomplete; delete the folder, make room and train again",
        error=BidsDlError,
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON with one item per line, without NaN."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def describe_config(store: Store, config: TrainConfig) -> dict[str, Any]:
    """Return the content of config.json: the command, all settings, and the store."""
    url = without_credentials(store.url)
    return {
        "command": command_line(url, config),
        "settings": asdict(config),
        "store": {
            "url": url,
            **describe_content(store),
            "shape": list(store.shape),
            "sfreq": store.sfreq,
            "channels": list(store.channels),
        },
    }


def describe_content(store: Store) -> dict[str, Any]:
    """Return the plan and sources of a store and the SHA-256 of its manifest.

    The manifest has the SHA-256 of every object, so its hash identifies the content.
    """
    try:
        manifest_sha256 = hashlib.sha256(store.location.read(MANIFEST)).hexdigest()
    except FileNotFoundError:
        manifest_sha256 = None
    sources = store.attributes.get("sources", [])
    keys = ("dataset", "doi", "sha256")
    return {
        "manifest_sha256": manifest_sha256,
        "plan": store.attributes.get("plan"),
        "sources": [{key: source.get(key) for key in keys} for source in sources],
    }


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Return the content of environment.json: versions and machine type, without host or user."""
    machine = platform.machine()
    if device.type == "cuda":
        machine = torch.cuda.get_device_name(device)
    return {
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in PACKAGES},
        "system": platform.system(),
        "device": {"type": device.type, "name": machine, "threads": torch.get_num_threads()},
    }


def describe_folds(folds: list[Fold]) -> list[dict[str, Any]]:
    """Return the content of folds.json: the persons of each side and the file of the weights."""
    return [asdict(fold) | {"weights": weights_name(fold, len(folds))} for fold in folds]


def weights_name(fold: Fold, n_folds: int) -> str:
    """Return the file name of the weights of a fold."""
    return "weights.safetensors" if n_folds == 1 else f"weights-fold-{fold.index}.safetensors"


def command_line(url: str, config: TrainConfig) -> str:
    """Return the shell command that repeats a run, without options that have their default.

    Examples
    --------
    >>> command_line("eyes.zarr", TrainConfig(folds="loso"))
    'bids-dl train eyes.zarr --model shallow-fbcsp --seed 0 --folds loso'
    """
    words = ["bids-dl", "train", url, "--model", config.model, "--seed", str(config.seed)]
    defaults = asdict(TrainConfig())
    for option, value in asdict(config).items():
        if option in ("model", "seed", "model_options") or value == defaults[option]:
            continue
        words.append(f"--{option.replace('_', '-')}")
        if value is None:
            words.append("none")
        elif value is not True:
            words.append(str(value))
    for name, value in config.model_options.items():
        words += ["--model-option", f"{name}={value}"]
    return shlex.join(words)


def without_credentials(url: str) -> str:
    """Return a URL without user, password, signature and token. A path stays as it is.

    Examples
    --------
    >>> without_credentials("s3://key:secret@bucket/eyes.zarr")
    's3://bucket/eyes.zarr'
    """
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
