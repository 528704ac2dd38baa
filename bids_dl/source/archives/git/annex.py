"""Keys, links and pointer files of git-annex, which stand for the content of large files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from bids_dl.remote.caching.remote_file import Algorithm

# Backends whose key names begin with a digest of the content
# (git-annex.branchable.com/backends); "E" at the end adds the extension of the file.
ALGORITHMS: dict[str, Algorithm] = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA256": "sha256",
    "SHA512": "sha512",
}
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}  # of a checksum
KEY = re.compile(r"([A-Z0-9_]+)((?:-[smSC][0-9]+)*)--(.+)", re.DOTALL)
OBJECT = re.compile(r"(?:^|/)annex/objects/(?:[^\n]*/)?([^/\n]+)$")
MAX_POINTER_BYTES = 32 * 1024  # of a pointer file, as in git-annex


@dataclass(frozen=True, slots=True)
class AnnexKey:
    """Name by which git-annex knows the content of a file.

    Attributes
    ----------
    text
        The whole key, as git-annex serializes it.
    backend
        Kind of the key: ``"MD5E"``, ``"SHA256E"``, ``"WORM"``.
    size
        Bytes of the content; None if the key does not state it.
    algorithm, checksum
        Checksum of the content; both "" if the key has none that is supported.
    chunk_bytes, chunk_number
        Size and number (from 1) of a chunk of the content; 0 if the key stands for all of it.
    """

    text: str
    backend: str
    size: int | None
    algorithm: Algorithm = ""
    checksum: str = ""
    chunk_bytes: int = 0
    chunk_number: int = 0

    @property
    def file_name(self) -> str:
        """Name of the files that git-annex keeps for the key."""
        escaped = self.text.replace("&", "&a").replace("%", "&s").replace(":", "&c")
        return escaped.replace("/", "%")

    @property
    def folder(self) -> str:
        """Folder of the key in branch ``git-annex``, such as ``"9ce/c07"``."""
        digest = hashlib.md5(self.text.encode(), usedforsecurity=False).hexdigest()
        return f"{digest[:3]}/{digest[3:6]}"

    def log_path(self, ending: str) -> str:
        """Return the path of a log of the key in branch ``git-annex``.

        Parameters
        ----------
        ending
            Kind of the log: ``".log.rmet"``, ``".log.web"``, ``".log.cnk"``.
        """
        return f"{self.folder}/{self.file_name}{ending}"


def parse_key(text: str) -> AnnexKey | None:
    """Parse a key of git-annex.

    Returns
    -------
    AnnexKey or None
        None if the text is no key.

    Examples
    --------
    >>> key = parse_key("MD5E-s12102144--d614929593bf2a7cccea90bea67255f4.bdf")
    >>> key.size, key.algorithm, key.checksum, key.folder
    (12102144, 'md5', 'd614929593bf2a7cccea90bea67255f4', '9ce/c07')
    >>> parse_key("WORM-s5-m1700000000--notes.txt").checksum
    ''
    """
    match = KEY.fullmatch(text)
    if match is None:
        return None
    backend, fields, name = match.groups()
    numbers = {field[0]: int(field[1:]) for field in fields.split("-") if field}
    algorithm = ALGORITHMS.get(backend) or ALGORITHMS.get(backend.removesuffix("E"), "")
    checksum = name.partition(".")[0].lower()
    if not algorithm or not re.fullmatch(f"[0-9a-f]{{{DIGITS[algorithm]}}}", checksum):
        algorithm, checksum = "", ""
    return AnnexKey(
        text=text,
        backend=backend,
        size=numbers.get("s"),
        algorithm=algorithm,
        checksum=checksum,
        chunk_bytes=numbers.get("S", 0),
        chunk_number=numbers.get("C", 0),
    )


def parse_link(target: str) -> AnnexKey | None:
    r"""Parse the target of a symbolic link into the objects of git-annex.

    Parameters
    ----------
    target
        Target of the link, with ``/`` or, from a clone on Windows, ``\``.

    Returns
    -------
    AnnexKey or None
        None if the target is no object of git-annex.

    Examples
    --------
    >>> parse_link("../.git/annex/objects/0x/Pq/MD5-s1--k/MD5-s1--k").size
    1
    >>> parse_link("../sub-01_eeg.edf") is None
    True
    """
    match = OBJECT.search(target.replace("\\", "/"))
    return parse_key(_unescape(match[1])) if match else None


def parse_pointer(content: bytes) -> AnnexKey | None:
    r"""Parse the content of a file that may be a pointer file.

    A pointer file holds ``/annex/objects/KEY`` in its first line. A link that was checked out on a
    file system without links holds the target of the link.

    Returns
    -------
    AnnexKey or None
        None if the content is no pointer.

    Examples
    --------
    >>> parse_pointer(b"/annex/objects/MD5E-s7--d614929593bf2a7cccea90bea67255f4.bdf\r\n").size
    7
    >>> parse_pointer(b"onset\tduration\n") is None
    True
    """
    if len(content) > MAX_POINTER_BYTES or b"annex" not in content:
        return None
    first = content.partition(b"\n")[0].rstrip(b"\r")
    try:
        line = first.decode("utf-8").replace("\\", "/")
    except UnicodeDecodeError:
        return None
    if not line.startswith(("/annex/objects/", ".git/", "./", "../")):
        return None
    return parse_link(line)


def _unescape(name: str) -> str:
    """Return the key of a file name, which has no slash, colon or percent sign."""
    name = name.replace("%", "/").replace("&c", ":").replace("&s", "%")
    return name.replace("&a", "&")
