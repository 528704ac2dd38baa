"""What a reader of a report should look at: steps that changed nothing, or nearly everything."""

from __future__ import annotations

NEARLY_ALL = 0.75


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
        return ("changed nothing",)
    return (f"changed nearly everything: {share:.0%} of the {what}",) if share > NEARLY_ALL else ()
