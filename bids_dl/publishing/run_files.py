"""Files of a finished run that are published, and their card. No pickle is among them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.errors import ConfigError, ModelError
from bids_dl.input import parse_json, read_regular
from bids_dl.sharing.card import HUB_LICENCES
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.licence import legal_text_url
from bids_dl.sharing.safe_text import code_span, escape_markdown, to_yaml
from bids_dl.wording import count

CARD = "README.md"
CONFIG = "config.json"
METRICS = "metrics.json"  # written last of all
WEIGHTS = ".safetensors"
SUFFIXES = {WEIGHTS, ".json", ".csv", ".tsv", ".html", ".png", ".svg"}
"""Ends of the names of files that are published. Files of weights that run code are not."""
TEXT_SUFFIXES = {".json", ".csv", ".tsv", ".html", ".svg"}
SHOWN_METRICS = ("accuracy", "balanced_accuracy", "kappa", "macro_f1", "auroc", "r2", "mae")


@dataclass(frozen=True)
class RunFiles:
    """Files of a finished run.

    Attributes
    ----------
    folder
        Run folder.
    config, metrics
        Content of config.json and metrics.json.
    names
        Names of the files to publish, relative to the folder.
    left_out
        Names of the files that are not published.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    names: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.config["settings"]["model"])

    def read(self, name: str) -> bytes:
        """Read a file, without the folders of this machine that lead to the store."""
        content = read_regular(self.folder / name)
        store = self.config.get("store", {})
        url, store_name = str(store.get("url", "")), str(store.get("name", ""))
        is_local = "/" in url and "://" not in url
        if is_local and Path(name).suffix in TEXT_SUFFIXES:
            content = content.replace(url.encode(), store_name.encode())
        return content


def is_run(path: Path) -> bool:
    """Return whether a path is a run folder, finished or not."""
    return (path / CONFIG).is_file() and not (path / "zarr.json").exists()


def read_run(folder: Path) -> RunFiles:
    """List the files of a finished run.

    Parameters
    ----------
    folder
        Run folder.

    Raises
    ------
    ModelError
        The run is not finished, or its description cannot be read.
    """
    if not (folder / METRICS).is_file():
        raise ModelError(f"{folder}: this run is not finished (it has no {METRICS}); resume it")
    documents = []
    for name in (CONFIG, METRICS):
        try:
            parsed = parse_json(read_regular(folder / name))
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder / name}: cannot be read ({error})") from None
        if not isinstance(parsed, dict):
            raise ModelError(f"{folder / name}: is not a JSON object")
        documents.append(parsed)
    config, metrics = documents
    if not isinstance(config.get("settings"), dict) or "model" not in config["settings"]:
        raise ModelError(f"{folder / CONFIG}: names no model; is this a run folder of bids_dl?")
    names, left_out = _choose_files(folder)
    if not any(name.endswith(WEIGHTS) for name in names):
        raise ModelError(f"{folder}: has no weights ({WEIGHTS} file); train it again")
    return RunFiles(folder, config, metrics, tuple(names), tuple(left_out))


