"""Step `derive`: bipolar derivations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import add_channels, find_channel, locate_channels
from bids_dl.preprocess.positions import electrode_positions
from bids_dl.preprocess.step import Context, StepTraits
from bids_dl.preprocess.steps.dropouts import inherit_dropouts
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

Name: TypeAlias = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class Derive:
    """Add bipolar derivations, the difference of two channels, that a recording lacks.

    The computation is that of `mne.set_bipolar_reference`. New channels follow the existing
    ones, which are kept. They have the type and position of the first channel. A derivation is
    marked bad, or has a dropout, if one of its two channels is or has.

    Parameters
    ----------
    channels
        Name of each derivation, with the names of the measured channel and of its reference.

    Examples
    --------
    In a recipe::

        - derive: {channels: {Fpz-Cz: [Fpz, Cz], Pz-Oz: [Pz, Oz]}}
    """

    channels: dict[Name, tuple[Name, Name]] = Field(min_length=1)

    name: ClassVar[str] = "derive"
    traits: ClassVar[StepTraits] = StepTraits()

    @field_validator("channels")
    @classmethod
    def _check_pairs(cls, channels: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        for name, (measured, reference) in channels.items():
            if measured.casefold() == reference.casefold():
                raise ValueError(f"{name} is a channel against itself")
        return channels

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the channels followed by the new ones. Both channels of a pair have one type."""
        types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
        new_types = {}
        for name, (measured, reference) in self._missing_derivations(spec).items():
            if types[measured] != types[reference]:
                raise RecordingError(
                    self.name,
                    f"{name}: {measured} is of type {types[measured]}, "
                    f"{reference} of type {types[reference]}",
                )
            new_types[name] = types[measured]
        return SignalSpec(
            (*spec.ch_names, *new_types), (*spec.ch_types, *new_types.values()), spec.sfreq
        )

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Append the derivations, and report their names and those that were recorded."""
        pairs = self._missing_derivations(spec)
        recorded = [name for name in self.channels if name not in pairs]
        notes = (f"as recorded: {join_names(recorded)}",) if recorded else ()
        if not pairs:
            return raw, StepReport(self.name, share=0.0, notes=notes)
        types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
        bads = list(raw.info["bads"])
        signals = []
        ch_types = []
        sources = []
        for name, (measured, reference) in pairs.items():
            signals.append(raw.get_data(picks=[measured]) - raw.get_data(picks=[reference]))
            ch_types.append(types[measured])
            sources.append(measured)
            if {measured, reference} & set(raw.info["bads"]):
                bads.append(name)
        positions = electrode_positions(raw.info, sources)
        add_channels(
            raw,
            list(pairs),
            ch_types,
            np.concatenate(signals),
            [positions.get(source) for source in sources],
        )
        raw.info["bads"] = bads
        inherit_dropouts(raw, pairs)
        return raw, StepReport(self.name, tuple(pairs), len(pairs) / len(raw.ch_names), notes)

    def _missing_derivations(self, spec: SignalSpec) -> dict[str, tuple[str, str]]:
        """Return the derivations that a recording lacks, with its own spelling of the channels."""
        pairs = {}
        for name, (measured, reference) in self.channels.items():
            if find_channel(name, spec) is None:
                pairs[name] = (
                    locate_channels([measured], spec)[0],
                    locate_channels([reference], spec)[0],
                )
        return pairs
