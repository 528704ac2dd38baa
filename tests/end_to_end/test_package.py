"""The package as it is installed: its files, its documents, and environments that pip makes."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conversions import contents
from hub_server import HubServer, use_hub

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IS_CI = os.environ.get("CI", "").lower() == "true"
MAX_READER_PACKAGES = 45
CFF_KEYS = {
    *("cff-version", "message", "title", "abstract", "type", "version", "license", "authors"),
    *("keywords", "date-released", "doi", "repository-code", "url", "identifiers", "references"),
}


def tracked(folder: str) -> list[str]:
    """Return the files that git has, or may get, below a folder."""
    words = ["git", "ls-files", "-co", "--exclude-standard", folder]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not in a git repository")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def is_packaged(name: str) -> bool:
    """Return whether setuptools puts a file of the package into a wheel."""
    path = name.removeprefix("bids_dl/")
    if path.endswith(".py"):
        return True
    for pattern in PROJECT["tool"]["setuptools"]["package-data"]["bids_dl"]:
        deep = pattern.replace("/**", "/*").replace("**/", "*")
        if fnmatch.fnmatch(path, deep):
            return True
    return False


def test_every_tracked_file_of_the_package_is_in_its_wheel():
    missing = [name for name in tracked("bids_dl") if not is_packaged(name)]
    assert missing == []


def test_every_pattern_of_package_data_has_files():
    names = [name.removeprefix("bids_dl/") for name in tracked("bids_dl")]
    for pattern in PROJECT["tool"]["setuptools"]["package-data"]["bids_dl"]:
        deep = pattern.replace("/**", "/*").replace("**/", "*")
        assert fnmatch.filter(names, deep), pattern


def test_only_the_package_is_packaged():
    assert PROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == ["bids_dl*"]
    assert not any((ROOT / name / "__init__.py").exists() for name in ("tests", "docs", "examples"))


def test_the_citation_of_the_software_is_valid():
    content = yaml.safe_load((DOCS / "CITATION.cff").read_text(encoding="utf-8"))
    assert set(content) <= CFF_KEYS  # of the schema of CFF 1.2.0
    assert content["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(content)  # all that it requires
    assert content["type"] in ("software", "dataset")
    assert content["license"] == PROJECT["project"]["license"]
    assert [author["name"] for author in content["authors"]] == ["The bids_dl developers"]
    assert "doi" not in content  # there is none


def test_every_deprecated_name_is_on_the_page_of_deprecations():
    table = (DOCS / "deprecation.md").read_text(encoding="utf-8")
    names = set()
    for file in (ROOT / "bids_dl").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        names.update(re.findall(r'former="(--[\w-]+)"', text))
        names.update(re.findall(r"option '(\w+)' is now called", text))
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in table] == []


def load_entry():
    """Import the entry of the container, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("container_entry", DOCS / "container/entry.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["participant", "--participant-label", "009", "--", "--hed", "x"],
            "no subject 009; avail",
        ),
        (["participant"], "give the options of bids-dl convert after --"),
        (["subject", "--", "--hed", "x"], "invalid choice: 'subject'"),
    ],
)
def test_the_entry_of_the_container_refuses_wrong_arguments(
    eegbci, tmp_path, capsys, words, message
):
    with pytest.raises(SystemExit) as info:
        load_entry().main([str(eegbci), str(tmp_path / "out"), *words])
    assert message in capsys.readouterr().err + str(info.value)
    assert not (tmp_path / "out").exists()


def test_the_entry_of_the_container_refuses_a_file_as_its_output(eegbci, tmp_path):
    (tmp_path / "out").write_text("")
    words = [str(eegbci), str(tmp_path / "out"), "group", "--", "--hed", "Rest"]
    with pytest.raises(SystemExit, match=r"^error: .*out: cannot be made a folder \(File exists\)"):
        load_entry().main(words)


@pytest.mark.slow
def test_the_entry_of_the_container_converts_the_subjects_that_are_named(eegbci, tmp_path):
    words = [eegbci, tmp_path, "participant", "--participant-label", "sub-001", "002", "--"]
    words += ["--hed", "closed=Eyes-closed", "--window", "2", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, DOCS / "container/entry.py", *words], timeout=500, check=False
    )
    assert done.returncode == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    expected = [f"sub-{label}.{end}" for label in ("001", "002") for end in ("html", "log", "zarr")]
    assert names == expected


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a tool, in which `bids-dl` is the command that is tested."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "HOME": str(folder)}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("snakemake") is None, reason="needs snakemake 9 on the PATH")
def test_the_snakemake_workflow_trains_on_the_sample(tmp_path, eegbci):
    words = ["snakemake", "--cores", "1", "--snakefile", ROOT / "examples/workflows/Snakefile"]
    words += ["--directory", tmp_path, "--config", f"source={eegbci}", "epochs=1"]
    subprocess.run(words, check=True, env=environment(tmp_path), timeout=600)
    assert json.loads((tmp_path / "runs/eyes/metrics.json").read_text())
    assert (tmp_path / "eyes.report.html").exists()
    again = subprocess.run(
        words, check=True, env=environment(tmp_path), timeout=200, capture_output=True, text=True
    )
    assert "Nothing to be done" in again.stderr + again.stdout
    changed = [*words[:-1], "epochs=2"]
    subprocess.run(changed, check=True, env=environment(tmp_path), timeout=300)
    config = json.loads((tmp_path / "runs/eyes/config.json").read_text())
    assert config["settings"]["epochs"] == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dvc") is None, reason="needs dvc 3 on the PATH")
