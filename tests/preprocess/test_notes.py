"""Steps that changed nothing, or nearly everything."""

from __future__ import annotations

import pytest

from bids_dl.preprocess.notes import settled, share_flag


@pytest.mark.parametrize(
    ("share", "notes"),
    [
        (0.0, ("changed nothing",)),
        (1e-6, ()),
        (0.75, ()),
        (0.8, ("changed nearly everything: 80% of the samples",)),
    ],
)
def test_only_none_and_nearly_all_are_flagged(share, notes):
    assert share_flag(share, "samples") == notes


def test_a_flag_holds_for_a_recording_only_where_it_holds_for_each_of_its_parts():
    nothing, some, most = share_flag(0, "samples"), ("note",), share_flag(0.9, "samples")
    assert settled([nothing, some]) == ["note"]
    assert settled([nothing, nothing]) == ["changed nothing"]
    assert settled([most, nothing]) == []
    assert settled([(*most, "note"), share_flag(0.8, "samples")]) == ["note", most[0]]
