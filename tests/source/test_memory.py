from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from signal_files import Channel, edf_bytes, vhdr, wrap

from bids_dl.source import is_lazy, load_bytes, read_header

N_TIMES = 600_000
N_CHANS = 16
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


def content(kind: str, folder: Path, n_times: int) -> dict[str, bytes | Path | str]:
    signal = np.random.default_rng(0).normal(scale=20, size=(N_CHANS, n_times)).astype("<f4")
    names = [f"E{i}" for i in range(N_CHANS)]
    if kind == "edf":
        return {
            "_eeg.edf": edf_bytes(
                [
                    Channel(name, row.round(), rate=200)
                    for name, row in zip(names, signal, strict=True)
                ]
            )
        }
    if kind.startswith("vhdr"):
        header = vhdr([f"{name},,1,µV" for name in names], n_times=n_times, data="x.eeg")
        by_channel = kind == "vhdr by channel"
        header = header.replace("MULTIPLEXED", "VECTORIZED") if by_channel else header
        return {"_eeg.vhdr": header, "x.eeg": (signal if by_channel else signal.T).tobytes()}
    locations = np.array([(name,) for name in names], dtype=[("labels", object)])
    eeg = {
        "trials": 1.0,
        "srate": 200.0,
        "xmin": 0.0,
        "xmax": 1.0,
        "nbchan": float(N_CHANS),
        "pnts": float(n_times),
        "chanlocs": locations,
    }
    eeg |= {"event": np.array([], dtype=[("latency", object), ("type", object)])}
    if kind == "set and fdt":
        scipy.io.savemat(folder / f"{n_times}.set", {"EEG": {**eeg, "data": "x.fdt"}})
        return {"_eeg.set": folder / f"{n_times}.set", "_eeg.fdt": signal.T.tobytes()}
    data = signal.astype(float) if kind == "set of doubles" else signal
    scipy.io.savemat(
        folder / f"{n_times}.set",
        {**eeg, "data": data} if kind == "flat set" else {"EEG": {**eeg, "data": data}},
    )
    return {"_eeg.set": folder / f"{n_times}.set"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "kind", ["edf", "vhdr", "vhdr by channel", "set and fdt", "set", "flat set", "set of doubles"]
)
def test_a_recording_takes_no_more_memory_than_it_was_said_to_and_not_far_less(tmp_path, kind):
    dataset, recording = wrap(tmp_path / "large", content(kind, tmp_path, N_TIMES))
    wrap(tmp_path / "small", content(kind, tmp_path, 2000))
    said = load_bytes(dataset, recording, read_header(dataset, recording))
    code = [sys.executable, "-c", PEAK, str(tmp_path / "large"), str(tmp_path / "small")]
    peak = int(subprocess.run(code, capture_output=True, text=True, check=True).stdout)
    assert said / 2.5 < peak < said
    assert is_lazy(dataset, recording) == (kind not in {"set", "flat set", "set of doubles"})
