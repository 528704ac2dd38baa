from __future__ import annotations

import pytest

from bids_dl.config import parsing
from bids_dl.errors import ConfigError


def test_a_query_without_a_name_is_its_own_label():
    config = parsing.events_config({"hed": ["Eyes-closed", "Label/now-* && Red"]})
    assert [label.label for label in config.labels] == ["Eyes-closed", "Label_now-_____Red"]


def test_a_named_query_keeps_its_name_and_the_order_of_the_command_line():
    config = parsing.events_config({"hed": ["b=Eyes-closed", "a=Eyes-open"]})
    assert [(label.label, label.query) for label in config.labels] == [
        ("b", "Eyes-closed"),
        ("a", "Eyes-open"),
    ]


def test_an_option_of_one_label_wins_over_that_of_all():
    config = parsing.events_config(
        {"hed": ["a=Red", "b=Blue"], "until": ["next", "b=12.5"], "trim": ["a=3", "1,2"]}
    )
    assert [label.until for label in config.labels] == ["next", 12.5]
    assert [label.trim for label in config.labels] == [(3.0, 3.0), (1.0, 2.0)]


def test_what_is_excluded_is_so_for_all_labels_and_for_one():
    given = {
        "hed": {"a": "Red", "b": {"hed": "Blue", "exclude": "Circle"}},
        "exclude": ["Square", "b=Triangle"],
    }
    assert [label.exclude for label in parsing.events_config(given).labels] == [
        ("Square",),
        ("Square", "Triangle", "Circle"),
    ]


@pytest.mark.parametrize("around", [("b=Red", 30.0), {"b": ["Red", 30]}, ["b=Red", "30"]])
def test_around_holds_for_all_labels_or_for_one(around):
    assert [
        label.around
        for label in parsing.events_config({"hed": ["a=Blue", "b=Green"], "around": around}).labels
    ] == [None, ("Red", 30)]
    both = parsing.events_config(
        {"hed": ["a=Blue", "b=Green"], "around": ("Red", 30.0), "during": ["a=Task"]}
    )
    assert [(label.around, label.during) for label in both.labels] == [
        (("Red", 30), "Task"),
        (("Red", 30), None),
    ]


def test_yaml_and_command_line_say_the_same():
    yaml = {
        "hed": {"a": "Red", "b": {"any": ["Blue", "Green"], "until": 4}},
        "trim": [3, 5],
        "split": [0.5, 0.5],
    }
    a, b = parsing.request(yaml).events.labels
    assert (a.query, a.trim, b.query, b.until) == (
        "Red",
        (3.0, 5.0),
        {"any": ["Blue", "Green"]},
        4.0,
    )
    assert parsing.request(yaml).splits.split == (0.5, 0.5)


def test_split_is_fractions_or_a_column():
    assert parsing.request({"hed": "Red", "split": "0.8,0.1,0.1"}).splits.split == (0.8, 0.1, 0.1)
    assert parsing.request({"hed": "Red", "split": "site"}).splits.split == "site"


def test_a_value_that_is_no_yaml_is_taken_as_it_is():
    assert parsing.storage_options(["secret=@[x", "anon=true"]) == {"secret": "@[x", "anon": True}


def test_side_by_side_is_the_same_request_said_or_not():
    assert parsing.request({"hed": "Red", "window": 2}) == parsing.request(
        {"hed": "Red", "window": 2, "stride": 2}
    )


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("4GB", 4_000_000_000), ("1.5 GiB", 1_610_612_736), ("500mb", 500_000_000), (1000, 1000)],
)
def test_memory_is_a_size(text, n_bytes):
    assert parsing.pipeline_config({"memory": text}).memory == n_bytes


def test_memory_that_is_no_size_is_refused():
    with pytest.raises(ConfigError, match="--memory lots: wanted a size, such as 4GB"):
        parsing.pipeline_config({"memory": "lots"})


def test_values_of_set_are_yaml():
    assert parsing.changes(
        ["filter.high=40", "pick.types=[eeg]", "reference.channels=average"]
    ) == {
        "filter.high": 40,
        "pick.types": ["eeg"],
        "reference.channels": "average",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no query given"),
        ({"hed": ["a=Red", "a=Blue"]}, "two queries have the label 'a'"),
        ({"hed": ["=Red"]}, "a label stands before the ="),
        ({"hed": "Red", "windw": 2}, "unknown option 'windw'; did you mean 'window'"),
        ({"hed": ["a=Red"], "around": ("c=Red", 3)}, "--around: no query has the label 'c'"),
        ({"hed": "Red", "around": "Blue"}, "--around Blue: wanted QUERY SECONDS"),
        ({"hed": "Red", "around": ("Blue", -1)}, "around must not be negative, got -1 s"),
        ({"hed": "Red", "aliases": ["a"]}, "aliases: wanted NAME"),
        ({"hed": "Red", "window": -1}, "window and stride must be positive, got -1.0 s"),
        ({"hed": "Red", "window": 2, "tmin": 0, "tmax": 1}, "not both"),
        ({"hed": "Red", "tmin": 1, "tmax": 0}, "tmin < tmax, got 1.0 and 0.0"),
        ({"hed": "Red", "trim": "x"}, "--trim x: wanted SECONDS or FROM,TO"),
        ({"hed": "Red", "split": "0.5,0.6"}, "add up to 1"),
        ({"hed": "Red", "set": ["filter.high"]}, "wanted KEY=VALUE"),
        ({"hed": "Red", "dtype": "int4"}, "dtype 'int4'"),
        ({"hed": {"a": {"hed": "Red", "all": ["Blue"]}}}, "give either"),
        ({"hed": "a=Red", "trim": ["b=3"]}, "--trim: no query has the label 'b'; the labels are a"),
        ({"hed": "eyes=Red", "within": {"eye": [1, 2]}}, "did you mean 'eyes'"),
        ({"hed": "Red", "trim": ["1", "2"]}, "given twice for all labels"),
        ({"hed": "Red", "window": float("nan")}, "window nan: input should be a finite number"),
        ({"hed": "Red", "tmin": 0, "tmax": float("inf")}, "finite"),
        ({"hed": "Red", "trim": "inf"}, "--trim inf: wanted SECONDS"),
        ({"hed": "Red", "subject": 1}, "quote it"),
        ({"hed": {"a": 5}}, "hed: a: 5 is no query"),
        ({"hed": "Red", "seed": -1}, "seed -1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_value(given, message):
    with pytest.raises(ConfigError) as refusal:
        parsing.request(given)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_config_file_that_is_not_yaml_names_the_line(tmp_path):
    file = tmp_path / "eyes.yaml"
    file.write_text("hed: Red\nwindow: [2\n")
    with pytest.raises(ConfigError, match=r"not YAML, line 3"):
        parsing.read_file(str(file))
