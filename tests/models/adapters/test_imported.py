from __future__ import annotations

import doctest
from importlib import metadata

import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, find_spec
from bids_dl.models.adapters import imported

CODE = '''
"""Networks of a laboratory."""
import torch
from torch import nn

class Net(nn.Module):
    """Mean size of each channel, one dense layer."""

    def __init__(self, n_chans, n_outputs, *, width=8):
        super().__init__()
        self.first = nn.Linear(n_chans, width)
        self.last = nn.Linear(width, n_outputs)

    def forward(self, signals):
        return self.last(torch.relu(self.first(signals.abs().mean(dim=2))))

class Softmax(Net):
    def forward(self, signals):
        return super().forward(signals).softmax(dim=1)

class Scalar(Net):
    def forward(self, signals):
        return super().forward(signals).mean(dim=1)

def make_net(n_chans, n_outputs):
    return Net(n_chans, n_outputs, width=2)

def make_nothing(n_chans):
    return None

NOT_A_MODEL = 3
'''
SIZES = {"n_chans": 4, "n_times": 128, "n_outputs": 3, "sfreq": 128.0}


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Name of a module of the current folder."""
    name = f"lab_networks_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_class_of_any_module_is_called_with_the_sizes_it_takes(module):
    spec = find_spec(f"{module}:Net")
    assert spec.options == {"width": 8}
    assert spec.summary == "Mean size of each channel, one dense layer"
    assert spec.package == f"{module} (no distribution)"
    model = build(f"{module}:Net", **SIZES, width=5)
    assert model.first.out_features == 5
    assert model(torch.randn(2, 4, 128)).shape == (2, 3)


def test_a_function_that_builds_a_network_is_a_model(module):
    assert build(f"{module}:make_net", **SIZES).first.out_features == 2


def test_a_network_of_an_installed_distribution_names_its_version():
    assert find_spec("torch.nn:Linear").package == f"torch {metadata.version('torch')}"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("Softmax", ModelError, "returns probabilities; remove its last softmax"),
        ("Scalar", ModelError, r"returns \(2,\) for two windows of \(4, 128\)"),
        ("make_nothing", ConfigError, "it returned NoneType, expected a torch.nn.Module"),
        ("NOT_A_MODEL", ConfigError, "neither a subclass of torch.nn.Module nor a function"),
        ("Missing", ConfigError, "has no Missing"),
    ],
)
def test_what_is_no_model_of_windows_is_refused(module, name, error, message):
    with pytest.raises(error, match=message):
        build(f"{module}:{name}", **SIZES)


def test_a_module_that_is_missing_or_fails_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="model nowhere_at_all:Net: no module nowhere_at_all; "):
        find_spec("nowhere_at_all:Net")
    (tmp_path / "failing_networks.py").write_text("1 / 0")
    with pytest.raises(ModelError, match="importing failing_networks fails: division by zero"):
        find_spec("failing_networks:Net")


def test_an_entry_point_is_a_model_by_its_name(module, tmp_path, monkeypatch):
    folder = tmp_path / "mylab-1.5.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.5\n")
    (folder / "entry_points.txt").write_text(f"[bids_dl.models]\nlabnet = {module}:Net\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = find_spec("labnet")
    assert (spec.name, spec.package) == ("labnet", "mylab 1.5")
    assert build("labnet", **SIZES)(torch.randn(2, 4, 128)).shape == (2, 3)
    with pytest.raises(ConfigError, match=r"did you mean 'labnet'\?"):
        find_spec("labnets")


def test_a_class_inside_a_function_has_no_name_to_predict_with():
    class Inner(nn.Module):
        pass

    with pytest.raises(ConfigError, match=r"Inner: expected a class or function at the top level"):
        imported.name_of(Inner)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(imported, extraglobs={"nn": nn}).failed == 0


def test_distributions_are_listed_again_only_if_a_folder_of_the_path_changed(
    module, tmp_path, monkeypatch
):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    listings = []
    monkeypatch.setattr(
        *(metadata, "packages_distributions", lambda: listings.append("listed") or {})
    )
    for _ in range(3):
        assert find_spec(f"{module}:Net").package == f"{module} (no distribution)"
    assert len(listings) == 1
    (folder / "new-1.0.dist-info").mkdir()
    find_spec(f"{module}:Net")
    assert len(listings) == 2
