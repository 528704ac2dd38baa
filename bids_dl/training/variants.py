"""Training with several values of a model option or shares of the persons, and comparison."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from bids_dl.config import parsing
from bids_dl.config.training_stage import TrainConfig
from bids_dl.config.values import as_tuple
from bids_dl.errors import ConfigError
from bids_dl.models import find_spec
from bids_dl.remote.location import Location
from bids_dl.training.compare import RunComparison, compare_runs
from bids_dl.training.distributed import Ranks
from bids_dl.training.events import EventCallback
from bids_dl.training.job import prepare_job
from bids_dl.training.record.people_curve import tabulate_people_curve, write_people_curve
from bids_dl.training.run import train
from bids_dl.training.run_folder import (
    CONFIG_FILE,
    EXECUTION_SETTINGS,
    METRICS_FILE,
    writing_run,
)
from bids_dl.training.source_run import adopt_settings, find_source

MAX_VARIANTS = 100
SHARE = "train_fraction"  # in the names of variants


@dataclass(frozen=True, slots=True)
class Variants:
    """Results of the variants of a model.

    Attributes
    ----------
    run_dirs
        Run folder of each variant, by the options that vary, such as ``"kernel=3"``.
    comparison
        Comparison of all variants with the first one.
    learning_curve
        Results by number of training persons, as `tabulate_people_curve` returns them, if only
        the share of the training persons varies.
    """

    run_dirs: Mapping[str, Path]
    comparison: RunComparison
    learning_curve: pd.DataFrame | None = None


def expand_options(config: TrainConfig) -> dict[str, TrainConfig]:
    """Return the settings of each combination of option values and shares of the persons.

    A list of values varies an option. So does text with commas, if the default of the option is no
    text.

    Parameters
    ----------
    config
        Settings whose ``model_options`` and ``train_fraction`` may have several values.

    Returns
    -------
    dict
        Settings by the options that vary. One entry with the name ``""`` if no option varies.

    Raises
    ------
    ConfigError
        There are too many combinations, or an option has no value.

    Examples
    --------
    >>> config = TrainConfig(model="eegnet", model_options={"f1": "4,8", "d": 2})
    >>> {name: each.model_options for name, each in expand_options(config).items()}
    {'f1=4': {'f1': 4, 'd': 2}, 'f1=8': {'f1': 8, 'd': 2}}
    """
    defaults = find_spec(config.model).options
    values = {name: _values(value, defaults.get(name)) for name, value in _options(config)}
    for name, several in values.items():
        if not several:
            raise ConfigError(f"--model-option {name}: the list of values is empty")
    shares = as_tuple(config.train_fraction)
    varied = [name for name, several in values.items() if len(several) > 1]
    variants: dict[str, TrainConfig] = {}
    for *combination, share in itertools.product(*values.values(), shares):
        options = dict(zip(values, combination, strict=True))
        parts = [f"{key}={options[key]}" for key in varied]
        if len(shares) > 1:
            parts.append(f"{SHARE}={share:.12g}")
        name = ",".join(parts)
        if name in variants:
            raise ConfigError(f"{name}: given twice; give each value once")
        variants[name] = replace(config, model_options=options, train_fraction=share)
        if len(variants) > MAX_VARIANTS:
            raise ConfigError(f"--model-option: more than {MAX_VARIANTS} combinations of values")
    return variants


def has_variants(options: Mapping[str, Any]) -> bool:
    """Return whether the options of a training vary an option of the model, or the persons.

    Parameters
    ----------
    options
        Options of `bids_dl.train` by name.

    Examples
    --------
    >>> has_variants({"model_options": ["n_filters=4,8"]}), has_variants({"epochs": 3})
    (True, False)
    """
    config = parsing.parse_training(parsing.merge_training_file(options))
    is_single = not config.model_options and not isinstance(config.train_fraction, tuple)
    return not is_single and len(expand_options(config)) > 1


def train_variants(
    store_url: str,
    config: TrainConfig,
    *,
    run_dir: str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    on_event: EventCallback = lambda _: None,
) -> Variants:
    """Train each combination of option values in a folder of its own, and compare them.

    The same call resumes: finished variants are not trained again. If only the share of the
    training persons varies, the learning curve over their number is written beside the runs, as
    `PEOPLE_CURVE_FILES`.

    Parameters
    ----------
    store_url, storage_options, on_event
        As in `train`.
    config
        Settings whose ``model_options`` or ``train_fraction`` have several values.
    run_dir
        Folder of the run folders of the variants. None takes
        ``runs/<store name>-<model>-<seed>-variants``.

    Raises
    ------
    BidsDlError
        As in `train`.
    """
    source = find_source(config)
    adopted = adopt_settings(replace(config, model_options={}), source)
    parent = Path(run_dir) if run_dir is not None else _default_folder(store_url, adopted)
    variants: dict[str, TrainConfig] = {}
    for name, variant in expand_options(config).items():
        variants[name] = adopt_settings(variant, source)
    for variant in variants.values():  # so that a wrong value is found before the first training
        prepare_job(store_url, variant, storage_options, ranks=Ranks(), device=config.device)
    run_dirs: dict[str, Path] = {}
    for name, variant in variants.items():
        folder = parent / name.replace("/", "-")
        run_dirs[name] = folder
        if not _is_finished(folder, variant):
            train(
                store_url,
                variant,
                run_dir=folder,
                storage_options=storage_options,
                on_event=on_event,
            )
    curve = None
    if len(run_dirs) > 1 and all(name.startswith(f"{SHARE}=") for name in run_dirs):
        curve = tabulate_people_curve(list(run_dirs.values()))
        with writing_run(parent):
            write_people_curve(curve, parent)
    return Variants(run_dirs, compare_runs(list(run_dirs.values())), curve)


def _default_folder(store_url: str, config: TrainConfig) -> Path:
    store = Location(store_url).name.removesuffix(".zarr")
    return Path("runs") / f"{store}-{config.model.replace('/', '-')}-{config.seed}-variants"


def _options(config: TrainConfig) -> list[tuple[str, Any]]:
    return list(config.model_options.items())


def _values(value: Any, default: Any) -> list[Any]:
    """Return the values of an option, of which there may be several."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str) and "," in value and not isinstance(default, str):
        return [yaml.safe_load(part) for part in value.split(",")]
    return [value]


def _is_finished(folder: Path, config: TrainConfig) -> bool:
    """Return True if a folder holds a finished run with the same settings."""
    if not (folder / METRICS_FILE).is_file():
        return False
    settings = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["settings"]
    requested = json.loads(json.dumps(asdict(config)))
    return all(
        settings.get(key) == value
        for key, value in requested.items()
        if key not in EXECUTION_SETTINGS
    )
