"""Refused requests: a status of HTTP, and one sentence that the page shows."""

from __future__ import annotations

from bids_dl.errors import BidsDlError

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
TIMEOUT = 408
CONFLICT = 409
TOO_LARGE = 413
WRONG_TYPE = 415
BUSY = 503


class RefusedError(BidsDlError):
    """A request that is answered by an error. Nothing was read or written for it.

    Parameters
    ----------
    status
        Status of HTTP, 400 to 599.
    reason
        One sentence for the expert.

    Examples
    --------
    >>> refusal = RefusedError(404, "recording 7 does not exist")
    >>> refusal.status, str(refusal)
    (404, 'recording 7 does not exist')
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
