"""What a synthetic dataset is to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.errors import ConfigError

COMPANIONS = {"brainvision": (".eeg", ".vmrk"), "eeglab-fdt": (".fdt",)}
"""Files that a signal file of a format is read with."""

OF_ALL = ("n_subjects", "n_sessions", "n_runs", "events", "variants", "seed")
"""Parameters that are the same for all recordings of a dataset."""

Stretch = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(gt=0)]]


@dataclass(frozen=True, config=STRICT)
class Design:
    """What a synthetic dataset holds.

    Parameters
    ----------
    n_sessions
        Sessions of each subject; 0: no session entity.
    sfreq
        Rate in Hz; a second must hold a whole number of samples.
    events
        ``"eyes"``: a row for each block and two impulses in each. ``"hbn"``: the resting task of the Healthy Brain Network, prompts
        to open the eyes (for 20 s, six times) and to close them (for 40 s, five times) after a varying start, without durations.
    n_blocks, block_duration
        Blocks of a recording, eyes open first, and their length in s; of ``"eyes"`` only.
    template, ch_names
        MNE template of the electrodes, and the channels to record; none means all of the template.
    bads
        Channels that channels.tsv marks bad.
    electrodes
        Whether electrodes.tsv is written.
    format
        Of the signal files. ``"eeglab"`` holds its samples in the .set file, ``"eeglab-fdt"`` beside it.
    boundaries
        Times in s where the file says that the signal is not continuous (an annotation ``boundary``).
    dropouts
        Onset and duration in s of stretches that are zero on all channels.
    broken
        How the signal files are broken after writing: ``"truncated"`` (the last 40 % of the bytes are missing), ``"empty"``,
        ``"companion"`` (the files beside it are missing), ``"pointer"`` (a git-annex pointer in its place), ``"link"`` (a link to nowhere).
    variants
        In turn for each subject, parameters that differ from these:
        ``[{}, {"sfreq": 250}, {"template": "GSN-HydroCel-129", "ch_names": []}]``.
    """

    n_subjects: int = Field(default=3, ge=1)
    n_sessions: int = Field(default=0, ge=0)
    n_runs: int = Field(default=1, ge=1)
    sfreq: int = Field(default=160, ge=64)
    events: Literal["eyes", "hbn"] = "eyes"
    n_blocks: int = Field(default=4, ge=1)
    block_duration: int = Field(default=10, ge=4)
    template: str = "easycap-M1"
    ch_names: tuple[str, ...] = ("Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "O2")
    bads: tuple[str, ...] = ()
    electrodes: bool = True
    format: Literal["edf", "bdf", "brainvision", "eeglab", "eeglab-fdt"] = "edf"
    boundaries: tuple[Annotated[float, Field(gt=0)], ...] = ()
    dropouts: tuple[Stretch, ...] = ()
    broken: Literal["truncated", "empty", "companion", "pointer", "link"] | None = None
    variants: tuple[Mapping[str, Any], ...] = ()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Design:
        if unknown := set(self.bads) - set(self.ch_names) if self.ch_names else set():
            raise ValueError(f"bads {sorted(unknown)} are not among the channels")
        if self.events == "hbn" and (self.n_blocks, self.block_duration) != (4, 10):
            raise ValueError(
                "n_blocks and block_duration are those of events eyes; the hbn task has eleven blocks of its own"
            )
        if self.broken == "companion" and self.format not in COMPANIONS:
            raise ValueError(
                f"broken companion: {self.format} is one file; {' and '.join(COMPANIONS)} have more"
            )
        if self.boundaries and self.format == "brainvision":
            raise ValueError(
                "boundaries: brainvision files have no such annotation; edf, bdf and eeglab have"
            )
        if fixed := [name for variant in self.variants for name in variant if name in OF_ALL]:
            raise ValueError(f"{fixed[0]} cannot differ between subjects")
        return self

    @property
    def task(self) -> str:
        return "RestingState" if self.events == "hbn" else "rest"

    def of(self, subject: int) -> Design:
        """The design of one subject's recordings."""
        variant = self.variants[subject % len(self.variants)] if self.variants else {}
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return design_of({**own, "variants": (), **variant})


def design_of(parameters: Mapping[str, Any]) -> Design:
    """The design, or a `ConfigError` of one line."""
    try:
        return Design(**parameters)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(
            f"synthetic dataset: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
