"""The same recording in every format, one subject for each."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import mne
import numpy as np
import scipy.io
from signal_files import EdfChannel, edf_bytes

SFREQ = 200
CH_NAMES = ("Fz", "Cz", "Pz", "C3", "C4", "Oz")
RESOLUTION = 0.1  # µV of an integer
IN_RANGES = (
    *("edf", "bdf", "multiplexed", "vectorized"),
    *("fdt", "set", "setdouble"),
)
"""Subjects whose format gives equal samples from ranges."""

WHOLE = ("edfplus", "compressed", "set73", "fif", "ascii")
"""Subjects whose files are fetched whole."""


def write_every_format(root: Path, *, n_seconds: int = 120, subjects=(*IN_RANGES, *WHOLE)) -> Path:
    """Write a dataset with a subject for each format. Events are in rows of "Eyes-closed".

    The recordings begin and end with an event, and have one in between.
    """
    generator = np.random.default_rng(0)
    walk = generator.integers(-300, 301, size=(len(CH_NAMES), n_seconds * SFREQ))
    for subject in subjects:
        stem = root / f"sub-{subject}" / "eeg" / f"sub-{subject}_task-x"
        stem.parent.mkdir(parents=True)
        onsets = (1.0, n_seconds / 2, n_seconds - 2.5)
        rows = "".join(f"{onset}\t1\tEyes-closed\n" for onset in onsets)
        Path(f"{stem}_events.tsv").write_text(f"onset\tduration\tHED\n{rows}")
        Path(f"{stem}_eeg.json").write_text(
            json.dumps({"TaskName": "x", "SamplingFrequency": SFREQ, "EEGReference": "n/a"})
        )
        WRITERS[subject](Path(f"{stem}_eeg"), walk)
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "x", "BIDSVersion": "1.10.0", "HEDVersion": "8.3.0"})
    )
    (root / "README").write_text("x")
    return root


def _edf_channels(samples: np.ndarray) -> list[EdfChannel]:
    channels = []
    for name, row in zip(CH_NAMES, samples, strict=True):
        channels.append(EdfChannel(name, row, SFREQ, scale=RESOLUTION))
    return channels


def write_edf(stem: Path, samples: np.ndarray) -> None:
    """Write EDF with a respiration at a lower rate."""
    slow = EdfChannel("Resp", samples[0, :: SFREQ // 50], 50, scale=RESOLUTION)
    stem.with_suffix(".edf").write_bytes(edf_bytes([*_edf_channels(samples), slow]))


def write_bdf(stem: Path, samples: np.ndarray) -> None:
    """Write BDF with a channel of triggers."""
    status = EdfChannel("Status", np.arange(samples.shape[1]) % 7, SFREQ, unit="Boolean")
    content = edf_bytes([*_edf_channels(samples), status], bdf=True)
    stem.with_suffix(".bdf").write_bytes(content)


def write_edfplus(stem: Path, samples: np.ndarray) -> None:
    """Write EDF+ with annotations."""
    onsets = list(range(samples.shape[1] // SFREQ))
    content = edf_bytes(_edf_channels(samples), onsets=onsets, reserved="EDF+C")
    stem.with_suffix(".edf").write_bytes(content)


def write_vhdr(
    stem: Path, samples: np.ndarray, *, data: str = ".eeg", is_vectorized: bool = False
) -> None:
    """Write BrainVision: int16 sample by sample, or float32 channel by channel."""
    orientation = "VECTORIZED" if is_vectorized else "MULTIPLEXED"
    binary_format = "IEEE_FLOAT_32" if is_vectorized else "INT_16"
    values = samples.astype("<f4" if is_vectorized else "<i2")
    content = values.tobytes() if is_vectorized else values.T.tobytes()
    stem.with_suffix(data).write_bytes(content)
    _write_vhdr_text(
        stem,
        samples.shape[1],
        data,
        f"DataFormat=BINARY\nDataOrientation={orientation}",
        f"[Binary Infos]\nBinaryFormat={binary_format}",
    )


def write_ascii(stem: Path, samples: np.ndarray) -> None:
    """Write BrainVision with samples as text."""
    lines = [" ".join(CH_NAMES), *(" ".join(map(str, frame)) for frame in samples.T)]
    stem.with_suffix(".dat").write_text("\n".join(lines) + "\n")
    _write_vhdr_text(
        stem,
        samples.shape[1],
        ".dat",
        "DataFormat=ASCII\nDataOrientation=MULTIPLEXED",
        "[ASCII Infos]\nDecimalSymbol=.\nSkipLines=1\nSkipColumns=0",
    )


def _write_vhdr_text(stem: Path, n_times: int, data: str, layout: str, infos: str) -> None:
    channels = "\n".join(f"Ch{i}={name},,{RESOLUTION},µV" for i, name in enumerate(CH_NAMES, 1))
    stem.with_suffix(".vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem.name}{data}\nMarkerFile={stem.name}.vmrk\n{layout}\n"
        f"NumberOfChannels={len(CH_NAMES)}\nDataPoints={n_times}\n"
        f"SamplingInterval={1_000_000 // SFREQ}\n\n{infos}\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )
    stem.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={stem.name}{data}\n\n[Marker Infos]\nMk1=New Segment,,1,1,0\n",
        encoding="utf-8",
    )


def set_fields(samples: np.ndarray) -> dict:
    """Return the fields of an EEGLAB dataset, with times and events after the samples."""
    locations = np.array([(name,) for name in CH_NAMES], dtype=[("labels", object)])
    n_times = samples.shape[1]
    return {
        "setname": "x",
        "nbchan": float(len(CH_NAMES)),
        "trials": 1.0,
        "pnts": float(n_times),
        "srate": float(SFREQ),
        "xmin": 0.0,
        "xmax": (n_times - 1) / SFREQ,
        "data": samples,
        "times": np.arange(n_times) / SFREQ,
        "chanlocs": locations,
        "event": np.array(
            [(1000.5, "boundary", np.nan)],
            dtype=[("latency", object), ("type", object), ("duration", object)],
        ),
    }


def write_set(
    stem: Path, samples: np.ndarray, *, dtype: str = "<f4", compressed: bool = False
) -> None:
    """Write an EEGLAB dataset with its samples inside."""
    fields = set_fields((RESOLUTION * samples).astype(dtype))
    path = stem.with_suffix(".set")
    scipy.io.savemat(path, {"EEG": fields}, appendmat=False, do_compression=compressed)


def write_fdt(stem: Path, samples: np.ndarray) -> None:
    """Write an EEGLAB dataset with its samples in a .fdt file."""
    fields = set_fields(samples) | {"data": f"{stem.name}.fdt", "datfile": f"{stem.name}.fdt"}
    scipy.io.savemat(stem.with_suffix(".set"), {"EEG": fields}, appendmat=False)
    stem.with_suffix(".fdt").write_bytes((RESOLUTION * samples).astype("<f4").tobytes(order="F"))


def write_set73(stem: Path, samples: np.ndarray) -> None:
    """Write an EEGLAB dataset as MATLAB 7.3 does, in HDF5."""
    path = stem.with_suffix(".set")
    with h5py.File(path, "w", userblock_size=512) as file:
        numbers = {
            "nbchan": len(CH_NAMES),
            "trials": 1,
            "pnts": samples.shape[1],
            "srate": SFREQ,
            "xmin": 0,
            "xmax": (samples.shape[1] - 1) / SFREQ,
        }
        for name, number in numbers.items():
            _write_hdf5(file, name, np.array([[float(number)]]), "double")
        _write_hdf5(file, "data", (RESOLUTION * samples).astype("<f4").T, "single")
        _write_hdf5(file, "setname", np.array([[ord("x")]], dtype="<u2"), "char")
        for name in ("event", "urevent"):
            empty = _write_hdf5(file, name, np.zeros(2, dtype="<u8"), "double")
            empty.attrs["MATLAB_empty"] = np.uint8(1)
        locations = file.create_group("chanlocs")
        locations.attrs["MATLAB_class"] = np.bytes_("struct")
        texts = file.create_group("#refs#")
        references = []
        for name in CH_NAMES:
            codes = np.array([[ord(letter)] for letter in name], dtype="<u2")
            references.append([_write_hdf5(texts, name, codes, "char").ref])
        locations.create_dataset("labels", data=references, dtype=h5py.ref_dtype)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _write_hdf5(group: h5py.Group, name: str, values: np.ndarray, kind: str) -> h5py.Dataset:
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["MATLAB_class"] = np.bytes_(kind)
    return dataset


def write_fif(stem: Path, samples: np.ndarray) -> None:
    """Write FIF with MNE."""
    info = mne.create_info(list(CH_NAMES), SFREQ, "eeg")
    raw = mne.io.RawArray(samples * RESOLUTION * 1e-6, info, verbose="error")
    raw.save(stem.with_suffix(".fif"), verbose="error")


WRITERS = {
    "edf": write_edf,
    "bdf": write_bdf,
    "multiplexed": write_vhdr,
    "vectorized": lambda stem, samples: write_vhdr(stem, samples, is_vectorized=True),
    "fdt": write_fdt,
    "set": write_set,
    "setdouble": lambda stem, samples: write_set(stem, samples, dtype="<f8"),
    "edfplus": write_edfplus,
    "compressed": lambda stem, samples: write_set(stem, samples, compressed=True),
    "set73": write_set73,
    "fif": write_fif,
    "ascii": write_ascii,
}
