"""Versions of a dataset: the tags and branches of its git repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bids_dl.wording import suggest

TAG_PREFIX = "refs/tags/"
BRANCH_PREFIX = "refs/heads/"
ANNEX_BRANCH = "git-annex"
PEELED = "^{}"  # ending of a name that stands for the commit of an annotated tag
VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")
COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN_BRANCHES = ("main", "master")
MAX_LISTED_VERSIONS = 12  # in a message


@dataclass(frozen=True)
class GitVersions:
    """Tags and branches of a repository.

    Attributes
    ----------
    tags, branches
        Commit by name.
    objects
        Object that a server hands out for a tag: its commit, or an annotated tag that names it.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def newest(self) -> str:
        """Tag with the highest version number, "" if no tag is one."""
        numbered = [tag for tag in self.tags if VERSION.fullmatch(tag)]
        return max(numbered, key=version_number, default="")

    @property
    def annex_commit(self) -> str:
        """Commit of branch ``git-annex``, "" if the repository has none."""
        return self.branches.get(ANNEX_BRANCH, "")

    def describe(self, version: str) -> str:
        """Describe an unknown version and the known ones, for a message."""
        known = sorted(self.tags, key=version_number, reverse=True)
        if not known:
            return f"no version {version!r}; the repository has no versions"
        return f"no version {version!r}; {suggest(version, known, limit=MAX_LISTED_VERSIONS)}"


def read_versions(refs: Mapping[str, str]) -> GitVersions:
    """Sort the references of a repository into tags and branches.

    Parameters
    ----------
    refs
        Object by name; that of an annotated tag may be followed by one with ``^{}``.

    Examples
    --------
    >>> versions = read_versions({"refs/tags/1.9.0": "a", "refs/tags/1.10.0": "b"})
    >>> versions.newest
    '1.10.0'
    """
    tags: dict[str, str] = {}
    objects: dict[str, str] = {}
    branches: dict[str, str] = {}
    for name, target in refs.items():
        if name.startswith(BRANCH_PREFIX):
            branches[name.removeprefix(BRANCH_PREFIX)] = target
        elif name.startswith(TAG_PREFIX) and not name.endswith(PEELED):
            tag = name.removeprefix(TAG_PREFIX)
            objects[tag] = target
            tags[tag] = refs.get(name + PEELED, target)
    return GitVersions(tags, branches, objects)


def choose_version(versions: GitVersions, version: str) -> tuple[str, str] | None:
    """Choose the tag and the object to fetch.

    Parameters
    ----------
    version
        Name of a tag, with or without ``v``; 40 digits of a commit; "" for the newest, which is
        the main branch if the repository has no numbered tags.

    Returns
    -------
    tuple of str, or None
        Tag ("" if it is none) and object; None if there is no such version.
    """
    if not version:
        version = versions.newest
    for tag in (version, f"v{version}", version.removeprefix("v")):
        if tag in versions.objects:
            return tag, versions.objects[tag]
    if COMMIT.fullmatch(version):
        tags = [tag for tag, commit in versions.tags.items() if commit == version]
        return (tags[-1], versions.objects[tags[-1]]) if tags else ("", version)
    for branch in MAIN_BRANCHES:
        if not version and branch in versions.branches:
            return "", versions.branches[branch]
    return None


def version_number(tag: str) -> tuple[int, ...]:
    """Return the numbers of a tag, by which versions are sorted, or none if it has other text.

    Examples
    --------
    >>> version_number("v1.10.0")
    (1, 10, 0)
    """
    match = VERSION.fullmatch(tag)
    return tuple(map(int, match[1].split("."))) if match else ()
