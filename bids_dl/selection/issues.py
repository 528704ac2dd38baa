"""What is odd in the annotations of real datasets: counted, and told in one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

LINES = {
    "columns": "{n} recordings have an events.tsv without an onset column; nothing in them can be selected (first: {first})",
    "unannotated": "{n} recordings have no HED annotations (first: {first})",
    "onset": "{n} rows were skipped: their onset is not a number (first: {first})",
    "unbalanced": "{n} rows were skipped: brackets of their HED have no partners or are nested too deeply (first: {first})",
    "offset": "{n} Offsets end nothing: no Onset of the same definition is before them (first: {first})",
    "unanchored": "{n} Onset or Offset groups name no definition and were not followed (first: {first})",
    "unreadable": "{n} Delay or Duration values cannot be read in seconds and were left out (first: {first})",
    "unknown": "{n} rows hold tags that their HED version does not have; no bare word finds those (first: {first})",
    "undefined": "{n} rows use definitions that no sidecar defines; only their names are found (first: {first})",
    "reference": "{n} recordings lack a column that the sidecar refers to in braces; it was read as empty (first: {first})",
    "unclear": "{n} recordings have sidecar columns whose HED has neither levels nor a #; those were left out (first: {first})",
    "levels": "{n} cells hold values that the sidecar does not annotate (first: {first})",
    "durations": "durations reach past the next row that lasts in most rows of {n} recordings; are they seconds? (first: {first})",
    "issues": "hedtools finds {n} errors in the sidecars' HED, kept as they are: {kinds}; --hed-strict refuses them",
    "remarks": "hedtools has {n} remarks on the sidecars' HED: {kinds}",
}


@dataclass(slots=True)
class IssueCounter:
    """Counts by kind, and the first place of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def add(self, kind: str, first: str, count: int = 1) -> None:
        """Count something, one of LINES."""
        if count:
            self.counts[kind] += count
            self.first.setdefault(kind, first)

    def add_kinds(self, kind: str, names: Iterable[str]) -> None:
        """Count something by hedtools' code for it."""
        for name in names:
            self.kinds.setdefault(kind, Counter())[name] += 1
            self.counts[kind] += 1

    def tell(self, line: str) -> None:
        """Add a line as it is, once."""
        if line not in self.told:
            self.told.append(line)

    def lines(self) -> tuple[str, ...]:
        """All of it, one line each."""
        return (*self.told, *(self.line(kind) for kind in LINES if self.counts[kind]))

    def line(self, kind: str) -> str:
        """What was counted of one kind."""
        kinds = ", ".join(
            f"{name} {count}" for name, count in self.kinds.get(kind, Counter()).most_common()
        )
        return LINES[kind].format(n=self.counts[kind], first=self.first.get(kind, ""), kinds=kinds)
