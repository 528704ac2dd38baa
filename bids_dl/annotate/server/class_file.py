"""The classes of a folder of answers: from a file of the user, copied beside the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bids_dl.annotate.answers import Answer, AnswerClass, load_classes
from bids_dl.annotate.answers.classes import UNSURE
from bids_dl.annotate.derivative.export import CLASSES
from bids_dl.annotate.server.server_file import replace_file
from bids_dl.errors import ConfigError
from bids_dl.input import read_regular
from bids_dl.output import writing

MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ClassFile:
    """Classes of a folder of answers.

    Attributes
    ----------
    classes
        Classes, the background first.
    content
        Bytes of the file, as `keep_classes` writes them.
    """

    classes: tuple[AnswerClass, ...]
    content: bytes


def choose_classes(folder: Path, file: Path | None, answers: Iterable[Answer]) -> ClassFile:
    """Read the classes of a folder, or those that the user names. Nothing is written.

    Parameters
    ----------
    folder
        Folder of the derivative.
    file
        Classes file of the user; None takes ``code/classes.yaml`` of the folder.
    answers
        Answers that hold, whose classes the file must have.

    Raises
    ------
    ConfigError
        There is no file, it is wrong, or it lacks the class of an answer.
    """
    source = folder / CLASSES if file is None else file
    if file is None and not source.exists():
        raise ConfigError(
            f"--labels {folder}: has no {CLASSES}; name the classes with --classes FILE.yaml, with "
            'lines such as spike: {hed: "Epileptiform-interictal-activity, Spike", key: 1}'
        )
    classes = load_classes(source)
    _check_answers(source, classes, answers)
    with writing(f"--classes {source}", "check that it is a file of yours"):
        return ClassFile(classes, read_regular(source, max_bytes=MAX_FILE_BYTES))


def keep_classes(folder: Path, file: ClassFile) -> None:
    """Copy the classes into the folder, unless it has them.

    Parameters
    ----------
    folder
        Folder of the derivative, with ``code/`` in it.
    file
        The classes.

    Raises
    ------
    ConfigError
        The folder cannot be written.
    """
    own = folder / CLASSES
    with writing(str(own)):
        is_kept = own.exists() and own.read_bytes() == file.content
    if not is_kept:
        replace_file(own, file.content)


def _check_answers(file: Path, classes: Iterable[AnswerClass], answers: Iterable[Answer]) -> None:
    """Refuse classes that lack the class of an answer.

    Raises
    ------
    ConfigError
        The message has the first missing class and its number of answers.
    """
    known = {UNSURE, *(item.name for item in classes)}
    missing = Counter(answer.label for answer in answers if answer.label not in known)
    for name, n_answers in missing.items():
        raise ConfigError(
            f"--classes {file}: lacks the class {name}, which {n_answers} answers of the log have; "
            "add it"
        )
