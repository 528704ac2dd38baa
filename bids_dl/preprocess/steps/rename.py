"""Step `rename`: other names for channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import hydrocel
from bids_dl.preprocess.channels import find_channel, locate_channels
from bids_dl.preprocess.step import Context, StepTraits
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

Scheme: TypeAlias = Literal["hydrocel", "hydrocel-to-1020", "1020-to-hydrocel", "t3-to-t7"]

SCHEMES: Mapping[str, Callable[[Iterable[str]], dict[str, str]]] = {
    "hydrocel": hydrocel.net_names,
    "hydrocel-to-1020": hydrocel.to_1010,
    "1020-to-hydrocel": hydrocel.from_1010,
    "t3-to-t7": hydrocel.from_old_1020,
}


@dataclass(frozen=True, config=STRICT)
class Rename:
    """Rename channels, without changing their types, order and samples.

    The scheme is applied first, then ``names``.

    Parameters
    ----------
    names
        New name of each channel by its old name, in any case.
    scheme
        ``"hydrocel"``: names of the 128-channel HydroCel net (``EEG 022``, ``VREF``) become
        ``E22`` and ``Cz``. ``"hydrocel-to-1020"``: they become names of the 10-20 and 10-10
        systems if the net has an equivalent [1]_. ``"1020-to-hydrocel"``: the reverse.
        ``"t3-to-t7"``: old names of the 10-20 system (T3, T4, T5, T6) become those of the 10-10
        system.
    missing
        ``"error"``: a recording fails if it lacks one of the old names, or has no name that the
        scheme knows. ``"ignore"``: its other channels are renamed.

    References
    ----------
    .. [1] Luu & Ferree 2005, Determination of the HydroCel Geodesic Sensor Nets' average
       electrode positions and their 10-10 international equivalents.

    Examples
    --------
    In a recipe::

        - rename: {scheme: t3-to-t7, missing: ignore}
    """

    names: dict[str, str] = Field(default_factory=dict)
    scheme: Scheme | None = None
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "rename"
    traits: ClassVar[StepTraits] = StepTraits(keeps_samples=True)

    @model_validator(mode="after")
    def _check(self) -> Rename:
        if not self.names and self.scheme is None:
            raise ValueError(f"give names (old: new) or a scheme, one of {', '.join(SCHEMES)}")
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the sample only."""
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the renamed channels, if their names are unique."""
        new_names = self._new_names(spec)
        ch_names = tuple(new_names.get(name, name) for name in spec.ch_names)
        duplicates = [name for name, count in Counter(ch_names).items() if count > 1]
        if duplicates:
            raise RecordingError(self.name, f"two channels would be named {join_names(duplicates)}")
        return replace(spec, ch_names=ch_names)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Rename the channels in place, and report the new names."""
        new_names = self._new_names(spec)
        raw.rename_channels(new_names)
        return raw, StepReport(self.name, channels=tuple(new_names.values()), share=0.0)

    def _new_names(self, spec: SignalSpec) -> dict[str, str]:
        """Return the new name by the old name of each channel that is renamed."""
        by_scheme = self._rename_by_scheme(spec)
        renamed = replace(spec, ch_names=tuple(by_scheme.get(name, name) for name in spec.ch_names))
        old_names = list(self.names)
        if self.missing == "ignore":
            old_names = [name for name in old_names if find_channel(name, renamed)]
        by_name = {}
        for ch_name, name in zip(locate_channels(old_names, renamed), old_names, strict=True):
            by_name[ch_name] = self.names[name]
        new_names = {}
        for old, intermediate in zip(spec.ch_names, renamed.ch_names, strict=True):
            new = by_name.get(intermediate, intermediate)
            if new != old:
                new_names[old] = new
        return new_names

    def _rename_by_scheme(self, spec: SignalSpec) -> dict[str, str]:
        if self.scheme is None:
            return {}
        try:
            new_names = SCHEMES[self.scheme](spec.ch_names)
        except ValueError as error:
            raise RecordingError(
                "channels", f"{error}; the scheme {self.scheme} does not fit"
            ) from None
        if not new_names and self.missing == "error":
            raise RecordingError(
                "channels",
                f"no channel that the scheme {self.scheme} knows; "
                f"the recording has {join_names(spec.ch_names)}",
            )
        return new_names
