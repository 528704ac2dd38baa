"""A client that makes no requests, so that searching a dataset asks its git mirror only."""

from __future__ import annotations

from typing import Any, Never

from bids_dl.remote.http.http_client import HttpClient


class RequestRefusedError(PermissionError):
    """A request that a search does not make, and that no retry would make."""


class NoRequestsClient(HttpClient):
    """Client whose requests all fail.

    Parameters
    ----------
    client
        Client whose settings are taken over, of which git mirrors use the timeout of retries.
    """

    def __init__(self, client: HttpClient) -> None:
        self.retry_timeout = client.retry_timeout

    def close(self) -> None:
        """Close nothing, because no connection was opened."""

    def get(self, url: str, **_: Any) -> bytes:  # noqa: ARG002
        """Refuse to request a document."""
        self._refuse()

    def post_json(self, url: str, content: Any, **_: Any) -> bytes:  # noqa: ARG002
        """Refuse to send a document."""
        self._refuse()

    def read_range(self, url: str, start: int, stop: int, **_: Any) -> bytes:  # noqa: ARG002
        """Refuse to request a part of a file."""
        self._refuse()

    def download(self, url: str, part: Any, **_: Any) -> None:  # noqa: ARG002
        """Refuse to download a file."""
        self._refuse()

    def _refuse(self) -> Never:
        raise RequestRefusedError("not fetched by a search; run bids-dl events")
