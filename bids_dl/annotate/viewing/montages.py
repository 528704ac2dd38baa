"""Montages: which difference of channels each trace of a page is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from bids_dl.annotate.viewing.channel_groups import (
    canonical_electrode,
    parse_contact,
    reading_order,
)
from bids_dl.annotate.viewing.signals import (
    INTRACRANIAL_TYPES,
    Channel,
    Samples,
    SignalHeader,
)
from bids_dl.source.channels.channel_names import bare_label

MONTAGES = {
    "recorded": "as recorded",
    "average": "average reference",
    "banana": "double banana",
    "neighbours": "neighbouring contacts",
}
"""Titles of the montages by the name that URLs and the log use."""

CHAINS = {
    "left temporal": ("Fp1", "F7", "T7", "P7", "O1"),
    "left parasagittal": ("Fp1", "F3", "C3", "P3", "O1"),
    "midline": ("Fz", "Cz", "Pz"),
    "right parasagittal": ("Fp2", "F4", "C4", "P4", "O2"),
    "right temporal": ("Fp2", "F8", "T8", "P8", "O2"),
}
"""Electrodes of the longitudinal bipolar montage (ACNS guideline 3), from left to right."""

MIN_PAIRS = 4  # of a bipolar montage of the scalp: one chain
MIN_AVERAGED = 2  # good channels; the average of one is the channel itself


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace of a page: a channel minus the mean of others.

    Attributes
    ----------
    name
        Name at the left of the trace.
    group
        Shaft, region or chain, "" if there is none.
    kind
        MNE's type of the channel.
    is_bad
        True if a channel of the trace, other than one of an average, is bad.
    channels
        Names of the channels that the trace is of, without those of an average.
    signal
        Number of the channel.
    reference
        Numbers of the channels whose mean is subtracted. Empty for a channel as recorded.
    """

    name: str
    group: str
    kind: str
    is_bad: bool
    channels: tuple[str, ...]
    signal: int
    reference: tuple[int, ...] = ()


@dataclass(frozen=True)
class PageMontage:
    """Traces of a page, in order.

    Attributes
    ----------
    name
        One of `MONTAGES`.
    traces
        The traces.
    n_chans
        Number of channels of the recording that pages can show.
    """

    name: str
    traces: tuple[Trace, ...]
    n_chans: int

    @property
    def matrix(self) -> Samples:
        """Weights of the channels in each trace, (n_traces, n_chans)."""
        weights = np.zeros((len(self.traces), self.n_chans))
        for row, trace in enumerate(self.traces):
            weights[row, trace.signal] = 1.0
            for channel in trace.reference:
                weights[row, channel] -= 1 / len(trace.reference)
        return weights

    def apply(self, samples: Samples) -> Samples:
        """Compute the traces of samples of all channels.

        Parameters
        ----------
        samples
            (n_chans, n_times) in µV.

        Returns
        -------
        ndarray
            (n_traces, n_times) in µV. NaN where a channel of the trace is NaN. An average is that
            of the channels that have a sample.
        """
        traces = np.empty((len(self.traces), samples.shape[1]))
        means = {}
        for reference in self._averages:
            means[reference] = _mean(samples, reference)
        for row, trace in enumerate(self.traces):  # one pass over memory, unlike an index of rows
            if not trace.reference:
                traces[row] = samples[trace.signal]
            elif len(trace.reference) == 1:
                np.subtract(samples[trace.signal], samples[trace.reference[0]], out=traces[row])
            else:
                np.subtract(samples[trace.signal], means[trace.reference], out=traces[row])
        return traces

    @cached_property
    def _averages(self) -> set[tuple[int, ...]]:
        """Numbers of the channels of each average."""
        return {trace.reference for trace in self.traces if len(trace.reference) > 1}


def make_montage(channels: Sequence[Channel], name: str) -> PageMontage:
    """Make a montage of channels.

    Channels without brain signal follow as recorded.

    Parameters
    ----------
    channels
        Channels of a recording that pages can show.
    name
        One of `MONTAGES`. ``average`` is that of the good channels of the same type. ``banana``
        takes the electrodes by their 10-20 names, old or new. ``neighbours`` subtracts the next
        contact of the same shaft.

    Raises
    ------
    ValueError
        The name is unknown, or the channels do not allow the montage.

    Examples
    --------
    >>> from bids_dl.annotate.viewing.channel_groups import make_channels
    >>> channels = make_channels(["A1", "A2", "A3", "B'1"], ["seeg"] * 4)
    >>> [trace.name for trace in make_montage(channels, "neighbours").traces]
    ['A1-A2', 'A2-A3']
    """
    if name not in MONTAGES:
        raise ValueError(f"unknown montage {name!r}; use one of {', '.join(MONTAGES)}")
    traces = _TRACES[name](channels)
    if traces is None:
        raise ValueError(
            f"the channels do not allow the montage {name!r}; "
            f"use one of {', '.join(_possible(channels))}"
        )
    is_done = name in {"recorded", "average"}
    others = [] if is_done else [trace for trace in _as_recorded(channels) if not _is_brain(trace)]
    return PageMontage(name, (*traces, *others), len(channels))


