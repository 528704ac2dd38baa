"""Requests of chunks that a loop sends to servers before it receives the answers itself."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from bids_dl.remote.cancellation import RequestGroup
from bids_dl.remote.http.connection_pool import max_connections
from bids_dl.stream.joined_chunks import JoinedChunks, RequestedByStore
from bids_dl.stream.order import Indices

CHUNKS_PER_REQUEST = 8  # sent and received together, neighbours as one range


class RequestedReads(NamedTuple):
    """Chunks of consecutive reads that were requested."""

    end: int  # of the reads
    chunks: RequestedByStore


class RequestsAhead:
    """Requests of the next reads. One thread at a time may use it.

    Parameters
    ----------
    chunks
        Chunks to request.
    reads
        (n_reads,): number of the chunk of each read.
    group
        Group that the requests belong to.
    """

    def __init__(self, chunks: JoinedChunks, reads: Indices, group: RequestGroup) -> None:
        self._chunks = chunks
        self._reads = reads
        self._group = group
        self._sent: deque[RequestedReads] = deque()
        self._n_indexed = 0  # reads whose place in the store is known
        self._max_requested = max_connections()  # chunks, whose requests overlap

    def send(self, n_started: int, end: int) -> None:
        """Request chunks up to the read ``end`` and a few more, as far as connections allow.

        The first read that is not started is ``n_started``.
        """
        first = self._sent[-1].end if self._sent else n_started
        limit = n_started + max(CHUNKS_PER_REQUEST, self._max_requested)
        while first < end and first + CHUNKS_PER_REQUEST <= limit:
            last = min(first + CHUNKS_PER_REQUEST, len(self._reads))
            with self._group.active():
                if self._n_indexed < last:
                    self._n_indexed = last + self._max_requested
                    self._chunks.load_indexes(self._reads[first : self._n_indexed])
                requested = self._chunks.request(self._reads[first:last])
            self._sent.append(RequestedReads(last, requested))
            first = last

    def take(self) -> RequestedReads | None:
        """Return the requests of the next reads, None if none was sent."""
        return self._sent.popleft() if self._sent else None

    def close(self) -> None:
        """Give up the chunks that were not received."""
        while self._sent:
            self._sent.popleft().chunks.close()
