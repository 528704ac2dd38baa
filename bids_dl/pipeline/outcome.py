"""Progress and outcome of a conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bids_dl.datamodel import Failure
from bids_dl.errors import mask_secrets
from bids_dl.wording import count, describe_rows, describe_rows_html, join_names

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan


@dataclass(frozen=True)
class Progress:
    """Progress of a conversion: ``done`` of ``total`` in a stage.

    Attributes
    ----------
    stage
        "plan" (one step), "fetch" (in bytes), "stage" (in recordings) or "pack" (in windows).
    note
        Failure of the recording that was processed last, or a message on the plan, "" otherwise.
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


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return describe_rows(self._title, self._describe())

    def _repr_html_(self) -> str:
        """Describe the outcome in a notebook."""
        return describe_rows_html(self._title, self._describe())

    @property
    def _title(self) -> str:
        return f"Outcome {mask_secrets(self.url)}"

    def _describe(self) -> dict[str, str]:
        """Describe the numbers, and the first failures and warnings."""
        windows = f"{count(self.n_windows, 'window')} of {count(self.n_recordings, 'recording')}"
        labels: Counter[str] = Counter()
        for person in self.people:
            labels.update(person.windows)
        failed = [f"{failure.recording} ({failure.stage})" for failure in self.failures]
        rows = {
            "windows": f"{windows}, as before" if self.unchanged else windows,
            "labels": join_names(f"{label} {number}" for label, number in labels.items()),
            "people": str(len(self.people)),
            "failed": f"{len(failed)}: {join_names(failed)}" if failed else "none",
            "warnings": f"{len(self.warnings)}: {self.warnings[0]}" if self.warnings else "",
            "left out": f"{self.dropped} (events, blocks or windows)" if self.dropped else "",
        }
        return {name: text for name, text in rows.items() if text}

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
