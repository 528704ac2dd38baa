"""Output of `bids-dl recipes` and `bids-dl models`."""

from __future__ import annotations

import re


def test_recipes_are_listed_and_explained(command):
    descriptions = {
        recipe["name"]: recipe["description"] for recipe in command("recipes", "--json").json
    }
    assert "0.5-45 Hz" in descriptions["default"]
    assert "0.5-45 Hz" in command("recipes").words
    steps = command("recipes", "default", "--json").json["steps"]
    assert [name for step in steps for name in step] == ["pick", "filter", "reference", "resample"]
    assert re.search(r"4\. resample \w.* sfreq: 128\.0", command("recipes", "default").words)


def test_models_are_listed_with_shapes_options_and_sources(command):
    models = {model["name"]: model for model in command("models", "--json").json}
    assert models["r-scnn"]["shape"] == [24, 256]
    assert models["r-scnn"]["normalize"] == "none"
    assert models["shallow-fbcsp"]["normalize"] is None
    assert all(model["source"] and model["summary"] for model in models.values())
    assert all(name in command("models").words for name in models)
