"""The code of docs/models.md runs, with fewer epochs, and its table is that of the registry."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch

import bids_dl
from bids_dl.errors import ModelError
from bids_dl.models import MODELS, build
from bids_dl.models.adapters.packages import import_optional

GUIDE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(command, eyes_store) -> Path:
    """Working directory with the store and the network of the guide."""
    Path("eyes.zarr").symlink_to(eyes_store)
    [network] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    Path("networks.py").write_text(network)
    return Path.cwd()


def has_package(line: str) -> bool:
    """Return whether the packages of a command are installed."""
    for extra in ("braindecode", "timm"):
        if f"{extra}/" in line:
            try:
                import_optional(extra, extra)
            except ModelError:
                return False
    return True


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_commands_of_the_guide_run_in_order(command, folder):
    for line in COMMANDS:
        if "--weights" in line or not has_package(line):
            continue
        _, *arguments = shlex.split(line)
        few = ("--epochs", "1", "--device", "cpu") if arguments[0] == "train" else ()
        result = command(*arguments, *few)
        assert result.status == 0, (line, result.err)
    for name in ("c2f/kernel=5", "power-net"):
        assert (folder / "runs" / name / "record.html").is_file()


def test_the_table_has_each_model_with_its_parameters_scaling_and_licence():
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| ([\d,]+) \| (\w+) \| (\S+) \|$", GUIDE, re.M)
    assert [name for name, *_ in rows] == list(MODELS)
    for name, count, normalize, licence in rows:
        spec = MODELS[name]
        n_chans, n_times, sfreq = spec.example
        positions = torch.randn(n_chans, 3, generator=torch.Generator().manual_seed(0)).tolist()
        sizes = {"n_chans": n_chans, "n_times": n_times, "n_outputs": 2, "sfreq": sfreq}
        model = build(name, positions=positions, **sizes)
        assert f"{sum(parameter.numel() for parameter in model.parameters()):,}" == count
        assert normalize == (spec.normalize or "auto")
        assert licence == spec.licence


def test_the_message_of_the_guide_is_that_of_the_model():
    [message] = re.findall(r"```\n(model .*)\n```", GUIDE)
    with pytest.raises(ModelError) as refusal:
        build("deep4", n_chans=24, n_times=128, n_outputs=2, sfreq=128.0)
    assert str(refusal.value) == message


def test_recipes_models_and_scripts_of_the_systems_exist():
    table = GUIDE.partition("## Five published systems")[2].partition("## ")[0]
    rows = re.findall(r"^\| .*`(\w+)\.py` \|$", table, re.M)
    assert len(rows) == 5
    assert all((EXAMPLES / f"{name}.py").is_file() for name in rows)
    recipes = bids_dl.list_recipes()
    for name in re.findall(r"^\| [^|]+ \| `(\w+)` \|", table, re.M):
        assert name in recipes
