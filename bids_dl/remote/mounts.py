"""Which file system holds a path of the local machine."""

from __future__ import annotations

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # of Linux; see proc_pid_mountinfo(5)


def file_system_type(path: str | os.PathLike[str]) -> str | None:
    """Return the type of the file system that holds a path, such as "ext4" or "nfs4".

    Returns
    -------
    str or None
        None if the system does not tell, as on macOS and Windows.
    """
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    place = os.path.realpath(path) + "/"
    longest = ""
    found = None
    for line in mounts.splitlines():
        mount, _, kind = line.partition(" - ")
        point = _unescape(mount.split()[4]).rstrip("/") + "/"
        if place.startswith(point) and len(point) >= len(longest):  # later mounts hide earlier ones
            longest = point
            found = kind.split()[0]
    return found


def _unescape(point: str) -> str:
    r"""Return a mount point in which `\040` stands for a space, as are tabs and backslashes."""
    for character in " \t\n\\":
        point = point.replace(f"\\{ord(character):03o}", character)
    return point
