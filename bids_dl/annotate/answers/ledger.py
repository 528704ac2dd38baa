"""The answers that hold, kept up to date line by line: `replay` for a log that grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.annotate.answers.replay import Answer, replay


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """Effect of a line on the answer that it is about.

    Attributes
    ----------
    before, after
        The answer before and after the line. None if it did not hold.
    """

    before: Answer | None = None
    after: Answer | None = None


class Ledger:
    """Answers that hold after each line of a log.

    A line costs as much as the lines about the same answer, however long the log is.

    Examples
    --------
    >>> from bids_dl.annotate.answers.items import example_answer
    >>> ledger = Ledger()
    >>> change = ledger.add(example_answer(id="a"))
    >>> change.before, change.after.label
    (None, 'spike')
    >>> ledger.add({"kind": "undo", "id": "b", "of": "a"}).after is None
    True
    >>> ledger.answers
    ()
    """

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}  # id of a line -> id of its answer
        self._histories: dict[str, list[Mapping[str, Any]]] = {}  # lines about an answer
        self._answers: dict[str, Answer | None] = {}  # in the order of the log

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Answers that hold, in the order of the log, as `replay` returns them."""
        return tuple(answer for answer in self._answers.values() if answer is not None)

    def find_answer(self, line: str) -> Answer | None:
        """Return the answer that a line is about, or None if it does not hold.

        Parameters
        ----------
        line
            Id of an answer, a change or an undo.
        """
        return self._answers.get(self._roots.get(line, line))

    def add(self, line: Mapping[str, Any]) -> AnswerChange:
        """Add the next line of the log, and return its effect.

        Parameters
        ----------
        line
            Line of the log. One with a known id, or that names an unknown line, has no effect.
        """
        identifier = line["id"]
        if identifier in self._roots:
            return AnswerChange()
        root = identifier if line["kind"] == "answer" else self._roots.get(line["of"])
        if root is None:
            return AnswerChange()
        self._roots[identifier] = root
        history = self._histories.setdefault(root, [])
        history.append(line)
        before = self._answers.get(root)
        after = next(iter(replay(history)), None)
        self._answers[root] = after
        return AnswerChange(before, after)
