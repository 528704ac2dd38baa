"""Two routes to one dataset: its git mirror, and the service of its archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bids_dl.errors import BidsDlError, SourceError
from bids_dl.remote.http.http_answers import HttpStatusError, WrongContentError
from bids_dl.remote.retry import describe_failure
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.git.git_transport import MirrorMissingError, MirrorUnreachableError
from bids_dl.wording import one_line

Route = Callable[[], ArchivedDataset]
"""Function that opens a dataset by one route."""


class RouteFailedError(SourceError):
    """A service of an archive that does not provide a dataset.

    Attributes
    ----------
    unreachable
        True if there was no answer.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


def open_by_routes(address: Address, mirror: Route, service: Route, name: str) -> ArchivedDataset:
    """Open a dataset from its git mirror, or from the service of its archive if that fails.

    Parameters
    ----------
    mirror, service
        The two routes.
    name
        Name of the service, for messages.

    Raises
    ------
    SourceError
        Both routes fail; the message has a line for each.
    """
    try:
        return mirror()
    except (MirrorMissingError, MirrorUnreachableError) as error:
        problem = error
    try:
        return service()
    except RouteFailedError as error:
        reasons = [_without_address(failure, address) for failure in (problem, error)]
    raise SourceError(
        f"{address.text}: cannot be opened\n  git mirror: {reasons[0]}\n  {name}: {reasons[1]}"
    )


@contextmanager
def request_failures(url: str) -> Iterator[None]:
    """Turn any failure of a request inside the context into a `RouteFailedError`.

    `HttpStatusError` of the client is passed on, because callers know what each status means.

    Parameters
    ----------
    url
        Address for messages.
    """
    try:
        yield
    except (BidsDlError, HttpStatusError):
        raise
    except WrongContentError as error:
        raise RouteFailedError(f"{url}: unusable answer ({error})") from None
    except Exception as error:  # noqa: BLE001  (clients raise anything)
        reason = describe_failure(error) or one_line(error) or type(error).__name__
        raise RouteFailedError(f"{url}: {reason}", unreachable=True) from None


@contextmanager
def answer_failures(url: str) -> Iterator[None]:
    """Turn errors of reading an answer that has another shape into a `RouteFailedError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RouteFailedError(
            f"{url}: the answer has another shape than expected ({type(error).__name__} "
            f"{one_line(error)}); check the address, or update bids_dl"
        ) from None


def _without_address(error: SourceError, address: Address) -> str:
    """Return a message without the address of the dataset at its beginning."""
    return str(error).removeprefix(f"{address.text}: ")
