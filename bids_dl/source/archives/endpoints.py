"""Base addresses of the archives. Each can be replaced, for mirrors, proxies and tests."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bids_dl.errors import ConfigError
from bids_dl.wording import suggest

DEFAULT_ENDPOINTS = {
    "openneuro-git": "https://github.com/OpenNeuroDatasets",
    "openneuro-s3": "https://s3.amazonaws.com/openneuro.org",
    "openneuro-api": "https://openneuro.org/crn/graphql",
    "nemar-git": "https://github.com/nemarDatasets",
    "nemar-data": "https://data.nemar.org",
    "nemar-s3": "https://nemar.s3.us-east-2.amazonaws.com",
    "nemar-zarr": "https://zarr.nemar.org",
    "nemar-api": "https://api.nemar.org",
}
"""Base address by name; the environment variable of a name is ``BIDS_DL_OPENNEURO_GIT``, ..."""

BUCKETS = {"openneuro-s3": "openneuro.org"}
"""Bucket by the name of an endpoint whose buckets are in the path of their addresses."""
NAMED_BASE = re.compile(r"\{([a-z0-9-]+)\}")  # in a URL, as `Endpoints.contract` writes it


@dataclass(frozen=True)
class Endpoints:
    """Base addresses of the archives by name, without a slash at their end."""

    by_name: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.by_name[name]

    def host(self, name: str) -> str:
        """Return ``host`` or ``host:port`` of a base address."""
        return urlsplit(self.by_name[name]).netloc

    def contract(self, url: str) -> str:
        """Replace the base address of a URL by its name.

        Examples
        --------
        >>> endpoints = Endpoints({"openneuro-s3": "https://mirror.org/on"})
        >>> endpoints.contract("https://mirror.org/on/ds1/a.edf")
        '{openneuro-s3}/ds1/a.edf'
        """
        for name, base in self.by_name.items():
            if url.startswith(f"{base}/"):
                return f"{{{name}}}{url[len(base) :]}"
        return url

    def expand(self, url: str) -> str:
        """Replace the name of a base address by the address, as the inverse of `contract`."""
        match = NAMED_BASE.match(url)
        if match is None or match[1] not in self.by_name:
            return url
        return self.by_name[match[1]] + url[match.end() :]


def find_endpoints(
    options: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> Endpoints:
    """Find the base address of each endpoint: of the options, the environment, or the default.

    Parameters
    ----------
    options
        Base addresses by name, as given with ``--endpoint NAME=URL``.
    environment
        Environment variables.

    Raises
    ------
    ConfigError
        A name is unknown, or an address is not an http URL or holds credentials.

    Examples
    --------
    >>> endpoints = find_endpoints({"openneuro-git": "http://localhost:8000/"}, {})
    >>> endpoints["openneuro-git"], endpoints.host("nemar-data")
    ('http://localhost:8000', 'data.nemar.org')
    >>> find_endpoints({"openneuro-s3": "http://localhost:9000"}, {})["openneuro-s3"]
    'http://localhost:9000/openneuro.org'
    """
    for name in options:
        if name not in DEFAULT_ENDPOINTS:
            raise ConfigError(
                f"--endpoint {name}: unknown endpoint; {suggest(name, DEFAULT_ENDPOINTS)}"
            )
    by_name = {}
    for name, default in DEFAULT_ENDPOINTS.items():
        variable = environment_variable(name)
        url = options.get(name) or environment.get(variable) or default
        if not url.startswith(("http://", "https://")):
            origin = f"--endpoint {name}" if name in options else variable
            raise ConfigError(f"{origin}: expected a URL such as {default}, got {url!r}")
        if "@" in urlsplit(url).netloc:
            raise ConfigError(f"{name}: the URL of an endpoint must not hold a user or password")
        by_name[name] = _with_bucket(url.rstrip("/"), BUCKETS.get(name, ""))
    return Endpoints(by_name)


def _with_bucket(url: str, bucket: str) -> str:
    """Return the address of a bucket, which is added to an address that is only a host."""
    return f"{url}/{bucket}" if bucket and not urlsplit(url).path else url


def environment_variable(name: str) -> str:
    """Return the environment variable of an endpoint.

    Examples
    --------
    >>> environment_variable("openneuro-git")
    'BIDS_DL_OPENNEURO_GIT'
    """
    return f"BIDS_DL_{name.upper().replace('-', '_')}"
