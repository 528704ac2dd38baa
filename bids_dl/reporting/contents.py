"""What a store holds: its numbers, and who gave how many windows of which class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bids_dl.store import Store

FEW = 0.5  # of the median number of windows of a person
UNEVEN = 2.0  # times more or less of a class than in the whole store


@dataclass(frozen=True, slots=True)
class Person:
    """Windows of one person.

    Attributes
    ----------
    windows
        By label, in the order of the classes.
    remark
        What sets this person apart from the others, "" where nothing does.
    """

    dataset: str
    subject: str
    split: str
    windows: tuple[int, ...]
    remark: str = ""

    @property
    def total(self) -> int:
        return sum(self.windows)


@dataclass(frozen=True, slots=True)
class Contents:
    """Windows of a store by label, split and person.

    Attributes
    ----------
    per_split
        Split -> windows by label, in the order of the classes.
    people
        By dataset and subject.
    """

    labels: tuple[str, ...]
    per_split: Mapping[str, tuple[int, ...]]
    people: tuple[Person, ...]

    @property
    def per_label(self) -> tuple[int, ...]:
        return tuple(sum(column) for column in zip(*self.per_split.values(), strict=True))

    @property
    def middle(self) -> float:
        """Median number of windows of a person."""
        return median(person.total for person in self.people)

    @property
    def fewest(self) -> int:
        return min(person.total for person in self.people)

    @property
    def most(self) -> int:
        return max(person.total for person in self.people)


def contents(store: Store) -> Contents:
    """Count the windows of a store."""
    labels = tuple(store.attributes["classes"]["label"])
    dataset, subject, split, label = (
        store.read(name).tolist() for name in ("dataset", "subject", "split", "label")
    )
    counts = Counter(zip(dataset, subject, split, label, strict=True))
    persons = sorted({who[:3] for who in counts})
    counted = {who: tuple(counts[*who, name] for name in labels) for who in persons}
    splits = [
        name
        for name in store.attributes["statistics"]["splits"]
        if any(who[2] == name for who in persons)
    ]
    per_split = {
        name: tuple(
            sum(n) for n in zip(*(counted[who] for who in persons if who[2] == name), strict=True)
        )
        for name in splits
    }
    return Contents(
        labels, per_split, _remarked([Person(*who, counted[who]) for who in persons], labels)
    )


def _remarked(people: Sequence[Person], labels: Sequence[str]) -> tuple[Person, ...]:
    """The same people, with what sets them apart."""
    total = sum(person.total for person in people)
    shares = [
        sum(column) / total for column in zip(*(person.windows for person in people), strict=True)
    ]
    middle = median(person.total for person in people)
    return tuple(
        Person(p.dataset, p.subject, p.split, p.windows, _remark(p, labels, shares, middle))
        for p in people
    )


def _remark(person: Person, labels: Sequence[str], shares: Sequence[float], middle: float) -> str:
    missing = [
        label
        for label, n, share in zip(labels, person.windows, shares, strict=True)
        if not n and share
    ]
    said = [f"no {', '.join(missing)}"] if missing else []
    uneven = [
        f"{label} {n / person.total:.0%} (all people: {share:.0%})"
        for label, n, share in zip(labels, person.windows, shares, strict=True)
        if n and share and not missing and not 1 / UNEVEN < n / person.total / share < UNEVEN
    ]
    said += [", ".join(uneven)] if uneven else []
    said += [f"few windows (median: {middle:g})"] if person.total < FEW * middle else []
    return "; ".join(said)
