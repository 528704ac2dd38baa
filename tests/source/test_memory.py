"""Estimate of the memory that loading takes, compared with the peak of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from signal_files import EdfChannel, edf_bytes, vhdr_text, write_recording

from bids_dl.source import estimate_load_bytes, is_lazy, read_header

N_TIMES = 600_000
N_CHANS = 16
EMBEDDED_KINDS = {"set", "flat set", "set of doubles"}
PEAK = """
import sys
from pathlib import Path
from bids_dl.config.stages import SourceConfig
from bids_dl.source import find_recordings, open_dataset, open_raw
dataset = open_dataset(sys.argv[1])
small = open_dataset(sys.argv[2])
with open_raw(small, find_recordings(small, SourceConfig())[0]) as raw:
    raw.load_data(verbose="error")
def status(field):
    return 1024 * int(Path("/proc/self/status").read_text().split(field + ":")[1].split()[0])
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
before = status("VmRSS")
with open_raw(dataset, find_recordings(dataset, SourceConfig())[0]) as raw:
    raw.load_data(verbose="error")
print(status("VmHWM") - before)
"""


def make_files(kind: str, folder: Path, n_times: int) -> dict[str, bytes | Path | str]:
    """Build the signal files of one kind, by their names for `write_recording`."""
    signal = np.random.default_rng(0).normal(scale=20, size=(N_CHANS, n_times)).astype("<f4")
    names = [f"E{i}" for i in range(N_CHANS)]
    if kind == "edf":
        channels = []
        for name, row in zip(names, signal, strict=True):
            channels.append(EdfChannel(name, row.round(), rate=200))
        return {"_eeg.edf": edf_bytes(channels)}
    if kind.startswith("vhdr"):
        header = vhdr_text([f"{name},,1,µV" for name in names], n_times=n_times, data="x.eeg")
        if kind == "vhdr by channel":
            header = header.replace("MULTIPLEXED", "VECTORIZED")
            return {"_eeg.vhdr": header, "x.eeg": signal.tobytes()}
        return {"_eeg.vhdr": header, "x.eeg": signal.T.tobytes()}
    return make_set(kind, folder / f"{n_times}.set", signal, names)


def make_set(
    kind: str, path: Path, signal: np.ndarray, names: list[str]
) -> dict[str, bytes | Path | str]:
    """Write a .set file of one kind."""
    fields = {
        "trials": 1.0,
        "srate": 200.0,
        "xmin": 0.0,
        "xmax": 1.0,
        "nbchan": float(N_CHANS),
        "pnts": float(signal.shape[1]),
        "chanlocs": np.array([(name,) for name in names], dtype=[("labels", object)]),
        "event": np.array([], dtype=[("latency", object), ("type", object)]),
    }
    if kind == "set and fdt":
        scipy.io.savemat(path, {"EEG": {**fields, "data": "x.fdt"}})
        return {"_eeg.set": path, "_eeg.fdt": signal.T.tobytes()}
    fields["data"] = signal.astype(float) if kind == "set of doubles" else signal
    scipy.io.savemat(path, fields if kind == "flat set" else {"EEG": fields})
    return {"_eeg.set": path}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "kind", ["edf", "vhdr", "vhdr by channel", "set and fdt", "set", "flat set", "set of doubles"]
)
def test_loading_takes_at_most_the_estimate_and_not_far_less(tmp_path, kind):
    large = tmp_path / "large"
    small = tmp_path / "small"
    dataset, recording = write_recording(large, make_files(kind, tmp_path, N_TIMES))
    write_recording(small, make_files(kind, tmp_path, 2000))
    estimate = estimate_load_bytes(dataset, recording, read_header(dataset, recording))
    command = [sys.executable, "-c", PEAK, str(large), str(small)]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert estimate / 2.5 < peak < estimate
    assert is_lazy(dataset, recording) == (kind not in EMBEDDED_KINDS)
