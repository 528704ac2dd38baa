"""A site has a page of each store that can be read, and lists the others."""

from __future__ import annotations

import json

import pytest
from catalogued_stores import copy_store
from counting_server import CountingServer
from small_store import SmallStore, write

import bids_dl
from bids_dl.errors import ConfigError, StoreError


def files_of(folder) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def stores(eyes_store, tmp_path):
    """A folder of two good stores, and of three that cannot be read."""
    folder = tmp_path / "stores"
    copy_store(eyes_store, folder / "a.zarr")
    copy_store(eyes_store, folder / "b.zarr")
    write(folder / "bare.zarr", SmallStore())  # without the attributes of `bids-dl convert`
    damaged = copy_store(eyes_store, folder / "damaged.zarr")
    (damaged / "zarr.json").write_bytes((damaged / "zarr.json").read_bytes() + b" ")
    (folder / "begun.zarr").mkdir()
    (folder / "begun.zarr" / "unfinished.json").write_text("{}")
    return folder


def test_stores_that_cannot_be_read_cost_their_row_only(stores, tmp_path):
    site = bids_dl.catalogue(stores, output=tmp_path / "site")
    assert [entry.title for entry in site.entries] == ["a.zarr", "b.zarr"]
    reasons = {store.address: store.reason for store in site.unreadable}
    assert set(reasons) == {"bare.zarr", "begun.zarr", "damaged.zarr"}
    assert "no attribute" in reasons["bare.zarr"]
    assert "not finished" in reasons["begun.zarr"]
    assert "SHA-256 mismatch" in reasons["damaged.zarr"]
    assert site.exit_status == 3
    index = (tmp_path / "site/index.html").read_text()
    assert all(name in index for name in reasons)
    assert str(tmp_path) not in index
    assert str(tmp_path) not in (tmp_path / "site/catalogue.json").read_text()


def test_a_store_with_a_damaged_column_keeps_its_card_and_has_no_page(stores, tmp_path):
    (stores / "b.zarr/label/c/0").write_bytes(b"")
    site = bids_dl.catalogue([stores / "a.zarr", stores / "b.zarr"], output=tmp_path / "site")
    assert [bool(entry.page) for entry in site.entries] == [True, False]
    [problem] = site.unreadable
    assert "array 'label' cannot be read" in problem.reason
    assert len(list((tmp_path / "site/pages").iterdir())) == 1


def test_of_copies_the_page_is_made_from_one_that_is_not_damaged(eyes_store, tmp_path):
    damaged = copy_store(eyes_store, tmp_path / "a.zarr", title="x", content="0" * 64)
    copy_store(eyes_store, tmp_path / "b.zarr", title="x", content="0" * 64)
    (damaged / "label/c/0").write_bytes(b"")
    site = bids_dl.catalogue([damaged, tmp_path / "b.zarr"], output=tmp_path / "site")
    [entry] = site.entries
    assert (entry.address, entry.also_at) == ("../b.zarr", ())
    assert (tmp_path / "site" / entry.page).exists()
    assert [store.address for store in site.unreadable] == ["a.zarr"]


def test_a_store_that_states_the_content_of_another_does_not_take_its_place(eyes_store, tmp_path):
    good = copy_store(eyes_store, tmp_path / "good.zarr", content="0" * 64)
    copy_store(eyes_store, tmp_path / "copy.zarr", content="0" * 64, title="good.zarr")
    other = copy_store(eyes_store, tmp_path / "evil.zarr", content="0" * 64)
    site = bids_dl.catalogue([good, other, tmp_path / "copy.zarr"], output=tmp_path / "site")
    [entry] = site.entries
    assert (entry.title, entry.address, entry.also_at) == (
        *("good.zarr", "../copy.zarr"),
        ("../good.zarr",),
    )
    [left_out] = site.unreadable
    assert "states the windows of ../good.zarr, but has other metadata" in left_out.reason
    assert site.exit_status == 3


