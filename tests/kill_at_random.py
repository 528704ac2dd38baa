"""Kill conversions at random moments, and compare what the same command then writes.

Run ``python tests/kill_at_random.py --tries 200 --seed 0``. Each try converts a small dataset in a
session of its own, kills all its processes (SIGKILL), and runs the same command again. It is right
if that writes the bytes of an undisturbed run, and leaves nothing beside the store, in the folder
of temporary files and among the processes. Half of the tries fetch from servers on loopback.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
from conversions import contents, convert_command
from served_dataset import served_dataset

from bids_dl.testing import make_dataset

STAGES = ("plan", "fetch", "stage", "pack", "finish", "ended")
COMMAND_TIMEOUT = 300.0  # s, on a busy machine
PROCESS_TIMEOUT = 20.0  # s until processes that lost their parent have ended


@dataclass(frozen=True)
class Source:
    """A dataset, how to convert it, and what an undisturbed conversion writes.

    Attributes
    ----------
    flags
        Options of the conversion.
    seconds
        Time that an undisturbed conversion takes.
    expected
        Files of the store.
    """

    address: str
    flags: tuple[str, ...]
    seconds: float
    expected: dict[str, bytes]


@dataclass(frozen=True)
class Attempt:
    """Result of one try: the stage in which the conversion was killed, and what is wrong."""

    stage: str
    problems: tuple[str, ...]


@contextmanager
def make_sources(folder: Path) -> Iterator[list[Source]]:
    """Make a local and a remote dataset, and convert both once."""
    root = make_dataset(
        folder / "ds000001",
        n_subjects=3,
        n_blocks=4,
        block_duration=10,
        sfreq=250,
        format="brainvision",
    ).root
    (folder / "server").mkdir()
    with served_dataset(root, folder / "server") as served:
        endpoints = []
        for name, url in served.endpoints.items():
            endpoints += ["--endpoint", f"{name}={url}"]
        sources = []
        for number, (address, flags) in enumerate(
            [(str(root), ()), (served.address, ("--fetch", "whole", *endpoints))]
        ):
            room = Room(folder / f"reference{number}")
            start = time.monotonic()
            done = room.run(convert_command(Path(address), room.dest, "--jobs", "1", *flags))
            if done.returncode:
                raise SystemExit(done.stderr)
            seconds = time.monotonic() - start
            sources.append(Source(address, flags, seconds, contents(room.dest)))
        yield sources


class Room:
    """A folder with a destination, and with a temporary and a cache folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dest = folder / "a.zarr"
        for name in ("tmp", "home"):
            (folder / name).mkdir(parents=True)
        self.environment = {
            **os.environ,
            "TMPDIR": str(folder / "tmp"),
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "home/.cache"),
            "KILL_ROOM": str(folder),
        }

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            command,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(command)
        _, errors = process.communicate(timeout=COMMAND_TIMEOUT)
        return subprocess.CompletedProcess(command, process.returncode, "", errors)

    def stage(self) -> str:
        """Return the stage that the conversion has reached, by the files it has written."""
        if (self.dest / "zarr.json").exists():
            return "finish"
        if (self.dest / "unfinished.json").exists():
            columns = [path for path in self.dest.iterdir() if path.is_dir()]
            return "finish" if len(columns) > 1 else "pack"
        if list(self.folder.glob("a.zarr.staging/*.npy*")):
            return "stage"
        is_fetching = (self.folder / "home/.cache/bids_dl/sources/objects").exists()
        return "fetch" if is_fetching else "plan"

    def processes(self) -> list[int]:
        """Return the processes of this room that are alive."""
        alive = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_here = process.environ().get("KILL_ROOM") == str(self.folder)
                if is_here and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(process.pid)
        return alive

    def litter(self) -> list[str]:
        """Return what is beside the store, and in the folder of temporary files."""
        beside = [path.name for path in self.folder.iterdir() if path.name.startswith((".a", "a."))]
        beside.remove("a.zarr")
        return beside + [f"tmp/{path.name}" for path in (self.folder / "tmp").iterdir()]


def kill_once(source: Source, folder: Path, random: Random) -> Attempt:
    """Kill a conversion at a random moment, and run the same command again."""
    room = Room(folder)
    command = convert_command(Path(source.address), room.dest, "--jobs", "1", *source.flags)
    command[4] = source.address  # a path would lose a slash of an address
    process = room.start(command)
    stage = "ended"
    with suppress(subprocess.TimeoutExpired):
        process.wait(_random_moment(source, room, process, random))
    if process.poll() is None:
        stage = room.stage()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    problems = []
    deadline = time.monotonic() + PROCESS_TIMEOUT
    while (alive := room.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if alive:
        problems.append(f"{len(alive)} processes are alive")
    done = room.run(command)
    if done.returncode:
        problems.append(f"the same command ends with {done.returncode}: {done.stderr[-300:]}")
    elif contents(room.dest) != source.expected:
        problems.append("the store has other bytes")
    problems += [f"left over: {name}" for name in room.litter()]
    return Attempt(stage, tuple(problems))


def _random_moment(
    source: Source, room: Room, process: subprocess.Popen[str], random: Random
) -> float:
    """Wait for a random stage in half of the tries, and return the seconds to wait after it."""
    if random.random() < 0.5:
        return random.uniform(0.0, 1.1 * source.seconds)
    stages = STAGES[:-1]
    wanted = stages.index(random.choice(stages))
    deadline = time.monotonic() + COMMAND_TIMEOUT
    while stages.index(room.stage()) < wanted and process.poll() is None:
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    return random.uniform(0.0, 0.3)


def main() -> None:
    """Kill conversions, and print how many were killed in which stage, and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    n_wrong = 0
    with (
        tempfile.TemporaryDirectory(prefix="kill-at-random-", ignore_cleanup_errors=True) as folder,
        make_sources(Path(folder)) as sources,
    ):
        for number in range(options.tries):
            random = Random(f"{options.seed} {number}")
            room_folder = Path(folder) / f"try{number}"
            attempt = kill_once(sources[number % 2], room_folder, random)
            counts[attempt.stage] += 1
            n_wrong += bool(attempt.problems)
            for problem in attempt.problems:
                print(f"WRONG {number} (killed in {attempt.stage}): {problem}", flush=True)
    stages = ", ".join(f"{stage} {counts[stage]}" for stage in STAGES if counts[stage])
    print(f"seed {options.seed}: {options.tries} tries ({stages}), {n_wrong} wrong")
    sys.exit(1 if n_wrong else 0)


if __name__ == "__main__":
    main()
