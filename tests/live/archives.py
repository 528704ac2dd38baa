"""Ten requests to the real archives, which print what differs from what the package expects.

Tests never run this script: it needs the internet. Run it by hand, before a release:

    python tests/live/archives.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bids_dl.config.stages import FetchConfig
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.source.archives.access import Access, open_access
from bids_dl.source.archives.address import parse_address
from bids_dl.source.archives.git.git_mirror import list_versions
from bids_dl.source.archives.openneuro import open_openneuro

DATASET = "ds004362"
VERSION = "1.0.0"
NEMAR_DATASET = "on004362"
MAX_BYTES = 30_000_000
LISTING = (
    f'{{snapshot(datasetId: "{DATASET}", tag: "{VERSION}") '
    "{hexsha files(recursive: true) {filename id size annexed urls}}}"
)


class Checks:
    """Requests to the archives, in order, and what differed."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.n_differences = 0
        self.signal_url = ""
        self.signal_size = 0
        self.nemar_version = ""
        self.nemar_row: dict[str, Any] = {}

    def run(self) -> int:
        """Make all requests and return the number of differences."""
        for check in (
            self.versions_of_the_git_mirror,
            self.text_and_keys_of_a_version,
            self.a_range_of_a_versioned_object,
            self.an_absent_object,
            self.listing_by_graphql,
            self.versions_of_nemar,
            self.manifest_of_nemar,
            self.a_range_of_nemar,
            self.mirror_of_nemar,
        ):
            self._report(check)
        return self.n_differences

    def _report(self, check: Callable[[], str]) -> None:
        name = check.__name__.replace("_", " ")
        try:
            difference = check()
        except Exception as error:  # noqa: BLE001  (each failure is one line of the report)
            difference = f"{type(error).__name__}: {error}"
        self.n_differences += bool(difference)
        print(f"{'differs' if difference else 'ok':8}{name}  {difference}")

    def versions_of_the_git_mirror(self) -> str:
        versions = list_versions(f"{self.access.endpoints['openneuro-git']}/{DATASET}.git")
        problems = []
        if VERSION not in versions.tags:
            problems.append(f"no tag {VERSION}: {sorted(versions.tags)}")
        if not versions.annex_commit:
            problems.append("no branch git-annex")
        return "; ".join(problems)

    def text_and_keys_of_a_version(self) -> str:
        address = parse_address(f"openneuro:{DATASET}@{VERSION}")
        archived = open_openneuro(address, self.access)
        signals = {path: file for path, file in archived.files.items() if path.endswith(".edf")}
        versioned = [file for file in signals.values() if "versionId=" in file.urls[0]]
        if versioned:
            self.signal_url = versioned[0].urls[0]
            self.signal_size = versioned[0].size or 0
        if not signals or len(versioned) < len(signals):
            return f"{len(versioned)} of {len(signals)} signals have a version of their object"
        return ""

    def a_range_of_a_versioned_object(self) -> str:
        content = self.access.client.read_range(self.signal_url, 0, 256, total=self.signal_size)
        return "" if content[:1] == b"0" else f"begins with {content[:8]!r}"

    def an_absent_object(self) -> str:
        url = f"{self.access.endpoints['openneuro-s3']}/{DATASET}/no-such-file"
        return self._status_of(url, {403, 404})

    def listing_by_graphql(self) -> str:
        answer = self.access.client.post_json(
            self.access.endpoints["openneuro-api"], {"query": LISTING}, max_bytes=MAX_BYTES
        )
        snapshot = (json.loads(answer).get("data") or {}).get("snapshot")
        files = (snapshot or {}).get("files")
        if not files:
            return f"no files: {answer[:200]!r}"
        missing = {"filename", "id", "size", "annexed", "urls"} - set(files[0])
        return f"files lack {sorted(missing)}" if missing else ""

    def versions_of_nemar(self) -> str:
        content = self._json(f"{self.access.endpoints['nemar-data']}/{NEMAR_DATASET}/")
        versions = content.get("versions") or []
        if not versions or "version" not in versions[0] or "manifest_url" not in versions[0]:
            return f"unexpected answer: {str(content)[:200]}"
        self.nemar_version = str(versions[0]["version"])
        return ""

    def manifest_of_nemar(self) -> str:
        base = f"{self.access.endpoints['nemar-data']}/{NEMAR_DATASET}/{self.nemar_version}"
        rows = self._json(f"{base}/manifest.json")
        missing = {"path", "size", "checksum_algorithm", "checksum", "bytes_url"} - set(rows[0])
        self.nemar_row = next(row for row in rows if str(row["path"]).endswith(".edf"))
        return f"rows lack {sorted(missing)}" if missing else ""

    def a_range_of_nemar(self) -> str:
        url, size = self.nemar_row["bytes_url"], int(self.nemar_row["size"])
        content = self.access.client.read_range(url, 0, 256, total=size)
        return "" if content[:1] == b"0" else f"begins with {content[:8]!r}"

    def mirror_of_nemar(self) -> str:
        versions = list_versions(f"{self.access.endpoints['nemar-git']}/{NEMAR_DATASET}.git")
        return "" if versions.tags else "no tags"

    def _json(self, url: str) -> Any:
        return json.loads(self.access.client.get(url, max_bytes=MAX_BYTES))

    def _status_of(self, url: str, expected: set[int]) -> str:
        try:
            self.access.client.get(url, max_bytes=1000)
        except HttpStatusError as error:
            return "" if error.status in expected else f"HTTP {error.status}"
        return "answered as if it existed"


def main() -> int:
    """Run all requests with an empty cache."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_access(FetchConfig(cache=str(Path(folder)))) as access,
    ):
        return min(1, Checks(access).run())


if __name__ == "__main__":
    sys.exit(main())
