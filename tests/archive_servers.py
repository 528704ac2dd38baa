"""Servers of OpenNeuro and NEMAR on loopback for one dataset, and access to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from annexed_repository import AnnexedRepository
from archive_api import ArchiveApi
from git_server import GitServer
from versioned_bucket import VersionedBucket

from bids_dl.config.stages import FetchConfig
from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.http.http_client import HttpClient
from bids_dl.source.archives.access import Access, open_access
from bids_dl.source.archives.endpoints import find_endpoints

NOWHERE = "http://127.0.0.1:9"  # nothing answers there
RETRY_SECONDS = 0.2
OFFLINE = dict.fromkeys(
    ("openneuro-git", "openneuro-s3", "openneuro-api", "nemar-git", "nemar-data", "nemar-s3"),
    NOWHERE,
)
"""Endpoints of a machine without network."""


@dataclass
class Archives:
    """Servers of one dataset with versions 1.0.0 and 1.1.0.

    Attributes
    ----------
    repository
        Its git repository, also the mirror of NEMAR.
    git, bucket, api
        The servers.
    """

    repository: AnnexedRepository
    git: GitServer
    bucket: VersionedBucket
    api: ArchiveApi

    @property
    def endpoints(self) -> dict[str, str]:
        """Base addresses of all services."""
        return {
            "openneuro-git": self.git.url,
            "nemar-git": self.git.url,
            "openneuro-s3": self.bucket.url,
            "openneuro-api": self.api.graphql_url,
            "nemar-data": self.api.data_url,
            "nemar-s3": self.api.bucket_url,
            "nemar-api": NOWHERE,
        }

    @property
    def n_requests(self) -> int:
        """Requests to all servers since the last reset."""
        return len(self.git.requests) + len(self.bucket.requests) + len(self.api.requests)

    def reset(self) -> None:
        """Count from zero, and fail no more."""
        self.git.reset()
        self.bucket.reset()
        self.bucket.absent.clear()
        self.bucket.damaged.clear()
        self.api.reset()


@dataclass
class ArchiveAccess:
    """Access to the servers, with short waits before retries.

    Attributes
    ----------
    cache
        Folder of the cache.
    messages
        Lines that were shown to the user.
    """

    archives: Archives
    cache: Path
    messages: list[str] = field(default_factory=list)

    @contextmanager
    def open(
        self, endpoints: Mapping[str, str] | None = None, *, key: str = ""
    ) -> Iterator[Access]:
        """Open access inside the context.

        Parameters
        ----------
        endpoints
            Base addresses in place of those of the servers.
        key
            Key of OpenNeuro, "" for none.
        """
        config = FetchConfig(endpoints={**self.archives.endpoints, **(endpoints or {})})
        environment = {"OPENNEURO_API_KEY": key} if key else {}
        with open_access(config, environment=environment) as usual:
            headers = usual.client.headers_by_host
        with HttpClient(headers, retry_timeout=RETRY_SECONDS) as client:
            found = find_endpoints(config.endpoints, {})
            yield Access(ObjectCache(self.cache), client, found, config, self.messages.append)
