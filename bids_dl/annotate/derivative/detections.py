"""Predictions of windows -> detections, as a BIDS derivative with HED."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bids_dl.annotate.answers.classes import (
    BACKGROUND,
    HED_VERSION,
    NAME,
    UNSURE,
    AnswerClass,
    load_classes,
)
from bids_dl.annotate.answers.lines import DATASET_PATTERN, RECORDING_PATTERN
from bids_dl.annotate.derivative.export import CLASSES
from bids_dl.annotate.derivative.folder import (
    DerivativeFiles,
    check_folder,
    description_label,
    write_files,
)
from bids_dl.annotate.derivative.tables import format_table
from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.store import Store

COMPUTED = "Data-feature, Computed-prediction"
PROBABILITY = "p_"  # begins the columns of predictions
VOTES = "votes_"  # begins the columns of vote shares
TIME_TOLERANCE = 1e-6  # s, of windows that touch: their onsets are rounded to float64
COLUMNS: Mapping[str, dict[str, Any]] = {
    "onset": {"Description": "Start of the first window, on the clock of the file", "Units": "s"},
    "duration": {"Description": "Length from the first to the last window", "Units": "s"},
    "trial_type": {"Description": "Class that was detected"},
    "HED": {},  # hedtools refuses a description of this column
    "probability": {"Description": "Largest probability of the windows, in [0, 1]"},
    "n_windows": {"Description": "Number of windows"},
    "seen": {
        "Description": "Use of the recording by the model",
        "Levels": {
            "True": "The model was trained on the person, so that this is no test",
            "False": "The model was not trained on the person",
        },
    },
}


@dataclass(frozen=True, slots=True)
class Detection:
    """Windows of one class that follow one another."""

    onset: float  # s
    end: float  # s
    probability: float  # the largest of the windows
    n_windows: int


def write_detections(
    predictions: pd.DataFrame, window_seconds: float, models: Sequence[str], config: DetectionConfig
) -> tuple[Path, ...]:
    """Write the detections in a table of predictions as a BIDS derivative.

    Parameters
    ----------
    predictions
        Result of `bids_dl.predict`: ``dataset``, ``recording``, ``onset`` in s, ``seen``, and
        ``p_<class>`` for each class.
    window_seconds
        Length of a window in s.
    models
        Names of the models, which give the files their ``desc-`` entity.
    config
        Folder, threshold, joining and least length.

    Returns
    -------
    tuple of Path
        One table for each predicted recording; it has no rows if nothing was detected.

    Raises
    ------
    ConfigError
        The predictions have no probabilities of classes, a dataset or a recording has a name that
        is no path of BIDS, or the folder is another dataset or cannot be written.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"onset": [0.0, 2.0, 4.0], "p_spike": [0.1, 0.9, 0.8]})
    >>> table = table.assign(dataset="ds1", recording="sub-1/eeg/sub-1_task-rest", seen=False)
    >>> [file] = write_detections(table, 2.0, ["eegnet"], DetectionConfig("found"))
    >>> print(file.name, file.read_text().splitlines()[1].split()[:3])
    sub-1_task-rest_desc-eegnet_events.tsv ['2.0', '4.0', 'spike']
    """
    folder = _expand(str(config.write_annotations))
    title = f"--write-annotations {folder}"
    check_folder(folder, title)
    _check_names(predictions, title)
    classes = _find_classes(predictions, folder, config, title)
    desc = description_label(*models)
    files: list[Path] = []
    datasets = list(dict.fromkeys(predictions["dataset"]))
    for dataset in datasets:
        of_dataset = predictions[predictions["dataset"] == dataset]
        tables = {}
        for path, windows in of_dataset.groupby("recording", sort=True):
            rows = _detect(windows, window_seconds, classes, config)
            tables[str(path)] = format_table(list(COLUMNS), rows)
        meaning = (
            f"Detections of {', '.join(models)}, by bids_dl: probability of at least "
            f"{config.threshold:g}, joined over gaps of {config.join:g} s, at least "
            f"{config.min_length:g} s long."
        )
        content = DerivativeFiles(
            desc, meaning, tables, _describe_columns(classes), [dataset], HED_VERSION
        )
        target = folder if len(datasets) == 1 else folder / str(dataset)
        files += write_files(target, content, title)
    return tuple(files)


def annotate_predictions(
    predictions: pd.DataFrame,
    store: Store,
    run_dirs: Sequence[str],
    config: DetectionConfig,
) -> tuple[Path, ...]:
    """Write the detections of runs in a store, as `write_detections` does.

    Parameters
    ----------
    predictions
        Result of `bids_dl.prediction.predict` for the store and the runs.
    store
        The store.
    run_dirs
        Run folders, whose models give the files their ``desc-`` entity.
    config
        Folder, threshold, joining and least length.

    Raises
    ------
    ConfigError
        As in `write_detections`.
    """
    from bids_dl.models.checkpoint import load_checkpoint
    from bids_dl.prediction import read_folds

    models = []
    for run_dir in run_dirs:
        _, card = load_checkpoint(read_folds(Path(run_dir))[0].path)
        models.append(card.model)
    length = store.shape[2] / store.sfreq
    return write_detections(predictions, length, list(dict.fromkeys(models)), config)


def check_detections(config: DetectionConfig) -> None:
    """Check the folder and the classes of detections, before the predictions are computed.

    Raises
    ------
    ConfigError
        The folder is another dataset, or the classes file is wrong.
    """
    folder = _expand(str(config.write_annotations))
    check_folder(folder, f"--write-annotations {folder}")
    if config.classes:
        load_classes(_expand(config.classes))


def join_windows(
    onsets: Sequence[float], probabilities: Sequence[float], length: float, config: DetectionConfig
) -> list[Detection]:
    """Join the windows of one recording whose probability reaches the threshold.

    Parameters
    ----------
    onsets
        Onsets of the windows in s, in any order.
    probabilities
        Probability of each window; NaN is never detected.
    length
        Length of a window in s.
    config
        Threshold, longest gap and least length.

    Examples
    --------
    >>> config = DetectionConfig(threshold=0.5)
    >>> [(found.onset, found.end) for found in join_windows([0, 1, 3], [0.6, 0.9, 0.7], 1, config)]
    [(0, 2), (3, 4)]
    """
    joined: list[Detection] = []
    for onset, probability in sorted(zip(onsets, probabilities, strict=True)):
        if not probability >= config.threshold:
            continue
        last = joined[-1] if joined else None
        if last is None or onset > last.end + config.join + TIME_TOLERANCE:
            joined.append(Detection(onset, onset + length, probability, 1))
        else:
            end = max(last.end, onset + length)
            probability = max(last.probability, probability)
            joined[-1] = Detection(last.onset, end, probability, last.n_windows + 1)
    least = config.min_length - TIME_TOLERANCE
    return [found for found in joined if found.end - found.onset >= least]


def _detect(
    windows: pd.DataFrame, length: float, classes: Mapping[str, str], config: DetectionConfig
) -> list[dict[str, Any]]:
    """Return the rows of the detections in one recording, in order of onset and class."""
    seen = bool(windows["seen"].any())
    onsets = windows["onset"].tolist()
    rows = []
    for column, hed in classes.items():
        name = _class_name(column)
        for found in join_windows(onsets, windows[column].tolist(), length, config):
            shown = f"{found.probability:.4f}".rstrip("0").rstrip(".")
            rows.append(
                {
                    "onset": found.onset,
                    "duration": found.end - found.onset,
                    "trial_type": name,
                    "HED": f"{COMPUTED}, Probability/{shown}, ({hed})",
                    "probability": found.probability,
                    "n_windows": found.n_windows,
                    "seen": seen,
                }
            )
    return sorted(rows, key=lambda row: (row["onset"], row["trial_type"]))


def _expand(path: str) -> Path:
    """Expand ``~``. Unlike `Path.expanduser`, this keeps the name of an unknown user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def _check_names(predictions: pd.DataFrame, title: str) -> None:
    """Refuse names that lead out of the folder, which a store of unknown origin may have.

    Raises
    ------
    ConfigError
        A dataset or a recording has such a name.
    """
    for column, pattern in (("dataset", DATASET_PATTERN), ("recording", RECORDING_PATTERN)):
        for name in predictions[column].unique():
            if not re.match(pattern, str(name)):
                raise ConfigError(
                    f"{title}: the store has the {column} {str(name)!r}, which is no name of a "
                    f"{column} in BIDS, so no files can be named after it"
                )


