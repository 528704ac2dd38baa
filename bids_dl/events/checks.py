"""What hedtools' validators and common sense say about annotations that are used all the same."""

from __future__ import annotations

import io
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from hed import HedFileError, Sidecar, TabularInput

from bids_dl.datamodel import Event, EventRows
from bids_dl.errors import SourceError
from bids_dl.events.annotations import hed_of
from bids_dl.events.corpus import Corpus, Timeline
from bids_dl.events.findings import Findings

Issue = dict[str, Any]
SEVERE = 1  # hedtools: 1 error, 10 warning


def check_sidecars(corpus: Corpus, findings: Findings, *, strict: bool) -> None:
    """Count what hedtools finds wrong: in the sidecars, or, if strict, also in every row.

    Raises
    ------
    SourceError
        If strict and there is any error.
    """
    checked: set[int] = set()
    for table, codebook in zip(corpus.tables, corpus.codebooks, strict=True):
        issues: list[Issue] = []
        if id(codebook) not in checked:
            checked.add(id(codebook))
            issues = _issues(partial(_check_sidecar, table, codebook.schema))
        if strict:
            issues += _issues(partial(_check_rows, table, codebook.schema))
            _refuse(table, [issue for issue in issues if issue["severity"] == SEVERE])
        for kind, severe in (("issues", True), ("remarks", False)):
            findings.add_kinds(kind, (str(issue["code"]) for issue in issues if (issue["severity"] == SEVERE) == severe))


def _issues(validate: Callable[[], list[Issue]]) -> list[Issue]:
    """What a validator finds; where it stops at what it cannot read, that is an issue too."""
    try:
        return validate()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, HedFileError) as error:
        return [{"code": "UNREADABLE", "severity": SEVERE, "message": f"hedtools' validator stops with {error!r}"}]


def _check_sidecar(table: EventRows, schema: Any) -> list[Issue]:
    return list(_sidecar(table).validate(schema))


def _check_rows(table: EventRows, schema: Any) -> list[Issue]:
    lines = [table.columns.keys(), *zip(*table.columns.values(), strict=True)]
    text = io.StringIO("\n".join("\t".join(cells) for cells in lines))
    return list(TabularInput(text, sidecar=_sidecar(table)).validate(schema, validate_sidecar=False))


def _sidecar(table: EventRows) -> Any:
    annotated = hed_of(table.sidecar)
    return Sidecar(io.StringIO(json.dumps({name: entry for name, entry in table.sidecar.items() if name in annotated})))


def _refuse(table: EventRows, issues: Sequence[Issue]) -> None:
    if issues:
        codes = Counter(str(issue["code"]) for issue in issues)
        raise SourceError(
            f"{table.recording}: --hed-strict, and hedtools finds {', '.join(f'{code} {n}' for code, n in codes.most_common())};\n"
            f"  the first: {str(issues[0].get('message', '')).splitlines()[0][:200]}"
        )


def check_durations(timelines: Iterable[Timeline], events: Sequence[Event], findings: Findings) -> None:
    """Warn where the durations that ends were taken from cannot be seconds: most reach past the next row."""
    used = {event.recording for event in events if event.end_rule == "duration"}
    for timeline in timelines:
        if timeline.table.recording not in used:
            continue
        gaps = list(_gaps(timeline))
        long = [(onset, duration, gap) for onset, duration, gap in gaps if duration > gap]
        if len(gaps) > 1 and len(long) > len(gaps) / 2:
            onset, duration, gap = long[0]
            findings.add("durations", f"{duration:g} at {onset:g} s in {timeline.table.recording}, where the next row is {gap:g} s later")


def _gaps(timeline: Timeline) -> Iterable[tuple[float, float, float]]:
    """Onset, duration and distance to the next row, in s, of each row that lasts."""
    for row in range(len(timeline.table)):
        onset, duration = timeline.onset(row), timeline.duration(row)
        place = bisect_right(timeline.onsets, onset) if onset is not None else len(timeline.onsets)
        if onset is not None and duration > 0 and place < len(timeline.onsets):
            yield onset, duration, timeline.onsets[place] - onset
