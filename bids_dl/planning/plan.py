"""The plan of a store, decided from text files and headers before any sample is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from typing import Any

from bids_dl import preprocess, source, windows
from bids_dl.config.stages import Request, WindowsConfig
from bids_dl.datamodel import (
    Block,
    Dropped,
    Event,
    Failure,
    Person,
    Recording,
    SignalSpec,
    Window,
    exact_rate,
)
from bids_dl.planning.identity import describe_request
from bids_dl.planning.persons import assign_persons, find_missing_labels
from bids_dl.planning.store_spec import choose_store_spec, no_recording_error
from bids_dl.planning.survey import Survey, no_window_error, survey_sources
from bids_dl.store.format import digest

VERSIONED_SOFTWARE = ("bids_dl", "mne", "mne-bids", "numpy", "scipy")
"""Software that decides the bytes of a store; its versions are part of a staging key."""
RENAMED_EVENT_COLUMNS = ("onset", "HED")  # of events.tsv; in a store `event_onset` and `hed`
DEFAULT_WINDOWS = WindowsConfig(window=2.0, stride=2.0)  # if `convert` is given no windows


@dataclass(frozen=True)
class Plan:
    """Everything that a store will hold, except the samples.

    Attributes
    ----------
    recipe
        The recipe of the request, with its channels resolved.
    recordings
        Recordings to convert, in the order of the store.
    windows
        Windows by recording key, in order of onset.
    spec
        Channels and rate of the store.
    n_times
        Samples of a window at that rate.
    splits
        Name of the split by person.
    participants
        The participants.tsv of each dataset, by name.
    sources
        SHA-256 of each file that a recording is read from, by recording key.
    failures
        Recordings that match and cannot be converted, as far as known without reading samples.
    """

    request: Request
    survey: Survey
    recipe: preprocess.Recipe
    recordings: tuple[Recording, ...]
    windows: Mapping[str, tuple[Window, ...]]
    spec: SignalSpec
    n_times: int
    splits: Mapping[Person, str]
    participants: Mapping[str, source.Participants]
    sources: Mapping[str, Mapping[str, str]]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """All selected events, which `Window.block` is an index into."""
        return self.survey.events

    @property
    def labels(self) -> list[str]:
        """Names of the classes, in the order of the request."""
        return [label.label for label in self.request.events.labels]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets that recordings of the plan are from."""
        return tuple(dict.fromkeys(recording.dataset for recording in self.recordings))

    @property
    def n_windows(self) -> int:
        """Number of windows of all recordings."""
        return sum(len(self.windows[recording.key]) for recording in self.recordings)

    @property
    def offset(self) -> int:
        """Samples from the anchor of a window to its first sample, at the rate of the store."""
        return windows.window_offset(self.request.windows, self.spec.sfreq)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Matching events, blocks and windows that are left out, known before reading samples."""
        return self.survey.dropped

    @cached_property
    def event_columns(self) -> tuple[str, ...]:
        """Columns of events.tsv that a store keeps under their names."""
        columns: dict[str, None] = {}  # an ordered set
        for recording in self.recordings:
            columns.update(dict.fromkeys(self.survey.event_rows[recording.key].columns))
        return tuple(name for name in columns if name and name not in RENAMED_EVENT_COLUMNS)

    def event_cell(self, event: Event, column: str) -> str:
        """Return the cell of events.tsv for an event, "n/a" if its table lacks the column."""
        cells = self.survey.event_rows[event.recording].columns.get(column)
        return cells[event.row] if cells else "n/a"

    def ratio(self, recording: Recording) -> Fraction:
        """Return the rate of the store over the rate of a recording, exact."""
        return self.spec.sfreq / exact_rate(self.survey.headers[recording.key].sfreq)

    def blocks_of(self, key: str) -> tuple[Block, ...]:
        """Return the selected blocks of a recording, none for event-locked windows."""
        return self._blocks.get(key, ()) if self.request.windows.sliding else ()

    @cached_property
    def _blocks(self) -> dict[str, tuple[Block, ...]]:
        blocks: dict[str, list[Block]] = {}
        for block in self.survey.blocks:
            blocks.setdefault(block.recording, []).append(block)
        return {key: tuple(of_recording) for key, of_recording in blocks.items()}

    @cached_property
    def staging_keys(self) -> dict[str, str]:
        """Key of the staging entry of each recording: a hash of all that decides its bytes."""
        packages = (*VERSIONED_SOFTWARE, *self.recipe.packages)
        common = {
            "recipe": self.recipe.to_dict(),
            "shape": [*self.spec.ch_names, self.n_times, str(self.spec.sfreq)],
            "offset": self.offset,
            "software": {name: version(name) for name in packages},
        }
        keys = {}
        for key, files in self.sources.items():
            content = {
                **common,
                "recording": key,
                "sources": files,
                "windows": [(window.start, window.anchor) for window in self.windows[key]],
                "boundaries": list(self.survey.limits[key].boundaries),
            }
            if self.recipe.concatenates:
                content["blocks"] = [(block.onset, block.end) for block in self.blocks_of(key)]
            keys[key] = digest(content)
        return keys

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Values that are equal for equal plans: request, selection and hashes of the sources."""
        datasets = [dict(self.survey.datasets[name].description) for name in self.datasets]
        events = [
            (e.recording, e.row, e.onset, e.end, e.end_rule, e.label, e.hed) for e in self.events
        ]
        event_columns = {}
        for name in self.event_columns:
            event_columns[name] = digest([self.event_cell(event, name) for event in self.events])
        positions = {}
        for key, planned in self.windows.items():
            positions[key] = [(window.start, window.anchor, window.label) for window in planned]
        participants = {}
        for name, table in self.participants.items():
            participants[name] = [table.rows, table.sidecar]
        return {
            "request": describe_request(self.request, self.recipe),
            "recordings": {key: digest(files) for key, files in self.sources.items()},
            "failures": [asdict(failure) for failure in self.failures],
            "datasets": digest(datasets),
            "events": digest(events),
            "event_columns": event_columns,
            "windows": digest(positions),
            "splits": {"/".join(person): split for person, split in sorted(self.splits.items())},
            "participants": digest(participants),
        }


