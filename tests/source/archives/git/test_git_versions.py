"""Tags and branches, and the choice among them."""

from __future__ import annotations

import pytest

from bids_dl.source.archives.git.git_versions import choose_version, read_versions

COMMIT = "c" * 40
REFS = {
    "HEAD": "h",
    "refs/heads/main": "h",
    "refs/heads/git-annex": "g",
    "refs/tags/1.0.0": "a",
    "refs/tags/1.10.0": "tag",
    "refs/tags/1.10.0^{}": COMMIT,
    "refs/tags/1.9.0": "b",
    "refs/tags/draft": "d",
    "refs/pull/1/head": "p",
}
VERSIONS = read_versions(REFS)


def test_annotated_tags_stand_for_their_commits():
    assert VERSIONS.tags == {"1.0.0": "a", "1.10.0": COMMIT, "1.9.0": "b", "draft": "d"}
    assert VERSIONS.annex_commit == "g"


@pytest.mark.parametrize(
    ("version", "choice"),
    [
        ("", ("1.10.0", "tag")),
        ("1.9.0", ("1.9.0", "b")),
        ("v1.9.0", ("1.9.0", "b")),
        ("draft", ("draft", "d")),
        (COMMIT, ("1.10.0", "tag")),
        ("e" * 40, ("", "e" * 40)),
        ("2.0.0", None),
        ("main", None),
    ],
)
def test_a_version_is_chosen(version, choice):
    assert choose_version(VERSIONS, version) == choice


def test_versions_with_a_letter_are_found_without_it():
    assert choose_version(read_versions({"refs/tags/v1.0.0": "a"}), "1.0.0") == ("v1.0.0", "a")


def test_without_versions_the_newest_is_the_main_branch():
    versions = read_versions({"refs/heads/master": "m", "refs/heads/git-annex": "g"})
    assert choose_version(versions, "") == ("", "m")
    assert choose_version(read_versions({}), "") is None


def test_an_unknown_version_is_described_with_the_known_ones():
    text = VERSIONS.describe("7")
    assert text == "no version '7'; use one of 1.10.0, 1.9.0, 1.0.0, draft"
    assert "no versions" in read_versions({}).describe("1.0.0")
