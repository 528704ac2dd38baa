"""Each script of examples/ does what its first line says, and a store is what docs/store-format.md says."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def run(name: str, folder: Path, needs: str | None = None) -> str:
    """What a script prints; the folder is its only argument. Skipped where the library it ``needs`` is not installed."""
    if needs is not None and find_spec(needs) is None:
        pytest.skip(f"{needs} is not installed")
    command = [sys.executable, str(EXAMPLES / name), str(folder)]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(eyes_store, tmp_path):
    """A folder that holds the store of the sample already, as after a first run of any example."""
    shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    return tmp_path


@pytest.mark.slow
def test_convert_and_stream_makes_the_store_and_streams_the_people_to_train_on(
    eyes_store, tmp_path
):
    said = run("convert_and_stream.py", tmp_path)
    assert "240 windows of 8 recordings, 0 failed" in said
    assert said.count("batch (") == 4
    assert said.strip().endswith(
        "one epoch: 4 batches, 120 windows: {'eyes_open': 60, 'eyes_closed': 60}"
    )
    assert (tmp_path / "eyes.zarr" / "manifest.json").read_bytes() == (
        eyes_store / "manifest.json"
    ).read_bytes()


def test_xarray_alpha_finds_more_of_it_with_eyes_closed_in_everybody(folder):
    said = run("xarray_alpha.py", folder)
    ratios = dict(re.findall(r"sub-(\d+): alpha power is ([\d.]+) times higher", said))
    assert list(ratios) == ["001", "002", "003", "004"]
    assert all(float(ratio) > 3 for ratio in ratios.values())


def test_train_own_model_tells_eyes_open_from_closed_in_a_person_it_never_saw(folder):
    said = run("train_own_model.py", folder)
    who, share = re.search(r"sub-(\d+), never seen: .* right \((\d+)%\)", said).groups()
    assert who == "004"
    assert int(share) >= 75


@pytest.mark.slow
def test_train_lightning_tells_eyes_open_from_closed_in_a_person_it_never_saw(folder):
    assert share_right(run("train_lightning.py", folder, needs="lightning")) >= 75


@pytest.mark.slow
def test_train_skorch_tells_eyes_open_from_closed_in_a_person_it_never_saw(folder):
    assert share_right(run("train_skorch.py", folder, needs="skorch")) >= 75


def share_right(said: str) -> int:
    """Per cent."""
    return int(re.search(r"a person never seen: (\d+)% of 60 windows right", said).group(1))


def test_resume_loses_and_repeats_nothing(folder):
    said = run("resume.py", folder)
    assert "stopped after 5 of 15 batches" in said
    assert "80 windows before, 160 after, each once: True" in said
    assert "the same order as without the stop: True" in said
    assert (folder / "checkpoint.json").is_file()


@pytest.mark.slow
def test_event_locked_averages_peak_at_the_event(tmp_path):
    said = run("event_locked.py", tmp_path)
    assert "24 windows of 128 samples, -0.250 to 0.742 s from the event" in said
    assert float(re.search(r"peaks ([+-][\d.]+) s", said).group(1)) == 0


@pytest.mark.slow
def test_custom_recipe_is_what_the_store_was_made_with(tmp_path):
    said = run("custom_recipe.py", tmp_path)
    assert "(29, 6, 400) windows, channels, samples at 100 Hz: O1, O2, P7, P3, P4, P8" in said
    assert "'low': 4.0, 'high': 20.0" in said, "the change of `set` is over the recipe"
    assert "notch changed 100% of the samples notches at 60 Hz" in said


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_an_example_is_short_says_what_it_does_and_is_tested(script):
    text = script.read_text(encoding="utf-8")
    assert f"python {script.name} [FOLDER]" in ast.get_docstring(ast.parse(text))
    assert 'if __name__ == "__main__":' in text
    assert text.count("\n") <= 60
    assert f'run("{script.name}"' in Path(__file__).read_text(encoding="utf-8")


def test_the_reader_of_the_specification_reads_the_store_as_zarr_does(eyes_store):
    specification = (EXAMPLES.parent / "docs" / "store-format.md").read_text(encoding="utf-8")
    reader: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", specification, re.DOTALL).group(1), reader)
    root, group = reader["read_root"](eyes_store), zarr.open_group(eyes_store, mode="r")
    for name in root["consolidated_metadata"]["metadata"]:
        wanted = group[name][...]
        if name == "signals":
            found = np.stack(
                [reader["read_window"](eyes_store, root, row) for row in range(len(wanted))]
            )
        else:
            found = reader["read_array"](eyes_store, root, name)
        np.testing.assert_array_equal(
            found, wanted.astype(object) if found.dtype == object else wanted
        )


def test_the_commands_of_selecting_with_hed_print_what_it_says(command, shared, eegbci, synthetic):
    guide = (EXAMPLES.parent / "docs" / "selecting-with-hed.md").read_text(encoding="utf-8")
    Path("bids_dl/sample").mkdir(parents=True)
    for place, folder in (
        ("bids_dl/sample/ds004362", eegbci),
        ("synthetic", synthetic),
        ("ds005505", shared / "hed-metadata" / "ds005505"),
    ):
        Path(place).symlink_to(folder)
    Path("eyes.yaml").write_text(re.search(r"```yaml\n(.*?)```", guide, re.DOTALL).group(1))
    commands = re.findall(r"^bids-dl (.*)$", guide, re.MULTILINE)
    said = {line: command(*shlex.split(line)) for line in commands}
    assert len(said) == 4
    assert all(done.status == 0 for done in said.values()), said
    pictured, hbn, aliased, excluded = said.values()
    assert re.search(r"eyes_closed Eyes-closed 4 4 116 0 recording 4", pictured.words)
    assert re.search(r"5 25 425 0 until 25", hbn.words)
    assert "alias Shut: Eyes-closed OR Close-eyes OR Label/now-close-your-eyes" in aliased.err
    assert "left out of eyes_open: block: window" in excluded.words
    assert Path("eyes-closed.png").exists()
    failing = re.search(r"^error: --hed \"(.*?)\"", guide, re.MULTILINE).group(1)
    refused = command("events", "ds005505", "--task", "RestingState", "--hed", failing)
    assert refused.err.strip() in guide
    chain = command(
        "events",
        "ds005505",
        "--task",
        "RestingState",
        "--hed",
        "Sensory-event && Female && Sentence",
    )
    assert '--hed "Sensory-event AND Female AND Sentence" matches 55' in chain.err


def test_digests_are_what_the_specification_says(eyes_store):
    attributes = json.loads((eyes_store / "zarr.json").read_text())["attributes"]
    plan, recordings, manifest = (
        json.loads((eyes_store / f"{name}.json").read_text())
        for name in ("plan", "recordings", "manifest")
    )

    def digest(content: Any) -> str:
        return hashlib.sha256(
            json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()

    assert digest(plan) == attributes["plan"]
    assert {key: digest(done["sources"]) for key, done in recordings.items()} == plan["recordings"]
    assert (
        digest({key: done["sources"] for key, done in recordings.items()})
        == attributes["sources"][0]["sha256"]
    )
    files = {
        path.relative_to(eyes_store).as_posix(): path.read_bytes()
        for path in eyes_store.rglob("*")
        if path.is_file()
    }
    del files["manifest.json"]
    assert manifest["objects"] == {
        name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()}
        for name, c in files.items()
    }


def test_every_array_attribute_and_document_is_in_the_specification(eyes_store):
    specification = (EXAMPLES.parent / "docs" / "store-format.md").read_text(encoding="utf-8")
    root = json.loads((eyes_store / "zarr.json").read_text())
    arrays = {
        name
        for name, array in root["consolidated_metadata"]["metadata"].items()
        if "file" not in array["attributes"]
    }
    documents = {path.name for path in eyes_store.iterdir() if path.is_file()} - {
        "README.md",
        "CITATION.cff",
        "LICENSE",
    }
    named = set(re.findall(r"`([\w.]+)`", specification))
    assert {*arrays, *documents, *root["attributes"], *root["attributes"]["sources"][0]} <= named
