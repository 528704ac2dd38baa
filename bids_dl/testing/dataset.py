"""A design -> a BIDS folder."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.errors import ConfigError
from bids_dl.testing import events
from bids_dl.testing.design import Design, design_of
from bids_dl.testing.files import EXTENSIONS, LONG, PACKAGES, break_signal, write_signal
from bids_dl.testing.recording import Array, SyntheticDataset, SyntheticRecording, plan_recording


def make_dataset(root: str | Path, **design: Any) -> SyntheticDataset:
    """Write a synthetic BIDS dataset into a folder and say what is in it.

    Parameters
    ----------
    root
        Folder to write to; made if absent.
    **design
        Any parameter of `Design`, such as ``n_subjects=4, sfreq=250, format="brainvision", seed=1``. Equal designs write equal files.

    Raises
    ------
    ConfigError
        An unknown parameter or a value out of range, or the package that writes the format is not installed.
    """
    plan = design_of(design)
    own = [plan.of(subject) for subject in range(plan.n_subjects)]
    places = [_positions(each.template, each.ch_names) for each in own]
    for each, positions in zip(own, places, strict=True):
        _check(each, len(positions))
    root = Path(root)
    sessions = range(plan.n_sessions) if plan.n_sessions else (None,)
    made = []
    _write_dataset(root, plan)
    for subject, (each, positions) in enumerate(zip(own, places, strict=True)):
        for session in sessions:
            for run in range(plan.n_runs):
                recording = plan_recording(each, positions, subject, session, run)
                _write_recording(root, recording, positions)
                made.append(recording)
    return SyntheticDataset(root, plan, tuple(made))


def _check(design: Design, n_chans: int) -> None:
    """Refuse what cannot be written, before anything is."""
    package = PACKAGES.get(design.format)
    if package and importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"writing {design.format} needs the package {package}: pip install {package}"
        )
    n_values = n_chans * events.n_times(design)
    if n_values > LONG and design.format != "brainvision":
        raise ConfigError(
            f"synthetic dataset: recordings of {n_values:,} values are written as brainvision only, got format {design.format}"
        )
    length = events.n_times(design) / design.sfreq
    times = [*design.boundaries, *(onset + duration for onset, duration in design.dropouts)]
    if times and max(times) > length:
        raise ConfigError(
            f"synthetic dataset: boundaries and dropouts reach {max(times):g} s, recordings last {length:g} s"
        )


@cache
def _positions(template: str, ch_names: tuple[str, ...]) -> dict[str, Array]:
    """Channel name -> x, y, z in m, head coordinates (right, front, up), of the channels to record."""
    import mne

    try:
        montage = mne.channels.make_standard_montage(template)
        names = list(ch_names or montage.ch_names)
        info = mne.create_info(names, 1.0, "eeg", verbose="error").set_montage(
            montage, verbose="error"
        )
    except ValueError as error:
        raise ConfigError(f"synthetic dataset: {str(error).splitlines()[0]}") from error
    return {channel["ch_name"]: channel["loc"][:3].astype(float) for channel in info["chs"]}


def _write_dataset(root: Path, design: Design) -> None:
    description = {
        "Name": "Synthetic EEG of known content",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "HEDVersion": "8.3.0",
        "License": "CC0",
        "Authors": ["The bids_dl developers"],
        "HowToAcknowledge": "Made by bids_dl.testing; nothing to acknowledge.",
        "DatasetDOI": "doi:10.5072/bids-dl.synthetic.v1.0.0",
    }
    rng = np.random.default_rng([design.seed, 2])
    people = [
        (
            f"sub-{i + 1:03d}",
            int(rng.integers(18, 80)),
            "FM"[i % 2],
            "right" if rng.random() < 0.9 else "left",
        )
        for i in range(design.n_subjects)
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "README").write_text(
        "Synthetic EEG of known content, made by bids_dl.testing.\n", encoding="utf-8"
    )
    _write_json(root / "dataset_description.json", description)
    _write_json(root / f"task-{design.task}_events.json", events.sidecar(design))
    _write_json(
        root / "participants.json",
        {"age": {"Units": "year"}, "sex": {"Levels": {"F": "female", "M": "male"}}, "hand": {}},
    )
    _write_tsv(root / "participants.tsv", ("participant_id", "age", "sex", "hand"), people)


def _write_recording(
    root: Path, recording: SyntheticRecording, positions: Mapping[str, Array]
) -> None:
    design = recording.design
    stem = root / recording.path
    stem.parent.mkdir(parents=True, exist_ok=True)
    signal = Path(f"{stem}_eeg{EXTENSIONS[design.format]}")
    write_signal(signal, recording)
    if design.broken:
        break_signal(signal, design.broken)
    header = {
        "TaskName": design.task,
        "SamplingFrequency": design.sfreq,
        "PowerLineFrequency": 50,
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
        "EEGChannelCount": len(positions),
        "RecordingType": "discontinuous" if design.boundaries else "continuous",
        "RecordingDuration": recording.n_times / design.sfreq,
    }
    _write_json(Path(f"{stem}_eeg.json"), header)
    channels = [
        (name, "EEG", "µV", design.sfreq, "bad" if name in design.bads else "good")
        for name in positions
    ]
    _write_tsv(
        Path(f"{stem}_channels.tsv"),
        ("name", "type", "units", "sampling_frequency", "status"),
        channels,
    )
    _write_tsv(Path(f"{stem}_events.tsv"), *events.table(design, recording.events))
    if design.electrodes:
        session = f"_ses-{recording.session}" if recording.session else ""
        _write_electrodes(
            stem.parent / f"sub-{recording.subject}{session}_space-CapTrak", positions
        )


def _write_electrodes(stem: Path, positions: Mapping[str, Array]) -> None:
    """In CapTrak's coordinates, which are the head coordinates of MNE."""
    rows = [(name, *(f"{value:.6f}" for value in position)) for name, position in positions.items()]
    _write_tsv(Path(f"{stem}_electrodes.tsv"), ("name", "x", "y", "z"), rows)
    _write_json(
        Path(f"{stem}_coordsystem.json"),
        {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"},
    )


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tsv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
