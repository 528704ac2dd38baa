"""Give channels other names."""

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
from bids_dl.preprocess.channels import find, listed, locate
from bids_dl.preprocess.step import Context

if TYPE_CHECKING:
    import mne

Scheme: TypeAlias = Literal["hydrocel", "hydrocel-to-1020", "1020-to-hydrocel", "t3-to-t7"]

SCHEMES: Mapping[str, Callable[[Iterable[str]], dict[str, str]]] = {
    "hydrocel": hydrocel.canonical,
    "hydrocel-to-1020": hydrocel.to_1010,
    "1020-to-hydrocel": hydrocel.from_1010,
    "t3-to-t7": hydrocel.from_old,
}


@dataclass(frozen=True, config=STRICT)
class Rename:
    """Give channels other names; types, order and samples stay.

    What a scheme makes of all names is done first, what ``names`` says then.

    Parameters
    ----------
    names
        Old name to new name; an old name that differs in case only is found.
    scheme
        ``"hydrocel"``: names of the 128-channel HydroCel net (``EEG 022``, ``VREF``) as ``E22`` and ``Cz``; ``"hydrocel-to-1020"``: to
        names of the 10-20 and 10-10 systems where the net has an equivalent (Luu & Ferree 2005); ``"1020-to-hydrocel"``: back;
        ``"t3-to-t7"``: old names of the 10-20 system (T3, T4, T5, T6) to those of the 10-10 system.
    missing
        ``"error"``: a recording that lacks one of the old names, or any that the scheme knows, fails; ``"ignore"``: it has less to rename.
    """

    names: dict[str, str] = Field(default_factory=dict)
    scheme: Scheme | None = None
    missing: Literal["error", "ignore"] = "error"

    name: ClassVar[str] = "rename"

    @model_validator(mode="after")
    def _check(self) -> Rename:
        if not self.names and self.scheme is None:
            raise ValueError(f"give names (old: new) or a scheme, one of {', '.join(SCHEMES)}")
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        mapping = self._mapping(spec)
        renamed = tuple(mapping.get(name, name) for name in spec.ch_names)
        if twice := [name for name, count in Counter(renamed).items() if count > 1]:
            raise RecordingError(self.name, f"two channels would be named {listed(twice)}")
        return replace(spec, ch_names=renamed)

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        mapping = self._mapping(spec)
        raw.rename_channels(mapping)
        return raw, StepReport(self.name, channels=tuple(mapping.values()), share=0.0)

    def _mapping(self, spec: SignalSpec) -> dict[str, str]:
        by_scheme = self._by_scheme(spec)
        made = {name: by_scheme.get(name, name) for name in spec.ch_names}
        spec = replace(spec, ch_names=tuple(made.values()))
        old = (
            [name for name in self.names if find(name, spec)]
            if self.missing == "ignore"
            else list(self.names)
        )
        by_name = {own: self.names[name] for name, own in zip(old, locate(old, spec), strict=True)}
        return {
            name: by_name.get(new, new)
            for name, new in made.items()
            if by_name.get(new, new) != name
        }

    def _by_scheme(self, spec: SignalSpec) -> dict[str, str]:
        if self.scheme is None:
            return {}
        try:
            made = SCHEMES[self.scheme](spec.ch_names)
        except ValueError as problem:
            raise RecordingError(
                "channels", f"{problem}; the scheme {self.scheme} does not fit"
            ) from None
        if not made and self.missing == "error":
            raise RecordingError(
                "channels",
                f"no channel that the scheme {self.scheme} knows; the recording has {listed(spec.ch_names)}",
            )
        return made
