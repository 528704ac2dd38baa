"""Give channels other names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import find, listed, locate
from bids_dl.preprocess.step import Need

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Rename:
    """Rename channels; types, order and samples stay.

    Parameters
    ----------
    names
        Old name to new name; an old name that differs in case only is found.
    missing
        ``"error"``: a recording without one of the old names fails; ``"ignore"``: it has less to rename.
    """

    names: dict[str, str] = Field(min_length=1)
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "rename"

    def needs(self, layout: Layout) -> Need:  # noqa: ARG002
        return Need("samples")

    def layout(self, layout: Layout) -> Layout:
        mapping = self._mapping(layout)
        renamed = tuple(mapping.get(name, name) for name in layout.ch_names)
        if twice := [name for name, count in Counter(renamed).items() if count > 1]:
            raise RecordingError(self.name, f"two channels would be named {listed(twice)}")
        return replace(layout, ch_names=renamed)

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        mapping = self._mapping(layout)
        raw.rename_channels(mapping)
        return raw, StepReport(self.name, channels=tuple(mapping.values()), share=0.0)

    def _mapping(self, layout: Layout) -> dict[str, str]:
        old = [name for name in self.names if find(name, layout)] if self.missing == "ignore" else list(self.names)
        return {own: self.names[name] for name, own in zip(old, locate(old, layout), strict=True) if own != self.names[name]}
