"""Parameters of a synthetic dataset and their validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.config.validation import explain
from bids_dl.errors import ConfigError
from bids_dl.testing.effects import PlantedEffect
from bids_dl.testing.sleep import EPOCH_SECONDS

COMPANION_EXTENSIONS = {"brainvision": (".eeg", ".vmrk"), "eeglab-fdt": (".fdt",)}
"""Format -> extensions of the files that its signal file is read with."""

SHARED_PARAMETERS = (
    *("n_subjects", "n_sessions", "n_runs"),
    *("events", "effect", "variants", "seed"),
)
"""Parameters that all recordings of a dataset share."""

TASKS = {"eyes": "rest", "hbn": "RestingState", "sleep": "sleep", "night": "sleep"}
"""Events -> task label."""

SLEEP_EVENTS = ("sleep", "night")
"""Events whose blocks are sleep stages."""

PositiveSeconds: TypeAlias = Annotated[float, Field(gt=0)]
DropoutInterval: TypeAlias = tuple[Annotated[float, Field(ge=0)], PositiveSeconds]


@dataclass(frozen=True, config=STRICT)
class Design:
    """Content of a synthetic dataset.

    Parameters
    ----------
    n_subjects
        Number of subjects.
    n_sessions
        Sessions of each subject. With 0, paths do not have a session entity.
    n_runs
        Runs of each session.
    sfreq
        Sampling rate in Hz, an integer.
    events
        ``"eyes"``: a row for each block and two impulses in each. ``"hbn"``: the resting task of
        the Healthy Brain Network, prompts to open the eyes (for 20 s, six times) and to close
        them (for 40 s, five times) after a random start, without durations. ``"sleep"``: a row for
        each block, which is a sleep stage with its own rhythm (`bids_dl.testing.sleep`).
        ``"night"``: the same, but a stage follows from the one before as in a night, so that stages
        are unequally frequent, and a quarter of the epochs of 30 s have no rhythm.
    n_blocks, block_duration
        Number of blocks in a recording, eyes open first, and their duration in s; not with the
        events ``"hbn"``. Blocks of sleep and of nights last a multiple of 30 s.
    template, ch_names
        MNE template of the electrode positions, and the channels to record. Without names, all
        channels of the template are recorded.
    bads
        Channels with the status bad in channels.tsv.
    electrodes
        True to write electrodes.tsv.
    format
        Format of the signal files. ``"eeglab"`` has its samples inside the .set file,
        ``"eeglab-fdt"`` in a .fdt file.
    boundaries
        Times in s of boundaries, written as annotations ``boundary``.
    dropouts
        Onset and duration in s of intervals in which all channels are zero.
    broken
        Damage of the signal files after writing: ``"truncated"`` (the last 40 % of the bytes are
        missing), ``"empty"``, ``"companion"`` (the companion files are missing), ``"pointer"`` (a
        git-annex pointer in place of the file), ``"link"`` (a broken link).
    effect
        Effect planted in all recordings, in place of tones, alpha and impulses; only with the
        events ``"eyes"``. participants.tsv has the sex or the age that the log power depends on.
        With shares, events.tsv has a row for each window of the effect, with its votes.
    variants
        Parameters that differ from these, for each subject in turn:
        ``[{}, {"sfreq": 250}, {"template": "GSN-HydroCel-129", "ch_names": []}]``.
    seed
        Seed of all random numbers.
    """

    n_subjects: int = Field(default=3, ge=1)
    n_sessions: int = Field(default=0, ge=0)
    n_runs: int = Field(default=1, ge=1)
    sfreq: int = Field(default=160, ge=64)
    events: Literal["eyes", "hbn", "sleep", "night"] = "eyes"
    n_blocks: int = Field(default=4, ge=1)
    block_duration: int = Field(default=10, ge=4)
    template: str = "easycap-M1"
    ch_names: tuple[str, ...] = ("Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "O2")
    bads: tuple[str, ...] = ()
    electrodes: bool = True
    format: Literal["edf", "bdf", "brainvision", "eeglab", "eeglab-fdt"] = "edf"
    boundaries: tuple[PositiveSeconds, ...] = ()
    dropouts: tuple[DropoutInterval, ...] = ()
    broken: Literal["truncated", "empty", "companion", "pointer", "link"] | None = None
    effect: PlantedEffect | None = None
    variants: tuple[Mapping[str, Any], ...] = ()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Design:
        """Refuse parameters that contradict each other."""
        unknown = set(self.bads) - set(self.ch_names)
        if unknown and self.ch_names:
            raise ValueError(f"bads {sorted(unknown)} are not among the channels")
        if self.events == "hbn" and (self.n_blocks, self.block_duration) != (4, 10):
            raise ValueError(
                "n_blocks and block_duration apply to the events eyes, sleep and night only; "
                "the hbn task has eleven blocks of fixed duration"
            )
        if self.events in SLEEP_EVENTS and self.block_duration % EPOCH_SECONDS:
            raise ValueError(
                f"block_duration: sleep is scored in epochs of {EPOCH_SECONDS} s, "
                f"got {self.block_duration} s; use a multiple"
            )
        if self.broken == "companion" and self.format not in COMPANION_EXTENSIONS:
            raise ValueError(
                f"broken companion: {self.format} is a single file; "
                f"use {' or '.join(COMPANION_EXTENSIONS)}"
            )
        if self.boundaries and self.format == "brainvision":
            raise ValueError(
                "boundaries: brainvision files do not have such annotations; use edf, bdf or eeglab"
            )
        if self.effect is not None:
            self._check_effect(self.effect)
        for variant in self.variants:
            shared = [name for name in variant if name in SHARED_PARAMETERS]
            if shared:
                raise ValueError(f"{shared[0]} cannot differ between subjects")
        return self

    def _check_effect(self, effect: PlantedEffect) -> None:
        """Refuse an effect that the recordings cannot have."""
        if self.events != "eyes":
            raise ValueError(f"effect: needs the events eyes, got {self.events}")
        if effect.band[1] > self.sfreq / 2:
            raise ValueError(
                f"effect: the band ends at {effect.band[1]:g} Hz, above half the rate of "
                f"{self.sfreq} Hz"
            )
        n_times = effect.window * self.sfreq
        n_windows = self.block_duration / effect.window
        if not (n_times.is_integer() and n_windows.is_integer()):
            raise ValueError(
                f"effect: windows of {effect.window:g} s do not tile blocks of "
                f"{self.block_duration} s at {self.sfreq} Hz"
            )
        unknown = sorted(set(effect.electrodes) - set(self.ch_names))
        if unknown and self.ch_names:
            raise ValueError(f"effect: electrodes {unknown} are not among the channels")

    @property
    def task(self) -> str:
        """Task label of the recordings."""
        return TASKS[self.events]

    def for_subject(self, subject: int) -> Design:
        """Return the design of the recordings of one subject, counted from 0."""
        variant: Mapping[str, Any] = {}
        if self.variants:
            variant = self.variants[subject % len(self.variants)]
        parameters = {field.name: getattr(self, field.name) for field in fields(self)}
        return make_design({**parameters, "variants": (), **variant})


def make_design(parameters: Mapping[str, Any]) -> Design:
    """Validate the parameters of a design.

    Raises
    ------
    ConfigError
        A parameter is unknown or out of range. The message is one line.
    """
    try:
        return Design(**parameters)
    except ValidationError as error:
        raise ConfigError(f"synthetic dataset: {explain(error, as_flag=False)}") from error
