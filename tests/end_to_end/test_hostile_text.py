"""What a dataset says steers no terminal and no viewer: each command, each field."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from command_line import CLOSED
from hostile_text import MARKS, STEERING, TAG, TEXTS, add_named_files, poison
from hypothesis import HealthCheck, given, settings

WINDOWS = ("--window", "2")
ONE_SPLIT = ("--split", "1", "--scheduler", "synchronous")
OTHERS = shutil.ignore_patterns("sub-00[234]")


@settings(
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TEXTS)
def test_a_dry_run_prints_no_character_that_steers_a_terminal(command, eegbci, text):
    with TemporaryDirectory() as folder:
        root = Path(shutil.copytree(eegbci, Path(folder) / "ds", ignore=OTHERS))
        poison(root, text)
        add_named_files(root, text)
        sidecar = str(Path(folder) / "x.json")
        for arguments in (
            ("events", root, *CLOSED, *WINDOWS),
            ("events", root, *CLOSED, "--json"),
            ("events", root, *CLOSED, "--subject", text),
            ("events", root, "--hed", text or "x"),
            ("events", root, "--make-sidecar", sidecar),
            ("events", root, *CLOSED, "--where", f"x{text}=1"),
        ):
            printed = command(*arguments)
            assert not STEERING.search(printed.out + printed.err)
            assert "Traceback" not in printed.err
            if "--json" in arguments:
                assert printed.json["recordings"]


@pytest.fixture(scope="module")
def hostile(eegbci, tmp_path_factory) -> Path:
    """Dataset with all marks in each of its fields."""
    root = tmp_path_factory.mktemp("hostile") / "ds"
    shutil.copytree(eegbci, root, ignore=OTHERS)
    poison(root, " ".join(MARKS))
    add_named_files(root, "".join(MARKS))
    return root


def test_no_command_on_a_store_prints_or_writes_what_steers_a_viewer(command, hostile):
    printed = [
        command("convert", hostile, "x.zarr", *CLOSED, *WINDOWS, *ONE_SPLIT),
        command("info", "x.zarr"),
        command("info", "x.zarr", "--json"),
        command("verify", "x.zarr"),
        command("verify", "x.zarr", "--json"),
        command("report", "x.zarr"),
        command("events", hostile, *CLOSED, *WINDOWS, "--plot", "x.png"),
    ]
    for result in printed:
        assert not STEERING.search(result.out + result.err)
        assert result.status in (0, 3)
    assert Path("x.png").exists()
    for name in ("x.zarr/README.md", "x.zarr/CITATION.cff", "x.report.html"):
        content = Path(name).read_text(encoding="utf-8")
        assert not STEERING.search(content)
        assert not TAG.search(content), name
    for name in ("x.zarr/LICENSE", "x.zarr/croissant.json"):
        assert not STEERING.search(Path(name).read_text(encoding="utf-8"))
    citation = yaml.safe_load(Path("x.zarr/CITATION.cff").read_text(encoding="utf-8"))
    assert "<script>" in citation["title"]  # the text itself is not changed
