"""Windows of a store, counted by label, split and subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bids_dl.store import Store

MIN_WINDOWS = 0.5  # of the median number of windows of a subject; below it a subject is an outlier
MAX_RATIO = 2.0  # between a label's share in a subject and in the whole store, in either direction


@dataclass(frozen=True, slots=True)
class SubjectWindows:
    """Windows of one subject.

    Attributes
    ----------
    windows
        Number of windows by label, in the order of the classes.
    remark
        How this subject differs from the others; "" if it does not.
    """

    dataset: str
    subject: str
    split: str
    windows: tuple[int, ...]
    remark: str = ""

    @property
    def total(self) -> int:
        """Number of windows of all labels."""
        return sum(self.windows)


@dataclass(frozen=True, slots=True)
class Contents:
    """Windows of a store by label, split and subject.

    Attributes
    ----------
    labels
        Labels in the order of the classes.
    per_split
        Number of windows by label, in the order of the classes, for each split.
    subjects
        Windows of each subject, sorted by dataset and subject.
    """

    labels: tuple[str, ...]
    per_split: Mapping[str, tuple[int, ...]]
    subjects: tuple[SubjectWindows, ...]

    @property
    def per_label(self) -> tuple[int, ...]:
        """Number of windows of each label, in the order of the classes."""
        return _sum_columns(self.per_split.values())

    @property
    def totals(self) -> tuple[int, ...]:
        """Number of windows of each subject."""
        return tuple(subject.total for subject in self.subjects)

    @property
    def median_windows(self) -> float:
        """Median number of windows of a subject."""
        return median(self.totals)

    @property
    def min_windows(self) -> int:
        """Smallest number of windows of a subject."""
        return min(self.totals)

    @property
    def max_windows(self) -> int:
        """Largest number of windows of a subject."""
        return max(self.totals)


def count_windows(store: Store) -> Contents:
    """Count the windows of a store by label, split and subject, and mark outliers.

    Parameters
    ----------
    store
        An open store; its columns ``dataset``, ``subject``, ``split`` and ``label`` are read.

    Returns
    -------
    Contents
        The counts. Splits without windows are omitted.
    """
    labels = tuple(store.attributes["classes"]["label"])
    columns = [store.read(name).tolist() for name in ("dataset", "subject", "split", "label")]
    counts = Counter(zip(*columns, strict=True))
    subjects = []
    for dataset, subject, split in sorted(set(zip(*columns[:3], strict=True))):
        windows = tuple(counts[dataset, subject, split, label] for label in labels)
        subjects.append(SubjectWindows(dataset, subject, split, windows))
    per_split = {}
    for split in store.attributes["statistics"]["splits"]:
        members = [subject.windows for subject in subjects if subject.split == split]
        if members:
            per_split[split] = _sum_columns(members)
    return Contents(labels, per_split, _with_remarks(subjects, labels))


def _sum_columns(rows: Collection[Sequence[int]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))


def _with_remarks(
    subjects: Sequence[SubjectWindows], labels: Sequence[str]
) -> tuple[SubjectWindows, ...]:
    """Return the same subjects with their remarks."""
    per_label = _sum_columns([subject.windows for subject in subjects])
    total = max(sum(per_label), 1)
    shares = {label: count / total for label, count in zip(labels, per_label, strict=True)}
    median_windows = median(subject.total for subject in subjects)
    remarked = []
    for subject in subjects:
        remark = _remark(subject, shares, median_windows)
        remarked.append(replace(subject, remark=remark))
    return tuple(remarked)


def _remark(subject: SubjectWindows, shares: Mapping[str, float], median_windows: float) -> str:
    """Describe how a subject differs from the others.

    Parameters
    ----------
    shares
        Share of each label in the windows of the whole store.
    """
    missing, uneven, remarks = [], [], []
    for (label, share), count in zip(shares.items(), subject.windows, strict=True):
        own_share = count / subject.total
        if not share:
            continue
        if not count:
            missing.append(label)
        elif not 1 / MAX_RATIO < own_share / share < MAX_RATIO:
            uneven.append(f"{label} {own_share:.0%} (all subjects: {share:.0%})")
    if missing:
        remarks.append(f"no {', '.join(missing)}")
    elif uneven:
        remarks.append(", ".join(uneven))
    if subject.total < MIN_WINDOWS * median_windows:
        remarks.append(f"few windows (median: {median_windows:g})")
    return "; ".join(remarks)
