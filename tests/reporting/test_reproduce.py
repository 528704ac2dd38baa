"""Options of the page that reproduce a store."""

from __future__ import annotations

import pytest
import yaml

from bids_dl.config.documents import request_to_document
from bids_dl.config.parsing import parse_request
from bids_dl.reporting.reproduce import options_file


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
