"""Leave out named channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import find, locate, subset
from bids_dl.preprocess.notes import flagged
from bids_dl.preprocess.step import Names, Need

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

    def needs(self, layout: Layout) -> Need:  # noqa: ARG002
        return Need("samples")

    def layout(self, layout: Layout) -> Layout:
        dropped = self._dropped(layout)
        kept = [name for name in layout.ch_names if name not in dropped]
        if not kept:
            raise RecordingError("channels", "no channel is left after those to drop")
        return subset(layout, kept)

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        dropped = self._dropped(layout)
        raw.drop_channels(dropped)
        return raw, StepReport(
            self.name, tuple(dropped), 0.0, flagged(len(dropped) / layout.n_chans, "channels")
        )

    def _dropped(self, layout: Layout) -> list[str]:
        names = (
            [name for name in self.names if find(name, layout)]
            if self.missing == "ignore"
            else self.names
        )
        return locate(names, layout)
