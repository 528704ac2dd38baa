"""Plug-ins: found by metadata, imported by name, never in place of what bids_dl has."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest
from foreign_distribution import install

from bids_dl import plugins
from bids_dl.errors import ConfigError
from bids_dl.plugins import describe_ignored, find_plugin, list_plugins

STEPS = "bids_dl.steps"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Folder on the path for distributions of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_plug_in_is_listed_without_an_import(lab):
    install(lab, {STEPS: {"hum": "mylab_failing:Hum"}}, {"mylab_failing": "1 / 0"})
    listed = [plugin for plugin in list_plugins("step") if plugin.name == "hum"]
    assert [plugin.package for plugin in listed] == ["mylab-eeg 1.5"]


@pytest.mark.parametrize(
    ("place", "text", "cause"),
    [
        ("mylab_a:Hum", "1 / 0", "ZeroDivisionError: division by zero"),
        ("mylab_b:Hum", "import nowhere_at_all", "ModuleNotFoundError: No module named"),
        ("mylab_c:Hum", "", "AttributeError: module 'mylab_c' has no attribute 'Hum'"),
        ("mylab_d:Hum", "raise SystemError('a\\nb')", "SystemError: a; repair the plug-in"),
        ("mylab_f:Hum", "import sys; sys.exit(3)", "SystemExit: 3; repair the plug-in"),
    ],
)
def test_a_broken_plug_in_is_one_line_with_distribution_and_cause(lab, place, text, cause):
    install(lab, {STEPS: {"hum": place}}, {place.partition(":")[0]: text})
    with pytest.raises(ConfigError) as info:
        find_plugin("step", "hum").load()
    message = str(info.value)
    assert message.startswith(f"step hum: {place} of the plug-in mylab-eeg 1.5 cannot be loaded: ")
    assert cause in message
    assert "\n" not in message


def test_a_name_that_two_distributions_register_is_refused(lab):
    install(lab / "a", {STEPS: {"hum": "a:Hum"}}, {})
    install(lab / "b", {STEPS: {"hum": "b:Hum"}}, {}, name="otherlab", version="2")
    sys.path[:0] = [str(lab / "a"), str(lab / "b")]
    try:
        with pytest.raises(ConfigError, match=r"by mylab-eeg 1\.5 and otherlab 2; uninstall one"):
            find_plugin("step", "hum")
    finally:
        del sys.path[:2]


def test_a_name_of_bids_dl_is_kept_and_the_plug_in_named_as_ignored(lab):
    install(lab, {STEPS: {"filter": "mylab_x:Filter", "hum": "mylab_x:Hum"}}, {})
    [line] = describe_ignored("step", {"filter", "notch"})
    assert line.startswith("step filter of mylab-eeg 1.5 is ignored")


def test_the_import_of_the_package_looks_for_no_plug_in(lab):
    install(lab, {STEPS: {"hum": "mylab_e:Hum"}}, {"mylab_e": "1 / 0"})
    code = (
        "import importlib.metadata as m, sys\n"
        "real = m.entry_points\n"
        "def ask(**names):\n"
        "    if str(names.get('group', '')).startswith('bids_dl'): sys.exit('asked for plug-ins')\n"
        "    return real(**names)\n"
        "m.entry_points = ask\n"
        "import bids_dl, bids_dl.cli\n"
        "from bids_dl.preprocess import load_recipe\n"
        "from bids_dl.config.stages import PreprocessConfig\n"
        "load_recipe(PreprocessConfig('default'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(plugins).failed == 0
