from __future__ import annotations

import json
import re
import socket

import mne
import numpy as np
import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, find_spec
from bids_dl.models.adapters.braindecode import BraindecodeModel
from bids_dl.models.adapters.braindecode_rows import REFUSED, ROWS
from bids_dl.models.adapters.contracts import CONTRACTS
from bids_dl.models.adapters.packages import import_optional

NAMES = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8"),
    *("P7", "P3", "Pz", "P4", "P8", "O1", "O2", "Oz", "FC1", "FC2", "CP1", "CP2"),
)


SMALLER = {  # networks of over 20 million parameters, or of seconds for a batch of two
    "CodeBrain": {"n_times": 400, "num_res_layers": 1},
    "EEGPT": {"n_times": 256, "depth": 1},
    "InterpolatedEEGPT": {"n_times": 256},
    "InterpolatedLaBraM": {"n_times": 200},
    "REVE": {"depth": 2},
    "STEEGFormer": {"depth": 2},
    "ZUNA": {"n_times": 256, "n_layers": 1},
}
ON_META = ("BENDR", "InterpolatedBENDR")  # 157 million parameters, which no option changes
SHORT = {"n_times": 10, "sfreq": 100.0}


@pytest.fixture(autouse=True)
def _installed():
    try:
        find_spec("braindecode/EEGNet")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture
def attempts(monkeypatch) -> list[object]:
    """Addresses that anything in this process looks up or connects to, which fails."""
    found: list[object] = []

    def refuse(*arguments, **_):
        found.append(arguments[-1])
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return found


def channels_of(name: str, n_chans: int) -> dict[str, object]:
    """Return names of channels that a model accepts, with their positions."""
    montage = mne.channels.make_standard_montage("standard_1005").get_positions()["ch_pos"]
    names = NAMES[:n_chans]
    if name == "BENDR":
        names = import_optional("braindecode.models.bendr", "braindecode").BENDR_CHANNEL_ORDER
    return {"ch_names": names, "positions": [montage.get(name, (0, 0, 0.1)) for name in names]}


def build_example(name: str, *, n_outputs: int = 3, **changes) -> nn.Module:
    """Build a model for the windows that suit it, on channels of the 10-20 system."""
    n_chans, n_times, sfreq = find_spec(f"braindecode/{name}").example
    sizes = {"n_chans": n_chans, "n_times": n_times, "n_outputs": n_outputs, "sfreq": sfreq}
    return build(f"braindecode/{name}", **(sizes | channels_of(name, n_chans) | changes))


def check_logits(model: nn.Module, name: str, n_times: int | None = None) -> None:
    n_chans, example, _ = ROWS[name].example
    with torch.no_grad():
        logits = model.eval()(torch.randn(2, n_chans, n_times or example))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()
    for sums in (logits.sum(dim=1), logits.exp().sum(dim=1)):  # of a softmax and a log-softmax
        assert not torch.allclose(sums, torch.ones(2), atol=1e-3)


