"""The plan of a store: decided completely before any sample is read, from text files and headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cached_property
from importlib.metadata import version
from typing import Any

from bids_dl import preprocess, source, splits, windows
from bids_dl.config.stages import Request, SplitsConfig, WindowsConfig
from bids_dl.datamodel import (
    Block,
    Dropped,
    Event,
    Failure,
    Header,
    Person,
    Recording,
    SignalSpec,
    Window,
    exact_rate,
)
from bids_dl.errors import RecordingError, TargetError
from bids_dl.planning.identity import described, digest
from bids_dl.planning.survey import Survey, no_window_error, survey_sources

DECIDES_BYTES = (
    "bids_dl",
    "mne",
    "mne-bids",
    "numpy",
    "scipy",
)  # software whose version is part of a staging key
IN_OTHER_FORM = ("onset", "HED")  # columns of events.tsv: the store's `event_onset` and `hed`
SLIDING = WindowsConfig(size=2.0, stride=2.0)  # what `convert` takes when no windows are asked for


@dataclass(frozen=True)
class Plan:
    """Everything that will be in a store, but the samples.

    Attributes
    ----------
    recordings
        Those to convert, in the order of the store.
    windows
        By recording key, in order of onset.
    spec
        Channels and rate of the store.
    n_times
        Samples of a window at that rate.
    sources
        By recording key: SHA-256 of each file its signal is read from.
    failures
        Recordings that matched and cannot be converted, known before reading a sample.
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
        return self.survey.events

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the sources that a recording of the plan is from."""
        return tuple(dict.fromkeys(recording.dataset for recording in self.recordings))

    @property
    def n_windows(self) -> int:
        return sum(len(self.windows[recording.key]) for recording in self.recordings)

    @property
    def offset(self) -> int:
        """Samples from the anchor of a window to its first, at the rate of the store."""
        return windows.offset(self.request.windows, self.spec.sfreq)

    @cached_property
    def event_columns(self) -> tuple[str, ...]:
        """Columns of events.tsv that a store keeps: all but those it has in another form."""
        tables = (self.survey.rows[recording.key].columns for recording in self.recordings)
        return tuple(
            dict.fromkeys(
                name for table in tables for name in table if name and name not in IN_OTHER_FORM
            )
        )

    def cell(self, event: Event, column: str) -> str:
        """What events.tsv says of an event; "n/a" where its table has no such column."""
        cells = self.survey.rows[event.recording].columns.get(column)
        return cells[event.row] if cells else "n/a"

    @cached_property
    def keys(self) -> dict[str, str]:
        """Name of each recording's staging entry, by recording key: a hash of all that decides the entry's bytes."""
        common = {
            "recipe": self.recipe.to_dict(),
            "shape": [*self.spec.ch_names, self.n_times, str(self.spec.sfreq)],
            "offset": self.offset,
            "software": {name: version(name) for name in (*DECIDES_BYTES, *self.recipe.packages)},
        }
        return {
            key: digest(
                common
                | {
                    "recording": key,
                    "sources": files,
                    "windows": self._places(key),
                    "boundaries": self._jumps(key),
                }
                | (
                    {"blocks": [(block.onset, block.end) for block in self.blocks(key)]}
                    if self.recipe.concatenates
                    else {}
                )
            )
            for key, files in self.sources.items()
        }

    def blocks(self, key: str) -> tuple[Block, ...]:
        """What is selected of a recording; nothing where windows lie around events, which know no blocks."""
        return self._blocks.get(key, ()) if self.request.windows.sliding else ()

    @cached_property
    def _blocks(self) -> dict[str, tuple[Block, ...]]:
        found: dict[str, list[Block]] = {}
        for block in self.survey.blocks:
            found.setdefault(block.recording, []).append(block)
        return {key: tuple(blocks) for key, blocks in found.items()}

    def _jumps(self, key: str) -> list[float]:
        """Places where time jumps: no step of the recipe goes across one."""
        return list(self.survey.extents[key].boundaries)

    def _places(self, key: str) -> list[tuple[int, int]]:
        return [(window.start, window.anchor) for window in self.windows[key]]

    def ratio(self, recording: Recording) -> Fraction:
        """New over source rate, exact."""
        return self.spec.sfreq / exact_rate(self.survey.headers[recording.key].sfreq)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Events, blocks and windows left out, known before a sample is read."""
        return self.survey.dropped

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What makes two plans the same: the request, what it selects, and the bytes of the sources."""
        return {
            "request": described(self.request, self.recipe),
            "recordings": {key: digest(files) for key, files in self.sources.items()},
            "failures": [asdict(failure) for failure in self.failures],
            "datasets": digest(
                [dict(self.survey.datasets[name].description) for name in self.datasets]
            ),
            "events": digest(
                [
                    (e.recording, e.row, e.onset, e.end, e.end_rule, e.label, e.hed)
                    for e in self.events
                ]
            ),
            "event_columns": {
                name: digest([self.cell(event, name) for event in self.events])
                for name in self.event_columns
            },
            "windows": digest(
                {
                    key: [(w.start, w.anchor, w.label) for w in found]
                    for key, found in self.windows.items()
                }
            ),
            "splits": {"/".join(person): split for person, split in sorted(self.splits.items())},
            "participants": digest(
                {name: [people.rows, people.sidecar] for name, people in self.participants.items()}
            ),
        }


def make_plan(sources: Sequence[str], request: Request) -> Plan:
    """Decide what a store will hold.

    Raises
    ------
    RequestError
        The request is wrong: bad query, unknown recipe, no match, no window fits.
    RecordingError
        Not one recording can be converted.
    """
    warnings: list[str] = []
    if not request.windows.asked:
        request = replace(request, windows=SLIDING)
        warnings.append("neither --window nor --tmin/--tmax given: taking --window 2 --stride 2")
    recipe = preprocess.load_recipe(request.preprocess)
    found = survey_sources(sources, request.source, request.events, request.windows)
    planned = found.cut.windows if found.cut else ()
    there = {window.label for window in planned}
    broken = {failure.recording for failure in found.failures}
    for label in request.events.labels:
        where = {event.recording for event in found.events if event.label == label.label}
        if (
            label.label not in there and not where <= broken
        ):  # else its recordings are listed with what is wrong with them
            raise no_window_error(found, request.windows, label.label)
    matched = {event.recording for event in found.events}
    wanted = [recording for recording in found.recordings if recording.key in matched]
    specs = {
        recording.key: _spec_of_header(found.headers[recording.key])
        for recording in wanted
        if recording.key in found.headers
    }
    settled = preprocess.resolve(recipe, specs)
    recipe, notes = settled.recipe, settled.notes
    spec, sums, failures = _readable(found, wanted, recipe, notes)
    lost = {failure.recording for failure in failures}
    by_recording: dict[str, list[Window]] = {}
    for window in planned:
        by_recording.setdefault(window.recording, []).append(window)
    going = [
        recording
        for recording in wanted
        if recording.key not in lost and recording.key in by_recording
    ]
    if not going:
        raise _nothing_left(failures, notes)
    participants = {
        name: source.read_participants(dataset) for name, dataset in found.datasets.items()
    }
    shares, said = _shares(going, participants, request.splits)
    return Plan(
        request,
        found,
        recipe,
        tuple(going),
        {recording.key: tuple(by_recording[recording.key]) for recording in going},
        spec,
        windows.length(request.windows, spec.sfreq),
        shares,
        participants,
        {recording.key: sums[recording.key] for recording in going},
        tuple(failures),
        (*warnings, *found.warnings, *notes, *said, *_bare_splits(by_recording, going, shares)),
    )


def _readable(
    found: Survey, wanted: Sequence[Recording], recipe: preprocess.Recipe, notes: Sequence[str]
) -> tuple[SignalSpec, dict[str, dict[str, str]], list[Failure]]:
    """Channels and rate of the store, checksums of the sources, and the recordings that cannot take part."""
    failures = {failure.recording: failure for failure in found.failures}
    specs: dict[str, SignalSpec] = {}
    sums: dict[str, dict[str, str]] = {}
    for recording in (recording for recording in wanted if recording.key not in failures):
        try:
            sums[recording.key] = source.fingerprint(found.datasets[recording.dataset], recording)
            specs[recording.key] = recipe.output_spec(_spec_of_header(found.headers[recording.key]))
        except RecordingError as problem:
            failures[recording.key] = Failure(
                recording.key, problem.stage, problem.reason, problem.transient
            )
    if not specs:
        raise _nothing_left(list(failures.values()), notes)
    common = Counter(_signature(spec) for spec in specs.values()).most_common(1)[0][0]
    spec = next(spec for spec in specs.values() if _signature(spec) == common)
    for key, other in specs.items():
        if _signature(other) != common:
            failures[key] = Failure(key, "channels", _difference(other, spec))
    return spec, sums, list(failures.values())


def _spec_of_header(header: Header) -> SignalSpec:
    return SignalSpec(header.ch_names, header.ch_types, exact_rate(header.sfreq))


def _signature(spec: SignalSpec) -> tuple[Any, ...]:
    return tuple(sorted(zip(spec.ch_names, spec.ch_types, strict=True))), spec.sfreq


def _difference(spec: SignalSpec, store: SignalSpec) -> str:
    if spec.sfreq != store.sfreq:
        return f"{float(spec.sfreq):g} Hz after the recipe, the store has {float(store.sfreq):g} Hz; add a resample step"
    missing = [name for name in store.ch_names if name not in spec.ch_names]
    more = [name for name in spec.ch_names if name not in store.ch_names]
    said = [
        f"{word} {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        for word, names in (("lacks", missing), ("has also", more))
        if names
    ]
    what = " and ".join(said) or "has channels of other types"
    way_out = "pick, rename, harmonise or interpolate channels in the recipe"
    return f"{what}; the store has the {store.n_chans} channels of most recordings; {way_out}"


def _nothing_left(failures: Sequence[Failure], notes: Sequence[str]) -> RecordingError:
    first = failures[0]
    reason = (
        f"none of {len(failures)} recordings can be converted; {first.recording}: {first.reason}"
    )
    return RecordingError(first.stage, "\n  ".join([reason, *notes]))


def _shares(
    recordings: Sequence[Recording],
    participants: Mapping[str, source.Participants],
    config: SplitsConfig,
) -> tuple[dict[Person, str], list[str]]:
    persons = sorted({recording.person for recording in recordings})
    if isinstance(config.split, str):
        return splits.from_column(
            {person: _value(participants, person, config.split) for person in persons}
        ), []
    shares = splits.assign(persons, config)
    asked = splits.asked(config)
    if len(asked) > 1 and set(shares.values()) == {"train"}:
        return shares, [f"too few people ({len(persons)}) for {len(asked)} splits: all are `train`"]
    return shares, []


def _bare_splits(
    found: Mapping[str, Sequence[Window]],
    recordings: Sequence[Recording],
    shares: Mapping[Person, str],
) -> list[str]:
    """Splits that lack a class."""
    labels: dict[str, set[str]] = {}
    for recording in recordings:
        labels.setdefault(shares[recording.person], set()).update(
            window.label for window in found[recording.key]
        )
    everything = sorted(set().union(*labels.values()))
    return [
        f"no window of {label} in the split {split}"
        for split in sorted(labels)
        for label in everything
        if label not in labels[split]
    ]


def _value(participants: Mapping[str, source.Participants], person: Person, column: str) -> str:
    dataset, subject = person
    people = participants[dataset]
    if column not in people.columns:
        raise TargetError(
            f"--split {column}: {dataset}/participants.tsv has no such column; it has {', '.join(people.columns) or 'none'}"
        )
    value = people.rows.get(subject, {}).get(column, "n/a")
    if value in {"n/a", ""}:
        raise TargetError(
            f"--split {column}: sub-{subject} of {dataset} has no value in participants.tsv"
        )
    return value
