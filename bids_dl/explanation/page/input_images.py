"""Gradients at the result of a model's transform as small images, in SVG units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.page.levels import Levels, sequential

Floats = npt.NDArray[np.float64]
MAX_PIXELS = 32  # along each side; larger images are averaged
MAX_IMAGES = 9  # of an array with several


@dataclass(frozen=True, slots=True)
class InputImage:
    """An image of ``width`` x ``height`` pixels: a class of the style sheet and path per step."""

    title: str
    areas: tuple[tuple[str, str], ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class InputImages:
    """Images of one output.

    Attributes
    ----------
    transform, shape
        Name of the transform, and shape of its result as text.
    n_left_out
        Number of images that are not shown.
    """

    name: str
    transform: str
    shape: str
    images: tuple[InputImage, ...]
    n_left_out: int
    levels: Levels


def draw_input(of_input: Floats, output: int, name: str, transform: str) -> InputImages | None:
    """Draw the mean absolute gradient at the result of a transform.

    Parameters
    ----------
    of_input
        (n_outputs, *shape). An array of one dimension is one row of pixels; of more than two, the
        last two are the rows and columns of images.
    output
        Number of the output.
    name, transform
        Names of the output and of the transform.

    Returns
    -------
    InputImages or None
        The images. None if the model has no transform.
    """
    if of_input.ndim < 2 or not of_input.size:
        return None
    values = of_input[output]
    peak = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    stack = np.atleast_2d(values / peak if peak > 0 else values)
    stack = stack.reshape(-1, *stack.shape[-2:])
    levels = sequential([0.0, 1.0], "of the largest", from_zero=True)
    images = []
    for number, image in enumerate(stack[:MAX_IMAGES]):
        title = f"image {number + 1}" if len(stack) > 1 else "image"
        small = _average(_average(image).T).T
        images.append(
            InputImage(title, _write_areas(small, levels), small.shape[1], small.shape[0])
        )
    shape = " × ".join(map(str, values.shape))
    return InputImages(
        name, transform, shape, tuple(images), max(0, len(stack) - MAX_IMAGES), levels
    )


def _average(image: Floats) -> Floats:
    """Average neighbouring rows, so that at most `MAX_PIXELS` remain."""
    size = -(-len(image) // MAX_PIXELS)
    starts = np.arange(0, len(image), size)
    counts = np.diff([*starts, len(image)])
    means: Floats = np.add.reduceat(image, starts, axis=0) / counts[:, None]
    return means


def _write_areas(image: Floats, levels: Levels) -> tuple[tuple[str, str], ...]:
    """Write the pixels of each step as one path of rows of equal pixels."""
    steps = np.where(np.isfinite(image), levels.step_of(image), -1)
    parts: dict[int, list[str]] = {}
    for y, row in enumerate(steps):
        ends = np.flatnonzero(np.diff(row)) + 1
        for start, stop in zip([0, *ends], [*ends, len(row)], strict=True):
            path = f"M{start} {y}h{stop - start}v1h{start - stop}z"
            parts.setdefault(int(row[start]), []).append(path)
    areas = [(levels.styles[step], "".join(parts[step])) for step in sorted(parts) if step >= 0]
    return tuple(areas)
