"""Limits that the system sets for this process."""

from __future__ import annotations

import sys


def max_open_files() -> int:
    """Return the number of file descriptors that this process may have (`ulimit -n`)."""
    if sys.platform == "win32":
        return sys.maxsize  # sockets do not count
    import resource  # here, because Windows has none

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def has_limited_memory() -> bool:
    """Return whether the memory that this process may address is limited (`ulimit -v`)."""
    if sys.platform == "win32":
        return False
    import resource  # here, because Windows has none

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit != resource.RLIM_INFINITY
