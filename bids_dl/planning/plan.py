"""The plan of a store, decided from text files and headers before any sample is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

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
    exact_rate,
)
from bids_dl.planning.identity import describe_request
from bids_dl.planning.persons import assign_persons, find_missing_labels
from bids_dl.planning.shared_samples import find_shared_samples
from bids_dl.planning.store_spec import choose_store_spec, no_recording_error
from bids_dl.planning.survey import (
    Survey,
    labels_without_windows,
    no_window_error,
    survey_sources,
)
from bids_dl.store.format import digest
from bids_dl.windows import WindowSequence

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
    hashed
        Each file that a recording is read from, with its SHA-256, by recording key. The states of
        the files are no part of the identity.
    failures
        Recordings that match and cannot be converted, as far as known without reading samples.
    """

    request: Request
    survey: Survey
    recipe: preprocess.Recipe
    recordings: tuple[Recording, ...]
    windows: Mapping[str, WindowSequence]
    spec: SignalSpec
    n_times: int
    splits: Mapping[Person, str]
    participants: Mapping[str, source.Participants]
    hashed: Mapping[str, source.HashedFiles]
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

    @cached_property
    def sources(self) -> dict[str, Mapping[str, str]]:
        """SHA-256 of each file that a recording is read from, by recording key."""
        return {key: hashed.digests for key, hashed in self.hashed.items()}

    @property
    def n_windows(self) -> int:
        """Number of windows of all recordings."""
        return sum(map(len, self.windows.values()))

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
        if self.request.events.whole:  # of which no row is about
            return ()
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
        return _group_by_recording(self.survey.blocks)

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
                "windows": _as_rows(self.windows[key].starts, self.windows[key].anchors),
                "boundaries": list(self.survey.limits[key].boundaries),
            }
            if self.recipe.concatenates:
                content["blocks"] = list(map(attrgetter("onset", "end"), self.blocks_of(key)))
            keys[key] = digest(content)
        return keys

    @cached_property
    def annotations(self) -> dict[str, dict[str, str]]:
        """SHA-256 of each file of annotations by recording key. Empty without annotations."""
        hashed = {}
        if self.survey.annotations:
            for recording in self.recordings:
                annotations = self.survey.annotations[recording.dataset]
                if recording.path in annotations.files:
                    hashed[recording.key] = annotations.hash_files(recording.path)
        return hashed

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Values that are equal for equal plans: request, selection and hashes of the sources."""
        datasets = [dict(self.survey.datasets[name].description) for name in self.datasets]
        names = ("recording", "row", "onset", "end", "end_rule", "label", "hed")
        events = list(map(attrgetter(*names), self.events))
        event_columns = {}
        for name in self.event_columns:
            event_columns[name] = digest([self.event_cell(event, name) for event in self.events])
        positions = {}
        for key, planned in self.windows.items():
            labels = np.array(planned.labels, dtype=object)[planned.label_codes]
            positions[key] = _as_rows(planned.starts, planned.anchors, labels)
        participants = {}
        for name, table in self.participants.items():
            participants[name] = [table.rows, table.sidecar]
        annotations = {}
        if self.annotations:
            annotations["annotations"] = {key: digest(of) for key, of in self.annotations.items()}
        return {
            "request": describe_request(self.request, self.recipe),
            **annotations,
            "recordings": {key: digest(files) for key, files in self.sources.items()},
            "failures": list(map(asdict, self.failures)),
            "datasets": digest(datasets),
            "events": digest(events),
            "event_columns": event_columns,
            "windows": digest(positions),
            "splits": {"/".join(person): split for person, split in sorted(self.splits.items())},
            "participants": digest(participants),
        }


def make_plan(
    sources: Sequence[str], request: Request, access: source.Access | None = None
) -> Plan:
    """Decide everything that a store will hold.

    Parameters
    ----------
    sources
        BIDS folders, or addresses of archives.
    request
        Selection, windows, splits and recipe. Without windows, `DEFAULT_WINDOWS` are used.
    access
        Cache and connections for remote sources; None for the defaults.

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
    >>> plan = make_plan([str(sample_folder())], parsing.parse_request({"hed": "Eyes-closed"}))
    >>> plan.n_windows, plan.spec.n_chans, plan.n_times
    (120, 24, 256)
    """
    warnings: list[str] = []
    if not request.windows.requested:
        request = replace(request, windows=DEFAULT_WINDOWS)
        warnings.append(
            f"no windows requested: using sliding windows of {DEFAULT_WINDOWS.duration:g} s"
        )
    recipe = preprocess.load_recipe(request.preprocess)
    survey = survey_sources(sources, request.source, request.events, request.windows, access)
    request = replace(request, events=survey.events_config)
    planned = survey.planned_windows.by_recording()
    _check_labels(survey, request)
    matched = survey.matched_recordings
    resolved = preprocess.resolve_channels(recipe, _header_specs(survey, matched))
    store_spec = choose_store_spec(survey, matched, resolved.recipe, resolved.notes)
    recordings = []
    planned_windows = {}
    hashed = {}
    for recording in matched:
        key = recording.key
        if key in planned and key not in store_spec.failed_keys:
            recordings.append(recording)
            planned_windows[key] = planned[key]
            hashed[key] = store_spec.hashed[key]
    if not recordings:
        raise no_recording_error(store_spec.failures, resolved.notes)
    participants = {}
    for name, dataset in survey.datasets.items():
        participants[name] = source.read_participants(dataset)
    split_of, split_warnings = assign_persons(recordings, participants, request.splits)
    warnings += [*survey.warnings, *resolved.notes, *split_warnings]
    warnings += find_missing_labels(planned, recordings, split_of)
    warnings += find_shared_samples(recordings, hashed)
    return Plan(
        request=request,
        survey=survey,
        recipe=resolved.recipe,
        recordings=tuple(recordings),
        windows=planned_windows,
        spec=store_spec.signal,
        n_times=windows.window_length(request.windows, store_spec.signal.sfreq),
        splits=split_of,
        participants=participants,
        hashed=hashed,
        failures=store_spec.failures,
        warnings=tuple(warnings),
    )


def _group_by_recording(blocks: Sequence[Block]) -> dict[str, tuple[Block, ...]]:
    """Group blocks by the key of their recording, in order."""
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.recording, []).append(block)
    return {key: tuple(group) for key, group in groups.items()}


def _as_rows(*columns: npt.NDArray[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of columns as plain values."""
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _check_labels(survey: Survey, request: Request) -> None:
    """Check that each label has a window, or that all its recordings are broken.

    Broken recordings are listed as failures, with their reasons.

    Raises
    ------
    WindowError
        A label has events in readable recordings, but no window.
    """
    for label in labels_without_windows(survey):
        raise no_window_error(survey, request.windows, label)


def _header_specs(survey: Survey, recordings: Sequence[Recording]) -> dict[str, SignalSpec]:
    """Return channels and rate of the recordings whose header was read, by key."""
    specs = {}
    for recording in recordings:
        if recording.key in survey.headers:
            specs[recording.key] = survey.headers[recording.key].spec
    return specs
