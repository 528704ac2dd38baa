"""Answers of the hub that report a failure, and what a person can do about it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from bids_dl.errors import StoreError
from bids_dl.remote.http.http_answers import check_status
from bids_dl.remote.hub.account import endpoint
from bids_dl.remote.hub.hub_address import HubAddress

if TYPE_CHECKING:
    import aiohttp

NOT_FOUND_STATUS = 404
DENIED_STATUS = {401, 403}
LOG_IN = "log in (`hf auth login`, from huggingface_hub) or set HF_TOKEN"


async def check_hub_answer(
    response: aiohttp.ClientResponse, address: HubAddress, *, has_token: bool
) -> None:
    """Raise the error that an answer of the hub reports.

    Parameters
    ----------
    address
        Address that was asked for.
    has_token
        Whether a token was sent.

    Raises
    ------
    FileNotFoundError
        The repository has no such file or folder in this revision.
    StoreError
        There is no such repository or revision, or it may not be read.
    HttpStatusError
        The hub fails, or allows no more requests for now.
    """
    status = response.status
    code = response.headers.get("X-Error-Code", "")
    if code == "RevisionNotFound":
        raise StoreError(
            f"{address.url}: {address.repository} has no revision {address.revision!r}; "
            "check its branches and tags"
        )
    if code == "GatedRepo":
        raise StoreError(
            f"{address.url}: its owners give access on request; ask for access at "
            f"{endpoint()}{address.page_path}, then {LOG_IN}"
        )
    if code == "RepoNotFound" or status in DENIED_STATUS:
        raise StoreError(f"{address.url}: {_describe_denied(status, has_token=has_token)}")
    if status == NOT_FOUND_STATUS:
        raise FileNotFoundError(errno.ENOENT, "does not exist", address.url)
    await check_status(response)


def _describe_denied(status: int, *, has_token: bool) -> str:
    """Describe why a repository may not be read, and what to do."""
    if not has_token:
        return (
            f"not there, or not public (HTTP {status}); check the address, and to read a private "
            f"repository {LOG_IN}"
        )
    return (
        f"not there, or the token may not read it (HTTP {status}); check the address and the "
        "permissions of the token"
    )
