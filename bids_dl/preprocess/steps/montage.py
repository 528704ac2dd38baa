"""Step `montage`: positions of electrodes, as measured or from a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import BRAIN_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import hydrocel, positions
from bids_dl.preprocess.channels import channels_of_type
from bids_dl.preprocess.positions import TEMPLATES
from bids_dl.preprocess.step import Array, Context, StepTraits, as_tuple
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

ELECTRODES = "electrodes"  # the positions of electrodes.tsv
NUMBERED_TEMPLATES = ("GSN-HydroCel-128", "GSN-HydroCel-129")
"""Templates whose channel numbers other HydroCel nets have at other positions."""


@dataclass(frozen=True, config=STRICT)
class Montage:
    """Set the positions of EEG and intracranial channels by name, in any case.

    All positions of a recording are from one source, so that they are consistent. Measured
    positions that cannot be those of a head, because coordsystem.json has a wrong unit or wrong
    axes, are not used. Samples do not change.

    Parameters
    ----------
    positions
        ``"electrodes"`` for the positions of electrodes.tsv, or the name of an MNE template such
        as ``standard_1005`` or ``GSN-HydroCel-129`` (`mne.channels.make_standard_montage`). Of
        several, the first that has all EEG and intracranial channels of a recording is used.
    missing
        ``"error"``: a recording with a channel without a position fails. ``"ignore"``: the
        source with most of its channels is used.

    Examples
    --------
    In a recipe::

        - montage: {positions: [electrodes, standard_1005]}
    """

    positions: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "montage"
    traits: ClassVar[StepTraits] = StepTraits(keeps_samples=True)

    @field_validator("positions")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in (ELECTRODES, *TEMPLATES):
                raise ValueError(
                    f"no template of this name: {name}; "
                    f"use one of {ELECTRODES}, {', '.join(TEMPLATES)}"
                )
        return names

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if templates alone have all channels."""
        if ELECTRODES not in self.positions and self.missing == "error":
            self._choose_source({}, channels_of_type(spec, *BRAIN_TYPES), None)
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Set the positions in place, and report the channels that have one."""
        names = channels_of_type(spec, *BRAIN_TYPES)
        measured = positions.electrode_positions(raw.info, names)
        eeg = set(channels_of_type(spec, "eeg"))
        measured_eeg = {name: measured[name] for name in measured if name in eeg}
        problem = None
        if measured_eeg:
            problem = positions.explain_implausible(raw.info, measured_eeg)
        source, notes = self._choose_source(measured, names, problem)
        if source != ELECTRODES:
            # Channels that the template lacks must not keep positions of another system.
            raw.set_montage(None)
            montage = positions.load_montage(source)
            raw.set_montage(montage, match_case=False, on_missing="ignore")
        located = positions.electrode_positions(raw.info, names)
        return raw, StepReport(self.name, channels=tuple(located), share=0.0, notes=notes)

    def _choose_source(
        self, measured: Mapping[str, Array], names: Sequence[str], problem: str | None
    ) -> tuple[str, tuple[str, ...]]:
        """Choose the source of the positions.

        Parameters
        ----------
        measured
            Positions of electrodes.tsv by channel name.
        names
            Channels that need a position.
        problem
            Explanation of why the measured positions cannot be used, or None.

        Returns
        -------
        tuple
            The source and notes for the report.
        """
        rejected = []
        usable = []
        for source in self.positions:
            missing = _without_position(source, measured, names)
            other_net = _explain_other_net(source, names)
            has_problem = source == ELECTRODES and problem is not None
            if not has_problem and not other_net:
                usable.append(source)
            if missing:
                rejected.append(f"no position for {join_names(missing)} in {source}")
            elif has_problem:
                rejected.append(f"positions of electrodes.tsv cannot be used: {problem}")
            elif other_net:
                rejected.append(f"{source} cannot be used: {other_net}")
            else:
                notes = (f"positions of {source}: {'; '.join(rejected)}",) if rejected else ()
                return source, notes
        if self.missing == "error" or not usable:
            advice = (
                "with missing: ignore, these channels have no position"
                if usable
                else "name a template"
            )
            raise RecordingError(self.name, f"{'; '.join(rejected)}; {advice}")
        best = min(usable, key=lambda source: len(_without_position(source, measured, names)))
        missing = _without_position(best, measured, names)
        return best, (f"no position: {join_names(missing)}",)


def _without_position(
    source: str, measured: Mapping[str, Array], names: Sequence[str]
) -> list[str]:
    """Return the channels that have no position in a source."""
    if source == ELECTRODES:
        return [name for name in names if name not in measured]
    template = positions.template_positions(source)
    return [name for name in names if name.casefold() not in template]


def _explain_other_net(source: str, names: Sequence[str]) -> str | None:
    """Explain why the names are those of a HydroCel net of another size, or return None.

    The template has the channel numbers of such a net too, but at other positions.
    """
    if source not in NUMBERED_TEMPLATES:
        return None
    try:
        hydrocel.net_names(names)
    except ValueError as error:
        return str(error)
    return None
