"""A secret in a URL or an option is in no message of a command, and in no file it writes."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from command_line import CLOSED
from conversions import convert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECRETS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=24).map("Zq7{}".format)
URLS = [
    "s3://{}@bucket/x.zarr",
    "s3://AKIAABCDEFGHIJKLMNOP:{}@bucket/x.zarr",
    "s3://key:pa/{}@bucket/x.zarr",
    "http://user:{}@127.0.0.1:9/x.zarr",
    "http://{}@127.0.0.1:9/x.zarr",
    "http://127.0.0.1:9/x.zarr?sig={}",
    "http://127.0.0.1:9/x.zarr?{}",
    "http://127.0.0.1:9/x.zarr?a=1&X-Amz-Signature={}&b=2",
    "http://127.0.0.1:9/x.zarr#{}",
    "http://127.0.0.1:9/x.zarr;token={}",
    "https://user:{}@[::1/x.zarr",
    "nosuch://user:{}@host/x.zarr",
    "simplecache::http://user:{}@127.0.0.1:9/x.zarr",
]
NO_RETRY = ("--storage-option", "retry_timeout=0")
ENDPOINT = ("--storage-option", "endpoint_url=http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch):
    """Prevent requests for the credentials of this machine."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")


def commands_with(url: str, dataset: Path) -> list[tuple[str | Path, ...]]:
    """Return every command that takes a URL, with this one."""
    options = (*NO_RETRY, *(ENDPOINT if url.startswith("s3") else ()), "-v")
    return [
        ("events", url, *CLOSED, "-v"),
        ("info", url, *options),
        ("info", url, "--json", *options),
        ("verify", url, *options),
        ("verify", "x.zarr", "--source", url, "-v"),
        ("report", url, *options),
        ("export", url, "x.npz", *options),
        ("train", url, "--model", "shallow-fbcsp", *options),
        ("predict", url, "--run-dir", "x", *options),
        ("convert", dataset, url, *CLOSED, "--window", "2", *options),
        ("convert", url, "x.zarr", *CLOSED, "--window", "2", "-v"),
        ("convert", dataset, "x.zarr", *CLOSED, "--window", "2", "--staging", url, *options),
        ("events", dataset, *CLOSED, "--config", url),
        ("cache", "--remove", url),
    ]


@pytest.mark.parametrize("place", URLS)
def test_a_secret_of_the_url_of_a_store_is_in_no_message(command, eegbci, place):
    url = place.format("Zq7secret")
    for arguments in commands_with(url, eegbci):
        if arguments[0] in ("info", "report", "export"):
            printed = command(*arguments)
            assert printed.status
            assert "Zq7secret" not in printed.out + printed.err


@pytest.mark.slow  # three seconds for each server that never answers
@settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(secret=SECRETS, places=st.lists(st.sampled_from(URLS), min_size=2, max_size=2))
def test_a_secret_of_a_url_is_in_no_message_of_any_command(command, eegbci, secret, places):
    for place in places:
        for arguments in commands_with(place.format(secret), eegbci):
            printed = command(*arguments)
            assert printed.status
            assert secret not in printed.out + printed.err, arguments
            assert "Traceback" not in printed.err
    assert not list(Path.cwd().rglob(f"*{secret}*"))


@pytest.mark.parametrize("text", ["Zq7secret", "=Zq7secret"])
def test_a_malformed_storage_option_is_not_repeated(command, text):
    for arguments in (("info", "x.zarr"), ("verify", "x.zarr"), ("report", "x.zarr")):
        printed = command(*arguments, "--storage-option", text)
        assert printed.err == "error: --storage-option: expected KEY=VALUE\n"


@pytest.mark.slow
def test_a_store_and_its_staging_hold_no_secret_of_their_location(s3, eegbci, tmp_path):
    options = {**s3, "secret": "Zq7secret"}
    outcome = convert(
        eegbci,
        "s3://bucket/x.zarr",
        hed={"closed": "Eyes-closed"},
        subject="001",
        split=1,
        storage_options=options,
        staging=str(tmp_path),
    )
    assert outcome.n_windows
    import fsspec

    filesystem = fsspec.filesystem("s3", **s3, use_listings_cache=False)
    contents = [filesystem.cat(name) for name in filesystem.find("bucket")]
    contents += [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert contents
    assert not [content for content in contents if b"Zq7secret" in content]
