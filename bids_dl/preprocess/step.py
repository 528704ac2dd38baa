"""What a step is: validated parameters, what it needs, what it makes of a layout and of a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from bids_dl.datamodel import SignalSpec, StepReport

if TYPE_CHECKING:
    import mne


def number(value: Any) -> Any:
    """Refuse what pydantic would take for 0 or 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number, got true or false")
    return value


def listing(value: Any) -> Any:
    """A single text or number stands for a list of one."""
    return (value,) if isinstance(value, str | int | float) else value


Hertz: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(number)]
Seconds: TypeAlias = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(number)]
Names: TypeAlias = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(listing)
]
Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Context:
    """How much of a recording a step must see to get a sample right.

    Parameters
    ----------
    kind
        ``"samples"``: the samples around it; ``"recording"``: all of it, across places where time jumps, or for a step on windows all
        windows of the recording together; ``"windows"``: its window only.
    margin
        Seconds on either side, for ``"samples"``; infinite: all up to where the signal is not continuous.
    """

    kind: Literal["samples", "recording", "windows"]
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of one recording, as the steps on windows see them.

    Attributes
    ----------
    signals
        (n_windows, n_chans, n_times) in µV.
    times
        (n_times,) in s relative to the event; for sliding windows to the window's first sample.
    info
        Of the channels, in their order: names, types, positions, which are bad.
    silent
        (n_windows, n_chans, n_times): samples in which amplifier or link was silent, where the recipe looks for them.
    """

    signals: Array
    times: Array
    info: mne.Info
    silent: Mask


@dataclass(frozen=True, slots=True)
class WindowStepResult:
    """What a step made of windows, and which of them it drops.

    Attributes
    ----------
    signals
        As given, (n_windows, n_chans, n_times) in µV; also of those that are dropped.
    reasons
        Of each window: why it is dropped, "" where it stays.
    """

    signals: Array
    reasons: tuple[str, ...]
    report: StepReport


class Step(Protocol):
    """A frozen dataclass whose fields are the parameters a recipe may set."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def needs(self, spec: SignalSpec) -> Context:
        """What the step must see of a recording with this layout."""
        ...

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Channels and rate after the step; `RecordingError` where it cannot be done."""
        ...


class SignalStep(Step, Protocol):
    """A step on a recording."""

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Change a loaded recording of this layout (in place where MNE can) and say what changed."""
        ...


class WindowStep(Step, Protocol):
    """A step on windows, after they are cut."""

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        """New windows and which of them go; without a window it only finds out whether it fits windows of these times."""
        ...
