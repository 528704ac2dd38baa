"""Writing of a synthetic BIDS dataset from its design."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.errors import ConfigError, MissingPackageError
from bids_dl.requirements import describe_missing
from bids_dl.testing.design import Design, make_design
from bids_dl.testing.events import count_samples, events_sidecar, events_table
from bids_dl.testing.files import (
    EXTENSIONS,
    MAX_EXPORT_VALUES,
    PACKAGES,
    break_signal,
    write_signal,
)
from bids_dl.testing.noise import Array
from bids_dl.testing.planting import SEXES, draw_person
from bids_dl.testing.recording import SyntheticDataset, SyntheticRecording, plan_recording

AGE_RANGE = (18, 80)  # years; the upper limit is exclusive
RIGHT_HANDED = 0.9  # fraction of the subjects


def make_dataset(root: str | Path, **design: Any) -> SyntheticDataset:
    """Write a synthetic BIDS dataset into a folder.

    Parameters
    ----------
    root
        Folder to write to; it is created if it does not exist.
    **design
        Any parameter of `Design`, such as ``n_subjects=4, sfreq=250, format="brainvision"``. Equal
        designs write equal files.

    Returns
    -------
    SyntheticDataset
        Design and content of the recordings, with their signals in µV.

    Raises
    ------
    ConfigError
        A parameter is unknown or out of range, or the package that writes the format is not
        installed. Nothing was written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     dataset = make_dataset(folder, n_subjects=2, sfreq=100, format="eeglab")
    ...     sorted(path.name for path in dataset.root.glob("sub-*"))
    ['sub-001', 'sub-002']
    >>> dataset.recordings[0].path
    'sub-001/eeg/sub-001_task-rest_run-1'
    >>> dataset.recordings[0].signals().shape
    (8, 4000)
    """
    plan = make_design(design)
    designs = [plan.for_subject(subject) for subject in range(plan.n_subjects)]
    positions = []
    for subject_design in designs:
        channels = _channel_positions(subject_design.template, subject_design.ch_names)
        _check_writable(subject_design, channels)
        positions.append(channels)
    root = Path(root)
    _write_dataset_files(root, plan)
    sessions = range(plan.n_sessions) if plan.n_sessions else (None,)
    recordings = []
    for subject in range(plan.n_subjects):
        for session in sessions:
            for run in range(plan.n_runs):
                recording = plan_recording(
                    designs[subject], positions[subject], subject, session, run
                )
                _write_recording(root, recording, positions[subject])
                recordings.append(recording)
    return SyntheticDataset(root, plan, tuple(recordings))


def _check_writable(design: Design, ch_names: Collection[str]) -> None:
    """Refuse a design that cannot be written."""
    package = PACKAGES.get(design.format)
    if package and importlib.util.find_spec(package) is None:
        raise MissingPackageError(f"writing {design.format}: {describe_missing(package)}")
    n_times = count_samples(design)
    n_values = len(ch_names) * n_times
    if n_values > MAX_EXPORT_VALUES and design.format != "brainvision":
        raise ConfigError(
            f"synthetic dataset: recordings of {n_values:,} values are written as brainvision "
            f"only, got format {design.format}"
        )
    _check_electrodes(design, ch_names)
    duration = n_times / design.sfreq
    times = list(design.boundaries)
    times += [onset + length for onset, length in design.dropouts]
    if times and max(times) > duration:
        raise ConfigError(
            f"synthetic dataset: boundaries and dropouts extend to {max(times):g} s, "
            f"but recordings last {duration:g} s"
        )


def _check_electrodes(design: Design, ch_names: Collection[str]) -> None:
    """Refuse an effect in channels that a recording with all channels of a template lacks."""
    if design.effect is None:
        return
    unknown = sorted(set(design.effect.electrodes) - set(ch_names))
    if unknown:
        raise ConfigError(
            f"synthetic dataset: effect: electrodes {unknown} are not among the channels of the "
            f"template {design.template}"
        )


@cache
def _channel_positions(template: str, ch_names: tuple[str, ...]) -> dict[str, Array]:
    """Look up the positions of the channels to record.

    Returns
    -------
    dict
        Channel name -> x, y, z in m, head coordinates (right, front, up).
    """
    import mne

    try:
        montage = mne.channels.make_standard_montage(template)
        names = list(ch_names or montage.ch_names)
        info = mne.create_info(names, 1.0, "eeg", verbose="error")
        info.set_montage(montage, verbose="error")
    except ValueError as error:
        raise ConfigError(f"synthetic dataset: {str(error).splitlines()[0]}") from error
    return {channel["ch_name"]: channel["loc"][:3].astype(float) for channel in info["chs"]}


def _write_dataset_files(root: Path, design: Design) -> None:
    """Write the files at the root of the dataset."""
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
    participants = []
    for i in range(design.n_subjects):
        age: float = int(rng.integers(*AGE_RANGE))
        hand = "right" if rng.random() < RIGHT_HANDED else "left"
        if design.effect is not None and design.effect.kind == "number":
            age = draw_person(design.effect, design.seed, i).age
        participants.append((f"sub-{i + 1:03d}", age, SEXES[i % 2], hand))
    root.mkdir(parents=True, exist_ok=True)
    (root / "README").write_text(
        "Synthetic EEG of known content, made by bids_dl.testing.\n", encoding="utf-8"
    )
    _write_json(root / "dataset_description.json", description)
    _write_json(root / f"task-{design.task}_events.json", events_sidecar(design))
    _write_json(
        root / "participants.json",
        {"age": {"Units": "year"}, "sex": {"Levels": {"F": "female", "M": "male"}}, "hand": {}},
    )
    columns = ("participant_id", "age", "sex", "hand")
    _write_tsv(root / "participants.tsv", columns, participants)


def _write_recording(
    root: Path, recording: SyntheticRecording, positions: Mapping[str, Array]
) -> None:
    """Write the signal, sidecar, channels, events and positions of one recording."""
    design = recording.design
    stem = root / recording.path
    stem.parent.mkdir(parents=True, exist_ok=True)
    signal = Path(f"{stem}_eeg{EXTENSIONS[design.format]}")
    write_signal(signal, recording)
    if design.broken:
        break_signal(signal, design.broken)
    sidecar = {
        "TaskName": design.task,
        "SamplingFrequency": design.sfreq,
        "PowerLineFrequency": 50,
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
        "EEGChannelCount": len(positions),
        "RecordingType": "discontinuous" if design.boundaries else "continuous",
        "RecordingDuration": recording.n_times / design.sfreq,
    }
    _write_json(Path(f"{stem}_eeg.json"), sidecar)
    channels = []
    for name in positions:
        status = "bad" if name in design.bads else "good"
        channels.append((name, "EEG", "µV", design.sfreq, status))
    columns = ("name", "type", "units", "sampling_frequency", "status")
    _write_tsv(Path(f"{stem}_channels.tsv"), columns, channels)
    _write_tsv(Path(f"{stem}_events.tsv"), *_events_with_votes(recording))
    if design.electrodes:
        session = f"_ses-{recording.session}" if recording.session else ""
        name = f"sub-{recording.subject}{session}_space-CapTrak"
        _write_electrodes(stem.parent / name, positions)


def _events_with_votes(
    recording: SyntheticRecording,
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return columns and rows of events.tsv, with the votes of a planted effect of shares."""
    design = recording.design
    columns, rows = events_table(design, recording.events)
    votes = recording.votes().tolist()
    if design.effect is None or not votes:
        return columns, rows
    rows = [(*row, *of_window) for row, of_window in zip(rows, votes, strict=True)]
    return (*columns, *design.effect.columns), rows


def _write_electrodes(stem: Path, positions: Mapping[str, Array]) -> None:
    """Write positions in the coordinate system CapTrak, which is that of MNE's head coordinates."""
    rows = []
    for name, position in positions.items():
        rows.append((name, *(f"{value:.6f}" for value in position)))
    _write_tsv(Path(f"{stem}_electrodes.tsv"), ("name", "x", "y", "z"), rows)
    _write_json(
        Path(f"{stem}_coordsystem.json"),
        {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"},
    )


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tsv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a TSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
