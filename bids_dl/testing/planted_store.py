"""Finished stores with a planted effect, written in seconds without a BIDS dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT, StoreConfig
from bids_dl.config.validation import explain
from bids_dl.errors import ConfigError
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import ARRAYS, SIGNALS, Column, make_column
from bids_dl.testing.effects import PlantedEffect
from bids_dl.testing.planting import draw_log_power, draw_person, draw_votes, plant_signals

DATASET = "planted"
TASK = "rest"
BLOCK_LABELS = ("open", "closed")  # as in a dataset that `make_dataset` writes
SPLIT_STREAM = 10**6 + 5  # beside the streams of `bids_dl.testing.planting`


@dataclass(frozen=True, config=STRICT)
class PlantedPopulation:
    """Persons, windows and channels of a store with a planted effect.

    Parameters
    ----------
    n_persons
        Number of persons, each with one recording.
    n_windows
        Windows of each person.
    n_blocks
        Blocks of each recording, whose labels ``open`` and ``closed`` alternate.
    sfreq
        Sampling rate in Hz.
    ch_names
        Names of the channels.
    test, validation
        Fractions of the persons in these splits: the last persons, and those before them.
    split_windows
        True to store each window as a recording of a person of its own, and to draw its split.
        This is the mistake of a split by windows: a system that tells persons apart can exceed
        the bounds of the effect.
    seed
        Seed of all random numbers.
    """

    n_persons: int = Field(default=100, ge=1)
    n_windows: int = Field(default=40, ge=1)
    n_blocks: int = Field(default=1, ge=1)
    sfreq: float = Field(default=128.0, gt=0)
    ch_names: tuple[str, ...] = ("F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
    test: float = Field(default=0.5, ge=0, le=1)
    validation: float = Field(default=0.0, ge=0, le=1)
    split_windows: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> PlantedPopulation:
        """Refuse parameters that contradict each other."""
        if self.test + self.validation > 1:
            raise ValueError("test and validation: their sum is greater than 1")
        if not self.ch_names or len(set(self.ch_names)) < len(self.ch_names):
            raise ValueError(f"ch_names: use one or more different names, got {self.ch_names}")
        if self.n_blocks > self.n_windows:
            raise ValueError(
                f"n_blocks: {self.n_blocks} blocks need as many windows, got {self.n_windows}"
            )
        return self


@dataclass(frozen=True, config={**STRICT, "arbitrary_types_allowed": True})
class PlantedStore:
    """Content of a store that `plant_store` wrote.

    Attributes
    ----------
    url
        Path of the store.
    table
        One row per window: the columns of the store.
    log_power
        (n_windows,): log power of the planted component of each window.
    """

    url: str
    effect: PlantedEffect
    population: PlantedPopulation
    table: pd.DataFrame
    log_power: NDArray[np.float64]


def plant_store(path: str | Path, effect: PlantedEffect, **population: Any) -> PlantedStore:
    """Write a finished store whose signals depend on a target by a known effect.

    Columns ``sex`` and ``age`` are those of participants.tsv, and the effect's columns hold the
    votes of a window if its kind is shares. If the unit of the class is the block, the class is
    ``label``.

    Parameters
    ----------
    path
        Folder of the store; it must not exist or be empty.
    effect
        Effect to plant.
    **population
        Any parameter of `PlantedPopulation`, such as ``n_persons=500``. Equal parameters write
        equal arrays.

    Returns
    -------
    PlantedStore
        Path, window table and log power of the windows.

    Raises
    ------
    ConfigError
        A parameter is unknown, out of range, or does not fit the effect. Nothing was written.
    StoreError
        The folder holds something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> effect = PlantedEffect(d=2, electrodes=("O1", "O2"))
    >>> with TemporaryDirectory() as folder:
    ...     store = plant_store(folder, effect, n_persons=4, n_windows=5)
    >>> store.log_power.shape
    (20,)
    >>> store.table.groupby("split")["sex"].value_counts().to_dict()
    {('test', 'F'): 5, ('test', 'M'): 5, ('train', 'F'): 5, ('train', 'M'): 5}
    """
    people = _make_population(population, effect)
    log_powers = [_draw_recording(effect, people, person) for person in range(people.n_persons)]
    table = _build_table(effect, people, log_powers)
    log_power = np.concatenate(log_powers)
    n_times = round(effect.window * people.sfreq)
    shape = (len(table), len(people.ch_names), n_times)
    moments: list[NDArray[np.float64]] = []
    batches = _iterate_windows(effect, people, log_powers, moments)
    store = writer.StoreWriter.create(Location(str(path)), DATASET)
    writer.write_signals(store, shape, batches, StoreConfig(), on_progress=lambda _: None)
    columns = [*_channel_columns(people, n_times), *_window_columns(table)]
    columns += _recording_columns(people, np.concatenate(moments))
    writer.write_columns(store, columns)
    classes = list(dict.fromkeys(table["label"]))
    attributes = {"sfreq": people.sfreq, "classes": {"label": classes}}
    writer.finish(store, attributes, [SIGNALS, *(column.name for column in columns)], {})
    return PlantedStore(str(path), effect, people, table, log_power)


def _make_population(parameters: dict[str, Any], effect: PlantedEffect) -> PlantedPopulation:
    """Validate the parameters of a population."""
    try:
        people = PlantedPopulation(**parameters)
    except ValidationError as error:
        raise ConfigError(f"planted store: {explain(error, as_flag=False)}") from error
    if effect.band[1] > people.sfreq / 2:
        raise ConfigError(
            f"planted store: the band ends at {effect.band[1]:g} Hz, above half the rate of "
            f"{people.sfreq:g} Hz"
        )
    if not (effect.window * people.sfreq).is_integer():
        raise ConfigError(
            f"planted store: a window of {effect.window:g} s is not a whole number of samples at "
            f"{people.sfreq:g} Hz"
        )
    unknown = sorted(set(effect.electrodes) - set(people.ch_names))
    if unknown:
        raise ConfigError(f"planted store: electrodes {unknown} are not among the channels")
    return people


def _block_of_windows(people: PlantedPopulation) -> NDArray[np.int64]:
    """Return the block (n_windows,) of the windows of a recording, counted from 0."""
    return np.arange(people.n_windows) * people.n_blocks // people.n_windows


def _draw_recording(
    effect: PlantedEffect, people: PlantedPopulation, person: int
) -> NDArray[np.float64]:
    """Draw the log power (n_windows,) of the recording of a person."""
    level = draw_person(effect, people.seed, person)
    return draw_log_power(effect, level, _block_of_windows(people), (people.seed, person, 0))


def _build_table(
    effect: PlantedEffect, people: PlantedPopulation, log_powers: list[NDArray[np.float64]]
) -> pd.DataFrame:
    """Build the window table, recording by recording."""
    blocks = _block_of_windows(people)
    tables = []
    for person, log_power in enumerate(log_powers):
        drawn = draw_person(effect, people.seed, person)
        subject = f"{person + 1:04}"
        onsets = np.arange(people.n_windows) * effect.window
        values: dict[str, Any] = {
            "label": np.array(BLOCK_LABELS, dtype=object)[blocks % len(BLOCK_LABELS)],
            "dataset": DATASET,
            "subject": subject,
            "session": "",
            "task": TASK,
            "run": "",
            "recording": f"sub-{subject}/eeg/sub-{subject}_task-{TASK}",
            "split": _split_of(people, person),
            "onset": onsets,
            "event_onset": onsets[np.searchsorted(blocks, blocks)],
            "row": blocks,
            "block": person * people.n_blocks + blocks,
            "sex": drawn.sex,
            "age": drawn.age,
        }
        if effect.kind == "shares":
            # each window is an event with votes of its own
            values.update(event_onset=onsets, row=np.arange(people.n_windows))
            values["block"] = person * people.n_windows + np.arange(people.n_windows)
            votes = draw_votes(effect, log_power, (people.seed, person, 0)).astype(float)
            values.update(zip(effect.columns, votes.T, strict=True))
        tables.append(pd.DataFrame(values))
    table = pd.concat(tables, ignore_index=True)
    return _split_by_windows(table, people) if people.split_windows else table


def _split_of(people: PlantedPopulation, person: int) -> str:
    """Return the split of a person, counted from 0."""
    n_test = round(people.test * people.n_persons)
    n_validation = round(people.validation * people.n_persons)
    if person >= people.n_persons - n_test:
        return "test"
    return "validation" if person >= people.n_persons - n_test - n_validation else "train"


def _split_by_windows(table: pd.DataFrame, people: PlantedPopulation) -> pd.DataFrame:
    """Make each window a recording of its own person, in a split that is drawn."""
    n_windows = len(table)
    subjects = [f"{window + 1:06}" for window in range(n_windows)]
    of_windows = PlantedPopulation(
        n_persons=n_windows, test=people.test, validation=people.validation
    )
    splits = np.array([_split_of(of_windows, window) for window in range(n_windows)], dtype=object)
    rng = np.random.default_rng([people.seed, SPLIT_STREAM])
    changed: dict[str, Any] = {
        "subject": subjects,
        "recording": [f"sub-{name}/eeg/sub-{name}_task-{TASK}" for name in subjects],
        "split": rng.permutation(splits),
        "onset": 0.0,
        "event_onset": 0.0,
        "row": 0,
        "block": np.arange(n_windows),
    }
    for name, values in changed.items():
        table[name] = values
    return table


def _iterate_windows(
    effect: PlantedEffect,
    people: PlantedPopulation,
    log_powers: list[NDArray[np.float64]],
    moments: list[NDArray[np.float64]],
) -> Iterator[NDArray[np.float32]]:
    """Yield the windows (n_windows, n_chans, n_times) of each person in µV.

    The means of samples and of their squares (n_windows, 2, n_chans) are appended to ``moments``.
    """
    shape = (len(people.ch_names), people.n_windows, -1)
    for person, log_power in enumerate(log_powers):
        key = (people.seed, person, 0)
        channels = list(plant_signals(effect, log_power, people.ch_names, people.sfreq, key))
        windows = np.reshape(channels, shape).swapaxes(0, 1).astype(np.float32)
        precise = windows.astype(np.float64)
        moments.append(np.stack([precise.mean(-1), np.square(precise).mean(-1)], axis=1))
        yield windows


def _channel_columns(people: PlantedPopulation, n_times: int) -> Iterator[Column]:
    """Yield names and types of the channels, and the times of the samples of a window."""
    yield make_column("channel", writer.text_array(people.ch_names))
    yield make_column("channel_type", writer.text_array(["eeg"] * len(people.ch_names)))
    yield make_column("time", np.arange(n_times) / people.sfreq)


def _window_columns(table: pd.DataFrame) -> Iterator[Column]:
    """Yield the columns of the window table."""
    for name, values in table.items():
        array = values.to_numpy()
        name = str(name)
        yield make_column(name, array) if name in ARRAYS else Column(name, array)


def _recording_columns(people: PlantedPopulation, moments: NDArray[np.float64]) -> Iterator[Column]:
    """Yield the statistics of each recording.

    Parameters
    ----------
    moments
        (n_windows, 2, n_chans): mean and mean square of the samples of each window.
    """
    per_recording = 1 if people.split_windows else people.n_windows
    mean, square = moments.reshape(-1, per_recording, *moments.shape[1:]).mean(1).swapaxes(0, 1)
    yield make_column("recording_mean", mean)
    yield make_column("recording_std", np.sqrt(square - mean**2))
    yield make_column("recording_windows", np.full(len(mean), per_recording, dtype=np.int64))
