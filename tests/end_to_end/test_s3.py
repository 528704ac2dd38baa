"""Stores in a bucket: credentials, killed conversions, and what no message may contain."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
import small_store
from bucket import forget_clients, objects_at, unfinished_uploads
from conftest import SAMPLE
from conversions import convert, convert_command
from faulty_server import TRANSIENT_FAULTS, impatient
from small_store import SmallStore

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.staging_entry import StagingEntry
from bids_dl.remote.location import Location
from bids_dl.store import open_store
from bids_dl.verification import verify

URL = "s3://bucket/small.zarr"
EYES_URL = "s3://bucket/eyes.zarr"
SMALL = SmallStore()
CREDENTIALS_FILE = "[lab]\naws_access_key_id = LABKEY\naws_secret_access_key = lab-secret\n"
CONFIG_FILE = "[plain]\nregion = us-east-1\n"


def signing_key(headers: dict[str, str]) -> str:
    """Return the key that a request was signed with, "" if it was not signed."""
    return headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]


def as_flags(options: dict[str, object]) -> list[str]:
    """Return storage options as flags of the command line."""
    flags = []
    for name, value in options.items():
        flags += ["--storage-option", f"{name}={value}"]
    return flags


@pytest.fixture
def environment(monkeypatch, tmp_path) -> Callable[..., None]:
    """Function that sets the variables that AWS clients read, and unsets all others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(CREDENTIALS_FILE)
    (tmp_path / "config").write_text(CONFIG_FILE)

    def set_variables(**values: str) -> None:
        forget_clients()
        variables = {
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **values,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


KEYS = {"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "env-secret"}


@pytest.mark.parametrize(
    ("variables", "flags", "key"),
    [
        (KEYS, {}, "ENVKEY"),
        ({"AWS_PROFILE": "lab"}, {}, "LABKEY"),
        ({}, {"profile": "lab"}, "LABKEY"),
        (KEYS, {"profile": "lab"}, "LABKEY"),
        (KEYS, {"key": "GIVENKEY", "secret": "given-secret"}, "GIVENKEY"),
        (KEYS, {"anon": "true"}, ""),
        ({}, {"anon": "true"}, ""),
    ],
)
@pytest.mark.parametrize("endpoint_from", ["environment", "option"])
def test_requests_are_signed_with_the_credentials_of_the_options_or_the_environment(
    options, faulty, environment, command, variables, flags, key, endpoint_from
):
    small_store.write(URL, SMALL, storage_options=options)
    if endpoint_from == "environment":
        variables = {**variables, "AWS_ENDPOINT_URL": faulty.url}
    else:
        flags = {**flags, "endpoint_url": faulty.url}
    environment(**variables)
    faulty.fail()
    result = command("verify", URL, *as_flags(flags))
    assert (result.status, result.err) == (0, "")
    assert {signing_key(headers) for _, headers in faulty.log} == {key}
    assert "secret" not in result.out


def test_the_requester_pays_header_is_in_every_request_for_an_object(options, faulty):
    options = {**options, "requester_pays": True}
    small_store.write(URL, SMALL, storage_options=options)
    assert not verify(URL, storage_options=options).damages
    for _ in bids_dl.StreamingDataset(URL, storage_options=options):
        pass
    payers = []
    for request, headers in faulty.log:
        if "/small.zarr/" in request.partition("?")[0]:
            payers.append(headers.get("x-amz-request-payer"))
    assert len(payers) > 50
    assert set(payers) == {"requester"}


def test_missing_credentials_are_reported_with_the_ways_to_give_some(faulty, environment, command):
    environment(AWS_ENDPOINT_URL=faulty.url)
    result = command("info", URL)
    assert result.status == 2
    assert result.err.startswith(
        f"error: {URL}: no credentials to sign the request; set AWS_PROFILE, or"
    )


@pytest.mark.parametrize(
    ("url", "fault", "message"),
    [
        ("s3://bucket/nothing.zarr", "", "no store there"),
        ("s3://nobucket/small.zarr", "", "the bucket does not exist"),
        (
            URL,
            "denied",
            "access denied (AccessDenied, HTTP 403); check the credentials and their permissions",
        ),
        (
            URL,
            "expired",
            "the credentials have expired (ExpiredToken, HTTP 400); "
            "renew them and run the same command again",
        ),
    ],
)
def test_a_store_that_cannot_be_read_is_refused_in_one_line(options, faulty, url, fault, message):
    faulty.fail(*([fault] if fault else []), share=1.0)
    for read in (open_store, verify):
        with pytest.raises(StoreError) as refusal:
            read(url, storage_options=options)
        assert str(refusal.value) == f"{url}: {message}"


def test_an_option_that_the_client_does_not_know_is_named(options):
    with pytest.raises(StoreError, match=r"a storage option does not fit \(.*'bogus'\)"):
        open_store(URL, storage_options={**options, "bogus": 1})


@impatient
def test_staging_in_a_bucket_retries_transient_failures(s3, options, faulty):
    staging = Staging(Location("s3://bucket/staging", options))
    entry = StagingEntry(tuple(range(40)), (), (0.0,), (1.0,), ())
    signals = np.random.default_rng(0).standard_normal((40, 25, 10_000)).astype(np.float32)
    key = "a" * 64
    faulty.fail(*TRANSIENT_FAULTS, seed=3, share=0.3)
    with staging.write_entry(key, signals.shape) as entry_writer:
        entry_writer.write(range(len(signals)), signals)
        entry_writer.entry = entry
    assert staging.read_entry(key) == entry
    windows = np.concatenate(list(staging.read_windows(key)))
    np.testing.assert_array_equal(windows, signals)
    assert faulty.failed.total() > 2
    faulty.fail()
    staging.remove([key])
    assert fsspec.filesystem("s3", **s3).find("s3://bucket") == []
    assert unfinished_uploads(s3) == []


def start_conversion(options: dict, faulty, cache_home: Path) -> subprocess.Popen:
    """Start a conversion of 46 MB in a process of its own; its shard is uploaded in parts."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": options["key"],
        "AWS_SECRET_ACCESS_KEY": options["secret"],
        "AWS_ENDPOINT_URL": faulty.url,
        "XDG_CACHE_HOME": str(cache_home),
    }
    return subprocess.Popen(
        convert_command(SAMPLE, EYES_URL, "--stride", "0.25", "--jobs", "1"),
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at_write(process: subprocess.Popen, faulty, number: int) -> None:
    """Kill a conversion at its write request of this number, and wait for its end."""
    writes: list[str] = []

    def count_and_kill(request: str) -> None:
        writes.append(request)
        if len(writes) == number:
            os.killpg(process.pid, signal.SIGKILL)

    faulty.on_write = count_and_kill
    process.communicate()
    faulty.on_write = lambda _: None
    assert process.returncode == -signal.SIGKILL, writes


@pytest.mark.slow
def test_a_conversion_killed_at_ten_moments_is_refused_and_then_completed(
    s3, options, faulty, eegbci, tmp_path
):
    options = {**options, "config_kwargs": {}}
    convert(eegbci, tmp_path / "eyes.zarr", stride=0.25)
    numbers = random.Random(0).sample(range(3, 60), 10)
    n_unfinished = 0
    for number in sorted(numbers, reverse=True):
        kill_at_write(start_conversion(options, faulty, tmp_path), faulty, number)
        with pytest.raises(
            StoreError, match=r"not finished; run the same|no store there"
        ) as refusal:
            open_store(EYES_URL, storage_options=options)
        n_unfinished += "not finished" in str(refusal.value)
    assert n_unfinished >= 8
    process = start_conversion(options, faulty, tmp_path)
    out, err = process.communicate()
    assert process.returncode == 0, (out, err)
    assert not verify(EYES_URL, storage_options=options).damages
    assert objects_at(EYES_URL, options) == objects_at(str(tmp_path / "eyes.zarr"))
    assert unfinished_uploads(s3) == []
    assert list((tmp_path / "bids_dl").rglob("*.npy")) == []


SECRETS = {"key": "AKIDSECRET", "secret": "secretvalue", "token": "secrettoken"}


@pytest.mark.slow
@pytest.mark.parametrize("denied", [False, True])
def test_credentials_are_in_no_object_and_no_message(
    options, faulty, environment, tmp_path, denied
):
    environment(AWS_ENDPOINT_URL=faulty.url)
    given = {**SECRETS, "retry_timeout": 0}
    flags = [*as_flags(given), "--staging", "s3://bucket/staging", "--subject", "001"]
    arguments = convert_command(SAMPLE, EYES_URL, "--stride", "0.25", "--jobs", "1", *flags)
    faulty.fail(*(["denied"] if denied else []), share=1.0, only="/channel/c/")
    result = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert result.returncode == (2 if denied else 0), result.stderr
    assert {signing_key(headers) for _, headers in faulty.log} == {SECRETS["key"]}
    faulty.fail()
    objects = objects_at("s3://bucket", options)
    texts = [result.stdout, result.stderr, repr(Location("s3://bucket", given))]
    texts += [content.decode("latin-1") for content in objects.values()]
    assert len(texts) > (8 if denied else 60)
    for text in texts:
        assert not any(secret in text for secret in SECRETS.values())
