from __future__ import annotations

import doctest

from bids_dl.explanation.page import channel_figures, saliency


def test_the_examples_are_right():
    assert doctest.testmod(saliency).failed == 0
    assert doctest.testmod(channel_figures).failed == 0
