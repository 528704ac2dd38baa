"""Stores in a bucket: who may read, what a killed conversion leaves, and what is never said."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
import small_store
from conftest import QUERIES, SAMPLE
from faulty_server import KINDS
from s3fs import S3FileSystem
from small_store import Small

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.pipeline.staging import Entry, Staging
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.verification import verify

URL = "s3://bucket/small.zarr"
EYES = [
    *["--stride", "0.25"],
    "--hed",
    "eyes_open=Eyes-open",
    "--hed",
    "eyes_closed=Eyes-closed",
    "--window",
    "2",
]
LAB = "[lab]\naws_access_key_id = LABKEY\naws_secret_access_key = lab-secret\n"
PLAIN = "[plain]\nregion = us-east-1\n"


def of(headers: dict[str, str]) -> str:
    """The key that a request was signed with; "" where it was not."""
    return headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


@pytest.fixture
def environment(monkeypatch, tmp_path) -> Callable[..., None]:
    """Sets the variables that AWS clients read, and takes all others away."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(LAB)
    (tmp_path / "config").write_text(PLAIN)

    def set_to(**values: str) -> None:
        S3FileSystem.clear_instance_cache()
        files = {
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
        }
        for name, value in {**files, "AWS_EC2_METADATA_DISABLED": "true", **values}.items():
            monkeypatch.setenv(name, value)

    return set_to


KEYS = {"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "env-secret"}


@pytest.mark.parametrize(
    ("variables", "given", "key"),
    [
        (KEYS, [], "ENVKEY"),
        ({"AWS_PROFILE": "lab"}, [], "LABKEY"),
        ({}, ["profile=lab"], "LABKEY"),
        (KEYS, ["profile=lab"], "LABKEY"),
        (KEYS, ["key=GIVENKEY", "secret=given-secret"], "GIVENKEY"),
        (KEYS, ["anon=true"], ""),
        ({}, ["anon=true"], ""),
    ],
)
@pytest.mark.parametrize("endpoint", ["environment", "option"])
def test_requests_carry_the_credentials_of_the_environment_or_of_the_options(
    options, faulty, environment, command, variables, given, key, endpoint
):
    small_store.write(URL, Small(), storage_options=options)
    environment(
        **variables, **({"AWS_ENDPOINT_URL": faulty.url} if endpoint == "environment" else {})
    )
    faulty.fail()
    given = given + ([f"endpoint_url={faulty.url}"] if endpoint == "option" else [])
    done = command(
        "verify", URL, *(word for option in given for word in ("--storage-option", option))
    )
    assert (done.status, done.err) == (0, "")
    assert {of(headers) for _, headers in faulty.asked} == {key}
    assert not any("secret" in text for text in (done.out, done.err))


def test_who_pays_for_requests_says_so_in_each(options, faulty):
    small_store.write(URL, Small(), storage_options=options | {"requester_pays": True})
    assert not verify(URL, storage_options=options | {"requester_pays": True}).damages
    for _ in bids_dl.StreamingDataset(URL, storage_options=options | {"requester_pays": True}):
        pass
    objects = [
        (request, headers)
        for request, headers in faulty.asked
        if "/small.zarr/" in request.partition("?")[0]
    ]
    assert len(objects) > 50
    assert [
        request for request, headers in objects if headers.get("x-amz-request-payer") != "requester"
    ] == []


def test_without_credentials_the_message_says_how_to_give_some(
    options, faulty, environment, command
):
    environment(AWS_ENDPOINT_URL=faulty.url)
    done = command("info", URL)
    assert done.status == 2
    assert done.err.startswith(
        f"error: {URL}: no credentials to sign the request with; set AWS_PROFILE, or"
    )


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("s3://bucket/nothing.zarr", "", "no store there"),
        ("s3://nobucket/small.zarr", "", "there is no such bucket"),
        (
            URL,
            "denied",
            "access denied (AccessDenied, HTTP 403); see the credentials and the rights they give",
        ),
        (
            URL,
            "expired",
            "the credentials have expired (ExpiredToken, HTTP 400); renew them and run the same command again",
        ),
    ],
)
def test_what_cannot_be_read_in_a_bucket_is_one_line_that_says_why(
    options, faulty, url, kind, message
):
    faulty.fail(*([kind] if kind else []), share=1.0)
    for read in (open_store, verify):
        with pytest.raises(StoreError) as refusal:
            read(url, storage_options=options)
        assert str(refusal.value) == f"{url}: {message}"


