"""Leave out named channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import find, locate, subset
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Context, Names

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Drop:
    """Leave out channels by name.

    Parameters
    ----------
    names
        Channels to leave out; a name that differs in case only is found.
    missing
        ``"error"``: a recording without one of them fails; ``"ignore"``: it has less to leave out.
    """

    names: Names = Field(min_length=1)
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "drop"

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        dropped = self._dropped(spec)
        kept = [name for name in spec.ch_names if name not in dropped]
        if not kept:
            raise RecordingError("channels", "no channel is left after those to drop")
        return subset(spec, kept)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        dropped = self._dropped(spec)
        raw.drop_channels(dropped)
        return raw, StepReport(
            self.name, tuple(dropped), 0.0, share_flag(len(dropped) / spec.n_chans, "channels")
        )

    def _dropped(self, spec: SignalSpec) -> list[str]:
        names = (
            [name for name in self.names if find(name, spec)]
            if self.missing == "ignore"
            else self.names
        )
        return locate(names, spec)
