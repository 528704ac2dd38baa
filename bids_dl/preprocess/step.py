"""Protocols of a preprocessing step, and the values that steps and recipes exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from bids_dl.datamodel import SignalSpec, StepReport

if TYPE_CHECKING:
    import mne


def reject_bool(value: Any) -> Any:
    """Reject true and false, which pydantic would convert to 1 and 0.

    Raises
    ------
    ValueError
        The value is a bool.
    """
    if isinstance(value, bool):
        raise ValueError("expected a number, got true or false")
    return value


def as_tuple(value: Any) -> Any:
    """Wrap a single string or number in a tuple, so that YAML may omit the list."""
    return (value,) if isinstance(value, str | int | float) else value


Hertz: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(reject_bool)]
Seconds: TypeAlias = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(reject_bool)]
Names: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(as_tuple)
]
Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StepTraits:
    """Properties of a step that recipes, the order of steps and the memory estimate depend on.

    Attributes
    ----------
    packages
        Distributions, by their names on PyPI, that the step computes with and that a plain
        installation lacks.
    memory_factor
        Measured peak memory over the bytes of the samples that the step is given; 0 if it is
        below that of filtering and resampling.
    keeps_samples
        The step leaves the values of the samples of each channel as they are, so that dropouts
        can still be found after it.
    changes_rate
        The step may change the sampling rate.
    concatenates
        The step keeps selected parts of the recording only, one after the other. A recipe has at
        most one such step, after all steps that change the rate.
    marks_dropouts
        The step annotates dropouts. Only steps that keep samples may precede it.
    needs_dropouts
        The step uses the annotated dropouts, so a step that marks them must precede it.
    computes_intervals
        The step is an `IntervalStep`.
    """

    packages: tuple[str, ...] = ()
    memory_factor: float = 0.0
    keeps_samples: bool = False
    changes_rate: bool = False
    concatenates: bool = False
    marks_dropouts: bool = False
    needs_dropouts: bool = False
    computes_intervals: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Part of a recording that a step must see to compute one sample correctly.

    Attributes
    ----------
    kind
        ``"samples"``: the samples around it. ``"recording"``: the whole recording, including
        what lies beyond discontinuities; for a step on windows, all windows of the recording
        together. ``"windows"``: the window of the sample only.
    margin
        Seconds before and after the sample, for ``"samples"``; infinite: the whole continuous
        segment.
    """

    kind: Literal["samples", "recording", "windows"]
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of one recording, as the steps on windows receive them.

    Attributes
    ----------
    signals
        (n_windows, n_chans, n_times) in µV.
    times
        (n_times,) in s relative to the event; for sliding windows, to the window's first sample.
    info
        Names, types, positions and bad flags of the channels, in order.
    dropout_mask
        (n_windows, n_chans, n_times): samples in dropouts; all False if the recipe does not look
        for dropouts.
    """

    signals: Array
    times: Array
    info: mne.Info
    dropout_mask: Mask


@dataclass(frozen=True, slots=True)
class WindowStepResult:
    """Windows after one step, and which of them the step drops.

    Attributes
    ----------
    signals
        (n_windows, n_chans, n_times) in µV, including the windows that are dropped.
    reasons
        The reason for dropping each window, or "" if it is kept.
    """

    signals: Array
    reasons: tuple[str, ...]
    report: StepReport


class Step(Protocol):
    """A frozen dataclass whose fields are the parameters that a recipe may set."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def traits(self) -> StepTraits:
        """Properties of the step: a class attribute unless they depend on its parameters."""
        ...

    def required_context(self, spec: SignalSpec) -> Context:
        """Return the part of a recording that the step must see, given the signal before it."""
        ...

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return channels and rate after the step.

        Raises
        ------
        RecordingError
            The step cannot be applied to a signal with these channels or this rate.
        """
        ...


class SignalStep(Step, Protocol):
    """A step on the continuous signal of a recording."""

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Process a loaded recording, in place if MNE can, and report the changes.

        Parameters
        ----------
        spec
            Channels and rate of ``raw``.
        """
        ...


class IntervalStep(SignalStep, Protocol):
    """A step on the continuous signal that can compute some samples without the others."""

    def apply_to_intervals(
        self, raw: mne.io.BaseRaw, spec: SignalSpec, intervals: Sequence[tuple[int, int]]
    ) -> tuple[mne.io.BaseRaw, StepReport]:
        """Process a loaded recording as `apply` does, but only samples in some intervals.

        Parameters
        ----------
        intervals
            First sample and the sample after the last of each interval, at the rate of the result.

        Returns
        -------
        raw : mne.io.BaseRaw
            Samples inside of the intervals equal those of `apply`; others may be NaN.
        report : StepReport
            That of `apply`.
        """
        ...


class WindowStep(Step, Protocol):
    """A step on windows, after they are extracted from the signal."""

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        """Process windows and decide which are dropped.

        Without any window, only check that the step can be applied to windows of these times.
        """
        ...
