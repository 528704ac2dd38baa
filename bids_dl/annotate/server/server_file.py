"""The port and the cookies of the last server of a folder, so that an open page goes on.

The file has hashes, from which no cookie can be found, and only its owner may read it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_dl.annotate.derivative.folder import OWNER_ONLY
from bids_dl.annotate.server.checking.admission import MAX_COOKIES
from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.input import parse_json, read_regular
from bids_dl.output import writing

SERVER_FILE = "code/server.json"  # in the folder of the derivative
MAX_FILE_BYTES = 16_000
HASH = re.compile(r"[0-9a-f]{64}")
SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "port": {"type": "integer", "minimum": 1, "maximum": 65_535},
        "cookies": {
            "type": "array",
            "items": {"type": "string", "pattern": rf"^{HASH.pattern}\Z"},
            "maxItems": MAX_COOKIES,
        },
    },
    "required": ["port", "cookies"],
}


@dataclass(frozen=True, slots=True)
class LastServer:
    """The last server of a folder.

    Attributes
    ----------
    port
        Its port; 0 if there was none.
    cookies
        Hashes of the cookies that it gave out.
    """

    port: int = 0
    cookies: tuple[str, ...] = ()


def read_last_server(folder: Path) -> LastServer:
    """Read the file of the last server.

    Parameters
    ----------
    folder
        Folder of the derivative.

    Returns
    -------
    LastServer
        Without a port if there is no file, or one that is damaged. Browsers then need the printed
        address again.

    Examples
    --------
    >>> read_last_server(Path("no-such-folder"))
    LastServer(port=0, cookies=())
    """
    try:
        content = parse_json(read_regular(folder / SERVER_FILE, max_bytes=MAX_FILE_BYTES))
    except (OSError, ValueError):
        return LastServer()
    if find_violation(content, SCHEMA):
        return LastServer()
    return LastServer(content["port"], tuple(content["cookies"]))


def write_last_server(folder: Path, port: int, cookies: Sequence[str]) -> None:
    """Replace the file of the last server.

    Parameters
    ----------
    folder
        Folder of the derivative, with ``code/`` in it.
    port, cookies
        As in `LastServer`.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    content = json.dumps({"port": port, "cookies": list(cookies)}).encode() + b"\n"
    replace_file(folder / SERVER_FILE, content)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file by new content, on the disk when this returns, for its owner only.

    Parameters
    ----------
    path
        File, whose folder exists.
    content
        Its new content.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with writing(str(path)):
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, flags, OWNER_ONLY), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
