"""Types of the file systems that this machine has mounted."""

from __future__ import annotations

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # of Linux; see proc_pid_mountinfo(5)


def file_system_types() -> dict[int, str]:
    """Return the types of the mounted file systems, such as "ext4", by their device (`st_dev`).

    Returns
    -------
    dict
        Empty if the system does not tell, as on macOS and Windows. The files of some file systems,
        such as btrfs, have devices that are not listed.
    """
    try:
        mounts = MOUNTS.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return {}
    types: dict[int, str] = {}
    for line in mounts.split("\n"):  # names may contain any other character
        fields = line.split(" ")
        if "-" not in fields[6:]:  # it ends the optional fields
            continue
        major, _, minor = fields[2].partition(":")
        types[os.makedev(int(major), int(minor))] = fields[fields.index("-", 6) + 1]
    return types
