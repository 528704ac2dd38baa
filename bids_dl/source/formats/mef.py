"""MEF3 sessions (.mefd): the gaps that their reader joins, and the explanation of its errors.

The format is the Multiscale Electrophysiology Format 3, https://msel.mayo.edu/codes.html. Samples
are stored in blocks, each with its time; MNE and pymef concatenate them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.errors import RecordingError
from bids_dl.source.gaps import Gap
from bids_dl.wording import count, one_line

if TYPE_CHECKING:
    from pymef.mef_session import MefSession

TIME_PRECISION_SECONDS = 0.001  # clocks of devices drift by less in a block
LENGTH_DIGITS = 6  # of a gap in s: times are stored in µs
MAX_REASON_CHARS = 200  # of an error of pymef in a message


@dataclass(frozen=True, slots=True)
class MefBlock:
    """Continuous samples of a channel."""

    start_sample: int
    n_times: int
    start: float  # s


@dataclass(frozen=True, slots=True)
class _ChannelTimes:
    """Times of a channel."""

    channel: str
    start: float  # s
    gaps: tuple[Gap, ...]
    tolerance: float  # s: longest pause that is no gap


def read_mef_gaps(path: Path, name: str) -> tuple[Gap, ...]:
    """Read the gaps of a session.

    Parameters
    ----------
    path
        The folder of the session.
    name
        Its name in messages.

    Raises
    ------
    RecordingError
        Stage "header": the session cannot be opened, or its channels do not have the same times.
    """
    times: list[_ChannelTimes] = []
    with _opened(path, name) as session:
        for channel, metadata in session.session_md["time_series_channels"].items():
            sfreq = float(metadata["section_2"]["sampling_frequency"].item())
            blocks = _read_blocks(session, channel)
            if blocks and sfreq > 0:
                gaps = find_gaps(blocks, sfreq, f"{name}: {channel}")
                times.append(_ChannelTimes(channel, blocks[0].start, gaps, _tolerance(sfreq)))
    for other in times[1:]:
        if problem := _find_difference(times[0], other):
            raise RecordingError("header", f"{name}: {problem} in each session")
    return times[0].gaps if times else ()


def find_gaps(blocks: Sequence[MefBlock], sfreq: float, name: str) -> tuple[Gap, ...]:
    """Find the gaps between the blocks of a channel.

    Parameters
    ----------
    blocks
        Blocks in order.
    sfreq
        Sampling rate in Hz.
    name
        Name of the channel in messages.

    Raises
    ------
    RecordingError
        Stage "header": a block begins before the end of the previous one, or samples are missing.

    Examples
    --------
    >>> find_gaps([MefBlock(0, 50, 0.0), MefBlock(50, 50, 2.5)], sfreq=100.0, name="x.mefd: LA1")
    (Gap(onset=0.5, length=2.0, half_sample=0.005),)
    """
    tolerance = _tolerance(sfreq)
    gaps = []
    for number, (previous, block) in enumerate(pairwise(blocks), 2):
        end = previous.start + previous.n_times / sfreq
        length = block.start - end
        n_before = previous.start_sample + previous.n_times
        problem = ""
        if block.start_sample != n_before:
            problem = f"begins with sample {block.start_sample}, expected {n_before}"
        elif length < -tolerance:
            problem = f"begins {-length:g} s before the end of the previous one"
        if problem:
            raise RecordingError(
                "header", f"{name}: block {number} {problem}; repair or convert the session"
            )
        if length > tolerance:
            gaps.append(Gap(n_before / sfreq, round(length, LENGTH_DIGITS), 0.5 / sfreq))
    return tuple(gaps)


def explain_error(error: Exception, name: str) -> str:
    """Explain an error of pymef in one line, "" if its message is clear by itself.

    Examples
    --------
    >>> explain_error(RuntimeError("MEF password is invalid"), "x.mefd")
    'x.mefd is encrypted, which is not supported; decrypt it'
    """
    if "password" in str(error).casefold():
        return f"{name} is encrypted, which is not supported; decrypt it"
    return ""


@contextmanager
def _opened(path: Path, name: str) -> Iterator[MefSession]:
    """Open a session without its samples."""
    from pymef.mef_session import MefSession

    try:
        session = MefSession(str(path), "")
    except Exception as error:  # noqa: BLE001  (pymef raises anything at damaged sessions)
        text = one_line(str(error).replace(str(path), name), max_chars=MAX_REASON_CHARS)
        reason = explain_error(error, name) or (
            f"{name} cannot be read as MEF3 and may be damaged ({type(error).__name__}: {text})"
        )
        raise RecordingError("header", reason) from None
    try:
        yield session
    finally:
        session.close()


def _read_blocks(session: MefSession, channel: str) -> Sequence[MefBlock]:
    """Read the blocks of a channel from its table of contents."""
    _, n_times, start_samples, microseconds = session.get_channel_toc(channel).tolist()
    blocks = []
    for start_sample, n, start in zip(start_samples, n_times, microseconds, strict=True):
        blocks.append(MefBlock(start_sample, n, start / 1e6))
    return blocks


def _tolerance(sfreq: float) -> float:
    """Return the longest pause in s that is no gap at a rate in Hz."""
    return max(1 / sfreq, TIME_PRECISION_SECONDS)


def _find_difference(first: _ChannelTimes, other: _ChannelTimes) -> str:
    """Return what differs in the times of two channels and what to keep, "" if nothing does."""
    delay = other.start - first.start
    if abs(delay) > first.tolerance:
        return (
            f"{other.channel} begins {delay:g} s after {first.channel}; keep channels of one start"
        )
    are_equal = len(first.gaps) == len(other.gaps) and all(
        gap.onset == twin.onset and abs(gap.length - twin.length) <= first.tolerance
        for gap, twin in zip(first.gaps, other.gaps, strict=True)
    )
    if are_equal:
        return ""
    return (
        f"{first.channel} has {_describe(first.gaps)}, {other.channel} has "
        f"{_describe(other.gaps)}; keep channels with the same gaps"
    )


def _describe(gaps: tuple[Gap, ...]) -> str:
    """Describe gaps in a message."""
    if not gaps:
        return "no gap"
    total = sum(gap.length for gap in gaps)
    return f"{count(len(gaps), 'gap')} of {total:g} s, the first at {gaps[0].onset:g} s"
