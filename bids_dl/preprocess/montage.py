"""Positions of electrodes: from a template, or as the dataset measured them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import field_validator
from pydantic.dataclasses import dataclass

from bids_dl.config import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.step import Need

if TYPE_CHECKING:
    import mne

ELECTRODES = "electrodes"

RENAMED = {f"standard_{kind}": f"colin27_{kind}" for kind in ("1005", "1020", "alphabetic", "postfixed", "prefixed", "primed")}
"""Names of MNE's templates before release 1.13, and since; either may be used with either release."""

TEMPLATES = (
    *RENAMED,
    *RENAMED.values(),
    *("biosemi16", "biosemi32", "biosemi64", "biosemi128", "biosemi160", "biosemi256", "brainproducts-RNP-BA-128"),
    *("easycap-M1", "easycap-M10", "easycap-M43", "EGI_256", "mgh60", "mgh70"),
    *(
        "GSN-HydroCel-32",
        "GSN-HydroCel-64_1.0",
        "GSN-HydroCel-65_1.0",
        "GSN-HydroCel-128",
        "GSN-HydroCel-129",
        "GSN-HydroCel-256",
        "GSN-HydroCel-257",
    ),
)


@dataclass(frozen=True, config=STRICT)
class Montage:
    """Set positions by name, whatever the case of names; samples stay.

    Parameters
    ----------
    positions
        Name of an MNE template (``standard_1005``, ``GSN-HydroCel-129``), or ``"electrodes"``: as electrodes.tsv gave them.
    missing
        ``"error"``: a recording with an EEG or intracranial channel that gets no position fails; ``"ignore"``: it goes on.
    """

    positions: str
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "montage"

    @field_validator("positions")
    @classmethod
    def _known(cls, positions: str) -> str:
        if positions not in (ELECTRODES, *TEMPLATES):
            raise ValueError(f"no template of this name; there are {ELECTRODES} and {', '.join(TEMPLATES)}")
        return positions

    def needs(self, layout: Layout) -> Need:  # noqa: ARG002
        return Need("samples")

    def layout(self, layout: Layout) -> Layout:
        return layout

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        if self.positions != ELECTRODES:
            raw.set_montage(_template(self.positions), match_case=False, on_missing="ignore")
        placed = {channel["ch_name"] for channel in raw.info["chs"] if np.isfinite(channel["loc"][:3]).all() and channel["loc"][:3].any()}
        wanted = [name for name, ch_type in zip(layout.ch_names, layout.ch_types, strict=True) if ch_type in FILTERED_TYPES]
        lost = [name for name in wanted if name not in placed]
        if lost and self.missing == "error":
            raise RecordingError(self.name, f"no position for {listed(lost)} in {self.positions}; missing: ignore goes on without")
        notes = (f"no position: {listed(lost)}",) if lost else ()
        return raw, StepReport(self.name, channels=tuple(name for name in wanted if name in placed), share=0.0, notes=notes)


def _template(name: str) -> mne.channels.DigMontage:
    import mne

    other = {**RENAMED, **{new: old for old, new in RENAMED.items()}}
    known = mne.channels.get_builtin_montages()
    return mne.channels.make_standard_montage(name if name in known else other.get(name, name))
