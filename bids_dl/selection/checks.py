"""What hedtools' validators and common sense say about annotations that are used all the same."""

from __future__ import annotations

import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from hed import HedFileError, Sidecar, TabularInput

from bids_dl.datamodel import Event, EventRows
from bids_dl.errors import SourceError
from bids_dl.selection.annotations import hed_of
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.timelines import AnnotatedTables, Timeline

Issue = dict[str, Any]
SEVERE = 1  # hedtools: 1 error, 10 warning


def check_sidecars(corpus: AnnotatedTables, findings: IssueCounter, *, strict: bool) -> None:
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
            findings.add_kinds(
                kind,
                (str(issue["code"]) for issue in issues if (issue["severity"] == SEVERE) == severe),
            )


def _issues(validate: Callable[[], list[Issue]]) -> list[Issue]:
    """What a validator finds; where it stops at what it cannot read, that is an issue too."""
    try:
        return validate()
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        HedFileError,
    ) as error:
        return [
            {
                "code": "UNREADABLE",
                "severity": SEVERE,
                "message": f"hedtools' validator stops with {error!r}",
            }
        ]


def _check_sidecar(table: EventRows, schema: Any) -> list[Issue]:
    return list(_sidecar(table).validate(schema))


def _check_rows(table: EventRows, schema: Any) -> list[Issue]:
    lines = [table.columns.keys(), *zip(*table.columns.values(), strict=True)]
    text = io.StringIO("\n".join("\t".join(cells) for cells in lines))
    return list(
        TabularInput(text, sidecar=_sidecar(table)).validate(schema, validate_sidecar=False)
    )


def _sidecar(table: EventRows) -> Any:
    annotated = hed_of(table.sidecar)
    return Sidecar(
        io.StringIO(
            json.dumps({name: entry for name, entry in table.sidecar.items() if name in annotated})
        )
    )


def _refuse(table: EventRows, issues: Sequence[Issue]) -> None:
    if issues:
        codes = Counter(str(issue["code"]) for issue in issues)
        raise SourceError(
            f"{table.recording}: --hed-strict, and hedtools finds {', '.join(f'{code} {n}' for code, n in codes.most_common())};\n"
            f"  the first: {str(issues[0].get('message', '')).splitlines()[0][:200]}"
        )


def check_durations(
    timelines: Iterable[Timeline], events: Sequence[Event], findings: IssueCounter
) -> None:
    """Warn where the durations that ends were taken from cannot be seconds: most rows that last reach past the next that does."""
    used = {event.recording for event in events if event.end_rule == "duration"}
    for timeline in timelines:
        if timeline.table.recording not in used:
            continue
        lasting = _lasting(timeline)
        long = [
            (one, other)
            for one, other in itertools.pairwise(lasting)
            if one[0] + one[1] > other[0] > one[0]
        ]
        apart = sum(one[0] < other[0] for one, other in itertools.pairwise(lasting))
        if apart > 1 and len(long) > apart / 2:
            (onset, duration), (following, _) = long[0]
            where = f"{duration:g} at {onset:g} s in {timeline.table.recording}"
            findings.add(
                "durations",
                f"{where}, where the next row that lasts is {following - onset:g} s later",
            )


def _lasting(timeline: Timeline) -> list[tuple[float, float]]:
    """Onset and duration in s of each row that lasts, in order of time."""
    rows = ((timeline.onset(row), timeline.duration(row)) for row in range(len(timeline.table)))
    return sorted(
        (onset, duration) for onset, duration in rows if onset is not None and duration > 0
    )
