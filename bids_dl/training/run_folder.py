"""The run folder: what was trained, on which data, and how to repeat it."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import torch

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.input import parse_json, read_text
from bids_dl.output import check_outside_store, writing
from bids_dl.remote.caching.file_lock import lock_file
from bids_dl.store import Store
from bids_dl.store.description import describe_content
from bids_dl.training.checkpoints import write_atomically

MAX_RUNS = 10_000  # of the same default name
MAX_VALUE_CHARS = 40  # of a setting in a message
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

CONFIG_FILE = "config.json"  # of a run folder, written last before the training
ENVIRONMENT_FILE = "environment.json"
FOLDS_FILE = "folds.json"
METRICS_FILE = "metrics.json"  # of a run folder, written last of all
LOCK_FILE = "training.lock"
EXECUTION_SETTINGS = ("checkpoint_minutes", "log", "workers")  # which change no result
SHOWN_DIFFERENCES = 3

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunDocuments:
    """Description of a training, written before it begins.

    Parameters
    ----------
    config
        Content of config.json: the command, all settings and the store.
    environment
        Content of environment.json: versions and device.
    folds
        Content of folds.json: the windows and persons of each side of each fold.
    """

    config: Document
    environment: Document
    folds: Sequence[Document]

    @property
    def default_name(self) -> str:
        """Name of the run folder within ``runs``."""
        settings = self.config["settings"]
        store = self.config["store"]["name"].removesuffix(".zarr")
        return f"{store}-{settings['model'].replace('/', '-')}-{settings['seed']}"


@contextmanager
def claimed_run_folder(
    run_dir: str | Path | None, store: Store, documents: RunDocuments
) -> Iterator[Path]:
    """Create a run folder, or claim that of the same training for a resume, inside the context.

    Parameters
    ----------
    run_dir
        The folder: new, empty, or of the same training, not finished. None takes
        ``runs/<store>-<model>-<seed>``, with a number appended if that exists.
    store
        The store, in which no run folder can be.
    documents
        Description of the training. It is written to a new folder.

    Yields
    ------
    pathlib.Path
        The folder, in which no other process trains meanwhile.

    Raises
    ------
    ConfigError
        The folder holds a finished run, an unfinished run of another training, or other files; or
        another process trains in it.
    """
    if run_dir is not None:
        folder = Path(run_dir)
        root = store.location.folder if store.location.is_local else None
        check_outside_store(f"--run-dir {folder}", folder, root)
        problem = find_obstacle(folder, documents)
        if problem:
            raise ConfigError(f"{folder}: {problem}")
        with _claim(folder, f"--run-dir {folder}", "choose another folder") as is_held:
            if not is_held:
                raise ConfigError(f"{folder}: another process is training in it; wait for its end")
            problem = find_obstacle(folder, documents)  # another process may have been faster
            if problem:
                raise ConfigError(f"{folder}: {problem}")
            _write_documents(folder, documents)
            yield folder
        return
    for number in range(1, MAX_RUNS):
        stem = documents.default_name
        folder = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        if find_obstacle(folder, documents):
            continue
        with _claim(folder, str(folder), "choose another folder with --run-dir") as is_held:
            if is_held and not find_obstacle(folder, documents):
                _write_documents(folder, documents)
                yield folder
                return
    raise ConfigError(
        f"runs/{documents.default_name}: {MAX_RUNS} runs have this name; name another run folder"
    )


def find_obstacle(folder: Path, documents: RunDocuments) -> str | None:
    """Return why a training cannot use a folder, None if it can begin or resume there."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        return "is a file; name another run folder"
    if (folder / METRICS_FILE).exists():
        return "holds a finished run, which is never overwritten; name another run folder"
    if not (folder / CONFIG_FILE).exists():
        begun = {ENVIRONMENT_FILE, FOLDS_FILE, LOCK_FILE}
        names = {path.name.removesuffix(".part") for path in folder.iterdir()}
        if names <= begun | {CONFIG_FILE}:
            return None
        return "already exists and is never overwritten; name another run folder"
    differences = find_run_differences(folder, documents)
    if not differences:
        return None
    more = len(differences) - SHOWN_DIFFERENCES
    shown = "; ".join(differences[:SHOWN_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
    return (
        f"holds an unfinished run of another training ({shown}); "
        "repeat its command to resume it, or name another run folder"
    )


def find_run_differences(folder: Path, documents: RunDocuments) -> list[str]:
    """Describe the differences between an unfinished run and a new training.

    Settings that change no result are ignored.
    """
    stored: list[Any] = []
    for name in (CONFIG_FILE, ENVIRONMENT_FILE):
        try:
            content = parse_json(read_text(folder / name))
        except (OSError, ValueError) as error:
            return [f"{name} cannot be read: {error}"]
        stored.append(content if isinstance(content, dict) else {})
    config, environment = stored
    requested = json.loads(json.dumps([documents.config, documents.environment]))
    pairs = [
        ("--", config.get("settings"), requested[0]["settings"], EXECUTION_SETTINGS),
        ("store ", config.get("store"), requested[0]["store"], ("url", "name")),
        ("weights ", config.get("initial_weights"), requested[0].get("initial_weights", {}), ()),
        ("", environment.get("packages"), requested[1]["packages"], ()),
        ("device ", environment.get("device"), requested[1]["device"], ("name",)),
    ]
    differences: list[str] = []
    for prefix, old, new, ignored in pairs:
        old_values = old if isinstance(old, dict) else {}
        for key in sorted(old_values.keys() | new.keys()):
            if key not in ignored and old_values.get(key) != new.get(key):
                name = key.replace("_", "-") if prefix == "--" else key
                before = shorten(old_values.get(key))
                differences.append(f"{prefix}{name}: {before} before, now {shorten(new.get(key))}")
    return differences


def shorten(value: Any) -> str:
    """Return a value as text of at most 40 characters, "none" for None."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[: MAX_VALUE_CHARS - 3]}..."


@contextmanager
def _claim(folder: Path, title: str, way_out: str) -> Iterator[bool]:
    """Create a folder and lock it inside the context. Yield whether the lock is held."""
    with ExitStack() as stack:
        with writing(title, way_out):
            folder.mkdir(parents=True, exist_ok=True)
            # workers outlive a killed training by seconds, in which it may be resumed
            lock = lock_file(folder / LOCK_FILE, blocking=False, is_inherited=False)
            is_held = stack.enter_context(lock)
        yield is_held


def _write_documents(folder: Path, documents: RunDocuments) -> None:
    """Write the description of a new training. That of a resumed one stays as it is."""
    if (folder / CONFIG_FILE).exists():
        return
    with writing_run(folder):
        write_json(folder / ENVIRONMENT_FILE, documents.environment)
        write_json(folder / FOLDS_FILE, documents.folds)
        write_json(folder / CONFIG_FILE, documents.config)


def writing_run(folder: Path) -> AbstractContextManager[None]:
    """Describe a failed write into a run folder inside the context in one line."""
    return writing(
        f"run folder {folder}",
        "the run is incomplete; make room, and repeat the command to resume it",
        error=BidsDlError,
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON with one item per line, without NaN, completely or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def describe_config(store: Store, config: TrainConfig) -> dict[str, Any]:
    """Return the content of config.json: the command, all settings, and the store."""
    url = without_credentials(store.url)
    return {
        "command": command_line(url, config),
        "settings": asdict(config),
        "store": {
            "name": store.location.name,
            "url": url,
            **describe_content(store),
            "shape": list(store.shape),
            "sfreq": store.sfreq,
            "channels": list(store.channels),
        },
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


def model_name(fold: int, n_folds: int, seed: int, first_seed: int) -> str:
    """Return the name of the model of a fold and seed within its run.

    Examples
    --------
    >>> model_name(0, 1, 7, 7), model_name(3, 4, 7, 7), model_name(3, 4, 8, 7)
    ('weights', 'weights-fold-3', 'weights-seed-8-fold-3')
    """
    parts = ["weights"]
    if seed != first_seed:
        parts.append(f"seed-{seed}")
    if n_folds > 1:
        parts.append(f"fold-{fold}")
    return "-".join(parts)


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
        if option in ("model", "seed") or value == defaults[option]:
            continue
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, dict):
            for name, setting in value.items():
                words += [flag.removesuffix("s"), f"{name}={setting}"]
        elif isinstance(value, tuple):
            for item in value:
                words += [flag, str(item)]
        else:
            words += [flag, str(value)]
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
