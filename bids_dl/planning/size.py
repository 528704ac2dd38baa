"""The size of a store, estimated before it is planned in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_dl import windows
from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Header
from bids_dl.errors import WindowError

MAX_WINDOWS = 10_000_000
"""Windows of a plan; their list then takes some 2 GB. The whole Healthy Brain Network gives
300,000 windows of 2 s.
"""


def estimate_size(
    planned: windows.WindowSequence,
    headers: Mapping[str, Header],
    windows_config: WindowsConfig,
) -> float | None:
    """Estimate the bytes of windows as float32, with the channels and rates of their recordings.

    Parameters
    ----------
    headers
        Headers by recording key.

    Returns
    -------
    float or None
        None if the header of a recording is not known.
    """
    total = 0.0
    for (key, _), number in planned.counts().items():
        if key not in headers:
            return None
        total += number * _bytes_per_second(headers[key]) * windows_config.duration
    return total


def check_window_count(
    blocks: Sequence[Block], windows_config: WindowsConfig, headers: Mapping[str, Header]
) -> None:
    """Refuse a plan with so many windows that their list would fill the memory.

    Parameters
    ----------
    headers
        Headers by recording key, as far as they are known.

    Raises
    ------
    WindowError
        There are more than `MAX_WINDOWS`. The message has their number and, if headers are known,
        the size of the store.
    """
    n_windows = windows.count_windows(blocks, windows_config)
    if n_windows <= MAX_WINDOWS:
        return
    duration = windows_config.duration
    n_bytes = 0.0
    for block in blocks:
        if block.recording in headers:
            seconds = windows.count_windows([block], windows_config) * duration
            n_bytes += seconds * _bytes_per_second(headers[block.recording])
    size = f", {n_bytes / 1e12:,.3g} TB as float32" if n_bytes else ""
    raise WindowError(
        f"the plan has {n_windows:,} windows of {duration:g} s, "
        f"one every {windows_config.stride or duration:g} s{size}; "
        f"a store holds at most {MAX_WINDOWS:,}\n"
        "  choose a longer --stride, or write several stores (--subject, --task), "
        "which can be streamed as one"
    )


def _bytes_per_second(header: Header) -> float:
    return 4 * len(header.ch_names) * header.sfreq
