"""Contracts of pretrained models: windows, channels, units and filters that weights expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bids_dl.errors import ModelError
from bids_dl.wording import join_names

Scale = Literal["none", "hundredth", "quantile", "clip"]
EEGBCI = ("ds004362", "eegmmidb", "eegbci", "physionet-mi")
"""Names of the PhysioNet motor imagery data, as identifiers of datasets contain them."""
TUH = ("tuh", "tueg", "tuab", "tuev")
LEE2019 = ("lee2019",)


@dataclass(frozen=True, slots=True)
class PretrainingBand:
    """Filters of the signals that a model was pretrained on.

    Parameters
    ----------
    low, high
        Edges of the pass band in Hz.
    has_notch
        The power line was removed.

    Examples
    --------
    >>> str(PretrainingBand(0.1, 75.0, has_notch=True))
    '0.1-75 Hz, notch'
    """

    low: float
    high: float
    has_notch: bool = False

    def __str__(self) -> str:
        return f"{self.low:g}-{self.high:g} Hz{', notch' if self.has_notch else ''}"

    def find_differences(self, steps: Sequence[Mapping[str, Any]]) -> list[str]:
        """Describe the filters of a recipe that remove more than these, or their absence.

        Parameters
        ----------
        steps
            Steps of a recipe, each as its name and parameters.

        Examples
        --------
        >>> steps = [{"filter": {"low": 0.5, "high": 45.0}}]
        >>> PretrainingBand(0.1, 75.0).find_differences(steps)
        ['a high-pass at 0.5 Hz', 'a low-pass at 45 Hz']
        >>> PretrainingBand(0.1, 75.0).find_differences([])
        ['no filter']
        """
        lows, highs = _list_edges(steps)
        has_notch = any("notch" in step for step in steps)
        if not lows and not highs and not has_notch:
            return ["no filter"]
        differences: list[str] = []
        if max(lows, default=0.0) > self.low:
            differences.append(f"a high-pass at {max(lows):g} Hz")
        if highs and min(highs) < self.high:
            differences.append(f"a low-pass at {min(highs):g} Hz")
        if self.has_notch and not has_notch:
            differences.append("no notch")
        return differences


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
        Filters of the publication. None if it names none.
    pretraining
        Parts of the identifiers of public datasets in the pretraining set.
    """

    rate: float
    multiple: int = 1
    min_samples: int = 1
    normalize: str = "none"
    scale: Scale = "none"
    band: PretrainingBand | None = None
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


LABRAM = Contract(
    200.0, 200, 200, "none", "hundredth", PretrainingBand(0.1, 75.0, has_notch=True), EEGBCI
)
CBRAMOD = Contract(
    200.0, 200, 200, "none", "hundredth", PretrainingBand(0.3, 75.0, has_notch=True), TUH
)
BIOT = Contract(200.0, 1, 200, "none", "quantile", pretraining=TUH)
EEGPT = Contract(256.0, 64, 64, pretraining=EEGBCI)
BENDR = Contract(256.0, 1, 256, pretraining=TUH)
REVE = Contract(200.0, 1, 200, "recording", "clip", PretrainingBand(0.5, 99.5), (*EEGBCI, *TUH))
SIGNAL_JEPA = Contract(128.0, 1, 128, band=PretrainingBand(0.5, 40.0), pretraining=LEE2019)

CONTRACTS: Mapping[str, Contract] = {
    "Labram": LABRAM,
    "InterpolatedLaBraM": LABRAM,
    "CBraMod": CBRAMOD,
    "BIOT": BIOT,
    "InterpolatedBIOT": BIOT,
    "EEGPT": EEGPT,
    "InterpolatedEEGPT": EEGPT,
    "LUNA": Contract(256.0, 40, 40, "recording", pretraining=TUH),
    "REVE": REVE,
    "BENDR": BENDR,
    "InterpolatedBENDR": BENDR,
    "SignalJEPA_Contextual": SIGNAL_JEPA,
    "SignalJEPA_PostLocal": SIGNAL_JEPA,
    "SignalJEPA_PreLocal": SIGNAL_JEPA,
}
"""Contracts by the name of the model in braindecode."""


def find_pretraining_warnings(
    name: str,
    contract: Contract,
    datasets: Sequence[str],
    steps: Sequence[Mapping[str, Any]] | None,
) -> list[str]:
    """Return one line for each doubt about pretrained weights on a store.

    Parameters
    ----------
    name
        Name of the model, for the lines.
    contract
        Contract of the model.
    datasets
        Identifiers of the datasets of the store.
    steps
        Steps of the recipe of the store, each as its name and parameters. None if unknown.

    Examples
    --------
    >>> find_pretraining_warnings("braindecode/Labram", LABRAM, ("ds1",), [])
    ['braindecode/Labram was pretrained on signals of 0.1-75 Hz, notch; the recipe has no filter']
    """
    found: list[str] = []
    overlap = find_overlap(contract, tuple(datasets))
    if overlap:
        found.append(
            f"{name} was pretrained on data of {join_names(overlap)}: tests on this store are no "
            "tests on unseen people"
        )
    if contract.band is None or steps is None:
        return found
    differences = contract.band.find_differences(steps)
    if differences:
        listed = join_names(differences, limit=len(differences))
        found.append(
            f"{name} was pretrained on signals of {contract.band}; the recipe has {listed}"
        )
    return found


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


def _list_edges(steps: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """Return the edges in Hz of the high-passes and of the low-passes of a recipe."""
    lows: list[float] = []
    highs: list[float] = []
    for step in steps:
        band = step.get("filter") or {}
        lows += _numbers(band.get("low"))
        highs += _numbers(band.get("high"))
        drifts = step.get("drifts") or {}
        edges = _numbers(drifts.get("low"), drifts.get("high"))
        if len(edges) == 2:  # of the transition band of a high-pass
            lows.append(sum(edges) / 2)
    return lows, highs


def _numbers(*values: object) -> list[float]:
    """Return the numbers of values, because the text of a store may contain anything."""
    return [float(value) for value in values if isinstance(value, int | float)]
