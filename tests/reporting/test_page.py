"""The page of a store: it shows the contents of the store, loads nothing and injects nothing."""

from __future__ import annotations

import html
import json
import re
import shutil
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conversions import EYES_QUERIES
from html_page import LOADING_TAGS, Page
from reported_stores import make_flawed_store, read_recordings, write_large_store

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError, escape_controls
from bids_dl.reporting import render_page, write_page
from bids_dl.store import Store, open_store

MARKUP = '<script>alert("1")</script>&\''
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def flawed(eegbci, tmp_path_factory) -> Path:
    """Store of a damaged copy of the sample, see `make_flawed_store`."""
    return make_flawed_store(eegbci, tmp_path_factory.mktemp("flawed"))


@pytest.fixture(scope="module")
def page(flawed) -> Page:
    return Page(render_page(open_store(str(flawed))))


@pytest.fixture(params=["flawed", "eyes_store"])
def any_page(request) -> tuple[bytes, Page]:
    """The page of a store with failures and notes, and of one without."""
    content = render_page(open_store(str(request.getfixturevalue(request.param))))
    return content, Page(content)


def test_the_page_is_well_formed_html(any_page):
    content, page = any_page
    assert content.startswith(b"<!DOCTYPE html>\n<html lang=")
    assert page.problems == []


def test_the_page_loads_nothing_and_runs_no_script(any_page):
    content, page = any_page
    policies = [
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and "http-equiv" in attributes
    ]
    assert "default-src 'none'" in policies[0]
    assert not {tag for tag, _ in page.tags} & LOADING_TAGS
    assert page.values("src") == page.values("xlink:href") == []
    assert all(link.startswith(("#", "https://doi.org/10.")) for link in page.values("href"))
    assert not re.search(rb"url\(|@import|javascript:", content)
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]


def test_every_link_inside_the_page_has_a_target(any_page):
    page = any_page[1]
    targets = {link[1:] for link in page.values("href") if link.startswith("#")}
    assert targets <= set(page.values("id"))


def test_table_headers_have_a_scope_and_charts_have_a_description(any_page):
    for tag, attributes in any_page[1].tags:
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden")


@pytest.mark.parametrize("name", ["flawed", "eyes_store"])
def test_the_tables_show_the_counts_of_the_store(name, request):
    store = open_store(str(request.getfixturevalue(name)))
    tables = Page(render_page(store)).tables
    table = store.table
    rows = [row for row in tables["Windows by subject and label"][1:] if len(row) > 1]
    assert {row[0] for row in rows} == set(table["subject"])
    for subject, split, *cells in rows:
        windows = table[table["subject"] == subject]
        assert {split} == set(windows["split"])
        assert cells[: len(EYES_QUERIES)] == _label_counts(windows)
    splits = {row[0]: row[1:] for row in tables["Windows by split and label"][1:]}
    expected = {"all": _split_row(table)}
    for split, windows in table.groupby("split"):
        expected[split] = _split_row(windows)
    assert splits == expected


def _label_counts(windows: pd.DataFrame) -> list[str]:
    return [str((windows["label"] == label).sum()) for label in EYES_QUERIES]


def _split_row(windows: pd.DataFrame) -> list[str]:
    return [str(windows["subject"].nunique()), *_label_counts(windows), str(len(windows))]


def test_outlier_subjects_get_a_remark(page):
    remarks = [row[0] for row in page.tables["Windows by subject and label"] if len(row) == 1]
    assert remarks == ["003: no eyes_closed", "004: no eyes_open"]
    assert "Outliers: 2 of 4 subjects" in page.words


def test_failures_dropped_items_and_warnings_are_listed(flawed, page):
    attributes = open_store(str(flawed)).attributes
    [failure] = attributes["failures"]
    assert f"1 × {failure['stage']}: {failure['reason']} {failure['recording']}" in page.words
    assert "Dropped events, blocks and windows: 1 1 ×" in page.words
    dropped = []
    for report in read_recordings(flawed).values():
        dropped += report["dropped"]
    assert [item["reason"] in page.words for item in dropped] == [True]
    assert attributes["warnings"]
    assert all(warning in page.words for warning in attributes["warnings"])


def test_the_page_of_a_store_without_dropped_items_says_so(eyes_store):
    store = open_store(str(eyes_store))
    attributes = {**store.attributes, "warnings": []}
    without_warnings = Store(store.url, {}, {**store.root, "attributes": attributes})
    text = Page(render_page(without_warnings)).words
    assert "Nothing was dropped, and there are no warnings." in text


