"""The commands push and pull."""

from __future__ import annotations

import pytest
from command_line import assert_refused

from bids_dl.cli.show_transfer import describe_transfer
from bids_dl.publishing.rights import Rights, SourceRights
from bids_dl.publishing.transfer import TransferOutcome


def test_a_push_and_a_pull_print_the_address_last(command, eyes_store):
    pushed = command("push", eyes_store, "public/eyes.zarr")
    assert pushed.status == 0, pushed.err
    assert pushed.out.splitlines() == ["sent: 72 objects, 6 MB", "public/eyes.zarr"]
    assert "licence: CC0-1.0" in pushed.err
    pulled = command("pull", "public/eyes.zarr", "copy.zarr")
    assert pulled.out.splitlines()[-1] == "copy.zarr"
    assert command("verify", "copy.zarr").status == 0


def test_a_second_push_says_that_nothing_was_copied(command, eyes_store):
    command("push", eyes_store, "public/eyes.zarr")
    again = command("push", eyes_store, "public/eyes.zarr")
    assert again.status == 0
    assert again.out.splitlines()[0] == "already there, nothing copied"


def test_another_store_at_the_place_is_status_2(command, eyes_store, small_eyes):
    command("push", eyes_store, "public/eyes.zarr")
    result = command("push", small_eyes, "public/eyes.zarr")
    assert result.status == 2
    assert "holds another store" in result.err


def test_a_dry_run_shows_licences_and_sizes(command, eyes_store):
    result = command("push", eyes_store, "public/eyes.zarr", "--dry-run")
    assert "to copy: 72 objects, 6 MB" in result.out
    assert "ds004362: CC0" in result.out


def test_json_has_the_address_and_the_licence(command, eyes_store):
    content = command("push", eyes_store, "public/eyes.zarr", "--json").json
    assert content["state"] == "sent"
    assert content["licence"] == "CC0-1.0"
    assert content["address"] == "public/eyes.zarr"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--jobs", "0"), "--jobs 0: expected a number of at least 1"),
        (("--doi", "soon"), "--doi 'soon': is no DOI"),
        (("--private",), "--private has no effect"),
    ],
)
def test_wrong_options_are_refused(command, eyes_store, arguments, message):
    assert_refused(command("push", eyes_store, "public/eyes.zarr", *arguments), message)


def test_a_missing_store_is_refused(command):
    assert_refused(command("push", "nothing.zarr", "public/eyes.zarr"), "no store there")


def test_a_resumed_transfer_says_what_was_there():
    outcome = TransferOutcome("resumed", "a", "b", "c", "", 10, 100, 3, 30, unchecked=2)
    assert describe_transfer(outcome) == [
        "resumed: 3 objects, 30 bytes; 7 objects already there",
        "2 objects compared by size only, because the server states no SHA-256; --check reads "
        "them back",
        "c",
    ]


def test_licences_of_a_dry_run_are_lines():
    rights = Rights("", (SourceRights("ds1", "ask me", ""),))
    outcome = TransferOutcome("planned", "a", "b", "c", "", 1, 1, 1, 1, rights=rights)
    assert describe_transfer(outcome)[1:3] == ["licence: those of the sources", "ds1: ask me"]


@pytest.fixture
def small_eyes(eegbci, tmp_path):
    """Store of one person of the sample."""
    from conversions import convert

    convert(eegbci, tmp_path / "one.zarr", subject="001", split=1)
    return tmp_path / "one.zarr"
