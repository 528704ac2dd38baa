"""Branch ``git-annex`` of a dataset: its remotes, and where they hold the content of a key."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from bids_dl.source.archives.git.annex import AnnexKey

REMOTE_LOG = "remote.log"
TRUST_LOG = "trust.log"
VERSION_ENDING = ".log.rmet"
WEB_ENDING = ".log.web"
CHUNK_ENDING = ".log.cnk"
DEAD = "X"  # trust of a remote that is gone
AMAZON_HOST = "s3.amazonaws.com"
AMAZON_DEFAULT_REGIONS = {"", "US", "us-east-1"}  # are served by the host without a region
MAX_VERSION_URLS = 3  # of a file, so that a damaged log costs few requests
ESCAPED = re.compile(r"&([0-9]+);")  # a blank or "&" in a value of remote.log, by its code point


@dataclass(frozen=True, slots=True)
class AnnexRemote:
    """A public bucket that holds content of a dataset.

    Attributes
    ----------
    uuid, name
        Identity and name of the remote.
    bucket, prefix
        Name of the bucket, and the beginning of the names of its objects.
    base
        Address of the bucket, with the bucket in the path.
    exports
        True if objects are named by the paths of files, False if by keys.
    """

    uuid: str
    name: str
    bucket: str
    prefix: str
    base: str
    exports: bool


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object of a bucket."""

    version_id: str
    path: str


@dataclass(frozen=True, slots=True)
class KeyLogs:
    """Texts of the logs of one key, "" for those that it does not have."""

    versions: str = ""
    web: str = ""
    chunks: str = ""


@dataclass(frozen=True, slots=True)
class BucketBases:
    """Configured addresses of buckets, in place of those that the remotes state.

    Attributes
    ----------
    by_bucket
        Address of a bucket by its name: ``{"openneuro.org": "https://s3.amazonaws.com/..."}``.
    """

    by_bucket: Mapping[str, str] = field(default_factory=dict)

    def base_of(self, remote: AnnexRemote) -> str:
        """Return the address of the bucket of a remote."""
        return self.by_bucket.get(remote.bucket, remote.base)


def parse_remotes(remote_log: str, trust_log: str = "") -> tuple[AnnexRemote, ...]:
    """Parse the public buckets of a dataset.

    Remotes that are dead, encrypted, private or no buckets are omitted. If a remote has several
    lines, the newest counts.

    Parameters
    ----------
    remote_log, trust_log
        Texts of these files of branch ``git-annex``.

    Examples
    --------
    >>> line = "u1 name=s3-PUBLIC type=S3 bucket=openneuro.org public=yes exporttree=yes"
    >>> parse_remotes(line)[0].base
    'https://s3.amazonaws.com/openneuro.org'
    >>> parse_remotes(line, "u1 X timestamp=1700000000s")
    ()
    """
    trust = _newest_by_uuid(trust_log)
    remotes = []
    for uuid, words in _newest_by_uuid(remote_log).items():
        if DEAD in trust.get(uuid, ()):
            continue
        settings = {}
        for word in words:
            name, _, value = word.partition("=")
            settings[name] = ESCAPED.sub(_unescape_character, value)
        if _is_public_bucket(settings):
            remotes.append(_read_remote(uuid, settings))
    return tuple(remotes)


def parse_versions(text: str, uuid: str) -> tuple[ObjectVersion, ...]:
    """Parse the object versions that hold the content of a key, the newest first.

    Parameters
    ----------
    text
        Content of the ``.log.rmet`` file of the key.
    uuid
        The remote.

    Examples
    --------
    >>> parse_versions("1600000000.5s u1:V +abc#ds1/sub-01_eeg.edf", "u1")
    (ObjectVersion(version_id='abc', path='ds1/sub-01_eeg.edf'),)
    """
    versions: dict[ObjectVersion, None] = {}
    withdrawn: set[str] = set()
    for _, words in sorted(_stamped_lines(text), key=_line_time, reverse=True):
        values = _values_of(words, f"{uuid}:V")
        for value in values:
            version_id, _, path = value[1:].partition("#")
            if value[0] == "-":
                withdrawn.add(value[1:])
            elif version_id and path and value[1:] not in withdrawn:
                versions.setdefault(ObjectVersion(version_id, path))
    return tuple(versions)


def parse_web_urls(text: str) -> tuple[str, ...]:
    r"""Parse the addresses of a ``.log.web`` file, without those that were withdrawn.

    Examples
    --------
    >>> parse_web_urls("1s 1 https://a.org/x\n2s 0 https://a.org/x\n3s 1 https://b.org/x")
    ('https://b.org/x',)
    """
    present: dict[str, bool] = {}
    for _, words in sorted(_stamped_lines(text), key=_line_time):
        if len(words) == 2 and words[1].startswith(("http://", "https://")):
            present[words[1]] = words[0] == "1"
    return tuple(url for url, is_present in present.items() if is_present)