def test_title_content_rounding_sources_and_software_are_shown(flawed, page):
    attributes = open_store(str(flawed)).attributes
    assert f"bids-dl:{attributes['content']}" in page.words
    error = attributes["rounding"]["largest_error"]
    assert f"the largest rounding error is {error:g} µV" in page.words
    [source] = attributes["sources"]
    assert attributes["title"] in page.words
    assert source["licence"] in page.words
    assert all(text in page.words for text in (*source["authors"], *source["references"]))
    assert " ".join(source["how_to_acknowledge"].split()) in page.words
    assert "https://doi.org/10.18112/openneuro.ds004362.v1.0.0" in page.values("href")
    for name, version in attributes["software"].items():
        assert f"{name} {version}" in page.words


def test_channels_that_a_step_changed_are_counted_overread_recordings(flawed, page):
    reports = [report["steps"] for report in read_recordings(flawed).values() if "steps" in report]
    counts = Counter()
    for steps in reports:
        for step in steps:
            if step["step"] == "interpolate":
                counts.update(step["channels"])
    assert set(counts.values()) == {2}
    listed = " ".join(f"{channel} ×2" for channel in counts)
    assert f"Channels, in 2 of {len(reports)} recordings: {listed}" in page.words


def test_a_copy_of_a_store_gives_the_same_bytes_without_a_path(flawed, tmp_path):
    other = shutil.copytree(flawed, tmp_path / "other.zarr")
    content = render_page(open_store(str(other)))
    assert content == render_page(open_store(str(flawed)))
    assert str(tmp_path).encode() not in content
    assert b"other.zarr" not in content


