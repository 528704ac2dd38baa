"""MEF3 sessions for tests, written by pymef."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pymef.mef_session import MefSession

START_MICROSECONDS = 1_577_836_800_000_000  # 2020-01-01; an arbitrary time of recording
GMT_OFFSET_SECONDS = 3600


def write_mef(
    path: Path,
    stored: Mapping[str, np.ndarray],
    *,
    sfreq: float = 256.0,
    passwords: tuple[str, str] = ("", ""),
    start: float = 0.0,
) -> Path:
    """Write a MEF3 session of int32 samples, of which one unit is 0.5 µV.

    Parameters
    ----------
    path
        Folder of the session. Channels are added to an existing session.
    stored
        (n_times,) samples by name of the channel.
    sfreq
        Sampling rate in Hz.
    passwords
        Passwords that encrypt the session.
    start
        Time of the first sample in s, after that of other channels.
    """
    start_time = START_MICROSECONDS + round(1e6 * start)
    session = MefSession(
        str(path), passwords[1], read_metadata=False, new_session=not path.exists()
    )
    for name, samples in stored.items():
        stop = start_time + round(1e6 * len(samples) / sfreq)
        section_2 = {
            "channel_description": b"contact",
            "session_description": b"x",
            "recording_duration": stop - start_time,
            "reference_description": b"x",
            "acquisition_channel_number": 1,
            "sampling_frequency": sfreq,
            "notch_filter_frequency_setting": 0.0,
            "low_frequency_filter_setting": 0.0,
            "high_frequency_filter_setting": 0.0,
            "AC_line_frequency": 50.0,
            "units_conversion_factor": 0.5,
            "units_description": b"uV",
            "maximum_native_sample_value": 0.0,
            "minimum_native_sample_value": 0.0,
            "start_sample": 0,
            "number_of_blocks": 0,
            "maximum_block_bytes": 0,
            "maximum_block_samples": 0,
            "maximum_difference_bytes": 0,
            "block_interval": 0,
            "number_of_discontinuities": 1,
            "maximum_contiguous_blocks": 0,
            "maximum_contiguous_block_bytes": 0,
            "maximum_contiguous_samples": 0,
            "number_of_samples": len(samples),
        }
        section_3 = {
            "recording_time_offset": 0,
            "DST_start_time": 0,
            "DST_end_time": 0,
            "GMT_offset": GMT_OFFSET_SECONDS,
            "subject_name_1": b"x",
            "subject_name_2": b"x",
            "subject_ID": b"x",
            "recording_location": b"x",
        }
        session.write_mef_ts_segment_metadata(
            name, 0, *passwords, start_time, stop, section_2, section_3
        )
        session.write_mef_ts_segment_data(
            name, 0, *passwords, round(sfreq), samples.astype(np.int32)
        )
    session.close()
    return path


def continue_mef(path: Path, stored: Mapping[str, np.ndarray], *, start: float) -> None:
    """Continue channels of a MEF3 session at 256 Hz, `start` s after its beginning."""
    session = MefSession(str(path), "", read_metadata=False)
    start_time = START_MICROSECONDS + round(1e6 * start)
    for name, samples in stored.items():
        stop = start_time + round(1e6 * len(samples) / 256)
        session.append_mef_ts_segment_data(
            name, 0, "", "", start_time, stop, 256, samples.astype(np.int32)
        )
    session.close()