def is_chunked(text: str, uuid: str) -> bool:
    """Return whether a remote holds the content of a key in chunks only.

    Parameters
    ----------
    text
        Content of the ``.log.cnk`` file of the key: lines ``<time>s UUID:SIZE COUNT``.
    uuid
        The remote.
    """
    newest: dict[str, str] = {}
    for _, words in sorted(_stamped_lines(text), key=_line_time):
        if len(words) == 2 and words[0].startswith(f"{uuid}:"):
            newest[words[0]] = words[1]
    return any(count not in ("0", "") for count in newest.values())


def object_url(base: str, path: str, version_id: str = "") -> str:
    """Return the address of an object of a bucket, with the bucket in the path.

    Parameters
    ----------
    base
        Address of the bucket.
    path
        Name of the object, not encoded.
    version_id
        Version of the object; "" for the newest.

    Examples
    --------
    >>> object_url("https://s3.amazonaws.com/b.org/", "ds1/a b+#.edf", "x/1")
    'https://s3.amazonaws.com/b.org/ds1/a%20b%2B%23.edf?versionId=x%2F1'
    """
    url = f"{base.rstrip('/')}/{quote(path)}"
    return f"{url}?versionId={quote(version_id, safe='')}" if version_id else url


def urls_of(
    key: AnnexKey,
    path: str,
    logs: KeyLogs,
    *,
    remotes: tuple[AnnexRemote, ...],
    bases: BucketBases,
) -> tuple[str, ...]:
    """List the addresses of the content of a key, in the order in which to try them.

    Exact versions of objects come first, then objects named by key, then newest objects by path,
    then plain addresses.

    Parameters
    ----------
    path
        Path of the file in the dataset.
    logs
        Logs of the key.
    remotes, bases
        Remotes of the dataset, and configured addresses of their buckets.
    """
    exact: list[str] = []
    newest: list[str] = []
    for remote in remotes:
        base = bases.base_of(remote)
        if remote.exports:
            versions = sorted(
                parse_versions(logs.versions, remote.uuid),
                key=lambda version: not version.path.endswith(path),
            )
            for version in versions[:MAX_VERSION_URLS]:
                exact.append(object_url(base, version.path, version.version_id))
            newest.append(object_url(base, remote.prefix + path))
        elif not is_chunked(logs.chunks, remote.uuid):
            exact.append(object_url(base, remote.prefix + key.file_name))
    return tuple(dict.fromkeys([*exact, *newest, *parse_web_urls(logs.web)]))


def _is_public_bucket(settings: Mapping[str, str]) -> bool:
    """Return whether the content of a remote can be read without a key."""
    is_public = settings.get("public") == "yes" or settings.get("publicurl", "no") != "no"
    is_plain = settings.get("encryption", "none") == "none"
    return settings.get("type") == "S3" and bool(settings.get("bucket")) and is_public and is_plain


def _read_remote(uuid: str, settings: Mapping[str, str]) -> AnnexRemote:
    bucket = settings["bucket"]
    host = settings.get("host") or AMAZON_HOST
    region = settings.get("datacenter", "")
    if host == AMAZON_HOST and region not in AMAZON_DEFAULT_REGIONS:
        host = f"s3.{region}.amazonaws.com"
    return AnnexRemote(
        uuid=uuid,
        name=settings.get("name", ""),
        bucket=bucket,
        prefix=settings.get("fileprefix", ""),
        base=f"https://{host}/{bucket}",
        exports=settings.get("exporttree") == "yes",
    )


def _newest_by_uuid(text: str) -> dict[str, list[str]]:
    """Return the words of the newest line of each UUID, without its time."""
    newest: dict[str, tuple[float, list[str]]] = {}
    for line in text.splitlines():
        uuid, *words = line.split() or [""]
        time = 0.0
        if words and words[-1].startswith("timestamp="):
            time = _seconds(words.pop().partition("=")[2])
        if uuid and time >= newest.get(uuid, (0.0, []))[0]:
            newest[uuid] = (time, words)
    return {uuid: words for uuid, (_, words) in newest.items()}


def _stamped_lines(text: str) -> Iterator[tuple[float, list[str]]]:
    """Yield the time and the other words of each line that begins with a time."""
    for line in text.splitlines():
        time, *words = line.split() or [""]
        if words:
            yield _seconds(time), words


def _line_time(line: tuple[float, list[str]]) -> float:
    return line[0]


def _seconds(text: str) -> float:
    """Return a time of git-annex, 0 if it is unreadable and thus older than all others."""
    try:
        return float(text.removesuffix("s"))
    except ValueError:
        return 0.0


def _values_of(words: list[str], name: str) -> list[str]:
    """Return the values of one field of a line of metadata, with "+" or "-" before each."""
    values = []
    current = ""
    for word in words:
        if word[0] not in "+-":
            current = word
        elif current == name:
            value = _decoded(word[1:])
            values += [word[0] + value] if value else []
    return values


def _decoded(value: str) -> str:
    """Decode a value of metadata, "" if it is damaged."""
    if not value.startswith("!"):
        return value
    try:
        return base64.b64decode(value[1:], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _unescape_character(match: re.Match[str]) -> str:
    number = int(match[1])
    return chr(number) if number < 0x110000 else match[0]
