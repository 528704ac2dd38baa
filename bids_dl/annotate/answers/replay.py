"""The log of answers, replayed: which answers hold after all changes and undos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that holds.

    Attributes are the fields of the line, as in `bids_dl.annotate.answers.lines`; ``label`` is that
    of the last change.
    """

    id: str
    annotator: str
    item: str
    label: str
    dataset: str
    recording: str
    onset: float  # s, on the clock of the file
    duration: float  # s
    channels: tuple[str, ...]
    purpose: str
    strategy: str
    round: int
    model: str
    time: str


def replay(lines: Iterable[Mapping[str, Any]]) -> tuple[Answer, ...]:
    """Return the answers that hold, in the order of the log.

    An undo cancels the line that it names, which may be an answer, a change or another undo. The
    order of the lines counts, not their times, because a clock may be set back.

    Parameters
    ----------
    lines
        Lines of a log, as `read_journal` returns them. A line that names a line which is not
        before it has no effect.

    Examples
    --------
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> answer = example_answer(id="a")
    >>> undo = {"kind": "undo", "id": "b", "of": "a"}
    >>> undo_of_undo = {"kind": "undo", "id": "c", "of": "b"}
    >>> [len(replay(lines)) for lines in ([answer], [answer, undo], [answer, undo, undo_of_undo])]
    [1, 0, 1]
    """
    ordered = list(lines)
    numbers = {line["id"]: number for number, line in enumerate(ordered)}
    undone = _find_undone(ordered, numbers)
    labels: dict[str, str] = {}  # id of an answer -> its label
    targets: dict[str, str] = {}  # id of a change -> id of its answer
    answers = []
    for number, line in enumerate(ordered):
        if line["id"] in undone:
            continue
        if line["kind"] == "answer":
            answers.append(line)
            labels[line["id"]] = line["label"]
        elif line["kind"] == "change" and numbers.get(line["of"], number) < number:
            target = targets.get(line["of"], line["of"])
            targets[line["id"]] = target
            labels[target] = line["label"]
    return tuple(_make_answer(line, labels[line["id"]]) for line in answers)


def _find_undone(ordered: list[Mapping[str, Any]], numbers: Mapping[str, int]) -> set[str]:
    """Return the ids of all lines that a valid undo names.

    The last undo is never undone, so the lines are read from the last to the first.
    """
    undone: set[str] = set()
    for number in range(len(ordered) - 1, -1, -1):
        line = ordered[number]
        is_valid = line["kind"] == "undo" and line["id"] not in undone
        if is_valid and numbers.get(line["of"], number) < number:
            undone.add(line["of"])
    return undone


def _make_answer(line: Mapping[str, Any], label: str) -> Answer:
    return Answer(
        id=line["id"],
        annotator=line["annotator"],
        item=line["item"],
        label=label,
        dataset=line["dataset"],
        recording=line["recording"],
        onset=float(line["onset"]),
        duration=float(line["duration"]),
        channels=tuple(line.get("channels", ())),
        purpose=line["purpose"],
        strategy=line["strategy"],
        round=line.get("round", 0),
        model=line.get("model") or "",
        time=line["time"],
    )
