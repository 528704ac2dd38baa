"""The page of a store: what it tells is what the store holds, and it asks for nothing and injects nothing."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import small_store
import yaml
from conftest import QUERIES
from html_page import Page
from small_store import Small

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError
from bids_dl.reporting import render, write
from bids_dl.store import Store, open_store

NASTY = '<script>alert("1")</script>&\''
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def rough(eegbci, tmp_path_factory) -> Path:
    """Store of the sample with one recording that is not there, one that is cut off and left out, and two with bad channels."""
    folder = tmp_path_factory.mktemp("rough")
    source = Path(shutil.copytree(eegbci, folder / "ds004362"))
    signals = {
        name: next(source.glob(f"sub-{name}_eeg.edf"))
        for name in ("003/eeg/*run-2", "004/eeg/*run-1")
    }
    signals["004/eeg/*run-1"].write_text("/annex/objects/SHA256E-s1--abc.edf\n", "utf-8")
    cut = signals["003/eeg/*run-2"]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 4])
    for table in source.glob("sub-00[12]/eeg/*run-1_channels.tsv"):
        head, *rows = table.read_text("utf-8").splitlines()
        bad = [f"{row}\t{'bad' if i < 2 else 'good'}" for i, row in enumerate(rows)]
        table.write_text("\n".join([f"{head}\tstatus", *bad]) + "\n", "utf-8")
    steps = [
        {"pick": {"types": ["eeg"]}},
        {"montage": {"positions": "standard_1005"}},
        {"reference": {"channels": "average"}},
    ]
    steps += [
        "interpolate",
        {"filter": {"low": 1.0, "high": 40.0}},
        {"reference": {"channels": "average"}},
    ]
    (folder / "telling.yaml").write_text(yaml.safe_dump({"steps": steps}), "utf-8")
    options = {
        "hed": QUERIES,
        "window": 2,
        "min_duration": 30,
        "recipe": str(folder / "telling.yaml"),
        "dtype": "int16",
    }
    bids_dl.convert(str(source), str(folder / "rough.zarr"), **options, jobs=2)
    return folder / "rough.zarr"


@pytest.fixture(scope="module")
def page(rough) -> Page:
    return Page(render(open_store(str(rough))))


@pytest.fixture(params=["rough", "eyes_store"])
def any_page(request) -> tuple[bytes, Page]:
    """The page of a store with something to tell, and of one without."""
    content = render(open_store(str(request.getfixturevalue(request.param))))
    return content, Page(content)


def test_the_page_is_well_formed_html(any_page):
    content, page = any_page
    assert content.startswith(b"<!DOCTYPE html>\n<html lang=")
    assert page.problems == []


def test_the_page_asks_for_nothing_and_runs_nothing(any_page):
    content, page = any_page
    policy = next(
        said["content"] for tag, said in page.tags if tag == "meta" and "http-equiv" in said
    )
    assert "default-src 'none'" in policy
    assert not {tag for tag, _ in page.tags} & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "image",
        "use",
        "base",
        "form",
    }
    assert page.values("src") == page.values("xlink:href") == []
    assert all(link.startswith(("#", "https://doi.org/10.")) for link in page.values("href"))
    assert not re.search(rb"url\(|@import|javascript:", content)
    assert not [name for _, said in page.tags for name in said if name.startswith("on")]


def test_every_link_within_the_page_leads_somewhere(any_page):
    page = any_page[1]
    assert {link[1:] for link in page.values("href") if link.startswith("#")} <= set(
        page.values("id")
    )


def test_headers_of_tables_say_what_they_stand_for_and_charts_have_a_text(any_page):
    page = any_page[1]
    assert all(said.get("scope") in {"col", "row"} for tag, said in page.tags if tag == "th")
    assert all(
        said.get("aria-label") or said.get("aria-hidden") for tag, said in page.tags if tag == "svg"
    )


@pytest.mark.parametrize("name", ["rough", "eyes_store"])
def test_the_tables_hold_the_counts_of_the_store(name, request):
    store = open_store(str(request.getfixturevalue(name)))
    tables, table = Page(render(store)).tables, store.table
    people = {
        row[0]: row[1:4] for row in tables["Windows of each person and label"][1:] if len(row) > 1
    }
    assert set(people) == set(table["subject"])
    for subject, (split, *counts) in people.items():
        mine = table[table["subject"] == subject]
        assert {split} == set(mine["split"])
        assert counts == [str((mine["label"] == label).sum()) for label in QUERIES]
    splits = {row[0]: row[1:] for row in tables["Windows of each split and label"][1:]}
    assert splits.pop("all") == [
        str(n)
        for n in (len(people), *((table["label"] == label).sum() for label in QUERIES), len(table))
    ]
    assert splits == {
        split: [
            str(n)
            for n in (
                mine["subject"].nunique(),
                *((mine["label"] == label).sum() for label in QUERIES),
                len(mine),
            )
        ]
        for split, mine in table.groupby("split")
    }


def test_people_who_stand_apart_are_remarked(page):
    said = [row[0] for row in page.tables["Windows of each person and label"] if len(row) == 1]
    assert said == ["003: no eyes_closed", "004: no eyes_open"]
    assert "2 of 4 people stand apart" in page.words


def test_what_failed_was_left_out_and_warned_of_is_told(rough, page):
    said = open_store(str(rough)).attributes
    [failure] = said["failures"]
    assert f"1 × {failure['stage']}: {failure['reason']} {failure['recording']}" in page.words
    assert "Events, blocks and windows: 1 1 ×" in page.words
    left_out = [
        one
        for told in json.loads((rough / "recordings.json").read_bytes()).values()
        for one in told["dropped"]
    ]
    assert [one["reason"] in page.words for one in left_out] == [True]
    assert said["warnings"]
    assert all(warning in page.words for warning in said["warnings"])


def test_a_store_of_which_nothing_was_left_out_says_so(eyes_store):
    store = open_store(str(eyes_store))
    quiet = Store(store.url, {}, {**store.root, "attributes": {**store.attributes, "warnings": []}})
    assert "Nothing was left out, and nothing was warned of." in Page(render(quiet)).words


def test_it_says_what_it_is_who_made_it_and_how_it_may_be_used(rough, page):
    said = open_store(str(rough)).attributes
    assert f"bids-dl:{said['content']}" in page.words
    assert (
        f"rounding changed no sample by more than {said['rounding']['largest_error']:g} µV"
        in page.words
    )
    [source] = said["sources"]
    for text in (
        said["title"],
        source["licence"],
        *source["authors"],
        *source["references"],
        " ".join(source["how_to_acknowledge"].split()),
    ):
        assert text in page.words
    assert "https://doi.org/10.18112/openneuro.ds004362.v1.0.0" in page.values("href")
    assert all(f"{name} {version}" in page.words for name, version in said["software"].items())


def test_channels_that_a_step_changed_are_counted_over_recordings(rough, page):
    told = [
        one["steps"]
        for one in json.loads((rough / "recordings.json").read_bytes()).values()
        if "steps" in one
    ]
    counts = Counter(
        channel
        for steps in told
        for step in steps
        if step["step"] == "interpolate"
        for channel in step["channels"]
    )
    assert set(counts.values()) == {2}
    assert (
        f"Channels, in 2 of {len(told)} recordings: "
        + " ".join(f"{channel} ×2" for channel in counts)
        in page.words
    )


def test_the_same_store_elsewhere_gives_the_same_bytes_without_a_path(rough, tmp_path):
    other = shutil.copytree(rough, tmp_path / "other.zarr")
    content = render(open_store(str(other)))
    assert content == render(open_store(str(rough)))
    assert str(tmp_path).encode() not in content
    assert b"other.zarr" not in content


def _nasty(value):
    """The same with every text made hostile."""
    if isinstance(value, dict):
        return {key: _nasty(inner) for key, inner in value.items()}
    return (
        [_nasty(inner) for inner in value]
        if isinstance(value, list)
        else f"{value}{NASTY}"
        if isinstance(value, str)
        else value
    )


def test_what_comes_from_data_cannot_inject(rough, tmp_path):
    folder = shutil.copytree(rough, tmp_path / "nasty.zarr")
    store, told = open_store(str(folder)), json.loads((folder / "recordings.json").read_bytes())
    (folder / "recordings.json").write_text(
        json.dumps({f"{key}{NASTY}": _nasty(one) for key, one in told.items()}), "utf-8"
    )
    said = dict(store.attributes)
    said |= {
        name: _nasty(said[name])
        for name in ("title", "content", "failures", "warnings", "software", "hed_versions")
    }
    said["sources"] = [{**_nasty(source), "doi": f'10.1234/"{NASTY}'} for source in said["sources"]]
    said["request"] = {
        **said["request"],
        "preprocess": _nasty(said["request"]["preprocess"]),
        "events": _nasty(said["request"]["events"]),
    }
    page = Page(render(Store(str(folder), {}, {**store.root, "attributes": said})))
    assert page.problems == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert all(
        re.fullmatch(r'#[a-z-]+|https://doi\.org/10\.1234/[^"<>]*', link)
        for link in page.values("href")
    )
    assert page.text.count(NASTY) > 50


@pytest.mark.parametrize("subject", [NASTY, "\u202eabc", "\ud800", "x" * 5000])
def test_any_name_of_a_person_gives_a_page(eyes_store, subject, monkeypatch):
    store = open_store(str(eyes_store))
    people = np.where(store.read("subject") == "001", subject, store.read("subject"))
    read = Store.read
    monkeypatch.setattr(
        Store, "read", lambda self, name: people if name == "subject" else read(self, name)
    )
    page = Page(render(store))
    assert page.problems == []
    assert {row[0] for row in page.tables["Windows of each person and label"][1:]} >= {
        "002",
        subject.replace("\ud800", "?"),
    }


@pytest.mark.slow
def test_the_request_on_the_page_makes_the_same_store(rough, tmp_path, monkeypatch):
    text = render(open_store(str(rough))).decode()
    files = [
        re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), block)
        for block in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    ]
    monkeypatch.chdir(tmp_path)
    for name, content in zip(("request.yaml", "recipe.yaml"), files[1:], strict=True):
        (tmp_path / name).write_text(
            content.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"), "utf-8"
        )
    options = yaml.safe_load((tmp_path / "request.yaml").read_text("utf-8"))
    assert bids_dl.convert(str(rough.parent / "ds004362"), str(rough), **options, jobs=1).unchanged


def test_a_store_without_spectra_gets_a_page_that_says_so(eyes_store):
    store = open_store(str(eyes_store))
    known = store.root["consolidated_metadata"]
    arrays = {
        k: v for k, v in known["metadata"].items() if "spectrum" not in k and k != "frequency"
    }
    page = Page(
        render(
            Store(
                store.url,
                {},
                {**store.root, "consolidated_metadata": {**known, "metadata": arrays}},
            )
        )
    )
    assert "This store holds no spectra" in page.words
    assert "svg" not in {tag for tag, _ in page.tags}
    assert page.problems == []


def test_stores_of_before_seconds_were_noted_get_a_page(rough, tmp_path):
    folder = shutil.copytree(rough, tmp_path / "old.zarr")
    told = json.loads((folder / "recordings.json").read_bytes())
    for one in told.values():
        for step in one.get("steps", []):
            del step["seconds"]
    (folder / "recordings.json").write_text(json.dumps(told), "utf-8")
    assert Page(render(open_store(str(folder)))).problems == []


@pytest.mark.slow
def test_thousands_of_recordings_give_a_page_that_opens_and_says_what_it_leaves_out(
    rough, tmp_path
):
    small = Small(n_subjects=1500, per_recording=2, per_chunk=1000, chunks_per_shard=4)
    like = open_store(str(rough))
    told = next(
        one
        for one in json.loads((rough / "recordings.json").read_bytes()).values()
        if "steps" in one
    )
    keys = [
        f"ds1/{name}"
        for name in dict.fromkeys(
            next(c.values for c in small_store.columns(small) if c.name == "recording")
        )
    ]
    dropped = [
        {"onset": float(i), "reason": f"it ends at {i} s, the recording at 0 s"} for i in range(20)
    ]
    recordings = {
        key: told | {"windows": 2, "dropped": dropped if i % 2 else []}
        for i, key in enumerate(keys)
    }
    failures = [
        {
            "recording": f"ds1/lost-{i}",
            "stage": "read",
            "reason": f"{i} samples are missing",
            "transient": False,
        }
        for i in range(900)
    ]
    statistics = {"recordings": 3000, "persons": 1500, "windows": {"open": 3000, "closed": 3000}}
    statistics["splits"] = {
        "train": {"persons": 900, "windows": 3600},
        "test": {"persons": 600, "windows": 2400},
    }
    given = {
        "failures": failures,
        "statistics": statistics,
        "warnings": [f"warning {i}" for i in range(900)],
    }
    small_store.write(
        tmp_path / "big.zarr",
        small,
        **{k: v for k, v in like.attributes.items() if k != "root_sha256"}
        | given
        | {"sfreq": 100.0, "classes": {"label": ["open", "closed"]}},
    )
    (tmp_path / "big.zarr" / "recordings.json").write_text(json.dumps(recordings), "utf-8")
    content = render(open_store(str(tmp_path / "big.zarr")))
    page = Page(content)
    assert len(content) < 5 * MEGABYTE
    assert page.problems == []
    assert "and 1,000 more people" in page.words
    assert "The 300 of 3,000 recordings with most to tell" in page.words
    assert "900 × read: … samples are missing" in page.words
    assert "30,000 × it ends at … s, the recording at 0 s" in page.words
    assert "and 840 more in the attribute warnings of the store" in page.words


def test_a_store_whose_recordings_json_is_damaged_is_named(eyes_store, tmp_path):
    folder = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    (folder / "recordings.json").write_text('{"a": {}}', "utf-8")
    with pytest.raises(
        DamagedStoreError, match=r"eyes\.zarr: recordings\.json cannot be read .*bids-dl verify"
    ):
        render(open_store(str(folder)))
    (folder / "recordings.json").unlink()
    with pytest.raises(DamagedStoreError, match=r"recordings\.json cannot be read"):
        render(open_store(str(folder)))


def test_nothing_is_written_into_a_store(eyes_store):
    before = {file: file.stat().st_mtime_ns for file in eyes_store.rglob("*")}
    with pytest.raises(ConfigError, match="lies in the store"):
        write(open_store(str(eyes_store)), eyes_store / "report.html")
    assert {file: file.stat().st_mtime_ns for file in eyes_store.rglob("*")} == before


def test_the_command_writes_the_page_beside_where_it_is_called_and_says_where(command, eyes_store):
    done = command("report", eyes_store)
    assert (done.status, done.out, done.err) == (0, "eyes.report.html\n", "")
    assert Path("eyes.report.html").read_bytes() == render(open_store(str(eyes_store)))
    Path("eyes.report.html").write_text("older")
    assert command("report", eyes_store).status == 0
    assert Path("eyes.report.html").read_bytes().startswith(b"<!DOCTYPE html>")
    done = command("report", eyes_store, "-o", "-")
    assert done.out.startswith("<!DOCTYPE html>")
    assert [file.name for file in Path.cwd().iterdir()] == ["eyes.report.html"]


def test_a_store_behind_http_gives_the_same_page(command, eyes_store):
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(eyes_store.parent))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = command(
            "report", f"http://127.0.0.1:{server.server_address[1]}/eyes.zarr", "-o", "there.html"
        )
    finally:
        server.shutdown()
        server.server_close()
    assert (done.status, done.out) == (0, "there.html\n")
    assert Path("there.html").read_bytes() == render(open_store(str(eyes_store)))
