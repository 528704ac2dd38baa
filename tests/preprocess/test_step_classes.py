"""Steps of plug-ins in recipes, plans and stores."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from conversions import convert
from foreign_distribution import CLIP, install

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess import load_recipe
from bids_dl.preprocess.step_classes import find_step, list_steps
from bids_dl.preprocess.steps.registry import STEPS

POINTS = {"bids_dl.steps": {"clip": "mylab_clip:Clip"}}
RECIPE = "steps:\n  - pick: {types: [eeg]}\n  - clip: {limit: LIMIT}\n  - resample: 128\n"
TRAITS = "from bids_dl.preprocess import StepTraits as t\n"
COMPLETE = (
    "name = 'clip'\n    traits = None\n    required_context = output_spec = lambda *_: None\n"
)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Folder on the path that holds the distribution mylab-eeg with the step clip."""
    folder = install(tmp_path / "site", POINTS, {"mylab_clip": CLIP})
    monkeypatch.syspath_prepend(folder)
    return folder


def write_recipe(folder, limit=5.0, more=""):
    file = folder / "own.yaml"
    file.write_text(RECIPE.replace("LIMIT", str(limit)) + more)
    return str(file)


def load(file):
    return load_recipe(PreprocessConfig(file))


def test_every_step_of_the_package_is_found_without_a_plug_in():
    for name in STEPS:
        assert find_step(name).plugin is None
    assert find_step("nowhere_at_all") is None


def test_a_recipe_states_distribution_and_version_of_a_foreign_step(lab, tmp_path):
    recipe = load(write_recipe(tmp_path))
    assert [step.name for step in recipe.steps] == ["pick", "clip", "resample"]
    assert recipe.to_dict()["plugins"] == {"clip": "mylab-eeg 1.5"}
    assert "mylab-eeg" in recipe.packages
    assert "plugins" not in load_recipe(PreprocessConfig("default")).to_dict()
    assert list_steps()[-1] == "clip"


def test_parameters_of_a_foreign_step_are_checked(lab, tmp_path):
    with pytest.raises(ConfigError, match=r"step 2 \(clip\): limit must be positive"):
        load(write_recipe(tmp_path, limit=-1))
    with pytest.raises(ConfigError, match="clip has no parameter 'limt', did you mean 'limit'"):
        load_recipe(PreprocessConfig(write_recipe(tmp_path), {"clip.limt": 3}))
    changed = load_recipe(PreprocessConfig(write_recipe(tmp_path), {"clip.limit": 3}))
    assert changed.steps[1].limit == 3


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("class Clip: pass", "is no dataclass"),
        ("Clip = 3", "is no dataclass"),
        ("@d\nclass Clip:\n    pass", "attribute name None, expected 'clip'"),
        ("@d\nclass Clip:\n    name = 'clip'", "no traits and no required_context and no output"),
        (f"@d\nclass Clip:\n    {COMPLETE}", "has traits of type NoneType, expected StepTraits"),
        (
            f"{TRAITS}@d\nclass Clip:\n    {COMPLETE}    traits = t()",
            "has neither, expected one of apply and apply_wind",
        ),
    ],
)
def test_an_object_that_is_no_step_is_refused_with_its_package(tmp_path, monkeypatch, body, cause):
    module = f"mylab_{abs(hash(body))}"
    text = f"from dataclasses import dataclass as d\n{body}\n"
    points = {"bids_dl.steps": {"clip": f"{module}:Clip"}}
    monkeypatch.syspath_prepend(install(tmp_path / "site", points, {module: text}))
    with pytest.raises(ConfigError, match=rf"plug-in mylab-eeg 1\.5 .*{cause}"):
        load(write_recipe(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ('return Context("samples")', "return 5", "TypeError: returns int, expected Context"),
        ("return spec", "return None", "TypeError: returns NoneType, expected SignalSpec"),
        ("return spec", "return 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_foreign_step_that_answers_wrongly_has_the_reason(tmp_path, monkeypatch, old, new, cause):
    module = f"mylab_{abs(hash(new))}"
    assert old in CLIP
    points = {"bids_dl.steps": {"clip": f"{module}:Clip"}}
    site = install(tmp_path / "site", points, {module: CLIP.replace(old, new)})
    monkeypatch.syspath_prepend(site)
    spec = SignalSpec(("Cz",), ("eeg",), Fraction(100))
    with pytest.raises(RecordingError, match=f"clip.*{cause}"):
        load(write_recipe(tmp_path)).required_context(spec)


@pytest.mark.parametrize("value", ["{1, 2}", "float('inf')", "len"])
def test_a_foreign_step_with_a_field_that_no_store_holds_is_refused(tmp_path, monkeypatch, value):
    module = f"mylab_{abs(hash(value))}"
    field = f"    more: object = field(default_factory=lambda: {value})\n\n    def __post_init__"
    text = CLIP.replace("    def __post_init__", field, 1)
    text = text.replace("import dataclass", "import dataclass, field", 1)
    points = {"bids_dl.steps": {"clip": f"{module}:Clip"}}
    monkeypatch.syspath_prepend(install(tmp_path / "site", points, {module: text}))
    with pytest.raises(ConfigError, match=r"mylab-eeg 1\.5 has the field more of type .*expected"):
        load(write_recipe(tmp_path))


def test_a_recipe_of_another_version_of_the_plug_in_is_refused(lab, tmp_path):
    stated = write_recipe(tmp_path, more="plugins: {clip: mylab-eeg 1.5}\n")
    assert load(stated).to_dict()["plugins"] == {"clip": "mylab-eeg 1.5"}
    older = write_recipe(tmp_path, more="plugins: {clip: mylab-eeg 1.4}\n")
    message = r"step of mylab-eeg 1\.4 is mylab-eeg 1\.5 here; install mylab-eeg==1\.4"
    with pytest.raises(ConfigError, match=message):
        load(older)


def test_without_its_plug_in_the_step_is_unknown_or_named(tmp_path):
    with pytest.raises(ConfigError, match="unknown step 'clip'"):
        load(write_recipe(tmp_path))
    stated = write_recipe(tmp_path, more="plugins: {clip: mylab-eeg 1.5}\n")
    with pytest.raises(ConfigError, match=r"mylab-eeg 1\.5 is not installed; install mylab-eeg=="):
        load(stated)


@pytest.mark.slow
def test_a_store_records_the_foreign_step_and_another_version_makes_another_plan(
    lab, tmp_path, eegbci
):
    recipe = write_recipe(tmp_path)
    request = {"recipe": recipe, "subject": ["001"], "hed": {"closed": "Eyes-closed"}}
    dest = tmp_path / "a.zarr"
    convert(eegbci, dest, **request)
    attributes = json.loads((dest / "zarr.json").read_text())["attributes"]
    assert attributes["request"]["preprocess"]["plugins"] == {"clip": "mylab-eeg 1.5"}
    assert attributes["software"]["mylab_eeg"] == "1.5"
    assert convert(eegbci, dest, **request).unchanged
    install(lab, POINTS, {"mylab_clip": CLIP}, version="1.6")
    with pytest.raises(Exception, match=r"plug-ins of --recipe|plug-ins of recipe"):
        convert(eegbci, dest, **request)


@pytest.mark.slow
def test_worker_processes_find_the_foreign_step(lab, tmp_path, eegbci):
    dest = tmp_path / "a.zarr"
    outcome = convert(
        eegbci,
        dest,
        recipe=write_recipe(tmp_path),
        subject=["001"],
        hed={"closed": "Eyes-closed"},
        jobs=1,
    )
    assert outcome.failures == ()
    assert dest.exists()
