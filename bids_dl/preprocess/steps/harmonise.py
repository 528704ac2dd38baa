"""The same channels for recordings that differ: chosen by the plan from the headers of all, never by what happens to succeed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.preprocess.channels import locate, subset
from bids_dl.preprocess.step import Context, Names

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Harmonise:
    """Keep the same channels of every recording, in one order and one spelling.

    Parameters
    ----------
    channels
        ``"common"``: those that all recordings have, in the order of the first recording, in the spelling of most; ``"refuse"``: if
        channels of recordings differ, none is converted; or names: exactly these, in this order, and a recording without one of them
        fails. When a plan is made, `resolve` puts names in the place of the first two.
    """

    channels: Literal["common", "refuse"] | Names = "common"

    name: ClassVar[str] = "harmonise"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        if isinstance(self.channels, str):
            return spec
        return replace(subset(spec, locate(self.channels, spec)), ch_names=self.channels)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        if isinstance(self.channels, str):
            return raw, StepReport(self.name, share=0.0)
        own = locate(self.channels, spec)
        raw.reorder_channels(own)
        raw.rename_channels(
            {name: new for name, new in zip(own, self.channels, strict=True) if name != new}
        )
        return raw, StepReport(
            self.name,
            channels=tuple(name for name in spec.ch_names if name not in own),
            share=0.0,
        )