def _find_classes(
    predictions: pd.DataFrame, folder: Path, config: DetectionConfig, title: str
) -> dict[str, str]:
    """Return the HED of each column of probabilities, but those of the background and unsure."""
    columns = [name for name in map(str, predictions) if name.startswith(PROBABILITY)]
    detected = [name for name in columns if _class_name(name) not in (BACKGROUND, UNSURE)]
    if not detected:
        raise ConfigError(
            f"{title}: the predictions have no probability of a class; detections need a run whose "
            "target has classes, shares or labels"
        )
    known: dict[str, AnswerClass] = {}
    file = _expand(config.classes) if config.classes else folder / CLASSES
    if config.classes or file.exists():
        known = {item.name: item for item in load_classes(file)}
    classes = {}
    for column in detected:
        name = _class_name(column)
        if name in known:
            classes[column] = known[name].hed
        elif NAME.fullmatch(name):
            classes[column] = f"Label/{name}"
        else:
            raise ConfigError(
                f"{title}: the class {name!r} is no label of HED; name its HED with --classes"
            )
    return classes


def _class_name(column: str) -> str:
    return column.removeprefix(PROBABILITY).removeprefix(VOTES)


def _describe_columns(classes: Mapping[str, str]) -> dict[str, Any]:
    """Return the sidecar: a description of each column, with the HED of each class in words."""
    described: dict[str, Any] = {name: dict(entry) for name, entry in COLUMNS.items()}
    del described["HED"]
    levels = {_class_name(column): f"HED: {hed}" for column, hed in classes.items()}
    described["trial_type"]["Levels"] = levels
    return described
