"""Bipolar derivations: one channel against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import add, find, listed, locate
from bids_dl.preprocess.step import Context
from bids_dl.preprocess.steps.dropouts import inherit

if TYPE_CHECKING:
    import mne

Name: TypeAlias = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class Derive:
    """Subtract one channel from another, as `mne.set_bipolar_reference` does, where a recording does not have the derivation already.

    The new channels come after the others, which stay; their type and position are those of the first channel. Where one of the two is
    marked bad, or has a dropout, the derivation has it too.

    Parameters
    ----------
    channels
        New name to the channel measured and the one it is measured against: ``{Fpz-Cz: [Fpz, Cz]}``.
    """

    channels: dict[Name, tuple[Name, Name]] = Field(min_length=1)

    name: ClassVar[str] = "derive"

    @field_validator("channels")
    @classmethod
    def _two(cls, channels: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        if same := [
            name for name, (one, other) in channels.items() if one.casefold() == other.casefold()
        ]:
            raise ValueError(f"{same[0]} is a channel against itself")
        return channels

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
        made = {}
        for name, (one, other) in self._made(spec).items():
            if types[one] != types[other]:
                raise RecordingError(
                    self.name,
                    f"{name}: {one} is of type {types[one]}, {other} of type {types[other]}",
                )
            made[name] = types[one]
        return SignalSpec((*spec.ch_names, *made), (*spec.ch_types, *made.values()), spec.sfreq)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        made, types = self._made(spec), dict(zip(spec.ch_names, spec.ch_types, strict=True))
        held = [name for name in self.channels if name not in made]
        notes = (f"as recorded: {listed(held)}",) if held else ()
        if not made:
            return raw, StepReport(self.name, share=0.0, notes=notes)
        places = positions.held(raw.info, [one for one, _ in made.values()])
        signals = np.concatenate(
            [
                raw.get_data(picks=[one]) - raw.get_data(picks=[other])
                for one, other in made.values()
            ]
        )
        add(
            raw,
            list(made),
            [types[one] for one, _ in made.values()],
            signals,
            [places.get(one) for one, _ in made.values()],
        )
        bads = set(raw.info["bads"])
        raw.info["bads"] = [
            *raw.info["bads"],
            *(name for name, pair in made.items() if bads & set(pair)),
        ]
        inherit(raw, made)
        return raw, StepReport(self.name, tuple(made), len(made) / len(raw.ch_names), notes)

    def _made(self, spec: SignalSpec) -> dict[str, tuple[str, str]]:
        """The derivations that a recording lacks, and its own spelling of the channels they are made of."""
        wanted = {name: pair for name, pair in self.channels.items() if find(name, spec) is None}
        return {
            name: (locate([one], spec)[0], locate([other], spec)[0])
            for name, (one, other) in wanted.items()
        }
