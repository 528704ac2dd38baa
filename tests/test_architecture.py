"""The import rules that docs/architecture.md names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bids_dl

PACKAGE = Path(bids_dl.__file__).parent
GROUND = {"datamodel", "errors", "wording", "startup", "config"}
STAGES = {"source", "selection", "windows", "splits", "preprocess", "store", "transforms"}
ORDER = [
    *("datamodel", "errors", "wording", "startup", "config", "remote"),
    *("source", "selection", "windows", "splits", "preprocess", "store", "transforms"),
    *("sharing", "planning", "pipeline", "preview", "reporting", "stream", "models"),
    *(
        "prediction",
        "verification",
        "explanation",
        "training",
        "annotate",
        "exporting",
        "eeglab",
        "demo",
        "cli",
    ),
]
HOMES = {
    "hed": {"selection"},
    "mne": {"source", "preprocess", "testing"},
    "mne_bids": {"source"},
    "bids": {"source"},
    "eegprep": {"preprocess"},
    "mne_icalabel": {"preprocess"},
    "autoreject": {"preprocess"},
    "zarr": {"store"},
    "numcodecs": {"store"},
    "fsspec": {"remote"},
    "s3fs": {"remote"},
    "obstore": {"remote"},
    "aiohttp": {"remote", "annotate"},
    "google_crc32c": {"remote"},
    "dask": {"pipeline"},
    "distributed": {"pipeline"},
    "torch": {"transforms", "stream", "models", "prediction", "explanation", "training"},
    "typer": {"cli"},
    "rich": {"cli"},
    "sklearn": {"training"},
    "jinja2": {"reporting"},
    "matplotlib": {"preview", "training", "demo"},
}


def modules() -> list[tuple[str, Path]]:
    """(top-level name within the package, file) of every module."""
    files = [
        file
        for file in PACKAGE.rglob("*.py")
        if file.parent != PACKAGE or file.name != "__init__.py"
    ]
    return [(file.relative_to(PACKAGE).parts[0].removesuffix(".py"), file) for file in files]


def imports(file: Path) -> set[str]:
    """Dotted names that a module imports, wherever in its text, type checking apart."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= (
                {f"{node.module}.{alias.name}" for alias in node.names}
                if node.module == "bids_dl"
                else {node.module}
            )
    return names


def internal(file: Path) -> set[str]:
    """Top-level modules of the package that a module imports."""
    return {name.split(".")[1] for name in imports(file) if name.startswith("bids_dl.")}


@pytest.mark.parametrize(("home", "file"), modules(), ids=lambda value: str(value)[-40:])
def test_imports_point_up_the_list(home, file):
    known = internal(file) - {home}
    if home in STAGES:
        assert known <= {*GROUND, "remote"}, f"a stage knows only {GROUND} and remote"
    elif home == "remote":
        assert known <= {"errors", "wording"}, "remote knows only errors and wording"
    elif home != "testing":
        assert all(ORDER.index(name) < ORDER.index(home) for name in known), (
            f"{home} imports {known}"
        )


@pytest.mark.parametrize(("home", "file"), modules(), ids=lambda value: str(value)[-40:])
def test_each_big_library_stays_where_it_lives(home, file):
    for name in {name.split(".")[0] for name in imports(file)} & set(HOMES):
        assert home in HOMES[name], f"{name} is imported in {home}"


def test_every_module_is_in_the_order():
    assert {home for home, _ in modules()} <= {*ORDER, "testing"}


def test_the_command_line_starts_without_heavy_imports():
    heavy = "mne hed torch dask zarr pandas numpy scipy sklearn matplotlib xarray"
    code = f"import sys, bids_dl, bids_dl.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_and_functions_are_of_a_size_one_can_read():
    for _, file in modules():
        text = file.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None
                first = node.body[0].end_lineno if documented else node.lineno
                assert node.end_lineno - first <= 60, f"{file}: {node.name}"
