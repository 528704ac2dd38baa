"""Run the tests of the hub with other versions of huggingface_hub.

Run ``python tests/hub_versions.py "huggingface_hub==1.*" "huggingface_hub==1.0.*"``. Each version
is installed with what it needs into a folder of its own, which comes before the installed packages.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = (
    "tests/remote/hub",
    "tests/end_to_end/test_hub_store.py",
    "tests/publishing",
    "tests/end_to_end/test_push.py",
)


def run_tests(requirement: str, tests: list[str]) -> int:
    """Install a version, run the tests with it, and return their exit status."""
    with tempfile.TemporaryDirectory() as folder:
        install = ["-m", "pip", "install", "--quiet", "--target", folder, requirement]
        subprocess.run([sys.executable, *install], check=True)
        paths = [folder, os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        show = "import huggingface_hub as hub; print(hub.__version__, hub.__file__)"
        subprocess.run([sys.executable, "-c", show], env=environment, check=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


def main() -> int:
    """Run the tests with each version of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", nargs="*", default=["huggingface_hub==1.*"])
    parser.add_argument("--tests", nargs="*", help="files or folders of tests")
    arguments = parser.parse_args()
    tests = arguments.tests or [test for test in TESTS if (ROOT / test).exists()]
    results = {name: run_tests(name, tests) for name in arguments.requirements}
    for name, status in results.items():
        print(f"{name}: {'passed' if status == 0 else f'failed ({status})'}")
    return max(results.values())


if __name__ == "__main__":
    sys.exit(main())
