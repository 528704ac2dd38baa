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

MAIN_PARAMETERS: Mapping[str, str] = {
    "asr": "cutoff",
    "drop": "names",
    "harmonise": "channels",
    "interpolate": "channels",
    "montage": "positions",
    "notch": "freqs",
    "pick": "types",
    "reference": "channels",
    "resample": "sfreq",
}
"""Parameter that a recipe may give without its name, by step: `resample: 128`."""

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "asr": ("clean_rawdata", "artifact_subspace_reconstruction"),
    "autoreject": ("autorej", "auto_reject"),
    "bad_channels": ("bads", "clean_channels", "noisy_channels", "prep", "ransac"),
    "baseline": ("baseline_correction", "rmbase"),
    "demean": ("center", "dc_offset", "remove_mean"),
    "derive": ("bipolar", "set_bipolar_reference"),
    "drifts": ("clean_drifts", "detrend"),
    "drop": ("drop_channels", "exclude_channels"),
    "filter": ("bandpass", "band_pass", "highpass", "high_pass", "lowpass", "low_pass", "eegfilt"),
    "ica": ("fastica", "iclabel", "infomax", "picard", "runica"),
    "interpolate": ("interp", "interpolate_bads", "spline"),
    "montage": ("channel_locations", "set_montage"),
    "notch": ("cleanline", "line_noise", "notch_filter", "zapline"),
    "pick": ("pick_channels", "pick_types", "select_channels"),
    "reference": (
        *("average_reference", "car", "common_average", "reref", "re_reference", "rereference"),
        "set_eeg_reference",
    ),
    "reject": ("amplitude_threshold", "peak_to_peak", "reject_epochs", "threshold"),
    "rename": ("rename_channels",),
    "resample": ("decimate", "downsample", "upsample"),
}
"""Names that other programs and papers give to a step, by its name here; for suggestions only."""

ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "windows are cut by --window, or by --tmin and --tmax": (
        *("epoch", "epochs", "epoching", "segment", "segmentation", "window", "windows"),
    ),
    "windows are normalized while they are streamed": (
        *("normalize", "normalise", "scale", "standardize", "zscore", "z_score"),
    ),
}
"""What is no step: a hint, and its usual names."""
