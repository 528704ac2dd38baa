"""The log of answers, replayed."""

from __future__ import annotations

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.replay import replay


def undo(identifier: str, of: str) -> dict[str, str]:
    return {"kind": "undo", "id": identifier, "of": of}


def change(identifier: str, of: str, label: str) -> dict[str, str]:
    return {"kind": "change", "id": identifier, "of": of, "label": label}


ANSWER = example_answer(id="a", label="spike")


def labels(*lines) -> list[str]:
    return [answer.label for answer in replay(lines)]


def test_each_undo_of_an_undo_brings_the_answer_back():
    assert labels(ANSWER, undo("b", "a")) == []
    assert labels(ANSWER, undo("b", "a"), undo("c", "b")) == ["spike"]
    assert labels(ANSWER, undo("b", "a"), undo("c", "b"), undo("d", "c")) == []


def test_the_last_change_counts_and_can_be_undone():
    first, second = change("b", "a", "wave"), change("c", "b", "background")
    assert labels(ANSWER, first) == ["wave"]
    assert labels(ANSWER, first, second) == ["background"]
    assert labels(ANSWER, first, second, undo("d", "c")) == ["wave"]


def test_a_line_about_a_later_or_unknown_line_has_no_effect():
    assert labels(undo("b", "a"), ANSWER) == ["spike"]
    assert labels(change("b", "a", "wave"), ANSWER) == ["spike"]
    assert labels(ANSWER, undo("b", "x"), change("c", "y", "wave"), undo("d", "d")) == ["spike"]


def test_the_order_of_the_lines_counts_and_not_their_times():
    early = example_answer(id="b", label="wave", time="2020-01-01T00:00:00Z")
    assert labels(ANSWER, early) == ["spike", "wave"]
