"""Signals that a stream requests of its stores, and the check that stores fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any

from bids_dl.config.arguments import wrong_type
from bids_dl.datamodel import exact_rate
from bids_dl.errors import ConfigError, StoreError
from bids_dl.store import Store
from bids_dl.stream.mixing.resampling import resampled_length
from bids_dl.wording import join_names

ANY_MONTAGE = "any"
MAX_SFREQ = 1e6  # Hz, as in the card of a model; higher ones fill the memory


@dataclass(frozen=True, slots=True)
class SignalRequest:
    """Channels and rate of the signals that a stream delivers.

    Parameters
    ----------
    montage
        "any" accepts stores with other channels. None requires the same channels.
    sfreq
        Sampling rate in Hz. None requires one rate of all stores, and keeps that rate.

    Raises
    ------
    ConfigError
        A value is out of range.
    ArgumentTypeError
        ``sfreq`` is no number.
    """

    montage: Any = None
    sfreq: Any = None

    def __post_init__(self) -> None:
        is_name = isinstance(self.montage, str) and self.montage == ANY_MONTAGE
        if self.montage is not None and not is_name:
            raise ConfigError(f"montage must be {ANY_MONTAGE!r} or None, got {self.montage!r}")
        if self.sfreq is None:
            return
        sfreq = self.sfreq
        if not isinstance(sfreq, Real) or isinstance(sfreq, bool):
            raise wrong_type("sfreq", "a rate in Hz or None", sfreq)
        if not 0 < self.sfreq <= MAX_SFREQ or exact_rate(float(self.sfreq)) == 0:
            raise ConfigError(
                f"sfreq must be a positive rate in Hz, got {self.sfreq}; the highest is "
                f"{MAX_SFREQ:.0f}"
            )
        object.__setattr__(self, "sfreq", float(self.sfreq))  # from any type of number

    def keeps(self, stores: Sequence[Store]) -> bool:
        """Return True if the signals of all stores are delivered as they are stored."""
        rates = {store.sfreq for store in stores}
        return self.montage is None and (self.sfreq is None or rates == {float(self.sfreq)})


def check_fit(stores: Sequence[Store], request: SignalRequest) -> None:
    """Check that the windows of stores can be delivered in the same batches.

    Raises
    ------
    StoreError
        A store does not fit the first one, or its windows are no whole number of samples at the
        requested rate.
    """
    first = stores[0]
    for store in stores[1:]:
        _check_fit(first, store, request)
    if request.sfreq is not None:
        for store in stores:
            _check_length(store, request.sfreq)


def _check_fit(first: Store, other: Store, request: SignalRequest) -> None:
    stores = f"{other.url} does not fit {first.url}"
    if request.montage is None and other.channels != first.channels:
        only_other = [name for name in other.channels if name not in first.channels]
        only_first = [name for name in first.channels if name not in other.channels]
        difference = "the order of their channels differs"
        if only_other or only_first:
            names = join_names([*only_other, *only_first], limit=5)
            difference = f"only one of them has the channels {names}"
        raise StoreError(
            f"{stores}: {difference}; convert them with the same channels, "
            'or stream them with montage="any"'
        )
    if request.sfreq is None and other.sfreq != first.sfreq:
        raise StoreError(
            f"{stores}: {other.sfreq:g} Hz and {first.sfreq:g} Hz; "
            "convert them at the same rate, or stream them with sfreq="
        )
    if _duration(other) != _duration(first):
        raise StoreError(
            f"{stores}: windows of {_describe_length(other)} and {_describe_length(first)}; "
            "convert them with the same window"
        )


def _check_length(store: Store, sfreq: float) -> None:
    """Check that a window is a whole number of samples at a rate in Hz."""
    n_times = store.shape[2]
    if exact_rate(store.sfreq) <= 0:
        raise StoreError(f"{store.url}: has no sampling rate, so sfreq= cannot be used")
    length = resampled_length(n_times, store.sfreq, sfreq)
    if length.denominator == 1:
        return
    period = (exact_rate(sfreq) / exact_rate(store.sfreq)).denominator
    nearest = max(1, round(n_times / period)) * period
    raise StoreError(
        f"{store.url}: windows of {_describe_length(store)} are {float(length):.6g} samples at "
        f"{sfreq:g} Hz; convert with a window of {nearest / store.sfreq:.10g} s, "
        "or choose another sfreq"
    )


def _duration(store: Store) -> Fraction:
    """Return the length of a window in s, or in samples if the rate is unknown."""
    return store.shape[2] / (exact_rate(store.sfreq) or Fraction(1))


def _describe_length(store: Store) -> str:
    duration = f"{float(_duration(store)):.6g} s at {store.sfreq:g} Hz"
    return f"{store.shape[2]} samples ({duration})"