def list_montages(header: SignalHeader) -> list[str]:
    """List the names of the montages that the channels of a recording allow.

    Examples
    --------
    >>> from bids_dl.annotate.viewing.channel_groups import make_channels
    >>> channels = make_channels(["A1", "A2", "ECG"], ["seeg", "seeg", "ecg"])
    >>> list_montages(SignalHeader(1000.0, 60.0, channels))
    ['recorded', 'average', 'neighbours']
    """
    return _possible(header.channels)


def _possible(channels: Sequence[Channel]) -> list[str]:
    return [name for name, make in _TRACES.items() if make(channels) is not None]


def _as_recorded(channels: Sequence[Channel]) -> list[Trace]:
    """Return a trace of each channel."""
    traces = []
    for number in reading_order(channels):
        channel = channels[number]
        names = (channel.name,)
        traces.append(
            Trace(channel.name, channel.group, channel.kind, channel.is_bad, names, number)
        )
    return traces


def _average(channels: Sequence[Channel]) -> list[Trace] | None:
    """Return each brain channel minus the mean of the good channels of its type."""
    averaged: dict[str, list[int]] = {}
    for number, channel in enumerate(channels):
        if channel.is_brain and not channel.is_bad:
            averaged.setdefault(channel.kind, []).append(number)
    averaged = {kind: numbers for kind, numbers in averaged.items() if len(numbers) >= MIN_AVERAGED}
    if not averaged:
        return None
    traces = []
    for trace in _as_recorded(channels):
        reference = tuple(averaged.get(trace.kind, ()))
        name = f"{_short_name(trace.name)}-avg" if reference else trace.name
        traces.append(
            Trace(
                name,
                trace.group,
                trace.kind,
                trace.is_bad,
                trace.channels,
                trace.signal,
                reference,
            )
        )
    return traces


def _banana(channels: Sequence[Channel]) -> list[Trace] | None:
    """Return the pairs of neighbours in the chains of electrodes that a recording has."""
    places: dict[str, int] = {}
    for number, channel in enumerate(channels):
        if channel.kind == "eeg":
            places.setdefault(canonical_electrode(channel.name), number)
    traces = []
    for chain, electrodes in CHAINS.items():
        for electrode, neighbour in pairwise(electrodes):
            first, second = (places.get(name.casefold()) for name in (electrode, neighbour))
            if first is not None and second is not None:
                names = (_electrode_name(channels[first]), _electrode_name(channels[second]))
                traces.append(_difference(channels, (first, second), names, chain))
    return traces if len(traces) >= MIN_PAIRS else None


def _neighbours(channels: Sequence[Channel]) -> list[Trace] | None:
    """Return each contact minus the next one of its shaft. A missing number ends a chain."""
    places: dict[tuple[str, int], int] = {}
    for number in reading_order(channels):
        contact = parse_contact(channels[number].name)
        if contact and channels[number].kind in INTRACRANIAL_TYPES:
            places.setdefault((contact.shaft, contact.number), number)
    traces = []
    for (shaft, number), first in places.items():
        second = places.get((shaft, number + 1))
        if second is not None:
            names = (f"{shaft}{number}", f"{shaft}{number + 1}")
            traces.append(_difference(channels, (first, second), names, shaft))
    return traces or None


def _difference(
    channels: Sequence[Channel], pair: tuple[int, int], names: tuple[str, str], group: str
) -> Trace:
    """Return the trace of the first of two channels minus the second."""
    first, second = channels[pair[0]], channels[pair[1]]
    return Trace(
        name="-".join(names),
        group=group,
        kind=first.kind,
        is_bad=first.is_bad or second.is_bad,
        channels=(first.name, second.name),
        signal=pair[0],
        reference=(pair[1],),
    )


def _is_brain(trace: Trace) -> bool:
    return trace.kind == "eeg" or trace.kind in INTRACRANIAL_TYPES


def _short_name(name: str) -> str:
    """Return the name of a channel without the kind of signal and the reference."""
    return bare_label(name).strip() or name


def _electrode_name(channel: Channel) -> str:
    """Return the name of an electrode as readers write it, old or new as in the file."""
    name = _short_name(channel.name)
    return name[0].upper() + name[1:].lower()


def _mean(samples: Samples, numbers: tuple[int, ...]) -> Samples:
    """Return the mean over some channels, of those that have a sample."""
    weights = np.zeros(len(samples))
    weights[list(numbers)] = 1 / len(numbers)
    mean = weights @ samples
    if np.isnan(mean).any():  # also if only a channel with a weight of 0 is NaN
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            mean = np.nanmean(samples[list(numbers)], axis=0)  # warns where no channel has one
    return np.asarray(mean)


_TRACES = {
    "recorded": _as_recorded,
    "average": _average,
    "banana": _banana,
    "neighbours": _neighbours,
}
