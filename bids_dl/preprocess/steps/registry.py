"""All preprocessing steps by name."""

from __future__ import annotations

from collections.abc import Mapping

from bids_dl.preprocess.step import SignalStep, WindowStep
from bids_dl.preprocess.steps.asr import Asr
from bids_dl.preprocess.steps.autoreject import Autoreject
from bids_dl.preprocess.steps.bad_channels import BadChannels
from bids_dl.preprocess.steps.baseline import Baseline
from bids_dl.preprocess.steps.demean import Demean
from bids_dl.preprocess.steps.derive import Derive
from bids_dl.preprocess.steps.drifts import Drifts
from bids_dl.preprocess.steps.drop import Drop
from bids_dl.preprocess.steps.dropouts import Dropouts
from bids_dl.preprocess.steps.filter import Filter
from bids_dl.preprocess.steps.harmonise import Harmonise
from bids_dl.preprocess.steps.ica import Ica
from bids_dl.preprocess.steps.interpolate import Interpolate
from bids_dl.preprocess.steps.keep_selected import KeepSelected
from bids_dl.preprocess.steps.montage import Montage
from bids_dl.preprocess.steps.notch import Notch
from bids_dl.preprocess.steps.pick import Pick
from bids_dl.preprocess.steps.reference import Reference
from bids_dl.preprocess.steps.reject import Reject
from bids_dl.preprocess.steps.rename import Rename
from bids_dl.preprocess.steps.resample import Resample

SIGNAL_STEPS: Mapping[str, type[SignalStep]] = {
    step.name: step
    for step in (
        Dropouts,
        *(Pick, Drop, Rename, Montage, Interpolate, Harmonise),
        *(Demean, Notch, Filter, Drifts, Reference, Derive, Resample),
        *(KeepSelected, BadChannels, Asr, Ica),
    )
}
"""Steps on the continuous signal, by name."""

WINDOW_STEPS: Mapping[str, type[WindowStep]] = {
    step.name: step for step in (Baseline, Reject, Autoreject)
}
"""Steps on windows, by name."""

STEPS: Mapping[str, type[SignalStep] | type[WindowStep]] = {**SIGNAL_STEPS, **WINDOW_STEPS}
"""All steps, by name."""
