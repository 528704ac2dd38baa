"""Step `harmonise`: the same channels for all recordings.

The channels are decided when a conversion is planned, from the headers of all recordings, so
that they do not depend on which recordings are converted successfully.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.preprocess.channels import locate_channels, select_channels
from bids_dl.preprocess.step import Context, Names, StepTraits

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Harmonise:
    """Keep the same channels of all recordings, in one order and one spelling.

    Parameters
    ----------
    channels
        ``"common"``: the channels that all recordings have, in the order of the first recording
        and in the most frequent spelling. ``"refuse"``: nothing is converted if the channels of
        the recordings differ. Names: exactly these channels in this order; a recording that
        lacks one of them fails. The plan of a conversion replaces the first two by names (see
        `bids_dl.preprocess.resolve`).

    Examples
    --------
    In a recipe::

        - harmonise: {channels: [C3, Cz, C4]}
    """

    channels: Literal["common", "refuse"] | Names = "common"

    name: ClassVar[str] = "harmonise"
    traits: ClassVar[StepTraits] = StepTraits(keeps_samples=True)

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the channels of the step, which the recording must have."""
        if isinstance(self.channels, str):
            return spec
        kept = select_channels(spec, locate_channels(self.channels, spec))
        return replace(kept, ch_names=self.channels)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Reorder and rename the channels in place, and report those that were dropped."""
        if isinstance(self.channels, str):
            return raw, StepReport(self.name, share=0.0)
        kept = locate_channels(self.channels, spec)
        raw.reorder_channels(kept)
        spellings = zip(kept, self.channels, strict=True)
        raw.rename_channels({old: new for old, new in spellings if old != new})
        dropped = tuple(name for name in spec.ch_names if name not in kept)
        return raw, StepReport(self.name, channels=dropped, share=0.0)
