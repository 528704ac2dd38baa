from __future__ import annotations

import itertools
import json

import pytest
import small_store
import yaml
from copied_stores import assert_whole

import bids_dl
from bids_dl.errors import ConfigError, StoreError
from bids_dl.publishing import hub_copy
from bids_dl.publishing.hub_copy import RULE, add_rule

DEST = "hf://datasets/lab/eyes"
NAME = "lab/eyes"
COMPUTED = (
    *("root_sha256", "content", "documents", "array_sha256"),
    *("format", "format_version", "finished"),
)
"""Attributes that the writer of a store computes."""


def push(store, dest=DEST, **options):
    options = {"storage_options": {"retry_timeout": 0.3}} | options
    return bids_dl.push(store, dest, **options)


def objects_of(hub, folder="eyes.zarr"):
    files = hub.repositories[NAME].files
    return {
        path.removeprefix(f"{folder}/"): body
        for path, body in files.items()
        if path.startswith(f"{folder}/")
    }


def writes(hub):
    return hub.log.lines("^(PUT|POST|DELETE)")


def test_a_new_repository_gets_a_store_that_opens_by_the_pinned_address(hub, eyes_store, content):
    outcome = push(eyes_store)
    tag = f"eyes.zarr-{content.content[:16]}"
    assert outcome.address == f"hf://datasets/lab/eyes@{tag}/eyes.zarr"
    assert_whole(objects_of(hub), content)
    repository = hub.repositories[NAME]
    assert repository.tags == {tag: repository.commits[-1].oid}
    assert bids_dl.open_store(outcome.address).attributes["content"] == content.content
    assert bids_dl.verify(outcome.address).damages == ()


def test_the_root_is_in_the_last_commit_alone(hub, eyes_store):
    push(eyes_store)
    commits = hub.repositories[NAME].commits
    assert [commit for commit in commits if "eyes.zarr/zarr.json" in commit.files] == [commits[-1]]
    assert "eyes.zarr/signals/c/0/0/0" in commits[-2].files
    assert len(commits) == 3  # with that of the creation


def test_shards_go_in_commits_of_limited_size(hub, eyes_store, tmp_path, monkeypatch):
    monkeypatch.setattr(hub_copy, "MAX_FILES", 2)
    attributes = dict(bids_dl.open_store(eyes_store).attributes)
    for name in COMPUTED:
        attributes.pop(name)
    small = small_store.SmallStore(4, 30, per_chunk=20, chunks_per_shard=2)  # 240 windows as well
    small_store.write(tmp_path / "small.zarr", small, **attributes)
    push(tmp_path / "small.zarr")
    counts = []
    for before, after in itertools.pairwise(hub.repositories[NAME].commits):
        added = after.files.keys() - before.files.keys()
        counts.append(len([path for path in added if "/signals/c/" in path]))
    assert counts == [2, 2, 2, 0]


def test_the_root_of_the_repository_has_its_own_documents(hub, eyes_store):
    outcome = push(eyes_store, author="Ada Lovelace")
    files = hub.repositories[NAME].files
    card = files["README.md"].decode()
    header = yaml.safe_load(card.split("---")[1])
    assert header["viewer"] is False
    assert header["license"] == "cc0-1.0"
    assert outcome.address in card
    description = json.loads(files["dataset_description.json"])
    assert description["DatasetType"] == "derivative"
    assert description["Authors"] == ["Ada Lovelace"]
    assert description["SourceDatasets"][0]["DOI"].startswith("doi:10.18112/")
    assert RULE in files[".gitattributes"]
    assert "Ada Lovelace" in files["CITATION.cff"].decode()
    assert json.loads(files["croissant.json"])["creator"][0]["name"] == "Ada Lovelace"


def test_a_second_push_sends_nothing(hub, eyes_store):
    push(eyes_store)
    hub.log.clear()
    outcome = push(eyes_store)
    assert outcome.state == "present"
    assert writes(hub) == []
    assert len(hub.repositories[NAME].commits) == 3


