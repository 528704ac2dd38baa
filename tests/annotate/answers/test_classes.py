"""The classes file."""

from __future__ import annotations

import pytest

from bids_dl.annotate.answers.classes import load_classes, parse_classes
from bids_dl.errors import ConfigError

SPIKE = {"hed": "Epileptiform-interictal-activity, Spike", "key": 1}


def test_the_background_is_a_class_of_every_file():
    assert [item.name for item in parse_classes({"spike": SPIKE}, "c")] == ["background", "spike"]
    own = {"spike": SPIKE, "background": {"hed": "Continuous-background-activity"}}
    [background, _] = parse_classes(own, "c")
    assert (background.hed, background.key) == ("Continuous-background-activity", "0")


def test_a_class_without_a_key_gets_the_first_free_one():
    content = {
        "a": {"hed": "Spike"},
        "b": {"hed": "Sharp-wave", "key": 1},
        "c": {"hed": "Polyspikes"},
    }
    assert [item.key for item in parse_classes(content, "c")] == ["0", "2", "1", "3"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"spike": {"hed": "Spik"}}, "spike: Spik is no tag of score_2.1.0; did you mean Spike"),
        ({"spike": {"hed": "Spike-morphology"}}, "no tag of score_2.1.0"),
        ({"spike": {"hed": "Spike, Spike"}}, "is not valid: Repeated tag"),
        ({"spike": {"hed": "(Spike"}}, "parentheses"),
        ({"spike": {"hed": "Spike), (Red"}}, "closes a parenthesis that it does not open"),
        ({"spike": {"hed": "Label/\ud800"}}, r"the HED has the character '\\ud800'"),
        ({"spike": {"hed": " , "}}, "the HED is empty"),
        ({"spike": "Spike"}, "spike has no HED"),
        ({"a b": SPIKE}, "'a b' is no name of a class"),
        ({"unsure": SPIKE}, "'unsure' is no name of a class"),
        ({"spike": {**SPIKE, "key": "x"}}, "the key 'x'; use a digit"),
        ({"spike": {**SPIKE, "key": 0}}, "have the key 0"),
        ({"spike": {**SPIKE, "colour": 1}}, "the field 'colour'; there are hed"),
        ([], "expected NAME"),
    ],
)
def test_a_wrong_file_is_refused_with_the_way_out(content, message):
    with pytest.raises(ConfigError, match=message):
        parse_classes(content, "--classes c.yaml")


def test_a_class_that_is_in_the_file_twice_is_refused(tmp_path):
    file = tmp_path / "classes.yaml"
    file.write_text("spike: {hed: Spike}\nspike: {hed: Sharp-wave}\n")
    with pytest.raises(ConfigError, match="spike"):
        load_classes(file)


def test_hed_of_several_lines_becomes_one_line():
    content = {"spike": {"hed": "Epileptiform-interictal-activity,\n  Spike\n"}}
    [_, spike] = parse_classes(content, "c")
    assert spike.hed == SPIKE["hed"]
