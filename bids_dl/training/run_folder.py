"""The run folder: everything that says what was trained, on what, and how to do it again."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import torch

from bids_dl.config.stages import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.store import Store
from bids_dl.store.format import MANIFEST
from bids_dl.training.folds import Fold

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


def make_folder(run: str | Path | None, store: Store, config: TrainConfig) -> Path:
    """Make a new folder: the one asked for, else ``runs/<store>-<model>-<seed>`` with a number behind it where that is taken.

    Raises
    ------
    ConfigError
        Where the one asked for has something in it already.
    """
    if run is not None:
        folder = Path(run)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder}: there already, and never overwritten; name another run folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    stem = f"{store.location.name.removesuffix('.zarr')}-{config.model}-{config.seed}"
    for number in range(1, 10_000):
        folder = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise ConfigError(f"runs/{stem}: ten thousand runs of this name; name another run folder")


def write_json(path: Path, content: Any) -> None:
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def describe(store: Store, config: TrainConfig) -> dict[str, Any]:
    """Return config.json: the command, every setting, and which store."""
    url = without_credentials(store.url)
    shape = {"shape": list(store.shape), "sfreq": store.sfreq, "channels": list(store.channels)}
    return {
        "command": command(url, config),
        "settings": asdict(config),
        "store": {"url": url, **content_of(store), **shape},
    }


def content_of(store: Store) -> dict[str, Any]:
    """Return what identifies the content of a store: the hash of its manifest, which has that of every object, its plan and sources."""
    try:
        manifest = hashlib.sha256(store.location.read(MANIFEST)).hexdigest()
    except FileNotFoundError:
        manifest = None
    sources = [
        {name: source.get(name) for name in ("dataset", "doi", "sha256")}
        for source in store.attributes.get("sources", [])
    ]
    return {"manifest_sha256": manifest, "plan": store.attributes.get("plan"), "sources": sources}


def environment(device: torch.device) -> dict[str, Any]:
    """Return environment.json: versions and machine type, without names of host or user."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "python": platform.python_version(),
        "packages": {package: _version(package) for package in PACKAGES},
        "system": platform.system(),
        "device": {"type": device.type, "name": name, "threads": torch.get_num_threads()},
    }


def describe_folds(folds: list[Fold]) -> list[dict[str, Any]]:
    """Return folds.json: persons of each side and the file with the weights."""
    return [asdict(fold) | {"weights": weights_name(fold, len(folds))} for fold in folds]


def weights_name(fold: Fold, n_folds: int) -> str:
    return "weights.safetensors" if n_folds == 1 else f"weights-fold-{fold.index}.safetensors"


def command(url: str, config: TrainConfig) -> str:
    """Return the command line that repeats a run; what has its default is left out."""
    words = ["bids-dl", "train", url, "--model", config.model, "--seed", str(config.seed)]
    defaults = asdict(TrainConfig())
    for option, value in asdict(config).items():
        if option in ("model", "seed", "model_options") or value == defaults[option]:
            continue
        flag = f"--{option.replace('_', '-')}"
        words += [flag] if value is True else [flag, "none" if value is None else str(value)]
    for name, value in config.model_options.items():
        words += ["--model-option", f"{name}={value}"]
    return shlex.join(words)


def without_credentials(url: str) -> str:
    """Return a URL without user, password, signature or token; a path as it is."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
