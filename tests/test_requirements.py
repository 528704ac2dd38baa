"""Packages that are not installed are named with the command that installs them."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import bids_dl
from bids_dl import requirements
from bids_dl.errors import ConfigError, MissingPackageError
from bids_dl.requirements import describe_missing, extra_command, install_command, missing_package

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(autouse=True)
def forget_requirements():
    """Read the metadata of the package again in each test."""
    requirements._requirements.cache_clear()
    yield
    requirements._requirements.cache_clear()


def test_the_command_names_the_packages_with_the_versions_that_are_required():
    command = install_command(["mne-icalabel", "pyarrow", "nowhere-at-all"])
    assert command == "pip install 'mne-icalabel>=0.7' 'pyarrow>=15' nowhere-at-all"


def test_a_package_on_pytorch_keeps_the_pytorch_that_is_installed():
    torch = f"torch=={version('torch').partition('+')[0]}"
    assert install_command(["timm"]).endswith(torch)
    assert extra_command("timm").endswith(torch)
    assert "torch" not in extra_command("parquet")


def test_without_an_installation_the_command_has_names_only(monkeypatch):
    monkeypatch.setattr(requirements, "DISTRIBUTION", "nowhere-at-all")
    assert install_command(["eegprep"]) == "pip install eegprep"


@pytest.mark.parametrize(
    ("package", "end"),
    [
        ("mne", "run pip install 'mne>=1.12', or install bids_dl without --no-deps"),
        ("pyarrow", "run pip install 'pyarrow>=15' (extra parquet)"),
        ("edfio", "run pip install 'edfio>=0.4' (extra planted)"),
        ("captum", "run pip install 'captum>=0.8'"),  # of the tests only
        ("nowhere-at-all", "run pip install nowhere-at-all"),
    ],
)
def test_the_message_names_the_extra_if_there_is_one(package, end):
    assert describe_missing(package) == f"the package {package} is not installed; {end}"


def test_a_missing_module_is_an_error_of_the_request_and_of_an_import():
    problem = missing_package(ModuleNotFoundError(name="sklearn.linear_model"))
    assert isinstance(problem, MissingPackageError)
    assert isinstance(problem, ConfigError)
    assert isinstance(problem, ImportError)
    assert "the package scikit-learn is not installed" in str(problem)
    assert missing_package(ModuleNotFoundError(name="bids_dl.nothing")) is None


@pytest.mark.parametrize(
    ("hidden", "call"),
    [
        ("mne", "convert(SOURCE, 'y.zarr', hed='Rest', scheduler='synchronous')"),
        ("hed", "events(SOURCE, hed='Rest')"),
        ("torch", "StreamingDataset"),
        ("scipy", "train('x.zarr')"),
    ],
)
def test_a_function_without_its_package_says_so(hidden, call, eegbci, tmp_path):
    call = call.replace("SOURCE", repr(str(eegbci)))
    code = (
        f"import sys; sys.modules[{hidden!r}] = None\n"
        "import bids_dl\n"
        "try:\n"
        f"    bids_dl.{call}\n"
        "except bids_dl.errors.BidsDlError as error:\n"
        "    print(error)\n"
    )
    words = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "y.zarr").exists()
    name = requirements.DISTRIBUTIONS.get(hidden, hidden)
    assert re.match(rf"the package {name} is not installed; run pip install '{name}>=", done.stdout)


def test_a_command_without_its_package_ends_with_one_line(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "bids_dl.pipeline.convert", None)
    monkeypatch.setitem(sys.modules, "bids_dl.planning.survey", None)

    def fail(*_, **__):
        raise ModuleNotFoundError("No module named 'hed'", name="hed")

    monkeypatch.setattr("bids_dl.api.events", fail)
    result = command("events", "x", "--hed", "Rest")
    assert result.status == 2
    assert result.err.startswith("error: the package hedtools is not installed; run pip install")
    assert len(result.err.splitlines()) == 1


def test_no_package_is_capped_below_a_pytorch_that_a_user_may_have():
    for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["clean"]):
        assert not re.search(r"(torch|eegprep).*<", text), text
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    capped = [page.name for page in pages if "torch>=2.6,<" in page.read_text(encoding="utf-8")]
    assert capped == []


def test_the_constraints_fit_the_requirements():
    pins = dict(
        line.split("==")
        for line in (ROOT / ".ci/constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert pins["torch"] == version("torch").partition("+")[0]
    assert f"0.{int(pins['torch'].split('.')[1]) + 15}.0" == pins["torchvision"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in re.findall(r"^pip install .*$", readme, re.MULTILINE):
        assert "-c .ci/constraints.txt" in command, command


def test_every_extra_is_in_the_tests():
    extras = PROJECT["optional-dependencies"]
    [own] = [text for text in extras["test"] if text.startswith("bids_dl[")]
    assert set(extras) - {"test"} == set(re.split(r"[\[\],]", own)[1:-1])


def test_the_requirements_of_a_reader_are_those_of_the_package():
    lines = (ROOT / "docs/reader-requirements.txt").read_text(encoding="utf-8").splitlines()
    named = {line for line in lines if line and not line.startswith("#")}
    extras = PROJECT["optional-dependencies"].values()
    known = {*PROJECT["dependencies"], *(text for extra in extras for text in extra)}
    assert named <= known


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(requirements).failed == 0


def test_the_version_is_one_everywhere():
    text = (ROOT / "docs/CITATION.cff").read_text(encoding="utf-8")
    assert bids_dl.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}\n" in text