def _with_markup(value):
    """Append markup to each text inside a value."""
    if isinstance(value, dict):
        return {key: _with_markup(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_markup(inner) for inner in value]
    return f"{value}{MARKUP}" if isinstance(value, str) else value


def test_text_of_a_store_cannot_inject_markup(flawed, tmp_path):
    folder = shutil.copytree(flawed, tmp_path / "markup.zarr")
    store = open_store(str(folder))
    recordings = {}
    for key, report in read_recordings(folder).items():
        recordings[f"{key}{MARKUP}"] = _with_markup(report)
    (folder / "recordings.json").write_text(json.dumps(recordings), "utf-8")
    attributes = dict(store.attributes)
    for name in ("title", "content", "failures", "warnings", "software", "hed_versions"):
        attributes[name] = _with_markup(attributes[name])
    attributes["sources"] = [
        {**_with_markup(source), "doi": f'10.1234/"{MARKUP}'} for source in attributes["sources"]
    ]
    request = dict(attributes["request"])
    for name in ("preprocess", "events"):
        request[name] = _with_markup(request[name])
    attributes["request"] = request
    page = Page(render_page(Store(str(folder), {}, {**store.root, "attributes": attributes})))
    assert page.problems == []
    assert "script" not in {tag for tag, _ in page.tags}
    for link in page.values("href"):
        assert re.fullmatch(r'#[a-z-]+|https://doi\.org/10\.1234/[^"<>]*', link)
    assert page.text.count(MARKUP) > 50


@pytest.mark.parametrize("subject", [MARKUP, "\u202eabc", "\ud800", "x" * 5000])
def test_any_subject_name_gives_a_well_formed_page(eyes_store, subject, monkeypatch):
    store = open_store(str(eyes_store))
    subjects = np.where(store.read("subject") == "001", subject, store.read("subject"))
    read = Store.read
    monkeypatch.setattr(
        Store, "read", lambda self, name: subjects if name == "subject" else read(self, name)
    )
    page = Page(render_page(store))
    assert page.problems == []
    names = {row[0] for row in page.tables["Windows by subject and label"][1:]}
    assert names >= {"002", escape_controls(subject.replace("\ud800", "?"))}


@pytest.mark.slow
def test_the_files_on_the_page_reproduce_the_store(flawed, tmp_path, monkeypatch):
    text = render_page(open_store(str(flawed))).decode()
    blocks = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name, block in zip(("request.yaml", "recipe.yaml"), blocks[1:], strict=True):
        (tmp_path / name).write_text(html.unescape(block), "utf-8")
    options = yaml.safe_load((tmp_path / "request.yaml").read_text("utf-8"))
    source = flawed.parent / "ds004362"
    assert bids_dl.convert(str(source), str(flawed), **options, jobs=1).unchanged


def test_the_page_of_a_store_without_spectra_says_so(eyes_store):
    store = open_store(str(eyes_store))
    metadata = store.root["consolidated_metadata"]
    arrays = {
        name: array
        for name, array in metadata["metadata"].items()
        if "spectrum" not in name and name != "frequency"
    }
    root = {**store.root, "consolidated_metadata": {**metadata, "metadata": arrays}}
    page = Page(render_page(Store(store.url, {}, root)))
    assert "This store has no spectra" in page.words
    assert "svg" not in {tag for tag, _ in page.tags}
    assert page.problems == []


def test_a_store_of_version_1_gives_the_same_page_as_one_with_fields(flawed, tmp_path):
    folder = shutil.copytree(flawed, tmp_path / "version1.zarr")
    recordings = read_recordings(folder)
    for report in recordings.values():
        for step in report.get("steps", []):
            flag = step.pop("flag", "")
            step["notes"] += [flag] if flag else []
        for item in report["dropped"]:
            step = item.pop("step", "")
            if step and not item["reason"].startswith(f"{step}: "):
                item["reason"] = f"{step}: {item['reason']}"
    (folder / "recordings.json").write_text(json.dumps(recordings), "utf-8")
    assert render_page(open_store(str(folder))) == render_page(open_store(str(flawed)))


def test_a_store_without_seconds_gives_a_well_formed_page(flawed, tmp_path):
    folder = shutil.copytree(flawed, tmp_path / "old.zarr")
    recordings = read_recordings(folder)
    for report in recordings.values():
        for step in report.get("steps", []):
            del step["seconds"]
    (folder / "recordings.json").write_text(json.dumps(recordings), "utf-8")
    assert Page(render_page(open_store(str(folder)))).problems == []


@pytest.mark.slow
def test_the_page_of_3000_recordings_is_small_and_counts_hidden_items(flawed, tmp_path):
    folder = tmp_path / "large.zarr"
    write_large_store(folder, flawed)
    content = render_page(open_store(str(folder)))
    page = Page(content)
    assert len(content) < 5 * MEGABYTE
    assert page.problems == []
    assert "and 1,000 more subjects" in page.words
    assert "The 300 of 3,000 recordings with most findings" in page.words
    assert "900 × read: … samples are missing" in page.words
    assert "30,000 × it ends at … s, the recording at 0 s" in page.words
    assert "and 840 more in the attribute warnings of the store" in page.words


def test_a_store_with_damaged_recordings_json_has_no_page(eyes_store, tmp_path):
    folder = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    (folder / "recordings.json").unlink()
    with pytest.raises(DamagedStoreError, match=r"eyes\.zarr: recordings\.json cannot be read"):
        render_page(open_store(str(folder)))


def test_a_page_is_never_written_into_the_store(eyes_store):
    before = {file: file.stat().st_mtime_ns for file in eyes_store.rglob("*")}
    with pytest.raises(ConfigError, match="is inside the store"):
        write_page(open_store(str(eyes_store)), eyes_store / "report.html")
    assert {file: file.stat().st_mtime_ns for file in eyes_store.rglob("*")} == before


@pytest.mark.parametrize(
    ("output", "message"),
    [(".", r"--output \.: is a folder"), ("lost/x.html", "folder lost does not exist")],
)
def test_an_output_that_is_no_file_of_an_existing_folder_is_rejected(
    eyes_store, output, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        write_page(open_store(str(eyes_store)), Path(output))


def test_the_command_writes_the_page_to_the_working_folder_and_prints_its_path(command, eyes_store):
    done = command("report", eyes_store)
    assert (done.status, done.out, done.err) == (0, "eyes.report.html\n", "")
    assert Path("eyes.report.html").read_bytes() == render_page(open_store(str(eyes_store)))
    content = open_store(str(eyes_store)).attributes["content"]
    Path("eyes.report.html").write_text(f"older page of {content}")
    assert command("report", eyes_store).status == 0
    assert Path("eyes.report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    done = command("report", eyes_store, "-o", "-")
    assert done.out.startswith("<!DOCTYPE html>")
    assert [file.name for file in Path.cwd().iterdir()] == ["eyes.report.html"]


def test_the_page_of_another_store_is_not_replaced_unless_it_is_named(command, eyes_store):
    Path("eyes.report.html").write_text("the page of another store")
    done = command("report", eyes_store)
    assert done.status == 2
    assert "error: eyes.report.html: exists already and is not the report of" in done.err
    assert Path("eyes.report.html").read_text() == "the page of another store"
    assert command("report", eyes_store, "-o", "eyes.report.html").status == 0


def test_a_store_behind_http_gives_the_same_page(command, eyes_store):
    handler = type("QuietHandler", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(eyes_store.parent))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/eyes.zarr"
    try:
        done = command("report", url, "-o", "remote.html")
    finally:
        server.shutdown()
        server.server_close()
    assert (done.status, done.out) == (0, "remote.html\n")
    assert Path("remote.html").read_bytes() == render_page(open_store(str(eyes_store)))
