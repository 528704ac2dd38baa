from __future__ import annotations

import re

import numpy as np
import pytest

from bids_dl.explanation.page.input_images import MAX_IMAGES, MAX_PIXELS, draw_input


def area_of(image) -> int:
    """Return the number of pixels that the paths of an image cover."""
    return sum(int(width) for _, path in image.areas for width in re.findall(r"h(\d+)v1", path))


@pytest.mark.parametrize(
    ("shape", "n_images", "size"),
    [((24,), 1, (24, 1)), ((24, 20), 1, (20, 24)), ((3, 24, 24), 3, (24, 24))],
)
def test_each_image_has_every_pixel_once(shape, n_images, size):
    values = np.random.default_rng(0).random((2, *shape))
    drawn = draw_input(values, 1, "closed", "")
    assert len(drawn.images) == n_images
    for image in drawn.images:
        assert (image.width, image.height) == size
        assert area_of(image) == size[0] * size[1]


def test_the_largest_gradient_has_the_last_colour():
    values = np.zeros((1, 4, 4))
    values[0, 0, 3] = 1e-6
    [image] = draw_input(values, 0, "closed", "").images
    assert dict(image.areas)["v8"] == "M3 0h1v1h-1z"


def test_large_images_are_averaged_and_many_are_counted():
    drawn = draw_input(np.ones((1, MAX_IMAGES + 2, 100, 64)), 0, "closed", "")
    assert drawn.n_left_out == 2
    assert all(max(image.width, image.height) <= MAX_PIXELS for image in drawn.images)


@pytest.mark.parametrize("values", [np.zeros(0), np.zeros((2, 0))])
def test_a_model_without_a_transform_has_no_image(values):
    assert draw_input(values, 0, "closed", "") is None


def test_gradients_that_are_zero_or_nan_are_drawn():
    assert draw_input(np.zeros((1, 2, 2)), 0, "closed", "").images[0].areas[0][0] == "v0"
    assert draw_input(np.full((1, 2, 2), np.nan), 0, "closed", "").images[0].areas == ()
