"""Step `drop`: removal of named channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import find_channel, locate_channels, select_channels
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Context, Names, StepTraits

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Drop:
    """Drop channels by name, as `mne.io.Raw.drop_channels` does.

    Parameters
    ----------
    names
        Names of the channels, in any case.
    missing
        ``"error"``: a recording that lacks one of the channels fails. ``"ignore"``: its other
        channels are dropped.

    Examples
    --------
    In a recipe::

        - drop: {names: [M1, M2], missing: ignore}
    """

    names: Names = Field(min_length=1)
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "drop"
    traits: ClassVar[StepTraits] = StepTraits(keeps_samples=True)

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the remaining channels, of which there must be at least one."""
        dropped = self._dropped(spec)
        kept = [name for name in spec.ch_names if name not in dropped]
        if not kept:
            raise RecordingError("channels", "no channel is left after those to drop")
        return select_channels(spec, kept)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Drop the channels in place, and report their names."""
        dropped = self._dropped(spec)
        raw.drop_channels(dropped)
        flag = share_flag(len(dropped) / spec.n_chans)
        return raw, StepReport(self.name, tuple(dropped), 0.0, flag=flag)

    def _dropped(self, spec: SignalSpec) -> list[str]:
        """Return the channels to drop in the spelling of the recording."""
        if self.missing == "error":
            return locate_channels(self.names, spec)
        return locate_channels([name for name in self.names if find_channel(name, spec)], spec)
