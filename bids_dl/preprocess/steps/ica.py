"""Independent components, labelled by ICLabel; those of eyes, muscles and the like are taken out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess import positions
from bids_dl.preprocess.channels import listed
from bids_dl.preprocess.eeglab import good_eeg, microvolts
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import needed
from bids_dl.preprocess.step import Array, Context, Hertz, number

if TYPE_CHECKING:
    import mne
    from mne.preprocessing import ICA

Kind: TypeAlias = Literal["brain", "muscle", "eye", "heart", "line_noise", "channel_noise", "other"]
KINDS: tuple[Kind, ...] = (
    "brain",
    "muscle",
    "eye",
    "heart",
    "line_noise",
    "channel_noise",
    "other",
)
"""ICLabel's classes, in its order."""

USUAL: Mapping[Kind, float] = {"muscle": 0.9, "eye": 0.9}  # EEGLAB's own choice

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1), BeforeValidator(number)]

LEAST = 4  # EEG channels: fewer make no map that could be labelled
RELIABLE = 20  # samples for each weight of the decomposition, by EEGLAB's rule of thumb
RANK = 1e-6  # of the largest singular value, below which there is no signal


@dataclass(frozen=True, config=STRICT)
class Ica:
    """Take components out of the EEG whose class is none of the brain's (Pion-Tonachini et al. 2019, NeuroImage 198).

    Extended infomax, by Picard (Ablin et al. 2018, IEEE Trans Signal Process 66) or as MNE implements it, and labels by mne-icalabel. The
    signal should be referenced to its average and hold 1 to 100 Hz as far as its rate allows. Channels marked bad take no part.

    Parameters
    ----------
    remove
        Class to the probability from which a component of it is taken out.
    low
        The components are found and labelled on a copy, high-pass filtered here in Hz, and taken out of the signal as it is; None: no copy.
    n_components
        None: as many as the signal has dimensions.
    """

    remove: dict[Kind, Probability] = Field(default_factory=lambda: dict(USUAL), min_length=1)
    method: Literal["picard", "infomax"] = "picard"
    low: Hertz | None = 1.0
    n_components: Annotated[int, Field(gt=1), BeforeValidator(number)] | None = None
    seed: Annotated[int, Field(ge=0), BeforeValidator(number)] = 0

    name: ClassVar[str] = "ica"
    copies: ClassVar[float] = 10.0  # peak memory over the samples it is given, measured
    packages: ClassVar[tuple[str, ...]] = ("mne-icalabel", "onnxruntime", "python-picard")

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        needed(self.name, *self.packages)
        if spec.ch_types.count("eeg") < LEAST:
            raise RecordingError(
                self.name,
                f"needs {LEAST} EEG channels or more; the recording has {listed(spec.ch_names)}",
            )
        if self.low is not None and self.low >= spec.sfreq / 2:
            raise RecordingError(
                self.name,
                f"{self.low:g} Hz is not below the Nyquist frequency, {float(spec.sfreq) / 2:g} Hz",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        names = good_eeg(raw, spec)
        self._check(raw, names)
        copy = raw.copy().pick(names)
        if self.low is not None:
            copy.filter(self.low, None)
        ica = self._fitted(copy)
        chances = labelled(copy, ica)
        del copy
        removed = self._removed(chances)
        if removed:
            ica.apply(raw, exclude=list(removed))
        n_times, n_found = raw.n_times, len(chances)
        notes = [_said(chances, removed), *share_flag(len(removed) / n_found, "components")]
        if n_times < RELIABLE * n_found**2:
            notes.append(
                f"{n_times} samples are few for {n_found} components; {RELIABLE * n_found**2} or more make them reliable"
            )
        return raw, StepReport(
            self.name, share=len(names) / spec.n_chans if removed else 0.0, notes=tuple(notes)
        )

    def _check(self, raw: mne.io.BaseRaw, names: list[str]) -> None:
        """Refuse what MNE or ICLabel would fail at with a message for programmers."""
        if len(names) < LEAST:
            raise RecordingError(
                self.name,
                f"fewer than {LEAST} channels are not marked bad; good are {listed(names) or 'none'}",
            )
        for name in names:
            microvolts(raw, [name], self.name)
        places = positions.held(raw.info, names)
        if lost := [name for name in names if name not in places]:
            raise RecordingError(
                self.name, f"no position for {listed(lost)}; put a step montage before"
            )

    def _fitted(self, raw: mne.io.BaseRaw) -> ICA:
        import mne

        rank = mne.compute_rank(raw, rank=None, tol=RANK, tol_kind="relative")["eeg"]
        n_components = rank if self.n_components is None else self.n_components
        if not 1 < n_components <= rank:
            raise RecordingError(
                self.name,
                f"{n_components} components cannot be found in a signal of {rank} dimensions",
            )
        extended = (
            {"ortho": False, "extended": True} if self.method == "picard" else {"extended": True}
        )
        ica = mne.preprocessing.ICA(
            n_components,
            method=self.method,
            fit_params=extended,
            random_state=self.seed,
            max_iter="auto",
        )
        return ica.fit(raw, picks="eeg", reject_by_annotation=False)

    def _removed(self, chances: Array) -> dict[int, Kind]:
        """Components to take out, with the class that each is taken out for: its most probable one of those named."""
        out: dict[int, Kind] = {}
        for i, row in enumerate(chances):
            over = [kind for kind, least in self.remove.items() if row[KINDS.index(kind)] >= least]
            if over:
                out[i] = max(over, key=lambda kind: row[KINDS.index(kind)])
        return out


def labelled(raw: mne.io.BaseRaw, ica: ICA) -> Array:
    """Probabilities (n_components, 7) of ICLabel's classes."""
    from mne_icalabel.iclabel import iclabel_label_components

    return np.asarray(
        iclabel_label_components(raw, ica, inplace=False, backend="onnx"), dtype=np.float64
    )


def _said(chances: Array, removed: dict[int, Kind]) -> str:
    """What was found and taken out."""
    counts = Counter(KINDS[i] for i in chances.argmax(1))
    found = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    out = ", ".join(
        f"{i} ({kind} {chances[i, KINDS.index(kind)]:.2f})" for i, kind in removed.items()
    )
    return f"{len(chances)} components, most probably {found}; taken out: {out or 'none'}"