def test_the_current_folder_keeps_its_name_among_the_places_without_stores(
    eyes_store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    [place] = bids_dl.catalogue([eyes_store, "."], output="site").unreadable
    assert (place.address, place.reason) == (".", "no store in it")


def test_a_store_in_an_archive_of_this_machine_is_not_listed(eyes_store, tmp_path):
    archive = bids_dl.export(eyes_store, tmp_path / "record.zip")
    url = f"zip://{eyes_store.name}::{archive}"
    site = bids_dl.catalogue([eyes_store, url], output=tmp_path / "site")
    [left_out] = site.unreadable
    assert left_out.address == f"zip://{eyes_store.name}::record.zip"
    assert "in an archive of this machine" in left_out.reason
    assert not any(str(tmp_path).encode() in text for text in files_of(tmp_path / "site").values())


def test_the_same_stores_give_the_same_bytes_in_any_order(stores, tmp_path):
    bids_dl.catalogue([stores / "a.zarr", stores / "b.zarr"], output=tmp_path / "one")
    bids_dl.catalogue([stores / "b.zarr", stores / "a.zarr"], output=tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_an_updated_site_loses_the_pages_of_removed_stores_only(stores, tmp_path):
    site = tmp_path / "site"
    bids_dl.catalogue([stores / "a.zarr", stores / "b.zarr"], output=site)
    (site / "pages/mine.html").write_text("mine")
    bids_dl.catalogue(stores / "b.zarr", output=site)
    [entry] = json.loads((site / "catalogue.json").read_text())["entries"].values()
    assert set(files_of(site)) == {"index.html", "catalogue.json", "pages/mine.html", entry["page"]}


def test_stores_below_the_site_have_an_absolute_address_if_that_of_the_site_is_known(
    eyes_store, tmp_path
):
    site = tmp_path / "site"
    copy_store(eyes_store, site / "my stores/a.zarr")
    copy_store(eyes_store, tmp_path / "b.zarr")
    places = [site / "my stores", tmp_path / "b.zarr"]
    url = "https://lab.org/data/"
    entries = bids_dl.catalogue(places, output=site, site_url=url).entries
    assert [entry.address for entry in entries] == [
        "https://lab.org/data/my%20stores/a.zarr",
        "../b.zarr",
    ]
    assert bids_dl.catalogue(places, output=site).entries[0].address == "my stores/a.zarr"


def test_another_site_is_not_replaced(eyes_store, tmp_path):
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(ConfigError, match="no catalogue; choose another folder"):
        bids_dl.catalogue(eyes_store, output=tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "s3://bucket/site"}, "then copy that to a server"),
        ({"output": "site", "site_url": "lab.org"}, "site_url"),
        ({"output": "site", "site_url": "https://u:p@lab.org"}, "site_url"),
        ({"output": "site", "site_title": ""}, "site_title"),
    ],
)
def test_wrong_options_are_refused(eyes_store, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        bids_dl.catalogue(eyes_store, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_site_inside_a_store_is_refused(eyes_store, tmp_path):
    store = copy_store(eyes_store, tmp_path / "a.zarr")
    with pytest.raises(ConfigError, match="inside the store"):
        bids_dl.catalogue(store, output=store / "site")
    assert not (store / "site").exists()


def test_no_store_at_all_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no store could be read in 1 place"):
        bids_dl.catalogue(tmp_path, output=tmp_path / "site")


def test_an_address_with_a_password_is_not_published(eyes_store, tmp_path):
    (tmp_path / "list.txt").write_text(f"{eyes_store}\nhttp://127.0.0.1:9/a.zarr?sig=secret\n")
    options = {"retry_timeout": 0}
    site = bids_dl.catalogue(
        tmp_path / "list.txt", output=tmp_path / "site", storage_options=options
    )
    assert len(site.unreadable) == 1
    assert not any(b"secret" in content for content in files_of(tmp_path / "site").values())


def test_stores_of_a_bucket_have_their_url(eyes_store, options, tmp_path):
    import fsspec

    filesystem = fsspec.filesystem(
        "s3", **{name: value for name, value in options.items() if name != "retry_timeout"}
    )
    filesystem.put(str(eyes_store), "s3://bucket/stores/eyes.zarr", recursive=True)
    site = bids_dl.catalogue(
        "s3://bucket/stores", output=tmp_path / "site", storage_options=options
    )
    [entry] = site.entries
    assert entry.address == "s3://bucket/stores/eyes.zarr"
    assert "s3://bucket/stores/eyes.zarr" in (tmp_path / "site" / entry.page).read_text()


def test_the_command_prints_the_first_page_and_what_was_not_read(command, stores):
    result = command("catalogue", stores, "--output", "site")
    assert result.status == 3
    assert result.words == "site/index.html: 2 stores"
    assert result.err.count("failed ") == 3
    listed = command("catalogue", stores, "--output", "site", "--json").json
    assert [store["title"] for store in listed["stores"]] == ["a.zarr", "b.zarr"]
    assert len(listed["unreadable"]) == 3


def test_the_root_of_a_served_store_is_fetched_once(eyes_store, tmp_path):
    with CountingServer(eyes_store.parent) as server:
        site = bids_dl.catalogue(f"{server.url}/eyes.zarr", output=tmp_path / "site")
        roots = [path for path in server.requests if path.endswith("eyes.zarr/zarr.json")]
        assert len(roots) == 1
    [entry] = site.entries
    page = (tmp_path / "site" / entry.page).read_text()
    assert f'href="{entry.address}/zarr.json"' in page
