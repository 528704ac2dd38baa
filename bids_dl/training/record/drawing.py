"""Elements that the figures of a record share: colours, axes, short names and PNG files."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bids_dl.errors import escape_controls

TRAIN_COLOR = "#1f6f8b"
VALIDATION_COLOR = "#c8504a"
TEST_COLOR = "#a56a00"
TEXT_COLOR = "#30343b"
REFERENCE_COLOR = "0.6"
SERIES_COLORS = ("#1f6f8b", "#c8504a", "#a56a00", "#6a4c93", "#2a7d5c", "#8d5a3b")
MAX_NAME_CHARS = 28  # longer names of classes and columns are shortened in figures
PNG_DPI = 150

plain_text = rc_context({"text.parse_math": False})
"""Decorator of functions that draw names, which may have dollar signs."""


def shorten_name(name: str, max_chars: int = MAX_NAME_CHARS) -> str:
    """Shorten a name to a line of a figure.

    Examples
    --------
    >>> shorten_name("a very long name of a class", 12)
    'a very long…'
    """
    name = escape_controls(name)
    return name if len(name) <= max_chars else f"{name[: max_chars - 1].rstrip()}…"


def style_axes(axes: Axes) -> None:
    """Add a grid below the data, and remove the upper and right border."""
    axes.grid(visible=True, color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of a width and height in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. The same figure gives the same bytes."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=PNG_DPI, metadata={"Software": None})
