"""A synthetic BIDS dataset of known content, for tests, docs and examples.

Each recording alternates eyes-open and eyes-closed blocks. Each channel is the sum of pink noise, a tone of its own amplitude, alpha in
the eyes-closed blocks (more of it over the back of the head), and, on the first channel, impulses of one sample each where the events say.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config import STRICT
from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    import mne

TASK = "rest"
TONE = 20.0  # Hz
ALPHA = 10.0  # Hz
ALPHA_AMPLITUDE = 30.0  # µV, at the back of the head
NOISE = 5.0  # µV, standard deviation
IMPULSE_AREA = 2.0  # µV s: the height of an impulse grows with the rate, so that low-passed ones look alike at all rates
HED = {
    "open": "Agent-action, Experiment-participant, Eyes-open",
    "closed": "Agent-action, Experiment-participant, Eyes-closed",
    "impulse": "Sensory-event, Label/Impulse",
}

Array = NDArray[np.float64]
EXTENSIONS = {"edf": ".edf", "bdf": ".bdf", "brainvision": ".vhdr", "eeglab": ".set"}
PACKAGES = {"edf": "edfio", "bdf": "edfio", "brainvision": "pybv", "eeglab": "eeglabio"}


@dataclass(frozen=True, config=STRICT)
class Design:
    """What a synthetic dataset holds.

    Parameters
    ----------
    sfreq
        Rate in Hz; a second must hold a whole number of samples.
    n_blocks, block_duration
        Blocks of a recording, eyes open first, and their length in s.
    template, ch_names
        MNE template of the electrodes, and the channels to record; none means all of the template.
    bads
        Channels that channels.tsv marks bad.
    electrodes
        Whether electrodes.tsv is written.
    """

    n_subjects: int = Field(default=3, ge=1)
    n_runs: int = Field(default=1, ge=1)
    sfreq: int = Field(default=160, ge=64)
    n_blocks: int = Field(default=4, ge=1)
    block_duration: int = Field(default=10, ge=4)
    template: str = "easycap-M1"
    ch_names: tuple[str, ...] = ("Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "O2")
    bads: tuple[str, ...] = ()
    electrodes: bool = True
    format: Literal["edf", "bdf", "brainvision", "eeglab"] = "edf"
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Design:
        if unknown := set(self.bads) - set(self.ch_names) if self.ch_names else set():
            raise ValueError(f"bads {sorted(unknown)} are not among the channels")
        return self

    @property
    def n_times(self) -> int:
        return self.sfreq * self.block_duration * self.n_blocks


@dataclass(frozen=True, config=STRICT)
class SyntheticEvent:
    """One row of events.tsv."""

    label: Literal["open", "closed", "impulse"]
    sample: int  # 0-based
    n_times: int  # samples; 0 for an impulse


@dataclass(frozen=True, config=STRICT)
class SyntheticRecording:
    """One recording as it was written."""

    path: str  # BIDS path without suffix and extension, "sub-001/eeg/sub-001_task-rest_run-1"
    subject: str  # "001"
    run: str  # "1"
    ch_names: tuple[str, ...]
    events: tuple[SyntheticEvent, ...]  # in order of onset
    tones: tuple[float, ...]  # µV: amplitude of each channel's tone, all of one phase
    alphas: tuple[float, ...]  # µV: amplitude of each channel's alpha while eyes are closed
    design: Design
    key: tuple[int, int, int]  # of its random numbers

    def signals(self) -> Array:
        """The samples that were written, (n_chans, n_times) in µV, before the file format rounded them."""
        return _signals(self)


@dataclass(frozen=True, config=STRICT)
class SyntheticDataset:
    """What `make_dataset` wrote."""

    root: Path
    design: Design
    recordings: tuple[SyntheticRecording, ...]


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
    try:
        plan = Design(**design)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"synthetic dataset: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if importlib.util.find_spec(PACKAGES[plan.format]) is None:
        raise ConfigError(f"writing {plan.format} needs the package {PACKAGES[plan.format]}: pip install {PACKAGES[plan.format]}")
    root = Path(root)
    positions = _positions(plan)
    recordings = tuple(_recording(plan, positions, subject, run) for subject in range(plan.n_subjects) for run in range(plan.n_runs))
    _write_dataset(root, plan)
    for recording in recordings:
        _write_recording(root, recording, positions)
    return SyntheticDataset(root, plan, recordings)


def _positions(design: Design) -> dict[str, Array]:
    """Channel name -> x, y, z in m, head coordinates (right, front, up), of the channels to record."""
    import mne

    try:
        template = mne.channels.make_standard_montage(design.template)
        names = list(design.ch_names or template.ch_names)
        info = mne.create_info(names, float(design.sfreq), "eeg", verbose="error").set_montage(template, verbose="error")
    except ValueError as error:
        raise ConfigError(f"synthetic dataset: {str(error).splitlines()[0]}") from error
    return {channel["ch_name"]: channel["loc"][:3].astype(float) for channel in info["chs"]}


def _recording(design: Design, positions: Mapping[str, Array], subject: int, run: int) -> SyntheticRecording:
    key = (design.seed, subject, run)
    label, run_label = f"{subject + 1:03d}", str(run + 1)
    front = np.array([position[1] for position in positions.values()])
    back = np.clip(-front / np.abs(front).max(), 0.1, 1)
    return SyntheticRecording(
        path=f"sub-{label}/eeg/sub-{label}_task-{TASK}_run-{run_label}",
        subject=label,
        run=run_label,
        ch_names=tuple(positions),
        events=tuple(_events(design, np.random.default_rng([*key, 0]))),
        tones=tuple(4.0 + 2 * (i % 8) for i in range(len(positions))),
        alphas=tuple(float(a) for a in np.round(ALPHA_AMPLITUDE * back, 6)),
        design=design,
        key=key,
    )


def _events(design: Design, rng: np.random.Generator) -> Iterable[SyntheticEvent]:
    """A row for each block, and two impulses in each, apart from its edges and from each other."""
    size = design.sfreq * design.block_duration
    for block in range(design.n_blocks):
        yield SyntheticEvent("closed" if block % 2 else "open", block * size, size)
        for low, high in ((0.15, 0.4), (0.6, 0.85)):
            yield SyntheticEvent("impulse", block * size + int(rng.integers(int(low * size), int(high * size))), 0)


def _signals(recording: SyntheticRecording) -> Array:
    design = recording.design
    times = np.arange(design.n_times) / design.sfreq
    closed = np.zeros(design.n_times)
    for event in recording.events:
        if event.label == "closed":
            closed[event.sample : event.sample + event.n_times] = 1
    signals = _pink(len(recording.ch_names), design.n_times, np.random.default_rng([*recording.key, 1]))
    signals += np.outer(recording.tones, np.sin(2 * np.pi * TONE * times))
    signals += np.outer(recording.alphas, closed * np.sin(2 * np.pi * ALPHA * times))
    signals[0, [event.sample for event in recording.events if event.label == "impulse"]] += IMPULSE_AREA * design.sfreq
    return signals


def _pink(n_chans: int, n_times: int, rng: np.random.Generator) -> Array:
    """Noise whose power falls as 1 / frequency, without a mean."""
    spectrum = np.fft.rfft(rng.standard_normal((n_chans, n_times)))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 1))
    spectrum[:, 0] = 0
    noise = np.fft.irfft(spectrum, n_times)
    return np.asarray(NOISE * noise / noise.std(-1, keepdims=True), dtype=np.float64)


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
    levels = {"open": "eyes open", "closed": "eyes closed", "impulse": "one sample on the first channel"}
    sidecar = {
        "trial_type": {"Description": "What happens", "Levels": levels, "HED": HED},
        "sample": {"Description": "0-based sample of the onset"},
    }
    rng = np.random.default_rng([design.seed, 2])
    people = [
        (f"sub-{i + 1:03d}", int(rng.integers(18, 80)), "FM"[i % 2], "right" if rng.random() < 0.9 else "left")
        for i in range(design.n_subjects)
    ]
    root.mkdir(parents=True, exist_ok=True)
    (root / "README").write_text("Synthetic EEG of known content, made by bids_dl.testing.\n", encoding="utf-8")
    _write_json(root / "dataset_description.json", description)
    _write_json(root / f"task-{TASK}_events.json", sidecar)
    _write_json(root / "participants.json", {"age": {"Units": "year"}, "sex": {"Levels": {"F": "female", "M": "male"}}, "hand": {}})
    _write_tsv(root / "participants.tsv", ("participant_id", "age", "sex", "hand"), people)


def _write_recording(root: Path, recording: SyntheticRecording, positions: Mapping[str, Array]) -> None:
    design = recording.design
    stem = root / recording.path
    stem.parent.mkdir(parents=True, exist_ok=True)
    _write_signals(Path(f"{stem}_eeg{EXTENSIONS[design.format]}"), recording)
    header = {
        "TaskName": TASK,
        "SamplingFrequency": design.sfreq,
        "PowerLineFrequency": 50,
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
        "EEGChannelCount": len(positions),
        "RecordingType": "continuous",
        "RecordingDuration": design.n_times / design.sfreq,
    }
    _write_json(Path(f"{stem}_eeg.json"), header)
    channels = [(name, "EEG", "µV", design.sfreq, "bad" if name in design.bads else "good") for name in positions]
    _write_tsv(Path(f"{stem}_channels.tsv"), ("name", "type", "units", "sampling_frequency", "status"), channels)
    rows = [
        (f"{e.sample / design.sfreq:.9f}", f"{e.n_times / design.sfreq:g}" if e.n_times else "n/a", e.sample, e.label)
        for e in recording.events
    ]
    _write_tsv(Path(f"{stem}_events.tsv"), ("onset", "duration", "sample", "trial_type"), rows)
    if design.electrodes:
        _write_electrodes(stem.parent / f"sub-{recording.subject}_space-CapTrak", positions)


def _write_electrodes(stem: Path, positions: Mapping[str, Array]) -> None:
    """In CapTrak's coordinates, which are the head coordinates of MNE."""
    rows = [(name, *(f"{value:.6f}" for value in position)) for name, position in positions.items()]
    _write_tsv(Path(f"{stem}_electrodes.tsv"), ("name", "x", "y", "z"), rows)
    _write_json(Path(f"{stem}_coordsystem.json"), {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "m"})


def _write_signals(path: Path, recording: SyntheticRecording) -> None:
    import mne

    info = mne.create_info(list(recording.ch_names), float(recording.design.sfreq), "eeg", verbose="error")
    raw: mne.io.RawArray = mne.io.RawArray(recording.signals() / 1e6, info, verbose="error")
    mne.export.export_raw(path, raw, overwrite=True, verbose="error")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_tsv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
