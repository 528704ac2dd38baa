"""Grouping of messages that differ in numbers, channels and paths."""

from __future__ import annotations

import pytest

from bids_dl.reporting.message_groups import MessageGroup, group_messages


def test_messages_that_differ_in_numbers_channels_and_paths_form_one_group():
    messages = [
        ("ds/sub-1/eeg/sub-1", "sub-1/eeg/sub-1_eeg.edf: 12.5 uV on Fp1, 300 allowed"),
        ("ds/sub-1/eeg/sub-1", "sub-1/eeg/sub-1_eeg.edf: 12.5 uV on Fp10, 300 allowed"),
        ("ds/sub-2/eeg/sub-2", "sub-2/eeg/sub-2_eeg.edf: -7 uV on C3, 300 allowed"),
        ("ds/sub-2/eeg/sub-2", "positions of standard_1005"),
    ]
    larger, smaller = group_messages(messages, channels={"Fp1", "Fp10", "C3"})
    assert larger == MessageGroup(
        text="…_eeg.edf: … uV on …, 300 allowed",
        first=messages[0][1],
        identical=False,
        count=3,
        recordings=("ds/sub-1/eeg/sub-1", "ds/sub-2/eeg/sub-2"),
    )
    assert smaller == MessageGroup(
        text=messages[3][1],
        first=messages[3][1],
        identical=True,
        count=1,
        recordings=("ds/sub-2/eeg/sub-2",),
    )


@pytest.mark.parametrize(("first_clause_only", "n_groups"), [(True, 1), (False, 2)])
def test_details_after_the_first_clause_separate_groups_only_on_request(
    first_clause_only, n_groups
):
    messages = [("ds/sub-1", "bad channels: Cz is flat"), ("ds/sub-2", "bad channels: Fz is noisy")]
    assert len(group_messages(messages, first_clause_only=first_clause_only)) == n_groups
