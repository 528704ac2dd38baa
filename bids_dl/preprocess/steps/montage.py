"""Positions of electrodes: as the dataset measured them, or from a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import hydrocel, positions
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.positions import TEMPLATES
from bids_dl.preprocess.step import Array, Context, listing

if TYPE_CHECKING:
    import mne

ELECTRODES = "electrodes"


@dataclass(frozen=True, config=STRICT)
class Montage:
    """Set positions by name, whatever the case of names; samples stay.

    All positions of a recording come from one place, so that they fit each other. Measured ones that cannot be those of a head (a wrong
    unit or wrong axes in coordsystem.json) are not used.

    Parameters
    ----------
    positions
        Where to take them from: ``"electrodes"`` (as electrodes.tsv gave them) or the name of an MNE template (``standard_1005``,
        ``GSN-HydroCel-129``). Of several, the first that has a position for every EEG and intracranial channel of a recording is taken.
    missing
        ``"error"``: a recording with a channel that gets no position fails; ``"ignore"``: it takes the place that knows most of them.
    """

    positions: Annotated[tuple[str, ...], BeforeValidator(listing), Field(min_length=1)]
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "montage"

    @field_validator("positions")
    @classmethod
    def _known(cls, choices: tuple[str, ...]) -> tuple[str, ...]:
        for choice in choices:
            if choice not in (ELECTRODES, *TEMPLATES):
                raise ValueError(
                    f"no template of this name: {choice}; there are {ELECTRODES} and {', '.join(TEMPLATES)}"
                )
        return choices

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """The same; `RecordingError` where no template has all channels and nothing else may place them."""
        if ELECTRODES not in self.positions and self.missing == "error":
            self._choice({}, _placed(spec), None)
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        names = _placed(spec)
        measured = positions.held(raw.info, names)
        doubt = (
            positions.implausible(raw.info, _eeg(measured, spec)) if _eeg(measured, spec) else None
        )
        choice, notes = self._choice(measured, names, doubt)
        if choice != ELECTRODES:
            raw.set_montage(
                None
            )  # else a channel that it lacks would keep its place of another system
            raw.set_montage(positions.montage(choice), match_case=False, on_missing="ignore")
        return raw, StepReport(
            self.name, channels=tuple(positions.held(raw.info, names)), share=0.0, notes=notes
        )

    def _choice(
        self, measured: Mapping[str, Array], names: Sequence[str], doubt: str | None
    ) -> tuple[str, tuple[str, ...]]:
        """Where the positions are taken from, and what is to be said of it."""
        refused = []
        for choice in self.positions:
            lost = _lost(choice, measured, names)
            if lost:
                refused.append(f"no position for {listed(lost)} in {choice}")
            elif choice == ELECTRODES and doubt:
                refused.append(f"positions of electrodes.tsv cannot be used: {doubt}")
            elif other := _other_net(choice, names):
                refused.append(f"{choice} cannot be used: {other}")
            else:
                said = (f"positions of {choice}: {'; '.join(refused)}",) if refused else ()
                return choice, said
        usable = [
            choice
            for choice in self.positions
            if not (choice == ELECTRODES and doubt) and not _other_net(choice, names)
        ]
        if self.missing == "error" or not usable:
            raise RecordingError(
                self.name,
                "; ".join(refused)
                + ("; missing: ignore goes on without" if usable else "; name a template"),
            )
        best = min(usable, key=lambda choice: len(_lost(choice, measured, names)))
        return best, (f"no position: {listed(_lost(best, measured, names))}",)


def _placed(spec: SignalSpec) -> list[str]:
    """Channels that have a place on or in the head."""
    return [
        name
        for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True)
        if ch_type in FILTERED_TYPES
    ]


def _eeg(measured: Mapping[str, Array], spec: SignalSpec) -> dict[str, Array]:
    types = dict(zip(spec.ch_names, spec.ch_types, strict=True))
    return {name: place for name, place in measured.items() if types[name] == "eeg"}


def _lost(choice: str, measured: Mapping[str, Array], names: Sequence[str]) -> list[str]:
    """Channels that get no position there."""
    if choice == ELECTRODES:
        return [name for name in names if name not in measured]
    places = positions.template(choice)
    return [name for name in names if name.casefold() not in places]


def _other_net(choice: str, names: Sequence[str]) -> str | None:
    """Why the names are those of a HydroCel net of another size; its numbers would be found, at other places."""
    if choice not in ("GSN-HydroCel-128", "GSN-HydroCel-129"):
        return None
    try:
        hydrocel.canonical(names)
    except ValueError as problem:
        return str(problem)
    return None
