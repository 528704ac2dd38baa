"""Open a store with xarray (pip install xarray) and compare the alpha rhythm of each person.

Usage: python xarray_alpha.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray

import bids_dl
from bids_dl.demo import sample_folder

QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


def main(folder: Path) -> None:
    store = folder / "eyes.zarr"
    # does nothing if the store exists already
    bids_dl.convert(sample_folder(), store, hed=QUERIES, window=2)

    data = xarray.open_zarr(store)
    licence = data.attrs["sources"][0]["licence"]
    print(f"{dict(data.sizes)}, {data.attrs['sfreq']:g} Hz, licence {licence}")
    # backed by Dask, so that only these channels and windows are kept in memory
    signals = data["signals"].sel(channel=["O1", "O2"])
    signals = signals.assign_coords(person=data["subject"], label=data["label"]).compute()
    spectrum = np.abs(np.fft.rfft(signals * np.hanning(signals.sizes["time"]), axis=-1)) ** 2
    freqs = np.fft.rfftfreq(signals.sizes["time"], 1 / data.attrs["sfreq"])
    alpha = (
        signals.isel(time=0, drop=True)
        .copy(data=spectrum[..., (freqs >= 8) & (freqs <= 13)].mean(-1))
        .mean("channel")
    )

    for person, windows in alpha.groupby("person"):
        power = windows.groupby("label").mean()
        ratio = float(power.sel(label="eyes_closed") / power.sel(label="eyes_open"))
        print(f"sub-{person}: alpha power is {ratio:.1f} times higher with eyes closed")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
