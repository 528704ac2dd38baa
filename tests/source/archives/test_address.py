"""Addresses of datasets: what is understood, and what is refused with the address to write."""

from __future__ import annotations

import pytest

from bids_dl.errors import SourceError
from bids_dl.source.archives.address import parse_address


@pytest.mark.parametrize("source", ["OpenNeuro:DS004362@1.0.0", " openneuro: ds004362 @ 1.0.0 "])
def test_capitals_and_blanks_of_an_address_do_not_matter(source):
    address = parse_address(source)
    assert (address.kind, address.accession, address.version) == ("openneuro", "ds004362", "1.0.0")


@pytest.mark.parametrize("source", [" data/ds1 ", "C:\\data\\ds1", "./openneuro", "~/ds1"])
def test_a_path_is_a_folder_as_it_was_given(source):
    address = parse_address(source)
    assert (address.kind, address.text) == ("folder", source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("openneuro:ds004362@", "no version after '@'; leave out '@' for the newest version"),
        ("nemar:on004362@ ", "such as nemar:on004362@1.0.0"),
        ("openneuro:ds4362", "ds4362 is not an accession of openneuro; expected ds and six digits"),
        ("openneuro:ds００４３６２", "is not an accession"),
        ("openneuro:../../x", "is not an accession"),
        ("openneuro:", "nothing is not an accession"),
        ("nemar:ds004362", "write openneuro:ds004362"),
        ("opnneuro:ds004362", "did you mean 'openneuro'"),
        ("s3:/bucket/ds1", "write s3://bucket/ds1, or ./s3:/bucket/ds1 for a folder"),
    ],
)
def test_a_wrong_address_is_refused_with_the_address_to_write(source, message):
    with pytest.raises(SourceError) as refusal:
        parse_address(source)
    assert message in str(refusal.value)
