"""Measure a dry run of a large dataset of OpenNeuro: requests, CPU time and memory.

    python tests/benchmarks/bench_remote_planning.py BIDS_FOLDER [--recordings 1000 4000]
                                                     [--hed QUERY]

The recordings of a folder, such as the text files of ds005505, are served on loopback under as
many subject labels as needed. `bids_dl.events` selects from them twice, in a new process each
time: with an empty cache, then from the cache without a server. The results are the requests of
the first run, and the CPU time and the peak resident memory of both. Linux only.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from annexed_repository import Annexed, AnnexedRepository, Content, is_text
from git_server import GitServer

ACCESSION = "ds005505"


def read_files(folder: Path, n_recordings: int) -> dict[str, Content]:
    """Return the files of a dataset with a number of recordings, copied from those of a folder."""
    files: dict[str, Content] = {}
    by_subject: dict[str, dict[str, bytes]] = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if not file.is_file() or not is_text(path):
            continue
        subject, _, name = path.partition("/")
        if subject.startswith("sub-") and name:
            by_subject.setdefault(subject, {})[path] = file.read_bytes()
        elif subject != "participants.tsv":
            files[path] = file.read_bytes()
    subjects = list(by_subject)
    number = 0
    n_written = 0
    while n_written < n_recordings:
        subject = subjects[number % len(subjects)]
        label = f"sub-{number:05}"
        for path, content in by_subject[subject].items():
            copied = path.replace(subject, label)
            files[copied] = content
            if path.endswith("_events.tsv"):
                signal = copied.replace("_events.tsv", "_eeg.set")
                files[signal] = Annexed(copied.encode())
                n_written += 1
        number += 1
    return files


def run_events(cache: Path, git_url: str, query: str) -> str:
    """Select events in a process of its own, and return its CPU time and memory."""
    command = [sys.executable, __file__, "--child", str(cache), git_url, query]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def measure_events(cache: str, git_url: str, query: str) -> None:
    """Select events, and print how many, the CPU time and the peak memory of this process."""
    import bids_dl

    endpoints = {"openneuro-git": git_url, "openneuro-s3": f"{git_url}/bucket"}
    source = f"openneuro:{ACCESSION}@1.0.0"
    start = time.process_time()
    found = bids_dl.events(
        source, hed={"x": query}, tmin=0, tmax=1, cache=cache, endpoints=endpoints
    )
    seconds = time.process_time() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{len(found.events)} events, {seconds:.1f} s of CPU, {megabytes:.0f} MB")


def measure(folder: Path, n_recordings: int, query: str) -> None:
    """Print the results for a number of recordings."""
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary) / "cache"
        with AnnexedRepository(Path(temporary) / "repository.git", ACCESSION) as repository:
            repository.commit(read_files(folder, n_recordings), "1.0.0")
            with GitServer({ACCESSION: repository.repo}) as git:
                result = run_events(cache, git.url, query)
                n_requests = len(git.requests)
                megabytes = git.bytes_sent / 1e6
        print(f"{n_recordings} recordings, {n_requests} requests, {megabytes:.1f} MB: {result}")
        print(f"{n_recordings} recordings, from the cache: {run_events(cache, git.url, query)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recordings", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--hed", default="Sensory-event")
    args = parser.parse_args()
    for n_recordings in args.recordings:
        measure(args.folder, n_recordings, args.hed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        measure_events(*sys.argv[2:])
    else:
        main()