def test_a_second_push_on_another_day_sends_nothing(hub, eyes_store, monkeypatch):
    push(eyes_store)
    files = hub.repositories[NAME].files
    day = json.loads(files["croissant.json"])["datePublished"]
    old = {}
    for name in ("README.md", "CITATION.cff", "croissant.json"):
        old[name] = files[name].replace(day.encode(), b"2020-01-01")
    old["README.md"] = old["README.md"].replace(f"{{{day[:4]}}}".encode(), b"{2020}")
    citation = json.loads(old["croissant.json"])
    citation["citeAs"] = citation["citeAs"].replace(f"{{{day[:4]}}}", "{2020}")
    old["croissant.json"] = (json.dumps(citation, indent=1, ensure_ascii=False) + "\n").encode()
    hub.repositories[NAME].put(old, large=False)
    hub.log.clear()
    assert push(eyes_store).state == "present"
    assert writes(hub) == []


def test_another_store_at_the_same_folder_is_refused(hub, eyes_store, other_store, content):
    push(eyes_store)
    with pytest.raises(StoreError, match="holds another store") as caught:
        push(other_store)
    assert caught.value.exit_status == 2
    assert "its title is" in str(caught.value)
    assert_whole(objects_of(hub), content)


def test_a_repository_holds_several_stores(hub, eyes_store, other_store, content):
    push(eyes_store)
    told = []
    outcome = push(other_store, f"{DEST}/one.zarr", on_message=told.append)
    assert outcome.state == "sent"
    assert_whole(objects_of(hub), content)
    assert bids_dl.open_store(outcome.address).shape[0] == 60
    assert any("README.md of the repository is kept" in text for text in told)


def test_the_same_store_in_another_folder_has_a_tag_of_its_own(hub, eyes_store):
    first = push(eyes_store)
    second = push(eyes_store, f"{DEST}/again.zarr")
    assert bids_dl.open_store(first.address).shape == bids_dl.open_store(second.address).shape


def test_a_dry_run_makes_no_repository_and_needs_no_login(eyes_store, monkeypatch):
    from hub_server import HubServer, use_hub

    with HubServer() as hub, use_hub(hub, token=None):
        outcome = push(eyes_store, dry_run=True)
        assert outcome.state == "planned"
        assert outcome.copied_objects == outcome.n_objects
        assert hub.repositories == {}
        with pytest.raises(StoreError, match="nobody is logged in"):
            push(eyes_store)


def test_a_card_that_somebody_has_edited_is_kept(hub, eyes_store):
    hub.add_repository(NAME).put({"README.md": b"my own words"}, large=False)
    told = []
    push(eyes_store, on_message=told.append)
    assert hub.repositories[NAME].files["README.md"] == b"my own words"
    assert any("README.md" in text for text in told)


def test_a_doi_is_added_to_the_documents_later(hub, eyes_store, content):
    push(eyes_store)
    outcome = push(eyes_store, doi="https://doi.org/10.57967/hf/1234")
    files = hub.repositories[NAME].files
    assert "10.57967/hf/1234" in files["README.md"].decode()
    assert "10.57967/hf/1234" in files["CITATION.cff"].decode()
    assert "10.57967/hf/1234" in json.dumps(json.loads(files["croissant.json"]))
    assert_whole(objects_of(hub), content)
    assert outcome.state == "sent"
    assert bids_dl.open_store(outcome.address).attributes["content"] == content.content


def test_a_private_repository_is_private(hub, eyes_store):
    push(eyes_store, private=True)
    assert hub.repositories[NAME].is_private


def test_a_public_repository_is_not_taken_for_a_private_one(hub, eyes_store):
    hub.add_repository(NAME)
    with pytest.raises(StoreError, match="this repository is public"):
        push(eyes_store, private=True)


def test_a_message_is_that_of_the_commits(hub, eyes_store):
    push(eyes_store, message="our eyes")
    assert {commit.title for commit in hub.repositories[NAME].commits[1:]} == {"our eyes"}


def test_a_missing_branch_is_named(hub, eyes_store):
    hub.add_repository(NAME)
    with pytest.raises(StoreError, match="there is no branch 'draft'"):
        push(eyes_store, f"{DEST}@draft")


def test_a_store_does_not_go_to_a_model_repository(hub, eyes_store):
    with pytest.raises(ConfigError, match="goes to a dataset repository"):
        push(eyes_store, "hf://lab/eyes")


def test_a_doi_must_be_one(eyes_store):
    with pytest.raises(ConfigError, match="is no DOI"):
        push(eyes_store, doi="soon")


@pytest.mark.parametrize("existing", [None, b"", b"*.bin filter=lfs", b"*.bin filter=lfs\n"])
def test_the_rule_for_chunks_is_added_once(existing):
    content = add_rule(existing)
    assert content.endswith(RULE)
    assert content.startswith(existing or b"")
    assert add_rule(content) is None
