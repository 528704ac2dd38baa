"""Contracts of pretrained models: windows, channels and units that their weights expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bids_dl.errors import ModelError

Scale = Literal["none", "hundredth", "quantile", "clip"]
EEGBCI = ("ds004362", "eegmmidb", "eegbci", "physionet-mi")
"""Names of the PhysioNet motor imagery data, as identifiers of datasets contain them."""
TUH = ("tuh", "tueg", "tuab", "tuev")
LEE2019 = ("lee2019",)


@dataclass(frozen=True, slots=True)
class Contract:
    """Input of a pretrained model.

    Parameters
    ----------
    rate
        Sampling rate in Hz.
    multiple
        The number of samples of a window is a multiple of this.
    min_samples
        Samples of the shortest window.
    normalize
        Normalization of the windows.
    scale
        Scaling inside the adapter: ``"hundredth"`` divides µV by 100, ``"quantile"`` divides each
        channel by the 95 % quantile of its absolute values, ``"clip"`` limits to ±15.
    band
        Filters of the publication, for the description.
    pretraining
        Parts of the identifiers of public datasets in the pretraining set.
    """

    rate: float
    multiple: int = 1
    min_samples: int = 1
    normalize: str = "none"
    scale: Scale = "none"
    band: str = ""
    pretraining: tuple[str, ...] = ()

    def check(self, name: str, n_times: int, sfreq: float) -> None:
        """Refuse windows that the model does not accept.

        Raises
        ------
        ModelError
            The rate, the length or both differ from the contract.

        Examples
        --------
        >>> Contract(200.0, multiple=200).check("braindecode/CBraMod", 400, 200.0)
        """
        problems: list[str] = []
        if abs(sfreq - self.rate) > 1e-6 * self.rate:
            problems.append(f"a sampling rate of {self.rate:g} Hz, got {sfreq:g} Hz")
        if n_times % self.multiple:
            problems.append(
                f"windows of a multiple of {self.multiple} samples "
                f"({self.multiple / self.rate:g} s at {self.rate:g} Hz), got {n_times} samples"
            )
        if n_times < self.min_samples:
            problems.append(f"windows of at least {self.min_samples} samples, got {n_times}")
        if problems:
            raise ModelError(
                f"model {name} expects {' and '.join(problems)}; convert the recordings again"
            )


LABRAM = Contract(200.0, 200, 200, "none", "hundredth", "0.1-75 Hz, notch", EEGBCI)
BIOT = Contract(200.0, 1, 200, "none", "quantile", "", TUH)
EEGPT = Contract(256.0, 64, 64, pretraining=EEGBCI)
BENDR = Contract(256.0, 1, 256, pretraining=TUH)
SIGNAL_JEPA = Contract(128.0, 1, 128, "none", "none", "0.5-40 Hz", LEE2019)

CONTRACTS: Mapping[str, Contract] = {
    "Labram": LABRAM,
    "InterpolatedLaBraM": LABRAM,
    "CBraMod": Contract(200.0, 200, 200, "none", "hundredth", "0.3-75 Hz, notch", TUH),
    "BIOT": BIOT,
    "InterpolatedBIOT": BIOT,
    "EEGPT": EEGPT,
    "InterpolatedEEGPT": EEGPT,
    "LUNA": Contract(256.0, 40, 40, "recording", "none", "", TUH),
    "REVE": Contract(200.0, 1, 200, "recording", "clip", "0.5-99.5 Hz", (*EEGBCI, *TUH)),
    "BENDR": BENDR,
    "InterpolatedBENDR": BENDR,
    "SignalJEPA_Contextual": SIGNAL_JEPA,
    "SignalJEPA_PostLocal": SIGNAL_JEPA,
    "SignalJEPA_PreLocal": SIGNAL_JEPA,
}
"""Contracts by the name of the model in braindecode."""


def find_overlap(contract: Contract, datasets: tuple[str, ...]) -> list[str]:
    """Return the datasets of a store that are part of the pretraining set.

    Examples
    --------
    >>> find_overlap(CONTRACTS["Labram"], ("ds004362", "ds000001"))
    ['ds004362']
    """
    overlap: list[str] = []
    for dataset in datasets:
        simplified = dataset.lower().replace("_", "-")
        if any(part in simplified for part in contract.pretraining):
            overlap.append(dataset)
    return overlap
