"""A limit on the memory of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

RESERVED_BYTES = 400_000_000
"""Memory that a worker reserves and never touches, such as stacks of threads (measured: 180 MB)."""


@contextmanager
def memory_limit(max_bytes: int | None) -> Iterator[None]:
    """Limit the memory of this process inside the context.

    A wrong estimate then fails one recording (`MemoryError`), not the machine. Without a limit,
    or on a system that cannot limit the data of a process, the context does nothing.

    Parameters
    ----------
    max_bytes
        Bytes of data the process may allocate, None for no limit. `RESERVED_BYTES` are added.
    """
    if max_bytes is None or not hasattr(resource, "RLIMIT_DATA"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = max_bytes + RESERVED_BYTES
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
