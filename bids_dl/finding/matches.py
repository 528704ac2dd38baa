"""Events, people and hours of a dataset that match queries, from its text alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bids_dl import selection, source
from bids_dl.config.stages import EventsConfig, LabelConfig, SourceConfig
from bids_dl.datamodel import Block
from bids_dl.errors import NoMatchError
from bids_dl.finding.catalogue import SECONDS_PER_HOUR
from bids_dl.finding.findings import Matches
from bids_dl.planning.limits import find_recording_limits
from bids_dl.planning.searched_rows import SearchedRows, read_rows
from bids_dl.planning.survey import open_sources


def find_matches(address: str, events: EventsConfig, access: source.Access) -> Matches:
    """Search a dataset for events, and plan their blocks as for sliding windows.

    No header is read: a block that lasts until the end of a recording whose length no sidecar
    states has no known end.

    Parameters
    ----------
    address
        SOURCE of the dataset.
    events
        The queries. A label that matches nothing counts 0.
    access
        Cache and connections.

    Raises
    ------
    RequestError
        The dataset cannot be opened, or its annotations cannot be searched.

    Examples
    --------
    >>> from bids_dl.config.parsing import parse_events
    >>> from bids_dl.demo import sample_folder
    >>> with source.open_access() as access:
    ...     matches = find_matches(sample_folder(), parse_events({"hed": "Eyes-closed"}), access)
    >>> matches.events, matches.subjects, round(matches.hours, 3)
    ({'Eyes-closed': 4}, 4, 0.068)
    """
    datasets = open_sources([str(address)], access)
    searched = read_rows(datasets, SourceConfig(), events, access)
    config = searched.events_config
    names = [label.label for label in config.labels]
    labels = config.labels
    selected = _select(searched, labels, datasets)
    if selected is None and len(labels) > 1:
        labels = tuple(label for label in labels if _select(searched, (label,), datasets))
        selected = _select(searched, labels, datasets) if labels else None
    if selected is None:
        return Matches(dict.fromkeys(names, 0), 0, 0, 0.0)
    counts = Counter(event.label for event in selected.events)
    keys = {event.recording for event in selected.events}
    matched = [recording for recording in searched.recordings if recording.key in keys]
    blocks = _plan_blocks(searched, selected, labels, datasets)
    return Matches(
        events={name: counts[name] for name in names},
        subjects=len({recording.person for recording in matched}),
        recordings=len(matched),
        hours=sum(block.end - block.onset for block in blocks if block.end) / SECONDS_PER_HOUR,
        open_events=sum(block.end is None for block in blocks),
        problems=tuple(f"{failure.recording}: {failure.reason}" for failure in searched.failures),
    )


def _select(
    searched: SearchedRows, labels: Sequence[LabelConfig], datasets: dict[str, source.Dataset]
) -> selection.Selection | None:
    """Select the events of some labels, None if one of them matches nothing."""
    config = replace(searched.events_config, labels=tuple(labels))
    versions = {name: dataset.hed_version for name, dataset in datasets.items()}
    try:
        return selection.select(searched.tables, config, hed_versions=versions, sliding=True)
    except NoMatchError:
        return None


def _plan_blocks(
    searched: SearchedRows,
    selected: selection.Selection,
    labels: Sequence[LabelConfig],
    datasets: dict[str, source.Dataset],
) -> tuple[Block, ...]:
    """Plan the blocks of events. Blocks of two labels may overlap, because both are counted."""
    limits = find_recording_limits(datasets, searched.tables, {}, selected)
    plan = selection.plan_blocks(
        selected,
        replace(searched.events_config, labels=tuple(labels), overlap="each"),
        {rows.recording: rows.duration for rows in searched.tables},
        {key: limit.boundaries for key, limit in limits.items()},
        sfreqs={key: limit.sfreq for key, limit in limits.items()},
    )
    return plan.blocks
