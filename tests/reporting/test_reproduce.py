"""Options of the page that reproduce a store."""

from __future__ import annotations

import pytest
import yaml

from bids_dl.config.documents import request_to_document
from bids_dl.config.parsing import parse_request
from bids_dl.reporting.reproduce import convert_command, options_file


@pytest.mark.parametrize(
    "options",
    [
        {"hed": {"a": "Eyes-open"}, "window": 2},
        {
            "hed": {
                "a": {
                    "any": ["Eyes-open", {"all": ["Eyes-closed", "Rest"]}],
                    "until": 30,
                    "trim": [1, 2],
                    "exclude": ["Rest", "Shut"],
                },
                "yes": {
                    "hed": "Eyes-closed",
                    "until": "next",
                    "within": [1, 5],
                    "min_duration": 3,
                    "during": "Rest",
                    "around": ["Rest", 2],
                },
            },
            "aliases": {"Shut": ["Eyes-closed", "Close"]},
            "overlap": "each",
            "hed_strict": True,
            "subject": ["001"],
            "run": ["1", "2"],
            "tmin": -0.5,
            "tmax": 1.0,
            "split": "group",
            "seed": 3,
            "dtype": "int16",
        },
    ],
)
def test_the_options_of_the_page_parse_to_the_request(options):
    requested = parse_request(options)
    attributes = request_to_document(requested) | {"preprocess": {"name": "x", "steps": []}}
    options = yaml.safe_load(options_file(attributes))
    del options["recipe"]
    reproduced = parse_request(options)
    assert reproduced == requested


def test_the_command_names_sources_that_anybody_can_open():
    archived = {"address": "openneuro:ds004362", "version": "1.0.0", "commit": "cab4"}
    untagged = {"address": "nemar:on004362", "version": "", "commit": "cab4"}
    bucket = {"address": "s3://bucket/ds 1;rm", "version": "", "commit": "listing-0f"}
    command = convert_command([archived, untagged, bucket])
    sources = "openneuro:ds004362@1.0.0 nemar:on004362@cab4 's3://bucket/ds 1;rm'"
    assert command == f"bids-dl convert {sources} DEST --config request.yaml"
    assert "convert SOURCE..." in convert_command([archived, {"dataset": "ds1"}])
