"""Estimate the memory that a recording takes, and the memory of this machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import ConfigError
from bids_dl.source import estimate_load_bytes, is_lazy
from bids_dl.wording import count, format_size

if TYPE_CHECKING:
    from bids_dl.pipeline.processing.task import Task

PROCESS_BYTES = 250_000_000  # a worker before it opens a recording (measured: 160 MB resident)
SIGNAL_COPIES = 3.0
"""Peak over the float64 samples of an excerpt: as read, while filtered, at the new rate.

Measured with MNE 1.13.2: 2.6 to 2.8.
"""
WINDOW_COPIES = 7.5
"""Peak over the bytes of all windows if a step needs them together: as cut, as one array, inside
autoreject (measured: 5.2).
"""
SHARE_OF_FREE = 0.8  # of the available memory, if the user sets no limit
CGROUP_FILES = (  # limit and usage of a container, cgroup version 2 and 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def estimate_memory(task: Task) -> int:
    """Estimate the peak memory in bytes of a worker that processes a recording.

    The estimate follows from the header, the recipe and the file format.
    """
    header = task.header
    max_samples = 0
    for excerpt in task.excerpt_plan.excerpts:
        max_samples = max(max_samples, excerpt.stop - excerpt.start + excerpt.before)
    factors = [step.traits.memory_factor for step in task.recipe.signal_steps]
    copies = max([SIGNAL_COPIES, *factors]) * max(1.0, task.context.size_factor)
    excerpt_bytes = copies * max_samples * len(header.ch_names) * 8
    load_bytes = 0
    if not is_lazy(task.dataset, task.recording):
        load_bytes = estimate_load_bytes(task.dataset, task.recording, header)
    windows_bytes = 0.0
    if task.recipe.needs_all_windows:
        window_bytes = task.spec.n_chans * task.n_times * 8
        windows_bytes = WINDOW_COPIES * len(task.excerpt_plan.kept) * window_bytes
    return int(PROCESS_BYTES + excerpt_bytes + load_bytes + windows_bytes)


def refuse_if_too_large(task: Task, max_bytes: int | None) -> Failure | None:
    """Return a failure if a recording needs more memory than allowed.

    Parameters
    ----------
    max_bytes
        Memory that one recording may take, None for no limit.
    """
    estimate = estimate_memory(task)
    if max_bytes is None or estimate <= max_bytes:
        return None
    header, context = task.header, task.context
    if not is_lazy(task.dataset, task.recording):
        cause = "a .set file with its samples inside can only be loaded whole"
    elif context.needs_whole or math.isinf(context.margin):
        cause = f"{context.needs_whole or 'a step'} of the recipe needs all of its signal at once"
    else:
        cause = f"the filters of the recipe need {context.margin:.1f} s around each sample"
    channels = count(len(header.ch_names), "channel")
    size = f"{channels}, {header.duration:.0f} s at {header.sfreq:g} Hz"
    reason = (
        f"needs about {format_size(estimate)} of memory ({size}; {cause}), "
        "more than is allowed; raise the limit with --memory"
    )
    return Failure(task.recording.key, "worker", reason, transient=True)


def check_limit(max_bytes: int | None) -> None:
    """Check that a limit of memory allows a worker process to start.

    Raises
    ------
    ConfigError
        The limit is too low, as that of a size without its unit.

    Examples
    --------
    >>> check_limit(4_000_000_000)
    """
    if max_bytes is not None and max_bytes < PROCESS_BYTES:
        raise ConfigError(
            f"--memory allows {format_size(max_bytes)}, and one worker needs "
            f"{format_size(PROCESS_BYTES)} before it opens a recording; "
            "give a size with its unit, such as 4GB"
        )


def describe_limit(config: PipelineConfig, failures: Sequence[Failure]) -> str:
    """Return the limit of memory of a run in which a worker failed, otherwise "".

    The limit is in no reason of a failure, because a store keeps the reasons and its bytes do not
    depend on the machine.
    """
    if not any(failure.stage == "worker" and failure.transient for failure in failures):
        return ""
    max_bytes = config.memory
    if max_bytes is None and config.scheduler in (None, "synchronous"):
        max_bytes = available_memory()
    return f"memory limit {format_size(max_bytes)}" if max_bytes else ""


def available_memory() -> int:
    """Return the memory in bytes that a conversion may take by default.

    This is 80 % of what is free on this machine, or in this container if it has a limit.
    """
    free = psutil.virtual_memory().available
    for limit_file, usage_file in CGROUP_FILES:
        try:
            limit = int(Path(limit_file).read_text())
            usage = int(Path(usage_file).read_text())
        except (OSError, ValueError):  # no such group, or the limit is "max"
            continue
        free = min(free, limit - usage)
    return int(SHARE_OF_FREE * free)