def test_an_option_that_the_client_does_not_know_is_named(options):
    with pytest.raises(StoreError, match=r"a storage option does not fit \(.*'bogus'\)"):
        open_store(URL, storage_options=options | {"bogus": 1})
    with pytest.raises(StoreError, match=r"patience is a number of seconds from 0 on, got 'long'"):
        open_store(URL, storage_options=options | {"patience": "long"})


def contents(url: str, options: dict | None = None) -> dict[str, bytes]:
    place = Location(url, options or {})
    return {name: place.read(name) for name in place.list()}


def uploads(s3) -> list[str]:
    """Keys of what was begun to be put in parts and never ended."""
    return [
        found["Key"] for found in fsspec.filesystem("s3", **s3).list_multipart_uploads("bucket")
    ]


@pytest.fixture
def begun(s3) -> dict:
    """Uploads in parts that somebody has begun: into the store, into a store beside it."""
    client = fsspec.filesystem("s3", **s3)
    for key in ("small.zarr/signals/c/0/0/0", "small.zarr2/signals/c/0/0/0"):
        client.call_s3("create_multipart_upload", Bucket="bucket", Key=key)
    assert len(uploads(s3)) == 2
    return s3


def test_uploads_that_a_killed_run_has_left_are_ended_by_the_next_and_no_others(begun, options):
    small_store.write(URL, Small(), storage_options=options)
    assert uploads(begun) == ["small.zarr2/signals/c/0/0/0"]


LARGE = np.random.default_rng(0).bytes(40_000_000)  # three parts


def test_an_upload_in_parts_that_fails_is_taken_back(s3, options, faulty):
    faulty.fail("denied", share=1.0, only="partNumber=2")
    with pytest.raises(StoreError, match="access denied"):
        Location("s3://bucket/small.zarr", options).write("large", LARGE)
    assert sum("?uploads" in request for request in faulty.requests) == 1
    assert uploads(s3) == []


@pytest.mark.parametrize("kind", ["500", "timeout", "reset", "lost", "expired"])
def test_a_part_that_fails_is_sent_again_and_the_others_are_not(s3, options, faulty, kind):
    faulty.fail(kind, share=0.4, only="partNumber=", seed=2)
    place = Location("s3://bucket/small.zarr", options | {"config_kwargs": {"read_timeout": 0.9}})
    place.write("large", LARGE)
    failed = faulty.failed[kind, "PUT"]
    faulty.only = "nothing"
    assert failed > 0
    assert sum("partNumber=" in request for request in faulty.requests) == 3 + failed
    assert sum("?uploads" in request for request in faulty.requests) == 1
    assert place.read("large") == LARGE


def test_an_upload_whose_last_answer_is_lost_is_whole(s3, options, faulty):
    faulty.fail("lost", share=0.5, only="uploadId=")
    place = Location("s3://bucket/small.zarr", options)
    place.write("large", LARGE)
    assert faulty.failed["lost", "POST"] > 0
    faulty.fail()
    assert place.read("large") == LARGE
    assert uploads(s3) == []


@pytest.mark.parametrize("only", ["partNumber=2", "uploadId="])
def test_a_conversion_says_that_another_has_ended_its_upload(options, faulty, only):
    faulty.fail("ended", share=1.0, only=only)
    with pytest.raises(
        StoreError,
        match=r"s3://bucket/small.zarr/large: its upload was ended by somebody else; does another conversion",
    ):
        Location("s3://bucket/small.zarr", options).write("large", LARGE)


def test_what_is_staged_in_a_bucket_is_tried_again_as_all_else(s3, options, faulty):
    place = Staging(Location("s3://bucket/staging", options))
    entry = Entry((0,), (), (0.0,), (1.0,), ())
    signals = np.random.default_rng(0).standard_normal((40, 25, 10_000)).astype(np.float32)
    faulty.fail(*KINDS, seed=3, share=0.3)
    with place.writing("a", signals.shape) as write:
        write(range(len(signals)), signals)
        write.entry = entry
    assert place.read("a") == entry
    np.testing.assert_array_equal(np.concatenate(list(place.windows("a"))), signals)
    assert faulty.failed.total() > 2
    faulty.fail()
    place.remove(["a"])
    assert fsspec.filesystem("s3", **s3).find("s3://bucket") == []
    assert uploads(s3) == []


