"""A machine that only trains needs none of the packages that read recordings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONVERSION_PACKAGES = ("bids", "dask", "distributed", "dulwich", "hed", "mne", "mne_bids")
BLOCK = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {CONVERSION_PACKAGES!r}:
            raise ModuleNotFoundError(f"no module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def run_without_conversion_packages(folder: Path, *arguments: str):
    """Run Python with a start-up file in a folder that blocks the packages of a conversion."""
    (folder / "sitecustomize.py").write_text(BLOCK)
    paths = [str(folder), str(ROOT), str(ROOT / "tests")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "BIDS_DL_TEST_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_training_is_imported_without_the_packages_of_a_conversion(tmp_path):
    code = "import bids_dl.training, bids_dl.prediction, bids_dl.testing, bids_dl.cli"
    done = run_without_conversion_packages(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    blocked = run_without_conversion_packages(tmp_path, "-c", "import mne")
    assert "no module named 'mne'" in blocked.stderr


@pytest.mark.slow
def test_the_tests_for_a_gpu_pass_on_a_cpu_without_the_packages_of_a_conversion(tmp_path):
    options = ["-q", "-p", "no:cacheprovider", "-m", "cuda", "--basetemp", str(tmp_path / "run")]
    selected = ["-k", "not two_processes and not stopped"]
    done = run_without_conversion_packages(
        tmp_path, "-m", "pytest", "tests/gpu", *options, *selected
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