def test_the_dvc_pipeline_trains_on_the_sample(tmp_path, eegbci):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / "examples/workflows" / name, tmp_path)
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    changed = params | {"source": str(eegbci), "epochs": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(changed))
    options = {"check": True, "cwd": tmp_path, "env": environment(tmp_path), "timeout": 600}
    for words in (["git", "init", "-q"], ["dvc", "init", "-q"], ["dvc", "repro"]):
        subprocess.run(words, **options)
    assert (tmp_path / "runs/eyes/metrics.json").exists()
    again = subprocess.run(["dvc", "repro"], capture_output=True, text=True, **options)
    assert "Data and pipelines are up to date" in again.stdout


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    """Python of an environment with the requirements of a reader, made by pip."""
    folder = tmp_path_factory.mktemp("reader")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=120)
    python = folder / "venv/bin/python"
    tree = folder / "tree"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        tree.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree)
    shutil.copytree(
        ROOT / "bids_dl", tree / "bids_dl", ignore=shutil.ignore_patterns("__pycache__")
    )
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pins = ["-c", ROOT / ".ci/constraints.txt"]
    for words in (["-r", DOCS / "reader-requirements.txt", *pins], ["--no-deps", tree]):
        done = subprocess.run([*pip, *words], capture_output=True, text=True, timeout=580)
        if done.returncode and not IS_CI:
            pytest.skip(f"pip cannot install: {done.stderr.strip().splitlines()[-1:]}")
        assert done.returncode == 0, done.stderr
    return python


def run_reader(reader: Path, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in the environment of a reader, away from the repository."""
    words = [reader, "-I", "-c", code]  # without PYTHONPATH, which may be this repository
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_reader_has_few_packages_and_streams_from_disk_and_a_bucket(
    reader, eyes_store, moto, tmp_path
):
    listed = subprocess.run(
        [reader, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True
    )
    names = {item["name"] for item in json.loads(listed.stdout)} - {"pip", "setuptools"}
    assert len(names) <= MAX_READER_PACKAGES, sorted(names)
    import fsspec

    client = {"endpoint_url": f"http://127.0.0.1:{moto}"}
    options = {"key": "testing", "secret": "testing", "client_kwargs": client}
    bucket = fsspec.filesystem("s3", **options)
    bucket.makedirs("s3://reader", exist_ok=True)
    for name, content in contents(eyes_store).items():
        bucket.pipe_file(f"s3://reader/eyes.zarr/{name}", content)
    code = (
        "import bids_dl, sys\n"
        f"options = {options!r}\n"
        f"for url, given in (({str(eyes_store)!r}, None), ('s3://reader/eyes.zarr', options)):\n"
        "    stream = bids_dl.StreamingDataset(url, batch_size=32, storage_options=given)\n"
        "    checked = bids_dl.verify(url, storage_options=given)\n"
        "    print(sum(len(batch[2]) for batch in stream), checked.exit_status)\n"
    )
    done = run_reader(reader, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["240 0", "240 0"]


@pytest.mark.slow
def test_a_reader_streams_from_the_hub(reader, eyes_store, tmp_path):
    code = (
        "import bids_dl\n"
        "stream = bids_dl.StreamingDataset('hf://datasets/lab/eyes', batch_size=32)\n"
        "print(sum(len(batch[2]) for batch in stream))\n"
    )
    with HubServer() as hub, use_hub(hub, token=None):
        hub.add_repository("lab/eyes").put(contents(eyes_store))
        done = run_reader(reader, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "240\n"


@pytest.mark.slow
def test_a_reader_is_told_what_each_command_needs(reader, eyes_store, eegbci, tmp_path):
    expected = {
        f"convert {eegbci} x.zarr --hed Rest": "pathspec",
        f"events {eegbci} --hed Rest": "hedtools",
        f"train {eyes_store}": "scipy",
        f"export {eyes_store} a-epo.fif": "mne",
        f"explain {eyes_store} --run-dir r": "scipy",
        f"simulate {eyes_store}": "scipy",
        f"push {eyes_store} hf://datasets/a/b": "huggingface_hub",
        "demo dm": "hedtools",
    }
    for words, package in expected.items():
        done = subprocess.run(
            [reader, "-I", "-m", "bids_dl", *words.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 2, (words, done.stderr)
        assert f"the package {package} is not installed; run pip install" in done.stderr, words
        assert "Traceback" not in done.stderr
    for words in (f"info {eyes_store}", f"verify {eyes_store}", f"export {eyes_store} a.npz"):
        command = [reader, "-I", "-m", "bids_dl", *words.split()]
        assert subprocess.run(command, cwd=tmp_path, timeout=200, check=False).returncode == 0
