"""Problems in the HED of real datasets, counted and reported in one line each.

hedtools stops at some of these problems or reports them once for each row. Here the dataset is
used as far as it can be read, because the annotations of many published datasets do not validate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bids_dl.wording import count

TEMPLATES = {  # kind -> noun that is counted, line
    "no_onset_column": (
        "recording",
        "no onset column in the events.tsv of {count}: no row of it can be selected "
        "(first: {first})",
    ),
    "no_hed": ("recording", "no HED annotations in {count} (first: {first})"),
    "short_row": (
        "row",
        "{count} with fewer cells than columns; the cells that are missing are read as n/a "
        "(first: {first})",
    ),
    "long_row": (
        "row",
        "{count} with more cells than columns; all cells of such a row are read as n/a, because "
        "a tab without quotes may have shifted them (first: {first})",
    ),
    "decimal_comma": (
        "cell",
        "{count} of onset or duration with a decimal comma, which is read as a point "
        "(first: {first})",
    ),
    "bad_onset": ("row", "skipped {count} whose onset is not a number (first: {first})"),
    "row_in_gap": (
        "row",
        "skipped {count} in a gap of the recording, where there is no sample (first: {first})",
    ),
    "bad_duration": (
        "row",
        "{count} whose duration is not a number of at least 0; it is read as n/a (first: {first})",
    ),
    "no_state": (
        "row",
        "--during: {count} without a duration above 0, in which the state does not hold "
        "(first: {first})",
    ),
    "boundary_event": (
        "event",
        "{count} in a row named boundary, which marks a cut of the signal; leave it out with "
        "AND NOT COLUMN==boundary (first: {first})",
    ),
    "repeated_row": (
        "row",
        "{count} with the cells of an earlier row, so that their windows repeat (first: {first})",
    ),
    "unbalanced": (
        "row",
        "skipped {count} whose HED has unpaired or too deeply nested parentheses (first: {first})",
    ),
    "unmatched_offset": (
        "Offset",
        "ignored {count} without a preceding Onset of the same definition (first: {first})",
    ),
    "no_definition": (
        "Onset or Offset group",
        "ignored {count} without a definition (first: {first})",
    ),
    "unreadable_time": (
        "Delay or Duration value",
        "ignored {count} that cannot be converted to seconds (first: {first})",
    ),
    "unknown_tag": (
        "row",
        "{count} with tags that their HED version does not have; no bare word finds these tags "
        "(first: {first})",
    ),
    "undefined": (
        "row",
        "{count} with definitions that no sidecar defines; only their names are found "
        "(first: {first})",
    ),
    "missing_reference": (
        "recording",
        "{count} without a column that the sidecar refers to in braces; the reference is read as "
        "empty (first: {first})",
    ),
    "invalid_column": (
        "recording",
        "{count} with a sidecar column whose HED has neither levels nor a #; the column is ignored "
        "(first: {first})",
    ),
    "near_level": (
        "cell",
        "{count} with a value that the sidecar does not annotate (first: {first}); values are "
        "compared as text, make them equal",
    ),
    "unknown_level": (
        "cell",
        "{count} with a value that the sidecar does not annotate (first: {first})",
    ),
    "long_durations": (
        "recording",
        "in {count}, most durations reach past the next row with a duration; are they in seconds? "
        "(first: {first})",
    ),
    "errors": (
        "error",
        "hedtools reports {count} in the HED of the sidecars, kept as they are: {codes}; "
        "--hed-strict rejects them",
    ),
    "warnings": ("warning", "hedtools reports {count} in the HED of the sidecars: {codes}"),
}


@dataclass(slots=True)
class IssueCounter:
    """Counts issues by kind, and keeps the first place of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Counter[str]] = field(default_factory=dict)  # kind -> hedtools' codes
    warnings: list[str] = field(default_factory=list)

    def add(self, kind: str, place: str, number: int = 1) -> None:
        """Add a number of issues of one kind.

        Parameters
        ----------
        kind
            Key of `TEMPLATES`.
        place
            Row or recording, for messages.
        number
            Number of issues at this place; 0 adds nothing.
        """
        if number:
            self.counts[kind] += number
            self.first.setdefault(kind, place)

    def add_codes(self, kind: str, codes: Iterable[str]) -> None:
        """Add issues that hedtools' validators report, by their codes."""
        for code in codes:
            self.codes.setdefault(kind, Counter())[code] += 1
            self.counts[kind] += 1

    def warn(self, line: str) -> None:
        """Add a warning, unless it was added before."""
        if line not in self.warnings:
            self.warnings.append(line)

    def lines(self) -> tuple[str, ...]:
        """Return the warnings, then one line for each kind of issue."""
        return (*self.warnings, *(self.line(kind) for kind in TEMPLATES if self.counts[kind]))

    def line(self, kind: str) -> str:
        """Describe the issues of one kind in one line."""
        noun, template = TEMPLATES[kind]
        return template.format(
            count=count(self.counts[kind], noun),
            first=self.first.get(kind, ""),
            codes=format_codes(self.codes.get(kind, Counter())),
        )


def format_codes(codes: Counter[str]) -> str:
    """List hedtools' codes with their counts, most frequent first.

    Examples
    --------
    >>> format_codes(Counter({"DEF_INVALID": 1, "TAG_INVALID": 3}))
    'TAG_INVALID 3, DEF_INVALID 1'
    """
    return ", ".join(f"{code} {number}" for code, number in codes.most_common())
