"""How much a request selects: per label, per person, and what it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bids_dl.datamodel import Person
from bids_dl.planning.survey import Survey

Counts = Mapping[str, int]


def per_label(found: Survey) -> dict[str, dict[str, int]]:
    """Recordings, events, windows and blocks without a known end ("open") of each label."""
    windows = Counter(window.label for window in found.cut.windows) if found.cut else Counter[str]()
    counts = {}
    for label in dict.fromkeys(event.label for event in found.events):
        mine = [event for event in found.events if event.label == label]
        counts[label] = {
            "recordings": len({event.recording for event in mine}),
            "events": len(mine),
            "windows": windows[label],
            "open": found.cut.open.get(label, 0)
            if found.cut
            else sum(event.end is None for event in mine),
        }
    return counts


def per_person(found: Survey) -> dict[Person, dict[str, Counts]]:
    """Events and windows of each person and label; sorted by person, every label with each."""
    person = {recording.key: recording.person for recording in found.recordings}
    events = Counter((person[event.recording], event.label) for event in found.events)
    windows = Counter(
        (person[window.recording], window.label)
        for window in (found.cut.windows if found.cut else ())
    )
    labels = list(dict.fromkeys(event.label for event in found.events))
    return {
        who: {
            label: {"events": events[who, label], "windows": windows[who, label]}
            for label in labels
        }
        for who in sorted({who for who, _ in events})
    }


def left_out(found: Survey) -> dict[str, dict[str, int]]:
    """Of each label, how many events, blocks and windows each cause took: ``{"rest": {"window: boundary": 2}}``."""
    counts: dict[str, Counter[str]] = {}
    for dropped in found.dropped:
        counts.setdefault(dropped.label, Counter())[f"{dropped.what}: {dropped.cause}"] += 1
    return {label: dict(causes) for label, causes in counts.items()}