def _choose_files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the files to publish, and of those to leave out."""
    names, left_out = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            continue
        is_hidden = any(part.startswith(".") for part in name.split("/"))
        if path.suffix in SUFFIXES and not is_hidden:
            names.append(name)
        elif name != CARD:
            left_out.append(name)
    return names, left_out


def build_run_card(run: RunFiles, licence: str, address: str) -> str:
    """Build README.md of a published run: input, target, test scores, data and how to use it.

    Parameters
    ----------
    run
        The run.
    licence
        SPDX name of the licence of the weights.
    address
        Address that pins the published version.
    """
    store = run.config.get("store", {})
    tags = ["eeg", "bids", "hed", "bids-dl", run.model]
    header = {
        "library_name": "bids_dl",
        "license": HUB_LICENCES.get(licence, licence.lower()),
        "tags": list(dict.fromkeys(tags)),
    }
    title = f"{run.model} on {store.get('name', 'EEG')}"
    weights = [name for name in run.names if name.endswith(WEIGHTS)]
    sections = [
        f"# {escape_markdown(title)}",
        "A network trained and tested by bids_dl. The weights are safetensors, which run no code.",
        "## Use",
        f"```bash\nhf download {_repository(address)}\n"
        f"bids-dl predict STORE --run-dir FOLDER -o predictions.csv\n```",
        f"This version: {code_span(address)}. Files of weights: "
        + ", ".join(map(code_span, weights))
        + ".",
        "## Input",
        _describe_input(store),
        "## Test",
        *_describe_test(run.metrics),
        "## Training data",
        _describe_data(store),
        "## Training",
        f"{code_span(_command(run))}",
        "All settings are in config.json, the persons of each fold in folds.json.",
        f"Licence: [{licence}]({legal_text_url(licence)}).",
    ]
    return f"---\n{to_yaml(header).strip()}\n---\n" + "\n\n".join(sections) + "\n"


def _repository(address: str) -> str:
    """Return repository and revision as `hf download` takes them."""
    repository, _, revision = address.removeprefix("hf://").partition("@")
    return f"{repository} --revision {revision.partition('/')[0]} --local-dir FOLDER"


def _command(run: RunFiles) -> str:
    command = str(run.config.get("command", ""))
    store = run.config.get("store", {})
    url = str(store.get("url", ""))
    is_local = "/" in url and "://" not in url
    return command.replace(url, str(store.get("name", ""))) if is_local else command


def _describe_input(store: Mapping[str, Any]) -> str:
    shape, sfreq = store.get("shape"), store.get("sfreq")
    if not (isinstance(shape, list) and len(shape) == 3 and isinstance(sfreq, int | float)):
        return "See the description in the file of weights."
    channels = ", ".join(map(str, store.get("channels", ())))
    return (
        f"Windows of {shape[1]} channels and {shape[2]} samples ({shape[2] / sfreq:g} s at "
        f"{sfreq:g} Hz), in microvolts: {escape_markdown(channels)}"
    )


def _describe_test(metrics: Mapping[str, Any]) -> list[str]:
    """Describe the scores on persons that the network has not seen."""
    outputs = metrics.get("outputs")
    names = ", ".join(map(str, outputs)) if isinstance(outputs, list) else ""
    target = escape_markdown(
        f"Target: {metrics.get('target', 'none')}{f' ({names})' * bool(names)}"
    )
    windows = metrics.get("windows")
    rows = []
    for name in SHOWN_METRICS:
        value = windows.get(name) if isinstance(windows, dict) else None
        if isinstance(value, dict) and isinstance(value.get("value"), int | float):
            rows.append(f"| {name} | {value['value']:.3f} | {_format_interval(value)} |")
    persons = metrics.get("n_persons")
    lines = [
        target + (f", tested on {count(persons, 'person', 'people')}" if persons else "") + "."
    ]
    if rows:
        lines.append(
            "\n".join(["| metric | value | 95 % interval |", "| --- | --- | --- |", *rows])
        )
    for warning in metrics.get("warnings", ()):
        lines.append(f"- {escape_markdown(str(warning))}")
    return lines


def _format_interval(value: Mapping[str, Any]) -> str:
    low, high = value.get("low"), value.get("high")
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return ""
    return f"{low:.3f} to {high:.3f}"


def _describe_data(store: Mapping[str, Any]) -> str:
    """Describe the store and its sources, whose licences hold for their data."""
    lines = [f"Store {code_span(str(store.get('name', '')))}"]
    if store.get("manifest_sha256"):
        lines[0] += f", SHA-256 of its manifest {code_span(str(store['manifest_sha256']))}"
    for source in store.get("sources", ()):
        doi = find_doi(str(source.get("doi", "")))
        link = f": https://doi.org/{doi}" if doi else ""
        lines.append(f"- {escape_markdown(str(source.get('dataset', '')))}{link}")
    return "\n".join(lines)


def check_run_licence(folder: str, licence: str | None) -> None:
    """Refuse a run without a licence, because a run folder states none.

    Raises
    ------
    ConfigError
        No licence is given.
    """
    if licence is None:
        raise ConfigError(
            f"{folder}: a run states no licence, so nobody may use a copy; give that of the "
            "weights with --license, such as CC-BY-4.0"
        )


def describe_left_out(names: Sequence[str]) -> str:
    """Describe the files that are not published, "" if there are none.

    Examples
    --------
    >>> describe_left_out(["unfinished/checkpoint.pt"])
    'not sent: "unfinished/checkpoint.pt"'
    """
    return f"not sent: {', '.join(json.dumps(name) for name in names)}" if names else ""
