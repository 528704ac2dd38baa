"""Channels and rate of a store: those of most recordings after the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_dl import preprocess, source
from bids_dl.datamodel import Failure, Recording, SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.planning.survey import Survey
from bids_dl.remote.parallel import call_in_threads
from bids_dl.wording import count, join_names

PARALLEL_HASHES = 4  # recordings whose files are hashed at once, because SHA-256 needs no lock


@dataclass(frozen=True)
class StoreSpec:
    """Channels and rate of a store, and the recordings that can be converted to them.

    Attributes
    ----------
    signal
        Channels and rate.
    hashed
        Each file that a recording is read from, with its SHA-256, by recording key.
    failures
        Recordings that match and cannot be converted.
    """

    signal: SignalSpec
    hashed: Mapping[str, source.HashedFiles]
    failures: tuple[Failure, ...]

    @property
    def failed_keys(self) -> frozenset[str]:
        """Keys of the recordings that failed."""
        return frozenset(failure.recording for failure in self.failures)


def choose_store_spec(
    survey: Survey, matched: Sequence[Recording], recipe: preprocess.Recipe, notes: Sequence[str]
) -> StoreSpec:
    """Choose the channels and rate that most recordings have after the recipe.

    Recordings with other channels or another rate fail at the stage "channels".

    Parameters
    ----------
    matched
        Recordings with a matching event.
    recipe
        The recipe, with its channels resolved.
    notes
        Notes on the recipe, which a message repeats.

    Raises
    ------
    RecordingError
        No recording can be converted.
    """
    failures = {failure.recording: failure for failure in survey.failures}
    specs: dict[str, SignalSpec] = {}
    hashed: dict[str, source.HashedFiles] = {}
    readable = [recording for recording in matched if recording.key not in failures]
    for recording, files in zip(readable, _hash_files(survey, readable), strict=True):
        key = recording.key
        try:
            if isinstance(files, RecordingError):
                raise files
            hashed[key] = files
            specs[key] = recipe.output_spec(survey.headers[key].spec)
        except RecordingError as problem:
            failures[key] = Failure(key, problem.stage, problem.reason, problem.transient)
    if not specs:
        raise no_recording_error(list(failures.values()), notes)
    groups: dict[tuple[Any, ...], list[str]] = {}  # keys of recordings with equal channels
    for key, spec in specs.items():
        groups.setdefault(_signature(spec), []).append(key)
    largest_group = max(groups.values(), key=len)  # the first one of equal size
    store_spec = specs[largest_group[0]]
    for key, spec in specs.items():
        if _signature(spec) != _signature(store_spec):
            failures[key] = Failure(key, "channels", _describe_difference(spec, store_spec))
    return StoreSpec(store_spec, hashed, tuple(failures.values()))


def _hash_files(
    survey: Survey, recordings: Sequence[Recording]
) -> list[source.HashedFiles | RecordingError]:
    """Hash the files of each recording, several recordings at once."""

    def hash_or_fail(recording: Recording) -> source.HashedFiles | RecordingError:
        try:
            return source.hash_source_files(survey.datasets[recording.dataset], recording)
        except RecordingError as problem:
            return problem

    return call_in_threads(hash_or_fail, recordings, n_threads=PARALLEL_HASHES)


def no_recording_error(failures: Sequence[Failure], notes: Sequence[str]) -> RecordingError:
    """Return the error of a plan without any recording, with the first failure and all notes."""
    first = failures[0]
    reason = (
        f"none of {count(len(failures), 'recording')} can be converted; "
        f"{first.recording}: {first.reason}"
    )
    return RecordingError(first.stage, "\n  ".join([reason, *notes]))


def _signature(spec: SignalSpec) -> tuple[Any, ...]:
    """Return channels and rate, whatever the order of the channels."""
    return tuple(sorted(zip(spec.ch_names, spec.ch_types, strict=True))), spec.sfreq


def _describe_difference(spec: SignalSpec, store: SignalSpec) -> str:
    if spec.sfreq != store.sfreq:
        return (
            f"{float(spec.sfreq):g} Hz after the recipe, the store has {float(store.sfreq):g} Hz; "
            "add a resample step"
        )
    missing = _names_without_match(store, spec)
    extra = _names_without_match(spec, store)
    differences = []
    if missing:
        differences.append(f"lacks {join_names(missing)}")
    if extra:
        differences.append(f"has also {join_names(extra)}")
    return (
        f"{' and '.join(differences) or 'has channels of other types'}; "
        f"the store has {count(store.n_chans, 'channel')}, those of most recordings; "
        "pick, rename, harmonise or interpolate channels in the recipe"
    )


def _names_without_match(spec: SignalSpec, other: SignalSpec) -> list[str]:
    return [name for name in spec.ch_names if name not in other.ch_names]
