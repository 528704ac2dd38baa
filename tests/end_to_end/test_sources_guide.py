"""The commands on OpenNeuro in README and docs/sources.md run word for word, on loopback."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from annexed_repository import openneuro_repository
from git_server import GitServer
from versioned_bucket import VersionedBucket

from bids_dl.demo import sample_folder
from bids_dl.source.archives.endpoints import DEFAULT_ENDPOINTS, environment_variable

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openneuro")
    with VersionedBucket() as bucket:
        repository = openneuro_repository(
            sample_folder(), folder / "ds004362.git", publish=bucket.publish
        )
        with repository, GitServer({"ds004362": repository.repo}) as git:
            yield git, bucket


def commands_on_openneuro(text: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if "openneuro:" in line]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.parametrize("text", [README, GUIDE], ids=["README", "sources.md"])
def test_the_commands_on_openneuro_run_word_for_word(servers, text, tmp_path, monkeypatch, command):
    git, bucket = servers
    monkeypatch.setenv("BIDS_DL_OPENNEURO_GIT", git.url)
    monkeypatch.setenv("BIDS_DL_OPENNEURO_S3", bucket.url)
    monkeypatch.setenv("BIDS_DL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    events, convert = commands_on_openneuro(text)
    bucket.reset()
    assert command(*events).status == 0
    assert not [path for path in bucket.requests if path.endswith(".edf")]
    assert command(*convert, "--scheduler", "synchronous").status == 0
    assert (tmp_path / convert[2] / "zarr.json").is_file()


def test_the_guide_lists_every_endpoint():
    for name, url in DEFAULT_ENDPOINTS.items():
        assert f"| `{name}` | `{environment_variable(name)}` | `{url}`" in GUIDE
