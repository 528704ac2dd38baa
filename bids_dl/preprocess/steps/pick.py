"""Step `pick`: selection of channels by type and name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import (
    ChannelType,
    channels_of_type,
    find_channel,
    locate_channels,
    select_channels,
)
from bids_dl.preprocess.step import Context, Names, StepTraits, as_tuple
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Pick:
    """Keep the channels of some types, followed by named channels.

    Channels that are marked bad are kept too.

    Parameters
    ----------
    types
        Channel types as MNE names them. Their channels stay in the order of the recording.
    names
        Names of further channels in order, in any case.
    missing
        ``"error"``: a recording that lacks one of the names fails. ``"ignore"``: its other
        channels are kept.

    Examples
    --------
    In a recipe::

        - pick: {types: [eeg], names: [EOG1], missing: ignore}
    """

    types: Annotated[tuple[ChannelType, ...], BeforeValidator(as_tuple)] = ()
    names: Names = ()
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "pick"
    traits: ClassVar[StepTraits] = StepTraits(keeps_samples=True)

    @model_validator(mode="after")
    def _check(self) -> Pick:
        if not self.types and not self.names:
            raise ValueError("give types (such as [eeg]) or names")
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the channels to keep, of which there must be at least one."""
        kept = channels_of_type(spec, *self.types)
        names = self.names
        if self.missing == "ignore":
            names = tuple(name for name in names if find_channel(name, spec))
        for name in locate_channels(names, spec):
            if name not in kept:
                kept.append(name)
        if not kept and not self.types:
            raise RecordingError(
                "channels",
                f"none of {join_names(self.names)}; the recording has {join_names(spec.ch_names)}",
            )
        if not kept:
            counts = Counter(spec.ch_types).items()
            existing = ", ".join(f"{count} {ch_type}" for ch_type, count in counts)
            intracranial = [name for name in ("ecog", "seeg", "dbs") if name in spec.ch_types]
            hint = f'; keep them with --set "pick.types=[{", ".join(intracranial)}]"'
            raise RecordingError(
                "channels",
                f"no channel of type {' or '.join(self.types)}; the recording has "
                f"{existing or 'no channels'}{hint if intracranial else ''}",
            )
        return select_channels(spec, kept)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Keep the channels in place, and report those that were dropped."""
        kept = self.output_spec(spec).ch_names
        if kept != spec.ch_names:
            raw.pick(list(kept))
        dropped = tuple(name for name in spec.ch_names if name not in kept)
        return raw, StepReport(self.name, channels=dropped, share=0.0)
