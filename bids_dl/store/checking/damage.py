"""Findings of a verification: damage, and remarks on what is no damage."""

from __future__ import annotations

from dataclasses import dataclass

Rows = tuple[int, int]
"""First row of the window table and the first after the last."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that differs from what was written, or contradicts something else.

    Attributes
    ----------
    where
        Name of the object or array, or key of the recording.
    problem
        Description of the damage.
    windows
        First affected row of the window table and the first after the last; None if no windows are
        affected.
    recordings
        Keys of the recordings of these windows.
    is_remark
        True for an edit that its owner may make, of README.md. A `Remark` says the same.
    """

    where: str
    problem: str
    windows: Rows | None = None
    recordings: tuple[str, ...] = ()
    is_remark: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that may differ from what was written, such as a file that is not the store's.

    Attributes
    ----------
    where
        Name of the object, or of a folder with a slash at its end.
    note
        Description of the difference.
    """

    where: str
    note: str