def converting(options: dict, faulty, folder: Path) -> subprocess.Popen:
    """A conversion of 46 MB, so that its shard goes up in parts, in processes of its own."""
    command = [
        sys.executable,
        "-m",
        "bids_dl.cli",
        "convert",
        str(SAMPLE),
        "s3://bucket/eyes.zarr",
        *EYES,
        "--stride",
        "0.25",
        "--jobs",
        "1",
    ]
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": options["key"],
        "AWS_SECRET_ACCESS_KEY": options["secret"],
        "AWS_ENDPOINT_URL": faulty.url,
        "XDG_CACHE_HOME": str(folder),
    }
    return subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_conversion_killed_at_ten_moments_of_packing_is_refused_and_ends_as_if_nothing_had_been(
    s3, options, faulty, eegbci, tmp_path
):
    options = options | {"config_kwargs": {}}
    bids_dl.convert(
        str(eegbci), str(tmp_path / "eyes.zarr"), hed=QUERIES, window=2, stride=0.25, jobs=2
    )
    moments = sorted(
        random.Random(0).sample(range(3, 60), 10), reverse=True
    )  # counted in requests that write
    refused = 0
    for moment in moments:
        writes: list[str] = []
        process = converting(options, faulty, tmp_path)

        def kill(request: str, process=process, writes=writes, moment=moment) -> None:
            writes.append(request)
            if len(writes) == moment:
                os.killpg(process.pid, signal.SIGKILL)

        faulty.watch = kill
        process.communicate()
        faulty.watch = lambda _: None
        assert process.returncode == -signal.SIGKILL, writes
        with pytest.raises(
            StoreError, match=r"not finished; run the same `bids-dl convert` again|no store there"
        ) as refusal:
            open_store("s3://bucket/eyes.zarr", storage_options=options)
        refused += "not finished" in str(refusal.value)
    assert refused >= 8
    process = converting(options, faulty, tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, (out, err)
    assert not verify("s3://bucket/eyes.zarr", storage_options=options).damages
    assert contents("s3://bucket/eyes.zarr", options) == contents(str(tmp_path / "eyes.zarr"))
    assert uploads(s3) == []
    assert list((tmp_path / "bids_dl").rglob("*.npy")) == []


SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDSECRET",
    "AWS_SECRET_ACCESS_KEY": "secretvalue",
    "AWS_SESSION_TOKEN": "secrettoken",
}


@pytest.mark.slow
@pytest.mark.parametrize("denied", [False, True])
def test_credentials_are_in_no_store_no_staging_and_no_message(
    s3, options, faulty, environment, tmp_path, denied
):
    environment(AWS_ENDPOINT_URL=faulty.url)
    given = {
        "key": SECRETS["AWS_ACCESS_KEY_ID"],
        "secret": "secretvalue",
        "token": "secrettoken",
        "patience": 0,
    }
    words = [
        word for name, value in given.items() for word in ("--storage-option", f"{name}={value}")
    ]
    command = [
        sys.executable,
        "-m",
        "bids_dl.cli",
        "convert",
        str(SAMPLE),
        "s3://bucket/eyes.zarr",
        *EYES,
        "--subject",
        "001",
    ]
    faulty.fail(*(["denied"] if denied else []), share=1.0, only="/channel/c/")
    staging = ["--staging", "s3://bucket/staging"]
    done = subprocess.run(
        [*command, *words, *staging, "--jobs", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if denied else 0), done.stderr
    assert {of(headers) for _, headers in faulty.asked} == {"AKIDSECRET"}
    faulty.fail()
    place = Location("s3://bucket", options)
    said = [
        done.stdout,
        done.stderr,
        repr(Location("s3://bucket", given)),
        *(place.read(name).decode("latin-1") for name in place.list()),
    ]
    assert len(said) > (8 if denied else 60)
    assert [text[:200] for text in said if any(secret in text for secret in SECRETS.values())] == []
