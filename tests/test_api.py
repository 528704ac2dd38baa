"""The functions of `bids_dl`: types, examples, imports and names."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from conversions import EYES_QUERIES

import bids_dl
from bids_dl import api
from bids_dl.errors import ConfigError

FUNCTIONS = (
    *(
        "events",
        "convert",
        "info",
        "verify",
        "report",
        "export",
        "train",
        "train_variants",
        "compare",
    ),
    *("predict", "explain", "embed", "probe", "make_sidecar", "list_models", "list_recipes"),
    *("simulate", "label", "export_annotations"),
)

TYPED = """
import bids_dl
from pathlib import Path

outcome = bids_dl.convert(Path("a"), "b.zarr", hed={"a": "Red"}, window=2, set={"filter.high": 40})
number: int = outcome.n_windows
bids_dl.train("b.zarr", folds=3, normalize="none", model_options={"dropout": 0.5})
bids_dl.predict("b.zarr", run_dir="run", split="test")
"""
MISTYPED = {
    'bids_dl.convert("a", "b.zarr", windw=2)': 'did you mean "window"',
    'bids_dl.convert("a", "b.zarr", window="2")': '"window" to "convert"',
    'bids_dl.convert("a", "b.zarr", dtype="int4")': '"dtype" to "convert"',
    'bids_dl.events("a", seed=3)': 'Unexpected keyword argument "seed"',
    'bids_dl.train("b.zarr", epochs="3")': '"epochs" to "train"',
    'bids_dl.predict("b.zarr")': 'Missing named argument "run_dir"',
}


def check_types(folder: Path, text: str) -> str:
    """Return what mypy prints about a script."""
    script = folder / "script.py"
    script.write_text(text)
    repository = Path(bids_dl.__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", str(script)],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    return result.stdout


@pytest.mark.slow
def test_a_type_checker_accepts_right_options_and_finds_wrong_ones(tmp_path):
    checked = check_types(tmp_path, TYPED + "\n".join(MISTYPED))
    first = TYPED.count("\n") + 1
    errors = [line for line in checked.splitlines() if "error:" in line]
    assert len(errors) == len(MISTYPED), checked
    for number, (error, message) in enumerate(zip(errors, MISTYPED.values(), strict=True), first):
        assert f"script.py:{number}: error" in error
        assert message in error


@pytest.mark.slow
def test_the_examples_of_the_functions_run(eyes_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("eyes.zarr").symlink_to(eyes_store)
    parser = doctest.DocTestParser()
    for name in FUNCTIONS:  # in this order, because predict needs the run folder of train
        text = inspect.getdoc(getattr(bids_dl, name)) or ""
        examples = parser.get_doctest(text, {}, name, None, 0)
        assert examples.examples, name
        result = doctest.DocTestRunner().run(examples)
        assert result.failed == 0, name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_documented_and_typed(name):
    function = getattr(bids_dl, name)
    documentation = inspect.getdoc(function) or ""
    assert "Examples\n--------" in documentation
    assert "Returns\n-------" in documentation
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty
        assert f"{parameter.name}\n    " in documentation


def test_no_function_has_the_name_of_a_module():
    modules = [module.name for module in pkgutil.walk_packages(bids_dl.__path__, "bids_dl.")]
    for name in modules:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    assert not set(FUNCTIONS) & {name.removeprefix("bids_dl.") for name in modules}
    for name in FUNCTIONS:
        assert getattr(bids_dl, name) is getattr(api, name)
    assert "default" in bids_dl.list_recipes()
    assert "shallow-fbcsp" in bids_dl.list_models()


def test_the_public_names_are_listed():
    assert {*FUNCTIONS, "Store", "StreamingDataset", "open_store", "__version__"} <= set(
        dir(bids_dl)
    )
    assert set(bids_dl.__all__) <= set(dir(bids_dl))
    assert not {"annotations", "Any", "TYPE_CHECKING"} & set(dir(bids_dl))


def test_submodules_are_imported_when_they_are_used():
    code = (
        "import bids_dl, sys; heavy = {'numpy', 'torch', 'zarr', 'mne', 'pandas', 'pydantic'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "print(bids_dl.stream.to_device.__name__, bids_dl.store.Store is bids_dl.Store,"
        "bids_dl.testing.make_dataset.__name__, bids_dl.errors.ConfigError.__name__)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "to_device True make_dataset ConfigError\n", result.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'bids_dl' has no attribute 'convrt'; it has Store"):
        _ = bids_dl.convrt


def test_paths_are_accepted_as_sources_and_stores(eegbci, eyes_store, tmp_path):
    survey = bids_dl.events([Path(eegbci)], hed="Eyes-closed", plot=tmp_path / "a.png")
    assert len(survey.events) == 4
    assert (tmp_path / "a.png").exists()
    assert bids_dl.info(Path(eyes_store))["store"] == str(eyes_store)
    assert bids_dl.report(Path(eyes_store), output=tmp_path / "a.html") == tmp_path / "a.html"
    outcome = bids_dl.convert(Path(eegbci), Path(eyes_store), hed=EYES_QUERIES, window=2)
    assert outcome.unchanged


def test_an_unknown_option_is_refused_at_run_time_too(eyes_store):
    calls = (
        lambda **wrong: bids_dl.events("a", hed="Red", **wrong),
        lambda **wrong: bids_dl.convert("a", "b.zarr", hed="Red", **wrong),
        lambda **wrong: bids_dl.info(eyes_store, **wrong),
        lambda **wrong: bids_dl.verify(eyes_store, **wrong),
        lambda **wrong: bids_dl.report(eyes_store, **wrong),
        lambda **wrong: bids_dl.train(eyes_store, **wrong),
        lambda **wrong: bids_dl.predict(eyes_store, run_dir="a", **wrong),
    )
    for call in calls:
        with pytest.raises(ConfigError, match="unknown option 'jbos'"):
            call(jbos=1)


def test_a_message_names_the_recording_that_was_drawn(eegbci, tmp_path):
    messages = []
    plot = str(tmp_path / "a.svg")
    bids_dl.events(eegbci, hed="Eyes-closed", plot=plot, on_message=messages.append)
    assert messages == [f"{plot}: ds004362/sub-001/eeg/sub-001_task-motion_run-2"]
