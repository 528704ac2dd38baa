"""The plan of a store, decided before any sample is read."""

from __future__ import annotations

import pytest
from conversions import EYES_QUERIES

from bids_dl.config import parsing
from bids_dl.errors import TargetError
from bids_dl.planning.plan import make_plan


def plan_of(root, **options):
    options = {"hed": EYES_QUERIES, "window": 2, **options}
    return make_plan([str(root)], parsing.parse_request(options))


def test_windows_of_two_seconds_are_the_default(eegbci):
    plan = plan_of(eegbci, window=None)
    assert plan.request.windows == plan_of(eegbci).request.windows
    assert "using sliding windows of 2 s" in plan.warnings[0]


def test_equal_requests_have_equal_identities_and_staging_keys(eegbci):
    first, second = plan_of(eegbci, subject=["001"]), plan_of(eegbci, subject=["001"])
    assert first.identity == second.identity
    assert first.staging_keys == second.staging_keys


@pytest.mark.parametrize(
    ("options", "changes_identity", "changes_keys"),
    [
        ({"seed": 1}, True, False),
        ({"dtype": "int16"}, True, False),
        ({"set": {"filter.high": 40}}, True, True),
        ({"window": 1}, True, True),
    ],
)
def test_an_option_changes_the_staging_keys_only_if_it_changes_the_staged_bytes(
    eegbci, options, changes_identity, changes_keys
):
    before, after = plan_of(eegbci), plan_of(eegbci, **options)
    assert (before.identity != after.identity) is changes_identity
    assert (before.staging_keys != after.staging_keys) is changes_keys


def test_a_column_of_events_tsv_is_read_in_the_row_of_the_event(eegbci):
    plan = plan_of(eegbci, subject=["001"])
    assert plan.event_cell(plan.events[0], "value") != "n/a"
    assert plan.event_cell(plan.events[0], "no_such_column") == "n/a"
    assert not set(plan.event_columns) & {"onset", "HED"}


def test_too_few_people_for_the_splits_are_warned_about(eegbci):
    plan = plan_of(eegbci, subject=["001"])
    assert "too few people (1) for 3 splits: all are `train`" in plan.warnings


def test_a_split_without_a_label_is_warned_about(eegbci_copy):
    table = eegbci_copy / "participants.tsv"
    header, *rows = table.read_text().splitlines()
    parts = ["test" if row.startswith("sub-003") else "train" for row in rows]
    lines = [f"{row}\t{part}" for row, part in zip(rows, parts, strict=True)]
    table.write_text("\n".join([f"{header}\tpart", *lines]))
    for file in eegbci_copy.glob("sub-003/eeg/*run-2*"):
        file.unlink()
    plan = plan_of(eegbci_copy, split="part")
    assert "no window of eyes_closed in the split test" in plan.warnings


def test_a_split_column_that_does_not_exist_is_refused_with_the_columns(eegbci):
    with pytest.raises(TargetError, match=r"no such column \(available: .*Handedness"):
        plan_of(eegbci, split="part")
