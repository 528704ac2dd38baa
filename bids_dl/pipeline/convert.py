"""Sources to a finished store: plan, stage, pack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from bids_dl.config.stages import PipelineConfig, Request
from bids_dl.datamodel import Failure, Recording
from bids_dl.errors import BidsDlError, StoreError
from bids_dl.pipeline.columns import Staged
from bids_dl.pipeline.disk_space import check_space
from bids_dl.pipeline.pack import MissingRecordings, pack
from bids_dl.pipeline.staging import Entry, Staging, staging_for
from bids_dl.pipeline.task import make_task
from bids_dl.planning.identity import differing, digest
from bids_dl.planning.plan import Plan, make_plan
from bids_dl.planning.survey import grouped
from bids_dl.remote.location import Location
from bids_dl.sharing import card
from bids_dl.store.format import FORMAT, ROOT, UNFINISHED
from bids_dl.store.reader import open_store

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Progress:
    """How far a conversion is: ``done`` of ``total`` in a stage ("plan", "stage" in recordings, "pack" in windows).

    Attributes
    ----------
    failed
        Recordings of those done that failed.
    signal, elapsed
        Seconds of recordings that this run has staged, and that this took so far.
    """

    stage: str
    done: int
    total: int
    note: str = ""
    failed: int = 0
    signal: float = 0.0
    elapsed: float = 0.0

    @property
    def speed(self) -> float:
        """How many times faster than they were recorded recordings are staged; 0 where none is yet."""
        return self.signal / self.elapsed if self.elapsed else 0.0


@dataclass(frozen=True)
class PersonCount:
    """How many windows of each label a person has in a store."""

    dataset: str
    subject: str
    split: str
    windows: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """What a conversion did.

    Attributes
    ----------
    people
        Of each person in the store, sorted.
    failures
        Recordings that matched and are not in the store.
    reused
        Recordings that an earlier, interrupted run had staged.
    unchanged
        Whether the store was there already, made by the same plan.
    """

    url: str
    n_windows: int
    n_recordings: int
    people: tuple[PersonCount, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    dropped: int = 0
    reused: int = 0
    unchanged: bool = False

    @property
    def exit_status(self) -> int:
        return 3 if self.failures else 0


Say = Callable[[Progress], None]


def convert_sources(
    sources: Sequence[str],
    dest: str,
    request: Request,
    config: PipelineConfig | None = None,
    *,
    say: Say | None = None,
) -> Outcome:
    """Convert BIDS datasets into one store.

    Parameters
    ----------
    sources
        BIDS folders.
    dest
        Where the store goes: a path or any fsspec URL.

    Raises
    ------
    RequestError
        The request is wrong, or DEST holds something else; nothing was written.
    BidsDlError
        Not one recording could be converted.
    """
    config, say = config or PipelineConfig(), say or (lambda _: None)
    location = Location(dest if dest.endswith("://") else dest.rstrip("/"), config.storage_options)
    _finished(location)  # refuse a DEST that is something else before the work of planning
    say(Progress("plan", 0, 1))
    plan = make_plan(sources, request)
    say(Progress("plan", 1, 1))
    staging = staging_for(location, config.staging)
    with location.exclusive_lock():
        there = _finished(location)
        if there is not None and not config.overwrite:
            location.remove(UNFINISHED)  # left where a run was killed between its last two writes
            _check_same(location, plan, there)
            return _again(location, plan, there, staging, config, say)
        for place in (location, staging.location):
            place.check_writable()
        return _write(location, plan, staging, config, say)


def _write(
    location: Location, plan: Plan, staging: Staging, config: PipelineConfig, say: Say
) -> Outcome:
    """Stage what is not staged yet, then pack."""
    card.check_licences(
        {
            name: str(plan.survey.datasets[name].description.get("License", ""))
            for name in plan.datasets
        }
    )
    there = _staged(plan, plan.recordings, staging)
    check_space(
        plan,
        location,
        staging.location,
        sum(len(plan.windows[r.key]) for r in plan.recordings if r.key not in there),
    )
    staging.prepare()
    found = _stage(plan, plan.recordings, there, staging, config, say=say)
    reused = sum(isinstance(entry, Entry) for entry in there.values())
    failures = (
        *plan.failures,
        *(outcome for outcome in found.values() if isinstance(outcome, Failure)),
    )
    entries = {key: outcome for key, outcome in found.items() if isinstance(outcome, Entry)}
    done = [(r, plan.keys[r.key], entries[r.key]) for r in plan.recordings if r.key in entries]
    staged, emptied = (
        [item for item in done if bool(item[2].kept) is there] for there in (True, False)
    )
    if not staged:
        staging.remove_empty()
        raise BidsDlError(_nothing(failures, emptied))
    dropped = len(plan.dropped) + sum(len(entry.dropped) for entry in entries.values())
    plan = replace(
        plan, warnings=(*plan.warnings, *_notes(done), *_left_out(plan, done), *_lost(plan, staged))
    )
    n_windows = pack(
        plan,
        staged,
        staging,
        location,
        absent=MissingRecordings(failures, emptied),
        say=_Counter(plan.n_windows, say),
    )
    warnings = plan.warnings
    if any(
        failure.transient or failure.stage == "source" for failure in failures
    ):  # the rest is kept: another try is cheap
        way_out = "some failures may pass another time, or when their files are fetched: run again"
        warnings = (*warnings, f"{way_out}; what is staged stays in {staging.location.url}")
        staging.keep(plan.keys.values())
    else:
        staging.remove(plan.keys.values())
    counts = Counter(
        (*r.person, plan.splits[r.person], plan.windows[r.key][i].label)
        for r, _, entry in staged
        for i in entry.kept
    )
    people = _people(plan, counts)
    return Outcome(
        location.url, n_windows, len(staged), people, failures, warnings, dropped, reused
    )


def _again(
    location: Location,
    plan: Plan,
    there: Mapping[str, Any],
    staging: Staging,
    config: PipelineConfig,
    say: Say,
) -> Outcome:
    """The outcome of converting to a store that the same plan made: it stays; what failed in passing is tried again."""
    failures = tuple(Failure(**failure) for failure in there["failures"])
    in_passing = {failure.recording for failure in failures if failure.transient}
    retry = [recording for recording in plan.recordings if recording.key in in_passing]
    if retry:
        staging.prepare()
    else:
        staging.remove(plan.keys.values())  # left where a run was killed after its last write
    found = _stage(plan, retry, _staged(plan, retry, staging), staging, config, say=say)
    passed = [key for key, outcome in found.items() if isinstance(outcome, Entry)]
    warnings = plan.warnings
    if passed:
        again = f"{', '.join(passed[:3])}: failed before and can be converted now"
        warnings = (
            *warnings,
            f"{again}; --overwrite writes the store again, with {len(passed)} more",
        )
    columns = ("dataset", "subject", "split", "label")
    store = open_store(location.url, storage_options=location.storage_options)
    rows = zip(*(store.read(name).tolist() for name in columns), strict=True)
    statistics = there["statistics"]
    people = _people(plan, Counter(rows))
    return Outcome(
        location.url,
        sum(statistics["windows"].values()),
        statistics["recordings"],
        people,
        failures,
        warnings,
        unchanged=True,
    )


def _people(
    plan: Plan, windows: Mapping[tuple[str, str, str, str], int]
) -> tuple[PersonCount, ...]:
    """Windows of each person and label, from how many there are by (dataset, subject, split, label)."""
    labels = [label.label for label in plan.request.events.labels]
    people = sorted({(dataset, subject, split) for dataset, subject, split, _ in windows})
    return tuple(
        PersonCount(*person, {label: windows.get((*person, label), 0) for label in labels})
        for person in people
    )


def _lost(plan: Plan, staged: Staged) -> list[str]:
    """Classes and splits of which no recording is left."""
    there = {
        plan.windows[recording.key][i].label for recording, _, entry in staged for i in entry.kept
    }
    labels = [label.label for label in plan.request.events.labels]
    splits = {plan.splits[recording.person] for recording, _, _ in staged}
    planned = dict.fromkeys(plan.splits[recording.person] for recording in plan.recordings)
    lost = [
        f"no window of {label} is in the store: none of its recordings is left"
        for label in labels
        if label not in there
    ]
    return lost + [
        f"the split {split} is empty: none of its recordings is left"
        for split in planned
        if split not in splits
    ]


def _notes(staged: Staged) -> list[str]:
    """What was noted when recordings were read, a line for all of which the same is to be said."""
    notes: dict[str, list[str]] = {}
    for recording, _, entry in staged:
        for note in (note for step in entry.steps if step.step == "read" for note in step.notes):
            notes.setdefault(note, []).append(recording.key)
    return [grouped(note, keys) for note, keys in notes.items()]


def _left_out(plan: Plan, done: Staged) -> list[str]:
    """What the steps on windows dropped, and the recordings of which nothing is left."""
    steps = Counter({step.name: 0 for step in plan.recipe.window_steps})
    steps.update(
        step
        for _, _, entry in done
        for _, reason in entry.dropped
        if (step := reason.partition(": ")[0]) in steps
    )
    said = []
    if steps.total():
        counts = ", ".join(f"{step} {number}" for step, number in steps.items() if number)
        said.append(
            f"the recipe left out {steps.total()} of {plan.n_windows} windows ({counts}); recordings.json says why, one by one"
        )
    emptied = [recording.key for recording, _, entry in done if not entry.kept]
    return [*said, *([grouped("no window of it is left", emptied)] if emptied else [])]


class _Counter:
    """Turns "so many windows more" into progress."""

    def __init__(self, total: int, say: Say) -> None:
        self.done, self.total, self.say = 0, total, say

    def __call__(self, more: int) -> None:
        self.done += more
        self.say(Progress("pack", self.done, self.total))


def _staged(
    plan: Plan, recordings: Sequence[Recording], staging: Staging
) -> dict[str, Entry | Failure]:
    """What an earlier run has staged, by recording key."""
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda recording: staging.read(plan.keys[recording.key]), recordings)
        return {
            recording.key: entry
            for recording, entry in zip(recordings, read, strict=True)
            if entry is not None
        }


def _stage(
    plan: Plan,
    recordings: Sequence[Recording],
    there: Mapping[str, Entry | Failure],
    staging: Staging,
    config: PipelineConfig,
    *,
    say: Say,
) -> dict[str, Entry | Failure]:
    """What became of each recording: what is there already, and the others staged now."""
    found = dict(there)
    missing = [recording for recording in recordings if recording.key not in found]
    if not missing:
        return found
    from bids_dl.pipeline.execute import (
        run_tasks,
    )  # Dask takes half a second to import, and a rerun may not need it

    failed, signal, begin = (
        sum(isinstance(entry, Failure) for entry in found.values()),
        0.0,
        monotonic(),
    )
    say(Progress("stage", len(found), len(recordings), failed=failed))
    for task, failure in run_tasks(
        [make_task(plan, recording, staging) for recording in missing], config
    ):
        entry = failure or staging.read(task.key)
        found[task.recording.key] = entry or Failure(
            task.recording.key, "worker", "its staged entry has vanished", transient=True
        )
        failed += isinstance(found[task.recording.key], Failure)
        signal += task.header.duration
        note = f"{failure.recording}: {failure.stage}: {failure.reason}" if failure else ""
        say(
            Progress(
                "stage", len(found), len(recordings), note, failed, signal, monotonic() - begin
            )
        )
    return found


def _finished(location: Location) -> Mapping[str, Any] | None:
    """Attributes of the store that is at DEST already; None where there is none or an unfinished one.

    Raises
    ------
    StoreError
        DEST holds something that is no bids-dl store.
    """
    try:
        attributes: Mapping[str, Any] = json.loads(location.read(ROOT))["attributes"]
    except FileNotFoundError:
        names = location.list()
        if names and UNFINISHED not in names:
            raise StoreError(
                f"{location.url}: holds {names[0]!r} and is no bids-dl store; choose a DEST of its own"
            ) from None
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{location.url}: is no bids-dl store; choose a DEST of its own") from None
    if attributes.get("format") != FORMAT:
        raise StoreError(
            f"{location.url}: a Zarr group that is no bids-dl store; choose a DEST of its own"
        )
    return attributes


def _check_same(location: Location, plan: Plan, there: Mapping[str, Any]) -> None:
    if there["plan"] != digest(plan.identity):
        raise StoreError(
            f"{location.url}: a finished store of another plan, which differs in {_difference(location, plan)}\n"
            "  a finished store never changes: choose another DEST, or --overwrite it"
        )


def _difference(location: Location, plan: Plan) -> str:
    old, new = json.loads(location.read("plan.json")), json.loads(json.dumps(plan.identity))
    paths = differing(old, new)
    return ", ".join(paths[:6]) + (f" and {len(paths) - 6} more" if len(paths) > 6 else "")


def _nothing(failures: Sequence[Failure], emptied: Staged) -> str:
    lines = [f"  {failure.recording}: {failure.stage}: {failure.reason}" for failure in failures]
    lines += [
        f"  {recording.key}: all {len(entry.dropped)} windows left out; the first: {entry.dropped[0][1]}"
        for recording, _, entry in emptied
    ]
    more = [f"  and {len(lines) - 2} more"] if len(lines) > 3 else []
    head = f"none of {len(lines)} recordings could be converted; nothing was written"
    return "\n".join([head, *lines[: 2 if more else 3], *more])
