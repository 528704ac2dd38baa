"""Whether a store is what was written, agrees with itself, and holds what its sources say."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import TypeAdapter, ValidationError

from bids_dl.config.stages import PipelineConfig, Request
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.pipeline.staging import Entry, Staging
from bids_dl.pipeline.task import make_task
from bids_dl.planning.identity import digest
from bids_dl.planning.plan import Plan, make_plan
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store
from bids_dl.store.consistency import check_tables, keys_of
from bids_dl.store.format import DROPOUT, MANIFEST, ROOT, SIGNALS, UNFINISHED, root_holds
from bids_dl.store.integrity import Damage, check_objects, named
from bids_dl.store.quantization import LARGEST

ROUNDING = (
    1e-4  # of a channel's standard deviation: other versions of the libraries may differ by so much
)
OF_A_WINDOW = ("label", "onset", "event_onset", "row")

Signals = npt.NDArray[np.float32]
Say = Callable[[str, int, int], None]
"""Told a stage ("objects" in bytes, "source" in recordings), how much is done and how much there is."""


@dataclass(frozen=True)
class Verification:
    """What was checked and what is wrong.

    Attributes
    ----------
    content
        Content identifier of the store, "" where its root cannot be read.
    compared
        Recordings whose windows were made again from their source.
    skipped
        Recordings that could not be compared, with the reason; no damage.
    """

    url: str
    content: str
    objects: int
    nbytes: int
    windows: int
    damages: tuple[Damage, ...]
    compared: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        return 1 if self.damages else 0


def verify(
    url: str,
    *,
    sources: Sequence[str] = (),
    storage_options: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    say: Say | None = None,
) -> Verification:
    """Read a whole store and say what is broken.

    Parameters
    ----------
    url
        A path or any fsspec URL.
    sources
        BIDS folders to make the windows again from.
    jobs
        Worker processes for that.

    Raises
    ------
    StoreError
        There is no store, or one that was never finished.
    """
    say = say or (lambda *_: None)
    location = Location(url, dict(storage_options or {}))
    store, problem = _opened(url, location)
    damages, objects = check_objects(location, say=lambda done, total: say("objects", done, total))
    if problem and not damages:
        if not isinstance(problem, DamagedStoreError):
            raise problem
        damages = [Damage(ROOT, "does not match the SHA-256 that it says of itself")]
    readable = store is not None and not any(d.where == MANIFEST for d in damages)
    damages = named(damages, lambda: _keys(store))
    compared = 0
    skipped: dict[str, str] = {}
    if store and readable and not damages:
        damages = check_tables(store)
        if sources and not damages:
            compared, skipped, damages = _against(store, sources, jobs, say)
    windows = store.shape[0] if store else 0
    nbytes = sum(entry["bytes"] for entry in objects.values())
    content = str(store.attributes.get("content", "")) if store else ""
    return Verification(
        url, content, len(objects), nbytes, windows, tuple(damages), compared, skipped
    )


def _opened(url: str, location: Location) -> tuple[Store | None, BidsDlError | None]:
    """The store; None where its root is broken and the manifest may say so."""
    try:
        return open_store(url, storage_options=location.storage_options), None
    except (StoreError, DamagedStoreError) as problem:
        if not _was_finished(location):
            raise
        return None, problem


def _was_finished(location: Location) -> bool:
    """Whether what cannot be opened is a finished store with a broken root, and none that is being written or of another version."""
    try:
        location.read(MANIFEST)
    except (OSError, StoreError):
        return False
    try:
        content = location.read(ROOT)
    except FileNotFoundError:
        return not location.exists(UNFINISHED)
    try:
        attributes = json.loads(content)["attributes"]
        return not root_holds(content, attributes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _keys(store: Store | None) -> list[str]:
    """The key of each window's recording; nothing where these columns are damaged themselves."""
    import pandas as pd

    if store is None:
        return []
    try:
        return keys_of(pd.DataFrame({name: store.read(name) for name in ("dataset", "recording")}))
    except Exception:  # noqa: BLE001  (whatever a damaged array makes of its reader)
        return []


def _against(
    store: Store, sources: Sequence[str], jobs: int | None, say: Say
) -> tuple[int, dict[str, str], list[Damage]]:
    """How many recordings were made again from the sources, those that could not be, and where they differ from the store."""
    from bids_dl.pipeline.execute import run_tasks

    plan, spans = _plan(store, sources), _spans(keys_of(store.table))
    planned = json.loads(store.location.read("plan.json"))["recordings"]
    damages: list[Damage] = []
    skipped: dict[str, str] = {}
    going = []
    for key, span in spans.items():
        if key not in plan.sources:
            skipped[key] = "not in the sources given, or not readable there"
        elif digest(dict(plan.sources[key])) != planned[key]:
            damages.append(
                Damage(
                    key,
                    "its source is not the one that was converted (its files differ)",
                    span,
                    (key,),
                )
            )
        elif plan.spec.ch_names != store.channels or float(plan.spec.sfreq) != store.sfreq:
            skipped[key] = (
                "these sources alone give other channels or another rate; give all sources of the store"
            )
        else:
            going.append(next(recording for recording in plan.recordings if recording.key == key))
    with TemporaryDirectory(prefix="bids_dl-") as folder:
        staging = Staging(Location(folder))
        tasks = [make_task(plan, recording, staging) for recording in going]
        for done, (task, failure) in enumerate(run_tasks(tasks, PipelineConfig(jobs=jobs)), 1):
            key = task.recording.key
            entry = failure or staging.read(task.key)
            if isinstance(entry, Entry):
                damages += _compared(store, plan, entry, staging.windows(task.key), spans[key])
            else:
                skipped[key] = (
                    f"{entry.stage}: {entry.reason}"
                    if isinstance(entry, Failure)
                    else "its staged entry has vanished"
                )
            for file in Path(folder).glob(f"{task.key}*"):
                file.unlink()
            say("source", done, len(tasks))
    return len(going) - sum(task.recording.key in skipped for task in tasks), skipped, damages


