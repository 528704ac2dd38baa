"""How much memory a recording takes on its way into staging, and how much there is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]

from bids_dl.datamodel import Failure, SignalSpec, exact_rate
from bids_dl.source import is_lazy, load_bytes
from bids_dl.wording import format_size

if TYPE_CHECKING:
    from bids_dl.pipeline.task import Task

PROCESS = 250_000_000  # bytes of a worker before it opens a recording (measured: 160 MB resident)
COPIES = 3.0  # peak over the samples of a piece as float64: as read, being filtered, at the new rate (measured with MNE 1.13.2: 2.6 to 2.8)
GATHERED = 7.5  # peak over the bytes of all windows where a step wants them together: as cut, as one array, in autoreject (measured: 5.2)
SHARE = 0.8  # of what is available, where nobody says how much may be taken
CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def needed(task: Task) -> int:
    """Bytes that a worker process takes at most while it stages a recording: an estimate from its header, recipe and format."""
    header = task.header
    reach = task.recipe.reach(
        SignalSpec(header.ch_names, header.ch_types, exact_rate(header.sfreq))
    )
    longest = max(
        (piece.stop - piece.start + piece.before for piece in task.pieces.pieces), default=0
    )
    copies = max([COPIES, *(getattr(step, "copies", 0.0) for step in task.recipe.signal_steps)])
    piece = copies * max(1.0, reach.growth) * longest * len(header.ch_names) * 8
    loaded = (
        0
        if is_lazy(task.dataset, task.recording)
        else load_bytes(task.dataset, task.recording, header)
    )
    window = task.spec.n_chans * task.n_times * 8
    together = GATHERED * len(task.pieces.kept) * window if task.recipe.needs_all_windows else 0
    return int(PROCESS + piece + loaded + together)


def refusal(task: Task, limit: int | None) -> Failure | None:
    """Why a recording cannot be staged within so many bytes; None where it can."""
    estimate = needed(task)
    if limit is None or estimate <= limit:
        return None
    header = task.header
    reach = task.recipe.reach(
        SignalSpec(header.ch_names, header.ch_types, exact_rate(header.sfreq))
    )
    size = f"{len(header.ch_names)} channels, {header.duration:.0f} s at {header.sfreq:g} Hz"
    if not is_lazy(task.dataset, task.recording):
        why = "a .set file with its samples inside can only be loaded whole"
    elif reach.whole or math.isinf(reach.margin):
        why = f"{reach.whole or 'a step'} of the recipe needs all of its signal at once"
    else:
        why = f"the filters of the recipe reach {reach.margin:.1f} s"
    reason = f"needs about {format_size(estimate)} of memory ({size}; {why}), more than is allowed: give it with --memory"
    return Failure(task.recording.key, "worker", reason, transient=True)


def available() -> int:
    """Bytes that a conversion takes on this machine at most, unless told: 80 % of what is free, for this container too."""
    free = psutil.virtual_memory().available
    for limit, used in CGROUPS:
        try:
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return int(SHARE * free)
