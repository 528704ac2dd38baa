"""Many lines that say the same of different recordings -> one line and a count."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

NUMBER = r"[-+]?\d+(?:\.\d+)*"
ALONE = r"(?<![\w.])({})(?![\w-])"  # no part of a name such as standard_1005 or 10-05
CLAUSE = re.compile(r": |; |, |\. |\(")  # what comes behind one of these are details
VARIES = "…"


@dataclass(frozen=True, slots=True)
class MessageGroup:
    """One thing that was said, once or many times.

    Attributes
    ----------
    text
        What was said, "…" in the place of numbers and names that differ.
    first
        The whole of what was said first.
    same
        Whether it was always said in the same words.
    count
        How many times.
    recordings
        Keys of the recordings it was said of, each once, in order.
    """

    text: str
    first: str
    same: bool
    count: int
    recordings: tuple[str, ...]


def grouped(
    said: Iterable[tuple[str, str]], *, channels: Collection[str] = (), loosely: bool = False
) -> tuple[MessageGroup, ...]:
    """What was said, what is the same but for its numbers and names put together; the most frequent first.

    Parameters
    ----------
    said
        Pairs of the key of a recording and a line about it.
    channels
        Names of channels, which a line may differ in.
    loosely
        Compare only what stands before the first colon, comma or bracket.
    """
    longest_first = sorted(channels, key=lambda name: (-len(name), name))
    varying = re.compile(
        ALONE.format("|".join([NUMBER, *(re.escape(name) for name in longest_first)]))
    )
    groups: dict[tuple[str, ...], list[tuple[str, str, list[str]]]] = {}
    for key, line in said:
        parts = varying.split(
            _without_name(key, CLAUSE.split(line)[0] if loosely else line)
        )  # text, number, text, ..., text
        groups.setdefault(tuple(parts[::2]), []).append((key, line, parts))
    causes = [_cause(group) for group in groups.values()]
    return tuple(sorted(causes, key=lambda cause: -cause.count))


def _cause(group: list[tuple[str, str, list[str]]]) -> MessageGroup:
    lines = {line for _, line, _ in group}
    text = "".join(
        _if_equal(column) for column in zip(*(parts for _, _, parts in group), strict=True)
    )
    first = group[0][1]
    return MessageGroup(
        first if len(lines) == 1 else text,
        first,
        len(lines) == 1,
        len(group),
        tuple(dict.fromkeys(key for key, _, _ in group)),
    )


def _if_equal(parts: Iterable[str]) -> str:
    found = set(parts)
    return found.pop() if len(found) == 1 else VARIES


def _without_name(key: str, line: str) -> str:
    """The line without the path of its recording, which would make it different from every other."""
    path = key.partition("/")[2]
    return line.replace(path, VARIES) if path else line
