"""`bids-dl label` on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from annotation_folders import append_answers, write_classes
from command_line import assert_refused

RECORDING = "sub-01/eeg/sub-01_task-rest"


def test_export_writes_the_derivative_and_prints_its_folder(command):
    labels = Path("labels")
    write_classes(labels)
    append_answers(labels, RECORDING, [(0.0, 1.0, "spike"), (2.0, 1.0, "background")])
    result = command("label", "no-pool-is-needed.zarr", "--labels", labels, "--export")
    assert (result.status, result.out) == (0, "labels\n")
    assert "2 items in 1 table" in result.err
    table = labels / "sub-01/eeg/sub-01_task-rest_desc-labels_events.tsv"
    assert table.read_text().count("\n") == 3


def test_export_without_answers_is_refused(command):
    assert_refused(
        command("label", "pool.zarr", "--labels", "labels", "--export"), "nothing to export"
    )


def test_wrong_requests_are_refused_with_their_flags(command, eyes_store):
    assert_refused(command("label", eyes_store), "--labels FOLDER")
    wrong = [
        (("--labels", "l"), ("--labels l: has no code/classes.yaml", "--classes FILE.yaml")),
        (("--labels", "l", "--port", "-1"), ("--port -1",)),
        (("--labels", "l", "--annotator", "a b"), ("--annotator 'a b'", "pseudonym")),
        (("--labels", "l", "--strategy", "mixtur"), ("mixtur",)),
        (("--labels", "l", "--classes", "c.yaml"), ("--classes c.yaml",)),
    ]
    for options, fragments in wrong:
        assert_refused(command("label", eyes_store, *options), *fragments)
    assert_refused(command("label", "none.zarr", "--labels", "l"), "none.zarr")


def test_the_server_of_aiohttp_is_imported_by_the_command_only():
    code = "import sys, bids_dl, bids_dl.cli, bids_dl.annotate; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
