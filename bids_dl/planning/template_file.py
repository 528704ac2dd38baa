"""Writing of a sidecar to fill in, from the events.tsv of the selected recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bids_dl import source
from bids_dl.config.stages import SourceConfig
from bids_dl.datamodel import EventRows
from bids_dl.errors import ConfigError, EventError, RecordingError, SourceError
from bids_dl.output import check_output, writing
from bids_dl.planning.survey import open_sources
from bids_dl.selection.tables.sidecar_template import SidecarTemplate, build_template


def write_template(
    sources: Sequence[str],
    source_config: SourceConfig,
    file: str,
    access: source.Access | None = None,
    *,
    on_message: Callable[[str], None] | None = None,
) -> SidecarTemplate:
    """Write an events.json with the columns and values of the events.tsv, for the HED of each.

    Parameters
    ----------
    sources
        BIDS folders, or addresses of archives.
    source_config
        Recordings to read.
    file
        File to write, which must not exist.
    access
        Cache and connections for remote sources; None for the defaults.
    on_message
        Called with one line for each thing that was left out.

    Raises
    ------
    ConfigError
        The file exists or cannot be written.
    SourceError
        A source does not exist, or no events.tsv can be read.
    EventError
        No recording has an events.tsv.
    NoMatchError
        There is no column to annotate.
    """
    path = Path(file).expanduser()
    check_output(file, path, suffixes=[".json"])
    if path.exists():
        raise ConfigError(f"{file}: exists already; name another file or remove it")
    tables, notes = _read_tables(open_sources(sources, access), source_config)
    template = build_template(tables)
    text = json.dumps(template.content, indent=2, ensure_ascii=False) + "\n"
    with writing(file), path.open("x", encoding="utf-8") as opened:
        opened.write(text)
    if on_message is not None:
        for note in notes:
            on_message(note)
    return template


def _read_tables(
    datasets: Mapping[str, source.Dataset], source_config: SourceConfig
) -> tuple[list[EventRows], list[str]]:
    """Return the events.tsv of the recordings, and notes about what is left out."""
    tables: list[EventRows] = []
    notes: list[str] = []
    failures: list[str] = []
    for dataset in datasets.values():
        listing = source.list_recordings(dataset, source_config)
        notes += listing.notes
        for recording in listing.recordings:
            if not recording.events or recording.datatype == "meg":
                continue
            try:
                tables.append(source.read_event_rows(dataset, recording))
            except (RecordingError, SourceError) as problem:
                failures.append(f"{recording.key}: {problem}")
    if not tables and failures:
        raise SourceError(failures[0])
    if not tables:
        raise EventError(
            f"{', '.join(datasets)}: no EEG or iEEG recording has an events.tsv, so there are no "
            "values to annotate; --whole takes whole recordings without events"
        )
    return tables, notes + failures
