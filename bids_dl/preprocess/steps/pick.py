"""Keep some channels, by type and by name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import ChannelType, find, listed, locate, subset
from bids_dl.preprocess.step import Context, Names, listing

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Pick:
    """Keep the channels of some types, then those named; channels marked bad are kept.

    Parameters
    ----------
    types
        Channel types as MNE names them; their channels stay in the order of the recording.
    names
        Channels to keep beside those, in this order; a name that differs in case only is found.
    missing
        ``"error"``: a recording without one of the names fails; ``"ignore"``: it has less to keep.
    """

    types: Annotated[tuple[ChannelType, ...], BeforeValidator(listing)] = ()
    names: Names = ()
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "pick"

    @model_validator(mode="after")
    def _check(self) -> Pick:
        if not self.types and not self.names:
            raise ValueError("give types (such as [eeg]) or names")
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        typed = [
            name
            for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True)
            if ch_type in self.types
        ]
        names = (
            [name for name in self.names if find(name, spec)]
            if self.missing == "ignore"
            else self.names
        )
        kept = typed + [name for name in locate(names, spec) if name not in typed]
        if not kept and not self.types:
            raise RecordingError(
                "channels",
                f"none of {listed(self.names)}; the recording has {listed(spec.ch_names)}",
            )
        if not kept:
            held = ", ".join(
                f"{count} {ch_type}" for ch_type, count in Counter(spec.ch_types).items()
            )
            raise RecordingError(
                "channels",
                f"no channel of type {' or '.join(self.types)}; the recording has {held or 'no channels'}",
            )
        return subset(spec, kept)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        kept = self.output_spec(spec).ch_names
        if kept != spec.ch_names:
            raw.pick(list(kept))
        return raw, StepReport(
            self.name,
            channels=tuple(name for name in spec.ch_names if name not in kept),
            share=0.0,
        )
