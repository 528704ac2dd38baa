"""Access to remote datasets: cache, connections, base addresses and tokens of one command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.config.stages import FetchConfig
from bids_dl.errors import ConfigError
from bids_dl.remote.caching.file_lock import SharedUse
from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.source.archives.endpoints import Endpoints, find_endpoints

if TYPE_CHECKING:
    from bids_dl.remote.http.http_client import HttpClient

CACHE_VARIABLE = "BIDS_DL_CACHE"
OPENNEURO_TOKEN = "OPENNEURO_API_KEY"  # noqa: S105  (name of a variable)
GITHUB_TOKEN = "GITHUB_TOKEN"  # noqa: S105
NEMAR_TOKEN = "NEMAR_TOKEN"  # noqa: S105


@dataclass(frozen=True)
class Access:
    """Cache, connections and options for remote datasets, for the duration of one command.

    Attributes
    ----------
    cache
        Files of remote datasets on disk.
    client
        Connections to servers.
    endpoints
        Base addresses of the archives.
    config
        Options of the user.
    on_message
        Called with one line about slow work.
    cache_use
        Lock that keeps other processes from removing files of the cache.
    """

    cache: ObjectCache
    client: HttpClient
    endpoints: Endpoints
    config: FetchConfig
    on_message: Callable[[str], None]
    cache_use: SharedUse | None = None

    def use_cache(self) -> None:
        """Keep other processes from removing files of the cache until this command ends."""
        if self.cache_use is not None:
            self.cache_use.begin()

    def dataset_folder(self, archive: str, accession: str) -> Path:
        """Return the folder of the cache that holds the versions of a dataset."""
        return self.cache.root / "datasets" / archive / accession


@contextmanager
def open_access(
    config: FetchConfig | None = None,
    *,
    on_message: Callable[[str], None] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Access]:
    """Provide access to remote datasets inside the context. Nothing is connected or written yet.

    Parameters
    ----------
    config
        Options of the user; None for the defaults.
    on_message
        Called with one line about slow work.
    environment
        Environment variables: the folder of the cache, base addresses and tokens.

    Raises
    ------
    ConfigError
        An endpoint is unknown or is not a URL.
    """
    from bids_dl.remote.http.http_client import HttpClient  # asyncio takes time to import

    config = config or FetchConfig()
    endpoints = find_endpoints(config.endpoints, environment)
    cache = ObjectCache(find_cache_folder(config.cache, environment))
    use = SharedUse(cache.root)
    try:
        with HttpClient(_token_headers(endpoints, environment)) as client:
            yield Access(cache, client, endpoints, config, on_message or _ignore, use)
    finally:
        use.end()


def find_cache_folder(
    folder: str | None = None, environment: Mapping[str, str] = os.environ
) -> Path:
    """Find the folder of the cache: the option, BIDS_DL_CACHE, XDG_CACHE_HOME or ~/.cache.

    Raises
    ------
    ConfigError
        The user has no home folder, and no folder is given.

    Examples
    --------
    >>> find_cache_folder(environment={"XDG_CACHE_HOME": "/scratch"}).as_posix()
    '/scratch/bids_dl/sources'
    """
    given = folder or environment.get(CACHE_VARIABLE, "")
    if given:
        # unlike `Path.expanduser`, this keeps the name of an unknown user
        return Path(os.path.expanduser(given)).absolute()  # noqa: PTH111
    base = environment.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "bids_dl" / "sources"
    try:
        return Path.home() / ".cache" / "bids_dl" / "sources"
    except RuntimeError:
        raise ConfigError(
            f"no home folder for the cache; set --cache FOLDER or {CACHE_VARIABLE}"
        ) from None


def _token_headers(
    endpoints: Endpoints, environment: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return the headers with tokens of the environment, by the host that each is for."""
    headers: dict[str, dict[str, str]] = {}
    if token := environment.get(OPENNEURO_TOKEN):
        headers[endpoints.host("openneuro-api")] = {"Cookie": f"accessToken={token}"}
    if token := environment.get(NEMAR_TOKEN):
        for name in ("nemar-data", "nemar-api"):
            headers[endpoints.host(name)] = {"Authorization": f"Bearer {token}"}
    return headers


def _ignore(_: str) -> None:
    """Show nothing."""
