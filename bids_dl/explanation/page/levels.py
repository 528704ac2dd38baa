"""Levels of colour: steps of values, each with a class of the style sheet and a colour bar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_SEQUENTIAL = 9  # steps of colour; more cannot be told apart
N_DIVERGING = 11  # five below 0, one around 0, five above 0
ROUND_NUMBERS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
MIN_SPAN = 1e-9  # of the levels of values that are all equal, in the unit of the values


@dataclass(frozen=True, slots=True)
class Levels:
    """Steps of values that share a colour.

    Attributes
    ----------
    prefix
        First letter of the classes of the style sheet: ``"d"`` for differences, which has a
        neutral colour around 0, and ``"v"`` for values.
    edges
        Limits of the steps, ascending: one more than there are steps. Values outside belong to
        the first and the last step.
    unit
        Unit of the values. Empty for none.
    """

    prefix: str
    edges: tuple[float, ...]
    unit: str

    @property
    def styles(self) -> tuple[str, ...]:
        """Class of the style sheet of each step."""
        return tuple(f"{self.prefix}{step}" for step in range(len(self.edges) - 1))

    @property
    def labels(self) -> tuple[str, str, str]:
        """Lowest, middle and highest value of the colour bar, the last one with its unit."""
        low, high = self.edges[0], self.edges[-1]
        texts = [_strip_zeros(self.format(value)) for value in (low, (low + high) / 2, high)]
        return texts[0], texts[1], f"{texts[2]} {self.unit}".rstrip()

    def step_of(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the step of each value."""
        inner = np.asarray(self.edges[1:-1])
        return np.asarray(np.searchsorted(inner, np.asarray(values, float), side="right"))

    def format(self, value: float) -> str:
        """Format a value with decimals that tell the steps apart, and differences with a sign."""
        decimals = _count_decimals(self.edges[-1] - self.edges[0])
        return format_number(value, decimals, "+" if self.prefix == "d" else "")


def diverging(values: npt.ArrayLike, unit: str) -> Levels:
    """Make levels around 0 that hold all finite values.

    Examples
    --------
    >>> diverging([-1.0, 3.7], "dB").labels
    ('−4', '0', '+4 dB')
    """
    finite = _finite(values)
    limit = round_up(float(np.abs(finite).max())) if finite.size else 1.0
    return Levels("d", _space(-limit, limit, N_DIVERGING), unit)


def sequential(values: npt.ArrayLike, unit: str, *, from_zero: bool = False) -> Levels:
    """Make levels from the least finite value, or from 0, to the greatest.

    Examples
    --------
    >>> sequential([0.5, 3.7], "%", from_zero=True).labels
    ('0', '2', '4 %')
    """
    finite = _finite(values)
    if not finite.size:
        return Levels("v", _space(0.0, 1.0, N_SEQUENTIAL), unit)
    low, high = float(finite.min()), float(finite.max())
    if from_zero:
        return Levels("v", _space(0.0, round_up(high), N_SEQUENTIAL), unit)
    high = max(high, low + MIN_SPAN)
    return Levels("v", _space(low, high, N_SEQUENTIAL), unit)


def round_up(value: float) -> float:
    """Round a number above 0 up to one of few digits, and any other number to 1.

    Examples
    --------
    >>> round_up(0.034), round_up(7.0), round_up(0.0)
    (0.04, 8.0, 1.0)
    """
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for number in ROUND_NUMBERS:
        if number * power >= value * (1 - 1e-9):
            return float(f"{number * power:.12g}")
    return 10 * power


def format_number(value: float, decimals: int, sign: str = "") -> str:
    """Format a number with a true minus, without a sign of 0.

    Examples
    --------
    >>> format_number(-1.25, 1), format_number(0.0, 0, "+"), format_number(float("nan"), 1)
    ('−1.2', '0', '–')
    """
    if not math.isfinite(value):
        return "–"
    rounded = round(value, decimals) + 0.0  # adding 0.0 turns -0.0 into 0.0
    text = f"{rounded:{sign if rounded else ''}.{decimals}f}"
    return text.replace("-", "−")


def _count_decimals(span: float) -> int:
    """Return the decimals that tell the steps of a span apart."""
    return max(0, min(7, 2 - math.floor(math.log10(max(span, 1e-6)))))


def _strip_zeros(text: str) -> str:
    """Remove the zeros at the end of a decimal fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _space(low: float, high: float, n_steps: int) -> tuple[float, ...]:
    return tuple(float(edge) for edge in np.linspace(low, high, n_steps + 1))


def _finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, float)
    finite: npt.NDArray[np.float64] = numbers[np.isfinite(numbers)]
    return finite
