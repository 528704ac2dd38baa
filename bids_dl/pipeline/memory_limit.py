"""A limit on the memory of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

RESERVED = 400_000_000  # bytes that a worker asks for and never touches, stacks of threads and the like (measured: 180 MB)


@contextmanager
def memory_limit(limit: int | None) -> Iterator[None]:
    """Refuse this process more memory meanwhile (`MemoryError`), so that a wrong estimate costs one recording and not the machine."""
    if limit is None or not hasattr(resource, "RLIMIT_DATA"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit + RESERVED if hard == resource.RLIM_INFINITY else min(limit + RESERVED, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
