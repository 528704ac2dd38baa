"""Progress and outcome of a conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bids_dl.datamodel import Failure
from bids_dl.planning.plan import Plan


@dataclass(frozen=True)
class Progress:
    """Progress of a conversion: ``done`` of ``total`` in a stage.

    Attributes
    ----------
    stage
        "plan" (one step), "stage" (in recordings) or "pack" (in windows).
    note
        Failure of the recording that was processed last, "" otherwise.
    failed
        Number of failed recordings among those done.
    signal
        Seconds of recordings staged by this run.
    elapsed
        Seconds that staging took so far.
    """

    stage: str
    done: int
    total: int
    note: str = ""
    failed: int = 0
    signal: float = 0.0
    elapsed: float = 0.0

    @property
    def speed(self) -> float:
        """Seconds of recordings staged per second, 0 before the first is staged."""
        return self.signal / self.elapsed if self.elapsed else 0.0


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class PersonCount:
    """Number of windows of each label that a person has in a store."""

    dataset: str
    subject: str
    split: str
    windows: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """Outcome of a conversion.

    Attributes
    ----------
    url
        Location of the store.
    people
        Windows of each person in the store, sorted by person.
    failures
        Recordings that match and are not in the store.
    dropped
        Number of events, blocks and windows that were left out.
    reused
        Recordings that an earlier, interrupted run had staged.
    unchanged
        True if the store existed already, made by the same plan.
    """

    url: str
    n_windows: int
    n_recordings: int
    people: tuple[PersonCount, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    dropped: int = 0
    reused: int = 0
    unchanged: bool = False

    @property
    def exit_status(self) -> int:
        """Exit status of the command: 3 if a recording failed, else 0."""
        return 3 if self.failures else 0


def count_people(
    plan: Plan, n_windows: Mapping[tuple[str, str, str, str], int]
) -> tuple[PersonCount, ...]:
    """Count the windows of each person and label.

    Parameters
    ----------
    n_windows
        Number of windows by (dataset, subject, split, label).

    Returns
    -------
    tuple of PersonCount
        Sorted by person, with every label of the plan for each person.
    """
    people = sorted({(dataset, subject, split) for dataset, subject, split, _ in n_windows})
    counts = []
    for person in people:
        by_label = {label: n_windows.get((*person, label), 0) for label in plan.labels}
        counts.append(PersonCount(*person, by_label))
    return tuple(counts)
