"""What a reader of a report should look at: steps that changed nothing, or nearly everything."""

from __future__ import annotations

from collections.abc import Sequence

NEARLY_ALL = 0.75
NOTHING, NEARLY_EVERYTHING = "changed nothing", "changed nearly everything"


def flagged(share: float, what: str) -> tuple[str, ...]:
    """A note where a step changed none or most of what it may change.

    Parameters
    ----------
    share
        How much it changed, of what it may change.
    what
        What that is: "samples".
    """
    if share == 0:
        return (NOTHING,)
    return (f"{NEARLY_EVERYTHING}: {share:.0%} of the {what}",) if share > NEARLY_ALL else ()


def settled(parts: Sequence[Sequence[str]]) -> list[str]:
    """All notes on the parts of a recording; a flag only where each part has it, in the words of the first."""
    kinds = (NOTHING, NEARLY_EVERYTHING)
    flags = [next((note for note in parts[0] if note.startswith(kind)), "") for kind in kinds]
    held = [flag for kind, flag in zip(kinds, flags, strict=True) if all(any(note.startswith(kind) for note in part) for part in parts)]
    return [*(note for part in parts for note in part if not note.startswith(kinds)), *held]
