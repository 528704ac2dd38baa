"""Run the command line as a process, with a clean environment, and write what it answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from bids_dl.eeglab.answers import choose_fields, make_safe, write_answer

REQUEST = "BIDS_DL_REQUEST"
"""Variable of the environment with the path of the request."""
REFUSED = 2  # exit status of a wrong request
SIGNAL_STATUS = 128  # exit status of a command that a signal ended, less the number of the signal
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)  # that a command ends at
FOREIGN = frozenset(
    {
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE"),
        *("__PYVENV_LAUNCHER__", "FORCE_COLOR", REQUEST),
    }
)
"""Variables that MATLAB or a shell sets for other programs, and that would break Python."""
FOREIGN_PREFIX = "DYLD_"  # of the same on macOS
OWN = {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", "BIDS_DL_PROGRESS": "lines"}
"""Variables of the child: its output is UTF-8, without colours, and its progress is lines."""
OBJECT_STARTS = ("{", "[")  # of JSON


@dataclass(frozen=True)
class BridgeRequest:
    """A request of the plug-in.

    Attributes
    ----------
    arguments
        Arguments of `bids-dl`, the command first.
    answer
        File to write.
    config
        Options of the command by name, as a file of ``--config`` has them; empty for no file.
    fields
        Fields of the JSON output that the answer has; all if empty.
    """

    arguments: tuple[str, ...]
    answer: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


class BridgeError(Exception):
    """A request that cannot be answered, in one line."""


def answer_request() -> int:
    """Run the request that the environment names, and write its answer.

    Returns
    -------
    int
        0 if there is an answer file, whatever status it has. Otherwise a line on standard output
        has the reason.
    """
    try:
        request = read_request(os.environ.get(REQUEST, ""))
        answer = run_request(request)
        write_answer(request.answer, answer)
    except BridgeError as problem:
        print(f"error: {problem}", flush=True)  # noqa: T201
        return REFUSED
    except OSError as problem:
        print(f"error: the answer cannot be written ({problem})", flush=True)  # noqa: T201
        return REFUSED
    return 0


def read_request(path: str) -> BridgeRequest:
    """Read a request.

    Parameters
    ----------
    path
        File with a JSON object: ``arguments`` and ``answer``, perhaps ``config`` and ``fields``.

    Raises
    ------
    BridgeError
        There is no file, it is not JSON in UTF-8, or a field is missing or has a wrong type.
    """
    if not path:
        raise BridgeError(f"the environment variable {REQUEST} is not set; it names a request file")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise BridgeError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except ValueError as problem:
        raise BridgeError(f"{path}: not JSON in UTF-8 ({problem})") from None
    if not isinstance(content, dict):
        raise BridgeError(f"{path}: expected a JSON object, found {type(content).__name__}")
    answer = content.get("answer")
    if not isinstance(answer, str) or not answer:
        raise BridgeError(f"{path}: answer is {answer!r}; give the path of the answer file")
    config = content.get("config") or {}
    if not isinstance(config, dict):
        raise BridgeError(f"{path}: config is {config!r}; give an object of options")
    arguments = _texts(content, "arguments", path)
    if not arguments:
        raise BridgeError(f"{path}: arguments is empty; give the name of a command first")
    return BridgeRequest(arguments, Path(answer), config, _texts(content, "fields", path))


def run_request(request: BridgeRequest) -> dict[str, Any]:
    """Run `bids-dl` and return its answer.

    Parameters
    ----------
    request
        Arguments and options.

    Returns
    -------
    dict
        ``status`` of the command, ``output`` (its JSON for ``jsondecode``, or ""), ``text`` (its
        standard output if that is no JSON) and ``messages`` (the lines of its standard error).

    Raises
    ------
    OSError
        A temporary file or the folder of the answer cannot be written, or Python cannot be started.
    """
    request.answer.parent.mkdir(parents=True, exist_ok=True)  # before the work, which may take long
    with tempfile.TemporaryDirectory(prefix="bids-dl-") as folder:
        arguments = list(request.arguments)
        if request.config:
            file = Path(folder) / "options.json"
            file.write_text(json.dumps(request.config, ensure_ascii=False), encoding="utf-8")
            arguments += ["--config", str(file)]
        status, text, messages = _run(arguments)
    content = _parse(text)
    if content is None:
        output: Any = ""
    else:
        output = make_safe(choose_fields(content, list(request.fields)))
        text = ""
    return {"status": status, "output": output, "text": text, "messages": messages}


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the variables of MATLAB and of other Pythons.

    Parameters
    ----------
    environment
        Variables of this process.

    Examples
    --------
    >>> clean_environment({"HOME": "/home/me", "LD_LIBRARY_PATH": "/opt/matlab/bin"})["HOME"]
    '/home/me'
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIX)
    }
    conda = Path(sys.prefix, "Library", "bin")  # of an environment of conda on Windows
    if conda.is_dir():
        kept["PATH"] = os.pathsep.join([str(conda), kept.get("PATH", "")])
    return kept | OWN


def _texts(content: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    """Return a list of texts. One text is a list, as ``jsonencode`` writes a list of one."""
    value = content.get(name, [])
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise BridgeError(f"{path}: {name} is {value!r}; give a list of texts")
    return tuple(values)


def _run(arguments: list[str]) -> tuple[int, str, list[str]]:
    """Run `bids-dl`, showing its messages as they come. Return status, output and messages."""
    # -P, because the current folder of MATLAB may hold files with names of modules
    command = [sys.executable, "-P", "-m", "bids_dl.cli", *arguments]
    messages: list[str] = []
    with (
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(os.environ),
        ) as child,
        _passing_signals(child),
    ):
        parts: list[bytes] = []
        reader = threading.Thread(target=_read_all, args=(child.stdout, parts))
        reader.start()
        _show_lines(child.stderr, messages)
        reader.join()
        status = child.wait()
    if status < 0:
        # Python may end itself by SIGINT after it has said that it was interrupted
        if -status not in INTERRUPTIONS or not messages:
            name = signal.Signals(-status).name
            messages.append(f"error: bids-dl was ended by {name}; run it again to go on")
        status = SIGNAL_STATUS - status
    return status, b"".join(parts).decode("utf-8", "replace"), messages


def _read_all(stream: IO[bytes] | None, parts: list[bytes]) -> None:
    if stream is not None:
        parts.append(stream.read())


def _show_lines(stream: IO[bytes] | None, messages: list[str]) -> None:
    """Copy the lines of a stream to standard output as they come, and collect them."""
    for raw in stream or ():
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        messages.append(line)
        with suppress(OSError, ValueError):  # nobody may read it, and the work goes on
            print(line, flush=True)  # noqa: T201


@contextmanager
def _passing_signals(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass the signals that end a command to the child, and let this process write the answer."""

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if os.name == "posix":  # a console of Windows tells all its processes
            child.send_signal(number)

    previous = {}
    for number in INTERRUPTIONS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            previous[number] = signal.signal(number, pass_on)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _parse(text: str) -> Any:
    """Return the JSON object or list of a text, or None if it is none."""
    if not text.lstrip().startswith(OBJECT_STARTS):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
