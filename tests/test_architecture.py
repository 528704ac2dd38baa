"""Import rules, homes of libraries, names and listings that STYLE.md of the package names."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import code_metrics
import pytest

import bids_dl

PACKAGE = Path(bids_dl.__file__).parent
ROOT = Path(__file__).parents[1]
GROUND = {
    *("datamodel", "errors", "wording", "requirements", "plugins", "input", "startup", "config")
}
STAGES = {
    *("source", "selection", "windows", "strata", "splits", "preprocess", "store", "transforms")
}
ORDER = [
    *("datamodel", "errors", "wording", "requirements", "plugins", "input", "output", "startup"),
    *("config", "remote"),
    *("source", "selection", "windows", "strata", "splits", "preprocess", "store", "transforms"),
    *("sharing", "planning", "pipeline", "preview", "reporting", "stream", "models"),
    *("prediction", "verification", "explanation", "embedding", "training", "probing"),
    *("pretraining", "annotate", "exporting", "publishing", "cataloguing", "finding"),
    *("eeglab", "api", "demo", "cli"),
]
HOMES = {
    "hed": {"selection"},
    "mne": {"source", "preprocess", "testing", "exporting"},
    "mne_bids": {"source"},
    "bids": {"source"},
    "pathspec": {"source"},
    "dulwich": {"source"},
    "eegprep": {"preprocess"},
    "mne_icalabel": {"preprocess"},
    "autoreject": {"preprocess"},
    "zarr": {"store", "source"},  # the format of NEMAR's copies is theirs, not ours
    "numcodecs": {"store"},
    "fsspec": {"remote"},
    "s3fs": {"remote"},
    "obstore": {"remote"},
    "huggingface_hub": {"remote", "models", "publishing"},
    "aiohttp": {"remote", "annotate"},
    "google_crc32c": {"remote"},
    "dask": {"pipeline"},
    "distributed": {"pipeline"},
    "torch": {
        *("transforms", "stream", "models", "prediction", "explanation", "embedding", "training"),
        *("probing", "pretraining", "annotate"),
    },
    "typer": {"cli"},
    "rich": {"cli"},
    "sklearn": {"training", "annotate"},
    "jinja2": {"reporting"},
    "braindecode": {"models", "exporting"},
    "timm": {"models"},
    "timescoring": {"annotate"},
    "matplotlib": {"preview", "reporting", "training", "demo", "explanation", "cataloguing"},
}


@functools.cache
def modules() -> tuple[tuple[str, Path], ...]:
    """(top-level name within the package, file) of every module but the package's own."""
    files = [
        file
        for file in PACKAGE.rglob("*.py")
        if file.parent != PACKAGE or not file.name.startswith("__")
    ]
    return tuple((file.relative_to(PACKAGE).parts[0].removesuffix(".py"), file) for file in files)


@functools.cache
def syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def imports(file: Path) -> frozenset[str]:
    """Dotted names that a module imports anywhere in its text, except for type checking."""
    guarded: set[ast.AST] = set()
    for node in ast.walk(syntax(file)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            guarded.update(ast.walk(node))
    names: set[str] = set()
    for node in ast.walk(syntax(file)):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def imported_rooms(file: Path) -> set[str]:
    """Top-level modules of the package that a module imports."""
    return {name.split(".")[1] for name in imports(file) if name.startswith("bids_dl.")}


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def test_imports_point_up_the_list():
    breaches = []
    for room, file in modules():
        known = imported_rooms(file) & set(ORDER) - {room}
        if room in STAGES:
            wrong = known - GROUND - {"remote"}
        elif room == "remote":
            wrong = known - {"errors", "wording", "input", "startup"}
        elif room == "testing":
            wrong = set()
        else:
            wrong = {name for name in known if ORDER.index(name) > ORDER.index(room)}
        breaches += [f"{file.relative_to(PACKAGE)} imports {name}" for name in sorted(wrong)]
    assert breaches == []


def test_no_modules_import_each_other_in_a_circle():
    known = {module_name(file): file for _, file in modules()}
    graph = {}
    for name, file in known.items():
        targets = set()
        for imported in imports(file):
            target = imported if imported in known else imported.rpartition(".")[0]
            if target in known and target != name:
                targets.add(target)
        graph[name] = targets
    while leaves := {name for name, targets in graph.items() if not targets & graph.keys()}:
        for name in leaves:
            del graph[name]
    assert graph == {}


def test_each_big_library_has_one_home():
    breaches = []
    for room, file in modules():
        libraries = {name.split(".")[0] for name in imports(file)} & HOMES.keys()
        misplaced = [library for library in libraries if room not in HOMES[library]]
        breaches += [f"{file.relative_to(PACKAGE)} imports {library}" for library in misplaced]
    assert breaches == []


def test_every_room_is_in_the_order():
    assert {room for room, _ in modules()} <= {*ORDER, "testing"}


def test_no_class_name_occurs_twice():
    places = defaultdict(list)
    for _, file in modules():
        for node in ast.walk(syntax(file)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module_name(file))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_public_function_bears_the_name_of_a_module():
    for module in pkgutil.walk_packages(bids_dl.__path__, "bids_dl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    names = [name for name in bids_dl.__all__ if inspect.isfunction(getattr(bids_dl, name))]
    assert {"convert", "events", "info", "verify", "report", "train", "predict"} <= set(names)
    assert [name for name in names if f"bids_dl.{name}" in sys.modules] == []


def test_the_command_line_starts_without_heavy_imports():
    heavy = "mne hed torch dask zarr pandas numpy scipy sklearn matplotlib xarray"
    code = (
        "import sys, bids_dl, bids_dl.cli; "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_code_reads_as_it_should():
    """The limits of tests/code_metrics.py: sizes, density, first words of summaries."""
    room = code_metrics.measure(code_metrics.package_files())
    assert code_metrics.breaches(room.numbers()) == []


def listed_modules(text: str) -> set[str]:
    """Names at the first level of the listing of the package in a document."""
    listing = text.partition("```\nbids_dl/\n")[2].partition("```")[0]
    names = set()
    for line in listing.splitlines():
        if line.startswith("  ") and not line.startswith("   "):
            names.update(re.findall(r"(?:^|\s)([a-z_]+)(?:\.py|/)(?=\s|$)", line))
    return names


def test_the_listing_in_the_readme_is_the_tree():
    found = listed_modules((ROOT / "README.md").read_text(encoding="utf-8"))
    entries = [path for path in PACKAGE.iterdir() if not path.name.startswith(("_", "."))]
    names = {
        path.name.removesuffix(".py") for path in entries if path.suffix == ".py" or path.is_dir()
    }
    assert found == names


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    '''Where it is.'''\n",
        "def f():\n    '''Return a; and b.'''\n",
        "x = [a for b in c for a in b if a]\n",
        "x = 1 if a else (2 if b else 3)\n",
        f"x = '{'y' * 120}'\n",
    ],
)
def test_each_kind_of_breach_is_found(tmp_path, source):
    file = tmp_path / "module.py"
    file.write_text(source)
    assert code_metrics.measure([file]).breaches
