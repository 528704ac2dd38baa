"""Classifiers of windows in braindecode, with the windows that suit them."""

from __future__ import annotations

from dataclasses import dataclass

REFUSED = {
    "SensingDynamics": "it maps 16 channels of muscles to hand poses",
    "VEMG2Pose": "it maps muscles to a sequence of hand poses",
    "NeuroPose": "it maps muscles to a sequence of hand poses",
    "EMG2QwertyNet": "it maps muscles to a sequence of keys",
    "MetaNeuromotorHand": "it maps muscles to a sequence of characters",
    "DANCE": "it detects events within a window",
    "SignalJEPA": "it returns embeddings; use one of its variants, such as SignalJEPA_PostLocal",
    "InterpolatedSignalJEPA": "it returns embeddings",
}
"""Models that do not classify windows, with the reason."""

NON_COMMERCIAL = frozenset({"EEGMiner", "MetaNeuromotorHand"})  # CC BY-NC 4.0
APACHE = frozenset({"EEGPT", "InterpolatedEEGPT", "LUNA"})
MIT = frozenset({"Labram", "InterpolatedLaBraM", "CBraMod", "BIOT", "InterpolatedBIOT"})


@dataclass(frozen=True, slots=True)
class BraindecodeRow:
    """A model of braindecode.

    Parameters
    ----------
    rate
        Sampling rate in Hz that its defaults are made for.
    example
        n_chans, n_times and sfreq of windows that suit it.
    needs
        ``"positions"``, ``"names"`` or ``""``: description of channels that it takes.
    needs_memory
        It cannot be built on the meta device.
    """

    rate: float
    example: tuple[int, int, float] = (24, 256, 128.0)
    needs: str = ""
    needs_memory: bool = False


NIGHT = (2, 3000, 100.0)  # n_chans, n_times and sfreq of sleep staging
AT_200 = (20, 2000, 200.0)
AT_256 = (20, 1280, 256.0)

ROWS = {
    "ATCNet": BraindecodeRow(250),
    "AttentionBaseNet": BraindecodeRow(250),
    "AttnSleep": BraindecodeRow(100, (1, 3000, 100.0)),
    "BDTCN": BraindecodeRow(100),
    "BENDR": BraindecodeRow(256, AT_256, "names"),
    "BIOT": BraindecodeRow(200, AT_200),
    "BrainModule": BraindecodeRow(250),
    "CBraMod": BraindecodeRow(200, AT_200),
    "CTNet": BraindecodeRow(250),
    "CodeBrain": BraindecodeRow(200, AT_200, needs_memory=True),
    "ContraWR": BraindecodeRow(125),
    "DGCNN": BraindecodeRow(128, needs="positions", needs_memory=True),
    "Deep4Net": BraindecodeRow(250),
    "DeepSleepNet": BraindecodeRow(256, NIGHT),
    "EEGConformer": BraindecodeRow(250, needs_memory=True),
    "EEGDINO": BraindecodeRow(200, (19, 2000, 200.0)),
    "EEGITNet": BraindecodeRow(125),
    "EEGInceptionERP": BraindecodeRow(128),
    "EEGInceptionMI": BraindecodeRow(250),
    "EEGMiner": BraindecodeRow(128),
    "EEGNeX": BraindecodeRow(125),
    "EEGNet": BraindecodeRow(128),
    "EEGPT": BraindecodeRow(256, AT_256, "names", needs_memory=True),
    "EEGSimpleConv": BraindecodeRow(80, needs_memory=True),
    "EEGSym": BraindecodeRow(250, needs="positions"),
    "EEGTCNet": BraindecodeRow(250),
    "FBCNet": BraindecodeRow(250),
    "FBLightConvNet": BraindecodeRow(250),
    "FBMSNet": BraindecodeRow(250),
    "IFNet": BraindecodeRow(250),
    "InterpolatedBENDR": BraindecodeRow(256, AT_256, "positions"),
    "InterpolatedBIOT": BraindecodeRow(200, AT_200, "positions"),
    "InterpolatedEEGPT": BraindecodeRow(256, AT_256, "positions", needs_memory=True),
    "InterpolatedLaBraM": BraindecodeRow(200, AT_200, "positions", needs_memory=True),
    "LUNA": BraindecodeRow(256, AT_256, "positions"),
    "Labram": BraindecodeRow(200, AT_200, "names", needs_memory=True),
    "MEDFormer": BraindecodeRow(250),
    "MSVTNet": BraindecodeRow(250),
    "MVPFormer": BraindecodeRow(512),
    "PBT": BraindecodeRow(250),
    "REVE": BraindecodeRow(200, AT_200, "names", needs_memory=True),
    "SCCNet": BraindecodeRow(125),
    "SPARCNet": BraindecodeRow(200),
    "SSTDPN": BraindecodeRow(250),
    "STEEGFormer": BraindecodeRow(250, needs_memory=True),
    "ShallowFBCSPNet": BraindecodeRow(250),
    "SignalJEPA_Contextual": BraindecodeRow(128, needs="positions"),
    "SignalJEPA_PostLocal": BraindecodeRow(128),
    "SignalJEPA_PreLocal": BraindecodeRow(128),
    "SincShallowNet": BraindecodeRow(250),
    "SleepStagerBlanco2020": BraindecodeRow(100, NIGHT),
    "SleepStagerChambon2018": BraindecodeRow(128, NIGHT),
    "SyncNet": BraindecodeRow(256),
    "TCFormer": BraindecodeRow(250, needs_memory=True),
    "TIDNet": BraindecodeRow(250),
    "TSception": BraindecodeRow(256),
    "USleep": BraindecodeRow(128, NIGHT),
    "ZUNA": BraindecodeRow(256, AT_256, "positions", needs_memory=True),
}
"""Classifiers of windows, by their names in braindecode 1.8."""

HUB = {
    "BENDR": "braindecode/braindecode-bendr",
    "BIOT": "braindecode/biot-pretrained-prest-16chs",
    "CBraMod": "braindecode/cbramod-pretrained",
    "CodeBrain": "braindecode/codebrain-pretrained",
    "EEGDINO": "braindecode/eegdino-small-pretrained",
    "EEGPT": "braindecode/eegpt-pretrained",
    "LUNA": "PulpBio/LUNA",
    "Labram": "braindecode/labram-pretrained",
    "STEEGFormer": "braindecode/STEEGFormer-small",
    "SignalJEPA_PostLocal": "braindecode/signal-jepa_without-chans",
    "SignalJEPA_PreLocal": "braindecode/signal-jepa_without-chans",
}
"""Repositories of pretrained weights on the Hugging Face hub, as braindecode 1.8 names them."""
