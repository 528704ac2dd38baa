"""A file on a server, pinned by its size and checksum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION_PARAMETER = "versionId="  # of the address of an object in a bucket with versions

Algorithm = Literal["md5", "sha1", "sha256", "sha512", "git", ""]
"""Algorithm of a checksum: of the bytes, or ``"git"``, the SHA-1 of the file as a git blob."""

Verification = Literal["checksum", "size", "ranges", ""]
"""How fetched content was verified: ``"ranges"`` by the size of the file that they are part of, ""
if the archive states nothing to compare with.
"""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server, pinned by its size and checksum.

    Attributes
    ----------
    size
        Bytes; None if the archive does not state it.
    algorithm, checksum
        Checksum of the content, in hexadecimal digits; both "" if the archive states none.
    urls
        Addresses, in the order in which they are tried: http, https, or any fsspec URL.
    tag
        Name that the archive gives to this content if it states no checksum, such as an ETag.
        Content cannot be compared with it.
    """

    size: int | None
    algorithm: Algorithm = ""
    checksum: str = ""
    urls: tuple[str, ...] = ()
    tag: str = ""

    @property
    def digest(self) -> str:
        """Checksum as the identity of a plan holds it: bare for SHA-256, else with its name.

        Without a checksum, it is the tag or the size.

        Examples
        --------
        >>> RemoteFile(3, "md5", "900150983cd24fb0d6963f7d28e17f72").digest
        'md5:900150983cd24fb0d6963f7d28e17f72'
        """
        if not self.checksum:
            return f"tag:{self.tag}" if self.tag else f"size:{self.size}"
        return self.checksum if self.algorithm == "sha256" else f"{self.algorithm}:{self.checksum}"

    @property
    def pinned_urls(self) -> tuple[str, ...]:
        """Addresses whose content cannot change, because they name its version or its checksum.

        Ranges are read from these, because a checksum cannot be computed from parts of a file.

        Examples
        --------
        >>> urls = ("https://x.org/a?versionId=1", "https://x.org/a")
        >>> RemoteFile(3, "md5", "0f", urls).pinned_urls
        ('https://x.org/a?versionId=1',)
        """
        pinned = []
        for url in self.urls:
            if VERSION_PARAMETER in url or (self.checksum and self.checksum in url):
                pinned.append(url)
        return tuple(pinned)

    @property
    def verification(self) -> Verification:
        """How the whole file is verified when it is fetched."""
        if self.checksum:
            return "checksum"
        return "" if self.size is None else "size"
