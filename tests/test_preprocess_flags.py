"""Steps that changed nothing, or nearly everything."""

from __future__ import annotations

import pytest

from bids_dl.preprocess.flags import flagged


@pytest.mark.parametrize(
    ("share", "notes"),
    [(0.0, ("changed nothing",)), (1e-6, ()), (0.75, ()), (0.8, ("changed nearly everything: 80% of the samples",))],
)
def test_only_none_and_nearly_all_are_flagged(share, notes):
    assert flagged(share, "samples") == notes
