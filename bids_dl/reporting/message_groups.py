"""Messages of many recordings that differ only in numbers and names, grouped for display."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass

NUMBER = r"[-+]?\d+(?:\.\d+)*"
WHOLE_WORD = r"(?<![\w.])({})(?![\w-])"  # matches no part of a name such as standard_1005 or 10-05
CLAUSE_END = re.compile(r": |; |, |\. |\(")  # the text after one of these is a detail
PLACEHOLDER = "…"


@dataclass(frozen=True, slots=True)
class MessageGroup:
    """Messages that are equal except for numbers and names.

    Attributes
    ----------
    text
        The common text, with "…" in place of numbers and names that differ.
    first
        The first message in full.
    identical
        True if all messages are equal.
    count
        Number of messages.
    recordings
        Keys of their recordings in order, without duplicates.
    """

    text: str
    first: str
    identical: bool
    count: int
    recordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Message:
    recording: str
    text: str
    parts: tuple[str, ...]  # fixed text, number or name, fixed text, ..., fixed text


def group_messages(
    messages: Iterable[tuple[str, str]],
    *,
    channels: Collection[str] = (),
    first_clause_only: bool = False,
) -> tuple[MessageGroup, ...]:
    """Group messages that differ only in numbers, names of channels or the path of the recording.

    Parameters
    ----------
    messages
        Pairs of the key of a recording and a message about it.
    channels
        Names of channels that may differ between messages of a group.
    first_clause_only
        If True, compare only the text before the first colon, semicolon, comma, full stop or
        bracket.

    Returns
    -------
    tuple of MessageGroup
        The groups, the largest first.

    Examples
    --------
    >>> group_messages([("ds/a", "400 µV on Cz"), ("ds/b", "500 µV on Cz")])[0].text
    '… µV on Cz'
    """
    longest_first = sorted(channels, key=lambda name: (-len(name), name))
    alternatives = [NUMBER, *map(re.escape, longest_first)]
    variable = re.compile(WHOLE_WORD.format("|".join(alternatives)))
    groups: dict[tuple[str, ...], list[_Message]] = {}
    for recording, text in messages:
        compared = CLAUSE_END.split(text)[0] if first_clause_only else text
        parts = tuple(variable.split(_without_path(recording, compared)))
        groups.setdefault(parts[::2], []).append(_Message(recording, text, parts))
    return tuple(sorted(map(_summarize, groups.values()), key=lambda group: -group.count))


def _summarize(messages: list[_Message]) -> MessageGroup:
    """Summarize the messages of one group."""
    recordings, texts, parts = zip(*map(astuple, messages), strict=True)
    identical = len(set(texts)) == 1
    common = "".join(map(_common_part, zip(*parts, strict=True)))
    return MessageGroup(
        text=texts[0] if identical else common,
        first=texts[0],
        identical=identical,
        count=len(messages),
        recordings=tuple(dict.fromkeys(recordings)),
    )


def _common_part(parts: tuple[str, ...]) -> str:
    return parts[0] if len(set(parts)) == 1 else PLACEHOLDER


def _without_path(recording: str, text: str) -> str:
    """Replace the path of a recording, which would make each message unique."""
    path = recording.partition("/")[2]
    return text.replace(path, PLACEHOLDER) if path else text
