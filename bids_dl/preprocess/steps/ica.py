"""Step `ica`: removal of independent components of eyes, muscles and other artifacts."""

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
from bids_dl.preprocess.eeglab import good_eeg_channels, read_microvolts
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.packages import require_packages
from bids_dl.preprocess.positions import require_positions
from bids_dl.preprocess.step import Array, Context, Hertz, StepTraits, reject_bool
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    import mne
    from mne.preprocessing import ICA

ComponentClass: TypeAlias = Literal[
    "brain", "muscle", "eye", "heart", "line_noise", "channel_noise", "other"
]
COMPONENT_CLASSES: tuple[ComponentClass, ...] = (
    "brain",
    "muscle",
    "eye",
    "heart",
    "line_noise",
    "channel_noise",
    "other",
)
"""ICLabel's classes, in its order."""

DEFAULT_REMOVE: Mapping[ComponentClass, float] = {"muscle": 0.9, "eye": 0.9}  # as EEGLAB

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1), BeforeValidator(reject_bool)]

MIN_CHANNELS = 4  # EEG channels; fewer give no scalp map to label
SAMPLES_PER_WEIGHT = 20  # of the decomposition, by EEGLAB's rule of thumb
RANK_TOLERANCE = 1e-6  # of the largest singular value; smaller ones are no signal


@dataclass(frozen=True, config=STRICT)
class Ica:
    """Remove independent components that ICLabel assigns to artifacts.

    The EEG is decomposed by extended infomax, in the implementation of Picard [1]_ or of MNE,
    and the components are labeled by ICLabel [2]_ (mne-icalabel). The signal should have an
    average reference and contain 1 to 100 Hz, as far as its rate allows. Channels marked bad are
    neither used nor changed.

    Parameters
    ----------
    remove
        Probability from which a component is removed, for each class to remove.
    method
        ``"picard"`` or ``"infomax"``.
    low
        Cutoff in Hz of a high-pass filter. The components are computed and labeled on a
        filtered copy, and removed from the signal as it is. None uses no copy.
    n_components
        Number of components; None is the rank of the signal.
    seed
        Seed of the random numbers.

    References
    ----------
    .. [1] Ablin et al. 2018, IEEE Trans Signal Process 66(15).
    .. [2] Pion-Tonachini et al. 2019, NeuroImage 198, 181-197.

    Examples
    --------
    In a recipe, after the reference::

        - ica: {remove: {eye: 0.8, muscle: 0.9, heart: 0.9}}
    """

    remove: dict[ComponentClass, Probability] = Field(
        default_factory=lambda: dict(DEFAULT_REMOVE), min_length=1
    )
    method: Literal["picard", "infomax"] = "picard"
    low: Hertz | None = 1.0
    n_components: Annotated[int, Field(gt=1), BeforeValidator(reject_bool)] | None = None
    seed: Annotated[int, Field(ge=0), BeforeValidator(reject_bool)] = 0

    name: ClassVar[str] = "ica"
    traits: ClassVar[StepTraits] = StepTraits(
        packages=("mne-icalabel", "onnxruntime", "python-picard"),
        memory_factor=10.0,  # measured
    )

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole recording, which is decomposed at once."""
        return Context("recording")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if four or more of them are EEG."""
        require_packages(self.name, *self.traits.packages)
        if spec.ch_types.count("eeg") < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"needs {MIN_CHANNELS} EEG channels or more; "
                f"the recording has {join_names(spec.ch_names)}",
            )
        nyquist = spec.sfreq / 2
        if self.low is not None and self.low >= nyquist:
            raise RecordingError(
                self.name,
                f"{self.low:g} Hz is not below the Nyquist frequency, {float(nyquist):g} Hz",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Remove the components in place, and report the classes of all components."""
        names = good_eeg_channels(raw, spec)
        self._check(raw, names)
        copy = raw.copy().pick(names)
        if self.low is not None:
            copy.filter(self.low, None)
        ica = self._fit(copy)
        probabilities = label_components(copy, ica)
        del copy  # to free its memory before the components are removed
        removed = self._select_removed(probabilities)
        if removed:
            ica.apply(raw, exclude=list(removed))
        n_components = len(probabilities)
        notes = [_describe(probabilities, removed)]
        min_samples = SAMPLES_PER_WEIGHT * n_components**2
        if raw.n_times < min_samples:
            notes.append(
                f"{raw.n_times} samples are few for {n_components} components; "
                f"{min_samples} or more make them reliable"
            )
        return raw, StepReport(
            self.name,
            share=len(names) / spec.n_chans if removed else 0.0,
            notes=tuple(notes),
            flag=share_flag(len(removed) / n_components),
        )

    def _check(self, raw: mne.io.BaseRaw, names: list[str]) -> None:
        """Refuse a recording for which MNE or ICLabel would raise an error that is hard to read."""
        if len(names) < MIN_CHANNELS:
            raise RecordingError(
                self.name,
                f"fewer than {MIN_CHANNELS} channels are not marked bad; "
                f"good are {join_names(names) or 'none'}",
            )
        for name in names:
            read_microvolts(raw, [name], self.name)
        require_positions(raw.info, names, self.name)

    def _fit(self, raw: mne.io.BaseRaw) -> ICA:
        """Decompose the EEG channels of a recording."""
        import mne

        ranks = mne.compute_rank(raw, rank=None, tol=RANK_TOLERANCE, tol_kind="relative")
        rank = ranks["eeg"]
        n_components = rank if self.n_components is None else self.n_components
        if not 1 < n_components <= rank:
            raise RecordingError(
                self.name,
                f"{n_components} components cannot be found in a signal of {rank} dimensions",
            )
        fit_params = {"extended": True}
        if self.method == "picard":
            fit_params["ortho"] = False
        ica = mne.preprocessing.ICA(
            n_components,
            method=self.method,
            fit_params=fit_params,
            random_state=self.seed,
            max_iter="auto",
        )
        return ica.fit(raw, picks="eeg", reject_by_annotation=False)

    def _select_removed(self, probabilities: Array) -> dict[int, ComponentClass]:
        """Select the components to remove.

        Returns
        -------
        dict
            By index, the most probable of the classes for which a component is removed.
        """
        removed: dict[int, ComponentClass] = {}
        for i, row in enumerate(probabilities):
            by_class = dict(zip(COMPONENT_CLASSES, row, strict=True))
            reached = [name for name, limit in self.remove.items() if by_class[name] >= limit]
            if reached:
                removed[i] = max(reached, key=by_class.__getitem__)
        return removed


def label_components(raw: mne.io.BaseRaw, ica: ICA) -> Array:
    """Return the probabilities (n_components, 7) of `COMPONENT_CLASSES` by ICLabel."""
    from mne_icalabel.iclabel import iclabel_label_components

    probabilities = iclabel_label_components(raw, ica, inplace=False, backend="onnx")
    return np.asarray(probabilities, dtype=np.float64)


def _describe(probabilities: Array, removed: dict[int, ComponentClass]) -> str:
    """Count the components by their most probable class, and list the removed ones."""
    counts = Counter(COMPONENT_CLASSES[i] for i in probabilities.argmax(1))
    classes = ", ".join(f"{counts[name]} {name}" for name in COMPONENT_CLASSES if counts[name])
    items = []
    for i, name in removed.items():
        items.append(f"{i} ({name} {probabilities[i, COMPONENT_CLASSES.index(name)]:.2f})")
    return (
        f"{count(len(probabilities), 'component')}, most probably {classes}; "
        f"removed: {', '.join(items) or 'none'}"
    )
