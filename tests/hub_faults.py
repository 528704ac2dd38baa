"""Faults that a test puts between the requests to the imitated hub, and the log of requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

BEFORE_FAULTS = {"busy", "moved", "denied", "error", "reset"}  # instead of the answer
AFTER_FAULTS = {"lost", "dropped", "short", "expired"}  # of an answer, or of what it states
FAULTS = BEFORE_FAULTS | AFTER_FAULTS


@dataclass
class HubRequest:
    """A request that the hub has received.

    Attributes
    ----------
    line
        Method and path without query, as "GET /datasets/lab/eyes/resolve/main/zarr.json".
    is_storage
        Whether it went to the storage, which is another host.
    status
        Status of the answer, 0 if there was none.
    n_bytes
        Bytes of the answer's body.
    """

    line: str
    query: str
    headers: dict[str, str]
    is_storage: bool
    status: int = 0
    n_bytes: int = 0


@dataclass
class HubFault:
    """A fault of some of the requests.

    Attributes
    ----------
    kind
        "busy" (429), "moved" (412), "denied" (403), "error" (500; nothing is done), "reset" (no
        answer; nothing is done), "lost" (500; all is done), "dropped" (no answer; all is done),
        "short" (half of the body), or "expired" (the redirect leads to an expired address).
    pattern
        Regular expression that is found in the line of a request.
    skip, times
        Number of matching requests that pass before, and of those that fail then.
    seconds
        Of "busy": until requests are welcome again.
    headers
        Of "busy": which headers say so, "Retry-After" or "RateLimit".
    """

    kind: str
    pattern: str = ""
    skip: int = 0
    times: int = 1
    seconds: int = 1
    headers: tuple[str, ...] = ("Retry-After", "RateLimit")


@dataclass
class HubLog:
    """Requests so far and faults to come.

    Attributes
    ----------
    requests
        All requests since the last `clear`.
    on_request
        Called with each request before it is answered, such as to kill its client.
    most_at_once
        Highest number of requests that were under way at once, to the storage and to the hub.
    """

    requests: list[HubRequest] = field(default_factory=list)
    faults: list[HubFault] = field(default_factory=list)
    on_request: Callable[[HubRequest], None] = field(default=lambda _: None)
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0

    def fail(
        self, kind: str, pattern: str = "", *, skip: int = 0, times: int = 1, seconds: int = 1
    ) -> HubFault:
        """Add a fault, which is described in `HubFault`, and return it."""
        assert kind in FAULTS, kind
        fault = HubFault(kind, pattern, skip, times, seconds)
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget requests and faults."""
        self.requests.clear()
        self.faults.clear()
        self.most_at_once = 0

    def lines(self, pattern: str = "") -> list[str]:
        """Return the lines of requests, or of those in which a regular expression is found."""
        return [item.line for item in self.requests if re.search(pattern, item.line)]

    def begin(self, request: HubRequest) -> HubFault | None:
        """Log a request and return its fault, if it has one."""
        with self._lock:
            self.requests.append(request)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            fault = self._draw(request)
        self.on_request(request)
        return fault

    def end(self) -> None:
        """Note that a request was answered."""
        with self._lock:
            self._under_way -= 1

    def _draw(self, request: HubRequest) -> HubFault | None:
        for fault in self.faults:
            if not fault.times or not re.search(fault.pattern, request.line):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            return fault
        return None
