"""The log of answers -> a BIDS derivative with HED. The log is the truth, and is only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.annotate.answers.classes import (
    BACKGROUND,
    BACKGROUND_HED,
    HED_VERSION,
    UNSURE,
    AnswerClass,
    load_classes,
)
from bids_dl.annotate.answers.journal import JOURNAL, read_journal
from bids_dl.annotate.answers.replay import replay
from bids_dl.annotate.answers.votes import Unsure, VotedItem, count_votes
from bids_dl.annotate.derivative.folder import (
    DerivativeFiles,
    check_folder,
    find_parts,
    remove_tables,
    write_files,
)
from bids_dl.annotate.derivative.tables import format_table, join_texts
from bids_dl.errors import NoMatchError

CLASSES = "code/classes.yaml"  # in the folder of the derivative
DESC = "labels"
MEANING = "Answers of experts about windows, by bids_dl; code/answers.jsonl is the log."
EXPERT = "Data-feature, Expert-annotation"
COLUMNS: Mapping[str, dict[str, Any]] = {
    "onset": {"Description": "Start of the window, on the clock of the file", "Units": "s"},
    "duration": {"Description": "Length of the window", "Units": "s"},
    "trial_type": {"Description": "Class with most votes; unsure if several have"},
    "channel": {
        "Description": "Channels that were asked about; n/a stands for all",
        "Delimiter": ",",
    },
    "HED": {},  # hedtools refuses a description of this column
    "n_votes": {"Description": "Number of experts who answered"},
    "agreement": {"Description": "Share of the votes for the class with most"},
    "annotators": {"Description": "Pseudonyms of the experts", "Delimiter": ","},
    "asked_by": {"Description": "Strategy that chose the window"},
    "model": {"Description": "Hash of the model that chose the window"},
    "round": {"Description": "Round of training in which the window was chosen"},
    "purpose": {"Description": "Use of the window: test windows never train a model"},
}
PURPOSE_LEVELS = {"train": "May train a model", "test": "Random sample that tests models"}


@dataclass(frozen=True, slots=True)
class Export:
    """Result of an export.

    Attributes
    ----------
    folder
        Folder of the derivative.
    files
        Tables that were written, in order of path.
    items
        Items with their votes.
    problems
        Lines of the log that were ignored, with the reason.
    """

    folder: Path
    files: tuple[Path, ...]
    items: tuple[VotedItem, ...]
    problems: tuple[str, ...]


def export_annotations(
    folder: Path, classes: Sequence[AnswerClass] | None = None, *, unsure: Unsure = "half"
) -> Export:
    """Rewrite the derivative of a folder from its log of answers.

    Equal logs give equal bytes. Answers about several datasets are written to a folder for each,
    named like the dataset. A dataset that has such a folder keeps it.

    Parameters
    ----------
    folder
        Folder with ``code/answers.jsonl``.
    classes
        Classes of the answers. None reads ``code/classes.yaml``; without that file, the classes
        are the labels of the answers, with ``Label/<class>`` as their HED.
    unsure
        Votes of an expert who is unsure.

    Raises
    ------
    NoMatchError
        There is no log, or no answer in it holds.
    ConfigError
        The log or the classes cannot be read, an answer has an unknown class, or the folder is
        another dataset or cannot be written.

    Examples
    --------
    >>> from bids_dl.annotate.answers import Journal
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> folder = Path("labels")
    >>> Journal(folder).append(example_answer())
    True
    >>> export = export_annotations(folder)
    >>> [str(file) for file in export.files]
    ['labels/sub-01/eeg/sub-01_task-rest_desc-labels_events.tsv']
    """
    title = str(folder)
    check_folder(folder, title)
    content = read_journal(folder)
    answers = replay(content.lines)
    if not answers:
        raise NoMatchError(f"{title}: no answer in {JOURNAL}, so there is nothing to export")
    if classes is None:
        classes = read_classes(folder, [answer.label for answer in answers])
    items = count_votes(answers, [item.name for item in classes], unsure=unsure)
    by_dataset: dict[str, list[VotedItem]] = {}
    for item in items:
        by_dataset.setdefault(item.first.dataset, []).append(item)
    parts = find_parts(folder, title)
    is_divided = len(by_dataset) > 1 or any(part.name in by_dataset for part in parts)
    targets = {name: folder / name if is_divided else folder for name in by_dataset}
    for former in (folder, *parts):  # of a time of other datasets
        if former not in targets.values():
            remove_tables(former, DESC, title)
    files: list[Path] = []
    for name, of_dataset in by_dataset.items():
        files += write_files(targets[name], build_files(of_dataset, classes), title)
    return Export(folder, tuple(files), items, content.problems)


def read_classes(folder: Path, labels: Sequence[str] = ()) -> tuple[AnswerClass, ...]:
    """Read the classes of a folder, or make them from labels.

    Parameters
    ----------
    folder
        Folder of the derivative.
    labels
        Labels of answers, for a folder without ``code/classes.yaml``.

    Raises
    ------
    ConfigError
        The file of classes is wrong.
    """
    file = folder / CLASSES
    if file.exists():
        return load_classes(file)
    names = sorted(set(labels) - {BACKGROUND, UNSURE})
    classes = [AnswerClass(BACKGROUND, BACKGROUND_HED, "0")]
    for name in names:
        classes.append(AnswerClass(name, f"Label/{name}", ""))
    return tuple(classes)


def build_files(items: Sequence[VotedItem], classes: Sequence[AnswerClass]) -> DerivativeFiles:
    """Build the files of the answers about one dataset.

    Parameters
    ----------
    items
        Items with votes, in order of recording and onset.
    classes
        Classes, in order.
    """
    hed = {item.name: f"{EXPERT}, ({item.hed})" for item in classes}
    votes = [f"votes_{item.name}" for item in classes]
    names = [*list(COLUMNS)[:5], *votes, *list(COLUMNS)[5:]]
    by_recording: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        row = _make_row(item) | {"HED": hed.get(item.label)}
        row |= zip(votes, item.shares.values(), strict=True)
        by_recording.setdefault(item.first.recording, []).append(row)
    return DerivativeFiles(
        desc=DESC,
        meaning=MEANING,
        tables={path: format_table(names, rows) for path, rows in by_recording.items()},
        sidecar=_describe_columns(names, classes),
        sources=[items[0].first.dataset],
        hed_version=HED_VERSION,
    )


def _make_row(item: VotedItem) -> dict[str, Any]:
    """Return the cells of an item that do not depend on the classes."""
    first = item.first
    return {
        "onset": first.onset,
        "duration": first.duration,
        "trial_type": item.label,
        "channel": join_texts(first.channels),
        "n_votes": item.n_votes,
        "agreement": item.agreement,
        "annotators": join_texts(item.annotators),
        "asked_by": first.strategy,
        "model": first.model,
        "round": first.round,
        "purpose": first.purpose,
    }


def _describe_columns(names: Sequence[str], classes: Sequence[AnswerClass]) -> dict[str, Any]:
    """Return the sidecar: a description of each column, with the HED of each class in words."""
    levels = {item.name: f"HED: {item.hed}" for item in classes}
    levels[UNSURE] = "No class has most votes"
    described: dict[str, Any] = {}
    for name in names:
        if name in COLUMNS:
            described[name] = dict(COLUMNS[name])
        else:
            class_name = name.removeprefix("votes_")
            described[name] = {"Description": f"Share of the votes for {class_name}, in [0, 1]"}
    del described["HED"]
    described["trial_type"]["Levels"] = levels
    described["purpose"]["Levels"] = PURPOSE_LEVELS
    return described