def make_plan(sources: Sequence[str], request: Request) -> Plan:
    """Decide everything that a store will hold.

    Parameters
    ----------
    sources
        BIDS folders.
    request
        Selection, windows, splits and recipe. Without windows, `DEFAULT_WINDOWS` are used.

    Raises
    ------
    RequestError
        The request is wrong: bad query, unknown recipe, no match, or no window fits.
    RecordingError
        No recording can be converted.

    Examples
    --------
    >>> from bids_dl.config import parsing
    >>> from bids_dl.demo import sample_folder
    >>> plan = make_plan([str(sample_folder())], parsing.request({"hed": "Eyes-closed"}))
    >>> plan.n_windows, plan.spec.n_chans, plan.n_times
    (120, 24, 256)
    """
    warnings: list[str] = []
    if not request.windows.requested:
        request = replace(request, windows=DEFAULT_WINDOWS)
        warnings.append("neither --window nor --tmin/--tmax given: using --window 2 --stride 2")
    recipe = preprocess.load_recipe(request.preprocess)
    survey = survey_sources(sources, request.source, request.events, request.windows)
    planned = _windows_by_recording(survey)
    _check_labels(survey, request, planned)
    matched_keys = {event.recording for event in survey.events}
    matched = [recording for recording in survey.recordings if recording.key in matched_keys]
    resolved = preprocess.resolve_channels(recipe, _header_specs(survey, matched))
    store_spec = choose_store_spec(survey, matched, resolved.recipe, resolved.notes)
    failed = {failure.recording for failure in store_spec.failures}
    recordings = []
    for recording in matched:
        if recording.key in planned and recording.key not in failed:
            recordings.append(recording)
    if not recordings:
        raise no_recording_error(store_spec.failures, resolved.notes)
    participants = {
        name: source.read_participants(dataset) for name, dataset in survey.datasets.items()
    }
    split_of, split_warnings = assign_persons(recordings, participants, request.splits)
    warnings += [*survey.warnings, *resolved.notes, *split_warnings]
    warnings += find_missing_labels(planned, recordings, split_of)
    return Plan(
        request=request,
        survey=survey,
        recipe=resolved.recipe,
        recordings=tuple(recordings),
        windows={recording.key: planned[recording.key] for recording in recordings},
        spec=store_spec.signal,
        n_times=windows.window_length(request.windows, store_spec.signal.sfreq),
        splits=split_of,
        participants=participants,
        sources={recording.key: store_spec.checksums[recording.key] for recording in recordings},
        failures=store_spec.failures,
        warnings=tuple(warnings),
    )


def _windows_by_recording(survey: Survey) -> dict[str, tuple[Window, ...]]:
    by_recording: dict[str, list[Window]] = {}
    for window in survey.window_plan.windows if survey.window_plan else ():
        by_recording.setdefault(window.recording, []).append(window)
    return {key: tuple(planned) for key, planned in by_recording.items()}


def _check_labels(
    survey: Survey, request: Request, planned: Mapping[str, Sequence[Window]]
) -> None:
    """Check that each label has a window, or that all its recordings are broken.

    Broken recordings are listed as failures, with their reasons.

    Raises
    ------
    WindowError
        A label has events in readable recordings, but no window.
    """
    labels = {window.label for of_recording in planned.values() for window in of_recording}
    broken = {failure.recording for failure in survey.failures}
    for label in request.events.labels:
        if label.label in labels:
            continue
        matched = {event.recording for event in survey.events if event.label == label.label}
        if not matched <= broken:
            raise no_window_error(survey, request.windows, label.label)


def _header_specs(survey: Survey, recordings: Sequence[Recording]) -> dict[str, SignalSpec]:
    """Return channels and rate of the recordings whose header was read, by key."""
    specs = {}
    for recording in recordings:
        if recording.key in survey.headers:
            specs[recording.key] = survey.headers[recording.key].spec
    return specs
