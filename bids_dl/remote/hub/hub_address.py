"""Addresses of files on the hub: ``hf://datasets/ORGANIZATION/NAME[@REVISION]/PATH``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from bids_dl.errors import StoreError

SCHEME = "hf://"
HUB_URL = re.compile(
    r"hf://(?P<kind>datasets/)?(?P<organization>[^/@]+)/(?P<name>[^/@]+)"
    r"(@(?P<revision>refs/(?:pr|convert)/[^/]+|[^/]+))?(/(?P<path>.*))?"
)
OTHER_KINDS = {"datasets", "spaces", "buckets", "kernels", "models"}  # no organizations
COMMIT = re.compile("[0-9a-f]{40}")
BRANCH = "main"


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Address of a file or a folder in a repository.

    Attributes
    ----------
    kind
        "datasets" or "models".
    repository
        "ORGANIZATION/NAME".
    revision
        Branch, tag or commit.
    path
        Path within the repository, "" for all of it.
    """

    kind: str
    repository: str
    revision: str = BRANCH
    path: str = ""

    @property
    def is_pinned(self) -> bool:
        """True if the revision is a commit, which cannot change."""
        return COMMIT.fullmatch(self.revision) is not None

    @property
    def url(self) -> str:
        """The ``hf://`` URL, with its revision unless it is the main branch."""
        kind = "datasets/" if self.kind == "datasets" else ""
        revision = "" if self.revision == BRANCH else f"@{quote(self.revision, safe='')}"
        return f"{SCHEME}{kind}{self.repository}{revision}/{self.path}".rstrip("/")

    @property
    def resolve_path(self) -> str:
        """Path on the hub that answers with the file, or with its address."""
        kind = "/datasets" if self.kind == "datasets" else ""
        revision = quote(self.revision, safe="")
        return f"{kind}/{self.repository}/resolve/{revision}/{quote(self.path)}"

    @property
    def page_path(self) -> str:
        """Path of the page of the repository on the hub."""
        return f"/datasets/{self.repository}" if self.kind == "datasets" else f"/{self.repository}"

    def api_path(self, subject: str) -> str:
        """Return the path on the hub that describes the revision or its tree."""
        return f"/api/{self.kind}/{self.repository}/{subject}/{quote(self.revision, safe='')}"

    def at(self, revision: str) -> HubAddress:
        """Return the address in another revision."""
        return replace(self, revision=revision)


def is_hub_url(url: str) -> bool:
    """Return whether a URL is one of the hub."""
    return url.startswith(SCHEME)


def parse_hub_url(url: str) -> HubAddress:
    """Parse a URL of the hub.

    Raises
    ------
    StoreError
        The URL names no repository of datasets or models.

    Examples
    --------
    >>> address = parse_hub_url("hf://datasets/lab/eyes@v1/eyes.zarr")
    >>> address.repository, address.revision, address.path
    ('lab/eyes', 'v1', 'eyes.zarr')
    >>> address.resolve_path
    '/datasets/lab/eyes/resolve/v1/eyes.zarr'
    """
    match = HUB_URL.fullmatch(url)
    if url.startswith("hf://buckets/"):
        raise StoreError(f"{url}: buckets of the hub are read by their s3:// address and endpoint")
    if match is None or match["organization"] in OTHER_KINDS:
        raise StoreError(
            f"{url}: not an address of the hub; write "
            "hf://datasets/ORGANIZATION/NAME[@REVISION]/FOLDER"
        )
    return HubAddress(
        "datasets" if match["kind"] else "models",
        f"{match['organization']}/{match['name']}",
        unquote(match["revision"] or BRANCH),
        (match["path"] or "").strip("/"),
    )


def commit_of(url: str) -> str:
    """Return the commit that a URL of the hub is pinned to, "" if there is none.

    Examples
    --------
    >>> commit_of("eyes.zarr"), commit_of("hf://datasets/lab/eyes@main/eyes.zarr")
    ('', '')
    """
    if not is_hub_url(url):
        return ""
    address = parse_hub_url(url)
    return address.revision if address.is_pinned else ""


def with_revision(url: str, revision: str) -> str:
    """Return a URL of the hub in another revision.

    Examples
    --------
    >>> with_revision("hf://datasets/lab/eyes@main/eyes.zarr", "v1")
    'hf://datasets/lab/eyes@v1/eyes.zarr'
    """
    return parse_hub_url(url).at(revision).url


def without_revision(url: str) -> str:
    """Return a URL of the hub without its revision, and any other URL unchanged.

    Examples
    --------
    >>> without_revision("hf://datasets/lab/eyes@v1/eyes.zarr"), without_revision("eyes.zarr")
    ('hf://datasets/lab/eyes/eyes.zarr', 'eyes.zarr')
    """
    return parse_hub_url(url).at(BRANCH).url if is_hub_url(url) else url
