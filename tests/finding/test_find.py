"""Search for datasets by the events that match: counts, requests, failures, interruption."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from annexed_repository import Annexed
from nemar_catalogue import served_catalogue
from text_dataset import write_dataset

import bids_dl
from bids_dl.errors import BidsDlError, NoMatchError, SourceError
from bids_dl.finding import find as finding

HED_FOLDERS = (
    *("ds002680", "ds002718", "ds003645", "ds004117", "ds005505"),
    *("eeg_ds002893s_hed_attention_shift", "xeeg_hed_score"),
)


def text_of(root: Path, target: Path) -> Path:
    """Copy the text files of a BIDS folder."""
    return Path(shutil.copytree(root, target, ignore=shutil.ignore_patterns("*.edf", "*.fdt")))


@pytest.fixture(scope="module")
def three(eegbci, tmp_path_factory):
    """Catalogue of the sample, of one dataset with red events, and of one that is damaged."""
    folder = tmp_path_factory.mktemp("three")
    red = write_dataset(folder / "red", [(1.0, "red", 2.0), (5.0, "red", 1.0)], 60.0)
    damaged = write_dataset(folder / "damaged", [(1.0, "red", 2.0)], 60.0)
    (damaged / "dataset_description.json").write_text('{"Name": "x", "HEDVersion": "99.0.0"}')
    roots = {
        "on004362": text_of(eegbci, folder / "on004362"),
        "nm000001": red,
        "nm000002": damaged,
    }
    (folder / "git").mkdir()
    with served_catalogue(roots, folder / "git") as catalogue:
        yield catalogue


@pytest.fixture
def catalogue(three):
    three.git.reset()
    three.api.requests.clear()
    return three


def counts_of_events(root: Path, **options) -> tuple[int, int] | None:
    """Return the events and people that `bids_dl.events` finds, None without any."""
    try:
        survey = bids_dl.events(root, **options)
    except NoMatchError:
        return None
    return len(survey.events), len({recording.person for recording in survey.matched_recordings})


@pytest.mark.slow
@pytest.mark.parametrize("query", ["Eyes-closed", "Sensory-event", "Agent-action"])
def test_the_counts_over_ten_datasets_are_those_of_events(shared, eegbci, tmp_path, query):
    roots = {f"on{i:06}": shared / "hed-metadata" / name for i, name in enumerate(HED_FOLDERS)}
    people = sorted((shared / "hed-metadata" / "ds005505").glob("sub-*"))
    for number, kept in enumerate((people[:1], people[1:3])):
        other = text_of(shared / "hed-metadata" / "ds005505", tmp_path / f"part{number}")
        for person in people:
            if person not in kept:
                shutil.rmtree(other / person.name)
        roots[f"nm{number:06}"] = other
    roots["on004362"] = text_of(eegbci, tmp_path / "sample")
    expected = {}
    failing = set()
    for accession, root in roots.items():
        try:
            counted = counts_of_events(root, hed=query)
        except BidsDlError:
            failing.add(f"nemar:{accession}")
            continue
        if counted is not None:
            expected[f"nemar:{accession}"] = counted
    (tmp_path / "git").mkdir()
    with served_catalogue(roots, tmp_path / "git") as catalogue:
        findings = bids_dl.find(hed=query, **catalogue.options(tmp_path / "cache"))
        numbers = [len(catalogue.requests_of(accession)) for accession in roots]
    found = {}
    for item in findings.datasets:
        if item.matches is not None:
            found[item.listed.source] = item.matches.n_events, item.matches.subjects
    assert len(roots) == findings.n_searched == 10
    assert found == expected
    assert {item.listed.source for item in findings.datasets if item.problem} == failing
    assert list(found.values()) == sorted(found.values(), key=lambda pair: -pair[0])
    assert max(numbers) <= 3


def test_datasets_with_matching_events_are_listed_and_a_failing_one_with_its_reason(
    catalogue, tmp_path
):
    seen = []
    findings = bids_dl.find(
        hed="Eyes-closed", on_found=seen.append, **catalogue.options(tmp_path / "cache")
    )
    [sample, failed] = findings.datasets
    assert (sample.listed.source, sample.matches.events) == (
        "nemar:on004362",
        {"Eyes-closed": 4},
    )
    assert (sample.matches.subjects, sample.matches.recordings) == (4, 4)
    assert sample.matches.hours == pytest.approx(4 * 61 / 3600, rel=0.03)
    assert failed.listed.source == "nemar:nm000002"
    assert "99.0.0" in failed.problem
    assert len(seen) == findings.n_searched == 3
    assert findings.sources == ["nemar:on004362"]


def test_a_dataset_takes_three_requests_at_most_and_one_the_second_time(catalogue, tmp_path):
    options = catalogue.options(tmp_path / "cache")
    for expected in (3, 1):
        catalogue.git.reset()
        bids_dl.find(hed="Eyes-closed", **options)
        assert all(1 <= len(catalogue.requests_of(item)) <= expected for item in catalogue.roots)


def test_labels_that_a_dataset_lacks_count_as_none(catalogue, tmp_path):
    findings = bids_dl.find(
        hed={"closed": "Eyes-closed", "red": "Red"}, **catalogue.options(tmp_path / "cache")
    )
    events = {
        item.listed.source: item.matches and item.matches.events for item in findings.datasets
    }
    assert events == {
        "nemar:on004362": {"closed": 4, "red": 0},
        "nemar:nm000001": {"closed": 0, "red": 2},
        "nemar:nm000002": None,
    }


def test_the_source_of_a_row_can_be_opened(catalogue, tmp_path):
    options = catalogue.options(tmp_path / "cache")
    [source] = bids_dl.find(hed="Red", **options).sources
    assert len(bids_dl.events(source, hed="Red", **options).events) == 2


def test_a_wrong_query_is_refused_before_any_request(catalogue, tmp_path):
    with pytest.raises(BidsDlError, match="Red"):
        bids_dl.find(hed="(Red", **catalogue.options(tmp_path / "cache"))
    assert catalogue.api.requests == []


def test_text_that_is_not_in_git_fails_its_row(eegbci, tmp_path):
    root = text_of(eegbci, tmp_path / "on004362")
    events = sorted(root.rglob("*_events.tsv"))
    annexed = {file.relative_to(root).as_posix(): Annexed(file.read_bytes()) for file in events[:2]}
    (tmp_path / "git").mkdir()
    with served_catalogue({"on004362": root}, tmp_path / "git", extra={"on004362": annexed}) as it:
        findings = bids_dl.find(hed="Eyes-closed", **it.options(tmp_path / "cache"))
        n_requests = len(it.git.requests)
    [failed] = findings.datasets
    assert "not fetched by a search; run bids-dl events" in failed.problem
    assert n_requests <= 3


def test_an_unreachable_mirror_fails_its_row(catalogue, tmp_path):
    catalogue.api.rows.append({**catalogue.api.rows[0], "dataset_id": "nm000009"})
    try:
        findings = bids_dl.find(hed="Red", **catalogue.options(tmp_path / "cache"))
    finally:
        catalogue.api.rows.pop()
    problems = {item.listed.source: item.problem for item in findings.datasets if item.problem}
    assert "cannot be opened" in problems["nemar:nm000009"]
    assert findings.sources == ["nemar:nm000001"]


def test_an_unreachable_catalogue_is_refused(catalogue, tmp_path):
    options = {
        **catalogue.options(tmp_path / "cache"),
        "endpoints": {"nemar-api": "http://[::1]:9"},
    }
    with pytest.raises(SourceError, match="NEMAR's catalogue"):
        bids_dl.find(**options)


def test_the_command_prints_a_table_and_json(catalogue, tmp_path, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    arguments = catalogue.arguments(tmp_path / "cache")
    printed = command("find", "--hed", "Eyes-closed", *arguments)
    assert printed.status == 0
    [title, headings, row] = printed.out.splitlines()
    assert title == "1 of 3 datasets with events that match"
    assert headings.split() == [
        *("source", "events", "subjects", "hours", "channels", "licence", "name")
    ]
    assert row.split()[:4] == ["nemar:on004362", "4", "4", "0.07"]
    assert "failed nemar:nm000002: " in printed.err
    content = command("find", "--hed", "Eyes-closed", "--json", *arguments).json
    assert content["searched"] == 3
    assert content["datasets"][0]["matches"]["events"] == {"Eyes-closed": 4}


def test_a_dataset_that_could_not_be_searched_is_not_counted_as_one_without_events(
    catalogue, tmp_path, command
):
    arguments = catalogue.arguments(tmp_path / "cache")
    printed = command("find", "--hed", "Nosuch-tag", *arguments)
    assert printed.status == 0
    n_failed = printed.err.count("failed nemar:")
    assert n_failed > 0
    assert printed.words.startswith(f"no event matches in {3 - n_failed} dataset")


def test_an_interruption_leaves_what_was_found(catalogue, tmp_path, command, monkeypatch):
    searched = finding._search

    def interrupt_at_the_third(*arguments):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(searched(*arguments))
        return calls[-1]

    calls = []
    monkeypatch.setattr(finding, "_search", interrupt_at_the_third)
    arguments = catalogue.arguments(tmp_path / "cache")
    printed = command("find", "--hed", "Sensory-event || Eyes-closed", "--json", *arguments)
    assert printed.status == 130
    content = json.loads(printed.out)
    assert content["searched"] == 2
    assert len(content["datasets"]) >= 1
    assert "interrupted after 2 datasets" in printed.err
