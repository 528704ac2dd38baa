"""Options of the page for experts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bids_dl.config.labelling_parsing import parse_labelling
from bids_dl.errors import ConfigError


def test_options_become_settings():
    config = parse_labelling(
        {"labels": Path("labels"), "sources": "ds1", "run_dir": Path("run"), "fetch": "whole"}
    )
    assert config.labels == "labels"
    assert config.sources == ("ds1",)
    assert config.run_dir == "run"
    assert config.fetching.fetch == "whole"
    assert (config.host, config.port, config.batch, config.votes) == ("127.0.0.1", 0, 20, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--labels FOLDER is required"),
        ({"labels": 3}, "labels must be a path"),
        ({"labels": "l", "batch": 0}, "--batch 0: expected a number of at least 1"),
        ({"labels": "l", "votes": -1}, "--votes -1"),
        ({"labels": "l", "port": 70_000}, "--port 70000: expected a number of at most 65535"),
        (
            {"labels": "l", "annotator": "Dr. House"},
            "--annotator 'Dr. House': expected a pseudonym",
        ),
        ({"labels": "l", "annotator": "ä"}, "--annotator"),
        ({"labels": "l", "host": "127.0.0.1/x"}, "--host '127.0.0.1/x': expected"),
        ({"labels": "l", "host": "a b"}, "--host"),
        ({"labels": "l", "export": "yes"}, "export must be True or False"),
        ({"labels": "l", "model": "eegnet", "run_dir": "r"}, "give one of them"),
        ({"labels": "l", "sources": []}, "sources: the list is empty"),
    ],
)
def test_a_wrong_option_is_refused_by_its_name(options, message):
    with pytest.raises(ConfigError, match=message):
        parse_labelling(options)


@pytest.mark.parametrize("host", ["::1", "fe80::1%eth0", "localhost", "my-host.example", "0.0.0.0"])
def test_names_and_addresses_are_hosts(host):
    assert parse_labelling({"labels": "l", "host": host}).host == host