def _spans(keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """First row of each recording and the first behind it."""
    counts = Counter(keys)  # in order of appearance
    ends = list(accumulate(counts.values()))
    return {key: (end - count, end) for (key, count), end in zip(counts.items(), ends, strict=True)}


def _compared(
    store: Store, plan: Plan, entry: Entry, blocks: Iterator[Signals], span: tuple[int, int]
) -> list[Damage]:
    """Where the windows of a recording, made again, differ from those at ``span`` in the store."""
    first, count = span[0], span[1] - span[0]
    key = keys_of(store.table.iloc[first : first + 1])[0]
    if len(entry.kept) != count:
        return [
            Damage(
                key,
                f"its source gives {len(entry.kept)} windows, the store has {count}",
                span,
                (key,),
            )
        ]
    damages = [
        *_table_damages(store, plan, key, entry, first),
        *_mask_damages(store, key, entry, first),
    ]
    worst, bad, row = 0.0, [], first
    deviations = np.array(entry.std)[:, None]
    limit = 0.5 * (store.step or 0.0)
    for block in blocks:
        stored = np.asarray(store.group[SIGNALS][row : row + len(block)])  # type: ignore[index]
        apart = np.abs(_microvolts(stored, store.step) - block)
        if store.step is not None:
            apart[np.abs(stored) == LARGEST] = 0  # clipped, and said so
        allowed = limit + ROUNDING * deviations
        wrong = (apart > allowed).any((1, 2))
        worst = max(worst, float(apart.max(initial=0)))
        bad += [row + int(i) for i in np.flatnonzero(wrong)]
        row += len(block)
    if bad:
        problem = f"{len(bad)} windows differ from the source, by up to {worst:.3g} uV"
        damages.append(Damage(key, problem, (bad[0], bad[-1] + 1), (key,)))
    return damages


def _mask_damages(store: Store, key: str, entry: Entry, first: int) -> list[Damage]:
    """Where a recording is not silent where the store says so, or the other way round."""
    if DROPOUT not in store.root["consolidated_metadata"]["metadata"]:
        return []
    row, bad = first, []
    for mask in entry.masks(store.shape[1:]):
        stored = np.asarray(store.group[DROPOUT][row : row + len(mask)])  # type: ignore[index]
        bad += [row + int(i) for i in np.flatnonzero((stored != mask).any((1, 2)))]
        row += len(mask)
    return (
        [
            Damage(
                DROPOUT,
                f"{len(bad)} windows are silent elsewhere in the source",
                (bad[0], bad[-1] + 1),
                (key,),
            )
        ]
        if bad
        else []
    )


def _microvolts(stored: npt.NDArray[Any], step: float | None) -> npt.NDArray[np.float32]:
    return stored if step is None else stored * np.float32(step)


def _table_damages(store: Store, plan: Plan, key: str, entry: Entry, first: int) -> list[Damage]:
    windows = [plan.windows[key][i] for i in entry.kept]
    events = [plan.events[window.block] for window in windows]
    wanted: dict[str, list[Any]] = {
        "label": [w.label for w in windows],
        "onset": [w.onset for w in windows],
    }
    wanted |= {
        "event_onset": [event.onset for event in events],
        "row": [event.row for event in events],
    }
    damages = []
    for name in OF_A_WINDOW:
        there = store.table[name].iloc[first : first + len(windows)].tolist()
        pairs = zip(there, wanted[name], strict=True)
        bad = [
            i
            for i, (a, b) in enumerate(pairs)
            if not (math.isclose(a, b, abs_tol=1e-6) if isinstance(b, float) else a == b)
        ]
        if bad:
            said = f"{name} is {there[bad[0]]!r}, the source says {wanted[name][bad[0]]!r} (and {len(bad) - 1} more)"
            damages.append(Damage(name, said, (first + bad[0], first + bad[-1] + 1), (key,)))
    return damages


def _plan(store: Store, sources: Sequence[str]) -> Plan:
    """The plan that these sources give now for what the store was asked for.

    Raises
    ------
    StoreError
        The store was asked for something that this version does not know.
    """
    said = json.loads(json.dumps(store.attributes["request"]))
    with TemporaryDirectory(prefix="bids_dl-") as folder:
        recipe = Path(folder) / "recipe.yaml"
        recipe.write_text(yaml.safe_dump(said["preprocess"], sort_keys=False), "utf-8")
        said["preprocess"] = {"recipe": str(recipe)}
        del said["store"]  # how samples are stored makes no difference to them
        try:
            request = TypeAdapter(Request).validate_python(said)
        except ValidationError as problem:
            option = ".".join(str(part) for part in problem.errors()[0]["loc"])
            raise StoreError(
                f"{store.url}: converted with an option that this bids_dl does not know ({option})"
            ) from None
        return make_plan(sources, request)
