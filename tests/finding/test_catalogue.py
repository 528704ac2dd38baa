"""Client of NEMAR's catalogue: filters, pages, unknown numbers, and answers that fail."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from nemar_catalogue import CatalogueApi

from bids_dl.config.finding_stage import FindConfig
from bids_dl.config.stages import FetchConfig
from bids_dl.errors import SourceError
from bids_dl.finding import catalogue, find, findings, search_catalogue
from bids_dl.source import open_access


def make_row(number: int, **changes):
    return {
        "dataset_id": f"nm{number:06}",
        "name": f"Dataset {number}",
        "modalities": "eeg, mri",
        "tasks": "rest, gonogo",
        "participants": number,
        "subject_count": number,
        "channel_count_min": 32,
        "channel_count_max": 64,
        "license": "CC-BY 4.0",
        "total_recording_duration": 7200.0,
        "has_hed": number % 2,
        **changes,
    }


@pytest.fixture
def api():
    with CatalogueApi([make_row(number) for number in range(1, 251)]) as running:
        yield running


def search(api: CatalogueApi, tmp_path: Path, **filters):
    fetching = FetchConfig(cache=str(tmp_path), endpoints={"nemar-api": api.url})
    with open_access(fetching, environment={"NEMAR_TOKEN": "secret"}) as access:
        return search_catalogue(FindConfig(**filters), access)


@pytest.mark.parametrize("module", [catalogue, find, findings])
def test_the_examples_of_the_docstrings_are_right(module):
    assert doctest.testmod(module).failed == 0


def test_every_page_is_read_once(api, tmp_path):
    answer = search(api, tmp_path)
    assert [item.source for item in answer.datasets] == [f"nemar:nm{i:06}" for i in range(1, 251)]
    assert [request["offset"] for request in api.requests] == ["0", "100", "200"]
    assert answer.n_total == 250


def test_no_page_is_read_beyond_the_largest_number(api, tmp_path):
    answer = search(api, tmp_path, max_datasets=5)
    assert (len(answer.datasets), answer.n_total, len(api.requests)) == (5, 250, 1)


def test_filters_are_sent_and_numbers_are_read(api, tmp_path):
    answer = search(api, tmp_path, with_hed=True, task="gonogo", subjects=(200, 203))
    assert [item.subjects for item in answer.datasets] == [201, 203]
    [item, _] = answer.datasets
    assert (item.channels, item.hours, item.tasks) == ((32, 64), 2.0, ("rest", "gonogo"))
    sent = {name: api.requests[0][name] for name in ("has_hed", "task", "subjects", "modality")}
    assert sent == {"has_hed": "1", "task": "gonogo", "subjects": "200..203", "modality": "eeg"}


def test_a_filter_that_an_older_service_ignores_is_applied(api, tmp_path):
    api.ignores_ranges = True
    answer = search(api, tmp_path, subjects=(None, 3), channels=(64, None))
    assert [item.subjects for item in answer.datasets] == [1, 2, 3]
    assert search(api, tmp_path, channels=(65, None)).datasets == ()


def test_unknown_numbers_are_left_out_unless_they_are_asked_for(api, tmp_path):
    api.rows[:] = [make_row(1), make_row(2, subject_count=None, participants=0)]
    assert search(api, tmp_path, subjects=(1, None)).n_unknown == 1
    api.ignores_ranges = True
    answer = search(api, tmp_path, subjects=(1, None), include_unknown=True)
    assert [item.subjects for item in answer.datasets] == [1, None]
    assert api.requests[-1]["include_unknown"] == "1"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -7, "many", True, None])
def test_a_number_that_cannot_be_is_unknown_and_costs_no_other_row(api, tmp_path, value):
    names = ("subject_count", "participants", "channel_count_max", "total_recording_duration")
    api.rows[:] = [make_row(1, **dict.fromkeys(names, value), file_size=value), make_row(2)]
    wrong, right = search(api, tmp_path).datasets
    assert (wrong.subjects, wrong.channels, wrong.hours, wrong.n_bytes) == (None,) * 4
    assert right.subjects == 2


def test_a_total_that_is_no_number_is_ignored(api, tmp_path):
    api.body = '{"datasets": [], "total_count": 1e400, "excluded_unknown": -3}'
    answer = search(api, tmp_path)
    assert (answer.n_total, answer.n_unknown) == (0, 0)


def test_a_dataset_that_moves_to_the_next_page_is_listed_once(api, tmp_path):
    api.rows.insert(100, api.rows[99])  # as if a dataset was added between two requests
    answer = search(api, tmp_path)
    assert [item.source for item in answer.datasets] == [f"nemar:nm{i:06}" for i in range(1, 251)]


def test_rows_of_other_archives_keep_their_own_address(api, tmp_path):
    api.rows[:] = [make_row(1, dataset_id="ds004362"), make_row(2, dataset_id="zz1")]
    assert [item.source for item in search(api, tmp_path).datasets] == ["openneuro:ds004362"]


def test_a_request_says_who_asks_and_takes_no_compression(api, tmp_path):
    search(api, tmp_path, max_datasets=1)
    [headers] = api.headers
    assert headers["User-Agent"].startswith("bids-dl/")
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Authorization"] == "Bearer secret"


def test_an_answer_that_asks_to_wait_is_asked_again(api, tmp_path):
    api.answers = [429, 503]
    assert len(search(api, tmp_path, max_datasets=1).datasets) == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("answers", "body", "message"),
    [
        ([404], "", "HTTP 404; check --endpoint"),
        ([], "<html>", "is not JSON"),
        ([], "[" * 200_000, "is not JSON"),
        ([], '{"rows": []}', "another shape"),
        ([], '{"datasets": [{"name": "x"}], "total_count": 1}', "another shape"),
    ],
)
def test_an_answer_that_is_no_catalogue_is_refused(api, tmp_path, answers, body, message):
    api.answers, api.body = answers, body
    with pytest.raises(SourceError, match=f"^NEMAR's catalogue http://127.*{message}"):
        search(api, tmp_path)