@pytest.mark.parametrize("name", ["EEGNeX", "EEGConformer"])
def test_a_model_returns_logits(name):
    check_logits(build_example(name), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_listed_model_builds_for_its_windows_without_the_network(
    name, attempts, reve_positions
):
    changes = SMALLER.get(name, {})
    if name in ON_META:
        with torch.device("meta"):  # build refuses outputs of another shape than (batch, 3)
            model = build_example(name)
        assert sum(parameter.numel() for parameter in model.parameters()) > 157e6
    else:
        check_logits(build_example(name, **changes), name, changes.get("n_times"))
    assert attempts == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_listed_model_accepts_windows_of_ten_samples_or_refuses_them_with_their_size(
    name, attempts, reve_positions
):
    n_chans, *_ = ROWS[name].example
    try:
        with torch.device("meta"):
            build_example(name, **SHORT)
    except (ModelError, ConfigError) as error:
        message = str(error)
        assert message.startswith(f"model braindecode/{name} ")
        assert message.count("\n") < 4
        size = rf"windows of \({n_chans}, 10\) at 100 Hz: |got (input with )?10( samples|\b)"
        assert re.search(size, message), message
    else:
        assert name not in CONTRACTS
    assert attempts == []


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_each_pretrained_model_refuses_another_rate_with_both_rates(name, attempts):
    _, _, rate = ROWS[name].example
    with pytest.raises(ModelError, match=rf"rate of {rate:g} Hz, got 160 Hz") as caught:
        build_example(name, sfreq=160.0)
    assert "\n" not in str(caught.value)
    assert attempts == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_model_that_does_not_classify_windows_is_refused_with_the_reason(name):
    with pytest.raises(ConfigError, match=f"model braindecode/{name} does not classify windows: "):
        find_spec(f"braindecode/{name}")


def test_an_unknown_model_is_refused_with_the_closest():
    with pytest.raises(ConfigError, match=r"did you mean braindecode/EEGNeX\?$"):
        find_spec("braindecode/EEGNexx")


def test_every_classifier_of_the_installed_version_is_listed_or_refused():
    import braindecode.models.util

    known = set(braindecode.models.util.models_dict)
    assert set(ROWS) | set(REFUSED) >= known


def test_a_model_says_its_package_licence_rate_and_options():
    spec = find_spec("braindecode/EEGMiner")
    assert spec.package.startswith("braindecode 1.")
    assert spec.licence == "CC-BY-NC-4.0"
    spec = find_spec("braindecode/Deep4Net")
    assert (spec.rate, spec.licence) == (250, "BSD-3-Clause")
    assert spec.options["filter_time_length"] == 10
    assert "n_chans" not in spec.options


def test_an_option_reaches_the_model_and_an_unknown_one_is_refused():
    few = build_example("EEGNeX", filter_1=4)
    assert sum(p.numel() for p in few.parameters()) < sum(
        p.numel() for p in build_example("EEGNeX").parameters()
    )
    with pytest.raises(ConfigError, match="has no option 'filters'"):
        build_example("EEGNeX", filters=4)


def test_a_window_that_is_too_short_is_refused_in_one_line():
    with pytest.raises((ModelError, ConfigError), match="braindecode/SleepStager") as caught:
        build_example("SleepStagerBlanco2020", n_times=100)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("CBraMod", {"sfreq": 128.0}, "expects a sampling rate of 200 Hz, got 128 Hz"),
        ("Labram", {"n_times": 1900}, "multiple of 200 samples"),
        ("LUNA", {"positions": None}, "needs the positions of all channels"),
        ("Labram", {"ch_names": [f"E{i}" for i in range(20)]}, "knows none of the channels E0"),
        (
            "BENDR",
            {"ch_names": NAMES[:20]},
            "expects exactly the channels FP1, FP2, .* in this order, got 20",
        ),
        ("EEGDINO", {"n_chans": 24, "ch_names": NAMES}, "must not exceed"),
    ],
)
def test_windows_and_channels_outside_the_contract_are_refused(name, changes, message):
    with pytest.raises((ModelError, ConfigError), match=message) as caught:
        build_example(name, **changes)
    assert "\n" not in str(caught.value)


def test_reve_without_its_positions_is_refused_before_it_uses_the_network(attempts, monkeypatch):
    monkeypatch.delenv("REVE_POSITIONS_PATH", raising=False)
    message = r"needs reve_positions\.json of .* terms must be accepted; .* REVE_POSITIONS_PATH"
    with pytest.raises(ModelError, match=message):
        build_example("REVE")
    assert attempts == []


@pytest.fixture
def reve_positions(tmp_path, monkeypatch) -> None:
    """File of positions that REVE would fetch from the network."""
    positions = {name: [0.0, 0.1, 0.01 * number] for number, name in enumerate(NAMES)}
    (tmp_path / "reve_positions.json").write_text(json.dumps(positions))
    monkeypatch.setenv("REVE_POSITIONS_PATH", str(tmp_path))


@pytest.mark.slow
def test_labram_drops_unknown_channels_and_says_so():
    names = (*NAMES[:18], "T3", "EOG")
    spec = find_spec("braindecode/Labram")
    assert spec.find_warnings(names) == ["braindecode/Labram ignores unknown channels: EOG"]
    assert build_example("Labram", ch_names=names, num_layers=1).kept.tolist() == list(range(19))


def test_a_value_of_an_option_that_does_not_fit_is_refused_with_the_option():
    with pytest.raises(ConfigError, match="AttnSleep cannot be built with n_attn_heads=7: "):
        build_example("AttnSleep", n_attn_heads=7)


def test_pretrained_weights_on_the_data_they_were_trained_on_are_warned_of():
    spec = find_spec("braindecode/REVE")
    [warning] = spec.find_pretraining_warnings(["ds004362", "ds1"], None)
    assert warning.startswith("braindecode/REVE was pretrained on data of ds004362: ")
    assert find_spec("braindecode/EEGNet").find_pretraining_warnings is None


@pytest.mark.parametrize("scale", ["none", "hundredth", "quantile", "clip"])
def test_signals_are_scaled_as_the_contract_says(scale):
    signals = 40 * torch.randn(3, 2, 1000)
    signals[0, 0] = 0
    scaled = BraindecodeModel(nn.Identity(), scale)(signals)
    quantiles = np.quantile(signals.abs().numpy(), 0.95, axis=2, keepdims=True)
    expected = {
        "none": signals.numpy(),
        "hundredth": signals.numpy() / 100,
        "quantile": signals.numpy() / np.maximum(quantiles, 1e-8),
        "clip": signals.numpy().clip(-15, 15),
    }
    np.testing.assert_allclose(scaled.numpy(), expected[scale], rtol=1e-5)
