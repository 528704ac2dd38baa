"""Step `demean`: removal of the mean of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import BRAIN_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import channels_of_type
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Context, StepTraits
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Demean:
    """Subtract from each EEG or intracranial channel its mean over the recording.

    It removes the offset of a DC-coupled amplifier, which may be tens of mV: more than a
    band-pass filter attenuates.

    Examples
    --------
    In a recipe, before filters::

        - demean
    """

    name: ClassVar[str] = "demean"
    traits: ClassVar[StepTraits] = StepTraits()

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole recording, over which the mean is computed."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if one of them is EEG or intracranial."""
        if not channels_of_type(spec, *BRAIN_TYPES):
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel; the recording has {join_names(spec.ch_names)}",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Subtract the means, in place."""
        n_changed = 0
        # One channel at a time, so that no second copy of the recording is needed.
        for name in channels_of_type(spec, *BRAIN_TYPES):
            pick = spec.ch_names.index(name)
            signal = raw.get_data(picks=[pick])
            mean = signal.mean()
            raw[[pick]] = signal - mean
            n_changed += int(mean != 0)
        flag = "" if n_changed else share_flag(0.0)
        return raw, StepReport(self.name, share=n_changed / spec.n_chans, flag=flag)
